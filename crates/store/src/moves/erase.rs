//! Erasing a customer. What names the person goes first, so that whoever writes again is somebody new; then, slice by slice, all
//! that the person said and was told. Each slice is a transaction of its own that says where the next one begins.

use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::{Engine as _, alphabet};

use transom_domain::address::{Channel, Identity};
use transom_domain::amendment::{Amended, Amendment};
use transom_domain::consent::Consent;
use transom_domain::event::{EventBody, Party};
use transom_domain::fact::{Echo, Inbound, InboundBody, Person};
use transom_domain::id::{BusinessId, CustomerId};
use transom_domain::people::Present;
use transom_domain::status::Phase;
use transom_domain::time::Timestamp;

use super::{consent, end, media, people};
use crate::contract::holds_text;
use crate::rows::{AmendmentRow, Brief, CustomerRow, Delivery, Result, Rows};
use crate::{
    Action, Actor, AuditEntry, BATCH_MAX, CancelOutcome, Erasure, ErasureNext, ErasureStage, JournalErased, StoreError, Who,
};

/// What stands where the person was.
const ERASED: &str = "erased";
/// What is answered for a key under which the person was answered of.
const ERASED_ANSWER: &[u8] = br#"{"erased":true}"#;

/// What an identity is found by in a text: as the upstream writes it, which is a part of how we do; a number in each of its spellings.
fn texts_of(identity: &Identity) -> Vec<String> {
    match identity {
        Identity::Phone(phone) => {
            let spelled = [Some(phone.clone()), phone.other_spelling()];
            spelled.into_iter().flatten().map(|phone| phone.to_string().trim_start_matches('+').to_owned()).collect()
        }
        Identity::Bsuid(bsuid) => vec![bsuid.to_string()],
        Identity::Psid(psid) => vec![psid.as_str().to_owned()],
    }
}

/// Whether a customer's row names nobody: so it is of one who is being erased.
pub(crate) fn is_blank(row: &CustomerRow) -> bool {
    row.present == Present::default() && row.name.is_none()
}

/// The row of a customer of whom nothing is known any more.
fn blank(row: &CustomerRow) -> CustomerRow {
    CustomerRow {
        name: None,
        username: None,
        named_at: Timestamp::EPOCH,
        present: Present::default(),
        consent: Consent::default(),
        ..row.clone()
    }
}

/// See [`crate::Store::erase_customer`].
pub(crate) fn begin(
    rows: &mut dyn Rows,
    business: BusinessId,
    who: &Who,
    actor: Actor,
    now: Timestamp,
) -> Result<Option<Erasure>> {
    if let Who::Id(id) = who
        && let Some(known) = rows.erasure(business, *id)?
    {
        return Ok(Some(known));
    }
    let Some(named) = consent::named(rows, business, who)? else { return Ok(None) };
    let Some(row) = people::person_of(rows, business, named.id)? else { return Ok(None) };
    if let Some(known) = rows.erasure(business, row.id)? {
        return Ok(Some(known));
    }
    let members = people::members(rows, &row)?;
    let mut texts = Vec::new();
    for member in &members {
        for claim in rows.claims_of(business, *member, people::CLAIMS_MAX)? {
            texts.extend(texts_of(&claim.identity));
            for change in rows.changes(business, &claim.identity, people::CLAIMS_MAX)? {
                for identity in people::named_by(&change) {
                    texts.extend(texts_of(&identity));
                    rows.drop_changes(business, &identity)?;
                }
            }
        }
        rows.drop_identities(business, *member)?;
        // The rows stay until nothing names them any more: what is on its way will still be settled.
        if let Some(known) = rows.customer(business, *member)? {
            rows.rename_customer(&known, &blank(&known))?;
        }
    }
    texts.sort_unstable();
    texts.dedup();
    let erasure = Erasure {
        business,
        customer: row.id,
        members,
        actor,
        asked_at: now,
        done_at: None,
        at: ErasureStage::Messages,
        messages: 0,
        events: 0,
        bodies: 0,
        texts,
    };
    rows.put_erasure(&erasure)?;
    let object = row.id.to_string();
    rows.add_audit(&AuditEntry { business, at: now, actor, action: Action::ErasureAsked, object })?;
    Ok(Some(erasure))
}

