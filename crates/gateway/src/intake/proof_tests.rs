//! Every payload kept in `fixtures/webhooks`, twice, shuffled, in one batch and apart: the same state, and the same told of it.
//!
//! The same state is what the business can see of it through the contract: its messages with what they say now and what was done to
//! them, its customers, what is known of its sessions, its templates and its senders. Left out is only what says when and in which
//! order this gateway heard: ids made here, positions, and moments of hearing. Of events the same messages must be told with the same
//! words, and of each the same statuses, each once and never one that is behind what was told already: what was read before it was
//! heard to be delivered is told as delivered, then as read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use transom_domain::address::Channel;
use transom_domain::event::EventBody;
use transom_domain::fact::{Account, Heard, Person};
use transom_domain::free_form::FreeForm;
use transom_domain::id::{BusinessId, CustomerId, JournalId, MessageId, SenderId};
use transom_domain::message::{Class, Draft, Message, WhenUnknown};
use transom_domain::session::Session;
use transom_domain::shares::Room;
use transom_domain::status::Status;
use transom_domain::time::{Span, Timestamp};
use transom_domain::verdict::{Kind, Reason, Source, Verdict};
use transom_store::{
    Accept, Business, Claim, HearBody, HeardBody, JournalOutcome, MemoryStore, MessageFilter, Outcome, Page, PostgresAddress,
    PostgresOptions, PostgresStore, Sealed, Sender, SenderState, Settle, SqliteOptions, SqliteStore, Store,
};
use transom_testing::Postgres;

use super::native;

const SHOP: BusinessId = BusinessId(1);
const DESK: SenderId = SenderId(2);
const PAGE: SenderId = SenderId(3);
const WABA: &str = "200000000000001";
/// Before everything that the payloads tell of, and after.
const SENT_AT: Timestamp = Timestamp::from_secs(1_792_999_000);
const NOW: Timestamp = Timestamp::from_secs(1_793_010_000);
/// What was sent before, as Meta names it: the statuses among the payloads speak of these.
const SENT: [&str; 7] = [
    "wamid.RklYVFVSRS05MTA=",
    "wamid.RklYVFVSRS05MTE=",
    "wamid.RklYVFVSRS05MTI=",
    "wamid.RklYVFVSRS05MTM=",
    "wamid.RklYVFVSRS05MTQ=",
    "wamid.RklYVFVSRS05MjA=",
    "wamid.RklYVFVSRS05MjE=",
];

/// The one of them that went to somebody else.
const TO_ANOTHER: &str = "wamid.RklYVFVSRS05MjE=";

/// The kept payloads, by name.
fn payloads() -> Vec<(String, Vec<u8>)> {
    let folder = format!("{}/fixtures/webhooks", env!("CARGO_MANIFEST_DIR"));
    let mut all: Vec<(String, Vec<u8>)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(path).unwrap())
        })
        .collect();
    all.sort();
    assert!(all.len() >= 45, "{} payloads", all.len());
    all
}

fn sender(id: SenderId, channel: Channel, address: &str, account: &str, waba: Option<&str>) -> Sender {
    Sender {
        id,
        business: SHOP,
        channel,
        address: address.parse().unwrap(),
        name: Some("Shop".into()),
        account: account.into(),
        waba: waba.map(str::to_owned),
        app: "app".into(),
        token: Sealed(vec![1]),
        throughput: 80,
        state: SenderState::Active,
        created_at: SENT_AT,
    }
}

