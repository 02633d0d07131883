//! Deeds: looks at, and changes, the world outside.
//!
//! **What lives here.** One adapter for each kind of outside: Temporal Cloud, a self-hosted server's CA files,
//! a person with a ticket, the local CA, identity directories, canaries at the endpoints, and the places where it is seen who
//! presents what. Together they are a [`World`]: they answer a [`Look`](newleaf_rotation::Look) with a
//! [`Sight`](newleaf_rotation::Sight), and do a [`Deed`](newleaf_rotation::Deed).
//!
//! **What never will.** No judgement: whether a goal is reached, whether a change may be made, and what comes next is decided in
//! `newleaf-rotation`, from the sights. No waiting between looks, no memory of a rotation: that is
//! `newleaf-controller`'s. Only here are cloud SDKs known.
//!
//! **Where to start reading.** [`World`], then [`Domain`], then any adapter.

pub mod domain;
pub mod ledger;
pub mod world;

pub use domain::Domain;
pub use ledger::{Ledger, LedgerEntry};
pub use world::World;
