//! Graph: every call is read, logged, checked for its token, and led to what answers it.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, Response};
use serde_json::{Value, json};

use super::answer::{GraphResult, Lost, Outcome, POLICY};
use super::call::Call;
use super::{App, accounts, history, log, media, page, subscriptions, templates, uploads};
use crate::graph::error::GraphError;
use crate::graph::send::{self, Posted};
use crate::world::faults::CallFaults;

/// A message or any other JSON.
const JSON_MAX: usize = 1 << 20;
/// A file of 100 MB and the form around it: Meta, business-phone-numbers/media.
const FILE_MAX: usize = (100 << 20) + (1 << 20);

/// How long a body may take: slow clients are cut off.
const BODY_WITHIN: Duration = Duration::from_secs(60);

/// Who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    /// The system user's token.
    User,
    /// `app id|app secret`.
    App,
    /// The token of a Page.
    Page(u64),
}

/// What an id names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Node {
    Number,
    Account,
    Template,
    Flow,
    Media,
    Catalog,
    App,
    Business,
    Page,
    Person,
    History,
}

/// Every path that is not a control.
pub(crate) async fn handle(State(app): State<App>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let (path, query) = (parts.uri.path().to_owned(), parts.uri.query().map(str::to_owned));
    let is_message = parts.method == Method::POST && path.ends_with("/messages");
    let faults = app.faults_for(is_message).await;
    if faults.latency_ms > 0 {
        tokio::time::sleep(Duration::from_millis(faults.latency_ms)).await;
    }
    let limit = if path.ends_with("/media") || path.contains("/upload:") { FILE_MAX } else { JSON_MAX };
    let bytes = tokio::time::timeout(BODY_WITHIN, axum::body::to_bytes(body, limit)).await;
    let bytes = bytes.ok().and_then(Result::ok);
    let logged = |body: Bytes, status: u16, answer: Bytes, lost: bool| log::Entry {
        at: app.engine.clock.now().as_millis(),
        method: parts.method.to_string(),
        path: Call::logged_path(&path, query.as_deref()),
        headers: parts.headers.clone(),
        body,
        status,
        answer,
        lost,
    };
    if faults.lost_call {
        app.record(logged(bytes.unwrap_or_default(), 0, Bytes::new(), true));
        return lost();
    }
    let call = Call::new(parts.method.clone(), &path, query.as_deref(), parts.headers.clone());
    let (body, result) = match (call, bytes) {
        (Ok(mut call), Some(bytes)) => {
            call.body = bytes.clone();
            let result = match faults.error {
                Some(code) => Err(GraphError::new(code, "This error was ordered with PUT /sim/v1/faults.")),
                None => app.answer(&call).await,
            };
            (bytes, result)
        }
        (Err(error), bytes) => (bytes.unwrap_or_default(), Err(error)),
        (_, None) => {
            (Bytes::new(), Err(GraphError::invalid(format!("The request body is cut off, too slow, or over {limit} bytes."))))
        }
    };
    let (status, kind, answer) = if faults.bad_gateway { bad_gateway() } else { app.printed(result) };
    let is_text = kind == JSON || faults.bad_gateway;
    let shown = if is_text { answer.clone() } else { Bytes::from(format!("({} bytes of {kind})", answer.len())) };
    app.record(logged(body, status, shown, faults.lost_answer));
    if faults.lost_answer {
        return lost();
    }
    if faults.late_ms > 0 {
        tokio::time::sleep(Duration::from_millis(faults.late_ms)).await;
    }
    let mut response = Response::new(Body::from(answer));
    *response.status_mut() = axum::http::StatusCode::from_u16(status).unwrap_or(axum::http::StatusCode::INTERNAL_SERVER_ERROR);
    if let Ok(kind) = HeaderValue::from_str(&kind) {
        response.headers_mut().insert(axum::http::header::CONTENT_TYPE, kind);
    }
    if !is_text {
        // What needs no token opens in a browser, too, which is to run nothing of it.
        response.headers_mut().insert(axum::http::header::CONTENT_SECURITY_POLICY, POLICY);
        response.headers_mut().insert(axum::http::header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    }
    response
}

/// No answer at all: the server closes the connection.
fn lost() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    response.extensions_mut().insert(Lost);
    response
}

/// What a proxy on the way says when it could not read the answer.
fn bad_gateway() -> (u16, String, Bytes) {
    let page = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>";
    (502, "text/html".to_owned(), Bytes::from_static(page.as_bytes()))
}

const JSON: &str = "application/json; charset=UTF-8";

