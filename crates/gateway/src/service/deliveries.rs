//! Deliveries as people look at them: how each stands, what was sent and answered, and how far endpoints lag.

use std::collections::BTreeMap;

use transom_domain::event::Event;
use transom_domain::id::{EndpointId, EventId, MessageId};
use transom_domain::time::Timestamp;
use transom_store::{Attempted, Deliveries, DeliveryView, Endpoint, EndpointAnswer, Lag, PAGE_MAX, Page, Telling};

use super::Service;
use super::command::Caller;
use super::endpoints::missing;
use crate::problem::Problem;
use crate::work::relay::{Printed, wants};

/// How a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// Its turn has not come.
    Pending,
    /// Taken, as the cursor tells.
    Delivered,
    /// Not taken yet; tried again.
    Waiting,
    /// Not tried any more.
    GivenUp,
}

impl DeliveryOutcome {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Waiting => "waiting",
            Self::GivenUp => "given_up",
        }
    }

    /// How it stands with an event, by what is outstanding of it and how far its endpoint was told.
    fn of(view: Option<&DeliveryView>, event: &Event, told_to: u64) -> Self {
        match view {
            Some(view) if view.due.is_none() => Self::GivenUp,
            Some(_) => Self::Waiting,
            None if event.position <= told_to => Self::Delivered,
            None => Self::Pending,
        }
    }
}

/// One delivery.
#[derive(Debug, Clone)]
pub struct DeliveryLine {
    /// Of what.
    pub event: Event,
    /// How it stands.
    pub outcome: DeliveryOutcome,
    /// What is known of it where it was not taken at once.
    pub view: Option<DeliveryView>,
}

/// One delivery with what was sent and answered.
#[derive(Debug, Clone)]
pub(crate) struct WholeDelivery {
    /// How it stands.
    pub(crate) line: DeliveryLine,
    /// The request, printed once more; an error says why it cannot be sent.
    pub(crate) request: Result<Option<Printed>, String>,
    /// The last try, and its number, as far as it is remembered.
    pub(crate) last: Option<(u32, Attempted)>,
    /// What was answered to it.
    pub(crate) answer: Option<EndpointAnswer>,
}

/// An event of a message, and how it stands at each endpoint that is told of it.
#[derive(Debug, Clone)]
pub(crate) struct ToldOf {
    /// The event.
    pub(crate) event: Event,
    /// By endpoint.
    pub(crate) endpoints: Vec<(Endpoint, DeliveryOutcome, Option<DeliveryView>)>,
}

fn not_there() -> Problem {
    Problem::not_found("delivery").remedy("List the deliveries of the endpoint; an event may be older than what is kept.")
}

impl Service {
    /// How far an endpoint was told: its cursor, or further where its worker is here.
    fn told_to(&self, endpoint: &Endpoint) -> u64 {
        endpoint.cursor.max(self.relay.told_to(endpoint.id))
    }

    /// Deliveries of any endpoint: what it wants of the stream, newest first, with how each stands; or only what waits or was
    /// given up, oldest first. A page looks through at most [`PAGE_MAX`] events, and may be shorter than asked.
    ///
    /// # Errors
    /// 404 when there is no endpoint with this id, 400 for a token that no page gave.
    pub async fn deliveries(
        &self,
        caller: &Caller,
        id: EndpointId,
        which: Deliveries,
        page: &Page,
    ) -> Result<(Vec<DeliveryLine>, Option<String>), Problem> {
        let endpoint = self.of_events(caller, id).await?;
        let told_to = self.told_to(&endpoint);
        let from = match &page.token {
            Some(token) => Some(token.parse::<u64>().map_err(|_| Problem::from(transom_store::StoreError::BadToken))?),
            None => None,
        };
        let look = if which == Deliveries::All { PAGE_MAX } else { page.size };
        let found = self.store.deliveries(caller.business, id, which, from, look).await?.ok_or_else(|| missing(id))?;
        let (mut lines, mut next) = (Vec::new(), None);
        let book = self.directory.now().callbacks(caller.business).cloned();
        let more = found.len() == look;
        let last = found.last().map(|(event, _)| event.position);
        for (event, view) in found {
            if lines.len() == page.size {
                return Ok((lines, next));
            }
            next = Some(event.position.to_string());
            if view.is_some() || wants(&endpoint, &event, book.as_deref()) {
                let outcome = DeliveryOutcome::of(view.as_ref(), &event, told_to);
                lines.push(DeliveryLine { event, outcome, view });
            }
        }
        Ok((lines, last.filter(|_| more).map(|position| position.to_string())))
    }

