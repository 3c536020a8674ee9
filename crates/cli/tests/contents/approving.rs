//! Approval from the first submission to the last status; and that each refusal leaves things as they were.

use reqwest::Method;
use serde_json::{Value, json};

use crate::shop::Shop;

fn words(text: &str) -> Value {
    json!({ "language": "en", "types": { "twilio/text": { "body": text } }, "variables": { "1": "Ana" } })
}

const WORDS: &str = "Hello {{1}}, your parcel waits for you at the desk.";

/// What Meta has, what we have, and how often Graph was asked to create something.
async fn everything(shop: &Shop, contents: &[&str]) -> Value {
    let mut all = vec![shop.api.get(&shop.path("/contents?pageSize=200")).await];
    for content in contents {
        all.push(shop.api.get(&shop.path(&format!("/contents/{content}/approvals"))).await);
    }
    all.push(json!(creations(shop).await));
    all.into()
}

async fn creations(shop: &Shop) -> usize {
    let mut found = 0;
    let mut after = json!(0);
    loop {
        let page = shop.desk.get(&format!("/sim/v1/requests?limit=1000&after={after}")).await;
        let calls = page["data"].as_array().unwrap();
        let Some(last) = calls.last() else { return found };
        after = last["seq"].clone();
        let creation = |call: &&Value| call["method"] == "POST" && call["path"].as_str().unwrap().ends_with("/message_templates");
        found += calls.iter().filter(creation).count();
    }
}

#[tokio::test]
async fn an_approval_is_followed_to_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::open(dir.path());
    let (kept, _) = shop.keep(&words(WORDS)).await;
    let list = shop.api.get(&shop.path(&format!("/contents/{kept}/approvals"))).await;
    assert_eq!(list, json!({ "data": [], "nextPageToken": null }));
    let approval = shop.submit(&kept, "parcel_waits", "UTILITY").await;
    let shown =
        ["name", "language", "category", "requestedCategory", "contentType", "status", "reason", "wabaId", "allowCategoryChange"];
    let shown: Vec<_> = shown.iter().map(|part| approval[*part].clone()).collect();
    let waba = shop.env["META_WABA_ID"].clone();
    let expected = json!(["parcel_waits", "en", "UTILITY", "UTILITY", "twilio/text", "PENDING", null, waba, true]);
    assert_eq!(json!(shown), expected);
    assert_eq!(approval["warnings"], json!([]));
    assert!(approval["explanation"].as_str().unwrap().contains("review"), "{approval}");

    // Meta files it as marketing: the template's category shows, and what was asked stays.
    let approved = shop.decide(&kept, &approval, json!({ "decision": "approve", "category": "MARKETING" }), "APPROVED").await;
    let categories = (&approved["category"], &approved["requestedCategory"]);
    assert_eq!((categories, &approved["templateId"]), ((&json!("MARKETING"), &json!("UTILITY")), &approval["templateId"]));
    let paused = shop.decide(&kept, &approval, json!({ "decision": "pause" }), "PAUSED").await;
    assert!(paused["explanation"].as_str().unwrap().contains("paused"), "{paused}");
    // A restart remembers all of it.
    shop.kill();
    let shop = Shop::open(dir.path());
    shop.followed(&kept, "PAUSED").await;
}

#[tokio::test]
async fn a_rejection_says_why_and_a_new_try_is_a_new_submission() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::open(dir.path());
    let (kept, _) = shop.keep(&words(WORDS)).await;
    let approval = shop.submit(&kept, "parcel_waits", "UTILITY").await;
    let decision = json!({ "decision": "reject", "reason": "INVALID_FORMAT" });
    let rejected = shop.decide(&kept, &approval, decision, "REJECTED").await;
    assert_eq!(rejected["reason"], "INVALID_FORMAT");
    assert!(rejected["explanation"].as_str().unwrap().contains("format is wrong"), "{rejected}");
    // It is over: the content may change and be submitted anew, and the old story stays.
    let path = shop.path(&format!("/contents/{kept}"));
    let (status, _) = shop.api.call(Method::PUT, &path, Some(&words("Good day {{1}}, your parcel has come to the desk."))).await;
    assert_eq!(status, 200);
    shop.submit(&kept, "parcel_has_come", "UTILITY").await;
    let list = shop.api.get(&format!("{path}/approvals")).await;
    let story: Vec<_> = list["data"].as_array().unwrap().iter().map(|a| (a["name"].clone(), a["status"].clone())).collect();
    assert_eq!(story, [(json!("parcel_waits"), json!("REJECTED")), (json!("parcel_has_come"), json!("PENDING"))]);
}

