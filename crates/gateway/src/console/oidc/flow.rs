//! What the browser keeps of a sign-in at a provider until it comes back: sealed, for this browser alone, for minutes.

use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use transom_store::Sealed;

use crate::console::cookies::{self, Jar};
use crate::seal::SealingKey;

/// How long a sign-in may take, from our page to the provider and back.
pub(super) const FLOW_SECONDS: u64 = 600;
/// How long the reason of a refusal waits for the page that shows it.
const REFUSED_SECONDS: u64 = 60;

/// A sign-in under way.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Flow {
    /// Comes back with the browser.
    pub(super) state: String,
    /// Stands in the ID token.
    pub(super) nonce: String,
    /// Proves to the provider that who brings the code is who asked for it.
    pub(super) verifier: String,
    /// Where to go afterwards.
    pub(super) to: String,
    /// When it began, in seconds of real time.
    pub(super) at: u64,
}

/// What is in the cookie.
#[derive(Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub(super) enum Kept {
    /// Under way.
    Begun(Flow),
    /// Over, and this is why.
    Refused {
        /// For people.
        why: String,
    },
}

impl Kept {
    /// As a cookie. None where the system has no randomness.
    pub(super) fn cookie(&self, key: &SealingKey, jar: &Jar<'_>) -> Option<axum::http::HeaderValue> {
        let seconds = match self {
            Self::Begun(_) => FLOW_SECONDS,
            Self::Refused { .. } => REFUSED_SECONDS,
        };
        let sealed = key.seal(&serde_json::to_vec(self).ok()?).ok()?;
        jar.write_flow(&URL_SAFE_NO_PAD.encode(sealed.0), seconds)
    }

    /// What a browser kept; none when it is not ours.
    pub(super) fn read(key: &SealingKey, headers: &HeaderMap) -> Option<Self> {
        let text = cookies::read_flow(headers)?;
        let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
        serde_json::from_slice(&key.open(&Sealed(sealed)).ok()?).ok()
    }
}

/// Where to go after the sign-in: a page of the console, whatever was asked for.
pub(super) fn inside(asked: Option<&str>) -> String {
    let fits = |to: &&str| {
        let is_plain = to.len() <= 1_000 && to.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        let path = to.split(['?', '#']).next().unwrap_or_default();
        let is_page = path == "/console" || path.starts_with("/console/");
        let is_call = ["/console/auth/", "/console/api/", "/console/sim/"].iter().any(|other| path.starts_with(other));
        is_plain
            && is_page
            && !is_call
            && !path.split('/').any(|part| part == ".." || part.contains("%2e") || part.contains("%2E"))
    };
    asked.filter(fits).unwrap_or("/console/").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_leads_to_our_own_pages_only() {
        for good in ["/console", "/console/", "/console/conversations?customer=1#x", "/console/settings"] {
            assert_eq!(inside(Some(good)), good);
        }
        for bad in [
            "",
            "/",
            "//evil.example",
            "https://evil.example/console/",
            "/consolex",
            "/console\\..\\x",
            "/console/../x",
            "/console/%2e%2e/x",
            "/console/auth/oidc",
            "/console/api/session",
            "/console/\r\nset-cookie: a=b",
            "javascript:alert(1)",
            "/console/ä",
        ] {
            assert_eq!(inside(Some(bad)), "/console/", "{bad}");
        }
        assert_eq!(inside(Some(&format!("/console/{}", "a".repeat(1_000)))), "/console/");
        assert_eq!(inside(None), "/console/");
    }

    #[test]
    fn what_the_browser_keeps_can_be_neither_read_nor_made_elsewhere() {
        let (key, other) = (SealingKey::of_bytes(&[1; 32]).unwrap(), SealingKey::of_bytes(&[2; 32]).unwrap());
        let mut parts = axum::http::Request::get("/").header("host", "localhost:8080").body(()).unwrap().into_parts().0;
        let flow =
            Flow { state: "s".into(), nonce: "n".into(), verifier: "secret-verifier".into(), to: "/console/".into(), at: 1 };
        let cookie = Kept::Begun(flow).cookie(&key, &Jar::of(&parts, None)).unwrap().to_str().unwrap().to_owned();
        assert!(cookie.contains("; HttpOnly; SameSite=Lax; Max-Age=600") && !cookie.contains("secret-verifier"), "{cookie}");
        let pair = cookie.split(';').next().unwrap();
        parts.headers.insert("cookie", pair.parse().unwrap());
        assert!(matches!(Kept::read(&key, &parts.headers), Some(Kept::Begun(flow)) if flow.verifier == "secret-verifier"));
        assert!(Kept::read(&other, &parts.headers).is_none());
        parts.headers.insert("cookie", format!("{pair}A").parse().unwrap());
        assert!(Kept::read(&key, &parts.headers).is_none());
    }
}
