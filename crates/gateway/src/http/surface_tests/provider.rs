//! An OpenID Connect provider that signs for real, and lies on request.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};
use std::time::SystemTime;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode as Status};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use url::Url;

use super::*;
use crate::console::{CALLBACK_PATH, Oidc, OidcSettings};
use crate::wire::Http;

pub(super) const CLIENT: &str = "transom";
pub(super) const CLIENT_SECRET: &str = "a secret of the client's";
const ACCESS_TOKEN: &str = "access-token";

/// How an ID token is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signed {
    Rightly,
    Not,
    WithTheClientsSecret,
    WithAnotherKey,
}

/// How it behaves.
pub(super) struct Mood {
    /// Members of the ID token that differ; null leaves one out.
    pub(super) token: Value,
    /// What it tells on being asked for more; null for what is in the token too.
    pub(super) info: Value,
    pub(super) signed: Signed,
    /// What it calls itself in its description.
    pub(super) issuer: Option<String>,
    pub(super) is_down: bool,
    pub(super) leaves_out_the_token: bool,
}

impl Default for Mood {
    fn default() -> Self {
        Self {
            token: json!({}),
            info: Value::Null,
            signed: Signed::Rightly,
            issuer: None,
            is_down: false,
            leaves_out_the_token: false,
        }
    }
}

struct Asked {
    nonce: String,
    challenge: String,
}

struct Inner {
    address: String,
    mood: Mutex<Mood>,
    /// The key in force, and its name.
    key: Mutex<(EcdsaKeyPair, String)>,
    codes: Mutex<BTreeMap<String, Asked>>,
    described: Mutex<usize>,
}

#[derive(Clone)]
pub(super) struct TestProvider(Arc<Inner>);

fn fresh() -> EcdsaKeyPair {
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref()).unwrap()
}

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl TestProvider {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let provider = Self(Arc::new(Inner {
            address,
            mood: Mutex::default(),
            key: Mutex::new((fresh(), "key-1".to_owned())),
            codes: Mutex::default(),
            described: Mutex::default(),
        }));
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(describe))
            .route("/keys", get(keys))
            .route("/token", post(token))
            .route("/info", get(info))
            .with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        provider
    }

    pub(super) fn mood(&self) -> MutexGuard<'_, Mood> {
        self.0.mood.lock().unwrap()
    }

    /// How often it was asked what it is.
    pub(super) fn described(&self) -> usize {
        *self.0.described.lock().unwrap()
    }

    pub(super) fn changes_its_key(&self) {
        *self.0.key.lock().unwrap() = (fresh(), "key-2".to_owned());
    }

    pub(super) fn settings(&self) -> OidcSettings {
        OidcSettings {
            issuer: self.0.address.clone(),
            client_id: CLIENT.to_owned(),
            client_secret: Some(CLIENT_SECRET.to_owned()),
            scopes: vec!["email".to_owned(), "profile".to_owned()],
            name_claim: "name".to_owned(),
            trust_email: false,
            domains: Vec::new(),
            roles: None,
            callback: format!("https://gateway.example{CALLBACK_PATH}"),
            wire: Arc::new(Http::upstream(&self.0.address, Duration::from_secs(5)).unwrap()),
        }
    }

    pub(super) async fn house(&self, change: impl FnOnce(&mut OidcSettings)) -> House {
        let mut settings = self.settings();
        change(&mut settings);
        house_with(ConsoleSettings { oidc: Some(Oidc::new(settings)), ..ConsoleSettings::default() }).await
    }

    /// Somebody signs in at it: the query with which it sends them back.
    pub(super) fn signs_in(&self, departure: &str) -> String {
        let url = Url::parse(departure).unwrap();
        assert!(departure.starts_with(&format!("{}/authorize?", self.0.address)), "{departure}");
        let asked: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
        assert_eq!((asked["response_type"].as_str(), asked["client_id"].as_str()), ("code", CLIENT));
        assert_eq!(asked["redirect_uri"], format!("https://gateway.example{CALLBACK_PATH}"));
        assert_eq!((asked["code_challenge_method"].as_str(), asked["scope"].as_str()), ("S256", "openid email profile"));
        let code = encoded(Sha256::digest(asked["state"].as_bytes()));
        let kept = Asked { nonce: asked["nonce"].clone(), challenge: asked["code_challenge"].clone() };
        self.0.codes.lock().unwrap().insert(code.clone(), kept);
        format!("code={code}&state={}", asked["state"])
    }

    fn id_token(&self, nonce: &str) -> String {
        let mood = self.mood();
        let key = self.0.key.lock().unwrap();
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        let mut claims = json!({
            "iss": self.0.address, "aud": CLIENT, "sub": "subject-1", "iat": now, "exp": now + 300, "nonce": nonce,
            "at_hash": encoded(&Sha256::digest(ACCESS_TOKEN.as_bytes())[..16]),
            "email": "ana@shop.example", "email_verified": true, "name": "Ana",
        });
        for (name, value) in mood.token.as_object().unwrap() {
            match value {
                Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
                value => claims[name] = value.clone(),
            }
        }
        let algorithm = match mood.signed {
            Signed::Not => "none",
            Signed::WithTheClientsSecret => "HS256",
            Signed::Rightly | Signed::WithAnotherKey => "ES256",
        };
        let header = json!({ "alg": algorithm, "typ": "JWT", "kid": key.1 });
        let text = format!("{}.{}", encoded(header.to_string()), encoded(claims.to_string()));
        let by = |key: &EcdsaKeyPair| encoded(key.sign(&SystemRandom::new(), text.as_bytes()).unwrap());
        let signature = match mood.signed {
            Signed::Rightly => by(&key.0),
            Signed::WithAnotherKey => by(&fresh()),
            Signed::Not => String::new(),
            Signed::WithTheClientsSecret => {
                let mut mac = Hmac::<Sha256>::new_from_slice(CLIENT_SECRET.as_bytes()).unwrap();
                mac.update(text.as_bytes());
                encoded(mac.finalize().into_bytes())
            }
        };
        format!("{text}.{signature}")
    }
}

