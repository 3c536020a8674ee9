//! Webhooks: signed, retried, durable; where they go, and what goes wrong on order.

use std::time::Duration;

use crate::common::{Business, Desk, assert_same_shape, each, start, statuses, values};
use serde_json::{Value, json};
use transom_clock::WorldClock;
use transom_domain::Span;

fn fixture(text: &str) -> Value {
    serde_json::from_str(text).expect("a fixture")
}

#[tokio::test]
async fn shapes_are_those_of_metas_documents() {
    let (desk, business) = Desk::with_business().await;
    let ana = desk.customer(json!({ "phone": "+4915112345678", "name": "Ana" })).await;
    desk.writes(&ana, "Hello").await;
    desk.turn(1).await;
    assert_same_shape(&fixture(include_str!("../fixtures/inbound_text.json")), &business.take()[0], "$");
    let text = json!({ "type": "text", "text": { "body": "Hi" }, "biz_opaque_callback_data": "m.1" });
    desk.send("+4915112345678", text.clone()).await;
    desk.turn(1).await;
    desk.sim("POST", "customers/+4915112345678/reads", &json!({})).await;
    desk.turn(1).await;
    let heard = business.take();
    for (status, expected) in [
        ("sent", include_str!("../fixtures/status_sent.json")),
        ("delivered", include_str!("../fixtures/status_sent.json")),
        ("read", include_str!("../fixtures/status_read.json")),
    ] {
        let got = heard.iter().find(|webhook| statuses(std::slice::from_ref(webhook))[0].1 == status).expect(status);
        assert_same_shape(&fixture(expected), got, status);
    }
    desk.turn(86_400).await;
    desk.send("+4915112345678", text.clone()).await;
    desk.turn(1).await;
    assert_same_shape(&fixture(include_str!("../fixtures/status_failed.json")), &business.take()[0], "$");
    desk.sim("PATCH", "settings", &json!({ "webhookVersion": 23 })).await;
    desk.writes(&ana, "Hello").await;
    desk.send("+4915112345678", text).await;
    desk.turn(1).await;
    let heard = each(&business.take(), "statuses");
    let of = |status: &str| heard.iter().find(|one| one["status"] == status).expect("a status").clone();
    assert!(of("sent")["conversation"]["expiration_timestamp"].is_string());
    assert!(of("delivered")["conversation"].get("expiration_timestamp").is_none());
}

#[tokio::test]
async fn bodies_are_ascii_and_signed() {
    let (desk, business) = Desk::with_business().await;
    let ana = desk.customer(json!({ "phone": "+4915112345678", "name": "Zoë" })).await;
    desk.writes(&ana, "Grüße \u{1F44D}").await;
    desk.turn(1).await;
    let raw = business.raw();
    assert!(raw[0].is_ascii());
    assert!(std::str::from_utf8(&raw[0]).unwrap().contains("Gr\\u00fc\\u00dfe \\ud83d\\udc4d"));
    assert_eq!(each(&business.take(), "messages")[0]["text"]["body"], "Grüße \u{1F44D}");
}

#[tokio::test]
async fn what_is_not_answered_200_comes_again_for_seven_days() {
    let (desk, business) = Desk::with_business().await;
    let ana = desk.customer(json!({ "phone": "+4915112345678", "name": "Ana" })).await;
    business.answer(Some(500));
    let wamid = desk.writes(&ana, "Hello").await;
    desk.turn(3_600).await;
    let tries = business.take();
    assert!(tries.len() > 1 && tries.iter().all(|one| one == &tries[0]), "{} tries", tries.len());
    business.answer(Some(201));
    desk.turn(7_200).await;
    assert!(!business.take().is_empty(), "only 200 counts");
    business.answer(None);
    desk.turn(86_400).await;
    assert_eq!(each(&business.take(), "messages")[0]["id"], wamid);
    desk.turn(86_400).await;
    assert!(business.take().is_empty());
    business.answer(Some(500));
    desk.writes(&ana, "Hello again").await;
    // The clock jumps over the tries in between, but not over the end.
    for _ in 0..80 {
        desk.turn(8_640).await;
    }
    business.take();
    business.answer(None);
    desk.turn(86_400).await;
    assert!(business.take().is_empty(), "given up after seven days");
    assert_eq!(desk.sim("GET", "state", &json!({})).await["webhooks"]["owed"], 0);
}

