//! Pages: what Graph tells of one, and how an app hears of it (Meta: messenger-platform/webhooks, graph-api/reference/page).

use serde_json::{Value, json};

use crate::graph::BadAnswer;
use crate::read::{member, object};

/// The webhook fields a Page is subscribed to: all that this gateway reads.
pub const WEBHOOK_FIELDS: [&str; 9] = [
    "messages",
    "messaging_postbacks",
    "message_deliveries",
    "message_reads",
    "message_echoes",
    "messaging_referrals",
    "message_reactions",
    "message_edits",
    "messaging_optins",
];

/// A Page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Its id.
    pub id: String,
    /// The name that customers see.
    pub name: Option<String>,
}

/// `GET`: one Page.
#[must_use]
pub fn page_path(page: &str) -> String {
    crate::graph::node_path(page, &[("fields", "id,name")])
}

/// `POST`: subscribes the token's app to a Page, for [`WEBHOOK_FIELDS`].
#[must_use]
pub fn subscribe_path(page: &str) -> String {
    format!("{}?subscribed_fields={}", crate::graph::subscribed_apps_path(page), WEBHOOK_FIELDS.join(","))
}

/// Sets the app's own callback for Pages: unlike an account of WhatsApp, a Page has none of its own.
#[must_use]
pub fn app_subscription_body(callback_url: &str, verify_token: &str) -> Value {
    Value::Object(object([
        ("object", json!("page")),
        ("callback_url", json!(callback_url)),
        ("verify_token", json!(verify_token)),
        ("fields", json!(WEBHOOK_FIELDS.join(","))),
        ("include_values", json!(true)),
    ]))
}

/// Reads a Page.
///
/// # Errors
/// When the answer is none.
pub fn parse_page(json: &Value) -> Result<Page, BadAnswer> {
    let what = "the Page";
    let page = json.as_object().ok_or(BadAnswer::Garbled { what })?;
    let id = member(page, "id").ok_or(BadAnswer::Missing { what, field: "id" })?;
    Ok(Page { id, name: member(page, "name") })
}

/// Longest name that is kept; those that people have are far shorter.
const NAME_MAX: usize = 200;

/// `GET`: what a person is called, under the Page's token (Meta: messenger-platform/identity/user-profile). The picture is not asked
/// for: nothing here shows it.
#[must_use]
pub fn profile_path(psid: &str) -> String {
    crate::graph::node_path(psid, &[("fields", "first_name,last_name")])
}

/// Reads what a person is called; none where the person is not called anything, or keeps it back.
///
/// # Errors
/// When the answer is none.
pub fn parse_profile(body: &[u8]) -> Result<Option<String>, BadAnswer> {
    let what = "the profile";
    let json: Value = serde_json::from_slice(body).map_err(|_| BadAnswer::Garbled { what })?;
    let profile = json.as_object().ok_or(BadAnswer::Garbled { what })?;
    let parts: Vec<String> = ["first_name", "last_name"].into_iter().filter_map(|key| member(profile, key)).collect();
    let name = parts.iter().map(|part| part.trim()).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    Ok(Some(name.chars().take(NAME_MAX).collect()).filter(|name: &String| !name.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_asked_for_and_subscribed_as_the_pages_say() {
        assert_eq!(page_path("70"), "70?fields=id,name");
        assert!(subscribe_path("70").starts_with("70/subscribed_apps?subscribed_fields=messages,messaging_postbacks,"));
        assert_eq!(parse_page(&json!({"id": "70", "name": "Shop"})), Ok(Page { id: "70".into(), name: Some("Shop".into()) }));
        assert!(parse_page(&json!({"name": "Shop"})).is_err());
    }
}
