//! `transom customer …`: who a business's customers are, over the API like anybody else.

use reqwest::Method;
use serde_json::{Value, json};

use crate::api::{Api, encoded, refusal};
use crate::args::{CustomerCommand, Target};
use crate::fail::Fail;
use crate::out;

/// Runs one of the commands.
///
/// # Errors
/// What the gateway refuses.
pub(crate) async fn run(command: CustomerCommand) -> Result<(), Fail> {
    match command {
        CustomerCommand::List { query, limit, target } => list(query.as_deref(), limit, &target).await,
        CustomerCommand::Show { customer, target } => {
            let answer = call(&target, Method::GET, &format!("customers/{}", encoded(&customer)), None).await?;
            show(&answer, &target)
        }
        CustomerCommand::Merge { customer, other, target } => {
            let path = format!("customers/{}/merge", encoded(&customer));
            show(&call(&target, Method::POST, &path, Some(&json!({ "with": other }))).await?, &target)
        }
        CustomerCommand::Unmerge { merged, target } => {
            let path = format!("merges/{}/undo", encoded(&merged));
            show(&call(&target, Method::POST, &path, Some(&json!({}))).await?, &target)
        }
        // Without the word that it is meant, it was refused already.
        CustomerCommand::Erase { customer, yes: _, target } => {
            let answer = call(&target, Method::DELETE, &format!("customers/{}", encoded(&customer)), None).await?;
            erased(&answer, &target)
        }
    }
}

async fn call(target: &Target, method: Method, path: &str, body: Option<&Value>) -> Result<Value, Fail> {
    let api = Api::of(target)?;
    match api.client.call(method, &api.path(path), body).await? {
        (200..=299, answer) => Ok(answer),
        (status, answer) => Err(refusal(target.json, &answer, status)?),
    }
}

/// How far an erasure is.
fn erased(erasure: &Value, target: &Target) -> Result<(), Fail> {
    if target.json {
        return out::json(erasure);
    }
    for (label, name) in [("customer", "customerId"), ("status", "status"), ("stage", "stage"), ("done", "doneAt")] {
        if let Some(value) = erasure[name].as_str() {
            out::line(format!("{label:<10} {value}"));
        }
    }
    for name in ["messages", "events", "bodies"] {
        out::line(format!("{name:<10} {}", erasure[name]));
    }
    if erasure["status"] == "running" {
        out::note(format!(
            "It goes on by itself; `transom customer erase {} --yes` shows how far it is.",
            text(&erasure["customerId"])
        ));
    }
    Ok(())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

async fn list(query: Option<&str>, limit: u32, target: &Target) -> Result<(), Fail> {
    let asked = query.map(|query| format!("&q={}", encoded(query))).unwrap_or_default();
    let answer = call(target, Method::GET, &format!("customers?pageSize={limit}{asked}"), None).await?;
    if target.json {
        return out::json(&answer);
    }
    let row =
        |person: &Value| ["id", "name", "username", "phoneNumber", "userId"].map(|name| text(&person[name]).to_owned()).to_vec();
    let rows: Vec<Vec<String>> = answer["data"].as_array().into_iter().flatten().map(row).collect();
    if rows.is_empty() {
        out::note("Nobody was found.");
    } else {
        out::table(&["id", "name", "username", "phone", "user id"], &rows);
    }
    if answer["nextPageToken"].is_string() {
        out::note("There are more; give a --limit, or the beginning of a number or of a word of a name.");
    }
    Ok(())
}

fn show(person: &Value, target: &Target) -> Result<(), Fail> {
    if target.json {
        return out::json(person);
    }
    for (label, name) in [("customer", "id"), ("name", "name"), ("username", "username"), ("address", "address")] {
        if let Some(value) = person[name].as_str() {
            out::line(format!("{label:<10} {}", out::clean(value)));
        }
    }
    let identity = |identity: &Value| {
        let until = identity["until"].as_str().map(|until| format!("until {until}"));
        let now = if identity["present"] == true { "now".to_owned() } else { until.unwrap_or_else(|| "before".to_owned()) };
        let mut row = ["identity", "since", "lastSeenAt", "learnt"].map(|name| text(&identity[name]).replace('_', " ")).to_vec();
        row.insert(1, now);
        row
    };
    let rows: Vec<Vec<String>> = person["identities"].as_array().into_iter().flatten().map(identity).collect();
    out::table(&["identity", "is it", "since", "last seen", "learnt"], &rows);
    let merged = |merged: &Value| ["id", "name", "at", "reason"].map(|name| text(&merged[name]).replace('_', " ")).to_vec();
    let rows: Vec<Vec<String>> = person["merged"].as_array().into_iter().flatten().map(merged).collect();
    if !rows.is_empty() {
        out::table(&["merged", "name", "at", "reason"], &rows);
    }
    let session = |session: &Value| {
        let open =
            if session["open"] == true { format!("open until {}", text(&session["openUntil"])) } else { "closed".to_owned() };
        vec![text(&session["sender"]).to_owned(), open, text(&session["lastHeardAt"]).to_owned()]
    };
    let rows: Vec<Vec<String>> = person["sessions"].as_array().into_iter().flatten().map(session).collect();
    if !rows.is_empty() {
        out::table(&["sender", "session", "last heard"], &rows);
    }
    for scope in ["marketing", "everything"] {
        if let Some(choice) = person["consent"][scope]["choice"].as_str() {
            let since = text(&person["consent"][scope]["since"]);
            out::line(format!("{scope:<10} {} since {since}", choice.replace('_', " ")));
        }
    }
    Ok(())
}
