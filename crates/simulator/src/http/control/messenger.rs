//! People on Messenger: the same controls as for customers on WhatsApp, with Messenger's own objects.

use axum::body::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::customers::bytes_of;
use super::{Control, typed, value};
use crate::graph::read::Fields;
use crate::http::App;
use crate::http::media::store_file;
use crate::world::desk::Refusal;
use crate::world::media::Media;
use crate::world::messenger::desk::{NewPerson, PersonChange};
use crate::world::messenger::inbound::{self, Deed};
use crate::world::tap::{Aim, Tapped};

impl App {
    /// The person with this id, if it is one of Messenger's.
    pub(super) fn person(&self, id: &str) -> Option<u64> {
        let id = id.parse().ok()?;
        self.engine.look(|world, _| world.messenger.people.contains_key(&id)).then_some(id)
    }
}

/// Whether a customer that is to be made is on Messenger.
pub(super) fn is_meant(body: &Bytes) -> bool {
    value(body).is_ok_and(|value| value.get("channel").and_then(Value::as_str) == Some("messenger"))
}

pub(super) async fn make(app: &App, body: &Bytes) -> Control {
    let new: NewPerson = typed(body)?;
    app.engine.commit(|world, now| world.add_person(now, new)).await?
}

pub(super) fn all(app: &App) -> Vec<Value> {
    app.engine.look(|world, now| {
        let mut ids: Vec<u64> = world.messenger.people.keys().copied().collect();
        ids.sort_unstable();
        ids.iter().filter_map(|id| world.messenger.people.get(id)).map(|person| person.shown(now)).collect()
    })
}

pub(super) fn read(app: &App, id: u64) -> Control {
    app.engine.look(|world, now| world.messenger.people.get(&id).map(|person| person.shown(now))).ok_or_else(Refusal::no_customer)
}

pub(super) async fn alter(app: &App, id: u64, body: &Bytes) -> Control {
    let change: PersonChange = typed(body)?;
    app.engine.commit(|world, now| world.change_person(now, id, change)).await?
}

/// What is done, and the file that comes along, whose bytes are durable.
async fn deed_of(app: &App, person: u64, body: &Bytes) -> Result<(Deed, Option<Media>), Refusal> {
    let value = value(body)?;
    let mut deed = inbound::read(&Fields::body(&value)?)?;
    let Some(draft) = deed.file.take() else { return Ok((deed, None)) };
    let page = app.engine.look(|world, _| world.messenger.people.get(&person).map(|person| person.page));
    let page = page.ok_or_else(Refusal::no_customer)?;
    let bytes = bytes_of(&draft)?;
    let file = store_file(app, page, draft.mime, bytes, true).await?;
    Ok((deed, Some(file)))
}

pub(super) async fn send(app: &App, id: u64, body: &Bytes) -> Control {
    let (deed, file) = deed_of(app, id, body).await?;
    let mid = app.engine.commit(|world, now| world.person_does(now, id, deed, file)).await??;
    Ok(json!({ "mid": mid }))
}

pub(super) async fn echo(app: &App, id: u64, body: &Bytes) -> Control {
    let (deed, file) = deed_of(app, id, body).await?;
    let mid = app.engine.commit(|world, now| world.inbox_writes(now, id, deed, file)).await??;
    Ok(json!({ "mid": mid }))
}

/// What is tapped on which message.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TapBody {
    message_id: String,
    button_index: Option<u32>,
    button_id: Option<String>,
    card: Option<u32>,
}

pub(super) async fn touch(app: &App, id: u64, body: &Bytes) -> Control {
    let tap: TapBody = typed(body)?;
    let aim = match (tap.button_index, tap.button_id) {
        (Some(index), None) => Aim::Index(index),
        (None, Some(id)) => Aim::Button(id),
        _ => return Err(Refusal::invalid("buttonIndex", "a tap has one aim", "give one of buttonIndex, buttonId")),
    };
    let tapped = app.engine.commit(|world, now| world.person_taps(now, id, &tap.message_id, &aim, tap.card)).await??;
    Ok(match tapped {
        Tapped::Wrote(mid) => json!({ "mid": mid, "opened": null }),
        Tapped::Opened(what) => json!({ "mid": null, "opened": what }),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ReadBody {
    message_id: Option<String>,
}

pub(super) async fn look_at(app: &App, id: u64, body: &Bytes) -> Control {
    let read: ReadBody = typed(body)?;
    let count = app.engine.commit(|world, now| world.person_reads(now, id, read.message_id.as_deref())).await??;
    Ok(json!({ "read": count }))
}

pub(super) fn inbox(app: &App, id: u64) -> Control {
    app.engine.look(|world, _| world.person_sees(id)).map(|data| json!({ "data": data }))
}

/// What went out through Pages, in the order in which it was taken.
pub(super) fn sent(app: &App, after: u64, limit: usize) -> Value {
    app.engine.look(|world, _| {
        let data: Vec<Value> = world
            .messenger
            .sent(after)
            .take(limit)
            .map(|message| {
                json!({
                    "seq": message.seq,
                    "mid": message.mid,
                    "page": message.page.to_string(),
                    "to": message.person.to_string(),
                    "type": message.kind,
                    "metadata": message.metadata,
                    "at": message.at,
                    "status": message.stage.as_str(),
                })
            })
            .collect();
        let after = data.last().map(|message| message["seq"].clone());
        json!({ "data": data, "after": after })
    })
}
