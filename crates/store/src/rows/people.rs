//! Who there is: businesses, keys, apps, senders, templates, customers.

use std::collections::BTreeSet;

use transom_domain::address::Identity;
use transom_domain::consent::Consent;
use transom_domain::content::Language;
use transom_domain::fact::IdentityChange;
use transom_domain::id::{BusinessId, CustomerId, KeyId, SenderId};
use transom_domain::people::{Claim, Joined, Present};
use transom_domain::template::Record;
use transom_domain::time::Timestamp;

use super::Result;
use crate::{App, Business, BusinessSettings, Key, Sender};

/// Characters of a name that are looked at when it is looked for.
const FOLDED_MAX: usize = 64;
/// Words of a name, after its first, by which it is found.
const WORDS_MAX: usize = 8;

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

/// Rows of the administration.
pub(crate) trait AdminRows {
    /// How often the directory has changed: see [`crate::Store::directory_version`].
    fn directory_version(&self) -> Result<u64>;
    /// Counts one more change of the directory. Every move that changes what it shows does so.
    fn raise_directory(&mut self) -> Result<()>;

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
    /// Either, from a later word on.
    Word,
}

/// A name as it is looked for: without regard to case, and bounded.
pub(crate) fn folded(name: &str) -> String {
    name.trim().chars().take(FOLDED_MAX).flat_map(char::to_lowercase).collect()
}

/// What a customer is found by beside the beginnings of its names: each from every later word on, so that what is looked for may go
/// on over the word's end. A word begins where a letter or digit follows something else.
pub(crate) fn words(row: &CustomerRow) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for name in row.name.iter().chain(&row.username) {
        let name = folded(name);
        let pairs = name.char_indices().zip(name.char_indices().skip(1));
        let begins = pairs.filter(|((_, before), (_, first))| !before.is_alphanumeric() && first.is_alphanumeric());
        found.extend(begins.take(WORDS_MAX).filter_map(|(_, (at, _))| name.get(at..).map(str::to_owned)));
    }
    found
}

/// By which of a customer's names a search finds it first, and under what text.
pub(crate) fn found_by(row: &CustomerRow, prefix: &str) -> Option<(NameKey, String)> {
    let begins = |name: &Option<String>| name.as_deref().map(folded).filter(|name| name.starts_with(prefix));
    let word = || words(row).into_iter().find(|word| word.starts_with(prefix)).map(|word| (NameKey::Word, word));
    let name = || begins(&row.name).map(|name| (NameKey::Name, name));
    begins(&row.username).map(|name| (NameKey::Username, name)).or_else(name).or_else(word)
}

/// The first text that is greater than every text with this prefix.
pub(crate) fn past(prefix: &str) -> String {
    format!("{prefix}{}", char::MAX)
}

/// Rows of customers.
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
    /// Customers whose folded name, or user name, or a later word of either, begins so, in the order of what is looked at, after the
    /// one given; at most `limit`, each with what was looked at.
    fn named(
        &self,
        business: BusinessId,
        by: NameKey,
        prefix: &str,
        after: Option<(&str, CustomerId)>,
        limit: usize,
    ) -> Result<Vec<(String, CustomerId)>>;

    fn customer(&self, business: BusinessId, id: CustomerId) -> Result<Option<CustomerRow>>;
    /// Keeps a customer who is called as before; see [`PeopleRows::rename_customer`].
    fn put_customer(&mut self, row: &CustomerRow) -> Result<()>;
    /// Keeps a customer who was called otherwise, or by no name.
    fn rename_customer(&mut self, was: &CustomerRow, row: &CustomerRow) -> Result<()> {
        let (before, after) = (words(was), words(row));
        for word in before.difference(&after) {
            self.drop_word(row.business, word, row.id)?;
        }
        for word in after.difference(&before) {
            self.put_word(row.business, word, row.id)?;
        }
        self.put_customer(row)
    }
    /// Keeps one of [`words`].
    fn put_word(&mut self, business: BusinessId, word: &str, customer: CustomerId) -> Result<()>;
    /// Removes one of [`words`].
    fn drop_word(&mut self, business: BusinessId, word: &str, customer: CustomerId) -> Result<()>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn called(name: &str, username: Option<&str>) -> CustomerRow {
        CustomerRow {
            id: CustomerId(1),
            business: BusinessId(1),
            name: Some(name.to_owned()),
            username: username.map(str::to_owned),
            named_at: Timestamp::EPOCH,
            present: Present::default(),
            merged: None,
            absorbed: 0,
            consent: Consent::default(),
        }
    }

    #[test]
    fn words_begin_where_letters_or_digits_do() {
        for (name, username, found) in [
            ("Ana", None, vec![]),
            ("Ana Mar\u{ed}a  SMITH", None, vec!["mar\u{ed}a  smith", "smith"]),
            ("O'Brien-Li", Some("bo_li.2"), vec!["2", "brien-li", "li", "li.2"]),
            ("\u{1f98a} Fox", None, vec!["fox"]),
            ("a b a b", None, vec!["a b", "b", "b a b"]),
            ("   ", Some("..."), vec![]),
        ] {
            assert_eq!(words(&called(name, username)).into_iter().collect::<Vec<_>>(), found, "{name}");
        }
        let many = words(&called(&"w ".repeat(500), None));
        assert_eq!((many.len(), many.iter().all(|word| word.chars().count() < FOLDED_MAX)), (WORDS_MAX, true));
    }

    #[test]
    fn a_search_finds_by_one_name_only() {
        let row = called("Ana Banana", Some("ban.ana"));
        for (prefix, by) in [
            ("ban", Some((NameKey::Username, "ban.ana"))),
            ("ana", Some((NameKey::Name, "ana banana"))),
            ("ana b", Some((NameKey::Name, "ana banana"))),
            ("bana", Some((NameKey::Word, "banana"))),
            ("nana", None),
        ] {
            assert_eq!(found_by(&row, prefix), by.map(|(by, text)| (by, text.to_owned())), "{prefix}");
        }
    }
}
