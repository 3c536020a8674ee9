//! Templates against a Meta of the test's own: small, exact, and able to lose answers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use ::http::{Method, Request};
use bytes::Bytes;
use serde_json::{Value, json};

use transom_clock::WorldClock;
use transom_domain::address::Channel;
use transom_domain::content::Language;
use transom_domain::error_code::ErrorCode;
use transom_domain::event::EventBody;
use transom_domain::id::{BusinessId, KeyId, SenderId};
use transom_domain::message::TemplateName;
use transom_domain::template::{Approval, BodyDefinition, By, Category, Change, Definition, Quality, Template, TextDefinition};
use transom_domain::time::{Span, Timestamp};
use transom_store::{
    Actor, App, Business, MemoryStore, Page, Scopes, Sender, SenderState, Store, TemplateAction, TemplateIntent, TemplateKey,
};

mod accounts;
mod lost;
mod rejected;
mod stepping_in;

use super::{NewTemplate, TemplateChange, TemplateFilter};
use crate::chance::Chance;
use crate::seal::SealingKey;
use crate::service::{AddressRules, Caller, Limits};
use crate::upstream::UpstreamSettings;
use crate::wire::{Called, Calling, Wanted, Wire, Wires};
use crate::{House, HouseParts};

const SECRET: &[u8] = b"app secret";
const WABA: &str = "1020";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\nrest";

/// What happens to an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// The call never gets there, but nobody can know.
    LostBefore,
    /// It was done, and the answer is lost.
    LostAfter,
}

#[derive(Default)]
struct World {
    templates: BTreeMap<(String, String), Value>,
    next: u64,
    calls: Vec<String>,
    /// How often the list was read.
    lists: usize,
    /// For the next calls that change something.
    faults: Vec<Fault>,
    /// Lists cannot be read.
    deaf: bool,
    /// Bytes of the upload that come before it breaks off.
    breaks_at: Option<usize>,
    uploaded: Vec<u8>,
    /// Fails to commit once, right after the next call that changes something.
    trips: Option<MemoryStore>,
}

/// Meta.
#[derive(Clone, Default)]
struct Meta(Arc<Mutex<World>>);

impl World {
    fn answer(
        &mut self,
        method: &Method,
        path: &str,
        query: &BTreeMap<String, String>,
        body: &[u8],
        offset: usize,
    ) -> (u16, Value) {
        let json: Value = serde_json::from_slice(body).unwrap_or_default();
        let refused = |subcode: u64, title: &str| {
            (
                400,
                json!({ "error": { "code": 100, "message": "Invalid parameter", "error_subcode": subcode, "error_user_title": title } }),
            )
        };
        let templates = format!("{WABA}/message_templates");
        match (method.as_str(), path) {
            ("GET", path) if path == templates => {
                self.lists += 1;
                let named = |t: &&Value| query.get("name").is_none_or(|name| t["name"].as_str().unwrap().contains(name));
                (200, json!({ "data": self.templates.values().filter(named).collect::<Vec<_>>() }))
            }
            ("POST", path) if path == templates => {
                let key = (json["name"].as_str().unwrap().to_owned(), json["language"].as_str().unwrap().to_owned());
                if self.templates.contains_key(&key) {
                    return refused(2_388_024, "Content in this language already exists");
                }
                self.next += 1;
                let mut made = json;
                made["id"] = json!(format!("70{}", self.next));
                made["status"] = json!("PENDING");
                let answer = json!({ "id": made["id"], "status": "PENDING", "category": made["category"] });
                self.templates.insert(key, made);
                (200, answer)
            }
            ("DELETE", path) if path == templates => {
                let before = self.templates.len();
                self.templates.retain(|_, t| t["id"].as_str() != query.get("hsm_id").map(String::as_str));
                if self.templates.len() == before { refused(2_593_002, "Not found") } else { (200, json!({ "success": true })) }
            }
            ("POST", "10/uploads") => (200, json!({ "id": "upload:abc?sig=1" })),
            ("GET", "upload:abc") => (200, json!({ "id": "upload:abc", "file_offset": self.uploaded.len() })),
            ("POST", "upload:abc") => {
                self.uploaded.truncate(offset);
                match self.breaks_at.take() {
                    Some(at) => {
                        self.uploaded.extend_from_slice(&body[..at]);
                        (500, json!({}))
                    }
                    None => {
                        self.uploaded.extend_from_slice(body);
                        (200, json!({ "h": "4::handle" }))
                    }
                }
            }
            ("POST", id) => match self.templates.values_mut().find(|t| t["id"] == id) {
                Some(template) => {
                    for (key, value) in json.as_object().unwrap() {
                        template[key] = value.clone();
                    }
                    template["status"] = json!("PENDING");
                    (200, json!({ "success": true }))
                }
                None => refused(33, "No such object"),
            },
            _ => refused(33, "No such object"),
        }
    }
}

