//! What happens, as it happens, for who watches: a ring in memory with a number for each thing told. Nothing is gathered while
//! nobody watches.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::world::World;
use crate::world::effects::{Change, Entity};

/// Things kept for who comes back.
const KEPT_MAX: usize = 10_000;
/// Bytes of all of them together.
const BYTES_MAX: usize = 16 << 20;
/// Longest body of a webhook that is told whole, in bytes.
const BODY_MAX: usize = 64 * 1_024;
/// For so long after the last watcher was seen it is gathered on, in seconds: a browser that lost its connection misses nothing.
const AFTERWARDS: u64 = 600;

/// One thing told.
#[derive(Debug, Clone)]
pub(crate) struct Thing {
    pub(crate) number: u64,
    pub(crate) kind: &'static str,
    pub(crate) json: Arc<str>,
}

#[derive(Debug)]
struct Ring {
    things: VecDeque<Thing>,
    next: u64,
    bytes: usize,
}

/// How far it got, and whether more can come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reached {
    pub(crate) newest: u64,
    pub(crate) is_over: bool,
}

/// What comes after a number.
#[derive(Debug)]
pub(crate) struct Rest {
    pub(crate) things: Vec<Thing>,
    /// Something in between is no longer kept, or of another start: whoever watches must look at everything anew.
    pub(crate) has_gap: bool,
    pub(crate) newest: u64,
}

/// The ring.
#[derive(Debug)]
pub(crate) struct Told {
    ring: Mutex<Ring>,
    reached: watch::Sender<Reached>,
    began: Instant,
    /// Seconds from `began`.
    wanted_until: AtomicU64,
}

/// One POST of webhooks, and what came of it.
#[derive(Debug)]
pub(crate) struct Posted<'a> {
    pub(crate) at: i64,
    pub(crate) url: &'a str,
    pub(crate) body: &'a str,
    /// None: no answer.
    pub(crate) status: Option<u16>,
    pub(crate) took_ms: u64,
}

impl Told {
    /// Numbers begin anew with each start, above those of the start before.
    pub(crate) fn new(boots: u64) -> Self {
        let first = (boots << 32) + 1;
        Self {
            ring: Mutex::new(Ring { things: VecDeque::new(), next: first, bytes: 0 }),
            reached: watch::Sender::new(Reached { newest: first - 1, is_over: false }),
            began: Instant::now(),
            wanted_until: AtomicU64::new(0),
        }
    }

    /// Somebody watches.
    pub(crate) fn watch(&self) -> watch::Receiver<Reached> {
        self.still_watched();
        self.reached.subscribe()
    }

    /// Somebody still watches.
    pub(crate) fn still_watched(&self) {
        self.wanted_until.store(self.began.elapsed().as_secs() + AFTERWARDS, Ordering::Relaxed);
    }

    /// Whether anybody watches, or did lately.
    pub(crate) fn is_wanted(&self) -> bool {
        self.began.elapsed().as_secs() < self.wanted_until.load(Ordering::Relaxed)
    }

    /// Nothing more comes.
    pub(crate) fn end(&self) {
        self.reached.send_modify(|reached| reached.is_over = true);
    }

    /// Tells one thing.
    pub(crate) fn tell(&self, kind: &'static str, data: &Value) {
        if !self.is_wanted() {
            return;
        }
        let json: Arc<str> = data.to_string().into();
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let number = ring.next;
        ring.next += 1;
        ring.bytes += json.len();
        ring.things.push_back(Thing { number, kind, json });
        while ring.things.len() > KEPT_MAX || ring.bytes > BYTES_MAX {
            let Some(gone) = ring.things.pop_front() else { break };
            ring.bytes -= gone.json.len();
        }
        drop(ring);
        self.reached.send_modify(|reached| reached.newest = reached.newest.max(number));
    }

    /// Tells of a POST.
    pub(crate) fn tell_posted(&self, posted: &Posted<'_>) {
        if !self.is_wanted() {
            return;
        }
        let body = if posted.body.len() > BODY_MAX {
            json!(format!("({} bytes, not kept)", posted.body.len()))
        } else {
            serde_json::from_str(posted.body).unwrap_or_default()
        };
        let Posted { at, url, status, took_ms, .. } = posted;
        self.tell("webhook", &json!({ "at": at, "url": url, "status": status, "tookMs": took_ms, "body": body }));
    }

