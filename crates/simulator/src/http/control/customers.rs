//! Customers: making them, changing them, and everything they do.

use std::collections::BTreeMap;

use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::Response;
use base64::Engine as _;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Control, created, messenger, printed, typed, value};
use crate::graph::content::MediaKind;
use crate::graph::free::id_opt;
use crate::graph::read::Fields;
use crate::http::App;
use crate::http::media::store_file;
use crate::world::desk::{CustomerChange, NewCustomer, Refusal};
use crate::world::inbound_shape::{self, Draft, DraftMedia};
use crate::world::media::Media;
use crate::world::tap::{Aim, Tapped};

/// Customers in one answer.
const PAGE_MAX: usize = 1_000;

impl App {
    fn customer(&self, id: &str) -> Result<u64, Refusal> {
        self.engine.look(|world, _| world.find_customer(id)).ok_or_else(Refusal::no_customer)
    }
}

pub(super) async fn create(State(app): State<App>, body: Bytes) -> Response<Body> {
    if messenger::is_meant(&body) {
        return created(messenger::make(&app, &body).await);
    }
    created(make(&app, &body).await)
}

async fn make(app: &App, body: &Bytes) -> Control {
    let new: NewCustomer = typed(body)?;
    app.engine.commit(|world, now| world.add_customer(now, new)).await?
}

/// `?after=` an id, `?limit=`.
pub(super) async fn list(State(app): State<App>, Query(query): Query<BTreeMap<String, String>>) -> Response<Body> {
    let number = |key: &str, default: u64| query.get(key).and_then(|text| text.parse().ok()).unwrap_or(default);
    let (after, limit) = (number("after", 0), number("limit", 1_000));
    let data = app.engine.look(|world, now| {
        let mut ids: Vec<u64> = world.customers.keys().copied().filter(|id| *id > after).collect();
        ids.sort_unstable();
        ids.truncate(usize::try_from(limit).unwrap_or(PAGE_MAX).min(PAGE_MAX));
        ids.iter().filter_map(|id| world.customers.get(id)).map(|person| person.shown(now.world)).collect::<Vec<Value>>()
    });
    let mut data = data;
    // They are few: all come with the first page.
    if after == 0 {
        data.extend(messenger::all(&app));
    }
    printed(Ok(json!({ "data": data })))
}

pub(super) async fn read(State(app): State<App>, Path(id): Path<String>) -> Response<Body> {
    if let Some(person) = app.person(&id) {
        return printed(messenger::read(&app, person));
    }
    printed(app.customer(&id).and_then(|id| {
        let shown = app.engine.look(|world, now| {
            world.customers.get(&id).map(|person| {
                let mut shown = person.shown(now.world);
                let sessions: Vec<Value> = person
                    .threads
                    .iter()
                    .map(|(number, thread)| {
                        json!({ "number": number.to_string(), "lastInbound": thread.last_inbound, "open": thread.is_open(now.world) })
                    })
                    .collect();
                if let Some(map) = shown.as_object_mut() {
                    map.insert("sessions".into(), json!(sessions));
                }
                shown
            })
        });
        shown.ok_or_else(Refusal::no_customer)
    }))
}

pub(super) async fn change(State(app): State<App>, Path(id): Path<String>, body: Bytes) -> Response<Body> {
    if let Some(person) = app.person(&id) {
        return printed(messenger::alter(&app, person, &body).await);
    }
    printed(alter(&app, &id, &body).await)
}

async fn alter(app: &App, id: &str, body: &Bytes) -> Control {
    let id = app.customer(id)?;
    let change: CustomerChange = typed(body)?;
    app.engine.commit(|world, now| world.change_customer(now, id, change)).await?
}

pub(super) async fn write(State(app): State<App>, Path(id): Path<String>, body: Bytes) -> Response<Body> {
    if let Some(person) = app.person(&id) {
        return created(messenger::send(&app, person, &body).await);
    }
    created(send(&app, &id, &body).await)
}

async fn send(app: &App, id: &str, body: &Bytes) -> Control {
    let id = app.customer(id)?;
    let value = value(body)?;
    let fields = Fields::body(&value)?;
    let number = number(app, &fields, "to")?;
    let mut draft = inbound_shape::read(&fields, "to")?;
    let file = file_of(app, number, &mut draft).await?;
    let wamid = app.engine.commit(|world, now| world.customer_writes(now, id, number, draft, file)).await??;
    Ok(json!({ "wamid": wamid }))
}

async fn file_of(app: &App, number: u64, draft: &mut Draft) -> Result<Option<Media>, Refusal> {
    let Some(media) = draft.media.take() else { return Ok(None) };
    let bytes = bytes_of(&media)?;
    Ok(Some(store_file(app, number, media.mime, bytes, true).await?))
}

/// Somebody at the business writes to the customer by hand: in the WhatsApp Business app, or in the inbox of the Page.
pub(super) async fn echo(State(app): State<App>, Path(id): Path<String>, body: Bytes) -> Response<Body> {
    if let Some(person) = app.person(&id) {
        return created(messenger::echo(&app, person, &body).await);
    }
    created(by_hand(&app, &id, &body).await)
}

async fn by_hand(app: &App, id: &str, body: &Bytes) -> Control {
    let id = app.customer(id)?;
    let value = value(body)?;
    let fields = Fields::body(&value)?;
    let number = number(app, &fields, "from")?;
    let mut draft = inbound_shape::read(&fields, "from")?;
    let file = file_of(app, number, &mut draft).await?;
    let wamid = app.engine.commit(|world, now| world.app_writes(now, id, number, draft, file)).await??;
    Ok(json!({ "wamid": wamid }))
}

