//! The dispatcher's decisions: what becomes of an attempt, and of a message whose answer was lost.

use crate::error_code::ErrorCode;
use crate::failure::{Class, Curve};
use crate::message::{Attempt, WhenUnknown};
use crate::status::{Failure, Progress};
use crate::time::{Span, Timestamp};

/// What is to be done after an attempt that the upstream did not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Try again, not before this moment.
    Again {
        /// The moment.
        not_before: Timestamp,
    },
    /// Stop the sender; the message keeps its place and its tries.
    StopSender,
    /// Over. `no_session`: Meta says that no session was open.
    Fail {
        /// Evidence for the belief about the session.
        no_session: bool,
    },
}

/// Decides after a refusal.
#[must_use]
pub fn after_refusal(class: Class, curve: Curve, code: ErrorCode, attempts: &[Attempt], now: Timestamp, chance: u64) -> Next {
    match class {
        Class::Operator => Next::StopSender,
        Class::NoSession => Next::Fail { no_session: true },
        Class::Caller | Class::Customer | Class::Template => Next::Fail { no_session: false },
        Class::Upstream | Class::Throttle(_) => {
            // The attempt that has just been refused counts; earlier ones only if they were refused for the same.
            let same = |a: &&Attempt| a.progress == Progress::Refused && a.error.as_ref().is_some_and(|e| e.code == code);
            let refused = attempts.iter().filter(same).count();
            let tried = u32::try_from(refused).unwrap_or(u32::MAX).saturating_add(1);
            // A throttled message waits as long as it is valid: waiting is durable.
            let tried = if matches!(class, Class::Throttle(_)) { tried.min(curve.tries.saturating_sub(1)) } else { tried };
            match curve.wait(tried, chance) {
                Some(wait) => Next::Again { not_before: now.plus(wait) },
                None => Next::Fail { no_session: false },
            }
        }
    }
}

/// What is to be done about a message whose answer was lost, once the wait is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unresolved {
    /// Send it again.
    Resend,
    /// Fail it, and say that the outcome is unknown.
    Fail(Failure),
}

/// Decides about a lost answer. Silence is evidence only if hearing was well: if a status of a *later* attempt through the
/// same app has come in, and none of this one, the call did not arrive.
#[must_use]
pub fn after_silence(wish: WhenUnknown, attempted_at: Timestamp, heard_of_attempts_until: Option<Timestamp>) -> Unresolved {
    let hearing_was_well = heard_of_attempts_until.is_some_and(|heard| heard > attempted_at);
    match wish {
        WhenUnknown::Resend => Unresolved::Resend,
        WhenUnknown::Auto if hearing_was_well => Unresolved::Resend,
        WhenUnknown::Auto | WhenUnknown::Fail => Unresolved::Fail(Failure {
            code: ErrorCode::OutcomeUnknown,
            message: "The answer to the send was lost and no status came: the customer may or may not have got it.".to_owned(),
            upstream: None,
        }),
    }
}

/// How long a sender rests after a throttle that speaks of the sender or its account, before the next claim.
#[must_use]
pub fn rest_after(class: Class) -> Option<Span> {
    match class {
        Class::Throttle(crate::failure::Scope::Sender) => Some(Span::secs(1)),
        Class::Throttle(crate::failure::Scope::Account) => Some(Span::secs(30)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Scope;

    fn refused(n: u32) -> Vec<Attempt> {
        (1..=n)
            .map(|number| Attempt {
                number,
                started_at: Timestamp::EPOCH,
                progress: Progress::Refused,
                at: Timestamp::EPOCH,
                provider_id: None,
                error: Some(Failure { code: ErrorCode::UpstreamError, message: String::new(), upstream: None }),
                note: None,
                pricing: None,
            })
            .collect()
    }

    #[test]
    fn only_what_passes_is_tried_again_and_not_for_ever() {
        let now = Timestamp::from_secs(100);
        let next = |class, curve, tried| after_refusal(class, curve, ErrorCode::UpstreamError, &refused(tried), now, 200);
        assert_eq!(next(Class::Caller, Curve::NEVER, 0), Next::Fail { no_session: false });
        assert_eq!(next(Class::NoSession, Curve::NEVER, 0), Next::Fail { no_session: true });
        assert_eq!(next(Class::Operator, Curve::NEVER, 0), Next::StopSender);
        assert_eq!(next(Class::Throttle(Scope::Pair), Curve::PAIR, 0), Next::Again { not_before: now.plus(Span::secs(4)) });
        assert_eq!(next(Class::Throttle(Scope::Pair), Curve::PAIR, 1), Next::Again { not_before: now.plus(Span::secs(16)) });
        assert_eq!(next(Class::Upstream, Curve::FAULT, Curve::FAULT.tries), Next::Fail { no_session: false });
        // A throttle is waited out, however often it comes; refusals for something else do not count.
        assert!(matches!(next(Class::Throttle(Scope::Pair), Curve::PAIR, 500), Next::Again { .. }));
        let other = after_refusal(Class::Upstream, Curve::FAULT, ErrorCode::BusinessReachedLimits, &refused(50), now, 200);
        assert_eq!(other, Next::Again { not_before: now.plus(Curve::FAULT.first) });
    }

    #[test]
    fn silence_counts_only_when_later_attempts_were_heard_of() {
        let at = Timestamp::from_secs(100);
        let fails = |u: Unresolved| matches!(u, Unresolved::Fail(f) if f.code == ErrorCode::OutcomeUnknown);
        assert!(fails(after_silence(WhenUnknown::Auto, at, None)));
        assert!(fails(after_silence(WhenUnknown::Auto, at, Some(at))));
        assert_eq!(after_silence(WhenUnknown::Auto, at, Some(at.plus(Span::millis(1)))), Unresolved::Resend);
        assert!(fails(after_silence(WhenUnknown::Fail, at, Some(Timestamp::FAR))));
        assert_eq!(after_silence(WhenUnknown::Resend, at, None), Unresolved::Resend);
    }
}
