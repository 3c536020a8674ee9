//! What an operator does by hand: businesses, keys, apps, senders, endpoints, templates, and the doctor. One implementation,
//! whether the command line talks to a running server or works on the folder itself.

mod backup;
mod command;
mod doctor;
mod door;
mod replicas;
mod twilio;
mod user;

use transom_domain::error_code::ErrorCode;
use transom_domain::id::{BusinessId, KeyId, SenderId};
use transom_domain::time::{Span, Timestamp};
use transom_store::{
    Action, Actor, Business, Endpoint, JournalFilter, JournalFrom, Key, PAGE_MAX, Role, Scopes, Sender, SenderState,
};

use crate::console::Oidc;
use crate::native::{endpoint_ask, journal};
use crate::problem::Problem;
use crate::seal::SealError;
use crate::service::{AtMeta, Caller, NewKey, NewSender, NewWebhook, Service, StepState, webhook_secret};

pub use crate::native::endpoint_ask::EndpointAsk;
pub use command::{
    AdminAnswer, AdminCommand, AdminRefusal, AppView, BackupState, BackupView, BusinessView, CallbacksAsk, EndpointView, Finding,
    KeyView, Level, Rotate, Scope, Secret, SenderView, Step, StepOutcome, TemplateView, TwilioView,
};
pub use door::{DOOR_FILE, DOOR_PATH, Door, routes};
pub use replicas::{HoldingView, ReplicaView};
pub use user::{RoleView, UserAsk, UserView};

/// How long the webhook secret before the last one still signs.
const OLD_SECRET_KEEP: Span = Span::hours(24);

/// The operator's hand; cheap to clone.
#[derive(Clone)]
pub struct Admin {
    service: Service,
    /// The copy that was asked for last.
    backup: backup::Last,
    /// The provider at which people sign in to the console.
    oidc: Option<Oidc>,
}

impl Admin {
    /// Over a service.
    #[must_use]
    pub fn new(service: Service) -> Self {
        Self { service, backup: backup::Last::default(), oidc: None }
    }

    /// With the provider at which people sign in to the console.
    #[must_use]
    pub fn with_sign_in(self, oidc: Option<Oidc>) -> Self {
        Self { oidc, ..self }
    }

