//! The reviewer: decisions and their webhooks, edits and their limits, quotas, the ladder of pauses, categories, appeals, deletion.

use crate::common::{Business, Desk, assert_same_shape, values};
use serde_json::{Value, json};

const DAY: i64 = 86_400;

fn utility(name: &str, text: &str) -> Value {
    json!({ "name": name, "language": "en", "category": "UTILITY", "components": [{ "type": "BODY", "text": text }] })
}

fn template(name: &str) -> Value {
    utility(name, &format!("Your order {name} is ready now."))
}

fn edited(text: &str) -> Value {
    json!({ "components": [{ "type": "BODY", "text": text }] })
}

/// What was told of the template's standing since the last time: event and reason.
async fn told(desk: &Desk, business: &Business) -> Vec<(String, Value)> {
    desk.turn(1).await;
    let mut all: Vec<(String, Value)> = values(&business.take(), "message_template_status_update")
        .into_iter()
        .map(|value| (value["event"].as_str().unwrap_or_default().to_owned(), value["reason"].clone()))
        .collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

async fn send(desk: &Desk, name: &str) -> Option<u64> {
    let template = json!({ "name": name, "language": { "code": "en" } });
    desk.send("+4915112345678", json!({ "type": "template", "template": template })).await.code()
}

async fn status(desk: &Desk, id: &str) -> String {
    desk.graph("GET", id, None).await.body["status"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn rejections_carry_metas_reasons_and_say_more_for_the_format_only() {
    let (desk, business) = Desk::with_business().await;
    for (n, reason) in
        ["ABUSIVE_CONTENT", "INCORRECT_CATEGORY", "PROMOTIONAL", "SCAM", "TAG_CONTENT_MISMATCH", "INVALID_FORMAT", "NONE"]
            .into_iter()
            .enumerate()
    {
        let id = desk.filed(&template(&format!("t{n}"))).await;
        desk.review(&id, json!({ "decision": "reject", "reason": reason })).await;
        desk.turn(1).await;
        let value = values(&business.take(), "message_template_status_update").remove(0);
        assert_eq!((value["event"].as_str(), value["reason"].as_str()), (Some("REJECTED"), Some(reason)));
        assert_eq!(value.get("rejection_info").is_some(), reason == "INVALID_FORMAT", "{value}");
        let read = desk.graph("GET", &format!("{id}?fields=status,rejected_reason"), None).await.body;
        assert_eq!((read["status"].as_str(), read["rejected_reason"].as_str()), (Some("REJECTED"), Some(reason)));
    }
    let id = desk.filed(&template("words")).await;
    desk.review(&id, json!({ "decision": "reject", "why": "Two parameters touch.", "recommendation": "Part them." })).await;
    desk.turn(1).await;
    let value = values(&business.take(), "message_template_status_update").remove(0);
    assert_eq!(value["rejection_info"], json!({ "reason": "Two parameters touch.", "recommendation": "Part them." }));
    let odd = desk.control("POST", &format!("templates/{id}/review"), &json!({ "decision": "reject", "reason": "UGLY" })).await;
    assert_eq!((odd.status, odd.body["error"]["field"].as_str()), (400, Some("reason")));
}

#[tokio::test]
async fn rules_decide_without_the_desk() {
    let (desk, business) = Desk::with_business().await;
    let rules = json!([
        { "textContains": "CASINO", "decision": "reject", "reason": "SCAM", "afterSeconds": 600 },
        { "nameContains": "offer", "decision": "approve", "asCategory": "MARKETING" },
        { "category": "MARKETING", "decision": "pause" },
    ]);
    desk.sim("PATCH", "settings", &json!({ "autoReviewSeconds": 60, "autoReviewUpToSeconds": 3_600, "reviewRules": rules }))
        .await;
    let desk = desk.restarted().await;
    let slow = desk.filed(&utility("slow", "A casino is near you now.")).await;
    let offer = desk.filed(&template("offer")).await;
    let mut sale = template("sale");
    sale["category"] = json!("MARKETING");
    let sale = desk.filed(&sale).await;
    let plain = desk.filed(&template("plain")).await;
    desk.turn(59).await;
    assert_eq!(told(&desk, &business).await, []);
    desk.turn(3_600).await;
    for (id, standing, category) in [
        (&slow, "REJECTED", "UTILITY"),
        (&offer, "APPROVED", "MARKETING"),
        (&sale, "PAUSED", "MARKETING"),
        (&plain, "APPROVED", "UTILITY"),
    ] {
        let read = desk.graph("GET", id, None).await.body;
        assert_eq!((read["status"].as_str(), read["category"].as_str()), (Some(standing), Some(category)), "{read}");
    }
    let wrong = json!({ "reviewRules": [{ "decision": "reject", "reason": "UGLY" }] });
    assert_eq!(desk.control("PATCH", "settings", &wrong).await.body["error"]["field"], "reviewRules[0].reason");
}

#[tokio::test]
async fn an_edit_keeps_the_approved_version_in_force_until_it_is_decided() {
    let (desk, business) = Desk::with_business().await;
    desk.customer(json!({ "phone": "+4915112345678", "name": "Ana" })).await;
    let id = desk.approved(&template("order")).await;
    told(&desk, &business).await;
    let edit = json!({ "components": [
        { "type": "HEADER", "format": "TEXT", "text": "News" },
        { "type": "BODY", "text": "Dear {{1}}, your order is on its way.", "example": { "body_text": [["Ana"]] } },
        { "type": "FOOTER", "text": "Example Shop" },
        { "type": "BUTTONS", "buttons": [{ "type": "URL", "text": "See", "url": "https://example.com" }, { "type": "QUICK_REPLY", "text": "Thanks" }] },
    ] });
    let answer = desk.graph("POST", &id, Some(&edit)).await.body;
    assert_eq!(answer, json!({ "success": true, "id": id, "name": "order", "category": "UTILITY" }));
    desk.turn(1).await;
    let heard = values(&business.take(), "message_template_components_update").remove(0);
    assert_eq!(heard["message_template_id"].as_u64().unwrap().to_string(), id);
    assert_eq!(heard["message_template_title"], "News");
    assert_eq!(heard["message_template_element"], "Dear {{1}}, your order is on its way.");
    assert_eq!(heard["message_template_footer"], "Example Shop");
    assert_eq!(
        heard["message_template_buttons"],
        json!([{ "message_template_button_type": "URL", "message_template_button_text": "See", "message_template_button_url": "https://example.com" }])
    );
    let desk = desk.restarted().await;
    assert_eq!(status(&desk, &id).await, "PENDING");
    assert_eq!(desk.graph("GET", &id, None).await.body["components"][0]["text"], "News", "the edit is what is read");
    assert_eq!(send(&desk, "order").await, None, "the approved version still goes");
    desk.review(&id, json!({ "decision": "approve" })).await;
    assert_eq!(send(&desk, "order").await, Some(132_000), "now the edit is in force and wants its parameter");
    desk.turn(DAY).await;
    assert_eq!(desk.graph("POST", &id, Some(&edited("Your order is back in stock now."))).await.status, 200);
    desk.review(&id, json!({ "decision": "reject", "reason": "PROMOTIONAL" })).await;
    assert_eq!(send(&desk, "order").await, Some(132_001));
    // A paused template that is edited cannot be sent before it is approved again: templates/template-pausing.
    let paused = desk.approved(&template("paused")).await;
    desk.review(&paused, json!({ "decision": "pause" })).await;
    assert_eq!(desk.graph("POST", &paused, Some(&edited("Your order is here at last."))).await.status, 200);
    assert_eq!(send(&desk, "paused").await, Some(132_001));
    // As the other of Meta's pages has it.
    desk.sim("PATCH", "settings", &json!({ "editKeepsApproved": false })).await;
    let strict = desk.approved(&template("strict")).await;
    assert_eq!(desk.graph("POST", &strict, Some(&edited("Your order is here at last, really."))).await.status, 200);
    assert_eq!(send(&desk, "strict").await, Some(132_001));
}

#[tokio::test]
async fn edits_are_for_some_standings_only_and_limited() {
    let desk = Desk::open().await;
    let edit = async |id: &str, body: Value| desk.graph("POST", id, Some(&body)).await.body["error"]["error_subcode"].as_u64();
    let id = desk.filed(&template("order")).await;
    assert_eq!(edit(&id, edited("Your order is on its way.")).await, Some(2_388_039), "PENDING");
    desk.review(&id, json!({ "decision": "reject" })).await;
    for n in 0..12 {
        assert_eq!(
            edit(&id, edited(&format!("Your order number {n} is on its way."))).await,
            None,
            "rejected: as often as one likes"
        );
        desk.review(&id, json!({ "decision": "reject" })).await;
    }
    assert_eq!(edit(&id, json!({ "category": "MARKETING" })).await, None, "rejected: the category too");
    desk.review(&id, json!({ "decision": "approve" })).await;
    assert_eq!(edit(&id, json!({ "category": "UTILITY" })).await, Some(2_388_039), "approved: not the category");
    for n in 0..10 {
        assert_eq!(edit(&id, edited(&format!("News of day {n} for you today."))).await, None, "edit {n}");
        desk.review(&id, json!({ "decision": "approve" })).await;
        assert_eq!(edit(&id, edited("Once more on the same day.")).await, Some(2_388_039), "twice on day {n}");
        desk.turn(DAY).await;
    }
    assert_eq!(edit(&id, edited("The eleventh in thirty days.")).await, Some(2_388_039));
    desk.turn(21 * DAY).await;
    assert_eq!(edit(&id, edited("The first is thirty days ago.")).await, None);
    assert_eq!(desk.graph("POST", &id, Some(&json!({}))).await.code(), Some(100), "nothing to edit");
    assert_eq!(desk.graph("POST", &id, Some(&json!({ "name": "x" }))).await.code(), Some(100), "the name stays");
}

#[tokio::test]
async fn quotas_and_limits_are_metas_and_survive_a_restart() {
    let desk = Desk::open().await;
    let path = format!("{}/message_templates", desk.id.waba_id);
    desk.sim("PATCH", "settings", &json!({ "templateCreationsPerHour": 3 })).await;
    for n in 0..3 {
        desk.filed(&template(&format!("t{n}"))).await;
        desk.turn(60).await;
    }
    let desk = desk.restarted().await;
    assert_eq!(desk.graph("POST", &path, Some(&template("t3"))).await.code(), Some(80_007), "the hour is any hour");
    desk.turn(3_600 - 3 * 60).await;
    assert_eq!(desk.graph("POST", &path, Some(&template("t3"))).await.status, 200, "the first is an hour old");
    desk.sim("PATCH", "settings", &json!({ "templateCreationsPerHour": 1_000, "businessVerified": false })).await;
    for n in 4..250 {
        desk.filed(&template(&format!("t{n}"))).await;
    }
    let full = desk.graph("POST", &path, Some(&template("more"))).await;
    assert_eq!(full.body["error"]["error_subcode"], 2_388_019, "{}", full.body);
    let summed = desk.graph("GET", &format!("{path}?summary=message_template_count,message_template_limit"), None).await.body;
    assert_eq!(summed["summary"], json!({ "message_template_count": 250, "message_template_limit": 250 }));
    desk.sim("PATCH", "settings", &json!({ "businessVerified": true })).await;
    assert_eq!(desk.graph("POST", &path, Some(&template("more"))).await.status, 200);
}

#[tokio::test]
async fn quality_walks_the_ladder_and_the_desk_can_reinstate() {
    let (desk, business) = Desk::with_business().await;
    desk.customer(json!({ "phone": "+4915112345678", "name": "Ana" })).await;
    let id = desk.approved(&template("order")).await;
    told(&desk, &business).await;
    let rate = async |score: &str| desk.review(&id, json!({ "decision": "quality", "score": score })).await;
    rate("GREEN").await;
    rate("YELLOW").await;
    desk.turn(1).await;
    let heard: Vec<_> = values(&business.take(), "message_template_quality_update")
        .iter()
        .map(|value| {
            format!("{} {}", value["previous_quality_score"].as_str().unwrap(), value["new_quality_score"].as_str().unwrap())
        })
        .collect();
    assert!(heard.contains(&"UNKNOWN GREEN".to_owned()) && heard.contains(&"GREEN YELLOW".to_owned()), "{heard:?}");
    for (hours, title) in [(3, "FIRST_PAUSE"), (6, "SECOND_PAUSE")] {
        rate("RED").await;
        desk.turn(1).await;
        let value = values(&business.take(), "message_template_status_update").remove(0);
        assert_eq!((value["event"].as_str(), value["other_info"]["title"].as_str()), (Some("PAUSED"), Some(title)));
        assert_eq!(send(&desk, "order").await, Some(132_015));
        desk.turn(hours * 3_600 - 2).await;
        assert_eq!(status(&desk, &id).await, "PAUSED");
        desk.turn(2).await;
        assert_eq!(status(&desk, &id).await, "APPROVED");
        rate("YELLOW").await;
        told(&desk, &business).await;
    }
    rate("RED").await;
    desk.turn(1).await;
    let value = values(&business.take(), "message_template_status_update").remove(0);
    assert_eq!((value["event"].as_str(), value["other_info"]["title"].as_str()), (Some("DISABLED"), Some("DISABLED")));
    assert!(value["disable_info"]["disable_date"].is_i64(), "{value}");
    assert_eq!(send(&desk, "order").await, Some(132_016));
    desk.review(&id, json!({ "decision": "reinstate" })).await;
    assert_eq!(told(&desk, &business).await, [("REINSTATED".to_owned(), json!("NONE"))]);
    desk.review(&id, json!({ "decision": "flag" })).await;
    desk.turn(1).await;
    let value = values(&business.take(), "message_template_status_update").remove(0);
    assert_eq!(value["event"], "FLAGGED");
    assert!(value["disable_info"]["disable_date"].is_i64(), "{value}");
    assert_eq!(send(&desk, "order").await, None);
    let listed = desk
        .graph("GET", &format!("{}/message_templates?quality_score=RED&fields=quality_score", desk.id.waba_id), None)
        .await
        .body;
    assert_eq!(listed["data"][0]["quality_score"]["score"], "RED");
}

#[tokio::test]
async fn appeals_are_filed_at_the_desk_and_decided() {
    let (desk, business) = Desk::with_business().await;
    let id = desk.filed(&template("order")).await;
    let appeal = async |id: &str| desk.control("POST", &format!("templates/{id}/appeal"), &json!({})).await;
    assert_eq!(appeal(&id).await.status, 409, "nothing to appeal");
    for (decision, ends) in [("reject", "REJECTED"), ("approve", "APPROVED")] {
        desk.review(&id, json!({ "decision": "reject", "reason": "SCAM" })).await;
        told(&desk, &business).await;
        assert_eq!(appeal(&id).await.body["status"], "IN_APPEAL");
        assert_eq!(told(&desk, &business).await, [("IN_APPEAL".to_owned(), json!("NONE"))]);
        assert_eq!(appeal(&id).await.status, 409, "twice");
        assert_eq!(desk.graph("POST", &id, Some(&edited("Your order is here."))).await.code(), Some(100));
        desk.review(&id, json!({ "decision": decision })).await;
        assert_eq!(told(&desk, &business).await[0].0, ends);
    }
    desk.review(&id, json!({ "decision": "disable" })).await;
    appeal(&id).await;
    desk.review(&id, json!({ "decision": "reject" })).await;
    assert_eq!(status(&desk, &id).await, "DISABLED");
    appeal(&id).await;
    told(&desk, &business).await;
    let desk = desk.restarted().await;
    desk.review(&id, json!({ "decision": "approve" })).await;
    assert_eq!(told(&desk, &business).await[0].0, "REINSTATED");
    // A category can be appealed for 60 days.
    desk.review(&id, json!({ "decision": "recategorise", "category": "MARKETING", "atOnce": true })).await;
    desk.turn(1).await;
    let changed = values(&business.take(), "template_category_update");
    assert_eq!(changed.len(), 1, "no notice for those who do it again and again");
    assert_eq!(
        (changed[0]["previous_category"].as_str(), changed[0]["new_category"].as_str()),
        (Some("UTILITY"), Some("MARKETING"))
    );
    let filed = desk.control("POST", &format!("templates/{id}/appeal"), &json!({})).await;
    assert_eq!((filed.status, filed.body["status"].as_str()), (200, Some("APPROVED")));
    desk.review(&id, json!({ "decision": "approve" })).await;
    assert_eq!(desk.graph("GET", &id, None).await.body["category"], "UTILITY");
    desk.review(&id, json!({ "decision": "recategorise", "category": "MARKETING" })).await;
    desk.turn(DAY + 61 * DAY).await;
    assert_eq!(desk.control("POST", &format!("templates/{id}/appeal"), &json!({})).await.status, 409, "too late");
}

#[tokio::test]
async fn what_is_really_authentication_goes_on_the_first_of_the_month() {
    let (desk, business) = Desk::with_business().await;
    let id = desk.approved(&template("code")).await;
    desk.review(&id, json!({ "decision": "recategorise", "category": "AUTHENTICATION" })).await;
    desk.turn(1).await;
    let announced = values(&business.take(), "template_category_update").remove(0);
    assert_eq!(announced["correct_category"], "AUTHENTICATION");
    let at = announced["category_update_timestamp"].as_i64().unwrap();
    assert_eq!(at % DAY, 0, "midnight");
    assert_eq!(
        desk.graph("GET", &format!("{id}?fields=correct_category"), None).await.body["correct_category"],
        "AUTHENTICATION"
    );
    desk.turn(32 * DAY).await;
    let value = values(&business.take(), "message_template_status_update").remove(0);
    assert_eq!((value["event"].as_str(), value["reason"].as_str()), (Some("REJECTED"), Some("INCORRECT_CATEGORY")));
}

#[tokio::test]
async fn a_deletion_waits_for_what_is_on_its_way_and_locks_the_name() {
    let (desk, business) = Desk::with_business().await;
    let ana = desk.customer(json!({ "phone": "+4915112345678", "name": "Ana", "online": false })).await;
    let path = format!("{}/message_templates", desk.id.waba_id);
    let id = desk.approved(&template("order")).await;
    let mut german = template("order");
    german["language"] = json!("de");
    let other = desk.approved(&german).await;
    assert_eq!(send(&desk, "order").await, None);
    told(&desk, &business).await;
    assert_eq!(
        desk.graph("DELETE", &format!("{path}?hsm_id={id}&name=wrong"), None).await.body["error"]["error_subcode"],
        2_593_002
    );
    assert_eq!(desk.graph("DELETE", &format!("{path}?hsm_id={id}&name=order"), None).await.body, json!({ "success": true }));
    assert_eq!(told(&desk, &business).await, [("PENDING_DELETION".to_owned(), Value::Null)]);
    assert_eq!(status(&desk, &id).await, "PENDING_DELETION");
    assert_eq!(send(&desk, "order").await, Some(132_001));
    assert_eq!(desk.graph("POST", &id, Some(&edited("Your order is here."))).await.body["error"]["error_subcode"], 2_388_039);
    let desk = desk.restarted().await;
    desk.sim("PATCH", &format!("customers/{}", ana["id"].as_str().unwrap()), &json!({ "online": true })).await;
    assert_eq!(told(&desk, &business).await, [("DELETED".to_owned(), json!("NONE"))]);
    assert_eq!(desk.graph("GET", &id, None).await.body["error"]["error_subcode"], 33);
    assert_eq!(status(&desk, &other).await, "APPROVED", "the other language lives on");
    let mut french = template("order");
    french["language"] = json!("fr");
    desk.filed(&french).await;
    let refused = desk.graph("POST", &path, Some(&template("order"))).await.body;
    assert_eq!(refused["error"]["error_subcode"], 2_388_023, "{refused}");
    // By name every language goes, and then the whole name is locked.
    assert_eq!(desk.graph("DELETE", &format!("{path}?name=order"), None).await.status, 200);
    let mut italian = template("order");
    italian["language"] = json!("it");
    assert_eq!(desk.graph("POST", &path, Some(&italian)).await.body["error"]["error_subcode"], 2_388_023);
    // What was never approved locks nothing.
    let draft = desk.filed(&template("draft")).await;
    assert_eq!(desk.graph("DELETE", &format!("{path}?hsm_ids=[{draft}]"), None).await.status, 200);
    desk.filed(&template("draft")).await;
    desk.turn(30 * DAY).await;
    assert_eq!(desk.graph("POST", &path, Some(&italian)).await.status, 200);
}

#[tokio::test]
async fn lists_are_paged_both_ways_filtered_and_cut_to_fields() {
    let desk = Desk::open().await;
    let path = format!("{}/message_templates", desk.id.waba_id);
    let mut ids = Vec::new();
    for n in 0..7 {
        ids.push(desk.filed(&template(&format!("t{n}"))).await);
    }
    ids.sort_by_key(|id| id.parse::<u64>().unwrap_or(0));
    let names = |page: &Value| {
        page["data"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let follow = async |url: &Value| {
        let path = url.as_str().unwrap().split_once("/v24.0/").unwrap().1.to_owned();
        desk.graph("GET", &path, None).await.body
    };
    let first = desk.graph("GET", &format!("{path}?limit=3&fields=id"), None).await.body;
    assert_eq!(names(&first), ids[..3]);
    assert!(first["paging"].get("previous").is_none());
    let second = follow(&first["paging"]["next"]).await;
    assert_eq!(names(&second), ids[3..6]);
    let third = follow(&second["paging"]["next"]).await;
    assert_eq!(names(&third), ids[6..]);
    assert!(third["paging"].get("next").is_none());
    let back = follow(&third["paging"]["previous"]).await;
    assert_eq!(names(&back), ids[3..6]);
    assert_eq!(names(&follow(&back["paging"]["previous"]).await), ids[..3]);
    let both = desk.graph("GET", &format!("{path}?after=MQ&before=MQ"), None).await;
    assert_eq!(both.code(), Some(100));
    desk.review(&ids[2], json!({ "decision": "approve" })).await;
    for (filter, count) in [
        ("status=APPROVED", 1),
        ("status=[\"PENDING\",\"APPROVED\"]", 7),
        ("name=t3", 1),
        ("content=ORDER t4", 1),
        ("name_or_content=t5", 1),
        ("language=de", 0),
        ("category=utility", 7),
        ("quality_score=GREEN", 0),
    ] {
        let found = desk.graph("GET", &format!("{path}?{filter}"), None).await.body;
        assert_eq!(found["data"].as_array().map(Vec::len), Some(count), "{filter}: {found}");
    }
    let unknown = desk.graph("GET", &format!("{path}?fields=id,colour"), None).await.body;
    assert!(unknown["error"]["message"].as_str().unwrap().contains("nonexisting field (colour)"), "{unknown}");
}

#[tokio::test]
async fn webhooks_about_templates_have_the_shapes_of_metas_documents() {
    let (desk, business) = Desk::with_business().await;
    desk.sim("PATCH", "settings", &json!({ "webhookLanguageDash": true })).await;
    let heard = async |field: &str| {
        desk.turn(1).await;
        let all = business.take();
        let is_it = |webhook: &&Value| webhook["entry"][0]["changes"][0]["field"] == field;
        all.iter().find(is_it).cloned().unwrap_or_else(|| json!({ "nothing of": field, "among": all }))
    };
    let mut body = template("order_update");
    body["language"] = json!("en_US");
    let id = desk.filed(&body).await;
    let shape = |text: &str| serde_json::from_str::<Value>(text).expect("a fixture");
    let standing = "message_template_status_update";
    desk.review(&id, json!({ "decision": "reject" })).await;
    let rejected = heard(standing).await;
    assert_same_shape(&shape(include_str!("../fixtures/template_rejected.json")), &rejected, "rejected");
    assert_eq!(rejected["entry"][0]["changes"][0]["value"]["message_template_language"], "en-US");
    desk.review(&id, json!({ "decision": "approve" })).await;
    assert_same_shape(&shape(include_str!("../fixtures/template_approved.json")), &heard(standing).await, "approved");
    desk.review(&id, json!({ "decision": "quality", "score": "GREEN" })).await;
    let quality = heard("message_template_quality_update").await;
    assert_same_shape(&shape(include_str!("../fixtures/template_quality.json")), &quality, "quality");
    desk.review(&id, json!({ "decision": "recategorise", "category": "MARKETING" })).await;
    let announced = heard("template_category_update").await;
    assert_same_shape(&shape(include_str!("../fixtures/template_category_impending.json")), &announced, "announced");
    desk.turn(DAY).await;
    let done = heard("template_category_update").await;
    assert_same_shape(&shape(include_str!("../fixtures/template_category_done.json")), &done, "done");
    desk.review(&id, json!({ "decision": "pause" })).await;
    assert_same_shape(&shape(include_str!("../fixtures/template_paused.json")), &heard(standing).await, "paused");
}

#[tokio::test]
async fn every_third_webhook_about_templates_can_be_lost_for_good() {
    let (desk, business) = Desk::with_business().await;
    let lost = json!([{ "kind": "webhook_loss", "every": 3, "fields": ["message_template_status_update"] }]);
    desk.sim("PUT", "faults", &lost).await;
    for n in 0..9 {
        desk.approved(&template(&format!("t{n}"))).await;
    }
    desk.turn(8 * DAY).await;
    assert_eq!(values(&business.take(), "message_template_status_update").len(), 6);
    let wrong = json!([{ "kind": "webhook_loss", "fields": ["weather"] }]);
    assert_eq!(desk.control("PUT", "faults", &wrong).await.body["error"]["field"], "[0].fields");
}

#[tokio::test]
async fn the_rules_are_on_show_with_their_sources() {
    let desk = Desk::open().await;
    let rules = desk.sim("GET", "templates/rules", &json!({})).await;
    let rules = rules["data"].as_array().unwrap();
    assert!(rules.len() > 20);
    assert!(rules.iter().any(|rule| rule["name"] == "words_ratio" && rule["subcode"] == 2_388_293));
    assert!(rules.iter().all(|rule| rule["source"].as_str().is_some_and(|source| source.len() > 5)));
}
