//! Random sequences of moves give the same observable answers on both engines.

use std::collections::BTreeMap;

use proptest::prelude::*;

use transom_domain::address::Identity;
use transom_domain::endpoint::Health;
use transom_domain::error_code::ErrorCode;
use transom_domain::event::{Event, EventBody};
use transom_domain::fact::{Fact, IdentityChange, Person, Preference, Reported};
use transom_domain::id::{CustomerId, EndpointId, MessageId, SenderId};
use transom_domain::message::Class;
use transom_domain::time::{Span, Timestamp};

use super::desk::{DESK, Desk, OWNER, SHOP, failure, identity};
use super::telling::{endpoint, waits};
use super::tests::{Memory, Postgres, Sqlite};
use super::{Broken, Factory};
use crate::postgres::testing;
use crate::{
    Accept, Accepted, AtOnce, Claim, Idempotency, IdempotencyKey, MemoryStore, MessageFilter, Outcome, Page, RelayRound,
    Resolution, Settle, Topic,
};

/// A move, in small numbers: so that sequences meet the same messages, customers and moments again and again.
#[derive(Debug, Clone)]
enum Move {
    Accept { to: u8, class: u8, later: u16, validity: Option<u16>, key: Option<u8>, backlog: u8, at_once: Option<u8> },
    Claim { limit: u8, burst: u8 },
    Settle { message: u8, attempt: u8, how: u8, wait: u16 },
    Status { wamid: u8, word: u8, tagged: Option<(u8, u8)>, code: u8 },
    Inbound { from: u8, wamid: u8, ago: u16 },
    Rotate { from: u8, to: u8, ago: u16 },
    Prefer { from: u8, marketing: bool, ago: u16 },
    Recover { other: bool },
    Resolve { message: u8, how: u8 },
    Expire,
    Look,
    Cancel { message: u8 },
    Redact { message: u8 },
    Delete { message: u8 },
    Stop { stop: bool },
    Relay { fail: bool, give_up: bool },
    Sweep,
    Turn { seconds: u32 },
}

fn moves() -> impl Strategy<Value = Move> {
    prop_oneof![
        6 => (0u8..3, 0u8..3, prop_oneof![Just(0u16), 0u16..90], prop::option::of(0u16..100), prop::option::of(0u8..3), 1u8..20,
              prop::option::of(1u8..4))
            .prop_map(|(to, class, later, validity, key, backlog, at_once)| {
                Move::Accept { to, class, later, validity, key, backlog, at_once }
            }),
        6 => (1u8..6, 1u8..4).prop_map(|(limit, burst)| Move::Claim { limit, burst }),
        8 => (0u8..12, 1u8..3, 0u8..6, 0u16..90).prop_map(|(message, attempt, how, wait)| Move::Settle { message, attempt, how, wait }),
        8 => (0u8..12, 0u8..5, prop::option::of((0u8..12, 1u8..3)), 0u8..4)
            .prop_map(|(wamid, word, tagged, code)| Move::Status { wamid, word, tagged, code }),
        4 => (0u8..6, 0u8..20, 0u16..2_000).prop_map(|(from, wamid, ago)| Move::Inbound { from, wamid, ago }),
        1 => (0u8..6, 0u8..6, 0u16..2_000).prop_map(|(from, to, ago)| Move::Rotate { from, to, ago }),
        1 => (0u8..6, any::<bool>(), 0u16..2_000).prop_map(|(from, marketing, ago)| Move::Prefer { from, marketing, ago }),
        1 => any::<bool>().prop_map(|other| Move::Recover { other }),
        2 => (0u8..12, 0u8..4).prop_map(|(message, how)| Move::Resolve { message, how }),
        1 => Just(Move::Expire),
        3 => Just(Move::Look),
        1 => (0u8..12).prop_map(|message| Move::Cancel { message }),
        1 => (0u8..12).prop_map(|message| Move::Redact { message }),
        1 => (0u8..12).prop_map(|message| Move::Delete { message }),
        1 => any::<bool>().prop_map(|stop| Move::Stop { stop }),
        2 => (any::<bool>(), any::<bool>()).prop_map(|(fail, give_up)| Move::Relay { fail, give_up }),
        1 => Just(Move::Sweep),
        3 => prop_oneof![4 => 0u32..100, 1 => 0u32..4_000_000].prop_map(|seconds| Move::Turn { seconds }),
    ]
}

