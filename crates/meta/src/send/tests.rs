//! One assertion per kind, against the JSON that Meta's page of the kind shows, with values of our own.

use serde_json::{Value, json};
use transom_domain::address::{Bsuid, Phone};
use transom_domain::content::Language;
use transom_domain::free_form::{
    ContactCard, File, FreeForm, Header, ListRow, ListSection, MediaKind, MediaSource, ProductSection, ReplyButton,
};
use transom_domain::template::{ButtonParameter, ButtonValue, CardParameters, HeaderParameter, TemplateSend, TextParameter};

use super::*;

fn phone() -> Phone {
    Phone::parse("+493012345678").unwrap()
}

/// The object of the message's type, after a look at everything around it.
fn said(say: &FreeForm, kind: &str) -> Value {
    let to = phone();
    let env = Envelope { recipient: Recipient::To(&to), context: None, callback: "" };
    let mut body = free_form(&env, say);
    assert_eq!(body["messaging_product"], "whatsapp");
    assert_eq!(body["to"], "+493012345678");
    assert_eq!(body["type"], kind);
    assert_eq!(body.as_object().unwrap().len(), 5, "{body}");
    body[kind].take()
}

fn interactive(say: &FreeForm) -> Value {
    said(say, "interactive")
}

fn file(kind: MediaKind) -> File {
    File { kind, source: MediaSource::Link("https://shop.example/f".into()), filename: None }
}

fn media(file: File, caption: Option<&str>, voice: bool) -> FreeForm {
    FreeForm::Media { file, caption: caption.map(str::to_owned), voice }
}

#[test]
fn each_address_has_its_own_field() {
    let say = FreeForm::Text { body: "Hallo".into(), preview_url: true };
    let bsuid = Bsuid::parse("DE.ENT.77aB").unwrap();
    let env = Envelope { recipient: Recipient::Recipient(&bsuid), context: Some("wamid.A"), callback: "01J.1" };
    assert_eq!(
        free_form(&env, &say),
        json!({
            "messaging_product": "whatsapp", "recipient_type": "individual", "recipient": "DE.ENT.77aB",
            "type": "text", "text": {"body": "Hallo", "preview_url": true},
            "context": {"message_id": "wamid.A"}, "biz_opaque_callback_data": "01J.1",
        })
    );
}

#[test]
fn plain_kinds() {
    assert_eq!(
        said(&media(file(MediaKind::Image), Some("Box"), false), "image"),
        json!({"link": "https://shop.example/f", "caption": "Box"})
    );
    assert_eq!(said(&media(file(MediaKind::Video), None, false), "video"), json!({"link": "https://shop.example/f"}));
    let note = File { kind: MediaKind::Audio, source: MediaSource::Id("3001".into()), filename: None };
    assert_eq!(said(&media(note, Some("never sent"), true), "audio"), json!({"id": "3001", "voice": true}));
    assert_eq!(said(&media(file(MediaKind::Sticker), None, true), "sticker"), json!({"link": "https://shop.example/f"}));
    let document = File { filename: Some("form.pdf".into()), ..file(MediaKind::Document) };
    assert_eq!(
        said(&media(document, Some("Please sign"), false), "document"),
        json!({"link": "https://shop.example/f", "caption": "Please sign", "filename": "form.pdf"})
    );
    let place = FreeForm::Location { latitude: 52.5, longitude: 13.25, name: Some("Shop".into()), address: None };
    assert_eq!(said(&place, "location"), json!({"latitude": 52.5, "longitude": 13.25, "name": "Shop"}));
    let card = ContactCard {
        name: object([("formatted_name", json!("Ben Beispiel")), ("first_name", json!("Ben"))]),
        rest: object([("phones", json!([{"phone": "+493099999", "type": "WORK"}]))]),
    };
    assert_eq!(
        said(&FreeForm::Contacts { contacts: vec![card] }, "contacts"),
        json!([{"name": {"formatted_name": "Ben Beispiel", "first_name": "Ben"}, "phones": [{"phone": "+493099999", "type": "WORK"}]}])
    );
}

