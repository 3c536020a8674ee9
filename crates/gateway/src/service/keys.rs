//! API keys of a business: made, listed, rotated, revoked.

use sha2::{Digest as _, Sha256};

use transom_domain::error_code::ErrorCode;
use transom_domain::id::{BusinessId, KeyId};
use transom_domain::time::Span;
use transom_store::{Action, Key, Scopes};

use super::Service;
use super::command::Caller;
use crate::problem::Problem;
use crate::seal::{hex, random};

/// Longest label.
const LABEL_MAX: usize = 200;

/// A key to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    /// For people.
    pub label: String,
    /// What it may do.
    pub scopes: Scopes,
    /// After how long it ends by itself.
    pub expires_in: Option<Span>,
}

fn missing() -> Problem {
    Problem::not_found("key").remedy("List the keys with `GET keys` or `transom key list`.")
}

impl Service {
    /// The keys of a business, revoked ones too.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn keys(&self, caller: &Caller) -> Result<Vec<Key>, Problem> {
        Ok(self.store.keys(caller.business).await?)
    }

    /// Makes a key; its text is given this once and kept nowhere.
    ///
    /// # Errors
    /// When the label is none.
    pub async fn make_key(&self, caller: &Caller, new: NewKey) -> Result<(Key, String), Problem> {
        let label = new.label.trim().to_owned();
        if label.is_empty() || label.chars().count() > LABEL_MAX || label.chars().any(char::is_control) {
            let rule = format!("must have 1 to {LABEL_MAX} characters on one line");
            return Err(Problem::field("label", rule, "say in a few words what it is for"));
        }
        let (key, text) = self.drawn_key(caller.business, label, new.scopes, new.expires_in)?;
        self.store.put_key(key.clone()).await?;
        self.audited(caller, Action::KeyMade, key.id).await;
        Ok((key, text))
    }

    /// Makes a key in the place of another one, with the same label, scopes and length of life; its text is given this once. The other one
    /// goes on for `overlap`.
    ///
    /// # Errors
    /// 404 when this business has no such key; 409 when it is over, or an auth token of Twilio's dialect.
    pub async fn rotate_key(&self, caller: &Caller, old: KeyId, overlap: Span) -> Result<(Key, String), Problem> {
        let known = self.store.keys(caller.business).await?.into_iter().find(|key| key.id == old);
        let known = known.ok_or_else(missing)?;
        self.refuse_auth_token(caller.business, old).await?;
        let life = known.expires_at.map(|at| at.since(known.created_at));
        let (key, text) = self.drawn_key(caller.business, known.label, known.scopes, life)?;
        if !self.store.rotate_key(old, key.created_at.plus(overlap), key.clone()).await? {
            return Err(Problem::new(ErrorCode::StateConflict, format!("Key {old} was revoked or has expired."))
                .remedy("Make a new one with `POST keys` or `transom key add`."));
        }
        self.forget_keys();
        self.audited(caller, Action::KeyRotated, old).await;
        self.audited(caller, Action::KeyMade, key.id).await;
        Ok((key, text))
    }

    fn drawn_key(
        &self,
        business: BusinessId,
        label: String,
        scopes: Scopes,
        expires_in: Option<Span>,
    ) -> Result<(Key, String), Problem> {
        let now = self.now();
        // 256 random bits; letters and digits only, so that a double click takes all of it, and Twilio's SDKs take it as a secret.
        let bytes = random::<32>().map_err(|why| Problem::new(ErrorCode::Unspecified, why.to_string()))?;
        let text = format!("tk{}", hex(&bytes));
        let key = Key {
            id: KeyId::compose(now, self.chance.draw()),
            business,
            label,
            hash: Sha256::digest(text.as_bytes()).into(),
            scopes,
            created_at: now,
            expires_at: expires_in.map(|life| now.plus(life)),
            revoked_at: None,
            used_at: None,
        };
        Ok((key, text))
    }

    async fn refuse_auth_token(&self, business: BusinessId, key: KeyId) -> Result<(), Problem> {
        if self.is_auth_token(business, key).await? {
            return Err(Problem::new(ErrorCode::StateConflict, format!("Key {key} is an auth token of the account."))
                .remedy("Rotate it: `transom twilio credentials --rotate begin`, and then `--rotate promote`."));
        }
        Ok(())
    }

    /// Ends a key at once.
    ///
    /// # Errors
    /// 404 when this business has no such key; 409 when it is an auth token of Twilio's dialect, which is rotated.
    pub async fn revoke_key(&self, caller: &Caller, key: KeyId) -> Result<(), Problem> {
        self.refuse_auth_token(caller.business, key).await?;
        if !self.store.revoke_key(caller.business, key, self.now()).await? {
            return Err(missing());
        }
        self.forget_keys();
        self.audited(caller, Action::KeyRevoked, key).await;
        Ok(())
    }
}
