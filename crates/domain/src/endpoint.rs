//! Webhook endpoints: what they are told, in which order, and what their answers say about their health.

use serde::{Deserialize, Serialize};

use crate::failure::Curve;
use crate::time::{Span, Timestamp};

/// Most deliveries under way at once to one endpoint.
pub const CONCURRENCY_MAX: u8 = 32;
/// Deliveries under way at once, unless the endpoint says otherwise.
pub const CONCURRENCY_DEFAULT: u8 = 8;
/// The longest that an endpoint may take to answer, in seconds.
pub const TIMEOUT_MAX: u8 = 30;
/// So many failures in a row let the breaker open.
const TRIP: u32 = 5;
/// So many failures in a row, or [`FAILING_FOR`], and the business is told.
const FAILING_AFTER: u32 = 10;
/// An endpoint that took nothing for so long fails, however few were the tries.
const FAILING_FOR: Span = Span::hours(1);
/// A business is told of one failing endpoint once within this time: one that flaps makes no storm of events.
const TOLD_EVERY: Span = Span::hours(1);
/// The bounds of what is honoured of `Retry-After`.
const WAIT_MIN: Span = Span::secs(1);
/// See [`WAIT_MIN`].
const WAIT_MAX: Span = Span::hours(24);

/// In what form an endpoint is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Payload {
    /// Each event, as the stream has it.
    #[default]
    Event,
    /// Each webhook of Meta's, byte for byte, signed anew.
    Raw,
}

impl Payload {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Event, Self::Raw];

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Raw => "raw",
        }
    }
}

/// In which order an endpoint is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Each event as soon as it can be: one that fails holds back nothing, and those after it overtake it.
    #[default]
    None,
    /// Those of a conversation one after the other: one that fails holds back all that come after it in the same conversation,
    /// until it is taken or given up. Other conversations go on.
    Conversation,
}

impl Order {
    /// Both.
    pub const ALL: [Self; 2] = [Self::None, Self::Conversation];

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Conversation => "conversation",
        }
    }
}

/// Health of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Health {
    /// Why it is switched off: by hand, by its own 410, or because it failed for long.
    #[serde(default)]
    pub disabled: Option<String>,
    /// Failures in a row.
    #[serde(default)]
    pub failures: u32,
    /// When the first of them was.
    #[serde(default)]
    pub failing_since: Option<Timestamp>,
    /// The last failure, in words.
    #[serde(default)]
    pub last_error: Option<String>,
    /// When that was.
    #[serde(default)]
    pub last_failure: Option<Timestamp>,
    /// The last success.
    #[serde(default)]
    pub last_success: Option<Timestamp>,
    /// Its business was told that it fails, and not yet that it works again.
    #[serde(default)]
    pub told: bool,
    /// When it was told so last.
    #[serde(default)]
    pub told_at: Option<Timestamp>,
    /// How often somebody's hand switched it: what was asked before the last of them says nothing of it any more.
    #[serde(default)]
    pub switches: u32,
}

/// What of an endpoint's health its business is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// It fails.
    Failing,
    /// It works again.
    Recovered,
    /// It was switched off, and nobody's hand did it.
    Disabled,
}

impl Health {
    /// It took a delivery.
    pub fn succeeded(&mut self, now: Timestamp) {
        self.failures = 0;
        self.failing_since = None;
        self.last_success = Some(now);
        self.told = false;
    }

    /// It did not. One that has taken nothing for `disable_after` is switched off.
    pub fn failed(&mut self, why: String, now: Timestamp, disable_after: Span) {
        let since = *self.failing_since.get_or_insert(now);
        self.failures = self.failures.saturating_add(1);
        self.last_error = Some(why);
        self.last_failure = Some(now);
        let fails = self.failures >= FAILING_AFTER || now >= since.plus(FAILING_FOR);
        let silent = self.told_at.is_none_or(|at| now >= at.plus(TOLD_EVERY));
        if fails && silent && !self.told {
            self.told = true;
            self.told_at = Some(now);
        }
        if now >= since.plus(disable_after) && self.disabled.is_none() {
            self.disabled = Some(format!("it took nothing for {}", in_words(disable_after)));
        }
    }

