//! Meta's error codes: whose each one is to mend, when to try again, what to tell a caller, what to tell a person.
//!
//! Meta says to decide on the code and its details, not on titles, sub-codes or HTTP statuses (support/error-codes). Its
//! pages on Messenger say the opposite, so that the sub-codes named there have rows of their own.

mod table;

use transom_domain::error_code::ErrorCode;
use transom_domain::failure::{Class, Curve, Scope, UpstreamError};

pub use table::{CODES, FAMILIES, SUBCODES};

/// One code of Meta's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetaCode {
    /// The number on the wire.
    pub code: i64,
    /// The HTTP status it came with on Meta's page of December 2025. Indicative: later editions of the page dropped it.
    pub http: u16,
    /// Meta's short title; in our own words where none was published.
    pub title: &'static str,
    /// Whose it is to mend.
    pub class: Class,
    /// When to try again. For [`Class::Operator`], which fails nothing, when to look whether it has been mended; for
    /// [`Class::Template`] whether waiting can help at all.
    pub retry: Curve,
    /// What a caller is told.
    pub native: ErrorCode,
    /// What a person should do about it.
    pub remedy: &'static str,
}

/// Codes of one purpose that need no row each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Family {
    /// The last code of the range; the first is the row's own.
    pub last: i64,
    /// What holds for all of them.
    pub row: MetaCode,
}

/// The quota of an account counts by the hour and frees up bit by bit: soon again at first, for more than two hours in all.
const ACCOUNT: Curve = Curve { tries: 22, ..Curve::FAULT };

/// What an error means for the message that met it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Classified {
    /// Whose it is to mend.
    pub class: Class,
    /// When to try again; see [`MetaCode::retry`].
    pub curve: Curve,
    /// What a caller is told.
    pub native: ErrorCode,
    /// What a person should do about it.
    pub remedy: &'static str,
    /// Meta's code, where there was one.
    pub code: Option<i64>,
}

/// What is said of a code nobody has written down yet.
const UNKNOWN: MetaCode = MetaCode {
    code: -1,
    http: 400,
    title: "Unknown code",
    class: Class::Caller,
    retry: Curve::NEVER,
    native: ErrorCode::UpstreamError,
    remedy: "Look the code up in Meta's error reference; Meta's own details say more.",
};

/// The row of a code: its own, its family's, or the one for unknown codes (whose `code` is -1).
#[must_use]
pub fn lookup(code: i64) -> &'static MetaCode {
    known(code).unwrap_or(&UNKNOWN)
}

/// What an answer or a `failed` status means.
///
/// `http_status` is that of the answer; for an error out of a webhook give 200. Without an error (or with a code that is in no
/// table) the HTTP status decides.
#[must_use]
pub fn classify(http_status: u16, error: Option<&UpstreamError>) -> Classified {
    match error {
        Some(error) => {
            let told = match (error.code, error.subcode) {
                // The node in the path does not exist, or the token may not see it: the number or its token is wrong, not the
                // message.
                (100, Some(33)) => told(33),
                (code, Some(subcode)) => of_subcode(code, subcode).or_else(|| known(code)).map(of_row),
                (code, None) => known(code).map(of_row),
            };
            Classified { code: Some(error.code), ..told.unwrap_or_else(|| by_status(http_status, true)) }
        }
        None => by_status(http_status, false),
    }
}

/// On Messenger the sub-code says more than the code (messenger-platform/error-codes); its sub-codes are numbers of its own.
fn of_subcode(code: i64, subcode: i64) -> Option<&'static MetaCode> {
    SUBCODES.iter().find(|(of, row)| *of == subcode && row.code == code).map(|(_, row)| row)
}

fn told(code: i64) -> Option<Classified> {
    known(code).map(of_row)
}

fn known(code: i64) -> Option<&'static MetaCode> {
    let own = CODES.binary_search_by_key(&code, |row| row.code).ok().and_then(|at| CODES.get(at));
    own.or_else(|| FAMILIES.iter().find(|family| (family.row.code..=family.last).contains(&code)).map(|family| &family.row))
}

fn of_row(row: &MetaCode) -> Classified {
    Classified { class: row.class, curve: row.retry, native: row.native, remedy: row.remedy, code: Some(row.code) }
}

