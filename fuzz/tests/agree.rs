//! The linter against the simulator's reviewer, which share no code: what the one lets pass the other takes, also of requests that
//! nobody has written down. Each is a kept one with a few members changed for those of others.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use arbtest::arbitrary::Unstructured;
use arbtest::arbtest;
use serde_json::Value;
use transom_domain::lint;
use transom_meta::templates;

/// Changed requests per run: as many as fit into so many milliseconds.
const CHANGES_MS: u64 = 2_000;

fn requests() -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus/templates");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "json"));
    files.sort();
    let read = |path: &std::path::PathBuf| serde_json::from_str::<Vec<Value>>(&std::fs::read_to_string(path).unwrap()).unwrap();
    files.iter().flat_map(read).map(|mut case| case["request"].take()).collect()
}

/// Every place of a value, as a pointer.
fn places(value: &Value, path: &str, found: &mut Vec<String>) {
    found.push(path.to_owned());
    match value {
        Value::Object(map) => map.iter().for_each(|(key, inner)| places(inner, &format!("{path}/{key}"), found)),
        Value::Array(list) => list.iter().enumerate().for_each(|(i, inner)| places(inner, &format!("{path}/{i}"), found)),
        _ => {}
    }
}

/// One change: a member is replaced by one of another request with the same name, or a list gets one element more or less.
fn change(request: &mut Value, other: &Value, u: &mut Unstructured<'_>) -> Result<(), arbtest::arbitrary::Error> {
    let (mut here, mut there) = (Vec::new(), Vec::new());
    places(request, "", &mut here);
    places(other, "", &mut there);
    let place = u.choose(&here)?.clone();
    let name = |path: &str| path.rsplit('/').find(|step| step.parse::<usize>().is_err()).unwrap_or_default().to_owned();
    let alike: Vec<&String> = there.iter().filter(|path| name(path) == name(&place)).collect();
    let donor = if alike.is_empty() { None } else { other.pointer(u.choose(&alike)?).cloned() };
    let Some(target) = request.pointer_mut(&place) else { return Ok(()) };
    match (target, donor) {
        (Value::Array(list), Some(Value::Array(more))) if u.arbitrary()? => list.extend(more),
        (Value::Array(list), _) if !list.is_empty() => {
            let at = u.choose_index(list.len())?;
            if u.arbitrary()? {
                list.remove(at);
            } else {
                list.swap(0, at);
            }
        }
        (target, Some(donor)) => *target = donor,
        (_, None) => {}
    }
    Ok(())
}

#[test]
fn what_the_linter_lets_pass_the_reviewer_takes() {
    let requests = requests();
    let (mut all, mut taken) = (0u32, 0u32);
    arbtest(|u| {
        let mut request = u.choose(&requests)?.clone();
        for _ in 0..u.int_in_range(1..=4)? {
            let other = u.choose(&requests)?.clone();
            change(&mut request, &other, u)?;
        }
        all += 1;
        let Ok(read) = templates::read_request(&request) else { return Ok(()) };
        let templates::Request { name, language, category, definition, ttl_seconds } = &read;
        let draft = lint::Draft { name, language, category: *category, definition, ttl_seconds: *ttl_seconds };
        // Forms have a linter of their own, and samples of files are looked at once they are uploaded.
        let text = request.to_string();
        if lint::template(&draft).iter().any(lint::Finding::is_error) || text.contains("flow_json") {
            return Ok(());
        }
        let printed = templates::to_create(name, language, *category, definition);
        if let Err(why) = transom_simulator::probe::create_template(&printed) {
            panic!("the reviewer refuses what the linter lets pass: {why}\n{printed}");
        }
        taken += 1;
        Ok(())
    })
    .budget_ms(CHANGES_MS)
    .run();
    assert!(taken > all / 50, "only {taken} of {all} are good: the changes break everything");
}