#[tokio::test]
async fn what_cannot_be_submitted_is_refused_and_leaves_things_as_they_were() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::open(dir.path());
    let (kept, _) = shop.keep(&words(WORDS)).await;
    let (edge, _) = shop.keep(&words("Hello {{1}}")).await;
    let list = json!({ "body": "Which tea?", "button": "Choose", "items": [{ "id": "g", "item": "Green" }] });
    let place = json!({ "latitude": 1.0, "longitude": 2.0 });
    let (never, _) =
        shop.keep(&json!({ "language": "en", "types": { "twilio/list-picker": list, "twilio/location": place } })).await;
    let (tongue, _) = shop.keep(&json!({ "language": "tlh", "types": { "twilio/text": { "body": "Hello there." } } })).await;
    let contents = [kept.as_str(), &edge, &never, &tongue];
    let before = everything(&shop, &contents).await;
    let good = json!({ "name": "parcel_waits", "category": "UTILITY" });
    let bad: [(&str, Value, &str, &str); 10] = [
        (&never, good.clone(), "ERROR_CODE_CONTENT_NEVER_SUBMITTABLE", "never-submittable"),
        (&edge, good.clone(), "ERROR_CODE_TEMPLATE_INVALID", "variable-at-edge"),
        (&tongue, good.clone(), "ERROR_CODE_TEMPLATE_INVALID", "language-unsupported"),
        (&kept, json!({ "name": "Parcel Waits", "category": "UTILITY" }), "ERROR_CODE_TEMPLATE_INVALID", "name-charset"),
        (&kept, json!({ "name": "", "category": "UTILITY" }), "ERROR_CODE_TEMPLATE_INVALID", "name-length"),
        (
            &kept,
            json!({ "name": "parcel_waits", "category": "AUTHENTICATION" }),
            "ERROR_CODE_TEMPLATE_INVALID",
            "authentication-text",
        ),
        (&kept, json!({ "name": "parcel_waits", "category": "GREETING" }), "ERROR_CODE_REQUEST_INVALID", "category"),
        (&kept, json!({ "category": "UTILITY" }), "ERROR_CODE_REQUEST_INVALID", "name"),
        (&kept, json!({ "name": "parcel_waits", "category": "UTILITY", "colour": 1 }), "ERROR_CODE_REQUEST_INVALID", "colour"),
        (
            &kept,
            json!({ "name": "parcel_waits", "category": "UTILITY", "sender": "+4915100000000" }),
            "ERROR_CODE_REQUEST_INVALID",
            "sender",
        ),
    ];
    for (content, ask, code, names) in bad {
        let (status, refused) = shop.refused(&format!("/contents/{content}/approvals"), &ask).await;
        assert_eq!((status, &refused["code"]), (400, &json!(code)), "{ask}: {refused}");
        let findings = refused["details"]["findings"].as_array().cloned().unwrap_or_default();
        let errors = refused["details"]["errors"].as_array().cloned().unwrap_or_default();
        let named: Vec<_> = findings.iter().map(|f| &f["rule"]).chain(errors.iter().map(|e| &e["field"])).collect();
        assert!(named.contains(&&json!(names)), "{ask}: {refused}");
        let whole = |f: &Value| ["severity", "field", "rule", "message", "fix", "source"].iter().all(|part| f[*part].is_string());
        assert!(findings.iter().all(whole), "{refused}");
    }
    let (status, _) = shop.refused("/contents/01K5Z3V8Q4M9W2N7T6R1XBCDEF/approvals", &good).await;
    assert_eq!(status, 404);
    assert_eq!(everything(&shop, &contents).await, before, "nothing was kept, and nothing left");
}

#[tokio::test]
async fn submitted_content_stays_as_it_is_and_is_not_submitted_twice() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::open(dir.path());
    let (kept, _) = shop.keep(&words(WORDS)).await;
    let (other, _) = shop.keep(&words("Other words for {{1}}, quite another text.")).await;
    let path = shop.path(&format!("/contents/{kept}"));
    let approval = shop.submit(&kept, "parcel_waits", "UTILITY").await;
    let held = async |when: &str, deletable: bool| {
        let before = everything(&shop, &[&kept, &other]).await;
        let mut refused = Vec::new();
        for name in ["parcel_waits", "parcel_waits_2"] {
            let ask = json!({ "name": name, "category": "UTILITY" });
            refused.push(shop.api.call(Method::POST, &format!("{path}/approvals"), Some(&ask)).await);
        }
        refused.push(shop.api.call(Method::PUT, &path, Some(&words("New words for {{1}}, quite another text."))).await);
        if !deletable {
            refused.push(shop.api.call(Method::DELETE, &path, None).await);
        }
        for (status, refused) in refused {
            assert_eq!((status, &refused["code"]), (409, &json!("ERROR_CODE_CONTENT_IN_USE")), "{when}: {refused}");
            assert!(refused["message"].as_str().unwrap().contains("parcel_waits"), "{when}: {refused}");
        }
        // Its name is its own, too.
        let ask = json!({ "name": "parcel_waits", "category": "UTILITY" });
        let (status, refused) = shop.refused(&format!("/contents/{other}/approvals"), &ask).await;
        assert_eq!((status, &refused["details"]["errors"][0]["field"]), (400, &json!("name")), "{when}: {refused}");
        assert_eq!(everything(&shop, &[&kept, &other]).await, before, "{when}");
    };
    held("pending", false).await;
    shop.decide(&kept, &approval, json!({ "decision": "approve" }), "APPROVED").await;
    held("approved", true).await;
    // Approved content can be deleted; the template stays, and goes on matching what is sent inline.
    assert_eq!(shop.api.call(Method::DELETE, &path, None).await.0, 200);
    shop.customer("+491706300001", json!({})).await;
    let asked = shop.api.post(&shop.path("/verdicts"), &json!({ "to": "+491706300001", "content": words(WORDS) })).await;
    assert_eq!(asked["template"]["name"], "parcel_waits");
}

