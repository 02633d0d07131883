//! The trial of candidate credentials: asks the server again and again, until it accepts them.

use std::sync::Arc;

use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until},
};

use crate::{
    clock::Backoff,
    connection::Dialled,
    credentials::Credentials,
    dial::{Dialer, Proof},
    failure, limits,
    status::ledger::Account,
};

/// How much depends on a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// Little: calls go on under the credentials in use.
    Slight,
    /// Everything: there is no connection, or the server lets none in any more under the credentials in use.
    Urgent,
}

/// The pauses between attempts.
struct Pauses {
    slight: Backoff,
    urgent: Backoff,
}

/// Tries credentials until the server accepts some of them, the first way first. A CA may not be accepted *yet*, so a
/// refusal is not final; it is counted once for each candidate, and told again when its reason changes.
pub(super) async fn try_until_proved(
    dialer: Arc<Dialer>,
    ways: Vec<Credentials>,
    (account, mut need): (Arc<Account>, watch::Receiver<Need>),
    not_before: Instant,
) -> Dialled {
    sleep_until(not_before).await;
    let upstream = account.name();
    let mut pauses = Pauses::new();
    let mut told = String::new();
    let mut counted = false;
    loop {
        let mut reasons = Vec::new();
        for credentials in &ways {
            let error = match dialer.dial(credentials, Proof::Calls).await {
                Ok(dialled) => return dialled,
                Err(error) => error,
            };
            let why = failure::sentence(&error);
            if error.is_refusal() && !counted {
                account.refused(why.clone());
                counted = true;
            }
            reasons.push(format!("{credentials}: {why}"));
        }
        let why = reasons.join("; ");
        account.dialled(Some(&why));
        if why != told {
            tracing::warn!(
                upstream,
                why,
                "could not prove credentials; they are not adopted, and tried again"
            );
            told = why;
        }
        pauses.pause(&mut need).await;
    }
}

impl Pauses {
    fn new() -> Self {
        Self {
            slight: Backoff::new(limits::PROOF_PAUSE, limits::PROOF_PAUSE_MAX),
            urgent: Backoff::new(limits::REDIAL_PAUSE, limits::REDIAL_PAUSE_MAX),
        }
    }

    /// Waits as long as the need allows. One that becomes urgent meanwhile has waited already, but attempts are never closer
    /// together than those of redials are.
    async fn pause(&mut self, need: &mut watch::Receiver<Need>) {
        let tried_at = Instant::now();
        let urgent_at = tried_at + self.urgent.due();
        let urgent = async {
            let is_urgent = |need: &Need| *need == Need::Urgent;
            if need.wait_for(is_urgent).await.is_err() {
                // The keeper is gone, and with it whoever waits here.
                std::future::pending::<()>().await;
            }
            sleep_until(urgent_at).await;
        };
        tokio::select! {
            () = sleep(self.slight.due()) => {}
            () = urgent => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_everything_depends_on_is_tried_each_second() {
        let (_keeper, mut need) = watch::channel(Need::Urgent);
        let mut pauses = Pauses::new();
        let began = Instant::now();
        for _ in 0..20 {
            pauses.pause(&mut need).await;
        }
        let took = began.elapsed();
        let bounds = Duration::from_secs(12)..Duration::from_secs(20);
        assert!(bounds.contains(&took), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_need_that_becomes_urgent_ends_the_pause() {
        let (keeper, mut need) = watch::channel(Need::Slight);
        let mut pauses = Pauses::new();
        for _ in 0..6 {
            pauses.pause(&mut need).await;
        }
        let began = Instant::now();
        let hurry = async {
            sleep(Duration::from_secs(5)).await;
            keeper.send_replace(Need::Urgent);
        };
        tokio::join!(pauses.pause(&mut need), hurry);
        let took = began.elapsed();
        assert!(took < Duration::from_millis(5100), "{took:?}");
        // And from then on it is as urgent as ever, but no more.
        let began = Instant::now();
        pauses.pause(&mut need).await;
        let pause = began.elapsed();
        assert!(pause >= limits::REDIAL_PAUSE_MAX * 4 / 5, "{pause:?}");
    }
}
