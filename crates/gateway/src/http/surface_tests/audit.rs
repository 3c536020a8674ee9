//! Whatever a business changes is written down with who did it.

use super::*;

#[tokio::test]
async fn contents_settings_and_replays_are_written_down() {
    let house = house().await;
    let content = |words: &str| json!({ "friendlyName": "x", "language": "en", "types": { "twilio/text": { "body": words } } });
    let (status, made) = house.post("{b}/contents", &content("one")).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let id = made["id"].as_str().unwrap().to_owned();
    let at = format!("{{b}}/contents/{id}");
    assert_eq!(house.ask(Method::PUT, &at, "all", Some(&content("two"))).await.0, StatusCode::OK);
    assert_eq!(house.ask(Method::DELETE, &at, "all", None).await.0, StatusCode::OK);
    // What is refused was not done.
    assert_eq!(house.ask(Method::DELETE, &at, "all", None).await.0, StatusCode::NOT_FOUND);
    let settings = json!({ "sessionClosingSoonMinutes": 30 });
    assert_eq!(house.ask(Method::PUT, "{b}/events/settings", "all", Some(&settings)).await.0, StatusCode::OK);
    house.gateway.service().refuse_at_once(business(1), true).await.unwrap();
    let (status, begun) = house.post("{b}/journal/replay", &json!({})).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{begun}");
    let replay = begun["id"].as_str().unwrap();

    let log = house.get("{b}/audit").await.1;
    let lines: Vec<[&str; 3]> = log["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| ["action", "object", "actor"].map(|member| line[member].as_str().unwrap()))
        .collect();
    let wanted = [
        ["replay.begun", replay, "key"],
        ["refusals.set", "", "operator"],
        ["event_settings.set", "", "key"],
        ["content.removed", &id, "key"],
        ["content.changed", &id, "key"],
        ["content.made", &id, "key"],
    ];
    assert_eq!(lines, wanted);
    house.close().await;
}
