//! Who may have a key.

use super::may_have;

#[test]
fn our_own_processes_and_roots() {
    assert!(may_have(1000, 1000));
    assert!(may_have(0, 1000));
    assert!(!may_have(1001, 1000));
    assert!(!may_have(1000, 0), "root's keys are for root");
}
