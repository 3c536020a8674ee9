//! The simulator without sockets, threads and files: the same world behind the same reading of requests, moved by whoever holds
//! it. Whole-system trials put their own network around it, and end it between any two steps: what it has answered and what it
//! owes is in its rows and comes back.

use std::sync::{Arc, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};

use axum::http::{HeaderMap, HeaderValue, Method, header};
use bytes::Bytes;
use rusqlite::Connection;
use serde_json::{Value, json};
use transom_clock::WorldClock;
use transom_domain::{Span, Timestamp};

use crate::chance::Seed;
use crate::deliver;
use crate::engine::Engine;
use crate::folder::{Folder, StartError};
use crate::graph::content::Kind;
use crate::graph::error::GraphError;
use crate::http::App;
use crate::http::call::Call;
use crate::http::log::RequestLog;
use crate::store;
use crate::world::account::AppSubscription;
use crate::world::inbound_shape::plain;
use crate::world::message::Status;
use crate::world::template::create;
use crate::world::template::review::Decision;
use crate::world::{Now, Timer, World};
use crate::{Identity, identity_of};

/// The webhook fields that the app is subscribed to.
const FIELDS: [&str; 3] = ["messages", "message_template_status_update", "user_preferences"];

/// A phone number of a business.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number {
    /// Its id.
    pub id: u64,
    /// Its account.
    pub waba: u64,
    /// `+` and digits.
    pub display: String,
}

/// What is decided of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It may be sent.
    Approved,
    /// It may not, for now.
    Paused,
}

/// A message that was taken from a business.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// What the business put into `biz_opaque_callback_data`.
    pub callback: Option<String>,
    /// Milliseconds of world time.
    pub at: i64,
    /// `accepted`, `sent`, `delivered`, `read`, `failed`, `dropped` or `expired`.
    pub status: &'static str,
    /// Meta's code, once it has failed.
    pub error: Option<u32>,
}

/// Webhooks in one POST.
#[derive(Debug, Clone)]
pub struct Parcel {
    /// Names them when they are answered.
    pub ids: Vec<u64>,
    /// Where to.
    pub callback: String,
    /// What.
    pub body: String,
    /// Value of `X-Hub-Signature-256`.
    pub signature: String,
}

/// The simulator, offline.
pub struct Offline {
    app: App,
    rows: Connection,
    clock: WorldClock,
    seed: Seed,
}

fn failed(what: impl ToString) -> StartError {
    StartError::System(what.to_string())
}

impl Offline {
    /// A new world.
    ///
    /// # Errors
    /// When SQLite cannot be used.
    pub fn new(seed: Seed, clock: WorldClock) -> Result<Self, StartError> {
        let rows = store::in_memory().map_err(failed)?;
        let app = app(&rows, seed, &clock)?;
        let mut this = Self { app, rows, clock, seed };
        this.step(|_, _| ());
        Ok(this)
    }

    /// The process ends and starts again: what is not in the rows is gone.
    ///
    /// # Errors
    /// When the rows cannot be read back.
    pub fn crash(&mut self) -> Result<(), StartError> {
        self.app = app(&self.rows, self.seed, &self.clock)?;
        self.step(|_, _| ());
        Ok(())
    }

    /// Its ids, tokens and secrets.
    #[must_use]
    pub fn identity(&self) -> Identity {
        self.look(|world, _| identity_of(world))
    }

    /// Answers one call of the Graph API, durably: status and body.
    pub fn graph(&mut self, method: Method, path_and_query: &str, token: &str, body: Bytes) -> (u16, Bytes) {
        let (path, query) = path_and_query.split_once('?').map_or((path_and_query, None), |(path, query)| (path, Some(query)));
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Ok(bearer) = HeaderValue::try_from(format!("Bearer {token}")) {
            headers.insert(header::AUTHORIZATION, bearer);
        }
        let result = match Call::new(method, path, query, headers) {
            Ok(mut call) => {
                call.body = body;
                let app = self.app.clone();
                self.drive(app.answer(&call)).unwrap_or_else(|| Err(GraphError::new(131_000, "It waits for what never comes.")))
            }
            Err(error) => Err(error),
        };
        let (status, _, answer) = self.app.printed(result);
        (status, answer)
    }

