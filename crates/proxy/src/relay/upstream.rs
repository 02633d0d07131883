//! One upstream: the servers that take its calls, and the calls that wait for one. No call ever changes its upstream.

use std::collections::VecDeque;

use super::{Relay, ServerId, UpstreamId, server::Server, slots::Key};

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

impl Relay {
    /// Returns how many calls a connection to the server carries.
    pub fn n_calls(&self, ServerId(key): ServerId) -> usize {
        let server = self.servers.get(key);
        server.map_or(0, |server| server.wire.streams.len())
    }

    /// Returns whether a call that came now would be given to a server of this upstream. On shutdown no new ones are to come.
    pub fn is_ready(&self, UpstreamId(nth): UpstreamId) -> bool {
        let upstream = self.upstreams.get(nth);
        !self.is_shutting_down && upstream.is_some_and(|upstream| !upstream.live.is_empty())
    }

    /// Returns whether an upstream has servers in use and none of them has room.
    pub fn is_crowded(&self, UpstreamId(nth): UpstreamId) -> bool {
        let is_full = |key: &Key| self.servers.get(*key).is_none_or(Server::is_full);
        let upstream = self.upstreams.get(nth);
        upstream.is_some_and(|u| !u.live.is_empty() && u.live.iter().all(is_full))
    }

    /// Returns whether an upstream would have half of its streams left on one connection fewer, even if each of them carried as
    /// many calls again as the busiest has ever done.
    pub fn has_one_to_spare(&self, UpstreamId(nth): UpstreamId) -> bool {
        let Some(upstream) = self.upstreams.get(nth) else {
            return false;
        };
        let live = upstream.live.iter();
        let live: Vec<&Server> = live.filter_map(|key| self.servers.get(*key)).collect();
        let most_calls = live.iter().map(|server| server.most_calls()).max();
        let fewest = live.iter().map(|server| server.wire.peer.max_streams).min();
        let (Some(most_calls), Some(limit), 2..) = (most_calls, fewest, live.len()) else {
            return false;
        };
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let left = (live.len() - 1).saturating_mul(limit);
        live.len().saturating_mul(2).saturating_mul(most_calls) <= left
    }

    /// Returns whether a server owes a sign of life, so that its connection should not be the only one.
    pub fn is_doubted(&self, ServerId(key): ServerId) -> bool {
        self.servers.get(key).is_some_and(|s| s.pulse.is_doubted())
    }

    /// Takes note of why there is no connection to an upstream; calls that wait in vain are told.
    pub fn note_trouble(&mut self, UpstreamId(nth): UpstreamId, why: &str) {
        if let Some(upstream) = self.upstreams.get_mut(nth) {
            upstream.trouble = Some(why.to_owned());
        }
    }
}
