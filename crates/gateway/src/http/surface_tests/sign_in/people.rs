//! The people of a business and the businesses of a house, as owners change them.

use super::*;

impl House {
    /// As somebody of a first password that the API made up.
    async fn seat_with(&self, email: &str, password: &str) -> Seat {
        let response = self.try_in(email, password).await;
        assert_eq!(response.status(), StatusCode::OK);
        let cookie = cookie_of(&response);
        let session: Value = response.json().await.unwrap();
        Seat { cookie, csrf: session["csrf"].as_str().unwrap().to_owned() }
    }
}

fn id(made: &Value) -> String {
    made["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn owners_take_people_in_and_whoever_is_removed_is_out_at_once() {
    let house = house().await;
    house.user("ana@shop.example", Where::Business(business(1)), UserRole::Owner).await;
    let ana = house.seat("ana@shop.example").await;
    let new = json!({ "email": " Bo@Shop.example", "name": "Bo", "role": "agent" });
    let (status, bo) = ana.ask(&house, Method::POST, "{b}/users", Some(&new)).await;
    assert_eq!((status, &bo["email"], &bo["role"]), (StatusCode::CREATED, &json!("bo@shop.example"), &json!("agent")), "{bo}");
    let at = format!("{{b}}/users/{}", id(&bo));
    assert_eq!(code(&ana.ask(&house, Method::POST, "{b}/users", Some(&new)).await), "ERROR_CODE_STATE_CONFLICT");
    let (_, shown) = ana.ask(&house, Method::GET, &at, None).await;
    assert!(shown["password"].is_null() && shown["lastSignInAt"].is_null(), "{shown}");

    let seat = house.seat_with("bo@shop.example", bo["password"].as_str().unwrap()).await;
    assert_eq!(seat.ask(&house, Method::GET, "{b}/senders", None).await.0, StatusCode::OK);
    // An agent speaks with customers, and neither looks at the people nor raises himself.
    for (method, path, body) in [
        (Method::GET, "{b}/users", None),
        (Method::POST, "{b}/users", Some(new.clone())),
        (Method::PATCH, at.as_str(), Some(json!({ "role": "owner" }))),
        (Method::PATCH, "{b}", Some(json!({ "name": "Mine" }))),
        (Method::POST, "/v1/businesses", Some(json!({ "name": "Mine" }))),
    ] {
        let refused = seat.ask(&house, method, path, body.as_ref()).await;
        assert_eq!(code(&refused), "ERROR_CODE_KEY_SCOPE_MISSING", "{path}");
    }
    // What he is made counts at once.
    let (status, raised) = ana.ask(&house, Method::PATCH, &at, Some(&json!({ "role": "viewer", "name": "Bo B." }))).await;
    assert_eq!((status, &raised["role"], &raised["name"]), (StatusCode::OK, &json!("viewer"), &json!("Bo B.")));
    let send = seat.ask(&house, Method::POST, "{b}/send/messages", Some(&text())).await;
    assert_eq!(code(&send), "ERROR_CODE_KEY_SCOPE_MISSING");
    // Another password: he is signed out, and the old one opens nothing.
    let (status, renewed) = ana.ask(&house, Method::POST, &format!("{at}/password"), None).await;
    assert!(status == StatusCode::OK && renewed["password"] != bo["password"], "{renewed}");
    assert_eq!(code(&seat.ask(&house, Method::GET, "{b}/senders", None).await), "ERROR_CODE_SESSION_INVALID");
    assert_eq!(house.try_in("bo@shop.example", bo["password"].as_str().unwrap()).await.status(), StatusCode::UNAUTHORIZED);
    let seat = house.seat_with("bo@shop.example", renewed["password"].as_str().unwrap()).await;
    assert_eq!(ana.ask(&house, Method::DELETE, &at, None).await.0, StatusCode::OK);
    assert_eq!(code(&seat.ask(&house, Method::GET, "{b}/senders", None).await), "ERROR_CODE_SESSION_INVALID");
    assert_eq!(house.try_in("bo@shop.example", renewed["password"].as_str().unwrap()).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(ana.ask(&house, Method::GET, &at, None).await.0, StatusCode::NOT_FOUND);

    // The last owner stays, to herself too.
    let (_, all) = ana.ask(&house, Method::GET, "{b}/users", None).await;
    let own = format!("{{b}}/users/{}", id(&all["data"][0]));
    for (method, body) in [(Method::DELETE, None), (Method::PATCH, Some(json!({ "role": "agent" })))] {
        let refused = ana.ask(&house, method, &own, body.as_ref()).await;
        assert_eq!(code(&refused), "ERROR_CODE_STATE_CONFLICT", "{}", refused.1);
    }
    // Who did it to whom is written down, and found.
    let log = ana.ask(&house, Method::GET, &format!("{{b}}/audit?actor=user&object={}", id(&bo)), None).await.1;
    let lines: Vec<_> = log["data"].as_array().unwrap().iter().map(|line| line["action"].as_str().unwrap()).collect();
    assert_eq!(lines, ["user.removed", "user.changed", "user.changed", "user.changed", "user.made"], "{log}");
    assert!(log["data"].as_array().unwrap().iter().all(|line| line["userId"] == all["data"][0]["id"]));
    house.close().await;
}

#[tokio::test]
async fn an_owner_s_hand_ends_at_their_own_business() {
    let house = house().await;
    house.user("ana@shop.example", Where::Business(business(1)), UserRole::Owner).await;
    house.user("eve@rival.example", Where::Business(business(2)), UserRole::Owner).await;
    house.user("op@house.example", Where::Everywhere, UserRole::Owner).await;
    let (ana, op) = (house.seat("ana@shop.example").await, house.seat("op@house.example").await);
    let eve = json!({ "email": "eve@rival.example", "role": "viewer" });
    // Whoever made her knows her password, perhaps: neither an owner here nor a key of this business lets her in.
    assert_eq!(code(&ana.ask(&house, Method::POST, "{b}/users", Some(&eve)).await), "ERROR_CODE_STATE_CONFLICT");
    assert_eq!(code(&house.post("{b}/users", &eve).await), "ERROR_CODE_STATE_CONFLICT");
    let (status, taken) = op.ask(&house, Method::POST, "{b}/users", Some(&eve)).await;
    assert!(status == StatusCode::CREATED && taken["password"].is_null(), "{taken}");
    let at = format!("{{b}}/users/{}", id(&taken));
    // Now she is in both: what she is here is Ana's to change, her name and her password are not.
    let changed = ana.ask(&house, Method::PATCH, &at, Some(&json!({ "role": "agent" }))).await;
    assert_eq!((changed.0, &changed.1["role"]), (StatusCode::OK, &json!("agent")));
    for (method, path, body) in
        [(Method::PATCH, at.clone(), Some(json!({ "name": "Eva" }))), (Method::POST, format!("{at}/password"), None)]
    {
        let refused = ana.ask(&house, method, &path, body.as_ref()).await;
        assert_eq!(code(&refused), "ERROR_CODE_STATE_CONFLICT", "{path}");
    }
    let seat = house.seat("eve@rival.example").await;
    assert_eq!(ana.ask(&house, Method::DELETE, &at, None).await.0, StatusCode::OK);
    assert_eq!(code(&seat.ask(&house, Method::GET, "{b}/senders", None).await), "ERROR_CODE_NOT_FOUND");
    let own = format!("/v1/businesses/{}/senders", business(2));
    assert_eq!(seat.ask(&house, Method::GET, &own, None).await.0, StatusCode::OK);
    // Whom an operator made somebody everywhere is shown, and not changed here.
    let (_, all) = ana.ask(&house, Method::GET, "{b}/users", None).await;
    let everywhere = all["data"].as_array().unwrap().iter().find(|user| user["everywhere"] == true).unwrap();
    assert_eq!(everywhere["email"], "op@house.example");
    let at = format!("{{b}}/users/{}", id(everywhere));
    for (method, path) in [(Method::DELETE, at.clone()), (Method::POST, format!("{at}/password"))] {
        assert_eq!(code(&ana.ask(&house, method, &path, None).await), "ERROR_CODE_STATE_CONFLICT");
    }
    house.close().await;
}

#[tokio::test]
async fn who_owns_the_house_makes_businesses_and_everybody_sees_their_own() {
    let house = house().await;
    house.user("ana@shop.example", Where::Business(business(1)), UserRole::Owner).await;
    house.user("op@house.example", Where::Everywhere, UserRole::Owner).await;
    let (ana, op) = (house.seat("ana@shop.example").await, house.seat("op@house.example").await);
    // The pages are told, and offer it to nobody else.
    for (seat, may) in [(&ana, false), (&op, true)] {
        assert_eq!(seat.ask(&house, Method::GET, "/console/api/session", None).await.1["makesBusinesses"], json!(may));
    }
    let mine = json!({ "name": " Tea shop " });
    assert_eq!(code(&ana.ask(&house, Method::POST, "/v1/businesses", Some(&mine)).await), "ERROR_CODE_KEY_SCOPE_MISSING");
    assert_eq!(code(&house.post("/v1/businesses", &mine).await), "ERROR_CODE_KEY_SCOPE_MISSING");
    let (status, made) = op.ask(&house, Method::POST, "/v1/businesses", Some(&mine)).await;
    assert_eq!((status, &made["name"]), (StatusCode::CREATED, &json!("Tea shop")), "{made}");
    assert_eq!(op.ask(&house, Method::POST, "/v1/businesses", Some(&json!({ "name": "" }))).await.0, StatusCode::BAD_REQUEST);
    // It can be worked with at once.
    let keys = format!("/v1/businesses/{}/keys", id(&made));
    assert_eq!(op.ask(&house, Method::POST, &keys, Some(&json!({ "label": "first" }))).await.0, StatusCode::CREATED);
    let seen = async |answer: (StatusCode, Value)| answer.1["data"].as_array().unwrap().len();
    assert_eq!(seen(op.ask(&house, Method::GET, "/v1/businesses", None).await).await, 3);
    assert_eq!(seen(ana.ask(&house, Method::GET, "/v1/businesses", None).await).await, 1);
    let (_, own) = house.get("/v1/businesses").await;
    assert_eq!((own["data"].as_array().map(Vec::len), &own["data"][0]["id"]), (Some(1), &json!(business(1).to_string())));
    let theirs = format!("/v1/businesses/{}", id(&made));
    assert_eq!(ana.ask(&house, Method::GET, &theirs, None).await.0, StatusCode::NOT_FOUND);
    let (_, named) = ana.ask(&house, Method::PATCH, "{b}", Some(&json!({ "name": "Shop 1" }))).await;
    assert_eq!(
        (&named["name"], &ana.ask(&house, Method::GET, "{b}", None).await.1["name"]),
        (&json!("Shop 1"), &json!("Shop 1"))
    );
    // A name changes no secret: what is signed goes on fitting.
    let kept = house.store.businesses().await.unwrap();
    let one = kept.iter().find(|one| one.id == business(1)).unwrap();
    assert!(one.previous_webhook_secret.is_none() && one.name == "Shop 1");
    house.close().await;
}

#[tokio::test]
async fn a_rotated_key_works_beside_the_new_one_and_ends() {
    let house = house().await;
    let (_, old) = house.post("{b}/keys", &json!({ "label": "orders", "scopes": ["send"], "expiresInDays": 30 })).await;
    let at = format!("{{b}}/keys/{}/rotate", id(&old));
    let (status, new) = house.post(&at, &json!({})).await;
    assert_eq!((status, &new["replaces"], &new["scopes"]), (StatusCode::CREATED, &old["id"], &json!(["send"])), "{new}");
    for key in [&old, &new] {
        let asked = house.ask(Method::GET, "{b}/senders", key["text"].as_str().unwrap(), None).await;
        assert_eq!(asked.0, StatusCode::OK);
    }
    // Its use is noted, beside the requests.
    let used = async || {
        let keys = house.get("{b}/keys").await.1;
        let key = keys["data"].as_array().unwrap().iter().find(|key| key["id"] == old["id"]).cloned().unwrap();
        key["lastUsedAt"].is_string()
    };
    let noted = async {
        while !used().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), noted).await.unwrap();
    let (status, third) = house.post(&at, &json!({ "overlapHours": 0 })).await;
    assert_eq!(status, StatusCode::CREATED);
    let ended = house.ask(Method::GET, "{b}/senders", old["text"].as_str().unwrap(), None).await;
    assert_eq!(code(&ended), "ERROR_CODE_API_KEY_INVALID");
    assert_eq!(house.ask(Method::GET, "{b}/senders", third["text"].as_str().unwrap(), None).await.0, StatusCode::OK);
    assert_eq!(code(&house.post(&at, &json!({})).await), "ERROR_CODE_STATE_CONFLICT");
    let log = house.get("{b}/audit?action=key.rotated").await.1;
    assert_eq!(log["data"].as_array().map(Vec::len), Some(2), "{log}");
    house.close().await;
}
