//! The engine of the simulation: the same loop as any engine's, killed when the scenario says so, and the
//! person who is asked when it waits for one.

use jiff::{SignedDuration, Timestamp};

use super::{
    End, Report, fault::FaultKind, invariant::Invariant, scenario::Scenario, world::World,
};
use crate::{
    check::check,
    decide,
    event::{Again, Decision, Doing, Event, Trouble, Verb},
    id::StepId,
    next::{Ask, Command, Deed, Look, Wait, next},
    plan::{Plan, plan},
    state::{Hold, State},
};

/// More turns than any rotation here needs; one that needs more does not end.
const MAX_TURNS: usize = 20_000;
/// How often the person lets a held rotation go on before turning round, and then before giving up.
const MAX_RESUMES: usize = 12;

pub(super) struct Engine<'s> {
    scenario: &'s Scenario,
    plan: Plan,
    world: World,
    started_at: Timestamp,
    state: State,
    journal: Vec<(Timestamp, Event)>,
    calls: usize,
    resumes: usize,
    turned: bool,
}

/// Whether the process lives on.
#[derive(PartialEq, Eq)]
enum Life {
    Alive,
    Killed,
}

impl<'s> Engine<'s> {
    #[expect(clippy::expect_used, reason = "a scenario's spec always makes a plan")]
    pub(super) fn new(scenario: &'s Scenario) -> Self {
        let plan = plan(&scenario.spec).expect("a scenario has trust points and holders");
        let started_at =
            Timestamp::UNIX_EPOCH.saturating_add(SignedDuration::from_hours(24 * 365 * 57));
        let started_at = started_at.unwrap_or(Timestamp::UNIX_EPOCH);
        let mut world = World::new(scenario, started_at);
        for finding in check(&plan, None) {
            world.violated(Invariant::SoundPlan, finding.to_string());
        }
        Self {
            scenario,
            plan,
            world,
            started_at,
            state: State::new(started_at),
            journal: Vec::new(),
            calls: 0,
            resumes: 0,
            turned: false,
        }
    }

    pub(super) fn run(mut self) -> Report {
        for _ in 0..MAX_TURNS {
            self.world.settle();
            let life = match next(&self.plan, &self.state) {
                Command::Finish(outcome) => return self.report(End::Finished(outcome)),
                Command::Observe(look) => self.observe(&look),
                Command::Pursue(deed) => self.pursue(&deed),
                Command::Wait(Wait::Elapse { wait, span }) => self.wait(wait, span),
                Command::Wait(Wait::Person(ask)) => match self.person(&ask) {
                    Ok(life) => life,
                    Err(why) => return self.report(End::GivenUp { why }),
                },
            };
            if life == Life::Killed {
                self.resume();
            }
            self.world.advance(SignedDuration::from_secs(1));
        }
        self.report(End::Endless)
    }

    fn report(mut self, end: End) -> Report {
        self.replay_must_agree();
        let ended = matches!(end, End::Finished(_));
        if !ended && !self.scenario.has_outside_interference() {
            self.world.violated(Invariant::Ends, format!("{end:?}"));
        }
        Report {
            end,
            violations: self.world.violations,
            journal: self.journal,
            calls: self.calls,
        }
    }

    /// After a crash there is only the journal.
    fn resume(&mut self) {
        self.replay_must_agree();
        let events = self.journal.iter().map(|(at, event)| (*at, event));
        self.state = State::replay(&self.plan, self.started_at, events);
    }

    fn replay_must_agree(&mut self) {
        let events = self.journal.iter().map(|(at, event)| (*at, event));
        if State::replay(&self.plan, self.started_at, events) != self.state {
            self.world.violated(
                Invariant::Repeatable,
                "the replayed state differs".to_owned(),
            );
        }
    }

    fn record(&mut self, event: Event) {
        let at = self.world.clock();
        self.state.apply(&self.plan, at, &event);
        self.journal.push((at, event));
    }

