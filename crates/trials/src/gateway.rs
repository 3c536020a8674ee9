//! The gateway's lives: starting, ending, being held up; and the disk under its store.

use std::future::pending;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use tokio::sync::oneshot;
use tokio::time::sleep;
use transom_clock::WorldClock;
use transom_domain::time::Span;
use transom_gateway::chance::Chance;
use transom_gateway::media::MediaSettings;
use transom_gateway::service::{AddressRules, Limits};
use transom_gateway::upstream::UpstreamSettings;
use transom_gateway::wire::Wires;
use transom_gateway::{House, HouseParts};
use transom_store::{Disk, DiskWait, Keep, StoreError};

use crate::dice::Dice;
use crate::mutation::Mutation;
use crate::network::{Endpoints, Upstream};
use crate::plan::{DiskMishap, Fault};
use crate::process::{Door, Process};
use crate::town::{Life, Town, UNKNOWN_WAIT, sealing};

/// How much the clock of [`Mutation::ClockIsBehind`] is behind.
const BEHIND: Span = Span::minutes(2);

/// The time of a number of milliseconds.
pub(crate) fn millis(ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}

/// Starts the gateway, again and again until it has started or was ended meanwhile.
pub(crate) async fn start(town: Arc<Town>) {
    loop {
        let process = Process::new();
        let number = town.lives.fetch_add(1, SeqCst);
        *town.life() = Some(Life { process: process.clone(), began: town.clock.now(), house: None });
        let (tell, told) = oneshot::channel();
        let started = parts(&town, &process, number);
        process.spawn(async move {
            let _ = tell.send(match started {
                Ok(parts) => House::start(parts).await.map_err(|why| why.to_string()),
                Err(why) => Err(why.to_string()),
            });
        });
        match told.await {
            Ok(Ok(house)) => {
                town.note(&format!("gateway: life {number} has started"));
                if let Some(life) = town.life().as_mut().filter(|life| Arc::ptr_eq(&life.process, &process)) {
                    life.house = Some(Arc::new(house));
                }
                return;
            }
            Ok(Err(why)) => {
                town.note(&format!("gateway: life {number} does not start: {why}"));
                process.end();
                sleep(Duration::from_millis(500)).await;
            }
            // Ended while it started: whoever ended it starts it again.
            Err(_) => return,
        }
    }
}

fn parts(town: &Arc<Town>, process: &Arc<Process>, life: u64) -> Result<HouseParts> {
    // Each life has dice of its own; all but the first draw, which names the owner, are new anyway.
    let life = if town.mutation == Some(Mutation::OwnerIsOld) { 0 } else { life };
    let dice = Mutex::new(Dice::named(town.plan.seed, 2, life));
    let clock = match town.mutation {
        Some(Mutation::ClockIsBehind) => WorldClock::of_runtime(town.clock.now().minus(BEHIND)),
        _ => town.clock.clone(),
    };
    let disk = TownDisk { town: town.clone(), process: process.clone(), line: Arc::default(), last: Arc::default() };
    Ok(HouseParts {
        store: Arc::new(town.store.behind(Arc::new(disk))),
        clock,
        key: sealing()?,
        public_url: None,
        upstream: UpstreamSettings { graph_url: "https://meta.invalid".to_owned(), version: "v25.0".to_owned() },
        upstream_connections: 8,
        upstream_per_sender: 4,
        limits: Limits { unknown_wait: UNKNOWN_WAIT, ..Limits::default() },
        addresses: AddressRules::default(),
        wires: Wires::without_files(
            Arc::new(Upstream { town: town.clone(), process: process.clone() }),
            Arc::new(Endpoints { town: town.clone(), process: process.clone() }),
        ),
        media: MediaSettings::nowhere(),
        template_interval: Span::minutes(10),
        keep: Keep::default(),
        chance: Chance::of(move || dice.lock().unwrap_or_else(PoisonError::into_inner).draw_long()),
        replica: transom_gateway::work::replicas::ReplicaSettings::default(),
        gate: Some(Arc::new(Door(process.clone()))),
    })
}

