//! How words about one attempt are joined, and what a word means for its message. Pure, so that any order of the same words
//! gives the same result wherever they come from: an answer, a status, an orphan.

use transom_domain::error_code::ErrorCode;
use transom_domain::fact::HeardBy;
use transom_domain::failure::UpstreamError;
use transom_domain::message::Attempt;
use transom_domain::status::{Failure, Phase, Progress, Status};
use transom_domain::time::Timestamp;

use crate::rows::AttemptRow;
use crate::{Step, Word};

/// One word about one attempt.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    pub(crate) progress: Progress,
    /// When it was said, by whoever said it.
    pub(crate) at: Timestamp,
    pub(crate) error: Option<Failure>,
    pub(crate) provider_id: Option<String>,
    pub(crate) note: Option<String>,
    pub(crate) pricing: Option<serde_json::Value>,
    pub(crate) by: HeardBy,
}

impl Said {
    /// A word that says nothing but how far the attempt got.
    pub(crate) fn plain(progress: Progress, at: Timestamp, error: Option<Failure>) -> Self {
        Self { progress, at, error, provider_id: None, note: None, pricing: None, by: HeardBy::Webhook }
    }

    /// As the timeline keeps it.
    pub(crate) fn word(&self, attempt: u32, heard_at: Timestamp, until: Option<Timestamp>) -> Word {
        let (step, at) = (Step::Attempt(self.progress), self.at);
        let (error, note, pricing) = (self.error.clone(), self.note.clone(), self.pricing.clone());
        Word { attempt, step, at, heard_at, by: self.by, until, error, note, pricing, answer: None }
    }
}

/// A committed attempt of which nothing is known yet.
pub(crate) fn begun(number: u32, owner: u64, now: Timestamp) -> AttemptRow {
    AttemptRow {
        attempt: Attempt {
            number,
            started_at: now,
            progress: Progress::Started,
            at: now,
            provider_id: None,
            error: None,
            note: None,
            pricing: None,
        },
        owner,
        priced: None,
    }
}

/// Joins a word to an attempt. Says whether anything is new.
pub(crate) fn join(row: &mut AttemptRow, word: Said) -> bool {
    let before = row.clone();
    let attempt = &mut row.attempt;
    if word.progress > attempt.progress {
        attempt.progress = attempt.progress.and(word.progress);
        attempt.at = word.at;
        attempt.error = word.error;
    } else if word.progress == attempt.progress {
        // The same word twice: the earlier one counts, whichever came first.
        let known = attempt.error.take();
        let (first, second) = if word.at < attempt.at { (word.error, known) } else { (known, word.error) };
        attempt.error = reason(first, second);
        attempt.at = attempt.at.min(word.at);
    }
    if attempt.provider_id.is_none() {
        attempt.provider_id = word.provider_id;
    }
    if attempt.note.is_none() {
        attempt.note = word.note;
    }
    if let Some(pricing) = word.pricing {
        let later = match (row.priced, &attempt.pricing) {
            (Some(priced), _) if word.progress > priced => true,
            // Two prices with the same word: any fixed choice will do, so that the order of arrival does not count.
            (Some(priced), Some(known)) if word.progress == priced => text(&pricing) > text(known),
            (Some(_), _) => false,
            (None, _) => true,
        };
        if later {
            attempt.pricing = Some(pricing);
            row.priced = Some(word.progress);
        }
    }
    *row != before
}

/// Why it failed, where that was said twice; the first counts by its time. A history names no code, so that whoever does counts more;
/// of two that do, any fixed choice will do.
pub(crate) fn reason(first: Option<Failure>, second: Option<Failure>) -> Option<Failure> {
    let coded = |failure: &Option<Failure>| failure.as_ref().and_then(|f| f.upstream.as_ref()).is_some_and(|e| e.code >= 0);
    match (coded(&first), coded(&second)) {
        (true, true) => std::cmp::min_by_key(first, second, |failure| format!("{failure:?}")),
        (false, true) => second,
        _ => first,
    }
}

/// A price as one text, to compare by.
fn text(pricing: &serde_json::Value) -> String {
    pricing.to_string()
}

/// The phase that Meta's word about an attempt brings about, whatever we had presumed; `None` when it stays. `last` tells
/// whether it is the message's last attempt.
pub(crate) fn heard_phase(progress: Progress, last: bool, phase: &Phase) -> Option<Phase> {
    let taken = progress >= Progress::Answered && progress != Progress::Failed;
    match phase {
        // Meta has it after all: what waits to be sent again need not be.
        Phase::Queued { .. } | Phase::Unknown { .. } | Phase::GivenUp { .. } | Phase::Expired if taken => Some(Phase::Handed),
        Phase::InFlight if last && (taken || progress == Progress::Failed) => Some(Phase::Handed),
        Phase::Unknown { .. } | Phase::GivenUp { .. } | Phase::Expired if last && progress == Progress::Failed => {
            Some(Phase::Handed)
        }
        _ => None,
    }
}

/// An outcome of one attempt, in the light of the message's other attempts: what Meta has taken is not sent again, and what may
/// have arrived is not told as refused.
pub(crate) fn tempered(phase: Phase, others: impl Iterator<Item = Progress>) -> Phase {
    let best = others.filter(|p| p.is_live()).max();
    match (phase, best) {
        (_, Some(Progress::Answered | Progress::Sent | Progress::Delivered | Progress::Read)) => Phase::Handed,
        (Phase::GivenUp { .. }, Some(_)) => in_doubt(),
        (phase, _) => phase,
    }
}

