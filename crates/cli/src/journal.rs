//! `transom journal …` and `transom retention …`, over the API like anybody else.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Map, Value, json};

use transom_domain::time::Span;
use transom_gateway::admin::{AdminAnswer, AdminCommand};
use transom_gateway::config::Setting as _;

use crate::admin::{Hand, parse, unexpected};
use crate::api::{Api, refusal};
use crate::args::{JournalCommand, JournalRange, Place, RetentionCommand, Target};
use crate::fail::Fail;
use crate::out;

/// Entries of one page.
const PAGE: usize = 100;
/// How often it is looked for what is new.
const LOOK: Duration = Duration::from_secs(1);
/// Later than anything that ever comes.
const END_OF_TIME: &str = "9999-01-01T00:00:00Z";

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
        JournalCommand::Tail { since, outcomes, field, text, target } => {
            let range = JournalRange { since, until: None, outcomes, field, after: 0 };
            tail(&range, text.as_deref(), &target).await
        }
        JournalCommand::Replay { entries, range, detach, target } if entries.is_empty() => {
            replay_range(&range, detach, &target).await
        }
        JournalCommand::Replay { entries, target, .. } => replay(&entries, &target).await,
        JournalCommand::Replays { target } => replays(&target).await,
        JournalCommand::StopReplay { replay, target } => {
            let api = Api::of(&target)?;
            let answer = ask(&api, &target, Method::DELETE, &format!("journal/replay/{replay}"), None).await?;
            if target.json {
                return out::json(&answer);
            }
            out::line(format!("Replay {replay} is stopped."));
            Ok(())
        }
        JournalCommand::Stray { entry, place } => stray(entry.as_deref(), &place).await,
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

fn outcomes(range: &JournalRange) -> Vec<&'static str> {
    range.outcomes.iter().map(|outcome| outcome.as_str()).collect()
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
    let outcomes = outcomes(range);
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
    shown(&ask(&api, target, Method::GET, &format!("journal/{entry}"), None).await?, target.json)
}

fn shown(found: &Value, json: bool) -> Result<(), Fail> {
    if json {
        return out::json(found);
    }
    out::note(line(found));
    match (found["body"].as_str(), found["bodyBase64"].as_str()) {
        // Whoever wrote it does not speak to the terminal; a file gets every byte.
        (Some(body), _) if std::io::stdout().is_terminal() => {
            out::line(body.split('\n').map(out::clean).collect::<Vec<_>>().join("\n"));
        }
        (Some(body), _) => out::line(body),
        (None, Some(encoded)) => out::line(encoded),
        (None, None) => out::note("Its body was taken out, since somebody's data had to go."),
    }
    Ok(())
}

/// Shows what comes in. The journal is looked at again and again: webhooks come when they come.
async fn tail(range: &JournalRange, text: Option<&str>, target: &Target) -> Result<(), Fail> {
    let api = Api::of(target)?;
    let since = match &range.since {
        Some(since) => moment(since, "--since")?,
        // Later than all that is there, whatever the gateway's clock says: so its place is the end.
        None => END_OF_TIME.to_owned(),
    };
    let outcomes = outcomes(range).join(",");
    let (mut after, mut since) = (0_u64, Some(since));
    let mut lost = false;
    let mut stdout = std::io::stdout();
    loop {
        let position = after.to_string();
        let asked = [
            ("after", Some(position.as_str())),
            ("limit", Some("100")),
            ("since", since.as_deref()),
            ("outcome", (!outcomes.is_empty()).then_some(outcomes.as_str())),
            ("field", range.field.as_deref()),
            ("text", text),
        ];
        let page = match ask(&api, target, Method::GET, &format!("journal?{}", query(&asked)?), None).await {
            Ok(page) => page,
            // At the start it is a mistake; later it may be a restart.
            Err(why) if since.is_some() => return Err(why),
            Err(why) => {
                if !std::mem::replace(&mut lost, true) {
                    out::note(format!("{}; going on once the gateway answers", why.message));
                }
                tokio::time::sleep(LOOK).await;
                continue;
            }
        };
        let first = since.take().is_some_and(|since| since == END_OF_TIME);
        lost = false;
        if first {
            out::note(format!("following from position {}; --since 1h shows what came before", page["nextAfter"]));
        }
        for entry in page["data"].as_array().map(Vec::as_slice).unwrap_or_default() {
            let shown = if target.json { entry.to_string() } else { line(entry) };
            if writeln!(stdout, "{shown}").and_then(|()| stdout.flush()).is_err() {
                // Whoever read has enough.
                return Ok(());
            }
        }
        after = page["nextAfter"].as_u64().unwrap_or(after);
        if page["more"] != true {
            tokio::time::sleep(LOOK).await;
        }
    }
}

