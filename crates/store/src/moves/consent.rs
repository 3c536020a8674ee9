//! Consent: words are added to a ledger, and the customer's row has what comes of them.

use sha2::{Digest as _, Sha256};

use transom_domain::consent::{Choice, Consent, Entry, Evidence, Scope, Source, Stand, TEXT_MAX};
use transom_domain::event::EventBody;
use transom_domain::fact::{Inbound, InboundBody, Preference};
use transom_domain::failure::UpstreamError;
use transom_domain::id::{BusinessId, EventId, MessageId};
use transom_domain::keywords::normal;
use transom_domain::time::{Span, Timestamp};

use super::{people, tell};
use crate::rows::{Brief, CustomerRow, Place, Result, Rows};
use crate::{ConsentLedger, PAGE_MAX, Page, RecordConsent, RecordedConsent, StoreError, Who};

/// Among how many lines of one ledger the one is looked for by which something stands, the newest of its moment first.
const MOMENT_MAX: usize = 16;

/// What a word did.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Said {
    /// It was not in the ledger yet.
    pub(crate) news: bool,
    /// The event of what changed by it.
    pub(crate) event: Option<EventId>,
}

/// Where an entry stands: the same words of the same moment at the same place.
fn place(entry: &Entry) -> Result<Place> {
    let text = serde_json::to_vec(entry)
        .map_err(|why| StoreError::Corrupt(format!("an entry of consent that JSON cannot hold: {why}")))?;
    let mut digest = [0; 16];
    digest.iter_mut().zip(Sha256::digest(&text)).for_each(|(to, from)| *to = from);
    Ok((entry.at, digest))
}

/// A text as it is kept: no longer than a ledger's texts are.
fn cut(text: &str) -> String {
    text.chars().take(TEXT_MAX).collect()
}

/// Adds a word to a customer's ledger, at its own moment, by which it is known when it comes again; tells it where something else is
/// wanted than before. It counts from `heard_at` at the latest: nobody's word is from the future.
pub(crate) fn say(
    rows: &mut dyn Rows,
    row: &mut CustomerRow,
    entry: &Entry,
    (heard_at, now): (Timestamp, Timestamp),
) -> Result<Said> {
    if !rows.add_consent(row.business, row.id, place(entry)?, entry)? {
        return Ok(Said::default());
    }
    let entry = &Entry { at: entry.at.min(heard_at), ..entry.clone() };
    let before = people::person_of(rows, row.business, row.id)?.map_or(Ok(row.consent), |person| people::wants(rows, &person))?;
    let own = row.consent;
    row.consent = own.and(entry);
    if row.consent != own {
        rows.put_customer(row)?;
    }
    // Of several customers who are one person each keeps what was said by its identities; what counts is what all of them said.
    let now_wanted = before.and(entry);
    let Some(person) = people::person_of(rows, row.business, row.id)?.filter(|_| now_wanted.differs(before)) else {
        return Ok(Said { news: true, event: None });
    };
    let told = EventBody::ConsentChanged {
        customer: person.id,
        address: person.present.any(),
        phone: person.present.phone,
        bsuid: person.present.bsuid,
        scope: entry.scope,
        choice: Some(entry.choice),
        said_at: Some(entry.at),
        source: Some(entry.source),
        message: entry.evidence.message,
        consent: now_wanted,
    };
    let event = tell::event(rows, row.business, now, told)?;
    Ok(Said { news: true, event: Some(event) })
}

