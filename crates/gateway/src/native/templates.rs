//! Templates as a resource: list, fetch, create, edit, delete, lint, and what happened to one.

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use transom_domain::content::Language;
use transom_domain::lint;
use transom_domain::message::TemplateName;
use transom_domain::template::{Approval, Category, Quality};

use super::query::Query;
use super::read::{Notes, read, request_bodies};
use super::template_view::{FindingView, HistoryView, TemplateView, moment_json, template_json, under_way_json};
use crate::http::App;
use crate::http::call::{Asked, Authorised, PathName, TEMPLATES, json as answer};
use crate::http::refusal::{ChangeRefusals, ListRefusals, TemplateReads, TemplateRefusals};
use crate::problem::Problem;
use crate::service::{MadeTemplate, NewTemplate, TemplateChange, TemplateFilter};

/// Longest name of a template; Meta's own limit.
const NAME_MAX: usize = 512;
/// Longest part to search for.
const SEARCH_MAX: usize = 200;

/// A page of templates.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TemplateList {
    /// By name and language.
    data: Vec<TemplateView>,
    /// Give it as `pageToken` for the next page; null on the last.
    next_page_token: Option<String>,
}

/// A page of a template's history.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TemplateHistory {
    /// Newest first.
    data: Vec<HistoryView>,
    /// Give it as `pageToken` for the next page; null on the last.
    next_page_token: Option<String>,
}

/// A template to be created, in the words of Meta's own create call.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "name": "order_update",
    "language": "en_US",
    "category": "UTILITY",
    "components": [
        { "type": "BODY", "text": "Hi {{1}}, your order is on its way to you now.", "example": { "body_text": [["Ana"]] } },
        { "type": "FOOTER", "text": "Example Shop" }
    ]
}))]
pub(crate) struct CreateTemplate {
    /// Lower-case letters, digits and underscores.
    name: String,
    /// A code of Meta's list, such as `en_US`.
    language: String,
    /// `MARKETING`, `UTILITY` or `AUTHENTICATION`.
    category: String,
    /// `POSITIONAL` (`{{1}}`, the default) or `NAMED` (`{{first_name}}`).
    parameter_format: Option<String>,
    /// As Meta writes components. `example.header_handle` takes a handle, a public link, or a `data:` address.
    #[schema(value_type = Vec<Object>)]
    components: Vec<Value>,
    /// Seconds for which Meta is to try to deliver it; Meta's default where left out.
    message_send_ttl_seconds: Option<i64>,
    /// WhatsApp Business Account; may be left out when the business has one.
    waba_id: Option<String>,
}

/// A change to a template: what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "components": [{ "type": "BODY", "text": "Hi {{1}}, we have sent your order to you now.", "example": { "body_text": [["Ana"]] } }]
}))]
pub(crate) struct EditTemplate {
    /// All of them: Meta replaces components as a whole.
    #[schema(value_type = Option<Vec<Object>>)]
    components: Option<Vec<Value>>,
    /// Only of a template that Meta rejected.
    category: Option<String>,
    /// Cannot be changed; accepted when it is what the template has.
    parameter_format: Option<String>,
    /// Seconds for which Meta is to try to deliver it.
    message_send_ttl_seconds: Option<i64>,
}

/// A template by name and language.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({ "name": "order_update_plain", "language": "en_US" }))]
pub(crate) struct Twin {
    /// Name.
    name: String,
    /// Language.
    language: String,
}

request_bodies!(CreateTemplate, EditTemplate, Twin);

/// A template that was created or edited.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MadeTemplate)]
pub(crate) struct MadeView {
    /// As it now stands.
    template: TemplateView,
    /// What the linter would have otherwise.
    warnings: Vec<FindingView>,
}

/// What was deleted.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeletedTemplates {
    /// Each by name and language.
    deleted: Vec<DeletedTemplate>,
}

/// A template that was deleted.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeletedTemplate {
    /// Name.
    name: String,
    /// Language.
    language: String,
}

