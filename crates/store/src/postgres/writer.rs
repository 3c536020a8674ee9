//! A writer: one thread, one connection. It takes all that waits of one business, takes the business's turn, runs each move, and commits
//! them together. A move that is refused after it wrote is taken out and the others are run again without it.
//!
//! Nothing is answered before its fate is known. Where nothing was committed, it is tried again: after a deadlock, after a switch to
//! another server. Where the connection was lost during the commit, the writer looks for the mark that the group left, and only then
//! answers.

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::Arc;
use std::time::Instant;

use transom_domain::id::BusinessId;

use super::inbox::{Inbox, Work, Write, closed};
use super::rows::{Held, PgRows};
use super::session::{PATIENCE, PAUSE, Session, Trouble};
use crate::StoreError;
use crate::cache::Cache;
use crate::rows::Result;
use crate::sql::params;

/// How many moves one commit takes.
const GROUP_MAX: usize = 512;
/// Businesses of which is remembered what was written last.
const CACHES: usize = 128;
/// A deadlock or a conflict is tried again so often.
const AGAIN_MAX: u32 = 20;

/// What became of one try.
enum Fate {
    Committed,
    /// Undone. Why, and at which move, where it was one.
    Undone(Undone),
    /// The connection was lost during the commit.
    Uncertain,
}

enum Undone {
    /// This one was refused after it wrote.
    Refused(usize),
    /// This one did something with businesses whose turn it did not have: all of these are to be taken first.
    Elsewhere(usize, BTreeSet<BusinessId>),
    /// A statement failed.
    Failed(Trouble, StoreError),
}

/// A writer at work.
pub(super) struct Writer {
    session: Session,
    inbox: Arc<Inbox<Write>>,
    /// By what its marks are found.
    name: [u8; 16],
    number: i64,
    caches: HashMap<BusinessId, (i64, Cache)>,
    /// Whether it takes turns; the journal's has its own.
    turns: bool,
}

/// A number that nobody else has.
fn name() -> [u8; 16] {
    let part = || RandomState::new().build_hasher().finish();
    let mut name = [0; 16];
    name[..8].copy_from_slice(&part().to_be_bytes());
    name[8..].copy_from_slice(&part().to_be_bytes());
    name
}

impl Writer {
    pub(super) fn new(session: Session, inbox: Arc<Inbox<Write>>, turns: bool) -> Self {
        Self { session, inbox, name: name(), number: 0, caches: HashMap::new(), turns }
    }

    /// Serves until the inbox is closed and empty.
    pub(super) fn serve(mut self) {
        while let Some((of, group)) = self.inbox.take(GROUP_MAX) {
            let first = of.filter(|_| self.turns).into_iter().collect();
            self.group(of.is_none() && self.turns, first, group);
        }
    }

    /// Sees a group through. What is the house's own, or found only by the move itself, is decided one after the other among all
    /// replicas.
    fn group(&mut self, house: bool, mut turns: BTreeSet<BusinessId>, mut group: Vec<Box<dyn Work>>) {
        let mut again = 0;
        // Whoever has waited longest.
        let since = group.iter().map(|work| work.since()).min().unwrap_or_else(Instant::now);
        while !group.is_empty() {
            let fate = match self.attempt(house, &turns, &mut group) {
                Fate::Uncertain => self.find_out(house, &turns),
                fate => fate,
            };
            let undone = match fate {
                Fate::Committed => break,
                Fate::Undone(undone) => undone,
                Fate::Uncertain => {
                    return tell(group, &StoreError::Unavailable("whether it was committed is not known".to_owned()));
                }
            };
            match undone {
                // What it was refused for was so after those before it: it is as if it had come after them.
                Undone::Refused(at) => group.remove(at).answer(Ok(())),
                Undone::Elsewhere(_, all) if group.len() == 1 => turns = all,
                Undone::Elsewhere(at, all) => {
                    let later = group.split_off(at + 1);
                    let alone = group.pop();
                    // In their order: those before it, it alone, those after it.
                    let before = std::mem::replace(&mut group, later);
                    self.group(house, turns.clone(), before);
                    self.group(house, all, alone.into_iter().collect());
                }
                Undone::Failed(Trouble::Lost, why) => {
                    if since.elapsed() > PATIENCE || self.inbox.is_closed() {
                        return tell(group, &why);
                    }
                    std::thread::sleep(PAUSE);
                }
                Undone::Failed(Trouble::Again, why) => {
                    again += 1;
                    if again > AGAIN_MAX {
                        return tell(group, &why);
                    }
                    std::thread::sleep(PAUSE / AGAIN_MAX * again);
                }
                Undone::Failed(Trouble::Other, why) if group.len() == 1 => return tell(group, &why),
                // Whose fault it was shows when each is alone.
                Undone::Failed(Trouble::Other, _) => {
                    for one in std::mem::take(&mut group) {
                        self.group(house, turns.clone(), vec![one]);
                    }
                }
            }
        }
        for work in group {
            work.answer(Ok(()));
        }
    }

    /// One transaction.
    fn attempt(&mut self, house: bool, turns: &BTreeSet<BusinessId>, group: &mut [Box<dyn Work>]) -> Fate {
        let alone = if let (1, Some(business)) = (turns.len(), turns.first()) { Some(*business) } else { None };
        let (known, cache) = alone.and_then(|business| self.caches.remove(&business)).unwrap_or_default();
        let held = Held::default();
        let outcome = self.run(house, turns, group, (known, &cache), &held);
        let fate = match outcome {
            Ok(()) => Fate::Committed,
            Err(Fate::Undone(undone)) => {
                self.session.undo();
                Fate::Undone(undone)
            }
            Err(fate) => {
                self.session.disconnect();
                fate
            }
        };
        if let (Fate::Committed, Some(business)) = (&fate, alone)
            && let Some(turn) = held.turns.borrow().get(&business)
        {
            // What is not the business's own may change without its turn.
            cache.heard_of.take();
            if self.caches.len() >= CACHES {
                self.caches.clear();
            }
            self.caches.insert(business, (turn.version, cache));
        }
        fate
    }

