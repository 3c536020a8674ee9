//! A house under load with everybody who watches it, from the first greeting until all has come to rest and is judged.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::steps::say;

use super::client::list;
use super::ears::Ears;
use super::gather::{self, Record};
use super::house::{House, Order};
use super::judge::{Evidence, Judgement, Message, Wish, judge};
use super::load::Load;

/// How long everything may take to come to rest; the longest gap between two tries of a refused message is ten minutes.
const REST_WITHIN: Duration = Duration::from_secs(900);
/// How often it is looked whether it has.
const LOOK: Duration = Duration::from_millis(500);

/// Who plays.
pub(crate) struct Scene {
    pub(crate) house: Arc<House>,
    pub(crate) load: Arc<Load>,
    pub(crate) ears: Arc<Ears>,
    /// When the load began.
    pub(crate) begun: Instant,
    /// Kills so far, for the line that says how it goes.
    pub(crate) kills: Arc<AtomicUsize>,
    callers: JoinSet<()>,
    watcher: tokio::task::JoinHandle<()>,
    stop: watch::Sender<bool>,
}

/// What it came to.
pub(crate) struct Ending {
    pub(crate) judgement: Judgement,
    /// Answers that callers heard, by status; 0: none.
    pub(crate) answers: Vec<(u16, usize)>,
    /// Gauges that must be at zero in the end.
    pub(crate) left_over: Vec<(String, f64)>,
    /// From the first message of the load to the end.
    pub(crate) took: Duration,
}

impl Scene {
    /// Opens a house, lets customers write, and starts a load of so many messages a second.
    ///
    /// # Errors
    /// When anything of it fails: nothing is under fault yet.
    pub(crate) async fn open(order: Order<'_>, rate: u32) -> Result<Self> {
        let mut house = House::open(order).await?;
        let (ears, endpoint) = Ears::open().await?;
        house.tell(&endpoint).await?;
        ears.trust(&house.identity.webhook_secret);
        let (house, load) = (Arc::new(house), Load::new(rate));
        load.greet(&house).await?;
        until_heard(&house, &load).await?;
        let (begun, kills) = (Instant::now(), Arc::new(AtomicUsize::new(0)));
        let (stop, stopped) = watch::channel(false);
        let callers = load.start(&house);
        let watcher = tokio::spawn(live(house.clone(), load.clone(), ears.clone(), kills.clone(), stopped));
        Ok(Self { house, load, ears, begun, kills, callers, watcher, stop })
    }

    /// One more kill is done.
    ///
    /// # Errors
    /// When the load has seen what must never be: there is no use in going on.
    pub(crate) fn killed(&self, so_many: usize) -> Result<()> {
        if let Some(wrong) = self.load.look(|seen| seen.wrong.first().cloned()) {
            bail!("{wrong}");
        }
        self.kills.store(so_many, Ordering::SeqCst);
        Ok(())
    }

    /// Goes on without faults for a while, since silence is judged by what comes later; then waits until everything is at rest, judges it,
    /// and ends the gateways.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) async fn close(self, afterwards: Duration) -> Result<Ending> {
        let Self { house, load, ears, begun, callers, watcher, stop, .. } = self;
        say("no more faults; the load goes on for a while, then everything comes to rest");
        tokio::time::sleep(afterwards).await;
        load.stop();
        callers.join_all().await;
        stop.send_replace(true);
        watcher.await?;
        let evidence = rest(&house, &load, &ears).await?;
        let left_over = gauges(&house).await?;
        let mut judgement = judge(&evidence);
        judgement.wrong.extend(load.look(|seen| seen.wrong.clone()));
        let wrong_deliveries = ears.wrong.load(Ordering::SeqCst);
        if wrong_deliveries > 0 {
            judgement.wrong.push(format!("{wrong_deliveries} deliveries had a wrong signature or shape"));
        }
        for (ended_well, took) in house.terminate().await? {
            if !ended_well {
                judgement.wrong.push(format!("a gateway did not end well in the end, after {} ms", took.as_millis()));
            }
        }
        let answers = load.look(|seen| seen.answers.iter().map(|(k, v)| (*k, *v)).collect());
        Ok(Ending { judgement, answers, left_over, took: begun.elapsed() })
    }
}

