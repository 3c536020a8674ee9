//! `customers`: people, with their identities, sessions and consent; merged, separated, and asked for their number.

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use transom_domain::address::Identity;
use transom_domain::error_code::ErrorCode;
use transom_domain::free_form::FreeForm;
use transom_domain::id::CustomerId;
use transom_domain::message::{WhenRefused, WhenUnknown};
use transom_domain::people::{Claim, Present};
use transom_domain::time::Timestamp;
use transom_store::{CustomerFilter, CustomerView, MergedCustomer, Who};

use super::common::rfc3339;
use super::consent::ConsentView;
use super::query::Query;
use super::read::{read, request_bodies};
use super::recipient::{self, PathCustomer};
use super::sent::own;
use super::sessions::SessionView;
use super::verdict::SentMessage;
use crate::http::App;
use crate::http::call::{Asked, Authorised, PathId, SEND, json as answer};
use crate::http::refusal::{AskRefusals, ChangeRefusals, ListRefusals, ReadRefusals};
use crate::problem::Problem;
use crate::service::{SendCommand, What};

/// Longest text that is looked for, in characters.
const QUERY_MAX: usize = 64;

/// A page of people.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CustomerPage {
    /// People.
    data: Vec<PersonView>,
    /// Give it as `pageToken` for the next page; null on the last.
    next_page_token: Option<String>,
}

/// A person: a customer together with all who turned out to be the same one.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Customer)]
pub(crate) struct PersonView {
    /// Names the person; the id of a customer that was merged into it names it too.
    id: String,
    /// Display name, where known.
    name: Option<String>,
    /// User name, where known.
    username: Option<String>,
    /// Present address, the number where there is one: what to send to.
    address: Option<String>,
    /// Present phone number, where known.
    phone_number: Option<String>,
    /// Present business-scoped user id, where known.
    user_id: Option<String>,
    /// All identities, present and past.
    identities: Vec<IdentityView>,
    /// The other customers that are this person.
    merged: Vec<MergedView>,
    /// What the person wants to be sent.
    consent: ConsentView,
}

/// One identity of a person.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CustomerIdentity)]
pub(crate) struct IdentityView {
    /// `+E.164`, `bsuid:CC.…` or `messenger:<psid>`.
    identity: String,
    /// `phone`, `user_id`, `parent_user_id` or `page_scoped_id`.
    kind: &'static str,
    /// Whether the person is reached by it now, as far as is known.
    present: bool,
    /// When it was first known.
    since: String,
    /// As of when it is known to be the person's no more.
    until: Option<String>,
    /// When the person last spoke under it; null when that was never seen.
    last_seen_at: Option<String>,
    /// How it was first known: `spoke`, `shared`, `changed`, `reported` (in an answer or a status) or `written_to`.
    learnt: &'static str,
    /// The customer that has it: another than the person's id where it came by a merge.
    customer_id: String,
}

/// A customer that is part of a person.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MergedCustomer)]
pub(crate) struct MergedView {
    /// Names the customer, and its merge.
    id: String,
    /// Display name by which this one was known.
    name: Option<String>,
    /// To which customer it leads.
    into: String,
    /// Since when.
    at: String,
    /// `user_id` (the channel named ids of both as one person's), `phone` (one was known by a number only, which the other has),
    /// `change` (of number or user id) or `by_hand`.
    reason: &'static str,
}

/// A person with everything that is known.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CustomerDetail {
    /// The person.
    #[serde(flatten)]
    customer: PersonView,
    /// Sessions with each sender, heard last first; at most 50.
    sessions: Vec<SessionView>,
    /// Where the person's messages are listed, newest first.
    messages_url: Option<String>,
}

/// The other customer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({ "with": "bsuid:DE.4402917750112" }))]
pub(crate) struct MergeRequest {
    /// Id of the other customer, or one of its identities.
    with: String,
}

/// How a customer is asked for the phone number.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({ "body": "May we have your number for the delivery?", "from": "+493012345678" }))]
pub(crate) struct ContactInfoRequest {
    /// What is said above the button; up to 1,024 characters.
    body: String,
    /// The sender, `+E.164`; may be left out when only one can be meant.
    from: Option<String>,
}

request_bodies!(MergeRequest, ContactInfoRequest);

impl IdentityView {
    fn new(customer: CustomerId, claim: &Claim, present: &Present) -> Self {
        let (kind, is_present) = match &claim.identity {
            Identity::Phone(phone) => ("phone", present.phone.as_ref() == Some(phone)),
            Identity::Bsuid(id) if id.is_parent() => ("parent_user_id", claim.held && claim.is_live()),
            Identity::Bsuid(id) => ("user_id", present.bsuid.as_ref() == Some(id)),
            Identity::Psid(_) => ("page_scoped_id", claim.held && claim.is_live()),
        };
        Self {
            identity: claim.identity.to_string(),
            kind,
            present: is_present,
            since: rfc3339(claim.since),
            until: claim.until.filter(|_| !claim.is_live()).map(rfc3339),
            last_seen_at: Some(claim.seen).filter(|seen| *seen > Timestamp::EPOCH).map(rfc3339),
            learnt: claim.how.as_str(),
            customer_id: customer.to_string(),
        }
    }
}

