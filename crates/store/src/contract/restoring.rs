//! What becomes of a queue that comes back from a backup: the process that went on after the backup may have sent all of it.

use transom_domain::id::SenderId;
use transom_domain::time::Timestamp;

/// What is done with messages that waited when the backup was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revive {
    /// They count as sent with the answer lost, until then: statuses that still come settle them, and what nobody speaks of is
    /// told as unknown. Never sent again by itself, whatever `whenUnknown` said, except where it said `resend`. What was
    /// to go later than now cannot have left, and stays as it is.
    Hold {
        /// Until when.
        until: Timestamp,
    },
    /// They are told as unknown at once.
    Fail,
    /// They are sent. Right only when nothing was sent after the backup.
    Send,
}

/// How far it has come: what one slice answers, and the next begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RevivePoint(pub(crate) Revived);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Revived {
    Nothing,
    /// Streams and attempts, and those that wait up to this one.
    Waits(Option<(SenderId, u64)>),
}

impl RevivePoint {
    /// Where it starts.
    pub const START: Self = Self(Revived::Nothing);
}

/// What one slice did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revival {
    /// Messages that are held or were ended.
    pub messages: usize,
    /// Where the next slice begins; none when all is done.
    pub next: Option<RevivePoint>,
}
