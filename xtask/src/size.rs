//! `cargo xtask size`: builds the `newleaf-proxy` that is shipped, says where it is and how large, and whether that is still
//! small. A sidecar is pulled by every pod.

use std::process::ExitCode;

use crate::programs::BuildError;
use crate::shipped::{self, Detail, ShipError};
use crate::workspace::Workspace;

/// What is promised, stripped.
const LIMIT: u64 = 8 * 1024 * 1024;

/// What `cargo xtask size` is asked.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The target to build for, such as `aarch64-unknown-linux-gnu`, with its standard library and linker installed; this
    /// machine's, if left out.
    #[arg(long, value_name = "TRIPLE")]
    target: Option<String>,
}

/// Why the size is not known.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SizeError {
    #[error("could not build newleaf-proxy as it is shipped")]
    Ship(#[from] ShipError),
    #[error(transparent)]
    Host(#[from] BuildError),
    #[error("could not read what was built")]
    Read { source: std::io::Error },
}

/// Builds as for shipping, and measures.
pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<ExitCode, SizeError> {
    let program = match &arguments.target {
        Some(target) => shipped::proxy_for(workspace, target, Detail::Stripped)?,
        None => shipped::proxy(workspace)?,
    };
    let metadata = fs_err::metadata(&program).map_err(|source| SizeError::Read { source })?;
    let n_bytes = metadata.len();
    println!("{}: {n_bytes} bytes of {LIMIT}, static", program.display());
    Ok(ExitCode::from(u8::from(n_bytes > LIMIT)))
}
