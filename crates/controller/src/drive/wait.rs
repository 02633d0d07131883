//! Waiting: for a span, for a person, for the order to stop.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

use crate::{journal::JournalError, run::Run};

/// How long a decision may lie in the inbox before it is seen.
const BETWEEN_LOOKS: Duration = Duration::from_millis(200);

/// Why a wait is over.
pub(super) enum Woken {
    Elapsed,
    Asked,
    Stopped,
}

/// Waits until `span` has passed since the stage began.
///
/// The deadline is an instant, so a crash or a machine that slept does not begin a soak anew. Where the clock was set
/// back, the deadline may be far away; then it is enough that the span has passed on the monotonic clock while
/// this process watched.
pub(super) async fn elapse(
    run: &Run<'_>,
    span: SignedDuration,
    stop: &mut watch::Receiver<bool>,
) -> Result<Woken, JournalError> {
    let began = Instant::now();
    let since = run.state().since;
    let left = |now: Timestamp| span.saturating_sub(now.duration_since(since)).min(span);
    let at_most = Duration::try_from(left(run.now())).unwrap_or_default();
    loop {
        let by_clock = Duration::try_from(left(run.now())).unwrap_or_default();
        let by_watch = at_most.saturating_sub(began.elapsed());
        let rest = by_clock.min(by_watch);
        if rest.is_zero() {
            return Ok(Woken::Elapsed);
        }
        if run.is_asked()? {
            return Ok(Woken::Asked);
        }
        if rested(rest.min(BETWEEN_LOOKS), stop).await {
            return Ok(Woken::Stopped);
        }
    }
}

/// Waits until a decision lies in the inbox.
pub(super) async fn for_a_person(
    run: &Run<'_>,
    stop: &mut watch::Receiver<bool>,
) -> Result<(), JournalError> {
    while !run.is_asked()? && !rested(BETWEEN_LOOKS, stop).await {}
    Ok(())
}

/// Ends when the order to stop comes. If nobody is left who could give it, it never does.
pub(super) async fn stopped(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Rests, and returns whether the order to stop came meanwhile.
async fn rested(rest: Duration, stop: &mut watch::Receiver<bool>) -> bool {
    tokio::select! {
        biased;
        () = stopped(stop) => true,
        () = sleep(rest) => false,
    }
}
