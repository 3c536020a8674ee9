//! Who uses the console: users made and changed by an operator, and what a session of theirs may do.

use std::sync::Arc;

use transom_domain::error_code::ErrorCode;
use transom_domain::id::{BusinessId, UserId};
use transom_domain::time::{Span, Timestamp};
use transom_store::{Action, Actor, ConsoleSession, RenewSession, Scopes, USERS_MAX, User, UserRole, UserRoles};

use super::Service;
use super::businesses::checked_name;
use crate::console::password;
use crate::problem::Problem;

/// How exactly it is noted when a session was last used.
const SEEN_EVERY: Span = Span::minutes(1);
/// Longest e-mail address (RFC 5321, 4.5.3.1.3, without the brackets).
const EMAIL_MAX: usize = 254;

/// A session with whose it is.
pub(crate) type SignedIn = (ConsoleSession, User);

/// Where somebody is something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Where {
    /// In every business, those to come too.
    Everywhere,
    /// In one.
    Business(BusinessId),
}

/// A user to be made.
#[derive(Clone)]
pub struct NewUser {
    /// By which they sign in.
    pub email: String,
    /// For people; the address where it is empty.
    pub name: String,
    /// What they are, and where.
    pub role: (Where, UserRole),
    /// By what they sign in here.
    pub password: FirstPassword,
}

/// The password that somebody begins with.
#[derive(Clone)]
pub enum FirstPassword {
    /// Made up.
    MadeUp,
    /// Chosen by somebody.
    Chosen(String),
    /// None: they sign in at a provider.
    None,
}

/// The address as it is kept: one spelling.
pub(super) fn address(text: &str) -> Result<String, Problem> {
    let text = text.trim().to_lowercase();
    let fits = text.len() <= EMAIL_MAX
        && !text.chars().any(|c| c.is_whitespace() || c.is_control())
        && text.split_once('@').is_some_and(|(who, at)| !who.is_empty() && !at.is_empty() && !at.contains('@'));
    match fits {
        true => Ok(text),
        false => Err(Problem::field("email", "is no e-mail address", "write it as name@example.com")),
    }
}

fn absent(email: &str) -> Problem {
    Problem::new(ErrorCode::NotFound, format!("There is no user {email}.")).remedy("List them with `transom user list`.")
}

