//! `newleaf leaf serve` and `newleaf proxy` together: a leaf whose key is never on a disk is presented, and its renewal fails
//! no call.

use std::{
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use base64::Engine as _;
use newleaf_sandbox::start;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixStream,
    time::{Instant, sleep},
};

use crate::{
    bench::Bench,
    caller::Caller,
    rig::{LOOK_AGAIN, NAMESPACE, PATIENCE, options, spawn_proxy},
    run::Run,
};

/// How long each leaf lives. The next one comes when a third is left, which is what a busy machine has to move within.
const LIFETIME: &str = "24s";

/// Reads a Unix socket to its end; nothing where nobody answers yet.
async fn ask(socket: &Path, request: &str) -> Option<String> {
    let mut stream = UnixStream::connect(socket).await.ok()?;
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await.ok()?;
    Some(text)
}

/// Returns what is secret of the leaf that is served now: the lines of its key's PEM.
async fn served_key(socket: &Path) -> Vec<String> {
    let text = ask(socket, "").await.unwrap();
    let (_, key) = text.split_once("-----BEGIN PRIVATE KEY-----").unwrap();
    let (key, _) = key.split_once("-----END PRIVATE KEY-----").unwrap();
    key.split_whitespace().map(str::to_owned).collect()
}

/// Returns the fingerprint of the leaf that all of the proxy's connections present, once it has some and calls are carried.
async fn presented(admin: &Path) -> Option<String> {
    let answer = ask(admin, "GET /status HTTP/1.1\r\nhost: localhost\r\n\r\n").await?;
    let (_, body) = answer.split_once("\r\n\r\n")?;
    let status: Value = serde_json::from_str(body).unwrap();
    let connections = status["connections"].as_array().unwrap();
    let mut leaves = connections.iter().map(|one| one["leaf"].as_str().unwrap());
    let leaf = leaves.next()?;
    let is_settled = status["ready"] == true && leaves.all(|other| other == leaf);
    is_settled.then(|| leaf.to_owned())
}

/// Waits until the proxy presents a leaf, and this one no more.
async fn presents_another(admin: &Path, than: Option<&str>) -> String {
    let by = Instant::now() + PATIENCE;
    loop {
        match presented(admin).await {
            Some(leaf) if Some(leaf.as_str()) != than => return leaf,
            Some(_) | None => sleep(LOOK_AGAIN).await,
        }
        assert!(
            Instant::now() < by,
            "the proxy never presented another leaf"
        );
    }
}

/// Returns every file below a directory.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs_err::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let kind = fs_err::symlink_metadata(&path).unwrap().file_type();
        if kind.is_dir() {
            files.extend(self::files(&path));
        } else if kind.is_file() {
            files.push(path);
        }
    }
    files
}

/// Fails if a file below the bench holds a key, as PEM or as DER; and if any but the CA's holds a key at all.
fn lies_nowhere(bench: &Bench, key: &[String]) {
    let der = base64::engine::general_purpose::STANDARD.decode(key.concat());
    let der = der.unwrap();
    let all = files(&bench.path(""));
    assert!(all.len() > 3, "{all:?}");
    for path in all {
        let content = fs_err::read(&path).unwrap();
        let holds = |part: &[u8]| content.windows(part.len()).any(|window| window == part);
        let holds_key = holds(&der) || key.iter().any(|line| holds(line.as_bytes()));
        assert!(!holds_key, "{} holds the leaf's key", path.display());
        let is_of_ca = path.as_os_str().as_bytes().ends_with(b"ca/ca.key");
        assert_eq!(holds(b"PRIVATE KEY"), is_of_ca, "{}", path.display());
    }
}

#[tokio::test]
async fn a_renewed_leaf_fails_no_call_and_its_key_lies_nowhere() {
    let bench = Bench::new();
    bench.done("ca new --unencrypted --out ca --common-name ca-g1");
    let sandbox = start(options(bench.read("ca/ca.crt"), None)).await.unwrap();
    bench.write("server-ca.crt", sandbox.server_ca_pem());
    let endpoint = sandbox.namespace_address(NAMESPACE).unwrap();
    let mut serving = Run::start(
        &bench,
        &format!(
            "leaf serve --ca ca --socket leaf.sock --common-name worker-a --lifetime {LIFETIME}"
        ),
    );
    let (socket, admin) = (bench.path("leaf.sock"), bench.path("admin.sock"));
    let flags = "--identity-socket leaf.sock --admin unix:admin.sock";
    let (_proxy, proxy, told) = spawn_proxy(&bench, endpoint, flags).await;
    assert_eq!(told, "admin.sock");

    let first = presents_another(&admin, None).await;
    let first_key = served_key(&socket).await;
    let caller = Caller::start(proxy).await;
    caller.goes_on(20).await;
    lies_nowhere(&bench, &first_key);

    let second = presents_another(&admin, Some(&first)).await;
    let second_key = served_key(&socket).await;
    assert_ne!(first_key.concat(), second_key.concat());
    caller.goes_on(20).await;
    let tally = caller.finish().await;
    tally.must_be_clean(Duration::from_secs(2));
    for key in [&first_key, &second_key] {
        lies_nowhere(&bench, key);
    }

    let seen = sandbox.seen(NAMESPACE).unwrap();
    for leaf in [first, second] {
        let seen = seen
            .leaves
            .iter()
            .find(|(seen, _)| seen.to_string() == leaf);
        let (_, seen) = seen.unwrap();
        assert!(seen.n_calls > 0 && seen.n_denied == 0, "{seen:?}");
    }
    serving.terminate();
    serving.succeeds().await;
}
