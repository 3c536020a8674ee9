//! The provider: what it says of itself, and the exchange of a code for somebody's claims.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreAuthenticationFlow, CoreClientAuthMethod, CoreErrorResponseType, CoreGenderClaim,
    CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreProviderMetadata, CoreRevocableToken,
    CoreRevocationErrorResponse, CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AccessTokenHash, AdditionalClaims, AsyncHttpClient, AuthType, AuthorizationCode, ClaimsVerificationError, Client, ClientId,
    ClientSecret, CsrfToken, EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse,
    IdToken, IdTokenClaims, IdTokenFields, IssuerUrl, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, Scope, SignatureVerificationError, StandardErrorResponse, StandardTokenResponse, TokenResponse as _,
    UserInfoClaims,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::OidcSettings;
use super::flow::Flow;
use crate::wire::{Called, Wanted, Wire};

/// How long what the provider says of itself, its keys among it, is believed.
const METADATA_MAX_AGE: Duration = Duration::from_secs(3_600);
/// After a failure the provider is left alone for so long.
const FAILED_FOR: Duration = Duration::from_secs(5);
/// The longest answer that is read.
const ANSWER_MAX: usize = 1 << 20;
/// How tokens may be signed: with a key of the provider's that only it has. Neither `none`, nor with the secret that it shares with
/// its clients.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// Every claim that the specification does not name.
#[derive(Clone, Serialize, Deserialize)]
struct Others(Map<String, Value>);

impl std::fmt::Debug for Others {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Others(…)")
    }
}

impl AdditionalClaims for Others {}

type Fields =
    IdTokenFields<Others, EmptyExtraTokenFields, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>;
type Tokens = StandardTokenResponse<Fields, CoreTokenType>;
type Party = Client<
    Others,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    Tokens,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// Why the provider proves nobody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    /// It does not answer, or not as a provider does.
    #[error("the provider does not answer as it should: {0}")]
    Unreachable(String),
    /// It refuses the code.
    #[error("the provider refuses the code: {0}")]
    Refused(String),
    /// What it says does not hold.
    #[error("the provider's word does not hold: {0}")]
    Unproven(String),
}

/// Where somebody is sent, and what must come back.
pub(super) struct Departure {
    pub(super) url: String,
    pub(super) verifier: String,
}

/// One provider.
pub(super) struct Provider {
    settings: OidcSettings,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    found: Option<(Instant, Arc<CoreProviderMetadata>)>,
    failed: Option<(Instant, String)>,
}

impl Provider {
    pub(super) fn new(settings: OidcSettings) -> Self {
        Self { settings, known: Mutex::default() }
    }

    pub(super) const fn settings(&self) -> &OidcSettings {
        &self.settings
    }

    /// Asks it what it says of itself, and its keys, whatever is known.
    pub(super) async fn probe(&self) -> Result<(), Fault> {
        self.metadata(Some(Duration::ZERO)).await.map(drop)
    }

    /// What it says of itself, not older than this where it is given.
    async fn metadata(&self, max_age: Option<Duration>) -> Result<Arc<CoreProviderMetadata>, Fault> {
        // Held while it is asked: many who come at once wait for one answer.
        let mut known = self.known.lock().await;
        if let Some((at, found)) = &known.found
            && at.elapsed() < max_age.unwrap_or(METADATA_MAX_AGE)
        {
            return Ok(found.clone());
        }
        if let Some((at, why)) = &known.failed
            && max_age.is_none()
            && at.elapsed() < FAILED_FOR
        {
            return Err(Fault::Unreachable(why.clone()));
        }
        let issuer = IssuerUrl::new(self.settings.issuer.clone()).map_err(|why| Fault::Unreachable(why.to_string()))?;
        match CoreProviderMetadata::discover_async(issuer, &self.way()).await {
            Ok(found) => {
                let found = Arc::new(found);
                *known = Known { found: Some((Instant::now(), found.clone())), failed: None };
                Ok(found)
            }
            Err(why) => {
                let why = in_words(&why);
                known.failed = Some((Instant::now(), why.clone()));
                Err(Fault::Unreachable(why))
            }
        }
    }

