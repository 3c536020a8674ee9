use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use ::http::Request;
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use url::Url;

use transom_clock::WorldClock;
use transom_domain::address::Channel;
use transom_domain::event::EventBody;
use transom_domain::free_form::FreeForm;
use transom_domain::id::{BusinessId, EndpointId, KeyId, SenderId};
use transom_domain::message::{Origin, WhenUnknown};
use transom_domain::time::{Span, Timestamp};
use transom_store::{Actor, App, AuthToken, Business, Deliveries, MemoryStore, MessageFilter, Page, Sender, SenderState, Store};

use super::*;
use crate::chance::Chance;
use crate::seal::SealingKey;
use crate::service::{AddressRules, Limits, SendCommand, Sent, What};
use crate::twilio::callback::signature::TokenSigner;
use crate::upstream::UpstreamSettings;
use crate::wire::{Calling, Wire, Wires};
use crate::work::tasks::{Gate, Task};
use crate::{House, HouseParts};

const SHOP: BusinessId = BusinessId(1);
const DESK: SenderId = SenderId(5);
const SECRET: &[u8] = b"app secret";
const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const ANA: &str = "15550002222";
const BEN: &str = "15550003333";
/// To whom Meta takes nothing.
const REFUSED: &str = "15550004444";
const IN: &str = "https://shop.example/in";

/// A call that an application got.
#[derive(Debug, Clone)]
struct Asked {
    method: String,
    url: String,
    headers: HashMap<String, String>,
    form: Form,
}

/// What an address does next.
#[derive(Debug, Clone)]
enum Answer {
    Says(u16, &'static str),
    NotThere,
    Silent,
}

/// Applications behind addresses: each does what it was told to, in turn, and the last of it for ever; without a word, 200.
#[derive(Clone)]
struct Apps {
    heard: Arc<watch::Sender<Vec<Asked>>>,
    next: Arc<Mutex<HashMap<String, VecDeque<Answer>>>>,
}

impl Wire for Apps {
    fn call(&self, request: Request<Bytes>, _: Wanted) -> Calling<'_> {
        let url = request.uri().to_string();
        let bare = url.split('?').next().unwrap().to_owned();
        let text = match request.method().as_str() {
            "GET" => request.uri().query().unwrap_or_default().as_bytes().to_vec(),
            _ => request.body().to_vec(),
        };
        let asked = Asked {
            method: request.method().to_string(),
            headers: request.headers().iter().map(|(n, v)| (n.to_string(), v.to_str().unwrap().to_owned())).collect(),
            form: url::form_urlencoded::parse(&text).into_owned().collect(),
            url,
        };
        let answer = {
            let mut next = self.next.lock().unwrap();
            let answers = next.entry(bare).or_default();
            if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() }
        };
        self.heard.send_modify(|heard| heard.push(asked));
        Box::pin(async move {
            match answer.unwrap_or(Answer::Says(200, "")) {
                Answer::Says(status, body) => Called::answer(status, Bytes::from_static(body.as_bytes())),
                Answer::NotThere => Called::NeverLeft("connection refused".into()),
                Answer::Silent => std::future::pending().await,
            }
        })
    }
}

/// Meta: takes every message that is not for [`REFUSED`].
#[derive(Clone)]
struct Meta(Arc<watch::Sender<Vec<Value>>>);

impl Wire for Meta {
    fn call(&self, request: Request<Bytes>, _: Wanted) -> Calling<'_> {
        let mut answer = json!({ "data": [] });
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        if body["to"] == format!("+{REFUSED}") {
            let error = json!({ "message": "Message undeliverable", "code": 131_026 });
            return Box::pin(async move { Called::answer(400, json!({ "error": error }).to_string()) });
        }
        if request.uri().path().ends_with("/messages") && request.method() == "POST" {
            let mut id = 0;
            self.0.send_modify(|sent| {
                sent.push(serde_json::from_slice(request.body()).unwrap());
                id = sent.len();
            });
            answer = json!({ "messaging_product": "whatsapp", "messages": [{ "id": format!("wamid.out{id}") }] });
        }
        Box::pin(async move { Called::answer(200, answer.to_string()) })
    }
}

