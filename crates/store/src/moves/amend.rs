//! What is done to messages that were sent already, and what the business writes elsewhere.
//!
//! Both are kept whatever comes first: an edit waits for its message, a status for the echo it belongs to.

use transom_domain::amendment::{Amended, Amendment};
use transom_domain::event::EventBody;
use transom_domain::fact::{Echo, Inbound, Person};
use transom_domain::id::{BusinessId, CustomerId, EventId, MessageId};
use transom_domain::message::{Attempt, Class, WhenUnknown};
use transom_domain::status::{Phase, Progress, Status};
use transom_domain::time::Timestamp;

use super::join::told_bit;
use super::people::Told;
use super::report::{Loaded, apply};
use super::{marks, media, people, read, session, tally, tell};
use crate::Sender;
use crate::rows::{AMENDMENTS_MAX, AmendmentRow, AttemptRow, Brief, NewMessage, REVOCATIONS_MAX, Result, Rows, Seq, Standing};

/// What became of something that was heard.
#[derive(Debug, Default)]
pub(crate) struct Became {
    /// It was known already.
    pub(crate) repeated: bool,
    /// It waits for the message it belongs to.
    pub(crate) waits: bool,
    /// A new message.
    pub(crate) message: Option<MessageId>,
    /// It came with a file that is to be fetched.
    pub(crate) file: bool,
    /// What it was told by.
    pub(crate) events: Vec<EventId>,
}

impl Became {
    fn repeated() -> Self {
        Self { repeated: true, ..Self::default() }
    }
}

/// Something was done to a message.
pub(crate) fn amend(rows: &mut dyn Rows, sender: &Sender, amended: &Amended, now: Timestamp) -> Result<Became> {
    let known = rows.amendments(sender.business, &amended.original)?;
    if known.iter().any(|row| row.provider_id == amended.provider_id) {
        return Ok(Became::repeated());
    }
    // That it is taken back has room whatever came before.
    let is_full = match amended.change {
        Amendment::Edited { .. } => known.len() >= AMENDMENTS_MAX,
        Amendment::Revoked => known.len() >= AMENDMENTS_MAX + REVOCATIONS_MAX,
    };
    if is_full {
        tracing::warn!(message = %amended.original, "more was done to a message than is kept; it stays as it was last");
        return Ok(Became::repeated());
    }
    let row = AmendmentRow {
        original: amended.original.clone(),
        provider_id: amended.provider_id.clone(),
        heard_at: now,
        seq: None,
        told_at: None,
        amended: Some(amended.clone()),
    };
    match rows.provided(sender.business, &amended.original)? {
        Some((seq, _)) => join(rows, sender, seq, row, now),
        None => {
            rows.put_amendment(sender.business, &row)?;
            Ok(Became { waits: true, ..Became::default() })
        }
    }
}

/// A message is here: what was done to it before it came is joined. Gives what it was told by.
pub(crate) fn join_waiting(
    rows: &mut dyn Rows,
    sender: &Sender,
    provider_id: &str,
    seq: Seq,
    now: Timestamp,
) -> Result<Vec<EventId>> {
    let mut waiting: Vec<AmendmentRow> = rows.amendments(sender.business, provider_id)?;
    waiting.retain(|row| row.seq.is_none());
    waiting.sort_by_key(|row| row.amended.as_ref().map(|a| (a.at, a.provider_id.clone())));
    let mut events = Vec::new();
    for row in waiting {
        events.extend(join(rows, sender, seq, row, now)?.events);
    }
    Ok(events)
}

fn join(rows: &mut dyn Rows, sender: &Sender, seq: Seq, row: AmendmentRow, now: Timestamp) -> Result<Became> {
    let business = sender.business;
    let Some((brief, _)) = rows.brief_of(seq)? else {
        // Deleted: nothing may come back of it.
        return Ok(Became::repeated());
    };
    let whole = read::whole(rows, &brief)?;
    // What went out through here is not changed elsewhere; and a number speaks of its own conversations only.
    if brief.sender != sender.id || (whole.inbound.is_none() && !whole.redacted) {
        rows.put_amendment(business, &row)?;
        return Ok(Became { waits: true, ..Became::default() });
    }
    if whole.redacted {
        rows.put_amendment(business, &AmendmentRow { seq: Some(seq), amended: None, ..row })?;
        return Ok(Became::default());
    }
    let Some(amended) = row.amended.clone() else { return Ok(Became::repeated()) };
    let party = tell::party(rows, business, brief.sender, brief.customer, brief.channel, &brief.address)?;
    let (message, at) = (brief.id, amended.at);
    let body = match amended.change {
        Amendment::Edited { .. } => EventBody::MessageEdited { party, message, edit: Box::new(amended) },
        Amendment::Revoked => EventBody::MessageRevoked { party, message, at },
    };
    let (position, event) = tell::placed(rows, business, now, body)?;
    rows.put_amendment(business, &AmendmentRow { seq: Some(seq), told_at: Some(position), ..row })?;
    Ok(Became { events: vec![event], ..Became::default() })
}

