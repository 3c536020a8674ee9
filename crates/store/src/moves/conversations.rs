//! Conversations as an inbox shows them.

use std::cmp::Reverse;

use transom_domain::id::{BusinessId, CustomerId, SenderId};
use transom_domain::session::{Evidence, SESSION, Session};
use transom_domain::time::Timestamp;

use super::{customers, people, read};
use crate::contract::{
    CLOSING, CONVERSATIONS_FOUND_MAX, CONVERSATIONS_LOOK_MAX, ConversationFilter, ConversationRow,
    ConversationStanding as Standing,
};
use crate::rows::{Conversation, Result, Rows};
use crate::{CustomerFilter, PAGE_MAX, Page, SessionRow, StoreError};

/// Rows read at once.
const SLICE: usize = 512;
/// Newest messages of a customer that are looked at for one of the sender: with more senders than one, the newest may be another's.
const NEWEST_LOOK: usize = 20;
/// Senders of one person that a search looks at.
const SENDERS_LOOK: usize = 1_000;

/// Sender, customer, and what is known of the two.
type Row = (SenderId, CustomerId, Conversation);
/// Where a page ended.
type Place = (Timestamp, SenderId, CustomerId);

/// See [`crate::Conversations::conversations`].
pub(crate) fn list(
    rows: &dyn Rows,
    business: BusinessId,
    filter: &ConversationFilter,
    page: &Page,
    now: Timestamp,
) -> Result<(Vec<ConversationRow>, Option<String>)> {
    let size = page.size.clamp(1, PAGE_MAX);
    let token = page.token.as_deref();
    let (found, next) = match &filter.query {
        Some(query) => (searched(rows, business, filter, query, now, size)?, None),
        None => latest(rows, business, filter, token, now, size)?,
    };
    let rows = found.into_iter().map(|(session, own)| whole(rows, business, session, own)).collect::<Result<_>>()?;
    Ok((rows, next))
}

/// A conversation's session, and the customer as named there.
type Found = (SessionRow, CustomerId);

/// By what a list is in order.
type Comes = fn(&Conversation) -> Option<Timestamp>;

/// The newest word of either side.
fn spoken(row: &Conversation) -> Option<Timestamp> {
    row.spoken_at
}

/// The newest word of the customer.
fn heard(row: &Conversation) -> Option<Timestamp> {
    row.evidence.heard
}

/// In the order of an index: of the newest words of either side, or of the customers' where it is asked who is running out of time.
fn latest(
    rows: &dyn Rows,
    business: BusinessId,
    filter: &ConversationFilter,
    token: Option<&str>,
    now: Timestamp,
    size: usize,
) -> Result<(Vec<Found>, Option<String>)> {
    let closing = filter.standing == Some(Standing::Closing);
    let comes: Comes = if closing { heard } else { spoken };
    let mut after = match token {
        Some(token) => Some(read::read_session_token(token).ok_or(StoreError::BadToken)?),
        // Those that have long to go stand before all others.
        None if closing => Some(just_before(now.minus(SESSION).plus(CLOSING))),
        None => None,
    };
    let mut found = Vec::new();
    let mut looked = 0;
    loop {
        let slice = match closing {
            true => {
                let slice = rows.heard_conversations(business, filter.sender, None, after, SLICE)?;
                slice.into_iter().map(|(s, c, evidence)| (s, c, Conversation { evidence, ..Conversation::default() })).collect()
            }
            false => rows.spoken_conversations(business, after, SLICE)?,
        };
        let is_last = slice.len() < SLICE;
        for row in slice {
            let Some(at) = comes(&row.2) else { continue };
            // From here on all are over: nobody is heard after the newest word.
            if filter.standing.is_some_and(|standing| standing != Standing::Closed) && at <= now.minus(SESSION) {
                return Ok((found, None));
            }
            if found.len() == size {
                return Ok((found, after.map(|place| read::session_token(&(place.1, place.2, place.0)))));
            }
            looked += 1;
            after = Some((at, row.0, row.1));
            if let Some(session) = wanted(rows, business, filter, row, comes, now)? {
                found.push((session, row.1));
            }
        }
        if is_last {
            return Ok((found, None));
        }
        if looked >= CONVERSATIONS_LOOK_MAX {
            return Ok((found, after.map(|place| read::session_token(&(place.1, place.2, place.0)))));
        }
    }
}

