//! What a message costs the store, without anything around it: `cargo run --profile quick -p transom-store --example load --
//! [send|life] [messages] [callers] [customers]`. Prints CPU per message; use it with a profiler.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a tool for developers, whose output is its purpose"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use transom_domain::address::{Channel, Identity};
use transom_domain::error_code::ErrorCode;
use transom_domain::fact::{Account, Fact, Heard, Inbound, InboundBody, Person, Reported, StatusReport};
use transom_domain::failure::UpstreamError;
use transom_domain::free_form::FreeForm;
use transom_domain::id::{BusinessId, CustomerId, JournalId, MessageId, SenderId};
use transom_domain::message::{CallbackTag, Class, Draft, WhenUnknown};
use transom_domain::status::Failure;
use transom_domain::time::{Span, Timestamp};
use transom_domain::verdict::{Kind, Reason, Source, Verdict};
use transom_store::{
    Accept, Accepted, AtOnce, Business, HearBody, HeardBody, Idempotency, IdempotencyKey, JournalOutcome, LookUp, Outcome,
    Sealed, Sender, SenderState, Settle, SqliteOptions, SqliteStore, Store,
};

const SHOP: BusinessId = BusinessId(1);
const SENDERS: u64 = 100;

/// CPU time of this process in microseconds, by ticks of 10 ms.
fn cpu() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    (fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()) * 10_000
}

/// Numbers without order, the same at every run.
fn mixed(n: u64) -> u64 {
    let mut x = n.wrapping_add(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap())
}

fn sender_of(customer: u64) -> SenderId {
    SenderId(u128::from(1 + customer % SENDERS) << 80)
}

fn phone(customer: u64) -> Identity {
    format!("+49151{customer:08}").parse().unwrap()
}

fn person(customer: u64) -> Person {
    Person { phone: phone(customer).phone().cloned(), ..Person::default() }
}

fn verdict() -> Verdict {
    Verdict {
        kind: Kind::Session,
        reason: Reason::SessionOpen,
        explanation: "The customer wrote within the last 24 hours, so this goes as a session message.".to_owned(),
        source: Source::RuleTable,
        valid_until: Some(now()),
        sent_as: None,
        content_type: None,
        template: None,
        category: None,
        template_version: None,
        instead_of: None,
        alternatives: Vec::new(),
        passed_over: Vec::new(),
    }
}

fn native(error: &UpstreamError) -> Failure {
    Failure { code: ErrorCode::UpstreamError, message: error.title.clone(), upstream: Some(error.clone()) }
}

fn body(n: u64, heard: Vec<(Option<SenderId>, Heard)>) -> HearBody {
    HearBody {
        business: SHOP,
        app: "app".to_owned(),
        heard,
        entry: Some(HeardBody {
            id: JournalId::compose(now(), u128::from(mixed(n))),
            outcome: JournalOutcome::Heard,
            fields: "messages".to_owned(),
            note: String::new(),
            raw: vec![b'x'; 600],
        }),
        native,
        seed: u128::from(mixed(n ^ 0x55)) << 64 | u128::from(n),
        now: now(),
        heard_at: now(),
    }
}

async fn furnish(store: &SqliteStore, customers: u64) {
    let (secret, at) = (Sealed(vec![7; 32]), Timestamp::from_secs(1));
    let business =
        Business { id: SHOP, name: "shop".to_owned(), webhook_secret: secret, previous_webhook_secret: None, created_at: at };
    store.put_business(business).await.unwrap();
    for n in 0..SENDERS {
        let sender = Sender {
            id: sender_of(n),
            business: SHOP,
            channel: Channel::Whatsapp,
            address: format!("+4930{n:08}").parse().unwrap(),
            name: Some("Desk".to_owned()),
            account: format!("account-{n}"),
            waba: Some("waba".to_owned()),
            app: "app".to_owned(),
            token: Sealed(vec![1, 2, 3]),
            throughput: 1_000,
            state: SenderState::Active,
            created_at: Timestamp::EPOCH,
        };
        store.put_sender(sender).await.unwrap();
    }
    // Every customer has written, so that sessions are open.
    for slice in (0..customers).collect::<Vec<_>>().chunks(500) {
        let heard = slice.iter().map(|c| {
            let inbound = Inbound {
                provider_id: format!("wamid.in.{c}"),
                at: now(),
                from: person(*c),
                body: InboundBody::Text { body: "hello".to_owned() },
                reply_to: None,
                forwarded: false,
                often_forwarded: false,
                product: None,
                referral: None,
            };
            let fact = Fact::Inbound(inbound);
            (Some(sender_of(*c)), Heard { account: Account::PhoneNumber(String::new()), fact })
        });
        store.hear(body(slice[0], heard.collect())).await.unwrap();
    }
}

