// Reads certificates as a Temporal server does: with Go's crypto/x509.
//
// Usage: go run read.go < LIST, a list of files in DER, one a line.
//
// Prints one line for each file: "ok", or why it cannot be read.
package main

import (
	"bufio"
	"crypto/x509"
	"fmt"
	"os"
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		der, err := os.ReadFile(lines.Text())
		if err != nil {
			panic(err)
		}
		if _, err := x509.ParseCertificate(der); err != nil {
			fmt.Printf("%q\n", err)
		} else {
			fmt.Println("ok")
		}
	}
}
