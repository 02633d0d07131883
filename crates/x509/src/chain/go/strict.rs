//! Reading DER as strictly as Go does (`cryptobyte`), and no more strictly: tags below 31, lengths of the fewest octets and
//! of four at most, integers and object identifiers without a needless octet.

use crate::der::tag;

/// The largest number that may stand before seven more bits of an arc: Go keeps arcs below 2^31.
const MAX_ARC_BEFORE_SHIFT: u32 = 1 << (31 - 7);

/// An element is there and cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// What is left to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Returns what is left.
    pub(super) fn bytes(self) -> &'a [u8] {
        self.0
    }

    pub(super) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether an element with this tag begins here.
    pub(super) fn is_next(self, tag: u8) -> bool {
        self.0.first() == Some(&tag)
    }

    /// Takes an element of any tag.
    pub(super) fn any(&mut self) -> Option<(u8, Self)> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        if tag & 0x1f == 0x1f {
            return None;
        }
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81..=0x84 => {
                let (octets, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                let shortest = !matches!(octets, [0, ..] | [0..=0x7f]);
                let length = octets
                    .iter()
                    .fold(0, |length, octet| (length << 8) | usize::from(*octet));
                (shortest.then_some(length)?, rest)
            }
            0x80 | 0x85.. => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, Self(content)))
    }

    /// Takes an element that must have this tag.
    pub(super) fn read(&mut self, tag: u8) -> Option<Self> {
        let (found, content) = self.any()?;
        (found == tag).then_some(content)
    }

    /// Takes an element if it has this tag.
    pub(super) fn optional(&mut self, tag: u8) -> Result<Option<Self>, Malformed> {
        if self.is_next(tag) {
            self.read(tag).map(Some).ok_or(Malformed)
        } else {
            Ok(None)
        }
    }

    pub(super) fn boolean(&mut self) -> Option<bool> {
        match self.read(tag::BOOLEAN)?.0 {
            [0] => Some(false),
            [0xff] => Some(true),
            [..] => None,
        }
    }

    /// Takes an integer: its octets, of which there is none too many.
    pub(super) fn integer(&mut self) -> Option<&'a [u8]> {
        self.integer_with(tag::INTEGER)
    }

    /// Takes an integer that has another tag in this place.
    pub(super) fn integer_with(&mut self, tag: u8) -> Option<&'a [u8]> {
        let octets = self.read(tag)?.0;
        let malformed = matches!(octets, [] | [0, 0..=0x7f, ..] | [0xff, 0x80..=0xff, ..]);
        (!malformed).then_some(octets)
    }

    /// Takes an object identifier whose arcs Go can hold.
    pub(super) fn oid(&mut self) -> Option<&'a [u8]> {
        let octets = self.read(tag::OID)?.0;
        let (mut arc, mut begins) = (0_u32, true);
        for octet in octets {
            if (begins && *octet == 0x80) || arc >= MAX_ARC_BEFORE_SHIFT {
                return None;
            }
            arc = (arc << 7) | u32::from(octet & 0x7f);
            begins = octet & 0x80 == 0;
            if begins {
                arc = 0;
            }
        }
        (begins && !octets.is_empty()).then_some(octets)
    }

    /// Takes a bit string whose unused bits are clear, and returns its octets.
    pub(super) fn bits(&mut self) -> Option<&'a [u8]> {
        let (&unused, octets) = self.read(tag::BIT_STRING)?.0.split_first()?;
        let last = octets.last().copied().unwrap_or(0);
        let fits = unused <= 7 && (unused == 0 || !octets.is_empty());
        let clear = last.trailing_zeros() >= u32::from(unused);
        (fits && clear).then_some(octets)
    }
}
