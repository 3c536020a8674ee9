//! Where things are: `{graph}/{version}/{node}/{edge}` (Meta: graph-api/changelog/versions). The paths here begin behind the
//! version and have no leading slash; the client puts address and version in front.

/// Meta's own address. No trailing slash; a simulator's or a proxy's may stand in its place.
pub const GRAPH_URL: &str = "https://graph.facebook.com";

/// The version used unless configured. Without one Meta takes the oldest that the app may use, so one is always sent.
pub const DEFAULT_VERSION: &str = "v25.0";

/// The versions that are served, oldest first; v21.0 goes on 21 January 2027.
pub const VERSIONS: [&str; 6] = ["v21.0", "v22.0", "v23.0", "v24.0", "v25.0", "v26.0"];

/// Most entries asked for at once where a list is short anyway.
const LIMIT: usize = 100;

/// `POST`: sends and read marks.
#[must_use]
pub fn messages_path(phone_number_id: &str) -> String {
    at(phone_number_id, "messages", &[])
}

/// `GET`: what became of one message, for [`super::parse_message_history`].
#[must_use]
pub fn message_history_path(phone_number_id: &str, message: &str) -> String {
    let fields = "id,message_id,events{delivery_status,timestamp,error_description}";
    at(phone_number_id, "message_history", &[("message_id", message), ("fields", fields)])
}

/// `GET`: more of it, where one page was not enough, for [`super::parse_message_events`].
#[must_use]
pub fn message_events_path(history_id: &str, after: &str) -> String {
    let fields = "cursor,node{delivery_status,occurrence_timestamp,error_description}";
    list(history_id, "events", fields, LIMIT, Some(after))
}

/// `POST`, multipart: uploads a file.
#[must_use]
pub fn media_path(phone_number_id: &str) -> String {
    at(phone_number_id, "media", &[])
}

/// `GET` looks a file up, `DELETE` removes it.
#[must_use]
pub fn media_item_path(media_id: &str, phone_number_id: &str) -> String {
    at(media_id, "", &[("phone_number_id", phone_number_id)])
}

/// `GET`: one phone number, with the fields that [`super::parse_phone_number`] reads.
#[must_use]
pub fn phone_number_path(version: &str, phone_number_id: &str) -> String {
    at(phone_number_id, "", &[("fields", &number_fields(version))])
}

/// `POST`: settings of one phone number, such as its callback.
#[must_use]
pub fn phone_number_settings_path(phone_number_id: &str) -> String {
    at(phone_number_id, "", &[])
}

/// `GET`: the phone numbers of an account.
#[must_use]
pub fn phone_numbers_path(version: &str, waba_id: &str, after: Option<&str>) -> String {
    list(waba_id, "phone_numbers", &number_fields(version), LIMIT, after)
}

/// `POST`: registers a phone number.
#[must_use]
pub fn register_path(phone_number_id: &str) -> String {
    at(phone_number_id, "register", &[])
}

/// `GET`: the account.
#[must_use]
pub fn waba_path(waba_id: &str) -> String {
    at(waba_id, "", &[("fields", "id,name,owner_business_info")])
}

/// `POST` subscribes the app to an account, `GET` lists who is, `DELETE` ends it.
#[must_use]
pub fn subscribed_apps_path(waba_id: &str) -> String {
    at(waba_id, "subscribed_apps", &[])
}

/// `POST` sets the app's own callback, `GET` reads it; with the app's token (`app_id|app_secret`).
#[must_use]
pub fn app_subscriptions_path(app_id: &str) -> String {
    at(app_id, "subscriptions", &[])
}

/// `GET`: what a token is good for. The token stands in the query: never log this path.
#[must_use]
pub fn debug_token_path(token: &str) -> String {
    at("debug_token", "", &[("input_token", token)])
}

/// `GET`: the catalogs connected to an account.
#[must_use]
pub fn product_catalogs_path(waba_id: &str) -> String {
    at(waba_id, "product_catalogs", &[("fields", "id,name")])
}

/// `GET`: templates, `limit` at a time, with the fields that [`crate::templates::parse`] reads.
#[must_use]
pub fn templates_path(waba_id: &str, limit: usize, after: Option<&str>) -> String {
    list(waba_id, "message_templates", crate::templates::FIELDS, limit, after)
}

/// `GET`: the templates with this in their names, `limit` at a time.
#[must_use]
pub fn templates_named_path(waba_id: &str, name: &str, limit: usize, after: Option<&str>) -> String {
    let mut path = list(waba_id, "message_templates", crate::templates::FIELDS, limit, after);
    path.push_str("&name=");
    path.push_str(&escaped(name));
    path
}

/// `POST`: creates a template.
#[must_use]
pub fn create_template_path(waba_id: &str) -> String {
    at(waba_id, "message_templates", &[])
}

/// `GET`: one template.
#[must_use]
pub fn template_path(template_id: &str) -> String {
    at(template_id, "", &[("fields", crate::templates::FIELDS)])
}

/// `POST`: edits a template.
#[must_use]
pub fn edit_template_path(template_id: &str) -> String {
    at(template_id, "", &[])
}

