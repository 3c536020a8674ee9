//! Where this server is, as whoever asks sees it: the SDKs follow the links of lists to the letter.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, header};

use crate::http::App;

/// Scheme, host and port, without a slash at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Base(String);

impl Base {
    #[cfg(test)]
    pub(crate) fn new(base: &str) -> Self {
        Self(base.to_owned())
    }

    /// What the request's own headers say, which a proxy in front may say better; where they say nothing that is an address, the
    /// configured one. A caller who lies is led astray alone.
    pub(crate) fn of(headers: &HeaderMap, configured: &str) -> Self {
        let said = |name: &str| {
            // A chain of proxies says several, the outermost first.
            let value = headers.get(name)?.to_str().ok()?.split(',').next()?.trim();
            (!value.is_empty()).then(|| value.to_owned())
        };
        let host =
            |name: &str| said(name).filter(|host| host.parse::<Authority>().is_ok_and(|a| a.as_str() == a.host_and_port()));
        let Some(host) = host("x-forwarded-host").or_else(|| host(header::HOST.as_str())) else {
            return Self(configured.to_owned());
        };
        // The configured address knows its scheme, whatever is between.
        if configured.split_once("://").is_some_and(|(_, known)| known.eq_ignore_ascii_case(&host)) {
            return Self(configured.to_owned());
        }
        let secure = said("x-forwarded-proto").is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"));
        Self(format!("{}://{host}", if secure { "https" } else { "http" }))
    }

    /// An absolute link to a path here.
    pub(crate) fn link(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    /// As text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// What may stand in an authority beside a user, whom no link of ours names.
trait HostAndPort {
    fn host_and_port(&self) -> &str;
}

impl HostAndPort for Authority {
    fn host_and_port(&self) -> &str {
        self.as_str().rsplit('@').next().unwrap_or_default()
    }
}

impl FromRequestParts<App> for Base {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers, app.service.files.links.base()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(headers: &[(&'static str, &str)]) -> String {
        let headers = headers
            .iter()
            .map(|(name, value)| (axum::http::HeaderName::from_static(name), axum::http::HeaderValue::from_str(value).unwrap()));
        Base::of(&headers.collect(), "https://gw.example.com").0
    }

    #[test]
    fn the_request_says_where_it_came_to() {
        assert_eq!(of(&[("host", "127.0.0.1:8400")]), "http://127.0.0.1:8400");
        assert_eq!(of(&[("host", "GW.example.com")]), "https://gw.example.com");
        assert_eq!(of(&[("host", "inside:8400"), ("x-forwarded-proto", "https, http")]), "https://inside:8400");
        let forwarded = [("host", "inside"), ("x-forwarded-host", "out.example.com, inside"), ("x-forwarded-proto", "https")];
        assert_eq!(of(&forwarded), "https://out.example.com");
        for nothing in [&[][..], &[("host", "")], &[("host", "a b")], &[("host", "user@evil")], &[("host", "a/b")]] {
            assert_eq!(of(nothing), "https://gw.example.com", "{nothing:?}");
        }
    }
}
