//! Templates: what a reading found, what a webhook told, what was done through here; joined by time.

use std::collections::BTreeSet;

use transom_domain::content::Language;
use transom_domain::event::EventBody;
use transom_domain::fact::{TemplateStatus, TemplateTold};
use transom_domain::id::{BusinessId, EventId};
use transom_domain::message::TemplateName;
use transom_domain::template::{Approval, By, Change, HistoryEntry, Life, Record, Template};
use transom_domain::template_rules::{CREATION_WINDOW, CREATIONS_MAX, Namesake, Refusal, may_create, may_delete, may_edit};
use transom_domain::time::Timestamp;

use super::tell;
use crate::contract::HISTORY_MAX;
use crate::rows::{Result, Rows};
use crate::{Begun, Page, PutTwin, StoreError, TemplateAction, TemplateIntent, TemplateKey, TemplateOutcome};

/// Who and when, of changes that are to be written down.
#[derive(Clone, Copy)]
struct Told {
    by: Option<By>,
    /// When it happened.
    at: Timestamp,
    /// When we learned of it.
    now: Timestamp,
    /// Whether it is told to the business too.
    aloud: bool,
}

fn key(business: BusinessId, waba: &str, template: &Template) -> TemplateKey {
    TemplateKey { business, waba: waba.to_owned(), name: template.name.clone(), language: template.language.clone() }
}

/// Writes changes into the history, and tells them.
fn write(
    rows: &mut dyn Rows,
    key: &TemplateKey,
    before: Option<&Record>,
    record: &Record,
    changes: &[Change],
    told: Told,
) -> Result<Vec<EventId>> {
    let mut events = Vec::new();
    let template = &record.template;
    for change in changes {
        let entry = HistoryEntry { at: told.at, by: told.by.unwrap_or(change.by()), change: change.clone() };
        rows.put_history(key, &entry, HISTORY_MAX)?;
        if told.aloud {
            let status = TemplateStatus {
                id: template.id.clone(),
                name: template.name.clone(),
                language: template.language.clone(),
                approval: template.approval,
                category: Some(template.category),
                reason: template.reason.clone(),
                rejection: template.life.rejection.clone(),
                pause: None,
                disable_on: template.life.disable_on.clone(),
                flagged: matches!(change, Change::Flagged { .. }),
                at: told.at,
            };
            let previous = before.map(|before| before.template.approval);
            let body =
                EventBody::TemplateChanged { waba: key.waba.clone(), template: status, previous, change: change.in_brief() };
            events.push(tell::event(rows, key.business, told.now, body)?);
        }
    }
    Ok(events)
}

/// See [`crate::Store::put_templates`].
pub(crate) fn put(
    rows: &mut dyn Rows,
    business: BusinessId,
    waba: &str,
    templates: Vec<Template>,
    complete: bool,
    read_at: Timestamp,
) -> Result<usize> {
    let mut changed = 0;
    let mut seen = BTreeSet::new();
    // What is seen when an account is read for the first time has not changed.
    let account_read = rows.account_read(business, waba)?;
    let is_first = account_read.is_none();
    // What a call is being made for is that call's to record: a reading would take its work for somebody else's.
    let open: BTreeSet<TemplateKey> = rows.intents(business, waba)?.into_iter().map(|intent| intent.key).collect();
    for template in templates {
        seen.insert((template.name.clone(), template.language.as_str().to_owned()));
        let key = key(business, waba, &template);
        if open.contains(&key) {
            continue;
        }
        let known = rows.template(business, waba, &key.name, &key.language)?.map(|known| known.as_of(account_read));
        let (record, changes) = match &known {
            Some(known) => known.read(template, read_at),
            None => (Record::found(template, read_at), vec![Change::Found]),
        };
        // A reading that moves dates alone is written down once, for the account.
        let is_new = known.as_ref().is_none_or(|known| *known != record && known.clone().as_of(Some(read_at)) != record);
        if is_new {
            rows.put_template(business, waba, &record)?;
        }
        let differs = known.as_ref().is_none_or(|known| !known.read || known.template != record.template);
        changed += usize::from(differs);
        let told = Told { by: None, at: read_at, now: read_at, aloud: !is_first || known.is_some() };
        write(rows, &key, known.as_ref(), &record, &changes, told)?;
    }
    if complete {
        changed += read_whole(rows, business, waba, &seen, &BTreeSet::new(), &open, read_at)?;
    }
    Ok(changed)
}

