//! The static and the dynamic table (RFC 7541 §2.3).

use std::collections::VecDeque;

use super::FIELD_OVERHEAD;

/// The static table (appendix A). The first index of the dynamic table is one past its end.
pub(super) const STATIC: [(&[u8], &[u8]); 61] = [
    (b":authority", b""),
    (b":method", b"GET"),
    (b":method", b"POST"),
    (b":path", b"/"),
    (b":path", b"/index.html"),
    (b":scheme", b"http"),
    (b":scheme", b"https"),
    (b":status", b"200"),
    (b":status", b"204"),
    (b":status", b"206"),
    (b":status", b"304"),
    (b":status", b"400"),
    (b":status", b"404"),
    (b":status", b"500"),
    (b"accept-charset", b""),
    (b"accept-encoding", b"gzip, deflate"),
    (b"accept-language", b""),
    (b"accept-ranges", b""),
    (b"accept", b""),
    (b"access-control-allow-origin", b""),
    (b"age", b""),
    (b"allow", b""),
    (b"authorization", b""),
    (b"cache-control", b""),
    (b"content-disposition", b""),
    (b"content-encoding", b""),
    (b"content-language", b""),
    (b"content-length", b""),
    (b"content-location", b""),
    (b"content-range", b""),
    (b"content-type", b""),
    (b"cookie", b""),
    (b"date", b""),
    (b"etag", b""),
    (b"expect", b""),
    (b"expires", b""),
    (b"from", b""),
    (b"host", b""),
    (b"if-match", b""),
    (b"if-modified-since", b""),
    (b"if-none-match", b""),
    (b"if-range", b""),
    (b"if-unmodified-since", b""),
    (b"last-modified", b""),
    (b"link", b""),
    (b"location", b""),
    (b"max-forwards", b""),
    (b"proxy-authenticate", b""),
    (b"proxy-authorization", b""),
    (b"range", b""),
    (b"referer", b""),
    (b"refresh", b""),
    (b"retry-after", b""),
    (b"server", b""),
    (b"set-cookie", b""),
    (b"strict-transport-security", b""),
    (b"transfer-encoding", b""),
    (b"user-agent", b""),
    (b"vary", b""),
    (b"via", b""),
    (b"www-authenticate", b""),
];

/// What one field costs in a table (§4.1).
pub(super) fn cost(name: &[u8], value: &[u8]) -> usize {
    name.len() + value.len() + FIELD_OVERHEAD
}

/// A dynamic table: the newest entry first, the oldest evicted first (§2.3.2, §4).
#[derive(Debug)]
pub(super) struct Table {
    /// Newest first.
    entries: VecDeque<Entry>,
    /// Names and values in the order in which they were inserted, those of evicted entries still in front.
    bytes: Vec<u8>,
    /// How many of `bytes` belong to evicted entries.
    n_dead: usize,
    size: usize,
    max_size: usize,
    generation: u64,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Where the name begins in `bytes`.
    start: usize,
    name: usize,
    value: usize,
}

