//! The journal over the surface: kept as it came, found, heard again without doubling anything.

use transom_store::{HearBody, HeardBody, JournalOutcome};

use super::*;
use transom_domain::failure::UpstreamError;
use transom_domain::id::JournalId;
use transom_domain::status::Failure;

fn native(error: &UpstreamError) -> Failure {
    Failure { code: ErrorCode::UpstreamError, message: error.title.clone(), upstream: None }
}

impl House {
    /// Puts a body into the journal as code would that did not know what it says.
    async fn not_understood(&self, id: u128, body: &Value, at: Timestamp) {
        let entry = HeardBody {
            id: JournalId(id),
            outcome: JournalOutcome::NotUnderstood,
            fields: "messages".to_owned(),
            note: "messages".to_owned(),
            raw: body.to_string().into_bytes(),
        };
        let heard = HearBody {
            business: business(1),
            app: "10".to_owned(),
            heard: Vec::new(),
            entry: Some(entry),
            native,
            seed: 7,
            now: at,
            heard_at: at,
        };
        self.store.hear(heard).await.unwrap();
    }
}

fn inbound(wamid: &str, at: Timestamp) -> Value {
    let mut body = written("1065");
    body["entry"][0]["changes"][0]["value"]["messages"][0]["id"] = json!(wamid);
    body["entry"][0]["changes"][0]["value"]["messages"][0]["timestamp"] = json!(at.as_secs().to_string());
    body
}

#[tokio::test]
async fn what_a_parser_did_not_know_appears_once_when_it_is_heard_again() {
    let house = house().await;
    let now = house.gateway.service().now();
    house.not_understood(1, &inbound("wamid.new", now), now).await;
    house.not_understood(2, &inbound("wamid.old", now.minus(Span::days(3))), now.minus(Span::days(3))).await;
    let (_, flagged) = house.get("{b}/journal?outcome=not_understood,partly_understood").await;
    assert_eq!(flagged["data"].as_array().unwrap().len(), 2, "{flagged}");
    assert_eq!(house.get("{b}/events").await.1["newest"], 0);

    let (status, done) = house.post("{b}/journal/replay", &json!({})).await;
    assert_eq!(status, StatusCode::OK, "{done}");
    let news: Vec<_> = done["data"].as_array().unwrap().iter().map(|one| one["news"].clone()).collect();
    assert_eq!((news, &done["more"]), (vec![json!(1), json!(1)], &json!(false)));
    assert_eq!(done["data"][0]["entry"]["outcome"], "heard");
    let (_, events) = house.get("{b}/events").await;
    let kinds: Vec<_> = events["data"].as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "message.received").count(), 2, "{kinds:?}");
    // The one is today's and opens the session; the other is three days old and opens nothing.
    assert_eq!(kinds.iter().filter(|kind| **kind == "session.opened").count(), 1, "{kinds:?}");

    // Nothing is flagged any more, and whoever names them all the same finds nothing new.
    assert_eq!(house.post("{b}/journal/replay", &json!({})).await.1["data"], json!([]));
    let ids: Vec<_> = done["data"].as_array().unwrap().iter().map(|one| one["entry"]["id"].clone()).collect();
    let (_, again) = house.post("{b}/journal/replay", &json!({ "ids": ids })).await;
    assert!(again["data"].as_array().unwrap().iter().all(|one| one["news"] == 0 && one["repeated"] == 1), "{again}");
    assert_eq!(house.get("{b}/events").await.1["newest"], events["newest"]);
    // And Meta may still post it.
    assert_eq!(house.hear("10", &inbound("wamid.new", now), SECRET).await.0, StatusCode::OK);
    assert_eq!(house.get("{b}/events").await.1["newest"], events["newest"]);
    house.close().await;
}

#[tokio::test]
async fn a_webhook_is_kept_as_it_came_and_found_by_what_it_says() {
    let house = house().await;
    let now = house.gateway.service().now();
    let body = inbound("wamid.1", now);
    house.hear("10", &body, SECRET).await;
    let strange = json!({ "object": "whatsapp_business_account",
        "entry": [{ "id": "1020", "changes": [{ "field": "moon_phase", "value": { "phase": "full" } }] }] });
    house.hear("10", &strange, SECRET).await;
    let (_, all) = house.get("{b}/journal").await;
    let shown: Vec<_> = all["data"].as_array().unwrap().iter().map(|e| (e["position"].clone(), e["outcome"].clone())).collect();
    assert_eq!(shown, [(json!(1), json!("heard")), (json!(2), json!("not_understood"))]);
    assert_eq!(all["data"][1]["notUnderstood"], json!(["moon_phase"]));
    let id = all["data"][0]["id"].as_str().unwrap();
    let (_, entry) = house.get(&format!("{{b}}/journal/{id}")).await;
    assert_eq!(entry["body"], json!(body.to_string()), "byte for byte");
    let found = async |query: &str| house.get(&format!("{{b}}/journal?{query}")).await.1["data"].as_array().unwrap().len();
    assert_eq!([found("text=moon_phase").await, found("field=messages").await, found("text=nowhere").await], [1, 1, 0]);
    let (_, messages) = house.get("{b}/messages").await;
    let message = messages["data"][0]["id"].as_str().unwrap();
    assert_eq!(found(&format!("message={message}")).await, 1);
    assert_eq!(found("after=1").await, 1);
    // It is nobody else's, and a word that is none is named.
    let theirs = house.client.get(format!("{}/v1/businesses/{}/journal/{id}", house.base, business(2)));
    assert_eq!(read(theirs.header("X-API-Key", "stranger")).await.0, StatusCode::NOT_FOUND);
    for bad in ["outcome=heared", "since=yesterday", "message=x", "limit=0"] {
        assert_eq!(house.get(&format!("{{b}}/journal?{bad}")).await.0, StatusCode::BAD_REQUEST, "{bad}");
    }
    let too_many: Vec<_> = (0..51u128).map(|n| JournalId(n).to_string()).collect();
    for bad in [json!({ "ids": [] }), json!({ "ids": ["x"] }), json!({ "ids": too_many }), json!({ "outcomes": ["x"] })] {
        assert_eq!(house.post("{b}/journal/replay", &bad).await.0, StatusCode::BAD_REQUEST, "{bad}");
    }
    assert_eq!(house.post("{b}/journal/replay", &json!({ "ids": [JournalId(9).to_string()] })).await.0, StatusCode::NOT_FOUND);
    house.close().await;
}

#[tokio::test]
async fn a_business_chooses_how_long_things_are_kept_within_the_configuration() {
    let house = house().await;
    let put = async |body: Value| house.ask(Method::PUT, "{b}/retention", "all", Some(&body)).await;
    let (_, before) = house.get("{b}/retention").await;
    assert_eq!((&before["journal"]["days"], &before["journal"]["kept"]), (&Value::Null, &json!("14d")));
    let (status, after) = put(json!({ "journalDays": 3, "bodiesDays": 30 })).await;
    assert_eq!((status, &after["journal"]["kept"], &after["journal"]["most"]), (StatusCode::OK, &json!("3d"), &json!("14d")));
    let refused = put(json!({ "journalDays": 15, "eventsDays": 0 })).await;
    assert_eq!(refused.1["details"]["errors"].as_array().unwrap().len(), 2, "{refused:?}");
    assert_eq!(house.get("{b}/retention").await.1, after);
    assert_eq!(put(json!({})).await.1["bodies"]["days"], Value::Null);
    let hooks = house.ask(Method::PUT, "{b}/retention", "hooks", Some(&json!({}))).await;
    assert_eq!(hooks.0, StatusCode::FORBIDDEN);
    house.close().await;
}
