//! Samples for template headers: the resumable upload (FB graph-api/guides/upload).

use axum::http::Method;
use serde_json::json;

use super::App;
use super::answer::GraphResult;
use super::call::Call;
use crate::graph::error::GraphError;
use crate::graph::read::Fields;
use crate::world::effects::{Change, Entity};

/// What a sample can be: Meta, application/uploads.
const TYPES: [&str; 5] = ["application/pdf", "image/jpeg", "image/jpg", "image/png", "video/mp4"];
/// The most bytes of a sample; the largest kind a header can show.
const LENGTH_MAX: i64 = 100 << 20;

/// `POST /{app_id}/uploads`: begins one.
pub(crate) async fn open(app: &App, call: &Call) -> GraphResult {
    let value = call.parameters()?;
    let fields = Fields::body(&value)?;
    fields.only(&["file_name", "file_length", "file_type"])?;
    fields.text_opt("file_name", 240)?;
    let length = fields.int_opt("file_length")?.ok_or_else(|| GraphError::missing("file_length"))?;
    if !(1..=LENGTH_MAX).contains(&length) {
        return Err(fields.wrong("file_length", "must be between 1 byte and 100 MB."));
    }
    let kind = fields.one_of("file_type", &TYPES)?;
    let id = app
        .engine
        .commit(|world, _| {
            let id = world.fresh_id();
            let json = json!({ "length": length, "type": kind }).to_string();
            world.effects.changes.push(Change::Put { kind: Entity::Upload, id, json });
            // Length and type travel in the name, so that a session needs no place in memory.
            let proof = crate::sign::proof(&world.app.secret, &format!("upload.{id}.{length}"));
            format!("upload:{id}.{length}.{proof}")
        })
        .await?;
    Ok(json!({ "id": id }).into())
}

/// `/upload:…`: the bytes, or how far they got.
pub(crate) async fn upload(app: &App, call: &Call, name: &str) -> GraphResult {
    let unknown = || GraphError::no_such_object(call.method.as_str(), name);
    let mut parts = name.trim_start_matches("upload:").splitn(3, '.');
    let id: u64 = parts.next().and_then(|id| id.parse().ok()).ok_or_else(unknown)?;
    let length: usize = parts.next().and_then(|length| length.parse().ok()).ok_or_else(unknown)?;
    let proof = parts.next().unwrap_or("");
    let is_ours = app.engine.look(|world, _| crate::sign::proof(&world.app.secret, &format!("upload.{id}.{length}")) == proof);
    if !is_ours {
        return Err(unknown());
    }
    let engine = app.engine.clone();
    let so_far =
        tokio::task::spawn_blocking(move || engine.folder.read_media(id).map_or(0, |bytes| bytes.len())).await.unwrap_or(0);
    if call.method == Method::GET {
        return Ok(json!({ "id": name, "file_offset": so_far }).into());
    }
    if call.method != Method::POST {
        return Err(unknown());
    }
    let offset: usize = call
        .headers
        .get("file_offset")
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| GraphError::missing("file_offset"))?;
    if offset > so_far || offset + call.body.len() > length {
        return Err(
            GraphError::invalid(format!("The upload has {so_far} of {length} bytes; go on from there.")).about("file_offset")
        );
    }
    let (engine, body) = (app.engine.clone(), call.body.clone());
    let written = tokio::task::spawn_blocking(move || {
        let mut bytes = engine.folder.read_media(id).unwrap_or_default();
        bytes.truncate(offset);
        bytes.extend_from_slice(&body);
        engine.folder.write_media(id, &bytes).map(|()| bytes.len())
    })
    .await;
    match written {
        Ok(Ok(total)) if total == length => {
            let rest = app.engine.step(|world, _| world.chance.alphanumeric(80)).0;
            Ok(json!({ "h": format!("4::{rest}:{id}") }).into())
        }
        Ok(Ok(total)) => Ok(json!({ "id": name, "file_offset": total }).into()),
        _ => Err(GraphError::new(131_000, "The file could not be written.")),
    }
}
