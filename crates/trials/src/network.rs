//! The network between the processes: each leg has its own delays and mishaps, and what it carries is seen on the way.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt as _;
use http::Request;
use serde_json::Value;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};
use transom_domain::message::CallbackTag;
use transom_gateway::wire::{Called, Calling, Wanted, Wire};
use transom_simulator::{Offline, Parcel};
use transom_store::Store as _;

use crate::dice::Dice;
use crate::gateway::millis;
use crate::ledger::{Departure, Receipt, key_of};
use crate::mutation::Mutation;
use crate::plan::{Leg, Mishap, SENDERS, Say, business_of, nth_of_send};
use crate::process::Process;
use crate::town::{MARKETING, Town, UTILITY, business_id};
use crate::verdicts;

/// After this the gateway takes an answer for lost.
const TIMEOUT: Duration = Duration::from_secs(10);
/// After this Meta takes a webhook for unheard.
const HEARD_WITHIN: Duration = Duration::from_secs(5);

/// Meta's code for a token that is not good any more.
const TOKEN_EXPIRED: u32 = 190;

/// How one exchange goes.
pub(crate) struct Passage {
    pub(crate) nth: u64,
    pub(crate) mishap: Option<Mishap>,
    there: i64,
    back: i64,
}

impl Passage {
    /// The next exchange of a leg.
    pub(crate) fn next(town: &Town, leg: Leg) -> Self {
        Self::of(town, leg, town.count(leg))
    }

    /// The exchange of a leg with this number.
    fn of(town: &Town, leg: Leg, nth: u64) -> Self {
        let mishap = town.mishap(leg, nth);
        let mut dice = Dice::named(town.plan.seed, 10 + leg as u64, nth);
        let mut slow = |more: Option<i64>| dice.between(1, 25) + more.unwrap_or(0);
        let there = slow(if let Some(Mishap::SlowThere(ms)) = mishap { Some(ms) } else { None });
        let back = slow(if let Some(Mishap::SlowBack(ms)) = mishap { Some(ms) } else { None });
        if let Some(mishap) = mishap {
            town.note(&format!("network: {leg:?} {nth}: {mishap:?}"));
        }
        Self { nth, mishap, there, back }
    }

    pub(crate) async fn go(&self) {
        sleep(millis(self.there)).await;
    }

    pub(crate) async fn come_back(&self) {
        sleep(millis(self.back)).await;
    }
}

/// To Meta.
pub(crate) struct Upstream {
    pub(crate) town: Arc<Town>,
    pub(crate) process: Arc<Process>,
}

impl Wire for Upstream {
    fn call(&self, request: Request<Bytes>, _: Wanted) -> Calling<'_> {
        Box::pin(async move {
            if self.process.is_over() {
                return pending().await;
            }
            let sent = departs(&self.town, &request);
            let passage = match sent.and_then(|sent| sent.key) {
                Some(key) => Passage::of(&self.town, Leg::Upstream, nth_of_send(key, self.town.tries(key))),
                None => Passage::next(&self.town, Leg::Upstream),
            };
            let called = exchange(self.town.clone(), |town, tell| carry_up(town, passage, request, sent, tell)).await;
            match called {
                Called::Lost(why) if self.town.mutation == Some(Mutation::ClaimsUnknownAgain) => Called::NeverLeft(why),
                called => called,
            }
        })
    }
}

/// Runs one exchange as a task of the network's own: it goes on when the process that began it ends or gives up.
async fn exchange<F>(town: Arc<Town>, carry: impl FnOnce(Arc<Town>, oneshot::Sender<Called>) -> F) -> Called
where
    F: Future<Output = ()> + Send + 'static,
{
    let (tell, told) = oneshot::channel();
    tokio::spawn(carry(town, tell));
    match timeout(TIMEOUT, told).await {
        Ok(Ok(called)) => called,
        Ok(Err(_)) => Called::Lost("the connection broke".to_owned()),
        Err(_) => Called::Lost("timed out".to_owned()),
    }
}

