//! What is told: events.

use transom_domain::event::Event;
use transom_domain::id::BusinessId;
use transom_domain::time::Timestamp;

use super::Result;

/// Rows of what is told.
pub(crate) trait TellingRows {
    /// The next position of a business's stream, and the moment of what is put there: that given, unless the stream is later already.
    fn next_event(&mut self, business: BusinessId, at: Timestamp) -> Result<(u64, Timestamp)>;
    fn put_event(&mut self, event: &Event) -> Result<()>;
    /// Replaces what an event says.
    fn amend_event(&mut self, event: &Event) -> Result<()>;
    fn event(&self, business: BusinessId, position: u64) -> Result<Option<Event>>;
    fn events_after(&self, business: BusinessId, after: u64, limit: usize) -> Result<Vec<Event>>;
    /// The other way, newest first.
    fn events_before(&self, business: BusinessId, before: u64, limit: usize) -> Result<Vec<Event>>;
    /// Position of the newest event, and of the oldest that is kept.
    fn event_bounds(&self, business: BusinessId) -> Result<(u64, u64)>;
    /// Removes events up to a position, and what follows from it for [`TellingRows::event_bounds`].
    fn drop_events(&mut self, business: BusinessId, up_to: u64) -> Result<()>;

    /// Writes one row, to see whether it can be done.
    fn touch(&mut self, now: Timestamp) -> Result<()>;
}
