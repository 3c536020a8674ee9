//! Users of the console.

use transom_domain::id::{BusinessId, UserId};
use transom_domain::time::Timestamp;

use super::{Engine, Room, Scope};
use crate::contract::{
    Admitted, Answer, ChangeUser, ConsoleSession, ExternalSignIn, RenewSession, RoleGiven, USERS_MAX, User, UserRole, Users,
};
use crate::moves::users;

impl<E: Engine> Users for E {
    fn add_user(&self, user: User) -> Answer<'_, bool> {
        self.write(Scope::House, Room::Ending, move |rows| users::add(rows, &user))
    }

    fn users(&self) -> Answer<'_, Vec<User>> {
        self.read(|rows| rows.users(USERS_MAX))
    }

    fn user_by_email(&self, email: String) -> Answer<'_, Option<User>> {
        self.look_up(move |rows| rows.user_by_email(&email))
    }

    fn change_user(&self, user: UserId, change: ChangeUser, sign_out: bool) -> Answer<'_, Option<User>> {
        self.write(Scope::House, Room::Ending, move |rows| users::change(rows, user, &*change, sign_out))
    }

    fn give_role(&self, user: UserId, business: BusinessId, role: Option<UserRole>) -> Answer<'_, RoleGiven> {
        self.write(Scope::House, Room::Ending, move |rows| users::give_role(rows, user, business, role))
    }

    fn admit(&self, who: ExternalSignIn) -> Answer<'_, Admitted> {
        self.write(Scope::House, Room::Ending, move |rows| users::admit(rows, &who))
    }

    fn remove_user(&self, user: UserId) -> Answer<'_, bool> {
        self.write(Scope::House, Room::Ending, move |rows| users::remove(rows, user))
    }

    fn begin_console_session(&self, session: ConsoleSession) -> Answer<'_, bool> {
        // Who makes room on a full disk must be able to sign in for it.
        self.write(Scope::House, Room::Ending, move |rows| users::begin(rows, &session))
    }

    fn console_session(&self, hash: [u8; 32], now: Timestamp) -> Answer<'_, Option<(ConsoleSession, User)>> {
        self.look_up(move |rows| users::session(rows, &hash, now))
    }

    fn renew_console_session(&self, hash: [u8; 32], renew: RenewSession) -> Answer<'_, bool> {
        self.write(Scope::House, Room::Ending, move |rows| users::renew(rows, &hash, renew))
    }

    fn end_console_session(&self, hash: [u8; 32]) -> Answer<'_, bool> {
        self.write(Scope::House, Room::Ending, move |rows| users::end(rows, &hash))
    }

    fn end_console_sessions(&self, user: UserId) -> Answer<'_, usize> {
        self.write(Scope::House, Room::Ending, move |rows| users::end_all(rows, user))
    }
}