    /// One delivery of any endpoint that is told of events, with its request and the answer to its last try.
    ///
    /// # Errors
    /// 404 when there is no such endpoint, or it is not told of such an event.
    pub(crate) async fn delivery(&self, caller: &Caller, id: EndpointId, event: EventId) -> Result<WholeDelivery, Problem> {
        let endpoint = self.of_events(caller, id).await?;
        let found = self.store.delivery(caller.business, id, event).await?;
        let (event, view) = found.ok_or_else(not_there)?;
        let book = self.directory.now().callbacks(caller.business).cloned();
        if view.is_none() && !wants(&endpoint, &event, book.as_deref()) {
            return Err(not_there());
        }
        let outcome = DeliveryOutcome::of(view.as_ref(), &event, self.told_to(&endpoint));
        let remembered = self.relay.remembered(&endpoint, &event);
        let stored = view.as_ref().and_then(|view| view.attempt.map(|attempt| (view.tried, attempt)));
        // Of the two the later: another replica may have tried it since.
        let (last, answer) = match remembered {
            Some(tried) if stored.is_none_or(|(_, stored)| stored.at <= tried.attempt.at) => {
                (Some((tried.number, tried.attempt)), tried.answer)
            }
            _ => (stored, view.as_ref().and_then(|view| view.answer.clone())),
        };
        let (number, at) = last.map_or((1, self.now()), |(number, attempt)| (number, attempt.at));
        let request = self.relay.printed(&endpoint, &event, number, at).await;
        Ok(WholeDelivery { line: DeliveryLine { event, outcome, view }, request, last, answer })
    }

    /// What was told of a message, oldest first, and how each event stands at every endpoint that is told of it.
    ///
    /// # Errors
    /// 404 when this business has no such message.
    pub(crate) async fn message_deliveries(&self, caller: &Caller, message: MessageId) -> Result<Vec<ToldOf>, Problem> {
        let tellings = self.store.tellings(caller.business, message).await?;
        let tellings = tellings.ok_or_else(|| Problem::not_found("message"))?;
        let endpoints = self.store.endpoints(Some(caller.business)).await?;
        let book = self.directory.now().callbacks(caller.business).cloned();
        let told = tellings.into_iter().map(|Telling { event, outstanding }| {
            let mut outstanding: BTreeMap<EndpointId, DeliveryView> = outstanding.into_iter().collect();
            let mut lines = Vec::new();
            for endpoint in endpoints.iter().filter(|e| !e.role.is_raw() && e.begins < event.position) {
                let view = outstanding.remove(&endpoint.id);
                if view.is_some() || wants(endpoint, &event, book.as_deref()) {
                    let outcome = DeliveryOutcome::of(view.as_ref(), &event, self.told_to(endpoint));
                    lines.push((endpoint.clone(), outcome, view));
                }
            }
            ToldOf { event, endpoints: lines }
        });
        Ok(told.collect())
    }

    /// How far endpoints lag, in the order given; those that are told Meta's webhooks, behind the journal.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn lags(&self, caller: &Caller, endpoints: &[Endpoint]) -> Result<Vec<Lag>, Problem> {
        let of_events: Vec<(EndpointId, u64)> =
            endpoints.iter().filter(|e| !e.role.is_raw()).map(|e| (e.id, self.relay.told_to(e.id))).collect();
        let mut known = self.store.lags(caller.business, of_events).await?.into_iter();
        let mut lags = Vec::with_capacity(endpoints.len());
        for endpoint in endpoints {
            lags.push(match endpoint.role.is_raw() {
                false => known.next().unwrap_or_default(),
                true => {
                    let told_to = self.told_to(endpoint);
                    let page = self.store.journal_after(caller.business, told_to, 1).await?;
                    let waiting_since: Option<Timestamp> = page.entries.first().map(|entry| entry.head.at);
                    Lag { behind: page.newest.saturating_sub(told_to), waiting_since }
                }
            });
        }
        Ok(lags)
    }
}
