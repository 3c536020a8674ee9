//! Twilio's dialect: parse, call, print. No rule of sessions, content or sending stands here.

pub mod callback;
