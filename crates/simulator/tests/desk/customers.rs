//! Customers: what they write and tap, who they are in webhooks, and their files.

use crate::common::{Desk, each, statuses, values};
use serde_json::{Value, json};

#[tokio::test]
async fn customers_write_everything_the_documents_name() {
    let (desk, business) = Desk::with_business().await;
    let ana = desk.customer(json!({ "phone": "+4915112345678", "name": "Ana" })).await;
    let path = format!("customers/{}/messages", ana["id"].as_str().unwrap());
    let quoted = desk.writes(&ana, "Hello").await;
    let number = format!("numbers/{}", desk.id.phone_number_id);
    assert_eq!(desk.sim("PATCH", &number, &json!({ "businessApp": true })).await["businessApp"], true);
    for (kind, object) in [
        ("text", json!({ "body": "Hi" })),
        ("image", json!({ "caption": "The box" })),
        ("video", json!({})),
        ("audio", json!({ "voice": true })),
        ("document", json!({ "filename": "form.pdf" })),
        ("sticker", json!({})),
        ("location", json!({ "latitude": "52.5", "longitude": 13.4, "name": "Cafe" })),
        ("contacts", json!([{ "name": { "formatted_name": "Ben", "first_name": "Ben" } }])),
        ("reaction", json!({ "message_id": quoted, "emoji": "\u{1F44D}" })),
        ("button", json!({ "payload": "STOP", "text": "Stop" })),
        (
            "interactive",
            json!({ "type": "nfm_reply", "nfm_reply": { "name": "flow", "body": "Sent", "response_json": "{\"a\":1}" } }),
        ),
        (
            "order",
            json!({ "catalog_id": "1", "product_items": [{ "product_retailer_id": "sku-mug", "quantity": 1, "item_price": 12.5, "currency": "EUR" }] }),
        ),
        ("unsupported", json!({ "type": "poll" })),
        ("edit", json!({ "original_message_id": quoted, "message": { "type": "text", "text": { "body": "Hi!" } } })),
        ("revoke", json!({ "original_message_id": quoted })),
    ] {
        desk.turn(1).await;
        business.take();
        let body = json!({ "to": desk.id.phone_number_id, "type": kind, kind: object });
        let wamid = desk.sim("POST", &path, &body).await["wamid"].clone();
        desk.turn(1).await;
        let message = each(&business.take(), "messages").remove(0);
        assert_eq!((message["type"].as_str(), &message["id"]), (Some(kind), &wamid));
        assert_eq!(message["from"], "4915112345678");
        assert!(message[kind].is_object() || message[kind].is_array(), "{message}");
        match kind {
            "location" => assert!(message["location"]["latitude"].is_f64(), "a number, however it came"),
            "unsupported" => assert_eq!(message["errors"][0]["code"], 131_051),
            "image" | "video" | "audio" | "document" | "sticker" => {
                assert!(message[kind]["url"].is_string() && message[kind]["sha256"].as_str().unwrap().len() == 44);
            }
            _ => {}
        }
    }
    let removed = json!({ "type": "reaction", "reaction": { "message_id": quoted, "emoji": "" } });
    desk.sim("POST", &path, &removed).await;
    desk.turn(1).await;
    assert_eq!(each(&business.take(), "messages")[0]["reaction"], json!({ "message_id": quoted }));
    for (body, field) in [
        (json!({ "type": "text", "text": { "bodi": "x" } }), "text['bodi']"),
        (json!({ "type": "text", "text": { "body": "x" }, "extra": 1 }), "extra"),
        (json!({ "type": "text" }), "text"),
        (json!({ "to": "17", "type": "text", "text": { "body": "x" } }), "to"),
        (json!({ "type": "text", "text": { "body": "x" }, "context": { "id": "wamid.none" } }), "context.id"),
    ] {
        let refused = desk.control("POST", &path, &body).await;
        assert_eq!((refused.status, refused.body["error"]["field"].as_str()), (400, Some(field)), "{}", refused.body);
        assert!(refused.body["error"]["remedy"].is_string());
    }
}

