//! What a message costs the store, without anything around it: `cargo run --profile quick -p transom-store --example load --
//! [send|life] [messages] [callers] [customers] [postgres://…]`. Prints CPU per message; use it with a profiler. With the address of an
//! empty database on this machine it does the same there in the same run, and counts the server's CPU too: that of every process
//! named postgres, so let there be one server.

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
use transom_domain::fact::{Account, Fact, Heard, HeardBy, Inbound, InboundBody, Person, Reported, StatusReport};
use transom_domain::failure::UpstreamError;
use transom_domain::free_form::FreeForm;
use transom_domain::id::{BusinessId, CustomerId, JournalId, MessageId, SenderId};
use transom_domain::message::{CallbackTag, Class, Draft, WhenUnknown};
use transom_domain::status::Failure;
use transom_domain::time::{Span, Timestamp};
use transom_domain::verdict::{Kind, Reason, Source, Verdict};
use transom_store::{
    Accept, Accepted, AtOnce, Business, HearBody, HeardBody, Idempotency, IdempotencyKey, JournalOutcome, LookUp, Outcome,
    PostgresAddress, PostgresOptions, PostgresStore, Sealed, Sender, SenderState, Settle, SqliteOptions, SqliteStore, Store,
};

const SHOP: BusinessId = BusinessId(1);
const SENDERS: u64 = 100;

/// CPU time of this process in microseconds, by ticks of 10 ms.
fn cpu() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    (fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()) * 10_000
}

/// CPU time of all processes named postgres, as [`cpu`].
fn server_cpu() -> u64 {
    let of = |folder: std::path::PathBuf| {
        let stat = std::fs::read_to_string(folder.join("stat")).ok()?;
        let (name, rest) = stat.rsplit_once(')')?;
        let mut times = rest.split_whitespace().skip(11).map(|ticks| ticks.parse::<u64>().unwrap_or(0));
        name.ends_with("(postgres").then(|| (times.next().unwrap_or(0) + times.next().unwrap_or(0)) * 10_000)
    };
    std::fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| of(entry.path())).sum()
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

async fn furnish(store: &dyn Store, customers: u64) {
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
async fn one(store: &dyn Store, n: u64, (caller, callers): (u64, u64), customers: u64, life: bool) {
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
        schedule_max: 100_000,
        at_once: Some(AtOnce { owner: 1, pair_gap: Span::secs(6), pair_burst: 45 }),
        now,
    };
    let Accepted::Stored { claimed: Some(claimed), .. } = store.accept(accept).await.unwrap() else {
        panic!("message {n} did not start at once");
    };
    let provider_id = format!("wamid.{:016x}{:016x}", mixed(n ^ 0x1111), mixed(n ^ 0x2222));
    let outcome = Outcome::Answered { provider_id: provider_id.clone(), recipient: person(customer), note: None };
    let settle =
        Settle { business: SHOP, message: id, attempt: claimed.attempt, verdict: claimed.message.verdict, outcome, answer: None };
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
            by: HeardBy::Webhook,
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
        let plain = run(store, "SQLite", || 0, (messages, callers, customers), life).await;
        let Some(url) = words.next() else { return };
        let store = Arc::new(PostgresStore::open(&PostgresAddress::read(&url).unwrap(), PostgresOptions::default()).unwrap());
        let counted = Arc::clone(&store);
        let spread = run(store, "PostgreSQL", server_cpu, (messages, callers, customers), life).await;
        println!(
            "PostgreSQL takes {:.2} times the CPU, {:.2} of the rate, and {:.2} round trips per message",
            spread.0 / plain.0,
            spread.1 / plain.1,
            counted.round_trips() as f64 / messages as f64
        );
    });
}

/// Runs the load on a store, after it was furnished; gives microseconds of CPU per message, and messages per second.
async fn run(
    store: Arc<dyn Store>,
    name: &str,
    beside: fn() -> u64,
    (messages, callers, customers): (u64, u64, u64),
    life: bool,
) -> (f64, f64) {
    furnish(&*store, customers).await;
    let (next, begun, spent) = (Arc::new(AtomicU64::new(0)), Instant::now(), (cpu(), beside()));
    let tasks: Vec<_> = (0..callers)
        .map(|caller| {
            let (store, next) = (Arc::clone(&store), Arc::clone(&next));
            tokio::spawn(async move {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= messages {
                        return;
                    }
                    one(&*store, n, (caller, callers), customers, life).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let (own, server) = ((cpu() - spent.0) as f64 / messages as f64, beside().saturating_sub(spent.1) as f64 / messages as f64);
    let rate = messages as f64 / begun.elapsed().as_secs_f64();
    println!("{name}: {own:.1} us of CPU per message, {server:.1} us beside it in the server, {rate:.0}/s");
    (own + server, rate)
}
