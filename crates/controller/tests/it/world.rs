//! A world in memory, or in one file that outlives its process: it does what it is told, remembers what it must not
//! have been told, and strikes at a chosen call.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::pending,
    path::PathBuf,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use jiff::Timestamp;
use newleaf_rotation::{
    Again, Deed, Generation, Goal, HolderId, Look, Sight, Trouble, TrustPointId,
    sight::{
        BundleSight, CaFact, CaSight, Census, ChangeSight, Check, LeafFact, PreflightSight,
        Presence, Probe, ProbeOutcome, ProbeSight, Reading, Sighting, Source, StoredSight, Traffic,
        TrustSight, Verdict,
    },
};
use newleaf_systems::World;
use newleaf_x509::Fingerprint;
use rustix::process::{Signal, getpid, kill_process};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::stage::{HOLDERS, POINTS};

/// What is true of the world.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Facts {
    pub(crate) cas: BTreeSet<Generation>,
    pub(crate) keys: BTreeSet<Generation>,
    pub(crate) accepts: BTreeMap<TrustPointId, BTreeSet<Generation>>,
    canaries: BTreeSet<Generation>,
    stored: BTreeMap<HolderId, Generation>,
    pub(crate) presents: BTreeMap<HolderId, Generation>,
    /// How often each request arrived.
    pub(crate) requests: BTreeMap<String, u32>,
    /// What should never have happened.
    pub(crate) harm: Vec<String>,
}

/// What happens at a chosen call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strike {
    /// The engine is dropped: in this process, as good as dead.
    Drop,
    /// `kill -9`, by the process itself.
    Kill,
    /// A panic.
    Panic,
    /// The reply is lost.
    Lose,
}

/// Where a strike strikes: at which call, and before or after its effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) call: usize,
    pub(crate) after: bool,
}

#[derive(Debug)]
pub(crate) struct TestWorld {
    facts: Mutex<Facts>,
    file: Option<PathBuf>,
    pub(crate) strike: Option<(Place, Strike)>,
    calls: AtomicUsize,
    /// Told when a strike of kind [`Strike::Drop`] has come.
    pub(crate) struck: Notify,
    /// Told when a deed has begun; then the deed waits for `go`.
    pub(crate) begun: Notify,
    pub(crate) go: Notify,
    pub(crate) hold_deed: Option<usize>,
}

impl Facts {
    /// g1 is trusted and presented everywhere.
    pub(crate) fn of_g1() -> Self {
        let g1 = Generation(1);
        let point = |name: &&str| (TrustPointId::new(*name), BTreeSet::from([g1]));
        let holder = |name: &&str| (HolderId::new(*name), g1);
        Self {
            cas: BTreeSet::from([g1]),
            keys: BTreeSet::from([g1]),
            accepts: POINTS.iter().map(point).collect(),
            stored: HOLDERS.iter().map(holder).collect(),
            presents: HOLDERS.iter().map(holder).collect(),
            ..Self::default()
        }
    }

    /// Whether nothing is left of the old generation, and everything is of the new one.
    pub(crate) fn is_all(&self, generation: Generation) -> bool {
        self.accepts
            .values()
            .all(|set| *set == BTreeSet::from([generation]))
            && self.presents.values().all(|g| *g == generation)
            && self.keys == BTreeSet::from([generation])
            && self.harm.is_empty()
    }

    fn accepted_at(&self, generation: Generation) -> BTreeMap<TrustPointId, bool> {
        let accepted = |(point, set): (&TrustPointId, &BTreeSet<Generation>)| {
            (point.clone(), set.contains(&generation))
        };
        self.accepts.iter().map(accepted).collect()
    }

    fn census(&self) -> Census {
        let seen = |(holder, generation): (&HolderId, &Generation)| {
            let sighting = Sighting {
                generation: Some(*generation),
                leaf: None,
                of_rotation: true,
                source: Source::Proxy,
            };
            (holder.clone(), Presence::Seen(vec![sighting]))
        };
        Census {
            holders: self.presents.iter().map(seen).collect(),
            ..Census::default()
        }
    }

    fn sight(&self, look: &Look, now: Timestamp) -> Sight {
        match &look.goal {
            Goal::Preflight => Sight::Preflight(PreflightSight {
                checks: vec![Check {
                    about: "the weather".to_owned(),
                    verdict: Verdict::Pass,
                    detail: "fair".to_owned(),
                }],
            }),
            Goal::CaExists { generation } | Goal::KeyDestroyed { generation } => {
                Sight::Ca(CaSight {
                    ca: self.cas.contains(generation).then(|| CaFact {
                        fingerprint: fingerprint(*generation),
                        subject: format!("CN=ca {generation}"),
                        not_after: now,
                    }),
                    key: self.keys.contains(generation),
                    findings: Vec::new(),
                    accepted_at: self.accepted_at(*generation),
                })
            }
            Goal::Trust { point, refuse, .. } => Sight::Trust(TrustSight {
                bundle: BundleSight::Read {
                    accepts: self.accepts[point].clone(),
                    strangers: 0,
                },
                change: ChangeSight::Settled,
                probes: BTreeMap::new(),
                census: (!refuse.is_empty()).then(|| self.census()),
            }),
            Goal::Accepted { generation, passes } => self.probes(*generation, *passes),
            Goal::Refused { generation } => self.probes(*generation, 1),
            Goal::Stored {
                holder, generation, ..
            } => Sight::Stored(StoredSight {
                leaf: self.stored.get(holder).map(|stored| LeafFact {
                    fingerprint: fingerprint(*stored),
                    generation: Some(*stored),
                    of_rotation: true,
                    valid: true,
                }),
                accepted_at: self.accepted_at(*generation),
            }),
            Goal::Presented { .. } | Goal::Disused { .. } => Sight::Census(self.census()),
            Goal::Baseline { holders } | Goal::Steady { holders } => {
                let told = || BTreeMap::from([("orders".to_owned(), Reading::Pollers(3))]);
                let seen = holders.iter().map(|holder| (holder.clone(), told()));
                Sight::Traffic(Traffic {
                    holders: seen.collect(),
                })
            }
        }
    }