    /// Does what is asked.
    ///
    /// # Errors
    /// What is wrong, where, and how to mend it.
    pub async fn handle(&self, command: AdminCommand) -> Result<AdminAnswer, Problem> {
        match command {
            AdminCommand::BusinessAdd { name } => self.business_add(name).await,
            AdminCommand::BusinessList {} => {
                let data = self.service.store.businesses().await?.iter().map(business_view).collect();
                Ok(AdminAnswer::Businesses { data })
            }
            AdminCommand::KeyAdd { business, label, scopes, expires_in_seconds } => {
                self.key_add(business, label, &scopes, expires_in_seconds).await
            }
            AdminCommand::KeyList { business } => {
                self.business(business).await?;
                let data = self.service.store.keys(business).await?.iter().map(key_view).collect();
                Ok(AdminAnswer::Keys { data })
            }
            AdminCommand::KeyRevoke { business, key } => self.key_revoke(business, key).await,
            AdminCommand::AppPut { id, secret, verify_token } => {
                self.service.put_app(&id, &secret.0, verify_token.as_ref().map(|token| token.0.as_str())).await?;
                Ok(AdminAnswer::App(self.app_view(id)))
            }
            AdminCommand::AppList {} => {
                let data = self.service.store.apps().await?.into_iter().map(|app| self.app_view(app.id)).collect();
                Ok(AdminAnswer::Apps { data })
            }
            AdminCommand::SenderAdd { business, app, waba, phone_number_id, token, pin } => {
                let at_meta = AtMeta::Number { waba, phone_number_id, pin: pin.map(|pin| pin.0) };
                self.sender_add(business, app, at_meta, token).await
            }
            AdminCommand::PageAdd { business, app, page, token } => {
                self.sender_add(business, app, AtMeta::Page { page }, token).await
            }
            AdminCommand::SenderList { business } => {
                let mut data = Vec::new();
                for sender in self.service.store.senders().await? {
                    if business.is_none_or(|b| b == sender.business) {
                        data.push(self.sender_view(&sender).await?);
                    }
                }
                Ok(AdminAnswer::Senders { data })
            }
            AdminCommand::SenderShow { sender } => {
                let sender = self.sender(sender).await?;
                Ok(AdminAnswer::Sender(self.sender_view(&sender).await?))
            }
            AdminCommand::SenderCheck { sender } => self.sender_check(sender).await,
            AdminCommand::SenderResume { sender } => self.sender_resume(sender).await,
            AdminCommand::EndpointAdd { business, topic, address, echo } => {
                let caller = self.caller(business).await?;
                let new = NewWebhook { topic, address, kind: None, echo, filter: transom_domain::event::Selection::default() };
                let made = self.service.create_webhook(&caller, new).await?;
                Ok(AdminAnswer::EndpointMade { id: made.id, secret: Secret(made.secret) })
            }
            AdminCommand::EndpointList { business } => {
                let caller = self.caller(business).await?;
                let data = self.service.store.endpoints(Some(caller.business)).await?.iter().map(endpoint_view).collect();
                Ok(AdminAnswer::Endpoints { data })
            }
            AdminCommand::EndpointRemove { business, endpoint } => {
                let caller = self.caller(business).await?;
                if self.service.is_registration(&caller, endpoint).await? {
                    self.service.delete_webhook(&caller, endpoint).await?;
                } else {
                    self.service.delete_endpoint(&caller, endpoint).await?;
                }
                Ok(done(format!("Endpoint {endpoint} is removed, with what it still waited for.")))
            }
            AdminCommand::Endpoint { business, ask } => {
                let caller = self.caller(business).await?;
                Ok(AdminAnswer::Plain { value: endpoint_ask::ask(&self.service, &caller, ask).await? })
            }
            AdminCommand::SecretRotate { business } => self.secret_rotate(business).await,
            AdminCommand::Twilio { business, rotate, refuse_at_once } => self.twilio(business, rotate, refuse_at_once).await,
            AdminCommand::TwilioCallbacks { sender, ask } => self.twilio_callbacks(sender, ask).await,
            AdminCommand::TemplateSync { business } => self.template_sync(business).await,
            AdminCommand::TemplateList { business } => self.template_list(business).await,
            AdminCommand::StrayList { after } => {
                let found = self
                    .service
                    .store
                    .journal_search(None, JournalFilter::default(), JournalFrom::After(after), PAGE_MAX)
                    .await?;
                Ok(AdminAnswer::Plain { value: journal::stray_page(&found).map_err(unprintable)? })
            }
            AdminCommand::StrayShow { entry } => {
                let found = self.service.store.journal_entry(None, entry).await?;
                let found = found.ok_or_else(|| {
                    Problem::not_found("journal entry").remedy("List them with `transom journal stray`; the newest 200 are kept.")
                })?;
                Ok(AdminAnswer::Plain { value: journal::stray(&found).map_err(unprintable)? })
            }
            AdminCommand::BackupStart { to } => self.backup_start(to),
            AdminCommand::BackupLook {} => self.backup_look(),
            AdminCommand::User { ask } => self.user(ask).await,
            AdminCommand::Replicas {} => self.replicas().await,
            AdminCommand::Doctor {} => Ok(AdminAnswer::Findings { data: self.doctor().await? }),
        }
    }

    async fn business_add(&self, name: String) -> Result<AdminAnswer, Problem> {
        let business = self.service.make_business(Actor::Operator, &name).await?;
        Ok(AdminAnswer::Business(business_view(&business)))
    }

