//! News that Meta tells of an account and of its numbers, ordered at the desk (WA webhooks/reference/account_update,
//! account_review_update, phone_number_name_update, security).

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Control, printed, typed};
use crate::http::App;
use crate::world::desk::Refusal;

/// What is ordered.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", tag = "event", deny_unknown_fields)]
enum News {
    /// The account is disabled: its numbers cannot send.
    Ban { date: String },
    /// It is going to be.
    ScheduleBan { date: String },
    /// It is in order again.
    Reinstate { date: String },
    /// Broke a rule.
    Violation { kind: String },
    /// Must not do something until a moment, in Unix seconds.
    Restriction { kind: String, expiration: Option<i64> },
    /// Was reviewed.
    Review { decision: String },
    /// The display name of a number was reviewed.
    Name { number: String, decision: String, requested: String, reason: Option<String> },
    /// Somebody changed the PIN of a number, say.
    Security { number: String, what: String },
}

pub(super) async fn order(State(app): State<App>, Path(id): Path<String>, body: Bytes) -> Response<Body> {
    printed(tell(&app, &id, &body).await)
}

fn no_account() -> Refusal {
    Refusal::not_found("id", "no account has this id", "GET /sim/v1/identity names them")
}

async fn tell(app: &App, id: &str, body: &Bytes) -> Control {
    let id: u64 = id.parse().map_err(|_| no_account())?;
    let news: News = typed(body)?;
    app.engine
        .commit(|world, now| {
            if !world.wabas.contains_key(&id) {
                return Err(no_account());
            }
            let digits = |number: &str| {
                let found = number.parse().ok().and_then(|number| world.numbers.get(&number)).filter(|number| number.waba == id);
                let none =
                    || Refusal::invalid("number", "no number of this account has this id", "GET /sim/v1/numbers lists them");
                found.map(|number| number.digits.clone()).ok_or_else(none)
            };
            let banned = |state: &str, date: &str| {
                let info = json!({ "waba_ban_state": state, "waba_ban_date": date });
                ("account_update", json!({ "event": "DISABLED_UPDATE", "ban_info": info }))
            };
            let (field, value) = match &news {
                News::Ban { date } => banned("DISABLE", date),
                News::ScheduleBan { date } => banned("SCHEDULE_FOR_DISABLE", date),
                News::Reinstate { date } => banned("REINSTATE", date),
                News::Violation { kind } => {
                    let info = json!({ "violation_type": kind });
                    ("account_update", json!({ "event": "ACCOUNT_VIOLATION", "violation_info": info }))
                }
                News::Restriction { kind, expiration } => {
                    let mut restriction = json!({ "restriction_type": kind });
                    if let (Some(until), Some(one)) = (expiration, restriction.as_object_mut()) {
                        one.insert("expiration".into(), json!(until));
                    }
                    ("account_update", json!({ "event": "ACCOUNT_RESTRICTION", "restriction_info": [restriction] }))
                }
                News::Review { decision } => ("account_review_update", json!({ "decision": decision })),
                News::Name { number, decision, requested, reason } => (
                    "phone_number_name_update",
                    json!({
                        "display_phone_number": digits(number)?, "decision": decision, "requested_verified_name": requested,
                        "rejection_reason": reason.as_deref().unwrap_or("NONE"),
                    }),
                ),
                News::Security { number, what } => (
                    "security",
                    json!({ "display_phone_number": digits(number)?, "event": what, "requester": world.app.business_id }),
                ),
            };
            let status = match &news {
                News::Ban { .. } => Some("BANNED"),
                News::Reinstate { .. } => Some("CONNECTED"),
                _ => None,
            };
            let numbers: Vec<u64> = world.numbers.values().filter(|number| number.waba == id).map(|number| number.id).collect();
            for number in numbers.into_iter().filter(|_| status.is_some()) {
                if let (Some(known), Some(status)) = (world.numbers.get_mut(&number), status) {
                    status.clone_into(&mut known.status);
                }
                world.keep_number(number);
            }
            world.owe_account(now, id, field, &value);
            Ok(Value::Object(serde_json::Map::from_iter([("field".to_owned(), json!(field)), ("value".to_owned(), value)])))
        })
        .await?
}
