//! An address that a business wants called, with its wishes about time and repetition, which stand in the fragment
//! (`https://shop.example/hook#rc=2&rp=5xx,ct`).

use std::time::Duration;

use url::Url;

use transom_domain::time::Span;

/// Longest address, with its fragment, in bytes.
pub const HOOK_MAX: usize = 2_000;

/// How an address is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// The address, without its fragment.
    pub url: Url,
    /// What its fragment says.
    pub wishes: Wishes,
}

/// What a fragment asks for; what it leaves out is as by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wishes {
    /// How long a connection may take to be made.
    pub connect: Duration,
    /// How long an answer may take.
    pub read: Duration,
    /// How long all tries may take together.
    pub total: Duration,
    /// Tries after the first.
    pub retries: u8,
    /// After what is tried again.
    pub on: Occasions,
    /// Whether the fragment speaks of repetition at all (`rc`, `rp`): then the owner has chosen when an event is given up.
    pub explicit: bool,
}

/// After what a call is repeated at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Occasions {
    /// An answer with 4xx.
    pub client: bool,
    /// An answer with 5xx.
    pub server: bool,
    /// No connection.
    pub connect: bool,
    /// No answer in time.
    pub read: bool,
}

/// What became of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// An answer, with its HTTP status.
    Answered(u16),
    /// No connection.
    NoConnection,
    /// A connection, and no answer in time or none at all.
    NoAnswer,
}

impl Default for Wishes {
    fn default() -> Self {
        Self {
            connect: Duration::from_millis(5_000),
            read: Duration::from_millis(15_000),
            total: Duration::from_millis(15_000),
            retries: 1,
            on: Occasions { client: false, server: false, connect: true, read: false },
            explicit: false,
        }
    }
}

impl Occasions {
    /// Whether a call that came to this is repeated.
    #[must_use]
    pub const fn include(self, outcome: Outcome) -> bool {
        match outcome {
            Outcome::Answered(400..=499) => self.client,
            Outcome::Answered(500..=599) => self.server,
            Outcome::Answered(_) => false,
            Outcome::NoConnection => self.connect,
            Outcome::NoAnswer => self.read,
        }
    }
}

/// What is wrong with an address; a sentence for its owner.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadHook(pub String);

impl Hook {
    /// Reads an address. Whether it may be called is asked elsewhere, at every call.
    ///
    /// # Errors
    /// When it is no address with `http` or `https`, or its fragment asks for something out of range.
    pub fn parse(text: &str) -> Result<Self, BadHook> {
        let text = text.trim();
        if text.len() > HOOK_MAX {
            return Err(BadHook(format!("the address is longer than {HOOK_MAX} bytes")));
        }
        let mut url = Url::parse(text).map_err(|why| BadHook(format!("it is no address: {why}")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(BadHook(format!("an address begins with https, not with {}", url.scheme())));
        }
        let wishes = url.fragment().map_or(Ok(Wishes::default()), Wishes::parse)?;
        url.set_fragment(None);
        Ok(Self { url, wishes })
    }

    /// Scheme, host and port: what fails and works together.
    #[must_use]
    pub fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }
}

impl Wishes {
    /// Reads a fragment. Keys that say where a call leaves from (`e`, `sni`), or that nobody knows, say nothing here.
    ///
    /// # Errors
    /// When a value is out of range, naming key and range.
    fn parse(fragment: &str) -> Result<Self, BadHook> {
        let mut wishes = Self::default();
        for pair in fragment.split('&') {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            match key {
                "ct" => wishes.connect = millis(key, value, 10_000)?,
                "rt" => wishes.read = millis(key, value, 15_000)?,
                "tt" => wishes.total = millis(key, value, 15_000)?,
                "rc" => (wishes.retries, wishes.explicit) = (number(key, value, 0, 5)?, true),
                "rp" => (wishes.on, wishes.explicit) = (occasions(value)?, true),
                _ => {}
            }
        }
        Ok(wishes)
    }

    /// How long one call may take when `spent` is gone of the whole; none when nothing is left.
    #[must_use]
    pub fn left(&self, spent: Duration) -> Option<Duration> {
        let left = self.total.checked_sub(spent).filter(|left| !left.is_zero())?;
        Some(left.min(self.connect + self.read))
    }

    /// The longest that all tries together hold somebody up.
    #[must_use]
    pub fn longest(&self) -> Span {
        Span::millis(i64::try_from(self.total.as_millis()).unwrap_or(i64::MAX))
    }
}

