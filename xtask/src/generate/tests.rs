//! A file is fresh when it is there and holds what was made, and not otherwise.

use super::{is_fresh, write};

#[test]
fn fresh_stale_and_absent_are_told_apart() {
    let root = tempfile::tempdir().unwrap();
    let path = "docs/cli.md";
    assert!(!is_fresh(root.path(), path, "new\n").unwrap());
    write(root.path(), path, "old\n").unwrap();
    assert!(!is_fresh(root.path(), path, "new\n").unwrap());
    write(root.path(), path, "new\n").unwrap();
    assert!(is_fresh(root.path(), path, "new\n").unwrap());
}
