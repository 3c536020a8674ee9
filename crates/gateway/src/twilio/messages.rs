//! Messages: create, fetch, list, cancel, redact, delete.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};

use serde_json::Value;

use transom_domain::address::Identity;
use transom_domain::error_code::ErrorCode;
use transom_domain::id::{BusinessId, MessageId, SenderId};
use transom_domain::message::{Message, WhenRefused};
use transom_domain::status::Status;
use transom_domain::time::Timestamp;
use transom_store::{Direction, MessageFilter};

use super::account::Account;
use super::codes::Code;
use super::dates::Stretch;
use super::form::{Asked, Form, KeyedForm};
use super::media::know_file;
use super::message_view::{API_VERSION, Beside, FirstView, accepted, view};
use super::paging::Paging;
use super::refusal::Refusal;
use super::sid::Sid;
use super::{address, creation, dates, words};
use crate::http::App;
use crate::http::call::{SEND, json};
use crate::problem::Problem;
use crate::service::{Caller, SendCommand, Sent};

/// What path parameters name: an account, which the credentials have vouched for, and a message of it.
type OfMessage = Path<(String, String)>;

/// `POST Messages.json`.
pub(super) async fn create(
    State(app): State<App>,
    Account(caller): Account<SEND>,
    KeyedForm { form, idempotency }: KeyedForm,
) -> Result<Response, Refusal> {
    let settings = app.service.twilio_settings(&caller).await?;
    let when_refused = if settings.refuse_at_once { WhenRefused::Refuse } else { WhenRefused::Accept };
    let now = app.service.now();
    let mut command = creation::read(&form, when_refused)?;
    command.idempotency = idempotency;
    let (later, by_content) = (command.send_at.is_some(), form.text("ContentSid")?.is_some());
    let first = FirstView::of(&command, form.text("Body")?, now);
    let sent = match may_go(&app, &caller, &mut command, now).await {
        Ok(()) => app.service.send(&caller, command).await.map_err(|problem| refused(problem, by_content))?,
        // What stands in its way now did not when it was accepted, if it was.
        Err(refusal) => app.service.accepted_before(&caller, &command).await?.ok_or(refusal)?,
    };
    let id = match sent {
        Sent::Accepted { id, .. } => id,
        Sent::Replayed { body } => accepted_before(&body)?,
    };
    // It is accepted: from here on nothing may be answered that makes a client send it again.
    let view = match app.service.message(&caller, id).await {
        Ok(message) => accepted(&message, app.beside(&message).await, later),
        Err(_) => first.view(caller.business, id),
    };
    json(StatusCode::CREATED, &view).or_else(|_| Ok(StatusCode::CREATED.into_response()))
}

/// What a new message must keep to now, beside what it says: its time, and that a file of ours is still there.
async fn may_go(app: &App, caller: &Caller, command: &mut SendCommand, now: Timestamp) -> Result<(), Refusal> {
    creation::in_time(command, now)?;
    know_file(&app.service, caller.business, &mut command.what).await
}

/// The message that a repeated request made when it came first, by the answer that was kept.
fn accepted_before(answer: &[u8]) -> Result<MessageId, Refusal> {
    let kept: Option<Value> = serde_json::from_slice(answer).ok();
    let id = kept.as_ref().and_then(|kept| kept.get("id")?.as_str()?.parse().ok());
    let other = "The idempotency key stands for a request of another kind. Use a new key for a new request.";
    id.ok_or_else(|| Problem::new(ErrorCode::IdempotencyConflict, other).into())
}

/// `GET Messages/{sid}.json`.
pub(super) async fn fetch(
    State(app): State<App>,
    Account(caller): Account<SEND>,
    Path((_, sid)): OfMessage,
) -> Result<Response, Refusal> {
    let message = app.message_named(&caller, &sid).await?;
    app.answer(&message).await
}

/// `GET Messages.json`.
pub(super) async fn list(
    State(app): State<App>,
    Account(caller): Account<SEND>,
    Asked(query): Asked,
) -> Result<Response, Refusal> {
    let paging = Paging::read(&query)?;
    let wanted = MessageList::read(&query, |address| app.sender_at(caller.business, address))?;
    let (messages, next) = match &wanted.filter {
        Some(filter) => {
            let ask = |page| {
                let (service, filter) = (app.service.clone(), filter.clone());
                async move { service.messages(&caller, filter, page).await }
            };
            paging.gather(ask).await?
        }
        None => (Vec::new(), None),
    };
    let mut shown = Vec::with_capacity(messages.len());
    for message in &messages {
        shown.push(view(message, app.beside(message).await));
    }
    let path = format!("/{API_VERSION}/Accounts/{}/Messages.json", caller.business.sid());
    Ok(json(StatusCode::OK, &paging.list(&path, &query, "messages", &shown, next.as_deref()))?)
}