impl Service {
    /// All users.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn users(&self) -> Result<Vec<User>, Problem> {
        Ok(self.store.users().await?)
    }

    /// Makes a user; gives the password too, where it was made up.
    ///
    /// # Errors
    /// When the address is none or another user's, the business is not there, or the password too short.
    pub async fn add_user(&self, who: Actor, new: NewUser) -> Result<(User, Option<String>), Problem> {
        let email = address(&new.email)?;
        let name = if new.name.trim().is_empty() { email.clone() } else { checked_name("name", &new.name)? };
        let mut roles = UserRoles::default();
        self.give(&mut roles, new.role.0, Some(new.role.1)).await?;
        let (hash, made_up) = match new.password {
            FirstPassword::None => (None, None),
            FirstPassword::MadeUp => self.password_of(None).await.map(|(hash, made_up)| (Some(hash), made_up))?,
            FirstPassword::Chosen(text) => self.password_of(Some(text)).await.map(|(hash, made_up)| (Some(hash), made_up))?,
        };
        let now = self.now();
        let id = UserId::compose(now, self.chance.draw());
        let user = User { id, email, name, password: hash, external: None, roles, created_at: now, signed_in_at: None };
        if !self.store.add_user(user.clone()).await? {
            let why = format!("There is a user {} already, or there are {USERS_MAX}.", user.email);
            return Err(Problem::new(ErrorCode::StateConflict, why).remedy("List them with `transom user list`."));
        }
        self.audited_of_user(who, &user, Action::UserMade).await;
        Ok((user, made_up))
    }

    /// Changes what a user is somewhere; none takes it away. Counts at once in this process, elsewhere within seconds.
    ///
    /// # Errors
    /// 404 when there is no such user or business.
    pub async fn set_user_role(&self, email: &str, place: Where, role: Option<UserRole>) -> Result<User, Problem> {
        let user = self.user_named(email).await?;
        let mut roles = user.roles.clone();
        self.give(&mut roles, place, role).await?;
        let change = Arc::new(move |user: &mut User| match (place, role) {
            (Where::Everywhere, role) => user.roles.everywhere = role,
            (Where::Business(business), Some(role)) => drop(user.roles.of.insert(business, role)),
            (Where::Business(business), None) => drop(user.roles.of.remove(&business)),
        });
        let changed = self.store.change_user(user.id, change, false).await?.ok_or_else(|| absent(email))?;
        self.forget_sessions();
        // Where somebody is nothing any more, that is written down too.
        self.audited_of_user(Actor::Operator, &User { roles: user.roles, ..changed.clone() }, Action::UserChanged).await;
        if let (Where::Business(business), Some(_)) = (place, role) {
            self.audited_of(business, Actor::Operator, Action::UserChanged, changed.id).await;
        }
        Ok(changed)
    }

    /// Another password; all sessions end. Gives it where it was made up.
    ///
    /// # Errors
    /// 404 when there is no such user; 400 when it is too short.
    pub async fn set_user_password(
        &self,
        who: Actor,
        email: &str,
        password: Option<String>,
    ) -> Result<(User, Option<String>), Problem> {
        let user = self.user_named(email).await?;
        self.give_password(who, user.id, password, |_| true).await?.ok_or_else(|| absent(email))
    }

    /// Another password in the place of the one that they have just shown; all sessions end.
    ///
    /// # Errors
    /// 400 when it is too short; 409 when theirs was changed or taken away meanwhile.
    pub(crate) async fn replace_password(&self, user: &User, new: String) -> Result<(), Problem> {
        let shown = user.password.clone();
        let is_same = move |user: &User| user.password == shown;
        let changed = self.give_password(Actor::User(user.id), user.id, Some(new), is_same).await?;
        changed.map(drop).ok_or_else(|| absent(&user.email))
    }

    /// Gives a user another password, if they may have it in the moment of the commit, and ends all their sessions; none when there is
    /// no such user.
    pub(super) async fn give_password(
        &self,
        who: Actor,
        user: UserId,
        password: Option<String>,
        may: impl Fn(&User) -> bool + Send + Sync + 'static,
    ) -> Result<Option<(User, Option<String>)>, Problem> {
        let (hash, made_up) = self.password_of(password).await?;
        let new = Some(hash);
        let given = new.clone();
        let change = Arc::new(move |user: &mut User| {
            if may(user) {
                user.password.clone_from(&given);
            }
        });
        let Some(changed) = self.store.change_user(user, change, true).await? else { return Ok(None) };
        self.forget_sessions();
        if changed.password != new {
            let why = format!("{} was changed by somebody else meanwhile.", changed.email);
            return Err(Problem::new(ErrorCode::StateConflict, why).remedy("Look at them again."));
        }
        self.audited_of_user(who, &changed, Action::UserChanged).await;
        Ok(Some((changed, made_up)))
    }

    /// Changes how a user signs in; all sessions end.
    pub(super) async fn change_user_named(
        &self,
        email: &str,
        change: impl Fn(&mut User) + Send + Sync + 'static,
    ) -> Result<User, Problem> {
        let user = self.user_named(email).await?;
        let changed = self.store.change_user(user.id, Arc::new(change), true).await?.ok_or_else(|| absent(email))?;
        self.forget_sessions();
        self.audited_of_user(Actor::Operator, &changed, Action::UserChanged).await;
        Ok(changed)
    }

    /// Ends all sessions of a user; says how many.
    ///
    /// # Errors
    /// 404 when there is no such user.
    pub async fn sign_user_out(&self, email: &str) -> Result<usize, Problem> {
        let user = self.user_named(email).await?;
        self.sign_out_everywhere(user.id).await
    }

    /// Removes a user; all sessions end.
    ///
    /// # Errors
    /// 404 when there is no such user.
    pub async fn remove_user(&self, email: &str) -> Result<User, Problem> {
        let user = self.user_named(email).await?;
        if !self.store.remove_user(user.id).await? {
            return Err(absent(email));
        }
        self.forget_sessions();
        self.audited_of_user(Actor::Operator, &user, Action::UserRemoved).await;
        Ok(user)
    }

    async fn user_named(&self, email: &str) -> Result<User, Problem> {
        let email = address(email)?;
        self.store.user_by_email(email.clone()).await?.ok_or_else(|| absent(&email))
    }

    async fn give(&self, roles: &mut UserRoles, place: Where, role: Option<UserRole>) -> Result<(), Problem> {
        match place {
            Where::Everywhere => roles.everywhere = role,
            Where::Business(business) => {
                // What somebody is where nothing is any more can be taken away.
                if role.is_some() {
                    self.is_here(business).await?;
                }
                roles.of.extend(role.map(|role| (business, role)));
            }
        }
        Ok(())
    }

    /// The hash of a password, and the password where it was made up.
    async fn password_of(&self, chosen: Option<String>) -> Result<(String, Option<String>), Problem> {
        let failed = |why: &dyn std::fmt::Display| Problem::new(ErrorCode::Unspecified, why.to_string());
        let (text, made_up) = match chosen {
            Some(text) => (text, None),
            None => {
                let text = password::made_up().map_err(|why| failed(&why))?;
                (text.clone(), Some(text))
            }
        };
        password::check("password", &text)?;
        let hash = tokio::task::spawn_blocking(move || password::hashed(&text)).await.map_err(|why| failed(&why))?;
        Ok((hash.map_err(|why| failed(&why))?, made_up))
    }

    /// Writes down what was done about a user, in each business in which they are something.
    pub(super) async fn audited_of_user(&self, who: Actor, user: &User, action: Action) {
        let mut businesses: Vec<BusinessId> = user.roles.of.keys().copied().collect();
        if user.roles.everywhere.is_some() {
            businesses = match self.store.businesses().await {
                Ok(all) => all.into_iter().map(|business| business.id).collect(),
                Err(_) => businesses,
            };
        }
        for business in businesses {
            self.audited_of(business, who, action, user.id).await;
        }
    }

    // ---- sessions -------------------------------------------------------------------------------------------------

    /// The session of a token's hash; none when it is over.
    pub(crate) async fn signed_in(&self, hash: [u8; 32]) -> Result<Option<SignedIn>, Problem> {
        let now = self.now();
        let lasts = |(session, _): &SignedIn| now < session.ends_at && now < session.seen_at.plus(self.limits.console_idle);
        let look = match self.sessions.find(&hash) {
            Ok(found) => return Ok(Some(found).filter(lasts)),
            Err(look) => look,
        };
        let found = self.store.console_session(hash, now).await?.filter(lasts);
        self.sessions.keep(look, hash, found.as_ref());
        Ok(found)
    }

    /// Who a session is in a business, and what they may do.
    pub(super) async fn of_session(&self, business: BusinessId, hash: [u8; 32]) -> Result<(Actor, Scopes), Problem> {
        let over = || Problem::new(ErrorCode::SessionInvalid, "Nobody is signed in, or the session is over.");
        let (_, user) = self.signed_in(hash).await?.ok_or_else(over)?;
        let role = user.roles.in_business(business);
        // The same words as where there is nothing: whose businesses there are is nobody's business.
        let role = role.ok_or_else(|| Problem::new(ErrorCode::NotFound, "There is no such business here."))?;
        self.is_here(business).await?;
        Ok((Actor::User(user.id), role.scopes()))
    }

    /// Notes that a session is in use.
    pub(crate) async fn seen(&self, hash: [u8; 32]) {
        let now = self.now();
        let is_due = |found: &SignedIn| now >= found.0.seen_at.plus(SEEN_EVERY);
        if !matches!(self.signed_in(hash).await, Ok(Some(found)) if is_due(&found)) {
            return;
        }
        match self.store.renew_console_session(hash, RenewSession { now, token: None }).await {
            Ok(_) => self.sessions.change(&hash, |(session, _)| session.seen_at = session.seen_at.max(now)),
            Err(why) => tracing::warn!(error = %why, "it could not be noted that a session is in use"),
        }
    }

    /// Begins a session of a user.
    pub(crate) async fn begin_session(&self, session: ConsoleSession) -> Result<bool, Problem> {
        Ok(self.store.begin_console_session(session).await?)
    }

    /// Gives a session another token; `false` when another request did.
    pub(crate) async fn renew_session(&self, hash: [u8; 32], new: [u8; 32], until: Timestamp) -> Result<bool, Problem> {
        let renew = RenewSession { now: self.now(), token: Some((new, until)) };
        let is_done = self.store.renew_console_session(hash, renew).await?;
        self.forget_sessions();
        Ok(is_done)
    }

    /// Ends a session.
    pub(crate) async fn end_session(&self, hash: [u8; 32]) -> Result<(), Problem> {
        self.store.end_console_session(hash).await?;
        self.forget_sessions();
        Ok(())
    }

    /// Ends all sessions of a user; says how many.
    pub(crate) async fn sign_out_everywhere(&self, user: UserId) -> Result<usize, Problem> {
        let ended = self.store.end_console_sessions(user).await?;
        self.forget_sessions();
        Ok(ended)
    }

    /// Forgets what was looked up of sessions: what was changed through this process counts at once.
    pub(super) fn forget_sessions(&self) {
        self.sessions.forget();
        // A stream asks again when it is woken.
        self.relay.listeners().poke_all();
    }
}