impl From<MergedCustomer> for MergedView {
    fn from(merged: MergedCustomer) -> Self {
        Self {
            id: merged.id.to_string(),
            name: merged.name,
            into: merged.into.to_string(),
            at: rfc3339(merged.at),
            reason: merged.why.as_str(),
        }
    }
}

impl From<CustomerView> for PersonView {
    fn from(view: CustomerView) -> Self {
        let CustomerView { id, name, username, present, identities, merged, consent } = view;
        Self {
            id: id.to_string(),
            name,
            username,
            address: present.any().map(|address| address.to_string()),
            phone_number: present.phone.as_ref().map(ToString::to_string),
            user_id: present.bsuid.as_ref().map(ToString::to_string),
            identities: identities.iter().map(|(customer, claim)| IdentityView::new(*customer, claim, &present)).collect(),
            merged: merged.into_iter().map(MergedView::from).collect(),
            consent: consent.into(),
        }
    }
}

/// List customers
///
/// Those that were made last come first. With `q`, those whose phone number begins so, or any word of whose user name or display name;
/// with `identity`, whoever has it, now or in the past. Whoever is several customers can be on several pages.
#[utoipa::path(
    get,
    path = "/v1/businesses/{business}/customers",
    operation_id = "listCustomers",
    tag = "Customers",
    params(
        ("business" = String, Path, description = "Id of the business"),
        ("identity" = Option<String>, Query, description = "`+E.164` in any spelling, `bsuid:CC.…` or `messenger:<psid>`"),
        ("q" = Option<String>, Query, description = "The beginning of a phone number, or of any word of a user name or display name; up to 64 characters"),
        ("pageSize" = Option<u32>, Query, description = "1 to 200; 50 where left out"),
        ("pageToken" = Option<String>, Query, description = "`nextPageToken` of the page before"),
    ),
    responses((status = 200, description = "A page of customers", body = CustomerPage), ListRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn list(
    State(app): State<App>,
    Authorised(caller): Authorised<SEND>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let mut query = Query::read(query.as_deref(), &["identity", "q", "pageSize", "pageToken"]);
    let page = query.page();
    // A plus sign that was not percent-encoded arrives as a blank.
    let plus = |text: &str| text.strip_prefix(' ').map_or_else(|| text.to_owned(), |digits| format!("+{digits}"));
    let (identity, asked) = (query.get("identity").map(plus), query.get("q").map(plus));
    let identity = identity.and_then(|text| recipient::any_customer(&text, "identity", &mut query.notes));
    query.notes.at_most("q", asked.as_deref(), QUERY_MAX);
    let filter = query.finish(CustomerFilter { identity, query: asked })?;
    let (found, next_page_token) = app.service.customers(&caller, filter, page).await?;
    answer(StatusCode::OK, &CustomerPage { data: found.into_iter().map(PersonView::from).collect(), next_page_token })
}

/// Show a customer
///
/// The person with all identities and their history, sessions by sender, and consent. The id of a customer that was merged leads to
/// the person.
#[utoipa::path(
    get,
    path = "/v1/businesses/{business}/customers/{id}",
    operation_id = "getCustomer",
    tag = "Customers",
    params(
        ("business" = String, Path, description = "Id of the business"),
        ("id" = String, Path, description = "Id of the customer, or one of the customer's identities: `+E.164`, `bsuid:…`, `messenger:…`"),
    ),
    responses((status = 200, description = "The customer", body = CustomerDetail), ReadRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn get(State(app): State<App>, Authorised(caller): Authorised<SEND>, id: PathId) -> Result<Response, Problem> {
    let PathCustomer(who) = id.parse(|| Problem::not_found("customer"))?;
    let person = app.service.person(&caller, &who).await?;
    let now = app.service.now();
    let rows = app.service.sessions_of(&caller, &person).await?;
    let sessions = rows.iter().map(|row| SessionView::new(row, app.service.sender(row.sender).as_ref(), now)).collect();
    let to = person.present.any().map(|address| address.to_string().replace('+', "%2B"));
    let messages_url = to.map(|to| format!("/v1/businesses/{}/messages?to={to}", caller.business));
    answer(StatusCode::OK, &CustomerDetail { customer: person.into(), sessions, messages_url })
}

/// Merge two customers
///
/// They are one person from then on: identities, sessions, consent and messages of both are the person's, under the smaller of the
/// two ids. Nothing is rewritten, so that it can be undone.
#[utoipa::path(
    post,
    path = "/v1/businesses/{business}/customers/{id}/merge",
    operation_id = "mergeCustomers",
    tag = "Customers",
    params(
        ("business" = String, Path, description = "Id of the business"),
        ("id" = String, Path, description = "Id of the customer, or one of the customer's identities"),
    ),
    request_body(content = MergeRequest),
    responses((status = 200, description = "The person", body = PersonView), ChangeRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn merge(
    State(app): State<App>,
    Authorised(caller): Authorised<SEND>,
    id: PathId,
    asked: Asked,
) -> Result<Response, Problem> {
    let PathCustomer(who) = id.parse(|| Problem::not_found("customer"))?;
    app.service.person(&caller, &who).await?;
    let (request, mut notes) = read::<MergeRequest>(&asked.body)?;
    let other = request.and_then(|request| match request.with.parse::<PathCustomer>() {
        Ok(PathCustomer(other)) => Some(other),
        Err(()) => {
            notes.note(
                "with",
                "names no customer",
                "give an id, or an identity such as +4915112345678 or bsuid:DE.4402917750112",
            );
            None
        }
    });
    let other = notes.finish(other)?;
    answer(StatusCode::OK, &PersonView::from(app.service.merge_customers(&caller, &who, &other).await?))
}

/// Undo a merge
///
/// The customer is on its own again, with its identities and what came by them since. What is heard does not join the two again.
#[utoipa::path(
    post,
    path = "/v1/businesses/{business}/merges/{id}/undo",
    operation_id = "undoMerge",
    tag = "Customers",
    params(
        ("business" = String, Path, description = "Id of the business"),
        ("id" = String, Path, description = "Id of the customer that was merged: one of `merged` of the person"),
    ),
    responses((status = 200, description = "The customer, on its own again", body = PersonView), ChangeRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn undo(State(app): State<App>, Authorised(caller): Authorised<SEND>, id: PathId) -> Result<Response, Problem> {
    let merged: CustomerId = id.parse(|| Problem::not_found("merge"))?;
    answer(StatusCode::OK, &PersonView::from(app.service.unmerge_customer(&caller, merged).await?))
}

/// Ask for the phone number
///
/// A session message with a button: a tap shares the customer's own number, which becomes known with the answer. Only on WhatsApp,
/// and only while a session is open.
#[utoipa::path(
    post,
    path = "/v1/businesses/{business}/customers/{id}/contact-info-requests",
    operation_id = "askForContactInfo",
    tag = "Customers",
    params(
        ("business" = String, Path, description = "Id of the business"),
        ("id" = String, Path, description = "Id of the customer, or one of the customer's identities"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 128 printable ASCII characters: a repetition gets the answer of the first"),
    ),
    request_body(content = ContactInfoRequest),
    responses((status = 201, description = "Accepted and durable", body = SentMessage), AskRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn ask_for_number(
    State(app): State<App>,
    Authorised(caller): Authorised<SEND>,
    id: PathId,
    asked: Asked,
) -> Result<Response, Problem> {
    let PathCustomer(who) = id.parse(|| Problem::not_found("customer"))?;
    if matches!(who, Who::Id(_)) {
        // Whose id it is comes before what is asked: another business's customer is nobody here.
        app.service.person(&caller, &who).await?;
    }
    let (request, mut notes) = read::<ContactInfoRequest>(&asked.body)?;
    let read = request.and_then(|request| {
        let from = request.from.as_deref().map(|text| recipient::sender(text, None, "from", &mut notes));
        Some((request.body, from.map_or(Some(None), |from| from.map(Some))?))
    });
    let (body, from) = notes.finish(read)?;
    let to = app.service.whatsapp_address(&caller, &who).await?.ok_or_else(|| {
        Problem::new(ErrorCode::StateConflict, "This customer has no address on WhatsApp.")
            .remedy("Only WhatsApp shares numbers.")
    })?;
    let command = SendCommand {
        to,
        from,
        id: None,
        name: None,
        what: What::FreeForm(FreeForm::ContactRequest { body }),
        send_at: None,
        validity: None,
        when_unknown: WhenUnknown::default(),
        callback_data: None,
        when_refused: WhenRefused::Refuse,
        campaign: None,
        origin: None,
        context: None,
        human: None,
        idempotency: asked.idempotency,
    };
    own(app.service.send(&caller, command).await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use transom_domain::people::Learnt;

    #[test]
    fn a_past_identity_says_until_when() {
        let at = |secs: i64| Timestamp::from_secs(1_790_000_000 + secs);
        let claim = Claim {
            identity: "bsuid:DE.1".parse().unwrap(),
            since: at(0),
            seen: at(10),
            until: Some(at(20)),
            with: None,
            how: Learnt::Spoke,
            held: true,
        };
        let present = Present::of(std::slice::from_ref(&claim));
        let shown = serde_json::to_value(IdentityView::new(CustomerId(1), &claim, &present)).unwrap();
        assert_eq!((&shown["kind"], &shown["present"], &shown["learnt"]), (&json!("user_id"), &json!(false), &json!("spoke")));
        assert_eq!((&shown["until"], &shown["lastSeenAt"]), (&json!(rfc3339(at(20))), &json!(rfc3339(at(10)))));
        let written = Claim { seen: Timestamp::EPOCH, until: None, how: Learnt::WrittenTo, ..claim };
        let present = Present::of(std::slice::from_ref(&written));
        let shown = serde_json::to_value(IdentityView::new(CustomerId(1), &written, &present)).unwrap();
        assert_eq!((&shown["present"], &shown["until"], &shown["lastSeenAt"]), (&json!(true), &json!(null), &json!(null)));
    }
}
