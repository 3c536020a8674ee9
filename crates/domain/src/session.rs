//! The session: the 24-hour customer service window between one sender and one customer.
//!
//! A belief with evidence. Meta tells nobody when a window opens or closes, so two facts are kept, each a maximum: when the
//! customer was last heard, and the latest attempt that Meta refused because no window was open. Maxima commute, so any
//! order and repetition of webhooks gives the same belief.

use serde::{Deserialize, Serialize};

use crate::messenger::HUMAN_AGENT;
use crate::time::{Span, Timestamp};

/// How long a session lasts after the customer's last message or call (Meta: messages/send-messages).
pub const SESSION: Span = Span::hours(24);

/// How long before its end a session is told to close soon, unless a business has chosen otherwise.
pub const CLOSING_SOON: Span = Span::hours(1);

/// What is known about one sender and one customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Evidence {
    /// Provider's time of the customer's last message or call.
    pub heard: Option<Timestamp>,
    /// Start of the latest attempt that was refused for want of a session.
    pub refused: Option<Timestamp>,
}

/// What the evidence says at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Session {
    /// Open until that moment, exclusive.
    Open {
        /// First moment at which it is closed.
        until: Timestamp,
    },
    /// Closed.
    Closed(Closed),
}

/// Why a session is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// The customer never wrote to this sender.
    NeverHeard,
    /// The customer wrote, and 24 hours have gone by since that moment plus 24 hours.
    Over {
        /// When it closed.
        since: Timestamp,
    },
    /// Meta refused a message for want of a session, after the customer was last heard.
    Refused {
        /// Start of the refused attempt.
        at: Timestamp,
    },
}

impl Evidence {
    /// The customer was heard at `at` (provider's time); a time in the future counts as `now`.
    #[must_use]
    pub fn heard(at: Timestamp, now: Timestamp) -> Self {
        Self { heard: Some(at.min(now)), refused: None }
    }

    /// An attempt begun at `attempt` was refused for want of a session.
    #[must_use]
    pub fn refused(attempt: Timestamp, now: Timestamp) -> Self {
        Self { heard: None, refused: Some(attempt.min(now)) }
    }

    /// Both together; commutative, associative, idempotent.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        // `None` is less than every `Some`.
        Self { heard: self.heard.max(other.heard), refused: self.refused.max(other.refused) }
    }

    /// Until when a human may answer on Messenger, counted from the customer's last message; none once that is over.
    #[must_use]
    pub fn human_until(self, now: Timestamp) -> Option<Timestamp> {
        self.heard.map(|heard| heard.plus(HUMAN_AGENT)).filter(|until| now < *until)
    }

    /// What this says at `now`.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Session {
        let Some(heard) = self.heard else { return Session::Closed(Closed::NeverHeard) };
        // Meta dates messages to the second, attempts are dated to the millisecond: within one second the customer's word counts.
        if let Some(at) = self.refused.filter(|refused| refused.as_secs() > heard.as_secs()) {
            return Session::Closed(Closed::Refused { at });
        }
        let until = heard.plus(SESSION);
        if now < until { Session::Open { until } } else { Session::Closed(Closed::Over { since: until }) }
    }
}

impl Session {
    /// Whether it is open.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Open { .. })
    }
}

/// Why a session that was open is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// The customer has written nothing for [`SESSION`].
    Expired,
    /// Meta refused a message for want of a session.
    Refused,
}

impl Ended {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Refused => "refused",
        }
    }
}

/// What is worth telling of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// It is open, and was told to be closed, or nothing was told.
    Opened {
        /// First moment at which it is closed.
        until: Timestamp,
    },
    /// It is open, and closes within the notice. Told once per end: again only if the customer moves the end by less than that.
    ClosingSoon {
        /// First moment at which it is closed.
        until: Timestamp,
    },
    /// It is closed, and was told to be open.
    Closed {
        /// Since when.
        since: Timestamp,
        /// Why.
        cause: Ended,
    },
}

/// What is to be told, and when to look again.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Followed {
    /// In this order; at most two and the notice.
    pub news: Vec<News>,
    /// When to look again; none while it is told to be closed.
    pub look_at: Option<Timestamp>,
}

