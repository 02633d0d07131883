//! Flow control: what may be sent, and what may be received (RFC 9113 §5.2, §6.9).

use super::{breach::Breach, frame::MAX_STREAM};

/// The window with which every connection, and every stream before SETTINGS, begins (RFC 9113 §6.9.2).
pub const DEFAULT_WINDOW: u32 = 65_535;

/// A window is not moved by less than this part of it: frames would become small.
const LEAST: u32 = 64;

/// What we may still send. It may fall below zero when the peer makes its initial window smaller (§6.9.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendWindow(i64);

/// What the peer may still send us, and what we owe it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiveWindow {
    size: u32,
    left: u32,
    owed: u32,
}

impl SendWindow {
    /// A window of this size.
    pub fn new(size: u32) -> Self {
        Self(i64::from(size))
    }

    /// Returns how many bytes may be sent now.
    #[inline]
    pub fn room(self) -> usize {
        usize::try_from(self.0).unwrap_or(0)
    }

    /// Notes that bytes were sent, which [`Self::room`] allowed.
    #[inline]
    pub fn take(&mut self, n_bytes: usize) {
        self.0 -= i64::try_from(n_bytes).unwrap_or(i64::MAX);
    }

    /// Moves the window by what the peer gave, which is never nothing (§6.9).
    pub fn grow(&mut self, increment: u32) -> Result<(), Breach> {
        if increment == 0 {
            return Err(Breach::EmptyWindowUpdate);
        }
        self.shift(i64::from(increment))
    }

    /// Moves the window by the difference between two initial windows (§6.9.2).
    pub fn shift(&mut self, difference: i64) -> Result<(), Breach> {
        let moved = self.0.saturating_add(difference);
        if moved > i64::from(MAX_STREAM) {
            return Err(Breach::WindowOverflow);
        }
        self.0 = moved;
        Ok(())
    }
}

impl ReceiveWindow {
    /// A window of this size, which is kept open as far as what is received is passed on.
    pub fn new(size: u32) -> Self {
        Self {
            size,
            left: size,
            owed: 0,
        }
    }

    /// Returns whether the peer has no more left than would be worth a frame.
    pub fn is_used_up(&self) -> bool {
        self.left < self.size / LEAST
    }

    /// Notes that bytes came.
    #[inline]
    pub fn receive(&mut self, cost: u32) -> Result<(), Breach> {
        self.left = self.left.checked_sub(cost).ok_or(Breach::WindowExceeded)?;
        Ok(())
    }

    /// Notes that bytes are not held here any more. Returns by how much the peer's window is to be moved, if it is worth
    /// a frame: once that is as much as the peer has left. Where nothing is held here, that is half of the window; what is
    /// held does not keep the rest from moving, unless it is nearly all of it.
    #[inline]
    pub fn release(&mut self, cost: u32) -> Option<u32> {
        self.owed = self.owed.saturating_add(cost);
        if self.owed < self.size / LEAST || self.owed < self.left {
            return None;
        }
        self.left = self.left.saturating_add(self.owed);
        Some(std::mem::take(&mut self.owed))
    }
}

#[cfg(test)]
mod tests;