    /// It said that it is gone for good.
    pub fn gone(&mut self, why: String, now: Timestamp) {
        self.failures = self.failures.saturating_add(1);
        self.failing_since.get_or_insert(now);
        self.last_failure = Some(now);
        self.last_error = Some(why.clone());
        self.disabled = Some(why);
    }

    /// What is to be told, now that it was `before`.
    #[must_use]
    pub fn news(&self, before: &Self) -> Option<News> {
        match () {
            () if self.disabled.is_some() && before.disabled.is_none() => Some(News::Disabled),
            () if self.told && !before.told => Some(News::Failing),
            () if !self.told && before.told => Some(News::Recovered),
            () => None,
        }
    }

    /// As it is after somebody's hand: off for this reason, or on and with a clean slate.
    #[must_use]
    pub fn switched(&self, off: Option<String>) -> Self {
        let switches = self.switches.wrapping_add(1);
        match off {
            Some(why) => Self { disabled: Some(why), switches, ..self.clone() },
            None => Self { last_success: self.last_success, told_at: self.told_at, switches, ..Self::default() },
        }
    }
}

fn in_words(span: Span) -> String {
    let hours = span.as_millis() / Span::hours(1).as_millis();
    match (hours / 24, hours % 24) {
        (0, hours) => format!("{hours} hours"),
        (days, 0) => format!("{days} days"),
        (days, hours) => format!("{days} days and {hours} hours"),
    }
}

/// Keeps calls away from an endpoint that does not answer, so that it is neither worn out nor waited for. What is to be told stays
/// where it is meanwhile: behind the cursor, which costs no memory and no row.
///
/// After five failures in a row it opens for a second, then twice as long each time up to a minute; in between one single
/// delivery finds out whether the endpoint is back. Its times are the machine's pace: a turn of the clock only ends a pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Breaker {
    opened: u32,
    until: Timestamp,
}

/// How many deliveries may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowed {
    /// As many as the endpoint takes at once.
    All,
    /// One, to find out.
    One,
    /// None before this moment.
    NoneUntil(Timestamp),
}

impl Default for Breaker {
    fn default() -> Self {
        Self { opened: 0, until: Timestamp::EPOCH }
    }
}

impl Breaker {
    /// What it lets go now.
    #[must_use]
    pub fn allows(&self, health: &Health, now: Timestamp) -> Allowed {
        match health.failures {
            _ if now < self.until => Allowed::NoneUntil(self.until),
            failures if failures >= TRIP => Allowed::One,
            _ => Allowed::All,
        }
    }

    /// The endpoint took a delivery.
    pub fn succeeded(&mut self) {
        self.opened = 0;
    }

    /// It did not, and `health` knows. Those that were under way together count once.
    pub fn failed(&mut self, health: &Health, now: Timestamp, chance: u64) {
        if health.failures >= TRIP && now >= self.until {
            self.opened = self.opened.saturating_add(1);
            let pause = Curve::BREAKER.wait(self.opened, chance).unwrap_or(Curve::BREAKER.longest);
            self.until = now.plus(pause);
        }
    }

    /// It took a delivery that went in spite of the pause: the pause is over.
    pub fn end(&mut self) {
        *self = Self::default();
    }

    /// It asked not to be called for so long.
    pub fn asked(&mut self, wait: Span, now: Timestamp) {
        self.until = self.until.max(now.plus(wait));
    }
}

