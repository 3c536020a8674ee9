//! What Graph says when it refuses: the envelope of Meta's error page (WA support/error-codes).

use serde_json::{Value, json};

/// One code of Meta's with its short wire title and the HTTP status it comes with.
struct Known(u32, u16, &'static str);

/// Titles as they stand on the wire; statuses as Meta's page of December 2025 gave them.
const KNOWN: &[Known] = &[
    Known(0, 401, "AuthException"),
    Known(1, 400, "API Unknown"),
    Known(2, 503, "API Service"),
    Known(3, 500, "API Method"),
    Known(4, 400, "API Too Many Calls"),
    Known(10, 403, "Permission Denied"),
    Known(33, 400, "Parameter value is not valid"),
    Known(100, 400, "Invalid parameter"),
    Known(190, 401, "Access token has expired"),
    Known(200, 403, "API Permission"),
    Known(368, 403, "Temporarily blocked for policies violations"),
    Known(613, 400, "Calls to this api have exceeded the rate limit"),
    Known(2200, 400, "Callback verification failed"),
    Known(2500, 400, "Unknown path components"),
    Known(80_007, 400, "Rate limit issues"),
    Known(130_403, 400, "Business blocked the user"),
    Known(130_429, 400, "Rate limit hit"),
    Known(130_472, 400, "User's number is part of an experiment"),
    Known(130_497, 403, "Business account is restricted from messaging users in this country"),
    Known(131_000, 500, "Something went wrong"),
    Known(131_005, 403, "Access denied"),
    Known(131_008, 400, "Required parameter is missing"),
    Known(131_009, 400, "Parameter value is not valid"),
    Known(131_016, 500, "Service unavailable"),
    Known(131_021, 400, "Recipient cannot be sender"),
    Known(131_026, 400, "Message undeliverable"),
    Known(131_030, 400, "Recipient phone number not in allowed list"),
    Known(131_031, 403, "Account has been locked"),
    Known(131_037, 400, "Number needs display name approval"),
    Known(131_042, 400, "Business eligibility payment issue"),
    Known(131_045, 500, "Incorrect certificate"),
    Known(131_047, 400, "Re-engagement message"),
    Known(131_048, 400, "Spam rate limit hit"),
    Known(131_049, 400, "This message was not delivered to maintain healthy ecosystem engagement."),
    Known(
        131_050,
        400,
        "Unable to deliver the message. This recipient has chosen to stop receiving marketing messages on WhatsApp from your business",
    ),
    Known(131_051, 400, "Unsupported message type"),
    Known(131_052, 400, "Media download error"),
    Known(131_053, 400, "Media upload error"),
    Known(131_055, 400, "Method not allowed"),
    Known(131_056, 400, "(Business Account, Consumer Account) pair rate limit hit"),
    Known(131_057, 500, "Account in maintenance mode"),
    Known(131_062, 400, "Business-scoped user id recipients are not supported for this message"),
    Known(131_215, 400, "Group is not eligible"),
    Known(132_000, 400, "Number of parameters does not match the expected number of params"),
    Known(132_001, 404, "Template name does not exist in the translation"),
    Known(132_005, 400, "Template Hydrated Text Too Long"),
    Known(132_007, 400, "Template Format Character Policy Violated"),
    Known(132_012, 400, "Template Parameter Format Mismatch"),
    Known(132_015, 400, "Template is Paused"),
    Known(132_016, 400, "Template is Disabled"),
    Known(132_018, 400, "Template parameters are invalid"),
    Known(132_068, 400, "Flow is in blocked state"),
    Known(132_069, 400, "Flow is in throttled state"),
    Known(133_000, 500, "Incomplete Deregistration"),
    Known(133_004, 503, "Server Temporarily Unavailable"),
    Known(133_005, 400, "Two step verification PIN Mismatch"),
    Known(133_006, 400, "Phone number re-verification needed"),
    Known(133_008, 400, "Too Many two step verification PIN Guesses"),
    Known(133_009, 400, "Two step verification PIN Guessed Too Fast"),
    Known(133_010, 400, "Phone number Not Registered"),
    Known(133_015, 400, "Please wait a few minutes before attempting to register this phone number"),
    Known(133_016, 400, "Account register deregister rate limit exceeded"),
    Known(134_011, 400, "WhatsApp Payments terms of service has not been accepted"),
    Known(135_000, 400, "Generic user error"),
    Known(137_000, 400, "Recipient identity key hash mismatch"),
    Known(139_200, 400, "Direct Send is not available for this account"),
];

/// The short title Meta puts on the wire for a code.
pub(crate) fn title(code: u32) -> &'static str {
    KNOWN.iter().find(|known| known.0 == code).map_or("API Unknown", |known| known.2)
}

/// Whether Meta's table has this code.
pub(crate) fn is_known(code: u32) -> bool {
    KNOWN.iter().any(|known| known.0 == code)
}

fn http_status(code: u32) -> u16 {
    KNOWN.iter().find(|known| known.0 == code).map_or(400, |known| known.1)
}