#[test]
fn a_reaction_never_quotes_and_an_empty_one_takes_it_back() {
    let to = phone();
    let env = Envelope { recipient: Recipient::To(&to), context: Some("wamid.A"), callback: "" };
    let body = free_form(&env, &FreeForm::Reaction { message_id: "wamid.B".into(), emoji: String::new() });
    assert_eq!(body["reaction"], json!({"message_id": "wamid.B", "emoji": ""}));
    assert!(body.get("context").is_none());
}

#[test]
fn reply_buttons_with_a_header_of_each_kind() {
    let mut say = FreeForm::Buttons {
        header: Some(Header::Text("Termin".into())),
        body: "Dienstag um zehn?".into(),
        footer: Some("Laden".into()),
        buttons: vec![ReplyButton { id: "y".into(), title: "Ja".into() }, ReplyButton { id: "n".into(), title: "Nein".into() }],
    };
    assert_eq!(
        interactive(&say),
        json!({"type": "button", "header": {"type": "text", "text": "Termin"}, "body": {"text": "Dienstag um zehn?"},
            "footer": {"text": "Laden"}, "action": {"buttons": [
                {"type": "reply", "reply": {"id": "y", "title": "Ja"}}, {"type": "reply", "reply": {"id": "n", "title": "Nein"}}]}})
    );
    for (kind, wanted) in [
        (MediaKind::Image, json!({"type": "image", "image": {"link": "https://shop.example/f"}})),
        (MediaKind::Video, json!({"type": "video", "video": {"link": "https://shop.example/f"}})),
        (MediaKind::Document, json!({"type": "document", "document": {"link": "https://shop.example/f"}})),
    ] {
        if let FreeForm::Buttons { header, .. } = &mut say {
            *header = Some(Header::File(file(kind)));
        }
        assert_eq!(interactive(&say)["header"], wanted);
    }
}

#[test]
fn a_list_keeps_its_sections() {
    let row = |id: &str, description: Option<&str>| ListRow {
        id: id.into(),
        title: id.to_uppercase(),
        description: description.map(str::to_owned),
    };
    let say = FreeForm::List {
        header: Some("Zeiten".into()),
        body: "Bitte wählen".into(),
        footer: None,
        button: "Öffnen".into(),
        sections: vec![
            ListSection { title: Some("Montag".into()), rows: vec![row("m1", Some("8 bis 10")), row("m2", None)] },
            ListSection { title: None, rows: vec![row("d1", Some(""))] },
        ],
    };
    assert_eq!(
        interactive(&say),
        json!({"type": "list", "header": {"type": "text", "text": "Zeiten"}, "body": {"text": "Bitte wählen"}, "action": {
            "button": "Öffnen", "sections": [
                {"title": "Montag", "rows": [{"id": "m1", "title": "M1", "description": "8 bis 10"}, {"id": "m2", "title": "M2"}]},
                {"rows": [{"id": "d1", "title": "D1"}]}]}})
    );
}

#[test]
fn buttons_that_lead_somewhere() {
    let link = FreeForm::CtaUrl {
        header: None,
        body: "Alles Neue".into(),
        footer: Some(String::new()),
        display_text: "Ansehen".into(),
        url: "https://shop.example/neu".into(),
    };
    assert_eq!(
        interactive(&link),
        json!({"type": "cta_url", "body": {"text": "Alles Neue"}, "action": {"name": "cta_url",
            "parameters": {"display_text": "Ansehen", "url": "https://shop.example/neu"}}})
    );
    let call = |display_text: Option<&str>, ttl_minutes| FreeForm::VoiceCall {
        body: "Rufen Sie an".into(),
        display_text: display_text.map(str::to_owned),
        ttl_minutes,
        payload: None,
    };
    assert_eq!(
        interactive(&call(Some("Anrufen"), Some(60))),
        json!({"type": "voice_call", "body": {"text": "Rufen Sie an"}, "action": {"name": "voice_call",
            "parameters": {"display_text": "Anrufen", "ttl_minutes": 60}}})
    );
    assert_eq!(interactive(&call(None, None))["action"], json!({"name": "voice_call"}));
}

