//! The readers of this dialect without HTTP around them, for the fuzz targets.

use serde_json::Value;

use transom_domain::id::{ContentId, KeyId, MessageId, ServiceId};
use transom_domain::message::WhenRefused;

use super::form::Form;
use super::paging::Paging;
use super::refusal::Refusal;
use super::sid::Sid;
use super::{content_body, content_filter, creation};
use crate::service::SendCommand;

/// What the caller would hear.
fn heard(refusal: Refusal) -> String {
    refusal.message
}

/// The form that a message is created from.
///
/// # Errors
/// What the caller would hear.
pub fn create_message(form: &[u8]) -> Result<SendCommand, String> {
    let form = Form::read(form).map_err(heard)?;
    creation::read(&form, WhenRefused::Accept).map_err(heard)
}

/// The query of a list: which page of it, and what of contents is asked for.
///
/// # Errors
/// What the caller would hear.
pub fn list(query: &[u8]) -> Result<(), String> {
    let form = Form::read(query).map_err(heard)?;
    let page = Paging::read(&form).map(drop);
    content_filter::filter(&form).map(drop).and(page).map_err(heard)
}

/// The body that content is made of.
///
/// # Errors
/// What the caller would hear.
pub fn content(body: &[u8]) -> Result<(), String> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(body)) => content_body::read(body, None).map(drop).map_err(heard),
        _ => Ok(()),
    }
}

/// What a text is the SID of, as those are written; none for whatever is none.
#[must_use]
pub fn sids(text: &str) -> Vec<String> {
    let all = [
        MessageId::of_sid(text).map(Sid::sid),
        ContentId::of_sid(text).map(Sid::sid),
        ServiceId::of_sid(text).map(Sid::sid),
        KeyId::of_sid(text).map(Sid::sid),
    ];
    all.into_iter().flatten().collect()
}
