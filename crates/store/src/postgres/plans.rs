//! How PostgreSQL answers what is asked of it: each statement goes by an index to rows of which there are few, or as many as it asks
//! for. The suite is run first, so that every statement has been prepared; each is then explained on filled tables.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use super::testing::{ask, empty, execute, recorded};
use super::{PostgresAddress, PostgresOptions, PostgresStore};
use crate::conformance::tests::broken_on_postgres;

/// Rows of a table that grows.
const ROWS: u32 = 5_000;

/// What a column holds in a filled table, where its name says more than its type; `i` is the row.
const FILLED: &[(&str, &str)] = &[
    ("business", "decode(lpad(to_hex(i % 20), 32, '0'), 'hex')"),
    ("sender", "decode(lpad(to_hex(i % 40), 32, '0'), 'hex')"),
    ("endpoint", "decode(lpad(to_hex(i % 40), 32, '0'), 'hex')"),
    ("at", "i / 20"),
    ("waba", "'waba' || i % 8"),
    ("name", "'name' || i % 50"),
    ("language", "'language' || i % 20"),
    ("class", "i % 3"),
    ("phase", "CASE WHEN i % 500 = 0 THEN 'unknown' WHEN i % 500 = 1 THEN 'in_flight' ELSE 'handed' END"),
    ("progress", "CASE WHEN i % 500 = 1 THEN 'started' ELSE 'answered' END"),
    ("aside", "CASE WHEN i % 100 = 0 THEN 1 ELSE 0 END"),
    ("open", "CASE WHEN i % 100 = 0 THEN 1 ELSE 0 END"),
    ("held", "CASE WHEN i % 100 = 0 THEN 0 ELSE 1 END"),
    ("over_at", "CASE WHEN i % 100 = 0 THEN NULL ELSE i END"),
    ("outcome", "CASE WHEN i % 100 = 0 THEN 1 ELSE 0 END"),
    ("look_at", "CASE WHEN i % 10 = 0 THEN i END"),
    ("first", "CASE WHEN i % 10 = 0 THEN 0 ELSE 1 END"),
    ("due", "CASE WHEN i % 10 = 0 THEN NULL ELSE i END"),
    ("expires_at", "CASE WHEN i % 10 = 0 THEN i END"),
    ("seq", "i"),
    ("merged_into", "NULL"),
    ("lane_of", "NULL"),
    ("former", "NULL"),
];

/// Tables that stay small, and why.
const SMALL: &[(&str, &str)] = &[
    ("turn", "a row per business"),
    ("business", "a row per business"),
    ("stream", "a row per business"),
    ("app", "a row per app of the operator's"),
    ("sender", "a row per sender"),
    ("endpoint_of", "a row per endpoint"),
    ("console_user", "a row per user of the console"),
    ("holding", "a row per sender and endpoint"),
    ("replica", "a row per replica"),
    ("committed", "a row per business and process; upkeep looks through it"),
    ("ordinals", "one row"),
    ("directory", "one row"),
    ("house", "one row"),
    ("probe", "one row"),
    ("migrating", "one row"),
    ("migration", "a row per version of the schema"),
    ("carried", "a row per table, while a store is carried there"),
];

