//! What is read: messages, sessions, customers, and what is known before a send.

use transom_domain::amendment::Amended;
use transom_domain::id::{BusinessId, CustomerId, MessageId, SenderId};
use transom_domain::message::Message;
use transom_domain::status::Phase;
use transom_domain::time::{Span, Timestamp};

use super::{accept, join, people};
use crate::rows::{AttemptRow, Brief, Conversation, Result, Rows, Standing, Whole};
use crate::{Backlog, Direction, Look, LookUp, MessageFilter, PAGE_MAX, Page, SessionRow, StoreError};

/// How many rows one page may look through for those that its filter wants. A page can be shorter than asked, with a token to
/// go on: so a rare status in a long history costs no more than a common one.
const LOOK_MAX: usize = 2_000;

/// The large part of a message.
pub(crate) fn whole(rows: &dyn Rows, brief: &Brief) -> Result<Whole> {
    let gone = || StoreError::Corrupt(format!("message {}: has a standing and no body", brief.seq));
    match rows.whole(brief.seq) {
        // A body that does not decode must not hold back its sender, its lane or a list: the message is shown without it,
        // and fails when its turn comes.
        Err(StoreError::Corrupt(why)) => {
            tracing::error!(message.id = %brief.id, error = %why, "a message's content cannot be read; it goes on without");
            Ok(Whole::default())
        }
        whole => whole?.ok_or_else(gone),
    }
}

/// Puts a message together.
pub(crate) fn assemble(rows: &dyn Rows, brief: Brief, standing: Standing, attempts: Vec<AttemptRow>) -> Result<Message> {
    let whole = whole(rows, &brief)?;
    assembled(rows, brief, standing, attempts, whole)
}

/// As [`assemble`], where the large part is at hand.
pub(crate) fn assembled(
    rows: &dyn Rows,
    brief: Brief,
    standing: Standing,
    attempts: Vec<AttemptRow>,
    whole: Whole,
) -> Result<Message> {
    let answers = match &brief.reply_to {
        Some(id) => answered(rows, &brief, id)?,
        None => None,
    };
    let amendments = match &whole.inbound {
        Some(_) => rows.amendments_of(brief.seq)?.into_iter().filter_map(|row| row.amended).collect(),
        None => Vec::new(),
    };
    let received_as = whole.inbound.as_ref().map(|inbound| inbound.provider_id.clone());
    let attempts: Vec<_> = attempts.into_iter().map(|a| a.attempt).collect();
    let failure = join::failure(&standing.phase, standing.status, &attempts);
    let customer = people::person_by_id(rows, brief.business, brief.customer)?;
    Ok(Message {
        id: brief.id,
        business: brief.business,
        sender: brief.sender,
        customer,
        channel: brief.channel,
        address: brief.address,
        position: brief.position,
        draft: whole.draft,
        inbound: whole.inbound.filter(|_| !whole.redacted),
        amendments: in_order(amendments),
        received_as,
        verdict: whole.verdict,
        class: brief.class,
        phase: standing.phase,
        status: standing.status,
        failure,
        attempts,
        accepted_at: brief.accepted_at,
        expires_at: brief.expires_at,
        when_unknown: brief.when_unknown,
        callback_data: brief.callback_data,
        campaign: brief.campaign,
        origin: brief.origin,
        reply_to: brief.reply_to,
        answers: answers.map(|answered| answered.id),
        redacted: whole.redacted,
    })
}

/// The message that one names by the upstream's id of it, if it is of the same conversation.
pub(crate) fn answered(rows: &dyn Rows, brief: &Brief, id: &str) -> Result<Option<Brief>> {
    let Some((seq, _)) = rows.provided(brief.business, id)? else { return Ok(None) };
    let found = rows.brief_of(seq)?.map(|(found, _)| found);
    let Some(found) = found.filter(|found| found.sender == brief.sender) else { return Ok(None) };
    let is_same = found.customer == brief.customer
        || people::person_by_id(rows, brief.business, found.customer)?
            == people::person_by_id(rows, brief.business, brief.customer)?;
    Ok(is_same.then_some(found))
}

/// What was done to a message, by the upstream's time.
fn in_order(mut amendments: Vec<Amended>) -> Vec<Amended> {
    amendments.sort_by(|a, b| (a.at, &a.provider_id).cmp(&(b.at, &b.provider_id)));
    amendments
}

/// See [`crate::Store::message`].
pub(crate) fn message(rows: &dyn Rows, business: BusinessId, message: MessageId) -> Result<Option<Message>> {
    let Some((brief, standing)) = rows.brief(business, message)? else { return Ok(None) };
    let attempts = rows.attempts(brief.seq)?;
    assemble(rows, brief, standing, attempts).map(Some)
}

