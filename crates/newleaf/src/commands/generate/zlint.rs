//! newleaf's lints held against zlint's: each rule of an RFC that zlint knows has a lint here, or a reason why not.
//!
//! zlint is the linter of the Web PKI. Its RFC family is the best list there is of what RFC 5280 asks of a certificate, so
//! the count is made against it.

/// One line a lint of zlint, in the order of their names: `NAME CODE…` or `NAME REASON`.
const LINES: &str = include_str!("zlint.txt");

/// Why a rule has no lint here.
const REASONS: &[(&str, &str)] = &[
    (
        "parse",
        "a certificate that breaks it cannot be read at all, which `newleaf lint` says with exit code 2",
    ),
    (
        "lists",
        "it judges a CRL or an OCSP response, and `lint` reads certificates; Temporal checks neither",
    ),
    (
        "issuer-names",
        "nobody who verifies clients reads issuer alternative names",
    ),
    (
        "policy-text",
        "it is about the words of a policy's notice, which no verifier of clients shows",
    ),
    (
        "transparency",
        "certificate transparency is of the Web PKI alone",
    ),
    (
        "fetched",
        "it is about where to fetch lists and issuers, and nobody who verifies clients fetches",
    ),
    (
        "international",
        "internationalized domain names are compared as they are written by Temporal's filters",
    ),
    (
        "spiffe",
        "the host of a SPIFFE id is a trust domain, which need not be a domain name",
    ),
    (
        "persons",
        "it recommends a length for the names of persons, and clients of Temporal are programs",
    ),
];

/// What newleaf has for one lint of zlint.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// These lints.
    Codes(Vec<&'static str>),
    /// Nothing, for this reason.
    LeftOut(&'static str),
}

/// Returns each lint of zlint with its answer. A word that is no reason is taken for a code, which a test then misses.
pub(super) fn answers() -> impl Iterator<Item = (&'static str, Answer)> {
    let lines = LINES.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| {
        let (name, answer) = line.split_once(' ')?;
        let reason = REASONS.iter().find(|(word, _)| *word == answer);
        let answer = match reason {
            Some((_, reason)) => Answer::LeftOut(reason),
            None => Answer::Codes(answer.split(' ').collect()),
        };
        Some((name, answer))
    })
}

/// Prints the table, the counts first.
pub(super) fn chapter() -> String {
    let answers: Vec<_> = answers().collect();
    let left_out = answers
        .iter()
        .filter(|(_, answer)| matches!(answer, Answer::LeftOut(_)))
        .count();
    let mut chapter = format!(
        "## Counted against zlint\n\nzlint v3.7.3 has {all} lints whose source is an RFC. {found} of them have lints \
         here; {left_out} are left out, each for the reason that is given.\n\n| zlint | newleaf |\n|---|---|\n",
        all = answers.len(),
        found = answers.len() - left_out,
    );
    chapter.extend(answers.iter().map(|(name, answer)| {
        let answer = match answer {
            Answer::Codes(codes) => codes.join(", "),
            Answer::LeftOut(reason) => format!("left out: {reason}"),
        };
        format!("| `{name}` | {answer} |\n")
    }));
    chapter
}

#[cfg(test)]
mod tests;
