//! From header blocks to header lists (RFC 7541 §3).

use super::{
    FIELD_OVERHEAD, Field, HeaderList, Indexing, huffman,
    integer::{HUFFMAN, INDEXED, INSERTED, LITERAL, NEVER_INDEXED, Prefix, Reader, TABLE_SIZE},
    list::Origin,
    table::{STATIC, Table},
};

/// Reads the header blocks of one direction of a connection.
#[derive(Debug)]
pub struct Decoder {
    table: Table,
    /// What the peer may make of its table, at most: our setting, once acknowledged.
    allowed: usize,
}

/// How much a header list may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The uncompressed size: names, values, and 32 octets for each field (RFC 9113 §6.5.2).
    pub size: usize,
    /// The number of fields.
    pub fields: usize,
}

/// Why a header block gave no header list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The list is larger than it may be. The table has followed the whole block, so the connection can live on and
    /// only this stream must end.
    #[error(
        "the header list has {size} octets in {fields} fields, expected at most {} octets in {} fields",
        limits.size,
        limits.fields
    )]
    Oversized {
        /// The uncompressed size of the whole list.
        size: usize,
        /// The number of fields of the whole list.
        fields: usize,
        /// What was allowed.
        limits: Limits,
    },
    /// The block is corrupt. The table has lost step with the peer's, so the connection must end with
    /// `COMPRESSION_ERROR` (RFC 9113 §4.3).
    #[error("the header block cannot be decoded")]
    Corrupt(#[from] Corruption),
}

/// What is wrong with a header block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Corruption {
    /// RFC 7541 §5: a representation goes on past the end of the block.
    #[error("the block ends within a field")]
    Truncated,
    /// RFC 7541 §5.1: an integer is above 2³² - 1, or written longer than that needs.
    #[error("an integer is too large")]
    IntegerTooLarge,
    /// RFC 7541 §6.1: index 0 is not used.
    #[error("a field has index 0")]
    IndexZero,
    /// RFC 7541 §2.3.3: an index beyond both tables.
    #[error("a field has index {index}, expected at most {last}")]
    IndexUnknown {
        /// The index.
        index: usize,
        /// The last one that means something.
        last: usize,
    },
    /// RFC 7541 §6.3: the peer wants a larger table than we allow.
    #[error("the table is to have {size} octets, expected at most {allowed}")]
    TableTooLarge {
        /// What the peer wants.
        size: usize,
        /// What we allow.
        allowed: usize,
    },
    /// RFC 7541 §4.2: the size of the table changes only before the first field of a block.
    #[error("the size of the table changes after a field")]
    TableSizeLate,
    /// RFC 9113 §4.3.1: after we have allowed less, the next block must begin with a size that keeps to it.
    #[error("the table has {size} octets and was not made smaller, expected at most {allowed}")]
    TableSizeMissing {
        /// The size it still has.
        size: usize,
        /// What we allow.
        allowed: usize,
    },
    /// RFC 7541 §5.2: a string holds the code that stands for its end.
    #[error("a string holds the end-of-string symbol")]
    EndOfString,
    /// RFC 7541 §5.2: a string is filled up with more than seven bits, or not with ones.
    #[error("a string is not filled up with at most seven ones")]
    Padding,
}

/// A list that is being decoded, and what the whole block would come to.
struct Intake<'list> {
    list: &'list mut HeaderList,
    limits: Limits,
    size: usize,
    fields: usize,
}

impl Decoder {
    /// Makes a decoder whose peer may use as much of a table: what we announced, or
    /// [`DEFAULT_TABLE_SIZE`](super::DEFAULT_TABLE_SIZE).
    pub fn new(max_table_size: usize) -> Self {
        Self {
            table: Table::new(max_table_size),
            allowed: max_table_size,
        }
    }

    /// Allows another size, from the next block on. To be called when the peer has acknowledged our SETTINGS.
    ///
    /// A peer that is allowed less must say that it obeys; one that is allowed more may go on as before.
    pub fn set_max_table_size(&mut self, max_table_size: usize) {
        self.allowed = max_table_size;
    }

    /// Returns a number that changes whenever the table does: while it stays, the same block means the same list.
    pub fn generation(&self) -> u64 {
        self.table.generation()
    }

    /// Returns the size of the table, for tests that know what it must be.
    #[cfg(test)]
    pub(super) fn table_size(&self) -> usize {
        self.table.size()
    }

    /// Decodes a whole block, all its frames put together, into `list`.
    ///
    /// The limits are held while decoding: the fields that fit are in `list` afterwards, the others were never copied
    /// there. After a corrupt block it is empty. The time is proportional to the block and to the limits, whatever the
    /// block says.
    pub fn decode(
        &mut self,
        block: &[u8],
        limits: Limits,
        list: &mut HeaderList,
    ) -> Result<(), DecodeError> {
        list.clear();
        let mut intake = Intake {
            list,
            limits,
            size: 0,
            fields: 0,
        };
        match self.fields(&mut Reader::new(block), &mut intake) {
            Ok(()) => intake.outcome(),
            Err(corruption) => {
                // It may end in half a field.
                list.clear();
                Err(corruption.into())
            }
        }
    }

