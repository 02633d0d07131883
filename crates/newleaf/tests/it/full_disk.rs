//! A disk that is really full, and then is not: nothing that was in use is lost, newleaf says what to do, and goes on.

use std::{process::Stdio, time::Duration};

use tokio::{process::Command, time::timeout};

use crate::{
    bench::Bench,
    caller::Caller,
    rig::{End, PATIENCE, Rig},
};

/// Ways to a mount namespace of one's own: as root, and as anybody.
const WAYS: [&[&str]; 2] = [&["--mount"], &["--user", "--map-root-user", "--mount"]];

/// Runs newleaf (`$0`) while its state is on a disk that has room for about half a rotation, and again when that has
/// grown. What is on the disk is brought out at the end, because nobody outside sees the mount.
const ROTATE: &str = r#"
mkdir small && cp -a .newleaf/. small || exit 99
mount -t tmpfs -o size=256k none .newleaf && cp -a small/. .newleaf || exit 99
"$0" rotate ca payments --yes; echo "with a full disk: $?"
"$0" resume; echo "still with a full disk: $?"
mount -o remount,size=32m .newleaf || exit 99
"$0" resume; echo "with room: $?"
cp -a .newleaf/. small && umount .newleaf && cp -a small/. .newleaf
"#;

/// Stores an identity on a disk that has room for a few small files, and for none.
const STORE: &str = r#"
mkdir worker-a && mount -t tmpfs -o size=32k none worker-a || exit 99
"$0" leaf issue payments worker-a > /dev/null && cp -a worker-a before
cat /dev/zero > worker-a/ballast 2> /dev/null
"$0" leaf issue payments worker-a --force > /dev/null; echo "with a full disk: $?"
diff -r --exclude=ballast before worker-a || echo "it differs"
rm worker-a/ballast
"$0" leaf issue payments worker-a --force > /dev/null; echo "with room: $?"
diff -r before worker-a > /dev/null && echo "it does not differ"
exit 0
"#;

/// Runs a script with newleaf as its `$0`, in a mount namespace of its own. Where that cannot be had, the test says so and
/// passes; with `CI=true` it fails.
async fn unshared(bench: &Bench, script: &str) -> Option<[String; 2]> {
    let mut found = None;
    for way in WAYS {
        let mut trial = Command::new("unshare");
        let mounts = r#"mount -t tmpfs none "$0""#;
        trial
            .args(way)
            .args(["sh", "-c", mounts])
            .arg(bench.path(""));
        let quiet = trial.stdout(Stdio::null()).stderr(Stdio::null());
        if quiet.status().await.is_ok_and(|status| status.success()) {
            found = Some(way);
            break;
        }
    }
    let Some(way) = found else {
        let is_required = std::env::var_os("CI").is_some_and(|ci| ci == "true");
        assert!(
            !is_required,
            "expected `unshare` to let us mount, found no way"
        );
        eprintln!("missing: `unshare` does not let us mount, so no disk was full");
        return None;
    };
    let mut command = Command::new("unshare");
    command
        .args(way)
        .args(["sh", "-c", script, env!("CARGO_BIN_EXE_newleaf")])
        .current_dir(bench.path(""))
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = timeout(PATIENCE, command.output()).await.unwrap().unwrap();
    let [out, err] =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(output.status.success(), "{out}\n{err}");
    Some([out, err])
}

#[tokio::test]
async fn a_rotation_whose_journal_finds_no_room_goes_on_when_there_is_some() {
    let rig = Rig::set(None).await;
    let caller = Caller::start(rig.proxy).await;
    let Some([out, err]) = unshared(&rig.bench, ROTATE).await else {
        return;
    };
    assert!(
        out.contains("with a full disk: 1\nstill with a full disk: 1\nwith room: 0\n"),
        "{out}\n{err}"
    );
    assert!(
        err.contains("error[J001]: could not write an event"),
        "{err}"
    );
    assert!(err.contains("caused by: database or disk is full"), "{err}");
    assert!(err.contains("help: make room on the disk"), "{err}");
    assert_eq!(rig.end().await, End::of_generation(2));
    caller.goes_on(50).await;
    caller.finish().await.must_be_clean(Duration::from_secs(5));
}

#[tokio::test]
async fn an_identity_that_finds_no_room_leaves_the_old_one() {
    let bench = Bench::new();
    bench.write("newleaf.yaml", CONFIG);
    bench.done("ca new payments");
    let Some([out, err]) = unshared(&bench, STORE).await else {
        return;
    };
    assert_eq!(out, "with a full disk: 1\nwith room: 0\n", "{err}");
    assert!(
        err.contains("error[F008]: could not write the identity directory"),
        "{err}"
    );
    assert!(err.contains("No space left on device"), "{err}");
    assert!(
        err.contains("help: the identity that was there is there still"),
        "{err}"
    );
    assert!(err.contains("help: make room on the disk"), "{err}");
}

const CONFIG: &str = r#"
domains:
  payments:
    issuer: { organization: acme, unencrypted: true }
    trust_points:
      payments.a2dd6:
        temporal_cloud: { api_key: "file:api-key" }
        endpoints: [{ address: "127.0.0.1:1" }]
    holders:
      worker-a:
        store: { directory: worker-a }
        organization: acme
        evidence: [attested]
"#;
