//! The `message` of a session send: its fields, and what they mean.

use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use transom_domain::error_code::ErrorCode;
use transom_domain::free_form::{
    ContactCard, File, FreeForm, Header, ListRow, ListSection, MediaKind, MediaSource, ProductSection, ReplyButton,
};
use transom_domain::media::is_file_address;

use super::message_paths::published_path;
use super::read::{Notes, snake_case};

/// Exactly one content: `text` alone, or one of the others. `text` is the body of the interactive ones.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MessageBody {
    /// Your own id for the message, a ULID; a repetition with the same id is not sent again.
    pub(super) id: Option<String>,
    /// The text, up to 4,096 characters; with interactive content its body, up to 1,024.
    pub(super) text: Option<String>,
    /// Shows the first link of the text as a picture.
    pub(super) preview_url: Option<bool>,
    /// Our id of the message that is answered.
    pub(super) context_id: Option<String>,
    /// One file.
    pub(super) attachments: Option<Vec<Attachment>>,
    /// A place.
    pub(super) location: Option<LocationBody>,
    /// A menu.
    pub(super) list_message: Option<ListMessage>,
    /// One to three reply buttons.
    pub(super) reply_button_message: Option<ReplyButtonMessage>,
    /// One product.
    pub(super) single_product_message: Option<SingleProductMessage>,
    /// One to thirty products.
    pub(super) multi_product_message: Option<MultiProductMessage>,
    /// A button that opens a page.
    pub(super) cta_url_message: Option<CtaUrlMessage>,
    /// Asks where the customer is.
    pub(super) location_request_message: Option<LocationRequestMessage>,
    /// Asks for the customer's phone number.
    pub(super) contact_request_message: Option<ContactRequestMessage>,
    /// A reaction to a message.
    pub(super) reaction: Option<ReactionBody>,
    /// Contact cards.
    pub(super) contacts: Option<Vec<ContactBody>>,
    /// A sticker.
    pub(super) sticker: Option<StickerBody>,
    /// Accepted and ignored: it marks our own messages in webhooks.
    #[serde(rename = "isEcho")]
    _is_echo: Option<bool>,
}

/// A file by its public address.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Attachment {
    /// `image`, `video`, `audio` or `document`.
    #[serde(rename = "type")]
    #[schema(example = "image")]
    kind: Option<String>,
    /// Public http(s) address that Meta fetches.
    url: Option<String>,
    /// Text under the file, up to 1,024 characters; not with audio.
    caption: Option<String>,
    /// Name shown for a document.
    filename: Option<String>,
}

/// A place.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LocationBody {
    /// Degrees, -90 to 90.
    latitude: f64,
    /// Degrees, -180 to 180.
    longitude: f64,
    /// Name of the place.
    name: Option<String>,
    /// Street address.
    address: Option<String>,
}

/// What stands above the text: either a text or a file.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HeaderBody {
    /// Up to 60 characters.
    text: Option<String>,
    /// Image, video or document; not above a list.
    attachment: Option<Attachment>,
}

/// A line of text.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FooterBody {
    /// Up to 60 characters.
    text: String,
}

/// A button.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ButtonBody {
    /// Comes back when it is tapped, up to 256 characters; the label where left out.
    id: Option<String>,
    /// Label, up to 20 characters.
    text: String,
}

/// A menu.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListMessage {
    /// Above the text; a text.
    header: Option<HeaderBody>,
    /// Below the text.
    footer: Option<FooterBody>,
    /// The button that opens it.
    button: ButtonBody,
    /// One to ten; ten rows in all.
    sections: Vec<ListSectionBody>,
}

/// A section of a menu.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListSectionBody {
    /// Up to 24 characters; required where there are several sections.
    title: Option<String>,
    /// Rows.
    rows: Vec<ListRowBody>,
}

/// A row of a menu.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListRowBody {
    /// Comes back when it is chosen, up to 200 characters.
    id: String,
    /// Label, up to 24 characters.
    text: String,
    /// Second line, up to 72 characters.
    description: Option<String>,
}

/// Reply buttons.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReplyButtonMessage {
    /// Above the text.
    header: Option<HeaderBody>,
    /// Below the text.
    footer: Option<FooterBody>,
    /// One to three.
    buttons: Vec<ButtonBody>,
}

