//! Properties of the world under any run of events.

use std::collections::HashMap;

use proptest::prelude::*;
use serde_json::{Value, json};
use transom_domain::{Span, Timestamp};

use super::account::AppSubscription;
use super::inbound_shape::plain;
use super::template::spec::Spec;
use super::template::text::Text;
use super::{Now, World};
use crate::chance::{Chance, Seed};
use crate::graph::content::Kind;
use crate::graph::send::{self, Posted};
use crate::world::effects::Change;

/// What can happen.
#[derive(Debug, Clone)]
enum Happens {
    Send { customer: usize, template: bool },
    Writes { customer: usize },
    Reads { customer: usize },
    Online { customer: usize, online: bool },
    Turn { millis: i64 },
    Heard { ok: bool },
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        4 => (0..3usize, any::<bool>()).prop_map(|(customer, template)| Happens::Send { customer, template }),
        2 => (0..3usize).prop_map(|customer| Happens::Writes { customer }),
        1 => (0..3usize).prop_map(|customer| Happens::Reads { customer }),
        1 => (0..3usize, any::<bool>()).prop_map(|(customer, online)| Happens::Online { customer, online }),
        3 => prop_oneof![0..200i64, 0..100_000_000i64].prop_map(|millis| Happens::Turn { millis }),
        3 => any::<bool>().prop_map(|ok| Happens::Heard { ok }),
    ]
}

/// A world with a business that hears everything, and what it has left behind so far.
struct Run {
    world: World,
    now: Now,
    number: u64,
    customers: Vec<u64>,
    ready: Vec<u64>,
    told: Vec<Value>,
    accepted: u64,
}

impl Run {
    fn new() -> Self {
        let mut world = World::first(Chance::new(Seed::fixed(5)));
        world.subscribe_app(AppSubscription {
            callback_url: "http://127.0.0.1:1/".into(),
            verify_token: "t".into(),
            fields: vec!["messages".into()],
        });
        let home = world.app.home;
        world.subscribe_account(home.waba, None);
        let now = Now { world: Timestamp::from_millis(1_795_000_000_000), machine_second: 0 };
        let customers = ["+4915112345671", "+4915112345672", "+12125550123"]
            .map(|phone| {
                let new = serde_json::from_value(json!({ "phone": phone, "name": "C" })).unwrap();
                world.add_customer(now, new).unwrap()["id"].as_str().unwrap().parse().unwrap()
            })
            .to_vec();
        let filed = json!({ "name": "t", "language": "en", "category": "UTILITY", "components": [{ "type": "BODY", "text": "Your order is ready now." }] });
        let draft = super::template::create::read(&filed).unwrap();
        let id = world.file_template(now, home.waba, draft).unwrap()["id"].as_str().unwrap().parse().unwrap();
        world.review(now, id, super::template::review::Decision::Approve(None)).unwrap();
        let mut run = Self { world, now, number: home.number, customers, ready: Vec::new(), told: Vec::new(), accepted: 0 };
        run.collect();
        run
    }

    fn collect(&mut self) {
        let effects = self.world.take_effects();
        for change in effects.changes {
            if let Change::Owe { entry, .. } = change {
                self.told.push(serde_json::from_str(&entry).unwrap());
            }
        }
        self.ready.extend(effects.ready);
    }

    fn settle(&mut self) {
        while self.world.tick(self.now) > 0 {}
        self.collect();
    }

