//! The journal: raw webhook bodies, kept in a file of their own, in the order in which they came.

use serde::{Deserialize, Serialize};

use transom_domain::id::{BusinessId, JournalId, ReplayId};
use transom_domain::time::Timestamp;

use super::Answer;
#[cfg(doc)]
use crate::Store;

/// The most entries that one page of a search looks at.
pub const JOURNAL_LOOK_MAX: usize = 2_048;
/// The most bytes of bodies that one page of a search looks through, and that one page of entries holds, but for its last.
pub const JOURNAL_LOOK_BYTES: usize = 8 << 20;

/// What became of a raw body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JournalOutcome {
    /// All of it was understood.
    Heard,
    /// Some of it was.
    Partly,
    /// It is a webhook, and nothing in it was understood.
    NotUnderstood,
    /// It is no webhook.
    Malformed,
    /// It spoke of a number, Page or account that is nobody's here.
    Stranger,
}

impl JournalOutcome {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Heard, Self::Partly, Self::NotUnderstood, Self::Malformed, Self::Stranger];

    /// The word in lists, filters and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Heard => "heard",
            Self::Partly => "partly_understood",
            Self::NotUnderstood => "not_understood",
            Self::Malformed => "malformed",
            Self::Stranger => "stranger",
        }
    }

    /// The outcome that a word stands for.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == word)
    }
}

/// What is known of a raw body beside its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalHead {
    /// Names it.
    pub id: JournalId,
    /// Its place among the entries of the business: from 1, up by 1 with each; only a restore from a backup leaps ahead. Given by
    /// the store; 0 in what is put.
    pub position: u64,
    /// Whose; none for what is nobody's.
    pub business: Option<BusinessId>,
    /// App named in the path.
    pub app: String,
    /// When it came. Never before the entry in front of it.
    pub at: Timestamp,
    /// What became of it.
    pub outcome: JournalOutcome,
    /// The fields that changed by it, each once, by comma; cut where there are very many.
    pub fields: String,
    /// What was not understood, or why it was passed over; empty where there is nothing to say.
    pub note: String,
    /// Bytes of the body.
    pub size: usize,
    /// The bytes were taken out, since somebody's data had to go.
    pub erased: bool,
}

/// A raw body with what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalEntry {
    /// What is known of it.
    pub head: JournalHead,
    /// The bytes as received; of a body that speaks of others too, this business's part of it. Cut for what is nobody's.
    pub raw: Vec<u8>,
}

/// Entries of a business after a position, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalPage {
    /// The entries.
    pub entries: Vec<JournalEntry>,
    /// Position of the newest entry there is. A cursor beyond it is of a journal that is gone.
    pub newest: u64,
    /// Position of the oldest that is kept; one more than the newest when there is none.
    pub earliest: u64,
}

/// Which entries are looked for; what is left empty fits all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JournalFilter {
    /// Of what is known of them.
    pub range: JournalRange,
    /// Whose bytes hold one of these texts, as they stand or escaped as JSON allows.
    pub texts: Vec<String>,
    /// And one of these as well.
    pub ids: Vec<String>,
}

/// Which entries, by what is known of them beside their bytes; what is left empty fits all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalRange {
    /// Heard at this moment or later.
    pub since: Option<Timestamp>,
    /// Heard before this moment.
    pub until: Option<Timestamp>,
    /// With one of these outcomes.
    pub outcomes: Vec<JournalOutcome>,
    /// In which this field changed.
    pub field: Option<String>,
}

/// A range of a business's journal that is heard again, slice by slice: a job that goes on after a restart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalReplay {
    /// Names it.
    pub id: ReplayId,
    /// Whose.
    pub business: BusinessId,
    /// Which entries.
    pub range: JournalRange,
    /// Looked at up to this position.
    pub cursor: u64,
    /// Position of the last entry it looks at: the newest when it began.
    pub to: u64,
    /// What it did so far.
    pub did: JournalReplayed,
    /// Since when.
    pub created_at: Timestamp,
    /// When it came to its end, or was stopped.
    pub over_at: Option<Timestamp>,
    /// It was stopped.
    pub stopped: bool,
}

