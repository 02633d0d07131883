//! An HTTP proxy on the way to the server: a real Envoy, where `NEWLEAF_PARTS` names a directory that has one.

use std::{net::SocketAddr, process::Stdio};

use newleaf_proxy::ConnectProxy;
use tokio::{net::TcpListener, process::Command};

use crate::{
    callers_meet_http2_by_the_book::part,
    pki::Ca,
    rig::{Running, eventually, options},
    server::Server,
};

const CONFIG: &str = r#"
static_resources:
  listeners:
  - address: {socket_address: {address: 127.0.0.1, port_value: @LISTEN@}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: connect
          upgrade_configs: [{upgrade_type: CONNECT}]
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
          route_config:
            virtual_hosts:
            - name: the server and no other
              domains: ["@SERVER@"]
              routes:
              - match:
                  connect_matcher: {}
                  headers: [{name: proxy-authorization, string_match: {exact: "Basic d29ya2VyOm9wZW4gc2VzYW1l"}}]
                route: {cluster: server, upgrade_configs: [{upgrade_type: CONNECT, connect_config: {}}]}
  clusters:
  - name: server
    load_assignment:
      cluster_name: server
      endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: @PORT@}}}}]}]
"#;

#[tokio::test]
async fn a_real_envoy() {
    let Some(envoy) = part("envoy") else { return };
    let g1 = Ca::new("g1");
    let server = Server::start(&[&g1]).await;
    let directory = tempfile::tempdir().unwrap();
    let listen = free_address().await;
    let config = CONFIG
        .replace("@LISTEN@", &listen.port().to_string())
        .replace("@SERVER@", &server.address.to_string())
        .replace("@PORT@", &server.address.port().to_string());
    let file = directory.path().join("envoy.yaml");
    fs_err::write(&file, config).unwrap();
    let _envoy = Command::new(envoy)
        .arg("-c")
        .arg(&file)
        .args(["--concurrency", "1", "--disable-hot-restart"])
        .args(["--log-level", "error"])
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let credentials = directory.path().join("credentials");
    fs_err::write(&credentials, "worker:wrong").unwrap();
    let identity = directory.path().join("identity");
    fs_err::create_dir(&identity).unwrap();
    g1.leaf("worker").swap_into(&identity);
    let mut options = options(server.address, &server.ca, &identity);
    let proxy = ConnectProxy::new(&format!("http://{listen}"), Some(credentials.clone()));
    options.connect_proxy = Some(proxy.unwrap());
    let proxy = Running::start(options).await;

    // Envoy has no route for those it does not know; nothing was dialled beside it.
    let mut caller = crate::caller::Caller::connect(proxy.address).await;
    let end = caller
        .call("/echo", bytes::Bytes::new(), &[("grpc-timeout", "1S")])
        .await;
    assert!(!end.is_ok(), "{end:?}");
    assert_eq!(server.seen(|s| s.connections.len()), 0);

    // The file is read at each connection.
    fs_err::write(&credentials, "worker:open sesame\n").unwrap();
    eventually("the identity is adopted", || proxy.status().adopted == 1).await;
    assert!(caller.echo().await.is_ok());
}

/// A port that nothing listens on: bound, known, and let go.
async fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap()
}
