//! The callers: each repeats, under the same idempotency key, whatever was not answered; and customers who write meanwhile.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::client::text;
use super::house::{House, TEMPLATE_TEXT};
use super::judge::Wish;

/// Callers at once.
const CALLERS: usize = 32;
/// Customers; the last of each ten has never written, and gets templates.
pub(crate) const CUSTOMERS: usize = 1_000;
/// Between two tries after no answer at all.
const PAUSE: Duration = Duration::from_millis(100);
/// A patient caller waits longer than any stall, an impatient one does not.
const PATIENT: Duration = Duration::from_secs(15);
const IMPATIENT: Duration = Duration::from_secs(2);
/// How far behind its pace the load may catch up: callers that could not send do not all send at once.
const CATCH_UP: Duration = Duration::from_secs(2);
/// Between two messages of customers.
const INBOUND_EVERY: Duration = Duration::from_millis(250);

/// What was acknowledged to a caller.
#[derive(Debug, Clone)]
pub(crate) struct Accepted {
    /// Its place in the load; the text on the phone carries it.
    pub(crate) number: usize,
    pub(crate) id: String,
    pub(crate) wish: Wish,
    /// The gateway that accepted it: its place in the house.
    pub(crate) by: usize,
    /// When its caller heard of that, in milliseconds since 1970.
    pub(crate) at: i64,
}

/// What the load has seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) accepted: Vec<Accepted>,
    /// Messages of customers that the upstream has taken: its id of each.
    pub(crate) inbound: Vec<String>,
    /// Answers by status; 0: none.
    pub(crate) answers: BTreeMap<u16, usize>,
    /// What must never be: a refusal of something right, another id for the same key.
    pub(crate) wrong: Vec<String>,
}

/// The load.
pub(crate) struct Load {
    seen: Mutex<Seen>,
    next: AtomicUsize,
    stop: AtomicBool,
    slot: Mutex<Instant>,
    gap: Duration,
}

/// Phone number of a customer.
pub(crate) fn phone(customer: usize) -> String {
    format!("+49155504{:05}", customer % CUSTOMERS)
}

/// In a path, where a plus sign would be a blank.
pub(crate) fn in_path(phone: &str) -> String {
    phone.replace('+', "%2B")
}

/// Whether a customer has never written.
const fn is_shy(customer: usize) -> bool {
    customer % 10 == 9
}

/// What the caller wants when an answer is lost: nearly always the default.
pub(crate) const fn wish(number: usize) -> Wish {
    match number % 40 {
        7 | 27 => Wish::Fail,
        11 => Wish::Resend,
        _ => Wish::Auto,
    }
}

fn body(house: &House, number: usize) -> Value {
    let customer = number % CUSTOMERS;
    let from = house.identity.senders.get(customer % house.identity.senders.len().max(1));
    let mark = format!("Message {number}.");
    let mut body = if is_shy(customer) {
        json!({ "content": { "language": "en", "types": { "twilio/text": { "body": TEMPLATE_TEXT } } }, "variables": { "1": mark } })
    } else {
        json!({ "content": { "language": "en", "types": { "twilio/text": { "body": mark } } } })
    };
    if let Value::Object(body) = &mut body {
        body.insert("to".into(), json!(phone(customer)));
        body.insert("from".into(), json!(from));
        match wish(number) {
            Wish::Auto => None,
            Wish::Fail => body.insert("whenUnknown".into(), json!("fail")),
            Wish::Resend => body.insert("whenUnknown".into(), json!("resend")),
        };
    }
    body
}

impl Load {
    /// A load of so many messages a second.
    pub(crate) fn new(per_second: u32) -> Arc<Self> {
        Arc::new(Self {
            seen: Mutex::default(),
            next: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            slot: Mutex::new(Instant::now()),
            gap: Duration::from_secs(1) / per_second.max(1),
        })
    }

