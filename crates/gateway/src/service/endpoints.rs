//! Webhook endpoints of a business's own making: made, changed, rotated, tested, listed, told once more.

use std::sync::Arc;

use transom_domain::endpoint::{Health, Order, Payload};
use transom_domain::error_code::ErrorCode;
use transom_domain::event::Selection;
use transom_domain::field::FieldError;
use transom_domain::id::{EndpointId, EventId, ReplayId};
use transom_domain::time::{Span, Timestamp};
use transom_store::{Action, Endpoint, EventReplay, Manner, Own, PutEndpoint, Retried, RetryDelivery, Role, Sealed, StartReplay};

use super::Service;
use super::command::Caller;
use super::webhooks::{too_many, webhook_secret};
use crate::problem::Problem;
use crate::seal::SealError;
use crate::work::relay::{Asked, Tested};

/// How long a secret signs on after it was replaced, unless the caller says otherwise.
pub(crate) const OLD_SECRET_KEEP: Span = Span::hours(24);

/// An endpoint to be made.
#[derive(Debug, Clone)]
pub struct NewEndpoint {
    /// Where to.
    pub url: String,
    /// How it wants to be told.
    pub manner: Manner,
    /// Of what.
    pub filter: Selection,
    /// Whether it begins at once.
    pub enabled: bool,
}

/// What is to change; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct EndpointChange {
    /// Where to.
    pub url: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Of what: each part by itself.
    pub filter: FilterChange,
    /// In what form.
    pub payload: Option<Payload>,
    /// In which order.
    pub order: Option<Order>,
    /// Deliveries at once.
    pub concurrency: Option<u8>,
    /// Seconds to answer.
    pub timeout: Option<AnswerLimit>,
    /// Switched on or off.
    pub enabled: Option<bool>,
}

impl EndpointChange {
    /// Does it: to an endpoint of the business's own making.
    fn apply(&self, endpoint: &mut Endpoint) {
        let Role::Own(own) = &mut endpoint.role else { return };
        set(&mut endpoint.address, self.url.as_ref());
        set(&mut endpoint.filter.types, self.filter.types.as_ref());
        set(&mut endpoint.filter.senders, self.filter.senders.as_ref());
        set(&mut endpoint.filter.channels, self.filter.channels.as_ref());
        set(&mut endpoint.filter.campaigns, self.filter.campaigns.as_ref());
        let manner = &mut own.manner;
        set(&mut manner.description, self.description.as_ref());
        set(&mut manner.order, self.order.as_ref());
        set(&mut manner.concurrency, self.concurrency.as_ref());
        match self.timeout {
            None => {}
            Some(AnswerLimit::Gateway) => manner.timeout = None,
            Some(AnswerLimit::Seconds(seconds)) => manner.timeout = Some(seconds),
        }
    }
}

/// How long an endpoint may take to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerLimit {
    /// As long as the gateway gives to any.
    Gateway,
    /// So many seconds.
    Seconds(u8),
}

fn set<T: Clone>(value: &mut T, to: Option<&T>) {
    if let Some(to) = to {
        value.clone_from(to);
    }
}

/// What is to change of a filter.
#[derive(Debug, Clone, Default)]
pub struct FilterChange {
    /// See [`Selection::types`].
    pub types: Option<Vec<String>>,
    /// See [`Selection::senders`].
    pub senders: Option<Vec<transom_domain::id::SenderId>>,
    /// See [`Selection::channels`].
    pub channels: Option<Vec<transom_domain::address::Channel>>,
    /// See [`Selection::campaigns`].
    pub campaigns: Option<Vec<String>>,
}

impl FilterChange {
    /// Whether it leaves anything out.
    #[must_use]
    pub fn narrows(&self) -> bool {
        let some = |length: Option<usize>| length.is_some_and(|length| length > 0);
        some(self.types.as_ref().map(Vec::len))
            || some(self.senders.as_ref().map(Vec::len))
            || some(self.channels.as_ref().map(Vec::len))
            || some(self.campaigns.as_ref().map(Vec::len))
    }
}

/// A place in the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// By position.
    Position(u64),
    /// By time.
    At(Timestamp),
}

