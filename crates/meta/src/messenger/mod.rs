//! Messenger's Send API: messages and actions on their way out, and what comes back (Meta: messenger-platform/send-messages,
//! reference/send-api). Limits are the domain's to check; here a message that has passed them is only spelled.

mod page;

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use transom_domain::address::Psid;
use transom_domain::free_form::{File, MediaKind, MediaSource};
use transom_domain::messenger::{Button, Form};

pub use page::{Page, WEBHOOK_FIELDS, app_subscription_body, page_path, parse_page, parse_profile, profile_path, subscribe_path};

use crate::read::{object, put, text};
use crate::send::{Accepted, Answer};
use crate::wire_error::parse_error;

/// Longest `message.metadata` (reference/send-api).
pub const METADATA_MAX: usize = 1_000;

/// What a message has around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// Whom it is for.
    pub recipient: &'a Psid,
    /// A human answers outside the session (tag `HUMAN_AGENT`); inside it is a plain response.
    pub human: bool,
    /// Meta's id of the message that is quoted.
    pub context: Option<&'a str>,
    /// Comes back with the echo of this message, at most [`METADATA_MAX`] bytes; empty for none.
    pub metadata: &'a str,
}

/// Which call of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The file, where a text follows.
    First,
    /// All of it, or the text that follows a file.
    Last,
}

/// Whether a message takes two calls: a file, and the text that follows it.
#[must_use]
pub const fn has_two_parts(form: &Form) -> bool {
    matches!(form, Form::Attachment { then: Some(_), .. })
}

/// The request of one call of a message.
#[must_use]
pub fn message(env: &Envelope<'_>, form: &Form, part: Part) -> Value {
    let mut message = match (form, part) {
        (Form::Attachment { then: Some(text), .. }, Part::Last) => object([("text", json!(text))]),
        _ => print(form),
    };
    put(&mut message, "metadata", Some(env.metadata));
    let mut body = object([("recipient", json!({ "id": env.recipient.as_str() })), ("message", Value::Object(message))]);
    if env.human {
        body.insert("messaging_type".to_owned(), json!("MESSAGE_TAG"));
        body.insert("tag".to_owned(), json!("HUMAN_AGENT"));
    } else {
        body.insert("messaging_type".to_owned(), json!("RESPONSE"));
    }
    // The first call is the one that answers something.
    let quotes = part == Part::First || !has_two_parts(form);
    if let Some(quoted) = env.context.filter(|id| quotes && !id.is_empty()) {
        body.insert("reply_to".to_owned(), json!({ "mid": quoted }));
    }
    Value::Object(body)
}

fn print(form: &Form) -> Map<String, Value> {
    match form {
        Form::Text { body } => object([("text", json!(body))]),
        Form::Attachment { file, .. } => object([("attachment", attachment(file))]),
        Form::QuickReplies { body, replies } => {
            let replies: Vec<Value> = replies
                .iter()
                .map(|reply| json!({ "content_type": "text", "title": reply.title, "payload": reply.id }))
                .collect();
            object([("text", json!(body)), ("quick_replies", Value::Array(replies))])
        }
        Form::Buttons { body, buttons } => {
            template(object([("template_type", json!("button")), ("text", json!(body)), ("buttons", print_buttons(buttons))]))
        }
        Form::Card { title, subtitle, image, buttons } => {
            let mut element = object([("title", json!(title))]);
            put(&mut element, "subtitle", subtitle.as_deref());
            if let Some(File { source: MediaSource::Link(link), .. }) = image {
                put(&mut element, "image_url", Some(link));
            }
            if !buttons.is_empty() {
                element.insert("buttons".to_owned(), print_buttons(buttons));
            }
            template(object([("template_type", json!("generic")), ("elements", json!([element]))]))
        }
    }
}

fn template(payload: Map<String, Value>) -> Map<String, Value> {
    object([("attachment", json!({ "type": "template", "payload": payload }))])
}

