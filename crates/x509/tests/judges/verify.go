// Judges client certificates as a Temporal server does: Go's crypto/x509, client authentication.
//
// Usage: go run verify.go UNIX_SECONDS (CA_FILE CHAIN_FILE)...
//
// Prints one line for each pair: "ok", or why the chain is refused.
package main

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"strconv"
	"time"
)

func main() {
	seconds, err := strconv.ParseInt(os.Args[1], 10, 64)
	if err != nil {
		panic(err)
	}
	pairs := os.Args[2:]
	for i := 0; i+1 < len(pairs); i += 2 {
		fmt.Println(judge(pairs[i], pairs[i+1], time.Unix(seconds, 0)))
	}
}

func judge(caFile, chainFile string, now time.Time) string {
	cas, err := certificates(caFile)
	if err != nil {
		return err.Error()
	}
	chain, err := certificates(chainFile)
	if err != nil {
		return err.Error()
	}
	options := x509.VerifyOptions{
		Roots:         x509.NewCertPool(),
		Intermediates: x509.NewCertPool(),
		CurrentTime:   now,
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	for _, ca := range cas {
		options.Roots.AddCert(ca)
	}
	for _, intermediate := range chain[1:] {
		options.Intermediates.AddCert(intermediate)
	}
	if _, err := chain[0].Verify(options); err != nil {
		return err.Error()
	}
	return "ok"
}

func certificates(file string) ([]*x509.Certificate, error) {
	rest, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var found []*x509.Certificate
	for {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		if block == nil {
			break
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		found = append(found, certificate)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("no certificate in %s", file)
	}
	return found, nil
}
