//! Who uses the console: users, what they are in which business, and where they are signed in.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use transom_domain::id::{BusinessId, ConsoleSessionId, UserId};
use transom_domain::time::Timestamp;

use super::{Answer, Scopes};

/// Users of one house.
pub const USERS_MAX: usize = 1_000;
/// Places where one user is signed in at once; a further one ends the oldest.
pub const SESSIONS_MAX: usize = 32;

/// What somebody is in a business.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserRole {
    /// Looks.
    Viewer,
    /// Looks, and speaks with customers.
    Agent,
    /// Everything.
    Owner,
}

impl UserRole {
    /// All, from the least to the most.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Agent, Self::Owner];

    /// The word on our wires.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Agent => "agent",
            Self::Owner => "owner",
        }
    }

    /// The role with this word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }

    /// What it may do, in the scopes of API keys.
    #[must_use]
    pub const fn scopes(self) -> Scopes {
        match self {
            Self::Viewer => Scopes::READ,
            Self::Agent => Scopes(Scopes::READ.0 | Scopes::SEND.0),
            Self::Owner => Scopes::ADMIN,
        }
    }
}

/// What somebody is, where.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct UserRoles {
    /// In every business, those to come too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub everywhere: Option<UserRole>,
    /// In these.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub of: BTreeMap<BusinessId, UserRole>,
}

impl UserRoles {
    /// What somebody is in a business: the most that is said.
    #[must_use]
    pub fn in_business(&self, business: BusinessId) -> Option<UserRole> {
        self.everywhere.max(self.of.get(&business).copied())
    }

    /// Whether they own every business, those to come too.
    #[must_use]
    pub fn owns_all(&self) -> bool {
        self.everywhere == Some(UserRole::Owner)
    }
}

/// Somebody who uses the console.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Names them.
    pub id: UserId,
    /// By which they sign in; in lower case, one user each.
    pub email: String,
    /// For people.
    pub name: String,
    /// Hash of the password with its salt and costs (PHC); none where they sign in elsewhere only.
    #[serde(default)]
    pub password: Option<String>,
    /// As whom a provider knows them, where they have signed in through one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external: Option<ExternalIdentity>,
    /// What they are.
    #[serde(default)]
    pub roles: UserRoles,
    /// Since when.
    pub created_at: Timestamp,
    /// When they last signed in.
    #[serde(default)]
    pub signed_in_at: Option<Timestamp>,
}

impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User").field("id", &self.id).field("roles", &self.roles).finish_non_exhaustive()
    }
}

/// Somebody, as a provider of sign-ins names them: for good, while addresses change hands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExternalIdentity {
    /// The provider, as its tokens spell it.
    pub issuer: String,
    /// Its name for them, unique there and never given to somebody else.
    pub subject: String,
}

/// Somebody whom a provider has signed in.
#[derive(Clone, PartialEq, Eq)]
pub struct ExternalSignIn {
    /// Who, to the provider.
    pub identity: ExternalIdentity,
    /// Their address in lower case, where it is known to be theirs.
    pub email: Option<String>,
    /// For people; the address where it is empty.
    pub name: String,
    /// What the provider says that they are: it replaces what they were. None where it has no say.
    pub roles: Option<UserRoles>,
    /// The id of the user who is made of them, where one is.
    pub new: UserId,
    /// When.
    pub now: Timestamp,
}

/// How somebody whom a provider has signed in became a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdmittedAs {
    /// The user who signed in so before.
    Known,
    /// The user with the address, who from now on is this person to that provider.
    Bound,
    /// A new one.
    Made,
}

/// What became of somebody whom a provider has signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admitted {
    /// A user.
    As {
        /// As they are now.
        user: Box<User>,
        /// What they were before.
        before: UserRoles,
        /// Businesses in which they stay an owner against the provider's word: nobody else owns them.
        kept: Vec<BusinessId>,
        /// How.
        how: AdmittedAs,
    },
    /// No user, and nobody made one of them: they have no address, or are nothing anywhere.
    Nobody,
    /// The user with the address is somebody else to the provider.
    Taken,
    /// There are [`USERS_MAX`] already.
    Full,
}

