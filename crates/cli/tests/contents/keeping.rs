//! Content as a resource: created, read, listed, searched, changed, deleted; sent by its id, as the richest that may go.

use reqwest::Method;
use serde_json::{Value, json};

use crate::shop::{Shop, id};

fn words(text: &str) -> Value {
    json!({ "friendlyName": "hello", "language": "en", "types": { "twilio/text": { "body": text } }, "variables": { "1": "Ana" } })
}

/// Codes and fields of a refusal.
fn told(refused: &Value) -> (String, Vec<String>) {
    let errors = refused["details"]["errors"].as_array().cloned().unwrap_or_default();
    let fields = errors.iter().map(|e| e["field"].as_str().unwrap().to_owned()).collect();
    (refused["code"].as_str().unwrap().to_owned(), fields)
}

async fn everything(shop: &Shop) -> Value {
    shop.api.get(&shop.path("/contents?pageSize=200")).await
}

#[tokio::test]
async fn content_is_created_read_searched_changed_and_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::open(dir.path());
    let (kept, created) = shop.keep(&words("Hi {{1}}, your parcel is here.")).await;
    assert_eq!((kept.len(), &created["friendlyName"], &created["variables"]["1"]), (26, &json!("hello"), &json!("Ana")));
    assert_eq!((&created["warnings"], &created["createdAt"]), (&json!([]), &created["updatedAt"]));
    let path = shop.path(&format!("/contents/{kept}"));
    assert_eq!(shop.api.get(&path).await, created);
    // Findings of the linter are warnings as long as nothing is submitted.
    let (edge, warned) = shop.keep(&json!({ "language": "en", "types": { "twilio/text": { "body": "Hi {{name}}" } } })).await;
    let rules: Vec<_> =
        warned["warnings"].as_array().unwrap().iter().map(|f| (f["severity"].clone(), f["rule"].clone())).collect();
    assert!(rules.contains(&(json!("warning"), json!("variable-at-edge"))), "{warned}");
    assert!(rules.contains(&(json!("warning"), json!("sample-missing"))), "{warned}");

    let found = async |query: &str| -> Vec<String> {
        let page = shop.api.get(&shop.path(&format!("/contents?{query}"))).await;
        page["data"].as_array().unwrap().iter().map(id).collect()
    };
    assert_eq!(found("").await, [edge.clone(), kept.clone()]);
    assert_eq!(found("search=PARCEL%20here").await, std::slice::from_ref(&kept));
    assert_eq!(found("search=hello").await, std::slice::from_ref(&kept));
    assert_eq!(found("type=twilio/card").await, Vec::<String>::new());
    assert_eq!(found("language=EN").await.len(), 2);
    let first = shop.api.get(&shop.path("/contents?pageSize=1")).await;
    let token = first["nextPageToken"].as_str().unwrap();
    assert_eq!(found(&format!("pageSize=1&pageToken={token}")).await, std::slice::from_ref(&kept));

    let (status, changed) = shop.api.call(Method::PUT, &path, Some(&words("Hi {{1}}."))).await;
    assert_eq!((status, &changed["types"]["twilio/text"]["body"]), (200, &json!("Hi {{1}}.")));
    assert_eq!(shop.api.get(&path).await, changed);
    assert_eq!(shop.api.call(Method::DELETE, &path, None).await, (200, json!({})));
    for (method, path) in [(Method::GET, &path), (Method::DELETE, &path), (Method::GET, &format!("{path}/approvals"))] {
        let (status, gone) = shop.api.call(method, path, None).await;
        assert_eq!((status, &gone["code"]), (404, &json!("ERROR_CODE_NOT_FOUND")));
    }
}

