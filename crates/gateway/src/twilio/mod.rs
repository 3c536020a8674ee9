//! Twilio's dialect: its SDKs speak with this server unchanged, once their base address is this server's.
//!
//! It only translates. No rule of sessions, content, approval or scheduling stands here: whatever Twilio has, the service has first,
//! and the native dialect too. A handler asks for the [`account::Account`], reads its form, asks the service one thing, prints.

mod account;
mod address;
mod base;
pub mod callback;
pub mod codes;
mod creation;
mod dates;
mod form;
mod message_view;
mod messages;
mod paging;
mod refusal;
mod sid;
mod words;

use axum::Router;
use axum::response::Response;
use axum::routing::{MethodRouter, get};

use crate::http::App;
use crate::problem::Problem;

pub(crate) use base::Base;

/// What the paths of this dialect begin with; none of the native dialect's does.
const PREFIXES: [&str; 6] = ["/2010-04-01", "/v1/Content", "/v1/ContentAndApprovals", "/v1/LegacyContent", "/v1/Services", "/v2"];

/// Whether a path is one of this dialect's, known or not.
pub(crate) fn speaks(path: &str) -> bool {
    PREFIXES.iter().any(|prefix| {
        path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || rest.starts_with(".json"))
    })
}

/// All operations.
pub(crate) fn routes() -> Router<App> {
    let account = "/2010-04-01/Accounts/{account}";
    let router = listed(Router::new(), &format!("{account}/Messages"), get(messages::list).post(messages::create));
    let one = get(messages::fetch).post(messages::update).delete(messages::delete);
    router.route(&format!("{account}/Messages/{{sid}}"), one)
}

/// A path that the SDKs write with `.json` at its end, and others without.
fn listed(router: Router<App>, path: &str, methods: MethodRouter<App>) -> Router<App> {
    router.route(path, methods.clone()).route(&format!("{path}.json"), methods)
}

/// The same response with a body that this dialect's SDKs read, where it is a refusal: one of ours, or `problem`, which somebody
/// before the handler had.
pub(crate) fn explained(response: Response, problem: Option<Problem>, base: &Base, trace: u64) -> Response {
    let response = match problem {
        Some(problem) => axum::response::IntoResponse::into_response(refusal::Refusal::from(problem)),
        None => response,
    };
    refusal::explained(response, base.as_str(), trace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_paths_are_told_from_the_native_ones() {
        for path in [
            "/2010-04-01/Accounts/AC1/Messages.json",
            "/v1/Content",
            "/v1/Content/HX1",
            "/v1/Services.json",
            "/v2/Content",
            "/v2",
        ] {
            assert!(speaks(path), "{path}");
        }
        for path in ["/v1/businesses/1/messages", "/v1/errors", "/v1/Contents", "/2010-04-011", "/", "/v20/x"] {
            assert!(!speaks(path), "{path}");
        }
    }
}
