//! What the writer remembers between statements. It is the only one that writes to the folder, so that what it has read or written
//! stays true until it writes again, or until something is undone: then all of it is forgotten.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::rc::Rc;

use transom_domain::holding::Thing;
use transom_domain::id::{BusinessId, CustomerId, MessageId, SenderId};
use transom_domain::time::Timestamp;

use crate::rows::{AttemptRow, Brief, ClaimRow, CustomerRow, Lane, LaneKey, Seq, Standing};
use crate::sql::tally::Pending;
use crate::{BusinessSettings, Holding, Sender, Step};

/// How many messages, customers or ids of one kind are remembered at least, and at most twice as many: those of a few seconds at
/// full speed, since most of what is said of a message is said soon after it was accepted. Some ten megabytes in all.
const RECENT: usize = 8_192;
/// The most counters that are remembered from one group to the next: one per sender, business and app at work.
const COUNTERS: usize = 16_384;

/// A map that keeps what was put in or asked for last.
pub(crate) struct Recent<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
}

impl<K, V> Default for Recent<K, V> {
    fn default() -> Self {
        Self { young: HashMap::new(), old: HashMap::new() }
    }
}

impl<K: Hash + Eq, V> Recent<K, V> {
    pub(crate) fn put(&mut self, key: K, value: V) {
        if self.young.len() >= RECENT {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }

    pub(crate) fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: std::borrow::Borrow<Q>,
    {
        self.young.get(key).or_else(|| self.old.get(key))
    }

    pub(crate) fn take<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: std::borrow::Borrow<Q>,
    {
        // Both: the old one may have a former value.
        let old = self.old.remove(key);
        self.young.remove(key).or(old)
    }
}

/// The counters of a sender.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counters {
    pub(crate) business: BusinessId,
    pub(crate) position: u64,
    pub(crate) waiting: u64,
}

/// The stream of a business, or its journal: its newest position, the newest that was dropped, and when the newest came.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stream {
    pub(crate) position: u64,
    pub(crate) dropped: u64,
    pub(crate) at: Timestamp,
}

impl Default for Stream {
    fn default() -> Self {
        Self { position: 0, dropped: 0, at: Timestamp::EPOCH }
    }
}

/// A value, and whether it still has to be written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Written<V> {
    pub(crate) value: V,
    pub(crate) dirty: bool,
}

/// Everything of a message that changes.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) brief: Rc<Brief>,
    pub(crate) standing: Standing,
    pub(crate) attempts: Vec<AttemptRow>,
    /// The verdict that was taken again, and for which attempt; none where it was the one of the acceptance.
    pub(crate) judged: Option<(u32, Option<Rc<str>>)>,
    /// The verdict of the acceptance, where it is at hand.
    pub(crate) accepted_on: Option<Rc<str>>,
    /// What the row has: none before it is there; else the number of its attempt, 0 when it has none.
    pub(crate) stored: Option<u32>,
    /// Attempts before the last that changed.
    pub(crate) changed: Vec<u32>,
    /// What was said of it, by attempt and step, where an engine remembers that.
    pub(crate) words: Option<Vec<(u32, Step)>>,
}

/// Who holds what, as far as it was asked: none where nobody ever has.
type Holders = HashMap<(Option<BusinessId>, Thing), Option<Holding>>;

