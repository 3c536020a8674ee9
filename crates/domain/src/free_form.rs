//! Free-form messages: everything that can be said inside a session, after variables are filled in.
//!
//! This is what a channel's wire crate prints; limits are checked here, once, so that a dialect only translates.

use serde::{Deserialize, Serialize};

use crate::contact_card;
use crate::content::ContentType;
use crate::field::{FieldError, Findings};
use crate::media;

/// What a file is, as the channel shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MediaKind {
    /// jpeg or png, to 5 MB.
    Image,
    /// mp4 or 3gpp, to 16 MB.
    Video,
    /// aac, amr, mp3, m4a or ogg, to 16 MB.
    Audio,
    /// Any file, to 100 MB.
    Document,
    /// webp.
    Sticker,
}

impl MediaKind {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Document => "document",
            Self::Sticker => "sticker",
        }
    }

    /// The kind that a link's file name tells; a document when it tells nothing.
    #[must_use]
    pub fn of_link(link: &str) -> Self {
        Self::told_by(link).unwrap_or(Self::Document)
    }

    /// The kind that a link's file name tells; none where it has no ending, or one that nobody knows.
    #[must_use]
    pub fn told_by(link: &str) -> Option<Self> {
        let path = link.split(['?', '#']).next().unwrap_or_default();
        let name = path.rsplit('/').next().unwrap_or_default();
        let extension = name.rsplit_once('.').map(|(_, e)| e.to_ascii_lowercase()).unwrap_or_default();
        Some(match extension.as_str() {
            "jpg" | "jpeg" | "png" => Self::Image,
            "mp4" | "3gp" | "3gpp" => Self::Video,
            "aac" | "amr" | "mp3" | "m4a" | "ogg" | "opus" => Self::Audio,
            "webp" => Self::Sticker,
            "pdf" | "txt" | "doc" | "docx" | "xls" | "xlsx" | "ppt" | "pptx" => Self::Document,
            _ => return None,
        })
    }
}

/// Where a file is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MediaSource {
    /// A public http(s) address that Meta fetches, or a file that is kept here (`media:<id>`), which Meta is given before the
    /// message leaves.
    Link(String),
    /// An id that Meta gave when the file was uploaded.
    Id(String),
}

/// A file in a message or a header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// How it is shown.
    pub kind: MediaKind,
    /// Where it is.
    pub source: MediaSource,
    /// Name shown for a document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
}

/// What stands above the text of an interactive message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Header {
    /// A line of text.
    Text(String),
    /// Image, video or document.
    File(File),
}

/// A reply button.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyButton {
    /// Comes back when it is tapped.
    pub id: String,
    /// Label.
    pub title: String,
}

/// A section of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListSection {
    /// Title; required where there are several sections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Rows.
    pub rows: Vec<ListRow>,
}

/// A row of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListRow {
    /// Comes back when it is chosen.
    pub id: String,
    /// Label.
    pub title: String,
    /// Second line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// A section of products.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductSection {
    /// Title; required where there are several sections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Retailer ids.
    pub products: Vec<String>,
}

/// A contact card to share; the fields are Meta's own (messages/contacts-messages).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactCard {
    /// `formatted_name` and at least one more part of the name.
    pub name: serde_json::Map<String, serde_json::Value>,
    /// `phones`, `emails`, `urls`, `addresses`, `org`, `birthday`, as given.
    #[serde(flatten)]
    pub rest: serde_json::Map<String, serde_json::Value>,
}

