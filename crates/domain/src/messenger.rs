//! Messages on Messenger: the forms that a Page can send, and how content and free-form messages become one of them.
//!
//! Messenger has fewer forms than WhatsApp and other limits (Meta: messenger-platform/send-messages, reference/send-api). What has
//! no form here is refused with the reason; nothing is cut down or left out silently.

use crate::content::{Action, ActionKind, Body, Card};
use crate::field::{FieldError, Findings};
use crate::free_form::{File, FreeForm, MediaKind, MediaSource, ReplyButton, is_web_address};
use crate::media::referred;
use crate::time::{Span, Timestamp};

/// How long a named human may answer after the customer's last message (Meta: messenger-platform/send-messages/message-tags).
pub const HUMAN_AGENT: Span = Span::days(7);

/// Limits, in characters or pieces.
pub mod limits {
    /// Text of a message.
    pub const TEXT: usize = 2_000;
    /// Text of a button template.
    pub const BUTTON_TEXT: usize = 640;
    /// First line of a card, and its second.
    pub const CARD_LINE: usize = 80;
    /// Label of a button or a quick reply.
    pub const TITLE: usize = 20;
    /// What comes back from a button or a quick reply.
    pub const PAYLOAD: usize = 1_000;
    /// Buttons of a message or of a card.
    pub const BUTTONS: usize = 3;
    /// Quick replies of a message.
    pub const QUICK_REPLIES: usize = 13;
    /// Longest link.
    pub const URL: usize = 2_000;
}

/// A message as a Page sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// Text.
    Text {
        /// Up to 2,000 characters.
        body: String,
    },
    /// A file. Messenger has no captions: a text goes as a call of its own, after the file.
    Attachment {
        /// The file; a sticker goes as an image.
        file: File,
        /// The text that follows.
        then: Option<String>,
    },
    /// Text with bubbles to tap, which vanish after the next message.
    QuickReplies {
        /// Up to 2,000 characters.
        body: String,
        /// 1 to 13.
        replies: Vec<ReplyButton>,
    },
    /// Text with buttons: the button template.
    Buttons {
        /// Up to 640 characters.
        body: String,
        /// 1 to 3.
        buttons: Vec<Button>,
    },
    /// A card: the generic template with one element.
    Card {
        /// Up to 80 characters.
        title: String,
        /// Up to 80 characters.
        subtitle: Option<String>,
        /// An image.
        image: Option<File>,
        /// At most 3.
        buttons: Vec<Button>,
    },
}

/// A button of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Button {
    /// Opens a page.
    Url {
        /// Label.
        title: String,
        /// The page.
        url: String,
    },
    /// Sends its payload back.
    Postback {
        /// Label.
        title: String,
        /// What comes back.
        payload: String,
    },
    /// Dials a number.
    Phone {
        /// Label.
        title: String,
        /// `+` and digits.
        phone: String,
    },
}

/// Why something has no form on Messenger: the end of a sentence that begins with "Messenger".
pub type NoForm = &'static str;

/// The form of a content type's body, variables filled in already.
///
/// # Errors
/// What Messenger lacks for it.
pub fn of_body(body: &Body) -> Result<Form, NoForm> {
    match body {
        Body::Text(b) => Ok(Form::Text { body: b.body.clone() }),
        Body::Media(b) => {
            let link = b.media.first().ok_or("needs a link to the file")?;
            Ok(attachment(file(link), b.body.as_deref()))
        }
        Body::QuickReply(b) => Ok(Form::QuickReplies { body: b.body.clone(), replies: replies(&b.actions)? }),
        Body::CallToAction(b) => Ok(Form::Buttons { body: b.body.clone(), buttons: buttons(&b.actions)? }),
        Body::Card(b) => card(b),
        _ => Err("has no form for this content type"),
    }
}