#[tokio::test]
async fn taps_come_back_as_replies_with_context() {
    let (desk, business) = Desk::with_business().await;
    let ana = desk.customer(json!({ "phone": "+4915112345678", "name": "Ana" })).await;
    desk.writes(&ana, "Hello").await;
    let taps = format!("customers/{}/taps", ana["id"].as_str().unwrap());
    let buttons = json!({ "type": "interactive", "interactive": { "type": "button", "body": { "text": "?" }, "action": { "buttons": [
        { "type": "reply", "reply": { "id": "yes", "title": "Yes" } }, { "type": "reply", "reply": { "id": "no", "title": "No" } }] } } });
    let list = json!({ "type": "interactive", "interactive": { "type": "list", "body": { "text": "?" }, "action": { "button": "Open", "sections": [
        { "rows": [{ "id": "r1", "title": "One", "description": "first" }] }] } } });
    let contact = json!({ "type": "interactive", "interactive": { "type": "request_contact_info", "body": { "text": "?" }, "action": { "name": "request_contact_info" } } });
    for (message, aim, expected) in [
        (&buttons, json!({ "buttonIndex": 1 }), json!({ "type": "button_reply", "button_reply": { "id": "no", "title": "No" } })),
        (
            &buttons,
            json!({ "buttonId": "yes" }),
            json!({ "type": "button_reply", "button_reply": { "id": "yes", "title": "Yes" } }),
        ),
        (
            &list,
            json!({ "rowId": "r1" }),
            json!({ "type": "list_reply", "list_reply": { "id": "r1", "title": "One", "description": "first" } }),
        ),
    ] {
        let wamid = desk.send("+4915112345678", message.clone()).await.wamid();
        desk.turn(1).await;
        business.take();
        let mut tap = aim;
        tap["messageId"] = json!(wamid);
        desk.sim("POST", &taps, &tap).await;
        desk.turn(1).await;
        let reply = each(&business.take(), "messages").remove(0);
        assert_eq!(reply["interactive"], expected);
        assert_eq!(reply["context"]["id"], wamid.as_str());
        assert_eq!(format!("+{}", reply["context"]["from"].as_str().unwrap()), desk.id.display_number);
        let inbox = desk.sim("GET", "customers/+4915112345678/inbox", &json!({})).await;
        assert_eq!(inbox["data"].as_array().unwrap().last().unwrap()["quotes"], wamid.as_str());
    }
    let wamid = desk.send("+4915112345678", contact).await.wamid();
    desk.turn(1).await;
    business.take();
    let tapped = desk.control("POST", &taps, &json!({ "messageId": wamid, "buttonIndex": 0 })).await;
    assert_eq!(tapped.status, 201, "{}", tapped.body);
    desk.turn(1).await;
    let card = &each(&business.take(), "messages")[0]["contacts"][0];
    assert_eq!((card["origin"].as_str(), card["phones"][0]["wa_id"].as_str()), (Some("contact_request"), Some("4915112345678")));
    for (tap, status) in [
        (json!({ "messageId": wamid, "buttonIndex": 9 }), 400),
        (json!({ "messageId": "wamid.none", "buttonIndex": 0 }), 404),
        (json!({ "messageId": wamid }), 400),
        (json!({ "messageId": wamid, "buttonIndex": 0, "finger": 1 }), 400),
    ] {
        assert_eq!(desk.control("POST", &taps, &tap).await.status, status, "{tap}");
    }
}

#[tokio::test]
async fn a_username_hides_the_phone_until_the_business_uses_it() {
    let (desk, business) = Desk::with_business().await;
    let zoe = desk.customer(json!({ "phone": "+4915112345678", "name": "Zoe", "username": "@zoe.z" })).await;
    desk.writes(&zoe, "Hello").await;
    desk.turn(1).await;
    let heard = business.take();
    let (contact, message) = (&each(&heard, "contacts")[0], &each(&heard, "messages")[0]);
    assert_eq!(*contact, json!({ "profile": { "name": "Zoe", "username": "zoe.z" }, "user_id": zoe["userId"] }));
    assert!(message.get("from").is_none() && message["from_user_id"] == zoe["userId"]);
    desk.text("+4915112345678").await;
    desk.writes(&zoe, "Hello again").await;
    desk.turn(1).await;
    let heard = business.take();
    assert_eq!(each(&heard, "messages")[0]["from"], "4915112345678");
    let sent = each(&heard, "statuses").len();
    assert_eq!(sent, 2);
    desk.sim("PATCH", "customers/+4915112345678", &json!({ "showPhone": false })).await;
    desk.writes(&zoe, "Once more").await;
    desk.turn(1).await;
    assert!(each(&business.take(), "messages")[0].get("from").is_none());
    let phoneless = desk.customer(json!({ "name": "No", "username": "nophone" })).await;
    assert!(phoneless["phone"].is_null() && phoneless["userId"].as_str().unwrap().starts_with("DE."));
}

