//! Where the demo shows itself: a picture that is drawn over on a terminal, one line for each event elsewhere.
//!
//! Both go to stderr: stdout has the summary, and nothing else.

use std::{
    collections::VecDeque,
    fmt::Write as _,
    io::{self, IsTerminal, Write as _},
    sync::{Arc, Mutex, PoisonError},
};

use serde::Serialize;
use tokio::time::Instant;

use crate::demo::picture::{self, Frame, Paint};

/// How many events the picture shows.
const SHOWN_EVENTS: usize = 7;

/// The screen. Cheap to clone; one process has one.
#[derive(Clone, Debug)]
pub(crate) struct Screen {
    started: Instant,
    form: Form,
    inner: Arc<Mutex<Inner>>,
}

/// How the demo shows itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A picture, drawn over.
    Picture(Paint),
    /// A line for each event.
    Lines,
    /// An object for each event, on a line of its own.
    Objects,
}

/// An event for machines. Its names are stable: fields may be added, none is renamed or changes its meaning.
#[derive(Serialize)]
struct Object<'a> {
    at_ms: u64,
    event: &'a str,
    /// The process that drives a rotation from now on: the one to kill.
    #[serde(skip_serializing_if = "Option::is_none")]
    controller_pid: Option<u32>,
}

#[derive(Debug, Default)]
struct Inner {
    events: VecDeque<String>,
    drawn: usize,
}

impl Form {
    /// Chooses by what stderr is: a person looks at a terminal; what else there is gets `otherwise`.
    pub(crate) fn of_stderr(paint: Paint, otherwise: Self) -> Self {
        if io::stderr().is_terminal() {
            Self::Picture(paint)
        } else {
            otherwise
        }
    }
}

impl Screen {
    /// Begins at this instant.
    pub(crate) fn new(form: Form, started: Instant) -> Self {
        Self {
            started,
            form,
            inner: Arc::default(),
        }
    }

    /// Returns when the demo began.
    pub(crate) fn started(&self) -> Instant {
        self.started
    }

    /// Returns whether frames are drawn at all.
    pub(crate) fn has_picture(&self) -> bool {
        matches!(self.form, Form::Picture(_))
    }

    /// Tells what just happened.
    pub(crate) fn tell(&self, what: impl std::fmt::Display) {
        self.tell_of(&what.to_string(), None);
    }

    /// Tells that a process drives a rotation from now on. Whoever looks on may kill it.
    pub(crate) fn tell_controller(&self, arguments: &[&str], pid: u32) {
        let command = arguments.join(" ");
        let what = format!("process {pid} is the controller: newleaf {command}");
        self.tell_of(&what, Some(pid));
    }

    fn tell_of(&self, event: &str, controller_pid: Option<u32>) {
        let at = self.started.elapsed();
        let line = format!("{:>5.1} s  {event}", at.as_secs_f32());
        match self.form {
            Form::Picture(_) => self.keep(line),
            Form::Lines => write(&format!("{line}\n")),
            Form::Objects => {
                let object = serde_json::to_string(&Object {
                    at_ms: u64::try_from(at.as_millis()).unwrap_or(u64::MAX),
                    event,
                    controller_pid,
                });
                // Numbers and text always are JSON.
                write(&format!("{}\n", object.unwrap_or(line)));
            }
        }
    }

    /// Keeps an event for the next frames.
    fn keep(&self, line: String) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.events.len() == SHOWN_EVENTS {
            inner.events.pop_front();
        }
        inner.events.push_back(line);
    }

    /// Draws a frame over the one before.
    ///
    /// While it is drawn the terminal does not wrap: a narrow one cuts the lines, and the count of lines to go
    /// back stays true without knowing any width.
    pub(crate) fn draw(&self, mut frame: Frame) {
        let Form::Picture(paint) = self.form else {
            return;
        };
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        frame.events = inner.events.iter().cloned().collect();
        let lines = picture::draw(&frame, paint);
        let mut text = String::from("\u{1b}[?7l");
        if inner.drawn > 0 {
            push(&mut text, format_args!("\u{1b}[{}A", inner.drawn));
        }
        for line in &lines {
            push(&mut text, format_args!("\u{1b}[2K{line}\n"));
        }
        text.push_str("\u{1b}[J\u{1b}[?7h");
        inner.drawn = lines.len();
        write(&text);
    }
}

#[expect(
    clippy::let_underscore_must_use,
    reason = "writing to a String cannot fail"
)]
fn push(text: &mut String, what: std::fmt::Arguments<'_>) {
    let _ = text.write_fmt(what);
}

/// If nobody can see it, there is nobody to tell.
fn write(text: &str) {
    drop(io::stderr().lock().write_all(text.as_bytes()));
}
