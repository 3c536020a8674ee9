//! Pace: a leaky bucket kept as one moment (the generic cell rate algorithm). Time is an argument, so the same type serves
//! machine time (senders) and world time (pairs), and can be stored as one number.

use crate::time::{Span, Timestamp};

/// How fast, and how much may be borrowed ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Gap between two at the steady rate, in microseconds, so that 1,000 a second can be written.
    gap_micros: i64,
    /// How many may go at once.
    burst: u32,
}

/// The state of one bucket: the moment (microseconds) at which it would be empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Bucket(pub i64);

impl Pace {
    /// So many per second, with a burst.
    #[must_use]
    pub fn per_second(rate: u32, burst: u32) -> Self {
        Self { gap_micros: (1_000_000 / i64::from(rate.max(1))).max(1), burst: burst.max(1) }
    }

    /// Never more than `limit` within any second, wherever it begins: the burst is small and comes off the rate, since an upstream
    /// that counts by the second sees both.
    #[must_use]
    pub fn within_a_second(limit: u32) -> Self {
        let limit = limit.max(1);
        let burst = (limit / 40).max(1);
        // One of the burst goes at the same moment as the first of the steady rate.
        let rate = limit.saturating_sub(burst).max(1);
        // Rounded up: a gap that is a little too short would let one too many go.
        Self { gap_micros: 1_000_000_i64.div_euclid(i64::from(rate)) + 1, burst }
    }

    /// One per `gap`, with a burst.
    #[must_use]
    pub fn one_per(gap: Span, burst: u32) -> Self {
        Self { gap_micros: gap.as_millis().saturating_mul(1_000).max(1), burst: burst.max(1) }
    }

    /// How many may go at `now`.
    #[must_use]
    pub fn room(&self, bucket: Bucket, now_micros: i64) -> u32 {
        let allowed = now_micros.saturating_add(self.gap_micros.saturating_mul(i64::from(self.burst)));
        let room = allowed.saturating_sub(bucket.0.max(now_micros)) / self.gap_micros;
        u32::try_from(room).unwrap_or(0)
    }

    /// Takes `count` at `now`; the caller has asked [`Pace::room`] before.
    #[must_use]
    pub fn take(&self, bucket: Bucket, now_micros: i64, count: u32) -> Bucket {
        Bucket(bucket.0.max(now_micros).saturating_add(self.gap_micros.saturating_mul(i64::from(count))))
    }

    /// Gives back `count` that were taken and did not go.
    #[must_use]
    pub fn give_back(&self, bucket: Bucket, count: u32) -> Bucket {
        Bucket(bucket.0.saturating_sub(self.gap_micros.saturating_mul(i64::from(count))))
    }

    /// Counts `count` that came without asking, such as messages heard: they use the rate up, but never hold the next one back
    /// by more than `most` microseconds, since the upstream forgets too.
    #[must_use]
    pub fn owe(&self, bucket: Bucket, now_micros: i64, count: u32, most: i64) -> Bucket {
        let latest = now_micros.saturating_add(self.gap_micros.saturating_mul(i64::from(self.burst) - 1)).saturating_add(most);
        Bucket(self.take(bucket, now_micros, count).0.min(latest).max(bucket.0))
    }

    /// The first moment (microseconds) at which one may go.
    #[must_use]
    pub fn next(&self, bucket: Bucket) -> i64 {
        bucket.0.saturating_sub(self.gap_micros.saturating_mul(i64::from(self.burst) - 1))
    }

    /// Takes one at a moment of world time, or says when one may go.
    ///
    /// # Errors
    /// The first moment at which one may go.
    pub fn take_at(&self, bucket: Bucket, now: Timestamp) -> Result<Bucket, Timestamp> {
        let micros = now.as_millis().saturating_mul(1_000);
        if self.room(bucket, micros) >= 1 {
            Ok(self.take(bucket, micros, 1))
        } else {
            // Rounded up, so that the moment named is one at which it works.
            Err(Timestamp::from_millis(self.next(bucket).saturating_add(999).div_euclid(1_000)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_pair_may_borrow_45_and_then_waits_six_seconds_each() {
        let pace = Pace::one_per(Span::secs(6), 45);
        let now = Timestamp::from_secs(1_000);
        let mut bucket = Bucket::default();
        for _ in 0..45 {
            bucket = pace.take_at(bucket, now).unwrap();
        }
        assert_eq!(pace.take_at(bucket, now), Err(now.plus(Span::secs(6))));
        assert!(pace.take_at(bucket, now.plus(Span::secs(6))).is_ok());
    }

    #[test]
    fn what_did_not_go_is_given_back() {
        let pace = Pace::within_a_second(80);
        let (now, kept) = (5_000_000, pace.take(Bucket::default(), 5_000_000, 1));
        let left = pace.room(Bucket::default(), now);
        assert_eq!(pace.room(kept, now), left - 1);
        assert_eq!(pace.room(pace.give_back(kept, 1), now), left);
    }

    proptest! {
        #[test]
        fn never_more_than_rate_and_burst(rate in 1u32..2_000, burst in 1u32..50, steps in prop::collection::vec(0i64..50_000, 1..200)) {
            let pace = Pace::per_second(rate, burst);
            let (mut bucket, mut now, mut taken) = (Bucket::default(), 1_000_000i64, 0u64);
            let start = now;
            for step in steps {
                now += step;
                let room = pace.room(bucket, now);
                bucket = pace.take(bucket, now, room);
                taken += u64::from(room);
                let gap = 1_000_000 / i64::from(rate);
                prop_assert!(taken <= u64::try_from((now - start) / gap).unwrap() + u64::from(burst));
                prop_assert_eq!(pace.room(bucket, now), 0);
            }
        }

        #[test]
        fn no_second_sees_more_than_the_limit(limit in 1u32..2_000, steps in prop::collection::vec(0i64..100_000, 1..300)) {
            let pace = Pace::within_a_second(limit);
            let (mut bucket, mut now) = (Bucket::default(), 1_000_000i64);
            let mut gone: Vec<(i64, u32)> = Vec::new();
            for step in steps {
                now += step;
                let room = pace.room(bucket, now);
                bucket = pace.take(bucket, now, room);
                gone.push((now, room));
                let second: u32 = gone.iter().filter(|(at, _)| *at > now - 1_000_000).map(|(_, n)| n).sum();
                prop_assert!(second <= limit, "{} of {}", second, limit);
            }
        }

        #[test]
        fn a_flood_that_comes_in_holds_nothing_back_for_long(limit in 1u32..2_000, floods in prop::collection::vec(0u32..5_000, 1..50)) {
            let pace = Pace::within_a_second(limit);
            let (mut bucket, now) = (Bucket::default(), 1_000_000i64);
            for flood in floods {
                bucket = pace.owe(bucket, now, flood, 1_000_000);
                prop_assert!(pace.next(bucket) <= now + 1_000_000);
            }
        }

        #[test]
        fn the_moment_named_is_one_at_which_it_works(burst in 1u32..50, gap in 1i64..10_000, start in 0i64..1_000_000) {
            let pace = Pace::one_per(Span::millis(gap), burst);
            let now = Timestamp::from_millis(start);
            let mut bucket = Bucket::default();
            let at = loop {
                match pace.take_at(bucket, now) { Ok(next) => bucket = next, Err(at) => break at }
            };
            prop_assert!(at > now && pace.take_at(bucket, at).is_ok());
        }
    }
}
