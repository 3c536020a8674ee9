//! Messaging services: senders under one name, and which of them speaks to a customer.

use std::hash::Hasher as _;

use serde::{Deserialize, Serialize};

use crate::address::{Channel, Identity};
use crate::field::{FieldError, Findings};
use crate::id::{BusinessId, SenderId, ServiceId};
use crate::time::{Span, Timestamp};

/// Longest friendly name, in characters (Twilio: Service resource).
pub const FRIENDLY_NAME_MAX: usize = 64;
/// Most senders of one service: Twilio's own bound on a pool.
pub const POOL_MAX: usize = 400;
/// The longest validity of messages through a service, in seconds; also what holds where none is chosen (Twilio: Service resource).
pub const VALIDITY_MAX_SECONDS: u32 = 36_000;
/// How many of a customer's last messages are looked at for the sender that spoke with them last.
pub const STICKY_LOOK: usize = 100;

/// A messaging service as a business keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessagingService {
    /// Names it.
    pub id: ServiceId,
    /// Whose.
    pub business: BusinessId,
    /// What its owner chose.
    pub options: ServiceOptions,
    /// Since when.
    pub created_at: Timestamp,
    /// Since when as it is.
    pub updated_at: Timestamp,
}

/// What the owner of a messaging service chose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServiceOptions {
    /// For people, at most [`FRIENDLY_NAME_MAX`] characters.
    pub friendly_name: String,
    /// A customer is written to by the sender that spoke with them last.
    pub sticky_sender: bool,
    /// Seconds for which a message through it may wait, unless it says otherwise itself; at most [`VALIDITY_MAX_SECONDS`].
    pub validity_seconds: u32,
    /// Which addresses are called about its messages. Those of a message itself go before these, and these before the sender's.
    pub callbacks: Callbacks,
    /// What customers write is told to the sender's own address, where it has one, rather than to this one.
    pub use_inbound_webhook_on_number: bool,
    /// What it is used for, in its owner's words.
    pub usecase: String,
    /// Kept for Twilio's sake: WhatsApp and Messenger know nothing of it.
    pub sms: SmsOptions,
}

impl Default for ServiceOptions {
    fn default() -> Self {
        Self {
            friendly_name: String::new(),
            sticky_sender: true,
            validity_seconds: VALIDITY_MAX_SECONDS,
            callbacks: Callbacks::default(),
            use_inbound_webhook_on_number: false,
            usecase: "undeclared".to_owned(),
            sms: SmsOptions::default(),
        }
    }
}

impl ServiceOptions {
    /// Whether they are within their bounds, whoever chose them; addresses are judged by whoever calls them.
    ///
    /// # Errors
    /// Every finding.
    pub fn check(&self) -> Result<(), Vec<FieldError>> {
        let mut findings = Findings::default();
        if self.friendly_name.trim().is_empty() {
            findings.note("friendlyName", "is required", "give it a name by which people know it");
        }
        findings.at_most("friendlyName", &self.friendly_name, FRIENDLY_NAME_MAX);
        findings.at_most("usecase", &self.usecase, FRIENDLY_NAME_MAX);
        if !(1..=VALIDITY_MAX_SECONDS).contains(&self.validity_seconds) {
            let rule = format!("must be from 1 to {VALIDITY_MAX_SECONDS}");
            findings.note("validitySeconds", rule, "leave it out for the longest");
        }
        findings.result(())
    }

    /// How long a message through it may wait.
    #[must_use]
    pub fn validity(&self) -> Span {
        Span::secs(self.validity_seconds.into())
    }
}

/// Which addresses of the business are called about messages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Callbacks {
    /// Told of what customers write.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inbound_url: Option<String>,
    /// How.
    pub inbound_method: CallbackMethod,
    /// Asked instead where that one fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback_url: Option<String>,
    /// How.
    pub fallback_method: CallbackMethod,
    /// Told of the statuses of messages that name no address of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_callback: Option<String>,
}

