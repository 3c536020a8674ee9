//! The envelope as it stands on the wire (Meta: webhooks/reference/messages and the pages of the other fields).
//!
//! What is borrowed is not copied: most of the traffic is statuses, three for each message sent.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use transom_domain::time::Timestamp;

use crate::read::{moment, text};
use crate::wire_error::WireError;

pub(super) type Text<'a> = Option<Cow<'a, str>>;

#[derive(Deserialize)]
pub(super) struct Root<'a> {
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) object: Text<'a>,
    #[serde(borrow, default)]
    pub(super) entry: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize, Default)]
pub(super) struct Entry<'a> {
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) id: Text<'a>,
    #[serde(default, deserialize_with = "moment")]
    pub(super) time: Option<Timestamp>,
    #[serde(borrow, default)]
    pub(super) changes: Option<Vec<&'a RawValue>>,
    #[serde(borrow, default)]
    pub(super) messaging: Option<Vec<&'a RawValue>>,
    #[serde(borrow, default)]
    pub(super) standby: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize, Default)]
pub(super) struct Change<'a> {
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) field: Text<'a>,
    #[serde(borrow, default)]
    pub(super) value: Option<&'a RawValue>,
    /// One page shows it beside `value`, its example inside.
    #[serde(borrow, default)]
    pub(super) rejection_info: Option<&'a RawValue>,
}

/// The value of every field that is about customers. `S` is a status, read at once; or its raw text, when one of the
/// statuses is not what it should be and the others are to be saved.
#[derive(Deserialize)]
pub(super) struct MessagesValue<'a, S> {
    #[serde(borrow, default)]
    pub(super) metadata: Option<Metadata<'a>>,
    #[serde(borrow, default)]
    pub(super) contacts: Option<Vec<Contact<'a>>>,
    #[serde(borrow, default)]
    pub(super) messages: Option<Vec<&'a RawValue>>,
    #[serde(default = "none")]
    pub(super) statuses: Option<Vec<S>>,
    #[serde(borrow, default)]
    pub(super) message_echoes: Option<Vec<&'a RawValue>>,
    #[serde(borrow, default)]
    pub(super) errors: Option<Vec<&'a RawValue>>,
    #[serde(borrow, default)]
    pub(super) user_preferences: Option<Vec<Preference<'a>>>,
    #[serde(borrow, default)]
    pub(super) user_id_update: Option<Vec<UserIdUpdate<'a>>>,
    #[serde(borrow, default)]
    pub(super) calls: Option<Vec<&'a RawValue>>,
}

fn none<T>() -> Option<T> {
    None
}

#[derive(Deserialize)]
pub(super) struct Metadata<'a> {
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) phone_number_id: Text<'a>,
}

#[derive(Deserialize)]
pub(super) struct Contact<'a> {
    #[serde(borrow, default)]
    pub(super) profile: Option<Profile<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) wa_id: Text<'a>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) user_id: Text<'a>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) parent_user_id: Text<'a>,
}

#[derive(Deserialize)]
pub(super) struct Profile<'a> {
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) name: Text<'a>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) username: Text<'a>,
}

#[derive(Deserialize)]
pub(super) struct Status<'a> {
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) id: Text<'a>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) status: Text<'a>,
    /// `message` where given; statuses of calls share the form.
    #[serde(borrow, default, rename = "type", deserialize_with = "text")]
    pub(super) kind: Text<'a>,
    #[serde(default, deserialize_with = "moment")]
    pub(super) timestamp: Option<Timestamp>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) recipient_type: Text<'a>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) recipient_id: Text<'a>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) recipient_user_id: Text<'a>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) recipient_parent_user_id: Text<'a>,
    /// The name of the field above before May 2026.
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) parent_recipient_user_id: Text<'a>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) recipient_participant_id: Text<'a>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) recipient_participant_user_id: Text<'a>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) recipient_participant_parent_user_id: Text<'a>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) biz_opaque_callback_data: Text<'a>,
    #[serde(borrow, default)]
    pub(super) errors: Option<Vec<WireError<'a>>>,
    #[serde(default)]
    pub(super) pricing: Option<Value>,
    #[serde(default)]
    pub(super) conversation: Option<Value>,
}

#[derive(Deserialize)]
pub(super) struct Preference<'a> {
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) wa_id: Text<'a>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) user_id: Text<'a>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) parent_user_id: Text<'a>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) category: Text<'a>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) value: Text<'a>,
    #[serde(default, deserialize_with = "moment")]
    pub(super) timestamp: Option<Timestamp>,
}

#[derive(Deserialize)]
pub(super) struct UserIdUpdate<'a> {
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) wa_id: Text<'a>,
    #[serde(borrow, default)]
    pub(super) user_id: Option<Replaced<'a>>,
    #[serde(borrow, default)]
    pub(super) parent_user_id: Option<Replaced<'a>>,
    #[serde(default, deserialize_with = "moment")]
    pub(super) timestamp: Option<Timestamp>,
}

#[derive(Deserialize, Default)]
pub(super) struct Replaced<'a> {
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) previous: Text<'a>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) current: Text<'a>,
}

#[derive(Deserialize)]
pub(super) struct NumberQuality<'a> {
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) display_phone_number: Text<'a>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) event: Text<'a>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) current_limit: Text<'a>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) max_daily_conversations_per_business: Text<'a>,
}

#[derive(Deserialize)]
pub(super) struct Capability<'a> {
    /// A word in Meta's text, a number in its example.
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) max_daily_conversations_per_business: Text<'a>,
}
