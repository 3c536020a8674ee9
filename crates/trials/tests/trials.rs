//! Trials that every change has to pass, and the proofs that they can fail.

use transom_domain::message::WhenUnknown;
use transom_trials::{Act, Deed, Fault, Leg, Mishap, Mutation, Plan, Say, Send, Who, run, shrink};

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
            Mutation::OwnerIsOld | Mutation::NobodyLooks => &["stuck"],
            Mutation::ForgetsTemplates | Mutation::ForgetsPreferences => &["against the verdict"],
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

/// A marketing message through the first sender to a customer who has written, at this many milliseconds.
fn marketing(at: i64, key: u32) -> Act {
    let (say, when_unknown) = (Say::Marketing, WhenUnknown::Auto);
    Act { at, deed: Deed::Send(Send { key, sender: 0, customer: 2, say, when_unknown, validity: None, delay: None }) }
}

const fn pause(at: i64, paused: bool) -> Act {
    Act { at, deed: Deed::Pause { sender: 0, paused } }
}

/// Seed 3295, made small: whoever has just been told that the template goes again may send it.
#[test]
fn a_template_that_goes_again_may_be_sent_at_once() {
    let plan =
        Plan { seed: 3295, acts: vec![pause(42_277, true), pause(112_218, false), marketing(112_792, 13)], faults: vec![] };
    let outcome = run(&plan, None, false).unwrap();
    assert_eq!((outcome.wrong, outcome.attempts), (vec![], 1));
}

/// The word that the template goes again is still on its way when a new life of the gateway reads the list.
#[test]
fn a_template_that_goes_again_may_be_known_from_the_list() {
    let late = Fault::Exchange { leg: Leg::Webhook, nth: 1, mishap: Mishap::SlowThere(60_000) };
    let ends = Fault::Ends { who: Who::Gateway, at: 60_000, away: 100 };
    let acts = vec![pause(10_000, true), pause(58_000, false), marketing(61_000, 1)];
    let outcome = run(&Plan { seed: 1, acts, faults: vec![late, ends] }, None, false).unwrap();
    assert_eq!((outcome.wrong, outcome.attempts), (vec![], 1));
}

/// What the gateway was told counts against it whatever Meta answers: here Meta refuses what must not have left.
#[test]
fn a_paused_template_must_not_leave_even_if_meta_refuses_it() {
    let plan = Plan { seed: 1, acts: vec![pause(10_000, true), marketing(20_000, 1)], faults: vec![] };
    assert_eq!(run(&plan, None, false).unwrap().attempts, 0);
    let forgetful = run(&plan, Some(Mutation::ForgetsTemplates), false).unwrap();
    assert_eq!(forgetful.property(), Some("against the verdict"), "{:?}", forgetful.wrong);
}
