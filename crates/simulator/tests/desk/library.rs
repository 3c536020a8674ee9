//! Meta's library of templates, previews of authentication templates, and the same in many languages at once.

use crate::common::{Desk, values};
use serde_json::{Value, json};

#[tokio::test]
async fn the_library_is_searched_and_made_from() {
    let (desk, business) = Desk::with_business().await;
    let names = async |query: &str| -> Vec<String> {
        let found = desk.graph("GET", &format!("message_template_library?{query}"), None).await;
        assert_eq!(found.status, 200, "{}", found.body);
        found.body["data"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
    };
    assert!(names("limit=100").await.len() > 10);
    assert_eq!(names("search=deposit&limit=5").await, Vec::<String>::new(), "buttons are not searched");
    assert_eq!(names("topic=PAYMENTS&industry=FINANCIAL_SERVICES&search=balance").await, ["low_balance_warning_1"]);
    assert_eq!(names("name=delivery_update_1&language=de").await, ["delivery_update_1"]);
    assert_eq!(desk.graph("GET", "message_template_library?topic=GARDENING", None).await.code(), Some(100));
    let path = format!("{}/message_templates", desk.id.waba_id);
    let mut request = json!({
        "name": "my_delivery", "language": "en_US", "category": "UTILITY", "library_template_name": "delivery_update_1",
        "library_template_button_inputs":
            "[{\"type\":\"URL\",\"url\":{\"base_url\":\"https://www.example.com/{{1}}\",\"url_suffix_example\":\"https://www.example.com/a\"}}]",
    });
    let made = desk.graph("POST", &path, Some(&request)).await;
    assert_eq!((made.status, made.body["status"].as_str()), (200, Some("APPROVED")), "{}", made.body);
    let id = made.body["id"].as_str().unwrap();
    let read = desk.graph("GET", &format!("{id}?fields=library_template_name,status,components"), None).await.body;
    assert_eq!(read["library_template_name"], "delivery_update_1");
    assert_eq!(read["components"][1]["buttons"][0]["url"], "https://www.example.com/{{1}}");
    desk.turn(1).await;
    assert_eq!(values(&business.take(), "message_template_status_update")[0]["event"], "APPROVED");
    desk.customer(json!({ "phone": "+4915112345678", "name": "Ana" })).await;
    for (date, code) in [("tomorrow", Some(132_018)), ("1 December 2026", None)] {
        let text = |value: &str| json!({ "type": "text", "text": value });
        let sent = json!({ "type": "template", "template": { "name": "my_delivery", "language": { "code": "en_US" }, "components": [
            { "type": "body", "parameters": [text("Ana"), text("A-17"), text(date)] },
            { "type": "button", "sub_type": "url", "index": "0", "parameters": [text("a")] } ] } });
        assert_eq!(desk.send("+4915112345678", sent).await.code(), code, "{date}");
    }
    for (key, wrong) in [
        ("library_template_name", json!("no_such_1")),
        ("category", json!("MARKETING")),
        ("library_template_button_inputs", json!([])),
        ("library_template_button_inputs", json!([{ "type": "URL", "url": { "base_url": "ftp://x" } }])),
        ("language", json!("fr")),
    ] {
        let was = std::mem::replace(&mut request[key], wrong);
        request["name"] = json!("another");
        let refused = desk.graph("POST", &path, Some(&request)).await;
        assert_eq!(refused.code(), Some(100), "{key}: {}", refused.body);
        request[key] = was;
    }
    let code = json!({ "name": "my_code", "language": "de", "category": "AUTHENTICATION", "library_template_name": "verify_code_1",
        "library_template_button_inputs": [{ "type": "OTP", "otp_type": "COPY_CODE" }],
        "library_template_body_inputs": { "add_security_recommendation": true, "code_expiration_minutes": 5 } });
    let made = desk.graph("POST", &path, Some(&code)).await;
    assert_eq!(made.body["status"], "APPROVED", "{}", made.body);
}

#[tokio::test]
async fn previews_come_in_the_languages_asked_for() {
    let desk = Desk::open().await;
    let path = format!("{}/message_template_previews", desk.id.waba_id);
    let asked = "category=AUTHENTICATION&languages=en_US,es_ES&add_security_recommendation=true&code_expiration_minutes=10&button_types=OTP";
    let shown = desk.graph("GET", &format!("{path}?{asked}"), None).await.body;
    // Meta's own example: templates/authentication-templates/template-preview.
    let expected = json!({ "data": [
        { "body": "*{{1}}* is your verification code. For your security, do not share this code.",
          "buttons": [{ "autofill_text": "Autofill", "text": "Copy code" }], "footer": "This code expires in 10 minutes.", "language": "en_US" },
        { "body": "Tu código de verificación es *{{1}}*. Por tu seguridad, no lo compartas.",
          "buttons": [{ "autofill_text": "Autocompletar", "text": "Copiar código" }], "footer": "Este código caduca en 10 minutos.",
          "language": "es_ES" },
    ] });
    assert_eq!(shown, expected);
    let all = desk.graph("GET", &format!("{path}?category=AUTHENTICATION&button_types=OTP"), None).await.body;
    assert!(all["data"].as_array().unwrap().len() > 60);
    assert!(all["data"][0].get("footer").is_none());
    for wrong in [
        "category=UTILITY&button_types=OTP",
        "category=AUTHENTICATION",
        "category=AUTHENTICATION&button_types=OTP&languages=tlh",
        "category=AUTHENTICATION&button_types=OTP&code_expiration_minutes=91",
    ] {
        assert_eq!(desk.graph("GET", &format!("{path}?{wrong}"), None).await.code(), Some(100), "{wrong}");
    }
}

#[tokio::test]
async fn one_call_files_a_code_in_many_languages() {
    let desk = Desk::open().await;
    let path = format!("{}/upsert_message_templates", desk.id.waba_id);
    let body = |minutes: u32, languages: Value| {
        json!({ "name": "login_code", "languages": languages, "category": "AUTHENTICATION", "components": [
            { "type": "BODY", "add_security_recommendation": true }, { "type": "FOOTER", "code_expiration_minutes": minutes },
            { "type": "BUTTONS", "buttons": [{ "type": "OTP", "otp_type": "COPY_CODE" }] } ] })
    };
    let made = desk.graph("POST", &path, Some(&body(10, json!(["en_US", "de"])))).await;
    assert_eq!(made.body["data"].as_array().unwrap().len(), 2, "{}", made.body);
    let german = made.body["data"][1]["id"].as_str().unwrap();
    desk.review(german, json!({ "decision": "approve" })).await;
    let again = desk.graph("POST", &path, Some(&body(20, json!(["de", "fr"])))).await;
    assert_eq!(again.body["data"][0], json!({ "id": german, "status": "PENDING", "language": "de" }), "{}", again.body);
    assert!(desk.graph("GET", german, None).await.body.to_string().contains("20 Minuten"));
}
