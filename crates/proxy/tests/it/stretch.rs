//! A stretch of network between the proxy and the server, which can fail as networks do: without a word.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use rustix::net::sockopt::set_socket_recv_buffer_size;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
    sync::watch,
    time::sleep,
};

/// The stretch. It ends with the runtime of its test.
pub(crate) struct Stretch {
    pub(crate) address: SocketAddr,
    n_frozen: watch::Sender<usize>,
    n_swallowed: Arc<AtomicUsize>,
    up_bytes_per_second: Arc<AtomicUsize>,
}

/// What a slow stretch takes at once.
const PIECE: usize = 8 * 1024;

impl Stretch {
    pub(crate) async fn start(to: SocketAddr) -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), to).await
    }

    pub(crate) async fn start_at(address: SocketAddr, to: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (n_frozen, frozen) = watch::channel(0);
        let n_swallowed = Arc::new(AtomicUsize::new(0));
        let swallowed = Arc::clone(&n_swallowed);
        let up_bytes_per_second = Arc::new(AtomicUsize::new(0));
        let pace = Arc::clone(&up_bytes_per_second);
        tokio::spawn(async move {
            loop {
                let (near, _) = listener.accept().await.unwrap();
                let swallow = swallowed
                    .try_update(Relaxed, Relaxed, |n| n.checked_sub(1))
                    .is_ok();
                let slow = pace.load(Relaxed);
                tokio::spawn(carry(near, to, frozen.clone(), (swallow, slow)));
            }
        });
        Self {
            address,
            n_frozen,
            n_swallowed,
            up_bytes_per_second,
        }
    }

    /// The next connections carry so much upwards in a second, and hold little of the rest.
    pub(crate) fn slow(&self, up_bytes_per_second: usize) {
        self.up_bytes_per_second.store(up_bytes_per_second, Relaxed);
    }

    /// From now on, connections that are open carry nothing, and nobody is told.
    pub(crate) fn freeze(&self) {
        self.n_frozen.send_modify(|n| *n += 1);
    }

    /// The next connections are accepted and lead nowhere.
    pub(crate) fn swallow(&self, n_connections: usize) {
        self.n_swallowed.store(n_connections, Relaxed);
    }

    /// How many of those are still to come.
    pub(crate) fn n_to_swallow(&self) -> usize {
        self.n_swallowed.load(Relaxed)
    }
}

async fn carry(
    mut near: TcpStream,
    to: SocketAddr,
    mut frozen: watch::Receiver<usize>,
    (swallow, slow): (bool, usize),
) {
    if swallow {
        std::future::pending::<()>().await;
    }
    frozen.mark_unchanged();
    let mut far = TcpStream::connect(to).await.unwrap();
    tokio::select! {
        // How it ends is for the ends to judge.
        _ended = copy(&mut near, &mut far, slow) => {}
        _frozen = frozen.changed() => std::future::pending().await,
    }
}

async fn copy(near: &mut TcpStream, far: &mut TcpStream, slow: usize) -> io::Result<()> {
    if slow == 0 {
        return copy_bidirectional(near, far).await.map(drop);
    }
    set_socket_recv_buffer_size(&*near, 4 * PIECE)?;
    let (mut from_near, mut to_near) = near.split();
    let (mut from_far, mut to_far) = far.split();
    let upwards = async {
        let mut piece = vec![0; PIECE];
        loop {
            let n_bytes = from_near.read(&mut piece).await?;
            if n_bytes == 0 {
                return to_far.shutdown().await;
            }
            let took = Duration::from_secs(1) * u32::try_from(n_bytes).unwrap();
            sleep(took / u32::try_from(slow).unwrap()).await;
            to_far.write_all(piece.get(..n_bytes).unwrap()).await?;
        }
    };
    let downwards = tokio::io::copy(&mut from_far, &mut to_near);
    tokio::try_join!(upwards, downwards).map(drop)
}
