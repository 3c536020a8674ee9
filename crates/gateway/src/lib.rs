//! The running service: dialects, intake, dispatcher, relay.
