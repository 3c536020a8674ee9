//! Meta's limits on a number and its portfolio, as Meta tells them and as they are counted here.
//!
//! A business portfolio may write to so many different customers outside a customer service window within any 24 hours
//! (messaging-limits). What is written to a customer whose window is open does not count, and a customer counts once however
//! often. The count is kept by the minute: a customer leaves it at most one minute late, never early, so that what is believed
//! to be free is free at Meta too.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::address::Phone;
use crate::message::Class;
use crate::standing::Standing;
use crate::time::{Span, Timestamp};

/// How long a customer counts after the last message that was sent without an open window.
pub const WINDOW: Span = Span::hours(24);
/// Of a limit, one in so many is kept for codes, and as much again for utility and codes: marketing that used all of it up would
/// keep every new customer from signing in for a day.
pub const KEPT: u32 = 20;

/// How many customers a portfolio may write to first within [`WINDOW`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum MessagingLimit {
    /// So many different ones.
    Customers(u32),
    /// As many as there are.
    Unlimited,
}

/// Not a limit that Meta tells.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no messaging limit: Meta tells them as TIER_250, TIER_2K or a number")]
pub struct BadLimit(String);

impl MessagingLimit {
    /// How many different customers; none where there is no limit.
    #[must_use]
    pub const fn customers(self) -> Option<u32> {
        match self {
            Self::Customers(count) => Some(count),
            Self::Unlimited => None,
        }
    }

    /// How many customers may be counted before a message of this class has to wait.
    #[must_use]
    pub const fn reach(self, class: Class) -> u64 {
        match self {
            Self::Unlimited => u64::MAX,
            Self::Customers(count) => {
                let kept = count / KEPT;
                let reach = match class {
                    Class::Reply => count,
                    Class::Utility => count - kept,
                    Class::Marketing => count - 2 * kept,
                };
                reach as u64
            }
        }
    }
}

impl FromStr for MessagingLimit {
    type Err = BadLimit;

    /// Meta's word (`TIER_2K`, `TIER_UNLIMITED`) or a bare number, of which `-1` is none (`business_capability_update`).
    fn from_str(text: &str) -> Result<Self, BadLimit> {
        let bad = || BadLimit(text.to_owned());
        let word = text.trim().to_ascii_uppercase();
        let count = word.strip_prefix("TIER_").unwrap_or(&word);
        if matches!(count, "UNLIMITED" | "-1") {
            return Ok(Self::Unlimited);
        }
        let (digits, times) = match count.strip_suffix('K') {
            Some(thousands) => (thousands, 1_000),
            None => (count, 1),
        };
        let count: u32 = digits.parse().map_err(|_| bad())?;
        count.checked_mul(times).filter(|count| *count > 0).map(Self::Customers).ok_or_else(bad)
    }
}

impl TryFrom<String> for MessagingLimit {
    type Error = BadLimit;
    fn try_from(text: String) -> Result<Self, BadLimit> {
        text.parse()
    }
}

impl From<MessagingLimit> for String {
    fn from(limit: MessagingLimit) -> Self {
        limit.to_string()
    }
}

/// As Meta writes it.
impl fmt::Display for MessagingLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unlimited => f.write_str("TIER_UNLIMITED"),
            Self::Customers(count) if *count >= 1_000 && count.is_multiple_of(1_000) => write!(f, "TIER_{}K", count / 1_000),
            Self::Customers(count) => write!(f, "TIER_{count}"),
        }
    }
}

/// What customers think of a number, as Meta rates it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Rating {
    /// High.
    Green,
    /// Medium.
    Yellow,
    /// Low.
    Red,
}

impl Rating {
    /// Meta's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Green => "GREEN",
            Self::Yellow => "YELLOW",
            Self::Red => "RED",
        }
    }
}

/// What is believed of a number's limits.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct NumberLimits {
    /// The portfolio's messaging limit; none until Meta has told it: nothing is held back then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<MessagingLimit>,
    /// The number's quality, where rated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<Rating>,
    /// As of when that is known, by Meta's clock for what it told by webhook: the latest of the three below.
    #[serde(default)]
    pub told_at: Timestamp,
    /// As of when the limit is known.
    #[serde(default)]
    pub limit_at: Timestamp,
    /// As of when the quality is known.
    #[serde(default)]
    pub quality_at: Timestamp,
    /// As of when the throughput is known, which is kept with the sender.
    #[serde(default)]
    pub throughput_at: Timestamp,
    /// How the number and its account stand.
    #[serde(default)]
    pub standing: Standing,
}