/// `DELETE`: one template; without an id, every language of the name.
#[must_use]
pub fn delete_template_path(waba_id: &str, name: &str, template_id: Option<&str>) -> String {
    match template_id {
        Some(id) => at(waba_id, "message_templates", &[("hsm_id", id), ("name", name)]),
        None => at(waba_id, "message_templates", &[("name", name)]),
    }
}

/// `POST`: begins the upload of a sample for a template's header; the answer's `id` is the path of the bytes.
#[must_use]
pub fn start_upload_path(app_id: &str, file_name: &str, file_length: u64, file_type: &str) -> String {
    let length = file_length.to_string();
    at(app_id, "uploads", &[("file_name", file_name), ("file_length", &length), ("file_type", file_type)])
}

/// `GET`: a node with some of its fields.
pub(crate) fn node_path(node: &str, query: &[(&str, &str)]) -> String {
    at(node, "", query)
}

fn at(node: &str, edge: &str, query: &[(&str, &str)]) -> String {
    let mut path = escaped(node);
    if !edge.is_empty() {
        path.push('/');
        path.push_str(edge);
    }
    for (place, (name, value)) in query.iter().enumerate() {
        path.push(if place == 0 { '?' } else { '&' });
        path.push_str(name);
        path.push('=');
        path.push_str(&escaped(value));
    }
    path
}

fn list(node: &str, edge: &str, fields: &str, limit: usize, after: Option<&str>) -> String {
    let limit = limit.to_string();
    let mut query = vec![("fields", fields), ("limit", limit.as_str())];
    query.extend(after.map(|after| ("after", after)));
    at(node, edge, &query)
}

/// The limit of a number was its own till v23.0 and is its business portfolio's since (messaging-limits). A field that a
/// version doesn't have is refused with code 100.
fn number_fields(version: &str) -> String {
    let limit = match version {
        "v21.0" | "v22.0" | "v23.0" => "messaging_limit_tier",
        _ => "whatsapp_business_manager_messaging_limit",
    };
    format!(
        "id,display_phone_number,verified_name,quality_rating,code_verification_status,name_status,status,platform_type,\
         throughput,{limit}"
    )
}

/// Percent-encodes whatever could end a segment or a value. Ids are digits, so this only matters for what was mistyped.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~' | b',') {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_pages() {
        let plain = [
            (messages_path("51"), "51/messages"),
            (media_path("51"), "51/media"),
            (media_item_path("9", "51"), "9?phone_number_id=51"),
            (phone_number_settings_path("51"), "51"),
            (register_path("51"), "51/register"),
            (waba_path("41"), "41?fields=id,name,owner_business_info"),
            (subscribed_apps_path("41"), "41/subscribed_apps"),
            (app_subscriptions_path("31"), "31/subscriptions"),
            (debug_token_path("a|b"), "debug_token?input_token=a%7Cb"),
            (product_catalogs_path("41"), "41/product_catalogs?fields=id,name"),
            (create_template_path("41"), "41/message_templates"),
            (edit_template_path("61"), "61"),
            (delete_template_path("41", "termin", None), "41/message_templates?name=termin"),
            (delete_template_path("41", "termin", Some("61")), "41/message_templates?hsm_id=61&name=termin"),
            (
                start_upload_path("31", "a b.jpg", 12, "image/jpeg"),
                "31/uploads?file_name=a%20b.jpg&file_length=12&file_type=image%2Fjpeg",
            ),
        ];
        for (path, wanted) in plain {
            assert_eq!(path, wanted);
        }
    }

    #[test]
    fn templates_are_asked_for_with_what_is_read_of_them() {
        let fields = "id,name,language,category,status,parameter_format,components,rejected_reason,quality_score,\
                      previous_category,correct_category,message_send_ttl_seconds";
        assert_eq!(templates_path("41", 100, None), format!("41/message_templates?fields={fields}&limit=100"));
        assert_eq!(
            templates_path("41", 2, Some("WlpaWg==")),
            format!("41/message_templates?fields={fields}&limit=2&after=WlpaWg%3D%3D")
        );
        assert_eq!(
            templates_named_path("41", "termin", 100, None),
            format!("41/message_templates?fields={fields}&limit=100&name=termin")
        );
        assert_eq!(template_path("61"), format!("61?fields={fields}"));
    }

    #[test]
    fn the_limit_is_asked_for_under_the_name_of_its_version() {
        assert!(phone_number_path("v23.0", "51").ends_with(",throughput,messaging_limit_tier"));
        for version in ["v24.0", DEFAULT_VERSION] {
            let path = phone_numbers_path(version, "41", Some("QQ"));
            assert!(path.ends_with(",throughput,whatsapp_business_manager_messaging_limit&limit=100&after=QQ"), "{path}");
            assert!(!path.contains(' '));
        }
        assert!(VERSIONS.contains(&DEFAULT_VERSION));
    }

    #[test]
    fn a_mistyped_id_stays_within_its_segment() {
        assert_eq!(messages_path("5/1?x#y&ü"), "5%2F1%3Fx%23y%26%C3%BC/messages");
    }
}
