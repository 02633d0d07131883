//! Custody: holds the key and the chain of the moment.
//!
//! **What lives here.** [`Identity`], which is checked when it is made; the channel on which one writer
//! publishes it to many readers ([`publish`]), who may be rustls itself; the TLS configuration under which an
//! identity is presented ([`tls`]); where an identity is read ([`source`], [`directory`]), how its replacement is
//! noticed ([`watch`]) and published ([`reload`]); with the feature `tonic`, a channel that moves to it (`channel`), which opens
//! connections when it is told to; and the randomness of new keys and serial numbers ([`generate`]).
//!
//! **What never will.** Nothing here writes an identity anywhere, or decides that there should be another: what is replaced
//! was replaced by whoever writes the source. A key never leaves: no type that holds one has `Debug`, `Clone` or
//! `Serialize`.
//!
//! **Where to start reading.** [`Identity::from_pem`], then [`publish::channel`], then [`tls::client_config`].
//!
//! **What may grow.** Errors that are marked `#[non_exhaustive]` may get new variants at any time. The other enums are closed:
//! a new variant is a breaking release, and whoever matches them is told by the compiler.
//!
//! ---
#![doc = include_str!("../README.md")]

#[cfg(feature = "tonic")]
pub mod channel;
pub mod directory;
pub mod generate;
mod identity;
pub mod publish;
pub mod reload;
pub mod source;
pub mod tls;
pub mod watch;

pub use identity::{Identity, Refusal};
pub use reload::Reloader;
pub use source::Source;
pub use watch::Watcher;

#[cfg(test)]
mod testing;
