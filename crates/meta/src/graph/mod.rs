//! The rest of Graph that a gateway needs: where things are, what is sent there, what comes back. No HTTP; the gateway's client
//! does that (Meta: business-phone-numbers, webhooks/override, graph-api/reference).

mod account;
mod history;
mod media;
mod number;
mod path;

use serde_json::{Map, Value};

pub use account::{
    AppSubscription, Catalog, Created, DebugToken, SCOPES, SubscribedApp, WEBHOOK_FIELDS, Waba, app_subscription_body,
    number_callback_body, parse_app_subscriptions, parse_catalogs, parse_created, parse_debug_token, parse_id,
    parse_subscribed_apps, parse_success, parse_waba, subscribe_body,
};
pub use history::{MessageHistory, NoAnswer, Occurrence, parse_message_events, parse_message_history, refused_history};
pub use media::{Media, parse_handle, parse_media};
pub use number::{
    BadPin, NumberStatus, PhoneNumber, Pin, Quality, Throughput, parse_phone_number, parse_phone_numbers, register_body,
};
pub use path::{
    DEFAULT_VERSION, GRAPH_URL, VERSIONS, app_subscriptions_path, create_template_path, debug_token_path, delete_template_path,
    edit_template_path, media_item_path, media_path, message_events_path, message_history_path, messages_path, phone_number_path,
    phone_number_settings_path, phone_numbers_path, product_catalogs_path, register_path, start_upload_path,
    subscribed_apps_path, template_path, templates_named_path, templates_path, waba_path,
};

pub(crate) use path::node_path;

use crate::read::member;

/// Why an answer could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadAnswer {
    /// Not JSON of that shape.
    #[error("the answer to {what} is not what Graph gives; check the Graph address and any proxy in between")]
    Garbled {
        /// What was asked for.
        what: &'static str,
    },
    /// A field is missing.
    #[error("the answer to {what} has no {field}; check that the id is of the right kind and that the token may read it")]
    Missing {
        /// What was asked for.
        what: &'static str,
        /// The field.
        field: &'static str,
    },
}

/// One page of a list, and what to pass as `after` for the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<T> {
    /// The entries.
    pub data: Vec<T>,
    /// None on the last page.
    pub after: Option<String>,
}

/// Reads a list; an entry that `one` cannot read fails it, since a list that lacks one would be believed.
fn list<T>(what: &'static str, json: &Value, one: impl Fn(&Value) -> Result<T, BadAnswer>) -> Result<Listed<T>, BadAnswer> {
    let data = json.get("data").and_then(Value::as_array).ok_or(BadAnswer::Missing { what, field: "data" })?;
    let after = json.get("paging").and_then(crate::templates::next_cursor);
    Ok(Listed { data: data.iter().map(one).collect::<Result<_, _>>()?, after })
}

fn entry<'a>(what: &'static str, json: &'a Value) -> Result<&'a Map<String, Value>, BadAnswer> {
    json.as_object().ok_or(BadAnswer::Garbled { what })
}

fn required(what: &'static str, object: &Map<String, Value>, field: &'static str) -> Result<String, BadAnswer> {
    member(object, field).ok_or(BadAnswer::Missing { what, field })
}
