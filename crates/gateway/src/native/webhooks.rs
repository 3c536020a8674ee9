//! Webhook registrations, as published: create, update, list, delete.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use transom_domain::address::Channel;
use transom_domain::error_code::ErrorCode;
use transom_domain::event::Selection;
use transom_domain::id::EndpointId;
use transom_store::{Endpoint, Registration, Role, Topic};

use super::read::{Notes, read, request_bodies};
use super::recipient;
use crate::http::App;
use crate::http::call::{Asked, Authorised, PathId, WEBHOOKS, json};
use crate::http::refusal::{ChangeRefusals, CreateRefusals, ListRefusals, ReadRefusals};
use crate::problem::Problem;
use crate::service::{NewWebhook, WebhookChange};

/// Most filters of one registration: each is tried on every event.
const FILTERS_MAX: usize = 20;
/// Longest glob of a filter, in characters.
const GLOB_MAX: usize = 200;

/// A registration to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "topic": "delivery_status",
    "address": "https://shop.example/hooks/status",
    "configuration": { "channelTypes": ["whatsapp"], "filters": [{ "field": "campaign_name", "expression": "summer-*" }] }
}))]
pub(crate) struct CreateWebhook {
    /// `messages`, `delivery_status` or `template_status`; one registration for each.
    topic: String,
    /// Public https address.
    address: String,
    /// `custom` (default), `zapier`, `webengage` or `integromat_make`; all are told the same way.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// What is delivered.
    configuration: Option<Configuration>,
}

/// A change to a registration: what is left out keeps its value.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({ "address": "https://shop.example/hooks/new" }))]
pub(crate) struct UpdateWebhook {
    /// Public https address.
    address: Option<String>,
    /// What is delivered.
    configuration: Option<Configuration>,
    /// Cannot be changed; accepted when it is the topic that the registration has.
    topic: Option<String>,
}

/// What is delivered.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WebhookConfiguration)]
pub(crate) struct Configuration {
    /// Also our own outbound messages.
    echo: Option<bool>,
    /// Channels; all where empty.
    channel_types: Option<Vec<String>>,
    /// Globs on the campaign's name; all campaigns where empty.
    filters: Option<Vec<FilterBody>>,
    /// Accepted and ignored.
    #[serde(rename = "webengageConfiguration")]
    #[schema(value_type = Option<Object>)]
    _webengage_configuration: Option<serde_json::Value>,
}

/// One filter.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WebhookFilter)]
pub(crate) struct FilterBody {
    /// `campaign_name`.
    #[schema(example = "campaign_name")]
    field: String,
    /// A glob such as `summer-*`.
    #[schema(example = "summer-*")]
    expression: String,
}

request_bodies!(CreateWebhook, UpdateWebhook);

/// What a creation answers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CreatedWebhook)]
pub(crate) struct Created {
    /// Names the registration.
    id: String,
    /// What deliveries are signed with; one for all registrations of the business.
    secret: String,
}

/// The registrations of a business.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Webhooks {
    /// As published, inside `entity`.
    entity: WebhookList,
}

/// The registrations.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WebhookList {
    /// Whose.
    business_id: String,
    /// Empty when there are none.
    webhooks: Vec<WebhookView>,
}

/// One registration.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Webhook)]
pub(crate) struct WebhookView {
    /// Names it.
    id: String,
    /// Topic.
    topic: &'static str,
    /// Where to.
    address: String,
    /// Kind.
    #[serde(rename = "type")]
    kind: String,
    /// What is delivered.
    configuration: ConfigurationView,
    /// Why it was switched off, if it was; an update switches it on.
    disabled: Option<String>,
    /// Failures in a row.
    failures: u32,
    /// The last failure, in words.
    last_error: Option<String>,
}

/// What is delivered.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WebhookConfigurationView)]
pub(crate) struct ConfigurationView {
    echo: bool,
    channel_types: Vec<&'static str>,
    filters: Vec<FilterBody>,
}

