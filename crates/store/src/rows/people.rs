//! Who there is: businesses, keys, apps, senders, templates, customers, conversations.

use transom_domain::address::Identity;
use transom_domain::consent::Consent;
use transom_domain::content::Language;
use transom_domain::fact::IdentityChange;
use transom_domain::id::{BusinessId, CustomerId, KeyId, SenderId};
use transom_domain::people::{Claim, Joined, Present};
use transom_domain::session::Evidence;
use transom_domain::template::Record;
use transom_domain::time::Timestamp;

use super::Result;
use crate::{App, Business, BusinessSettings, Key, Sender};

/// Characters of a name that are looked at when it is looked for.
const FOLDED_MAX: usize = 64;

/// A customer, and as long as it leads to no other one, a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CustomerRow {
    pub(crate) id: CustomerId,
    pub(crate) business: BusinessId,
    pub(crate) name: Option<String>,
    pub(crate) username: Option<String>,
    /// When the customer was last heard under these names: of several customers who are one person, the latest are the person's.
    pub(crate) named_at: Timestamp,
    /// What follows from the claims of the person; kept in the row that leads to no other one.
    pub(crate) present: Present,
    /// Which other customer this one turned out to be.
    pub(crate) merged: Option<Merged>,
    /// How many customers lead directly to this one: none for nearly all, so that they cost no look for others.
    pub(crate) absorbed: u32,
    /// What is wanted: the join over the customer's ledger.
    pub(crate) consent: Consent,
}

/// Where a customer leads who turned out to be another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Merged {
    pub(crate) into: CustomerId,
    pub(crate) at: Timestamp,
    pub(crate) why: Joined,
}

/// A claim and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClaimRow {
    pub(crate) customer: CustomerId,
    pub(crate) claim: Claim,
}

/// One sender and one customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Conversation {
    /// What is known of the session.
    pub(crate) evidence: Evidence,
    /// When what is told of the session is looked at again; none while it is told to be closed.
    pub(crate) look_at: Option<Timestamp>,
    /// Pair pace: the moment at which everything borrowed so far is paid back.
    pub(crate) paid_back: Option<Timestamp>,
}

/// Rows of the administration.
pub(crate) trait AdminRows {
    fn business(&self, id: BusinessId) -> Result<Option<Business>>;
    fn put_business(&mut self, business: &Business) -> Result<()>;
    fn businesses(&self) -> Result<Vec<Business>>;
    /// The ids of businesses after one, in their order.
    fn businesses_after(&self, after: Option<BusinessId>, limit: usize) -> Result<Vec<BusinessId>>;
    /// What a business has chosen; the defaults where it has chosen nothing. The writer remembers it.
    fn settings(&self, business: BusinessId) -> Result<BusinessSettings>;
    fn put_settings(&mut self, business: BusinessId, settings: &BusinessSettings) -> Result<()>;

    fn key_by_hash(&self, hash: &[u8; 32]) -> Result<Option<Key>>;
    fn key(&self, business: BusinessId, key: KeyId) -> Result<Option<Key>>;
    fn put_key(&mut self, key: &Key) -> Result<()>;
    fn keys(&self, business: BusinessId) -> Result<Vec<Key>>;

    fn put_app(&mut self, app: &App) -> Result<()>;
    fn apps(&self) -> Result<Vec<App>>;

    fn sender(&self, id: SenderId) -> Result<Option<Sender>>;
    fn put_sender(&mut self, sender: &Sender) -> Result<()>;
    fn senders(&self) -> Result<Vec<Sender>>;
    /// A sender, other than `but`, that has this account or address, or, in another business, this WABA.
    fn rival(&self, sender: &Sender) -> Result<Option<SenderId>>;

    fn template(&self, business: BusinessId, waba: &str, name: &str, language: &Language) -> Result<Option<Record>>;
    fn put_template(&mut self, business: BusinessId, waba: &str, row: &Record) -> Result<()>;
    /// All of a WABA, or all languages of one name, by name and language.
    fn templates(&self, business: BusinessId, waba: &str, name: Option<&str>) -> Result<Vec<Record>>;
}

/// Which name a customer is looked for by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NameKey {
    /// Display name.
    Name,
    /// User name.
    Username,
}

/// A name as it is looked for: without regard to case, and bounded.
pub(crate) fn folded(name: &str) -> String {
    name.trim().chars().take(FOLDED_MAX).flat_map(char::to_lowercase).collect()
}

/// The first text that is greater than every text with this prefix.
pub(crate) fn past(prefix: &str) -> String {
    format!("{prefix}{}", char::MAX)
}