/// What stands in the way of a template now.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LintedTemplate {
    /// The linter's findings: errors, which a create refuses, and warnings.
    findings: Vec<FindingView>,
    /// The moment from which a quota or a lock lets it through; null when none stands in the way.
    #[schema(value_type = Option<String>)]
    not_before: Value,
    /// The rule on quotas, names and statuses that stands in the way: `rule`, `message`, `remedy`.
    #[schema(value_type = Option<Object>)]
    conflict: Value,
    /// A call for it whose answer was lost and is not settled yet: `action`, `since`.
    #[schema(value_type = Option<Object>)]
    under_way: Value,
}

/// Puts the findings of the linter and of the strict reader into the words of the request.
pub(crate) fn in_request(field: &str, components: &Value) -> String {
    match field {
        "parameter_format" => "parameterFormat".to_owned(),
        "message_send_ttl_seconds" => "messageSendTtlSeconds".to_owned(),
        other => lint::in_components(other, components),
    }
}

fn made(status: StatusCode, made: MadeTemplate, waba: &str, components: &Value) -> Result<Response, Problem> {
    let mut warnings = made.warnings;
    for finding in &mut warnings {
        finding.field = in_request(&finding.field, components);
    }
    let template = TemplateView::new(&made.template, None, waba);
    answer(status, &MadeView { template, warnings: warnings.iter().map(FindingView::from).collect() })
}

/// A refusal that names fields of a definition, in the words of the request.
fn renamed(mut problem: Problem, components: &Value) -> Problem {
    let first = problem.details.get("findings").and_then(|f| f.get(0)?.get("field")?.as_str()).map(str::to_owned);
    for finding in problem.details.get_mut("findings").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(field) = finding.get("field").and_then(Value::as_str) {
            let renamed = in_request(field, components);
            finding["field"] = renamed.into();
        }
    }
    if let Some(first) = first
        && let Some(rest) = problem.message.strip_prefix(&first)
    {
        problem.message = format!("{}{rest}", in_request(&first, components));
    }
    problem
}

/// Reads a template that is asked for: its fields by our names, its components strictly as Meta's.
fn asked_for(body: &[u8]) -> Result<(NewTemplate, Value), Problem> {
    let (asked, mut notes) = read::<CreateTemplate>(body)?;
    let Some(asked) = asked else { return notes.finish(None) };
    let components = Value::Array(asked.components);
    let mut request = Map::new();
    request.insert("name".to_owned(), asked.name.into());
    request.insert("language".to_owned(), asked.language.into());
    request.insert("category".to_owned(), asked.category.into());
    request.insert("components".to_owned(), components.clone());
    if let Some(format) = asked.parameter_format {
        request.insert("parameter_format".to_owned(), format.into());
    }
    if let Some(seconds) = asked.message_send_ttl_seconds {
        request.insert("message_send_ttl_seconds".to_owned(), seconds.into());
    }
    let new = match transom_meta::templates::read_request(&Value::Object(request)) {
        Ok(read) => Some(NewTemplate {
            waba: asked.waba_id,
            name: read.name,
            language: read.language,
            category: read.category,
            definition: read.definition,
            ttl_seconds: read.ttl_seconds,
        }),
        Err(found) => {
            for finding in found {
                notes.note(&in_request(&finding.field, &Value::Null), finding.rule, finding.remedy);
            }
            None
        }
    };
    notes.finish(new).map(|new| (new, components))
}

fn language(query: &mut Query) -> Option<Language> {
    let read = |code: &str| Language::parse(code).ok();
    query.choice("language", "a code such as en_US", read)
}