/// What hearing entries again did. Work that a restart cut off is done again, and counted again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalReplayed {
    /// Entries that were heard again.
    pub entries: u64,
    /// Facts that were missing.
    pub news: u64,
    /// Entries that were left out: erased, too old, or not to be read by the present code either.
    pub left_out: u64,
}

impl std::ops::AddAssign for JournalReplayed {
    fn add_assign(&mut self, other: Self) {
        self.entries += other.entries;
        self.news += other.news;
        self.left_out += other.left_out;
    }
}

/// Where a search of the journal begins, and which way it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JournalFrom {
    /// Behind this position, oldest first.
    After(u64),
    /// In front of this position, newest first; [`u64::MAX`] is in front of nothing.
    Before(u64),
}

impl JournalFrom {
    /// The position.
    #[must_use]
    pub const fn position(self) -> u64 {
        match self {
            Self::After(position) | Self::Before(position) => position,
        }
    }
}

/// One page of a search.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JournalFound {
    /// What was found, in the order of the search, without its bytes.
    pub heads: Vec<JournalHead>,
    /// Position up to which all was looked at: where the next page begins.
    pub looked_to: u64,
    /// There may be more after that.
    pub more: bool,
}

/// What one slice of an erasure did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JournalErased {
    /// Entries whose bytes were taken out.
    pub entries: usize,
    /// Where the next slice begins; none when all was looked at.
    pub next: Option<u64>,
}

/// Whether a body holds a text, as it stands or escaped as JSON allows. Takes as long as the body has bytes.
#[must_use]
pub(crate) fn holds_text(raw: &[u8], text: &str) -> bool {
    let finder = memchr::memmem::Finder::new(text);
    if finder.find(raw).is_some() {
        return true;
    }
    memchr::memchr(b'\\', raw).is_some() && finder.find(&unescaped(raw)).is_some()
}

/// The bytes with all escapes of JSON resolved, wherever they stand; what is no escape stays as it is.
fn unescaped(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        let (before, from) = rest.split_at(at);
        out.extend_from_slice(before);
        let plain = match from.get(1) {
            Some(b'n') => b'\n',
            Some(b't') => b'\t',
            Some(b'r') => b'\r',
            Some(b'b') => 8,
            Some(b'f') => 12,
            Some(b'u') => {
                rest = unicode(from, &mut out);
                continue;
            }
            Some(other) => *other,
            None => {
                out.push(b'\\');
                return out;
            }
        };
        out.push(plain);
        rest = from.get(2..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    out
}

/// Resolves `\uXXXX`, or two of them where they are one character; gives what comes after.
fn unicode<'a>(from: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let unit = |at: usize| {
        let digits = from.get(at..at + 6).filter(|text| text.starts_with(b"\\u"))?;
        u16::from_str_radix(std::str::from_utf8(digits.get(2..)?).ok()?, 16).ok()
    };
    let Some(first) = unit(0) else {
        out.extend_from_slice(from.get(..2).unwrap_or_default());
        return from.get(2..).unwrap_or_default();
    };
    let pair = (0xD800..0xDC00).contains(&first);
    let (units, length) = match unit(6).filter(|_| pair) {
        Some(second) => ([first, second], 12),
        None => ([first, 0], 6),
    };
    let read = units.get(..length / 6).unwrap_or_default();
    let text: String = char::decode_utf16(read.iter().copied()).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    out.extend_from_slice(text.as_bytes());
    from.get(length..).unwrap_or_default()
}

