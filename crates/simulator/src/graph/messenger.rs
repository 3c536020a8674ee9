//! The body of `POST /{page}/messages` and `/{page}/message_attachments` (Meta: messenger-platform/send-messages,
//! reference/send-api, reference/templates, reference/buttons).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::error::GraphError;
use super::free::{id_opt, web_link};
use super::read::Fields;

type Read<T> = Result<T, GraphError>;

const TEXT_MAX: usize = 2_000;
const BUTTON_TEXT_MAX: usize = 640;
const LINE_MAX: usize = 80;
const TITLE_MAX: usize = 20;
const PAYLOAD_MAX: usize = 1_000;
const METADATA_MAX: usize = 1_000;
const LINK_MAX: usize = 2_000;

/// Refused since 27 April 2026: changelog.
const WITHDRAWN: [&str; 3] = ["CONFIRMED_EVENT_UPDATE", "ACCOUNT_UPDATE", "POST_PURCHASE_UPDATE"];

/// What is posted.
#[derive(Debug)]
pub(crate) enum Posted {
    Message(Box<Request>),
    Action { to: String, action: Action },
}

/// A message.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) to: String,
    /// Tagged `HUMAN_AGENT`.
    pub(crate) human: bool,
    pub(crate) said: Said,
    pub(crate) metadata: Option<String>,
    pub(crate) reply_to: Option<String>,
}

/// What a message says.
#[derive(Debug)]
pub(crate) struct Said {
    /// `text`, `image`, …, `button`, `generic`, …
    pub(crate) kind: String,
    /// As the phone shows it: the message without its metadata.
    pub(crate) shown: Value,
    pub(crate) taps: Vec<Tap>,
    /// Ids of saved attachments that it uses.
    pub(crate) saved: Vec<String>,
    /// Links that Meta has to fetch.
    pub(crate) links: Vec<String>,
    /// Whether the attachment is to be kept for later.
    pub(crate) reusable: bool,
    /// Audio or video, of which a Page may send ten a second.
    pub(crate) slow: bool,
}

/// What shows on the customer's side without being a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    MarkSeen,
    Typing(bool),
}

/// What a tap does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Does {
    /// A message with `quick_reply` comes back.
    QuickReply,
    /// A `postback` comes back.
    Postback,
    /// Something opens on the phone.
    Opens(String),
}

/// Something to tap on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tap {
    pub(crate) card: u32,
    pub(crate) index: u32,
    pub(crate) title: String,
    pub(crate) payload: String,
    pub(crate) does: Does,
}

/// Reads a body. Here a parameter that is wrong or missing is plain Graph.
pub(crate) fn read(body: &Value) -> Read<Posted> {
    posted(body).map_err(GraphError::of_management)
}

/// Reads `{"message": …}` of a saved attachment.
pub(crate) fn read_attachment(body: &Value) -> Read<Said> {
    let read = || {
        let fields = Fields::body(body)?;
        fields.only(&["message", "platform"])?;
        let message = fields.object("message")?;
        message.only(&["attachment"])?;
        let said = attachment(&message)?;
        if said.kind == "template" || said.links.is_empty() {
            return Err(message.wrong("attachment", "must be a file with a url."));
        }
        Ok(said)
    };
    read().map_err(GraphError::of_management)
}

