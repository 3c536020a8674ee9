//! What is true and what should happen; pure: no I/O, async, clock or chance.

pub mod address;
pub mod id;
pub mod time;

pub use time::{Span, Timestamp};
