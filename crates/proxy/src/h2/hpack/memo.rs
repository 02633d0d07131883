//! Remembers what blocks were translated to, so that most calls decode and encode nothing.
//!
//! The header lists of workers repeat: after a few calls on a connection the same blocks come again and again, and the
//! tables of both sides stand still. In a prototype this was worth a factor of 2.8 in CPU time per small call.
//!
//! One memo serves all connections of a thread. It is a set-associative table, as in a processor's cache: a hash
//! chooses a set, a set has four ways, and what comes in pushes the oldest of the set out. Entries whose tables have
//! moved on are never found again, and go the same way.
//!
//! Before it hashes, a lookup looks where a block of this length between these connections was found the last time: most calls
//! are like the one before, and to compare a block, which is done anyway, is all that it then takes.

use std::{cell::Cell, fmt};

use zeroize::Zeroize as _;

use super::hash;

/// How many sets there are; with four ways, 1,024 translations: a thread serves some dozens of connections, and a worker
/// has about ten different header lists.
const SETS: usize = 256;
/// A lookup compares with this many entries at most, even where someone makes hashes collide.
const WAYS: usize = 4;
/// A block and its translation together; the longest that repeat hold an API key of 1 to 2 KiB.
const ENTRY_BYTES: usize = 8 * 1024;
/// How many connections and lengths are told apart where a lookup looks first.
const HINTS: usize = 1024;
/// All blocks and translations together: room for 1,024 of the usual 100 octets many times over.
const TOTAL_BYTES: usize = 1024 * 1024;

/// Translations of blocks, each with a note of what the translator learned from the list.
pub struct Memo<T> {
    sets: Vec<[Option<Entry<T>>; WAYS]>,
    /// For connections and lengths, the way that was found the last time, counted through all sets.
    hints: Vec<Cell<u16>>,
    n_bytes: usize,
    /// The set that must give way next when [`TOTAL_BYTES`] are reached.
    hand: usize,
}

/// The state of the two tables between which a block is translated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Versions {
    /// Where the block comes from.
    pub decoder: Version,
    /// Where the translation goes.
    pub encoder: Version,
}

/// The state of one table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// A number that no other connection has, nor had, in this process.
    pub connection: u64,
    /// What [`Decoder::generation`](super::Decoder::generation) or
    /// [`Encoder::generation`](super::Encoder::generation) says.
    pub generation: u64,
}

impl Version {
    fn hash(self) -> u64 {
        hash::mix(self.connection.rotate_left(32), self.generation)
    }
}

/// No table: no connection has number 0.
const NONE: Version = Version {
    connection: 0,
    generation: 0,
};

impl Versions {
    /// The state of one table, where what is remembered of a block is its meaning alone.
    pub fn alone(decoder: Version) -> Self {
        Self {
            decoder,
            encoder: NONE,
        }
    }

    /// The state of one table, where a list is translated that no table was needed to read.
    pub fn of_list(encoder: Version) -> Self {
        Self {
            decoder: NONE,
            encoder,
        }
    }
}

/// What was remembered of a block.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Recalled<'memo, T> {
    /// What it was translated to.
    pub translation: &'memo [u8],
    /// What the translator learned from it.
    pub note: &'memo T,
}

struct Entry<T> {
    versions: Versions,
    /// The block, then its translation.
    bytes: Box<[u8]>,
    block_length: usize,
    note: T,
}

impl<T> Memo<T> {
    /// Makes an empty memo.
    pub fn new() -> Self {
        Self {
            sets: std::iter::repeat_with(|| [const { None }; WAYS])
                .take(SETS)
                .collect(),
            hints: vec![Cell::new(0); HINTS],
            n_bytes: 0,
            hand: 0,
        }
    }

