//! A client of exactly one HTTP/2 connection, which never dials again by itself and never retries.

use std::{
    net::SocketAddr,
    sync::Arc,
    task::{Context, Poll},
};

use http::{HeaderMap, HeaderValue, Request, Response, Uri};
use hyper::{
    body::Incoming,
    client::conn::http2::{self, SendRequest},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion, client::Resumption};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use temporalio_protos::protos::temporal::api::{
    cloud::cloudservice::v1::cloud_service_client::CloudServiceClient,
    workflowservice::v1::{GetSystemInfoRequest, workflow_service_client::WorkflowServiceClient},
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::{Code, Status, body::Body, codegen::BoxFuture};

use crate::pki::Leaf;

/// One connection; its clones share it.
#[derive(Clone)]
pub(crate) struct Wire {
    sender: SendRequest<Body>,
    headers: HeaderMap,
}

/// Makes a client's TLS configuration, without resumption.
pub(crate) fn tls(server_ca_pem: &str, leaf: Option<&Leaf>) -> ClientConfig {
    tls_of(rustls::DEFAULT_VERSIONS, server_ca_pem, leaf)
}

/// The same, for these versions of TLS only.
pub(crate) fn tls_of(
    versions: &[&'static SupportedProtocolVersion],
    server_ca_pem: &str,
    leaf: Option<&Leaf>,
) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(server_ca_pem.as_bytes()).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match leaf {
        Some(leaf) => {
            let (chain, key) = leaf.for_tls();
            builder.with_client_auth_cert(chain, key).unwrap()
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    config.resumption = Resumption::disabled();
    config
}

impl Wire {
    /// Connects. With TLS 1.3 this succeeds before the server has judged the leaf: only a call proves it.
    pub(crate) async fn connect(
        address: SocketAddr,
        config: &Arc<ClientConfig>,
    ) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        let name = ServerName::try_from("localhost").unwrap();
        let stream = TlsConnector::from(Arc::clone(config))
            .connect(name, stream)
            .await?;
        let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .map_err(std::io::Error::other)?;
        tokio::spawn(connection);
        Ok(Self {
            sender,
            headers: HeaderMap::new(),
        })
    }

    /// Returns the same connection with one header more on each call.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers
            .insert(name, HeaderValue::from_str(value).unwrap());
        self
    }

    /// Returns whether the connection takes no more calls.
    pub(crate) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    pub(crate) fn sender(&self) -> SendRequest<Body> {
        self.sender.clone()
    }

    pub(crate) fn cloud(&self) -> CloudServiceClient<Self> {
        CloudServiceClient::with_origin(self.clone(), Uri::from_static("https://localhost"))
    }

    pub(crate) fn workflow(&self) -> WorkflowServiceClient<Self> {
        WorkflowServiceClient::with_origin(self.clone(), Uri::from_static("https://localhost"))
    }

    /// Makes one cheap call.
    pub(crate) async fn ping(&self) -> Result<(), Status> {
        self.workflow()
            .get_system_info(GetSystemInfoRequest::default())
            .await
            .map(|_answer| ())
    }
}

/// Connects and makes one call: the whole proof that a leaf works now.
pub(crate) async fn canary(address: SocketAddr, config: ClientConfig) -> Result<Wire, Status> {
    let wire = Wire::connect(address, &Arc::new(config))
        .await
        .map_err(|error| Status::new(Code::Unavailable, error.to_string()))?;
    wire.ping().await?;
    Ok(wire)
}

impl tonic::codegen::Service<Request<Body>> for Wire {
    type Response = Response<Incoming>;
    type Error = hyper::Error;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.sender.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        request.headers_mut().extend(self.headers.clone());
        Box::pin(self.sender.send_request(request))
    }
}
