//! Why messages of a sender wait, as far as the store can tell: a queue that stands still has to explain itself.

use std::collections::{BTreeMap, HashMap};

use transom_domain::failure::Class;
use transom_domain::id::CustomerId;
use transom_domain::message::Message;
use transom_domain::status::{Phase, Status};
use transom_domain::time::{Span, Timestamp};
use transom_meta::codes::classify;
use transom_store::{Backlog, Direction, MessageFilter, PAGE_MAX, Page, Sender, SenderState};

use super::step::{Step, StepName, StepState, step};
use crate::config::Setting as _;
use crate::problem::Problem;
use crate::service::Service;
use crate::service::capacity::rfc3339;

/// Waiting longer than this is worth a word.
const LONG_WAIT: Span = Span::minutes(10);
/// Pages of messages looked through per status. The doctor is asked by hand, and what a thousand messages wait for is mostly
/// what the others wait for; the count of all that wait is exact.
const PAGES_MAX: usize = 5;
/// Messages with a lost answer that are looked at, of all senders together.
const UNKNOWN_MAX: usize = 1_000;

/// What a waiting message waits for; the first one named is the first to be mended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reason {
    /// Meta said that this is too fast.
    Throttled,
    /// The try before failed in a way that passes.
    Retried,
    /// The pace between two messages to one customer, or one of them is under way.
    Pair,
    /// Its turn among all of the sender.
    Turn,
    /// The caller wants it later.
    Scheduled,
}

/// Those that wait for the same.
#[derive(Debug, Default)]
struct Group {
    count: usize,
    /// When the first of them goes on, where that is known; for those that are due: since when the first is.
    first: Option<Timestamp>,
    /// What was said of the latest try of one of them.
    said: String,
}

/// What is known beside the messages.
struct Circumstances {
    backlog: Backlog,
    /// Whether a server works on this folder.
    served: bool,
    stopped: bool,
    throughput: u32,
    /// The messaging limit is used up and holds some back: until when, at the earliest.
    held_until: Option<Timestamp>,
    pair_gap: Span,
    pair_burst: u32,
    now: Timestamp,
}

/// A span as people say it: whole minutes beyond one.
fn lasted(span: Span) -> String {
    let whole = if span > Span::minutes(1) { Span::minutes(span.as_secs() / 60) } else { Span::secs(span.as_secs()) };
    whole.shown().unwrap_or_default()
}

fn reason(message: &Message, not_before: Timestamp, crowded: bool, now: Timestamp) -> Reason {
    let error = message.attempts.last().and_then(|attempt| attempt.error.as_ref());
    match error {
        // Meta answers a throttle with HTTP 400; its code decides.
        Some(failure) if not_before > now => match failure.upstream.as_ref().map(|said| classify(400, Some(said)).class) {
            Some(Class::Throttle(_)) => Reason::Throttled,
            _ => Reason::Retried,
        },
        None if not_before > now => Reason::Scheduled,
        _ if crowded => Reason::Pair,
        _ => Reason::Turn,
    }
}

/// Puts waiting messages together by what they wait for.
fn groups(waiting: &[Message], now: Timestamp) -> BTreeMap<Reason, Group> {
    let queued: Vec<(&Message, Timestamp)> = waiting
        .iter()
        .filter_map(|message| match message.phase {
            Phase::Queued { not_before } => Some((message, not_before)),
            _ => None,
        })
        .collect();
    let mut of_customer: HashMap<CustomerId, usize> = HashMap::new();
    for (message, _) in queued.iter().filter(|(_, not_before)| *not_before <= now) {
        *of_customer.entry(message.customer).or_default() += 1;
    }
    let mut groups: BTreeMap<Reason, Group> = BTreeMap::new();
    for (message, not_before) in queued {
        let crowded = of_customer.get(&message.customer).is_some_and(|count| *count > 1);
        let group = groups.entry(reason(message, not_before, crowded, now)).or_default();
        let at = not_before.max(message.accepted_at);
        group.count += 1;
        group.first = Some(group.first.map_or(at, |first| first.min(at)));
        if group.said.is_empty()
            && let Some(failure) = message.attempts.last().and_then(|attempt| attempt.error.as_ref())
        {
            group.said.clone_from(&failure.message);
        }
    }
    groups
}

