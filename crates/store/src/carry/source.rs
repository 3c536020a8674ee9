//! The folder's side: each table's rows in the order of their key, as PostgreSQL is to hold them.

use std::borrow::Cow;

use rusqlite::types::{Value as Kept, ValueRef};
use rusqlite::{Connection, OptionalExtension as _, params_from_iter};
use sha2::{Digest as _, Sha256};

use super::tables::{File, NUMBERED, Table, Whose};
use super::target::{Column, Kind};
use crate::postgres::NUMBERS;
use crate::sql::Value;
use crate::sqlite::open::Opened;

/// Why the folder cannot be read.
pub(super) type Result<T> = std::result::Result<T, rusqlite::Error>;

/// What a business begins with on PostgreSQL.
#[derive(Debug, Clone)]
pub(super) struct Begin {
    pub(super) business: Vec<u8>,
    /// The highest number of any of its rows.
    pub(super) numbers: i64,
    pub(super) position: i64,
    pub(super) dropped: i64,
    pub(super) at: i64,
}

/// How the rows of a table are read.
pub(super) struct Reading {
    sql: String,
    first: String,
    keys: usize,
    kinds: Vec<Kind>,
    table: &'static str,
}

/// Some rows, and after which key the next ones are.
pub(super) struct Batch {
    pub(super) rows: Vec<Vec<Value<'static>>>,
    pub(super) after: Vec<Kept>,
}

/// A folder that nobody else works on.
pub(super) struct Source {
    opened: Opened,
}

impl Source {
    pub(super) fn new(opened: Opened) -> Self {
        Self { opened }
    }

    fn of(&self, file: File) -> &Connection {
        match file {
            File::House => &self.opened.house.writer,
            File::Journal => &self.opened.journal.writer,
        }
    }

