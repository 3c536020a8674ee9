//! Users of the console, in memory.

use transom_domain::id::{ConsoleSessionId, UserId};

use super::table::MemoryRows;
use crate::rows::{Result, UserRows};
use crate::{ConsoleSession, User};

impl UserRows for MemoryRows {
    fn user(&self, user: UserId) -> Result<Option<User>> {
        Ok(self.users.get(&user).cloned())
    }

    fn user_by_email(&self, email: &str) -> Result<Option<User>> {
        Ok(self.users.values().find(|user| user.email == email).cloned())
    }

    fn users(&self, limit: usize) -> Result<Vec<User>> {
        Ok(self.users.values().take(limit).cloned().collect())
    }

    fn put_user(&mut self, user: &User) -> Result<()> {
        self.users.put(user.id, user.clone());
        Ok(())
    }

    fn drop_user(&mut self, user: UserId) -> Result<()> {
        self.users.drop(&user);
        Ok(())
    }

    fn console_session(&self, hash: &[u8; 32]) -> Result<Option<ConsoleSession>> {
        let has = |session: &&ConsoleSession| session.hash == *hash || session.former.is_some_and(|(former, _)| former == *hash);
        Ok(self.console_sessions.values().find(has).cloned())
    }

    fn console_sessions(&self, user: UserId) -> Result<Vec<ConsoleSession>> {
        Ok(self.console_sessions.values().filter(|session| session.user == user).cloned().collect())
    }

    fn put_console_session(&mut self, session: &ConsoleSession) -> Result<()> {
        self.console_sessions.put(session.id, session.clone());
        Ok(())
    }

    fn drop_console_session(&mut self, session: ConsoleSessionId) -> Result<()> {
        self.console_sessions.drop(&session);
        Ok(())
    }
}