/// Ends the gateway's process where it stands; it starts again after so many milliseconds.
pub(crate) fn end(town: &Arc<Town>, away: i64) {
    let Some(life) = town.life().take() else { return };
    life.process.end();
    town.store.crash();
    town.note(&format!("gateway: ends, away for {away} ms"));
    check_rows(town);
    let town = town.clone();
    tokio::spawn(async move {
        sleep(millis(away)).await;
        start(town).await;
    });
}

/// What is safe agrees with itself, whenever the process ends.
pub(crate) fn check_rows(town: &Town) {
    for found in town.store.audit() {
        town.wrong(format!("rows disagree: {found}"));
    }
}

/// Holds the gateway up for so many milliseconds.
pub(crate) async fn pause(town: &Arc<Town>, lasts: i64) {
    let process = town.life().as_ref().map(|life| life.process.clone());
    let Some(process) = process else { return };
    town.note(&format!("gateway: is held up for {lasts} ms"));
    process.hold();
    sleep(millis(lasts)).await;
    process.go_on();
    town.note("gateway: goes on");
}

/// The disk under one life of the gateway.
struct TownDisk {
    town: Arc<Town>,
    process: Arc<Process>,
    /// One write at a time, in the order in which they were asked for.
    line: Arc<tokio::sync::Mutex<()>>,
    /// What is still to go wrong with the write that is being made.
    last: Arc<Mutex<Option<DiskMishap>>>,
}

impl TownDisk {
    fn mishap(town: &Town, nth: u64) -> Option<DiskMishap> {
        let calm = town.calm.load(SeqCst);
        let of = |fault: &Fault| match fault {
            Fault::Disk { nth: at, mishap } if *at == nth && !calm => Some(*mishap),
            _ => None,
        };
        town.plan.faults.iter().find_map(of)
    }
}

impl Disk for TownDisk {
    fn write(&self, what: &'static str) -> DiskWait<Result<(), StoreError>> {
        let (town, process, line, last) = (self.town.clone(), self.process.clone(), self.line.clone(), self.last.clone());
        Box::pin(async move {
            let nth = town.writes.fetch_add(1, SeqCst);
            let mut dice = Dice::named(town.plan.seed, 3, nth);
            let mishap = Self::mishap(&town, nth);
            if let Some(mishap) = mishap {
                town.note(&format!("disk: write {nth} ({what}): {mishap:?}"));
            }
            let nobody_looks = town.mutation == Some(Mutation::NobodyLooks) && what == "look_at_sessions";
            if mishap == Some(DiskMishap::Busy) || nobody_looks {
                return Err(StoreError::Busy);
            }
            let _turn = line.lock().await;
            sleep(Duration::from_micros(dice.draw() % 3_000)).await;
            match mishap {
                Some(DiskMishap::Slow(ms)) => sleep(millis(ms)).await,
                Some(DiskMishap::EndsBefore(away)) => end(&town, away),
                _ => {}
            }
            if process.is_over() {
                return pending().await;
            }
            if town.mutation == Some(Mutation::AnswersBeforeSync) {
                town.store.set_sync(nth.is_multiple_of(5));
            }
            *last.lock().unwrap_or_else(PoisonError::into_inner) = mishap;
            Ok(())
        })
    }

    fn written(&self, what: &'static str) -> DiskWait<()> {
        let mishap = self.last.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (town, process) = (self.town.clone(), self.process.clone());
        town.note(&format!("disk: {what}"));
        Box::pin(async move {
            match mishap {
                Some(DiskMishap::SlowAnswer(ms)) => sleep(millis(ms)).await,
                Some(DiskMishap::EndsAfter(away)) => end(&town, away),
                _ => {}
            }
            if process.is_over() {
                pending::<()>().await;
            }
        })
    }

    fn read(&self, _what: &'static str) -> DiskWait<Result<(), StoreError>> {
        let (town, process) = (self.town.clone(), self.process.clone());
        Box::pin(async move {
            let micros = Dice::named(town.plan.seed, 4, town.reads.fetch_add(1, SeqCst)).draw() % 2_000;
            // Half of the reads look at once, as those of a warm cache do.
            if micros > 1_000 {
                sleep(Duration::from_micros(micros)).await;
            }
            if process.is_over() { pending().await } else { Ok(()) }
        })
    }
}
