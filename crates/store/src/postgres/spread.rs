//! That nothing is asked for that the servers refuse which spread PostgreSQL's protocol over many machines: the page that says what
//! is never used and how each table is distributed is read, and held against the schema and every statement of the suite.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::migrate::schema;
use super::plans::written;
use super::testing::recorded;
use crate::conformance::tests::broken_on_postgres;

/// The rows of the table under a heading: the names in their first column, and the second column.
fn table(heading: &str) -> Vec<(Vec<String>, String)> {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/engines.md");
    let page = std::fs::read_to_string(page).unwrap();
    let part = page.split("\n## ").find(|part| part.starts_with(heading)).unwrap();
    let rows = part.lines().filter(|line| line.starts_with("| `")).map(|line| {
        let mut columns = line.trim_matches('|').split(" | ");
        let names = columns.next().unwrap().split('`').skip(1).step_by(2).map(str::to_owned).collect();
        (names, columns.next().unwrap().trim().to_owned())
    });
    rows.collect()
}

/// What stands in parentheses after a word, taken apart.
fn columns_after<'s>(sql: &'s str, word: &str) -> Vec<&'s str> {
    let Some((_, rest)) = sql.split_once(word) else { return Vec::new() };
    let inside = rest.split_once('(').map_or("", |(_, inside)| inside.split(')').next().unwrap_or_default());
    inside.split(',').map(str::trim).collect()
}

/// The tables that a statement names.
fn tables_of(sql: &str) -> BTreeSet<&str> {
    let words: Vec<&str> = sql.split(|c: char| c.is_whitespace() || "(),".contains(c)).filter(|word| !word.is_empty()).collect();
    let named = words.windows(2).filter(|pair| ["FROM", "JOIN", "INTO", "UPDATE"].contains(&pair[0])).map(|pair| pair[1]);
    named.filter(|name| name.chars().all(|c| c.is_ascii_lowercase() || c == '_')).collect()
}

#[tokio::test]
async fn nothing_is_asked_that_servers_that_spread_refuse() {
    broken_on_postgres().await;
    let mut wrong = Vec::new();
    let statements: Vec<String> = recorded().iter().map(|sql| sql.replace('?', "$")).collect();
    // Those that the suite has not come by, too.
    let mut in_sources = BTreeSet::new();
    for place in ["src/postgres", "src/sql"] {
        written(&Path::new(env!("CARGO_MANIFEST_DIR")).join(place), &mut in_sources);
    }
    let never: Vec<String> = table("What is never used").into_iter().flat_map(|(words, _)| words).collect();
    assert!(never.len() > 15, "{never:?}");
    for sql in statements.iter().cloned().chain(in_sources).chain(schema().map(str::to_owned)) {
        // Comments are words too.
        let said: String =
            sql.lines().filter(|line| !line.trim_start().starts_with("--")).collect::<Vec<_>>().join(" ").to_uppercase();
        wrong.extend(never.iter().filter(|word| said.contains(word.as_str())).map(|word| format!("{word}: {sql}")));
        let changes = ["UPDATE ", "DELETE "].iter().any(|verb| said.starts_with(verb));
        if changes && ["CLOCK_TIMESTAMP", "RANDOM", "NEXTVAL"].iter().any(|word| said.contains(word)) {
            wrong.push(format!("says something else at each row: {sql}"));
        }
    }
    let mut how = BTreeMap::new();
    for (names, way) in table("How each table is distributed") {
        for name in names {
            assert!(how.insert(name.clone(), way == "by business").is_none(), "{name} is there twice");
        }
    }
    let mut made = BTreeSet::new();
    for sql in schema() {
        let sql = sql.lines().filter(|line| !line.trim_start().starts_with("--")).collect::<Vec<_>>().join("\n");
        let words: Vec<&str> = sql.split_whitespace().collect();
        let Some(at) = words.iter().position(|word| ["TABLE", "ON"].contains(word)).filter(|_| words[0] == "CREATE") else {
            continue;
        };
        let name = words[at + 1..].iter().find(|word| !["IF", "NOT", "EXISTS"].contains(*word)).unwrap();
        let by_business = how.get(*name).copied();
        if words[at] == "TABLE" {
            made.insert((*name).to_owned());
            let alone = sql.contains("business BYTEA PRIMARY KEY");
            if by_business == Some(true) && !alone && columns_after(&sql, "PRIMARY KEY").first() != Some(&"business") {
                wrong.push(format!("the key of {name} does not begin with the business"));
            }
            if by_business == Some(true) && sql.contains(" UNIQUE") && !columns_after(&sql, "UNIQUE").contains(&"business") {
                wrong.push(format!("what is unique in {name} does not name the business"));
            }
        } else if words[1] == "UNIQUE" && by_business == Some(true) && !columns_after(&sql, name).contains(&"business") {
            wrong.push(format!("an index of {name} is unique without the business"));
        }
    }
    assert_eq!(made, how.keys().cloned().collect(), "tables of the schema, and of the page");
    let looked: BTreeSet<String> = table("Statements that do not name").into_iter().flat_map(|(names, _)| names).collect();
    for sql in &statements {
        let inserts = sql.starts_with("INSERT") && columns_after(sql, "INTO").contains(&"business");
        if inserts || sql.contains("business = $") {
            continue;
        }
        let spread = tables_of(sql).into_iter().filter(|name| how.get(*name) == Some(&true));
        let changes = !sql.starts_with("SELECT") || sql.contains("FOR UPDATE");
        wrong.extend(
            spread.filter(|name| changes || !looked.contains(*name)).map(|name| format!("{name} without its business: {sql}")),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
