//! Log lines, written by a thread of their own.
//!
//! Lines are said where calls are carried, and whoever reads them may stall: a pipe that nobody empties, a disk that is full.
//! Calls go on then. Lines that find no room are lost, and in their place stands how many.

use std::{
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
        mpsc::{Receiver, Sender, channel},
    },
    thread,
};

use tracing_subscriber::fmt::MakeWriter;

use crate::limits;

/// Where lines go: a writer for [`tracing_subscriber`] that never waits.
#[derive(Debug)]
pub struct Log(Arc<Queue>);

/// The end of the log. Dropped when nothing more will be said, it waits until all is written, for
/// [`limits::LOG_ENDING`] at most.
#[derive(Debug)]
pub struct Ending {
    queue: Arc<Queue>,
    written: Receiver<()>,
}

/// Lines that wait to be written.
#[derive(Debug)]
struct Queue {
    lines: Sender<Said>,
    n_bytes: AtomicUsize,
    /// Lines that were lost since the last one that was not.
    n_lost: AtomicU64,
}

#[derive(Debug)]
enum Said {
    Line(Vec<u8>),
    End,
}

/// Starts the thread that writes to `sink`.
///
/// # Errors
///
/// There is no thread to be had.
pub fn start(sink: impl Write + Send + 'static) -> io::Result<(Log, Ending)> {
    let (lines, said) = channel();
    let (done, written) = channel();
    let queue = Arc::new(Queue {
        lines,
        n_bytes: AtomicUsize::new(0),
        n_lost: AtomicU64::new(0),
    });
    let writing = Arc::clone(&queue);
    thread::Builder::new()
        .name("log".to_owned())
        .spawn(move || {
            writing.write_all(&said, sink);
            // Whoever waited for it may have given up.
            let _nobody_waits = done.send(());
        })?;
    Ok((Log(Arc::clone(&queue)), Ending { queue, written }))
}

impl Queue {
    fn write_all(&self, said: &Receiver<Said>, mut sink: impl Write) {
        while let Ok(Said::Line(line)) = said.recv() {
            // Where a line cannot be written, nobody can be told so.
            let _closed = sink.write_all(&line).and_then(|()| sink.flush());
            self.n_bytes.fetch_sub(line.len(), Relaxed);
        }
    }

    fn say(&self, line: &[u8]) {
        if self.n_bytes.load(Relaxed) > limits::LOG_BYTES {
            self.n_lost.fetch_add(1, Relaxed);
            return;
        }
        self.tell_lost();
        self.push(line.to_vec());
    }

    fn tell_lost(&self) {
        let n_lost = self.n_lost.swap(0, Relaxed);
        if n_lost > 0 {
            let told = format!(
                "{n_lost} log lines are missing here: they were not read as fast as they were written\n"
            );
            self.push(told.into_bytes());
        }
    }

    fn push(&self, line: Vec<u8>) {
        self.n_bytes.fetch_add(line.len(), Relaxed);
        // After the end nobody listens, and there is nothing to be said.
        let _ended = self.lines.send(Said::Line(line));
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
        self.queue.tell_lost();
        let _ended = self.queue.lines.send(Said::End);
        // Whoever does not read it by then never may.
        let _stalled = self.written.recv_timeout(limits::LOG_ENDING);
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
