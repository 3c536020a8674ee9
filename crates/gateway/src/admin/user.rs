//! Users of the console, as an operator makes and changes them.

use serde::{Deserialize, Serialize};

use transom_domain::id::{BusinessId, UserId};
use transom_store::{Actor, User, UserRole};

use super::command::{AdminAnswer, Secret};
use super::{Admin, done, rfc3339};
use crate::problem::Problem;
use crate::service::{FirstPassword, NewUser, Where};

/// What can be asked about users.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case", deny_unknown_fields)]
pub enum UserAsk {
    /// Makes one.
    Add {
        /// By which they sign in.
        email: String,
        /// For people.
        #[serde(default)]
        name: String,
        /// What they are.
        role: UserRole,
        /// Where; none for every business.
        #[serde(default)]
        business: Option<BusinessId>,
        /// Made up and answered when left out.
        #[serde(default)]
        password: Option<Secret>,
        /// No password at all: they sign in at the provider.
        #[serde(default)]
        no_password: bool,
    },
    /// Lists all.
    List {},
    /// Changes what somebody is.
    Role {
        /// Who.
        email: String,
        /// What; none for nothing any more.
        #[serde(default)]
        role: Option<UserRole>,
        /// Where; none for every business.
        #[serde(default)]
        business: Option<BusinessId>,
    },
    /// Gives another password and ends all sessions.
    Password {
        /// Who.
        email: String,
        /// Made up and answered when left out.
        #[serde(default)]
        password: Option<Secret>,
    },
    /// Forgets as whom the provider knows one, and ends all sessions.
    Unlink {
        /// Who.
        email: String,
    },
    /// Ends all sessions.
    SignOut {
        /// Who.
        email: String,
    },
    /// Removes one.
    Remove {
        /// Who.
        email: String,
    },
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserView {
    /// Names them.
    pub id: UserId,
    /// By which they sign in.
    pub email: String,
    /// For people.
    pub name: String,
    /// Whether they have a password.
    pub password: bool,
    /// The provider at which they have signed in.
    pub provider: Option<String>,
    /// What they are in every business.
    pub everywhere: Option<UserRole>,
    /// What they are where.
    pub roles: Vec<RoleView>,
    /// RFC 3339.
    pub created_at: String,
    /// RFC 3339.
    pub signed_in_at: Option<String>,
}

/// What somebody is in one business.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoleView {
    /// Where.
    pub business: BusinessId,
    /// What.
    pub role: UserRole,
}

fn view(user: User) -> UserView {
    UserView {
        id: user.id,
        email: user.email,
        name: user.name,
        password: user.password.is_some(),
        provider: user.external.map(|external| external.issuer),
        everywhere: user.roles.everywhere,
        roles: user.roles.of.into_iter().map(|(business, role)| RoleView { business, role }).collect(),
        created_at: rfc3339(user.created_at),
        signed_in_at: user.signed_in_at.map(rfc3339),
    }
}

impl Admin {
    pub(super) async fn user(&self, ask: UserAsk) -> Result<AdminAnswer, Problem> {
        let place = |business: Option<BusinessId>| business.map_or(Where::Everywhere, Where::Business);
        let made =
            |(user, password): (User, Option<String>)| AdminAnswer::User { user: view(user), password: password.map(Secret) };
        match ask {
            UserAsk::Add { email, name, role, business, password, no_password } => {
                let password = match password {
                    Some(Secret(text)) => FirstPassword::Chosen(text),
                    None if no_password => FirstPassword::None,
                    None => FirstPassword::MadeUp,
                };
                let new = NewUser { email, name, role: (place(business), role), password };
                self.service.add_user(Actor::Operator, new).await.map(made)
            }
            UserAsk::List {} => Ok(AdminAnswer::Users { data: self.service.users().await?.into_iter().map(view).collect() }),
            UserAsk::Role { email, role, business } => {
                self.service.set_user_role(&email, place(business), role).await.map(|user| made((user, None)))
            }
            UserAsk::Password { email, password } => {
                self.service.set_user_password(Actor::Operator, &email, password.map(|text| text.0)).await.map(made)
            }
            UserAsk::Unlink { email } => {
                let user = self.service.unlink_user(&email).await?;
                Ok(done(format!(
                    "The next sign-in at the provider with the address {} is theirs; they are signed out.",
                    user.email
                )))
            }
            UserAsk::SignOut { email } => {
                let ended = self.service.sign_user_out(&email).await?;
                Ok(done(format!("{email} is signed out in {ended} places.")))
            }
            UserAsk::Remove { email } => {
                let user = self.service.remove_user(&email).await?;
                Ok(done(format!("{} is removed, and signed out everywhere.", user.email)))
            }
        }
    }
}
