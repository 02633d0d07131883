//! An HTTP proxy on the way to the server: proxy.py, which nobody here wrote.
//!
//! It is found in the directory that `NEWLEAF_PARTS` names, which `cargo xtask test` prepares.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
};

use bytes::Bytes;
use newleaf_proxy::ConnectProxy;
use rustix::process::{Pid, Signal, kill_process_group};

use crate::{
    caller::Caller,
    pki::Ca,
    rig::{Running, eventually, options},
    server::Server,
};

/// The proxy and its acceptor, which are a group of processes.
struct ProxyPy(Child);

impl ProxyPy {
    fn start(program: &Path, port_file: &Path) -> Self {
        use std::os::unix::process::CommandExt as _;
        let child = Command::new(program)
            .args(["--hostname", "127.0.0.1", "--port", "0"])
            .args(["--num-acceptors", "1", "--num-workers", "1"])
            .args(["--basic-auth", "worker:open sesame"])
            .arg("--port-file")
            .arg(port_file)
            .arg("--data-dir")
            .arg(port_file.with_extension("data"))
            .process_group(0)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self(child)
    }
}

impl Drop for ProxyPy {
    fn drop(&mut self) {
        let group = Pid::from_raw(self.0.id().try_into().unwrap()).unwrap();
        kill_process_group(group, Signal::KILL).unwrap();
        self.0.wait().unwrap();
    }
}

#[tokio::test]
async fn a_real_proxy() {
    let Some(program) = newleaf_parts::program("proxy") else {
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let port_file = directory.path().join("port");
    let _proxy_py = ProxyPy::start(&program, &port_file);
    let port = || fs_err::read_to_string(&port_file).unwrap_or_default();
    eventually("the proxy has told its port", || port().ends_with('\n')).await;

    let g1 = Ca::new("g1");
    let server = Server::start(&[&g1]).await;
    let identity = directory.path().join("identity");
    fs_err::create_dir(&identity).unwrap();
    g1.leaf("worker").swap_into(&identity);
    let credentials = directory.path().join("credentials");
    fs_err::write(&credentials, "worker:wrong").unwrap();
    let mut options = options(server.address, &server.ca, &identity);
    let url = format!("http://127.0.0.1:{}", port().trim());
    let proxy = ConnectProxy::new(&url, Some(credentials.clone()));
    options.upstreams[0].connect_proxy = Some(proxy.unwrap());
    let proxy = Running::start(options).await;

    // It does not let through whom it does not know, and nothing is dialled beside it.
    let mut caller = Caller::connect(proxy.address).await;
    let deadline = [("grpc-timeout", "1S")];
    let end = caller.call("/echo", Bytes::new(), &deadline).await;
    assert!(!end.is_ok(), "{end:?}");
    assert_eq!(server.seen(|s| s.connections.len()), 0);

    // The file is read at each connection.
    fs_err::write(&credentials, "worker:open sesame\n").unwrap();
    eventually("the identity is adopted", || proxy.status().adopted == 1).await;
    assert!(caller.echo().await.is_ok());
}