impl Wire for Meta {
    fn call(&self, request: Request<Bytes>, _: Wanted) -> Calling<'_> {
        let mut world = self.0.lock().unwrap();
        let path = request.uri().path().trim_start_matches("/v25.0/").to_owned();
        if request.uri().host() == Some("files.example") {
            world.calls.push(format!("fetch {path}"));
            return Box::pin(async { Called::answer(200, Bytes::from_static(PNG)) });
        }
        let query = request.uri().query().unwrap_or_default().as_bytes();
        let query = url::form_urlencoded::parse(query).map(|(k, v)| (k.into_owned(), v.into_owned())).collect();
        let changes = request.method() != Method::GET && !path.contains("upload");
        if request.method() != Method::GET {
            world.calls.push(format!("{} {path}", request.method()));
        }
        let lost = || Called::Lost("timed out".to_owned());
        let fault = if changes && !world.faults.is_empty() { Some(world.faults.remove(0)) } else { None };
        let called = if fault == Some(Fault::LostBefore) || (world.deaf && request.method() == Method::GET) {
            lost()
        } else {
            let offset = request.headers().get("file_offset").map_or(0, |o| o.to_str().unwrap().parse().unwrap());
            let (status, body) = world.answer(request.method(), &path, &query, request.body(), offset);
            if let Some(store) = world.trips.take_if(|_| changes) {
                store.fail_next(1);
            }
            if fault.is_some() { lost() } else { Called::answer(status, body.to_string()) }
        };
        drop(world);
        Box::pin(async move { called })
    }
}

struct Desk {
    house: House,
    meta: Meta,
    store: MemoryStore,
    caller: Caller,
    clock: WorldClock,
    _folder: tempfile::TempDir,
}

impl Desk {
    async fn new() -> Self {
        Self::on(MemoryStore::new(), Meta::default()).await
    }

