//! Signing in to the console, and what each role may do.

mod people;

use reqwest::{RequestBuilder, Response};
use transom_store::{UserRole, Users as _};

use super::*;
use crate::service::{FirstPassword, NewUser, Where};

const PASSWORD: &str = "correct horse battery";

struct Seat {
    cookie: String,
    csrf: String,
}

fn cookie_of(response: &Response) -> String {
    let cookie = response.headers()["set-cookie"].to_str().unwrap();
    assert!(cookie.contains("HttpOnly; SameSite=Strict"), "{cookie}");
    cookie.split(';').next().unwrap().to_owned()
}

impl House {
    async fn user(&self, email: &str, place: Where, role: UserRole) {
        let password = FirstPassword::Chosen(PASSWORD.into());
        let new = NewUser { email: email.into(), name: String::new(), role: (place, role), password };
        self.gateway.service().add_user(transom_store::Actor::Operator, new).await.unwrap();
    }

    fn page(&self, method: Method, path: &str) -> RequestBuilder {
        let path = path.replace("{b}", &format!("/v1/businesses/{}", business(1)));
        self.client.request(method, format!("{}{path}", self.base)).header("origin", &self.base)
    }

    async fn try_in(&self, email: &str, password: &str) -> Response {
        let body = json!({ "email": email, "password": password });
        self.page(Method::POST, "/console/api/session").json(&body).send().await.unwrap()
    }

    async fn seat(&self, email: &str) -> Seat {
        let response = self.try_in(email, PASSWORD).await;
        assert_eq!(response.status(), StatusCode::OK);
        let cookie = cookie_of(&response);
        let session: Value = response.json().await.unwrap();
        assert_eq!((&session["signedIn"], &session["user"]["email"]), (&json!(true), &json!(email)));
        Seat { cookie, csrf: session["csrf"].as_str().unwrap().to_owned() }
    }
}

impl Seat {
    async fn ask(&self, house: &House, method: Method, path: &str, body: Option<&Value>) -> (StatusCode, Value) {
        let request = house.page(method, path).header("cookie", &self.cookie).header("x-transom-csrf", &self.csrf);
        read(match body {
            Some(body) => request.json(body),
            None => request,
        })
        .await
    }
}