/// See [`crate::Store::erase_slice`].
pub(crate) fn slice(
    rows: &mut dyn Rows,
    business: BusinessId,
    customer: CustomerId,
    limit: usize,
    now: Timestamp,
) -> Result<ErasureNext> {
    let Some(mut job) = rows.erasure(business, customer)? else { return Ok(ErasureNext::Done) };
    let limit = limit.clamp(1, BATCH_MAX);
    let next = match job.at.clone() {
        ErasureStage::Messages => messages(rows, &mut job, limit, now)?,
        ErasureStage::Events { after } => events(rows, &mut job, after, limit)?,
        ErasureStage::Answers { after } => answers(rows, &mut job, &after, limit)?,
        ErasureStage::Orphans { after } => orphans(rows, &mut job, &after, limit)?,
        ErasureStage::Amendments { after } => amendments(rows, &mut job, after, limit)?,
        ErasureStage::Journal { after } => return Ok(ErasureNext::Journal { texts: job.texts, after }),
        ErasureStage::Person => person(rows, &mut job, limit, now)?,
        ErasureStage::Logs => return Ok(ErasureNext::Logs),
        ErasureStage::Done => return Ok(ErasureNext::Done),
    };
    rows.put_erasure(&job)?;
    Ok(next)
}

/// Calls off and removes messages, newest first.
fn messages(rows: &mut dyn Rows, job: &mut Erasure, limit: usize, now: Timestamp) -> Result<ErasureNext> {
    let mut found = Vec::new();
    for member in &job.members {
        found.extend(rows.newest(job.business, Some(*member), None, limit)?);
    }
    found.truncate(limit);
    let (looked, mut gone) = (found.len(), 0);
    for (brief, standing) in found {
        let is_over = match standing.phase {
            Phase::Queued { .. } => end::cancel(rows, job.business, brief.id, now)? == CancelOutcome::Done,
            Phase::InFlight | Phase::Unknown { .. } => false,
            Phase::Handed | Phase::GivenUp { .. } | Phase::Expired | Phase::Cancelled | Phase::Received => true,
        };
        if is_over {
            remove(rows, &brief, now)?;
            gone += 1;
        }
    }
    job.messages += gone;
    if gone == 0 && looked > 0 {
        return Ok(ErasureNext::Later);
    }
    if looked == 0 {
        // From here on nothing is told of the person: neither a message nor a session is left.
        for sender in rows.senders()?.into_iter().filter(|sender| sender.business == job.business) {
            for member in &job.members {
                rows.drop_conversation(sender.id, *member)?;
            }
        }
        job.at = ErasureStage::Events { after: 0 };
    }
    Ok(ErasureNext::Again)
}

/// Removes a message with everything by which it could be known again.
fn remove(rows: &mut dyn Rows, brief: &Brief, now: Timestamp) -> Result<()> {
    let mut ids = end::provider_ids(rows, brief.seq)?;
    // Those of one that was redacted before are known by nothing else.
    ids.extend(rows.left_ids_of(brief.accepted_at, brief.business, brief.seq)?);
    for id in ids {
        // The upstream writes the number into its ids.
        rows.unbind(brief.business, &id, brief.seq)?;
        rows.drop_left_id(brief.accepted_at, brief.business, &id)?;
        // What was done to it elsewhere waits and is never joined; of the business's own doing it may name nobody.
        for row in rows.amendments(brief.business, &id)?.into_iter().filter(|row| row.seq.is_none()) {
            rows.drop_amendment(brief.business, &row.original, &row.provider_id)?;
        }
    }
    media::delete_of(rows, brief.business, brief.id, now)?;
    rows.drop_message(brief.seq)?;
    Ok(())
}

