//! Content on the real binary, gateway and simulator: kept, submitted, approved, sent.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod approving;
mod cases;
#[path = "../common/mod.rs"]
mod common;
mod differences;
mod keeping;
mod payloads;
#[path = "../shop/mod.rs"]
mod shop;
