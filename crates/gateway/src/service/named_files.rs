//! Files that a send or content names: those that are ours are looked up, those that are elsewhere looked at, before Meta is.

use serde_json::Value;

use transom_domain::content::Content;
use transom_domain::free_form::{FreeForm, MediaKind, MediaSource};
use transom_domain::id::BusinessId;
use transom_domain::media::{check, kind_of, reference, referred};
use transom_domain::translate;
use transom_store::MediaState;

use super::Service;
use super::command::{Caller, What};
use crate::media::hand_over::files_in;
use crate::problem::Problem;
use crate::twilio;

/// The field of a free-form message that names its file.
fn field_of(say: &FreeForm) -> &'static str {
    match say {
        FreeForm::Media { file, .. } if file.kind == MediaKind::Sticker => "message.sticker.url",
        FreeForm::Media { .. } => "message.attachments[0].url",
        FreeForm::CtaUrl { .. } => "message.ctaUrlMessage.header.attachment.url",
        FreeForm::Buttons { .. } => "message.replyButtonMessage.header.attachment.url",
        _ => "message.header.attachment.url",
    }
}

/// The kind that a template's parameter takes, by its name: `header_image`, `card_2_header_video`.
fn kind_of_parameter(name: &str) -> Option<MediaKind> {
    let (_, word) = name.rsplit_once("header_")?;
    [MediaKind::Image, MediaKind::Video, MediaKind::Document].into_iter().find(|kind| kind.as_str() == word)
}

impl Service {
    /// Gives each file of ours its full name, so that its kind is known to whoever looks at names only.
    ///
    /// # Errors
    /// When it is none of this business, is not here, or cannot be sent as what it is to be sent as.
    pub(super) async fn name_files(&self, caller: &Caller, what: &mut What) -> Result<(), Problem> {
        match what {
            What::FreeForm(say) => {
                let field = field_of(say);
                let Some(file) = files_in(say) else { return Ok(()) };
                let MediaSource::Link(link) = &mut file.source else { return Ok(()) };
                if let Some(name) = self.full_name(caller.business, field, Some(file.kind), link).await? {
                    *link = name;
                }
            }
            What::Template { parameters, .. } => {
                for parameter in parameters {
                    let Some(kind) = kind_of_parameter(&parameter.name) else { continue };
                    let name = self.full_name(caller.business, &parameter.name, Some(kind), &parameter.value).await?;
                    parameter.value = name.unwrap_or_else(|| std::mem::take(&mut parameter.value));
                }
            }
            What::Content { content, .. } => self.name_files_in(caller, content).await?,
            What::ContentById { .. } => {}
        }
        Ok(())
    }

    /// As [`Service::name_files`], in content.
    ///
    /// # Errors
    /// The same.
    pub(super) async fn name_files_in(&self, caller: &Caller, content: &mut Content) -> Result<(), Problem> {
        // Nearly all content names no file of ours: it is not taken apart.
        let Ok(mut json) = serde_json::to_value(&*content) else { return Ok(()) };
        let mut found = Vec::new();
        places(&mut json, "content", false, &mut |field, link| {
            if self.ours(caller.business, link).is_some() {
                found.push((field.to_owned(), link.clone()));
            }
        });
        if found.is_empty() {
            return Ok(());
        }
        let mut names = Vec::new();
        for (field, link) in &found {
            let name = self.full_name(caller.business, field, None, link).await?;
            names.push(name.unwrap_or_else(|| link.clone()));
        }
        places(&mut json, "content", false, &mut |_, link| {
            if let Some(at) = found.iter().position(|(_, known)| known == link)
                && let Some(name) = names.get(at)
            {
                link.clone_from(name);
            }
        });
        *content = Content::read(&json, "content").map_err(|found| Problem::fields(&found))?;
        Ok(())
    }

    fn ours(&self, business: BusinessId, text: &str) -> Option<transom_domain::id::MediaId> {
        let links = &self.files.links;
        let in_webhooks = || twilio::file_at(text.strip_prefix(links.base())?);
        let named = || links.own(text).or_else(in_webhooks).filter(|(of, _)| *of == business).map(|(_, id)| id);
        referred(text).or_else(named)
    }

