//! The files of a message: listed, looked up, read, deleted. What a customer sent is kept here; what is sent by an address of its own
//! stays where that leads.
//!
//! `MediaUrl0` of a webhook is the path of the file here, which asks for the account's credentials, as Twilio's does, and leads on to
//! a link that is good for a time. An application that sends it on sends the file itself: nobody fetches it from here for that.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use transom_domain::error_code::ErrorCode;
use transom_domain::free_form::{FreeForm, MediaKind, MediaSource};
use transom_domain::id::{BusinessId, MediaId, MessageId};
use transom_domain::media::{bare_type, of_message, referred, takes};
use transom_domain::message::Message;
use transom_domain::time::Timestamp;
use transom_store::MediaState;

use super::account::Account;
use super::codes::Code;
use super::creation;
use super::dates::{self, Stretch};
use super::form::Asked;
use super::message_view::{API_VERSION, path};
use super::paging::Paging;
use super::refusal::Refusal;
use super::sid::Sid;
use super::words;
use crate::http::App;
use crate::http::call::{SEND, json};
use crate::service::{Caller, Service, What};

/// How long a caller waits for a file that is still being fetched from Meta: a webhook can be faster than the file it tells of, and
/// what reads files for it asks once.
const FETCHED_WITHIN: Duration = Duration::from_secs(10);

/// Account, message, file.
type OfMedia = Path<(String, String, String)>;

/// The one file of a message.
struct Attached {
    id: MediaId,
    mime_type: String,
    at: Timestamp,
    place: Place,
}

/// Where it is.
enum Place {
    /// Here.
    Kept {
        /// A fresh link.
        link: String,
    },
    /// Not here, or not yet.
    NotHere {
        /// Whether it is still to come.
        soon: bool,
    },
    /// Where the sender has it.
    Elsewhere {
        /// Its address.
        link: String,
    },
}

/// `GET Messages/{sid}/Media.json`.
pub(super) async fn list(
    State(app): State<App>,
    Account(caller): Account<SEND>,
    Path((_, sid)): Path<(String, String)>,
    Asked(query): Asked,
) -> Result<Response, Refusal> {
    let paging = Paging::read(&query)?;
    let created = |name: &str| {
        let Some(text) = query.text(name)? else { return Ok(None) };
        let remedy = "write a day such as 2026-01-02, or a moment such as 2026-01-02T03:04:05Z";
        dates::stretch(text).map(Some).ok_or_else(|| Refusal::parameter(name, "is neither a day nor a moment", remedy))
    };
    let (on, until, from) = (created("DateCreated")?.map(Stretch::whole_day), created("DateCreated<")?, created("DateCreated>")?);
    let message = app.message_named(&caller, &sid).await?;
    let attached = app.attached(&caller, &message).await?;
    let wanted = attached.filter(|file| {
        [on, from].into_iter().flatten().all(|stretch| file.at >= stretch.from)
            && [on, until].into_iter().flatten().all(|stretch| file.at < stretch.until)
    });
    let shown: Vec<Value> = wanted.iter().map(|file| view(&message, file)).collect();
    let path = format!("{}/Media.json", path(&message));
    Ok(json(StatusCode::OK, &paging.list(&path, &query, "media_list", &shown, None))?)
}

/// `GET Messages/{sid}/Media/{media}.json`: what is known of it. Without the suffix: its bytes, by way of a link.
pub(super) async fn fetch(
    State(app): State<App>,
    Account(caller): Account<SEND>,
    Path((_, sid, media)): OfMedia,
) -> Result<Response, Refusal> {
    let (message, mut file) = app.attached_named(&caller, &sid, &media).await?;
    if media.ends_with(".json") {
        return Ok(json(StatusCode::OK, &view(&message, &file))?);
    }
    if matches!(file.place, Place::NotHere { soon: true }) {
        app.service.media_within(&caller, file.id, FETCHED_WITHIN).await?;
        file = app.attached_named(&caller, &sid, &media).await?.1;
    }
    let link = match &file.place {
        Place::Kept { link } | Place::Elsewhere { link } => link,
        Place::NotHere { soon: false } => return Err(Refusal::missing("file", &media)),
        Place::NotHere { soon: true } => {
            let refusal = Refusal::new(Code::NotFound, "The file is still being fetched from Meta. Ask again in some seconds.");
            return Err(Refusal { retry_after: Some(5), ..refusal });
        }
    };
    let target = HeaderValue::try_from(link.as_str()).map_err(|_| Refusal::missing("file", &media))?;
    Ok((StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, target)]).into_response())
}