/// Never answers: whoever waits runs into its own time limit.
async fn silence<T>(tell: T) {
    sleep(Duration::from_secs(120)).await;
    drop(tell);
}

async fn carry_up(town: Arc<Town>, passage: Passage, request: Request<Bytes>, sent: Option<Sent>, tell: oneshot::Sender<Called>) {
    let answer = |status: u16, body: Bytes| Called::answer(status, body);
    // What never left may leave again under the same number.
    let unreachable = || {
        sent.map(|sent| town.ledger().departures.remove(&key_of(sent.tag)));
        Called::NeverLeft("connection refused".to_owned())
    };
    passage.go().await;
    match passage.mishap {
        Some(Mishap::Unreachable) => {
            let _ = tell.send(unreachable());
        }
        Some(Mishap::RequestLost) if passage.nth.is_multiple_of(2) => {}
        Some(Mishap::RequestLost) => silence(tell).await,
        Some(Mishap::Proxy) => {
            let _ = tell.send(answer(502, Bytes::from_static(b"bad gateway")));
        }
        Some(Mishap::Refused(code)) => {
            if code == TOKEN_EXPIRED {
                // An operator's error counts for nothing: the attempt is made again under its number.
                sent.map(|sent| town.ledger().departures.remove(&key_of(sent.tag)));
            }
            let (status, body) = Offline::refusal(code);
            passage.come_back().await;
            let _ = tell.send(answer(status, body));
        }
        mishap => {
            let Some((life, status, body)) = arrives(&town, request, sent) else {
                let _ = tell.send(unreachable());
                return;
            };
            match mishap {
                Some(Mishap::AnswerLost) if passage.nth.is_multiple_of(2) => {}
                Some(Mishap::AnswerLost) => silence(tell).await,
                Some(Mishap::Garbled) => {
                    let _ = tell.send(answer(500, Bytes::from_static(b"oops")));
                }
                _ => {
                    passage.come_back().await;
                    let alive = {
                        let meta = town.meta();
                        meta.up && meta.life == life
                    };
                    if alive {
                        let _ = tell.send(answer(status, body));
                    }
                }
            }
        }
    }
}

/// A message on its way to Meta.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent {
    pub(crate) tag: CallbackTag,
    pub(crate) sender: usize,
    pub(crate) say: Say,
    /// The key of the send, where the attempt is in the store.
    pub(crate) key: Option<u32>,
}

/// Looks at a call that leaves for Meta: an attempt has to be committed, and leaves once.
fn departs(town: &Town, request: &Request<Bytes>) -> Option<Sent> {
    let path = request.uri().path();
    let account = path.strip_suffix("/messages")?.rsplit('/').next()?;
    let sender = (0..SENDERS).find(|sender| town.numbers.get(*sender).is_some_and(|n| n.id.to_string() == account))?;
    let body: Value = serde_json::from_slice(request.body()).ok()?;
    let tag = body.get("biz_opaque_callback_data")?.as_str().and_then(CallbackTag::parse)?;
    let say = match body.pointer("/template/name").and_then(Value::as_str) {
        Some(MARKETING) => Say::Marketing,
        Some(UTILITY) => Say::Utility,
        _ => Say::Text,
    };
    town.note(&format!("leaves: {tag} as {say:?} through sender {sender}"));
    let found = town.store.message(business_id(business_of(sender)), tag.message).now_or_never().and_then(Result::ok).flatten();
    let attempt = found.as_ref().and_then(|m| m.attempts.iter().find(|a| a.number == tag.attempt));
    let key = found.as_ref().and_then(|m| m.campaign.as_deref()?.strip_prefix('k')?.parse().ok());
    let sent = Sent { tag, sender, say, key };
    match attempt {
        None => town.wrong(format!("left without commit: {tag} is not in the store")),
        Some(_) if !town.store.is_safe() => town.wrong(format!("left without commit: {tag} would not survive a crash")),
        Some(attempt) => {
            town.ledger().keys.extend(key.map(|key| (tag.message, key)));
            let now = town.clock.now();
            let life_began = town.life().as_ref().map_or(now, |life| life.began);
            let departure = Departure { at: now, started_at: attempt.started_at, life_began };
            let before = town.ledger().departures.insert(key_of(tag), departure.clone());
            if before.is_some() {
                town.wrong(format!("left twice: {tag}"));
            }
            verdicts::check(town, sent, &departure);
        }
    }
    Some(sent)
}

