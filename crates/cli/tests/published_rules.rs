//! The rules around the two published sends: windows, senders, spellings, idempotency and who is addressed how.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;
mod shop;

use serde_json::{Value, json};

use common::until;
use shop::{Shop, id, session, templated};

const SESSION: &str = "/send/messages";
const TEMPLATE: &str = "/send/whatsapp_templated_messages";
const NEVER_WROTE: &str = "ERROR_CODE_MESSAGE_CUSTOMER_NO_CONVERSATION_INITIATION";
const TOO_LONG_AGO: &str = "ERROR_CODE_MESSAGE_OUTSIDE_OF_ELIGIBILITY_WINDOW";

fn text() -> Value {
    json!({ "text": "Hello" })
}

/// Code and field of a refusal that names one field.
fn field(refused: &Value) -> (&str, &str) {
    (refused["code"].as_str().unwrap(), refused["details"]["errors"][0]["field"].as_str().unwrap())
}

#[tokio::test]
async fn the_window_belongs_to_the_pair_and_its_two_refusals_differ() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::open(dir.path());
    let phone = "+491702000001";
    shop.customer(phone, json!({})).await;
    let first = json!({ "sender": { "id": shop.env["TRANSOM_SENDER"], "channelType": "whatsapp" } });
    let second = json!({ "sender": { "id": "+493099999901", "channelType": "whatsapp" } });
    let number = shop.second_number(dir.path(), "+493099999901").await;
    let closed = async |more: &Value, code: &str| {
        let (status, refused) = shop.refused(SESSION, &session(phone, text(), more.clone())).await;
        let got = (status, refused["type"].as_str().unwrap(), refused["code"].as_str().unwrap());
        assert_eq!(got, (400, "ERROR_TYPE_DEADLINE_EXCEEDED", code));
        assert!(refused["cntTraceId"].as_str().unwrap().parse::<u64>().is_ok(), "{refused}");
        assert!(refused["userTitle"].is_string() && refused["userMessage"].is_string() && refused["details"].is_object());
    };
    closed(&first, NEVER_WROTE).await;
    closed(&second, NEVER_WROTE).await;

    shop.customer_sends(phone, json!({ "type": "text", "text": { "body": "To the first" } })).await;
    shop.arrived(&shop.say(phone, text(), first.clone()).await).await;
    closed(&second, NEVER_WROTE).await;
    // Without a sender the one that the customer wrote to is taken.
    let chosen = shop.say(phone, text(), json!({})).await;
    assert_eq!(shop.once(&chosen, "delivered").await["sender"], shop.env["TRANSOM_SENDER"].as_str());

    shop.turn(86_400).await;
    closed(&first, TOO_LONG_AGO).await;
    shop.customer_sends(phone, json!({ "to": number, "type": "text", "text": { "body": "To the second" } })).await;
    let answer = shop.say(phone, text(), second.clone()).await;
    assert_eq!(shop.once(&answer, "delivered").await["sender"], "+493099999901");
    closed(&first, TOO_LONG_AGO).await;
    shop.turn(86_400).await;
    closed(&second, TOO_LONG_AGO).await;
    let refusals = shop.desk.get("/sim/v1/messages?limit=1000&after=0").await;
    assert_eq!(refusals["data"].as_array().unwrap().len(), 3, "nothing that was refused has left");
}

