//! What an operator does by hand: businesses, keys, apps, senders, endpoints, templates, and the doctor. One implementation,
//! whether the command line talks to a running server or works on the folder itself.

mod backup;
mod command;
mod doctor;
mod door;
mod meta_side;
mod page;
mod queue;
mod sender;
mod twilio;

use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use transom_domain::error_code::ErrorCode;
use transom_domain::id::{BusinessId, KeyId};
use transom_domain::time::{Span, Timestamp};
use transom_store::{Action, Actor, App, Business, Endpoint, JournalFilter, Key, PAGE_MAX, Role, Scopes, Sender, SenderState};

use crate::native::{endpoint_ask, journal};
use crate::problem::Problem;
use crate::seal::{SealError, hex, random};
use crate::service::{Caller, NewWebhook, OPERATOR, Service, webhook_secret};
use crate::wire::Wire;

pub use crate::native::endpoint_ask::EndpointAsk;
pub use command::{
    AdminAnswer, AdminCommand, AdminRefusal, AppView, BackupState, BackupView, BusinessView, EndpointView, Finding, KeyView,
    Level, Rotate, Scope, Secret, SenderView, Step, StepOutcome, TemplateView, TwilioView,
};
pub use door::{DOOR_FILE, DOOR_PATH, Door, routes};

/// Longest name or label.
const NAME_MAX: usize = 200;
/// How long the webhook secret before the last one still signs.
const OLD_SECRET_KEEP: Span = Span::hours(24);

/// The operator's hand; cheap to clone.
#[derive(Clone)]
pub struct Admin {
    service: Service,
    /// Where Meta reaches us, without a slash at its end; none when nobody listens.
    public_url: Option<String>,
    /// Calls our own address, to see whether Meta could.
    own: Arc<dyn Wire>,
    /// The copy that was asked for last.
    backup: backup::Last,
}

