//! `transom endpoint …`

use serde_json::{Map, Value, json};

use transom_domain::id::EndpointId;
use transom_gateway::admin::{AdminAnswer, AdminCommand, EndpointAsk};
use transom_store::Topic;

use crate::admin::{Hand, answer, parse, unexpected};
use crate::args::{EndpointCommand, EndpointFlags, OrderArg, OutcomeArg, PayloadArg, Place, ReplayArgs, TopicArg};
use crate::fail::Fail;
use crate::out;

/// The operator's hand on the endpoints of one business.
struct Desk {
    hand: Hand,
    business: transom_domain::id::BusinessId,
    place: Place,
}

impl Desk {
    async fn of(business: Option<String>, place: Place) -> Result<Self, Fail> {
        let hand = Hand::find(&place).await?;
        let business = hand.business(business.as_deref()).await?;
        Ok(Self { hand, business, place })
    }

    async fn plain(&self, command: AdminCommand) -> Result<(), Fail> {
        answer(&self.hand, &self.place, command).await
    }

    async fn ask(&self, ask: EndpointAsk) -> Result<Value, Fail> {
        match self.hand.ask(AdminCommand::Endpoint { business: self.business, ask }).await? {
            AdminAnswer::Plain { value } => Ok(value),
            other => Err(unexpected(&other)),
        }
    }

    /// Asks, and shows the answer: as it is for programs, else in the words of `show`.
    async fn show(&self, ask: EndpointAsk, show: impl FnOnce(&Value)) -> Result<(), Fail> {
        let value = self.ask(ask).await?;
        if self.place.json {
            return out::json(&value);
        }
        show(&value);
        Ok(())
    }

    async fn done(&self, ask: EndpointAsk, said: String) -> Result<(), Fail> {
        self.show(ask, |_| out::line(said)).await
    }
}

/// `transom endpoint …`
pub(crate) async fn endpoint(command: EndpointCommand) -> Result<(), Fail> {
    match command {
        EndpointCommand::Add { address, topic: Some(topic), echo, business, place, .. } => {
            let desk = Desk::of(business, place).await?;
            let topic = match topic {
                TopicArg::Messages => Topic::Messages,
                TopicArg::DeliveryStatus => Topic::DeliveryStatus,
                TopicArg::TemplateStatus => Topic::TemplateStatus,
            };
            desk.plain(AdminCommand::EndpointAdd { business: desk.business, topic, address, echo }).await
        }
        EndpointCommand::Add { address, payload, flags, business, place, .. } => {
            let mut body = wishes(flags);
            body.insert("url".to_owned(), address.into());
            if let Some(payload) = payload {
                let word = match payload {
                    PayloadArg::Event => "event",
                    PayloadArg::Raw => "raw",
                };
                body.insert("payload".to_owned(), word.into());
            }
            let desk = Desk::of(business, place).await?;
            desk.show(EndpointAsk::Add { body: body.into() }, |made| {
                out::line(format!("Endpoint {} is registered. Its deliveries are signed with:", text(made, "id")));
                out::line(text(made, "secret"));
                out::note("It is not shown again; `transom endpoint rotate-secret` makes another.");
            })
            .await
        }
        EndpointCommand::List { business, place } => {
            let desk = Desk::of(business, place).await?;
            desk.plain(AdminCommand::EndpointList { business: desk.business }).await
        }
        EndpointCommand::Show { endpoint, business, place } => {
            let desk = Desk::of(business, place).await?;
            desk.show(EndpointAsk::Show { endpoint: id(&endpoint)? }, whole).await
        }
        EndpointCommand::Update { endpoint, address, echo, flags, business, place } => {
            let desk = Desk::of(business, place).await?;
            let endpoint = id(&endpoint)?;
            let ask = EndpointAsk::Update { endpoint, address, echo, more: wishes(flags) };
            desk.done(ask, format!("Endpoint {endpoint} is changed.")).await
        }
        EndpointCommand::Test { endpoint, business, place } => {
            let desk = Desk::of(business, place).await?;
            desk.show(EndpointAsk::Test { endpoint: id(&endpoint)? }, tested).await
        }
        EndpointCommand::Enable { endpoint, business, place } => switch(&endpoint, true, business, place).await,
        EndpointCommand::Disable { endpoint, business, place } => switch(&endpoint, false, business, place).await,
        EndpointCommand::Remove { endpoint, business, place } => {
            let desk = Desk::of(business, place).await?;
            desk.plain(AdminCommand::EndpointRemove { business: desk.business, endpoint: id(&endpoint)? }).await
        }
        EndpointCommand::Deliveries { endpoint, outcome, limit, page_token, business, place } => {
            let desk = Desk::of(business, place).await?;
            let outcome = outcome.map(|outcome| match outcome {
                OutcomeArg::Waiting => "&outcome=waiting",
                OutcomeArg::GivenUp => "&outcome=given_up",
            });
            let token = page_token.map(|token| format!("&pageToken={token}"));
            let query = format!("pageSize={limit}{}{}", outcome.unwrap_or_default(), token.unwrap_or_default());
            desk.show(EndpointAsk::Deliveries { endpoint: id(&endpoint)?, query }, deliveries).await
        }
        EndpointCommand::Retry { endpoint, event, business, place } => {
            let desk = Desk::of(business, place).await?;
            let ask = EndpointAsk::Retry { endpoint: id(&endpoint)?, event: parse(&event, "event")? };
            desk.done(ask, "The delivery is due now.".to_owned()).await
        }
        EndpointCommand::Replay { endpoint, range, business, place } => {
            let desk = Desk::of(business, place).await?;
            let endpoint = id(&endpoint)?;
            match range {
                ReplayArgs { list: true, .. } => {
                    desk.show(EndpointAsk::Replays { endpoint }, |all| replays(all["data"].as_array().map_or(&[], Vec::as_slice)))
                        .await
                }
                ReplayArgs { stop: Some(replay), .. } => {
                    let ask = EndpointAsk::StopReplay { endpoint, replay: parse(&replay, "replay")? };
                    desk.done(ask, format!("Replay {replay} is stopped.")).await
                }
                ReplayArgs { failed, from, to, since, until, .. } => {
                    let what = if failed { "failed" } else { "all" };
                    let body = json!({ "what": what, "from": from, "to": to, "since": since, "until": until });
                    desk.show(EndpointAsk::Replay { endpoint, body }, |one| replays(std::slice::from_ref(one))).await
                }
            }
        }
        EndpointCommand::RotateSecret { endpoint: None, business, place, .. } => {
            let desk = Desk::of(business, place).await?;
            desk.plain(AdminCommand::SecretRotate { business: desk.business }).await
        }
        EndpointCommand::RotateSecret { endpoint: Some(endpoint), keep_hours, business, place } => {
            let desk = Desk::of(business, place).await?;
            let body = json!({ "keepOldSeconds": keep_hours.map(|hours| u32::from(hours) * 3_600) });
            desk.show(EndpointAsk::Rotate { endpoint: id(&endpoint)?, body }, |made| {
                out::line(text(made, "secret"));
                let until = text(made, "previousSecretUntil");
                out::note(format!("Deliveries are signed with this and the old secret until {until}."));
            })
            .await
        }
    }
}

