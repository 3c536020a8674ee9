//! Approval requests: content handed to Meta, followed, and what Twilio sells beside.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value};

use super::account::Account;
use super::codes::Code;
use super::content_view::{ApprovalView, fetched};
use super::contents::{Here, named};
use super::json::JsonBody;
use super::refusal::Refusal;
use crate::http::App;
use crate::http::call::{TEMPLATES, json as answer};
use crate::service::AskForApproval;

/// What is said of bids: Meta's, which the number's provider would have to pass on.
const NO_BIDS: &str = "bid_amount is not supported: marketing messages through Transom go at Meta's list price, without a bid. Leave \
                       it out.";

fn read(mut body: Map<String, Value>) -> Result<AskForApproval, Refusal> {
    let mut text = |name: &str| match body.remove(name) {
        Some(Value::String(text)) if !text.is_empty() => Ok(Some(text)),
        None | Some(Value::Null | Value::String(_)) => Ok(None),
        Some(_) => Err(Refusal::parameter(name, "must be a text", "put the value in quotes")),
    };
    let required = |name: &str, text: Option<String>| text.ok_or_else(|| Refusal::parameter(name, "is required", "give it"));
    let name = required("name", text("name")?)?;
    let category = required("category", text("category")?)?;
    // Only for accounts with several; Twilio has no such parameter.
    let waba = text("waba_id")?;
    let category = transom_meta::templates::category(&category)
        .ok_or_else(|| Refusal::parameter("category", "is not a category", "use MARKETING, UTILITY or AUTHENTICATION"))?;
    if body.get("bid_amount").is_some_and(|bid| !bid.is_null()) {
        return Err(Refusal::new(Code::ParameterInvalid, NO_BIDS));
    }
    let ttl_seconds = match body.get("send_ttl_seconds") {
        None | Some(Value::Null) => None,
        Some(given) => {
            let whole = given.as_i64().or_else(|| given.as_str()?.parse().ok());
            let refused = || Refusal::parameter("send_ttl_seconds", "must be a whole number", "give seconds, or leave it out");
            Some(whole.ok_or_else(refused)?)
        }
    };
    let flag = body.get("allow_category_change");
    let allow_category_change = flag.and_then(Value::as_bool).unwrap_or(true);
    Ok(AskForApproval { name, category, allow_category_change, waba, ttl_seconds })
}

/// Contents are approved on WhatsApp only; the documents spell it in both ways.
fn must_be_whatsapp(channel: &str) -> Result<(), Refusal> {
    let channel = channel.strip_suffix(".json").unwrap_or(channel);
    if channel.eq_ignore_ascii_case("whatsapp") {
        return Ok(());
    }
    Err(Refusal::new(Code::NotFound, "Approvals are asked for at ApprovalRequests/whatsapp: no other channel has them."))
}

/// `POST /v1/Content/{sid}/ApprovalRequests/whatsapp`
pub(super) async fn create(
    State(app): State<App>,
    Account(caller): Account<TEMPLATES>,
    Path((sid, channel)): Path<(String, String)>,
    JsonBody(body): JsonBody,
) -> Result<Response, Refusal> {
    must_be_whatsapp(&channel)?;
    let id = named(&sid)?;
    app.service.content(&caller, id).await?;
    let submitted = app.service.submit_content(&caller, id, read(body)?).await?;
    Ok(answer(StatusCode::CREATED, &ApprovalView::received(&submitted.followed))?)
}

/// `PATCH /v1/Content/{sid}/ApprovalRequests/whatsapp`: the newest SDKs change a bid so.
pub(super) async fn bid(
    State(app): State<App>,
    Account(caller): Account<TEMPLATES>,
    Path((sid, channel)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    must_be_whatsapp(&channel)?;
    app.service.content(&caller, named(&sid)?).await?;
    Err(Refusal::new(Code::ParameterInvalid, NO_BIDS))
}

/// `GET /v1/Content/{sid}/ApprovalRequests`
pub(super) async fn fetch(
    State(app): State<App>,
    Account(caller): Account<TEMPLATES>,
    here: Here,
    Path(sid): Path<String>,
) -> Result<Response, Refusal> {
    let stored = app.service.content(&caller, named(&sid)?).await?;
    let submissions = app.service.approvals(&caller, stored.id).await?;
    Ok(answer(StatusCode::OK, &fetched(&stored, &submissions, &here))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use transom_domain::template::Category;

    fn of(body: &Value) -> Result<AskForApproval, Refusal> {
        read(body.as_object().unwrap().clone())
    }

    #[test]
    fn a_request_is_read_and_what_is_wrong_is_named() {
        let ask = of(&json!({ "name": "pickup", "category": "utility", "send_ttl_seconds": 600, "unknown": 1 })).unwrap();
        assert_eq!((ask.name.as_str(), ask.category, ask.ttl_seconds), ("pickup", Category::Utility, Some(600)));
        assert!(ask.allow_category_change && ask.waba.is_none());
        for (body, named) in [
            (json!({ "category": "UTILITY" }), "name"),
            (json!({ "name": "", "category": "UTILITY" }), "name"),
            (json!({ "name": 7, "category": "UTILITY" }), "name"),
            (json!({ "name": "a" }), "category"),
            (json!({ "name": "a", "category": "GREETING" }), "category"),
            (json!({ "name": "a", "category": "UTILITY", "send_ttl_seconds": "soon" }), "send_ttl_seconds"),
            (json!({ "name": "a", "category": "MARKETING", "bid_amount": 70 }), "bid_amount"),
        ] {
            let refused = of(&body).unwrap_err();
            assert!(refused.message.starts_with(named) && refused.status == 400, "{}", refused.message);
        }
    }

    #[test]
    fn only_whatsapp_approves() {
        for fine in ["whatsapp", "WhatsApp", "whatsapp.json"] {
            assert!(must_be_whatsapp(fine).is_ok());
        }
        assert_eq!(must_be_whatsapp("messenger").unwrap_err().status, 404);
    }
}
