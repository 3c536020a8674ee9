//! The console: its files, who may use it, and what only it needs. What a page does goes through the same operations as every
//! other client's; a cookie stands where a key would.

mod cookies;
mod files;
mod oidc;
mod origin;
pub(crate) mod password;
mod session;
mod sign_in;
mod simulator;
mod throttle;
mod whence;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::http::request::Parts;
use axum::routing::{any, get};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tokio::sync::Semaphore;

use transom_domain::error_code::ErrorCode;
use transom_domain::time::Span;

use crate::config::Networks;
use crate::http::App;
use crate::problem::Problem;
use crate::seal::hex;
use crate::service::{Credential, Service, SignedIn};

use cookies::Jar;
use simulator::Pipe;
use throttle::Throttle;
use whence::Whence;

pub use oidc::{CALLBACK_PATH, Oidc, OidcSettings};

/// Passwords looked at at once.
const LOOKING_MAX: usize = 4;

/// What the console is started with.
#[derive(Debug, Clone)]
pub struct ConsoleSettings {
    /// Whether it is served at all.
    pub enabled: bool,
    /// How long a sign-in lasts, however much it is used.
    pub longest: Span,
    /// The address of the simulator on the same desk, without a slash at its end. With one, whoever sits at this machine needs no
    /// sign-in.
    pub simulator: Option<String>,
    /// Where browsers reach this server, without a slash at its end, where that is known.
    pub public_url: Option<String>,
    /// Proxies in front of this server, whose word counts of where somebody is.
    pub trusted_proxies: Networks,
    /// Whether passwords are taken.
    pub passwords: bool,
    /// The provider at which people sign in, where there is one.
    pub oidc: Option<Oidc>,
}

impl Default for ConsoleSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            longest: Span::days(7),
            simulator: None,
            public_url: None,
            trusted_proxies: Networks::default(),
            passwords: true,
            oidc: None,
        }
    }
}

/// The console of one gateway; cheap to clone.
#[derive(Clone)]
pub(crate) struct Console(Arc<Inner>);

struct Inner {
    settings: ConsoleSettings,
    service: Service,
    desk: Option<Desk>,
    /// Tokens against forged requests are made with it.
    csrf: [u8; 32],
    throttle: Mutex<Throttle>,
    /// Passwords that may be looked at at once: each takes 19 MiB.
    looking: Semaphore,
    /// Whether it was said that a proxy stands in front which nobody named.
    proxy_told: AtomicBool,
}

/// Whose a cookie is.
enum Holder {
    /// Whoever sits at this machine.
    Desk,
    /// Somebody who signed in.
    User {
        /// Of the token in the cookie.
        hash: [u8; 32],
        of: Box<SignedIn>,
    },
}

/// A desk, at which nobody signs in.
struct Desk {
    /// What its cookie holds: the same over restarts, so that an open page goes on.
    token: String,
    pipe: Pipe,
}

impl Console {
    /// Over a service.
    pub(crate) fn new(service: Service, settings: ConsoleSettings) -> Self {
        let desk = settings
            .simulator
            .as_deref()
            .map(|address| Desk { token: hex(&service.key.derived("the console's desk")), pipe: Pipe::new(address) });
        let csrf = service.key.derived("tokens of the console");
        let looking = Semaphore::new(LOOKING_MAX);
        let proxy_told = AtomicBool::new(false);
        Self(Arc::new(Inner { settings, service, desk, csrf, throttle: Mutex::default(), looking, proxy_told }))
    }

    /// What a request shows for itself in a cookie, after everything that must hold of a request with a cookie was looked at.
    ///
    /// # Errors
    /// 401 without a cookie of ours; 403 when the request may not be our own page's.
    pub(crate) async fn credential(&self, parts: &Parts) -> Result<Credential, Problem> {
        let cookie = cookies::read(&parts.headers).filter(|_| self.0.settings.enabled);
        let token = cookie.ok_or_else(|| Problem::new(ErrorCode::ApiKeyInvalid, "The X-API-Key header is missing."))?;
        self.check_page(parts)?;
        let holder = self.holder(parts, &token).await?.ok_or_else(nobody)?;
        if !parts.method.is_safe() {
            self.check_csrf(parts, &holder)?;
        }
        Ok(match holder {
            Holder::Desk => Credential::Desk,
            Holder::User { hash, .. } => {
                self.0.service.seen(hash).await;
                Credential::Session(hash)
            }
        })
    }