/// A range to be told once more.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReplayAsk {
    /// Only what was given up.
    pub given_up: bool,
    /// The first event; the oldest that is kept where left out.
    pub from: Option<Place>,
    /// The last event: by position it is the last, by time the range ends before it; the newest where left out.
    pub to: Option<Place>,
}

pub(super) fn missing(id: EndpointId) -> Problem {
    Problem::new(ErrorCode::WebhookNotFound, format!("This business has no endpoint {id}."))
}

fn unsealed(why: SealError) -> Problem {
    tracing::error!(error = %why, "a secret could not be made");
    Problem::new(ErrorCode::Unspecified, "The secret could not be made.")
}

impl Service {
    /// Makes an endpoint; gives it with its secret, which is never shown again.
    ///
    /// # Errors
    /// 400 for an address that may not be called, 409 when the business has too many.
    pub async fn create_endpoint(&self, caller: &Caller, new: NewEndpoint) -> Result<(Endpoint, String), Problem> {
        self.may_call(&new.url)?;
        let now = self.now();
        let (secret, sealed) = self.new_secret()?;
        let off = (!new.enabled).then(switched_off);
        let cursor = match new.manner.payload {
            Payload::Event => 0,
            Payload::Raw => self.store.journal_after(caller.business, i64::MAX as u64, 1).await?.newest,
        };
        let endpoint = Endpoint {
            id: EndpointId::compose(now, self.chance.draw()),
            business: caller.business,
            role: Role::Own(Box::new(Own { manner: new.manner, secret: sealed, previous: None })),
            address: new.url,
            filter: new.filter,
            begins: cursor,
            cursor,
            health: Health { disabled: off, ..Health::default() },
            created_at: now,
        };
        match self.store.put_endpoint(endpoint.clone()).await? {
            PutEndpoint::Full => Err(too_many()),
            PutEndpoint::Stored | PutEndpoint::TopicTaken(_) => {
                self.audited(caller, Action::EndpointMade, endpoint.id).await;
                self.relay.reload().await?;
                Ok((endpoint, secret))
            }
        }
    }