/// See [`crate::Store::look`].
pub(crate) fn look(rows: &dyn Rows, ask: &LookUp) -> Result<Look> {
    let LookUp { business, address, .. } = ask;
    let replay = match &ask.idempotency {
        Some(key) => accept::replay(rows, *business, key, ask.now)?,
        None => None,
    };
    if replay.is_some() {
        // Nothing will be decided.
        return Ok(Look { replay, ..Look::default() });
    }
    let person = people::holder(rows, *business, address)?;
    let sender = match (ask.sender, &person) {
        (None, Some(person)) => people::last_heard_by(rows, person)?,
        (sender, _) => sender,
    };
    let evidence = match (sender, &person) {
        (Some(sender), Some(person)) => people::evidence(rows, *business, sender, person.id)?,
        _ => Default::default(),
    };
    let (facts, phone) = people::facts(rows, person.as_ref(), address)?;
    Ok(Look { replay, sender, customer: person.map(|person| person.id), evidence, facts, phone })
}

/// See [`crate::Store::backlog`].
pub(crate) fn backlog(rows: &dyn Rows, sender: SenderId) -> Result<Backlog> {
    let waiting = rows.counters(sender)?.map_or(0, |(_, waiting)| waiting);
    Ok(Backlog { waiting, oldest: rows.oldest_wait(sender)? })
}

fn wanted(filter: &MessageFilter, brief: &Brief, standing: &Standing) -> bool {
    let direction = if standing.phase == Phase::Received { Direction::Inbound } else { Direction::Outbound };
    filter.sender.is_none_or(|s| s == brief.sender)
        && filter.status.is_none_or(|s| s == standing.status)
        && filter.direction.is_none_or(|d| d == direction)
        && filter.campaign.as_ref().is_none_or(|c| brief.campaign.as_ref() == Some(c))
        && filter.from.is_none_or(|from| brief.accepted_at >= from)
        && filter.until.is_none_or(|until| brief.accepted_at < until)
}

/// How far apart two messages may be stored in another order than that of their moments: whoever stores one says when it was.
const OUT_OF_ORDER: Span = Span::minutes(10);

/// Before which message to begin, so that what is later than a filter wants is not gone through one by one: messages are numbered
/// in nearly the order of their moments.
fn begin_before(rows: &dyn Rows, business: BusinessId, until: Timestamp) -> Result<Option<i64>> {
    let until = until.plus(OUT_OF_ORDER);
    let last_before = |before: Option<i64>| Ok(rows.newest(business, None, before, 1)?.pop().map(|(brief, _)| brief));
    let Some(newest) = last_before(None)?.filter(|brief: &Brief| brief.accepted_at >= until) else { return Ok(None) };
    // All that begin before `low` are wanted or too early; the one before `high` is too late.
    let (mut low, mut high) = (0, newest.seq.saturating_add(1));
    while low + 1 < high {
        let middle = low + (high - low) / 2;
        match last_before(Some(middle))? {
            Some(brief) if brief.accepted_at >= until => high = middle,
            _ => low = middle,
        }
    }
    Ok(Some(high))
}

/// The customers whom a filter names: all that are one person. `Err` when there is none, so that nothing can be found.
fn narrowed(
    rows: &dyn Rows,
    business: BusinessId,
    filter: &MessageFilter,
) -> Result<std::result::Result<Option<Vec<CustomerId>>, ()>> {
    match &filter.customer {
        None => Ok(Ok(None)),
        Some(identity) => match people::holder(rows, business, identity)? {
            Some(person) => people::members(rows, &person).map(|all| Ok(Some(all))),
            None => Ok(Err(())),
        },
    }
}

/// The newest messages of a business, or of all customers who are one person.
pub(crate) fn newest(
    rows: &dyn Rows,
    business: BusinessId,
    of: Option<&[CustomerId]>,
    before: Option<i64>,
    limit: usize,
) -> Result<Vec<(Brief, Standing)>> {
    let Some(customers) = of else { return rows.newest(business, None, before, limit) };
    let mut found = Vec::new();
    for customer in customers {
        found.extend(rows.newest(business, Some(*customer), before, limit)?);
    }
    found.sort_by_key(|(brief, _)| std::cmp::Reverse(brief.seq));
    found.truncate(limit);
    Ok(found)
}