/// One message, to one of the customers that `caller` alone writes to: so that no message has to wait for another of its lane.
async fn one(store: &SqliteStore, n: u64, (caller, callers): (u64, u64), customers: u64, life: bool) {
    let customer = mixed(n) % (customers / callers) * callers + caller;
    let (sender, now) = (sender_of(customer), now());
    let id = MessageId::compose(now, u128::from(mixed(n ^ 0xABCD)));
    let key = IdempotencyKey { key: format!("{:032x}", u128::from(mixed(n ^ 0x77)) << 32), fingerprint: [7; 32] };
    let ask = LookUp { business: SHOP, sender: Some(sender), address: phone(customer), idempotency: Some(key.clone()), now };
    let look = store.look(ask).await.unwrap();
    assert!(look.replay.is_none() && look.evidence.at(now).is_open());
    let answer = format!("{{\"id\":\"{id}\",\"status\":\"queued\",\"verdict\":{:?}}}", verdict().explanation).into_bytes();
    let accept = Accept {
        id,
        business: SHOP,
        sender,
        channel: Channel::Whatsapp,
        address: phone(customer),
        new_customer: CustomerId(u128::from(n)),
        name: None,
        draft: Draft::FreeForm { say: FreeForm::Text { body: format!("message {id}"), preview_url: false }, human: None },
        verdict: verdict(),
        class: Class::Reply,
        not_before: now,
        expires_at: None,
        when_unknown: WhenUnknown::Auto,
        callback_data: Some("{\"order\":7}".to_owned()),
        campaign: None,
        origin: None,
        reply_to: None,
        idempotency: Some(Idempotency { key, answer, keep: Span::hours(24) }),
        backlog_max: 100_000,
        at_once: Some(AtOnce { owner: 1, pair_gap: Span::secs(6), pair_burst: 45 }),
        now,
    };
    let Accepted::Stored { claimed: Some(claimed), .. } = store.accept(accept).await.unwrap() else {
        panic!("message {n} did not start at once");
    };
    let provider_id = format!("wamid.{:016x}{:016x}", mixed(n ^ 0x1111), mixed(n ^ 0x2222));
    let outcome = Outcome::Answered { provider_id: provider_id.clone(), recipient: person(customer), note: None };
    let settle = Settle { business: SHOP, message: id, attempt: claimed.attempt, verdict: claimed.message.verdict, outcome };
    store.settle(vec![settle], now).await.unwrap();
    if !life {
        return;
    }
    for status in [Reported::Sent, Reported::Delivered, Reported::Read] {
        let report = StatusReport {
            provider_id: provider_id.clone(),
            status,
            at: now,
            recipient: person(customer),
            callback: Some(CallbackTag { message: id, attempt: 1 }.to_string()),
            errors: Vec::new(),
            pricing: Some(serde_json::json!({"billable": true, "category": "service", "pricing_model": "PMP"})),
            conversation: None,
        };
        let fact = Heard { account: Account::PhoneNumber(String::new()), fact: Fact::Status(report) };
        let heard = store.hear(body(n * 8 + status as u64, vec![(Some(sender), fact)])).await.unwrap();
        assert_eq!((heard.news, heard.events.len()), (1, 1));
    }
}

fn main() {
    let mut words = std::env::args().skip(1);
    let life = words.next().is_some_and(|word| word == "life");
    let mut number = |otherwise: u64| words.next().map_or(otherwise, |word| word.parse().unwrap());
    let (messages, callers, customers) = (number(100_000), number(256), number(10_000));
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Arc::new(SqliteStore::open(folder.path(), SqliteOptions::default()).unwrap());
        furnish(&store, customers).await;
        let (next, begun, spent) = (Arc::new(AtomicU64::new(0)), Instant::now(), cpu());
        let tasks: Vec<_> = (0..callers)
            .map(|caller| {
                let (store, next) = (Arc::clone(&store), Arc::clone(&next));
                tokio::spawn(async move {
                    loop {
                        let n = next.fetch_add(1, Ordering::Relaxed);
                        if n >= messages {
                            return;
                        }
                        one(&store, n, (caller, callers), customers, life).await;
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        let (spent, rate) =
            (cpu() - spent, u64::try_from(u128::from(messages) * 1_000_000 / begun.elapsed().as_micros()).unwrap());
        println!("{:.1} us of CPU per message, {rate}/s", spent as f64 / messages as f64);
    });
}
