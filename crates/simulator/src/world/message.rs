//! Messages, in both directions, and how far each got.

use std::collections::{HashMap, VecDeque};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use transom_domain::Timestamp;

use super::effects::{Change, MessageRow};
use crate::chance::Chance;
use crate::graph::content::{Kind, Tap};

/// Messages kept in memory; settled ones beyond it live on only in the store and in the lists.
const KEPT_MAX: usize = 200_000;

/// How far a message got. `Dropped` is Meta's silence: accepted, and nothing ever said about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    Accepted,
    Sent,
    Delivered,
    Read,
    Failed,
    Dropped,
    Expired,
}

impl Status {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Failed => "failed",
            Self::Dropped => "dropped",
            Self::Expired => "expired",
        }
    }
}

/// What a timer will do with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    Send,
    Fail,
    Deliver,
    Read,
}

/// What Meta would put on the bill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pricing {
    pub(crate) billable: bool,
    pub(crate) kind: PricingType,
    pub(crate) category: PricingCategory,
}

/// `pricing.type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PricingType {
    Regular,
    FreeCustomerService,
    FreeEntryPoint,
}

/// `pricing.category`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PricingCategory {
    Authentication,
    Marketing,
    Utility,
    Service,
    ReferralConversion,
}

/// What does not change about a message.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Body {
    pub(crate) seq: u64,
    pub(crate) wamid: String,
    pub(crate) outbound: bool,
    pub(crate) number: u64,
    pub(crate) customer: Option<u64>,
    /// The digits or user id it went to or came from.
    pub(crate) to: String,
    pub(crate) by_user_id: bool,
    pub(crate) kind: Kind,
    /// The object of the type; for a template, the template as shown.
    pub(crate) shown: Value,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) taps: Vec<Tap>,
    pub(crate) quotes: Option<String>,
    pub(crate) callback_data: Option<String>,
    pub(crate) at: i64,
    /// After this it is not delivered any more, and nobody is told.
    pub(crate) expires: i64,
    pub(crate) pricing: Option<Pricing>,
    /// The id of the conversation it counts to, for old webhook versions.
    pub(crate) conversation: Option<String>,
}

/// What does change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Progress {
    pub(crate) status: Status,
    pub(crate) error: Option<u32>,
    pub(crate) details: Option<String>,
    pub(crate) next: Option<(Step, i64)>,
    /// `delivered` has told the price, so `read` does not.
    pub(crate) priced: bool,
    pub(crate) read_by_business: bool,
    /// What it says since it was edited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) edited: Option<Edited>,
    /// It was taken back: the phones show that there was one.
    #[serde(default)]
    pub(crate) revoked: bool,
    /// What it was before and is now, each with the second in which it became so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) past: Vec<(Status, i64)>,
}

/// What a message says since it was edited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Edited {
    /// The word of its type.
    pub(crate) kind: String,
    /// The object of the type.
    pub(crate) shown: Value,
}

impl Progress {
    /// Of a message that has come so far, and waits for nothing.
    pub(crate) fn at(status: Status) -> Self {
        Self {
            status,
            error: None,
            details: None,
            next: None,
            priced: false,
            read_by_business: false,
            edited: None,
            revoked: false,
            past: Vec::new(),
        }
    }

    /// It gets so far, now.
    pub(crate) fn reach(&mut self, status: Status, now: Timestamp) {
        self.status = status;
        self.past.push((status, now.as_secs()));
    }
}

/// A message.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) body: Body,
    pub(crate) progress: Progress,
}

impl Message {
    /// Whether nothing more will happen to it by itself.
    fn is_settled(&self) -> bool {
        self.progress.next.is_none() && (!self.body.outbound || !matches!(self.progress.status, Status::Accepted | Status::Sent))
    }

    pub(crate) fn created(&self) -> Change {
        Change::Message(Box::new(MessageRow {
            seq: self.body.seq,
            wamid: self.body.wamid.clone(),
            outbound: self.body.outbound,
            number: self.body.number,
            to: self.body.to.clone(),
            kind: self.body.kind.as_str(),
            callback_data: self.body.callback_data.clone(),
            at: self.body.at,
            status: self.progress.status.as_str(),
            error: self.progress.error,
            body: to_json(&self.body),
            progress: to_json(&self.progress),
        }))
    }

    pub(crate) fn progressed(&self) -> Change {
        Change::Progress {
            seq: self.body.seq,
            status: self.progress.status.as_str(),
            error: self.progress.error,
            progress: to_json(&self.progress),
        }
    }
}

/// Our own plain types always have a JSON form.
pub(crate) fn to_json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}

