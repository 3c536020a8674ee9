//! The console over loopback: its headers, its cookie, and whom it is closed to.

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, Uri};
use axum::response::IntoResponse as _;
use reqwest::RequestBuilder;

use super::*;

/// A simulator that says what it was asked.
async fn mirror() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let said = |method: axum::http::Method, uri: Uri, headers: HeaderMap, body: Bytes| async move {
        let names: Vec<String> = headers.keys().map(ToString::to_string).collect();
        let said = json!({ "method": method.as_str(), "uri": uri.to_string(), "headers": names, "body": String::from_utf8_lossy(&body) });
        let headers = [("content-type", "text/html"), ("set-cookie", "stolen=1"), ("x-more", "1")];
        (axum::http::StatusCode::IM_A_TEAPOT, headers, said.to_string()).into_response()
    };
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(said)).await });
    address
}

async fn desk() -> House {
    house_with(ConsoleSettings { simulator: Some(mirror().await), ..ConsoleSettings::default() }).await
}

/// A browser at a desk: its cookie, and the token that its page knows.
struct Browser {
    cookie: String,
    csrf: String,
}

impl House {
    fn at(&self, method: Method, path: &str) -> RequestBuilder {
        let path = path.replace("{b}", &format!("/v1/businesses/{}", business(1)));
        self.client.request(method, format!("{}{path}", self.base))
    }

    async fn browser(&self) -> Browser {
        let response = self.at(Method::GET, "/console/api/session").send().await.unwrap();
        assert_eq!(response.headers()["cache-control"], "no-store");
        let cookie = response.headers()["set-cookie"].to_str().unwrap();
        assert!(cookie.contains("; HttpOnly; SameSite=Strict"), "{cookie}");
        let cookie = cookie.split(';').next().unwrap().to_owned();
        let session: Value = response.json().await.unwrap();
        assert_eq!((session["signedIn"].as_bool(), session["dev"].as_bool()), (Some(true), Some(true)));
        let businesses = session["businesses"].as_array().unwrap();
        assert_eq!((businesses.len(), &businesses[0]["role"]), (2, &json!("owner")));
        Browser { cookie, csrf: session["csrf"].as_str().unwrap().to_owned() }
    }
}

impl Browser {
    fn asks(&self, house: &House, method: Method, path: &str) -> RequestBuilder {
        house.at(method, path).header("cookie", &self.cookie)
    }

    /// As the console's own page does.
    fn changes(&self, house: &House, method: Method, path: &str) -> RequestBuilder {
        self.asks(house, method, path).header("x-transom-csrf", &self.csrf).header("sec-fetch-site", "same-origin")
    }
}

#[tokio::test]
async fn the_pages_have_their_headers_and_only_lead_inside() {
    let house = house().await;
    for path in ["/console", "/console/", "/console/conversations/01", "/console/phone.html"] {
        let response = house.at(Method::GET, path).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        let headers = response.headers().clone();
        assert_eq!(headers["content-type"], "text/html; charset=utf-8");
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("script-src 'self'") && policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"));
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cache-control", "no-cache"),
        ] {
            assert_eq!(headers[name], value, "{path}");
        }
        let again = house.at(Method::GET, path).header("if-none-match", headers["etag"].clone()).send().await.unwrap();
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    }
    for path in ["/console/assets/old-1a2b.js", "/console/api/nothing", "/console/sim/state"] {
        let (status, _) = read(house.at(Method::GET, path)).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
    }
    let session: Value = house.at(Method::GET, "/console/api/session").send().await.unwrap().json().await.unwrap();
    assert_eq!((&session["signedIn"], &session["dev"], &session["csrf"]), (&json!(false), &json!(false), &Value::Null));
    house.close().await;
}