#[tokio::test]
async fn nobody_comes_in_without_the_password_and_nobody_learns_who_there_is() {
    let house = house().await;
    house.user("Ana@Shop.example", Where::Everywhere, UserRole::Owner).await;
    let known =
        read(house.page(Method::POST, "/console/api/session").json(&json!({ "email": "ana@shop.example", "password": "x" })))
            .await;
    let unknown =
        read(house.page(Method::POST, "/console/api/session").json(&json!({ "email": "bo@shop.example", "password": "x" })))
            .await;
    assert_eq!((known.0, &known.1["message"]), (StatusCode::UNAUTHORIZED, &unknown.1["message"]));
    // Other pages cannot sign anybody in, not even as themselves.
    for (name, value) in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")] {
        let body = json!({ "email": "ana@shop.example", "password": PASSWORD });
        let request = house.client.post(format!("{}/console/api/session", house.base)).header(name, value).json(&body);
        assert_eq!(code(&read(request).await), "ERROR_CODE_CROSS_SITE");
    }
    let form = house.page(Method::POST, "/console/api/session").header("content-type", "text/plain").body("{}");
    assert_eq!(read(form).await.0, StatusCode::BAD_REQUEST);
    let large = house.page(Method::POST, "/console/api/session").json(&json!({ "email": "x".repeat(5_000), "password": "" }));
    assert_eq!(read(large).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    // In clear, over a name that is not this machine, nothing is taken.
    let clear = house.client.post(format!("{}/console/api/session", house.base)).header("host", "gateway.example.com");
    let body = json!({ "email": "ana@shop.example", "password": PASSWORD });
    let (status, said) = read(clear.header("origin", "http://gateway.example.com").json(&body)).await;
    assert!(status == StatusCode::BAD_REQUEST && said.to_string().contains("TLS"), "{said}");
    // Guessing is soon slow, and the right password too, from the same place.
    for _ in 0..5 {
        house.try_in("ana@shop.example", "wrong wrong wrong").await;
    }
    let slowed = house.try_in("ana@shop.example", PASSWORD).await;
    assert_eq!(slowed.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(slowed.headers().contains_key("retry-after"));
    house.close().await;
}

#[tokio::test]
async fn a_sign_in_has_a_new_token_and_what_was_signed_out_opens_nothing() {
    let house = house().await;
    house.user("ana@shop.example", Where::Business(business(1)), UserRole::Owner).await;
    let first = house.seat("ana@shop.example").await;
    let again = house.seat("ana@shop.example").await;
    assert!(first.cookie != again.cookie && first.csrf != again.csrf);
    // The store has neither token.
    let users = house.store.users().await.unwrap();
    assert!(
        !format!("{users:?}").contains(PASSWORD)
            && users[0].password.as_deref().is_some_and(|kept| kept.starts_with("$argon2id$"))
    );
    for seat in [&first, &again] {
        assert_eq!(seat.ask(&house, Method::GET, "{b}/senders", None).await.0, StatusCode::OK);
    }
    // One's token does not prove the other's page.
    let mixed = Seat { cookie: first.cookie.clone(), csrf: again.csrf.clone() };
    assert_eq!(code(&mixed.ask(&house, Method::PUT, "{b}/retention", Some(&json!({}))).await), "ERROR_CODE_CROSS_SITE");
    assert_eq!(code(&mixed.ask(&house, Method::DELETE, "/console/api/session", None).await), "ERROR_CODE_CROSS_SITE");
    // Signed out here; a copy of the cookie is worth nothing, and the other place goes on.
    assert_eq!(first.ask(&house, Method::DELETE, "/console/api/session", None).await.0, StatusCode::OK);
    assert_eq!(code(&first.ask(&house, Method::GET, "{b}/senders", None).await), "ERROR_CODE_SESSION_INVALID");
    assert_eq!(again.ask(&house, Method::GET, "{b}/senders", None).await.0, StatusCode::OK);
    // Signed in again over an old cookie: that one ends.
    let third = house.seat("ana@shop.example").await;
    let body = json!({ "email": "ana@shop.example", "password": PASSWORD });
    let over = house.page(Method::POST, "/console/api/session").header("cookie", &third.cookie).json(&body).send().await.unwrap();
    let fourth = cookie_of(&over);
    assert_ne!(fourth, third.cookie);
    assert_eq!(code(&third.ask(&house, Method::GET, "{b}/senders", None).await), "ERROR_CODE_SESSION_INVALID");
    // Everywhere.
    assert_eq!(again.ask(&house, Method::DELETE, "/console/api/sessions", None).await.0, StatusCode::OK);
    assert_eq!(code(&again.ask(&house, Method::GET, "{b}/senders", None).await), "ERROR_CODE_SESSION_INVALID");
    let fifth = house.seat("ana@shop.example").await;
    let change = json!({ "old": PASSWORD, "new": "another horse battery" });
    assert_eq!(fifth.ask(&house, Method::PUT, "/console/api/password", Some(&change)).await.0, StatusCode::OK);
    assert_eq!(code(&fifth.ask(&house, Method::GET, "{b}/senders", None).await), "ERROR_CODE_SESSION_INVALID");
    assert_eq!(house.try_in("ana@shop.example", PASSWORD).await.status(), StatusCode::UNAUTHORIZED);
    house.close().await;
}

#[tokio::test]
async fn each_role_may_do_what_it_is_for_and_is_named_in_the_audit_log() {
    let house = house().await;
    house.user("owner@shop.example", Where::Everywhere, UserRole::Owner).await;
    house.user("agent@shop.example", Where::Business(business(1)), UserRole::Agent).await;
    house.user("viewer@shop.example", Where::Business(business(1)), UserRole::Viewer).await;
    house.user("stranger@shop.example", Where::Business(business(2)), UserRole::Owner).await;
    let (owner, agent, viewer, stranger) = (
        house.seat("owner@shop.example").await,
        house.seat("agent@shop.example").await,
        house.seat("viewer@shop.example").await,
        house.seat("stranger@shop.example").await,
    );
    let message = text();
    let looks = ["{b}/senders", "{b}/messages", "{b}/templates", "{b}/contents", "{b}/endpoints", "{b}/events", "{b}/customers"];
    for path in looks {
        for seat in [&owner, &agent, &viewer] {
            assert_eq!(seat.ask(&house, Method::GET, path, None).await.0, StatusCode::OK, "{path}");
        }
        assert_eq!(stranger.ask(&house, Method::GET, path, None).await.0, StatusCode::NOT_FOUND, "{path}");
    }
    // Sending, content, settings: how many of the three seats may.
    let changes = [
        (Method::POST, "{b}/send/messages", &message, 2),
        (Method::POST, "{b}/endpoints", &json!({}), 1),
        (Method::PUT, "{b}/keywords", &json!({}), 1),
    ];
    for (method, path, body, may) in changes {
        for (at, seat) in [&owner, &agent, &viewer].into_iter().enumerate() {
            let answer = seat.ask(&house, method.clone(), path, Some(body)).await;
            assert_eq!(code(&answer) != "ERROR_CODE_KEY_SCOPE_MISSING", at < may, "{path} by seat {at}: {}", answer.1);
        }
    }
    for seat in [&agent, &viewer] {
        assert_eq!(code(&seat.ask(&house, Method::GET, "{b}/audit", None).await), "ERROR_CODE_KEY_SCOPE_MISSING");
    }
    // A role that is taken away is gone at once, and given back without a sign-in.
    let service = house.gateway.service().clone();
    let place = Where::Business(business(1));
    service.set_user_role("agent@shop.example", place, None).await.unwrap();
    assert_eq!(agent.ask(&house, Method::GET, "{b}/senders", None).await.0, StatusCode::NOT_FOUND);
    service.set_user_role("agent@shop.example", place, Some(UserRole::Owner)).await.unwrap();
    assert_eq!(agent.ask(&house, Method::PUT, "{b}/keywords", Some(&json!({}))).await.0, StatusCode::OK);
    let (_, log) = agent.ask(&house, Method::GET, "{b}/audit", None).await;
    let user = service.users().await.unwrap().into_iter().find(|user| user.email == "agent@shop.example").unwrap();
    let line = log["data"].as_array().unwrap().iter().find(|line| line["action"] == "keywords.set").unwrap();
    assert_eq!((&line["actor"], &line["userId"]), (&json!("user"), &json!(user.id.to_string())), "{log}");
    service.remove_user("agent@shop.example").await.unwrap();
    assert_eq!(code(&agent.ask(&house, Method::GET, "{b}/senders", None).await), "ERROR_CODE_SESSION_INVALID");
    house.close().await;
}
