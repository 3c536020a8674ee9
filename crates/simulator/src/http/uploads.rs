//! Samples for template headers: the resumable upload (FB graph-api/guides/upload), and the address under which a template shows one.

use axum::http::{Method, header};
use serde_json::{Value, json};

use super::App;
use super::answer::{GraphResult, Outcome};
use super::call::Call;
use crate::graph::error::GraphError;
use crate::graph::read::Fields;
use crate::world::World;
use crate::world::upload::TYPES;

/// `POST /{app_id}/uploads`: begins one.
pub(crate) async fn open(app: &App, call: &Call) -> GraphResult {
    let value = call.parameters()?;
    let fields = Fields::body(&value)?;
    fields.only(&["file_name", "file_length", "file_type"])?;
    fields.text_opt("file_name", 240)?;
    let length = fields.int_opt("file_length")?.ok_or_else(|| GraphError::missing("file_length"))?;
    let mime = fields.one_of("file_type", &TYPES.map(|(mime, ..)| mime))?;
    let most = TYPES.iter().find(|(known, ..)| *known == mime).map_or(0, |(_, most, _)| *most);
    let length = u64::try_from(length).unwrap_or(0);
    if !(1..=most).contains(&length) {
        return Err(fields.wrong("file_length", &format!("must be between 1 and {most} bytes for {mime}.")));
    }
    let stale = app.engine.commit(|world, now| world.clear_uploads(now)).await?;
    stale.into_iter().for_each(|id| app.engine.folder.remove_media(id));
    let opened = app.engine.commit(|world, now| {
        let id = world.open_upload(now, length, mime)?;
        Ok::<_, GraphError>(session(world, id))
    });
    Ok(json!({ "id": opened.await?? }).into())
}

/// The name of a session: only who opened it knows it.
fn session(world: &World, id: u64) -> String {
    format!("upload:{id}.{}", crate::sign::proof(&world.app.secret, &format!("upload.{id}")))
}

/// `/upload:…`: the bytes, or how far they got.
pub(crate) async fn upload(app: &App, call: &Call, name: &str) -> GraphResult {
    let unknown = || GraphError::no_such_object(call.method.as_str(), name);
    // Meta: the token of these calls stands in the header, nowhere else.
    if !call.headers.contains_key(header::AUTHORIZATION) {
        return Err(GraphError::bad_token("An access token is required in the Authorization header: OAuth {token}."));
    }
    let id: u64 = name.trim_start_matches("upload:").split('.').next().and_then(|id| id.parse().ok()).ok_or_else(unknown)?;
    let length = app.engine.look(|world, _| {
        let known = world.uploads.get(&id).filter(|_| session(world, id) == name);
        known.and_then(|upload| usize::try_from(upload.length).ok())
    });
    let length = length.ok_or_else(unknown)?;
    let engine = app.engine.clone();
    let so_far =
        tokio::task::spawn_blocking(move || engine.folder.read_media(id).map_or(0, |bytes| bytes.len())).await.unwrap_or(0);
    if call.method == Method::GET {
        return Ok(json!({ "id": name, "file_offset": so_far }).into());
    }
    if call.method != Method::POST {
        return Err(unknown());
    }
    let offset = call.headers.get("file_offset").and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok());
    let offset: usize = offset.ok_or_else(|| GraphError::missing("file_offset"))?;
    if offset > so_far || offset.saturating_add(call.body.len()) > length {
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
            let handle = app.engine.commit(|world, _| world.finish_upload(id)).await?;
            Ok(json!({ "h": handle.ok_or_else(unknown)? }).into())
        }
        Ok(Ok(total)) => Ok(json!({ "id": name, "file_offset": total }).into()),
        _ => Err(GraphError::new(131_000, "The file could not be written.")),
    }
}

/// Templates as they are read back: in place of each handle stands an address of the sample (WA templates/template-management).
pub(crate) fn with_addresses(world: &World, mut shown: Value) -> Value {
    let components = shown.get_mut("components").and_then(Value::as_array_mut);
    components.into_iter().flatten().for_each(|component| address(world, component));
    shown
}

fn address(world: &World, component: &mut Value) {
    for card in component.get_mut("cards").and_then(Value::as_array_mut).into_iter().flatten() {
        let parts = card.get_mut("components").and_then(Value::as_array_mut);
        parts.into_iter().flatten().for_each(|part| address(world, part));
    }
    if let Some(handle) = component.pointer_mut("/example/header_handle/0")
        && let Some(upload) = handle.as_str().and_then(|handle| world.upload_of(handle))
    {
        let id = upload.id;
        *handle = json!(format!("{}/whatsapp_business/samples/{id}?oh={}", world.base_url, proof(world, id)));
    }
}

fn proof(world: &World, id: u64) -> String {
    crate::sign::proof(&world.app.secret, &format!("sample.{id}"))
}

/// `/whatsapp_business/samples/{id}`: what such an address leads to. It needs no token: the address itself is the secret.
pub(crate) async fn sample(app: &App, call: &Call, id: &str) -> GraphResult {
    let gone = || GraphError::no_such_object(call.method.as_str(), id).with_http(404);
    let number: u64 = id.parse().map_err(|_| gone())?;
    let given = call.query.get("oh").map_or("", String::as_str);
    let mime = app.engine.look(|world, _| {
        let known = world.uploads.get(&number).filter(|_| transom_meta::signature::same_secret(&proof(world, number), given));
        known.map(|upload| upload.mime.clone())
    });
    let mime = mime.ok_or_else(gone)?;
    let engine = app.engine.clone();
    let bytes = tokio::task::spawn_blocking(move || engine.folder.read_media(number)).await;
    let bytes = bytes.ok().and_then(Result::ok).ok_or_else(gone)?;
    Ok(Outcome::Bytes { mime, bytes })
}
