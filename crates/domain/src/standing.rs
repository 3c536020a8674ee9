//! How a number and its account stand with Meta, as far as webhooks and readings tell; and what that means for sending.
//!
//! Each thing told has the moment as of which it holds, and the latest counts, of two webhooks of one second the graver, so that any
//! order of webhooks gives the same standing.

use serde::{Deserialize, Serialize};

use crate::address::Phone;
use crate::time::Timestamp;

/// Longest word, date or name of Meta's that is kept.
pub const WORD_MAX: usize = 200;
/// Most restrictions that are kept of one webhook; Meta knows four.
pub const RESTRICTIONS_MAX: usize = 16;

/// Something told, as of a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told<T> {
    /// What.
    pub value: T,
    /// As of when, by the clock of whoever told it.
    pub at: Timestamp,
}

/// How a number and its account stand.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Standing {
    /// The account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Told<AccountState>>,
    /// What the account must not do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restrictions: Option<Told<Vec<Restriction>>>,
    /// The rule that the account broke last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub violation: Option<Told<String>>,
    /// What came of Meta's review of the account, in its word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<Told<String>>,
    /// What came of Meta's review of the number's display name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Told<NameStatus>>,
    /// The number's user name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<Told<Username>>,
}

/// An account, as `account_update` tells of it; the graver state is the greater.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum AccountState {
    /// In order; also after Meta has taken a ban back.
    Reinstated,
    /// Will be disabled.
    ScheduledForDisable {
        /// When, in Meta's prose.
        date: Option<String>,
    },
    /// Disabled.
    Disabled {
        /// When, in Meta's prose.
        date: Option<String>,
    },
    /// Deleted.
    Deleted,
}

/// Something an account must not do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Restriction {
    /// Meta's word.
    pub kind: String,
    /// Until when, where told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// What came of the review of a display name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NameStatus {
    /// Meta's word, such as `APPROVED` or `DECLINED`.
    pub status: String,
    /// The name that was asked for, where told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested: Option<String>,
    /// Why it was declined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A number's user name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Username {
    /// Without `@`; none where it was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Meta's word: `approved`, `reserved` or `deleted`.
    pub status: String,
}

/// One thing that Meta told of an account or of one of its numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountTold {
    /// The number that it is about; none for all of the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
    /// As of when.
    pub at: Timestamp,
    /// What.
    pub news: AccountNews,
}

/// What Meta told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "news")]
pub enum AccountNews {
    /// The account was banned, reinstated or deleted.
    Account {
        /// What it is now.
        account: AccountState,
    },
    /// The account must not do some things; replaces what was told before.
    Restricted {
        /// Which.
        restrictions: Vec<Restriction>,
    },
    /// The account broke a rule.
    Violation {
        /// Meta's word for the rule.
        kind: String,
    },
    /// The account was reviewed.
    Review {
        /// Meta's word.
        decision: String,
    },
    /// A display name was reviewed.
    Name {
        /// What came of it.
        name: NameStatus,
    },
    /// A user name changed.
    Username {
        /// What it is now.
        username: Username,
    },
}

impl Restriction {
    fn holds_at(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    /// Keeps the account from answering customers.
    fn stops_replies(&self) -> bool {
        self.kind.eq_ignore_ascii_case("RESTRICTED_CUSTOMER_INITIATED_MESSAGING")
    }

    /// Keeps the account from writing first.
    fn stops_writing_first(&self) -> bool {
        self.kind.eq_ignore_ascii_case("RESTRICTED_BIZ_INITIATED_MESSAGING")
    }
}

/// Takes over what was told, unless what is known was told later. Webhooks name whole seconds: of two of one second the greater value
/// counts, and beside a reading of ours within it, whose moment is known better, the later to come. Says whether anything but the
/// moment changed.
pub fn take<T: Ord>(slot: &mut Option<Told<T>>, value: T, at: Timestamp) -> bool {
    let is_older = |known: &Told<T>| at.as_secs() < known.at.as_secs() || (at == known.at && value < known.value);
    if slot.as_ref().is_some_and(is_older) {
        return false;
    }
    let changed = slot.as_ref().is_none_or(|known| known.value != value);
    *slot = Some(Told { value, at });
    changed
}

impl Standing {
    /// Takes over one thing told. Says whether anything changed.
    pub fn hear(&mut self, news: AccountNews, at: Timestamp) -> bool {
        match news {
            AccountNews::Account { account } => take(&mut self.account, account, at),
            AccountNews::Restricted { restrictions } => take(&mut self.restrictions, restrictions, at),
            AccountNews::Violation { kind } => take(&mut self.violation, kind, at),
            AccountNews::Review { decision } => take(&mut self.review, decision, at),
            AccountNews::Name { name } => take(&mut self.name, name, at),
            AccountNews::Username { username } => take(&mut self.username, username, at),
        }
    }

    /// The restrictions that hold: those that a later reinstatement has not ended and that have not run out.
    pub fn restrictions_at(&self, now: Timestamp) -> impl Iterator<Item = &Restriction> {
        let reinstated = self.account.as_ref().filter(|a| a.value == AccountState::Reinstated).map(|a| a.at);
        let told = self.restrictions.as_ref().filter(|told| reinstated.is_none_or(|at| at < told.at));
        told.into_iter().flat_map(|told| &told.value).filter(move |restriction| restriction.holds_at(now))
    }