    /// What Meta answers with when it refuses a call with this code.
    #[must_use]
    pub fn refusal(code: u32) -> (u16, Bytes) {
        let error = GraphError::new(code, "Refused in a trial.");
        (error.http, error.body("A0").to_string().into())
    }

    /// Everything is told to this callback from now on.
    pub fn subscribe(&mut self, callback: &str) {
        let subscription = AppSubscription {
            callback_url: callback.to_owned(),
            verify_token: String::new(),
            fields: FIELDS.map(str::to_owned).to_vec(),
        };
        self.step(|world, _| {
            world.subscribe_app(subscription);
            let accounts: Vec<u64> = world.wabas.keys().copied().collect();
            accounts.into_iter().for_each(|id| world.subscribe_account(id, None));
        });
    }

    /// A registered number in an account of its own.
    pub fn add_number(&mut self, digits: &str) -> Number {
        self.step(|world, _| {
            let waba = world.add_waba(digits);
            let id = world.add_number(waba, digits, digits);
            if let Some(number) = world.numbers.get_mut(&id) {
                number.registered = true;
            }
            world.keep_number(id);
            Number { id, waba, display: format!("+{digits}") }
        })
    }

    /// A customer with a phone.
    ///
    /// # Errors
    /// What is wrong with the number.
    pub fn add_customer(&mut self, phone: &str, auto_read: bool) -> Result<u64, String> {
        let new = serde_json::from_value(json!({ "phone": phone, "name": phone, "autoRead": auto_read }));
        let new = new.map_err(|why| why.to_string())?;
        let made = self.step(|world, now| world.add_customer(now, new)).map_err(|refusal| refusal.message)?;
        made.get("id").and_then(Value::as_str).and_then(|id| id.parse().ok()).ok_or_else(|| "it has no id".to_owned())
    }

