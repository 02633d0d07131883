//! An HTTP proxy between us and the server, which is asked by CONNECT to let bytes through (RFC 9110 §9.3.6).
//!
//! TLS begins behind it: it learns the server's name and how much is said, and nothing else.

use std::{io, path::PathBuf};

use data_encoding::BASE64;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::limits;

/// An HTTP proxy on the way to the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectProxy {
    address: String,
    credentials: Option<PathBuf>,
}

/// Why a text does not name a proxy.
#[derive(Debug, thiserror::Error)]
pub enum ConnectProxyError {
    /// Another form or scheme.
    #[error("expected the proxy as `http://HOST:PORT`, found `{found}`")]
    Form {
        /// The text.
        found: String,
    },
    /// Credentials in the text: whoever lists processes would read them.
    #[error("expected the proxy's user and password in a file, found them in its URL")]
    Credentials,
}

/// Why a proxy did not let us through.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TunnelError {
    #[error("could not read the proxy's credentials")]
    ReadCredentials(#[source] io::Error),
    #[error("expected `user:password` in one line as the proxy's credentials")]
    Credentials,
    #[error("could not speak to the proxy")]
    Speak(#[source] io::Error),
    #[error("expected an answer of HTTP/1.1 from the proxy")]
    Answer(#[source] httparse::Error),
    #[error("expected the proxy's answer within {limit} bytes")]
    Long { limit: usize },
    #[error("expected the proxy to be silent until the server speaks, found {n_bytes} bytes")]
    Eager { n_bytes: usize },
    #[error("expected the proxy to let us through, found status {status} {reason}")]
    Refused { status: u16, reason: String },
}

impl ConnectProxy {
    /// Reads `http://HOST:PORT`. The file holds `user:password`; it is read at each connection, so that it may change.
    pub fn new(url: &str, credentials: Option<PathBuf>) -> Result<Self, ConnectProxyError> {
        let malformed = || ConnectProxyError::Form {
            found: url.to_owned(),
        };
        let rest = url.strip_prefix("http://");
        let rest = rest.map(|rest| rest.strip_suffix('/').unwrap_or(rest));
        if url.contains('@') {
            return Err(ConnectProxyError::Credentials);
        }
        let authority: http::uri::Authority = rest
            .and_then(|rest| rest.parse().ok())
            .ok_or_else(malformed)?;
        if authority.port_u16().is_none() {
            return Err(malformed());
        }
        Ok(Self {
            address: authority.to_string(),
            credentials,
        })
    }

    /// Returns where it listens, as `host:port`.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Asks to be let through to `target`, which is `host:port`.
    pub(super) async fn pass(
        &self,
        mut socket: TcpStream,
        target: &str,
    ) -> Result<TcpStream, TunnelError> {
        let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n");
        if let Some(authorization) = self.authorization()? {
            request.push_str(&authorization);
        }
        request.push_str("\r\n");
        let spoken = socket.write_all(request.as_bytes()).await;
        spoken.map_err(TunnelError::Speak)?;
        let mut answer = Vec::new();
        loop {
            let n_read = socket.read_buf(&mut answer).await;
            if n_read.map_err(TunnelError::Speak)? == 0 {
                let closed = io::ErrorKind::UnexpectedEof.into();
                return Err(TunnelError::Speak(closed));
            }
            if judge(&answer)? {
                return Ok(socket);
            }
        }
    }

    fn authorization(&self) -> Result<Option<String>, TunnelError> {
        let Some(file) = &self.credentials else {
            return Ok(None);
        };
        let text = fs_err::read_to_string(file).map_err(TunnelError::ReadCredentials)?;
        let credentials = text.trim_end_matches(['\r', '\n']);
        let is_sound = credentials.contains(':') && !credentials.contains(char::is_control);
        if !is_sound {
            return Err(TunnelError::Credentials);
        }
        let encoded = BASE64.encode(credentials.as_bytes());
        Ok(Some(format!("Proxy-Authorization: Basic {encoded}\r\n")))
    }
}

/// Judges what a proxy has said so far: whether it is all, and lets us through.
fn judge(answer: &[u8]) -> Result<bool, TunnelError> {
    let mut rest = answer;
    loop {
        let mut headers = [httparse::EMPTY_HEADER; limits::TUNNEL_FIELDS];
        let mut response = httparse::Response::new(&mut headers);
        let parsed = response.parse(rest).map_err(TunnelError::Answer)?;
        let httparse::Status::Complete(n_bytes) = parsed else {
            if answer.len() >= limits::TUNNEL_BYTES {
                let limit = limits::TUNNEL_BYTES;
                return Err(TunnelError::Long { limit });
            }
            return Ok(false);
        };
        let status = response.code.unwrap_or_default();
        let reason = response.reason.unwrap_or_default();
        rest = rest.get(n_bytes..).unwrap_or_default();
        match status {
            // The server speaks after us. What comes before is not the server's.
            200..300 => match rest.len() {
                0 => return Ok(true),
                n_bytes => return Err(TunnelError::Eager { n_bytes }),
            },
            // Whoever takes long may say so first, and more than once (RFC 9110 §15.2). But 101 is another protocol.
            100 | 102..200 => {}
            _ => {
                let reason = reason.to_owned();
                return Err(TunnelError::Refused { status, reason });
            }
        }
    }
}

#[cfg(test)]
mod tests;