/// Takes the person out of events. They stay where they are: the stream has no gaps.
fn events(rows: &mut dyn Rows, job: &mut Erasure, after: u64, limit: usize) -> Result<ErasureNext> {
    let found = rows.events_after(job.business, after, limit)?;
    let looked = found.len();
    let mut last = after;
    let endpoints = rows.endpoints(Some(job.business))?;
    for mut event in found {
        last = event.position;
        if forget(&mut event.body, &job.members)?
            || forget_news(&mut event.body, &job.texts)?
            || forget_mentions(&mut event.body, &job.members, &job.texts)
        {
            rows.amend_event(&event)?;
            for endpoint in &endpoints {
                // An endpoint may have answered with what it was told.
                if let Some(delivery) = rows.delivery(endpoint.id, event.position)? {
                    rows.put_delivery(endpoint.id, &Delivery { seen: ERASED.to_owned(), answer: None, ..delivery })?;
                }
            }
            job.events += 1;
        }
    }
    job.at = if looked < limit { ErasureStage::Answers { after: String::new() } } else { ErasureStage::Events { after: last } };
    Ok(ErasureNext::Again)
}

/// Who stands for an erased person on a channel.
fn nobody(channel: Channel) -> Result<Identity> {
    let text = match channel {
        Channel::Whatsapp => "bsuid:ZZ.erased",
        Channel::Messenger => "messenger:0",
    };
    text.parse().map_err(|why| StoreError::Corrupt(format!("{text}: {why}")))
}

/// Whether it is of one of these: told while a merge was in force it names another customer, and whose address it is.
fn is_of(party: &Party, members: &[CustomerId]) -> bool {
    members.contains(&party.member.unwrap_or(party.customer))
}

fn forget_party(party: &mut Party) -> Result<()> {
    party.customer_address = nobody(party.channel)?;
    (party.phone, party.bsuid) = (None, None);
    forget_names(party);
    Ok(())
}

fn forget_names(party: &mut Party) {
    (party.name, party.username) = (None, None);
    party.named_as.clear();
}

/// What stands where the upstream's own form of a message was.
fn nothing() -> InboundBody {
    InboundBody::Unknown { name: ERASED.to_owned(), raw: serde_json::Value::Null }
}

