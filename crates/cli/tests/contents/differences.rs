//! `docs/twilio-differences.md`, row by row over HTTP: what the page says is answered is what is answered, by default and where refusals
//! come at once.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use reqwest::Method;
use serde_json::{Value, json};

use crate::cases::{Stock, cases};
use crate::common::{at, run, until_seen};
use crate::payloads::stock;
use crate::shop::{Answer, Shop};

const PAGE: &str = include_str!("../../../../docs/twilio-differences.md");

/// One row of the page.
struct Row {
    kind: &'static str,
    buttons: &'static str,
    open: bool,
    /// What is answered by default, and where refusals come at once.
    here: [&'static str; 2],
}

fn rows() -> Vec<Row> {
    let row = |line: &'static str| {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [kind, buttons, session, _, later, at_once] = cells[..] else { panic!("a row of another form: {line}") };
        let open = match session {
            "open" => true,
            "none" => false,
            other => panic!("no session is {other}"),
        };
        Row { kind: kind.trim_matches('`'), buttons, open, here: [later, at_once] }
    };
    PAGE.lines().filter(|line| line.starts_with("| `")).map(row).collect()
}

/// The case that stands for a row's type and buttons.
fn case_of(row: &Row) -> &'static str {
    match (row.kind, row.buttons) {
        ("twilio/text", "none") => "text",
        ("twilio/media", "none") => "media_image",
        ("twilio/location", "none") => "location",
        ("twilio/quick-reply", "few quick replies") => "quick_reply",
        ("twilio/call-to-action", "one url") => "call_to_action_url",
        ("twilio/call-to-action", "phone number") => "call_to_action_phone",
        ("twilio/list-picker", "none") => "list_picker",
        ("twilio/card", "few quick replies") => "card_replies",
        ("twilio/card", "copy code") => "card_copy_code",
        ("twilio/carousel", "few quick replies") => "carousel_reply",
        ("twilio/catalog", "none") => "catalog_one",
        ("twilio/flows", "none") => "flows",
        ("whatsapp/card", "one url") => "wa_card_url",
        ("whatsapp/card", "mixed") => "wa_card_mixed",
        ("whatsapp/authentication", "copy code") => "authentication",
        ("whatsapp/flows", "none") => "form_at_screen",
        ("twilio/pay", "none") => "pay",
        ("twilio/schedule", "none") => "schedule",
        other => panic!("a row without a case: {other:?}"),
    }
}

/// Type, body, samples and values of a case; of those that are never sent from here too.
fn content_of(name: &str, stock: &Stock) -> (&'static str, Value, Value, Value) {
    match name {
        "pay" => {
            let body = json!({ "body": "Pay for your tea", "payment_id": "p-1", "merchant_name": "Desk shop", "country_code": "BR",
                "currency_code": "BRL", "items": "[]", "order_expiration": 1_900_000_000, "order_expiration_description": "Soon",
                "subtotal_amount": "10.00", "total_amount": "10.00",
                "pix": { "type": "ORDER_DETAILS", "code": "c-1", "key_type": "EMAIL" } });
            ("twilio/pay", body, json!({}), json!({}))
        }
        "schedule" => ("twilio/schedule", json!({ "id": "t", "title": "When?", "timeSlots": "9,10" }), json!({}), json!({})),
        name => {
            let case = cases(stock).into_iter().find(|case| case.name == name).unwrap();
            (case.kind, case.body, case.samples, case.values)
        }
    }
}

impl Shop {
    async fn twilio(&self, method: Method, path: &str, kind: &str, body: String) -> Answer {
        let (account, token) = (&self.env["TWILIO_ACCOUNT_SID"], &self.env["TWILIO_AUTH_TOKEN"]);
        let basic = format!("Basic {}", BASE64.encode(format!("{account}:{token}")));
        let url = format!("{}{}", self.env["TRANSOM_URL"], path.replace("{a}", account));
        self.raw(method, &url, &[("authorization", &basic), ("content-type", kind)], body.into_bytes()).await
    }

    /// What a send comes to, in the page's words.
    async fn comes_to(&self, content: &str, values: &Value, to: &str) -> String {
        let (from, to) = (format!("whatsapp:{}", self.env["TRANSOM_SENDER"]), format!("whatsapp:{to}"));
        let values = values.to_string();
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.extend_pairs([("To", &to), ("From", &from)]).append_pair("ContentSid", content);
        if values != "{}" {
            form.append_pair("ContentVariables", &values);
        }
        let form_type = "application/x-www-form-urlencoded";
        let made = self.twilio(Method::POST, "/2010-04-01/Accounts/{a}/Messages.json", form_type, form.finish()).await;
        if made.status != 201 {
            return format!("{}, {}", made.status, made.json["code"]);
        }
        let path = format!("/2010-04-01/Accounts/{{a}}/Messages/{}.json", made.json["sid"].as_str().unwrap());
        until_seen("the end of a message", || async {
            let message = self.twilio(Method::GET, &path, form_type, String::new()).await.json;
            match message["status"].as_str() {
                Some("delivered" | "read") => Ok("201, goes".to_owned()),
                Some(word @ ("undelivered" | "failed")) => Ok(format!("201, then `{word}` with {}", message["error_code"])),
                _ => Err(message),
            }
        })
        .await
    }
}

#[tokio::test]
async fn every_row_of_the_page_of_differences_is_what_is_answered() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::open(dir.path());
    let stock = stock(&shop).await;
    let rows = rows();
    assert_eq!(rows.len(), 36);
    let mut wrong = Vec::new();
    for (column, setting) in ["by-status", "at-once"].into_iter().enumerate() {
        assert!(run(&mut at(dir.path(), &["twilio", "refusals", setting])).status.success());
        let (stranger, writer) = (format!("+491706200000{column}"), format!("+491706300000{column}"));
        shop.customer(&stranger, json!({})).await;
        shop.writer(&writer).await;
        for row in &rows {
            let (kind, body, samples, values) = content_of(case_of(row), &stock);
            assert_eq!(kind, row.kind);
            let content =
                json!({ "friendly_name": case_of(row), "language": "en", "types": { kind: body }, "variables": samples });
            let kept = shop.twilio(Method::POST, "/v1/Content", "application/json", content.to_string()).await;
            assert_eq!(kept.status, 201, "{kind}: {}", kept.json);
            let to = if row.open { &writer } else { &stranger };
            let seen = shop.comes_to(kept.json["sid"].as_str().unwrap(), &values, to).await;
            if seen != row.here[column] {
                wrong.push(format!(
                    "{kind}, {}, open {}, {setting}: {seen} instead of {}",
                    row.buttons, row.open, row.here[column]
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
