//! The thread on which bytes flow.
//!
//! Whoever wants it gives sockets a thread and a runtime of their own, and everything else has the other: dialling, files,
//! names, the admin endpoint. So no dial and no scrape stands in the way of a call; only callers shake hands here. It is not for
//! parallel work: nothing on this thread waits for a time, and a thread that does is woken by a timer of the kernel's, which is
//! set and unset around every wait. Measured on a tunnel that does nothing else, one pending timer made a call that is alone
//! dearer by an eighth.

use std::{
    io,
    thread::{self, JoinHandle},
    time::Duration,
};

use tokio::{
    runtime::{Builder, Handle},
    sync::oneshot,
    time::{Sleep, Timeout, sleep, timeout},
};

/// The thread. It ends when this is dropped.
#[derive(Debug)]
pub struct Plane {
    handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Plane {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// There is no thread to be had, or nothing that tells which sockets are ready.
    pub fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_io().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new()
            .name("data-plane".to_owned())
            .spawn(move || {
                // Whether it was told or its owner is gone: it is over, and nothing is waited for.
                drop(runtime.block_on(stopped));
                runtime.shutdown_background();
            })?;
        Ok(Self {
            handle,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Returns what tasks are spawned with. There are no timers here: who sleeps on it, panics.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of the data plane panicked");
        }
    }
}

/// The timers of another runtime, for what is on the plane and waits for a time all the same.
#[derive(Clone, Debug)]
pub(crate) struct Timekeeper(Handle);

impl Timekeeper {
    /// Returns those of the runtime it is called in.
    pub(crate) fn current() -> Self {
        Self(Handle::current())
    }

    pub(crate) fn sleep(&self, time: Duration) -> Sleep {
        let _there = self.0.enter();
        sleep(time)
    }

    pub(crate) fn timeout<F: Future>(&self, time: Duration, act: F) -> Timeout<F> {
        let _there = self.0.enter();
        timeout(time, act)
    }
}
