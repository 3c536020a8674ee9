use super::super::tests::party;
use super::*;
use transom_domain::fact::{AskedProduct, Person};
use transom_domain::free_form::MediaKind;
use transom_domain::time::Timestamp;

fn inbound(body: InboundBody) -> Inbound {
    Inbound {
        provider_id: "wamid.1".into(),
        at: Timestamp::from_secs(1_790_000_000),
        from: Person::default(),
        body,
        reply_to: None,
        forwarded: false,
        often_forwarded: false,
        product: None,
        referral: None,
    }
}

fn told_to(party: &Party, inbound: &Inbound) -> Option<Form> {
    let said = Said { business: BusinessId(1), party, message: MessageId(7), inbound, replied_to: None, service: None };
    form(&said, |media| format!("https://gw.example/{media}"))
}

fn told(body: InboundBody) -> Form {
    told_to(&party("+15550002222"), &inbound(body)).unwrap()
}

fn text(body: &str) -> InboundBody {
    InboundBody::Text { body: body.into() }
}

fn values(form: &Form, names: &[&str]) -> Vec<String> {
    names.iter().map(|name| form.get(name).unwrap_or("(none)").to_owned()).collect()
}

fn more(form: &Form, pointer: &str) -> Value {
    let metadata: Value = serde_json::from_str(form.get("ChannelMetadata").unwrap()).unwrap();
    metadata.pointer(pointer).cloned().unwrap_or_default()
}

#[test]
fn a_text_has_the_observed_form() {
    let form = told(text("Hola"));
    let sid = "SM00000000000000000000000000000007";
    let expected = [
        ("AccountSid", "AC00000000000000000000000000000001"),
        ("ApiVersion", "2010-04-01"),
        ("Body", "Hola"),
        (
            "ChannelMetadata",
            r#"{"data":{"context":{"Address":"whatsapp:+15550002222","ProfileName":"Ana","WaId":"15550002222"}},"type":"whatsapp"}"#,
        ),
        ("From", "whatsapp:+15550002222"),
        ("MessageSid", sid),
        ("MessageType", "text"),
        ("NumMedia", "0"),
        ("NumSegments", "1"),
        ("ProfileName", "Ana"),
        ("ReferralNumMedia", "0"),
        ("SmsMessageSid", sid),
        ("SmsSid", sid),
        ("SmsStatus", "received"),
        ("To", "whatsapp:+15550001111"),
        ("WaId", "15550002222"),
    ];
    assert_eq!(form.iter().collect::<Vec<_>>(), expected);
}

#[test]
fn a_file_has_a_link_and_its_caption() {
    let media = |kind, mime_type: &str, caption: Option<&str>, filename: Option<&str>| InboundBody::Media {
        kind,
        id: "1".into(),
        mime_type: mime_type.into(),
        sha256: None,
        caption: caption.map(str::to_owned),
        filename: filename.map(str::to_owned),
        voice: false,
        animated: false,
        url: None,
    };
    let names = ["MessageSid", "NumMedia", "MediaContentType0", "Body", "MessageType"];
    let image = told(media(MediaKind::Image, "image/jpeg", Some("the roof"), None));
    let sid = "MM00000000000000000000000000000007";
    assert_eq!(values(&image, &names), [sid, "1", "image/jpeg", "the roof", "image"]);
    assert_eq!(image.get("MediaUrl0"), Some(format!("https://gw.example/{}", of_message(MessageId(7), 0)).as_str()));
    let voice = told(media(MediaKind::Audio, "audio/ogg; codecs=opus", None, None));
    assert_eq!(values(&voice, &names), [sid, "1", "audio/ogg", "", "audio"]);
    let document = told(media(MediaKind::Document, "application/pdf", None, Some("offer.pdf")));
    assert_eq!(values(&document, &names), [sid, "1", "application/pdf", "offer.pdf", "document"]);
}

