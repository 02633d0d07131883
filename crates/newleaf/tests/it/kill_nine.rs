//! The controller is killed at any instant, or told to stop, and resumed: no call fails, and the end is the same.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;
use tokio::time::Instant;

use crate::{
    caller::Caller,
    chance::Chance,
    rig::{End, Rig},
    run::Run,
};

/// Which instants the controller is struck at.
const SEED: u64 = 0x6e65_776c_6561_6600;

/// How often it is struck in every run of the tests, and in the slow ones.
const BLOWS: u32 = 6;
const SLOW_BLOWS: u32 = 50;

/// The longest that a controller is left alone, in turns. A rotation that nobody disturbs takes 6 to 10 s, most of
/// them soaks: long lives spread the blows over all of it, short ones strike at starts and first deeds.
const LONGEST_PEACE: [Duration; 2] = [Duration::from_millis(400), Duration::from_millis(2_400)];

/// The longest that calls may be held up on a busy machine. The controller is not in their way, dead or alive.
const LONGEST_GAP: Duration = Duration::from_secs(5);

/// The exit code of a newleaf that was told to stop.
const WAITING: i32 = 4;

/// How the controller is struck.
#[derive(Clone, Copy)]
enum Blow {
    /// With SIGKILL.
    Kill,
    /// With SIGTERM.
    Terminate,
}

#[tokio::test]
async fn nobody_disturbs_a_rotation() {
    let rig = Rig::set(None).await;
    let caller = Caller::start(rig.proxy).await;
    let began = Instant::now();
    rig.start("rotate ca payments --yes").succeeds().await;
    eprintln!("undisturbed, a rollover takes {:?}", began.elapsed());
    caller.goes_on(50).await;
    assert_eq!(rig.end().await, End::of_generation(2));
    caller.finish().await.must_be_clean(LONGEST_GAP);
}

#[tokio::test]
async fn killed_at_random_instants_it_fails_no_call_and_ends_the_same() {
    ends_the_same_under(Blow::Kill).await;
}

#[tokio::test]
async fn told_to_stop_at_random_instants_it_fails_no_call_and_ends_the_same() {
    ends_the_same_under(Blow::Terminate).await;
}

/// A rig whose controller is struck.
struct Siege {
    rig: Rig,
    blow: Blow,
    chance: Chance,
    /// In which phases it was struck.
    struck: BTreeMap<String, u32>,
}

async fn ends_the_same_under(blow: Blow) {
    let is_slow = std::env::var_os("RUN_SLOW_TESTS").is_some();
    let wanted = if is_slow { SLOW_BLOWS } else { BLOWS };
    let mut siege = Siege {
        rig: Rig::set(None).await,
        blow,
        chance: Chance::new(SEED),
        struck: BTreeMap::new(),
    };
    let caller = Caller::start(siege.rig.proxy).await;
    // Each rotation must end as if nobody had disturbed it; the next one starts from there.
    let mut generation = 1;
    while siege.blows() < wanted {
        generation += 1;
        siege.rotate(wanted).await;
        assert_eq!(siege.rig.end().await, End::of_generation(generation));
    }
    let n = generation - 1;
    eprintln!("struck in {n} rotations, by phase: {:?}", siege.struck);
    caller.goes_on(50).await;
    caller.finish().await.must_be_clean(LONGEST_GAP);
}

impl Siege {
    fn blows(&self) -> u32 {
        self.struck.values().sum()
    }

    /// Rolls the CA over once, and strikes the controller until it was struck so many times in all.
    async fn rotate(&mut self, wanted: u32) {
        const BEGIN: &str = "rotate ca payments --yes";
        let before = self.rig.status().await.as_ref().map(rotation);
        let (mut arguments, mut lives) = (BEGIN, 0);
        loop {
            let mut run = self.rig.start(arguments);
            if self.blows() == wanted {
                return run.succeeds().await;
            }
            let peace = self.chance.span(LONGEST_PEACE[lives % 2]);
            lives += 1;
            if let Some(code) = run.ended_within(peace).await {
                return assert_eq!(code, 0, "{}", run.said());
            }
            let is_struck = strike(self.blow, run).await;
            let status = self.rig.status().await;
            let ours = status.filter(|status| Some(rotation(status)) != before);
            if is_struck {
                let phase = ours.as_ref().and_then(|status| status["phase"].as_str());
                let count = self.struck.entry(phase.unwrap_or("none").to_owned());
                *count.or_default() += 1;
            }
            arguments = match ours {
                // It ended before it had written the beginning.
                None => BEGIN,
                Some(status) if status["ended_at"].is_null() => "resume",
                // It ended after it had written the end.
                Some(_) => return,
            };
        }
    }
}

fn rotation(status: &Value) -> Value {
    status["rotation"].clone()
}

/// Returns whether the controller ended by the blow: it may have come to its own end just before.
async fn strike(blow: Blow, mut run: Run) -> bool {
    match blow {
        Blow::Kill => run.kill().await,
        Blow::Terminate => {
            run.terminate();
            match run.end().await {
                // Before it listens for signals, SIGTERM is as good as a crash.
                None | Some(WAITING) => true,
                Some(0) => false,
                Some(code) => panic!("exit code {code}: {}", run.said()),
            }
        }
    }
}
