//! A small JSON client for the gateway's API, the simulator's controls and its Graph.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

use crate::fail::Fail;

/// The longest that a download may take.
const DOWNLOAD_MAX: Duration = Duration::from_secs(3_600);
/// Longer than any process runs.
const UNENDING: Duration = Duration::from_secs(u32::MAX as u64);

/// How long a file may take.
const FILE_TIMEOUT: Duration = Duration::from_secs(600);

/// Where, and under which header.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    header: Option<(&'static str, String)>,
    idempotency_key: Option<String>,
}

impl Client {
    fn make(base: &str, header: Option<(&'static str, String)>) -> Result<Self, Fail> {
        // The machine's own proxy settings are for the internet, not for a server on this desk.
        let http = reqwest::Client::builder().timeout(Duration::from_secs(30)).no_proxy().build();
        let http = http.map_err(|why| Fail::new(format!("no HTTP client: {why}")))?;
        Ok(Self { http, base: base.trim_end_matches('/').to_owned(), header, idempotency_key: None })
    }

    /// For a server that asks for nothing.
    pub(crate) fn plain(base: &str) -> Result<Self, Fail> {
        Self::make(base, None)
    }

    /// For our native API.
    pub(crate) fn native(base: &str, key: &str) -> Result<Self, Fail> {
        Self::make(base, Some(("x-api-key", key.to_owned())))
    }

    /// For a server that asks for a user and a password, which are encoded already.
    pub(crate) fn basic(base: &str, encoded: &str) -> Result<Self, Fail> {
        Self::make(base, Some(("authorization", format!("Basic {encoded}"))))
    }

    /// For Graph, and for the operator's door.
    pub(crate) fn bearer(base: &str, token: &str) -> Result<Self, Fail> {
        Self::make(base, Some(("authorization", format!("Bearer {token}"))))
    }

    /// Sends under an idempotency key.
    pub(crate) fn idempotent(mut self, key: &str) -> Self {
        self.idempotency_key = Some(key.to_owned());
        self
    }

    /// Calls, and gives status and JSON (null for an empty body).
    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<(u16, Value), Fail> {
        let url = format!("{}{path}", self.base);
        let mut request = self.http.request(method.clone(), &url);
        if let Some((name, value)) = &self.header {
            request = request.header(*name, value);
        }
        if let Some(key) = &self.idempotency_key {
            request = request.header("idempotency-key", key);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.map_err(|why| self.unreachable(&why))?;
        let status = answer.status().as_u16();
        let bytes = answer.bytes().await.map_err(|why| self.unreachable(&why))?;
        if bytes.is_empty() {
            return Ok((status, Value::Null));
        }
        match serde_json::from_slice(&bytes) {
            Ok(json) => Ok((status, json)),
            Err(_) => Err(Fail::new(format!("{method} {url} answered HTTP {status} without JSON"))
                .remedy("Check that the address is a gateway's.")),
        }
    }

    /// Reads an answer piece by piece, however long it is; a refusal is given with its status and the object that it says.
    pub(crate) async fn download(
        &self,
        path: &str,
        mut take: impl FnMut(&[u8]) -> Result<(), Fail>,
    ) -> Result<Result<(), (u16, Value)>, Fail> {
        let url = format!("{}{path}", self.base);
        let mut request = self.http.get(&url).timeout(DOWNLOAD_MAX);
        if let Some((name, value)) = &self.header {
            request = request.header(*name, value);
        }
        let mut answer = request.send().await.map_err(|why| self.unreachable(&why))?;
        let status = answer.status();
        if !status.is_success() {
            return Ok(Err((status.as_u16(), answer.json().await.unwrap_or_default())));
        }
        let cut = |why: reqwest::Error| Fail::new(format!("the answer of {url} broke off: {why}")).remedy("Try it again.");
        while let Some(piece) = answer.chunk().await.map_err(cut)? {
            take(&piece)?;
        }
        Ok(Ok(()))
    }

    /// Asks for an answer without an end; it is the caller who loses patience.
    pub(crate) async fn stream(&self, path: &str, query: &[(&str, String)]) -> Result<reqwest::Response, Fail> {
        // The client's own time is for answers that end.
        let mut request = self.http.get(format!("{}{path}", self.base)).query(query).timeout(UNENDING);
        if let Some((name, value)) = &self.header {
            request = request.header(*name, value);
        }
        request.send().await.map_err(|why| self.unreachable(&why))
    }

    /// Calls, and takes nothing but success.
    pub(crate) async fn must(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, Fail> {
        match self.call(method.clone(), path, body).await? {
            (200..=299, json) => Ok(json),
            (status, json) => Err(Fail::new(format!("{method} {}{path} answered HTTP {status}: {json}", self.base))),
        }
    }

    /// Calls with bytes for bytes.
    pub(crate) async fn bytes(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, String)],
        body: Vec<u8>,
    ) -> Result<(u16, Vec<u8>), Fail> {
        let mut request = self.http.request(method, format!("{}{path}", self.base)).timeout(FILE_TIMEOUT).body(body);
        if let Some((name, value)) = &self.header {
            request = request.header(*name, value);
        }
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let answer = request.send().await.map_err(|why| self.unreachable(&why))?;
        let status = answer.status().as_u16();
        let bytes = answer.bytes().await.map_err(|why| self.unreachable(&why))?;
        Ok((status, bytes.to_vec()))
    }

    /// Sends bytes as they are, under headers of their own.
    pub(crate) async fn upload(&self, path: &str, headers: &[(&str, String)], bytes: Vec<u8>) -> Result<Value, Fail> {
        let url = format!("{}{path}", self.base);
        let mut request = self.http.post(&url).body(bytes);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let answer = request.send().await.map_err(|why| self.unreachable(&why))?;
        let status = answer.status();
        let bytes = answer.bytes().await.map_err(|why| self.unreachable(&why))?;
        match serde_json::from_slice(&bytes) {
            Ok(json) if status.is_success() => Ok(json),
            _ => Err(Fail::new(format!("POST {url} answered HTTP {status}"))),
        }
    }

    fn unreachable(&self, why: &reqwest::Error) -> Fail {
        // The innermost cause says what a person can act on.
        let mut cause: &dyn std::error::Error = why;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        Fail::new(format!("{} cannot be reached: {cause}", self.base))
            .remedy("Check that it runs there; `transom dev` starts gateway and simulator.")
    }
}
