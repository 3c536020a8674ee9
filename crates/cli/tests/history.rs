//! Webhooks that never come: Meta is asked what became of the messages, by the real binary, over a kill, and where it does not answer.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use reqwest::Method;
use serde_json::{Value, json};

use common::{Dev, until};

/// From here on no webhook of messages or statuses ever comes.
async fn lose_webhooks(dev: &Dev) {
    let lost = json!([{ "kind": "webhook_loss", "share": 1, "seed": 1, "fields": ["messages"] }]);
    let (status, answer) = dev.desk.call(Method::PUT, "/sim/v1/faults", Some(&lost)).await;
    assert_eq!(status, 200, "{answer}");
}

/// Sends so many to Ana, and waits until her phone has all that were ever sent.
async fn send(dev: &Dev, many: usize, in_all: usize) -> Vec<String> {
    let ana = dev.phone_of("Ana").await;
    let mut sent = Vec::new();
    for n in 0..many {
        let text =
            json!({ "to": ana, "content": { "language": "en", "types": { "twilio/text": { "body": format!("Hello {n}") } } } });
        let answer = dev.api.post(&dev.path("/messages"), &text).await;
        sent.push(answer["id"].as_str().unwrap().to_owned());
    }
    until("they are on the phone", || async {
        let state = dev.desk.get("/sim/v1/state").await;
        (state["messages"]["byStatus"]["delivered"] == in_all).then_some(())
    })
    .await;
    sent
}

async fn turn(dev: &Dev, seconds: i64) {
    dev.desk.post("/sim/v1/clock", &json!({ "advanceSeconds": seconds })).await;
}

async fn message(dev: &Dev, id: &str) -> Value {
    dev.api.get(&dev.path(&format!("/messages/{id}"))).await
}

async fn all_show(dev: &Dev, ids: &[String], status: &str) -> bool {
    for id in ids {
        if message(dev, id).await["status"] != status {
            return false;
        }
    }
    true
}

/// How often Meta was asked for a history.
async fn asked(dev: &Dev) -> usize {
    let log = dev.desk.get("/sim/v1/requests").await;
    let paths = log["data"].as_array().unwrap().iter().filter_map(|call| call["path"].as_str());
    paths.filter(|path| path.contains("/message_history")).count()
}

/// The statuses told of a message, in the order of the stream.
async fn told(dev: &Dev, ids: &[String]) -> Vec<Vec<String>> {
    let mut statuses = vec![Vec::new(); ids.len()];
    let mut after = 0;
    loop {
        let page = dev.api.get(&dev.path(&format!("/events?after={after}&limit=200&types=message.status"))).await;
        for event in page["data"].as_array().unwrap() {
            let at = ids.iter().position(|id| event["data"]["messageId"] == **id || event["data"]["message"]["id"] == **id);
            if let Some(at) = at {
                statuses[at].push(event["data"]["status"].as_str().unwrap().to_owned());
            }
        }
        let next = page["nextAfter"].as_u64().unwrap();
        if next == after || page["data"].as_array().unwrap().is_empty() {
            return statuses;
        }
        after = next;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn statuses_that_never_came_are_asked_for_and_none_is_told_twice() {
    let dir = tempfile::tempdir().unwrap();
    let dev = Dev::open(dir.path());
    lose_webhooks(&dev).await;
    let first = send(&dev, 3, 3).await;
    assert!(all_show(&dev, &first, "sending").await, "nothing was heard of them");
    turn(&dev, 16 * 60).await;
    assert!(all_show(&dev, &first, "delivered").await, "a turn answers when all that fell due is done");
    let story = message(&dev, &first[0]).await["timeline"].clone();
    let by: Vec<_> = story.as_array().unwrap().iter().map(|e| (e["what"].as_str().unwrap(), e["heardBy"].as_str())).collect();
    assert!(by.ends_with(&[("answered", None), ("sent", Some("history")), ("delivered", Some("history"))]), "{by:?}");
    assert_eq!(asked(&dev).await, 3);

    // More than a minute's share, and a kill while it is being asked about them.
    let many = send(&dev, 30, 33).await;
    let before = asked(&dev).await;
    let turning = tokio::spawn({
        let desk = dev.desk.clone();
        async move { desk.try_call(Method::POST, "/sim/v1/clock", Some(&json!({ "advanceSeconds": 16 * 60 })), None).await }
    });
    until("it is asking", || async { (asked(&dev).await >= before + 5).then_some(()) }).await;
    dev.running.kill();
    let _ = turning.await;
    let dev = Dev::open(dir.path());
    until("all were asked about", || async {
        turn(&dev, 60).await;
        all_show(&dev, &many, "delivered").await.then_some(())
    })
    .await;
    assert!(told(&dev, &many).await.iter().all(|told| *told == ["sent", "delivered"]), "{:?}", told(&dev, &many).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_history_is_offered_time_decides() {
    let dir = tempfile::tempdir().unwrap();
    let dev = Dev::open(dir.path());
    lose_webhooks(&dev).await;
    dev.desk.call(Method::PATCH, "/sim/v1/settings", Some(&json!({ "messageHistory": false }))).await;
    let lost = send(&dev, 2, 2).await;
    turn(&dev, 16 * 60).await;
    let senders = dev.api.get(&dev.path("/senders")).await;
    let sender = senders["data"].as_array().unwrap().iter().find(|one| one["channel"] == "whatsapp").unwrap();
    let path = dev.path(&format!("/senders/{}", sender["id"].as_str().unwrap()));
    let history = dev.api.get(&path).await["capacity"]["history"].clone();
    assert_eq!((&history["state"], &history["waiting"]), (&json!("not_offered"), &json!(0)), "{history}");
    assert!(history["reason"].as_str().unwrap().contains("(#200)") && history["askedAgainAt"].is_string(), "{history}");
    // One call told so: no other is made, now or for what comes later.
    assert_eq!(asked(&dev).await, 1);
    send(&dev, 2, 4).await;
    turn(&dev, 3 * 3600).await;
    assert_eq!(asked(&dev).await, 1);
    assert!(all_show(&dev, &lost, "sending").await);
    assert!(message(&dev, &lost[0]).await["presumedLostAt"].is_null());
    // What Meta has given up is presumed lost.
    turn(&dev, 31 * 86_400).await;
    assert!(message(&dev, &lost[0]).await["presumedLostAt"].is_string());
}
