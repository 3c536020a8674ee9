//! Templates as Graph manages them.

use axum::http::Method;
use serde_json::{Value, json};

use super::App;
use super::answer::{GraphResult, Outcome};
use super::call::Call;
use super::graph::{page, success};
use super::uploads::with_addresses;
use crate::graph::error::GraphError;
use crate::graph::read::Fields;
use crate::world::template::{FIELDS, Standing, Template, authentication, create, languages, library, rules};

/// What a list can be asked for: WA templates/template-management.
const LIST: [&str; 13] = [
    "fields",
    "limit",
    "after",
    "before",
    "status",
    "name",
    "name_or_content",
    "language",
    "category",
    "content",
    "summary",
    "quality_score",
    "source",
];

/// Errors here are worded as template management words them.
fn managed(result: GraphResult) -> GraphResult {
    result.map_err(GraphError::of_management)
}

/// `/{waba_id}/message_templates`: create, list, delete.
pub(crate) async fn of_account(app: &App, call: &Call, waba: u64) -> GraphResult {
    app.engine.step(|world, now| world.admit_management(now, waba)).0?;
    managed(match call.method {
        Method::POST => create(app, call, waba).await,
        Method::GET => list(app, call, waba),
        Method::DELETE => delete(app, call, waba).await,
        _ => Err(GraphError::no_such_object(call.method.as_str(), &waba.to_string())),
    })
}

async fn create(app: &App, call: &Call, waba: u64) -> GraphResult {
    let draft = create::read(&call.parameters()?)?;
    Ok(app.engine.commit(|world, now| world.file_template(now, waba, draft)).await??.into())
}

/// The names in `fields=`, all of which must exist.
fn asked(call: &Call) -> Result<Vec<String>, GraphError> {
    let fields = call.fields();
    match fields.iter().find(|field| !FIELDS.contains(&field.as_str())) {
        Some(unknown) => Err(GraphError::graph(
            100,
            400,
            format!("Tried accessing nonexisting field ({unknown}) on node type (WhatsAppMessageTemplate)"),
        )),
        None => Ok(fields),
    }
}

fn list(app: &App, call: &Call, waba: u64) -> GraphResult {
    if let Some(unknown) = call.query.keys().find(|key| !LIST.contains(&key.as_str())) {
        return Err(GraphError::invalid(format!("Unexpected key \"{unknown}\" on param \"the request\".")).about(unknown));
    }
    let fields = asked(call)?;
    let items = app.engine.look(|world, _| {
        let matching = world.templates_of(waba).filter(|template| matches(template, call));
        matching.map(|template| (template.id, with_addresses(world, template.shown(&fields)))).collect()
    });
    let mut answer = page(app, call, items)?;
    if let (Some(wanted), Some(map)) = (call.query.get("summary"), answer.as_object_mut()) {
        map.insert("summary".into(), summary(app, waba, wanted));
    }
    Ok(answer.into())
}

/// Counts of the whole account, as `summary=` names them.
fn summary(app: &App, waba: u64, wanted: &str) -> Value {
    let (count, limit) = app.engine.look(|world, _| (world.templates_of(waba).count(), world.templates_limit()));
    let Value::Object(all) = json!({
        "total_count": count,
        "message_template_count": count,
        "message_template_limit": limit,
        "are_translations_complete": true,
    }) else {
        return Value::Null;
    };
    Value::Object(all.into_iter().filter(|(key, _)| wanted.split(',').any(|one| one.trim() == key)).collect())
}

