//! The reviewer against the kept corpus of create requests, whose outcomes were written by hand from Meta's documents.

use std::path::Path;

use crate::common::Desk;
use serde_json::{Value, json};

struct Case {
    id: String,
    request: Value,
    expected: Value,
}

fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/templates");
    let files = std::fs::read_dir(folder).expect("the corpus").map(|entry| entry.expect("a file").path());
    let mut files: Vec<_> = files.filter(|path| path.extension().is_some_and(|end| end == "json")).collect();
    files.sort();
    let read = |path: &std::path::PathBuf| -> Vec<Value> {
        serde_json::from_str(&std::fs::read_to_string(path).expect("readable")).expect("a list of cases")
    };
    let case = |mut value: Value| Case {
        id: value["id"].as_str().expect("an id").to_owned(),
        request: value["request"].take(),
        expected: value["expected"].take(),
    };
    files.iter().flat_map(read).map(case).collect()
}

/// Handles in the corpus stand for uploads of its own; here each gets one of the right type.
fn with_handles(value: &mut Value, handles: &[(&str, String)]) {
    if let Some(format) = value.get("format").and_then(Value::as_str).map(str::to_ascii_uppercase)
        && let Some((_, handle)) = handles.iter().find(|(known, _)| *known == format)
        && let Some(given) = value.pointer_mut("/example/header_handle/0")
        && given.as_str().is_some_and(|text| text.starts_with("4:"))
    {
        *given = json!(handle);
    }
    match value {
        Value::Object(map) => map.values_mut().for_each(|one| with_handles(one, handles)),
        Value::Array(list) => list.iter_mut().for_each(|one| with_handles(one, handles)),
        _ => {}
    }
}

/// What came of one case: the code and subcode of a refusal, or nothing. 100 also stands for INVALID_FORMAT after the call.
async fn outcome(desk: &Desk, request: &Value) -> Option<(u64, Option<u64>)> {
    let path = format!("{}/message_templates", desk.id.waba_id);
    let made = desk.graph("POST", &path, Some(request)).await;
    if made.status != 200 {
        return Some((made.code().unwrap_or(0), made.body["error"]["error_subcode"].as_u64()));
    }
    let id = made.body["id"].as_str().unwrap_or_default();
    desk.turn(1).await;
    let read = desk.graph("GET", &format!("{id}?fields=status,rejected_reason"), None).await.body;
    assert_ne!(read["status"], "PENDING", "{request}");
    let gone = desk.graph("DELETE", &format!("{path}?hsm_ids=[{id}]"), None).await;
    assert_eq!(gone.status, 200, "{}", gone.body);
    // Names and texts repeat, and a name that was approved stays taken: that is another rule, with tests of its own.
    (read["status"] == "REJECTED").then(|| (if read["rejected_reason"] == "INVALID_FORMAT" { 100 } else { 0 }, None))
}

#[tokio::test]
async fn the_reviewer_agrees_with_every_case_of_the_corpus() {
    let desk = Desk::open().await;
    let free = json!({ "autoReviewSeconds": 0, "templateCreationsPerHour": 10_000, "managementCallsPerHour": 1_000_000 });
    desk.sim("PATCH", "settings", &free).await;
    let mut handles = Vec::new();
    for (format, mime) in [("IMAGE", "image/png"), ("VIDEO", "video/mp4"), ("DOCUMENT", "application/pdf")] {
        handles.push((format, desk.sample(mime).await));
    }
    let cases = cases();
    assert!(cases.len() >= 150, "{} cases", cases.len());
    let mut differences = Vec::new();
    for Case { id, mut request, expected } in cases {
        with_handles(&mut request, &handles);
        let found = outcome(&desk, &request).await;
        let code = expected["code"].as_u64();
        let subcode = expected["subcode"].as_u64();
        let agrees = match found {
            None => expected["outcome"] == "accepted",
            Some((found, sub)) => {
                expected["outcome"] == "refused" && Some(found) == code && (subcode.is_none() || sub == subcode)
            }
        };
        if !agrees {
            differences.push(format!("{id}: wanted {expected}, found {found:?}"));
        }
    }
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}
