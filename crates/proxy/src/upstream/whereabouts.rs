//! Whether the server is still where connections go.

use std::{
    collections::{BTreeSet, VecDeque},
    net::SocketAddr,
    sync::Arc,
};

use tokio::{sync::watch, time::timeout};

use crate::{clock, dial::Dialer, limits};

/// The addresses that the server's name stood for lately.
///
/// Of a server with many addresses an answer may list some only, and others the next time. So an address counts as gone
/// when several answers in a row do without it. No answer says nothing.
pub(super) struct Whereabouts {
    recent: watch::Receiver<BTreeSet<SocketAddr>>,
}

impl Whereabouts {
    /// Watches from now on, until it is dropped.
    pub(super) fn watch(dialer: Arc<Dialer>) -> Self {
        let (sender, recent) = watch::channel(BTreeSet::new());
        if !dialer.way.is_fixed() {
            tokio::spawn(look_again_and_again(dialer, sender));
        }
        Self { recent }
    }

    /// Ends when the addresses have changed.
    pub(super) async fn moved(&mut self) {
        if self.recent.changed().await.is_err() {
            // Nobody looks: the address is fixed.
            std::future::pending::<()>().await;
        }
    }

    /// Returns whether the server is known to be elsewhere.
    pub(super) fn lack(&self, address: Option<SocketAddr>) -> bool {
        let recent = self.recent.borrow();
        let is_missing = address.is_some_and(|address| !recent.contains(&address));
        is_missing && !recent.is_empty()
    }
}

async fn look_again_and_again(dialer: Arc<Dialer>, sender: watch::Sender<BTreeSet<SocketAddr>>) {
    let mut answers = VecDeque::new();
    // Until the keeper is gone.
    while timeout(
        clock::jittered(dialer.way.interval(), 900, 1100),
        sender.closed(),
    )
    .await
    .is_err()
    {
        if let Ok(answer) = dialer.way.addresses().await {
            note(&mut answers, answer, &sender);
        }
    }
}

fn note(
    answers: &mut VecDeque<BTreeSet<SocketAddr>>,
    answer: BTreeSet<SocketAddr>,
    sender: &watch::Sender<BTreeSet<SocketAddr>>,
) {
    answers.push_back(answer);
    if answers.len() < limits::LOOKS {
        return;
    }
    let recent: BTreeSet<_> = answers.iter().flatten().copied().collect();
    answers.pop_front();
    sender.send_if_modified(|known| {
        let is_new = *known != recent;
        *known = recent;
        is_new
    });
}

#[cfg(test)]
mod tests;