/// List templates
///
/// Every template of an account, made here or elsewhere, as Meta last told it; deleted ones only with `status=DELETED`.
#[utoipa::path(
    get,
    path = "/v1/businesses/{business}/templates",
    operation_id = "listTemplates",
    tag = "Templates",
    params(
        ("business" = String, Path, description = "Id of the business"),
        ("name" = Option<String>, Query, description = "Only with this name"),
        ("language" = Option<String>, Query, description = "Only in this language"),
        ("status" = Option<String>, Query, description = "Only with this status"),
        ("category" = Option<String>, Query, description = "Only of this category"),
        ("quality" = Option<String>, Query, description = "Only with this rating: GREEN, YELLOW, RED or UNKNOWN"),
        ("search" = Option<String>, Query, description = "Only with this in name or text"),
        ("wabaId" = Option<String>, Query, description = "WhatsApp Business Account; needed when the business has several"),
        ("pageSize" = Option<u32>, Query, description = "1 to 200; 50 where left out"),
        ("pageToken" = Option<String>, Query, description = "`nextPageToken` of the page before"),
    ),
    responses((status = 200, description = "A page of templates", body = TemplateList), ListRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn list(
    State(app): State<App>,
    Authorised(caller): Authorised<TEMPLATES>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let known = ["name", "language", "status", "category", "quality", "search", "wabaId", "pageSize", "pageToken"];
    let mut query = Query::read(query.as_deref(), &known);
    let filter = TemplateFilter {
        waba: query.get("wabaId").map(str::to_owned),
        name: query.get("name").map(str::to_owned),
        language: language(&mut query),
        status: query.choice("status", "a status such as APPROVED", |word| {
            Some(Approval::named(word)).filter(|approval| approval.as_str().eq_ignore_ascii_case(word))
        }),
        category: query.choice("category", "MARKETING, UTILITY or AUTHENTICATION", transom_meta::templates::category),
        quality: query.choice("quality", "GREEN, YELLOW, RED or UNKNOWN", Quality::named),
        search: query.get("search").map(str::to_owned),
    };
    query.notes.at_most("name", filter.name.as_deref(), NAME_MAX);
    query.notes.at_most("search", filter.search.as_deref(), SEARCH_MAX);
    let page = query.page();
    let (filter, page) = query.finish((filter, page))?;
    let found = app.service.templates(&caller, &filter, &page).await?;
    answer(StatusCode::OK, &TemplateList { data: TemplateView::of_page(&found), next_page_token: found.next })
}

/// Fetch a template
///
/// Every language of a name, or the one.
#[utoipa::path(
    get,
    path = "/v1/businesses/{business}/templates/{name}",
    operation_id = "getTemplate",
    tag = "Templates",
    params(
        ("business" = String, Path, description = "Id of the business"),
        ("name" = String, Path, description = "Name of the template"),
        ("language" = Option<String>, Query, description = "Only in this language"),
        ("wabaId" = Option<String>, Query, description = "WhatsApp Business Account; needed when the business has several"),
    ),
    responses((status = 200, description = "Its languages", body = TemplateList), TemplateReads),
    security(("X-API-Key" = []))
)]
pub(crate) async fn get(
    State(app): State<App>,
    Authorised(caller): Authorised<TEMPLATES>,
    PathName(name): PathName,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let mut query = Query::read(query.as_deref(), &["language", "wabaId"]);
    let language = language(&mut query);
    let waba = query.get("wabaId").map(str::to_owned);
    let (language, waba) = query.finish((language, waba))?;
    let found = app.service.template(&caller, waba, &name, language).await?;
    answer(StatusCode::OK, &TemplateList { data: TemplateView::of_page(&found), next_page_token: None })
}

