// Measures zlint on the certificates of a PEM file: its RFC family only, in one goroutine, parsing included.
//
// Usage: bench-zlint FILE
//
// Prints JSON: nanoseconds of a core a certificate (the median of 5 rounds), and how many rules were run.
package main

import (
	"encoding/pem"
	"fmt"
	"os"
	"runtime"
	"sort"
	"syscall"

	"github.com/zmap/zcrypto/x509"
	"github.com/zmap/zlint/v3"
	"github.com/zmap/zlint/v3/lint"
)

func main() {
	runtime.GOMAXPROCS(1)
	rest, err := os.ReadFile(os.Args[1])
	if err != nil {
		panic(err)
	}
	var all [][]byte
	for {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		if block == nil {
			break
		}
		all = append(all, block.Bytes)
	}
	rfc := lint.SourceList{
		lint.RFC3279, lint.RFC5280, lint.RFC5480, lint.RFC5891, lint.RFC6962, lint.RFC8813,
	}
	registry, err := lint.GlobalRegistry().Filter(lint.FilterOptions{IncludeSources: rfc})
	if err != nil {
		panic(err)
	}
	var rounds []int64
	for round := 0; round < 5; round++ {
		began := cpuTime()
		for _, der := range all {
			certificate, err := x509.ParseCertificate(der)
			if err != nil {
				panic(err)
			}
			zlint.LintCertificateEx(certificate, registry)
		}
		rounds = append(rounds, (cpuTime()-began)/int64(len(all)))
	}
	sort.Slice(rounds, func(i, j int) bool { return rounds[i] < rounds[j] })
	rules := len(registry.CertificateLints().Lints())
	fmt.Printf("{\"nanoseconds\": %d, \"rules\": %d}\n", rounds[len(rounds)/2], rules)
}

// cpuTime returns the nanoseconds that this process has had a core, its garbage collector included.
func cpuTime() int64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return usage.Utime.Nano() + usage.Stime.Nano()
}
