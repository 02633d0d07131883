//! Whether the server is still where connections go.

use std::{
    collections::{BTreeSet, VecDeque},
    net::SocketAddr,
    sync::Arc,
};

use tokio::{sync::watch, time::timeout};

use crate::{
    clock,
    dial::{Dialer, Look},
    errand::errand,
    limits,
};

/// The addresses that the server's name stood for lately.
///
/// Of a server with many addresses an answer may list some only, and others the next time. So an address counts as gone
/// when several answers in a row do without it. But when the name has become an alias of another, as when Temporal Cloud moves a
/// namespace to another region, then it stands for something else, and no address of before counts. No answer says nothing.
pub(super) struct Whereabouts {
    recent: watch::Receiver<BTreeSet<SocketAddr>>,
}

/// The last answers.
#[derive(Debug, Default)]
struct Answers {
    number: u64,
    canonical: String,
    addresses: VecDeque<BTreeSet<SocketAddr>>,
}

impl Whereabouts {
    /// Watches from now on, until it is dropped.
    pub(super) fn watch(dialer: Arc<Dialer>) -> Self {
        let (sender, recent) = watch::channel(BTreeSet::new());
        if !dialer.way.is_fixed() {
            tokio::spawn(errand(look_again_and_again(dialer, sender)));
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
    let mut answers = Answers::default();
    // Until the keeper is gone. Never before what is known has ended, and not with everybody else who learned it then.
    while timeout(
        clock::jittered(dialer.way.due(), 1000, 1100),
        sender.closed(),
    )
    .await
    .is_err()
    {
        if let Ok(look) = dialer.way.look().await {
            answers.note(look, &sender);
        }
    }
}

impl Answers {
    fn note(&mut self, look: Look, sender: &watch::Sender<BTreeSet<SocketAddr>>) {
        if look.number == self.number {
            return;
        }
        let has_moved = self.number > 0 && look.canonical != self.canonical;
        (self.number, self.canonical) = (look.number, look.canonical);
        if has_moved {
            self.addresses.clear();
        }
        self.addresses.push_back(look.addresses);
        if self.addresses.len() < limits::LOOKS && !has_moved {
            return;
        }
        let recent: BTreeSet<_> = self.addresses.iter().flatten().copied().collect();
        if self.addresses.len() >= limits::LOOKS {
            self.addresses.pop_front();
        }
        sender.send_if_modified(|known| {
            let is_new = *known != recent;
            *known = recent;
            is_new
        });
    }
}

#[cfg(test)]
mod tests;