    /// Why nothing at all may leave, in one sentence; none where it may.
    #[must_use]
    pub fn stops(&self, now: Timestamp) -> Option<String> {
        match self.account.as_ref().map(|account| &account.value) {
            Some(AccountState::Disabled { date: Some(date) }) => return Some(format!("Meta has disabled the account ({date}).")),
            Some(AccountState::Disabled { date: None }) => return Some("Meta has disabled the account.".to_owned()),
            Some(AccountState::Deleted) => return Some("The account is deleted at Meta.".to_owned()),
            Some(AccountState::Reinstated | AccountState::ScheduledForDisable { .. }) | None => {}
        }
        let stopping = self.restrictions_at(now).find(|restriction| restriction.stops_replies())?;
        Some(format!("Meta restricts the account: {}.", stopping.kind))
    }

    /// Whether customers without an open window must not be written to.
    #[must_use]
    pub fn holds_new(&self, now: Timestamp) -> bool {
        self.restrictions_at(now).any(Restriction::stops_writing_first)
    }

    /// When the first restriction that holds runs out.
    #[must_use]
    pub fn next_end(&self, now: Timestamp) -> Option<Timestamp> {
        self.restrictions_at(now).filter_map(|restriction| restriction.until).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::from_secs(1_000);

    fn restricted(kind: &str, until: Option<i64>) -> AccountNews {
        let until = until.map(Timestamp::from_secs);
        AccountNews::Restricted { restrictions: vec![Restriction { kind: kind.to_owned(), until }] }
    }

    fn account(account: AccountState) -> AccountNews {
        AccountNews::Account { account }
    }

    #[test]
    fn a_ban_stops_everything_until_it_is_taken_back() {
        let mut standing = Standing::default();
        assert!(standing.hear(account(AccountState::ScheduledForDisable { date: None }), Timestamp::from_secs(1)));
        assert_eq!(standing.stops(NOW), None);
        assert!(standing.hear(account(AccountState::Disabled { date: Some("May 1, 2026".into()) }), Timestamp::from_secs(2)));
        assert_eq!(standing.stops(NOW).as_deref(), Some("Meta has disabled the account (May 1, 2026)."));
        assert!(standing.hear(account(AccountState::Reinstated), Timestamp::from_secs(3)));
        assert!(!standing.hear(account(AccountState::Disabled { date: None }), Timestamp::from_secs(2)));
        assert_eq!(standing.stops(NOW), None);
        standing.hear(account(AccountState::Deleted), Timestamp::from_secs(4));
        assert!(standing.stops(NOW).is_some());
    }

    #[test]
    fn a_restriction_holds_what_it_names_until_it_runs_out_or_ends() {
        let mut standing = Standing::default();
        standing.hear(restricted("RESTRICTED_BIZ_INITIATED_MESSAGING", Some(1_001)), Timestamp::from_secs(5));
        assert_eq!((standing.stops(NOW), standing.holds_new(NOW)), (None, true));
        assert_eq!(standing.next_end(NOW), Some(Timestamp::from_secs(1_001)));
        assert!(!standing.holds_new(Timestamp::from_secs(1_001)));
        standing.hear(restricted("RESTRICTED_CUSTOMER_INITIATED_MESSAGING", None), Timestamp::from_secs(6));
        assert!(standing.stops(NOW).is_some() && !standing.holds_new(NOW));
        standing.hear(account(AccountState::Reinstated), Timestamp::from_secs(7));
        assert_eq!((standing.stops(NOW), standing.restrictions_at(NOW).count()), (None, 0));
        standing.hear(restricted("RESTRICTED_ADD_PHONE_NUMBER_ACTION", None), Timestamp::from_secs(8));
        assert_eq!((standing.stops(NOW), standing.holds_new(NOW), standing.restrictions_at(NOW).count()), (None, false, 1));
    }

    proptest! {
        #[test]
        fn any_order_gives_the_same_standing(moments in prop::collection::btree_set(0i64..40, 1..12), seed: u64, at_once in 1i64..9) {
            // Several of one second, too.
            let told: Vec<(AccountNews, Timestamp)> = moments.iter().map(|second| {
                let news = match second % 5 {
                    0 => account(AccountState::Disabled { date: None }),
                    1 => account(AccountState::Reinstated),
                    2 => restricted("RESTRICTED_BIZ_INITIATED_MESSAGING", None),
                    3 => AccountNews::Review { decision: format!("WORD_{second}") },
                    _ => AccountNews::Violation { kind: format!("RULE_{second}") },
                };
                (news, Timestamp::from_secs(*second / at_once))
            }).collect();
            let fold = |told: &[(AccountNews, Timestamp)]| {
                let mut standing = Standing::default();
                for (news, at) in told {
                    standing.hear(news.clone(), *at);
                }
                standing
            };
            let mut other = told.clone();
            let turn = usize::try_from(seed % told.len() as u64).unwrap_or(0);
            other.rotate_left(turn);
            other.reverse();
            other.extend(told.clone());
            prop_assert_eq!(fold(&told), fold(&other));
        }
    }
}
