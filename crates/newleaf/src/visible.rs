//! Texts that quote what somebody wrote, made fit for a terminal.

use newleaf_x509::name::is_unseen;

/// Writes out what would not be seen, or would drive the terminal or turn the line around; line breaks and tabs stay.
pub(crate) fn visible(text: String) -> String {
    let is_harmful = |c: char| is_unseen(c) && !matches!(c, '\n' | '\t');
    if !text.contains(is_harmful) {
        return text;
    }
    let mut seen = String::with_capacity(text.len());
    for c in text.chars() {
        if is_harmful(c) {
            seen.extend(c.escape_unicode());
        } else {
            seen.push(c);
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_not_seen_is_written_out() {
        let said = |text: &str| visible(text.to_owned());
        assert_eq!(
            said("plain: `x`\n\tyes, grüße e\u{301}"),
            "plain: `x`\n\tyes, grüße e\u{301}"
        );
        assert_eq!(said("a\u{85}b\r\u{1b}[2J"), "a\\u{85}b\\u{d}\\u{1b}[2J");
        assert_eq!(said("\u{202e}txt.exe\u{feff}"), "\\u{202e}txt.exe\\u{feff}");
    }
}