fn posted(body: &Value) -> Read<Posted> {
    let fields = Fields::body(body)?;
    fields.only(&[
        "recipient",
        "messaging_type",
        "tag",
        "message",
        "sender_action",
        "notification_type",
        "reply_to",
        "persona_id",
    ])?;
    let recipient = fields.object("recipient")?;
    recipient.only(&["id"])?;
    let to = id_opt(&recipient, "id")?.ok_or_else(|| GraphError::missing(&recipient.name("id")))?;
    if fields.has("notification_type") {
        fields.one_of("notification_type", &["REGULAR", "SILENT_PUSH", "NO_PUSH"])?;
    }
    if fields.has("sender_action") {
        if fields.has("message") {
            return Err(fields.wrong("sender_action", "and message exclude each other."));
        }
        let action = match fields.one_of("sender_action", &["typing_on", "typing_off", "mark_seen"])? {
            "mark_seen" => Action::MarkSeen,
            word => Action::Typing(word == "typing_on"),
        };
        return Ok(Posted::Action { to, action });
    }
    let kind = match fields.has("messaging_type") {
        true => fields.one_of("messaging_type", &["RESPONSE", "UPDATE", "MESSAGE_TAG", "UTILITY"])?,
        false => "RESPONSE",
    };
    let human = match (kind, fields.text_opt("tag", 64)?) {
        ("UTILITY", _) => {
            return Err(fields.wrong("messaging_type", "UTILITY needs an approved utility template; this Page has none."));
        }
        ("MESSAGE_TAG", None) => return Err(GraphError::missing("tag")),
        (_, Some(tag)) if WITHDRAWN.contains(&tag) => {
            return Err(fields.wrong("tag", &format!("{tag} is no longer supported since 27 April 2026.")));
        }
        ("MESSAGE_TAG", Some("HUMAN_AGENT")) => true,
        ("MESSAGE_TAG", Some("CUSTOMER_FEEDBACK")) => {
            return Err(fields.wrong("tag", "CUSTOMER_FEEDBACK is for the customer feedback template only."));
        }
        (_, None) => false,
        (_, Some(_)) => return Err(fields.wrong("tag", "must be HUMAN_AGENT, with messaging_type MESSAGE_TAG.")),
    };
    let reply_to = match fields.object_opt("reply_to")? {
        Some(quoted) => {
            quoted.only(&["mid"])?;
            Some(quoted.text("mid", 512)?.to_owned())
        }
        None => None,
    };
    let message = fields.object("message")?;
    let (said, metadata) = read_message(&message, fields.value("message")?)?;
    Ok(Posted::Message(Box::new(Request { to, human, said, metadata, reply_to })))
}

fn read_message(message: &Fields<'_>, whole: &Value) -> Read<(Said, Option<String>)> {
    message.only(&["text", "attachment", "attachments", "quick_replies", "metadata"])?;
    let metadata = message.text_opt("metadata", METADATA_MAX)?.map(str::to_owned);
    let mut said = match (message.has("text"), message.has("attachment"), message.has("attachments")) {
        (true, false, false) => {
            message.text("text", TEXT_MAX)?;
            Said::of("text")
        }
        (false, true, false) => attachment(message)?,
        (false, false, true) => images(message)?,
        (false, false, false) => return Err(GraphError::missing("message['text']")),
        _ => return Err(message.wrong("text", "and attachment exclude each other: send them as two messages.")),
    };
    if message.has("quick_replies") {
        quick_replies(message, &mut said)?;
    }
    let mut shown = whole.clone();
    if let Some(map) = shown.as_object_mut() {
        map.remove("metadata");
    }
    said.shown = shown;
    Ok((said, metadata))
}

impl Said {
    fn of(kind: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            shown: json!({}),
            taps: Vec::new(),
            saved: Vec::new(),
            links: Vec::new(),
            reusable: false,
            slow: false,
        }
    }
}

fn quick_replies(message: &Fields<'_>, said: &mut Said) -> Read<()> {
    for (at, reply) in message.objects("quick_replies", 1..=13)?.into_iter().enumerate() {
        reply.only(&["content_type", "title", "payload", "image_url"])?;
        let kind = reply.one_of("content_type", &["text", "user_phone_number", "user_email"])?;
        let index = u32::try_from(at).unwrap_or(0);
        if kind != "text" {
            reply.only(&["content_type", "image_url"])?;
            let does = Does::Opens(kind.to_owned());
            said.taps.push(Tap { card: 0, index, title: kind.to_owned(), payload: String::new(), does });
            continue;
        }
        let title = reply.text("title", TITLE_MAX)?.to_owned();
        let payload = reply.text("payload", PAYLOAD_MAX)?.to_owned();
        said.taps.push(Tap { card: 0, index, title, payload, does: Does::QuickReply });
    }
    Ok(())
}

fn images(message: &Fields<'_>) -> Read<Said> {
    let mut said = Said::of("images");
    for image in message.objects("attachments", 1..=30)? {
        image.only(&["type", "payload"])?;
        image.one_of("type", &["image"])?;
        file(&image, &mut said)?;
    }
    Ok(said)
}