/// Takes a customer out of an event; `false` where it is of somebody else, or of nobody. Every kind of event is named here: a new
/// one has to say what of it is a person's.
fn forget(body: &mut EventBody, members: &[CustomerId]) -> Result<bool> {
    match body {
        EventBody::MessageReceived { party, inbound, callback_data, .. } if is_of(party, members) => {
            forget_party(party)?;
            *callback_data = None;
            **inbound = Inbound {
                provider_id: ERASED.to_owned(),
                at: inbound.at,
                from: Person::default(),
                body: nothing(),
                reply_to: None,
                forwarded: false,
                often_forwarded: false,
                product: None,
                referral: None,
            };
        }
        EventBody::MessageEdited { party, edit, .. } if is_of(party, members) => {
            forget_party(party)?;
            **edit = Amended {
                provider_id: ERASED.to_owned(),
                at: edit.at,
                from: Person::default(),
                original: ERASED.to_owned(),
                change: Amendment::Edited { body: Box::new(nothing()) },
            };
        }
        EventBody::MessageEchoed { party, echo, .. } if is_of(party, members) => {
            forget_party(party)?;
            let at = echo.at;
            **echo = Echo { provider_id: ERASED.to_owned(), at, to: Person::default(), body: nothing(), reply_to: None };
        }
        EventBody::MessageStatus { party, failure, callback_data, pricing, origin, .. } if is_of(party, members) => {
            forget_party(party)?;
            (*callback_data, *pricing) = (None, None);
            // An address may name a person too.
            if let Some(origin) = origin {
                origin.status_callback = None;
            }
            if let Some(failure) = failure {
                // The upstream's own words may name whom it did not reach.
                failure.message = failure.code.when().to_owned();
                failure.upstream = None;
            }
        }
        EventBody::MessageRevoked { party, .. }
        | EventBody::SessionOpened { party, .. }
        | EventBody::SessionClosingSoon { party, .. }
        | EventBody::SessionClosed { party, .. }
        | EventBody::MediaFailed { party, .. }
            if is_of(party, members) =>
        {
            forget_party(party)?;
        }
        EventBody::ConsentChanged { customer, address, phone, bsuid, .. } if members.contains(customer) => {
            (*address, *phone, *bsuid) = (None, None, None);
        }
        EventBody::IdentityChanged { customer, previous, current, .. } if members.contains(customer) => {
            (*previous, *current) = (Present::default(), Present::default());
        }
        EventBody::CustomerMerged { customer, merged, present, .. } if members.contains(customer) || members.contains(merged) => {
            *present = Present::default();
        }
        EventBody::MessageReceived { .. }
        | EventBody::MessageEdited { .. }
        | EventBody::MessageRevoked { .. }
        | EventBody::MessageEchoed { .. }
        | EventBody::MessageStatus { .. }
        | EventBody::SessionOpened { .. }
        | EventBody::SessionClosingSoon { .. }
        | EventBody::SessionClosed { .. }
        | EventBody::MediaFailed { .. }
        | EventBody::ConsentChanged { .. }
        | EventBody::IdentityChanged { .. }
        | EventBody::CustomerMerged { .. }
        | EventBody::CustomerUnmerged { .. }
        | EventBody::EndpointFailing { .. }
        | EventBody::EndpointRecovered { .. }
        | EventBody::EndpointDisabled { .. }
        | EventBody::EndpointAnswerRejected { .. }
        | EventBody::TemplateChanged { .. }
        | EventBody::SenderState { .. }
        | EventBody::SenderUpdated { .. }
        | EventBody::AccountUpdated { .. }
        | EventBody::UpstreamNews { .. } => return Ok(false),
    }
    Ok(true)
}

/// Takes the person's addresses and names out of somebody else's event: while the two were merged it told those of both.
fn forget_mentions(body: &mut EventBody, members: &[CustomerId], texts: &[String]) -> bool {
    let names = |identity: Identity| texts_of(&identity).iter().any(|text| texts.contains(text));
    let in_present = |present: &Present| {
        let Present { phone, bsuid, other } = present.clone();
        let all = phone.map(Identity::Phone).into_iter().chain(bsuid.map(Identity::Bsuid)).chain(other);
        all.into_iter().any(names)
    };
    match body {
        EventBody::ConsentChanged { address, phone, bsuid, .. } => {
            let present = Present { phone: phone.clone(), bsuid: bsuid.clone(), other: address.clone() };
            let is_named = in_present(&present);
            if is_named {
                (*address, *phone, *bsuid) = (None, None, None);
            }
            is_named
        }
        EventBody::IdentityChanged { previous, current, .. } => {
            let is_named = in_present(previous) || in_present(current);
            if is_named {
                (*previous, *current) = (Present::default(), Present::default());
            }
            is_named
        }
        EventBody::CustomerMerged { present, .. } => {
            let is_named = in_present(present);
            if is_named {
                *present = Present::default();
            }
            is_named
        }
        body => {
            let Some(party) = body.party_mut() else { return false };
            let present = Present { phone: party.phone.clone(), bsuid: party.bsuid.clone(), other: None };
            let is_named = in_present(&present);
            if is_named {
                (party.phone, party.bsuid) = (None, None);
            }
            let is_called = party.named_as.iter().any(|whose| members.contains(whose));
            if is_called {
                forget_names(party);
            }
            is_named || is_called
        }
    }
}