/// How the envelope is dressed: the Cloud API's form has `error_data` and the `(#code)` prefix, plain Graph has neither.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Dress {
    CloudApi { details: String },
    Graph { kind: &'static str, message: String },
    Template { title: String, message: String },
}

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GraphError {
    pub(crate) code: u32,
    pub(crate) http: u16,
    /// The parameter it is about, where it is about one.
    pub(crate) parameter: Option<String>,
    subcode: Option<u32>,
    dress: Dress,
}

impl GraphError {
    /// A Cloud API error: `(#code) title` and details that say what to mend.
    pub(crate) fn new(code: u32, details: impl Into<String>) -> Self {
        Self { code, http: http_status(code), parameter: None, subcode: None, dress: Dress::CloudApi { details: details.into() } }
    }

    /// Code 100, naming the parameter.
    pub(crate) fn invalid(details: impl Into<String>) -> Self {
        Self::new(100, details)
    }

    /// The same, and which parameter it is about.
    pub(crate) fn about(mut self, parameter: &str) -> Self {
        self.parameter = Some(parameter.to_owned());
        self
    }

    /// Code 131008.
    pub(crate) fn missing(parameter: &str) -> Self {
        Self::new(131_008, format!("The parameter {parameter} is required.")).about(parameter)
    }

    /// The token is not one of ours: plain Graph, 190, HTTP 401.
    pub(crate) fn bad_token(message: &str) -> Self {
        Self {
            code: 190,
            http: 401,
            parameter: None,
            subcode: Some(463),
            dress: Dress::Graph { kind: "OAuthException", message: message.to_owned() },
        }
    }

    /// Nothing has this id, or it does not do that: plain Graph, 100 with subcode 33.
    pub(crate) fn no_such_object(method: &str, id: &str) -> Self {
        Self {
            code: 100,
            http: 400,
            parameter: None,
            subcode: Some(33),
            dress: Dress::Graph {
                kind: "GraphMethodException",
                message: format!(
                    "Unsupported {} request. Object with ID '{id}' does not exist, cannot be loaded due to missing permissions, \
                     or does not support this operation. Please read the Graph API documentation at \
                     https://developers.facebook.com/docs/graph-api",
                    method.to_ascii_lowercase()
                ),
            },
        }
    }

    /// A plain Graph error with a code of its own.
    pub(crate) fn graph(code: u32, http: u16, message: impl Into<String>) -> Self {
        Self {
            code,
            http,
            parameter: None,
            subcode: None,
            dress: Dress::Graph { kind: "OAuthException", message: format!("(#{code}) {}", message.into()) },
        }
    }

    /// A template that cannot be stored: 100 with a subcode and a text for the person who wrote it.
    pub(crate) fn template(subcode: u32, title: &str, message: impl Into<String>) -> Self {
        Self {
            code: 100,
            http: 400,
            parameter: None,
            subcode: Some(subcode),
            dress: Dress::Template { title: title.to_owned(), message: message.into() },
        }
    }

    /// The text that says what is wrong, for tests and for the details of a status.
    pub(crate) fn details(&self) -> &str {
        match &self.dress {
            Dress::CloudApi { details } => details,
            Dress::Graph { message, .. } | Dress::Template { message, .. } => message,
        }
    }

    /// The body of the answer.
    pub(crate) fn body(&self, trace: &str) -> Value {
        let mut error = match &self.dress {
            Dress::CloudApi { details } => json!({
                "message": format!("(#{}) {}", self.code, title(self.code)),
                "type": "OAuthException",
                "code": self.code,
                "error_data": { "messaging_product": "whatsapp", "details": details },
            }),
            Dress::Graph { kind, message } => json!({ "message": message, "type": kind, "code": self.code }),
            Dress::Template { title, message } => json!({
                "message": "Invalid parameter",
                "type": "OAuthException",
                "code": self.code,
                "is_transient": false,
                "error_user_title": title,
                "error_user_msg": message,
            }),
        };
        if let Some(map) = error.as_object_mut() {
            if let Some(subcode) = self.subcode {
                map.insert("error_subcode".into(), json!(subcode));
            }
            map.insert("fbtrace_id".into(), json!(trace));
        }
        json!({ "error": error })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cloud_api_form_has_prefix_and_details() {
        let body = GraphError::new(131_030, "not on the list").body("Atrace");
        assert_eq!(body["error"]["message"], "(#131030) Recipient phone number not in allowed list");
        assert_eq!(body["error"]["error_data"]["details"], "not on the list");
        assert_eq!(body["error"]["fbtrace_id"], "Atrace");
        assert!(body["error"].get("error_subcode").is_none());
    }

    #[test]
    fn plain_graph_errors_have_neither() {
        let body = GraphError::no_such_object("GET", "17").body("Atrace");
        assert_eq!(body["error"]["type"], "GraphMethodException");
        assert_eq!(body["error"]["error_subcode"], 33);
        assert!(body["error"].get("error_data").is_none());
    }

    #[test]
    fn statuses_are_those_of_the_page() {
        for (code, http) in [(132_001, 404), (130_429, 400), (131_056, 400), (80_007, 400), (131_000, 500), (368, 403)] {
            assert_eq!(GraphError::new(code, "").http, http, "{code}");
        }
    }
}
