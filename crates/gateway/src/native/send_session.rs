//! `POST send/messages`, as published.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use transom_domain::address::{Channel, Identity};
use transom_domain::message::{WhenRefused, WhenUnknown};

use super::common::{NAME_MAX, callback_data, campaign, message_id};
use super::message_body::MessageBody;
use super::read::{Notes, read, request_bodies};
use super::recipient;
use super::sent::{SentId, published};
use crate::http::App;
use crate::http::call::{Asked, Authorised, SEND};
use crate::http::refusal::SendRefusals;
use crate::problem::Problem;
use crate::service::{SendCommand, What};

/// A message inside an open session.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "sender": { "id": "+493012345678", "channelType": "whatsapp" },
    "recipient": { "id": "+4915112345678", "channelType": "whatsapp" },
    "message": { "text": "Wir melden uns gleich." },
    "callbackData": "ticket-771"
}))]
pub(crate) struct SendSession {
    /// To whom.
    recipient: Recipient,
    /// Which of our numbers sends, as an object; needed only where there are several.
    sender: Option<SenderBody>,
    /// What.
    message: MessageBody,
    /// A tag.
    campaign_name: Option<String>,
    /// Any JSON up to 1,024 bytes; comes back in every webhook about the message.
    callback_data: Option<Value>,
}

/// A customer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Recipient {
    /// `+E.164` or a bare business-scoped user id on WhatsApp, a page-scoped id on Messenger; required unless `userId` is given.
    id: Option<String>,
    /// `whatsapp` or `messenger`.
    #[schema(example = "whatsapp")]
    channel_type: String,
    /// Display name.
    name: Option<String>,
    /// Business-scoped user id, the older way of addressing; a phone number in `id` wins.
    user_id: Option<String>,
}

/// One of our senders.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SenderBody {
    /// `+E.164`, or a Page id.
    id: String,
    /// `whatsapp` or `messenger`; that of the recipient where left out.
    channel_type: Option<String>,
    /// Accepted and ignored.
    #[serde(rename = "name")]
    _name: Option<String>,
}

request_bodies!(SendSession);

pub(super) fn parse(asked: Asked) -> Result<SendCommand, Problem> {
    let (request, mut notes) = read::<SendSession>(&asked.body)?;
    notes.hint(
        "sender",
        "here the sender is an object, such as {\"id\":\"+493012345678\",\"channelType\":\"whatsapp\"}; \
         a text belongs to send/whatsapp_templated_messages",
    );
    let command = request.and_then(|request| request.into_command(&asked, &mut notes));
    let command = notes.finish(command)?;
    Ok(SendCommand { idempotency: asked.idempotency, ..command })
}

impl SendSession {
    fn into_command(self, asked: &Asked, notes: &mut Notes) -> Option<SendCommand> {
        let channel = recipient::channel(&self.recipient.channel_type, "recipient.channelType", notes);
        notes.at_most("recipient.name", self.recipient.name.as_deref(), NAME_MAX);
        let to = channel.and_then(|channel| self.recipient.identity(channel, notes));
        let from = self.sender.and_then(|sender| {
            let own = sender.channel_type.as_deref().and_then(|c| recipient::channel(c, "sender.channelType", notes));
            if own.is_some() && channel.is_some() && own != channel {
                notes.note("sender.channelType", "is not the recipient's channel", "name a sender of the recipient's channel");
                return None;
            }
            recipient::sender(&sender.id, channel, "sender.id", notes)
        });
        let id = message_id(self.message.id.as_deref(), "message.id", notes);
        let context = message_id(self.message.context_id.as_deref(), "message.contextId", notes);
        let say = self.message.into_free_form(notes);
        let callback_data = callback_data(self.callback_data.as_ref(), &asked.body, notes);
        let campaign = campaign(self.campaign_name, notes);
        Some(SendCommand {
            to: to?,
            from,
            id,
            name: self.recipient.name,
            what: What::FreeForm(say?),
            send_at: None,
            validity: None,
            when_unknown: WhenUnknown::Auto,
            callback_data,
            when_refused: WhenRefused::Refuse,
            campaign,
            origin: None,
            human: None,
            context,
            idempotency: None,
        })
    }
}

impl Recipient {
    fn identity(&self, channel: Channel, notes: &mut Notes) -> Option<Identity> {
        let given = |text: &Option<String>| text.clone().filter(|t| !t.trim().is_empty());
        match (channel, given(&self.id), given(&self.user_id)) {
            (_, None, None) => {
                notes.note("recipient.id", "is required", "give the customer's number or user id");
                None
            }
            (Channel::Messenger, Some(id), _) => recipient::page_scoped(&id, "recipient.id", notes),
            (Channel::Messenger, None, Some(_)) => {
                notes.note("recipient.userId", "does not exist on messenger", "give the page-scoped id in recipient.id");
                None
            }
            (Channel::Whatsapp, None, Some(user)) => recipient::customer(&user, "recipient.userId", notes),
            (Channel::Whatsapp, Some(id), user) => {
                let to = recipient::customer(&id, "recipient.id", notes);
                // Both are read, so that a mistake in either is told; a phone number wins, as at Meta.
                let user = user.and_then(|user| recipient::customer(&user, "recipient.userId", notes));
                match (&to, user) {
                    (Some(Identity::Bsuid(_)), Some(phone @ Identity::Phone(_))) => Some(phone),
                    _ => to,
                }
            }
        }
    }
}

/// Send a session message
///
/// Goes only inside an open session: the customer wrote to this sender within the last 24 hours. Exactly one content. 201 means
/// accepted; what became of it comes by webhook.
#[utoipa::path(
    post,
    path = "/v1/businesses/{business}/send/messages",
    operation_id = "sendSessionMessage",
    tag = "Sending",
    params(
        ("business" = String, Path, description = "Id of the business"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 128 printable ASCII characters: a repetition gets the answer of the first"),
    ),
    request_body(content = SendSession),
    responses(
        (status = 201, description = "Accepted and durable", body = SentId, headers(
            ("Idempotency-Replayed" = String, description = "`true` when this is the answer of an earlier request"),
        )),
        SendRefusals,
    ),
    security(("X-API-Key" = []))
)]
pub(crate) async fn send_session(
    State(app): State<App>,
    Authorised(caller): Authorised<SEND>,
    asked: Asked,
) -> Result<Response, Problem> {
    published(app.service.send(&caller, parse(asked)?).await?)
}

#[cfg(test)]
#[path = "send_session_tests.rs"]
mod tests;