    /// Draws the fault of the next call, and lets those that come from outside happen.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a person's three are decided here; all others are the call's own"
    )]
    fn fault(&mut self) -> Option<FaultKind> {
        let call = self.calls;
        self.calls += 1;
        let mut own = None;
        let kinds: Vec<_> = self
            .scenario
            .faults
            .iter()
            .filter(|f| f.call == call)
            .map(|f| f.kind)
            .collect();
        for kind in kinds {
            self.world.strike(kind);
            match kind {
                FaultKind::Pause => self.decide(Verb::Pause, "a person wants to look"),
                FaultKind::RollBack => self.decide(Verb::RollBack, "a person has doubts"),
                FaultKind::RashApproval => {
                    let steps: Vec<StepId> =
                        self.plan.forward.iter().map(|s| s.id.clone()).collect();
                    for step in steps {
                        self.decide(Verb::Approve { step }, "");
                    }
                }
                kind => own = own.or(Some(kind)),
            }
        }
        own
    }

    fn decide(&mut self, verb: Verb, reason: &str) {
        let decision = Decision {
            by: "person".to_owned(),
            reason: reason.to_owned(),
            verb,
        };
        if decide::admit(&self.plan, &self.state, &decision).is_ok() {
            if decision.verb == Verb::Resume {
                self.world.excuse();
            }
            self.turned |= decision.verb == Verb::RollBack;
            self.record(Event::Decided(decision));
        }
    }

    fn observe(&mut self, look: &Look) -> Life {
        let fault = self.fault();
        if fault == Some(FaultKind::CrashBefore) {
            return Life::Killed;
        }
        let seen = self.world.observe(&self.plan, look);
        let step = look.step.clone();
        let lost = |what: &str| Trouble {
            again: Again::Same,
            what: what.to_owned(),
        };
        let event = match (fault, seen) {
            (Some(FaultKind::CrashAfter), _) => return Life::Killed,
            (Some(FaultKind::LoseReply | FaultKind::Refuse), _) => Event::Failed {
                step,
                doing: Doing::Observing,
                trouble: lost("connection reset"),
            },
            (_, Ok(sight)) => Event::Observed { step, sight },
            (_, Err(trouble)) => Event::Failed {
                step,
                doing: Doing::Observing,
                trouble,
            },
        };
        self.record(event);
        Life::Alive
    }

    fn pursue(&mut self, deed: &Deed) -> Life {
        self.record(Event::Intended {
            step: deed.step.clone(),
            attempt: deed.attempt,
        });
        let fault = self.fault();
        let step = deed.step.clone();
        let failed = |again: Again, what: &str| Event::Failed {
            step: step.clone(),
            doing: Doing::Pursuing,
            trouble: Trouble {
                again,
                what: what.to_owned(),
            },
        };
        if fault == Some(FaultKind::CrashBefore) {
            return Life::Killed;
        }
        if fault == Some(FaultKind::Refuse) {
            self.record(failed(Again::Anew, "refused"));
            return Life::Alive;
        }
        let done = self.world.pursue(&self.plan, deed);
        if fault == Some(FaultKind::CrashAfter) {
            return Life::Killed;
        }
        if fault == Some(FaultKind::Repeat) {
            self.again(deed);
        }
        self.record(match fault {
            Some(FaultKind::LoseReply) => failed(Again::Same, "connection reset"),
            Some(_) | None => Self::reply(deed, done),
        });
        Life::Alive
    }

    fn reply(deed: &Deed, done: Result<String, Trouble>) -> Event {
        let (step, attempt) = (deed.step.clone(), deed.attempt);
        match done {
            Ok(note) => Event::Acted {
                step,
                attempt,
                note,
            },
            Err(trouble) => Event::Failed {
                step,
                doing: Doing::Pursuing,
                trouble,
            },
        }
    }

    /// The same deed at once again must leave the world as it is.
    fn again(&mut self, deed: &Deed) {
        let digest =
            |world: &World| format!("{:?}{:?}{:?}", world.points, world.holders, world.keys);
        let before = digest(&self.world);
        let _second: Result<String, Trouble> = self.world.pursue(&self.plan, deed);
        if digest(&self.world) != before {
            let what = format!(
                "`{}` done twice is not `{}` done once",
                deed.step, deed.step
            );
            self.world.violated(Invariant::Repeatable, what);
        }
    }

    fn wait(&mut self, wait: u64, span: SignedDuration) -> Life {
        // As an engine does after a crash or a sleep: the deadline is absolute.
        let until = self
            .state
            .since
            .saturating_add(span)
            .unwrap_or(self.state.since);
        while self.world.clock() < until {
            let left = until.duration_since(self.world.clock());
            self.world
                .advance((left / 8).max(SignedDuration::from_secs(1)));
            self.world.settle();
        }
        // A late one, delivered twice, and the right one.
        self.record(Event::Elapsed {
            wait: wait.saturating_sub(1),
        });
        self.record(Event::Elapsed { wait });
        Life::Alive
    }

    fn person(&mut self, ask: &Ask) -> Result<Life, String> {
        self.world.advance(SignedDuration::from_mins(10));
        match ask {
            Ask::Approve(step) | Ask::Confirm(step) => {
                self.decide(Verb::Approve { step: step.clone() }, "");
            }
            Ask::Release(Hold::Paused { why } | Hold::Blocked { why }) => {
                self.resumes += 1;
                if self.resumes <= MAX_RESUMES {
                    self.decide(Verb::Resume, "");
                } else if self.turned {
                    return Err(why.clone());
                } else {
                    self.resumes = 0;
                    self.decide(Verb::RollBack, "it does not go on");
                    if !self.turned {
                        return Err(why.clone());
                    }
                }
            }
        }
        Ok(Life::Alive)
    }
}
