//! The kinds of values a key can take: each reads itself from text and can be written back.

use std::net::SocketAddr;
use std::path::PathBuf;

use transom_domain::Span;
use transom_store::PostgresAddress;

/// A kind of value.
pub trait Setting: Sized {
    /// The kind in words, as errors and the reference page name it.
    const KIND: &'static str;
    /// Whether a value may hold a secret, so that one that does not read is not repeated.
    const SECRET: bool = false;

    /// Reads the text of a file, a variable or a flag.
    ///
    /// # Errors
    /// What was expected, with an example.
    fn read(text: &str) -> Result<Self, String>;

    /// The value as it would be written; none for an optional one that is not set.
    fn shown(&self) -> Option<String>;
}

impl Setting for SocketAddr {
    const KIND: &'static str = "address and port";

    fn read(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| "an IP address and a port, such as \"0.0.0.0:8080\"".to_owned())
    }

    fn shown(&self) -> Option<String> {
        Some(self.to_string())
    }
}

impl Setting for PathBuf {
    const KIND: &'static str = "path";

    fn read(text: &str) -> Result<Self, String> {
        if text.is_empty() { Err("a path, such as \"/var/lib/transom\"".to_owned()) } else { Ok(Self::from(text)) }
    }

    fn shown(&self) -> Option<String> {
        Some(self.display().to_string())
    }
}

impl Setting for String {
    const KIND: &'static str = "text";

    fn read(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() { Err("a text that is not empty".to_owned()) } else { Ok(text.to_owned()) }
    }

    fn shown(&self) -> Option<String> {
        Some(self.clone())
    }
}

impl Setting for bool {
    const KIND: &'static str = "true or false";

    fn read(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| "true or false".to_owned())
    }

    fn shown(&self) -> Option<String> {
        Some(self.to_string())
    }
}

macro_rules! numbers {
    ($($type:ty),+) => {$(
        impl Setting for $type {
            const KIND: &'static str = "number";

            fn read(text: &str) -> Result<Self, String> {
                text.replace('_', "").parse().map_err(|_| format!("a whole number from 0 to {}", Self::MAX))
            }

            fn shown(&self) -> Option<String> {
                Some(self.to_string())
            }
        }
    )+};
}
numbers!(u32, u64, usize);

impl<T: Setting> Setting for Option<T> {
    const KIND: &'static str = T::KIND;
    const SECRET: bool = T::SECRET;

    fn read(text: &str) -> Result<Self, String> {
        T::read(text).map(Some)
    }

    fn shown(&self) -> Option<String> {
        self.as_ref().and_then(T::shown)
    }
}

/// The units of a duration, longest first, in milliseconds.
const UNITS: [(&str, i64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// The longest duration that can be configured: ten years.
const LONGEST: i64 = 3_653 * 86_400_000;

impl Setting for Span {
    const KIND: &'static str = "duration";

    fn read(text: &str) -> Result<Self, String> {
        let expected = || "a duration such as \"500ms\", \"30s\", \"10m\", \"1h30m\" or \"3d\"".to_owned();
        let mut rest = text.trim();
        if rest.is_empty() {
            return Err(expected());
        }
        let mut total: i64 = 0;
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (number, after) = rest.split_at(digits);
            let letters = after.bytes().take_while(u8::is_ascii_alphabetic).count();
            let (unit, after) = after.split_at(letters);
            let number: i64 = number.parse().map_err(|_| expected())?;
            let (_, size) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(expected)?;
            total = number.checked_mul(*size).and_then(|part| total.checked_add(part)).ok_or_else(expected)?;
            rest = after.trim_start();
        }
        if total > LONGEST { Err("a duration of at most ten years".to_owned()) } else { Ok(Self::millis(total)) }
    }

    fn shown(&self) -> Option<String> {
        let mut left = self.as_millis().max(0);
        if left == 0 {
            return Some("0s".to_owned());
        }
        let mut text = String::new();
        for (name, size) in UNITS {
            if left >= size {
                text.push_str(&format!("{}{name}", left / size));
                left %= size;
            }
        }
        Some(text)
    }
}

/// A number of bytes, written with a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

/// The units of a size, largest first.
const SIZES: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

impl std::fmt::Display for ByteSize {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (name, size) = SIZES.into_iter().find(|(_, size)| self.0 >= *size).unwrap_or(("B", 1));
        if self.0.is_multiple_of(size) {
            write!(f, "{}{name}", self.0 / size)
        } else {
            // One digit is enough to see how much it is.
            write!(f, "{}.{}{name}", self.0 / size, self.0 % size * 10 / size)
        }
    }
}