    fn way(&self) -> Way<'_> {
        Way { wire: &*self.settings.wire, sealed: self.settings.issuer.starts_with("https:") }
    }

    fn party(&self, metadata: &CoreProviderMetadata) -> Result<Party, Fault> {
        let redirect = RedirectUrl::new(self.settings.callback.clone()).map_err(|why| Fault::Unreachable(why.to_string()))?;
        let secret = self.settings.client_secret.clone().map(ClientSecret::new);
        let id = ClientId::new(self.settings.client_id.clone());
        let party = Party::from_provider_metadata(metadata.clone(), id, secret).set_redirect_uri(redirect);
        // Basic is the default of the specification; a provider that has only the other says so.
        let methods = metadata.token_endpoint_auth_methods_supported();
        let in_body = methods.is_some_and(|methods| {
            methods.contains(&CoreClientAuthMethod::ClientSecretPost)
                && !methods.contains(&CoreClientAuthMethod::ClientSecretBasic)
        });
        Ok(if in_body { party.set_auth_type(AuthType::RequestBody) } else { party })
    }

    /// Where somebody goes to sign in.
    pub(super) async fn depart(&self, state: &str, nonce: &str) -> Result<Departure, Fault> {
        let metadata = self.metadata(None).await?;
        let party = self.party(&metadata)?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (state, nonce) = (state.to_owned(), nonce.to_owned());
        let mut request = party
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, move || CsrfToken::new(state), move || Nonce::new(nonce))
            .set_pkce_challenge(challenge);
        for scope in self.settings.scopes.iter().filter(|scope| *scope != "openid") {
            request = request.add_scope(Scope::new(scope.clone()));
        }
        let (url, ..) = request.url();
        Ok(Departure { url: url.into(), verifier: verifier.secret().clone() })
    }

    /// The claims of who comes back with a code.
    pub(super) async fn arrive(&self, code: String, flow: &Flow) -> Result<Map<String, Value>, Fault> {
        let metadata = self.metadata(None).await?;
        let party = self.party(&metadata)?;
        let request = party
            .exchange_code(AuthorizationCode::new(code))
            .map_err(|why| Fault::Unreachable(why.to_string()))?
            .set_pkce_verifier(PkceCodeVerifier::new(flow.verifier.clone()));
        let tokens = request.request_async(&self.way()).await.map_err(|why| match why {
            // Its word for what is wrong; its sentence may hold anything.
            openidconnect::RequestTokenError::ServerResponse(said) => Fault::Refused(said.error().as_ref().to_owned()),
            why => Fault::Unreachable(in_words(&why)),
        })?;
        let token = tokens.id_token().ok_or_else(|| Fault::Unproven("there is no ID token".to_owned()))?;
        let nonce = Nonce::new(flow.nonce.clone());
        let (party, claims) = match verified(&party, token, &nonce) {
            Err(ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey)) => {
                // It may have changed its keys. It took the code, so nobody but itself makes us ask so often.
                let party = self.party(&*self.metadata(Some(Duration::ZERO)).await?)?;
                let claims = verified(&party, token, &nonce).map_err(unproven)?;
                (party, claims)
            }
            claims => (party, claims.map_err(unproven)?),
        };
        if let Some(expected) = claims.access_token_hash() {
            let verifier = verifier_of(&party);
            let key = token.signing_key(&verifier).map_err(unproven)?;
            let algorithm = token.signing_alg().map_err(unproven)?;
            let actual = AccessTokenHash::from_token(tokens.access_token(), algorithm, key).map_err(unproven)?;
            if actual != *expected {
                return Err(Fault::Unproven("the access token is not the one of the ID token".to_owned()));
            }
        }
        let mut said = object(&claims);
        if self.settings.wanted(&said) && metadata.userinfo_endpoint().is_some() {
            for (name, value) in self.more(&party, &tokens, &claims).await? {
                // The signed word comes first.
                said.entry(name).or_insert(value);
            }
        }
        Ok(said)
    }

    /// What it tells on being asked; many put nothing but the subject into the token.
    async fn more(
        &self,
        party: &Party,
        tokens: &Tokens,
        claims: &IdTokenClaims<Others, CoreGenderClaim>,
    ) -> Result<Map<String, Value>, Fault> {
        let access = tokens.access_token().clone();
        if !access.secret().bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Fault::Unproven("the access token cannot stand in a header".to_owned()));
        }
        let request = party.user_info(access, Some(claims.subject().clone()));
        let request = request.map_err(|why| Fault::Unreachable(why.to_string()))?;
        let info: UserInfoClaims<Others, CoreGenderClaim> =
            request.request_async(&self.way()).await.map_err(|why| match why {
                openidconnect::UserInfoError::ClaimsVerification(why) => unproven(why),
                why => Fault::Unreachable(in_words(&why)),
            })?;
        Ok(object(&info))
    }
}