#[tokio::test]
async fn a_change_of_number_is_a_system_message_and_opens_nothing() {
    let (desk, business) = Desk::with_business().await;
    let ana = desk.customer(json!({ "phone": "+4915112345678", "name": "Ana" })).await;
    let path = format!("customers/{}/messages", ana["id"].as_str().unwrap());
    desk.sim("POST", &path, &json!({ "type": "system", "system": { "type": "user_changed_number", "wa_id": "34600111222" } }))
        .await;
    desk.turn(1).await;
    let value = &values(&business.take(), "messages")[0];
    assert!(value.get("contacts").is_none());
    let system = &value["messages"][0]["system"];
    assert_eq!((system["wa_id"].as_str(), &system["previous_user_id"]), (Some("34600111222"), &ana["userId"]));
    assert!(system["user_id"].as_str().unwrap().starts_with("ES."));
    desk.text("+34600111222").await;
    desk.turn(1).await;
    assert_eq!(each(&business.take(), "statuses")[0]["errors"][0]["code"], 131_047);
}

#[tokio::test]
async fn a_change_is_told_in_every_form_there_was() {
    let (desk, business) = Desk::with_business().await;
    let ana = desk.customer(json!({ "phone": "+4915112345678", "name": "Ana" })).await;
    let path = format!("customers/{}/messages", ana["id"].as_str().unwrap());
    let before = ana["userId"].as_str().unwrap().to_owned();
    let change = json!({ "type": "user_changed_user_id", "form": "without_previous" });
    desk.sim("POST", &path, &json!({ "type": "system", "system": change })).await;
    desk.turn(1).await;
    let system = values(&business.take(), "messages")[0]["messages"][0]["system"].clone();
    let after = system["user_id"].as_str().unwrap().to_owned();
    assert!(system.get("previous_user_id").is_none() && system.get("wa_id").is_none());
    assert_eq!(system["body"], format!("User Ana changed from {before} to {after}"));
    let change = json!({ "type": "user_changed_number", "wa_id": "34600111222", "form": "user_id_update" });
    desk.sim("POST", &path, &json!({ "type": "system", "system": change })).await;
    desk.turn(1).await;
    let update = values(&business.take(), "user_id_update")[0]["user_id_update"][0].clone();
    assert_eq!((update["user_id"]["previous"].as_str(), update["wa_id"].as_str()), (Some(&*after), Some("34600111222")));
    // The number changes, and only the new id is told.
    let change = json!({ "type": "user_changed_user_id", "wa_id": "34600111333" });
    desk.sim("POST", &path, &json!({ "type": "system", "system": change })).await;
    desk.turn(1).await;
    assert!(values(&business.take(), "messages")[0]["messages"][0]["system"].get("wa_id").is_none());
    let wrong = json!({ "type": "system", "system": { "type": "user_changed_user_id", "form": "letter" } });
    assert_eq!(desk.control("POST", &path, &wrong).await.status, 400);
}

#[tokio::test]
async fn opting_out_is_told_to_who_is_in_touch() {
    let (desk, business) = Desk::with_business().await;
    let ana = desk.customer(json!({ "phone": "+4915112345678", "name": "Ana" })).await;
    desk.writes(&ana, "Hello").await;
    desk.sim("PATCH", "customers/+4915112345678", &json!({ "flags": ["opted_out"] })).await;
    desk.turn(1).await;
    let preference = &values(&business.take(), "user_preferences")[0]["user_preferences"][0];
    assert_eq!((preference["value"].as_str(), preference["category"].as_str()), (Some("stop"), Some("marketing_messages")));
    assert!(preference["timestamp"].is_i64());
}

