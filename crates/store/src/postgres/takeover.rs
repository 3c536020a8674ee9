//! Several servers, of which one takes over from another: who is spoken to then, and what becomes of what was under way.

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use transom_testing::Postgres;

use super::connect::Connect;
use super::directory::Directory;
use super::hosts::Link;
use super::session::{Session, Trouble};
use super::testing::empty;
use super::{PostgresAddress, PostgresOptions, PostgresStore};
use crate::conformance::Factory;
use crate::conformance::desk::Desk;
use crate::sql::params;
use crate::{Accepted, Store};

/// The address of a database on two servers.
fn both(one: &Postgres, other: &Postgres, database: &str) -> PostgresAddress {
    let (first, second) = (one.address(database), other.address(database));
    let host = second.split(['@', '/']).nth(3).unwrap();
    let at = first.rfind('/').unwrap();
    PostgresAddress::parse(&format!("{},{host}{}", &first[..at], &first[at..])).unwrap()
}

/// Makes a stopped server one that took over: it begins as a standby, and is promoted.
fn promote(server: &Postgres) {
    std::fs::write(server.folder().join("data/standby.signal"), "").unwrap();
    server.begin();
    assert_eq!(server.sql("postgres", "SELECT pg_promote()"), "t");
}

/// Whether a connection leads to a server.
async fn leads_to(link: &Link, server: &Postgres) -> bool {
    let data = server.folder().join("data").display().to_string();
    let row = link.client.query_one("SELECT current_setting('data_directory')", &[]).await.unwrap();
    row.get::<_, String>(0) == data
}

fn writes(server: &Postgres, allowed: bool) {
    let only_reads = if allowed { "off" } else { "on" };
    assert_eq!(server.sql("postgres", &format!("ALTER SYSTEM SET default_transaction_read_only = {only_reads}")), "");
    server.stop();
    server.begin();
}

#[tokio::test]
async fn the_server_that_takes_writes_is_found_beside_one_that_only_reads_and_one_that_says_nothing() {
    let (one, other) = (Postgres::start(&["default_transaction_read_only=on"]), Postgres::start(&[]));
    // Connections are taken by the system, and that is all that happens.
    let folder = tempfile::tempdir().unwrap();
    let _silent = std::os::unix::net::UnixListener::bind(folder.path().join(".s.PGSQL.5432")).unwrap();
    let two = both(&one, &other, "postgres").to_string();
    let silent = folder.path().display().to_string().replace('/', "%2F");
    let three = PostgresAddress::parse(&two.replace('@', &format!("@{silent}:5432,"))).unwrap();
    let connect = Connect::new(&three, PostgresOptions::default()).unwrap();
    let begun = Instant::now();
    let link = connect.link().await.unwrap();
    assert!(leads_to(&link, &other).await);
    assert!(begun.elapsed() < Duration::from_secs(5), "it waited for the silent one: {:?}", begun.elapsed());
    assert!(link.stands());
    // While the silent one is waited for, who said no is asked again: it may be about to take over.
    drop(link);
    other.stop();
    let turn = tokio::task::spawn_blocking(move || {
        other.begin();
        other
    });
    let (again, other) = tokio::join!(connect.link(), turn);
    assert!(leads_to(&again.unwrap(), &other.unwrap()).await);
}

#[tokio::test]
async fn of_two_that_take_writes_the_one_that_took_over_is_spoken_to_and_nobody_goes_back() {
    let (old, new) = (Postgres::start(&[]), Postgres::start(&[]));
    let connect = Connect::new(&both(&old, &new, "postgres"), PostgresOptions::default()).unwrap();
    new.stop();
    let former = connect.link().await.unwrap();
    assert!(leads_to(&former, &old).await && former.stands());
    promote(&new);
    let next = connect.link().await.unwrap();
    assert!(leads_to(&next, &new).await && next.stands());
    // Whoever still has a connection to the other learns of it.
    former.left().await;
    assert!(!former.stands() && !former.client.is_closed());
    new.kill();
    let why = connect.link().await.err().unwrap().to_string();
    assert!(why.contains("left behind"), "{why}");
}

#[tokio::test]
async fn a_server_that_turns_to_reading_is_left_for_the_other() {
    let (one, other) = (Postgres::start(&[]), Postgres::start(&[]));
    writes(&other, false);
    let connect = Connect::new(&both(&one, &other, "postgres"), PostgresOptions::default()).unwrap();
    assert!(leads_to(&connect.link().await.unwrap(), &one).await);
    writes(&one, false);
    let why = connect.link().await.err().unwrap().to_string();
    assert_eq!(why.matches("does not allow writes").count(), 2, "{why}");
    // Soon after, nobody asks the servers.
    assert_eq!(connect.link().await.err().unwrap().to_string(), why);
    writes(&other, true);
    assert!(leads_to(&connect.link().await.unwrap(), &other).await);
}

