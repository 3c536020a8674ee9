//! Signing in at a provider, and every way in which it must not work.

use reqwest::{RequestBuilder, Response};
use transom_store::{Action, Actor, UserRole, UserRoles, Users as _};

use super::provider::{Mood, Signed, TestProvider};
use super::*;
use crate::config::{RoleMap, Setting as _};
use crate::seal::KEY_FILE;
use crate::service::{FirstPassword, NewUser, Where};

/// What browsers know every gateway by: what spreads calls over replicas has one name.
const ADDRESS: &str = "localhost:8080";

/// A browser: it keeps cookies and follows nothing.
struct Browser<'a> {
    /// The replica that answers it now.
    house: &'a House,
    client: Client,
    cookies: Vec<String>,
}

impl<'a> Browser<'a> {
    fn new(house: &'a House) -> Self {
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { house, client, cookies: Vec::new() }
    }

    async fn get(&mut self, path: &str) -> Response {
        let request: RequestBuilder = self.client.get(format!("{}{path}", self.house.base)).header("host", ADDRESS);
        let response = request.header("cookie", self.cookies.join("; ")).send().await.unwrap();
        for cookie in response.headers().get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            assert!(cookie.contains("; HttpOnly; SameSite="), "{cookie}");
            let (pair, name) = (cookie.split(';').next().unwrap(), cookie.split('=').next().unwrap());
            self.cookies.retain(|kept| !kept.starts_with(&format!("{name}=")));
            if !pair.ends_with('=') {
                self.cookies.push(pair.to_owned());
            }
        }
        response
    }

    /// Leaves for the provider.
    async fn leaves(&mut self) -> String {
        let response = self.get("/console/auth/oidc?to=/console/conversations?x=1").await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        assert_eq!(response.headers()["cache-control"], "no-store");
        location(&response)
    }

    /// Comes back with a query; where it is sent then.
    async fn comes_back(&mut self, query: &str) -> String {
        let response = self.get(&format!("/console/auth/oidc/callback?{query}")).await;
        assert_eq!(
            (response.status(), &response.headers()["referrer-policy"]),
            (StatusCode::SEE_OTHER, &"no-referrer".parse().unwrap())
        );
        location(&response)
    }

    /// The whole way.
    async fn signs_in(&mut self, provider: &TestProvider) -> String {
        let departure = self.leaves().await;
        self.comes_back(&provider.signs_in(&departure)).await
    }

    async fn session(&mut self) -> Value {
        self.get("/console/api/session").await.json().await.unwrap()
    }

    /// Why it was not let in, which is told once.
    async fn why(&mut self) -> String {
        let session = self.session().await;
        assert_eq!((&session["signedIn"], &session["ways"]["oidc"]), (&json!(false), &json!(true)), "{session}");
        assert_eq!(self.session().await["why"], Value::Null);
        session["why"].as_str().unwrap_or_else(|| panic!("{session}")).to_owned()
    }
}

fn location(response: &Response) -> String {
    response.headers()["location"].to_str().unwrap().to_owned()
}

impl House {
    async fn knows(&self, email: &str) {
        self.knows_as(email, (Where::Business(business(1)), UserRole::Agent)).await;
    }

    async fn knows_as(&self, email: &str, role: (Where, UserRole)) {
        let new = NewUser { email: email.into(), name: String::new(), role, password: FirstPassword::None };
        self.gateway.service().add_user(Actor::Operator, new).await.unwrap();
    }
}

