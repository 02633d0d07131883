//! A real Temporal behind the sandbox, where one can be had: the dev server of the `temporal` command.

use std::{
    ffi::OsStr,
    io,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use temporalio_protos::protos::temporal::api::workflowservice::v1 as api;
use tokio::process::{Child, Command};

use crate::demo::{
    channel::{self, Route},
    grpc::{self, Call},
};

/// How long a dev server may take until it serves; 2 to 4 s are usual.
const START_LIMIT: Duration = Duration::from_secs(25);

/// How long to rest between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// A running dev server. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct DevServer {
    /// Where its frontend listens.
    pub(crate) address: SocketAddr,
    _child: Child,
}

/// Why there is no dev server.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DevServerError {
    /// There is no free port, or the program does not run.
    #[error("could not start `{}`", program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It does not serve.
    #[error("could not reach the dev server of `{}` within {START_LIMIT:?}", program.display())]
    Late {
        /// The program.
        program: PathBuf,
    },
}

/// Finds the `temporal` command: among the prepared parts first, then on the search path.
pub(crate) fn find(parts: Option<&OsStr>, search_path: Option<&OsStr>) -> Option<PathBuf> {
    let prepared = parts.map(|parts| Path::new(parts).join("bin"));
    let searched = search_path.into_iter().flat_map(std::env::split_paths);
    prepared
        .into_iter()
        .chain(searched)
        .map(|directory| directory.join("temporal"))
        .find(|program| program.is_file())
}

impl DevServer {
    /// Starts a dev server with one namespace, in memory, and waits until it serves that.
    pub(crate) async fn start(program: &Path, namespace: &str) -> Result<Self, DevServerError> {
        let failed = |source| DevServerError::Start {
            program: program.to_owned(),
            source,
        };
        let address = free_address().map_err(failed)?;
        let child = Command::new(program)
            .args(["server", "start-dev", "--headless", "--log-level", "never"])
            .args(["--ip", &address.ip().to_string()])
            .args(["--port", &address.port().to_string()])
            .args(["--namespace", namespace])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let server = Self {
            address,
            _child: child,
        };
        tokio::time::timeout(START_LIMIT, server.serves(namespace))
            .await
            .map_err(|_elapsed| DevServerError::Late {
                program: program.to_owned(),
            })?;
        Ok(server)
    }

    async fn serves(&self, namespace: &str) {
        let message = api::CountWorkflowExecutionsRequest {
            namespace: namespace.to_owned(),
            ..api::CountWorkflowExecutionsRequest::default()
        };
        let look = Call::new("CountWorkflowExecutions", &message, START_LIMIT);
        loop {
            if let Ok(connection) = channel::dial(&Route::Plain(self.address), 0).await
                && let Some(ready) = connection.ready().await
                && grpc::call(ready, &look).await.is_ok()
            {
                return;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}

/// Asks the system for a free port. Between this and its use somebody else might take it; then the dev server does not
/// start, and the demo says so and goes on without it.
pub(crate) fn free_address() -> io::Result<SocketAddr> {
    std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}
