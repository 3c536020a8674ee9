//! The customers of a filled folder, straight by SQL.
//!
//! Rows are appended in the order of their keys. Indexes beside those keys are dropped first and made anew at the end, by the
//! schema's own words, so that nothing here knows which there are.

use std::fs::{File, OpenOptions};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use rusqlite::{Connection, params};

use transom_domain::id::CustomerId;
use transom_domain::time::{Span, Timestamp};

use super::Furnished;
use super::house::counted;

/// Memory for pages while it loads, in KiB.
const CACHE_KIB: u32 = 512 << 10;
/// Conversations were last heard within this time before now: so a session is open in half of them.
const HEARD_WITHIN: Span = Span::days(2);

/// What every number begins with.
const PREFIX: &str = "+49155";

/// Number of the i-th customer.
pub(crate) fn phone(i: u64) -> String {
    format!("{PREFIX}{i:08}")
}

/// User id of the customer with this number, which may lack its plus sign; none of a number that no load has made.
pub(crate) fn user_id_of(phone: &str) -> Option<String> {
    let digits = phone.trim_start_matches('+').strip_prefix(PREFIX.trim_start_matches('+'))?;
    digits.parse().ok().map(bsuid)
}

/// Which sender the i-th of so many customers talks to, so that each has a block of them.
pub(crate) fn sender_of(i: u64, customers: u64, senders: u64) -> u64 {
    let at = u128::from(i) * u128::from(senders) / u128::from(customers.max(1));
    u64::try_from(at).unwrap_or_default()
}

/// Business-scoped user id of the i-th customer.
fn bsuid(i: u64) -> String {
    format!("DE.1550{i:010}")
}

/// When the i-th customer was last heard; one in four never was.
pub(super) fn heard(i: u64, now: Timestamp) -> Option<Timestamp> {
    let mixed = mix(i);
    let back = i64::try_from((mixed >> 2) % u64::try_from(HEARD_WITHIN.as_millis()).unwrap_or(1)).unwrap_or_default();
    (!mixed.is_multiple_of(4)).then(|| now.minus(Span::millis(back)))
}

/// Spreads numbers evenly: the finaliser of SplitMix64.
pub(crate) fn mix(i: u64) -> u64 {
    let mut x = i.wrapping_add(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// Loads them all.
pub(super) fn load(dir: &Path, house: &Furnished, customers: u64, now: Timestamp) -> Result<()> {
    let _held = hold(dir)?;
    let path = dir.join("transom.db");
    let connection = Connection::open(&path)?;
    // No log, no sync before the end, all pages in memory for as long as there is room.
    connection.execute_batch(&format!(
        "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA cache_size = -{CACHE_KIB};"
    ))?;
    let indexes = without_indexes(&connection)?;
    rows(&connection, house, customers, now)?;
    for sql in indexes {
        connection.execute_batch(&sql)?;
    }
    connection.close().map_err(|(_, why)| why)?;
    File::open(&path)?.sync_all()?;
    Ok(())
}

/// Holds the folder as a server would, so that none starts on it meanwhile.
fn hold(dir: &Path) -> Result<File> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(dir.join("transom.lock"))?;
    if file.try_lock().is_err() {
        bail!("{} is held by another process; stop that one first", dir.display());
    }
    Ok(file)
}

/// Drops the indexes beside the keys; gives what makes them again.
fn without_indexes(connection: &Connection) -> Result<Vec<String>> {
    let mut statement = connection.prepare(
        "SELECT name, sql FROM sqlite_schema
         WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ('customer', 'identity', 'conversation')",
    )?;
    let found = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let found: Vec<(String, String)> = found.collect::<Result<_, _>>()?;
    drop(statement);
    for (name, _) in &found {
        connection.execute_batch(&format!("DROP INDEX {name}"))?;
    }
    Ok(found.into_iter().map(|(_, sql)| sql).collect())
}

fn rows(connection: &Connection, house: &Furnished, customers: u64, now: Timestamp) -> Result<()> {
    let business = house.business.to_bytes();
    let all = || (0..customers).map(|i| (i, CustomerId(counted(i)).to_bytes()));
    let senders = u64::try_from(house.senders.len())?;
    let transaction = connection.unchecked_transaction()?;
    // Whoever was heard is known by a user id too: Meta names it in every webhook.
    let mut insert = transaction.prepare(
        "INSERT INTO customer (business, id, name, name_key, named_at, phone, bsuid, no_marketing, no_contact)
         VALUES (?1, ?2, ?3, lower(?3), 0, ?4, ?5, 0, 0)",
    )?;
    for (i, id) in all() {
        insert.execute(params![business, id, format!("Customer {i}"), phone(i), heard(i, now).map(|_| bsuid(i))])?;
    }
    drop(insert);
    let mut insert = transaction.prepare(
        "INSERT INTO identity (business, identity, customer, held, since, seen, seen_with, how) VALUES (?1, ?2, ?3, 1, ?4, ?4, ?5, ?6)",
    )?;
    for (i, id) in all() {
        let heard = heard(i, now);
        let (since, how) = heard.map_or((Timestamp::EPOCH, "written_to"), |heard| (heard, "spoke"));
        insert.execute(params![business, phone(i), id, since.as_millis(), heard.map(|_| bsuid(i)), how])?;
    }
    for (i, id) in all() {
        if let Some(heard) = heard(i, now) {
            insert.execute(params![business, format!("bsuid:{}", bsuid(i)), id, heard.as_millis(), None::<String>, "spoke"])?;
        }
    }
    drop(insert);
    let mut insert =
        transaction.prepare("INSERT INTO conversation (sender, customer, business, heard) VALUES (?1, ?2, ?3, ?4)")?;
    for (i, id) in all() {
        if let Some(heard) = heard(i, now) {
            let sender = usize::try_from(sender_of(i, customers, senders))?;
            let sender = house.senders.get(sender).context("a sender of each customer")?;
            insert.execute(params![sender.to_bytes(), id, business, heard.as_millis()])?;
        }
    }
    drop(insert);
    transaction.commit()?;
    Ok(())
}
