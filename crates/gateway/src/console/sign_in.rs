//! Signing in and out.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use transom_domain::error_code::ErrorCode;
use transom_domain::id::ConsoleSessionId;
use transom_store::{ConsoleSession, User};

use crate::http::App;
use crate::http::call::read_body;
use crate::problem::Problem;
use crate::seal::{hex, random};

use super::{Console, Holder, cookies, hash_of, nobody, origin, password, session};

/// Most bytes of a body here.
const BODY_MAX: usize = 4 * 1_024;
/// Longest address that is looked for.
const EMAIL_MAX: usize = 254;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignIn {
    email: String,
    password: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangePassword {
    old: String,
    new: String,
}

/// A new token: 256 random bits.
pub(super) fn token() -> Result<String, Problem> {
    let bytes = random::<32>().map_err(|why| Problem::new(ErrorCode::Unspecified, why.to_string()))?;
    Ok(hex(&bytes))
}

/// `POST /console/api/session`
pub(super) async fn sign_in(State(app): State<App>, request: Request) -> Result<Response, Problem> {
    let console = &app.console;
    let (parts, body) = request.into_parts();
    console.check_page(&parts)?;
    console.check_passwords()?;
    console.may_sign_in(&parts)?;
    let body: SignIn = asked(&app, &parts, body).await?;
    let email = body.email.trim().to_lowercase();
    let user = console.checked(&parts, &email, body.password).await?;
    let (begun, cookie) = console.enter(&parts, &user).await?;
    // A password that was taken away while it was looked at ended the sessions of before: this one is to end, too.
    let known = console.0.service.store.user_by_email(email).await?;
    let Some(user) = known.filter(|known| (known.id, &known.password) == (user.id, &user.password)) else {
        console.0.service.end_session(begun.hash).await?;
        return Err(wrong());
    };
    tracing::info!(user = %user.id, "somebody signed in to the console");
    session::answer(&console.with_user(begun.hash, (begun, user)).await?, cookie)
}

/// `DELETE /console/api/session`
pub(super) async fn sign_out(State(app): State<App>, parts: Parts) -> Result<Response, Problem> {
    let console = &app.console;
    if let Holder::User { hash, .. } = console.who(&parts).await? {
        console.0.service.end_session(hash).await?;
    }
    session::answer(&console.nobody(None), console.jar(&parts).write("", 0))
}

/// `DELETE /console/api/sessions`
pub(super) async fn sign_out_everywhere(State(app): State<App>, parts: Parts) -> Result<Response, Problem> {
    let console = &app.console;
    if let Holder::User { of, .. } = console.who(&parts).await? {
        console.0.service.sign_out_everywhere(of.1.id).await?;
    }
    session::answer(&console.nobody(None), console.jar(&parts).write("", 0))
}

/// `PUT /console/api/password`: everybody else who is signed in as this user is signed out, and so is this page.
pub(super) async fn change_password(State(app): State<App>, request: Request) -> Result<Response, Problem> {
    let console = &app.console;
    let (parts, body) = request.into_parts();
    console.check_passwords()?;
    let Holder::User { of, .. } = console.who(&parts).await? else { return Err(nobody()) };
    let body: ChangePassword = asked(&app, &parts, body).await?;
    password::check("new", &body.new)?;
    let user = console.checked(&parts, &of.1.email, body.old).await?;
    console.0.service.replace_password(&user, body.new).await?;
    session::answer(&console.nobody(None), console.jar(&parts).write("", 0))
}

/// A small body of JSON. Only that type: a form of another site's page cannot send it.
async fn asked<T: DeserializeOwned>(app: &App, parts: &Parts, body: Body) -> Result<T, Problem> {
    let kind = parts.headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    if !kind.starts_with(b"application/json") {
        return Err(Problem::field("Content-Type", "must be application/json", "send JSON"));
    }
    let mut held = app.bounds.bodies.hold();
    let bytes = read_body(&parts.headers, body, BODY_MAX, app.settings.body_timeout, &mut held).await?;
    // What serde says may quote a password.
    serde_json::from_slice(&bytes)
        .map_err(|_| Problem::field("", "is not the JSON that is wanted here", "send the fields that are documented"))
}

/// The same words whether there is such a user or not.
fn wrong() -> Problem {
    Problem::new(ErrorCode::SessionInvalid, "The e-mail address or the password is not right.")
        .remedy("Try again; an operator gives a new password with `transom user password`.")
}

impl Console {
    /// Begins a session of somebody who has shown who they are, and gives the cookie for it.
    pub(super) async fn enter(&self, parts: &Parts, user: &User) -> Result<(ConsoleSession, Option<HeaderValue>), Problem> {
        let service = &self.0.service;
        // Always a new one: a token that somebody planted before is nothing afterwards.
        let (token, now) = (token()?, service.now());
        if let Some(old) = cookies::read(&parts.headers) {
            service.end_session(hash_of(&old)).await?;
        }
        let begun = ConsoleSession {
            id: ConsoleSessionId::compose(now, service.chance.draw()),
            hash: hash_of(&token),
            former: None,
            user: user.id,
            began_at: now,
            seen_at: now,
            renewed_at: now,
            ends_at: now.plus(self.0.settings.longest),
        };
        if !service.begin_session(begun.clone()).await? {
            return Err(wrong());
        }
        let seconds = u64::try_from(self.0.settings.longest.as_secs()).unwrap_or(0);
        Ok((begun, self.jar(parts).write(&token, seconds)))
    }

    /// Whether anybody signs in with a password.
    pub(crate) fn takes_passwords(&self) -> bool {
        self.0.settings.passwords
    }

    /// # Errors
    /// 404 where no passwords are taken.
    pub(crate) fn check_passwords(&self) -> Result<(), Problem> {
        if self.takes_passwords() {
            return Ok(());
        }
        Err(Problem::new(ErrorCode::NotFound, "No passwords are taken here (`console.passwords`).")
            .remedy("Sign in with your company's account."))
    }

    /// Whose page asks, with everything that must hold of what changes something.
    async fn who(&self, parts: &Parts) -> Result<Holder, Problem> {
        self.check_page(parts)?;
        let token = cookies::read(&parts.headers).ok_or_else(nobody)?;
        let holder = self.holder(parts, &token).await?.ok_or_else(nobody)?;
        self.check_csrf(parts, &holder)?;
        Ok(holder)
    }

    /// Whether anybody may sign in from here at all.
    pub(super) fn may_sign_in(&self, parts: &Parts) -> Result<(), Problem> {
        if !self.has_sign_in() {
            return Err(Problem::new(ErrorCode::NotFound, "There is no sign-in here."));
        }
        if origin::may_carry_secrets(parts, self.0.settings.public_url.as_deref()) {
            return Ok(());
        }
        Err(Problem::field(
            "",
            "came over http without TLS, over which browsers keep no cookie of ours and others read the password",
            "put TLS in front of this server and open the console as https://…, or use a tunnel to localhost",
        ))
    }

    /// The user whose password this is. Slow on purpose, and slower for who guesses.
    async fn checked(&self, parts: &Parts, email: &str, given: String) -> Result<User, Problem> {
        let from = self.whence(parts);
        let at = from.at();
        let email: String = email.chars().take(EMAIL_MAX).collect();
        let wait = self.throttle(|throttle| throttle.wait(&email, at, Instant::now()));
        if !wait.is_zero() {
            let seconds = u32::try_from(wait.as_secs() + 1).unwrap_or(u32::MAX);
            return Err(Problem::new(ErrorCode::RateLimited, "There were too many wrong passwords.")
                .remedy("Wait for the seconds that Retry-After names.")
                .retry_after(seconds));
        }
        // Counted before it is looked at: a hundred tries at once are a hundred tries.
        self.throttle(|throttle| throttle.wrong(&email, at, Instant::now()));
        let user = self.0.service.store.user_by_email(email.clone()).await?;
        let kept = user.as_ref().and_then(|user| user.password.clone());
        let busy = || Problem::new(ErrorCode::Overloaded, "Too many sign in at once.").retry_after(1);
        let fits = {
            let _permit = self.0.looking.acquire().await.map_err(|_| busy())?;
            let looked = tokio::task::spawn_blocking(move || password::fits(&given, kept.as_deref())).await;
            looked.unwrap_or(false)
        };
        match user.filter(|_| fits) {
            Some(user) => {
                self.throttle(|throttle| throttle.right(&email, at));
                Ok(user)
            }
            None => {
                tracing::warn!(%from, "a sign-in to the console was refused");
                Err(wrong())
            }
        }
    }
}