async fn replay(entries: &[String], target: &Target) -> Result<(), Fail> {
    let api = Api::of(target)?;
    let (mut heard, mut news, mut left_out, mut all) = (0, 0, 0, Vec::new());
    for ids in entries.chunks(50) {
        let part = ask(&api, target, Method::POST, "journal/replay", Some(&json!({ "ids": ids }))).await?;
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
    }
    if target.json {
        return out::json(&json!({ "data": all, "news": news, "leftOut": left_out }));
    }
    out::line(format!("{heard} webhooks heard again: {news} new facts, {left_out} left out."));
    Ok(())
}

async fn replay_range(range: &JournalRange, detach: bool, target: &Target) -> Result<(), Fail> {
    let api = Api::of(target)?;
    let [since, until] = moments(range)?;
    let mut body = json!({ "after": range.after, "since": since, "until": until, "field": range.field });
    let outcomes = outcomes(range);
    if !outcomes.is_empty() {
        body["outcomes"] = json!(outcomes);
    }
    let mut replay = ask(&api, target, Method::POST, "journal/replay", Some(&body)).await?;
    let id = text(&replay, "/id").to_owned();
    if detach {
        if target.json {
            return out::json(&replay);
        }
        out::line(format!("Replay {id} is under way; `transom journal replays` shows how far it is."));
        return Ok(());
    }
    while replay["status"] == "running" {
        tokio::time::sleep(LOOK / 4).await;
        let known = ask(&api, target, Method::GET, "journal/replay", None).await?;
        let mine = known["data"].as_array().and_then(|all| all.iter().find(|one| text(one, "/id") == id));
        replay = mine.cloned().ok_or_else(|| Fail::new(format!("replay {id} is gone")))?;
    }
    if target.json {
        return out::json(&replay);
    }
    let stopped = if replay["status"] == "stopped" { " before it was stopped" } else { "" };
    out::line(format!(
        "{} webhooks heard again{stopped}: {} new facts, {} left out.",
        replay["entries"], replay["news"], replay["leftOut"]
    ));
    Ok(())
}

async fn replays(target: &Target) -> Result<(), Fail> {
    let api = Api::of(target)?;
    let known = ask(&api, target, Method::GET, "journal/replay", None).await?;
    if target.json {
        return out::json(&known);
    }
    let row = |replay: &Value| {
        let words = |names: [&str; 3]| names.map(|name| text(replay, name).to_owned());
        let numbers = ["cursor", "to", "entries", "news", "leftOut"].map(|name| replay[name].to_string());
        [words(["/id", "/status", "/createdAt"]).to_vec(), numbers.to_vec()].concat()
    };
    let rows: Vec<_> = known["data"].as_array().into_iter().flatten().map(row).collect();
    if rows.is_empty() {
        out::note("There are none.");
    } else {
        out::table(&["id", "status", "since", "got to", "to", "heard", "new facts", "left out"], &rows);
    }
    Ok(())
}

async fn stray(entry: Option<&str>, place: &Place) -> Result<(), Fail> {
    let hand = Hand::find(place).await?;
    let ask = async |command| match hand.ask(command).await? {
        AdminAnswer::Plain { value } => Ok(value),
        other => Err(unexpected(&other)),
    };
    if let Some(text) = entry {
        return shown(&ask(AdminCommand::StrayShow { entry: parse(text, "entry")? }).await?, place.json);
    }
    let mut all = Vec::new();
    let mut after = 0;
    loop {
        let page: Value = ask(AdminCommand::StrayList { after }).await?;
        all.extend(page["data"].as_array().into_iter().flatten().cloned());
        after = page["nextAfter"].as_u64().unwrap_or(after);
        if page["more"] != true {
            break;
        }
    }
    if place.json {
        return out::json(&json!({ "data": all }));
    }
    if all.is_empty() {
        out::note("There are none.");
    }
    for entry in &all {
        out::line(format!("{}  app {}  {}", line(entry), text(entry, "/app"), text(entry, "/passedOver")));
    }
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
