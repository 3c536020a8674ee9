//! Endpoints beside each other: none delays another, and none costs what is heard.

use super::*;

const MESSAGES: usize = 50;

/// Fifty messages, a tenth of a second apart: how long after each was heard the healthy endpoint was told of it.
async fn delays(beside: &[(&str, Mood)]) -> Vec<(String, i64)> {
    let desk = Desk::new().await;
    let mut ids = Vec::new();
    for (host, mood) in beside {
        desk.ears.mood(host, mood.clone());
        ids.push(desk.endpoint(host, Payload::Event).await.0);
    }
    ids.push(desk.endpoint("healthy.example", Payload::Event).await.0);
    for id in ids {
        desk.switch(id, true).await;
    }
    let mut heard = Vec::new();
    for _ in 0..MESSAGES {
        tokio::time::sleep(Duration::from_millis(100)).await;
        heard.push(desk.clock.now());
        desk.hear().await;
    }
    desk.pass(1).await;
    let told = desk.ears.of("healthy.example");
    assert_eq!(told.len(), MESSAGES, "beside {beside:?}");
    texts(&told).into_iter().zip(told.iter().zip(heard).map(|(call, heard)| call.at.since(heard).as_millis())).collect()
}

#[tokio::test(start_paused = true)]
async fn a_dead_and_a_slow_endpoint_delay_a_healthy_one_by_nothing() {
    let alone = delays(&[]).await;
    assert!(alone.iter().all(|(_, delay)| *delay == 0), "{alone:?}");
    let slow = Mood::Slow(Duration::from_secs(10));
    assert_eq!(delays(&[("slow.example", slow), ("dead.example", Mood::Dead)]).await, alone);
    let refuses = Mood::Refuse(503, Some("3600"));
    assert_eq!(delays(&[("held.example", Mood::Hold), ("refuses.example", refuses)]).await, alone);
}

/// Rows written for what is heard while this many endpoints are told of it, and the moves that wrote them.
async fn rows(endpoints: usize) -> (usize, BTreeMap<&'static str, usize>, Desk) {
    let desk = Desk::new().await;
    for n in 0..endpoints {
        let (endpoint, _) = desk.endpoint(&format!("e{n}.example"), Payload::Event).await;
        desk.switch(endpoint, true).await;
    }
    // What came before is over, and written down.
    desk.pass(60).await;
    desk.disk.writes.lock().unwrap().clear();
    desk.store.set_sync(false);
    let before = desk.store.unsafe_writes();
    for _ in 0..MESSAGES {
        desk.hear().await;
    }
    desk.ears.heard(MESSAGES * endpoints).await;
    let rows = desk.store.unsafe_writes() - before;
    let moves = desk.disk.writes.lock().unwrap().clone();
    (rows, moves, desk)
}

#[tokio::test(start_paused = true)]
async fn twenty_endpoints_write_no_more_rows_for_what_is_heard() {
    let (none, by_none, _) = rows(0).await;
    assert!(none >= MESSAGES, "something is written for each: {none}");
    let (twenty, by_twenty, desk) = rows(20).await;
    assert_eq!((twenty, by_twenty), (none, by_none), "all twenty were told of all");
    // Then each writes down how far it is: once for all that it was told, not once for each.
    desk.pass(30).await;
    assert_eq!(desk.disk.writes("relay_settle"), 20);
    for endpoint in desk.service().endpoints(&desk.caller).await.unwrap() {
        assert!(
            desk.store.deliveries(BusinessId(1), endpoint.id, Deliveries::Waiting, None, 10).await.unwrap().unwrap().is_empty()
        );
    }
}
