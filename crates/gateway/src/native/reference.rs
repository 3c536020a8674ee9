//! `GET /v1/errors` and `GET /v1/rules`: the tables that the house works by, for programs. `/docs/errors` and `/docs/rules` show
//! the same to people.

use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use transom_domain::address::Channel;
use transom_domain::content::ContentType;
use transom_domain::error_code::ErrorCode;
use transom_domain::message::WhenClosed;
use transom_domain::messenger::Human;
use transom_domain::rules::{BUTTON_RULES, ButtonCase, Cell, PUBLISHED, RULES, Rule};
use transom_domain::session::{Closed, Session};
use transom_domain::time::Timestamp;
use transom_domain::verdict::{Candidate, CustomerFacts, Question, Subject, verdict};
use transom_meta::codes::{CODES, FAMILIES, MetaCode};

use crate::http::call::json;
use crate::http::refusal::{help, title};
use crate::problem::Problem;

/// All codes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorCatalogue {
    /// Ours: what answers and failed messages carry as `code`.
    pub(crate) errors: Vec<ErrorEntry>,
    /// Meta's: what `details.metaCode` carries, and what each becomes here.
    pub(crate) meta: Vec<MetaEntry>,
}

/// One of our codes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorEntry {
    /// The code.
    pub(crate) code: &'static str,
    /// Broad class.
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    /// HTTP status of an answer with it.
    pub(crate) status: u16,
    /// For display.
    pub(crate) title: String,
    /// When it is used.
    pub(crate) when: &'static str,
    /// What to do.
    pub(crate) remedy: &'static str,
    /// A page that this server serves.
    pub(crate) help: String,
}

/// One of Meta's codes, or a range of them.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MetaEntry {
    /// Meta's number.
    pub(crate) code: i64,
    /// Last number of the range; the same as `code` for a single one.
    pub(crate) last: i64,
    /// HTTP status it usually comes with.
    pub(crate) status: u16,
    /// Meta's title.
    pub(crate) title: &'static str,
    /// Whose it is to mend: `caller`, `customer`, `session`, `upstream`, `throttle`, `operator` or `template`.
    pub(crate) class: &'static str,
    /// Tries in all before it is given up.
    pub(crate) tries: u32,
    /// What a caller is told.
    pub(crate) becomes: &'static str,
    /// What to do.
    pub(crate) remedy: &'static str,
}

/// The catalogue, from the tables.
pub(crate) fn catalogue() -> ErrorCatalogue {
    let ours = |code: &ErrorCode| ErrorEntry {
        code: code.as_str(),
        kind: code.kind().as_str(),
        status: code.status(),
        title: title(*code),
        when: code.when(),
        remedy: code.remedy(),
        help: help(*code),
    };
    let meta = |row: &MetaCode, last: i64| MetaEntry {
        code: row.code,
        last,
        status: row.http,
        title: row.title,
        class: row.class.word(),
        tries: row.retry.tries,
        becomes: row.native.as_str(),
        remedy: row.remedy,
    };
    let single = CODES.iter().map(|row| meta(row, row.code));
    let mut all: Vec<_> = single.chain(FAMILIES.iter().map(|family| meta(&family.row, family.last))).collect();
    all.sort_by_key(|entry| entry.code);
    ErrorCatalogue { errors: ErrorCode::ALL.iter().map(ours).collect(), meta: all }
}

/// The rule table.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RuleTable {
    /// What may go when, by content type.
    pub(crate) rules: Vec<RuleEntry>,
    /// What `depends` means: buttons inside a session, for content that is not approved.
    pub(crate) buttons: Vec<ButtonEntry>,
}

/// One content type.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RuleEntry {
    /// Content type.
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    /// WhatsApp, inside a session: `allowed`, `depends`, `approval` or `unsupported`.
    pub(crate) in_session: &'static str,
    /// WhatsApp, outside a session.
    pub(crate) out_of_session: &'static str,
    /// Messenger, inside a session; outside one nothing goes.
    pub(crate) messenger: &'static str,
    /// Each of the three in a sentence: what a verdict says of content that is not approved.
    pub(crate) why: RuleReasons,
    /// Where the channel documents it.
    pub(crate) source: &'static str,
}

/// The cells of one content type, in a sentence each.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RuleReasons {
    /// WhatsApp, inside a session.
    pub(crate) in_session: String,
    /// WhatsApp, outside a session.
    pub(crate) out_of_session: String,
    /// Messenger, inside a session.
    pub(crate) messenger: String,
}

/// One case of buttons.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ButtonEntry {
    /// The buttons.
    #[serde(rename = "case")]
    pub(crate) case: &'static str,
    /// Whether content with them needs an approved template.
    pub(crate) needs_approval: bool,
    /// The rule, as a sentence.
    pub(crate) why: &'static str,
}

