//! HPACK (RFC 7541): header lists as HTTP/2 carries them.
//!
//! A [`Decoder`] and an [`Encoder`] each keep the table of one direction of one connection. They are made for a
//! relay: lists are flat and reused, nothing is allocated for a field, and both say by their `generation` whether
//! anything that the next block depends on has changed. While it has not, the same block in gives the same block
//! out, and a [`Memo`] answers in place of both.

mod decode;
mod encode;
mod hash;
mod huffman;
mod integer;
mod list;
mod memo;
mod name;
mod table;

pub use decode::{Corruption, DecodeError, Decoder, Limits};
pub use encode::Encoder;
pub use list::{Field, Fields, HeaderList, Indexing};
pub use memo::{Memo, Recalled, Version, Versions};

/// The size of a dynamic table until SETTINGS say otherwise (RFC 9113 §6.5.2).
pub const DEFAULT_TABLE_SIZE: usize = 4096;

/// What a field costs beyond its own octets, in tables and in lists (RFC 7541 §4.1, RFC 9113 §6.5.2).
const FIELD_OVERHEAD: usize = 32;

#[cfg(test)]
mod tests;
