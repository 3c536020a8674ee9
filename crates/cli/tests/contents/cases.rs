//! Every content type in every button mix that differs by rule, as a business writes it.
//!
//! By hand from the published pages of the types and from Meta's pages of templates and messages; nothing here is taken from the
//! code that is tested.

use serde_json::{Value, json};

/// How a case goes where nothing is approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Free {
    /// In a session as a session message.
    Session,
    /// Nowhere.
    Never,
}

/// One case.
pub(crate) struct Case {
    /// Names it: its snapshot, its template and its words.
    pub(crate) name: &'static str,
    /// Content type.
    pub(crate) kind: &'static str,
    /// Its body.
    pub(crate) body: Value,
    /// Samples of its variables.
    pub(crate) samples: Value,
    /// Values of a send.
    pub(crate) values: Value,
    /// The category under which it is submitted; none for what can never be.
    pub(crate) category: Option<&'static str>,
    /// Without approval.
    pub(crate) free: Free,
}

/// What the shop has.
pub(crate) struct Stock {
    /// Where its files are.
    pub(crate) files: String,
    /// Meta's catalog id.
    pub(crate) catalog: String,
    /// Two products of it.
    pub(crate) products: [String; 2],
}

const UTILITY: Option<&str> = Some("UTILITY");
const MARKETING: Option<&str> = Some("MARKETING");

fn url() -> Value {
    json!({ "type": "URL", "title": "Track order", "url": "https://shop.example.com/t/{{2}}" })
}

fn page() -> Value {
    json!({ "type": "URL", "title": "Open the shop", "url": "https://shop.example.com/open" })
}

fn phone() -> Value {
    json!({ "type": "PHONE_NUMBER", "title": "Call the shop", "phone": "+493023125000" })
}

fn coupon() -> Value {
    json!({ "type": "COPY_CODE", "title": "Copy offer code", "code": "TEA20" })
}

fn reply(title: &str) -> Value {
    json!({ "type": "QUICK_REPLY", "title": title, "id": title.to_lowercase() })
}

fn replies(n: usize) -> Value {
    (1..=n).map(|n| json!({ "title": format!("Answer {n}"), "id": format!("answer-{n}") })).collect()
}

/// Button mixes of the types that may or may not need approval by their buttons.
fn mixes() -> Vec<(&'static str, Value, Free)> {
    vec![
        ("url", json!([url()]), Free::Session),
        ("static_url", json!([page()]), Free::Session),
        ("two_urls", json!([url(), page()]), Free::Never),
        ("phone", json!([phone()]), Free::Never),
        ("copy_code", json!([coupon()]), Free::Never),
        ("mixed", json!([url(), phone()]), Free::Never),
    ]
}

/// The words of a case; they differ in every case, since Meta takes no text twice.
fn words(name: &str) -> String {
    format!("Hello {{{{1}}}}, your order is ready for you now. This is the case {}.", name.replace('_', " "))
}

