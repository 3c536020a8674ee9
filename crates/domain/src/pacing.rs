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
