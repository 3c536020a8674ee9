//! The linter against the kept corpus of create requests, whose outcomes were written by hand from the documents.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests: what fails here is a failed test")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use transom_domain::lint::{self, Draft, Finding, Rule, Severity, Submission};
use transom_domain::translate::{Beside, to_content};
use transom_meta::templates::{Request, parse, read_request, to_create};

/// What a request is refused with before any rule is asked: it cannot be read.
const MALFORMED: &str = "malformed";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    id: String,
    about: String,
    request: Value,
    expected: Expected,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Expected {
    outcome: Outcome,
    rule: Option<String>,
    #[serde(default)]
    also: Vec<String>,
    code: Option<u32>,
    subcode: Option<u32>,
    #[serde(default)]
    warnings: Vec<String>,
    source: String,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Accepted,
    Refused,
}

fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/templates");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "json"));
    files.sort();
    assert!(files.len() > 10, "the corpus is not there");
    files
        .iter()
        .flat_map(|path| {
            let text = std::fs::read_to_string(path).unwrap();
            serde_json::from_str::<Vec<Case>>(&text).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
        })
        .collect()
}

fn findings(request: &Request) -> Vec<Finding> {
    let Request { name, language, category, definition, ttl_seconds } = request;
    lint::template(&Draft { name, language, category: *category, definition, ttl_seconds: *ttl_seconds })
}

fn words(findings: &[Finding], severity: Severity) -> BTreeSet<String> {
    findings.iter().filter(|f| f.severity == severity).map(|f| f.rule.to_string()).collect()
}

#[test]
fn the_linter_agrees_with_every_case_of_the_corpus() {
    let mut differences = Vec::new();
    for Case { id, request, expected, .. } in cases() {
        let (errors, warnings) = match read_request(&request) {
            Err(_) => ([MALFORMED.to_owned()].into(), BTreeSet::new()),
            Ok(request) => {
                let found = findings(&request);
                (words(&found, Severity::Error), words(&found, Severity::Warning))
            }
        };
        let wanted: BTreeSet<String> = expected.rule.into_iter().chain(expected.also).collect();
        let wanted_warnings: BTreeSet<String> = expected.warnings.into_iter().collect();
        if errors != wanted || warnings != wanted_warnings {
            differences.push(format!("{id}: wanted {wanted:?} {wanted_warnings:?}, found {errors:?} {warnings:?}"));
        }
    }
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}

/// A rule that no case breaks is a rule that nobody has looked up.
#[test]
fn every_rule_is_broken_by_a_case_and_every_case_is_whole() {
    let cases = cases();
    let mut broken: BTreeMap<String, usize> = BTreeMap::new();
    let mut ids = BTreeSet::new();
    for Case { id, about, expected, .. } in &cases {
        assert!(ids.insert(id), "{id} is there twice");
        assert!(about.ends_with('.') && !expected.source.is_empty(), "{id}");
        let refused = expected.outcome == Outcome::Refused;
        assert_eq!((refused, refused), (expected.rule.is_some(), expected.code.is_some()), "{id}");
        assert!(refused || (expected.also.is_empty() && expected.subcode.is_none()), "{id}");
        for word in expected.rule.iter().chain(&expected.also).chain(&expected.warnings) {
            assert!(word == MALFORMED || Rule::ALL.iter().any(|rule| rule.as_str() == word), "{id}: no rule {word}");
            *broken.entry(word.clone()).or_default() += 1;
        }
    }
    assert!(cases.len() >= 150, "{} cases", cases.len());
    // What only content can break: a list has no create request, and a file's kind is told by its link.
    let of_content = [Rule::NeverSubmittable, Rule::HeaderFile];
    let unbroken: Vec<_> =
        Rule::ALL.iter().filter(|rule| !of_content.contains(rule) && !broken.contains_key(rule.as_str())).collect();
    assert!(unbroken.is_empty(), "no case breaks {unbroken:?}");
}

/// What is accepted survives the way to Meta and back, and is still accepted there.
#[test]
fn what_is_accepted_is_printed_and_read_back_the_same() {
    for Case { id, request, expected, .. } in cases() {
        if expected.outcome == Outcome::Refused {
            continue;
        }
        let read = read_request(&request).unwrap();
        let Request { name, language, category, definition, .. } = &read;
        let mut printed = to_create(name, language, *category, definition);
        let again = read_request(&printed).unwrap_or_else(|why| panic!("{id}: {why:?}"));
        assert_eq!((&again.name, &again.language, again.category), (name, language, *category), "{id}");
        assert_eq!(again.definition.canonical(), definition.canonical(), "{id}");
        assert_eq!(words(&findings(&again), Severity::Error), BTreeSet::new(), "{id}");
        printed["id"] = "1".into();
        printed["status"] = "APPROVED".into();
        assert_eq!(parse(&printed).unwrap().definition.canonical(), definition.canonical(), "{id}");
    }
}

/// What content can say of an accepted template is content that may be submitted again.
#[test]
fn what_is_accepted_and_led_back_to_content_may_be_submitted() {
    let mut led_back = 0;
    for Case { id, request, expected, .. } in cases() {
        if expected.outcome == Outcome::Refused {
            continue;
        }
        let Request { name, language, category, definition, .. } = read_request(&request).unwrap();
        let beside = Beside { catalog_id: Some("1"), files: Some("https://files.example/"), ..Beside::default() };
        let Ok(content) = to_content(&definition, &language, beside) else { continue };
        let found = lint::content(&content, Some(Submission { name: &name, category }));
        let errors: Vec<_> = found.into_iter().filter(Finding::is_error).collect();
        assert!(errors.is_empty(), "{id}: {errors:?}");
        led_back += 1;
    }
    assert!(led_back > 60, "{led_back} were led back");
}

#[test]
fn findings_name_a_place_of_the_request() {
    let exists = |request: &Value, path: &str| {
        let mut at = request;
        for step in path.replace(']', "").split(['.', '[']) {
            let next = match step.parse::<usize>() {
                Ok(index) => at.get(index),
                Err(_) => at.get(step),
            };
            match next {
                Some(next) => at = next,
                None => return false,
            }
        }
        true
    };
    for Case { id, request, .. } in cases() {
        let Ok(read) = read_request(&request) else { continue };
        for finding in findings(&read) {
            let path = lint::in_components(&finding.field, &request["components"]);
            // What is missing is told of by the member where it belongs.
            let parent = path.rsplit_once('.').map_or("components", |(parent, _)| parent);
            assert!(exists(&request, &path) || exists(&request, parent), "{id}: {path} of {}", finding.field);
        }
    }
}