/// Rows of customers and conversations.
pub(crate) trait PeopleRows {
    /// Who has this identity now. A number is found by each of its spellings.
    fn holder(&self, business: BusinessId, identity: &Identity) -> Result<Option<ClaimRow>>;
    /// What one customer has of an identity.
    fn claim(&self, business: BusinessId, identity: &Identity, customer: CustomerId) -> Result<Option<Claim>>;
    /// Keeps a claim; one that is held is the only held one of its identity.
    fn put_claim(&mut self, business: BusinessId, row: &ClaimRow) -> Result<()>;
    /// All claims on an identity, by customer; at most `limit`.
    fn claims_on(&self, business: BusinessId, identity: &Identity, limit: usize) -> Result<Vec<ClaimRow>>;
    /// All claims of a customer, in the order of their texts; at most `limit`.
    fn claims_of(&self, business: BusinessId, customer: CustomerId, limit: usize) -> Result<Vec<Claim>>;
    /// Who holds an identity whose text begins so, in the order of the texts after the one given; at most `limit`.
    fn holders_from(
        &self,
        business: BusinessId,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, CustomerId)>>;

    /// Remembers a change under one of the identities that it names, so that it is found once that one is heard of.
    fn put_change(&mut self, business: BusinessId, identity: &Identity, change: &IdentityChange) -> Result<()>;
    /// The latest changes that name an identity, oldest first; at most `limit`.
    fn changes(&self, business: BusinessId, identity: &Identity, limit: usize) -> Result<Vec<IdentityChange>>;

    /// Removes changes from before a moment. How many rows.
    fn sweep_changes(&mut self, before: Timestamp, limit: usize) -> Result<usize>;

    /// The customers that lead directly to this one, by id; at most `limit`.
    fn absorbed(&self, business: BusinessId, customer: CustomerId, limit: usize) -> Result<Vec<CustomerId>>;
    /// Keeps two customers apart, or no longer.
    fn put_apart(&mut self, business: BusinessId, one: CustomerId, other: CustomerId, apart: bool) -> Result<()>;
    /// The customers that this one is kept apart from; at most `limit`.
    fn apart(&self, business: BusinessId, customer: CustomerId, limit: usize) -> Result<Vec<CustomerId>>;

    /// Customers, latest ids first, before the one given; at most `limit`. Those that lead to another one are among them.
    fn customers(&self, business: BusinessId, before: Option<CustomerId>, limit: usize) -> Result<Vec<CustomerRow>>;
    /// Customers whose folded name, or user name, begins so, in the order of what is looked at, after the one given; at most
    /// `limit`, each with what was looked at.
    fn named(
        &self,
        business: BusinessId,
        by: NameKey,
        prefix: &str,
        after: Option<(&str, CustomerId)>,
        limit: usize,
    ) -> Result<Vec<(String, CustomerId)>>;

    fn customer(&self, business: BusinessId, id: CustomerId) -> Result<Option<CustomerRow>>;
    fn put_customer(&mut self, row: &CustomerRow) -> Result<()>;

    fn conversation(&self, sender: SenderId, customer: CustomerId) -> Result<Option<Conversation>>;
    /// Keeps a conversation. One that is there keeps its [`Conversation::look_at`], which changes only with
    /// [`PeopleRows::put_look`].
    fn put_conversation(
        &mut self,
        business: BusinessId,
        sender: SenderId,
        customer: CustomerId,
        row: &Conversation,
    ) -> Result<()>;
    /// As [`PeopleRows::put_conversation`], where nothing but the pair's pace has changed: less than that.
    fn put_paid_back(&mut self, business: BusinessId, sender: SenderId, customer: CustomerId, row: &Conversation) -> Result<()> {
        self.put_conversation(business, sender, customer, row)
    }
    /// Keeps when a conversation that is there is looked at again.
    fn put_look(&mut self, sender: SenderId, customer: CustomerId, look_at: Option<Timestamp>) -> Result<()>;
    /// Conversations that are to be looked at, the longest due first.
    fn due_looks(&self, now: Timestamp, limit: usize) -> Result<Vec<(BusinessId, SenderId, CustomerId)>>;
    /// When the first look is due.
    fn next_look(&self) -> Result<Option<Timestamp>>;
    /// The sender that heard this customer last.
    fn last_heard_by(&self, business: BusinessId, customer: CustomerId) -> Result<Option<SenderId>>;
    /// Conversations that were ever heard, latest first, after the one given; narrowed to a sender or a customer.
    fn heard_conversations(
        &self,
        business: BusinessId,
        sender: Option<SenderId>,
        customer: Option<CustomerId>,
        after: Option<(Timestamp, SenderId, CustomerId)>,
        limit: usize,
    ) -> Result<Vec<(SenderId, CustomerId, Evidence)>>;
}