fn attachment(file: &File) -> Value {
    let kind = match file.kind {
        MediaKind::Image | MediaKind::Sticker => "image",
        MediaKind::Video => "video",
        MediaKind::Audio => "audio",
        MediaKind::Document => "file",
    };
    let payload = match &file.source {
        MediaSource::Link(link) => json!({ "url": link, "is_reusable": false }),
        MediaSource::Id(id) => json!({ "attachment_id": id }),
    };
    json!({ "type": kind, "payload": payload })
}

fn print_buttons(buttons: &[Button]) -> Value {
    let print = |button: &Button| match button {
        Button::Url { title, url } => json!({ "type": "web_url", "title": title, "url": url }),
        Button::Postback { title, payload } => json!({ "type": "postback", "title": title, "payload": payload }),
        Button::Phone { title, phone } => json!({ "type": "phone_number", "title": title, "payload": phone }),
    };
    Value::Array(buttons.iter().map(print).collect())
}

/// Something that shows on the customer's side without being a message (send-messages/sender-actions).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// All that the customer wrote counts as seen.
    MarkSeen,
    /// Somebody types: for 20 seconds, or until the answer.
    TypingOn,
}

/// The request of an action.
#[must_use]
pub fn action(recipient: &Psid, action: Action) -> Value {
    let word = match action {
        Action::MarkSeen => "mark_seen",
        Action::TypingOn => "typing_on",
    };
    json!({ "recipient": { "id": recipient.as_str() }, "sender_action": word })
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow, default, deserialize_with = "text")]
    message_id: Option<Cow<'a, str>>,
}

/// A reply that Meta itself could not read: messages may have gone out (error-codes, 1/1357046).
const REPLY_LOST: (i64, Option<i64>) = (1, Some(1_357_046));

