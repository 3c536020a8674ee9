//! Runs trials: one seed with its story, or many at once until the first that fails, which is then made small.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use transom_trials::{Mutation, Outcome, Plan, run, shrink};

const USAGE: &str = "\
trials --seed N            one trial, with everything that happened
trials [--seeds N] [--from N] [--minutes M] [--jobs N]
                           many; the first that fails is made small and told
       --mutation NAME     with the house made wrong, as a proof that a trial can fail";

/// Trials of one run, unless said otherwise.
const SEEDS: u64 = 10_000;

struct Wish {
    seed: Option<u64>,
    from: u64,
    seeds: u64,
    until: Option<Duration>,
    jobs: usize,
    mutation: Option<Mutation>,
}

/// Prints a line; a reader that has gone away is no failure.
fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

fn main() -> ExitCode {
    match wish().and_then(|wish| match wish.seed {
        Some(seed) => one(seed, wish.mutation),
        None => many(&wish),
    }) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            say(&format!("error: {why:#}\n{USAGE}"));
            ExitCode::from(2)
        }
    }
}

fn wish() -> Result<Wish> {
    let mut wish = Wish { seed: None, from: 0, seeds: SEEDS, until: None, jobs: 1, mutation: None };
    wish.jobs = std::thread::available_parallelism().map_or(1, usize::from);
    let mut bounded = false;
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let value = words.next().with_context(|| format!("{word} needs a value"))?;
        let number = || value.parse::<u64>().with_context(|| format!("{word} needs a number, not {value:?}"));
        match word.as_str() {
            "--seed" => wish.seed = Some(number()?),
            "--from" => wish.from = number()?,
            "--seeds" => (wish.seeds, bounded) = (number()?, true),
            "--minutes" => wish.until = Some(Duration::from_secs(60 * number()?)),
            "--jobs" => wish.jobs = usize::try_from(number()?)?.max(1),
            "--mutation" => {
                let found = Mutation::ALL.into_iter().find(|m| format!("{m:?}").eq_ignore_ascii_case(&value));
                wish.mutation = Some(found.with_context(|| format!("{value:?} is none of {:?}", Mutation::ALL))?);
            }
            _ => bail!("{word:?} is not known"),
        }
    }
    if wish.until.is_some() && !bounded {
        wish.seeds = u64::MAX;
    }
    Ok(wish)
}

/// One seed, told.
fn one(seed: u64, mutation: Option<Mutation>) -> Result<bool> {
    let plan = Plan::of(seed);
    let outcome = run(&plan, mutation, true)?;
    tell(&plan, &outcome);
    Ok(outcome.wrong.is_empty())
}

fn tell(plan: &Plan, outcome: &Outcome) {
    say(&format!("seed {}", plan.seed));
    plan.acts.iter().for_each(|act| say(&format!("  act   {:>7} ms  {:?}", act.at, act.deed)));
    plan.faults.iter().for_each(|fault| say(&format!("  fault {fault:?}")));
    outcome.story.iter().for_each(|line| say(line));
    let minutes = outcome.lasted / 60_000;
    say(&format!(
        "{} attempts, {} lives, {minutes} virtual minutes, hash {:016x}",
        outcome.attempts, outcome.lives, outcome.hash
    ));
    outcome.wrong.iter().for_each(|what| say(&format!("WRONG {what}")));
}

/// Many seeds, side by side.
fn many(wish: &Wish) -> Result<bool> {
    let begun = Instant::now();
    let (next, done, attempts, lives, stop) =
        (AtomicU64::new(wish.from), AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
    let failed: Mutex<Option<(Plan, Outcome)>> = Mutex::new(None);
    let work = || -> Result<()> {
        while !stop.load(SeqCst) && wish.until.is_none_or(|until| begun.elapsed() < until) {
            let seed = next.fetch_add(1, SeqCst);
            if seed >= wish.from.saturating_add(wish.seeds) {
                break;
            }
            let plan = Plan::of(seed);
            let outcome = run(&plan, wish.mutation, false)?;
            done.fetch_add(1, SeqCst);
            attempts.fetch_add(outcome.attempts as u64, SeqCst);
            lives.fetch_add(outcome.lives, SeqCst);
            if !outcome.wrong.is_empty() {
                stop.store(true, SeqCst);
                if let Ok(mut failed) = failed.lock() {
                    failed.get_or_insert((plan, outcome));
                }
            }
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let jobs: Vec<_> = (0..wish.jobs).map(|_| scope.spawn(work)).collect();
        jobs.into_iter().try_for_each(|job| job.join().unwrap_or_else(|_| bail!("a trial panicked")))
    })?;
    say(&format!(
        "{} trials from seed {} in {:.1} s: {} attempts left, the gateway lived {} times",
        done.load(SeqCst),
        wish.from,
        begun.elapsed().as_secs_f64(),
        attempts.load(SeqCst),
        lives.load(SeqCst)
    ));
    let Some((plan, outcome)) = failed.into_inner().ok().flatten() else {
        say("every property held in each of them");
        return Ok(true);
    };
    outcome.wrong.iter().for_each(|what| say(&format!("seed {}: WRONG {what}", plan.seed)));
    say("making it small…");
    let small = shrink(&plan, wish.mutation)?;
    tell(&small, &run(&small, wish.mutation, true)?);
    say(&format!("seed {} fails; `cargo xtask trials --seed {}` tells the whole of it", plan.seed, plan.seed));
    Ok(false)
}
