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
//! **Where to start reading.** [`World`], then [`Systems`], then [`Domain`] and any adapter.

pub mod canary;
mod dial;
pub mod domain;
mod evidence;
pub mod file;
pub mod greeting;
mod grpc;
pub mod issuer;
pub mod ledger;
pub mod manual;
mod replace;
pub mod restart;
pub mod self_hosted;
mod systems;
pub mod temporal_cloud;
mod trouble;
pub mod world;

pub use domain::Domain;
pub use ledger::{Ledger, LedgerEntry};
pub use systems::Systems;
pub use world::World;
