//! The calls on a connection's streams.
//!
//! Every frame asks for one, and every call comes and goes here twice; so this is a table of its own. Stream numbers rise by
//! two (RFC 9113 §5.1.1), so each has its own place, and those that follow each other lie beside each other. Where a long poll
//! that has outlived thousands of others is in the place, one of the next few is taken; and a stream for which none of them is
//! free is put aside, in a map. Whoever chooses numbers that collide fills that map, of whose size there is a bound.

use std::{collections::BTreeMap, ops::Range};

use super::slots::Key;

/// The table, of which half stays free.
#[derive(Debug, Default)]
pub(super) struct Streams {
    /// As many as a power of two, and [`REACH`] more; or none before the first stream.
    places: Vec<(u32, Key)>,
    /// One less than the power of two.
    mask: usize,
    /// Streams that found no place.
    aside: BTreeMap<u32, Key>,
    len: usize,
}

/// How many places there are at least.
const PLACES: usize = 16;
/// How far from its own place a stream may be.
const REACH: usize = 3;
/// What is in a free place: no stream has this number, for they have 31 bits.
const FREE: u32 = u32::MAX;

impl Streams {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    #[inline]
    pub(super) fn get(&self, stream: u32) -> Option<Key> {
        let near = self.places.get(self.near(stream))?;
        match near.iter().find(|place| place.0 == stream) {
            Some(place) => Some(place.1),
            None if self.aside.is_empty() => None,
            None => self.aside.get(&stream).copied(),
        }
    }

    /// Puts a call on a stream that carries none.
    pub(super) fn insert(&mut self, stream: u32, call: Key) {
        self.len += 1;
        if self.places.len() < 2 * self.len {
            self.resize(enough(self.len));
        }
        self.put(stream, call);
    }

    /// Takes the call off a stream, if there is one.
    pub(super) fn remove(&mut self, stream: u32) {
        if let Some(place) = self.find(stream, stream) {
            place.0 = FREE;
            self.len -= 1;
        } else if self.aside.remove(&stream).is_some() {
            self.len -= 1;
        }
    }

    /// Returns the calls on streams above this one, in the order of their streams.
    pub(super) fn above(&self, last: u32) -> Vec<Key> {
        let mut above: Vec<_> = self.all().filter(|(stream, _)| *stream > last).collect();
        above.sort_unstable_by_key(|(stream, _)| *stream);
        above.into_iter().map(|(_, call)| call).collect()
    }

    /// Returns all calls, in the order of their streams.
    pub(super) fn calls(&self) -> Vec<Key> {
        self.above(0)
    }

    /// Gives back memory that is not in use.
    pub(super) fn shrink(&mut self) {
        if self.len == 0 {
            *self = Self::default();
        } else if enough(self.len) + REACH < self.places.len() {
            self.resize(enough(self.len));
        }
    }

    /// Returns the places in which a stream may be, its own first.
    #[inline]
    fn near(&self, stream: u32) -> Range<usize> {
        let nth = usize::try_from(stream / 2).unwrap_or(usize::MAX);
        let own = nth & self.mask;
        own..own.saturating_add(REACH + 1)
    }

    /// Returns the place near a stream's own in which this is.
    #[inline]
    fn find(&mut self, stream: u32, sought: u32) -> Option<&mut (u32, Key)> {
        let near = self.near(stream);
        let mut near = self.places.get_mut(near)?.iter_mut();
        near.find(|place| place.0 == sought)
    }

    #[inline]
    fn put(&mut self, stream: u32, call: Key) {
        match self.find(stream, FREE) {
            Some(place) => *place = (stream, call),
            None => {
                self.aside.insert(stream, call);
            }
        }
    }

    fn all(&self) -> impl Iterator<Item = (u32, Key)> {
        let placed = self.places.iter().filter(|place| place.0 != FREE);
        let aside = self.aside.iter().map(|(stream, call)| (*stream, *call));
        placed.copied().chain(aside)
    }

    fn resize(&mut self, n_places: usize) {
        let all: Vec<_> = self.all().collect();
        self.aside.clear();
        self.places = vec![(FREE, Key::default()); n_places + REACH];
        self.mask = n_places - 1;
        for (stream, call) in all {
            self.put(stream, call);
        }
    }
}

/// Returns how many places leave half of them free.
fn enough(n_streams: usize) -> usize {
    (2 * n_streams).next_power_of_two().max(PLACES)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Act {
        Insert(u32),
        Remove(u32),
        Shrink,
    }

    fn act() -> impl Strategy<Value = Act> {
        // Few numbers, and some that fall into the same place in tables of any size that is reached here.
        let stream = prop_oneof![0..40_u32, (0..8_u32).prop_map(|n| n << 16)];
        let stream = stream.prop_map(|n| 2 * n + 1);
        prop_oneof![
            4 => stream.clone().prop_map(Act::Insert),
            3 => stream.prop_map(Act::Remove),
            1 => Just(Act::Shrink),
        ]
    }

    proptest! {
        #[test]
        fn it_is_a_map(acts in prop::collection::vec(act(), 0..200)) {
            let (mut streams, mut oracle) = (Streams::default(), BTreeMap::new());
            let mut slots = crate::relay::slots::Slots::new();
            for act in acts {
                match act {
                    Act::Insert(stream) if oracle.contains_key(&stream) => {}
                    Act::Insert(stream) => {
                        let key = slots.insert(());
                        streams.insert(stream, key);
                        oracle.insert(stream, key);
                    }
                    Act::Remove(stream) => {
                        streams.remove(stream);
                        oracle.remove(&stream);
                    }
                    Act::Shrink => streams.shrink(),
                }
                prop_assert_eq!(streams.len(), oracle.len());
                prop_assert_eq!(streams.is_empty(), oracle.is_empty());
                let calls: Vec<Key> = oracle.values().copied().collect();
                prop_assert_eq!(streams.calls(), calls);
                for stream in (0..90).chain([1 << 17 | 1, 3 << 17 | 1]) {
                    prop_assert_eq!(streams.get(stream), oracle.get(&stream).copied());
                }
                let above: Vec<Key> = oracle.range(21..).map(|(_, key)| *key).collect();
                prop_assert_eq!(streams.above(20), above);
            }
        }
    }
}