    async fn on(store: MemoryStore, meta: Meta) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sealing = SealingKey::load_or_create(folder.path()).unwrap();
        let business = BusinessId(1);
        let webhook_secret = sealing.seal(b"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=").unwrap();
        let made = Business {
            id: business,
            name: "B".into(),
            webhook_secret,
            previous_webhook_secret: None,
            created_at: Timestamp::EPOCH,
        };
        store.put_business(made).await.unwrap();
        let app = App { id: "10".into(), secret: sealing.seal(SECRET).unwrap(), verify_token: sealing.seal(b"v").unwrap() };
        store.put_app(app).await.unwrap();
        let sender = Sender {
            id: SenderId(5),
            business,
            channel: Channel::Whatsapp,
            address: "+493012345678".parse().unwrap(),
            name: None,
            account: "1065".into(),
            waba: Some(WABA.into()),
            app: "10".into(),
            token: sealing.seal(b"token").unwrap(),
            throughput: 80,
            state: SenderState::Active,
            created_at: Timestamp::EPOCH,
        };
        store.put_sender(sender).await.unwrap();
        let clock = WorldClock::turnable(Span::ZERO);
        let house = House::start(HouseParts {
            store: Arc::new(store.clone()),
            clock: clock.clone(),
            key: sealing,
            public_url: None,
            upstream: UpstreamSettings { graph_url: "https://graph.example".into(), version: "v25.0".into() },
            upstream_connections: 1,
            upstream_per_sender: 1,
            limits: Limits::default(),
            addresses: AddressRules::default(),
            wires: Wires::without_files(Arc::new(meta.clone()), Arc::new(meta.clone())),
            template_interval: Span::days(1_000),
            keep: transom_store::Keep::default(),
            media: crate::media::MediaSettings::nowhere(),
            chance: Chance::of_system(),
            replica: crate::work::replicas::ReplicaSettings::default(),
            gate: None,
        })
        .await
        .unwrap();
        let desk = Self {
            house,
            meta,
            store,
            caller: Caller { business, who: Actor::Key(KeyId(9)), scopes: Scopes::ADMIN },
            clock,
            _folder: folder,
        };
        desk.read().await;
        desk
    }

    async fn read(&self) -> usize {
        let speaker = self.house.service().directory.now().of(self.caller.business)[0].clone();
        self.house.service().library.read(&speaker).await.unwrap().changed
    }

    fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.meta.0.lock().unwrap().calls)
    }

    fn fault(&self, fault: Fault) {
        self.meta.0.lock().unwrap().faults.push(fault);
    }

    fn set(&self, name: &str, key: &str, value: Value) {
        let mut world = self.meta.0.lock().unwrap();
        world.templates.get_mut(&(name.to_owned(), "en_US".to_owned())).unwrap()[key] = value;
    }

    async fn all(&self) -> Vec<Template> {
        self.store.templates(self.caller.business, WABA.into(), None).await.unwrap()
    }

    async fn create(&self, name: &str, text: &str) -> Result<Template, crate::problem::Problem> {
        let new = new(name, saying(text));
        self.house.service().create_template(&self.caller, new).await.map(|made| made.template)
    }

    async fn edit(&self, name: &str, text: &str) -> Result<Template, crate::problem::Problem> {
        let change = TemplateChange { definition: Some(saying(text)), ..TemplateChange::default() };
        let edited = self.house.service().edit_template(&self.caller, None, name.into(), english(), change).await;
        edited.map(|made| made.template)
    }

    async fn delete(&self, name: &str) -> Result<Vec<Language>, crate::problem::Problem> {
        self.house.service().delete_template(&self.caller, None, name.into(), None).await
    }

    async fn history(&self, name: &str) -> Vec<(&'static str, By)> {
        let page = Page { size: 50, token: None };
        let lines = self.house.service().template_history(&self.caller, None, name, english(), page).await.unwrap().0;
        lines.iter().rev().map(|line| (line.change.as_str(), line.by)).collect()
    }

    async fn hear(&self, field: &str, value: Value) {
        let at = self.clock.now().as_secs();
        let change = json!({ "field": field, "value": value });
        let body = json!({ "object": "whatsapp_business_account", "entry": [{ "id": WABA, "time": at, "changes": [change] }] });
        let body = body.to_string();
        let signature = transom_meta::signature::sign(SECRET, body.as_bytes());
        self.house.intake().hear("10", Some(&signature), body.into()).await.unwrap();
    }
}

fn english() -> Language {
    Language::parse("en_US").unwrap()
}

fn saying(text: &str) -> Definition {
    Definition { body: BodyDefinition::Own(TextDefinition::new(text, Vec::new())), ..Definition::default() }
}

fn new(name: &str, definition: Definition) -> NewTemplate {
    NewTemplate { waba: None, name: name.into(), language: english(), category: Category::Utility, definition, ttl_seconds: None }
}

const ONE: &str = "Your parcel has been sent and is on its way.";
const TWO: &str = "Your parcel has arrived and waits for you.";
const US: By = By::Key(KeyId(9));

