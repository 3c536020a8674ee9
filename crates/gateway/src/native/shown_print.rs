//! What the customer sees of a template, as JSON.

use serde_json::{Map, Value, json};

use transom_domain::free_form::MediaSource;
use transom_domain::shown::{Shown, ShownButton, ShownHeader};
use transom_domain::template::HeaderParameter;

use super::common::rfc3339;
use super::message_print::without_nulls;

/// A template with its values: `header`, `offer`, `body`, `footer`, `buttons` and `cards`, of which those that it does not have are
/// left out.
pub(crate) fn shown_json(shown: &Shown) -> Value {
    let Shown { header, offer, body, footer, buttons, cards } = shown;
    let mut told = Map::new();
    let mut put = |name: &str, value: Value| told.insert(name.to_owned(), value);
    if let Some(header) = header {
        put("header", header_json(header));
    }
    if let Some((text, until)) = offer {
        put("offer", without_nulls(json!({ "text": text, "expiresAt": until.map(rfc3339) })));
    }
    put("body", body.clone().into());
    if let Some(footer) = footer {
        put("footer", footer.clone().into());
    }
    if !buttons.is_empty() {
        put("buttons", buttons.iter().map(button_json).collect());
    }
    if !cards.is_empty() {
        put("cards", cards.iter().map(shown_json).collect());
    }
    Value::Object(told)
}

fn header_json(header: &ShownHeader) -> Value {
    match header {
        ShownHeader::Text(text)
        | ShownHeader::Other(HeaderParameter::Text(transom_domain::template::TextParameter { text, .. })) => {
            json!({ "type": "text", "text": text })
        }
        ShownHeader::Other(HeaderParameter::File(file)) => {
            let (url, id) = match &file.source {
                MediaSource::Link(link) => (Some(link), None),
                MediaSource::Id(id) => (None, Some(id)),
            };
            without_nulls(json!({ "type": file.kind.as_str(), "url": url, "id": id, "filename": file.filename }))
        }
        ShownHeader::Other(HeaderParameter::Location { latitude, longitude, name, address }) => without_nulls(json!({
            "type": "location", "latitude": latitude, "longitude": longitude, "name": name, "address": address,
        })),
        ShownHeader::Other(HeaderParameter::Product { catalog_id, product }) => {
            json!({ "type": "product", "catalogId": catalog_id, "productRetailerId": product })
        }
    }
}

fn button_json(button: &ShownButton) -> Value {
    without_nulls(json!({ "text": button.label, "gives": button.gives }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_does_not_have_is_left_out() {
        let plain = Shown { body: "Hi Ana".to_owned(), ..Shown::default() };
        assert_eq!(shown_json(&plain), json!({ "body": "Hi Ana" }));
        let button = ShownButton { label: "Pay".to_owned(), gives: None };
        let card = Shown { buttons: vec![button], ..plain };
        let whole = Shown { header: Some(ShownHeader::Text("Hello".to_owned())), cards: vec![card], ..Shown::default() };
        let expected = json!({
            "header": { "type": "text", "text": "Hello" }, "body": "",
            "cards": [{ "body": "Hi Ana", "buttons": [{ "text": "Pay" }] }],
        });
        assert_eq!(shown_json(&whole), expected);
    }
}
