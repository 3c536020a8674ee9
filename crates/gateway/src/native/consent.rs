//! `customers/{id}/consent`: what a customer wants to be sent, and the ledger that shows it.

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use transom_domain::consent::{Choice, Consent, Entry, Evidence, IP_MAX, Scope, Source, Stand, TEXT_MAX, URL_MAX};
use transom_domain::time::Timestamp;
use transom_store::Who;

use super::common::{message_id, moment, rfc3339};
use super::query::Query;
use super::read::{Notes, read, request_bodies};
use super::recipient::PathCustomer;
use crate::http::App;
use crate::http::call::{Asked, Authorised, PathId, SEND, json as answer};
use crate::http::refusal::{ChangeRefusals, TemplateReads};
use crate::problem::Problem;

/// A customer's word on what may be sent, with what shows it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "scope": "marketing", "choice": "opted_in", "at": "2026-11-22T08:00:00Z", "source": "api",
    "wording": "Send me offers on WhatsApp. I can stop any time.", "ip": "203.0.113.7", "url": "https://shop.example/newsletter"
}))]
pub(crate) struct ConsentRequest {
    /// `marketing` (marketing templates), or `everything`: all there is, one-time codes included.
    scope: String,
    /// `opted_in` or `opted_out`.
    choice: String,
    /// When the customer chose; now where it is left out.
    at: Option<String>,
    /// `api` where it is left out, `import` for what another system kept before, `cli` for an operator's word.
    source: Option<String>,
    /// Our id of the message that says it.
    message_id: Option<String>,
    /// What the customer said, word for word; up to 2,000 characters.
    said: Option<String>,
    /// What was shown to the customer; up to 2,000 characters.
    wording: Option<String>,
    /// Network address of the customer; up to 45 characters.
    ip: Option<String>,
    /// Page on which it was chosen; up to 2,000 characters.
    url: Option<String>,
}

request_bodies!(ConsentRequest);

/// What a customer wants, and since when; null while nobody has said anything of it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Consent)]
pub(crate) struct ConsentView {
    /// Of marketing templates.
    #[schema(value_type = Option<StandView>)]
    marketing: Option<StandView>,
    /// Of all there is.
    #[schema(value_type = Option<StandView>)]
    everything: Option<StandView>,
}

/// A choice.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ConsentStand)]
pub(crate) struct StandView {
    /// `opted_in` or `opted_out`.
    choice: &'static str,
    /// When it was made.
    since: String,
}

/// One word of the ledger.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ConsentEntry)]
pub(crate) struct EntryView {
    /// `marketing` or `everything`.
    scope: &'static str,
    /// `opted_in` or `opted_out`.
    choice: &'static str,
    /// When it was chosen.
    at: String,
    /// `keyword`, `preference` (chosen in WhatsApp), `refusal` (Meta's 131050), `api`, `cli` or `import`.
    source: &'static str,
    /// Our id of the message that says it.
    message_id: Option<String>,
    /// What the customer or Meta said, word for word.
    said: Option<String>,
    /// What was shown to the customer.
    wording: Option<String>,
    /// Network address of the customer.
    ip: Option<String>,
    /// Page on which it was chosen.
    url: Option<String>,
    /// The key under which it was recorded.
    key_id: Option<String>,
    /// Who recorded it in the console.
    user_id: Option<String>,
}

/// A customer's consent with a page of the ledger.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConsentPage {
    /// The customer.
    customer_id: String,
    /// What is wanted now.
    consent: ConsentView,
    /// The ledger, newest first.
    data: Vec<EntryView>,
    /// Give it as `pageToken` for the next page; null on the last.
    next_page_token: Option<String>,
}

/// What recording did.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConsentRecorded {
    /// The customer, new or known.
    customer_id: String,
    /// False where the ledger has that very word already.
    recorded: bool,
    /// Whether something else is wanted than before.
    changed: bool,
    /// What is wanted now.
    consent: ConsentView,
}

impl From<Consent> for ConsentView {
    fn from(consent: Consent) -> Self {
        let stand = |stand: Stand| StandView { choice: stand.choice.as_str(), since: rfc3339(stand.at) };
        Self { marketing: consent.marketing.map(stand), everything: consent.everything.map(stand) }
    }
}

/// What a customer wants, as events say it.
pub(super) fn consent_json(consent: Consent) -> Value {
    let stand = |stand: Stand| json!({ "choice": stand.choice.as_str(), "since": rfc3339(stand.at) });
    json!({ "marketing": consent.marketing.map(stand), "everything": consent.everything.map(stand) })
}

impl From<Entry> for EntryView {
    fn from(entry: Entry) -> Self {
        let Entry { scope, choice, at, source, evidence } = entry;
        let Evidence { message, said, wording, ip, url, key, user } = evidence;
        Self {
            scope: scope.as_str(),
            choice: choice.as_str(),
            at: rfc3339(at),
            source: source.as_str(),
            message_id: message.map(|id| id.to_string()),
            said,
            wording,
            ip,
            url,
            key_id: key.map(|id| id.to_string()),
            user_id: user.map(|id| id.to_string()),
        }
    }
}

fn word<T>(notes: &mut Notes, field: &str, word: &str, named: impl FnOnce(&str) -> Option<T>, choices: &str) -> Option<T> {
    let found = named(word);
    if found.is_none() {
        notes.note(field, "is not one of its values", format!("use {choices}"));
    }
    found
}

