//! Values that spoil the text they fill: the words were within every rule, so the value is what is named.

use std::collections::BTreeSet;

use serde_json::Value;

use super::body::Body;
use super::check::{self, ONE_TIME_CODE, WEB_ADDRESS};
use super::variables::{Variables, placeholders};
use crate::field::Findings;

/// Notes at each value which rule it breaks in the body that it fills. `filled` is `body` with these values.
pub(super) fn values(body: &Body, filled: &Body, values: &Variables, f: &mut Findings) {
    if let Body::Authentication(_) = body {
        f.required("1", values.get("1").map_or("", String::as_str), ONE_TIME_CODE);
    }
    let found = check::filled(filled);
    if found.is_empty() {
        return;
    }
    let json = body.to_json().unwrap_or_default();
    for finding in found {
        let place = format!("{}.{}", body.kind(), finding.field);
        let rule = format!("fills {place}, which then {}", finding.rule);
        let remedy = match finding.rule.as_str() {
            WEB_ADDRESS => "percent-encode the value: an address has no blanks".to_owned(),
            long if long.contains(" characters, at most ") || long.contains(" characters together, at most ") => {
                "shorten the value".to_owned()
            }
            _ => format!("give another value: {}", finding.remedy),
        };
        let names = names_at(&json, &finding.field);
        let alone = |name: &&String| {
            let one = values.get_key_value(*name).map(|(name, value)| Variables::from([(name.clone(), value.clone())]));
            one.is_some_and(|one| check::filled(&body.rendered(&one)).iter().any(|other| other.field == finding.field))
        };
        let mut to_blame: Vec<&String> = names.iter().filter(alone).collect();
        if to_blame.is_empty() {
            // Only together they are too much.
            to_blame = names.iter().collect();
        }
        if to_blame.is_empty() {
            f.note("", rule, remedy);
            continue;
        }
        for name in to_blame {
            f.note(name, rule.as_str(), remedy.as_str());
        }
    }
}

/// The variables of the text at a path such as `cards[0].media`; of all texts around it where it has none itself, since some rules
/// hold for several texts together.
fn names_at(body: &Value, path: &str) -> BTreeSet<String> {
    let mut around = vec![body];
    for step in path.split(['.', '[']).map(|step| step.trim_end_matches(']')).filter(|step| !step.is_empty()) {
        let Some(at) = around.last() else { break };
        let next = match at {
            Value::Array(items) => step.parse::<usize>().ok().and_then(|index| items.get(index)),
            other => other.get(step),
        };
        match next {
            Some(next) => around.push(next),
            None => break,
        }
    }
    let sets = around.into_iter().rev().map(|value| {
        let mut names = BTreeSet::new();
        collect(value, &mut names);
        names
    });
    sets.into_iter().find(|names| !names.is_empty()).unwrap_or_default()
}

fn collect(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => names.extend(placeholders(text).into_iter().map(str::to_owned)),
        Value::Array(items) => items.iter().for_each(|item| collect(item, names)),
        Value::Object(fields) => fields.values().for_each(|field| collect(field, names)),
        _ => {}
    }
}
