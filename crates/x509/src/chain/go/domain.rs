//! Domain names, mailboxes and URIs, as Go reads them.

use std::net::{IpAddr, Ipv6Addr};

/// What a host may have beside letters and digits before Go's URLs give it up.
const HOST: &[u8] = b"-._~!$&'()*+,;=:[]<>\"";

/// What the local part of a mailbox may have beside letters and digits.
const ATEXT: &[u8] = b"!#$%&'*+-/=?^_`{|}~.";

/// Returns whether Go takes this for a domain name: graphic characters, and no empty label. No name at all passes.
pub(super) fn is_domain(name: &str) -> bool {
    name.is_empty()
        || name
            .split('.')
            .all(|label| !label.is_empty() && label.bytes().all(|c| c.is_ascii_graphic()))
}

/// Returns whether Go takes this for the base of a constraint: one dot may lead.
pub(super) fn is_constraint(base: &str) -> bool {
    let domain = base.strip_prefix('.').unwrap_or(base);
    is_domain(domain) && base != "."
}

/// Returns whether Go takes this for a mailbox (RFC 5321 §4.1.2, with backslashes outside quotes).
pub(super) fn is_mailbox(address: &str) -> bool {
    let rest = match address.strip_prefix('"') {
        Some(quoted) => after_quoted(quoted),
        None => after_atoms(address),
    };
    let domain = rest.and_then(|rest| rest.strip_prefix('@'));
    domain.is_some_and(is_domain)
}

fn after_quoted(text: &str) -> Option<&str> {
    let mut characters = text.chars();
    loop {
        match characters.next()? {
            '"' => return Some(characters.as_str()),
            '\\' => {
                let quoted = characters.next()?;
                if matches!(quoted, '\0' | '\n' | '\r') {
                    return None;
                }
            }
            '\0' | '\t' | '\n' | '\r' => return None,
            _ => {}
        }
    }
}

fn after_atoms(text: &str) -> Option<&str> {
    let mut local = String::new();
    let mut characters = text.chars();
    loop {
        let before = characters.as_str();
        let plain = |c: char| {
            u8::try_from(c).is_ok_and(|c| c.is_ascii_alphanumeric() || ATEXT.contains(&c))
        };
        match characters.next() {
            Some('\\') => local.push(characters.next()?),
            Some(c) if plain(c) => local.push(c),
            Some(_) | None => {
                let dots = local.starts_with('.') || local.ends_with('.') || local.contains("..");
                return (!local.is_empty() && !dots).then_some(before);
            }
        }
    }
}

/// A URI that Go reads: its host, which may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Uri {
    host: String,
}

impl Uri {
    /// Reads a URI of ASCII; `None` if Go does not.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (text, fragment) = text.split_once('#').unwrap_or((text, ""));
        let escaped = |text: &str| unescaped(text, |_| true).is_some();
        if text.bytes().any(|c| c.is_ascii_control()) || !escaped(fragment) {
            return None;
        }
        let none = || Self {
            host: String::new(),
        };
        let (scheme, rest) = scheme(text)?;
        let rest = rest.split_once('?').map_or(rest, |(rest, _query)| rest);
        if !rest.starts_with('/') {
            // The rest is opaque; without a scheme it is a path, whose first part has no colon.
            let first = rest.split('/').next().unwrap_or_default();
            let is_path = !first.contains(':') && escaped(rest);
            return (!scheme.is_empty() || text == "*" || is_path).then(none);
        }
        let authority = rest.strip_prefix("//");
        let authority = authority.filter(|_| !scheme.is_empty() || !rest.starts_with("///"));
        let Some(authority) = authority else {
            return escaped(rest).then(none);
        };
        let (authority, path) = authority
            .find('/')
            .and_then(|at| authority.split_at_checked(at))
            .unwrap_or((authority, ""));
        let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
        let user_fits = user
            .bytes()
            .all(|c| c.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&c));
        let strict = ["http", "https"].contains(&scheme.to_ascii_lowercase().as_str());
        let host = host_of(host, strict).filter(|host| is_domain(host))?;
        (user_fits && escaped(user) && escaped(path)).then_some(Self { host })
    }

    /// Returns whether Go can hold it against constraints: it has a host, which is no address.
    pub(super) fn is_comparable(&self) -> bool {
        let host = self.host.as_str();
        let bracketed = host.starts_with('[') && host.ends_with(']');
        let host = match host.split_once(':') {
            Some((name, port)) if !host.ends_with(']') => {
                // More than one colon, or brackets, and Go finds no port.
                if port.contains(':') || host.contains(['[', ']']) {
                    return false;
                }
                name
            }
            Some(_) | None => host,
        };
        !self.host.is_empty() && !bracketed && host.parse::<IpAddr>().is_err() && is_domain(host)
    }
}

/// Takes the scheme; `None` if a colon stands where it should begin.
fn scheme(text: &str) -> Option<(&str, &str)> {
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic());
    let fits = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    let end = text.find(|c: char| !fits(c));
    let found = end.and_then(|end| text.split_at_checked(end));
    match found.and_then(|(scheme, rest)| Some((scheme, rest.strip_prefix(':')?))) {
        Some(("", _)) => None,
        Some(found) if begins => Some(found),
        Some(_) | None => Some(("", text)),
    }
}

/// Reads a host and its port.
fn host_of(host: &str, strict_colons: bool) -> Option<String> {
    let in_host = |octet| octet >= 0x80 || octet == b'%';
    if let Some((before, _)) = host.rsplit_once('[') {
        let (literal, port) = host.strip_prefix('[')?.rsplit_once(']')?;
        let (address, zone) = literal
            .find("%25")
            .and_then(|at| literal.split_at_checked(at))
            .unwrap_or((literal, ""));
        let address = unescaped(address, in_host)?;
        let zone = unescaped(zone, |octet| {
            in_host(octet) || octet == b' ' || is_of_host(octet)
        })?;
        let is_address = address.parse::<Ipv6Addr>().is_ok() && zone != "%";
        let fits = before.is_empty() && is_address && is_port(port);
        return fits.then(|| format!("[{address}{zone}]{port}"));
    }
    let at = if strict_colons {
        host.find(':')
    } else {
        host.rfind(':')
    };
    let port = at.and_then(|at| host.get(at..)).unwrap_or_default();
    if !is_port(port) || !host.bytes().all(|c| c == b'%' || is_of_host(c)) {
        return None;
    }
    unescaped(host, in_host)
}

fn is_of_host(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || HOST.contains(&octet)
}

fn is_port(text: &str) -> bool {
    text.is_empty()
        || text
            .strip_prefix(':')
            .is_some_and(|port| port.bytes().all(|c| c.is_ascii_digit()))
}

/// Replaces what is escaped; `None` if an escape is broken or of an octet that may not be escaped here.
fn unescaped(text: &str, may_be_escaped: impl Fn(u8) -> bool) -> Option<String> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        if octet != b'%' {
            octets.push(octet);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        let octet = u8::try_from(digit()? * 16 + digit()?).ok()?;
        octets.push(may_be_escaped(octet).then_some(octet)?);
    }
    // What is no text is no domain either, and only that is asked of it.
    Some(String::from_utf8_lossy(&octets).into_owned())
}