/// Statements that look at more rows than they name or ask for, by how they begin, and why that is little.
const MORE: &[(&str, &str)] = &[
    ("DELETE FROM event WHERE business = $1 AND position <= $2", "upkeep: those that it has looked at, so many at most"),
    ("DELETE FROM overdue WHERE business = $2 AND sender = $1", "so many of a sender at most"),
    ("DELETE FROM reach_minute WHERE business = $1 AND minute < $2", "a row per minute of a day"),
    ("SELECT customers FROM reach_minute WHERE", "a row per minute of a day"),
    ("SELECT minute FROM reach_minute WHERE", "minutes in which nobody counts go with the next that are forgotten"),
    ("DELETE FROM replay WHERE business = $2 AND endpoint = $1", "an endpoint that is removed; so many at most"),
    ("SELECT * FROM replay WHERE business = $2 AND endpoint = $1", "so many of an endpoint at most"),
    ("DELETE FROM silence WHERE business = $1 AND day < $2", "a row per sender and day, since the day before"),
    ("SELECT messages, unheard, undelivered, dropped FROM silence", "a row per day of a few weeks"),
    ("DELETE FROM submission WHERE", "submissions of one content, or under one name"),
    ("SELECT content FROM submission WHERE", "submissions under one name"),
    ("SELECT content, waba, name, language, category, kind", "submissions of one content"),
    (
        "DELETE FROM template_change WHERE business = $1 AND waba",
        "what is over the number that is kept: one with each that comes",
    ),
    ("DELETE FROM upstream_copy WHERE business = $1 AND digest = $2", "a row per sender"),
    ("DELETE FROM orphan WHERE business = $1 AND provider_id = $2", "a row per status of one attempt"),
    ("SELECT * FROM orphan WHERE business = $1 AND provider_id = $2", "a row per status of one attempt"),
    ("SELECT * FROM api_key WHERE business = $1", "keys of one business, on the page that lists them"),
    ("SELECT * FROM endpoint", "endpoints, of which a business has so many at most; all of them when a process begins"),
    ("SELECT count(*) FROM endpoint WHERE business = $1", "when one is added; so many at most"),
    ("SELECT count(*) FROM messaging_service WHERE business = $1", "when one is added; so many at most"),
    ("SELECT count(*) FROM content WHERE business = $1", "when one is added; so many at most"),
    ("SELECT * FROM template WHERE business = $1 AND waba = $2", "templates of an account, of which Meta allows so many"),
    ("SELECT intent FROM template_intent WHERE", "calls that are under way"),
    ("SELECT at / $4 * $4 AS begins", "sums over a bounded time, a row per sender and minute or hour"),
    ("SELECT sender, code, upstream, CAST(sum(messages)", "sums over a bounded time, a row per sender, hour and code"),
    ("SELECT customer, identity, spelled, since, seen, until, seen_with, how, held FROM identity", "who has one identity: one"),
    ("SELECT identity FROM identity WHERE business = $1 AND customer = $2", "what one customer is known by"),
    ("SELECT id, business FROM sender WHERE id <> $1", "senders are few, and this is asked when one is added"),
    (
        "SELECT id, business, position, app, at, outcome, fields, note, length(raw), erased FROM entry WHERE id = $1",
        "an id is one entry's",
    ),
    ("SELECT m.sender, m.class, coalesce(m.lane_of, m.customer), s.seq", "attempts under way, as many as connections to Meta"),
    ("SELECT standing.seq, standing.number FROM standing", "attempts under way, as many as connections to Meta"),
    ("SELECT seq, number FROM standing WHERE progress = 'started'", "attempts under way, as many as connections to Meta"),
    ("SELECT seq FROM standing WHERE phase = 'unknown' ORDER BY phase_at", "once, when a backup is restored"),
    ("SELECT replay FROM journal_replay WHERE business = $1", "so many of a business at most"),
    (
        "SELECT sender, customer, heard, refused FROM conversation WHERE business = $1 AND customer = $2",
        "of one customer: a row per sender",
    ),
    ("SELECT provider_id FROM left_id WHERE at = $1 AND business = $2 AND seq = $3", "messages of one millisecond"),
    ("SELECT document FROM console_session WHERE former = $1", "a token is one session's"),
    ("SELECT document FROM console_session WHERE whose = $1", "where one user is signed in; so many at most"),
];

/// An index: of which table, its columns, and whether they name one row.
struct Index {
    table: String,
    columns: BTreeSet<String>,
    unique: bool,
}

/// The indexes of the schema, by name.
fn indexes(address: &PostgresAddress) -> BTreeMap<String, Index> {
    let sql = "SELECT c.relname || ' ' || x.indrelid::regclass || ' ' || (x.indisunique AND x.indpred IS NULL) || ' ' || (
             SELECT string_agg(a.attname, ',') FROM pg_attribute a WHERE a.attrelid = x.indrelid AND a.attnum = ANY (x.indkey))
         FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid WHERE c.relnamespace = current_schema()::regnamespace";
    let read = |line: String| {
        let [name, table, unique, columns] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let columns = columns.split(',').map(str::to_owned).collect();
        (name.to_owned(), Index { table: table.to_owned(), columns, unique: unique == "true" })
    };
    ask(address, vec![sql.to_owned()]).concat().into_iter().map(read).collect()
}

