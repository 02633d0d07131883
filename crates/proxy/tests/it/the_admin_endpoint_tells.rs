//! The admin endpoint: status, metrics, readiness, and that the process lives.

use std::{
    path::PathBuf,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc,
    },
    thread,
    time::Duration,
};

use bytes::Bytes;
use newleaf_proxy::{Status, limits, relay::FailureCause};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    process::Command,
    time::timeout,
};

use crate::{
    caller::End,
    rig::{PATIENCE, Rig, Running, eventually, options},
    server,
};

/// Reads metrics as Prometheus' own client library does, strictly, and prints each sample on a line.
const PARSE: &str = "
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
for family in parse(sys.stdin.read()):
    for sample in family.samples:
        labels = ','.join(f'{k}={v}' for k, v in sorted(sample.labels.items()))
        print(f'{family.type} {sample.name}{{{labels}}} {sample.value:.15g}')
";

async fn ask(proxy: &Running, path: &str) -> (String, String) {
    get(TcpStream::connect(proxy.admin).await.unwrap(), path).await
}

/// An answer: its head in lower case, and its body.
pub(crate) async fn get(
    socket: impl AsyncRead + AsyncWrite + Unpin,
    path: &str,
) -> (String, String) {
    request(socket, "GET", path).await
}

async fn request(
    mut socket: impl AsyncRead + AsyncWrite + Unpin,
    method: &str,
    path: &str,
) -> (String, String) {
    let request = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_lowercase(), body.to_owned())
}

async fn is_ok(proxy: &Running, path: &str) -> bool {
    ask(proxy, path).await.0.starts_with("http/1.1 200")
}

#[tokio::test]
async fn readiness_follows_the_connections_and_life_does_not() {
    let rig = Rig::start().await;
    assert!(is_ok(&rig.proxy, "/ready").await);
    assert!(is_ok(&rig.proxy, "/live").await);
    let (head, _) = ask(&rig.proxy, "/other").await;
    assert!(head.starts_with("http/1.1 404"), "{head}");

    let directory = tempfile::tempdir().unwrap();
    let options = options(rig.server.address, &rig.server.ca, directory.path());
    let without_identity = Running::start(options).await;
    let (head, why) = ask(&without_identity, "/ready").await;
    assert!(head.starts_with("http/1.1 503"), "{head}");
    assert!(why.contains("/status says which and why"), "{why}");
    assert!(is_ok(&without_identity, "/live").await);
    eventually("its absence is told", || {
        let why = without_identity.status().last_refusal;
        why.is_some_and(|why| why.contains("tls.crt"))
    })
    .await;
    let status = without_identity.status();
    assert!(!status.ready);
    assert!(status.last_refusal_at.unwrap() >= status.started_at);
}

/// Health probes may ask for the head alone; and who asks in another way is told how.
#[tokio::test]
async fn a_head_is_answered_and_other_methods_are_told_which_there_are() {
    let rig = Rig::start().await;
    let socket = || async { TcpStream::connect(rig.proxy.admin).await.unwrap() };
    let (head, body) = request(socket().await, "HEAD", "/live").await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert!(head.contains("content-length: 5"), "{head}");
    assert_eq!(body, "");
    let (head, body) = request(socket().await, "POST", "/live").await;
    assert!(head.starts_with("http/1.1 405"), "{head}");
    assert!(head.contains("\r\nallow: get, head"), "{head}");
    assert_eq!(body, "expected GET or HEAD\n");
}

/// A kubelet that was kept waiting by them would kill a healthy proxy.
#[tokio::test]
async fn whoever_says_nothing_keeps_no_probe_waiting() {
    let rig = Rig::start().await;
    let mut silent = Vec::new();
    for _stranger in 0..4 * limits::ADMIN_CONNECTIONS {
        silent.push(TcpStream::connect(rig.proxy.admin).await.unwrap());
    }
    for path in ["/live", "/ready"] {
        let answered = timeout(Duration::from_secs(1), is_ok(&rig.proxy, path));
        assert_eq!(answered.await, Ok(true), "{path}");
    }
}

#[tokio::test]
async fn the_status_tells_what_became_of_calls() {
    let rig = Rig::start().await;
    let mut caller = rig.caller().await;
    for _ in 0..3 {
        assert!(caller.echo().await.is_ok());
    }
    let reset = caller.call("/reset", Bytes::new(), &[]).await;
    assert!(matches!(reset, End::Broken(_)));
    let mut poller = caller.clone();
    let poll = tokio::spawn(async move { poller.hold(60_000).await });
    eventually("the poll is held", || rig.server.seen(|s| s.n_holding) == 1).await;
    rig.server.command(server::Command::Cut);
    assert!(!poll.await.unwrap().is_ok());

    let (head, body) = ask(&rig.proxy, "/status").await;
    assert!(head.contains("application/json"), "{head}");
    let told: Status = serde_json::from_str(&body).unwrap();
    assert_eq!(told.calls, rig.proxy.status().calls);
    assert_eq!((told.calls.answered, told.calls.reset), (3, 1));
    assert_eq!((told.calls.failed, told.failed), (1, 1));
    assert_eq!(told.calls.failed_by_cause[&FailureCause::Lost], 1);
    assert!(told.bytes.from_callers > 0 && told.bytes.to_servers > 0);
    let identity = told.identity.unwrap();
    assert_eq!(identity.leaf, rig.first.fingerprint());
    assert!(
        identity.expiry.starts_with("ends in "),
        "{}",
        identity.expiry
    );
}

