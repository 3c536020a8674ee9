//! Files: what the channel takes of each kind, and how a file that is kept here is named in content.

use crate::field::FieldError;
use crate::free_form::{MediaKind, is_web_address};
use crate::id::{MediaId, MessageId};

/// The most bytes that a file from a customer has (Meta: business-phone-numbers/media; beyond it the webhook says 131052).
pub const INBOUND_MAX: u64 = 100 << 20;
/// The most bytes of a file of any kind that can be sent.
pub const OUTBOUND_MAX: u64 = 100 << 20;
/// How long the upstream's id of a file from a customer resolves (Meta: business-phone-numbers/media).
pub const INBOUND_ID_DAYS: i64 = 7;
/// How long the upstream's id of a file that was uploaded can be sent (Meta: business-phone-numbers/media).
pub const UPLOADED_ID_DAYS: i64 = 30;
/// Longest name of a file that is kept, in characters: what file systems and the channel's own surfaces bear.
pub const NAME_MAX: usize = 240;
/// How much of the beginning of a file tells what it is.
pub const HEAD: usize = 64;
/// What a file of ours begins with where a link could stand.
const SCHEME: &str = "media:";

/// What the channel takes of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Takes {
    /// Kind.
    pub kind: MediaKind,
    /// Most bytes.
    pub max: u64,
    /// Types, each with the ending that stands for it.
    pub types: &'static [(&'static str, &'static str)],
}

/// What can be sent (Meta: business-phone-numbers/media, "Supported media types").
pub const TAKES: [Takes; 5] = [
    Takes { kind: MediaKind::Image, max: 5 << 20, types: &[("image/jpeg", "jpg"), ("image/png", "png")] },
    Takes { kind: MediaKind::Video, max: 16 << 20, types: &[("video/mp4", "mp4"), ("video/3gpp", "3gp")] },
    Takes {
        kind: MediaKind::Audio,
        max: 16 << 20,
        types: &[("audio/aac", "aac"), ("audio/amr", "amr"), ("audio/mpeg", "mp3"), ("audio/mp4", "m4a"), ("audio/ogg", "ogg")],
    },
    Takes {
        kind: MediaKind::Document,
        max: 100 << 20,
        types: &[
            ("application/pdf", "pdf"),
            ("text/plain", "txt"),
            ("application/msword", "doc"),
            ("application/vnd.ms-excel", "xls"),
            ("application/vnd.ms-powerpoint", "ppt"),
            ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"),
            ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
            ("application/vnd.openxmlformats-officedocument.presentationml.presentation", "pptx"),
        ],
    },
    // Animated ones; one that stands still may have 100 KB.
    Takes { kind: MediaKind::Sticker, max: 500 << 10, types: &[("image/webp", "webp")] },
];

/// Most bytes of a sticker that does not move (Meta: business-phone-numbers/media).
pub const STILL_STICKER_MAX: u64 = 100 << 10;

/// A type without its parameters, in lower case: `audio/ogg` of `Audio/OGG; codecs=opus`.
#[must_use]
pub fn bare_type(mime_type: &str) -> String {
    mime_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// What is taken of a kind.
#[must_use]
pub fn takes(kind: MediaKind) -> Takes {
    let of_kind = TAKES.into_iter().find(|takes| takes.kind == kind);
    // Every kind has its line, which a test holds to.
    of_kind.unwrap_or(Takes { kind, max: 0, types: &[] })
}

/// The kind that a type is sent as; none for one that cannot be sent.
#[must_use]
pub fn kind_of(mime_type: &str) -> Option<MediaKind> {
    let bare = bare_type(mime_type);
    TAKES.into_iter().find(|takes| takes.types.iter().any(|(known, _)| *known == bare)).map(|takes| takes.kind)
}

/// The ending that stands for a type that can be sent.
#[must_use]
pub fn ending(mime_type: &str) -> Option<&'static str> {
    let bare = bare_type(mime_type);
    TAKES.iter().flat_map(|takes| takes.types).find(|(known, _)| *known == bare).map(|(_, ending)| *ending)
}

