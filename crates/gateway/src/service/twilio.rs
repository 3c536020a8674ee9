//! What a business has set up for Twilio's dialect: its auth tokens, and how refusals are told.
//!
//! An auth token is a key like any other, and is checked like any other. Only its text is kept too, sealed, since Twilio signs
//! webhooks with the token itself.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use transom_domain::error_code::ErrorCode;
use transom_domain::id::{BusinessId, KeyId};
use transom_store::{Action, Actor, AuthToken, Business, Key, Scopes, TwilioSettings};

use super::{Caller, Service};
use crate::problem::Problem;
use crate::seal::{SealError, hex, random};

/// What the key of an auth token is called.
const LABEL: &str = "Twilio auth token";

/// A step of a rotation. Until its last one both tokens are valid, so that every client can be changed in peace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenMove {
    /// A second token is made; webhooks go on being signed with the first.
    Begin,
    /// The second one signs from now on and the first is not valid any more.
    Promote,
    /// The second one is not valid any more, and was for nothing.
    Abandon,
}

/// The auth tokens of an account, and how it is told of refusals.
pub(crate) struct TwilioCredentials {
    /// With which webhooks are signed.
    pub(crate) primary: String,
    /// Valid beside it while a rotation is under way.
    pub(crate) secondary: Option<String>,
    /// Whether what may not go is refused at once.
    pub(crate) refuse_at_once: bool,
}

impl Service {
    /// What the caller's business has set up.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn twilio_settings(&self, caller: &Caller) -> Result<TwilioSettings, Problem> {
        Ok(self.store.settings(caller.business).await?.twilio)
    }

    /// The caller's business itself.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn business(&self, caller: &Caller) -> Result<Business, Problem> {
        let found = self.store.businesses().await?.into_iter().find(|business| business.id == caller.business);
        found.ok_or_else(|| Problem::not_found("business"))
    }

    /// The tokens of a business; the first one is made when they are first asked for.
    ///
    /// # Errors
    /// When the store does not answer, or a token was sealed with another key.
    pub(crate) async fn twilio_credentials(&self, business: BusinessId) -> Result<TwilioCredentials, Problem> {
        let mut settings = self.store.settings(business).await?.twilio;
        if settings.auth_tokens.is_empty() {
            settings = self.add_token(business, 1).await?;
        }
        let mut texts = settings.auth_tokens.iter().map(|token| self.key.open_text(&token.sealed).map_err(|why| sealing(&why)));
        let primary = texts.next().ok_or_else(|| Problem::not_found("auth token"))??;
        Ok(TwilioCredentials { primary, secondary: texts.next().transpose()?, refuse_at_once: settings.refuse_at_once })
    }

    /// Takes a step of a rotation.
    ///
    /// # Errors
    /// When it is not the next one.
    pub(crate) async fn move_token(&self, business: BusinessId, step: TokenMove) -> Result<(), Problem> {
        let before = self.twilio_credentials(business).await?;
        match (step, before.secondary) {
            (TokenMove::Begin, Some(_)) => Err(conflict("A rotation is under way already.")),
            (TokenMove::Begin, None) => self.add_token(business, TwilioSettings::AUTH_TOKENS_MAX).await.map(|_| ()),
            (_, None) => Err(conflict("No rotation is under way.").remedy("Begin one with `--rotate begin`.")),
            (TokenMove::Promote, Some(_)) => {
                self.drop_token(business, 0).await?;
                self.audited_of(business, Actor::Operator, Action::SecretRotated, "auth token").await;
                Ok(())
            }
            (TokenMove::Abandon, Some(_)) => self.drop_token(business, 1).await,
        }
    }

    /// Chooses whether what may not go is refused at once.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn refuse_at_once(&self, business: BusinessId, at_once: bool) -> Result<(), Problem> {
        let changed = self.store.change_settings(business, Arc::new(move |all| all.twilio.refuse_at_once = at_once)).await?;
        changed.ok_or_else(|| Problem::not_found("business"))?;
        self.audited_of(business, Actor::Operator, Action::RefusalsSet, "").await;
        Ok(self.directory.reload().await?)
    }

    /// Whether a key is an auth token, which is not revoked by itself.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn is_auth_token(&self, business: BusinessId, key: KeyId) -> Result<bool, Problem> {
        Ok(self.store.settings(business).await?.twilio.auth_tokens.iter().any(|token| token.key == key))
    }

    /// Makes a token, unless there are `at_most` already.
    async fn add_token(&self, business: BusinessId, at_most: usize) -> Result<TwilioSettings, Problem> {
        let now = self.now();
        // 128 bits of chance in the form of Twilio's own: 32 letters and digits.
        let text = hex(&random::<16>().map_err(|why| sealing(&why))?);
        let key = Key {
            id: KeyId::compose(now, self.chance.draw()),
            business,
            label: LABEL.to_owned(),
            hash: Sha256::digest(text.as_bytes()).into(),
            scopes: Scopes::ADMIN,
            created_at: now,
            expires_at: None,
            revoked_at: None,
            used_at: None,
        };
        let made = AuthToken { key: key.id, sealed: self.key.seal(text.as_bytes()).map_err(|why| sealing(&why))?, since: now };
        let id = key.id;
        // The key first: where the second step fails, a key that nobody can know is left behind, and no token that opens nothing.
        self.store.put_key(key).await?;
        let add = move |all: &mut transom_store::BusinessSettings| {
            if all.twilio.auth_tokens.len() < at_most && !all.twilio.auth_tokens.contains(&made) {
                all.twilio.auth_tokens.push(made.clone());
            }
        };
        let settings =
            self.store.change_settings(business, Arc::new(add)).await?.ok_or_else(|| Problem::not_found("business"))?;
        if settings.twilio.auth_tokens.iter().all(|token| token.key != id) {
            // Somebody else was faster: theirs counts.
            self.store.revoke_key(business, id, now).await?;
        } else {
            self.audited_of(business, Actor::Operator, Action::KeyMade, id).await;
        }
        // Webhooks are signed with it from now on.
        self.directory.reload().await?;
        Ok(settings.twilio)
    }

    /// Takes one of two tokens away.
    async fn drop_token(&self, business: BusinessId, at: usize) -> Result<(), Problem> {
        let tokens = self.store.settings(business).await?.twilio.auth_tokens;
        let dropped = tokens.get(at).map(|token| token.key).ok_or_else(|| conflict("No rotation is under way."))?;
        let remove = move |all: &mut transom_store::BusinessSettings| {
            // The one that is meant, and never the last: somebody else may have been faster.
            if all.twilio.auth_tokens.len() > 1 {
                all.twilio.auth_tokens.retain(|token| token.key != dropped);
            }
        };
        let settings =
            self.store.change_settings(business, Arc::new(remove)).await?.ok_or_else(|| Problem::not_found("business"))?;
        if settings.twilio.auth_tokens.iter().any(|token| token.key == dropped) {
            return Err(conflict("No rotation is under way."));
        }
        self.store.revoke_key(business, dropped, self.now()).await?;
        self.forget_keys();
        self.audited_of(business, Actor::Operator, Action::KeyRevoked, dropped).await;
        // Webhooks are signed with the other one from now on.
        Ok(self.directory.reload().await?)
    }
}

fn conflict(why: &str) -> Problem {
    Problem::new(ErrorCode::StateConflict, why).remedy("Look at the tokens with `transom twilio credentials`.")
}

fn sealing(why: &SealError) -> Problem {
    Problem::new(ErrorCode::Unspecified, why.to_string())
}