    /// The kind that a file has by its type, where its address does not tell it: one of ours, or one elsewhere whose name has no
    /// ending. None where the address tells it, and for what is gone, does not say, or is nothing that can be sent.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn kind_by_type(&self, business: BusinessId, link: &str) -> Result<Option<MediaKind>, Problem> {
        match (self.ours(business, link), &self.files.outside) {
            (Some(id), _) => Ok(self.store.media(business, id).await?.and_then(|media| kind_of(&media.mime_type))),
            (None, Some(outside)) if MediaKind::told_by(link).is_none() => Ok(outside.kind(link).await),
            (None, _) => Ok(None),
        }
    }

    /// The full name of a file of ours; none for what leads elsewhere.
    async fn full_name(
        &self,
        business: BusinessId,
        field: &str,
        kind: Option<MediaKind>,
        text: &str,
    ) -> Result<Option<String>, Problem> {
        let Some(id) = self.ours(business, text) else { return Ok(None) };
        let wrong = |rule: &str, remedy: &str| Err(Problem::field(field, rule, remedy));
        let Some(media) = self.store.media(business, id).await? else {
            return wrong("names no file of this business", "upload the file with POST …/media");
        };
        let size = match media.state {
            MediaState::Stored { size, .. } => size,
            MediaState::Waiting { .. } => {
                return wrong("names a file that is still being fetched", "repeat the request in a moment");
            }
            MediaState::Failed { .. } => return wrong("names a file that could not be fetched", "send another file"),
        };
        // Without a kind it is sent as what its type is; one that is nothing of the kind is told so as a document.
        let kind = kind.or_else(|| kind_of(&media.mime_type)).unwrap_or(MediaKind::Document);
        check(field, kind, &media.mime_type, Some(size)).map_err(|found| Problem::fields(&[found]))?;
        Ok(Some(reference(id, &media.mime_type)))
    }

    /// Looks at the links of files that are elsewhere.
    ///
    /// # Errors
    /// What Meta would find wrong with one.
    pub(super) async fn look_at_links(&self, what: &What, kept: Option<&Content>) -> Result<(), Problem> {
        let Some(outside) = &self.files.outside else { return Ok(()) };
        let mut links: Vec<(String, MediaKind, String)> = Vec::new();
        let mut of_message = |field: &str, say: &mut FreeForm| {
            if let Some(file) = files_in(say)
                && let MediaSource::Link(link) = &file.source
                && referred(link).is_none()
            {
                links.push((field.to_owned(), file.kind, link.clone()));
            }
        };
        match what {
            What::FreeForm(say) => of_message(field_of(say), &mut say.clone()),
            What::Template { parameters, .. } => {
                for parameter in parameters {
                    let is_link = parameter.value.starts_with("http") && referred(&parameter.value).is_none();
                    if let Some(kind) = kind_of_parameter(&parameter.name).filter(|_| is_link) {
                        links.push((parameter.name.clone(), kind, parameter.value.clone()));
                    }
                }
            }
            What::Content { variables, .. } | What::ContentById { variables, .. } => {
                let own = if let What::Content { content, .. } = what { Some(content) } else { kept };
                // What cannot be rendered is told by whoever renders it to be sent.
                let rendered = own.and_then(|content| content.rendered(variables).ok()).unwrap_or_default();
                for (kind, body) in &rendered {
                    if let Some(mut say) = translate::to_free_form(body) {
                        of_message(&format!("content.types.{}", kind.as_str()), &mut say);
                    }
                }
            }
        }
        for (field, kind, link) in links {
            outside.look(&field, kind, &link).await.map_err(|found| Problem::fields(&[found]))?;
        }
        Ok(())
    }
}

/// Visits every text that stands where content names a file.
fn places(json: &mut Value, at: &str, here: bool, visit: &mut impl FnMut(&str, &mut String)) {
    match json {
        Value::String(text) if here => visit(at, text),
        Value::Array(list) => {
            for (i, one) in list.iter_mut().enumerate() {
                places(one, &format!("{at}[{i}]"), here, visit);
            }
        }
        Value::Object(members) => {
            for (name, one) in members.iter_mut() {
                places(one, &format!("{at}.{name}"), matches!(name.as_str(), "media" | "media_url" | "mediaUrl"), visit);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_parameter_s_name_tells_its_kind() {
        assert_eq!(kind_of_parameter("header_image"), Some(MediaKind::Image));
        assert_eq!(kind_of_parameter("card_2_header_video"), Some(MediaKind::Video));
        for other in ["body_1", "header_text", "header", "image"] {
            assert_eq!(kind_of_parameter(other), None, "{other}");
        }
    }

    #[test]
    fn files_are_found_where_content_names_them_and_nowhere_else() {
        let mut json = json!({ "types": { "twilio/media": { "body": "media:x", "media": ["one"] },
            "twilio/carousel": { "cards": [{ "title": "t", "media": "two" }] } } });
        let mut found = Vec::new();
        places(&mut json, "content", false, &mut |at, text| found.push((at.to_owned(), text.clone())));
        found.sort();
        assert_eq!(
            found,
            [
                ("content.types.twilio/carousel.cards[0].media".to_owned(), "two".to_owned()),
                ("content.types.twilio/media.media[0]".to_owned(), "one".to_owned())
            ]
        );
    }
}
