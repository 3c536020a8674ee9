//! Those who do something: businesses that send, look and cancel, and retry until they are answered; customers; Meta's desk.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};
use transom_domain::content::{Content, Language};
use transom_domain::free_form::FreeForm;
use transom_domain::id::{KeyId, MessageId};
use transom_domain::message::{WhenClosed, WhenRefused};
use transom_domain::parameters::Naming;
use transom_domain::time::{Span, Timestamp};
use transom_gateway::service::{Caller, SendCommand, Sent, What};
use transom_gateway::{House, Problem};
use transom_simulator::Standing;
use transom_store::{Actor, IdempotencyKey, Scopes};

use crate::dice::Dice;
use crate::ledger::Answer;
use crate::mutation::Mutation;
use crate::network::Passage;
use crate::plan::{Deed, Leg, Mishap, Say, Send, business_of};
use crate::town::{MARKETING, Town, UTILITY, UTILITY_TEXT, business_id, phone_of};

/// How long a caller waits for an answer.
const PATIENCE: Duration = Duration::from_secs(15);
/// How often a caller tries before it counts as stuck: far longer than all outages together.
const TRIES: u64 = 400;

/// Does it.
pub(crate) async fn act(town: Arc<Town>, deed: Deed) {
    match deed {
        Deed::Send(send) => {
            town.ledger().busy += 1;
            if let Err(why) = self::send(&town, send).await {
                town.wrong(format!("stuck: the caller of key {} {why}", send.key));
            }
            town.ledger().busy -= 1;
        }
        Deed::Look { key } => look(&town, key).await,
        Deed::Cancel { key } => cancel(&town, key).await,
        Deed::Write { customer, sender, ago } => {
            writes(&town, customer, sender, ago);
            stirred(&town);
        }
        Deed::Read { customer } => on_phone(&town, customer, |world, id| world.reads(id)),
        Deed::Online { customer, online } => on_phone(&town, customer, |world, id| world.set_online(id, online)),
        Deed::OptOut { customer, out } => on_phone(&town, customer, |world, id| world.set_opted_out(id, out)),
        Deed::Pause { sender, paused } => {
            let standing = if paused { Standing::Paused } else { Standing::Approved };
            let Some(template) = town.marketing.get(sender).copied() else { return };
            let mut meta = town.meta();
            if meta.up {
                // One that stands so already cannot be decided again, and need not be.
                let _ = meta.world.decide(template, standing);
            }
            drop(meta);
            town.note(&format!("desk: the marketing template of sender {sender} is {standing:?}"));
            stirred(&town);
        }
    }
}

fn stirred(town: &Town) {
    town.stirred.notify_one();
}

fn on_phone(town: &Town, customer: usize, act: impl FnOnce(&mut transom_simulator::Offline, u64)) {
    let Some(id) = town.customers.get(customer).copied() else { return };
    {
        let mut meta = town.meta();
        if !meta.up {
            return;
        }
        act(&mut meta.world, id);
    }
    town.note(&format!("customer {customer}: touches the phone"));
    stirred(town);
}

/// While Meta is away nobody can write.
fn writes(town: &Town, customer: usize, sender: usize, ago: i64) {
    let (Some(id), Some(number)) = (town.customers.get(customer), town.numbers.get(sender)) else { return };
    let now = town.clock.now();
    let wrote = {
        let mut meta = town.meta();
        if !meta.up {
            return;
        }
        meta.world.writes(*id, number.id, "Hello", Span::millis(ago))
    };
    match wrote {
        Ok(()) => {
            town.note(&format!("customer {customer}: wrote to sender {sender} {ago} ms ago"));
            town.ledger().wrote.push((customer, sender, now, now.minus(Span::millis(ago))));
        }
        Err(why) => town.wrong(format!("the trial itself: customer {customer} cannot write: {why}")),
    }
}

fn caller(sender: usize) -> Caller {
    Caller { business: business_id(business_of(sender)), who: Actor::Key(KeyId(1)), scopes: Scopes::ADMIN }
}

fn language() -> Result<Language> {
    Language::parse("en").map_err(|why| anyhow!("{why:?}"))
}

fn command(town: &Town, send: &Send, key: String, at: Timestamp) -> Result<SendCommand> {
    let template = |name: &str| -> Result<What> {
        let (name, language) = (name.to_owned(), Some(language()?));
        Ok(What::Template { name, language, fallback: Vec::new(), parameters: Vec::new(), naming: Naming::Published })
    };
    let what = match send.say {
        Say::Text => What::FreeForm(FreeForm::Text { body: format!("Message {}", send.key), preview_url: false }),
        Say::Content => {
            let content = json!({ "language": "en", "types": { "twilio/text": { "body": UTILITY_TEXT } } });
            let content = Content::read(&content, "content").map_err(|found| anyhow!("{found:?}"))?;
            What::Content { content, variables: Default::default(), template: None, when_closed: WhenClosed::Template }
        }
        Say::Utility => template(UTILITY)?,
        Say::Marketing => template(MARKETING)?,
    };
    let from = town.numbers.get(send.sender).ok_or_else(|| anyhow!("there is no such sender"))?;
    Ok(SendCommand {
        to: phone_of(send.customer).parse().map_err(|why| anyhow!("{why}"))?,
        from: Some(from.display.parse().map_err(|why| anyhow!("{why}"))?),
        id: None,
        name: None,
        what,
        send_at: send.delay.map(|delay| at.plus(Span::secs(delay))),
        validity: send.validity.map(Span::secs),
        when_unknown: send.when_unknown,
        callback_data: None,
        when_refused: WhenRefused::Refuse,
        campaign: Some(format!("k{}", send.key)),
        origin: None,
        human: None,
        context: None,
        idempotency: Some(IdempotencyKey { key, fingerprint: [u8::try_from(send.key % 251).unwrap_or(0); 32] }),
    })
}