#[tokio::test]
async fn who_is_known_by_address_signs_in_and_is_bound_to_the_provider_s_name_for_them() {
    let provider = TestProvider::start().await;
    let house = provider.house(|_| ()).await;
    house.knows("ana@shop.example").await;
    let mut ana = Browser::new(&house);
    assert_eq!(ana.session().await["ways"], json!({ "password": true, "oidc": true }));
    assert_eq!(ana.signs_in(&provider).await, "/console/conversations?x=1");
    let session = ana.session().await;
    assert_eq!((&session["signedIn"], &session["user"]["email"]), (&json!(true), &json!("ana@shop.example")));
    assert_eq!(session["businesses"][0]["role"], "agent");
    assert_eq!(ana.cookies.len(), 1, "what was kept of the way there is gone");
    assert_eq!(ana.get(&format!("/v1/businesses/{}/senders", business(1))).await.status(), StatusCode::OK);
    // From now on the address means nothing: neither that it changed, nor that somebody else has it.
    provider.mood().token = json!({ "email": "ana@new.example" });
    assert_eq!(Browser::new(&house).signs_in(&provider).await, "/console/conversations?x=1");
    provider.mood().token = json!({ "sub": "subject-2" });
    let mut thief = Browser::new(&house);
    assert_eq!(thief.signs_in(&provider).await, "/console/");
    assert!(thief.why().await.contains("another account"));
    // Unless the operator lets go of it: then everybody is signed out, and the next one is bound.
    house.gateway.service().unlink_user("ana@shop.example").await.unwrap();
    assert_eq!(ana.session().await["signedIn"], json!(false));
    assert_eq!(thief.signs_in(&provider).await, "/console/conversations?x=1");
    let page = transom_store::Page { size: 9, token: None };
    let log = house.gateway.service().store.audit(business(1), transom_store::AuditFilter::default(), page).await.unwrap().0;
    // Bound, let go of, bound; newest first.
    let who: Vec<_> = log.iter().filter(|line| line.action == Action::UserChanged).map(|line| line.actor).collect();
    let user = house.store.users().await.unwrap()[0].id;
    assert_eq!(who, [Actor::User(user), Actor::Operator, Actor::User(user)]);
    // It was asked once what it is, for all of them.
    assert_eq!(provider.described(), 1);
    house.close().await;
}

#[tokio::test]
async fn nobody_comes_in_on_a_word_that_is_not_the_provider_s_for_this_sign_in() {
    let provider = TestProvider::start().await;
    let house = provider.house(|_| ()).await;
    house.knows("ana@shop.example").await;
    let lies = [
        ("another sign-in's", Mood { token: json!({ "nonce": "another" }), ..Mood::default() }),
        ("none's", Mood { token: json!({ "nonce": null }), ..Mood::default() }),
        ("another client's", Mood { token: json!({ "aud": "another" }), ..Mood::default() }),
        ("ours and another's", Mood { token: json!({ "aud": ["transom", "another"] }), ..Mood::default() }),
        ("another issuer's", Mood { token: json!({ "iss": "https://evil.example" }), ..Mood::default() }),
        ("over", Mood { token: json!({ "exp": 1_700_000_000 }), ..Mood::default() }),
        ("without end", Mood { token: json!({ "exp": null }), ..Mood::default() }),
        ("of another access token", Mood { token: json!({ "at_hash": "AAAAAAAAAAAAAAAAAAAAAA" }), ..Mood::default() }),
        ("not signed", Mood { signed: Signed::Not, ..Mood::default() }),
        ("signed with what both know", Mood { signed: Signed::WithTheClientsSecret, ..Mood::default() }),
        ("signed with another key", Mood { signed: Signed::WithAnotherKey, ..Mood::default() }),
        ("not there", Mood { leaves_out_the_token: true, ..Mood::default() }),
        (
            "about somebody else",
            Mood {
                token: json!({ "email": null }),
                info: json!({ "sub": "other", "email": "ana@shop.example", "email_verified": true }),
                ..Mood::default()
            },
        ),
    ];
    for (name, mood) in lies {
        *provider.mood() = mood;
        let mut browser = Browser::new(&house);
        assert_eq!(browser.signs_in(&provider).await, "/console/", "{name}");
        let why = browser.why().await;
        assert!(why.contains("could not be verified") || why.contains("as it should"), "{name}: {why}");
    }
    // True, and still nobody: the address is not known to be theirs, or nobody has it.
    for token in [json!({ "email_verified": false }), json!({ "email_verified": null }), json!({ "email": "bo@shop.example" })] {
        *provider.mood() = Mood { token, info: json!({ "sub": "subject-1" }), ..Mood::default() };
        let mut browser = Browser::new(&house);
        assert_eq!(browser.signs_in(&provider).await, "/console/");
        assert!(browser.why().await.contains("no account here yet"));
    }
    *provider.mood() = Mood::default();
    assert_eq!(house.store.users().await.unwrap()[0].external, None);
    house.close().await;
}

