//! The journal over the surface: kept as it came, found, heard again without doubling anything.

use transom_store::{HearBody, HeardBody, Journal as _, JournalOutcome, JournalRange, JournalReplay, JournalReplayed};

use super::*;
use transom_domain::failure::UpstreamError;
use transom_domain::id::{JournalId, ReplayId};
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

impl House {
    /// Has a range heard again, to its end.
    async fn replayed(&self, range: &Value) -> Value {
        let (status, begun) = self.post("{b}/journal/replay", range).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{begun}");
        self.over(begun["id"].as_str().unwrap()).await
    }

    /// A replay, once it is over.
    async fn over(&self, id: &str) -> Value {
        loop {
            let (_, known) = self.get("{b}/journal/replay").await;
            let mine = known["data"].as_array().unwrap().iter().find(|one| one["id"] == id).unwrap();
            if mine["status"] != "running" {
                return mine.clone();
            }
        }
    }
}

/// What a replay came to: status, where it got, and what it counted.
fn did(replay: &Value) -> Value {
    json!([replay["status"], replay["cursor"], replay["entries"], replay["news"], replay["leftOut"]])
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

    let done = house.replayed(&json!({})).await;
    assert_eq!(did(&done), json!(["done", 2, 2, 2, 0]));
    let (_, events) = house.get("{b}/events").await;
    let kinds: Vec<_> = events["data"].as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "message.received").count(), 2, "{kinds:?}");
    // The one is today's and opens the session; the other is three days old and opens nothing.
    assert_eq!(kinds.iter().filter(|kind| **kind == "session.opened").count(), 1, "{kinds:?}");

    // Nothing is flagged any more, and whoever names them all the same finds nothing new.
    assert_eq!(did(&house.replayed(&json!({})).await), json!(["done", 2, 0, 0, 0]));
    let ids: Vec<_> = flagged["data"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect();
    let (_, again) = house.post("{b}/journal/replay", &json!({ "ids": ids })).await;
    assert!(again["data"].as_array().unwrap().iter().all(|one| one["news"] == 0 && one["repeated"] == 1), "{again}");
    assert_eq!(again["data"][0]["entry"]["outcome"], "heard");
    assert_eq!(house.get("{b}/events").await.1["newest"], events["newest"]);
    // And Meta may still post it.
    assert_eq!(house.hear("10", &inbound("wamid.new", now), SECRET).await.0, StatusCode::OK);
    assert_eq!(house.get("{b}/events").await.1["newest"], events["newest"]);
    house.close().await;
}

#[tokio::test]
async fn a_replay_goes_on_where_it_was_after_a_restart_and_can_be_stopped() {
    let house = house().await;
    let now = house.gateway.service().now();
    for n in 0..130_u32 {
        house.not_understood(u128::from(n) + 1, &inbound(&format!("wamid.{n}"), now), now).await;
    }
    assert!(house.gateway.drain(Duration::from_secs(10)).await);
    // As it was when the process ended: begun, and its first slice done.
    let House { store, folder, .. } = house;
    store.crash();
    let replay = JournalReplay {
        id: ReplayId(7),
        business: business(1),
        range: JournalRange { outcomes: vec![JournalOutcome::NotUnderstood], ..JournalRange::default() },
        cursor: 0,
        to: 0,
        did: JournalReplayed::default(),
        created_at: now,
        over_at: None,
        stopped: false,
    };
    assert_eq!(store.start_journal_replay(replay.clone()).await.unwrap().to, 130);
    let slice = JournalReplayed { entries: 50, news: 50, left_out: 0 };
    assert!(store.journal_replayed(business(1), ReplayId(7), 50, slice, now).await.unwrap());
    let house = opened(store, folder).await;
    let done = house.over(&ReplayId(7).to_string()).await;
    assert_eq!(did(&done), json!(["done", 130, 130, 130, 0]));
    let (_, messages) = house.get("{b}/messages?pageSize=200").await;
    assert_eq!(messages["data"].as_array().unwrap().len(), 80, "what the slice heard is not heard again");

    // One at a time; one that is stopped says so, and nobody stops another's.
    let waiting = JournalReplay { id: ReplayId(8), ..replay };
    house.store.start_journal_replay(waiting).await.unwrap();
    let refused = house.post("{b}/journal/replay", &json!({})).await;
    assert_eq!((refused.0, code(&refused)), (StatusCode::CONFLICT, "ERROR_CODE_STATE_CONFLICT"));
    assert_eq!(refused.1["details"]["replayId"], ReplayId(8).to_string());
    let path = format!("/v1/businesses/{}/journal/replay/{}", business(2), ReplayId(8));
    assert_eq!(house.ask(Method::DELETE, &path, "stranger", None).await.0, StatusCode::NOT_FOUND);
    let path = format!("{{b}}/journal/replay/{}", ReplayId(8));
    assert_eq!(house.ask(Method::DELETE, &path, "all", None).await.0, StatusCode::OK);
    assert_eq!(house.over(&ReplayId(8).to_string()).await["status"], "stopped");
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
