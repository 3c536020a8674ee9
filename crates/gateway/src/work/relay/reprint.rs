//! A delivery printed once more, as it leaves or left: by the printers that send it, without what signs it.

use ::http::Request;
use bytes::Bytes;
use url::Url;

use transom_domain::event::Event;
use transom_domain::time::Timestamp;
use transom_store::{Endpoint, Role};

use super::answers::headers_of;
use super::letter::Letter;
use super::{Inner, Relay, Remembered};

/// Headers by which a receiver knows who sent it: whoever only looks must not be able to show them elsewhere.
const SIGNATURES: [&str; 6] = [
    "webhook-signature",
    "x-gateway-hmac-sha256",
    "x-gateway-hmac-sha256-previous",
    "x-connectly-hmac-sha256",
    "x-hub-signature-256",
    "x-twilio-signature",
];

/// A request as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Printed {
    /// Method.
    pub(crate) method: String,
    /// Where to.
    pub(crate) url: String,
    /// Headers, signatures hidden.
    pub(crate) headers: Vec<(String, String)>,
    /// Body.
    pub(crate) body: String,
}

impl From<Request<Bytes>> for Printed {
    fn from(request: Request<Bytes>) -> Self {
        Self {
            method: request.method().to_string(),
            url: request.uri().to_string(),
            headers: headers_of(request.headers(), &SIGNATURES),
            body: String::from_utf8_lossy(request.body()).into_owned(),
        }
    }
}

impl Relay {
    /// The request that tells an endpoint of an event, at its given try; links to files in it are fresh ones. None where there is
    /// nothing to tell it of.
    ///
    /// # Errors
    /// Why it cannot be told, in words.
    pub(crate) async fn printed(
        &self,
        endpoint: &Endpoint,
        event: &Event,
        attempt: u32,
        at: Timestamp,
    ) -> Result<Option<Printed>, String> {
        let request = match endpoint.role {
            Role::Callbacks => self.0.callback_again(endpoint, event, attempt).await,
            Role::Published(_) | Role::Own(_) => self.0.letter_again(endpoint, event, attempt, at),
        };
        Ok(request?.map(Printed::from))
    }

    /// The last try of a delivery, where this process made it not long ago.
    pub(crate) fn remembered(&self, endpoint: &Endpoint, event: &Event) -> Option<Remembered> {
        self.0.answers.get(endpoint.id, event.position)
    }

    /// Forgets what a business's endpoints answered.
    pub(crate) fn forget_answers(&self, business: transom_domain::id::BusinessId) {
        self.0.answers.forget(business);
    }
}

impl Inner {
    fn letter_again(
        &self,
        endpoint: &Endpoint,
        event: &Event,
        attempt: u32,
        at: Timestamp,
    ) -> Result<Option<Request<Bytes>>, String> {
        let Some(letter) = Letter::of_event(&endpoint.role, event, attempt, &self.parts.links) else { return Ok(None) };
        let url = Url::parse(&endpoint.address).map_err(|why| why.to_string())?;
        let signer = self.signer(endpoint)?;
        letter.into_request(&url, &signer, &at.as_secs().to_string(), at).map(Some).map_err(|why| why.to_string())
    }
}
