//! Templates as Graph manages them.

use axum::http::Method;
use serde_json::{Value, json};

use super::App;
use super::answer::GraphResult;
use super::call::Call;
use super::graph::{page, success};
use crate::graph::error::GraphError;
use crate::world::template::life::TEMPLATES_MAX;
use crate::world::template::{Standing, Template, create};

/// Ids in one deletion: Meta, changelog of December 2025.
const DELETED_AT_ONCE: usize = 100;

/// `/{waba_id}/message_templates`: create, list, delete.
pub(crate) async fn of_account(app: &App, call: &Call, waba: u64) -> GraphResult {
    app.engine.step(|world, now| world.admit_management(now, waba)).0?;
    if call.method == Method::POST {
        let draft = create::read(&call.parameters()?)?;
        return Ok(app.engine.commit(|world, now| world.file_template(now, waba, draft)).await??.into());
    }
    if call.method == Method::GET {
        return list(app, call, waba);
    }
    if call.method == Method::DELETE {
        return delete(app, call, waba).await;
    }
    Err(GraphError::no_such_object(call.method.as_str(), &waba.to_string()))
}

fn list(app: &App, call: &Call, waba: u64) -> GraphResult {
    let known = [
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
    if let Some(unknown) = call.query.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(GraphError::invalid(format!("Unexpected key \"{unknown}\" on param \"the request\".")).about(unknown));
    }
    let fields = call.fields();
    let items = app.engine.look(|world, _| {
        let matching = world.templates_of(waba).filter(|template| matches(template, call));
        matching.map(|template| (template.id, template.shown(&fields))).collect()
    });
    let mut answer = page(app, call, items)?;
    if let (Some(wanted), Some(map)) = (call.query.get("summary"), answer.as_object_mut()) {
        map.insert("summary".into(), summary(app, waba, wanted));
    }
    Ok(answer.into())
}

/// Counts of the whole account, as `summary=` names them.
fn summary(app: &App, waba: u64, wanted: &str) -> Value {
    let count = app.engine.look(|world, _| world.templates_of(waba).count());
    let Value::Object(all) = json!({
        "total_count": count,
        "message_template_count": count,
        "message_template_limit": TEMPLATES_MAX,
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
    let contains = |key: &str, text: &str| call.query.get(key).is_none_or(|wanted| text.contains(wanted.as_str()));
    // Templates behind Direct Send are not made here, so asking for them finds none.
    call.query.get("source").is_none_or(|source| source != "AUTO_GENERATED")
        && among("status", template.standing.as_str())
        && among("language", &template.language)
        && among("category", template.category.as_str())
        && among("quality_score", &template.quality)
        && contains("name", &template.name)
        && contains("content", &template.spec.body.text)
        && call
            .query
            .get("name_or_content")
            .is_none_or(|wanted| template.name.contains(wanted.as_str()) || template.spec.body.text.contains(wanted.as_str()))
}

async fn delete(app: &App, call: &Call, waba: u64) -> GraphResult {
    let parameters = call.parameters()?;
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
    if several.as_ref().is_some_and(|ids| ids.len() > DELETED_AT_ONCE) {
        return Err(GraphError::invalid("Param hsm_ids may have at most 100 ids.").about("hsm_ids"));
    }
    let (name, one) = (text("name"), text("hsm_id"));
    if several.is_none() && name.is_none() {
        return Err(GraphError::missing("name"));
    }
    let deleted = app.engine.commit(|world, now| {
        let ids: Vec<u64> = world
            .templates_of(waba)
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
            return Err(GraphError::template(
                2_593_002,
                "Message template not found",
                "No template of this account has this name or id.",
            ));
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
    let fields = call.fields();
    let shown = app.engine.look(|world, _| world.template(id).map(|template| template.shown(&fields)));
    shown.map(Into::into).ok_or_else(|| GraphError::no_such_object("GET", &id.to_string()))
}

/// `POST /{template_id}`.
pub(crate) async fn edit(app: &App, call: &Call, id: u64) -> GraphResult {
    let value = call.parameters()?;
    let edited = app.engine.commit(|world, now| {
        let waba = world.template(id).map_or(0, |template| template.waba);
        world.admit_management(now, waba)?;
        world.edit_template(now, id, &value)
    });
    edited.await??;
    Ok(success())
}

/// `POST /{template_id}/unpause`.
pub(crate) async fn unpause(app: &App, id: u64) -> GraphResult {
    let unpaused = app.engine.commit(|world, now| {
        if world.template(id).is_none_or(|template| template.standing != Standing::Paused) {
            return Err(GraphError::template(
                2_388_039,
                "Message template is not paused",
                "Only a paused template can be unpaused.",
            ));
        }
        world.unpause(now, id);
        Ok(())
    });
    unpaused.await??;
    Ok(json!({ "success": true }).into())
}
