//! Endpoints that are changed while they are called.

use transom_domain::error_code::ErrorCode;
use transom_domain::id::EventId;

use super::*;
use crate::service::endpoints::ReplayAsk;

/// An endpoint that is in the middle of a round of three, of which it holds the first.
async fn in_a_round(desk: &Desk, payload: Payload) -> (EndpointId, String) {
    let (endpoint, secret) = desk.endpoint("one.example", payload).await;
    for _ in 0..3 {
        desk.hear().await;
    }
    desk.ears.mood("one.example", Mood::Hold);
    desk.switch(endpoint, true).await;
    assert_eq!(texts(&desk.ears.heard(1).await), ["1"]);
    (endpoint, secret)
}

const PAYLOADS: [Payload; 2] = [Payload::Event, Payload::Raw];

#[tokio::test(start_paused = true)]
async fn nothing_leaves_to_the_old_address_after_a_move() {
    for payload in PAYLOADS {
        let desk = Desk::new().await;
        let (endpoint, _) = in_a_round(&desk, payload).await;
        let moved = EndpointChange { url: Some("https://two.example/hook".to_owned()), ..EndpointChange::default() };
        desk.service().change_endpoint(&desk.caller, endpoint, moved).await.unwrap();
        desk.ears.mood("one.example", Mood::Take);
        desk.ears.heard(3).await;
        desk.pass(5).await;
        let places: Vec<(String, String)> =
            desk.ears.calls().into_iter().map(|call| (call.host.clone(), texts(&[call]).remove(0))).collect();
        let place = |host: &str, text: &str| (host.to_owned(), text.to_owned());
        assert_eq!(places, [place("one.example", "1"), place("two.example", "2"), place("two.example", "3")], "{payload:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_signed_with_a_secret_that_was_taken_back() {
    for payload in PAYLOADS {
        let desk = Desk::new().await;
        let (endpoint, old) = in_a_round(&desk, payload).await;
        let (new, _) = desk.service().rotate_secret(&desk.caller, endpoint, Span::ZERO).await.unwrap();
        desk.ears.mood("one.example", Mood::Take);
        let calls = desk.ears.heard(3).await;
        assert_eq!(texts(&calls), ["1", "2", "3"]);
        let signed: Vec<(bool, bool)> = calls.iter().map(|call| (call.is_signed_with(&old), call.is_signed_with(&new))).collect();
        assert_eq!(signed, [(true, false), (false, true), (false, true)], "{payload:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_leaves_to_one_that_was_switched_off_and_it_goes_on_where_it_was() {
    for payload in PAYLOADS {
        let desk = Desk::new().await;
        let (endpoint, _) = in_a_round(&desk, payload).await;
        desk.switch(endpoint, false).await;
        desk.ears.mood("one.example", Mood::Take);
        desk.pass(600).await;
        assert_eq!(texts(&desk.ears.calls()), ["1"], "{payload:?}");
        desk.switch(endpoint, true).await;
        desk.ears.heard(3).await;
        desk.pass(600).await;
        assert_eq!(texts(&desk.ears.calls()), ["1", "2", "3"], "{payload:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_leaves_to_one_that_was_removed() {
    for payload in PAYLOADS {
        let desk = Desk::new().await;
        let (endpoint, _) = in_a_round(&desk, payload).await;
        desk.service().delete_endpoint(&desk.caller, endpoint).await.unwrap();
        desk.ears.mood("one.example", Mood::Take);
        desk.pass(600).await;
        assert_eq!(texts(&desk.ears.calls()), ["1"], "{payload:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn off_and_on_keeps_one_worker_and_forgets_what_was_before() {
    let desk = Desk::new().await;
    let (endpoint, _) = in_a_round(&desk, Payload::Event).await;
    desk.switch(endpoint, false).await;
    let moved = EndpointChange { url: Some("https://two.example/hook".to_owned()), ..EndpointChange::default() };
    desk.service().change_endpoint(&desk.caller, endpoint, moved).await.unwrap();
    desk.switch(endpoint, true).await;
    desk.pass(5).await;
    assert_eq!(desk.ears.calls().len(), 1, "it takes one at a time, and holds that");
    // What the old address says now counts no more: the endpoint stays on.
    desk.ears.mood("one.example", Mood::Refuse(410, None));
    desk.ears.heard(4).await;
    desk.pass(600).await;
    assert_eq!(texts(&desk.ears.of("two.example")), ["2", "3", "1"]);
    let health = desk.shown(endpoint).await.health;
    assert_eq!((health.disabled, health.failures), (None, 0));
    let events = desk.store.events(BusinessId(1), 0, 100).await.unwrap().events;
    assert!(events.iter().all(|event| !event.body.name().starts_with("endpoint.")));
}

#[tokio::test(start_paused = true)]
async fn one_that_is_switched_on_while_its_worker_ends_is_told() {
    let desk = Desk::new().await;
    let (endpoint, _) = desk.endpoint("one.example", Payload::Event).await;
    desk.switch(endpoint, true).await;
    desk.ears.mood("one.example", Mood::Refuse(410, None));
    desk.disk.hold("relay_settle");
    desk.hear().await;
    // It is recorded that it is off, and the worker has not heard so yet.
    desk.disk.holds().await;
    assert!(desk.shown(endpoint).await.health.disabled.is_some());
    desk.ears.mood("one.example", Mood::Take);
    desk.switch(endpoint, true).await;
    desk.disk.release();
    desk.hear().await;
    desk.ears.heard(2).await;
    desk.pass(600).await;
    assert_eq!(texts(&desk.ears.calls()), ["1", "2", "1"]);
    assert_eq!(desk.shown(endpoint).await.health.disabled, None);
}

#[tokio::test(start_paused = true)]
async fn a_hand_goes_through_a_pause_and_ends_it_where_it_is_taken() {
    let desk = Desk::new().await;
    let (endpoint, _) = desk.endpoint("one.example", Payload::Event).await;
    desk.switch(endpoint, true).await;
    desk.ears.mood("one.example", Mood::Refuse(503, Some("86400")));
    desk.hear().await;
    let first: EventId = desk.ears.heard(1).await[0].id.parse().unwrap();
    for _ in 0..3 {
        desk.hear().await;
    }
    desk.pass(600).await;
    assert_eq!(desk.ears.calls().len(), 1, "it asked to be left alone");
    let until = desk.service().relay.rests_until(endpoint);
    assert!(until.is_some_and(|until| until > desk.clock.now().plus(Span::hours(23))), "{until:?}");
    // One goes, and it is refused again: the others stay.
    desk.service().retry_delivery(&desk.caller, endpoint, first).await.unwrap();
    desk.pass(600).await;
    assert_eq!(texts(&desk.ears.calls()), ["1", "1"]);
    // Switching on what is on tries the next there is.
    desk.switch(endpoint, true).await;
    desk.pass(600).await;
    assert_eq!(texts(&desk.ears.calls()), ["1", "1", "2"]);
    desk.ears.mood("one.example", Mood::Take);
    desk.service().retry_delivery(&desk.caller, endpoint, first).await.unwrap();
    desk.ears.heard(6).await;
    assert_eq!(texts(&desk.ears.calls())[3..], ["1", "3", "4"], "the one that was asked for, and then the others");
    assert_eq!(desk.service().relay.rests_until(endpoint), None);
}

#[tokio::test(start_paused = true)]
async fn what_is_switched_off_is_told_of_nothing_by_hand() {
    let desk = Desk::new().await;
    let (endpoint, _) = desk.endpoint("one.example", Payload::Event).await;
    let refused = desk.service().start_replay(&desk.caller, endpoint, ReplayAsk::default()).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::EndpointState);
    assert!(desk.service().replays(&desk.caller, endpoint).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_was_told_a_moment_ago_is_told_again_by_hand() {
    let desk = Desk::new().await;
    let (endpoint, _) = desk.endpoint("one.example", Payload::Event).await;
    desk.switch(endpoint, true).await;
    desk.hear().await;
    let told: EventId = desk.ears.heard(1).await[0].id.parse().unwrap();
    while desk.service().relay.told_to(endpoint) == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(desk.shown(endpoint).await.cursor, 0, "it is not written down yet");
    desk.service().retry_delivery(&desk.caller, endpoint, told).await.unwrap();
    assert_eq!(texts(&desk.ears.heard(2).await), ["1", "1"]);
    desk.pass(600).await;
    assert_eq!(desk.ears.calls().len(), 2);
}