/// The business number in a field; may be left out while there is only one.
fn number(app: &App, fields: &Fields<'_>, field: &str) -> Result<u64, Refusal> {
    let given = id_opt(fields, field)?;
    app.engine.look(|world, _| match given {
        Some(text) => {
            let digits = text.trim_start_matches('+');
            let by_digits = || world.numbers.values().find(|number| number.digits == digits).map(|number| number.id);
            let by_id = text.parse::<u64>().ok().filter(|id| world.numbers.contains_key(id));
            by_id
                .or_else(by_digits)
                .ok_or_else(|| Refusal::invalid(field, "no business number has this id", "GET /sim/v1/numbers lists them"))
        }
        None => {
            let mut all = world.numbers.keys();
            match (all.next(), all.next()) {
                (Some(only), None) => Ok(*only),
                _ => {
                    Err(Refusal::invalid(field, "there are several business numbers", "name one; GET /sim/v1/numbers lists them"))
                }
            }
        }
    })
}

/// The bytes of a customer's file: those given, or a small sample of the kind.
pub(super) fn bytes_of(media: &DraftMedia) -> Result<Vec<u8>, Refusal> {
    match &media.data {
        Some(text) => base64::engine::general_purpose::STANDARD.decode(text).map_err(|_| {
            Refusal::invalid("data", "not base64", "write the file's bytes in base64, or leave data out for a sample")
        }),
        None => Ok(sample(media.kind)),
    }
}

/// A file that shows what kind it is; the picture is a real one of a single pixel.
fn sample(kind: MediaKind) -> Vec<u8> {
    const PIXEL: &[u8] = &[
        0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, b'I', b'H', b'D', b'R', 0, 0, 0, 1, 0, 0, 0, 1, 8, 6, 0, 0,
        0, 0x1f, 0x15, 0xc4, 0x89, 0, 0, 0, 13, b'I', b'D', b'A', b'T', 0x78, 0x9c, 0x63, 0xf8, 0xcf, 0xc0, 0xf0, 0x1f, 0, 5, 0,
        1, 0xff, 0x89, 0x99, 0x3d, 0x1d, 0, 0, 0, 0, b'I', b'E', b'N', b'D', 0xae, 0x42, 0x60, 0x82,
    ];
    match kind {
        MediaKind::Image => PIXEL.to_vec(),
        MediaKind::Document => b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n".to_vec(),
        MediaKind::Audio => b"OggS sample from the simulator".to_vec(),
        MediaKind::Video => b"\0\0\0\x18ftypmp42 sample from the simulator".to_vec(),
        MediaKind::Sticker => b"RIFF\x1c\0\0\0WEBP sample from the simulator".to_vec(),
    }
}

pub(super) async fn call(State(app): State<App>, Path(id): Path<String>, body: Bytes) -> Response<Body> {
    created(ring(&app, &id, &body).await)
}

async fn ring(app: &App, id: &str, body: &Bytes) -> Control {
    let id = app.customer(id)?;
    let value = value(body)?;
    let fields = Fields::body(&value)?;
    fields.only(&["to"])?;
    let number = number(app, &fields, "to")?;
    let call = app.engine.commit(|world, now| world.customer_calls(now, id, number)).await??;
    Ok(json!({ "id": call }))
}

/// What is tapped on which message.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TapBody {
    message_id: String,
    button_index: Option<u32>,
    button_id: Option<String>,
    row_id: Option<String>,
    card: Option<u32>,
}

pub(super) async fn tap(State(app): State<App>, Path(id): Path<String>, body: Bytes) -> Response<Body> {
    if let Some(person) = app.person(&id) {
        return created(messenger::touch(&app, person, &body).await);
    }
    created(touch(&app, &id, &body).await)
}

async fn touch(app: &App, id: &str, body: &Bytes) -> Control {
    let id = app.customer(id)?;
    let tap: TapBody = typed(body)?;
    let aim = match (tap.button_index, tap.button_id, tap.row_id) {
        (Some(index), None, None) => Aim::Index(index),
        (None, Some(id), None) => Aim::Button(id),
        (None, None, Some(id)) => Aim::Row(id),
        _ => return Err(Refusal::invalid("buttonIndex", "a tap has one aim", "give one of buttonIndex, buttonId, rowId")),
    };
    let tapped = app.engine.commit(|world, now| world.tap(now, id, &tap.message_id, &aim, tap.card)).await??;
    Ok(match tapped {
        Tapped::Wrote(wamid) => json!({ "wamid": wamid, "opened": null }),
        Tapped::Opened(what) => json!({ "wamid": null, "opened": what }),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ReadBody {
    message_id: Option<String>,
}

pub(super) async fn reads(State(app): State<App>, Path(id): Path<String>, body: Bytes) -> Response<Body> {
    if let Some(person) = app.person(&id) {
        return printed(messenger::look_at(&app, person, &body).await);
    }
    printed(look_at(&app, &id, &body).await)
}

async fn look_at(app: &App, id: &str, body: &Bytes) -> Control {
    let id = app.customer(id)?;
    let read: ReadBody = typed(body)?;
    let count = app.engine.commit(|world, now| world.read(now, id, read.message_id.as_deref())).await??;
    Ok(json!({ "read": count }))
}

pub(super) async fn inbox(State(app): State<App>, Path(id): Path<String>) -> Response<Body> {
    if let Some(person) = app.person(&id) {
        return printed(messenger::inbox(&app, person));
    }
    printed(app.customer(&id).and_then(|id| app.engine.look(|world, _| world.inbox(id))).map(|data| json!({ "data": data })))
}
