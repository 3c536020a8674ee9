//! `cargo xtask crash`: the two processes under every fault, and the simulator's own record as the judge.

mod balancer;
mod chaos;
pub(crate) mod client;
mod disk;
mod ears;
pub(crate) mod gather;
pub(crate) mod house;
pub(crate) mod judge;
mod load;
mod options;
mod process;
pub(crate) mod report;
pub(crate) mod scene;
pub(crate) mod schedule;
pub(crate) mod soak;

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::sync::watch;
use tokio::task::{JoinSet, block_in_place};
use transom_testing::Postgres;

use crate::steps::{run as run_in, say};
use crate::{root, target};

use chaos::Chaos;
use disk::Disk;
use house::{Order, Place, UNKNOWN_WAIT, settings};
use options::Options;
pub(crate) use options::today;
use report::Report;
use scene::Scene;
use schedule::{Fault, Track, Whom};

/// After the last fault the load goes on for longer than the wait for a lost answer: silence is judged by what comes later.
const AFTERWARDS: Duration = Duration::from_secs(UNKNOWN_WAIT.as_secs() + 10);
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
    say(&format!("seed {}; {}", options.seed, dir.path().display()));
    let settings = settings(UNKNOWN_WAIT);
    let store = if options.postgres { Place::Postgres(block_in_place(|| Postgres::start(&[]))) } else { Place::Folder };
    let (side, gateways) = (dir.path(), options.replicas);
    let scene = Scene::open(Order { transom, folder: &folder, side, store, gateways, settings: &settings }, options.rate).await?;

    let house = scene.house.clone();
    let (stop, stopped) = watch::channel(false);
    let chaos = Chaos::new(house.clone(), scene.ears.clone(), disk);
    let supervisor = tokio::spawn(chaos.clone().supervise(stopped.clone()));
    let mut tracks = JoinSet::new();
    for track in Track::ALL {
        tracks.spawn(chaos.clone().follow(options.seed, track, options.faults.clone(), stopped.clone()));
    }
    let kills = kill(options, &scene).await;
    // Also when a process did not come back: everything that was begun is ended first.
    stop.send_replace(true);
    while tracks.join_next().await.is_some() {}
    let kills = kills?;
    supervisor.await??;
    let ending = scene.close(AFTERWARDS).await?;

    let (gateway_back, simulator_back) = house.back();
    let tally = chaos.look(|tally| chaos::Tally {
        injected: tally.injected.clone(),
        ended: tally.ended.clone(),
        failed: tally.failed.clone(),
    });
    let disk = match options.disk {
        _ if options.postgres => {
            "its own alone; the store is on PostgreSQL, which outlives its own death and not the machine's (fsync off)".to_owned()
        }
        Some(megabytes) => format!("a file system of its own, tmpfs of {megabytes} MB, full when ordered"),
        None => "on the disk".to_owned(),
    };
    let report = Report {
        command: &options.shown(args),
        machine: &options.machine,
        date: &options.date,
        seed: options.seed,
        took: ending.took,
        disk: &disk,
        settings: &settings,
        gateways,
        gateway_kills: kills.0,
        simulator_kills: kills.1,
        gateway_back,
        simulator_back,
        refused_starts: house.refused_starts.load(Ordering::SeqCst),
        tally: &tally,
        answers: &ending.answers,
        left_over: &ending.left_over,
        judgement: &ending.judgement,
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

/// The kills, until enough of them are done or time is up; how many of gateways and of the simulator.
async fn kill(options: &Options, scene: &Scene) -> Result<(usize, usize)> {
    let (mut of_gateway, mut of_simulator) = (0, 0);
    for kill in schedule::kills(options.seed) {
        if of_gateway + of_simulator >= options.kills || options.minutes.is_some_and(|m| scene.begun.elapsed() >= m) {
            break;
        }
        tokio::time::sleep(kill.after).await;
        scene.house.kill(kill.whom, of_gateway).await?;
        of_gateway += usize::from(kill.whom != Whom::Simulator);
        of_simulator += usize::from(kill.whom != Whom::Gateway);
        scene.killed(of_gateway + of_simulator)?;
    }
    Ok((of_gateway, of_simulator))
}

/// The faults that a run brings about unless others are named: all that can be.
fn every_fault(has_disk: bool, postgres: bool) -> Vec<Fault> {
    Fault::ALL.into_iter().filter(|fault| fault.meets(postgres) && (has_disk || *fault != Fault::DiskFull)).collect()
}
