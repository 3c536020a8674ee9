//! `GET /{phone-number-id}/message_history` and `GET /{message-history-id}/events`.
//!
//! Both tell of the messages that the desk still has at hand; what a webhook about them came to (`webhook_update_state`) is not told here.

use serde_json::{Map, Value, json};

use super::App;
use super::answer::GraphResult;
use super::call::Call;
use super::graph::{page, selected};
use crate::graph::error::GraphError;
use crate::world::history::{Occurrence, history_id, occurrences};
use crate::world::message::{Message, Status};

/// The most that one page may have.
const LIMIT_MAX: usize = 100;

/// Refused to an app that may not look.
fn may(app: &App, call: &Call) -> Result<(), GraphError> {
    let denied = "Your app doesn't have permission to access message history for this phone number";
    if !app.engine.look(|world, _| world.settings.message_history) {
        return Err(GraphError::graph(200, 403, denied).with_subcode(1_349_174));
    }
    match call.query.get("limit").map(|limit| limit.parse()) {
        None | Some(Ok(1..=LIMIT_MAX)) => Ok(()),
        Some(_) => Err(GraphError::graph(100, 400, format!("Invalid parameter: limit must be 1 to {LIMIT_MAX}")).about("limit")),
    }
}

/// The messages of a number, or one of them.
pub(crate) fn of_number(app: &App, call: &Call, number: u64) -> GraphResult {
    may(app, call)?;
    let waba = app.engine.look(|world, _| world.numbers.get(&number).map(|number| number.waba));
    if let Some(waba) = waba {
        app.engine.step(|world, now| world.admit_management(now, waba)).0?;
    }
    let fields = call.fields();
    let inner = nested(call, "events");
    let shown = |message: &Message| (message.body.seq, entry(message, &fields, &inner));
    let entries: Vec<(u64, Value)> = match call.query.get("message_id") {
        Some(id) if !id.starts_with("wamid.") => {
            return Err(GraphError::graph(100, 400, "Invalid parameter: message_id format is invalid").about("message_id"));
        }
        Some(id) => {
            let found = app.engine.look(|world, _| {
                let of_number = |message: &&Message| message.body.outbound && message.body.number == number;
                world.messages.by_wamid(id).filter(of_number).map(shown)
            });
            let gone = || GraphError::graph(100, 422, "The requested message_id was not found in the message history");
            vec![found.ok_or_else(gone)?]
        }
        None => app
            .engine
            .look(|world, _| world.messages.outbound().filter(|message| message.body.number == number).map(shown).collect()),
    };
    Ok(page(app, call, entries)?.into())
}

/// Without `fields` it is the two ids.
fn entry(message: &Message, fields: &[String], inner: &[String]) -> Value {
    let mut shown = json!({ "id": history_id(message).to_string(), "message_id": message.body.wamid });
    if fields.is_empty() {
        return shown;
    }
    let told: Vec<Occurrence> = occurrences(message).into_iter().filter(|one| word(one.status).is_some()).collect();
    if let Some(map) = shown.as_object_mut()
        && !told.is_empty()
    {
        let events = told.iter().map(|one| {
            let event = json!({
                "id": one.id.to_string(), "delivery_status": word(one.status), "timestamp": one.at, "error_description": one.error,
            });
            selected(without_nulls(event), inner)
        });
        map.insert("events".into(), json!({ "data": events.collect::<Vec<_>>() }));
    }
    selected(shown, fields)
}

/// The words of the list of messages.
const fn word(status: Status) -> Option<&'static str> {
    match status {
        Status::Sent => Some("SENT"),
        Status::Delivered => Some("DELIVERED"),
        Status::Read => Some("READ"),
        Status::Failed => Some("FAILED"),
        Status::Accepted | Status::Dropped | Status::Expired => None,
    }
}

/// Those of the events of one message, which are others.
const fn event_word(status: Status) -> Option<&'static str> {
    match status {
        Status::Accepted => Some("ACCEPTED"),
        Status::Failed => Some("ERROR"),
        other => word(other),
    }
}

/// What happened to one message.
pub(crate) fn events(app: &App, call: &Call, history: u64) -> GraphResult {
    may(app, call)?;
    let filter = call.query.get("status_filter");
    let known = [Status::Accepted, Status::Sent, Status::Delivered, Status::Read, Status::Failed];
    if filter.is_some_and(|filter| !known.into_iter().any(|status| fits(status, filter))) {
        let wrong = "Invalid parameter: status_filter must be a valid delivery status";
        return Err(GraphError::graph(100, 400, wrong).about("status_filter"));
    }
    let told = app.engine.look(|world, _| world.of_history(history).map(occurrences)).unwrap_or_default();
    let inner = nested(call, "node");
    let inner = if inner.is_empty() { ["delivery_status", "occurrence_timestamp"].map(str::to_owned).to_vec() } else { inner };
    let nodes = told.into_iter().filter(|one| filter.is_none_or(|filter| fits(one.status, filter))).map(|one| {
        let node = json!({
            "id": one.id.to_string(),
            "delivery_status": event_word(one.status),
            "occurrence_timestamp": one.at,
            "status_timestamp": one.at,
            "error_description": one.error,
        });
        (one.id, json!({ "node": selected(without_nulls(node), &inner) }))
    });
    Ok(page(app, call, nodes.collect())?.into())
}

fn fits(status: Status, filter: &str) -> bool {
    [word(status), event_word(status)].into_iter().flatten().any(|word| word.eq_ignore_ascii_case(filter))
}

fn without_nulls(object: Value) -> Value {
    match object {
        Value::Object(map) => Value::Object(map.into_iter().filter(|(_, value)| !value.is_null()).collect::<Map<_, _>>()),
        other => other,
    }
}

/// The names in the braces behind a field.
fn nested(call: &Call, field: &str) -> Vec<String> {
    let fields = call.query.get("fields").map_or("", String::as_str);
    let Some((_, behind)) = fields.split_once(&format!("{field}{{")) else { return Vec::new() };
    let inside = behind.split('}').next().unwrap_or_default();
    inside.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}
