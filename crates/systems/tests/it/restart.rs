//! Restart commands, run for real.

use newleaf_rotation::{Again, Freshness, Goal, HolderId, Trouble};
use newleaf_systems::domain::{Delivery, EvidenceSource, Point, PointKind};

use crate::desk::{Desk, OLD, Try, now, point_id, stored};

async fn restart(desk: &Desk, command: &[&str]) -> Result<String, Trouble> {
    let mut holder = desk.holder("worker-a", vec![EvidenceSource::Attested]);
    holder.delivery = Delivery::Restart {
        command: command.iter().map(|&word| word.to_owned()).collect(),
    };
    let point = Point {
        id: point_id(),
        kind: PointKind::Manual,
        endpoints: Vec::new(),
    };
    let systems = desk.systems(desk.domain(vec![point], vec![holder]));
    let goal = Goal::Presented {
        holders: vec![HolderId::new("worker-a")],
        generation: OLD,
        freshness: Freshness::OfGeneration,
    };
    Try::first(&systems, stored("worker-a", OLD))
        .act()
        .await
        .unwrap();
    Try::first(&systems, goal).act().await
}

#[tokio::test]
async fn the_command_is_run_without_a_shell_and_without_our_environment() {
    let (desk, _ca) = Desk::with_ca();
    let out = desk.path("out");
    let script = format!(
        "env > '{}'; echo \"$1\" >> '{}'",
        out.display(),
        out.display()
    );
    let said = restart(&desk, &["sh", "-c", &script, "sh", "$HOME; *"])
        .await
        .unwrap();
    assert_eq!(said, "restarted `worker-a`");
    let out = fs_err::read_to_string(out).unwrap();
    assert!(out.contains("NEWLEAF_HOLDER=worker-a\n"), "{out}");
    assert!(out.contains("NEWLEAF_ROTATION=r-1\n"), "{out}");
    assert!(out.ends_with("$HOME; *\n"), "{out}");
    assert!(!out.contains("CARGO"), "{out}");
}

#[tokio::test]
async fn a_command_that_fails_is_told_with_its_words_and_tried_again() {
    let (desk, _ca) = Desk::with_ca();
    let script = "echo 'no such unit' >&2; head -c 100000 /dev/zero >&2; exit 3";
    let trouble = restart(&desk, &["sh", "-c", script]).await.unwrap_err();
    assert_eq!(trouble.again, Again::Same);
    assert!(trouble.what.contains("exit status: 3"), "{}", trouble.what);
    assert!(trouble.what.contains("no such unit"), "{}", trouble.what);
    assert!(trouble.what.len() < 4_000);
}

#[tokio::test]
async fn a_command_that_does_not_exist_needs_a_person() {
    let (desk, _ca) = Desk::with_ca();
    let trouble = restart(&desk, &["no-such-program"]).await.unwrap_err();
    assert_eq!(trouble.again, Again::Never);
    let trouble = restart(&desk, &[]).await.unwrap_err();
    assert_eq!(trouble.again, Again::Never);
}

#[tokio::test]
async fn who_presents_the_new_identity_already_is_left_alone() {
    let (desk, _ca) = Desk::with_ca();
    let first = restart(&desk, &["true"]).await.unwrap();
    assert_eq!(first, "restarted `worker-a`");
    desk.ledger.attest("worker-a", now());
    let second = restart(&desk, &["false"]).await.unwrap();
    assert_eq!(second, "everybody takes up the new identity by itself");
}