/// The form of a free-form message.
///
/// # Errors
/// What Messenger lacks for it.
pub fn of_free_form(say: &FreeForm) -> Result<Form, NoForm> {
    match say {
        FreeForm::Text { body, .. } => Ok(Form::Text { body: body.clone() }),
        FreeForm::Media { voice: true, .. } => Err("has no voice notes; send it as plain audio"),
        FreeForm::Media { file, caption, .. } => Ok(attachment(file.clone(), caption.as_deref())),
        FreeForm::Buttons { header: Some(_), .. } => Err("has no header above buttons; send it as a message of its own"),
        FreeForm::Buttons { footer: Some(_), .. } => Err("has no footer; make it part of the text"),
        FreeForm::Buttons { body, buttons, .. } => Ok(Form::QuickReplies { body: body.clone(), replies: buttons.clone() }),
        FreeForm::CtaUrl { header: Some(_), .. } => Err("has no header above a link button; send it as a message of its own"),
        FreeForm::CtaUrl { footer: Some(_), .. } => Err("has no footer; make it part of the text"),
        FreeForm::CtaUrl { body, display_text, url, .. } => {
            Ok(Form::Buttons { body: body.clone(), buttons: vec![Button::Url { title: display_text.clone(), url: url.clone() }] })
        }
        _ => Err("has no form for this kind of message"),
    }
}

/// The file behind a link, of the kind that its name tells.
fn file(link: &str) -> File {
    File { kind: MediaKind::of_link(link), source: MediaSource::Link(link.to_owned()), filename: None }
}

fn attachment(file: File, text: Option<&str>) -> Form {
    Form::Attachment { file, then: text.filter(|text| !text.trim().is_empty()).map(str::to_owned) }
}

fn title(action: &Action) -> String {
    action.title.clone().unwrap_or_default()
}

/// What comes back from a button: its id, else its label.
fn payload(action: &Action) -> String {
    action.id.clone().unwrap_or_else(|| title(action))
}

fn replies(actions: &[Action]) -> Result<Vec<ReplyButton>, NoForm> {
    let reply = |action: &Action| match action.kind {
        ActionKind::QuickReply => Ok(ReplyButton { id: payload(action), title: title(action) }),
        _ => Err("takes nothing but quick replies beside quick replies"),
    };
    actions.iter().map(reply).collect()
}

fn buttons(actions: &[Action]) -> Result<Vec<Button>, NoForm> {
    let button = |action: &Action| match action.kind {
        ActionKind::QuickReply => Ok(Button::Postback { title: title(action), payload: payload(action) }),
        ActionKind::Url => Ok(Button::Url { title: title(action), url: action.url.clone().unwrap_or_default() }),
        ActionKind::PhoneNumber => Ok(Button::Phone { title: title(action), phone: action.phone.clone().unwrap_or_default() }),
        ActionKind::CopyCode => Err("has no button that copies a code"),
        ActionKind::VoiceCall | ActionKind::VoiceCallRequest => Err("has no button for WhatsApp calls"),
        ActionKind::RequestContactInfo => Err("has no button that asks for the phone number"),
    };
    actions.iter().map(button).collect()
}

/// A card is an element of a generic template, which must have more than a title; a title alone is a text.
fn card(card: &Card) -> Result<Form, NoForm> {
    let text = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
    let (title, subtitle) = match (text(&card.title), text(&card.body), text(&card.subtitle)) {
        (Some(_), Some(_), Some(_)) => return Err("shows two texts on a card; leave out one of title, body and subtitle"),
        (Some(title), body, subtitle) => (title, body.or(subtitle)),
        (None, Some(body), subtitle) => (body, subtitle),
        (None, None, _) => return Err("needs a title on a card"),
    };
    let image = match card.media.first() {
        Some(link) if MediaKind::of_link(link) == MediaKind::Image => Some(file(link)),
        Some(_) => return Err("shows nothing but an image (jpg or png) on a card"),
        None => None,
    };
    let buttons = buttons(&card.actions)?;
    if subtitle.is_none() && image.is_none() && buttons.is_empty() {
        return Ok(Form::Text { body: title });
    }
    Ok(Form::Card { title, subtitle, image, buttons })
}

impl Form {
    /// Whether it is audio or video, of which Meta takes fewer a second.
    #[must_use]
    pub const fn is_slow(&self) -> bool {
        matches!(self, Self::Attachment { file: File { kind: MediaKind::Audio | MediaKind::Video, .. }, .. })
    }

    /// Its file, where it has one.
    pub const fn file_mut(&mut self) -> Option<&mut File> {
        match self {
            Self::Attachment { file, .. } | Self::Card { image: Some(file), .. } => Some(file),
            _ => None,
        }
    }

