//! PostgreSQL's side: rows are put in batches, each in one commit with how far their table is.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Row};

use super::source::Begin;
use super::tables::{TABLES, Table};
use super::{CarryError, Digest};
use crate::StoreError;
use crate::postgres::connect::Connect;
use crate::postgres::session::{Trouble, fault, trouble};
use crate::postgres::{OTHERS, SERVING};
use crate::sql::{Cell, Value};

/// A server that went away is waited for so long.
const PATIENCE: Duration = Duration::from_secs(120);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(200);

/// A batch takes as long as it takes, and nobody else works with the store meanwhile.
const UNTIMED: &str = "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0";

/// Whose a file is, and its digest.
type FileKey = (Vec<u8>, Vec<u8>);

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Int,
    Text,
    Bytes,
}

/// A column of PostgreSQL's.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
}

/// How far a table is.
#[derive(Debug, Clone, Default)]
pub(super) struct Mark {
    /// After which key of the folder's table, as [`super::key_text`] writes it.
    pub(super) after: String,
    pub(super) rows: i64,
    pub(super) done: bool,
}

type Result<T> = std::result::Result<T, Error>;

/// A connection to the server, made again when it ends.
pub(super) struct Target {
    runtime: Runtime,
    connect: Arc<Connect>,
    client: Option<Client>,
}

impl Target {
    pub(super) fn new(connect: Arc<Connect>) -> std::io::Result<Self> {
        Ok(Self { runtime: tokio::runtime::Builder::new_current_thread().enable_all().build()?, connect, client: None })
    }

    /// Does something in one transaction, and again when the server went away before it was over; what is done must bear being done
    /// twice, since an answer to the commit may be lost.
    fn within<T>(&mut self, work: impl AsyncFn(&Client) -> Result<T>) -> std::result::Result<T, CarryError> {
        let begun = Instant::now();
        loop {
            let done = self.once(&work);
            let why = match done {
                Ok(done) => return Ok(done),
                Err(Failed::Server(error)) if trouble(&error) == Trouble::Other => return Err(fault(&error).into()),
                Err(Failed::Server(error)) => fault(&error),
                Err(Failed::Connect(why)) => why,
            };
            self.client = None;
            if begun.elapsed() > PATIENCE {
                return Err(why.into());
            }
            std::thread::sleep(PAUSE);
        }
    }

    fn once<T>(&mut self, work: &impl AsyncFn(&Client) -> Result<T>) -> std::result::Result<T, Failed> {
        if self.client.as_ref().is_none_or(Client::is_closed) {
            let client = self.runtime.block_on(self.connect.connect()).map_err(Failed::Connect)?;
            self.runtime.block_on(client.batch_execute(UNTIMED)).map_err(Failed::Server)?;
            self.client = Some(client);
        }
        let Some(client) = &self.client else {
            return Err(Failed::Connect(StoreError::Unavailable("there is no connection".to_owned())));
        };
        let done = self.runtime.block_on(async {
            client.batch_execute("BEGIN").await?;
            match work(client).await {
                Ok(done) => client.batch_execute("COMMIT").await.map(|()| done),
                Err(why) => {
                    let _ = client.batch_execute("ROLLBACK").await;
                    Err(why)
                }
            }
        });
        done.map_err(Failed::Server)
    }

    /// Whose store is being carried here; none where it is nobody's.
    pub(super) fn carrying(&mut self) -> std::result::Result<Option<String>, CarryError> {
        self.within(async |client| {
            let row = client.query_one("SELECT carrying FROM house WHERE one = 1", &[]).await?;
            row.try_get(0)
        })
    }

    /// Whose store was carried here, and is whole; none where it is nobody's.
    pub(super) fn carried(&mut self) -> std::result::Result<Option<String>, CarryError> {
        self.within(async |client| client.query_one("SELECT carried FROM house WHERE one = 1", &[]).await?.try_get(0))
    }

    /// The files that something here knows of, each once.
    pub(super) fn files(&mut self) -> std::result::Result<Vec<FileKey>, CarryError> {
        self.within(async |client| {
            let rows = client.query("SELECT DISTINCT business, digest FROM media WHERE digest IS NOT NULL", &[]).await?;
            rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
        })
    }

    /// How many connections of processes that serve there are.
    pub(super) fn others(&mut self) -> std::result::Result<i64, CarryError> {
        self.within(async |client| client.query_one(OTHERS, &[&SERVING]).await?.try_get(0))
    }

