//! Businesses: made, named, and who may see them.

use transom_domain::error_code::ErrorCode;
use transom_domain::id::BusinessId;
use transom_store::{Action, Actor, Business, UserRoles};

use super::webhooks::webhook_secret;
use super::{Caller, Credential, Service};
use crate::problem::Problem;

/// Longest name or label.
const NAME_MAX: usize = 200;

/// Somebody at the door of the whole house, before they name a business.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visitor {
    /// Who.
    pub who: Actor,
    sees: Sees,
}

/// Which businesses somebody sees.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Sees {
    /// That of their key.
    One(BusinessId),
    /// Those in which they are something.
    Roles(UserRoles),
    /// All: they sit at the desk.
    All,
}

impl Visitor {
    fn sees(&self, business: BusinessId) -> bool {
        match &self.sees {
            Sees::One(own) => *own == business,
            Sees::Roles(roles) => roles.in_business(business).is_some(),
            Sees::All => true,
        }
    }

    /// Whether they own every business, those to come too, and so may make another one. A key is of one and makes no other.
    ///
    /// # Errors
    /// 403 when they do not.
    pub fn may_make_businesses(&self) -> Result<(), Problem> {
        let owns_all = match &self.sees {
            Sees::One(_) => false,
            Sees::Roles(roles) => roles.owns_all(),
            Sees::All => true,
        };
        if owns_all {
            return Ok(());
        }
        let why = "Only who is an owner of every business may make another one.";
        Err(Problem::new(ErrorCode::KeyScopeMissing, why)
            .remedy("An operator makes one with `transom business add`, and such owners with `transom user role`."))
    }
}

/// A name for people.
pub(super) fn checked_name(field: &str, text: &str) -> Result<String, Problem> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > NAME_MAX || text.chars().any(char::is_control) {
        return Err(Problem::field(field, format!("must have 1 to {NAME_MAX} characters on one line"), "give a short name"));
    }
    Ok(text.to_owned())
}

impl Service {
    /// Whoever shows this, before a business is named.
    ///
    /// # Errors
    /// 401 when the key is unknown or over, or nobody is signed in.
    pub async fn visitor(&self, credential: Credential) -> Result<Visitor, Problem> {
        Ok(match credential {
            Credential::Key(hash) => {
                let (business, who) = self.holder_of_key(hash).await?;
                Visitor { who, sees: Sees::One(business) }
            }
            Credential::Session(hash) => {
                let over = || Problem::new(ErrorCode::SessionInvalid, "Nobody is signed in, or the session is over.");
                let (_, user) = self.signed_in(hash).await?.ok_or_else(over)?;
                Visitor { who: Actor::User(user.id), sees: Sees::Roles(user.roles) }
            }
            Credential::Desk => Visitor { who: Actor::Operator, sees: Sees::All },
        })
    }

    /// The businesses that somebody sees, by id.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn businesses_of(&self, visitor: &Visitor) -> Result<Vec<Business>, Problem> {
        Ok(self.store.businesses().await?.into_iter().filter(|business| visitor.sees(business.id)).collect())
    }

    /// Makes a business, with a webhook secret of its own.
    ///
    /// # Errors
    /// When the name is none.
    pub async fn make_business(&self, who: Actor, name: &str) -> Result<Business, Problem> {
        let name = checked_name("name", name)?;
        let now = self.now();
        let sealing = |why: crate::seal::SealError| Problem::new(ErrorCode::Unspecified, why.to_string());
        let secret = webhook_secret().map_err(sealing)?;
        let business = Business {
            id: BusinessId::compose(now, self.chance.draw()),
            name,
            webhook_secret: self.key.seal(secret.as_bytes()).map_err(sealing)?,
            previous_webhook_secret: None,
            created_at: now,
        };
        self.store.put_business(business.clone()).await?;
        self.directory.reload().await?;
        self.audited_of(business.id, who, Action::BusinessMade, business.id).await;
        Ok(business)
    }

    /// Gives a business another name.
    ///
    /// # Errors
    /// When the name is none.
    pub async fn rename_business(&self, caller: &Caller, name: &str) -> Result<Business, Problem> {
        let name = checked_name("name", name)?;
        let known = self.business(caller).await?;
        if known.name == name {
            return Ok(known);
        }
        // Without a secret before its own only the name is meant.
        let named = Business { name, previous_webhook_secret: None, ..known };
        self.store.put_business(named.clone()).await?;
        self.audited(caller, Action::BusinessChanged, named.id).await;
        self.directory.reload().await?;
        Ok(named)
    }
}
