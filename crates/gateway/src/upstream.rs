//! The way to Meta: one pooled HTTP client. It tells an answer from a lost one, and a lost one from a call that never left.

use std::time::Duration;

use bytes::Bytes;
use reqwest::Method;
use serde_json::Value;

/// Largest answer that is read; Meta's are a few kilobytes, a page of templates a few hundred.
const ANSWER_MAX: usize = 8 * 1024 * 1024;

/// Where and how Meta is called.
#[derive(Debug, Clone)]
pub struct UpstreamSettings {
    /// Address without version or trailing slash, such as `https://graph.facebook.com`.
    pub graph_url: String,
    /// Graph version, such as `v25.0`.
    pub version: String,
    /// After this an answer counts as lost.
    pub timeout: Duration,
}

/// The client; cheap to clone.
#[derive(Debug, Clone)]
pub struct Upstream {
    client: reqwest::Client,
    root: String,
    version: String,
}

/// What became of a call.
#[derive(Debug, Clone)]
pub enum Called {
    /// The upstream answered.
    Answer {
        /// HTTP status.
        status: u16,
        /// Body.
        body: Bytes,
    },
    /// Nothing left: it can be called again without a doubt.
    NeverLeft(String),
    /// It may have arrived; nobody knows.
    Lost(String),
}

impl Called {
    /// The JSON of a 2xx answer.
    ///
    /// # Errors
    /// A sentence that says what came instead.
    pub fn json(self) -> Result<Value, String> {
        match self {
            Self::Answer { status: 200..=299, body } => {
                serde_json::from_slice(&body).map_err(|why| format!("the answer is not JSON: {why}"))
            }
            Self::Answer { status, body } => Err(match transom_meta::send::parse_error(&body) {
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
    /// Makes the client.
    ///
    /// # Errors
    /// When TLS cannot be set up, as a sentence.
    pub fn new(settings: &UpstreamSettings) -> Result<Self, String> {
        let client = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(5))
            .timeout(settings.timeout)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .tcp_nodelay(true)
            .pool_idle_timeout(Duration::from_secs(30))
            .user_agent(concat!("transom/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|why| why.to_string())?;
        Ok(Self { client, root: settings.graph_url.trim_end_matches('/').to_owned(), version: settings.version.clone() })
    }

    /// The Graph version in use.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Calls `path` (without version, with its query) under a token.
    pub async fn call(&self, method: Method, path: &str, token: &str, body: Option<&Value>) -> Called {
        let mut request = self
            .client
            .request(method, format!("{}/{}/{}", self.root, self.version, path.trim_start_matches('/')))
            .bearer_auth(token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(why) if why.is_connect() || why.is_builder() => return Called::NeverLeft(in_words(&why)),
            Err(why) => return Called::Lost(in_words(&why)),
        };
        let status = answer.status().as_u16();
        match bounded(answer, ANSWER_MAX).await {
            Ok(body) => Called::Answer { status, body },
            Err(why) => Called::Lost(why),
        }
    }

    /// Sends a message through a phone number.
    pub async fn send(&self, phone_number_id: &str, token: &str, body: &Value) -> Called {
        self.call(Method::POST, &transom_meta::graph::messages_path(phone_number_id), token, Some(body)).await
    }
}

/// Reads a body up to a bound.
///
/// # Errors
/// A sentence: the connection broke, or the body is larger.
pub async fn bounded(mut answer: reqwest::Response, max: usize) -> Result<Bytes, String> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|why| in_words(&why))? {
        if body.len() + chunk.len() > max {
            return Err(format!("the body is larger than {max} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.into())
}

/// The innermost cause, without the address (a token could be in it).
#[must_use]
pub fn in_words(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "timed out".to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
