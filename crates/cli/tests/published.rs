//! The two published sends, over the real binary: what a client sends, what Meta gets, what the customer's phone shows.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;
mod shop;

use reqwest::Method;
use serde_json::{Value, json};

use shop::{Shop, templated};

/// A link that somebody else fetches, or nobody.
const LINK: &str = "https://files.example.org/a";

/// What Graph must have got for a session message, but for its tag and its recipient.
fn meta(kind: &str, object: Value) -> Value {
    json!({ "messaging_product": "whatsapp", "recipient_type": "individual", "type": kind, kind: object })
}

fn without_tag(mut body: Value, tag: &str) -> Value {
    let removed = body.as_object_mut().unwrap().remove("biz_opaque_callback_data").unwrap();
    assert_eq!(removed, format!("{tag}.1"));
    body
}

#[tokio::test]
async fn every_session_content_reaches_the_phone() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::open(dir.path());
    let phone = "+491701000001";
    shop.writer(phone).await;
    let catalog = shop.env["META_CATALOG_ID"].clone();
    let catalogs = shop.desk.get("/sim/v1/catalogs").await;
    let products = catalogs["data"].as_array().unwrap().iter().find(|c| c["id"] == catalog.as_str()).unwrap()["products"].clone();
    let (mug, tea) = (&products[0]["retailerId"], &products[1]["retailerId"]);
    let link = |ending: &str| format!("{LINK}.{ending}");
    let attached = |kind: &str, ending: &str| json!({ "attachments": [{ "type": kind, "url": link(ending) }] });
    let cases = [
        (json!({ "text": "Guten Tag" }), meta("text", json!({ "body": "Guten Tag", "preview_url": false }))),
        (json!({ "text": LINK, "previewUrl": true, "isEcho": true }), meta("text", json!({ "body": LINK, "preview_url": true }))),
        (
            json!({ "attachments": [{ "type": "image", "url": link("png"), "caption": "A" }] }),
            meta("image", json!({ "link": link("png"), "caption": "A" })),
        ),
        (attached("video", "mp4"), meta("video", json!({ "link": link("mp4") }))),
        (attached("audio", "mp3"), meta("audio", json!({ "link": link("mp3") }))),
        (
            json!({ "attachments": [{ "type": "document", "url": link("pdf"), "caption": "B", "filename": "b.pdf" }] }),
            meta("document", json!({ "link": link("pdf"), "caption": "B", "filename": "b.pdf" })),
        ),
        (
            json!({ "location": { "latitude": 52.5, "longitude": 13.4, "name": "Shop", "address": "Street 1" } }),
            meta("location", json!({ "latitude": 52.5, "longitude": 13.4, "name": "Shop", "address": "Street 1" })),
        ),
        (
            json!({ "text": "Bitte Filiale waehlen", "listMessage": {
                "header": { "text": "Filialen" }, "footer": { "text": "Ende" }, "button": { "id": "x", "text": "Auswahl" },
                "sections": [{ "title": "Nord", "rows": [{ "id": "hh", "text": "Hamburg", "description": "bis 20 Uhr" }] }] } }),
            meta(
                "interactive",
                json!({ "type": "list", "body": { "text": "Bitte Filiale waehlen" },
                "header": { "type": "text", "text": "Filialen" }, "footer": { "text": "Ende" },
                "action": { "button": "Auswahl", "sections": [
                    { "title": "Nord", "rows": [{ "id": "hh", "title": "Hamburg", "description": "bis 20 Uhr" }] }] } }),
            ),
        ),
        (
            json!({ "text": "Eine", "listMessage": { "button": { "text": "Auswahl" },
                "sections": [{ "rows": [{ "id": "hh", "text": "Hamburg" }] }] } }),
            meta(
                "interactive",
                json!({ "type": "list", "body": { "text": "Eine" },
                "action": { "button": "Auswahl", "sections": [{ "rows": [{ "id": "hh", "title": "Hamburg" }] }] } }),
            ),
        ),
        (
            json!({ "text": "Wie zufrieden sind Sie?", "replyButtonMessage": {
                "header": { "attachment": { "type": "image", "url": link("png") } }, "footer": { "text": "Antwort freiwillig" },
                "buttons": [{ "id": "good", "text": "Gut" }, { "id": "bad", "text": "Schlecht" }] } }),
            meta(
                "interactive",
                json!({ "type": "button", "body": { "text": "Wie zufrieden sind Sie?" },
                "header": { "type": "image", "image": { "link": link("png") } }, "footer": { "text": "Antwort freiwillig" },
                "action": { "buttons": [
                    { "type": "reply", "reply": { "id": "good", "title": "Gut" } },
                    { "type": "reply", "reply": { "id": "bad", "title": "Schlecht" } }] } }),
            ),
        ),
        (
            json!({ "text": "Anbei", "replyButtonMessage": {
                "header": { "attachment": { "type": "document", "url": link("pdf"), "filename": "x.pdf" } },
                "buttons": [{ "id": "ok", "text": "Danke" }] } }),
            meta(
                "interactive",
                json!({ "type": "button", "body": { "text": "Anbei" },
                "header": { "type": "document", "document": { "link": link("pdf"), "filename": "x.pdf" } },
                "action": { "buttons": [{ "type": "reply", "reply": { "id": "ok", "title": "Danke" } }] } }),
            ),
        ),
        (
            json!({ "singleProductMessage": { "catalogId": catalog, "productItem": { "productRetailerId": mug } } }),
            meta(
                "interactive",
                json!({ "type": "product",
                "action": { "catalog_id": catalog, "product_retailer_id": mug } }),
            ),
        ),
        (
            json!({ "text": "Dieser", "singleProductMessage": { "footer": { "text": "Ende" }, "catalogId": catalog,
                "productItem": { "productRetailerId": tea } } }),
            meta(
                "interactive",
                json!({ "type": "product", "body": { "text": "Dieser" }, "footer": { "text": "Ende" },
                "action": { "catalog_id": catalog, "product_retailer_id": tea } }),
            ),
        ),
        (
            json!({ "text": "Passend dazu", "multiProductMessage": { "header": { "text": "Zubehoer" }, "catalogId": catalog,
                "sections": [{ "title": "Top", "productItems": [{ "productRetailerId": mug }, { "productRetailerId": tea }] }] } }),
            meta(
                "interactive",
                json!({ "type": "product_list", "body": { "text": "Passend dazu" },
                "header": { "type": "text", "text": "Zubehoer" }, "action": { "catalog_id": catalog, "sections": [
                    { "title": "Top", "product_items": [{ "product_retailer_id": mug }, { "product_retailer_id": tea }] }] } }),
            ),
        ),
        (
            json!({ "contacts": [{ "name": { "formattedName": "Eva M", "firstName": "Eva" },
                "phones": [{ "phone": "+4915112345678", "type": "CELL" }] }] }),
            meta(
                "contacts",
                json!([{ "name": { "formatted_name": "Eva M", "first_name": "Eva" },
                "phones": [{ "phone": "+4915112345678", "type": "CELL" }] }]),
            ),
        ),
        (json!({ "sticker": { "url": link("webp") } }), meta("sticker", json!({ "link": link("webp") }))),
        (
            json!({ "text": "Mehr", "ctaUrlMessage": { "header": { "text": "Neu" }, "footer": { "text": "Ende" },
                "button": { "text": "Ansehen", "url": LINK } } }),
            meta(
                "interactive",
                json!({ "type": "cta_url", "body": { "text": "Mehr" },
                "header": { "type": "text", "text": "Neu" }, "footer": { "text": "Ende" },
                "action": { "name": "cta_url", "parameters": { "display_text": "Ansehen", "url": LINK } } }),
            ),
        ),
        (
            json!({ "text": "Wo?", "locationRequestMessage": {} }),
            meta(
                "interactive",
                json!({ "type": "location_request_message", "body": { "text": "Wo?" },
                "action": { "name": "send_location" } }),
            ),
        ),
        (
            json!({ "text": "Wer?", "contactRequestMessage": {} }),
            meta(
                "interactive",
                json!({ "type": "request_contact_info", "body": { "text": "Wer?" },
                "action": { "name": "request_contact_info" } }),
            ),
        ),
    ];
    let mut ids = Vec::new();
    for (message, _) in &cases {
        ids.push(shop.say(phone, message.clone(), json!({ "callbackData": ["n", ids.len()] })).await);
    }
    for (at, ((_, expected), id)) in cases.iter().zip(&ids).enumerate() {
        let mut expected = expected.clone();
        expected["to"] = json!(phone);
        assert_eq!(without_tag(shop.arrived(id).await, id), expected);
        assert_eq!(shop.once(id, "delivered").await["callbackData"], json!(["n", at]));
    }
    // They started in the order accepted. The phone shows them all; in which order is Meta's, which promises none.
    let mut started = Vec::new();
    for id in &ids {
        started.push(shop.seq(id).await);
    }
    assert!(started.is_sorted(), "{started:?}");
    let kinds = |all: &mut dyn Iterator<Item = &Value>| {
        let mut kinds: Vec<String> = all.map(|m| m["type"].to_string()).collect();
        kinds.sort();
        kinds
    };
    let shown: Vec<Value> = shop.inbox(phone).await.into_iter().filter(|m| m["direction"] == "in").collect();
    assert_eq!(kinds(&mut shown.iter()), kinds(&mut cases.iter().map(|(_, meta)| meta)));

    // A product that the catalog does not have is Meta's to refuse, and said in Meta's words.
    let missing = json!({ "singleProductMessage": { "catalogId": catalog, "productItem": { "productRetailerId": "sku-none" } } });
    let failed = shop.once(&shop.say(phone, missing, json!({})).await, "failed").await;
    assert_eq!(failed["error"]["details"]["metaCode"], 131_009);
}