/// Empties what was passed on as received, where it names the person.
fn forget_news(body: &mut EventBody, texts: &[String]) -> Result<bool> {
    let (EventBody::AccountUpdated { news, .. } | EventBody::UpstreamNews { news, .. }) = body else { return Ok(false) };
    let said =
        serde_json::to_vec(&news.value).map_err(|why| StoreError::Corrupt(format!("news that JSON cannot hold: {why}")))?;
    let is_named = texts.iter().any(|text| holds_text(&said, text));
    if is_named {
        news.value = serde_json::Value::Null;
    }
    Ok(is_named)
}

/// Takes the person out of what was answered under idempotency keys. The keys go on standing for what they did, so that a repetition
/// sends nothing.
fn answers(rows: &mut dyn Rows, job: &mut Erasure, after: &str, limit: usize) -> Result<ErasureNext> {
    let found = rows.kept_after(job.business, after, limit)?;
    let looked = found.len();
    let mut last = after.to_owned();
    for (key, mut kept) in found {
        let names = |bytes: &[u8]| job.texts.iter().any(|text| holds_text(bytes, text));
        if names(key.as_bytes()) {
            rows.drop_kept(job.business, &key)?;
        } else if names(&kept.answer) {
            kept.answer = ERASED_ANSWER.to_vec();
            rows.keep(job.business, &key, &kept)?;
        }
        last = key;
    }
    job.at = if looked < limit { ErasureStage::Orphans { after: String::new() } } else { ErasureStage::Answers { after: last } };
    Ok(ErasureNext::Again)
}

/// Removes statuses of the person's that belong to no message here.
fn orphans(rows: &mut dyn Rows, job: &mut Erasure, after: &str, limit: usize) -> Result<ErasureNext> {
    let found = rows.orphans_after(job.business, after, limit)?;
    let looked = found.len();
    let mut last = after.to_owned();
    for orphan in found {
        let said = serde_json::to_vec(&orphan.report)
            .map_err(|why| StoreError::Corrupt(format!("an orphan that JSON cannot hold: {why}")))?;
        if job.texts.iter().any(|text| holds_text(&said, text)) {
            rows.take_orphans(job.business, &orphan.report.provider_id)?;
        }
        last = orphan.report.provider_id;
    }
    job.at = if looked < limit {
        ErasureStage::Amendments { after: (String::new(), String::new()) }
    } else {
        ErasureStage::Orphans { after: last }
    };
    Ok(ErasureNext::Again)
}

/// Removes what waits for a message that never came, where it is of the person. What was joined went with its message.
fn amendments(rows: &mut dyn Rows, job: &mut Erasure, after: (String, String), limit: usize) -> Result<ErasureNext> {
    let found = rows.amendments_after(job.business, (after.0.as_str(), after.1.as_str()), limit)?;
    let looked = found.len();
    let mut last = after;
    for row in found {
        if row.seq.is_none() && names_person(&row, &job.texts)? {
            rows.drop_amendment(job.business, &row.original, &row.provider_id)?;
        }
        last = (row.original, row.provider_id);
    }
    job.at = if looked < limit { ErasureStage::Journal { after: 0 } } else { ErasureStage::Amendments { after: last } };
    Ok(ErasureNext::Again)
}

/// Whether what was done to a message names the person: of the business's own doing in its app the upstream's ids alone may.
fn names_person(row: &AmendmentRow, texts: &[String]) -> Result<bool> {
    let said = serde_json::to_vec(&row.amended)
        .map_err(|why| StoreError::Corrupt(format!("an amendment that JSON cannot hold: {why}")))?;
    let all = [said, decoded(&row.original), decoded(&row.provider_id)];
    Ok(texts.iter().any(|text| all.iter().any(|bytes| holds_text(bytes, text))))
}

/// Reads Base64 whatever ends it.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent).with_decode_allow_trailing_bits(true),
);

