//! Messages of a filled store: copies of two that went through the store's own moves, one in and one out, spread over all conversations,
//! and how they go into a folder, straight by SQL.
//!
//! Whatever columns the tables have, they are copied; only what tells one message from another is set.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use rusqlite::Connection;

use transom_domain::id::CustomerId;
use transom_domain::time::{Span, Timestamp};
use transom_store::FolderLock;

use super::Plan;
use super::house::{Furnished, counted};
use super::people::{conversations, heard, open, phone, put, sender_of, without_indexes};
use super::rows::{Cell, Load};

/// Between two messages of a conversation.
const APART: Span = Span::minutes(20);
/// Where the ids of copies begin, far from those of customers.
const IDS: u64 = 1 << 40;

/// What tells a copy from its model, by table: column, and the expression over the copy `p` and the model `m`. Both engines read them.
pub(super) const TABLES: [(&str, &[(&str, &str)]); 4] = [
    (
        "message",
        &[
            ("seq", "p.seq"),
            ("id", "p.id"),
            ("sender", "p.sender"),
            ("customer", "p.customer"),
            ("address", "p.address"),
            ("position", "p.seq"),
            ("accepted_at", "p.at"),
            ("expires_at", "p.at + (m.expires_at - m.accepted_at)"),
            ("told_at", "NULL"),
        ],
    ),
    (
        "standing",
        &[
            ("seq", "p.seq"),
            ("started_at", "p.at + (m.started_at - m.started_at)"),
            ("at", "p.at + (m.at - m.at)"),
            ("provider_id", "CASE WHEN m.provider_id IS NULL THEN NULL ELSE p.provider_id END"),
        ],
    ),
    ("provider", &[("seq", "p.seq"), ("provider_id", "p.provider_id")]),
    ("word", &[("seq", "p.seq"), ("at", "p.at"), ("heard_at", "p.at")]),
];
/// A column that not every table has.
const WHOSE: (&str, &str) = ("business", "p.business");

/// What is said of each copy, beside what its model says.
pub(super) const COPY: [&str; 9] = ["seq", "inbound", "business", "id", "sender", "customer", "address", "at", "provider_id"];

/// Rows of [`COPY`] into a table: so many messages, the oldest of all conversations first, as they would have come. The last of a
/// conversation is the customer's, at the moment at which they were last heard. `number` gives the number after which those of a
/// business begin, by its place among all.
pub(super) fn copies(
    table: &'static str,
    house: &Arc<Furnished>,
    plan: Plan,
    now: Timestamp,
    mut number: impl FnMut(usize) -> i64 + Send + 'static,
) -> Load {
    let (house, customers) = (house.clone(), plan.customers);
    let each = plan.messages.div_ceil(conversations(customers).max(1));
    let senders = house.senders.len() as u64;
    let all = (0..each).rev().flat_map(move |back| (0..customers).filter_map(move |i| Some((back, i, heard(i, now)?))));
    let rows = (0_u64..).zip(all).map(move |(made, (back, customer, heard))| {
        let sender = sender_of(customer, customers, senders);
        let at = heard.minus(Span::millis(APART.as_millis().saturating_mul(i64::try_from(back).unwrap_or(i64::MAX))));
        vec![
            Cell::Int(number(house.place_of(sender))),
            Cell::Int(i64::from(back.is_multiple_of(2))),
            Cell::Id(house.owner_of(sender).business.to_bytes()),
            Cell::Id(counted(IDS + made).to_be_bytes()),
            house.senders.get(usize::try_from(sender).unwrap_or_default()).map_or(Cell::Null, |id| Cell::Id(id.to_bytes())),
            Cell::Id(CustomerId(counted(customer)).to_bytes()),
            Cell::Text(phone(customer)),
            Cell::Int(at.as_millis()),
            Cell::Text(format!("wamid.copy{made:016x}")),
        ]
    });
    Load::new(table, &COPY, rows)
}

