//! Which place counts most, and what each of them may not say.

use std::{ffi::OsString, os::unix::ffi::OsStringExt as _};

use clap::Parser as _;
use newleaf_identity::{Source, source::Helper};

use super::*;
use crate::{
    api_key::ApiKeySource,
    options::{CredentialsOptions, ListenerTls, ServerTrust},
    testing::Ca,
};

#[derive(clap::Parser)]
struct Cli {
    #[command(flatten)]
    args: Args,
}

fn args(line: &str) -> Args {
    let words = std::iter::once("newleaf-proxy").chain(line.split_whitespace());
    Cli::try_parse_from(words).unwrap().args
}

fn nothing(_name: &str) -> Option<OsString> {
    None
}

/// Where Temporal is, who we are, and a key.
fn variables(name: &str) -> Option<OsString> {
    let value = match name {
        "TEMPORAL_ADDRESS" => "from.env:7233",
        "TEMPORAL_NAMESPACE" => "env.a2dd6",
        "TEMPORAL_TLS" => "true",
        "TEMPORAL_TLS_CLIENT_CERT_PATH" => "/env/tls.crt",
        "TEMPORAL_TLS_CLIENT_KEY_PATH" => "/env/tls.key",
        "TEMPORAL_TLS_SERVER_NAME" => "name.of.env",
        "TEMPORAL_API_KEY" | "CLOUD_KEY" => "eyJhbGciOi.secret",
        _ => return None,
    };
    Some(value.into())
}

/// A file that says as much as can be said of one upstream.
const ONE: &str = "
listeners:
  - listen: 127.0.0.1:7000
upstreams:
  cloud:
    address: from.file:7233
    namespace: file.a2dd6
    identity: {directory: identity}
    connection_age: 4m
admin: 127.0.0.1:7001
drain_timeout: 90s
";

/// Two upstreams, told apart by namespace.
const TWO: &str = "
listeners:
  - listen: unix:/run/newleaf.sock
    namespaces: {pay.a2dd6: cloud, old.a2dd6: old}
    unnamed: cloud
  - listen: 127.0.0.1:7000
    upstream: old
    tls: {cert: in.crt, key: in.key, client_ca: in-ca.crt}
upstreams:
  cloud:
    address: cloud:7233
    api_key: env:CLOUD_KEY
  old:
    address: old:7233
    identity: {command: [./fetch, --secret, worker], every: 2m}
    api_key: file:key
    connect_proxy: {url: 'http://proxy:3128', credentials: proxy-password}
allow_non_loopback: true
";

struct Bench {
    directory: tempfile::TempDir,
    file: PathBuf,
}

fn bench(text: &str) -> Bench {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("proxy.yaml");
    fs_err::write(&file, text).unwrap();
    Bench { directory, file }
}

impl Bench {
    fn resolve(
        &self,
        flags: &str,
        lookup: fn(&str) -> Option<OsString>,
    ) -> Result<Options, ConfigError> {
        resolve(args(flags), Some(&self.file), &Environment::new(lookup))
    }

    fn error(&self, flags: &str, lookup: fn(&str) -> Option<OsString>) -> String {
        let error = self.resolve(flags, lookup).unwrap_err();
        let text = error.to_string();
        text.replace(&self.file.display().to_string(), "proxy.yaml")
    }
}

fn only(options: &Options) -> &UpstreamOptions {
    let [only] = options.upstreams.as_slice() else {
        panic!("{options:?}");
    };
    only
}

#[test]
fn defaults_stand_where_nobody_says_anything() {
    let flags = args("--upstream server:7233 --identity /identity");
    let options = resolve(flags, None, &Environment::new(nothing)).unwrap();
    let [listener] = options.listeners.as_slice() else {
        panic!("{options:?}");
    };
    assert_eq!(
        listener.listen,
        Listen::Tcp("127.0.0.1:7233".parse().unwrap())
    );
    assert_eq!(listener.route, Route::Upstream("temporal".to_owned()));
    assert_eq!(options.exposure, Exposure::Loopback);
    assert_eq!(options.admin, None);
    assert_eq!(options.drain_timeout, limits::DRAIN);
    let upstream = only(&options);
    assert_eq!(upstream.connection_age, limits::CONNECTION_AGE);
    assert_eq!(upstream.server_trust, ServerTrust::Platform);
    let identity = Source::Directory("/identity".into());
    assert_eq!(upstream.credentials, CredentialsOptions::Identity(identity));
}

