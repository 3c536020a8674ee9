//! People whom a provider has signed in, and the users they are here.

use transom_domain::id::UserId;
use transom_store::{Action, Actor, Admitted, AdmittedAs, ExternalIdentity, ExternalSignIn, User, UserRoles};

use super::Service;
use crate::problem::Problem;

/// Somebody whom a provider has signed in.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Newcomer {
    /// Who, to the provider.
    pub(crate) identity: ExternalIdentity,
    /// Their address in lower case, where it is known to be theirs.
    pub(crate) email: Option<String>,
    /// For people; may be empty.
    pub(crate) name: String,
    /// What the provider says that they are, where it has a say.
    pub(crate) roles: Option<UserRoles>,
}

impl std::fmt::Debug for Newcomer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Newcomer").field("roles", &self.roles).finish_non_exhaustive()
    }
}

/// Why somebody is no user here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotAdmitted {
    /// Nobody has their address, or it is not known to be theirs.
    Nobody,
    /// They are nothing anywhere.
    Nothing,
    /// The user with their address is somebody else to the provider.
    Taken,
    /// There are as many users as there may be.
    Full,
}

impl Service {
    /// The user that somebody is here, found, bound or made; what changed is in the audit log.
    pub(crate) async fn let_in(&self, newcomer: Newcomer) -> Result<Result<User, NotAdmitted>, Problem> {
        let now = self.now();
        let is_nothing = newcomer.roles.as_ref().is_some_and(|roles| *roles == UserRoles::default());
        let Newcomer { identity, email, name, roles } = newcomer;
        let new = UserId::compose(now, self.chance.draw());
        let (user, before, kept, how) = match self.store.admit(ExternalSignIn { identity, email, name, roles, new, now }).await? {
            Admitted::As { user, before, kept, how } => (*user, before, kept, how),
            Admitted::Nobody if is_nothing => return Ok(Err(NotAdmitted::Nothing)),
            Admitted::Nobody => return Ok(Err(NotAdmitted::Nobody)),
            Admitted::Taken => return Ok(Err(NotAdmitted::Taken)),
            Admitted::Full => return Ok(Err(NotAdmitted::Full)),
        };
        if how == AdmittedAs::Made {
            self.audited_of_user(Actor::House, &user, Action::UserMade).await;
        } else if how == AdmittedAs::Bound || user.roles != before {
            self.forget_sessions();
            // Where they were something, too.
            let mut all = user.clone();
            all.roles.everywhere = all.roles.everywhere.max(before.everywhere);
            all.roles.of.extend(before.of);
            let actor = if how == AdmittedAs::Bound { Actor::User(user.id) } else { Actor::House };
            self.audited_of_user(actor, &all, Action::UserChanged).await;
        }
        for business in &kept {
            tracing::warn!(
                user = %user.id, %business,
                "the provider's groups would take the last owner of a business: they stay; make somebody else an owner first"
            );
            self.audited_of(*business, Actor::House, Action::OwnerKept, user.id).await;
        }
        Ok(if is_nothing && kept.is_empty() { Err(NotAdmitted::Nothing) } else { Ok(user) })
    }

    /// Forgets as whom a provider knows a user: the next sign-in with their address binds again. All sessions end.
    ///
    /// # Errors
    /// 404 when there is no such user.
    pub async fn unlink_user(&self, email: &str) -> Result<User, Problem> {
        self.change_user_named(email, |user| user.external = None).await
    }
}
