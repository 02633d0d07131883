//! Tests of the restart hook.

use super::{Door, HookError, restart_client};

#[tokio::test]
async fn the_hook_waits_for_the_answer() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("door");
    let door = Door::open(&path).unwrap();
    let (asked, ()) = tokio::join!(restart_client(&path), async {
        let knock = door.knock().await.unwrap();
        knock.answer(Ok::<(), std::io::Error>(())).await;
    });
    asked.unwrap();
}

#[tokio::test]
async fn a_failed_restart_is_a_failed_hook() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("door");
    let door = Door::open(&path).unwrap();
    let (asked, ()) = tokio::join!(restart_client(&path), async {
        let knock = door.knock().await.unwrap();
        knock
            .answer(Err(std::io::Error::other("no such file")))
            .await;
    });
    assert!(
        matches!(asked, Err(HookError::Refused { answer }) if answer == "no such file"),
        "the hook says what the demo said"
    );
}

#[tokio::test]
async fn without_a_demo_the_hook_fails() {
    let directory = tempfile::tempdir().unwrap();
    let asked = restart_client(&directory.path().join("door")).await;
    assert!(matches!(asked, Err(HookError::Ask(_))));
}
