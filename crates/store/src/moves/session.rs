//! What is known of sessions, and what is told of them: opened, about to close, closed. What is told when is decided by
//! [`transom_domain::session::follow`]; here it is kept, and written with what made it true.

use transom_domain::address::{Channel, Identity};
use transom_domain::event::{EventBody, Party};
use transom_domain::id::{BusinessId, CustomerId, EventId, SenderId};
use transom_domain::session::{Evidence, Followed, News, SESSION, follow};
use transom_domain::time::{Span, Timestamp};

use super::{people, reach, tell};
use crate::contract::{BATCH_MAX, LookedAt};
use crate::rows::{Brief, Conversation, Result, Rows};

/// One conversation, as what is told of it names it.
pub(crate) struct Pair<'a> {
    pub(crate) business: BusinessId,
    pub(crate) sender: SenderId,
    pub(crate) customer: CustomerId,
    pub(crate) channel: Channel,
    pub(crate) address: &'a Identity,
}

impl<'a> From<&'a Brief> for Pair<'a> {
    fn from(brief: &'a Brief) -> Self {
        let Brief { business, sender, customer, channel, ref address, .. } = *brief;
        Self { business, sender, customer, channel, address }
    }
}

impl Pair<'_> {
    fn party(&self, rows: &dyn Rows) -> Result<Party> {
        tell::party(rows, self.business, self.sender, self.customer, self.channel, self.address)
    }
}

/// What came of joining evidence.
#[derive(Debug, Default)]
pub(crate) struct Believed {
    news: Vec<News>,
    /// Whether the session is open now.
    pub(crate) is_open: bool,
}

impl Believed {
    /// Whether the session opened, as far as has been told.
    pub(crate) fn opened(&self) -> bool {
        self.news.iter().any(|news| matches!(news, News::Opened { .. }))
    }

    /// What was over before this came is told before it; what follows from it, after it.
    pub(crate) fn parted(self) -> (Vec<News>, Vec<News>) {
        let before = usize::from(self.is_open && matches!(self.news.first(), Some(News::Closed { .. })));
        let mut past = self.news;
        let present = past.split_off(before);
        (past, present)
    }
}

/// Joins evidence to a conversation; what follows from it is to be told with [`tell_all`].
pub(crate) fn believe(rows: &mut dyn Rows, pair: &Pair<'_>, evidence: Evidence, now: Timestamp) -> Result<Believed> {
    let known = rows.conversation(pair.sender, pair.customer)?;
    let mut row = known.unwrap_or_default();
    let before = row.evidence;
    row.evidence = before.and(evidence);
    // A refusal is no word of theirs.
    row.spoken_at = row.spoken_at.max(evidence.heard);
    // What the other customers of the person have heard counts too, and one of them tells of it.
    let others = people::others(rows, pair.business, pair.sender, pair.customer)?;
    let told = row.look_at.into_iter().chain(others.look_at).min();
    let (was, is) = (before.and(others.evidence), row.evidence.and(others.evidence));
    let Followed { news, look_at } = follow(told, was, is, notice(rows, pair.business)?, now);
    for other in others.told_by {
        rows.put_look(pair.sender, other, None)?;
    }
    let moved = look_at != row.look_at;
    row.look_at = look_at;
    if known.is_none_or(|known| (row.evidence, row.spoken_at) != (before, known.spoken_at)) {
        rows.put_conversation(pair.business, pair.sender, pair.customer, &row)?;
    }
    if moved && known.is_some() {
        rows.put_look(pair.sender, pair.customer, look_at)?;
    }
    Ok(Believed { news, is_open: is.at(now).is_open() })
}

/// The business has said something elsewhere than through here.
pub(crate) fn spoke(
    rows: &mut dyn Rows,
    business: BusinessId,
    (sender, customer): (SenderId, CustomerId),
    at: Timestamp,
) -> Result<()> {
    let known = rows.conversation(sender, customer)?.unwrap_or_default();
    if known.spoken_at >= Some(at) {
        return Ok(());
    }
    rows.put_conversation(business, sender, customer, &Conversation { spoken_at: Some(at), ..known })
}

/// Meta refused a message for want of a session: whom it reaches has none. Tells what follows.
pub(crate) fn refused(rows: &mut dyn Rows, brief: &Brief, evidence: Evidence, now: Timestamp) -> Result<Vec<EventId>> {
    let pair = Pair { customer: people::whom(rows, brief)?, ..brief.into() };
    let believed = believe(rows, &pair, evidence, now)?;
    tell_all(rows, &pair, None, &believed.news, now)
}

/// Tells what became of a session. The names of the two sides are looked up unless they are at hand.
pub(crate) fn tell_all(
    rows: &mut dyn Rows,
    pair: &Pair<'_>,
    party: Option<&Party>,
    news: &[News],
    now: Timestamp,
) -> Result<Vec<EventId>> {
    let mut told = Vec::with_capacity(news.len());
    for news in news {
        let party = match party {
            Some(party) => party.clone(),
            None => pair.party(rows)?,
        };
        let body = match *news {
            News::Opened { until } => {
                for customer in people::all_of(rows, pair.business, pair.customer)? {
                    reach::unpark(rows, pair.sender, customer)?;
                }
                EventBody::SessionOpened { party, until }
            }
            News::ClosingSoon { until } => EventBody::SessionClosingSoon { party, until },
            News::Closed { since, cause } => EventBody::SessionClosed { party, since, cause },
        };
        told.push(tell::event(rows, pair.business, now, body)?);
    }
    Ok(told)
}

