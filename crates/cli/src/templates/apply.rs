//! `transom template apply`: step by step, each held against Meta before it counts as refused, so that a run after an interruption
//! finds what was done and does the rest.

use std::time::Duration;

use serde_json::{Value, json};
use transom_domain::error_code::ErrorCode;

use super::file::Wanted;
use super::folder::{Finding, Folder};
use super::plan::{self, Action, Block, Step};
use super::remote::{Answer, Remote};
use super::{Planned, REFUSED, UNKNOWN, WAITS, ended, planned, show};
use crate::args::FolderArgs;
use crate::fail::Fail;
use crate::out;

/// How often a call is made again while an earlier one for the same template has no outcome, or the gateway asks to come later.
const TRIES: usize = 20;
/// Between two tries.
const GAP: Duration = Duration::from_secs(1);

/// What became of a step.
enum Outcome {
    /// Done: the status at Meta.
    Done(String),
    /// A quota, a lock, a review.
    Blocked(Block),
    /// The error object, or the findings that were told before.
    Refused(Value),
    /// Nobody knows yet.
    Unknown(Value),
}

impl Outcome {
    const fn word(&self) -> &'static str {
        match self {
            Self::Done(_) => "done",
            Self::Blocked(_) => "blocked",
            Self::Refused(_) => "refused",
            Self::Unknown(_) => "unknown",
        }
    }

    fn line(&self) -> String {
        let said = |error: &Value| {
            let code = error["code"].as_str().map(|code| format!(" ({code})")).unwrap_or_default();
            format!("{}{code}", error["message"].as_str().unwrap_or("the linter refuses it: see its findings"))
        };
        match self {
            Self::Done(status) if status.is_empty() => "done".to_owned(),
            Self::Done(status) => format!("done: {status}"),
            Self::Blocked(Block { not_before: Some(until), message, .. }) => format!("blocked (from {until}): {message}"),
            Self::Blocked(block) => format!("blocked: {}", block.message),
            Self::Refused(error) => format!("refused: {}", said(error)),
            Self::Unknown(error) => format!("without an answer: {}", said(error)),
        }
    }
}

/// Does at Meta what the files say.
///
/// # Errors
/// When it breaks off; else by outcome, after everything that could be done was done.
pub(crate) async fn run(args: &FolderArgs, prune: bool) -> Result<(), Fail> {
    let remote = Remote::of(&args.account)?;
    let json = args.account.target.json;
    let Planned { folder, findings, steps } = planned(&remote, args, prune).await?;
    if !json {
        show::findings(&findings.iter().filter(|finding| finding.is_error()).cloned().collect::<Vec<_>>());
    }
    let work: Vec<&Step> = steps.iter().filter(|step| step.is_work()).collect();
    let wanted = folder.wanted();
    let mut results: Vec<(&Step, Outcome)> = Vec::new();
    for (place, step) in work.iter().enumerate() {
        let outcome = match (&step.blocked, step.refused) {
            (_, true) => Outcome::Refused(Value::Null),
            (Some(block), _) => Outcome::Blocked(block.clone()),
            (None, false) => {
                let placed = wanted.get(&(step.name.clone(), step.language.clone()));
                let done = one(&remote, &folder, step, placed.map(|placed| &placed.wanted)).await;
                done.map_err(|why| broken_off(why, &results))?
            }
        };
        if !json {
            out::line(format!("[{}/{}] {}  {}", place + 1, work.len(), show::title(step), outcome.line()));
        }
        results.push((step, outcome));
    }
    // A file that cannot be read has no step of its own.
    let unread = findings.iter().any(|finding| finding.is_error() && finding.key.is_none());
    let is = |word: &str| results.iter().filter(|(_, outcome)| outcome.word() == word).count();
    let code = match (is("refused") > 0 || unread, is("unknown") > 0, is("blocked") > 0) {
        (true, ..) => REFUSED,
        (_, true, _) => UNKNOWN,
        (_, _, true) => WAITS,
        _ => 0,
    };
    if json {
        out::json(&told(&results, &findings))?;
    } else {
        let (done, blocked) = (is("done"), is("blocked"));
        out::line(format!("{done} done, {blocked} blocked, {} refused, {} without an answer", is("refused"), is("unknown")));
    }
    if code == 0 { Ok(()) } else { Err(ended(code)) }
}

