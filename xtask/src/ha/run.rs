//! The trial: two replicas under load while the primary of their store is lost, comes back as a standby, and the next one is lost.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tokio::task::block_in_place;

use crate::crash::gather::Sends;
use crate::crash::house::{Order, Place, settings};
use crate::crash::scene::Scene;
use crate::crash::schedule::Dice;
use crate::steps::say;

use super::cluster::{Cluster, Kill};
use super::options::Options;
use super::report::Report;
use super::silence::Silence;

/// Gateways on the cluster.
const REPLICAS: usize = 2;
/// How long a message whose answer was lost waits for a status: longer than any failover of this cluster, and than Meta's next try.
const UNKNOWN_WAIT: Duration = Duration::from_secs(60);
/// After the last kill the load goes on for longer than that: silence is judged by what comes later.
const AFTERWARDS: Duration = Duration::from_secs(UNKNOWN_WAIT.as_secs() + 10);
/// How long it may take until another node leads, and then until the replicas take and send messages again.
const FAILOVER: Duration = Duration::from_secs(120);
const WELL: Duration = Duration::from_secs(120);
/// How often it is looked whether they do.
const LOOK: Duration = Duration::from_millis(250);
/// Between all being well and the next kill, in milliseconds: from, and up to.
const BETWEEN: (u64, u64) = (3_000, 8_000);

/// One loss of a primary, and what it cost.
#[derive(Debug)]
pub(super) struct Loss {
    pub(super) how: Kill,
    pub(super) node: usize,
    /// From the kill until another node led and took a write.
    pub(super) led: Duration,
    /// From the kill until the dead node was a standby again, and both replicas were well.
    pub(super) well: Duration,
    /// Of each replica: how long it accepted nothing.
    pub(super) accepted: Vec<Silence>,
    /// Of each sender: how long nothing of it reached the upstream.
    pub(super) sent: Vec<Silence>,
}

/// The ways in which the primary is lost, without end.
fn losses(seed: u64) -> impl Iterator<Item = (Duration, Kill)> {
    let mut dice = Dice::new(seed, 7);
    std::iter::repeat_with(move || {
        let pause = Duration::from_millis(dice.between(BETWEEN.0, BETWEEN.1));
        let most = u64::try_from(Kill::ALL.len()).unwrap_or(1) - 1;
        let how = usize::try_from(dice.between(0, most)).ok().and_then(|n| Kill::ALL.get(n).copied());
        (pause, how.unwrap_or(Kill::Postmaster))
    })
}

