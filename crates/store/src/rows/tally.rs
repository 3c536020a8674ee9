//! Tallies.

use transom_domain::error_code::ErrorCode;
use transom_domain::id::{BusinessId, SenderId};
use transom_domain::time::Timestamp;

use super::Result;
use crate::{Failing, Tally, TallyStep};

/// Minutes of an hour.
const HOUR: i64 = 60;

/// How wide a row of tallies is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Width {
    Minute,
    Hour,
}

impl Width {
    /// In minutes, as it is kept.
    pub(crate) const fn minutes(self) -> i64 {
        match self {
            Self::Minute => 1,
            Self::Hour => HOUR,
        }
    }
}

/// Which row counts a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TallyKey {
    pub(crate) business: BusinessId,
    pub(crate) width: Width,
    /// Its beginning, in minutes since 1970.
    pub(crate) at: i64,
    pub(crate) sender: SenderId,
}

/// The minute of a moment, since 1970.
pub(crate) const fn minute_of(at: Timestamp) -> i64 {
    at.as_secs().div_euclid(60)
}

/// The hour of a moment, in minutes since 1970.
pub(crate) const fn hour_of(at: Timestamp) -> i64 {
    minute_of(at).div_euclid(HOUR) * HOUR
}

/// What is added to a row, and taken off it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Change(pub(crate) [i64; 7]);

impl Change {
    /// One message shows something else, or is new.
    pub(crate) fn between(before: Option<Tally>, after: Tally) -> Self {
        let mut change = Self::from(after);
        if let Some(before) = before {
            for (count, off) in change.0.iter_mut().zip(Self::from(before).0) {
                *count -= off;
            }
        }
        change
    }

    pub(crate) fn is_nothing(self) -> bool {
        self.0.iter().all(|count| *count == 0)
    }

    pub(crate) fn add(&mut self, other: Self) {
        for (count, more) in self.0.iter_mut().zip(other.0) {
            *count += more;
        }
    }

    /// As a sum: what is counted is never less than nothing.
    pub(crate) fn tally(self) -> Tally {
        let [received, accepted, sent, delivered, read, failed, cancelled] =
            self.0.map(|count| u64::try_from(count).unwrap_or(0));
        Tally { received, accepted, sent, delivered, read, failed, cancelled }
    }
}

impl From<Tally> for Change {
    fn from(tally: Tally) -> Self {
        let Tally { received, accepted, sent, delivered, read, failed, cancelled } = tally;
        Self([received, accepted, sent, delivered, read, failed, cancelled].map(|n| i64::try_from(n).unwrap_or(i64::MAX)))
    }
}

/// Which row counts a failure: by the hour in which it was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct FailureKey {
    pub(crate) business: BusinessId,
    /// Its beginning, in minutes since 1970.
    pub(crate) hour: i64,
    pub(crate) sender: SenderId,
    pub(crate) code: ErrorCode,
    /// The upstream's code; -1 where there is none.
    pub(crate) upstream: i64,
}

/// Rows of tallies. What is added is written once per group.
pub(crate) trait TallyRows {
    fn add_tally(&mut self, key: TallyKey, change: Change) -> Result<()>;
    fn add_failure(&mut self, key: FailureKey, at: Timestamp) -> Result<()>;
    /// The sums by the beginning of each step in which there is something, from one minute up to another, earliest first; of one
    /// sender or of all.
    fn tallies(
        &self,
        business: BusinessId,
        range: (i64, i64),
        step: TallyStep,
        sender: Option<SenderId>,
        limit: usize,
    ) -> Result<Vec<(i64, Change)>>;
    /// The failures of a range of minutes by sender and code, those that count most first.
    fn failures(&self, business: BusinessId, range: (i64, i64), sender: Option<SenderId>, limit: usize) -> Result<Vec<Failing>>;
    /// The oldest rows of a width from before a minute.
    fn old_tallies(&self, business: BusinessId, width: Width, before: i64, limit: usize) -> Result<Vec<(TallyKey, Change)>>;
    fn drop_tally(&mut self, key: TallyKey) -> Result<()>;
    /// Removes counts of failures from before a minute.
    fn drop_failures(&mut self, business: BusinessId, before: i64, limit: usize) -> Result<usize>;
}
