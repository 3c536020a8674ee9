//! Signing in at a provider of the company's own: OpenID Connect, authorization code with PKCE, state and nonce.
//!
//! A browser leaves with a sealed cookie that only it has, and what it brings back counts with that cookie alone, once.

mod flow;
mod person;
mod provider;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use subtle::ConstantTimeEq as _;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use transom_domain::error_code::ErrorCode;

use crate::config::RoleMap;
use crate::http::App;
use crate::problem::Problem;
use crate::service::NotAdmitted;
use crate::wire::Wire;

use super::{Console, Whence, hash_of, sign_in};
use flow::{FLOW_SECONDS, Flow, Kept};
use person::Doubt;
use provider::{Fault, Provider};

/// Those who come back that are looked at at once: each is a few calls to the provider.
const ARRIVING_MAX: usize = 16;
/// Sign-ins remembered, so that none is used twice.
const USED_MAX: usize = 10_000;
/// Longest code that is passed on.
const CODE_MAX: usize = 4_096;

/// How people sign in at a provider.
#[derive(Clone)]
pub struct OidcSettings {
    /// The provider, as its tokens spell it.
    pub issuer: String,
    /// What this gateway is called there.
    pub client_id: String,
    /// Its secret there; none for a public client.
    pub client_secret: Option<String>,
    /// What is asked for of somebody.
    pub scopes: Vec<String>,
    /// The claim with somebody's name.
    pub name_claim: String,
    /// Whether an address counts of which the provider does not say that it is theirs.
    pub trust_email: bool,
    /// What addresses must end in; any where it is empty.
    pub domains: Vec<String>,
    /// The claim with somebody's groups, and what these mean here.
    pub roles: Option<(String, RoleMap)>,
    /// Where the provider sends people back to: absolute, and known to it to the letter.
    pub callback: String,
    /// The way there.
    pub wire: Arc<dyn Wire>,
}

impl std::fmt::Debug for OidcSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OidcSettings").field("issuer", &self.issuer).field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

/// The path of [`OidcSettings::callback`], behind the public address.
pub const CALLBACK_PATH: &str = "/console/auth/oidc/callback";

/// Signing in at a provider; cheap to clone.
#[derive(Clone)]
pub struct Oidc(Arc<Inner>);

struct Inner {
    provider: Provider,
    /// Sign-ins that came back, by the hash of their state.
    used: Mutex<HashMap<[u8; 32], Instant>>,
    arriving: Semaphore,
}

impl std::fmt::Debug for Oidc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Oidc").field(self.0.provider.settings()).finish()
    }
}

impl Oidc {
    /// Over its settings.
    #[must_use]
    pub fn new(settings: OidcSettings) -> Self {
        let provider = Provider::new(settings);
        Self(Arc::new(Inner { provider, used: Mutex::default(), arriving: Semaphore::new(ARRIVING_MAX) }))
    }

    /// The provider, as its tokens spell it.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.0.provider.settings().issuer
    }

    /// Asks the provider what it says of itself, and its keys.
    ///
    /// # Errors
    /// When it does not answer as a provider does, as a sentence.
    pub async fn probe(&self) -> Result<(), String> {
        self.0.provider.probe().await.map_err(|why| why.to_string())
    }

    /// Whether a sign-in comes back for the first time.
    fn is_first(&self, flow: &Flow) -> bool {
        let mut used = self.0.used.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if used.len() >= USED_MAX {
            used.retain(|_, at| now.saturating_duration_since(*at) < Duration::from_secs(FLOW_SECONDS));
        }
        // Still full: nobody signs in rather than somebody twice.
        used.len() < USED_MAX && used.insert(hash_of(&flow.state), now).is_none()
    }
}

/// Why somebody is not signed in, as they are told it. It says nothing that a stranger may not know.
fn refusal(fault: &Fault) -> &'static str {
    match fault {
        Fault::Unreachable(_) => {
            "Your company's sign-in cannot be reached, or does not answer as it should. An operator finds why in the log, and with `transom doctor`."
        }
        Fault::Refused(_) => "Your company's sign-in took this back. Begin again.",
        Fault::Unproven(_) => {
            "What your company's sign-in said could not be verified, and so does not count. Begin again; if it stays so, an operator finds why in the log."
        }
    }
}

