//! Phone numbers: what Graph tells of one, and registering it (Meta: business-phone-numbers/phone-numbers and registration).

use serde_json::{Map, Value, json};
use transom_domain::address::Phone;
use transom_domain::limits::{LimitsTold, Rating};
use transom_domain::time::Timestamp;

use super::{BadAnswer, Listed, entry, list, required};
use crate::read::member;

/// A phone number as Graph has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhoneNumber {
    /// Meta's id, with which it is addressed.
    pub id: String,
    /// The number as Graph writes it, with blanks and dashes as it pleases.
    pub display_phone_number: String,
    /// The number; none where what is displayed is none.
    pub phone: Option<Phone>,
    /// The name that customers see.
    pub verified_name: Option<String>,
    /// What customers think of it.
    pub quality: Quality,
    /// How it stands.
    pub status: NumberStatus,
    /// Whether the name has been approved, in Meta's word, such as `APPROVED`.
    pub name_status: Option<String>,
    /// Whether the owner has shown that the number is theirs, in Meta's word, such as `VERIFIED`.
    pub code_verification_status: Option<String>,
    /// Where it is registered, in Meta's word: `CLOUD_API`, or `NOT_APPLICABLE` for nowhere.
    pub platform_type: Option<String>,
    /// How fast it may send.
    pub throughput: Throughput,
    /// How many customers may be written to first in 24 hours, in Meta's word, such as `TIER_2K`.
    pub messaging_limit: Option<String>,
}

/// How a number stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NumberStatus {
    /// Can send.
    Connected,
    /// Is not registered, or no longer.
    Disconnected,
    /// Waits for registration.
    Pending,
    /// Can send; its quality is low.
    Flagged,
    /// Has reached its limit of customers.
    Restricted,
    /// Sends too fast.
    RateLimited,
    /// Its owner has not been confirmed.
    Unverified,
    /// Banned.
    Banned,
    /// Deleted.
    Deleted,
    /// Moved to another account.
    Migrated,
    /// A word that Meta uses and we don't know, or none.
    Unknown,
}

/// What customers think of a number, as Meta rates it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Quality {
    /// High.
    Green,
    /// Medium.
    Yellow,
    /// Low.
    Red,
    /// Not rated.
    Unknown,
}

/// How fast a number may send and receive together (throughput).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Throughput {
    /// 80 messages per second.
    Standard,
    /// 1,000 messages per second.
    High,
    /// Not told. A number shared with the Business app has 20 per second.
    Unknown,
}

impl Throughput {
    /// Messages per second, in and out together; none where not told.
    #[must_use]
    pub const fn per_second(self) -> Option<u32> {
        match self {
            Self::Standard => Some(80),
            Self::High => Some(1_000),
            Self::Unknown => None,
        }
    }
}

impl PhoneNumber {
    /// What it says of limits, as of `at`.
    #[must_use]
    pub fn limits(&self, at: Timestamp) -> LimitsTold {
        LimitsTold {
            phone: self.phone.clone(),
            throughput: self.throughput.per_second(),
            quality: match self.quality {
                Quality::Green => Some(Rating::Green),
                Quality::Yellow => Some(Rating::Yellow),
                Quality::Red => Some(Rating::Red),
                Quality::Unknown => None,
            },
            limit: self.messaging_limit.as_deref().and_then(|word| word.parse().ok()),
            name: self.name_status.clone(),
            at,
        }
    }

    /// Whether it must be registered before it can send (133010 otherwise).
    #[must_use]
    pub fn wants_registration(&self) -> bool {
        let elsewhere = self.platform_type.as_deref().is_some_and(|platform| platform != "CLOUD_API");
        elsewhere || matches!(self.status, NumberStatus::Disconnected | NumberStatus::Pending | NumberStatus::Unverified)
    }
}

/// The PIN of two-step verification: six digits. A secret, so not shown in `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Pin(Box<str>);

/// Not a PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the PIN must be six digits; it is the one of two-step verification, or a new one where there is none yet")]
pub struct BadPin;

impl Pin {
    /// Reads a PIN.
    ///
    /// # Errors
    /// When it is not six digits.
    pub fn parse(text: &str) -> Result<Self, BadPin> {
        let text = text.trim();
        if text.len() == 6 && text.bytes().all(|b| b.is_ascii_digit()) { Ok(Self(text.into())) } else { Err(BadPin) }
    }
}

impl std::fmt::Debug for Pin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pin(…)")
    }
}

/// The request that registers a number; it also sets the PIN where there is none.
#[must_use]
pub fn register_body(pin: &Pin) -> Value {
    json!({ "messaging_product": "whatsapp", "pin": &*pin.0 })
}

/// Reads one number.
///
/// # Errors
/// When the answer has no id or number.
pub fn parse_phone_number(json: &Value) -> Result<PhoneNumber, BadAnswer> {
    let what = "the phone number";
    let object = entry(what, json)?;
    let display_phone_number = required(what, object, "display_phone_number")?;
    Ok(PhoneNumber {
        id: required(what, object, "id")?,
        phone: Phone::from_wa_id(&display_phone_number).ok(),
        display_phone_number,
        verified_name: member(object, "verified_name"),
        quality: quality(object),
        status: status(object),
        name_status: member(object, "name_status"),
        code_verification_status: member(object, "code_verification_status"),
        platform_type: member(object, "platform_type"),
        throughput: throughput(object),
        messaging_limit: member(object, "whatsapp_business_manager_messaging_limit")
            .or_else(|| member(object, "messaging_limit_tier")),
    })
}