/// Two customers became one person, or are two again: tells where something else is wanted than one of these wanted before.
pub(crate) fn tell_anew(rows: &mut dyn Rows, person: &CustomerRow, before: &[Consent], now: Timestamp) -> Result<Vec<EventId>> {
    let wanted = people::wants(rows, person)?;
    let mut told = Vec::new();
    for scope in [Scope::Everything, Scope::Marketing] {
        let stand = wanted.of(scope);
        // What was said of everything speaks of marketing too, and is told once.
        let is_told = scope == Scope::Marketing && stand == wanted.everything && !told.is_empty();
        let choice = |stand: Option<Stand>| stand.map(|stand| stand.choice);
        if is_told || before.iter().all(|before| choice(before.of(scope)) == choice(stand)) {
            continue;
        }
        let entry = stand.map_or(Ok(None), |stand| line_of(rows, person, scope, stand))?;
        let body = EventBody::ConsentChanged {
            customer: person.id,
            address: person.present.any(),
            phone: person.present.phone.clone(),
            bsuid: person.present.bsuid.clone(),
            scope,
            choice: choice(stand),
            said_at: stand.map(|stand| stand.at),
            source: entry.as_ref().map(|entry| entry.source),
            message: entry.and_then(|entry| entry.evidence.message),
            consent: wanted,
        };
        told.push(tell::event(rows, person.business, now, body)?);
    }
    Ok(told)
}

/// The line of a person's ledgers by which something stands.
fn line_of(rows: &dyn Rows, person: &CustomerRow, scope: Scope, stand: Stand) -> Result<Option<Entry>> {
    let after = (stand.at.plus(Span::millis(1)), [0; 16]);
    let says = |entry: &Entry| entry.choice == stand.choice && (entry.scope == scope || entry.scope == Scope::Everything);
    for member in people::members(rows, person)? {
        let lines = rows.consents(person.business, member, Some(after), MOMENT_MAX)?;
        if let Some((_, entry)) = lines.into_iter().find(|(_, entry)| entry.at == stand.at && says(entry)) {
            return Ok(Some(entry));
        }
        // One by a clock that was ahead of ours stands later than it counts.
        let latest = rows.consents(person.business, member, None, MOMENT_MAX)?;
        if let Some((_, entry)) = latest.into_iter().rfind(|(_, entry)| entry.at > stand.at && says(entry)) {
            return Ok(Some(entry));
        }
    }
    Ok(None)
}

/// The customer chose in WhatsApp itself.
pub(crate) fn prefers(
    rows: &mut dyn Rows,
    mut row: CustomerRow,
    said: &Preference,
    (heard_at, now): (Timestamp, Timestamp),
) -> Result<Said> {
    let (choice, word) = if said.marketing { (Choice::OptedIn, "resume") } else { (Choice::OptedOut, "stop") };
    let evidence = Evidence { said: Some(format!("user_preferences: marketing_messages {word}")), ..Evidence::default() };
    let entry = Entry { scope: Scope::Marketing, choice, at: said.at, source: Source::Preference, evidence };
    say(rows, &mut row, &entry, (heard_at, now))
}

/// The customer wrote or tapped one of the business's stop or start words. Nothing, for every other message.
pub(crate) fn keyword(
    rows: &mut dyn Rows,
    row: &mut CustomerRow,
    message: MessageId,
    inbound: &Inbound,
    (heard_at, now): (Timestamp, Timestamp),
) -> Result<Said> {
    // Most messages can be no such word whatever a business has chosen; so its choice is looked up only for those that can.
    let Some(keywords) = may_be_one(inbound).then(|| rows.settings(row.business)).transpose()?.map(|s| s.keywords) else {
        return Ok(Said::default());
    };
    let Some((meaning, said)) = keywords.unwrap_or_default().heard(&inbound.body) else { return Ok(Said::default()) };
    let evidence = Evidence { message: Some(message), said: Some(cut(said)), ..Evidence::default() };
    let entry = Entry { scope: meaning.scope, choice: meaning.choice, at: inbound.at, source: Source::Keyword, evidence };
    say(rows, row, &entry, (heard_at, now))
}

/// Whether a message can be a stop or start word at all: short, or a button.
fn may_be_one(inbound: &Inbound) -> bool {
    match &inbound.body {
        InboundBody::Text { body, .. } => normal(body).is_some(),
        InboundBody::Button { .. } | InboundBody::ButtonReply { .. } => true,
        _ => false,
    }
}

