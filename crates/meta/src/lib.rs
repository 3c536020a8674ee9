//! Meta's wire: requests, responses, webhooks, signatures, codes.
//!
//! Pure: bytes and JSON in, the domain's types out, and the reverse. Nothing here opens a connection, reads a clock or keeps
//! anything; the gateway's client and intake do that around it.

pub mod codes;
pub mod flow_json;
pub mod graph;
pub mod messenger;
mod read;
pub mod send;
pub mod signature;
pub mod templates;
pub mod webhook;
mod wire_error;
