//! Media endpoints (WA business-phone-numbers/media): upload, resolve, download, delete.

use axum::body::Body;
use axum::extract::{FromRequest, Multipart};
use axum::http::Request;
use serde_json::json;

use super::App;
use super::answer::{GraphResult, Outcome};
use super::call::Call;
use super::graph::success;
use crate::engine::Fault;
use crate::graph::error::GraphError;
use crate::sign::sha256;
use crate::world::media::{Media, kind_of};

/// What came in the form.
#[derive(Default)]
struct Form {
    product: Option<String>,
    kind: Option<String>,
    file: Option<(Option<String>, Vec<u8>)>,
}

/// `POST /{phone_number_id}/media`.
pub(crate) async fn upload(app: &App, call: &Call, number: u64) -> GraphResult {
    let form = read_form(call).await?;
    if form.product.as_deref() != Some("whatsapp") {
        return Err(GraphError::missing("messaging_product"));
    }
    let (declared, bytes) = form.file.ok_or_else(|| GraphError::missing("file"))?;
    let mime = declared.filter(|mime| mime != "application/octet-stream").or(form.kind);
    let mime = mime.ok_or_else(|| GraphError::missing("type"))?;
    let Some((kind, max)) = kind_of(&mime) else {
        return Err(GraphError::invalid(format!(
            "Param file must be a file with one of the following types: image/jpeg, image/png, video/mp4, video/3gpp, audio/aac, audio/amr, \
             audio/mpeg, audio/mp4, audio/ogg, image/webp, text/plain, application/pdf or an Office type. Received file of type '{mime}'."
        ))
        .about("file"));
    };
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if size == 0 || size > max {
        return Err(GraphError::invalid(format!(
            "Param file: {} files have between 1 and {max} bytes; this one has {size}.",
            kind.as_str()
        ))
        .about("file"));
    }
    let id = keep(app, number, mime, bytes, false).await?.id;
    Ok(json!({ "id": id.to_string() }).into())
}

/// Writes the bytes, then takes the file up into the world.
async fn keep(app: &App, number: u64, mime: String, bytes: Vec<u8>, inbound: bool) -> Result<Media, GraphError> {
    let media = store_file(app, number, mime, bytes, inbound).await?;
    app.engine.commit(|world, _| world.add_media(media.clone())).await?;
    Ok(media)
}

