//! What Graph says when it refuses: the envelope of Meta's error page (WA support/error-codes).

use serde_json::{Value, json};
use transom_meta::codes;

/// The short title Meta puts on the wire for a code.
pub(crate) fn title(code: u32) -> &'static str {
    codes::lookup(i64::from(code)).title
}

/// Whether Meta's table has this code.
pub(crate) fn is_known(code: u32) -> bool {
    // The row for unknown codes is the only one below zero.
    codes::lookup(i64::from(code)).code >= 0
}

fn http_status(code: u32) -> u16 {
    codes::lookup(i64::from(code)).http
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
    data: Option<Value>,
}

impl GraphError {
    /// A Cloud API error: `(#code) title` and details that say what to mend.
    pub(crate) fn new(code: u32, details: impl Into<String>) -> Self {
        Self {
            code,
            http: http_status(code),
            parameter: None,
            subcode: None,
            dress: Dress::CloudApi { details: details.into() },
            data: None,
        }
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

    /// The same under another HTTP status.
    pub(crate) fn with_http(mut self, http: u16) -> Self {
        self.http = http;
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
            data: None,
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
            data: None,
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
            data: None,
        }
    }

    /// The same with a subcode: on Messenger it says more than the code.
    pub(crate) fn with_subcode(mut self, subcode: u32) -> Self {
        self.subcode = Some(subcode);
        self
    }

    /// A template that cannot be stored: a subcode where Meta has one, and a text for the person who wrote it.
    pub(crate) fn template(code: u32, subcode: Option<u32>, title: &str, message: impl Into<String>) -> Self {
        let dress = Dress::Template { title: title.to_owned(), message: message.into() };
        Self { code, http: 400, parameter: None, subcode, dress, data: None }
    }

    /// The same refusal as template management words it: a parameter that is missing or wrong is plain Graph, code 100.
    pub(crate) fn of_management(self) -> Self {
        match self.dress {
            Dress::CloudApi { details } if matches!(self.code, 100 | 131_008) => {
                let parameter = self.parameter;
                Self { parameter, ..Self::graph(100, 400, details) }
            }
            dress => Self { dress, ..self },
        }
    }

    /// More for `error_data`, such as what is wrong with a form inside.
    pub(crate) fn with_data(mut self, data: Value) -> Self {
        self.data = Some(data);
        self
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
            if let Some(data) = &self.data {
                map.insert("error_data".into(), data.clone());
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