fn matches(template: &Template, call: &Call) -> bool {
    // A filter may name several values, with commas or as a JSON list.
    let among = |key: &str, value: &str| {
        call.query.get(key).is_none_or(|wanted| {
            wanted.trim_matches(['[', ']']).split(',').any(|one| one.trim().trim_matches('"').eq_ignore_ascii_case(value))
        })
    };
    let contains =
        |key: &str, text: &str| call.query.get(key).is_none_or(|wanted| text.to_lowercase().contains(&wanted.to_lowercase()));
    let name_or_content = || contains("name_or_content", &template.name) || contains("name_or_content", &template.words());
    // Templates behind Direct Send are not made here, so asking for them finds none.
    call.query.get("source").is_none_or(|source| source != "AUTO_GENERATED")
        && among("status", template.standing.as_str())
        && among("language", &template.language)
        && among("category", template.category.as_str())
        && among("quality_score", &template.quality)
        && contains("name", &template.name)
        && (!call.query.contains_key("content") || contains("content", &template.words()))
        && (!call.query.contains_key("name_or_content") || name_or_content())
}

async fn delete(app: &App, call: &Call, waba: u64) -> GraphResult {
    let parameters = call.parameters()?;
    let fields = Fields::body(&parameters)?;
    fields.only(&["name", "hsm_id", "hsm_ids"])?;
    let text = |key: &str| match parameters.get(key) {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    let several = match parameters.get("hsm_ids") {
        Some(Value::Array(list)) => Some(list.iter().filter_map(id_of).collect::<Vec<u64>>()),
        Some(_) => return Err(GraphError::invalid("Param hsm_ids must be an array of template ids.").about("hsm_ids")),
        None => None,
    };
    if several.as_ref().is_some_and(|ids| ids.len() > rules::DELETED_AT_ONCE) {
        return Err(GraphError::invalid("Param hsm_ids may have at most 100 ids.").about("hsm_ids"));
    }
    let (name, one) = (text("name"), text("hsm_id"));
    if several.is_some() && (name.is_some() || one.is_some()) {
        return Err(GraphError::invalid("Param hsm_ids stands alone, without name and hsm_id.").about("hsm_ids"));
    }
    if several.is_none() && name.is_none() {
        return Err(GraphError::missing("name"));
    }
    let deleted = app.engine.commit(|world, now| {
        let ids: Vec<u64> = world
            .templates_of(waba)
            .filter(|template| template.deleted_at.is_none())
            .filter(|template| match (&several, &one, &name) {
                (Some(ids), _, _) => ids.contains(&template.id),
                (None, Some(id), name) => {
                    template.id.to_string() == *id && name.as_ref().is_none_or(|name| template.name == *name)
                }
                (None, None, name) => name.as_ref().is_some_and(|name| template.name == *name),
            })
            .map(|template| template.id)
            .collect();
        if ids.is_empty() {
            return Err(rules::NOT_FOUND.refuse("No template of this account has this name or id."));
        }
        world.delete_templates(now, &ids)
    });
    deleted.await??;
    Ok(success())
}

fn id_of(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str().and_then(|text| text.parse().ok()))
}

/// `GET /{template_id}`.
pub(crate) fn read(app: &App, call: &Call, id: u64) -> GraphResult {
    let fields = asked(call)?;
    let shown = app.engine.look(|world, _| world.template(id).map(|template| with_addresses(world, template.shown(&fields))));
    shown.map(Into::into).ok_or_else(|| GraphError::no_such_object("GET", &id.to_string()))
}

/// `POST /{template_id}`.
pub(crate) async fn edit(app: &App, call: &Call, id: u64) -> GraphResult {
    let value = call.parameters()?;
    let edited = app.engine.commit(|world, now| {
        let waba = world.template(id).map_or(0, |template| template.waba);
        world.admit_management(now, waba)?;
        world.edit_template(now, id, &value)?;
        let shown = world.template(id).map(|template| template.shown(&["name".to_owned(), "category".to_owned()]));
        Ok::<_, GraphError>(shown.unwrap_or_default())
    });
    // Meta's guide shows `success` alone; pywa reads the rest as well, after the reference.
    managed(edited.await?.map(|mut shown| {
        shown["success"] = json!(true);
        shown.into()
    }))
}

/// `POST /{template_id}/unpause`.
pub(crate) async fn unpause(app: &App, id: u64) -> GraphResult {
    let unpaused = app.engine.commit(|world, now| {
        if world.template(id).is_none_or(|template| template.standing != Standing::Paused) {
            return Err(rules::STATUS_FIXED.refuse("Only a paused message template can be unpaused."));
        }
        world.unpause(now, id);
        Ok(())
    });
    managed(unpaused.await?.map(|()| success()))
}

