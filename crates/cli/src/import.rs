//! `transom import twilio`: contents and their approvals, out of a Twilio account.
//!
//! A content keeps its SID: the id here is the same 128 bits, so that programs which name `HX…` go on as they are. What is here already
//! is never changed: what differs is said. So run twice, it changes nothing.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use reqwest::Method;
use serde_json::{Map, Value, json};

use transom_domain::content::Content;
use transom_domain::template::Definition;
use transom_domain::translate::said_by;

use crate::api::Api;
use crate::args::ImportTwilioArgs;
use crate::client::Client;
use crate::fail::Fail;
use crate::out;

/// Entries that are asked for at once: Twilio bounds an answer by its bytes and advises at most so many.
const PAGE: usize = 500;
/// Most pages that are followed: more than there can be contents.
const PAGES_MAX: usize = 10_000;

/// What became of one content.
struct Imported {
    sid: String,
    name: String,
    language: String,
    /// `created`, `unchanged`, `differs` or `refused`; `new` where nothing is to be done yet.
    outcome: &'static str,
    /// What differs, or why it is refused.
    why: Vec<String>,
    /// `unsubmitted`, `followed`, `notAtMeta` or `refused`; `atMeta` where nothing is to be done yet and it would be followed;
    /// `unknown` of content that differs.
    approval: &'static str,
    /// The template that is or would be followed, or why none is.
    approval_why: Option<String>,
}

impl Imported {
    fn json(&self) -> Value {
        json!({ "sid": self.sid, "friendlyName": self.name, "language": self.language, "outcome": self.outcome, "why": self.why,
            "approval": self.approval, "approvalWhy": self.approval_why })
    }

    fn tell(&self) {
        let why = if self.why.is_empty() { String::new() } else { format!(": {}", self.why.join("; ")) };
        let approval = match (self.approval, &self.approval_why) {
            ("unsubmitted", _) => String::new(),
            (word, None) => format!("; approval {word}"),
            (word, Some(why)) => format!("; approval {word}: {why}"),
        };
        out::line(format!("{}  {} ({})  {}{why}{approval}", self.sid, self.name, self.language, self.outcome));
    }
}

/// Content as Twilio has it.
struct Theirs {
    sid: String,
    name: String,
    language: String,
    /// As our own API reads it.
    body: Value,
    /// The name of its approval, and how far that is.
    approval: Option<(String, String)>,
}

impl Theirs {
    fn read(entry: &Value) -> Option<Self> {
        let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let sid = text("sid");
        let digits = sid.strip_prefix("HX").filter(|digits| digits.len() == 32)?;
        let part = |name: &str| entry.get(name).cloned().map(plain).filter(|value| !value.is_null());
        let body = json!({
            "id": digits,
            "friendlyName": text("friendly_name"),
            "language": text("language"),
            "variables": part("variables").unwrap_or_else(|| json!({})),
            "types": part("types").unwrap_or_else(|| json!({})),
        });
        let asked = |name: &str| entry.pointer(&format!("/approval_requests/{name}")).and_then(Value::as_str).unwrap_or_default();
        let status = asked("status").to_lowercase();
        let approval = (!asked("name").is_empty() && status != "unsubmitted").then(|| (asked("name").to_owned(), status));
        Some(Self { name: text("friendly_name"), language: text("language"), sid: sid.clone(), body, approval })
    }

    /// The names under which its template can stand at Meta: Twilio appends the SID; Transom does not.
    fn at_meta(&self) -> Vec<String> {
        let of = |(name, _): &(String, String)| vec![format!("{name}_{}", self.sid.to_lowercase()), name.clone()];
        self.approval.as_ref().map(of).unwrap_or_default()
    }
}

