//! `newleaf sandbox`: a Temporal Cloud on this machine, to try things on.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use clap::ValueEnum;
use jiff::{SignedDuration, Timestamp};
use newleaf_sandbox::{
    ApiKey, Limits, NamespaceOptions, Options, Owner, Quirks, Sandbox, Timing, start,
};
use serde::Serialize;

use super::lint::read_filters;
use crate::{
    code,
    console::{Console, GOOD},
    failure::{Exit, Failure},
    files::{self, Existing, Readers},
    session::Session,
    text,
};

/// A free port of this machine.
const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// How long the sandbox's API key lives: longer than anybody plays.
const KEY_LIFETIME: SignedDuration = SignedDuration::from_hours(24 * 365);

/// Play Temporal Cloud on this machine: the Cloud Ops API and mTLS endpoints, with the real rules and delays
///
/// Prints where everything is, and plays until it is told to stop by ctrl-c or SIGTERM.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A namespace with its account, such as payments.a2dd6; may be repeated
    #[arg(long, value_name = "NAME", required = true)]
    namespace: Vec<String>,
    /// The client CAs that the namespaces accept at the start, in PEM
    #[arg(long, value_name = "FILE")]
    client_ca: Option<PathBuf>,
    /// The certificate filters of the namespaces at the start, as JSON in the form of tcld
    #[arg(long, value_name = "FILE")]
    filters: Option<PathBuf>,
    /// A real Temporal server to relay to, in plaintext; without one the sandbox answers the few calls that newleaf makes
    #[arg(long, value_name = "IP:PORT")]
    upstream: Option<SocketAddr>,
    /// Where the Cloud Ops API listens
    #[arg(long, value_name = "IP:PORT", default_value_t = ANY_PORT)]
    cloud_listen: SocketAddr,
    /// Where the endpoint of the namespace listens; with several namespaces each takes a free port
    #[arg(long, value_name = "IP:PORT", default_value_t = ANY_PORT)]
    listen: SocketAddr,
    /// Where to write the CA of the sandbox's own servers and the API key; a new temporary directory, if left out
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
    #[command(flatten)]
    times: Times,
    /// What to do where Temporal Cloud's behaviour is not documented; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = quirk)]
    quirk: Vec<(String, String)>,
    /// Print where everything is as one line of JSON
    #[arg(long)]
    json: bool,
}

/// How long things take.
#[derive(Debug, clap::Args)]
struct Times {
    /// How long things take, as a whole
    #[arg(long, value_enum, default_value = "usual")]
    timing: TimingName,
    /// How long an update takes until its operation is fulfilled
    #[arg(long, value_name = "SPAN", value_parser = text::span)]
    operation: Option<SignedDuration>,
    /// How long a fulfilled update takes until handshakes are judged by it
    #[arg(long, value_name = "SPAN", value_parser = text::span)]
    propagation: Option<SignedDuration>,
    /// The age at which connections are asked to go
    #[arg(long, value_name = "SPAN", value_parser = text::positive_span)]
    connection_age: Option<SignedDuration>,
}

/// How long things take, as a whole.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum TimingName {
    /// As Temporal Cloud is documented to take
    Usual,
    /// The same in small: no wait is longer than a few seconds
    Quick,
}

/// Where everything is.
#[derive(Debug, Serialize)]
struct Whereabouts {
    cloud: String,
    api_key_file: PathBuf,
    server_ca_file: PathBuf,
    namespaces: BTreeMap<String, SocketAddr>,
}

/// Runs `newleaf sandbox`.
pub(crate) fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    super::block_on(play(args, session))
}

async fn play(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let stop = super::stop_signal().map_err(|error| Failure::new(&code::LISTEN, error))?;
    let temporary = tempfile::tempdir().map_err(|error| Failure::new(&code::FILE_WRITE, error))?;
    let directory = args.directory.as_deref().unwrap_or(temporary.path());
    let secret = secret()?;
    let options = options(args, secret.clone(), session.now())?;
    let sandbox = start(options)
        .await
        .map_err(|error| Failure::new(&code::LISTEN, error).hint("nothing was started"))?;
    let whereabouts = write_down(args, &sandbox, &secret, directory)?;
    announce(&whereabouts, args.json, session.console())?;
    stop.await;
    session.console().note("stopped");
    sandbox.stop().await;
    Ok(Exit::Done)
}

