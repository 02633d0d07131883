//! Promise 6, seen from the other side: the server's limit of streams is respected, and no call starves behind polls.

use std::time::Duration;

use tokio::task::JoinHandle;

use crate::{
    caller::{Caller, End},
    rig::{Load, Rig, eventually},
};

/// Begins so many polls, each of which is held for so long, and waits until the server has all of them.
async fn held_at_once(
    rig: &Rig,
    caller: &Caller,
    n_polls: usize,
    millis: u32,
) -> Vec<JoinHandle<End>> {
    let poll = |_nth| {
        let mut caller = caller.clone();
        tokio::spawn(async move { caller.hold(millis).await })
    };
    let polls = (0..n_polls).map(poll).collect();
    eventually("all polls are held at once", || {
        rig.server.seen(|s| s.n_holding) == n_polls
    })
    .await;
    polls
}

#[tokio::test]
async fn polls_leave_room_for_calls() {
    let rig = Rig::start().await;
    // Holds for the connections that follow; the first has room for all of this.
    rig.server.rule(|rules| rules.max_streams = 4);
    rig.g1.leaf("worker two").swap_into(rig.directory.path());
    eventually("the second is adopted", || rig.proxy.status().adopted == 2).await;

    let caller = rig.caller().await;
    let polls = held_at_once(&rig, &caller, 20, 2000).await;
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

/// What needed several connections under one identity needs them under the next: they are not waited for one by one.
#[tokio::test]
async fn a_new_identity_has_as_many_connections_as_the_old() {
    let rig = Rig::start().await;
    rig.server.rule(|rules| rules.max_streams = 4);
    rig.g1.leaf("worker two").swap_into(rig.directory.path());
    eventually("the second is adopted", || rig.proxy.status().adopted == 2).await;
    let caller = rig.caller().await;
    let polls = held_at_once(&rig, &caller, 20, 500).await;
    for poll in polls {
        assert!(poll.await.unwrap().is_ok());
    }
    let third = rig.g1.leaf("worker three");
    third.swap_into(rig.directory.path());
    let is_under_third = || {
        let connections = rig.proxy.status().connections;
        let under = connections
            .iter()
            .filter(|c| c.leaf == Some(third.fingerprint()));
        under.count()
    };
    eventually("five are there", || is_under_third() >= 5).await;
    assert_eq!(rig.proxy.status().failed, 0);
}

/// Connections that many calls asked for cost each call a share in more writes and reads; they go when they grow old.
#[tokio::test]
async fn connections_that_are_not_needed_any_more_get_no_successors() {
    let rig = Rig::start_with(|options| {
        options.upstreams[0].connection_age = Duration::from_secs(2);
    })
    .await;
    rig.server.rule(|rules| rules.max_streams = 16);
    rig.g1.leaf("worker two").swap_into(rig.directory.path());
    eventually("the second is adopted", || rig.proxy.status().adopted == 2).await;
    let caller = rig.caller().await;
    let polls = held_at_once(&rig, &caller, 40, 300).await;
    assert!(rig.server.seen(|s| s.n_open) >= 3);
    for poll in polls {
        assert!(poll.await.unwrap().is_ok());
    }
    let load = Load::start(&caller, 1);
    eventually("one connection is left", || {
        let status = rig.proxy.status();
        status.connections.len() == 1 && rig.server.seen(|s| s.n_open) == 1
    })
    .await;
    load.stop().await;
    let status = rig.proxy.status();
    assert_eq!((status.failed, status.replayed), (0, 0));
}
