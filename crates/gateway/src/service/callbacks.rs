//! Callbacks in Twilio's form: which addresses are called about senders, and the endpoints behind them, one for each origin.

use std::sync::Arc;

use transom_domain::endpoint::Health;
use transom_domain::error_code::ErrorCode;
use transom_domain::event::Selection;
use transom_domain::field::FieldError;
use transom_domain::id::{BusinessId, EndpointId, SenderId};
use transom_store::{Action, CALLBACK_ORIGINS_MAX, Endpoint, PutEndpoint, Role, SenderCallbacks};

use super::Service;
use super::command::Caller;
use crate::problem::Problem;
use crate::twilio::callback::hook::Hook;

/// What is told at origins of callbacks.
const TOLD: [&str; 2] = ["message.received", "message.status"];

impl Service {
    /// Sees to it that an address of a callback will be called: that it may be, and that its origin has an endpoint. What happens
    /// from then on is told there.
    ///
    /// # Errors
    /// 400 for an address that may not be called, 409 when the business has callbacks to too many origins.
    pub async fn accept_callback(&self, business: BusinessId, address: &str) -> Result<(), Problem> {
        let origin = self.callback(address)?.origin();
        if self.relay.callbacks(business, &origin).is_some() {
            return Ok(());
        }
        let now = self.now();
        let endpoint = Endpoint {
            id: EndpointId::compose(now, self.chance.draw()),
            business,
            role: Role::Callbacks,
            address: origin,
            filter: Selection { types: TOLD.map(str::to_owned).to_vec(), ..Selection::default() },
            begins: 0,
            cursor: 0,
            health: Health::default(),
            created_at: now,
        };
        match self.store.put_endpoint(endpoint).await? {
            PutEndpoint::Stored | PutEndpoint::TopicTaken(_) => Ok(self.relay.reload().await?),
            PutEndpoint::Full => {
                let why = format!("This business has callbacks to {CALLBACK_ORIGINS_MAX} hosts, as many as it may have.");
                let remedy = "Let callbacks go to fewer hosts; `transom endpoint list` shows them, and each can be removed.";
                Err(Problem::new(ErrorCode::EndpointsTooMany, why).remedy(remedy))
            }
        }
    }

    /// An address that may be called.
    ///
    /// # Errors
    /// 400 for one that may not.
    pub(super) fn callback(&self, address: &str) -> Result<Hook, Problem> {
        let refused = |why: String| Problem::new(ErrorCode::WebhookAddressRefused, why);
        let hook = Hook::parse(address).map_err(|why| refused(format!("The callback's address cannot be used: {why}.")))?;
        self.addresses.check(hook.url.as_str())?;
        Ok(hook)
    }

    /// The addresses that are called about a sender; none of a sender of another business.
    ///
    /// # Errors
    /// 404 when the business has no such sender.
    pub async fn sender_callbacks(&self, caller: &Caller, sender: SenderId) -> Result<SenderCallbacks, Problem> {
        self.own_sender(caller, sender)?;
        let mut settings = self.store.settings(caller.business).await?;
        Ok(settings.twilio.senders.remove(&sender).unwrap_or_default())
    }

    /// Chooses the addresses that are called about a sender.
    ///
    /// # Errors
    /// 404 when the business has no such sender, 400 for an address that may not be called.
    pub async fn set_sender_callbacks(
        &self,
        caller: &Caller,
        sender: SenderId,
        chosen: SenderCallbacks,
    ) -> Result<SenderCallbacks, Problem> {
        self.own_sender(caller, sender)?;
        let addresses = [
            ("inboundUrl", &chosen.inbound_url),
            ("fallbackUrl", &chosen.fallback_url),
            ("statusCallback", &chosen.status_callback),
        ];
        // All are looked at before anything is kept of one.
        for (field, address) in &addresses {
            let Some(address) = address else { continue };
            self.callback(address).map_err(|problem| match problem.code {
                ErrorCode::WebhookAddressRefused => {
                    let rule = format!("cannot be called: {}", problem.message.trim_end_matches('.'));
                    let remedy = "give a public https address; operators can allow others".to_owned();
                    Problem::of_fields(problem.code, &[FieldError { field: (*field).to_owned(), rule, remedy }])
                }
                _ => problem,
            })?;
        }
        for address in addresses.into_iter().filter_map(|(_, address)| address.as_deref()) {
            self.accept_callback(caller.business, address).await?;
        }
        let change = {
            let chosen = chosen.clone();
            Arc::new(move |settings: &mut transom_store::BusinessSettings| {
                if chosen == SenderCallbacks::default() {
                    settings.twilio.senders.remove(&sender);
                } else {
                    settings.twilio.senders.insert(sender, chosen.clone());
                }
            })
        };
        self.store.change_settings(caller.business, change).await?.ok_or_else(|| Problem::not_found("business"))?;
        self.audited(caller, Action::EndpointChanged, sender).await;
        self.directory.reload().await?;
        // What waits for the old address goes to the new one.
        self.relay.poke(caller.business);
        Ok(chosen)
    }

    fn own_sender(&self, caller: &Caller, sender: SenderId) -> Result<(), Problem> {
        let known = self.sender(sender).is_some_and(|known| known.business == caller.business);
        if known { Ok(()) } else { Err(Problem::not_found("sender")) }
    }
}