/// What an id of the upstream's holds, as far as it can be read: after the word in front it is Base64, with the number in it.
fn decoded(id: &str) -> Vec<u8> {
    let coded = id.rsplit_once('.').map_or(id, |(_, coded)| coded);
    let mut letters: Vec<u8> = coded
        .bytes()
        .map_while(|letter| match letter {
            b'-' => Some(b'+'),
            b'_' => Some(b'/'),
            letter => (letter.is_ascii_alphanumeric() || matches!(letter, b'+' | b'/')).then_some(letter),
        })
        .collect();
    // One letter alone at the end is not a byte.
    if letters.len() % 4 == 1 {
        letters.pop();
    }
    LENIENT.decode(letters).unwrap_or_default()
}

/// See [`crate::Store::journal_erased`].
pub(crate) fn journaled(rows: &mut dyn Rows, business: BusinessId, customer: CustomerId, erased: JournalErased) -> Result<()> {
    let Some(mut job) = rows.erasure(business, customer)? else { return Ok(()) };
    if !matches!(job.at, ErasureStage::Journal { .. }) {
        return Ok(());
    }
    job.bodies += u64::try_from(erased.entries).unwrap_or(u64::MAX);
    job.at = match erased.next {
        Some(after) => ErasureStage::Journal { after },
        None => ErasureStage::Person,
    };
    rows.put_erasure(&job)
}

/// Removes what names the person: what waits to be told, the ledger, the customer. And the job forgets whom it was about.
fn person(rows: &mut dyn Rows, job: &mut Erasure, limit: usize, now: Timestamp) -> Result<ErasureNext> {
    let (business, customer) = (job.business, job.customer);
    let senders: Vec<_> = rows.senders()?.into_iter().filter(|sender| sender.business == business).collect();
    for text in &job.texts {
        if let Ok(address @ Identity::Psid(_)) = format!("messenger:{text}").parse() {
            for sender in &senders {
                rows.drop_marks(sender.id, &address)?;
            }
        }
    }
    for endpoint in rows.endpoints(Some(business))? {
        for sender in &senders {
            for member in &job.members {
                let waiting = rows.deliveries_of(endpoint.id, (sender.id, *member), limit)?;
                for delivery in &waiting {
                    rows.drop_delivery(endpoint.id, delivery.position)?;
                }
                if waiting.len() == limit {
                    return Ok(ErasureNext::Again);
                }
            }
        }
    }
    for member in &job.members {
        if rows.drop_consents(business, *member, limit)? == limit {
            return Ok(ErasureNext::Again);
        }
    }
    for member in &job.members {
        rows.drop_identities(business, *member)?;
        if let Some(known) = rows.customer(business, *member)? {
            rows.rename_customer(&known, &blank(&known))?;
        }
        rows.drop_customer(business, *member)?;
    }
    let entry =
        AuditEntry { business, at: now, actor: Actor::House, action: Action::CustomerErased, object: customer.to_string() };
    rows.add_audit(&entry)?;
    job.texts = Vec::new();
    job.at = ErasureStage::Logs;
    Ok(ErasureNext::Logs)
}

/// See [`crate::Store::scrubbed`].
pub(crate) fn scrubbed(rows: &mut dyn Rows, business: BusinessId, customer: CustomerId, now: Timestamp) -> Result<()> {
    let Some(mut job) = rows.erasure(business, customer)? else { return Ok(()) };
    if job.at != ErasureStage::Logs {
        return Ok(());
    }
    (job.at, job.done_at) = (ErasureStage::Done, Some(now));
    rows.put_erasure(&job)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_far_as_it_can_be() {
        let ids: [(&str, &[u8]); 6] = [
            ("wamid.HRgNNDkxNTExMjM0NTY3OBUCABE=", b"\x1d\x18\x0d4915112345678\x15\x02\x00\x11"),
            ("wamid.NDkxNQ", b"4915"),
            ("NDkx+/-_#2", b"491\xfb\xff\xbf"),
            ("NDkxN", b"491"),
            ("wamid.", b""),
            ("", b""),
        ];
        for (id, holds) in ids {
            assert_eq!(decoded(id), holds, "{id}");
        }
    }
}
