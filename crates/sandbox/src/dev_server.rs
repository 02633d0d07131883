//! A real Temporal to put behind an endpoint: the dev server of the `temporal` command, in memory.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    process::Stdio,
    task::{Context, Poll},
    time::Duration,
};

use http::{Request, Response, Uri};
use hyper::{
    body::Incoming,
    client::conn::http2::{self, SendRequest},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use temporalio_protos::protos::temporal::api::workflowservice::v1::{
    CountWorkflowExecutionsRequest, workflow_service_client::WorkflowServiceClient,
};
use tokio::{
    net::TcpStream,
    process::{Child, Command},
    task::JoinSet,
    time::{sleep, timeout},
};
use tonic::{body::Body, codegen::Service};

/// How long a dev server may take until it serves; 2 to 4 s are usual, and a busy machine may need ten times that.
const START_LIMIT: Duration = Duration::from_secs(40);

/// How long to rest between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// How long it holds calls that have nothing to tell yet: polls for work, by Temporal's default for a minute, and for a
/// workflow's end, for 20 s. A connection drains no faster than the longest of them, and nobody wants to watch that.
const LONG_POLLS: [&str; 2] = [
    r#"matching.longPollExpirationInterval="1s""#,
    r#"history.longPollExpirationInterval="1s""#,
];

/// A running dev server. It ends when this is dropped.
#[derive(Debug)]
pub struct DevServer {
    address: SocketAddr,
    _child: Child,
}

/// Why there is no dev server.
#[derive(Debug, thiserror::Error)]
pub enum DevServerError {
    /// There is no free port, or the program does not run.
    #[error("could not start `{program}`")]
    Start {
        /// The program.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// It does not serve.
    #[error("could not reach the dev server of `{program}` within {START_LIMIT:?}")]
    Late {
        /// The program.
        program: String,
    },
}

impl DevServer {
    /// Starts a dev server with one namespace, and waits until it serves that.
    ///
    /// `temporal` runs the `temporal` command; what follows it on the command line is added here.
    pub async fn start(mut temporal: Command, namespace: &str) -> Result<Self, DevServerError> {
        let program = temporal
            .as_std()
            .get_program()
            .to_string_lossy()
            .into_owned();
        let spawned = free_address().and_then(|address| {
            let child = temporal
                .args(["server", "start-dev", "--headless", "--log-level", "never"])
                .args(["--ip", &address.ip().to_string()])
                .args(["--port", &address.port().to_string()])
                .args(["--namespace", namespace])
                .args(
                    LONG_POLLS
                        .map(|value| ["--dynamic-config-value", value])
                        .concat(),
                )
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .kill_on_drop(true)
                .spawn()?;
            Ok(Self {
                address,
                _child: child,
            })
        });
        let server = match spawned {
            Ok(server) => server,
            Err(source) => return Err(DevServerError::Start { program, source }),
        };
        match timeout(START_LIMIT, server.serves(namespace)).await {
            Ok(()) => Ok(server),
            Err(_elapsed) => Err(DevServerError::Late { program }),
        }
    }

    /// Returns where its frontend listens, in plaintext.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until a call about the namespace succeeds: the port is open long before.
    async fn serves(&self, namespace: &str) {
        let mut looks = JoinSet::new();
        while !self.answers(namespace, &mut looks).await {
            sleep(LOOK_AGAIN).await;
        }
    }

    async fn answers(&self, namespace: &str, looks: &mut JoinSet<()>) -> bool {
        let Ok(stream) = TcpStream::connect(self.address).await else {
            return false;
        };
        let Ok((sender, connection)) =
            http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await
        else {
            return false;
        };
        looks.spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a look at the dev server ended");
            }
        });
        let origin = Uri::from_static("http://localhost");
        let request = CountWorkflowExecutionsRequest {
            namespace: namespace.to_owned(),
            ..CountWorkflowExecutionsRequest::default()
        };
        WorkflowServiceClient::with_origin(Plain(sender), origin)
            .count_workflow_executions(request)
            .await
            .is_ok()
    }
}

/// Asks the system for a free port. Between this and its use somebody else might take it; then nothing serves, and
/// the start fails.
fn free_address() -> io::Result<SocketAddr> {
    std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

/// One plaintext connection, in the form that the generated client wants.
struct Plain(SendRequest<Body>);

impl Service<Request<Body>> for Plain {
    type Response = Response<Incoming>;
    type Error = hyper::Error;
    type Future = tonic::codegen::BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(self.0.send_request(request))
    }
}