/// `DELETE Messages/{sid}/Media/{media}.json`.
pub(super) async fn delete(
    State(app): State<App>,
    Account(caller): Account<SEND>,
    Path((_, sid, media)): OfMedia,
) -> Result<StatusCode, Refusal> {
    let (_, file) = app.attached_named(&caller, &sid, &media).await?;
    if let Place::Elsewhere { .. } = file.place {
        let why = "The file is not kept here: the message names the address at which you have it. Delete it there.";
        return Err(Refusal::new(Code::NotFinished, why));
    }
    app.service.delete_media(&caller, file.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The path of a file that a customer sent, as webhooks name it.
pub(crate) fn path_of_file(business: BusinessId, message: MessageId, file: MediaId) -> String {
    let message = super::sid::message_sid(message, true);
    format!("/{API_VERSION}/Accounts/{}/Messages/{message}/Media/{}", business.sid(), file.sid())
}

/// Whose file a path names, as [`path_of_file`] writes it; none for any other path.
pub(crate) fn file_at(path: &str) -> Option<(BusinessId, MediaId)> {
    let rest = path.strip_prefix('/')?.strip_prefix(API_VERSION)?.strip_prefix("/Accounts/")?;
    let (business, rest) = rest.split_once("/Messages/")?;
    let (message, file) = rest.split_once("/Media/")?;
    MessageId::of_sid(message)?;
    Some((BusinessId::of_sid(business)?, MediaId::of_sid(file)?))
}

/// A file whose address does not tell what it is goes as what its type says.
///
/// # Errors
/// When it is of a kind that carries no text, and there is one; or the store does not answer.
pub(crate) async fn know_file(service: &Service, business: BusinessId, what: &mut What) -> Result<(), Refusal> {
    let What::FreeForm(FreeForm::Media { file, caption, .. }) = what else { return Ok(()) };
    let MediaSource::Link(link) = &file.source else { return Ok(()) };
    let Some(kind) = service.kind_by_type(business, link).await? else { return Ok(()) };
    file.kind = kind;
    creation::may_stand_under(caption.as_deref(), kind)
}

impl App {
    /// The file of a message, where it has one.
    async fn attached(&self, caller: &Caller, message: &Message) -> Result<Option<Attached>, Refusal> {
        let sent = words::file(message);
        let elsewhere = sent.and_then(|file| match file.source {
            MediaSource::Link(link) if referred(&link).is_none() => Some((file.kind, link)),
            MediaSource::Link(_) | MediaSource::Id(_) => None,
        });
        if let Some((kind, link)) = elsewhere {
            let mime_type = type_of(kind, &link).to_owned();
            let place = Place::Elsewhere { link };
            return Ok(Some(Attached { id: of_message(message.id, 0), mime_type, at: message.accepted_at, place }));
        }
        let kept = words::file(message).and_then(|file| match file.source {
            MediaSource::Link(link) => referred(&link),
            MediaSource::Id(_) => None,
        });
        let id = match kept {
            Some(id) => id,
            None if words::is_inbound(message) => of_message(message.id, 0),
            None => return Ok(None),
        };
        let shown = match self.service.media(caller, id).await {
            Ok(shown) => shown,
            Err(problem) if problem.code == ErrorCode::NotFound => return Ok(None),
            Err(problem) => return Err(problem.into()),
        };
        let place = match shown.link {
            Some(link) => Place::Kept { link },
            None => Place::NotHere { soon: matches!(shown.media.state, MediaState::Waiting { .. }) },
        };
        let mime_type = bare_type(&shown.media.mime_type);
        Ok(Some(Attached { id, mime_type, at: shown.media.at, place }))
    }

    /// A message and its file, which has this SID.
    async fn attached_named(&self, caller: &Caller, sid: &str, media: &str) -> Result<(Message, Attached), Refusal> {
        let message = self.message_named(caller, sid).await?;
        let named = media.strip_suffix(".json").unwrap_or(media);
        let missing = || Refusal::missing("file", named);
        let id = MediaId::of_sid(named).ok_or_else(missing)?;
        let attached = self.attached(caller, &message).await?.filter(|file| file.id == id).ok_or_else(missing)?;
        Ok((message, attached))
    }
}

/// The type that a file at an address has, as far as its name tells.
fn type_of(kind: MediaKind, link: &str) -> &'static str {
    let name = link.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    let ends = |ending: &str| name.ends_with(&format!(".{ending}")) || (ending == "jpg" && name.ends_with(".jpeg"));
    let known = takes(kind).types.iter().find(|(_, ending)| ends(ending));
    known.map_or("application/octet-stream", |(mime_type, _)| *mime_type)
}

fn view(message: &Message, file: &Attached) -> Value {
    let at = dates::rfc2822(file.at);
    let path = path(message);
    json!({
        "sid": file.id.sid(),
        "account_sid": message.business.sid(),
        "parent_sid": super::sid::message_sid(message.id, words::has_media(message)),
        "content_type": file.mime_type,
        "date_created": at,
        "date_updated": at,
        "uri": format!("{path}/Media/{}.json", file.id.sid()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_its_file_and_no_other_path_does() {
        let (shop, message, file) = (BusinessId(1), MessageId(2), MediaId(3));
        let path = path_of_file(shop, message, file);
        assert_eq!(path, format!("/2010-04-01/Accounts/AC{:032x}/Messages/MM{:032x}/Media/ME{:032x}", 1, 2, 3));
        assert_eq!(file_at(&path), Some((shop, file)));
        for other in ["", "/", &path[1..], &format!("{path}.json"), &format!("{path}?x=1"), &path.replace("/Media/", "/Files/")] {
            assert_eq!(file_at(other), None, "{other}");
        }
    }

    #[test]
    fn the_type_is_told_by_the_name() {
        for (link, known) in [
            ("https://e.com/a.png", "image/png"),
            ("https://e.com/a.JPG?x=1.pdf", "image/jpeg"),
            ("https://e.com/a.pdf#1", "application/pdf"),
            ("https://e.com/a.mp4", "video/mp4"),
            ("https://e.com/a", "application/octet-stream"),
        ] {
            assert_eq!(type_of(MediaKind::of_link(link), link), known, "{link}");
        }
    }
}