#[tokio::test]
async fn the_business_marks_as_read() {
    let desk = Desk::open().await;
    let ana = desk.customer(json!({ "phone": "+4915112345678", "name": "Ana" })).await;
    desk.writes(&ana, "one").await;
    let two = desk.writes(&ana, "two").await;
    desk.writes(&ana, "three").await;
    let read =
        json!({ "messaging_product": "whatsapp", "status": "read", "message_id": two, "typing_indicator": { "type": "text" } });
    let path = format!("{}/messages", desk.id.phone_number_id);
    assert_eq!(desk.graph("POST", &path, Some(&read)).await.body, json!({ "success": true }));
    let inbox = desk.sim("GET", "customers/+4915112345678/inbox", &json!({})).await;
    let marks: Vec<_> =
        inbox["data"].as_array().unwrap().iter().map(|message| message["readByBusiness"].as_bool().unwrap()).collect();
    assert_eq!(marks, [true, true, false]);
    let none = json!({ "messaging_product": "whatsapp", "status": "read", "message_id": "wamid.none" });
    assert_eq!(desk.graph("POST", &path, Some(&none)).await.code(), Some(100));
}

#[tokio::test]
async fn files_go_up_resolve_for_five_minutes_and_need_the_token() {
    let (desk, business) = Desk::with_business().await;
    let ana = desk.customer(json!({ "phone": "+4915112345678", "name": "Ana" })).await;
    desk.writes(&ana, "Hello").await;
    let client = reqwest::Client::new();
    let upload = async |mime: &str| {
        let part = reqwest::multipart::Part::bytes(vec![7; 100]).file_name("a").mime_str(mime).unwrap();
        let form = reqwest::multipart::Form::new()
            .text("messaging_product", "whatsapp")
            .text("type", mime.to_owned())
            .part("file", part);
        let url = format!("{}/v24.0/{}/media", desk.simulator.graph_url(), desk.id.phone_number_id);
        client.post(url).bearer_auth(&desk.id.access_token).multipart(form).send().await.unwrap().json::<Value>().await.unwrap()
    };
    assert_eq!(upload("image/gif").await["error"]["code"], 100);
    let id = upload("image/png").await["id"].as_str().unwrap().to_owned();
    let sent = desk.send("+4915112345678", json!({ "type": "image", "image": { "id": id } })).await;
    assert_eq!(sent.status, 200, "{}", sent.body);
    assert_eq!(desk.send("+4915112345678", json!({ "type": "audio", "audio": { "id": id } })).await.code(), Some(131_053));
    assert_eq!(desk.graph("GET", &format!("{id}?phone_number_id=17"), None).await.code(), Some(100));
    let resolved = desk.graph("GET", &format!("{id}?phone_number_id={}", desk.id.phone_number_id), None).await.body;
    assert_eq!((resolved["mime_type"].as_str(), resolved["file_size"].as_u64()), (Some("image/png"), Some(100)));
    let url = resolved["url"].as_str().unwrap().to_owned();
    let get = async |token: &str| client.get(&url).bearer_auth(token).send().await.unwrap();
    assert_eq!(get("nonsense").await.status().as_u16(), 401);
    let file = get(&desk.id.access_token).await;
    assert_eq!(file.headers()["content-type"], "image/png");
    assert_eq!(file.bytes().await.unwrap().as_ref(), [7; 100]);
    desk.turn(300).await;
    assert_eq!(get(&desk.id.access_token).await.status().as_u16(), 404);
    let inbound =
        desk.sim("POST", "customers/+4915112345678/messages", &json!({ "type": "image", "image": { "data": "AAEC" } })).await;
    assert!(inbound["wamid"].is_string());
    desk.turn(1).await;
    let message = each(&business.take(), "messages").into_iter().find(|message| message["type"] == "image").unwrap();
    let bytes = client.get(message["image"]["url"].as_str().unwrap()).bearer_auth(&desk.id.access_token).send().await.unwrap();
    assert_eq!(bytes.bytes().await.unwrap().as_ref(), [0, 1, 2]);
    // The phone in the browser has no token, and runs nothing of what a file holds.
    let shown = desk.page(&format!("/sim/v1/media/{id}")).await;
    assert_eq!(shown.headers()["content-type"], "image/png");
    assert_eq!(shown.headers()["content-security-policy"], "default-src 'none'; sandbox");
    assert_eq!(shown.bytes().await.unwrap().as_ref(), [7; 100]);
    assert_eq!(desk.page("/sim/v1/media/17").await.status().as_u16(), 404);
    assert_eq!(desk.graph("DELETE", &id, None).await.body, json!({ "success": true }));
    assert_eq!(desk.graph("GET", &id, None).await.body["error"]["error_subcode"], 33);
}