/// Fills every table and has the server count what is in them.
fn fill(url: &str, address: &PostgresAddress) {
    let sql = "SELECT table_name || ' ' || column_name || ' ' || is_nullable || ' ' || data_type FROM information_schema.columns
         WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position";
    let mut tables: BTreeMap<String, (Vec<String>, Vec<String>)> = BTreeMap::new();
    for column in ask(address, vec![sql.to_owned()]).concat() {
        let [table, name, nullable, kind] = column.splitn(4, ' ').collect::<Vec<_>>()[..] else { panic!("{column}") };
        let plain = match kind {
            "bytea" => "decode(lpad(to_hex(i), 32, '0'), 'hex')",
            "text" => "'text' || i",
            _ => "i",
        };
        // What was done to messages that are not here yet is little.
        let filled = match (table, name) {
            ("amendment", "seq") => "CASE WHEN i % 20 > 0 THEN i END",
            _ => FILLED.iter().find(|(filled, _)| *filled == name).map_or(plain, |(_, value)| *value),
        };
        let value = if nullable == "NO" { format!("coalesce({filled}, {plain})") } else { filled.to_owned() };
        let (names, values) = tables.entry(table.to_owned()).or_default();
        names.push(format!("\"{name}\""));
        values.push(value);
    }
    let one = ["turn", "ordinals", "directory", "house", "probe", "migrating", "migration"];
    let filled = tables.iter().filter(|(table, _)| !one.contains(&table.as_str()));
    let mut all: Vec<String> = filled
        .map(|(table, (names, values))| {
            let rows = if SMALL.iter().any(|(small, _)| small == table) { 50 } else { ROWS };
            let (names, values) = (names.join(", "), values.join(", "));
            format!("INSERT INTO {table} ({names}) SELECT {values} FROM generate_series(1, {rows}) AS i ON CONFLICT DO NOTHING")
        })
        .collect();
    all.push("ANALYZE".to_owned());
    execute(url, &all.join(";\n"));
}

/// Finds what is wrong with plans.
struct Reader {
    indexes: BTreeMap<String, Index>,
}

impl Reader {
    /// What is wrong with a plan; nothing where it goes by indexes, and reads no more than it names or asks for.
    fn wrong(&self, plan: &Value, limited: bool, found: &mut Vec<String>) {
        let text = |name: &str| plan[name].as_str().unwrap_or_default();
        let (kind, table) = (text("Node Type"), text("Relation Name"));
        let is_the_servers = table.starts_with("pg_");
        if !table.is_empty() && !is_the_servers && kind != "ModifyTable" && !SMALL.iter().any(|(small, _)| *small == table) {
            if !["Index Scan", "Index Only Scan"].contains(&kind) {
                found.push(format!("reads {table} by {kind}"));
            } else if !self.names_few(text("Index Name"), text("Index Cond")) {
                let how = format!("{} {}", text("Index Name"), text("Index Cond"));
                if plan.get("Filter").is_some() {
                    found.push(format!("passes over rows of {table} ({how}) by {}", plan["Filter"]));
                }
                if !limited {
                    found.push(format!("reads of {table} without a bound ({how})"));
                }
            }
        }
        if limited && ["Sort", "Incremental Sort", "Aggregate"].contains(&kind) {
            found.push(format!("{kind} before it stops, by {}", plan["Sort Key"]));
        }
        let goes_on = ["Nested Loop", "LockRows", "Index Scan", "Index Only Scan", "Result", "Subquery Scan"].contains(&kind);
        for below in plan["Plans"].as_array().into_iter().flatten() {
            let of = below["Parent Relationship"].as_str().unwrap_or_default();
            // The other side of these is left at the first row that is found.
            let stops = of == "Inner" && ["Semi", "Anti"].contains(&text("Join Type"));
            self.wrong(below, kind == "Limit" || stops || (limited && goes_on && of != "InitPlan"), found);
        }
    }

    /// Whether what an index is asked for is one row, or the rows of one message.
    fn names_few(&self, index: &str, condition: &str) -> bool {
        let Some(index) = self.indexes.get(index) else { return false };
        let fixed = |column: &str| [format!("({column} = "), format!("(\"{column}\" = ")].iter().any(|is| condition.contains(is));
        let fixed: BTreeSet<String> = index.columns.iter().filter(|column| fixed(column)).cloned().collect();
        let one =
            self.indexes.values().any(|other| other.unique && other.table == index.table && other.columns.is_subset(&fixed));
        one || (fixed.contains("business") && fixed.contains("seq"))
    }
}

/// Explains statements as connections of ours have them planned, and gives what is wrong with each.
fn explained(address: &PostgresAddress, statements: &BTreeSet<String>) -> Vec<(String, Vec<String>)> {
    let reader = Reader { indexes: indexes(address) };
    let mut all = Vec::new();
    for sql in statements {
        let values = (1..=40).rev().find(|n| sql.contains(&format!("${n}"))).unwrap_or(0);
        let nothing = if values == 0 { String::new() } else { format!("({})", vec!["NULL"; values].join(", ")) };
        all.extend([
            format!("PREPARE it AS {sql}"),
            format!("EXPLAIN (FORMAT JSON, COSTS OFF) EXECUTE it{nothing}"),
            "DEALLOCATE it".to_owned(),
        ]);
    }
    let plans = ask(address, all);
    let read = |(sql, plan): (&String, &Vec<String>)| {
        let plan: Value = serde_json::from_str(&plan.concat()).unwrap();
        let mut found = Vec::new();
        reader.wrong(&plan[0]["Plan"], false, &mut found);
        (sql.clone(), found)
    };
    statements.iter().zip(plans.iter().skip(1).step_by(3)).map(read).collect()
}