    /// A template that is approved at once; answers its id.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn add_template(&mut self, waba: u64, name: &str, category: &str, text: &str) -> Result<u64, String> {
        let filed = json!({
            "name": name, "language": "en", "category": category, "components": [{ "type": "BODY", "text": text }],
        });
        let draft = create::read(&filed).map_err(|error| error.details().to_owned())?;
        let made = self.step(|world, now| world.file_template(now, waba, draft)).map_err(|error| error.details().to_owned())?;
        let id = made.get("id").and_then(Value::as_str).and_then(|id| id.parse().ok()).ok_or("it has no id")?;
        self.decide(id, Standing::Approved)?;
        Ok(id)
    }

    /// Approves a template, or pauses it.
    ///
    /// # Errors
    /// When it cannot be.
    pub fn decide(&mut self, template: u64, standing: Standing) -> Result<(), String> {
        self.step(|world, now| match standing {
            Standing::Approved if world.template(template).is_some_and(|t| t.standing.as_str() == "PAUSED") => {
                world.unpause(now, template);
                Ok(())
            }
            Standing::Approved => world.review(now, template, Decision::Approve(None)),
            Standing::Paused => world.review(now, template, Decision::Pause),
        })
        .map_err(|refusal| refusal.message)
    }

    /// The customer wrote `ago`; Meta tells of it now.
    ///
    /// # Errors
    /// When there is no such customer or number.
    pub fn writes(&mut self, customer: u64, number: u64, text: &str, ago: Span) -> Result<(), String> {
        let draft = plain(Kind::Text, json!({ "body": text }));
        let wrote = self.step(|world, now| {
            let then = Now { world: now.world.minus(ago), ..now };
            let newer = world.customers.get(&customer).and_then(|c| c.threads.get(&number)).and_then(|t| t.last_inbound);
            let wrote = world.customer_writes(then, customer, number, draft, None);
            // A message that comes late takes nothing from what came after it.
            if let Some(thread) = world.customers.get_mut(&customer).and_then(|c| c.threads.get_mut(&number)) {
                thread.last_inbound = thread.last_inbound.max(newer);
            }
            world.keep_customer(customer);
            wrote
        });
        wrote.map(|_| ()).map_err(|refusal| refusal.message)
    }

    /// The customer reads all there is.
    pub fn reads(&mut self, customer: u64) {
        let _ = self.step(|world, now| world.read(now, customer, None));
    }

    /// The customer's phone goes off, or on again, when what waited arrives.
    pub fn set_online(&mut self, customer: u64, online: bool) {
        self.change(customer, json!({ "online": online }));
    }

    /// The customer stops marketing, or resumes it.
    pub fn set_opted_out(&mut self, customer: u64, opted_out: bool) {
        self.change(customer, json!({ "flags": if opted_out { &["opted_out"][..] } else { &[] } }));
    }

    fn change(&mut self, customer: u64, change: Value) {
        if let Ok(change) = serde_json::from_value(change) {
            let _ = self.step(|world, now| world.change_customer(now, customer, change));
        }
    }

    /// A webhook that was not heard is tried again after at most this long.
    pub fn set_longest_gap(&mut self, gap: Span) {
        self.step(|world, _| {
            world.settings.webhook_gap_max_seconds = Some(gap.as_secs());
            world.keep_settings();
        });
    }

    /// Fires what is due; answers when something is due next.
    pub fn tick(&mut self) -> Option<Timestamp> {
        while self.step(World::tick) > 0 {}
        self.look(|world, _| world.next_due())
    }

    /// The POSTs that may go now.
    pub fn posts(&mut self) -> Vec<Parcel> {
        let engine = self.app.engine.clone();
        let most = self.look(|world, _| world.settings.webhook_batch);
        let mut posts = Vec::new();
        loop {
            let ids = engine.queue.take(most);
            if ids.is_empty() {
                return posts;
            }
            let mut found = deliver::find(&engine, &ids);
            for one in found.iter_mut().filter(|one| one.entry.is_none()) {
                one.entry = store::entry(&self.rows, one.id).ok().flatten().map(Arc::from);
            }
            let parcel = deliver::pack(&engine, found);
            engine.queue.finish(parcel.ids.len());
            let ids = parcel.ids.clone();
            match deliver::print(&engine, &parcel) {
                Some(post) => {
                    posts.push(Parcel { ids, callback: post.callback, body: post.body, signature: post.signature });
                }
                None => self.answered(ids, false),
            }
        }
    }

    /// A POST was answered 200, or not.
    pub fn answered(&mut self, ids: Vec<u64>, heard: bool) {
        deliver::settle(&self.app.engine, ids, heard);
        self.app.engine.write_now(&mut self.rows);
    }

    /// Whether nothing is on its way: no message, and no webhook. Reviews and pauses that end days later do not count.
    #[must_use]
    pub fn is_at_rest(&self) -> bool {
        let moves = |timer: &Timer| matches!(timer, Timer::Message(..) | Timer::Webhook(_));
        self.owed() == 0 && self.look(|world, _| !world.timers.iter().any(|(_, timer)| moves(timer)))
    }

    /// How many webhooks are owed.
    #[must_use]
    pub fn owed(&self) -> usize {
        self.look(|world, _| world.owed.len())
    }

    /// Every message that was ever taken from a business, in that order.
    #[must_use]
    pub fn taken(&self) -> Vec<Taken> {
        self.look(|world, _| {
            let all = world.messages.outbound();
            all.map(|message| {
                let status = message.progress.status;
                Taken {
                    callback: message.body.callback_data.clone(),
                    at: message.body.at,
                    status: status.as_str(),
                    error: message.progress.error.filter(|_| status == Status::Failed),
                }
            })
            .collect()
        })
    }

    fn look<R>(&self, look: impl FnOnce(&World, Now) -> R) -> R {
        self.app.engine.look(look)
    }

    /// Takes a step, and makes it durable.
    fn step<R>(&mut self, step: impl FnOnce(&mut World, Now) -> R) -> R {
        let (result, _) = self.app.engine.step(step);
        self.app.engine.write_now(&mut self.rows);
        result
    }

    /// Runs a future whose only waits are for the disk; none when it waits for anything else.
    fn drive<F: Future>(&mut self, future: F) -> Option<F::Output> {
        let mut future = std::pin::pin!(future);
        let mut context = Context::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                self.app.engine.write_now(&mut self.rows);
                return Some(output);
            }
            if !self.app.engine.write_now(&mut self.rows) {
                return None;
            }
        }
    }
}

