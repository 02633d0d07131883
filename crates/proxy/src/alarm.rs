//! Says that the identity in use nears its end, at a bounded rate.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use newleaf_identity::publish::Subscriber;
use newleaf_x509::Fingerprint;
use tokio::time::sleep;

use crate::{
    expiry::{Expiry, Stage},
    status::ledger,
};

/// How often what is due is said again.
const REPEAT_DUE: SignedDuration = SignedDuration::from_hours(24);

/// How often what is urgent is said again.
const REPEAT_URGENT: SignedDuration = SignedDuration::from_hours(1);

/// How often the alarm looks at the clock. It looks, and does not only wait for an instant, since clocks are set.
const LOOK: Duration = Duration::from_secs(30);

/// To whom an identity is shown.
#[derive(Debug)]
pub(crate) enum Side {
    /// To the upstream of this name.
    Upstream(String),
    /// To callers of the listener at this place.
    Listener(String),
}

/// Watches the identity of the moment for one side until it is dropped.
pub(crate) async fn watch(side: Side, mut identity: Subscriber, clock: fn() -> Timestamp) {
    let mut alarm = Alarm::default();
    loop {
        if let Some(current) = identity.current() {
            let leaf = current.identity.fingerprint();
            let now = clock();
            let expiry = ledger::expiry(&current.identity, now);
            if let Some(stage) = alarm.rings(leaf, expiry.stage(), now) {
                say(stage, &side, leaf, &expiry);
            }
        }
        tokio::select! {
            Some(_adopted) = identity.changed() => {}
            () = sleep(LOOK) => {}
        }
    }
}

fn say(stage: Stage, side: &Side, leaf: Fingerprint, expiry: &Expiry) {
    match (stage, side) {
        (Stage::Fresh, _) => {}
        (Stage::Due, Side::Upstream(upstream)) => {
            tracing::warn!(upstream, %leaf, "the identity in use {expiry}");
        }
        (Stage::Due, Side::Listener(listener)) => {
            tracing::warn!(listener, %leaf, "the listener's identity in use {expiry}");
        }
        (Stage::Urgent | Stage::Ended, Side::Upstream(upstream)) => {
            tracing::error!(upstream, %leaf, "the identity in use {expiry}");
        }
        (Stage::Urgent | Stage::Ended, Side::Listener(listener)) => {
            tracing::error!(listener, %leaf, "the listener's identity in use {expiry}");
        }
    }
}

/// Remembers what was said, so that it is said again, but not all the time.
#[derive(Debug, Default)]
struct Alarm {
    told: Option<(Fingerprint, Stage, Timestamp)>,
}

impl Alarm {
    /// Returns the stage if it is to be told now.
    fn rings(&mut self, leaf: Fingerprint, stage: Stage, now: Timestamp) -> Option<Stage> {
        let repeat = match stage {
            Stage::Fresh => {
                self.told = None;
                return None;
            }
            Stage::Due => REPEAT_DUE,
            Stage::Urgent | Stage::Ended => REPEAT_URGENT,
        };
        // Of a clock that was set back, the distance counts.
        let is_known = self.told.is_some_and(|(of, told, at)| {
            of == leaf && told == stage && now.duration_since(at).abs() < repeat
        });
        if is_known {
            return None;
        }
        self.told = Some((leaf, stage, now));
        Some(stage)
    }
}

#[cfg(test)]
mod tests;
