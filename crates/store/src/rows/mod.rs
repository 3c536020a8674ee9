//! The ground the moves stand on: rows, read and written one by one inside a transaction that the engine has opened.
//!
//! A move (see [`crate::moves`]) is written once, against these traits; an engine only says how a row is found and kept. Every
//! method here is a look-up or a change by key or by the front of an index: none does work that grows with what is stored.

mod audit;
mod consent;
mod content;
mod conversation;
mod erasing;
mod heard;
mod history;
mod journal;
mod marks;
mod media;
mod message;
mod messaging_services;
mod people;
mod queue;
mod reach;
mod rehear;
mod relay;
mod replicas;
mod restore;
mod silence;
mod sweep;
mod tally;
mod telling;
mod template;
mod users;

pub(crate) use audit::AuditRows;
pub(crate) use consent::{ConsentRows, Place};
pub(crate) use content::{ContentPlace, ContentRows, name_key};
pub(crate) use conversation::{Conversation, ConversationRows};
pub(crate) use erasing::{Blank, ErasingRows};
pub(crate) use heard::{AMENDMENTS_MAX, AmendmentRow, HeardRows, Mark, REVOCATIONS_MAX};
pub(crate) use history::HistoryRows;
pub(crate) use journal::{JournalRows, Of};
pub(crate) use marks::{MarkRows, Marks, Unread, UpTo};
pub(crate) use media::MediaRows;
pub(crate) use message::{AttemptRow, Brief, Kept, MessageRows, NewMessage, Orphan, Standing, Verdicts, Whole};
pub(crate) use messaging_services::MessagingServiceRows;
pub(crate) use people::{AdminRows, ClaimRow, CustomerRow, Merged, NameKey, PeopleRows, folded, found_by, past};
pub(crate) use queue::{Lane, LaneKey, PARKED, QueueRows, Wait};
pub(crate) use reach::{ReachRows, Reached};
pub(crate) use rehear::RehearRows;
pub(crate) use relay::{Delivery, RelayRows};
pub(crate) use replicas::ReplicaRows;
pub(crate) use restore::RestoreRows;
pub(crate) use silence::{Passed, SilenceRows, Walk};
pub(crate) use sweep::{Aged, SweepRows};
pub(crate) use tally::{Change, FailureKey, TallyKey, TallyRows, Width, hour_of, minute_of};
pub(crate) use telling::TellingRows;
pub(crate) use template::TemplateRows;
pub(crate) use users::UserRows;

use crate::StoreError;

/// What a look at the rows answers with.
pub(crate) type Result<T> = std::result::Result<T, StoreError>;

/// The store's own number of a message: grows as messages come in, never given out, never used again.
pub(crate) type Seq = i64;

/// All rows.
pub(crate) trait Rows:
    AdminRows
    + AuditRows
    + ConsentRows
    + ErasingRows
    + ContentRows
    + ConversationRows
    + HeardRows
    + HistoryRows
    + MediaRows
    + MarkRows
    + PeopleRows
    + QueueRows
    + ReachRows
    + MessageRows
    + RehearRows
    + MessagingServiceRows
    + RelayRows
    + ReplicaRows
    + TellingRows
    + SilenceRows
    + SweepRows
    + TallyRows
    + RestoreRows
    + TemplateRows
    + UserRows
{
}
impl<
    T: AdminRows
        + AuditRows
        + ConsentRows
        + ErasingRows
        + ContentRows
        + ConversationRows
        + HeardRows
        + HistoryRows
        + MediaRows
        + MarkRows
        + PeopleRows
        + QueueRows
        + ReachRows
        + MessageRows
        + RehearRows
        + MessagingServiceRows
        + RelayRows
        + ReplicaRows
        + TellingRows
        + SilenceRows
        + SweepRows
        + TallyRows
        + RestoreRows
        + TemplateRows
        + UserRows,
> Rows for T
{
}
