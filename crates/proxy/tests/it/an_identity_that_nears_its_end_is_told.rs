//! An identity that nobody replaces: in the log, in the status, and in time.

use jiff::SignedDuration;
use newleaf_proxy::expiry::Stage;

use crate::{
    pki::Ca,
    rig::{Rig, binary, eventually, logged},
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