const PHONES: [&str; 3] = ["+4915112345670", "+4915112345671", "+4915112345672"];

/// A person by number, by user id, or by both.
fn someone(who: u8) -> Result<Person, Broken> {
    let n = usize::from(who) % 3;
    let phone = identity(PHONES[n])?.phone().cloned();
    let bsuid = identity(&format!("DE.{n}"))?.bsuid().cloned();
    Ok(match who / 3 {
        0 => Person { phone, ..Person::default() },
        // The number of one with the id of the next: conflicts are wanted.
        _ if n == 2 => Person { phone: identity(PHONES[0])?.phone().cloned(), bsuid, ..Person::default() },
        _ => Person { phone, bsuid, ..Person::default() },
    })
}

/// One engine at work on a sequence.
struct Bench {
    desk: Desk,
    sent: u8,
    /// What is to start at once is accepted first, and claimed in a second move where the other one did start it.
    in_two: Option<bool>,
}

fn message(n: u8) -> MessageId {
    MessageId(5_000 + u128::from(n))
}

impl Bench {
    async fn new(factory: &dyn Factory) -> Result<Self, Broken> {
        let desk = Desk::new(factory).await?;
        desk.store.put_endpoint(endpoint(1, Topic::Messages)).await?;
        Ok(Self { desk, sent: 0, in_two: None })
    }