impl App {
    async fn faults_for(&self, is_message: bool) -> CallFaults {
        if self.engine.look(|world, _| world.faults.is_empty()) {
            return CallFaults::default();
        }
        let drawn = self.engine.commit(|world, _| {
            let drawn = world.faults.for_call(is_message);
            if drawn != CallFaults::default() {
                world.keep_faults();
            }
            drawn
        });
        drawn.await.unwrap_or_default()
    }

    pub(crate) fn printed(&self, result: GraphResult) -> (u16, String, Bytes) {
        match result {
            Ok(Outcome::Json(value)) => (200, JSON.to_owned(), Bytes::from(value.to_string())),
            Ok(Outcome::Bytes { mime, bytes }) => (200, mime, Bytes::from(bytes)),
            Err(error) => {
                let trace = self.engine.step(|world, _| format!("A{}", world.chance.alphanumeric(22))).0;
                (error.http, JSON.to_owned(), Bytes::from(error.body(&trace).to_string()))
            }
        }
    }

    /// Who calls, by the token.
    pub(crate) fn caller(&self, call: &Call) -> Result<Caller, GraphError> {
        let Some(token) = &call.token else {
            return Err(GraphError::bad_token("An access token is required to request this resource."));
        };
        self.engine.look(|world, _| {
            let app_token = || format!("{}|{}", world.app.id, world.app.secret);
            if transom_meta::signature::same_secret(&world.app.access_token, token) {
                Ok(Caller::User)
            } else if transom_meta::signature::same_secret(&app_token(), token) {
                Ok(Caller::App)
            } else if let Some(page) = world.messenger.pages.values().find(|page| page.token == *token) {
                Ok(Caller::Page(page.id))
            } else {
                Err(GraphError::bad_token(
                    "Error validating access token: The session is invalid because the token is not known here.",
                ))
            }
        })
    }

    pub(crate) async fn answer(&self, call: &Call) -> GraphResult {
        let segments = call.segments();
        match segments.as_slice() {
            ["whatsapp_business", "samples", id] => return uploads::sample(self, call, id).await,
            ["messenger", "attachments"] => return media::attachment(self, call).await,
            _ => {}
        }
        let caller = self.caller(call)?;
        match segments.as_slice() {
            ["debug_token"] => self.debug_token(call),
            ["whatsapp_business", "attachments"] => media::download(self, call).await,
            ["message_template_library"] if call.method == Method::GET => templates::from_library(self, call),
            [upload] if upload.starts_with("upload:") => uploads::upload(self, call, upload).await,
            ["me", rest @ ..] if matches!(caller, Caller::Page(_)) => {
                let Caller::Page(page) = caller else { return Err(GraphError::no_such_object(call.method.as_str(), "me")) };
                self.node(call, caller, &page.to_string(), rest.first().copied().unwrap_or("")).await
            }
            [id] => self.node(call, caller, id, "").await,
            [id, edge] => self.node(call, caller, id, edge).await,
            _ => Err(GraphError::graph(2500, 400, format!("Unknown path components: /{}", segments.join("/")))),
        }
    }

    async fn node(&self, call: &Call, caller: Caller, id: &str, edge: &str) -> GraphResult {
        let unsupported = || GraphError::no_such_object(call.method.as_str(), id);
        let number: u64 = id.parse().map_err(|_| unsupported())?;
        let node = self.kind_of(number).ok_or_else(unsupported)?;
        if caller == Caller::App && node != Node::App {
            return Err(GraphError::graph(
                200,
                403,
                "An app access token cannot act on this object; use the system user's token.",
            ));
        }
        // What a Page's token may see is the Page, and the people who wrote to it.
        if matches!(caller, Caller::Page(_)) && !matches!(node, Node::Page | Node::Person) {
            return Err(unsupported());
        }
        let get = call.method == Method::GET;
        let post = call.method == Method::POST;
        let delete = call.method == Method::DELETE;
        match (node, edge) {
            (Node::Number, "messages") if post => self.message(call, number).await,
            (Node::Number, "media") if post => media::upload(self, call, number).await,
            (Node::Number, "marketing_messages") if post => {
                Err(GraphError::new(131_055, "The Marketing Messages API is not enabled for this account; use /messages."))
            }
            (Node::Number, "message_history") if get => history::of_number(self, call, number),
            (Node::History, "events") if get => history::events(self, call, number),
            (Node::Number, edge) => accounts::number(self, call, number, edge).await,
            (Node::Account, "message_templates") => templates::of_account(self, call, number).await,
            (Node::Account, "message_template_previews") if get => templates::previews(call),
            (Node::Account, "message_template_library") if get => templates::from_library(self, call),
            (Node::Account, "upsert_message_templates") if post => templates::upsert(self, call, number).await,
            (Node::Account, "subscribed_apps") => subscriptions::of_account(self, call, number).await,
            (Node::Account, edge) if get => accounts::account(self, call, number, edge),
            (Node::Template, "") if get => templates::read(self, call, number),
            (Node::Template, "") if post => templates::edit(self, call, number).await,
            (Node::Template, "unpause") if post => templates::unpause(self, number).await,
            (Node::Flow, "") if get => self.engine.look(|world, _| {
                let shown = world.flows.get(&number).map(crate::world::flow::Flow::shown);
                Ok(selected(shown.unwrap_or_default(), &call.fields()).into())
            }),
            (Node::Media, "") if get => media::resolve(self, call, number),
            (Node::Media, "") if delete => media::delete(self, call, number).await,
            (Node::Catalog, edge) if get => accounts::catalog(self, call, number, edge),
            (Node::App, "subscriptions") => subscriptions::of_app(self, call, caller).await,
            (Node::App, "uploads") if post => uploads::open(self, call).await,
            (Node::App, "") if get => Ok(self.engine.look(|world, _| json!({ "id": id, "name": world.app.name })).into()),
            (Node::Page, edge) => page::page(self, call, number, edge, caller == Caller::Page(number)).await,
            (Node::Person, "") if get => {
                page::profile(self, call, number, if let Caller::Page(page) = caller { Some(page) } else { None })
            }
            (Node::Business, "") if get => Ok(json!({ "id": id, "name": "Desk business" }).into()),
            _ => Err(unsupported()),
        }
    }