/// Meta takes a call, if it is there to take it: its life, status and body.
fn arrives(town: &Town, request: Request<Bytes>, sent: Option<Sent>) -> Option<(u64, u16, Bytes)> {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let bearer = request.headers().get(http::header::AUTHORIZATION).and_then(|v| v.to_str().ok());
    let token = bearer.and_then(|v| v.strip_prefix("Bearer ")).unwrap_or("").to_owned();
    let (life, status, body) = {
        let mut meta = town.meta();
        if !meta.up {
            return None;
        }
        let (status, body) = meta.world.graph(request.method().clone(), &path, &token, request.into_body());
        (meta.life, status, body)
    };
    match sent {
        Some(sent) => town.note(&format!("Meta: {} is answered {status}", sent.tag)),
        None => {
            town.note(&format!("Meta: {path} is answered {status}"));
            verdicts::listed(town, &path, &body);
        }
    }
    town.stirred.notify_one();
    Some((life, status, body))
}

/// To the endpoints of businesses.
pub(crate) struct Endpoints {
    pub(crate) town: Arc<Town>,
    pub(crate) process: Arc<Process>,
}

impl Wire for Endpoints {
    fn call(&self, request: Request<Bytes>, _: Wanted) -> Calling<'_> {
        Box::pin(async move {
            if self.process.is_over() {
                return pending().await;
            }
            let passage = Passage::next(&self.town, Leg::Endpoint);
            let called = exchange(self.town.clone(), |town, tell| carry_out(town, passage, request, tell)).await;
            match self.town.mutation {
                Some(Mutation::CursorBeforeTelling) => Called::answer(200, Bytes::new()),
                _ => called,
            }
        })
    }
}

async fn carry_out(town: Arc<Town>, passage: Passage, request: Request<Bytes>, tell: oneshot::Sender<Called>) {
    let answer = |status: u16| Called::answer(status, Bytes::new());
    passage.go().await;
    match passage.mishap {
        Some(Mishap::Unreachable) => {
            let _ = tell.send(Called::NeverLeft("connection refused".to_owned()));
        }
        Some(Mishap::RequestLost) if passage.nth.is_multiple_of(2) => {}
        Some(Mishap::RequestLost) => silence(tell).await,
        Some(Mishap::Proxy) => {
            let _ = tell.send(answer(502));
        }
        Some(Mishap::Refused(_)) => {
            let _ = tell.send(answer(500));
        }
        mishap => {
            let host = request.uri().host().unwrap_or_default();
            let endpoint = host.trim_start_matches("endpoint-").split('.').next().and_then(|n| n.parse().ok());
            let event = request.headers().get("webhook-id").and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
            let endpoint: usize = endpoint.unwrap_or(usize::MAX);
            town.note(&format!("endpoint {endpoint}: takes {event}"));
            town.ledger().receipts.push(Receipt { endpoint, event });
            match mishap {
                Some(Mishap::AnswerLost) if passage.nth.is_multiple_of(2) => {}
                Some(Mishap::AnswerLost) => silence(tell).await,
                Some(Mishap::Garbled) => {
                    let _ = tell.send(answer(500));
                }
                _ => {
                    passage.come_back().await;
                    let _ = tell.send(answer(200));
                }
            }
        }
    }
}

/// Meta's own motion: timers fire, and what is owed is posted.
pub(crate) async fn pump(town: Arc<Town>) {
    loop {
        let stirred = town.stirred.notified();
        let (due, posts, life) = {
            let mut meta = town.meta();
            if meta.up {
                let due = meta.world.tick();
                (due, meta.world.posts(), meta.life)
            } else {
                (None, Vec::new(), 0)
            }
        };
        for parcel in posts {
            tokio::spawn(post(town.clone(), parcel, life));
        }
        match due {
            None => stirred.await,
            Some(due) => {
                tokio::select! {
                    biased;
                    () = stirred => {}
                    () = town.clock.sleep_until(due) => {}
                }
            }
        }
    }
}