#[tokio::test]
async fn what_comes_back_counts_once_in_the_browser_that_left_and_in_time() {
    let provider = TestProvider::start().await;
    let house = provider.house(|_| ()).await;
    house.knows("ana@shop.example").await;
    let stale = |why: String| assert!(why.contains("Begin again"), "{why}");
    // A link that somebody else made: their code in our browser, with and without a sign-in of our own under way.
    let (mut ours, mut theirs) = (Browser::new(&house), Browser::new(&house));
    let planted = provider.signs_in(&theirs.leaves().await);
    assert_eq!(ours.comes_back(&planted).await, "/console/");
    stale(ours.why().await);
    ours.leaves().await;
    assert_eq!(ours.comes_back(&planted).await, "/console/");
    stale(ours.why().await);
    // Used twice.
    let mut ana = Browser::new(&house);
    let query = provider.signs_in(&ana.leaves().await);
    let kept = ana.cookies.clone();
    assert_eq!(ana.comes_back(&query).await, "/console/conversations?x=1");
    let mut again = Browser::new(&house);
    again.cookies = kept;
    assert_eq!(again.comes_back(&query).await, "/console/");
    stale(again.why().await);
    // Twice in one query, of another provider, without a code, with a code that was never given.
    for change in [
        |query: &str| format!("{query}&state=x"),
        |query: &str| format!("{query}&iss=https://evil.example"),
        |query: &str| query.split_once('&').unwrap().1.to_owned(),
        |query: &str| query.replacen("code=", "code=x", 1),
    ] {
        let mut browser = Browser::new(&house);
        let query = change(&provider.signs_in(&browser.leaves().await));
        assert_eq!(browser.comes_back(&query).await, "/console/", "{query}");
        stale(browser.why().await);
    }
    // Broken off there: the words are ours, whatever the query says.
    for (error, said) in [("access_denied", "broken off"), ("<script>", "(script)")] {
        let mut browser = Browser::new(&house);
        let departure = browser.leaves().await;
        let (_, state) = provider.signs_in(&departure).split_once("state=").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        assert_eq!(browser.comes_back(&format!("error={error}&error_description=evil&state={state}")).await, "/console/");
        let why = browser.why().await;
        assert!(why.contains(said) && !why.contains("evil"), "{why}");
    }
    house.close().await;
}

#[tokio::test]
async fn groups_make_users_and_take_away_what_they_were() {
    let provider = TestProvider::start().await;
    let map = RoleMap::read(&format!("it=owner; support=agent@{}", business(1))).unwrap();
    let house = provider
        .house(|settings| {
            settings.roles = Some(("groups".to_owned(), map));
            settings.domains = vec!["shop.example".to_owned()];
        })
        .await;
    house.knows_as("boss@shop.example", (Where::Everywhere, UserRole::Owner)).await;
    // The token says little; the rest is asked for.
    let info =
        |groups: Value| json!({ "sub": "subject-1", "email": "Ana@Shop.example", "email_verified": true, "groups": groups });
    let less = json!({ "email": null, "email_verified": null });
    *provider.mood() = Mood { token: less.clone(), info: info(json!(["support", "other"])), ..Mood::default() };
    let mut ana = Browser::new(&house);
    assert_eq!(ana.signs_in(&provider).await, "/console/conversations?x=1");
    let businesses = ana.session().await["businesses"].clone();
    assert_eq!(businesses, json!([{ "id": business(1).to_string(), "name": "B1", "role": "agent" }]));
    provider.mood().info = info(json!(["it"]));
    assert_eq!(Browser::new(&house).signs_in(&provider).await, "/console/conversations?x=1");
    // Who is signed in already is more at once.
    assert_eq!(ana.session().await["businesses"].as_array().unwrap().len(), 2);
    provider.mood().info = info(json!([]));
    let mut later = Browser::new(&house);
    assert_eq!(later.signs_in(&provider).await, "/console/");
    assert!(later.why().await.contains("none of your groups"));
    assert_eq!(ana.session().await["signedIn"], json!(false), "signed out everywhere");
    let users = house.store.users().await.unwrap();
    let known = users.iter().find(|user| user.email == "ana@shop.example").unwrap();
    assert_eq!((users.len(), &known.roles, &known.password), (2, &UserRoles::default(), &None));
    // Strangers with a role, but of another domain.
    let other = json!({ "sub": "subject-9", "email": "x@evil.example", "email_verified": true, "groups": ["it"] });
    *provider.mood() = Mood { token: json!({ "sub": "subject-9", "email": null }), info: other, ..Mood::default() };
    let mut stranger = Browser::new(&house);
    assert_eq!(stranger.signs_in(&provider).await, "/console/");
    assert!(stranger.why().await.contains("oidc.domains"));
    house.close().await;
}

