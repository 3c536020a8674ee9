//! What the reviewer enforces when a template is filed, edited or deleted: every limit and every refusal, each with the page of
//! Meta's that says so. `WA` stands for `developers.facebook.com/documentation/business-messaging/whatsapp`; what follows `seen:` is not on
//! a page but in answers that clients have kept.

use serde_json::{Value, json};
use transom_domain::Span;

use crate::graph::error::GraphError;

/// Characters of a name: WA templates/overview.
pub(crate) const NAME_MAX: usize = 512;
/// Characters of a text header: WA templates/components.
pub(crate) const HEADER_MAX: usize = 60;
/// Parameters of a text header: WA templates/components.
pub(crate) const HEADER_PARAMETERS_MAX: usize = 1;
/// Characters of a footer: WA templates/components.
pub(crate) const FOOTER_MAX: usize = 60;
/// Characters of a body: WA templates/components.
pub(crate) const BODY_MAX: usize = 1_024;
/// Characters of the body of a limited-time offer: WA templates/marketing-templates/limited-time-offer-templates.
pub(crate) const OFFER_BODY_MAX: usize = 600;
/// Characters of an offer's own line: the same page.
pub(crate) const OFFER_TEXT_MAX: usize = 16;
/// Characters of the body of a card or a single-product template: WA templates/marketing-templates/media-card-carousel-templates,
/// spm-templates.
pub(crate) const CARD_BODY_MAX: usize = 160;
/// Cards of a carousel: WA templates/marketing-templates/media-card-carousel-templates.
pub(crate) const CARDS: std::ops::RangeInclusive<usize> = 2..=10;
/// Buttons of a card: the same page.
pub(crate) const CARD_BUTTONS: std::ops::RangeInclusive<usize> = 1..=2;
/// Buttons of a template: WA templates/components.
pub(crate) const BUTTONS_MAX: usize = 10;
/// Buttons of type URL: WA templates/components.
pub(crate) const URL_BUTTONS_MAX: usize = 2;
/// Characters on a button: WA templates/components.
pub(crate) const BUTTON_TEXT_MAX: usize = 25;
/// Characters on a voice-call button: WA calling/call-button-messages-deep-links.
pub(crate) const CALL_TEXT_MAX: usize = 20;
/// Minutes for which a voice-call button works: the same page.
pub(crate) const CALL_MINUTES: std::ops::RangeInclusive<i64> = 1..=43_200;
/// Characters of a button's address: WA templates/components.
pub(crate) const URL_MAX: usize = 2_000;
/// Characters of a button's phone number: WA templates/components.
pub(crate) const PHONE_MAX: usize = 20;
/// Characters of a coupon code: WA templates/marketing-templates/coupon-templates.
pub(crate) const CODE_MAX: usize = 20;
/// Characters of a coupon code in a limited-time offer: WA templates/marketing-templates/limited-time-offer-templates.
pub(crate) const OFFER_CODE_MAX: usize = 15;
/// Minutes after which a one-time code can expire: WA templates/authentication-templates.
pub(crate) const CODE_MINUTES: std::ops::RangeInclusive<i64> = 1..=90;
/// Characters of the hash that an app is signed with: WA templates/authentication-templates/autofill-button-authentication-templates.
pub(crate) const HASH_LENGTH: usize = 11;
/// Words that a text needs besides its parameters: so many for each, and one more. Meta names the error and no figure; Twilio:
/// using-variables-with-content-api has this one.
pub(crate) const WORDS_PER_PARAMETER: usize = 2;
/// Apps that a one-tap or zero-tap button knows: WA templates/authentication-templates.
pub(crate) const APPS: std::ops::RangeInclusive<usize> = 1..=5;
/// Templates of an account whose portfolio is verified: WA templates/overview.
pub(crate) const TEMPLATES_VERIFIED: usize = 6_000;
/// Templates of an account whose portfolio is not: WA templates/overview.
pub(crate) const TEMPLATES_UNVERIFIED: usize = 250;
/// In which creations are counted: WA templates/overview.
pub(crate) const CREATIONS_WITHIN: Span = Span::hours(1);
/// How long the name of a deleted template stays taken, if it was ever approved: WA templates/template-management.
pub(crate) const NAME_TAKEN: Span = Span::days(30);
/// How long what is still on its way to customers keeps a deleted template: WA templates/template-management.
pub(crate) const DELETION_WAITS: Span = Span::days(30);
/// Edits of an approved template: once in a day and ten times in thirty: WA templates/template-management.
pub(crate) const EDITS: [(usize, Span); 2] = [(1, Span::hours(24)), (10, Span::days(30))];
/// Ids in one deletion: WA changelog, December 2025.
pub(crate) const DELETED_AT_ONCE: usize = 100;
/// Pauses, the last of which is for good: WA templates/template-pausing.
pub(crate) const PAUSES: [(Span, &str); 2] = [(Span::hours(3), "FIRST_PAUSE"), (Span::hours(6), "SECOND_PAUSE")];
/// Between the announcement of a new category and the change: WA templates/template-categorization.
pub(crate) const CATEGORY_ANNOUNCED: Span = Span::hours(24);
/// How long a new category can be appealed: WA templates/template-categorization.
pub(crate) const CATEGORY_APPEAL: Span = Span::days(60);
/// Seconds to live of a message, by category: WA templates/time-to-live.
pub(crate) const TTL_AUTHENTICATION: std::ops::RangeInclusive<i64> = 30..=900;
/// The same for utility.
pub(crate) const TTL_UTILITY: std::ops::RangeInclusive<i64> = 30..=43_200;
/// The same for marketing.
pub(crate) const TTL_MARKETING: std::ops::RangeInclusive<i64> = 43_200..=2_592_000;

