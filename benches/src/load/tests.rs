//! Callers in front of the measuring server: what is answered counts as answered, and nothing else does.

use std::{cell::RefCell, net::SocketAddr, rc::Rc, sync::Arc, time::Duration};

use tokio::{
    task::{LocalSet, spawn_local},
    time::{Instant, sleep},
};

use super::{
    Call, Credentials, Report, Route, Tally, Timeout,
    arrivals::Arrivals,
    finish,
    headers::Headers,
    lane::{Lane, Pattern},
};
use crate::{
    message::Order,
    process::free_address,
    upstream::{self, Vices},
};

/// For a server to come up, and for a load to show what it must.
const LIMIT: Duration = Duration::from_secs(20);

const CLOSED: Pattern = Pattern {
    streams: 10,
    polls: 0,
    churn: false,
};

fn call(bytes: u32, timeout: Timeout) -> Call {
    let order = Order {
        reply: bytes,
        hold: Duration::ZERO,
    };
    let length = usize::try_from(bytes).unwrap();
    Call {
        headers: Headers::of("/service/method", "namespace", timeout),
        body: order.request(length),
        reply: length,
    }
}

/// Has something done in front of a server with `vices`.
fn in_front_of<T>(vices: Vices, act: impl AsyncFnOnce(SocketAddr) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(LocalSet::new().run_until(async move {
        let to = free_address().unwrap();
        spawn_local(upstream::run(upstream::Options {
            listen: to,
            pki: None,
            vices,
        }));
        act(to).await
    }))
}

/// Loads a server with `vices` until `enough` says so.
fn played(call: Call, pattern: Pattern, vices: Vices, enough: impl Fn(&Report) -> bool) -> Report {
    in_front_of(vices, async |to| play(to, call, pattern, enough).await)
}

/// A caller that is connected, of which nothing is counted yet.
async fn lane(
    to: SocketAddr,
    call: Call,
    pattern: Pattern,
    tally: &Rc<RefCell<Tally>>,
) -> Rc<Lane> {
    let route = Route {
        to,
        credentials: Credentials::default(),
    };
    let lane = Lane::new(route, Arc::new([call]), pattern, Rc::clone(tally));
    let until = Instant::now() + LIMIT;
    // The server comes up when it does. A call with a wrong length is answered all the same.
    while lane.open().await.is_err() && !lane.is_warm() && Instant::now() < until {
        sleep(Duration::from_millis(1)).await;
    }
    tally.replace(Tally::default());
    tally.borrow_mut().begin(Instant::now());
    Rc::new(lane)
}

async fn play(
    to: SocketAddr,
    call: Call,
    pattern: Pattern,
    enough: impl Fn(&Report) -> bool,
) -> Report {
    let tally = Rc::new(RefCell::new(Tally::default()));
    let lane = lane(to, call, pattern, &tally).await;
    let until = Instant::now() + LIMIT;
    lane.begin();
    while !enough(tally.borrow().so_far()) && Instant::now() < until {
        sleep(Duration::from_millis(5)).await;
    }
    finish(&[lane], None, &tally, LIMIT).await;
    let report = tally.borrow_mut().report(Duration::from_secs(1));
    assert!(enough(&report), "{report:?}");
    report
}

#[test]
fn every_answer_counts() {
    for timeout in [Timeout::Same, Timeout::Left] {
        let many = |report: &Report| report.calls >= 2000;
        let report = played(call(150, timeout), CLOSED, Vices::default(), many);
        assert_eq!(report.failures(), 0, "{report:?}");
        assert!(report.p50_us <= report.p99_us && report.p99_us <= report.max_us);
    }
}

/// Whether the last calls come before or after the load ends is a matter of microseconds, and of the machine.
#[test]
fn calls_that_come_at_the_very_end_are_waited_for() {
    in_front_of(Vices::default(), async |to| {
        let arrivals = Arrivals {
            rate: 8000,
            even: true,
            duration: Duration::from_millis(10),
        };
        for _ in 0..50 {
            let tally = Rc::new(RefCell::new(Tally::default()));
            let pattern = Pattern {
                streams: 0,
                ..CLOSED
            };
            let lane = lane(to, call(150, Timeout::Same), pattern, &tally).await;
            let came = arrivals.spawn(vec![lane.arrivals()]);
            lane.begin();
            sleep(arrivals.duration).await;
            finish(&[lane], Some(&came), &tally, LIMIT).await;
            let report = tally.borrow_mut().report(arrivals.duration);
            assert!(came.is_over() && came.count() > 0, "{came:?}");
            let found = (report.calls, report.failures());
            assert_eq!(found, (came.count(), 0), "{report:?}");
        }
    });
}

#[test]
fn messages_larger_than_frames_and_first_windows_arrive_whole() {
    let some = |report: &Report| report.calls >= 6;
    let bytes = 3 * 1024 * 1024;
    let call = call(bytes, Timeout::Same);
    let few = Pattern {
        streams: 2,
        ..CLOSED
    };
    let report = played(call, few, Vices::default(), some);
    assert_eq!(report.failures(), 0, "{report:?}");
}

#[test]
fn a_connection_for_each_call() {
    let churn = Pattern {
        churn: true,
        ..CLOSED
    };
    let many = |report: &Report| report.calls >= 100;
    let report = played(call(150, Timeout::Same), churn, Vices::default(), many);
    assert_eq!(report.failures(), 0, "{report:?}");
}

#[test]
fn a_reply_of_another_length_is_a_failure() {
    let mut call = call(150, Timeout::Same);
    call.reply = 151;
    let failed = |report: &Report| report.failures() > 0;
    let report = played(call, CLOSED, Vices::default(), failed);
    assert_eq!(report.calls, 0);
    assert!(report.failed.contains_key("wrong length"), "{report:?}");
}

#[test]
fn what_a_server_refuses_is_not_tried_again() {
    let vices = Vices {
        refuse_each: Some(10),
        ..Vices::default()
    };
    let some = |report: &Report| report.failures() >= 3;
    let report = played(call(150, Timeout::Same), CLOSED, vices, some);
    assert!(report.failed.contains_key("reset 7"), "{report:?}");
    assert!(report.calls > 0);
}

#[test]
fn calls_that_a_goodbye_left_out_and_a_cut_broke_are_failures() {
    let goodbye = Vices {
        goaway_after: Some(25),
        ..Vices::default()
    };
    let cut = Vices {
        cut_after: Some(25),
        ..Vices::default()
    };
    for (vices, how) in [(goodbye, "goaway"), (cut, "connection lost")] {
        let both = |report: &Report| report.calls > 100 && report.failures() > 0;
        let report = played(call(150, Timeout::Same), CLOSED, vices, both);
        assert!(report.failed.contains_key(how), "{report:?}");
    }
}