#[rustfmt::skip]
pub(crate) fn cases(stock: &Stock) -> Vec<Case> {
    let file = |name: &str| format!("{}/{name}", stock.files);
    let mut cases = Vec::new();
    let mut add = |name: &'static str, kind: &'static str, body: Value, category, free| {
        let suffix = body.to_string().contains("{{2}}");
        let (samples, values) = match () {
            () if kind == "whatsapp/authentication" => (json!({ "1": "123456" }), json!({ "1": "774411" })),
            () if suffix => (json!({ "1": "Ana", "2": "A-17" }), json!({ "1": "Berta", "2": "B-42" })),
            () if body.to_string().contains("{{1}}") => (json!({ "1": "Ana" }), json!({ "1": "Berta" })),
            () => (json!({}), json!({})),
        };
        cases.push(Case { name, kind, body, samples, values, category, free });
    };
    let leak = |name: String| -> &'static str { name.leak() };

    add("text", "twilio/text", json!({ "body": words("text") }), UTILITY, Free::Session);
    for (name, sample) in [("image", "picture.png"), ("video", "clip.mp4"), ("document", "paper.pdf")] {
        let name = leak(format!("media_{name}"));
        add(name, "twilio/media", json!({ "body": words(name), "media": [file(sample)] }), UTILITY, Free::Session);
    }
    let suffix = json!({ "body": words("media_suffix"), "media": [file("invoices/{{2}}.pdf")] });
    add("media_suffix", "twilio/media", suffix, UTILITY, Free::Session);
    add("media_audio", "twilio/media", json!({ "media": [file("voice.mp3")] }), None, Free::Session);
    let place = json!({ "latitude": 52.52, "longitude": 13.405, "label": "Our shop", "address": "Street 1, Berlin" });
    add("location", "twilio/location", place, None, Free::Session);
    add("quick_reply", "twilio/quick-reply", json!({ "body": words("quick_reply"), "actions": replies(3) }), UTILITY, Free::Session);
    let many = json!({ "body": words("quick_reply_many"), "actions": replies(10) });
    add("quick_reply_many", "twilio/quick-reply", many, UTILITY, Free::Never);
    for (mix, actions, free) in mixes() {
        let name = leak(format!("call_to_action_{mix}"));
        add(name, "twilio/call-to-action", json!({ "body": words(name), "actions": actions }), UTILITY, free);
    }
    for (name, kind) in [("call_to_action_voice_call", "VOICE_CALL"), ("call_to_action_call_request", "VOICE_CALL_REQUEST")] {
        let actions = json!([{ "type": kind, "title": "Call us now" }]);
        add(name, "twilio/call-to-action", json!({ "body": words(name), "actions": actions }), UTILITY, Free::Session);
    }
    let contact = json!({ "body": words("call_to_action_contact"), "actions": [{ "type": "REQUEST_CONTACT_INFO" }] });
    add("call_to_action_contact", "twilio/call-to-action", contact, UTILITY, Free::Never);
    let items = json!([{ "id": "green", "item": "Green tea", "description": "Light" }, { "id": "black", "item": "Black tea" }]);
    add("list_picker", "twilio/list-picker", json!({ "body": words("list_picker"), "button": "Choose", "items": items }), None, Free::Session);

    let card = |name: &str, media: &str, actions: Value| {
        json!({ "title": words(name), "subtitle": "Desk shop", "media": [file(media)], "actions": actions })
    };
    add("card_plain", "twilio/card", card("card_plain", "picture.png", json!([])), UTILITY, Free::Session);
    add("card_video", "twilio/card", card("card_video", "clip.mp4", replies(1)), UTILITY, Free::Session);
    add("card_document", "twilio/card", card("card_document", "paper.pdf", json!([page()])), UTILITY, Free::Session);
    add("card_replies", "twilio/card", card("card_replies", "picture.png", replies(3)), UTILITY, Free::Session);
    add("card_replies_many", "twilio/card", card("card_replies_many", "picture.png", replies(4)), UTILITY, Free::Never);
    add("card_replies_and_url", "twilio/card", card("card_replies_and_url", "picture.png", json!([reply("Yes"), url()])), UTILITY, Free::Never);
    for (mix, actions, free) in mixes() {
        let name = leak(format!("card_{mix}"));
        add(name, "twilio/card", card(name, "picture.png", actions), UTILITY, free);
    }
    let framed = |name: &str, actions: Value| {
        json!({ "body": words(name), "header_text": "Your order", "footer": "Desk shop", "actions": actions })
    };
    let named_header = json!({ "body": words("wa_card_header"), "header_text": "Order {{2}}", "footer": "Desk shop" });
    add("wa_card_header", "whatsapp/card", named_header, UTILITY, Free::Session);
    add("wa_card_plain", "whatsapp/card", framed("wa_card_plain", json!([])), UTILITY, Free::Session);
    let pictured = json!({ "body": words("wa_card_media"), "media": [file("picture.png")], "actions": replies(2) });
    add("wa_card_media", "whatsapp/card", pictured, UTILITY, Free::Session);
    add("wa_card_replies", "whatsapp/card", framed("wa_card_replies", replies(3)), UTILITY, Free::Session);
    add("wa_card_replies_many", "whatsapp/card", framed("wa_card_replies_many", replies(4)), UTILITY, Free::Never);
    add("wa_card_replies_and_url", "whatsapp/card", framed("wa_card_replies_and_url", json!([reply("Yes"), url()])), UTILITY, Free::Never);
    for (mix, actions, free) in mixes() {
        let name = leak(format!("wa_card_{mix}"));
        add(name, "whatsapp/card", framed(name, actions), UTILITY, free);
    }

    let cards = |first: Value, second: Value, media: &str| {
        let card = |title: &str, actions: Value| json!({ "title": title, "body": "Fresh this week", "media": file(media), "actions": actions });
        json!([card("Green tea", first), card("Black tea", second)])
    };
    let see = |page: &str| json!({ "type": "URL", "title": "See", "url": format!("https://shop.example.com/{page}") });
    for (name, cards) in [
        ("carousel_url", cards(json!([see("green")]), json!([see("black")]), "picture.png")),
        ("carousel_reply", cards(json!([reply("Green")]), json!([reply("Black")]), "picture.png")),
        ("carousel_video", cards(json!([reply("Green"), see("green")]), json!([reply("Black"), see("black")]), "clip.mp4")),
        ("carousel_phone", cards(json!([phone(), url()]), json!([phone(), url()]), "picture.png")),
    ] {
        add(name, "twilio/carousel", json!({ "body": words(name), "cards": cards }), MARKETING, Free::Never);
    }
    let product = |n: usize, section: Option<&str>| json!({ "id": stock.products[n], "section_title": section });
    let catalog = |name: &str, title: Option<&str>, items: Value| {
        json!({ "id": stock.catalog, "title": title, "body": words(name), "subtitle": "Desk shop", "items": items })
    };
    add("catalog_one", "twilio/catalog", catalog("catalog_one", Some("Our tea"), json!([product(0, None)])), MARKETING, Free::Session);
    let two = json!([product(0, Some("Green")), product(1, Some("Black"))]);
    add("catalog_several", "twilio/catalog", catalog("catalog_several", Some("Our tea"), two), MARKETING, Free::Session);
    let whole = json!({ "id": stock.catalog, "body": words("catalog_whole"), "thumbnail_item_id": stock.products[0] });
    add("catalog_whole", "twilio/catalog", whole, MARKETING, Free::Session);

    let flows = json!({ "body": words("flows"), "button_text": "Book", "type": "APPOINTMENT_BOOKING", "pages": [
        { "id": "first", "title": "Your visit", "next_page_id": "second", "layout": [
            { "type": "TEXT_HEADING", "text": "When will you come?" },
            { "type": "SHORT_TEXT", "label": "Day", "text": "Day", "required": true, "input_type": "TEXT" },
            { "type": "FOOTER", "label": "On" }] },
        { "id": "second", "title": "Your name", "layout": [
            { "type": "SHORT_TEXT", "label": "Name", "text": "Name", "required": true, "input_type": "TEXT" },
            { "type": "FOOTER", "label": "Send" }] }] });
    add("flows", "twilio/flows", flows, UTILITY, Free::Never);

    let form = |name: &str| json!({ "body": words(name), "button_text": "Begin", "subtitle": "Desk shop", "flow_id": "4711",
        "media_url": file("picture.png"), "flow_token": "token-{{2}}" });
    let mut at_screen = form("form_at_screen");
    at_screen["flow_first_page_id"] = json!("FIRST");
    add("form_at_screen", "whatsapp/flows", at_screen, UTILITY, Free::Session);
    let mut by_endpoint = form("form_by_endpoint");
    by_endpoint["is_flow_first_page_endpoint"] = json!(true);
    add("form_by_endpoint", "whatsapp/flows", by_endpoint, UTILITY, Free::Session);

    let code = json!({ "add_security_recommendation": true, "code_expiration_minutes": 10,
        "actions": [{ "type": "COPY_CODE", "copy_code_text": "Copy code" }] });
    add("authentication", "whatsapp/authentication", code, Some("AUTHENTICATION"), Free::Never);
    let plain = json!({ "add_security_recommendation": false, "actions": [{ "type": "COPY_CODE", "copy_code_text": "Copy it" }] });
    add("authentication_plain", "whatsapp/authentication", plain, Some("AUTHENTICATION"), Free::Never);
    cases
}
