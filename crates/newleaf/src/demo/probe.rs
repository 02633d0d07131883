//! The demo's own proof: does the endpoint let this leaf in? Asked with a handshake and nothing of newleaf's.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

use crate::demo::channel::{Endpoint, Presented};

/// What a client of HTTP/2 says first (RFC 9113 §3.4), with an empty SETTINGS frame.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// How long the answer may take.
const LIMIT: Duration = Duration::from_secs(5);

/// What became of a leaf.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The server began to speak HTTP/2 with it.
    Accepted,
    /// The server sent a fatal alert.
    Refused {
        /// Which one.
        alert: String,
    },
    /// Neither of the two: this proves nothing.
    Unclear {
        /// What happened.
        why: String,
    },
}

/// Presents a leaf to an endpoint.
pub(crate) async fn present(endpoint: &Endpoint, presented: &Presented) -> Answer {
    match tokio::time::timeout(LIMIT, first_bytes(endpoint, presented)).await {
        Ok(Ok(0)) => unclear("the server closed the connection without a word"),
        Ok(Ok(_some)) => Answer::Accepted,
        Ok(Err(error)) => match alert(&error) {
            Some(alert) => Answer::Refused { alert },
            None => unclear(&crate::demo::causes(&error)),
        },
        Err(_elapsed) => unclear("no answer within the limit"),
    }
}

/// Waits for what the server says first. In TLS 1.3 the client's handshake ends before the server has judged its
/// leaf, so that only an answer after it tells.
async fn first_bytes(endpoint: &Endpoint, presented: &Presented) -> io::Result<usize> {
    let tcp = TcpStream::connect(endpoint.address).await?;
    let mut tls = TlsConnector::from(presented.config())
        .connect(endpoint.name.clone(), tcp)
        .await?;
    // A server that has refused already may have closed; then reading says why, and writing does not.
    if tls.write_all(PREFACE).await.is_ok() {
        drop(tls.flush().await);
    }
    tls.read(&mut [0; 64]).await
}

/// Returns the alert that the server sent, if this error is one. Our own refusal of the server is none.
fn alert(error: &io::Error) -> Option<String> {
    let inner = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    if let rustls::Error::AlertReceived(alert) = inner {
        return Some(format!("{alert:?}"));
    }
    None
}

fn unclear(why: &str) -> Answer {
    Answer::Unclear {
        why: why.to_owned(),
    }
}