/// Reads a page of an account's numbers.
///
/// # Errors
/// As [`parse_phone_number`].
pub fn parse_phone_numbers(json: &Value) -> Result<Listed<PhoneNumber>, BadAnswer> {
    list("the phone numbers", json, parse_phone_number)
}

fn word(object: &Map<String, Value>, key: &str) -> String {
    member(object, key).unwrap_or_default().to_ascii_uppercase()
}

fn quality(object: &Map<String, Value>) -> Quality {
    match word(object, "quality_rating").as_str() {
        "GREEN" => Quality::Green,
        "YELLOW" => Quality::Yellow,
        "RED" => Quality::Red,
        _ => Quality::Unknown,
    }
}

fn status(object: &Map<String, Value>) -> NumberStatus {
    match word(object, "status").as_str() {
        "CONNECTED" => NumberStatus::Connected,
        "DISCONNECTED" => NumberStatus::Disconnected,
        "PENDING" => NumberStatus::Pending,
        "FLAGGED" => NumberStatus::Flagged,
        "RESTRICTED" => NumberStatus::Restricted,
        "RATE_LIMITED" => NumberStatus::RateLimited,
        "UNVERIFIED" => NumberStatus::Unverified,
        "BANNED" => NumberStatus::Banned,
        "DELETED" => NumberStatus::Deleted,
        "MIGRATED" => NumberStatus::Migrated,
        _ => NumberStatus::Unknown,
    }
}

/// `{"level":"STANDARD"}`, or the bare word.
fn throughput(object: &Map<String, Value>) -> Throughput {
    let level = match object.get("throughput") {
        Some(Value::Object(inner)) => word(inner, "level"),
        _ => word(object, "throughput"),
    };
    match level.as_str() {
        "STANDARD" => Throughput::Standard,
        "HIGH" => Throughput::High,
        _ => Throughput::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_with_everything_a_gateway_asks() {
        let json = json!({"id": "51", "display_phone_number": "+49 30 555-000", "verified_name": "Laden", "quality_rating": "GREEN",
            "status": "CONNECTED", "name_status": "APPROVED", "code_verification_status": "VERIFIED", "platform_type": "CLOUD_API",
            "throughput": {"level": "HIGH"}, "whatsapp_business_manager_messaging_limit": "TIER_2K"});
        let number = parse_phone_number(&json).unwrap();
        assert_eq!(number.phone, Phone::parse("+4930555000").ok());
        assert_eq!((number.quality, number.status), (Quality::Green, NumberStatus::Connected));
        assert_eq!(number.throughput.per_second(), Some(1_000));
        assert_eq!(number.messaging_limit.as_deref(), Some("TIER_2K"));
        assert!(!number.wants_registration());
    }

    #[test]
    fn what_is_left_out_is_unknown_and_what_must_be_there_is_named() {
        let read = |json: Value| parse_phone_number(&json);
        let bare = read(json!({"id": 51, "display_phone_number": "4930555000"})).unwrap();
        assert_eq!((bare.id.as_str(), bare.phone.is_some()), ("51", true));
        assert_eq!((bare.status, bare.quality, bare.throughput.per_second()), (NumberStatus::Unknown, Quality::Unknown, None));
        let what = "the phone number";
        assert_eq!(read(json!({"id": "41", "name": "a WABA"})), Err(BadAnswer::Missing { what, field: "display_phone_number" }));
        assert_eq!(read(json!([])), Err(BadAnswer::Garbled { what }));
    }

    #[test]
    fn a_number_that_is_nowhere_wants_registration() {
        let wants = |extra: (&str, &str)| {
            let json = json!({"id": "51", "display_phone_number": "1", extra.0: extra.1});
            parse_phone_number(&json).unwrap().wants_registration()
        };
        for extra in [("status", "DISCONNECTED"), ("status", "pending"), ("platform_type", "NOT_APPLICABLE")] {
            assert!(wants(extra), "{extra:?}");
        }
        for extra in [("status", "CONNECTED"), ("status", "FLAGGED"), ("platform_type", "CLOUD_API"), ("status", "SPARKLING")] {
            assert!(!wants(extra), "{extra:?}");
        }
    }

    #[test]
    fn pages_are_read_one_after_the_other() {
        let page = json!({"data": [{"id": "51", "display_phone_number": "+4930555000"}],
            "paging": {"cursors": {"after": "QQ"}, "next": "https://graph.example/next"}});
        let read = parse_phone_numbers(&page).unwrap();
        assert_eq!((read.data.len(), read.after.as_deref()), (1, Some("QQ")));
        assert!(matches!(parse_phone_numbers(&json!({})), Err(BadAnswer::Missing { field: "data", .. })));
    }

    #[test]
    fn a_pin_is_six_digits_and_never_shown() {
        let pin = Pin::parse(" 204813 ").unwrap();
        assert_eq!(register_body(&pin), json!({"messaging_product": "whatsapp", "pin": "204813"}));
        assert!(!format!("{pin:?}").contains("204813"));
        for bad in ["", "12345", "1234567", "12345a", "١٢٣٤٥٦"] {
            assert_eq!(Pin::parse(bad), Err(BadPin), "{bad}");
        }
    }
}
