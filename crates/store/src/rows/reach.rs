//! What Meta lets a sender do, and whom a business has written to without an open window.

use transom_domain::id::{BusinessId, CustomerId, SenderId};
use transom_domain::limits::NumberLimits;
use transom_domain::message::Class;
use transom_domain::time::Timestamp;

use super::{LaneKey, Result};

/// When a customer was last written to without an open window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reached {
    pub(crate) at: Timestamp,
    /// What stood there before, so that an attempt which Meta did not take can be taken back.
    pub(crate) before: Option<Timestamp>,
}

/// Rows of limits.
pub(crate) trait ReachRows {
    fn limits(&self, sender: SenderId) -> Result<Option<NumberLimits>>;
    fn put_limits(&mut self, sender: SenderId, limits: &NumberLimits) -> Result<()>;
    /// The senders of a WhatsApp Business Account.
    fn senders_of(&self, waba: &str) -> Result<Vec<SenderId>>;

    fn reached(&self, business: BusinessId, customer: CustomerId) -> Result<Option<Reached>>;
    fn put_reached(&mut self, business: BusinessId, customer: CustomerId, reached: Option<Reached>) -> Result<()>;
    /// How many customers count, among them those of minutes that are not forgotten yet.
    fn reach(&self, business: BusinessId) -> Result<u64>;
    /// How many count in this minute and after; walks through the minutes.
    fn reach_since(&self, business: BusinessId, minute: i64) -> Result<u64>;
    /// So many more (or fewer) count in this minute.
    fn count_reached(&mut self, business: BusinessId, minute: i64, by: i64) -> Result<()>;
    /// Forgets the minutes before this one, with all who count in them. Of a day there are 1,440.
    fn forget_reached(&mut self, business: BusinessId, before: i64) -> Result<()>;
    /// The first minute, not before this one, in which anyone counts.
    fn first_reached(&self, business: BusinessId, from: i64) -> Result<Option<i64>>;

    /// Lanes of a class that are parked, by head.
    fn parked_lanes(&self, sender: SenderId, class: Class, limit: usize) -> Result<Vec<LaneKey>>;
    /// How many of a class wait; counts no further than `most`.
    fn waiting_of(&self, sender: SenderId, class: Class, most: u64) -> Result<u64>;
}
