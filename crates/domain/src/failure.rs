//! What can go wrong upstream, whose it is to mend, and when to try again.

use serde::{Deserialize, Serialize};

use crate::time::Span;

/// An error as the upstream reported it, in an answer or in a webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpstreamError {
    /// The upstream's code.
    pub code: i64,
    /// Its title or message.
    #[serde(default)]
    pub title: String,
    /// Its details.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<String>,
    /// Its sub-code, where given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subcode: Option<i64>,
}

/// Whose it is to mend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// The caller's: this request can never work.
    Caller,
    /// The customer's: cannot or will not be reached.
    Customer,
    /// No session was open when Meta looked; evidence for the belief, final for the message.
    NoSession,
    /// Meta's: a fault that passes.
    Upstream,
    /// Meta's: too fast; the gap widens.
    Throttle(Scope),
    /// The operator's: token, payment, registration. Stops the sender, fails nothing.
    Operator,
    /// The template's: paused, disabled or changed; the belief about it is read anew.
    Template,
}

/// What a throttle slows down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// One sender and one customer.
    Pair,
    /// One sender.
    Sender,
    /// Everything under one account.
    Account,
}

impl Class {
    /// A word for logs, tables and metrics.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Customer => "customer",
            Self::NoSession => "session",
            Self::Upstream => "upstream",
            Self::Throttle(_) => "throttle",
            Self::Operator => "operator",
            Self::Template => "template",
        }
    }
}

/// When to try again, as data: `first`, then each time `factor` times as long up to `longest`, at most `tries` times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Curve {
    /// Wait before the second try.
    pub first: Span,
    /// Each wait is this many times the one before.
    pub factor: u32,
    /// No wait is longer.
    pub longest: Span,
    /// Tries in all; then it is given up.
    pub tries: u32,
}

impl Curve {
    /// Never again.
    pub const NEVER: Self = Self { first: Span::ZERO, factor: 1, longest: Span::ZERO, tries: 1 };
    /// A fault that passes in seconds or minutes.
    pub const FAULT: Self = Self { first: Span::secs(2), factor: 3, longest: Span::minutes(10), tries: 8 };
    /// Throughput of a number: seconds.
    pub const SENDER: Self = Self { first: Span::secs(1), factor: 2, longest: Span::minutes(1), tries: 50 };
    /// A pair: 4^n seconds, as Meta advises (about-the-platform).
    pub const PAIR: Self = Self { first: Span::secs(4), factor: 4, longest: Span::minutes(18), tries: 12 };
    /// Restrictions that last for hours.
    pub const HOURS: Self = Self { first: Span::minutes(15), factor: 2, longest: Span::hours(6), tries: 12 };
    /// A webhook endpoint: growing gaps for three days.
    pub const ENDPOINT: Self = Self { first: Span::secs(5), factor: 4, longest: Span::hours(6), tries: 19 };

    /// The pauses of a breaker, for as long as it takes.
    pub const BREAKER: Self = Self { first: Span::secs(1), factor: 2, longest: Span::minutes(1), tries: u32::MAX };

    /// The wait after `tried` tries, with up to a fifth more or less by `chance`; none when it is to be given up.
    #[must_use]
    pub fn wait(&self, tried: u32, chance: u64) -> Option<Span> {
        if tried >= self.tries {
            return None;
        }
        let factor = i64::from(self.factor).saturating_pow(tried.saturating_sub(1));
        let plain = self.first.as_millis().saturating_mul(factor).min(self.longest.as_millis());
        // 800 to 1200 thousandths.
        let thousandths = 800 + i64::try_from(chance % 401).unwrap_or(0);
        Some(Span::millis(plain.saturating_mul(thousandths) / 1_000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn waits_grow_within_bounds_and_end(tried in 1u32..100, chance: u64) {
            for curve in [Curve::FAULT, Curve::SENDER, Curve::PAIR, Curve::HOURS, Curve::ENDPOINT] {
                match curve.wait(tried, chance) {
                    Some(wait) => {
                        prop_assert!(tried < curve.tries);
                        prop_assert!(wait.as_millis() * 10 >= curve.first.as_millis() * 8);
                        prop_assert!(wait.as_millis() * 10 <= curve.longest.as_millis() * 12);
                    }
                    None => prop_assert!(tried >= curve.tries),
                }
            }
        }
    }

    #[test]
    fn an_endpoint_is_tried_for_three_days() {
        let total: i64 = (1..).map_while(|n| Curve::ENDPOINT.wait(n, 200)).map(Span::as_millis).sum();
        assert!((Span::days(3).as_millis()..Span::days(4).as_millis()).contains(&total), "{total}");
    }
}
