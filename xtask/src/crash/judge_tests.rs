//! The judge finds what it looks for, and nothing where nothing is.

use super::*;

/// An attempt that began in that second, and was heard of at once.
fn tried(second: i64) -> Tried {
    let heard = Some(second * 1_000 + 10);
    Tried { began: second * 1_000, unknown: false, heard, status_heard: heard }
}

fn message(status: &str, tried: Vec<Tried>) -> Message {
    Message { status: status.to_owned(), reason: None, tried, given_up: None }
}

fn event(position: u64, id: &str) -> Event {
    Event { position, id: id.to_owned(), topic: Some("delivery_status"), conversation: "a customer".to_owned() }
}

fn told(event: &str, message: &str, status: &str) -> Told {
    let [event, message, status] = [event, message, status].map(str::to_owned);
    Told { topic: "delivery_status".to_owned(), event, message, status: Some(status) }
}

/// One message that went as it should.
fn good() -> Evidence {
    Evidence {
        accepted: vec![Accepted { number: 1, id: "m1".to_owned(), wish: Wish::Auto, by: 0, at: 10_000 }],
        messages: HashMap::from([("m1".to_owned(), message("delivered", vec![tried(10)]))]),
        on_phones: HashMap::from([(1, 1)]),
        taken: HashMap::from([("m1".to_owned(), 1)]),
        events: vec![event(1, "e1"), event(2, "e2")],
        told: vec![told("e1", "m1", "sent"), told("e2", "m1", "delivered")],
        inbound: vec!["w1".to_owned()],
        inbound_kept: HashMap::from([("w1".to_owned(), 1)]),
    }
}

/// What the judge finds after something was changed.
fn after(change: impl FnOnce(&mut Evidence)) -> Judgement {
    let mut evidence = good();
    change(&mut evidence);
    judge(&evidence)
}

#[test]
fn a_good_run_has_nothing_wrong() {
    let judgement = judge(&good());
    assert_eq!(judgement.wrong, Vec::<String>::new());
    assert_eq!((judgement.accepted, judgement.delivered, judgement.lost, judgement.doubled), (1, 1, 0, 0));
    // A repetition after a crash is no fault.
    let repeated = after(|e| {
        let again: Vec<Told> = e.told.clone();
        e.told.extend(again);
    });
    assert_eq!((repeated.wrong.len(), repeated.deliveries), (0, 4));
}

#[test]
fn what_is_lost_is_found() {
    assert_eq!(after(|e| e.messages.clear()).lost, 1, "the gateway forgot it");
    assert_eq!(after(|e| e.on_phones.clear()).lost, 1, "told as delivered, not on the phone");
    assert_eq!(after(|e| drop(e.messages.insert("m1".to_owned(), message("queued", vec![])))).lost, 1, "never came to an end");
    assert_eq!(after(|e| drop(e.messages.insert("m1".to_owned(), message("failed", vec![])))).lost, 1, "no reason");
    assert_eq!(after(|e| e.inbound_kept.clear()).wrong.len(), 1);
}

#[test]
fn what_is_doubled_is_found_by_the_phone_and_by_the_upstreams_record() {
    assert_eq!(
        after(|e| {
            let _ = e.on_phones.insert(1, 2);
        })
        .doubled,
        1
    );
    assert_eq!(
        after(|e| {
            let _ = e.taken.insert("m1".to_owned(), 2);
        })
        .doubled,
        1
    );
    let chosen = after(|e| {
        e.on_phones.insert(1, 2);
        e.accepted.iter_mut().for_each(|a| a.wish = Wish::Resend);
    });
    assert_eq!((chosen.doubled, chosen.doubled_by_choice, chosen.wrong.len()), (0, 1, 0));
    assert_eq!(
        after(|e| {
            let _ = e.inbound_kept.insert("w1".to_owned(), 2);
        })
        .wrong
        .len(),
        1
    );
    assert_eq!(
        after(|e| {
            let _ = e.on_phones.insert(2, 1);
        })
        .wrong
        .len(),
        1,
        "a message that nobody sent"
    );
}

#[test]
fn a_failure_that_arrived_is_found_and_a_failure_with_a_reason_is_none() {
    let failed = |arrived: usize| {
        after(|e| {
            let reason = Some("ERROR_CODE_UPSTREAM_ERROR".to_owned());
            e.messages.insert("m1".to_owned(), Message { reason, ..message("failed", vec![tried(10)]) });
            e.on_phones.insert(1, arrived);
            e.taken.insert("m1".to_owned(), arrived);
        })
    };
    assert_eq!((failed(0).wrong.len(), failed(0).lost), (0, 0));
    assert_eq!(failed(1).wrong.len(), 1);
}

#[test]
fn each_unknown_has_its_end() {
    let unheard = Tried { unknown: true, heard: None, status_heard: None, ..tried(10) };
    let heard = Tried { unknown: true, ..tried(10) };
    let of = |status: &str, tried: Vec<Tried>, given_up: Option<i64>| {
        let mut lone = good();
        let reason = (status == "failed").then(|| UNKNOWN.to_owned());
        lone.messages.insert("m1".to_owned(), Message { reason, given_up, ..message(status, tried) });
        judge(&lone)
    };
    assert_eq!(of("delivered", vec![heard], None).settled_by_word, 1);
    assert_eq!(of("delivered", vec![unheard.clone(), tried(30)], None).settled_by_silence, 1);
    let explained = of("failed", vec![unheard.clone()], Some(30_000));
    assert_eq!((explained.told_as_unknown, explained.wrong.len()), (1, 0));
    assert_eq!(of("unknown", vec![unheard.clone()], None).unsettled, 1);

    // Given up though a later attempt had been heard of: silence was evidence, it should have been sent again.
    let mut hasty = good();
    let given_up = Message { reason: Some(UNKNOWN.to_owned()), given_up: Some(30_000), ..message("failed", vec![unheard]) };
    hasty.messages.insert("m1".to_owned(), given_up);
    hasty.messages.insert("m2".to_owned(), message("delivered", vec![tried(20)]));
    assert!(judge(&hasty).wrong.iter().any(|wrong| wrong.contains("hearing was well")));
}

#[test]
fn gaps_wrong_order_and_steps_back_are_found() {
    let found = |change: fn(&mut Evidence), word: &str| {
        let judgement = after(change);
        assert!(judgement.wrong.iter().any(|wrong| wrong.contains(word)), "{word}: {:?}", judgement.wrong);
    };
    found(|e| e.events.iter_mut().for_each(|event| event.position += 1), "in the place of 1");
    found(|e| drop(e.events.remove(0)), "not in the stream");
    found(|e| e.told.reverse(), "out of order");
    found(|e| e.told.truncate(1), "never told");
    found(|e| e.told = vec![told("e1", "m1", "delivered"), told("e2", "m1", "sent")], "backwards");
}