/// Create a template
///
/// Linted first: what Meta's rules refuse is refused here, with every finding in `details.findings`; warnings are in the answer.
/// Meta's quotas and locks are held against it too: `details.notBefore` says from when it will work. Then Meta is asked to
/// review it. Repeat a request whose answer was lost: nothing is made twice.
#[utoipa::path(
    post,
    path = "/v1/businesses/{business}/templates",
    operation_id = "createTemplate",
    tag = "Templates",
    params(("business" = String, Path, description = "Id of the business")),
    request_body = CreateTemplate,
    responses((status = 201, description = "Meta has it", body = MadeView), TemplateRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn create(
    State(app): State<App>,
    Authorised(caller): Authorised<TEMPLATES>,
    asked: Asked,
) -> Result<Response, Problem> {
    let (new, components) = asked_for(&asked.body)?;
    let waba = app.service.waba_of(&caller, new.waba.as_deref())?;
    let template = app.service.create_template(&caller, new).await.map_err(|problem| renamed(problem, &components))?;
    made(StatusCode::CREATED, template, &waba, &components)
}

/// Edit a template
///
/// It goes to review again; what is approved stays in force meanwhile. Meta lets an approved template be edited once in 24 hours
/// and 10 times in 30 days, and keeps its category.
#[utoipa::path(
    patch,
    path = "/v1/businesses/{business}/templates/{name}",
    operation_id = "editTemplate",
    tag = "Templates",
    params(
        ("business" = String, Path, description = "Id of the business"),
        ("name" = String, Path, description = "Name of the template"),
        ("language" = String, Query, description = "Its language"),
        ("wabaId" = Option<String>, Query, description = "WhatsApp Business Account; needed when the business has several"),
    ),
    request_body = EditTemplate,
    responses((status = 200, description = "As it now stands", body = MadeView), TemplateRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn edit(
    State(app): State<App>,
    Authorised(caller): Authorised<TEMPLATES>,
    PathName(name): PathName,
    RawQuery(query): RawQuery,
    asked: Asked,
) -> Result<Response, Problem> {
    let (language, waba) = of_one(query.as_deref())?;
    let (edit, notes) = read::<EditTemplate>(&asked.body)?;
    let edit = notes.finish(edit)?;
    // How components are read depends on the category that the template has.
    let found = app.service.template(&caller, waba.clone(), &name, Some(language.clone())).await?;
    let known = found.templates.first().map(|t| (t.category, t.definition.format));
    let (change, components) = changed(edit, known)?;
    let done = app.service.edit_template(&caller, waba, name, language, change).await;
    made(StatusCode::OK, done.map_err(|problem| renamed(problem, &components))?, &found.waba, &components)
}

/// Reads an edit against the category and the format that the template has.
fn changed(
    edit: EditTemplate,
    known: Option<(Category, transom_domain::template::ParameterFormat)>,
) -> Result<(TemplateChange, Value), Problem> {
    let mut notes = Notes::default();
    let category = edit.category.as_deref().and_then(|word| {
        let category = transom_meta::templates::category(word);
        if category.is_none() {
            notes.note("category", "is no category", "use MARKETING, UTILITY or AUTHENTICATION");
        }
        category
    });
    let format = match known {
        Some((_, transom_domain::template::ParameterFormat::Named)) => "NAMED",
        _ => "POSITIONAL",
    };
    let format = edit.parameter_format.as_deref().unwrap_or(format);
    let components = edit.components.map_or(Value::Null, Value::Array);
    let mut definition = None;
    if !components.is_null() {
        let read_as = category.or(known.map(|(category, _)| category)).unwrap_or(Category::Utility);
        match transom_meta::templates::read_components(&components, read_as, Some(format)) {
            Ok(read) => definition = Some(read),
            Err(found) => {
                for finding in found {
                    notes.note(&in_request(&finding.field, &Value::Null), finding.rule, finding.remedy);
                }
            }
        }
    }
    if components.is_null() && edit.category.is_none() && edit.message_send_ttl_seconds.is_none() {
        notes.note("", "changes nothing", "give `components`, `category` or `messageSendTtlSeconds`");
    }
    let change = TemplateChange { category, definition, ttl_seconds: edit.message_send_ttl_seconds };
    notes.finish(Some((change, components)))
}

/// The language and the account of an operation on one template.
fn of_one(query: Option<&str>) -> Result<(Language, Option<String>), Problem> {
    let mut query = Query::read(query, &["language", "wabaId"]);
    let language = language(&mut query);
    if query.get("language").is_none() {
        query.notes.note("language", "is required", "name the language of the template");
    }
    let waba = query.get("wabaId").map(str::to_owned);
    let (language, waba) = query.finish((language, waba))?;
    match language {
        Some(language) => Ok((language, waba)),
        None => Err(Problem::field("language", "is required", "name the language of the template")),
    }
}

/// Delete a template
///
/// In one language, or in all of them. Its name stays locked for 30 days if it was ever approved; what Meta has disabled cannot
/// be deleted.
#[utoipa::path(
    delete,
    path = "/v1/businesses/{business}/templates/{name}",
    operation_id = "deleteTemplate",
    tag = "Templates",
    params(
        ("business" = String, Path, description = "Id of the business"),
        ("name" = String, Path, description = "Name of the template"),
        ("language" = Option<String>, Query, description = "Its language; all of them where left out"),
        ("wabaId" = Option<String>, Query, description = "WhatsApp Business Account; needed when the business has several"),
    ),
    responses((status = 200, description = "It is gone", body = DeletedTemplates), TemplateRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn delete(
    State(app): State<App>,
    Authorised(caller): Authorised<TEMPLATES>,
    PathName(name): PathName,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let mut query = Query::read(query.as_deref(), &["language", "wabaId"]);
    let language = language(&mut query);
    let waba = query.get("wabaId").map(str::to_owned);
    let (language, waba) = query.finish((language, waba))?;
    let languages = app.service.delete_template(&caller, waba, name.clone(), language).await?;
    let deleted = |language: Language| DeletedTemplate { name: name.clone(), language: language.to_string() };
    answer(StatusCode::OK, &DeletedTemplates { deleted: languages.into_iter().map(deleted).collect() })
}

/// Lint a template
///
/// What Meta's rules say of it, and whether quotas, locks or its status would refuse it now; as a new one, or as an edit of the
/// one that has its name and language. Nothing is done.
#[utoipa::path(
    post,
    path = "/v1/businesses/{business}/templates/lint",
    operation_id = "lintTemplate",
    tag = "Templates",
    params(("business" = String, Path, description = "Id of the business")),
    request_body = CreateTemplate,
    responses((status = 200, description = "What was found", body = LintedTemplate), ListRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn lint(
    State(app): State<App>,
    Authorised(caller): Authorised<TEMPLATES>,
    asked: Asked,
) -> Result<Response, Problem> {
    let (new, components) = asked_for(&asked.body)?;
    let mut outlook = app.service.template_outlook(&caller, &new).await?;
    for finding in &mut outlook.findings {
        finding.field = in_request(&finding.field, &components);
    }
    let refusal = outlook.refusal.as_ref();
    answer(
        StatusCode::OK,
        &LintedTemplate {
            findings: outlook.findings.iter().map(FindingView::from).collect(),
            not_before: refusal.and_then(|refusal| refusal.not_before).map_or(Value::Null, moment_json),
            conflict: refusal.map_or(
                Value::Null,
                |refusal| serde_json::json!({ "rule": refusal.rule.as_str(), "message": refusal.why, "remedy": refusal.remedy }),
            ),
            under_way: outlook.under_way.as_ref().map_or(Value::Null, under_way_json),
        },
    )
}

/// Read a template's history
///
/// What happened to it, newest first: created, edited, approved, paused, recategorised, deleted; when, and by whom.
#[utoipa::path(
    get,
    path = "/v1/businesses/{business}/templates/{name}/history",
    operation_id = "getTemplateHistory",
    tag = "Templates",
    params(
        ("business" = String, Path, description = "Id of the business"),
        ("name" = String, Path, description = "Name of the template"),
        ("language" = String, Query, description = "Its language"),
        ("wabaId" = Option<String>, Query, description = "WhatsApp Business Account; needed when the business has several"),
        ("pageSize" = Option<u32>, Query, description = "1 to 200; 50 where left out"),
        ("pageToken" = Option<String>, Query, description = "`nextPageToken` of the page before"),
    ),
    responses((status = 200, description = "A page of its history", body = TemplateHistory), TemplateReads),
    security(("X-API-Key" = []))
)]
pub(crate) async fn history(
    State(app): State<App>,
    Authorised(caller): Authorised<TEMPLATES>,
    PathName(name): PathName,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let mut query = Query::read(query.as_deref(), &["language", "wabaId", "pageSize", "pageToken"]);
    let language = language(&mut query);
    if query.get("language").is_none() {
        query.notes.note("language", "is required", "name the language of the template");
    }
    let waba = query.get("wabaId").map(str::to_owned);
    let page = query.page();
    let (language, waba, page) = query.finish((language, waba, page))?;
    let Some(language) = language else {
        return Err(Problem::field("language", "is required", "name the language of the template"));
    };
    let (lines, next) = app.service.template_history(&caller, waba.as_deref(), &name, language, page).await?;
    let data = lines.iter().map(HistoryView::from).collect();
    answer(StatusCode::OK, &TemplateHistory { data, next_page_token: next })
}

/// Name a template's twin
///
/// Another template of the same account, which takes the same parameters: it steps in while this one is paused, disabled or not
/// approved, and the verdict says so.
#[utoipa::path(
    put,
    path = "/v1/businesses/{business}/templates/{name}/twin",
    operation_id = "setTemplateTwin",
    tag = "Templates",
    params(
        ("business" = String, Path, description = "Id of the business"),
        ("name" = String, Path, description = "Name of the template"),
        ("language" = String, Query, description = "Its language"),
        ("wabaId" = Option<String>, Query, description = "WhatsApp Business Account; needed when the business has several"),
    ),
    request_body = Twin,
    responses((status = 200, description = "The template", body = TemplateView), ChangeRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn set_twin(
    State(app): State<App>,
    Authorised(caller): Authorised<TEMPLATES>,
    PathName(name): PathName,
    RawQuery(query): RawQuery,
    asked: Asked,
) -> Result<Response, Problem> {
    let (language, waba) = of_one(query.as_deref())?;
    let (twin, mut notes) = read::<Twin>(&asked.body)?;
    let twin = twin.and_then(|twin| match Language::parse(&twin.language) {
        Ok(language) => Some(TemplateName { name: twin.name, language }),
        Err(why) => {
            notes.note("language", why.to_string(), "use a code such as en_US");
            None
        }
    });
    let twin = notes.finish(twin)?;
    app.twin(&caller, waba, name, language, Some(twin)).await
}

/// Take a template's twin back
#[utoipa::path(
    delete,
    path = "/v1/businesses/{business}/templates/{name}/twin",
    operation_id = "deleteTemplateTwin",
    tag = "Templates",
    params(
        ("business" = String, Path, description = "Id of the business"),
        ("name" = String, Path, description = "Name of the template"),
        ("language" = String, Query, description = "Its language"),
        ("wabaId" = Option<String>, Query, description = "WhatsApp Business Account; needed when the business has several"),
    ),
    responses((status = 200, description = "The template", body = TemplateView), TemplateReads),
    security(("X-API-Key" = []))
)]
pub(crate) async fn delete_twin(
    State(app): State<App>,
    Authorised(caller): Authorised<TEMPLATES>,
    PathName(name): PathName,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let (language, waba) = of_one(query.as_deref())?;
    app.twin(&caller, waba, name, language, None).await
}

impl App {
    async fn twin(
        &self,
        caller: &crate::service::Caller,
        waba: Option<String>,
        name: String,
        language: Language,
        twin: Option<TemplateName>,
    ) -> Result<Response, Problem> {
        self.service.set_twin(caller, waba.as_deref(), &name, &language, twin).await?;
        let found = self.service.template(caller, waba, &name, Some(language)).await?;
        let shown = found.templates.first().map(|template| template_json(template, None, &found.waba));
        answer(StatusCode::OK, &shown.unwrap_or_default())
    }
}
