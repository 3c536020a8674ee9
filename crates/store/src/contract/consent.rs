//! Consent: what is recorded of a customer, and what is read of it.

use transom_domain::address::Identity;
use transom_domain::consent::{Consent, Entry};
use transom_domain::id::{BusinessId, CustomerId};
use transom_domain::time::Timestamp;

/// A customer as callers name one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// By our id.
    Id(CustomerId),
    /// By an identity of the customer's, present or past.
    Identity(Identity),
}

/// A word to be recorded.
#[derive(Debug, Clone)]
pub struct RecordConsent {
    /// Whose customer.
    pub business: BusinessId,
    /// Whose word. An identity that nobody has becomes a new customer: consent is often older than the first message.
    pub who: Who,
    /// The id that a new customer gets.
    pub new_customer: CustomerId,
    /// The word. One that is there already, word for word and moment for moment, is not added again.
    pub entry: Entry,
    /// Now.
    pub now: Timestamp,
}

/// What recording did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedConsent {
    /// The customer.
    pub customer: CustomerId,
    /// Whether the word is new.
    pub news: bool,
    /// Whether something else is wanted than before.
    pub changed: bool,
    /// What is wanted now.
    pub consent: Consent,
}

/// A customer's consent and a page of the ledger it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsentLedger {
    /// The customer.
    pub customer: CustomerId,
    /// What is wanted now.
    pub consent: Consent,
    /// Entries, newest first.
    pub entries: Vec<Entry>,
    /// Gives the next page.
    pub next: Option<String>,
}
