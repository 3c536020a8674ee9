//! Tables that can be undone: each remembers what stood where something was written, until it is told to keep it.

use std::collections::BTreeMap;

use transom_domain::consent::Entry;
use transom_domain::event::Event;
use transom_domain::fact::IdentityChange;
use transom_domain::holding::{ReplicaId, Thing};
use transom_domain::id::{
    BusinessId, ConsoleSessionId, ContentId, CustomerId, EndpointId, JournalId, MediaId, MessageId, ReplayId, SenderId,
    ServiceId, UserId,
};
use transom_domain::limits::NumberLimits;
use transom_domain::messaging_service::MessagingService;
use transom_domain::people::Claim;
use transom_domain::submission::Submission;
use transom_domain::template::{HistoryEntry, Record};
use transom_domain::time::Timestamp;
use transom_domain::verdict::Verdict;

use super::replicas::StoreClock;
use crate::rows::Walk;
use crate::rows::{
    AmendmentRow, AttemptRow, Blank, Brief, Change, Conversation, CustomerRow, Delivery, FailureKey, Kept, Lane, LaneKey, Mark,
    Marks, Orphan, Place, Reached, Seq, Standing, TallyKey, Unread, Wait, Whole,
};
use crate::{
    App, Business, BusinessSettings, Endpoint, EventReplay, JournalEntry, JournalReplay, Key, Sender, StoredContent,
    TemplateIntent, TemplateKey, Word,
};
use crate::{AuditEntry, ConsoleSession, Erasure, User};
use crate::{Digest, Media, UpstreamCopy};
use crate::{Holding, NoHistory, Silence};

/// An ordered map with a memory of what was there before.
#[derive(Debug)]
pub(super) struct Table<K, V> {
    rows: BTreeMap<K, V>,
    before: Vec<(K, Option<V>)>,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), before: Vec::new() }
    }
}

impl<K: Ord + Clone, V: Clone> Table<K, V> {
    pub(super) fn put(&mut self, key: K, value: V) {
        let old = self.rows.insert(key.clone(), value);
        self.before.push((key, old));
    }

    pub(super) fn drop(&mut self, key: &K) {
        if let Some(old) = self.rows.remove(key) {
            self.before.push((key.clone(), Some(old)));
        }
    }

    /// Removes all that fit, lowest keys first, at most `limit`. Says how many.
    pub(super) fn drop_where(&mut self, limit: usize, fits: impl Fn(&K, &V) -> bool) -> usize {
        let keys: Vec<K> = self.rows.iter().filter(|(k, v)| fits(k, v)).map(|(k, _)| k.clone()).take(limit).collect();
        for key in &keys {
            self.drop(key);
        }
        keys.len()
    }

    fn undo_to(&mut self, mark: usize) {
        while self.before.len() > mark {
            match self.before.pop() {
                Some((key, Some(old))) => drop(self.rows.insert(key, old)),
                Some((key, None)) => drop(self.rows.remove(&key)),
                None => return,
            }
        }
    }
}

/// Reading is the map's own.
impl<K, V> std::ops::Deref for Table<K, V> {
    type Target = BTreeMap<K, V>;
    fn deref(&self) -> &BTreeMap<K, V> {
        &self.rows
    }
}

/// Declares the tables, and what is done to all of them at once.
macro_rules! tables {
    ($($name:ident: $key:ty => $value:ty,)+) => {
        /// All rows.
        #[derive(Debug, Default)]
        pub(crate) struct MemoryRows {
            /// Where many replicas share the store.
            pub(super) clock: Option<StoreClock>,
            $(pub(super) $name: Table<$key, $value>,)+
        }

        impl MemoryRows {
            /// Where each table stands, to come back to.
            pub(super) fn marks(&self) -> Vec<usize> {
                vec![$(self.$name.before.len(),)+]
            }

            /// Goes back to these marks; without any, to what was kept last.
            pub(super) fn undo_to(&mut self, marks: &[usize]) {
                let mut marks = marks.iter().copied();
                $(self.$name.undo_to(marks.next().unwrap_or(0));)+
            }

            /// What is there now stays.
            pub(super) fn keep(&mut self) {
                $(self.$name.before.clear();)+
            }
        }
    };
}

