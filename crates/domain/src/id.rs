//! Ids: 128 bits, 48 of them milliseconds. One number, two spellings: 26 Crockford base-32 characters here, two letters
//! and 32 hex digits in the Twilio dialect. Ids name things; they never order them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::time::Timestamp;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The text is not an id: 26 Crockford base-32 characters, or a UUID, or 32 hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an id is 26 Crockford base-32 characters such as 01K5Z3V8Q4M9W2N7T6R1XBCDEF")]
pub struct BadId;

/// Builds the 128 bits from a time and 80 bits of chance.
#[must_use]
pub fn compose(at: Timestamp, chance: u128) -> u128 {
    let millis = u128::from(u64::try_from(at.as_millis()).unwrap_or(0)) & 0xFFFF_FFFF_FFFF;
    (millis << 80) | (chance & ((1 << 80) - 1))
}

/// Writes the 26 characters.
#[must_use]
pub fn to_text(bits: u128) -> String {
    (0..26)
        .rev()
        .map(|place| {
            let five = (bits >> (5 * place)) & 31;
            char::from(ALPHABET.get(five as usize).copied().unwrap_or(b'0'))
        })
        .collect()
}

/// Reads 26 Crockford characters, a UUID or 32 hex digits.
///
/// # Errors
/// When the text is none of these.
pub fn from_text(text: &str) -> Result<u128, BadId> {
    if text.len() == 26 {
        return from_crockford(text);
    }
    let hex: String = match text.len() {
        36 => text.chars().filter(|c| *c != '-').collect(),
        32 => text.to_owned(),
        _ => return Err(BadId),
    };
    if hex.len() != 32 || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(BadId);
    }
    u128::from_str_radix(&hex, 16).map_err(|_| BadId)
}

fn from_crockford(text: &str) -> Result<u128, BadId> {
    let mut bits: u128 = 0;
    for (place, byte) in text.bytes().enumerate() {
        let upper = match byte.to_ascii_uppercase() {
            b'I' | b'L' => b'1',
            b'O' => b'0',
            other => other,
        };
        let value = ALPHABET.iter().position(|a| *a == upper).ok_or(BadId)?;
        // 26 characters carry 130 bits; the first may use only three.
        if place == 0 && value > 7 {
            return Err(BadId);
        }
        bits = (bits << 5) | value as u128;
    }
    Ok(bits)
}

/// Declares an id of one kind, so that a message id is never taken for a sender id.
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u128);

        impl $name {
            /// From a time and 80 bits of chance.
            #[must_use]
            pub fn compose(at: Timestamp, chance: u128) -> Self {
                Self(compose(at, chance))
            }

            /// The 16 bytes, most significant first: the form the store keeps.
            #[must_use]
            pub const fn to_bytes(self) -> [u8; 16] {
                self.0.to_be_bytes()
            }

            /// From the 16 bytes that the store keeps.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(u128::from_be_bytes(bytes))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&to_text(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), to_text(self.0))
            }
        }

        impl FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                from_text(text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}

ids! {
    /// Names a business, the tenant.
    BusinessId,
    /// Names a sender: a WhatsApp number or a Messenger Page of a business.
    SenderId,
    /// Names a customer, whatever identities the person has.
    CustomerId,
    /// Names a message, sent or received.
    MessageId,
    /// Names an event.
    EventId,
    /// Names a webhook endpoint.
    EndpointId,
    /// Names an API key (not the key itself).
    KeyId,
    /// Names a raw body kept in the journal.
    JournalId,
    /// Names content that a business keeps.
    ContentId,
    /// Names a file.
    MediaId,
    /// Names a replay to one endpoint.
    ReplayId,
    /// Names somebody who uses the console.
    UserId,
    /// Names a place where somebody is signed in to the console.
    ConsoleSessionId,
    /// Names a messaging service: senders of a business that stand for each other.
    ServiceId,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_spelling_reads_back(bits: u128) {
            prop_assert_eq!(from_text(&to_text(bits)), Ok(bits));
            prop_assert_eq!(from_text(&to_text(bits).to_lowercase()), Ok(bits));
            prop_assert_eq!(from_text(&format!("{bits:032x}")), Ok(bits));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".{0,40}") {
            let _ = from_text(&text);
        }
    }

    #[test]
    fn the_time_is_in_the_first_48_bits() {
        let id = MessageId::compose(Timestamp::from_millis(1_641_513_094_122), 7);
        assert_eq!(id.to_string(), "01FRRWW2ZA0000000000000007");
        assert_eq!(from_text("81FRRWW2ZA0000000000000007"), Err(BadId));
    }
}
