//! `transom consent …` and `transom keywords …`: what customers want to be sent, over the API like anybody else.

use std::io::{Read as _, Write as _};
use std::path::Path;

use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::api::{Api, encoded, refusal};
use crate::args::{AboutArg, AuditArgs, ChoiceArg, ConsentCommand, KeywordsCommand, RecordArgs, Target};
use crate::fail::Fail;
use crate::out;

/// Largest file of words: the API takes 1 MiB.
const FILE_MAX: u64 = 1 << 20;
/// Pages that are read of one ledger; the export has all of it.
const PAGES_MAX: usize = 50;

/// Runs one of the commands.
///
/// # Errors
/// What the gateway refuses, or a file that cannot be written.
pub(crate) async fn consent(command: ConsentCommand) -> Result<(), Fail> {
    match command {
        ConsentCommand::Show { customer, target } => show(&customer, &target).await,
        ConsentCommand::Record(args) => record(&args).await,
        ConsentCommand::Export { customer, to, target } => export(&customer, &to, &target).await,
    }
}

/// Shows who did what.
///
/// # Errors
/// What the gateway refuses.
pub(crate) async fn audit(args: &AuditArgs) -> Result<(), Fail> {
    let api = Api::of(&args.target)?;
    let page = call(&api, &args.target, Method::GET, &format!("audit?pageSize={}", args.limit), None).await?;
    if args.target.json {
        return out::json(&page);
    }
    let line = |line: &Value| {
        let who = line["keyId"].as_str().map_or_else(|| text(&line["actor"]).to_owned(), |key| format!("key {key}"));
        vec![text(&line["at"]).to_owned(), who, text(&line["action"]).to_owned(), text(&line["object"]).to_owned()]
    };
    let rows: Vec<Vec<String>> = page["data"].as_array().into_iter().flatten().map(line).collect();
    if rows.is_empty() {
        out::note("Nothing was done yet.");
    } else {
        out::table(&["at", "who", "what", "to"], &rows);
    }
    Ok(())
}

/// Runs one of the commands.
///
/// # Errors
/// What the gateway refuses, or a file that cannot be read.
pub(crate) async fn keywords(command: KeywordsCommand) -> Result<(), Fail> {
    match command {
        KeywordsCommand::Show { target } => {
            let api = Api::of(&target)?;
            words(&call(&api, &target, Method::GET, "keywords", None).await?, &target)
        }
        KeywordsCommand::Set { file, target } => {
            let api = Api::of(&target)?;
            let given = read(&file)?;
            words(&call(&api, &target, Method::PUT, "keywords", Some(&given)).await?, &target)
        }
    }
}

async fn call(api: &Api, target: &Target, method: Method, path: &str, body: Option<&Value>) -> Result<Value, Fail> {
    match api.client.call(method, &api.path(path), body).await? {
        (200..=299, answer) => Ok(answer),
        (status, answer) => Err(refusal(target.json, &answer, status)?),
    }
}

async fn show(customer: &str, target: &Target) -> Result<(), Fail> {
    let api = Api::of(target)?;
    let path = format!("customers/{}/consent?pageSize=200", encoded(customer));
    let mut whole = call(&api, target, Method::GET, &path, None).await?;
    for _ in 1..PAGES_MAX {
        let Some(token) = whole["nextPageToken"].as_str().map(encoded) else { break };
        let mut page = call(&api, target, Method::GET, &format!("{path}&pageToken={token}"), None).await?;
        whole["nextPageToken"] = page["nextPageToken"].take();
        if let (Some(all), Some(more)) = (whole["data"].as_array_mut(), page["data"].as_array_mut()) {
            all.append(more);
        }
    }
    if target.json {
        return out::json(&whole);
    }
    stands(&whole);
    let rows: Vec<Vec<String>> = whole["data"].as_array().into_iter().flatten().map(entry).collect();
    if rows.is_empty() {
        out::note("Nothing has been said of it.");
    } else {
        out::table(&["at", "scope", "choice", "source", "evidence"], &rows);
    }
    if whole["nextPageToken"].is_string() {
        out::note("There is more; `transom consent export` writes all of it.");
    }
    Ok(())
}

fn stands(answer: &Value) {
    out::line(format!("customer    {}", text(&answer["customerId"])));
    for scope in ["marketing", "everything"] {
        let stand = &answer["consent"][scope];
        let said = match stand["choice"].as_str() {
            Some(choice) => format!("{} since {}", choice.replace('_', " "), text(&stand["since"])),
            None => "nothing said".to_owned(),
        };
        out::line(format!("{scope:<11} {said}"));
    }
}

