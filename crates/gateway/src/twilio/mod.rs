//! Twilio's dialect: its SDKs speak with this server unchanged, once their base address is this server's.
//!
//! It only translates. No rule of sessions, content, approval or scheduling stands here: whatever Twilio has, the service has first,
//! and the native dialect too. A handler asks for the [`account::Account`], reads its form, asks the service one thing, prints.

mod account;
mod accounts;
mod address;
mod approvals;
mod base;
pub mod callback;
pub mod codes;
mod content_body;
mod content_filter;
mod content_view;
mod contents;
mod creation;
mod dates;
mod differences;
mod feedback;
mod form;
mod json;
mod media;
mod message_view;
mod messages;
mod page;
mod paging;
#[cfg(feature = "fuzz")]
pub mod probe;
mod refusal;
mod services;
mod sid;
mod words;

use axum::Router;
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};

use transom_domain::id::{BusinessId, KeyId};

use self::sid::Sid as _;
use crate::http::App;
use crate::problem::Problem;

pub(crate) use base::Base;
pub use differences::differences_page;
pub(crate) use media::{file_at, know_file, path_of_file};
pub use page::reference_page;
pub(crate) use page::rows as reference_rows;
pub(crate) use words::is_inbound;

/// What the paths of this dialect begin with; none of the native dialect's does.
const PREFIXES: [&str; 6] = ["/2010-04-01", "/v1/Content", "/v1/ContentAndApprovals", "/v1/LegacyContent", "/v1/Services", "/v2"];

/// Whether a path is one of this dialect's, known or not.
pub(crate) fn speaks(path: &str) -> bool {
    PREFIXES.iter().any(|prefix| {
        path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || rest.starts_with(".json"))
    })
}

/// The SID of a business, which is an account here.
#[must_use]
pub fn account_sid(business: BusinessId) -> String {
    business.sid()
}

/// The SID of a key.
#[must_use]
pub fn key_sid(key: KeyId) -> String {
    key.sid()
}

/// All operations.
pub(crate) fn routes() -> Router<App> {
    let account = "/2010-04-01/Accounts/{account}";
    let router = listed(Router::new(), "/2010-04-01/Accounts", get(accounts::list)).route(account, get(accounts::fetch));
    let router = listed(router, &format!("{account}/Messages"), get(messages::list).post(messages::create));
    let one = get(messages::fetch).post(messages::update).delete(messages::delete);
    let router = router.route(&format!("{account}/Messages/{{sid}}"), one);
    let router = listed(router, &format!("{account}/Messages/{{sid}}/Media"), get(media::list));
    let router = router.route(&format!("{account}/Messages/{{sid}}/Media/{{media}}"), get(media::fetch).delete(media::delete));
    let router = listed(router, &format!("{account}/Messages/{{sid}}/Feedback"), post(feedback::create));
    services(contents(router))
}

fn contents(router: Router<App>) -> Router<App> {
    let lists = [
        ("/v1/Content", get(contents::list).post(contents::create)),
        ("/v1/ContentAndApprovals", get(contents::list_with_approvals)),
        ("/v1/LegacyContent", get(contents::list_legacy)),
        ("/v2/Content", get(contents::search)),
        ("/v2/ContentAndApprovals", get(contents::search_with_approvals)),
        ("/v1/Content/{sid}/ApprovalRequests", get(approvals::fetch)),
    ];
    let router = lists.into_iter().fold(router, |router, (path, methods)| listed(router, path, methods));
    router
        .route("/v1/Content/{sid}", get(contents::fetch).put(contents::update).delete(contents::delete))
        .route("/v1/Content/{sid}/ApprovalRequests/{channel}", post(approvals::create).patch(approvals::bid))
}

fn services(router: Router<App>) -> Router<App> {
    let pool = "/v1/Services/{sid}/ChannelSenders";
    let router = listed(router, "/v1/Services", get(services::list).post(services::create));
    listed(router, pool, get(services::pool).post(services::join))
        .route("/v1/Services/{sid}", get(services::fetch).post(services::update).delete(services::delete))
        .route(&format!("{pool}/{{sender}}"), get(services::member).delete(services::leave))
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