/// One thing that Meta refuses, with the words it has for whoever wrote the template.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) name: &'static str,
    pub(crate) code: u32,
    pub(crate) subcode: Option<u32>,
    pub(crate) title: &'static str,
    pub(crate) source: &'static str,
}

impl Rule {
    /// The refusal, with what is wrong in this case.
    pub(crate) fn refuse(&self, message: impl Into<String>) -> GraphError {
        GraphError::template(self.code, self.subcode, self.title, message)
    }
}

macro_rules! rules {
    ($($name:ident = $code:literal, $subcode:expr, $title:literal, $source:literal;)*) => {
        $(pub(crate) const $name: Rule =
            Rule { name: stringify!($name), code: $code, subcode: $subcode, title: $title, source: $source };)*
        /// All of them.
        pub(crate) const ALL: &[&Rule] = &[$(&$name),*];
    };
}

rules! {
    NAME_FORMAT = 100, Some(2_388_046), "Name Format is Incorrect", "WA templates/overview; seen: 2388046";
    LENGTH = 100, Some(2_388_040), "Character Limit Exceeded", "WA support/error-codes";
    HEADER_FORMAT = 100, Some(2_388_047), "Message header format is incorrect", "WA support/error-codes, templates/components";
    BODY_FORMAT = 100, Some(2_388_072), "Message body format is incorrect", "WA support/error-codes, templates/template-review";
    FOOTER_FORMAT = 100, Some(2_388_073), "Message footer format is incorrect", "WA support/error-codes, templates/components";
    WORDS_RATIO = 100, Some(2_388_293), "Parameters words ratio exceeds limit", "WA support/error-codes";
    PARAMETER_AT_EDGE = 100, Some(2_388_299), "Leading or trailing parameters not allowed", "WA support/error-codes";
    SAMPLE_MISSING = 100, Some(2_388_043), "Message template \"components\" param is missing expected field(s)",
        "WA templates/components; seen: 2388043";
    BUTTON_ORDER = 100, None, "Invalid order of buttons", "WA templates/components";
    BUTTON_COUNT = 100, None, "Too many buttons", "WA templates/components";
    BUTTON_ALONE = 100, None, "Button stands alone",
        "WA templates/marketing-templates/catalog-templates, mpm-templates, business-scoped-user-ids";
    SAMPLE_SURPLUS = 100, None, "Samples without parameters", "WA templates/components";
    BUTTON_FORMAT = 100, None, "Button format is incorrect", "WA templates/components";
    CARDS_DIFFER = 100, None, "Carousel cards differ", "WA templates/marketing-templates/media-card-carousel-templates";
    COMPONENTS_MISMATCH = 100, None, "Components do not go together", "WA templates/components and the page of each kind";
    HANDLE_INVALID = 131_009, Some(2_494_102), "Uploaded Media Handle Is Invalid",
        "FB graph-api/guides/upload, WA templates/components; seen: 2494102";
    FLOW_INVALID = 100, None, "Flow JSON is invalid", "FB whatsapp/flows/reference/error-codes";
    TEMPLATES_LIMIT = 100, Some(2_388_019), "Message Template Limit Exceeded", "WA support/error-codes, templates/overview";
    LANGUAGE_EXISTS = 100, Some(2_388_024), "Content in This Language Already Exists", "WA templates/overview; seen: 2388024";
    NAME_DELETED = 100, Some(2_388_023), "Message Template Language is Being Deleted",
        "WA templates/template-management; seen: 2388023";
    CATEGORY_DIFFERS = 100, Some(2_388_022), "Category differs between languages", "WA templates/template-categorization; seen: message only";
    STATUS_FIXED = 100, Some(2_388_039), "Message template status can't be changed", "WA support/error-codes, templates/template-management";
    EDITS_USED_UP = 100, Some(2_388_039), "Message template status can't be changed", "WA support/error-codes, templates/template-management";
    CATEGORY_FIXED = 100, Some(2_388_039), "Message template status can't be changed", "WA templates/template-management";
    NOT_FOUND = 100, Some(2_593_002), "Message template not found", "WA templates/template-management; seen: 2593002";
    LIBRARY_INPUT = 100, None, "Library template input is incorrect", "WA templates/template-library";
}

/// What the reviewer may say of a template that it rejects: WA webhooks/reference/message_template_status_update.
pub(crate) const REASONS: &[&str] = &[
    "NONE",
    "ABUSIVE_CONTENT",
    "CATEGORY_NOT_AVAILABLE",
    "INCORRECT_CATEGORY",
    "INVALID_FORMAT",
    "PROMOTIONAL",
    "SCAM",
    "TAG_CONTENT_MISMATCH",
];

/// The table, for whoever asks the desk for it.
pub(crate) fn table() -> Value {
    let row = |rule: &&Rule| {
        json!({
            "name": rule.name.to_ascii_lowercase(), "code": rule.code, "subcode": rule.subcode, "title": rule.title,
            "source": rule.source,
        })
    };
    // What the review finds after the call has let it pass has a reason in place of a code.
    let later = super::format::FINDINGS
        .iter()
        .map(|found| json!({ "name": found.name, "reason": "INVALID_FORMAT", "source": found.source }));
    json!({ "data": ALL.iter().map(row).chain(later).collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_a_name_of_its_own_and_a_source() {
        for (at, rule) in ALL.iter().enumerate() {
            assert!(!rule.title.is_empty(), "{}", rule.name);
            assert!(rule.source.starts_with("WA ") || rule.source.starts_with("FB "), "{}", rule.name);
            assert!(ALL.iter().skip(at + 1).all(|other| other.name != rule.name), "{}", rule.name);
        }
    }
}