/// What is honoured of a `Retry-After`: between a second and a day.
#[must_use]
pub fn honoured(wait: Span) -> Span {
    wait.clamp(WAIT_MIN, WAIT_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LONG: Span = Span::days(5);

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(1_000_000 + secs)
    }

    fn failed(times: i64) -> Health {
        let mut health = Health::default();
        (0..times).for_each(|n| health.failed("HTTP 500".into(), at(n), LONG));
        health
    }

    #[test]
    fn ten_failures_are_told_once_and_taken_back_once() {
        let (nine, ten, eleven) = (failed(9), failed(10), failed(11));
        assert_eq!((nine.news(&failed(8)), ten.news(&nine), eleven.news(&ten)), (None, Some(News::Failing), None));
        let mut well = eleven.clone();
        well.succeeded(at(20));
        assert_eq!(well.news(&eleven), Some(News::Recovered));
        let mut still = well.clone();
        still.succeeded(at(21));
        assert_eq!(still.news(&well), None);
    }

    #[test]
    fn one_failure_that_lasts_for_an_hour_is_told_too() {
        let mut health = failed(1);
        let before = health.clone();
        health.failed("timed out".into(), at(3_600), LONG);
        assert_eq!(health.news(&before), Some(News::Failing));
    }

    #[test]
    fn one_that_flaps_makes_no_storm() {
        let mut health = Health::default();
        let mut told = 0;
        for second in 0..7_200 {
            let before = health.clone();
            if second % 11 == 10 {
                health.succeeded(at(second));
            } else {
                health.failed("HTTP 500".into(), at(second), LONG);
            }
            told += i32::from(health.news(&before).is_some());
        }
        assert_eq!(told, 4, "failing and recovered, once in each of two hours");
    }

    #[test]
    fn long_failure_and_410_switch_off() {
        let mut health = failed(1);
        health.failed("HTTP 500".into(), at(5 * 86_400 - 1), LONG);
        assert_eq!(health.disabled, None);
        let before = health.clone();
        health.failed("HTTP 500".into(), at(5 * 86_400), LONG);
        assert_eq!(health.disabled.as_deref(), Some("it took nothing for 5 days"));
        assert_eq!(health.news(&before), Some(News::Disabled));
        let mut gone = Health::default();
        gone.gone("HTTP 410".into(), at(0));
        assert_eq!(gone.news(&Health::default()), Some(News::Disabled));
        assert_eq!(gone.switched(None), Health { switches: 1, ..Health::default() });
        // By hand: no event.
        assert_eq!(Health::default().switched(Some("off".into())).disabled.as_deref(), Some("off"));
    }

    #[test]
    fn the_breaker_opens_longer_each_time_and_lets_one_through() {
        let mut breaker = Breaker::default();
        assert_eq!(breaker.allows(&failed(4), at(0)), Allowed::All);
        breaker.failed(&failed(4), at(0), 200);
        assert_eq!(breaker.allows(&failed(4), at(0)), Allowed::All);
        breaker.failed(&failed(5), at(0), 200);
        assert_eq!(breaker.allows(&failed(5), at(0)), Allowed::NoneUntil(at(1)));
        // Those that were under way with it change nothing.
        breaker.failed(&failed(9), at(0), 200);
        assert_eq!(breaker.allows(&failed(9), at(1)), Allowed::One);
        breaker.failed(&failed(10), at(1), 200);
        assert_eq!(breaker.allows(&failed(10), at(1)), Allowed::NoneUntil(at(3)));
        breaker.succeeded();
        assert_eq!(breaker.allows(&Health::default(), at(3)), Allowed::All);
    }

    #[test]
    fn a_wish_for_quiet_is_honoured_within_bounds() {
        assert_eq!(honoured(Span::ZERO), Span::secs(1));
        assert_eq!(honoured(Span::days(9)), Span::hours(24));
        let mut breaker = Breaker::default();
        breaker.asked(honoured(Span::secs(90)), at(0));
        assert_eq!(breaker.allows(&failed(1), at(89)), Allowed::NoneUntil(at(90)));
        assert_eq!(breaker.allows(&failed(1), at(90)), Allowed::All);
        breaker.asked(honoured(Span::days(9)), at(90));
        breaker.end();
        assert_eq!(breaker.allows(&failed(1), at(91)), Allowed::All);
    }

    proptest! {
        #[test]
        fn no_pause_of_its_own_is_longer_than_a_minute_and_a_fifth(times in 1i64..200, chance: u64) {
            let (mut breaker, mut now) = (Breaker::default(), at(0));
            for n in 0..times {
                breaker.failed(&failed(20), now, chance.wrapping_add(u64::try_from(n).unwrap()));
                match breaker.allows(&failed(20), now) {
                    Allowed::NoneUntil(until) => {
                        prop_assert!(until > now && until <= now.plus(Span::secs(72)));
                        now = until;
                    }
                    other => prop_assert!(false, "{:?}", other),
                }
            }
        }
    }
}
