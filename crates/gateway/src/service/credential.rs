//! Who asks: keys and what else is shown in their place, looked up and held against what a request needs. There is no other check.

use sha2::{Digest as _, Sha256};

use transom_domain::error_code::ErrorCode;
use transom_domain::id::{BusinessId, KeyId};
use transom_domain::time::Span;
use transom_store::{Actor, Key, Scopes};

use super::Service;
use super::command::Caller;
use crate::problem::Problem;

/// How exactly it is noted when a key was last used.
const USED_EVERY: Span = Span::hours(1);

/// What a request shows for itself. Of secrets only the hash: what goes on for long is asked again and again, and must not keep
/// them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// An API key.
    Key([u8; 32]),
    /// A session of the console.
    Session([u8; 32]),
    /// Nothing: somebody at this machine, at the console of a desk. Whoever says so has made sure of it.
    Desk,
}

impl Credential {
    /// A key as it was shown.
    #[must_use]
    pub fn key(text: &str) -> Self {
        Self::Key(Sha256::digest(text.trim().as_bytes()).into())
    }
}

/// What a request needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    /// One of the scopes.
    pub scope: Scopes,
    /// Whether it changes anything.
    pub changes: bool,
}

impl Service {
    /// Checks the key of a request for a business and what it needs.
    ///
    /// # Errors
    /// 401 when the key is missing, unknown, over or another business's; 403 when it lacks the scope.
    pub async fn authenticate(&self, business: BusinessId, key: Option<&str>, needs: Needs) -> Result<Caller, Problem> {
        let text = key.map(str::trim).filter(|k| !k.is_empty());
        let text = text.ok_or_else(|| Problem::new(ErrorCode::ApiKeyInvalid, "The X-API-Key header is missing."))?;
        self.authorise(business, Credential::key(text), needs).await
    }

    /// As [`Service::authenticate`], where the caller names the key and not the business.
    pub(crate) async fn authenticate_key(&self, key: KeyId, text: &str, needs: Needs) -> Result<Caller, Problem> {
        let hash = Sha256::digest(text.trim().as_bytes()).into();
        let found = self.key_by_hash(hash).await?.filter(|found| found.id == key);
        let found = found.ok_or_else(|| Problem::new(ErrorCode::ApiKeyInvalid, "The key is not known."))?;
        self.authorise(found.business, Credential::Key(hash), needs).await
    }

    /// Whoever shows this, as a caller for a business.
    ///
    /// # Errors
    /// As [`Service::authenticate`]; 404 when somebody in the console asks for a business that is not theirs.
    pub async fn authorise(&self, business: BusinessId, credential: Credential, needs: Needs) -> Result<Caller, Problem> {
        let (who, scopes) = match credential {
            Credential::Key(hash) => self.of_key(business, hash).await?,
            Credential::Session(hash) => self.of_session(business, hash).await?,
            Credential::Desk => {
                self.is_here(business).await?;
                (Actor::Operator, Scopes::ADMIN)
            }
        };
        let may = if needs.changes { scopes.allow(needs.scope) } else { scopes.allow_looking(needs.scope) };
        if !may {
            let word = scope_word(needs.scope);
            let why = match credential {
                Credential::Session(_) => format!("Your role in this business lacks the scope `{word}`."),
                Credential::Key(_) | Credential::Desk => format!("The key lacks the scope `{word}`."),
            };
            return Err(Problem::new(ErrorCode::KeyScopeMissing, why));
        }
        Ok(Caller { business, who, scopes })
    }

    async fn of_key(&self, business: BusinessId, hash: [u8; 32]) -> Result<(Actor, Scopes), Problem> {
        // The same words as for an unknown key: another tenant's keys are nobody's business.
        let key = self.key_by_hash(hash).await?.filter(|key| key.business == business).ok_or_else(unknown_key)?;
        self.is_good(&key)?;
        Ok((Actor::Key(key.id), key.scopes))
    }

    /// Whose key this is, where no business is named.
    pub(super) async fn holder_of_key(&self, hash: [u8; 32]) -> Result<(BusinessId, Actor), Problem> {
        let key = self.key_by_hash(hash).await?.ok_or_else(unknown_key)?;
        self.is_good(&key)?;
        Ok((key.business, Actor::Key(key.id)))
    }

    fn is_good(&self, key: &Key) -> Result<(), Problem> {
        if key.revoked_at.is_some() || key.expires_at.is_some_and(|at| at <= self.now()) {
            return Err(Problem::new(ErrorCode::ApiKeyInvalid, "The key in X-API-Key was revoked or has expired."));
        }
        Ok(())
    }

    pub(super) async fn is_here(&self, business: BusinessId) -> Result<(), Problem> {
        if self.directory.now().knows(business) || self.store.businesses().await?.iter().any(|b| b.id == business) {
            return Ok(());
        }
        Err(Problem::new(ErrorCode::NotFound, "There is no such business here."))
    }

    /// Looked up by hash, so that no comparison of secrets can be timed.
    async fn key_by_hash(&self, hash: [u8; 32]) -> Result<Option<Key>, Problem> {
        let look = match self.keys.find(&hash) {
            Ok(key) => return Ok(Some(key)),
            Err(look) => look,
        };
        let found = self.store.key_by_hash(hash).await?;
        if let Some(key) = &found {
            self.note_use(key);
        }
        self.keys.keep(look, hash, found.as_ref());
        Ok(found)
    }

    /// Notes that a key is in use: once in so long, and beside the request, which does not wait for it.
    fn note_use(&self, key: &Key) {
        let now = self.now();
        if self.is_good(key).is_err() || key.used_at.is_some_and(|at| now < at.plus(USED_EVERY)) {
            return;
        }
        let (store, business, id) = (self.store.clone(), key.business, key.id);
        self.tasks.spawn(async move {
            if let Err(why) = store.note_key_used(business, id, now).await {
                tracing::debug!(error = %why, key = %id, "it could not be noted that a key is in use");
            }
        });
    }

    /// Forgets what was looked up of keys: a revocation through this process counts at once.
    pub fn forget_keys(&self) {
        self.keys.forget();
        // A stream asks again when it is woken.
        self.relay.listeners().poke_all();
    }
}

fn unknown_key() -> Problem {
    Problem::new(ErrorCode::ApiKeyInvalid, "The key in X-API-Key is not known.")
}

/// The word of a scope, as keys are made with.
#[must_use]
pub fn scope_word(scope: Scopes) -> &'static str {
    match scope {
        Scopes::SEND => "send",
        Scopes::TEMPLATES => "templates",
        Scopes::WEBHOOKS => "webhooks",
        Scopes::READ => "read",
        _ => "admin",
    }
}