/// One free-form message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum FreeForm {
    /// Plain text.
    Text {
        /// Up to 4,096 characters.
        body: String,
        /// Shows the first link as a picture.
        #[serde(default)]
        preview_url: bool,
    },
    /// A file.
    Media {
        /// The file.
        file: File,
        /// Text under it, up to 1,024 characters; not with audio or stickers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        caption: Option<String>,
        /// Shown as a voice note (audio only; needs ogg with opus).
        #[serde(default)]
        voice: bool,
    },
    /// A place.
    Location {
        /// Degrees, -90 to 90.
        latitude: f64,
        /// Degrees, -180 to 180.
        longitude: f64,
        /// Name of the place.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// Street address.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        address: Option<String>,
    },
    /// Contact cards, up to 257.
    Contacts {
        /// The cards.
        contacts: Vec<ContactCard>,
    },
    /// A reaction to a message; an empty emoji takes it back.
    Reaction {
        /// The channel's id of the message reacted to.
        message_id: String,
        /// One emoji, or empty.
        emoji: String,
    },
    /// Text with one to three reply buttons.
    Buttons {
        /// Above the text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        header: Option<Header>,
        /// Up to 1,024 characters.
        body: String,
        /// Up to 60 characters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        footer: Option<String>,
        /// One to three.
        buttons: Vec<ReplyButton>,
    },
    /// A menu; at most ten rows in all.
    List {
        /// Text above the body.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        header: Option<String>,
        /// Up to 4,096 characters.
        body: String,
        /// Up to 60 characters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        footer: Option<String>,
        /// Label of the button that opens it, up to 20 characters.
        button: String,
        /// One to ten.
        sections: Vec<ListSection>,
    },
    /// Text with one button that opens a page.
    CtaUrl {
        /// Above the text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        header: Option<Header>,
        /// Up to 1,024 characters.
        body: String,
        /// Up to 60 characters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        footer: Option<String>,
        /// Label, up to 20 characters.
        display_text: String,
        /// The page.
        url: String,
    },
    /// One product.
    Product {
        /// Text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<String>,
        /// Up to 60 characters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        footer: Option<String>,
        /// Meta's catalog id.
        catalog_id: String,
        /// The product.
        product: String,
    },
    /// One to thirty products.
    ProductList {
        /// Text above the body; required.
        header: String,
        /// Text.
        body: String,
        /// Up to 60 characters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        footer: Option<String>,
        /// Meta's catalog id.
        catalog_id: String,
        /// One to ten.
        sections: Vec<ProductSection>,
    },
    /// The whole catalog.
    Catalog {
        /// Text.
        body: String,
        /// Up to 60 characters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        footer: Option<String>,
        /// Product whose picture is shown.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        thumbnail: Option<String>,
    },
    /// A form that was made at Meta.
    Flow {
        /// Above the text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        header: Option<Header>,
        /// Text.
        body: String,
        /// Up to 60 characters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        footer: Option<String>,
        /// Meta's flow id.
        flow_id: String,
        /// Label of the button, up to 30 characters.
        button: String,
        /// Comes back with the answer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token: Option<String>,
        /// First screen; where it is left out, the form's own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        screen: Option<String>,
        /// Whether the form's endpoint is asked for the first screen; then `screen` and `data` are not looked at.
        #[serde(default)]
        from_endpoint: bool,
        /// Data for the first screen.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        data: Option<serde_json::Map<String, serde_json::Value>>,
    },
    /// A button that calls the business on WhatsApp.
    VoiceCall {
        /// Text.
        body: String,
        /// Label, up to 20 characters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        display_text: Option<String>,
        /// Minutes for which it works, 1 to 43,200.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ttl_minutes: Option<u32>,
        /// Comes back with the call.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        payload: Option<String>,
    },
    /// Asks for leave to call.
    CallPermissionRequest {
        /// Text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<String>,
    },
    /// Asks where the customer is.
    LocationRequest {
        /// Up to 1,024 characters.
        body: String,
    },
    /// Asks for the customer's phone number.
    ContactRequest {
        /// Up to 1,024 characters.
        body: String,
    },
}

/// Limits of one free-form message, in characters or pieces (Meta: the page of each kind under messages/).
pub mod limits {
    /// Text of a text message.
    pub const TEXT: usize = 4_096;
    /// Caption of a file.
    pub const CAPTION: usize = 1_024;
    /// Text of an interactive message other than a list.
    pub const BODY: usize = 1_024;
    /// Text of a list.
    pub const LIST_BODY: usize = 4_096;
    /// Header text.
    pub const HEADER: usize = 60;
    /// Footer.
    pub const FOOTER: usize = 60;
    /// Reply buttons of one message.
    pub const BUTTONS: usize = 3;
    /// Label of a reply button, a link button, a call button or a list's opener.
    pub const BUTTON_TITLE: usize = 20;
    /// Id of a reply button.
    pub const BUTTON_ID: usize = 256;
    /// Sections of a list or of products.
    pub const SECTIONS: usize = 10;
    /// Rows of a list, all sections together.
    pub const ROWS: usize = 10;
    /// Title of a section or of a row.
    pub const ROW_TITLE: usize = 24;
    /// Id of a row.
    pub const ROW_ID: usize = 200;
    /// Second line of a row.
    pub const ROW_DESCRIPTION: usize = 72;
    /// Products of one message.
    pub const PRODUCTS: usize = 30;
    /// Label of a form's button.
    pub const FLOW_BUTTON: usize = 30;
    /// Id of a form.
    pub const FLOW_ID: usize = 64;
    /// Token that comes back with a form's answer.
    pub const FLOW_TOKEN: usize = 1_024;
    /// Name of a form's screen.
    pub const FLOW_SCREEN: usize = 200;
    /// Contact cards of one message.
    pub const CONTACTS: usize = 257;
    /// Longest link.
    pub const URL: usize = 2_000;
    /// Longest life of a call button, in minutes.
    pub const CALL_TTL_MINUTES: u32 = 43_200;
}

