//! What a simulation plays: who is there, and what goes wrong.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::fault::{Fault, FaultKind};
use crate::{
    id::{Generation, HolderId, RotationId, TrustDomainId, TrustPointId},
    phase::Phase,
    spec::{Kind, Spec, Timing},
};

/// One simulated rotation.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What is wanted.
    pub spec: Spec,
    /// How each holder takes up a new leaf, in the order of the waves.
    pub holders: Vec<HolderKind>,
    /// Trust points that only a person can change, as indices.
    pub manual: BTreeSet<usize>,
    /// What goes wrong.
    pub faults: Vec<Fault>,
}

/// How a holder takes up a new leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HolderKind {
    /// At once, as behind a proxy.
    Hot,
    /// At its next connection.
    Reloading,
    /// When it is restarted.
    Restarting,
}

/// A small generator (`SplitMix64`, public domain): schedules are drawn from it, never keys.
#[derive(Clone, Debug)]
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound.max(1)).unwrap_or(1);
        usize::try_from(self.next() % bound).unwrap_or(0)
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

impl Scenario {
    /// Makes a scenario without faults.
    pub fn calm(kind: Kind, n_points: usize, holders: &[HolderKind]) -> Self {
        let name = |i: usize| HolderId::new(format!("worker-{i}"));
        let spec = Spec {
            rotation: RotationId::new("r-1"),
            domain: TrustDomainId::new("payments"),
            kind,
            trust_points: (0..n_points)
                .map(|i| TrustPointId::new(format!("ns-{i}")))
                .collect(),
            waves: (0..holders.len()).map(|i| vec![name(i)]).collect(),
            watched: (0..holders.len()).map(name).collect(),
            timing: timing(),
            approvals: BTreeSet::new(),
        };
        Self {
            spec,
            holders: holders.to_vec(),
            manual: BTreeSet::new(),
            faults: Vec::new(),
        }
    }

    /// Draws a scenario: the same seed always draws the same one.
    pub fn random(seed: u64) -> Self {
        let mut draw = Draw(seed);
        let kind = if draw.one_in(5) {
            Kind::LeafRenewal {
                generation: Generation(1),
            }
        } else {
            Kind::CaRollover {
                old: Generation(1),
                new: Generation(2),
            }
        };
        let kinds = [
            HolderKind::Hot,
            HolderKind::Reloading,
            HolderKind::Restarting,
        ];
        let holders: Vec<HolderKind> = (0..=draw.below(4))
            .map(|_| {
                kinds
                    .get(draw.below(kinds.len()))
                    .copied()
                    .unwrap_or(HolderKind::Hot)
            })
            .collect();
        let mut scenario = Self::calm(kind, 1 + draw.below(3), &holders);
        if draw.one_in(3) {
            // Two waves instead of one for each holder.
            let all: Vec<HolderId> = scenario.spec.waves.concat();
            let (first, second) = all.split_at(all.len().div_ceil(2));
            scenario.spec.waves = [first, second]
                .into_iter()
                .filter(|wave| !wave.is_empty())
                .map(<[HolderId]>::to_vec)
                .collect();
        }
        if draw.one_in(4) {
            scenario.manual.insert(0);
        }
        if draw.one_in(3) {
            scenario
                .spec
                .approvals
                .extend([Phase::Trusted, Phase::Distrusted]);
        }
        match draw.below(6) {
            0 => scenario.spec.watched.clear(),
            1 => drop(scenario.spec.watched.pop_first()),
            _ => {}
        }
        scenario.faults = (0..draw.below(8)).map(|_| fault(&mut draw)).collect();
        scenario
    }

    /// Returns whether some fault may leave what only a person can mend.
    pub fn has_outside_interference(&self) -> bool {
        self.faults
            .iter()
            .any(|fault| fault.kind.is_outside_interference())
    }
}

fn fault(draw: &mut Draw) -> Fault {
    let kinds = FaultKind::ALL;
    let kind = kinds
        .get(draw.below(kinds.len()))
        .copied()
        .unwrap_or(FaultKind::CrashBefore);
    // A calm rollover makes some dozens of calls; later faults strike waits and ways back.
    Fault {
        call: draw.below(110),
        kind,
    }
}

/// Soaks of a minute, so that a rotation takes minutes of simulated time and not days.
fn timing() -> Timing {
    let minutes = SignedDuration::from_mins;
    Timing {
        trusted_soak: minutes(1),
        propagation: SignedDuration::from_secs(1),
        wave_soak: minutes(1),
        disused_soak: minutes(2),
        final_soak: minutes(3),
        poll: SignedDuration::from_secs(5),
        patience: minutes(20),
        passes: 3,
        attempts: 4,
    }
}