/// Messenger's webhooks give a link and no type: whoever has the link has the file, and its type with it.
#[tokio::test]
async fn files_on_messenger_are_behind_links_that_need_no_token() {
    let desk = Desk::open().await;
    let cleo = desk.customer(json!({ "channel": "messenger", "name": "Cleo" })).await;
    let path = format!("customers/{}", cleo["psid"].as_str().unwrap());
    let last_link = async || {
        let inbox = desk.sim("GET", &format!("{path}/inbox"), &json!({})).await;
        let shown = inbox["data"].as_array().unwrap().last().unwrap();
        let link = shown["message"]["attachments"][0]["payload"]["url"].as_str().unwrap();
        link.strip_prefix(&desk.simulator.graph_url()).unwrap().to_owned()
    };
    for (to, kind, object, mime) in [
        ("messages", "image", json!({}), "image/png"),
        ("messages", "audio", json!({}), "audio/ogg"),
        ("messages", "video", json!({}), "video/mp4"),
        ("messages", "file", json!({}), "application/pdf"),
        ("messages", "sticker", json!({}), "image/png"),
        ("echoes", "file", json!({}), "application/pdf"),
        ("messages", "image", json!({ "mime_type": "image/gif", "data": "AAEC", "text": "Mine" }), "image/gif"),
    ] {
        desk.sim("POST", &format!("{path}/{to}"), &json!({ "type": kind, kind: object })).await;
        let file = desk.page(&last_link().await).await;
        assert_eq!(file.status().as_u16(), 200, "{to} {kind}");
        assert_eq!(file.headers()["content-type"], mime, "{to} {kind}");
        assert_eq!(file.headers()["content-security-policy"], "default-src 'none'; sandbox");
    }
    let link = last_link().await;
    assert_eq!(desk.page(&link).await.bytes().await.unwrap().as_ref(), [0, 1, 2]);
    assert_eq!(desk.page(&format!("{link}0")).await.status().as_u16(), 404);
    for (image, field) in
        [(json!({ "data": "?" }), "data"), (json!({ "url": "https://shop.example.com/1.jpg", "data": "AAEC" }), "image['url']")]
    {
        let refused = desk.control("POST", &format!("{path}/messages"), &json!({ "type": "image", "image": image })).await;
        assert_eq!((refused.status, refused.body["error"]["field"].as_str()), (400, Some(field)), "{}", refused.body);
    }
    // A week later it is gone.
    desk.turn(7 * 86_400).await;
    assert_eq!(desk.page(&link).await.status().as_u16(), 404);
}

#[tokio::test]
async fn the_account_can_be_read() {
    let desk = Desk::open().await;
    let numbers =
        desk.graph("GET", &format!("{}/phone_numbers?fields=id,display_phone_number,status", desk.id.waba_id), None).await.body;
    assert_eq!(
        numbers["data"][0],
        json!({ "id": desk.id.phone_number_id, "display_phone_number": desk.id.display_number, "status": "CONNECTED" })
    );
    let number = desk
        .graph("GET", &format!("{}?fields=whatsapp_business_manager_messaging_limit", desk.id.phone_number_id), None)
        .await
        .body;
    assert_eq!(number["whatsapp_business_manager_messaging_limit"], "TIER_UNLIMITED");
    let catalogs = desk.graph("GET", &format!("{}/product_catalogs", desk.id.waba_id), None).await.body;
    assert_eq!(catalogs["data"][0]["id"], desk.id.catalog_id.as_str());
    let products = desk.graph("GET", &format!("{}/products?fields=retailer_id,price", desk.id.catalog_id), None).await.body;
    assert_eq!(products["data"][0]["retailer_id"], "sku-mug");
    let token = desk.graph("GET", &format!("debug_token?input_token={}", desk.id.access_token), None).await.body;
    assert_eq!(
        (token["data"]["is_valid"].as_bool(), token["data"]["app_id"].as_str()),
        (Some(true), Some(desk.id.app_id.as_str()))
    );
    let account = desk.graph("GET", &format!("{}?fields=id,name", desk.id.waba_id), None).await.body;
    assert_eq!(account["id"], desk.id.waba_id.as_str());
    for id in [&desk.id.app_id, &desk.id.waba_id, &desk.id.phone_number_id, &desk.id.catalog_id] {
        assert!(id.len() <= 15 && id.bytes().all(|byte| byte.is_ascii_digit()), "{id}");
    }
    let profile = format!("{}/whatsapp_business_profile", desk.id.phone_number_id);
    assert_eq!(
        desk.graph("POST", &profile, Some(&json!({ "messaging_product": "whatsapp", "about": "Open" }))).await.status,
        200
    );
    assert_eq!(desk.graph("GET", &profile, None).await.body["data"][0]["about"], "Open");
}