#[test]
fn a_flag_beats_a_variable_and_a_variable_beats_the_file() {
    let bench = bench(ONE);
    let of = |flags: &str, lookup| {
        let options = bench.resolve(flags, lookup).unwrap();
        let upstream = only(&options).clone();
        let identity = upstream.credentials.identity().unwrap().to_string();
        (upstream.address, upstream.namespace.unwrap(), identity)
    };
    let told = |address: &str, namespace: &str, identity: &str| {
        (
            address.to_owned(),
            namespace.to_owned(),
            identity.to_owned(),
        )
    };
    let directory = bench
        .directory
        .path()
        .join("identity")
        .display()
        .to_string();
    assert_eq!(
        of("", nothing),
        told("from.file:7233", "file.a2dd6", &format!("`{directory}`"))
    );
    let of_env = "`/env/tls.crt` and `/env/tls.key`";
    assert_eq!(
        of("", variables),
        told("from.env:7233", "env.a2dd6", of_env)
    );
    assert_eq!(
        of("--upstream from.flag:1 --identity-socket /sock", variables),
        told("from.flag:1", "env.a2dd6", "the socket `/sock`")
    );
    let options = bench
        .resolve("--drain-timeout 7 --listen unix:/sock", nothing)
        .unwrap();
    assert_eq!(options.drain_timeout, Duration::from_secs(7));
    assert_eq!(options.listeners[0].listen, Listen::Unix("/sock".into()));
    assert_eq!(only(&options).connection_age, Duration::from_mins(4));
    let told = Listen::Tcp("127.0.0.1:7001".parse().unwrap());
    assert_eq!(options.admin, Some(told));
    let options = bench.resolve("--admin unix:/admin", nothing).unwrap();
    assert_eq!(options.admin, Some(Listen::Unix("/admin".into())));
}

#[test]
fn the_path_of_a_socket_is_relative_to_the_file() {
    let text = ONE.replace("127.0.0.1:7000", "unix:in.sock");
    let bench = bench(&text.replace("127.0.0.1:7001", "unix:admin.sock"));
    let options = bench.resolve("", nothing).unwrap();
    let socket = |name| Listen::Unix(bench.directory.path().join(name));
    assert_eq!(options.listeners[0].listen, socket("in.sock"));
    assert_eq!(options.admin, Some(socket("admin.sock")));
}

#[test]
fn temporals_variables_are_enough() {
    let options = resolve(Args::default(), None, &Environment::new(variables)).unwrap();
    let upstream = only(&options);
    assert_eq!(upstream.address, "from.env:7233");
    assert_eq!(upstream.server_name.as_deref(), Some("name.of.env"));
    assert!(upstream.credentials.identity().is_some());
    assert!(matches!(
        upstream.credentials.api_key(),
        Some(ApiKeySource::Fixed(_))
    ));
    let shown = format!("{options:?} {:?}", Environment::new(variables));
    assert!(!shown.contains("secret"), "{shown}");
}

fn says(name: &str, wanted: &str, value: &str) -> Option<OsString> {
    (name == wanted).then(|| value.into())
}

#[test]
fn what_a_variable_cannot_have_is_refused() {
    let check = |lookup: fn(&str) -> Option<OsString>, expected: &str| {
        let flags = args("--upstream server:7233 --identity /identity");
        let error = resolve(flags, None, &Environment::new(lookup)).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(expected) && !text.contains("hush"), "{text}");
    };
    check(|name| says(name, "TEMPORAL_TLS", "false"), "TEMPORAL_TLS");
    check(|name| says(name, "TEMPORAL_TLS", "hush"), "`true`");
    check(
        |name| says(name, "TEMPORAL_TLS_DISABLE_HOST_VERIFICATION", "1"),
        "verifies every server",
    );
    check(
        |name| says(name, "TEMPORAL_TLS_CLIENT_KEY_DATA", "hush"),
        "TEMPORAL_TLS_CLIENT_KEY_PATH",
    );
    check(
        |name| says(name, "TEMPORAL_TLS_CLIENT_CERT_PATH", "/tls.crt"),
        "TEMPORAL_TLS_CLIENT_KEY_PATH",
    );
    check(
        |name| says(name, "TEMPORAL_API_KEY", "hush hush"),
        "TEMPORAL_API_KEY",
    );
    // With these, SDKs find address, TLS and API key elsewhere.
    check(
        |name| says(name, "TEMPORAL_PROFILE", "production"),
        "cannot use the variable `TEMPORAL_PROFILE`: unset it: the proxy reads no profile of Temporal",
    );
    check(
        |name| says(name, "TEMPORAL_CONFIG_FILE", "/temporal.toml"),
        "`TEMPORAL_CONFIG_FILE`",
    );
}

