//! Pages on Graph: sends, saved attachments, subscriptions, and the profile of a person (Meta: messenger-platform).

use axum::http::Method;
use serde_json::{Value, json};

use super::App;
use super::answer::GraphResult;
use super::call::Call;
use super::graph::{selected, success};
use crate::graph::error::GraphError;
use crate::graph::messenger::{self, Posted};
use crate::graph::read::Fields;
use crate::world::messenger::FIELDS;

/// Fields of a Page that may be asked for (Meta: graph-api/reference/page); not all of them are there.
const PAGE_FIELDS: [&str; 10] =
    ["id", "name", "category", "about", "access_token", "instagram_business_account", "link", "picture", "tasks", "username"];

/// What hangs on a Page.
pub(crate) async fn page(app: &App, call: &Call, id: u64, edge: &str, is_its_token: bool) -> GraphResult {
    let needs_token = || GraphError::graph(210, 403, "A page access token is required to request this resource.");
    match (call.method.clone(), edge) {
        (Method::GET, "") => {
            let shown = app.engine.look(|world, _| {
                world
                    .messenger
                    .pages
                    .get(&id)
                    .map(|page| json!({ "id": page.id.to_string(), "name": page.name, "category": "Shop" }))
            });
            let fields = call.fields();
            if let Some(unknown) = fields.iter().find(|field| !PAGE_FIELDS.contains(&field.as_str())) {
                let why = format!("Tried accessing nonexisting field ({unknown}) on node type (Page)");
                return Err(GraphError::graph(100, 400, why));
            }
            let few = if fields.is_empty() { vec!["name".to_owned()] } else { fields };
            Ok(selected(shown.unwrap_or_default(), &few).into())
        }
        _ if !is_its_token => Err(needs_token()),
        (Method::POST, "messages") => message(app, call, id).await,
        (Method::POST, "message_attachments") => {
            messenger::read_attachment(&parameters(call)?)?;
            let saved = app.engine.commit(|world, _| world.save_attachment(id)).await?;
            Ok(json!({ "attachment_id": saved.to_string() }).into())
        }
        (_, "subscribed_apps") => subscribed_apps(app, call, id).await,
        _ => Err(GraphError::no_such_object(call.method.as_str(), &id.to_string())),
    }
}

/// The parameters of a call without its token, which some clients put into the body.
fn parameters(call: &Call) -> Result<Value, GraphError> {
    let mut value = call.parameters()?;
    if let Some(map) = value.as_object_mut() {
        map.remove("access_token");
        map.remove("appsecret_proof");
        // In a form, and in the query of some clients, what is JSON comes as text.
        for key in ["recipient", "message", "reply_to"] {
            if let Some(inner) = map.get(key).and_then(Value::as_str).and_then(|text| serde_json::from_str(text).ok()) {
                map.insert(key.to_owned(), inner);
            }
        }
    }
    Ok(value)
}

async fn message(app: &App, call: &Call, page: u64) -> GraphResult {
    match messenger::read(&parameters(call)?)? {
        Posted::Action { to, action } => {
            app.engine.commit(|world, now| world.page_acts(now, page, &to, action)).await??;
            Ok(json!({ "recipient_id": to }).into())
        }
        Posted::Message(request) => {
            let to = request.to.clone();
            let accepted = app.engine.commit(|world, now| world.page_sends(now, page, *request)).await??;
            let mut answer = json!({ "recipient_id": to, "message_id": accepted.mid });
            if let (Some(saved), Some(map)) = (accepted.saved, answer.as_object_mut()) {
                map.insert("attachment_id".into(), json!(saved.to_string()));
            }
            Ok(answer.into())
        }
    }
}

async fn subscribed_apps(app: &App, call: &Call, id: u64) -> GraphResult {
    match call.method {
        Method::GET => {
            let data = app.engine.look(|world, _| {
                let page = world.messenger.pages.get(&id).filter(|page| !page.subscribed.is_empty())?;
                Some(json!({ "id": world.app.id.to_string(), "name": world.app.name, "category": "Messenger bots",
                    "link": format!("https://www.facebook.com/games/?app_id={}", world.app.id), "subscribed_fields": page.subscribed }))
            });
            Ok(json!({ "data": data.into_iter().collect::<Vec<_>>() }).into())
        }
        Method::DELETE => {
            subscribe(app, id, Vec::new()).await?;
            Ok(success())
        }
        Method::POST => {
            let value = parameters(call)?;
            let fields = Fields::body(&value)?;
            fields.only(&["subscribed_fields"]).map_err(GraphError::of_management)?;
            let names = super::subscriptions::names(&fields, "subscribed_fields").map_err(GraphError::of_management)?;
            if let Some(unknown) =
                names.iter().find(|name| !FIELDS.contains(&name.as_str()) && !OTHER_FIELDS.contains(&name.as_str()))
            {
                let why = format!("Param subscribed_fields must be one of {{{}}} - got \"{unknown}\".", FIELDS.join(", "));
                return Err(GraphError::graph(100, 400, why));
            }
            subscribe(app, id, names).await?;
            Ok(success())
        }
        _ => Err(GraphError::no_such_object(call.method.as_str(), &id.to_string())),
    }
}

/// Fields that Meta has and this world never tells.
pub(crate) const OTHER_FIELDS: [&str; 9] = [
    "standby",
    "messaging_handovers",
    "messaging_policy_enforcement",
    "messaging_account_linking",
    "messaging_feedback",
    "response_feedback",
    "messaging_customer_information",
    "feed",
    "message_template_status_update",
];

async fn subscribe(app: &App, id: u64, fields: Vec<String>) -> Result<(), GraphError> {
    app.engine
        .commit(|world, _| {
            if let Some(page) = world.messenger.pages.get_mut(&id) {
                page.subscribed = fields;
            }
            world.keep_page(id);
        })
        .await?;
    Ok(())
}

/// The profile of a person, for the Page that knows them.
pub(crate) fn profile(app: &App, call: &Call, id: u64, page: Option<u64>) -> GraphResult {
    let shown = app.engine.look(|world, _| {
        // Who keeps it back is, for the Page, nobody (Meta: messenger-platform/identity/user-profile).
        let person = world.messenger.people.get(&id).filter(|person| page == Some(person.page) && !person.private)?;
        let (first, last) = person.name.split_once(' ').unwrap_or((person.name.as_str(), ""));
        Some(json!({ "id": id.to_string(), "name": person.name, "first_name": first, "last_name": last,
            "profile_pic": format!("{}/profile/{id}.jpg", world.base_url) }))
    });
    let shown = shown.ok_or_else(|| GraphError::no_such_object("GET", &id.to_string()))?;
    Ok(selected(shown, &call.fields()).into())
}
