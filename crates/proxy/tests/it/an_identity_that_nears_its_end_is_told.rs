//! An identity that nobody replaces: in the log, in the status, and in time.

use std::path::Path;

use jiff::SignedDuration;
use newleaf_identity::Source;
use newleaf_proxy::{ListenerOptions, ListenerTls, Route, expiry::Stage, status::ListenerStatus};
use newleaf_x509::issue::LeafUse;

use crate::{
    pki::Ca,
    rig::{Rig, binary, eventually, listener, logged},
    server::Server,
};

#[tokio::test]
async fn the_status_says_how_much_is_left_and_a_new_identity_calms_it() {
    let rig = Rig::start().await;
    let day = SignedDuration::from_hours(24);
    let ending = rig.g1.ending_leaf("ending", day * 30);
    ending.swap_into(rig.directory.path());
    eventually("the ending leaf is adopted", || {
        rig.proxy.status().adopted == 2
    })
    .await;
    let identity = rig.proxy.status().identity.unwrap();
    assert_eq!(identity.stage, Stage::Urgent);
    assert!(
        identity.expiry.contains("nothing has replaced it"),
        "{}",
        identity.expiry
    );
    rig.g1.leaf("fresh").swap_into(rig.directory.path());
    eventually("the fresh leaf is adopted", || {
        rig.proxy.status().adopted == 3
    })
    .await;
    assert_eq!(rig.proxy.status().identity.unwrap().stage, Stage::Fresh);
}

#[tokio::test]
async fn the_log_cries_out() {
    let g1 = Ca::new("g1");
    let server = Server::start(&[&g1]).await;
    let directory = tempfile::tempdir().unwrap();
    let days = SignedDuration::from_hours(24);
    g1.ending_leaf("worker", days * 2)
        .swap_into(directory.path());
    let mut command = binary(&server, directory.path());
    command.args(["--listen", "127.0.0.1:0"]);
    let (_child, cry) = logged(&mut command, "nothing has replaced it").await;
    assert!(cry.contains("ERROR"), "{cry}");
    assert!(cry.contains("ends in 1 d 23 h"), "{cry}");
}

/// A proxy whose first listener has plaintext, and whose second has the identity in `directory`.
async fn with_a_listener_of(directory: &Path) -> Rig {
    let tls = ListenerTls {
        identity: Source::Directory(directory.to_owned()),
        client_trust: Some(directory.join("clients.pem")),
    };
    Rig::start_with(|options| {
        options.listeners.push(ListenerOptions {
            tls: Some(tls),
            ..listener(Route::Upstream("temporal".to_owned()))
        });
    })
    .await
}

fn of_listener(rig: &Rig) -> ListenerStatus {
    let listeners = rig.proxy.status().listeners;
    let [only] = listeners.as_slice() else {
        panic!("{listeners:?}");
    };
    only.clone()
}

#[tokio::test]
async fn a_listeners_own_certificate_is_told_too() {
    let ours = Ca::new("ours");
    let directory = tempfile::tempdir().unwrap();
    let clients = directory.path().join("clients.pem");
    fs_err::write(&clients, ours.certificate.to_pem()).unwrap();
    let days = SignedDuration::from_hours(24);
    let ending = ours.ending("listener", LeafUse::Server, days * 30);
    ending.swap_into(directory.path());
    let rig = with_a_listener_of(directory.path()).await;
    let told = of_listener(&rig);
    assert_eq!(told.place, rig.proxy.addresses[1].to_string());
    assert_eq!(told.identity.leaf, ending.fingerprint());
    assert_eq!(
        (told.identity.generation, told.identity.stage),
        (1, Stage::Urgent)
    );
    assert_eq!((told.current, told.last_refusal), (true, None));

    // What is refused takes nothing away, and is told until something better is there, in both files.
    ours.leaf("worker").swap_into(directory.path());
    eventually("a refused leaf is told", || !of_listener(&rig).current).await;
    fs_err::write(&clients, "no certificate").unwrap();
    let why = || of_listener(&rig).last_refusal.unwrap();
    eventually("refused CAs are told", || why().contains("CAs")).await;
    assert_eq!(of_listener(&rig).identity.leaf, ending.fingerprint());
    let fresh = ours.server_leaf();
    fresh.swap_into(directory.path());
    eventually("the fresh leaf is shown", || {
        of_listener(&rig).identity.leaf == fresh.fingerprint()
    })
    .await;
    let told = of_listener(&rig);
    assert!(!told.current, "the CAs are still not what the file holds");
    assert_eq!(
        (told.identity.generation, told.identity.stage),
        (2, Stage::Fresh)
    );
    fs_err::write(&clients, ours.certificate.to_pem()).unwrap();
    eventually("all is as the files have it", || of_listener(&rig).current).await;
    assert_eq!(of_listener(&rig).identity.generation, 2);
}

#[tokio::test]
async fn the_log_cries_out_for_a_listener() {
    let g1 = Ca::new("g1");
    let server = Server::start(&[&g1]).await;
    let (directory, ours) = (g1.directory_of_worker(), tempfile::tempdir().unwrap());
    let days = SignedDuration::from_hours(24);
    let ending = g1.ending("listener", LeafUse::Server, days * 2);
    ending.write_into(ours.path());
    let mut command = binary(&server, directory.path());
    command
        .args(["--listen", "127.0.0.1:0", "--listen-cert"])
        .arg(ours.path().join("tls.crt"))
        .arg("--listen-key")
        .arg(ours.path().join("tls.key"));
    let (_child, cry) = logged(
        &mut command,
        "the listener's identity in use ends in 1 d 23 h",
    )
    .await;
    assert!(
        cry.contains("ERROR") && cry.contains("listener=\"127.0.0.1:"),
        "{cry}"
    );
}