/// It would count as not set otherwise, and another place would be heard.
#[test]
fn a_variable_that_is_no_text_is_told() {
    fn lookup(name: &str) -> Option<OsString> {
        let garbled = matches!(name, "TEMPORAL_ADDRESS" | "CLOUD_KEY");
        garbled.then(|| OsString::from_vec(b"hush\xff".to_vec()))
    }
    let error = bench(ONE).error("", lookup);
    assert_eq!(
        error,
        "cannot use the variable `TEMPORAL_ADDRESS`: expected UTF-8, found something else"
    );
    let file = "upstreams:\n  cloud: {api_key: \"env:CLOUD_KEY\"}\n";
    let error = bench(file).error("", lookup);
    assert_eq!(
        error,
        "proxy.yaml:2:20: expected UTF-8 in the variable `CLOUD_KEY`, found something else"
    );
}

#[test]
fn the_cas_of_the_server_may_stand_in_a_variable() {
    fn lookup(name: &str) -> Option<OsString> {
        (name == "TEMPORAL_TLS_SERVER_CA_CERT_DATA").then(|| Ca::new().certificate.to_pem().into())
    }
    let flags = args("--upstream server:7233 --identity /identity");
    let options = resolve(flags, None, &Environment::new(lookup)).unwrap();
    assert!(matches!(
        only(&options).server_trust,
        ServerTrust::Bundle(_)
    ));
}

/// Whoever changes what a listener shows its callers has said nothing of whom to let in.
#[test]
fn another_certificate_lets_nobody_else_in() {
    let bench = bench("listeners: [{tls: {cert: in.crt, key: in.key, client_ca: in-ca.crt}}]");
    let base = |name: &str| bench.directory.path().join(name);
    let tls = |flags: &str| {
        let flags = format!("--upstream server:7233 --identity id {flags}");
        let options = bench.resolve(&flags, nothing).unwrap();
        options.listeners[0].tls.clone().unwrap()
    };
    let files = |chain: PathBuf, key: PathBuf| Source::Files { chain, key };
    let of_the_file = files(base("in.crt"), base("in.key"));
    let of_flags = files("new.crt".into(), "new.key".into());
    let expected = |identity: &Source, client_ca| ListenerTls {
        identity: identity.clone(),
        client_trust: Some(client_ca),
    };
    assert_eq!(tls(""), expected(&of_the_file, base("in-ca.crt")));
    assert_eq!(
        tls("--listen-cert new.crt --listen-key new.key"),
        expected(&of_flags, base("in-ca.crt"))
    );
    assert_eq!(
        tls("--listen-client-ca new-ca.crt"),
        expected(&of_the_file, "new-ca.crt".into())
    );
}

#[test]
fn a_file_has_several_of_everything() {
    let bench = bench(TWO);
    let options = bench.resolve("", variables_of_the_file_only).unwrap();
    let base = |name: &str| bench.directory.path().join(name);
    let [by_namespace, old] = options.listeners.as_slice() else {
        panic!("{options:?}");
    };
    let Route::ByNamespace {
        namespaces,
        otherwise,
        unnamed,
    } = &by_namespace.route
    else {
        panic!("{options:?}");
    };
    assert_eq!(namespaces["pay.a2dd6"], "cloud");
    assert_eq!((otherwise, unnamed.as_deref()), (&None, Some("cloud")));
    let tls = ListenerTls {
        identity: Source::Files {
            chain: base("in.crt"),
            key: base("in.key"),
        },
        client_trust: Some(base("in-ca.crt")),
    };
    assert_eq!(old.tls, Some(tls));
    let [cloud, old] = options.upstreams.as_slice() else {
        panic!("{options:?}");
    };
    assert!(matches!(
        cloud.credentials,
        CredentialsOptions::ApiKey(ApiKeySource::Fixed(_))
    ));
    let helper = Helper {
        program: base("./fetch"),
        arguments: vec!["--secret".to_owned(), "worker".to_owned()],
        every: Duration::from_mins(2),
    };
    let both = CredentialsOptions::Both {
        identity: Source::Command(helper),
        api_key: ApiKeySource::File(base("key")),
    };
    assert_eq!(old.credentials, both);
    let password = Some(base("proxy-password"));
    let proxy = ConnectProxy::new("http://proxy:3128", password).unwrap();
    assert_eq!(
        (&cloud.connect_proxy, &old.connect_proxy),
        (&None, &Some(proxy))
    );
    assert_eq!(options.exposure, Exposure::Network);
}

