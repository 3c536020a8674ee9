//! Webhooks of every kind, from bodies modelled on Meta's pages with values of our own (`fixtures/webhook`).

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests: what fails here is a failed test")]

use serde_json::{Value, json};
use transom_domain::Timestamp;
use transom_domain::address::{Bsuid, Phone};
use transom_domain::amendment::{Amended, Amendment};
use transom_domain::fact::{
    Account, AskedProduct, Echo, Fact, Heard, HeardBy, IdentityChange, Inbound, InboundBody, Person, Preference, Reported,
    StatusReport, TemplateNews, TemplateStatus, TemplateTold,
};
use transom_domain::free_form::MediaKind;
use transom_domain::limits::{LimitsTold, Rating};
use transom_domain::standing::{AccountNews, AccountState, NameStatus, Restriction};
use transom_domain::template::{Approval, Category, Pause, Quality, Rejection};
use transom_meta::webhook::{BODY_MAX, BadBody, Delivery, parse};

const WABA: &str = "410000000000007";

fn deliveries(name: &str) -> Vec<Delivery> {
    let path = format!("{}/tests/fixtures/webhook/{name}.json", env!("CARGO_MANIFEST_DIR"));
    parse(&std::fs::read(path).unwrap()).unwrap()
}

/// The facts of a body with one entry.
fn heard(name: &str) -> Vec<Heard> {
    let [delivery] = <[Delivery; 1]>::try_from(deliveries(name)).unwrap();
    assert_eq!(delivery.entry_id, WABA);
    delivery.heard
}

/// The one fact of a body, which is about our number.
fn told(name: &str) -> Fact {
    let [one] = <[Heard; 1]>::try_from(heard(name)).unwrap();
    assert_eq!(one.account, Account::PhoneNumber("510000000000003".into()), "{name}");
    one.fact
}

fn inbound(name: &str) -> Inbound {
    match told(name) {
        Fact::Inbound(inbound) => inbound,
        other => panic!("{name}: {other:?}"),
    }
}

fn status(name: &str) -> StatusReport {
    match told(name) {
        Fact::Status(status) => status,
        other => panic!("{name}: {other:?}"),
    }
}

fn other(field: &str) -> Fact {
    Fact::Other { field: field.into() }
}

fn second(seconds: i64) -> Timestamp {
    Timestamp::from_secs(seconds)
}

fn phone(text: &str) -> Option<Phone> {
    Some(Phone::parse(text).unwrap())
}

fn bsuid(text: &str) -> Option<Bsuid> {
    Some(Bsuid::parse(text).unwrap())
}

fn marta() -> Person {
    Person {
        phone: phone("+4915112345678"),
        bsuid: bsuid("DE.4402917750112"),
        name: Some("Marta K.".into()),
        ..Person::default()
    }
}

fn media(kind: MediaKind, id: &str, mime_type: &str) -> InboundBody {
    InboundBody::Media {
        kind,
        id: id.into(),
        mime_type: mime_type.into(),
        sha256: None,
        caption: None,
        filename: None,
        voice: false,
        animated: false,
        url: None,
    }
}

#[test]
fn a_text_is_from_a_person_at_a_time() {
    assert_eq!(
        inbound("in_text"),
        Inbound {
            provider_id: "wamid.SU4001".into(),
            at: second(1_795_000_001),
            from: marta(),
            body: InboundBody::Text { body: "Grüß Gott".into() },
            reply_to: None,
            forwarded: false,
            often_forwarded: false,
            product: None,
            referral: None,
        }
    );
}

#[test]
fn quotes_forwards_and_ads_are_kept() {
    let text = inbound("in_text_quote_ad");
    assert_eq!(text.reply_to.as_deref(), Some("wamid.T1VU001"));
    assert!(text.forwarded);
    assert_eq!(text.referral.unwrap()["source_id"], "77");
}

