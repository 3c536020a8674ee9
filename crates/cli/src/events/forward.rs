//! `transom events forward`: a webhook endpoint on a laptop, without an address that the gateway could reach.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use reqwest::{StatusCode, Url};
use serde::{Deserialize, Serialize};

use transom_domain::time::Timestamp;
use transom_gateway::service::webhook_secret;
use transom_gateway::signing::Signer;

use super::follow::{Event, Follower, Heard};
use crate::api::Api;
use crate::args::{ForwardArgs, Target};
use crate::fail::Fail;
use crate::out;

/// What the state file is called, unless it is said.
const STATE: &str = "forward.json";
/// How long one delivery may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Wait before the first repetition; each further one waits twice as long.
const AGAIN_FIRST: Duration = Duration::from_millis(250);
/// The longest wait between two tries.
const AGAIN_MAX: Duration = Duration::from_secs(5);
/// How often the position is kept while there is nothing to forward.
const KEEP_EVERY: u64 = 1_000;

/// What is remembered from one run to the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    /// Whose positions these are.
    business: String,
    /// Position up to which everything is told.
    position: Option<u64>,
    /// What deliveries are signed with.
    secret: String,
}

/// Forwards events until it is stopped.
///
/// # Errors
/// When the gateway refuses, or the position cannot be kept.
pub(crate) async fn run(args: &ForwardArgs) -> Result<(), Fail> {
    let to = address(&args.to)?;
    let api = Api::of(&args.target)?;
    let path = args.state.clone().unwrap_or_else(|| state_path(&args.target));
    let mut state = begin(&path, api.business(), args.secret.as_deref())?;
    let after = args.filter.after.or(state.position);
    let signer = Signer::new(&state.secret, None);
    let http = reqwest::Client::builder().timeout(PATIENCE).no_proxy().redirect(reqwest::redirect::Policy::none()).build();
    let http = http.map_err(|why| Fail::new(format!("no HTTP client: {why}")))?;
    let from = after.map_or_else(|| "from now on".to_owned(), |after| format!("after position {after}"));
    out::note(format!("forwarding to {to} {from}; the position is kept in {}", path.display()));
    out::note(format!("signing secret: {}", state.secret));
    let mut follower = Follower::new(api, args.target.json, &args.filter, after);
    loop {
        match follower.next().await? {
            // What nobody here wants is passed, and need not be kept at once.
            Heard::Reached(position) => {
                if state.position.is_none_or(|known| position >= known.saturating_add(KEEP_EVERY)) {
                    keep(&path, &mut state, position)?;
                }
            }
            Heard::Event(event) => {
                let told = tell(&http, &to, &signer, &event, args).await?;
                keep(&path, &mut state, event.position)?;
                if !told {
                    out::note(format!("event {} was given up after {} tries", event.position, args.tries));
                }
            }
        }
    }
}

fn address(text: &str) -> Result<Url, Fail> {
    let wrong = |why: String| Fail::usage(format!("--to {text}: {why}")).remedy("Write it like --to http://localhost:3000/hook.");
    let url = Url::parse(text).map_err(|why| wrong(why.to_string()))?;
    if matches!(url.scheme(), "http" | "https") { Ok(url) } else { Err(wrong("is neither http nor https".to_owned())) }
}

/// Beside the `dev.env` that is used, or here.
fn state_path(target: &Target) -> PathBuf {
    let folder = match (&target.env, &target.dir) {
        (Some(file), _) => file.parent().map(Path::to_owned),
        (None, Some(dir)) => Some(dir.clone()),
        (None, None) if target.url.is_none() && Path::new(".transom").is_dir() => Some(PathBuf::from(".transom")),
        (None, None) => None,
    };
    folder.unwrap_or_default().join(STATE)
}

/// What an earlier run has left, or a beginning.
fn begin(path: &Path, business: &str, secret: Option<&str>) -> Result<State, Fail> {
    let unread = |why: String| {
        let remedy = "Remove it to begin with what happens next, or name another with --state.";
        Fail::usage(format!("{} cannot be used: {why}", path.display())).remedy(remedy)
    };
    let known: Option<State> = match std::fs::read(path) {
        Ok(bytes) => Some(serde_json::from_slice(&bytes).map_err(|why| unread(why.to_string()))?),
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => None,
        Err(why) => return Err(unread(why.to_string())),
    };
    if let Some(other) = known.as_ref().filter(|known| known.business != business) {
        return Err(unread(format!("its position is of business {}, and this is {business}", other.business)));
    }
    let secret = match (secret, &known) {
        (Some(secret), _) => secret.to_owned(),
        (None, Some(known)) => known.secret.clone(),
        (None, None) => webhook_secret().map_err(|why| Fail::new(format!("no secret can be made: {why}")))?,
    };
    let state = State { business: business.to_owned(), position: known.and_then(|known| known.position), secret };
    write(path, &state)?;
    Ok(state)
}