    fn kind_of(&self, id: u64) -> Option<Node> {
        self.engine.look(|world, now| {
            Some(if world.numbers.contains_key(&id) {
                Node::Number
            } else if world.wabas.contains_key(&id) {
                Node::Account
            } else if world.template(id).is_some() {
                Node::Template
            } else if world.flows.contains_key(&id) {
                Node::Flow
            } else if world.live_media(id, None, now.world).is_some() {
                Node::Media
            } else if world.catalogs.contains_key(&id) {
                Node::Catalog
            } else if world.app.id == id {
                Node::App
            } else if world.app.business_id == id {
                Node::Business
            } else if world.messenger.pages.contains_key(&id) {
                Node::Page
            } else if world.messenger.people.contains_key(&id) {
                Node::Person
            } else if world.of_history(id).is_some() {
                Node::History
            } else {
                return None;
            })
        })
    }

    async fn message(&self, call: &Call, number: u64) -> GraphResult {
        let mut value = call.json()?;
        send::unwrap_json(&mut value);
        let posted = send::read(&value)?;
        match posted {
            Posted::Read { message_id, typing } => {
                self.engine.commit(|world, now| world.read_by_business(now, number, &message_id, typing)).await??;
                Ok(json!({ "success": true }).into())
            }
            Posted::Send(request) => {
                let accepted = self.engine.commit(|world, now| world.send(now, number, *request)).await??;
                let mut contact = json!({ "input": accepted.input });
                if let Some(map) = contact.as_object_mut() {
                    for (key, value) in [("wa_id", accepted.wa_id), ("user_id", accepted.user_id)] {
                        if let Some(value) = value {
                            map.insert(key.to_owned(), json!(value));
                        }
                    }
                }
                let mut message = json!({ "id": accepted.wamid });
                if accepted.is_template
                    && let Some(map) = message.as_object_mut()
                {
                    let word = if accepted.is_held { "held_for_quality_assessment" } else { "accepted" };
                    map.insert("message_status".into(), json!(word));
                }
                Ok(json!({ "messaging_product": "whatsapp", "contacts": [contact], "messages": [message] }).into())
            }
        }
    }

    /// `GET /debug_token`: what a token is good for.
    fn debug_token(&self, call: &Call) -> GraphResult {
        let Some(input) = call.query.get("input_token") else {
            return Err(GraphError::missing("input_token"));
        };
        let data = self.engine.look(|world, _| {
            if *input == world.app.access_token {
                json!({
                    "app_id": world.app.id.to_string(), "type": "SYSTEM_USER", "application": world.app.name, "is_valid": true,
                    "expires_at": 0, "data_access_expires_at": 0,
                    "scopes": ["whatsapp_business_management", "whatsapp_business_messaging"],
                    "granular_scopes": [
                        { "scope": "whatsapp_business_management", "target_ids": world.wabas.keys().map(u64::to_string).collect::<Vec<_>>() },
                        { "scope": "whatsapp_business_messaging", "target_ids": world.wabas.keys().map(u64::to_string).collect::<Vec<_>>() },
                    ],
                })
            } else if *input == format!("{}|{}", world.app.id, world.app.secret) {
                json!({ "app_id": world.app.id.to_string(), "type": "APP", "application": world.app.name, "is_valid": true, "scopes": [] })
            } else if let Some(page) = world.messenger.pages.values().find(|page| page.token == *input) {
                json!({
                    "app_id": world.app.id.to_string(), "type": "PAGE", "application": world.app.name, "is_valid": true,
                    "expires_at": 0, "data_access_expires_at": 0, "profile_id": page.id.to_string(),
                    "scopes": ["pages_show_list", "pages_messaging", "pages_manage_metadata"],
                })
            } else {
                json!({ "is_valid": false, "scopes": [], "error": { "code": 190, "message": "The access token could not be decrypted" } })
            }
        });
        Ok(json!({ "data": data }).into())
    }
}