fn plain(sql: &str) -> String {
    sql.replace('?', "$").split_whitespace().collect::<Vec<_>>().join(" ")
}

fn is_explained(sql: &str) -> bool {
    ["SELECT ", "INSERT ", "UPDATE ", "DELETE "].iter().any(|verb| sql.starts_with(verb))
}

/// The statements that stand in a file of this crate, or parts of them.
pub(super) fn written(file: &Path, all: &mut BTreeSet<String>) {
    let tests = ["tests.rs", "stall_tests.rs", "takeover.rs", "testing.rs", "spread.rs", "plans.rs"];
    if file.is_dir() {
        std::fs::read_dir(file).unwrap().for_each(|one| written(&one.unwrap().path(), all));
    } else if !tests.iter().any(|name| file.ends_with(name)) {
        let text = std::fs::read_to_string(file).unwrap().replace("\\\"", "");
        all.extend(text.split('"').map(plain).filter(|sql| is_explained(sql)));
    }
}

/// A store whose tables are filled.
fn filled() -> PostgresAddress {
    let url = empty();
    let address = PostgresAddress::parse(&url).unwrap();
    drop(PostgresStore::open(&address, PostgresOptions::default()).unwrap());
    fill(&url, &address);
    address
}

#[tokio::test]
async fn every_statement_is_answered_by_an_index_and_reads_few_rows() {
    broken_on_postgres().await;
    let mut statements: BTreeSet<String> = recorded().into_iter().map(plain).filter(|sql| is_explained(sql)).collect();
    assert!(statements.len() > 300, "{}", statements.len());
    // Those that the suite has not come by; what is only a part of a statement was prepared with the rest of it.
    let mut written_down = BTreeSet::new();
    for place in ["src/postgres", "src/sql"] {
        written(&Path::new(env!("CARGO_MANIFEST_DIR")).join(place), &mut written_down);
    }
    written_down.retain(|sql| !statements.iter().any(|known| known.contains(sql.as_str())));
    statements.append(&mut written_down);

    let (mut broken, mut used) = (Vec::new(), BTreeSet::new());
    for (sql, found) in explained(&filled(), &statements).into_iter().filter(|(_, found)| !found.is_empty()) {
        match MORE.iter().find(|(begins, _)| sql.starts_with(begins)) {
            Some((begins, _)) => drop(used.insert(*begins)),
            None => broken.push(format!("{}\n    {sql}", found.join("; "))),
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    let idle: Vec<_> = MORE.iter().filter(|(begins, _)| !statements.iter().any(|sql| sql.starts_with(begins))).collect();
    assert!(idle.is_empty(), "nothing begins so any more: {idle:?}");
}

#[test]
fn a_statement_that_reads_too_much_is_found() {
    let bad = [
        ("SELECT seq FROM message WHERE address = $1", "by Seq Scan"),
        ("SELECT seq FROM message WHERE business = $1", "without a bound"),
        ("SELECT seq FROM message WHERE business = $1 AND campaign = $2 ORDER BY seq LIMIT $3", "passes over rows"),
        ("SELECT seq FROM message WHERE business = $1 ORDER BY accepted_at LIMIT $2", "Sort before it stops"),
        ("DELETE FROM standing WHERE business = $1 AND phase = $2", "without a bound"),
        ("UPDATE wait SET aside = 1 WHERE accepted_at < $1", "by Seq Scan"),
        ("SELECT m.id FROM message m JOIN standing s ON s.seq = m.seq WHERE m.business = $1 AND m.seq = $2", "standing"),
    ];
    let good = "SELECT seq FROM message WHERE business = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3";
    let statements = bad.iter().map(|(sql, _)| *sql).chain([good]).map(str::to_owned).collect();
    let mut found: BTreeMap<String, Vec<String>> = explained(&filled(), &statements).into_iter().collect();
    assert_eq!(found.remove(good), Some(Vec::new()));
    for (sql, why) in bad {
        let said = found[sql].join("; ");
        assert!(said.contains(why), "{sql}: {said}");
    }
}