fn options(args: &Args, secret: String, now: Timestamp) -> Result<Options, Failure> {
    let accepted_client_cas = match &args.client_ca {
        Some(path) => files::read_bundle(path)?.to_pem(),
        None => String::new(),
    };
    let filters = match &args.filters {
        Some(path) => read_filters(path)?.as_slice().to_vec(),
        None => Vec::new(),
    };
    let mut quirks = Quirks::LIKELIEST;
    for (name, value) in &args.quirk {
        quirks
            .set(name, value)
            .map_err(|error| Failure::new(&code::QUIRK, error))?;
    }
    let listen = if args.namespace.len() == 1 {
        args.listen
    } else {
        SocketAddr::new(args.listen.ip(), 0)
    };
    let namespaces = args.namespace.iter().map(|name| NamespaceOptions {
        name: name.clone(),
        listen,
        accepted_client_cas: accepted_client_cas.clone(),
        filters: Vec::clone(&filters),
        upstream: args.upstream,
    });
    Ok(Options {
        cloud: args.cloud_listen,
        api_keys: vec![ApiKey {
            secret,
            name: "newleaf".to_owned(),
            owner: Owner::ServiceAccount,
            expires_at: now.saturating_add(KEY_LIFETIME).unwrap_or(Timestamp::MAX),
        }],
        namespaces: namespaces.collect(),
        timing: args.times.resolve(),
        quirks,
        limits: Limits::DOCUMENTED,
    })
}

impl Times {
    fn resolve(&self) -> Timing {
        let Self {
            timing,
            operation,
            propagation,
            connection_age,
        } = self;
        let whole = match timing {
            TimingName::Usual => Timing::USUAL,
            TimingName::Quick => Timing::QUICK,
        };
        let or = |said: &Option<SignedDuration>, whole: Duration| {
            said.map_or(whole, SignedDuration::unsigned_abs)
        };
        Timing {
            operation: or(operation, whole.operation),
            propagation: or(propagation, whole.propagation),
            connection_age: or(connection_age, whole.connection_age),
            ..whole
        }
    }
}

/// Draws an API key: 128 random bits, enough for a machine that nobody else reaches.
fn secret() -> Result<String, Failure> {
    let mut bytes = [0; 16];
    rustls::crypto::aws_lc_rs::default_provider()
        .secure_random
        .fill(&mut bytes)
        .map_err(|_no_reason| {
            Failure::new(
                &code::GENERATE,
                "could not draw random bytes for an API key",
            )
        })?;
    Ok(format!("sandbox-{:032x}", u128::from_be_bytes(bytes)))
}

fn write_down(
    args: &Args,
    sandbox: &Sandbox,
    secret: &str,
    directory: &Path,
) -> Result<Whereabouts, Failure> {
    let api_key_file = directory.join("api-key");
    let server_ca_file = directory.join("server-ca.pem");
    files::write(&api_key_file, secret, Readers::Owner, Existing::Replace)?;
    files::write(
        &server_ca_file,
        sandbox.server_ca_pem(),
        Readers::Everybody,
        Existing::Replace,
    )?;
    let address = |name: &String| Some((name.clone(), sandbox.namespace_address(name)?));
    Ok(Whereabouts {
        cloud: format!("https://{}", sandbox.cloud_address()),
        api_key_file,
        server_ca_file,
        namespaces: args.namespace.iter().filter_map(address).collect(),
    })
}

fn announce(whereabouts: &Whereabouts, json: bool, console: Console) -> Result<(), Failure> {
    if json {
        let line =
            serde_json::to_string(whereabouts).map_err(|error| Failure::new(&code::BUG, error))?;
        return console.say(line);
    }
    let Whereabouts {
        cloud,
        api_key_file,
        server_ca_file,
        namespaces,
    } = whereabouts;
    console.say(format_args!("Cloud Ops API  {cloud}"))?;
    console.say(format_args!("API key        {}", api_key_file.display()))?;
    console.say(format_args!("server CA      {}", server_ca_file.display()))?;
    for (name, address) in namespaces {
        console.say(format_args!("namespace      {name}  {address}"))?;
    }
    console.note(format_args!(
        "{}; ctrl-c ends it",
        console.paint_err(GOOD, "the sandbox plays")
    ));
    Ok(())
}

fn quirk(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
        None => Err(format!(
            "expected NAME=VALUE; the names are {}",
            Quirks::NAMES.join(", ")
        )),
    }
}