    /// Makes a move, and shows what it answered.
    async fn play(&mut self, step: &Move) -> Result<String, Broken> {
        let desk = &mut self.desk;
        let store = std::sync::Arc::clone(&desk.store);
        let now = desk.now;
        let ago = |seconds: u16| now.minus(Span::secs(i64::from(seconds)));
        Ok(match step.clone() {
            Move::Accept { to, class, later, validity, key, backlog, at_once } => {
                let mut accept = desk.text(PHONES[usize::from(to)])?;
                accept.id = message(self.sent);
                self.sent = (self.sent + 1) % 12;
                accept.class = Class::ranked(class).unwrap_or(Class::Reply);
                accept.not_before = now.plus(Span::secs(i64::from(later)));
                accept.expires_at = validity.map(|v| now.plus(Span::secs(i64::from(v))));
                accept.idempotency = key.map(|key| Idempotency {
                    key: IdempotencyKey { key: format!("key {key}"), fingerprint: [to; 32] },
                    answer: vec![to, class],
                    keep: Span::hours(24),
                });
                accept.backlog_max = u64::from(backlog);
                accept.at_once = at_once.map(|burst| AtOnce { pair_burst: u32::from(burst), ..desk.at_once() });
                match self.in_two {
                    Some(starts) => format!("{:?}", in_two(desk, accept, starts).await?),
                    None => format!("{:?}", store.accept(accept).await?),
                }
            }
            Move::Claim { limit, burst } => {
                let mut claim = desk.claiming(usize::from(limit));
                claim.pair_burst = u32::from(burst);
                format!("{:?}", store.claim(claim).await)
            }
            Move::Settle { message: n, attempt, how, wait } => {
                let later = now.plus(Span::secs(i64::from(wait)));
                let failure = failure(ErrorCode::UpstreamError);
                let outcome = match how {
                    0 | 1 => {
                        Outcome::Answered { provider_id: format!("wamid.{n}.{attempt}"), recipient: someone(n % 6)?, note: None }
                    }
                    2 => Outcome::Unknown { until: later, failure, first: wait % 2 == 1 },
                    3 => Outcome::Again { not_before: later, failure, uncounted: wait % 2 == 0 },
                    4 => Outcome::Failed { failure, no_session: true },
                    _ => Outcome::Failed { failure, no_session: false },
                };
                let settle = Settle {
                    business: SHOP,
                    message: message(n),
                    attempt: u32::from(attempt),
                    verdict: None,
                    outcome,
                    answer: None,
                };
                format!("{:?}", store.settle(vec![settle], now).await)
            }
            Move::Status { wamid, word, tagged, code } => {
                let word =
                    [Reported::Sent, Reported::Delivered, Reported::Read, Reported::Played, Reported::Failed][usize::from(word)];
                let mut report = desk.status(&format!("wamid.{wamid}.{}", 1 + code % 2), word, ago(u16::from(code)));
                report.callback = tagged.and_then(|(n, attempt)| Desk::tag(message(n), u32::from(attempt)));
                report.recipient = someone(wamid % 6)?;
                for error in &mut report.errors {
                    error.code = [131_047, 131_050, 131_026, 1][usize::from(code)];
                }
                format!("{:?}", desk.hear(vec![Fact::Status(report)]).await.map_err(|b| b.0))
            }
            Move::Inbound { from, wamid, ago: seconds } => {
                let fact = desk.inbound(someone(from)?, &format!("in.{wamid}"), ago(seconds));
                format!("{:?}", desk.hear(vec![fact]).await.map_err(|b| b.0))
            }
            Move::Rotate { from, to, ago: seconds } => {
                let (previous, current) = (someone(from)?, someone(to)?);
                let change = IdentityChange { provider_id: String::new(), at: ago(seconds), previous, current };
                format!("{:?}", desk.hear(vec![Fact::IdentityChanged(change)]).await.map_err(|b| b.0))
            }
            Move::Prefer { from, marketing, ago: seconds } => {
                let wish = Preference { from: someone(from)?, marketing, at: ago(seconds) };
                format!("{:?}", desk.hear(vec![Fact::Preference(wish)]).await.map_err(|b| b.0))
            }
            Move::Recover { other } => {
                let until = now.plus(Span::minutes(10));
                format!("{:?}", store.recover(if other { OWNER - 1 } else { OWNER }, now, until).await)
            }
            Move::Resolve { message: n, how } => {
                let resolution = match how {
                    0 => Resolution::Resend,
                    1 => Resolution::Wait { until: now.plus(Span::minutes(1)) },
                    2 => Resolution::BySilence,
                    _ => Resolution::Fail { failure: failure(ErrorCode::OutcomeUnknown) },
                };
                format!("{:?}", store.resolve(SHOP, message(n), resolution, now).await)
            }
            Move::Expire => format!("{:?}", store.expire(now, 3).await),
            Move::Look => format!("{:?}", store.look_at_sessions(now, 100).await),
            Move::Cancel { message: n } => format!("{:?}", store.cancel(SHOP, message(n), now).await),
            Move::Redact { message: n } => format!("{:?}", store.redact(SHOP, message(n), now).await),
            Move::Delete { message: n } => format!("{:?}", store.delete(SHOP, message(n), now).await),
            Move::Stop { stop } => {
                let stopped = stop.then(|| failure(ErrorCode::UpstreamCredentials));
                format!("{:?}", store.set_sender_state(SHOP, DESK, stopped, now).await)
            }
            Move::Relay { fail, give_up } => {
                let work = store.relay_work(EndpointId(1), 0, now, 4).await?;
                let later = now.plus(Span::secs(30));
                let fresh = work.fresh.iter().filter(|(_, held)| fail || *held);
                let mut waiting: Vec<_> =
                    fresh.map(|(e, held)| waits(e.position, e.body.order_key(), u32::from(!held), later, "seen")).collect();
                let mut over = Vec::new();
                for due in &work.due {
                    if fail && !give_up {
                        waiting.push(waits(due.event.position, due.event.body.order_key(), due.tried + 1, later, "again"));
                    } else {
                        over.push(due.event.position);
                    }
                }
                let round = RelayRound {
                    by: OWNER,
                    endpoint: EndpointId(1),
                    cursor: work.looked_to,
                    waiting,
                    over,
                    replay: None,
                    news: Vec::new(),
                    known: Health::default(),
                    health: Health::default(),
                    now,
                };
                store.relay_settle(round).await?;
                format!("{work:?}")
            }
            // Without a limit: which of many are taken first is an engine's own choice.
            Move::Sweep => format!("{:?}", desk.sweep(512).await),
            Move::Turn { seconds } => {
                desk.turn(Span::secs(i64::from(seconds)));
                String::new()
            }
        })
    }

