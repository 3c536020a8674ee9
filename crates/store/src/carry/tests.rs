//! That nothing of either schema is forgotten, and that what was interrupted goes on.

use std::collections::BTreeSet;
use std::path::Path;

use rusqlite::Connection;
use rusqlite::types::Value as Kept;

use super::tables::{File, NOT_CARRIED, NOT_FILLED, TABLES, Whose};
use super::{CARRIED_FILE, Carried, CarriedTo, CarryError, Carrying, carry, key_of, key_text};
use crate::postgres::testing::{empty, execute};
use crate::{OpenError, PostgresAddress, PostgresError, PostgresOptions, PostgresStore, SqliteOptions, SqliteStore};

/// Tables and columns of the folder's files.
fn here() -> BTreeSet<(String, String)> {
    let mut all = BTreeSet::new();
    for sql in [include_str!("../../migrations/sqlite/0001_house.sql"), include_str!("../../migrations/journal/0001_journal.sql")]
    {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(sql).unwrap();
        let mut statement = connection
            .prepare("SELECT t.name, c.name FROM pragma_table_list t JOIN pragma_table_info(t.name) c WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%'")
            .unwrap();
        let found = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        all.extend(found.map(Result::unwrap));
    }
    all
}

/// Tables and columns of PostgreSQL's schema, read from its text.
fn there() -> BTreeSet<(String, String)> {
    let mut all = BTreeSet::new();
    for sql in
        [include_str!("../../migrations/postgres/0001_house.sql"), include_str!("../../migrations/postgres/0002_messages.sql")]
    {
        let mut table = None;
        for line in sql.lines() {
            if let Some(rest) = line.strip_prefix("CREATE TABLE ") {
                table = Some(rest.trim_end_matches(" (").to_owned());
            } else if line == ");" {
                table = None;
            } else if let Some(table) = &table {
                let first = line.trim().split(' ').next().unwrap_or_default();
                if !first.is_empty() && first != "--" && first.chars().all(|c| c.is_ascii_lowercase() || c == '_') {
                    all.insert((table.clone(), first.to_owned()));
                }
            }
        }
    }
    all
}

#[test]
fn every_table_and_column_of_both_schemas_is_carried_or_named_as_left() {
    let (here, there) = (here(), there());
    let tables = |all: &BTreeSet<(String, String)>| all.iter().map(|(table, _)| table.clone()).collect::<BTreeSet<_>>();
    for table in tables(&there) {
        let known = TABLES.iter().any(|one| one.name == table) || NOT_FILLED.contains(&table.as_str());
        assert!(known, "{table} of PostgreSQL: carry it in TABLES, or name it in NOT_FILLED");
    }
    for table in tables(&here) {
        let known = TABLES.iter().any(|one| one.from == table) || NOT_CARRIED.contains(&table.as_str()) || table == "migration";
        assert!(known, "{table} of the folder: carry it in TABLES, or name it in NOT_CARRIED");
    }
    for table in TABLES {
        let of = |all: &BTreeSet<(String, String)>, name: &str| -> BTreeSet<String> {
            all.iter().filter(|(of, _)| of == name).map(|(_, column)| column.clone()).collect()
        };
        let (mut from, to) = (of(&here, table.from), of(&there, table.name));
        for column in &to {
            let made = table.columns.iter().any(|(of, _)| of == column) || (column == "business" && table.whose != Whose::Said);
            assert!(made || from.contains(column), "{}.{column} of PostgreSQL is not in the folder's {}", table.name, table.from);
            from.remove(column);
        }
        for (_, how) in table.columns {
            from.remove(how.trim_start_matches("t."));
        }
        // The order in which rows of a stream were put is told by their positions.
        let left: Vec<_> =
            from.into_iter().filter(|column| !(column == "seq" && matches!(table.name, "event" | "entry"))).collect();
        assert!(left.is_empty() || table.name != table.from, "{left:?} of the folder's {} are carried nowhere", table.from);
    }
    assert!(TABLES.iter().any(|table| table.file == File::Journal));
}

#[test]
fn a_key_reads_as_it_was_written() {
    let key = vec![Kept::Integer(-5), Kept::Text("a b\u{e9}".to_owned()), Kept::Blob(vec![0, 255]), Kept::Text(String::new())];
    assert_eq!(key_of(&key_text(&key)).unwrap(), key);
    assert!(key_of("").unwrap().is_empty());
    assert!(key_of("x1").is_err() && key_of("b0").is_err());
}

/// Rows of each table.
const ROWS: i64 = 5;

/// A folder with rows in every table: those numbered `n` belong to the business, the sender, the endpoint and the message of that number.
fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    drop(SqliteStore::open(dir.path(), SqliteOptions::default()).unwrap());
    let mut names: Vec<(&str, &str)> = TABLES
        .iter()
        .filter(|table| table.name == table.from)
        .map(|table| (if table.file == File::House { "transom.db" } else { "journal.sqlite" }, table.name))
        .collect();
    names.push(("transom.db", "event_counter"));
    for (file, table) in names {
        let connection = Connection::open(dir.path().join(file)).unwrap();
        let mut statement = connection.prepare("SELECT name, type FROM pragma_table_info(?1)").unwrap();
        let columns: Vec<(String, String)> =
            statement.query_map([table], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect();
        let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
        let places: Vec<String> = (1..=names.len()).map(|n| format!("?{n}")).collect();
        let sql = format!("INSERT INTO {table} ({}) VALUES ({})", names.join(", "), places.join(", "));
        for n in 1..=ROWS {
            let values = columns.iter().map(|(name, of)| match of.as_str() {
                "INTEGER" => Kept::Integer(n),
                "TEXT" => Kept::Text(format!("{name}\u{e9}\0{n}")),
                _ => Kept::Blob(vec![u8::try_from(n).unwrap(); if name == "digest" { 32 } else { 16 }]),
            });
            connection.execute(&sql, rusqlite::params_from_iter(values)).unwrap();
        }
    }
    dir
}

