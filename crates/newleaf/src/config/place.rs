//! The line of the configuration that an error speaks of, with a caret under it.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use newleaf_x509::name::is_unseen;
use serde_saphyr::Location;

/// The key of the one value that a person may take for the place of a secret.
const SECRET_KEY: &str = "api_key";

/// A line of a file, and which part of it is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Excerpt {
    path: PathBuf,
    line: u64,
    column: u64,
    width: usize,
    text: String,
}

impl Excerpt {
    /// Takes the line of `text` at `location`. A place that is not known is the beginning.
    ///
    /// A line that names an API key is not shown: a key may have been written where a reference belongs.
    pub(crate) fn new(path: &Path, text: &str, location: Location) -> Self {
        let (line, column) = (location.line().max(1), location.column().max(1));
        let index = usize::try_from(line - 1).unwrap_or(usize::MAX);
        let shown = text.lines().nth(index).unwrap_or_default();
        let skipped = usize::try_from(column - 1).unwrap_or(usize::MAX);
        let left = shown.chars().count().saturating_sub(skipped);
        let meant = usize::try_from(location.span().len()).unwrap_or(1);
        let secret = shown.contains(SECRET_KEY);
        Self {
            path: path.to_owned(),
            line,
            column,
            width: meant.clamp(1, left.max(1)),
            text: if secret {
                String::new()
            } else {
                shown.trim_end().to_owned()
            },
        }
    }

    /// Returns the same place without the line, for a value that may be a secret.
    #[must_use]
    pub(crate) fn without_text(mut self) -> Self {
        self.text.clear();
        self
    }
}

/// Prints `  --> file:line:column`, then the line and the caret, as Rust's compiler does.
impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        let path = self.path.display();
        writeln!(f, " {margin}--> {path}:{}:{}", self.line, self.column)?;
        if self.text.is_empty() {
            return Ok(());
        }
        // A tab is as wide as the terminal likes: it stands under itself.
        let indent: String = self
            .text
            .chars()
            .take(usize::try_from(self.column - 1).unwrap_or(0))
            .map(|c| if c == '\t' { '\t' } else { ' ' })
            .collect();
        let text: String = self
            .text
            .chars()
            .map(|c| {
                if is_unseen(c) && c != '\t' {
                    '\u{fffd}'
                } else {
                    c
                }
            })
            .collect();
        writeln!(f, " {margin} |")?;
        writeln!(f, " {number} | {text}")?;
        writeln!(f, " {margin} | {indent}{}", "^".repeat(self.width))
    }
}
