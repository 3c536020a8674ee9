//! Who asks: HTTP Basic with the account's SID and auth token, or with the SID of an API key and its secret.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use transom_domain::id::{BusinessId, KeyId};
use transom_store::Scopes;

use super::codes::Code;
use super::refusal::Refusal;
use super::sid::Sid;
use crate::http::App;
use crate::http::call::path_parameter;
use crate::service::{Caller, Needs};

/// Longest Authorization header that is looked at; ours have some 140 bytes.
const HEADER_MAX: usize = 1_024;

/// The holder of credentials of an account, with that scope. Where the path names an account it is that one; where it does not, as
/// in the Content API, the credentials tell which.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Account<const SCOPE: u32>(pub(crate) Caller);

impl<const SCOPE: u32> FromRequestParts<App> for Account<SCOPE> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        let (user, password) = basic(&parts.headers)?;
        let named = path_parameter(parts, "account").await;
        let service = &app.service;
        let needs = Needs { scope: Scopes(SCOPE), changes: !parts.method.is_safe() };
        let caller = if let Some(business) = BusinessId::of_sid(&user) {
            service.authenticate(business, Some(&password), needs).await
        } else if let Some(key) = KeyId::of_sid(&user) {
            service.authenticate_key(key, &password, needs).await
        } else {
            return Err(unauthorised("The user name is neither the SID of an account (AC…) nor of an API key (SK…)."));
        };
        let caller = caller.map_err(|problem| {
            let refusal = Refusal::from(problem);
            // In this dialect's words; what lacks a scope or waits for the store says so itself.
            if refusal.status == 401 { unauthorised("The credentials are not known, or not valid any more.") } else { refusal }
        })?;
        // Another account's is nobody's: the same answer as for credentials that are not known.
        let named = named.map(|sid| BusinessId::of_sid(sid.strip_suffix(".json").unwrap_or(&sid)));
        if named.is_some_and(|named| named != Some(caller.business)) {
            return Err(unauthorised("The credentials are not those of the account in the path."));
        }
        Ok(Self(caller))
    }
}

fn unauthorised(why: &str) -> Refusal {
    let remedy = "Use the account SID with the auth token, or the SID of an API key with its secret; `transom twilio credentials` \
                  shows and makes them.";
    Refusal::new(Code::Unauthorised, format!("{why} {remedy}"))
}

/// User name and password.
fn basic(headers: &HeaderMap) -> Result<(String, String), Refusal> {
    let header = headers.get(header::AUTHORIZATION).ok_or_else(|| unauthorised("The Authorization header is missing."))?;
    let malformed = || unauthorised("The Authorization header is not HTTP Basic.");
    let text = header.to_str().ok().filter(|text| text.len() <= HEADER_MAX).ok_or_else(malformed)?;
    let (scheme, encoded) = text.split_once(' ').ok_or_else(malformed)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(malformed());
    }
    let decoded = BASE64.decode(encoded.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(malformed)?;
    let (user, password) = decoded.split_once(':').ok_or_else(malformed)?;
    Ok((user.to_owned(), password.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(value: &str) -> Result<(String, String), Refusal> {
        basic(&HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().unwrap())]))
    }

    #[test]
    fn only_basic_with_both_parts_is_read() {
        let encoded = BASE64.encode("AC1:to:ken");
        assert_eq!(of(&format!("Basic {encoded}")).unwrap(), ("AC1".to_owned(), "to:ken".to_owned()));
        assert_eq!(of(&format!("basic  {encoded}")).unwrap().0, "AC1");
        let nothing = BASE64.encode("AC1");
        let long = "A".repeat(HEADER_MAX);
        for wrong in ["", "Basic", "Basic %%%", "Bearer abc", &format!("Basic {nothing}"), &format!("Basic {long}")] {
            let refused = of(wrong).unwrap_err();
            assert_eq!((refused.code, refused.status), (Code::Unauthorised, 401), "{wrong}");
        }
        assert_eq!(basic(&HeaderMap::new()).unwrap_err().code.number(), 20003);
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(text in "[ -~]{0,80}") {
            let _ = of(&text);
        }
    }
}
