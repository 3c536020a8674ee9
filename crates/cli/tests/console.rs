//! Who may use the console, from the first owner of an empty folder on.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

use common::{Running, at, json as answered, said};

/// A browser: its cookie, and the token of its page.
struct Seat {
    cookie: String,
    csrf: String,
}

async fn sign_in(client: &Client, base: &str, email: &str, password: &str) -> Result<Seat, StatusCode> {
    let ask = client.post(format!("{base}/console/api/session")).header("origin", base);
    let answer = ask.json(&json!({ "email": email, "password": password })).send().await.unwrap();
    if !answer.status().is_success() {
        return Err(answer.status());
    }
    let cookie = answer.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let session: Value = answer.json().await.unwrap();
    Ok(Seat { cookie, csrf: session["csrf"].as_str().unwrap().to_owned() })
}

#[tokio::test]
async fn the_first_owner_of_an_empty_folder_signs_in_and_what_an_operator_takes_away_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store");
    let made = answered(&mut at(&store, &["user", "add", "Ana@shop.example", "--name", "Ana", "--json"]));
    let password = made["password"].as_str().unwrap().to_owned();
    assert_eq!((&made["user"]["email"], &made["user"]["everywhere"]), (&json!("ana@shop.example"), &json!("owner")));
    let business =
        answered(&mut at(&store, &["business", "add", "--name", "Tea shop", "--json"]))["id"].as_str().unwrap().to_owned();
    let mut gateway = Running::start(&mut at(&store, &["serve", "--listen", "127.0.0.1:0", "--set", "log.level=error"]));
    let base = gateway.until("ready ").trim().trim_start_matches("ready ").to_owned();
    let client = Client::builder().no_proxy().build().unwrap();
    let page = client.get(format!("{base}/console")).send().await.unwrap();
    assert!(page.status().is_success() && page.headers().contains_key("content-security-policy"));

    assert_eq!(sign_in(&client, &base, "ana@shop.example", "not the password").await.err(), Some(StatusCode::UNAUTHORIZED));
    let seat = sign_in(&client, &base, "ana@shop.example", &password).await.unwrap();
    let looks = async |seat: &Seat| {
        let ask = client.get(format!("{base}/v1/businesses/{business}/senders")).header("cookie", &seat.cookie);
        ask.send().await.unwrap().status().as_u16()
    };
    assert_eq!(looks(&seat).await, 200);
    // A key is made in the console as it is on the command line.
    let ask = client.post(format!("{base}/v1/businesses/{business}/keys")).header("cookie", &seat.cookie);
    let key =
        ask.header("origin", &base).header("x-transom-csrf", &seat.csrf).json(&json!({ "label": "orders", "scopes": ["read"] }));
    let key: Value = key.send().await.unwrap().json().await.unwrap();
    let listed = answered(&mut at(&store, &["key", "list", "--json"]));
    assert_eq!((&listed["data"][0]["id"], &listed["data"][0]["scopes"]), (&key["id"], &json!(["read"])));
    let with_key = async |path: &str| {
        let ask = client.get(format!("{base}/v1/businesses/{business}{path}")).header("x-api-key", key["text"].as_str().unwrap());
        ask.send().await.unwrap().status().as_u16()
    };
    assert_eq!((with_key("/conversations").await, with_key("/audit").await), (200, 403));

    // Through the server's door, and counted at once.
    answered(&mut at(&store, &["user", "role", "ana@shop.example", "none", "--json"]));
    assert_eq!(looks(&seat).await, 404);
    answered(&mut at(&store, &["user", "role", "ana@shop.example", "viewer", "--business", &business, "--json"]));
    assert_eq!(looks(&seat).await, 200);
    let users = answered(&mut at(&store, &["user", "list", "--json"]));
    assert_eq!(users["data"][0]["roles"], json!([{ "business": business, "role": "viewer" }]));
    assert!(users["data"][0]["signedInAt"].is_string());
    let file = dir.path().join("password");
    std::fs::write(&file, "short\n").unwrap();
    let file = file.to_str().unwrap();
    let (code, why) = said(&mut at(&store, &["user", "password", "ana@shop.example", "--password-file", file]));
    assert!(code == Some(1) && why.contains("12 characters"), "{why}");
    std::fs::write(file, "a sentence that is long\n").unwrap();
    answered(&mut at(&store, &["user", "password", "ana@shop.example", "--password-file", file, "--json"]));
    assert_eq!(looks(&seat).await, 401);
    let seat = sign_in(&client, &base, "ana@shop.example", "a sentence that is long").await.unwrap();
    answered(&mut at(&store, &["user", "sign-out", "ana@shop.example", "--json"]));
    assert_eq!(looks(&seat).await, 401);
    answered(&mut at(&store, &["user", "remove", "ana@shop.example", "--json"]));
    let (code, why) = said(&mut at(&store, &["user", "remove", "ana@shop.example"]));
    assert!(code == Some(1) && why.contains("transom user list"), "{why}");
    assert!(gateway.terminate());
}
