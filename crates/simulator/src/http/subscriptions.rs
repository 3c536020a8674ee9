//! Where webhooks go: the app's subscription, and overrides for an account or a number. Each begins with the handshake.

use axum::http::Method;
use serde_json::{Value, json};

use super::App;
use super::answer::GraphResult;
use super::call::Call;
use super::graph::{Caller, success};
use crate::deliver;
use crate::graph::error::GraphError;
use crate::graph::read::Fields;
use crate::world::account::{AppSubscription, Override};
use crate::world::numbers::SUBSCRIBABLE;

/// Longest callback URL; documented nowhere, bounded so that it can be stored.
const URL_MAX: usize = 2_048;
const TOKEN_MAX: usize = 512;

/// `/{app_id}/subscriptions`, with the app's own token.
pub(crate) async fn of_app(app: &App, call: &Call, caller: Caller) -> GraphResult {
    if caller != Caller::App {
        return Err(GraphError::graph(15, 403, "This method must be called with an app access_token."));
    }
    if call.method == Method::GET {
        let data = app.engine.look(|world, _| {
            let own = [(ACCOUNT, &world.app.subscription), (PAGE, &world.app.page_subscription)];
            own.into_iter().flat_map(|(object, subscription)| listed(object, subscription.as_ref())).collect::<Vec<_>>()
        });
        return Ok(json!({ "data": data }).into());
    }
    let value = call.parameters()?;
    let fields = Fields::body(&value)?;
    if call.method == Method::DELETE {
        fields.only(&["object", "fields"])?;
        let only = if fields.has("object") { Some(fields.one_of("object", &[ACCOUNT, PAGE])?) } else { None };
        app.engine
            .commit(|world, _| {
                if only != Some(PAGE) {
                    world.app.subscription = None;
                }
                if only != Some(ACCOUNT) {
                    world.app.page_subscription = None;
                }
                world.keep_app();
            })
            .await?;
        return Ok(success());
    }
    if call.method != Method::POST {
        return Err(GraphError::no_such_object(call.method.as_str(), "subscriptions"));
    }
    fields.only(&["object", "callback_url", "verify_token", "fields", "include_values"])?;
    let object = fields.one_of("object", &[ACCOUNT, PAGE])?;
    let callback = callback_url(&fields, "callback_url")?;
    let verify_token = fields.text("verify_token", TOKEN_MAX)?.to_owned();
    let subscribed = field_names(&fields, object)?;
    shake(app, &callback, &verify_token).await?;
    let subscription = AppSubscription { callback_url: callback, verify_token, fields: subscribed };
    app.engine
        .commit(|world, _| {
            if object == PAGE {
                world.app.page_subscription = Some(subscription);
                world.keep_app();
            } else {
                world.subscribe_app(subscription);
            }
        })
        .await?;
    Ok(success())
}

fn listed(object: &str, subscription: Option<&AppSubscription>) -> Vec<Value> {
    subscription
        .map(|subscription| {
            let fields: Vec<Value> = subscription.fields.iter().map(|name| json!({ "name": name, "version": "v24.0" })).collect();
            json!({
                "object": object,
                "callback_url": subscription.callback_url,
                "active": true,
                "fields": fields,
            })
        })
        .into_iter()
        .collect()
}

fn callback_url(fields: &Fields<'_>, key: &str) -> Result<String, GraphError> {
    let text = fields.text(key, URL_MAX)?;
    match url::Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.host().is_some() => Ok(text.to_owned()),
        _ => Err(fields.wrong(key, "must be an http or https URL.")),
    }
}

/// The objects that an app can be subscribed to.
const ACCOUNT: &str = "whatsapp_business_account";
const PAGE: &str = "page";

