//! Who stands in whose way, and for how long: transactions that wait for each other, processes that stand still, and plans that were made
//! before there was anything.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::connect::Connect;
use super::directory::Directory;
use super::session::{Session, Trouble};
use super::testing::{ask, empty, execute};
use super::{PostgresAddress, PostgresOptions, PostgresStore};
use crate::Accepted;
use crate::conformance::desk::Desk;
use crate::conformance::tests::Postgres;
use crate::sql::params;

/// Nothing here is waited for longer.
const PATIENCE: Duration = Duration::from_secs(30);

async fn connected(url: &str, options: PostgresOptions) -> Client {
    let connect = Connect::new(&PostgresAddress::parse(url).unwrap(), options).unwrap();
    let client = connect.connect().await.unwrap();
    client.batch_execute(&format!("SET lock_timeout = {}", PATIENCE.as_millis())).await.unwrap();
    client
}

/// Waits until the server says yes.
async fn until(client: &Client, yes: &str) {
    let begun = Instant::now();
    while !client.query_one(yes, &[]).await.unwrap().get::<_, bool>(0) {
        assert!(begun.elapsed() < PATIENCE, "{yes}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_ends_in_a_deadlock_is_made_again() {
    let url = empty();
    let schema = url.rsplit("%3D").next().unwrap().to_owned();
    // The server looks for a deadlock once, so long after somebody began to wait: here only for the store, once the other waits too.
    let mut desk = Desk::new(&Postgres(format!("{url}%20-c%20deadlock_timeout%3D3s"))).await.unwrap();
    desk.send("+4915112345678").await.unwrap();
    let other = connected(&url, PostgresOptions::default()).await;
    let watch = connected(&url, PostgresOptions::default()).await;
    for sql in ["SET deadlock_timeout = '1h'", "BEGIN", "SELECT position FROM sender_counter FOR UPDATE"] {
        other.batch_execute(sql).await.unwrap();
    }
    let accept = desk.text("+4915112345678").unwrap();
    let store = Arc::clone(&desk.store);
    let answer = tokio::spawn(async move { store.accept(accept).await });
    let waits = format!(
        "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE application_name = '{schema}' AND wait_event_type = 'Lock')"
    );
    until(&watch, &waits).await;
    // Each has now what the other waits for. This one gets it only because the store's transaction was ended.
    other.batch_execute("SELECT version FROM turn FOR UPDATE").await.unwrap();
    other.batch_execute("COMMIT").await.unwrap();
    let Accepted::Stored { position, .. } = answer.await.unwrap().unwrap() else { panic!("not stored") };
    assert_eq!(position, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_stands_still_with_a_turn_is_cut_off_and_the_others_go_on() {
    let url = empty();
    let mut desk = Desk::new(&Postgres(url.clone())).await.unwrap();
    desk.send("+4915112345678").await.unwrap();
    let stall = Duration::from_millis(300);
    let still = connected(&url, PostgresOptions { stall_timeout: stall, ..PostgresOptions::default() }).await;
    still.batch_execute("BEGIN").await.unwrap();
    still.batch_execute("SELECT version FROM turn FOR UPDATE").await.unwrap();
    // Without an end to it this would wait until its statement is ended.
    let accept = desk.text("+4915112345678").unwrap();
    let Accepted::Stored { position, .. } = desk.store.accept(accept).await.unwrap() else { panic!("not stored") };
    assert_eq!(position, 2);
    let why = still.batch_execute("COMMIT").await.unwrap_err();
    assert!(why.is_closed() || why.code() == Some(&SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT), "{why}");
}

#[test]
fn who_was_cut_off_begins_anew() {
    let url = empty();
    let options = PostgresOptions { stall_timeout: Duration::from_millis(100), ..PostgresOptions::default() };
    let connect = Arc::new(Connect::new(&PostgresAddress::parse(&url).unwrap(), options).unwrap());
    let session = Session::new(connect, Arc::new(Directory::default())).unwrap();
    session.ready().unwrap();
    session.run("BEGIN", params![]).unwrap();
    let schema = url.rsplit("%3D").next().unwrap();
    let there = format!("SELECT pid FROM pg_stat_activity WHERE application_name = '{schema}' AND pid <> pg_backend_pid()");
    let begun = Instant::now();
    while !ask(&PostgresAddress::parse(&url).unwrap(), vec![there.clone()]).concat().is_empty() {
        assert!(begun.elapsed() < PATIENCE);
    }
    session.run("COMMIT", params![]).unwrap_err();
    assert_eq!(session.trouble(), Some(Trouble::Lost));
    // On a busy machine it may be cut off once more; then it begins anew once more.
    loop {
        session.ready().unwrap();
        session.query("SELECT version FROM directory", params![]).unwrap_err();
        match session.trouble() {
            Some(Trouble::Lost) => assert!(begun.elapsed() < PATIENCE),
            other => return assert_eq!(other, Some(Trouble::Other), "there is no such table yet, and that is all"),
        }
    }
}

/// While a table is empty, any of its indexes is as good as another. This one is the worst there is once it is not.
const BY_SEQ: &str = "SELECT address FROM message WHERE business = $1 AND seq = $2";

#[test]
fn a_plan_that_was_made_before_there_was_anything_is_made_anew() {
    let url = empty();
    let address = PostgresAddress::parse(&url).unwrap();
    drop(PostgresStore::open(&address, PostgresOptions::default()).unwrap());
    // As if the server had not come by yet to look how much there is.
    execute(&url, "ALTER TABLE message SET (autovacuum_enabled = off)");
    let connect = Arc::new(Connect::new(&address, PostgresOptions::default()).unwrap());
    let session = Session::new(connect, Arc::new(Directory::default())).unwrap();
    let look = || {
        session.ready().unwrap();
        session.query(BY_SEQ, params![[0; 16], 1i64]).unwrap();
    };
    let plan = || {
        let name = "SELECT name FROM pg_prepared_statements WHERE statement LIKE 'SELECT address FROM message%'";
        let name: String = session.query(name, params![]).unwrap()[0].get(0);
        let explain: &'static str = format!("EXPLAIN (COSTS OFF) EXECUTE {name} ('', 0)").leak();
        let lines = session.query(explain, params![]).unwrap();
        lines.iter().map(|line| line.get::<_, String>(0)).collect::<Vec<_>>().join("\n")
    };
    look();
    let before = plan();
    execute(
        &url,
        "INSERT INTO message (business, seq, id, sender, customer, channel, address, position, class, accepted_at, when_unknown)
         SELECT '', i, decode(lpad(to_hex(i), 32, '0'), 'hex'), '', decode(lpad(to_hex(i), 32, '0'), 'hex'), '', '', i, 0, 0, ''
         FROM generate_series(1, 5000) AS i",
    );
    (0..64).for_each(|_| look());
    let after = plan();
    assert!(!before.contains("message_pkey") && after.contains("message_pkey"), "{before}\n{after}");
}