/// What is left to go by when no code of the table is there. `from_graph`: the body was one of Graph's, so the path is right.
fn by_status(http_status: u16, from_graph: bool) -> Classified {
    let (class, curve, native, remedy) = match http_status {
        429 => (
            Class::Throttle(Scope::Sender),
            Curve::SENDER,
            ErrorCode::BusinessReachedLimits,
            "Nothing: sending slows down by itself and goes on.",
        ),
        408 | 425 | 500.. => {
            (Class::Upstream, Curve::FAULT, ErrorCode::UpstreamError, "Nothing: it is tried again, with growing gaps.")
        }
        401 => (
            Class::Operator,
            Curve::HOURS,
            ErrorCode::UpstreamCredentials,
            "Renew the access token of the sender; `transom doctor` checks it.",
        ),
        // An answer that is not Graph's: a wrong address, or a proxy in between. No message is to blame for that.
        300..=399 | 403 | 404 | 405 | 407 if !from_graph => (
            Class::Operator,
            Curve::HOURS,
            ErrorCode::UpstreamCredentials,
            "Check the Graph address and any proxy in between: the answer did not come from Meta's API.",
        ),
        _ => (UNKNOWN.class, UNKNOWN.retry, UNKNOWN.native, UNKNOWN.remedy),
    };
    Classified { class, curve, native, remedy, code: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use transom_domain::time::Span;

    fn error(code: i64, subcode: Option<i64>) -> UpstreamError {
        UpstreamError { code, title: String::new(), details: None, subcode }
    }

    fn class(code: i64) -> Class {
        classify(400, Some(&error(code, None))).class
    }

    #[test]
    fn rows_are_sorted_once_each_and_say_what_to_do() {
        for pair in CODES.windows(2) {
            assert!(pair[0].code < pair[1].code, "{} before {}", pair[0].code, pair[1].code);
        }
        for row in CODES.iter().chain(FAMILIES.iter().map(|f| &f.row)) {
            assert!(!row.title.is_empty() && row.remedy.ends_with('.'), "{}", row.code);
            assert!((400..600).contains(&row.http), "{}", row.code);
            assert_eq!(lookup(row.code), row);
        }
        for family in FAMILIES {
            assert!(family.row.code <= family.last);
            assert_eq!(lookup(family.last).class, family.row.class, "{}", family.last);
        }
    }

    #[test]
    fn every_code_of_the_reference_has_a_row() {
        let all = [
            0, 1, 2, 3, 4, 10, 33, 100, 190, 200, 368, 613, 80_007, 130_403, 130_429, 130_472, 130_497, 131_000, 131_005,
            131_008, 131_009, 131_014, 131_016, 131_021, 131_026, 131_030, 131_031, 131_037, 131_042, 131_044, 131_045, 131_047,
            131_048, 131_049, 131_050, 131_051, 131_052, 131_053, 131_055, 131_056, 131_057, 131_062, 131_063, 131_064, 132_000,
            132_001, 132_005, 132_007, 132_008, 132_012, 132_015, 132_016, 132_018, 132_068, 132_069, 133_000, 133_004, 133_005,
            133_006, 133_008, 133_009, 133_010, 133_015, 133_016, 134_011, 134_100, 134_101, 134_102, 135_000, 137_000, 139_200,
        ];
        for code in all {
            assert!(CODES.iter().any(|row| row.code == code), "{code}");
        }
        for code in [299, 131_020, 131_041, 131_059, 131_215, 138_018, 139_004, 139_103, 147_005] {
            assert_ne!(lookup(code).code, -1, "{code}");
        }
    }

    #[test]
    fn classes_are_as_the_dispatcher_needs_them() {
        for code in [0, 3, 10, 33, 190, 200, 250, 299, 368, 131_005, 131_031, 131_037, 131_042, 131_045, 133_006, 133_010] {
            assert_eq!(class(code), Class::Operator, "{code}");
        }
        for code in [131_026, 131_049, 131_050, 130_472] {
            assert_eq!(class(code), Class::Customer, "{code}");
        }
        for code in [132_001, 132_015, 132_016] {
            assert_eq!(class(code), Class::Template, "{code}");
        }
        for code in [100, 131_008, 131_009, 131_021, 131_030, 131_053, 131_062, 132_000, 132_005, 132_012, 132_018] {
            assert_eq!(class(code), Class::Caller, "{code}");
        }
        for code in [1, 2, 131_000, 131_016, 133_004] {
            assert_eq!(class(code), Class::Upstream, "{code}");
        }
        assert_eq!(class(131_047), Class::NoSession);
        let throttles = [
            (130_429, Scope::Sender, Curve::SENDER),
            (131_056, Scope::Pair, Curve::PAIR),
            (4, Scope::Account, ACCOUNT),
            (80_007, Scope::Account, ACCOUNT),
            (131_048, Scope::Account, Curve::HOURS),
        ];
        for (code, scope, curve) in throttles {
            assert_eq!((class(code), lookup(code).retry), (Class::Throttle(scope), curve), "{code}");
        }
    }

    #[test]
    fn messengers_sub_codes_say_more_than_its_codes() {
        let of = |code, subcode| classify(400, Some(&error(code, Some(subcode)))).class;
        let rows = [
            (10, 2_018_278, Class::NoSession),
            (10, 2_018_065, Class::NoSession),
            (10, 2_018_108, Class::Customer),
            (10, 1_893_063, Class::Operator),
            (100, 2_018_001, Class::Customer),
            (100, 2_018_109, Class::Caller),
            (200, 1_545_041, Class::Customer),
        ];
        for (code, subcode, wanted) in rows {
            assert_eq!(of(code, subcode), wanted, "{code}/{subcode}");
        }
        // A sub-code that is none of these leaves it to the code.
        assert_eq!((of(10, 99), of(190, 463)), (Class::Operator, Class::Operator));
        let plain = [
            (551, Class::Customer),
            (1_200, Class::Upstream),
            (105, Class::Caller),
            (194, Class::Caller),
            (230, Class::Operator),
        ];
        for (code, wanted) in plain {
            assert_eq!(class(code), wanted, "{code}");
        }
    }

    #[test]
    fn callers_are_told_the_published_codes() {
        use ErrorCode as E;
        let published = [
            (131_047, E::MessageOutsideOfEligibilityWindow),
            (132_001, E::MessageTemplateNotFound),
            (132_000, E::MessageTemplateInputInvalid),
            (132_005, E::MessageTemplateInputInvalid),
            (132_007, E::MessageTemplateInputInvalid),
            (132_012, E::MessageTemplateInputInvalid),
            (132_018, E::MessageTemplateInputInvalid),
            (131_021, E::MessageSelfInvalid),
            (131_026, E::MessageUndeliverable),
            (131_049, E::MessageMarketingLimited),
            (131_050, E::MessageCustomerOptedOut),
            (131_048, E::BusinessReachedLimits),
            (131_056, E::BusinessReachedLimits),
            (130_429, E::BusinessReachedLimits),
            (80_007, E::BusinessReachedLimits),
            (131_052, E::MediaDownloadFailed),
            (131_053, E::MediaDownloadFailed),
            (131_062, E::RecipientBsuidUnsupported),
            (190, E::UpstreamCredentials),
            (131_005, E::UpstreamCredentials),
            (10, E::UpstreamCredentials),
            (200, E::UpstreamCredentials),
        ];
        for (code, native) in published {
            assert_eq!(lookup(code).native, native, "{code}");
        }
    }

    #[test]
    fn the_same_code_can_mean_two_things() {
        assert_eq!(class(100), Class::Caller);
        assert_eq!(classify(400, Some(&error(100, Some(33)))).class, Class::Operator);
        assert_eq!(classify(403, Some(&error(10, Some(2_018_278)))).class, Class::NoSession);
        assert_eq!(classify(400, Some(&error(100, Some(33)))).code, Some(100));
    }

    #[test]
    fn without_a_known_code_the_status_decides() {
        assert_eq!(classify(429, None).class, Class::Throttle(Scope::Sender));
        assert_eq!(classify(429, Some(&error(999_999, None))).class, Class::Throttle(Scope::Sender));
        assert_eq!(classify(502, None).class, Class::Upstream);
        assert_eq!(classify(500, Some(&error(999_999, None))).class, Class::Upstream);
        assert_eq!(classify(400, Some(&error(999_999, None))).class, Class::Caller);
        assert_eq!(classify(401, None).class, Class::Operator);
        assert_eq!(classify(404, None).class, Class::Operator);
        assert_eq!(classify(404, Some(&error(999_999, None))).class, Class::Caller);
        assert_eq!(classify(200, Some(&error(999_999, None))).class, Class::Caller);
    }

    #[test]
    fn an_hourly_quota_is_waited_out() {
        let waited: i64 = (1..).map_while(|n| ACCOUNT.wait(n, 200)).map(Span::as_millis).sum();
        assert!(waited > Span::hours(2).as_millis(), "{waited}");
    }

    proptest! {
        #[test]
        fn every_status_and_code_has_an_answer(status: u16, code: i64, subcode: Option<i64>) {
            let classified = classify(status, Some(&error(code, subcode)));
            prop_assert_eq!(classified.code, Some(code));
            prop_assert!(!classified.remedy.is_empty());
        }
    }
}
