//! Words for people: how long, until when, and what a certificate says.

use jiff::{SignedDuration, Timestamp};

/// Says a span in its two largest units, as `3 d 4 h`; the sign is left out.
pub fn span(span: SignedDuration) -> String {
    let seconds = span.as_secs().unsigned_abs();
    let units = [
        (seconds / 86_400, "d"),
        (seconds / 3_600 % 24, "h"),
        (seconds / 60 % 60, "min"),
        (seconds % 60, "s"),
    ];
    let said: Vec<_> = units
        .iter()
        .skip_while(|(n, _)| *n == 0)
        .take(2)
        .filter(|(n, _)| *n != 0)
        .map(|(n, unit)| format!("{n} {unit}"))
        .collect();
    if said.is_empty() {
        "0 s".to_owned()
    } else {
        said.join(" ")
    }
}

/// Says where `at` lies as seen from `now`, as `in 3 d 4 h` or `5 min ago`.
pub fn relative(at: Timestamp, now: Timestamp) -> String {
    let gap = at.duration_since(now);
    if gap.is_negative() {
        format!("{} ago", span(gap))
    } else {
        format!("in {}", span(gap))
    }
}