#[tokio::test]
async fn spellings_numbers_and_senders_are_read_as_published() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::open(dir.path());
    let phone = "+16045852331";
    shop.writer(phone).await;
    let body = json!({ "type": "BODY", "text": "Dear {{1}}, thank you.", "example": { "body_text": [["Ana"]] } });
    shop.approved("thanks", "en", "UTILITY", json!([body])).await;
    shop.approved("hello", "en", "UTILITY", json!([{ "type": "BODY", "text": "Hello there." }])).await;
    shop.approved("hello", "de", "UTILITY", json!([{ "type": "BODY", "text": "Hallo." }])).await;
    let own = shop.env["TRANSOM_SENDER"].clone();

    // Both spellings are one; both at once are a mistake.
    let camel = json!({ "recipient": { "id": phone, "channelType": "whatsapp" }, "campaignName": "c", "callbackData": 7,
        "message": { "text": "x", "replyButtonMessage": { "buttons": [{ "id": "a", "text": "A" }] } } });
    let snake = json!({ "recipient": { "id": phone, "channel_type": "whatsapp" }, "campaign_name": "c", "callback_data": 7,
        "message": { "text": "x", "reply_button_message": { "buttons": [{ "id": "a", "text": "A" }] } } });
    let mut sent = Vec::new();
    for request in [&camel, &snake] {
        let id = id(&shop.api.post(&shop.path(SESSION), request).await);
        let mut body = shop.arrived(&id).await;
        body.as_object_mut().unwrap().remove("biz_opaque_callback_data");
        let message = shop.once(&id, "delivered").await;
        sent.push((body, message["campaignName"].clone(), message["callbackData"].clone(), message["content"].clone()));
    }
    assert_eq!(sent[0], sent[1]);
    assert!(sent[1].3["message"]["replyButtonMessage"].is_object(), "camelCase goes out: {}", sent[1].3);
    let mut both = camel.clone();
    both["campaign_name"] = json!("c");
    let (status, refused) = shop.refused(SESSION, &both).await;
    assert_eq!((status, field(&refused)), (400, ("ERROR_CODE_REQUEST_INVALID", "campaignName")));
    let snake = json!({ "number": phone, "template_name": "thanks", "language": "en", "parameters": [{ "name": "body_1", "value": "M" }] });
    shop.arrived(&shop.template(&snake).await).await;

    // Decoration is dropped: the same customer.
    for decorated in ["+1(604) 585 2331", " +1 604-585.2331 "] {
        let body = shop.arrived(&shop.say(decorated, text(), json!({})).await).await;
        assert_eq!(body["to"], phone);
        let body = shop.arrived(&shop.template(&templated(decorated, "thanks", &[("body_1", "M")])).await).await;
        assert_eq!(body["to"], phone);
    }
    for bad in ["6045852331", "0016045852331", "+12", "+1604abc2331", "", "+1604585233112345"] {
        let (status, refused) = shop.refused(TEMPLATE, &templated(bad, "hello", &[])).await;
        assert_eq!((status, field(&refused)), (400, ("ERROR_CODE_PHONE_NUMBER_BAD_FORMAT", "number")), "{bad}");
    }

    // A text here, an object there; swapped, the answer says which.
    let object = json!({ "id": own, "channelType": "whatsapp", "name": "Shop" });
    shop.arrived(&shop.say(phone, text(), json!({ "sender": object })).await).await;
    let mut request = templated(phone, "thanks", &[("body_1", "M")]);
    request["sender"] = json!(own);
    request["order"] = json!({ "parentId": "x", "strategy": "strategy_unspecified" });
    shop.arrived(&shop.template(&request).await).await;
    request["sender"] = object;
    for (path, body, other) in [
        (TEMPLATE, request, "send/messages"),
        (SESSION, session(phone, text(), json!({ "sender": own })), "send/whatsapp_templated_messages"),
    ] {
        let (status, refused) = shop.refused(path, &body).await;
        assert_eq!((status, field(&refused)), (400, ("ERROR_CODE_REQUEST_INVALID", "sender")));
        assert!(refused["details"]["errors"][0]["remedy"].as_str().unwrap().contains(other), "{refused}");
    }
    for (more, code) in [
        (json!({ "sender": { "id": "+4930111111" } }), "ERROR_CODE_INVALID_SENDER_ID"),
        (json!({ "recipient": { "id": own, "channelType": "whatsapp" } }), "ERROR_CODE_MESSAGE_SELF_INVALID"),
        (json!({ "message": { "text": " " } }), "ERROR_CODE_MESSAGE_TEXT_EMPTY"),
        (json!({ "message": { "attachments": [] } }), "ERROR_CODE_MESSAGE_ATTACHMENTS_NUMBER_INVALID"),
        (json!({ "message": { "attachments": [{ "type": "image", "url": "" }] } }), "ERROR_CODE_MESSAGE_ATTACHMENT_EMPTY"),
        (
            json!({ "message": { "attachments": [{ "type": "image", "url": "ftp://x/y" }] } }),
            "ERROR_CODE_MESSAGE_ATTACHMENT_INVALID",
        ),
        (json!({ "message": { "text": "x", "location": { "latitude": 1, "longitude": 2 } } }), "ERROR_CODE_REQUEST_INVALID"),
    ] {
        let (status, refused) = shop.refused(SESSION, &session(phone, text(), more)).await;
        assert_eq!((status, refused["code"].as_str().unwrap()), (400, code), "{refused}");
    }

    // The language may be left out where only one is approved.
    let mut request = templated(phone, "thanks", &[("body_1", "M")]);
    request.as_object_mut().unwrap().remove("language");
    assert_eq!(shop.arrived(&shop.template(&request).await).await["template"]["language"]["code"], "en");
    request = json!({ "number": phone, "templateName": "hello" });
    let (status, refused) = shop.refused(TEMPLATE, &request).await;
    assert_eq!((status, field(&refused).1), (400, "language"));

    // 1,024 bytes of callback data are carried whole; one more is too many.
    let fits = json!("x".repeat(1_022));
    let id = shop.say(phone, text(), json!({ "callbackData": fits })).await;
    assert_eq!(shop.once(&id, "delivered").await["callbackData"], fits);
    let (status, refused) = shop.refused(SESSION, &session(phone, text(), json!({ "callbackData": "x".repeat(1_023) }))).await;
    assert_eq!((status, field(&refused)), (413, ("ERROR_CODE_CALLBACK_DATA_TOO_LARGE", "callbackData")));
}

