//! `GET /console/api/session`: who sits here, and what of the house they may see. It also renews the cookie from time to time.

use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::Serialize;

use transom_domain::time::Span;
use transom_store::{Business, User, UserRole};

use crate::http::App;
use crate::http::call::json;
use crate::problem::Problem;
use crate::service::SignedIn;

use super::{Console, Holder, cookies, hash_of, origin, sign_in};

/// How long a browser keeps the cookie of a desk.
const DESK_COOKIE_SECONDS: u64 = 30 * 86_400;
/// How old a token may grow before it is renewed.
const RENEWED_EVERY: Span = Span::minutes(15);
/// How long the one before is good: requests that were under way have it still.
const FORMER_FOR: Span = Span::minutes(1);

/// Who sits here.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SessionView {
    signed_in: bool,
    /// None at a desk, where nobody signs in.
    user: Option<UserView>,
    businesses: Vec<BusinessView>,
    /// Whether they may make another one, as an owner of all.
    makes_businesses: bool,
    /// Goes into `X-Transom-Csrf` of every request that changes something.
    csrf: Option<String>,
    /// No sign-in, this machine only.
    dev: bool,
    /// Whether `/console/sim/` leads to a simulator.
    simulator: bool,
    ways: Ways,
    version: &'static str,
    /// Why nobody is signed in here, where there is more to say.
    why: Option<String>,
}

#[derive(Debug, Serialize)]
struct UserView {
    id: String,
    name: String,
    email: String,
}

#[derive(Debug, Serialize)]
struct BusinessView {
    id: String,
    name: String,
    role: &'static str,
}

/// How somebody can sign in.
#[derive(Debug, Default, Serialize)]
struct Ways {
    password: bool,
    oidc: bool,
}

/// `GET`
pub(super) async fn look(State(app): State<App>, parts: Parts) -> Result<Response, Problem> {
    let console = &app.console;
    console.check_page(&parts)?;
    if !console.0.settings.enabled {
        return answer(&console.nobody(Some("The console is switched off (`console.enabled`).".to_owned())), None);
    }
    let token = cookies::read(&parts.headers);
    let holder = match &token {
        Some(token) => console.holder(&parts, token).await,
        None => Ok(None),
    };
    if let Some(desk) = &console.0.desk {
        return match origin::at_this_machine(&parts) {
            Ok(()) => {
                let is_known = matches!(holder, Ok(Some(Holder::Desk)));
                let cookie = || console.jar(&parts).write(&desk.token, DESK_COOKIE_SECONDS);
                answer(&console.at_desk().await?, if is_known { None } else { cookie() })
            }
            Err(problem) => answer(&console.nobody(Some(problem.message)), None),
        };
    }
    let Some(Holder::User { hash, of }) = holder? else {
        // Who comes back from a provider and is not let in is told so here, once.
        let (why, cookie) = console.told_why(&parts).unzip();
        return answer(&console.nobody(why), cookie.flatten());
    };
    let cookie = console.renewed(&parts, hash, &of).await?;
    answer(&console.with_user(hash, *of).await?, cookie)
}

impl Console {
    /// Another cookie, where the one that was shown has grown old.
    async fn renewed(&self, parts: &Parts, hash: [u8; 32], of: &SignedIn) -> Result<Option<HeaderValue>, Problem> {
        let (session, _) = of;
        let (service, now) = (&self.0.service, self.0.service.now());
        if session.hash != hash || now < session.renewed_at.plus(RENEWED_EVERY) {
            return Ok(None);
        }
        let token = sign_in::token()?;
        if !service.renew_session(hash, hash_of(&token), now.plus(FORMER_FOR)).await? {
            // Another page of the same browser was first, and has told the browser.
            return Ok(None);
        }
        let left = u64::try_from(session.ends_at.since(now).as_secs()).unwrap_or(0);
        Ok(self.jar(parts).write(&token, left))
    }

    async fn at_desk(&self) -> Result<SessionView, Problem> {
        let businesses = self.0.service.store.businesses().await?;
        Ok(SessionView {
            signed_in: true,
            businesses: businesses.into_iter().map(|business| shown(business, UserRole::Owner)).collect(),
            makes_businesses: true,
            csrf: Some(self.csrf_of(&Holder::Desk)),
            ..self.nobody(None)
        })
    }

    /// What somebody who is signed in sees.
    pub(super) async fn with_user(&self, hash: [u8; 32], of: SignedIn) -> Result<SessionView, Problem> {
        let businesses = self.0.service.store.businesses().await?;
        let holder = Holder::User { hash, of: Box::new(of.clone()) };
        let User { id, name, email, roles, .. } = of.1;
        Ok(SessionView {
            signed_in: true,
            user: Some(UserView { id: id.to_string(), name, email }),
            makes_businesses: roles.owns_all(),
            businesses: businesses
                .into_iter()
                .filter_map(|business| roles.in_business(business.id).map(|role| shown(business, role)))
                .collect(),
            csrf: Some(self.csrf_of(&holder)),
            ..self.nobody(None)
        })
    }

    /// What everybody sees.
    pub(super) fn nobody(&self, why: Option<String>) -> SessionView {
        let (is_desk, has_sign_in, settings) = (self.0.desk.is_some(), self.has_sign_in(), &self.0.settings);
        SessionView {
            signed_in: false,
            user: None,
            businesses: Vec::new(),
            makes_businesses: false,
            csrf: None,
            dev: is_desk,
            simulator: is_desk,
            ways: Ways { password: has_sign_in && settings.passwords, oidc: has_sign_in && settings.oidc.is_some() },
            version: env!("CARGO_PKG_VERSION"),
            why,
        }
    }
}

fn shown(business: Business, role: UserRole) -> BusinessView {
    BusinessView { id: business.id.to_string(), name: business.name, role: role.as_str() }
}

/// An answer that nobody in between keeps.
pub(super) fn answer(view: &SessionView, cookie: Option<HeaderValue>) -> Result<Response, Problem> {
    let mut response = json(StatusCode::OK, view)?;
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(cookie) = cookie {
        headers.insert(header::SET_COOKIE, cookie);
    }
    Ok(response)
}
