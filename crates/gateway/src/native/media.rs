//! `media`: files that callers upload, and what is known of a file.

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures::TryStreamExt as _;
use serde::Serialize;
use utoipa::ToSchema;

use transom_domain::id::MediaId;
use transom_domain::media::{NAME_MAX, reference};
use transom_store::MediaState;

use super::common::rfc3339;
use super::query::Query;
use crate::http::App;
use crate::http::call::{Authorised, PathId, SEND, json as answer};
use crate::http::refusal::{ReadRefusals, UploadRefusals};
use crate::problem::Problem;
use crate::seal::hex;
use crate::service::{NewMedia, Shown};

/// A file.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Media)]
pub(crate) struct MediaView {
    /// Names it. The file of a message that came in has the message's id.
    id: String,
    /// `stored`: its bytes are here. `waiting`: they are being fetched from Meta. `failed`: they could not be.
    #[schema(example = "stored")]
    state: &'static str,
    /// Type.
    #[schema(example = "image/jpeg")]
    mime_type: String,
    /// As what it is sent: `image`, `video`, `audio`, `document` or `sticker`.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    /// Bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    /// SHA-256 of its bytes, in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    /// Name.
    #[serde(skip_serializing_if = "Option::is_none")]
    filename: Option<String>,
    /// The message it came with.
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<String>,
    /// Since when.
    created_at: String,
    /// A fresh link that needs no key; good for days, and then asked for anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// What stands for it wherever a send or content takes the link of a file.
    #[schema(example = "media:01K5Z3V8Q4M9W2N7T6R1XBCDEF.jpg")]
    reference: String,
    /// Why it could not be fetched.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl From<Shown> for MediaView {
    fn from(Shown { media, link }: Shown) -> Self {
        let (state, size, sha256, reason) = match &media.state {
            MediaState::Stored { digest, size } => ("stored", Some(*size), Some(hex(digest)), None),
            MediaState::Waiting { .. } => ("waiting", None, None, None),
            MediaState::Failed { why, .. } => ("failed", None, None, Some(why.clone())),
        };
        Self {
            id: media.id.to_string(),
            state,
            reference: reference(media.id, &media.mime_type),
            kind: media.kind.map(transom_domain::free_form::MediaKind::as_str),
            mime_type: media.mime_type,
            size,
            sha256,
            filename: media.filename,
            message_id: media.message.map(|id| id.to_string()),
            created_at: rfc3339(media.at),
            url: link,
            reason,
        }
    }
}

/// Upload a file
///
/// The body is the file itself, with its type in `Content-Type`. What the channel would not take is refused here: see the types
/// and sizes at Meta. The answer's `reference` stands wherever a send or content takes the link of a file.
#[utoipa::path(
    post,
    path = "/v1/businesses/{business}/media",
    operation_id = "uploadMedia",
    tag = "Media",
    params(
        ("business" = String, Path, description = "Id of the business"),
        ("filename" = Option<String>, Query, description = "Name of the file, at most 240 characters; what the customer sees of a document"),
    ),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "The file: up to 5 MiB of an image, 16 MiB of audio or video, 100 MiB of a document"),
    responses((status = 201, description = "Kept", body = MediaView), UploadRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn upload(
    State(app): State<App>,
    Authorised(caller): Authorised<SEND>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let mut query = Query::read(query.as_deref(), &["filename"]);
    let filename = query.get("filename").map(str::to_owned);
    query.notes.at_most("filename", filename.as_deref(), NAME_MAX);
    let filename = query.finish(filename)?;
    let text = |name: header::HeaderName| headers.get(name).and_then(|v| v.to_str().ok());
    let new = NewMedia {
        mime_type: text(header::CONTENT_TYPE).unwrap_or_default().to_owned(),
        filename,
        announced: text(header::CONTENT_LENGTH).and_then(|v| v.parse().ok()),
        body: Box::pin(body.into_data_stream().map_err(|_| "the connection was cut".to_owned())),
    };
    answer(StatusCode::CREATED, &MediaView::from(app.service.add_media(&caller, new).await?))
}

/// Read what is known of a file
///
/// With a fresh link to its bytes. The file of a message that came in is named by the message's id.
#[utoipa::path(
    get,
    path = "/v1/businesses/{business}/media/{id}",
    operation_id = "getMedia",
    tag = "Media",
    params(("business" = String, Path, description = "Id of the business"), ("id" = String, Path, description = "Id of the file")),
    responses((status = 200, description = "The file", body = MediaView), ReadRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn get(State(app): State<App>, Authorised(caller): Authorised<SEND>, id: PathId) -> Result<Response, Problem> {
    let id: MediaId = id.parse(|| Problem::not_found("file"))?;
    answer(StatusCode::OK, &MediaView::from(app.service.media(&caller, id).await?))
}

/// Delete a file
///
/// Links to it end at once. A message that waits to be sent with it will fail.
#[utoipa::path(
    delete,
    path = "/v1/businesses/{business}/media/{id}",
    operation_id = "deleteMedia",
    tag = "Media",
    params(("business" = String, Path, description = "Id of the business"), ("id" = String, Path, description = "Id of the file")),
    responses((status = 204, description = "Gone"), ReadRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn delete(
    State(app): State<App>,
    Authorised(caller): Authorised<SEND>,
    id: PathId,
) -> Result<Response, Problem> {
    let id: MediaId = id.parse(|| Problem::not_found("file"))?;
    app.service.delete_media(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
