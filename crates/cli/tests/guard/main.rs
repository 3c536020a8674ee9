//! What hostile neighbours get at the real binary: slow, silent and flooding clients, other tenants, readers of the disk.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../common/mod.rs"]
mod common;
mod consent;
mod erasing;
mod floods;
mod people;
mod secrets;
#[path = "../shop/mod.rs"]
mod shop;
mod tenants;