    /// The first table that has a row already.
    pub(super) fn first_filled(&mut self) -> std::result::Result<Option<&'static str>, CarryError> {
        self.within(async |client| {
            for table in TABLES {
                let any: bool =
                    client.query_one(&format!("SELECT EXISTS (SELECT 1 FROM {})", table.name), &[]).await?.try_get(0)?;
                if any {
                    return Ok(Some(table.name));
                }
            }
            Ok(None)
        })
    }

    /// Says whose store is being carried here, and gives each of its businesses its ordinal and its counters.
    pub(super) fn begin(&mut self, fingerprint: &str, businesses: &[Begin]) -> std::result::Result<(), CarryError> {
        self.within(async |client| {
            client.execute("UPDATE house SET carrying = $1 WHERE one = 1", &[&fingerprint]).await?;
            // Again after a commit whose answer was lost.
            client.execute("DELETE FROM turn", &[]).await?;
            for (ordinal, begin) in (1i64..).zip(businesses) {
                let sql = "INSERT INTO turn (business, ordinal, version, numbers, position, dropped, at) VALUES ($1, $2, 1, $3, $4, $5, $6)";
                client
                    .execute(sql, &[&begin.business, &ordinal, &begin.numbers, &begin.position, &begin.dropped, &begin.at])
                    .await?;
            }
            let last = i64::try_from(businesses.len()).unwrap_or(i64::MAX);
            client.execute("UPDATE ordinals SET last = $1 WHERE one = 1", &[&last]).await?;
            Ok(())
        })
    }

    /// The ordinals of the businesses.
    pub(super) fn ordinals(&mut self) -> std::result::Result<Vec<(Vec<u8>, i64)>, CarryError> {
        self.within(async |client| {
            let rows = client.query("SELECT business, ordinal FROM turn ORDER BY ordinal", &[]).await?;
            rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
        })
    }

    /// The columns of a table, in their order.
    pub(super) fn columns(&mut self, table: &Table) -> std::result::Result<Vec<Column>, CarryError> {
        let rows = self.within(async |client| {
            let sql = "SELECT column_name::text, data_type::text FROM information_schema.columns
                 WHERE table_schema = current_schema() AND table_name = $1 ORDER BY ordinal_position";
            client.query(sql, &[&table.name]).await
        })?;
        let mut columns = Vec::with_capacity(rows.len());
        for row in rows {
            let (name, of): (String, String) =
                (row.try_get(0).map_err(|error| fault(&error))?, row.try_get(1).map_err(|error| fault(&error))?);
            let kind = match of.as_str() {
                "bigint" | "integer" => Kind::Int,
                "text" => Kind::Text,
                "bytea" => Kind::Bytes,
                _ => return Err(CarryError::Unfit { table: table.name, found: of }),
            };
            columns.push(Column { name, kind });
        }
        Ok(columns)
    }

    /// How far a table is.
    pub(super) fn mark(&mut self, table: &Table) -> std::result::Result<Mark, CarryError> {
        self.within(async |client| mark(client, table).await)
    }

    /// Puts rows that follow what is there. Gives how far the table is then.
    pub(super) fn put(
        &mut self,
        table: &Table,
        columns: &[Column],
        from: &Mark,
        rows: &[Vec<Value<'_>>],
        to: &Mark,
    ) -> std::result::Result<(), CarryError> {
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        let copy = format!("COPY {} ({}) FROM STDIN BINARY", table.name, names.join(", "));
        let types: Vec<Type> = columns
            .iter()
            .map(|column| match column.kind {
                Kind::Int => Type::INT8,
                Kind::Text => Type::TEXT,
                Kind::Bytes => Type::BYTEA,
            })
            .collect();
        self.within(async |client| {
            let there = mark(client, table).await?;
            if there.rows != from.rows || there.done {
                // The commit was made, and only its answer lost.
                return Ok(());
            }
            if !rows.is_empty() {
                let writer = BinaryCopyInWriter::new(client.copy_in(&copy).await?, &types);
                let mut writer = std::pin::pin!(writer);
                for row in rows {
                    let values: Vec<&(dyn ToSql + Sync)> = row.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
                    writer.as_mut().write(&values).await?;
                }
                writer.finish().await?;
            }
            let sql = "INSERT INTO carried (name, after, rows, done) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (name) DO UPDATE SET after = excluded.after, rows = excluded.rows, done = excluded.done";
            client.execute(sql, &[&table.name, &to.after, &to.rows, &i64::from(to.done)]).await?;
            Ok(())
        })
    }

    /// Reads a table whole, and gives the digest of its rows.
    pub(super) fn digest(&mut self, table: &Table, columns: &[Column], batch: usize) -> std::result::Result<Digest, CarryError> {
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        let declare = format!("DECLARE carried_rows NO SCROLL CURSOR FOR SELECT {} FROM {}", names.join(", "), table.name);
        let fetch = format!("FETCH {batch} FROM carried_rows");
        self.within(async |client| {
            client.batch_execute(&declare).await?;
            let mut digest = Digest::default();
            let fetch = client.prepare(&fetch).await?;
            loop {
                let rows = client.query(&fetch, &[]).await?;
                for row in &rows {
                    digest.add(&values(row)?);
                }
                if rows.len() < batch {
                    return Ok(digest);
                }
            }
        })
    }

    /// All is there: from now on it may be worked with.
    pub(super) fn finish(&mut self, fingerprint: &str, directory: i64) -> std::result::Result<(), CarryError> {
        self.within(async |client| {
            client.execute("UPDATE directory SET version = version + $1 + 1 WHERE one = 1", &[&directory]).await?;
            client.execute("DELETE FROM carried", &[]).await?;
            client.execute("UPDATE house SET carrying = NULL, carried = $1 WHERE one = 1", &[&fingerprint]).await?;
            Ok(())
        })
    }
}

enum Failed {
    Connect(StoreError),
    Server(Error),
}

async fn mark(client: &Client, table: &Table) -> Result<Mark> {
    let sql = "SELECT after, rows, done FROM carried WHERE name = $1";
    match client.query_opt(sql, &[&table.name]).await? {
        None => Ok(Mark::default()),
        Some(row) => Ok(Mark { after: row.try_get(0)?, rows: row.try_get(1)?, done: row.try_get::<_, i64>(2)? == 1 }),
    }
}

fn values(row: &Row) -> Result<Vec<Value<'_>>> {
    (0..row.len())
        .map(|n| {
            let cell: Option<Cell<'_>> = row.try_get(n)?;
            Ok(match cell {
                None => Value::Null,
                Some(Cell::Int(number)) => Value::Int(number),
                Some(Cell::Text(text)) => Value::Text(Cow::Borrowed(text)),
                Some(Cell::Bytes(bytes)) => Value::Bytes(Cow::Borrowed(bytes)),
            })
        })
        .collect()
}
