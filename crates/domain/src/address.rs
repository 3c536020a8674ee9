//! Who can be written to, and as whom: phone numbers, business-scoped user ids, page-scoped ids.

mod alias;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Reads and writes a type as its text, and shows it so in `Debug`.
macro_rules! by_str {
    ($($name:ident),+) => {$(
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                <std::borrow::Cow<'de, str>>::deserialize(d)?.parse().map_err(serde::de::Error::custom)
            }
        }
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{self}")
            }
        }
    )+};
}

/// The channels a business speaks on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// WhatsApp Business Cloud API.
    Whatsapp,
    /// Messenger Platform.
    Messenger,
}

impl Channel {
    /// Every channel.
    pub const ALL: [Self; 2] = [Self::Whatsapp, Self::Messenger];

    /// The word used on every wire of ours.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Whatsapp => "whatsapp",
            Self::Messenger => "messenger",
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a text is no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadAddress {
    /// Not a phone number with its country.
    #[error("a phone number starts with + and its country code and has 7 to 15 digits, such as +4915112345678")]
    Phone,
    /// Not a business-scoped user id.
    #[error("a business-scoped user id is a country code, a dot and up to 128 letters or digits, such as bsuid:DE.4402917750112")]
    Bsuid,
    /// Not a page-scoped id.
    #[error("a page-scoped id is a number, such as messenger:8000000000000001")]
    Psid,
}

/// A phone number in E.164: `+`, country code, 7 to 15 digits in all.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Phone(Box<str>);

impl Phone {
    /// Reads a number, decorated or not: blanks, dashes, dots and brackets are dropped. The `+` is required, since without it
    /// Meta would prepend the sender's own country and write to a stranger.
    ///
    /// # Errors
    /// When what remains is not `+` and 7 to 15 digits that don't start with 0.
    pub fn parse(text: &str) -> Result<Self, BadAddress> {
        let plain: String = text.trim().chars().filter(|c| !matches!(c, ' ' | '-' | '.' | '(' | ')' | '\u{a0}')).collect();
        let digits = plain.strip_prefix('+').ok_or(BadAddress::Phone)?;
        let fits = (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
        if fits { Ok(Self(plain.into())) } else { Err(BadAddress::Phone) }
    }

    /// Reads digits as Meta writes them in `wa_id` and `from`, without `+`.
    ///
    /// # Errors
    /// As [`Phone::parse`].
    pub fn from_wa_id(digits: &str) -> Result<Self, BadAddress> {
        Self::parse(&format!("+{}", digits.trim().trim_start_matches('+')))
    }

    /// With the plus sign.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Without the plus sign, as in `wa_id`.
    #[must_use]
    pub fn digits(&self) -> &str {
        self.0.trim_start_matches('+')
    }

    /// In the North American plan with a United States area code is not told apart: Meta's rule for marketing is "+1".
    #[must_use]
    pub fn is_plus_one(&self) -> bool {
        self.0.starts_with("+1")
    }
}

/// A business-scoped user id: country, dot, up to 128 letters or digits; never changed in case, never shortened.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bsuid(Box<str>);

impl Bsuid {
    /// Reads one, with or without the `bsuid:` prefix.
    ///
    /// # Errors
    /// When the text is not `CC.` or `CC.ENT.` and 1 to 128 letters or digits.
    pub fn parse(text: &str) -> Result<Self, BadAddress> {
        let text = text.trim();
        let bare = match text.get(..6) {
            Some(prefix) if prefix.eq_ignore_ascii_case("bsuid:") => text.get(6..).unwrap_or_default(),
            _ => text,
        };
        let (country, rest) = bare.split_once('.').ok_or(BadAddress::Bsuid)?;
        let tail = rest.strip_prefix("ENT.").unwrap_or(rest);
        let fits = country.len() == 2
            && country.bytes().all(|b| b.is_ascii_uppercase())
            && (1..=128).contains(&tail.len())
            && tail.bytes().all(|b| b.is_ascii_alphanumeric());
        if fits { Ok(Self(bare.into())) } else { Err(BadAddress::Bsuid) }
    }

    /// Without the prefix.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A parent id, shared by several portfolios (`CC.ENT.…`).
    #[must_use]
    pub fn is_parent(&self) -> bool {
        self.0.get(2..7) == Some(".ENT.")
    }
}

/// A Messenger page-scoped id or a Page id: decimal digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Psid(Box<str>);

impl Psid {
    /// Reads one, with or without the `messenger:` prefix.
    ///
    /// # Errors
    /// When it is not 1 to 32 digits.
    pub fn parse(text: &str) -> Result<Self, BadAddress> {
        let bare = text.trim();
        let bare = bare.strip_prefix("messenger:").unwrap_or(bare);
        let fits = (1..=32).contains(&bare.len()) && bare.bytes().all(|b| b.is_ascii_digit());
        if fits { Ok(Self(bare.into())) } else { Err(BadAddress::Psid) }
    }

