//! Trials that every change has to pass, and the proofs that they can fail.

use transom_trials::{Mutation, Plan, run, shrink};

/// Runs these seeds side by side, and stops at the first that fails.
fn all_hold(seeds: std::ops::Range<u64>) {
    let halves = [seeds.start..(seeds.start + seeds.end) / 2, (seeds.start + seeds.end) / 2..seeds.end];
    std::thread::scope(|scope| {
        for half in halves {
            scope.spawn(move || {
                for seed in half {
                    let outcome = run(&Plan::of(seed), None, false).expect("a trial can be built");
                    assert_eq!(outcome.wrong, Vec::<String>::new(), "cargo xtask trials --seed {seed}");
                }
            });
        }
    });
}

#[test]
fn every_property_holds_in_500_trials() {
    all_hold(0..500);
}

#[test]
fn a_seed_replays_exactly() {
    for seed in [3, 8, 21, 34, 55, 89] {
        let plan = Plan::of(seed);
        let (first, second) = (run(&plan, None, true).unwrap(), run(&plan, None, true).unwrap());
        let differs = first.story.iter().zip(&second.story).find(|(one, other)| one != other);
        assert_eq!(differs, None, "seed {seed}");
        assert_eq!((first.hash, first.story.len()), (second.hash, second.story.len()), "seed {seed}");
        assert!(first.attempts > 0 || first.story.len() > 20, "seed {seed} does nothing");
        // The story is told, never part of what happens.
        assert_eq!(first.hash, run(&plan, None, false).unwrap().hash, "seed {seed}");
    }
}

/// The first of the 500 seeds that notices this mutation, and the property that it breaks.
fn caught(mutation: Mutation) -> Option<(u64, String)> {
    (0..500).find_map(|seed| {
        let outcome = run(&Plan::of(seed), Some(mutation), false).expect("a trial can be built");
        outcome.property().map(|property| (seed, property.to_owned()))
    })
}

#[test]
fn every_mutation_is_caught() {
    for mutation in Mutation::ALL {
        let Some((seed, property)) = caught(mutation) else { panic!("no trial notices {mutation:?}") };
        let expected: &[&str] = match mutation {
            Mutation::AnswersBeforeSync => &["left without commit", "lost"],
            Mutation::ClaimsUnknownAgain => &["doubled", "left twice"],
            Mutation::CursorBeforeTelling => &["not told", "out of order"],
            Mutation::AcknowledgesBeforeHearing => &["told wrong", "stuck", "doubled"],
            Mutation::OwnerIsOld => &["stuck"],
            Mutation::ClockIsBehind => &["against the verdict"],
            Mutation::RetriesWithoutKey => &["accepted twice"],
        };
        assert!(expected.contains(&property.as_str()), "{mutation:?} breaks {property:?} in seed {seed}");
    }
}

#[test]
fn a_failing_plan_shrinks_and_still_fails() {
    let mutation = Mutation::ClaimsUnknownAgain;
    let (seed, property) = caught(mutation).unwrap();
    let small = shrink(&Plan::of(seed), Some(mutation)).unwrap();
    assert_eq!(run(&small, Some(mutation), false).unwrap().property(), Some(property.as_str()));
    // One send, and one fault that loses its answer, perhaps a session to carry it.
    assert!(small.size() <= 4, "{small:?}");
}
