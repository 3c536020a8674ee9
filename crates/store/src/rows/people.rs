//! Who there is: businesses, keys, apps, senders, templates, customers, conversations.

use transom_domain::address::{Bsuid, Identity, Phone};
use transom_domain::consent::Consent;
use transom_domain::content::Language;
use transom_domain::id::{BusinessId, CustomerId, KeyId, SenderId};
use transom_domain::session::Evidence;
use transom_domain::template::Record;
use transom_domain::time::Timestamp;

use super::Result;
use crate::{App, Business, BusinessSettings, Key, Sender};

/// A customer. Each of the two present identities has the moment as of which it is known, so that any order of webhooks gives
/// the same present.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CustomerRow {
    pub(crate) id: CustomerId,
    pub(crate) business: BusinessId,
    pub(crate) name: Option<String>,
    pub(crate) username: Option<String>,
    /// Present phone number.
    pub(crate) phone: Option<Phone>,
    /// As of when that is known; also when it is known that there is none.
    pub(crate) phone_since: Timestamp,
    /// Present business-scoped user id.
    pub(crate) bsuid: Option<Bsuid>,
    /// As of when.
    pub(crate) bsuid_since: Timestamp,
    /// Page-scoped id or parent id: what the customer is addressed by when there is neither of the above.
    pub(crate) other: Option<Identity>,
    /// What is wanted: the join over the customer's ledger.
    pub(crate) consent: Consent,
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

/// Rows of customers and conversations.
pub(crate) trait PeopleRows {
    /// Who has this identity, and since when.
    fn holder(&self, business: BusinessId, identity: &Identity) -> Result<Option<(CustomerId, Timestamp)>>;
    /// Gives an identity to a customer, whoever had it before.
    fn put_identity(&mut self, business: BusinessId, identity: &Identity, customer: CustomerId, since: Timestamp) -> Result<()>;
    /// All identities of a customer, in the order of their texts.
    fn identities(&self, business: BusinessId, customer: CustomerId) -> Result<Vec<Identity>>;

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