async fn describe(State(provider): State<TestProvider>) -> axum::response::Response {
    *provider.0.described.lock().unwrap() += 1;
    let mood = provider.mood();
    if mood.is_down {
        return Status::SERVICE_UNAVAILABLE.into_response();
    }
    let at = &provider.0.address;
    Json(json!({
        "issuer": mood.issuer.as_ref().unwrap_or(at), "authorization_endpoint": format!("{at}/authorize"),
        "token_endpoint": format!("{at}/token"), "userinfo_endpoint": format!("{at}/info"), "jwks_uri": format!("{at}/keys"),
        "response_types_supported": ["code"], "subject_types_supported": ["public"],
        // As a provider that would take anything says: what counts is what we take.
        "id_token_signing_alg_values_supported": ["ES256", "HS256", "none"],
    }))
    .into_response()
}

async fn keys(State(provider): State<TestProvider>) -> Json<Value> {
    let key = provider.0.key.lock().unwrap();
    // Uncompressed: 04, x, y.
    let (x, y) = key.0.public_key().as_ref()[1..].split_at(32);
    Json(json!({ "keys": [{
        "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": key.1, "x": encoded(x), "y": encoded(y),
    }] }))
}

async fn token(
    State(provider): State<TestProvider>,
    headers: HeaderMap,
    Form(form): Form<BTreeMap<String, String>>,
) -> axum::response::Response {
    let secret = CLIENT_SECRET.replace(' ', "+").replace('\'', "%27");
    let wanted = format!("Basic {}", STANDARD.encode(format!("{CLIENT}:{secret}")));
    let refuse =
        |error: &str| (Status::BAD_REQUEST, Json(json!({ "error": error, "error_description": "<b>no</b>" }))).into_response();
    if headers.get("authorization").is_none_or(|given| *given != wanted) {
        return refuse("invalid_client");
    }
    // Each code once.
    let Some(asked) = provider.0.codes.lock().unwrap().remove(&form["code"]) else { return refuse("invalid_grant") };
    if encoded(Sha256::digest(form["code_verifier"].as_bytes())) != asked.challenge || form["grant_type"] != "authorization_code"
    {
        return refuse("invalid_grant");
    }
    let mut answer = json!({ "access_token": ACCESS_TOKEN, "token_type": "Bearer", "expires_in": 300 });
    if !provider.mood().leaves_out_the_token {
        answer["id_token"] = json!(provider.id_token(&asked.nonce));
    }
    Json(answer).into_response()
}

async fn info(State(provider): State<TestProvider>, headers: HeaderMap) -> axum::response::Response {
    if headers.get("authorization").is_none_or(|given| given != &format!("Bearer {ACCESS_TOKEN}")) {
        return Status::UNAUTHORIZED.into_response();
    }
    Json(provider.mood().info.clone()).into_response()
}
