//! Files: where a received or uploaded one can be fetched (Meta: business-phone-numbers/media).

use serde_json::Value;

use super::{BadAnswer, entry, required};
use crate::read::{member, whole};

/// A file that has been looked up. The link works for five minutes and with the sender's token only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    /// Its id.
    pub id: Option<String>,
    /// Where its bytes are.
    pub url: String,
    /// Its type.
    pub mime_type: Option<String>,
    /// Digest as Meta writes it: hexadecimal here, base64 in webhooks.
    pub sha256: Option<String>,
    /// Bytes; told as number or as text.
    pub file_size: Option<u64>,
}

/// Reads the answer to a look-up.
///
/// # Errors
/// When the answer has no link.
pub fn parse_media(json: &Value) -> Result<Media, BadAnswer> {
    let what = "the file";
    let media = entry(what, json)?;
    Ok(Media {
        id: member(media, "id"),
        url: required(what, media, "url")?,
        mime_type: member(media, "mime_type"),
        sha256: member(media, "sha256"),
        file_size: member(media, "file_size").and_then(|size| whole(&size)).and_then(|size| u64::try_from(size).ok()),
    })
}

/// Reads the handle of a template's sample (`4::…`), which is good for review only.
///
/// # Errors
/// When the answer has no handle.
pub fn parse_handle(json: &Value) -> Result<String, BadAnswer> {
    let what = "the upload";
    required(what, entry(what, json)?, "h")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_file_is_looked_up() {
        for size in [json!(2_048), json!("2048")] {
            let answer = json!({"messaging_product": "whatsapp", "url": "https://cdn.example/9", "mime_type": "image/jpeg",
                "sha256": "ab", "file_size": size, "id": "9"});
            let media = parse_media(&answer).unwrap();
            assert_eq!((media.url.as_str(), media.file_size), ("https://cdn.example/9", Some(2_048)));
        }
        assert_eq!(parse_media(&json!({})), Err(BadAnswer::Missing { what: "the file", field: "url" }));
        assert_eq!(parse_handle(&json!({"h": "4::abc"})).as_deref(), Ok("4::abc"));
        assert!(parse_handle(&json!([])).is_err());
    }
}
