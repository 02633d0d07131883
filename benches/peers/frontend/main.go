// Command frontend is a gRPC server that treats connections as Temporal's frontend does: grpc-go with keepalive's
// MaxConnectionAge and MaxConnectionAgeGrace. It does what the measuring server does: a request says how long the reply is and when it is due. For each
// call it prints when it began (Unix milliseconds), the caller's subject, its namespace and the method.
package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
)

type raw struct{}

func (raw) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(*v.(*[]byte))}, nil
}
func (raw) Unmarshal(data mem.BufferSlice, v any) error {
	*v.(*[]byte) = data.Materialize()
	return nil
}
func (raw) Name() string { return "proto" }

// trust makes the TLS configuration of the moment: the same one, and with it the same session tickets, until the
// accepted CAs change.
type trust struct {
	sync.Mutex
	certificate tls.Certificate
	path        string
	text        []byte
	config      *tls.Config
}

func (t *trust) get(*tls.ClientHelloInfo) (*tls.Config, error) {
	text, err := os.ReadFile(t.path)
	if err != nil {
		return nil, err
	}
	t.Lock()
	defer t.Unlock()
	if t.config == nil || !bytes.Equal(text, t.text) {
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(text)
		t.text = text
		t.config = &tls.Config{
			Certificates: []tls.Certificate{t.certificate},
			ClientAuth:   tls.RequireAndVerifyClientCert,
			ClientCAs:    pool,
			NextProtos:   []string{"h2"},
		}
	}
	return t.config, nil
}

func main() {
	listen := flag.String("listen", "", "where to listen")
	pki := flag.String("pki", "", "the certificates")
	age := flag.Duration("age", time.Minute, "MaxConnectionAge")
	grace := flag.Duration("grace", 70*time.Second, "MaxConnectionAgeGrace")
	version := flag.Bool("version", false, "say what this is")
	flag.Parse()
	if *version {
		fmt.Println("frontend 2, grpc-go", grpc.Version)
		return
	}

	certificate, err := tls.LoadX509KeyPair(*pki+"/server.pem", *pki+"/server.key")
	if err != nil {
		log.Fatal(err)
	}
	accepted := &trust{certificate: certificate, path: *pki + "/client-cas.pem"}
	var lock sync.Mutex
	seen := bufio.NewWriter(os.Stdout)
	go func() {
		for {
			time.Sleep(20 * time.Millisecond)
			lock.Lock()
			seen.Flush()
			lock.Unlock()
		}
	}()
	serve := func(_ any, stream grpc.ServerStream) error {
		began := time.Now().UnixMilli()
		var request []byte
		if err := stream.RecvMsg(&request); err != nil {
			return err
		}
		var length, hold uint32
		if len(request) >= 8 {
			length, hold = binary.BigEndian.Uint32(request), binary.BigEndian.Uint32(request[4:])
		}
		from, _ := peer.FromContext(stream.Context())
		name := from.AuthInfo.(credentials.TLSInfo).State.PeerCertificates[0].Subject.CommonName
		headers, _ := metadata.FromIncomingContext(stream.Context())
		namespace := append(headers.Get("temporal-namespace"), "-")[0]
		method, _ := grpc.MethodFromServerStream(stream)
		lock.Lock()
		fmt.Fprintln(seen, began, "CN="+name, namespace, method)
		lock.Unlock()
		if hold > 0 {
			select {
			case <-time.After(time.Duration(hold) * time.Millisecond):
			case <-stream.Context().Done():
			}
		}
		reply := make([]byte, length)
		return stream.SendMsg(&reply)
	}
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(grpc.NewServer(
		grpc.Creds(credentials.NewTLS(&tls.Config{GetConfigForClient: accepted.get, NextProtos: []string{"h2"}})),
		grpc.ForceServerCodecV2(raw{}),
		grpc.UnknownServiceHandler(serve),
		grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionAge: *age, MaxConnectionAgeGrace: *grace}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 10 * time.Second, PermitWithoutStream: true}),
	).Serve(listener))
}
