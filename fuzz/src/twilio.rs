//! Twilio's dialect: the forms that its SDKs send, what programs answer to callbacks, and where callbacks go.

use transom_gateway::twilio::callback::{hook::Hook, twiml};
use transom_gateway::twilio::probe;

use crate::callers::{REFUSAL_MAX, accepted};

fn refused(message: &str) {
    assert!(message.len() <= REFUSAL_MAX, "a refusal of {} bytes", message.len());
}

/// Every reader of requests, on the same bytes: forms, queries, contents, SIDs and callbacks.
pub(crate) fn dialect(data: &[u8]) {
    match probe::create_message(data) {
        Ok(command) => accepted(command),
        Err(message) => refused(&message),
    }
    for read in [probe::list(data), probe::content(data)] {
        if let Err(message) = read {
            refused(&message);
        }
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    for sid in probe::sids(text) {
        // Two letters may name the same kind; the digits are the id.
        assert!(sid[2..].eq_ignore_ascii_case(&text[2..]), "{text} became {sid}");
        assert_eq!(probe::sids(&sid), [sid.as_str()]);
    }
    match Hook::parse(text) {
        Ok(hook) => {
            assert!(hook.url.fragment().is_none() && hook.url.as_str().starts_with(hook.url.scheme()));
            let again = Hook::parse(hook.url.as_str()).unwrap_or_else(|why| panic!("{why}: {}", hook.url));
            assert_eq!((again.origin(), again.url), (hook.origin(), hook.url));
        }
        Err(why) => refused(&why.0),
    }
}

/// What a program answers to a callback.
pub(crate) fn answer(data: &[u8]) {
    match twiml::read(data) {
        // Entities are not resolved, so that a text is never longer than what it was read from.
        Ok(answer) => assert!(format!("{answer:?}").len() <= 8 * data.len() + 4_096, "an answer grew"),
        Err(remark) => refused(&format!("{remark:?}")),
    }
}
