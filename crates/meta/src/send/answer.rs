//! What Meta answers to a send: accepted, refused, or nothing that tells (Meta: messages/send-messages).

use std::borrow::Cow;

use serde::Deserialize;
use transom_domain::address::{Bsuid, Phone};
use transom_domain::failure::UpstreamError;

use crate::read::text;
use crate::wire_error::parse_error;

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Meta has it. That is all: whether it arrives is known from statuses.
    Accepted(Accepted),
    /// Meta does not have it; [`crate::codes::classify`] says what to do.
    Refused {
        /// HTTP status.
        http: u16,
        /// Graph's error; none where what answered was not Graph.
        error: Option<UpstreamError>,
    },
    /// Meta may have it: an answer without an id, or a fault of something in between. The outcome is unknown until a status
    /// with the attempt's callback data comes.
    Garbled {
        /// HTTP status.
        http: u16,
    },
}

/// A message that Meta has taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// Meta's id (`wamid.…`), opaque.
    pub provider_id: String,
    /// The number as Meta knows it; may differ from the one written to (Brazil, Mexico, Argentina). Only for phone sends.
    pub wa_id: Option<Phone>,
    /// The customer's user id. Only for sends to a user id.
    pub user_id: Option<Bsuid>,
    /// The address as it was given.
    pub input: Option<String>,
    /// Meta's word where it does not let the message out yet, such as `held_for_quality_assessment` or `paused`.
    pub held: Option<String>,
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    contacts: Option<Vec<Contact<'a>>>,
    #[serde(borrow)]
    messages: Option<Vec<Message<'a>>>,
}

#[derive(Deserialize)]
struct Contact<'a> {
    #[serde(borrow, default, deserialize_with = "text")]
    input: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "text")]
    wa_id: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "text")]
    user_id: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, default, deserialize_with = "text")]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "text")]
    message_status: Option<Cow<'a, str>>,
}

/// Reads the answer to a send.
///
/// A refusal needs Graph's error object or a 3xx or 4xx. A 5xx without one came from something in front of Graph, which may
/// have passed the message on before it failed: that is no refusal, and sending again could double it.
#[must_use]
pub fn parse_answer(status: u16, body: &[u8]) -> Answer {
    if (200..300).contains(&status)
        && let Some(accepted) = accepted(body)
    {
        return Answer::Accepted(accepted);
    }
    match parse_error(body) {
        Some(error) => Answer::Refused { http: status, error: Some(error) },
        None if (300..500).contains(&status) => Answer::Refused { http: status, error: None },
        None => Answer::Garbled { http: status },
    }
}

fn accepted(body: &[u8]) -> Option<Accepted> {
    let wire: Wire<'_> = serde_json::from_slice(body).ok()?;
    let message = wire.messages?.into_iter().next()?;
    let provider_id = message.id.filter(|id| !id.is_empty())?.into_owned();
    let contact = wire.contacts.and_then(|contacts| contacts.into_iter().next());
    let (input, wa_id, user_id) = contact.map_or((None, None, None), |c| (c.input, c.wa_id, c.user_id));
    Some(Accepted {
        provider_id,
        wa_id: wa_id.and_then(|digits| Phone::from_wa_id(&digits).ok()),
        user_id: user_id.and_then(|id| Bsuid::parse(&id).ok()),
        input: input.map(Cow::into_owned),
        held: message.message_status.filter(|word| !word.is_empty() && word != "accepted").map(Cow::into_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_send_to_a_phone_tells_the_number_meta_knows() {
        let body = br#"{"messaging_product":"whatsapp","contacts":[{"input":"+5511987654321","wa_id":"551187654321"}],
            "messages":[{"id":"wamid.QQ==","message_status":"accepted"}]}"#;
        let Answer::Accepted(accepted) = parse_answer(200, body) else { panic!("not accepted") };
        assert_eq!(accepted.provider_id, "wamid.QQ==");
        assert_eq!(accepted.input.as_deref(), Some("+5511987654321"));
        assert_eq!(accepted.wa_id, Phone::parse("+551187654321").ok());
        assert_eq!((accepted.user_id, accepted.held), (None, None));
    }

    #[test]
    fn a_send_to_a_user_id_tells_no_number_and_a_held_one_says_so() {
        let body = br#"{"contacts":[{"input":"DE.77aB","user_id":"DE.77aB"}],
            "messages":[{"id":"wamid.QR==","message_status":"held_for_quality_assessment"}]}"#;
        let Answer::Accepted(accepted) = parse_answer(200, body) else { panic!("not accepted") };
        assert_eq!(accepted.user_id, Bsuid::parse("DE.77aB").ok());
        assert_eq!(accepted.wa_id, None);
        assert_eq!(accepted.held.as_deref(), Some("held_for_quality_assessment"));
    }

    #[test]
    fn an_error_is_a_refusal_whatever_its_status() {
        let body = br#"{"error":{"message":"(#130429) Rate limit hit","code":130429}}"#;
        for status in [200, 400, 429, 500] {
            let Answer::Refused { http, error: Some(error) } = parse_answer(status, body) else { panic!("{status}") };
            assert_eq!((http, error.code), (status, 130_429));
        }
        assert_eq!(parse_answer(404, b"<html>"), Answer::Refused { http: 404, error: None });
        assert_eq!(parse_answer(301, b""), Answer::Refused { http: 301, error: None });
    }

    #[test]
    fn what_may_have_gone_through_is_no_refusal() {
        for (status, body) in [
            (200, ""),
            (200, "{}"),
            (200, "<html>"),
            (200, r#"{"messages":[]}"#),
            (200, r#"{"messages":[{"id":""}]}"#),
            (200, r#"{"messages":[{"id":"wamid.Q"#),
            (500, "oops"),
            (502, "<html>Bad gateway"),
            (504, ""),
        ] {
            assert_eq!(parse_answer(status, body.as_bytes()), Answer::Garbled { http: status }, "{status} {body}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(status: u16, body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse_answer(status, &body);
        }

        #[test]
        fn an_answer_cut_off_anywhere_is_never_a_refusal(cut in 0_usize..100) {
            let body = br#"{"contacts":[{"input":"+49301234567","wa_id":"49301234567"}],"messages":[{"id":"wamid.QQ=="}]}"#;
            let cut = cut.min(body.len() - 1);
            prop_assert_eq!(parse_answer(200, &body[..cut]), Answer::Garbled { http: 200 });
        }
    }
}
