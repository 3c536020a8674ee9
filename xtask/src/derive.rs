//! The derived files: written from the code that they describe, committed, and compared in the tests.

use std::fmt::Write as _;

use anyhow::{Context as _, Result};

use transom_domain::error_code::ErrorCode;
use transom_domain::lint::{Rule, Severity};
use transom_domain::rules::{BUTTON_RULES, RULES};
use transom_meta::codes::{CODES, FAMILIES, MetaCode, SUBCODES};

use crate::root;
use crate::steps::say;

/// Every derived file: path from the root, and what must be in it.
///
/// # Errors
/// When the description of the API cannot be written as JSON.
pub(crate) fn files() -> Result<Vec<(&'static str, String)>> {
    let mut openapi = transom_gateway::native::openapi().to_pretty_json().context("the OpenAPI description")?;
    openapi.push('\n');
    Ok(vec![
        ("crates/gateway/openapi.json", openapi),
        ("docs/configuration.md", transom_gateway::config::reference_page()),
        ("docs/errors.md", errors()),
        ("docs/rules.md", rules()),
        ("docs/template-rules.md", template_rules()),
        ("docs/twilio-differences.md", transom_gateway::twilio::differences_page()),
        ("docs/twilio-errors.md", transom_gateway::twilio::reference_page()),
    ])
}

/// Writes them.
///
/// # Errors
/// When one cannot be written.
pub(crate) fn write() -> Result<()> {
    for (path, text) in files()? {
        let at = root().join(path);
        if std::fs::read_to_string(&at).is_ok_and(|there| there == text) {
            say(&format!("{path} is up to date"));
            continue;
        }
        std::fs::write(&at, text).with_context(|| format!("{path} cannot be written"))?;
        say(&format!("{path} is written"));
    }
    Ok(())
}

fn errors() -> String {
    let mut page = String::from(
        "# Error codes\n\n\
         <!-- Made by `cargo xtask derive` from crates/domain/src/error_code.rs and crates/meta/src/codes/table.rs. Do not edit. -->\n\n\
         Every refusal is one object: `message`, `type`, `code`, `userTitle`, `userMessage`, `cntTraceId`, `details`. The running\n\
         binary serves this list at `/docs/errors` and, for programs, at `GET /v1/errors`.\n\n\
         | Code | Type | HTTP | When | What to do |\n|---|---|---|---|---|\n",
    );
    for code in ErrorCode::ALL {
        let _ = writeln!(
            page,
            "| `{}` | `{}` | {} | {} | {} |",
            code.as_str(),
            code.kind().as_str(),
            code.status(),
            cell(code.when()),
            cell(code.remedy())
        );
    }
    page.push_str(
        "\n## Meta's codes\n\nWhat Meta says, whose it is to mend, and the code that callers hear. Retried where more than one try is named.\n\n\
         | Code | Meta's title | Whose | Tries | Becomes | What to do |\n|---|---|---|---|---|---|\n",
    );
    let mut row = |numbers: String, row: &MetaCode| {
        let _ = writeln!(
            page,
            "| {numbers} | {} | {} | {} | `{}` | {} |",
            cell(row.title),
            row.class.word(),
            row.retry.tries,
            row.native.as_str(),
            cell(row.remedy)
        );
    };
    for code in CODES {
        row(code.code.to_string(), code);
    }
    for family in FAMILIES {
        row(format!("{} to {}", family.row.code, family.last), &family.row);
    }
    for (subcode, meta) in SUBCODES {
        row(format!("{} / {subcode}", meta.code), meta);
    }
    page
}

fn rules() -> String {
    let mut page = String::from(
        "# Which content may go when\n\n\
         <!-- Made by `cargo xtask derive` from crates/domain/src/rules.rs. Do not edit. -->\n\n\
         A session is open for 24 hours from the customer's last message or call. `allowed` goes as it is, `approval` only as an\n\
         approved template, `depends` by its buttons (second table), `unsupported` never. Outside a session nothing goes on Messenger. The\n\
         first twelve rows are the published table of sessions; the others are types that it does not have.\n\n\
         | Content type | WhatsApp, in a session | WhatsApp, outside | Messenger, in a session |\n|---|---|---|---|\n",
    );
    for rule in RULES {
        let _ = writeln!(
            page,
            "| `{}` | {} | {} | {} |",
            rule.kind,
            rule.in_session.word(),
            rule.out_of_session.word(),
            rule.messenger.word()
        );
    }
    page.push_str("\n## Buttons, in a session, of content that is not approved\n\n| Buttons | Approval | Why |\n|---|---|---|\n");
    for rule in BUTTON_RULES {
        let needs = if rule.needs_approval { "needed" } else { "not needed" };
        let _ = writeln!(page, "| {} | {needs} | {} |", rule.case.words(), cell(rule.why));
    }
    page
}

fn template_rules() -> String {
    let mut page = String::from(
        "# Rules for templates\n\n\
         <!-- Made by `cargo xtask derive` from crates/domain/src/lint/finding.rs. Do not edit. -->\n\n\
         What the linter holds a template against before Meta sees it. A finding names one of these rules, the field, what to do, and the\n\
         document: a page below developers.facebook.com/documentation/business-messaging/whatsapp unless another house is named. What\n\
         breaks a rule of the first table is not submitted; what breaks one of the second is, with a warning.\n",
    );
    for (severity, title) in [(Severity::Error, "Refused"), (Severity::Warning, "Warned of")] {
        let _ = writeln!(page, "\n## {title}\n\n| Rule | Says | Document |\n|---|---|---|");
        for rule in Rule::ALL.iter().filter(|rule| rule.severity() == severity) {
            let _ = writeln!(page, "| `{rule}` | {} | {} |", cell(rule.says()), cell(rule.source()));
        }
    }
    page
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_derived_files_are_up_to_date() {
        for (path, text) in files().unwrap() {
            let there = std::fs::read_to_string(root().join(path)).unwrap_or_default();
            assert!(there == text, "{path} is old: run `cargo xtask derive`");
        }
    }
}