/// What has to be told of a session when `before` has become `after` at `now`, or, with both the same, when time has gone by.
/// `look_at` is what was answered the last time: while there is one, the session is told to be open.
///
/// Lazy: what the customer writes in an open session moves nothing here. It is found at the next look, which then moves on. So
/// opening and closing alternate, and each is told only while the evidence says so.
#[must_use]
pub fn follow(look_at: Option<Timestamp>, before: Evidence, after: Evidence, notice: Span, now: Timestamp) -> Followed {
    let mut news = Vec::new();
    let mut look_at = look_at;
    // It closed before this was heard, and nobody has looked since.
    if let (Some(_), Some((since, cause))) = (look_at, before.ended(now)) {
        news.push(News::Closed { since, cause });
        look_at = None;
    }
    let Session::Open { until } = after.at(now) else {
        if let (Some(_), Some((since, cause))) = (look_at, after.ended(now)) {
            news.push(News::Closed { since, cause });
        }
        return Followed { news, look_at: None };
    };
    let due = match look_at {
        Some(due) => due,
        None => {
            news.push(News::Opened { until });
            now
        }
    };
    if due > now {
        return Followed { news, look_at: Some(due) };
    }
    let soon = until.minus(notice);
    let next = if notice <= Span::ZERO {
        until
    } else if now < soon {
        soon
    } else {
        news.push(News::ClosingSoon { until });
        until
    };
    Followed { news, look_at: Some(next) }
}

