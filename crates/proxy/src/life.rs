//! The life of a process that is a proxy: signals, and what a service manager is told of it.
//!
//! SIGTERM and SIGINT let the open calls finish and end; SIGHUP has the files looked at now. Where systemd, or whoever speaks
//! its protocol, has named a socket in `NOTIFY_SOCKET`, it is told when calls can be carried, what is going on in a sentence,
//! and as often as its watchdog asks that the relay still turns (`sd_notify(3)`, `Type=notify-reload`).

use std::{io, time::Duration};

use sd_notify::NotifyState;
use tokio::{
    runtime::Builder,
    signal::unix::{SignalKind, signal},
    sync::watch,
    time::{MissedTickBehavior, interval},
};

use crate::{
    proxy::{Proxy, Pulse},
    status::{Readiness, Status, UpstreamStatus},
};

/// How often it is looked whether the sentence has changed.
const RETELL: Duration = Duration::from_secs(5);

/// How far a life has come, as the service manager was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Starting,
    Ready,
    Stopping,
}

/// Runs to the end of a life. What still reads then, from a disk that hangs or a program that takes its time, is not waited for.
///
/// # Errors
///
/// There is no runtime to be had.
pub fn block_on<T>(life: impl Future<Output = T>) -> io::Result<T> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let end = runtime.block_on(life);
    runtime.shutdown_background();
    Ok(end)
}

/// Serves until SIGTERM or SIGINT, and then until the calls have ended or the drain timeout is over.
///
/// A SIGHUP during the drain is heard and changes nothing, where without a listener it would kill the process.
///
/// # Errors
///
/// The signals cannot be listened for.
pub async fn serve(proxy: Proxy) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    keep_heap();
    let phase = &watch::Sender::new(Phase::Starting);
    let recheck = proxy.recheck();
    let rechecking = async move {
        while hangup.recv().await.is_some() {
            reload(*phase.borrow(), || recheck.request());
        }
    };
    let pulse = proxy.pulse();
    let telling = tell(phase, proxy.status(), proxy.readiness());
    let shutdown = async move {
        tokio::select! {
            _signal = terminate.recv() => {}
            _signal = interrupt.recv() => {}
        }
        phase.send_replace(Phase::Stopping);
        say(&[
            NotifyState::Stopping,
            NotifyState::Status("letting open calls finish"),
        ]);
    };
    tokio::select! {
        () = proxy.serve(shutdown) => {}
        () = rechecking => {}
        () = telling => {}
        () = watchdog(pulse) => {}
    }
    Ok(())
}

/// Teaches glibc's allocator not to give memory back to the kernel after each large message, only to fetch it again for
/// the next; in a prototype, a tenth of the CPU time of messages of 128 KB went into page faults. It learns from what is freed
/// (`mallopt(3)`, `M_MMAP_THRESHOLD`): after one block of 4 MiB, up to 8 MiB at its end stay with the process.
fn keep_heap() {
    drop(std::hint::black_box(Vec::<u8>::with_capacity(4 << 20)));
}

/// Tells when calls can be carried for the first time, and what is going on whenever that changes.
async fn tell(phase: &watch::Sender<Phase>, status: impl Fn() -> Status, mut readiness: Readiness) {
    if std::env::var_os("NOTIFY_SOCKET").is_none() {
        return std::future::pending().await;
    }
    let mut retell = interval(RETELL);
    retell.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = String::new();
    loop {
        tokio::select! {
            _at_once_and_then_now_and_again = retell.tick() => {}
            is_there = readiness.changed() => if !is_there {
                return std::future::pending().await;
            }
        }
        let status = status();
        if status.ready && *phase.borrow() == Phase::Starting {
            phase.send_replace(Phase::Ready);
            say(&[NotifyState::Ready]);
        }
        if *phase.borrow() == Phase::Stopping {
            return std::future::pending().await;
        }
        let sentence = sentence(&status);
        if sentence != told {
            say(&[NotifyState::Status(&sentence)]);
            told = sentence;
        }
    }
}

/// Returns what `systemctl status` shows, on one line as the protocol is one of lines.
fn sentence(status: &Status) -> String {
    let of_each = status.upstreams.iter().map(|upstream| {
        let name = &upstream.name;
        format!("{name}: {}", standing(upstream))
    });
    of_each.collect::<Vec<_>>().join("; ").replace('\n', " ")
}

fn standing(upstream: &UpstreamStatus) -> String {
    if upstream.adopted == 0 {
        return match &upstream.last_refusal {
            Some(why) => format!("no credentials are proved yet: {why}"),
            None => "no credentials are proved yet".to_owned(),
        };
    }
    let state = if upstream.ready {
        "carrying calls"
    } else {
        "without a connection"
    };
    match &upstream.identity {
        Some(identity) => {
            let (generation, leaf) = (identity.generation, identity.leaf.short());
            let expiry = &identity.expiry;
            format!("{state} under identity {generation}, leaf {leaf}, which {expiry}")
        }
        None => format!("{state} under an API key"),
    }
}

/// Has the files looked at, within the two words that systemd waits for. Before the first `READY=1` it would take the second
/// for that one.
fn reload(phase: Phase, look: impl FnOnce()) {
    if phase != Phase::Ready {
        return look();
    }
    match NotifyState::monotonic_usec_now() {
        Ok(now) => say(&[NotifyState::Reloading, now]),
        Err(error) => tracing::debug!(%error, "could not read the monotonic clock"),
    }
    look();
    say(&[NotifyState::Ready]);
}

/// Shows the watchdog that the relay turns, twice as often as it asks for.
async fn watchdog(pulse: impl Fn() -> Pulse) {
    let Some(patience) = sd_notify::watchdog_enabled().filter(|patience| !patience.is_zero())
    else {
        return std::future::pending().await;
    };
    let mut beat = interval(patience / 2);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        beat.tick().await;
        pulse().await;
        say(&[NotifyState::Watchdog]);
    }
}

/// Says it to the service manager, if there is one.
fn say(news: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(news) {
        tracing::debug!(%error, "could not tell the service manager");
    }
}