/// Cuts an object down to the fields asked for; the id stays.
pub(crate) fn selected(object: Value, fields: &[String]) -> Value {
    let Value::Object(map) = object else { return object };
    if fields.is_empty() {
        return Value::Object(map);
    }
    Value::Object(map.into_iter().filter(|(key, _)| key == "id" || fields.contains(key)).collect())
}

/// A page of a list: `limit`, `after` and `before` as Graph has them. Items come with the cursor that stands for them.
pub(crate) fn page(app: &App, call: &Call, items: Vec<(u64, Value)>) -> Result<Value, GraphError> {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD as CODE;
    /// Graph's own default and most.
    const DEFAULT: usize = 25;
    const MOST: usize = 1_000;
    let limit = match call.query.get("limit") {
        Some(text) => text.parse::<usize>().map_err(|_| GraphError::invalid("Param limit must be an integer.").about("limit"))?,
        None => DEFAULT,
    }
    .clamp(1, MOST);
    let cursor_of = |key: &str| -> Result<Option<u64>, GraphError> {
        let Some(text) = call.query.get(key).filter(|text| !text.is_empty()) else { return Ok(None) };
        let bytes = CODE.decode(text).ok();
        let id = bytes.and_then(|bytes| String::from_utf8_lossy(&bytes).parse().ok());
        id.map(Some).ok_or_else(|| GraphError::invalid(format!("Param {key} is not a cursor of this list.")).about(key))
    };
    let (after, before) = (cursor_of("after")?, cursor_of("before")?);
    if after.is_some() && before.is_some() {
        return Err(GraphError::invalid("Params after and before exclude each other.").about("before"));
    }
    let total = items.len();
    let from = match (after, before) {
        (Some(after), _) => items.iter().position(|(id, _)| *id > after).unwrap_or(total),
        (_, Some(before)) => items.iter().position(|(id, _)| *id >= before).unwrap_or(total).saturating_sub(limit),
        _ => 0,
    };
    let until = match before {
        Some(before) => items.iter().position(|(id, _)| *id >= before).unwrap_or(total),
        None => total.min(from.saturating_add(limit)),
    };
    let shown: Vec<(u64, Value)> = items.into_iter().take(until).skip(from).collect();
    let cursor = |id: u64| CODE.encode(id.to_string());
    let ends = shown.first().zip(shown.last()).map(|((first, _), (last, _))| (cursor(*first), cursor(*last)));
    let data: Vec<Value> = shown.into_iter().map(|(_, value)| value).collect();
    let Some((first, last)) = ends else { return Ok(json!({ "data": data })) };
    let address = |key: &str, cursor: &str| {
        let base = app.engine.look(|world, _| world.base_url.clone());
        let version = call.version.map_or(String::new(), |version| format!("/v{version}.0"));
        let kept = call.query.iter().filter(|(key, _)| *key != "after" && *key != "before");
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).append_pair(key, cursor).finish();
        json!(format!("{base}{version}/{}?{query}", call.segments().join("/")))
    };
    let mut paging = json!({ "cursors": { "before": first, "after": last } });
    if let Some(map) = paging.as_object_mut() {
        if from > 0 {
            map.insert("previous".into(), address("before", &first));
        }
        if until < total {
            map.insert("next".into(), address("after", &last));
        }
    }
    Ok(json!({ "data": data, "paging": paging }))
}

/// `{"success": true}`.
pub(crate) fn success() -> Outcome {
    json!({ "success": true }).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_selected_and_the_id_stays() {
        let object = json!({ "id": "1", "name": "a", "status": "b" });
        assert_eq!(selected(object.clone(), &["name".into()]), json!({ "id": "1", "name": "a" }));
        assert_eq!(selected(object.clone(), &[]), object);
    }
}