pub(super) fn parse(asked: &Asked, now: Timestamp) -> Result<Entry, Problem> {
    let (request, mut notes) = read::<ConsentRequest>(&asked.body)?;
    let entry = request.and_then(|request| {
        for (field, text, max) in [
            ("said", &request.said, TEXT_MAX),
            ("wording", &request.wording, TEXT_MAX),
            ("ip", &request.ip, IP_MAX),
            ("url", &request.url, URL_MAX),
        ] {
            notes.at_most(field, text.as_deref(), max);
        }
        let scope = word(&mut notes, "scope", &request.scope, Scope::named, "marketing or everything");
        let choice = word(&mut notes, "choice", &request.choice, Choice::named, "opted_in or opted_out");
        let told = |word: &str| Source::named(word).filter(|s| matches!(s, Source::Api | Source::Cli | Source::Import));
        let source = word(&mut notes, "source", request.source.as_deref().unwrap_or("api"), told, "api, cli or import");
        let message = message_id(request.message_id.as_deref(), "messageId", &mut notes);
        let at = moment(request.at.as_deref(), "at", &mut notes).unwrap_or(now);
        let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
        let evidence = Evidence {
            message,
            said: filled(request.said),
            wording: filled(request.wording),
            ip: filled(request.ip),
            url: filled(request.url),
            key: None,
            user: None,
        };
        Some(Entry { scope: scope?, choice: choice?, at, source: source?, evidence })
    });
    notes.finish(entry)
}

/// Read a customer's consent
///
/// What the customer wants to be sent, and the words that show it, newest first. The newest word of a scope counts; of two of one
/// moment the one against; a word about everything speaks of marketing too.
#[utoipa::path(
    get,
    path = "/v1/businesses/{business}/customers/{id}/consent",
    operation_id = "getConsent",
    tag = "Customers",
    params(
        ("business" = String, Path, description = "Id of the business"),
        ("id" = String, Path, description = "Id of the customer, or one of the customer's identities: `+E.164`, `bsuid:…`, `messenger:…`"),
        ("pageSize" = Option<u32>, Query, description = "1 to 200; 50 where left out"),
        ("pageToken" = Option<String>, Query, description = "`nextPageToken` of the page before"),
    ),
    responses((status = 200, description = "Consent, and a page of the ledger", body = ConsentPage), TemplateReads),
    security(("X-API-Key" = []))
)]
pub(crate) async fn get(
    State(app): State<App>,
    Authorised(caller): Authorised<SEND>,
    id: PathId,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let PathCustomer(who) = id.parse(|| Problem::not_found("customer"))?;
    let mut query = Query::read(query.as_deref(), &["pageSize", "pageToken"]);
    let page = query.page();
    let found = app.service.consent(&caller, who, query.finish(page)?).await?;
    answer(
        StatusCode::OK,
        &ConsentPage {
            customer_id: found.customer.to_string(),
            consent: found.consent.into(),
            data: found.entries.into_iter().map(EntryView::from).collect(),
            next_page_token: found.next,
        },
    )
}

/// Record a customer's consent
///
/// Adds a word to the ledger; none is ever changed. A phone number or user id that nobody has becomes a new customer, so that a list
/// of opt-ins can be imported before the first message.
#[utoipa::path(
    post,
    path = "/v1/businesses/{business}/customers/{id}/consent",
    operation_id = "recordConsent",
    tag = "Customers",
    params(
        ("business" = String, Path, description = "Id of the business"),
        ("id" = String, Path, description = "Id of the customer, or an identity: `+E.164`, `bsuid:…`, `messenger:…`"),
    ),
    request_body(content = ConsentRequest),
    responses((status = 200, description = "Recorded, or there already", body = ConsentRecorded), ChangeRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn record(
    State(app): State<App>,
    Authorised(caller): Authorised<SEND>,
    id: PathId,
    asked: Asked,
) -> Result<Response, Problem> {
    let PathCustomer(who) = id.parse(|| Problem::not_found("customer"))?;
    if matches!(who, Who::Id(_)) {
        // Whose id it is comes before what is said of it: another business's customer is nobody here.
        app.service.person(&caller, &who).await?;
    }
    let entry = parse(&asked, app.service.now())?;
    let recorded = app.service.record_consent(&caller, who, entry).await?;
    answer(
        StatusCode::OK,
        &ConsentRecorded {
            customer_id: recorded.customer.to_string(),
            recorded: recorded.news,
            changed: recorded.changed,
            consent: recorded.consent.into(),
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(body: &Value) -> Result<Entry, Vec<String>> {
        parse(&Asked::of(body.to_string()), Timestamp::EPOCH).map_err(|problem| {
            let errors = problem.details["errors"].as_array().unwrap().clone();
            errors.iter().map(|e| e["field"].as_str().unwrap().to_owned()).collect()
        })
    }

    #[test]
    fn a_word_is_taken_with_what_shows_it() {
        let body =
            json!({ "scope": "marketing", "choice": "opted_in", "wording": "Offers?", "ip": "", "at": "2026-11-22T08:00:00Z" });
        let entry = parsed(&body).unwrap();
        assert_eq!((entry.scope, entry.choice, entry.source), (Scope::Marketing, Choice::OptedIn, Source::Api));
        assert_eq!((entry.evidence.wording.as_deref(), entry.evidence.ip), (Some("Offers?"), None));
        assert_eq!(rfc3339(entry.at), "2026-11-22T08:00:00.000Z");
    }

    #[test]
    fn every_wrong_field_is_named() {
        let body = json!({
            "scope": "all", "choice": "maybe", "source": "keyword", "at": "soon", "messageId": "x", "ip": "x".repeat(46),
            "wording": "x".repeat(2_001),
        });
        assert_eq!(
            parsed(&body),
            Err(["wording", "ip", "scope", "choice", "source", "messageId", "at"].map(str::to_owned).to_vec())
        );
    }
}
