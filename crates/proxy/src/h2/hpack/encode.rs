//! From header lists to header blocks (RFC 7541 §3).
//!
//! The encoder inserts until the table is full, and then never evicts. An entry keeps its place, so a list that was
//! encoded once is encoded alike as long as the connection lives, and a [`Memo`](super::Memo) of it stays true.

use super::{
    DEFAULT_TABLE_SIZE, Field, Indexing,
    hash::hash_of_field,
    huffman,
    integer::{self, HUFFMAN, INDEXED, INSERTED, LITERAL, NEVER_INDEXED, Prefix, RAW, TABLE_SIZE},
    list::Origin,
    name::{self, Policy},
    table::{self, STATIC, Table},
};

/// An entry takes at most this share of the table, so that no single field fills it.
const MAX_SHARE: usize = 4;

/// Writes the header blocks of one direction of a connection.
#[derive(Debug)]
pub struct Encoder {
    table: Table,
    /// The hash of each entry, oldest first: the table itself knows its entries only by place.
    hashes: Vec<u64>,
    /// How much of the peer's table we use, whatever it allows.
    bound: usize,
    resized: Resized,
    /// How often a block began with the size of the table.
    n_told: u64,
}

/// What the next block must say of the size of the table (§4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Resized {
    /// Nothing.
    No,
    /// The smallest size since the last block, and then the size of now.
    To { smallest: usize, now: usize },
}

impl Encoder {
    /// Makes an encoder that uses as much of its peer's table at most.
    ///
    /// It begins with the [`DEFAULT_TABLE_SIZE`] that every peer keeps, and need not say so if it uses less: what is never
    /// inserted is never evicted.
    pub fn new(max_table_size: usize) -> Self {
        Self {
            table: Table::new(DEFAULT_TABLE_SIZE),
            hashes: Vec::new(),
            bound: max_table_size,
            resized: Resized::No,
            n_told: 0,
        }
    }

    /// Takes the size that the peer allows (`SETTINGS_HEADER_TABLE_SIZE`). The next block tells it what becomes of it.
    pub fn set_max_table_size(&mut self, allowed: usize) {
        let now = allowed.min(self.bound);
        if now == self.table.max_size() {
            return;
        }
        self.table.resize(now);
        let n_evicted = self.hashes.len().saturating_sub(self.table.len());
        self.hashes.drain(..n_evicted);
        let smallest = match self.resized {
            Resized::No => now,
            Resized::To { smallest, .. } => smallest.min(now),
        };
        self.resized = Resized::To { smallest, now };
    }

    /// Returns a number that changes whenever the table does, and when its size is told: while it stays, the same list gives
    /// the same block.
    pub fn generation(&self) -> u64 {
        self.table.generation() + self.n_told
    }

    /// Appends the block of a header list to `out`.
    pub fn encode<'list>(
        &mut self,
        list: impl IntoIterator<Item = Field<'list>>,
        out: &mut Vec<u8>,
    ) {
        self.tell_table_size(out);
        for field in list {
            self.field(field, out);
        }
    }

    fn tell_table_size(&mut self, out: &mut Vec<u8>) {
        match self.resized {
            Resized::No => return,
            Resized::To { smallest, now } if smallest == now => {}
            Resized::To { smallest, .. } => integer::write(TABLE_SIZE, smallest, out),
        }
        integer::write(TABLE_SIZE, self.table.max_size(), out);
        self.resized = Resized::No;
        self.n_told += 1;
    }

    fn field(&mut self, field: Field<'_>, out: &mut Vec<u8>) {
        let (mut policy, name) = match self.known_place(field) {
            Some(index) if field.indexing == Indexing::Allowed => {
                return integer::write(INDEXED, index, out);
            }
            Some(_) | None => name::known(field.name),
        };
        if field.indexing == Indexing::Never {
            policy = Policy::Sensitive;
        }
        match policy {
            Policy::Sensitive => literal(NEVER_INDEXED, name, field, out),
            Policy::Volatile => literal(LITERAL, name, field, out),
            Policy::Usual => self.usual(name, field, out),
        }
    }

    /// Returns the index of a field, if it came from a table and ours know it too.
    fn known_place(&self, field: Field<'_>) -> Option<usize> {
        match field.origin {
            Origin::Static(index) => {
                (table::static_entry(index)? == (field.name, field.value)).then_some(index)
            }
            Origin::Dynamic(hash) => self.find(hash, field),
            Origin::Unknown => None,
        }
    }

    /// Writes a field that may be in a table, or enter it.
    fn usual(&mut self, name: usize, field: Field<'_>, out: &mut Vec<u8>) {
        let hash = hash_of_field(field.name, field.value);
        let index = table::find_static(name, field).or_else(|| self.find(hash, field));
        if let Some(index) = index {
            integer::write(INDEXED, index, out);
        } else if self.has_room(field) {
            self.table.insert(field.name, field.value);
            self.hashes.push(hash);
            literal(INSERTED, name, field, out);
        } else {
            literal(LITERAL, name, field, out);
        }
    }

    /// Returns the index of the entry that is this field.
    fn find(&self, hash: u64, field: Field<'_>) -> Option<usize> {
        let mut seen = 0;
        loop {
            // All but always the first with this hash is the one.
            let unseen = self.hashes.get(seen..)?;
            let nth = seen + unseen.iter().position(|found| *found == hash)?;
            // The table counts from the newest.
            let from_newest = self.hashes.len() - 1 - nth;
            if self.table.get(from_newest)? == field {
                return Some(STATIC.len() + 1 + from_newest);
            }
            seen = nth + 1;
        }
    }

    /// Returns whether a field may enter the table: nothing must go for it, and it takes no more than its share.
    fn has_room(&self, field: Field<'_>) -> bool {
        let usable = self.table.max_size().min(self.bound);
        let cost = table::cost(field.name, field.value);
        cost <= usable / MAX_SHARE && self.table.size() + cost <= usable
    }
}

/// Appends a literal, its name by an index of the static table unless that is 0.
fn literal(prefix: Prefix, name: usize, field: Field<'_>, out: &mut Vec<u8>) {
    integer::write(prefix, name, out);
    if name == 0 {
        string(field.name, out);
    }
    string(field.value, out);
}

/// Appends a string, in Huffman code where that is shorter.
fn string(text: &[u8], out: &mut Vec<u8>) {
    let coded_length = huffman::encoded_length(text);
    if coded_length < text.len() {
        integer::write(HUFFMAN, coded_length, out);
        huffman::encode(text, out);
    } else {
        integer::write(RAW, text.len(), out);
        out.extend_from_slice(text);
    }
}

#[cfg(test)]
mod tests;