/// `fields`, each of them one that the object has.
fn field_names(fields: &Fields<'_>, object: &str) -> Result<Vec<String>, GraphError> {
    let names = names(fields, "fields")?;
    let known = |name: &str| match object {
        PAGE => crate::world::messenger::FIELDS.contains(&name) || super::page::OTHER_FIELDS.contains(&name),
        _ => SUBSCRIBABLE.contains(&name),
    };
    match names.iter().find(|name| !known(name)) {
        Some(unknown) => Err(fields.wrong("fields", &format!("has \"{unknown}\", which is not a field of {object}."))),
        None => Ok(names),
    }
}

/// Names as a list, or with commas between them.
pub(crate) fn names(fields: &Fields<'_>, key: &str) -> Result<Vec<String>, GraphError> {
    let names: Vec<String> = match fields.value(key)? {
        Value::Array(list) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Value::String(text) => text.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect(),
        _ => Vec::new(),
    };
    if names.is_empty() { Err(GraphError::missing(key)) } else { Ok(names) }
}

/// The handshake; Graph answers 2200 when it fails.
async fn shake(app: &App, callback: &str, verify_token: &str) -> Result<(), GraphError> {
    let challenge = app.engine.step(|world, _| world.chance.digits(10)).0;
    deliver::handshake(&app.client, callback, verify_token, &challenge)
        .await
        .map_err(|why| GraphError::graph(2200, 400, format!("Callback verification failed with the following errors: {why}")))
}

/// An override out of `override_callback_uri` and `verify_token`; an empty URI takes it away.
async fn read_override(app: &App, fields: &Fields<'_>) -> Result<Option<Override>, GraphError> {
    match fields.text_opt("override_callback_uri", URL_MAX)? {
        None | Some("") => Ok(None),
        Some(_) => {
            let callback_uri = callback_url(fields, "override_callback_uri")?;
            let verify_token = fields.text("verify_token", TOKEN_MAX)?.to_owned();
            shake(app, &callback_uri, &verify_token).await?;
            Ok(Some(Override { callback_uri, verify_token }))
        }
    }
}

/// `/{waba_id}/subscribed_apps`.
pub(crate) async fn of_account(app: &App, call: &Call, id: u64) -> GraphResult {
    if call.method == Method::GET {
        let data = app.engine.look(|world, _| {
            let account = world.wabas.get(&id).filter(|account| account.subscribed)?;
            let mut shown = json!({ "whatsapp_business_api_data": {
                "id": world.app.id.to_string(),
                "link": format!("https://www.facebook.com/games/?app_id={}", world.app.id),
                "name": world.app.name,
            }});
            if let (Some(callback), Some(map)) = (&account.callback, shown.as_object_mut()) {
                map.insert("override_callback_uri".into(), json!(callback.callback_uri));
            }
            Some(shown)
        });
        return Ok(json!({ "data": data.into_iter().collect::<Vec<_>>() }).into());
    }
    if call.method == Method::DELETE {
        app.engine.commit(|world, _| world.unsubscribe_account(id)).await?;
        return Ok(success());
    }
    if call.method != Method::POST {
        return Err(GraphError::no_such_object(call.method.as_str(), &id.to_string()));
    }
    let value = call.parameters()?;
    let fields = Fields::body(&value)?;
    fields.only(&["override_callback_uri", "verify_token"])?;
    let callback = read_override(app, &fields).await?;
    app.engine.commit(|world, _| world.subscribe_account(id, callback)).await?;
    Ok(success())
}

/// `POST /{phone_number_id}` with `webhook_configuration`.
pub(crate) async fn of_number(app: &App, call: &Call, id: u64) -> GraphResult {
    let value = call.parameters()?;
    let fields = Fields::body(&value)?;
    fields.only(&["webhook_configuration", "messaging_product"])?;
    let configuration = fields.object("webhook_configuration")?;
    configuration.only(&["override_callback_uri", "verify_token"])?;
    let callback = read_override(app, &configuration).await?;
    app.engine.commit(|world, _| world.override_number(id, callback)).await?;
    Ok(success())
}
