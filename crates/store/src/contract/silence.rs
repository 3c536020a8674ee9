//! Statuses that never came: messages that Meta took and said too little of since.

use transom_domain::id::BusinessId;
use transom_domain::time::Span;

/// A message that Meta took is looked at so long after it was accepted, once: one that was scheduled for later than that, or waited
/// for so long under a limit, is not counted. Statuses are looked for that late because statuses come within seconds of what they tell, and a
/// webhook that failed is repeated within minutes at first.
pub const SILENCE_AFTER: Span = Span::hours(24);
/// Meta gives a message up after 30 days unless its template says otherwise, and says nothing then: one that is not delivered by
/// then counts as dropped (templates/time-to-live). A one-time code is given up after 15 minutes at the latest, so that it counts as
/// soon as it is looked at.
pub const DROPPED_AFTER: Span = Span::days(30);
/// Days over which [`crate::Store::silence`] adds up.
pub const SILENCE_DAYS: i64 = 7;

/// How far a round of [`crate::Store::count_silence`] has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WalkPoint(pub(crate) Option<BusinessId>);

impl WalkPoint {
    /// The start of a round.
    pub const START: Self = Self(None);
}

/// What was not heard of the messages of a sender, as of [`SILENCE_AFTER`] after each was accepted; by the day on which they were
/// accepted, and for those that count as dropped later by the day on which that was seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Silence {
    /// Messages that Meta took.
    pub messages: u64,
    /// Those of which nothing was heard at all: a status was lost, since Meta tells at least that it sent or failed.
    pub unheard: u64,
    /// Those that were sent, and of which neither delivery nor failure was heard: switched-off phones, or lost statuses.
    pub undelivered: u64,
    /// Those that count as dropped, since Meta has given them up by [`DROPPED_AFTER`]: a presumption, that any later word overrides
    /// in the message itself.
    pub dropped: u64,
}

impl Silence {
    /// The share of messages of which no last word was heard, from 0 to 1.
    #[must_use]
    pub fn share(self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a share is shown with a few digits")]
        let share = (self.unheard + self.undelivered) as f64 / self.messages.max(1) as f64;
        share
    }
}

impl std::ops::AddAssign for Silence {
    fn add_assign(&mut self, other: Self) {
        self.messages += other.messages;
        self.unheard += other.unheard;
        self.undelivered += other.undelivered;
        self.dropped += other.dropped;
    }
}
