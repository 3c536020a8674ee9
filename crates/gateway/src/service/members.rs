//! The people of one business: who may use the console for it, as its owners make and change them.
//!
//! An owner's hand ends at their own business. Who is something elsewhere too keeps their name, their password and their sessions
//! there; what an operator made somebody everywhere only an operator changes.

use std::sync::Arc;

use transom_domain::error_code::ErrorCode;
use transom_domain::id::{BusinessId, UserId};
use transom_store::{Action, Actor, RoleGiven, User, UserRole};

use super::businesses::checked_name;
use super::users::{FirstPassword, NewUser, Where, address};
use super::{Caller, Service};
use crate::problem::Problem;

/// Somebody of a business.
#[derive(Debug, Clone)]
pub struct Member {
    /// Who.
    pub user: User,
    /// What they are in it.
    pub role: UserRole,
}

/// Somebody to be taken in.
#[derive(Debug, Clone)]
pub struct NewMember {
    /// By which they sign in.
    pub email: String,
    /// For people; the address where it is empty. Who is known here already keeps theirs.
    pub name: String,
    /// What they are to be.
    pub role: UserRole,
    /// Whether passwords are taken here: one is made up for who is new. Without, they sign in at the provider.
    pub with_password: bool,
}

/// A change to somebody; what is none stays.
#[derive(Debug, Clone, Default)]
pub struct MemberChange {
    /// What they are to be.
    pub role: Option<UserRole>,
    /// Another name.
    pub name: Option<String>,
}

fn absent() -> Problem {
    Problem::not_found("user").remedy("List them with `GET users`.")
}

fn not_here_alone(user: &User) -> Problem {
    Problem::new(ErrorCode::StateConflict, format!("{} is known in another business of this house too.", user.email))
        .remedy("They change it themselves after signing in; an operator does it with `transom user`.")
}

fn not_by_password(user: &User) -> Problem {
    Problem::new(ErrorCode::StateConflict, format!("{} signs in with their company's account.", user.email))
        .remedy("They need no password; an operator gives one with `transom user password`.")
}

impl Member {
    fn of(caller: &Caller, user: User) -> Option<Self> {
        user.roles.in_business(caller.business).map(|role| Self { user, role })
    }

    /// Whether an operator made them this for every business.
    #[must_use]
    pub fn is_everywhere(&self) -> bool {
        self.user.roles.everywhere.is_some()
    }

    /// Whether they are something in this business and nowhere else.
    fn is_only_here(&self) -> bool {
        !self.is_everywhere() && self.user.roles.of.len() <= 1
    }
}

