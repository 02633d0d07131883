//! A table whose keys stay true: a key of something that is gone finds nothing, even where its place is in use again.

/// Where something is in a [`Slots`], and which of those that were there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    index: u32,
    round: u32,
}

/// The table.
#[derive(Debug)]
pub(super) struct Slots<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
}

#[derive(Debug)]
struct Slot<T> {
    round: u32,
    value: Option<T>,
}

impl<T> Slots<T> {
    pub(super) fn new() -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
        }
    }

    pub(super) fn insert(&mut self, value: T) -> Key {
        if let Some(index) = self.free.pop()
            && let Some(slot) = place(&mut self.slots, index)
        {
            slot.value = Some(value);
            let round = slot.round;
            return Key { index, round };
        }
        // Connections and streams are bounded far below 2^32.
        let index = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
        self.slots.push(Slot {
            round: 0,
            value: Some(value),
        });
        Key { index, round: 0 }
    }

    #[inline]
    pub(super) fn get(&self, key: Key) -> Option<&T> {
        let slot = self.slots.get(usize::try_from(key.index).ok()?)?;
        slot.value.as_ref().filter(|_| slot.round == key.round)
    }

    #[inline]
    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        let slot = place(&mut self.slots, key.index)?;
        slot.value.as_mut().filter(|_| slot.round == key.round)
    }

    pub(super) fn remove(&mut self, key: Key) -> Option<T> {
        let slot = place(&mut self.slots, key.index)?;
        if slot.round != key.round {
            return None;
        }
        let value = slot.value.take()?;
        slot.round = slot.round.wrapping_add(1);
        self.free.push(key.index);
        Some(value)
    }

    /// Forgets what is there, without moving it.
    pub(super) fn discard(&mut self, key: Key) {
        if let Some(slot) = place(&mut self.slots, key.index)
            && slot.round == key.round
            && slot.value.is_some()
        {
            slot.value = None;
            slot.round = slot.round.wrapping_add(1);
            self.free.push(key.index);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    pub(super) fn keys(&self) -> Vec<Key> {
        (0..)
            .zip(&self.slots)
            .filter(|(_, slot)| slot.value.is_some())
            .map(|(index, slot)| Key {
                index,
                round: slot.round,
            })
            .collect()
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &T> {
        self.slots.iter().filter_map(|slot| slot.value.as_ref())
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.slots.iter_mut().filter_map(|slot| slot.value.as_mut())
    }
}

#[inline]
fn place<T>(slots: &mut [Slot<T>], index: u32) -> Option<&mut Slot<T>> {
    slots.get_mut(usize::try_from(index).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_what_is_gone_finds_nothing() {
        let mut slots = Slots::new();
        let first = slots.insert("first");
        let second = slots.insert("second");
        assert_eq!(slots.remove(first), Some("first"));
        let third = slots.insert("third");
        assert_eq!((third.index, slots.len()), (first.index, 2));
        assert_eq!(slots.get(first), None);
        assert_eq!(slots.get_mut(first), None);
        assert_eq!(slots.remove(first), None);
        assert_eq!(slots.get(third), Some(&"third"));
        assert_eq!(slots.keys(), [third, second]);
    }
}