/// `POST Messages/{sid}.json`: `Status=canceled` calls a scheduled message off, an empty `Body` takes the content out.
pub(super) async fn update(
    State(app): State<App>,
    Account(caller): Account<SEND>,
    Path((_, sid)): OfMessage,
    form: Form,
) -> Result<Response, Refusal> {
    let (status, body) = (form.given("Status")?, form.given("Body")?);
    let message = app.message_named(&caller, &sid).await?;
    match (status, body) {
        (Some("canceled"), None) => {
            // What waits for its turn and not for its time would be canceled by chance, or not.
            if message.status != Status::Accepted {
                return Err(not_cancellable(&message));
            }
            app.service.cancel(&caller, message.id).await.map_err(|problem| match problem.code {
                ErrorCode::StateConflict => not_cancellable(&message),
                _ => problem.into(),
            })?;
        }
        (None, Some("")) => app.service.redact(&caller, message.id).await?,
        (Some(_), None) => return Err(Refusal::parameter("Status", "can only be set to canceled", "write Status=canceled")),
        (None, Some(_)) => {
            return Err(Refusal::parameter("Body", "can only be emptied", "write Body= to take the content out"));
        }
        (Some(_), Some(_)) => {
            return Err(Refusal::parameter("Body", "excludes Status", "cancel first, then redact"));
        }
        (None, None) => {
            return Err(Refusal::parameter("Status", "is required, or Body", "write Status=canceled, or an empty Body"));
        }
    }
    let message = app.message_named(&caller, &sid).await?;
    app.answer(&message).await
}

fn not_cancellable(message: &Message) -> Refusal {
    let word = words::status(message);
    let refusal = format!("The message is {word}: only a scheduled message can be canceled.");
    Refusal::new(Code::NotCancellable, refusal)
}

