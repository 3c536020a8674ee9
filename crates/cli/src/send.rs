//! `transom send` and `transom verdict`: one message from the shell, through the API like anybody else's.

use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::api::{Api, refusal};
use crate::args::{MessageArgs, SendArgs};
use crate::fail::Fail;
use crate::out;

/// Largest content file: the API takes 1 MiB.
const CONTENT_MAX: u64 = 1 << 20;
/// How long `--wait` waits.
const PATIENCE: Duration = Duration::from_secs(60);
/// Gap between two looks.
const LOOK_GAP: Duration = Duration::from_millis(100);

fn body_of(args: &MessageArgs) -> Result<Value, Fail> {
    let content = match (&args.text, &args.content) {
        (Some(text), _) => json!({ "language": args.language, "types": { "twilio/text": { "body": text } } }),
        (None, Some(path)) => read_content(path)?,
        (None, None) => return Err(Fail::usage("nothing to say").remedy("Give --text or --content.")),
    };
    let mut variables = Map::new();
    for pair in &args.variables {
        let (name, value) = pair
            .split_once('=')
            .ok_or_else(|| Fail::usage(format!("--var {pair}: is no NAME=VALUE")).remedy("Write it like --var 1=Ana."))?;
        variables.insert(name.to_owned(), json!(value));
    }
    let mut body = json!({ "to": args.to, "content": content });
    if let Some(map) = body.as_object_mut() {
        if !variables.is_empty() {
            map.insert("variables".to_owned(), Value::Object(variables));
        }
        if let Some(from) = &args.from {
            map.insert("from".to_owned(), json!(from));
        }
        if let Some(template) = &args.template {
            let (name, language) = template.split_once(':').ok_or_else(|| {
                Fail::usage(format!("--template {template}: is no NAME:LANGUAGE"))
                    .remedy("Write it like --template order_update:en.")
            })?;
            map.insert("template".to_owned(), json!({ "name": name, "language": language }));
        }
    }
    Ok(body)
}

fn read_content(path: &Path) -> Result<Value, Fail> {
    let failed = |why: std::io::Error| Fail::usage(format!("{} cannot be read: {why}", path.display()));
    let mut text = String::new();
    if path.as_os_str() == "-" {
        std::io::stdin().take(CONTENT_MAX).read_to_string(&mut text).map_err(failed)?;
    } else {
        std::fs::File::open(path).map_err(failed)?.take(CONTENT_MAX).read_to_string(&mut text).map_err(failed)?;
    }
    serde_json::from_str(&text).map_err(|why| {
        Fail::usage(format!("{} is not JSON: {why}", path.display()))
            .remedy(r#"Content looks like {"language":"en","types":{"twilio/text":{"body":"Hello"}}}."#)
    })
}

/// Sends one message.
///
/// # Errors
/// When it is refused, or `--wait` sees it fail.
pub(crate) async fn send(args: &SendArgs) -> Result<(), Fail> {
    let api = Api::of(&args.message.target)?;
    let body = body_of(&args.message)?;
    let client = match &args.idempotency_key {
        Some(key) => api.client.clone().idempotent(key),
        None => api.client.clone(),
    };
    let (status, answer) = client.call(Method::POST, &api.path("messages"), Some(&body)).await?;
    if !(200..300).contains(&status) {
        return Err(refusal(args.message.target.json, &answer, status)?);
    }
    let mut shown = answer;
    if args.wait {
        shown = wait(&api, &shown).await?;
    }
    if args.message.target.json {
        out::json(&shown)?;
    } else {
        out::line(format!("{}  {}", text(&shown, "/id"), text(&shown, "/status")));
        if let Some(why) = shown.pointer("/verdict/explanation").and_then(Value::as_str) {
            out::line(why);
        }
    }
    match shown["status"].as_str() {
        Some(bad @ ("failed" | "expired" | "cancelled")) if args.wait => Err(Fail::new(format!("the message is {bad}"))),
        _ => Ok(()),
    }
}

async fn wait(api: &Api, sent: &Value) -> Result<Value, Fail> {
    let path = api.path(&format!("messages/{}", text(sent, "/id")));
    let end = tokio::time::Instant::now() + PATIENCE;
    loop {
        let message = api.client.must(Method::GET, &path, None).await?;
        let over = matches!(message["status"].as_str(), Some("delivered" | "read" | "failed" | "expired" | "cancelled"));
        if over {
            return Ok(message);
        }
        if tokio::time::Instant::now() >= end {
            return Err(Fail::new(format!("the message is {} after {} seconds", text(&message, "/status"), PATIENCE.as_secs())));
        }
        tokio::time::sleep(LOOK_GAP).await;
    }
}

/// Asks whether it would go.
///
/// # Errors
/// When the question is not understood.
pub(crate) async fn verdict(args: &MessageArgs) -> Result<(), Fail> {
    let api = Api::of(&args.target)?;
    let (status, answer) = api.client.call(Method::POST, &api.path("verdicts"), Some(&body_of(args)?)).await?;
    if !(200..300).contains(&status) {
        return Err(refusal(args.target.json, &answer, status)?);
    }
    if args.target.json {
        return out::json(&answer);
    }
    let verdict = answer.get("verdict").unwrap_or(&answer);
    out::line(format!("{}  {}", text(verdict, "/kind"), text(verdict, "/explanation")));
    for alternative in verdict["alternatives"].as_array().into_iter().flatten() {
        out::line(format!("  instead: {}", text(alternative, "/explanation")));
    }
    Ok(())
}

fn text<'a>(value: &'a Value, at: &str) -> &'a str {
    value.pointer(at).and_then(Value::as_str).unwrap_or("")
}
