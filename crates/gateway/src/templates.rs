//! What is known of templates: the store's copy, indexed for matching by canonical content and for naming.
//!
//! The copy is made from Meta's `message_templates` (at start, on demand, at an interval and on a miss) and kept true by
//! status webhooks. In memory it is at most [`MAX_AGE`] old; every change made through this process replaces it at once.

mod turns;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use transom_clock::WorldClock;
use transom_domain::content::{Body, Language, Variables};
use transom_domain::id::BusinessId;
use transom_domain::message::TemplateName;
use transom_domain::template::{Approval, Definition, Template};
use transom_domain::time::Timestamp;
use transom_domain::translate::to_definition;
use transom_store::{Store, StoreError, TemplateOutcome};

use crate::directory::Speaker;
use crate::service::{TemplatesUnderWay, became};
use crate::upstream::Upstream;
use turns::Turns;

/// How old the copy in memory may be.
pub const MAX_AGE: Duration = Duration::from_secs(5);
/// A miss asks Meta again after this at the earliest, and twice as long each time that nothing was new: wrong names cost few calls.
const MISS_GAP: Duration = Duration::from_secs(3);
/// The longest gap between two readings after misses.
const MISS_GAP_MAX: Duration = Duration::from_secs(300);
/// Templates per page of the list.
const PAGE: usize = 100;
/// Templates that are stored at once.
const PART: usize = 200;
/// Most pages that one reading follows: 6,000 is Meta's own limit of templates per account.
const PAGES_MAX: usize = 100;

/// The templates of one account, indexed.
#[derive(Default)]
pub struct Shelf {
    all: Vec<Arc<Template>>,
    by_name: HashMap<String, Vec<Arc<Template>>>,
    by_content: HashMap<(Language, String), Vec<Arc<Template>>>,
}

impl Shelf {
    fn of(templates: Vec<Template>) -> Self {
        let mut shelf = Self::default();
        for template in templates {
            let template = Arc::new(template);
            shelf.by_name.entry(template.name.clone()).or_default().push(template.clone());
            let key = (template.language.clone(), canonical(&template.definition));
            shelf.by_content.entry(key).or_default().push(template.clone());
            shelf.all.push(template);
        }
        shelf
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[Arc<Template>] {
        &self.all
    }

    /// The translations of a name that still exist.
    pub fn named<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Arc<Template>> + use<'a> {
        self.by_name.get(name).into_iter().flatten().filter(|t| t.approval != Approval::Deleted)
    }

    /// The template with this name in this language, even if it is deleted.
    #[must_use]
    pub fn ever(&self, name: &str, language: &Language) -> Option<&Arc<Template>> {
        self.by_name.get(name).into_iter().flatten().find(|t| t.language == *language)
    }

    /// The templates that say the same as this body, in this language. The values tell the kind of a file, and the form at Meta, whose
    /// name is a variable.
    #[must_use]
    pub fn matching(&self, body: &Body, values: &Variables, language: &Language) -> Vec<&Arc<Template>> {
        let Some(definition) = to_definition(body, values) else { return Vec::new() };
        let same = self.by_content.get(&(language.clone(), canonical(&definition)));
        same.into_iter().flatten().filter(|template| template.definition.opens(&definition)).collect()
    }
}

fn canonical(definition: &Definition) -> String {
    serde_json::to_string(&definition.canonical()).unwrap_or_default()
}

/// The library of all accounts; cheap to clone.
#[derive(Clone)]
pub struct Library(Arc<Inner>);

/// One account of one business.
type AccountOf = (BusinessId, String);

/// The shelves in memory. Readings of the store are numbered when they begin, so that an earlier one that ends late never takes the
/// place of one that has seen more.
#[derive(Default)]
struct Shelves {
    readings: u64,
    known: HashMap<AccountOf, Placed>,
}

#[derive(Clone)]
struct Placed {
    reading: u64,
    read_at: Instant,
    shelf: Arc<Shelf>,
}

impl Shelves {
    /// A reading begins; its number.
    fn begin(&mut self) -> u64 {
        self.readings += 1;
        self.readings
    }

    /// A reading has ended. Answers the shelf that stands now: this one, or that of a reading which began later.
    fn place(&mut self, of: AccountOf, placed: Placed) -> Arc<Shelf> {
        let known = self.known.entry(of).or_insert_with(|| placed.clone());
        if known.reading < placed.reading {
            *known = placed;
        }
        known.shelf.clone()
    }
}

struct Inner {
    store: Arc<dyn Store>,
    upstream: Upstream,
    clock: WorldClock,
    shelves: Mutex<Shelves>,
    asked: Mutex<HashMap<AccountOf, (Instant, Duration)>>,
    under_way: TemplatesUnderWay,
    turns: Turns,
}

