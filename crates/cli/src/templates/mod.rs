//! `transom template …`: templates as code, over the API like anybody else.

mod apply;
mod file;
mod folder;
mod plan;
mod preview;
mod print;
mod pull;
mod remote;
mod show;

use std::path::Path;

use reqwest::Method;
use serde_json::{Value, json};

use crate::admin;
use crate::api::{Api, refusal};
use crate::args::{Account, CategoryArg, FolderArgs, TemplateCommand};
use crate::fail::Fail;
use crate::out;
use folder::{Finding, Folder};
use plan::{Action, Key, Step};
use remote::Remote;

/// Exit code: files and Meta differ, or something waits for a quota, a lock or a review.
const WAITS: u8 = 3;
/// Exit code: the linter or Meta refuses something.
const REFUSED: u8 = 4;
/// Exit code: a call has no answer yet.
const UNKNOWN: u8 = 5;

/// A failure that was told as a result already.
fn ended(code: u8) -> Fail {
    Fail { code, ..Fail::told() }
}

/// Runs one of the commands.
///
/// # Errors
/// As the command's help says.
pub(crate) async fn run(command: TemplateCommand) -> Result<(), Fail> {
    match command {
        TemplateCommand::Sync { business, place } => admin::template_sync(business.as_deref(), &place).await,
        TemplateCommand::List { business, place } => admin::template_list(business.as_deref(), &place).await,
        TemplateCommand::Pull { folder, prune } => pull::run(&folder, prune).await,
        TemplateCommand::Lint { folder, json } => lint(&folder, json),
        TemplateCommand::Plan { folder, prune, check } => plan(&folder, prune, check).await,
        TemplateCommand::Apply { folder, prune } => apply::run(&folder, prune).await,
        TemplateCommand::Status { name, account } => status(name.as_deref(), &account).await,
        TemplateCommand::Submit { content, name, category, account } => submit(&content, &name, category, &account).await,
        TemplateCommand::Preview { what, language, account } => preview::run(&what, language.as_deref(), &account).await,
    }
}

fn lint(dir: &Path, json: bool) -> Result<(), Fail> {
    let folder = Folder::read(dir, false)?;
    let findings = folder.lint();
    let errors = findings.iter().filter(|finding| finding.is_error()).count();
    if json {
        out::json(&json!({ "files": folder.files.len(), "errors": errors, "findings": findings }))?;
    } else {
        show::findings(&findings);
        let files = show::count(folder.files.len(), "file");
        let warnings = show::count(findings.len() - errors, "warning");
        out::line(format!("{files}, {}, {warnings}", show::count(errors, "error")));
    }
    if errors == 0 { Ok(()) } else { Err(Fail::told()) }
}

/// A folder, what the linter says of it, and what is to be done for it.
struct Planned {
    folder: Folder,
    findings: Vec<Finding>,
    steps: Vec<Step>,
}

/// Reads the folder, reads the account, and asks what is in the way of each difference.
async fn planned(remote: &Remote, args: &FolderArgs, prune: bool) -> Result<Planned, Fail> {
    let folder = Folder::read(&args.folder, false)?;
    let mut findings = folder.lint();
    // What cannot be read may be what keeps a template from being deleted.
    let is_whole = !findings.iter().any(|finding| finding.is_error() && finding.key.is_none());
    if prune && !is_whole {
        show::findings(&findings);
        return Err(Fail { code: REFUSED, ..Fail::new("with --prune every file must be readable: nothing was done") });
    }
    let wanted = folder.wanted();
    let standing = remote.standing().await?;
    if prune && wanted.is_empty() && !standing.is_empty() {
        return Err(Fail::usage(format!("{} has no template at all", args.folder.display()))
            .remedy("With --prune every template of the account would be deleted; name another folder, or leave --prune out."));
    }
    let mut steps = plan::steps(&wanted, &standing, prune);
    for step in steps.iter_mut().filter(|step| matches!(step.action, Action::Create | Action::Edit)) {
        let key = (step.name.clone(), step.language.clone());
        step.refused = findings.iter().any(|finding| finding.is_error() && finding.key.as_ref() == Some(&key));
        if step.action == Action::Edit {
            step.drift = plan::drift(&remote.history(&step.name, &step.language).await?);
        }
        if let Some(placed) = wanted.get(&key).filter(|_| step.is_open()) {
            let outlook = remote.outlook(&step.name, &step.language, &placed.wanted).await?;
            (step.blocked, step.under_way) = (outlook.block, outlook.under_way);
        }
    }
    // What Meta has already needs no leave of the linter: Meta shows less than it was given, such as the apps that take a code.
    let is_kept =
        |key: &Key| steps.iter().any(|step| step.action == Action::Keep && step.name == key.0 && step.language == key.1);
    findings.retain(|finding| !finding.key.as_ref().is_some_and(is_kept));
    Ok(Planned { folder, findings, steps })
}

async fn plan(args: &FolderArgs, prune: bool, check: bool) -> Result<(), Fail> {
    let remote = Remote::of(&args.account)?;
    let Planned { findings, steps, .. } = planned(&remote, args, prune).await?;
    if args.account.target.json {
        let shown: Vec<Value> = steps.iter().map(show::step_json).collect();
        out::json(&json!({ "steps": shown, "summary": show::summary(&steps), "findings": findings }))?;
    } else {
        show::findings(&findings);
        show::steps(&steps);
    }
    if findings.iter().any(Finding::is_error) {
        return Err(ended(REFUSED));
    }
    if check && steps.iter().any(|step| step.action != Action::Keep) { Err(ended(WAITS)) } else { Ok(()) }
}

async fn status(name: Option<&str>, account: &Account) -> Result<(), Fail> {
    let remote = Remote::of(account)?;
    let views = match name {
        Some(name) => remote.named(name).await?,
        None => remote.views().await?,
    };
    if account.target.json {
        return out::json(&json!({ "data": views }));
    }
    show::statuses(&views);
    Ok(())
}

async fn submit(content: &str, name: &str, category: CategoryArg, account: &Account) -> Result<(), Fail> {
    let target = &account.target;
    let api = Api::of(target)?;
    let mut body = json!({ "name": name, "category": category.as_str() });
    if let Some(waba) = &account.waba {
        body["wabaId"] = waba.as_str().into();
    }
    let is_id = !content.is_empty() && content.bytes().all(|b| b.is_ascii_alphanumeric());
    if !is_id {
        return Err(Fail::usage(format!("{content:?} is no id of content")));
    }
    let path = api.path(&format!("contents/{content}/approvals"));
    let (status, answer) = api.client.call(Method::POST, &path, Some(&body)).await?;
    if !(200..300).contains(&status) {
        return Err(refusal(target.json, &answer, status)?);
    }
    if target.json {
        return out::json(&answer);
    }
    show::approval(&answer);
    Ok(())
}
