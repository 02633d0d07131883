//! `cargo xtask size`: how large the `newleaf-proxy` that is shipped is, and whether that is still small. A sidecar is pulled by
//! every pod.

use std::process::ExitCode;

use crate::programs::{self, BuildError, SHIPPED};
use crate::workspace::Workspace;

/// What is promised, stripped.
const LIMIT: u64 = 8 * 1024 * 1024;

/// How an ELF file begins the name of the loader that it needs, if it is not static.
const LOADER: &[u8] = b"/ld-linux";

/// What `cargo xtask size` is asked.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The target to build for, such as `x86_64-unknown-linux-musl` (needs `musl-gcc`); this machine's, if left out.
    #[arg(long, value_name = "TRIPLE")]
    target: Option<String>,
}

/// Why the size is not known.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SizeError {
    #[error("could not build newleaf-proxy")]
    Build(#[from] BuildError),
    #[error("could not read what was built")]
    Read { source: std::io::Error },
}

/// Builds as for shipping, and measures.
pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<ExitCode, SizeError> {
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--locked", "--profile", SHIPPED]);
    cargo.args(["--package", "newleaf-proxy"]);
    if let Some(target) = &arguments.target {
        cargo.args(["--target", target]);
    }
    let programs = programs::build(&mut cargo)?;
    let program = programs.get("newleaf-proxy")?;
    let file = fs_err::read(program).map_err(|source| SizeError::Read { source })?;
    let n_bytes = u64::try_from(file.len()).unwrap_or(u64::MAX);
    let needs_loader = file.windows(LOADER.len()).any(|bytes| bytes == LOADER);
    let linked = if needs_loader {
        "linked to the system's libc"
    } else {
        "static"
    };
    println!("newleaf-proxy: {n_bytes} bytes of {LIMIT}, {linked}");
    Ok(ExitCode::from(u8::from(n_bytes > LIMIT)))
}
