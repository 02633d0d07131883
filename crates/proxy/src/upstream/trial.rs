//! The trial of candidate credentials: asks the server again and again, until it accepts them.

use std::sync::Arc;

use tokio::time::{Instant, sleep, sleep_until};

use crate::{
    clock::Backoff,
    connection::Dialled,
    credentials::Credentials,
    dial::{Dialer, Proof},
    failure, limits,
    status::ledger::Account,
};

/// Tries credentials until the server accepts some of them, the first way first. A CA may not be accepted *yet*, so a
/// refusal is not final; it is counted once for each candidate, and told again when its reason changes.
pub(super) async fn try_until_proved(
    dialer: Arc<Dialer>,
    ways: Vec<Credentials>,
    account: Arc<Account>,
    not_before: Instant,
) -> Dialled {
    sleep_until(not_before).await;
    let upstream = account.name();
    let mut backoff = Backoff::new(limits::PROOF_PAUSE, limits::PROOF_PAUSE_MAX);
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
        sleep(backoff.due()).await;
    }
}
