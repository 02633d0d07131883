//! What newleaf issues, before judges that are not newleaf; and what strangers send, before newleaf.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a failed test should panic, and a judge that is missing should be seen"
)]

mod corpora;
mod hostile;
mod issued;
mod judges;
mod peers;
mod pkits;