#[tokio::test]
async fn a_repetition_gets_the_first_answer_and_sends_once() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::open(dir.path());
    let phone = "+491702000002";
    shop.writer(phone).await;
    let request = session(phone, text(), json!({ "callbackData": 1 }));
    let first = shop.keyed(SESSION, "order-1", &request).await;
    assert_eq!((first.status, first.replayed), (201, false));
    let again = shop.keyed(SESSION, "order-1", &request).await;
    assert_eq!((again.status, again.replayed, &again.json), (201, true, &first.json));
    let other = shop.keyed(SESSION, "order-1", &session(phone, text(), json!({ "callbackData": 2 }))).await;
    assert_eq!((other.status, &other.json["code"]), (409, &json!("ERROR_CODE_IDEMPOTENCY_CONFLICT")));
    assert_eq!(other.json["type"], "ERROR_TYPE_CONFLICT");
    shop.arrived(&id(&first.json)).await;

    // A message's own id is its key, in both notations.
    let own = "01K5Z3NDEKTSV4RRFFQ69G5FAV";
    let with_id = |id: &str, text: &str| session(phone, json!({ "id": id, "text": text }), json!({}));
    let first = shop.keyed(SESSION, "", &with_id(own, "Mine")).await;
    assert_eq!((first.status, first.replayed, &first.json), (201, false, &json!({ "id": own })));
    let again = shop.keyed(SESSION, "", &with_id(own, "Mine")).await;
    assert_eq!((again.status, again.replayed, &again.json), (201, true, &first.json));
    let other = shop.keyed(SESSION, "", &with_id(own, "Another")).await;
    assert_eq!((other.status, &other.json["code"]), (409, &json!("ERROR_CODE_IDEMPOTENCY_CONFLICT")));
    assert_eq!(shop.arrived(own).await["text"]["body"], "Mine");
    let (status, refused) = shop.refused(SESSION, &with_id("order-1", "x")).await;
    assert_eq!((status, field(&refused).1), (400, "message.id"));

    // Twenty at once under one key are one message.
    let request = session(phone, json!({ "text": "Once" }), json!({}));
    let answers = futures::future::join_all((0..20).map(|_| shop.keyed(SESSION, "order-2", &request))).await;
    let mut accepted: Vec<&str> = Vec::new();
    for answer in &answers {
        match answer.status {
            201 => accepted.push(answer.json["id"].as_str().unwrap()),
            status => assert_eq!((status, &answer.json["code"]), (409, &json!("ERROR_CODE_IDEMPOTENCY_CONFLICT"))),
        }
    }
    accepted.dedup();
    assert_eq!(accepted.len(), 1);
    shop.arrived(accepted[0]).await;
    let shown = shop.inbox(phone).await;
    assert_eq!(shown.iter().filter(|m| m["message"]["text"]["body"] == "Once").count(), 1);
    // A refusal binds nothing: the key is free for a better request.
    let refused = shop.keyed(SESSION, "order-3", &session("+491702000099", text(), json!({}))).await;
    assert_eq!(refused.status, 400);
    assert_eq!(shop.keyed(SESSION, "order-3", &request).await.status, 201);
}

