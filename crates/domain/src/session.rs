//! The session: the 24-hour customer service window between one sender and one customer.
//!
//! A belief with evidence. Meta tells nobody when a window opens or closes, so two facts are kept, each a maximum: when the
//! customer was last heard, and the latest attempt that Meta refused because no window was open. Maxima commute, so any
//! order and repetition of webhooks gives the same belief.

use serde::{Deserialize, Serialize};

use crate::time::{Span, Timestamp};

/// How long a session lasts after the customer's last message or call (Meta: messages/send-messages).
pub const SESSION: Span = Span::hours(24);

/// What is known about one sender and one customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Evidence {
    /// Provider's time of the customer's last message or call.
    pub heard: Option<Timestamp>,
    /// Start of the latest attempt that was refused for want of a session.
    pub refused: Option<Timestamp>,
}

/// What the evidence says at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Session {
    /// Open until that moment, exclusive.
    Open {
        /// First moment at which it is closed.
        until: Timestamp,
    },
    /// Closed.
    Closed(Closed),
}

/// Why a session is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// The customer never wrote to this sender.
    NeverHeard,
    /// The customer wrote, and 24 hours have gone by since that moment plus 24 hours.
    Over {
        /// When it closed.
        since: Timestamp,
    },
    /// Meta refused a message for want of a session, after the customer was last heard.
    Refused {
        /// Start of the refused attempt.
        at: Timestamp,
    },
}

impl Evidence {
    /// The customer was heard at `at` (provider's time); a time in the future counts as `now`.
    #[must_use]
    pub fn heard(at: Timestamp, now: Timestamp) -> Self {
        Self { heard: Some(at.min(now)), refused: None }
    }

    /// An attempt begun at `attempt` was refused for want of a session.
    #[must_use]
    pub fn refused(attempt: Timestamp, now: Timestamp) -> Self {
        Self { heard: None, refused: Some(attempt.min(now)) }
    }

    /// Both together; commutative, associative, idempotent.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        // `None` is less than every `Some`.
        Self { heard: self.heard.max(other.heard), refused: self.refused.max(other.refused) }
    }

    /// What this says at `now`.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Session {
        let Some(heard) = self.heard else { return Session::Closed(Closed::NeverHeard) };
        // Meta dates messages to the second, attempts are dated to the millisecond: within one second the customer's word counts.
        if let Some(at) = self.refused.filter(|refused| refused.as_secs() > heard.as_secs()) {
            return Session::Closed(Closed::Refused { at });
        }
        let until = heard.plus(SESSION);
        if now < until { Session::Open { until } } else { Session::Closed(Closed::Over { since: until }) }
    }
}

impl Session {
    /// Whether it is open.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Open { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn evidence() -> impl Strategy<Value = Evidence> {
        let moment = prop::option::of((0i64..1_000_000_000).prop_map(Timestamp::from_millis));
        (moment.clone(), moment).prop_map(|(heard, refused)| Evidence { heard, refused })
    }

    proptest! {
        #[test]
        fn any_order_and_repetition_gives_the_same_belief(parts in prop::collection::vec(evidence(), 0..8).prop_shuffle(), now in 0i64..2_000_000_000) {
            let now = Timestamp::from_millis(now);
            let fold = |parts: &[Evidence]| parts.iter().fold(Evidence::default(), |a, b| a.and(*b));
            let mut other = parts.clone();
            other.reverse();
            other.extend(parts.clone());
            prop_assert_eq!(fold(&parts), fold(&other));
            prop_assert_eq!(fold(&parts).at(now), fold(&other).at(now));
        }

        #[test]
        fn it_is_open_for_exactly_24_hours(heard in 0i64..1_000_000_000_000, later in 0i64..200_000_000) {
            let (heard, now) = (Timestamp::from_millis(heard), Timestamp::from_millis(heard + later));
            prop_assert_eq!(Evidence::heard(heard, now).at(now).is_open(), later < 86_400_000);
        }
    }

    #[test]
    fn a_late_webhook_opens_nothing_and_no_message_comes_from_the_future() {
        let now = Timestamp::from_secs(1_000_000);
        assert_eq!(Evidence::heard(now.minus(SESSION), now).at(now), Session::Closed(Closed::Over { since: now }));
        assert_eq!(Evidence::heard(now.plus(SESSION), now).at(now), Session::Open { until: now.plus(SESSION) });
    }

    #[test]
    fn a_refusal_closes_only_what_it_is_newer_than() {
        let now = Timestamp::from_secs(1_000_000);
        let heard = Evidence::heard(now.minus(Span::secs(60)), now);
        let newer = Evidence::refused(now.minus(Span::secs(1)), now);
        let older = Evidence::refused(now.minus(Span::secs(61)), now);
        assert!(!heard.and(newer).at(now).is_open());
        assert!(heard.and(older).at(now).is_open());
        let same_second = Evidence::refused(now.minus(Span::secs(60)).plus(Span::millis(900)), now);
        assert!(heard.and(same_second).at(now).is_open());
    }
}