fn explain(reason: Reason, group: &Group, known: &Circumstances) -> Step {
    let (count, first) = (group.count, group.first.unwrap_or(known.now));
    let at = rfc3339(first);
    let due_for = known.now.since(first);
    match reason {
        Reason::Throttled => step(
            StepName::Queue,
            StepState::Warning,
            format!("{count} of them rest after a throttle of Meta's, the first until {at}: {}", group.said),
            "They go on by themselves. If it comes often, send slower, or ask Meta for more throughput.",
        ),
        Reason::Retried => step(
            StepName::Queue,
            StepState::Warning,
            format!("{count} of them are tried again, the first at {at}: {}", group.said),
            "They go on by themselves; look at what was said of the last try.",
        ),
        Reason::Pair => step(
            StepName::Queue,
            if due_for > LONG_WAIT { StepState::Warning } else { StepState::Done },
            format!(
                "{count} of them wait behind others to the same customer: one per {} goes after a burst of {}",
                lasted(known.pair_gap),
                known.pair_burst
            ),
            "Nothing stands still; send fewer messages to one customer.",
        ),
        Reason::Turn if known.held_until.is_some() => step(
            StepName::Queue,
            StepState::Warning,
            format!(
                "{count} of them wait for their turn or for the messaging limit, which is used up until {}",
                known.held_until.map(rfc3339).unwrap_or_default()
            ),
            "They go by themselves, in order, as customers leave the count; `transom sender show` says how many are left. Meta raises the limit when half of it was used in seven days and quality is good.",
        ),
        Reason::Turn => {
            let drain = Span::secs(i64::try_from(known.backlog.waiting).unwrap_or(i64::MAX) / i64::from(known.throughput.max(1)));
            if due_for > LONG_WAIT.max(drain) {
                step(
                    StepName::Queue,
                    StepState::Failed,
                    format!("{count} of them are due since {at}, and nothing that is known holds them"),
                    "Look into the server's log for this sender; restart the server if it says nothing.",
                )
            } else {
                step(
                    StepName::Queue,
                    StepState::Done,
                    format!("{count} of them wait for their turn: the number sends {} per second", known.throughput),
                    "",
                )
            }
        }
        Reason::Scheduled => step(
            StepName::Queue,
            StepState::Done,
            format!("{count} of them are to go later, the first at {at}, as their callers want"),
            "",
        ),
    }
}

/// What is to be said of a queue; nothing of an empty one.
fn steps(known: &Circumstances, waiting: &[Message]) -> Vec<Step> {
    if known.backlog.waiting == 0 {
        return Vec::new();
    }
    let oldest = known.backlog.oldest.unwrap_or(known.now);
    let said =
        format!("{} wait, the oldest since {} ({})", known.backlog.waiting, rfc3339(oldest), lasted(known.now.since(oldest)));
    if known.stopped {
        let remedy = "The queue is kept, and goes on with `transom sender resume`.";
        return vec![step(StepName::Queue, StepState::Warning, format!("{said}: the sender is stopped"), remedy)];
    }
    if !known.served {
        let remedy = "Start `transom serve` on this folder: it sends what waits.";
        return vec![step(StepName::Queue, StepState::Warning, format!("{said}: no server runs on this folder"), remedy)];
    }
    let reasons: Vec<Step> = groups(waiting, known.now).iter().map(|(reason, group)| explain(*reason, group, known)).collect();
    let state = if reasons.iter().any(|s| s.state != StepState::Done) { StepState::Warning } else { StepState::Done };
    let remedy = if state == StepState::Done { "" } else { "What they wait for is said beside this." };
    let mut found = vec![step(StepName::Queue, state, said, remedy)];
    found.extend(reasons);
    found
}