/// A process that can be killed: its tasks end where they stand.
#[derive(Clone, Default)]
struct Process(CancellationToken);

impl Gate for Process {
    fn behind(&self, task: Task) -> Task {
        let killed = self.0.clone();
        Box::pin(async move {
            tokio::select! {
                biased;
                () = killed.cancelled() => {}
                () = task => {}
            }
        })
    }
}

struct Desk {
    house: House,
    process: Process,
    apps: Apps,
    meta: Meta,
    store: MemoryStore,
    clock: WorldClock,
    folder: tempfile::TempDir,
}

impl Desk {
    async fn open(callbacks: transom_store::SenderCallbacks) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = MemoryStore::new();
        let sealing = SealingKey::load_or_create(folder.path()).unwrap();
        let seal = |text: &[u8]| sealing.seal(text).unwrap();
        let business = Business {
            id: SHOP,
            name: "Shop".into(),
            webhook_secret: seal(b"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="),
            previous_webhook_secret: None,
            created_at: Timestamp::EPOCH,
        };
        store.put_business(business).await.unwrap();
        store.put_app(App { id: "10".into(), secret: seal(SECRET), verify_token: seal(b"v") }).await.unwrap();
        let sender = Sender {
            id: DESK,
            business: SHOP,
            channel: Channel::Whatsapp,
            address: "+15550001111".parse().unwrap(),
            name: None,
            account: "1065".into(),
            waba: Some("1020".into()),
            app: "10".into(),
            token: seal(b"token"),
            throughput: 80,
            state: SenderState::Active,
            created_at: Timestamp::EPOCH,
        };
        store.put_sender(sender).await.unwrap();
        let token = AuthToken { key: KeyId(9), sealed: seal(TOKEN.as_bytes()), since: Timestamp::EPOCH };
        let change = Arc::new(move |settings: &mut transom_store::BusinessSettings| {
            settings.twilio.auth_tokens = vec![token.clone()];
        });
        store.change_settings(SHOP, change).await.unwrap();
        let apps = Apps { heard: Arc::new(watch::Sender::new(Vec::new())), next: Arc::default() };
        let meta = Meta(Arc::new(watch::Sender::new(Vec::new())));
        let clock = WorldClock::turnable(Span::ZERO);
        let process = Process::default();
        let house = house(&store, &apps, &meta, &clock, folder.path(), &process).await;
        let desk = Self { house, process, apps, meta, store, clock, folder };
        desk.house.service().set_sender_callbacks(&desk.caller(), DESK, callbacks).await.unwrap();
        desk
    }

    /// The process is gone, and another one begins where it was.
    async fn restarted(self) -> Self {
        let Self { house: old, process, apps, meta, store, clock, folder } = self;
        process.0.cancel();
        drop(old);
        let process = Process::default();
        let house = house(&store, &apps, &meta, &clock, folder.path(), &process).await;
        Self { house, process, apps, meta, store, clock, folder }
    }

    fn caller(&self) -> Caller {
        Caller { business: SHOP, who: Actor::Key(KeyId(9)), scopes: Scopes::ADMIN }
    }

    fn does(&self, address: &str, answers: &[Answer]) {
        self.apps.next.lock().unwrap().insert(address.to_owned(), answers.iter().cloned().collect());
    }

    async fn hear(&self, value: Value) {
        let mut value = value;
        value["messaging_product"] = "whatsapp".into();
        value["metadata"] = json!({ "display_phone_number": "15550001111", "phone_number_id": "1065" });
        let change = json!({ "field": "messages", "value": value });
        let body = json!({ "object": "whatsapp_business_account", "entry": [{ "id": "1020", "changes": [change] }] }).to_string();
        let signature = transom_meta::signature::sign(SECRET, body.as_bytes());
        self.house.intake().hear("10", Some(&signature), body.into()).await.unwrap();
    }

    async fn writes(&self, who: &str, id: &str, text: &str) {
        let at = self.clock.now().as_secs().to_string();
        let message = json!({ "from": who, "id": id, "timestamp": at, "type": "text", "text": { "body": text } });
        let contact = json!({ "profile": { "name": "Ana" }, "wa_id": who });
        self.hear(json!({ "contacts": [contact], "messages": [message] })).await;
    }

    async fn status(&self, id: &str, status: &str, who: &str) {
        let at = self.clock.now().as_secs().to_string();
        self.hear(json!({ "statuses": [{ "id": id, "status": status, "timestamp": at, "recipient_id": who }] })).await;
    }

    /// The first calls to an address, once there are so many.
    async fn asked(&self, address: &str, count: usize) -> Vec<Asked> {
        let of = |heard: &Vec<Asked>| heard.iter().filter(|asked| asked.url.starts_with(address)).cloned().collect::<Vec<_>>();
        let mut heard = self.apps.heard.subscribe();
        of(&heard.wait_for(|heard| of(heard).len() >= count).await.unwrap())
    }

    fn count(&self, address: &str) -> usize {
        self.apps.heard.borrow().iter().filter(|asked| asked.url.starts_with(address)).count()
    }

    async fn sent(&self, count: usize) -> Vec<String> {
        let mut sent = self.meta.0.subscribe();
        let sent = sent.wait_for(|sent| sent.len() >= count).await.unwrap();
        sent.iter().map(|body| body["text"]["body"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Waits for a word about an endpoint in the stream.
    async fn told(&self, wanted: impl Fn(&EventBody) -> bool) -> EventBody {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
        loop {
            let events = self.store.events(SHOP, 0, 1_000).await.unwrap().events;
            if let Some(event) = events.into_iter().find(|event| wanted(&event.body)) {
                return event.body;
            }
            assert!(tokio::time::Instant::now() < deadline, "it was not told");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn endpoint(&self, origin: &str) -> transom_store::Endpoint {
        let all = self.store.endpoints(Some(SHOP)).await.unwrap();
        all.into_iter().find(|endpoint| endpoint.address == origin).unwrap()
    }

    /// Waits until what was told is written down.
    async fn written_down(&self, origin: &str) {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
        loop {
            self.clock.turn(Span::secs(2), |_| async { Ok(()) }).await.unwrap();
            let newest = self.store.events(SHOP, 0, 1).await.unwrap().newest;
            if self.endpoint(origin).await.cursor == newest {
                return;
            }
            assert!(tokio::time::Instant::now() < deadline, "the cursor stays where it is");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// What stands open at an endpoint, once it is so many.
    async fn open_at(&self, endpoint: EndpointId, which: Deliveries, count: usize) -> Vec<transom_store::DeliveryView> {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
        loop {
            let found = self.store.deliveries(SHOP, endpoint, which, None, 100).await.unwrap().unwrap();
            let views: Vec<_> = found.into_iter().filter_map(|(_, view)| view).collect();
            if views.len() == count {
                return views;
            }
            assert!(tokio::time::Instant::now() < deadline, "{views:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn say(&self, to: &str, callback: Option<&str>) -> transom_domain::id::MessageId {
        let origin = callback.map(|to| Origin { status_callback: Some(to.to_owned()), ..Origin::default() });
        let command = SendCommand {
            to: to.parse().unwrap(),
            from: None,
            id: None,
            name: None,
            what: What::FreeForm(FreeForm::Text { body: "Hi".into(), preview_url: false }),
            send_at: None,
            validity: None,
            when_unknown: WhenUnknown::Auto,
            callback_data: None,
            when_refused: WhenRefused::Refuse,
            campaign: None,
            origin,
            human: None,
            context: None,
            idempotency: None,
        };
        match self.house.service().send(&self.caller(), command).await.unwrap() {
            Sent::Accepted { id, .. } => id,
            Sent::Replayed { .. } => unreachable!("it is sent once"),
        }
    }
}

async fn house(
    store: &MemoryStore,
    apps: &Apps,
    meta: &Meta,
    clock: &WorldClock,
    folder: &std::path::Path,
    process: &Process,
) -> House {
    House::start(HouseParts {
        store: Arc::new(store.clone()),
        clock: clock.clone(),
        key: SealingKey::load_or_create(folder).unwrap(),
        public_url: Some("https://gw.example".into()),
        upstream: UpstreamSettings { graph_url: "https://graph.example".into(), version: "v25.0".into() },
        upstream_connections: 8,
        upstream_per_sender: 8,
        limits: Limits::default(),
        addresses: AddressRules::default(),
        wires: Wires::without_files(Arc::new(meta.clone()), Arc::new(apps.clone())),
        template_interval: Span::days(1_000),
        keep: transom_store::Keep::default(),
        media: crate::media::MediaSettings::nowhere(),
        chance: Chance::of_system(),
        replica: crate::work::replicas::ReplicaSettings::default(),
        gate: Some(Arc::new(process.clone())),
    })
    .await
    .unwrap()
}

fn inbound_to(url: &str) -> transom_store::SenderCallbacks {
    transom_store::SenderCallbacks { inbound_url: Some(url.to_owned()), ..transom_store::SenderCallbacks::default() }
}

fn fits(asked: &Asked) -> bool {
    let url = Url::parse(&asked.url).unwrap();
    let form = (asked.method == "POST").then_some(&asked.form);
    asked.headers["x-twilio-signature"] == TokenSigner::new(TOKEN).sign(&url, form)
}

#[tokio::test]
async fn an_inbound_message_is_told_signed_and_its_replies_are_sent_once() {
    let desk = Desk::open(inbound_to("https://shop.example/in?lang=es#rc=1&rp=5xx")).await;
    desk.does(IN, &[Answer::Says(200, "<Response><Message>one</Message><Message><Body>two</Body></Message></Response>")]);
    desk.writes(ANA, "wamid.1", "Hola").await;
    let asked = desk.asked(IN, 1).await.remove(0);
    assert_eq!((asked.method.as_str(), asked.url.as_str()), ("POST", "https://shop.example/in?lang=es"));
    assert!(fits(&asked));
    assert_eq!(asked.headers["content-type"], "application/x-www-form-urlencoded; charset=utf-8");
    for (name, value) in [("Body", "Hola"), ("From", "whatsapp:+15550002222"), ("To", "whatsapp:+15550001111"), ("WaId", ANA)] {
        assert_eq!(asked.form.get(name), Some(value));
    }
    assert_eq!(desk.sent(2).await, ["one", "two"]);
    let page = Page { size: 50, token: None };
    let (messages, _) = desk.store.messages(SHOP, MessageFilter::default(), page).await.unwrap();
    let replies = messages.iter().filter(|m| m.origin.as_ref().is_some_and(|origin| origin.reply)).count();
    assert_eq!(replies, 2);
    // Told once more by hand: the application is asked again, and nothing is sent again.
    let endpoint = desk.endpoint("https://shop.example").await.id;
    let event = asked.headers["i-twilio-idempotency-token"].parse().unwrap();
    desk.written_down("https://shop.example").await;
    desk.house.service().retry_delivery(&desk.caller(), endpoint, event).await.unwrap();
    let again = desk.asked(IN, 2).await.remove(1);
    assert_eq!(again.headers["i-twilio-idempotency-token"], asked.headers["i-twilio-idempotency-token"]);
    desk.does(IN, &[Answer::Says(200, "<Response><Message>three</Message></Response>")]);
    desk.writes(ANA, "wamid.2", "Otra").await;
    assert_eq!(desk.sent(3).await, ["one", "two", "three"]);
}

#[tokio::test]
async fn a_crash_between_delivery_and_reply_doubles_nothing() {
    let mut desk = Desk::open(inbound_to(IN)).await;
    desk.does(IN, &[Answer::Says(200, "<Response><Message>one</Message><Message>two</Message></Response>")]);
    for round in 1..=3 {
        desk.writes(ANA, &format!("wamid.{round}"), "Hola").await;
        desk.sent(2 * round).await;
        // The cursor is written down up to a second later: what was told is told again.
        desk = desk.restarted().await;
    }
    desk.does(IN, &[Answer::Says(200, "<Response><Message>last</Message></Response>")]);
    desk.writes(ANA, "wamid.last", "Adios").await;
    let sent = desk.sent(7).await;
    assert_eq!(sent, ["one", "two", "one", "two", "one", "two", "last"]);
}

#[tokio::test]
async fn statuses_go_to_the_messages_own_address_else_to_the_senders() {
    let callbacks = transom_store::SenderCallbacks {
        status_callback: Some("https://shop.example/status".into()),
        ..transom_store::SenderCallbacks::default()
    };
    let desk = Desk::open(callbacks).await;
    desk.writes(ANA, "wamid.1", "Hola").await;
    let own = "https://other.example:8443/s";
    for (n, (callback, address)) in [(Some(own), own), (None, "https://shop.example/status")].into_iter().enumerate() {
        let id = desk.say("+15550002222", callback).await;
        desk.sent(n + 1).await;
        let wamid = format!("wamid.out{}", n + 1);
        for status in ["sent", "delivered", "read"] {
            desk.status(&wamid, status, ANA).await;
        }
        let asked = desk.asked(address, 3).await;
        assert!(asked.iter().all(fits));
        let words: Vec<_> = asked.iter().map(|a| a.form.get("MessageStatus").unwrap()).collect();
        assert_eq!(words, ["sent", "delivered", "read"]);
        assert!(asked.iter().all(|a| a.form.get("MessageSid") == Some(format!("SM{:032x}", id.0).as_str())));
    }
    assert_eq!(desk.count(IN), 0, "nobody asked for what customers write");
}

#[tokio::test]
async fn what_meta_refuses_is_failed_and_what_it_took_is_undelivered() {
    let desk = Desk::open(transom_store::SenderCallbacks::default()).await;
    desk.writes(ANA, "wamid.1", "Hola").await;
    desk.writes(REFUSED, "wamid.2", "Hola").await;
    desk.say(&format!("+{REFUSED}"), Some("https://shop.example/refused")).await;
    desk.say(&format!("+{ANA}"), Some("https://shop.example/taken")).await;
    desk.sent(1).await;
    let errors = json!([{ "code": 131_026, "title": "Message undeliverable" }]);
    let at = desk.clock.now().as_secs().to_string();
    let status = json!({ "id": "wamid.out1", "status": "failed", "timestamp": at, "recipient_id": ANA, "errors": errors });
    desk.hear(json!({ "statuses": [status] })).await;
    for (address, word) in [("https://shop.example/refused", "failed"), ("https://shop.example/taken", "undelivered")] {
        let asked = desk.asked(address, 1).await.remove(0);
        assert_eq!((asked.form.get("MessageStatus"), asked.form.get("ErrorCode")), (Some(word), Some("63024")), "{address}");
    }
}

#[tokio::test]
async fn what_customers_write_goes_where_the_pool_says_at_that_moment() {
    const SERVICE: &str = "https://service.example/in";
    let desk = Desk::open(inbound_to(IN)).await;
    let (service, caller) = (desk.house.service(), desk.caller());
    let change = || crate::service::ServiceChange {
        friendly_name: Some("Shop".into()),
        inbound_url: Some(SERVICE.into()),
        ..Default::default()
    };
    let mut heard = desk.apps.heard.subscribe();
    let mut told = 0;
    let mut writes = async |id: &str| {
        desk.writes(ANA, id, "Hola").await;
        told += 1;
        heard.wait_for(|heard| heard.len() == told).await.unwrap().last().unwrap().url.clone()
    };
    assert_eq!(writes("wamid.1").await, IN);
    let first = service.create_messaging_service(&caller, change()).await.unwrap().id;
    service.join_pool(&caller, first, DESK).await.unwrap();
    assert_eq!(writes("wamid.2").await, SERVICE, "joined");
    service.leave_pool(&caller, first, DESK).await.unwrap();
    assert_eq!(writes("wamid.3").await, IN, "left");
    service.join_pool(&caller, first, DESK).await.unwrap();
    service.delete_messaging_service(&caller, first).await.unwrap();
    assert_eq!(writes("wamid.4").await, IN, "deleted");
}

#[tokio::test]
async fn a_call_is_repeated_as_its_address_asks_and_then_the_fallback_hears_of_it() {
    let callbacks = transom_store::SenderCallbacks {
        fallback_url: Some("https://spare.example/in".into()),
        fallback_method: CallbackMethod::Get,
        ..inbound_to("https://shop.example/in#rc=2&rp=5xx,ct")
    };
    let desk = Desk::open(callbacks).await;
    desk.does(IN, &[Answer::Says(500, ""), Answer::NotThere, Answer::Says(503, "")]);
    desk.does("https://spare.example/in", &[Answer::Says(200, "<Response><Message>spare</Message></Response>")]);
    desk.writes(ANA, "wamid.1", "Hola").await;
    let spare = desk.asked("https://spare.example/in", 1).await.remove(0);
    assert_eq!((desk.count(IN), spare.method.as_str()), (3, "GET"));
    assert!(fits(&spare));
    assert_eq!((spare.form.get("ErrorCode"), spare.form.get("ErrorUrl")), (Some("11200"), Some(IN)));
    assert_eq!(desk.sent(1).await, ["spare"]);
    // Neither answers, and the fragment says how often: it is given up, and seen.
    desk.does(IN, &[Answer::Says(404, "")]);
    desk.does("https://spare.example/in", &[Answer::Says(404, "")]);
    desk.writes(ANA, "wamid.2", "Hola?").await;
    let endpoint = desk.endpoint("https://shop.example").await.id;
    let over = desk.open_at(endpoint, Deliveries::GivenUp, 1).await.remove(0);
    assert_eq!((over.tried, over.seen.as_str()), (1, "HTTP 404"));
    assert_eq!(desk.count(IN), 4, "a 404 is not among the occasions");
}

#[tokio::test]
async fn without_wishes_what_fails_is_told_later_and_holds_back_nothing() {
    let desk = Desk::open(inbound_to(IN)).await;
    desk.does(IN, &[Answer::Says(500, ""), Answer::Says(200, "")]);
    desk.writes(ANA, "wamid.1", "first").await;
    let endpoint = desk.endpoint("https://shop.example").await.id;
    desk.open_at(endpoint, Deliveries::Waiting, 1).await;
    desk.writes(ANA, "wamid.2", "second").await;
    let bodies = |asked: Vec<Asked>| asked.iter().map(|a| a.form.get("Body").unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(bodies(desk.asked(IN, 2).await), ["first", "second"]);
    desk.clock.turn(Span::minutes(1), |_| async { Ok(()) }).await.unwrap();
    assert_eq!(bodies(desk.asked(IN, 3).await), ["first", "second", "first"]);
    // A host that does not answer at all gets everything in order once it is back.
    desk.does(IN, &[Answer::NotThere]);
    desk.writes(BEN, "wamid.3", "third").await;
    desk.open_at(endpoint, Deliveries::Waiting, 1).await;
    desk.writes(BEN, "wamid.4", "fourth").await;
    desk.open_at(endpoint, Deliveries::Waiting, 2).await;
    desk.does(IN, &[Answer::Says(200, "")]);
    desk.clock.turn(Span::minutes(5), |_| async { Ok(()) }).await.unwrap();
    desk.open_at(endpoint, Deliveries::Waiting, 0).await;
    let all = bodies(desk.asked(IN, 5).await);
    assert_eq!(all[all.len() - 2..], ["third", "fourth"]);
}

#[tokio::test]
async fn a_dead_or_silent_host_delays_no_other() {
    let desk = Desk::open(inbound_to(IN)).await;
    desk.does("https://silent.example/s", &[Answer::Silent]);
    desk.does("https://dead.example/s", &[Answer::NotThere]);
    desk.writes(ANA, "wamid.1", "Hola").await;
    for (n, host) in ["silent", "dead", "well"].into_iter().enumerate() {
        desk.say("+15550002222", Some(&format!("https://{host}.example/s"))).await;
        desk.sent(n + 1).await;
        desk.status(&format!("wamid.out{}", n + 1), "sent", ANA).await;
    }
    desk.asked("https://silent.example/s", 1).await;
    assert_eq!(desk.asked("https://well.example/s", 1).await[0].form.get("MessageStatus"), Some("sent"));
    desk.writes(ANA, "wamid.2", "Sigo").await;
    desk.asked(IN, 2).await;
    let dead = desk.endpoint("https://dead.example").await.id;
    assert_eq!(desk.open_at(dead, Deliveries::Waiting, 1).await[0].seen, "connection refused");
}

#[tokio::test]
async fn an_answer_that_is_no_twiml_is_told_once_and_not_asked_for_again() {
    let desk = Desk::open(inbound_to(IN)).await;
    desk.does(IN, &[Answer::Says(200, "OK")]);
    desk.writes(ANA, "wamid.1", "Hola").await;
    let told = desk.told(|body| matches!(body, EventBody::EndpointAnswerRejected { .. })).await;
    let endpoint = desk.endpoint("https://shop.example").await;
    let EventBody::EndpointAnswerRejected { endpoint: of, code, error, message, .. } = told else { unreachable!() };
    assert_eq!((of, code, message.is_some()), (endpoint.id, 12_300, true));
    assert!(error.contains("plain text"), "{error}");
    assert!(endpoint.health.last_error.is_some_and(|error| error.starts_with("12300")) && endpoint.health.failures == 0);
    desk.writes(ANA, "wamid.2", "Hola").await;
    desk.does(IN, &[Answer::Says(200, "<Response><Message>well</Message></Response>")]);
    desk.writes(ANA, "wamid.3", "Hola").await;
    assert_eq!(desk.sent(1).await, ["well"]);
    assert_eq!(desk.count(IN), 3);
    let events = desk.store.events(SHOP, 0, 1_000).await.unwrap().events;
    assert_eq!(events.iter().filter(|e| matches!(e.body, EventBody::EndpointAnswerRejected { .. })).count(), 1, "no storm");
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_goes_to_the_fallback_and_a_redirect_is_followed() {
    let callbacks = transom_store::SenderCallbacks { fallback_url: Some("https://spare.example/in".into()), ..inbound_to(IN) };
    let desk = Desk::open(callbacks).await;
    desk.does(IN, &[Answer::Says(200, "<Response><Message>first</Message><Redirect>/next?n=1</Redirect></Response>")]);
    desk.does(
        "https://shop.example/next",
        &[Answer::Says(200, "<Response><Message statusCallback=\"done\">second</Message></Response>")],
    );
    desk.writes(ANA, "wamid.1", "Hola").await;
    assert_eq!(desk.sent(2).await, ["first", "second"]);
    desk.status("wamid.out2", "sent", ANA).await;
    assert!(fits(&desk.asked("https://shop.example/done", 1).await[0]));
    desk.does(IN, &[Answer::Says(200, "<Response><Message>")]);
    desk.does("https://spare.example/in", &[Answer::Says(200, "<Response><Message>spare</Message></Response>")]);
    desk.writes(ANA, "wamid.2", "Hola").await;
    assert_eq!(desk.sent(3).await, ["first", "second", "spare"]);
    assert_eq!(desk.asked("https://spare.example/in", 1).await[0].form.get("ErrorCode"), Some("12100"));
    // One that leads to itself comes to an end.
    desk.does(IN, &[Answer::Says(200, "<Response><Redirect>/in</Redirect></Response>")]);
    let before = desk.count(IN);
    desk.writes(ANA, "wamid.3", "Hola").await;
    desk.told(|body| matches!(body, EventBody::EndpointAnswerRejected { code: 11_200, .. })).await;
    assert_eq!(desk.count(IN) - before, 1 + REDIRECTS_MAX);
}