/// How long before the end of a session a business wants to hear of it.
fn notice(rows: &dyn Rows, business: BusinessId) -> Result<Span> {
    Ok(rows.settings(business)?.sessions.closing_soon().min(SESSION))
}

/// See [`crate::Store::look_at_sessions`].
pub(crate) fn look(rows: &mut dyn Rows, now: Timestamp, limit: usize) -> Result<LookedAt> {
    let limit = limit.min(BATCH_MAX);
    let mut looked = LookedAt::default();
    for (business, sender, customer) in rows.due_looks(now, limit)? {
        let Some(known) = rows.conversation(sender, customer)? else { continue };
        // A look at somebody who is the same person may have been the one that was due here, too.
        if known.look_at.is_none_or(|due| due > now) {
            continue;
        }
        let others = people::others(rows, business, sender, customer)?;
        let evidence = known.evidence.and(others.evidence);
        let Followed { news, look_at } = follow(known.look_at, evidence, evidence, notice(rows, business)?, now);
        rows.put_look(sender, customer, look_at)?;
        for other in others.told_by {
            rows.put_look(sender, other, None)?;
        }
        looked.looked += 1;
        // Whoever is gone is told of no more.
        let Some(channel) = rows.sender(sender)?.map(|sender| sender.channel) else { continue };
        let Some(person) = people::person_of(rows, business, customer)? else { continue };
        // Whose number went to somebody else is told of under the one that they had: what opened must be told to close.
        let address = match people::address_on(rows, &person, customer, channel)? {
            Some(address) => address,
            None => match people::last_address(rows, &person, channel)? {
                Some(address) => address,
                None => continue,
            },
        };
        let pair = Pair { business, sender, customer, channel, address: &address };
        if !tell_all(rows, &pair, None, &news, now)?.is_empty() && !looked.told.contains(&business) {
            looked.told.push(business);
        }
    }
    looked.next = rows.next_look()?;
    Ok(looked)
}

/// Two customers became one person, or are two again: what was told of the sessions of these is looked at at once where it is no
/// longer so. `told_open` says of which senders it was told that a session is open.
pub(crate) fn look_anew(
    rows: &mut dyn Rows,
    business: BusinessId,
    customers: &[CustomerId],
    told_open: &[SenderId],
    now: Timestamp,
) -> Result<()> {
    for customer in customers {
        for (sender, _, _) in rows.heard_conversations(business, None, Some(*customer), None, people::HEARD_MAX)? {
            let others = people::others(rows, business, sender, *customer)?;
            let known = rows.conversation(sender, *customer)?.unwrap_or_default();
            let is_open = known.evidence.and(others.evidence).at(now).is_open();
            let looks = known.look_at.is_some() || others.look_at.is_some();
            if told_open.contains(&sender) && is_open != looks {
                rows.put_look(sender, *customer, Some(now))?;
            }
        }
    }
    Ok(())
}

/// The senders of which it was told that a session with one of these customers is open.
pub(crate) fn told_open(rows: &dyn Rows, business: BusinessId, customers: &[CustomerId]) -> Result<Vec<SenderId>> {
    let mut open = Vec::new();
    for customer in customers {
        for (sender, _, _) in rows.heard_conversations(business, None, Some(*customer), None, people::HEARD_MAX)? {
            if rows.conversation(sender, *customer)?.is_some_and(|known| known.look_at.is_some()) {
                open.push(sender);
            }
        }
    }
    Ok(open)
}

/// A person is on its own again: its open sessions are told anew, as its own.
pub(crate) fn tell_anew(
    rows: &mut dyn Rows,
    business: BusinessId,
    customers: &[CustomerId],
    now: Timestamp,
) -> Result<Vec<EventId>> {
    let mut heard = Vec::new();
    for customer in customers {
        heard.extend(rows.heard_conversations(business, None, Some(*customer), None, people::HEARD_MAX)?);
    }
    for (sender, customer, _) in &heard {
        rows.put_look(*sender, *customer, None)?;
    }
    let mut told = Vec::new();
    for (sender, customer, _) in heard {
        let evidence = people::evidence(rows, business, sender, customer)?;
        if !evidence.at(now).is_open() || people::others(rows, business, sender, customer)?.look_at.is_some() {
            continue;
        }
        let Followed { news, look_at } = follow(None, evidence, evidence, notice(rows, business)?, now);
        rows.put_look(sender, customer, look_at)?;
        let (Some(row), Some(person)) = (rows.sender(sender)?, people::person_of(rows, business, customer)?) else { continue };
        let Some(address) = people::address_on(rows, &person, customer, row.channel)? else { continue };
        let pair = Pair { business, sender, customer, channel: row.channel, address: &address };
        told.extend(tell_all(rows, &pair, None, &news, now)?);
    }
    Ok(told)
}
