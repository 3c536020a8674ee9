//! What really happened, as the simulator's request log and the customers' phones show it, and whether the seed agrees.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::Value;

use super::plan::{Expected, Row};

/// Meta's code for a message outside the window.
const NO_SESSION: i64 = 131_047;

/// How a message left the house, as the log shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SentAs {
    /// Free-form.
    Session,
    /// As a template.
    Template,
}

/// What our API said of a row.
#[derive(Debug, Clone, Default)]
pub(crate) struct Told {
    pub(crate) message_id: Option<String>,
    pub(crate) error: Option<String>,
    pub(crate) final_status: Option<String>,
}

/// What became of a message posted straight to Graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Posted {
    /// HTTP status of the answer.
    pub(crate) answer: u16,
    /// Final status of the message.
    pub(crate) status: String,
    /// Meta's code.
    pub(crate) code: Option<i64>,
}

/// One row of the result.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Outcome {
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) session: &'static str,
    pub(crate) case: Option<&'static str>,
    pub(crate) approved: bool,
    pub(crate) seed: &'static str,
    pub(crate) sent_as: Option<SentAs>,
    pub(crate) error: Option<String>,
    pub(crate) message_id: Option<String>,
    pub(crate) final_status: Option<String>,
    pub(crate) agrees: bool,
    /// Only for the two types that were also posted straight to Graph.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) posted_to_graph: Option<Posted>,
    /// Why it does not agree, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) why: Option<String>,
}

/// The sends that the log shows, by the digits they went to; without those the tour posted itself.
pub(crate) fn sends(log: &[Value], mark: &str) -> HashMap<String, Vec<SentAs>> {
    let mut found: HashMap<String, Vec<SentAs>> = HashMap::new();
    for call in log {
        let is_send = call["method"] == "POST"
            && call["path"].as_str().is_some_and(|p| p.split('?').next().is_some_and(|p| p.ends_with("/messages")));
        let body = &call["body"];
        let own = body["biz_opaque_callback_data"].as_str().is_some_and(|tag| tag.starts_with(mark));
        if !is_send || own || body["status"] == "read" {
            continue;
        }
        let digits: String = body["to"].as_str().unwrap_or_default().chars().filter(char::is_ascii_digit).collect();
        let sent_as = if body["type"] == "template" { SentAs::Template } else { SentAs::Session };
        found.entry(digits).or_default().push(sent_as);
    }
    found
}

/// What the phone shows of the business: how each message arrived.
pub(crate) fn on_the_phone(inbox: &Value, business_digits: &str) -> Vec<(SentAs, String)> {
    let messages = inbox["data"].as_array().map_or(&[][..], Vec::as_slice);
    messages
        .iter()
        .filter(|m| m["from"].as_str().is_some_and(|from| from.trim_start_matches('+') == business_digits))
        .map(|m| {
            let sent_as = if m["type"] == "template" { SentAs::Template } else { SentAs::Session };
            (sent_as, m["status"].as_str().unwrap_or_default().to_owned())
        })
        .collect()
}

/// Compares a row with what happened.
pub(crate) fn judge(row: &Row, told: Told, sent: &[SentAs], phone: &[(SentAs, String)], posted: Option<Posted>) -> Outcome {
    let why = disagreement(row, &told, sent, phone, posted.as_ref());
    Outcome {
        kind: row.kind,
        session: row.session.word(),
        case: row.case,
        approved: row.approved,
        seed: row.seed.word(),
        sent_as: sent.first().copied(),
        error: told.error,
        message_id: told.message_id,
        final_status: told.final_status,
        agrees: why.is_none(),
        posted_to_graph: posted,
        why,
    }
}