    /// The endpoints of a business's own making, and those for its callbacks, oldest first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn endpoints(&self, caller: &Caller) -> Result<Vec<Endpoint>, Problem> {
        let mut endpoints = self.store.endpoints(Some(caller.business)).await?;
        endpoints.retain(|endpoint| endpoint.role.topic().is_none());
        Ok(endpoints)
    }

    /// An endpoint of the business's own making, or one for its callbacks.
    ///
    /// # Errors
    /// 404 when there is none with this id.
    pub async fn endpoint(&self, caller: &Caller, id: EndpointId) -> Result<Endpoint, Problem> {
        let endpoint = self.store.endpoint(caller.business, id).await?;
        endpoint.filter(|endpoint| endpoint.role.topic().is_none()).ok_or_else(|| missing(id))
    }

    async fn own(&self, caller: &Caller, id: EndpointId) -> Result<(Endpoint, Own), Problem> {
        let endpoint = self.store.endpoint(caller.business, id).await?.ok_or_else(|| missing(id))?;
        match &endpoint.role {
            Role::Own(own) => {
                let own = own.as_ref().clone();
                Ok((endpoint, own))
            }
            Role::Published(_) => Err(missing(id)),
            Role::Callbacks => Err(Problem::new(
                ErrorCode::EndpointState,
                "The endpoint is for callbacks, which go where senders and messages say, signed with the auth token.",
            )
            .remedy(
                "Change the callbacks of the sender or of the messaging service; switch the endpoint on or off, or remove it.",
            )),
        }
    }

    /// Changes an endpoint; gives it as it is then.
    ///
    /// # Errors
    /// 404 when there is none with this id, 400 for an address that may not be called.
    pub async fn change_endpoint(&self, caller: &Caller, id: EndpointId, change: EndpointChange) -> Result<Endpoint, Problem> {
        let (_, own) = self.own(caller, id).await?;
        if let Some(url) = &change.url {
            self.may_call(url)?;
        }
        if own.manner.payload == Payload::Raw && (change.filter.narrows() || change.order == Some(Order::Conversation)) {
            return Err(Problem::field("payload", "is raw, which no filter and no order narrows", "leave them out"));
        }
        if change.payload.is_some_and(|payload| payload != own.manner.payload) {
            return Err(Problem::field("payload", "cannot be changed", "make an endpoint with the other payload"));
        }
        let enabled = change.enabled;
        let wished = Arc::new(move |endpoint: &mut Endpoint| change.apply(endpoint));
        self.store.change_endpoint(caller.business, id, wished).await?.ok_or_else(|| missing(id))?;
        if let Some(enabled) = enabled
            && !self.store.switch_endpoint(caller.business, id, (!enabled).then(switched_off)).await?
        {
            return Err(missing(id));
        }
        self.audited(caller, Action::EndpointChanged, id).await;
        self.relay.reload().await?;
        self.endpoint(caller, id).await
    }

    /// Removes an endpoint with what it still waits for. One for callbacks is made again when an address leads to it again.
    ///
    /// # Errors
    /// 404 when there is none with this id.
    pub async fn delete_endpoint(&self, caller: &Caller, id: EndpointId) -> Result<(), Problem> {
        self.endpoint(caller, id).await?;
        self.store.delete_endpoint(caller.business, id).await?;
        self.audited(caller, Action::EndpointRemoved, id).await;
        Ok(self.relay.reload().await?)
    }

    /// Gives an endpoint a new secret; the old one signs beside it for `keep`. Gives the new one, and until when.
    ///
    /// # Errors
    /// 404 when there is none with this id.
    pub async fn rotate_secret(&self, caller: &Caller, id: EndpointId, keep: Span) -> Result<(String, Timestamp), Problem> {
        self.own(caller, id).await?;
        let (secret, sealed) = self.new_secret()?;
        let until = self.now().plus(keep);
        let rotated = Arc::new(move |endpoint: &mut Endpoint| {
            if let Role::Own(own) = &mut endpoint.role {
                let old = std::mem::replace(&mut own.secret, sealed.clone());
                own.previous = Some((old, until));
            }
        });
        self.store.change_endpoint(caller.business, id, rotated).await?.ok_or_else(|| missing(id))?;
        self.audited(caller, Action::SecretRotated, id).await;
        self.relay.reload().await?;
        Ok((secret, until))
    }

    /// Switches any endpoint, published registrations too, on or off. One that is on and left alone is tried again at once.
    ///
    /// # Errors
    /// 404 when there is none with this id.
    pub async fn switch_endpoint(&self, caller: &Caller, id: EndpointId, on: bool) -> Result<(), Problem> {
        if !self.store.switch_endpoint(caller.business, id, (!on).then(switched_off)).await? {
            return Err(missing(id));
        }
        self.audited(caller, Action::EndpointChanged, id).await;
        self.relay.reload().await?;
        if on {
            self.relay.ask(id, Asked::Any);
        }
        Ok(())
    }

    /// Sends an endpoint a test; it counts for nothing.
    ///
    /// # Errors
    /// 404 when there is none with this id.
    pub async fn test_endpoint(&self, caller: &Caller, id: EndpointId) -> Result<Tested, Problem> {
        let (endpoint, _) = self.own(caller, id).await?;
        Ok(self.relay.test(&endpoint).await)
    }

    /// Makes one delivery due now, whatever became of it, and even while the endpoint is left alone.
    ///
    /// # Errors
    /// 404 when there is no such endpoint or event, 409 while the endpoint is switched off.
    pub async fn retry_delivery(&self, caller: &Caller, id: EndpointId, event: EventId) -> Result<(), Problem> {
        self.told(caller, id).await?;
        let retry = RetryDelivery { endpoint: id, event, told_to: self.relay.told_to(id) };
        match self.store.retry_delivery(caller.business, retry, self.now()).await? {
            Retried::Due => {
                self.relay.ask(id, Asked::Of(event));
                Ok(())
            }
            Retried::NoEvent => Err(Problem::not_found("event").remedy("It may be older than what is kept; list the events.")),
            Retried::NoEndpoint => Err(missing(id)),
        }
    }

    /// Begins to tell an endpoint a range of the stream once more.
    ///
    /// # Errors
    /// 404 when there is no such endpoint, 409 while it is switched off or another replay is under way, 400 for a range that ends
    /// before it begins.
    pub async fn start_replay(&self, caller: &Caller, id: EndpointId, ask: ReplayAsk) -> Result<EventReplay, Problem> {
        self.told(caller, id).await?;
        let from = match ask.from {
            None => 0,
            Some(Place::Position(position)) => position,
            Some(Place::At(at)) => self.store.position_at(caller.business, at).await?,
        };
        let to = match ask.to {
            None => i64::MAX as u64,
            Some(Place::Position(position)) => position,
            Some(Place::At(at)) => self.store.position_at(caller.business, at).await?.saturating_sub(1),
        };
        if to < from {
            return Err(Problem::field("to", "is before `from`: there is nothing in between", "give a range with events in it"));
        }
        let now = self.now();
        let replay = EventReplay {
            id: ReplayId::compose(now, self.chance.draw()),
            endpoint: id,
            given_up: ask.given_up,
            from,
            to,
            cursor: 0,
            told: 0,
            failed: 0,
            created_at: now,
            over_at: None,
            stopped: false,
        };
        match self.store.start_replay(caller.business, replay.clone()).await? {
            StartReplay::Started => {}
            StartReplay::UnderWay(other) => {
                return Err(Problem::new(ErrorCode::EndpointState, format!("The replay {other} to this endpoint is under way."))
                    .remedy("Wait until it is over, or stop it.")
                    .detail("replayId", other.to_string()));
            }
            StartReplay::NoEndpoint => return Err(missing(id)),
        }
        self.audited(caller, Action::ReplayBegun, replay.id).await;
        self.relay.poke_endpoint(id);
        let known = self.replays(caller, id).await?.into_iter().find(|known| known.id == replay.id);
        Ok(known.unwrap_or(replay))
    }

    /// The replays to an endpoint, newest first.
    ///
    /// # Errors
    /// 404 when there is no such endpoint.
    pub async fn replays(&self, caller: &Caller, id: EndpointId) -> Result<Vec<EventReplay>, Problem> {
        self.store.replays(caller.business, id).await?.ok_or_else(|| missing(id))
    }

    /// Ends a replay where it stands.
    ///
    /// # Errors
    /// 404 when there is no such endpoint or replay.
    pub async fn stop_replay(&self, caller: &Caller, id: EndpointId, replay: ReplayId) -> Result<(), Problem> {
        if !self.store.stop_replay(caller.business, id, replay, self.now()).await? {
            return Err(Problem::not_found("replay"));
        }
        self.audited(caller, Action::ReplayStopped, replay).await;
        Ok(())
    }

    /// Any endpoint that is told of events.
    pub(super) async fn of_events(&self, caller: &Caller, id: EndpointId) -> Result<Endpoint, Problem> {
        let endpoint = self.store.endpoint(caller.business, id).await?.ok_or_else(|| missing(id))?;
        if endpoint.role.is_raw() {
            return Err(Problem::new(
                ErrorCode::EndpointState,
                "The endpoint is told Meta's webhooks, of which each goes in its turn.",
            )
            .remedy("Look at the endpoint itself for how far it got; the bodies are in the journal."));
        }
        Ok(endpoint)
    }

    /// One that is switched on, too.
    async fn told(&self, caller: &Caller, id: EndpointId) -> Result<(), Problem> {
        if self.of_events(caller, id).await?.health.disabled.is_some() {
            return Err(Problem::new(ErrorCode::EndpointState, "The endpoint is switched off; it is told of nothing.")
                .remedy("Switch it on first."));
        }
        Ok(())
    }

    fn new_secret(&self) -> Result<(String, Sealed), Problem> {
        let secret = webhook_secret().map_err(unsealed)?;
        let sealed = self.key.seal(secret.as_bytes()).map_err(unsealed)?;
        Ok((secret, sealed))
    }

    /// Whether an address may be called, as a finding about the field.
    fn may_call(&self, url: &str) -> Result<(), Problem> {
        self.addresses.check(url).map(|_| ()).map_err(|problem| {
            let said = problem.message.trim_end_matches('.');
            let rule = said.strip_prefix("address ").unwrap_or(said).to_owned();
            let remedy = "give a public https address; operators can allow others".to_owned();
            Problem::of_fields(problem.code, &[FieldError { field: "url".to_owned(), rule, remedy }])
        })
    }
}

fn switched_off() -> String {
    "switched off by hand".to_owned()
}