/// The type that the ending of a file's name stands for.
#[must_use]
pub fn type_of_name(name: &str) -> Option<&'static str> {
    let ending = name.rsplit_once('.')?.1.to_ascii_lowercase();
    let ending = if ending == "jpeg" { "jpg" } else { ending.as_str() };
    TAKES.iter().flat_map(|takes| takes.types).find(|(_, known)| *known == ending).map(|(mime_type, _)| *mime_type)
}

/// Whether a file can be sent as a kind; a size that nobody told is not held against it.
///
/// # Errors
/// The rule that does not hold, at `field`.
pub fn check(field: &str, kind: MediaKind, mime_type: &str, size: Option<u64>) -> Result<(), FieldError> {
    let takes = takes(kind);
    let bare = bare_type(mime_type);
    let wrong = |rule: String, remedy: String| Err(FieldError { field: field.to_owned(), rule, remedy });
    if !takes.types.iter().any(|(known, _)| *known == bare) {
        let known: Vec<&str> = takes.types.iter().map(|(known, _)| *known).collect();
        let remedy = match kind_of(&bare) {
            Some(other) => format!("send it as {}, or give a file of type {}", other.as_str(), known.join(", ")),
            None => format!("give a file of type {}", known.join(", ")),
        };
        return wrong(format!("is of type {bare}, which the channel does not take as {}", kind.as_str()), remedy);
    }
    match size {
        Some(0) => wrong("is empty".to_owned(), "give the whole file".to_owned()),
        Some(size) if size > takes.max => wrong(
            format!("has {size} bytes, at most {} are taken of {}", takes.max, kind.as_str()),
            "send a smaller file".to_owned(),
        ),
        _ => Ok(()),
    }
}

/// Whether the beginning of a file is what its type says, for the types that have a known beginning. A client that names the
/// wrong type would hear of it only from Meta, minutes later.
#[must_use]
pub fn begins_as(mime_type: &str, head: &[u8]) -> bool {
    let at = |from: usize, wanted: &[u8]| head.get(from..from + wanted.len()) == Some(wanted);
    match bare_type(mime_type).as_str() {
        "image/jpeg" => at(0, &[0xFF, 0xD8, 0xFF]),
        "image/png" => at(0, b"\x89PNG\r\n\x1a\n"),
        "image/webp" => at(0, b"RIFF") && at(8, b"WEBP"),
        "video/mp4" | "video/3gpp" | "audio/mp4" => at(4, b"ftyp"),
        "audio/ogg" => at(0, b"OggS"),
        "audio/amr" => at(0, b"#!AMR"),
        "application/pdf" => at(0, b"%PDF-"),
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
        | "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        | "application/vnd.openxmlformats-officedocument.presentationml.presentation" => at(0, b"PK\x03\x04"),
        "application/msword" | "application/vnd.ms-excel" | "application/vnd.ms-powerpoint" => {
            at(0, &[0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1])
        }
        _ => true,
    }
}

/// Whether a webp file moves: the flag of its extended header (WebP container specification).
#[must_use]
pub fn moves(head: &[u8]) -> bool {
    head.get(12..16) == Some(b"VP8X") && head.get(20).is_some_and(|flags| flags & 0b10 != 0)
}

/// The name of a file as it can be shown and offered for saving: without folders, control characters and what hides its ending,
/// cut to [`NAME_MAX`]. None when nothing of it is left.
#[must_use]
pub fn clean_name(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    // Marks of direction can make `exe.pdf` out of `fdp.exe`.
    let is_mark = |c: char| matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    let kept: String = last.chars().filter(|c| !c.is_control() && !is_mark(*c)).take(NAME_MAX).collect();
    let kept = kept.trim().trim_start_matches('.').trim();
    (!kept.is_empty()).then(|| kept.to_owned())
}

/// The `n`th file of a message that came in, from 0: a message of WhatsApp has one at most, and then both have the same id.
#[must_use]
pub const fn of_message(message: MessageId, n: u32) -> MediaId {
    // The low bits of an id are chance, so that neighbours are nobody's.
    MediaId(message.0.wrapping_add(n as u128))
}

/// How content names a file of ours in the place of a link: `media:<id>`, with the ending that tells its kind to whoever looks at
/// names only.
#[must_use]
pub fn reference(id: MediaId, mime_type: &str) -> String {
    match ending(mime_type) {
        Some(ending) => format!("{SCHEME}{id}.{ending}"),
        None => format!("{SCHEME}{id}"),
    }
}