/// One product.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SingleProductMessage {
    /// Below the text.
    footer: Option<FooterBody>,
    /// Meta's catalog id.
    catalog_id: String,
    /// The product.
    product_item: ProductItem,
}

/// A product of a catalog.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProductItem {
    /// The id that you gave it in the catalog.
    product_retailer_id: String,
}

/// Several products.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MultiProductMessage {
    /// Above the text; a text, required.
    header: Option<HeaderBody>,
    /// Below the text.
    footer: Option<FooterBody>,
    /// Meta's catalog id.
    catalog_id: String,
    /// One to ten; thirty products in all.
    sections: Vec<ProductSectionBody>,
}

/// A section of products.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProductSectionBody {
    /// Up to 24 characters; required where there are several sections.
    title: Option<String>,
    /// Products.
    product_items: Vec<ProductItem>,
}

/// Text with a button that opens a page.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CtaUrlMessage {
    /// Above the text.
    header: Option<HeaderBody>,
    /// Below the text.
    footer: Option<FooterBody>,
    /// The button.
    button: LinkButton,
}

/// A button that opens a page.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LinkButton {
    /// Label, up to 20 characters.
    text: String,
    /// The page.
    url: String,
}

/// Has no fields: the question stands in `text`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LocationRequestMessage {}

/// Has no fields: the question stands in `text`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ContactRequestMessage {}

/// A reaction.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReactionBody {
    /// Our id of the message reacted to.
    message_id: String,
    /// One emoji; empty takes the reaction back.
    emoji: Option<String>,
}

/// A sticker.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StickerBody {
    /// Public http(s) address of a webp file.
    url: String,
}

/// A contact card; the fields are Meta's (messages/contacts-messages).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ContactBody {
    /// `formattedName` and at least one of `firstName`, `lastName`, `middleName`, `suffix`, `prefix`.
    #[schema(value_type = Object)]
    name: Value,
    /// `{phone, type, waId}` each.
    #[schema(value_type = Option<Vec<Object>>)]
    phones: Option<Value>,
    /// `{email, type}` each.
    #[schema(value_type = Option<Vec<Object>>)]
    emails: Option<Value>,
    /// `{url, type}` each.
    #[schema(value_type = Option<Vec<Object>>)]
    urls: Option<Value>,
    /// `{street, city, state, zip, country, countryCode, type}` each.
    #[schema(value_type = Option<Vec<Object>>)]
    addresses: Option<Value>,
    /// `{company, department, title}`.
    #[schema(value_type = Option<Object>)]
    org: Option<Value>,
    /// `YYYY-MM-DD`.
    birthday: Option<String>,
}

