//! Posting the webhooks that are owed: signed, a bounded number at once, and told to the world whether they were heard.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use transom_meta::signature;

use crate::engine::Engine;
use crate::store;
use crate::told::Posted;

/// POSTs under way at once.
const WORKERS: usize = 48;

/// How long the other side has to answer; Meta states five seconds for Messenger.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// The most one POST may carry: Meta, webhooks/overview.
const BODY_MAX: usize = 3 << 20;

/// Webhooks that may go now.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    inner: Mutex<Waiting>,
    more: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    ids: VecDeque<u64>,
    under_way: usize,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn push(&self, ids: Vec<u64>) {
        if ids.is_empty() {
            return;
        }
        let count = ids.len();
        self.lock().ids.extend(ids);
        for _ in 0..count.min(WORKERS) {
            self.more.notify_one();
        }
    }

    pub(crate) fn take(&self, most: usize) -> Vec<u64> {
        let mut waiting = self.lock();
        let count = most.max(1).min(waiting.ids.len());
        let taken: Vec<u64> = waiting.ids.drain(..count).collect();
        waiting.under_way += taken.len();
        taken
    }

    /// Gives back those that did not fit into this POST.
    pub(crate) fn give_back(&self, ids: &[u64]) {
        let mut waiting = self.lock();
        waiting.under_way = waiting.under_way.saturating_sub(ids.len());
        for id in ids.iter().rev() {
            waiting.ids.push_front(*id);
        }
        drop(waiting);
        self.more.notify_one();
    }

    pub(crate) fn finish(&self, count: usize) {
        let mut waiting = self.lock();
        waiting.under_way = waiting.under_way.saturating_sub(count);
    }

    pub(crate) fn is_idle(&self) -> bool {
        let waiting = self.lock();
        waiting.ids.is_empty() && waiting.under_way == 0
    }
}

/// A client for webhooks and handshakes: no redirects, since Meta follows none.
pub(crate) fn client() -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .timeout(ANSWER_WITHIN)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .pool_max_idle_per_host(WORKERS)
        .tcp_nodelay(true)
        .user_agent("facebookexternalua")
        .build()
}

/// Starts the workers.
pub(crate) fn start(engine: &Arc<Engine>, client: &reqwest::Client, tasks: &mut tokio::task::JoinSet<()>) {
    for _ in 0..WORKERS {
        tasks.spawn(work(Arc::clone(engine), client.clone()));
    }
}

async fn work(engine: Arc<Engine>, client: reqwest::Client) {
    let batch_max = || engine.look(|world, _| world.settings.webhook_batch);
    loop {
        let more = engine.queue.more.notified();
        let ids = engine.queue.take(batch_max());
        if ids.is_empty() {
            more.await;
            continue;
        }
        let ids = post(&engine, &client, ids).await;
        engine.queue.finish(ids);
        engine.done(ids);
    }
}

const ACCOUNT: &str = "whatsapp_business_account";
const PAGE: &str = "page";

/// A webhook that may go. One that is settled has neither a callback nor a text, and counts as dealt with.
pub(crate) struct Found {
    pub(crate) id: u64,
    callback: Option<String>,
    /// What kind of thing it is about: webhooks of both kinds never go in one POST.
    object: &'static str,
    /// Nothing: in the store.
    pub(crate) entry: Option<Arc<str>>,
}

/// What one POST carries.
pub(crate) struct Parcel {
    callback: Option<String>,
    object: &'static str,
    pub(crate) ids: Vec<u64>,
    entries: Vec<Arc<str>>,
}

/// One POST as it goes out.
pub(crate) struct Post {
    pub(crate) callback: String,
    pub(crate) body: String,
    pub(crate) signature: String,
}

/// Posts those of `ids` that go to one place, gives the others back; answers how many it dealt with.
async fn post(engine: &Arc<Engine>, client: &reqwest::Client, ids: Vec<u64>) -> usize {
    let mut found = find(engine, &ids);
    let callback = found.first().and_then(|first| first.callback.clone());
    for one in found.iter_mut().filter(|one| one.entry.is_none() && one.callback == callback) {
        let id = one.id;
        one.entry = engine.read(move |db| store::entry(db, id)).await.ok().flatten().map(Arc::from);
    }
    let parcel = pack(engine, found);
    let count = parcel.ids.len();
    let heard = match print(engine, &parcel) {
        Some(post) => send(engine, client, post).await,
        None => false,
    };
    settle(engine, parcel.ids, heard);
    count
}

