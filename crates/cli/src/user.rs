//! `transom user …`: who may use the console.

use std::path::Path;

use transom_domain::id::BusinessId;
use transom_gateway::admin::{AdminCommand, Secret, UserAsk, UserView};
use transom_store::UserRole;

use crate::admin::{Hand, answer, parse};
use crate::args::{RoleArg, UserCommand, WhereFlags};
use crate::fail::Fail;

/// Does what is asked.
///
/// # Errors
/// What the gateway refuses.
pub(crate) async fn run(command: UserCommand) -> Result<(), Fail> {
    let (place, make, ask) = match command {
        UserCommand::Add { email, name, role, place_of_role, password_file, no_password, place } => {
            let role = role_of(role)
                .ok_or_else(|| Fail::usage("a new user must be something").remedy("Give --role viewer, agent or owner."))?;
            let (business, password) = (business(&place_of_role)?, password(password_file.as_deref())?);
            // The first one may come before anything else is there.
            (place, true, UserAsk::Add { email, name, role, business, password, no_password })
        }
        UserCommand::List { place } => (place, false, UserAsk::List {}),
        UserCommand::Role { email, role, place_of_role, place } => {
            (place, false, UserAsk::Role { email, role: role_of(role), business: business(&place_of_role)? })
        }
        UserCommand::Password { email, password_file, place } => {
            (place, false, UserAsk::Password { email, password: password(password_file.as_deref())? })
        }
        UserCommand::Unlink { email, place } => (place, false, UserAsk::Unlink { email }),
        UserCommand::SignOut { email, place } => (place, false, UserAsk::SignOut { email }),
        UserCommand::Remove { email, place } => (place, false, UserAsk::Remove { email }),
    };
    let hand = if make { Hand::find_or_make(&place, true).await? } else { Hand::find(&place).await? };
    answer(&hand, &place, AdminCommand::User { ask }).await
}

const fn role_of(arg: RoleArg) -> Option<UserRole> {
    match arg {
        RoleArg::Viewer => Some(UserRole::Viewer),
        RoleArg::Agent => Some(UserRole::Agent),
        RoleArg::Owner => Some(UserRole::Owner),
        RoleArg::None => None,
    }
}

fn business(flags: &WhereFlags) -> Result<Option<BusinessId>, Fail> {
    flags.business.as_deref().map(|text| parse(text, "business")).transpose()
}

/// A password from a file: never from an argument, which every user of the machine can read.
fn password(file: Option<&Path>) -> Result<Option<Secret>, Fail> {
    let Some(path) = file else { return Ok(None) };
    let text = std::fs::read_to_string(path).map_err(|why| Fail::usage(format!("{} cannot be read: {why}", path.display())))?;
    match text.trim_end_matches(['\n', '\r']) {
        "" => Err(Fail::usage(format!("{} is empty", path.display())).remedy("Write the password into it, on one line.")),
        text => Ok(Some(Secret(text.to_owned()))),
    }
}

/// How somebody signs in, in words.
pub(crate) fn ways(user: &UserView) -> String {
    let provider = user.provider.as_ref().map(|provider| format!("an account of {provider}"));
    let ways: Vec<String> = user.password.then(|| "a password".to_owned()).into_iter().chain(provider).collect();
    // Who is known by address alone is bound at the first sign-in.
    if ways.is_empty() { "their address at the provider".to_owned() } else { ways.join(" or ") }
}

/// What somebody is, in words.
pub(crate) fn roles(user: &UserView) -> String {
    let everywhere = user.everywhere.map(|role| format!("{} everywhere", role.as_str()));
    let some = user.roles.iter().map(|one| format!("{} in {}", one.role.as_str(), one.business));
    let all: Vec<String> = everywhere.into_iter().chain(some).collect();
    if all.is_empty() { "nothing".to_owned() } else { all.join(", ") }
}