#[test]
fn every_type_has_its_body() {
    let with = |kind, id, mime, change: &dyn Fn(&mut Value)| {
        let mut json = serde_json::to_value(media(kind, id, mime)).unwrap();
        change(&mut json);
        serde_json::from_value::<InboundBody>(json).unwrap()
    };
    let bodies = [
        (
            "in_image",
            with(MediaKind::Image, "6001", "image/jpeg", &|m| {
                m["caption"] = json!("Der Karton");
                m["sha256"] = json!("aGFzaA==");
                m["url"] = json!("https://cdn.example/6001");
            }),
        ),
        (
            "in_voice",
            with(MediaKind::Audio, "6002", "audio/ogg; codecs=opus", &|m| {
                m["voice"] = json!(true);
                m["sha256"] = json!("aGFzaA==");
            }),
        ),
        ("in_document", with(MediaKind::Document, "6003", "application/pdf", &|m| m["filename"] = json!("vertrag.pdf"))),
        ("in_sticker", media(MediaKind::Sticker, "6004", "image/webp")),
        (
            "in_location",
            InboundBody::Location { latitude: 52.5, longitude: 13.25, name: Some("Laden".into()), address: None, url: None },
        ),
        (
            "in_contacts",
            InboundBody::Contacts {
                contacts: json!([{"name": {"formatted_name": "Ben B."}, "phones": [{"phone": "+49 151 000", "wa_id": "49151000"}],
                    "origin": "other"}]),
            },
        ),
        ("in_reaction", InboundBody::Reaction { message_id: "wamid.T1VU001".into(), emoji: Some("👍".into()) }),
        ("in_reaction_removed", InboundBody::Reaction { message_id: "wamid.T1VU001".into(), emoji: None }),
        ("in_template_button", InboundBody::Button { payload: "STOP".into(), text: "Keine Werbung".into() }),
        ("in_button_reply", InboundBody::ButtonReply { id: "ja-1".into(), title: "Ja".into() }),
        (
            "in_list_reply",
            InboundBody::ListReply { id: "mo-8".into(), title: "Montag".into(), description: Some("8 bis 10".into()) },
        ),
        (
            "in_flow_reply",
            InboundBody::FlowReply { name: "flow".into(), body: "Sent".into(), response_json: r#"["kein","Objekt"]"#.into() },
        ),
        (
            "in_call_permission",
            InboundBody::CallPermission {
                reply: json!({"response": "accept", "expiration_timestamp": "1795604800", "response_source": "user_action"}),
            },
        ),
        (
            "in_order",
            InboundBody::Order {
                order: json!({"catalog_id": "77", "product_items": [
                    {"product_retailer_id": "sku-1", "quantity": 2, "item_price": 12.5, "currency": "EUR"}]}),
            },
        ),
    ];
    for (name, wanted) in bodies {
        let read = inbound(name);
        assert!(read.body.opens_session(), "{name}");
        assert_eq!(read.body, wanted, "{name}");
        assert_eq!(read.from, marta(), "{name}");
    }
}

#[test]
fn what_meta_could_not_pass_on_opens_a_session_all_the_same() {
    let InboundBody::Unsupported { kind, errors } = inbound("in_unsupported").body else { panic!("not unsupported") };
    assert_eq!(kind.as_deref(), Some("poll"));
    assert_eq!(errors[0].code, 131_051);
    assert_eq!(errors[0].details.as_deref(), Some("Not supported"));
    assert!(InboundBody::Unsupported { kind, errors }.opens_session());
}

#[test]
fn a_type_nobody_knows_is_kept_whole() {
    let InboundBody::Unknown { name, raw } = inbound("in_hologram").body else { panic!("not unknown") };
    assert_eq!((name.as_str(), &raw["hologram"]), ("hologram", &json!({"id": "h-1"})));
    assert!(InboundBody::Unknown { name, raw }.opens_session());
}

#[test]
fn an_edit_and_a_revocation_name_the_message_they_are_done_to() {
    let amended = |change| Amended {
        provider_id: "wamid.SU4018".into(),
        at: second(1_795_000_018),
        from: marta(),
        original: "wamid.SU4001".into(),
        change,
    };
    let edit = Amendment::Edited { body: Box::new(InboundBody::Text { body: "Guten Tag".into() }) };
    assert_eq!(told("in_edit"), Fact::Amended(amended(edit)));
    assert_eq!(told("in_revoke"), Fact::Amended(amended(Amendment::Revoked)));
    // One that does not say what it is done to is kept like what nobody knows, and opens nothing.
    let [stray] = <[Fact; 1]>::try_from(message(r#"{"type":"edit","edit":{"message":{"type":"text"}}}"#)).unwrap();
    let Fact::Inbound(stray) = stray else { panic!("{stray:?}") };
    assert_eq!((stray.body.word(), stray.body.opens_session()), ("edit", false));
}

/// The facts of a message with these members beside the usual ones.
fn message(members: &str) -> Vec<Fact> {
    let members = members.trim_start_matches('{');
    let message = format!(r#"{{"id":"wamid.SU4099","from":"4915112345678","timestamp":"1795000099",{members}"#);
    let value = format!(r#"{{"metadata":{{"phone_number_id":"510000000000003"}},"messages":[{message}]}}"#);
    let body = format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"{WABA}","changes":[{{"field":"messages","value":{value}}}]}}]}}"#
    );
    parse(body.as_bytes()).unwrap().remove(0).heard.into_iter().map(|heard| heard.fact).collect()
}