/// The sessions of all that wrote are known to the gateway: what the load sends will not be refused.
async fn until_heard(house: &House, load: &Load) -> Result<()> {
    let wanted = load.look(|seen| seen.inbound.len());
    let end = Instant::now() + REST_WITHIN;
    while gather::inbound(house).await?.len() < wanted {
        if Instant::now() > end {
            bail!("the gateway did not hear of the first messages");
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

/// A line a few times a minute: how it goes.
async fn live(house: Arc<House>, load: Arc<Load>, ears: Arc<Ears>, kills: Arc<AtomicUsize>, mut stop: watch::Receiver<bool>) {
    let begun = Instant::now();
    let mut record = Record::default();
    let mut settled = HashSet::new();
    let mut from = 0;
    loop {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(5)) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        let _ = record.read_on(&house.desk).await;
        let told = ears.told(from);
        from += told.len();
        settled.extend(told.into_iter().filter(|t| t.status.as_deref().is_some_and(|s| s != "sent")).map(|t| t.message));
        let (accepted, doubled) = load.look(|seen| {
            let asked_for: HashSet<&str> =
                seen.accepted.iter().filter(|a| a.wish == Wish::Resend).map(|a| a.id.as_str()).collect();
            let doubled = record.taken.iter().filter(|(id, times)| **times > 1 && !asked_for.contains(id.as_str())).count();
            (seen.accepted.len(), doubled)
        });
        let unknown = match house.api().glance(&house.path("/messages?status=unknown&pageSize=200")).await {
            Some(page) => list(&page, "/data").len().to_string(),
            None => "?".to_owned(),
        };
        let seconds = begun.elapsed().as_secs();
        say(&format!(
            "{:>3}:{:02}  {:>5} kills  {accepted:>7} accepted  {:>7} settled  {:>5} open  {unknown:>3} unknown  {doubled} doubled",
            seconds / 60,
            seconds % 60,
            kills.load(Ordering::SeqCst),
            settled.len(),
            accepted.saturating_sub(settled.len()),
        ));
    }
}

/// Waits until everything has come to rest, and reads all of it.
async fn rest(house: &Arc<House>, load: &Load, ears: &Ears) -> Result<Evidence> {
    let end = Instant::now() + REST_WITHIN;
    let accepted = load.look(|seen| seen.accepted.clone());
    // Messages first: once all have their end, nothing makes new events but what the upstream still owes.
    let mut messages = HashMap::new();
    let mut open: Vec<String> = accepted.iter().map(|accepted| accepted.id.clone()).collect();
    loop {
        messages.extend(gather::messages(house, open).await?);
        open = accepted.iter().map(|a| a.id.clone()).filter(|id| !messages.get(id).is_some_and(is_over)).collect();
        if open.is_empty() || Instant::now() > end {
            break;
        }
        say(&format!("{} messages are not at their end yet", open.len()));
        tokio::time::sleep(LOOK * 4).await;
    }
    loop {
        let state = house.desk.get("/sim/v1/state").await?;
        let owed = state.pointer("/webhooks/owed").and_then(Value::as_u64).unwrap_or(0);
        if owed == 0 || Instant::now() > end {
            break;
        }
        tokio::time::sleep(LOOK).await;
    }
    let mut events = gather::events(house).await?;
    loop {
        let told: HashSet<String> = ears.told(0).into_iter().map(|told| told.event).collect();
        let untold = events.iter().filter(|event| event.topic.is_some() && !told.contains(&event.id)).count();
        if untold == 0 || Instant::now() > end {
            break;
        }
        tokio::time::sleep(LOOK * 2).await;
        events = gather::events(house).await?;
    }
    // Read again: a late word may have settled what had been given up.
    let given_up: Vec<String> = messages.iter().filter(|(_, m)| m.status != "delivered").map(|(id, _)| id.clone()).collect();
    messages.extend(gather::messages(house, given_up).await?);
    Ok(Evidence {
        messages,
        on_phones: gather::on_phones(house).await?,
        taken: gather::taken(&house.desk).await?,
        events,
        told: ears.told(0),
        inbound: load.look(|seen| seen.inbound.clone()),
        inbound_kept: gather::inbound(house).await?,
        accepted,
    })
}

fn is_over(message: &Message) -> bool {
    matches!(message.status.as_str(), "delivered" | "read" | "failed" | "expired")
}

/// What waits and what is under way, as the gateways' own metrics tell; zero when they are at rest.
async fn gauges(house: &House) -> Result<Vec<(String, f64)>> {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let mut gauges = Vec::new();
        for (number, gateway) in (1..).zip(house.gateways()) {
            let text = gateway.api.text("/metrics").await.context("the metrics cannot be read")?;
            let wanted = ["transom_messages_waiting{", "transom_attempts_in_flight", "transom_senders_stopped"];
            let lines = text.lines().filter(|line| wanted.iter().any(|name| line.starts_with(name)));
            gauges.extend(lines.filter_map(|line| {
                let (name, value) = line.rsplit_once(' ')?;
                Some((format!("gateway {number}: {name}"), value.parse::<f64>().ok()?))
            }));
        }
        // They are set anew every few seconds.
        let is_told = gauges.iter().any(|(name, _)| name.contains("transom_messages_waiting"));
        if (is_told && gauges.iter().all(|(_, value)| *value == 0.0)) || Instant::now() > end {
            anyhow::ensure!(is_told, "the metrics do not say how many messages wait");
            return Ok(gauges);
        }
        tokio::time::sleep(LOOK).await;
    }
}