#[test]
fn places_and_choices_have_their_parameters() {
    let place = InboundBody::Location {
        latitude: -33.45,
        longitude: 70.0,
        name: Some("Depot".into()),
        address: Some("Main St 1".into()),
        url: None,
    };
    assert_eq!(
        values(&told(place), &["Latitude", "Longitude", "Label", "Address", "MessageType"]),
        ["-33.45", "70", "Depot", "Main St 1", "location"]
    );
    let names = ["Body", "ButtonText", "ButtonPayload", "ButtonType", "ListId", "ListTitle", "MessageType"];
    let template = InboundBody::Button { payload: "go".into(), text: "Yes".into() };
    assert_eq!(values(&told(template), &names), ["Yes", "Yes", "go", "REPLY", "(none)", "(none)", "button"]);
    let session = InboundBody::ButtonReply { id: String::new(), title: "No".into() };
    assert_eq!(values(&told(session), &names), ["No", "No", "No", "REPLY", "(none)", "(none)", "interactive"]);
    let row = InboundBody::ListReply { id: "r1".into(), title: "Red".into(), description: Some("warm".into()) };
    assert_eq!(values(&told(row.clone()), &names), ["Red", "(none)", "(none)", "(none)", "r1", "Red", "interactive"]);
    assert_eq!(more(&told(row), "/data/listDescription"), "warm");
    let flow =
        |name: &str| InboundBody::FlowReply { name: name.into(), body: "Sent".into(), response_json: r#"{"a":"1"}"#.into() };
    let names = ["Body", "InteractiveData", "FlowData"];
    assert_eq!(values(&told(flow("flow")), &names), ["Sent", r#"{"a":"1"}"#, r#"{"a":"1"}"#]);
    assert_eq!(values(&told(flow("address_message")), &names), ["Sent", r#"{"a":"1"}"#, "(none)"]);
}

#[test]
fn a_reaction_is_its_emoji_and_what_it_is_about() {
    let (side, reaction) =
        (party("+15550002222"), inbound(InboundBody::Reaction { message_id: "wamid.0".into(), emoji: Some("👍".into()) }));
    let names = ["Body", "OriginalRepliedMessageSid", "OriginalRepliedMessageSender", "MessagingServiceSid"];
    for (is_inbound, wrote) in [(false, "whatsapp:+15550001111"), (true, "whatsapp:+15550002222")] {
        let original = Original { sid: "MM00000000000000000000000000000003".into(), is_inbound };
        let said = Said {
            business: BusinessId(1),
            party: &side,
            message: MessageId(7),
            inbound: &reaction,
            replied_to: Some(&original),
            service: Some("MG00000000000000000000000000000009"),
        };
        assert_eq!(
            values(&form(&said, |_| String::new()).unwrap(), &names),
            ["👍", original.sid.as_str(), wrote, "MG00000000000000000000000000000009"]
        );
    }
    let taken_back = InboundBody::Reaction { message_id: "wamid.0".into(), emoji: None };
    assert_eq!(told(taken_back).get("Body"), Some(""));
}

#[test]
fn where_the_customer_came_from_is_told() {
    let mut came = inbound(text("Is it still there?"));
    came.forwarded = true;
    came.often_forwarded = true;
    came.product = Some(AskedProduct { catalog_id: None, retailer_id: "SKU-1".into() });
    came.referral = Some(json!({
        "source_url": "https://fb.me/1", "source_type": "ad", "source_id": "120", "headline": "Sale", "body": "Half price",
        "media_type": "image", "image_url": "https://scontent.example/1.jpg", "ctwa_clid": "clid",
    }));
    let form = told_to(&party("+15550002222"), &came).unwrap();
    let names = [
        "Forwarded",
        "FrequentlyForwarded",
        "ProductRetailerId",
        "ReferralSourceUrl",
        "ReferralSourceType",
        "ReferralSourceId",
        "ReferralHeadline",
        "ReferralBody",
        "ReferralMediaContentType",
        "ReferralMediaUrl",
        "ReferralNumMedia",
        "ReferralCtwaClid",
    ];
    let expected = [
        "true",
        "true",
        "SKU-1",
        "https://fb.me/1",
        "ad",
        "120",
        "Sale",
        "Half price",
        "image",
        "https://scontent.example/1.jpg",
        "1",
        "clid",
    ];
    assert_eq!(values(&form, &names), expected);
    let mut messenger = inbound(text("Hi"));
    messenger.referral = Some(
        json!({ "ref": "r", "source": "ADS", "ad_id": "6", "ads_context_data": { "ad_title": "T", "photo_url": "https://p" } }),
    );
    let form = told_to(&party("messenger:8000000000000001"), &messenger).unwrap();
    let names = ["From", "To", "WaId", "ReferralSourceType", "ReferralSourceId", "ReferralHeadline", "ReferralMediaUrl"];
    assert_eq!(
        values(&form, &names),
        ["messenger:8000000000000001", "messenger:4000000000000004", "(none)", "ADS", "6", "T", "https://p"]
    );
}

#[test]
fn a_customer_without_a_number_is_named_by_user_id() {
    let names = ["From", "WaId", "ExternalUserId"];
    let hidden = told_to(&party("bsuid:DE.44A1B2"), &inbound(text("x"))).unwrap();
    assert_eq!(values(&hidden, &names), ["whatsapp:DE.44A1B2", "(none)", "whatsapp:DE.44A1B2"]);
    let mut both = party("bsuid:DE.44A1B2");
    both.phone = "+15550002222".parse().ok();
    let known = told_to(&both, &inbound(text("x"))).unwrap();
    assert_eq!(values(&known, &names), ["whatsapp:+15550002222", "15550002222", "whatsapp:DE.44A1B2"]);
}

#[test]
fn what_has_no_parameter_goes_along_and_what_is_no_message_is_not_told() {
    let contacts = told(InboundBody::Contacts { contacts: json!([{ "name": { "formatted_name": "Bo" } }]) });
    assert_eq!(more(&contacts, "/data/contacts/0/name/formatted_name"), "Bo");
    let order = told(InboundBody::Order { order: json!({ "text": "two, please", "product_items": [] }) });
    assert_eq!((order.get("Body"), order.get("MessageType")), (Some("two, please"), Some("order")));
    assert_eq!(order.get("ProductRetailerId"), Some(r#"{"product_items":[],"text":"two, please"}"#));
    let poll = told(InboundBody::Unsupported { kind: Some("poll".into()), errors: vec![] });
    assert_eq!((poll.get("MessageType"), more(&poll, "/data/unsupported/type")), (Some("unsupported"), json!("poll")));
    let long = told(InboundBody::Unknown { name: "new".into(), raw: json!("x".repeat(METADATA_MAX)) });
    assert_eq!((more(&long, "/data/raw"), more(&long, "/data/context/WaId")), (Value::Null, json!("15550002222")));
    for silent in [
        InboundBody::Call { call: json!({}) },
        InboundBody::CallPermission { reply: json!({}) },
        InboundBody::Unknown { name: "system".into(), raw: json!({}) },
    ] {
        assert_eq!(told_to(&party("+15550002222"), &inbound(silent)), None);
    }
}