#[tokio::test]
async fn a_handshake_that_fails_is_refused_and_changes_nothing() {
    let (desk, business) = Desk::with_business().await;
    let app_token = format!("{}|{}", desk.id.app_id, desk.id.app_secret);
    let path = format!("{}/subscriptions", desk.id.app_id);
    let subscription = |url: &str, token: &str| json!({ "object": "whatsapp_business_account", "callback_url": url, "verify_token": token, "fields": "messages" });
    for (url, token) in [(business.url.as_str(), "wrong"), ("http://127.0.0.1:1/hook", "hello")] {
        let refused = desk.call_with(&app_token, "POST", &path, Some(&subscription(url, token))).await;
        assert_eq!((refused.code(), refused.status), (Some(2_200), 400), "{}", refused.body);
    }
    let as_user = desk.graph("POST", &path, Some(&subscription(&business.url, "hello"))).await;
    assert_eq!(as_user.code(), Some(15));
    let shown = desk.call_with(&app_token, "GET", &path, None).await;
    assert_eq!(shown.body["data"][0]["callback_url"], business.url.as_str());
    assert!(shown.body["data"][0]["fields"].as_array().unwrap().len() > 1);
}

#[tokio::test]
async fn the_number_goes_before_the_account_before_the_app() {
    let (desk, of_app) = Desk::with_business().await;
    let of_account = Business::listen(&desk.id.app_secret, "two").await;
    let of_number = Business::listen(&desk.id.app_secret, "three").await;
    let ana = desk.customer(json!({ "phone": "+4915112345678", "name": "Ana" })).await;
    let counts = async || {
        desk.writes(&ana, "Hello").await;
        desk.turn(1).await;
        (of_app.take().len(), of_account.take().len(), of_number.take().len())
    };
    assert_eq!(counts().await, (1, 0, 0));
    let account = format!("{}/subscribed_apps", desk.id.waba_id);
    let set =
        desk.graph("POST", &account, Some(&json!({ "override_callback_uri": of_account.url, "verify_token": "two" }))).await;
    assert_eq!(set.status, 200, "{}", set.body);
    assert_eq!(desk.graph("GET", &account, None).await.body["data"][0]["override_callback_uri"], of_account.url.as_str());
    assert_eq!(counts().await, (0, 1, 0));
    let configuration = json!({ "webhook_configuration": { "override_callback_uri": of_number.url, "verify_token": "three" } });
    assert_eq!(desk.graph("POST", &desk.id.phone_number_id, Some(&configuration)).await.status, 200);
    assert_eq!(counts().await, (0, 0, 1));
    assert_eq!(desk.graph("DELETE", &account, None).await.status, 200);
    assert_eq!(counts().await, (0, 0, 0));
}