#[test]
fn what_a_message_stands_in_is_kept() {
    let one = |members: &str| match message(members).remove(0) {
        Fact::Inbound(inbound) => inbound,
        other => panic!("{members}: {other:?}"),
    };
    let often = one(r#"{"type":"text","text":{"body":"x"},"context":{"frequently_forwarded":true}}"#);
    assert_eq!((often.forwarded, often.often_forwarded), (true, true));
    let asked = one(
        r#"{"type":"text","text":{"body":"x"},"context":{"id":"w","referred_product":{"catalog_id":"7","product_retailer_id":"s"}}}"#,
    );
    assert_eq!(asked.product, Some(AskedProduct { catalog_id: Some("7".into()), retailer_id: "s".into() }));
    let denied = one(r#"{"type":"button","button":{"payload":"DID_NOT_REQUEST_CODE","text":"No"}}"#);
    assert!(denied.body.denies_code());
    // A group is nobody's conversation: what is said there opens no session, and is not lost.
    let [Fact::News(group)] = <[Fact; 1]>::try_from(message(r#"{"type":"text","group_id":"g1","text":{"body":"x"}}"#)).unwrap()
    else {
        panic!("not passed on");
    };
    assert_eq!((group.field.as_str(), &group.value["text"]["body"]), ("messages.group", &json!("x")));
}

#[test]
fn what_the_business_writes_in_the_app_goes_to_the_customer() {
    let echo = Echo {
        provider_id: "wamid.RUNITzAx".into(),
        at: second(1_795_000_040),
        to: Person { phone: phone("+4915112345678"), bsuid: bsuid("DE.4402917750112"), ..Person::default() },
        body: InboundBody::Text { body: "Bis gleich".into() },
        reply_to: Some("wamid.SU4001".into()),
    };
    assert_eq!(told("echo"), Fact::Echo(echo));
}

#[test]
fn what_meta_tells_of_an_account_is_state_and_is_passed_on() {
    let told = |name: &str| {
        let [state, news] = <[Heard; 2]>::try_from(heard(name)).unwrap();
        assert!(matches!(&news.fact, Fact::News(news) if news.value.is_object()), "{name}: {news:?}");
        match state.fact {
            Fact::Account(told) => (told.phone.map(|p| p.to_string()), told.at.as_secs(), told.news),
            other => panic!("{name}: {other:?}"),
        }
    };
    let ban = |account| AccountNews::Account { account };
    let date = Some("January 5, 2027".to_owned());
    assert_eq!(told("account_update"), (None, 1_795_000_206, ban(AccountState::ScheduledForDisable { date })));
    assert_eq!(told("account_reinstated"), (None, 1_795_000_220, ban(AccountState::Reinstated)));
    let restrictions =
        vec![Restriction { kind: "RESTRICTED_BIZ_INITIATED_MESSAGING".into(), until: Some(second(1_795_604_800)) }];
    assert_eq!(told("account_restriction"), (None, 1_795_000_221, AccountNews::Restricted { restrictions }));
    let violation = AccountNews::Violation { kind: "SCAM".into() };
    assert_eq!(told("account_violation"), (None, 1_795_000_222, violation));
    let name = NameStatus { status: "DECLINED".into(), requested: Some("Laden Nord".into()), reason: Some("FORMAT".into()) };
    assert_eq!(told("number_name"), (Some("+4930555000".into()), 1_795_000_223, AccountNews::Name { name }));
}

#[test]
fn what_has_no_meaning_here_is_passed_on_whole() {
    let news = |name: &str| {
        let facts = heard(name).into_iter().map(|heard| heard.fact);
        facts.filter_map(|fact| if let Fact::News(news) = fact { Some(news) } else { None }).collect::<Vec<_>>()
    };
    assert_eq!(news("security")[0].value["event"], "PIN_CHANGED");
    // A field nobody knows is told as not understood, too.
    assert_eq!(heard("field_nobody_knows")[0].fact, other("teleports"));
    assert_eq!((news("field_nobody_knows")[0].field.as_str(), news("field_nobody_knows").len()), ("teleports", 1));
}

#[test]
fn people_without_a_number_are_known_by_their_user_id() {
    let from = inbound("in_text_without_number").from;
    assert_eq!((from.phone, from.bsuid, from.parent_bsuid), (None, bsuid("DE.4402917750112"), bsuid("DE.ENT.118")));
    assert_eq!((from.name.as_deref(), from.username.as_deref()), (Some("Marta K."), Some("marta.k")));
    let misplaced = inbound("in_text_user_id_in_from").from;
    assert_eq!((misplaced.phone, misplaced.bsuid), (None, bsuid("DE.4402917750112")));
    assert_eq!(misplaced.name.as_deref(), Some("Marta K."));
}

#[test]
fn three_forms_tell_of_a_new_identity() {
    let change = |name: &str| match told(name) {
        Fact::IdentityChanged(change) => change,
        other => panic!("{name}: {other:?}"),
    };
    assert_eq!(
        change("system_new_number"),
        IdentityChange {
            provider_id: "wamid.SU4030".into(),
            at: second(1_795_000_030),
            previous: Person { phone: phone("+4915112345678"), bsuid: bsuid("DE.4402917750112"), ..Person::default() },
            current: Person { phone: phone("+4915187654321"), bsuid: bsuid("DE.9901837744001"), ..Person::default() },
        }
    );
    let prose = change("system_new_user_id_in_prose");
    assert_eq!((prose.previous.bsuid, prose.current.bsuid), (bsuid("DE.4402917750112"), bsuid("DE.9901837744001")));
    let update = change("user_id_update");
    assert_eq!((update.provider_id.as_str(), update.at), ("", second(1_795_000_032)));
    assert_eq!((update.previous.phone, update.previous.bsuid), (None, bsuid("DE.4402917750112")));
    assert_eq!((update.current.phone, update.current.bsuid), (phone("+4915112345678"), bsuid("DE.9901837744001")));
}

/// Only the tap on the button proves that a number is the sender's own.
#[test]
fn a_number_that_was_asked_for_is_the_customers_own() {
    let shared = |card: Value, beside: Value| {
        let mut message =
            json!({ "id": "wamid.C1", "timestamp": "1793000031", "from_user_id": "DE.4402917750112", "type": "contacts" });
        message.as_object_mut().unwrap().extend(beside.as_object().unwrap().clone());
        let mut one = json!({ "name": { "formatted_name": "Marta" }, "phones": [{ "phone": "+49 151 12345678", "wa_id": "4915112345678" }] });
        one.as_object_mut().unwrap().extend(card.as_object().unwrap().clone());
        message["contacts"] = json!([one]);
        let value = json!({ "metadata": { "phone_number_id": "510000000000003" }, "messages": [message] });
        let body = json!({ "object": "whatsapp_business_account", "entry": [{ "id": WABA, "changes": [{ "field": "messages", "value": value }] }] });
        match parse(body.to_string().as_bytes()).unwrap().remove(0).heard.remove(0).fact {
            Fact::Inbound(inbound) => inbound.from,
            other => panic!("{other:?}"),
        }
    };
    let asked = json!({ "origin": "contact_request" });
    for (card, beside, expected) in [
        (asked.clone(), json!({}), phone("+4915112345678")),
        (json!({}), asked, phone("+4915112345678")),
        (json!({ "origin": "other" }), json!({}), None),
        (json!({}), json!({}), None),
    ] {
        let from = shared(card, beside);
        assert_eq!((&from.phone, from.shared), (&expected, expected.is_some()));
        assert_eq!(from.bsuid, bsuid("DE.4402917750112"));
    }
}

#[test]
fn preferences_are_about_marketing() {
    let wanted = Preference { from: marta(), marketing: false, at: second(1_795_000_033) };
    assert_eq!(told("user_preference_stop"), Fact::Preference(wanted));
    assert_eq!(told("user_preference_signup"), other("user_preferences"));
}

#[test]
fn a_call_of_the_customer_opens_a_session_when_it_begins() {
    let call = inbound("call_connect");
    assert_eq!((call.provider_id.as_str(), call.at, call.from), ("wacid.Q0FMTA", second(1_795_000_035), marta()));
    assert!(call.body.opens_session() && call.body.word() == "call");
    assert!(matches!(told("call_terminate"), Fact::News(news) if news.field == "calls" && news.value["event"] == "terminate"));
    let facts: Vec<Fact> = heard("call_of_ours").into_iter().map(|h| h.fact).collect();
    assert_eq!(facts[0], other("statuses.RINGING"));
    assert!(matches!(&facts[1], Fact::News(news) if news.value["direction"] == "BUSINESS_INITIATED"), "{facts:?}");
}

#[test]
fn statuses_say_how_far_a_message_got() {
    let price = json!({"billable": true, "pricing_model": "PMP", "type": "regular", "category": "authentication-international"});
    assert_eq!(
        status("status_sent"),
        StatusReport {
            provider_id: "wamid.T1VU001".into(),
            status: Reported::Sent,
            at: second(1_795_000_101),
            recipient: marta(),
            callback: Some("01K.1".into()),
            errors: Vec::new(),
            pricing: Some(price),
            conversation: None,
            by: HeardBy::Webhook,
        }
    );
    let older = status("status_sent_v23");
    assert_eq!(older.conversation.unwrap()["origin"]["type"], "utility");
    assert_eq!(older.recipient, Person { phone: phone("+4915112345678"), ..Person::default() });
    assert_eq!(status("status_delivered").status, Reported::Delivered);
    for (name, reported) in [("status_read", Reported::Read), ("status_played", Reported::Played)] {
        let read = status(name);
        assert_eq!((read.status, read.recipient.parent_bsuid), (reported, bsuid("DE.ENT.118")), "{name}");
    }
    assert_eq!(told("status_deleted"), other("statuses.deleted"));
}

#[test]
fn a_failure_says_why_in_either_form() {
    let failed = status("status_failed_no_session");
    assert_eq!((failed.status, failed.errors.len()), (Reported::Failed, 1));
    assert_eq!((failed.errors[0].code, failed.errors[0].details.as_deref()), (131_047, Some("More than 24 hours")));
    let older = status("status_failed_old_form");
    assert_eq!((older.errors[0].code, older.errors[0].details.as_deref()), (131_014, Some("Fetch failed")));
    assert_eq!(older.recipient, Person::default());
}

#[test]
fn a_groups_status_is_about_the_participant() {
    let recipient = status("status_of_a_group").recipient;
    assert_eq!((recipient.phone, recipient.bsuid), (phone("+4915112345678"), bsuid("DE.4402917750112")));
}

#[test]
fn templates_change_their_status() {
    let change = |name: &str| {
        let [one] = <[Heard; 1]>::try_from(heard(name)).unwrap();
        assert_eq!(one.account, Account::Waba(WABA.into()));
        one.fact
    };
    let wanted = |approval, reason: Option<&str>, at| TemplateStatus {
        id: "610000000000004".into(),
        name: "termin".into(),
        language: transom_domain::content::Language::parse("en_US").unwrap(),
        approval,
        category: Some(Category::Utility),
        reason: reason.map(str::to_owned),
        rejection: None,
        pause: None,
        disable_on: None,
        flagged: false,
        at: second(at),
    };
    let rejection = |reason: &str, recommendation: Option<&str>| {
        Some(Rejection { reason: Some(reason.to_owned()), recommendation: recommendation.map(str::to_owned) })
    };
    let approved = wanted(Approval::Approved, None, 1_795_000_200);
    assert_eq!(change("template_approved"), Fact::TemplateStatus(approved));
    let rejected = wanted(Approval::Rejected, Some("INVALID_FORMAT"), 1_795_000_201);
    let rejected = TemplateStatus { rejection: rejection("side by side", Some("words between")), ..rejected };
    assert_eq!(change("template_rejected"), Fact::TemplateStatus(rejected));
    let beside = wanted(Approval::Rejected, Some("side by side"), 1_795_000_202);
    let beside = TemplateStatus { rejection: rejection("side by side", None), ..beside };
    assert_eq!(change("template_rejected_beside"), Fact::TemplateStatus(beside));
    let paused = TemplateStatus { pause: Some(Pause::FirstPause), ..wanted(Approval::Paused, None, 1_795_000_203) };
    assert_eq!(change("template_paused"), Fact::TemplateStatus(paused));
    let flagged = TemplateStatus {
        disable_on: Some("December 3, 2026".into()),
        flagged: true,
        ..wanted(Approval::Approved, None, 1_795_000_208)
    };
    assert_eq!(change("template_flagged"), Fact::TemplateStatus(flagged));
    assert_eq!(change("template_event_nobody_knows"), other("message_template_status_update"));
}

#[test]
fn templates_change_otherwise() {
    let change = |name: &str| {
        let [one] = <[Heard; 1]>::try_from(heard(name)).unwrap();
        one.fact
    };
    let wanted = |news, at| {
        Fact::TemplateNews(TemplateTold {
            id: "610000000000004".into(),
            name: "termin".into(),
            language: transom_domain::content::Language::parse("en_US").unwrap(),
            news,
            at: second(at),
        })
    };
    assert_eq!(change("template_quality"), wanted(TemplateNews::Quality { to: Quality::Yellow }, 1_795_000_206));
    assert_eq!(change("template_components"), wanted(TemplateNews::Components, 1_795_000_207));
    let announced = TemplateNews::CategoryAnnounced {
        present: Category::Utility,
        next: Category::Marketing,
        from: Some(second(1_795_086_400)),
    };
    assert_eq!(change("template_category"), wanted(announced, 1_795_000_205));
    let done = TemplateNews::Category { to: Category::Marketing };
    assert_eq!(change("template_category_done"), wanted(done, 1_795_086_400));
}

#[test]
fn limits_are_told_in_words_and_in_numbers() {
    let wanted = |throughput, quality, limit: Option<&str>, named: bool, at| {
        Fact::Limits(LimitsTold {
            phone: named.then(|| phone("+4930555000")).flatten(),
            throughput,
            quality,
            limit: limit.map(|word| word.parse().unwrap()),
            name: None,
            at: second(at),
        })
    };
    let told = |name: &str| {
        let one = heard(name).remove(0);
        assert_eq!(one.account, Account::Waba(WABA.into()), "{name}");
        one.fact
    };
    assert_eq!(told("number_upgraded"), wanted(Some(1_000), None, Some("TIER_UNLIMITED"), true, 1_795_000_210));
    assert_eq!(told("number_flagged"), wanted(None, Some(Rating::Red), None, true, 1_795_000_212));
    assert_eq!(told("capability"), wanted(None, None, Some("TIER_2K"), false, 1_795_000_211));
}

#[test]
fn errors_of_the_number_are_no_message() {
    let Fact::News(news) = told("number_errors") else { panic!("not passed on") };
    assert_eq!((news.field.as_str(), &news.value["code"]), ("messages.errors", &json!(130_429)));
}

#[test]
fn a_batch_is_read_whole_around_what_is_broken_in_it() {
    let all = deliveries("batch");
    assert_eq!(all.len(), 3);
    assert_eq!(all[0].fields, ["messages", "message_template_quality_update"]);
    let ids: Vec<String> = all[0]
        .heard
        .iter()
        .map(|heard| match &heard.fact {
            Fact::Status(s) => format!("{} {:?}", s.provider_id, s.recipient.name),
            Fact::Other { field } => field.clone(),
            fact => panic!("{fact:?}"),
        })
        .collect();
    assert_eq!(
        ids,
        ["wamid.T1VU002 Some(\"Ben\")", "messages", "wamid.T1VU003 Some(\"Marta K.\")", "message_template_quality_update"]
    );
    assert!(all[1].heard.is_empty());
    assert_eq!((all[2].entry_id.as_str(), all[2].at), ("410000000000008", Some(second(1_795_000_303))));
    assert!(all[2].heard.iter().all(|h| h.account == Account::PhoneNumber("510000000000009".into())));
    let times: Vec<Timestamp> = all[2]
        .heard
        .iter()
        .filter_map(|heard| match &heard.fact {
            Fact::Inbound(inbound) => Some(inbound.at),
            _ => None,
        })
        .collect();
    assert_eq!(times, [second(1_795_000_304), second(1_795_000_303)]);
}

#[test]
fn a_page_is_heard() {
    let [delivery] = <[Delivery; 1]>::try_from(deliveries("page")).unwrap();
    assert_eq!(delivery.fields, ["messaging"]);
    assert_eq!(delivery.heard[0].account, Account::Page("710000000000001".into()));
    assert!(matches!(&delivery.heard[0].fact, Fact::Inbound(i) if i.body == InboundBody::Text { body: "Hallo".into() }));
}

#[test]
fn what_is_no_webhook_is_told_apart_from_what_was_cut_off() {
    let whole = r#"{"object":"whatsapp_business_account","entry":[]}"#;
    assert_eq!(parse(whole.as_bytes()), Ok(Vec::new()));
    for cut in 0..whole.len() {
        assert!(matches!(parse(&whole.as_bytes()[..cut]), Err(BadBody::NotJson { .. })), "{cut}");
    }
    for body in
        ["7", "[]", "null", "{}", r#"{"entry":[]}"#, r#"{"object":"whatsapp_business_account"}"#, r#"{"object":{},"entry":[]}"#]
    {
        assert!(matches!(parse(body.as_bytes()), Err(BadBody::NotAWebhook { .. })), "{body}");
    }
    assert_eq!(parse(&vec![b' '; BODY_MAX + 1]), Err(BadBody::TooLarge { size: BODY_MAX + 1 }));
    assert!(matches!(parse(b"{\"object\":\"\xff\",\"entry\":[]}"), Err(BadBody::NotJson { .. })));
}

#[test]
fn deep_nesting_is_passed_over_and_never_followed() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for value in [
        format!(r#"{{"field":"messages","value":{deep}}}"#),
        format!(r#"{{"field":"messages","value":{{"messages":[{{"type":{deep},"from":"4915112345678"}}]}}}}"#),
        format!(r#"{{"field":"messages","value":{{"statuses":[{{"id":"a","status":"sent","pricing":{deep}}}]}}}}"#),
        format!(r#"{{"field":{deep}}}"#),
    ] {
        let body = format!(r#"{{"object":"whatsapp_business_account","entry":[{{"id":"1","changes":[{value}]}}]}}"#);
        let all = parse(body.as_bytes()).unwrap();
        let is_passed_over = |fact: &Fact| match fact {
            Fact::Other { .. } => true,
            Fact::News(news) => news.value.is_null(),
            _ => false,
        };
        assert!(all.iter().flat_map(|d| &d.heard).all(|h| is_passed_over(&h.fact)));
    }
}