tables! {
    businesses: BusinessId => Business,
    settings: BusinessId => BusinessSettings,
    keys: [u8; 32] => Key,
    apps: String => App,
    senders: SenderId => Sender,
    templates: (BusinessId, String, String, String) => Record,
    accounts_read: (BusinessId, String) => Timestamp,
    intents: TemplateKey => TemplateIntent,
    last_change: () => i64,
    changes: (TemplateKey, i64) => HistoryEntry,
    last_content: () => Seq,
    contents: Seq => StoredContent,
    submissions: (BusinessId, ContentId, String, String, Timestamp) => Submission,
    directory: () => u64,
    last_service: () => Seq,
    services: Seq => MessagingService,
    pools: SenderId => (ServiceId, Timestamp),
    customers: (BusinessId, CustomerId) => CustomerRow,
    customer_words: (BusinessId, String, CustomerId) => (),
    identities: (BusinessId, String, CustomerId) => Claim,
    identity_changes: (BusinessId, String, Timestamp, String) => IdentityChange,
    apart: (BusinessId, CustomerId, CustomerId) => (),
    audits: i64 => AuditEntry,
    erasures: (BusinessId, CustomerId) => Erasure,
    blanks: (BusinessId, String) => Blank,
    consents: (BusinessId, CustomerId, Place) => Entry,
    conversations: (SenderId, CustomerId) => (BusinessId, Conversation),
    counters: SenderId => (BusinessId, u64, u64),
    lanes: LaneKey => Lane,
    waits: (SenderId, u64) => Wait,
    limits: SenderId => NumberLimits,
    reached: (BusinessId, CustomerId) => Reached,
    minutes: (BusinessId, i64) => u64,
    last_seq: () => Seq,
    messages: Seq => (Brief, Whole),
    ids: (BusinessId, MessageId) => Seq,
    standings: Seq => Standing,
    attempts: (Seq, u32) => AttemptRow,
    words: (Seq, u32, &'static str) => Word,
    verdicts: Seq => (u32, Verdict),
    told_at: Seq => u64,
    watermarks: (SenderId, String) => Marks,
    unread: Seq => (SenderId, String, Unread),
    provided: (BusinessId, String) => (Seq, u32),
    left_ids: (Timestamp, BusinessId, String) => Seq,
    orphans: (BusinessId, String, String) => Orphan,
    amendments: (BusinessId, String, String) => AmendmentRow,
    news: (BusinessId, Mark) => Timestamp,
    kept: (BusinessId, String) => Kept,
    heard_of: String => Timestamp,
    event_counters: BusinessId => (u64, u64, Timestamp),
    events: (BusinessId, u64) => Event,
    endpoints: EndpointId => Endpoint,
    deliveries: (EndpointId, u64) => Delivery,
    media: (BusinessId, MediaId) => Media,
    loose: (BusinessId, Digest) => (Timestamp, Option<Timestamp>),
    copies: (BusinessId, Digest, SenderId) => UpstreamCopy,
    entry_counters: Option<BusinessId> => (u64, u64, Timestamp),
    entry_ids: JournalId => (Option<BusinessId>, u64),
    journal: (Option<BusinessId>, u64) => JournalEntry,
    rehearings: (BusinessId, ReplayId) => JournalReplay,
    replays: (EndpointId, ReplayId) => EventReplay,
    walks: (Walk, BusinessId) => Seq,
    silences: (SenderId, i64) => Silence,
    tallies: TallyKey => Change,
    failures: FailureKey => (u64, Timestamp),
    users: UserId => User,
    console_sessions: ConsoleSessionId => ConsoleSession,
    overdue: (SenderId, Timestamp, MessageId) => u32,
    no_histories: SenderId => NoHistory,
    probe: () => Timestamp,
    replicas: ReplicaId => super::replicas::Kept,
    holdings: (Option<BusinessId>, Thing) => Holding,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_undone_is_as_it_was() {
        let mut table = Table::default();
        table.put(1, "one");
        table.put(2, "two");
        let mark = table.before.len();
        table.put(1, "uno");
        table.drop(&2);
        table.put(3, "tre");
        table.undo_to(mark);
        assert_eq!(*table, BTreeMap::from([(1, "one"), (2, "two")]));
        table.undo_to(0);
        assert!(table.is_empty());
    }
}
