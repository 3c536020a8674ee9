//! Content that the business keeps: create, list, read, change, delete.

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use transom_domain::content::{Content, ContentType, Language, Needle, SEARCH_WORDS_MAX};
use transom_domain::lint;
use transom_domain::submission::Stage;
use transom_domain::template::{Approval, Category};
use transom_store::{ContentFilter, ContentOrder, Page, StoredContent};

use super::common::rfc3339;
use super::query::Query;
use super::read::{read, request_bodies};
use super::template_view::FindingView;
use super::verdict::word;
use crate::http::App;
use crate::http::call::{Asked, Authorised, PathId, TEMPLATES, json};
use crate::http::refusal::{ChangeRefusals, CreateRefusals, ListRefusals, ReadRefusals};
use crate::problem::Problem;
use crate::service::NewContent;
use crate::service::contents::missing;

/// Longest friendly name, in characters.
const FRIENDLY_NAME_MAX: usize = 256;
/// Longest search, in characters.
const SEARCH_MAX: usize = 1_024;

/// Content: one language, one or more bodies by content type, samples for its variables.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ContentRequest, example = json!({
    "friendlyName": "pickup_ready",
    "language": "en",
    "variables": { "1": "Ana", "2": "A-17" },
    "types": {
        "twilio/quick-reply": {
            "body": "Hi {{1}}, order {{2}} can be collected from now on.",
            "actions": [{ "title": "On my way", "id": "omw" }, { "title": "Later", "id": "later" }]
        },
        "twilio/text": { "body": "Hi {{1}}, order {{2}} can be collected from now on. Reply 1 or 2." }
    }
}))]
pub(crate) struct ContentRequest {
    /// Its id, 26 characters or 32 hex digits, where it has one already: content that comes from Twilio keeps the digits of its `HX…`.
    /// Only new content has it.
    id: Option<String>,
    /// For people, up to 256 characters; not what the template is called at Meta.
    friendly_name: Option<String>,
    /// Language of all texts, such as `en` or `pt_BR`; can never change.
    #[schema(value_type = Option<String>)]
    language: Option<Value>,
    /// Bodies by content type (`twilio/text`, `twilio/media`, …, `whatsapp/authentication`), in Twilio's own spelling. Where there
    /// are several, each send takes the richest that channel and session allow.
    #[schema(value_type = Option<Object>)]
    types: Option<Value>,
    /// Sample values by variable name: what reviewers see, and what is taken where a send leaves a variable out.
    #[schema(value_type = Option<Object>)]
    variables: Option<Value>,
}

request_bodies!(ContentRequest);

/// Content as the business keeps it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = KeptContent)]
pub(crate) struct ContentView {
    /// Names it, in sends and in paths.
    id: String,
    /// For people.
    friendly_name: String,
    /// Language of all texts.
    language: String,
    /// Sample values by variable name.
    #[schema(value_type = Object)]
    variables: Value,
    /// Bodies by content type.
    #[schema(value_type = Object)]
    types: Value,
    /// Since when.
    created_at: String,
    /// Since when as it is.
    updated_at: String,
    /// What would keep it from being approved, or is likely to change how: it can be sent in a session all the same. Left out in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    warnings: Option<Vec<FindingView>>,
}

/// A page of contents.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ContentPage {
    /// Contents.
    data: Vec<ContentView>,
    /// Give it as `pageToken` for the next page; null on the last.
    next_page_token: Option<String>,
}

/// What the linter found.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ContentFindings {
    /// Findings, by their field in the request: `types.twilio/card.actions[1].title`.
    findings: Vec<FindingView>,
}

impl From<&StoredContent> for ContentView {
    fn from(stored: &StoredContent) -> Self {
        let mut content = word(&stored.content);
        let mut part = |name: &str| content.get_mut(name).map_or_else(|| Value::Object(Default::default()), Value::take);
        Self {
            id: stored.id.to_string(),
            friendly_name: stored.friendly_name.clone(),
            language: stored.content.language.to_string(),
            variables: part("variables"),
            types: part("types"),
            created_at: rfc3339(stored.created_at),
            updated_at: rfc3339(stored.updated_at),
            warnings: None,
        }
    }
}

