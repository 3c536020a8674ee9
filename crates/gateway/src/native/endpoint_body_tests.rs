//! What bodies about endpoints say, and what is wrong with them.

use super::*;
use serde_json::{Value, json};
use transom_domain::id::{BusinessId, KeyId};
use transom_domain::time::Timestamp;
use transom_store::{Actor, Scopes};

const CALLER: Caller = Caller { business: BusinessId(1), who: Actor::Key(KeyId(1)), scopes: Scopes::WEBHOOKS };

fn made(body: &Value) -> Result<NewEndpoint, Problem> {
    parse_new(body.to_string().as_bytes(), &CALLER, &Snapshot::default())
}

fn fields(refused: &Problem) -> Vec<&str> {
    refused.details["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect()
}

#[test]
fn an_address_is_enough() {
    let new = made(&json!({ "url": "https://shop.example/hook" })).unwrap();
    assert_eq!((new.filter, new.enabled), (Selection::default(), true));
    let Manner { payload, order, concurrency, timeout, .. } = new.manner;
    assert_eq!((payload, order, concurrency, timeout), (Payload::Event, Order::None, 8, None));
}

#[test]
fn everything_is_read_in_both_spellings() {
    let camel = json!({ "url": "https://a.example/", "description": "Till", "events": ["message.*"], "channels": ["whatsapp"],
        "campaigns": ["summer-*"], "order": "conversation", "maxConcurrency": 32, "timeoutSeconds": 30, "enabled": false });
    let text = camel.to_string().replace("maxConcurrency", "max_concurrency").replace("timeoutSeconds", "timeout_seconds");
    let (camel, snake) = (made(&camel).unwrap(), made(&serde_json::from_str(&text).unwrap()).unwrap());
    assert_eq!(format!("{camel:?}"), format!("{snake:?}"));
    assert_eq!((camel.manner.concurrency, camel.manner.timeout, camel.enabled), (32, Some(30), false));
    assert_eq!((camel.filter.types, camel.filter.channels), (vec!["message.*".to_owned()], vec![Channel::Whatsapp]));
}

#[test]
fn every_wrong_part_is_named() {
    let refused = made(&json!({
        "events": ["message.received", "mesage.status"], "senders": ["+493012345678"], "channels": ["sms"], "campaigns": [""],
        "order": "strict", "payload": "xml", "maxConcurrency": 33, "timeoutSeconds": 31, "description": "x".repeat(257),
    }))
    .unwrap_err();
    let mut named = fields(&refused);
    named.sort_unstable();
    let expected = [
        "campaigns[0]",
        "channels[0]",
        "description",
        "events[1]",
        "maxConcurrency",
        "order",
        "payload",
        "senders[0]",
        "timeoutSeconds",
        "url",
    ];
    assert_eq!(named, expected);
    let errors = refused.details["errors"].as_array().unwrap();
    let of = |field: &str| errors.iter().find(|e| e["field"] == field).unwrap()["remedy"].as_str().unwrap();
    assert_eq!(of("events[1]"), "did you mean `message.status`?");
    let many = vec!["message.*"; 51];
    assert_eq!(fields(&made(&json!({ "url": "https://a.example/", "events": many })).unwrap_err()), ["events"]);
    let raw = json!({ "url": "https://a.example/", "payload": "raw", "order": "conversation" });
    assert_eq!(fields(&made(&raw).unwrap_err()), ["payload"]);
}

#[test]
fn a_change_changes_what_it_says() {
    let change = parse_change(br#"{ "events": [], "enabled": true }"#, &CALLER, &Snapshot::default()).unwrap();
    assert_eq!((change.filter.types, change.filter.senders, change.enabled), (Some(vec![]), None, Some(true)));
    assert_eq!((change.url, change.order, change.concurrency), (None, None, None));
}

#[test]
fn a_rotation_keeps_the_old_secret_for_a_day_unless_it_says_otherwise() {
    assert_eq!(parse_rotate(b"").unwrap(), Span::hours(24));
    assert_eq!(parse_rotate(br#"{ "keepOldSeconds": 0 }"#).unwrap(), Span::ZERO);
    assert_eq!(fields(&parse_rotate(br#"{ "keepOldSeconds": 604801 }"#).unwrap_err()), ["keepOldSeconds"]);
}

#[test]
fn a_replay_has_a_range_by_position_or_time() {
    let all = parse_replay(b"{}").unwrap();
    assert_eq!((all.given_up, all.from, all.to), (false, None, None));
    let ask = parse_replay(br#"{ "what": "failed", "from": 7, "until": "1970-01-01T00:00:09Z" }"#).unwrap();
    let until = Place::At(Timestamp::from_secs(9));
    assert_eq!((ask.given_up, ask.from, ask.to), (true, Some(Place::Position(7)), Some(until)));
    let wrong = br#"{ "what": "some", "from": 1, "since": "1970-01-01T00:00:09Z", "until": "soon" }"#;
    assert_eq!(fields(&parse_replay(wrong).unwrap_err()), ["what", "since", "until"]);
}

#[test]
fn deliveries_are_listed_by_outcome() {
    assert_eq!(parse_deliveries(None).unwrap().0, Deliveries::All);
    assert_eq!(parse_deliveries(Some("outcome=given_up&pageSize=3")).unwrap().1.size, 3);
    assert_eq!(fields(&parse_deliveries(Some("outcome=lost")).unwrap_err()), ["outcome"]);
}
