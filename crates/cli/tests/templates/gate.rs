//! A gate in front of a server: everything goes through, until the call at which somebody is killed.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::Method;
use axum::response::Response;

/// When the blow falls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blow {
    /// Before the call is carried out: it never is.
    Before,
    /// While it is carried out.
    During,
    /// After it was carried out, before its answer.
    After,
}

/// Which call, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cut {
    /// From 1.
    pub(crate) at: usize,
    pub(crate) blow: Blow,
    /// Whether only calls that change something count.
    pub(crate) changes_only: bool,
}

struct Inner {
    target: String,
    http: reqwest::Client,
    /// Whether a call changes something.
    changes: fn(&Method, &str) -> bool,
    plan: Mutex<(Option<Cut>, usize)>,
    victim: AtomicU32,
}

/// A gate at work.
#[derive(Clone)]
pub(crate) struct Gate {
    inner: Arc<Inner>,
    pub(crate) url: String,
}

impl Gate {
    /// Opens one in front of a server.
    pub(crate) async fn open(target: &str, changes: fn(&Method, &str) -> bool) -> Self {
        let http = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap();
        let inner =
            Arc::new(Inner { target: target.to_owned(), http, changes, plan: Mutex::new((None, 0)), victim: AtomicU32::new(0) });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(pass).with_state(inner.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { inner, url }
    }

    /// Kills whoever is named next by [`Gate::victim`] at this call.
    pub(crate) fn cut(&self, cut: Option<Cut>) {
        self.inner.victim.store(0, Ordering::SeqCst);
        *self.inner.plan.lock().unwrap_or_else(PoisonError::into_inner) = (cut, 0);
    }

    /// Who is to be killed.
    pub(crate) fn victim(&self, pid: u32) {
        self.inner.victim.store(pid, Ordering::SeqCst);
    }

    /// Whether the blow has not fallen.
    pub(crate) fn is_armed(&self) -> bool {
        self.inner.plan.lock().unwrap_or_else(PoisonError::into_inner).0.is_some()
    }
}

impl Inner {
    fn falls(&self, method: &Method, path: &str) -> Option<Blow> {
        let mut plan = self.plan.lock().unwrap_or_else(PoisonError::into_inner);
        let cut = plan.0?;
        if cut.changes_only && !(self.changes)(method, path) {
            return None;
        }
        plan.1 += 1;
        if plan.1 != cut.at {
            return None;
        }
        plan.0 = None;
        Some(cut.blow)
    }

    async fn kill(&self) {
        let pid = loop {
            match self.victim.load(Ordering::SeqCst) {
                0 => tokio::task::yield_now().await,
                pid => break pid,
            }
        };
        let sent = std::process::Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap();
        assert!(sent.success());
    }

    async fn send(&self, method: Method, path: &str, headers: axum::http::HeaderMap, body: Bytes) -> Option<Response> {
        let mut request = self.http.request(method, format!("{}{path}", self.target)).body(body);
        for (name, value) in headers.iter().filter(|(name, _)| !matches!(name.as_str(), "host" | "content-length")) {
            request = request.header(name, value);
        }
        let answer = request.send().await.ok()?;
        let mut response = Response::builder().status(answer.status());
        for (name, value) in answer.headers().iter().filter(|(name, _)| name.as_str() != "transfer-encoding") {
            response = response.header(name, value);
        }
        Some(response.body(Body::from(answer.bytes().await.ok()?)).unwrap())
    }
}

async fn pass(State(inner): State<Arc<Inner>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let path = head.uri.path_and_query().unwrap().to_string();
    let body = to_bytes(body, 64 << 20).await.unwrap();
    let blow = inner.falls(&head.method, &path);
    match blow {
        Some(Blow::Before) => inner.kill().await,
        Some(Blow::During) => {
            let (inner, method, headers) = (inner.clone(), head.method.clone(), head.headers.clone());
            let again = inner.clone();
            tokio::spawn(async move { inner.send(method, &path, headers, body).await });
            again.kill().await;
        }
        Some(Blow::After) => {
            let _answer = inner.send(head.method, &path, head.headers, body).await;
            inner.kill().await;
        }
        None => {
            let answer = inner.send(head.method, &path, head.headers, body).await;
            return answer.unwrap_or_else(|| Response::builder().status(502).body(Body::empty()).unwrap());
        }
    }
    // Nobody is there to hear it.
    Response::builder().status(502).body(Body::empty()).unwrap()
}
