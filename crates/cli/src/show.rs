//! The operator's answers for people; with `--json` as they are.

use transom_gateway::admin::{AdminAnswer, EndpointView, Finding, KeyView, Level, SenderView, StepOutcome, TemplateView};
use transom_gateway::service::{Capacity, WaitingUse};

use crate::fail::Fail;
use crate::out;

/// Prints an answer.
///
/// # Errors
/// When what was found is a problem, so that scripts notice.
pub(crate) fn answer(answer: &AdminAnswer, json: bool) -> Result<(), Fail> {
    if json {
        out::json(answer)?;
    } else {
        for_people(answer);
    }
    match answer {
        AdminAnswer::Findings { data } if data.iter().any(|f| f.level == Level::Problem) => Err(Fail::told()),
        _ => Ok(()),
    }
}

fn for_people(answer: &AdminAnswer) {
    match answer {
        AdminAnswer::Business(made) => out::line(format!("Business {} is made: {}", made.name, made.id)),
        AdminAnswer::Businesses { data } => {
            let rows: Vec<_> = data.iter().map(|b| vec![b.id.to_string(), b.name.clone(), b.created_at.clone()]).collect();
            list(&["id", "name", "since"], &rows, "There is no business yet; `transom business add --name NAME` makes one.");
        }
        AdminAnswer::KeyMade { key, text } => {
            out::line(&text.0);
            out::note(format!("Key {} is made. Keep its text: it is shown this once.", key.id));
            out::note(format!("Twilio's SDKs name it {}, with that text as its secret.", key.twilio_sid));
        }
        AdminAnswer::Keys { data } => {
            list(
                &["id", "label", "scopes", "state"],
                &data.iter().map(key).collect::<Vec<_>>(),
                "There is no key yet; `transom key add` makes one.",
            );
        }
        AdminAnswer::Backup(view) => out::line(format!("{} of {} pages are copied.", view.copied, view.pages)),
        AdminAnswer::App(app) => {
            out::line(format!("App {} is stored.", app.id));
            if let Some(callback) = &app.callback {
                out::line(format!("Its callback: {callback} (`transom sender add` subscribes it)"));
            }
        }
        AdminAnswer::Apps { data } => {
            let rows: Vec<_> = data.iter().map(|a| vec![a.id.clone(), a.callback.clone().unwrap_or_default()]).collect();
            list(&["id", "callback"], &rows, "There is no app yet; `transom app put ID` adds one.");
        }
        AdminAnswer::SenderAdded { sender, steps } => {
            for step in steps {
                let mark = match step.outcome {
                    StepOutcome::Done => "✓",
                    StepOutcome::Skipped => "-",
                    StepOutcome::Warned => "!",
                };
                out::line(format!("{mark} {:<10} {}", step.step, step.said));
            }
            out::line(format!("Sender {} is ready: {}", sender.address, sender.id));
        }
        AdminAnswer::Senders { data } => {
            let rows: Vec<_> = data.iter().map(sender).collect();
            list(
                &["id", "address", "name", "business", "per second", "customers left", "waiting", "state"],
                &rows,
                "There is no sender yet; `transom sender add` adds one.",
            );
        }
        AdminAnswer::Sender(one) => whole_sender(one),
        AdminAnswer::EndpointMade { id, secret } => {
            out::line(format!("Endpoint {id} is registered. Its deliveries are signed with:"));
            out::line(&secret.0);
        }
        AdminAnswer::Endpoints { data } => {
            list(
                &["id", "told of", "address", "state"],
                &data.iter().map(endpoint).collect::<Vec<_>>(),
                "There is no endpoint yet; `transom endpoint add` registers one.",
            );
        }
        AdminAnswer::SecretMade { secret, old_until } => {
            out::line(&secret.0);
            out::note(format!("Deliveries are signed with this and the old secret until {old_until}."));
        }
        AdminAnswer::Twilio(view) => crate::twilio::show(view),
        AdminAnswer::TemplatesRead { read, changed, skipped } => {
            out::line(format!("{read} templates read, {changed} of them new or changed."));
            for why in skipped {
                out::note(format!("! not understood: {why}"));
            }
        }
        AdminAnswer::Templates { data } => {
            let rows: Vec<_> = data.iter().map(template).collect();
            list(
                &["name", "language", "category", "status"],
                &rows,
                "No template is known; `transom template sync` reads them from Meta.",
            );
        }
        AdminAnswer::Findings { data } => data.iter().for_each(finding),
        // Shown by whoever asked.
        AdminAnswer::Plain { value } => out::line(value.to_string()),
        AdminAnswer::Done { said } => out::line(said),
    }
}

fn list(heads: &[&str], rows: &[Vec<String>], none: &str) {
    if rows.is_empty() {
        out::note(none);
    } else {
        out::table(heads, rows);
    }
}

fn key(key: &KeyView) -> Vec<String> {
    let scopes: Vec<&str> = key.scopes.iter().map(|s| s.as_str()).collect();
    let state = match (&key.revoked_at, &key.expires_at) {
        (Some(at), _) => format!("revoked {at}"),
        (None, Some(at)) => format!("until {at}"),
        (None, None) => "valid".to_owned(),
    };
    vec![key.id.to_string(), key.label.clone(), scopes.join(","), state]
}

