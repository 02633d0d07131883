//! Promise 2, on disk: a chain without its key is not an identity, whatever the order they are written in.

use crate::rig::{Rig, eventually};

#[tokio::test]
async fn chain_and_key_written_apart() {
    let rig = Rig::start().await;
    let mut caller = rig.caller().await;
    // From here on the directory is plain files, as left by a writer that knows no versions.
    fs_err::remove_file(rig.directory.path().join("..data")).unwrap();
    let second = rig.g1.leaf("worker two");
    rig.first.write_into(rig.directory.path());
    second.write_chain_into(rig.directory.path());
    eventually("the mismatch is told", || rig.proxy.status().refused >= 1).await;
    let status = rig.proxy.status();
    let why = status.last_refusal.unwrap();
    assert!(why.contains("found another key"), "{why}");
    assert_eq!(status.adopted, 1);
    assert!(caller.echo().await.is_ok());

    second.write_key_into(rig.directory.path());
    eventually("the whole is adopted", || rig.proxy.status().adopted == 2).await;
    assert!(caller.echo().await.is_ok());
    let seen = rig.server.seen(|s| s.connections.clone());
    assert_eq!(seen, [rig.first.fingerprint(), second.fingerprint()]);
}

#[tokio::test]
async fn garbage_and_nothing() {
    let rig = Rig::start().await;
    let data = rig.directory.path().join("..data");
    eventually("what was read is in use", || rig.proxy.is_current()).await;
    fs_err::write(data.join("tls.key"), "-----BEGIN PRIVATE KEY-----\nAAAA").unwrap();
    eventually("garbage is told", || rig.proxy.status().refused == 1).await;
    fs_err::remove_file(data.join("tls.crt")).unwrap();
    eventually("nothing is told", || rig.proxy.status().refused == 2).await;
    let why = rig.proxy.status().last_refusal.unwrap();
    assert!(why.contains("tls.crt"), "{why}");
    assert!(rig.caller().await.echo().await.is_ok());
    eventually("it is not what is there", || !rig.proxy.is_current()).await;
    // Put back, what is there is in use again, and nothing is adopted anew.
    rig.first.write_into(&data);
    eventually("what was read is in use", || rig.proxy.is_current()).await;
    assert_eq!(rig.proxy.status().adopted, 1);
}