fn told(results: &[(&Step, Outcome)], findings: &[Finding]) -> Value {
    let shown = |(step, outcome): &(&Step, Outcome)| {
        let mut shown = show::step_json(step);
        shown["outcome"] = outcome.word().into();
        match outcome {
            Outcome::Done(status) => shown["status"] = status.as_str().into(),
            Outcome::Blocked(block) => shown["blocked"] = json!(block),
            Outcome::Refused(error) | Outcome::Unknown(error) => shown["error"] = error.clone(),
        }
        shown
    };
    json!({ "data": results.iter().map(shown).collect::<Vec<_>>(), "findings": findings })
}

fn broken_off(why: Fail, results: &[(&Step, Outcome)]) -> Fail {
    let done = results.iter().filter(|(_, outcome)| outcome.word() == "done").count();
    Fail { code: 1, ..Fail::new(format!("broken off after {}: {}", show::count(done, "step"), why.message)) }
        .remedy("Run it again: what was done is seen to be done, and the rest follows.")
}

async fn one(remote: &Remote, folder: &Folder, step: &Step, wanted: Option<&Wanted>) -> Result<Outcome, Fail> {
    let with_samples = match wanted.map(|wanted| folder.with_samples(wanted)).transpose() {
        Ok(wanted) => wanted,
        Err(why) => return Ok(Outcome::Refused(json!({ "message": why.message }))),
    };
    let mut last = Value::Null;
    for attempt in 0..TRIES {
        // Nobody waits after the last.
        if attempt > 0 {
            tokio::time::sleep(GAP).await;
        }
        let (name, language) = (&step.name, &step.language);
        let answer = match (step.action, &with_samples) {
            (Action::Create, Some(wanted)) => remote.create(name, language, wanted).await?,
            (Action::Edit, Some(wanted)) => remote.edit(name, language, wanted, step.changes.contains(&"category")).await?,
            (Action::Delete, _) => remote.delete(name, language).await?,
            _ => return Ok(Outcome::Done(String::new())),
        };
        let error = match answer {
            Answer::Done(made) => {
                let status = made.pointer("/template/status").and_then(Value::as_str).unwrap_or_default();
                return Ok(Outcome::Done(status.to_owned()));
            }
            Answer::Refused(error) => error,
        };
        // What an earlier run did is done, whatever it was told.
        let standing = remote.one(name, language).await?;
        let is_done = match (&standing, wanted) {
            (None, None) => true,
            (Some(standing), None) => standing.is_going(),
            (Some(standing), Some(wanted)) => !standing.is_going() && plan::changes(wanted, standing).is_empty(),
            (None, Some(_)) => false,
        };
        if is_done {
            let status = standing.map(|standing| standing.template.approval.as_str().to_owned());
            return Ok(Outcome::Done(status.unwrap_or_default()));
        }
        if !comes_again(&error) {
            return Ok(refusal_of(error));
        }
        last = error;
    }
    Ok(Outcome::Unknown(last))
}

fn code(error: &Value) -> Option<ErrorCode> {
    error["code"].as_str().and_then(ErrorCode::named)
}

/// Whether the same call can end otherwise in a moment: its outcome is unknown, another call for the template is under way, or the
/// gateway itself asks for patience.
fn comes_again(error: &Value) -> bool {
    let detail = |key: &str| error.pointer(&format!("/details/{key}"));
    match code(error) {
        Some(
            ErrorCode::OutcomeUnknown
            | ErrorCode::RateLimited
            | ErrorCode::Overloaded
            | ErrorCode::StoreUnavailable
            | ErrorCode::UpstreamError,
        ) => true,
        Some(ErrorCode::TemplateConflict) => detail("rule").is_none() && detail("metaCode").is_none(),
        _ => false,
    }
}

/// A refusal that time alone lifts, or another.
fn refusal_of(error: Value) -> Outcome {
    let detail = |key: &str| error.pointer(&format!("/details/{key}")).and_then(Value::as_str).map(str::to_owned);
    let rule = detail("rule").unwrap_or_default();
    // Meta's own word of a quota or a lock has no date; `not-editable` passes when the review is over.
    let is_time = matches!(code(&error), Some(ErrorCode::TemplateQuota | ErrorCode::MessageTemplateDeleted));
    if is_time || detail("notBefore").is_some() || rule == transom_domain::template_rules::Rule::NotEditable.as_str() {
        return Outcome::Blocked(Block {
            rule,
            message: error["message"].as_str().unwrap_or_default().to_owned(),
            remedy: detail("remedy").unwrap_or_default(),
            not_before: detail("notBefore"),
        });
    }
    Outcome::Refused(error)
}