fn attachment(message: &Fields<'_>) -> Read<Said> {
    let attachment = message.object("attachment")?;
    attachment.only(&["type", "payload"])?;
    let kind = attachment.one_of("type", &["image", "audio", "video", "file", "template"])?;
    if kind == "template" {
        return template(&attachment.object("payload")?);
    }
    let mut said = Said::of(kind);
    said.slow = matches!(kind, "audio" | "video");
    file(&attachment, &mut said)?;
    Ok(said)
}

fn file(attachment: &Fields<'_>, said: &mut Said) -> Read<()> {
    let payload = attachment.object("payload")?;
    payload.only(&["url", "is_reusable", "attachment_id"])?;
    said.reusable |= payload.flag_opt("is_reusable")? == Some(true);
    match (payload.text_opt("url", LINK_MAX)?, id_opt(&payload, "attachment_id")?) {
        (Some(link), None) => said.links.push(web_link(&payload, "url", link)?),
        (None, Some(id)) => said.saved.push(id),
        (Some(_), Some(_)) => return Err(payload.wrong("url", "and attachment_id exclude each other.")),
        (None, None) => return Err(GraphError::missing(&payload.name("url"))),
    }
    Ok(())
}

fn template(payload: &Fields<'_>) -> Read<Said> {
    match payload.one_of("template_type", &["button", "generic", "media"])? {
        "button" => {
            payload.only(&["template_type", "text", "buttons", "sharable"])?;
            payload.text("text", BUTTON_TEXT_MAX)?;
            payload.flag_opt("sharable")?;
            let mut said = Said::of("button");
            buttons(payload, 0, 1, &mut said)?;
            Ok(said)
        }
        "media" => {
            payload.only(&["template_type", "elements", "sharable"])?;
            let mut said = Said::of("media");
            for element in payload.objects("elements", 1..=1)? {
                element.only(&["media_type", "attachment_id", "url", "buttons"])?;
                element.one_of("media_type", &["image", "video"])?;
                match id_opt(&element, "attachment_id")? {
                    Some(id) => said.saved.push(id),
                    None => drop(web_link(&element, "url", element.text("url", LINK_MAX)?)?),
                }
                if element.has("buttons") {
                    buttons(&element, 0, 1, &mut said)?;
                }
            }
            Ok(said)
        }
        _ => generic(payload),
    }
}

fn generic(payload: &Fields<'_>) -> Read<Said> {
    payload.only(&["template_type", "elements", "sharable", "image_aspect_ratio"])?;
    payload.flag_opt("sharable")?;
    if payload.has("image_aspect_ratio") {
        payload.one_of("image_aspect_ratio", &["horizontal", "square"])?;
    }
    let mut said = Said::of("generic");
    for (card, element) in (0u32..).zip(payload.objects("elements", 1..=10)?) {
        element.only(&["title", "subtitle", "image_url", "default_action", "buttons"])?;
        element.text("title", LINE_MAX)?;
        element.text_opt("subtitle", LINE_MAX)?;
        if let Some(link) = element.text_opt("image_url", LINK_MAX)? {
            web_link(&element, "image_url", link)?;
        }
        if let Some(action) = element.object_opt("default_action")? {
            action.only(&["type", "url", "webview_height_ratio", "messenger_extensions", "fallback_url"])?;
            action.one_of("type", &["web_url"])?;
            web_link(&action, "url", action.text("url", LINK_MAX)?)?;
        }
        if element.has("buttons") {
            buttons(&element, card, 1, &mut said)?;
        }
        if !["subtitle", "image_url", "default_action", "buttons"].iter().any(|key| element.has(key)) {
            return Err(element.wrong("title", "must not be the only property of an element."));
        }
    }
    Ok(said)
}

