//! Consent: what a customer wants to be sent, since when, and how that became known.
//!
//! The state is a join over the words in a ledger: any order and any repetition of the same words gives the same state. Per
//! scope the newest word counts, and of two words of one moment the one against.
//!
//! What the scopes mean:
//! - [`Scope::Marketing`]: templates of the category marketing. Nothing else is held back.
//! - [`Scope::Everything`]: all there is, one-time codes and answers inside an open session too, until the customer opts in
//!   again. That a customer who opted out writes is no opt-in: carriers and the large senders of text messages hold it so, and
//!   whoever wants to answer records the customer's wish first.
//!
//! A word about everything speaks of marketing too, so that START undoes STOP and whatever was stopped before it.

use serde::{Deserialize, Serialize};

use crate::id::{KeyId, MessageId, UserId};
use crate::time::Timestamp;

/// Longest text of an [`Evidence`], in characters.
pub const TEXT_MAX: usize = 2_000;
/// Longest web address of an [`Evidence`], in characters.
pub const URL_MAX: usize = 2_000;
/// Longest network address of an [`Evidence`], in characters: an IPv6 address with an IPv4 tail.
pub const IP_MAX: usize = 45;

/// What a word of consent is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Marketing.
    Marketing,
    /// All there is, marketing included.
    Everything,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 2] = [Self::Marketing, Self::Everything];

    /// The word on our wires.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Marketing => "marketing",
            Self::Everything => "everything",
        }
    }

    /// The scope with this word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == word)
    }
}

/// What was chosen. The later one of this order wins where two were chosen at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// Wants it.
    OptedIn,
    /// Does not want it.
    OptedOut,
}

impl Choice {
    /// Both.
    pub const ALL: [Self; 2] = [Self::OptedIn, Self::OptedOut];

    /// The word on our wires.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OptedIn => "opted_in",
            Self::OptedOut => "opted_out",
        }
    }

    /// The choice with this word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|choice| choice.as_str() == word)
    }
}

/// How a choice became known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The customer wrote or tapped one of the business's stop or start words.
    Keyword,
    /// The customer chose so in WhatsApp (webhooks/reference/user_preferences).
    Preference,
    /// Meta refused a marketing message because the customer wants none: 131050.
    Refusal,
    /// The business recorded it through the API.
    Api,
    /// An operator recorded it on the command line.
    Cli,
    /// It comes from a system in which it was kept before.
    Import,
}

impl Source {
    /// Every source.
    pub const ALL: [Self; 6] = [Self::Keyword, Self::Preference, Self::Refusal, Self::Api, Self::Cli, Self::Import];

    /// The word on our wires.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Keyword => "keyword",
            Self::Preference => "preference",
            Self::Refusal => "refusal",
            Self::Api => "api",
            Self::Cli => "cli",
            Self::Import => "import",
        }
    }

    /// The source with this word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.as_str() == word)
    }
}

/// What shows that a choice was made. All of it may be missing; what there is, is kept as it was given.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Evidence {
    /// Our id of the message that says it: the customer's, or the one that Meta refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<MessageId>,
    /// What the customer or the webhook said, in its own words; at most [`TEXT_MAX`] characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
    /// What was shown to the customer when the choice was made; at most [`TEXT_MAX`] characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wording: Option<String>,
    /// From which network address it was made; at most [`IP_MAX`] characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// On which page it was made; at most [`URL_MAX`] characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The key under which it was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyId>,
    /// Who recorded it in the console.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
}

/// One line of a ledger: never changed, never taken back; a later one counts instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// About what.
    pub scope: Scope,
    /// What.
    pub choice: Choice,
    /// When the choice was made, by the clock of whoever told it.
    pub at: Timestamp,
    /// How it became known.
    pub source: Source,
    /// What shows it.
    #[serde(default)]
    pub evidence: Evidence,
}

/// The choice that counts, and since when. The greater of two is the newer; of one moment, the opt-out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Stand {
    /// When it was made.
    pub at: Timestamp,
    /// What.
    pub choice: Choice,
}

/// What a customer wants, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
pub struct Consent {
    /// Marketing; none while nobody has said anything of it.
    pub marketing: Option<Stand>,
    /// Everything; none while nobody has said anything of it.
    pub everything: Option<Stand>,
}