const fn case_word(case: ButtonCase) -> &'static str {
    match case {
        ButtonCase::None => "none",
        ButtonCase::FewQuickReplies => "few_quick_replies",
        ButtonCase::ManyQuickReplies => "many_quick_replies",
        ButtonCase::OneUrl => "one_url",
        ButtonCase::TwoUrls => "two_urls",
        ButtonCase::VoiceCall => "voice_call",
        ButtonCase::PhoneNumber => "phone_number",
        ButtonCase::CopyCode => "copy_code",
        ButtonCase::Mixed => "mixed",
        ButtonCase::Other => "other",
    }
}

/// The page on which the table of sessions is published.
const SESSIONS: &str = "https://www.twilio.com/docs/content/session-definitions";
/// The page that leads to each type's own, for those that the table of sessions does not have.
const TYPES: &str = "https://www.twilio.com/docs/content/content-types-overview";

/// What the verdict says of content of this type that is not approved, so that the page never says anything else.
fn why(kind: ContentType, channel: Channel, session: Session) -> String {
    let candidate = Candidate { kind, buttons: ButtonCase::None, over_session_limits: None, templates: &[] };
    let subject = Subject::Content { candidates: &[candidate], when_closed: WhenClosed::Template };
    let human = Human { name: None, until: None };
    let customer = CustomerFacts::default();
    verdict(&Question { channel, subject, session, customer, stopped: None, human }).explanation
}

fn reasons(rule: &Rule) -> RuleReasons {
    let open = Session::Open { until: Timestamp::EPOCH };
    let over = Session::Closed(Closed::Over { since: Timestamp::EPOCH });
    RuleReasons {
        in_session: match rule.in_session {
            Cell::ByButtons => "Its buttons decide whether it goes as it is or needs an approved template.".to_owned(),
            Cell::Allowed | Cell::Approval | Cell::Unsupported => why(rule.kind, Channel::Whatsapp, open),
        },
        out_of_session: why(rule.kind, Channel::Whatsapp, over),
        messenger: why(rule.kind, Channel::Messenger, open),
    }
}

/// The table, from the domain.
pub(crate) fn rule_table() -> RuleTable {
    RuleTable {
        rules: RULES
            .iter()
            .enumerate()
            .map(|(place, rule)| RuleEntry {
                kind: rule.kind.as_str(),
                in_session: rule.in_session.word(),
                out_of_session: rule.out_of_session.word(),
                messenger: rule.messenger.word(),
                why: reasons(rule),
                source: if place < PUBLISHED { SESSIONS } else { TYPES },
            })
            .collect(),
        buttons: BUTTON_RULES
            .iter()
            .map(|rule| ButtonEntry { case: case_word(rule.case), needs_approval: rule.needs_approval, why: rule.why })
            .collect(),
    }
}

/// List error codes
///
/// Ours and Meta's, each with type, status, when it is used and what to do. Needs no key.
#[utoipa::path(
    get,
    path = "/v1/errors",
    operation_id = "listErrors",
    tag = "Reference",
    responses((status = 200, description = "All codes", body = ErrorCatalogue))
)]
pub(crate) async fn errors() -> Result<Response, Problem> {
    json(StatusCode::OK, &catalogue())
}

/// List the rules
///
/// What content may go when: the table that every verdict reads. Needs no key.
#[utoipa::path(
    get,
    path = "/v1/rules",
    operation_id = "listRules",
    tag = "Reference",
    responses((status = 200, description = "The rule table", body = RuleTable))
)]
pub(crate) async fn rules() -> Result<Response, Problem> {
    json(StatusCode::OK, &rule_table())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_has_every_code_once_in_order() {
        let catalogue = catalogue();
        assert_eq!(catalogue.errors.len(), ErrorCode::ALL.len());
        assert_eq!(catalogue.meta.len(), CODES.len() + FAMILIES.len());
        assert!(catalogue.meta.windows(2).all(|pair| pair[0].code <= pair[1].code));
        for entry in &catalogue.meta {
            assert!(ErrorCode::named(entry.becomes).is_some() && entry.last >= entry.code);
        }
    }

    #[test]
    fn the_table_has_all_types_and_all_button_cases() {
        let table = rule_table();
        assert_eq!((table.rules.len(), table.buttons.len()), (RULES.len(), BUTTON_RULES.len()));
    }

    #[test]
    fn a_sentence_says_what_its_cell_says() {
        let agrees = |cell: &str, sentence: &str| match cell {
            "allowed" => sentence.starts_with("A session is open"),
            "depends" => sentence.contains("buttons decide"),
            "approval" => sentence.contains("approved template"),
            _ => sentence.contains("only inside a session") || sentence.contains("cannot carry"),
        };
        for rule in rule_table().rules {
            assert!(agrees(rule.in_session, &rule.why.in_session), "{rule:?}");
            assert!(agrees(rule.out_of_session, &rule.why.out_of_session), "{rule:?}");
            assert!(agrees(rule.messenger, &rule.why.messenger), "{rule:?}");
        }
    }
}