/// A house that has sent what the statuses speak of, and heard nothing yet.
async fn house(store: &Arc<dyn Store>) {
    let business = Business {
        id: SHOP,
        name: "shop".into(),
        webhook_secret: Sealed(vec![7; 32]),
        previous_webhook_secret: None,
        created_at: SENT_AT,
    };
    store.put_business(business).await.unwrap();
    store.put_sender(sender(DESK, Channel::Whatsapp, "+15550100000", "100000000000001", Some(WABA))).await.unwrap();
    store.put_sender(sender(PAGE, Channel::Messenger, "messenger:700000000000001", "700000000000001", None)).await.unwrap();
    let verdict = Verdict {
        kind: Kind::Session,
        reason: Reason::SessionOpen,
        explanation: "A session is open.".into(),
        source: Source::RuleTable,
        valid_until: None,
        sent_as: None,
        content_type: None,
        template: None,
        category: None,
        template_version: None,
        instead_of: None,
        alternatives: Vec::new(),
        passed_over: Vec::new(),
    };
    for (n, wamid) in SENT.into_iter().enumerate() {
        let id = MessageId(100 + n as u128);
        let accept = Accept {
            id,
            business: SHOP,
            sender: DESK,
            channel: Channel::Whatsapp,
            address: if wamid == TO_ANOTHER { "+15550100002" } else { "+15550100001" }.parse().unwrap(),
            new_customer: CustomerId(77 + n as u128),
            name: None,
            draft: Draft::FreeForm { say: FreeForm::Text { body: format!("message {n}"), preview_url: false }, human: None },
            verdict: verdict.clone(),
            class: Class::Reply,
            not_before: SENT_AT,
            expires_at: None,
            when_unknown: WhenUnknown::Auto,
            callback_data: None,
            campaign: None,
            origin: None,
            reply_to: None,
            idempotency: None,
            backlog_max: 100,
            schedule_max: 100,
            at_once: None,
            now: SENT_AT,
        };
        store.accept(accept).await.unwrap();
        let (pair_gap, pair_burst) = (Span::secs(6), 45);
        let claim = Claim { sender: DESK, room: Room::of(10), owner: 1, now: SENT_AT, pair_gap, pair_burst };
        let claimed = store.claim(claim).await.unwrap().claimed.remove(0);
        let outcome = Outcome::Answered { provider_id: wamid.into(), recipient: Person::default(), note: None };
        let settle = Settle { business: SHOP, message: id, attempt: claimed.attempt, verdict: None, outcome, answer: None };
        store.settle(vec![settle], SENT_AT).await.unwrap();
    }
}

/// What a body says to the shop.
fn facts(body: &[u8]) -> Vec<(Option<SenderId>, Heard)> {
    let read = transom_meta::webhook::parse(body).unwrap();
    let whose = |heard: &Heard| match &heard.account {
        Account::PhoneNumber(_) => Some(DESK),
        Account::Page(_) => Some(PAGE),
        Account::Waba(_) => None,
    };
    read.into_iter().flat_map(|delivery| delivery.heard).map(|heard| (whose(&heard), heard)).collect()
}

async fn hear(store: &Arc<dyn Store>, heard: Vec<(Option<SenderId>, Heard)>, seed: u128) {
    let (fields, note, raw) = (String::new(), String::new(), Vec::new());
    let entry = Some(HeardBody { id: JournalId(seed), outcome: JournalOutcome::Heard, fields, note, raw });
    let body = HearBody { business: SHOP, app: "app".into(), heard, entry, native, seed: seed << 40, now: NOW, heard_at: NOW };
    store.hear(body).await.unwrap();
}

/// What Meta calls a message.
fn named(message: &Message) -> String {
    message.received_as.clone().or_else(|| message.attempts.iter().find_map(|a| a.provider_id.clone())).unwrap_or_default()
}

/// What the business can see, and the events that tell of messages.
#[derive(Debug, PartialEq, Eq)]
struct View {
    state: BTreeSet<String>,
    told: BTreeSet<String>,
}

