//! `cargo xtask crash`: the two processes under every fault, and the simulator's own record as the judge.

mod chaos;
mod client;
mod disk;
mod ears;
mod gather;
mod house;
mod judge;
mod load;
mod options;
mod process;
mod report;
mod schedule;
pub(crate) mod soak;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::steps::{run as run_in, say};
use crate::{root, target};

use chaos::Chaos;
use client::list;
use disk::Disk;
use ears::Ears;
use gather::Record;
use house::{House, UNKNOWN_WAIT};
use judge::{Evidence, judge};
use load::Load;
use options::Options;
use report::Report;
use schedule::{Fault, Track, Whom};

/// After the last fault the load goes on for longer than the wait for a lost answer: silence is judged by what comes later.
const AFTERWARDS: Duration = Duration::from_secs(UNKNOWN_WAIT.as_secs() + 10);
/// How long everything may take to come to rest; the longest gap between two tries of a refused message is ten minutes.
const REST_WITHIN: Duration = Duration::from_secs(900);
/// How often it is looked whether it has.
const LOOK: Duration = Duration::from_millis(500);

/// Builds both programs, then runs the trial from that build, in a mount namespace of its own where the disk is to be full.
///
/// # Errors
/// When anything was lost or doubled, or anything else was found.
pub(crate) fn command(args: &[&str]) -> Result<()> {
    let options = Options::read(args)?;
    run_in(&root(), "cargo", &["build", "--profile", "quick", "--package", "transom", "--package", "xtask"])?;
    let built = target().join("quick");
    let (xtask, transom) = (built.join("xtask").display().to_string(), built.join("transom").display().to_string());
    let mut line = vec!["crash-run", &transom];
    line.extend(args);
    if options.disk.is_none() {
        return run_in(&root(), &xtask, &line);
    }
    let mut within = vec!["--user", "--map-root-user", "--mount", &xtask];
    within.extend(line);
    run_in(&root(), "unshare", &within)
}

/// The trial itself.
///
/// # Errors
/// As [`command`].
pub(crate) fn run(transom: &str, args: &[&str]) -> Result<()> {
    let options = Options::read(args)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(trial(Path::new(transom), &options, args))
}