/// How much of Meta's list was read and understood.
#[derive(Default)]
struct Extent {
    /// It was read to its end, and each template in it is known by name.
    is_whole: bool,
    /// In it, and not understood: they are not gone.
    unread: BTreeSet<TemplateName>,
}

fn name_of(name: &str, language: &Language) -> TemplateName {
    TemplateName { name: name.to_owned(), language: language.clone() }
}

/// What a reading of Meta's list gave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// Templates read.
    pub read: usize,
    /// Of these, new or changed.
    pub changed: usize,
    /// Templates that could not be understood, with the reason.
    pub skipped: Vec<String>,
}

impl Library {
    /// An empty library.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, upstream: Upstream, clock: WorldClock) -> Self {
        Self(Arc::new(Inner {
            store,
            upstream,
            clock,
            shelves: Mutex::default(),
            asked: Mutex::default(),
            under_way: TemplatesUnderWay::default(),
            turns: Turns::default(),
        }))
    }

    /// The shelf of an account, at most [`MAX_AGE`] old.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn shelf(&self, business: BusinessId, waba: &str) -> Result<Arc<Shelf>, StoreError> {
        let key = (business, waba.to_owned());
        let known = self.shelves().known.get(&key).cloned();
        match known {
            Some(known) if known.read_at.elapsed() < MAX_AGE => Ok(known.shelf),
            _ => self.reshelve(business, waba).await,
        }
    }

    /// Reads the store's copy anew.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn reshelve(&self, business: BusinessId, waba: &str) -> Result<Arc<Shelf>, StoreError> {
        let (read_at, reading) = (Instant::now(), self.shelves().begin());
        let templates = self.0.store.templates(business, waba.to_owned(), None).await?;
        let placed = Placed { reading, read_at, shelf: Arc::new(Shelf::of(templates)) };
        Ok(self.shelves().place((business, waba.to_owned()), placed))
    }

    fn shelves(&self) -> MutexGuard<'_, Shelves> {
        self.0.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads Meta's list after a miss, unless that was done a moment ago. Says whether it was read.
    pub async fn after_a_miss(&self, speaker: &Speaker) -> bool {
        let Some(waba) = &speaker.sender.waba else { return false };
        let key = (speaker.sender.business, waba.clone());
        let asked = || self.0.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let gap = {
            let mut asked = asked();
            let gap = match asked.get(&key) {
                Some((at, gap)) if at.elapsed() < *gap => return false,
                Some((_, gap)) => (*gap * 2).min(MISS_GAP_MAX),
                None => MISS_GAP,
            };
            asked.insert(key.clone(), (Instant::now(), gap));
            gap
        };
        match self.read(speaker).await {
            Ok(reading) => {
                let gap = if reading.changed > 0 { MISS_GAP } else { gap };
                asked().insert(key, (Instant::now(), gap));
                true
            }
            Err(why) => {
                tracing::warn!(waba = %waba, error = %why, "templates could not be read after a miss");
                false
            }
        }
    }

    /// The calls that are being made at this moment.
    #[must_use]
    pub fn under_way(&self) -> &TemplatesUnderWay {
        &self.0.under_way
    }

    /// The templates of a name as Meta has them now; nothing is stored.
    ///
    /// # Errors
    /// A sentence: what Meta said, or that one of them could not be understood.
    pub async fn at_meta(&self, speaker: &Speaker, name: &str) -> Result<Vec<Template>, String> {
        let waba = speaker.sender.waba.as_deref().unwrap_or_default();
        let mut found = Vec::new();
        let mut after = None;
        for _ in 0..PAGES_MAX {
            let path = transom_meta::graph::templates_named_path(waba, name, PAGE, after.as_deref());
            let answer = self.0.upstream.call(::http::Method::GET, &path, &speaker.token, None).await.json()?;
            let page = transom_meta::templates::parse_page(&answer).map_err(|why| why.to_string())?;
            if let Some(skipped) = page.skipped.iter().find(|skipped| skipped.name.as_deref() == Some(name)) {
                return Err(skipped.to_string());
            }
            // Meta looks for the name within names.
            found.extend(page.templates.into_iter().filter(|template| template.name == name));
            after = page.after;
            if after.is_none() {
                return Ok(found);
            }
        }
        Err("the list has no end".to_owned())
    }

    /// Settles calls of an earlier run, or whose answer was lost, by a list that was read after them. What such a list neither
    /// shows nor lacks stays open.
    async fn settle(
        &self,
        business: BusinessId,
        waba: &str,
        list: &[Template],
        read_at: Timestamp,
        extent: &Extent,
    ) -> Result<usize, StoreError> {
        let mut settled = 0;
        for intent in self.0.store.template_intents(business, waba.to_owned()).await? {
            let Some(_held) = self.0.under_way.hold(&intent.key) else { continue };
            let is_listed = list.iter().any(|t| t.name == intent.key.name && t.language == intent.key.language);
            let is_absent = extent.is_whole && !extent.unread.contains(&name_of(&intent.key.name, &intent.key.language));
            if intent.at > read_at || !(is_listed || is_absent) {
                continue;
            }
            let Some(outcome) = became(&intent, list, read_at) else { continue };
            settled += usize::from(outcome != TemplateOutcome::NotDone);
            tracing::info!(template = %intent.key.name, call = intent.action.as_str(), outcome = ?outcome, "a call that had no outcome was settled");
            // Dated by the list: what it says beside is newer than the call.
            self.0.store.end_template(intent.key, outcome, read_at).await?;
        }
        Ok(settled)
    }

    /// Stores what was read, in parts: a long list must not keep what is being sent waiting.
    async fn store(
        &self,
        business: BusinessId,
        waba: &str,
        templates: Vec<Template>,
        read_at: Timestamp,
        extent: Extent,
    ) -> Result<usize, StoreError> {
        let listed: Vec<TemplateName> = templates.iter().map(|t| name_of(&t.name, &t.language)).collect();
        let unread: Vec<TemplateName> = extent.unread.into_iter().collect();
        let mut changed = 0;
        for part in templates.chunks(PART) {
            changed += self.0.store.put_templates(business, waba.to_owned(), part.to_vec(), false, read_at).await?;
        }
        if extent.is_whole {
            changed += self.0.store.end_reading(business, waba.to_owned(), listed, unread, read_at).await?;
        }
        Ok(changed)
    }

    /// Reads the list since something was told that only it can show. None when a reading is under way already: it is followed by
    /// another one.
    ///
    /// # Errors
    /// As [`Library::read`].
    pub async fn read_after_news(&self, speaker: &Speaker) -> Option<Result<Reading, String>> {
        let waba = speaker.sender.waba.clone()?;
        let mut turn = self.0.turns.take((speaker.sender.business, waba))?;
        loop {
            let read = self.read(speaker).await;
            if !turn.goes_on() {
                return Some(read);
            }
        }
    }

    /// Reads the whole list of an account from Meta into the store.
    ///
    /// # Errors
    /// A sentence: what Meta or the store said.
    pub async fn read(&self, speaker: &Speaker) -> Result<Reading, String> {
        let Some(waba) = speaker.sender.waba.clone() else { return Ok(Reading::default()) };
        let business = speaker.sender.business;
        let read_at = self.0.clock.now();
        let mut templates = Vec::new();
        let mut reading = Reading::default();
        let mut after = None;
        let mut extent = Extent::default();
        let mut is_nameless = false;
        for _ in 0..PAGES_MAX {
            let path = transom_meta::graph::templates_path(&waba, PAGE, after.as_deref());
            let answer = self.0.upstream.call(::http::Method::GET, &path, &speaker.token, None).await.json()?;
            let page = transom_meta::templates::parse_page(&answer).map_err(|why| why.to_string())?;
            templates.extend(page.templates);
            for skipped in page.skipped {
                reading.skipped.push(skipped.to_string());
                is_nameless |= skipped.name.is_none();
                let language = skipped.language.as_deref().and_then(|code| Language::parse(code).ok());
                // In a language that is none, none is known here.
                extent.unread.extend(skipped.name.zip(language).map(|(name, language)| TemplateName { name, language }));
            }
            after = page.after;
            if after.is_none() {
                // Without its name nobody can say which one is there all the same.
                extent.is_whole = !is_nameless;
                break;
            }
        }
        for why in &reading.skipped {
            tracing::warn!(waba = %waba, reason = %why, "a template could not be understood");
        }
        reading.read = templates.len();
        // What calls that were left behind have done is theirs, and not somebody else's.
        let settled = self.settle(business, &waba, &templates, read_at, &extent).await.map_err(|why| why.to_string())?;
        let stored = self.store(business, &waba, templates, read_at, extent).await;
        reading.changed = settled + stored.map_err(|why| why.to_string())?;
        self.reshelve(business, &waba).await.map_err(|why| why.to_string())?;
        Ok(reading)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_earlier_reading_that_ends_late_takes_no_place() {
        let mut shelves = Shelves::default();
        let of = || (BusinessId(1), "100".to_owned());
        let begin = |shelves: &mut Shelves| Placed { reading: shelves.begin(), read_at: Instant::now(), shelf: Arc::default() };
        let (earlier, later) = (begin(&mut shelves), begin(&mut shelves));
        assert!(Arc::ptr_eq(&shelves.place(of(), later.clone()), &later.shelf));
        assert!(Arc::ptr_eq(&shelves.place(of(), earlier), &later.shelf));
        let latest = begin(&mut shelves);
        assert!(Arc::ptr_eq(&shelves.place(of(), latest.clone()), &latest.shelf));
        let other = begin(&mut shelves);
        assert!(Arc::ptr_eq(&shelves.place((BusinessId(2), "100".to_owned()), other.clone()), &other.shelf));
    }
}