async fn view(store: &Arc<dyn Store>) -> View {
    let (mut state, mut names, mut people) = (BTreeSet::new(), BTreeMap::new(), BTreeMap::new());
    let (messages, more) = store.messages(SHOP, MessageFilter::default(), Page { size: 200, token: None }).await.unwrap();
    assert_eq!(more, None);
    for message in &messages {
        names.insert(message.id, named(message));
        let customer = store.customer(SHOP, message.customer).await.unwrap().unwrap();
        let known: BTreeSet<(String, bool)> =
            customer.identities.iter().map(|(_, claim)| (claim.identity.to_string(), claim.held)).collect();
        people.insert(message.customer, format!("{known:?}"));
        let (name, username) = (customer.name, customer.username);
        let (present, consent) = (customer.present, customer.consent);
        state.insert(format!("customer {known:?} {name:?} {username:?} {present:?} {consent:?}"));
    }
    for message in &messages {
        let answers = message.answers.and_then(|id| names.get(&id));
        let attempts: Vec<_> =
            message.attempts.iter().map(|a| (a.progress, a.at, &a.error, &a.pricing, &a.provider_id)).collect();
        let whole = (message.status, &message.phase, &message.failure, &message.inbound, &message.amendments, attempts);
        let (name, person) = (named(message), people.get(&message.customer));
        state.insert(format!("message {name} of {person:?} answers {answers:?}: {whole:?}"));
    }
    let (sessions, _) = store.sessions(SHOP, MessageFilter::default(), Page { size: 200, token: None }).await.unwrap();
    for row in &sessions {
        state.insert(format!("session {} {:?}: {:?}", row.sender, people.get(&row.customer), row.evidence));
    }
    for template in store.templates(SHOP, WABA.into(), None).await.unwrap() {
        state.insert(format!("template {template:?}"));
    }
    for sender in store.senders().await.unwrap() {
        let load = store.load(sender.id, NOW).await.unwrap();
        let stopped = matches!(sender.state, SenderState::Stopped { .. });
        state.insert(format!("sender {} {} {stopped} {:?}", sender.address, sender.throughput, load.limits));
    }

    let events = store.events(SHOP, 0, 200).await.unwrap();
    assert_eq!(events.newest as usize, events.events.len(), "more events than one page has");
    let (mut told, mut last, mut open) = (BTreeSet::new(), BTreeMap::new(), BTreeMap::new());
    for event in events.events {
        let kind = event.body.name();
        match event.body {
            EventBody::MessageReceived { inbound, .. } => {
                assert!(told.insert(format!("{kind} {} {:?}", inbound.provider_id, inbound.body)), "told twice");
            }
            EventBody::MessageEdited { edit, .. } => assert!(told.insert(format!("{kind} {edit:?}"))),
            EventBody::MessageRevoked { message, .. } => assert!(told.insert(format!("{kind} {:?}", names.get(&message)))),
            EventBody::MessageEchoed { echo, .. } => assert!(told.insert(format!("{kind} {}", echo.provider_id))),
            EventBody::MessageStatus { message, status, failure, .. } => {
                let before: Option<Status> = last.insert(message, status);
                assert!(before.is_none_or(|before| before < status), "a status behind one that was told");
                assert!(told.insert(format!("{kind} {:?} {status:?} {failure:?}", names.get(&message))), "told twice");
            }
            EventBody::UpstreamNews { news, .. } | EventBody::AccountUpdated { news, .. } => {
                assert!(told.insert(format!("{kind} {news:?}")));
            }
            EventBody::SessionOpened { party, .. } => drop(open.insert((party.sender, party.customer), true)),
            EventBody::SessionClosed { party, .. } => drop(open.insert((party.sender, party.customer), false)),
            // What was told of one of them was told of the person.
            EventBody::CustomerMerged { customer, merged, .. } => {
                for sender in [DESK, PAGE] {
                    if let Some(was) = open.remove(&(sender, merged)) {
                        *open.entry((sender, customer)).or_default() |= was;
                    }
                }
            }
            _ => {}
        }
    }
    // What was told of sessions last is what they are.
    for row in &sessions {
        let is_open = matches!(row.evidence.at(NOW), Session::Open { .. });
        let said = open.get(&(row.sender, row.customer)).copied().unwrap_or(false);
        assert_eq!(said, is_open, "session {:?}", people.get(&row.customer));
    }
    View { state, told }
}

