//! The native dialect: the published operations, and ours in the same conventions.
//!
//! One file per operation or close family, always in this order: request, what it means (parse), answer, description, handler,
//! tests. A parser collects every finding; a handler asks the service one thing and prints what it gives. No rule lives here.

mod approvals;
mod attempts;
mod audit;
mod businesses;
mod common;
mod consent;
mod contents;
mod conversations;
mod customers;
mod deliveries;
pub(crate) mod endpoint_ask;
mod endpoint_body;
mod endpoint_views;
mod endpoints;
mod erasing;
mod event_filter;
mod event_settings;
mod event_stream;
pub(crate) mod events;
mod export;
pub(crate) mod journal;
mod keys;
mod keywords;
mod media;
mod message_body;
mod message_paths;
mod message_print;
mod message_timeline;
mod message_view;
mod messages;
mod messaging_services;
mod news_print;
mod overview;
pub mod payload;
#[cfg(feature = "fuzz")]
pub mod probe;
mod published_templates;
mod query;
mod read;
mod recipient;
pub(crate) mod reference;
mod retention;
mod send;
mod send_session;
mod send_template;
pub(crate) mod sender_callbacks;
mod sender_setup;
mod senders;
mod sent;
mod sessions;
mod shown_print;
mod template_view;
mod templates;
mod users;
mod verdict;
mod webhooks;

use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

#[cfg(test)]
pub(crate) use message_view::tests::message as message_of_tests;
pub(crate) use news_print::standing_json;
pub(crate) use read::snake_case;
pub(crate) use template_view::{findings_json, moment_json, template_json};
pub(crate) use verdict::{accepted_json, verdict_json, word};

use crate::http::App;
use crate::http::refusal::ErrorObject;

/// The frame of the description; operations and schemas come from the routes.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Transom",
        description = "The gateway between a business's software and its customers on WhatsApp and Messenger. Field names are \
                       read in camelCase and snake_case alike and written in camelCase. Every refusal is an `Error`; the codes \
                       are listed at /docs/errors.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    tags(
        (name = "Sending", description = "Session messages, templates, content; and whether they may go."),
        (name = "Messages", description = "What became of them; conversations and senders."),
        (name = "Customers", description = "Who they are, and what they want to be sent."),
        (name = "Content", description = "What is written once and sent often; its way to Meta's approval."),
        (name = "Media", description = "Files: uploaded, looked up, deleted. What customers send is fetched from Meta by itself."),
        (name = "Templates", description = "Templates as they stand at Meta: made, edited, deleted, and what happened to them."),
        (name = "Webhooks", description = "Where events are told, and the stream of events."),
        (name = "Journal", description = "Meta's webhooks as they came: searched, shown, heard again; and how long things are kept."),
        (name = "Settings", description = "Businesses, their keys and their people: who may do what."),
        (name = "Reference", description = "The tables that the gateway works by.")
    ),
    components(schemas(ErrorObject)),
    modifiers(&Security)
)]
struct Description;

struct Security;

impl Modify for Security {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let key = ApiKeyValue::with_description("X-API-Key", "A key of the business in the path; `transom key add` makes one.");
        let components = openapi.components.get_or_insert_with(Default::default);
        components.add_security_scheme("X-API-Key", SecurityScheme::ApiKey(ApiKey::Header(key)));
    }
}

/// All operations, each registered together with its description.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(send_template::send_template))
        .routes(routes!(send_session::send_session))
        .routes(routes!(send::send, messages::list))
        .routes(routes!(send::ask))
        .routes(routes!(messages::get, messages::delete))
        .routes(routes!(messages::mark_read))
        .routes(routes!(messages::cancel))
        .routes(routes!(messages::redact))
        .routes(routes!(messages::give_feedback))
        .routes(routes!(attempts::get))
        .routes(routes!(overview::get))
        .routes(routes!(sessions::list))
        .routes(routes!(conversations::list))
        .routes(routes!(senders::list, sender_setup::add))
        .routes(routes!(senders::get, sender_setup::change))
        .routes(routes!(sender_setup::verify))
        .routes(routes!(sender_setup::resume))
        .routes(routes!(messaging_services::create, messaging_services::list))
        .routes(routes!(messaging_services::get, messaging_services::change, messaging_services::delete))
        .routes(routes!(messaging_services::pool))
        .routes(routes!(messaging_services::join, messaging_services::leave))
        .routes(routes!(sender_callbacks::get, sender_callbacks::set))
        .routes(routes!(templates::list, templates::create))
        .routes(routes!(templates::lint))
        .routes(routes!(published_templates::create))
        .routes(routes!(published_templates::list))
        .routes(routes!(published_templates::delete))
        .routes(routes!(templates::get, templates::edit, templates::delete))
        .routes(routes!(templates::history))
        .routes(routes!(templates::set_twin, templates::delete_twin))
        .routes(routes!(contents::create, contents::list))
        .routes(routes!(contents::lint))
        .routes(routes!(approvals::submit, approvals::list))
        .routes(routes!(contents::get, contents::change, contents::delete))
        .routes(routes!(media::upload))
        .routes(routes!(media::get, media::delete))
        .routes(routes!(webhooks::create))
        .routes(routes!(webhooks::update))
        .routes(routes!(webhooks::list))
        .routes(routes!(webhooks::delete))
        .routes(routes!(endpoints::create, endpoints::list))
        .routes(routes!(endpoints::get, endpoints::change, endpoints::delete))
        .routes(routes!(endpoints::rotate))
        .routes(routes!(endpoints::enable))
        .routes(routes!(endpoints::test))
        .routes(routes!(endpoints::deliveries))
        .routes(routes!(deliveries::get))
        .routes(routes!(deliveries::of_message))
        .routes(routes!(endpoints::retry))
        .routes(routes!(endpoints::replay, endpoints::replays))
        .routes(routes!(endpoints::stop))
        .routes(routes!(events::list))
        .routes(routes!(customers::list))
        .routes(routes!(customers::get))
        .routes(routes!(customers::merge))
        .routes(routes!(customers::undo))
        .routes(routes!(customers::ask_for_number))
        .routes(routes!(consent::get, consent::record))
        .routes(routes!(export::export))
        .routes(routes!(audit::list))
        .routes(routes!(keys::list, keys::create))
        .routes(routes!(keys::revoke))
        .routes(routes!(keys::rotate))
        .routes(routes!(users::list, users::create))
        .routes(routes!(users::get, users::change, users::remove))
        .routes(routes!(users::renew_password))
        .routes(routes!(businesses::list, businesses::create))
        .routes(routes!(businesses::get, businesses::change))
        .routes(routes!(erasing::erase))
        .routes(routes!(erasing::get))
        .routes(routes!(keywords::get, keywords::put))
        .routes(routes!(event_stream::follow))
        .routes(routes!(event_settings::get, event_settings::set))
        .routes(routes!(journal::search))
        .routes(routes!(journal::get))
        .routes(routes!(journal::replay, journal::replays))
        .routes(routes!(journal::stop))
        .routes(routes!(retention::get, retention::set))
        .routes(routes!(reference::errors))
        .routes(routes!(reference::rules))
}

/// The description of the native API: what `/openapi.json` serves and `crates/gateway/openapi.json` holds.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    routes().into_openapi()
}

#[cfg(test)]
#[path = "openapi_tests.rs"]
mod openapi_tests;