const STALE: &str =
    "This sign-in was begun in another browser or window, has been used, or took more than ten minutes. Begin again.";

fn not_admitted(why: NotAdmitted) -> &'static str {
    match why {
        NotAdmitted::Nobody => {
            "You have no account here yet: nobody is known here by your address, or your company's sign-in does not say that it is yours. Ask whoever runs this gateway to add you (`transom user add`)."
        }
        NotAdmitted::Nothing => "Your account opens nothing here: none of your groups has a role. Ask whoever runs this gateway.",
        NotAdmitted::Taken => {
            "The user with your address signs in with another account of your company's. Whoever runs this gateway can change that (`transom user unlink`)."
        }
        NotAdmitted::Full => "There is no room for another user here. Ask whoever runs this gateway.",
    }
}

/// `GET /console/auth/oidc?to=/console/…`
pub(super) async fn begin(State(app): State<App>, parts: Parts) -> Result<Response, Problem> {
    let console = &app.console;
    let oidc = console.oidc()?;
    console.may_sign_in(&parts)?;
    let to = flow::inside(asked(&parts, "to").as_deref());
    let (state, nonce) = (sign_in::token()?, sign_in::token()?);
    match oidc.0.provider.depart(&state, &nonce).await {
        Ok(departure) => {
            let flow = Flow { state, nonce, verifier: departure.verifier, to, at: seconds() };
            let cookie = Kept::Begun(flow).cookie(&console.0.service.key, &console.jar(&parts));
            go(&departure.url, cookie.into_iter())
        }
        Err(fault) => {
            tracing::warn!(issuer = oidc.issuer(), error = %fault, "nobody can sign in at the provider");
            console.refused(&parts, refusal(&fault))
        }
    }
}

/// `GET /console/auth/oidc/callback`
pub(super) async fn finish(State(app): State<App>, parts: Parts) -> Result<Response, Problem> {
    let console = &app.console;
    let oidc = console.oidc()?;
    console.may_sign_in(&parts)?;
    let from = console.whence(&parts);
    let wait = console.throttle(|throttle| throttle.wait_from(from.at(), Instant::now()));
    if !wait.is_zero() {
        return console.refused(&parts, "There were too many sign-ins that failed. Wait a few minutes.");
    }
    match console.arrived(oidc, &parts, from).await? {
        Ok((user, to)) => {
            let (_, cookie) = console.enter(&parts, &user).await?;
            tracing::info!(user = %user.id, issuer = oidc.issuer(), "somebody signed in to the console at the provider");
            go(&to, cookie.into_iter().chain(console.jar(&parts).write_flow("", 0)))
        }
        Err(why) => {
            console.throttle(|throttle| throttle.wrong_from(from.at(), Instant::now()));
            console.refused(&parts, &why)
        }
    }
}

impl Console {
    /// The provider, where there is one and somebody may sign in at all.
    fn oidc(&self) -> Result<&Oidc, Problem> {
        let nothing = || Problem::new(ErrorCode::NotFound, "There is no sign-in at a provider here (`oidc.issuer`).");
        self.0.settings.oidc.as_ref().filter(|_| self.has_sign_in()).ok_or_else(nothing)
    }