fn entry(entry: &Value) -> Vec<String> {
    let shown: Vec<String> = ["said", "wording", "url", "ip", "messageId", "keyId"]
        .into_iter()
        .filter_map(|name| Some(format!("{name}={}", entry[name].as_str()?)))
        .collect();
    vec![
        text(&entry["at"]).to_owned(),
        text(&entry["scope"]).to_owned(),
        text(&entry["choice"]).replace('_', " "),
        text(&entry["source"]).to_owned(),
        shown.join(" "),
    ]
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

async fn record(args: &RecordArgs) -> Result<(), Fail> {
    let api = Api::of(&args.target)?;
    let scope = match args.scope {
        AboutArg::Marketing => "marketing",
        AboutArg::Everything => "everything",
    };
    let choice = match args.choice {
        ChoiceArg::In => "opted_in",
        ChoiceArg::Out => "opted_out",
    };
    let mut body = Map::from_iter([
        ("scope".to_owned(), json!(scope)),
        ("choice".to_owned(), json!(choice)),
        ("source".to_owned(), json!(if args.imported { "import" } else { "cli" })),
    ]);
    let given = [
        ("at", &args.at),
        ("wording", &args.wording),
        ("said", &args.said),
        ("ip", &args.ip),
        ("url", &args.page),
        ("messageId", &args.message),
    ];
    body.extend(given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value.as_ref()?)))));
    let path = format!("customers/{}/consent", encoded(&args.customer));
    let answer = call(&api, &args.target, Method::POST, &path, Some(&Value::Object(body))).await?;
    if args.target.json {
        return out::json(&answer);
    }
    if answer["recorded"] == false {
        out::note("That very word is in the ledger already.");
    }
    stands(&answer);
    Ok(())
}

async fn export(customer: &str, to: &Path, target: &Target) -> Result<(), Fail> {
    let api = Api::of(target)?;
    let path = api.path(&format!("customers/{}/export", encoded(customer)));
    let failed = |why: std::io::Error| Fail::new(format!("{} cannot be written: {why}", to.display()));
    if to.as_os_str() == "-" {
        let mut out = std::io::stdout();
        let answer = api.client.download(&path, |piece| out.write_all(piece).map_err(failed)).await?;
        return answer.or_else(|(status, told)| Err(refusal(target.json, &told, status)?));
    }
    // A file that is there is somebody's; and what is written is for its owner only.
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(to).map_err(failed)?;
    let written = api.client.download(&path, |piece| file.write_all(piece).map_err(failed)).await;
    let whole = match written {
        Ok(Ok(())) => file.sync_all().map_err(failed),
        Ok(Err((status, told))) => Err(refusal(target.json, &told, status)?),
        Err(fail) => Err(fail),
    };
    if let Err(fail) = whole {
        // Half an export is none.
        let _ = std::fs::remove_file(to);
        return Err(fail);
    }
    out::note(format!(
        "{} has who this customer is, the whole ledger of consent, and what became of each message; not what was said.",
        to.display()
    ));
    Ok(())
}

fn read(file: &Path) -> Result<Value, Fail> {
    let failed = |why: std::io::Error| Fail::usage(format!("{} cannot be read: {why}", file.display()));
    let mut text = String::new();
    if file.as_os_str() == "-" {
        std::io::stdin().take(FILE_MAX).read_to_string(&mut text).map_err(failed)?;
    } else {
        std::fs::File::open(file).map_err(failed)?.take(FILE_MAX).read_to_string(&mut text).map_err(failed)?;
    }
    serde_json::from_str(&text).map_err(|why| {
        Fail::usage(format!("{} is not JSON: {why}", file.display()))
            .remedy(r#"It looks like {"builtIn":true,"languages":{"de":{"stop":["Genug"]}}}."#)
    })
}

/// Prints words as a table, the business's own first.
fn words(answer: &Value, target: &Target) -> Result<(), Fail> {
    if target.json {
        return out::json(answer);
    }
    let mut rows = Vec::new();
    for (whose, list) in [("own", "languages"), ("built in", "builtInWords")] {
        for (language, words) in answer[list].as_object().into_iter().flatten() {
            for (name, texts) in words.as_object().into_iter().flatten() {
                let all: Vec<&str> = texts.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                rows.push(vec![whose.to_owned(), language.clone(), name.clone(), all.join(", ")]);
            }
        }
    }
    if rows.is_empty() {
        out::note("No word counts: neither its own nor the built-in ones.");
    } else {
        out::table(&["whose", "language", "list", "words"], &rows);
    }
    Ok(())
}
