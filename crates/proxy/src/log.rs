//! Log lines, written by a thread of their own.
//!
//! Lines are said where calls are carried, and whoever reads them may stall: a pipe that nobody empties, a disk that is full.
//! Calls go on then. Lines that find no room are lost, and in their place stands how many.

use std::{
    collections::VecDeque,
    io::{self, IsTerminal as _, Write},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

use tracing_subscriber::{
    filter::Targets, fmt::MakeWriter, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use crate::limits;

/// Where lines go: a writer for [`tracing_subscriber`] that never waits.
#[derive(Debug)]
pub struct Log(Arc<Queue>);

/// The end of the log. Dropped when nothing more will be said, it waits until all is written, for
/// [`limits::LOG_ENDING`] at most.
#[derive(Debug)]
pub struct Ending(Arc<Queue>);

/// Lines that wait to be written.
#[derive(Debug, Default)]
struct Queue {
    said: Mutex<Said>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Said {
    lines: VecDeque<Vec<u8>>,
    /// How much waits, and is being written.
    n_bytes: usize,
    /// Lines that were lost since the last one that was not.
    n_lost: u64,
    is_ending: bool,
    has_ended: bool,
}

/// Has this process say on stderr what passes `filter`, in colours if that is a terminal.
///
/// # Errors
///
/// There is no thread to be had, or the process has a log already.
pub fn to_stderr(filter: Targets) -> io::Result<Ending> {
    let (log, ending) = start(io::stderr())?;
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(log)
        .with_ansi(io::stderr().is_terminal());
    tracing_subscriber::registry()
        .with(lines)
        .with(filter)
        .try_init()
        .map_err(io::Error::other)?;
    Ok(ending)
}

/// Starts the thread that writes to `sink`.
///
/// # Errors
///
/// There is no thread to be had.
pub fn start(sink: impl Write + Send + 'static) -> io::Result<(Log, Ending)> {
    let queue = Arc::<Queue>::default();
    let writing = Arc::clone(&queue);
    thread::Builder::new()
        .name("log".to_owned())
        .spawn(move || writing.write_all(sink))?;
    Ok((Log(Arc::clone(&queue)), Ending(queue)))
}

impl Queue {
    fn write_all(&self, mut sink: impl Write) {
        while let Some(line) = self.next() {
            // Where a line cannot be written, nobody can be told so.
            let _closed = sink.write_all(&line).and_then(|()| sink.flush());
            self.said().n_bytes -= line.len();
        }
    }

    /// Waits for a line. None when all is written, and nothing more will be said.
    fn next(&self) -> Option<Vec<u8>> {
        let waits = |said: &mut Said| said.lines.is_empty() && !said.is_ending;
        let waited = self.changed.wait_while(self.said(), waits);
        let mut said = waited.unwrap_or_else(PoisonError::into_inner);
        let line = said.lines.pop_front();
        if line.is_none() {
            said.has_ended = true;
            self.changed.notify_all();
        }
        line
    }

    fn say(&self, line: &[u8]) {
        let mut said = self.said();
        if said.n_bytes > limits::LOG_BYTES {
            said.n_lost += 1;
            return;
        }
        said.tell_lost();
        said.push(line.to_vec());
        self.changed.notify_all();
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Said {
    fn tell_lost(&mut self) {
        let n_lost = std::mem::take(&mut self.n_lost);
        if n_lost > 0 {
            let told = format!(
                "{n_lost} log lines are missing here: they were not read as fast as they were written\n"
            );
            self.push(told.into_bytes());
        }
    }

    fn push(&mut self, line: Vec<u8>) {
        self.n_bytes += line.len();
        self.lines.push_back(line);
    }
}

impl Write for &Log {
    /// Takes one line, whole.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.say(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        let mut said = self.0.said();
        said.tell_lost();
        said.is_ending = true;
        self.0.changed.notify_all();
        let waits = |said: &mut Said| !said.has_ended;
        // Whoever has not read it by then may never do.
        let waiting = self
            .0
            .changed
            .wait_timeout_while(said, limits::LOG_ENDING, waits);
        drop(waiting);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Gives what is written to whoever takes it, and waits until somebody does.
    struct Pipe(mpsc::SyncSender<Vec<u8>>);

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let sent = self.0.send(bytes.to_vec());
            sent.map_err(|_gone| io::ErrorKind::BrokenPipe)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn say(log: &Log, line: &str) {
        log.make_writer().write_all(line.as_bytes()).unwrap();
    }

    #[test]
    fn a_log_that_nobody_reads_stops_nobody_and_tells_what_is_missing() {
        let (pipe, pipes_end) = mpsc::sync_channel(0);
        let (log, ending) = start(Pipe(pipe)).unwrap();
        let line = "x".repeat(1023) + "\n";
        let n_said = 2 * limits::LOG_BYTES / line.len();
        for _ in 0..n_said {
            say(&log, &line);
        }
        // Nothing is gone from the queue before it is read.
        let n_kept = limits::LOG_BYTES / line.len() + 1;
        for _ in 0..n_kept {
            assert_eq!(pipes_end.recv().unwrap(), line.as_bytes());
        }
        say(&log, "at last\n");
        let reading = thread::spawn(move || pipes_end.iter().collect::<Vec<_>>().concat());
        drop(ending);
        let told = String::from_utf8(reading.join().unwrap()).unwrap();
        let first = format!("{} log lines are missing here: ", n_said - n_kept);
        assert!(told.starts_with(&first), "{told}");
        assert!(told.ends_with("\nat last\n"), "{told}");
    }

    #[test]
    fn the_end_waits_for_what_is_slow_and_not_for_ever() {
        let (pipe, pipes_end) = mpsc::sync_channel(0);
        let (log, ending) = start(Pipe(pipe)).unwrap();
        say(&log, "one\n");
        say(&log, "two\n");
        let reading = thread::spawn(move || pipes_end.iter().collect::<Vec<_>>());
        drop(ending);
        assert_eq!(reading.join().unwrap().concat(), b"one\ntwo\n");

        let (pipe, _never_read) = mpsc::sync_channel(0);
        let (log, ending) = start(Pipe(pipe)).unwrap();
        say(&log, "one\n");
        drop(ending);
    }

    #[test]
    fn a_log_that_is_closed_ends_nothing() {
        let (pipe, pipes_end) = mpsc::sync_channel(0);
        drop(pipes_end);
        let (log, ending) = start(Pipe(pipe)).unwrap();
        say(&log, "one\n");
        drop(ending);
        say(&log, "after the end\n");
    }
}