/// See [`crate::Store::end_reading`].
pub(crate) fn end_reading(
    rows: &mut dyn Rows,
    business: BusinessId,
    waba: &str,
    listed: &[TemplateName],
    unread: &[TemplateName],
    read_at: Timestamp,
) -> Result<usize> {
    let names = |of: &TemplateName| (of.name.clone(), of.language.as_str().to_owned());
    let (seen, unread) = (listed.iter().map(names).collect(), unread.iter().map(names).collect());
    let open = rows.intents(business, waba)?.into_iter().map(|intent| intent.key).collect();
    read_whole(rows, business, waba, &seen, &unread, &open, read_at)
}

/// The whole list was read: what is not in it, and in no call's hands, is gone.
fn read_whole(
    rows: &mut dyn Rows,
    business: BusinessId,
    waba: &str,
    seen: &BTreeSet<(String, String)>,
    unread: &BTreeSet<(String, String)>,
    open: &BTreeSet<TemplateKey>,
    read_at: Timestamp,
) -> Result<usize> {
    let mut gone = 0;
    let account_read = rows.account_read(business, waba)?;
    for known in rows.templates(business, waba, None)? {
        let name = (known.template.name.clone(), known.template.language.as_str().to_owned());
        if unread.contains(&name) {
            rows.put_template(business, waba, &known.as_of(account_read).not_understood(read_at))?;
            continue;
        }
        if seen.contains(&name) {
            continue;
        }
        let known = known.as_of(account_read);
        let key = key(business, waba, &known.template);
        if let Some((record, changes)) = known.missing(read_at).filter(|_| !open.contains(&key)) {
            rows.put_template(business, waba, &record)?;
            let told = Told { by: None, at: read_at, now: read_at, aloud: true };
            write(rows, &key, Some(&known), &record, &changes, told)?;
            gone += 1;
        }
    }
    // A reading that began earlier and ends later takes nothing back.
    rows.put_account_read(business, waba, account_read.map_or(read_at, |known| known.max(read_at)))?;
    Ok(gone)
}

/// What is known of a template, by webhooks and by readings.
fn standing(rows: &dyn Rows, business: BusinessId, waba: &str, (name, language): (&str, &Language)) -> Result<Option<Record>> {
    let Some(known) = rows.template(business, waba, name, language)? else { return Ok(None) };
    Ok(Some(known.as_of(rows.account_read(business, waba)?)))
}

/// A webhook told a status. Says whether it was news, and the events.
pub(crate) fn told(
    rows: &mut dyn Rows,
    business: BusinessId,
    waba: &str,
    status: &TemplateStatus,
    now: Timestamp,
) -> Result<(bool, Vec<EventId>)> {
    let known = standing(rows, business, waba, (&status.name, &status.language))?;
    let next = match &known {
        Some(known) => known.told(status),
        None => Some(Record::rumoured(status)),
    };
    take(rows, business, waba, known.as_ref(), next, (status.at, now))
}

/// A webhook told something else of a template. What is said of one that nobody knows is found by the next reading.
pub(crate) fn heard(
    rows: &mut dyn Rows,
    business: BusinessId,
    waba: &str,
    told: &TemplateTold,
    now: Timestamp,
) -> Result<(bool, Vec<EventId>)> {
    let Some(known) = standing(rows, business, waba, (&told.name, &told.language))? else { return Ok((true, Vec::new())) };
    let next = known.heard(told);
    take(rows, business, waba, Some(&known), next, (told.at, now))
}

fn take(
    rows: &mut dyn Rows,
    business: BusinessId,
    waba: &str,
    known: Option<&Record>,
    next: Option<(Record, Vec<Change>)>,
    (at, now): (Timestamp, Timestamp),
) -> Result<(bool, Vec<EventId>)> {
    let Some((record, changes)) = next else { return Ok((false, Vec::new())) };
    if known != Some(&record) {
        rows.put_template(business, waba, &record)?;
    }
    let news = known.is_none_or(|known| known.template != record.template);
    let key = key(business, waba, &record.template);
    let told = Told { by: None, at: at.min(now), now, aloud: true };
    Ok((news, write(rows, &key, known, &record, &changes, told)?))
}

