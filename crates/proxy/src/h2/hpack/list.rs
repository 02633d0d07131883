//! A header list in one flat buffer, so that a list costs no allocation once its buffer has grown.

use std::fmt;

use super::FIELD_OVERHEAD;

/// One field of a header list.
///
/// `Debug` shows the name and no value: values may be credentials.
#[derive(Clone, Copy)]
pub struct Field<'list> {
    /// The name, in lower case where the peer keeps to HTTP/2.
    pub name: &'list [u8],
    /// The value.
    pub value: &'list [u8],
    /// Whether the field may enter a table.
    pub indexing: Indexing,
    pub(super) origin: Origin,
}

/// What a decoder knows of a field that saves an encoder from looking for it. A hint: the encoder compares.
#[derive(Clone, Copy, Debug)]
pub(super) enum Origin {
    /// Nothing: it was a literal, or not decoded at all.
    Unknown,
    /// It is the entry of the static table with this index.
    Static(usize),
    /// It came from a dynamic table, whose entries keep their hashes.
    Dynamic(u64),
}

/// Whether a field may enter a table. What a peer marked as never indexed must stay so on every further hop
/// (RFC 7541 §6.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Indexing {
    /// The encoder decides.
    Allowed,
    /// A literal on every hop: sensitive.
    Never,
}

/// A list of fields, in the order in which they came.
#[derive(Clone, Default)]
pub struct HeaderList {
    bytes: Vec<u8>,
    fields: Vec<Extent>,
}

/// The lengths of a field. Names and values follow each other in the buffer without gaps.
#[derive(Clone, Copy, Debug)]
struct Extent {
    name: usize,
    value: usize,
    indexing: Indexing,
    origin: Origin,
}

impl<'list> Field<'list> {
    /// Makes a field that may be indexed.
    pub const fn new(name: &'list [u8], value: &'list [u8]) -> Self {
        Self {
            name,
            value,
            indexing: Indexing::Allowed,
            origin: Origin::Unknown,
        }
    }

    /// Makes a field that no hop may index: a credential.
    pub const fn never_indexed(name: &'list [u8], value: &'list [u8]) -> Self {
        Self {
            indexing: Indexing::Never,
            ..Self::new(name, value)
        }
    }
}

impl HeaderList {
    /// Makes an empty list.
    pub const fn new() -> Self {
        Self {
            bytes: Vec::new(),
            fields: Vec::new(),
        }
    }

