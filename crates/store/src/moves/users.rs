//! Users of the console, and where they are signed in.

use transom_domain::id::{BusinessId, UserId};
use transom_domain::time::Timestamp;

use crate::contract::{
    Admitted, AdmittedAs, ConsoleSession, ExternalSignIn, RenewSession, RoleGiven, SESSIONS_MAX, USERS_MAX, User, UserRole,
    UserRoles,
};
use crate::rows::{Result, Rows};

/// See [`crate::Users::add_user`].
pub(crate) fn add(rows: &mut dyn Rows, user: &User) -> Result<bool> {
    let is_taken = rows.user_by_email(&user.email)?.is_some() || rows.user(user.id)?.is_some();
    if is_taken || rows.users(USERS_MAX)?.len() >= USERS_MAX {
        return Ok(false);
    }
    rows.put_user(user)?;
    Ok(true)
}

/// See [`crate::Users::change_user`].
pub(crate) fn change(
    rows: &mut dyn Rows,
    user: UserId,
    change: &(dyn Fn(&mut User) + Send + Sync),
    sign_out: bool,
) -> Result<Option<User>> {
    let Some(known) = rows.user(user)? else { return Ok(None) };
    let mut changed = known.clone();
    change(&mut changed);
    (changed.id, changed.email) = (known.id, known.email.clone());
    rows.put_user(&changed)?;
    // What was refused in the moment of the commit signs nobody out.
    if sign_out && changed != known {
        end_all(rows, user)?;
    }
    Ok(Some(changed))
}

/// Whether nobody would own a business any more, of all users, if one of them became another.
fn loses_its_last_owner(business: BusinessId, (known, changed): (&User, &User), all: &[User]) -> bool {
    let owns = |user: &User| user.roles.in_business(business) == Some(UserRole::Owner);
    owns(known) && !owns(changed) && !all.iter().any(|other| other.id != known.id && owns(other))
}

/// See [`crate::Users::give_role`].
pub(crate) fn give_role(rows: &mut dyn Rows, user: UserId, business: BusinessId, role: Option<UserRole>) -> Result<RoleGiven> {
    let Some(known) = rows.user(user)? else { return Ok(RoleGiven::Nobody) };
    let mut changed = known.clone();
    match role {
        Some(role) => drop(changed.roles.of.insert(business, role)),
        None => drop(changed.roles.of.remove(&business)),
    }
    if loses_its_last_owner(business, (&known, &changed), &rows.users(USERS_MAX)?) {
        return Ok(RoleGiven::LastOwner);
    }
    if changed.roles == UserRoles::default() {
        end_all(rows, user)?;
        rows.drop_user(user)?;
        return Ok(RoleGiven::Removed(changed));
    }
    rows.put_user(&changed)?;
    Ok(RoleGiven::Given(changed))
}

/// See [`crate::Users::admit`].
pub(crate) fn admit(rows: &mut dyn Rows, who: &ExternalSignIn) -> Result<Admitted> {
    // A sign-in is rare and slow anyway, and there are few users: no index is kept for it.
    let all = rows.users(USERS_MAX)?;
    let is_nothing = who.roles.as_ref().is_some_and(|roles| *roles == UserRoles::default());
    let known = all.iter().find(|user| user.external.as_ref() == Some(&who.identity));
    let (user, how) = match (known, &who.email) {
        (Some(user), _) => (user, AdmittedAs::Known),
        (None, Some(_)) if is_nothing => return Ok(Admitted::Nobody),
        (None, Some(email)) => match (all.iter().find(|user| user.email == *email), &who.roles) {
            (Some(user), _) if user.external.is_some() => return Ok(Admitted::Taken),
            (Some(user), _) => (user, AdmittedAs::Bound),
            (None, Some(_)) if all.len() >= USERS_MAX => return Ok(Admitted::Full),
            (None, Some(roles)) => return make(rows, who, email, roles),
            (None, None) => return Ok(Admitted::Nobody),
        },
        (None, None) => return Ok(Admitted::Nobody),
    };
    let (mut changed, before) = (user.clone(), user.roles.clone());
    if how == AdmittedAs::Bound {
        changed.external = Some(who.identity.clone());
        // Whoever made the user may know the password, and be signed in with it. From here on it is somebody the provider knows, and
        // perhaps more than that one could give.
        changed.password = None;
        end_all(rows, changed.id)?;
    }
    if let Some(roles) = &who.roles {
        changed.roles = roles.clone();
    }
    let owned: Vec<BusinessId> = match before.everywhere {
        Some(UserRole::Owner) => rows.businesses()?.into_iter().map(|business| business.id).collect(),
        _ => before.of.keys().copied().collect(),
    };
    let kept: Vec<BusinessId> =
        owned.into_iter().filter(|business| loses_its_last_owner(*business, (user, &changed), &all)).collect();
    changed.roles.of.extend(kept.iter().map(|business| (*business, UserRole::Owner)));
    if changed != *user {
        rows.put_user(&changed)?;
    }
    if is_nothing && kept.is_empty() {
        end_all(rows, changed.id)?;
    }
    Ok(Admitted::As { user: Box::new(changed), before, kept, how })
}

