//! One upstream: the servers that take its calls, and the calls that wait for one. No call ever changes its upstream.

use std::collections::VecDeque;

use super::slots::Key;

/// An upstream.
#[derive(Debug)]
pub(super) struct Upstream {
    /// What every request to it names as `:authority`.
    pub(super) authority: String,
    /// The servers in use.
    pub(super) live: Vec<Key>,
    /// Calls that wait for a server, in the order in which they came.
    pub(super) waiting: VecDeque<Key>,
    /// Why the last attempt to connect failed, if nothing connected since.
    pub(super) trouble: Option<String>,
}

impl Upstream {
    pub(super) fn new(authority: String) -> Self {
        Self {
            authority,
            live: Vec::new(),
            waiting: VecDeque::new(),
            trouble: None,
        }
    }
}
