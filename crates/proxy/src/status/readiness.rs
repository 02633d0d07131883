//! Whether calls would be carried, for whoever waits for it.

use tokio::sync::watch;

/// Whether a call that came now would be carried, to whichever upstream.
///
/// It lends nothing out: who held on to a borrow of it would keep the thread that carries calls from telling what is next.
#[derive(Clone, Debug)]
pub struct Readiness(watch::Receiver<bool>);

impl Readiness {
    pub(super) fn of(told: &watch::Sender<bool>) -> Self {
        Self(told.subscribe())
    }

    /// Returns whether it would.
    pub fn is_ready(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it would. `false` if the proxy is gone, and it never will.
    pub async fn ready(&mut self) -> bool {
        self.0.wait_for(|ready| *ready).await.is_ok()
    }

    /// Waits until it is not as it was when this was last waited for. `false` if the proxy is gone.
    pub async fn changed(&mut self) -> bool {
        self.0.changed().await.is_ok()
    }
}
