//! Findings, steps and statuses for people, and for programs.

use serde_json::{Value, json};

use super::folder::Finding;
use super::plan::{Action, Step};
use crate::out;

/// So many of something.
pub(crate) fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// Findings, each with its place, the rule and what to do.
pub(crate) fn findings(findings: &[Finding]) {
    for finding in findings {
        let field = if finding.field.is_empty() { String::new() } else { format!(" {}", finding.field) };
        out::line(format!("{}:{field}: {} [{}]", finding.file, finding.severity, finding.rule));
        out::line(format!("  {}", finding.message));
        out::line(format!("  {}", finding.fix));
    }
}

fn word(action: Action) -> &'static str {
    match action {
        Action::Create => "create",
        Action::Edit => "edit",
        Action::Delete => "delete",
        Action::Keep => "unchanged",
        Action::OnlyAtMeta => "only at Meta",
    }
}

/// What a step is called in a line.
pub(crate) fn title(step: &Step) -> String {
    let changes = if step.changes.is_empty() { String::new() } else { format!(": {}", step.changes.join(", ")) };
    format!("{} {} ({}){changes}", word(step.action), step.name, step.language)
}

/// A step as JSON.
pub(crate) fn step_json(step: &Step) -> Value {
    json!({
        "name": step.name,
        "language": step.language.as_str(),
        "file": step.file,
        "action": step.action,
        "changes": step.changes,
        "difference": step.difference,
        "status": step.status.map(|status| status.as_str()),
        "drift": step.drift,
        "blocked": step.blocked,
        "refused": step.refused,
        "underWay": step.under_way,
    })
}

/// How many of each there are.
pub(crate) fn summary(steps: &[Step]) -> Value {
    let of = |action: Action| steps.iter().filter(|step| step.action == action).count();
    json!({
        "create": of(Action::Create),
        "edit": of(Action::Edit),
        "delete": of(Action::Delete),
        "unchanged": of(Action::Keep),
        "onlyAtMeta": of(Action::OnlyAtMeta),
        "drifted": steps.iter().filter(|step| step.drift.is_some()).count(),
        "blocked": steps.iter().filter(|step| step.blocked.is_some()).count(),
        "refused": steps.iter().filter(|step| step.refused).count(),
    })
}

/// What is to be done, what differs, and what is in the way.
pub(crate) fn steps(steps: &[Step]) {
    for step in steps.iter().filter(|step| step.action != Action::Keep) {
        let mark = match step.action {
            Action::Create => "+",
            Action::Edit => "~",
            Action::Delete => "-",
            Action::Keep | Action::OnlyAtMeta => "?",
        };
        out::line(format!("{mark} {}", title(step)));
        if let Some(drift) = &step.drift {
            let what = if drift.change == "category" { "recategorised" } else { "changed" };
            let by = if drift.by == "meta" { "by Meta" } else { "elsewhere" };
            out::line(format!(
                "    drifted: {what} {by} at {}; pull takes it over, apply puts the file's in its place",
                drift.at
            ));
        }
        for line in &step.difference {
            out::line(format!("    {line}"));
        }
        if step.refused {
            out::line("    refused: the findings above");
        }
        if let Some(block) = &step.blocked {
            let until = block.not_before.as_ref().map(|until| format!(" (from {until})")).unwrap_or_default();
            out::line(format!("    blocked{until}: {}", block.message));
            out::line(format!("    {}", block.remedy));
        }
        if let Some(action) = &step.under_way {
            out::line(format!("    the answer to an earlier {action} was lost: apply settles it first"));
        }
        if step.action == Action::OnlyAtMeta {
            out::line("    no file has it: pull writes one, --prune deletes it at Meta");
        }
    }
    let of = |action: Action| steps.iter().filter(|step| step.action == action).count();
    let blocked = steps.iter().filter(|step| step.blocked.is_some()).count();
    out::line(format!(
        "{} to create, {} to edit, {} to delete ({blocked} blocked); {} unchanged, {} only at Meta",
        of(Action::Create),
        of(Action::Edit),
        of(Action::Delete),
        of(Action::Keep),
        of(Action::OnlyAtMeta),
    ));
}

fn text<'a>(view: &'a Value, at: &str) -> &'a str {
    view.pointer(at).and_then(Value::as_str).unwrap_or("")
}

/// How far templates got, and why.
pub(crate) fn statuses(views: &[Value]) {
    let rows: Vec<Vec<String>> = views
        .iter()
        .map(|view| {
            let cell = |at: &str| text(view, at).to_owned();
            vec![cell("/name"), cell("/language"), cell("/category"), cell("/status"), cell("/quality")]
        })
        .collect();
    out::table(&["NAME", "LANGUAGE", "CATEGORY", "STATUS", "QUALITY"], &rows);
    let plain = |view: &&Value| text(view, "/status") != "APPROVED" || !text(view, "/disableDate").is_empty();
    for view in views.iter().filter(plain) {
        out::line(format!("{} ({}): {}", text(view, "/name"), text(view, "/language"), text(view, "/explanation")));
        for more in [text(view, "/remedy"), text(view, "/appealLink")] {
            if !more.is_empty() {
                out::line(format!("  {more}"));
            }
        }
    }
}

/// What became of a submission.
pub(crate) fn approval(answer: &Value) {
    let (name, language) = (text(answer, "/name"), text(answer, "/language"));
    out::line(format!("{name} ({language})  {}  {}", text(answer, "/status"), text(answer, "/explanation")));
    for warning in answer["warnings"].as_array().into_iter().flatten() {
        out::line(format!("  warning [{}]: {}", text(warning, "/rule"), text(warning, "/message")));
    }
}