    /// What tells this store from another one.
    pub(super) fn fingerprint(&self) -> Result<String> {
        let house = self.of(File::House);
        let mut hash = Sha256::new();
        let mut statement = house.prepare("SELECT id, created_at FROM business ORDER BY id")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            hash.update(row.get::<_, Vec<u8>>(0)?);
            hash.update(row.get::<_, i64>(1)?.to_be_bytes());
        }
        Ok(super::hex(&hash.finalize()))
    }

    /// How often what is remembered of who there is has changed.
    pub(super) fn directory_version(&self) -> Result<i64> {
        let found = self.of(File::House).query_row("SELECT version FROM directory", [], |row| row.get(0)).optional()?;
        Ok(found.unwrap_or(0))
    }

    /// The businesses, in the order in which they were made.
    pub(super) fn businesses(&self) -> Result<Vec<Begin>> {
        let house = self.of(File::House);
        let mut sql = String::from("SELECT b.id, coalesce(c.position, 0), coalesce(c.dropped, 0), coalesce(c.at, 0)");
        for (table, number) in NUMBERED {
            sql.push_str(&format!(", (SELECT coalesce(max({number}), 0) FROM {table} WHERE business = b.id)"));
        }
        sql.push_str(" FROM business b LEFT JOIN event_counter c ON c.business = b.id ORDER BY b.created_at, b.id");
        let mut statement = house.prepare(&sql)?;
        let found = statement.query_map([], |row| {
            let mut numbers = 0;
            for n in 0..NUMBERED.len() {
                numbers = numbers.max(row.get::<_, i64>(4 + n)?);
            }
            Ok(Begin { business: row.get(0)?, position: row.get(1)?, dropped: row.get(2)?, at: row.get(3)?, numbers })
        })?;
        found.collect()
    }

    /// From now on numbers are those of PostgreSQL, where each business has its ordinal.
    pub(super) fn number(&self, ordinals: &[(Vec<u8>, i64)]) -> Result<()> {
        let house = self.of(File::House);
        house.execute_batch(
            "DROP TABLE IF EXISTS temp.ordinal; CREATE TEMP TABLE ordinal (business BLOB PRIMARY KEY, ordinal INTEGER NOT NULL)",
        )?;
        let mut insert = house.prepare("INSERT INTO temp.ordinal (business, ordinal) VALUES (?1, ?2)")?;
        for (business, ordinal) in ordinals {
            insert.execute((business, ordinal))?;
        }
        Ok(())
    }

    /// By what the rows of a table are told apart and put in order: its key, or the row's own number.
    fn key(&self, table: &Table) -> Result<Vec<String>> {
        let connection = self.of(table.file);
        let without: bool = connection.query_row(
            "SELECT wr FROM pragma_table_list WHERE schema = 'main' AND name = ?1",
            [table.from],
            |row| row.get(0),
        )?;
        if !without {
            return Ok(vec!["rowid".to_owned()]);
        }
        let mut statement = connection.prepare("SELECT name FROM pragma_table_info(?1) WHERE pk > 0 ORDER BY pk")?;
        let names = statement.query_map([table.from], |row| row.get(0))?;
        names.collect()
    }

    /// How many rows a table has here.
    pub(super) fn count(&self, table: &Table) -> Result<u64> {
        let count: i64 = self.of(table.file).query_row(&format!("SELECT count(*) FROM {}", table.from), [], |row| row.get(0))?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    /// How a table's rows are read so that they fit these columns.
    pub(super) fn reading(&self, table: &Table, columns: &[Column], batch: usize) -> Result<Reading> {
        let key = self.key(table)?;
        let whose = match table.whose {
            Whose::Said => "t.business",
            Whose::Sender | Whose::Endpoint | Whose::Message => "b.business",
        };
        let (mut from, mut conditions) = (format!("{} t", table.from), Vec::new());
        // What stands to the left of a cross join is gone through first: the order of the key is that of the table.
        match table.whose {
            Whose::Said => {}
            Whose::Sender => {
                from.push_str(" CROSS JOIN sender b");
                conditions.push("b.id = t.sender".to_owned());
            }
            Whose::Endpoint => {
                from.push_str(" CROSS JOIN endpoint b");
                conditions.push("b.id = t.endpoint".to_owned());
            }
            Whose::Message => {
                from.push_str(" CROSS JOIN message b");
                conditions.push("b.seq = t.seq".to_owned());
            }
        }
        if !table.numbers.is_empty() {
            from.push_str(" CROSS JOIN temp.ordinal o");
            conditions.push(format!("o.business = {whose}"));
        }
        let mut shown: Vec<String> = key.iter().map(|name| format!("t.{name}")).collect();
        for column in columns {
            let name = column.name.as_str();
            let special = table.columns.iter().find(|(of, _)| *of == name).map(|(_, how)| (*how).to_owned());
            let plain = special.unwrap_or_else(|| {
                if name == "business" && table.whose != Whose::Said { "b.business".to_owned() } else { format!("t.{name}") }
            });
            if name == "business" && special_business(table) {
                conditions.push(format!("{plain} IS NOT NULL"));
            }
            shown.push(if table.numbers.contains(&name) { format!("((o.ordinal << {NUMBERS}) | {plain})") } else { plain });
        }
        let of_key: Vec<String> = key.iter().map(|name| format!("t.{name}")).collect();
        let order = of_key.join(", ");
        let places: Vec<String> = (1..=key.len()).map(|n| format!("?{n}")).collect();
        let after = format!("({order}) > ({})", places.join(", "));
        let statement = |more: Option<String>| {
            let all: Vec<String> = conditions.iter().cloned().chain(more).collect();
            let place = if all.is_empty() { String::new() } else { format!(" WHERE {}", all.join(" AND ")) };
            format!("SELECT {} FROM {from}{place} ORDER BY {order} LIMIT {batch}", shown.join(", "))
        };
        Ok(Reading {
            sql: statement(Some(after)),
            first: statement(None),
            keys: key.len(),
            kinds: columns.iter().map(|column| column.kind).collect(),
            table: table.name,
        })
    }

    /// The rows after a key; from the first on without one.
    pub(super) fn read(&self, file: File, reading: &Reading, after: &[Kept]) -> std::result::Result<Batch, super::CarryError> {
        let connection = self.of(file);
        let mut statement = connection.prepare_cached(if after.is_empty() { &reading.first } else { &reading.sql })?;
        let mut rows = statement.query(params_from_iter(after.iter()))?;
        let mut batch = Batch { rows: Vec::new(), after: after.to_vec() };
        while let Some(row) = rows.next()? {
            let mut values = Vec::with_capacity(reading.kinds.len());
            for (n, kind) in reading.kinds.iter().enumerate() {
                let kept = row.get_ref(reading.keys + n)?;
                let value = value(kept, *kind)
                    .ok_or_else(|| super::CarryError::Unfit { table: reading.table, found: kept.data_type().to_string() })?;
                values.push(value);
            }
            batch.rows.push(values);
            batch.after = (0..reading.keys).map(|n| row.get(n)).collect::<Result<_>>()?;
        }
        Ok(batch)
    }
}

fn special_business(table: &Table) -> bool {
    table.columns.iter().any(|(of, _)| *of == "business")
}

/// What PostgreSQL is to hold of a value; none where it is of another kind than its column.
fn value(kept: ValueRef<'_>, kind: Kind) -> Option<Value<'static>> {
    Some(match (kept, kind) {
        (ValueRef::Null, _) => Value::Null,
        (ValueRef::Integer(number), Kind::Int) => Value::Int(number),
        // PostgreSQL's texts hold any character but this one: see `Value`.
        (ValueRef::Text(text), Kind::Text) => Value::Text(Cow::Owned(std::str::from_utf8(text).ok()?.replace('\0', "\u{fffd}"))),
        (ValueRef::Blob(bytes), Kind::Bytes) => Value::Bytes(Cow::Owned(bytes.to_vec())),
        _ => return None,
    })
}
