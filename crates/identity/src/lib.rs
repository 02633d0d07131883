//! Custody: holds the key and the chain of the moment.
//!
//! **What lives here.** [`Identity`], which is checked when it is made; the channel on which one writer
//! publishes it to many readers ([`publish`]), who may be rustls itself; the TLS configuration under which an
//! identity is presented ([`tls`]); where an identity is read ([`source`], [`directory`]) and how its replacement is
//! noticed ([`watch`]); and the randomness of new keys and serial numbers ([`generate`]).
//!
//! **What never will.** Nothing here writes an identity anywhere, opens a connection, or decides that an
//! identity should be replaced. A key never leaves: no type that holds one has `Debug`, `Clone` or
//! `Serialize`.
//!
//! **Where to start reading.** [`Identity::from_pem`], then [`publish::channel`], then [`tls::client_config`].

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

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
