//! People by the running binary: asked for their number, heard under old and new names, merged and separated. The customer's phone and
//! the simulator's own record of calls are the judges.

use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{self, transom, until};
use crate::shop::Shop;

/// Hides the number behind a user name.
const ZOE: &str = "+491704000081";
const ANA: &str = "+491704000082";

async fn customer(shop: &Shop, who: &str) -> Option<Value> {
    let (status, found) = shop.api.call(Method::GET, &shop.path(&format!("/customers/{}", who.replace('+', "%2B"))), None).await;
    (status == 200).then_some(found)
}

async fn types(shop: &Shop, wanted: &str) -> usize {
    let page = shop.api.get(&shop.path("/events?limit=200")).await;
    page["data"].as_array().unwrap().iter().filter(|event| event["type"] == wanted).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_hides_the_number_is_asked_for_it_and_stays_the_same_person() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::open(dir.path());
    let zoe = shop.customer(ZOE, json!({ "name": "Zoe", "username": "zoe.z" })).await;
    let user_id = format!("bsuid:{}", zoe["userId"].as_str().unwrap());
    shop.customer_sends(ZOE, json!({ "type": "text", "text": { "body": "Hello" } })).await;
    let known = until("a customer without a number", || customer(&shop, &user_id)).await;
    assert_eq!((&known["name"], &known["phoneNumber"], &known["address"]), (&json!("Zoe"), &json!(null), &json!(user_id)));
    assert_eq!(known["sessions"][0]["open"], true);
    assert!(customer(&shop, ZOE).await.is_none());

    // Asked once, whatever is repeated; by user id in `recipient`, never in `to`.
    let path = format!("/customers/{}/contact-info-requests", known["id"].as_str().unwrap());
    let body = json!({ "body": "May we have your number for the delivery?" });
    let asked = shop.keyed(&path, "ask-1", &body).await;
    let again = shop.keyed(&path, "ask-1", &body).await;
    assert_eq!((asked.status, again.status, again.replayed), (201, 201, true), "{}", asked.json);
    let id = asked.json["id"].as_str().unwrap().to_owned();
    shop.once(&id, "delivered").await;
    let sends = shop.sends(&id).await;
    assert_eq!(sends.len(), 1);
    assert_eq!((&sends[0].1["recipient"], sends[0].1.get("to")), (&zoe["userId"], None), "{}", sends[0].1);
    let (status, refused) = shop.refused(&path, &json!({ "body": "" })).await;
    assert_eq!(status, 400, "{refused}");

    // A tap on the phone shares the number: the same customer has it from then on.
    let wamid = shop.inbox(ZOE).await.last().unwrap()["wamid"].as_str().unwrap().to_owned();
    let phone = format!("/sim/v1/customers/{}", ZOE.replace('+', "%2B"));
    shop.desk.post(&format!("{phone}/taps"), &json!({ "messageId": wamid, "buttonIndex": 0 })).await;
    let linked = until("the shared number", || customer(&shop, ZOE)).await;
    assert_eq!((&linked["id"], &linked["phoneNumber"]), (&known["id"], &json!(ZOE)));
    let learnt = linked["identities"].as_array().unwrap().iter().find(|identity| identity["kind"] == "phone").unwrap().clone();
    assert_eq!(learnt["learnt"], "shared");

    // A card that is shared by hand may be anybody's.
    let card = json!([{ "name": { "formatted_name": "Ben", "first_name": "Ben" }, "phones": [{ "phone": "+491704000099", "wa_id": "491704000099" }], "origin": "other" }]);
    shop.customer_sends(ZOE, json!({ "type": "contacts", "contacts": card })).await;

    // A new number in every form that Meta had for it, each twice: told once each, nobody new, no session opened by it.
    shop.turn(90_000).await;
    let messages = format!("{phone}/messages");
    for (n, system) in [
        json!({ "type": "user_changed_user_id" }),
        json!({ "type": "user_changed_user_id", "form": "without_previous" }),
        json!({ "type": "user_changed_user_id", "form": "user_id_update" }),
    ]
    .into_iter()
    .enumerate()
    {
        shop.desk.post(&messages, &json!({ "type": "system", "system": system })).await;
        until("the change", || async { (types(&shop, "identity.changed").await == n + 1).then_some(()) }).await;
        shop.turn(2).await;
    }
    let moved = customer(&shop, &user_id).await.unwrap();
    assert_eq!((&moved["id"], &moved["phoneNumber"], &moved["sessions"][0]["open"]), (&known["id"], &json!(null), &json!(false)));
    assert_ne!(moved["userId"], known["userId"]);
    assert!(customer(&shop, "+491704000099").await.is_none());
    // What is left of her number leads to her still.
    assert_eq!(customer(&shop, ZOE).await.unwrap()["id"], known["id"]);
    assert_eq!(shop.api.get(&shop.path("/customers?q=zoe")).await["data"][0]["id"], known["id"]);

    // Merged by hand, from the command line, and separated again.
    shop.writer(ANA).await;
    let ana = until("ana", || customer(&shop, ANA)).await;
    let command = |args: &[&str]| common::json(transom().args(args).arg("--json").arg("--dir").arg(dir.path()));
    let person = command(&["customer", "merge", ANA, &user_id]);
    assert_eq!(person["merged"].as_array().unwrap().len(), 1);
    assert_eq!(customer(&shop, ANA).await.unwrap()["id"], customer(&shop, &user_id).await.unwrap()["id"]);
    let merged = person["merged"][0]["id"].as_str().unwrap().to_owned();
    let apart = command(&["customer", "unmerge", &merged]);
    assert_eq!(apart["id"], json!(merged));
    assert_eq!(customer(&shop, ANA).await.unwrap()["id"], ana["id"]);
    assert_eq!((types(&shop, "customer.merged").await, types(&shop, "customer.unmerged").await), (1, 1));
    let (status, refused) = shop.refused(&format!("/merges/{merged}/undo"), &json!({})).await;
    assert_eq!((status, &refused["code"]), (409, &json!("ERROR_CODE_STATE_CONFLICT")));
}

/// The same number in both spellings: found, in session, and shown as Meta spells it.
#[tokio::test(flavor = "multi_thread")]
async fn both_spellings_of_a_number_are_one_customer() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::open(dir.path());
    for (dialled, meta) in
        [("+5511987654321", "+551187654321"), ("+5215512345678", "+525512345678"), ("+541123456789", "+5491123456789")]
    {
        shop.writer(dialled).await;
        let known = until("the customer", || customer(&shop, dialled)).await;
        assert_eq!((&known["phoneNumber"], &known["id"]), (&json!(meta), &customer(&shop, meta).await.unwrap()["id"]));
        for to in [dialled, meta] {
            let id = shop.say(to, json!({ "text": "Hi" }), json!({})).await;
            shop.once(&id, "delivered").await;
        }
        let listed = shop.api.get(&shop.path(&format!("/messages?to={}", dialled.replace('+', "%2B")))).await;
        assert_eq!(listed["data"].as_array().unwrap().len(), 3, "{listed}");
    }
}
