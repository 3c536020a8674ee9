//! What Meta tells of messages, as it posts it.

use anyhow::{Context as _, Result};
use serde_json::json;

use super::house::{WABA, display_of};
use super::people::user_id_of;

/// What becomes of a message that went well, in order.
pub(crate) const WORDS: [&str; 3] = ["sent", "delivered", "read"];

/// A message that the upstream took.
pub(crate) struct Sent {
    /// Meta's id of it.
    pub(crate) id: String,
    /// Phone number id of the sender.
    pub(crate) number: String,
    /// Digits of the customer's number.
    pub(crate) to: String,
    /// What came with it, to be told with every status.
    pub(crate) tag: String,
}

/// A status as Meta posts it; `at` in Unix seconds.
pub(crate) fn status(word: &str, sent: &Sent, at: i64) -> Result<String> {
    let Sent { id, number, to, tag } = sent;
    let user = user_id_of(to).context("a message went to nobody of the load")?;
    let pricing = match word {
        "read" => "",
        _ => r#","pricing":{"billable":true,"pricing_model":"PMP","type":"regular","category":"utility"}"#,
    };
    Ok(format!(
        concat!(
            r#"{{"object":"whatsapp_business_account","entry":[{{"id":"{waba}","changes":[{{"value":{{"messaging_product":"whatsapp","#,
            r#""metadata":{{"display_phone_number":"{display}","phone_number_id":"{number}"}},"#,
            r#""contacts":[{{"profile":{{"name":"Customer"}},"wa_id":"{to}","user_id":"{user}"}}],"#,
            r#""statuses":[{{"id":"{id}","status":"{word}","timestamp":"{at}","recipient_id":"{to}","recipient_user_id":"{user}","#,
            r#""biz_opaque_callback_data":"{tag}"{pricing}}}]}},"field":"messages"}}]}}]}}"#
        ),
        waba = WABA,
        display = display_of(number),
        number = number,
        to = to,
        user = user,
        id = id,
        word = word,
        at = at,
        tag = tag,
        pricing = pricing,
    ))
}

/// A text of a customer's to a sender, as Meta posts it: the phone number id, the customer's number, Meta's id of the message; `at` in
/// Unix seconds.
pub(super) fn text(number: &str, from: &str, id: &str, text: &str, at: i64) -> Vec<u8> {
    let from = from.trim_start_matches('+');
    json!({ "object": "whatsapp_business_account", "entry": [{ "id": WABA.to_string(), "changes": [{ "field": "messages", "value": {
        "messaging_product": "whatsapp",
        "metadata": { "display_phone_number": display_of(number), "phone_number_id": number },
        "contacts": [{ "profile": { "name": "Customer 0" }, "wa_id": from }],
        "messages": [{ "from": from, "id": id, "timestamp": at.to_string(), "type": "text", "text": { "body": text } }],
    } }] }] })
    .to_string()
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::super::{account, phone};
    use super::*;
    use transom_domain::fact::Fact;

    #[test]
    fn the_gateway_reads_in_a_webhook_what_was_put_into_it() {
        let sent = Sent {
            id: "wamid.1".to_owned(),
            number: account(3).to_string(),
            to: phone(7).trim_start_matches('+').to_owned(),
            tag: "01K5Z3V8Q4M9W2N7T6R1XBCDEF.1".to_owned(),
        };
        for word in WORDS {
            let body = status(word, &sent, 1_793_001_010).unwrap();
            let deliveries = transom_meta::webhook::parse(body.as_bytes()).unwrap();
            let heard: Vec<_> = deliveries.into_iter().flat_map(|d| d.heard).collect();
            let statuses: Vec<_> =
                heard.iter().filter_map(|h| if let Fact::Status(s) = &h.fact { Some(s) } else { None }).collect();
            assert!(statuses.len() == 1 && statuses[0].provider_id == sent.id, "{heard:?}");
        }
    }
}
