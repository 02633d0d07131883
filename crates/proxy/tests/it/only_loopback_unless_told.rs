//! Promise 7: listens on loopback or a Unix socket unless told otherwise.

use newleaf_proxy::{Exposure, Listen, Proxy, StartError, Status};
use tokio::{net::UnixStream, sync::oneshot};

use crate::{
    caller::Caller,
    rig::{Rig, options},
    the_admin_endpoint_tells::get,
};

#[tokio::test]
async fn other_addresses_are_refused() {
    let rig = Rig::start().await;
    let everywhere = "0.0.0.0:0".parse().unwrap();
    let make = || options(rig.server.address, &rig.server.ca, rig.directory.path());
    let mut for_callers = make();
    for_callers.listeners[0].listen = Listen::Tcp(everywhere);
    let mut for_admin = make();
    for_admin.admin = Some(Listen::Tcp(everywhere));
    for options in [for_callers, for_admin] {
        let error = Proxy::bind(options.clone()).await.err().unwrap();
        assert!(matches!(error, StartError::NotLoopback { .. }), "{error}");
        assert!(error.is_usage());
        let told = newleaf_proxy::Options {
            exposure: Exposure::Network,
            ..options
        };
        assert!(Proxy::bind(told).await.is_ok());
    }
}

#[tokio::test]
async fn a_unix_socket_serves_and_is_removed() {
    let rig = Rig::start().await;
    let path = rig.directory.path().join("proxy.sock");
    let admin = rig.directory.path().join("admin.sock");
    for path in [&path, &admin] {
        // Left behind by a process that was killed.
        drop(std::os::unix::net::UnixListener::bind(path).unwrap());
    }
    let mut options = options(rig.server.address, &rig.server.ca, rig.directory.path());
    options.listeners[0].listen = Listen::Unix(path.clone());
    options.admin = Some(Listen::Unix(admin.clone()));
    let in_use = options.clone();
    let mut admin_in_use = options.clone();
    admin_in_use.listeners[0].listen = Listen::Unix(rig.directory.path().join("other.sock"));
    let proxy = Proxy::bind(options).await.unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(proxy.serve(async {
        let _dropped = stopped.await;
    }));
    let mut caller = Caller::over(UnixStream::connect(&path).await.unwrap()).await;
    assert!(caller.echo().await.is_ok());
    let (head, body) = get(UnixStream::connect(&admin).await.unwrap(), "/status").await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    let told: Status = serde_json::from_str(&body).unwrap();
    assert_eq!(told.calls.answered, 1);
    for options in [in_use, admin_in_use] {
        let error = Proxy::bind(options).await.err().unwrap();
        assert!(matches!(error, StartError::Bind { .. }), "{error}");
    }
    assert!(
        path.exists() && admin.exists(),
        "who came too late takes nothing away"
    );
    drop(caller);
    drop(stop);
    serving.await.unwrap();
    assert!(!path.exists() && !admin.exists());
}

/// Who has taken a socket's place, as a new process does before the old one has drained, keeps it.
#[tokio::test]
async fn what_another_process_has_put_in_a_sockets_place_stays() {
    let rig = Rig::start().await;
    let path = rig.directory.path().join("proxy.sock");
    let mut options = options(rig.server.address, &rig.server.ca, rig.directory.path());
    options.listeners[0].listen = Listen::Unix(path.clone());
    let proxy = Proxy::bind(options).await.unwrap();
    fs_err::remove_file(&path).unwrap();
    let other = std::os::unix::net::UnixListener::bind(&path).unwrap();
    drop(proxy);
    assert!(path.exists());
    assert!(UnixStream::connect(&path).await.is_ok());
    drop(other);
}