#[test]
fn requests_to_the_customer() {
    let body = || "Wo sind Sie?".to_owned();
    for (say, kind, name) in [
        (FreeForm::LocationRequest { body: body() }, "location_request_message", "send_location"),
        (FreeForm::ContactRequest { body: body() }, "request_contact_info", "request_contact_info"),
        (FreeForm::CallPermissionRequest { body: Some(body()) }, "call_permission_request", "call_permission_request"),
    ] {
        assert_eq!(interactive(&say), json!({"type": kind, "body": {"text": "Wo sind Sie?"}, "action": {"name": name}}));
    }
    let bare = FreeForm::CallPermissionRequest { body: None };
    assert_eq!(interactive(&bare), json!({"type": "call_permission_request", "action": {"name": "call_permission_request"}}));
}

#[test]
fn products_and_catalogs() {
    let product = FreeForm::Product { body: None, footer: None, catalog_id: "77".into(), product: "sku-1".into() };
    assert_eq!(interactive(&product), json!({"type": "product", "action": {"catalog_id": "77", "product_retailer_id": "sku-1"}}));
    let list = FreeForm::ProductList {
        header: "Herbst".into(),
        body: "Unsere Wahl".into(),
        footer: None,
        catalog_id: "77".into(),
        sections: vec![ProductSection { title: Some("Jacken".into()), products: vec!["sku-1".into(), "sku-2".into()] }],
    };
    assert_eq!(
        interactive(&list),
        json!({"type": "product_list", "header": {"type": "text", "text": "Herbst"}, "body": {"text": "Unsere Wahl"}, "action": {
            "catalog_id": "77", "sections": [{"title": "Jacken",
                "product_items": [{"product_retailer_id": "sku-1"}, {"product_retailer_id": "sku-2"}]}]}})
    );
    let catalog = |thumbnail: Option<&str>| FreeForm::Catalog {
        body: "Alles".into(),
        footer: None,
        thumbnail: thumbnail.map(str::to_owned),
    };
    assert_eq!(
        interactive(&catalog(Some("sku-1"))),
        json!({"type": "catalog_message", "body": {"text": "Alles"}, "action": {"name": "catalog_message",
            "parameters": {"thumbnail_product_retailer_id": "sku-1"}}})
    );
    assert_eq!(interactive(&catalog(None))["action"], json!({"name": "catalog_message"}));
}

#[test]
fn a_form_opens_at_a_screen_only_when_one_is_named() {
    let flow = |token: Option<&str>, screen: Option<&str>, data| FreeForm::Flow {
        header: None,
        body: "Buchen".into(),
        footer: None,
        flow_id: "991".into(),
        button: "Los".into(),
        token: token.map(str::to_owned),
        screen: screen.map(str::to_owned),
        from_endpoint: false,
        data,
    };
    let data = object([("k", json!("v"))]);
    assert_eq!(
        interactive(&flow(Some("t-1"), Some("START"), Some(data.clone())))["action"],
        json!({"name": "flow", "parameters": {"flow_message_version": "3", "flow_id": "991", "flow_cta": "Los", "flow_token": "t-1",
            "flow_action": "navigate", "flow_action_payload": {"screen": "START", "data": {"k": "v"}}}})
    );
    let bare = json!({"name": "flow", "parameters": {"flow_message_version": "3", "flow_id": "991", "flow_cta": "Los"}});
    assert_eq!(interactive(&flow(None, None, Some(data)))["action"], bare);
    let empty = interactive(&flow(None, Some("START"), Some(Map::new())));
    assert_eq!(empty["action"]["parameters"]["flow_action_payload"], json!({"screen": "START"}));
    let mut asked = flow(Some("t-1"), Some("START"), None);
    if let FreeForm::Flow { from_endpoint, .. } = &mut asked {
        *from_endpoint = true;
    }
    let parameters = json!({"flow_message_version": "3", "flow_id": "991", "flow_cta": "Los", "flow_token": "t-1",
        "flow_action": "data_exchange"});
    assert_eq!(interactive(&asked)["action"]["parameters"], parameters);
}