fn id(text: &str) -> Result<EndpointId, Fail> {
    parse(text, "endpoint")
}

async fn switch(endpoint: &str, on: bool, business: Option<String>, place: Place) -> Result<(), Fail> {
    let desk = Desk::of(business, place).await?;
    let endpoint = id(endpoint)?;
    let said = format!("Endpoint {endpoint} is switched {}.", if on { "on" } else { "off" });
    desk.done(EndpointAsk::Switch { endpoint, on }, said).await
}

/// The parts that were named, as the API takes them.
fn wishes(flags: EndpointFlags) -> Map<String, Value> {
    let EndpointFlags { events, senders, channels, campaigns, description, order, concurrency, timeout } = flags;
    let mut body = Map::new();
    for (name, list) in [("events", events), ("senders", senders), ("channels", channels), ("campaigns", campaigns)] {
        if !list.is_empty() {
            body.insert(name.to_owned(), list.into());
        }
    }
    let order = order.map(|order| match order {
        OrderArg::None => "none",
        OrderArg::Conversation => "conversation",
    });
    body.extend(description.map(|text| ("description".to_owned(), text.into())));
    body.extend(order.map(|word| ("order".to_owned(), word.into())));
    body.extend(concurrency.map(|n| ("maxConcurrency".to_owned(), n.into())));
    body.extend(timeout.map(|n| ("timeoutSeconds".to_owned(), n.into())));
    body
}

fn text(value: &Value, name: &str) -> String {
    match &value[name] {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// One line for each part that says something.
fn whole(endpoint: &Value) {
    for (name, value) in endpoint.as_object().into_iter().flatten() {
        let shown = text(endpoint, name);
        if !value.is_null() && !shown.is_empty() {
            out::line(format!("{name:<22} {shown}"));
        }
    }
}

fn tested(test: &Value) {
    let took = format!("{} ms", text(test, "durationMillis"));
    match (test["delivered"].as_bool(), test["error"].as_str()) {
        (Some(true), _) => out::line(format!("It took the test: HTTP {} in {took}.", text(test, "status"))),
        (_, why) => out::line(format!("It did not take the test: {} ({took}).", why.unwrap_or("no reason"))),
    }
}

fn deliveries(page: &Value) {
    let rows: Vec<Vec<String>> = page["data"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|line| {
            let last = &line["lastAttempt"];
            vec![
                text(line, "position"),
                text(line, "eventId"),
                text(line, "type"),
                text(line, "outcome"),
                text(line, "attempts"),
                text(line, "nextAttemptAt"),
                text(last, "error"),
            ]
        })
        .collect();
    if rows.is_empty() {
        out::line("There are none.");
    } else {
        out::table(&["position", "event", "type", "outcome", "tries", "next", "last error"], &rows);
    }
    if let Some(token) = page["nextPageToken"].as_str() {
        out::note(format!("There may be more: --page-token {token}"));
    }
}

fn replays(all: &[Value]) {
    let rows: Vec<Vec<String>> = all
        .iter()
        .map(|one| ["id", "what", "status", "from", "to", "cursor", "delivered", "failed"].map(|name| text(one, name)).to_vec())
        .collect();
    if rows.is_empty() {
        out::line("There are none.");
    } else {
        out::table(&["id", "what", "status", "from", "to", "got to", "told", "failed"], &rows);
    }
}