impl WebhookView {
    /// None for an endpoint that is no published registration.
    fn of(endpoint: Endpoint) -> Option<Self> {
        let Role::Published(Registration { topic, kind, echo }) = endpoint.role else { return None };
        let filter = |glob: String| FilterBody { field: "campaign_name".to_owned(), expression: glob };
        Some(Self {
            id: endpoint.id.to_string(),
            topic: topic.as_str(),
            address: endpoint.address,
            kind,
            configuration: ConfigurationView {
                echo,
                channel_types: endpoint.filter.channels.iter().map(|c| c.as_str()).collect(),
                filters: endpoint.filter.campaigns.into_iter().map(filter).collect(),
            },
            disabled: endpoint.health.disabled,
            failures: endpoint.health.failures,
            last_error: endpoint.health.last_error,
        })
    }
}

fn topic(text: &str, notes: &mut Notes) -> Option<Topic> {
    let found = Topic::ALL.into_iter().find(|t| t.as_str() == text);
    if found.is_none() {
        notes.note("topic", "is not a topic", "use messages, delivery_status or template_status");
    }
    found
}

impl Configuration {
    fn channels(&self, notes: &mut Notes) -> Option<Vec<Channel>> {
        let given = self.channel_types.as_ref()?;
        let mut channels: Vec<Channel> = given
            .iter()
            .enumerate()
            .filter_map(|(i, text)| recipient::channel(text, &format!("configuration.channelTypes[{i}]"), notes))
            .collect();
        channels.sort_unstable();
        channels.dedup();
        Some(channels)
    }

    fn campaigns(&self, notes: &mut Notes) -> Option<Vec<String>> {
        let given = self.filters.as_ref()?;
        if given.len() > FILTERS_MAX {
            let rule = format!("has {} entries, at most {FILTERS_MAX} are allowed", given.len());
            notes.note("configuration.filters", rule, "join filters with a wider glob");
        }
        for (i, filter) in given.iter().enumerate() {
            let at = |part: &str| format!("configuration.filters[{i}].{part}");
            if !matches!(filter.field.as_str(), "campaign_name" | "campaignName") {
                notes.note(&at("field"), "is not a field that can be filtered on", "use campaign_name");
            }
            if filter.expression.is_empty() {
                notes.note(&at("expression"), "must not be empty", "give a glob such as summer-*");
            }
            notes.at_most(&at("expression"), Some(&filter.expression), GLOB_MAX);
        }
        Some(given.iter().map(|f| f.expression.clone()).collect())
    }
}

pub(super) fn parse_new(asked: &Asked) -> Result<NewWebhook, Problem> {
    let (request, mut notes) = read::<CreateWebhook>(&asked.body)?;
    let new = request.and_then(|request| {
        let configuration = request.configuration.unwrap_or_default();
        let filter = Selection {
            channels: configuration.channels(&mut notes).unwrap_or_default(),
            campaigns: configuration.campaigns(&mut notes).unwrap_or_default(),
            ..Selection::default()
        };
        let echo = configuration.echo.unwrap_or(false);
        Some(NewWebhook { topic: topic(&request.topic, &mut notes)?, address: request.address, kind: request.kind, echo, filter })
    });
    notes.finish(new)
}

/// What a change says, before it is known what is there.
#[derive(Debug, PartialEq)]
pub(super) struct Change {
    address: Option<String>,
    echo: Option<bool>,
    channels: Option<Vec<Channel>>,
    campaigns: Option<Vec<String>>,
    topic: Option<Topic>,
}

pub(super) fn parse_change(asked: &Asked) -> Result<Change, Problem> {
    let (request, mut notes) = read::<UpdateWebhook>(&asked.body)?;
    let change = request.map(|request| {
        let configuration = request.configuration.unwrap_or_default();
        Change {
            address: request.address,
            echo: configuration.echo,
            channels: configuration.channels(&mut notes),
            campaigns: configuration.campaigns(&mut notes),
            topic: request.topic.as_deref().and_then(|t| topic(t, &mut notes)),
        }
    });
    notes.finish(change)
}