    /// Tells of rows that are durable now.
    pub(crate) fn tell_changes(&self, changes: &[Change], at: i64, look: impl FnOnce(&mut dyn FnMut(&World))) {
        let mut found = Vec::new();
        look(&mut |world| found = changes.iter().filter_map(|change| shown(change, world, at)).collect());
        for (kind, data) in &found {
            self.tell(kind, data);
        }
    }

    /// What comes after a number; without one nothing, and the newest number.
    pub(crate) fn after(&self, after: Option<u64>, limit: usize) -> Rest {
        let ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = ring.next - 1;
        let Some(after) = after else { return Rest { things: Vec::new(), has_gap: false, newest } };
        let oldest = ring.things.front().map_or(ring.next, |thing| thing.number);
        let has_gap = after > newest || after + 1 < oldest;
        let from = if after > newest { 0 } else { after };
        let first = ring.things.partition_point(|thing| thing.number <= from);
        Rest { things: ring.things.iter().skip(first).take(limit).cloned().collect(), has_gap, newest }
    }
}

/// What a change is called for who watches.
fn shown(change: &Change, world: &World, at: i64) -> Option<(&'static str, Value)> {
    match change {
        Change::Message(row) => Some((
            "message",
            json!({
                "at": at,
                "id": row.wamid,
                "direction": if row.outbound { "outbound" } else { "inbound" },
                "number": row.number.to_string(),
                "customer": world.messages.get(row.seq).and_then(|m| m.body.customer).map(|id| id.to_string()),
                "party": row.to,
                "type": row.kind,
                "status": row.status,
                "error": row.error,
            }),
        )),
        Change::Progress { seq, status, error, .. } => {
            let message = world.messages.get(*seq)?;
            Some((
                "message",
                json!({
                    "at": at,
                    "id": message.body.wamid,
                    "direction": if message.body.outbound { "outbound" } else { "inbound" },
                    "number": message.body.number.to_string(),
                    "customer": message.body.customer.map(|id| id.to_string()),
                    "party": message.body.to,
                    "type": message.body.kind.as_str(),
                    "status": status,
                    "error": error,
                }),
            ))
        }
        Change::Put { kind, id, .. } | Change::Remove { kind, id } => {
            let name = match kind {
                Entity::Template => "template",
                Entity::Customer | Entity::PagePerson => "customer",
                Entity::PageMessage => "page_message",
                Entity::Number | Entity::Waba | Entity::Page => "number",
                Entity::Settings => "settings",
                Entity::Faults => "faults",
                Entity::Clock => "clock",
                Entity::App | Entity::Catalog | Entity::Media | Entity::Upload | Entity::Flow | Entity::Boots => return None,
            };
            let is_gone = matches!(change, Change::Remove { .. });
            Some((name, json!({ "at": at, "id": id.to_string(), "gone": is_gone })))
        }
        Change::Owe { .. } | Change::OweAgain { .. } | Change::Settled { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_gathered_for_nobody_and_a_gap_is_told() {
        let told = Told::new(3);
        told.tell("clock", &json!({}));
        assert_eq!(told.after(Some(3 << 32), 9).things.len(), 0);
        let mut watching = told.watch();
        let start = told.after(None, 9).newest;
        for n in 0..KEPT_MAX + 5 {
            told.tell("clock", &json!({ "n": n }));
        }
        assert!(watching.has_changed().unwrap());
        assert_eq!(watching.borrow_and_update().newest, start + KEPT_MAX as u64 + 5);
        let late = told.after(Some(start), 1);
        assert!(late.has_gap);
        assert_eq!(late.things[0].number, start + 6);
        let in_time = told.after(Some(start + 5), 2);
        assert!(!in_time.has_gap);
        assert_eq!(in_time.things.len(), 2);
        // A number of another folder's, or from before it was made anew.
        assert!(told.after(Some(u64::MAX), 1).has_gap && told.after(Some(0), 1).has_gap);
    }

    #[test]
    fn what_is_kept_is_bounded_in_bytes() {
        let told = Told::new(1);
        let _watching = told.watch();
        for _ in 0..40 {
            told.tell("x", &json!("y".repeat(1 << 20)));
        }
        assert!(told.after(Some(0), usize::MAX).things.len() <= 16);
    }
}
