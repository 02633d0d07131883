//! SIGTERM in every phase: newleaf says that it waits and ends; `newleaf resume` goes on.

use std::time::Duration;

use crate::{
    caller::Caller,
    rig::{End, Rig},
};

/// The exit code of a newleaf that was told to stop.
const WAITING: i32 = 4;

/// Every phase but the last, after which nothing is left to stop; and the one that follows, which a person must
/// approve. While it asks, the phase stands still, and the signal is sure to come in time. That the deed in hand is
/// finished is seen where signals come at random instants.
const PHASES: [(&str, Option<&str>); 7] = [
    ("preflight", Some("prepared")),
    ("prepared", Some("trusted")),
    ("trusted", Some("canary")),
    ("canary", Some("issuing")),
    // The proof of disuse changes nothing, so nobody is asked; it has a long soak.
    ("issuing", None),
    ("soaking", Some("distrusted")),
    ("distrusted", Some("retired")),
];

#[tokio::test]
async fn in_every_phase_sigterm_stops_and_resume_goes_on() {
    let rig = Rig::set(None).await;
    let asked: Vec<&str> = PHASES.into_iter().filter_map(|(_, next)| next).collect();
    rig.amend(
        "approvals: []",
        &format!("approvals: [{}]", asked.join(", ")),
    );
    // Long enough that a busy machine sees it.
    rig.amend("disused_soak: 500ms", "disused_soak: 3s");
    let caller = Caller::start(rig.proxy).await;
    let mut arguments = "rotate ca payments --yes";
    for (phase, next) in PHASES {
        let mut run = rig.start(arguments);
        let is_asked = next.is_some();
        rig.sees(phase, |status| {
            let is_driven = !status["driver"].is_null();
            is_driven && status["phase"] == phase && status["asks"].is_object() == is_asked
        })
        .await;
        run.terminate();
        assert_eq!(run.end().await, Some(WAITING), "{phase}: {}", run.said());
        let status = rig.status().await.unwrap();
        for none in ["driver", "ended_at", "hold"] {
            assert!(status[none].is_null(), "{phase}: {status}");
        }
        if is_asked {
            let rotation = status["rotation"].as_str().unwrap();
            let step = status["asks"]["step"].as_str().unwrap();
            let approve = format!("approve {rotation} {step}");
            rig.start(&approve).succeeds().await;
        }
        arguments = "resume";
    }
    rig.start("resume").succeeds().await;
    assert_eq!(rig.end().await, End::of_generation(2));
    caller.goes_on(50).await;
    caller.finish().await.must_be_clean(Duration::from_secs(5));
}