impl MessageBody {
    /// The names of the contents that are there, `text` apart.
    fn contents(&self) -> Vec<&'static str> {
        let given = [
            ("attachments", self.attachments.as_ref().is_some_and(|a| !a.is_empty())),
            ("location", self.location.is_some()),
            ("listMessage", self.list_message.is_some()),
            ("replyButtonMessage", self.reply_button_message.is_some()),
            ("singleProductMessage", self.single_product_message.is_some()),
            ("multiProductMessage", self.multi_product_message.is_some()),
            ("ctaUrlMessage", self.cta_url_message.is_some()),
            ("locationRequestMessage", self.location_request_message.is_some()),
            ("contactRequestMessage", self.contact_request_message.is_some()),
            ("reaction", self.reaction.is_some()),
            ("contacts", self.contacts.is_some()),
            ("sticker", self.sticker.is_some()),
        ];
        given.into_iter().filter_map(|(name, there)| there.then_some(name)).collect()
    }

    /// The message that is meant, checked.
    pub(super) fn into_free_form(self, notes: &mut Notes) -> Option<FreeForm> {
        let contents = self.contents();
        if contents.len() > 1 {
            notes.note("message", format!("has several contents: {}", contents.join(", ")), "send one content per message");
            return None;
        }
        let content = contents.first().copied();
        let no_text = self.text.as_deref().is_none_or(|t| t.trim().is_empty());
        let carries_text = matches!(
            content,
            None | Some(
                "listMessage"
                    | "replyButtonMessage"
                    | "singleProductMessage"
                    | "multiProductMessage"
                    | "ctaUrlMessage"
                    | "locationRequestMessage"
                    | "contactRequestMessage"
            )
        );
        if let Some(content) = content.filter(|_| !carries_text && !no_text) {
            let remedy = if content == "attachments" {
                "put the text into message.attachments[0].caption"
            } else {
                "send the text as a message of its own"
            };
            notes.note("message", format!("has several contents: text, {content}"), remedy);
            return None;
        }
        if carries_text && no_text && content != Some("singleProductMessage") {
            if content.is_none() && self.attachments.is_some() {
                notes.coded(
                    ErrorCode::MessageAttachmentsNumberInvalid,
                    "message.attachments",
                    "is empty, and there is no other content",
                    "give one attachment or a text",
                );
            } else {
                notes.coded(ErrorCode::MessageTextEmpty, "message.text", "must not be empty", "give a text");
            }
            return None;
        }
        let say = self.build(notes)?;
        if let Err(findings) = say.check("") {
            for finding in findings {
                let field = format!("message.{}", published_path(&say, &finding.field));
                notes.note(&field, finding.rule, finding.remedy);
            }
        }
        Some(say)
    }

    fn build(self, notes: &mut Notes) -> Option<FreeForm> {
        let body = self.text.unwrap_or_default();
        if let Some(list) = self.list_message {
            let header = text_header(list.header, "message.listMessage.header", notes);
            let sections = list.sections.into_iter().map(ListSectionBody::into_section).collect();
            let footer = list.footer.map(|f| f.text);
            return Some(FreeForm::List { header, body, footer, button: list.button.text, sections });
        }
        if let Some(buttons) = self.reply_button_message {
            let header = header(buttons.header, "message.replyButtonMessage.header", notes);
            let footer = buttons.footer.map(|f| f.text);
            let buttons = buttons.buttons.into_iter().map(ButtonBody::into_reply).collect();
            return Some(FreeForm::Buttons { header, body, footer, buttons });
        }
        if let Some(product) = self.single_product_message {
            return Some(FreeForm::Product {
                body: Some(body).filter(|b| !b.trim().is_empty()),
                footer: product.footer.map(|f| f.text),
                catalog_id: product.catalog_id,
                product: product.product_item.product_retailer_id,
            });
        }
        if let Some(products) = self.multi_product_message {
            let header = text_header(products.header, "message.multiProductMessage.header", notes);
            let footer = products.footer.map(|f| f.text);
            let sections = products.sections.into_iter().map(ProductSectionBody::into_section).collect();
            // The check of the message says that a header is required.
            let header = header.unwrap_or_default();
            return Some(FreeForm::ProductList { header, body, footer, catalog_id: products.catalog_id, sections });
        }
        if let Some(link) = self.cta_url_message {
            let header = header(link.header, "message.ctaUrlMessage.header", notes);
            let footer = link.footer.map(|f| f.text);
            return Some(FreeForm::CtaUrl { header, body, footer, display_text: link.button.text, url: link.button.url });
        }
        if self.location_request_message.is_some() {
            return Some(FreeForm::LocationRequest { body });
        }
        if self.contact_request_message.is_some() {
            return Some(FreeForm::ContactRequest { body });
        }
        if let Some(reaction) = self.reaction {
            let id = super::common::message_id(Some(&reaction.message_id), "message.reaction.messageId", notes)?;
            return Some(FreeForm::Reaction { message_id: id.to_string(), emoji: reaction.emoji.unwrap_or_default() });
        }
        if let Some(contacts) = self.contacts {
            return Some(FreeForm::Contacts { contacts: contacts.into_iter().map(ContactBody::into_card).collect() });
        }
        if let Some(place) = self.location {
            let LocationBody { latitude, longitude, name, address } = place;
            return Some(FreeForm::Location { latitude, longitude, name, address });
        }
        if let Some(sticker) = self.sticker {
            let file = File { kind: MediaKind::Sticker, source: MediaSource::Link(sticker.url), filename: None };
            return Some(FreeForm::Media { file, caption: None, voice: false });
        }
        if let Some(attachments) = self.attachments.filter(|a| !a.is_empty()) {
            return one_attachment(attachments, notes);
        }
        Some(FreeForm::Text { body, preview_url: self.preview_url.unwrap_or(false) })
    }
}

