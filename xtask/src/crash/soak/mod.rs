//! `cargo xtask soak`: what Meta tells, by seed: twice, late and out of order, to a gateway that is killed meanwhile. Several endpoints,
//! which fail one delivery in twenty, and a reader of the live stream count what they are told; nothing may be missing.

mod ears;
mod judge;
mod options;
mod plan;
mod post;
mod report;
mod stream;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::house::{House, Order, Place, UNKNOWN_WAIT, settings};
use super::schedule::Whom;
use crate::steps::{run as run_in, say};
use crate::{root, target};

use ears::Ears;
use options::Options;
use plan::Plan;
use post::Posters;
use report::Report;
use stream::Reader;

/// How long nothing may be told, while something is still to be: longer than the wait after a failure.
const STUCK_AFTER: Duration = Duration::from_secs(120);
/// How often it is looked whether it has.
const LOOK: Duration = Duration::from_secs(1);

/// Builds both programs unless one is given, then runs the soak.
///
/// # Errors
/// When anything was lost, or told out of order where order was asked for.
pub(crate) fn command(args: &[&str]) -> Result<()> {
    let options = Options::read(args)?;
    if let Some(transom) = &options.binary {
        return run(transom, args);
    }
    run_in(&root(), "cargo", &["build", "--profile", "quick", "--package", "transom", "--package", "xtask"])?;
    let built = target().join("quick");
    let (xtask, transom) = (built.join("xtask").display().to_string(), built.join("transom").display().to_string());
    let mut line = vec!["soak-run", &transom];
    line.extend(args);
    run_in(&root(), &xtask, &line)
}

/// The soak itself.
///
/// # Errors
/// As [`command`].
pub(crate) fn run(transom: &str, args: &[&str]) -> Result<()> {
    let options = Options::read(args)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(soak(Path::new(transom), &options, args))
}

async fn soak(transom: &Path, options: &Options, args: &[&str]) -> Result<()> {
    let dir = tempfile::Builder::new().prefix("transom-soak-").tempdir()?;
    let folder = dir.path().join("gateway");
    std::fs::create_dir(&folder)?;
    let house = House::open(Order {
        transom,
        folder: &folder,
        side: dir.path(),
        store: Place::Folder,
        gateways: 1,
        settings: &settings(UNKNOWN_WAIT),
    })
    .await?;
    let ears = Ears::open(&house, options.seed).await?;
    let house = Arc::new(house);
    let plan = Arc::new(Plan::of(options.seed, options.webhooks, &house.identity.numbers));
    say(&format!(
        "seed {}: {} webhooks with {} messages, posted {} times; {}",
        options.seed,
        plan.webhooks,
        plan.messages.len(),
        plan.posts.len(),
        dir.path().display()
    ));
    let reader = Reader::start(&house);
    let begun = Instant::now();
    let posters = Posters::start(&house, plan.clone());
    let kills = kill(options, &house, &posters, &ears, &reader).await;
    let posted = posters.end().await;
    let kills = kills?;
    let heard_in = begun.elapsed();
    let posted = posted?;
    say(&format!("all is heard after {} s; what is told comes to rest", heard_in.as_secs()));
    let events = rest(&house, &plan, &ears, &reader).await?;
    let took = begun.elapsed();
    let findings = judge::judge(&plan, &events, &ears, &reader.seen());
    let mut wrong = findings;
    if house.terminate().await?.iter().any(|(ended_well, _)| !ended_well) {
        wrong.push("the gateway did not end well in the end".to_owned());
    }
    let report = Report {
        command: &options.shown(args),
        machine: &options.machine,
        date: &options.date,
        seed: options.seed,
        plan: &plan,
        posted,
        kills,
        back: house.back().0,
        heard_in,
        took,
        events: events.len(),
        ears: &ears,
        streamed: reader.seen().len(),
        connections: reader.connections(),
        wrong: &wrong,
    };
    let text = report.markdown();
    say(&format!("\n{text}"));
    if let Some(out) = &options.out {
        std::fs::write(out, &text).with_context(|| format!("{out} cannot be written"))?;
    }
    if !wrong.is_empty() {
        bail!("{}", report.headline());
    }
    Ok(())
}

/// Kills the gateway at even distances, and says how it goes.
async fn kill(options: &Options, house: &Arc<House>, posters: &Posters, ears: &Ears, reader: &Reader) -> Result<usize> {
    let begun = Instant::now();
    let mut done = 0;
    let mut said = Instant::now();
    while !posters.are_done() {
        let posted = posters.heard();
        if done < options.kills && posted >= posters.all() * (done + 1) / (options.kills + 1) {
            house.kill(Whom::Gateway, 0).await?;
            done += 1;
        }
        if said.elapsed() >= Duration::from_secs(10) {
            said = Instant::now();
            let told: Vec<String> = ears.all().iter().map(|ear| format!("{} {}", ear.name, ear.told().len())).collect();
            say(&format!(
                "{:>4} s  {done:>2} kills  {posted:>7} posts heard  {}  stream {}",
                begun.elapsed().as_secs(),
                told.join("  "),
                reader.seen().len()
            ));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(done)
}

/// Waits until every event is told to all who want it, and reads all events.
async fn rest(house: &House, plan: &Plan, ears: &Ears, reader: &Reader) -> Result<Vec<judge::Event>> {
    let mut events = Vec::new();
    let (mut left, mut since) = (usize::MAX, Instant::now());
    loop {
        judge::read_on(house, &mut events).await?;
        let received = events.iter().filter(|event| event.text.is_some()).count();
        let untold: usize = ears.all().iter().map(|ear| judge::missing(ear, &events)).sum();
        let unread = events.len().saturating_sub(reader.seen().len());
        let now_left = plan.messages.len().saturating_sub(received) + untold + unread;
        if now_left < left {
            (left, since) = (now_left, Instant::now());
        }
        if now_left == 0 || since.elapsed() > STUCK_AFTER {
            return Ok(events);
        }
        tokio::time::sleep(LOOK).await;
    }
}
