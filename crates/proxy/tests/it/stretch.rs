//! A stretch of network between the proxy and the server, which can fail as networks do: without a word.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// The stretch. It ends with the runtime of its test.
pub(crate) struct Stretch {
    pub(crate) address: SocketAddr,
    n_frozen: watch::Sender<usize>,
    n_swallowed: Arc<AtomicUsize>,
}

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
        tokio::spawn(async move {
            loop {
                let (near, _) = listener.accept().await.unwrap();
                let swallow = swallowed
                    .try_update(Relaxed, Relaxed, |n| n.checked_sub(1))
                    .is_ok();
                tokio::spawn(carry(near, to, frozen.clone(), swallow));
            }
        });
        Self {
            address,
            n_frozen,
            n_swallowed,
        }
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
    swallow: bool,
) {
    if swallow {
        std::future::pending::<()>().await;
    }
    frozen.mark_unchanged();
    let mut far = TcpStream::connect(to).await.unwrap();
    tokio::select! {
        // How it ends is for the ends to judge.
        _ended = copy_bidirectional(&mut near, &mut far) => {}
        _frozen = frozen.changed() => std::future::pending().await,
    }
}
