//! The history of messages, asked for: what it says, to whom, in pages.

use crate::common::Desk;
use serde_json::{Value, json};

const FIELDS: &str = "id,message_id,events{delivery_status,timestamp,error_description}";

fn statuses(entry: &Value) -> Vec<&str> {
    let events = entry["events"]["data"].as_array().map(Vec::as_slice).unwrap_or_default();
    events.iter().map(|event| event["delivery_status"].as_str().unwrap_or_default()).collect()
}

#[tokio::test]
async fn a_history_says_what_webhooks_said_or_should_have_said() {
    let (desk, _business) = Desk::with_business().await;
    let ana = desk.customer(json!({ "phone": "+4915112345678", "name": "Ana" })).await;
    desk.writes(&ana, "Hello").await;
    desk.sim("PUT", "faults", &json!([{ "kind": "webhook_loss", "seed": 1, "fields": ["messages"] }])).await;
    let read = desk.text("+4915112345678").await.wamid();
    desk.turn(1).await;
    desk.sim("POST", "customers/4915112345678/reads", &json!({})).await;
    let failed = desk.text("+4915199999999").await.wamid();
    desk.turn(1).await;
    let number = desk.id.phone_number_id.clone();
    let ask = async |query: &str| desk.graph("GET", &format!("{number}/message_history?{query}"), None).await;

    let found = ask(&format!("message_id={read}&fields={FIELDS}")).await;
    let entry = &found.body["data"][0];
    assert_eq!((found.status, entry["message_id"].as_str()), (200, Some(read.as_str())), "{}", found.body);
    assert_eq!(statuses(entry), ["SENT", "DELIVERED", "READ"]);
    let seconds: Vec<i64> =
        entry["events"]["data"].as_array().unwrap().iter().map(|e| e["timestamp"].as_i64().unwrap()).collect();
    assert!(seconds.is_sorted() && seconds[0] > 1_600_000_000, "{seconds:?}");
    let found = ask(&format!("message_id={failed}&fields={FIELDS}")).await;
    let event = &found.body["data"][0]["events"]["data"][0];
    assert_eq!(
        (event["delivery_status"].as_str(), event["error_description"].as_str()),
        (Some("FAILED"), Some("Message undeliverable"))
    );
    assert!(event.get("code").is_none(), "a history has words for it, and no code");

    // Without `fields` there are two ids; the list has pages, newest last.
    let first = ask("limit=1").await;
    assert_eq!(first.body["data"].as_array().unwrap().len(), 1);
    assert_eq!(first.body["data"][0].as_object().unwrap().keys().collect::<Vec<_>>(), ["id", "message_id"]);
    assert_eq!(first.body["data"][0]["message_id"], read.as_str());
    let after = first.body["paging"]["cursors"]["after"].as_str().unwrap();
    assert!(first.body["paging"]["next"].as_str().unwrap().contains(after));
    let second = ask(&format!("limit=1&after={after}")).await;
    assert_eq!(second.body["data"][0]["message_id"], failed.as_str());
    assert!(second.body["paging"].get("next").is_none());

    // The events of one message have other words, and a page of their own.
    let history = first.body["data"][0]["id"].as_str().unwrap().to_owned();
    let events = desk.graph("GET", &format!("{history}/events"), None).await;
    let words: Vec<&str> =
        events.body["data"].as_array().unwrap().iter().map(|e| e["node"]["delivery_status"].as_str().unwrap()).collect();
    assert_eq!(words, ["ACCEPTED", "SENT", "DELIVERED", "READ"]);
    assert!(events.body["data"][0]["node"]["occurrence_timestamp"].is_i64());
    let some = desk.graph("GET", &format!("{history}/events?status_filter=DELIVERED"), None).await;
    assert_eq!(some.body["data"].as_array().unwrap().len(), 1);
    let none = desk.graph("GET", &format!("{history}/events?status_filter=LOST"), None).await;
    assert_eq!((none.status, none.code()), (400, Some(100)));
    // What happened is remembered over a restart.
    let desk = desk.restarted().await;
    let found = desk.graph("GET", &format!("{number}/message_history?message_id={read}&fields={FIELDS}"), None).await;
    assert_eq!(statuses(&found.body["data"][0]), ["SENT", "DELIVERED", "READ"]);
}

#[tokio::test]
async fn a_history_is_told_to_whom_it_may_concern() {
    let (desk, _business) = Desk::with_business().await;
    let path = format!("{}/message_history", desk.id.phone_number_id);
    let refused = async |query: &str| {
        let answer = desk.graph("GET", &format!("{path}?{query}"), None).await;
        (answer.status, answer.code())
    };
    assert_eq!(refused("message_id=17").await, (400, Some(100)));
    assert_eq!(refused("message_id=wamid.HBgLMTY0NzM3Nzc3NzUVAgARGBI5QTNEQTA2RjdGMEY4RTRGAA==").await, (422, Some(100)));
    assert_eq!(refused("limit=101").await, (400, Some(100)));
    assert_eq!(desk.call_with("nobody", "GET", &format!("v24.0/{path}"), None).await.status, 401);
    let stranger = desk.graph("GET", "123456789012345/message_history", None).await;
    assert_eq!((stranger.status, stranger.code()), (400, Some(100)));
    assert_eq!(stranger.body["error"]["error_subcode"], 33);
    desk.sim("PATCH", "settings", &json!({ "messageHistory": false })).await;
    assert_eq!(refused("").await, (403, Some(200)));
}
