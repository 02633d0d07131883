//! Load tools that nobody here wrote find no fault: h2load, which is nghttp2, and ghz, which is grpc-go.
//!
//! They are found in the directory that `NEWLEAF_PARTS` names, which `cargo xtask test` prepares. Requests that fail are
//! counted by the tool and by the proxy, and both must count none.

use std::{path::Path, process::Stdio, time::Duration};

use serde_json::Value;
use tempfile::TempDir;
use tokio::{process::Command, time::timeout};

use crate::{rig::Rig, server};

/// For one run of a tool: far above what each takes, and short enough for a stall to be seen.
const PATIENCE: Duration = Duration::from_mins(2);

/// What ghz calls: [`crate::server`] answers under these names too.
const PROTO: &str = r#"
syntax = "proto3";
package load;
service Mirror {
  rpc Echo (Message) returns (Message);
  rpc Collect (stream Message) returns (Message);
  rpc Spread (Message) returns (stream Message);
  rpc Chat (stream Message) returns (stream Message);
}
message Message { bytes body = 1; }
"#;

/// Runs a tool to its end, and returns what it printed.
async fn run(tool: &Path, arguments: &[&str], address: &str) -> String {
    let mut command = Command::new(tool);
    command
        .args(arguments)
        .arg(address)
        .kill_on_drop(true)
        .stdin(Stdio::null());
    let output = timeout(PATIENCE, command.output()).await;
    let output = output.unwrap_or_else(|_late| panic!("a stall: {arguments:?}"));
    String::from_utf8(output.unwrap().stdout).unwrap()
}

