//! The connections to the server: [`keeper::Keeper`] keeps them there.

mod ages;
pub(crate) mod candidates;
pub(crate) mod keeper;
pub(crate) mod objection;
mod pace;
mod trial;
pub(crate) mod whereabouts;
