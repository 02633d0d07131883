//! What flags mean together.

use clap::Parser;
use newleaf_identity::Source;

use super::Args;
use crate::{
    api_key::ApiKeySource,
    config::{self, Environment},
    options::{CredentialsOptions, ListenerTls, Options},
};

#[derive(Debug, Parser)]
struct Cli {
    #[command(flatten)]
    args: Args,
}

/// Resolves these flags, besides the one that is always needed.
fn resolve(flags: &str) -> Result<Options, String> {
    let flags = flags.split_whitespace();
    let all = ["proxy", "--upstream", "temporal.test:7233"];
    let cli = Cli::try_parse_from(all.into_iter().chain(flags));
    let args = cli.map_err(|error| error.to_string())?.args;
    config::resolve(args, None, &Environment::new(|_name| None)).map_err(|error| error.to_string())
}

fn credentials(flags: &str) -> CredentialsOptions {
    let options = resolve(flags).unwrap();
    let [upstream] = &options.upstreams[..] else {
        panic!("expected one upstream, found {options:?}");
    };
    upstream.credentials.clone()
}

#[test]
fn an_identity_an_api_key_or_both() {
    let identity = Source::Directory("id".into());
    let api_key = ApiKeySource::File("key".into());
    assert_eq!(
        credentials("--identity id"),
        CredentialsOptions::Identity(identity.clone())
    );
    assert_eq!(
        credentials("--api-key-file key"),
        CredentialsOptions::ApiKey(api_key.clone())
    );
    assert_eq!(
        credentials("--identity id --api-key-file key"),
        CredentialsOptions::Both { identity, api_key }
    );
    for flags in ["", "--cert a", "--identity id --cert a --key b"] {
        assert!(resolve(flags).is_err(), "{flags}");
    }
}

#[test]
fn tls_towards_callers_needs_both_files() {
    let tls = |flags: &str| {
        let options = resolve(&format!("--identity id {flags}"));
        options.map(|options| options.listeners[0].tls.clone())
    };
    let identity = Source::Files {
        chain: "c".into(),
        key: "k".into(),
    };
    let expected = |client_trust| {
        Some(ListenerTls {
            identity: identity.clone(),
            client_trust,
        })
    };
    assert_eq!(tls(""), Ok(None));
    let both = "--listen-cert c --listen-key k";
    assert_eq!(tls(both), Ok(expected(None)));
    let asked = format!("{both} --listen-client-ca ca");
    assert_eq!(tls(&asked), Ok(expected(Some("ca".into()))));
    for flags in ["--listen-cert c", "--listen-key k", "--listen-client-ca ca"] {
        assert!(tls(flags).is_err(), "{flags}");
    }
    let error = tls("--listen-client-ca ca").unwrap_err();
    assert!(error.contains("--listen-cert"), "{error}");
}

#[test]
fn dns_servers_in_their_order_and_those_of_flags_before_those_of_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("proxy.yaml");
    fs_err::write(&file, "dns_servers: [10.0.0.9]").unwrap();
    let servers = |flags: &str| {
        let flags = flags.split_whitespace();
        let all = [
            "proxy",
            "--upstream",
            "temporal.test:7233",
            "--identity",
            "id",
        ];
        let cli = Cli::try_parse_from(all.into_iter().chain(flags)).unwrap();
        let nothing = Environment::new(|_name| None);
        let options = config::resolve(cli.args, Some(&file), &nothing).unwrap();
        let resolver = options.upstreams[0].resolver.options();
        assert_eq!(
            resolver.resolv_conf,
            std::path::Path::new("/etc/resolv.conf")
        );
        resolver.servers.clone()
    };
    let both = ["10.0.0.2:53", "[::1]:5353"].map(|server| server.parse().unwrap());
    assert_eq!(
        servers("--dns-server 10.0.0.2 --dns-server [::1]:5353"),
        both
    );
    assert_eq!(servers(""), ["10.0.0.9:53".parse().unwrap()]);
    let error = resolve("--identity id --dns-server dns.example").unwrap_err();
    let expect = "expected a DNS server as `IP` or `IP:PORT`, found `dns.example`";
    assert!(error.contains(expect), "{error}");
}
