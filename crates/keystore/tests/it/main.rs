//! Keys go out to other programs and come back from them: openssl, Java's keytool, a PKCS #11 token.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "a failed test should panic, and a part that is missing should be seen"
)]

mod bench;
mod forms;
mod hostile;
mod pkcs12;
mod sealed;
mod token;
