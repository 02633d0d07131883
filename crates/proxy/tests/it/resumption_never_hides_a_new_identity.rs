//! Promise 3: the server hands out session tickets; the new leaf is really presented all the same.

use crate::{
    rig::{Rig, eventually},
    server::Command,
};

#[tokio::test]
async fn after_many_reconnects() {
    let rig = Rig::start().await;
    let mut caller = rig.caller().await;
    let second = rig.g1.leaf("worker two");
    for leaf in [&rig.first, &second] {
        if leaf.fingerprint() != rig.first.fingerprint() {
            leaf.swap_into(rig.directory.path());
            eventually("the second is adopted", || rig.proxy.status().adopted == 2).await;
        }
        for _ in 0..3 {
            assert!(caller.echo().await.is_ok());
            let before = rig.server.seen(|s| s.connections.len());
            rig.server.command(Command::Goodbye);
            let reconnected = || rig.server.seen(|s| s.connections.len()) > before;
            eventually("the proxy reconnects", reconnected).await;
            let presented = rig.server.seen(|s| *s.connections.last().unwrap());
            assert_eq!(presented, leaf.fingerprint());
        }
    }
}
