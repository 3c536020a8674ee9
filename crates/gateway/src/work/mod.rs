//! The workers: what goes on without a caller waiting for it.

pub mod dispatcher;
mod erasing;
pub mod listeners;
pub mod rehearing;
pub mod relay;
pub mod rest;
pub mod tasks;
pub mod upkeep;