    fn failed(&self, why: StoreError) -> Fate {
        Fate::Undone(Undone::Failed(self.session.trouble().unwrap_or(Trouble::Other), why))
    }

    fn run(
        &mut self,
        house: bool,
        turns: &BTreeSet<BusinessId>,
        group: &mut [Box<dyn Work>],
        (known, cache): (i64, &Cache),
        held: &Held,
    ) -> std::result::Result<(), Fate> {
        self.session.ready().map_err(|why| Fate::Undone(Undone::Failed(Trouble::Lost, why)))?;
        let mut rows = PgRows::writing(&self.session, cache, held);
        self.session.put("BEGIN", params![]).map_err(|why| self.failed(why))?;
        if house {
            self.session.query(TAKE_HOUSE, params![]).map_err(|why| self.failed(why))?;
        }
        for business in turns {
            let turn = rows.take_turn(held, *business).map_err(|why| self.failed(why))?;
            if turn.version != known {
                cache.forget();
            }
        }
        let begun = cache.changes();
        for (at, work) in group.iter_mut().enumerate() {
            let before = cache.changes();
            let mut stands = work.run(&mut rows);
            if stands && let Err(why) = rows.finish_move() {
                return Err(self.failed(why));
            }
            if let Some(trouble) = self.session.trouble() {
                let why = StoreError::Unavailable("a statement before it failed".to_owned());
                return Err(Fate::Undone(Undone::Failed(trouble, self.session.why().unwrap_or(why))));
            }
            if held.late.get() {
                let all = held.turns.borrow().keys().copied().chain(turns.iter().copied()).collect();
                return Err(Fate::Undone(Undone::Elsewhere(at, all)));
            }
            stands |= cache.changes() == before;
            if !stands {
                return Err(Fate::Undone(Undone::Refused(at)));
            }
        }
        // What is answered from what it found must be as lasting as what it writes: the first commit of a connection makes it so.
        if cache.changes() == begun && self.session.is_proven() {
            return self.session.run("ROLLBACK", params![]).map_err(|why| self.failed(why));
        }
        rows.flush().map_err(|why| self.failed(why))?;
        self.number += 1;
        self.session.put(MARK, params![mark_of(turns), self.name, self.number]).map_err(|why| self.failed(why))?;
        // What was put off leaves with it: if the connection ends before the answer, the commit may have been made.
        match self.session.commit() {
            Ok(()) => {
                rows.confirm();
                Ok(())
            }
            Err(_) if self.session.trouble() == Some(Trouble::Lost) => Err(Fate::Uncertain),
            Err(why) => Err(self.failed(why)),
        }
    }

    /// What became of a commit of which nothing was heard.
    fn find_out(&mut self, house: bool, turns: &BTreeSet<BusinessId>) -> Fate {
        tracing::warn!("the connection to PostgreSQL was lost during a commit: its mark is looked for");
        loop {
            match self.look_for_mark(house, turns) {
                Ok(number) if number == self.number => return Fate::Committed,
                Ok(_) => return Fate::Undone(Undone::Failed(Trouble::Lost, closed())),
                Err(_) if self.inbox.is_closed() => return Fate::Uncertain,
                Err(_) => {
                    self.session.undo();
                    std::thread::sleep(PAUSE);
                }
            }
        }
    }

    fn look_for_mark(&self, house: bool, turns: &BTreeSet<BusinessId>) -> Result<i64> {
        self.session.ready()?;
        let key = [mark_of(turns), self.name];
        self.session.put("BEGIN", params![])?;
        // Waits for the transaction that is looked for to end, should it still be under way in the server: it may wait there itself, and
        // leaves its mark last. So what it holds from its beginning is taken first, as it took it.
        if house {
            self.session.query(TAKE_HOUSE, params![])?;
        }
        let (cache, held) = (Cache::default(), Held::default());
        let rows = PgRows::writing(&self.session, &cache, &held);
        for business in turns {
            rows.take_turn(&held, *business)?;
        }
        self.session.put(NO_MARK, key)?;
        let rows = self.session.query(FIND_MARK, key)?;
        let number = rows.first().and_then(|row| row.try_get(0).ok()).unwrap_or(0);
        // The lock is a change too, for whose commit a standby is waited for: a mark that is found here is there as well.
        self.session.commit()?;
        Ok(number)
    }
}

/// What is the house's own is changed by one at a time.
const TAKE_HOUSE: &str = "SELECT one FROM house WHERE one = 1 FOR UPDATE";
const MARK: &str = "INSERT INTO committed (business, writer, number, at)
     VALUES ($1, $2, $3, (extract(epoch FROM now()) * 1000)::bigint)
     ON CONFLICT (business, writer) DO UPDATE SET number = excluded.number, at = excluded.at";
const NO_MARK: &str = "INSERT INTO committed (business, writer, number, at)
     VALUES ($1, $2, 0, (extract(epoch FROM now()) * 1000)::bigint) ON CONFLICT (business, writer) DO NOTHING";
const FIND_MARK: &str = "SELECT number FROM committed WHERE business = $1 AND writer = $2 FOR UPDATE";

/// Under which business a group leaves its mark.
fn mark_of(turns: &BTreeSet<BusinessId>) -> [u8; 16] {
    turns.first().map_or([0; 16], |business| business.to_bytes())
}

fn tell(group: Vec<Box<dyn Work>>, why: &StoreError) {
    for work in group {
        work.answer(Err(why.clone()));
    }
}