impl FreeForm {
    /// The row of the rule table that speaks of this kind; none for the kinds that only a session can carry and that no
    /// content type stands for (contacts, reactions, stickers, requests).
    #[must_use]
    pub const fn content_type(&self) -> Option<ContentType> {
        Some(match self {
            Self::Text { .. } => ContentType::Text,
            Self::Media { file: File { kind: MediaKind::Sticker, .. }, .. } => return None,
            Self::Media { .. } => ContentType::Media,
            Self::Location { .. } => ContentType::Location,
            Self::Buttons { .. } => ContentType::QuickReply,
            Self::List { .. } => ContentType::ListPicker,
            Self::CtaUrl { .. } | Self::VoiceCall { .. } => ContentType::CallToAction,
            Self::Product { .. } | Self::ProductList { .. } | Self::Catalog { .. } => ContentType::Catalog,
            Self::Flow { .. } => ContentType::WhatsappFlows,
            Self::Contacts { .. }
            | Self::Reaction { .. }
            | Self::CallPermissionRequest { .. }
            | Self::LocationRequest { .. }
            | Self::ContactRequest { .. } => return None,
        })
    }

    /// A word for logs, events and explanations.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Text { .. } => "text",
            Self::Media { file, .. } => file.kind.as_str(),
            Self::Location { .. } => "location",
            Self::Contacts { .. } => "contacts",
            Self::Reaction { .. } => "reaction",
            Self::Buttons { .. } => "reply buttons",
            Self::List { .. } => "list",
            Self::CtaUrl { .. } => "link button",
            Self::Product { .. } => "product",
            Self::ProductList { .. } => "product list",
            Self::Catalog { .. } => "catalog",
            Self::Flow { .. } => "flow",
            Self::VoiceCall { .. } => "call button",
            Self::CallPermissionRequest { .. } => "call permission request",
            Self::LocationRequest { .. } => "location request",
            Self::ContactRequest { .. } => "contact request",
        }
    }

    /// Checks every limit.
    ///
    /// # Errors
    /// Every finding, with paths that start at `prefix`.
    pub fn check(&self, prefix: &str) -> Result<(), Vec<FieldError>> {
        let mut f = Findings::under(prefix);
        self.look(&mut f);
        f.result(())
    }

    fn look(&self, f: &mut Findings) {
        match self {
            Self::Text { body, .. } => f.required("body", body, limits::TEXT),
            Self::Media { file, caption, voice } => {
                look_at_file(file, "file", f);
                if let Some(caption) = caption {
                    if matches!(file.kind, MediaKind::Audio | MediaKind::Sticker) {
                        f.note(
                            "caption",
                            format!("is not possible with {}", file.kind.as_str()),
                            "send the text as a message of its own",
                        );
                    }
                    f.at_most("caption", caption, limits::CAPTION);
                }
                if *voice && file.kind != MediaKind::Audio {
                    f.note("voice", "is only possible with audio", "leave it out");
                }
                if file.filename.is_some() && file.kind != MediaKind::Document {
                    f.note("filename", "is only possible with a document", "leave it out");
                }
            }
            Self::Location { latitude, longitude, .. } => {
                if !(-90.0..=90.0).contains(latitude) {
                    f.note("latitude", "must be between -90 and 90", "give degrees north");
                }
                if !(-180.0..=180.0).contains(longitude) {
                    f.note("longitude", "must be between -180 and 180", "give degrees east");
                }
            }
            Self::Contacts { contacts } => {
                count(contacts.len(), 1, limits::CONTACTS, "contacts", f);
                for (i, card) in contacts.iter().enumerate() {
                    f.within(&format!("contacts[{i}]"), |f| contact_card::check(card, f));
                }
            }
            Self::Reaction { message_id, .. } => f.required("messageId", message_id, 512),
            Self::Buttons { header, body, footer, buttons } => {
                look_at_frame(header.as_ref(), Some(body), footer.as_deref(), limits::BODY, f);
                count(buttons.len(), 1, limits::BUTTONS, "buttons", f);
                for (i, button) in buttons.iter().enumerate() {
                    f.required(&format!("buttons[{i}].title"), &button.title, limits::BUTTON_TITLE);
                    f.required(&format!("buttons[{i}].id"), &button.id, limits::BUTTON_ID);
                }
                unique(buttons.iter().map(|b| b.id.as_str()), "buttons", "ids", f);
                unique(buttons.iter().map(|b| b.title.as_str()), "buttons", "labels", f);
            }
            Self::List { header, body, footer, button, sections } => {
                if let Some(header) = header {
                    f.required("header", header, limits::HEADER);
                }
                look_at_frame(None, Some(body), footer.as_deref(), limits::LIST_BODY, f);
                f.required("button", button, limits::BUTTON_TITLE);
                count(sections.len(), 1, limits::SECTIONS, "sections", f);
                count(sections.iter().map(|s| s.rows.len()).sum(), 1, limits::ROWS, "sections.rows", f);
                look_at_titles(sections.iter().map(|s| s.title.as_deref()), sections.len(), f);
                for (s, section) in sections.iter().enumerate() {
                    for (r, row) in section.rows.iter().enumerate() {
                        let at = format!("sections[{s}].rows[{r}]");
                        f.required(&format!("{at}.title"), &row.title, limits::ROW_TITLE);
                        f.required(&format!("{at}.id"), &row.id, limits::ROW_ID);
                        f.at_most(
                            &format!("{at}.description"),
                            row.description.as_deref().unwrap_or_default(),
                            limits::ROW_DESCRIPTION,
                        );
                    }
                }
                unique(sections.iter().flat_map(|s| s.rows.iter().map(|r| r.id.as_str())), "sections.rows", "ids", f);
            }
            Self::CtaUrl { header, body, footer, display_text, url } => {
                look_at_frame(header.as_ref(), Some(body), footer.as_deref(), limits::BODY, f);
                f.required("displayText", display_text, limits::BUTTON_TITLE);
                look_at_url(url, "url", f);
            }
            Self::Product { body, footer, catalog_id, product } => {
                look_at_frame(None, body.as_ref(), footer.as_deref(), limits::BODY, f);
                f.required("catalogId", catalog_id, 64);
                f.required("product", product, 100);
            }
            Self::ProductList { header, body, footer, catalog_id, sections } => {
                f.required("header", header, limits::HEADER);
                look_at_frame(None, Some(body), footer.as_deref(), limits::BODY, f);
                f.required("catalogId", catalog_id, 64);
                count(sections.len(), 1, limits::SECTIONS, "sections", f);
                count(sections.iter().map(|s| s.products.len()).sum(), 1, limits::PRODUCTS, "sections.products", f);
                look_at_titles(sections.iter().map(|s| s.title.as_deref()), sections.len(), f);
            }
            Self::Catalog { body, footer, .. } => look_at_frame(None, Some(body), footer.as_deref(), limits::BODY, f),
            Self::Flow { header, body, footer, flow_id, button, token, screen, .. } => {
                look_at_frame(header.as_ref(), Some(body), footer.as_deref(), limits::BODY, f);
                f.required("flowId", flow_id, limits::FLOW_ID);
                f.required("button", button, limits::FLOW_BUTTON);
                f.at_most("token", token.as_deref().unwrap_or_default(), limits::FLOW_TOKEN);
                f.at_most("screen", screen.as_deref().unwrap_or_default(), limits::FLOW_SCREEN);
            }
            Self::VoiceCall { body, display_text, ttl_minutes, .. } => {
                look_at_frame(None, Some(body), None, limits::BODY, f);
                f.at_most("displayText", display_text.as_deref().unwrap_or_default(), limits::BUTTON_TITLE);
                if ttl_minutes.is_some_and(|t| t == 0 || t > limits::CALL_TTL_MINUTES) {
                    f.note("ttlMinutes", "must be between 1 and 43200", "leave it out for seven days");
                }
            }
            Self::CallPermissionRequest { body } => look_at_frame(None, body.as_ref(), None, limits::BODY, f),
            Self::LocationRequest { body } | Self::ContactRequest { body } => {
                look_at_frame(None, Some(body), None, limits::BODY, f);
            }
        }
    }
}

