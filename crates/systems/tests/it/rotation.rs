//! A whole rotation: the decisions of `newleaf-rotation`, the deeds of this crate, the sandbox as Temporal Cloud.

use std::{path::PathBuf, time::Duration};

use newleaf_identity::directory;
use newleaf_rotation::{
    Ask, Command, Decision, Doing, Event, Generation, Hold, Look, Outcome, Plan, State, Verb, Wait,
    next,
};
use newleaf_systems::{
    Domain, Systems, World,
    domain::{Custody, Delivery, Holder},
};
use newleaf_x509::{Chain, Fingerprint, lint};

use crate::{
    desk::{Desk, NEW, OLD, Play, Try, answering, now, proxy, rollover, stored},
    token::{self, knows},
};

/// Drives a rotation to its end, as an engine does; `meanwhile` may decide something before each look.
async fn drive(
    plan: &Plan,
    systems: &Systems,
    meanwhile: impl FnMut(&Look) -> Option<Verb>,
) -> Outcome {
    drive_on(plan, systems, meanwhile).await.unwrap()
}

/// Drives a rotation to its end, or until a person is asked.
async fn drive_on(
    plan: &Plan,
    systems: &Systems,
    mut meanwhile: impl FnMut(&Look) -> Option<Verb>,
) -> Result<Outcome, Ask> {
    let mut state = State::new(now());
    // A rollover of two holders takes about a hundred steps; a loop that goes on and on is a fault.
    for _ in 0..2_000 {
        let event = match next(plan, &state) {
            Command::Finish(outcome) => return Ok(outcome),
            Command::Wait(Wait::Person(ask)) => return Err(ask),
            Command::Wait(Wait::Elapse { wait, span }) => {
                tokio::time::sleep(Duration::try_from(span).unwrap()).await;
                Event::Elapsed { wait }
            }
            Command::Observe(look) => match meanwhile(&look) {
                Some(verb) => {
                    let (by, reason) = ("a tester".to_owned(), "to see".to_owned());
                    Event::Decided(Decision { by, reason, verb })
                }
                None => match systems.observe(&look, now()).await {
                    Ok(sight) => Event::Observed {
                        step: look.step,
                        sight,
                    },
                    Err(trouble) => Event::Failed {
                        step: look.step,
                        doing: Doing::Observing,
                        trouble,
                    },
                },
            },
            Command::Pursue(deed) => {
                let (step, attempt) = (deed.step.clone(), deed.attempt);
                state.apply(
                    plan,
                    now(),
                    &Event::Intended {
                        step: step.clone(),
                        attempt,
                    },
                );
                match systems.pursue(&deed, now()).await {
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
        };
        state.apply(plan, now(), &event);
    }
    panic!("{state:?}")
}

/// Two workers: one whose proxy notices a new identity by itself, one that must be restarted to notice.
async fn stage() -> (Desk, Play, Domain) {
    stage_at(Desk::new()).await
}

async fn stage_at(desk: Desk) -> (Desk, Play, Domain) {
    let old = desk.ca().make(OLD, now()).unwrap();
    let play = Play::accepting(old.to_pem()).await;
    let path = desk.path("worker-a");
    let noticing = move || directory::load(&path, now()).unwrap().fingerprint();
    let reloads = desk.holder("worker-a", vec![proxy(move || vec![noticing()]).await]);
    let loaded = desk.path("loaded.crt");
    let presented = loaded.clone();
    let source = proxy(move || vec![leaf(&presented)]).await;
    let mut restarts = desk.holder("worker-b", vec![source]);
    let from = desk.path("worker-b").join("tls.crt");
    restarts.delivery = Delivery::Restart {
        command: ["cp", from.to_str().unwrap(), loaded.to_str().unwrap()]
            .map(str::to_owned)
            .to_vec(),
    };
    let domain = desk.domain(vec![play.point()], vec![reloads, restarts]);
    let holders: Vec<Holder> = domain.holders.clone();
    let before = desk.systems(desk.domain(vec![play.point()], holders));
    for holder in ["worker-a", "worker-b"] {
        Try::first(&before, stored(holder, OLD))
            .act()
            .await
            .unwrap();
    }
    fs_err::copy(&from, &loaded).unwrap();
    (desk, play, domain)
}

fn leaf(path: &PathBuf) -> Fingerprint {
    Chain::from_pem(&fs_err::read_to_string(path).unwrap())
        .unwrap()
        .leaf()
        .fingerprint()
}

/// Which CA signed what a holder's readers see.
fn holds(desk: &Desk, holder: &str) -> Generation {
    let identity = directory::load(desk.path(holder), now()).unwrap();
    let signed = desk
        .ca()
        .generations()
        .unwrap()
        .into_iter()
        .find(|(_, ca)| identity.leaf().is_signed_by(ca));
    signed.unwrap().0
}

#[tokio::test]
async fn a_ca_is_rolled_over_from_preflight_to_the_destroyed_key() {
    let (desk, _play, domain) = stage().await;
    let plan = rollover(&domain);
    let systems = desk.systems(domain);
    assert_eq!(drive(&plan, &systems, |_look| None).await, Outcome::Rotated);
    assert_eq!(
        [holds(&desk, "worker-a"), holds(&desk, "worker-b")],
        [NEW, NEW]
    );
    assert_eq!(
        leaf(&desk.path("loaded.crt")),
        leaf(&desk.path("worker-b").join("tls.crt"))
    );
    assert!(!desk.path("ca/g1/ca.key").exists());
    assert!(desk.path("ca/g1/ca.crt").exists());
    // The canary of a generation goes with its key.
    let canary = |generation: &str| desk.path("state/canary/payments").join(generation);
    assert!(!canary("g1").exists() && canary("g2").exists());
}

/// The passphrase is asked for whenever the CA signs; nothing else knows the difference.
#[tokio::test]
async fn a_ca_is_rolled_over_with_its_keys_behind_a_passphrase() {
    let mut desk = Desk::new();
    desk.issuer.custody = Custody::Sealed(knows("correct horse"));
    let (desk, _play, domain) = stage_at(desk).await;
    let text = fs_err::read_to_string(desk.path("ca/g1/ca.key")).unwrap();
    assert!(text.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
    let plan = rollover(&domain);
    let systems = desk.systems(domain);
    assert_eq!(drive(&plan, &systems, |_look| None).await, Outcome::Rotated);
    assert_eq!(holds(&desk, "worker-a"), NEW);
    assert!(!desk.path("ca/g1/ca.key").exists());
    let text = fs_err::read_to_string(desk.path("ca/g2/ca.key")).unwrap();
    assert!(text.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
}

/// No key of the CA is ever in a file, and the old one is gone from the token at the end.
#[test]
fn a_ca_is_rolled_over_with_its_keys_in_a_token() {
    let name = "rotation::a_ca_is_rolled_over_with_its_keys_in_a_token";
    token::with_a_token(name, |custody| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut desk = Desk::new();
            desk.issuer.custody = custody;
            let (desk, _play, domain) = stage_at(desk).await;
            assert!(!desk.path("ca/g1/ca.key").exists());
            let plan = rollover(&domain);
            let systems = desk.systems(domain);
            assert_eq!(drive(&plan, &systems, |_look| None).await, Outcome::Rotated);
            assert_eq!(holds(&desk, "worker-a"), NEW);
            let context = lint::Context {
                profile: lint::Profile::TemporalCloud,
                now: now(),
            };
            let key = |generation| desk.ca().look(generation, &context).unwrap().key;
            assert_eq!([key(OLD), key(NEW)], [false, true]);
            for generation in ["ca/g1", "ca/g2"] {
                assert!(desk.path(generation).join("ca.crt").exists());
                assert!(!desk.path(generation).join("ca.key").exists());
            }
        });
    });
}

#[tokio::test]
async fn a_rollover_that_turns_round_halfway_ends_where_it_began() {
    let (desk, _play, domain) = stage().await;
    let plan = rollover(&domain);
    let systems = desk.systems(domain);
    let mut turned = false;
    let turn = |look: &Look| {
        let now_or_never = look.step.as_str() == "issuing/wave-2" && !turned;
        turned |= now_or_never;
        now_or_never.then_some(Verb::RollBack)
    };
    let because = "to see".to_owned();
    assert_eq!(
        drive(&plan, &systems, turn).await,
        Outcome::RolledBack { because }
    );
    assert_eq!(
        [holds(&desk, "worker-a"), holds(&desk, "worker-b")],
        [OLD, OLD]
    );
    assert!(!desk.path("ca/g2/ca.key").exists());
    assert!(desk.path("ca/g1/ca.key").exists());
}

/// The proxy of the first worker fails a call after its wave: the second worker is not touched.
#[tokio::test]
async fn a_failed_call_after_the_first_wave_stops_the_second() {
    let (desk, _play, mut domain) = stage().await;
    let stored = desk.path("worker-a");
    let failing = move || {
        let leaf = directory::load(&stored, now()).unwrap().fingerprint();
        // Under the old CA none fails; under the new one, one does.
        let chain = fs_err::read_to_string(stored.join("tls.crt")).unwrap();
        let issuer = Chain::from_pem(&chain).unwrap().leaf().issuer().to_string();
        let failed = u8::from(issuer.contains("g2"));
        format!(r#"{{"connections":[{{"leaf":"{leaf}"}}],"failed":{failed}}}"#)
    };
    domain.holders[0].evidence = vec![answering(failing).await];
    let plan = rollover(&domain);
    let systems = desk.systems(domain);
    let ended = drive_on(&plan, &systems, |_look| None).await;
    let Err(Ask::Release(Hold::Paused { why: paused })) = ended else {
        panic!("{ended:?}")
    };
    assert!(
        paused.contains("1 calls failed by the proxy at "),
        "{paused}"
    );
    assert!(paused.contains("override `issuing/steady-1`"), "{paused}");
    assert_eq!(
        [holds(&desk, "worker-a"), holds(&desk, "worker-b")],
        [NEW, OLD]
    );
}
