//! `newleaf needs-renewal`: whether a leaf is due, as an exit code that systemd and shells understand.
//!
//! systemd's `ExecCondition=` runs a unit on 0, skips it *without a sound* on 1 to 254, and fails it on 255. A file that
//! cannot be read must therefore never end with a small number: unknown is not "nothing to do".

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use jiff::{SignedDuration, Timestamp};
use newleaf_x509::{
    Certificate,
    describe::{relative, span},
};
use serde::Serialize;

use crate::{
    code,
    failure::{Exit, Failure},
    files,
    session::Session,
    text,
};

/// Tell by the exit code whether certificates are due for renewal
///
/// Ends with 0 if one of them is due, with 1 if none is, and with 255 if that cannot be told, also for arguments that cannot be
/// used: in a systemd unit, `ExecCondition=newleaf needs-renewal /etc/newleaf/tls.crt` starts the unit, skips it, and
/// fails it. An identity directory stands for its `tls.crt`. Of a chain, the certificate that ends first decides.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Certificate files and identity directories; `-` for standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Due when so much of its life is left: a share such as `33%`, or a span such as `30d`
    #[arg(long, value_name = "SHARE|SPAN", default_value = "33%")]
    left: Left,
    /// Print one JSON array: an object for each path
    #[arg(long)]
    json: bool,
    /// The instant from which time is counted, such as 2026-11-22T06:00:00Z; now, if left out
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
}

/// How much life may be left when a certificate is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// A share of its whole life, in percent.
    Share(u8),
    /// A span.
    Span(SignedDuration),
}

/// A path, as `--json` tells it.
#[derive(Debug, Serialize)]
struct Told {
    path: String,
    due: bool,
    subject: String,
    due_at: Timestamp,
    not_after: Timestamp,
}

impl FromStr for Left {
    type Err = String;

    fn from_str(said: &str) -> Result<Self, String> {
        let Some(number) = said.strip_suffix('%') else {
            return text::span(said).map(Self::Span);
        };
        let share = number.parse().ok().filter(|share| (1..=99).contains(share));
        share
            .map(Self::Share)
            .ok_or_else(|| format!("expected a share from `1%` to `99%`, found `{said}`"))
    }
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Share(share) => write!(f, "{share} %"),
            Self::Span(left) => f.write_str(&span(*left)),
        }
    }
}

/// Runs `newleaf needs-renewal`. What cannot be told is said, and ends with 255.
pub(crate) fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    answer(args, session).map_err(Failure::unanswered)
}

fn answer(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let now = args.at.unwrap_or_else(|| session.now());
    let told = args
        .paths
        .iter()
        .map(|path| tell(path, args.left, now))
        .collect::<Result<Vec<_>, _>>()?;
    let console = session.console();
    if args.json {
        let json =
            serde_json::to_string_pretty(&told).map_err(|error| Failure::new(&code::BUG, error))?;
        console.say(json)?;
    } else {
        for told in &told {
            let word = if told.due { "due" } else { "not due" };
            console.say(format_args!(
                "{}: {word} ({} of its life, {}); ends {}, {}",
                told.path,
                args.left,
                relative(told.due_at, now),
                relative(told.not_after, now),
                told.subject
            ))?;
        }
    }
    let due = told.iter().any(|told| told.due);
    Ok(if due { Exit::Done } else { Exit::Refused })
}

fn tell(path: &Path, left: Left, now: Timestamp) -> Result<Told, Failure> {
    let file = if path.is_dir() {
        path.join("tls.crt")
    } else {
        path.to_owned()
    };
    let certificates = files::read_certificates(&file)?;
    let first = certificates
        .iter()
        .map(|certificate| (due_at(certificate, left), certificate))
        .min_by_key(|(due_at, _)| *due_at);
    let Some((due_at, certificate)) = first else {
        return Err(Failure::new(
            &code::NOT_CERTIFICATES,
            format!("expected a certificate in `{}`, found none", file.display()),
        ));
    };
    Ok(Told {
        path: path.display().to_string(),
        due: due_at <= now,
        subject: certificate.subject().to_string(),
        due_at,
        not_after: certificate.not_after(),
    })
}

/// Returns the first instant at which no more than `left` is left.
fn due_at(certificate: &Certificate, left: Left) -> Timestamp {
    let (begin, end) = (certificate.not_before(), certificate.not_after());
    let left = match left {
        Left::Span(left) => left,
        Left::Share(share) => {
            let life = end.duration_since(begin).as_secs();
            SignedDuration::from_secs(life / 100 * i64::from(share))
        }
    };
    // A span beyond the beginning of time: due since ever.
    end.checked_sub(left).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_spans_are_read() {
        assert_eq!("33%".parse(), Ok(Left::Share(33)));
        let month = SignedDuration::from_hours(24 * 30);
        assert_eq!("30d".parse(), Ok(Left::Span(month)));
        for wrong in ["0%", "100%", "33.3%", "%", "-1d", "1 month", ""] {
            assert!(wrong.parse::<Left>().is_err(), "{wrong}");
        }
    }
}
