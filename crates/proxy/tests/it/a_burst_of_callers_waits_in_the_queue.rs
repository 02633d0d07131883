//! Callers who come all at once wait in the kernel's queue, which is long enough for a whole host: none is dropped, to try
//! again after a second.

use newleaf_proxy::{Listen, Proxy, limits};
use tokio::{
    net::{TcpStream, UnixStream},
    time::timeout,
};

use crate::{
    pki::Ca,
    rig::{PATIENCE, Rig, binary, eventually, logged, options},
    server::Server,
};

/// More than the 128 of Rust's standard library, and far less than the kernel's own bound.
const BURST: usize = 300;

#[tokio::test]
async fn nobody_is_dropped_though_nobody_is_accepted_yet() {
    let rig = Rig::start().await;
    let path = rig.directory.path().join("proxy.sock");
    let mut options = options(rig.server.address, &rig.server.ca, rig.directory.path());
    let mut unix = options.listeners[0].clone();
    unix.listen = Listen::Unix(path.clone());
    options.listeners.push(unix);
    // It is bound, and never serves: whoever does not fit into the queue never gets in.
    let proxy = Proxy::bind(options.clone()).await.unwrap();
    let address = proxy.address().unwrap();
    let coming = async {
        let (mut over_tcp, mut over_unix) = (Vec::new(), Vec::new());
        for _ in 0..BURST {
            over_tcp.push(TcpStream::connect(address).await.unwrap());
            over_unix.push(UnixStream::connect(&path).await.unwrap());
        }
        // A second proxy sees by the first caller that it queues behind that somebody listens here.
        assert!(Proxy::bind(options).await.is_err());
        over_tcp.len() + over_unix.len()
    };
    assert_eq!(timeout(PATIENCE, coming).await.ok(), Some(2 * BURST));
}

/// A queue that is full is not a process that was killed.
#[tokio::test]
async fn a_socket_whose_queue_is_full_is_not_taken_for_stale() {
    let rig = Rig::start().await;
    let path = rig.directory.path().join("busy.sock");
    let busy = tokio::net::UnixSocket::new_stream().unwrap();
    busy.bind(&path).unwrap();
    let _busy = busy.listen(0).unwrap();
    let mut waiting = Vec::new();
    while let Ok(caller) = UnixStream::connect(&path).await {
        waiting.push(caller);
    }
    let mut options = options(rig.server.address, &rig.server.ca, rig.directory.path());
    options.listeners[0].listen = Listen::Unix(path.clone());
    assert!(Proxy::bind(options).await.is_err());
    assert!(path.exists(), "it is somebody else's");
}

/// Whoever wonders why a worker does not get through finds it in the log.
#[tokio::test]
async fn the_log_says_that_callers_wait() {
    let g1 = Ca::new("g1");
    let server = Server::start(&[&g1]).await;
    let directory = tempfile::tempdir().unwrap();
    g1.leaf("worker").swap_into(directory.path());
    let socket = directory.path().join("proxy.sock");
    let mut command = binary(&server, directory.path());
    command.args(["--listen", &format!("unix:{}", socket.display())]);
    let coming = async {
        eventually("it listens", || socket.exists()).await;
        let mut callers = Vec::new();
        for _ in 0..=limits::DOWNSTREAM_CONNECTIONS {
            callers.push(UnixStream::connect(&socket).await.unwrap());
        }
        callers
    };
    let words = "others wait until one of them leaves";
    let (_callers, (_child, warning)) = tokio::join!(coming, logged(&mut command, words));
    assert!(
        warning.contains("WARN") && warning.contains("callers=256"),
        "{warning}"
    );
}
