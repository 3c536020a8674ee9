//! The published payloads, word for word.

use transom_domain::address::{Channel, Phone, Psid};
use transom_domain::error_code::ErrorCode;
use transom_domain::fact::Person;
use transom_domain::failure::UpstreamError;
use transom_domain::id::{BusinessId, CustomerId, EventId, SenderId};

use super::*;

fn message_id() -> MessageId {
    "01K5Z3V8Q4M9W2N7T6R1XBCDEF".parse().unwrap()
}

fn party() -> Party {
    Party {
        channel: Channel::Whatsapp,
        sender: SenderId(1),
        sender_address: "+493012345678".parse().unwrap(),
        sender_name: Some("Laden".into()),
        customer: CustomerId(2),
        member: None,
        customer_address: "+4915112345678".parse().unwrap(),
        phone: Some(Phone::parse("+4915112345678").unwrap()),
        bsuid: Some("DE.4402917750112".parse().unwrap()),
        name: Some("Marta".into()),
        username: Some("marta.k".into()),
        named_as: Vec::new(),
    }
}

fn phoneless() -> Party {
    Party { customer_address: "bsuid:DE.4402917750112".parse().unwrap(), phone: None, username: None, name: None, ..party() }
}

fn event(body: EventBody) -> Event {
    Event { position: 9, id: EventId(7), business: BusinessId(3), at: Timestamp::from_secs(1_790_000_050), body }
}

fn inbound(body: InboundBody) -> Inbound {
    let at = Timestamp::from_secs(1_790_000_000);
    Inbound {
        provider_id: "wamid.X".into(),
        at,
        from: Person::default(),
        body,
        reply_to: None,
        forwarded: false,
        often_forwarded: false,
        product: None,
        referral: None,
    }
}

fn received(party: Party, inbound: Inbound, reply_to: Option<MessageId>, data: Option<&str>) -> Event {
    let callback_data = data.map(str::to_owned);
    event(EventBody::MessageReceived {
        party,
        message: message_id(),
        inbound: Box::new(inbound),
        reply_to,
        callback_data,
        retold: false,
    })
}

fn status(status: Status, failure: Option<Failure>, campaign: Option<&str>, data: Option<&str>) -> Event {
    event(EventBody::MessageStatus {
        party: party(),
        message: message_id(),
        status,
        at: Timestamp::from_secs(1_790_000_042),
        failure,
        taken: false,
        campaign: campaign.map(str::to_owned),
        callback_data: data.map(str::to_owned),
        pricing: None,
        origin: None,
    })
}

#[test]
fn a_text_has_the_customer_as_sender() {
    let told = payload(&received(party(), inbound(InboundBody::Text { body: "Hallo".into() }), None, None), Topic::Messages);
    let expected = json!({
        "topic": "messages", "eventId": EventId(7).to_string(), "timestamp": "1790000000",
        "sender": {
            "id": "+4915112345678", "channelType": "whatsapp", "name": "Marta", "userId": "DE.4402917750112",
            "phoneNumber": "+4915112345678", "username": "marta.k"
        },
        "recipient": { "id": "+493012345678", "channelType": "whatsapp", "name": "Laden" },
        "message": { "id": "01K5Z3V8Q4M9W2N7T6R1XBCDEF", "text": "Hallo" }
    });
    assert_eq!(told, Some(expected));
}

#[test]
fn a_customer_without_a_number_has_an_empty_one() {
    let told =
        payload(&received(phoneless(), inbound(InboundBody::Text { body: "a".into() }), None, None), Topic::Messages).unwrap();
    let expected = json!({
        "id": "DE.4402917750112", "channelType": "whatsapp", "name": null, "userId": "DE.4402917750112", "phoneNumber": ""
    });
    assert_eq!(told["sender"], expected);
    let messenger = Party {
        channel: Channel::Messenger,
        customer_address: Identity::Psid(Psid::parse("80").unwrap()),
        sender_address: Identity::Psid(Psid::parse("1065").unwrap()),
        bsuid: None,
        ..phoneless()
    };
    let told =
        payload(&received(messenger, inbound(InboundBody::Text { body: "a".into() }), None, None), Topic::Messages).unwrap();
    assert_eq!(told["sender"], json!({ "id": "80", "channelType": "messenger", "name": null, "phoneNumber": "" }));
    assert_eq!(told["recipient"]["id"], "1065");
}

