//! The town: everything of one trial in one place. Meta's world, the store, the gateway while it lives, and what was seen.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result, anyhow};
use transom_clock::WorldClock;
use transom_domain::address::Channel;
use transom_domain::endpoint::Health;
use transom_domain::event::Selection;
use transom_domain::id::{BusinessId, EndpointId, SenderId};
use transom_domain::time::{Span, Timestamp};
use transom_gateway::House;
use transom_gateway::seal::SealingKey;
use transom_simulator::{Number, Offline, Seed};
use transom_store::{
    App, Business, Endpoint, MemoryStore, PutEndpoint, PutSender, Registration, Role, Sender, SenderState, Store as _, Topic,
};

use crate::dice::Dice;
use crate::ledger::Ledger;
use crate::mutation::Mutation;
use crate::plan::{BUSINESSES, CUSTOMERS, Fault, Leg, Mishap, Plan, SENDERS, UNNAMED, business_of};
use crate::process::Process;

/// The words of the utility template, and of the content that fits it.
pub(crate) const UTILITY_TEXT: &str = "Your order is ready and waits for you now.";
/// The words of the marketing template.
pub(crate) const MARKETING_TEXT: &str = "Everything is cheaper in the shop this week.";
/// Name of the utility template.
pub(crate) const UTILITY: &str = "order_ready";
/// Name of the marketing template.
pub(crate) const MARKETING: &str = "cheaper_week";
/// How long a lost answer is waited for.
pub(crate) const UNKNOWN_WAIT: Span = Span::secs(60);

/// The gateway while it lives.
pub(crate) struct Life {
    pub(crate) process: Arc<Process>,
    /// When it began.
    pub(crate) began: Timestamp,
    /// Once it has started.
    pub(crate) house: Option<Arc<House>>,
}

/// Meta's process.
pub(crate) struct Meta {
    pub(crate) world: Offline,
    pub(crate) up: bool,
    /// How often it has started: an answer to an earlier life reaches nobody.
    pub(crate) life: u64,
}

/// All of a trial.
pub(crate) struct Town {
    pub(crate) plan: Plan,
    pub(crate) mutation: Option<Mutation>,
    pub(crate) clock: WorldClock,
    pub(crate) start: Timestamp,
    pub(crate) store: MemoryStore,
    meta: Mutex<Meta>,
    pub(crate) life: Mutex<Option<Life>>,
    pub(crate) lives: AtomicU64,
    ledger: Mutex<Ledger>,
    /// From here on nothing goes wrong any more.
    pub(crate) calm: AtomicBool,
    counts: Mutex<BTreeMap<Leg, u64>>,
    tries: Mutex<BTreeMap<u32, u64>>,
    pub(crate) writes: AtomicU64,
    pub(crate) reads: AtomicU64,
    /// Meta's timers or webhooks may be due earlier than its pump thinks.
    pub(crate) stirred: tokio::sync::Notify,
    pub(crate) numbers: Vec<Number>,
    pub(crate) customers: Vec<u64>,
    /// The marketing template of each sender.
    pub(crate) marketing: Vec<u64>,
    pub(crate) app: String,
    pub(crate) token: String,
}

fn locked<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The key that secrets are sealed with.
pub(crate) fn sealing() -> Result<SealingKey> {
    SealingKey::of_bytes(&[7; 32]).map_err(|why| anyhow!("{why}"))
}

/// The id of a business.
pub(crate) fn business_id(business: usize) -> BusinessId {
    BusinessId(0x100 + business as u128)
}

/// The id of a sender.
pub(crate) fn sender_id(sender: usize) -> SenderId {
    SenderId(0x200 + sender as u128)
}

/// The endpoints: two of each business.
pub(crate) const ENDPOINTS: usize = BUSINESSES * 2;

/// The id of an endpoint.
pub(crate) fn endpoint_id(endpoint: usize) -> EndpointId {
    EndpointId(0x300 + endpoint as u128)
}

/// Whose an endpoint is, and what it is told.
pub(crate) fn endpoint_of(endpoint: usize) -> (usize, Topic) {
    (endpoint / 2, if endpoint.is_multiple_of(2) { Topic::Messages } else { Topic::DeliveryStatus })
}

/// A customer's number.
pub(crate) fn phone_of(customer: usize) -> String {
    format!("+49151123456{customer:02}")
}

