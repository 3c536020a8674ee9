//! Users of the console.

use std::sync::Arc;

use transom_domain::id::{ConsoleSessionId, UserId};
use transom_domain::time::Span;

use super::desk::{Desk, RIVAL, SHOP, business};
use super::{Broken, Factory, Outcome, hold, same};
use crate::{
    Admitted, AdmittedAs, ConsoleSession, ExternalIdentity, ExternalSignIn, RenewSession, RoleGiven, SESSIONS_MAX, User,
    UserRole, UserRoles,
};

fn user(desk: &Desk, n: u128, email: &str) -> User {
    User {
        id: UserId(n),
        email: email.to_owned(),
        name: format!("user {n}"),
        password: Some("$argon2id$".to_owned()),
        external: None,
        roles: UserRoles::default(),
        created_at: desk.now,
        signed_in_at: None,
    }
}

fn visitor(desk: &Desk, subject: &str, email: Option<&str>) -> ExternalSignIn {
    ExternalSignIn {
        identity: ExternalIdentity { issuer: "https://id.example".to_owned(), subject: subject.to_owned() },
        email: email.map(str::to_owned),
        name: "Ana".to_owned(),
        roles: None,
        new: UserId(50),
        now: desk.now,
    }
}

pub(super) async fn who_signs_in_elsewhere_is_found_bound_or_made_once(factory: &dyn Factory) -> Outcome {
    let desk = Desk::new(factory).await?;
    let ana = user(&desk, 1, "ana@shop.example");
    hold!(desk.store.add_user(ana.clone()).await?);
    hold!(desk.store.begin_console_session(session(&desk, 9, 1)).await?);
    let ana = User { signed_in_at: Some(desk.now), ..ana };
    // Nobody is made of a stranger, and an address that is not known to be theirs binds nothing.
    same!(desk.store.admit(visitor(&desk, "a", None)).await?, Admitted::Nobody);
    same!(desk.store.admit(visitor(&desk, "b", Some("bo@shop.example"))).await?, Admitted::Nobody);
    hold!(desk.store.console_session([9; 32], desk.now).await?.is_some());
    // Found by address the first time; from then on by the identity alone, whatever becomes of the address. Whoever made the user
    // may know the password, and be signed in with it: neither outlives the binding.
    let external = Some(visitor(&desk, "a", None).identity);
    let bound = User { external, password: None, ..ana };
    let as_ana = |how| Admitted::As { user: Box::new(bound.clone()), before: UserRoles::default(), kept: Vec::new(), how };
    same!(desk.store.admit(visitor(&desk, "a", Some("ana@shop.example"))).await?, as_ana(AdmittedAs::Bound));
    hold!(desk.store.console_session([9; 32], desk.now).await?.is_none());
    // Those begun since go on.
    hold!(desk.store.begin_console_session(session(&desk, 9, 1)).await?);
    same!(desk.store.admit(visitor(&desk, "a", Some("ana@new.example"))).await?, as_ana(AdmittedAs::Known));
    hold!(desk.store.console_session([9; 32], desk.now).await?.is_some());
    same!(desk.store.admit(visitor(&desk, "a", None)).await?, as_ana(AdmittedAs::Known));
    // Who has the address now is somebody else, and so is who has the name at another provider.
    same!(desk.store.admit(visitor(&desk, "thief", Some("ana@shop.example"))).await?, Admitted::Taken);
    let mut other = visitor(&desk, "a", Some("ana@shop.example"));
    other.identity.issuer = "https://other.example".to_owned();
    same!(desk.store.admit(other).await?, Admitted::Taken);
    // Where the provider says what somebody is, a user is made of them, and it has the last word.
    let roles = UserRoles { everywhere: Some(UserRole::Agent), ..UserRoles::default() };
    let with = |roles: &UserRoles| ExternalSignIn { roles: Some(roles.clone()), ..visitor(&desk, "b", Some("bo@shop.example")) };
    let Admitted::As { user: bo, how: AdmittedAs::Made, .. } = desk.store.admit(with(&roles)).await? else {
        return Err(Broken("nobody was made".to_owned()));
    };
    same!((bo.id, bo.password.clone(), bo.name.as_str(), &bo.roles), (UserId(50), None, "Ana", &roles));
    same!(desk.store.user_by_email("bo@shop.example".to_owned()).await?, Some(*bo));
    hold!(desk.store.begin_console_session(session(&desk, 1, 50)).await?);
    let owner = UserRoles { everywhere: Some(UserRole::Owner), ..UserRoles::default() };
    let Admitted::As { user: bo, before, how: AdmittedAs::Known, .. } = desk.store.admit(with(&owner)).await? else {
        return Err(Broken("they are known".to_owned()));
    };
    same!((before, bo.roles), (roles, owner));
    hold!(desk.store.console_session([1; 32], desk.now).await?.is_some());
    // Nothing any more: signed out everywhere. But the last owner of a business stays that, and stays signed in; elsewhere, and as soon
    // as somebody else owns it, they are what the provider says.
    let says = async |roles: &UserRoles| match desk.store.admit(with(roles)).await? {
        Admitted::As { user, kept, .. } => Ok((user.roles, kept)),
        _ => Err(Broken("they are known".to_owned())),
    };
    desk.store.put_business(business(RIVAL)).await?;
    hold!(matches!(desk.store.give_role(UserId(1), RIVAL, Some(UserRole::Owner)).await?, RoleGiven::Given(_)));
    let in_shop = |role| UserRoles { of: [(SHOP, role)].into(), ..UserRoles::default() };
    for said in [UserRoles::default(), in_shop(UserRole::Agent), UserRoles::default()] {
        same!(says(&said).await?, (in_shop(UserRole::Owner), vec![SHOP]));
        hold!(desk.store.console_session([1; 32], desk.now).await?.is_some());
    }
    hold!(matches!(desk.store.give_role(UserId(1), SHOP, Some(UserRole::Owner)).await?, RoleGiven::Given(_)));
    same!(says(&in_shop(UserRole::Agent)).await?, (in_shop(UserRole::Agent), Vec::new()));
    same!(says(&UserRoles::default()).await?, (UserRoles::default(), Vec::new()));
    hold!(desk.store.console_session([1; 32], desk.now).await?.is_none());
    // Nobody is made of who is nothing.
    let nothing = ExternalSignIn { roles: Some(UserRoles::default()), ..visitor(&desk, "c", Some("cy@shop.example")) };
    same!(desk.store.admit(nothing).await?, Admitted::Nobody);
    same!(desk.store.users().await?.len(), 2);
    Ok(())
}