struct Opened(Arc<PostgresStore>);

impl Factory for Opened {
    fn open(&self) -> Arc<dyn Store> {
        Arc::clone(&self.0) as Arc<dyn Store>
    }
}

/// A primary whose standby took over has nobody to wait for, and its commits never end. One that finds out is enough for all.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_hangs_on_the_former_primary_is_made_on_the_one_that_took_over() {
    let (old, new) = (Postgres::start(&[]), Postgres::start(&[]));
    let url = old.database();
    let database = url.rsplit('/').next().unwrap();
    let options = PostgresOptions { writers: 2, readers: 2, ..PostgresOptions::default() };
    new.stop();
    let store = Arc::new(PostgresStore::open(&both(&old, &new, database), options).unwrap());
    let mut desk = Desk::new(&Opened(Arc::clone(&store))).await.unwrap();
    let first = desk.send("+4915112345678").await.unwrap();
    // From now on the other one is a copy of it, as a standby would be, and its own commits wait for a standby that is not there.
    assert_eq!(old.sql("postgres", "ALTER SYSTEM SET synchronous_standby_names = 'gone'"), "");
    old.stop();
    let copied = Command::new("/bin/sh")
        .args(["-c", "rm -rf \"$2\" && cp -a \"$1\" \"$2\" && : >\"$2/postgresql.auto.conf\"", "copy"])
        .args([old.folder().join("data"), new.folder().join("data")])
        .status()
        .unwrap();
    assert!(copied.success());
    old.begin();
    let accept = desk.text("+4915112345678").unwrap();
    let (waiting, begun) = (
        tokio::spawn({
            let store = Arc::clone(&desk.store);
            async move { store.accept(accept).await }
        }),
        Instant::now(),
    );
    let hanging = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    while old.sql("postgres", hanging) == "0" {
        tokio::task::yield_now().await;
    }
    promote(&new);
    // The one that reads is sent away, and finds the other.
    let others = format!(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
         WHERE datname = '{database}' AND wait_event IS DISTINCT FROM 'SyncRep' AND pid <> pg_backend_pid()"
    );
    drop(old.sql("postgres", &others));
    assert_eq!(desk.message(first).await.unwrap().id, first);
    let answer = tokio::time::timeout(Duration::from_secs(60), waiting).await.expect("it hangs").unwrap();
    assert!(matches!(answer, Ok(Accepted::Stored { position: 2, .. })), "{answer:?} after {:?}", begun.elapsed());
    assert_eq!(new.sql(database, "SELECT count(*) FROM message"), "2");
}

fn session(url: &str) -> Session {
    let options = PostgresOptions { statement_timeout: Duration::from_secs(20), ..PostgresOptions::default() };
    let connect = Connect::new(&PostgresAddress::parse(url).unwrap(), options).unwrap();
    Session::new(Arc::new(connect), Arc::new(Directory::default())).unwrap()
}

#[test]
fn a_server_that_stands_still_is_given_up() {
    let session = session(&empty()).answered_within(Duration::from_millis(200));
    session.ready().unwrap();
    let begun = Instant::now();
    session.run("SELECT pg_sleep(6)", params![]).unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(session.trouble(), Some(Trouble::Lost));
    session.undo();
    session.ready().unwrap();
    session.run("SELECT 1", params![]).unwrap();
}

/// What of a server's words means that another connection, and maybe another server, is to be tried.
#[test]
fn what_a_server_says_that_ends_or_only_reads_is_no_refusal() {
    let session = session(&empty());
    for (sql, trouble) in [
        ("DO $$BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '57P01'; END$$", Trouble::Lost),
        ("DO $$BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '57P02'; END$$", Trouble::Lost),
        ("DO $$BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '57P03'; END$$", Trouble::Lost),
        ("DO $$BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '57P05'; END$$", Trouble::Lost),
        ("DO $$BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '25P03'; END$$", Trouble::Lost),
        ("DO $$BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '25006'; END$$", Trouble::Lost),
        ("DO $$BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40003'; END$$", Trouble::Lost),
        ("DO $$BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '08006'; END$$", Trouble::Lost),
        ("DO $$BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '08P01'; END$$", Trouble::Lost),
        ("DO $$BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40001'; END$$", Trouble::Again),
        ("DO $$BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40P01'; END$$", Trouble::Again),
        ("DO $$BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '57014'; END$$", Trouble::Other),
        ("DO $$BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '53100'; END$$", Trouble::Other),
    ] {
        session.ready().unwrap();
        session.run(sql, params![]).unwrap_err();
        assert_eq!(session.trouble(), Some(trouble), "{sql}");
        session.undo();
    }
}
