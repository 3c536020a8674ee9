//! The short form of the fuzz targets: every kept input, cut off at every place, and changed; and inputs that are made long.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::time::Duration;

use arbtest::arbtest;
use serde_json::{Map, Value, json};
use transom_fuzz::meter::{Counting, own_time};
use transom_fuzz::{TARGETS, Target};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Changed inputs per target and run: as many as fit into so many milliseconds.
const CHANGES_MS: u64 = 250;
/// Longest input that is cut off at every place; of longer ones every so-manieth.
const CUTS_MAX: usize = 400;
/// Length of inputs that are made long.
const LONG: usize = 64 * 1024;
/// Most time of its own that one long input may take: several times what any takes without optimisation, and far less than
/// what looks at all of the input for each part of it.
const LONG_TIME: Duration = Duration::from_secs(2);
/// Long inputs per target, evenly out of all that can be made; all of them where `TRANSOM_GROWTH` is set.
const LONG_EACH: usize = 12;

fn corpus(target: &Target) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target.name);
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|f| f.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

/// Every folder of the corpus is a target's, so that none is forgotten.
#[test]
fn every_kept_input_has_a_target() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name();
        assert!(Target::named(name.to_str().unwrap()).is_some(), "{}", name.display());
    }
}

#[test]
fn every_kept_input_cut_off_anywhere_holds() {
    for target in &TARGETS {
        for input in corpus(target) {
            target.run(&input);
            for end in (0..input.len()).step_by(input.len() / CUTS_MAX + 1) {
                target.run(&input[..end]);
            }
        }
    }
}

#[test]
fn changed_inputs_hold() {
    for target in &TARGETS {
        let inputs = corpus(target);
        arbtest(|u| {
            let mut data = u.choose(&inputs)?.clone();
            for _ in 0..u.int_in_range(1..=8)? {
                let at = u.choose_index(data.len().max(1))?;
                match u.int_in_range(0..=3)? {
                    0 => data.insert(at.min(data.len()), u.arbitrary()?),
                    1 if !data.is_empty() => data[at] = u.arbitrary()?,
                    2 if !data.is_empty() => drop(data.remove(at)),
                    _ => {
                        // A stretch of another kept input in its place.
                        let other = u.choose(&inputs)?;
                        let from = u.choose_index(other.len().max(1))?;
                        let to = (from + u.int_in_range(0..=40)?).min(other.len());
                        data.splice(at.min(data.len())..at.min(data.len()), other[from.min(to)..to].iter().copied());
                    }
                }
            }
            target.run(&data);
            Ok(())
        })
        .budget_ms(CHANGES_MS);
    }
}

/// What a text is filled with: braces that never close, close late or hold nothing, escapes, blanks, characters of many bytes.
const FILLINGS: [&str; 9] = ["{", "{{1}}", "{{x ", "}", "a", " ", "%00", "\u{1F44D}", "\"\\"];

/// Makes every value of a JSON text long, one at a time: texts filled, lists repeated, objects widened, everything deepened.
fn lengthened(seed: &Value, long: usize) -> Vec<Value> {
    fn paths(value: &Value, at: &str, all: &mut Vec<String>) {
        all.push(at.to_owned());
        match value {
            Value::Array(items) => items.iter().enumerate().for_each(|(i, item)| paths(item, &format!("{at}/{i}"), all)),
            Value::Object(object) => object.iter().for_each(|(key, item)| {
                paths(item, &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), all);
            }),
            _ => {}
        }
    }
    let mut all = Vec::new();
    paths(seed, "", &mut all);
    let mut made = Vec::new();
    for path in all {
        let there = seed.pointer(&path).unwrap();
        let mut grafts: Vec<Value> = Vec::new();
        match there {
            Value::String(text) => {
                grafts.extend(FILLINGS.map(|filling| json!(filling.repeat(long / filling.len()))));
                grafts.push(json!(format!("{}}}}}", "{".repeat(long))));
                grafts.push(json!(text.repeat(long / text.len().max(1))));
            }
            Value::Array(items) if !items.is_empty() => {
                let times = long / there.to_string().len();
                grafts.push(items.iter().cycle().take(items.len() * times).cloned().collect());
                grafts.push(vec![json!(0); long / 2].into());
            }
            Value::Object(object) => {
                let mut wide = object.clone();
                wide.extend((0..long / 12).map(|i| (format!("k{i}"), json!(0))));
                grafts.push(Value::Object(wide));
                if let Some(value) = object.values().next() {
                    let wide: Map<_, _> =
                        (0..long / (10 + value.to_string().len())).map(|i| (i.to_string(), value.clone())).collect();
                    grafts.push(Value::Object(wide));
                }
            }
            Value::Number(_) => grafts.push(json!(u64::MAX)),
            _ => {}
        }
        let deep = (0..100).fold(there.clone(), |inner, _| json!([inner]));
        grafts.push(deep);
        for graft in grafts {
            let mut whole = seed.clone();
            *whole.pointer_mut(&path).unwrap() = graft;
            made.push(whole);
        }
    }
    made
}

#[expect(clippy::print_stderr, reason = "read by who looks for growth by hand")]
fn in_time(target: &Target, input: &[u8]) {
    let Some(before) = own_time() else { return target.run(input) };
    target.run(input);
    let took = own_time().unwrap() - before;
    let begin: String = String::from_utf8_lossy(input).chars().take(300).collect();
    if std::env::var_os("TRANSOM_GROWTH").is_some() && took > LONG_TIME / 10 {
        eprintln!("{took:?} {} {begin}", target.name);
    }
    assert!(took < LONG_TIME, "{} took {took:?} for {} bytes that begin with {begin}", target.name, input.len());
}

#[test]
fn what_is_long_takes_no_longer_than_its_length() {
    let all = std::env::var_os("TRANSOM_GROWTH").is_some();
    for target in &TARGETS {
        let long = LONG.min(target.arrives_max);
        let inputs = corpus(target);
        let mut made = 0;
        let seeds: Vec<Value> =
            inputs.iter().filter_map(|input| serde_json::from_slice(input).ok()).filter(Value::is_object).collect();
        let each = LONG_EACH.div_ceil(seeds.len().max(1));
        for seed in &seeds {
            let longer = lengthened(seed, long);
            let step = if all { 1 } else { longer.len() / each + 1 };
            for input in longer.iter().skip(made % step).step_by(step) {
                in_time(target, input.to_string().as_bytes());
                made += 1;
            }
        }
        // Bytes as they are: runs of one thing, and kept inputs over and over.
        for filling in FILLINGS.iter().chain(&["[", "{\"a\":", "&", "a=1&", "\n", "\0", "+", "."]) {
            in_time(target, filling.repeat(long / filling.len()).as_bytes());
        }
        let late = format!("{}}}}}", "{".repeat(long));
        in_time(target, late.as_bytes());
        in_time(target, &inputs[0].repeat(long / inputs[0].len().max(1)));
    }
}