#[tokio::test]
async fn groups_leave_a_business_its_last_owner() {
    let provider = TestProvider::start().await;
    let map = RoleMap::read(&format!("shop=owner@{0}; support=agent@{0}", business(1))).unwrap();
    let house = provider.house(|settings| settings.roles = Some(("groups".to_owned(), map))).await;
    let mut ana = Browser::new(&house);
    let role = async |ana: &mut Browser<'_>| ana.session().await["businesses"][0]["role"].as_str().map(str::to_owned);
    for groups in [json!(["shop"]), json!(["support"]), json!([])] {
        provider.mood().token = json!({ "groups": groups });
        assert_eq!(ana.signs_in(&provider).await, "/console/conversations?x=1", "{groups}");
        assert_eq!(role(&mut ana).await.as_deref(), Some("owner"), "{groups}");
    }
    let log = house.get("{b}/audit").await.1;
    let lines: Vec<_> = log["data"].as_array().unwrap().iter().map(|line| line["action"].as_str().unwrap()).collect();
    assert_eq!(lines, ["user.owner_kept", "user.owner_kept", "user.made"], "{log}");
    // Once there is another one, the provider has its way.
    house.knows_as("bo@shop.example", (Where::Business(business(1)), UserRole::Owner)).await;
    provider.mood().token = json!({ "groups": ["support"] });
    assert_eq!(ana.signs_in(&provider).await, "/console/conversations?x=1");
    assert_eq!(role(&mut ana).await.as_deref(), Some("agent"));
    house.close().await;
}

#[tokio::test]
async fn what_a_business_set_for_somebody_opens_nothing_once_they_came_by_the_provider() {
    let provider = TestProvider::start().await;
    let house = provider.house(|settings| settings.roles = Some(("groups".to_owned(), RoleMap::read("it=owner").unwrap()))).await;
    // A business takes in whom it likes, by any address, and is told the password; with it somebody signs in.
    let new = json!({ "email": "ana@shop.example", "role": "viewer" });
    let (status, made) = house.post("{b}/users", &new).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let signs_in = async |password: &Value| {
        let body = json!({ "email": "ana@shop.example", "password": password });
        let request = house.client.post(format!("{}/console/api/session", house.base)).header("origin", &house.base);
        request.json(&body).send().await.unwrap()
    };
    let begun = signs_in(&made["password"]).await;
    assert_eq!(begun.status(), StatusCode::OK);
    let cookie = begun.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let asks = async || {
        let at = format!("{}/v1/businesses/{}/senders", house.base, business(1));
        house.client.get(at).header("cookie", &cookie).send().await.unwrap().status()
    };
    assert_eq!(asks().await, StatusCode::OK);
    // Whose address it is signs in at the provider, who says that they own the house.
    provider.mood().token = json!({ "groups": ["it"] });
    let mut ana = Browser::new(&house);
    assert_eq!(ana.signs_in(&provider).await, "/console/conversations?x=1");
    assert_eq!(ana.session().await["businesses"].as_array().unwrap().len(), 2);
    assert_eq!(asks().await, StatusCode::UNAUTHORIZED, "the session from before goes on");
    assert_eq!(signs_in(&made["password"]).await.status(), StatusCode::UNAUTHORIZED, "the password from before opens");
    // Somebody of the provider's who is, for now, in this business alone gets no password from it either.
    house.knows_as("boss@shop.example", (Where::Everywhere, UserRole::Owner)).await;
    let place = Where::Business(business(1));
    house.gateway.service().set_user_role("ana@shop.example", Where::Everywhere, None).await.unwrap();
    house.gateway.service().set_user_role("ana@shop.example", place, Some(UserRole::Viewer)).await.unwrap();
    let at = format!("{{b}}/users/{}/password", made["id"].as_str().unwrap());
    let refused = house.post(&at, &json!({})).await;
    assert_eq!(code(&refused), "ERROR_CODE_STATE_CONFLICT", "{}", refused.1);
    assert_eq!(ana.session().await["signedIn"], json!(true), "a refusal signs nobody out");
    assert_eq!(house.store.users().await.unwrap()[0].password, None);
    house.close().await;
}