impl NumberLimits {
    /// How many customers may be counted before a message of this class has to wait; none where nothing limits it.
    ///
    /// Meta lowers the limit of a number that stays at a low rating, and what brings the rating down is marketing: while it is
    /// rated [`Rating::Red`], marketing takes no more than half of what it otherwise may.
    #[must_use]
    pub fn reach(&self, class: Class) -> Option<u64> {
        let reach = self.limit?.customers().and(self.limit)?.reach(class);
        let is_low = self.quality == Some(Rating::Red) && class == Class::Marketing;
        Some(if is_low { reach / 2 } else { reach })
    }
}

/// What Meta told of limits at once; what it left out stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LimitsTold {
    /// The number that throughput and quality are of, as far as it was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
    /// Messages per second of that number, in and out together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throughput: Option<u32>,
    /// Its quality.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<Rating>,
    /// The messaging limit: of all numbers of the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<MessagingLimit>,
    /// What came of the review of the number's name, in Meta's word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// When.
    #[serde(default)]
    pub at: Timestamp,
}

/// The minute in which a customer was written to.
#[must_use]
pub const fn minute(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(Span::minutes(1).as_millis())
}

/// When all who were last written to in this minute have left the count.
#[must_use]
pub const fn leave_at(minute: i64) -> Timestamp {
    let end = minute.saturating_add(1).saturating_mul(Span::minutes(1).as_millis());
    Timestamp::from_millis(end.saturating_add(WINDOW.as_millis()))
}

/// The first minute whose customers still count.
#[must_use]
pub const fn first_counted(now: Timestamp) -> i64 {
    minute(Timestamp::from_millis(now.as_millis().saturating_sub(WINDOW.as_millis())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_word_of_metas_is_read_and_written() {
        let words = ["TIER_50", "TIER_250", "TIER_1K", "TIER_2K", "TIER_10K", "TIER_100K", "TIER_UNLIMITED"];
        let counts = [Some(50), Some(250), Some(1_000), Some(2_000), Some(10_000), Some(100_000), None];
        for (word, count) in words.into_iter().zip(counts) {
            let limit: MessagingLimit = word.parse().unwrap();
            assert_eq!((limit.customers(), limit.to_string().as_str()), (count, word));
        }
        assert_eq!("2000".parse(), Ok(MessagingLimit::Customers(2_000)));
        assert_eq!("-1".parse(), Ok(MessagingLimit::Unlimited));
        for bad in ["", "TIER_", "TIER_NOT_SET", "TIER_0", "-2", "TIER_99999999K", "two"] {
            assert!(bad.parse::<MessagingLimit>().is_err(), "{bad}");
        }
    }

    #[test]
    fn codes_find_room_when_marketing_has_used_what_it_may() {
        let limit = MessagingLimit::Customers(250);
        let reach = Class::ALL.map(|class| limit.reach(class));
        assert_eq!(reach, [250, 238, 226]);
        assert_eq!(MessagingLimit::Unlimited.reach(Class::Marketing), u64::MAX);
        // Of very few nothing can be kept back.
        assert_eq!(MessagingLimit::Customers(5).reach(Class::Marketing), 5);
    }

    #[test]
    fn marketing_of_a_number_rated_low_leaves_half_of_its_share() {
        let of = |limit, quality| {
            let known = NumberLimits { limit, quality, ..NumberLimits::default() };
            Class::ALL.map(|class| known.reach(class))
        };
        let limit = Some(MessagingLimit::Customers(250));
        assert_eq!(of(limit, Some(Rating::Yellow)), [Some(250), Some(238), Some(226)]);
        assert_eq!(of(limit, Some(Rating::Red)), [Some(250), Some(238), Some(113)]);
        assert_eq!(of(Some(MessagingLimit::Unlimited), Some(Rating::Red)), [None; 3]);
        assert_eq!(of(None, None), [None; 3]);
    }

    proptest! {
        #[test]
        fn a_minute_counts_a_day_and_at_most_a_minute_more(at in 0i64..10_000_000_000, later in 0i64..200_000_000) {
            let (at, now) = (Timestamp::from_millis(at), Timestamp::from_millis(at + later));
            let counted = minute(at) >= first_counted(now);
            prop_assert_eq!(counted, now < leave_at(minute(at)));
            if now.since(at) < WINDOW {
                prop_assert!(counted);
            }
            if now.since(at) >= Span::millis(WINDOW.as_millis() + 60_000) {
                prop_assert!(!counted);
            }
        }
    }
}