impl Town {
    /// Builds it, with everything set up and nothing yet running.
    pub(crate) async fn build(plan: Plan, mutation: Option<Mutation>, tell: bool) -> Result<Arc<Self>> {
        let mut dice = Dice::named(plan.seed, 1, 0);
        // Some hour of some day, so that seconds, minutes and hours turn at other places in every trial.
        let start = Timestamp::from_millis(1_790_000_000_000 + dice.between(0, 86_400_000 * 300));
        let clock = WorldClock::of_runtime(start);
        let mut world = Offline::new(Seed::fixed(dice.draw()), clock.clone())?;
        let mut numbers = Vec::new();
        let mut marketing = Vec::new();
        let said = |why: String| anyhow!("Meta's world: {why}");
        for sender in 0..SENDERS {
            let number = world.add_number(&format!("49302312500{sender}"));
            world.add_template(number.waba, UTILITY, "UTILITY", UTILITY_TEXT).map_err(said)?;
            marketing.push(world.add_template(number.waba, MARKETING, "MARKETING", MARKETING_TEXT).map_err(said)?);
            numbers.push(number);
        }
        world.subscribe("http://gateway.invalid/webhooks/meta");
        world.set_longest_gap(Span::secs(60));
        let mut customers = Vec::new();
        for customer in 0..CUSTOMERS {
            customers.push(world.add_customer(&phone_of(customer), dice.percent(50)).map_err(said)?);
        }
        let identity = world.identity();
        let store = MemoryStore::new();
        let town = Self {
            mutation,
            clock,
            start,
            store,
            meta: Mutex::new(Meta { world, up: true, life: 0 }),
            life: Mutex::new(None),
            lives: AtomicU64::new(0),
            ledger: Mutex::new(Ledger { story: tell.then(Vec::new), ..Ledger::default() }),
            calm: AtomicBool::new(false),
            counts: Mutex::default(),
            tries: Mutex::default(),
            writes: AtomicU64::new(0),
            reads: AtomicU64::new(0),
            stirred: tokio::sync::Notify::new(),
            numbers,
            customers,
            marketing,
            app: identity.app_id.clone(),
            token: identity.access_token.clone(),
            plan,
        };
        town.furnish(&identity.app_secret).await?;
        Ok(Arc::new(town))
    }

    /// What an operator would have set up.
    async fn furnish(&self, app_secret: &str) -> Result<()> {
        let key = sealing()?;
        let seal = |text: &str| key.seal(text.as_bytes()).context("sealing");
        for business in 0..BUSINESSES {
            let made = Business {
                id: business_id(business),
                name: format!("Business {business}"),
                webhook_secret: seal("whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")?,
                previous_webhook_secret: None,
                created_at: self.start,
            };
            self.store.put_business(made).await?;
        }
        let app = App { id: self.app.clone(), secret: seal(app_secret)?, verify_token: seal("verify")? };
        self.store.put_app(app).await?;
        for (sender, number) in self.numbers.iter().enumerate() {
            let made = Sender {
                id: sender_id(sender),
                business: business_id(business_of(sender)),
                channel: Channel::Whatsapp,
                address: number.display.parse().map_err(|why| anyhow!("{why}"))?,
                name: None,
                account: number.id.to_string(),
                waba: Some(number.waba.to_string()),
                app: self.app.clone(),
                token: seal(&self.token)?,
                throughput: 80,
                state: SenderState::Active,
                created_at: self.start,
            };
            anyhow::ensure!(self.store.put_sender(made).await? == PutSender::Stored, "the sender was not stored");
        }
        for endpoint in 0..ENDPOINTS {
            let (business, topic) = endpoint_of(endpoint);
            let made = Endpoint {
                id: endpoint_id(endpoint),
                business: business_id(business),
                role: Role::Published(Registration { topic, kind: "custom".to_owned(), echo: false }),
                address: format!("https://endpoint-{endpoint}.example/hook"),
                filter: Selection::default(),
                begins: 0,
                cursor: 0,
                health: Health::default(),
                created_at: self.start,
            };
            anyhow::ensure!(self.store.put_endpoint(made).await? == PutEndpoint::Stored, "the endpoint was not stored");
        }
        Ok(())
    }

    /// Meta, locked.
    pub(crate) fn meta(&self) -> MutexGuard<'_, Meta> {
        locked(&self.meta)
    }

    /// What was seen, locked.
    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        locked(&self.ledger)
    }

    /// The gateway's life, locked.
    pub(crate) fn life(&self) -> MutexGuard<'_, Option<Life>> {
        locked(&self.life)
    }

    /// The gateway as callers reach it: none while it is away or starts.
    pub(crate) fn house(&self) -> Option<(Arc<Process>, Arc<House>)> {
        let life = self.life();
        let life = life.as_ref().filter(|life| !life.process.is_over())?;
        Some((life.process.clone(), life.house.clone()?))
    }

    /// Milliseconds since the beginning.
    pub(crate) fn elapsed(&self) -> i64 {
        self.clock.now().since(self.start).as_millis()
    }

    /// Writes a line of the story.
    pub(crate) fn note(&self, line: &str) {
        let at = self.elapsed();
        self.ledger().note(at, line);
    }

    /// Something is wrong.
    pub(crate) fn wrong(&self, what: String) {
        let at = self.elapsed();
        self.ledger().wrong(at, what);
    }

    /// Counts an exchange of a leg.
    pub(crate) fn count(&self, leg: Leg) -> u64 {
        let mut counts = locked(&self.counts);
        let count = counts.entry(leg).or_default();
        *count += 1;
        // Those to Meta without a message are numbered apart from those with one.
        if leg == Leg::Upstream { UNNAMED + *count } else { *count - 1 }
    }

    /// Counts an exchange with Meta for a send: how many there were before.
    pub(crate) fn tries(&self, key: u32) -> u64 {
        let mut tries = locked(&self.tries);
        let count = tries.entry(key).or_default();
        *count += 1;
        *count - 1
    }

    /// What goes wrong with an exchange.
    pub(crate) fn mishap(&self, leg: Leg, nth: u64) -> Option<Mishap> {
        if self.calm.load(SeqCst) {
            return None;
        }
        let now = self.elapsed();
        self.plan.faults.iter().find_map(|fault| match fault {
            Fault::Exchange { leg: of, nth: at, mishap } if *of == leg && *at == nth => Some(*mishap),
            Fault::Outage { leg: of, at, lasts, mishap } if *of == leg && (*at..*at + *lasts).contains(&now) => Some(*mishap),
            _ => None,
        })
    }
}