fn look_at_frame(header: Option<&Header>, body: Option<&String>, footer: Option<&str>, body_max: usize, f: &mut Findings) {
    match header {
        Some(Header::Text(text)) => f.required("header", text, limits::HEADER),
        Some(Header::File(file)) => {
            if matches!(file.kind, MediaKind::Audio | MediaKind::Sticker) {
                f.note("header", format!("cannot be {}", file.kind.as_str()), "use an image, a video or a document");
            }
            look_at_file(file, "header", f);
        }
        None => {}
    }
    if let Some(body) = body {
        f.required("body", body, body_max);
    }
    if let Some(footer) = footer {
        f.at_most("footer", footer, limits::FOOTER);
    }
}

fn look_at_file(file: &File, at: &str, f: &mut Findings) {
    match &file.source {
        MediaSource::Link(link) if media::referred(link).is_some() => {}
        MediaSource::Link(link) => look_at_url(link, at, f),
        MediaSource::Id(id) => f.required(at, id, 64),
    }
}

fn look_at_url(url: &str, at: &str, f: &mut Findings) {
    f.required(at, url, limits::URL);
    if !url.is_empty() && !is_web_address(url) {
        f.note(at, "must be an http or https address", "give the whole address, such as https://shop.example/a.pdf");
    }
}

