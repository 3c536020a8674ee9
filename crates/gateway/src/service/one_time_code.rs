//! One-time codes at rest: sealed from acceptance to dispatch, and shown to nobody who asks what was sent.
//!
//! Whoever reads a one-time code while it is good takes over an account. So the draft that waits in the store, and stays there
//! as long as messages are kept, holds each code sealed; it is opened once per attempt, on its way to Meta.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use transom_domain::error_code::ErrorCode;
use transom_domain::message::Draft;
use transom_store::Sealed;

use crate::problem::Problem;
use crate::seal::{SealError, SealingKey};

/// What a sealed code begins with.
const MARK: &str = "sealed:";
/// What is shown in place of a code.
const MASK: &str = "[one-time code]";

/// Seals every code of a draft.
///
/// # Errors
/// When the system has no randomness.
pub(crate) fn seal(draft: &mut Draft, key: &SealingKey) -> Result<(), Problem> {
    for code in draft.codes_mut() {
        let sealed = key
            .seal(code.as_bytes())
            .map_err(|why| Problem::new(ErrorCode::Unspecified, format!("The one-time code cannot be sealed: {why}.")))?;
        *code = format!("{MARK}{}", BASE64.encode(sealed.0));
    }
    Ok(())
}

/// The draft with its codes as they were given.
///
/// # Errors
/// When a code was sealed with another key.
pub(crate) fn opened<'a>(draft: &'a Draft, key: &SealingKey) -> Result<Cow<'a, Draft>, Problem> {
    read(draft, key).map_err(|why| Problem::new(ErrorCode::Unspecified, format!("The one-time code cannot be read: {why}.")))
}

fn read<'a>(draft: &'a Draft, key: &SealingKey) -> Result<Cow<'a, Draft>, SealError> {
    if !draft.has_codes() {
        return Ok(Cow::Borrowed(draft));
    }
    let mut draft = draft.clone();
    for code in draft.codes_mut() {
        let sealed = code.strip_prefix(MARK).and_then(|text| BASE64.decode(text).ok()).ok_or(SealError::NotOurs)?;
        *code = key.open_text(&Sealed(sealed))?;
    }
    Ok(Cow::Owned(draft))
}

/// The draft as it may be shown.
pub(crate) fn masked(draft: &Draft) -> Cow<'_, Draft> {
    if !draft.has_codes() {
        return Cow::Borrowed(draft);
    }
    let mut draft = draft.clone();
    draft.codes_mut().into_iter().for_each(|code| MASK.clone_into(code));
    Cow::Owned(draft)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use transom_domain::free_form::FreeForm;

    const CODE: &str = "774411";

    fn drafts() -> [Draft; 2] {
        let content = json!({ "draft": "content", "variables": { "1": CODE }, "content": { "language": "en",
            "types": { "whatsapp/authentication": { "actions": [{ "type": "COPY_CODE", "copy_code_text": "Copy" }] } },
            "variables": { "1": CODE } } });
        let template = json!({ "draft": "template", "send": { "name": "code", "language": "en",
            "body": [{ "name": null, "text": CODE }],
            "buttons": [{ "index": 0, "value": { "kind": "one_time_code", "code": CODE } }] } });
        [content, template].map(|json| serde_json::from_value(json).unwrap())
    }

    #[test]
    fn codes_wait_sealed_leave_as_given_and_are_shown_to_nobody() {
        let dir = tempfile::tempdir().unwrap();
        let key = SealingKey::load_or_create(dir.path()).unwrap();
        for draft in drafts() {
            let mut kept = draft.clone();
            seal(&mut kept, &key).unwrap();
            for text in [serde_json::to_string(&kept).unwrap(), serde_json::to_string(&masked(&kept)).unwrap()] {
                assert!(!text.contains(CODE), "{text}");
            }
            assert_eq!(opened(&kept, &key).unwrap().as_ref(), &draft);
            // What was never sealed is not taken for a code.
            assert!(opened(&draft, &key).is_err());
        }
    }

    #[test]
    fn what_has_no_code_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let key = SealingKey::load_or_create(dir.path()).unwrap();
        let text = Draft::FreeForm { say: FreeForm::Text { body: CODE.to_owned(), preview_url: false }, human: None };
        let mut kept = text.clone();
        seal(&mut kept, &key).unwrap();
        assert_eq!((&kept, opened(&text, &key).unwrap().as_ref(), masked(&text).as_ref()), (&text, &text, &text));
    }
}
