//! Messaging services: made, changed, removed; senders in their pools; the one that speaks to a customer.

use std::sync::Arc;

use transom_domain::address::Identity;
use transom_domain::error_code::ErrorCode;
use transom_domain::field::FieldError;
use transom_domain::id::{SenderId, ServiceId};
use transom_domain::messaging_service::{
    Because, CallbackMethod, Callbacks, MessagingService, POOL_MAX, PoolMember, ServiceOptions, SmsOptions,
};
use transom_store::{Action, ChangeService, JoinPool, Page, SERVICES_MAX};

use super::Service;
use super::command::{Caller, SendCommand};
use super::messages::bounded;
use crate::problem::Problem;

/// What is chosen anew of a messaging service; what is `None` stays as it is.
#[derive(Debug, Clone, Default)]
pub struct ServiceChange {
    /// For people.
    pub friendly_name: Option<String>,
    /// See [`ServiceOptions::sticky_sender`].
    pub sticky_sender: Option<bool>,
    /// Seconds.
    pub validity_seconds: Option<u32>,
    /// Where what customers write is told; empty for nowhere.
    pub inbound_url: Option<String>,
    /// How.
    pub inbound_method: Option<CallbackMethod>,
    /// Where it is told when that fails; empty for nowhere.
    pub fallback_url: Option<String>,
    /// How.
    pub fallback_method: Option<CallbackMethod>,
    /// Where statuses are told; empty for nowhere.
    pub status_callback: Option<String>,
    /// See [`ServiceOptions::use_inbound_webhook_on_number`].
    pub use_inbound_webhook_on_number: Option<bool>,
    /// In its owner's words.
    pub usecase: Option<String>,
    /// Kept for Twilio's sake.
    pub sms: SmsChange,
}

/// What is chosen anew of what means something for SMS only.
#[derive(Debug, Clone, Default)]
pub struct SmsChange {
    /// See [`SmsOptions`].
    pub smart_encoding: Option<bool>,
    /// See [`SmsOptions`].
    pub mms_converter: Option<bool>,
    /// See [`SmsOptions`].
    pub fallback_to_long_code: Option<bool>,
    /// See [`SmsOptions`].
    pub area_code_geomatch: Option<bool>,
    /// See [`SmsOptions`].
    pub synchronous_validation: Option<bool>,
    /// See [`SmsOptions`].
    pub scan_message_content: Option<String>,
}

/// The sender that speaks to a customer through a messaging service.
#[derive(Debug, Clone)]
pub struct Spokesperson {
    /// The service.
    pub service: MessagingService,
    /// The sender's address.
    pub address: Identity,
    /// Why this one.
    pub because: Because,
}

/// Detail of a refusal that says why a messaging service cannot be sent through: `unknown`, `empty` or `no_sender_on_channel`.
pub(crate) const UNUSABLE: &str = "messagingService";

fn missing() -> Problem {
    Problem::not_found("messaging service")
}

impl ServiceChange {
    fn apply(&self, options: &mut ServiceOptions) {
        fn set<T: Clone>(to: &mut T, from: Option<&T>) {
            if let Some(from) = from {
                to.clone_from(from);
            }
        }
        fn set_address(to: &mut Option<String>, from: Option<&String>) {
            if let Some(from) = from {
                *to = Some(from.clone()).filter(|url| !url.is_empty());
            }
        }
        let ServiceOptions {
            friendly_name,
            sticky_sender,
            validity_seconds,
            callbacks: Callbacks { inbound_url, inbound_method, fallback_url, fallback_method, status_callback },
            use_inbound_webhook_on_number,
            usecase,
            sms,
        } = options;
        let SmsOptions {
            smart_encoding,
            mms_converter,
            fallback_to_long_code,
            area_code_geomatch,
            synchronous_validation,
            scan_message_content,
        } = sms;
        set(friendly_name, self.friendly_name.as_ref());
        set(sticky_sender, self.sticky_sender.as_ref());
        set(validity_seconds, self.validity_seconds.as_ref());
        set_address(inbound_url, self.inbound_url.as_ref());
        set(inbound_method, self.inbound_method.as_ref());
        set_address(fallback_url, self.fallback_url.as_ref());
        set(fallback_method, self.fallback_method.as_ref());
        set_address(status_callback, self.status_callback.as_ref());
        set(use_inbound_webhook_on_number, self.use_inbound_webhook_on_number.as_ref());
        set(usecase, self.usecase.as_ref());
        set(smart_encoding, self.sms.smart_encoding.as_ref());
        set(mms_converter, self.sms.mms_converter.as_ref());
        set(fallback_to_long_code, self.sms.fallback_to_long_code.as_ref());
        set(area_code_geomatch, self.sms.area_code_geomatch.as_ref());
        set(synchronous_validation, self.sms.synchronous_validation.as_ref());
        set(scan_message_content, self.sms.scan_message_content.as_ref());
    }

