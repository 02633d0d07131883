//! The header blocks of requests: each header is put into the dynamic table once per connection, as every gRPC
//! library does it, so that a later request is a handful of bytes.

use std::collections::{BTreeMap, VecDeque};

/// Index of the newest entry of the dynamic table (RFC 7541 §2.3.3).
const FIRST_DYNAMIC: usize = 62;

/// What an entry costs beside its name and value (RFC 7541 §4.1).
const ENTRY_BYTES: usize = 32;

/// The table that we count on; smaller ones are not used at all.
pub(super) const TABLE_BYTES: u32 = 4096;

/// The headers of one kind of call.
#[derive(Debug)]
pub(super) struct Headers {
    fields: Vec<(&'static str, String)>,
    timeout: Timeout,
}

/// How the deadline of a call is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timeout {
    /// The same for every call, as libraries write it that send what they were told (tonic).
    Same,
    /// What is left, to the microsecond, so that no two are alike (grpc-go, grpc-java).
    Left,
}

impl Headers {
    /// What a worker's library sends with each call to Temporal.
    pub(super) fn of(path: &str, namespace: &str, timeout: Timeout) -> Self {
        let mut fields = vec![
            (":method", "POST"),
            (":scheme", "http"),
            (":path", path),
            (":authority", "localhost"),
            ("te", "trailers"),
            ("content-type", "application/grpc"),
            ("user-agent", "tonic/0.14.2"),
            ("client-name", "temporal-rust"),
            ("client-version", "0.4.0"),
            ("temporal-namespace", namespace),
        ];
        if timeout == Timeout::Same {
            fields.push(("grpc-timeout", "70000000u"));
        }
        let fields = fields.into_iter();
        Self {
            fields: fields
                .map(|(name, value)| (name, value.to_owned()))
                .collect(),
            timeout,
        }
    }
}

/// Writes the blocks of one connection, as the library of Go writes them: every field enters the dynamic table, deadlines too,
/// and what has fallen out of it enters it again.
#[derive(Debug)]
pub(super) struct Encoder {
    /// Whether the server has a table for us.
    table: bool,
    /// What is in the table, newest first.
    entries: VecDeque<(&'static str, String)>,
    size: usize,
    /// How often something has entered the table.
    inserted: u32,
    /// Blocks by kind of call, and how much had entered the table when they were written.
    blocks: BTreeMap<usize, (u32, Vec<u8>)>,
    written: u32,
}

impl Encoder {
    pub(super) fn new() -> Self {
        Self {
            table: true,
            entries: VecDeque::new(),
            size: 0,
            inserted: 0,
            blocks: BTreeMap::new(),
            written: 0,
        }
    }

    /// Does without a table from the first block on.
    pub(super) fn without_table(&mut self) {
        self.table = false;
    }

    /// Writes the block of a call of the kind `which`.
    pub(super) fn encode(&mut self, which: usize, headers: &Headers, out: &mut Vec<u8>) {
        if !self.table && self.written == 0 {
            out.push(0x20);
        }
        self.written = self.written.wrapping_add(1);
        let fresh = self.inserted;
        match self.blocks.get(&which) {
            Some((entries, block)) if *entries == fresh => out.extend_from_slice(block),
            _older => {
                let mut block = Vec::new();
                for (name, value) in &headers.fields {
                    self.write(name, value, &mut block);
                }
                out.extend_from_slice(&block);
                // It holds literals that are entries now: the next one will be all indices.
                if self.inserted == fresh {
                    self.blocks.insert(which, (fresh, block));
                }
            }
        }
        if headers.timeout == Timeout::Left {
            let left = 69_999_999 - self.written % 9_999;
            self.write("grpc-timeout", &format!("{left}u"), out);
        }
    }

    fn write(&mut self, name: &'static str, value: &str, out: &mut Vec<u8>) {
        let place = |same: &dyn Fn(&(&str, String)) -> bool| {
            let nth = self.entries.iter().position(same)?;
            Some(FIRST_DYNAMIC + nth)
        };
        match (name, place(&|entry| *entry.0 == *name && entry.1 == value)) {
            (":method", _) => out.push(0x83),
            (":scheme", _) => out.push(0x86),
            (_, Some(place)) => put_integer(out, 0x80, 7, place),
            (_, None) => {
                let (flags, bits) = if self.table { (0x40, 6) } else { (0, 4) };
                if let Some(place) = place(&|entry| *entry.0 == *name) {
                    put_integer(out, flags, bits, place);
                } else {
                    out.push(flags);
                    put_text(out, name);
                }
                if !put_deadline(out, value) {
                    put_text(out, value);
                }
                if self.table {
                    self.insert(name, value);
                }
            }
        }
    }

    /// RFC 7541 §4.4.
    fn insert(&mut self, name: &'static str, value: &str) {
        let cost = |name: &str, value: &str| name.len() + value.len() + ENTRY_BYTES;
        let table = usize::try_from(TABLE_BYTES).unwrap_or(usize::MAX);
        self.size += cost(name, value);
        while self.size > table
            && let Some((name, value)) = self.entries.pop_back()
        {
            self.size -= cost(name, &value);
        }
        self.entries.push_front((name, value.to_owned()));
        self.inserted = self.inserted.wrapping_add(1);
    }
}

/// Writes a deadline in the Huffman code (RFC 7541 appendix B), as libraries do wherever that is shorter. Says `false`, and
/// writes nothing, if the text is none.
fn put_deadline(out: &mut Vec<u8>, text: &str) -> bool {
    let code = |byte: u8| -> Option<(u64, u32)> {
        Some(match byte {
            b'0'..=b'2' => (u64::from(byte - b'0'), 5),
            b'3'..=b'9' => (u64::from(byte - b'3') + 0b01_1001, 6),
            b'u' => (0b10_1101, 6),
            _ => return None,
        })
    };
    let Some(codes) = text.bytes().map(code).collect::<Option<Vec<_>>>() else {
        return false;
    };
    let n_bits: u32 = codes.iter().map(|(_, length)| length).sum();
    let joined = codes
        .iter()
        .fold(0, |bits, (code, length)| bits << length | code);
    // Filled up with ones.
    let filled = ((joined + 1) << (64 - n_bits)) - 1;
    let n_bytes = usize::try_from(n_bits.div_ceil(8)).unwrap_or(usize::MAX);
    put_integer(out, 0x80, 7, n_bytes);
    out.extend(filled.to_be_bytes().iter().take(n_bytes));
    true
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_integer(out, 0, 7, text.len());
    out.extend_from_slice(text.as_bytes());
}

/// RFC 7541 §5.1.
fn put_integer(out: &mut Vec<u8>, flags: u8, bits: u32, value: usize) {
    let prefix = (1_usize << bits) - 1;
    let byte = |value: usize| u8::try_from(value).unwrap_or(u8::MAX);
    if value < prefix {
        out.push(flags | byte(value));
        return;
    }
    out.push(flags | byte(prefix));
    let mut rest = value - prefix;
    while rest >= 0x80 {
        out.push(byte(rest & 0x7f) | 0x80);
        rest >>= 7;
    }
    out.push(byte(rest));
}

#[cfg(test)]
mod tests;