/// What is remembered.
#[derive(Default)]
pub(crate) struct Cache {
    pub(crate) counters: RefCell<HashMap<SenderId, Written<Counters>>>,
    pub(crate) streams: RefCell<HashMap<BusinessId, Written<Stream>>>,
    /// Of the journal, by whose entries they are.
    pub(crate) arrivals: RefCell<HashMap<Option<BusinessId>, Written<Stream>>>,
    pub(crate) heard_of: RefCell<HashMap<String, Written<Timestamp>>>,
    pub(crate) senders: RefCell<HashMap<SenderId, Sender>>,
    pub(crate) settings: RefCell<HashMap<BusinessId, BusinessSettings>>,
    /// Lanes in which a message is in flight and nothing waits: they have no row. Read anew when they are not there, those of a
    /// business or of all, as the engine does.
    pub(crate) flights: RefCell<HashMap<Option<BusinessId>, HashMap<LaneKey, Seq>>>,
    /// Rows of lanes, where asking for one takes longer than remembering it; none for a lane that is known to have none.
    pub(crate) lanes: RefCell<Recent<LaneKey, Option<Lane>>>,
    pub(crate) messages: RefCell<Recent<Seq, State>>,
    /// Those that are not written yet: none between two moves.
    pub(crate) unwritten: RefCell<BTreeMap<Seq, State>>,
    pub(crate) ids: RefCell<Recent<(BusinessId, MessageId), Seq>>,
    pub(crate) provided: RefCell<Recent<(BusinessId, String), (Seq, u32)>>,
    pub(crate) customers: RefCell<Recent<(BusinessId, CustomerId), CustomerRow>>,
    pub(crate) holders: RefCell<Recent<(BusinessId, String), ClaimRow>>,
    /// What of tallies is not written yet: nothing between two groups.
    pub(crate) pending: RefCell<Pending>,
    /// Who holds what, where that has to be asked.
    pub(crate) holdings: RefCell<Holders>,
    /// Whether there may be orphans.
    pub(crate) orphans: Cell<Option<bool>>,
    /// Grows with every change that is not in the folder yet.
    changes: Cell<u64>,
}

impl Cache {
    /// Something changed that is not in the folder yet.
    pub(crate) fn changed(&self) {
        self.changes.set(self.changes.get() + 1);
    }

    /// How often [`Cache::changed`] was said.
    pub(crate) fn changes(&self) -> u64 {
        self.changes.get()
    }

    /// Something was undone: nothing is known for certain.
    pub(crate) fn forget(&self) {
        let Self {
            counters,
            streams,
            arrivals,
            heard_of,
            senders,
            settings,
            flights,
            lanes,
            messages,
            unwritten,
            ids,
            provided,
            customers,
            holders,
            pending,
            holdings,
            orphans,
            changes: _,
        } = self;
        counters.take();
        streams.take();
        arrivals.take();
        heard_of.take();
        senders.take();
        settings.take();
        flights.take();
        lanes.take();
        messages.take();
        unwritten.take();
        ids.take();
        provided.take();
        customers.take();
        holders.take();
        pending.take();
        holdings.take();
        orphans.take();
    }

    /// After a group: counters are few, but nothing grows without a bound.
    pub(crate) fn trim(&self) {
        if self.counters.borrow().len() > COUNTERS {
            self.counters.take();
        }
        if self.streams.borrow().len() > COUNTERS {
            self.streams.take();
        }
        if self.arrivals.borrow().len() > COUNTERS {
            self.arrivals.take();
        }
        if self.heard_of.borrow().len() > COUNTERS {
            self.heard_of.take();
        }
        if self.senders.borrow().len() > COUNTERS {
            self.senders.take();
        }
        if self.settings.borrow().len() > COUNTERS {
            self.settings.take();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_last_is_there_and_no_more_than_twice_the_bound() {
        let mut recent = Recent::default();
        for n in 0..5 * RECENT {
            recent.put(n, n);
            assert_eq!(recent.get(&n), Some(&n));
        }
        assert!(recent.young.len() + recent.old.len() <= 2 * RECENT);
        assert!((4 * RECENT + 1..5 * RECENT).all(|n| recent.get(&n).is_some()) && recent.get(&0).is_none());
    }

    #[test]
    fn what_was_taken_does_not_come_back_as_it_was_before() {
        let mut recent = Recent::default();
        recent.put(0, "before");
        (1..=RECENT).for_each(|n| recent.put(n, ""));
        recent.put(0, "after");
        assert_eq!(recent.take(&0), Some("after"));
        assert_eq!(recent.get(&0), None);
    }
}