/// `POST /{waba_id}/upsert_message_templates`: an authentication template in many languages at once
/// (WA templates/authentication-templates/bulk-management).
pub(crate) async fn upsert(app: &App, call: &Call, waba: u64) -> GraphResult {
    managed(upsert_all(app, call, waba).await)
}

async fn upsert_all(app: &App, call: &Call, waba: u64) -> GraphResult {
    let value = call.parameters()?;
    let fields = Fields::body(&value)?;
    fields.only(&["name", "languages", "category", "components", "message_send_ttl_seconds"])?;
    fields.one_of("category", &["AUTHENTICATION"])?;
    let mut drafts = Vec::new();
    for language in fields.list("languages", 1..=languages::all().count())? {
        let mut one = value.clone();
        if let Some(map) = one.as_object_mut() {
            map.remove("languages");
            map.insert("language".into(), language.clone());
        }
        drafts.push((create::read(&one)?, one));
    }
    let done = app.engine.commit(|world, now| {
        world.admit_management(now, waba)?;
        let mut answers = Vec::new();
        for (draft, one) in drafts {
            let language = draft.language.clone();
            let known = world.template_ids.get(&(waba, draft.name.clone(), language.clone())).copied();
            let answer = match known {
                Some(id) => {
                    world.edit_template(now, id, &json!({ "components": one["components"] }))?;
                    json!({ "id": id.to_string(), "status": "PENDING", "language": language })
                }
                None => {
                    let made = world.file_template(now, waba, draft)?;
                    json!({ "id": made["id"], "status": made["status"], "language": language })
                }
            };
            answers.push(answer);
        }
        Ok::<_, GraphError>(answers)
    });
    Ok(json!({ "data": done.await?? }).into())
}

/// `GET /{waba_id}/message_template_previews`: the texts of authentication templates
/// (WA templates/authentication-templates/template-preview).
pub(crate) fn previews(call: &Call) -> GraphResult {
    managed(previewed(call))
}

fn previewed(call: &Call) -> GraphResult {
    let value = call.parameters()?;
    let fields = Fields::body(&value)?;
    fields.only(&[
        "category",
        "languages",
        "language",
        "add_security_recommendation",
        "code_expiration_minutes",
        "button_types",
        "fields",
        "limit",
    ])?;
    fields.one_of("category", &["AUTHENTICATION"])?;
    fields.one_of("button_types", &["OTP", "[OTP]", "[\"OTP\"]"])?;
    let advised = fields.flag_opt("add_security_recommendation")?.unwrap_or(false);
    let minutes = fields.int_opt("code_expiration_minutes")?;
    if minutes.is_some_and(|minutes| !rules::CODE_MINUTES.contains(&minutes)) {
        return Err(fields.wrong("code_expiration_minutes", "must be between 1 and 90."));
    }
    let wanted = fields.get("languages").or_else(|| fields.get("language"));
    let named: Vec<String> = match wanted {
        None => languages::all().map(str::to_owned).collect(),
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(Value::String(text)) => text.split(',').map(|one| one.trim().to_owned()).collect(),
        Some(_) => return Err(fields.wrong("languages", "must be a list of language codes.")),
    };
    if let Some(unknown) = named.iter().find(|one| !languages::is_supported(one)) {
        return Err(fields.wrong("languages", &format!("\"{unknown}\" is not a supported language.")));
    }
    let data: Vec<Value> = named.iter().map(|language| authentication::preview(language, advised, minutes)).collect();
    Ok(json!({ "data": data }).into())
}

/// `GET /message_template_library`.
pub(crate) fn from_library(app: &App, call: &Call) -> GraphResult {
    let found = call.parameters().and_then(|query| library::search(&query));
    managed(found.and_then(|found| page(app, call, found)).map(Outcome::from))
}
