//! A far network on one machine: bytes arrive late by the same time, each way. No loss, and no narrow pipe: what is measured is
//! what distance alone does to a handshake.

use std::{io, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::{Instant, sleep_until},
};

/// Read at once.
const READ_BYTES: usize = 64 * 1024;

/// Parts under way in one direction: more than any load of the scene sends in one delay.
const PARTS: usize = 4096;

/// Where the network begins and ends.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Where callers are accepted.
    #[arg(long)]
    pub listen: SocketAddr,
    /// The server.
    #[arg(long)]
    pub upstream: SocketAddr,
    /// How long bytes take, each way, in milliseconds.
    #[arg(long)]
    pub each_way_ms: u64,
}

/// Carries bytes until it is killed.
pub async fn run(options: Options) -> io::Result<()> {
    let listener = TcpListener::bind(options.listen).await?;
    let delay = Duration::from_millis(options.each_way_ms);
    loop {
        let (near, _) = listener.accept().await?;
        tokio::spawn(async move {
            // A connection that broke is seen by both ends; the network has nothing to add.
            drop(carry(near, options.upstream, delay).await);
        });
    }
}

async fn carry(near: TcpStream, upstream: SocketAddr, delay: Duration) -> io::Result<()> {
    // The connection itself takes a round trip, of which the caller notices nothing here: it is there already.
    sleep_until(Instant::now() + delay * 2).await;
    let far = TcpStream::connect(upstream).await?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    let (near_read, near_write) = near.into_split();
    let (far_read, far_write) = far.into_split();
    tokio::try_join!(
        pass(near_read, far_write, delay),
        pass(far_read, near_write, delay),
    )
    .map(|_both| ())
}

async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    delay: Duration,
) -> io::Result<()> {
    let (sender, mut parts) = mpsc::channel::<(Instant, Vec<u8>)>(PARTS);
    let read = async {
        let mut buffer = vec![0; READ_BYTES];
        loop {
            let length = from.read(&mut buffer).await?;
            let part = buffer.get(..length).unwrap_or_default().to_vec();
            if length == 0 || sender.send((Instant::now() + delay, part)).await.is_err() {
                drop(sender);
                return Ok(());
            }
        }
    };
    let write = async {
        while let Some((due, part)) = parts.recv().await {
            sleep_until(due).await;
            to.write_all(&part).await?;
        }
        to.shutdown().await
    };
    tokio::try_join!(read, write).map(|_both| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn parts_arrive_late_in_order_and_whole() {
        let (mut near, from) = tokio::io::duplex(64);
        let (to, mut far) = tokio::io::duplex(64);
        let delay = Duration::from_millis(20);
        tokio::spawn(pass(from, to, delay));
        let began = Instant::now();
        near.write_all(b"one ").await.unwrap();
        near.write_all(b"two").await.unwrap();
        drop(near);
        let mut text = String::new();
        far.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "one two");
        assert!(began.elapsed() >= delay);
    }
}