impl Service {
    /// Looks at what waits at a sender.
    pub(super) async fn look_at_queue(&self, sender: &Sender) -> Result<Vec<Step>, Problem> {
        let store = &self.store;
        let limits = &self.limits;
        let load = store.load(sender.id, self.now()).await?;
        let known = Circumstances {
            backlog: Backlog { waiting: load.waiting, oldest: load.oldest },
            served: self.public_url.is_some(),
            stopped: sender.state != SenderState::Active,
            throughput: sender.throughput,
            held_until: load.next_place_at.filter(|_| load.held),
            pair_gap: limits.pair_gap,
            pair_burst: limits.pair_burst,
            now: self.now(),
        };
        let waiting = if known.backlog.waiting > 0 && known.served && !known.stopped {
            self.waiting(sender, known.backlog.waiting).await?
        } else {
            Vec::new()
        };
        let mut found = steps(&known, &waiting);
        let (unknown, _) = store.overdue(Timestamp::FAR, UNKNOWN_MAX).await?;
        let until = unknown.iter().filter(|pending| pending.message.sender == sender.id).filter_map(|pending| {
            match pending.message.phase {
                Phase::Unknown { until } => Some(until),
                _ => None,
            }
        });
        let (count, last) = until.fold((0_usize, Timestamp::EPOCH), |(count, last), until| (count + 1, last.max(until)));
        if count > 0 {
            found.push(step(
                StepName::Queue,
                StepState::Warning,
                format!("the answers to {count} sends were lost; the last is decided at {}", rfc3339(last)),
                "A status from Meta settles each; without one, the message's `whenUnknown` decides.",
            ));
        }
        Ok(found)
    }

    /// The messages that wait, newest first, as many as are looked at.
    async fn waiting(&self, sender: &Sender, all: u64) -> Result<Vec<Message>, Problem> {
        let all = usize::try_from(all).unwrap_or(usize::MAX);
        let mut waiting = Vec::new();
        for status in [Status::Queued, Status::Accepted, Status::Unknown] {
            let filter = MessageFilter {
                sender: Some(sender.id),
                status: Some(status),
                direction: Some(Direction::Outbound),
                ..MessageFilter::default()
            };
            let mut token = None;
            for _ in 0..PAGES_MAX {
                let page = Page { size: PAGE_MAX, token };
                let (messages, next) = self.store.messages(sender.business, filter.clone(), page).await?;
                waiting.extend(messages.into_iter().filter(|message| matches!(message.phase, Phase::Queued { .. })));
                token = next;
                if token.is_none() || waiting.len() >= all {
                    break;
                }
            }
        }
        Ok(waiting)
    }
}

