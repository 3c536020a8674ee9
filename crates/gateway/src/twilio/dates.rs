//! Moments as this dialect writes and reads them. The SDKs' parsers know no fractions of a second.

use transom_domain::time::{Span, Timestamp};

/// A moment as the Messages API writes it: `Thu, 24 Aug 2023 05:01:45 +0000`.
pub(crate) fn rfc2822(at: Timestamp) -> String {
    moment(at).strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

/// A moment as the Content and Messaging APIs write it: `2023-08-24T05:01:45Z`.
pub(crate) fn iso(at: Timestamp) -> String {
    moment(at).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn moment(at: Timestamp) -> jiff::Timestamp {
    // Moments beyond the year 9999 stand for "never"; they are shown as the last one there is.
    jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or(jiff::Timestamp::MAX)
}

/// Reads `2026-01-02T03:04:05Z`, with any offset and fraction.
pub(crate) fn read(text: &str) -> Option<Timestamp> {
    text.trim().parse::<jiff::Timestamp>().ok().map(|at| Timestamp::from_millis(at.as_millisecond()))
}

/// A stretch of time that a filter names: from its first moment to the first one after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stretch {
    /// First moment.
    pub(crate) from: Timestamp,
    /// First moment after it.
    pub(crate) until: Timestamp,
}

/// Reads what a filter by date names: a day of UTC (`2026-01-02`), or a second (`2026-01-02T03:04:05Z`).
pub(crate) fn stretch(text: &str) -> Option<Stretch> {
    let text = text.trim();
    if let Ok(day) = text.parse::<jiff::civil::Date>().and_then(|day| day.to_zoned(jiff::tz::TimeZone::UTC))
        && text.len() == "2026-01-02".len()
    {
        let from = Timestamp::from_millis(day.timestamp().as_millisecond());
        return Some(Stretch { from, until: from.plus(Span::days(1)) });
    }
    let at = read(text)?;
    let from = Timestamp::from_secs(at.as_secs());
    Some(Stretch { from, until: from.plus(Span::secs(1)) })
}

impl Stretch {
    /// What a filter for one moment means: where it names a midnight the whole day, since that is how the SDKs write a day.
    pub(crate) fn whole_day(self) -> Self {
        let midnight = self.from.as_millis().rem_euclid(Span::days(1).as_millis()) == 0;
        if midnight { Self { until: self.from.plus(Span::days(1)), ..self } } else { self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn moments_have_no_fractions() {
        let at = Timestamp::from_millis(1_692_853_305_987);
        assert_eq!(rfc2822(at), "Thu, 24 Aug 2023 05:01:45 +0000");
        assert_eq!(iso(at), "2023-08-24T05:01:45Z");
        assert_eq!(iso(Timestamp::FAR), "9999-12-30T22:00:00Z");
    }

    #[test]
    fn filters_name_days_and_seconds() {
        let day = stretch("2023-08-24").unwrap();
        assert_eq!((iso(day.from), iso(day.until)), ("2023-08-24T00:00:00Z".into(), "2023-08-25T00:00:00Z".into()));
        let second = stretch("2023-08-24T07:01:45.5+02:00").unwrap();
        assert_eq!((iso(second.from), iso(second.until)), ("2023-08-24T05:01:45Z".into(), "2023-08-24T05:01:46Z".into()));
        let of_an_sdk = stretch("2023-08-24T00:00:00Z").unwrap();
        assert_eq!((of_an_sdk.whole_day(), second.whole_day()), (day, second));
        for nonsense in ["", "2023", "2023-13-01", "yesterday", "2023-08-24 and so on"] {
            assert_eq!(stretch(nonsense), None, "{nonsense}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,40}", millis: i64) {
            let _ = (stretch(&text), read(&text));
            let _ = (rfc2822(Timestamp::from_millis(millis)), iso(Timestamp::from_millis(millis)));
        }
    }
}