/// See [`crate::Store::begin_template`].
pub(crate) fn begin(rows: &mut dyn Rows, intent: &TemplateIntent) -> Result<Begun> {
    let begun = may(rows, intent)?;
    if matches!(begun, Begun::Begun(_)) {
        rows.put_intent(intent)?;
    }
    Ok(begun)
}

/// See [`crate::Store::may_template`].
pub(crate) fn may(rows: &dyn Rows, intent: &TemplateIntent) -> Result<Begun> {
    let TemplateIntent { key, action, at: now, .. } = intent;
    if let Some(earlier) = rows.intent(key)? {
        return Ok(Begun::UnderWay(Box::new(earlier)));
    }
    let known = rows.template(key.business, &key.waba, &key.name, &key.language)?;
    // One of which only a webhook has told is there at Meta, whatever it consists of.
    let template = known.map(|record| record.template);
    let living = || template.clone().filter(|template| template.approval != Approval::Deleted);
    let allowed: std::result::Result<(), Refusal> = match action {
        TemplateAction::Create { category, .. } => {
            let records = rows.templates(key.business, &key.waba, Some(&key.name))?;
            let namesakes: Vec<Namesake<'_>> =
                records.iter().map(|record| Namesake { template: &record.template, status_at: record.status_at }).collect();
            let since = now.minus(CREATION_WINDOW);
            let mut creations = rows.creations(key.business, &key.waba, since, 2 * CREATIONS_MAX)?;
            let open = rows.intents(key.business, &key.waba)?;
            creations.extend(open.iter().filter(|i| matches!(i.action, TemplateAction::Create { .. })).map(|i| i.at));
            may_create((&key.name, &key.language, *category), &namesakes, &creations, *now)
        }
        TemplateAction::Edit { category, .. } => match living() {
            None => return Ok(Begun::Missing),
            Some(template) => {
                let history: Vec<HistoryEntry> =
                    rows.history(key, None, HISTORY_MAX)?.into_iter().map(|(_, entry)| entry).collect();
                may_edit(&template, *category, &history, *now)
            }
        },
        TemplateAction::Delete => match living() {
            None => return Ok(Begun::Missing),
            Some(template) => may_delete(&template),
        },
    };
    let standing = living().map(Box::new);
    Ok(match allowed {
        Ok(()) => Begun::Begun(standing),
        Err(refusal) => Begun::Refused(refusal, standing),
    })
}

/// See [`crate::Store::end_template`].
pub(crate) fn end(rows: &mut dyn Rows, key: &TemplateKey, outcome: &TemplateOutcome, now: Timestamp) -> Result<Option<Template>> {
    let known = rows.template(key.business, &key.waba, &key.name, &key.language)?;
    let Some(intent) = rows.intent(key)? else { return Ok(known.map(|record| record.template)) };
    rows.drop_intent(key)?;
    let next = match (outcome, &intent.action) {
        (TemplateOutcome::Created { id, approval, category }, TemplateAction::Create { definition, ttl_seconds, .. }) => {
            let template = Template {
                id: id.clone(),
                name: key.name.clone(),
                language: key.language.clone(),
                category: *category,
                approval: *approval,
                reason: None,
                definition: definition.clone(),
                life: Life { ttl_seconds: *ttl_seconds, ..Life::default() },
            };
            Some(Record::created(known.as_ref(), template, intent.at, now))
        }
        (TemplateOutcome::Edited, TemplateAction::Edit { category, definition, ttl_seconds }) => {
            known.as_ref().map(|known| known.edited(*category, definition.clone(), *ttl_seconds, (intent.at, now)))
        }
        (TemplateOutcome::Deleted, TemplateAction::Delete) => known
            .as_ref()
            .filter(|known| known.template.approval != Approval::Deleted)
            .map(|known| known.deleted_here(intent.at, now)),
        _ => None,
    };
    let Some((record, changes)) = next else { return Ok(known.map(|record| record.template)) };
    rows.put_template(key.business, &key.waba, &record)?;
    let told = Told { by: Some(intent.by), at: intent.at, now, aloud: true };
    write(rows, key, known.as_ref(), &record, &changes, told)?;
    Ok(Some(record.template))
}

