//! What waits: lanes, the messages in them, counters per sender.

use transom_domain::id::{BusinessId, ContentId, CustomerId, SenderId};
use transom_domain::message::Class;
use transom_domain::time::Timestamp;

use super::{Result, Seq};

/// When a lane is due whose head waits for a place of the messaging limit: not by itself, but when a place comes free.
pub(crate) const PARKED: Timestamp = Timestamp::FAR;

/// Messages of one lane start in the order of their positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct LaneKey {
    pub(crate) sender: SenderId,
    pub(crate) class: Class,
    pub(crate) customer: CustomerId,
}

/// A lane that has a message waiting or in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lane {
    /// The message in flight.
    pub(crate) flight: Option<Seq>,
    /// When the lane is to be looked at; none while a message is in flight.
    pub(crate) due: Option<Timestamp>,
    /// Position of the message that made it due: among lanes due at the same moment the lower goes first.
    pub(crate) head: u64,
}

/// A message that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wait {
    pub(crate) lane: LaneKey,
    pub(crate) position: u64,
    pub(crate) seq: Seq,
    pub(crate) not_before: Timestamp,
    /// Put aside because it must wait longer than its lane's patience: the others pass it.
    pub(crate) aside: bool,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) accepted_at: Timestamp,
    /// The content that it was sent from.
    pub(crate) content: Option<ContentId>,
}

/// Rows of the queue.
pub(crate) trait QueueRows {
    /// Makes the counters of a sender, if it has none.
    fn open_counters(&mut self, sender: SenderId, business: BusinessId) -> Result<()>;
    /// Whose the sender is, and how many of its messages wait.
    fn counters(&self, sender: SenderId) -> Result<Option<(BusinessId, u64)>>;
    /// The next position of a sender's messages; `waits` also counts one more that waits.
    fn next_position(&mut self, sender: SenderId, waits: bool) -> Result<u64>;
    /// Changes how many of a sender's messages wait.
    fn count_waiting(&mut self, sender: SenderId, by: i64) -> Result<()>;
    /// When the oldest that waits was accepted.
    fn oldest_wait(&self, sender: SenderId) -> Result<Option<Timestamp>>;

    fn lane(&self, key: &LaneKey) -> Result<Option<Lane>>;
    fn put_lane(&mut self, key: &LaneKey, lane: &Lane) -> Result<()>;
    fn drop_lane(&mut self, key: &LaneKey) -> Result<()>;
    /// A message is in flight in a lane that was empty: less than [`QueueRows::put_lane`], as long as nothing waits behind it.
    fn fly(&mut self, key: &LaneKey, seq: Seq, position: u64) -> Result<()> {
        self.put_lane(key, &Lane { flight: Some(seq), due: None, head: position })
    }
    /// It is no longer in flight: drops the lane, if nothing waits behind it. `false` when something may.
    fn land(&mut self, _key: &LaneKey, _seq: Seq) -> Result<bool> {
        Ok(false)
    }
    /// Something waits now behind what is in flight.
    fn seat(&mut self, _key: &LaneKey) -> Result<()> {
        Ok(())
    }
    /// Lanes of one class that are due, by due time and head.
    fn due_lanes(&self, sender: SenderId, class: Class, now: Timestamp, limit: usize) -> Result<Vec<LaneKey>>;
    /// When the first lane of a class is due.
    fn first_due(&self, sender: SenderId, class: Class) -> Result<Option<Timestamp>>;

    fn put_wait(&mut self, wait: &Wait) -> Result<()>;
    fn drop_wait(&mut self, sender: SenderId, position: u64) -> Result<()>;
    /// The first of a lane that is not put aside.
    fn first_wait(&self, key: &LaneKey) -> Result<Option<Wait>>;
    /// Of those put aside, the one that is due first.
    fn first_aside(&self, key: &LaneKey) -> Result<Option<Wait>>;
    /// Those put aside that are due.
    fn due_asides(&self, key: &LaneKey, now: Timestamp, limit: usize) -> Result<Vec<Wait>>;
    /// All of a lane, those put aside too, by position; at most `limit` of either.
    fn waits_in(&self, key: &LaneKey, limit: usize) -> Result<Vec<Wait>>;
    /// Those that wait past their validity, the longest past first.
    fn past_validity(&self, now: Timestamp, limit: usize) -> Result<Vec<Wait>>;
    /// When the next validity after `now` ends.
    fn next_validity(&self, now: Timestamp) -> Result<Option<Timestamp>>;
    /// Whether a message waits that was sent from a content.
    fn waits_with(&self, business: BusinessId, content: ContentId) -> Result<bool>;
}
