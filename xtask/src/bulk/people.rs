//! The customers of a filled store: which rows they are, and how those go into a folder, straight by SQL.
//!
//! Rows are appended in the order of their keys. Indexes beside those keys are dropped first and made anew at the end, by the
//! schema's own words, so that nothing here knows which there are.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use rusqlite::{Connection, params_from_iter};

use transom_domain::id::CustomerId;
use transom_domain::time::{Span, Timestamp};
use transom_store::FolderLock;

use super::house::{Furnished, block_of, counted};
use super::rows::{Cell, Load};

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
    block_of(i, customers, senders)
}

/// How many of so many customers have a conversation.
pub(crate) fn conversations(customers: u64) -> u64 {
    (0..customers).filter(|i| heard(*i, Timestamp::EPOCH).is_some()).count() as u64
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
pub(super) fn load(dir: &Path, house: &Arc<Furnished>, customers: u64, now: Timestamp) -> Result<()> {
    let _held = FolderLock::take(dir)?;
    let path = dir.join("transom.db");
    let connection = open(&path)?;
    let indexes = without_indexes(&connection, &["customer", "customer_word", "identity", "conversation"])?;
    let transaction = connection.unchecked_transaction()?;
    for load in people(house, customers, now) {
        put(&transaction, load)?;
    }
    transaction.commit()?;
    for sql in indexes {
        connection.execute_batch(&sql)?;
    }
    connection.close().map_err(|(_, why)| why)?;
    File::open(&path)?.sync_all()?;
    Ok(())
}

/// Opens the database for a load: no log, no sync before the end, all pages in memory for as long as there is room.
pub(super) fn open(path: &Path) -> Result<Connection> {
    let connection = Connection::open(path)?;
    connection.execute_batch(&format!(
        "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA cache_size = -{CACHE_KIB};"
    ))?;
    Ok(connection)
}

/// Puts rows one after the other.
pub(super) fn put(connection: &Connection, load: Load) -> Result<()> {
    let places: Vec<String> = (1..=load.columns.len()).map(|n| format!("?{n}")).collect();
    let sql = format!("INSERT INTO {} ({}) VALUES ({})", load.table, load.columns.join(", "), places.join(", "));
    let mut insert = connection.prepare(&sql)?;
    for row in load.rows {
        insert.execute(params_from_iter(&row))?;
    }
    Ok(())
}

/// Drops the indexes of tables, beside their keys; gives what makes them again.
pub(super) fn without_indexes(connection: &Connection, tables: &[&str]) -> Result<Vec<String>> {
    let mut statement =
        connection.prepare("SELECT name, sql, tbl_name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL")?;
    let found = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let found: Vec<(String, String, String)> = found.collect::<Result<_, _>>()?;
    let found: Vec<(String, String)> =
        found.into_iter().filter(|(.., table)| tables.contains(&table.as_str())).map(|(name, sql, _)| (name, sql)).collect();
    drop(statement);
    for (name, _) in &found {
        connection.execute_batch(&format!("DROP INDEX {name}"))?;
    }
    Ok(found.into_iter().map(|(_, sql)| sql).collect())
}

/// The tables that are filled with customers, as rows in the order of their keys.
pub(super) fn people(house: &Arc<Furnished>, customers: u64, now: Timestamp) -> Vec<Load> {
    let senders = house.senders.len() as u64;
    let of = |house: Arc<Furnished>| {
        move |i| {
            let sender = sender_of(i, customers, senders);
            let at = usize::try_from(sender).unwrap_or_default();
            Customer {
                i,
                business: Cell::Id(house.owner_of(sender).business.to_bytes()),
                id: Cell::Id(CustomerId(counted(i)).to_bytes()),
                sender: house.senders.get(at).map_or(Cell::Null, |id| Cell::Id(id.to_bytes())),
                heard: heard(i, now),
            }
        }
    };
    let all = || (0..customers).map(of(house.clone()));
    let user = |c: &Customer| c.heard.map_or(Cell::Null, |_| Cell::Text(bsuid(c.i)));
    let moment = |at: Timestamp| Cell::Int(at.as_millis());
    vec![
        // Whoever was heard is known by a user id too: Meta names it in every webhook.
        Load::new(
            "customer",
            &["business", "id", "name", "name_key", "named_at", "phone", "bsuid", "no_marketing", "no_contact"],
            all().map(move |c| {
                let (name, key) = (format!("Customer {}", c.i), format!("customer {}", c.i));
                let user = user(&c);
                let (name, key, phone) = (Cell::Text(name), Cell::Text(key), Cell::Text(phone(c.i)));
                vec![c.business, c.id, name, key, Cell::Int(0), phone, user, Cell::Int(0), Cell::Int(0)]
            }),
        ),
        // Names from their second word on, in the order of these words.
        Load::new(
            "customer_word",
            &["business", "word", "customer"],
            in_order_of_digits(customers).map(of(house.clone())).map(|c| vec![c.business, Cell::Text(c.i.to_string()), c.id]),
        ),
        Load::new(
            "identity",
            &IDENTITY,
            all().map(move |c| {
                let (since, how) = c.heard.map_or((Timestamp::EPOCH, "written_to"), |heard| (heard, "spoke"));
                let (with, how) = (user(&c), Cell::Text(how.to_owned()));
                vec![c.business, Cell::Text(phone(c.i)), c.id, Cell::Int(1), moment(since), moment(since), with, how]
            }),
        ),
        Load::new(
            "identity",
            &IDENTITY,
            all().filter_map(move |c| {
                let (heard, how) = (moment(c.heard?), Cell::Text("spoke".to_owned()));
                let identity = Cell::Text(format!("bsuid:{}", bsuid(c.i)));
                Some(vec![c.business, identity, c.id, Cell::Int(1), heard.clone(), heard, Cell::Null, how])
            }),
        ),
        Load::new(
            "conversation",
            &["sender", "customer", "business", "heard", "spoken_at"],
            all().filter_map(move |c| {
                let heard = moment(c.heard?);
                Some(vec![c.sender, c.id, c.business, heard.clone(), heard])
            }),
        ),
    ]
}

/// The numbers below a bound in the order of how they are written: 0, 1, 10, 100, 101.
fn in_order_of_digits(bound: u64) -> impl Iterator<Item = u64> {
    let next = move |n: &u64| {
        let longer = n * 10;
        if *n > 0 && longer < bound {
            return Some(longer);
        }
        let mut next = if n + 1 < bound { n + 1 } else { n / 10 + 1 };
        while next > 0 && next.is_multiple_of(10) {
            next /= 10;
        }
        Some(next)
    };
    std::iter::successors(Some(0), next).take(usize::try_from(bound).unwrap_or(usize::MAX))
}

const IDENTITY: [&str; 8] = ["business", "identity", "customer", "held", "since", "seen", "seen_with", "how"];

/// What is known of a customer that is loaded.
struct Customer {
    i: u64,
    business: Cell,
    id: Cell,
    sender: Cell,
    heard: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::in_order_of_digits;

    #[test]
    fn numbers_come_in_the_order_of_their_digits() {
        for bound in [0, 1, 2, 10, 11, 99, 100, 101, 1_234] {
            let mut sorted: Vec<String> = (0..bound).map(|n: u64| n.to_string()).collect();
            sorted.sort();
            let came: Vec<String> = in_order_of_digits(bound).map(|n| n.to_string()).collect();
            assert_eq!(came, sorted);
        }
    }
}
