//! `transom import twilio` against another running gateway's Twilio dialect: contents keep their SIDs, templates at Meta are followed,
//! and a second run changes nothing.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;
mod shop;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use reqwest::Method;
use serde_json::{Value, json};

use transom_domain::id::BusinessId;

use common::{at, json as answered, run};
use shop::Shop;

/// The account as Twilio's SDKs name it, and its token.
fn account(shop: &Shop) -> (String, String) {
    let business: BusinessId = shop.env["TRANSOM_BUSINESS"].parse().unwrap();
    (format!("AC{:032x}", business.0), shop.env["TRANSOM_API_KEY"].clone())
}

/// A call of Twilio's dialect.
async fn twilio(shop: &Shop, method: Method, path: &str, body: &Value) -> Value {
    let (user, token) = account(shop);
    let basic = format!("Basic {}", BASE64.encode(format!("{user}:{token}")));
    let headers = [("authorization", basic.as_str()), ("content-type", "application/json")];
    let url = format!("{}{path}", shop.env["TRANSOM_URL"]);
    let answer = shop.raw(method, &url, &headers, body.to_string().into_bytes()).await;
    assert!(answer.status < 300, "{path}: {}", answer.json);
    answer.json
}

async fn make(shop: &Shop, name: &str, words: &str) -> String {
    let body = json!({ "friendly_name": name, "language": "en", "types": { "twilio/text": { "body": words } } });
    twilio(shop, Method::POST, "/v1/Content", &body).await["sid"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn contents_move_in_with_their_sids_and_a_second_run_changes_nothing() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (to, from) = (Shop::open(here.path()), Shop::open(there.path()));
    let words = |n: u32| format!("Your order number {n} is ready for you now.");
    let (plain, kept) = (make(&from, "plain", "Just hello to you.").await, make(&from, "kept", &words(1)).await);
    let (other, gone) = (make(&from, "other", &words(2)).await, make(&from, "gone", &words(3)).await);
    for (sid, name) in [(&kept, "order_one"), (&other, "order_two"), (&gone, "order_three")] {
        let ask = json!({ "name": name, "category": "UTILITY" });
        twilio(&from, Method::POST, &format!("/v1/Content/{sid}/ApprovalRequests/whatsapp"), &ask).await;
    }
    // At Meta, where they move with the account: one under the name that Twilio makes, one that was edited, one that is not there.
    let component = |text: String| json!([{ "type": "BODY", "text": text }]);
    to.approved(&format!("order_one_{}", kept.to_lowercase()), "en", "UTILITY", component(words(1))).await;
    to.approved("order_two", "en", "UTILITY", component(words(7))).await;

    let (sid, token) = account(&from);
    let import = |more: &[&str]| {
        let args = ["import", "twilio", "--account-sid", &sid, "--base-url", &from.env["TRANSOM_URL"], "--json"];
        let mut command = at(here.path(), &[&args[..], more].concat());
        command.env("TWILIO_IMPORT_AUTH_TOKEN", &token);
        answered(&mut command)["data"].as_array().unwrap().clone()
    };
    let of = |all: &[Value], sid: &str| {
        let one = all.iter().find(|one| one["sid"] == sid).unwrap();
        (one["outcome"].as_str().unwrap().to_owned(), one["approval"].as_str().unwrap().to_owned())
    };
    let why_not = |all: &[Value], sid: &str| {
        let one = all.iter().find(|one| one["sid"] == sid).unwrap();
        one["approvalWhy"].as_str().unwrap().to_owned()
    };
    let outcome = |outcome: &str, approval: &str| (outcome.to_owned(), approval.to_owned());

    for name in [format!("order_one_{}", kept.to_lowercase()), "order_two".to_owned()] {
        let path = to.path(&format!("/templates/{name}"));
        common::until("a template that is known here", || async {
            (to.api.call(Method::GET, &path, None).await.0 == 200).then_some(())
        })
        .await;
    }
    let planned = import(&["--dry-run"]);
    assert_eq!((of(&planned, &plain), of(&planned, &kept)), (outcome("new", "unsubmitted"), outcome("new", "atMeta")));
    assert_eq!((of(&planned, &other), of(&planned, &gone)), (outcome("new", "refused"), outcome("new", "notAtMeta")));
    assert!(why_not(&planned, &other).contains("body"), "{planned:?}");
    let contents = to.path("/contents?pageSize=200");
    assert_eq!(to.api.get(&contents).await["data"].as_array().unwrap().len(), 0);

    let first = import(&[]);
    assert_eq!(of(&first, &plain), outcome("created", "unsubmitted"));
    assert_eq!(of(&first, &kept), outcome("created", "followed"));
    assert_eq!(of(&first, &other), outcome("created", "refused"));
    assert_eq!(of(&first, &gone), outcome("created", "notAtMeta"));
    let why = why_not(&first, &other);
    assert!(why.contains("order_two") && why.contains("body"), "{why}");
    // Programs go on with the SIDs that they know, and the approval is the template's.
    let fetched = twilio(&to, Method::GET, &format!("/v1/Content/{kept}/ApprovalRequests"), &Value::Null).await;
    assert_eq!(fetched["whatsapp"]["status"], "approved");
    assert_eq!(twilio(&to, Method::GET, &format!("/v1/Content/{plain}"), &Value::Null).await["friendly_name"], "plain");

    let before = to.api.get(&contents).await;
    let second = import(&[]);
    assert_eq!(of(&second, &plain), outcome("unchanged", "unsubmitted"));
    assert_eq!(of(&second, &kept), outcome("unchanged", "followed"));
    assert_eq!(to.api.get(&contents).await, before);

    // What was changed there since is said, and stays as it is here.
    let changed = json!({ "types": { "twilio/text": { "body": "Hello again to you." } } });
    twilio(&from, Method::PUT, &format!("/v1/Content/{plain}"), &changed).await;
    let third = import(&[]);
    assert_eq!(of(&third, &plain), outcome("differs", "unsubmitted"));
    assert_eq!(third.iter().find(|one| one["sid"] == plain.as_str()).unwrap()["why"], json!(["types.twilio/text"]));
    assert_eq!(to.api.get(&contents).await, before);

    // Wrong credentials are said plainly.
    let mut wrong = at(here.path(), &["import", "twilio", "--account-sid", &sid, "--base-url", &from.env["TRANSOM_URL"]]);
    let output = run(wrong.env("TWILIO_IMPORT_AUTH_TOKEN", "0000"));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && said.contains("20003"), "{said}");
}