fn keep(path: &Path, state: &mut State, position: u64) -> Result<(), Fail> {
    state.position = Some(position);
    write(path, state)
}

/// Written whole, for this user alone, before the next event is looked at.
fn write(path: &Path, state: &State) -> Result<(), Fail> {
    let failed = |why: String| {
        Fail::new(format!("the position cannot be kept in {}: {why}", path.display()))
            .remedy("Name a file in a folder that can be written with --state.")
    };
    let text = serde_json::to_vec(state).map_err(|why| failed(why.to_string()))?;
    transom_gateway::seal::write_private(path, &text).map_err(|why| failed(why.to_string()))
}

/// Tells one event, again and again while the server is down. Says whether it was taken.
async fn tell(http: &reqwest::Client, to: &Url, signer: &Signer, event: &Event, args: &ForwardArgs) -> Result<bool, Fail> {
    let (mut refused, mut tried, mut wait) = (0, 0_u32, AGAIN_FIRST);
    loop {
        tried = tried.saturating_add(1);
        let begun = Instant::now();
        let answer = post(http, to, signer, event, tried).await;
        let took = begun.elapsed().as_millis();
        let taken = answer.as_ref().is_ok_and(StatusCode::is_success);
        report(args.target.json, event, &answer, took, tried)?;
        if taken {
            return Ok(true);
        }
        if answer.is_ok() {
            refused += 1;
            if refused >= args.tries {
                return Ok(false);
            }
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(AGAIN_MAX);
    }
}

async fn post(http: &reqwest::Client, to: &Url, signer: &Signer, event: &Event, attempt: u32) -> Result<StatusCode, String> {
    let id = event.json["id"].as_str().unwrap_or_default();
    // Receivers compare the stamp with their own clock, whatever the desk's says.
    let stamp = jiff::Timestamp::now().as_second().to_string();
    let signatures = signer.sign(id, &stamp, event.text.as_bytes(), Timestamp::EPOCH);
    let request = http
        .post(to.clone())
        .header("content-type", "application/json; charset=utf-8")
        .header("webhook-id", id)
        .header("webhook-timestamp", stamp)
        .header("webhook-signature", signatures.standard)
        .header("x-gateway-attempt", attempt)
        .body(event.text.clone());
    match request.send().await {
        Ok(answer) => Ok(answer.status()),
        Err(why) if why.is_timeout() => Err(format!("no answer within {} s", PATIENCE.as_secs())),
        Err(why) => {
            let mut cause: &dyn std::error::Error = &why;
            while let Some(inner) = cause.source() {
                cause = inner;
            }
            Err(cause.to_string())
        }
    }
}

/// One line per try: position, type, what was answered, and how long it took.
fn report(json: bool, event: &Event, answer: &Result<StatusCode, String>, took: u128, tried: u32) -> Result<(), Fail> {
    let kind = event.json["type"].as_str().unwrap_or_default();
    if json {
        let (status, error) = match answer {
            Ok(status) => (Some(status.as_u16()), None),
            Err(why) => (None, Some(why.as_str())),
        };
        let said = serde_json::json!({
            "position": event.position, "id": event.json["id"], "type": kind, "attempt": tried, "status": status, "error": error,
            "milliseconds": u64::try_from(took).unwrap_or(u64::MAX),
        });
        let line = serde_json::to_string(&said).map_err(|why| Fail::new(format!("the line cannot be written: {why}")))?;
        out::line(line);
        return Ok(());
    }
    let said = match answer {
        Ok(status) => status.as_u16().to_string(),
        Err(why) => why.clone(),
    };
    let again = if tried > 1 { format!("  (try {tried})") } else { String::new() };
    out::line(format!("{:>6}  {kind:<20}  {said}  {took} ms{again}", event.position));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_position_and_the_secret_are_kept_and_belong_to_one_business() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(STATE);
        let mut first = begin(&path, "one", None).unwrap();
        assert!(first.secret.starts_with("whsec_") && first.position.is_none());
        keep(&path, &mut first, 7).unwrap();
        assert_eq!(begin(&path, "one", None).unwrap(), first);
        assert_eq!(begin(&path, "one", Some("whsec_bmV3")).unwrap().secret, "whsec_bmV3");
        let refused = begin(&path, "two", None).unwrap_err();
        assert!(refused.message.contains("of business one") && refused.remedy.is_some());
        std::fs::write(&path, "nonsense").unwrap();
        assert!(begin(&path, "one", None).is_err());
    }

    #[test]
    fn only_http_is_forwarded_to() {
        assert!(address("http://localhost:3000/hook").is_ok());
        for wrong in ["localhost:3000", "ftp://localhost", "/hook"] {
            assert!(address(wrong).unwrap_err().remedy.is_some(), "{wrong}");
        }
    }
}