/// Without what Twilio says of fields that have no value: null, and the defaults of channels that are not here.
fn plain(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let given = fields.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(given.map(|(name, value)| (name, plain(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(plain).collect()),
        other => other,
    }
}

/// Reads contents and approvals of the account, and brings those that are not here.
///
/// # Errors
/// When either side does not answer, or some content is refused.
pub(crate) async fn twilio(args: &ImportTwilioArgs) -> Result<(), Fail> {
    let api = Api::of(&args.target)?;
    let token = std::env::var("TWILIO_IMPORT_AUTH_TOKEN").ok().filter(|token| !token.is_empty()).ok_or_else(|| {
        Fail::usage("TWILIO_IMPORT_AUTH_TOKEN is not set")
            .remedy("Set it to the auth token of the account, or with --key-sid to the secret of that API key: an argument would be seen by other users of this machine.")
    })?;
    let user = args.key_sid.as_deref().unwrap_or(&args.account_sid);
    let source = Client::basic(&args.base_url, &BASE64.encode(format!("{user}:{token}")))?;
    let mut all = Vec::new();
    for theirs in read_all(&source).await? {
        let done = one(&api, &theirs, args.dry_run).await?;
        if !args.target.json {
            done.tell();
        }
        all.push(done);
    }
    if args.target.json {
        out::json(&json!({ "data": all.iter().map(Imported::json).collect::<Vec<_>>() }))?;
    } else {
        let count = |outcome: &str| all.iter().filter(|done| done.outcome == outcome).count();
        let approvals = |word: &str| all.iter().filter(|done| done.approval == word).count();
        let new = if args.dry_run { format!("{} new", count("new")) } else { format!("{} created", count("created")) };
        out::line(format!(
            "{new}, {} unchanged, {} differ, {} refused; {} approvals followed{}",
            count("unchanged"),
            count("differs"),
            count("refused"),
            approvals("followed"),
            if args.dry_run { format!(", {} more would be", approvals("atMeta")) } else { String::new() }
        ));
    }
    match all.iter().filter(|done| done.outcome == "refused").count() {
        0 => Ok(()),
        refused => Err(Fail::new(format!("{refused} contents cannot be taken over as they are"))
            .remedy("The reasons are above; write those anew.")),
    }
}

async fn read_all(source: &Client) -> Result<Vec<Theirs>, Fail> {
    let (mut found, mut seen) = (Vec::new(), BTreeSet::new());
    let mut path = format!("/v1/ContentAndApprovals?PageSize={PAGE}");
    for _ in 0..PAGES_MAX {
        let (status, answer) = source.call(Method::GET, &path, None).await?;
        if status != 200 {
            let said = answer.get("message").and_then(Value::as_str).unwrap_or("no message").to_owned();
            let code = answer.get("code").and_then(Value::as_i64).unwrap_or_default();
            let fail = Fail::new(format!("the account cannot be read: HTTP {status}, code {code}: {said}"));
            return Err(fail.remedy("Check --account-sid, the token and --base-url."));
        }
        let entries = answer.get("contents").and_then(Value::as_array).cloned().unwrap_or_default();
        for theirs in entries.iter().filter_map(Theirs::read) {
            // An entry that moved between two pages comes twice.
            if seen.insert(theirs.sid.clone()) {
                found.push(theirs);
            }
        }
        let next = answer.pointer("/meta/next_page_url").and_then(Value::as_str);
        let Some(next) = next else { return Ok(found) };
        // Only path and query: whatever host it names, the token goes to the one that was given.
        let next = reqwest::Url::parse(next).map_err(|why| Fail::new(format!("the next page is no address: {why}")))?;
        path = format!("{}?{}", next.path(), next.query().unwrap_or_default());
    }
    Err(Fail::new("the list of contents has no end"))
}

async fn one(api: &Api, theirs: &Theirs, dry_run: bool) -> Result<Imported, Fail> {
    let mut done = Imported {
        sid: theirs.sid.clone(),
        name: theirs.name.clone(),
        language: theirs.language.clone(),
        outcome: "unchanged",
        why: Vec::new(),
        approval: "unsubmitted",
        approval_why: None,
    };
    let id = theirs.body.get("id").and_then(Value::as_str).unwrap_or_default();
    let at = api.path(&format!("contents/{id}"));
    let wanted = match read_content(&theirs.body) {
        Ok(wanted) => wanted,
        Err(why) => {
            (done.outcome, done.why) = ("refused", why);
            return Ok(done);
        }
    };
    match api.client.call(Method::GET, &at, None).await? {
        (200, here) => {
            done.why = differences(&wanted, theirs, &here);
            if !done.why.is_empty() {
                done.outcome = "differs";
            }
        }
        (404, _) if dry_run => done.outcome = "new",
        (404, _) => match api.client.call(Method::POST, &api.path("contents"), Some(&theirs.body)).await? {
            (201, _) => done.outcome = "created",
            (400 | 409, refused) => {
                (done.outcome, done.why) = ("refused", vec![said(&refused)]);
                return Ok(done);
            }
            (status, answer) => return Err(crate::api::refusal(false, &answer, status)?),
        },
        (status, answer) => return Err(crate::api::refusal(false, &answer, status)?),
    }
    follow(api, theirs, &wanted, &at, dry_run, &mut done).await?;
    Ok(done)
}

/// Finds the template that came of its approval at Meta, and follows it from here.
async fn follow(api: &Api, theirs: &Theirs, wanted: &Content, at: &str, dry_run: bool, done: &mut Imported) -> Result<(), Fail> {
    let names = theirs.at_meta();
    let Some((_, status)) = theirs.approval.as_ref().filter(|_| !names.is_empty()) else { return Ok(()) };
    if done.outcome == "differs" {
        done.approval = "unknown";
        done.approval_why = Some(format!("{status} at Twilio; the content here is another"));
    }
    let at = format!("{at}/approvals");
    let (found, known) = api.client.call(Method::GET, &at, None).await?;
    let known = known.get("data").and_then(Value::as_array).cloned().unwrap_or_default();
    let name_of = |approval: &Value| approval.get("name").and_then(Value::as_str).map(str::to_owned);
    if let Some(name) = known.iter().filter_map(name_of).find(|name| found == 200 && names.contains(name)) {
        (done.approval, done.approval_why) = ("followed", Some(name));
        return Ok(());
    }
    if done.outcome == "differs" {
        return Ok(());
    }
    (done.approval, done.approval_why) =
        ("notAtMeta", Some(format!("{status} at Twilio, and Meta has neither {}", names.join(" nor "))));
    if dry_run {
        return foresee(api, wanted, names, done).await;
    }
    for name in names {
        let body = json!({ "name": name, "existing": true });
        match api.client.call(Method::POST, &at, Some(&body)).await? {
            (201, _) => (done.approval, done.approval_why) = ("followed", Some(name)),
            (404, _) => continue,
            (400 | 409, refused) => (done.approval, done.approval_why) = ("refused", Some(said(&refused))),
            (status, answer) => return Err(crate::api::refusal(false, &answer, status)?),
        }
        break;
    }
    Ok(())
}

/// Says what following the template would come to, of those that are known here, and stores nothing.
async fn foresee(api: &Api, wanted: &Content, names: Vec<String>, done: &mut Imported) -> Result<(), Fail> {
    // Whatever else is no name of a template, and leads nowhere.
    for name in names.into_iter().filter(|name| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')) {
        let path = api.path(&format!("templates/{name}?language={}", wanted.language));
        match api.client.call(Method::GET, &path, None).await? {
            (200, answer) => {
                let there = answer.pointer("/data/0").and_then(definition);
                (done.approval, done.approval_why) = match there.map(|there| said_by(wanted, &there)) {
                    Some(Ok(_)) => ("atMeta", Some(name)),
                    Some(Err(differs)) => {
                        let parts = differs.join(", ");
                        ("refused", Some(format!("the template {name} at Meta says something else: its {parts}")))
                    }
                    None => ("unknown", Some(format!("the template {name} at Meta cannot be compared from here"))),
                };
            }
            (404, _) => continue,
            (400 | 409, refused) => (done.approval, done.approval_why) = ("refused", Some(said(&refused))),
            (status, answer) => return Err(crate::api::refusal(false, &answer, status)?),
        }
        break;
    }
    Ok(())
}

/// What a template says that our API shows.
fn definition(shown: &Value) -> Option<Definition> {
    let word = |name: &str| shown.get(name).and_then(Value::as_str);
    let category = transom_meta::templates::category(word("category")?)?;
    transom_meta::templates::read_components(shown.get("components")?, category, word("parameterFormat")).ok()
}

fn said(refused: &Value) -> String {
    refused.get("message").and_then(Value::as_str).unwrap_or("refused").to_owned()
}

/// Content by what it says, whatever the spelling of its JSON.
fn read_content(body: &Value) -> Result<Content, Vec<String>> {
    let parts = ["language", "types", "variables"];
    let object: Map<String, Value> =
        parts.into_iter().filter_map(|name| Some((name.to_owned(), body.get(name)?.clone()))).collect();
    let told = |found: Vec<transom_domain::field::FieldError>| {
        found.into_iter().map(|finding| format!("{}: {}", finding.field, finding.rule)).collect::<Vec<_>>()
    };
    Content::read(&Value::Object(object), "").map_err(told)
}

/// In what the content here is another than the one there.
fn differences(wanted: &Content, theirs: &Theirs, here: &Value) -> Vec<String> {
    let mut found = Vec::new();
    if here.get("friendlyName").and_then(Value::as_str) != Some(theirs.name.as_str()) {
        found.push("friendlyName".to_owned());
    }
    let Ok(known) = read_content(here) else { return vec!["it cannot be read here".to_owned()] };
    if known.language != wanted.language {
        found.push("language".to_owned());
    }
    if known.variables != wanted.variables {
        found.push("variables".to_owned());
    }
    let kinds: BTreeSet<_> = known.types.keys().chain(wanted.types.keys()).collect();
    let other = kinds.into_iter().filter(|kind| known.types.get(kind) != wanted.types.get(kind));
    found.extend(other.map(|kind| format!("types.{kind}")));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An entry as Twilio's documents show it, with what it fills in.
    fn recorded() -> Value {
        json!({
            "sid": "HX0123456789abcdef0123456789abcdef", "account_sid": "AC0123456789abcdef0123456789abcdef",
            "friendly_name": "pickup", "language": "en", "variables": { "1": "Ana" },
            "types": { "twilio/card": { "title": "Order {{1}} is ready", "subtitle": "Shop", "body": null, "media": [],
                "orientation": "VERTICAL", "actions": [{ "type": "URL", "title": "Track", "url": "https://shop.example.com/t/{{1}}",
                    "chip_list": null, "id": null, "webview_size": "NONE", "index": 0 }] } },
            "date_created": "2026-03-01T10:00:00Z", "date_updated": "2026-03-01T10:00:00Z",
            "approval_requests": { "name": "pickup_ready", "category": "UTILITY", "content_type": "twilio/card",
                "status": "approved", "rejection_reason": "", "allow_category_change": true }
        })
    }

    #[test]
    fn an_entry_keeps_its_sid_and_is_found_at_meta_by_both_names() {
        let theirs = Theirs::read(&recorded()).unwrap();
        assert_eq!(theirs.body["id"], "0123456789abcdef0123456789abcdef");
        assert_eq!(theirs.at_meta(), ["pickup_ready_hx0123456789abcdef0123456789abcdef", "pickup_ready"]);
        assert!(read_content(&theirs.body).is_ok());
        let mut never = recorded();
        never["approval_requests"] = json!({ "name": "", "status": "unsubmitted" });
        assert!(Theirs::read(&never).unwrap().at_meta().is_empty());
        never["sid"] = json!("HX1");
        assert!(Theirs::read(&never).is_none());
    }

    #[test]
    fn what_says_the_same_does_not_differ_and_what_does_is_named() {
        let theirs = Theirs::read(&recorded()).unwrap();
        let wanted = read_content(&theirs.body).unwrap();
        let mut here = json!({ "friendlyName": "pickup", "language": "en", "variables": { "1": "Ana" },
            "types": serde_json::to_value(&wanted).unwrap()["types"] });
        assert!(differences(&wanted, &theirs, &here).is_empty());
        here["friendlyName"] = json!("other");
        here["variables"] = json!({});
        here["types"] = json!({ "twilio/text": { "body": "Hi" } });
        assert_eq!(differences(&wanted, &theirs, &here), ["friendlyName", "variables", "types.twilio/text", "types.twilio/card"]);
        let refused = json!({ "language": "en", "types": { "twilio/pay": { "body": "Pix" } } });
        assert!(read_content(&refused).unwrap_err()[0].starts_with("types.twilio/pay"));
    }
}