    /// Who came back and where they go, or why they do not come in.
    async fn arrived(
        &self,
        oidc: &Oidc,
        parts: &Parts,
        from: Whence,
    ) -> Result<Result<(transom_store::User, String), String>, Problem> {
        let stale = || Ok(Err(STALE.to_owned()));
        let Some(Kept::Begun(flow)) = Kept::read(&self.0.service.key, &parts.headers) else { return stale() };
        let state = asked(parts, "state").unwrap_or_default();
        let is_ours = bool::from(state.as_bytes().ct_eq(flow.state.as_bytes()));
        let is_old = seconds().saturating_sub(flow.at) > FLOW_SECONDS;
        if !is_ours || is_old || !oidc.is_first(&flow) {
            return stale();
        }
        // Whose answer it is (RFC 9207), where the provider says so.
        if asked(parts, "iss").is_some_and(|issuer| issuer != oidc.issuer()) {
            return stale();
        }
        if let Some(error) = asked(parts, "error") {
            let error: String = error.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(60).collect();
            tracing::info!(%from, issuer = oidc.issuer(), %error, "the provider signed nobody in");
            return Ok(Err(match error.as_str() {
                "access_denied" => "Your company's sign-in was broken off, or refused you.".to_owned(),
                other => format!("Your company's sign-in did not sign you in ({other})."),
            }));
        }
        let Some(code) = asked(parts, "code").filter(|code| (1..=CODE_MAX).contains(&code.len())) else { return stale() };
        let Ok(_permit) = oidc.0.arriving.try_acquire() else {
            return Ok(Err("Too many sign in at once. Begin again in a moment.".to_owned()));
        };
        let said = match oidc.0.provider.arrive(code, &flow).await {
            Ok(said) => said,
            Err(fault) => {
                tracing::warn!(%from, issuer = oidc.issuer(), error = %fault, "a sign-in at the provider came to nothing");
                return Ok(Err(refusal(&fault).to_owned()));
            }
        };
        let newcomer = match oidc.0.provider.settings().person(&said) {
            Ok(newcomer) => newcomer,
            Err(Doubt::Subject) => return Ok(Err(refusal(&Fault::Unproven(String::new())).to_owned())),
            Err(Doubt::Domain) => {
                return Ok(Err("People with an address like yours may not sign in here (`oidc.domains`).".to_owned()));
            }
        };
        Ok(match self.0.service.let_in(newcomer).await? {
            Ok(user) => Ok((user, flow.to)),
            Err(why) => {
                tracing::warn!(%from, issuer = oidc.issuer(), ?why, "who signed in at the provider is nobody here");
                Err(not_admitted(why).to_owned())
            }
        })
    }

    /// Back to the page of the sign-in, which asks why.
    fn refused(&self, parts: &Parts, why: &str) -> Result<Response, Problem> {
        let cookie = Kept::Refused { why: why.to_owned() }.cookie(&self.0.service.key, &self.jar(parts));
        go("/console/", cookie.into_iter())
    }

    /// Why the sign-in that this browser tried last was refused, and a cookie by which it is told once.
    pub(super) fn told_why(&self, parts: &Parts) -> Option<(String, Option<HeaderValue>)> {
        match Kept::read(&self.0.service.key, &parts.headers)? {
            Kept::Refused { why } => Some((why, self.jar(parts).write_flow("", 0))),
            Kept::Begun(_) => None,
        }
    }
}

/// Elsewhere, by GET. Where they come from, with the code in its address, is told to nobody.
fn go(to: &str, cookies: impl Iterator<Item = HeaderValue>) -> Result<Response, Problem> {
    let to = HeaderValue::try_from(to).map_err(|why| Problem::new(ErrorCode::Unspecified, why.to_string()))?;
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    headers.insert(header::LOCATION, to);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    for cookie in cookies {
        headers.append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// A member of the query; none where it stands there twice.
fn asked(parts: &Parts, name: &str) -> Option<String> {
    let query = parts.uri.query().unwrap_or_default();
    let mut found = url::form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == name);
    let value = found.next()?.1.into_owned();
    found.next().is_none().then_some(value)
}

/// Real time: a turned clock makes no sign-in older.
fn seconds() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
impl OidcSettings {
    /// For what asks no provider.
    fn to_nowhere() -> Self {
        struct Nowhere;
        impl Wire for Nowhere {
            fn call(&self, _: http::Request<axum::body::Bytes>, _: crate::wire::Wanted) -> crate::wire::Calling<'_> {
                Box::pin(async { crate::wire::Called::NeverLeft("nowhere".to_owned()) })
            }
        }
        Self {
            issuer: "https://id.example".to_owned(),
            client_id: "transom".to_owned(),
            client_secret: None,
            scopes: Vec::new(),
            name_claim: "name".to_owned(),
            trust_email: false,
            domains: Vec::new(),
            roles: None,
            callback: format!("https://gateway.example{CALLBACK_PATH}"),
            wire: Arc::new(Nowhere),
        }
    }
}
