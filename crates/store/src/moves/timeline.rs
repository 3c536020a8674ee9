//! The timeline: each word said of a message is written down once, and read again as a story.

use transom_domain::event::EventBody;
use transom_domain::fact::HeardBy;
use transom_domain::id::{BusinessId, MessageId};
use transom_domain::status::Phase;
use transom_domain::time::Timestamp;

use super::join::reason;
use super::relay;
use crate::rows::{Result, Rows, Seq};
use crate::{OUTSTANDING_LOOK_MAX, Outstanding, Step, StoreError, TIMELINE_MAX, Timeline, Word};

/// Writes a word down. Says whether anything is new. A word that is new costs one insert; only one that was said before is
/// looked up.
pub(crate) fn note(rows: &mut dyn Rows, seq: Seq, word: Word) -> Result<bool> {
    if rows.add_word(seq, &word)? {
        return Ok(true);
    }
    let gone = || StoreError::Corrupt(format!("message {seq}: the word {} is there, and is not", word.step.as_str()));
    let known = rows.word(seq, word.attempt, word.step)?.ok_or_else(gone)?;
    let merged = merged(known.clone(), word);
    let news = merged != known;
    if news {
        rows.set_word(seq, &merged)?;
    }
    Ok(news)
}

/// The same word said twice: the earliest saying counts. Commutative and idempotent; where both were said at the same moment,
/// any fixed choice will do.
fn merged(a: Word, b: Word) -> Word {
    let (heard_at, by) = (a.heard_at, a.by).min((b.heard_at, b.by));
    // A price may come with one saying and not with the other: it is kept.
    let pricing = a.pricing.clone().into_iter().chain(b.pricing.clone()).max_by_key(serde_json::Value::to_string);
    // One call has one answer; of two any fixed choice will do.
    let answer = a.answer.clone().into_iter().chain(b.answer.clone()).min();
    let (first, second) = if rank(&a) <= rank(&b) { (a, b) } else { (b, a) };
    let error = reason(first.error.clone(), second.error);
    Word { heard_at, by, pricing, error, answer, ..first }
}

/// What decides between two sayings of one word.
fn rank(word: &Word) -> (Timestamp, Option<Timestamp>, Option<&String>, Option<String>) {
    // Texts stand for failures, which have no order of their own.
    let error = word.error.as_ref().map(|e| format!("{e:?}"));
    (word.at, word.until, word.note.as_ref(), error)
}

/// A step of the message itself.
pub(crate) fn own(step: Step, now: Timestamp, until: Option<Timestamp>) -> Word {
    let by = HeardBy::Webhook;
    Word { attempt: 0, step, at: now, heard_at: now, by, until, error: None, note: None, pricing: None, answer: None }
}

/// The word that goes with the end of a message on our side; none for a phase that is no such end.
pub(crate) fn end(phase: &Phase, now: Timestamp) -> Option<Word> {
    match phase {
        Phase::GivenUp { failure } => Some(Word { error: Some(failure.clone()), ..own(Step::GivenUp, now, None) }),
        Phase::Expired => Some(own(Step::Expired, now, None)),
        Phase::Cancelled => Some(own(Step::Cancelled, now, None)),
        Phase::Queued { .. } | Phase::InFlight | Phase::Unknown { .. } | Phase::Handed | Phase::Received => None,
    }
}

/// See [`crate::Store::timeline`].
pub(crate) fn timeline(rows: &dyn Rows, business: BusinessId, message: MessageId) -> Result<Timeline> {
    let Some((brief, _)) = rows.brief(business, message)? else { return Ok(Timeline::default()) };
    let mut words = rows.words(brief.seq, TIMELINE_MAX)?;
    words.sort_by_key(|w| (w.attempt, w.step));
    let mut outstanding = Vec::new();
    let before = relay::position_at(rows, business, brief.accepted_at)?.saturating_sub(1);
    for endpoint in rows.endpoints(Some(business))? {
        // Where no order is kept nothing says of which conversation a delivery is: those from when the message came on.
        let mut found = rows.deliveries_of(endpoint.id, (brief.sender, brief.customer), OUTSTANDING_LOOK_MAX)?;
        found.extend(rows.deliveries_after(endpoint.id, false, before, OUTSTANDING_LOOK_MAX)?);
        found.sort_by_key(|delivery| delivery.position);
        found.dedup_by_key(|delivery| delivery.position);
        for delivery in found {
            let Some(event) = rows.event(business, delivery.position)? else { continue };
            if speaks_of(&event.body) == Some(message) {
                let Some(due) = delivery.due else { continue };
                let (topic, tried, since, seen) = (endpoint.role.topic(), delivery.tried, delivery.since, delivery.seen);
                outstanding.push(Outstanding { endpoint: endpoint.id, topic, body: event.body, tried, due, since, seen });
            }
        }
    }
    let (accepted_on, dispatched_on) = rows.verdicts(brief.seq)?;
    Ok(Timeline { accepted_on, dispatched_on, words, outstanding })
}

/// The message that an event is about.
pub(crate) const fn speaks_of(body: &EventBody) -> Option<MessageId> {
    match body {
        EventBody::MessageReceived { message, .. }
        | EventBody::MessageEdited { message, .. }
        | EventBody::MessageRevoked { message, .. }
        | EventBody::MessageEchoed { message, .. }
        | EventBody::MessageStatus { message, .. } => Some(*message),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use transom_domain::error_code::ErrorCode;
    use transom_domain::failure::UpstreamError;
    use transom_domain::status::{Failure, Progress};

    use crate::UpstreamAnswer;

    fn saying() -> impl Strategy<Value = Word> {
        (0i64..3, 0i64..3, prop::option::of(0u8..3), prop::option::of(-1i64..2), any::<bool>(), any::<bool>()).prop_map(
            |(at, heard, price, failed, noted, asked)| Word {
                attempt: 1,
                step: Step::Attempt(Progress::Failed),
                at: Timestamp::from_secs(at),
                heard_at: Timestamp::from_secs(heard),
                until: None,
                by: if asked { HeardBy::History } else { HeardBy::Webhook },
                error: failed.map(|code| Failure {
                    code: ErrorCode::UpstreamError,
                    message: "no".to_owned(),
                    upstream: Some(UpstreamError { code, title: String::new(), details: None, subcode: None }),
                }),
                note: noted.then(|| "held".to_owned()),
                pricing: price.map(|p| serde_json::json!({ "price": p })),
                answer: noted.then(|| UpstreamAnswer { status: 200, body: asked.to_string(), cut: false }),
            },
        )
    }

    proptest! {
        #[test]
        fn the_same_word_in_any_order_and_repetition_is_one(words in prop::collection::vec(saying(), 1..6)) {
            let fold = |words: Vec<Word>| words.into_iter().reduce(merged);
            let mut other = words.clone();
            other.reverse();
            other.extend(words.clone());
            prop_assert_eq!(fold(words), fold(other));
        }
    }

    #[test]
    fn every_step_has_a_word_of_its_own() {
        for step in [Step::Scheduled, Step::GivenUp, Step::Expired, Step::Cancelled, Step::Attempt(Progress::Read)] {
            assert_eq!(Step::named(step.as_str()), Some(step));
        }
        assert_eq!(Step::named("lost"), None);
    }
}