    /// Everything that can be seen.
    async fn seen(&self) -> Result<Vec<String>, Broken> {
        let (desk, store) = (&self.desk, &self.desk.store);
        let page = Page { size: 200, token: None };
        let mut seen = Vec::new();
        let (messages, _) = store.messages(SHOP, MessageFilter::default(), page.clone()).await?;
        for customer in messages.iter().map(|m| m.customer).collect::<std::collections::BTreeSet<CustomerId>>() {
            seen.push(format!("{:?}", store.customer(SHOP, customer).await?));
        }
        seen.extend(messages.iter().map(|m| format!("{m:?}")));
        for message in &messages {
            seen.push(format!("{:?}", store.timeline(SHOP, message.id).await?));
        }
        for who in PHONES.into_iter().chain(["bsuid:DE.0", "bsuid:DE.1", "bsuid:DE.2"]) {
            let who: Identity = identity(who)?;
            let (by_name, by_last) = (desk.ask(SHOP, Some(DESK), who.clone()), desk.ask(SHOP, None, who));
            seen.push(format!("{:?} {:?}", store.look(by_name).await?, store.look(by_last).await?));
        }
        seen.push(format!("{:?}", store.sessions(SHOP, MessageFilter::default(), page).await?));
        seen.push(format!("{:?}", store.events(SHOP, 0, 256).await?));
        seen.push(format!("{:?}", store.relay_work(EndpointId(1), 0, desk.now, 100).await?));
        seen.push(format!("{:?} {:?}", store.backlog(DESK).await?, store.overdue(Timestamp::FAR, 100).await?));
        seen.push(format!("{:?} {:?}", store.endpoints(None).await?, store.journal_after(SHOP, 0, 100).await?));
        Ok(seen)
    }
}

/// What must hold after every move, whatever the engine.
async fn invariants(bench: &Bench) -> Result<(), Broken> {
    let store = &bench.desk.store;
    let page = Page { size: 200, token: None };
    let (messages, _) = store.messages(SHOP, MessageFilter::default(), page).await?;
    let waiting = messages.iter().filter(|m| matches!(m.phase, transom_domain::status::Phase::Queued { .. })).count();
    let counted = store.backlog(DESK).await?.waiting;
    if u64::try_from(waiting).ok() != Some(counted) {
        return Err(Broken(format!("{waiting} messages wait, and {counted} are counted")));
    }
    let stream = store.events(SHOP, 0, 256).await?;
    if stream.events.iter().zip(stream.earliest..).any(|(event, position)| event.position != position) {
        return Err(Broken("the stream has a gap".to_owned()));
    }
    sessions(bench, &stream.events).await
}

/// Opening and closing alternate, and what was told last of an open session is that it is open. That it is closed may be told
/// later, at a look.
async fn sessions(bench: &Bench, events: &[Event]) -> Result<(), Broken> {
    let mut told: BTreeMap<(SenderId, CustomerId), bool> = BTreeMap::new();
    for event in events {
        let opened = match &event.body {
            EventBody::SessionOpened { .. } => true,
            EventBody::SessionClosed { .. } => false,
            EventBody::CustomerMerged { customer, merged, .. } => {
                // From here on what was told of the one was told of the person.
                for (sender, open) in
                    told.iter().filter(|((_, c), _)| c == merged).map(|((s, _), o)| (*s, *o)).collect::<Vec<_>>()
                {
                    *told.entry((sender, *customer)).or_default() |= open;
                }
                continue;
            }
            _ => continue,
        };
        let of = event.body.party().map(|party| (party.sender, party.customer));
        let before = of.and_then(|of| told.insert(of, opened));
        if before == Some(opened) {
            return Err(Broken(format!("event {} says the same as the one before: {:?}", event.position, event.body)));
        }
    }
    let now = bench.desk.now;
    let (known, _) = bench.desk.store.sessions(SHOP, MessageFilter::default(), Page { size: 200, token: None }).await?;
    for session in known {
        let said = told.get(&(session.sender, session.customer)).copied().unwrap_or(false);
        let is = session.evidence.at(now).is_open();
        let unseen = bench.desk.store.next_session_look().await?.is_some_and(|due| due <= now);
        if said != is && !(said && unseen) {
            return Err(Broken(format!("{:?} is open: {is}, and was told to be: {said}", session.evidence)));
        }
    }
    Ok(())
}

