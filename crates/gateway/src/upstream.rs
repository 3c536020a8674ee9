//! The way to Meta: where it is, and how it is called.

use std::sync::Arc;

use ::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use ::http::{Method, Request};
use bytes::Bytes;
use serde_json::Value;

use crate::wire::{Called, Wanted, Wire};

/// Largest answer that is read; Meta's are a few kilobytes, a page of templates a few hundred.
const ANSWER_MAX: usize = 8 * 1024 * 1024;

/// Where and how Meta is called.
#[derive(Debug, Clone)]
pub struct UpstreamSettings {
    /// Address without version or trailing slash, such as `https://graph.facebook.com`.
    pub graph_url: String,
    /// Graph version, such as `v25.0`.
    pub version: String,
}

/// Meta; cheap to clone.
#[derive(Clone)]
pub struct Upstream {
    wire: Arc<dyn Wire>,
    /// Address and version.
    root: Arc<str>,
    version: Arc<str>,
}

impl Called {
    /// The JSON of a 2xx answer.
    ///
    /// # Errors
    /// A sentence that says what came instead.
    pub fn json(self) -> Result<Value, String> {
        match self {
            Self::Answer { status: 200..=299, body, .. } => {
                serde_json::from_slice(&body).map_err(|why| format!("the answer is not JSON: {why}"))
            }
            Self::Answer { status, body, .. } => Err(match transom_meta::send::parse_error(&body) {
                Some(error) => {
                    let details = error.details.map(|d| format!(" ({d})")).unwrap_or_default();
                    format!("HTTP {status}, code {}: {}{details}", error.code, error.title)
                }
                None => format!("HTTP {status} without an error object"),
            }),
            Self::NeverLeft(why) => Err(format!("it cannot be reached: {why}")),
            Self::Lost(why) => Err(format!("it did not answer: {why}")),
        }
    }
}

impl Upstream {
    /// Meta at the other end of a wire.
    #[must_use]
    pub fn new(settings: &UpstreamSettings, wire: Arc<dyn Wire>) -> Self {
        let root = format!("{}/{}/", settings.graph_url.trim_end_matches('/'), settings.version);
        Self { wire, root: root.into(), version: settings.version.as_str().into() }
    }

    /// Address and version, with a slash at the end.
    #[must_use]
    pub fn root(&self) -> &str {
        &self.root
    }

    /// The Graph version in use.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Calls `path` (without version, with its query) under a token.
    pub async fn call(&self, method: Method, path: &str, token: &str, body: Option<&Value>) -> Called {
        let path = path.trim_start_matches('/');
        let request = Request::builder().method(method).uri([&self.root, path].concat());
        // `sensitive` keeps it out of debug output.
        let bearer = HeaderValue::try_from(["Bearer ", token].concat()).map(|mut value| {
            value.set_sensitive(true);
            value
        });
        let request = match bearer {
            Ok(bearer) => request.header(AUTHORIZATION, bearer),
            Err(_) => return Called::NeverLeft("the token has characters that no header can carry".to_owned()),
        };
        let request = match body.map(serde_json::to_vec).transpose() {
            Ok(None) => request.body(Bytes::new()),
            Ok(Some(body)) => request.header(CONTENT_TYPE, HeaderValue::from_static("application/json")).body(body.into()),
            Err(why) => return Called::NeverLeft(format!("the request cannot be written: {why}")),
        };
        match request {
            Ok(request) => self.wire.call(request, Wanted::Whole(ANSWER_MAX)).await,
            Err(why) => Called::NeverLeft(format!("the request cannot be written: {why}")),
        }
    }

    /// Gives the bytes of a file from an offset on to an upload that was begun; `session` is the path that Meta gave for it (Meta:
    /// graph-api/guides/upload).
    pub async fn upload(&self, session: &str, token: &str, offset: usize, bytes: Bytes) -> Called {
        self.in_upload(Method::POST, session, token, Some(offset), bytes).await
    }

    /// How far an upload has come.
    pub async fn upload_state(&self, session: &str, token: &str) -> Called {
        self.in_upload(Method::GET, session, token, None, Bytes::new()).await
    }

    async fn in_upload(&self, method: Method, session: &str, token: &str, offset: Option<usize>, bytes: Bytes) -> Called {
        let mut request = Request::builder().method(method).uri([&self.root, session].concat());
        if let Some(offset) = offset {
            request = request.header("file_offset", offset.to_string());
        }
        let Ok(mut auth) = HeaderValue::try_from(["OAuth ", token].concat()) else {
            return Called::NeverLeft("the token has characters that no header can carry".to_owned());
        };
        auth.set_sensitive(true);
        match request.header(AUTHORIZATION, auth).body(bytes) {
            Ok(request) => self.wire.call(request, Wanted::Whole(ANSWER_MAX)).await,
            Err(why) => Called::NeverLeft(format!("the request cannot be written: {why}")),
        }
    }

    /// Sends a message through a phone number.
    pub async fn send(&self, phone_number_id: &str, token: &str, body: &Value) -> Called {
        self.call(Method::POST, &transom_meta::graph::messages_path(phone_number_id), token, Some(body)).await
    }
}
