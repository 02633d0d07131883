//! How the program ends.

use super::*;

/// The one exit code that no command line can be asked for.
#[test]
fn a_panic_is_our_bug_and_ends_so() {
    let console = Console::of_this_process();
    let panics = || -> Result<Exit, Failure> { panic!("a test panics on purpose") };
    assert_eq!(end(console, panics), Exit::Bug);
    assert_eq!(end(console, || Ok(Exit::Waiting)), Exit::Waiting);
    let fails = || Err(Failure::new(&code::PLAN, "no plan"));
    assert_eq!(end(console, fails), Exit::Usage);
}
