//! A road to a server, which can be closed: what a controller sees when the network is away.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
};

/// Carries bytes from a loopback port to a server, until it is closed. It ends when it is dropped.
pub(crate) struct Road {
    pub(crate) address: SocketAddr,
    is_open: watch::Sender<bool>,
    carrier: JoinHandle<()>,
}

impl Road {
    pub(crate) async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let is_open = watch::Sender::new(true);
        let carrier = tokio::spawn(carry(listener, server, is_open.subscribe()));
        Self {
            address,
            is_open,
            carrier,
        }
    }

    /// Cuts every connection, and each new one before its first byte.
    pub(crate) fn close(&self) {
        self.is_open.send_replace(false);
    }

    pub(crate) fn open(&self) {
        self.is_open.send_replace(true);
    }
}

impl Drop for Road {
    fn drop(&mut self) {
        self.carrier.abort();
    }
}

async fn carry(listener: TcpListener, server: SocketAddr, mut is_open: watch::Receiver<bool>) {
    let mut travellers = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (near, _) = accepted.unwrap();
                if *is_open.borrow() {
                    travellers.spawn(travel(near, server));
                }
            }
            changed = is_open.changed() => {
                changed.unwrap();
                travellers.abort_all();
            }
            Some(_ended) = travellers.join_next() => {}
        }
    }
}

async fn travel(mut near: TcpStream, server: SocketAddr) {
    let mut far = TcpStream::connect(server).await.unwrap();
    // How a connection breaks is for its ends to judge.
    let _ended = copy_bidirectional(&mut near, &mut far).await;
}