/// One POST of Meta's: carried, heard or not, and told to Meta's world if it is still the one that posted.
async fn post(town: Arc<Town>, parcel: Parcel, life: u64) {
    let passage = Passage::next(&town, Leg::Webhook);
    let (tell, told) = oneshot::channel();
    let ids = parcel.ids.clone();
    tokio::spawn(carry_in(town.clone(), passage, parcel, tell));
    let heard = matches!(timeout(HEARD_WITHIN, told).await, Ok(Ok(true)));
    {
        let mut meta = town.meta();
        if meta.up && meta.life == life {
            meta.world.answered(ids, heard);
        }
    }
    town.stirred.notify_one();
}

async fn carry_in(town: Arc<Town>, passage: Passage, parcel: Parcel, tell: oneshot::Sender<bool>) {
    passage.go().await;
    match passage.mishap {
        Some(Mishap::Unreachable | Mishap::Proxy | Mishap::Refused(_)) => {
            let _ = tell.send(false);
        }
        Some(Mishap::RequestLost) => silence(tell).await,
        mishap => {
            if let Some(Mishap::Twice(apart)) = mishap {
                let (town, parcel) = (town.clone(), parcel.clone());
                tokio::spawn(async move {
                    sleep(millis(apart)).await;
                    hear(&town, &parcel).await;
                });
            }
            let heard = hear(&town, &parcel).await;
            match mishap {
                Some(Mishap::AnswerLost) => silence(tell).await,
                Some(Mishap::Garbled) => {
                    let _ = tell.send(false);
                }
                _ => {
                    passage.come_back().await;
                    let _ = tell.send(heard);
                }
            }
        }
    }
}

/// The gateway hears a POST; says whether it answered 200.
async fn hear(town: &Arc<Town>, parcel: &Parcel) -> bool {
    let Some((process, house)) = town.house() else { return false };
    let forgotten = match town.mutation {
        Some(Mutation::ForgetsTemplates) => Some("message_template_status_update"),
        Some(Mutation::ForgetsPreferences) => Some("user_preferences"),
        _ => None,
    };
    if forgotten.is_some_and(|field| parcel.body.contains(field)) {
        verdicts::heard(town, &parcel.body);
        return true;
    }
    let (tell, told) = oneshot::channel();
    let (app, signature, body) = (town.app.clone(), parcel.signature.clone(), Bytes::from(parcel.body.clone()));
    process.spawn(async move {
        let intake = house.intake();
        let heard = match intake.expects(&app, Some(&signature)) {
            Ok(()) => intake.hear(&app, Some(&signature), body).await,
            Err(problem) => Err(problem),
        };
        let _ = tell.send(heard.map_err(|problem| problem.message));
    });
    if town.mutation == Some(Mutation::AcknowledgesBeforeHearing) {
        return true;
    }
    match told.await {
        Ok(Ok(())) => {
            verdicts::heard(town, &parcel.body);
            true
        }
        Ok(Err(why)) => {
            town.note(&format!("gateway: did not hear: {why}"));
            false
        }
        Err(_) => false,
    }
}

/// Meta's process ends, and starts again after so many milliseconds.
pub(crate) async fn end_meta(town: &Arc<Town>, away: i64) {
    {
        let mut meta = town.meta();
        if !meta.up {
            return;
        }
        meta.up = false;
        meta.life += 1;
    }
    town.note(&format!("Meta: ends, away for {away} ms"));
    sleep(millis(away)).await;
    let back = {
        let mut meta = town.meta();
        meta.up = true;
        meta.world.crash()
    };
    if let Err(why) = back {
        town.wrong(format!("the trial itself: Meta's world does not come back: {why}"));
    }
    town.note("Meta: is back");
    town.stirred.notify_one();
}