fn make(rows: &mut dyn Rows, who: &ExternalSignIn, email: &str, roles: &UserRoles) -> Result<Admitted> {
    let name = if who.name.is_empty() { email } else { &who.name };
    let user = User {
        id: who.new,
        email: email.to_owned(),
        name: name.to_owned(),
        password: None,
        external: Some(who.identity.clone()),
        roles: roles.clone(),
        created_at: who.now,
        signed_in_at: None,
    };
    rows.put_user(&user)?;
    Ok(Admitted::As { user: Box::new(user), before: UserRoles::default(), kept: Vec::new(), how: AdmittedAs::Made })
}

/// See [`crate::Users::remove_user`].
pub(crate) fn remove(rows: &mut dyn Rows, user: UserId) -> Result<bool> {
    if rows.user(user)?.is_none() {
        return Ok(false);
    }
    end_all(rows, user)?;
    rows.drop_user(user)?;
    Ok(true)
}

/// See [`crate::Users::begin_console_session`].
pub(crate) fn begin(rows: &mut dyn Rows, session: &ConsoleSession) -> Result<bool> {
    let Some(mut user) = rows.user(session.user)? else { return Ok(false) };
    let mut others = rows.console_sessions(session.user)?;
    others.sort_by_key(|other| (other.ends_at > session.began_at, other.seen_at));
    // Those that are over stand first.
    let too_many = (others.len() + 1).saturating_sub(SESSIONS_MAX);
    let gone = others.iter().enumerate().filter(|(at, other)| *at < too_many || other.ends_at <= session.began_at);
    for (_, other) in gone {
        rows.drop_console_session(other.id)?;
    }
    user.signed_in_at = user.signed_in_at.max(Some(session.began_at));
    rows.put_user(&user)?;
    rows.put_console_session(session)?;
    Ok(true)
}

/// See [`crate::Users::console_session`].
pub(crate) fn session(rows: &dyn Rows, hash: &[u8; 32], now: Timestamp) -> Result<Option<(ConsoleSession, User)>> {
    let Some(session) = good(rows, hash, now)? else { return Ok(None) };
    Ok(rows.user(session.user)?.map(|user| (session, user)))
}

fn good(rows: &dyn Rows, hash: &[u8; 32], now: Timestamp) -> Result<Option<ConsoleSession>> {
    let is_good = |session: &ConsoleSession| {
        let is_token = session.hash == *hash || session.former.is_some_and(|(former, until)| former == *hash && now < until);
        is_token && now < session.ends_at
    };
    Ok(rows.console_session(hash)?.filter(is_good))
}

/// See [`crate::Users::renew_console_session`].
pub(crate) fn renew(rows: &mut dyn Rows, hash: &[u8; 32], renew: RenewSession) -> Result<bool> {
    let Some(mut session) = good(rows, hash, renew.now)? else { return Ok(false) };
    session.seen_at = session.seen_at.max(renew.now);
    if let Some((token, until)) = renew.token {
        if session.hash != *hash {
            return Ok(false);
        }
        session.former = Some((session.hash, until));
        (session.hash, session.renewed_at) = (token, renew.now);
    }
    rows.put_console_session(&session)?;
    Ok(true)
}

/// See [`crate::Users::end_console_session`].
pub(crate) fn end(rows: &mut dyn Rows, hash: &[u8; 32]) -> Result<bool> {
    let Some(session) = rows.console_session(hash)? else { return Ok(false) };
    rows.drop_console_session(session.id)?;
    Ok(true)
}

/// See [`crate::Users::end_console_sessions`].
pub(crate) fn end_all(rows: &mut dyn Rows, user: UserId) -> Result<usize> {
    let sessions = rows.console_sessions(user)?;
    for session in &sessions {
        rows.drop_console_session(session.id)?;
    }
    Ok(sessions.len())
}