impl Service {
    /// The people of a business, by age.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn members(&self, caller: &Caller) -> Result<Vec<Member>, Problem> {
        Ok(self.store.users().await?.into_iter().filter_map(|user| Member::of(caller, user)).collect())
    }

    /// One of them.
    ///
    /// # Errors
    /// 404 when this business has none with this id.
    pub async fn member(&self, caller: &Caller, id: UserId) -> Result<Member, Problem> {
        self.members(caller).await?.into_iter().find(|member| member.user.id == id).ok_or_else(absent)
    }

    /// Takes somebody in. Who is new gets a password, given this once, where passwords are taken. Who is known in the house already keeps theirs, and is taken
    /// in only by somebody who owns all businesses in which they are something: the owner of another one may know that password.
    ///
    /// # Errors
    /// 400 when the address is none; 409 when they are something in this business already, or in one that the caller does not own.
    pub async fn add_member(&self, caller: &Caller, new: NewMember) -> Result<(Member, Option<String>), Problem> {
        let email = address(&new.email)?;
        let Some(known) = self.store.user_by_email(email).await? else {
            let place = (Where::Business(caller.business), new.role);
            let password = if new.with_password { FirstPassword::MadeUp } else { FirstPassword::None };
            let new = NewUser { email: new.email, name: new.name, role: place, password };
            let (user, password) = self.add_user(caller.who, new).await?;
            return Ok((Member { user, role: place.1 }, password));
        };
        if known.roles.in_business(caller.business).is_some() {
            return Err(Problem::new(ErrorCode::StateConflict, format!("{} is in this business already.", known.email))
                .remedy("Change what they are with PATCH."));
        }
        if !self.owns_all_of(caller, &known).await? {
            let why = format!("{} is known in another business of this house.", known.email);
            return Err(Problem::new(ErrorCode::StateConflict, why).remedy(
                "An operator takes them in with `transom user role` and gives them another password with `transom user password`, \
                 so that no business lets in whom another one made.",
            ));
        }
        Ok((self.give_member_role(caller, known.id, Some(new.role)).await?.ok_or_else(absent)?, None))
    }

    /// Changes what somebody is in this business, or their name.
    ///
    /// # Errors
    /// 404 when this business has none with this id; 409 when nobody would be left who owns it, when an operator made them what
    /// they are, or for the name of who is something elsewhere too.
    pub async fn change_member(&self, caller: &Caller, id: UserId, change: MemberChange) -> Result<Member, Problem> {
        let mut member = self.changeable(caller, id).await?;
        let name = change.name.map(|name| checked_name("name", &name)).transpose()?.filter(|name| *name != member.user.name);
        if name.is_some() && !member.is_only_here() {
            return Err(not_here_alone(&member.user));
        }
        if let Some(role) = change.role.filter(|role| *role != member.role) {
            member = self.give_member_role(caller, id, Some(role)).await?.ok_or_else(absent)?;
        }
        if let Some(name) = name {
            let change = Arc::new(move |user: &mut User| user.name.clone_from(&name));
            let user = self.store.change_user(id, change, false).await?.ok_or_else(absent)?;
            self.forget_sessions();
            self.audited(caller, Action::UserChanged, id).await;
            member = Member::of(caller, user).ok_or_else(absent)?;
        }
        Ok(member)
    }

    /// Somebody is nothing in this business any more. Who is nothing anywhere then is removed, and signed out everywhere.
    ///
    /// # Errors
    /// 404 when this business has none with this id; 409 when nobody would be left who owns it, or an operator made them what they
    /// are.
    pub async fn remove_member(&self, caller: &Caller, id: UserId) -> Result<(), Problem> {
        self.changeable(caller, id).await?;
        self.give_member_role(caller, id, None).await.map(drop)
    }

    /// Gives somebody another password, which is given this once, and signs them out everywhere.
    ///
    /// # Errors
    /// 404 when this business has none with this id; 409 when they are something elsewhere too, or sign in at the provider: what that
    /// one says that they are is more than this business can give.
    pub async fn renew_member_password(&self, caller: &Caller, id: UserId) -> Result<(Member, String), Problem> {
        let member = self.changeable(caller, id).await?;
        if !member.is_only_here() {
            return Err(not_here_alone(&member.user));
        }
        if member.user.external.is_some() {
            return Err(not_by_password(&member.user));
        }
        // Asked again in the commit: they may have come in by the provider, or be something elsewhere, since.
        let business = caller.business;
        let is_ours = move |user: &User| {
            let is_only_here = user.roles.everywhere.is_none() && user.roles.of.keys().eq([&business]);
            user.external.is_none() && is_only_here
        };
        let (user, password) = self.give_password(caller.who, id, None, is_ours).await?.ok_or_else(absent)?;
        let made_up = || Problem::new(ErrorCode::Unspecified, "No password could be made up.");
        Ok((Member::of(caller, user).ok_or_else(absent)?, password.ok_or_else(made_up)?))
    }

    /// Whether the caller owns every business in which somebody is something.
    async fn owns_all_of(&self, caller: &Caller, somebody: &User) -> Result<bool, Problem> {
        let own = match caller.who {
            Actor::Operator => return Ok(true),
            Actor::Key(_) | Actor::House => return Ok(false),
            Actor::User(own) => self.store.users().await?.into_iter().find(|user| user.id == own),
        };
        let owns =
            |business: &BusinessId| own.as_ref().is_some_and(|own| own.roles.in_business(*business) == Some(UserRole::Owner));
        Ok(somebody.roles.of.keys().all(owns))
    }

    /// Somebody who is what they are by this business alone.
    async fn changeable(&self, caller: &Caller, id: UserId) -> Result<Member, Problem> {
        let member = self.member(caller, id).await?;
        if member.is_everywhere() {
            let why = format!("An operator made {} what they are in every business.", member.user.email);
            return Err(Problem::new(ErrorCode::StateConflict, why).remedy("An operator changes it with `transom user role`."));
        }
        Ok(member)
    }

    /// None where they are nothing in this business any more.
    async fn give_member_role(&self, caller: &Caller, id: UserId, role: Option<UserRole>) -> Result<Option<Member>, Problem> {
        let (user, action) = match self.store.give_role(id, caller.business, role).await? {
            RoleGiven::Given(user) if role.is_some() => (user, Action::UserChanged),
            RoleGiven::Given(user) | RoleGiven::Removed(user) => (user, Action::UserRemoved),
            RoleGiven::Nobody => return Err(absent()),
            RoleGiven::LastOwner => {
                return Err(Problem::new(ErrorCode::StateConflict, "Nobody would be left who owns this business.")
                    .remedy("Make somebody else an owner first."));
            }
        };
        self.forget_sessions();
        self.audited(caller, action, id).await;
        Ok(Member::of(caller, user))
    }
}