impl ContentView {
    /// With what the linter says of it.
    fn linted(stored: &StoredContent) -> Self {
        Self {
            warnings: Some(lint::content(&stored.content, None).iter().map(FindingView::from).collect()),
            ..Self::from(stored)
        }
    }
}

/// A change says everything that a creation says; only the language may be left out.
pub(super) fn parse(asked: &Asked, kept: Option<&Language>) -> Result<NewContent, Problem> {
    let (request, mut notes) = read::<ContentRequest>(&asked.body)?;
    let new = request.and_then(|request| {
        notes.at_most("friendlyName", request.friendly_name.as_deref(), FRIENDLY_NAME_MAX);
        let language = request.language.or_else(|| kept.map(|language| language.as_str().into()));
        let parts = [("language", language), ("types", request.types), ("variables", request.variables)];
        let object = parts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
        let content = Content::read(&Value::Object(object), "").map_err(|found| notes.all(found)).ok()?;
        let id = match (request.id.map(|id| id.parse()), kept) {
            (None, _) => None,
            (Some(Ok(id)), None) => Some(id),
            (Some(Err(_)), None) => {
                notes.note("id", "is not an id", "write 26 Crockford base-32 characters or 32 hex digits, or leave it out");
                None
            }
            (Some(_), Some(_)) => {
                notes.note("id", "cannot change", "leave it out: the path names the content");
                None
            }
        };
        Some(NewContent { id, friendly_name: request.friendly_name.unwrap_or_default(), content })
    });
    notes.finish(new)
}

/// Words of an order, and what they say.
const ORDERS: [(&str, ContentOrder); 6] = [
    ("newest", ContentOrder::Newest),
    ("oldest", ContentOrder::Oldest),
    ("changed_last", ContentOrder::ChangedLast),
    ("changed_first", ContentOrder::ChangedFirst),
    ("name", ContentOrder::Name),
    ("name_down", ContentOrder::NameDown),
];

/// The words of a search, within bounds.
fn needle(query: &mut Query, parameter: &'static str) -> Option<Needle> {
    let text = query.get(parameter)?.to_owned();
    query.notes.at_most(parameter, Some(&text), SEARCH_MAX);
    let needle = Needle::of(&text);
    if needle.is_none() {
        query.notes.note(parameter, format!("must have 1 to {SEARCH_WORDS_MAX} words"), "give the words to look for");
    }
    needle
}

/// A choice of several, with commas between them.
fn several<T>(query: &mut Query, parameter: &'static str, choices: &str, read: impl Fn(&str) -> Option<T>) -> Vec<T> {
    let all = |text: &str| text.split(',').map(|word| read(word.trim())).collect();
    query.choice(parameter, choices, all).unwrap_or_default()
}

/// How far content got, by the word that its approval shows.
fn stage(word: &str) -> Option<Option<Stage>> {
    match word {
        "NONE" => Some(None),
        "SUBMITTING" => Some(Some(Stage::Submitting)),
        word => {
            Approval::ALL.into_iter().find(|approval| approval.as_str() == word).map(|approval| Some(Stage::AtMeta(approval)))
        }
    }
}

pub(super) fn filter(query: Option<&str>) -> Result<(ContentFilter, Page), Problem> {
    let known = ["search", "name", "language", "type", "approval", "createdFrom", "createdTo", "order", "pageSize", "pageToken"];
    let mut query = Query::read(query, &known);
    let kinds: Vec<_> = ContentType::ALL.iter().map(|kind| kind.as_str()).collect();
    let stages: Vec<_> = Approval::ALL.iter().map(|approval| approval.as_str()).collect();
    let orders = ORDERS.map(|(word, _)| word).join(", ");
    let filter = ContentFilter {
        search: needle(&mut query, "search"),
        name: needle(&mut query, "name"),
        languages: several(&mut query, "language", "language codes such as en or pt_BR", |code| Language::parse(code).ok()),
        kinds: several(&mut query, "type", &kinds.join(", "), ContentType::named),
        stages: several(&mut query, "approval", &format!("NONE, SUBMITTING, {}", stages.join(", ")), stage),
        created_from: query.moment("createdFrom"),
        created_to: query.moment("createdTo"),
        order: query
            .choice("order", &orders, |word| ORDERS.into_iter().find(|(known, _)| *known == word).map(|(_, order)| order))
            .unwrap_or_default(),
    };
    let page = query.page();
    query.finish((filter, page))
}