    /// Looks at what has been seen.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        look(&self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, note: impl FnOnce(&mut Seen)) {
        note(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Customers appear, and all but the shy ones write to the number that will write to them.
    pub(crate) async fn greet(self: &Arc<Self>, house: &Arc<House>) -> Result<()> {
        let mut greeters = JoinSet::new();
        for from in 0..CALLERS {
            let (this, house) = (self.clone(), house.clone());
            greeters.spawn(async move {
                for customer in (from..CUSTOMERS).step_by(CALLERS) {
                    let who = json!({ "phone": phone(customer), "name": format!("Customer {customer}") });
                    house.desk.post("/sim/v1/customers", &who).await?;
                    if !is_shy(customer) {
                        this.write(&house, customer).await;
                    }
                }
                anyhow::Ok(())
            });
        }
        while let Some(done) = greeters.join_next().await {
            done??;
        }
        Ok(())
    }

    /// A customer writes; what was not answered may or may not have happened, and is not counted.
    async fn write(&self, house: &House, customer: usize) {
        let Some(number) = house.identity.numbers.get(customer % house.identity.numbers.len().max(1)) else { return };
        let hello = json!({ "to": number, "type": "text", "text": { "body": "Hello" } });
        let path = format!("/sim/v1/customers/{}/messages", in_path(&phone(customer)));
        if let Some(answer) = house.desk.call(Method::POST, &path, Some(&hello), None, PATIENT).await
            && let Ok(wamid) = text(&answer.body, "/wamid")
        {
            self.note(|seen| seen.inbound.push(wamid));
        }
    }

    /// Starts the callers and the customers.
    pub(crate) fn start(self: &Arc<Self>, house: &Arc<House>) -> JoinSet<()> {
        let mut tasks = JoinSet::new();
        *self.slot.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        for _ in 0..CALLERS {
            let (this, house) = (self.clone(), house.clone());
            tasks.spawn(async move {
                while !this.stop.load(Ordering::SeqCst) {
                    this.turn().await;
                    let number = this.next.fetch_add(1, Ordering::SeqCst);
                    this.send(&house, number).await;
                }
            });
        }
        let (this, house) = (self.clone(), house.clone());
        tasks.spawn(async move {
            let mut customer = 0;
            while !this.stop.load(Ordering::SeqCst) {
                tokio::time::sleep(INBOUND_EVERY).await;
                // A step that has no divisor in common with their number visits all of them.
                customer = (customer + 77) % CUSTOMERS;
                if !is_shy(customer) {
                    this.write(&house, customer).await;
                }
            }
        });
        tasks
    }

    /// No caller begins anything new.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
    }

    /// Waits for the next free place at the load's pace.
    async fn turn(&self) {
        let at = {
            let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
            let earliest = Instant::now().checked_sub(CATCH_UP).unwrap_or_else(Instant::now);
            let at = (*slot).max(earliest);
            *slot = at + self.gap;
            at
        };
        tokio::time::sleep_until(at).await;
    }

    /// One message, repeated until it is accepted; some are asked for once more after that.
    async fn send(&self, house: &House, number: usize) {
        let body = body(house, number);
        let patience = if number.is_multiple_of(5) { IMPATIENT } else { PATIENT };
        let Some((id, by)) = self.until_accepted(house, number, &body, patience).await else { return };
        let at = jiff::Timestamp::now().as_millisecond();
        if number % 10 == 3 {
            let again = self.until_accepted(house, number, &body, patience).await;
            if again.as_ref().map(|(again, _)| again) != Some(&id) {
                self.note(|seen| seen.wrong.push(format!("message {number}: the same key gave {id}, then {again:?}")));
            }
        }
        self.note(|seen| seen.accepted.push(Accepted { number, id, wish: wish(number), by, at }));
    }

    /// Its id, and the gateway that said it; each try goes to the next gateway.
    async fn until_accepted(&self, house: &House, number: usize, body: &Value, patience: Duration) -> Option<(String, usize)> {
        let (key, path) = (format!("crash-{number}"), house.path("/messages"));
        loop {
            let (by, api) = house.next();
            let answer = api.call(Method::POST, &path, Some(body), Some(&key), patience).await;
            self.note(|seen| *seen.answers.entry(answer.as_ref().map_or(0, |a| a.status)).or_default() += 1);
            let wait = match answer {
                None => PAUSE,
                Some(answer) if answer.status == 201 => {
                    let id = text(&answer.body, "/id").ok();
                    if id.is_none() {
                        self.note(|seen| seen.wrong.push(format!("message {number}: 201 without an id: {}", answer.body)));
                    }
                    return id.map(|id| (id, by));
                }
                // The same request again, no sooner than it says.
                Some(answer) if matches!(answer.status, 409 | 429) && answer.retry_after.is_some() => {
                    answer.retry_after.unwrap_or(PAUSE)
                }
                Some(answer) if answer.status >= 500 => answer.retry_after.unwrap_or(PAUSE),
                Some(answer) => {
                    self.note(|seen| {
                        seen.wrong.push(format!("message {number}: HTTP {} {}", answer.status, answer.body));
                    });
                    return None;
                }
            };
            tokio::time::sleep(wait).await;
        }
    }
}
