//! Meta's limits and what goes before what, by the real binary: what is over a limit waits and says so, and a reply does not wait
//! behind marketing. The simulator's own record is the judge.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;
mod shop;

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use common::{at, database_of, until};
use shop::{Shop, templated};

fn number(n: usize) -> String {
    format!("+49151777{n:05}")
}

async fn sender(shop: &Shop) -> Value {
    let all = shop.api.get(&shop.path("/senders")).await;
    let id = all["data"][0]["id"].as_str().unwrap().to_owned();
    shop.api.get(&shop.path(&format!("/senders/{id}"))).await
}

async fn change_number(shop: &Shop, change: &Value) {
    let path = format!("/sim/v1/numbers/{}", shop.env["META_PHONE_NUMBER_ID"]);
    let (status, said) = shop.desk.call(Method::PATCH, &path, Some(change)).await;
    assert_eq!(status, 200, "{said}");
}

async fn notice(shop: &Shop, name: &str, category: &str) {
    let components = json!([{ "type": "BODY", "text": "Your parcel is on its way to you today." }]);
    shop.approved(name, "en", category, components).await;
}

/// How many sends of this template Graph took.
async fn taken(shop: &Shop, template: &str) -> usize {
    let (mut after, mut count) = (json!(0), 0);
    loop {
        let page = shop.desk.get(&format!("/sim/v1/requests?limit=1000&after={after}")).await;
        let calls = page["data"].as_array().unwrap();
        let Some(last) = calls.last() else { return count };
        after = last["seq"].clone();
        count += calls.iter().filter(|c| c["body"]["template"]["name"] == template && c["status"] == 200).count();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_the_messaging_limit_waits_and_says_until_when() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::open(dir.path());
    notice(&shop, "parcel", "UTILITY").await;
    change_number(&shop, &json!({ "tier": "TIER_50", "quality": "YELLOW" })).await;
    until("the limit to be heard", || async {
        (sender(&shop).await["capacity"]["messagingLimit"]["tier"] == "TIER_50").then_some(())
    })
    .await;
    let mut ids = Vec::new();
    for n in 0..52 {
        shop.customer(&number(n), json!({})).await;
        ids.push(shop.template(&templated(&number(n), "parcel", &[])).await);
    }
    // A twentieth is kept for codes.
    until("48 to have gone", || async { (taken(&shop, "parcel").await == 48).then_some(()) }).await;
    let message = until("the next to be held", || async {
        let message = shop.api.get(&shop.path(&format!("/messages/{}", ids[51]))).await;
        (message["waits"]["reason"] == "messaging_limit").then_some(message)
    })
    .await;
    assert_eq!(message["status"], "queued");
    assert!(message["waits"]["until"].is_string(), "{message}");
    let capacity = sender(&shop).await["capacity"].clone();
    assert_eq!(capacity["messagingLimit"]["reached"], 48, "{capacity}");
    assert_eq!(capacity["messagingLimit"]["left"], 2);
    assert_eq!(capacity["messagingLimit"]["held"], true);
    assert_eq!((&capacity["waiting"]["total"], &capacity["waiting"]["utility"]), (&json!(4), &json!(4)));
    assert_eq!(capacity["messagingLimit"]["nextPlaceAt"], message["waits"]["until"]);
    // The command line says the same.
    let id = &sender(&shop).await["id"].as_str().unwrap().to_owned();
    let shown = common::json(&mut at(dir.path(), &["sender", "show", id, "--json"]));
    assert_eq!(shown["capacity"]["messagingLimit"], capacity["messagingLimit"]);
    // A customer who writes is answered whatever the limit says.
    shop.customer_sends(&number(51), json!({ "type": "text", "text": { "body": "Where is it?" } })).await;
    shop.once(&ids[51], "delivered").await;
    // A day later the others go, in order, and none of them has met Meta's own limit.
    shop.turn(24 * 3_600 + 61).await;
    for id in &ids {
        shop.once(id, "delivered").await;
        assert_eq!(shop.sends(id).await.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_does_not_wait_behind_marketing_that_fills_every_connection() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::open(dir.path());
    notice(&shop, "sale", "MARKETING").await;
    let writer = "+4915177799999";
    shop.writer(writer).await;
    let queued = 150;
    for n in 0..queued {
        shop.customer(&number(n), json!({})).await;
    }
    // Every call of Graph takes longer than the test lets a reply take.
    let slow = json!([{ "kind": "latency", "share": 1.0, "seed": 1, "ms": 20_000 }]);
    let (status, said) = shop.desk.call(Method::PUT, "/sim/v1/faults", Some(&slow)).await;
    assert_eq!(status, 200, "{said}");
    let mut marketing = Vec::new();
    for n in 0..queued {
        marketing.push(shop.template(&templated(&number(n), "sale", &[])).await);
    }
    until("marketing to wait for connections", || async {
        let capacity = sender(&shop).await["capacity"].clone();
        (capacity["waiting"]["marketing"].as_u64().unwrap() > 10).then_some(())
    })
    .await;
    let begun = std::time::Instant::now();
    let reply = shop.say(writer, json!({ "text": "On our way" }), json!({})).await;
    until("the reply to leave", || async {
        let message = shop.api.get(&shop.path(&format!("/messages/{reply}"))).await;
        (!message["attempts"].as_array().unwrap().is_empty()).then_some(())
    })
    .await;
    // A second is what is promised. A server of PostgreSQL shares the machine with this test and its neighbours; what the reply must not do,
    // wait behind marketing, would take it until the first of those calls ends.
    let within = Duration::from_secs(if database_of(dir.path()).is_some() { 5 } else { 1 });
    assert!(begun.elapsed() < within, "the reply left after {:?}", begun.elapsed());
    let capacity = sender(&shop).await["capacity"].clone();
    assert!(capacity["waiting"]["marketing"].as_u64().unwrap() > 0, "nothing was left to wait for: {capacity}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_meta_holds_for_quality_says_so_and_goes_or_fails_with_its_template() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::open(dir.path());
    let components = json!([{ "type": "BODY", "text": "Your parcel is on its way to you today." }]);
    let template = shop.approved("paced", "en", "UTILITY", components).await;
    let review = format!("/sim/v1/templates/{template}/review");
    let send = async |n: usize| {
        shop.customer(&number(n), json!({})).await;
        shop.template(&templated(&number(n), "paced", &[])).await
    };
    let held = async |id: &str| {
        until("Meta to hold it", || async {
            let message = shop.api.get(&shop.path(&format!("/messages/{id}"))).await;
            (message["attempts"][0]["note"] == "held_for_quality_assessment").then(|| assert_eq!(message["status"], "sending"))
        })
        .await;
    };
    shop.desk.post(&review, &json!({ "decision": "pace", "portion": 1 })).await;
    let first = send(1).await;
    shop.once(&first, "delivered").await;
    let second = send(2).await;
    held(&second).await;
    shop.desk.post(&review, &json!({ "decision": "release" })).await;
    shop.once(&second, "delivered").await;
    shop.desk.post(&review, &json!({ "decision": "pace" })).await;
    let third = send(3).await;
    held(&third).await;
    shop.desk.post(&review, &json!({ "decision": "pause" })).await;
    let failed = shop.once(&third, "failed").await;
    assert_eq!(failed["error"]["details"]["metaCode"], 132_015, "{failed}");
}
