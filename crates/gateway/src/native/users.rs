//! `users`: the people of a business, who sign in to the console.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use transom_domain::id::UserId;
use transom_store::UserRole;

use super::common::rfc3339;
use super::read::{Notes, read, request_bodies};
use crate::http::App;
use crate::http::call::{ADMIN, Asked, Authorised, PathId, json as answer};
use crate::http::refusal::{ChangeRefusals, CreateRefusals, ListRefusals, ReadRefusals};
use crate::problem::Problem;
use crate::service::{Member, MemberChange, NewMember};

/// Somebody to be taken in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = UserRequest, example = json!({ "email": "ana@shop.example", "name": "Ana", "role": "agent" }))]
pub(crate) struct UserRequest {
    /// By which they sign in.
    email: String,
    /// For people; the address when left out.
    name: Option<String>,
    /// `viewer` (looks), `agent` (looks, and speaks with customers) or `owner` (everything of the business).
    role: String,
}

/// A change to somebody; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = UserChangeRequest, example = json!({ "role": "owner" }))]
pub(crate) struct UserChangeRequest {
    /// `viewer`, `agent` or `owner`.
    role: Option<String>,
    /// For people.
    name: Option<String>,
}

request_bodies!(UserRequest, UserChangeRequest);

/// The people of a business.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UserList {
    /// By age.
    data: Vec<UserView>,
    /// Always null: there is one page.
    next_page_token: Option<String>,
}

/// Somebody who uses the console for a business.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = User)]
pub(crate) struct UserView {
    /// Names them.
    id: String,
    /// By which they sign in.
    email: String,
    /// For people.
    name: String,
    /// What they are in this business: `viewer`, `agent` or `owner`.
    role: &'static str,
    /// An operator made them something in every business; only an operator changes that.
    everywhere: bool,
    /// Since when there is such a user.
    created_at: String,
    /// When they last signed in.
    last_sign_in_at: Option<String>,
    /// Their first password, or the new one: shown this once, kept nowhere. Not there for who has one already, and where no passwords
    /// are taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<String>,
}

impl UserView {
    fn new(member: Member, password: Option<String>) -> Self {
        Self {
            everywhere: member.is_everywhere(),
            id: member.user.id.to_string(),
            email: member.user.email,
            name: member.user.name,
            role: member.role.as_str(),
            created_at: rfc3339(member.user.created_at),
            last_sign_in_at: member.user.signed_in_at.map(rfc3339),
            password,
        }
    }
}

fn role(word: &str, notes: &mut Notes) -> Option<UserRole> {
    let found = UserRole::named(word);
    if found.is_none() {
        notes.note("role", "is not a role", "use viewer, agent or owner");
    }
    found
}

fn parse(asked: &Asked, with_password: bool) -> Result<NewMember, Problem> {
    let (request, mut notes) = read::<UserRequest>(&asked.body)?;
    let new = request.and_then(|request| {
        let role = role(&request.role, &mut notes)?;
        Some(NewMember { email: request.email, name: request.name.unwrap_or_default(), role, with_password })
    });
    notes.finish(new)
}

fn parse_change(asked: &Asked) -> Result<MemberChange, Problem> {
    let (request, mut notes) = read::<UserChangeRequest>(&asked.body)?;
    let change =
        request.map(|request| MemberChange { role: request.role.and_then(|word| role(&word, &mut notes)), name: request.name });
    notes.finish(change)
}

fn user(id: &PathId) -> Result<UserId, Problem> {
    id.parse(|| Problem::not_found("user"))
}