/// Writes down where a message was told once more, so that what is taken out of it is taken out there too.
pub(crate) fn told_again(
    rows: &mut dyn Rows,
    business: BusinessId,
    provider_id: &str,
    (seq, position): (Seq, u64),
    now: Timestamp,
) -> Result<()> {
    rows.put_amendment(
        business,
        &AmendmentRow {
            original: provider_id.to_owned(),
            // No id of the upstream's: nothing was done to the message.
            provider_id: format!("retold.{position}"),
            heard_at: now,
            seq: Some(seq),
            told_at: Some(position),
            amended: None,
        },
    )
}

/// Ids for what is new.
pub(crate) struct Fresh {
    pub(crate) customer: CustomerId,
    pub(crate) message: MessageId,
}

/// The business wrote elsewhere: kept as a message that is sent already. Opens no session, since it is not the customer who spoke.
pub(crate) fn echo(
    rows: &mut dyn Rows,
    sender: &Sender,
    echo: &Echo,
    fresh: &Fresh,
    (heard_at, now): (Timestamp, Timestamp),
) -> Result<Became> {
    let business = sender.business;
    let Some(address) = people::address(&echo.to) else { return Ok(Became::default()) };
    // Known from before, or sent through here.
    if rows.provided(business, &echo.provider_id)?.is_some() {
        return Ok(Became::repeated());
    }
    let (customer, lane) =
        people::addressed(rows, business, &address, fresh.customer, echo.to.name.clone(), (sender.id, Class::Reply), now)?;
    let at = echo.at.min(now);
    let brief = Brief {
        seq: 0,
        id: fresh.message,
        business,
        sender: sender.id,
        customer,
        lane,
        channel: sender.channel,
        address,
        position: rows.next_position(sender.id, false)?,
        class: Class::Reply,
        accepted_at: now,
        expires_at: None,
        when_unknown: WhenUnknown::default(),
        callback_data: None,
        campaign: None,
        reply_to: echo.reply_to.clone(),
        content: None,
        origin: None,
    };
    session::spoke(rows, business, (sender.id, lane), at)?;
    let mut people = Told::new(now);
    people::enrich(rows, &brief, &echo.to, at, &mut people)?;
    let party = tell::party(rows, business, sender.id, customer, sender.channel, &brief.address)?;
    let body = EventBody::MessageEchoed { party, message: brief.id, echo: Box::new(echo.clone()) };
    let (position, event) = tell::placed(rows, business, now, body)?;
    // That it was sent is told by the echo itself.
    let told = told_bit(Status::Sent).unwrap_or(0);
    let standing = Standing { phase: Phase::Handed, status: Status::Sent, told };
    let said = as_received(echo);
    let seq = rows.insert_message(&NewMessage {
        brief: &brief,
        standing: &standing,
        draft: None,
        inbound: Some(&said),
        verdict: None,
        told_at: Some(position),
    })?;
    tally::count(rows, &brief, None, standing.status)?;
    let attempt = Attempt {
        number: 1,
        started_at: at,
        progress: Progress::Sent,
        at,
        provider_id: Some(echo.provider_id.clone()),
        error: None,
        note: None,
        pricing: None,
    };
    let attempt = AttemptRow { attempt, owner: 0, priced: None };
    rows.put_attempt(seq, &attempt)?;
    rows.bind(business, &echo.provider_id, seq, 1)?;
    let mut events = people.events;
    events.push(event);
    let (id, file) = (brief.id, media::heard(rows, &brief, &echo.body, (heard_at, now))?);
    let mut loaded = Loaded { brief: Brief { seq, ..brief }, standing, attempts: vec![attempt] };
    for orphan in rows.take_orphans(business, &echo.provider_id)? {
        let applied = apply(rows, &mut loaded, 0, &orphan.report, orphan.failure, &orphan.app, (orphan.at, now))?;
        events.extend(applied.events);
    }
    events.extend(marks::look(rows, &mut loaded, 0, now)?.events);
    events.extend(join_waiting(rows, sender, &echo.provider_id, seq, now)?);
    Ok(Became { message: Some(id), file, events, ..Became::default() })
}

/// What was written, in the form in which what customers write is kept.
fn as_received(echo: &Echo) -> Inbound {
    Inbound {
        provider_id: echo.provider_id.clone(),
        at: echo.at,
        from: Person::default(),
        body: echo.body.clone(),
        reply_to: echo.reply_to.clone(),
        forwarded: false,
        often_forwarded: false,
        product: None,
        referral: None,
    }
}