impl Table {
    pub(super) fn new(max_size: usize) -> Self {
        Self {
            entries: VecDeque::new(),
            bytes: Vec::new(),
            n_dead: 0,
            size: 0,
            max_size,
            generation: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn size(&self) -> usize {
        self.size
    }

    pub(super) fn max_size(&self) -> usize {
        self.max_size
    }

    /// How often the table has changed.
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// Returns the name and the value of an entry; the newest is 0.
    pub(super) fn get(&self, nth: usize) -> Option<(&[u8], &[u8])> {
        let entry = self.entries.get(nth)?;
        let (name, rest) = self
            .bytes
            .get(entry.start..)?
            .split_at_checked(entry.name)?;
        Some((name, rest.get(..entry.value)?))
    }

    /// Inserts a field, for which others may have to go. One that is larger than the table empties it, and that is
    /// no error (§4.4).
    pub(super) fn insert(&mut self, name: &[u8], value: &[u8]) {
        let cost = cost(name, value);
        self.evict_down_to(self.max_size.saturating_sub(cost));
        if cost > self.max_size {
            return;
        }
        self.forget_dead();
        self.entries.push_front(Entry {
            start: self.bytes.len(),
            name: name.len(),
            value: value.len(),
        });
        self.bytes.extend_from_slice(name);
        self.bytes.extend_from_slice(value);
        self.size += cost;
        self.generation += 1;
    }

    /// Sets the maximum size, for which entries may have to go (§4.3).
    pub(super) fn resize(&mut self, max_size: usize) {
        if max_size != self.max_size {
            self.max_size = max_size;
            self.generation += 1;
        }
        self.evict_down_to(max_size);
    }

    fn evict_down_to(&mut self, size: usize) {
        while self.size > size
            && let Some(entry) = self.entries.pop_back()
        {
            let n_bytes = entry.name + entry.value;
            self.n_dead += n_bytes;
            self.size = self.size.saturating_sub(n_bytes + FIELD_OVERHEAD);
            self.generation += 1;
        }
    }

    /// Moves what is alive to the front once as much is dead, so that each octet is moved once on average.
    fn forget_dead(&mut self) {
        if self.n_dead == 0 || self.n_dead < self.bytes.len() / 2 {
            return;
        }
        self.bytes.drain(..self.n_dead);
        for entry in &mut self.entries {
            entry.start = entry.start.saturating_sub(self.n_dead);
        }
        self.n_dead = 0;
    }
}

/// How well the static table knows a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// An entry has its name and its value.
    Whole(usize),
    /// An entry has its name.
    Name(usize),
}

/// Looks for a field in the static table.
pub(super) fn look_up(name: &[u8], value: &[u8]) -> Option<Known> {
    let first = first_named(name)?;
    let nth = STATIC
        .iter()
        .skip(first - 1)
        .take_while(|entry| entry.0 == name)
        .position(|entry| entry.1 == value);
    Some(nth.map_or(Known::Name(first), |nth| Known::Whole(first + nth)))
}

/// Returns the index of the first entry of the static table with this name; those that share it are neighbours.
///
/// Written out, since the compiler makes a tree of it: one look at the length, and one at most octets.
fn first_named(name: &[u8]) -> Option<usize> {
    Some(match name {
        b":authority" => 1,
        b":method" => 2,
        b":path" => 4,
        b":scheme" => 6,
        b":status" => 8,
        b"accept-charset" => 15,
        b"accept-encoding" => 16,
        b"accept-language" => 17,
        b"accept-ranges" => 18,
        b"accept" => 19,
        b"access-control-allow-origin" => 20,
        b"age" => 21,
        b"allow" => 22,
        b"authorization" => 23,
        b"cache-control" => 24,
        b"content-disposition" => 25,
        b"content-encoding" => 26,
        b"content-language" => 27,
        b"content-length" => 28,
        b"content-location" => 29,
        b"content-range" => 30,
        b"content-type" => 31,
        b"cookie" => 32,
        b"date" => 33,
        b"etag" => 34,
        b"expect" => 35,
        b"expires" => 36,
        b"from" => 37,
        b"host" => 38,
        b"if-match" => 39,
        b"if-modified-since" => 40,
        b"if-none-match" => 41,
        b"if-range" => 42,
        b"if-unmodified-since" => 43,
        b"last-modified" => 44,
        b"link" => 45,
        b"location" => 46,
        b"max-forwards" => 47,
        b"proxy-authenticate" => 48,
        b"proxy-authorization" => 49,
        b"range" => 50,
        b"referer" => 51,
        b"refresh" => 52,
        b"retry-after" => 53,
        b"server" => 54,
        b"set-cookie" => 55,
        b"strict-transport-security" => 56,
        b"transfer-encoding" => 57,
        b"user-agent" => 58,
        b"vary" => 59,
        b"via" => 60,
        b"www-authenticate" => 61,
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