/// Reads the answer to a message, as [`crate::send::parse_answer`] does for WhatsApp. Acceptance is final here: no webhook says that a
/// message failed.
#[must_use]
pub fn parse_answer(status: u16, body: &[u8]) -> Answer {
    if (200..300).contains(&status)
        && let Ok(Wire { message_id: Some(id) }) = serde_json::from_slice::<Wire<'_>>(body)
        && !id.is_empty()
    {
        return Answer::Accepted(Accepted { provider_id: id.into_owned(), wa_id: None, user_id: None, input: None, held: None });
    }
    match parse_error(body) {
        Some(error) if (error.code, error.subcode) == REPLY_LOST => Answer::Garbled { http: status },
        Some(error) => Answer::Refused { http: status, error: Some(error) },
        None if (300..500).contains(&status) => Answer::Refused { http: status, error: None },
        None => Answer::Garbled { http: status },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use transom_domain::free_form::ReplyButton;

    fn psid() -> Psid {
        Psid::parse("8000000000000001").unwrap()
    }

    fn printed(form: &Form, human: bool, metadata: &str) -> Value {
        let psid = psid();
        message(&Envelope { recipient: &psid, human, context: None, metadata }, form, Part::Last)
    }

    /// The requests as Meta's pages show them, written by hand.
    #[test]
    fn messages_are_those_of_the_pages() {
        let text = |body: &str| Form::Text { body: body.to_owned() };
        assert_eq!(
            printed(&text("Your order is packed"), false, "order-17"),
            json!({"recipient": {"id": "8000000000000001"}, "messaging_type": "RESPONSE",
                "message": {"text": "Your order is packed", "metadata": "order-17"}})
        );
        assert_eq!(
            printed(&text("Sorry for the wait, here is the answer."), true, ""),
            json!({"recipient": {"id": "8000000000000001"}, "messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT",
                "message": {"text": "Sorry for the wait, here is the answer."}})
        );
        let reply = |title: &str, id: &str| ReplyButton { id: id.to_owned(), title: title.to_owned() };
        let replies = vec![reply("Yes", "YES_17"), reply("No", "NO_17")];
        assert_eq!(
            printed(&Form::QuickReplies { body: "Tuesday at ten?".to_owned(), replies }, false, "")["message"],
            json!({"text": "Tuesday at ten?", "quick_replies": [
                {"content_type": "text", "title": "Yes", "payload": "YES_17"},
                {"content_type": "text", "title": "No", "payload": "NO_17"}]})
        );
        let buttons = vec![
            Button::Postback { title: "Buy".to_owned(), payload: "BUY_1".to_owned() },
            Button::Url { title: "Details".to_owned(), url: "https://shop.example.com/1".to_owned() },
            Button::Phone { title: "Call".to_owned(), phone: "+4930123456".to_owned() },
        ];
        let shown = json!([{"type": "postback", "title": "Buy", "payload": "BUY_1"},
            {"type": "web_url", "title": "Details", "url": "https://shop.example.com/1"},
            {"type": "phone_number", "title": "Call", "payload": "+4930123456"}]);
        let card = Form::Card {
            title: "Blue shoes".to_owned(),
            subtitle: Some("Size 42".to_owned()),
            image: Some(File {
                kind: MediaKind::Image,
                source: MediaSource::Link("https://shop.example.com/1.jpg".to_owned()),
                filename: None,
            }),
            buttons: buttons.clone(),
        };
        assert_eq!(
            printed(&card, false, "")["message"]["attachment"],
            json!({"type": "template", "payload": {"template_type": "generic", "elements": [{"title": "Blue shoes",
                "subtitle": "Size 42", "image_url": "https://shop.example.com/1.jpg", "buttons": shown}]}})
        );
        assert_eq!(
            printed(&Form::Buttons { body: "Choose".to_owned(), buttons }, false, "")["message"]["attachment"]["payload"],
            json!({"template_type": "button", "text": "Choose", "buttons": shown})
        );
    }

    #[test]
    fn a_file_goes_first_and_its_text_after_it() {
        let psid = psid();
        let source = MediaSource::Link("https://a.example/a.pdf".to_owned());
        let file = File { kind: MediaKind::Document, source, filename: None };
        let form = Form::Attachment { file, then: Some("Your bill".to_owned()) };
        let call =
            |part, metadata| message(&Envelope { recipient: &psid, human: false, context: Some("m_1"), metadata }, &form, part);
        let first = call(Part::First, "a/1");
        assert_eq!(
            first["message"],
            json!({"attachment": {"type": "file", "payload": {"url": "https://a.example/a.pdf", "is_reusable": false}}, "metadata": "a/1"})
        );
        assert_eq!(first["reply_to"]["mid"], "m_1");
        let last = call(Part::Last, "a");
        assert_eq!((&last["message"], last.get("reply_to")), (&json!({"text": "Your bill", "metadata": "a"}), None));
    }

    #[test]
    fn an_answer_is_taken_refused_or_lost() {
        let taken = parse_answer(200, br#"{"recipient_id":"8000000000000001","message_id":"m_1"}"#);
        assert!(matches!(taken, Answer::Accepted(Accepted { provider_id, .. }) if provider_id == "m_1"));
        let error =
            br#"{"error":{"message":"(#10) This message is sent outside of allowed window.","code":10,"error_subcode":2018278}}"#;
        let Answer::Refused { error: Some(error), .. } = parse_answer(403, error) else { panic!("not refused") };
        assert_eq!((error.code, error.subcode), (10, Some(2_018_278)));
        for (status, body) in [
            (200, "{}"),
            (200, r#"{"recipient_id":"8"}"#),
            (200, r#"{"message_id":"m_"#),
            (502, "<html>"),
            (400, r#"{"error":{"message":"Invalid JSON","code":1,"error_subcode":1357046}}"#),
        ] {
            assert_eq!(parse_answer(status, body.as_bytes()), Answer::Garbled { http: status }, "{status} {body}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(status: u16, body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse_answer(status, &body);
        }
    }
}