/// Somewhere somebody is signed in. The token itself is with the browser alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsoleSession {
    /// Names it, over all renewals of its token.
    pub id: ConsoleSessionId,
    /// SHA-256 of the token.
    pub hash: [u8; 32],
    /// SHA-256 of the token before it, and until when that is good too: requests under way have it still.
    pub former: Option<([u8; 32], Timestamp)>,
    /// Whose.
    pub user: UserId,
    /// Since when.
    pub began_at: Timestamp,
    /// When it was last used, to the minute.
    pub seen_at: Timestamp,
    /// When its token was last renewed.
    pub renewed_at: Timestamp,
    /// When it ends, however much it is used.
    pub ends_at: Timestamp,
}

/// What becomes of a session in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RenewSession {
    /// It was used now.
    pub now: Timestamp,
    /// Another token, and until when the one before is good too.
    pub token: Option<([u8; 32], Timestamp)>,
}

/// What became of somebody who was to be something else in a business.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoleGiven {
    /// They are.
    Given(User),
    /// They are nothing anywhere any more: removed, with all sessions.
    Removed(User),
    /// Nobody would be left who owns the business; nothing has changed.
    LastOwner,
    /// There is no such user.
    Nobody,
}

/// How a user is changed, inside the transaction. May be run more than once.
pub type ChangeUser = Arc<dyn Fn(&mut User) + Send + Sync>;

/// Who uses the console.
pub trait Users {
    /// Adds a user. `false` when the address is another user's, or there are [`USERS_MAX`] already.
    fn add_user(&self, user: User) -> Answer<'_, bool>;
    /// All users, by their ids.
    fn users(&self) -> Answer<'_, Vec<User>>;
    /// The user with this address, in lower case.
    fn user_by_email(&self, email: String) -> Answer<'_, Option<User>>;
    /// Changes a user, but for id and address, and gives what became of them; none when there is none. With `sign_out`, all their
    /// sessions end with it, unless it changed nothing.
    fn change_user(&self, user: UserId, change: ChangeUser, sign_out: bool) -> Answer<'_, Option<User>>;
    /// Makes a user something, or nothing, in one business, and leaves that business an owner where it has one. Who is nothing
    /// anywhere any more is removed.
    fn give_role(&self, user: UserId, business: BusinessId, role: Option<UserRole>) -> Answer<'_, RoleGiven>;
    /// Finds, binds or makes the user of somebody whom a provider has signed in. First by their identity at the provider; then by
    /// address, unless that user is bound already; else one is made, where the provider says what they are. Who is bound has no
    /// password any more and is signed out everywhere: others may know it. A business keeps its last owner, whatever the provider
    /// says. Who is nothing any more is signed out everywhere.
    fn admit(&self, who: ExternalSignIn) -> Answer<'_, Admitted>;
    /// Removes a user with all sessions; `false` when there is none.
    fn remove_user(&self, user: UserId) -> Answer<'_, bool>;
    /// Begins a session; the oldest of more than [`SESSIONS_MAX`] ends. `false` when its user is gone.
    fn begin_console_session(&self, session: ConsoleSession) -> Answer<'_, bool>;
    /// The session whose token, or former token within its time, has this hash, with its user. One that is over is none.
    fn console_session(&self, hash: [u8; 32], now: Timestamp) -> Answer<'_, Option<(ConsoleSession, User)>>;
    /// Notes that a session is in use, with another token where one is given. `false` when it is over, or when its token was
    /// renewed meanwhile by another request and another one is given here.
    fn renew_console_session(&self, hash: [u8; 32], renew: RenewSession) -> Answer<'_, bool>;
    /// Ends a session by its token, or former token; `false` when there is none.
    fn end_console_session(&self, hash: [u8; 32]) -> Answer<'_, bool>;
    /// Ends all sessions of a user, and says how many.
    fn end_console_sessions(&self, user: UserId) -> Answer<'_, usize>;
}