#[tokio::test]
async fn controls_refuse_what_they_do_not_know() {
    let desk = Desk::open().await;
    for (method, path, body, status, field) in [
        ("POST", "customers", json!({ "phone": "+4915112345678", "colour": "red" }), 400, "colour"),
        ("POST", "customers", json!({ "phone": "123" }), 400, "phone"),
        ("POST", "customers", json!({ "name": "Nobody" }), 400, "phone"),
        ("POST", "customers", json!({ "phone": "+4915112345678", "flags": ["rich"] }), 400, "flags[0]"),
        ("PATCH", "customers/17", json!({}), 404, "id"),
        ("PATCH", "settings", json!({ "wind": 1 }), 400, "wind"),
        ("PATCH", "settings", json!({ "webhookBatch": 0 }), 400, "webhookBatch"),
        ("POST", "templates/17/review", json!({ "decision": "approve" }), 404, "id"),
        ("GET", "messages?colour=red", json!({}), 400, "colour"),
        ("GET", "nothing", json!({}), 404, "path"),
    ] {
        let refused = desk.control(method, path, &body).await;
        assert_eq!((refused.status, refused.body["error"]["field"].as_str()), (status, Some(field)), "{path}: {}", refused.body);
    }
    let made = desk.customer(json!({ "phone": "+4915112345678", "name": "Ana" })).await;
    assert_eq!(desk.control("POST", "customers", &json!({ "phone": "+49 151 12345678" })).await.status, 409);
    let found = desk.sim("GET", "customers/%2B4915112345678", &json!({})).await;
    assert_eq!(found["id"], made["id"]);
}

#[tokio::test]
async fn what_is_edited_and_taken_back_shows_on_the_phone() {
    let (desk, business) = Desk::with_business().await;
    let ana = desk.customer(json!({ "phone": "+4915112345678", "name": "Ana" })).await;
    let path = format!("customers/{}", ana["id"].as_str().unwrap());
    let wamid = desk.writes(&ana, "Tomorow").await;
    let edit = |to: &str| {
        let message = json!({ "type": "text", "text": { "body": to } });
        json!({ "type": "edit", "edit": { "original_message_id": wamid, "message": message } })
    };
    let shown = async || desk.sim("GET", &format!("{path}/inbox"), &json!({})).await["data"].clone();
    // A number that is not used in the app hears that there was something, and the phone shows it all the same.
    desk.turn(1).await;
    business.take();
    desk.sim("POST", &format!("{path}/messages"), &edit("Tomorrow")).await;
    desk.turn(1).await;
    let heard = each(&business.take(), "messages").remove(0);
    assert_eq!((heard["type"].as_str(), &heard["unsupported"]), (Some("unsupported"), &json!({ "type": "edit" })));
    let phone = shown().await;
    assert_eq!((phone.as_array().unwrap().len(), &phone[0]["edited"]), (1, &json!(true)));
    assert_eq!(phone[0]["message"], json!({ "type": "text", "text": { "body": "Tomorrow" } }));

    desk.sim("PATCH", &format!("numbers/{}", desk.id.phone_number_id), &json!({ "businessApp": true })).await;
    desk.sim("POST", &format!("{path}/messages"), &edit("Today")).await;
    desk.sim("POST", &format!("{path}/messages"), &json!({ "type": "revoke", "revoke": { "original_message_id": wamid } })).await;
    desk.turn(1).await;
    let kinds: Vec<Value> = each(&business.take(), "messages").iter().map(|message| message["type"].clone()).collect();
    assert_eq!(kinds, ["edit", "revoke"]);
    let phone = shown().await;
    assert_eq!((&phone[0]["type"], &phone[0]["message"]), (&json!("revoked"), &json!({ "type": "revoked" })));
    let again = desk.control("POST", &format!("{path}/messages"), &edit("Never")).await;
    assert_eq!((again.status, again.body["error"]["field"].as_str()), (409, Some("edit.original_message_id")), "{}", again.body);
    // It is not the customer's to change what the business wrote, nor somebody else's to change this.
    let ours = desk.text("+4915112345678").await.wamid();
    let not_hers = json!({ "type": "revoke", "revoke": { "original_message_id": ours } });
    assert_eq!(desk.control("POST", &format!("{path}/messages"), &not_hers).await.status, 400);
}