/// A gRPC message of so many octets, in a file.
fn message(files: &TempDir, n_bytes: u32) -> String {
    let mut message = vec![0];
    message.extend(n_bytes.to_be_bytes());
    message.extend(std::iter::repeat_n(b'm', n_bytes.try_into().unwrap()));
    let path = files.path().join(n_bytes.to_string());
    fs_err::write(&path, message).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Has h2load make `n` requests in this shape, and demands that each was answered well.
async fn h2load(rig: &Rig, tool: &Path, shape: &str, n: u64) {
    let before = rig.proxy.status().calls;
    let n_text = n.to_string();
    let mut arguments: Vec<&str> = shape.split_whitespace().collect();
    arguments.extend(["-n", &n_text, "-H", "content-type: application/grpc"]);
    let url = format!("http://{}/echo", rig.proxy.address);
    let said = run(tool, &arguments, &url).await;
    let good = format!("{n} done, {n} succeeded, 0 failed, 0 errored, 0 timeout");
    assert!(said.contains(&good), "{shape}\n{said}");
    let calls = rig.proxy.status().calls;
    assert_eq!(calls.answered - before.answered, n, "{shape}\n{said}");
    assert_eq!((calls.failed, calls.reset), (0, 0), "{shape}\n{said}");
}

#[tokio::test]
async fn h2load_has_every_request_answered() {
    let Some(tool) = newleaf_parts::program("h2load") else {
        return;
    };
    let (rig, files) = (Rig::start().await, tempfile::tempdir().unwrap());
    let (small, large) = (message(&files, 100), message(&files, 1_000_000));
    for (shape, n) in [
        (format!("-c 10 -m 100 -d {small}"), 4_000),
        (format!("-c 1 -m 1 -d {small}"), 500),
        (format!("-c 1 -m 1000 -d {small}"), 4_000),
        // Without a body at all.
        ("-c 4 -m 20".to_owned(), 500),
        (format!("-c 4 -m 10 -d {large}"), 80),
        // Windows of 1 KiB: the proxy must wait for each.
        (format!("-c 4 -m 10 -w 10 -W 10 -d {small}"), 400),
        (format!("-c 2 -m 4 -w 12 -W 13 -d {large}"), 8),
        // Windows that never fill, and frames of 1 MiB, which the proxy does not have to send.
        (format!("-c 2 -m 10 -w 30 -W 30 -f 1048576 -d {large}"), 40),
        // No table of headers in either direction.
        (
            format!("-c 2 -m 50 --header-table-size 0 --encoder-header-table-size 0 -d {small}"),
            500,
        ),
        // A connection for every two requests, fifty new ones each second.
        (format!("-c 100 -r 50 -m 1 -d {small}"), 200),
    ] {
        h2load(&rig, &tool, &shape, n).await;
    }
}

/// More callers come at once than a queue of the usual length holds. The kernel drops the rest, and they try again after a
/// second.
#[tokio::test]
async fn h2load_may_come_with_many_connections_at_once() {
    let Some(tool) = newleaf_parts::program("h2load") else {
        return;
    };
    let (rig, files) = (Rig::start().await, tempfile::tempdir().unwrap());
    let small = message(&files, 100);
    for _ in 0..3 {
        h2load(&rig, &tool, &format!("-c 600 -m 2 -d {small}"), 1_200).await;
    }
}

#[tokio::test]
async fn h2load_notices_no_goodbye_of_the_server() {
    let Some(tool) = newleaf_parts::program("h2load") else {
        return;
    };
    let (rig, files) = (Rig::start().await, tempfile::tempdir().unwrap());
    let shape = format!("-c 4 -m 20 -d {}", message(&files, 100));
    let goodbyes = async {
        loop {
            // Often: a quick machine is through with all requests in a fifth of a second.
            tokio::time::sleep(Duration::from_millis(20)).await;
            rig.server.command(server::Command::Goodbye);
        }
    };
    tokio::select! {
        () = h2load(&rig, &tool, &shape, 6_000) => {}
        () = goodbyes => {}
    }
    let n_connections = rig.server.seen(|seen| seen.connections.len());
    assert!(n_connections > 2, "{n_connections}");
}

#[tokio::test]
async fn h2load_is_told_that_http1_is_not_spoken() {
    let Some(tool) = newleaf_parts::program("h2load") else {
        return;
    };
    let rig = Rig::start().await;
    let url = format!("http://{}/echo", rig.proxy.address);
    let said = run(&tool, &["--h1", "-n", "20", "-c", "2"], &url).await;
    assert!(said.contains("0 succeeded, 20 failed, 0 errored"), "{said}");
    assert!(said.contains("0 4xx, 20 5xx"), "{said}");
    assert_eq!(rig.proxy.status().calls.answered, 0);
}

#[tokio::test]
async fn ghz_has_every_call_answered() {
    let Some(tool) = newleaf_parts::program("ghz") else {
        return;
    };
    let (rig, files) = (Rig::start().await, tempfile::tempdir().unwrap());
    let proto = files.path().join("load.proto");
    fs_err::write(&proto, PROTO).unwrap();
    // Base64, as JSON has octets: 75 of them, and 750,000.
    let body = |n: usize| format!(r#"{{"body":"{}"}}"#, "bW1t".repeat(n));
    let stream = format!("[{}]", vec![body(2_000); 20].join(","));
    let file = |name: &str, text: String| {
        let path = files.path().join(name);
        fs_err::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (small, large) = (file("small", body(25)), file("large", body(250_000)));
    let stream = file("stream", stream);
    for (call, shape, data, n) in [
        ("Echo", "-c 20 --connections 4", &small, 2_000),
        ("Echo", "-c 1", &small, 200),
        ("Echo", "-c 8 --connections 2", &large, 60),
        ("Collect", "-c 8 --connections 2", &stream, 60),
        ("Spread", "-c 8 --connections 2", &small, 300),
        ("Chat", "-c 8 --connections 2", &stream, 60),
    ] {
        let n_text = n.to_string();
        let call = format!("load.Mirror.{call}");
        let mut arguments = vec!["--insecure", "--proto", proto.to_str().unwrap()];
        arguments.extend(["--call", &call, "-n", &n_text, "-D", data, "-O", "json"]);
        arguments.extend(shape.split_whitespace());
        let said = run(&tool, &arguments, &rig.proxy.address.to_string()).await;
        let report: Value = serde_json::from_str(&said).unwrap();
        let ends = &report["statusCodeDistribution"];
        assert_eq!(ends, &serde_json::json!({ "OK": n }), "{call} {shape}");
        assert_eq!(report["errorDistribution"], serde_json::json!({}), "{call}");
    }
    let calls = rig.proxy.status().calls;
    assert_eq!((calls.failed, calls.reset), (0, 0));
}
