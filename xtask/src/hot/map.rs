//! The linker's map, and the patterns that pick out of it what runs.

use std::collections::BTreeSet;
use std::ops::Range;

/// What the processors of servers run and valgrind's does not know, or what valgrind does not tell of: variants of what it ran.
const UNSEEN: &[&str] = &[
    "*aesni-gcm-avx512.o(.text .text.*)",
    "*curve25519_x25519.o(.text .text.*)",
    "*curve25519_x25519base.o(.text .text.*)",
    "*libc.a:*-evex*.o(.text .text.*)",
    "*libc.a:*-avx512*.o(.text .text.*)",
    "*libc.a:dl-object.o(.text .text.*)",
    "*libc.a:dl-setup_hash.o(.text .text.*)",
];

/// One section of code that went into the program.
#[derive(Debug, PartialEq, Eq)]
struct Section<'m> {
    place: Range<u64>,
    /// The file, and in an archive its member: `…/libc.a(memchr.o)`.
    file: &'m str,
    name: &'m str,
}

/// Returns where in the program the functions are that ran, from what `nm` says of it.
pub(super) fn places(symbols: &str, seen: &BTreeSet<String>) -> BTreeSet<u64> {
    let place = |line: &str| {
        let mut words = line.split(' ');
        let address = u64::from_str_radix(words.next()?, 16).ok()?;
        let name = words.next_back()?;
        // The C library chooses variants at the start, by functions that valgrind does not tell of.
        (seen.contains(name) || name.ends_with("_ifunc")).then_some(address)
    };
    symbols.lines().filter_map(place).collect()
}

/// Returns patterns for all sections in which something ran, in the order of the map.
pub(super) fn hot(map: &str, places: &BTreeSet<u64>) -> Vec<String> {
    let mut patterns = Vec::new();
    let mut known = BTreeSet::new();
    for section in map.lines().filter_map(section) {
        if places.range(section.place.clone()).next().is_some() {
            let pattern = pattern(&section);
            if known.insert(pattern.clone()) {
                patterns.push(pattern);
            }
        }
    }
    let unseen = UNSEEN.iter().map(|pattern| (*pattern).to_owned());
    patterns.extend(unseen.filter(|pattern| !known.contains(pattern)));
    patterns
}

/// Reads `ADDRESS LOAD-ADDRESS SIZE ALIGNMENT file:(section)`. None: the line is of something else than code.
fn section(line: &str) -> Option<Section<'_>> {
    let (file, name) = line.strip_suffix(')')?.rsplit_once(":(")?;
    let mut numbers = file.split_ascii_whitespace();
    let begin = u64::from_str_radix(numbers.next()?, 16).ok()?;
    let n_bytes = u64::from_str_radix(numbers.nth(1)?, 16).ok()?;
    // What follows the alignment, in whose place there may be blanks.
    let file = numbers.next_back()?;
    let is_code = name.starts_with(".text");
    is_code.then_some(Section {
        place: begin..begin.saturating_add(n_bytes),
        file,
        name,
    })
}

fn pattern(section: &Section<'_>) -> String {
    let member = section
        .file
        .strip_suffix(')')
        .and_then(|file| file.rsplit_once('('));
    match member {
        // A section of its own for each function.
        _ if section.name != ".text" && !section.file.contains("libc.a(") => {
            format!("*({})", lasting(section.name))
        }
        Some((archive, member)) if archive.ends_with("libc.a") => {
            format!("*libc.a:{member}(.text .text.*)")
        }
        // rustc puts a hash before the names of members.
        Some((_archive, member)) => {
            let member = member
                .split_once('-')
                .map_or(member, |(_hash, member)| member);
            format!("*{member}(.text .text.*)")
        }
        None => {
            let file = section.file.rsplit('/').next().unwrap_or_default();
            format!("*{file}(.text .text.*)")
        }
    }
}

/// Returns a pattern for a name, without what is another in each build: hashes, numbers of crates and of aws-lc's version.
fn lasting(name: &str) -> String {
    // The compiler numbers copies of one function.
    let numbered = name.rsplit_once('.').filter(|(_, number)| {
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    });
    if let Some((name, _number)) = numbered {
        return format!("{}.*", lasting(name));
    }
    let mut pattern = String::new();
    let mut rest = name;
    while let Some(first) = rest.chars().next() {
        let after = [legacy_hash, crate_hash, version]
            .iter()
            .find_map(|skip| skip(rest));
        if let Some((kept, after)) = after {
            pattern.push_str(kept);
            pattern.push('*');
            rest = after;
        } else {
            // These mean something in a pattern, or to the linker.
            pattern.push(if matches!(first, '$' | '"' | '[' | ']') {
                '?'
            } else {
                first
            });
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
        }
    }
    pattern
}

/// `17h0123456789abcdefE`, at the end of names of Rust.
fn legacy_hash(text: &str) -> Option<(&str, &str)> {
    let hash = text.strip_prefix("17h")?;
    let (hash, rest) = hash.split_at_checked(16)?;
    let is_hash = hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    Some(("17h", rest.strip_prefix('E')?)).filter(|_| is_hash)
}

/// `CsjrHSEGnQ3l9_`, before the name of a crate in newer names of Rust.
fn crate_hash(text: &str) -> Option<(&str, &str)> {
    let hash = text.strip_prefix("Cs")?;
    let end = hash.find(|letter: char| !letter.is_ascii_alphanumeric())?;
    let rest = hash.get(end..)?;
    // A crate's name follows, which begins with its length.
    let follows = rest
        .strip_prefix('_')?
        .starts_with(|c: char| c.is_ascii_digit());
    Some(("Cs", rest)).filter(|_| follows && end > 0)
}

/// `aws_lc_0_47_0_`, before all names of aws-lc.
fn version(text: &str) -> Option<(&str, &str)> {
    let mut rest = text.strip_prefix("aws_lc_")?;
    for _ in 0..3 {
        let end = rest.find(|letter: char| !letter.is_ascii_digit())?;
        rest = rest.get(end..)?.strip_prefix('_').filter(|_| end > 0)?;
    }
    // The last underscore stays, so that `aws_lc_*_` is all of it.
    let n_bytes = text.len() - rest.len() - 1;
    Some(("aws_lc_", text.get(n_bytes..)?))
}

#[cfg(test)]
mod tests;
