// Command grpc-proxy is a proxy on grpc-go as one writes it who wants speed: messages pass as bytes, one connection to
// the server. It stands in for Temporal's own proxy, which is built on grpc-go and decodes every message besides.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
)

// raw passes messages as they are.
type raw struct{}

func (raw) Marshal(v any) (mem.BufferSlice, error) { return *v.(*mem.BufferSlice), nil }
func (raw) Unmarshal(data mem.BufferSlice, v any) error {
	data.Ref()
	*v.(*mem.BufferSlice) = data
	return nil
}
func (raw) Name() string { return "proto" }

const window = 4 << 20

func main() {
	listen := flag.String("listen", "", "where callers are accepted")
	upstream := flag.String("upstream", "", "the server")
	pki := flag.String("pki", "", "the certificates")
	version := flag.Bool("version", false, "say what this is")
	flag.Parse()
	if *version {
		fmt.Println("grpc-proxy 1, grpc-go", grpc.Version)
		return
	}

	roots := x509.NewCertPool()
	ca, err := os.ReadFile(*pki + "/server-ca.pem")
	if err != nil {
		log.Fatal(err)
	}
	roots.AppendCertsFromPEM(ca)
	config := &tls.Config{
		RootCAs:    roots,
		ServerName: "localhost",
		// Asked at every handshake: a new certificate is used from the next connection on.
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			certificate, err := tls.LoadX509KeyPair(*pki+"/live/tls.crt", *pki+"/live/tls.key")
			return &certificate, err
		},
	}
	server, err := grpc.NewClient(*upstream,
		grpc.WithTransportCredentials(credentials.NewTLS(config)),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(raw{}), grpc.MaxCallRecvMsgSize(64<<20), grpc.MaxCallSendMsgSize(64<<20)),
		grpc.WithInitialWindowSize(window), grpc.WithInitialConnWindowSize(4*window),
		grpc.WithReadBufferSize(64<<10), grpc.WithWriteBufferSize(64<<10))
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(grpc.NewServer(
		grpc.ForceServerCodecV2(raw{}), grpc.MaxRecvMsgSize(64<<20), grpc.MaxSendMsgSize(64<<20),
		grpc.InitialWindowSize(window), grpc.InitialConnWindowSize(4*window),
		grpc.ReadBufferSize(64<<10), grpc.WriteBufferSize(64<<10),
		grpc.UnknownServiceHandler(func(_ any, caller grpc.ServerStream) error { return forward(server, caller) }),
	).Serve(listener))
}

func forward(server *grpc.ClientConn, caller grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(caller)
	ctx, cancel := context.WithCancel(caller.Context())
	defer cancel()
	if headers, ok := metadata.FromIncomingContext(ctx); ok {
		ctx = metadata.NewOutgoingContext(ctx, headers)
	}
	call, err := server.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, method)
	if err != nil {
		return err
	}
	go func() {
		for {
			var message mem.BufferSlice
			if caller.RecvMsg(&message) != nil {
				call.CloseSend()
				return
			}
			if call.SendMsg(&message) != nil {
				return
			}
		}
	}()
	for {
		var message mem.BufferSlice
		if err := call.RecvMsg(&message); err != nil {
			caller.SetTrailer(call.Trailer())
			if err == io.EOF {
				return nil
			}
			return err
		}
		if err := caller.SendMsg(&message); err != nil {
			return err
		}
	}
}