fn session(desk: &Desk, n: u8, of: u128) -> ConsoleSession {
    ConsoleSession {
        id: ConsoleSessionId(u128::from(n)),
        hash: [n; 32],
        former: None,
        user: UserId(of),
        began_at: desk.now,
        seen_at: desk.now,
        renewed_at: desk.now,
        ends_at: desk.now.plus(Span::hours(1)),
    }
}

pub(super) async fn users_are_kept_changed_and_found(factory: &dyn Factory) -> Outcome {
    let desk = Desk::new(factory).await?;
    let (ana, bo) = (user(&desk, 1, "ana@shop.example"), user(&desk, 2, "bo@shop.example"));
    hold!(desk.store.add_user(ana.clone()).await? && desk.store.add_user(bo.clone()).await?);
    // One address, one user; and what is there is not written over.
    hold!(!desk.store.add_user(user(&desk, 3, "ana@shop.example")).await?);
    hold!(!desk.store.add_user(user(&desk, 1, "new@shop.example")).await?);
    same!(desk.store.users().await?, vec![ana.clone(), bo]);
    let change = Arc::new(|user: &mut User| {
        user.roles.of.insert(SHOP, UserRole::Agent);
        user.email = "stolen@shop.example".to_owned();
    });
    let changed = desk.store.change_user(ana.id, change, false).await?;
    same!(changed.as_ref().map(|user| user.email.as_str()), Some("ana@shop.example"));
    same!(desk.store.user_by_email("ana@shop.example".to_owned()).await?, changed);
    let roles = changed.map(|user| user.roles).unwrap_or_default();
    same!((roles.in_business(SHOP), roles.in_business(RIVAL)), (Some(UserRole::Agent), None));
    hold!(desk.store.change_user(UserId(9), Arc::new(|_| ()), false).await?.is_none());
    hold!(desk.store.remove_user(ana.id).await? && !desk.store.remove_user(ana.id).await?);
    hold!(desk.store.user_by_email("ana@shop.example".to_owned()).await?.is_none());
    hold!(desk.store.add_user(user(&desk, 4, "ana@shop.example")).await?);
    Ok(())
}