fn buttons(of: &Fields<'_>, card: u32, least: usize, said: &mut Said) -> Read<()> {
    for (index, button) in (0u32..).zip(of.objects("buttons", least..=3)?) {
        let kind = button.one_of("type", &["web_url", "postback", "phone_number"])?;
        let title = button.text("title", TITLE_MAX)?.to_owned();
        let (payload, does) = match kind {
            "web_url" => {
                button.only(&[
                    "type",
                    "title",
                    "url",
                    "webview_height_ratio",
                    "messenger_extensions",
                    "fallback_url",
                    "webview_share_button",
                ])?;
                let url = web_link(&button, "url", button.text("url", LINK_MAX)?)?;
                (String::new(), Does::Opens(url))
            }
            "postback" => {
                button.only(&["type", "title", "payload"])?;
                (button.text("payload", PAYLOAD_MAX)?.to_owned(), Does::Postback)
            }
            _ => {
                button.only(&["type", "title", "payload"])?;
                let number = button.text("payload", 32)?;
                if !number.starts_with('+') {
                    return Err(button.wrong("payload", "must be a phone number that starts with +."));
                }
                (String::new(), Does::Opens(format!("tel:{number}")))
            }
        };
        said.taps.push(Tap { card, index, title, payload, does });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(message: Value) -> Read<Posted> {
        read(&json!({"recipient": {"id": "8"}, "messaging_type": "RESPONSE", "message": message}))
    }

    fn refusal(body: Read<Posted>) -> (u32, String) {
        let error = body.unwrap_err();
        (error.code, error.details().to_owned())
    }

    #[test]
    fn what_the_documents_show_is_read() {
        let Ok(Posted::Message(text)) = message(json!({"text": "Hi", "metadata": "m"})) else { panic!("no message") };
        assert_eq!((text.said.kind.as_str(), text.metadata.as_deref(), text.human), ("text", Some("m"), false));
        assert_eq!(text.said.shown, json!({"text": "Hi"}));
        let element = json!({"title": "Shoes", "subtitle": "Blue", "image_url": "https://a.example/1.jpg",
            "default_action": {"type": "web_url", "url": "https://a.example"},
            "buttons": [{"type": "postback", "title": "Buy", "payload": "BUY_1"}, {"type": "web_url", "title": "See", "url": "https://a.example"}]});
        let generic = json!({"attachment": {"type": "template", "payload": {"template_type": "generic", "elements": [element]}}});
        let Ok(Posted::Message(card)) = message(generic) else { panic!("no card") };
        assert_eq!(card.said.taps[0].does, Does::Postback);
        assert_eq!(card.said.taps[1].does, Does::Opens("https://a.example".into()));
        let action = read(&json!({"recipient": {"id": "8"}, "sender_action": "mark_seen"}));
        assert!(matches!(action, Ok(Posted::Action { action: Action::MarkSeen, .. })));
        let human = read(
            &json!({"recipient": {"id": 8}, "messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT", "message": {"text": "Hi"}}),
        );
        assert!(matches!(human, Ok(Posted::Message(request)) if request.human && request.to == "8"));
    }

    #[test]
    fn what_they_do_not_is_refused_with_code_100() {
        let cases = [
            (json!({"text": "x".repeat(2_001)}), "2000"),
            (json!({"txt": "x"}), "txt"),
            (json!({}), "text"),
            (json!({"text": "a", "attachment": {}}), "exclude"),
            (json!({"text": "a", "quick_replies": []}), "quick_replies"),
            (json!({"text": "a", "quick_replies": [{"content_type": "text", "title": "x".repeat(21), "payload": "p"}]}), "20"),
            (json!({"attachment": {"type": "image", "payload": {"link": "https://a.example"}}}), "link"),
            (
                json!({"attachment": {"type": "template", "payload": {"template_type": "generic", "elements": [{"title": "only"}]}}}),
                "only property",
            ),
            (
                json!({"attachment": {"type": "template", "payload": {"template_type": "button", "text": "x".repeat(641),
                "buttons": [{"type": "postback", "title": "a", "payload": "b"}]}}}),
                "640",
            ),
        ];
        for (body, names) in cases {
            let (code, details) = refusal(message(body.clone()));
            assert_eq!(code, 100, "{body}");
            assert!(details.contains(names), "{details}");
        }
        for tag in WITHDRAWN {
            let body = json!({"recipient": {"id": "8"}, "messaging_type": "MESSAGE_TAG", "tag": tag, "message": {"text": "x"}});
            let (code, details) = refusal(read(&body));
            assert!(code == 100 && details.contains("no longer supported"), "{tag}: {details}");
        }
        let untagged = json!({"recipient": {"id": "8"}, "messaging_type": "MESSAGE_TAG", "message": {"text": "x"}});
        assert_eq!(refusal(read(&untagged)).0, 100);
    }
}
