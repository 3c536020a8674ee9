//! Carries the schedule out: each track its own faults, one after another, until told to stop. What is begun is always ended.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::block_in_place;

use super::disk::Disk;
use super::ears::Ears;
use super::house::{House, Place, UPSTREAM_TIMEOUT};
use super::schedule::{Fault, Spell, Track, spells};

/// How often it is looked whether a process has ended by itself.
const WATCH: Duration = Duration::from_millis(20);
/// A turn of the upstream's clock waits for quiet, which a load may not give it: the turn counts, its answer does not.
const TURN_PATIENCE: Duration = Duration::from_secs(2);

/// What was done and seen.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// How often each fault was brought about.
    pub(super) injected: BTreeMap<Fault, usize>,
    /// Processes that ended by themselves: how, with their last words, and whether a failing disk explains it.
    pub(super) ended: Vec<(String, bool)>,
    /// Faults that could not be brought about, and why.
    pub(super) failed: Vec<String>,
}

/// Who brings about what goes wrong.
pub(super) struct Chaos {
    house: Arc<House>,
    ears: Arc<Ears>,
    disk: Option<Disk>,
    tally: Mutex<Tally>,
    /// Whether writes of the gateway fail on purpose, or did a moment ago.
    starved: Mutex<Option<std::time::Instant>>,
}

impl Chaos {
    /// Nothing goes wrong yet.
    pub(super) fn new(house: Arc<House>, ears: Arc<Ears>, disk: Option<Disk>) -> Arc<Self> {
        Arc::new(Self { house, ears, disk, tally: Mutex::default(), starved: Mutex::default() })
    }

