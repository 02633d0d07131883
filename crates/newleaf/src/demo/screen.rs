//! Where the demo shows itself: a picture that is drawn over on a terminal, one line for each event elsewhere.
//!
//! Both go to stderr: stdout has the summary, and nothing else.

use std::{
    collections::VecDeque,
    fmt::Write as _,
    io::{self, IsTerminal, Write as _},
    sync::{Arc, Mutex, PoisonError},
};

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
}

#[derive(Debug, Default)]
struct Inner {
    events: VecDeque<String>,
    drawn: usize,
}

impl Form {
    /// Chooses by what stderr is.
    pub(crate) fn of_stderr(paint: Paint) -> Self {
        if io::stderr().is_terminal() {
            Self::Picture(paint)
        } else {
            Self::Lines
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
        self.form != Form::Lines
    }

    /// Tells what just happened.
    pub(crate) fn tell(&self, what: impl std::fmt::Display) {
        let seconds = self.started.elapsed().as_secs_f32();
        let line = format!("{seconds:>5.1} s  {what}");
        if self.form == Form::Lines {
            return write(&format!("{line}\n"));
        }
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
