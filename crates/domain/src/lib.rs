//! What is true and what should happen; pure: no I/O, async, clock or chance.

pub mod address;
pub mod amendment;
#[cfg(test)]
mod cases;
pub mod consent;
mod contact_card;
pub mod content;
pub mod dispatch;
pub mod endpoint;
pub mod error_code;
pub mod event;
pub mod fact;
pub mod failure;
pub mod field;
pub mod free_form;
pub mod holding;
pub mod id;
pub mod keywords;
pub mod limits;
pub mod lint;
pub mod media;
pub mod message;
pub mod messaging_service;
pub mod messenger;
pub mod pacing;
pub mod parameters;
pub mod people;
pub mod rules;
pub mod session;
pub mod shares;
pub mod shown;
pub mod standing;
pub mod status;
pub mod submission;
pub mod template;
pub mod template_rules;
pub mod time;
pub mod trace;
pub mod translate;
pub mod verdict;

pub use time::{Span, Timestamp};
