//! Customers: who they are, and which of them are one person.

use transom_domain::address::Identity;
use transom_domain::consent::Consent;
use transom_domain::id::{CustomerId, SenderId};
use transom_domain::people::{Claim, Joined, Present};
use transom_domain::time::Timestamp;

/// A person: a customer together with all who turned out to be the same one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerView {
    /// Names the person. An id that leads to it names it too.
    pub id: CustomerId,
    /// Display name.
    pub name: Option<String>,
    /// User name.
    pub username: Option<String>,
    /// By what the person is reached now.
    pub present: Present,
    /// All identities, present and past, each with the customer who has it.
    pub identities: Vec<(CustomerId, Claim)>,
    /// The other customers who are this person.
    pub merged: Vec<MergedCustomer>,
    /// What is wanted.
    pub consent: Consent,
}

/// A customer who turned out to be another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergedCustomer {
    /// Names the customer.
    pub id: CustomerId,
    /// Display name by which this one was known.
    pub name: Option<String>,
    /// To whom it leads.
    pub into: CustomerId,
    /// Since when.
    pub at: Timestamp,
    /// How that became known.
    pub why: Joined,
}

/// Which customers are listed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CustomerFilter {
    /// Who has this identity.
    pub identity: Option<Identity>,
    /// Whose phone number, or any word of whose user name or display name, begins so, without regard to case. A text of digits is a
    /// number.
    pub query: Option<String>,
}

/// What became of a merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MergeOutcome {
    /// They are one person now.
    Merged {
        /// Under this id the person goes on.
        customer: CustomerId,
        /// This one leads there.
        merged: CustomerId,
    },
    /// They were one person already: this one.
    Same(CustomerId),
    /// One of them is none of this business.
    NotFound,
    /// Together they would be more customers than one person may be.
    TooMany,
    /// They were separated by hand.
    KeptApart,
}

/// What a merge did beside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeAnswer {
    /// What became of it.
    pub outcome: MergeOutcome,
    /// Senders that may send again at once, since a window of one is a window of both.
    pub nudged: Vec<SenderId>,
}

/// What became of taking a merge back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnmergeOutcome {
    /// They are two again; the other one is this.
    Unmerged {
        /// The person the customer was one with.
        customer: CustomerId,
    },
    /// The customer leads to no other one.
    NotMerged,
    /// No such customer in this business.
    NotFound,
}