/// Sends until there is an answer.
async fn send(town: &Arc<Town>, send: Send) -> Result<()> {
    let asked_at = town.clock.now();
    let mut dice = Dice::named(town.plan.seed, 5, u64::from(send.key));
    for attempt in 0..TRIES {
        let key = match town.mutation {
            Some(Mutation::RetriesWithoutKey) => format!("k{}-{attempt}", send.key),
            _ => format!("k{}", send.key),
        };
        let command = command(town, &send, key, asked_at)?;
        let caller = caller(send.sender);
        let answer = ask(town, move |house| async move { house.service().send(&caller, command).await }).await;
        match answer {
            Some(Ok(sent)) => {
                let id = id_of(&sent)?;
                town.note(&format!("caller: key {} is accepted as {id}", send.key));
                let mut ledger = town.ledger();
                ledger.keys.insert(id, send.key);
                ledger.answers.insert(send.key, Answer::Accepted(id));
                return Ok(());
            }
            Some(Err(problem)) if problem.code.status() < 500 && problem.retry_after.is_none() => {
                town.note(&format!("caller: key {} is refused: {:?}", send.key, problem.code));
                let refused = Answer::Refused(format!("{:?}", problem.code));
                town.ledger().answers.insert(send.key, refused);
                return Ok(());
            }
            _ => sleep(Duration::from_millis(200 + dice.draw() % 4_000)).await,
        }
    }
    Err(anyhow!("was not answered in {TRIES} tries"))
}

fn id_of(sent: &Sent) -> Result<MessageId> {
    match sent {
        Sent::Accepted { id, .. } => Ok(*id),
        Sent::Replayed { body } => {
            let body: Value = serde_json::from_slice(body)?;
            let id = body.get("id").and_then(Value::as_str).ok_or_else(|| anyhow!("a replay has no id"))?;
            id.parse().map_err(|why| anyhow!("{why}"))
        }
    }
}

async fn look(town: &Arc<Town>, key: u32) {
    let Some((id, sender)) = known(town, key) else { return };
    let caller = caller(sender);
    let (seen, at) = (town.clone(), town.clock.clone());
    let _ = ask(town, move |house| async move {
        let message = house.service().message(&caller, id).await?;
        // Noted where it is read: on its way to the caller one look may overtake another.
        seen.ledger().shown.entry(id).or_default().push((at.now(), message.status));
        Ok(())
    })
    .await;
}

async fn cancel(town: &Arc<Town>, key: u32) {
    let Some((id, sender)) = known(town, key) else { return };
    let caller = caller(sender);
    town.ledger().asked_off.insert(key);
    let done = ask(town, move |house| async move { house.service().cancel(&caller, id).await }).await;
    if let Some(Ok(())) = done {
        town.note(&format!("caller: key {key} is cancelled"));
        town.ledger().cancelled.insert(key);
    }
}

/// A message whose acceptance its caller has heard of, and its sender.
fn known(town: &Town, key: u32) -> Option<(MessageId, usize)> {
    let Some(Answer::Accepted(id)) = town.ledger().answers.get(&key).cloned() else { return None };
    let sender = town.plan.acts.iter().find_map(|act| match act.deed {
        Deed::Send(send) if send.key == key => Some(send.sender),
        _ => None,
    });
    sender.map(|sender| (id, sender))
}

/// One request of a caller: none when no answer came.
async fn ask<T, F>(
    town: &Arc<Town>,
    ask: impl FnOnce(Arc<House>) -> F + std::marker::Send + 'static,
) -> Option<Result<T, Problem>>
where
    T: std::marker::Send + 'static,
    F: Future<Output = Result<T, Problem>> + std::marker::Send + 'static,
{
    let passage = Passage::next(town, Leg::Caller);
    passage.go().await;
    if matches!(passage.mishap, Some(Mishap::Unreachable | Mishap::RequestLost | Mishap::Proxy | Mishap::Refused(_))) {
        return None;
    }
    let (process, house) = town.house()?;
    let (tell, told) = oneshot::channel();
    process.spawn(async move {
        let _ = tell.send(ask(house).await);
    });
    let answer = timeout(PATIENCE, told).await.ok()?.ok()?;
    passage.come_back().await;
    if matches!(passage.mishap, Some(Mishap::AnswerLost | Mishap::Garbled)) { None } else { Some(answer) }
}
