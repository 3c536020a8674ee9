//! Templates: what may be filed, how they live, and what a send must bring.

use crate::common::{Desk, each, values};
use serde_json::{Value, json};

fn template(name: &str, category: &str, components: Value) -> Value {
    json!({ "name": name, "language": "en", "category": category, "components": components })
}

fn order() -> Value {
    template(
        "order_update",
        "utility",
        json!([
            { "type": "header", "format": "text", "text": "Order {{1}}", "example": { "header_text": ["A-17"] } },
            { "type": "body", "text": "Hi {{1}}, your order is {{2}} now.", "example": { "body_text": [["Ana", "packed"]] } },
            { "type": "footer", "text": "Example Shop" },
            { "type": "buttons", "buttons": [
                { "type": "quick_reply", "text": "Stop" },
                { "type": "url", "text": "Track", "url": "https://example.com/t/{{1}}", "example": ["https://example.com/t/A-17"] },
            ] },
        ]),
    )
}

fn text(value: &str) -> Value {
    json!({ "type": "text", "text": value })
}

#[tokio::test]
async fn a_template_is_filed_reviewed_listed_edited_and_deleted() {
    let (desk, business) = Desk::with_business().await;
    let path = format!("{}/message_templates", desk.id.waba_id);
    let made = desk.graph("POST", &path, Some(&order())).await;
    assert_eq!(
        (made.status, made.body["status"].as_str(), made.body["category"].as_str()),
        (200, Some("PENDING"), Some("UTILITY"))
    );
    let id = made.body["id"].as_str().unwrap().to_owned();
    let twice = desk.graph("POST", &path, Some(&order())).await;
    assert_eq!((twice.code(), twice.body["error"]["error_subcode"].as_u64()), (Some(100), Some(2_388_024)));
    let unsent = desk
        .send(
            "+4915112345678",
            json!({ "type": "template", "template": { "name": "order_update", "language": { "code": "en" } } }),
        )
        .await;
    assert_eq!(unsent.code(), Some(132_001), "pending");
    desk.sim("POST", &format!("templates/{id}/review"), &json!({ "decision": "approve" })).await;
    desk.turn(1).await;
    let heard = business.take();
    let told = &values(&heard, "message_template_status_update")[0];
    assert_eq!((told["event"].as_str(), told["reason"].as_str()), (Some("APPROVED"), Some("NONE")));
    assert_eq!(told["message_template_id"].as_u64().unwrap().to_string(), id, "an integer in webhooks");
    assert!(heard[0]["entry"][0]["time"].is_i64());
    let listed = desk.graph("GET", &format!("{path}?status=APPROVED&name=order"), None).await;
    let shown = &listed.body["data"][0];
    assert_eq!((shown["id"].as_str(), shown["status"].as_str()), (Some(id.as_str()), Some("APPROVED")));
    assert_eq!(shown["components"][0]["type"], "HEADER");
    assert_eq!(shown["components"][3]["buttons"][1]["type"], "URL");
    assert!(listed.body["paging"].get("next").is_none());
    assert!(desk.graph("GET", &format!("{path}?status=REJECTED"), None).await.body["data"].as_array().unwrap().is_empty());
    let one = desk.graph("GET", &format!("{id}?fields=name,status"), None).await;
    assert_eq!(one.body, json!({ "id": id, "name": "order_update", "status": "APPROVED" }));
    let body = json!({ "components": [{ "type": "BODY", "text": "Your order is on its way to you." }] });
    assert_eq!(desk.graph("POST", &id, Some(&body)).await.status, 200);
    assert_eq!(desk.graph("GET", &id, None).await.body["status"], "PENDING");
    desk.sim("POST", &format!("templates/{id}/review"), &json!({ "decision": "approve" })).await;
    assert_eq!(desk.graph("POST", &id, Some(&body)).await.code(), Some(100), "once in 24 hours");
    assert_eq!(desk.graph("DELETE", &format!("{path}?name=order_update"), None).await.status, 200);
    assert_eq!(desk.graph("GET", &id, None).await.body["error"]["error_subcode"], 33);
    let taken = desk.graph("POST", &path, Some(&order())).await;
    assert_eq!(taken.body["error"]["error_subcode"], 2_388_023);
    desk.turn(30 * 86_400).await;
    assert_eq!(desk.graph("POST", &path, Some(&order())).await.status, 200);
}