#[test]
fn read_marks() {
    let mark = json!({"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.A"});
    assert_eq!(mark_read("wamid.A", false), mark);
    assert_eq!(mark_read("wamid.A", true)["typing_indicator"], json!({"type": "text"}));
}

fn sent(send: &TemplateSend) -> Value {
    let to = phone();
    let env = Envelope { recipient: Recipient::To(&to), context: None, callback: "01J.1" };
    let mut body = template(&env, send);
    assert_eq!((&body["type"], &body["biz_opaque_callback_data"]), (&json!("template"), &json!("01J.1")));
    body["template"].take()
}

fn send() -> TemplateSend {
    TemplateSend {
        name: "bestellung".into(),
        language: Language::parse("de").unwrap(),
        fallback: Vec::new(),
        header: None,
        offer_end: None,
        body: Vec::new(),
        buttons: Vec::new(),
        cards: Vec::new(),
    }
}

fn value(name: Option<&str>, text: &str) -> TextParameter {
    TextParameter { name: name.map(str::to_owned), text: text.into() }
}

fn component(header: HeaderParameter) -> Value {
    let mut printed = sent(&TemplateSend { header: Some(header), ..send() });
    assert_eq!(printed["components"][0]["type"], "header");
    printed["components"][0]["parameters"][0].take()
}

#[test]
fn a_template_without_variables_has_no_components() {
    assert_eq!(sent(&send()), json!({"name": "bestellung", "language": {"code": "de"}}));
}

#[test]
fn headers_of_each_kind() {
    assert_eq!(
        component(HeaderParameter::Text(value(Some("nr"), "A-17"))),
        json!({"type": "text", "parameter_name": "nr", "text": "A-17"})
    );
    let image = File { source: MediaSource::Id("3001".into()), ..file(MediaKind::Image) };
    assert_eq!(component(HeaderParameter::File(image)), json!({"type": "image", "image": {"id": "3001"}}));
    let video = component(HeaderParameter::File(file(MediaKind::Video)));
    assert_eq!(video, json!({"type": "video", "video": {"link": "https://shop.example/f"}}));
    let document = File { filename: Some("r.pdf".into()), ..file(MediaKind::Document) };
    assert_eq!(
        component(HeaderParameter::File(document)),
        json!({"type": "document", "document": {"link": "https://shop.example/f", "filename": "r.pdf"}})
    );
    let place = HeaderParameter::Location { latitude: 1.5, longitude: -2.0, name: None, address: Some("Weg 1".into()) };
    assert_eq!(
        component(place),
        json!({"type": "location", "location": {"latitude": 1.5, "longitude": -2.0, "address": "Weg 1"}})
    );
    let product = HeaderParameter::Product { catalog_id: "77".into(), product: "sku-1".into() };
    assert_eq!(component(product), json!({"type": "product", "product": {"product_retailer_id": "sku-1", "catalog_id": "77"}}));
}

#[test]
fn texts_are_positional_or_named() {
    let positional = sent(&TemplateSend { body: vec![value(None, "Ana"), value(None, "heute")], ..send() });
    assert_eq!(
        positional["components"],
        json!([{"type": "body", "parameters": [{"type": "text", "text": "Ana"}, {"type": "text", "text": "heute"}]}])
    );
    let named = sent(&TemplateSend { body: vec![value(Some("vorname"), "Ana")], ..send() });
    assert_eq!(named["components"][0]["parameters"], json!([{"type": "text", "parameter_name": "vorname", "text": "Ana"}]));
}