fn verifier_of(party: &Party) -> openidconnect::IdTokenVerifier<'_, CoreJsonWebKey> {
    party.id_token_verifier().set_allowed_algs(ALGORITHMS)
}

/// The claims of a token that is signed by the provider, for us, for this sign-in, and not over.
fn verified(
    party: &Party,
    token: &IdToken<Others, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>,
    nonce: &Nonce,
) -> Result<IdTokenClaims<Others, CoreGenderClaim>, ClaimsVerificationError> {
    token.claims(&verifier_of(party), nonce).cloned()
}

fn unproven(why: impl std::fmt::Display) -> Fault {
    Fault::Unproven(why.to_string())
}

fn object(claims: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(claims) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

/// An error with its causes; bodies of answers, in which tokens may be, are in none of them.
fn in_words(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text.chars().filter(|c| !c.is_control()).take(300).collect()
}

/// The house's own client, as the library calls one.
struct Way<'a> {
    wire: &'a dyn Wire,
    /// Whether nothing goes over plain HTTP: keys that came so would prove nothing.
    sealed: bool,
}

/// Why a call came to nothing.
#[derive(Debug, thiserror::Error)]
enum CallError {
    #[error("{0} is not https")]
    Open(String),
    #[error("{0}")]
    Failed(String),
}

impl<'c> AsyncHttpClient<'c> for Way<'_> {
    type Error = CallError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, CallError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            if self.sealed && request.uri().scheme_str() != Some("https") {
                return Err(CallError::Open(request.uri().to_string()));
            }
            let host = request.uri().host().unwrap_or_default().to_owned();
            match self.wire.call(request.map(Bytes::from), Wanted::Whole(ANSWER_MAX)).await {
                Called::Answer { status, body, .. } => {
                    let mut answer = HttpResponse::new(body.to_vec());
                    let status = http::StatusCode::from_u16(status);
                    *answer.status_mut() = status.map_err(|why| CallError::Failed(why.to_string()))?;
                    Ok(answer)
                }
                Called::NeverLeft(why) | Called::Lost(why) => Err(CallError::Failed(format!("{host}: {why}"))),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nothing_is_read_in_clear_of_a_provider_that_has_tls() {
        let settings = OidcSettings::to_nowhere();
        let provider = Provider::new(settings);
        let way = provider.way();
        let ask = |uri: &str| {
            let mut request = HttpRequest::new(Vec::new());
            *request.uri_mut() = uri.parse().unwrap();
            way.call(request)
        };
        assert!(matches!(ask("http://id.example/keys").await, Err(CallError::Open(_))));
        assert!(matches!(ask("https://id.example/keys").await, Err(CallError::Failed(_))));
        // A failure is believed for a while.
        assert!(matches!(provider.depart("s", "n").await, Err(Fault::Unreachable(_))));
    }
}
