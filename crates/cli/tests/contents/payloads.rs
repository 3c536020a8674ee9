//! Each case goes through create, lint, submit, approve, and is sent in and out of a session; what Graph received of it is kept in
//! `snapshots/`, one file per case.
//!
//! The snapshots were reviewed one by one against Meta's pages: creations against templates/components, the pages of carousel,
//! catalog, multi-product, coupon and authentication templates and flows/reference/flowjson; sends against messages/* of each type
//! and messages/template-messages. Review them the same way when one changes, never against the code.

use futures::FutureExt as _;
use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::cases::{Case, Free, Stock, cases};
use crate::common::until;
use crate::shop::{Shop, id};

/// Files that Meta and the gateway can fetch, as long as it is there.
pub(crate) async fn files() -> String {
    let serve = |uri: axum::http::Uri| async move {
        let (kind, bytes): (&str, Vec<u8>) = match uri.path().rsplit('.').next() {
            Some("png") => ("image/png", PIXEL.to_vec()),
            Some("mp4") => ("video/mp4", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom".to_vec()),
            Some("pdf") => ("application/pdf", b"%PDF-1.4\n%%EOF\n".to_vec()),
            _ => ("audio/mpeg", b"ID3".to_vec()),
        };
        ([("content-type", kind)], bytes)
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    // This machine, as an address that the simulator does not know for one that Meta could not reach.
    let base = format!("http://[::ffff:127.0.0.1]:{}", listener.local_addr().unwrap().port());
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback(serve)).await.unwrap() });
    base
}

/// One white pixel.
const PIXEL: &[u8] = &[
    0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, b'I', b'H', b'D', b'R', 0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0,
    0x3a, 0x7e, 0x9b, 0x55, 0, 0, 0, 10, b'I', b'D', b'A', b'T', 0x78, 0x9c, 0x63, 0xf8, 0x0f, 0, 1, 1, 1, 0, 0x1b, 0xb6, 0xee,
    0x56, 0, 0, 0, 0, b'I', b'E', b'N', b'D', 0xae, 0x42, 0x60, 0x82,
];

pub(crate) async fn stock(shop: &Shop) -> Stock {
    let catalog = shop.env["META_CATALOG_ID"].clone();
    let token = &shop.env["META_ACCESS_TOKEN"];
    let listed = shop.desk.get(&format!("/v25.0/{catalog}/products?fields=retailer_id&access_token={token}")).await;
    let product = |n: usize| listed["data"][n]["retailer_id"].as_str().unwrap().to_owned();
    Stock { files: files().await, products: [product(0), product(1)], catalog }
}

impl Shop {
    /// Keeps content; gives its id and what was answered.
    pub(crate) async fn keep(&self, content: &Value) -> (String, Value) {
        let answer = self.api.post(&self.path("/contents"), content).await;
        (id(&answer), answer)
    }

    /// Submits content; the approval as it was answered.
    pub(crate) async fn submit(&self, content: &str, name: &str, category: &str) -> Value {
        let ask = json!({ "name": name, "category": category });
        self.api.post(&self.path(&format!("/contents/{content}/approvals")), &ask).await
    }

    /// The submissions of a content, once the last one has a status.
    pub(crate) async fn followed(&self, content: &str, status: &str) -> Value {
        let path = self.path(&format!("/contents/{content}/approvals"));
        until(status, || async {
            let list = self.api.get(&path).await;
            let last = list["data"].as_array().unwrap().last().cloned().unwrap();
            (last["status"] == status).then_some(last)
        })
        .await
    }

    /// Lets the desk decide about a submission, and waits until the gateway knows.
    pub(crate) async fn decide(&self, content: &str, approval: &Value, decision: Value, status: &str) -> Value {
        let path = format!("/sim/v1/templates/{}/review", approval["templateId"].as_str().unwrap());
        self.desk.post(&path, &decision).await;
        self.followed(content, status).await
    }

    /// The last body that Graph received for creating a template of this name.
    pub(crate) async fn created_as(&self, name: &str) -> Option<Value> {
        let mut found = None;
        let mut after = json!(0);
        loop {
            let page = self.desk.get(&format!("/sim/v1/requests?limit=1000&after={after}")).await;
            let calls = page["data"].as_array().unwrap();
            let Some(last) = calls.last() else { return found };
            after = last["seq"].clone();
            let creation = |call: &&Value| {
                call["method"] == "POST"
                    && call["path"].as_str().is_some_and(|path| path.contains("/message_templates"))
                    && call["body"]["name"] == name
            };
            found = calls.iter().rfind(creation).map(|call| call["body"].clone()).or(found);
        }
    }
}

/// A body of Graph's without what differs from run to run.
fn steady(body: Value, stock: &Stock) -> Value {
    let mut text = body;
    if let Some(object) = text.as_object_mut() {
        for one in ["to", "biz_opaque_callback_data"] {
            object.remove(one);
        }
    }
    walk(&mut text, stock);
    text
}

fn walk(value: &mut Value, stock: &Stock) {
    match value {
        Value::Object(object) => object.values_mut().for_each(|v| walk(v, stock)),
        Value::Array(items) => items.iter_mut().for_each(|v| walk(v, stock)),
        Value::String(text) => {
            let plain = text.replace(&stock.files, "https://files.example").replace(&stock.catalog, "CATALOG");
            let plain = plain.replace(&stock.products[0], "PRODUCT-1").replace(&stock.products[1], "PRODUCT-2");
            *text = if plain.starts_with("4::") { "HANDLE".to_owned() } else { plain };
            // Forms are JSON within JSON: shown as what they are.
            if text.starts_with("{\"")
                && let Ok(inner) = serde_json::from_str(text)
            {
                *value = inner;
            }
        }
        _ => {}
    }
}

