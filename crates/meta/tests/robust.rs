//! No input makes a parser panic: bodies of every kind with bytes changed, cut and doubled, and JSON of any shape.

#![expect(clippy::unwrap_used, reason = "helpers of tests: what fails here is a failed test")]

use proptest::prelude::*;
use serde_json::{Map, Value};
use transom_meta::{codes, graph, send, templates, webhook};

fn corpus() -> Vec<Vec<u8>> {
    let root = format!("{}/tests/fixtures", env!("CARGO_MANIFEST_DIR"));
    let mut paths: Vec<_> = ["webhook", "template", "answer"]
        .iter()
        .flat_map(|folder| std::fs::read_dir(format!("{root}/{folder}")).unwrap())
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths.into_iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// Gives bytes to every parser of the crate.
fn read_all(bytes: &[u8]) {
    if let Ok(deliveries) = webhook::parse(bytes) {
        // What was read can be kept and read again.
        for heard in deliveries.iter().flat_map(|delivery| &delivery.heard) {
            let kept = serde_json::to_string(heard).unwrap();
            let again: transom_domain::fact::Heard = serde_json::from_str(&kept).unwrap();
            assert_eq!(&again, heard);
        }
    }
    for status in [200, 400, 500] {
        if let send::Answer::Refused { http, error } = send::parse_answer(status, bytes) {
            let _ = codes::classify(http, error.as_ref());
        }
    }
    let Ok(json) = serde_json::from_slice::<Value>(bytes) else { return };
    if let Ok(page) = templates::parse_page(&json) {
        for template in page.templates {
            let request = templates::to_create(&template.name, &template.language, template.category, &template.definition);
            assert!(request.is_object());
        }
    }
    let _ = graph::parse_phone_number(&json);
    let _ = graph::parse_phone_numbers(&json);
    let _ = graph::parse_subscribed_apps(&json);
    let _ = graph::parse_app_subscriptions(&json);
    let _ = graph::parse_debug_token(&json);
    let _ = graph::parse_catalogs(&json);
    let _ = graph::parse_waba(&json);
    let _ = graph::parse_created(&json);
    let _ = graph::parse_media(&json);
    let _ = graph::parse_handle(&json);
    let _ = graph::parse_id(&json);
    let _ = graph::parse_success(&json);
}

/// JSON with the names that the parsers look for, so that their branches are reached with the wrong things in them.
fn json() -> impl Strategy<Value = Value> {
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
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        // As many digits as prices and coordinates have: only those are promised to be kept to the last one.
        any::<i32>().prop_map(|n| Value::from(f64::from(n) / 1_000.0)),
        ".{0,12}".prop_map(Value::from),
        prop::sample::select(&WORDS[..]).prop_map(Value::from),
    ];
    leaf.prop_recursive(8, 96, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((prop::sample::select(&NAMES[..]), inner), 0..8)
                .prop_map(|pairs| Value::Object(pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect::<Map<_, _>>())),
        ]
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
fn every_body_of_the_corpus_is_read() {
    let corpus = corpus();
    assert!(corpus.len() > 45, "{}", corpus.len());
    corpus.iter().for_each(|body| read_all(body));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn changed_cut_and_doubled_bytes(
        which: prop::sample::Index,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut: prop::sample::Index,
        doubled: prop::sample::Index,
    ) {
        let corpus = corpus();
        let mut body = corpus[which.index(corpus.len())].clone();
        for (at, byte) in changes {
            let at = at.index(body.len());
            body[at] = byte;
        }
        read_all(&body);
        let at = doubled.index(body.len());
        let tail = body[at..].to_vec();
        body.extend(tail);
        read_all(&body);
        body.truncate(cut.index(body.len()));
        read_all(&body);
    }

    #[test]
    fn a_value_of_another_kind_anywhere(which: prop::sample::Index, at in 0_usize..60, graft in json()) {
        let corpus = corpus();
        let mut body: Value = serde_json::from_slice(&corpus[which.index(corpus.len())]).unwrap();
        replace(&mut body, &mut at.clone(), &graft);
        read_all(body.to_string().as_bytes());
    }

    #[test]
    fn any_json(json in json()) {
        read_all(json.to_string().as_bytes());
        let _ = templates::parse(&json);
    }

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        read_all(&bytes);
    }
}