#[tokio::test]
async fn faults_happen_on_order() {
    let (desk, business) = Desk::with_business().await;
    let ana = desk.customer(json!({ "phone": "+4915112345678", "name": "Ana" })).await;
    let order = async |fault: Value| desk.sim("PUT", "faults", &json!([fault])).await;
    order(json!({ "kind": "webhook_duplicate", "share": 1.0, "seed": 1, "count": 1 })).await;
    desk.writes(&ana, "Hello").await;
    desk.turn(1).await;
    let heard = business.take();
    assert_eq!(heard.len(), 2);
    assert_eq!(heard[0], heard[1]);
    order(json!({ "kind": "webhook_delay", "share": 1.0, "count": 1, "ms": 60_000 })).await;
    desk.writes(&ana, "Hello").await;
    desk.turn(30).await;
    assert!(business.take().is_empty());
    desk.turn(31).await;
    assert_eq!(business.take().len(), 1);
    order(json!({ "kind": "webhook_drop", "share": 1.0, "count": 1 })).await;
    desk.writes(&ana, "Hello").await;
    desk.turn(60).await;
    assert_eq!(business.take().len(), 1);
    order(json!({ "kind": "webhook_reorder", "share": 1.0, "count": 1 })).await;
    let first = desk.writes(&ana, "first").await;
    let second = desk.writes(&ana, "second").await;
    desk.turn(60).await;
    let ids: Vec<_> =
        each(&business.take(), "messages").iter().map(|message| message["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids, [second, first]);
    order(json!({ "kind": "error", "share": 1.0, "count": 1, "code": 131_016 })).await;
    let refused = desk.text("+4915112345678").await;
    assert_eq!((refused.code(), refused.status), (Some(131_016), 500));
    assert_eq!(desk.text("+4915112345678").await.status, 200);
    let unknown = desk.control("PUT", "faults", &json!([{ "kind": "error", "share": 1.0, "code": 7 }])).await;
    assert_eq!((unknown.status, unknown.body["error"]["field"].as_str()), (400, Some("[0].code")));
}

#[tokio::test]
async fn a_dropped_webhook_is_dropped_again_until_the_fault_is_lifted() {
    let (desk, business) = Desk::with_business().await;
    let ana = desk.customer(json!({ "phone": "+4915112345678", "name": "Ana" })).await;
    desk.sim("PUT", "faults", &json!([{ "kind": "webhook_drop", "share": 1.0 }])).await;
    let wamid = desk.writes(&ana, "Hello").await;
    for _ in 0..3 {
        desk.turn(7_200).await;
        assert!(business.take().is_empty(), "every try is lost, not only the first");
    }
    assert_eq!(desk.sim("GET", "state", &json!({})).await["webhooks"]["owed"], 1);
    desk.sim("PUT", "faults", &json!([])).await;
    desk.turn(14_400).await;
    let heard = each(&business.take(), "messages");
    assert_eq!((heard.len(), heard[0]["id"].as_str()), (1, Some(wamid.as_str())));

    // One that comes late is thrown for when it goes, and a count is used up by tries.
    let faults = json!([{ "kind": "webhook_delay", "share": 1.0, "ms": 86_400_000 }, { "kind": "webhook_drop", "share": 1.0, "count": 2 }]);
    desk.sim("PUT", "faults", &faults).await;
    desk.writes(&ana, "Hello again").await;
    desk.turn(86_399).await;
    assert!(business.take().is_empty());
    assert_eq!(desk.sim("GET", "faults", &json!({})).await["data"][1]["count"], 2, "not thrown for before it goes");
    desk.turn(60).await;
    assert_eq!(business.take().len(), 1);
    assert_eq!(desk.sim("GET", "faults", &json!({})).await["data"][1]["count"], 0);
    let too_late = desk.control("PUT", "faults", &json!([{ "kind": "webhook_delay", "share": 1.0, "ms": 86_400_001 }])).await;
    assert_eq!((too_late.status, too_late.body["error"]["field"].as_str()), (400, Some("[0].ms")));
}

#[tokio::test]
async fn a_lost_answer_is_accepted_all_the_same() {
    let (desk, business) = Desk::with_business().await;
    let ana = desk.customer(json!({ "phone": "+4915112345678", "name": "Ana" })).await;
    desk.writes(&ana, "Hello").await;
    desk.turn(1).await;
    business.take();
    desk.sim("PUT", "faults", &json!([{ "kind": "lost_answer", "share": 1.0, "count": 1 }])).await;
    let url = format!("{}/v24.0/{}/messages", desk.simulator.graph_url(), desk.id.phone_number_id);
    let body = json!({ "messaging_product": "whatsapp", "to": "+4915112345678", "text": { "body": "Hi" }, "biz_opaque_callback_data": "m7.1" });
    let lost = reqwest::Client::new().post(url).bearer_auth(&desk.id.access_token).json(&body).send().await;
    assert!(lost.is_err());
    desk.turn(1).await;
    let heard = each(&business.take(), "statuses");
    assert!(heard.iter().all(|status| status["biz_opaque_callback_data"] == "m7.1") && heard.len() == 2);
    let listed = desk.sim("GET", "messages?callbackData=m7.1", &json!({})).await;
    assert_eq!((listed["data"].as_array().unwrap().len(), listed["data"][0]["status"].as_str()), (1, Some("delivered")));
    let log = desk.sim("GET", "requests", &json!({})).await;
    let call = log["data"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((call["answerLost"].as_bool(), call["body"]["biz_opaque_callback_data"].as_str()), (Some(true), Some("m7.1")));
    assert!(call["headers"].get("authorization").is_none());
}

#[tokio::test]
async fn a_call_is_lost_before_it_is_carried_out_or_after_or_its_answer_comes_late_or_garbled() {
    let desk = Desk::open().await;
    let ana = desk.customer(json!({ "phone": "+4915112345678", "name": "Ana" })).await;
    desk.writes(&ana, "Hello").await;
    let url = format!("{}/v24.0/{}/messages", desk.simulator.graph_url(), desk.id.phone_number_id);
    let send = async |tag: &str, patience: Option<Duration>| {
        let body = json!({ "messaging_product": "whatsapp", "to": "+4915112345678", "text": { "body": "Hi" }, "biz_opaque_callback_data": tag });
        let mut call = reqwest::Client::new().post(&url).bearer_auth(&desk.id.access_token).json(&body);
        if let Some(patience) = patience {
            call = call.timeout(patience);
        }
        call.send().await
    };
    let order = async |fault: Value| desk.sim("PUT", "faults", &json!([fault])).await;
    let accepted = async |tag: &str| {
        let listed = desk.sim("GET", &format!("messages?callbackData={tag}"), &json!({})).await;
        listed["data"].as_array().unwrap().len()
    };

    order(json!({ "kind": "lost_call", "share": 1.0, "count": 1 })).await;
    assert!(send("m1.1", None).await.is_err());
    assert_eq!(accepted("m1.1").await, 0, "lost before it was carried out");
    let log = desk.sim("GET", "requests", &json!({})).await;
    let call = log["data"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((call["status"].as_u64(), call["answerLost"].as_bool()), (Some(0), Some(true)));

    order(json!({ "kind": "bad_gateway", "share": 1.0, "count": 1 })).await;
    let answer = send("m2.1", None).await.unwrap();
    assert_eq!(answer.status(), 502);
    assert!(answer.text().await.unwrap().starts_with("<html>"), "no error object of Meta's");
    assert_eq!(accepted("m2.1").await, 1, "carried out all the same");

    // Longer than anybody waits: what was carried out is there before the answer is.
    order(json!({ "kind": "late_answer", "share": 1.0, "count": 1, "ms": 60_000 })).await;
    assert!(send("m3.1", Some(Duration::from_millis(300))).await.unwrap_err().is_timeout());
    assert_eq!(accepted("m3.1").await, 1);
    assert_eq!(send("m4.1", None).await.unwrap().status(), 200, "the count is used up");
}

#[tokio::test]
async fn the_desk_shortens_the_gaps_between_tries() {
    let (desk, business) = Desk::with_business().await;
    let ana = desk.customer(json!({ "phone": "+4915112345678", "name": "Ana" })).await;
    desk.sim("PATCH", "settings", &json!({ "webhookGapMaxSeconds": 1 })).await;
    desk.sim("PUT", "faults", &json!([{ "kind": "webhook_drop", "share": 1.0, "count": 9 }])).await;
    desk.writes(&ana, "Hello").await;
    desk.turn(8).await;
    assert!(business.take().is_empty());
    desk.turn(2).await;
    assert_eq!(business.take().len(), 1, "the tenth try, nine seconds after the first");
    let refused = desk.control("PATCH", "settings", &json!({ "webhookGapMaxSeconds": 0 })).await;
    assert_eq!((refused.status, refused.body["error"]["field"].as_str()), (400, Some("webhookGapMaxSeconds")));
}

#[tokio::test]
async fn updates_share_a_post_when_asked() {
    let (desk, business) = Desk::with_business().await;
    let ana = desk.customer(json!({ "phone": "+4915112345678", "name": "Ana" })).await;
    desk.sim("PATCH", "settings", &json!({ "webhookBatch": 100, "pairSeconds": 0 })).await;
    desk.writes(&ana, "Hello").await;
    for _ in 0..40 {
        desk.text("+4915112345678").await;
    }
    desk.turn(1).await;
    let heard = business.take();
    let told = statuses(&heard);
    assert_eq!(told.len(), 80);
    assert!(heard.len() < 81, "{} posts", heard.len());
}

/// What a crash leaves: the database and its log, copied as they are at this moment.
fn crashed_copy(from: &std::path::Path) -> tempfile::TempDir {
    let copy = tempfile::TempDir::new().expect("a folder");
    for file in ["simulator.db", "simulator.db-wal"] {
        std::fs::copy(from.join(file), copy.path().join(file)).expect("a copy");
    }
    copy
}

#[tokio::test]
async fn what_was_answered_and_owed_survives_a_crash() {
    let (desk, business) = Desk::with_business().await;
    let ana = desk.customer(json!({ "phone": "+4915112345678", "name": "Ana" })).await;
    business.answer(Some(503));
    let inbound = desk.writes(&ana, "Hello").await;
    let sent = desk.text("+4915112345678").await.wamid();
    let template = json!({ "name": "ready", "language": "en", "category": "UTILITY", "components": [{ "type": "BODY", "text": "Your order is ready now." }] });
    desk.approved(&template).await;
    desk.turn(3_600).await;
    let copy = crashed_copy(desk.dir.path());
    let id = desk.id.clone();
    business.take();
    desk.simulator.stop().await;

    let again = Desk::on(copy).await;
    assert_eq!(again.id, id, "ids, tokens and secrets stay");
    assert!(again.clock.offset() >= Span::hours(1), "the clock stays turned");
    business.answer(None);
    business.take();
    again.turn(86_400).await;
    let heard = business.take();
    assert_eq!(each(&heard, "messages")[0]["id"], inbound);
    let mut told = statuses(&heard);
    told.sort();
    assert_eq!(told, [(sent.clone(), "delivered".to_owned()), (sent.clone(), "sent".to_owned())]);
    assert_eq!(values(&heard, "message_template_status_update")[0]["event"], "APPROVED");
    again.turn(86_400).await;
    assert!(business.take().is_empty());
    let state = again.sim("GET", "state", &json!({})).await;
    assert_eq!(state["messages"]["byStatus"]["delivered"], 1);
    let inbox = again.sim("GET", "customers/+4915112345678/inbox", &json!({})).await;
    assert_eq!(inbox["data"].as_array().unwrap().len(), 2);
    let usable = again
        .send("+4915112345678", json!({ "type": "template", "template": { "name": "ready", "language": { "code": "en" } } }))
        .await;
    assert_eq!(usable.status, 200, "{}", usable.body);
    assert_ne!(usable.wamid(), sent);
}

#[tokio::test]
async fn a_folder_is_held_by_one_and_a_port_by_one() {
    let desk = Desk::open().await;
    let options = |dir: &std::path::Path, listen: std::net::SocketAddr| transom_simulator::Options {
        dir: dir.to_owned(),
        listen,
        seed: transom_simulator::Seed::fixed(1),
    };
    let free = "127.0.0.1:0".parse().unwrap();
    let held = transom_simulator::Simulator::start(options(desk.dir.path(), free), WorldClock::wall()).await.err().unwrap();
    assert!(held.to_string().contains(&format!("process {}", std::process::id())), "{held}");
    let other = tempfile::TempDir::new().unwrap();
    let busy = transom_simulator::Simulator::start(options(other.path(), desk.simulator.address()), WorldClock::wall())
        .await
        .err()
        .unwrap();
    assert!(busy.to_string().contains(&desk.simulator.address().to_string()), "{busy}");
    let file = other.path().join("file");
    std::fs::write(&file, "").unwrap();
    let nowhere = transom_simulator::Simulator::start(options(&file, free), WorldClock::wall()).await.err().unwrap();
    assert!(nowhere.to_string().contains("cannot be written"), "{nowhere}");
    let dir = desk.dir.path().to_owned();
    desk.simulator.stop().await;
    start(&dir, WorldClock::wall()).await.stop().await;
}

#[tokio::test]
async fn only_a_turnable_clock_turns_and_only_forward() {
    let desk = Desk::open().await;
    assert_eq!(desk.control("POST", "clock", &json!({ "advanceSeconds": -1 })).await.status, 400);
    assert_eq!(desk.sim("GET", "clock", &json!({})).await["turnable"], true);
    let dir = desk.dir.path().to_owned();
    desk.turn(100).await;
    desk.simulator.stop().await;
    assert!(transom_simulator::stored_offset_ms(&dir).unwrap() >= 100_000);
    let wall = start(&dir, WorldClock::wall()).await;
    let answer = reqwest::Client::new()
        .post(format!("{}/sim/v1/clock", wall.graph_url()))
        .json(&json!({ "advanceSeconds": 1 }))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status().as_u16(), 409);
    wall.stop().await;
}

#[tokio::test]
async fn news_of_an_account_is_told_and_holds() {
    let (desk, business) = Desk::with_business().await;
    let path = format!("accounts/{}/news", desk.id.waba_id);
    let order = async |news: Value| {
        let answer = desk.sim("POST", &path, &news).await;
        desk.turn(1).await;
        answer
    };
    order(json!({ "event": "ban", "date": "May 5, 2027" })).await;
    let value = values(&business.take(), "account_update").remove(0);
    assert_eq!(value["event"], "DISABLED_UPDATE");
    assert_eq!(value["ban_info"], json!({ "waba_ban_state": "DISABLE", "waba_ban_date": "May 5, 2027" }));
    let text = json!({ "type": "text", "text": { "body": "Hi" } });
    assert_eq!(desk.send("+4915112345678", text).await.body["error"]["code"], 131_031);
    order(json!({ "event": "reinstate", "date": "May 6, 2027" })).await;
    assert_eq!(values(&business.take(), "account_update")[0]["ban_info"]["waba_ban_state"], "REINSTATE");
    let kind = "RESTRICTED_BIZ_INITIATED_MESSAGING";
    order(json!({ "event": "restriction", "kind": kind, "expiration": 1_900_000_000 })).await;
    let value = values(&business.take(), "account_update").remove(0);
    assert_eq!(value["restriction_info"], json!([{ "restriction_type": kind, "expiration": 1_900_000_000 }]));
    order(json!({ "event": "review", "decision": "APPROVED" })).await;
    assert_eq!(values(&business.take(), "account_review_update"), [json!({ "decision": "APPROVED" })]);
    desk.sim("PATCH", &format!("numbers/{}", desk.id.phone_number_id), &json!({ "quality": "RED" })).await;
    desk.turn(1).await;
    assert_eq!(values(&business.take(), "phone_number_quality_update")[0]["event"], "FLAGGED");
}