/// Meta refused a message because its customer wants no marketing. A status repeats what an answer said, and says it once.
pub(crate) fn refused(
    rows: &mut dyn Rows,
    brief: &Brief,
    error: &UpstreamError,
    at: Timestamp,
    (heard_at, now): (Timestamp, Timestamp),
) -> Result<Said> {
    let Some(mut row) = rows.customer(brief.business, people::whom(rows, brief)?)? else { return Ok(Said::default()) };
    let details = error.details.as_deref().map(|details| format!(": {details}")).unwrap_or_default();
    let said = Some(cut(&format!("{} {}{details}", error.code, error.title)));
    let evidence = Evidence { message: Some(brief.id), said, ..Evidence::default() };
    let entry = Entry { scope: Scope::Marketing, choice: Choice::OptedOut, at, source: Source::Refusal, evidence };
    say(rows, &mut row, &entry, (heard_at, now))
}

/// The customer who is named; `None` when there is none.
pub(crate) fn named(rows: &dyn Rows, business: BusinessId, who: &Who) -> Result<Option<CustomerRow>> {
    let id = match who {
        Who::Id(id) => Some(*id),
        Who::Identity(identity) => rows.holder(business, identity)?.map(|held| held.customer),
    };
    id.map_or(Ok(None), |id| rows.customer(business, id))
}

/// See [`crate::Store::record_consent`].
pub(crate) fn record(rows: &mut dyn Rows, record: &RecordConsent) -> Result<Option<RecordedConsent>> {
    let RecordConsent { business, who, new_customer, entry, now } = record;
    let known = match (named(rows, *business, who)?, who) {
        (Some(row), _) => Some(row),
        (None, Who::Identity(identity)) => {
            people::known_as(rows, *business, identity, *new_customer, None, *now)?;
            named(rows, *business, who)?
        }
        (None, Who::Id(_)) => None,
    };
    let Some(mut row) = known else { return Ok(None) };
    let said = say(rows, &mut row, entry, (entry.at, *now))?;
    let Some(person) = people::person_of(rows, *business, row.id)? else { return Ok(None) };
    let consent = people::wants(rows, &person)?;
    Ok(Some(RecordedConsent { customer: person.id, news: said.news, changed: said.event.is_some(), consent }))
}

/// A place as a page's token.
fn token((at, digest): Place) -> String {
    format!("{}.{:032x}", at.as_millis(), u128::from_be_bytes(digest))
}

fn read_token(token: &str) -> Option<Place> {
    let (at, digest) = token.split_once('.')?;
    Some((Timestamp::from_millis(at.parse().ok()?), u128::from_str_radix(digest, 16).ok()?.to_be_bytes()))
}

/// See [`crate::Store::consent`].
pub(crate) fn ledger(rows: &dyn Rows, business: BusinessId, who: &Who, page: &Page) -> Result<Option<ConsentLedger>> {
    let before = match &page.token {
        None => None,
        Some(token) => Some(read_token(token).ok_or(StoreError::BadToken)?),
    };
    let Some(row) = named(rows, business, who)? else { return Ok(None) };
    let size = page.size.clamp(1, PAGE_MAX);
    let Some(person) = people::person_of(rows, business, row.id)? else { return Ok(None) };
    // The ledgers of all customers who are this person, as one.
    let mut found = Vec::new();
    for member in people::members(rows, &person)? {
        found.extend(rows.consents(business, member, before, size + 1)?);
    }
    found.sort_by_key(|(place, _)| std::cmp::Reverse(*place));
    found.dedup_by_key(|(place, _)| *place);
    let more = found.len() > size;
    found.truncate(size);
    let next = found.last().filter(|_| more).map(|(place, _)| token(*place));
    let entries = found.into_iter().map(|(_, entry)| entry).collect();
    Ok(Some(ConsentLedger { customer: person.id, consent: people::wants(rows, &person)?, entries, next }))
}