#[tokio::test]
async fn a_desk_opens_for_who_sits_at_it_and_for_nobody_else() {
    let house = desk().await;
    let browser = house.browser().await;
    let senders = browser.asks(&house, Method::GET, "{b}/senders");
    let (status, body) = read(senders).await;
    assert_eq!((status, body["data"].as_array().map(Vec::len)), (StatusCode::OK, Some(1)), "{body}");
    // Without a cookie a desk is as closed as any gateway.
    assert_eq!(code(&read(house.at(Method::GET, "{b}/senders")).await), "ERROR_CODE_API_KEY_INVALID");
    // A page of another name that was led here (DNS rebinding), with whatever it can know.
    for (name, value) in [("host", "evil.example"), ("x-forwarded-for", "10.0.0.1")] {
        let asked = read(browser.asks(&house, Method::GET, "{b}/senders").header(name, value)).await;
        assert_ne!(asked.0, StatusCode::OK, "{name}");
        let session = house.at(Method::GET, "/console/api/session").header(name, value).send().await.unwrap();
        assert!(!session.headers().contains_key("set-cookie"), "{name}");
        let session: Value = session.json().await.unwrap();
        assert_eq!((&session["signedIn"], &session["csrf"]), (&json!(false), &Value::Null), "{name}");
        assert!(session["why"].is_string());
    }
    // Another site's page learns nothing, not even whether somebody is here.
    for (name, value) in [("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site"), ("origin", "https://evil.example")] {
        let session = read(house.at(Method::GET, "/console/api/session").header(name, value)).await;
        assert_eq!(code(&session), "ERROR_CODE_CROSS_SITE", "{name}: {value}");
    }
    let made_up = "0".repeat(64);
    let (name, _) = browser.cookie.split_once('=').unwrap();
    let guessed = house.at(Method::GET, "{b}/senders").header("cookie", format!("{name}={made_up}"));
    assert_eq!(code(&read(guessed).await), "ERROR_CODE_SESSION_INVALID");
    let elsewhere = format!("/v1/businesses/{}/senders", business(77));
    assert_eq!(code(&read(browser.asks(&house, Method::GET, &elsewhere)).await), "ERROR_CODE_NOT_FOUND");
    house.close().await;
}

#[tokio::test]
async fn what_changes_something_needs_the_token_and_our_own_page() {
    let house = desk().await;
    let browser = house.browser().await;
    let send = || browser.asks(&house, Method::POST, "{b}/send/messages").body(text().to_string());
    let origin = house.base.clone();
    let refused = [
        ("no token", send().header("sec-fetch-site", "same-origin")),
        ("another token", send().header("sec-fetch-site", "same-origin").header("x-transom-csrf", "0".repeat(64))),
        ("nobody says whose page", send().header("x-transom-csrf", &browser.csrf)),
        ("another site", send().header("x-transom-csrf", &browser.csrf).header("sec-fetch-site", "cross-site")),
        ("another origin", send().header("x-transom-csrf", &browser.csrf).header("origin", "http://evil.example")),
        ("another port", send().header("x-transom-csrf", &browser.csrf).header("origin", "http://127.0.0.1:1")),
    ];
    for (what, request) in refused {
        assert_eq!(code(&read(request).await), "ERROR_CODE_CROSS_SITE", "{what}");
    }
    // Refused for its session, not for who asks.
    for request in [
        browser.changes(&house, Method::POST, "{b}/send/messages").body(text().to_string()),
        send().header("x-transom-csrf", &browser.csrf).header("origin", origin),
    ] {
        assert_ne!(code(&read(request).await), "ERROR_CODE_CROSS_SITE");
    }
    // A key needs none of it, and a wrong key is not made good by a cookie.
    let (status, _) = house.get("{b}/senders").await;
    assert_eq!(status, StatusCode::OK);
    let wrong = browser.changes(&house, Method::GET, "{b}/senders").header("x-api-key", "nobody");
    assert_eq!(code(&read(wrong).await), "ERROR_CODE_API_KEY_INVALID");
    house.close().await;
}

#[tokio::test]
async fn the_simulator_is_reached_through_the_desk_alone() {
    let house = desk().await;
    let browser = house.browser().await;
    let path = "/console/sim/customers/%2B49151/messages?a=%20b";
    assert_eq!(code(&read(house.at(Method::GET, path)).await), "ERROR_CODE_API_KEY_INVALID");
    let forged = browser.asks(&house, Method::POST, path).header("sec-fetch-site", "same-origin");
    assert_eq!(code(&read(forged).await), "ERROR_CODE_CROSS_SITE");
    let asked = browser.changes(&house, Method::POST, path).header("content-type", "application/json").body("{\"n\":1}");
    let response = asked.send().await.unwrap();
    assert_eq!(response.status().as_u16(), 418);
    let headers = response.headers().clone();
    assert!(!headers.contains_key("set-cookie") && !headers.contains_key("x-more"));
    assert_eq!(headers["content-security-policy"], "default-src 'none'; sandbox");
    let said: Value = response.json().await.unwrap();
    assert_eq!(said["uri"], "/sim/v1/customers/%2B49151/messages?a=%20b");
    assert_eq!((&said["method"], &said["body"]), (&json!("POST"), &json!("{\"n\":1}")));
    let passed_on = said["headers"].to_string();
    for secret in ["cookie", "x-transom-csrf", "origin"] {
        assert!(!passed_on.contains(secret), "{passed_on}");
    }
    house.close().await;
}

#[tokio::test]
async fn the_live_stream_goes_by_cookie_too() {
    let house = desk().await;
    let browser = house.browser().await;
    let mut stream = browser.asks(&house, Method::GET, "{b}/events/stream").send().await.unwrap();
    assert_eq!(stream.status(), StatusCode::OK);
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    assert!(stream.chunk().await.unwrap().unwrap().starts_with(b"retry: "));
    drop(stream);
    house.close().await;
}
