//! Looking at the world: who it is, what it counted, what it accepted, what it was asked.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::Response;
use serde_json::{Map, Value, json};

use super::{Control, printed};
use crate::http::App;
use crate::store::{self, MessageQuery, PAGE_MAX};
use crate::world::desk::Refusal;

/// Calls in one answer.
const REQUESTS_MAX: usize = 10_000;

type Asked = Query<BTreeMap<String, String>>;

/// The user's own simulator tells its user everything.
pub(super) async fn identity(State(app): State<App>) -> Response<Body> {
    printed(Ok(app.engine.look(|world, _| {
        let wabas: Vec<Value> = world
            .wabas
            .values()
            .map(|account| json!({ "id": account.id.to_string(), "name": account.name, "subscribed": account.subscribed }))
            .collect();
        let numbers: Vec<Value> = world
            .numbers
            .values()
            .map(|number| json!({ "id": number.id.to_string(), "waba": number.waba.to_string(), "phone": number.display() }))
            .collect();
        json!({
            "graphUrl": world.base_url,
            "appId": world.app.id.to_string(),
            "appSecret": world.app.secret,
            "verifyToken": world.app.verify_token,
            "accessToken": world.app.access_token,
            "businessId": world.app.business_id.to_string(),
            "wabas": wabas,
            "numbers": numbers,
            "pages": world.messenger.pages.values().map(|page| {
                json!({ "id": page.id.to_string(), "name": page.name, "token": page.token, "subscribed": page.subscribed })
            }).collect::<Vec<_>>(),
            "catalogs": world.catalogs.keys().map(u64::to_string).collect::<Vec<_>>(),
        })
    })))
}

pub(super) async fn state(State(app): State<App>) -> Response<Body> {
    printed(Ok(app.engine.look(|world, _| {
        let mut by_status: BTreeMap<&str, u64> = BTreeMap::new();
        let mut by_error: Map<String, Value> = Map::new();
        let mut total = 0;
        for (status, error, count) in world.messages.tally() {
            *by_status.entry(status).or_default() += count;
            total += count;
            if let (Some(code), "failed", 1..) = (error, status, count) {
                by_error.insert(code.to_string(), json!(count));
            }
        }
        json!({
            "messages": { "total": total, "byStatus": by_status, "failedByError": by_error },
            "customers": world.customers.len(),
            "templates": world.templates.values().filter(|template| template.deleted_at.is_none()).count(),
            "timers": world.timers.len(),
            "timersFired": world.counts.timers_fired,
            "webhooks": {
                "owed": world.owed.len(),
                "delivered": world.counts.webhooks_delivered,
                "failedAttempts": world.counts.webhooks_failed,
            },
        })
    })))
}

fn known(query: &BTreeMap<String, String>, keys: &[&str]) -> Result<(), Refusal> {
    match query.keys().find(|key| !keys.contains(&key.as_str())) {
        Some(unknown) => {
            Err(Refusal::invalid(unknown, "there is no such parameter", &format!("choose from {}", keys.join(", "))))
        }
        None => Ok(()),
    }
}

fn number(query: &BTreeMap<String, String>, key: &str, default: u64) -> Result<u64, Refusal> {
    match query.get(key) {
        Some(text) => text.parse().map_err(|_| Refusal::invalid(key, "not a number", "give a whole number, 0 or more")),
        None => Ok(default),
    }
}

pub(super) async fn messages(State(app): State<App>, Query(query): Asked) -> Response<Body> {
    printed(accepted(&app, &query).await)
}

/// What was accepted, from the store: everything that was ever answered 200 is there.
async fn accepted(app: &App, query: &BTreeMap<String, String>) -> Control {
    known(query, &["after", "limit", "callbackData", "callbackDataPrefix", "status"])?;
    let wanted = MessageQuery {
        after: number(query, "after", 0)?,
        callback: query.get("callbackData").cloned(),
        callback_prefix: query.get("callbackDataPrefix").cloned(),
        status: query.get("status").cloned(),
        limit: usize::try_from(number(query, "limit", 1_000)?).unwrap_or(PAGE_MAX),
    };
    let data = app.engine.read(move |db| store::messages(db, &wanted)).await?;
    let after = data.last().map(|message| message["seq"].clone());
    Ok(json!({ "data": data, "after": after }))
}

pub(super) async fn page_messages(State(app): State<App>, Query(query): Asked) -> Response<Body> {
    printed(sent_by_pages(&app, &query))
}

/// What was taken from Pages: everything that was answered 200 and is still kept.
fn sent_by_pages(app: &App, query: &BTreeMap<String, String>) -> Control {
    known(query, &["after", "limit"])?;
    let limit = usize::try_from(number(query, "limit", 1_000)?).unwrap_or(PAGE_MAX).min(PAGE_MAX);
    Ok(super::messenger::sent(app, number(query, "after", 0)?, limit))
}

pub(super) async fn requests(State(app): State<App>, Query(query): Asked) -> Response<Body> {
    printed(asked(&app, &query))
}

fn asked(app: &App, query: &BTreeMap<String, String>) -> Control {
    known(query, &["after", "limit"])?;
    let limit = usize::try_from(number(query, "limit", 10_000)?).unwrap_or(REQUESTS_MAX).min(REQUESTS_MAX);
    let data = app.log.after(number(query, "after", 0)?, limit);
    let after = data.last().map(|entry| entry["seq"].clone());
    Ok(json!({ "data": data, "after": after }))
}

/// What is owed, oldest first: for seeing why nothing arrives.
pub(super) async fn webhooks(State(app): State<App>) -> Response<Body> {
    printed(Ok(app.engine.look(|world, _| {
        let mut owed: Vec<(u64, Value)> = world
            .owed
            .iter()
            .map(|(id, owed)| {
                (id, json!({ "id": id, "field": owed.field, "attempts": owed.attempts, "bornMs": owed.born, "dueMs": owed.due }))
            })
            .collect();
        owed.sort_unstable_by_key(|(id, _)| *id);
        owed.truncate(PAGE_MAX);
        json!({ "data": owed.into_iter().map(|(_, shown)| shown).collect::<Vec<_>>() })
    })))
}