#[tokio::test]
async fn bad_content_is_refused_by_name_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::open(dir.path());
    let (kept, _) = shop.keep(&words("Hi {{1}}, your parcel is here.")).await;
    let before = everything(&shop).await;
    let text = |body: &str| json!({ "twilio/text": { "body": body } });
    let one = |types: Value| json!({ "language": "en", "types": types });
    let bad: [(Value, &[&str]); 14] = [
        (json!({}), &["language", "types"]),
        (json!({ "language": "en", "types": {} }), &["types"]),
        (one(json!({ "twilio/fax": { "body": "x" } })), &["types.twilio/fax"]),
        (one(json!({ "twilio/text": { "body": "x", "colour": "red" } })), &["types.twilio/text.colour"]),
        (one(json!({ "twilio/text": {} })), &["types.twilio/text.body"]),
        (one(json!({ "twilio/text": { "body": 7 } })), &["types.twilio/text.body"]),
        (one(text("")), &["types.twilio/text.body"]),
        (one(text("Hi {{first name}}")), &["types.twilio/text.body"]),
        (json!({ "language": "english", "types": text("x") }), &["language"]),
        (json!({ "language": 7, "types": text("x") }), &["language"]),
        (json!({ "language": "en", "types": text("x"), "variables": { "a b": "c" } }), &["variables.a b"]),
        (json!({ "language": "en", "types": text("x"), "variables": ["c"] }), &["variables"]),
        (json!({ "language": "en", "types": text("x"), "colour": "red" }), &["colour"]),
        (
            one(json!({ "twilio/quick-reply": { "body": "x".repeat(1_025), "actions": [{ "title": "y".repeat(26) }] } })),
            &["types.twilio/quick-reply.body", "types.twilio/quick-reply.actions[0].title"],
        ),
    ];
    for (body, fields) in bad {
        for (method, path) in [(Method::POST, "/contents".to_owned()), (Method::PUT, format!("/contents/{kept}"))] {
            // A change may leave the language out.
            let change = method == Method::PUT;
            let (status, refused) = shop.api.call(method, &shop.path(&path), Some(&body)).await;
            let fields: Vec<_> =
                fields.iter().filter(|f| !change || body.get("language").is_some() || **f != "language").collect();
            let (code, named) = told(&refused);
            assert_eq!((status, code.as_str()), (400, "ERROR_CODE_REQUEST_INVALID"), "{body}: {refused}");
            assert_eq!(named.iter().collect::<Vec<_>>(), fields, "{body}");
        }
    }
    let (status, refused) = shop
        .api
        .call(Method::PUT, &shop.path(&format!("/contents/{kept}")), Some(&json!({ "language": "de", "types": text("x") })))
        .await;
    assert_eq!((status, told(&refused).1), (400, vec!["language".to_owned()]));
    // A form that cannot be written in Meta's language for forms can never be sent.
    let form = json!({ "twilio/flows": { "body": "Book", "button_text": "Book", "type": "OTHER", "pages": [
        { "id": "first", "layout": [{ "type": "HOLOGRAM", "label": "x" }] }] } });
    let (status, refused) = shop.refused("/contents", &one(form)).await;
    assert_eq!(status, 400);
    assert!(told(&refused).1[0].starts_with("types.twilio/flows.pages[0]"), "{refused}");
    for query in ["colour=1", "type=card", "language=english", "search=%20", "pageToken=x", "pageSize=0"] {
        let (status, _) = shop.api.call(Method::GET, &shop.path(&format!("/contents?{query}")), None).await;
        assert_eq!(status, 400, "{query}");
    }
    assert_eq!(everything(&shop).await, before, "nothing of it was kept");
}

#[tokio::test]
async fn a_send_by_id_is_as_the_content_was_and_holds_it() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::open(dir.path());
    let phone = "+491706200001";
    shop.writer(phone).await;
    let (kept, _) = shop.keep(&words("Hi {{1}}, your parcel is here.")).await;
    let path = shop.path(&format!("/contents/{kept}"));
    let send = |more: Value| {
        let mut body = json!({ "to": phone, "contentId": kept, "variables": { "1": "Berta" } });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let sent = id(&shop.api.post(&shop.path("/messages"), &send(json!({}))).await);
    assert_eq!(shop.arrived(&sent).await["text"]["body"], "Hi Berta, your parcel is here.");
    // A sample stands in for what is left out.
    let sample = id(&shop.api.post(&shop.path("/messages"), &send(json!({ "variables": {} }))).await);
    assert_eq!(shop.arrived(&sample).await["text"]["body"], "Hi Ana, your parcel is here.");

    // What waits keeps its words and its content; what came before keeps its words.
    let now = shop.desk.get("/sim/v1/clock").await["nowMs"].as_i64().unwrap();
    let later = jiff::Timestamp::from_millisecond(now + 3_600_000).unwrap().to_string();
    let waiting = id(&shop.api.post(&shop.path("/messages"), &send(json!({ "sendAt": later }))).await);
    let (status, _) = shop.api.call(Method::PUT, &path, Some(&words("Bye {{1}}, all is over."))).await;
    assert_eq!(status, 200);
    let (status, refused) = shop.api.call(Method::DELETE, &path, None).await;
    assert_eq!((status, told(&refused).0.as_str()), (409, "ERROR_CODE_CONTENT_IN_USE"));
    let message = shop.api.get(&shop.path(&format!("/messages/{sent}"))).await;
    assert_eq!((&message["content"]["contentId"], &message["content"]["variables"]["1"]), (&json!(kept), &json!("Berta")));
    assert_eq!(message["content"]["content"]["types"]["twilio/text"]["body"], "Hi {{1}}, your parcel is here.");
    // The change counts from the next send on.
    let newer = id(&shop.api.post(&shop.path("/messages"), &send(json!({}))).await);
    assert_eq!(shop.arrived(&newer).await["text"]["body"], "Bye Berta, all is over.");
    let keyed = id(&shop.keyed("/messages", "once", &send(json!({}))).await.json);
    shop.arrived(&keyed).await;
    shop.turn(3_600).await;
    assert_eq!(shop.arrived(&waiting).await["text"]["body"], "Hi Berta, your parcel is here.");
    assert_eq!(shop.api.call(Method::DELETE, &path, None).await.0, 200);
    // What was accepted is replayed all the same.
    let again = shop.keyed("/messages", "once", &send(json!({}))).await;
    assert_eq!((again.status, again.replayed, id(&again.json)), (201, true, keyed));
    // Gone: named clearly, in a send and in a question.
    for way in ["/messages", "/verdicts"] {
        let (status, refused) = shop.refused(way, &send(json!({}))).await;
        assert_eq!((status, told(&refused)), (400, ("ERROR_CODE_CONTENT_NOT_FOUND".to_owned(), vec!["contentId".to_owned()])));
    }
}