    /// Returns what `block` was translated to while both tables were as they are now.
    pub fn get(&self, versions: Versions, block: &[u8]) -> Option<Recalled<'_, T>> {
        let ways = self.sets.as_flattened();
        let hint = self.hints.get(hint_of(versions, block))?;
        let foreseen = ways.get(usize::from(hint.get()))?.as_ref();
        if let Some(entry) = foreseen.filter(|entry| entry.is_of(versions, block)) {
            return entry.recalled();
        }
        let first = set_of(hash_of(versions, block)) * WAYS;
        let mut found = (first..first + WAYS).zip(ways.get(first..)?);
        found.find_map(|(place, way)| {
            let entry = way.as_ref().filter(|entry| entry.is_of(versions, block))?;
            hint.set(u16::try_from(place).ok()?);
            entry.recalled()
        })
    }

    /// Returns all notes.
    pub fn notes(&self) -> impl Iterator<Item = &T> {
        let entries = self.sets.as_flattened().iter().flatten();
        entries.map(|entry| &entry.note)
    }

    /// Replaces the note of a block that is remembered, and returns the one that was there.
    pub fn note(&mut self, versions: Versions, block: &[u8], note: T) -> Option<T> {
        let set = self.sets.get_mut(set_of(hash_of(versions, block)))?;
        let mut entries = set.iter_mut().flatten();
        let entry = entries.find(|entry| entry.is_of(versions, block))?;
        Some(std::mem::replace(&mut entry.note, note))
    }

    /// Remembers a translation that left both tables at `versions`, where they also were before.
    ///
    /// Whoever translated a block by changing a table must not remember it: done again, it would not be the same.
    pub fn put(&mut self, versions: Versions, block: &[u8], translation: &[u8], note: T) {
        let n_bytes = block.len() + translation.len();
        if n_bytes > ENTRY_BYTES {
            return;
        }
        while self.n_bytes + n_bytes > TOTAL_BYTES {
            self.clear_next_set();
        }
        let Some(set) = self.sets.get_mut(set_of(hash_of(versions, block))) else {
            return;
        };
        set.rotate_right(1);
        if let Some(first) = set.first_mut() {
            let entry = Entry {
                versions,
                bytes: [block, translation].concat().into(),
                block_length: block.len(),
                note,
            };
            let oldest = first.replace(entry);
            self.n_bytes += n_bytes;
            self.n_bytes -= oldest.map_or(0, |entry| entry.bytes.len());
        }
    }

    /// Forgets what was translated for a connection, and wipes it: it may hold our credentials.
    pub fn forget(&mut self, connection: u64) {
        self.forget_where(|versions| versions.encoder.connection == connection);
    }

    /// Forgets everything, likewise.
    pub fn clear(&mut self) {
        self.forget_where(|_versions| true);
    }

    fn forget_where(&mut self, is_meant: impl Fn(&Versions) -> bool) {
        for way in self.sets.iter_mut().flatten() {
            let entry = way.take_if(|entry| is_meant(&entry.versions));
            if let Some(mut entry) = entry {
                self.n_bytes -= entry.bytes.len();
                entry.bytes.zeroize();
            }
        }
    }

    fn clear_next_set(&mut self) {
        if let Some(set) = self.sets.get_mut(self.hand) {
            for way in set {
                let entry = way.take();
                self.n_bytes -= entry.map_or(0, |entry| entry.bytes.len());
            }
        }
        self.hand = (self.hand + 1) % SETS;
    }
}

impl<T> Entry<T> {
    fn is_of(&self, versions: Versions, block: &[u8]) -> bool {
        self.versions == versions && self.bytes.get(..self.block_length) == Some(block)
    }

    fn recalled(&self) -> Option<Recalled<'_, T>> {
        Some(Recalled {
            translation: self.bytes.get(self.block_length..)?,
            note: &self.note,
        })
    }
}

impl<T> Default for Memo<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// Shows how full it is and nothing of what it holds: header blocks may hold credentials.
impl<T> fmt::Debug for Memo<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memo")
            .field("n_bytes", &self.n_bytes)
            .finish_non_exhaustive()
    }
}

impl<T: fmt::Debug> fmt::Debug for Recalled<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recalled")
            .field("note", self.note)
            .finish_non_exhaustive()
    }
}

fn hash_of(versions: Versions, block: &[u8]) -> u64 {
    let Versions { decoder, encoder } = versions;
    // Side by side, since each turn of the hash waits for the one before.
    let seed = decoder.hash() ^ encoder.hash().rotate_left(32);
    hash::hash(seed ^ (seed >> 32), block)
}

/// Returns where the hint is for blocks like this.
fn hint_of(versions: Versions, block: &[u8]) -> usize {
    let Versions { decoder, encoder } = versions;
    let connections = decoder.connection.rotate_left(32) ^ encoder.connection;
    let length = u64::try_from(block.len()).unwrap_or(u64::MAX);
    let [.., low, high] = hash::mix(connections, length).to_le_bytes();
    usize::from(u16::from_le_bytes([low, high])) % HINTS
}

fn set_of(hash: u64) -> usize {
    let [low, ..] = hash.to_le_bytes();
    usize::from(low)
}

#[cfg(test)]
mod tests;