/// List the people
///
/// Everybody who may use the console for this business.
#[utoipa::path(
    get,
    path = "/v1/businesses/{business}/users",
    operation_id = "listUsers",
    tag = "Settings",
    params(("business" = String, Path, description = "Id of the business")),
    responses((status = 200, description = "All people", body = UserList), ListRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn list(State(app): State<App>, Authorised(caller): Authorised<ADMIN>) -> Result<Response, Problem> {
    let data = app.service.members(&caller).await?.into_iter().map(|member| UserView::new(member, None)).collect();
    answer(StatusCode::OK, &UserList { data, next_page_token: None })
}

/// Take somebody in
///
/// Who is new gets a password, which this answer shows and nothing does afterwards; where no passwords are taken
/// (`console.passwords`), none: they sign in with their company's account, by this address. Who is known in another business of the
/// house is taken in only by somebody signed in who owns that one too; they keep their password. The first sign-in with their company's
/// account ends every password.
#[utoipa::path(
    post,
    path = "/v1/businesses/{business}/users",
    operation_id = "createUser",
    tag = "Settings",
    params(("business" = String, Path, description = "Id of the business")),
    request_body(content = UserRequest),
    responses((status = 201, description = "The user, with the first password", body = UserView), CreateRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn create(
    State(app): State<App>,
    Authorised(caller): Authorised<ADMIN>,
    asked: Asked,
) -> Result<Response, Problem> {
    let (member, password) = app.service.add_member(&caller, parse(&asked, app.console.takes_passwords())?).await?;
    answer(StatusCode::CREATED, &UserView::new(member, password))
}

/// Read a user
#[utoipa::path(
    get,
    path = "/v1/businesses/{business}/users/{id}",
    operation_id = "getUser",
    tag = "Settings",
    params(("business" = String, Path, description = "Id of the business"), ("id" = String, Path, description = "Id of the user")),
    responses((status = 200, description = "The user", body = UserView), ReadRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn get(State(app): State<App>, Authorised(caller): Authorised<ADMIN>, id: PathId) -> Result<Response, Problem> {
    answer(StatusCode::OK, &UserView::new(app.service.member(&caller, user(&id)?).await?, None))
}

/// Change a user
///
/// What they are in this business counts at once in this process, within five seconds everywhere. A business keeps an owner: the
/// last one stays what they are.
#[utoipa::path(
    patch,
    path = "/v1/businesses/{business}/users/{id}",
    operation_id = "changeUser",
    tag = "Settings",
    params(("business" = String, Path, description = "Id of the business"), ("id" = String, Path, description = "Id of the user")),
    request_body(content = UserChangeRequest),
    responses((status = 200, description = "The user as they are now", body = UserView), ChangeRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn change(
    State(app): State<App>,
    Authorised(caller): Authorised<ADMIN>,
    id: PathId,
    asked: Asked,
) -> Result<Response, Problem> {
    let id = user(&id)?;
    let member = app.service.change_member(&caller, id, parse_change(&asked)?).await?;
    answer(StatusCode::OK, &UserView::new(member, None))
}

/// Remove a user
///
/// They are nothing in this business any more, at once. Who is nothing anywhere then is removed from the house and signed out.
#[utoipa::path(
    delete,
    path = "/v1/businesses/{business}/users/{id}",
    operation_id = "removeUser",
    tag = "Settings",
    params(("business" = String, Path, description = "Id of the business"), ("id" = String, Path, description = "Id of the user")),
    responses((status = 200, description = "Removed; an empty object", body = Object, example = json!({})), ChangeRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn remove(
    State(app): State<App>,
    Authorised(caller): Authorised<ADMIN>,
    id: PathId,
) -> Result<Response, Problem> {
    app.service.remove_member(&caller, user(&id)?).await?;
    answer(StatusCode::OK, &json!({}))
}

/// Give a user another password
///
/// Made up and shown this once; they are signed out everywhere. Not of who is something in another business too or signs in with their
/// company's account, and not where no passwords are taken.
#[utoipa::path(
    post,
    path = "/v1/businesses/{business}/users/{id}/password",
    operation_id = "renewUserPassword",
    tag = "Settings",
    params(("business" = String, Path, description = "Id of the business"), ("id" = String, Path, description = "Id of the user")),
    responses((status = 200, description = "The user, with the password", body = UserView), ChangeRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn renew_password(
    State(app): State<App>,
    Authorised(caller): Authorised<ADMIN>,
    id: PathId,
) -> Result<Response, Problem> {
    app.console.check_passwords()?;
    let (member, password) = app.service.renew_member_password(&caller, user(&id)?).await?;
    answer(StatusCode::OK, &UserView::new(member, Some(password)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_named() {
        let new = parse(&Asked::of(json!({ "email": "a@b.example", "role": "agent" }).to_string()), true).unwrap();
        assert_eq!((new.role, new.name.as_str(), new.with_password), (UserRole::Agent, "", true));
        let refused = parse(&Asked::of(json!({ "email": "a@b.example", "role": "king" }).to_string()), true).unwrap_err();
        assert_eq!(refused.details["errors"][0]["field"], "role");
        assert!(parse(&Asked::of("{}"), true).is_err());
        assert!(parse_change(&Asked::of("{}")).unwrap().role.is_none());
        assert!(parse_change(&Asked::of(json!({ "role": "" }).to_string())).is_err());
    }
}