#[tokio::test]
async fn lists_come_in_pages() {
    let desk = Desk::open().await;
    let path = format!("{}/message_templates", desk.id.waba_id);
    for n in 0..5 {
        let body = template(&format!("t{n}"), "UTILITY", json!([{ "type": "BODY", "text": "Your order is ready now." }]));
        assert_eq!(desk.graph("POST", &path, Some(&body)).await.status, 200);
    }
    let mut seen = Vec::new();
    let mut next = format!("{path}?limit=2&fields=name");
    loop {
        let page = desk.graph("GET", &next, None).await.body;
        seen.extend(page["data"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()));
        let Some(url) = page["paging"]["next"].as_str() else { break };
        next = url.split_once("/v24.0/").unwrap().1.to_owned();
    }
    seen.sort();
    assert_eq!(seen, ["t0", "t1", "t2", "t3", "t4"]);
    let summed = desk.graph("GET", &format!("{path}?limit=1&summary=total_count,message_template_limit"), None).await.body;
    assert_eq!(summed["summary"], json!({ "total_count": 5, "message_template_limit": 6_000 }));
    assert_eq!(desk.graph("GET", &format!("{path}?after=junk"), None).await.code(), Some(100));
}

#[tokio::test]
async fn what_meta_would_not_file_is_refused() {
    let desk = Desk::open().await;
    let path = format!("{}/message_templates", desk.id.waba_id);
    let body = |text: &str| json!([{ "type": "BODY", "text": text }]);
    let with = |part: Value| json!([{ "type": "BODY", "text": "Your order is ready now." }, part]);
    let buttons = |list: Value| with(json!({ "type": "BUTTONS", "buttons": list }));
    let refused: Vec<(&str, Value, Option<u64>)> = vec![
        ("capitals in the name", template("Order", "UTILITY", body("Your order is ready now.")), Some(2_388_046)),
        ("no such category", template("a", "SERVICE", body("Your order is ready now.")), None),
        ("no components", json!({ "name": "a", "language": "en", "category": "UTILITY" }), None),
        ("no body", template("a", "UTILITY", json!([{ "type": "FOOTER", "text": "x" }])), None),
        ("a long body", template("a", "UTILITY", body(&"word ".repeat(250))), Some(2_388_040)),
        ("a variable at the end", template("a", "UTILITY", body("Your order is {{1}}")), Some(2_388_299)),
        ("a gap in the numbers", template("a", "UTILITY", body("Your order {{2}} is ready now.")), Some(2_388_072)),
        ("no samples", template("a", "UTILITY", body("Your order {{1}} is ready now.")), Some(2_388_043)),
        ("a variable and a full stop at the end", template("a", "UTILITY", body("Your order is {{1}}.")), Some(2_388_299)),
        ("too many variables", template("a", "UTILITY", body("Hi {{1}}, {{2}} hm")), Some(2_388_293)),
        (
            "a long header",
            template("a", "UTILITY", with(json!({ "type": "HEADER", "format": "TEXT", "text": "x".repeat(61) }))),
            Some(2_388_040),
        ),
        (
            "an emoji in the header",
            template("a", "UTILITY", with(json!({ "type": "HEADER", "format": "TEXT", "text": "Hi 🎉" }))),
            Some(2_388_047),
        ),
        (
            "a variable in the footer",
            template("a", "UTILITY", with(json!({ "type": "FOOTER", "text": "x {{1}} y" }))),
            Some(2_388_073),
        ),
        (
            "formatting in the header",
            template("a", "UTILITY", with(json!({ "type": "HEADER", "format": "TEXT", "text": "*x*" }))),
            Some(2_388_047),
        ),
        (
            "a picture without a sample",
            template("a", "UTILITY", with(json!({ "type": "HEADER", "format": "IMAGE" }))),
            Some(2_388_043),
        ),
        (
            "a picture with a media id",
            template(
                "a",
                "UTILITY",
                with(json!({ "type": "HEADER", "format": "IMAGE", "example": { "header_handle": ["17"] } })),
            ),
            Some(2_494_102),
        ),
        ("an unknown part", template("a", "UTILITY", with(json!({ "type": "FOOTER", "text": "x", "color": "red" }))), None),
        (
            "three links",
            template(
                "a",
                "UTILITY",
                buttons(json!([0, 1, 2].map(|n| json!({ "type": "URL", "text": n.to_string(), "url": "https://example.com" })))),
            ),
            None,
        ),
        (
            "quick replies apart",
            template(
                "a",
                "UTILITY",
                buttons(
                    json!([{ "type": "QUICK_REPLY", "text": "a" }, { "type": "PHONE_NUMBER", "text": "b", "phone_number": "+4930" }, { "type": "QUICK_REPLY", "text": "c" }]),
                ),
            ),
            None,
        ),
        ("a code button elsewhere", template("a", "UTILITY", buttons(json!([{ "type": "OTP", "otp_type": "COPY_CODE" }]))), None),
        ("a carousel of one", template("a", "MARKETING", with(json!({ "type": "CAROUSEL", "cards": [{}] }))), None),
        (
            "a time to live out of range",
            json!({ "name": "a", "language": "en", "category": "UTILITY", "components": body("Your order is ready now."), "message_send_ttl_seconds": 10 }),
            None,
        ),
        (
            "an unknown language",
            json!({ "name": "a", "language": "tlh", "category": "UTILITY", "components": body("Your order is ready now.") }),
            None,
        ),
        ("a code text of one's own", template("a", "AUTHENTICATION", body("Your code is ready now.")), None),
    ];
    for (what, request, subcode) in refused {
        let answer = desk.graph("POST", &path, Some(&request)).await;
        assert_eq!(answer.status, 400, "{what}: {}", answer.body);
        assert_eq!(answer.code(), Some(if subcode == Some(2_494_102) { 131_009 } else { 100 }), "{what}: {}", answer.body);
        assert_eq!(answer.body["error"]["error_subcode"].as_u64(), subcode, "{what}: {}", answer.body);
    }
}