#[test]
fn a_status_has_our_number_as_sender_and_the_data_as_json() {
    let told =
        payload(&status(Status::Delivered, None, Some("parcel-2026-10"), Some(r#"{"shipment":8812}"#)), Topic::DeliveryStatus);
    let told = told.unwrap();
    assert_eq!(told["sender"]["id"], "+493012345678");
    assert_eq!(told["recipient"]["id"], "+4915112345678");
    assert_eq!(told["timestamp"], "1790000042");
    assert_eq!(told["metadata"], json!({ "campaign_name": "parcel-2026-10" }));
    assert_eq!(told["callbackData"], json!({ "shipment": 8812 }));
    assert_eq!(
        told["statusUpdate"],
        json!({
            "id": "01K5Z3V8Q4M9W2N7T6R1XBCDEF", "status": "delivered", "error": null,
            "metadata": { "campaignName": "parcel-2026-10" }
        })
    );
}

#[test]
fn the_callback_data_is_in_all_four_statuses_and_absent_where_never_set() {
    for (shown, word) in
        [(Status::Sent, "sent"), (Status::Delivered, "delivered"), (Status::Read, "read"), (Status::Failed, "delivery_failed")]
    {
        let told = payload(&status(shown, None, None, Some("1")), Topic::DeliveryStatus).unwrap();
        assert_eq!((&told["callbackData"], &told["statusUpdate"]["status"]), (&json!(1), &json!(word)));
        let told = payload(&status(shown, None, None, None), Topic::DeliveryStatus).unwrap();
        assert_eq!(told.get("callbackData"), None);
        assert_eq!((&told["metadata"], &told["statusUpdate"]["metadata"]), (&Value::Null, &Value::Null));
    }
}

#[test]
fn a_failure_is_the_error_object_with_meta_s_own_words() {
    let upstream = UpstreamError {
        code: 131_047,
        title: "Re-engagement message".into(),
        details: Some("More than 24 hours".into()),
        subcode: None,
    };
    let failure =
        Failure { code: ErrorCode::MessageOutsideOfEligibilityWindow, message: "Closed.".into(), upstream: Some(upstream) };
    let told = payload(&status(Status::Failed, Some(failure), None, None), Topic::DeliveryStatus).unwrap();
    let error = &told["statusUpdate"]["error"];
    assert_eq!(error["code"], "ERROR_CODE_MESSAGE_OUTSIDE_OF_ELIGIBILITY_WINDOW");
    assert_eq!(error["type"], "ERROR_TYPE_DEADLINE_EXCEEDED");
    assert_eq!(
        (&error["details"]["metaCode"], &error["details"]["metaDetails"]),
        (&json!(131_047), &json!("More than 24 hours"))
    );
    assert!(error["cntTraceId"].as_str().is_some_and(|id| id.parse::<u64>().is_ok()));
    assert!(error.get("userTitle").is_some() && error.get("userMessage").is_some());
}

#[test]
fn taps_are_told_in_both_published_forms() {
    let reply = inbound(InboundBody::ButtonReply { id: "good".into(), title: "Gut".into() });
    let told = payload(&received(party(), reply, Some(MessageId(5)), Some("\"ticket-771\"")), Topic::Messages).unwrap();
    assert_eq!(told["buttonResponse"], json!({ "text": "Gut", "id": "good", "payload": "good" }));
    assert_eq!((&told["message"]["text"], &told["message"]["isButtonResponse"]), (&json!("Gut"), &json!(true)));
    assert_eq!(told["context"], json!({ "replyToId": MessageId(5).to_string(), "forwarded": false }));
    assert_eq!(told["callbackData"], "ticket-771");
    let row =
        inbound(InboundBody::ListReply { id: "hh".into(), title: "Hamburg".into(), description: Some("bis 20 Uhr".into()) });
    let told = payload(&received(party(), row, None, None), Topic::Messages).unwrap();
    assert_eq!(told["listResponse"], json!({ "id": "hh", "text": "Hamburg", "description": "bis 20 Uhr" }));
    assert_eq!((&told["message"]["text"], told.get("context")), (&json!("Hamburg"), None));
}

#[test]
fn media_places_reactions_and_carts_have_their_shapes() {
    let told = |body| payload(&received(party(), inbound(body), Some(MessageId(5)), None), Topic::Messages).unwrap();
    let sticker = told(InboundBody::Media {
        kind: MediaKind::Sticker,
        id: "77".into(),
        mime_type: "image/webp".into(),
        sha256: None,
        caption: None,
        filename: None,
        voice: false,
        animated: false,
        url: Some("https://files.example.org/s".into()),
    });
    let media = sticker["message"]["id"].clone();
    let expected = json!([{ "type": "image", "mediaId": media, "mimeType": "image/webp", "sticker": true }]);
    assert_eq!(sticker["message"]["attachments"], expected);
    let removed = told(InboundBody::Reaction { message_id: "wamid.Y".into(), emoji: None });
    assert_eq!(removed["reaction"], json!({ "messageId": MessageId(5).to_string(), "emoji": null }));
    let cart = told(InboundBody::Order {
        order: json!({ "catalog_id": "7", "text": "", "product_items": [
        { "product_retailer_id": "sku-1", "quantity": 2, "item_price": 3.5, "currency": "EUR" }] }),
    });
    assert_eq!(
        cart["message"]["order"]["items"][0],
        json!({ "productRetailerId": "sku-1", "quantity": 2, "price": 3.5, "currency": "EUR" })
    );
    // The upstream's own id of a message is never told.
    assert!(!removed.to_string().contains("wamid"));
}

#[test]
fn topics_tell_of_their_own_events_only() {
    let text = received(party(), inbound(InboundBody::Text { body: "a".into() }), None, None);
    let delivered = status(Status::Delivered, None, None, None);
    let queued = status(Status::Queued, None, None, None);
    for (event, topic) in [(&text, Topic::DeliveryStatus), (&delivered, Topic::Messages), (&queued, Topic::DeliveryStatus)] {
        assert_eq!(payload(event, topic), None);
    }
    for event in [text, delivered, queued] {
        for topic in [Topic::Messages, Topic::DeliveryStatus] {
            assert_eq!(tells(topic, &event), payload(&event, topic).is_some());
        }
    }
}

#[test]
fn a_template_that_got_on_is_told() {
    use transom_domain::content::Language;
    use transom_domain::fact::TemplateStatus;
    use transom_domain::template::{Approval, Change, Quality};

    let event = |change: Change| {
        let template = TemplateStatus {
            id: "1385000000000001".into(),
            name: "parcel_update".into(),
            language: Language::parse("de").unwrap(),
            approval: Approval::Rejected,
            category: None,
            reason: Some("SCAM".into()),
            rejection: None,
            pause: None,
            disable_on: None,
            flagged: false,
            at: Timestamp::from_secs(1_790_000_000),
        };
        let body = EventBody::TemplateChanged { waba: "41".into(), template, previous: Some(Approval::Pending), change };
        Event { position: 1, id: EventId(7), business: BusinessId(2), at: Timestamp::from_secs(1_790_000_000), body }
    };
    let rejected = event(Change::Status { from: Some(Approval::Pending), to: Approval::Rejected, reason: None });
    let told = payload(&rejected, Topic::TemplateStatus).unwrap();
    assert_eq!((&told["topic"], &told["timestamp"]), (&json!("template_status"), &json!("1790000000")));
    let expected = json!({
        "name": "parcel_update", "language": "de", "id": "1385000000000001", "status": "MESSAGE_TEMPLATE_STATUS_REJECTED",
        "previousStatus": "MESSAGE_TEMPLATE_STATUS_PENDING", "rejectionReason": "SCAM",
    });
    assert_eq!(told["template"], expected);
    let rated = event(Change::Quality { from: None, to: Quality::Red });
    for event in [rejected, rated] {
        for topic in Topic::ALL {
            assert_eq!(tells(topic, &event), payload(&event, topic).is_some());
        }
    }
}
