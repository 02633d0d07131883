//! An error and its causes in one sentence, for logs and for the status.

use std::error::Error;

/// Joins an error and its causes. Errors never repeat their source, so nothing is said twice.
pub(crate) fn sentence(error: &dyn Error) -> String {
    let mut sentence = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !sentence.ends_with(&cause_text) {
            sentence.push_str(": ");
            sentence.push_str(&cause_text);
        }
        source = cause.source();
    }
    sentence
}