    /// Makes an empty list with room for as much as another has, and `n_bytes` more.
    pub fn with_room_of(other: &Self, n_bytes: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(other.bytes.len() + n_bytes),
            fields: Vec::with_capacity(other.fields.len() + 1),
        }
    }

    /// Forgets the fields and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.fields.clear();
    }

    /// Appends a field.
    pub fn push(&mut self, field: Field<'_>) {
        self.bytes.extend_from_slice(field.name);
        self.bytes.extend_from_slice(field.value);
        self.fields.push(Extent {
            name: field.name.len(),
            value: field.value.len(),
            indexing: field.indexing,
            origin: field.origin,
        });
    }

    /// Returns the number of fields.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Returns whether there is no field.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Returns the uncompressed size as `SETTINGS_MAX_HEADER_LIST_SIZE` counts it (RFC 9113 §6.5.2).
    pub fn size(&self) -> usize {
        self.bytes.len() + FIELD_OVERHEAD * self.fields.len()
    }

    /// Returns the fields in order.
    pub fn iter(&self) -> Fields<'_> {
        Fields {
            rest: &self.bytes,
            fields: self.fields.iter(),
        }
    }

    /// Returns the value of the first field with this name.
    pub fn get(&self, name: &[u8]) -> Option<&[u8]> {
        self.iter()
            .find(|field| field.name == name)
            .map(|field| field.value)
    }

    /// Writes what this list is, but for the value of one field, into `out`: lists that write the same octets are equal but
    /// for the values of their exceptions.
    pub fn write_likeness(&self, exception: Option<usize>, out: &mut Vec<u8>) {
        out.clear();
        let mut end = 0;
        let mut cut = None;
        for (nth, extent) in self.fields.iter().enumerate() {
            end += extent.name + extent.value;
            let (kind, value) = match extent.indexing {
                _ if exception == Some(nth) => {
                    cut = Some(end - extent.value..end);
                    (2, 0)
                }
                Indexing::Never => (1, extent.value),
                Indexing::Allowed => (0, extent.value),
            };
            out.extend_from_slice(&extent.name.to_le_bytes());
            out.extend_from_slice(&value.to_le_bytes());
            out.push(kind);
        }
        let cut = cut.unwrap_or(end..end);
        let (before, after) = (self.bytes.get(..cut.start), self.bytes.get(cut.end..));
        out.extend_from_slice(before.unwrap_or_default());
        out.extend_from_slice(after.unwrap_or_default());
    }

    /// The buffer, for a decoder that writes a name and then a value to its end and seals them with [`Self::seal`].
    pub(super) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Makes a field of what was written to the buffer since it was `start` long; its value begins at `value_start`.
    pub(super) fn seal(&mut self, start: usize, value_start: usize, indexing: Indexing) {
        self.fields.push(Extent {
            name: value_start.saturating_sub(start),
            value: self.bytes.len().saturating_sub(value_start),
            indexing,
            origin: Origin::Unknown,
        });
    }

    /// Returns the last field.
    pub(super) fn last(&self) -> Option<Field<'_>> {
        let extent = *self.fields.last()?;
        let start = self.bytes.len().checked_sub(extent.name + extent.value)?;
        let (name, value) = self.bytes.get(start..)?.split_at_checked(extent.name)?;
        Some(Field {
            name,
            value,
            indexing: extent.indexing,
            origin: extent.origin,
        })
    }

    /// Takes the last field away.
    pub(super) fn pop(&mut self) {
        if let Some(extent) = self.fields.pop() {
            let end = self.bytes.len().saturating_sub(extent.name + extent.value);
            self.bytes.truncate(end);
        }
    }
}

/// The fields of a list, in order.
#[derive(Clone)]
pub struct Fields<'list> {
    rest: &'list [u8],
    fields: std::slice::Iter<'list, Extent>,
}

impl<'list> Iterator for Fields<'list> {
    type Item = Field<'list>;

    fn next(&mut self) -> Option<Field<'list>> {
        let extent = self.fields.next()?;
        let (name, rest) = self.rest.split_at_checked(extent.name)?;
        let (value, rest) = rest.split_at_checked(extent.value)?;
        self.rest = rest;
        Some(Field {
            name,
            value,
            indexing: extent.indexing,
            origin: extent.origin,
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.fields.size_hint()
    }
}

impl ExactSizeIterator for Fields<'_> {}

impl<'list> IntoIterator for &'list HeaderList {
    type Item = Field<'list>;
    type IntoIter = Fields<'list>;

    fn into_iter(self) -> Fields<'list> {
        self.iter()
    }
}

impl<'list> Extend<Field<'list>> for HeaderList {
    fn extend<I: IntoIterator<Item = Field<'list>>>(&mut self, fields: I) {
        for field in fields {
            self.push(field);
        }
    }
}

impl<'list> FromIterator<Field<'list>> for HeaderList {
    fn from_iter<I: IntoIterator<Item = Field<'list>>>(fields: I) -> Self {
        let mut list = Self::new();
        list.extend(fields);
        list
    }
}

/// Where a field came from makes no difference.
impl PartialEq for Field<'_> {
    fn eq(&self, other: &Self) -> bool {
        (self.name, self.value, self.indexing) == (other.name, other.value, other.indexing)
    }
}

impl Eq for Field<'_> {}

impl PartialEq for HeaderList {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other)
    }
}

impl Eq for HeaderList {}

impl fmt::Debug for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.escape_ascii();
        write!(f, "{name}: {} octets", self.value.len())
    }
}

impl fmt::Debug for HeaderList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

impl fmt::Debug for Fields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}