pub(super) async fn a_session_ends_by_hand_by_time_and_with_its_user(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    hold!(desk.store.add_user(user(&desk, 1, "ana@shop.example")).await?);
    hold!(!desk.store.begin_console_session(session(&desk, 9, 7)).await?);
    let first = session(&desk, 1, 1);
    hold!(desk.store.begin_console_session(first.clone()).await?);
    let found = desk.store.console_session([1; 32], desk.now).await?;
    same!(found.as_ref().map(|(session, _)| session.clone()), Some(first));
    same!(found.and_then(|(_, user)| user.signed_in_at), Some(desk.now));
    hold!(desk.store.console_session([2; 32], desk.now).await?.is_none());
    // Another token: the one before is good for a while, and cannot renew again.
    desk.turn(Span::minutes(10));
    let until = desk.now.plus(Span::minutes(1));
    let renew = |token: u8| RenewSession { now: desk.now, token: Some(([token; 32], until)) };
    hold!(desk.store.renew_console_session([1; 32], renew(11)).await?);
    hold!(!desk.store.renew_console_session([1; 32], renew(12)).await?);
    hold!(desk.store.renew_console_session([1; 32], RenewSession { now: desk.now, token: None }).await?);
    let both = [desk.store.console_session([1; 32], desk.now).await?, desk.store.console_session([11; 32], desk.now).await?];
    same!(both.map(|found| found.map(|(session, _)| (session.id, session.seen_at))), [Some((ConsoleSessionId(1), desk.now)); 2]);
    hold!(desk.store.console_session([1; 32], until).await?.is_none());
    hold!(desk.store.console_session([11; 32], until).await?.is_some());
    // However much it is used, it ends.
    desk.turn(Span::hours(1));
    hold!(desk.store.console_session([11; 32], desk.now).await?.is_none());
    hold!(!desk.store.renew_console_session([11; 32], RenewSession { now: desk.now, token: None }).await?);
    // So many at most, and the one that was not used for longest goes.
    for n in 20..20 + u8::try_from(SESSIONS_MAX).unwrap_or(u8::MAX) + 1 {
        hold!(desk.store.begin_console_session(session(&desk, n, 1)).await?);
        desk.turn(Span::secs(1));
    }
    hold!(desk.store.console_session([20; 32], desk.now).await?.is_none());
    hold!(desk.store.console_session([21; 32], desk.now).await?.is_some());
    hold!(desk.store.end_console_session([21; 32]).await? && !desk.store.end_console_session([21; 32]).await?);
    hold!(desk.store.console_session([21; 32], desk.now).await?.is_none());
    same!(desk.store.end_console_sessions(UserId(1)).await?, SESSIONS_MAX - 1);
    hold!(desk.store.begin_console_session(session(&desk, 1, 1)).await?);
    // What changes nothing, because it was refused in the moment of the commit, signs nobody out.
    hold!(desk.store.change_user(UserId(1), Arc::new(|_| ()), true).await?.is_some());
    hold!(desk.store.console_session([1; 32], desk.now).await?.is_some());
    hold!(desk.store.change_user(UserId(1), Arc::new(|user| user.name.push('!')), true).await?.is_some());
    hold!(desk.store.console_session([1; 32], desk.now).await?.is_none());
    hold!(desk.store.begin_console_session(session(&desk, 2, 1)).await?);
    hold!(desk.store.remove_user(UserId(1)).await?);
    hold!(desk.store.console_session([2; 32], desk.now).await?.is_none());
    Ok(())
}

pub(super) async fn a_business_keeps_its_last_owner(factory: &dyn Factory) -> Outcome {
    let desk = Desk::new(factory).await?;
    let [ana, bo, cy] = [1, 2, 3].map(UserId);
    for (n, email) in [(1, "ana@shop.example"), (2, "bo@shop.example"), (3, "cy@shop.example")] {
        hold!(desk.store.add_user(user(&desk, n, email)).await?);
    }
    let gives = |who: UserId, role: Option<UserRole>| desk.store.give_role(who, SHOP, role);
    hold!(matches!(gives(ana, Some(UserRole::Owner)).await?, RoleGiven::Given(_)));
    for role in [None, Some(UserRole::Viewer)] {
        same!(gives(ana, role).await?, RoleGiven::LastOwner);
    }
    same!(gives(UserId(9), Some(UserRole::Owner)).await?, RoleGiven::Nobody);
    // Another owner, or one of every business, lets her go.
    hold!(matches!(gives(bo, Some(UserRole::Owner)).await?, RoleGiven::Given(_)));
    hold!(matches!(gives(ana, Some(UserRole::Agent)).await?, RoleGiven::Given(_)));
    same!(gives(bo, None).await?, RoleGiven::LastOwner);
    let everywhere = Arc::new(|user: &mut User| user.roles.everywhere = Some(UserRole::Owner));
    hold!(desk.store.change_user(cy, everywhere, false).await?.is_some());
    hold!(desk.store.begin_console_session(session(&desk, 5, 2)).await?);
    // Who is nothing anywhere any more is gone, and signed out.
    hold!(matches!(gives(bo, None).await?, RoleGiven::Removed(_)));
    hold!(desk.store.console_session([5; 32], desk.now).await?.is_none());
    hold!(desk.store.user_by_email("bo@shop.example".to_owned()).await?.is_none());
    // Who is something elsewhere stays.
    hold!(matches!(desk.store.give_role(ana, RIVAL, Some(UserRole::Viewer)).await?, RoleGiven::Given(_)));
    match gives(ana, None).await? {
        RoleGiven::Given(user) => same!(user.roles.in_business(RIVAL), Some(UserRole::Viewer)),
        other => hold!(other == RoleGiven::Nobody),
    }
    Ok(())
}