/// The file of ours that a text names; none for a link.
#[must_use]
pub fn referred(text: &str) -> Option<MediaId> {
    let rest = text.trim().strip_prefix(SCHEME)?;
    rest.split('.').next().unwrap_or_default().parse().ok()
}

/// Whether a text can stand where a file is named: a web address, or a file of ours.
#[must_use]
pub fn is_file_address(text: &str) -> bool {
    is_web_address(text) || referred(text).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [MediaKind; 5] = [MediaKind::Image, MediaKind::Video, MediaKind::Audio, MediaKind::Document, MediaKind::Sticker];

    #[test]
    fn every_kind_has_its_types_and_its_size() {
        for kind in KINDS {
            let takes = takes(kind);
            assert!(takes.max > 0 && !takes.types.is_empty());
            for (mime_type, ending) in takes.types {
                assert_eq!(kind_of(mime_type), Some(kind));
                // What the rest of the house tells by a name is what the type says.
                assert_eq!(MediaKind::told_by(&format!("x.{ending}")), Some(kind), "{ending}");
                assert_eq!(type_of_name(&format!("a.b.{ending}")), Some(*mime_type));
                assert_eq!(check("file", kind, mime_type, Some(takes.max)), Ok(()));
                assert!(check("file", kind, mime_type, Some(takes.max + 1)).unwrap_err().rule.contains("at most"));
                assert!(check("file", kind, mime_type, Some(0)).unwrap_err().rule.contains("empty"));
            }
        }
        assert_eq!(kind_of("Audio/OGG; codecs=opus"), Some(MediaKind::Audio));
        assert_eq!((kind_of("text/html"), kind_of("")), (None, None));
        let wrong = check("message.attachments[0].url", MediaKind::Image, "video/mp4", None).unwrap_err();
        assert!(wrong.remedy.starts_with("send it as video"), "{wrong:?}");
    }

    #[test]
    fn a_file_of_ours_is_named_by_its_id() {
        let id = MediaId(7);
        for text in [reference(id, "image/png"), reference(id, "x/y"), format!("media:{id}")] {
            assert_eq!(referred(&text), Some(id), "{text}");
            assert!(is_file_address(&text));
        }
        assert_eq!(MediaKind::of_link(&reference(id, "video/mp4")), MediaKind::Video);
        for text in ["media:", "media:7", "https://a.example/media:x", "file:///etc/passwd", "media:../../etc/passwd"] {
            assert_eq!(referred(text), None, "{text}");
        }
        assert!(is_file_address("https://a.example/b") && !is_file_address("ftp://a.example/b"));
        assert_eq!(of_message(MessageId(9), 0).0, 9);
        assert_ne!(of_message(MessageId(9), 1), of_message(MessageId(9), 0));
    }

    #[test]
    fn a_name_leads_nowhere_and_hides_nothing() {
        for (given, kept) in [
            ("../../etc/passwd", Some("passwd")),
            ("C:\\Users\\ana\\a b.pdf", Some("a b.pdf")),
            ("\u{202E}fdp.exe\r\nX: y", Some("fdp.exeX: y")),
            ("..", None),
            ("a/", None),
            (" .bashrc ", Some("bashrc")),
            ("Grüße.pdf", Some("Grüße.pdf")),
        ] {
            assert_eq!(clean_name(given).as_deref(), kept, "{given:?}");
        }
        assert_eq!(clean_name(&"ü".repeat(500)).unwrap().chars().count(), NAME_MAX);
    }

    #[test]
    fn a_beginning_tells_whether_a_type_is_true() {
        assert!(begins_as("image/png", b"\x89PNG\r\n\x1a\nrest") && !begins_as("image/png", b"<html>"));
        assert!(begins_as("video/mp4", b"\0\0\0\x18ftypmp42") && !begins_as("video/mp4", b"\0"));
        assert!(begins_as("text/plain", b"") && begins_as("audio/mpeg", b"ID3"));
        let mut webp = *b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0";
        assert!(begins_as("image/webp", &webp) && moves(&webp));
        webp[20] = 0;
        assert!(!moves(&webp) && !moves(b"RIFF"));
    }
}