#[tokio::test]
async fn a_send_must_bring_what_the_template_asks_for() {
    let (desk, business) = Desk::with_business().await;
    let ana = desk.customer(json!({ "phone": "+4915112345678", "name": "Ana" })).await;
    desk.approved(&order()).await;
    let header = || json!({ "type": "header", "parameters": [text("A-17")] });
    let body = || json!({ "type": "body", "parameters": [text("Ana"), text("packed")] });
    let url = || json!({ "type": "button", "sub_type": "URL", "index": 1, "parameters": [text("A-17")] });
    let send = async |components: Value| {
        let template = json!({ "name": "order_update", "language": { "code": "en" }, "components": components });
        desk.send("+4915112345678", json!({ "type": "template", "template": template })).await
    };
    for (what, components, code) in [
        ("too few", json!([header(), { "type": "body", "parameters": [text("Ana")] }, url()]), 132_000),
        ("no header", json!([body(), url()]), 132_000),
        (
            "another kind",
            json!([{ "type": "header", "parameters": [{ "type": "image", "image": { "link": "https://example.com/a.png" } }] }, body(), url()]),
            132_012,
        ),
        ("no link part", json!([header(), body()]), 131_008),
        (
            "a button that is not there",
            json!([header(), body(), url(), { "type": "button", "sub_type": "url", "index": 5, "parameters": [text("x")] }]),
            132_012,
        ),
        ("a line break", json!([header(), { "type": "body", "parameters": [text("A\nna"), text("packed")] }, url()]), 132_012),
        (
            "too long",
            json!([header(), { "type": "body", "parameters": [text(&"x".repeat(1_020)), text("packed")] }, url()]),
            132_005,
        ),
        ("an unknown field", json!([header(), body(), url(), { "type": "body", "params": [] }]), 100),
    ] {
        let answer = send(components).await;
        assert_eq!(answer.code(), Some(code), "{what}: {}", answer.body);
    }
    let sent = send(json!([header(), body(), url(), { "type": "button", "sub_type": "quick_reply", "index": "0", "parameters": [{ "type": "payload", "payload": "STOP" }] }])).await;
    assert_eq!(sent.status, 200, "{}", sent.body);
    desk.turn(1).await;
    let heard = business.take();
    assert_eq!(
        each(&heard, "statuses")[0]["pricing"],
        json!({ "billable": true, "pricing_model": "PMP", "type": "regular", "category": "utility" })
    );
    let inbox = desk.sim("GET", "customers/+4915112345678/inbox", &json!({})).await;
    let shown = &inbox["data"][0]["message"]["template"];
    assert_eq!(shown["body"]["text"], "Hi Ana, your order is packed now.");
    assert_eq!(shown["buttons"][1]["url"], "https://example.com/t/A-17");
    let taps = format!("customers/{}/taps", ana["id"].as_str().unwrap());
    let opened = desk.sim("POST", &taps, &json!({ "messageId": sent.wamid(), "buttonIndex": 1 })).await;
    assert_eq!(opened["opened"], "https://example.com/t/A-17");
    desk.sim("POST", &taps, &json!({ "messageId": sent.wamid(), "buttonIndex": 0 })).await;
    desk.turn(1).await;
    let tapped = &each(&business.take(), "messages")[0];
    assert_eq!((tapped["type"].as_str(), &tapped["button"]), (Some("button"), &json!({ "payload": "STOP", "text": "Stop" })));
    assert_eq!(tapped["context"]["id"], sent.wamid().as_str());
}

