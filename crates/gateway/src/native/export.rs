//! `customers/{id}/export`: all that shows what was agreed with one person, as one document.

use std::collections::VecDeque;

use axum::body::Body;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures::stream;
use serde_json::{Value, json};

use transom_domain::address::Identity;
use transom_domain::message::{Draft, Message};
use transom_domain::status::Phase;
use transom_store::{Action, MessageFilter, Page, Who};

use super::common::rfc3339;
use super::consent::{EntryView, consent_json};
use super::recipient::PathCustomer;
use super::verdict::word;
use crate::http::App;
use crate::http::call::{Authorised, PathId, SEND};
use crate::http::refusal::ReadRefusals;
use crate::problem::Problem;
use crate::service::{Caller, provider_id};

/// Rows of one step: what is held in memory of a document that may be long.
const STEP: usize = 100;

/// Where the document is.
enum At {
    Ledger { token: Option<String>, first: bool },
    Messages { token: Option<String>, first: bool },
    Over,
}

struct Export {
    app: App,
    caller: Caller,
    who: Who,
    address: Option<Identity>,
    at: At,
    ready: VecDeque<String>,
}

impl Export {
    /// The next piece of the document.
    async fn next(&mut self) -> Result<Option<String>, Problem> {
        if let Some(piece) = self.ready.pop_front() {
            return Ok(Some(piece));
        }
        let comma = |first: &mut bool| if std::mem::take(first) { "\n" } else { ",\n" };
        match std::mem::replace(&mut self.at, At::Over) {
            At::Ledger { token, mut first } => {
                let page = Page { size: STEP, token };
                let found = self.app.service.consent(&self.caller, self.who.clone(), page).await?;
                let mut piece = String::new();
                for entry in found.entries {
                    piece.push_str(comma(&mut first));
                    piece.push_str(&word(&EntryView::from(entry)).to_string());
                }
                self.at = match found.next {
                    Some(token) => At::Ledger { token: Some(token), first },
                    None => {
                        piece.push_str("],\n\"messages\": [");
                        At::Messages { token: None, first: true }
                    }
                };
                Ok(Some(piece))
            }
            At::Messages { token, mut first } => {
                let filter = MessageFilter { customer: self.address.clone(), ..MessageFilter::default() };
                let (messages, next) = match &self.address {
                    Some(_) => self.app.service.messages(&self.caller, filter, Page { size: STEP, token }).await?,
                    None => (Vec::new(), None),
                };
                let mut piece = String::new();
                for message in &messages {
                    piece.push_str(comma(&mut first));
                    piece.push_str(&self.told(message).to_string());
                }
                match next {
                    Some(token) => self.at = At::Messages { token: Some(token), first },
                    None => piece.push_str("]}\n"),
                }
                Ok(Some(piece))
            }
            At::Over => Ok(None),
        }
    }

    /// What is told of a message: that it was, what kind, and which version of which template was shown; not what it said.
    fn told(&self, message: &Message) -> Value {
        let template = message.verdict.as_ref().and_then(|verdict| {
            let name = verdict.template.as_ref()?;
            Some(json!({
                "name": name.name, "language": name.language.as_str(), "version": verdict.template_version,
                "category": word(&verdict.category),
            }))
        });
        let kind = match (&message.draft, &message.inbound) {
            (Some(Draft::FreeForm { say, .. }), _) => Some(say.word().to_owned()),
            (Some(Draft::Template { .. }), _) => Some("template".to_owned()),
            (Some(Draft::Content { .. }), _) => Some("content".to_owned()),
            (None, Some(inbound)) => Some(inbound.body.word().to_owned()),
            (None, None) => None,
        };
        let said = message.attempts.iter().max_by_key(|attempt| attempt.progress);
        json!({
            "id": message.id.to_string(),
            "direction": if message.phase == Phase::Received { "inbound" } else { "outbound" },
            "channel": message.channel.as_str(),
            "sender": self.app.service.sender(message.sender).map(|s| s.address.to_string()),
            "customer": message.address.to_string(),
            "acceptedAt": rfc3339(message.accepted_at),
            "status": message.status.as_str(),
            "saidAt": said.map(|attempt| rfc3339(attempt.at)),
            "kind": kind,
            "template": template,
            "campaignName": message.campaign,
            "providerMessageId": provider_id(message),
        })
    }
}

/// Export what is known of a customer
///
/// One JSON document: who the customer is, the consent and the whole ledger, and of every message that is kept when it was, how far
/// it got and which version of which template was shown; not what was said. It is made while it is read, however long it is.
#[utoipa::path(
    get,
    path = "/v1/businesses/{business}/customers/{id}/export",
    operation_id = "exportCustomer",
    tag = "Customers",
    params(
        ("business" = String, Path, description = "Id of the business"),
        ("id" = String, Path, description = "Id of the customer, or an identity: `+E.164`, `bsuid:…`, `messenger:…`"),
    ),
    responses((status = 200, description = "The document", body = Object), ReadRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn export(
    State(app): State<App>,
    Authorised(caller): Authorised<SEND>,
    id: PathId,
) -> Result<Response, Problem> {
    let PathCustomer(who) = id.parse(|| Problem::not_found("customer"))?;
    let found = app.service.consent(&caller, who, Page { size: 1, token: None }).await?;
    let known = app.service.person(&caller, &Who::Id(found.customer)).await?;
    app.service.audited(&caller, Action::CustomerExported, known.id).await;
    let identities: Vec<Identity> = known.identities.into_iter().map(|(_, claim)| claim.identity).collect();
    let address = known.present.any().or_else(|| identities.first().cloned());
    let head = json!({
        "id": known.id.to_string(), "name": known.name, "username": known.username, "phoneNumber": known.present.phone,
        "userId": known.present.bsuid.as_ref().map(|b| b.as_str()),
        "identities": identities.iter().map(ToString::to_string).collect::<Vec<_>>(),
    });
    let head = format!(
        "{{\"exportedAt\": {}, \"businessId\": {},\n\"customer\": {head},\n\"consent\": {},\n\"ledger\": [",
        json!(rfc3339(app.service.now())),
        json!(caller.business.to_string()),
        consent_json(found.consent),
    );
    let export = Export {
        app,
        caller,
        who: Who::Id(known.id),
        address,
        at: At::Ledger { token: None, first: true },
        ready: VecDeque::from([head]),
    };
    // A failure halfway breaks the transfer off: half a document must not look like a whole one.
    let pieces = stream::try_unfold(export, |mut export| async move {
        let piece = export.next().await.map_err(|problem| std::io::Error::other(problem.message))?;
        Ok::<_, std::io::Error>(piece.map(|piece| (Bytes::from(piece), export)))
    });
    Ok((StatusCode::OK, [(header::CONTENT_TYPE, "application/json")], Body::from_stream(pieces)).into_response())
}
