//! Whole rotations.

use proptest::prelude::*;

use super::*;
use crate::{id::Generation, spec::Kind};

const ROLLOVER: Kind = Kind::CaRollover {
    old: Generation(1),
    new: Generation(2),
};
const RENEWAL: Kind = Kind::LeafRenewal {
    generation: Generation(1),
};
const EVERYBODY: &[HolderKind] = &[
    HolderKind::Hot,
    HolderKind::Reloading,
    HolderKind::Restarting,
];

#[track_caller]
fn check(scenario: &Scenario) -> Report {
    let report = run(scenario);
    if !report.violations.is_empty() {
        let smallest = shrink(scenario);
        panic!("{:#?}\n{:#?}", smallest.faults, run(&smallest).violations);
    }
    report
}

#[test]
fn a_calm_rollover_rotates() {
    let report = check(&Scenario::calm(ROLLOVER, 2, EVERYBODY));
    assert_eq!(report.end, End::Finished(Outcome::Rotated));
}

#[test]
fn a_calm_renewal_rotates() {
    let report = check(&Scenario::calm(RENEWAL, 2, EVERYBODY));
    assert_eq!(report.end, End::Finished(Outcome::Rotated));
}

/// Every kind of fault at every call of a rollover and of a renewal.
#[test]
fn one_fault_anywhere() {
    for kind in [ROLLOVER, RENEWAL] {
        let calm = Scenario::calm(kind, 2, EVERYBODY);
        let calls = run(&calm).calls;
        for call in 0..calls + 5 {
            for fault in FaultKind::ALL {
                let faults = vec![Fault { call, kind: fault }];
                let report = check(&Scenario {
                    faults,
                    ..calm.clone()
                });
                let ended = matches!(report.end, End::Finished(_));
                assert!(
                    ended || fault.is_outside_interference(),
                    "{fault:?} at {call}: {:?}",
                    report.end
                );
            }
        }
    }
}

/// Traffic that does not come back: the rotation pauses by itself, and nobody behind the gate was touched.
#[test]
fn worse_traffic_after_the_first_wave_stops_the_second() {
    let mut scenario = Scenario::calm(ROLLOVER, 1, &[HolderKind::Hot, HolderKind::Hot]);
    let journal = run(&scenario).journal;
    let is_call = |event: &&Event| {
        !matches!(
            event,
            Event::Elapsed { .. } | Event::Decided(_) | Event::Acted { .. }
        )
    };
    let wave = |event: &Event| matches!(event, Event::Observed { step, .. } if step.as_str() == "issuing/wave-1");
    let events: Vec<&Event> = journal.iter().map(|(_, event)| event).collect();
    let until = events.iter().position(|event| wave(event)).unwrap();
    let call = events[..until].iter().copied().filter(is_call).count();
    for kind in [FaultKind::PollersGone, FaultKind::CallsFail] {
        scenario.faults = vec![Fault { call, kind }];
        let report = check(&scenario);
        let name = |event: &Event| -> Option<String> {
            if let Event::Observed { step, .. } | Event::Intended { step, .. } = event {
                return Some(step.to_string());
            }
            let resumed = matches!(event, Event::Decided(d) if d.verb == crate::Verb::Resume);
            resumed.then(|| "resumed".to_owned())
        };
        let steps: Vec<String> = report.journal.iter().filter_map(|(_, e)| name(e)).collect();
        let at = |name: &str| steps.iter().position(|step| *step == name);
        let (paused, second) = (at("resumed"), at("issuing/stored/worker-1"));
        assert!(paused.is_some() && paused < second, "{kind:?}: {steps:?}");
        assert_eq!(report.end, End::Finished(Outcome::Rotated));
    }
}

/// A crash at every call, again and again, in one rotation.
#[test]
fn a_crash_at_every_call() {
    for kind in [FaultKind::CrashBefore, FaultKind::CrashAfter] {
        let mut scenario = Scenario::calm(ROLLOVER, 2, EVERYBODY);
        scenario.faults = (0..200)
            .step_by(2)
            .map(|call| Fault { call, kind })
            .collect();
        let report = check(&scenario);
        assert_eq!(report.end, End::Finished(Outcome::Rotated));
    }
}

// Some two thousand schedules; `PROPTEST_CASES` scales them.
proptest! {
    #![proptest_config(ProptestConfig { cases: 8 * ProptestConfig::default().cases, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn many_faults_anywhere(seed: u64, more in proptest::collection::vec((0..120_usize, 0..FaultKind::ALL.len()), 0..6)) {
        let mut scenario = Scenario::random(seed);
        scenario.faults.extend(more.into_iter().map(|(call, kind)| Fault { call, kind: FaultKind::ALL[kind] }));
        let report = run(&scenario);
        prop_assert!(report.violations.is_empty(), "{:?}", report.violations);
    }
}