#[cfg(test)]
mod tests {
    use transom_domain::address::{Channel, Identity};
    use transom_domain::error_code::ErrorCode;
    use transom_domain::failure::UpstreamError;
    use transom_domain::id::{BusinessId, MessageId, SenderId};
    use transom_domain::message::{Attempt, Class as Lane, WhenUnknown};
    use transom_domain::status::{Failure, Progress};

    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_000_000);

    fn known(waiting: u64) -> Circumstances {
        Circumstances {
            backlog: Backlog { waiting, oldest: Some(NOW.minus(Span::minutes(3))) },
            served: true,
            stopped: false,
            throughput: 80,
            held_until: None,
            pair_gap: Span::secs(6),
            pair_burst: 45,
            now: NOW,
        }
    }

    fn message(customer: u128, not_before: Timestamp, code: Option<i64>) -> Message {
        let refused = code.map(|code| Attempt {
            number: 1,
            started_at: NOW,
            progress: Progress::Refused,
            at: NOW,
            provider_id: None,
            error: Some(Failure {
                code: ErrorCode::UpstreamError,
                message: format!("Meta refused: {code}."),
                upstream: Some(UpstreamError { code, title: String::new(), details: None, subcode: None }),
            }),
            note: None,
            pricing: None,
        });
        Message {
            id: MessageId(1),
            business: BusinessId(1),
            sender: SenderId(1),
            customer: CustomerId(customer),
            channel: Channel::Whatsapp,
            address: "+4915550100001".parse::<Identity>().unwrap(),
            position: 1,
            draft: None,
            inbound: None,
            amendments: Vec::new(),
            received_as: None,
            verdict: None,
            class: Lane::Reply,
            phase: Phase::Queued { not_before },
            status: Status::Queued,
            failure: None,
            attempts: refused.into_iter().collect(),
            accepted_at: NOW.minus(Span::minutes(3)),
            expires_at: None,
            when_unknown: WhenUnknown::Auto,
            callback_data: None,
            campaign: None,
            origin: None,
            reply_to: None,
            answers: None,
            redacted: false,
        }
    }

    fn said(known: &Circumstances, waiting: &[Message]) -> Vec<(StepState, String)> {
        steps(known, waiting).into_iter().map(|s| (s.state, s.explanation)).collect()
    }

    #[test]
    fn an_empty_queue_needs_no_word() {
        assert_eq!(said(&known(0), &[]), []);
    }

    #[test]
    fn what_holds_all_is_said_once() {
        let stopped = said(&Circumstances { stopped: true, ..known(7) }, &[]);
        assert!(
            matches!(stopped.as_slice(), [(StepState::Warning, one)] if one.starts_with("7 wait") && one.contains("(3m): the sender is stopped"))
        );
        let alone = said(&Circumstances { served: false, ..known(7) }, &[]);
        assert!(matches!(alone.as_slice(), [(StepState::Warning, one)] if one.ends_with("no server runs on this folder")));
    }

    #[test]
    fn each_reason_is_told_with_its_count_and_the_first_of_them() {
        let (soon, later) = (NOW.plus(Span::secs(30)), NOW.plus(Span::hours(2)));
        let due = NOW.minus(Span::minutes(3));
        let waiting = [
            message(1, later, None),
            message(2, soon, Some(130_429)),
            message(3, later, Some(130_429)),
            message(4, soon, Some(131_016)),
            message(5, due, None),
            message(5, due, None),
            message(6, due, None),
        ];
        let told = said(&known(7), &waiting);
        let lines: Vec<&str> = told.iter().map(|(_, said)| said.as_str()).collect();
        assert_eq!(lines.len(), 6, "{lines:#?}");
        assert!(lines[0].starts_with("7 wait, the oldest since "));
        assert!(lines[1].starts_with(
            "2 of them rest after a throttle of Meta's, the first until 1970-01-12T13:47:10Z: Meta refused: 130429"
        ));
        assert!(lines[2].starts_with("1 of them are tried again") && lines[2].contains("131016"));
        assert!(lines[3].starts_with("2 of them wait behind others to the same customer: one per 6s goes after a burst of 45"));
        assert!(lines[4].starts_with("1 of them wait for their turn: the number sends 80 per second"));
        assert!(lines[5].starts_with("1 of them are to go later, the first at 1970-01-12T15:46:40Z"));
    }

    #[test]
    fn a_schedule_alone_is_no_reason_to_worry_and_standing_still_is_a_problem() {
        let scheduled = said(&known(1), &[message(1, NOW.plus(Span::days(1)), None)]);
        assert!(scheduled.iter().all(|(state, _)| *state == StepState::Done), "{scheduled:?}");
        let mut stuck = message(1, NOW.minus(Span::minutes(20)), None);
        stuck.accepted_at = NOW.minus(Span::minutes(20));
        let told = said(&known(1), &[stuck.clone()]);
        assert!(
            told.iter().any(|(state, said)| *state == StepState::Failed && said.contains("nothing that is known holds them"))
        );
        // So does a limit that is used up.
        let told = said(&Circumstances { held_until: Some(NOW.plus(Span::hours(2))), ..known(1) }, &[stuck.clone()]);
        assert!(told.iter().any(|(state, said)| *state == StepState::Warning && said.contains("messaging limit")), "{told:?}");
        // A long backlog explains a long wait.
        let told = said(&known(1_000_000), &[stuck]);
        assert!(told.iter().all(|(state, _)| *state == StepState::Done), "{told:?}");
    }
}
