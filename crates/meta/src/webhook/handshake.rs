//! The handshake: Meta asks the callback to prove that it belongs to whoever entered it (Meta:
//! webhooks/create-webhook-endpoint).

use crate::signature::same_secret;

/// Longest challenge that is given back; Meta's are ten digits or so.
pub const CHALLENGE_MAX: usize = 256;

/// The challenge to give back as the whole body (text/plain, 200) for the query of `GET {callback}`; none when the answer is
/// 403.
///
/// The token is compared in constant time. The challenge is given back only if it is short and plain, so that nobody who
/// learns the token can make this address say something else.
#[must_use]
pub fn handshake(query: &str, verify_token: &str) -> Option<String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    let token = value(query, "hub.verify_token")?;
    let challenge = value(query, "hub.challenge")?;
    let proper = value(query, "hub.mode")? == "subscribe"
        && (1..=CHALLENGE_MAX).contains(&challenge.len())
        && challenge.bytes().all(plain);
    (same_secret(verify_token, &token) && proper).then_some(challenge)
}

/// The decoded value of a name; none if it stands nowhere or does not decode.
fn value(query: &str, name: &str) -> Option<String> {
    query.trim_start_matches('?').split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        (decoded(key)? == name).then(|| decoded(value))?
    })
}

/// Percent-encoding as in forms: `+` is a blank.
fn decoded(text: &str) -> Option<String> {
    let hex = |byte: u8| char::from(byte).to_digit(16).and_then(|v| u8::try_from(v).ok());
    let mut plain = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        plain.push(match byte {
            b'+' => b' ',
            b'%' => hex(bytes.next()?)? << 4 | hex(bytes.next()?)?,
            other => other,
        });
    }
    String::from_utf8(plain).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn query(mode: &str, challenge: &str, token: &str) -> String {
        format!("hub.mode={mode}&hub.challenge={challenge}&hub.verify_token={token}")
    }

    #[test]
    fn only_the_right_token_gets_its_challenge_back() {
        assert_eq!(handshake(&query("subscribe", "1158201444", "tok"), "tok").as_deref(), Some("1158201444"));
        let escaped = "hub%2Emode=subscribe&hub.verify_token=a%2Bb+c%C3%BC&hub.challenge=7";
        assert_eq!(handshake(escaped, "a+b cü").as_deref(), Some("7"));
        let refused = [
            query("unsubscribe", "1", "tok"),
            query("subscribe", "", "tok"),
            query("subscribe", "%3Cscript%3E", "tok"),
            query("subscribe", &"1".repeat(CHALLENGE_MAX + 1), "tok"),
            query("subscribe", "1", "Tok"),
            query("subscribe", "1", ""),
            query("subscribe", "1", "tok%"),
            query("subscribe", "1", "%ff"),
            String::new(),
        ];
        for query in refused {
            assert_eq!(handshake(&query, "tok"), None, "{query}");
        }
        assert_eq!(handshake(&query("subscribe", "1", ""), ""), None);
    }

    proptest! {
        #[test]
        fn no_query_makes_it_panic(query in ".{0,100}") {
            prop_assert_eq!(handshake(&query, "tok"), None);
        }

        #[test]
        fn any_token_survives_the_way_through_a_query(token in ".{1,40}") {
            let escaped: String = token.bytes().map(|b| format!("%{b:02x}")).collect();
            prop_assert_eq!(handshake(&query("subscribe", "7", &escaped), &token), Some("7".to_owned()));
        }
    }
}