    fn fields(
        &mut self,
        reader: &mut Reader<'_>,
        intake: &mut Intake<'_>,
    ) -> Result<(), Corruption> {
        self.follow_table_size(reader)?;
        while let Some(first) = reader.peek() {
            match first {
                0b1000_0000..=0b1111_1111 => {
                    let index = reader.integer(INDEXED.mask)?;
                    intake.indexed(self.entry(index)?);
                }
                0b0100_0000..=0b0111_1111 => self.inserted(reader, intake)?,
                0b0010_0000..=0b0011_1111 => return Err(Corruption::TableSizeLate),
                0b0001_0000..=0b0001_1111 => {
                    self.literal(NEVER_INDEXED, reader, intake)?;
                    intake.judge_last();
                }
                0b0000_0000..=0b0000_1111 => {
                    self.literal(LITERAL, reader, intake)?;
                    intake.judge_last();
                }
            }
        }
        Ok(())
    }

    /// Follows the sizes that the peer gives its table before the first field.
    fn follow_table_size(&mut self, reader: &mut Reader<'_>) -> Result<(), Corruption> {
        while reader
            .peek()
            .is_some_and(|first| first & !TABLE_SIZE.mask == TABLE_SIZE.tag)
        {
            let size = reader.integer(TABLE_SIZE.mask)?;
            if size > self.allowed {
                return Err(Corruption::TableTooLarge {
                    size,
                    allowed: self.allowed,
                });
            }
            self.table.resize(size);
        }
        if self.table.max_size() > self.allowed {
            return Err(Corruption::TableSizeMissing {
                size: self.table.max_size(),
                allowed: self.allowed,
            });
        }
        Ok(())
    }

    /// Decodes a literal that enters the table, whether or not it has a place in the list.
    fn inserted(
        &mut self,
        reader: &mut Reader<'_>,
        intake: &mut Intake<'_>,
    ) -> Result<(), Corruption> {
        self.literal(INSERTED, reader, intake)?;
        if let Some(field) = intake.list.last() {
            self.table.insert(field.name, field.value);
        }
        intake.judge_last();
        Ok(())
    }

    /// Decodes a literal to the end of the list.
    fn literal(
        &self,
        prefix: Prefix,
        reader: &mut Reader<'_>,
        intake: &mut Intake<'_>,
    ) -> Result<(), Corruption> {
        let buffer = intake.list.buffer();
        let start = buffer.len();
        match reader.integer(prefix.mask)? {
            0 => string(reader, buffer)?,
            index => buffer.extend_from_slice(self.entry(index)?.name),
        }
        let value_start = buffer.len();
        string(reader, buffer)?;
        let indexing = if prefix == NEVER_INDEXED {
            Indexing::Never
        } else {
            Indexing::Allowed
        };
        intake.list.seal(start, value_start, indexing);
        Ok(())
    }

    /// Returns what an index stands for, in both tables.
    fn entry(&self, index: usize) -> Result<Field<'_>, Corruption> {
        let nth = index.checked_sub(1).ok_or(Corruption::IndexZero)?;
        match nth.checked_sub(STATIC.len()) {
            None => STATIC.get(nth).map(|(name, value)| Field {
                origin: Origin::Static(index),
                ..Field::new(name, value)
            }),
            Some(nth) => self.table.get(nth),
        }
        .ok_or(Corruption::IndexUnknown {
            index,
            last: STATIC.len() + self.table.len(),
        })
    }
}

impl Intake<'_> {
    /// Takes a field from a table. It is copied only if it fits: one octet of a block can stand for thousands.
    fn indexed(&mut self, field: Field<'_>) {
        self.count(field.name.len() + field.value.len());
        if self.fits() {
            self.list.push(field);
        }
    }

    /// Leaves the literal that was decoded last in the list only if it fits.
    fn judge_last(&mut self) {
        if let Some(field) = self.list.last() {
            self.count(field.name.len() + field.value.len());
        }
        if !self.fits() {
            self.list.pop();
        }
    }

    fn count(&mut self, n_octets: usize) {
        self.size = self.size.saturating_add(n_octets + FIELD_OVERHEAD);
        self.fields += 1;
    }

    fn fits(&self) -> bool {
        self.size <= self.limits.size && self.fields <= self.limits.fields
    }

    fn outcome(&self) -> Result<(), DecodeError> {
        if self.fits() {
            return Ok(());
        }
        Err(DecodeError::Oversized {
            size: self.size,
            fields: self.fields,
            limits: self.limits,
        })
    }
}

/// Decodes a string to the end of `out`.
fn string(reader: &mut Reader<'_>, out: &mut Vec<u8>) -> Result<(), Corruption> {
    let coded = reader.peek().is_some_and(|first| first & HUFFMAN.tag != 0);
    let length = reader.integer(HUFFMAN.mask)?;
    let text = reader.take(length)?;
    if coded {
        return huffman::decode(text, out);
    }
    out.extend_from_slice(text);
    Ok(())
}

#[cfg(test)]
mod tests;
