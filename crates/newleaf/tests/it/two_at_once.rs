//! One rotation of a trust domain at a time: whoever comes second is refused, and the first goes on.

use crate::{
    rig::{End, Rig},
    run::Run,
};

#[tokio::test]
async fn while_one_is_driven_nobody_else_drives() {
    let rig = Rig::set(None).await;
    let mut first = rig.start("rotate ca payments --yes");
    // Both CAs are there now, and so a new plan would not even know which of them signs.
    let status = rig.reaches("prepared").await;
    for arguments in [
        "rotate ca payments --yes",
        "rotate leaf payments --yes",
        "resume",
    ] {
        let mut second = rig.start(arguments);
        assert_eq!(second.end().await, Some(1), "{}", second.said());
    }
    first.succeeds().await;
    let said = first.said();
    let refused = |with: &str| said.lines().filter(|line| line.contains(with)).count();
    let rotation = status["rotation"].as_str().unwrap();
    let under_way = format!("`{rotation}`");
    assert_eq!(refused("error[J002]: "), 2, "{said}");
    assert!(refused(&under_way) >= 2, "{said}");
    let pid = &status["driver"];
    let driven = format!("error[R003]: trust domain `payments` is driven by process {pid}");
    assert_eq!(refused(&driven), 1, "{said}");
    assert_eq!(rig.end().await, End::of_generation(2));
}

#[tokio::test]
async fn of_two_that_start_at_the_same_instant_one_goes_on() {
    let rig = Rig::set(None).await;
    let [mut one, mut other] = [(); 2].map(|()| rig.start("rotate ca payments --yes"));
    let (first, second) = tokio::join!(Run::end(&mut one), Run::end(&mut other));
    let mut codes = [first, second];
    codes.sort();
    assert_eq!(codes, [Some(0), Some(1)], "{}", one.said());
    assert_eq!(rig.end().await, End::of_generation(2));
}