/// The columns of a table of [`TABLES`] with what a copy has in each.
///
/// # Errors
/// When the table lacks one that a copy is told by.
pub(super) fn expressions(table: &str, set: &[(&str, &str)], columns: &[String]) -> Result<String> {
    if let Some((absent, _)) = set.iter().find(|(name, _)| !columns.iter().any(|column| column == name)) {
        bail!("{table} has no column {absent} any more: this load is to be mended");
    }
    let of = |column: &String| {
        let own = set.iter().chain([&WHOSE]).find(|(name, _)| name == column);
        own.map_or_else(|| format!("m.{column}"), |(_, expression)| (*expression).to_owned())
    };
    Ok(columns.iter().map(of).collect::<Vec<_>>().join(", "))
}

/// What is counted of the copies, as their models' own rows of `tally` count those: both engines read it.
pub(super) fn tallies(copies: &str, models: &str) -> String {
    const COUNTS: [&str; 7] = ["received", "accepted", "sent", "delivered", "read", "failed", "cancelled"];
    let each = |write: fn(&str) -> String| COUNTS.map(write).join(", ");
    format!(
        "INSERT INTO tally (business, width, at, sender, {}) SELECT p.business, m.width, p.at / 60000, p.sender, {}
         FROM {copies} p JOIN {models} m ON (m.received > 0) = (p.inbound = 1) WHERE true GROUP BY p.business, m.width, p.at / 60000, p.sender
         ON CONFLICT (business, width, at, sender) DO UPDATE SET {}",
        COUNTS.join(", "),
        each(|count| format!("sum(m.{count})")),
        each(|count| format!("{count} = tally.{count} + excluded.{count}")),
    )
}

/// Makes so many messages of the two that are there.
///
/// # Errors
/// When the folder is held, or holds anything but one message in and one out.
pub(super) fn multiply(dir: &Path, house: &Arc<Furnished>, plan: Plan, now: Timestamp) -> Result<()> {
    let _held = FolderLock::take(dir)?;
    let path = dir.join("transom.db");
    let connection = open(&path)?;
    let (out, inbound) = models(&connection)?;
    let indexes = without_indexes(&connection, &TABLES.map(|(table, _)| table))?;
    let transaction = connection.unchecked_transaction()?;
    transaction.execute_batch(
        "CREATE TEMP TABLE copy (seq INTEGER PRIMARY KEY, inbound INTEGER NOT NULL, business BLOB NOT NULL, id BLOB NOT NULL,
             sender BLOB NOT NULL, customer BLOB NOT NULL, address TEXT NOT NULL, at INTEGER NOT NULL, provider_id TEXT NOT NULL)",
    )?;
    let mut last = inbound.max(out);
    let number = move |_| {
        last += 1;
        last
    };
    put(&transaction, copies("copy", house, plan, now, number))?;
    for (table, set) in TABLES {
        copy(&transaction, table, set, [out, inbound])?;
    }
    let counted = tallies("temp.copy", "temp.model");
    transaction.execute_batch(&format!(
        "CREATE TEMP TABLE model AS SELECT * FROM tally; {counted}; DROP TABLE model; DROP TABLE copy"
    ))?;
    transaction.commit()?;
    for sql in indexes {
        connection.execute_batch(&sql)?;
    }
    // Plans as a house has them that has run for a while.
    connection.execute_batch("ANALYZE")?;
    connection.close().map_err(|(_, why)| why)?;
    File::open(&path)?.sync_all()?;
    Ok(())
}

/// The message out and the message in.
fn models(connection: &Connection) -> Result<(i64, i64)> {
    let mut statement = connection.prepare("SELECT seq, inbound IS NOT NULL FROM message ORDER BY seq")?;
    let found: Vec<(i64, bool)> = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    match found.as_slice() {
        [(out, false), (inbound, true)] => Ok((*out, *inbound)),
        _ => bail!("the folder has {} messages where one out and then one in are wanted", found.len()),
    }
}

fn copy(connection: &Connection, table: &str, set: &[(&str, &str)], [out, inbound]: [i64; 2]) -> Result<()> {
    let mut statement = connection.prepare(&format!("SELECT name FROM pragma_table_info('{table}') ORDER BY cid"))?;
    let columns: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let sql = format!(
        "INSERT INTO {table} ({}) SELECT {} FROM temp.copy p JOIN {table} m ON m.seq = iif(p.inbound, {inbound}, {out}) ORDER BY p.seq",
        columns.join(", "),
        expressions(table, set, &columns)?
    );
    connection.execute(&sql, []).with_context(|| format!("{table} cannot be filled"))?;
    Ok(())
}