/// The world as the rows have it, and what drives it.
fn app(rows: &Connection, seed: Seed, clock: &WorldClock) -> Result<App, StartError> {
    /// Handlers have a client for handshakes; none of these calls makes one. Making it is slow, so it is made once.
    static CLIENT: OnceLock<std::sync::Mutex<Option<reqwest::Client>>> = OnceLock::new();
    let (mut world, boots) = store::load(rows, std::path::Path::new("memory"), seed)?;
    world.base_url = "http://meta.invalid".to_owned();
    let known = CLIENT.get_or_init(|| std::sync::Mutex::new(None));
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    let client = match known.as_ref() {
        Some(client) => client.clone(),
        None => known.insert(deliver::client().map_err(failed)?).clone(),
    };
    let reader = Connection::open_in_memory().map_err(failed)?;
    let engine = Arc::new(Engine::new(world, clock.clone(), Folder::none(), reader, 0));
    Ok(App { engine, client, log: Arc::new(RequestLog::new(boots)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_it_answered_and_what_it_owes_survives_its_end() {
        let clock = WorldClock::of_runtime(Timestamp::from_secs(1_795_000_000));
        let mut meta = Offline::new(Seed::fixed(1), clock.clone()).unwrap();
        let number = meta.add_number("493023125001");
        meta.subscribe("http://house.invalid/");
        let customer = meta.add_customer("+4915112345671", false).unwrap();
        meta.writes(customer, number.id, "Hello", Span::ZERO).unwrap();
        let posts = meta.posts();
        assert_eq!(posts.len(), 1);
        meta.answered(posts[0].ids.clone(), true);
        let token = meta.identity().access_token;
        let send = |to: &str| {
            let body = json!({ "messaging_product": "whatsapp", "to": to, "type": "text", "text": { "body": "Hi" }, "biz_opaque_callback_data": "a.1" });
            Bytes::from(body.to_string())
        };
        let path = format!("/v25.0/{}/messages", number.id);
        let (status, answer) = meta.graph(Method::POST, &path, &token, send("+4915112345671"));
        assert_eq!(status, 200, "{answer:?}");
        let (status, _) = meta.graph(Method::POST, &path, "other", send("+4915112345671"));
        assert_eq!(status, 401);
        meta.crash().unwrap();
        let taken = meta.taken();
        assert_eq!((taken.len(), taken[0].status), (1, "accepted"));
        while let Some(due) = meta.tick() {
            clock.sleep_until(due).await;
        }
        assert_eq!(meta.taken()[0].status, "delivered");
        assert_eq!((meta.posts().len(), meta.owed()), (2, 2));
        // Not heard: due again, and there after another end.
        meta.crash().unwrap();
        assert_eq!(meta.owed(), 2);
        clock.sleep_until(clock.now().plus(Span::secs(5))).await;
        meta.tick();
        let posts = meta.posts();
        assert_eq!(posts.len(), 2);
        posts.into_iter().for_each(|post| meta.answered(post.ids, true));
        assert_eq!(meta.owed(), 0);
    }
}
