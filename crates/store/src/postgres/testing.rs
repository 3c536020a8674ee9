//! Stores on the PostgreSQL server that the tests of this process share: a schema for each.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio_postgres::SimpleQueryMessage;
use transom_testing::Postgres;

use super::connect::Connect;
use super::{PostgresAddress, PostgresOptions};

/// Every statement that a session of this process has prepared.
static RECORDED: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());

/// A statement is prepared.
pub(super) fn record(sql: &'static str) {
    RECORDED.lock().unwrap_or_else(PoisonError::into_inner).insert(sql);
}

/// Those so far.
pub(super) fn recorded() -> BTreeSet<&'static str> {
    RECORDED.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Runs one statement on a thread of its own, since tests may run inside a runtime.
pub(crate) fn execute(url: &str, sql: &str) {
    ask(&PostgresAddress::parse(url).unwrap(), vec![sql.to_owned()]);
}

/// Asks one thing after the other on one connection, in plain text; gives the first column of each answer.
pub(super) fn ask(address: &PostgresAddress, all: Vec<String>) -> Vec<Vec<String>> {
    let connect = Connect::new(address, PostgresOptions::default()).unwrap();
    let run = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let client = connect.connect().await.unwrap();
            let mut answers = Vec::new();
            for sql in all {
                let rows = client.simple_query(&sql).await.unwrap_or_else(|why| panic!("{sql}: {why:?}"));
                let text = |row: SimpleQueryMessage| match row {
                    SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
                    _ => None,
                };
                answers.push(rows.into_iter().filter_map(text).collect());
            }
            answers
        })
    };
    std::thread::spawn(run).join().unwrap()
}

/// The address of a store that nobody has used yet.
pub(crate) fn empty() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let schema = format!("store{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let database = Postgres::shared().address("postgres");
    execute(&database, &format!("CREATE SCHEMA {schema}"));
    format!("{database}?application_name={schema}&options=-c%20search_path%3D{schema}")
}