fn variables_of_the_file_only(name: &str) -> Option<OsString> {
    variables(name).filter(|_| name == "CLOUD_KEY")
}

#[test]
fn what_speaks_of_one_cannot_speak_to_several() {
    let bench = bench(TWO);
    let of_upstream = bench.error("--namespace x --upstream y:1", variables_of_the_file_only);
    assert_eq!(
        of_upstream,
        "expected one upstream in the configuration for `--upstream`, `--namespace` to speak of, found 2; say it in the file"
    );
    let of_env = bench.error("", variables);
    assert!(of_env.contains("`TEMPORAL_ADDRESS`"), "{of_env}");
    let of_listener = bench.error("--listen 127.0.0.1:1", variables_of_the_file_only);
    assert!(of_listener.contains("one listener"), "{of_listener}");
}

#[test]
fn an_error_names_line_and_column() {
    let check = |text: &str, expected: &str| {
        assert_eq!(bench(text).error("", nothing), expected, "{text}");
    };
    check(
        "upstreams:\n  cloud:\n    adress: x:1\n",
        "proxy.yaml:3:5: unknown field `adress`, expected one of address, server_name, connect_proxy, server_ca, identity, api_key, namespace, connection_age",
    );
    check(
        "listeners:\n  - upstream: clod\nupstreams:\n  cloud: {address: x:1}\n",
        "proxy.yaml:2:15: expected one of the upstreams `cloud`, found `clod`",
    );
    check(
        "admin: nowhere\n",
        "proxy.yaml:1:8: expected an IP address and port, or `unix:PATH`, found `nowhere`",
    );
    check(
        "drain_timeout: 1 month\n",
        "proxy.yaml:1:16: expected a span from `0s` to `24h`, found `1 month`",
    );
    check(
        "upstreams:\n  cloud:\n    identity: {directory: a, socket: b}\n",
        "proxy.yaml:3:15: expected `directory`, or `cert` and `key`, or `command` (and `every`), or `socket`, and one of them",
    );
    check(
        "listeners:\n  - {upstream: a, otherwise: a}\nupstreams:\n  a: {}\n",
        "proxy.yaml:2:5: expected `upstream`, or `namespaces` with `otherwise` and `unnamed`, found both",
    );
    check(
        "upstreams:\n  cloud:\n    connect_proxy: {url: 'http://me:hush@proxy:1'}\n",
        "proxy.yaml:3:20: expected the proxy's user and password in a file, found them in its URL",
    );
    check(
        "dns_servers: [10.0.0.2, dns.example]\n",
        "proxy.yaml:1:25: expected a DNS server as `IP` or `IP:PORT`, found `dns.example`",
    );
    check(
        "upstreams:\n  cloud: {api_key: eyJ.hush}\n",
        "proxy.yaml:2:20: expected the API key as a reference, `file:PATH` or `env:NAME`, found something else",
    );
    check(
        "upstreams:\n  cloud: {api_key: \"env:MISSING\"}\n",
        "proxy.yaml:2:20: the variable `MISSING` is not set",
    );
}

#[test]
fn what_nobody_says_is_asked_for() {
    let check = |flags: &str, expected: &str| {
        let error = resolve(args(flags), None, &Environment::new(nothing)).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    };
    check("", "--upstream HOST:PORT");
    check("--upstream server:7233", "--identity DIR");
    let two = bench(
        "upstreams:\n  a: {address: a:1, api_key: 'file:k'}\n  b: {address: b:1, api_key: 'file:k'}\n",
    );
    assert!(two.error("", nothing).contains("which of 2 upstreams"));
}

/// The page of the documentation shows what it says it shows.
#[test]
fn the_file_in_the_documentation_can_be_used() {
    let page = include_str!("../../../../docs/proxy.md");
    let (_, rest) = page.split_once("```yaml\nlisteners:").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    let bench = bench(&format!("listeners:{example}"));
    let ca = bench.directory.path().join("own-ca.pem");
    fs_err::write(ca, Ca::new().certificate.to_pem()).unwrap();
    let options = bench.resolve("", nothing).unwrap();
    assert_eq!((options.listeners.len(), options.upstreams.len()), (2, 2));
}
