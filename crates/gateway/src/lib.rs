//! The running service: dialects, intake, dispatcher, relay.
//!
//! One direction, no detours: in, decide, commit, act. See ARCHITECTURE.md for the way of one message and one webhook.

pub mod admin;
pub mod chance;
pub mod config;
pub mod console;
pub mod directory;
pub mod http;
pub mod intake;
pub mod media;
pub mod native;
pub mod problem;
pub mod seal;
pub mod service;
pub mod signing;
pub mod telemetry;
pub mod templates;
pub mod traces;
pub mod twilio;
pub mod upstream;
pub mod wire;
pub mod work;

mod house;

pub use house::{Gateway, GatewayParts, House, HouseParts, StartError};
pub use problem::Problem;
