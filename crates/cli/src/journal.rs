//! `transom journal …` and `transom retention …`, over the API like anybody else.

use reqwest::Method;
use serde_json::{Map, Value, json};

use transom_domain::time::Span;
use transom_gateway::config::Setting as _;

use crate::api::{Api, refusal};
use crate::args::{JournalCommand, JournalRange, RetentionCommand, Target};
use crate::fail::Fail;
use crate::out;

/// Entries of one page.
const PAGE: usize = 100;

/// Runs one of the commands.
///
/// # Errors
/// What was refused, and how to mend it.
pub(crate) async fn run(command: JournalCommand) -> Result<(), Fail> {
    match command {
        JournalCommand::Search { range, text, message, limit, target } => {
            search(&range, text.as_deref(), message.as_deref(), limit, &target).await
        }
        JournalCommand::Show { entry, target } => show(&entry, &target).await,
        JournalCommand::Replay { entries, range, target } => replay(&entries, &range, &target).await,
    }
}

async fn ask(api: &Api, target: &Target, method: Method, rest: &str, body: Option<&Value>) -> Result<Value, Fail> {
    let (status, answer) = api.client.call(method, &api.path(rest), body).await?;
    if (200..300).contains(&status) { Ok(answer) } else { Err(refusal(target.json, &answer, status)?) }
}

/// A moment, or how long ago.
fn moment(text: &str, flag: &str) -> Result<String, Fail> {
    if text.parse::<jiff::Timestamp>().is_ok() {
        return Ok(text.to_owned());
    }
    let ago = Span::read(text)
        .map_err(|_| Fail::usage(format!("{flag} {text}: is no moment")).remedy("Write it like 2026-11-22T08:00:00Z, or 24h."))?;
    let now = jiff::Timestamp::now().as_millisecond();
    jiff::Timestamp::from_millisecond(now - ago.as_millis()).map(|at| at.to_string()).map_err(|why| Fail::usage(why.to_string()))
}

fn moments(range: &JournalRange) -> Result<[Option<String>; 2], Fail> {
    let read = |text: &Option<String>, flag| text.as_deref().map(|text| moment(text, flag)).transpose();
    Ok([read(&range.since, "--since")?, read(&range.until, "--until")?])
}

fn text<'a>(value: &'a Value, at: &str) -> &'a str {
    value.pointer(at).and_then(Value::as_str).unwrap_or_default()
}

fn words(value: &Value, at: &str) -> String {
    let all = value.pointer(at).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")
}

fn line(entry: &Value) -> String {
    let unknown = words(entry, "/notUnderstood");
    let unknown = if unknown.is_empty() { unknown } else { format!("  not understood: {unknown}") };
    format!(
        "{:>8}  {}  {}  {:<17}  {:>7} B  {}{unknown}",
        entry["position"],
        text(entry, "/id"),
        text(entry, "/at"),
        text(entry, "/outcome"),
        entry["bytes"],
        words(entry, "/fields"),
    )
}

/// A query string of what is there.
fn query(pairs: &[(&str, Option<&str>)]) -> Result<String, Fail> {
    let there = pairs.iter().filter_map(|(name, value)| value.map(|value| (*name, value)));
    // Only the query of it is used.
    let url = reqwest::Url::parse_with_params("http://localhost/", there).map_err(|why| Fail::new(why.to_string()))?;
    Ok(url.query().unwrap_or_default().to_owned())
}

async fn search(
    range: &JournalRange,
    looked_for: Option<&str>,
    message: Option<&str>,
    limit: usize,
    target: &Target,
) -> Result<(), Fail> {
    let api = Api::of(target)?;
    let [since, until] = moments(range)?;
    let outcomes: Vec<_> = range.outcomes.iter().map(|outcome| outcome.as_str()).collect();
    let outcomes = (!outcomes.is_empty()).then(|| outcomes.join(","));
    let mut after = range.after;
    let (mut shown, mut all) = (0, Vec::new());
    loop {
        let (position, most) = (after.to_string(), PAGE.min(limit - shown).max(1).to_string());
        let asked = [
            ("after", Some(position.as_str())),
            ("limit", Some(most.as_str())),
            ("since", since.as_deref()),
            ("until", until.as_deref()),
            ("outcome", outcomes.as_deref()),
            ("field", range.field.as_deref()),
            ("text", looked_for),
            ("message", message),
        ];
        let page = ask(&api, target, Method::GET, &format!("journal?{}", query(&asked)?), None).await?;
        for entry in page["data"].as_array().map(Vec::as_slice).unwrap_or_default() {
            shown += 1;
            if target.json {
                all.push(entry.clone());
            } else {
                out::line(line(entry));
            }
        }
        let next = page["nextAfter"].as_u64().unwrap_or(after);
        let over = page["more"] != true || shown >= limit;
        after = next;
        if over {
            if target.json {
                return out::json(&json!({ "data": all, "nextAfter": after, "more": page["more"] }));
            }
            if page["more"] == true {
                out::note(format!("There may be more: go on with --after {after}."));
            }
            return Ok(());
        }
    }
}