    /// Without the prefix.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One way to reach or recognise a customer.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Identity {
    /// A phone number.
    Phone(Phone),
    /// A business-scoped user id, parent or plain.
    Bsuid(Bsuid),
    /// A page-scoped id.
    Psid(Psid),
}

impl Identity {
    /// The channel on which this identity lives.
    #[must_use]
    pub const fn channel(&self) -> Channel {
        match self {
            Self::Phone(_) | Self::Bsuid(_) => Channel::Whatsapp,
            Self::Psid(_) => Channel::Messenger,
        }
    }

    /// The phone number, where it is one.
    #[must_use]
    pub const fn phone(&self) -> Option<&Phone> {
        match self {
            Self::Phone(phone) => Some(phone),
            _ => None,
        }
    }

    /// What it is found by: of a number with two spellings one for both, else itself.
    #[must_use]
    pub fn key(&self) -> Self {
        match self {
            Self::Phone(phone) => Self::Phone(phone.key()),
            Self::Bsuid(_) | Self::Psid(_) => self.clone(),
        }
    }

    /// The business-scoped user id, where it is one.
    #[must_use]
    pub const fn bsuid(&self) -> Option<&Bsuid> {
        match self {
            Self::Bsuid(bsuid) => Some(bsuid),
            _ => None,
        }
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl fmt::Display for Bsuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl fmt::Display for Psid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
/// The native spelling: `+E.164`, `bsuid:CC.…`, `messenger:<psid>`. It is also what the store keeps.
impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Phone(phone) => write!(f, "{phone}"),
            Self::Bsuid(bsuid) => write!(f, "bsuid:{bsuid}"),
            Self::Psid(psid) => write!(f, "messenger:{psid}"),
        }
    }
}

impl FromStr for Phone {
    type Err = BadAddress;
    fn from_str(text: &str) -> Result<Self, BadAddress> {
        Self::parse(text)
    }
}
impl FromStr for Bsuid {
    type Err = BadAddress;
    fn from_str(text: &str) -> Result<Self, BadAddress> {
        Self::parse(text)
    }
}
impl FromStr for Psid {
    type Err = BadAddress;
    fn from_str(text: &str) -> Result<Self, BadAddress> {
        Self::parse(text)
    }
}
impl FromStr for Identity {
    type Err = BadAddress;
    /// In the order a caller's text is tried: `bsuid:` or a bare BSUID, `messenger:`, else a phone number.
    fn from_str(text: &str) -> Result<Self, BadAddress> {
        let text = text.trim();
        if text.get(..6).is_some_and(|p| p.eq_ignore_ascii_case("bsuid:")) {
            return Bsuid::parse(text).map(Self::Bsuid);
        }
        if text.starts_with("messenger:") {
            return Psid::parse(text).map(Self::Psid);
        }
        Bsuid::parse(text).map(Self::Bsuid).or_else(|_| Phone::parse(text).map(Self::Phone))
    }
}

by_str!(Phone, Bsuid, Psid, Identity);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn decoration_is_dropped_and_the_country_required() {
        assert_eq!(Phone::parse("+1(604) 585 2331"), Phone::parse("+16045852331"));
        for bad in ["16045852331", "+0123456789", "+123456", "+1234567890123456", "", "+", "+49 1x"] {
            assert_eq!(Phone::parse(bad), Err(BadAddress::Phone), "{bad}");
        }
    }

    #[test]
    fn bsuids_are_kept_whole() {
        assert_eq!(Bsuid::parse("BSUID:DE.44aB").map(|b| b.to_string()), Ok("DE.44aB".into()));
        assert!(Bsuid::parse("US.ENT.11").is_ok_and(|b| b.is_parent()));
        for bad in ["de.44", "DE.", "DEU.44", "DE.4-4", "DE.ENT."] {
            assert!(Bsuid::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in ".{0,160}") {
            let _ = text.parse::<Identity>();
        }

        #[test]
        fn what_is_shown_reads_back(digits in "[1-9][0-9]{6,14}", tail in "[A-Za-z0-9]{1,128}", psid in "[0-9]{1,32}") {
            for text in [format!("+{digits}"), format!("bsuid:DE.{tail}"), format!("messenger:{psid}")] {
                let identity: Identity = text.parse().unwrap();
                prop_assert_eq!(identity.to_string().parse::<Identity>().unwrap(), identity);
            }
        }
    }
}
