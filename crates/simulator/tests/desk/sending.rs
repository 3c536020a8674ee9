//! Sends: what is refused at once, what fails later, and how a message gets to the phone.

use crate::common::{Desk, each, statuses};
use serde_json::{Value, json};

#[tokio::test]
async fn a_reply_in_the_session_is_sent_delivered_and_read() {
    let (desk, business) = Desk::with_business().await;
    let ana = desk.customer(json!({ "phone": "+4915112345678", "name": "Ana" })).await;
    desk.writes(&ana, "Hello").await;
    let sent = desk
        .send("+49 151 1234-5678", json!({ "type": "text", "text": { "body": "Hi Ana" }, "biz_opaque_callback_data": "m1.1" }))
        .await;
    assert_eq!(sent.status, 200, "{}", sent.body);
    assert_eq!(sent.body["contacts"][0], json!({ "input": "+49 151 1234-5678", "wa_id": "4915112345678" }));
    assert!(sent.body["messages"][0].get("message_status").is_none());
    desk.turn(1).await;
    let wamid = sent.wamid();
    let heard = business.take();
    let mut got = statuses(&heard);
    got.sort();
    assert_eq!(got, [(wamid.clone(), "delivered".to_owned()), (wamid.clone(), "sent".to_owned())]);
    for status in each(&heard, "statuses") {
        assert_eq!(status["biz_opaque_callback_data"], "m1.1");
        assert_eq!(status["pricing"]["type"], "free_customer_service");
        assert!(status.get("conversation").is_none());
    }
    let inbox = desk.sim("GET", "customers/+4915112345678/inbox", &json!({})).await;
    let last = inbox["data"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((last["wamid"].as_str().unwrap(), last["message"]["text"]["body"].as_str().unwrap()), (wamid.as_str(), "Hi Ana"));
    desk.sim("POST", "customers/4915112345678/reads", &json!({})).await;
    desk.turn(1).await;
    assert_eq!(statuses(&business.take()), [(wamid, "read".to_owned())]);
    let state = desk.sim("GET", "state", &json!({})).await;
    assert_eq!(state["messages"]["byStatus"]["read"], 1);
    assert_eq!(state["webhooks"]["owed"], 0);
}

#[tokio::test]
async fn outside_the_window_it_is_200_first_and_131047_afterwards() {
    let (desk, business) = Desk::with_business().await;
    let ana = desk.customer(json!({ "phone": "+4915112345678", "name": "Ana" })).await;
    let check = async |expected: &str, message: Value| {
        let sent = desk.send("+4915112345678", message).await;
        assert_eq!(sent.status, 200, "{}", sent.body);
        desk.turn(1).await;
        let heard = business.take();
        let status = each(&heard, "statuses").into_iter().find(|status| status["id"] == sent.wamid().as_str()).unwrap();
        assert_eq!(status["status"].as_str().unwrap(), expected);
        heard
    };
    let text = || json!({ "type": "text", "text": { "body": "Hi" } });
    let heard = check("failed", text()).await;
    assert_eq!(each(&heard, "statuses")[0]["errors"][0]["code"], 131_047);
    assert!(each(&heard, "contacts").is_empty());
    let list = json!({ "type": "interactive", "interactive": { "type": "list", "body": { "text": "Pick" }, "action": {
        "button": "Open", "sections": [{ "rows": [{ "id": "a", "title": "A" }] }] } } });
    check("failed", list).await;
    check("failed", json!({ "type": "location", "location": { "latitude": "52.5", "longitude": 13.4 } })).await;
    desk.writes(&ana, "Hello").await;
    desk.turn(86_390).await;
    business.take();
    check("sent", text()).await;
    desk.turn(10).await;
    business.take();
    check("failed", text()).await;
    // A call opens it again.
    desk.sim("POST", &format!("customers/{}/calls", ana["id"].as_str().unwrap()), &json!({})).await;
    check("sent", text()).await;
}

/// (what, body, code, HTTP status)
fn refusals() -> Vec<(&'static str, Value, u64, u16)> {
    let long = "x".repeat(4_097);
    vec![
        ("an unknown field", json!({ "type": "text", "text": { "bodi": "Hi" } }), 100, 400),
        ("an unknown field on top", json!({ "type": "text", "text": { "body": "Hi" }, "extra": 1 }), 100, 400),
        ("a long text", json!({ "type": "text", "text": { "body": long } }), 100, 400),
        ("a missing body", json!({ "type": "text", "text": {} }), 131_008, 400),
        ("a missing object", json!({ "type": "image" }), 131_008, 400),
        ("an unknown type", json!({ "type": "poll", "poll": {} }), 100, 400),
        (
            "an image of two sources",
            json!({ "type": "image", "image": { "id": "1", "link": "https://example.com/a.png" } }),
            100,
            400,
        ),
        ("an image of none", json!({ "type": "image", "image": {} }), 131_008, 400),
        ("media nobody put up", json!({ "type": "image", "image": { "id": "17" } }), 100, 400),
        (
            "a caption on audio",
            json!({ "type": "audio", "audio": { "link": "https://example.com/a.ogg", "caption": "x" } }),
            100,
            400,
        ),
        ("a location off the map", json!({ "type": "location", "location": { "latitude": 91, "longitude": 0 } }), 100, 400),
        (
            "a contact with half a name",
            json!({ "type": "contacts", "contacts": [{ "name": { "formatted_name": "A" } }] }),
            131_008,
            400,
        ),
        (
            "a quote in a reaction",
            json!({ "type": "reaction", "reaction": { "message_id": "wamid.A", "emoji": "x" }, "context": { "message_id": "wamid.B" } }),
            100,
            400,
        ),
        (
            "four buttons",
            json!({ "type": "interactive", "interactive": { "type": "button", "body": { "text": "?" }, "action": { "buttons":
            (0..4).map(|n| json!({ "type": "reply", "reply": { "id": n.to_string(), "title": format!("B{n}") } })).collect::<Vec<_>>() } } }),
            100,
            400,
        ),
        (
            "the same button twice",
            json!({ "type": "interactive", "interactive": { "type": "button", "body": { "text": "?" }, "action": { "buttons":
            [{ "type": "reply", "reply": { "id": "a", "title": "A" } }, { "type": "reply", "reply": { "id": "a", "title": "B" } }] } } }),
            100,
            400,
        ),
        (
            "a long button",
            json!({ "type": "interactive", "interactive": { "type": "button", "body": { "text": "?" }, "action": { "buttons":
            [{ "type": "reply", "reply": { "id": "a", "title": "x".repeat(21) } }] } } }),
            100,
            400,
        ),
        (
            "eleven rows in two sections",
            json!({ "type": "interactive", "interactive": { "type": "list", "body": { "text": "?" }, "action": { "button": "Open", "sections":
            [rows("one", 0, 6), rows("two", 6, 5)] } } }),
            100,
            400,
        ),
        (
            "a list with a picture above",
            json!({ "type": "interactive", "interactive": { "type": "list", "header": { "type": "image", "image": { "link": "https://example.com/a.png" } },
            "body": { "text": "?" }, "action": { "button": "Open", "sections": [rows("one", 0, 1)] } } }),
            100,
            400,
        ),
        (
            "one card",
            json!({ "type": "interactive", "interactive": { "type": "carousel", "body": { "text": "?" }, "action": { "cards": [{}] } } }),
            100,
            400,
        ),
        (
            "an unknown product",
            json!({ "type": "interactive", "interactive": { "type": "product", "action": { "catalog_id": "1", "product_retailer_id": "x" } } }),
            131_009,
            400,
        ),
        (
            "a template that is not there",
            json!({ "type": "template", "template": { "name": "none", "language": { "code": "en" } } }),
            132_001,
            404,
        ),
        ("direct send", json!({ "type": "text", "text": { "body": "Hi" }, "category": "utility" }), 139_200, 400),
        ("a group", json!({ "recipient_type": "group", "type": "text", "text": { "body": "Hi" } }), 131_215, 400),
    ]
}

fn rows(title: &str, from: usize, count: usize) -> Value {
    let rows: Vec<Value> = (from..from + count).map(|n| json!({ "id": n.to_string(), "title": format!("R{n}") })).collect();
    json!({ "title": title, "rows": rows })
}

#[tokio::test]
async fn what_meta_checks_at_once_is_refused_at_once() {
    let desk = Desk::open().await;
    desk.customer(json!({ "phone": "+4915112345678", "name": "Ana" })).await;
    for (what, message, code, status) in refusals() {
        let answer = desk.send("+4915112345678", message).await;
        assert_eq!((answer.code(), answer.status), (Some(code), status), "{what}: {}", answer.body);
        let error = &answer.body["error"];
        assert!(error["message"].as_str().unwrap().starts_with(&format!("(#{code}) ")), "{what}");
        assert!(!error["error_data"]["details"].as_str().unwrap().is_empty(), "{what}");
        assert!(error["fbtrace_id"].as_str().unwrap().starts_with('A'), "{what}");
    }
    assert_eq!(desk.sim("GET", "state", &json!({})).await["messages"]["total"], 0);
}

#[tokio::test]
async fn tokens_versions_ids_and_json_are_checked() {
    let desk = Desk::open().await;
    let messages = format!("{}/messages", desk.id.phone_number_id);
    let text = json!({ "messaging_product": "whatsapp", "to": "+4915112345678", "text": { "body": "Hi" } });
    let bad = desk.call_with("nonsense", "POST", &messages, Some(&text)).await;
    assert_eq!((bad.code(), bad.status), (Some(190), 401));
    let old = desk.call_with(&desk.id.access_token, "POST", &format!("v20.0/{messages}"), Some(&text)).await;
    assert_eq!((old.code(), old.status), (Some(2635), 400));
    let bare = desk.call_with(&desk.id.access_token, "POST", &messages, Some(&text)).await;
    assert_eq!(bare.status, 200, "the version may be left out: {}", bare.body);
    let nobody = desk.graph("POST", "17/messages", Some(&text)).await;
    assert_eq!((nobody.code(), nobody.body["error"]["error_subcode"].as_u64()), (Some(100), Some(33)));
    let list = desk.graph("POST", &messages, Some(&json!(["x"]))).await;
    assert_eq!(list.code(), Some(100));
    let other =
        desk.graph("POST", &messages, Some(&json!({ "messaging_product": "sms", "to": "+49", "text": { "body": "x" } }))).await;
    assert_eq!(other.code(), Some(100));
    let nowhere = desk.graph("POST", &messages, Some(&json!({ "messaging_product": "whatsapp", "text": { "body": "x" } }))).await;
    assert_eq!(nowhere.code(), Some(131_008));
}

#[tokio::test]
async fn senders_and_recipients_are_checked() {
    let desk = Desk::open().await;
    desk.customer(json!({ "phone": "+4915112345678", "name": "Ana" })).await;
    let number = format!("numbers/{}", desk.id.phone_number_id);
    assert_eq!(desk.text(&desk.id.display_number).await.code(), Some(131_021));
    assert_eq!(desk.text("not a number").await.code(), Some(131_009));
    desk.sim("PATCH", &number, &json!({ "registered": false })).await;
    assert_eq!(desk.text("+4915112345678").await.code(), Some(133_010));
    let pin = |pin: &str| json!({ "messaging_product": "whatsapp", "pin": pin });
    let register = format!("{}/register", desk.id.phone_number_id);
    assert_eq!(desk.graph("POST", &register, Some(&pin("12345"))).await.code(), Some(100));
    assert_eq!(desk.graph("POST", &register, Some(&pin("123456"))).await.body, json!({ "success": true }));
    assert_eq!(desk.graph("POST", &register, Some(&pin("654321"))).await.code(), Some(133_005));
    assert_eq!(desk.text("+4915112345678").await.status, 200);
    desk.sim("PATCH", &number, &json!({ "testNumber": true, "allowed": ["+4915100000000"] })).await;
    assert_eq!(desk.text("+4915112345678").await.code(), Some(131_030));
    desk.sim("PATCH", &number, &json!({ "allowed": ["+4915112345678"] })).await;
    assert_eq!(desk.text("+4915112345678").await.status, 200);
}

#[tokio::test]
async fn throttles_are_http_400() {
    let desk = Desk::open().await;
    desk.customer(json!({ "phone": "+4915112345678", "name": "Ana" })).await;
    let number = format!("numbers/{}", desk.id.phone_number_id);
    desk.sim("PATCH", &number, &json!({ "throughput": 0 })).await;
    let answer = desk.text("+4915112345678").await;
    assert_eq!((answer.code(), answer.status), (Some(130_429), 400));
    desk.sim("PATCH", "settings", &json!({ "throttleAs429": true })).await;
    assert_eq!(desk.text("+4915112345678").await.status, 429);
    desk.sim("PATCH", "settings", &json!({ "throttleAs429": false, "pairBurst": 2 })).await;
    desk.sim("PATCH", &number, &json!({ "throughput": 1_000_000 })).await;
    assert_eq!(desk.text("+4915112345678").await.status, 200);
    assert_eq!(desk.text("+4915112345678").await.status, 200);
    let answer = desk.text("+4915112345678").await;
    assert_eq!((answer.code(), answer.status), (Some(131_056), 400));
    desk.turn(6).await;
    assert_eq!(desk.text("+4915112345678").await.status, 200);
    desk.sim("PATCH", "settings", &json!({ "managementCallsPerHour": 1 })).await;
    let list = format!("{}/message_templates", desk.id.waba_id);
    assert_eq!(desk.graph("GET", &list, None).await.status, 200);
    let answer = desk.graph("GET", &list, None).await;
    assert_eq!((answer.code(), answer.status), (Some(80_007), 400));
}

#[tokio::test]
async fn what_meta_only_says_later_comes_later() {
    let (desk, business) = Desk::with_business().await;
    let marketing = json!({ "name": "sale", "language": "en", "category": "MARKETING", "components": [{ "type": "BODY", "text": "Everything must go today." }] });
    desk.approved(&marketing).await;
    let utility = json!({ "name": "ready", "language": "en", "category": "UTILITY", "components": [{ "type": "BODY", "text": "Your order is ready now." }] });
    desk.approved(&utility).await;
    for (phone, flags) in [
        ("+4915112345671", json!([])),
        ("+4915112345672", json!(["not_on_whatsapp"])),
        ("+4915112345673", json!(["opted_out"])),
        ("+4915112345674", json!(["capped"])),
        ("+4915112345675", json!(["experiment"])),
        ("+12125550123", json!([])),
    ] {
        desk.customer(json!({ "phone": phone, "name": "C", "flags": flags })).await;
    }
    let template = |name: &str| json!({ "type": "template", "template": { "name": name, "language": { "code": "en" } } });
    for (to, name, expected) in [
        ("+4915112345671", "sale", None),
        ("+4915112345672", "sale", Some(131_026)),
        ("+4915112345673", "sale", Some(131_050)),
        ("+4915112345673", "ready", None),
        ("+4915112345674", "sale", Some(131_049)),
        ("+4915112345674", "ready", None),
        ("+4915112345675", "sale", Some(130_472)),
        ("+12125550123", "sale", Some(131_049)),
        ("+12125550123", "ready", None),
        ("+4915199999999", "ready", Some(131_026)),
    ] {
        let sent = desk.send(to, template(name)).await;
        assert_eq!(sent.status, 200, "{to} {name}: {}", sent.body);
        assert_eq!(sent.body["messages"][0]["message_status"], "accepted");
        desk.turn(1).await;
        let heard = each(&business.take(), "statuses");
        let last = heard.iter().filter(|status| status["id"] == sent.wamid().as_str());
        let codes: Vec<Option<u64>> = last.map(|status| status["errors"][0]["code"].as_u64()).collect();
        assert!(!codes.is_empty() && codes.iter().all(|code| *code == expected), "{to} {name}: {codes:?}");
    }
}

#[tokio::test]
async fn media_links_that_meta_cannot_fetch_fail_later() {
    let (desk, business) = Desk::with_business().await;
    let ana = desk.customer(json!({ "phone": "+4915112345678", "name": "Ana" })).await;
    desk.writes(&ana, "Hello").await;
    desk.turn(1).await;
    business.take();
    for (link, expected) in [
        ("https://example.com/a.png", None),
        ("https://example.com/unfetchable/a.png", Some(131_053)),
        ("http://127.0.0.1:9/a.png", Some(131_053)),
    ] {
        let sent = desk.send("+4915112345678", json!({ "type": "image", "image": { "link": link } })).await;
        assert_eq!(sent.status, 200);
        desk.turn(1).await;
        let codes: Vec<_> =
            each(&business.take(), "statuses").iter().map(|status| status["errors"][0]["code"].as_u64()).collect();
        assert!(!codes.is_empty() && codes.iter().all(|code| *code == expected), "{link}: {codes:?}");
    }
}

#[tokio::test]
async fn user_ids_go_in_recipient_and_vanish_in_to() {
    let (desk, business) = Desk::with_business().await;
    let ana = desk.customer(json!({ "phone": "+4915112345678", "name": "Ana" })).await;
    let user_id = ana["userId"].as_str().unwrap().to_owned();
    desk.writes(&ana, "Hello").await;
    desk.turn(1).await;
    business.take();
    let messages = format!("{}/messages", desk.id.phone_number_id);
    let body = json!({ "messaging_product": "whatsapp", "recipient": user_id, "type": "text", "text": { "body": "Hi" } });
    let sent = desk.graph("POST", &messages, Some(&body)).await;
    assert_eq!(sent.body["contacts"][0], json!({ "input": user_id, "user_id": user_id }));
    desk.turn(1).await;
    assert_eq!(each(&business.take(), "statuses")[0]["recipient_user_id"], user_id);
    let lost = desk.text(&user_id).await;
    assert_eq!(lost.status, 200);
    desk.turn(60).await;
    assert!(business.take().is_empty());
    let bad = json!({ "messaging_product": "whatsapp", "recipient": "ana", "type": "text", "text": { "body": "Hi" } });
    assert_eq!(desk.graph("POST", &messages, Some(&bad)).await.code(), Some(131_009));
}

#[tokio::test]
async fn the_wa_id_differs_in_brazil_and_mexico() {
    let desk = Desk::open().await;
    for (input, wa_id) in
        [("+5511987654321", "551187654321"), ("+5215512345678", "525512345678"), ("+4915112345678", "4915112345678")]
    {
        assert_eq!(desk.text(input).await.body["contacts"][0], json!({ "input": input, "wa_id": wa_id }));
    }
}

#[tokio::test]
async fn offline_phones_get_it_when_they_come_back_unless_its_time_is_over() {
    let (desk, business) = Desk::with_business().await;
    let ana = desk.customer(json!({ "phone": "+4915112345678", "name": "Ana" })).await;
    desk.writes(&ana, "Hello").await;
    let path = format!("customers/{}", ana["id"].as_str().unwrap());
    desk.sim("PATCH", &path, &json!({ "online": false })).await;
    let sent = desk.text("+4915112345678").await.wamid();
    desk.turn(3_600).await;
    assert_eq!(statuses(&business.take()), [(sent.clone(), "sent".to_owned())]);
    desk.sim("PATCH", &path, &json!({ "online": true, "autoRead": true })).await;
    desk.turn(1).await;
    let mut got = statuses(&business.take());
    got.sort();
    assert_eq!(got, [(sent.clone(), "delivered".to_owned()), (sent, "read".to_owned())]);
    desk.sim("PATCH", &path, &json!({ "online": false })).await;
    desk.text("+4915112345678").await;
    desk.turn(31 * 86_400).await;
    business.take();
    desk.sim("PATCH", &path, &json!({ "online": true })).await;
    desk.turn(1).await;
    assert!(business.take().is_empty());
    assert_eq!(desk.sim("GET", "state", &json!({})).await["messages"]["byStatus"]["expired"], 1);
}

#[tokio::test]
async fn reactions_are_only_sent_and_need_a_target() {
    let (desk, business) = Desk::with_business().await;
    let ana = desk.customer(json!({ "phone": "+4915112345678", "name": "Ana" })).await;
    let inbound = desk.writes(&ana, "Hello").await;
    desk.turn(1).await;
    business.take();
    let react = |target: &str| json!({ "type": "reaction", "reaction": { "message_id": target, "emoji": "\u{1F44D}" } });
    let sent = desk.send("+4915112345678", react(&inbound)).await.wamid();
    desk.turn(1).await;
    assert_eq!(statuses(&business.take()), [(sent.clone(), "sent".to_owned())]);
    for target in ["wamid.none", sent.as_str()] {
        desk.send("+4915112345678", react(target)).await;
        desk.turn(1).await;
        assert_eq!(each(&business.take(), "statuses")[0]["errors"][0]["code"], 131_009);
    }
}

#[tokio::test]
async fn everything_free_form_that_the_documents_show_is_accepted() {
    let (desk, business) = Desk::with_business().await;
    let ana = desk.customer(json!({ "phone": "+4915112345678", "name": "Ana" })).await;
    let inbound = desk.writes(&ana, "Hello").await;
    let link = json!({ "link": "https://example.com/a" });
    let interactive = |value: Value| json!({ "type": "interactive", "interactive": value });
    let catalog = &desk.id.catalog_id;
    let body = json!({ "text": "Body" });
    let kinds = vec![
        json!({ "text": { "body": "without a type" } }),
        json!({ "type": "text", "text": { "body": "quoting", "preview_url": true }, "context": { "message_id": inbound } }),
        json!({ "type": "image", "image": link }),
        json!({ "type": "video", "video": link }),
        json!({ "type": "audio", "audio": link }),
        json!({ "type": "document", "document": { "link": "https://example.com/a.pdf", "filename": "a.pdf", "caption": "A" } }),
        json!({ "type": "sticker", "sticker": link }),
        json!({ "type": "location", "location": { "latitude": 52.5, "longitude": "13.4", "name": "N", "address": "A" } }),
        json!({ "type": "contacts", "contacts": "[{\"name\":{\"formatted_name\":\"A B\",\"first_name\":\"A\"}}]" }),
        json!({ "type": "contacts", "contacts": [{ "name": { "formatted_name": "A B", "first_name": "A" }, "phones": [{ "phone": "+1", "type": "CELL", "wa_id": "1" }], "org": { "company": "C" }, "birthday": "1990-01-31" }] }),
        interactive(
            json!({ "type": "cta_url", "header": { "type": "image", "image": link }, "body": body, "footer": { "text": "F" }, "action": { "name": "cta_url", "parameters": { "display_text": "See", "url": "https://example.com" } } }),
        ),
        interactive(json!({ "type": "location_request_message", "body": body, "action": { "name": "send_location" } })),
        interactive(json!({ "type": "product", "action": { "catalog_id": catalog, "product_retailer_id": "sku-mug" } })),
        interactive(
            json!({ "type": "product_list", "header": { "type": "text", "text": "H" }, "body": body, "action": { "catalog_id": catalog, "sections": [{ "title": "T", "product_items": [{ "product_retailer_id": "sku-mug" }] }] } }),
        ),
        interactive(
            json!({ "type": "catalog_message", "body": body, "action": { "name": "catalog_message", "parameters": { "thumbnail_product_retailer_id": "sku-tea" } } }),
        ),
        interactive(
            json!({ "type": "flow", "body": body, "action": { "name": "flow", "parameters": { "flow_message_version": "3", "flow_id": "1", "flow_cta": "Open", "flow_action": "navigate", "flow_action_payload": { "screen": "S", "data": { "k": "v" } } } } }),
        ),
        interactive(
            json!({ "type": "carousel", "body": body, "action": { "cards": (0..2).map(|n| json!({ "card_index": n, "type": "cta_url", "header": { "type": "image", "image": link }, "body": { "text": "C" }, "action": { "name": "cta_url", "parameters": { "display_text": "See", "url": "https://example.com" } } })).collect::<Vec<_>>() } }),
        ),
        interactive(json!({ "type": "call_permission_request", "action": { "name": "call_permission_request" } })),
        interactive(
            json!({ "type": "voice_call", "body": body, "action": { "name": "voice_call", "parameters": { "display_text": "Call", "ttl_minutes": 10 } } }),
        ),
        interactive(json!({ "type": "request_contact_info", "body": body, "action": { "name": "request_contact_info" } })),
        interactive(
            json!({ "type": "address_message", "body": body, "action": { "name": "address_message", "parameters": { "country": "IN" } } }),
        ),
    ];
    let count = kinds.len();
    for message in kinds {
        let sent = desk.send("+4915112345678", message.clone()).await;
        assert_eq!(sent.status, 200, "{message}: {}", sent.body);
    }
    desk.turn(1).await;
    let delivered = statuses(&business.take()).iter().filter(|(_, status)| status == "delivered").count();
    assert_eq!(delivered, count);
}
