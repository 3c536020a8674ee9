//! Watermarks of Messenger, and the messages that wait for one.

use transom_domain::address::Identity;
use transom_domain::id::SenderId;
use transom_domain::time::Timestamp;

use super::{Result, Seq};

/// Up to which moment something holds, and when that was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UpTo {
    pub(crate) until: Timestamp,
    pub(crate) said_at: Timestamp,
}

/// The marks of one sender and one address: what was sent up to them is delivered, or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Marks {
    pub(crate) delivered: Option<UpTo>,
    pub(crate) read: Option<UpTo>,
}

/// An attempt that Messenger has taken, and of which it is not known that it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unread {
    pub(crate) seq: Seq,
    pub(crate) number: u32,
    pub(crate) started_at: Timestamp,
}

/// Rows of watermarks. They go by the address, not by the customer, since that is what Messenger speaks of.
pub(crate) trait MarkRows {
    fn marks(&self, sender: SenderId, address: &Identity) -> Result<Marks>;
    fn put_marks(&mut self, sender: SenderId, address: &Identity, marks: &Marks) -> Result<()>;
    /// Keeps an attempt, in place of an earlier one of its message.
    fn put_unread(&mut self, sender: SenderId, address: &Identity, unread: &Unread) -> Result<()>;
    fn drop_unread(&mut self, seq: Seq) -> Result<()>;
    /// Attempts begun after `after` and not after `until`, the oldest first.
    fn unread(
        &self,
        sender: SenderId,
        address: &Identity,
        after: Option<Timestamp>,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<Unread>>;
}