#[tokio::test]
async fn two_submissions_at_once_make_one_template() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::open(dir.path());
    let (kept, _) = shop.keep(&words(WORDS)).await;
    let path = shop.path(&format!("/contents/{kept}/approvals"));
    let ask = json!({ "name": "parcel_waits", "category": "UTILITY" });
    let tries = (0..8).map(|_| shop.api.call(Method::POST, &path, Some(&ask)));
    let answers = futures::future::join_all(tries).await;
    let mut statuses: Vec<u16> = answers.iter().map(|(status, _)| *status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409, 409, 409, 409, 409], "{answers:?}");
    assert_eq!(creations(&shop).await, 1);
}

#[tokio::test]
async fn a_lost_answer_is_found_again() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::open(dir.path());
    let (kept, _) = shop.keep(&words(WORDS)).await;
    let path = shop.path(&format!("/contents/{kept}/approvals"));
    let ask = json!({ "name": "parcel_waits", "category": "UTILITY" });
    // Meta takes the creation; neither its answer comes nor that of the question what became of it.
    let lose = json!([{ "kind": "lost_answer", "on": "graph", "share": 1.0, "seed": 1 }]);
    let (status, told) = shop.desk.call(Method::PUT, "/sim/v1/faults", Some(&lose)).await;
    assert_eq!(status, 200, "{told}");
    let (status, refused) = shop.api.call(Method::POST, &path, Some(&ask)).await;
    assert_eq!((status, &refused["code"]), (502, &json!("ERROR_CODE_OUTCOME_UNKNOWN")), "{refused}");
    shop.desk.call(Method::PUT, "/sim/v1/faults", Some(&json!([]))).await;
    let status = async || shop.api.get(&path).await["data"][0]["status"].clone();
    // It may be found by then; either way nothing else is submitted meanwhile, under no name.
    assert!([json!("SUBMITTING"), json!("PENDING")].contains(&status().await));
    for name in ["parcel_waits", "parcel_waits_2"] {
        let (status, _) = shop.api.call(Method::POST, &path, Some(&json!({ "name": name, "category": "UTILITY" }))).await;
        assert_eq!(status, 409, "{name}");
    }
    // Submitted again once no answer can come any more: it is found, not made anew.
    shop.turn(120).await;
    let (again, told) = shop.api.call(Method::POST, &path, Some(&ask)).await;
    assert!(again == 201 || (again == 409 && status().await == "PENDING"), "{told}");
    assert_eq!((status().await, creations(&shop).await), (json!("PENDING"), 1));
    let list = shop.api.get(&path).await;
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
    shop.decide(&kept, &list["data"][0], json!({ "decision": "approve" }), "APPROVED").await;
}

#[tokio::test]
async fn a_message_whose_template_is_gone_says_which() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::open(dir.path());
    let phone = "+491706200033";
    shop.customer(phone, json!({})).await;
    let (kept, _) = shop.keep(&words(WORDS)).await;
    let approval = shop.submit(&kept, "soon_gone", "UTILITY").await;
    shop.decide(&kept, &approval, json!({ "decision": "approve" }), "APPROVED").await;
    let now = shop.desk.get("/sim/v1/clock").await["nowMs"].as_i64().unwrap();
    let later = jiff::Timestamp::from_millisecond(now + 3_600_000).unwrap().to_string();
    let send = json!({ "to": phone, "contentId": kept, "sendAt": later });
    // The webhook is stored a moment before the templates in memory follow.
    let waiting = crate::common::until("a send as the template", || async {
        let answer = shop.keyed("/messages", "", &send).await;
        (answer.status == 201).then(|| answer.json["id"].as_str().unwrap().to_owned())
    })
    .await;
    let (status, _) = shop.api.call(Method::DELETE, &shop.path("/templates/soon_gone"), None).await;
    assert_eq!(status, 200);
    shop.turn(3_600).await;
    let failed = shop.once(&waiting, "failed").await;
    let why = failed["error"]["message"].as_str().unwrap();
    assert!(why.starts_with("It was accepted to go as the template soon_gone (en), which has been deleted since."), "{failed}");
}
