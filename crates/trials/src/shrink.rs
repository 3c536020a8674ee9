//! Shrinking: taking away what a failing plan does not need.

use anyhow::Result;

use crate::mutation::Mutation;
use crate::plan::Plan;
use crate::run;

/// Runs that one shrinking may take.
const RUNS_MAX: usize = 600;

/// The smallest part of a failing plan, found by taking pieces away, that still breaks the same property. Answers the plan as it
/// is when it does not fail.
///
/// # Errors
/// When a trial cannot be built.
pub fn shrink(plan: &Plan, mutation: Option<Mutation>) -> Result<Plan> {
    let first = run(plan, mutation, false)?;
    let Some(property) = first.property().map(str::to_owned) else { return Ok(plan.clone()) };
    let mut smallest = plan.clone();
    let mut runs = 0;
    let mut piece = smallest.size().div_ceil(2);
    while piece > 0 && runs < RUNS_MAX {
        let mut from = 0;
        let mut taken = false;
        while from < smallest.size() && runs < RUNS_MAX {
            let smaller = without(&smallest, from, piece);
            runs += 1;
            if run(&smaller, mutation, false)?.property() == Some(&property) {
                smallest = smaller;
                taken = true;
            } else {
                from += piece;
            }
        }
        if !taken {
            piece /= 2;
        }
    }
    Ok(smallest)
}

/// The plan without so many of its pieces; faults count first, since a failure is easier to read with none that do not matter.
fn without(plan: &Plan, from: usize, count: usize) -> Plan {
    let gone = from..from.saturating_add(count);
    let faults = plan.faults.len();
    let kept = |offset: usize| {
        let gone = gone.clone();
        move |(at, _): &(usize, _)| !gone.contains(&(at + offset))
    };
    Plan {
        seed: plan.seed,
        faults: plan.faults.iter().copied().enumerate().filter(kept(0)).map(|(_, fault)| fault).collect(),
        acts: plan
            .acts
            .iter()
            .copied()
            .enumerate()
            .filter(|(at, _)| !gone.contains(&(at + faults)))
            .map(|(_, act)| act)
            .collect(),
    }
}