    /// See [`origin::from_our_page`].
    fn check_page(&self, parts: &Parts) -> Result<(), Problem> {
        origin::from_our_page(parts, self.0.settings.public_url.as_deref())
    }

    /// The cookies that the answer may set.
    fn jar<'a>(&self, parts: &'a Parts) -> Jar<'a> {
        Jar::of(parts, self.0.settings.public_url.as_deref())
    }

    /// From where somebody tries to sign in.
    fn whence(&self, parts: &Parts) -> Whence {
        let from = Whence::of(parts, &self.0.settings.trusted_proxies);
        if let Whence::Behind(proxy) = from
            && !self.0.proxy_told.swap(true, Ordering::Relaxed)
        {
            tracing::warn!(
                %proxy,
                "sign-ins come through a proxy that `server.trusted_proxies` does not name, or that does not say for whom it asks in \
                 X-Forwarded-For: wrong passwords are counted for each account alone, and not for each address"
            );
        }
        from
    }

    /// Whether anybody signs in here.
    fn has_sign_in(&self) -> bool {
        self.0.settings.enabled && self.0.desk.is_none()
    }

    /// What is remembered of wrong tries.
    fn throttle<T>(&self, ask: impl FnOnce(&mut Throttle) -> T) -> T {
        ask(&mut self.0.throttle.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whose a cookie is.
    async fn holder(&self, parts: &Parts, token: &str) -> Result<Option<Holder>, Problem> {
        if let Some(desk) = &self.0.desk
            && bool::from(desk.token.as_bytes().ct_eq(token.as_bytes()))
        {
            return origin::at_this_machine(parts).map(|()| Some(Holder::Desk));
        }
        let hash = hash_of(token);
        Ok(self.0.service.signed_in(hash).await?.map(|of| Holder::User { hash, of: Box::new(of) }))
    }

    /// The token that proves that a request is our own page's.
    fn csrf_of(&self, holder: &Holder) -> String {
        let mut hash = Sha256::new();
        hash.update(self.0.csrf);
        match holder {
            Holder::Desk => hash.update(b"desk"),
            // Not of the token: a page that is open goes on when that is renewed.
            Holder::User { of, .. } => hash.update(of.0.id.to_bytes()),
        }
        hex(&hash.finalize())
    }

    fn check_csrf(&self, parts: &Parts, holder: &Holder) -> Result<(), Problem> {
        let given = parts.headers.get("x-transom-csrf").map(|value| value.as_bytes()).unwrap_or_default();
        if bool::from(self.csrf_of(holder).as_bytes().ct_eq(given)) {
            return Ok(());
        }
        Err(Problem::new(ErrorCode::CrossSite, "X-Transom-Csrf is missing, or not the token of this session.")
            .remedy("Take `csrf` of `GET /console/api/session` anew; reload the page."))
    }
}

fn hash_of(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

fn nobody() -> Problem {
    Problem::new(ErrorCode::SessionInvalid, "Nobody is signed in, or the session is over.")
}

/// Everything under `/console`.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/console/api/session", get(session::look).post(sign_in::sign_in).delete(sign_in::sign_out))
        .route("/console/api/sessions", axum::routing::delete(sign_in::sign_out_everywhere))
        .route("/console/api/password", axum::routing::put(sign_in::change_password))
        .route("/console/auth/oidc", get(oidc::begin))
        .route(CALLBACK_PATH, get(oidc::finish))
        .route("/console/api/{*rest}", any(nothing_here))
        .route("/console/sim/{*rest}", any(simulator::pass_on))
        .route("/console", get(files::page))
        .route("/console/", get(files::page))
        .route("/console/{*path}", get(files::file))
}

async fn nothing_here() -> Problem {
    Problem::new(ErrorCode::NotFound, "There is nothing at this path.")
}