/// The phase of a message that Meta has taken, when it says that all it has taken failed and the answer to an earlier attempt was
/// lost: nobody will hear of that one by waiting, so its owner is told now. `None` when it stays.
pub(crate) fn left_in_doubt(phase: &Phase, attempts: &[AttemptRow]) -> Option<Phase> {
    let best = attempts.iter().map(|a| a.attempt.progress).filter(|p| p.is_live()).max();
    (*phase == Phase::Handed && best == Some(Progress::Unknown)).then(in_doubt)
}

fn in_doubt() -> Phase {
    let message = "The answer to an earlier attempt was lost, and the message may not go any more.".to_owned();
    Phase::GivenUp { failure: Failure { code: ErrorCode::OutcomeUnknown, message, upstream: None } }
}

/// The phase of a message that waited past its validity: expired if nothing of it can have left, else given up as unknown.
pub(crate) fn lapsed(attempts: &[AttemptRow]) -> Phase {
    if attempts.iter().any(|a| a.attempt.progress.is_live()) {
        return in_doubt();
    }
    Phase::Expired
}

/// Why a message failed, where it has.
pub(crate) fn failure(phase: &Phase, status: Status, attempts: &[Attempt]) -> Option<Failure> {
    match status {
        Status::Expired => Some(ours(ErrorCode::MessageExpired)),
        Status::Failed => Some(match phase {
            Phase::GivenUp { failure } => failure.clone(),
            _ => attempts
                .iter()
                .rev()
                .find(|a| a.progress == Progress::Failed)
                .and_then(|a| a.error.clone())
                .unwrap_or_else(|| ours(ErrorCode::UpstreamError)),
        }),
        _ => None,
    }
}

fn ours(code: ErrorCode) -> Failure {
    Failure { code, message: code.when().to_owned(), upstream: None }
}

/// Meta found no session: WhatsApp's 131047, Messenger's 10 with sub-code 2018278 (Meta: support/error-codes).
pub(crate) fn says_no_session(error: &UpstreamError) -> bool {
    error.code == 131_047 || (error.code == 10 && error.subcode == Some(2_018_278))
}

/// The customer stopped marketing messages of this business: 131050.
pub(crate) fn says_no_marketing(error: &UpstreamError) -> bool {
    error.code == 131_050
}

/// The bit of a status in [`crate::rows::Standing::told`]; none for statuses that are not told.
pub(crate) fn told_bit(status: Status) -> Option<u16> {
    match status {
        Status::Sent => Some(1),
        Status::Failed => Some(2),
        Status::Delivered => Some(4),
        Status::Read => Some(8),
        Status::Expired => Some(16),
        Status::Accepted | Status::Queued | Status::Sending | Status::Unknown | Status::Cancelled | Status::Received => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use transom_domain::status::shown;

    /// None for what a history tells, which knows no code.
    fn code(of: Option<u8>) -> Option<UpstreamError> {
        let code = of.map_or(-1, |code| 131_000 + i64::from(code));
        Some(UpstreamError { code, title: "no".to_owned(), details: None, subcode: None })
    }

    fn word() -> impl Strategy<Value = Said> {
        let progress = prop::sample::select(vec![
            Progress::Unknown,
            Progress::Refused,
            Progress::Answered,
            Progress::Sent,
            Progress::Failed,
            Progress::Delivered,
            Progress::Read,
        ]);
        // One word is always said of the same moment, as Meta repeats it; prices come with some.
        (progress, prop::option::of(0u8..3)).prop_map(|(progress, price)| Said {
            progress,
            at: Timestamp::from_secs(progress as i64),
            error: (progress == Progress::Failed)
                .then(|| Failure { upstream: code(price), ..ours(ErrorCode::MessageUndeliverable) }),
            provider_id: None,
            note: None,
            pricing: price.map(|p| serde_json::json!({ "price": p })),
            by: HeardBy::Webhook,
        })
    }

    proptest! {
        #[test]
        fn any_order_and_repetition_of_words_gives_the_same_attempt(words in prop::collection::vec(word(), 0..8), seed: u64) {
            let mut other = words.clone();
            other.extend(words.clone());
            let n = other.len().max(1) as u64;
            for i in 0..other.len() {
                other.swap(i, (seed.wrapping_mul(i as u64 + 1) % n) as usize);
            }
            let fold = |words: Vec<Said>| words.into_iter().fold(begun(1, 1, Timestamp::EPOCH), |mut row, w| { join(&mut row, w); row });
            prop_assert_eq!(fold(words), fold(other));
        }

        #[test]
        fn a_word_of_metas_always_shows(progress in prop::sample::select(vec![Progress::Sent, Progress::Failed, Progress::Delivered, Progress::Read])) {
            let given_up = Phase::GivenUp { failure: ours(ErrorCode::OutcomeUnknown) };
            for phase in [Phase::InFlight, Phase::Unknown { until: Timestamp::FAR }, given_up, Phase::Expired] {
                let after = heard_phase(progress, true, &phase);
                prop_assert_eq!(after.as_ref(), Some(&Phase::Handed));
                let status = shown(&Phase::Handed, &[progress], Timestamp::EPOCH);
                prop_assert!(told_bit(status).is_some());
            }
        }
    }

    #[test]
    fn what_is_sent_again_is_not_called_off_by_the_failure_of_the_first() {
        let queued = Phase::Queued { not_before: Timestamp::EPOCH };
        assert_eq!(heard_phase(Progress::Failed, true, &queued), None);
        assert_eq!(heard_phase(Progress::Delivered, true, &queued), Some(Phase::Handed));
        assert_eq!(heard_phase(Progress::Failed, false, &Phase::InFlight), None);
        assert_eq!(heard_phase(Progress::Delivered, false, &Phase::InFlight), None);
    }
}
