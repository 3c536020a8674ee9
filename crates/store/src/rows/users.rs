//! Users of the console, and their sessions.

use transom_domain::id::{ConsoleSessionId, UserId};

use super::Result;
use crate::{ConsoleSession, User};

/// Rows of users and sessions.
pub(crate) trait UserRows {
    fn user(&self, user: UserId) -> Result<Option<User>>;
    fn user_by_email(&self, email: &str) -> Result<Option<User>>;
    /// By id, so many at most.
    fn users(&self, limit: usize) -> Result<Vec<User>>;
    fn put_user(&mut self, user: &User) -> Result<()>;
    fn drop_user(&mut self, user: UserId) -> Result<()>;
    /// The session with this hash, now or before.
    fn console_session(&self, hash: &[u8; 32]) -> Result<Option<ConsoleSession>>;
    /// Those of a user.
    fn console_sessions(&self, user: UserId) -> Result<Vec<ConsoleSession>>;
    /// In the place of the one with the same id.
    fn put_console_session(&mut self, session: &ConsoleSession) -> Result<()>;
    fn drop_console_session(&mut self, session: ConsoleSessionId) -> Result<()>;
}