impl Evidence {
    /// Since when and why a session that was once open is closed.
    fn ended(self, now: Timestamp) -> Option<(Timestamp, Ended)> {
        match self.at(now) {
            Session::Open { .. } | Session::Closed(Closed::NeverHeard) => None,
            Session::Closed(Closed::Over { since }) => Some((since, Ended::Expired)),
            Session::Closed(Closed::Refused { at }) => Some((at, Ended::Refused)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn evidence() -> impl Strategy<Value = Evidence> {
        let moment = prop::option::of((0i64..1_000_000_000).prop_map(Timestamp::from_millis));
        (moment.clone(), moment).prop_map(|(heard, refused)| Evidence { heard, refused })
    }

    proptest! {
        #[test]
        fn any_order_and_repetition_gives_the_same_belief(parts in prop::collection::vec(evidence(), 0..8).prop_shuffle(), now in 0i64..2_000_000_000) {
            let now = Timestamp::from_millis(now);
            let fold = |parts: &[Evidence]| parts.iter().fold(Evidence::default(), |a, b| a.and(*b));
            let mut other = parts.clone();
            other.reverse();
            other.extend(parts.clone());
            prop_assert_eq!(fold(&parts), fold(&other));
            prop_assert_eq!(fold(&parts).at(now), fold(&other).at(now));
        }

        #[test]
        fn it_is_open_for_exactly_24_hours(heard in 0i64..1_000_000_000_000, later in 0i64..200_000_000) {
            let (heard, now) = (Timestamp::from_millis(heard), Timestamp::from_millis(heard + later));
            prop_assert_eq!(Evidence::heard(heard, now).at(now).is_open(), later < 86_400_000);
        }
    }

    #[test]
    fn a_late_webhook_opens_nothing_and_no_message_comes_from_the_future() {
        let now = Timestamp::from_secs(1_000_000);
        assert_eq!(Evidence::heard(now.minus(SESSION), now).at(now), Session::Closed(Closed::Over { since: now }));
        assert_eq!(Evidence::heard(now.plus(SESSION), now).at(now), Session::Open { until: now.plus(SESSION) });
    }

    #[test]
    fn a_human_may_answer_for_seven_days_whatever_was_refused() {
        let now = Timestamp::from_secs(10_000_000);
        let heard = Evidence::heard(now, now).and(Evidence::refused(now.plus(Span::days(2)), now.plus(Span::days(2))));
        let until = now.plus(Span::days(7));
        assert_eq!(heard.human_until(until.minus(Span::millis(1))), Some(until));
        assert_eq!((heard.human_until(until), Evidence::default().human_until(now)), (None, None));
    }

    #[test]
    fn a_refusal_closes_only_what_it_is_newer_than() {
        let now = Timestamp::from_secs(1_000_000);
        let heard = Evidence::heard(now.minus(Span::secs(60)), now);
        let newer = Evidence::refused(now.minus(Span::secs(1)), now);
        let older = Evidence::refused(now.minus(Span::secs(61)), now);
        assert!(!heard.and(newer).at(now).is_open());
        assert!(heard.and(older).at(now).is_open());
        let same_second = Evidence::refused(now.minus(Span::secs(60)).plus(Span::millis(900)), now);
        assert!(heard.and(same_second).at(now).is_open());
    }

    const HOUR: i64 = 3_600_000;

    /// What comes to be known of one conversation, and how long after the thing before it.
    #[derive(Debug, Clone, Copy)]
    enum Step {
        /// The customer wrote so long ago.
        Heard(i64),
        /// An attempt begun so long ago was refused.
        Refused(i64),
        /// Somebody looks, if it is due.
        Look,
        /// The notice changes.
        Notice(i64),
    }

    fn steps() -> impl Strategy<Value = Vec<(i64, Step)>> {
        let ago = prop_oneof![0..5_000i64, 0..30 * HOUR];
        let step = prop_oneof![
            4 => ago.clone().prop_map(Step::Heard),
            2 => ago.prop_map(Step::Refused),
            5 => Just(Step::Look),
            1 => (0..3 * HOUR).prop_map(Step::Notice),
        ];
        prop::collection::vec((prop_oneof![0..3_000i64, 0..HOUR, 0..26 * HOUR], step), 0..40)
    }

    proptest! {
        /// Whatever comes in whatever order: each thing told is what the evidence says at that moment, opening and closing
        /// alternate, and a look that comes in time finds every end.
        #[test]
        fn what_is_told_agrees_with_the_evidence_at_its_moment(steps in steps()) {
            let mut now = Timestamp::from_secs(1_000_000);
            let (mut known, mut look_at, mut open, mut notice) = (Evidence::default(), None, false, CLOSING_SOON);
            let mut told_of = None;
            for (later, step) in steps {
                now = now.plus(Span::millis(later));
                let before = known;
                match step {
                    Step::Heard(ago) => known = known.and(Evidence::heard(now.minus(Span::millis(ago)), now)),
                    Step::Refused(ago) => known = known.and(Evidence::refused(now.minus(Span::millis(ago)), now)),
                    Step::Notice(to) => notice = Span::millis(to),
                    Step::Look => {}
                }
                let followed = follow(look_at, before, known, notice, now);
                for (at, news) in followed.news.iter().enumerate() {
                    // Only what closed before this was heard is judged by what was known before.
                    match *news {
                        News::Opened { until } => {
                            prop_assert!(!open);
                            open = true;
                            prop_assert_eq!(known.at(now), Session::Open { until });
                        }
                        News::ClosingSoon { until } => {
                            prop_assert!(open);
                            prop_assert_eq!(known.at(now), Session::Open { until });
                            prop_assert!(until.minus(notice) <= now);
                            prop_assert!(told_of != Some(until), "told twice of one end");
                            told_of = Some(until);
                        }
                        News::Closed { since, cause } => {
                            prop_assert!(open);
                            open = false;
                            let said = if at == 0 && before.ended(now).is_some() { before } else { known };
                            prop_assert_eq!(said.ended(now), Some((since, cause)));
                        }
                    }
                }
                look_at = followed.look_at;
                // After every look what was told last is true.
                prop_assert_eq!(open, known.at(now).is_open());
                prop_assert_eq!(open, look_at.is_some());
                if let (Some(due), Session::Open { until }) = (look_at, known.at(now)) {
                    prop_assert!(due > now && due <= until);
                }
            }
        }

        /// What comes in an open session moves nothing before the look that was agreed on.
        #[test]
        fn what_is_heard_in_an_open_session_moves_nothing(gaps in prop::collection::vec(1..4 * HOUR, 1..20)) {
            let mut now = Timestamp::from_secs(1_000_000);
            let mut known = Evidence::heard(now, now);
            let opened = follow(None, Evidence::default(), known, CLOSING_SOON, now);
            prop_assert_eq!(opened.news, vec![News::Opened { until: now.plus(SESSION) }]);
            let armed = opened.look_at;
            for gap in gaps {
                now = now.plus(Span::millis(gap));
                if Some(now) >= armed {
                    break;
                }
                let before = known;
                known = known.and(Evidence::heard(now, now));
                prop_assert_eq!(follow(armed, before, known, CLOSING_SOON, now), Followed { news: vec![], look_at: armed });
            }
        }
    }

    #[test]
    fn a_session_opens_is_noticed_and_closes() {
        let start = Timestamp::from_secs(1_000_000);
        let known = Evidence::heard(start, start);
        let until = start.plus(SESSION);
        let look = |at: Option<Timestamp>, now: Timestamp| follow(at, known, known, CLOSING_SOON, now);
        let soon = until.minus(CLOSING_SOON);
        assert_eq!(look(Some(soon), soon), Followed { news: vec![News::ClosingSoon { until }], look_at: Some(until) });
        let closed = News::Closed { since: until, cause: Ended::Expired };
        assert_eq!(look(Some(until), until), Followed { news: vec![closed], look_at: None });
        // Nobody looked for a day, and then the customer writes: it was closed, and it is open.
        let late = until.plus(SESSION);
        let heard = known.and(Evidence::heard(late, late));
        let both = follow(Some(soon), known, heard, CLOSING_SOON, late);
        assert_eq!(both.news, vec![closed, News::Opened { until: late.plus(SESSION) }]);
        // Nothing is noticed where nobody wants it.
        let without = follow(None, Evidence::default(), known, Span::ZERO, start);
        assert_eq!(without, Followed { news: vec![News::Opened { until }], look_at: Some(until) });
    }
}