impl Admin {
    /// Over a service. `public_url` is none where no server runs: what needs Meta to reach us is then refused.
    #[must_use]
    pub fn new(service: Service, public_url: Option<String>, own: Arc<dyn Wire>) -> Self {
        Self { service, public_url, own, backup: backup::Last::default() }
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
            AdminCommand::AppPut { id, secret, verify_token } => self.app_put(id, secret, verify_token).await,
            AdminCommand::AppList {} => {
                let data = self.service.store.apps().await?.into_iter().map(|app| self.app_view(app.id)).collect();
                Ok(AdminAnswer::Apps { data })
            }
            AdminCommand::SenderAdd { business, app, waba, phone_number_id, token, pin } => {
                self.business(business).await?;
                self.sender_add(business, sender::NewSender { app, waba, phone_number_id, token, pin }).await
            }
            AdminCommand::PageAdd { business, app, page, token } => {
                self.business(business).await?;
                self.page_add(business, page::NewPage { app, page, token }).await
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
            AdminCommand::TemplateSync { business } => self.template_sync(business).await,
            AdminCommand::TemplateList { business } => self.template_list(business).await,
            AdminCommand::StrayList { after } => {
                let found = self.service.store.journal_search(None, JournalFilter::default(), after, PAGE_MAX).await?;
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
            AdminCommand::Doctor {} => Ok(AdminAnswer::Findings { data: self.doctor().await? }),
        }
    }

    async fn business_add(&self, name: String) -> Result<AdminAnswer, Problem> {
        let name = checked_name("name", &name)?;
        let now = self.service.now();
        let secret = webhook_secret().map_err(sealing)?;
        let business = Business {
            id: BusinessId::compose(now, self.service.chance.draw()),
            name,
            webhook_secret: self.service.key.seal(secret.as_bytes()).map_err(sealing)?,
            previous_webhook_secret: None,
            created_at: now,
        };
        self.service.store.put_business(business.clone()).await?;
        self.service.directory.reload().await?;
        self.audited(business.id, Action::BusinessMade, business.id).await;
        Ok(AdminAnswer::Business(business_view(&business)))
    }

    async fn key_add(
        &self,
        business: BusinessId,
        label: String,
        scopes: &[Scope],
        expires_in: Option<u32>,
    ) -> Result<AdminAnswer, Problem> {
        self.business(business).await?;
        let label = checked_name("label", &label)?;
        let now = self.service.now();
        // 256 random bits; letters and digits only, so that a double click takes all of it, and Twilio's SDKs take it as a secret.
        let text = format!("tk{}", hex(&random::<32>().map_err(sealing)?));
        let key = Key {
            id: KeyId::compose(now, self.service.chance.draw()),
            business,
            label,
            hash: Sha256::digest(text.as_bytes()).into(),
            scopes: if scopes.is_empty() { Scopes::ADMIN } else { Scope::together(scopes) },
            created_at: now,
            expires_at: expires_in.map(|seconds| now.plus(Span::secs(i64::from(seconds)))),
            revoked_at: None,
        };
        self.service.store.put_key(key.clone()).await?;
        self.audited(business, Action::KeyMade, key.id).await;
        Ok(AdminAnswer::KeyMade { key: key_view(&key), text: Secret(text) })
    }

    async fn key_revoke(&self, business: BusinessId, key: KeyId) -> Result<AdminAnswer, Problem> {
        if self.service.is_auth_token(business, key).await? {
            return Err(Problem::new(ErrorCode::StateConflict, format!("Key {key} is an auth token of the account."))
                .remedy("Rotate it: `transom twilio credentials --rotate begin`, and then `--rotate promote`."));
        }
        if !self.service.store.revoke_key(business, key, self.service.now()).await? {
            return Err(Problem::not_found("key").remedy("List the keys with `transom key list`."));
        }
        self.service.forget_keys();
        self.audited(business, Action::KeyRevoked, key).await;
        Ok(done(format!("Key {key} is revoked.")))
    }

    async fn app_put(&self, id: String, secret: Secret, verify_token: Option<Secret>) -> Result<AdminAnswer, Problem> {
        meta_id("id", &id)?;
        if secret.0.trim().is_empty() {
            return Err(Problem::field("secret", "must not be empty", "give the app secret from the app's settings at Meta"));
        }
        let known = self.service.store.apps().await?.into_iter().find(|app| app.id == id);
        let seal = |text: &str| self.service.key.seal(text.as_bytes()).map_err(sealing);
        let verify_token = match (verify_token, known) {
            (Some(token), _) => seal(token.0.trim())?,
            (None, Some(app)) => app.verify_token,
            (None, None) => seal(&hex(&random::<16>().map_err(sealing)?))?,
        };
        let app = App { id: id.clone(), secret: seal(secret.0.trim())?, verify_token };
        self.service.store.put_app(app).await?;
        self.service.directory.reload().await?;
        Ok(AdminAnswer::App(self.app_view(id)))
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
        self.service.directory.reload().await?;
        let directory = self.service.directory.now();
        let mut wabas = Vec::new();
        let mut total = crate::templates::Reading::default();
        for speaker in directory.accounts_of(business) {
            let waba = speaker.sender.waba.as_deref().unwrap_or_default();
            wabas.push(waba);
            let reading = self.service.library.read(speaker).await.map_err(|why| {
                Problem::new(ErrorCode::UpstreamError, format!("The templates of account {waba} could not be read: {why}."))
                    .remedy("Run `transom doctor`: it says what is wrong with the sender.")
            })?;
            total.read += reading.read;
            total.changed += reading.changed;
            total.skipped.extend(reading.skipped);
        }
        if wabas.is_empty() {
            return Err(Problem::new(ErrorCode::NotFound, "This business has no WhatsApp sender.")
                .remedy("Add one with `transom sender add`."));
        }
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
        Ok(Caller { business, key: OPERATOR, scopes: Scopes::ADMIN })
    }

    fn callback(&self, app: &str) -> Option<String> {
        self.public_url.as_ref().map(|url| format!("{url}/webhooks/meta/{app}"))
    }

    fn app_view(&self, id: String) -> AppView {
        AppView { callback: self.callback(&id), id }
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

fn checked_name(field: &str, text: &str) -> Result<String, Problem> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > NAME_MAX || text.chars().any(char::is_control) {
        return Err(Problem::field(field, format!("must have 1 to {NAME_MAX} characters on one line"), "give a short name"));
    }
    Ok(text.to_owned())
}

/// Meta's ids are decimal; anything else is a mix-up, and would end up in a path.
fn meta_id(field: &str, text: &str) -> Result<(), Problem> {
    if (1..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(());
    }
    Err(Problem::field(
        field,
        format!("{text:?} is no id of Meta's: they are decimal numbers"),
        "copy the id from the app's dashboard at Meta",
    ))
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
