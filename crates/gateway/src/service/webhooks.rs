//! Webhook registrations: create, change, list, remove.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use transom_domain::endpoint::Health;
use transom_domain::error_code::ErrorCode;
use transom_domain::event::Selection;
use transom_domain::id::{BusinessId, EndpointId};
use transom_store::{Action, ENDPOINTS_MAX, Endpoint, PutEndpoint, Registration, Role, Topic};

use super::Service;
use super::command::Caller;
use crate::problem::Problem;
use crate::seal;

/// Kinds of registration that are published; all but the plain one are told the same way.
const KINDS: [&str; 4] = ["custom", "zapier", "webengage", "integromat_make"];

/// A registration to be made.
#[derive(Debug, Clone)]
pub struct NewWebhook {
    /// Topic.
    pub topic: Topic,
    /// Where to.
    pub address: String,
    /// Published `type`.
    pub kind: Option<String>,
    /// Our own outbound messages, too.
    pub echo: bool,
    /// What it wants.
    pub filter: Selection,
}

/// What is to change; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct WebhookChange {
    /// Where to.
    pub address: Option<String>,
    /// Our own outbound messages, too.
    pub echo: Option<bool>,
    /// What it wants.
    pub filter: Option<Selection>,
}

/// A registration that was made.
#[derive(Debug, Clone)]
pub struct CreatedWebhook {
    /// Names it.
    pub id: EndpointId,
    /// What its deliveries are signed with; shared by all registrations of the business.
    pub secret: String,
}

/// A new webhook secret as its owner sees it: `whsec_` and 32 bytes in Base64.
///
/// # Errors
/// When the system has no randomness.
pub fn webhook_secret() -> Result<String, seal::SealError> {
    Ok(format!("whsec_{}", BASE64.encode(seal::random::<32>()?)))
}

impl Service {
    /// Registers a webhook.
    ///
    /// # Errors
    /// 400 for an address that may not be called, 409 when the topic has a registration.
    pub async fn create_webhook(&self, caller: &Caller, new: NewWebhook) -> Result<CreatedWebhook, Problem> {
        self.addresses.check(&new.address)?;
        let kind = new.kind.unwrap_or_else(|| "custom".to_owned());
        if !KINDS.contains(&kind.as_str()) {
            return Err(Problem::field(
                "type",
                format!("{kind} is not a type of webhook"),
                format!("use one of {}", KINDS.join(", ")),
            ));
        }
        let now = self.now();
        let id = EndpointId::compose(now, self.chance.draw());
        let topic = new.topic;
        let endpoint = Endpoint {
            id,
            business: caller.business,
            role: Role::Published(Registration { topic, kind, echo: new.echo }),
            address: new.address,
            filter: new.filter,
            begins: 0,
            cursor: 0,
            health: Health::default(),
            created_at: now,
        };
        match self.store.put_endpoint(endpoint).await? {
            PutEndpoint::Stored => {
                self.relay.reload().await?;
                self.audited(caller, Action::EndpointMade, id).await;
                Ok(CreatedWebhook { id, secret: self.secret_of(caller.business).await? })
            }
            PutEndpoint::TopicTaken(taken) => Err(Problem::new(
                ErrorCode::WebhookTopicExists,
                format!("The topic {} has the registration {taken} already.", topic.as_str()),
            )
            .detail("webhookId", taken.to_string())),
            PutEndpoint::Full => Err(too_many()),
        }
    }

    /// Changes a registration; it is tried again at once if it was switched off.
    ///
    /// # Errors
    /// 404 when there is none with this id, 400 for an address that may not be called.
    pub async fn update_webhook(&self, caller: &Caller, id: EndpointId, change: WebhookChange) -> Result<(), Problem> {
        if !self.is_registration(caller, id).await? {
            return Err(webhook_missing(id));
        }
        if let Some(address) = &change.address {
            self.addresses.check(address)?;
        }
        let wished = Arc::new(move |endpoint: &mut Endpoint| {
            if let Role::Published(registration) = &mut endpoint.role {
                registration.echo = change.echo.unwrap_or(registration.echo);
            }
            if let Some(address) = &change.address {
                endpoint.address.clone_from(address);
            }
            if let Some(filter) = &change.filter {
                endpoint.filter.clone_from(filter);
            }
        });
        self.store.change_endpoint(caller.business, id, wished).await?.ok_or_else(|| webhook_missing(id))?;
        if !self.store.switch_endpoint(caller.business, id, None).await? {
            return Err(webhook_missing(id));
        }
        self.relay.reload().await?;
        self.audited(caller, Action::EndpointChanged, id).await;
        Ok(())
    }

    /// The registrations.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn webhooks(&self, caller: &Caller) -> Result<Vec<Endpoint>, Problem> {
        let mut endpoints = self.store.endpoints(Some(caller.business)).await?;
        endpoints.retain(|endpoint| endpoint.role.topic().is_some());
        Ok(endpoints)
    }

    /// Removes a registration.
    ///
    /// # Errors
    /// 404 when there is none with this id.
    pub async fn delete_webhook(&self, caller: &Caller, id: EndpointId) -> Result<(), Problem> {
        if !self.is_registration(caller, id).await? || !self.store.delete_endpoint(caller.business, id).await? {
            return Err(webhook_missing(id));
        }
        self.relay.reload().await?;
        self.audited(caller, Action::EndpointRemoved, id).await;
        Ok(())
    }

    /// Whether there is a published registration with this id.
    pub(crate) async fn is_registration(&self, caller: &Caller, id: EndpointId) -> Result<bool, Problem> {
        let found = self.store.endpoint(caller.business, id).await?;
        Ok(found.is_some_and(|endpoint| endpoint.role.topic().is_some()))
    }

    async fn secret_of(&self, business: BusinessId) -> Result<String, Problem> {
        let businesses = self.store.businesses().await?;
        let sealed = businesses.into_iter().find(|b| b.id == business).map(|b| b.webhook_secret);
        let absent = || Problem::new(ErrorCode::BusinessKeySecretAbsent, "This business has no webhook secret.");
        self.key.open_text(&sealed.ok_or_else(absent)?).map_err(|_| absent())
    }
}

pub(super) fn too_many() -> Problem {
    Problem::new(ErrorCode::EndpointsTooMany, format!("This business has {ENDPOINTS_MAX} endpoints, as many as it may have."))
}

fn webhook_missing(id: EndpointId) -> Problem {
    Problem::new(ErrorCode::WebhookNotFound, format!("This business has no webhook registration {id}."))
}
