//! The readers of Graph requests without HTTP around them, for the fuzz targets.

use axum::http::{HeaderMap, HeaderValue, Method, header};
use serde_json::Value;

use crate::graph::error::GraphError;
use crate::graph::read::Fields;
use crate::graph::{send, template_send};
use crate::http::call::Call;
use crate::world::{inbound_shape, template};

fn in_words(error: GraphError) -> String {
    format!("{error:?}")
}

/// The body of `POST /{phone_number_id}/messages`.
///
/// # Errors
/// What Graph would answer.
pub fn send(body: &Value) -> Result<(), String> {
    let mut body = body.clone();
    send::unwrap_json(&mut body);
    send::read(&body).map(|_| ()).map_err(in_words)
}

/// The body of `POST /{waba_id}/message_templates`.
///
/// # Errors
/// What Graph would answer.
pub fn create_template(body: &Value) -> Result<(), String> {
    template::create::read(body).map(|_| ()).map_err(in_words)
}

/// A template message, held against the template that was asked for in `create`.
///
/// # Errors
/// What Graph would answer.
pub fn template_takes(create: &Value, message: &Value) -> Result<(), String> {
    let draft = template::create::read(create).map_err(in_words)?;
    let mut message = message.clone();
    send::unwrap_json(&mut message);
    let fields = Fields::body(&message).map_err(in_words)?;
    let sent = fields.object("template").and_then(|t| template_send::read(&t)).map_err(in_words)?;
    template::send::takes(&draft, &sent.parts).map_err(in_words)
}

/// A form in Meta's language for forms.
///
/// # Errors
/// Everything that Meta's validation would list.
pub fn flow_json(text: &str) -> Result<(), String> {
    crate::graph::flow_json::read(text).map(|_| ()).map_err(|faults| format!("{faults:?}"))
}

/// What a customer writes, as the desk takes it.
///
/// # Errors
/// What the desk would answer.
pub fn customer_writes(body: &Value) -> Result<(), String> {
    Fields::body(body).and_then(|fields| inbound_shape::read(&fields, "to")).map(|_| ()).map_err(in_words)
}

/// The parameters of a call, wherever they stand; `form` says that the body is a form.
///
/// # Errors
/// What Graph would answer.
pub fn parameters(path: &str, query: &str, form: bool, body: &[u8]) -> Result<Value, String> {
    let mut headers = HeaderMap::new();
    if form {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    }
    let mut call = Call::new(Method::POST, path, Some(query), headers).map_err(in_words)?;
    call.body = bytes::Bytes::copy_from_slice(body);
    let _ = call.fields();
    let _ = Call::logged_path(path, Some(query));
    call.parameters().map_err(in_words)
}