/// The place before everything that was heard at that moment or earlier.
fn just_before(at: Timestamp) -> Place {
    (at, SenderId(u128::MAX), CustomerId(u128::MAX))
}

fn searched(
    rows: &dyn Rows,
    business: BusinessId,
    filter: &ConversationFilter,
    query: &str,
    now: Timestamp,
    size: usize,
) -> Result<Vec<Found>> {
    let people_like = CustomerFilter { query: Some(query.to_owned()), ..CustomerFilter::default() };
    let page = Page { size: CONVERSATIONS_FOUND_MAX, token: None };
    let mut found = Vec::new();
    for view in customers::customers(rows, business, &people_like, &page)?.0 {
        let Some(person) = people::person_of(rows, business, view.id)? else { continue };
        for customer in people::members(rows, &person)? {
            for row in rows.conversations_of(business, customer, SENDERS_LOOK)? {
                // With nobody who only was about to be written to.
                let Some(at) = spoken(&row.2) else { continue };
                if let Some(session) = wanted(rows, business, filter, row, spoken, now)? {
                    found.push((at, (session, customer)));
                }
            }
        }
    }
    found.sort_by_key(|(at, (session, customer))| Reverse((*at, session.sender, *customer)));
    found.truncate(size);
    Ok(found.into_iter().map(|(_, found)| found).collect())
}

/// The conversation, where it is one that is wanted. What needs no other row is looked at first.
fn wanted(
    rows: &dyn Rows,
    business: BusinessId,
    filter: &ConversationFilter,
    (sender, customer, own): Row,
    comes: Comes,
    now: Timestamp,
) -> Result<Option<SessionRow>> {
    if filter.sender.is_some_and(|wanted| wanted != sender) {
        return Ok(None);
    }
    // What others of the same person heard can only open it: what is open by itself is not closed.
    if filter.standing == Some(Standing::Closed) && fits(Standing::Open, own.evidence, now) && own.evidence.refused.is_none() {
        return Ok(None);
    }
    if let Some(channel) = filter.channel
        && rows.sender(sender)?.is_none_or(|row| row.channel != channel)
    {
        return Ok(None);
    }
    let session = read::session(rows, business, (sender, customer, own), comes)?;
    Ok(session.filter(|row| filter.standing.is_none_or(|standing| fits(standing, row.evidence, now))))
}

fn fits(standing: Standing, evidence: Evidence, now: Timestamp) -> bool {
    match (standing, evidence.at(now)) {
        (Standing::Open, Session::Open { .. }) | (Standing::Closed, Session::Closed(_)) => true,
        (Standing::Closing, Session::Open { until }) => until.since(now) < CLOSING,
        _ => false,
    }
}

fn whole(rows: &dyn Rows, business: BusinessId, session: SessionRow, customer: CustomerId) -> Result<ConversationRow> {
    let person = people::person_of(rows, business, customer)?;
    let (members, username) = match &person {
        Some(person) => (people::members(rows, person)?, people::called(rows, person)?.username),
        None => (vec![customer], None),
    };
    let newest = read::newest(rows, business, Some(&members), None, NEWEST_LOOK)?;
    let last = match newest.into_iter().find(|(brief, _)| brief.sender == session.sender) {
        Some((brief, standing)) => {
            let attempts = rows.attempts(brief.seq)?;
            Some(read::assemble(rows, brief, standing, attempts)?)
        }
        None => None,
    };
    Ok(ConversationRow { session, username, last })
}
