//! The calls on a connection's streams.
//!
//! Every frame asks for one, and every call comes and goes here twice; so this is a table of its own. Stream numbers rise by
//! two (RFC 9113 §5.1.1); multiplied by the golden ratio they fall apart evenly, whether they follow each other or long polls
//! have outlived thousands of others. Whoever chooses numbers that collide makes a lookup compare with as many streams as it
//! has open, of which there is a bound.

use super::slots::Key;

/// The table: linear probing, never more than half full.
#[derive(Debug, Default)]
pub(super) struct Streams {
    /// A power of two, or none before the first stream. Stream 0 is the connection itself, and means a free place.
    places: Vec<(u32, Key)>,
    len: usize,
}

/// How many places there are at least.
const PLACES: usize = 16;
/// 2^32 divided by the golden ratio (Knuth, The Art of Computer Programming, volume 3, §6.4).
const GOLDEN: u32 = 0x9e37_79b9;

impl Streams {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    #[inline]
    pub(super) fn get(&self, stream: u32) -> Option<Key> {
        let found = self.places.get(self.find(stream)?)?;
        (found.0 == stream && stream != 0).then_some(found.1)
    }

    /// Puts a call on a stream that carries none.
    pub(super) fn insert(&mut self, stream: u32, call: Key) {
        if self.places.len() < 2 * (self.len + 1) {
            self.resize((2 * self.places.len()).max(PLACES));
        }
        if let Some(index) = self.find(stream)
            && let Some(place) = self.places.get_mut(index)
        {
            self.len += usize::from(place.0 == 0);
            *place = (stream, call);
        }
    }

    /// Takes the call off a stream, if there is one.
    pub(super) fn remove(&mut self, stream: u32) {
        let Some(mut hole) = self.find(stream) else {
            return;
        };
        if self.places.get(hole).is_none_or(|place| place.0 == 0) {
            return;
        }
        self.len -= 1;
        // Whoever was pushed out of the place that is free now moves up, so that a lookup may stop at the first free place.
        let mut index = hole;
        loop {
            index = (index + 1) & self.mask();
            let Some(&next) = self.places.get(index).filter(|next| next.0 != 0) else {
                break;
            };
            let from_home = index.wrapping_sub(self.home(next.0)) & self.mask();
            let from_hole = index.wrapping_sub(hole) & self.mask();
            if from_home >= from_hole {
                self.set(hole, next);
                hole = index;
            }
        }
        if let Some(place) = self.places.get_mut(hole) {
            place.0 = 0;
        }
    }

    /// Returns the calls on streams above this one, in the order of their streams.
    pub(super) fn above(&self, last: u32) -> Vec<Key> {
        let above = self.places.iter().filter(|(stream, _)| *stream > last);
        let mut above: Vec<_> = above.copied().collect();
        above.sort_unstable_by_key(|(stream, _)| *stream);
        above.into_iter().map(|(_, call)| call).collect()
    }

    /// Returns all calls, in the order of their streams.
    pub(super) fn calls(&self) -> Vec<Key> {
        self.above(0)
    }

    /// Gives back memory that is not in use.
    pub(super) fn shrink(&mut self) {
        let enough = match self.len {
            0 => 0,
            len => (2 * len).next_power_of_two().max(PLACES),
        };
        if enough < self.places.len() {
            self.resize(enough);
        }
    }

    /// Returns where a stream is, or the free place where it would be; none if the table has no places.
    #[inline]
    fn find(&self, stream: u32) -> Option<usize> {
        let mut index = self.home(stream);
        loop {
            let found = self.places.get(index)?.0;
            if found == stream || found == 0 {
                return Some(index);
            }
            index = (index + 1) & self.mask();
        }
    }

    #[inline]
    fn home(&self, stream: u32) -> usize {
        let scattered = stream.wrapping_mul(GOLDEN) >> 8;
        usize::try_from(scattered).unwrap_or(usize::MAX) & self.mask()
    }

    #[inline]
    fn mask(&self) -> usize {
        self.places.len().wrapping_sub(1)
    }

    fn set(&mut self, index: usize, value: (u32, Key)) {
        if let Some(place) = self.places.get_mut(index) {
            *place = value;
        }
    }

    fn resize(&mut self, n_places: usize) {
        let places = vec![(0, Key::default()); n_places];
        let before = std::mem::replace(&mut self.places, places);
        for (stream, call) in before {
            if stream != 0
                && let Some(index) = self.find(stream)
            {
                self.set(index, (stream, call));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

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