/// See [`crate::Store::messages`].
pub(crate) fn messages(
    rows: &dyn Rows,
    business: BusinessId,
    filter: &MessageFilter,
    page: &Page,
) -> Result<(Vec<Message>, Option<String>)> {
    let size = page.size.clamp(1, PAGE_MAX);
    let mut before = match &page.token {
        None => None,
        Some(token) => match token.parse::<i64>() {
            Ok(seq) => Some(seq),
            Err(_) => return Err(StoreError::BadToken),
        },
    };
    let Ok(customers) = narrowed(rows, business, filter)? else { return Ok((Vec::new(), None)) };
    if let (None, Some(until)) = (before, filter.until) {
        before = begin_before(rows, business, until)?;
    }
    // Nothing that is older is wanted.
    let oldest = filter.from.map(|from| from.minus(OUT_OF_ORDER));
    let mut found = Vec::new();
    let mut looked = 0;
    loop {
        // One more than is wanted tells whether there is a next page.
        let slice = newest(rows, business, customers.as_deref(), before, size + 1)?;
        let more = slice.len() > size;
        for (brief, standing) in slice.into_iter().take(size) {
            let seq = brief.seq;
            looked += 1;
            if oldest.is_some_and(|oldest| brief.accepted_at < oldest) {
                return Ok((found, None));
            }
            if wanted(filter, &brief, &standing) {
                if found.len() == size {
                    return Ok((found, before.map(|b| b.to_string())));
                }
                let attempts = rows.attempts(seq)?;
                found.push(assemble(rows, brief, standing, attempts)?);
            }
            before = Some(seq);
        }
        if !more {
            return Ok((found, None));
        }
        if found.len() == size || looked >= LOOK_MAX {
            return Ok((found, before.map(|b| b.to_string())));
        }
    }
}

/// Where a page of sessions ended.
pub(super) fn session_token(row: &(SenderId, CustomerId, Timestamp)) -> String {
    format!("{}.{}.{}", row.2.as_millis(), row.0, row.1)
}

pub(super) fn read_session_token(token: &str) -> Option<(Timestamp, SenderId, CustomerId)> {
    let mut parts = token.splitn(3, '.');
    let heard = Timestamp::from_millis(parts.next()?.parse().ok()?);
    Some((heard, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// See [`crate::Store::sessions`].
pub(crate) fn sessions(
    rows: &dyn Rows,
    business: BusinessId,
    filter: &MessageFilter,
    page: &Page,
) -> Result<(Vec<SessionRow>, Option<String>)> {
    let size = page.size.clamp(1, PAGE_MAX);
    let after = match &page.token {
        None => None,
        Some(token) => match read_session_token(token) {
            Some(after) => Some(after),
            None => return Err(StoreError::BadToken),
        },
    };
    let Ok(customers) = narrowed(rows, business, filter)? else { return Ok((Vec::new(), None)) };
    let mut found = match &customers {
        None => rows.heard_conversations(business, filter.sender, None, after, size + 1)?,
        Some(customers) => {
            let mut all = Vec::new();
            for customer in customers {
                all.extend(rows.heard_conversations(business, filter.sender, Some(*customer), after, size + 1)?);
            }
            all.sort_by_key(|(sender, customer, evidence)| std::cmp::Reverse((evidence.heard, *sender, *customer)));
            all
        }
    };
    let more = found.len() > size;
    found.truncate(size);
    let token = found.last().filter(|_| more).and_then(|(s, c, e)| e.heard.map(|heard| session_token(&(*s, *c, heard))));
    let mut sessions = Vec::with_capacity(found.len());
    for (sender, customer, evidence) in found {
        let own = Conversation { evidence, ..Conversation::default() };
        sessions.extend(session(rows, business, (sender, customer, own), |known| known.evidence.heard)?);
    }
    Ok((sessions, token))
}

/// A conversation as its person's; of several customers who are one person, the one who comes last shows it.
pub(super) fn session(
    rows: &dyn Rows,
    business: BusinessId,
    (sender, customer, own): (SenderId, CustomerId, Conversation),
    comes: fn(&Conversation) -> Option<Timestamp>,
) -> Result<Option<SessionRow>> {
    let Some(person) = people::person_of(rows, business, customer)? else { return Ok(None) };
    let (mut evidence, mut address) = (own.evidence, person.present.any());
    if person.absorbed > 0 {
        for other in people::members(rows, &person)?.into_iter().filter(|other| *other != customer) {
            let theirs = rows.conversation(sender, other)?.unwrap_or_default();
            if (comes(&theirs), other) > (comes(&own), customer) {
                return Ok(None);
            }
            evidence = evidence.and(theirs.evidence);
        }
        if let Some(row) = rows.sender(sender)? {
            address = people::address_on(rows, &person, customer, row.channel)?;
        }
    }
    let people::Called { name, .. } = people::called(rows, &person)?;
    let row = |address| SessionRow { sender, customer: person.id, address, name, evidence };
    Ok(address.map(row))
}