/// Writes the bytes under a new id; the world does not know of them yet.
pub(crate) async fn store_file(app: &App, number: u64, mime: String, bytes: Vec<u8>, inbound: bool) -> Result<Media, Fault> {
    let id = app.engine.step(|world, _| world.fresh_id()).0;
    let engine = app.engine.clone();
    let written = tokio::task::spawn_blocking(move || {
        let (sha256, size) = (sha256(&bytes), u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        engine.folder.write_media(id, &bytes).map(|()| (sha256, size))
    })
    .await;
    match written {
        Ok(Ok((sha256, size))) => Ok(Media { id, number, mime, sha256, size, at: app.engine.clock.now().as_millis(), inbound }),
        Ok(Err(error)) => {
            tracing::error!(%error, "a media file could not be written");
            Err(Fault::Broken)
        }
        Err(_) => Err(Fault::Broken),
    }
}

async fn read_form(call: &Call) -> Result<Form, GraphError> {
    let bad = |what: &str| {
        GraphError::invalid(format!("The request must be multipart/form-data with messaging_product, file and type: {what}."))
    };
    let mut request = Request::new(Body::from(call.body.clone()));
    *request.headers_mut() = call.headers.clone();
    let limit = axum::extract::DefaultBodyLimit::disable();
    let mut multipart = {
        use tower::{Layer, ServiceExt};
        // The extractor has a limit of its own, which is taken off here: the body has been bounded when it was read.
        let service = limit.layer(tower::service_fn(|request: Request<Body>| async move {
            Ok::<_, std::convert::Infallible>(Multipart::from_request(request, &()).await)
        }));
        match service.oneshot(request).await {
            Ok(multipart) => multipart.map_err(|error| bad(&error.body_text()))?,
            Err(never) => match never {},
        }
    };
    let mut form = Form::default();
    while let Some(field) = multipart.next_field().await.map_err(|error| bad(&error.body_text()))? {
        let name = field.name().unwrap_or("").to_owned();
        let kind = field.content_type().map(str::to_owned);
        let bytes = field.bytes().await.map_err(|error| bad(&error.body_text()))?;
        let text = || String::from_utf8_lossy(&bytes).into_owned();
        match name.as_str() {
            "messaging_product" => form.product = Some(text()),
            "type" => form.kind = Some(text()),
            "file" => form.file = Some((kind, bytes.to_vec())),
            // Some clients repeat what the file part says already.
            "filename" | "access_token" => {}
            other => {
                return Err(GraphError::invalid(format!("Unexpected key \"{other}\" on param \"the request\".")).about(other));
            }
        }
    }
    Ok(form)
}

fn number_of(call: &Call) -> Result<Option<u64>, GraphError> {
    call.query
        .get("phone_number_id")
        .map(|text| {
            text.parse().map_err(|_| GraphError::invalid("Param phone_number_id must be an id.").about("phone_number_id"))
        })
        .transpose()
}

/// `GET /{media_id}`: a URL for five minutes.
pub(crate) fn resolve(app: &App, call: &Call, id: u64) -> GraphResult {
    let number = number_of(call)?;
    let shown = app.engine.look(|world, now| {
        world.live_media(id, number, now.world).map(|media| {
            json!({
                "messaging_product": "whatsapp",
                "url": world.media_url(id, now.world),
                "mime_type": media.mime,
                "sha256": media.sha256,
                "file_size": media.size,
                "id": id.to_string(),
            })
        })
    });
    shown.map(Into::into).ok_or_else(|| GraphError::no_such_object("GET", &id.to_string()))
}

/// `DELETE /{media_id}`.
pub(crate) async fn delete(app: &App, call: &Call, id: u64) -> GraphResult {
    let number = number_of(call)?;
    let deleted = app.engine.commit(|world, now| {
        let is_there = world.live_media(id, number, now.world).is_some();
        if is_there {
            world.remove_media(id);
        }
        is_there
    });
    if !deleted.await? {
        return Err(GraphError::no_such_object("DELETE", &id.to_string()));
    }
    // Only once the row is gone: a row without a file would be a lie.
    let engine = app.engine.clone();
    let _ = tokio::task::spawn_blocking(move || engine.folder.remove_media(id)).await;
    Ok(success())
}

/// The URL of a resolve or a webhook, with the token; 404 once its five minutes are over.
pub(crate) async fn download(app: &App, call: &Call) -> GraphResult {
    let part = |key: &str| call.query.get(key).map_or("", String::as_str);
    let (id, until) = (part("mid").parse().unwrap_or(0), part("ext").parse().unwrap_or(0));
    let found = app.engine.look(|world, now| {
        if world.is_media_url(id, until, part("hash"), now.world) {
            world.live_media(id, None, now.world).map(|media| media.mime.clone())
        } else {
            None
        }
    });
    let gone = || GraphError::invalid("This media URL is not valid any more; resolve the id again.").with_http(404);
    bytes_of(app, id, found).await.ok_or_else(gone)
}

/// What the link of a file on Messenger leads to. It needs no token: the link itself is the secret.
pub(crate) async fn attachment(app: &App, call: &Call) -> GraphResult {
    let part = |key: &str| call.query.get(key).map_or("", String::as_str);
    let id: u64 = part("mid").parse().unwrap_or(0);
    let found = app.engine.look(|world, now| {
        let known = world.live_media(id, None, now.world).filter(|_| world.is_attachment_url(id, part("hash")));
        known.map(|media| media.mime.clone())
    });
    let gone = || GraphError::invalid("This attachment is not here, or not any more.").with_http(404);
    bytes_of(app, id, found).await.ok_or_else(gone)
}

/// The bytes of a file, with its type; none where it is not known, or they are not there.
async fn bytes_of(app: &App, id: u64, mime: Option<String>) -> Option<Outcome> {
    let (engine, mime) = (app.engine.clone(), mime?);
    let read = tokio::task::spawn_blocking(move || engine.folder.read_media(id)).await;
    Some(Outcome::Bytes { mime, bytes: read.ok()?.ok()? })
}
