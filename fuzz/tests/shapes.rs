//! What Meta sends, in shapes that it never has: every kept body with a value of another kind anywhere in it, and JSON of any
//! shape that has the names which the readers look for, so that their branches are reached with the wrong things in them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use arbtest::arbitrary::{Result, Unstructured};
use arbtest::arbtest;
use serde_json::{Map, Value};
use transom_fuzz::Target;

/// The targets that read what comes from Meta's side.
const READERS: [&str; 3] = ["webhook", "answer", "template"];
/// Inputs of each test: as many as fit into so many milliseconds.
const EACH_MS: u64 = 500;
/// A body has fewer values than this.
const VALUES_MAX: usize = 60;
/// How deep a made value is at most.
const DEPTH_MAX: usize = 8;

const NAMES: [&str; 44] = [
    "object",
    "entry",
    "id",
    "time",
    "changes",
    "field",
    "value",
    "metadata",
    "phone_number_id",
    "contacts",
    "profile",
    "name",
    "wa_id",
    "user_id",
    "messages",
    "statuses",
    "status",
    "type",
    "from",
    "timestamp",
    "text",
    "body",
    "image",
    "interactive",
    "button_reply",
    "context",
    "system",
    "calls",
    "errors",
    "error",
    "code",
    "error_data",
    "details",
    "data",
    "components",
    "format",
    "example",
    "buttons",
    "cards",
    "language",
    "category",
    "paging",
    "message_template_id",
    "event",
];
const WORDS: [&str; 12] = [
    "whatsapp_business_account",
    "messages",
    "calls",
    "text",
    "image",
    "interactive",
    "system",
    "BODY",
    "UTILITY",
    "4915112345678",
    "DE.1",
    "message_template_status_update",
];

/// The bodies that Meta documents, as the readers' own tests have them.
fn documented() -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/meta/tests/fixtures");
    let mut paths: Vec<_> = READERS
        .iter()
        .flat_map(|folder| std::fs::read_dir(root.join(folder)).unwrap())
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths.into_iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// Gives bytes to every reader.
fn read(bytes: &[u8]) {
    READERS.iter().for_each(|name| Target::named(name).unwrap().run(bytes));
}

fn value(u: &mut Unstructured<'_>, depth: usize) -> Result<Value> {
    let kinds = if depth < DEPTH_MAX { 9 } else { 5 };
    Ok(match u.int_in_range(0..=kinds)? {
        0 => Value::Null,
        1 => u.arbitrary::<bool>()?.into(),
        2 => u.arbitrary::<i64>()?.into(),
        // As many digits as prices and coordinates have.
        3 => (f64::from(u.arbitrary::<i32>()?) / 1_000.0).into(),
        4 => u.arbitrary::<String>()?.into(),
        5 => (*u.choose(&WORDS)?).into(),
        6 => (0..u.int_in_range(0..=3)?).map(|_| value(u, depth + 1)).collect::<Result<Vec<_>>>()?.into(),
        _ => {
            let members = u.int_in_range(0..=7)?;
            let members = (0..members).map(|_| Ok(((*u.choose(&NAMES)?).to_owned(), value(u, depth + 1)?)));
            Value::Object(members.collect::<Result<Map<_, _>>>()?)
        }
    })
}

/// Puts `graft` in place of the `at`th value of a body.
fn replace(json: &mut Value, at: &mut usize, graft: &Value) {
    if *at == 0 {
        *json = graft.clone();
        *at = usize::MAX;
        return;
    }
    *at = at.saturating_sub(1);
    match json {
        Value::Array(list) => list.iter_mut().for_each(|inner| replace(inner, at, graft)),
        Value::Object(map) => map.values_mut().for_each(|inner| replace(inner, at, graft)),
        _ => {}
    }
}

#[test]
fn every_documented_body_is_read() {
    let bodies = documented();
    assert!(bodies.len() > 45, "{}", bodies.len());
    bodies.iter().for_each(|body| read(body));
}

#[test]
fn a_value_of_another_kind_anywhere_holds() {
    let bodies: Vec<Value> = documented().iter().map(|body| serde_json::from_slice(body).unwrap()).collect();
    arbtest(|u| {
        let mut body = u.choose(&bodies)?.clone();
        let mut at = u.choose_index(VALUES_MAX)?;
        replace(&mut body, &mut at, &value(u, 0)?);
        read(body.to_string().as_bytes());
        Ok(())
    })
    .budget_ms(EACH_MS);
}

#[test]
fn json_of_any_shape_holds() {
    arbtest(|u| {
        read(value(u, 0)?.to_string().as_bytes());
        Ok(())
    })
    .budget_ms(EACH_MS);
}
