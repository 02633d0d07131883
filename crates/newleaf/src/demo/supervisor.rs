//! Sees a rotation through: runs newleaf, and when that is killed runs `newleaf resume`, as systemd would.

use std::{os::unix::process::ExitStatusExt, path::PathBuf, sync::Arc, time::Duration};

use newleaf_controller::JournalError;
use tokio::sync::{Notify, watch};

use crate::demo::{
    product::{Product, ProductError},
    screen::Screen,
    watch::register,
};

/// The exit code of a newleaf that waits for a person, or was asked to stop.
const WAITING: i32 = 4;

/// The exit code of a newleaf that the world refused, for example because somebody else held its lock just then.
const REFUSED: i32 = 1;

/// How often in a row newleaf may be refused before that is the end. A person's decision takes the lock while nobody
/// drives, and on a very busy machine holds it for longer than a controller asks for it.
const REFUSALS: u32 = 5;

/// How long to rest before a newleaf that stopped by itself is started again.
const REST: Duration = Duration::from_millis(200);

/// Who runs the controller, and counts its crashes.
#[derive(Clone, Debug)]
pub(crate) struct Supervisor {
    product: Product,
    journal: PathBuf,
    screen: Screen,
    kill: Arc<Notify>,
    crashes: watch::Sender<u32>,
}

/// How a newleaf ended.
enum Run {
    /// The rotation is over.
    Done,
    /// It was killed, or stopped to wait.
    Broken,
    /// It was refused.
    Refused(ProductError),
}

/// Why a rotation was not seen through.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SuperviseError {
    /// newleaf failed.
    #[error("the controller did not see the rotation through")]
    Controller(#[from] ProductError),
    /// The journal cannot be read.
    #[error("could not tell whether the rotation is over")]
    Journal(#[from] JournalError),
}

impl Supervisor {
    pub(crate) fn new(product: Product, journal: PathBuf, screen: Screen) -> Self {
        Self {
            product,
            journal,
            screen,
            kill: Arc::default(),
            crashes: watch::Sender::new(0),
        }
    }

    /// Kills the controller with `SIGKILL`: no destructor runs, nothing is written, nothing is said.
    pub(crate) fn kill_controller(&self) {
        self.kill.notify_one();
    }

    /// Returns how often a controller died by a signal, whoever sent it, and was resumed.
    pub(crate) fn crashes(&self) -> watch::Receiver<u32> {
        self.crashes.subscribe()
    }

    /// Starts a rotation, and returns when it is over.
    pub(crate) async fn see_through(&self, begin: &[&str]) -> Result<(), SuperviseError> {
        let before = register(&self.journal)?.rotations;
        let (mut arguments, mut refusals) = (begin, 0);
        loop {
            match self.run(arguments).await? {
                Run::Done => return Ok(()),
                Run::Broken => refusals = 0,
                Run::Refused(error) => {
                    refusals += 1;
                    if refusals == REFUSALS {
                        return Err(error.into());
                    }
                    tokio::time::sleep(REST).await;
                }
            }
            let register = register(&self.journal)?;
            arguments = match (register.rotations > before, register.is_open) {
                (true, true) => &["resume"],
                // It died after it had written the end.
                (true, false) => return Ok(()),
                // It died before it had written the beginning.
                (false, _) => begin,
            };
        }
    }

    /// Runs the controller once.
    async fn run(&self, arguments: &[&str]) -> Result<Run, SuperviseError> {
        let mut child = self.product.start(arguments)?;
        let running = |source| ProductError::Run {
            command: arguments.join(" "),
            source,
        };
        if let Some(pid) = child.id() {
            self.screen.tell_controller(arguments, pid);
        }
        let status = loop {
            tokio::select! {
                status = child.wait() => break status.map_err(running)?,
                () = self.kill.notified() => child.start_kill().map_err(running)?,
            }
        };
        if status.success() {
            return Ok(Run::Done);
        }
        if let Some(signal) = status.signal() {
            self.crashes.send_modify(|crashes| *crashes += 1);
            self.screen.tell(format_args!(
                "the controller died by signal {signal}; `newleaf resume` goes on"
            ));
            return Ok(Run::Broken);
        }
        match status.code() {
            Some(WAITING) => {
                tokio::time::sleep(REST).await;
                Ok(Run::Broken)
            }
            Some(REFUSED) => Ok(Run::Refused(self.product.failure(arguments, status))),
            Some(_) | None => Err(self.product.failure(arguments, status).into()),
        }
    }
}