async fn trial(transom: &Path, options: &Options, args: &[&str]) -> Result<()> {
    chaos::tools(&options.faults)?;
    let mut dir = tempfile::Builder::new().prefix("transom-crash-").tempdir()?;
    dir.disable_cleanup(options.keep);
    let folder = dir.path().join("gateway");
    std::fs::create_dir(&folder)?;
    let disk = options.disk.map(|megabytes| Disk::mount(&folder, megabytes)).transpose()?;
    let mut house = House::open(transom, &folder, dir.path()).await?;
    let (ears, endpoint) = Ears::open().await?;
    house.tell(&endpoint).await?;
    ears.trust(&house.identity.webhook_secret);
    let house = Arc::new(house);
    let load = Load::new(options.rate);
    say(&format!("seed {}; {}", options.seed, dir.path().display()));
    load.greet(&house).await?;
    until_heard(&house, &load).await?;

    let (begun, done) = (Instant::now(), Arc::new(AtomicUsize::new(0)));
    let (stop, stopped) = watch::channel(false);
    let chaos = Chaos::new(house.clone(), ears.clone(), disk);
    let callers = load.start(&house);
    let supervisor = tokio::spawn(chaos.clone().supervise(stopped.clone()));
    let mut tracks = JoinSet::new();
    for track in Track::ALL {
        tracks.spawn(chaos.clone().follow(options.seed, track, options.faults.clone(), stopped.clone()));
    }
    let watcher = tokio::spawn(live(house.clone(), load.clone(), ears.clone(), done.clone(), stopped));
    let kills = kill(options, &house, &load, &done, begun).await;
    // Also when a process did not come back: everything that was begun is ended first.
    stop.send_replace(true);
    while tracks.join_next().await.is_some() {}
    let watched = watcher.await;
    let kills = kills?;
    supervisor.await??;
    drop(watched);
    say("no more faults; the load goes on for a while, then everything comes to rest");
    tokio::time::sleep(AFTERWARDS).await;
    load.stop();
    callers.join_all().await;
    let evidence = rest(&house, &load, &ears).await?;
    let left_over = gauges(&house).await?;
    let judgement = judge(&evidence);

    let answers: Vec<(u16, usize)> = load.look(|seen| seen.answers.iter().map(|(k, v)| (*k, *v)).collect());
    let (gateway_back, simulator_back) = house.back();
    let mut judgement = judgement;
    judgement.wrong.extend(load.look(|seen| seen.wrong.clone()));
    let wrong_deliveries = ears.wrong.load(Ordering::SeqCst);
    if wrong_deliveries > 0 {
        judgement.wrong.push(format!("{wrong_deliveries} deliveries had a wrong signature or shape"));
    }
    let (ended_well, took) = {
        let mut gateway = house.gateway.lock().await;
        tokio::task::block_in_place(|| gateway.terminate())?
    };
    if !ended_well {
        judgement.wrong.push(format!("the gateway did not end well in the end, after {} ms", took.as_millis()));
    }
    let tally = chaos.look(|tally| chaos::Tally {
        injected: tally.injected.clone(),
        ended: tally.ended.clone(),
        failed: tally.failed.clone(),
    });
    let disk = match options.disk {
        Some(megabytes) => format!("a file system of its own, tmpfs of {megabytes} MB, full when ordered"),
        None => "on the disk".to_owned(),
    };
    let report = Report {
        command: &options.shown(args),
        machine: &options.machine,
        date: &options.date,
        seed: options.seed,
        took: begun.elapsed(),
        disk: &disk,
        settings: &house::settings(),
        gateway_kills: kills.0,
        simulator_kills: kills.1,
        gateway_back,
        simulator_back,
        refused_starts: house.refused_starts.load(Ordering::SeqCst),
        tally: &tally,
        answers: &answers,
        left_over: &left_over,
        judgement: &judgement,
    };
    let text = report.markdown();
    say(&format!("\n{text}"));
    if let Some(out) = &options.out {
        std::fs::write(out, &text).with_context(|| format!("{out} cannot be written"))?;
    }
    if !report.wrong().is_empty() {
        bail!("{}", report.headline());
    }
    Ok(())
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

/// The kills, until enough of them are done or time is up; how many of the gateway and of the simulator.
async fn kill(options: &Options, house: &Arc<House>, load: &Load, done: &AtomicUsize, begun: Instant) -> Result<(usize, usize)> {
    let (mut of_gateway, mut of_simulator) = (0, 0);
    for kill in schedule::kills(options.seed) {
        if of_gateway + of_simulator >= options.kills || options.minutes.is_some_and(|m| begun.elapsed() >= m) {
            break;
        }
        tokio::time::sleep(kill.after).await;
        house.kill(kill.whom).await?;
        of_gateway += usize::from(kill.whom != Whom::Simulator);
        of_simulator += usize::from(kill.whom != Whom::Gateway);
        if let Some(wrong) = load.look(|seen| seen.wrong.first().cloned()) {
            bail!("{wrong}");
        }
        done.store(of_gateway + of_simulator, Ordering::SeqCst);
    }
    Ok((of_gateway, of_simulator))
}

/// A line a few times a minute: how it goes.
async fn live(house: Arc<House>, load: Arc<Load>, ears: Arc<Ears>, kills: Arc<AtomicUsize>, mut stop: watch::Receiver<bool>) {
    let begun = Instant::now();
    let mut record = Record::default();
    let mut settled = std::collections::HashSet::new();
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
            let asked_for: std::collections::HashSet<&str> =
                seen.accepted.iter().filter(|a| a.wish == judge::Wish::Resend).map(|a| a.id.as_str()).collect();
            let doubled = record.taken.iter().filter(|(id, times)| **times > 1 && !asked_for.contains(id.as_str())).count();
            (seen.accepted.len(), doubled)
        });
        let unknown = match house.api.glance(&house.path("/messages?status=unknown&pageSize=200")).await {
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
    let mut messages = std::collections::HashMap::new();
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
        let told: std::collections::HashSet<String> = ears.told(0).into_iter().map(|told| told.event).collect();
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

fn is_over(message: &judge::Message) -> bool {
    matches!(message.status.as_str(), "delivered" | "read" | "failed" | "expired")
}

/// What waits and what is under way, as the gateway's own metrics tell; zero when it is at rest.
async fn gauges(house: &House) -> Result<Vec<(String, f64)>> {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let text = house.api.text("/metrics").await.context("the metrics cannot be read")?;
        let wanted = ["transom_messages_waiting{", "transom_attempts_in_flight", "transom_senders_stopped"];
        let gauges: Vec<(String, f64)> = text
            .lines()
            .filter(|line| wanted.iter().any(|name| line.starts_with(name)))
            .filter_map(|line| line.rsplit_once(' ').and_then(|(name, value)| Some((name.to_owned(), value.parse().ok()?))))
            .collect();
        // They are set anew every few seconds.
        let is_told = gauges.iter().any(|(name, _)| name.starts_with("transom_messages_waiting"));
        if (is_told && gauges.iter().all(|(_, value)| *value == 0.0)) || Instant::now() > end {
            anyhow::ensure!(is_told, "the metrics do not say how many messages wait");
            return Ok(gauges);
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// The faults that a run brings about unless others are named: all that can be.
fn every_fault(has_disk: bool) -> Vec<Fault> {
    Fault::ALL.into_iter().filter(|fault| has_disk || *fault != Fault::DiskFull).collect()
}