    /// Checks every limit.
    ///
    /// # Errors
    /// Every finding, with paths that start at `prefix`.
    pub fn check(&self, prefix: &str) -> Result<(), Vec<FieldError>> {
        let mut f = Findings::under(prefix);
        match self {
            Self::Text { body } => f.required("body", body, limits::TEXT),
            Self::Attachment { file, then } => {
                look_at_file(file, &mut f);
                f.at_most("body", then.as_deref().unwrap_or_default(), limits::TEXT);
            }
            Self::QuickReplies { body, replies } => {
                f.required("body", body, limits::TEXT);
                count(replies.len(), limits::QUICK_REPLIES, &mut f);
                for (at, reply) in replies.iter().enumerate() {
                    label(at, &reply.title, &mut f);
                    f.required(&format!("actions[{at}].id"), &reply.id, limits::PAYLOAD);
                }
            }
            Self::Buttons { body, buttons } => {
                f.required("body", body, limits::BUTTON_TEXT);
                look_at_buttons(buttons, &mut f);
            }
            Self::Card { title, subtitle, image, buttons } => {
                f.required("title", title, limits::CARD_LINE);
                f.at_most("subtitle", subtitle.as_deref().unwrap_or_default(), limits::CARD_LINE);
                if let Some(image) = image {
                    look_at_file(image, &mut f);
                }
                if !buttons.is_empty() {
                    look_at_buttons(buttons, &mut f);
                }
            }
        }
        f.result(())
    }
}

fn label(at: usize, title: &str, f: &mut Findings) {
    f.required(&format!("actions[{at}].title"), title, limits::TITLE);
}

fn look_at_buttons(buttons: &[Button], f: &mut Findings) {
    count(buttons.len(), limits::BUTTONS, f);
    for (at, button) in buttons.iter().enumerate() {
        match button {
            Button::Url { title, url } => {
                label(at, title, f);
                address(&format!("actions[{at}].url"), url, f);
            }
            Button::Postback { title, payload } => {
                label(at, title, f);
                f.required(&format!("actions[{at}].id"), payload, limits::PAYLOAD);
            }
            Button::Phone { title, phone } => {
                label(at, title, f);
                f.required(&format!("actions[{at}].phone"), phone, 32);
            }
        }
    }
}

fn count(have: usize, max: usize, f: &mut Findings) {
    if have == 0 || have > max {
        f.note("actions", format!("has {have} entries, 1 to {max} are allowed on Messenger"), "add or remove entries");
    }
}

/// A file that is kept here becomes a link before the message leaves.
fn look_at_file(file: &File, f: &mut Findings) {
    match &file.source {
        MediaSource::Link(link) if referred(link).is_some() => {}
        MediaSource::Link(link) => address("media", link, f),
        MediaSource::Id(id) => f.required("media", id, 64),
    }
}

fn address(at: &str, link: &str, f: &mut Findings) {
    f.required(at, link, limits::URL);
    if !link.is_empty() && !is_web_address(link) {
        f.note(at, "must be an http or https address", "give the whole address, such as https://shop.example/a.pdf");
    }
}

/// A human who answers in person, for whom Messenger keeps the door open for [`HUMAN_AGENT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Human<'a> {
    /// Whose answer it is; none where nobody is named.
    pub name: Option<&'a str>,
    /// Until when a human may answer; none once that is over, or if the customer never wrote.
    pub until: Option<Timestamp>,
}