    async fn key_add(
        &self,
        business: BusinessId,
        label: String,
        scopes: &[Scope],
        expires_in: Option<u32>,
    ) -> Result<AdminAnswer, Problem> {
        let caller = self.caller(business).await?;
        let scopes = if scopes.is_empty() { Scopes::ADMIN } else { Scope::together(scopes) };
        let expires_in = expires_in.map(|seconds| Span::secs(i64::from(seconds)));
        let (key, text) = self.service.make_key(&caller, NewKey { label, scopes, expires_in }).await?;
        Ok(AdminAnswer::KeyMade { key: key_view(&key), text: Secret(text) })
    }

    async fn key_revoke(&self, business: BusinessId, key: KeyId) -> Result<AdminAnswer, Problem> {
        let caller = self.caller(business).await?;
        self.service.revoke_key(&caller, key).await?;
        Ok(done(format!("Key {key} is revoked.")))
    }

    async fn sender_add(
        &self,
        business: BusinessId,
        app: String,
        at_meta: AtMeta,
        token: Secret,
    ) -> Result<AdminAnswer, Problem> {
        let caller = self.caller(business).await?;
        let new = NewSender { at_meta, app: Some(app), app_secret: None, token: token.0 };
        let (sender, steps) = self.service.add_sender(&caller, new).await?;
        let steps = steps.into_iter().map(|step| Step {
            step: step.what.as_str().to_owned(),
            outcome: match step.state {
                StepState::Done => StepOutcome::Done,
                StepState::Skipped => StepOutcome::Skipped,
                StepState::Warning | StepState::Failed => StepOutcome::Warned,
            },
            said: step.explanation,
        });
        Ok(AdminAnswer::SenderAdded { sender: self.sender_view(&sender).await?, steps: steps.collect() })
    }

    async fn sender_resume(&self, id: SenderId) -> Result<AdminAnswer, Problem> {
        let known = self.sender(id).await?;
        let caller = self.caller(known.business).await?;
        self.service.resume_sender(&caller, id).await?;
        Ok(done(match known.state {
            SenderState::Active => format!("Sender {} is not stopped.", known.address),
            SenderState::Stopped { .. } => format!("Sender {} goes on; its queue is kept and sent now.", known.address),
        }))
    }

    async fn sender(&self, id: SenderId) -> Result<Sender, Problem> {
        let found = self.service.store.senders().await?.into_iter().find(|s| s.id == id);
        found.ok_or_else(|| {
            Problem::new(ErrorCode::NotFound, format!("There is no sender {id}.")).remedy("List them with `transom sender list`.")
        })
    }

    async fn secret_rotate(&self, business: BusinessId) -> Result<AdminAnswer, Problem> {
        let mut business = self.business(business).await?;
        let until = self.service.now().plus(OLD_SECRET_KEEP);
        let secret = webhook_secret().map_err(sealing)?;
        let old = std::mem::replace(&mut business.webhook_secret, self.service.key.seal(secret.as_bytes()).map_err(sealing)?);
        business.previous_webhook_secret = Some((old, until));
        let id = business.id;
        self.service.store.put_business(business).await?;
        self.audited(id, Action::SecretRotated, "").await;
        self.service.directory.reload().await?;
        Ok(AdminAnswer::SecretMade { secret: Secret(secret), old_until: rfc3339(until) })
    }

    async fn template_sync(&self, business: BusinessId) -> Result<AdminAnswer, Problem> {
        self.business(business).await?;
        let total = self.service.read_templates(business).await?;
        Ok(AdminAnswer::TemplatesRead { read: total.read, changed: total.changed, skipped: total.skipped })
    }