    /// Looks at what was done.
    pub(super) fn look<T>(&self, look: impl FnOnce(&Tally) -> T) -> T {
        look(&self.tally.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, note: impl FnOnce(&mut Tally)) {
        note(&mut self.tally.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// One track, until told to stop.
    pub(super) async fn follow(self: Arc<Self>, seed: u64, track: Track, wanted: Vec<Fault>, mut stop: watch::Receiver<bool>) {
        for spell in spells(seed, track, &wanted) {
            tokio::select! {
                () = tokio::time::sleep(spell.after) => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
            // Not cut short by the end of the run: what is begun is ended.
            match self.bring_about(spell).await {
                Ok(()) => self.note(|tally| *tally.injected.entry(spell.fault).or_default() += 1),
                Err(why) => self.note(|tally| tally.failed.push(format!("{}: {why:#}", spell.fault.name()))),
            }
        }
    }

    async fn bring_about(&self, spell: Spell) -> Result<()> {
        let house = &self.house;
        match spell.fault {
            Fault::GatewayStalled => {
                let gateway = house.gateway(usize::try_from(spell.seed % 1_000)?).process.lock().await;
                gateway.signal("STOP")?;
                tokio::time::sleep(spell.lasts).await;
                gateway.signal("CONT")
            }
            Fault::SimulatorStalled => {
                let simulator = house.simulator.lock().await;
                simulator.signal("STOP")?;
                tokio::time::sleep(spell.lasts).await;
                simulator.signal("CONT")
            }
            Fault::WriterHeld => {
                // The gateway is not killed meanwhile, so that the writer really waits that long.
                let gateway = house.gateway(0);
                let _process = gateway.process.lock().await;
                let holder = Holder::of(&gateway.folder.join("store/transom.db"))?;
                tokio::time::sleep(spell.lasts).await;
                holder.let_go()
            }
            Fault::WriteFails => self.fail_writes(spell).await,
            Fault::DiskFull => {
                let disk = self.disk.as_ref().context("there is no file system of its own for the gateway")?;
                self.starve(true);
                disk.fill()?;
                tokio::time::sleep(spell.lasts).await;
                let freed = disk.free();
                self.starve(false);
                freed
            }
            Fault::StoreKilled => {
                let Place::Postgres(postgres) = &house.store else { bail!("the store is on no server of this run's own") };
                block_in_place(|| postgres.kill());
                tokio::time::sleep(spell.lasts).await;
                block_in_place(|| postgres.begin());
                Ok(())
            }
            Fault::ClockTurned => {
                let turn = json!({ "advanceSeconds": 5 + spell.seed % 56 });
                let _ = house.desk.call(Method::POST, "/sim/v1/clock", Some(&turn), None, TURN_PATIENCE).await;
                Ok(())
            }
            Fault::EndpointFails => self.mood(&self.ears.mood.fails, 3, spell).await,
            Fault::EndpointSlow => self.mood(&self.ears.mood.late_ms, 500, spell).await,
            Fault::EndpointSilent => self.mood(&self.ears.mood.silent, 8, spell).await,
            _ => {
                let order = order(spell).context("not a fault of the upstream")?;
                self.order(&json!([order])).await?;
                tokio::time::sleep(spell.lasts).await;
                self.order(&json!([])).await
            }
        }
    }

    /// Tells the simulator what goes wrong from now on.
    async fn order(&self, faults: &Value) -> Result<()> {
        self.house.desk.insist(Method::PUT, "/sim/v1/faults", Some(faults), Duration::from_secs(60)).await.map(drop)
    }

    async fn mood(&self, mood: &std::sync::atomic::AtomicU64, value: u64, spell: Spell) -> Result<()> {
        mood.store(value, std::sync::atomic::Ordering::SeqCst);
        tokio::time::sleep(spell.lasts).await;
        mood.store(0, std::sync::atomic::Ordering::SeqCst);
        Ok(())
    }

    /// Half of the time nothing can be written but the beginnings of files; else the log can, and the database behind it not.
    async fn fail_writes(&self, spell: Spell) -> Result<()> {
        let gateway = self.house.gateway(0);
        let log = gateway.folder.join("store/transom.db-wal").metadata().map_or(0, |file| file.len());
        let most = if spell.seed.is_multiple_of(2) { spell.seed % 65_536 } else { log + log / 4 };
        let id = {
            let process = gateway.process.lock().await;
            self.starve(true);
            process.limit_files(Some(most))?;
            process.id()
        };
        tokio::time::sleep(spell.lasts).await;
        let process = gateway.process.lock().await;
        // One that was started anew meanwhile has no limit.
        let freed = if process.id() == id { process.limit_files(None) } else { Ok(()) };
        self.starve(false);
        // It may have ended at this very moment.
        freed.or_else(|why| if process.id() == id { Ok(()) } else { Err(why) })
    }

    fn starve(&self, begins: bool) {
        let mut starved = self.starved.lock().unwrap_or_else(PoisonError::into_inner);
        // Kept for a while after the end: what has failed to be written is told, and the process ends.
        *starved = Some(std::time::Instant::now() + if begins { Duration::from_secs(60) } else { Duration::from_secs(10) });
    }

    fn is_starved(&self) -> bool {
        let starved = self.starved.lock().unwrap_or_else(PoisonError::into_inner);
        starved.is_some_and(|until| std::time::Instant::now() < until)
    }

    /// Starts again what has ended by itself, as a supervisor would.
    pub(super) async fn supervise(self: Arc<Self>, mut stop: watch::Receiver<bool>) -> Result<()> {
        loop {
            let gateways = self.house.gateways().map(|gateway| ("gateway", &gateway.process));
            for (who, process) in gateways.chain([("simulator", &self.house.simulator)]) {
                // Whoever holds it knows what it does with it.
                let Ok(mut process) = process.try_lock() else { continue };
                let Some(status) = block_in_place(|| process.ended())? else { continue };
                let explained = who == "gateway" && self.is_starved();
                let words = process.last_words(3);
                self.note(|tally| tally.ended.push((format!("the {who} ended with {status}: {words}"), explained)));
                self.house.bring_back(&mut process).await?;
            }
            tokio::select! {
                () = tokio::time::sleep(WATCH) => {}
                _ = stop.wait_for(|stop| *stop) => return Ok(()),
            }
        }
    }
}

/// A fault of the upstream as the simulator's control takes it.
fn order(spell: Spell) -> Option<Value> {
    let seed = spell.seed % 1_000_000;
    let late = UPSTREAM_TIMEOUT.as_millis() + 500;
    let fault = match spell.fault {
        Fault::LostAnswer => json!({ "kind": "lost_answer", "share": 0.33 }),
        Fault::LostCall => json!({ "kind": "lost_call", "share": 0.33 }),
        Fault::BadGateway => json!({ "kind": "bad_gateway", "share": 0.33 }),
        Fault::Silent => json!({ "kind": "late_answer", "share": 0.25, "ms": u64::try_from(late).ok()? }),
        Fault::Slow => json!({ "kind": "latency", "share": 0.5, "ms": 700 }),
        Fault::Throttle => json!({ "kind": "error", "share": 0.5, "code": 130_429 }),
        Fault::PairThrottle => json!({ "kind": "error", "share": 0.25, "code": 131_056 }),
        Fault::ServerError => {
            json!({ "kind": "error", "share": 0.5, "code": if spell.seed.is_multiple_of(2) { 131_000 } else { 131_016 } })
        }
        Fault::WebhookTwice => json!({ "kind": "webhook_duplicate", "share": 0.5 }),
        Fault::WebhookReorder => json!({ "kind": "webhook_reorder", "share": 0.5 }),
        Fault::WebhookDrop => json!({ "kind": "webhook_drop", "share": 0.5 }),
        Fault::WebhookLate => json!({ "kind": "webhook_delay", "share": 0.5, "ms": 1_500 }),
        _ => return None,
    };
    let Value::Object(mut fault) = fault else { return None };
    fault.insert("seed".into(), seed.into());
    Some(Value::Object(fault))
}

/// Another program that holds the store's file.
struct Holder(rusqlite::Connection);

impl Holder {
    fn of(file: &Path) -> Result<Self> {
        let connection = rusqlite::Connection::open(file)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.execute_batch("BEGIN IMMEDIATE")?;
        Ok(Self(connection))
    }

    fn let_go(self) -> Result<()> {
        self.0.execute_batch("ROLLBACK").map_err(Into::into)
    }
}

/// What a run may need of the machine and cannot do without.
pub(super) fn tools(wanted: &[Fault]) -> Result<()> {
    let needed = [(Fault::WriteFails, "prlimit"), (Fault::GatewayStalled, "kill")];
    for (fault, program) in needed {
        if wanted.contains(&fault) && Command::new(program).arg("--version").output().is_err() {
            bail!("{} needs the program {program}; install it, or name other --faults", fault.name());
        }
    }
    Ok(())
}
