//! `newleaf proxy`: what the binary `newleaf-proxy` does, for machines that have only this one.

use std::path::PathBuf;

use newleaf_proxy::{
    Plane, Proxy, cli,
    config::{self, Environment},
    life, log,
};
use tracing_subscriber::filter::Targets;

use crate::{
    code,
    failure::{Exit, Failure},
};

/// Carry gRPC calls to Temporal over mTLS, under an identity that is reloaded while calls run
///
/// This is newleaf-proxy inside the big binary. Beside workers the small one is the better choice. Its file is that of
/// `--proxy-config`; `newleaf.yaml` (`--config`) is not read.
#[derive(Debug, clap::Args)]
pub(crate) struct ProxyArgs {
    #[command(flatten)]
    proxy: cli::Args,
    /// YAML file with listeners and upstreams; flags and variables override it
    #[arg(long, value_name = "FILE")]
    proxy_config: Option<PathBuf>,
    /// Which log lines are shown: a level, or `module=level` pairs with commas between
    #[arg(long, value_name = "FILTER", default_value = "info")]
    log: Targets,
}

/// Runs `newleaf proxy`.
pub(crate) fn run(args: ProxyArgs) -> Result<Exit, Failure> {
    let ending = log::to_stderr(args.log).map_err(|error| Failure::new(&code::BUG, error))?;
    let done = life::block_on(carry(args.proxy, args.proxy_config));
    drop(ending);
    done.map_err(|error| Failure::new(&code::BUG, error))?
}

async fn carry(args: cli::Args, file: Option<PathBuf>) -> Result<Exit, Failure> {
    let options = config::resolve(args, file.as_deref(), &Environment::of_process())
        .map_err(|error| Failure::new(&code::PROXY_OPTIONS, error))?;
    let plane = Plane::start().map_err(|error| Failure::new(&code::LISTEN, error))?;
    let bound = Proxy::bind_on(options, plane.handle()).await;
    let proxy = bound.map_err(|error| {
        let usage = error.is_usage();
        Failure::new(
            if usage {
                &code::PROXY_OPTIONS
            } else {
                &code::LISTEN
            },
            error,
        )
    })?;
    life::serve(proxy)
        .await
        .map_err(|error| Failure::new(&code::LISTEN, error))?;
    Ok(Exit::Done)
}