fn disagreement(row: &Row, told: &Told, sent: &[SentAs], phone: &[(SentAs, String)], posted: Option<&Posted>) -> Option<String> {
    if row.posted_to_graph() {
        match posted {
            Some(Posted { answer: 200, status, code: Some(NO_SESSION) }) if status == "failed" => {}
            other => {
                return Some(format!(
                    "posted straight to Graph it should be taken and then fail with {NO_SESSION}, and was: {other:?}"
                ));
            }
        }
    }
    let wanted = match row.expected {
        Expected::Refused => {
            return match (sent, phone, &told.error, &told.message_id) {
                ([], [], Some(_), None) => None,
                ([], [], None, _) => Some("it should be refused, and our API took it".to_owned()),
                _ => Some("it should be refused, and it left the house".to_owned()),
            };
        }
        Expected::Session => SentAs::Session,
        Expected::Template => SentAs::Template,
    };
    if let Some(error) = &told.error {
        return Some(format!("it should go, and was refused: {error}"));
    }
    if sent != [wanted] {
        return Some(format!("the log should show one send as {wanted:?}, and shows {sent:?}"));
    }
    match phone {
        [(arrived, status)] if *arrived == wanted && matches!(status.as_str(), "delivered" | "read") => {}
        other => return Some(format!("the phone should show it once, and shows {other:?}")),
    }
    match told.final_status.as_deref() {
        Some("delivered" | "read") => None,
        other => Some(format!("our API should show it delivered, and shows {other:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::plan::rows;
    use super::*;
    use serde_json::json;

    fn arrived(sent_as: SentAs) -> (Told, Vec<SentAs>, Vec<(SentAs, String)>) {
        let told = Told { message_id: Some("id".into()), error: None, final_status: Some("delivered".into()) };
        (told, vec![sent_as], vec![(sent_as, "delivered".into())])
    }

    fn refused() -> Told {
        Told { error: Some("ERROR_CODE_X".into()), ..Told::default() }
    }

    #[test]
    fn each_row_agrees_with_what_should_happen_and_with_nothing_else() {
        for row in rows() {
            let graph = row.posted_to_graph().then(|| Posted { answer: 200, status: "failed".into(), code: Some(NO_SESSION) });
            for way in [None, Some(SentAs::Session), Some(SentAs::Template)] {
                let (told, sent, phone) = way.map_or_else(|| (refused(), vec![], vec![]), arrived);
                let right = match row.expected {
                    Expected::Session => way == Some(SentAs::Session),
                    Expected::Template => way == Some(SentAs::Template),
                    Expected::Refused => way.is_none(),
                };
                assert_eq!(judge(&row, told, &sent, &phone, graph.clone()).agrees, right, "{row:?} {way:?}");
            }
            // Refused in words, but sent all the same; said to be delivered, but not on the phone.
            assert!(!judge(&row, refused(), &[SentAs::Session], &[], graph.clone()).agrees);
            let (told, sent, _) = arrived(SentAs::Session);
            assert!(!judge(&row, told, &sent, &[], graph.clone()).agrees);
            if row.posted_to_graph() {
                assert!(!judge(&row, refused(), &[], &[], None).agrees);
            }
        }
    }

    #[test]
    fn the_log_is_read_by_recipient_and_without_our_own_posts() {
        let call = |to: &str, kind: &str, tag: &str| {
            json!({ "method": "POST", "path": "/v25.0/1/messages",
                    "body": { "to": to, "type": kind, "biz_opaque_callback_data": tag } })
        };
        let log = [
            call("+4915", "text", "01.1"),
            call("+4916", "template", "02.1"),
            call("+4917", "interactive", "tour-1"),
            json!({ "method": "POST", "path": "/v25.0/1/messages", "body": { "status": "read", "message_id": "x" } }),
            json!({ "method": "GET", "path": "/v25.0/1", "body": null }),
        ];
        let found = sends(&log, "tour-");
        assert_eq!(found.get("4915"), Some(&vec![SentAs::Session]));
        assert_eq!(found.get("4916"), Some(&vec![SentAs::Template]));
        assert_eq!(found.len(), 2);
    }
}