fn one_attachment(attachments: Vec<Attachment>, notes: &mut Notes) -> Option<FreeForm> {
    let count = attachments.len();
    let mut attachments = attachments.into_iter();
    match (attachments.next(), attachments.next()) {
        (Some(mut only), None) => {
            let caption = only.caption.take().filter(|c| !c.is_empty());
            let file = only.into_file("message.attachments[0]", notes)?;
            Some(FreeForm::Media { file, caption, voice: false })
        }
        _ => {
            notes.coded(
                ErrorCode::MessageAttachmentsNumberInvalid,
                "message.attachments",
                format!("has {count} attachments, exactly one is allowed"),
                "send one message for each",
            );
            None
        }
    }
}

impl Attachment {
    fn into_file(self, at: &str, notes: &mut Notes) -> Option<File> {
        let kind = match self.kind.as_deref() {
            Some("image") => MediaKind::Image,
            Some("video") => MediaKind::Video,
            Some("audio") => MediaKind::Audio,
            Some("document") => MediaKind::Document,
            _ => {
                notes.note(&format!("{at}.type"), "is not a kind of attachment", "use image, video, audio or document");
                return None;
            }
        };
        let url = self.url.unwrap_or_default().trim().to_owned();
        let field = format!("{at}.url");
        if url.is_empty() {
            notes.coded(ErrorCode::MessageAttachmentEmpty, &field, "must not be empty", "give the public address of the file");
            return None;
        }
        if !is_file_address(&url) {
            notes.coded(
                ErrorCode::MessageAttachmentInvalid,
                &field,
                "must be an http or https address",
                "give the whole public address of the file, or media:<id> of one that was uploaded",
            );
            return None;
        }
        Some(File { kind, source: MediaSource::Link(url), filename: self.filename.filter(|f| !f.is_empty()) })
    }
}

fn header(header: Option<HeaderBody>, at: &str, notes: &mut Notes) -> Option<Header> {
    let HeaderBody { text, attachment } = header?;
    match (text, attachment) {
        (Some(text), None) => Some(Header::Text(text)),
        (None, Some(attachment)) => {
            if attachment.caption.as_deref().is_some_and(|c| !c.is_empty()) {
                notes.note(&format!("{at}.attachment.caption"), "is not possible in a header", "put the words into message.text");
            }
            attachment.into_file(&format!("{at}.attachment"), notes).map(Header::File)
        }
        (Some(_), Some(_)) => {
            notes.note(at, "has both a text and an attachment", "keep one of the two");
            None
        }
        (None, None) => None,
    }
}

fn text_header(header: Option<HeaderBody>, at: &str, notes: &mut Notes) -> Option<String> {
    let header = header?;
    if header.attachment.is_some() {
        notes.note(&format!("{at}.attachment"), "is not possible here", "WhatsApp allows only a text above a list");
    }
    header.text
}

impl ButtonBody {
    fn into_reply(self) -> ReplyButton {
        ReplyButton { id: self.id.unwrap_or_else(|| self.text.clone()), title: self.text }
    }
}

impl ListSectionBody {
    fn into_section(self) -> ListSection {
        let rows = self.rows.into_iter().map(|r| ListRow { id: r.id, title: r.text, description: r.description }).collect();
        ListSection { title: self.title, rows }
    }
}

impl ProductSectionBody {
    fn into_section(self) -> ProductSection {
        ProductSection { title: self.title, products: self.product_items.into_iter().map(|p| p.product_retailer_id).collect() }
    }
}

impl ContactBody {
    fn into_card(self) -> ContactCard {
        let name = match snake_keys(self.name) {
            Value::Object(name) => name,
            _ => Map::new(),
        };
        let parts = [
            ("phones", self.phones),
            ("emails", self.emails),
            ("urls", self.urls),
            ("addresses", self.addresses),
            ("org", self.org),
            ("birthday", self.birthday.map(Value::String)),
        ];
        let rest = parts.into_iter().filter_map(|(key, value)| Some((key.to_owned(), snake_keys(value?)))).collect();
        ContactCard { name, rest }
    }
}

/// Meta's cards are spelled with underscores, callers may use either.
fn snake_keys(value: Value) -> Value {
    match value {
        Value::Object(object) => Value::Object(object.into_iter().map(|(k, v)| (snake_case(&k), snake_keys(v))).collect()),
        Value::Array(items) => Value::Array(items.into_iter().map(snake_keys).collect()),
        other => other,
    }
}
