//! Seeded whole-system trials. The gateway's service, intake, dispatcher, relay and upkeep, and the simulator's world, run in one
//! thread on virtual time over the store in memory. Between them is a network that drops, delays, repeats and reorders; writes
//! wait and fail; processes end at any step and come back, or are held up. After every trial a judge that shares nothing with
//! the house but its words says which property does not hold.
//!
//! - [`plan`]: what is done and what goes wrong, all of it from one seed.
//! - [`run`]: one trial. The same plan gives the same run, to the last event.
//! - [`shrink`]: the smallest part of a plan that still fails the same way.
//! - [`mutation`]: the house made wrong, to see that a trial can fail.

mod callers;
mod dice;
mod gateway;
mod judge;
mod ledger;
mod mutation;
mod network;
mod plan;
mod process;
mod sessions;
mod shrink;
mod town;
mod verdicts;

use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Weak};
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::time::sleep;

pub use mutation::Mutation;
pub use plan::{Act, Deed, DiskMishap, Fault, Leg, Mishap, Plan, Say, Send, Who};
pub use shrink::shrink;

use crate::town::Town;

/// How often it is looked whether the town has come to rest.
const LOOK: Duration = Duration::from_secs(5);
/// After this much virtual time without a fault everything must have come to rest.
const REST_WITHIN: i64 = 3 * 3_600_000;

/// What came of a trial.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Which properties do not hold; each begins with the name of the property and a colon.
    pub wrong: Vec<String>,
    /// A hash over everything that happened: two runs of one plan have the same.
    pub hash: u64,
    /// Everything that happened, where it was asked for.
    pub story: Vec<String>,
    /// Virtual time that it took, in milliseconds.
    pub lasted: i64,
    /// Attempts that left for Meta.
    pub attempts: usize,
    /// Lives of the gateway.
    pub lives: u64,
}

impl Outcome {
    /// The name of the first property that does not hold.
    #[must_use]
    pub fn property(&self) -> Option<&str> {
        self.wrong.first().and_then(|what| what.split(':').next())
    }
}

/// Runs one trial, with the whole story if `tell`.
///
/// # Errors
/// When the trial itself cannot be built.
pub fn run(plan: &Plan, mutation: Option<Mutation>, tell: bool) -> Result<Outcome> {
    Ok(played(plan, mutation, tell)?.0)
}

/// Runs one trial; what is left of its town must be nothing.
fn played(plan: &Plan, mutation: Option<Mutation>, tell: bool) -> Result<(Outcome, Weak<Town>)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.context("a runtime")?;
    runtime.block_on(trial(plan.clone(), mutation, tell))
}

async fn trial(plan: Plan, mutation: Option<Mutation>, tell: bool) -> Result<(Outcome, Weak<Town>)> {
    let town = Town::build(plan, mutation, tell).await?;
    tokio::spawn(network::pump(town.clone()));
    tokio::spawn(gateway::start(town.clone()));
    for fault in town.plan.faults.clone() {
        tokio::spawn(strike(town.clone(), fault));
    }
    for act in town.plan.acts.clone() {
        let town = town.clone();
        tokio::spawn(async move {
            sleep(gateway::millis(act.at)).await;
            callers::act(town, act.deed).await;
        });
    }
    sleep(gateway::millis(plan::ACTIVE)).await;
    town.calm.store(true, SeqCst);
    town.note("from here on nothing goes wrong");
    let mut unrest = Vec::new();
    while town.elapsed() < plan::ACTIVE + REST_WITHIN {
        sleep(LOOK).await;
        // Whoever's phone is off gets nothing: all come on again.
        let mut meta = town.meta();
        if meta.up {
            town.customers.iter().for_each(|id| meta.world.set_online(*id, true));
        }
        drop(meta);
        town.stirred.notify_one();
        unrest = judge::unrest(&town);
        if unrest.is_empty() {
            break;
        }
    }
    unrest.into_iter().for_each(|what| town.wrong(format!("stuck: {what}")));
    judge::judge(&town);
    let outcome = outcome(&town, town.elapsed());
    // The house knows the town, by its ways out, and the town the house: neither would ever go.
    let last = town.life().take();
    if let Some(last) = last {
        last.process.end();
    }
    Ok((outcome, Arc::downgrade(&town)))
}

fn outcome(town: &Arc<Town>, lasted: i64) -> Outcome {
    let mut ledger = town.ledger();
    Outcome {
        wrong: ledger.wrong.clone(),
        hash: ledger.hash(),
        story: ledger.story.take().unwrap_or_default(),
        lasted,
        attempts: ledger.departures.len(),
        lives: town.lives.load(SeqCst),
    }
}

/// A fault that strikes at a time.
async fn strike(town: Arc<Town>, fault: Fault) {
    match fault {
        Fault::Ends { who, at, away } => {
            sleep(gateway::millis(at)).await;
            match who {
                Who::Gateway => gateway::end(&town, away),
                Who::Meta => network::end_meta(&town, away).await,
            }
        }
        Fault::Pauses { at, lasts } => {
            sleep(gateway::millis(at)).await;
            gateway::pause(&town, lasts).await;
        }
        Fault::Exchange { .. } | Fault::Disk { .. } | Fault::Outage { .. } => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_trial_stays_behind() {
        for seed in 0..20 {
            let (_, town) = played(&Plan::of(seed), None, false).unwrap();
            assert_eq!(town.strong_count(), 0, "seed {seed}");
        }
    }
}