/// Accepts and claims in two moves what one move is said to do.
async fn in_two(desk: &Desk, accept: Accept, starts: bool) -> Result<Accepted, Broken> {
    let at_once = accept.at_once;
    let mut accepted = desk.store.accept(Accept { at_once: None, ..accept }).await?;
    if let (Accepted::Stored { claimed, .. }, Some(AtOnce { pair_burst, .. }), true) = (&mut accepted, at_once, starts) {
        let claim = Claim { pair_burst, ..desk.claiming(1) };
        *claimed = desk.store.claim(claim).await?.claimed.pop().map(Box::new);
    }
    Ok(accepted)
}

/// Both engines.
async fn compare(steps: &[Move]) -> Result<(), Broken> {
    let folder = tempfile::tempdir().map_err(|why| Broken(why.to_string()))?;
    let (memory, sqlite) = (Memory(MemoryStore::new()), Sqlite(folder));
    same_answers(Bench::new(&memory).await?, Bench::new(&sqlite).await?, steps).await
}

/// One move for what starts at once, and two.
async fn compare_at_once(steps: &[Move]) -> Result<(), Broken> {
    let (one, two) = (Memory(MemoryStore::new()), Memory(MemoryStore::new()));
    let in_two = Bench { in_two: Some(false), ..Bench::new(&two).await? };
    same_answers(Bench::new(&one).await?, in_two, steps).await
}

async fn same_answers(mut left: Bench, mut right: Bench, steps: &[Move]) -> Result<(), Broken> {
    for (n, step) in steps.iter().enumerate() {
        let a = left.play(step).await?;
        right.in_two = right.in_two.map(|_| a.contains("claimed: Some"));
        let b = right.play(step).await?;
        if a != b {
            return Err(Broken(format!("move {n}, {step:?}\nleft  {a}\nright {b}")));
        }
        invariants(&left).await?;
    }
    let (a, b) = (left.seen().await?, right.seen().await?);
    for (a, b) in a.iter().zip(&b) {
        if a != b {
            return Err(Broken(format!("in the end\nleft  {a}\nright {b}")));
        }
    }
    if a.len() == b.len() { Ok(()) } else { Err(Broken("one shows more than the other".to_owned())) }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_engines_answer_the_same(steps in prop::collection::vec(moves(), 1..80)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let outcome = runtime.block_on(compare(&steps));
        prop_assert!(outcome.is_ok(), "{}", outcome.err().map(|b| b.0).unwrap_or_default());
    }

    #[test]
    fn what_starts_at_once_is_as_if_accepted_and_claimed(steps in prop::collection::vec(moves(), 1..80)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let outcome = runtime.block_on(compare_at_once(&steps));
        prop_assert!(outcome.is_ok(), "{}", outcome.err().map(|b| b.0).unwrap_or_default());
    }
}

proptest! {
    // Fewer and shorter: each is a schema of its own.
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn postgres_answers_as_memory_does(steps in prop::collection::vec(moves(), 1..50)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let outcome = runtime.block_on(async {
            let (memory, postgres) = (Memory(MemoryStore::new()), Postgres(testing::empty()));
            same_answers(Bench::new(&memory).await?, Bench::new(&postgres).await?, &steps).await
        });
        prop_assert!(outcome.is_ok(), "{}", outcome.err().map(|b| b.0).unwrap_or_default());
    }
}