/// Message tags that Meta has withdrawn: it refuses them with code 100 since 27 April 2026.
pub const WITHDRAWN_TAGS: [&str; 3] = ["CONFIRMED_EVENT_UPDATE", "ACCOUNT_UPDATE", "POST_PURCHASE_UPDATE"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::{CallToAction, Media, QuickReply, Text};

    fn action(kind: ActionKind, title: &str) -> Action {
        let (url, phone) = (Some("https://shop.example".to_owned()), Some("+4930123456".to_owned()));
        Action { title: Some(title.to_owned()), url, phone, ..Action::of(kind) }
    }

    fn a_card() -> Card {
        Card {
            title: Some("Shoes".into()),
            body: None,
            subtitle: None,
            media: Vec::new(),
            actions: Vec::new(),
            orientation: None,
            thumbnail_image_alignment: None,
            height: None,
        }
    }

    fn fields(form: &Form) -> Vec<String> {
        form.check("").err().unwrap_or_default().into_iter().map(|found| found.field).collect()
    }

    #[test]
    fn a_text_beside_a_file_follows_it() {
        let media = |body: Option<&str>| {
            Body::Media(Media { body: body.map(str::to_owned), media: vec!["https://a.example/v.mp4".into()] })
        };
        let Ok(Form::Attachment { file, then }) = of_body(&media(Some("Look"))) else { panic!("no attachment") };
        assert_eq!((file.kind, then.as_deref()), (MediaKind::Video, Some("Look")));
        assert!(matches!(of_body(&media(Some(" "))), Ok(Form::Attachment { then: None, .. })));
        assert!(of_body(&media(None)).unwrap().is_slow() && !of_body(&Body::Text(Text { body: "a".into() })).unwrap().is_slow());
    }

    #[test]
    fn buttons_become_what_messenger_has_and_the_others_are_named() {
        let cta = |actions| of_body(&Body::CallToAction(CallToAction { body: "Hi".into(), actions }));
        let Ok(Form::Buttons { buttons, .. }) = cta(vec![
            action(ActionKind::Url, "Shop"),
            action(ActionKind::PhoneNumber, "Call"),
            action(ActionKind::QuickReply, "Yes"),
        ]) else {
            panic!("no buttons")
        };
        assert_eq!(buttons[2], Button::Postback { title: "Yes".into(), payload: "Yes".into() });
        for kind in [ActionKind::CopyCode, ActionKind::VoiceCall, ActionKind::VoiceCallRequest, ActionKind::RequestContactInfo] {
            assert!(cta(vec![action(kind, "x")]).unwrap_err().starts_with("has no button"), "{kind:?}");
        }
    }

    #[test]
    fn a_card_has_two_lines_and_an_image_and_a_bare_title_is_a_text() {
        assert_eq!(of_body(&Body::Card(a_card())), Ok(Form::Text { body: "Shoes".into() }));
        let full = Card { subtitle: Some("Blue".into()), media: vec!["https://a.example/1.jpg".into()], ..a_card() };
        assert!(matches!(of_body(&Body::Card(full.clone())), Ok(Form::Card { image: Some(_), subtitle: Some(_), .. })));
        let film = Card { media: vec!["https://a.example/1.mp4".into()], ..full.clone() };
        assert!(of_body(&Body::Card(film)).unwrap_err().contains("image"));
        let wordy = Card { body: Some("More".into()), ..full };
        assert!(of_body(&Body::Card(wordy)).unwrap_err().contains("two texts"));
    }

    #[test]
    fn limits_are_messengers_own() {
        let text = |n: usize| "x".repeat(n);
        assert!(fields(&Form::Text { body: text(2_000) }).is_empty());
        assert_eq!(fields(&Form::Text { body: text(2_001) }), ["body"]);
        let reply = |n: usize| ReplyButton { id: n.to_string(), title: text(20) };
        let replies = |count: usize| Form::QuickReplies { body: text(1), replies: (0..count).map(reply).collect() };
        assert!(fields(&replies(13)).is_empty());
        assert_eq!((fields(&replies(14)), fields(&replies(0))), (vec!["actions".to_owned()], vec!["actions".to_owned()]));
        let button = |title: usize, payload: usize| Button::Postback { title: text(title), payload: text(payload) };
        let buttons = |body: usize, one: Button| Form::Buttons { body: text(body), buttons: vec![one] };
        assert!(fields(&buttons(640, button(20, 1_000))).is_empty());
        assert_eq!(fields(&buttons(641, button(21, 1_001))), ["body", "actions[0].title", "actions[0].id"]);
        let card = |line: usize| Form::Card { title: text(line), subtitle: Some(text(line)), image: None, buttons: vec![] };
        assert!(fields(&card(80)).is_empty());
        assert_eq!(fields(&card(81)), ["title", "subtitle"]);
        let mixed = QuickReply { body: "a".into(), actions: vec![action(ActionKind::Url, "x")] };
        assert!(of_body(&Body::QuickReply(mixed)).is_err());
    }
}
