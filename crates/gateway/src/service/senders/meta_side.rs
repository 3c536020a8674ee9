//! What Meta says about a number, its account and its token: the calls that `sender add` and the doctor share.

use ::http::{Method, Request};
use bytes::Bytes;
use serde_json::Value;

use transom_meta::graph::{self, DebugToken, PhoneNumber};

use crate::service::Service;
use crate::wire::{Called, Wanted};

/// Pages of an account's numbers that are followed: Meta allows 25 numbers per account, partners have some hundred.
const PAGES_MAX: usize = 20;
/// Longest answer to a handshake that is read: the challenge is 32 characters, whatever is longer is somebody else's page.
const CHALLENGE_MAX: usize = 4_096;

/// What Meta says about a token.
pub(super) enum TokenSaid {
    /// Valid, with these of the needed scopes missing.
    Valid(Vec<&'static str>),
    /// Not valid, or another app's.
    Invalid(String),
    /// It would not say.
    Silent(String),
}

/// An app speaks for itself with its id and its secret.
pub(super) fn own_token(app: &str, secret: &[u8]) -> String {
    format!("{app}|{}", String::from_utf8_lossy(secret))
}

impl Service {
    async fn get(&self, path: &str, token: &str) -> Result<Value, String> {
        self.upstream.call(Method::GET, path, token, None).await.json()
    }

    async fn post(&self, path: &str, token: &str, body: &Value) -> Result<(), String> {
        self.upstream.call(Method::POST, path, token, Some(body)).await.json().map(drop)
    }

    pub(super) async fn number(&self, phone_number_id: &str, token: &str) -> Result<PhoneNumber, String> {
        let said = self.get(&graph::phone_number_path(self.upstream.version(), phone_number_id), token).await?;
        graph::parse_phone_number(&said).map_err(|why| why.to_string())
    }

    /// Whether the account has the number.
    pub(super) async fn account_has(&self, waba: &str, phone_number_id: &str, token: &str) -> Result<bool, String> {
        let mut after = None;
        for _ in 0..PAGES_MAX {
            let said = self.get(&graph::phone_numbers_path(self.upstream.version(), waba, after.as_deref()), token).await?;
            let page = graph::parse_phone_numbers(&said).map_err(|why| why.to_string())?;
            if page.data.iter().any(|n| n.id == phone_number_id) {
                return Ok(true);
            }
            after = page.after;
            if after.is_none() {
                break;
            }
        }
        Ok(false)
    }

    pub(super) async fn register_number(&self, phone_number_id: &str, token: &str, pin: &graph::Pin) -> Result<(), String> {
        self.post(&graph::register_path(phone_number_id), token, &graph::register_body(pin)).await
    }

    pub(super) async fn subscribe_app(&self, waba: &str, token: &str, callback: &str, verify_token: &str) -> Result<(), String> {
        self.post(&graph::subscribed_apps_path(waba), token, &graph::subscribe_body(Some((callback, verify_token)))).await
    }

    /// Looks a token over, in the app's own name; `lacks` says which of the needed scopes it does not have.
    pub(super) async fn token(
        &self,
        app: &str,
        secret: &[u8],
        token: &str,
        lacks: impl FnOnce(&DebugToken) -> Vec<&'static str>,
    ) -> TokenSaid {
        let said = match self.get(&graph::debug_token_path(token), &own_token(app, secret)).await {
            Ok(said) => said,
            Err(why) => return TokenSaid::Silent(why),
        };
        match graph::parse_debug_token(&said) {
            Err(why) => TokenSaid::Silent(why.to_string()),
            Ok(DebugToken { is_valid: false, .. }) => TokenSaid::Invalid("Meta says that it is not valid".to_owned()),
            Ok(DebugToken { app_id: Some(of), .. }) if of != app => {
                TokenSaid::Invalid(format!("it is of app {of}, not of app {app}"))
            }
            Ok(token) => TokenSaid::Valid(lacks(&token)),
        }
    }

    /// The callback under which an app is subscribed to an account: none when it is not, an empty text when under its own.
    pub(super) async fn subscribed(&self, waba: &str, app: &str, token: &str) -> Result<Option<String>, String> {
        let said = self.get(&graph::subscribed_apps_path(waba), token).await?;
        let apps = graph::parse_subscribed_apps(&said).map_err(|why| why.to_string())?;
        Ok(apps.data.into_iter().find(|a| a.id == app).map(|a| a.override_callback_uri.unwrap_or_default()))
    }

    /// Does the handshake with our own public address, as Meta will do it.
    pub(crate) async fn own_handshake(&self, callback: &str, verify_token: &str) -> Result<(), String> {
        let challenge = crate::seal::hex(&self.chance.draw().to_be_bytes());
        let query: String = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("hub.mode", "subscribe")
            .append_pair("hub.challenge", &challenge)
            .append_pair("hub.verify_token", verify_token)
            .finish();
        let request = Request::get(format!("{callback}?{query}")).body(Bytes::new()).map_err(|why| why.to_string())?;
        match self.own.call(request, Wanted::Whole(CHALLENGE_MAX)).await {
            Called::Answer { status: 200, body, .. } if body == challenge.as_bytes() => Ok(()),
            Called::Answer { status: 200, .. } => Err("something else than this gateway answers there".to_owned()),
            Called::Answer { status, .. } => Err(format!("it answers HTTP {status}")),
            Called::NeverLeft(why) | Called::Lost(why) => Err(why),
        }
    }
}
