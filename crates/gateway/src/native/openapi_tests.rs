//! The description says everything, and the committed one is the present one.

use serde_json::Value;

use super::openapi;

const COMMITTED: &str = include_str!("../../openapi.json");

fn described() -> Value {
    serde_json::to_value(openapi()).unwrap()
}

fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().unwrap();
    paths
        .iter()
        .flat_map(|(path, item)| {
            item.as_object().unwrap().iter().map(move |(method, o)| (path.clone(), method.clone(), o.clone()))
        })
        .collect()
}

#[test]
fn the_committed_description_is_the_present_one() {
    let present = openapi().to_pretty_json().unwrap();
    assert!(COMMITTED.trim_end() == present.trim_end(), "crates/gateway/openapi.json is old; run `cargo xtask derive`");
}

#[test]
fn every_operation_has_its_parameters_body_and_statuses() {
    let document = described();
    let operations = operations(&document);
    assert!(!operations.is_empty());
    for (path, method, operation) in &operations {
        let named = format!("{method} {path}");
        assert!(operation["operationId"].is_string() && operation["summary"].is_string(), "{named}");
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        for variable in path.split('{').skip(1).filter_map(|rest| rest.split('}').next()) {
            assert!(parameters.iter().any(|p| p["name"] == variable && p["in"] == "path"), "{named}: {variable}");
        }
        let statuses = operation["responses"].as_object().unwrap();
        assert!(statuses.keys().any(|s| s.starts_with('2')), "{named}");
        if path.contains("{business}") {
            assert_eq!(operation["security"], serde_json::json!([{ "X-API-Key": [] }]), "{named}");
            for status in ["401", "403", "500", "503"] {
                let schema = &statuses[status]["content"]["application/json"]["schema"]["$ref"];
                assert_eq!(schema, "#/components/schemas/Error", "{named} {status}");
            }
        }
        if path.contains("/send/") || path.contains("/create/") || path.contains("/update/") {
            assert!(operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].is_string(), "{named}");
        }
    }
}

#[test]
fn every_schema_that_is_named_exists_and_operations_are_told_apart() {
    let document = described();
    let text = document.to_string();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for reference in text.split("#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(schemas.contains_key(reference), "{reference}");
    }
    let operations = operations(&document);
    let mut ids: Vec<_> = operations.iter().map(|(_, _, o)| o["operationId"].to_string()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), operations.len());
    assert_eq!(document["info"]["license"]["identifier"], "Apache-2.0");
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
}