#[tokio::test]
async fn named_parameters_go_by_name() {
    let desk = Desk::open().await;
    desk.customer(json!({ "phone": "+4915112345678", "name": "Ana" })).await;
    let mut body = template(
        "named",
        "UTILITY",
        json!([{ "type": "BODY", "text": "Hi {{first_name}}, your order is {{state}} now.", "example": { "body_text_named_params": [
            { "param_name": "first_name", "example": "Ana" }, { "param_name": "state", "example": "packed" }] } }]),
    );
    body["parameter_format"] = json!("named");
    desk.approved(&body).await;
    let send = async |parameters: Value| {
        let template = json!({ "name": "named", "language": { "code": "en" }, "components": [{ "type": "body", "parameters": parameters }] });
        desk.send("+4915112345678", json!({ "type": "template", "template": template })).await
    };
    let named = |name: &str, value: &str| json!({ "type": "text", "parameter_name": name, "text": value });
    assert_eq!(send(json!([text("Ana"), text("packed")])).await.code(), Some(132_012));
    assert_eq!(send(json!([named("first_name", "Ana"), named("stat", "packed")])).await.code(), Some(132_012));
    assert_eq!(send(json!([named("state", "packed"), named("first_name", "Ana")])).await.status, 200);
    desk.turn(1).await;
    let inbox = desk.sim("GET", "customers/+4915112345678/inbox", &json!({})).await;
    assert_eq!(inbox["data"][0]["message"]["template"]["body"]["text"], "Hi Ana, your order is packed now.");
}

