//! The workers: what goes on without a caller waiting for it.

pub mod asking;
pub mod dispatcher;
mod erasing;
pub mod listeners;
pub mod names;
mod outage;
pub mod rehearing;
pub mod relay;
pub mod replicas;
pub mod rest;
mod slices;
pub mod tasks;
pub mod upkeep;