impl Change {
    /// The change to a registration: each part that is left out stays as it is.
    fn onto(self, there: &Endpoint) -> Result<WebhookChange, Problem> {
        if self.topic.is_some_and(|t| Some(t) != there.role.topic()) {
            return Err(Problem::field("topic", "cannot be changed", "make a registration for the other topic"));
        }
        let filter = (self.channels.is_some() || self.campaigns.is_some()).then(|| Selection {
            channels: self.channels.unwrap_or_else(|| there.filter.channels.clone()),
            campaigns: self.campaigns.unwrap_or_else(|| there.filter.campaigns.clone()),
            ..Selection::default()
        });
        Ok(WebhookChange { address: self.address, echo: self.echo, filter })
    }
}

fn missing() -> Problem {
    Problem::new(ErrorCode::WebhookNotFound, "There is no webhook registration with this id in this business.")
}

/// Register a webhook
///
/// One registration per topic; use the update to change it.
#[utoipa::path(
    post,
    path = "/v1/businesses/{business}/create/webhooks",
    operation_id = "createWebhook",
    tag = "Webhooks",
    params(("business" = String, Path, description = "Id of the business")),
    request_body(content = CreateWebhook),
    responses((status = 201, description = "Registered; deliveries begin with the next event", body = Created), CreateRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn create(
    State(app): State<App>,
    Authorised(caller): Authorised<WEBHOOKS>,
    asked: Asked,
) -> Result<Response, Problem> {
    let made = app.service.create_webhook(&caller, parse_new(&asked)?).await?;
    json(StatusCode::CREATED, &Created { id: made.id.to_string(), secret: made.secret })
}

/// Change a registration
///
/// Fields that are left out keep their value; the topic cannot change.
#[utoipa::path(
    put,
    path = "/v1/businesses/{business}/update/webhooks/{id}",
    operation_id = "updateWebhook",
    tag = "Webhooks",
    params(("business" = String, Path, description = "Id of the business"), ("id" = String, Path, description = "Id of the registration")),
    request_body(content = UpdateWebhook),
    responses((status = 200, description = "Changed; an empty object", body = Object, example = json!({})), ChangeRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn update(
    State(app): State<App>,
    Authorised(caller): Authorised<WEBHOOKS>,
    id: PathId,
    asked: Asked,
) -> Result<Response, Problem> {
    let id: EndpointId = id.parse(missing)?;
    let change = parse_change(&asked)?;
    let there = app.service.webhooks(&caller).await?.into_iter().find(|e| e.id == id).ok_or_else(missing)?;
    app.service.update_webhook(&caller, id, change.onto(&there)?).await?;
    json(StatusCode::OK, &serde_json::json!({}))
}

/// List registrations
#[utoipa::path(
    get,
    path = "/v1/businesses/{business}/webhooks",
    operation_id = "listWebhooks",
    tag = "Webhooks",
    params(("business" = String, Path, description = "Id of the business")),
    responses((status = 200, description = "All registrations", body = Webhooks), ListRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn list(State(app): State<App>, Authorised(caller): Authorised<WEBHOOKS>) -> Result<Response, Problem> {
    let webhooks = app.service.webhooks(&caller).await?.into_iter().filter_map(WebhookView::of).collect();
    json(StatusCode::OK, &Webhooks { entity: WebhookList { business_id: caller.business.to_string(), webhooks } })
}

/// Remove a registration
#[utoipa::path(
    delete,
    path = "/v1/businesses/{business}/delete/webhooks/{id}",
    operation_id = "deleteWebhook",
    tag = "Webhooks",
    params(("business" = String, Path, description = "Id of the business"), ("id" = String, Path, description = "Id of the registration")),
    responses((status = 200, description = "Removed; an empty object", body = Object, example = json!({})), ReadRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn delete(
    State(app): State<App>,
    Authorised(caller): Authorised<WEBHOOKS>,
    id: PathId,
) -> Result<Response, Problem> {
    app.service.delete_webhook(&caller, id.parse(missing)?).await?;
    json(StatusCode::OK, &serde_json::json!({}))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use transom_domain::endpoint::Health;
    use transom_domain::id::BusinessId;
    use transom_domain::time::Timestamp;

    fn asked(body: &Value) -> Asked {
        Asked::of(body.to_string())
    }

    fn endpoint() -> Endpoint {
        Endpoint {
            id: EndpointId(1),
            business: BusinessId(2),
            role: Role::Published(Registration { topic: Topic::DeliveryStatus, kind: "custom".into(), echo: true }),
            address: "https://a.example/".into(),
            filter: Selection { channels: vec![Channel::Whatsapp], campaigns: vec!["summer-*".into()], ..Selection::default() },
            begins: 0,
            cursor: 0,
            health: Health::default(),
            created_at: Timestamp::EPOCH,
        }
    }

    #[test]
    fn a_registration_is_read_in_both_spellings() {
        let camel = json!({ "topic": "messages", "address": "https://a.example/", "type": "zapier", "configuration": {
            "echo": true, "channelTypes": ["whatsapp"], "filters": [{ "field": "campaign_name", "expression": "summer-*" }] } });
        let snake = json!({ "topic": "messages", "address": "https://a.example/", "type": "zapier", "configuration": {
            "echo": true, "channel_types": ["whatsapp"], "filters": [{ "field": "campaign_name", "expression": "summer-*" }] } });
        let (camel, snake) = (parse_new(&asked(&camel)).unwrap(), parse_new(&asked(&snake)).unwrap());
        assert_eq!(format!("{camel:?}"), format!("{snake:?}"));
        assert!(camel.echo && camel.topic == Topic::Messages && camel.filter.campaigns == ["summer-*"]);
    }

    #[test]
    fn bad_parts_are_all_named() {
        let body = json!({ "topic": "topic_unspecified", "address": "x", "configuration": {
            "channelTypes": ["whatsapp", "sms"], "filters": [{ "field": "colour", "expression": "" }] } });
        let refused = parse_new(&asked(&body)).unwrap_err();
        let fields: Vec<_> = refused.details["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
        let filter = ["configuration.filters[0].field", "configuration.filters[0].expression"];
        assert_eq!(fields, ["configuration.channelTypes[1]", filter[0], filter[1], "topic"]);
    }

    #[test]
    fn an_update_keeps_what_it_leaves_out() {
        let there = endpoint();
        let change = |body: Value| parse_change(&asked(&body)).and_then(|c| c.onto(&there));
        let only_address = change(json!({ "address": "https://b.example/" })).unwrap();
        assert_eq!((only_address.echo, only_address.filter), (None, None));
        let only_channels = change(json!({ "configuration": { "channelTypes": ["messenger"] } })).unwrap();
        assert_eq!(
            only_channels.filter,
            Some(Selection { channels: vec![Channel::Messenger], campaigns: vec!["summer-*".into()], ..Selection::default() })
        );
        let no_filters = change(json!({ "configuration": { "filters": [] } })).unwrap();
        assert_eq!(no_filters.filter, Some(Selection { channels: vec![Channel::Whatsapp], ..Selection::default() }));
        assert!(change(json!({ "topic": "messages" })).is_err());
        assert!(change(json!({ "topic": "delivery_status" })).is_ok());
    }

    #[test]
    fn the_list_is_shaped_as_published() {
        let shown = serde_json::to_value(WebhookView::of(endpoint())).unwrap();
        assert_eq!(shown["topic"], "delivery_status");
        assert_eq!(
            shown["configuration"],
            json!({
            "echo": true, "channelTypes": ["whatsapp"], "filters": [{ "field": "campaign_name", "expression": "summer-*" }] })
        );
    }
}
