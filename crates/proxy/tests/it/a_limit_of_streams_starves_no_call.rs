//! Promise 6, seen from the other side: the server's limit of streams is respected, and no call starves behind polls.

use crate::rig::{Rig, eventually};

#[tokio::test]
async fn polls_leave_room_for_calls() {
    let rig = Rig::start().await;
    // Holds for the connections that follow; the first has room for all of this.
    rig.server.rule(|rules| rules.max_streams = 4);
    rig.g1.leaf("worker two").swap_into(rig.directory.path());
    eventually("the second is adopted", || rig.proxy.status().adopted == 2).await;

    let caller = rig.caller().await;
    let polls: Vec<_> = (0..20)
        .map(|_| {
            let mut caller = caller.clone();
            tokio::spawn(async move { caller.hold(2000).await })
        })
        .collect();
    eventually("all polls are held at once", || {
        rig.server.seen(|s| s.n_holding) == 20
    })
    .await;
    assert!(caller.clone().echo().await.is_ok());
    let status = rig.proxy.status();
    let full = status.connections.iter().filter(|c| c.streams == 4).count();
    assert_eq!(full, 5, "{:?}", status.connections);
    assert_eq!(status.connections.len(), 6);
    for poll in polls {
        assert!(poll.await.unwrap().is_ok());
    }
    assert_eq!(
        rig.proxy.status().replayed,
        0,
        "the limit was never overrun"
    );
}