#[tokio::test]
async fn codes_go_twice_and_not_to_a_user_id() {
    let desk = Desk::open().await;
    let ana = desk.customer(json!({ "phone": "+4915112345678", "name": "Ana" })).await;
    let id = desk
        .approved(&template(
            "login_code",
            "AUTHENTICATION",
            json!([
                { "type": "BODY", "add_security_recommendation": true },
                { "type": "FOOTER", "code_expiration_minutes": 10 },
                { "type": "BUTTONS", "buttons": [{ "type": "OTP", "otp_type": "COPY_CODE", "text": "Copy code" }] },
            ]),
        ))
        .await;
    let read = desk.graph("GET", &id, None).await.body;
    assert_eq!(read["components"][0]["text"], "*{{1}}* is your verification code. For your security, do not share this code.");
    let button = &read["components"][2]["buttons"][0];
    assert_eq!(button["type"], "URL");
    assert_eq!(button["url"], "https://www.whatsapp.com/otp/code/?otp_type=COPY_CODE&code=otp{{1}}");
    let message = |code: &str| {
        json!({ "type": "template", "template": { "name": "login_code", "language": { "code": "en" }, "components": [
            { "type": "body", "parameters": [text(code)] },
            { "type": "button", "sub_type": "url", "index": "0", "parameters": [text(code)] },
        ] } })
    };
    assert_eq!(desk.send("+4915112345678", message("482913")).await.status, 200);
    assert_eq!(desk.send("+4915112345678", message("1234567890123456")).await.code(), Some(132_018));
    let mut to_user = message("482913");
    to_user["messaging_product"] = json!("whatsapp");
    to_user["recipient"] = ana["userId"].clone();
    let refused = desk.graph("POST", &format!("{}/messages", desk.id.phone_number_id), Some(&to_user)).await;
    assert_eq!(refused.code(), Some(131_062));
}

#[tokio::test]
async fn carousels_have_the_cards_of_their_template() {
    let desk = Desk::open().await;
    let ana = desk.customer(json!({ "phone": "+4915112345678", "name": "Ana" })).await;
    let handle = desk.sample("image/png").await;
    let card = json!({ "components": [
        { "type": "HEADER", "format": "IMAGE", "example": { "header_handle": [handle] } },
        { "type": "BODY", "text": "A fine thing to have" },
        { "type": "BUTTONS", "buttons": [{ "type": "QUICK_REPLY", "text": "More" }, { "type": "URL", "text": "See", "url": "https://example.com/{{1}}", "example": ["https://example.com/a"] }] },
    ] });
    desk.approved(&template(
        "picks",
        "MARKETING",
        json!([{ "type": "BODY", "text": "Our picks for you today." }, { "type": "CAROUSEL", "cards": [card, card] }]),
    ))
    .await;
    let card = |n: usize| {
        json!({ "card_index": n, "components": [
            { "type": "header", "parameters": [{ "type": "image", "image": { "link": "https://example.com/a.png" } }] },
            { "type": "button", "sub_type": "quick_reply", "index": "0", "parameters": [{ "type": "payload", "payload": format!("more-{n}") }] },
            { "type": "button", "sub_type": "url", "index": "1", "parameters": [text("a")] },
        ] })
    };
    let send = async |cards: Value| {
        let template =
            json!({ "name": "picks", "language": { "code": "en" }, "components": [{ "type": "carousel", "cards": cards }] });
        desk.send("+4915112345678", json!({ "type": "template", "template": template })).await
    };
    assert_eq!(send(json!([card(0)])).await.code(), Some(132_012));
    let sent = send(json!([card(0), card(1)])).await;
    assert_eq!(sent.status, 200, "{}", sent.body);
    desk.turn(1).await;
    let taps = format!("customers/{}/taps", ana["id"].as_str().unwrap());
    desk.sim("POST", &taps, &json!({ "messageId": sent.wamid(), "buttonIndex": 0, "card": 1 })).await;
    let inbox = desk.sim("GET", "customers/+4915112345678/inbox", &json!({})).await;
    assert_eq!(inbox["data"][1]["message"]["button"]["payload"], "more-1");
}

