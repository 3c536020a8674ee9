//! The store's contract, its engines, and one conformance suite run against each.

pub mod contract;

pub use contract::*;