impl Consent {
    /// As it is with this word too.
    #[must_use]
    pub fn and(self, entry: &Entry) -> Self {
        let said = Some(Stand { at: entry.at, choice: entry.choice });
        let everything = match entry.scope {
            Scope::Everything => self.everything.max(said),
            Scope::Marketing => self.everything,
        };
        Self { marketing: self.marketing.max(said), everything }
    }

    /// What two ledgers together say: of two customers who are one person.
    #[must_use]
    pub fn joined(self, other: Self) -> Self {
        Self { marketing: self.marketing.max(other.marketing), everything: self.everything.max(other.everything) }
    }

    /// What was chosen of a scope.
    #[must_use]
    pub fn of(self, scope: Scope) -> Option<Stand> {
        match scope {
            Scope::Marketing => self.marketing,
            Scope::Everything => self.everything,
        }
    }

    /// Whether the customer opted out of a scope.
    #[must_use]
    pub fn opted_out(self, scope: Scope) -> bool {
        self.of(scope).is_some_and(|stand| stand.choice == Choice::OptedOut)
    }

    /// Whether something else is wanted than before, whenever it was said.
    #[must_use]
    pub fn differs(self, before: Self) -> bool {
        Scope::ALL.into_iter().any(|scope| self.of(scope).map(|s| s.choice) != before.of(scope).map(|s| s.choice))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry() -> impl Strategy<Value = Entry> {
        (prop::sample::select(&Scope::ALL[..]), prop::sample::select(&Choice::ALL[..]), 0i64..5).prop_map(
            |(scope, choice, at)| Entry {
                scope,
                choice,
                at: Timestamp::from_secs(at),
                source: Source::Api,
                evidence: Evidence::default(),
            },
        )
    }

    fn of(entries: &[Entry]) -> Consent {
        entries.iter().fold(Consent::default(), Consent::and)
    }

    proptest! {
        #[test]
        fn any_order_and_repetition_gives_the_same_consent(
            (entries, shuffled) in prop::collection::vec(entry(), 0..10).prop_flat_map(|entries| {
                let twice: Vec<Entry> = entries.iter().chain(&entries).cloned().collect();
                (Just(entries), Just(twice).prop_shuffle())
            }),
            cut in 0usize..10,
        ) {
            prop_assert_eq!(of(&entries), of(&shuffled));
            // Two halves of a ledger joined are the whole.
            let (one, other) = entries.split_at(cut.min(entries.len()));
            prop_assert_eq!(of(one).joined(of(other)), of(&entries));
        }

        #[test]
        fn the_newest_word_counts_and_of_two_at_once_the_one_against(entries in prop::collection::vec(entry(), 0..10)) {
            let consent = of(&entries);
            for scope in Scope::ALL {
                let speaks = |e: &&Entry| e.scope == scope || e.scope == Scope::Everything;
                let newest = entries.iter().filter(speaks).map(|e| e.at).max();
                let against = entries.iter().filter(speaks).any(|e| Some(e.at) == newest && e.choice == Choice::OptedOut);
                prop_assert_eq!(consent.opted_out(scope), against);
                prop_assert_eq!(consent.of(scope).map(|stand| stand.at), newest);
            }
        }
    }

    #[test]
    fn every_word_reads_back() {
        assert!(Scope::ALL.into_iter().all(|s| Scope::named(s.as_str()) == Some(s)));
        assert!(Choice::ALL.into_iter().all(|c| Choice::named(c.as_str()) == Some(c)));
        assert!(Source::ALL.into_iter().all(|s| Source::named(s.as_str()) == Some(s)));
    }

    #[test]
    fn start_undoes_stop_and_what_was_stopped_before_it() {
        let said = |scope, choice, at| Entry {
            scope,
            choice,
            at: Timestamp::from_secs(at),
            source: Source::Keyword,
            evidence: Evidence::default(),
        };
        let stopped = of(&[said(Scope::Marketing, Choice::OptedOut, 1), said(Scope::Everything, Choice::OptedOut, 2)]);
        assert!(stopped.opted_out(Scope::Marketing) && stopped.opted_out(Scope::Everything));
        let started = stopped.and(&said(Scope::Everything, Choice::OptedIn, 3));
        assert!(!started.opted_out(Scope::Marketing) && !started.opted_out(Scope::Everything));
        assert!(started.differs(stopped));
        // That marketing is wanted says nothing of the rest.
        let still = stopped.and(&said(Scope::Marketing, Choice::OptedIn, 3));
        assert!(!still.opted_out(Scope::Marketing) && still.opted_out(Scope::Everything));
    }
}