#[tokio::test]
async fn pauses_end_by_themselves_and_the_third_is_the_last() {
    let (desk, business) = Desk::with_business().await;
    desk.customer(json!({ "phone": "+4915112345678", "name": "Ana" })).await;
    let id =
        desk.approved(&template("sale", "MARKETING", json!([{ "type": "BODY", "text": "Everything must go today." }]))).await;
    let review = format!("templates/{id}/review");
    let send = async || {
        desk.send("+4915112345678", json!({ "type": "template", "template": { "name": "sale", "language": { "code": "en" } } }))
            .await
            .code()
    };
    let pause = async || desk.sim("POST", &review, &json!({ "decision": "pause" })).await;
    pause().await;
    assert_eq!(send().await, Some(132_015));
    desk.turn(3 * 3_600).await;
    assert_eq!(send().await, None);
    pause().await;
    assert_eq!(desk.graph("POST", &format!("{id}/unpause"), None).await.status, 200);
    assert_eq!(send().await, None);
    pause().await;
    assert_eq!(send().await, Some(132_016));
    desk.turn(1).await;
    let heard = business.take();
    let mut titles: Vec<_> = values(&heard, "message_template_status_update")
        .iter()
        .filter_map(|value| value["other_info"]["title"].as_str().map(str::to_owned))
        .collect();
    titles.sort();
    assert_eq!(titles, ["DISABLED", "FIRST_PAUSE", "SECOND_PAUSE", "UNPAUSE", "UNPAUSE"]);
    assert_eq!(desk.graph("DELETE", &format!("{}/message_templates?name=sale", desk.id.waba_id), None).await.status, 400);
}

#[tokio::test]
async fn a_new_category_is_announced_a_day_ahead() {
    let (desk, business) = Desk::with_business().await;
    let id = desk.approved(&order()).await;
    desk.sim("POST", &format!("templates/{id}/review"), &json!({ "decision": "recategorise", "category": "MARKETING" })).await;
    desk.turn(1).await;
    let told = &values(&business.take(), "template_category_update")[0];
    assert_eq!((told["new_category"].as_str(), told["correct_category"].as_str()), (Some("UTILITY"), Some("MARKETING")));
    desk.turn(86_400).await;
    let done = &values(&business.take(), "template_category_update")[0];
    assert_eq!((done["previous_category"].as_str(), done["new_category"].as_str()), (Some("UTILITY"), Some("MARKETING")));
    assert_eq!(desk.graph("GET", &id, None).await.body["category"], "MARKETING");
}

#[tokio::test]
async fn reviews_happen_by_themselves_when_told_to() {
    let (desk, business) = Desk::with_business().await;
    desk.sim("PATCH", "settings", &json!({ "autoReviewSeconds": 60 })).await;
    let path = format!("{}/message_templates", desk.id.waba_id);
    for (name, words) in [
        ("good", "Your order is ready now."),
        ("bad_rejected", "Your parcel is here today."),
        ("good_too", "Your order is ready now."),
    ] {
        let body = template(name, "UTILITY", json!([{ "type": "BODY", "text": words }]));
        assert_eq!(desk.graph("POST", &path, Some(&body)).await.status, 200);
        // Which of two copies came first has to show.
        desk.turn(1).await;
    }
    assert!(business.take().is_empty());
    desk.turn(61).await;
    let mut told: Vec<_> = values(&business.take(), "message_template_status_update")
        .iter()
        .map(|value| format!("{} {}", value["message_template_name"].as_str().unwrap(), value["event"].as_str().unwrap()))
        .collect();
    told.sort();
    assert_eq!(told, ["bad_rejected REJECTED", "good APPROVED", "good_too REJECTED"]);
}
