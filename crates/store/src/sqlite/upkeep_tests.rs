//! What goes on beside the moves: the log's ceiling, copies, the disk's reserve.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;

use transom_domain::id::{JournalId, MessageId};

use crate::conformance::desk::{APP, Desk, SHOP, person};
use crate::conformance::tests::Sqlite;
use crate::conformance::{Broken, Factory};
use crate::{
    CopyProgress, DiskSpace, JournalEntry, JournalHead, JournalOutcome, Keep, MessageFilter, Page, SqliteOptions, SqliteStore,
    Store, StoreError, SweepPoint,
};

const LOG_MAX: u64 = 1 << 20;

/// A folder opened with these options.
struct With<'a>(&'a Path, SqliteOptions);

impl Factory for With<'_> {
    fn open(&self) -> Arc<dyn Store> {
        Arc::new(SqliteStore::open(self.0, self.1).unwrap())
    }
}

/// Writes some hundred pages in one or two groups.
async fn write(store: &Arc<dyn Store>, desk: &Desk, round: u128) {
    let mut writes = tokio::task::JoinSet::new();
    for n in 0..100 {
        let (store, at) = (Arc::clone(store), desk.now);
        let raw = vec![b'x'; 4_096];
        let head = JournalHead {
            id: JournalId(round * 100 + n),
            position: 0,
            business: None,
            app: APP.to_owned(),
            at,
            outcome: JournalOutcome::Malformed,
            fields: String::new(),
            note: String::new(),
            size: raw.len(),
            erased: false,
        };
        let entry = JournalEntry { head, raw };
        writes.spawn(async move { store.journal_ignored(entry).await });
    }
    for written in writes.join_all().await {
        written.unwrap();
    }
}

fn log_size(folder: &Path) -> u64 {
    std::fs::metadata(folder.join("journal.sqlite-wal")).unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_stays_below_its_ceiling_while_everything_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteOptions { log_max: LOG_MAX, ..SqliteOptions::default() };
    let mut desk = Desk::new(&With(folder.path(), options)).await.unwrap();
    for _ in 0..50 {
        desk.send("+4915112345678").await.unwrap();
    }
    let store = Arc::clone(&desk.store);
    let over = Arc::new(AtomicBool::new(false));
    // Somebody reads at every moment: without help the log would never be free to begin anew.
    let mut readers = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (store, over) = (Arc::clone(&store), Arc::clone(&over));
        readers.spawn(async move {
            while !over.load(Ordering::Relaxed) {
                store.messages(SHOP, MessageFilter::default(), Page { size: 50, token: None }).await.unwrap();
            }
        });
    }
    for round in 0..40 {
        write(&store, &desk, round).await;
        let (size, condition) = (log_size(folder.path()), store.condition());
        assert!(size <= 3 * LOG_MAX || condition.log_pinned > 0, "after {round} rounds the log has {size} bytes: {condition:?}");
    }
    over.store(true, Ordering::Relaxed);
    readers.join_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_stays_is_told_of_and_holds_nobody_up_for_long() {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteOptions { log_max: LOG_MAX, ..SqliteOptions::default() };
    let desk = Desk::new(&With(folder.path(), options)).await.unwrap();
    let store = Arc::clone(&desk.store);
    let shell = Connection::open(folder.path().join("journal.sqlite")).unwrap();
    shell.execute_batch("BEGIN; SELECT count(*) FROM entry").unwrap();
    let mut round = 0;
    while store.condition().log_pinned == 0 {
        write(&store, &desk, round).await;
        round += 1;
        assert!(round < 1_000, "nobody noticed: {:?}", store.condition());
    }
    shell.execute_batch("COMMIT").unwrap();
    // It begins anew by itself, and the file is cut back.
    while store.condition().log_bytes > LOG_MAX || log_size(folder.path()) > 3 * LOG_MAX {
        write(&store, &desk, round).await;
        round += 1;
        assert!(round < 10_000, "the log does not shrink: {:?}", store.condition());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_made_under_load_has_all_that_was_answered() {
    let folder = tempfile::tempdir().unwrap();
    let factory = Sqlite(folder);
    let mut desk = Desk::new(&factory).await.unwrap();
    let mut answered = Vec::new();
    let large = format!("\"{}\"", "x".repeat(100_000));
    for _ in 0..60 {
        let mut accept = desk.text("+4915112345678").unwrap();
        accept.callback_data = Some(large.clone());
        answered.push(desk.accept(accept).await.unwrap());
    }
    let elsewhere = tempfile::tempdir().unwrap();
    let (to, progress) = (elsewhere.path().join("transom.db"), Arc::new(CopyProgress::default()));
    let store = Arc::clone(&desk.store);
    let copy = tokio::spawn({
        let (store, to, progress) = (Arc::clone(&store), to.clone(), Arc::clone(&progress));
        async move { store.copy(to, progress).await }
    });
    let mut during = 0;
    while !copy.is_finished() {
        let id = send_and_take(&mut desk, during).await.unwrap();
        // What was answered after the last page was copied, while the copy was synced, need not be in it.
        if progress.copied.load(Ordering::SeqCst) < progress.pages.load(Ordering::SeqCst) {
            answered.push(id);
            during += 1;
        }
    }
    copy.await.unwrap().unwrap();
    assert!(during > 1, "sends went on while it was copied");
    let (pages, copied) = (progress.pages.load(Ordering::Relaxed), progress.copied.load(Ordering::Relaxed));
    assert!(pages > 1_000 && copied == pages, "{copied} of {pages}");
    // A second one to the same place would overwrite it.
    assert!(matches!(store.copy(to.clone(), progress).await, Err(StoreError::Unavailable(_))));

    let other = SqliteStore::open(elsewhere.path(), SqliteOptions::default()).unwrap();
    for id in &answered {
        assert!(other.message(SHOP, *id).await.unwrap().is_some(), "{id} is not in the copy");
    }
    let connection = Connection::open(&to).unwrap();
    let sound: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
}

/// A send, and every other time a claim: rows that were copied already change.
async fn send_and_take(desk: &mut Desk, turn: usize) -> Result<MessageId, Broken> {
    let id = desk.send("+4915112345679").await?;
    if turn % 2 == 1 {
        desk.claim().await?;
    }
    Ok(id)
}

#[tokio::test]
async fn the_reserve_of_the_disk_is_for_what_is_heard() {
    let folder = tempfile::tempdir().unwrap();
    let mut desk = Desk::new(&With(folder.path(), SqliteOptions::default())).await.unwrap();
    desk.store.close().await.unwrap();
    let options = SqliteOptions { disk_reserve: u64::MAX / 4, ..SqliteOptions::default() };
    desk.store = With(folder.path(), options).open();
    assert!(matches!(desk.store.condition().disk, Some(DiskSpace { low: true, .. })));
    let accept = desk.text("+4915112345678").unwrap();
    assert!(matches!(desk.store.accept(accept).await, Err(StoreError::DiskLow { .. })));
    assert!(matches!(desk.store.probe(desk.now).await, Err(StoreError::DiskLow { .. })));
    let fact = desk.inbound(person("+4915112345678").unwrap(), "in.1", desk.now);
    let heard = desk.hear(vec![fact]).await.unwrap();
    assert_eq!(heard.messages.len(), 1);
    // What makes room goes on.
    desk.store.sweep(Keep::default(), SweepPoint::START, 10, desk.now).await.unwrap();
    desk.store.delete(SHOP, heard.messages[0], desk.now).await.unwrap();
}
