//! The HTTP surface: one listener, one set of layers, and under them the native dialect, the way in from Meta, health, metrics
//! and the documentation.

mod bounds;
pub(crate) mod call;
mod docs;
mod files;
mod health;
mod layers;
mod listener;
mod meta;
mod pages;
mod patient;
pub(crate) mod refusal;
mod replicas;

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;

use transom_domain::error_code::ErrorCode;

use crate::admin::{self, Admin};
use crate::chance::Chance;
use crate::console::{self, Console, ConsoleSettings};
use crate::intake::Intake;
use crate::native;
use crate::problem::Problem;
use crate::service::Service;
use crate::twilio;
use crate::work::replicas::Keeper;

use self::bounds::Bounds;

pub use listener::{Peer, serve};

/// Bounds on connections and requests.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// Connections at once; further ones wait in the kernel's queue. A bound on memory and file descriptors.
    pub connections_max: usize,
    /// A connection that says nothing for so long is closed.
    pub first_byte_timeout: Duration,
    /// The head of a request must arrive within this time. It is also how long a kept-alive connection may rest between two
    /// requests.
    pub header_timeout: Duration,
    /// The body of a request must arrive within this time.
    pub body_timeout: Duration,
    /// Bytes of Meta's webhooks in memory at once; what comes beyond is answered 503, and Meta sends it again.
    pub webhook_bytes: usize,
    /// Bytes of the API's bodies in memory at once; what comes beyond is answered 503.
    pub body_bytes: usize,
    /// A client that takes nothing of its answer for so long is cut off.
    pub write_timeout: Duration,
    /// When stopping, requests under way have so long to finish.
    pub drain: Duration,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            connections_max: 8_192,
            first_byte_timeout: Duration::from_secs(10),
            header_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(30),
            webhook_bytes: 128 * 1024 * 1024,
            body_bytes: 64 * 1024 * 1024,
            write_timeout: Duration::from_secs(30),
            drain: Duration::from_secs(20),
        }
    }
}

/// What the HTTP surface is given.
pub struct Parts {
    /// The service behind every dialect.
    pub service: Service,
    /// The way in from Meta.
    pub intake: Intake,
    /// The operator's door, with its token; none leaves it out.
    pub admin: Option<(Admin, String)>,
    /// The console.
    pub console: ConsoleSettings,
    /// What `/metrics` prints.
    pub metrics: PrometheusHandle,
    /// Who hears other replicas, where there may be some.
    pub keeper: Option<Keeper>,
    /// Bounds.
    pub settings: HttpSettings,
}

/// What every handler can reach; cheap to clone.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) service: Service,
    pub(crate) intake: Intake,
    pub(crate) metrics: PrometheusHandle,
    pub(crate) settings: std::sync::Arc<HttpSettings>,
    pub(crate) bounds: Bounds,
    pub(crate) console: Console,
}

/// The whole surface.
pub fn router(parts: Parts) -> Router {
    let Parts { service, intake, admin, console, metrics, keeper, settings } = parts;
    let serves_console = console.enabled;
    let console = Console::new(service.clone(), console);
    // A quarter of the connections is left to Meta, to health and to the operator.
    let requests = settings.connections_max - settings.connections_max / 4;
    let bounds = Bounds::new(settings.webhook_bytes, settings.body_bytes, requests);
    let body_timeout = settings.body_timeout;
    let app = App { service, intake, metrics, settings: std::sync::Arc::new(settings), bounds: bounds.clone(), console };
    let (operations, openapi) = native::routes().split_for_parts();
    let admitted = axum::middleware::from_fn_with_state(bounds, bounds::admit);
    let operations = operations.merge(twilio::routes()).layer(admitted);
    let public = app.service.files.links.base().to_owned();
    let mut router = Router::new()
        .merge(operations)
        .route("/webhooks/meta/{app}", get(meta::handshake).post(meta::hear))
        .route("/media/{business}/{media}", get(files::get))
        .merge(if serves_console { console::routes() } else { Router::new() })
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(health::metrics))
        .with_state(app)
        .merge(docs::routes(&openapi));
    if let Some(keeper) = keeper {
        router = router.merge(replicas::routes(keeper, body_timeout));
    }
    if let Some((admin, token)) = admin {
        router = router.merge(admin::routes(admin, &token, body_timeout));
    }
    let router = router.fallback(nothing_here).method_not_allowed_fallback(other_method);
    // Chance sets the trace ids of two processes apart.
    let seed = Chance::of_system().draw_u64();
    layers::surrounded(router, layers::Traces::new(seed), public)
}

async fn nothing_here() -> Problem {
    Problem::new(ErrorCode::NotFound, "There is nothing at this path.").remedy("See /docs for every path.")
}

async fn other_method() -> Problem {
    Problem::new(ErrorCode::MethodNotAllowed, "The path exists, but not for this method.")
}

#[cfg(test)]
mod surface_tests;
