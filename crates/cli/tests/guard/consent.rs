//! Consent by the running binary: what a customer stopped does not leave, whatever was accepted before. The simulator's own record of
//! calls is the judge.

use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{self, transom, until};
use crate::shop::{Shop, templated};

const ANA: &str = "+491704000071";
const TEMPLATE: &str = "autumn_offer";

/// How often Graph was asked to send the template.
async fn asked(shop: &Shop) -> usize {
    let page = shop.desk.get("/sim/v1/requests?limit=1000").await;
    page["data"].as_array().unwrap().iter().filter(|call| call["body"]["template"]["name"] == TEMPLATE).count()
}

async fn consent(shop: &Shop, customer: &str) -> Value {
    shop.api.get(&shop.path(&format!("/customers/{}/consent", customer.replace('+', "%2B")))).await
}

async fn chosen(shop: &Shop, scope: &str, choice: &str) -> Value {
    until(&format!("{scope} {choice}"), || async {
        let now = consent(shop, ANA).await;
        (now["consent"][scope]["choice"] == choice).then_some(now)
    })
    .await
}

async fn says(shop: &Shop, text: &str) {
    shop.customer_sends(ANA, json!({ "type": "text", "text": { "body": text } })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_customer_stopped_does_not_leave() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::open(dir.path());
    let components = json!([{ "type": "BODY", "text": "Everything for the garden is a fifth off until Sunday." }]);
    shop.approved(TEMPLATE, "en", "MARKETING", components).await;
    shop.writer(ANA).await;
    let send = |more: Value| {
        let mut body = json!({ "to": ANA, "template": { "name": TEMPLATE, "language": "en" } });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let first = shop.template(&templated(ANA, TEMPLATE, &[])).await;
    shop.once(&first, "delivered").await;
    assert_eq!(asked(&shop).await, 1);
    // Accepted before she stops it, due after.
    let at = shop.api.get(&shop.path(&format!("/messages/{first}"))).await["acceptedAt"].as_str().unwrap().to_owned();
    let at = at.parse::<jiff::Timestamp>().unwrap() + jiff::SignedDuration::from_hours(1);
    let later = shop.api.post(&shop.path("/messages"), &send(json!({ "sendAt": at.to_string() }))).await;
    let later = later["id"].as_str().unwrap().to_owned();

    says(&shop, "Stop promotions!").await;
    let stopped = chosen(&shop, "marketing", "opted_out").await;
    assert_eq!((&stopped["data"][0]["source"], &stopped["data"][0]["said"]), (&json!("keyword"), &json!("Stop promotions!")));
    assert!(stopped["consent"]["everything"].is_null(), "{stopped}");
    let (status, refused) = shop.refused("/messages", &send(json!({}))).await;
    assert_eq!((status, &refused["code"]), (403, &json!("ERROR_CODE_MESSAGE_CUSTOMER_OPTED_OUT")), "{refused}");
    let verdict = &refused["details"]["verdict"];
    assert_eq!((&verdict["kind"], &verdict["reason"]), (&json!("blocked"), &json!("opted_out")));
    // What waited is judged again when its time comes.
    shop.turn(3_700).await;
    let failed = shop.once(&later, "failed").await;
    assert_eq!(failed["error"]["code"], "ERROR_CODE_MESSAGE_CUSTOMER_OPTED_OUT", "{failed}");
    assert_eq!(asked(&shop).await, 1, "nothing left");
    // She is still answered.
    let answer = shop.say(ANA, json!({ "text": "Of course." }), json!({})).await;
    shop.once(&answer, "delivered").await;

    // Out of everything: no answer either, until she says so.
    says(&shop, "STOP").await;
    chosen(&shop, "everything", "opted_out").await;
    let (status, refused) = shop
        .refused(
            "/messages",
            &json!({ "to": ANA, "content": { "language": "en", "types": { "twilio/text": { "body": "Sure?" } } } }),
        )
        .await;
    assert_eq!((status, &refused["code"]), (403, &json!("ERROR_CODE_MESSAGE_CUSTOMER_OPTED_OUT")), "{refused}");
    // WhatsApp tells the second only, and of two words of one second the one against counts.
    shop.turn(2).await;
    says(&shop, "start").await;
    chosen(&shop, "marketing", "opted_in").await;
    let again = shop.template(&templated(ANA, TEMPLATE, &[])).await;
    shop.once(&again, "delivered").await;
    assert_eq!(asked(&shop).await, 2);

    // In WhatsApp itself.
    shop.turn(2).await;
    let path = format!("/sim/v1/customers/{}", ANA.replace('+', "%2B"));
    shop.desk.call(Method::PATCH, &path, Some(&json!({ "flags": ["opted_out"] }))).await;
    let stopped = chosen(&shop, "marketing", "opted_out").await;
    assert_eq!(stopped["data"][0]["source"], "preference");
    assert_eq!(shop.refused("/messages", &send(json!({}))).await.0, 403);
    assert_eq!(asked(&shop).await, 2);

    // All of it is told, and can be shown.
    let events = shop.api.get(&shop.path("/events?limit=200")).await;
    let told: Vec<&Value> = events["data"].as_array().unwrap().iter().filter(|e| e["type"] == "consent.changed").collect();
    let sources: Vec<&str> = told.iter().map(|e| e["data"]["source"].as_str().unwrap()).collect();
    assert_eq!(sources, ["keyword", "keyword", "keyword", "preference"]);
    let file = dir.path().join("ana.json");
    common::run(transom().args(["consent", "export", ANA, "--to"]).arg(&file).arg("--dir").arg(dir.path()));
    let shown: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(shown["customer"]["phoneNumber"], ANA);
    assert_eq!(shown["ledger"].as_array().unwrap().len(), 4);
    let templates = shown["messages"].as_array().unwrap().iter().filter(|m| m["template"]["name"] == TEMPLATE).count();
    assert_eq!(templates, 3, "{shown:#}");
    assert!(!shown.to_string().contains("Of course."), "it says what was agreed, not what was said");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_recorded_counts_and_words_are_the_business_s_own() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::open(dir.path());
    let at = |args: &[&str]| common::json(transom().args(args).arg("--json").arg("--dir").arg(dir.path()));
    // Before the first message: a list of opt-ins from another system.
    let recorded = at(&[
        "consent",
        "record",
        ANA,
        "--scope",
        "marketing",
        "--choice",
        "in",
        "--imported",
        "--at",
        "2026-01-05T10:00:00Z",
        "--wording",
        "Send me offers",
    ]);
    assert_eq!((&recorded["recorded"], &recorded["changed"]), (&json!(true), &json!(true)));
    let id = recorded["customerId"].as_str().unwrap();
    assert_eq!(consent(&shop, id).await["data"][0]["wording"], "Send me offers");
    let future = json!({ "scope": "marketing", "choice": "opted_in", "at": "2100-01-01T00:00:00Z" });
    let (status, refused) = shop.refused(&format!("/customers/{id}/consent"), &future).await;
    assert_eq!((status, &refused["details"]["errors"][0]["field"]), (400, &json!("at")));

    let words = dir.path().join("words.json");
    std::fs::write(&words, r#"{"builtIn": false, "languages": {"de": {"stop": ["Genug jetzt"]}}}"#).unwrap();
    let set = at(&["keywords", "set", words.to_str().unwrap()]);
    assert_eq!((&set["builtIn"], &set["builtInWords"]), (&json!(false), &json!({})));
    // Who did it is written down.
    let log = at(&["audit"]);
    let last = &log["data"][0];
    assert_eq!((&last["actor"], &last["action"]), (&json!("key"), &json!("keywords.set")), "{log}");
    assert!(last["keyId"].is_string());
    let actions: Vec<&Value> = log["data"].as_array().unwrap().iter().map(|line| &line["action"]).collect();
    assert!(actions.contains(&&json!("key.made")) && actions.contains(&&json!("business.made")), "{actions:?}");
    shop.writer(ANA).await;
    says(&shop, "STOP").await;
    assert!(consent(&shop, ANA).await["consent"]["everything"].is_null());
    says(&shop, "genug, jetzt!").await;
    let stopped = chosen(&shop, "everything", "opted_out").await;
    assert_eq!(stopped["customerId"], id, "the one whose consent was recorded before");
}