    /// The addresses that it names, each with its field.
    fn addresses(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let named =
            [("inboundUrl", &self.inbound_url), ("fallbackUrl", &self.fallback_url), ("statusCallback", &self.status_callback)];
        named.into_iter().filter_map(|(field, url)| Some((field, url.as_deref()?))).filter(|(_, url)| !url.is_empty())
    }
}

impl Service {
    /// Makes a messaging service, whose pool is empty.
    ///
    /// # Errors
    /// 400 that names every field; also when the business has as many as it may have.
    pub async fn create_messaging_service(&self, caller: &Caller, change: ServiceChange) -> Result<MessagingService, Problem> {
        let mut options = ServiceOptions::default();
        change.apply(&mut options);
        self.may_choose(&change, &options)?;
        self.accept_addresses(caller, &change).await?;
        let now = self.now();
        let id = ServiceId::compose(now, self.chance.draw());
        let service = MessagingService { id, business: caller.business, options, created_at: now, updated_at: now };
        if !self.store.add_service(service.clone()).await? {
            let message = format!("This business has {SERVICES_MAX} messaging services already, and may have no more.");
            return Err(Problem::new(ErrorCode::RequestInvalid, message).remedy("Delete those that are not used any more."));
        }
        self.audited(caller, Action::MessagingServiceMade, id).await;
        self.services_changed(caller).await?;
        Ok(service)
    }

    /// One messaging service.
    ///
    /// # Errors
    /// 404 when this business has none with this id.
    pub async fn messaging_service(&self, caller: &Caller, id: ServiceId) -> Result<MessagingService, Problem> {
        self.store.service(caller.business, id).await?.ok_or_else(missing)
    }

    /// Messaging services, newest first.
    ///
    /// # Errors
    /// When the store does not answer, or the page token is none of ours.
    pub async fn messaging_services(
        &self,
        caller: &Caller,
        page: Page,
    ) -> Result<(Vec<MessagingService>, Option<String>), Problem> {
        Ok(self.store.services(caller.business, bounded(page)).await?)
    }

    /// Changes a messaging service; gives it as it is then.
    ///
    /// # Errors
    /// 404; 400 that names every field.
    pub async fn change_messaging_service(
        &self,
        caller: &Caller,
        id: ServiceId,
        change: ServiceChange,
    ) -> Result<MessagingService, Problem> {
        let mut options = self.messaging_service(caller, id).await?.options;
        change.apply(&mut options);
        self.may_choose(&change, &options)?;
        self.accept_addresses(caller, &change).await?;
        let apply: ChangeService = Arc::new(move |options| change.apply(options));
        let changed = self.store.change_service(caller.business, id, apply, self.now()).await?.ok_or_else(missing)?;
        self.audited(caller, Action::MessagingServiceChanged, id).await;
        self.services_changed(caller).await?;
        Ok(changed)
    }

    /// What is told from now on goes where the services and their pools say now; what waits for an old address, too.
    async fn services_changed(&self, caller: &Caller) -> Result<(), Problem> {
        self.directory.reload().await?;
        self.relay.poke(caller.business);
        Ok(())
    }

    /// What is told from now on is told to these.
    async fn accept_addresses(&self, caller: &Caller, change: &ServiceChange) -> Result<(), Problem> {
        for (_, url) in change.addresses() {
            self.accept_callback(caller.business, url).await?;
        }
        Ok(())
    }

    fn may_choose(&self, change: &ServiceChange, options: &ServiceOptions) -> Result<(), Problem> {
        let mut found = options.check().err().unwrap_or_default();
        for (field, url) in change.addresses() {
            if let Err(problem) = self.addresses.check(url) {
                let said = problem.message.trim_end_matches('.');
                let rule = said.strip_prefix("address ").unwrap_or(said).to_owned();
                let remedy = "give a public https address; operators can allow others".to_owned();
                found.push(FieldError { field: field.to_owned(), rule, remedy });
            }
        }
        if found.is_empty() { Ok(()) } else { Err(Problem::fields(&found)) }
    }

