//! The HTTP around the world: Meta's Graph API, the controls, and a page that says what this is.

pub(crate) mod accounts;
pub(crate) mod answer;
pub(crate) mod call;
pub(crate) mod control;
pub(crate) mod graph;
pub(crate) mod history;
pub(crate) mod landing;
pub(crate) mod log;
pub(crate) mod media;
pub(crate) mod page;
pub(crate) mod phone;
pub(crate) mod server;
pub(crate) mod subscriptions;
pub(crate) mod templates;
pub(crate) mod uploads;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use serde_json::json;

use crate::engine::Engine;
use log::{Entry, RequestLog};

/// What every handler needs.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) engine: Arc<Engine>,
    pub(crate) client: reqwest::Client,
    pub(crate) log: Arc<RequestLog>,
}

impl App {
    /// Keeps a Graph call, and tells who watches.
    pub(crate) fn record(&self, entry: Entry) {
        let told = self.engine.told.is_wanted().then(|| {
            let Entry { at, method, path, status, lost, .. } = &entry;
            json!({ "at": at, "method": method, "path": path, "status": status, "answerLost": lost })
        });
        let number = self.log.push(entry);
        if let Some(mut told) = told {
            told["seq"] = json!(number);
            self.engine.told.tell("request", &told);
        }
    }
}

/// All routes: the controls by their paths, everything else is a Graph call.
pub(crate) fn router(app: App) -> Router {
    Router::new()
        .route("/", get(landing::page))
        .route("/phone", get(phone::page))
        .route("/console/{*path}", get(phone::file))
        .nest("/sim/v1", control::routes())
        .fallback(graph::handle)
        .with_state(app)
}