#[test]
fn buttons_of_each_kind() {
    let button = |index, value| sent(&TemplateSend { buttons: vec![ButtonParameter { index, value }], ..send() });
    let cases = [
        (ButtonValue::Payload { payload: "STOP".into() }, "quick_reply", json!({"type": "payload", "payload": "STOP"})),
        (ButtonValue::UrlSuffix { suffix: "A-17".into() }, "url", json!({"type": "text", "text": "A-17"})),
        (ButtonValue::CouponCode { code: "HERBST".into() }, "copy_code", json!({"type": "coupon_code", "coupon_code": "HERBST"})),
        (
            ButtonValue::Catalog { thumbnail: Some("sku-1".into()) },
            "catalog",
            json!({"type": "action", "action": {"thumbnail_product_retailer_id": "sku-1"}}),
        ),
        (
            ButtonValue::MultiProduct {
                thumbnail: "sku-1".into(),
                sections: vec![ProductSection { title: Some("Jacken".into()), products: vec!["sku-1".into()] }],
            },
            "mpm",
            json!({"type": "action", "action": {"thumbnail_product_retailer_id": "sku-1",
                "sections": [{"title": "Jacken", "product_items": [{"product_retailer_id": "sku-1"}]}]}}),
        ),
        (
            ButtonValue::Flow { token: Some("t-1".into()), data: Some(object([("k", json!(1))])) },
            "flow",
            json!({"type": "action", "action": {"flow_token": "t-1", "flow_action_data": {"k": 1}}}),
        ),
        (ButtonValue::Flow { token: None, data: None }, "flow", json!({"type": "action", "action": {"flow_token": "unused"}})),
    ];
    for (value, sub_type, parameter) in cases {
        let wanted = json!([{"type": "button", "sub_type": sub_type, "index": "3", "parameters": [parameter]}]);
        assert_eq!(button(3, value)["components"], wanted);
    }
    assert!(button(0, ButtonValue::Catalog { thumbnail: None }).get("components").is_none());
}

#[test]
fn a_one_time_code_goes_twice() {
    let wanted = json!([
        {"type": "body", "parameters": [{"type": "text", "text": "482913"}]},
        {"type": "button", "sub_type": "url", "index": "0", "parameters": [{"type": "text", "text": "482913"}]},
    ]);
    let buttons = vec![ButtonParameter { index: 0, value: ButtonValue::OneTimeCode { code: "482913".into() } }];
    let once = TemplateSend { buttons: buttons.clone(), ..send() };
    assert_eq!(sent(&once)["components"], wanted);
    let both = TemplateSend { buttons, body: vec![value(None, "482913")], ..send() };
    assert_eq!(sent(&both)["components"], wanted);
}

#[test]
fn cards_are_counted_from_zero() {
    let card = |id: &str| CardParameters {
        header: Some(HeaderParameter::File(File { source: MediaSource::Id(id.into()), ..file(MediaKind::Image) })),
        body: vec![value(None, id)],
        buttons: vec![ButtonParameter { index: 1, value: ButtonValue::UrlSuffix { suffix: id.into() } }],
    };
    let printed = sent(&TemplateSend { cards: vec![card("a"), card("b")], body: vec![value(None, "Ana")], ..send() });
    let wanted = |at: u8, id: &str| {
        json!({"card_index": at, "components": [
            {"type": "header", "parameters": [{"type": "image", "image": {"id": id}}]},
            {"type": "body", "parameters": [{"type": "text", "text": id}]},
            {"type": "button", "sub_type": "url", "index": "1", "parameters": [{"type": "text", "text": id}]}]})
    };
    assert_eq!(
        printed["components"],
        json!([
            {"type": "body", "parameters": [{"type": "text", "text": "Ana"}]},
            {"type": "carousel", "cards": [wanted(0, "a"), wanted(1, "b")]},
        ])
    );
}

#[test]
fn the_end_of_an_offer_goes_in_milliseconds() {
    let printed = sent(&TemplateSend { offer_end: Some(transom_domain::Timestamp::from_millis(1_790_000_000_000)), ..send() });
    assert_eq!(
        printed["components"],
        json!([{"type": "limited_time_offer", "parameters": [
            {"type": "limited_time_offer", "limited_time_offer": {"expiration_time_ms": 1_790_000_000_000_i64}}]}])
    );
}