    /// Removes a messaging service. Its senders stay, and so do messages that were sent through it.
    ///
    /// # Errors
    /// 404 when this business has none with this id.
    pub async fn delete_messaging_service(&self, caller: &Caller, id: ServiceId) -> Result<(), Problem> {
        if !self.store.delete_service(caller.business, id).await? {
            return Err(missing());
        }
        self.audited(caller, Action::MessagingServiceRemoved, id).await;
        self.services_changed(caller).await
    }

    /// The senders of a pool, in the order in which they joined.
    ///
    /// # Errors
    /// 404 when this business has no such service.
    pub async fn pool(&self, caller: &Caller, id: ServiceId) -> Result<Vec<PoolMember>, Problem> {
        self.store.pool(caller.business, id).await?.ok_or_else(missing)
    }

    /// Puts a sender into a pool.
    ///
    /// # Errors
    /// 404 when this business has no such service, or no such sender; 409 when the sender is in another pool; 400 when the pool is
    /// full.
    pub async fn join_pool(&self, caller: &Caller, id: ServiceId, sender: SenderId) -> Result<PoolMember, Problem> {
        match self.store.join_pool(caller.business, id, sender, self.now()).await? {
            JoinPool::Joined(member) => {
                self.audited(caller, Action::MessagingServiceChanged, id).await;
                self.services_changed(caller).await?;
                Ok(member)
            }
            JoinPool::NoService => Err(missing()),
            JoinPool::NoSender => Err(Problem::not_found("sender")),
            JoinPool::Elsewhere(other) => {
                let message = format!("This sender is in the pool of another messaging service: {other}.");
                let remedy = "Take it out of that one first: what is written to a sender can be told to one service only.";
                Err(Problem::new(ErrorCode::StateConflict, message).remedy(remedy))
            }
            JoinPool::Full => {
                let message = format!("A pool has at most {POOL_MAX} senders.");
                Err(Problem::new(ErrorCode::RequestInvalid, message).remedy("Make another messaging service."))
            }
        }
    }

    /// Takes a sender out of a pool.
    ///
    /// # Errors
    /// 404 when it is not in it.
    pub async fn leave_pool(&self, caller: &Caller, id: ServiceId, sender: SenderId) -> Result<(), Problem> {
        if !self.store.leave_pool(caller.business, id, sender).await? {
            return Err(Problem::not_found("sender in the pool of this messaging service"));
        }
        self.audited(caller, Action::MessagingServiceChanged, id).await;
        self.services_changed(caller).await
    }

    /// Who speaks to a customer through a messaging service.
    ///
    /// # Errors
    /// 404 when this business has no such service; 400 when its pool has no sender on the customer's channel.
    pub async fn choose_sender(&self, caller: &Caller, id: ServiceId, to: &Identity) -> Result<Spokesperson, Problem> {
        let chosen = self.store.choose_sender(caller.business, id, to.clone(), self.now()).await?;
        let chosen = chosen.ok_or_else(|| missing().detail(UNUSABLE, "unknown"))?;
        let known = chosen.chosen.and_then(|(sender, because)| Some((self.sender(sender)?.address, because)));
        let Some((address, because)) = known else {
            let (message, how) = match chosen.pool {
                0 => (format!("The messaging service {id} has no senders."), "empty"),
                _ => (format!("The messaging service {id} has no sender on {}.", to.channel()), "no_sender_on_channel"),
            };
            let remedy = "Put a sender of that channel into its pool, or name the sender.";
            let problem = Problem::new(ErrorCode::BusinessMissesMatchingChannel, message);
            return Err(problem.remedy(remedy).detail(UNUSABLE, how));
        };
        Ok(Spokesperson { service: chosen.service, address, because })
    }

    /// Makes of a message through a messaging service one through a sender of its pool, that waits no longer than the service lets
    /// it. One that names a sender beside keeps that one.
    pub(super) async fn through_service(&self, caller: &Caller, command: &mut SendCommand) -> Result<(), Problem> {
        let Some(id) = command.origin.as_ref().and_then(|origin| origin.service) else { return Ok(()) };
        let service = if command.from.is_some() {
            let known = self.store.service(caller.business, id).await?;
            known.ok_or_else(|| missing().detail(UNUSABLE, "unknown"))?
        } else {
            let chosen = self.choose_sender(caller, id, &command.to).await?;
            tracing::debug!(service = %id, sender = %chosen.address, because = chosen.because.as_str(), "a sender was chosen");
            command.from = Some(chosen.address);
            chosen.service
        };
        command.validity = Some(command.validity.unwrap_or_else(|| service.options.validity()));
        Ok(())
    }
}
