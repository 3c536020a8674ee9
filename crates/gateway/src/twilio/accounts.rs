//! The account itself: SDKs look it up to see whether their credentials are right. A business is an account, and has no others below it.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use transom_store::Business;

use super::account::Account;
use super::dates;
use super::form::Asked;
use super::message_view::API_VERSION;
use super::paging::Paging;
use super::refusal::Refusal;
use super::sid::Sid as _;
use crate::http::App;
use crate::http::call::json as answer;

/// Whoever has credentials of an account may know its name.
const NO_SCOPE: u32 = 0;
/// The one status that an account has here.
const ACTIVE: &str = "active";

fn view(business: &Business) -> Value {
    let sid = business.id.sid();
    let path = format!("/{API_VERSION}/Accounts/{sid}");
    let created = dates::rfc2822(business.created_at);
    json!({
        // Whoever asks has credentials already; `transom twilio credentials` shows them.
        "auth_token": null,
        "date_created": created,
        "date_updated": created,
        "friendly_name": business.name,
        "owner_account_sid": sid,
        "sid": sid,
        "status": ACTIVE,
        "subresource_uris": { "messages": format!("{path}/Messages.json") },
        "type": "Full",
        "uri": format!("{path}.json"),
    })
}

/// `GET Accounts/{account}.json`
pub(super) async fn fetch(State(app): State<App>, Account(caller): Account<NO_SCOPE>) -> Result<Response, Refusal> {
    Ok(answer(StatusCode::OK, &view(&app.service.business(&caller).await?))?)
}

/// `GET Accounts.json`: the one of the credentials, where the filters let it through.
pub(super) async fn list(
    State(app): State<App>,
    Account(caller): Account<NO_SCOPE>,
    Asked(query): Asked,
) -> Result<Response, Refusal> {
    let paging = Paging::read(&query)?;
    let status = query.text("Status")?;
    if status.is_some_and(|status| !matches!(status, ACTIVE | "suspended" | "closed")) {
        return Err(Refusal::parameter("Status", "is not one of its values", "write active, suspended or closed"));
    }
    let business = app.service.business(&caller).await?;
    let fits = status.is_none_or(|status| status == ACTIVE)
        && query.text("FriendlyName")?.is_none_or(|name| name == business.name)
        // Whatever a page after the only one would be, it is empty.
        && paging.is_first();
    let accounts: Vec<Value> = fits.then(|| view(&business)).into_iter().collect();
    let path = format!("/{API_VERSION}/Accounts.json");
    Ok(answer(StatusCode::OK, &paging.list(&path, &query, "accounts", &accounts, None))?)
}
