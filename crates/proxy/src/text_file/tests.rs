//! What counts as a new text.

use tokio::time::timeout;

use super::*;

/// Within this, what is to be told is told, even on a slow machine.
const PATIENCE: Duration = Duration::from_secs(10);

async fn told(file: &mut TextFile) -> Result<String, io::ErrorKind> {
    let text = timeout(PATIENCE, file.next()).await.unwrap();
    text.map(|text| text.to_string())
        .map_err(|error| error.kind())
}

#[tokio::test]
async fn each_text_is_told_once_and_so_is_its_absence() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("key");
    let mut file = TextFile::new(path.clone(), 10);
    assert_eq!(told(&mut file).await, Err(io::ErrorKind::NotFound));
    fs_err::write(&path, "one").unwrap();
    assert_eq!(told(&mut file).await, Ok("one".to_owned()));
    fs_err::write(&path, "two").unwrap();
    assert_eq!(told(&mut file).await, Ok("two".to_owned()));
    fs_err::write(&path, "more than ten").unwrap();
    assert_eq!(told(&mut file).await, Err(io::ErrorKind::InvalidData));
    fs_err::write(&path, "exactly 10").unwrap();
    assert_eq!(told(&mut file).await, Ok("exactly 10".to_owned()));
    // Nothing is told twice, unless somebody asks.
    assert!(timeout(4 * LOOK, file.next()).await.is_err());
    file.recheck().notify_one();
    assert_eq!(told(&mut file).await, Ok("exactly 10".to_owned()));
}

/// A writer that is halfway at one look is done at the next, or is met a second time and told.
#[tokio::test(start_paused = true)]
async fn half_a_text_is_not_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("key");
    fs_err::write(&path, "before").unwrap();
    let mut file = TextFile::new(path.clone(), 100);
    assert_eq!(told(&mut file).await, Ok("before".to_owned()));
    for round in 0..20 {
        fs_err::write(&path, "hal").unwrap();
        // One look, which meets the half.
        let look = timeout(LOOK * 3 / 2, file.next()).await;
        assert!(look.is_err(), "{round}");
        let whole = format!("half {round}");
        fs_err::write(&path, &whole).unwrap();
        assert_eq!(told(&mut file).await, Ok(whole));
    }
}