    async fn template_list(&self, business: BusinessId) -> Result<AdminAnswer, Problem> {
        self.business(business).await?;
        let mut wabas: Vec<String> =
            self.service.store.senders().await?.into_iter().filter(|s| s.business == business).filter_map(|s| s.waba).collect();
        wabas.sort_unstable();
        wabas.dedup();
        let mut data = Vec::new();
        for waba in wabas {
            data.extend(self.service.store.templates(business, waba, None).await?.into_iter().map(|t| TemplateView {
                id: t.id,
                name: t.name,
                language: t.language.to_string(),
                category: t.category.as_str().to_owned(),
                status: t.approval.as_str().to_owned(),
                reason: t.reason,
            }));
        }
        data.sort_by(|a, b| (&a.name, &a.language).cmp(&(&b.name, &b.language)));
        Ok(AdminAnswer::Templates { data })
    }

    async fn business(&self, id: BusinessId) -> Result<Business, Problem> {
        let found = self.service.store.businesses().await?.into_iter().find(|b| b.id == id);
        found.ok_or_else(|| {
            Problem::new(ErrorCode::NotFound, format!("There is no business {id}."))
                .remedy("List them with `transom business list`.")
        })
    }

    /// Writes down what an operator did.
    async fn audited(&self, business: BusinessId, action: Action, object: impl ToString) {
        self.service.audited_of(business, Actor::Operator, action, object).await;
    }

    /// The operator, as the service knows callers.
    async fn caller(&self, business: BusinessId) -> Result<Caller, Problem> {
        self.business(business).await?;
        Ok(Caller { business, who: Actor::Operator, scopes: Scopes::ADMIN })
    }

    fn app_view(&self, id: String) -> AppView {
        AppView { callback: self.service.callback_of_app(&id), id }
    }

    async fn sender_view(&self, sender: &Sender) -> Result<SenderView, Problem> {
        let capacity = self.service.capacity(sender).await?;
        Ok(SenderView {
            id: sender.id,
            business: sender.business,
            address: sender.address.to_string(),
            name: sender.name.clone(),
            account: sender.account.clone(),
            waba: sender.waba.clone(),
            app: sender.app.clone(),
            throughput: sender.throughput,
            stopped: match &sender.state {
                SenderState::Active => None,
                SenderState::Stopped { failure, .. } => Some(failure.message.clone()),
            },
            waiting: capacity.waiting.total,
            capacity,
        })
    }
}

fn done(said: String) -> AdminAnswer {
    AdminAnswer::Done { said }
}

fn sealing(why: SealError) -> Problem {
    Problem::new(ErrorCode::Unspecified, why.to_string())
}

fn unprintable(why: serde_json::Error) -> Problem {
    Problem::new(ErrorCode::Unspecified, format!("It cannot be written as JSON: {why}."))
}

fn rfc3339(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.as_millis()).map_or_else(|_| at.as_millis().to_string(), |t| t.to_string())
}

fn business_view(business: &Business) -> BusinessView {
    BusinessView { id: business.id, name: business.name.clone(), created_at: rfc3339(business.created_at) }
}

fn key_view(key: &Key) -> KeyView {
    KeyView {
        id: key.id,
        twilio_sid: crate::twilio::key_sid(key.id),
        label: key.label.clone(),
        scopes: Scope::of(key.scopes),
        created_at: rfc3339(key.created_at),
        expires_at: key.expires_at.map(rfc3339),
        revoked_at: key.revoked_at.map(rfc3339),
        last_used_at: key.used_at.map(rfc3339),
    }
}

fn endpoint_view(endpoint: &Endpoint) -> EndpointView {
    EndpointView {
        id: endpoint.id,
        topic: endpoint.role.topic(),
        events: endpoint.filter.types.clone(),
        description: if let Role::Own(own) = &endpoint.role { own.manner.description.clone() } else { String::new() },
        address: endpoint.address.clone(),
        echo: matches!(&endpoint.role, Role::Published(registration) if registration.echo),
        disabled: endpoint.health.disabled.clone(),
        failures: endpoint.health.failures,
        last_error: endpoint.health.last_error.clone(),
    }
}

#[cfg(test)]
mod tests;
