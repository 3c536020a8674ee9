//! The simulator as its callers see it: over HTTP, with a business that hears its webhooks.

mod common;
mod corpus;
mod customers;
mod flows;
mod history;
mod library;
mod reviewer;
mod sending;
mod stream;
mod templates;
mod uploads;
mod webhooks;