/// With which method an address is called.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum CallbackMethod {
    /// With the form as the query.
    Get,
    /// With a form as the body.
    #[default]
    Post,
}

impl CallbackMethod {
    /// The method's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }

    /// The method with this name, whatever its case.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Get, Self::Post].into_iter().find(|method| method.as_str().eq_ignore_ascii_case(name))
    }
}

/// Switches of a messaging service that mean something for SMS only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SmsOptions {
    /// Spare characters that need a wide encoding.
    pub smart_encoding: bool,
    /// Send a link where a file cannot go.
    pub mms_converter: bool,
    /// Obsolete at Twilio.
    pub fallback_to_long_code: bool,
    /// Prefer a sender of the recipient's area.
    pub area_code_geomatch: bool,
    /// Reserved at Twilio.
    pub synchronous_validation: bool,
    /// `inherit`, `enable` or `disable`.
    pub scan_message_content: String,
}

impl Default for SmsOptions {
    fn default() -> Self {
        Self {
            smart_encoding: true,
            mms_converter: true,
            fallback_to_long_code: true,
            area_code_geomatch: true,
            synchronous_validation: false,
            scan_message_content: "inherit".to_owned(),
        }
    }
}

/// A sender of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolMember {
    /// Which.
    pub sender: SenderId,
    /// Since when.
    pub since: Timestamp,
}

/// A sender that could speak to a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// Which.
    pub sender: SenderId,
    /// When it heard the customer last.
    pub heard: Option<Timestamp>,
    /// Whether their session is open.
    pub open: bool,
    /// How many of its messages wait.
    pub waiting: u64,
    /// Whether it is stopped: it keeps its queue, and nothing leaves.
    pub stopped: bool,
}

/// Why a sender was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Because {
    /// It spoke with this customer last.
    SpokeLast,
    /// It has a session with this customer.
    HasSession,
    /// It has least to do.
    LeastBusy,
}

impl Because {
    /// The word on our wires.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SpokeLast => "spoke_last",
            Self::HasSession => "has_session",
            Self::LeastBusy => "least_busy",
        }
    }
}

/// Chooses who of a pool speaks to a customer. The same question has the same answer: two messages to one new customer at the
/// same moment go through the same sender.
///
/// Where senders stick, the one that spoke with the customer last goes first. Else one whose session is open, the latest first; else
/// the one with least to do, counted in powers of two so that a few messages more or less change nothing; among equals the
/// address decides, which spreads customers evenly over the pool and gives each of them always the same one. One that is stopped
/// is chosen only where all are. On Messenger a customer is known to the Pages that heard from them, so that no other can be meant.
#[must_use]
pub fn choose(pool: &[Candidate], last: Option<SenderId>, sticky: bool, to: &Identity) -> Option<(SenderId, Because)> {
    let knows = |candidate: &&Candidate| to.channel() != Channel::Messenger || candidate.heard.is_some();
    let known = pool.iter().any(|candidate| knows(&candidate));
    let meant = || pool.iter().filter(move |candidate| !known || knows(candidate));
    let all_stopped = meant().all(|candidate| candidate.stopped);
    let goes = || meant().filter(|candidate| all_stopped || !candidate.stopped);
    if let Some(last) = last.filter(|last| sticky && goes().any(|candidate| candidate.sender == *last)) {
        return Some((last, Because::SpokeLast));
    }
    if let Some(open) = goes().filter(|c| c.open).max_by_key(|c| (c.heard, std::cmp::Reverse(c.sender))) {
        return Some((open.sender, Because::HasSession));
    }
    let busy = |candidate: &Candidate| u64::BITS - candidate.waiting.leading_zeros();
    let least = goes().min_by_key(|candidate| (busy(candidate), lot(candidate.sender, to)))?;
    Some((least.sender, Because::LeastBusy))
}

/// A number that follows from a sender and an address, and is spread evenly: the highest random weight of both.
fn lot(sender: SenderId, to: &Identity) -> (u64, SenderId) {
    let mut hash = Fnv(0xcbf2_9ce4_8422_2325);
    hash.write(&sender.to_bytes());
    hash.write(to.key().to_string().as_bytes());
    (hash.finish(), sender)
}

