//! What a TLS server says before it knows who we are: the chain that it presents, and the client CAs that it asks for.
//!
//! For people who look, and for nobody else. The server's chain is taken down before it is judged, so that a wrong one can be
//! shown; no request is made, and no identity is presented.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use newleaf_identity::tls::{self, TlsError};
use newleaf_x509::{Certificate, DistinguishedName, TrustBundle};
use rustls::{
    CertificateError, DigitallySignedStruct, SignatureScheme,
    client::{
        ResolvesClientCert, WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    pki_types::{CertificateDer, ServerName, UnixTime},
    sign::CertifiedKey,
};
use tokio::{io::AsyncReadExt as _, net::TcpStream, time::timeout};
use tokio_rustls::TlsConnector;

/// How long each step (name and TCP, TLS, a last word) may take.
const STEP_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a server that lets us in without an identity is given to change its mind: in TLS 1.3 it refuses after the handshake.
const SECOND_THOUGHTS: Duration = Duration::from_millis(700);

/// What a server said.
#[derive(Clone, Debug)]
pub struct Greeting {
    /// The chain that it presents, leaf first.
    pub chain: Vec<Certificate>,
    /// Why the chain is not accepted for this server; `None` if it is.
    pub refused: Option<String>,
    /// The TLS version, such as `TLSv1.3`.
    pub version: String,
    /// The protocol that was agreed on (ALPN), such as `h2`.
    pub protocol: Option<String>,
    /// What it asks of clients.
    pub client_auth: ClientAuth,
}

/// What a server asks of clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientAuth {
    /// It does not ask for a certificate.
    NotAsked,
    /// It asks for one.
    Asked {
        /// The CAs that it names, in its order. A server may name none, and accept some all the same.
        names: Vec<DistinguishedName>,
        /// Whether it was seen to refuse us for having none. `false` is no promise: it may refuse the first request.
        required: bool,
    },
}

