//! `GET sessions`: conversations, and whether the window between sender and customer is open.

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use transom_domain::session::{Closed, Session};
use transom_domain::time::Timestamp;
use transom_store::{Sender, SessionRow};

use super::common::rfc3339;
use super::messages::filters;
use crate::http::App;
use crate::http::call::{Authorised, SEND, json};
use crate::http::refusal::ListRefusals;
use crate::problem::Problem;

/// A page of conversations, most recently heard first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SessionPage {
    /// Conversations.
    data: Vec<SessionView>,
    /// Give it as `pageToken` for the next page; null on the last.
    next_page_token: Option<String>,
}

/// One sender and one customer.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Session)]
pub(crate) struct SessionView {
    /// Our side: `+E.164` or `messenger:<page>`.
    sender: Option<String>,
    /// The customer's present address.
    customer: String,
    /// Names the customer, whatever identities the person has.
    customer_id: String,
    /// Display name, where known.
    name: Option<String>,
    /// Whether the session is open now.
    open: bool,
    /// First moment at which it is closed, if the customer writes no more; null when it is closed.
    open_until: Option<String>,
    /// Why it is closed: `never_heard`, `over` or `refused`; null when it is open.
    closed_because: Option<&'static str>,
    /// The channel's time of the customer's last message or call.
    last_heard_at: Option<String>,
    /// Start of the latest attempt that Meta refused for want of a session.
    last_refused_at: Option<String>,
}

impl SessionView {
    pub(super) fn new(row: &SessionRow, sender: Option<&Sender>, now: Timestamp) -> Self {
        let (open_until, closed_because) = match row.evidence.at(now) {
            Session::Open { until } => (Some(rfc3339(until)), None),
            Session::Closed(Closed::NeverHeard) => (None, Some("never_heard")),
            Session::Closed(Closed::Over { .. }) => (None, Some("over")),
            Session::Closed(Closed::Refused { .. }) => (None, Some("refused")),
        };
        Self {
            sender: sender.map(|s| s.address.to_string()),
            customer: row.address.to_string(),
            customer_id: row.customer.to_string(),
            name: row.name.clone(),
            open: open_until.is_some(),
            open_until,
            closed_because,
            last_heard_at: row.evidence.heard.map(rfc3339),
            last_refused_at: row.evidence.refused.map(rfc3339),
        }
    }
}

/// List sessions
///
/// For every sender and customer that ever spoke: whether the session is open, and until when.
#[utoipa::path(
    get,
    path = "/v1/businesses/{business}/sessions",
    operation_id = "listSessions",
    tag = "Messages",
    params(
        ("business" = String, Path, description = "Id of the business"),
        ("sender" = Option<String>, Query, description = "Only of this sender, by its address or id"),
        ("to" = Option<String>, Query, description = "Only with this customer: `+E.164`, `bsuid:CC.…` or `messenger:<psid>`"),
        ("pageSize" = Option<u32>, Query, description = "1 to 200; 50 where left out"),
        ("pageToken" = Option<String>, Query, description = "`nextPageToken` of the page before"),
    ),
    responses((status = 200, description = "A page of sessions", body = SessionPage), ListRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn list(
    State(app): State<App>,
    Authorised(caller): Authorised<SEND>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let known = ["sender", "to", "pageSize", "pageToken"];
    let (filter, page) = filters(query.as_deref(), &known, |text| app.sender_named(caller.business, text))?;
    let (rows, next_page_token) = app.service.sessions(&caller, filter, page).await?;
    let now = app.service.now();
    let data = rows.iter().map(|row| SessionView::new(row, app.service.sender(row.sender).as_ref(), now)).collect();
    json(StatusCode::OK, &SessionPage { data, next_page_token })
}

#[cfg(test)]
mod tests {
    use super::*;
    use transom_domain::id::{CustomerId, SenderId};
    use transom_domain::session::{Evidence, SESSION};

    fn shown(evidence: Evidence, now: i64) -> (bool, Option<&'static str>, Option<String>) {
        let address = "+4915112345678".parse().unwrap();
        let row = SessionRow { sender: SenderId(1), customer: CustomerId(2), address, name: None, evidence };
        let view = SessionView::new(&row, None, Timestamp::from_secs(now));
        (view.open, view.closed_because, view.open_until)
    }

    #[test]
    fn a_session_says_whether_why_and_until_when() {
        let at = Timestamp::from_secs(1_790_000_000);
        let heard = Evidence { heard: Some(at), refused: None };
        assert_eq!(shown(heard, 1_790_000_001), (true, None, Some(rfc3339(at.plus(SESSION)))));
        assert_eq!(shown(heard, 1_790_086_400), (false, Some("over"), None));
        assert_eq!(shown(Evidence::default(), 0), (false, Some("never_heard"), None));
        let refused = Evidence { heard: Some(at), refused: Some(Timestamp::from_secs(1_790_000_002)) };
        assert_eq!(shown(refused, 1_790_000_003), (false, Some("refused"), None));
    }
}
