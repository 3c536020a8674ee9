//! Users of the console.

use super::params;

use transom_domain::id::{ConsoleSessionId, UserId};

use super::{Sql, bound, get_json, json};
use crate::rows::{Result, UserRows};
use crate::{ConsoleSession, User};

/// A user by address.
pub(crate) const BY_EMAIL: &str = "SELECT document FROM console_user WHERE email = ?1";
/// A session by its token.
pub(crate) const BY_TOKEN: &str = "SELECT document FROM console_session WHERE hash = ?1";
/// A session by the token before.
pub(crate) const BY_FORMER: &str = "SELECT document FROM console_session WHERE former = ?1";
/// Where a user is signed in.
pub(crate) const OF_USER: &str = "SELECT document FROM console_session WHERE whose = ?1";

impl<S: Sql> UserRows for S {
    fn user(&self, user: UserId) -> Result<Option<User>> {
        self.one("SELECT document FROM console_user WHERE id = ?1", [user.to_bytes()], |row| get_json(row, 0))
    }

    fn user_by_email(&self, email: &str) -> Result<Option<User>> {
        self.one(BY_EMAIL, [email], |row| get_json(row, 0))
    }

    fn users(&self, limit: usize) -> Result<Vec<User>> {
        self.all("SELECT document FROM console_user ORDER BY id LIMIT ?1", [bound(limit)], |row| get_json(row, 0))
    }

    fn put_user(&mut self, user: &User) -> Result<()> {
        self.put(
            "INSERT INTO console_user (id, email, document) VALUES (?1, ?2, ?3)
             ON CONFLICT (id) DO UPDATE SET email = excluded.email, document = excluded.document",
            params![user.id.to_bytes(), user.email, json(user)?],
        )?;
        Ok(())
    }

    fn drop_user(&mut self, user: UserId) -> Result<()> {
        self.put("DELETE FROM console_user WHERE id = ?1", [user.to_bytes()])?;
        Ok(())
    }

    fn console_session(&self, hash: &[u8; 32]) -> Result<Option<ConsoleSession>> {
        match self.one(BY_TOKEN, [hash], |row| get_json(row, 0))? {
            Some(found) => Ok(Some(found)),
            None => self.one(BY_FORMER, [hash], |row| get_json(row, 0)),
        }
    }

    fn console_sessions(&self, user: UserId) -> Result<Vec<ConsoleSession>> {
        self.all(OF_USER, [user.to_bytes()], |row| get_json(row, 0))
    }

    fn put_console_session(&mut self, session: &ConsoleSession) -> Result<()> {
        self.put(
            "INSERT INTO console_session (id, hash, former, whose, document) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (id) DO UPDATE SET hash = excluded.hash, former = excluded.former, whose = excluded.whose,
                 document = excluded.document",
            params![
                session.id.to_bytes(),
                session.hash,
                session.former.map(|(former, _)| former),
                session.user.to_bytes(),
                json(session)?
            ],
        )?;
        Ok(())
    }

    fn drop_console_session(&mut self, session: ConsoleSessionId) -> Result<()> {
        self.put("DELETE FROM console_session WHERE id = ?1", [session.to_bytes()])?;
        Ok(())
    }
}