#[tokio::test]
async fn sends_by_id_are_refused_by_name_and_leave_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::open(dir.path());
    let phone = "+491706200002";
    shop.writer(phone).await;
    let (kept, _) =
        shop.keep(&json!({ "language": "en", "types": { "twilio/text": { "body": "Hi {{1}} and {{name}}." } } })).await;
    let bad: [(Value, &str); 8] = [
        (json!({ "contentId": "x" }), "contentId"),
        (json!({ "contentId": "01K5Z3V8Q4M9W2N7T6R1XBCDEF" }), "contentId"),
        (json!({ "contentId": 7 }), "contentId"),
        (json!({ "contentId": kept, "content": { "language": "en", "types": { "twilio/text": { "body": "x" } } } }), "content"),
        (json!({ "contentId": kept, "variables": { "1": "a" } }), "variables.name"),
        (json!({ "contentId": kept, "variables": { "1": "a", "name": "b", "2": "c" } }), "variables.2"),
        (json!({ "contentId": kept, "variables": { "1": "a\nb", "name": "b" } }), "variables.1"),
        (json!({ "contentId": kept, "variables": { "1": "", "name": "b" } }), "variables.1"),
    ];
    for (mut body, field) in bad {
        body["to"] = json!(phone);
        for way in ["/messages", "/verdicts"] {
            let (status, refused) = shop.refused(way, &body).await;
            assert_eq!((status, told(&refused).1), (400, vec![field.to_owned()]), "{body}: {refused}");
        }
    }
    let outbound = shop.api.get(&shop.path("/messages?direction=outbound")).await;
    assert_eq!(outbound["data"], json!([]), "nothing was accepted");
}

#[tokio::test]
async fn the_richest_that_may_go_is_taken_and_the_message_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::open(dir.path());
    let phone = "+491706200003";
    shop.writer(phone).await;
    let (kept, _) = shop
        .keep(&json!({ "language": "en", "variables": { "1": "Ana" }, "types": {
            "twilio/text": { "body": "Hi {{1}}, reply 1 or 2." },
            "twilio/quick-reply": { "body": "Hi {{1}}, which one?", "actions": [{ "title": "One" }, { "title": "Two" }] },
            "twilio/card": { "title": "Hi {{1}}, call us.", "subtitle": "Shop",
                "actions": [{ "type": "PHONE_NUMBER", "title": "Call", "phone": "+493023125000" }] },
            "twilio/flows": { "body": "Hi {{1}}, book here.", "button_text": "Book", "type": "OTHER", "pages": [
                { "id": "a", "title": "Visit", "layout": [{ "type": "SHORT_TEXT", "label": "Day", "text": "Day" }] }] },
        } }))
        .await;
    let sent = shop.api.post(&shop.path("/messages"), &json!({ "to": phone, "contentId": kept })).await;
    let past = |verdict: &Value| -> Vec<(String, String)> {
        let word = |value: &Value| value.as_str().unwrap().to_owned();
        let others = verdict["passedOver"].as_array().unwrap();
        assert!(others.iter().all(|other| !word(&other["explanation"]).is_empty()));
        others.iter().map(|other| (word(&other["contentType"]), word(&other["reason"]))).collect()
    };
    let pair = |kind: &str, reason: &str| (kind.to_owned(), reason.to_owned());
    let richer = [pair("twilio/flows", "type_needs_approval"), pair("twilio/card", "buttons_need_approval")];
    assert_eq!((&sent["verdict"]["contentType"], past(&sent["verdict"])), (&json!("twilio/quick-reply"), richer.to_vec()));
    assert_eq!(shop.arrived(&id(&sent)).await["interactive"]["type"], "button");
    let message = shop.api.get(&shop.path(&format!("/messages/{}", id(&sent)))).await;
    assert_eq!(past(&message["verdict"]), richer);
    // Out of a session nothing goes yet: the richest one's reason first, then the others'.
    shop.customer("+491706200004", json!({})).await;
    let asked = shop.api.post(&shop.path("/verdicts"), &json!({ "to": "+491706200004", "contentId": kept })).await;
    assert_eq!((&asked["kind"], &asked["contentType"]), (&json!("needs_approval"), &json!("twilio/flows")));
    assert_eq!(past(&asked).len(), 3);
}
