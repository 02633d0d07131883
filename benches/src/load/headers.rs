//! The header blocks of requests: each header is put into the dynamic table once per connection, as every gRPC
//! library does it, so that a later request is a handful of bytes.

use std::collections::BTreeMap;

/// Index of the newest entry of the dynamic table (RFC 7541 §2.3.3).
const FIRST_DYNAMIC: usize = 62;

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

/// Writes the blocks of one connection.
#[derive(Debug)]
pub(super) struct Encoder {
    /// Whether the server has a table for us.
    table: bool,
    /// What is in the table, and as which entry it was put there.
    places: BTreeMap<(&'static str, String), usize>,
    /// Blocks by kind of call, and how many entries the table had when they were written.
    blocks: BTreeMap<usize, (usize, Vec<u8>)>,
    written: u32,
}

impl Encoder {
    pub(super) fn new() -> Self {
        Self {
            table: true,
            places: BTreeMap::new(),
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
        let fresh = self.places.len();
        match self.blocks.get(&which) {
            Some((entries, block)) if *entries == fresh => out.extend_from_slice(block),
            _older => {
                let block = self.write(headers);
                out.extend_from_slice(&block);
                // It holds literals that are entries now: the next one will be all indices.
                if self.places.len() == fresh {
                    self.blocks.insert(which, (fresh, block));
                }
            }
        }
        if headers.timeout == Timeout::Left {
            let left = 69_999_999 - self.written % 9_999;
            out.push(0);
            put_text(out, "grpc-timeout");
            put_text(out, &format!("{left}u"));
        }
    }

    fn write(&mut self, headers: &Headers) -> Vec<u8> {
        let mut block = Vec::new();
        for (name, value) in &headers.fields {
            match (*name, self.places.get(&(*name, value.clone()))) {
                (":method", _) => block.push(0x83),
                (":scheme", _) => block.push(0x86),
                (_, Some(place)) => {
                    let age = self.places.len() - 1 - place;
                    put_integer(&mut block, 0x80, 7, FIRST_DYNAMIC + age);
                }
                (_, None) if self.table => {
                    block.push(0x40);
                    put_text(&mut block, name);
                    put_text(&mut block, value);
                    let place = self.places.len();
                    self.places.insert((name, value.clone()), place);
                }
                (_, None) => {
                    block.push(0);
                    put_text(&mut block, name);
                    put_text(&mut block, value);
                }
            }
        }
        block
    }
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
