//! The loads: what callers do, and for how long.

use std::time::Duration;

/// A pattern of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
#[value(rename_all = "verbatim")]
pub enum Load {
    /// Small calls, 4 connections with 25 under way, as fast as they are answered.
    S,
    /// The same with a different deadline in each call, as grpc-go and grpc-java write them.
    Sg,
    /// Small calls, 100 connections with 10 under way.
    Sw,
    /// Small calls, one at a time, across two cores.
    S1,
    /// Small calls, one at a time, with everything on one core: what a call costs when nothing is batched.
    S1one,
    /// Small calls, 8 at once on one connection.
    S8,
    /// Requests and replies of 4 KiB, 4 connections with 25 under way.
    M,
    /// Requests and replies of 128 KiB, 4 connections with 8 under way.
    L128,
    /// Requests and replies of 1 MiB, 4 connections with 4 under way.
    L,
    /// 2,000 calls a second at random instants.
    R2000,
    /// 8,000 calls a second at random instants.
    R8000,
    /// A new connection for each call, 4 at once.
    C,
    /// Nothing, after one call.
    Idle,
    /// 100 connections with 10 long polls each.
    P1000,
    /// 100 connections with 100 long polls each.
    P10000,
    /// From the start of the process to the first answered call.
    Start,
    /// Many identities in a row under load; only for `newleaf`, since nobody else tells when one is adopted.
    Reloads,
}

/// How a load is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// With these arguments of the callers, beside every other target.
    Traffic(&'static [&'static str]),
    /// A connection for each call.
    Churn,
    /// On a process of its own.
    Idle,
    /// On a process of its own.
    Polls { each: u32 },
    /// On a process of its own.
    Start,
    /// On a process of its own.
    Reloads,
}

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    pub(super) rounds: u32,
    pub(super) duration: Duration,
    /// How many processes are started to see how long it takes.
    pub(super) starts: u32,
    pub(super) reloads: u32,
    loads: &'static [Load],
}

const EVERY: &[Load] = &[
    Load::S,
    Load::Sg,
    Load::Sw,
    Load::S1,
    Load::S1one,
    Load::S8,
    Load::M,
    Load::L128,
    Load::L,
    Load::R2000,
    Load::R8000,
    Load::C,
    Load::Idle,
    Load::P1000,
    Load::P10000,
    Load::Start,
    Load::Reloads,
];

const DECISIVE: &[Load] = &[
    Load::S,
    Load::Sw,
    Load::S1one,
    Load::S8,
    Load::M,
    Load::L,
    Load::R2000,
    Load::Idle,
    Load::P1000,
    Load::Reloads,
];

impl Extent {
    /// A look, in a few minutes.
    pub(super) const QUICK: Self = Self {
        rounds: 3,
        duration: Duration::from_secs(1),
        starts: 3,
        reloads: 200,
        loads: DECISIVE,
    };

    /// The figures that are published.
    pub(super) const FULL: Self = Self {
        rounds: 5,
        duration: Duration::from_secs(3),
        starts: 5,
        reloads: 1000,
        loads: EVERY,
    };

    /// What was asked for, else what belongs to this extent.
    pub(super) fn loads(&self, asked: &[Load]) -> Vec<Load> {
        if asked.is_empty() {
            self.loads.to_vec()
        } else {
            asked.to_vec()
        }
    }
}

impl Load {
    /// How it is made.
    pub(super) fn kind(self) -> Kind {
        match self {
            Self::S => Kind::Traffic(&["--connections=4", "--streams=25"]),
            Self::Sg => Kind::Traffic(&["--connections=4", "--streams=25", "--own-deadlines"]),
            Self::Sw => Kind::Traffic(&["--connections=100", "--streams=10"]),
            Self::S1 | Self::S1one => Kind::Traffic(&["--connections=1", "--streams=1"]),
            Self::S8 => Kind::Traffic(&["--connections=1", "--streams=8"]),
            Self::M => Kind::Traffic(&[
                "--connections=4",
                "--streams=25",
                "--request=4096",
                "--reply=4096",
            ]),
            Self::L128 => Kind::Traffic(&[
                "--connections=4",
                "--streams=8",
                "--request=131072",
                "--reply=131072",
            ]),
            Self::L => Kind::Traffic(&[
                "--connections=4",
                "--streams=4",
                "--request=1048576",
                "--reply=1048576",
            ]),
            Self::R2000 => Kind::Traffic(&["--connections=8", "--rate=2000"]),
            Self::R8000 => Kind::Traffic(&["--connections=8", "--rate=8000"]),
            Self::C => Kind::Churn,
            Self::Idle => Kind::Idle,
            Self::P1000 => Kind::Polls { each: 10 },
            Self::P10000 => Kind::Polls { each: 100 },
            Self::Start => Kind::Start,
            Self::Reloads => Kind::Reloads,
        }
    }

    /// Whether callers and server share the target's core.
    pub(super) fn is_on_one_core(self) -> bool {
        self == Self::S1one
    }
}
