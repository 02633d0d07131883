//! The scenes: what happens, and when.

use std::time::Duration;

use super::fronts::Kind;
use crate::pki::Leaf;

/// What is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Scene {
    /// The identity is swapped, then the old CA is taken away.
    Rotation,
    /// The new identity is of a CA that the server does not accept.
    Rejected,
    /// The new identity is over.
    Expired,
    /// The key is written one second before its chain.
    Torn,
    /// The server says goodbye in one phase.
    Goaway,
    /// The server refuses streams.
    Refused,
    /// The server cuts connections.
    Cut,
    /// The server stops reading and writing on a connection.
    Halfopen,
    /// The server accepts TLS on every second connection and never speaks.
    Mute,
    /// The wall clock jumps to and fro around a swap.
    Clock,
    /// The server is 40 ms away, and ages connections; and beside it, one that does not.
    Wan,
}

/// What is done at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// A leaf is put where targets look, and they are told in their own best way.
    Swap(Leaf),
    /// Only the key is written, in place.
    WriteKeyOnly(Leaf),
    /// The chain of that key is written, in place, and they are told.
    WriteChain(Leaf),
    /// The wall clock is set wrong by so many seconds.
    Jump(i64),
    /// They are told, although nothing is whole.
    Reload,
    /// The server accepts the new CA only.
    DropOldCa,
}

const HOUR: i64 = 3600;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

impl Scene {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Rotation,
        Self::Rejected,
        Self::Expired,
        Self::Torn,
        Self::Goaway,
        Self::Refused,
        Self::Cut,
        Self::Halfopen,
        Self::Mute,
        Self::Clock,
        Self::Wan,
    ];

    /// In front of whom it is played.
    pub(super) fn fronts(self) -> Vec<Kind> {
        match self {
            Self::Rotation => vec![Kind::Envoy, Kind::Go],
            Self::Rejected | Self::Expired | Self::Torn | Self::Clock => vec![Kind::Go],
            Self::Wan => vec![Kind::Ageless, Kind::Far],
            Self::Goaway | Self::Refused | Self::Cut | Self::Halfopen | Self::Mute => {
                vec![Kind::Bench]
            }
        }
    }

    /// How the server misbehaves.
    pub(super) fn vices(self) -> &'static [&'static str] {
        match self {
            Self::Rotation
            | Self::Rejected
            | Self::Expired
            | Self::Torn
            | Self::Clock
            | Self::Wan => &[],
            Self::Goaway => &["--goaway-after=200"],
            Self::Refused => &["--refuse-each=50"],
            Self::Cut => &["--cut-after=300"],
            Self::Halfopen => &["--freeze-after=300"],
            Self::Mute => &["--mute-each-second", "--goaway-after=200"],
        }
    }

    /// What is done, and when. Connections live 6 s: each deed is seen by connections old and new.
    pub(super) fn deeds(self) -> Vec<(Duration, Deed)> {
        match self {
            Self::Rotation => vec![
                (seconds(7), Deed::Swap(Leaf::New)),
                (seconds(18), Deed::DropOldCa),
            ],
            Self::Rejected => vec![(seconds(3), Deed::Swap(Leaf::Rogue))],
            Self::Expired => vec![(seconds(3), Deed::Swap(Leaf::Expired))],
            Self::Torn => vec![
                (seconds(3), Deed::WriteKeyOnly(Leaf::New)),
                (seconds(3), Deed::Reload),
                (seconds(4), Deed::WriteChain(Leaf::New)),
            ],
            // Within the validity of everything; what measures time must not notice.
            Self::Clock => vec![
                (seconds(3), Deed::Jump(HOUR)),
                (seconds(5), Deed::Swap(Leaf::New)),
                (seconds(10), Deed::Jump(-HOUR)),
            ],
            Self::Goaway | Self::Refused | Self::Cut | Self::Halfopen | Self::Mute | Self::Wan => {
                Vec::new()
            }
        }
    }

    /// How long callers call.
    pub(super) fn duration(self) -> Duration {
        match self {
            Self::Rotation => seconds(26),
            Self::Rejected | Self::Expired | Self::Torn | Self::Clock => seconds(16),
            Self::Goaway | Self::Refused | Self::Cut | Self::Mute => seconds(10),
            // Whoever asks whether the other end lives needs some time to give up on it.
            Self::Halfopen => seconds(20),
            // Four ages of a connection.
            Self::Wan => seconds(42),
        }
    }

    /// Before the first deed, after it, or after the last of several.
    pub(super) fn phase(self, at: Duration) -> usize {
        let deeds = self.deeds().into_iter().filter(|(due, _)| *due <= at);
        deeds.count().min(2)
    }
}
