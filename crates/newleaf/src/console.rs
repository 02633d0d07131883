//! Where newleaf speaks: data to stdout, everything else to stderr, colour only where somebody sees it.

use std::{
    env,
    fmt::{self, Display},
    io::{self, IsTerminal, Write},
};

use anstyle::{AnsiColor, Style};

use crate::failure::Failure;

/// Good news.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// Odd, but it goes on.
pub(crate) const WARN: Style = AnsiColor::Yellow.on_default().bold();
/// Something is refused.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// Something to do next.
pub(crate) const HINT: Style = AnsiColor::Cyan.on_default().bold();
/// A heading.
pub(crate) const HEAD: Style = Style::new().bold();
/// A detail that may be passed over.
pub(crate) const FAINT: Style = Style::new().dimmed();

/// The two streams, and whether each is coloured. No output needs its colour to be understood.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Console {
    colour_out: bool,
    colour_err: bool,
}

/// A text in a style, or plain where nobody would see it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Painted<T> {
    style: Style,
    text: T,
}

impl Console {
    /// Looks at the process's streams: colour on a terminal, unless `NO_COLOR` is set (no-color.org) or the
    /// terminal says that it is dumb.
    pub(crate) fn of_this_process() -> Self {
        let wanted = env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            && env::var_os("TERM").is_none_or(|terminal| terminal != "dumb");
        Self {
            colour_out: wanted && io::stdout().is_terminal(),
            colour_err: wanted && io::stderr().is_terminal(),
        }
    }

    /// Returns whether stdout is a terminal that understands more than lines.
    #[expect(
        clippy::unused_self,
        reason = "who speaks was handed a console to speak to"
    )]
    pub(crate) fn is_terminal_out(self) -> bool {
        io::stdout().is_terminal() && env::var_os("TERM").is_none_or(|terminal| terminal != "dumb")
    }

    /// Returns whether somebody sees colour on stderr.
    pub(crate) fn has_colour_err(self) -> bool {
        self.colour_err
    }

    /// Writes data to stdout, as it is.
    #[expect(
        clippy::unused_self,
        reason = "who speaks was handed a console to speak to"
    )]
    pub(crate) fn print(self, text: impl Display) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        write!(out, "{text}")
            .and_then(|()| out.flush())
            .map_err(Failure::output)
    }

    /// Writes a line of data to stdout.
    pub(crate) fn say(self, text: impl Display) -> Result<(), Failure> {
        self.print(format_args!("{text}\n"))
    }

    /// Writes a line beside the data, to stderr. If nobody can hear it, there is nobody to tell.
    #[expect(
        clippy::unused_self,
        reason = "who speaks was handed a console to speak to"
    )]
    pub(crate) fn note(self, text: impl Display) {
        drop(writeln!(io::stderr().lock(), "{text}"));
    }

    /// Styles a text for stdout.
    pub(crate) fn paint<T: Display>(self, style: Style, text: T) -> Painted<T> {
        Painted::new(self.colour_out, style, text)
    }

    /// Styles a text for stderr.
    pub(crate) fn paint_err<T: Display>(self, style: Style, text: T) -> Painted<T> {
        Painted::new(self.colour_err, style, text)
    }
}

impl<T> Painted<T> {
    fn new(seen: bool, style: Style, text: T) -> Self {
        let style = if seen { style } else { Style::new() };
        Self { style, text }
    }
}

impl<T: Display> Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.style.render())?;
        self.text.fmt(f)?;
        write!(f, "{}", self.style.render_reset())
    }
}
