//! The only place where an error becomes sentences.
//!
//! A [`Failure`] is made at a command's edge, where both the error and the person are known: a stable [`Code`] with a
//! page of its own, the error with its causes, and what to do next.

mod rotation;

use std::{
    error::Error,
    fmt::Write as _,
    io,
    process::{ExitCode, Termination},
};

use newleaf_systems::{file::FileError, issuer::IssuerError};

use crate::{
    code::{self, Code},
    config::{ConfigError, Excerpt},
    console::{BAD, Console, HINT},
    visible::visible,
};

/// How a command ended, as the exit code says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 0: what was asked for is done.
    Done,
    /// 1: the world refused.
    Refused,
    /// 2: the arguments, the configuration or an input file cannot be used.
    Usage,
    /// 3: a lint found an error, or a chain is refused.
    Findings,
    /// 4: the rotation waits for an approval or a soak.
    Waiting,
    /// 5: going on would have been unsafe, so newleaf stopped.
    Unsafe,
    /// 70: newleaf has a bug.
    Bug,
    /// 255: `needs-renewal` could not tell. systemd's `ExecCondition=` takes every smaller number for "nothing to do".
    Unknown,
}

/// The exit codes, as `--help` shows them.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
   0  done
   1  the world refused: a file, a server, a network
   2  the arguments, the configuration or an input cannot be used
   3  a lint found an error, or `verify` a chain that is refused
   4  waiting for an approval or a soak; nothing is wrong
   5  going on would have been unsafe, so newleaf stopped
  70  newleaf has a bug
 255  `needs-renewal` could not tell

Every error has a code such as C002; `newleaf explain C002` tells more.";

/// Why a command did not do what it was asked, for the person who asked.
#[derive(Debug)]
pub(crate) struct Failure {
    code: &'static Code,
    error: Box<dyn Error + Send + Sync>,
    place: Option<Box<Excerpt>>,
    hints: Vec<String>,
    exit: Exit,
}

impl Exit {
    fn number(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Refused => 1,
            Self::Usage => 2,
            Self::Findings => 3,
            Self::Waiting => 4,
            Self::Unsafe => 5,
            Self::Bug => 70,
            Self::Unknown => 255,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.number().into()
    }
}

impl Termination for Exit {
    fn report(self) -> ExitCode {
        self.into()
    }
}

impl Failure {
    /// Pairs an error, or a sentence that stands for one, with its code.
    pub(crate) fn new(code: &'static Code, error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            code,
            error: error.into(),
            place: None,
            hints: Vec::new(),
            exit: code.exit,
        }
    }

    /// Ends the program with 255, whatever the code says: the question was not answered.
    #[must_use]
    pub(crate) fn unanswered(self) -> Self {
        Self {
            exit: Exit::Unknown,
            ..self
        }
    }

    /// Adds what to do next: a command to paste, or a fact that calms.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Says the error and its causes in one line, for the journal.
    pub(crate) fn what(&self) -> String {
        let mut text = self.error.to_string();
        let mut cause = self.error.source();
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        visible(text)
    }

    /// Shows the lines of a file that the error speaks of.
    #[must_use]
    pub(crate) fn at(mut self, place: Option<Excerpt>) -> Self {
        self.place = place.map(Box::new);
        self
    }

    /// Stands for a panic, which has been printed where it happened.
    pub(crate) fn bug() -> Self {
        Self::new(&code::BUG, "newleaf met a bug of its own, printed above")
            .hint("nothing that was recorded is lost; please report the lines above")
    }

    /// Stands for an output that cannot be written.
    pub(crate) fn output(error: io::Error) -> Self {
        Self::new(&code::OUTPUT, error)
    }

    /// Prints the failure to stderr and returns how the program ends. A reader that closed the pipe has read
    /// enough: that is no failure.
    pub(crate) fn report(&self, console: Console) -> Exit {
        if self.is_broken_pipe() {
            return Exit::Done;
        }
        console.note(self.sentences(console).trim_end());
        self.exit
    }

    fn is_broken_pipe(&self) -> bool {
        let error = self.error.downcast_ref::<io::Error>();
        error.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    }

    fn sentences(&self, console: Console) -> String {
        let head = console
            .paint_err(BAD, format_args!("error[{}]", self.code.id))
            .to_string();
        let error = visible(self.error.to_string());
        let mut text = format!("{head}: {error}\n");
        let mut said = vec![error];
        let mut cause = self.error.source();
        while let Some(error) = cause {
            let what = visible(error.to_string());
            // Some libraries print their source as well as returning it; once is enough.
            if !said.iter().any(|before| before.contains(&what)) {
                line(&mut text, "caused by", &what);
                said.push(what);
            }
            cause = error.source();
        }
        if let Some(place) = &self.place {
            text.push_str(&place.to_string());
        }
        let help = console.paint_err(HINT, "help").to_string();
        for hint in &self.hints {
            line(&mut text, &help, &visible(hint.clone()));
        }
        if self.hints.is_empty() {
            let explain = format!("run `newleaf explain {}`", self.code.id);
            line(&mut text, &help, &explain);
        }
        text
    }
}

#[expect(
    clippy::let_underscore_must_use,
    reason = "writing to a String cannot fail"
)]
fn line(text: &mut String, label: &str, what: &str) {
    let _ = writeln!(text, "  {label}: {what}");
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        let code = match &error {
            ConfigError::Read { .. } => &code::CONFIG_READ,
            ConfigError::Syntax { .. } => &code::CONFIG_SYNTAX,
            ConfigError::Value { .. } => &code::CONFIG_VALUE,
            ConfigError::Secret { .. } => &code::CONFIG_SECRET,
        };
        let (place, hint) = (error.place().cloned(), error.hint());
        let failure = Self::new(code, error).at(place);
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

impl From<IssuerError> for Failure {
    fn from(error: IssuerError) -> Self {
        let code = match &error {
            IssuerError::Issue(_) | IssuerError::Time { .. } => &code::ISSUE,
            IssuerError::Generate(_) => &code::GENERATE,
            IssuerError::Exists { .. } => &code::CA_EXISTS,
            IssuerError::Store { .. }
            | IssuerError::Missing { .. }
            | IssuerError::NoKey { .. }
            | IssuerError::Chain(_)
            | IssuerError::Ledger(_) => &code::CA_STORE,
        };
        Self::new(code, error).hint("no leaf was handed out")
    }
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        let is_disk_full = is_disk_full(&error);
        let failure =
            Self::new(&code::STORE, error).hint("the identity that was there is there still");
        if is_disk_full {
            return failure.hint("make room on the disk and run the same command again");
        }
        failure
    }
}

fn is_disk_full(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let error_of_system = error.downcast_ref::<io::Error>();
        if error_of_system.is_some_and(|error| error.kind() == io::ErrorKind::StorageFull) {
            return true;
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests;