#[tokio::test]
async fn every_kind_of_template_reaches_somebody_who_never_wrote() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::open(dir.path());
    let phone = "+491701000002";
    shop.customer(phone, json!({})).await;
    let samples = [
        ("IMAGE", shop.sample().await),
        ("VIDEO", shop.sample_of("video/mp4").await),
        ("DOCUMENT", shop.sample_of("application/pdf").await),
    ];
    let body = |text: &str, samples: &[&str]| match samples {
        [] => json!({ "type": "BODY", "text": text }),
        samples => json!({ "type": "BODY", "text": text, "example": { "body_text": [samples] } }),
    };
    let header = |format: &str| {
        let sample = samples.iter().find(|(known, _)| *known == format).map(|(_, handle)| handle);
        json!({ "type": "HEADER", "format": format, "example": { "header_handle": [sample] } })
    };
    let url =
        || json!({ "type": "URL", "text": "Track", "url": "https://shop.example/{{1}}", "example": ["https://shop.example/a"] });
    let buttons = |all: Value| json!({ "type": "BUTTONS", "buttons": all });
    let greeting = || body("Dear {{1}}, thank you.", &["Ana"]);
    for (name, format) in [("with_image", "IMAGE"), ("with_video", "VIDEO")] {
        shop.approved(name, "en", "UTILITY", json!([header(format), greeting()])).await;
    }
    let document = json!([
        header("DOCUMENT"),
        body("Hallo {{1}}, Ihr Paket {{2}} ist da.", &["Ana", "1"]),
        buttons(json!([url(), { "type": "QUICK_REPLY", "text": "Danke" }])),
    ]);
    shop.approved("parcel_update", "de", "UTILITY", document).await;
    let texted = json!({ "type": "HEADER", "format": "TEXT", "text": "Order {{1}}", "example": { "header_text": ["7"] } });
    shop.approved("with_text", "en", "UTILITY", json!([texted, greeting()])).await;
    let located = json!([{ "type": "HEADER", "format": "LOCATION" }, body("We are here.", &[])]);
    shop.approved("with_location", "en", "UTILITY", located).await;
    let ten = "Your list: {{1}}, {{2}}, {{3}}, {{4}}, {{5}}, {{6}}, {{7}}, {{8}}, {{9}}, {{10}} and that is all of it; \
               we have packed every single thing with great care and hope that you will like it very much.";
    shop.approved("ten", "en", "UTILITY", json!([body(ten, &["a"; 10])])).await;
    let named = json!([{ "type": "BODY", "text": "Dear {{first_name}}, your order {{order}} is ready.", "example": {
        "body_text_named_params": [
            { "param_name": "first_name", "example": "Ana" }, { "param_name": "order", "example": "1" }] } }]);
    shop.approved("named", "en", "UTILITY", named).await;
    let linked = json!([greeting(), buttons(json!([{ "type": "QUICK_REPLY", "text": "Thanks" }, url()]))]);
    shop.approved("linked", "en", "UTILITY", linked).await;
    let coupon = json!([body("Use it.", &[]), buttons(json!([{ "type": "COPY_CODE", "example": "SAVE10" }]))]);
    shop.approved("coupon", "en", "MARKETING", coupon).await;
    let once = json!([
        { "type": "BODY", "add_security_recommendation": true },
        buttons(json!([{ "type": "OTP", "otp_type": "COPY_CODE", "text": "Copy" }])),
    ]);
    shop.approved("one_time", "en", "AUTHENTICATION", once).await;
    let card = || json!({ "components": [header("IMAGE"), body("Only {{1}} for today.", &["1"]), buttons(json!([url()]))] });
    let picks = json!([body("Hallo {{1}}, schau mal.", &["Ana"]), { "type": "CAROUSEL", "cards": [card(), card()] }]);
    shop.approved("autumn_picks", "de", "MARKETING", picks).await;
    let flow = json!([
        body("Fill it in.", &[]),
        buttons(json!([
        { "type": "FLOW", "text": "Go", "flow_id": "123", "navigate_screen": "A", "flow_action": "navigate" }]))
    ]);
    shop.approved("flow", "en", "UTILITY", flow).await;

    let text = |text: &str| json!({ "type": "text", "text": text });
    let part = |kind: &str, parameters: Value| json!({ "type": kind, "parameters": parameters });
    let button = |at: &str, kind: &str, parameter: Value| json!({ "type": "button", "sub_type": kind, "index": at, "parameters": [parameter] });
    let hello = || part("body", json!([text("Marta")]));
    let shuffled: Vec<(String, String)> = [10, 2, 9, 1, 3, 8, 7, 4, 6, 5].map(|n| (format!("body_{n}"), format!("V{n}"))).into();
    let shuffled: Vec<(&str, &str)> = shuffled.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let linked = || json!([hello(), button("1", "url", text("track/8"))]);
    let cases = [
        (
            templated(phone, "with_image", &[("body_1", "Marta"), ("header_image", LINK)]),
            json!([part("header", json!([{ "type": "image", "image": { "link": LINK } }])), hello()]),
        ),
        (
            templated(phone, "with_video", &[("header_video", LINK), ("body_1", "Marta")]),
            json!([part("header", json!([{ "type": "video", "video": { "link": LINK } }])), hello()]),
        ),
        (
            templated(phone, "with_text", &[("body_1", "Marta"), ("header_text", "8812")]),
            json!([part("header", json!([text("8812")])), hello()]),
        ),
        (
            templated(phone, "with_location", &[("header_location", "52.5,13.4,Shop,Street 1")]),
            json!([part(
                "header",
                json!([{ "type": "location", "location":
                { "latitude": 52.5, "longitude": 13.4, "name": "Shop", "address": "Street 1" } }])
            )]),
        ),
        (templated(phone, "ten", &shuffled), json!([part("body", (1..=10).map(|n| text(&format!("V{n}"))).collect())])),
        (
            templated(phone, "named", &[("body_order", "77"), ("body_first_name", "Marta")]),
            json!([part(
                "body",
                json!([
                { "type": "text", "parameter_name": "first_name", "text": "Marta" },
                { "type": "text", "parameter_name": "order", "text": "77" }])
            )]),
        ),
        (templated(phone, "linked", &[("body_1", "Marta"), ("button_2_url", "track/8")]), linked()),
        (templated(phone, "linked", &[("body_1", "Marta"), ("button_2_url", "https://shop.example/track/8")]), linked()),
        (
            templated(phone, "linked", &[("button_2_url", "x"), ("button_1_payload", "thanks"), ("body_1", "Marta")]),
            json!([
                hello(),
                button("0", "quick_reply", json!({ "type": "payload", "payload": "thanks" })),
                button("1", "url", text("x"))
            ]),
        ),
        (
            templated(phone, "coupon", &[("button_1_code", "SAVE25")]),
            json!([button("0", "copy_code", json!({ "type": "coupon_code", "coupon_code": "SAVE25" }))]),
        ),
        (
            templated(phone, "one_time", &[("button_1_code", "123456")]),
            json!([part("body", json!([text("123456")])), button("0", "url", text("123456"))]),
        ),
        (
            templated(phone, "flow", &[("button_1_flow_token", "T1")]),
            json!([button("0", "flow", json!({ "type": "action", "action": { "flow_token": "T1" } }))]),
        ),
        (
            json!({ "number": phone, "templateName": "parcel_update", "language": "de", "sender": shop.env["TRANSOM_SENDER"],
                "parameters": [
                    { "name": "header_document", "value": "https://files.example.org/l/8812.pdf", "filename": "Lieferschein.pdf" },
                    { "name": "body_1", "value": "Marta" }, { "name": "body_2", "value": "8812" },
                    { "name": "button_1_url", "value": "track/8812" }],
                "campaignName": "parcel-2026-10", "callbackData": { "shipment": 8812 } }),
            json!([
                part(
                    "header",
                    json!([{ "type": "document", "document":
                    { "link": "https://files.example.org/l/8812.pdf", "filename": "Lieferschein.pdf" } }])
                ),
                part("body", json!([text("Marta"), text("8812")])),
                button("0", "url", text("track/8812"))
            ]),
        ),
    ];
    let mut ids = Vec::new();
    for (request, _) in &cases {
        ids.push(shop.template(request).await);
    }
    for ((request, components), id) in cases.iter().zip(&ids) {
        let template =
            json!({ "name": request["templateName"], "language": { "code": request["language"] }, "components": components });
        let mut expected = meta("template", template);
        expected["to"] = json!(phone);
        assert_eq!(without_tag(shop.arrived(id).await, id), expected);
    }
    let example = shop.once(ids.last().unwrap(), "delivered").await;
    assert_eq!((&example["campaignName"], &example["callbackData"]), (&json!("parcel-2026-10"), &json!({ "shipment": 8812 })));
    let shown = shop.inbox(phone).await;
    assert_eq!(shown.iter().filter(|m| m["direction"] == "in" && m["type"] == "template").count(), cases.len());

    // The carousel goes to somebody who is known by a user id only.
    let shy = shop.customer("+491701000003", json!({ "showPhone": false, "username": "marta.k" })).await;
    let user = shy["userId"].as_str().unwrap();
    let request = json!({ "number": format!("bsuid:{user}"), "templateName": "autumn_picks", "language": "de", "parameters": [
        { "name": "card_2_button_1_url", "value": "p/2" }, { "name": "card_2_body_1", "value": "24,50 EUR" },
        { "name": "card_2_header_image", "value": "https://files.example.org/p/2.jpg" },
        { "name": "body_1", "value": "Marta" }, { "name": "card_1_header_image", "value": "https://files.example.org/p/1.jpg" },
        { "name": "card_1_body_1", "value": "19,90 EUR" }, { "name": "card_1_button_1_url", "value": "p/1" }] });
    let card = |at: u32, price: &str| {
        let image = format!("https://files.example.org/p/{}.jpg", at + 1);
        json!({ "card_index": at, "components": [
            part("header", json!([{ "type": "image", "image": { "link": image } }])),
            part("body", json!([text(price)])), button("0", "url", text(&format!("p/{}", at + 1)))] })
    };
    let sent = shop.arrived(&shop.template(&request).await).await;
    assert_eq!((&sent["recipient"], &sent["to"]), (&json!(user), &Value::Null));
    let carousel = json!({ "type": "carousel", "cards": [card(0, "19,90 EUR"), card(1, "24,50 EUR")] });
    assert_eq!(sent["template"]["components"], json!([hello(), carousel]));

    // A one-time code cannot go to a user id: refused here, and Meta is not asked.
    let code = templated(&format!("bsuid:{user}"), "one_time", &[("button_1_code", "1")]);
    let (status, refused) = shop.refused("/send/whatsapp_templated_messages", &code).await;
    assert_eq!((status, &refused["code"]), (400, &json!("ERROR_CODE_RECIPIENT_BSUID_UNSUPPORTED")));
    let calls = shop.desk.get("/sim/v1/requests?limit=1000&after=0").await;
    assert!(
        !calls["data"]
            .as_array()
            .unwrap()
            .iter()
            .any(|call| { call["body"]["recipient"] == user && call["body"]["template"]["name"] == "one_time" })
    );

    // What does not fit the template names each parameter.
    let input = "ERROR_CODE_MESSAGE_TEMPLATE_INPUT_INVALID";
    for (name, parameters, wrong) in [
        ("linked", vec![("body_1", "Marta"), ("body_2", "x")], vec!["button_2_url", "body_2"]),
        ("linked", vec![("body_1", "a\nb"), ("button_2_url", "https://elsewhere.example/x")], vec!["body_1", "button_2_url"]),
        ("linked", vec![("body_1", "a"), ("body_1", "b"), ("button_2_url", "x")], vec!["body_1"]),
        ("with_image", vec![("body_1", "a     b"), ("header_document", LINK)], vec!["header_image", "body_1", "header_document"]),
        ("with_location", vec![("header_location", "here")], vec!["header_location"]),
    ] {
        let (status, refused) = shop.refused("/send/whatsapp_templated_messages", &templated(phone, name, &parameters)).await;
        assert_eq!((status, &refused["code"]), (400, &json!(input)), "{refused}");
        let mut named: Vec<&str> =
            refused["details"]["parameters"].as_array().unwrap().iter().map(|p| p["name"].as_str().unwrap()).collect();
        let mut wrong = wrong.clone();
        named.sort_unstable();
        wrong.sort_unstable();
        assert_eq!(named, wrong, "{refused}");
    }
    for (name, language) in [("nowhere", "en"), ("linked", "fr")] {
        let mut request = templated(phone, name, &[]);
        request["language"] = json!(language);
        let (status, refused) = shop.refused("/send/whatsapp_templated_messages", &request).await;
        assert_eq!((status, &refused["code"]), (400, &json!("ERROR_CODE_MESSAGE_TEMPLATE_NOT_FOUND")));
    }
}

#[tokio::test]
async fn what_was_accepted_is_replayed_though_its_template_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::open(dir.path());
    let phone = "+491701000077";
    shop.customer(phone, json!({})).await;
    let body = json!([{ "type": "BODY", "text": "Your parcel 7 is on its way to you." }]);
    shop.approved("soon_gone", "en", "UTILITY", body).await;
    let (path, send) = ("/send/whatsapp_templated_messages", templated(phone, "soon_gone", &[]));
    let first = shop.keyed(path, "once", &send).await;
    assert_eq!((first.status, first.replayed), (201, false), "{}", first.json);
    shop.once(first.json["id"].as_str().unwrap(), "delivered").await;
    let (status, answer) = shop.api.call(Method::DELETE, &shop.path("/templates/soon_gone"), None).await;
    assert_eq!(status, 200, "{answer}");
    // A repetition of what was accepted is answered as it was; what is new is refused.
    let again = shop.keyed(path, "once", &send).await;
    assert_eq!((again.status, again.replayed, &again.json), (201, true, &first.json));
    assert_eq!(shop.keyed(path, "twice", &send).await.status, 400);
}