/// A fixed shuffle for each seed.
fn shuffled<T>(mut items: Vec<T>, seed: u64) -> Vec<T> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(1);
    for at in (1..items.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let other = usize::try_from(state >> 33).unwrap() % (at + 1);
        items.swap(at, other);
    }
    items
}

/// Which one is heard in what way.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// Each body by itself, in the order of their names, once.
    InOrder,
    /// Each body by itself, each twice, in any order.
    Apart(u64),
    /// All at once, each twice, in any order.
    Batch(u64),
}

async fn heard_in(store: Arc<dyn Store>, way: Way) -> View {
    house(&store).await;
    let once: Vec<_> = payloads().into_iter().map(|(_, body)| facts(&body)).collect();
    let apart = match way {
        Way::InOrder => once,
        Way::Apart(seed) | Way::Batch(seed) => shuffled(once.iter().chain(&once).cloned().collect(), seed),
    };
    let bodies = match way {
        Way::InOrder | Way::Apart(_) => apart,
        Way::Batch(_) => vec![apart.into_iter().flatten().collect()],
    };
    for (n, body) in bodies.into_iter().enumerate() {
        hear(&store, body, 1_000 + n as u128).await;
    }
    view(&store).await
}

/// How two differ.
fn difference(seen: &View, first: &View) -> Option<String> {
    let only = |one: &BTreeSet<String>, other: &BTreeSet<String>| one.difference(other).cloned().collect::<Vec<_>>().join("\n  ");
    let both = [("state", &seen.state, &first.state), ("told", &seen.told, &first.told)];
    let (what, seen, first) = both.into_iter().find(|(_, seen, first)| seen != first)?;
    Some(format!("{what}\nonly here:\n  {}\nonly in order:\n  {}", only(seen, first), only(first, seen)))
}

/// Shuffles by engine.
const MEMORY: u64 = 40;
const SQLITE: u64 = 6;
const POSTGRES: u64 = 3;

#[tokio::test]
async fn every_payload_in_any_order_and_repetition_gives_the_same() {
    let first = heard_in(Arc::new(MemoryStore::new()), Way::InOrder).await;
    assert!(first.told.len() >= 25 && first.state.len() >= 28, "{} {}", first.told.len(), first.state.len());
    let mut broken = Vec::new();
    for seed in 0..MEMORY {
        for way in [Way::Apart(seed), Way::Batch(seed)] {
            let seen = heard_in(Arc::new(MemoryStore::new()), way).await;
            broken.extend(difference(&seen, &first).map(|how| format!("memory, {way:?}: {how}")));
        }
    }
    for seed in 0..SQLITE {
        for way in [Way::InOrder, Way::Apart(seed), Way::Batch(seed)] {
            let folder = tempfile::tempdir().unwrap();
            let store = Arc::new(SqliteStore::open(folder.path(), SqliteOptions::default()).unwrap());
            let seen = heard_in(store, way).await;
            broken.extend(difference(&seen, &first).map(|how| format!("sqlite, {way:?}: {how}")));
        }
    }
    for seed in 0..POSTGRES {
        for way in [Way::InOrder, Way::Apart(seed), Way::Batch(seed)] {
            let open = || {
                let address = PostgresAddress::read(&Postgres::shared().database()).unwrap();
                PostgresStore::open(&address, PostgresOptions::default()).unwrap()
            };
            let store = Arc::new(tokio::task::spawn_blocking(open).await.unwrap());
            let seen = heard_in(store.clone(), way).await;
            store.close().await.unwrap();
            broken.extend(difference(&seen, &first).map(|how| format!("postgres, {way:?}: {how}")));
        }
    }
    let some: Vec<&String> = broken.iter().take(3).collect();
    assert!(broken.is_empty(), "{} ways differ, among them\n{some:#?}", broken.len());
}