#[tokio::test]
async fn who_left_from_one_replica_comes_back_at_another() {
    let provider = TestProvider::start().await;
    let one = provider.house(|_| ()).await;
    one.knows("ana@shop.example").await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(one.folder.path().join(KEY_FILE), folder.path().join(KEY_FILE)).unwrap();
    let oidc = Some(crate::console::Oidc::new(provider.settings()));
    let two = opened_with(one.store.clone(), folder, ConsoleSettings { oidc, ..ConsoleSettings::default() }).await;
    let mut ana = Browser::new(&one);
    let query = provider.signs_in(&ana.leaves().await);
    let kept = ana.cookies.clone();
    ana.house = &two;
    assert_eq!(ana.comes_back(&query).await, "/console/conversations?x=1");
    for replica in [&one, &two] {
        ana.house = replica;
        assert_eq!(ana.session().await["user"]["email"], "ana@shop.example");
    }
    // What was used at one is used at all of them: the provider takes its code once.
    let mut again = Browser::new(&one);
    again.cookies = kept;
    assert_eq!(again.comes_back(&query).await, "/console/");
    // And a replica tells why another one let nobody in.
    again.house = &two;
    assert!(again.why().await.contains("Begin again"));
    two.close().await;
    one.close().await;
}

#[tokio::test]
async fn a_provider_that_changes_its_keys_or_is_down_is_asked_again() {
    let provider = TestProvider::start().await;
    let house = provider.house(|_| ()).await;
    house.knows("ana@shop.example").await;
    assert_eq!(Browser::new(&house).signs_in(&provider).await, "/console/conversations?x=1");
    provider.changes_its_key();
    assert_eq!(Browser::new(&house).signs_in(&provider).await, "/console/conversations?x=1");
    assert_eq!(provider.described(), 2);
    house.close().await;
    // One that calls itself something else is not believed; one that is down is told in words.
    for mood in
        [Mood { issuer: Some("https://evil.example".to_owned()), ..Mood::default() }, Mood { is_down: true, ..Mood::default() }]
    {
        *provider.mood() = mood;
        let house = provider.house(|_| ()).await;
        let mut browser = Browser::new(&house);
        let response = browser.get("/console/auth/oidc").await;
        assert_eq!((response.status(), location(&response).as_str()), (StatusCode::SEE_OTHER, "/console/"));
        assert!(browser.why().await.contains("cannot be reached"));
        house.close().await;
    }
}

#[tokio::test]
async fn where_no_provider_is_named_and_at_a_desk_there_is_no_such_sign_in() {
    let provider = TestProvider::start().await;
    let house = house().await;
    let mut browser = Browser::new(&house);
    for path in ["/console/auth/oidc", "/console/auth/oidc/callback?code=x&state=y"] {
        assert_eq!(browser.get(path).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
    house.close().await;
    // Without passwords, nobody signs in with one.
    let oidc = Some(crate::console::Oidc::new(provider.settings()));
    let house = house_with(ConsoleSettings { passwords: false, oidc, ..ConsoleSettings::default() }).await;
    assert_eq!(Browser::new(&house).session().await["ways"], json!({ "password": false, "oidc": true }));
    let body = json!({ "email": "ana@shop.example", "password": "correct horse battery" });
    let request = house.client.post(format!("{}/console/api/session", house.base)).header("origin", &house.base).json(&body);
    assert_eq!(read(request).await.0, StatusCode::NOT_FOUND);
    // Nor is one made, for whoever comes or is there.
    let (status, made) = house.post("{b}/users", &json!({ "email": "ana@shop.example", "role": "agent" })).await;
    assert_eq!((status, made.get("password")), (StatusCode::CREATED, None), "{made}");
    assert_eq!(house.store.users().await.unwrap()[0].password, None);
    let at = format!("{{b}}/users/{}/password", made["id"].as_str().unwrap());
    assert_eq!(house.post(&at, &json!({})).await.0, StatusCode::NOT_FOUND);
    assert_eq!(Browser::new(&house).signs_in(&provider).await, "/console/conversations?x=1");
    // Too many that come to nothing from one place wait.
    let mut browser = Browser::new(&house);
    let mut why = String::new();
    for _ in 0..25 {
        browser.comes_back("code=x&state=y").await;
        why = browser.why().await;
    }
    assert!(why.contains("too many"), "{why}");
    house.close().await;
}
