//! The two files of a house: what is heard is on disk in both before Meta is answered, and whatever comes in between leaves nothing
//! that Meta's repetition does not mend.

use std::path::Path;

use rusqlite::Connection;

use transom_domain::fact::Fact;
use transom_domain::id::JournalId;

use crate::conformance::desk::{Desk, SHOP, person};
use crate::conformance::tests::Sqlite;
use crate::{HearBody, Journal as _, SqliteOptions, SqliteStore, Store, StoreError};

const HOUSE: [&str; 2] = ["transom.db", "transom.db-wal"];
const JOURNAL: [&str; 2] = ["journal.sqlite", "journal.sqlite-wal"];

/// Copies files as they lie there: what a killed process leaves behind.
fn copy(from: &Path, to: &Path, names: [&str; 2]) {
    for name in names {
        std::fs::copy(from.join(name), to.join(name)).unwrap();
    }
}

/// A body as it comes, and as it comes once more: the same facts under another name.
fn body(desk: &mut Desk, wamid: &str) -> [HearBody; 2] {
    let ana: Fact = desk.inbound(person("+4915112345678").unwrap(), wamid, desk.now);
    let body = desk.body(vec![ana]);
    let mut again = body.clone();
    again.seed += 1;
    if let Some(entry) = &mut again.entry {
        entry.id = JournalId(desk.id());
    }
    [body, again]
}

#[tokio::test]
async fn a_kill_between_the_two_commits_of_a_body_is_mended_by_its_repetition() {
    for facts_first in [true, false] {
        let (live, dead) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let factory = Sqlite(live);
        let mut desk = Desk::new(&factory).await.unwrap();
        let [first, _] = body(&mut desk, "in.1");
        desk.store.hear(first).await.unwrap();
        let [second, again] = body(&mut desk, "in.2");
        // One file as it was before the second body, the other as it was after it: killed in between, and Meta has no answer.
        let (before, after) = if facts_first { (JOURNAL, HOUSE) } else { (HOUSE, JOURNAL) };
        copy(factory.0.path(), dead.path(), before);
        desk.store.hear(second).await.unwrap();
        copy(factory.0.path(), dead.path(), after);

        let store = SqliteStore::open(dead.path(), SqliteOptions::default()).unwrap();
        let events = async || store.events(SHOP, 0, 200).await.unwrap().newest;
        let entries = async || store.journal_after(SHOP, 0, 200).await.unwrap().entries.len();
        let told = if facts_first { 3 } else { 2 };
        assert_eq!((events().await, entries().await), (told, if facts_first { 1 } else { 2 }));
        let heard = store.hear(again).await.unwrap();
        assert_eq!((heard.news, heard.repeated), if facts_first { (0, 1) } else { (1, 0) });
        // Each message is told once; a body whose facts were lost lies in the journal twice, as it came twice.
        assert_eq!((events().await, entries().await), (3, if facts_first { 2 } else { 3 }));
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_journal_that_takes_nothing_lets_no_body_be_answered_and_stops_nothing_else() {
    let factory = Sqlite(tempfile::tempdir().unwrap());
    let mut desk = Desk::new(&factory).await.unwrap();
    let by_hand = Connection::open(factory.0.path().join("journal.sqlite")).unwrap();
    by_hand
        .execute_batch("CREATE TRIGGER full BEFORE INSERT ON entry BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END")
        .unwrap();
    let [first, again] = body(&mut desk, "in.1");
    // Not answered, so that Meta sends it again; its facts are there all the same.
    assert!(matches!(desk.store.hear(first).await, Err(StoreError::Unavailable(_) | StoreError::Corrupt(_))));
    assert_eq!(desk.names().await.unwrap(), ["message.received", "session.opened"]);
    desk.send("+4915112345678").await.unwrap();
    let refused = desk.store.hear(again.clone()).await;
    assert!(refused.is_err());
    by_hand.execute_batch("DROP TRIGGER full").unwrap();
    let heard = desk.store.hear(again).await.unwrap();
    assert_eq!((heard.news, heard.repeated), (0, 1));
    assert_eq!(desk.names().await.unwrap(), ["message.received", "session.opened"]);
    assert_eq!(desk.store.journal_after(SHOP, 0, 10).await.unwrap().entries.len(), 1);
}
