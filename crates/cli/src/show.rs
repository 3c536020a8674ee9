//! The operator's answers for people; with `--json` as they are.

use transom_gateway::admin::{
    AdminAnswer, EndpointView, Finding, HoldingView, KeyView, Level, ReplicaView, SenderView, StepOutcome, TemplateView, UserView,
};
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
        AdminAnswer::User { user, password } => {
            if let Some(password) = password {
                out::line(&password.0);
                out::note("That is the password. Keep it: it is shown this once.");
            }
            let (roles, ways) = (crate::user::roles(user), crate::user::ways(user));
            out::note(format!("{} is {roles}, and signs in with {ways}.", user.email));
        }
        AdminAnswer::Users { data } => {
            let row = |user: &UserView| {
                let seen = user.signed_in_at.clone().unwrap_or_else(|| "never".to_owned());
                vec![user.email.clone(), user.name.clone(), crate::user::roles(user), crate::user::ways(user), seen]
            };
            list(
                &["email", "name", "may", "with", "signed in"],
                &data.iter().map(row).collect::<Vec<_>>(),
                "Nobody uses the console yet; `transom user add EMAIL` lets somebody.",
            );
        }
        AdminAnswer::Keys { data } => {
            list(
                &["id", "label", "scopes", "state", "last used"],
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
        AdminAnswer::Replicas { shared, data, held } => replicas(*shared, data, held),
        AdminAnswer::Findings { data } => data.iter().for_each(finding),
        // Shown by whoever asked.
        AdminAnswer::Plain { value } => out::line(value.to_string()),
        AdminAnswer::Done { said } => out::line(said),
    }
}

fn replicas(shared: bool, data: &[ReplicaView], held: &[HoldingView]) {
    if !shared {
        return out::line("This store serves one process alone, which holds everything.");
    }
    let row = |one: &ReplicaView| {
        let lease = format!("{:.1} s", std::time::Duration::from_millis(one.lease_left_ms.unsigned_abs()).as_secs_f64());
        let [senders, endpoints, duties] = [one.senders, one.endpoints, one.duties].map(|count| count.to_string());
        vec![one.id.clone(), one.address.clone(), one.state.clone(), one.started_at.clone(), lease, senders, endpoints, duties]
    };
    let heads = ["replica", "address", "state", "since", "lease left", "senders", "endpoints", "duties"];
    list(&heads, &data.iter().map(row).collect::<Vec<_>>(), "There is no replica.");
    let row = |one: &HoldingView| {
        let by = one.replica.clone().unwrap_or_else(|| "nobody".to_owned());
        vec![one.kind.clone(), one.thing.clone(), one.name.clone(), by, one.since.clone()]
    };
    list(&["kind", "thing", "name", "replica", "since"], &held.iter().map(row).collect::<Vec<_>>(), "Nothing is held.");
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
    let used = key.last_used_at.clone().unwrap_or_else(|| "never".to_owned());
    vec![key.id.to_string(), key.label.clone(), scopes.join(","), state, used]
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
    let Capacity { throughput, messaging_limit, quality, told_at, standing, templates, waiting, losses, history } =
        &sender.capacity;
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
    match (history.state.as_str(), &history.asked_again_at) {
        ("asked", _) if history.waiting > 0 => {
            say("asked about", format!("{} messages are to be asked about at Meta", history.waiting));
        }
        ("not_offered", Some(again)) => {
            let why = history.reason.as_deref().unwrap_or_default();
            say("history", format!("Meta offers none ({why}); asked again {again}"));
        }
        _ => {}
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