/// Create content
///
/// Fields, limits and variables of every type are checked; every finding is named.
#[utoipa::path(
    post,
    path = "/v1/businesses/{business}/contents",
    operation_id = "createContent",
    tag = "Content",
    params(("business" = String, Path, description = "Id of the business")),
    request_body(content = ContentRequest),
    responses((status = 201, description = "Kept; it can be sent by its id", body = ContentView), CreateRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn create(
    State(app): State<App>,
    Authorised(caller): Authorised<TEMPLATES>,
    asked: Asked,
) -> Result<Response, Problem> {
    let stored = app.service.create_content(&caller, parse(&asked, None)?).await?;
    json(StatusCode::CREATED, &ContentView::linted(&stored))
}

/// Lint content
///
/// What Meta's rules say of it, before it is kept or submitted. With a category, as a submission under `name`: errors are what Meta
/// would refuse. Without one nothing is an error, since in a session it may go as it stands. What content cannot say at all is
/// refused as at its creation. Nothing is kept.
#[utoipa::path(
    post,
    path = "/v1/businesses/{business}/contents/lint",
    operation_id = "lintContent",
    tag = "Content",
    params(
        ("business" = String, Path, description = "Id of the business"),
        ("name" = Option<String>, Query, description = "Name of the template that it would become; with `category`"),
        ("category" = Option<String>, Query, description = "`MARKETING`, `UTILITY` or `AUTHENTICATION`"),
    ),
    request_body(content = ContentRequest),
    responses((status = 200, description = "What was found", body = ContentFindings), ListRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn lint(_caller: Authorised<TEMPLATES>, RawQuery(query): RawQuery, asked: Asked) -> Result<Response, Problem> {
    let submission = submission(query.as_deref())?;
    let new = parse(&asked, None)?;
    let wanted = submission.as_ref().map(|(name, category)| lint::Submission { name, category: *category });
    let findings = lint::content(&new.content, wanted).iter().map(FindingView::from).collect();
    json(StatusCode::OK, &ContentFindings { findings })
}

/// As what content would be submitted: name and category.
fn submission(query: Option<&str>) -> Result<Option<(String, Category)>, Problem> {
    let mut query = Query::read(query, &["name", "category"]);
    let name = query.get("name").unwrap_or_default().to_owned();
    let category = query.choice("category", "MARKETING, UTILITY or AUTHENTICATION", transom_meta::templates::category);
    if query.get("category").is_none() && !name.is_empty() {
        query.notes.note("category", "is missing", "give the category beside the name");
    }
    query.finish(category.map(|category| (name, category)))
}

/// List contents
///
/// A page can be shorter than asked, even empty, and still have a token: what the filters want may lie further back.
#[utoipa::path(
    get,
    path = "/v1/businesses/{business}/contents",
    operation_id = "listContents",
    tag = "Content",
    params(
        ("business" = String, Path, description = "Id of the business"),
        ("search" = Option<String>, Query, description = "Words that stand in this order in the friendly name, in one text, or in a name under which it was submitted, whatever their case"),
        ("name" = Option<String>, Query, description = "As `search`, in the friendly name and the names under which it was submitted only"),
        ("language" = Option<String>, Query, description = "Only in this language, or in one of these, with commas between them"),
        ("type" = Option<String>, Query, description = "Only with this content type, such as `twilio/card`, or with one of these"),
        ("approval" = Option<String>, Query, description = "Only where its submission got so far: a status as in its approvals, or `NONE` for what never was submitted; several with commas"),
        ("createdFrom" = Option<String>, Query, description = "Made then or later; RFC 3339"),
        ("createdTo" = Option<String>, Query, description = "Made then or earlier; RFC 3339"),
        ("order" = Option<String>, Query, description = "`newest` (where left out), `oldest`, `changed_last`, `changed_first`, `name` or `name_down`"),
        ("pageSize" = Option<u32>, Query, description = "1 to 200; 50 where left out"),
        ("pageToken" = Option<String>, Query, description = "`nextPageToken` of the page before"),
    ),
    responses((status = 200, description = "A page of contents", body = ContentPage), ListRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn list(
    State(app): State<App>,
    Authorised(caller): Authorised<TEMPLATES>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let (filter, page) = filter(query.as_deref())?;
    let (contents, next_page_token) = app.service.contents(&caller, filter, page).await?;
    json(StatusCode::OK, &ContentPage { data: contents.iter().map(ContentView::from).collect(), next_page_token })
}

/// Read content
#[utoipa::path(
    get,
    path = "/v1/businesses/{business}/contents/{id}",
    operation_id = "getContent",
    tag = "Content",
    params(("business" = String, Path, description = "Id of the business"), ("id" = String, Path, description = "Id of the content")),
    responses((status = 200, description = "The content", body = ContentView), ReadRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn get(
    State(app): State<App>,
    Authorised(caller): Authorised<TEMPLATES>,
    id: PathId,
) -> Result<Response, Problem> {
    json(StatusCode::OK, &ContentView::linted(&app.service.content(&caller, id.parse(missing)?).await?))
}

/// Change content
///
/// Replaces name, types and samples as a whole; the language can never change. Possible while no submission of it is under
/// review or has become a template. Messages that were sent from it keep what they said.
#[utoipa::path(
    put,
    path = "/v1/businesses/{business}/contents/{id}",
    operation_id = "changeContent",
    tag = "Content",
    params(("business" = String, Path, description = "Id of the business"), ("id" = String, Path, description = "Id of the content")),
    request_body(content = ContentRequest),
    responses((status = 200, description = "Changed", body = ContentView), ChangeRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn change(
    State(app): State<App>,
    Authorised(caller): Authorised<TEMPLATES>,
    id: PathId,
    asked: Asked,
) -> Result<Response, Problem> {
    let id = id.parse(missing)?;
    let kept = app.service.content(&caller, id).await?;
    let new = parse(&asked, Some(&kept.content.language))?;
    json(StatusCode::OK, &ContentView::linted(&app.service.change_content(&caller, id, new).await?))
}

/// Delete content
///
/// Possible unless a submission of it waits for Meta's word or a message waits that was sent from it. Templates at Meta stay.
#[utoipa::path(
    delete,
    path = "/v1/businesses/{business}/contents/{id}",
    operation_id = "deleteContent",
    tag = "Content",
    params(("business" = String, Path, description = "Id of the business"), ("id" = String, Path, description = "Id of the content")),
    responses((status = 200, description = "Deleted; an empty object", body = Object, example = json!({})), ChangeRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn delete(
    State(app): State<App>,
    Authorised(caller): Authorised<TEMPLATES>,
    id: PathId,
) -> Result<Response, Problem> {
    app.service.delete_content(&caller, id.parse(missing)?).await?;
    json(StatusCode::OK, &serde_json::json!({}))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn asked(body: &Value) -> Asked {
        Asked::of(body.to_string())
    }

    fn fields<T: std::fmt::Debug>(result: Result<T, Problem>) -> Vec<String> {
        let problem = result.unwrap_err();
        problem.details["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn content_is_read_in_both_spellings() {
        let types = json!({ "twilio/text": { "body": "Hi {{1}}" } });
        for name in ["friendlyName", "friendly_name"] {
            let body = json!({ name: "hello", "language": "pt-br", "types": types, "variables": { "1": "Ana" } });
            let new = parse(&asked(&body), None).unwrap();
            assert_eq!((new.friendly_name.as_str(), new.content.language.as_str()), ("hello", "pt_BR"));
            assert_eq!(new.content.variables["1"], "Ana");
        }
        // A change may leave the language out, and nothing else.
        let kept = Language::parse("de").unwrap();
        assert_eq!(parse(&asked(&json!({ "types": types })), Some(&kept)).unwrap().content.language, kept);
        assert_eq!(fields(parse(&asked(&json!({})), Some(&kept))), ["types"]);
    }

    #[test]
    fn every_finding_is_named_by_its_path() {
        let body = json!({ "friendlyName": "x".repeat(257), "language": "english", "typs": {},
            "types": { "twilio/fax": {}, "twilio/text": { "body": "a", "colour": "red" } }, "variables": { "a b": "x" } });
        let found = fields(parse(&asked(&body), None));
        assert_eq!(found, ["typs", "friendlyName", "language", "variables.a b", "types.twilio/fax", "types.twilio/text.colour"]);
        let body = json!({ "language": "en", "types": { "twilio/call-to-action": { "body": "", "actions": [
            { "type": "URL", "title": "Go", "url": "https://{{1}}.example.com/" }, { "type": "FAX", "title": "Go" } ] } } });
        assert_eq!(fields(parse(&asked(&body), None)), ["types.twilio/call-to-action.actions[1].type"]);
        assert_eq!(fields(parse(&asked(&json!({})), None)), ["language", "types"]);
    }

    #[test]
    fn a_submission_is_a_name_with_its_category() {
        assert_eq!(submission(None).unwrap(), None);
        assert_eq!(submission(Some("name=hi&category=UTILITY")).unwrap(), Some(("hi".to_owned(), Category::Utility)));
        assert_eq!(fields(submission(Some("name=hi"))), ["category"]);
        assert_eq!(fields(submission(Some("name=hi&category=GREETING&text=x"))), ["text", "category"]);
    }

    #[test]
    fn filters_are_read_whole_or_refused_by_name() {
        let (read, page) = filter(Some("search=Parcel%20here&language=pt-br,%20en&type=twilio%2Fcard&page_size=7")).unwrap();
        assert_eq!((read.search, page.size), (Needle::of("parcel here"), 7));
        let languages: Vec<_> = read.languages.iter().map(Language::as_str).collect();
        assert_eq!((languages, read.kinds), (vec!["pt_BR", "en"], vec![ContentType::Card]));
        let (read, _) = filter(Some("name=shop&approval=NONE,APPROVED&created_from=2026-11-22T08:00:00Z&order=name")).unwrap();
        assert_eq!((read.name, read.order), (Needle::of("shop"), ContentOrder::Name));
        assert_eq!(read.stages, [None, Some(Stage::AtMeta(Approval::Approved))]);
        assert_eq!(read.created_from.map(|at| at.as_millis()), Some(1_795_334_400_000));
        assert_eq!(
            fields(filter(Some("search=+&language=english&type=card&colour=1&approval=GOOD&createdTo=today&order=up"))),
            ["colour", "search", "language", "type", "approval", "createdTo", "order"]
        );
    }

    #[test]
    fn what_is_shown_can_be_sent_again() {
        let body = json!({ "friendlyName": "hello", "language": "en", "variables": { "1": "Ana" }, "types": {
            "twilio/card": { "title": "Hi {{1}}", "subtitle": "foot", "actions": [{ "type": "PHONE", "title": "Call", "phone": "+4915112345678" }] },
            "whatsapp/authentication": { "code_expiration_minutes": "30", "actions": [{ "type": "COPY_CODE", "copy_code_text": "Copy" }] } } });
        let new = parse(&asked(&body), None).unwrap();
        let at = transom_domain::time::Timestamp::EPOCH;
        let stored = StoredContent {
            id: transom_domain::id::ContentId(1),
            business: transom_domain::id::BusinessId(2),
            friendly_name: new.friendly_name,
            content: new.content.clone(),
            created_at: at,
            updated_at: at,
        };
        let mut shown = word(&ContentView::from(&stored));
        for ours in ["createdAt", "updatedAt"] {
            assert!(shown.as_object_mut().unwrap().remove(ours).is_some(), "{ours}");
        }
        let again = parse(&asked(&shown), None).unwrap();
        assert_eq!((again.content, again.id), (new.content, Some(stored.id)));
        assert_eq!(fields(parse(&asked(&shown), Some(&Language::parse("en").unwrap()))), ["id"]);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(language in ".{0,6}", body in ".{0,60}", name in ".{0,20}", query in ".{0,60}") {
            let request = json!({ "language": language, "types": { "twilio/text": { "body": body } }, "variables": { name: body } });
            let _ = parse(&asked(&request), None);
            let _ = filter(Some(&query));
        }
    }
}
