//! The Content API: contents made, fetched, changed, deleted, and listed in the four forms that the SDKs know.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;

use transom_domain::id::ContentId;
use transom_store::{Followed, StoredContent};

use super::account::Account;
use super::base::Base;
use super::content_body::read;
use super::content_filter::filter;
use super::content_view::{ContentView, Legacy, WithApproval};
use super::form::{Asked, Form};
use super::json::JsonBody;
use super::paging::{Meta, Paging};
use super::refusal::Refusal;
use super::sid::Sid as _;
use crate::http::App;
use crate::http::call::{TEMPLATES, json as answer};
use crate::service::{Caller, Service};

/// The key under which all lists of contents have their entries.
const KEY: &str = "contents";

/// The content with this SID, with or without `.json` behind it.
pub(super) fn named(sid: &str) -> Result<ContentId, Refusal> {
    ContentId::of_sid(sid.strip_suffix(".json").unwrap_or(sid)).ok_or_else(|| missing(sid))
}

fn missing(sid: &str) -> Refusal {
    Refusal::missing("content", sid)
}

/// The base is never refused.
pub(super) type Here = Base;

/// `POST /v1/Content`
pub(super) async fn create(
    State(app): State<App>,
    Account(caller): Account<TEMPLATES>,
    here: Here,
    JsonBody(body): JsonBody,
) -> Result<Response, Refusal> {
    let stored = app.service.create_content(&caller, read(body, None)?).await?;
    Ok(answer(StatusCode::CREATED, &ContentView::of(&stored, &here))?)
}

/// `GET /v1/Content/{sid}`
pub(super) async fn fetch(
    State(app): State<App>,
    Account(caller): Account<TEMPLATES>,
    here: Here,
    Path(sid): Path<String>,
) -> Result<Response, Refusal> {
    let stored = app.service.content(&caller, named(&sid)?).await?;
    Ok(answer(StatusCode::OK, &ContentView::of(&stored, &here))?)
}

/// `PUT /v1/Content/{sid}`
pub(super) async fn update(
    State(app): State<App>,
    Account(caller): Account<TEMPLATES>,
    here: Here,
    Path(sid): Path<String>,
    JsonBody(mut body): JsonBody,
) -> Result<Response, Refusal> {
    let kept = app.service.content(&caller, named(&sid)?).await?;
    // What a change leaves out stays, but for the types: these it always says.
    if !body.contains_key("friendly_name") && !body.contains_key("friendlyName") {
        body.insert("friendly_name".to_owned(), kept.friendly_name.clone().into());
    }
    if !body.contains_key("variables") {
        body.insert("variables".to_owned(), crate::native::word(&kept.content.variables));
    }
    let new = read(body, Some(&kept.content.language))?;
    let stored = app.service.change_content(&caller, kept.id, new).await?;
    Ok(answer(StatusCode::OK, &ContentView::of(&stored, &here))?)
}

/// `DELETE /v1/Content/{sid}`
pub(super) async fn delete(
    State(app): State<App>,
    Account(caller): Account<TEMPLATES>,
    Path(sid): Path<String>,
    Asked(query): Asked,
) -> Result<Response, Refusal> {
    let id = named(&sid)?;
    let at_meta_too = match query.flag("deleteInWaba")? {
        Some(flag) => flag,
        None => query.flag("DeleteInWaba")?.unwrap_or(false),
    };
    if at_meta_too {
        app.service.delete_content_and_templates(&caller, id).await?;
    } else {
        app.service.delete_content(&caller, id).await?;
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// A list: its entries under their key, and what it says of itself.
#[derive(Serialize)]
struct List<T> {
    contents: Vec<T>,
    meta: Meta,
}

/// What a list of contents is, beside its entries.
#[derive(Debug, Clone, Copy)]
struct Kind {
    path: &'static str,
    /// Whether the query narrows it.
    filters: Filters,
    /// Whether entries say how far their approval is.
    approvals: Approvals,
}

/// Which filters count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Filters {
    /// None: version 1 lists everything.
    None,
    /// Those of version 2.
    Search,
}

/// What is read of approvals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Approvals {
    /// Nothing.
    Unread,
    /// How far each is.
    Read,
}

/// One page of contents, each with what is known of its submissions where that is shown.
async fn page<T: Serialize>(
    service: &Service,
    caller: &Caller,
    here: &Base,
    query: &Form,
    kind: Kind,
    show: impl Fn(&StoredContent, &[Followed]) -> T,
) -> Result<Response, Refusal> {
    let paging = Paging::read(query)?;
    let filter = match kind.filters {
        Filters::None => Default::default(),
        Filters::Search => filter(query)?,
    };
    let ask = |page| {
        let (service, filter) = (service.clone(), filter.clone());
        async move { service.contents(caller, filter, page).await }
    };
    let (found, next) = paging.gather(ask).await?;
    let submissions = match kind.approvals {
        Approvals::Unread => Vec::new(),
        Approvals::Read => service.approvals_of(caller, found.iter().map(|stored| stored.id).collect()).await?,
    };
    let of = |at: usize| submissions.get(at).map_or(&[][..], Vec::as_slice);
    let contents = found.iter().enumerate().map(|(at, stored)| show(stored, of(at))).collect();
    let meta = paging.meta(here, kind.path, query, KEY, next.as_deref());
    Ok(answer(StatusCode::OK, &List { contents, meta })?)
}

/// `GET /v1/Content`
pub(super) async fn list(
    State(app): State<App>,
    Account(caller): Account<TEMPLATES>,
    here: Here,
    Asked(query): Asked,
) -> Result<Response, Refusal> {
    let kind = Kind { path: "/v1/Content", filters: Filters::None, approvals: Approvals::Unread };
    page(&app.service, &caller, &here, &query, kind, |stored, _| ContentView::of(stored, &here)).await
}

/// `GET /v1/ContentAndApprovals`
pub(super) async fn list_with_approvals(
    State(app): State<App>,
    Account(caller): Account<TEMPLATES>,
    here: Here,
    Asked(query): Asked,
) -> Result<Response, Refusal> {
    let kind = Kind { path: "/v1/ContentAndApprovals", filters: Filters::None, approvals: Approvals::Read };
    page(&app.service, &caller, &here, &query, kind, WithApproval::of).await
}

/// `GET /v1/LegacyContent`
pub(super) async fn list_legacy(
    State(app): State<App>,
    Account(caller): Account<TEMPLATES>,
    here: Here,
    Asked(query): Asked,
) -> Result<Response, Refusal> {
    let kind = Kind { path: "/v1/LegacyContent", filters: Filters::None, approvals: Approvals::Read };
    page(&app.service, &caller, &here, &query, kind, |stored, known| Legacy::of(stored, known, &here)).await
}

/// `GET /v2/Content`
pub(super) async fn search(
    State(app): State<App>,
    Account(caller): Account<TEMPLATES>,
    here: Here,
    Asked(query): Asked,
) -> Result<Response, Refusal> {
    let kind = Kind { path: "/v2/Content", filters: Filters::Search, approvals: Approvals::Unread };
    page(&app.service, &caller, &here, &query, kind, |stored, _| ContentView::of(stored, &here)).await
}

/// `GET /v2/ContentAndApprovals`
pub(super) async fn search_with_approvals(
    State(app): State<App>,
    Account(caller): Account<TEMPLATES>,
    here: Here,
    Asked(query): Asked,
) -> Result<Response, Refusal> {
    let kind = Kind { path: "/v2/ContentAndApprovals", filters: Filters::Search, approvals: Approvals::Read };
    page(&app.service, &caller, &here, &query, kind, WithApproval::of).await
}
