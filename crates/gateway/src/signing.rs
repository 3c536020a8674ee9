//! What deliveries to webhook endpoints are signed with: once after Standard Webhooks, once as the published provider signs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use transom_domain::time::Timestamp;

use crate::seal::hex;

/// The signing secrets of a business: the present one, and after a rotation the one before for a while.
pub struct Signer {
    present: Keys,
    previous: Option<(Keys, Timestamp)>,
}

/// One secret, as the two signatures use it. The keyed states are made once: a delivery only copies them.
struct Keys {
    standard: Hmac<Sha256>,
    published: Hmac<Sha256>,
}

/// The signatures of one delivery, as header values.
#[derive(Debug, PartialEq, Eq)]
pub struct Signatures {
    /// `webhook-signature`: one word per secret that is valid, separated by spaces.
    pub standard: String,
    /// The published provider's: Base64 over the raw body, without a prefix.
    pub published: String,
    /// The same under the previous secret, while it is valid.
    pub published_previous: Option<String>,
}

impl Signer {
    /// From the secrets' texts, as they were shown; the previous one with the time until which it still signs.
    #[must_use]
    pub fn new(present: &str, previous: Option<(&str, Timestamp)>) -> Self {
        Self { present: Keys::of(present), previous: previous.map(|(secret, until)| (Keys::of(secret), until)) }
    }

    /// Signs a body. `stamp` is the machine's time in Unix seconds, which receivers compare with theirs; `now` is world time.
    #[must_use]
    pub fn sign(&self, id: &str, stamp: &str, body: &[u8], now: Timestamp) -> Signatures {
        let previous = self.previous.as_ref().filter(|(_, until)| *until > now).map(|(keys, _)| keys);
        let mut standard = self.present.standard(id, stamp, body);
        if let Some(previous) = previous {
            standard.push(' ');
            standard.push_str(&previous.standard(id, stamp, body));
        }
        Signatures {
            standard,
            published: self.present.published(body),
            published_previous: previous.map(|previous| previous.published(body)),
        }
    }
}

impl Signer {
    /// `X-Hub-Signature-256`, as Meta signs: with the text of the present secret in the place of the app secret.
    #[must_use]
    pub fn hub(&self, body: &[u8]) -> String {
        let mut mac = self.present.published.clone();
        mac.update(body);
        format!("sha256={}", hex(&mac.finalize().into_bytes()))
    }
}

impl Keys {
    /// Standard Webhooks keys with the bytes after `whsec_`, decoded; the published provider with the text itself.
    fn of(secret: &str) -> Self {
        let bytes = BASE64.decode(secret.trim_start_matches("whsec_")).unwrap_or_else(|_| secret.as_bytes().to_vec());
        Self { standard: keyed(&bytes), published: keyed(secret.as_bytes()) }
    }

    fn standard(&self, id: &str, stamp: &str, body: &[u8]) -> String {
        let mac = mac(&self.standard, &[id.as_bytes(), b".", stamp.as_bytes(), b".", body]);
        ["v1,", &mac].concat()
    }

    fn published(&self, body: &[u8]) -> String {
        mac(&self.published, &[body])
    }
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"))
}

fn mac(keyed: &Hmac<Sha256>, parts: &[&[u8]]) -> String {
    let mut mac = keyed.clone();
    for part in parts {
        mac.update(part);
    }
    BASE64.encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_webhooks_example_verifies() {
        // The example of the Standard Webhooks specification.
        let signer = Signer::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", None);
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let signed = signer.sign(id, "1614265330", br#"{"test": 2432232314}"#, Timestamp::EPOCH);
        assert_eq!(signed.standard, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn the_previous_secret_signs_until_its_time() {
        let until = Timestamp::from_secs(100);
        let (old, new) = (Signer::new("whsec_b2xk", None), Signer::new("whsec_bmV3", None));
        let both = Signer::new("whsec_bmV3", Some(("whsec_b2xk", until)));
        let sign = |signer: &Signer, at| signer.sign("msg_1", "99", b"{}", Timestamp::from_secs(at));
        assert_eq!(sign(&both, 99).standard, format!("{} {}", sign(&new, 99).standard, sign(&old, 99).standard));
        assert_eq!(sign(&both, 99).published_previous, Some(sign(&old, 99).published));
        assert_eq!(sign(&both, 100), sign(&new, 100));
    }
}
