//! The static and the dynamic table (RFC 7541 §2.3).

use std::collections::VecDeque;

use super::{FIELD_OVERHEAD, Field, Indexing, hash::hash_of_field, list::Origin};

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

/// Returns an entry of the static table.
pub(super) fn static_entry(index: usize) -> Option<(&'static [u8], &'static [u8])> {
    STATIC.get(index.checked_sub(1)?).copied()
}

/// Returns the index of the entry of the static table that is this field, among those of its name, the first of which is
/// `first`, or 0 if there is none.
pub(super) fn find_static(first: usize, field: Field<'_>) -> Option<usize> {
    let nth = STATIC
        .iter()
        .skip(first.checked_sub(1)?)
        .take_while(|entry| entry.0 == field.name)
        .position(|entry| entry.1 == field.value)?;
    Some(first + nth)
}

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
    hash: u64,
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

    /// Returns an entry; the newest is 0.
    pub(super) fn get(&self, nth: usize) -> Option<Field<'_>> {
        let entry = self.entries.get(nth)?;
        let (name, rest) = self
            .bytes
            .get(entry.start..)?
            .split_at_checked(entry.name)?;
        Some(Field {
            name,
            value: rest.get(..entry.value)?,
            indexing: Indexing::Allowed,
            origin: Origin::Dynamic(entry.hash),
        })
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
            hash: hash_of_field(name, value),
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

#[cfg(test)]
mod tests;
