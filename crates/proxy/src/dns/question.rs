//! The names that are asked for when one is looked up, in order.

use domain::base::{Name, name::FromStrError};

use super::system::Setup;

/// One form of a name, complete.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) name: Name<Vec<u8>>,
}

/// Returns whether the host is this machine, of whatever DNS says (RFC 6761 §6.3).
pub(super) fn is_localhost(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let last = host.rsplit('.').next();
    last.is_some_and(|label| label.eq_ignore_ascii_case("localhost"))
}

/// Returns what to ask for: a name with enough dots as it stands and then below each search domain, another the other way
/// round, and one that ends in a dot as it stands only (`resolv.conf(5)`). None: the host is no name.
pub(super) fn candidates(host: &str, setup: &Setup) -> Option<Vec<Candidate>> {
    let as_it_stands = candidate(host)?;
    if host.ends_with('.') {
        return Some(vec![as_it_stands]);
    }
    let n_dots = host.bytes().filter(|byte| *byte == b'.').count();
    let below = |domain: &String| {
        let domain = domain.trim_matches('.');
        // The root itself may be a search domain.
        let separator = if domain.is_empty() { "" } else { "." };
        candidate(&format!("{host}{separator}{domain}"))
    };
    let mut candidates: Vec<_> = setup.search.iter().filter_map(below).collect();
    let place = if n_dots >= setup.n_dots {
        0
    } else {
        candidates.len()
    };
    candidates.insert(place, as_it_stands);
    candidates.dedup();
    Some(candidates)
}

fn candidate(text: &str) -> Option<Candidate> {
    let parsed: Result<Name<Vec<u8>>, FromStrError> = text.parse();
    let name = parsed.ok().filter(|name| !name.is_root())?;
    Some(Candidate { name })
}

#[cfg(test)]
mod tests;