/// What is known of these webhooks.
pub(crate) fn find(engine: &Engine, ids: &[u64]) -> Vec<Found> {
    engine.look(|world, _| {
        ids.iter()
            .map(|id| match world.owed.get(*id) {
                Some(owed) => {
                    let object = if world.messenger.pages.contains_key(&owed.waba) { PAGE } else { ACCOUNT };
                    let callback = world.callback(owed.waba, owed.number, owed.field);
                    Found { id: *id, callback, object, entry: owed.entry.clone() }
                }
                None => Found { id: *id, callback: None, object: ACCOUNT, entry: None },
            })
            .collect()
    })
}

/// Packs those that go to the same place as the first and fit into one POST; gives the others back.
pub(crate) fn pack(engine: &Engine, found: Vec<Found>) -> Parcel {
    let callback = found.first().and_then(|first| first.callback.clone());
    let object = found.first().map_or(ACCOUNT, |first| first.object);
    let mut parcel = Parcel { callback, object, ids: Vec::new(), entries: Vec::new() };
    let mut size = 0;
    let mut others = Vec::new();
    for one in found {
        if one.callback != parcel.callback || one.object != parcel.object || size > BODY_MAX / 2 {
            others.push(one.id);
            continue;
        }
        if let Some(entry) = one.entry {
            size += entry.len();
            parcel.entries.push(entry);
        }
        parcel.ids.push(one.id);
    }
    if !others.is_empty() {
        engine.queue.give_back(&others);
    }
    parcel
}

/// The POST of a parcel, signed; none when there is nothing to say, or nobody to say it to.
pub(crate) fn print(engine: &Engine, parcel: &Parcel) -> Option<Post> {
    let callback = parcel.callback.clone().filter(|_| !parcel.entries.is_empty())?;
    let body = format!("{{\"object\":\"{}\",\"entry\":[{}]}}", parcel.object, parcel.entries.join(","));
    let secret = engine.look(|world, _| world.app.secret.clone());
    let signature = signature::sign(secret.as_bytes(), body.as_bytes());
    Some(Post { callback, body, signature })
}

/// Tells the world whether they were heard.
pub(crate) fn settle(engine: &Engine, ids: Vec<u64>, heard: bool) {
    engine.step(|world, now| {
        for id in ids {
            if heard { world.webhook_heard(id) } else { world.webhook_missed(now, id) }
        }
    });
}

async fn send(engine: &Engine, client: &reqwest::Client, post: Post) -> bool {
    let (at, began) = (engine.clock.now().as_millis(), Instant::now());
    let told = engine.told.is_wanted().then(|| (post.callback.clone(), post.body.clone()));
    let (heard, status) = sent(client, post).await;
    if let Some((url, body)) = told {
        let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        engine.told.tell_posted(&Posted { at, url: &url, body: &body, status, took_ms });
    }
    heard
}

/// Whether it was heard, and with which status it was answered.
async fn sent(client: &reqwest::Client, post: Post) -> (bool, Option<u16>) {
    let answer = client
        .post(post.callback)
        .header("content-type", "application/json")
        .header(signature::HEADER, post.signature)
        .body(post.body)
        .send()
        .await;
    match answer {
        Ok(answer) => {
            let status = answer.status();
            // Read to the end, so that the connection can be used again; the text itself means nothing.
            let _ = answer.bytes().await;
            (status == reqwest::StatusCode::OK, Some(status.as_u16()))
        }
        Err(error) => {
            tracing::debug!(%error, "a webhook was not heard");
            (false, None)
        }
    }
}

/// The handshake that Meta does when a callback is set: the challenge must come back as the whole body.
pub(crate) async fn handshake(
    client: &reqwest::Client,
    callback: &str,
    verify_token: &str,
    challenge: &str,
) -> Result<(), String> {
    let query = [("hub.mode", "subscribe"), ("hub.challenge", challenge), ("hub.verify_token", verify_token)];
    let answer = client.get(callback).query(&query).send().await.map_err(|error| {
        let why = if error.is_timeout() { "it did not answer in time" } else { "it could not be reached" };
        format!("The URL couldn't be validated: {why}.")
    })?;
    let status = answer.status().as_u16();
    let body = answer.bytes().await.map_err(|_| "The URL couldn't be validated: its answer was cut off.".to_owned())?;
    if status == 200 && body.as_ref() == challenge.as_bytes() {
        Ok(())
    } else {
        Err(format!(
            "The URL couldn't be validated. Response does not match challenge: expected status 200 and the challenge alone, got status {status}."
        ))
    }
}