/// Why nothing was heard.
#[derive(Debug, thiserror::Error)]
pub enum GreetingError {
    /// The address is no address, or nobody is there.
    #[error("could not connect to `{address}`")]
    Connect {
        /// Host and port.
        address: String,
        /// Why.
        source: std::io::Error,
    },
    /// A step took too long.
    #[error("expected {step} of `{address}` within {STEP_TIMEOUT:?}, waited in vain")]
    Timeout {
        /// Host and port.
        address: String,
        /// The step.
        step: &'static str,
    },
    /// TLS cannot be configured.
    #[error("cannot configure TLS")]
    Tls(#[from] TlsError),
    /// No handshake: there may be no TLS at this port.
    #[error("could not finish a TLS handshake with `{address}`")]
    Handshake {
        /// Host and port.
        address: String,
        /// Why.
        source: std::io::Error,
    },
    /// The server presents something that is no certificate.
    #[error("cannot read the certificate that `{address}` presents")]
    Certificate {
        /// Host and port.
        address: String,
        /// Why.
        source: newleaf_x509::certificate::CertificateError,
    },
}

/// Connects to `address` (host and port) and listens. The server is judged by `server_ca`, or by the platform's CAs, under
/// `server_name`, or under the host; that only decides [`Greeting::refused`].
pub async fn hear(
    address: &str,
    server_name: Option<&str>,
    server_ca: Option<&TrustBundle>,
) -> Result<Greeting, GreetingError> {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let name = tls::server_name(server_name.unwrap_or(host))?;
    let roots = match server_ca {
        Some(bundle) => tls::bundle_roots(bundle),
        None => tls::platform_roots(),
    };
    let asked = Arc::new(Asked::default());
    let resolver: Arc<dyn ResolvesClientCert> = Arc::<Asked>::clone(&asked);
    let mut config = tls::client_config(Arc::new(rustls::RootCertStore::empty()), resolver)?;
    let notes = Arc::new(Notes::new(roots?)?);
    let verifier: Arc<dyn ServerCertVerifier> = Arc::<Notes>::clone(&notes);
    config.dangerous().set_certificate_verifier(verifier);
    let connect = |source| GreetingError::Connect {
        address: address.to_owned(),
        source,
    };
    let tcp = within(address, "a connection", TcpStream::connect(address)).await?;
    let connector = TlsConnector::from(Arc::new(config));
    let stream = connector.connect(name, tcp.map_err(connect)?);
    let stream = within(address, "the TLS handshake", stream).await?;
    let mut stream = stream.map_err(|source| GreetingError::Handshake {
        address: address.to_owned(),
        source,
    })?;
    let required = refuses(&mut stream).await;
    let (_tcp, session) = stream.get_ref();
    Ok(Greeting {
        chain: notes.chain(address)?,
        refused: notes.refused(),
        version: session
            .protocol_version()
            .map_or_else(String::new, |version| {
                format!("{version:?}").replace('_', ".")
            }),
        protocol: session
            .alpn_protocol()
            .map(|name| String::from_utf8_lossy(name).into_owned()),
        client_auth: asked.client_auth(required),
    })
}

async fn within<T>(
    address: &str,
    step: &'static str,
    work: impl Future<Output = T>,
) -> Result<T, GreetingError> {
    timeout(STEP_TIMEOUT, work)
        .await
        .map_err(|_elapsed| GreetingError::Timeout {
            address: address.to_owned(),
            step,
        })
}

/// Returns whether the server sends us away with an alert that asks for a certificate.
async fn refuses(stream: &mut tokio_rustls::client::TlsStream<TcpStream>) -> bool {
    let mut word = [0; 1];
    let heard = timeout(SECOND_THOUGHTS, stream.read(&mut word)).await;
    let Ok(Err(error)) = heard else {
        return false;
    };
    let tls = error
        .get_ref()
        .and_then(|e| e.downcast_ref::<rustls::Error>());
    matches!(
        tls,
        Some(rustls::Error::AlertReceived(
            rustls::AlertDescription::CertificateRequired
                | rustls::AlertDescription::BadCertificate
                | rustls::AlertDescription::HandshakeFailure
        ))
    )
}

/// Presents nothing, and remembers what was asked for.
#[derive(Debug, Default)]
struct Asked(Mutex<Option<Vec<DistinguishedName>>>);

impl Asked {
    fn client_auth(&self, required: bool) -> ClientAuth {
        let asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match asked.as_ref() {
            None => ClientAuth::NotAsked,
            Some(names) => ClientAuth::Asked {
                names: names.clone(),
                required,
            },
        }
    }
}

impl ResolvesClientCert for Asked {
    fn resolve(&self, hints: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        // A name that cannot be read is left out: the others are worth showing.
        let names = hints
            .iter()
            .filter_map(|der| DistinguishedName::from_der(der))
            .collect();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(names);
        None
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// Takes down what the server presents, and what the ordinary verifier says to it; the handshake goes on either way.
#[derive(Debug)]
struct Notes {
    judge: Arc<WebPkiServerVerifier>,
    heard: Mutex<Heard>,
}

#[derive(Debug, Default)]
struct Heard {
    chain: Vec<CertificateDer<'static>>,
    refused: Option<rustls::Error>,
}

impl Notes {
    fn new(roots: Arc<rustls::RootCertStore>) -> Result<Self, TlsError> {
        let judge = WebPkiServerVerifier::builder_with_provider(roots, Arc::new(tls::provider()))
            .build()
            .map_err(|_error| TlsError::NoTrustAnchor)?;
        Ok(Self {
            judge,
            heard: Mutex::default(),
        })
    }

    fn chain(&self, address: &str) -> Result<Vec<Certificate>, GreetingError> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let read = |der: &CertificateDer<'_>| {
            Certificate::from_der(der).map_err(|source| GreetingError::Certificate {
                address: address.to_owned(),
                source,
            })
        };
        heard.chain.iter().map(read).collect()
    }

    fn refused(&self) -> Option<String> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let unknown_issuer = CertificateError::UnknownIssuer.into();
        heard.refused.as_ref().map(|error| {
            if *error == unknown_issuer {
                "none of the CAs it was judged by signed it".to_owned()
            } else {
                error.to_string()
            }
        })
    }
}

impl ServerCertVerifier for Notes {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verdict = self.judge.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        let chain = std::iter::once(end_entity).chain(intermediates);
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = Heard {
            chain: chain.map(|der| der.clone().into_owned()).collect(),
            refused: verdict.err(),
        };
        Ok(ServerCertVerified::assertion())
    }

    // Whoever presents a chain must hold its key, wrong chain or not.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.judge.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.judge.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.judge.supported_verify_schemes()
    }
}