    fn probes(&self, generation: Generation, passes: u32) -> Sight {
        let probe = |(point, accepted): (TrustPointId, bool)| Probe {
            address: format!("{point}:7233"),
            outcome: if accepted {
                ProbeOutcome::Accepted { passes }
            } else {
                ProbeOutcome::Refused {
                    reason: "certificate unknown".to_owned(),
                }
            },
            point,
        };
        let accepted_at = self.accepted_at(generation);
        Sight::Probes(ProbeSight {
            have_leaf: generation == Generation(1) || self.canaries.contains(&generation),
            probes: accepted_at.clone().into_iter().map(probe).collect(),
            accepted_at,
        })
    }

    fn act(&mut self, deed: &Deed) {
        *self
            .requests
            .entry(deed.request.as_str().to_owned())
            .or_default() += 1;
        match &deed.goal {
            Goal::CaExists { generation } => {
                self.cas.insert(*generation);
                self.keys.insert(*generation);
            }
            Goal::Trust {
                point,
                accept,
                refuse,
            } => {
                for generation in refuse {
                    if self.presents.values().any(|g| g == generation) {
                        self.harm
                            .push(format!("{generation} was distrusted while in use"));
                    }
                }
                let set = self.accepts.get_mut(point).unwrap();
                set.extend(accept);
                set.retain(|generation| !refuse.contains(generation));
            }
            Goal::Accepted { generation, .. } => {
                self.sign(*generation);
                self.canaries.insert(*generation);
            }
            Goal::Stored {
                holder, generation, ..
            } => {
                self.sign(*generation);
                self.stored.insert(holder.clone(), *generation);
            }
            Goal::Presented { holders, .. } => {
                for holder in holders {
                    self.presents.insert(holder.clone(), self.stored[holder]);
                }
            }
            Goal::KeyDestroyed { generation } => {
                self.keys.remove(generation);
            }
            Goal::Preflight
            | Goal::Refused { .. }
            | Goal::Disused { .. }
            | Goal::Baseline { .. }
            | Goal::Steady { .. } => {
                self.harm.push(format!("a deed for {:?}", deed.goal));
            }
        }
    }

    fn sign(&mut self, generation: Generation) {
        if !self.accepts.values().all(|set| set.contains(&generation)) {
            self.harm
                .push(format!("{generation} signed before it was accepted"));
        }
    }
}

fn fingerprint(generation: Generation) -> Fingerprint {
    Fingerprint::of(generation.to_string().as_bytes())
}

impl TestWorld {
    pub(crate) fn new() -> Self {
        Self::with(Facts::of_g1(), None)
    }

    /// A world in a file; another process finds it as this one left it.
    pub(crate) fn in_file(file: PathBuf) -> Self {
        let facts = match fs_err::read(&file) {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap(),
            Err(_) => Facts::of_g1(),
        };
        Self::with(facts, Some(file))
    }

    fn with(facts: Facts, file: Option<PathBuf>) -> Self {
        Self {
            facts: Mutex::new(facts),
            file,
            strike: None,
            calls: AtomicUsize::new(0),
            struck: Notify::new(),
            begun: Notify::new(),
            go: Notify::new(),
            hold_deed: None,
        }
    }

    pub(crate) fn striking(mut self, place: Place, strike: Strike) -> Self {
        self.strike = Some((place, strike));
        self
    }

    pub(crate) fn facts(&self) -> Facts {
        self.facts.lock().unwrap().clone()
    }

    /// How often the world was called.
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    async fn strikes(&self, here: Place) -> Result<(), Trouble> {
        let Some((place, strike)) = self.strike else {
            return Ok(());
        };
        if place != here {
            return Ok(());
        }
        match strike {
            Strike::Drop => {
                self.struck.notify_one();
                pending().await
            }
            Strike::Kill => {
                kill_process(getpid(), Signal::KILL).unwrap();
                pending().await
            }
            Strike::Panic => panic!("struck at call {}", here.call),
            Strike::Lose => Err(Trouble {
                again: Again::Same,
                what: "the reply was lost".to_owned(),
            }),
        }
    }

    fn save(&self) {
        if let Some(file) = &self.file {
            let bytes = serde_json::to_vec(&*self.facts.lock().unwrap()).unwrap();
            let new = file.with_extension("new");
            fs_err::write(&new, bytes).unwrap();
            fs_err::rename(new, file).unwrap();
        }
    }
}

impl World for TestWorld {
    async fn observe(&self, look: &Look, now: Timestamp) -> Result<Sight, Trouble> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        self.strikes(Place { call, after: false }).await?;
        let sight = self.facts.lock().unwrap().sight(look, now);
        self.strikes(Place { call, after: true }).await?;
        Ok(sight)
    }

    async fn pursue(&self, deed: &Deed, _now: Timestamp) -> Result<String, Trouble> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        self.strikes(Place { call, after: false }).await?;
        if self.hold_deed == Some(call) {
            self.begun.notify_one();
            self.go.notified().await;
        }
        self.facts.lock().unwrap().act(deed);
        self.save();
        self.strikes(Place { call, after: true }).await?;
        Ok("done".to_owned())
    }
}