/// `DELETE Messages/{sid}.json`.
pub(super) async fn delete(
    State(app): State<App>,
    Account(caller): Account<SEND>,
    Path((_, sid)): OfMessage,
) -> Result<StatusCode, Refusal> {
    let message = app.message_named(&caller, &sid).await?;
    app.service.delete(&caller, message.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which messages a list names.
struct MessageList {
    /// None where nothing can be both.
    filter: Option<MessageFilter>,
}

impl MessageList {
    /// Reads `To`, `From` and the three forms of `DateSent`. `own` finds the sender with an address.
    fn read(query: &Form, own: impl Fn(&Identity) -> Option<SenderId>) -> Result<Self, Refusal> {
        let read = |name: &str| {
            let address = query.text(name)?.map(address::read).transpose();
            address.map_err(|rule| Refusal::parameter(name, rule, address::REMEDY))
        };
        let date = |name: &str| {
            let Some(text) = query.text(name)? else { return Ok(None) };
            let remedy = "write a day such as 2026-01-02, or a moment such as 2026-01-02T03:04:05Z";
            dates::stretch(text).map(Some).ok_or_else(|| Refusal::parameter(name, "is neither a day nor a moment", remedy))
        };
        let mut filter = MessageFilter::default();
        let mut possible = true;
        for (address, to_own, to_customer) in
            [(read("To")?, Direction::Inbound, Direction::Outbound), (read("From")?, Direction::Outbound, Direction::Inbound)]
        {
            let Some(address) = address else { continue };
            let direction = match own(&address) {
                Some(sender) => {
                    filter.sender = Some(sender);
                    to_own
                }
                None => {
                    filter.customer = Some(address);
                    to_customer
                }
            };
            possible &= filter.direction.is_none_or(|other| other == direction);
            filter.direction = Some(direction);
        }
        // Both ends are within: `DateSent<` goes to the end of its day or second.
        let (on, until, from) = (date("DateSent")?.map(Stretch::whole_day), date("DateSent<")?, date("DateSent>")?);
        filter.from = [on, from].into_iter().flatten().map(|stretch| stretch.from).max();
        filter.until = [on, until].into_iter().flatten().map(|stretch| stretch.until).min();
        possible &= filter.from.zip(filter.until).is_none_or(|(from, until)| from < until);
        Ok(Self { filter: possible.then_some(filter) })
    }
}

impl App {
    /// The sender of a business with this address.
    fn sender_at(&self, business: BusinessId, address: &Identity) -> Option<SenderId> {
        self.service.senders(business).into_iter().find(|sender| sender.address == *address).map(|sender| sender.id)
    }

    /// The message with this SID.
    pub(super) async fn message_named(&self, caller: &Caller, sid: &str) -> Result<Message, Refusal> {
        let sid = sid.strip_suffix(".json").unwrap_or(sid);
        let missing = || Refusal::missing("message", sid);
        let id = MessageId::of_sid(sid).ok_or_else(missing)?;
        self.service.message(caller, id).await.map_err(|problem| match problem.code {
            ErrorCode::NotFound => missing(),
            _ => problem.into(),
        })
    }

    /// What is shown of a message and does not stand in it.
    async fn beside(&self, message: &Message) -> Beside {
        let sender = self.service.sender(message.sender).map(|sender| sender.address);
        Beside { sender, template_text: self.service.template_text(message).await }
    }

    async fn answer(&self, message: &Message) -> Result<Response, Refusal> {
        Ok(json(StatusCode::OK, &view(message, self.beside(message).await))?)
    }
}

/// A refusal of a send. What is wrong with a value is named as the caller named it.
fn refused(problem: Problem, by_content: bool) -> Refusal {
    let field = problem.details.get("errors").and_then(|errors| errors.get(0)?.get("field")?.as_str().map(str::to_owned));
    let code = match (problem.code, field.as_deref()) {
        (ErrorCode::RequestInvalid, Some(field)) if by_content && field.starts_with("variables") => Code::VariablesInvalid,
        (ErrorCode::RequestInvalid, Some(field)) if field.contains("url") || field.contains("attachment") => {
            Code::MediaUrlInvalid
        }
        _ => return problem.into(),
    };
    Refusal::from(problem).coded(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "whatsapp:+493012345678";

    fn read(query: &str) -> Option<MessageFilter> {
        let own = address::read(OWN).unwrap();
        let query = Form::read(query.as_bytes()).unwrap();
        MessageList::read(&query, |address| (*address == own).then_some(SenderId(5))).unwrap().filter
    }

    #[test]
    fn addresses_say_which_way_a_message_went() {
        let sent = read("From=whatsapp%3A%2B493012345678&To=whatsapp%3A%2B4915112345678").unwrap();
        assert_eq!((sent.sender, sent.direction), (Some(SenderId(5)), Some(Direction::Outbound)));
        assert_eq!(sent.customer.unwrap().to_string(), "+4915112345678");
        assert_eq!(read("To=whatsapp%3A%2B493012345678").unwrap().direction, Some(Direction::Inbound));
        assert_eq!(read("From=whatsapp%3A%2B4915112345678").unwrap().direction, Some(Direction::Inbound));
        // Nobody writes to himself.
        assert_eq!(read("From=whatsapp%3A%2B493012345678&To=whatsapp%3A%2B493012345678"), None);
        assert_eq!(read(""), Some(MessageFilter::default()));
    }

    #[test]
    fn both_ends_of_a_stretch_are_within() {
        let of = |query| read(query).map(|filter| (filter.from.map(Timestamp::as_secs), filter.until.map(Timestamp::as_secs)));
        let day = 1_767_225_600;
        for same in ["DateSent=2026-01-01", "DateSent=2026-01-01T00:00:00Z"] {
            assert_eq!(of(same), Some((Some(day), Some(day + 86_400))), "{same}");
        }
        assert_eq!(of("DateSent%3C=2026-01-01"), Some((None, Some(day + 86_400))));
        assert_eq!(
            of("DateSent%3E=2026-01-01T00%3A00%3A00Z&DateSent%3C=2026-01-01T00%3A00%3A07Z"),
            Some((Some(day), Some(day + 8)))
        );
        assert_eq!(of("DateSent%3E=2026-01-02&DateSent%3C=2026-01-01"), None);
        assert!(MessageList::read(&Form::read(b"DateSent=soon").unwrap(), |_| None).is_err());
    }
}
