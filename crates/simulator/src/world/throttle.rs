//! Throttles: messages per second of a number, messages to one customer, management calls of an account.

use std::collections::HashMap;

use transom_domain::{Span, Timestamp};

/// Counts within whole seconds of machine time, or whole hours of world time.
#[derive(Debug, Default)]
pub(crate) struct Windows {
    counts: HashMap<u64, (i64, u32)>,
}

impl Windows {
    /// Counts one more for `key` in the window `window` if that stays within `limit`.
    pub(crate) fn admit(&mut self, key: u64, window: i64, limit: u32) -> bool {
        let (current, count) = self.counts.entry(key).or_insert((window, 0));
        if *current != window {
            (*current, *count) = (window, 0);
        }
        if *count >= limit {
            return false;
        }
        *count += 1;
        true
    }

    /// Counts one more that cannot be refused.
    pub(crate) fn count(&mut self, key: u64, window: i64) {
        let _ = self.admit(key, window, u32::MAX);
    }
}

/// The pair pace: one message per `seconds`, of which `burst` may be borrowed ahead. `paid_back_at` is when the debt is paid.
/// Answers the new debt, or nothing when there is no more credit.
pub(crate) fn borrow(paid_back_at: i64, now: Timestamp, burst: u32, seconds: i64) -> Option<i64> {
    let gap = Span::secs(seconds);
    if gap <= Span::ZERO {
        return Some(paid_back_at);
    }
    let debt = paid_back_at.max(now.as_millis());
    let credit = gap.as_millis().saturating_mul(i64::from(burst.saturating_sub(1)));
    (debt.saturating_sub(now.as_millis()) <= credit).then(|| debt.saturating_add(gap.as_millis()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_may_borrow_its_burst_and_then_one_per_gap() {
        let now = Timestamp::from_millis(1_000_000);
        let mut debt = 0;
        for _ in 0..45 {
            debt = borrow(debt, now, 45, 6).unwrap();
        }
        assert_eq!(borrow(debt, now, 45, 6), None);
        assert_eq!(borrow(debt, now.plus(Span::millis(5_999)), 45, 6), None);
        assert!(borrow(debt, now.plus(Span::secs(6)), 45, 6).is_some());
    }

    #[test]
    fn a_window_holds_its_limit_and_the_next_one_is_fresh() {
        let mut windows = Windows::default();
        assert!(windows.admit(1, 5, 2) && windows.admit(1, 5, 2) && !windows.admit(1, 5, 2));
        assert!(windows.admit(2, 5, 2));
        assert!(windows.admit(1, 6, 2));
    }
}
