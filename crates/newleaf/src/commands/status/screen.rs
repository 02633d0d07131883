//! How a rotation is followed: the picture drawn over on a terminal, the lines that are new elsewhere.

use std::collections::BTreeSet;

use newleaf_controller::Snapshot;

use super::picture::Picture;
use crate::{console::Console, failure::Failure};

/// Where a rotation is followed.
#[derive(Debug)]
pub(super) struct Screen {
    console: Console,
    form: Form,
}

#[derive(Debug)]
enum Form {
    /// A terminal, on which so many lines were drawn last.
    Terminal { drawn: usize },
    /// A file or a pipe, and the lines that were shown last.
    Lines { shown: BTreeSet<String> },
}

impl Screen {
    /// Chooses by what stdout is.
    pub(super) fn of(console: Console) -> Self {
        let form = if console.is_terminal_out() {
            Form::Terminal { drawn: 0 }
        } else {
            Form::Lines {
                shown: BTreeSet::new(),
            }
        };
        Self { console, form }
    }

    /// Shows the rotation as it is now.
    pub(super) fn show(&mut self, snapshot: &Snapshot) -> Result<(), Failure> {
        let text = Picture::new(snapshot, self.console).to_string();
        let frame = self.form.frame(&text);
        self.console.print(frame)
    }
}

impl Form {
    /// Returns what to print for a picture, the one before being there already.
    fn frame(&mut self, picture: &str) -> String {
        match self {
            Self::Terminal { drawn } => {
                let lines: Vec<&str> = picture.lines().collect();
                let frame = drawn_over(*drawn, &lines);
                *drawn = lines.len();
                frame
            }
            Self::Lines { shown } => {
                let lines = || picture.lines().map(str::trim_end);
                let new: Vec<String> = lines()
                    .filter(|line| !shown.contains(*line))
                    .map(|line| format!("{line}\n"))
                    .collect();
                *shown = lines().map(str::to_owned).collect();
                new.concat()
            }
        }
    }
}

/// Returns the escapes that draw lines over the ones before. While they are drawn the terminal does not wrap: a narrow
/// one cuts the lines, and the count of lines to go back stays true without knowing any width.
fn drawn_over(drawn: usize, lines: &[&str]) -> String {
    let back = if drawn == 0 {
        String::new()
    } else {
        format!("\u{1b}[{drawn}A")
    };
    let lines: Vec<String> = lines
        .iter()
        .map(|line| format!("\u{1b}[2K{line}\n"))
        .collect();
    let lines = lines.concat();
    format!("\u{1b}[?7l{back}{lines}\u{1b}[J\u{1b}[?7h")
}

#[cfg(test)]
mod tests;
