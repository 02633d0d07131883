// Judges client certificates as a Temporal server does: Go's crypto/x509, client authentication, and what Go's crypto/tls
// and crypto/rsa ask of keys beside (processCertsFromClient, checkPublicKeySize).
//
// Usage: go run verify.go UNIX_SECONDS (CA_FILE CHAIN_FILE)...
//
// Prints one line for each pair: "ok", or why the chain is refused.
package main

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

func main() {
	seconds, err := strconv.ParseInt(os.Args[1], 10, 64)
	if err != nil {
		panic(err)
	}
	pairs := os.Args[2:]
	for i := 0; i+1 < len(pairs); i += 2 {
		fmt.Println(strings.ReplaceAll(judge(pairs[i], pairs[i+1], time.Unix(seconds, 0)), "\n", " "))
	}
}

func judge(caFile, chainFile string, now time.Time) string {
	cas, err := trusted(caFile)
	if err != nil {
		return err.Error()
	}
	chain, err := certificates(chainFile)
	if err != nil {
		return err.Error()
	}
	options := x509.VerifyOptions{
		Roots:         cas,
		Intermediates: x509.NewCertPool(),
		CurrentTime:   now,
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	for _, presented := range chain {
		if key, isRSA := presented.PublicKey.(*rsa.PublicKey); isRSA && key.N.BitLen() > 8192 {
			return "tls: client sent certificate containing RSA key larger than 8192 bits"
		}
	}
	for _, intermediate := range chain[1:] {
		options.Intermediates.AddCert(intermediate)
	}
	if _, err := chain[0].Verify(options); err != nil {
		return err.Error()
	}
	switch key := chain[0].PublicKey.(type) {
	case *ecdsa.PublicKey, ed25519.PublicKey:
	case *rsa.PublicKey:
		if key.N.BitLen() < 1024 {
			return "crypto/rsa: keys of fewer than 1024 bits are insecure"
		}
		if key.E < 2 || key.E > 1<<31-1 || key.E&1 == 0 {
			return "crypto/rsa: invalid public exponent"
		}
	default:
		return fmt.Sprintf("tls: client certificate contains an unsupported public key of type %T", key)
	}
	return "ok"
}

// A server passes over what it cannot read among its CAs.
func trusted(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	return pool, nil
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