/// The trial.
///
/// # Errors
/// When anything of it does not come back, or anything was found.
pub(super) async fn trial(transom: &Path, options: &Options, args: &[&str]) -> Result<()> {
    let mut dir = tempfile::Builder::new().prefix("transom-ha-").tempdir()?;
    dir.disable_cleanup(options.keep);
    let folder = dir.path().join("gateway1");
    std::fs::create_dir(&folder)?;
    say(&format!("seed {}; {}", options.seed, dir.path().display()));
    let mut cluster = block_in_place(|| Cluster::start(dir.path()))?;
    say(&format!("three nodes are up, and stream: {}", cluster.versions()));
    let settings = settings(UNKNOWN_WAIT);
    let store = Place::At(cluster.address());
    let order = Order { transom, folder: &folder, side: dir.path(), store, gateways: REPLICAS, settings: &settings };
    let scene = Scene::open(order, options.rate).await?;
    let mut losses = Vec::new();
    let lost = lose(options, &mut cluster, &scene, &mut losses).await;
    if let Err(why) = &lost {
        // What it did to the messages is told all the same.
        say(&format!("given up after {} kills: {why:#}", losses.len()));
    }
    let ending = scene.close(AFTERWARDS).await?;
    let mut wrong = ending.judgement.wrong.clone();
    wrong.extend(crate::crash::report::left(&ending.left_over));
    wrong.extend(lost.err().map(|why| format!("{why:#}")));
    let report = Report {
        command: &options.shown(args),
        machine: &options.machine,
        date: &options.date,
        seed: options.seed,
        took: ending.took,
        versions: &cluster.versions(),
        cluster: &cluster.settings(),
        settings: &settings,
        losses: &losses,
        answers: &ending.answers,
        judgement: &ending.judgement,
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

/// Loses one primary after the other, each once all is well again.
async fn lose(options: &Options, cluster: &mut Cluster, scene: &Scene, losses: &mut Vec<Loss>) -> Result<()> {
    let mut sends = Sends::default();
    for (number, (pause, how)) in (1..=options.kills).zip(self::losses(options.seed)) {
        tokio::time::sleep(pause).await;
        let killed = block_in_place(|| cluster.kill_primary(how))?;
        let since = jiff::Timestamp::now().as_millisecond() - i64::try_from(killed.at.elapsed().as_millis())?;
        say(&format!("kill {number}: {}, node{}", how.meaning(), killed.node));
        let next = block_in_place(|| cluster.await_primary(&killed, FAILOVER))?;
        let led = killed.at.elapsed();
        let from = jiff::Timestamp::now().as_millisecond();
        say(&format!("kill {number}: node{next} leads after {:.1} s", led.as_secs_f32()));
        let well = until_well(scene, &mut sends, since, from).await;
        if let Ok((accepted, sent)) = &well {
            let over = |silences: &[Silence]| {
                let all: Vec<String> = silences.iter().map(|silence| format!("{:.1} s", silence.over.as_secs_f32())).collect();
                all.join(", ")
            };
            say(&format!("kill {number}: accepted again after {}; sent again after {}", over(accepted), over(sent)));
        }
        // Also where they did not get well: what was accepted can be judged only once they have.
        block_in_place(|| cluster.revive(&killed))?;
        let (accepted, sent) = well?;
        for gateway in scene.house.gateways() {
            gateway.api.until_ready("/readyz", WELL).await?;
        }
        let well = killed.at.elapsed();
        say(&format!("kill {number}: node{} is a standby again after {:.1} s", killed.node, well.as_secs_f32()));
        losses.push(Loss { how, node: killed.node, led, well, accepted, sent });
        scene.killed(number)?;
    }
    Ok(())
}

/// Waits until each replica has accepted a message and each sender has sent one after another node led, and says how long each did not
/// since the loss.
async fn until_well(scene: &Scene, sends: &mut Sends, loss: i64, from: i64) -> Result<(Vec<Silence>, Vec<Silence>)> {
    let begun = Instant::now();
    loop {
        tokio::time::sleep(LOOK).await;
        sends.read_on(&scene.house.desk).await?;
        let accepted: Vec<Vec<i64>> = scene.load.look(|seen| {
            let by = |replica| seen.accepted.iter().filter(move |accepted| accepted.by == replica).map(|accepted| accepted.at);
            (0..REPLICAS).map(|replica| by(replica).collect()).collect()
        });
        let of = |number: &String| sends.all.iter().filter(|(from, _)| from == number).map(|(_, at)| *at).collect();
        let sent: Vec<Vec<i64>> = scene.house.identity.numbers.iter().map(of).collect();
        let is_well = |moments: &[Vec<i64>]| moments.iter().all(|moments| moments.iter().any(|at| *at > from));
        if is_well(&accepted) && is_well(&sent) {
            let silences = |all: Vec<Vec<i64>>| all.into_iter().filter_map(|moments| Silence::after(loss, moments)).collect();
            return Ok((silences(accepted), silences(sent)));
        }
        if begun.elapsed() > WELL {
            let silent = |moments: &[Vec<i64>]| moments.iter().filter(|moments| !moments.iter().any(|at| *at > from)).count();
            bail!(
                "{} s after another node led {} replicas accept nothing and {} senders send nothing",
                WELL.as_secs(),
                silent(&accepted),
                silent(&sent)
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_loses_it_in_the_same_ways_and_every_way_comes() {
        let order = |seed| losses(seed).take(20).collect::<Vec<_>>();
        assert_eq!(order(1), order(1));
        assert_ne!(order(1), order(2));
        assert!(Kill::ALL.iter().all(|how| order(1).iter().any(|(_, one)| one == how)));
    }
}