#[tokio::test]
async fn a_template_is_made_edited_and_deleted_under_meta_s_rules() {
    let desk = Desk::new().await;
    assert_eq!(desk.create("a", ONE).await.unwrap().approval, Approval::Pending);
    let again = desk.create("a", ONE).await.unwrap_err();
    assert_eq!((again.code, &again.details["same"]), (ErrorCode::TemplateConflict, &json!(true)));
    assert_eq!(desk.create("a", TWO).await.unwrap_err().details["same"], json!(false));
    assert_eq!(desk.edit("a", TWO).await.unwrap_err().details["rule"], "not-editable");
    assert_eq!(desk.calls(), [format!("POST {WABA}/message_templates")]);
    desk.set("a", "status", json!("APPROVED"));
    desk.read().await;
    let edited = desk.edit("a", TWO).await.unwrap();
    assert!(edited.sendable() && edited.definition == saying(ONE));
    desk.set("a", "status", json!("APPROVED"));
    desk.read().await;
    let in_force = desk.all().await.remove(0);
    assert_eq!((&in_force.definition, in_force.life.version), (&saying(TWO), 2));
    // What changes nothing costs no edit.
    assert_eq!(desk.edit("a", TWO).await.unwrap(), in_force);
    let refused = desk.edit("a", ONE).await.unwrap_err();
    assert_eq!((refused.code, &refused.details["rule"]), (ErrorCode::TemplateQuota, &json!("one-edit-a-day")));
    assert!(refused.details["notBefore"].is_string());
    assert_eq!(desk.delete("a").await.unwrap(), [english()]);
    let locked = desk.create("a", ONE).await.unwrap_err();
    assert_eq!(locked.code, ErrorCode::MessageTemplateDeleted);
    assert!(locked.details["notBefore"].is_string());
    assert_eq!(desk.delete("a").await.unwrap_err().code, ErrorCode::TemplateNotFound);
    assert_eq!(desk.calls().len(), 2);
    let words: Vec<&str> = desk.history("a").await.into_iter().map(|(word, _)| word).collect();
    assert_eq!(words, ["created", "status", "edited", "status", "in_force", "deleted"]);
}

#[tokio::test]
async fn what_the_linter_refuses_never_leaves() {
    let desk = Desk::new().await;
    let refused = desk.create("Order Update", "{{1}}").await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::TemplateInvalid);
    assert!(refused.details["findings"].as_array().unwrap().len() >= 2, "{:?}", refused.details);
    assert_eq!(desk.calls(), Vec::<String>::new());
    assert_eq!(desk.store.template_intents(desk.caller.business, WABA.into()).await.unwrap(), Vec::new());
}

#[tokio::test]
async fn a_lost_answer_is_settled_by_meta_s_list() {
    let desk = Desk::new().await;
    desk.fault(Fault::LostAfter);
    assert_eq!(desk.create("a", ONE).await.unwrap().approval, Approval::Pending);
    desk.set("a", "status", json!("APPROVED"));
    desk.read().await;
    desk.fault(Fault::LostAfter);
    assert!(desk.edit("a", TWO).await.unwrap().life.edit.is_some());
    desk.fault(Fault::LostAfter);
    assert_eq!(desk.delete("a").await.unwrap(), [english()]);
    assert_eq!(desk.calls().len(), 3);
    assert_eq!(desk.history("a").await.iter().filter(|(_, by)| *by == US).count(), 3);
    // The history keeps what each edit changed; what is told of it says no more than its number.
    let page = Page { size: 50, token: None };
    let lines = desk.house.service().template_history(&desk.caller, None, "a", english(), page).await.unwrap().0;
    let changed = lines.iter().find_map(|line| match &line.change {
        Change::Edited { before, .. } => before.as_deref().cloned(),
        _ => None,
    });
    assert!(changed.unwrap().is_same(&saying(ONE)));
}

#[tokio::test]
async fn a_repetition_after_a_lost_answer_makes_nothing_twice() {
    for (fault, posts) in [(Fault::LostAfter, 1), (Fault::LostBefore, 2)] {
        let desk = Desk::new().await;
        desk.fault(fault);
        desk.meta.0.lock().unwrap().deaf = true;
        let unknown = desk.create("a", ONE).await.unwrap_err();
        assert_eq!(unknown.code, ErrorCode::OutcomeUnknown);
        // Nobody can say more until the list can be read.
        assert_eq!(desk.create("a", ONE).await.unwrap_err().code, ErrorCode::OutcomeUnknown);
        desk.meta.0.lock().unwrap().deaf = false;
        assert_eq!(desk.create("a", ONE).await.unwrap().name, "a");
        assert_eq!(desk.calls().len(), posts, "{fault:?}");
        assert_eq!(desk.history("a").await, [("created", US)], "{fault:?}");
        assert_eq!(desk.store.template_intents(desk.caller.business, WABA.into()).await.unwrap(), Vec::new());
    }
}

