//! The bytes of a file, for whoever shows what a phone shows.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, Response, header};

use super::{answer, refused};
use crate::http::App;
use crate::http::answer::POLICY;
use crate::world::desk::Refusal;

/// `GET media/{id}`: as long as Meta keeps it.
pub(super) async fn file(State(app): State<App>, Path(id): Path<String>) -> Response<Body> {
    match read(&app, &id).await {
        Ok(answer) => answer,
        Err(refusal) => refused(&refusal),
    }
}

async fn read(app: &App, id: &str) -> Result<Response<Body>, Refusal> {
    let gone = || Refusal::not_found("id", "no file has this id, or its time is over", "take an id from a customer's inbox");
    let id: u64 = id.parse().map_err(|_| gone())?;
    let mime = app.engine.look(|world, now| world.live_media(id, None, now.world).map(|media| media.mime.clone()));
    let mime = mime.ok_or_else(gone)?;
    let engine = app.engine.clone();
    let read = tokio::task::spawn_blocking(move || engine.folder.read_media(id)).await;
    let Ok(Ok(bytes)) = read else { return Err(gone()) };
    let mut answer = answer::with_type(200, "application/octet-stream", Body::from(bytes));
    let headers = answer.headers_mut();
    if let Ok(mime) = HeaderValue::from_str(&mime) {
        headers.insert(header::CONTENT_TYPE, mime);
    }
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Ok(answer)
}