impl Setting for ByteSize {
    const KIND: &'static str = "size";

    fn read(text: &str) -> Result<Self, String> {
        let expected = || "a size such as \"512KiB\", \"64MiB\" or \"2GiB\"".to_owned();
        let text = text.trim();
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let (_, size) = SIZES.into_iter().find(|(name, _)| *name == unit.trim()).ok_or_else(expected)?;
        let number: u64 = number.parse().map_err(|_| expected())?;
        number.checked_mul(size).map(Self).ok_or_else(expected)
    }

    fn shown(&self) -> Option<String> {
        let (name, size) =
            SIZES.into_iter().find(|(_, size)| self.0 >= *size && self.0.is_multiple_of(*size)).unwrap_or(("B", 1));
        Some(format!("{}{name}", self.0 / size))
    }
}

/// The base of addresses: `http(s)://host[:port][/path]`, without a slash at its end, user, query or fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(String);

impl BaseUrl {
    /// A base that is written in the source.
    #[must_use]
    pub(super) fn known(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The text, without a slash at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Setting for BaseUrl {
    const KIND: &'static str = "http(s) address";

    fn read(text: &str) -> Result<Self, String> {
        let expected = || "an address such as \"https://gateway.example.com\", without query or fragment".to_owned();
        let url = url::Url::parse(text.trim()).map_err(|_| expected())?;
        let fits = matches!(url.scheme(), "http" | "https")
            && url.host_str().is_some_and(|host| !host.is_empty())
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        if fits { Ok(Self(url.as_str().trim_end_matches('/').to_owned())) } else { Err(expected()) }
    }

    fn shown(&self) -> Option<String> {
        Some(self.0.clone())
    }
}

impl Setting for PostgresAddress {
    const KIND: &'static str = "PostgreSQL address";
    const SECRET: bool = true;

    fn read(text: &str) -> Result<Self, String> {
        Self::read(text)
    }

    /// Without its password.
    fn shown(&self) -> Option<String> {
        Some(self.to_string())
    }
}

/// A version of the Graph API, such as `v25.0`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphVersion(String);

/// The versions that Meta serves (Graph API changelog, November 2026).
const VERSIONS: [&str; 6] = ["v21.0", "v22.0", "v23.0", "v24.0", "v25.0", "v26.0"];

impl Default for GraphVersion {
    fn default() -> Self {
        Self("v25.0".to_owned())
    }
}

impl GraphVersion {
    /// With the `v`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Setting for GraphVersion {
    const KIND: &'static str = "version";

    fn read(text: &str) -> Result<Self, String> {
        match VERSIONS.iter().find(|v| **v == text.trim()) {
            Some(version) => Ok(Self((*version).to_owned())),
            None => Err(format!("one of {}", VERSIONS.join(", "))),
        }
    }

    fn shown(&self) -> Option<String> {
        Some(self.0.clone())
    }
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

impl Setting for LogFormat {
    const KIND: &'static str = "text or json";

    fn read(text: &str) -> Result<Self, String> {
        match text.trim() {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("\"text\" or \"json\"".to_owned()),
        }
    }

    fn shown(&self) -> Option<String> {
        Some(match self {
            Self::Text => "text".to_owned(),
            Self::Json => "json".to_owned(),
        })
    }
}
