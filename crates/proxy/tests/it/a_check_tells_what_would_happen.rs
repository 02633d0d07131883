//! `newleaf-proxy check`: what a proxy would meet, with an exit code for each kind of trouble, and nothing listened on.

use std::{path::Path, process::Stdio};

use newleaf_proxy::check::{self, Verdict};
use tokio::process::Command;

use crate::{pki::Ca, rig::options, server::Server};

struct Said {
    code: i32,
    out: String,
    err: String,
}

/// The check of an identity in `directory` at this server.
fn command(server: &Server, directory: &Path) -> Command {
    let server_ca = directory.join("server-ca.pem");
    fs_err::write(&server_ca, server.ca.certificate.to_pem()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_newleaf-proxy"));
    command
        .args(["check", "--upstream", &server.address.to_string()])
        .args([
            "--server-name",
            "temporal.test",
            "--namespace",
            "payments.a2dd6",
        ])
        .arg("--server-ca")
        .arg(server_ca)
        .arg("--identity")
        .arg(directory)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

async fn check(server: &Server, directory: &Path, more: &[&str]) -> Said {
    let mut command = command(server, directory);
    let output = command.args(more).output().await.unwrap();
    Said {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

#[tokio::test]
async fn what_is_well() {
    let g1 = Ca::new("g1");
    let server = Server::start(&[&g1]).await;
    let directory = tempfile::tempdir().unwrap();
    let leaf = g1.leaf("worker");
    leaf.swap_into(directory.path());
    // A port that is taken: nothing is listened on, so that is no trouble.
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let said = check(&server, directory.path(), &["--listen", &taken, "--json"]).await;
    assert_eq!(said.code, 0, "{}", said.err);
    let told: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    let told = &told["upstreams"][0];
    assert_eq!(told["verdict"], "good");
    assert_eq!(told["leaf"]["fingerprint"], leaf.fingerprint().to_string());
    assert_eq!(told["leaf"]["subject"], "CN=worker");
    assert_eq!(told["server"]["subject"], "CN=server");
    assert_eq!(told["peer"], server.address.to_string());

    let said = check(&server, directory.path(), &[]).await;
    assert!(
        said.out.contains("good    the server accepted it"),
        "{}",
        said.out
    );
    assert!(
        said.out.contains("CN=worker, signed by CN=g1; ends in"),
        "{}",
        said.out
    );
    let everything = said.out + &said.err;
    assert!(!everything.contains("PRIVATE KEY"));
}

/// As `newleaf-proxy check | head -1` may do to it.
#[tokio::test]
async fn a_reader_who_has_read_enough_changes_no_verdict() {
    let g1 = Ca::new("g1");
    let server = Server::start(&[&g1]).await;
    let directory = g1.directory_of_worker();
    let mut command = command(&server, directory.path());
    for format in [&[][..], &["--json"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let child = command.args(format).stdout(writer).stderr(Stdio::piped());
        let output = child.spawn().unwrap().wait_with_output().await.unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert_eq!(
            String::from_utf8_lossy(&output.stderr)
                .matches("error:")
                .count(),
            0
        );
    }
}

#[tokio::test]
async fn a_server_that_refuses_is_told_from_credentials_that_cannot_be_tried() {
    let (g1, g2) = (Ca::new("g1"), Ca::new("g2"));
    let server = Server::start(&[&g1]).await;
    let directory = tempfile::tempdir().unwrap();
    g2.leaf("worker").swap_into(directory.path());
    let refused = check(&server, directory.path(), &[]).await;
    assert_eq!(refused.code, 1, "{}{}", refused.out, refused.err);
    assert!(refused.out.contains("refused "), "{}", refused.out);

    g1.leaf("worker").swap_into(directory.path());
    server.rule(|rules| rules.system_info = 7);
    let denied = check(&server, directory.path(), &[]).await;
    assert_eq!(denied.code, 1);
    assert!(denied.out.contains("PERMISSION_DENIED"), "{}", denied.out);

    let server_only = newleaf_x509::issue::LeafUse::Server;
    g1.certify("no client", server_only)
        .swap_into(directory.path());
    let objected = check(&server, directory.path(), &[]).await;
    assert_eq!(objected.code, 3, "{}{}", objected.out, objected.err);
    assert!(objected.out.contains("NL411"), "{}", objected.out);

    let empty = tempfile::tempdir().unwrap();
    let missing = check(&server, empty.path(), &[]).await;
    assert_eq!(missing.code, 3);
    assert!(missing.out.contains("tls.crt"), "{}", missing.out);
}

#[tokio::test]
async fn a_configuration_that_cannot_be_used() {
    let g1 = Ca::new("g1");
    let server = Server::start(&[&g1]).await;
    let directory = tempfile::tempdir().unwrap();
    g1.leaf("worker").swap_into(directory.path());
    let exposed = check(&server, directory.path(), &["--listen", "0.0.0.0:1"]).await;
    assert_eq!(exposed.code, 2);
    assert!(
        exposed.err.contains("--allow-non-loopback"),
        "{}",
        exposed.err
    );
    assert_eq!(server.seen(|s| s.connections.len()), 0, "not even dialled");
}

#[tokio::test]
async fn nobody_there() {
    let g1 = Ca::new("g1");
    let server = Server::start(&[&g1]).await;
    let directory = tempfile::tempdir().unwrap();
    g1.leaf("worker").swap_into(directory.path());
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = free.local_addr().unwrap();
    drop(free);
    let options = options(nobody, &server.ca, directory.path());
    let report = check::check(&options).await.unwrap();
    assert_eq!(report.verdict(), Verdict::Refused);
    let why = report.upstreams[0].why.clone().unwrap();
    assert!(why.starts_with("could not connect to"), "{why}");
}
