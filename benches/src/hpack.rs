//! Reading header blocks (RFC 7541), as far as a caller needs it who wants to know `:status` and `grpc-status`.
//!
//! The instrument does not use the codec of the proxy it measures: one mistake in both would be seen by nobody.

mod huffman;
mod names;

use std::collections::{BTreeMap, VecDeque};

use self::names::STATIC;

/// The dynamic table's size unless settings say otherwise (RFC 9113 §6.5.2).
const TABLE_BYTES: usize = 4096;

/// What an entry costs beside its text (RFC 7541 §4.1).
const ENTRY_BYTES: usize = 32;

/// How many blocks are remembered while the table stands still; a server's answers are one or two blocks.
const REMEMBERED: usize = 16;

/// What a caller wants to know of a header block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fields {
    /// `:status`, in the first block of an answer.
    pub status: Option<u16>,
    /// `grpc-status`, in the last.
    pub grpc_status: Option<u32>,
}

/// A block that cannot be read; the connection's tables are lost with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot read a header block (RFC 7541)")]
pub struct BlockError;

/// Reads the blocks of one connection in their order.
#[derive(Debug)]
pub struct Decoder {
    /// Newest first.
    table: VecDeque<(Vec<u8>, Vec<u8>)>,
    size: usize,
    max_size: usize,
    /// What blocks meant that changed nothing, since the table changed last.
    seen: BTreeMap<Vec<u8>, Fields>,
}

impl Default for Decoder {
    fn default() -> Self {
        Self {
            table: VecDeque::new(),
            size: 0,
            max_size: TABLE_BYTES,
            seen: BTreeMap::new(),
        }
    }
}

impl Decoder {
    /// Reads one block.
    pub fn decode(&mut self, block: &[u8]) -> Result<Fields, BlockError> {
        if let Some(fields) = self.seen.get(block) {
            return Ok(*fields);
        }
        let mut fields = Fields::default();
        let mut changed = false;
        let mut rest = block;
        while let Some(&first) = rest.first() {
            changed |= self.field(first, &mut rest, &mut fields)?;
        }
        if changed {
            self.seen.clear();
        } else if self.seen.len() < REMEMBERED {
            self.seen.insert(block.to_vec(), fields);
        }
        Ok(fields)
    }

    /// Reads one representation (RFC 7541 §6); answers whether the table changed.
    fn field(
        &mut self,
        first: u8,
        rest: &mut &[u8],
        fields: &mut Fields,
    ) -> Result<bool, BlockError> {
        if first & 0x80 != 0 {
            let index = integer(rest, 7)?;
            let (name, value) = self.entry(index)?;
            note(name, value, fields);
            return Ok(false);
        }
        if first & 0xe0 == 0x20 {
            self.max_size = integer(rest, 5)?.min(TABLE_BYTES);
            self.evict();
            return Ok(true);
        }
        let insert = first & 0x40 != 0;
        let index = integer(rest, if insert { 6 } else { 4 })?;
        let name = match index {
            0 => text(rest)?,
            index => self.entry(index)?.0.to_vec(),
        };
        let value = text(rest)?;
        note(&name, &value, fields);
        if insert {
            self.size += name.len() + value.len() + ENTRY_BYTES;
            self.table.push_front((name, value));
            self.evict();
        }
        Ok(insert)
    }

    fn entry(&self, index: usize) -> Result<(&[u8], &[u8]), BlockError> {
        let index = index.checked_sub(1).ok_or(BlockError)?;
        if let Some((name, value)) = STATIC.get(index) {
            return Ok((name.as_bytes(), value.as_bytes()));
        }
        let dynamic = self.table.get(index - STATIC.len()).ok_or(BlockError)?;
        Ok((&dynamic.0, &dynamic.1))
    }

    fn evict(&mut self) {
        while self.size > self.max_size {
            let Some((name, value)) = self.table.pop_back() else {
                break;
            };
            self.size -= name.len() + value.len() + ENTRY_BYTES;
        }
    }
}

fn note(name: &[u8], value: &[u8], fields: &mut Fields) {
    let number = || std::str::from_utf8(value).ok()?.parse::<u32>().ok();
    match name {
        b":status" => fields.status = number().and_then(|number| u16::try_from(number).ok()),
        b"grpc-status" => fields.grpc_status = number(),
        _other => {}
    }
}

/// An integer with a prefix of `bits` (RFC 7541 §5.1). Nothing in a header block needs more than 28 bits.
fn integer(rest: &mut &[u8], bits: u32) -> Result<usize, BlockError> {
    let (&first, mut bytes) = rest.split_first().ok_or(BlockError)?;
    let prefix = (1_usize << bits) - 1;
    let mut value = usize::from(first) & prefix;
    if value == prefix {
        let mut shift = 0;
        loop {
            let (&byte, more) = bytes.split_first().ok_or(BlockError)?;
            bytes = more;
            value += usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
            if shift > 21 {
                return Err(BlockError);
            }
        }
    }
    *rest = bytes;
    Ok(value)
}

/// A string literal (RFC 7541 §5.2).
fn text(rest: &mut &[u8]) -> Result<Vec<u8>, BlockError> {
    let coded = rest.first().is_some_and(|first| first & 0x80 != 0);
    let length = integer(rest, 7)?;
    let (text, more) = rest.split_at_checked(length).ok_or(BlockError)?;
    *rest = more;
    if coded {
        huffman::decode(text).ok_or(BlockError)
    } else {
        Ok(text.to_vec())
    }
}

#[cfg(test)]
mod tests;