/// Whether a text looks like `http(s)://host…` without blanks.
#[must_use]
pub fn is_web_address(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    rest.is_some_and(|r| {
        let host = r.split(['/', '?', '#']).next().unwrap_or_default();
        !host.is_empty() && !url.contains(char::is_whitespace)
    })
}

fn look_at_titles<'a>(titles: impl Iterator<Item = Option<&'a str>>, sections: usize, f: &mut Findings) {
    for (i, title) in titles.enumerate() {
        match title.filter(|t| !t.is_empty()) {
            Some(title) => f.at_most(&format!("sections[{i}].title"), title, limits::ROW_TITLE),
            None if sections > 1 => {
                f.note(
                    &format!("sections[{i}].title"),
                    "is required where there are several sections",
                    "give each section a title",
                );
            }
            None => {}
        }
    }
}

fn count(have: usize, min: usize, max: usize, at: &str, f: &mut Findings) {
    if have < min || have > max {
        f.note(at, format!("has {have} entries, {min} to {max} are allowed"), "add or remove entries");
    }
}

fn unique<'a>(texts: impl Iterator<Item = &'a str>, at: &str, what: &str, f: &mut Findings) {
    let mut seen = std::collections::BTreeSet::new();
    for text in texts {
        if !seen.insert(text) {
            f.note(at, format!("must have {what} that differ; {text:?} stands twice"), "make each one its own");
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// What waits in the store must be readable when its turn comes.
    #[test]
    fn every_kind_of_message_survives_the_store() {
        let file = |kind| File { kind, source: MediaSource::Id("1".into()), filename: None };
        let name = json!({"formatted_name": "Ana B", "first_name": "Ana"}).as_object().cloned().unwrap_or_default();
        let rest = json!({"phones": [{"phone": "+4915550100001"}]}).as_object().cloned().unwrap_or_default();
        let kinds = [
            FreeForm::Text { body: "x".into(), preview_url: true },
            FreeForm::Media { file: file(MediaKind::Audio), caption: None, voice: true },
            FreeForm::Location { latitude: 1.0, longitude: 2.5, name: None, address: None },
            FreeForm::Contacts { contacts: vec![ContactCard { name, rest }] },
            FreeForm::Reaction { message_id: "w".into(), emoji: String::new() },
            FreeForm::Buttons {
                header: Some(Header::File(file(MediaKind::Image))),
                body: "x".into(),
                footer: None,
                buttons: vec![],
            },
            FreeForm::List { header: None, body: "x".into(), footer: None, button: "b".into(), sections: vec![] },
            FreeForm::CtaUrl {
                header: Some(Header::Text("h".into())),
                body: "x".into(),
                footer: None,
                display_text: "d".into(),
                url: "https://a.example".into(),
            },
            FreeForm::Product { body: None, footer: None, catalog_id: "1".into(), product: "s".into() },
            FreeForm::ProductList {
                header: "h".into(),
                body: "x".into(),
                footer: None,
                catalog_id: "1".into(),
                sections: vec![],
            },
            FreeForm::Catalog { body: "x".into(), footer: None, thumbnail: None },
            FreeForm::Flow {
                header: None,
                body: "x".into(),
                footer: None,
                flow_id: "1".into(),
                button: "b".into(),
                token: None,
                screen: None,
                from_endpoint: true,
                data: None,
            },
            FreeForm::VoiceCall { body: "x".into(), display_text: None, ttl_minutes: Some(5), payload: None },
            FreeForm::CallPermissionRequest { body: None },
            FreeForm::LocationRequest { body: "x".into() },
            FreeForm::ContactRequest { body: "x".into() },
        ];
        for say in kinds {
            let draft = crate::message::Draft::FreeForm { say, human: None };
            let text = serde_json::to_string(&draft).unwrap();
            assert_eq!(serde_json::from_str::<crate::message::Draft>(&text).unwrap(), draft, "{text}");
        }
    }
}