/// FNV-1a: small, and the same on every machine and in every release, which the standard library's hasher does not promise.
struct Fnv(u64);

impl std::hash::Hasher for Fnv {
    fn finish(&self) -> u64 {
        // The last bytes would hardly reach the high bits: mixed once more.
        let mixed = (self.0 ^ (self.0 >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        mixed ^ (mixed >> 33)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(sender: u128) -> Candidate {
        Candidate { sender: SenderId(sender), heard: None, open: false, waiting: 0, stopped: false }
    }

    fn address(n: u32) -> Identity {
        format!("+49151{n:08}").parse().unwrap()
    }

    #[test]
    fn who_spoke_last_goes_first_unless_senders_do_not_stick() {
        let at = Timestamp::from_secs;
        let pool = [
            Candidate { heard: Some(at(9)), open: true, ..candidate(1) },
            Candidate { heard: Some(at(8)), open: true, ..candidate(2) },
            candidate(3),
        ];
        let to = address(1);
        let chosen = |pool: &[Candidate], last: Option<u128>, sticky| choose(pool, last.map(SenderId), sticky, &to).unwrap();
        assert_eq!(chosen(&pool, Some(3), true), (SenderId(3), Because::SpokeLast));
        assert_eq!(chosen(&pool, Some(3), false), (SenderId(1), Because::HasSession));
        // One that left the pool speaks no more.
        assert_eq!(chosen(&pool, Some(4), true), (SenderId(1), Because::HasSession));
        let stopped = [Candidate { stopped: true, ..pool[0] }, pool[1], pool[2]];
        assert_eq!(chosen(&stopped, Some(1), true), (SenderId(2), Because::HasSession));
        let all = stopped.map(|c| Candidate { stopped: true, ..c });
        assert_eq!(chosen(&all, Some(1), true), (SenderId(1), Because::SpokeLast));
        assert_eq!(choose(&[], None, true, &to), None);
    }

    #[test]
    fn new_customers_are_spread_and_each_has_always_the_same_sender() {
        let pool: Vec<Candidate> = (1..=4).map(candidate).collect();
        let mut counts = std::collections::BTreeMap::new();
        for n in 0..4_000 {
            let (sender, why) = choose(&pool, None, true, &address(n)).unwrap();
            let mut turned = pool.clone();
            turned.rotate_left(n as usize % 4);
            assert_eq!(choose(&turned, None, false, &address(n)), Some((sender, why)));
            assert_eq!(why, Because::LeastBusy);
            *counts.entry(sender).or_insert(0) += 1;
        }
        assert!(counts.len() == 4 && counts.values().all(|n| (800..1_200).contains(n)), "{counts:?}");
    }

    #[test]
    fn what_is_chosen_has_bounds_and_a_document_may_leave_out_what_is_new() {
        let named = |name: &str| ServiceOptions { friendly_name: name.to_owned(), ..ServiceOptions::default() };
        assert_eq!(named("Shop").check(), Ok(()));
        let bad = ServiceOptions { validity_seconds: 36_001, ..named(" ") };
        let fields: Vec<_> = bad.check().unwrap_err().into_iter().map(|found| found.field).collect();
        assert_eq!(fields, ["friendlyName", "validitySeconds"]);
        assert!(named(&"x".repeat(65)).check().is_err());
        let read: ServiceOptions = serde_json::from_str(r#"{"friendly_name":"Shop"}"#).unwrap();
        assert_eq!(read, named("Shop"));
    }

    #[test]
    fn who_has_much_to_do_is_spared() {
        let pool = [Candidate { waiting: 1_000, ..candidate(1) }, Candidate { waiting: 9, ..candidate(2) }, candidate(3)];
        assert!((0..100).all(|n| choose(&pool, None, true, &address(n)).unwrap().0 == SenderId(3)));
    }
}