#[tokio::test]
async fn what_a_run_before_left_open_is_settled_by_the_first_reading() {
    for was_made in [true, false] {
        let (store, meta) = (MemoryStore::new(), Meta::default());
        let key = TemplateKey { business: BusinessId(1), waba: WABA.into(), name: "a".into(), language: english() };
        let action = TemplateAction::Create { category: Category::Utility, definition: saying(ONE), ttl_seconds: None };
        let intent = TemplateIntent { key, action, by: US, at: Timestamp::from_secs(1_700_000_000) };
        store.begin_template(intent).await.unwrap();
        if was_made {
            let body = transom_meta::templates::to_create("a", &english(), Category::Utility, &saying(ONE));
            meta.0.lock().unwrap().answer(
                &Method::POST,
                &format!("{WABA}/message_templates"),
                &BTreeMap::new(),
                body.to_string().as_bytes(),
                0,
            );
        }
        let desk = Desk::on(store, meta).await;
        assert_eq!(desk.store.template_intents(BusinessId(1), WABA.into()).await.unwrap(), Vec::new());
        assert_eq!(desk.all().await.len(), usize::from(was_made));
        if was_made {
            assert_eq!(desk.history("a").await, [("created", US)]);
        }
    }
}

#[tokio::test]
async fn a_sample_is_fetched_and_uploaded_once() {
    let desk = Desk::new().await;
    desk.meta.0.lock().unwrap().breaks_at = Some(5);
    let with = |sample: &str| Definition {
        header: Some(transom_domain::template::HeaderDefinition::Image { sample: Some(sample.into()) }),
        ..saying(ONE)
    };
    let service = desk.house.service();
    let link = "https://files.example/h.png";
    service.create_template(&desk.caller, new("a", with(link))).await.unwrap();
    let sent = desk.meta.0.lock().unwrap().templates.values().next().unwrap()["components"][0].clone();
    assert_eq!(sent["example"]["header_handle"], json!(["4::handle"]));
    assert_eq!(desk.meta.0.lock().unwrap().uploaded, PNG);
    // The same file again costs no upload.
    desk.calls();
    service.create_template(&desk.caller, new("b", with(link))).await.unwrap();
    assert_eq!(desk.calls(), ["fetch /h.png".to_owned(), format!("POST {WABA}/message_templates")]);
    // What leads into a private network, or is no image, is refused before anything is made.
    for bad in ["https://127.0.0.1/h.png", "http://files.example/h.png", "data:image/png;base64,aGVsbG8="] {
        let refused = service.create_template(&desk.caller, new("c", with(bad))).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::RequestInvalid, "{bad}: {refused:?}");
    }
    assert_eq!(desk.calls(), Vec::<String>::new());
}