/// Walks one case through everything; gives what Graph received.
async fn walked(shop: &Shop, stock: &Stock, case: &Case, number: usize) -> Value {
    let name = case.name;
    let content = json!({ "friendlyName": name, "language": "en", "types": { case.kind: case.body }, "variables": case.samples });
    let (kept, answer) = shop.keep(&content).await;
    let errors: Vec<_> = answer["warnings"].as_array().unwrap().iter().filter(|f| f["severity"] == "error").collect();
    assert!(errors.is_empty(), "{name}: nothing that is only kept is an error: {errors:?}");
    let stranger = format!("+4917060{number:05}");
    let writer = format!("+4917061{number:05}");
    shop.customer(&stranger, json!({})).await;
    shop.writer(&writer).await;
    let send = |to: &str| json!({ "to": to, "contentId": kept, "variables": case.values });
    let mut graph = Map::new();
    let mut refused = async |to: &str, when: &str| {
        let (status, refused) = shop.refused("/messages", &send(to)).await;
        assert_eq!(status, 400, "{name}: {refused}");
        assert_eq!(refused["details"]["verdict"]["contentType"], case.kind, "{name}");
        let verdict = &refused["details"]["verdict"];
        graph
            .insert(when.to_owned(), json!({ "refused": refused["code"], "kind": verdict["kind"], "reason": verdict["reason"] }));
    };

    // As it is: never out of a session; in one as a session message, or not at all.
    refused(&stranger, "1 out of a session, not approved").await;
    match case.free {
        Free::Never => refused(&writer, "2 in a session, not approved").await,
        Free::Session => {
            let sent = shop.api.post(&shop.path("/messages"), &send(&writer)).await;
            assert_eq!(
                (&sent["verdict"]["sentAs"], &sent["verdict"]["contentType"]),
                (&json!("session"), &json!(case.kind)),
                "{name}"
            );
            let body = shop.arrived(&id(&sent)).await;
            graph.insert("2 in a session, not approved".to_owned(), steady(body, stock));
        }
    }
    let Some(category) = case.category else {
        let ask = json!({ "name": name, "category": "UTILITY" });
        let (status, refused) = shop.refused(&format!("/contents/{kept}/approvals"), &ask).await;
        // Lists and places can never be templates; a voice message can be no header of one.
        let code = if case.kind == "twilio/media" { "TEMPLATE_INVALID" } else { "CONTENT_NEVER_SUBMITTABLE" };
        assert_eq!((status, &refused["code"]), (400, &json!(format!("ERROR_CODE_{code}"))), "{name}: {refused}");
        assert_eq!(shop.created_as(name).await, None, "{name} never left");
        return Value::Object(graph);
    };

    // Submitted and approved: out of a session as the template; in one as before, or as the template.
    let approval = shop.submit(&kept, name, category).await;
    assert_eq!((&approval["status"], &approval["contentType"]), (&json!("PENDING"), &json!(case.kind)), "{name}: {approval}");
    graph.insert("3 create".to_owned(), steady(shop.created_as(name).await.unwrap(), stock));
    shop.decide(&kept, &approval, json!({ "decision": "approve" }), "APPROVED").await;
    // The templates in memory follow what is stored by a moment.
    until("the verdict that it goes as a template", || async {
        let verdict = shop.api.post(&shop.path("/verdicts"), &send(&stranger)).await;
        (verdict["kind"] == "template").then_some(())
    })
    .await;
    let outside = shop.api.post(&shop.path("/messages"), &send(&stranger)).await;
    assert_eq!(
        (&outside["verdict"]["sentAs"], &outside["verdict"]["template"]["name"]),
        (&json!("template"), &json!(name)),
        "{name}"
    );
    graph.insert("4 out of a session, approved".to_owned(), steady(shop.arrived(&id(&outside)).await, stock));
    let inside = shop.api.post(&shop.path("/messages"), &send(&writer)).await;
    let body = steady(shop.arrived(&id(&inside)).await, stock);
    match case.free {
        Free::Session => {
            assert_eq!(inside["verdict"]["sentAs"], "session", "{name}");
            assert_eq!(graph.get("2 in a session, not approved"), Some(&body), "{name}: approval changes nothing in a session");
        }
        Free::Never => {
            assert_eq!(inside["verdict"]["sentAs"], "template", "{name}");
            assert_eq!(graph.get("4 out of a session, approved"), Some(&body), "{name}: a template is the same in a session");
        }
    }
    // What the phone shows is there for both: Meta has taken each payload for what it is.
    for phone in [&stranger, &writer] {
        assert!(!shop.inbox(phone).await.is_empty(), "{name}");
    }
    Value::Object(graph)
}

#[tokio::test]
async fn every_type_in_every_button_mix_goes_all_the_way() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::open(dir.path());
    let stock = stock(&shop).await;
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let mut wrong = Vec::new();
    let only = std::env::var("TRANSOM_TEST_CASE").ok();
    for (number, case) in cases(&stock).into_iter().enumerate().filter(|(_, c)| only.as_ref().is_none_or(|o| c.name == o)) {
        let walked = std::panic::AssertUnwindSafe(walked(&shop, &stock, &case, number)).catch_unwind().await;
        let Ok(graph) = walked else {
            wrong.push(case.name);
            continue;
        };
        let same = settings.bind(|| std::panic::catch_unwind(|| insta::assert_json_snapshot!(case.name, graph)));
        if same.is_err() {
            wrong.push(case.name);
        }
    }
    assert!(wrong.is_empty(), "do not go all the way, or not as they were reviewed: {wrong:?}");
    let (status, _) = shop.api.call(Method::GET, &shop.path("/contents?type=twilio/card&pageSize=200"), None).await;
    assert_eq!(status, 200);
}