fn sender(sender: &SenderView) -> Vec<String> {
    vec![
        sender.id.to_string(),
        sender.address.clone(),
        sender.name.clone().unwrap_or_default(),
        sender.business.to_string(),
        sender.throughput.to_string(),
        left(&sender.capacity),
        sender.waiting.to_string(),
        sender.stopped.as_ref().map_or_else(|| "goes".to_owned(), |why| format!("stopped: {why}")),
    ]
}

/// How many customers may still be written to first.
fn left(capacity: &Capacity) -> String {
    let limit = &capacity.messaging_limit;
    match (&limit.tier, limit.customers, limit.left) {
        (Some(_), Some(customers), Some(left)) => format!("{left} of {customers}"),
        (Some(_), ..) => "no limit".to_owned(),
        (None, ..) => "not told yet".to_owned(),
    }
}

fn whole_sender(sender: &SenderView) {
    let Capacity { throughput, messaging_limit, quality, told_at, standing, templates, waiting, losses } = &sender.capacity;
    let say = |what: &str, said: String| out::line(format!("{what:<16} {said}"));
    say("sender", format!("{} {}", sender.address, sender.name.as_deref().unwrap_or_default()));
    say("id", sender.id.to_string());
    say("state", sender.stopped.as_ref().map_or_else(|| "goes".to_owned(), |why| format!("stopped: {why}")));
    let rest = throughput.resting_until.as_ref().map(|until| format!(", rests until {until}")).unwrap_or_default();
    say("throughput", format!("{} of {} a second used, in and out{rest}", throughput.used, throughput.per_second));
    let tier = messaging_limit.tier.as_ref().map(|tier| format!(" ({tier})")).unwrap_or_default();
    say("customers left", format!("{}{tier}", left(&sender.capacity)));
    if let Some(at) = &messaging_limit.next_place_at {
        say("next place", format!("{at}{}", if messaging_limit.held { ", for which messages wait" } else { "" }));
    }
    let told = told_at.as_ref().map(|at| format!(", as of {at}")).unwrap_or_default();
    say("quality", format!("{}{told}", quality.as_deref().unwrap_or("not rated")));
    for (what, member) in
        [("account", "account"), ("broke", "violation"), ("review", "review"), ("name", "nameStatus"), ("user name", "username")]
    {
        if let Some(word) = standing.get(member).and_then(serde_json::Value::as_str) {
            say(what, word.to_owned());
        }
    }
    for one in standing.get("restrictions").and_then(serde_json::Value::as_array).into_iter().flatten() {
        let part = |member: &str| one.get(member).and_then(serde_json::Value::as_str);
        let until = part("until").map(|until| format!(", until {until}")).unwrap_or_default();
        say("restricted", format!("{}{until}", part("kind").unwrap_or_default()));
    }
    say("templates", templates.to_string());
    let WaitingUse { total, reply, utility, marketing, oldest, next_at } = waiting;
    say("waiting", format!("{total}: {reply} replies and codes, {utility} utility, {marketing} marketing"));
    if losses.messages + losses.presumed_lost > 0 {
        say(
            "not heard of",
            format!(
                "of {} messages of seven days no status of {}, no delivery of {}; {} presumed lost",
                losses.messages, losses.unheard, losses.undelivered, losses.presumed_lost
            ),
        );
    }
    if let Some(at) = oldest {
        say("oldest", format!("accepted {at}"));
    }
    if let Some(at) = next_at {
        say("next", at.clone());
    }
}

/// What an endpoint without a topic is told.
fn told(endpoint: &EndpointView) -> String {
    if endpoint.events.is_empty() { "all events".to_owned() } else { endpoint.events.join(", ") }
}

fn endpoint(endpoint: &EndpointView) -> Vec<String> {
    let state = match (&endpoint.disabled, endpoint.failures) {
        (Some(why), _) => format!("off: {why}"),
        (None, 0) => "fine".to_owned(),
        (None, some) => format!("{some} failures in a row: {}", endpoint.last_error.as_deref().unwrap_or("")),
    };
    vec![
        endpoint.id.to_string(),
        endpoint.topic.map_or_else(|| told(endpoint), |topic| topic.as_str().to_owned()),
        endpoint.address.clone(),
        state,
    ]
}

fn template(template: &TemplateView) -> Vec<String> {
    let status = match &template.reason {
        Some(reason) => format!("{} ({reason})", template.status),
        None => template.status.clone(),
    };
    vec![template.name.clone(), template.language.clone(), template.category.clone(), status]
}

fn finding(finding: &Finding) {
    let mark = match finding.level {
        Level::Problem => "✗",
        Level::Warning => "!",
        Level::Fine => "✓",
    };
    out::line(format!("{mark} {}: {}", finding.about, finding.said));
    if !finding.remedy.is_empty() {
        out::line(format!("    {}", finding.remedy));
    }
}