/// The promise: a sweep that loses every third webhook still ends with true statuses within one reconciliation.
#[tokio::test]
async fn webhooks_lost_in_thirds_are_mended_by_one_reading() {
    let desk = Desk::new().await;
    for number in 0..12 {
        desk.create(&format!("t{number}"), ONE).await.unwrap();
    }
    let (mut dice, mut told, mut webhooks) = (1u64, 0, 0);
    let mut draw = |most: u64| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) % most
    };
    for _ in 0..150 {
        let name = format!("t{}", draw(12));
        let names = json!({ "message_template_id": 1, "message_template_name": name, "message_template_language": "en-US" });
        let with = |more: Value| {
            let mut value = names.clone();
            value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            value
        };
        let (field, value) = match draw(4) {
            0 => {
                let words = ["APPROVED", "REJECTED", "PAUSED", "DISABLED", "IN_APPEAL"];
                let word = words[usize::try_from(draw(5)).unwrap()];
                desk.set(&name, "status", json!(word));
                ("message_template_status_update", with(json!({ "event": word, "reason": "NONE" })))
            }
            1 => {
                let word = ["GREEN", "YELLOW", "RED"][usize::try_from(draw(3)).unwrap()];
                desk.set(&name, "quality_score", json!({ "score": word }));
                ("message_template_quality_update", with(json!({ "new_quality_score": word })))
            }
            2 => {
                let word = ["UTILITY", "MARKETING"][usize::try_from(draw(2)).unwrap()];
                desk.set(&name, "category", json!(word));
                ("template_category_update", with(json!({ "previous_category": "UTILITY", "new_category": word })))
            }
            _ => {
                let text = format!("{ONE} Parcel number {} it is.", draw(1_000));
                desk.set(&name, "components", json!([{ "type": "BODY", "text": text }]));
                ("message_template_components_update", with(json!({ "message_template_element": text })))
            }
        };
        webhooks += 1;
        if webhooks % 3 != 0 {
            told += 1;
            desk.hear(field, value).await;
        }
    }
    assert_eq!((webhooks, told), (150, 100));
    // One more that nobody told of, and one that is gone.
    let body = transom_meta::templates::to_create("made_elsewhere", &english(), Category::Utility, &saying(TWO));
    {
        let mut world = desk.meta.0.lock().unwrap();
        world.answer(&Method::POST, &format!("{WABA}/message_templates"), &BTreeMap::new(), body.to_string().as_bytes(), 0);
        world.templates.remove(&("t3".to_owned(), "en_US".to_owned()));
    }
    // Meta tells whole seconds: what is read within the second of the last webhook is not newer than it.
    desk.clock.turn(Span::secs(2), |_| async { Ok(()) }).await.unwrap();
    desk.read().await;
    let page = Page { size: 200, token: None };
    let held = desk.house.service().templates(&desk.caller, &TemplateFilter::default(), &page).await.unwrap().templates;
    let world = desk.meta.0.lock().unwrap().templates.clone();
    assert_eq!(held.len(), world.len());
    for quality in [Quality::Green, Quality::Red, Quality::Unknown] {
        let only = TemplateFilter { quality: Some(quality), ..TemplateFilter::default() };
        let found = desk.house.service().templates(&desk.caller, &only, &page).await.unwrap().templates;
        let wanted = held.iter().filter(|template| template.life.quality.unwrap_or(Quality::Unknown) == quality).count();
        assert_eq!(found.len(), wanted);
        assert!(found.iter().all(|template| template.life.quality.unwrap_or(Quality::Unknown) == quality));
    }
    for template in &held {
        let at_meta = transom_meta::templates::parse(&world[&(template.name.clone(), "en_US".to_owned())]).unwrap();
        assert_eq!(template.approval, at_meta.approval, "{}", template.name);
        assert_eq!(template.category, at_meta.category, "{}", template.name);
        let rated = |quality: Option<Quality>| quality.filter(|quality| *quality != Quality::Unknown);
        assert_eq!(rated(template.life.quality), rated(at_meta.life.quality), "{}", template.name);
        let newest = template.life.edit.as_ref().map_or(&template.definition, |edit| &edit.definition);
        assert!(newest.is_same(&at_meta.definition), "{}", template.name);
    }
    // Told of each, and nothing is left to tell.
    let position = desk.store.events(desk.caller.business, 0, 1).await.unwrap().newest;
    assert_eq!(desk.read().await, 0);
    let page = desk.store.events(desk.caller.business, 0, 200).await.unwrap();
    assert_eq!(page.newest, position);
    let mut words: Vec<&'static str> = Vec::new();
    let mut after = 0;
    while after < position {
        for event in desk.store.events(desk.caller.business, after, 200).await.unwrap().events {
            after = event.position;
            if let EventBody::TemplateChanged { change, .. } = &event.body {
                words.push(change.as_str());
            }
        }
    }
    for word in ["created", "found", "edited", "deleted", "status", "quality", "category"] {
        assert!(words.contains(&word), "{word}");
    }
}

#[tokio::test]
async fn a_twin_is_named_and_told() {
    let desk = Desk::new().await;
    desk.create("a", ONE).await.unwrap();
    desk.create("b", TWO).await.unwrap();
    let twin = |name: &str| Some(TemplateName { name: name.into(), language: english() });
    let service = desk.house.service();
    let refused = service.set_twin(&desk.caller, None, "a", &english(), twin("zzz")).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::RequestInvalid);
    service.set_twin(&desk.caller, None, "a", &english(), twin("b")).await.unwrap();
    let found = service.template(&desk.caller, None, "a", None).await.unwrap().templates;
    assert_eq!(found[0].life.twin, twin("b"));
    assert_eq!(desk.history("a").await, [("created", US), ("twin", US)]);
}
