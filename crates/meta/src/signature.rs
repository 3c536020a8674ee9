//! The signature of a webhook: HMAC-SHA256 over the bytes as they were transmitted, keyed with the app secret
//! (Meta: webhooks/create-webhook-endpoint).
//!
//! Re-serialising a body before hashing it is wrong: what is signed is the text with everything outside ASCII written as
//! `\uXXXX`, and that is also what comes over the wire.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// Name of the header that carries the signature.
pub const HEADER: &str = "X-Hub-Signature-256";

/// What the header's value starts with.
const SCHEME: &str = "sha256=";

/// Length of the digest in bytes.
const DIGEST: usize = 32;

/// The header's value for a body: `sha256=` and 64 lower-case hexadecimal digits.
#[must_use]
pub fn sign(secret: &[u8], body: &[u8]) -> String {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let mut text = String::with_capacity(SCHEME.len() + 2 * DIGEST);
    // A key of any length is taken, so that there is always a digest; without one the text would verify nowhere.
    if let Some(digest) = digest(secret, body) {
        text.push_str(SCHEME);
        for byte in digest {
            for half in [byte >> 4, byte & 0x0f] {
                text.extend(DIGITS.get(usize::from(half)));
            }
        }
    }
    text
}

/// Whether a header's value fits the body. Compares in constant time; an empty secret fits nothing, since anybody could sign
/// with it.
#[must_use]
pub fn verify(secret: &[u8], body: &[u8], header: &str) -> bool {
    if secret.is_empty() {
        return false;
    }
    let Some(given) = header.trim().strip_prefix(SCHEME).and_then(read_hex) else { return false };
    digest(secret, body).is_some_and(|wanted| wanted.as_slice().ct_eq(&given).into())
}

/// Whether two secrets are equal, in a time that does not depend on where they differ.
#[must_use]
pub fn same_secret(ours: &str, given: &str) -> bool {
    !ours.is_empty() && ours.as_bytes().ct_eq(given.as_bytes()).into()
}

/// JSON text with every character outside ASCII written as `\uXXXX` (a pair of them beyond the basic plane), as Meta writes
/// the webhooks it signs. Such characters can only stand inside strings, so the text means the same as before.
#[must_use]
pub fn escape_non_ascii(json: &str) -> String {
    if json.is_ascii() {
        return json.to_owned();
    }
    let mut escaped = String::with_capacity(json.len() + json.len() / 2);
    let mut units = [0_u16; 2];
    for character in json.chars() {
        if character.is_ascii() {
            escaped.push(character);
        } else {
            for unit in character.encode_utf16(&mut units) {
                escaped.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    escaped
}

fn digest(secret: &[u8], body: &[u8]) -> Option<[u8; DIGEST]> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).ok()?;
    mac.update(body);
    Some(mac.finalize().into_bytes().into())
}

/// 64 hexadecimal digits of either case.
fn read_hex(text: &str) -> Option<[u8; DIGEST]> {
    if text.len() != 2 * DIGEST {
        return None;
    }
    let mut bytes = [0_u8; DIGEST];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let [high, low] = pair else { return None };
        let value = |digit: u8| char::from(digit).to_digit(16).and_then(|v| u8::try_from(v).ok());
        *byte = value(*high)? << 4 | value(*low)?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// RFC 4231, test case 2.
    #[test]
    fn agrees_with_the_published_vector() {
        let wanted = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(sign(b"Jefe", b"what do ya want for nothing?"), wanted);
        assert!(verify(b"Jefe", b"what do ya want for nothing?", wanted));
    }

    #[test]
    fn a_body_is_signed_as_it_is_transmitted() {
        let escaped = escape_non_ascii(r#"{"body":"Grüße 👍"}"#);
        assert_eq!(escaped, r#"{"body":"Gr\u00fc\u00dfe \ud83d\udc4d"}"#);
        let header = sign(b"secret", escaped.as_bytes());
        assert!(verify(b"secret", escaped.as_bytes(), &header));
        assert!(!verify(b"secret", r#"{"body":"Grüße 👍"}"#.as_bytes(), &header));
    }

    #[test]
    fn what_is_no_signature_fits_nothing() {
        let header = sign(b"secret", b"{}");
        assert!(verify(b"secret", b"{}", &header.to_uppercase().replace("SHA256", "sha256")));
        assert!(!verify(b"secret", b"{} ", &header));
        assert!(!verify(b"other", b"{}", &header));
        assert!(!verify(b"", b"{}", &sign(b"", b"{}")));
        let bare = header.trim_start_matches(SCHEME);
        for bad in ["", "sha256=", bare, &header[..70], &format!("{header}0"), &format!("sha1={bare}"), "sha256=zz"] {
            assert!(!verify(b"secret", b"{}", bad), "{bad}");
        }
        assert!(!verify(b"secret", b"{}", &format!("sha256=é{}", "0".repeat(62))));
    }

    #[test]
    fn an_empty_secret_is_never_the_same() {
        assert!(same_secret("token", "token"));
        assert!(!same_secret("token", "token "));
        assert!(!same_secret("", ""));
    }

    proptest! {
        #[test]
        fn escaping_changes_no_meaning(text in ".{0,80}") {
            let json = serde_json::Value::String(text).to_string();
            let escaped = escape_non_ascii(&json);
            prop_assert!(escaped.is_ascii());
            prop_assert_eq!(
                serde_json::from_str::<serde_json::Value>(&escaped).unwrap(),
                serde_json::from_str::<serde_json::Value>(&json).unwrap()
            );
        }

        #[test]
        fn any_other_byte_breaks_it(body in proptest::collection::vec(any::<u8>(), 1..200), at: prop::sample::Index, flip in 1_u8..) {
            let header = sign(b"secret", &body);
            let mut other = body.clone();
            other[at.index(body.len())] ^= flip;
            prop_assert!(verify(b"secret", &body, &header));
            prop_assert!(!verify(b"secret", &other, &header));
        }

        #[test]
        fn no_header_makes_it_panic(header in ".{0,100}") {
            let fits = verify(b"secret", b"{}", &header);
            prop_assert!(!fits);
        }
    }
}