#[tokio::test]
async fn customers_without_a_phone_are_heard_and_answered() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::open(dir.path());
    let once = json!([{ "type": "BODY" }, { "type": "BUTTONS", "buttons": [{ "type": "OTP", "otp_type": "COPY_CODE", "text": "Copy" }] }]);
    shop.approved("one_time", "en", "AUTHENTICATION", once).await;
    let shy = shop.customer("+491702000003", json!({ "showPhone": false, "username": "marta.k" })).await;
    let user = shy["userId"].as_str().unwrap();
    let (_, refused) = shop.refused(SESSION, &session(user, text(), json!({}))).await;
    assert_eq!(refused["code"], NEVER_WROTE);
    let heard = shop.customer_sends("+491702000003", json!({ "type": "text", "text": { "body": "Hello" } })).await;
    assert_eq!(heard["customer"], format!("bsuid:{user}"));
    let by_user_id = json!({ "recipient": { "userId": user, "channelType": "whatsapp" }, "message": text() });
    for request in [session(user, text(), json!({})), session(&format!("bsuid:{user}"), text(), json!({})), by_user_id] {
        let body = shop.arrived(&id(&shop.api.post(&shop.path(SESSION), &request).await)).await;
        assert_eq!((&body["recipient"], body.get("to")), (&json!(user), None));
    }
    let (_, refused) = shop.refused(SESSION, &session(&user.to_lowercase(), text(), json!({}))).await;
    assert_eq!(refused["code"], "ERROR_CODE_PHONE_NUMBER_BAD_FORMAT", "the case of a user id is never changed");
    let (_, refused) = shop.refused(SESSION, &session("bsuid:x", text(), json!({}))).await;
    assert_eq!(refused["code"], "ERROR_CODE_RECIPIENT_BSUID_INVALID");
    let (_, refused) = shop.refused(TEMPLATE, &templated(&format!("bsuid:{user}"), "one_time", &[("button_1_code", "1")])).await;
    assert_eq!(refused["code"], "ERROR_CODE_RECIPIENT_BSUID_UNSUPPORTED");

    // Where the phone is known: a code goes there, everything else to the user id that was given; together the phone wins.
    let open = shop.customer("+491702000004", json!({})).await;
    let user = open["userId"].as_str().unwrap();
    shop.customer_sends("+491702000004", json!({ "type": "text", "text": { "body": "Hello" } })).await;
    let code = templated(&format!("bsuid:{user}"), "one_time", &[("button_1_code", "123456")]);
    let body = shop.arrived(&shop.template(&code).await).await;
    assert_eq!((&body["to"], body.get("recipient")), (&json!("+491702000004"), None));
    let body = shop.arrived(&shop.say(user, text(), json!({})).await).await;
    assert_eq!((&body["recipient"], body.get("to")), (&json!(user), None));
    let both = json!({ "recipient": { "id": "+491702000004", "userId": user, "channelType": "whatsapp" } });
    let body = shop.arrived(&shop.say("", text(), both).await).await;
    assert_eq!((&body["to"], body.get("recipient")), (&json!("+491702000004"), None));
}

#[tokio::test]
async fn answers_and_reactions_name_what_they_are_about() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::open(dir.path());
    let phone = "+491702000005";
    shop.customer(phone, json!({})).await;
    let heard = shop.customer_sends(phone, json!({ "type": "text", "text": { "body": "Open?" } })).await;
    let (ours, wamid) = (id(&heard), &heard["details"]["providerMessageId"]);
    let body = shop.arrived(&shop.say(phone, json!({ "text": "Yes", "contextId": ours }), json!({})).await).await;
    assert_eq!(&body["context"], &json!({ "message_id": wamid }));
    for emoji in ["\u{1f44d}", ""] {
        let reaction = json!({ "reaction": { "messageId": ours, "emoji": emoji } });
        let id = shop.say(phone, reaction, json!({ "callbackData": { "about": ours } })).await;
        let sent = until("the reaction at Graph", || async { shop.sends(&id).await.pop() }).await;
        assert_eq!((sent.0, &sent.1["reaction"]), (200, &json!({ "message_id": wamid, "emoji": emoji })));
        let kept = shop.api.get(&shop.path(&format!("/messages/{id}"))).await;
        assert_eq!(kept["callbackData"], json!({ "about": ours }));
    }
    // The other way round: the customer's reaction names our message.
    let question = shop.say(phone, text(), json!({ "callbackData": "q" })).await;
    let wamid = shop.once(&question, "delivered").await["details"]["providerMessageId"].clone();
    let reaction = json!({ "type": "reaction", "reaction": { "message_id": wamid, "emoji": "\u{1f44d}" } });
    let heard = shop.customer_sends(phone, reaction).await;
    let stream = shop.api.get(&shop.path("/events?after=0&limit=200")).await;
    let told = stream["data"].as_array().unwrap().iter().find(|e| e["data"]["messageId"] == heard["id"]).unwrap();
    assert_eq!(told["data"]["reaction"], json!({ "messageId": question, "emoji": "\u{1f44d}" }));
    assert_eq!((&told["data"]["replyToId"], &told["data"]["callbackData"]), (&json!(question), &json!("q")));
    // And something that nobody knows is refused, not sent.
    let unknown = json!({ "reaction": { "messageId": "01K5Z3NDEKTSV4RRFFQ69G5FAV", "emoji": "x" } });
    let (status, refused) = shop.refused(SESSION, &session(phone, unknown, json!({}))).await;
    assert_eq!((status, field(&refused).0), (400, "ERROR_CODE_REQUEST_INVALID"));
}