/// The messages in memory, and the count of all there ever were.
#[derive(Debug, Default)]
pub(crate) struct Messages {
    kept: HashMap<u64, Message>,
    order: VecDeque<u64>,
    last: u64,
    tally: HashMap<(&'static str, Option<u32>), u64>,
}

impl Messages {
    pub(crate) fn next_seq(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Starts with what the store has.
    pub(crate) fn load(&mut self, last: u64, tally: HashMap<(&'static str, Option<u32>), u64>, messages: Vec<Message>) {
        self.last = last;
        self.tally = tally;
        for message in messages {
            self.order.push_back(message.body.seq);
            self.kept.insert(message.body.seq, message);
        }
    }

    pub(crate) fn insert(&mut self, message: Message) {
        if message.body.outbound {
            *self.tally.entry((message.progress.status.as_str(), message.progress.error)).or_default() += 1;
        }
        self.order.push_back(message.body.seq);
        self.kept.insert(message.body.seq, message);
        self.shed();
    }

    /// Lets go of the oldest, but never of one that still has something before it: that one moves to the back.
    fn shed(&mut self) {
        if self.order.len() > KEPT_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            if self.kept.get(&oldest).is_some_and(Message::is_settled) {
                self.kept.remove(&oldest);
            } else if self.kept.contains_key(&oldest) {
                self.order.push_back(oldest);
            }
        }
    }

    pub(crate) fn get(&self, seq: u64) -> Option<&Message> {
        self.kept.get(&seq)
    }

    /// Those that a business sent, in the order in which they were taken.
    pub(crate) fn outbound(&self) -> impl Iterator<Item = &Message> {
        let mut all: Vec<&Message> = self.kept.values().filter(|message| message.body.outbound).collect();
        all.sort_unstable_by_key(|message| message.body.seq);
        all.into_iter()
    }

    pub(crate) fn by_wamid(&self, wamid: &str) -> Option<&Message> {
        self.get(seq_of(wamid)?).filter(|message| message.body.wamid == wamid)
    }

    /// Changes how far a message got and keeps the tally; answers the row to write.
    pub(crate) fn change(&mut self, seq: u64, change: impl FnOnce(&mut Progress)) -> Option<Change> {
        let message = self.kept.get_mut(&seq)?;
        let key = |progress: &Progress| (progress.status.as_str(), progress.error);
        let before = key(&message.progress);
        change(&mut message.progress);
        let after = key(&message.progress);
        if message.body.outbound && before != after {
            if let Some(count) = self.tally.get_mut(&before) {
                *count = count.saturating_sub(1);
            }
            *self.tally.entry(after).or_default() += 1;
        }
        Some(message.progressed())
    }

    pub(crate) fn tally(&self) -> impl Iterator<Item = (&'static str, Option<u32>, u64)> + '_ {
        self.tally.iter().map(|((status, error), count)| (*status, *error, *count))
    }
}

/// A message id in the shape of Meta's: `wamid.` and base64 that happens to hold the digits and a hexadecimal number. The
/// number carries the sequence, so that an id finds its message without an index; to everybody else it is opaque.
pub(crate) fn wamid(seq: u64, digits: &str, outbound: bool, chance: &mut Chance) -> String {
    let mut bytes = vec![0x1d, 0x18, u8::try_from(digits.len()).unwrap_or(0)];
    bytes.extend_from_slice(digits.as_bytes());
    bytes.extend_from_slice(&[0x15, 0x02, 0x00, if outbound { 0x11 } else { 0x12 }, 0x18, 0x14]);
    bytes.extend_from_slice(format!("{seq:010X}{}", chance.hex(10).to_ascii_uppercase()).as_bytes());
    bytes.push(0);
    format!("wamid.{}", BASE64.encode(bytes))
}

fn seq_of(wamid: &str) -> Option<u64> {
    let bytes = BASE64.decode(wamid.strip_prefix("wamid.")?).ok()?;
    let hex = bytes.len().checked_sub(21).and_then(|from| bytes.get(from..from + 10))?;
    u64::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::Seed;

    #[test]
    fn an_id_carries_its_sequence_and_junk_carries_none() {
        let mut chance = Chance::new(Seed::fixed(3));
        for seq in [1, 255, 1_000_000_000] {
            let id = wamid(seq, "4915112345678", true, &mut chance);
            assert!(id.starts_with("wamid.HRgN"), "{id}");
            assert_eq!(seq_of(&id), Some(seq));
        }
        for junk in ["", "wamid.", "wamid.AA==", "wamid.????", "mid.1"] {
            assert_eq!(seq_of(junk), None, "{junk}");
        }
    }
}
