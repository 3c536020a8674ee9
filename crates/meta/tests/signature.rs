//! One signed webhook and one handshake, whole and fixed (`fixtures/signature.json`): bytes, header and answer were worked out apart from
//! this code, so that a mistake in it cannot agree with itself.

#![expect(clippy::unwrap_used, reason = "what fails here is a failed test")]

use serde_json::Value;
use transom_domain::fact::{Fact, InboundBody};
use transom_meta::signature::{HEADER, escape_non_ascii, sign, verify};
use transom_meta::webhook::{handshake, parse};

fn vector() -> Value {
    let path = format!("{}/tests/fixtures/signature.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn the_kept_webhook_has_the_kept_signature() {
    let vector = vector();
    let of = |name: &str| vector[name].as_str().unwrap().to_owned();
    let (secret, body, header) = (of("app_secret"), of("raw_body"), of("header_value"));
    assert_eq!(of("header"), HEADER);
    assert_eq!(sign(secret.as_bytes(), body.as_bytes()), header);
    assert!(verify(secret.as_bytes(), body.as_bytes(), &header));
    // What is signed is the text with its escapes: written out, it is another text.
    let written_out = serde_json::from_str::<Value>(&body).unwrap().to_string();
    assert!(written_out.contains("Grüße 👍") && !verify(secret.as_bytes(), written_out.as_bytes(), &header));
    assert_eq!(escape_non_ascii("Grüße 👍"), r"Gr\u00fc\u00dfe \ud83d\udc4d");
    assert!(body.contains(r"Gr\u00fc\u00dfe \ud83d\udc4d"));
    let heard = parse(body.as_bytes()).unwrap().remove(0).heard.remove(0);
    assert!(matches!(heard.fact, Fact::Inbound(inbound) if inbound.body == InboundBody::Text { body: "Grüße 👍".into() }));
}

#[test]
fn the_kept_handshake_has_the_kept_answer() {
    let vector = vector();
    let of = |name: &str| vector[name].as_str().unwrap().to_owned();
    let asked = of("verify_get");
    let (_, query) = asked.split_once('?').unwrap();
    assert_eq!(handshake(query, &of("verify_token")), Some(of("verify_response_body")));
    assert_eq!(vector["verify_response_status"], 200);
    assert_eq!(handshake(query, "another"), None);
}
