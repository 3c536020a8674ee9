//! Samples for headers: sessions that are interrupted, handles that fit, and how templates show them.

use crate::common::Desk;
use serde_json::{Value, json};

fn with_header(name: &str, format: &str, handle: &str) -> Value {
    json!({ "name": name, "language": "en", "category": "UTILITY", "components": [
        { "type": "HEADER", "format": format, "example": { "header_handle": [handle] } },
        { "type": "BODY", "text": "Your order is ready now." },
    ] })
}

#[tokio::test]
async fn samples_go_up_in_pieces_even_across_a_restart() {
    let desk = Desk::open().await;
    let open = format!("{}/uploads?file_name=a.png&file_length=10&file_type=image/png", desk.id.app_id);
    let session = desk.graph("POST", &open, None).await.body["id"].as_str().unwrap().to_owned();
    assert!(session.starts_with("upload:"));
    assert_eq!(desk.upload(&session, 0, b"01234").await["file_offset"], 5);
    let desk = desk.restarted().await;
    assert_eq!(desk.graph("GET", &session, None).await.body["file_offset"], 5);
    assert_eq!(desk.upload(&session, 7, b"789").await["error"]["code"], 100, "a gap");
    assert_eq!(desk.upload(&session, 5, b"567890").await["error"]["code"], 100, "more than announced");
    let handle = desk.upload(&session, 5, b"56789").await["h"].as_str().unwrap().to_owned();
    assert!(handle.starts_with("4::"), "{handle}");
    let desk = desk.restarted().await;
    let id = desk.filed(&with_header("pictured", "IMAGE", &handle)).await;
    let read = desk.graph("GET", &id, None).await.body;
    let url = read["components"][0]["example"]["header_handle"][0].as_str().unwrap();
    assert_eq!(reqwest::get(url).await.unwrap().bytes().await.unwrap(), &b"0123456789"[..], "{url}");
    assert_eq!(reqwest::get(format!("{url}x")).await.unwrap().status(), 404);
}

#[tokio::test]
async fn what_cannot_be_a_sample_is_refused() {
    let desk = Desk::open().await;
    let open = async |length: u64, mime: &str| {
        let path = format!("{}/uploads?file_length={length}&file_type={mime}", desk.id.app_id);
        desk.graph("POST", &path, None).await
    };
    assert_eq!(open(10, "image/gif").await.code(), Some(100));
    assert_eq!(open(0, "image/png").await.code(), Some(100));
    assert_eq!(open((5 << 20) + 1, "image/png").await.code(), Some(100));
    assert_eq!(open((5 << 20) + 1, "video/mp4").await.status, 200);
    let token = &desk.id.access_token;
    let session = open(3, "image/png").await.body["id"].as_str().unwrap().to_owned();
    let in_query = format!("v24.0/{session}?access_token={token}");
    let url = format!("{}/{in_query}", desk.simulator.graph_url());
    let refused = reqwest::Client::new().post(url).header("file_offset", 0).body("abc").send().await.unwrap();
    assert_eq!(refused.status(), 401, "the token belongs into the header");
    assert_eq!(desk.upload("upload:1.x", 0, b"abc").await["error"]["error_subcode"], 33);
}

#[tokio::test]
async fn a_handle_must_be_there_and_fit_its_header() {
    let desk = Desk::open().await;
    let path = format!("{}/message_templates", desk.id.waba_id);
    let picture = desk.sample("image/jpeg").await;
    for (format, handle) in [("IMAGE", "4::invented"), ("VIDEO", picture.as_str()), ("DOCUMENT", picture.as_str())] {
        let answer = desk.graph("POST", &path, Some(&with_header("a", format, handle))).await;
        let error = &answer.body["error"];
        assert_eq!((error["code"].as_u64(), error["error_subcode"].as_u64()), (Some(131_009), Some(2_494_102)), "{format}");
    }
    assert_eq!(desk.graph("POST", &path, Some(&with_header("a", "IMAGE", &picture))).await.status, 200);
}