/// See [`crate::Store::put_twin`].
pub(crate) fn put_twin(
    rows: &mut dyn Rows,
    key: &TemplateKey,
    twin: Option<&TemplateName>,
    by: By,
    now: Timestamp,
) -> Result<PutTwin> {
    let living = |record: &Record| record.read && record.template.approval != Approval::Deleted;
    let known = rows.template(key.business, &key.waba, &key.name, &key.language)?.filter(living);
    let Some(known) = known else { return Ok(PutTwin::Missing) };
    if let Some(twin) = twin {
        let is_itself = twin.name == key.name && twin.language == key.language;
        let there = rows.template(key.business, &key.waba, &twin.name, &twin.language)?;
        if is_itself || !there.is_some_and(|record| living(&record)) {
            return Ok(PutTwin::NoTwin);
        }
    }
    if known.template.life.twin.as_ref() != twin {
        let mut record = known.clone();
        record.template.life.twin = twin.cloned();
        rows.put_template(key.business, &key.waba, &record)?;
        let told = Told { by: Some(by), at: now, now, aloud: true };
        write(rows, key, Some(&known), &record, &[Change::Twin { twin: twin.cloned() }], told)?;
    }
    Ok(PutTwin::Stored)
}

/// See [`crate::Store::template_history`].
pub(crate) fn history(rows: &dyn Rows, key: &TemplateKey, page: &Page) -> Result<(Vec<HistoryEntry>, Option<String>)> {
    let before = page.token.as_deref().map(|token| token.parse::<i64>().map_err(|_| StoreError::BadToken)).transpose()?;
    let size = page.size.clamp(1, crate::PAGE_MAX);
    let mut lines = rows.history(key, before, size + 1)?;
    let more = lines.len() > size;
    lines.truncate(size);
    let next = lines.last().filter(|_| more).map(|(number, _)| number.to_string());
    Ok((lines.into_iter().map(|(_, entry)| entry).collect(), next))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::table::MemoryRows;
    use crate::rows::AdminRows as _;
    use transom_domain::template::{Category, Definition};
    use transom_domain::time::Span;

    const SHOP: BusinessId = BusinessId(1);

    fn template(name: &str, approval: Approval) -> Template {
        Template {
            id: format!("id-{name}"),
            name: name.to_owned(),
            language: Language::parse("en").unwrap(),
            category: Category::Utility,
            approval,
            reason: None,
            definition: Definition::default(),
            life: Life::default(),
        }
    }

    fn status(name: &str, at: Timestamp) -> TemplateStatus {
        TemplateStatus {
            id: format!("id-{name}"),
            name: name.to_owned(),
            language: Language::parse("en").unwrap(),
            approval: Approval::Paused,
            category: None,
            reason: None,
            rejection: None,
            pause: None,
            disable_on: None,
            flagged: false,
            at,
        }
    }

    #[test]
    fn a_reading_that_changes_nothing_rewrites_nothing() {
        let mut rows = MemoryRows::default();
        let first = Timestamp::from_secs(1_000_000);
        let both = || vec![template("a", Approval::Approved), template("b", Approval::Approved)];
        put(&mut rows, SHOP, "1", both(), true, first).unwrap();
        let before = rows.templates(SHOP, "1", None).unwrap();
        // The second of them is written in a way that nobody here understands.
        let names: Vec<TemplateName> = both().into_iter().map(|t| TemplateName { name: t.name, language: t.language }).collect();
        let later = first.plus(Span::hours(1));
        put(&mut rows, SHOP, "1", both().into_iter().take(1).collect(), false, later).unwrap();
        end_reading(&mut rows, SHOP, "1", &names[..1], &names[1..], later).unwrap();
        assert_eq!(rows.templates(SHOP, "1", Some("a")).unwrap(), before[..1]);
        // Yet it is known how the one stood then: what was told before is late. Of the other it is news.
        let late = later.minus(Span::minutes(5));
        assert!(!told(&mut rows, SHOP, "1", &status("a", late), later).unwrap().0);
        assert!(told(&mut rows, SHOP, "1", &status("b", late), later).unwrap().0);
        // A reading that began earlier takes nothing back.
        put(&mut rows, SHOP, "1", vec![template("a", Approval::Paused)], true, first).unwrap();
        assert!(!told(&mut rows, SHOP, "1", &status("a", late), later).unwrap().0);
        assert_eq!(rows.templates(SHOP, "1", Some("a")).unwrap(), before[..1]);
        assert!(told(&mut rows, SHOP, "1", &status("a", later.plus(Span::secs(1))), later).unwrap().0);
    }
}
