//! `GET /v1/errors` and `GET /v1/rules`: the tables that the house works by, for programs. `/docs/errors` and `/docs/rules` show
//! the same to people.

use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use transom_domain::error_code::ErrorCode;
use transom_domain::rules::{BUTTON_RULES, ButtonCase, RULES};
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

/// The table, from the domain.
pub(crate) fn rule_table() -> RuleTable {
    RuleTable {
        rules: RULES
            .iter()
            .map(|rule| RuleEntry {
                kind: rule.kind.as_str(),
                in_session: rule.in_session.word(),
                out_of_session: rule.out_of_session.word(),
                messenger: rule.messenger.word(),
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
    fn the_table_has_twelve_types_and_all_button_cases() {
        let table = rule_table();
        assert_eq!((table.rules.len(), table.buttons.len()), (12, BUTTON_RULES.len()));
    }
}
