//! A worker's client: one plaintext HTTP/2 connection, and no retries of any kind.

use std::net::SocketAddr;

use bytes::Bytes;
use h2::{RecvStream, SendStream, client::ResponseFuture, client::SendRequest};
use http::{HeaderMap, Request};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

use crate::server;

/// One connection to the proxy. Cloned, it is the same connection.
#[derive(Clone)]
pub(crate) struct Caller {
    send: SendRequest<Bytes>,
}

/// How a call ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// With a gRPC status, and this body.
    Status(u16, Bytes),
    /// With a reset or a broken connection.
    Broken(Option<h2::Reason>),
}

impl End {
    pub(crate) fn is_ok(&self) -> bool {
        matches!(self, Self::Status(0, _))
    }
}

impl Caller {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).await.unwrap();
        socket.set_nodelay(true).unwrap();
        Self::over(socket).await
    }

    pub(crate) async fn over(socket: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Self {
        Self::try_over(socket).await.unwrap()
    }

    /// The same where the other side may not want to.
    pub(crate) async fn try_over(
        socket: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    ) -> Result<Self, h2::Error> {
        let (send, connection) = h2::client::Builder::new()
            .initial_window_size(64 * 1024)
            // A stream that is not read must not use up what the others need.
            .initial_connection_window_size(1024 * 1024)
            .handshake(socket)
            .await?;
        tokio::spawn(async move {
            // How it ends shows in its calls.
            let _ended = connection.await;
        });
        Ok(Self { send })
    }

    /// Returns whether the proxy has said goodbye to this caller, which it must not because of the server.
    pub(crate) async fn was_sent_away(&mut self) -> bool {
        std::future::poll_fn(|cx| self.send.poll_ready(cx))
            .await
            .is_err()
    }

    /// Opens a stream with these headers besides the usual ones.
    pub(crate) async fn open(
        &mut self,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<(ResponseFuture, SendStream<Bytes>), h2::Error> {
        std::future::poll_fn(|cx| self.send.poll_ready(cx)).await?;
        let mut request = Request::post(format!("http://whatever.the.caller.says:1{path}"))
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send.send_request(request.body(()).unwrap(), false)
    }

    /// Makes one call, from the first byte to the last.
    pub(crate) async fn call(
        &mut self,
        path: &str,
        body: Bytes,
        headers: &[(&'static str, &str)],
    ) -> End {
        let called = async {
            let (response, mut sink) = self.open(path, headers).await?;
            // The server may refuse the request before it has read it all; its answer says so.
            let sent = async {
                server::send(&mut sink, body).await?;
                sink.send_data(Bytes::new(), true)
            };
            let (_sent, received) = tokio::join!(sent, receive(response));
            received
        };
        match called.await {
            Ok((status, body)) => End::Status(status, body),
            Err(error) => End::Broken(error.reason()),
        }
    }

    pub(crate) async fn echo(&mut self) -> End {
        self.call("/echo", Bytes::from_static(b"hello"), &[]).await
    }

    pub(crate) async fn hold(&mut self, millis: u32) -> End {
        let text = millis.to_string();
        self.call("/hold", Bytes::new(), &[("hold-ms", &text)])
            .await
    }
}

/// Receives a whole response.
pub(crate) async fn receive(response: ResponseFuture) -> Result<(u16, Bytes), h2::Error> {
    let response = response.await?;
    if let Some(status) = status(response.headers()) {
        return Ok((status, Bytes::new()));
    }
    let mut body = response.into_body();
    let received = drain(&mut body).await?;
    let trailers = body.trailers().await?.unwrap();
    Ok((status(&trailers).unwrap(), received))
}

/// Returns all that comes, up to the trailers.
pub(crate) async fn drain(body: &mut RecvStream) -> Result<Bytes, h2::Error> {
    let mut received = Vec::new();
    while let Some(data) = body.data().await {
        let data = data?;
        body.flow_control().release_capacity(data.len())?;
        received.extend_from_slice(&data);
    }
    Ok(received.into())
}

fn status(headers: &HeaderMap) -> Option<u16> {
    headers.get("grpc-status")?.to_str().ok()?.parse().ok()
}