async fn show(entry: &str, target: &Target) -> Result<(), Fail> {
    let api = Api::of(target)?;
    let found = ask(&api, target, Method::GET, &format!("journal/{entry}"), None).await?;
    if target.json {
        return out::json(&found);
    }
    out::note(line(&found));
    match (found["body"].as_str(), found["bodyBase64"].as_str()) {
        (Some(body), _) => out::line(body),
        (None, Some(encoded)) => out::line(encoded),
        (None, None) => out::note("Its body was taken out, since somebody's data had to go."),
    }
    Ok(())
}

async fn replay(entries: &[String], range: &JournalRange, target: &Target) -> Result<(), Fail> {
    let api = Api::of(target)?;
    let [since, until] = moments(range)?;
    let mut after = range.after;
    let (mut heard, mut news, mut left_out, mut all) = (0, 0, 0, Vec::new());
    let mut named = entries.chunks(50);
    loop {
        let body = if entries.is_empty() {
            let outcomes: Vec<_> = range.outcomes.iter().map(|outcome| outcome.as_str()).collect();
            let mut body = json!({ "after": after, "since": since, "until": until, "field": range.field });
            if !outcomes.is_empty() {
                body["outcomes"] = json!(outcomes);
            }
            body
        } else {
            let Some(ids) = named.next() else { break };
            json!({ "ids": ids })
        };
        let part = ask(&api, target, Method::POST, "journal/replay", Some(&body)).await?;
        for one in part["data"].as_array().map(Vec::as_slice).unwrap_or_default() {
            heard += 1;
            news += one["news"].as_u64().unwrap_or(0);
            left_out += u64::from(one["leftOut"].is_string());
            if target.json {
                all.push(one.clone());
            } else if one["news"].as_u64().unwrap_or(0) > 0 || one["leftOut"].is_string() {
                let did = match one["leftOut"].as_str() {
                    Some(why) => format!("left out: {why}"),
                    None => format!("new facts: {}", one["news"]),
                };
                out::line(format!("{}  {did}", line(&one["entry"])));
            }
        }
        if entries.is_empty() {
            after = part["nextAfter"].as_u64().unwrap_or(after);
            if part["more"] != true {
                break;
            }
        }
    }
    if target.json {
        return out::json(&json!({ "data": all, "news": news, "leftOut": left_out }));
    }
    out::line(format!("{heard} webhooks heard again: {news} new facts, {left_out} left out."));
    Ok(())
}

/// Runs one of the commands.
///
/// # Errors
/// What was refused, and how to mend it.
pub(crate) async fn retention(command: RetentionCommand) -> Result<(), Fail> {
    let (answer, target) = match command {
        RetentionCommand::Show { target } => {
            let api = Api::of(&target)?;
            (ask(&api, &target, Method::GET, "retention", None).await?, target)
        }
        RetentionCommand::Set { bodies, media, journal, events, target } => {
            let api = Api::of(&target)?;
            let known = ask(&api, &target, Method::GET, "retention", None).await?;
            let mut body = Map::new();
            for (name, asked) in [("bodies", bodies), ("media", media), ("journal", journal), ("events", events)] {
                let days = match asked {
                    Some(0) => Value::Null,
                    Some(days) => json!(days),
                    None => known[name]["days"].clone(),
                };
                body.insert(format!("{name}Days"), days);
            }
            (ask(&api, &target, Method::PUT, "retention", Some(&Value::Object(body))).await?, target)
        }
    };
    if target.json {
        return out::json(&answer);
    }
    for name in ["bodies", "media", "journal", "events"] {
        let [kept, most] = ["kept", "most"].map(|member| answer[name][member].as_str().unwrap_or_default());
        let chosen = if answer[name]["days"].is_null() { "as configured" } else { "chosen" };
        out::line(format!("{name:<8} {kept:<6} {chosen}; at most {most}"));
    }
    Ok(())
}
