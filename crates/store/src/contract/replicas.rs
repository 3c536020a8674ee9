//! Many replicas on one store: who is there, and who holds what.
//!
//! A replica has one row, which it renews; what it holds points at it. Leases run on the store's own clock, the one exception to the rule
//! that no move reads a clock: it is the only one that all replicas share. Whatever a holder commits is checked against what it holds,
//! inside that very transaction.

use transom_domain::holding::{ReplicaId, Thing};
use transom_domain::id::BusinessId;
use transom_domain::time::{Span, Timestamp};

use super::Answer;
#[cfg(doc)]
use super::{Claim, Store, StoreError};

/// The most things that one call takes or gives back: a bound on the length of a transaction.
pub const HOLDINGS_MAX: usize = 64;
/// How long a replica whose lease is over is still shown.
pub const REPLICAS_KEEP: Span = Span::hours(1);

/// What all replicas of a house are to have alike, as far as one can see it of another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Alike {
    /// Names the sealing key; nothing is learnt of it from this.
    pub key: String,
    /// Where files are kept, in words.
    pub media: String,
}

/// A replica that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrol {
    /// New, and never used before.
    pub id: ReplicaId,
    /// Where the others reach it.
    pub address: String,
    /// How long its lease runs from each renewal on.
    pub lease: Span,
    /// What the others must have too.
    pub alike: Alike,
}

/// A replica.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replica {
    /// Names it.
    pub id: ReplicaId,
    /// Where the others reach it.
    pub address: String,
    /// Since when, by the store's clock.
    pub started_at: Timestamp,
    /// How much of its lease is left; nothing or less when it is over.
    pub left: Span,
    /// It takes nothing more, and gives back what it has.
    pub draining: bool,
    /// How long its lease runs from each renewal on.
    pub lease: Span,
    /// What it must have as the others have it.
    pub alike: Alike,
}

/// Who holds a thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// Whose it is; none for a duty of the house.
    pub business: Option<BusinessId>,
    /// What.
    pub thing: Thing,
    /// Who; [`ReplicaId::NOBODY`] for what was given back.
    pub by: ReplicaId,
    /// Since when, by the store's clock.
    pub since: Timestamp,
    /// World time before which a sender rests, as whoever held it last left word.
    pub rests_until: Option<Timestamp>,
}

/// Things of one business, or duties, that a replica wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Take {
    /// Who.
    pub by: ReplicaId,
    /// Whose they are; none for duties.
    pub business: Option<BusinessId>,
    /// Which; at most [`HOLDINGS_MAX`].
    pub things: Vec<Thing>,
    /// World time.
    pub now: Timestamp,
    /// Until when an answer is waited for that whoever held a sender before may still get.
    pub unknown_until: Timestamp,
}

/// One that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// What.
    pub thing: Thing,
    /// Nobody held it before.
    pub first: bool,
    /// World time before which a sender rests.
    pub rests_until: Option<Timestamp>,
    /// Attempts without an outcome that whoever held it before has left: they are unknown from now on.
    pub left_behind: usize,
}

/// One that is given back, when nothing of it is under way any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GivenBack {
    /// What.
    pub thing: Thing,
    /// World time before which a sender rests.
    pub rests_until: Option<Timestamp>,
    /// There is no such thing any more.
    pub gone: bool,
}

/// Replicas. On an engine that serves one process alone nothing has to be held, and only [`Replicas::is_shared`] is of use.
pub trait Replicas {
    /// Whether other processes may have the store open too: then what acts must be held.
    fn is_shared(&self) -> bool;
    /// A replica begins; others that are over for [`REPLICAS_KEEP`] are forgotten.
    fn enrol(&self, replica: Enrol) -> Answer<'_, ()>;
    /// Renews a lease, and gives all replicas as they are then. None when it is over, or never was: it cannot be renewed, since another
    /// may have taken what was held under it.
    fn renew(&self, id: ReplicaId, lease: Span, draining: bool) -> Answer<'_, Option<Vec<Replica>>>;
    /// A replica leaves; what it still holds is free.
    fn leave(&self, id: ReplicaId) -> Answer<'_, ()>;
    /// All replicas, oldest first.
    fn replicas(&self) -> Answer<'_, Vec<Replica>>;
    /// All that is or was held. Does work for each.
    fn holdings(&self) -> Answer<'_, Vec<Holding>>;
    /// Takes what is free of these: never held, given back, or held by one whose lease is over by the store's clock. Attempts that are
    /// open at a sender that is taken become unknown in the same commit. Nothing when the lease of whoever asks is over.
    fn take(&self, take: Take) -> Answer<'_, Vec<Taken>>;
    /// Gives things back, of one business or the house, as far as `by` holds them; at most [`HOLDINGS_MAX`].
    fn give_back(&self, by: ReplicaId, business: Option<BusinessId>, things: Vec<GivenBack>) -> Answer<'_, ()>;
    /// How often each business was written to: what changed elsewhere shows by that. Does work for each business.
    fn versions(&self) -> Answer<'_, Vec<(BusinessId, u64)>>;
}