#[tokio::test]
async fn the_metrics_are_open_metrics_and_agree_with_the_status() {
    let Some(python) = python().await else { return };
    let rig = Rig::start().await;
    let mut caller = rig.caller().await;
    for _ in 0..5 {
        assert!(caller.echo().await.is_ok());
    }
    let (head, page) = ask(&rig.proxy, "/metrics").await;
    assert!(
        head.contains("application/openmetrics-text; version=1.0.0"),
        "{head}"
    );
    let samples = parse(&python, &page).await;
    let status = rig.proxy.status();
    let leaf = status.identity.unwrap().leaf;
    for expected in [
        "counter newleaf_proxy_calls_answered_total{} 5".to_owned(),
        "counter newleaf_proxy_calls_failed_total{cause=no_connection} 0".to_owned(),
        "counter newleaf_proxy_credentials_adopted_total{upstream=temporal} 1".to_owned(),
        "gauge newleaf_proxy_identity_generation{upstream=temporal} 1".to_owned(),
        "gauge newleaf_proxy_ready{} 1".to_owned(),
        // 2090-01-01T00:00:00Z.
        "gauge newleaf_proxy_identity_not_after_seconds{upstream=temporal} 3786912000".to_owned(),
        format!(
            "info newleaf_proxy_identity_info{{ca=,issuer=CN=g1,leaf={leaf},upstream=temporal}} 1"
        ),
        format!(
            "gauge newleaf_proxy_connections{{ca=,issuer=CN=g1,leaf={leaf},state=live,upstream=temporal}} 1"
        ),
    ] {
        assert!(samples.contains(&expected), "{expected}\n{samples:#?}");
    }
    let broken = page.replace("# EOF\n", "");
    assert!(parse(&python, &broken).await.is_empty(), "the judge judges");
}

/// Returns the lines that [`PARSE`] prints; none if the page is not to its liking.
async fn parse(python: &PathBuf, page: &str) -> Vec<String> {
    let mut judge = Command::new(python)
        .args(["-c", PARSE])
        .kill_on_drop(true)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = judge.stdin.take().unwrap();
    stdin.write_all(page.as_bytes()).await.unwrap();
    drop(stdin);
    let output = judge.wait_with_output().await.unwrap();
    if !output.status.success() {
        return Vec::new();
    }
    let said = String::from_utf8(output.stdout).unwrap();
    said.lines().map(str::to_owned).collect()
}

/// Returns the Python that has Prometheus' client library, where `cargo xtask test` has prepared it.
async fn python() -> Option<PathBuf> {
    let python = newleaf_parts::directory().map(|parts| parts.join("bin/python"));
    if let Some(python) = python {
        let mut has_it = Command::new(&python);
        has_it
            .args(["-c", "import prometheus_client"])
            .stderr(Stdio::null());
        if has_it.status().await.is_ok_and(|status| status.success()) {
            return Some(python);
        }
    }
    newleaf_parts::missing("a Python with prometheus_client");
    None
}

/// A status is read on one thread, and whether calls would be carried changes on another: once they waited for each other,
/// for ever, and no call was carried any more.
#[test]
fn a_status_and_a_goodbye_do_not_wait_for_each_other() {
    let (done, ended) = mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(read_while_the_server_says_goodbye());
        done.send(()).unwrap();
    });
    // What waits for ever cannot be ended: it is left behind.
    assert_eq!(ended.recv_timeout(PATIENCE), Ok(()));
}

async fn read_while_the_server_says_goodbye() {
    let rig = Rig::start().await;
    let mut caller = rig.caller().await;
    let proxy = Arc::new(rig.proxy);
    let stop = Arc::new(AtomicBool::new(false));
    let reading = {
        let (proxy, stop) = (Arc::clone(&proxy), Arc::clone(&stop));
        thread::spawn(move || {
            while !stop.load(Relaxed) {
                proxy.status();
            }
        })
    };
    for _ in 0..40 {
        rig.server.command(server::Command::Goodbye);
        assert!(caller.echo().await.is_ok());
    }
    stop.store(true, Relaxed);
    reading.join().unwrap();
    assert_eq!(proxy.status().failed, 0);
}