fn number<N: TryFrom<u32>>(key: &str, value: &str, least: u32, most: u32) -> Result<N, BadHook> {
    let number = value.parse().ok().filter(|n| (least..=most).contains(n)).and_then(|n| N::try_from(n).ok());
    number.ok_or_else(|| BadHook(format!("{key} in the fragment is a number from {least} to {most}")))
}

fn millis(key: &str, value: &str, most: u32) -> Result<Duration, BadHook> {
    number(key, value, 100, most).map(|millis: u32| Duration::from_millis(millis.into()))
}

fn occasions(value: &str) -> Result<Occasions, BadHook> {
    let mut on = Occasions { client: false, server: false, connect: false, read: false };
    // Fragments are written by hand: both forms of the comma are in use.
    let list = value.replace("%2C", ",").replace("%2c", ",");
    for word in list.split(',') {
        match word {
            "4xx" => on.client = true,
            "5xx" => on.server = true,
            "ct" => on.connect = true,
            "rt" => on.read = true,
            "all" => on = Occasions { client: true, server: true, connect: true, read: true },
            _ => return Err(BadHook("rp in the fragment lists 4xx, 5xx, ct, rt, or says all".to_owned())),
        }
    }
    Ok(on)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wishes(text: &str) -> Wishes {
        Hook::parse(text).unwrap().wishes
    }

    #[test]
    fn without_a_fragment_a_call_is_repeated_once_and_only_without_connection() {
        let hook = Hook::parse(" https://Shop.example:443/hook?a=%2f ").unwrap();
        assert_eq!((hook.url.as_str(), hook.wishes), ("https://shop.example/hook?a=%2f", Wishes::default()));
        assert_eq!(hook.origin(), "https://shop.example");
        let on = hook.wishes.on;
        assert!(on.include(Outcome::NoConnection));
        assert!(![Outcome::Answered(404), Outcome::Answered(500), Outcome::NoAnswer].into_iter().any(|o| on.include(o)));
    }

    #[test]
    fn a_fragment_says_how_often_how_long_and_after_what() {
        let asked = wishes("https://shop.example/hook#ct=100&rt=2000&tt=15000&rc=5&rp=5xx%2Cct&e=dublin&sni=y&new=1");
        assert_eq!(asked.connect, Duration::from_millis(100));
        assert_eq!(
            (asked.read, asked.total, asked.retries, asked.explicit),
            (Duration::from_secs(2), Duration::from_secs(15), 5, true)
        );
        assert!(asked.on.include(Outcome::Answered(503)) && asked.on.include(Outcome::NoConnection));
        assert!(!asked.on.include(Outcome::Answered(404)) && !asked.on.include(Outcome::NoAnswer));
        let all = wishes("https://shop.example/hook#rp=all").on;
        assert!(
            [Outcome::Answered(400), Outcome::Answered(599), Outcome::NoConnection, Outcome::NoAnswer]
                .iter()
                .all(|o| all.include(*o))
        );
        assert!(!all.include(Outcome::Answered(302)), "a redirect is an answer");
        assert!(!wishes("https://shop.example/hook#section").explicit, "a fragment of another kind says nothing");
    }

    #[test]
    fn what_is_out_of_range_is_named() {
        for (fragment, key) in
            [("rc=6", "rc"), ("rc=-1", "rc"), ("ct=99", "ct"), ("rt=15001", "rt"), ("tt=", "tt"), ("rp=3xx", "rp")]
        {
            let why = Hook::parse(&format!("https://shop.example/#{fragment}")).unwrap_err();
            assert!(why.0.starts_with(key), "{why}");
        }
        for text in [
            "",
            "shop.example/hook",
            "ftp://shop.example/",
            "mailto:a@b.example",
            &format!("https://a.example/{}", "x".repeat(HOOK_MAX)),
        ] {
            assert!(Hook::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn no_call_takes_longer_than_what_is_left() {
        let asked = wishes("https://shop.example/#ct=1000&rt=1000&tt=3000");
        assert_eq!(asked.left(Duration::ZERO), Some(Duration::from_secs(2)));
        assert_eq!(asked.left(Duration::from_millis(2_500)), Some(Duration::from_millis(500)));
        assert_eq!(asked.left(Duration::from_secs(3)), None);
    }

    proptest! {
        #[test]
        fn no_address_makes_the_reader_panic(text in "(https?://[a-z.]{0,9})?.{0,60}") {
            if let Ok(hook) = Hook::parse(&text) {
                prop_assert_eq!(hook.url.fragment(), None);
                prop_assert!(hook.wishes.retries <= 5 && hook.wishes.total <= Duration::from_secs(15));
            }
        }
    }
}
