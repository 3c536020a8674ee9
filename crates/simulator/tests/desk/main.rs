//! The simulator as its callers see it: over HTTP, with a business that hears its webhooks.

mod common;
mod customers;
mod sending;
mod templates;
mod webhooks;