#[tokio::test]
async fn a_message_of_any_type_goes_as_it_stands() {
    let (desk, business) = Desk::with_business().await;
    let ana = desk.customer(json!({ "phone": "+4915112345678", "name": "Ana" })).await;
    let path = format!("customers/{}", ana["id"].as_str().unwrap());
    let raw = json!({ "type": "hologram", "hologram": { "beam": "blue" }, "more": [1, { "a": null }] });
    let wamid = desk.sim("POST", &format!("{path}/messages"), &json!({ "type": "raw", "raw": raw })).await["wamid"].clone();
    desk.turn(1).await;
    let heard = each(&business.take(), "messages").remove(0);
    assert_eq!((&heard["id"], &heard["from"]), (&wamid, &json!("4915112345678")));
    assert_eq!([&heard["type"], &heard["hologram"], &heard["more"]], [&raw["type"], &raw["hologram"], &raw["more"]]);
    let phone = desk.sim("GET", &format!("{path}/inbox"), &json!({})).await;
    assert_eq!((&phone["data"][0]["type"], &phone["data"][0]["message"]), (&raw["type"], &raw));
    for (raw, field) in [
        (json!({ "hologram": {} }), "raw['type']"),
        (json!({ "type": "x", "from": "17" }), "raw['from']"),
        (json!({ "type": "x", "text": "x".repeat(70_000) }), "raw"),
    ] {
        let refused = desk.control("POST", &format!("{path}/messages"), &json!({ "type": "raw", "raw": raw })).await;
        assert_eq!((refused.status, refused.body["error"]["field"].as_str()), (400, Some(field)), "{}", refused.body);
    }
}

#[tokio::test]
async fn what_goes_to_who_blocked_the_business_never_arrives() {
    let (desk, business) = Desk::with_business().await;
    let ana = desk.customer(json!({ "phone": "+4915112345678", "name": "Ana" })).await;
    let path = format!("customers/{}", ana["id"].as_str().unwrap());
    desk.writes(&ana, "Hello").await;
    desk.sim("PATCH", &path, &json!({ "flags": ["blocked"] })).await;
    let sent = desk.send("+4915112345678", json!({ "type": "text", "text": { "body": "Hi" } })).await;
    desk.turn(1).await;
    assert_eq!(statuses(&business.take()), [(sent.wamid(), "sent".to_owned())]);
    let refused = desk.control("POST", &format!("{path}/messages"), &json!({ "type": "text", "text": { "body": "Stop" } })).await;
    assert_eq!(refused.body["error"]["field"], "flags", "{}", refused.body);
    // Nor once the block is lifted.
    desk.sim("PATCH", &path, &json!({ "flags": [] })).await;
    desk.turn(1).await;
    assert!(statuses(&business.take()).is_empty());
    desk.writes(&ana, "Hello again").await;
}

#[tokio::test]
async fn typing_shows_for_a_while_or_until_the_answer() {
    let (desk, _business) = Desk::with_business().await;
    let ana = desk.customer(json!({ "phone": "+4915112345678", "name": "Ana" })).await;
    let path = format!("customers/{}", ana["id"].as_str().unwrap());
    let shows = async || desk.sim("GET", &path, &json!({})).await["typing"] == true;
    let types = async || {
        let wamid = desk.writes(&ana, "Hello").await;
        let read = json!({ "messaging_product": "whatsapp", "status": "read", "message_id": wamid, "typing_indicator": { "type": "text" } });
        assert_eq!(desk.graph("POST", &format!("{}/messages", desk.id.phone_number_id), Some(&read)).await.status, 200);
    };
    assert!(!shows().await);
    types().await;
    assert!(shows().await);
    desk.turn(25).await;
    assert!(!shows().await);
    types().await;
    desk.send("+4915112345678", json!({ "type": "text", "text": { "body": "Hi" } })).await;
    assert!(!shows().await);
}