/// What the store does with the journal.
pub trait Journal {
    /// The raw bodies of a business after a position, oldest first: at most `limit`, and at most [`JOURNAL_LOOK_BYTES`] but for the
    /// last. What is read this way has no gap that fills later.
    fn journal_after(&self, business: BusinessId, after: u64, limit: usize) -> Answer<'_, JournalPage>;
    /// Raw bodies that fit, of a business or of nobody, from a position on; at most `limit`. A page looks through at most
    /// [`JOURNAL_LOOK_MAX`] entries and, for texts, [`JOURNAL_LOOK_BYTES`]: with a rare filter it can be empty and still say where
    /// to go on.
    fn journal_search(
        &self,
        business: Option<BusinessId>,
        filter: JournalFilter,
        from: JournalFrom,
        limit: usize,
    ) -> Answer<'_, JournalFound>;
    /// One raw body of a business, or of nobody.
    fn journal_entry(&self, business: Option<BusinessId>, id: JournalId) -> Answer<'_, Option<JournalEntry>>;
    /// Records how much of a raw body was understood when it was heard again; `false` when it is gone.
    fn journal_reheard(&self, business: BusinessId, id: JournalId, outcome: JournalOutcome, note: String) -> Answer<'_, bool>;
    /// Writes down that a range of the journal is to be heard again, up to what is there now; a business's replays that are over are
    /// remembered up to [`REPLAYS_KEEP`]. One at a time: answers with the one that is under way, where it is another.
    fn start_journal_replay(&self, replay: JournalReplay) -> Answer<'_, JournalReplay>;
    /// Replays of a business's journal, newest first.
    fn journal_replays(&self, business: BusinessId) -> Answer<'_, Vec<JournalReplay>>;
    /// Replays that are under way, of all businesses.
    fn open_journal_replays(&self, limit: usize) -> Answer<'_, Vec<JournalReplay>>;
    /// Records how far a replay came: up to a position, and over when that is its last. `false` when it was stopped meanwhile.
    fn journal_replayed(
        &self,
        business: BusinessId,
        id: ReplayId,
        cursor: u64,
        did: JournalReplayed,
        now: Timestamp,
    ) -> Answer<'_, bool>;
    /// Ends a replay where it stands; `false` when there is none of this name.
    fn stop_journal_replay(&self, business: BusinessId, id: ReplayId, now: Timestamp) -> Answer<'_, bool>;
    /// Takes the bytes out of every entry of a business, and of nobody, that holds one of these texts, as they stand or escaped
    /// as JSON allows: one
    /// slice, of about a megabyte. The entry stays, without its bytes, so that positions have no gap. Until [`Store::scrub`] the
    /// bytes are still in the log of the file.
    fn journal_erase(&self, business: BusinessId, texts: Vec<String>, after: u64) -> Answer<'_, JournalErased>;
    /// Blanks raw bodies that name messages which were redacted or deleted by hand, since these came: one slice. Says whether there
    /// may be more.
    fn blank_bodies(&self) -> Answer<'_, bool>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_found_however_it_is_escaped() {
        let name = "Zoë/🌍 \"Z\"";
        let bodies = [
            format!("{{\"name\":{}}}", serde_json::to_string(name).unwrap()),
            r#"{"name":"Zo\u00eb\/\ud83c\udf0d \u0022Z\""}"#.to_owned(),
            r#"{"name":"\u005a\u006F\u00EB\u002f\uD83C\uDF0D\u0020\"Z\u0022"}"#.to_owned(),
        ];
        for body in &bodies {
            assert!(holds_text(body.as_bytes(), name), "{body}");
            assert!(!holds_text(body.as_bytes(), "Zoe"), "{body}");
        }
        assert!(holds_text(b"\"a\\\\u00eb\"", "\\u00eb"), "an escaped backslash begins no escape");
    }

    #[test]
    fn what_is_cut_off_anywhere_is_looked_through() {
        let body = br#"{"x":"\ud83c\udf0d\n\u00"}"#;
        for length in 0..=body.len() {
            assert!(!holds_text(&body[..length], "never there"));
        }
    }
}