/// Carries a folder on a thread of its own, and is ended there after the batch that `stop` names.
fn run(dir: &Path, to: &PostgresAddress, stop: impl Fn(Carrying) -> bool + Sync) -> Option<Result<Carried, CarryError>> {
    let work = || {
        carry(dir, to, PostgresOptions::default(), 2, |at| {
            if stop(at) {
                // As a kill does: nothing after it happens.
                std::panic::resume_unwind(Box::new("killed"));
            }
        })
    };
    std::thread::scope(|scope| scope.spawn(work).join().ok())
}

#[test]
fn what_is_interrupted_goes_on_and_is_whole() {
    let dir = folder();
    let url = empty();
    let to = PostgresAddress::parse(&url).unwrap();
    let open = || PostgresStore::open(&to, PostgresOptions::default()).map(drop);
    for table in TABLES.iter().step_by(9) {
        let ended = run(dir.path(), &to, |at| at == Carrying::Rows { table: table.name, there: 4, all: 5 });
        assert!(ended.is_none(), "{}: {ended:?}", table.name);
        assert!(matches!(open(), Err(PostgresError::Half)), "it is only half there");
        let held = SqliteStore::open(dir.path(), SqliteOptions::default()).map(drop);
        assert!(matches!(held, Err(OpenError::Carried { done: false, .. })), "{held:?}");
    }
    let carried = run(dir.path(), &to, |_| false).unwrap().unwrap();
    assert_eq!((carried.tables.len(), carried.files.len()), (TABLES.len(), 5));
    for one in &carried.tables {
        assert_eq!((one.rows, one.left), (5, 0), "{}", one.table);
    }
    let held = SqliteStore::open(dir.path(), SqliteOptions::default()).map(drop);
    assert!(matches!(held, Err(OpenError::Carried { done: true, .. })), "{held:?}");
    open().unwrap();

    // Whose each row is, and its number, as PostgreSQL counts.
    for table in TABLES.iter().filter(|table| !table.numbers.is_empty()) {
        for number in table.numbers {
            check(
                &url,
                &format!(
                    "SELECT 1 / (count(*) = 5)::int FROM {} t JOIN turn o ON o.business = t.business
                 WHERE t.{number} = (o.ordinal << 40) + get_byte(t.business, 0)",
                    table.name
                ),
            );
        }
    }
    for table in TABLES.iter().filter(|table| table.whose != Whose::Said) {
        let by = if table.whose == Whose::Endpoint {
            "endpoint"
        } else if table.whose == Whose::Sender {
            "sender"
        } else {
            "business"
        };
        check(&url, &format!("SELECT 1 / (count(*) = 5)::int FROM {} WHERE business = {by}", table.name));
    }
    check(
        &url,
        "SELECT 1 / (count(*) = 5)::int FROM turn WHERE numbers = get_byte(business, 0) AND position = numbers AND dropped = numbers",
    );
    check(&url, "SELECT 1 / (last = 5)::int FROM ordinals");
    check(&url, "SELECT 1 / (count(*) = 0)::int FROM carried");

    // Once more, as after an end just before the folder could say it, or for the files: all of it is there.
    CarriedTo { to: to.to_string(), done: false }.write(dir.path()).unwrap();
    let again = run(dir.path(), &to, |_| false).unwrap().unwrap();
    assert_eq!(again, Carried { tables: Vec::new(), files: carried.files });
    assert!(CarriedTo::of(dir.path()).unwrap().done);
    // From a folder that was opened again, to where something is: refused.
    std::fs::remove_file(dir.path().join(CARRIED_FILE)).unwrap();
    let again = run(dir.path(), &to, |_| false).unwrap();
    assert!(matches!(again, Err(CarryError::NotEmpty("business"))), "{again:?}");
}

/// A statement that divides by nothing where what it looks for is not so.
fn check(url: &str, sql: &str) {
    execute(url, sql);
}

#[test]
fn a_folder_that_was_used_meanwhile_is_found_out() {
    let dir = folder();
    let to = PostgresAddress::parse(&empty()).unwrap();
    assert!(run(dir.path(), &to, |at| matches!(at, Carrying::Rows { table: "message", there: 5, .. })).is_none());
    let house = Connection::open(dir.path().join("transom.db")).unwrap();
    house.execute("UPDATE customer SET name = 'Another' WHERE absorbed = 5", []).unwrap();
    let found = run(dir.path(), &to, |_| false).unwrap();
    assert!(matches!(found, Err(CarryError::Differs { table: "customer", here: 5, there: 5 })), "{found:?}");

    let other = folder();
    let house = Connection::open(other.path().join("transom.db")).unwrap();
    house.execute("UPDATE business SET created_at = created_at + 1", []).unwrap();
    let found = run(other.path(), &to, |_| false).unwrap();
    assert!(matches!(found, Err(CarryError::Other)), "{found:?}");
    let none = tempfile::tempdir().unwrap();
    assert!(matches!(run(none.path(), &to, |_| false), Some(Err(CarryError::Nothing(_)))));
    assert!(!none.path().join("transom.lock").exists(), "nothing is made");
}
