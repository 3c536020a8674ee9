//! The controls under `/sim/v1/`: the desk's side of the world. Unknown fields are refused here too.

mod clock;
mod customers;
mod desk;
mod media;
mod messenger;
mod news;
mod state;
mod stream;
mod templates;

use axum::Router;
use axum::body::Body;
use axum::body::Bytes;
use axum::http::Response;
use axum::routing::{get, post};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::App;
use super::answer;
use crate::world::desk::Refusal;

/// A control's answer.
type Control = Result<Value, Refusal>;

/// All controls.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/customers", get(customers::list).post(customers::create))
        .route("/customers/{id}", get(customers::read).patch(customers::change))
        .route("/customers/{id}/messages", post(customers::write))
        .route("/customers/{id}/echoes", post(customers::echo))
        .route("/customers/{id}/calls", post(customers::call))
        .route("/customers/{id}/taps", post(customers::tap))
        .route("/customers/{id}/reads", post(customers::reads))
        .route("/customers/{id}/inbox", get(customers::inbox))
        .route("/clock", get(clock::read).post(clock::turn))
        .route("/templates", get(templates::all))
        .route("/templates/rules", get(templates::rules))
        .route("/templates/{id}", get(templates::one))
        .route("/templates/{id}/review", post(templates::review))
        .route("/templates/{id}/appeal", post(templates::appeal))
        .route("/flows", get(templates::flows))
        .route("/flows/{id}", get(templates::flow))
        .route("/catalogs", get(desk::catalogs).post(desk::add_catalog))
        .route("/numbers", get(desk::numbers).post(desk::add_number))
        .route("/numbers/{id}", get(desk::number).patch(desk::change_number))
        .route("/accounts/{id}/news", post(news::order))
        .route("/media/{id}", get(media::file))
        .route("/faults", get(desk::faults).put(desk::order_faults))
        .route("/settings", get(desk::settings).patch(desk::change_settings))
        .route("/identity", get(state::identity))
        .route("/state", get(state::state))
        .route("/messages", get(state::messages))
        .route("/page-messages", get(state::page_messages))
        .route("/requests", get(state::requests))
        .route("/webhooks", get(state::webhooks))
        .route("/stream", get(stream::follow))
        .fallback(absent)
        .layer(axum::extract::DefaultBodyLimit::max(BODY_MAX))
}

/// A control's body: 100 MB of a customer's file in base64 and a little around it.
const BODY_MAX: usize = 150 << 20;

/// Nothing is here.
pub(super) async fn absent() -> Response<Body> {
    refused(&Refusal::not_found("path", "there is no such control", "the page at / lists them"))
}

fn printed(result: Control) -> Response<Body> {
    match result {
        Ok(value) => answer::json(200, value.to_string()),
        Err(refusal) => refused(&refusal),
    }
}

fn created(result: Control) -> Response<Body> {
    match result {
        Ok(value) => answer::json(201, value.to_string()),
        Err(refusal) => refused(&refusal),
    }
}

fn refused(refusal: &Refusal) -> Response<Body> {
    answer::json(refusal.status, refusal.body().to_string())
}

/// The body as JSON; an empty one counts as `{}`.
fn value(body: &Bytes) -> Result<Value, Refusal> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(json!({}));
    }
    serde_json::from_slice(body)
        .map_err(|error| Refusal::invalid("body", &format!("not valid JSON: {error}"), "send a JSON object"))
}

/// The body as one of our own types; says which field does not fit.
fn typed<T: DeserializeOwned>(body: &Bytes) -> Result<T, Refusal> {
    let value = value(body)?;
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let message = error.inner().to_string();
        // serde names an unknown or missing field only in its message, between backticks.
        let named =
            message.split('`').nth(1).filter(|_| message.starts_with("unknown field") || message.starts_with("missing field"));
        let field = match (path.as_str(), named) {
            (".", Some(named)) => named.to_owned(),
            (".", None) => "body".to_owned(),
            (path, _) => path.to_owned(),
        };
        Refusal::invalid(&field, &message, "correct the field; the page at / describes the controls")
    })
}