    fn happen(&mut self, event: &Happens) {
        let person = |customer: usize| self.customers[customer];
        match event {
            Happens::Send { customer, template } => {
                let phone = self.world.customers[&person(*customer)].phone.clone();
                let mut body = json!({ "messaging_product": "whatsapp", "to": phone, "type": "text", "text": { "body": "Hi" } });
                if *template {
                    body = json!({ "messaging_product": "whatsapp", "to": phone, "type": "template", "template": { "name": "t", "language": { "code": "en" } } });
                }
                let Posted::Send(request) = send::read(&body).unwrap() else { unreachable!("it is a send") };
                self.accepted += u64::from(self.world.send(self.now, self.number, *request).is_ok());
            }
            Happens::Writes { customer } => {
                let draft = plain(Kind::Text, json!({ "body": "Hi" }));
                self.world.customer_writes(self.now, person(*customer), self.number, draft, None).unwrap();
            }
            Happens::Reads { customer } => {
                self.world.read(self.now, person(*customer), None).unwrap();
            }
            Happens::Online { customer, online } => {
                let change = serde_json::from_value(json!({ "online": online })).unwrap();
                self.world.change_customer(self.now, person(*customer), change).unwrap();
            }
            Happens::Turn { millis } => {
                self.now.world = self.now.world.plus(Span::millis(*millis));
                self.now.machine_second += 1;
                self.settle();
            }
            Happens::Heard { ok } => {
                if let Some(id) = self.ready.pop() {
                    if *ok { self.world.webhook_heard(id) } else { self.world.webhook_missed(self.now, id) }
                }
            }
        }
        self.collect();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    /// Whatever happens: the tally counts what was accepted, every message comes to an end it can come to, and each status is
    /// told once and in an order that makes sense.
    #[test]
    fn every_message_comes_to_one_end(events in prop::collection::vec(happens(), 1..60)) {
        let mut run = Run::new();
        for event in &events {
            run.happen(event);
        }
        run.now.world = run.now.world.plus(Span::days(1));
        run.settle();
        let tallied: u64 = run.world.messages.tally().map(|(_, _, count)| count).sum();
        prop_assert_eq!(tallied, run.accepted);
        let accepted: u64 = run.world.messages.tally().filter(|(status, _, _)| *status == "accepted").map(|(_, _, count)| count).sum();
        prop_assert_eq!(accepted, 0, "nothing stays on its way");
        let mut told: HashMap<String, Vec<String>> = HashMap::new();
        for entry in &run.told {
            for status in entry.pointer("/changes/0/value/statuses").and_then(Value::as_array).into_iter().flatten() {
                let text = |key: &str| status[key].as_str().unwrap().to_owned();
                told.entry(text("id")).or_default().push(text("status"));
            }
        }
        for (wamid, statuses) in told {
            let known = [&["failed"][..], &["sent"], &["sent", "delivered"], &["sent", "delivered", "read"]];
            prop_assert!(known.iter().any(|known| *known == statuses), "{}: {:?}", wamid, statuses);
        }
    }

    /// A webhook is owed until it is heard, and no longer than seven days.
    #[test]
    fn nothing_is_owed_for_ever(hears in prop::collection::vec(any::<bool>(), 1..40)) {
        let mut run = Run::new();
        run.happen(&Happens::Writes { customer: 0 });
        for ok in hears {
            run.happen(&Happens::Heard { ok });
            run.happen(&Happens::Turn { millis: 20_000_000 });
        }
        while run.world.owed.len() > 0 {
            let before = run.now.world;
            run.happen(&Happens::Heard { ok: false });
            run.happen(&Happens::Turn { millis: 20_000_000 });
            prop_assert!(before < Timestamp::from_millis(1_795_000_000_000).plus(Span::days(30)));
        }
    }

    /// No text breaks the reading of placeholders, and what is filled in has none left.
    #[test]
    fn placeholders_are_read_from_any_text(text in "[a-z {}0-9]{0,40}") {
        let read = Text::of(&text);
        let values = vec!["v".to_owned(); read.variables.len()];
        let filled = Text::of(&read.fill(&values));
        prop_assert!(filled.variables.len() <= read.variables.len());
    }

    /// No JSON makes the readers panic: valid messages with one piece replaced by something else.
    #[test]
    fn readers_never_panic(seed in 0..SEEDS.len(), at in 0..64usize, replacement in json_value()) {
        let mut value: Value = serde_json::from_str(SEEDS[seed]).unwrap();
        let mut left = at;
        replace(&mut value, &mut left, &replacement);
        let _ = send::read(&value);
        let _ = super::template::create::read(&value);
        if let Some(list) = value.get("components").and_then(Value::as_array) {
            let _ = Spec::of(list);
        }
        if let Ok(fields) = crate::graph::read::Fields::body(&value) {
            let _ = super::inbound_shape::read(&fields, "to");
        }
    }
}

/// Valid requests to start from.
const SEEDS: &[&str] = &[
    r#"{"messaging_product":"whatsapp","to":"+4915112345678","type":"text","text":{"body":"Hi","preview_url":true},"context":{"message_id":"wamid.A"}}"#,
    r#"{"messaging_product":"whatsapp","to":"+49","type":"interactive","interactive":{"type":"list","body":{"text":"b"},"action":{"button":"o","sections":[{"title":"t","rows":[{"id":"1","title":"a","description":"d"}]}]}}}"#,
    r#"{"messaging_product":"whatsapp","to":"+49","type":"interactive","interactive":{"type":"carousel","body":{"text":"b"},"action":{"cards":[{"card_index":0,"type":"cta_url","header":{"type":"image","image":{"link":"https://e.com/a"}},"action":{"name":"cta_url","parameters":{"display_text":"a","url":"https://e.com"}}},{}]}}}"#,
    r#"{"messaging_product":"whatsapp","recipient":"DE.1","type":"template","template":{"name":"t","language":{"code":"en"},"components":[{"type":"carousel","cards":[{"card_index":0,"components":[{"type":"button","sub_type":"url","index":"0","parameters":[{"type":"text","text":"x"}]}]}]}]}}"#,
    r#"{"name":"a","language":"en","category":"MARKETING","components":[{"type":"BODY","text":"Hi {{1}} there friend.","example":{"body_text":[["a"]]}},{"type":"CAROUSEL","cards":[{"components":[{"type":"HEADER","format":"IMAGE","example":{"header_handle":["4::x"]}},{"type":"BUTTONS","buttons":[{"type":"URL","text":"t","url":"https://e.com/{{1}}","example":["https://e.com/a"]}]}]}]}]}"#,
    r#"{"name":"a","language":"en","category":"AUTHENTICATION","components":[{"type":"BODY","add_security_recommendation":true},{"type":"FOOTER","code_expiration_minutes":5},{"type":"BUTTONS","buttons":[{"type":"OTP","otp_type":"ONE_TAP","supported_apps":[{"package_name":"a.b","signature_hash":"K8a/AINcGX7"}]}]}]}"#,
    r#"{"name":"a","language":"en","category":"UTILITY","components":[{"type":"BODY","text":"Please tell us who."},{"type":"BUTTONS","buttons":[{"type":"FLOW","text":"t","navigate_screen":"A","flow_json":"{\"version\":\"7.1\",\"screens\":[{\"id\":\"A\",\"terminal\":true,\"layout\":{\"type\":\"SingleColumnLayout\",\"children\":[{\"type\":\"Footer\",\"label\":\"l\",\"on-click-action\":{\"name\":\"complete\",\"payload\":{}}}]}}]}"}]}]}"#,
    r#"{"name":"a","language":"en_US","category":"UTILITY","library_template_name":"delivery_update_1","library_template_button_inputs":[{"type":"URL","url":{"base_url":"https://e.com/{{1}}","url_suffix_example":"https://e.com/a"}}]}"#,
    r#"{"type":"order","order":{"catalog_id":1,"product_items":[{"product_retailer_id":"a","quantity":1,"item_price":2,"currency":"EUR"}]},"context":{"referred_product":{"catalog_id":"1","product_retailer_id":"a"}}}"#,
    r#"{"type":"image","image":{"caption":"c","mime_type":"image/png","data":"AAAA"},"referral":{"source_type":"ad","source_url":"u"}}"#,
];

fn json_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,30}".prop_map(Value::from),
        Just(json!([])),
        Just(json!({})),
        Just(json!([{}])),
        Just(json!({ "type": "text" })),
    ]
}

/// Replaces the n-th value, counted from the outside in.
fn replace(value: &mut Value, left: &mut usize, replacement: &Value) {
    if *left == 0 {
        *value = replacement.clone();
        *left = usize::MAX;
        return;
    }
    *left -= 1;
    let children: Vec<&mut Value> = match value {
        Value::Object(map) => map.values_mut().collect(),
        Value::Array(list) => list.iter_mut().collect(),
        _ => Vec::new(),
    };
    for child in children {
        if *left == usize::MAX {
            return;
        }
        replace(child, left, replacement);
    }
}
