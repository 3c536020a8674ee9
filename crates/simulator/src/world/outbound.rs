//! A send: everything Meta checks at once, and the decision about what it will say later.

use transom_domain::{Span, Timestamp};

use super::customer::Flag;
use super::media::is_unfetchable;
use super::message::{Body, Message, Pricing, PricingCategory, PricingType, Progress, Status, Step, wamid};
use super::template::{Category, Standing, send as template_send};
use super::throttle::borrow;
use super::{Now, Timer, World, phone};
use crate::graph::content::{Content, Kind, MediaSource, ProductUse};
use crate::graph::error::{GraphError, title};
use crate::graph::send::{Address, Payload, SendRequest};
use crate::graph::template_send::TemplateSend;

type Check<T> = Result<T, GraphError>;

/// Meta: templates/time-to-live.
const LIVES: Span = Span::days(30);
const CODE_LIVES: Span = Span::minutes(10);
/// How far back a reaction reaches: Meta, messages/reaction-messages.
const REACTION_REACH: Span = Span::days(30);

/// What the answer to a send says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Accepted {
    pub(crate) wamid: String,
    pub(crate) input: String,
    /// For a phone number.
    pub(crate) wa_id: Option<String>,
    /// For a business-scoped user id.
    pub(crate) user_id: Option<String>,
    pub(crate) is_template: bool,
    /// Held for quality assessment.
    pub(crate) is_held: bool,
}

/// What a template brings along besides its content.
#[derive(Clone, Copy)]
struct Terms {
    id: u64,
    category: Category,
    ttl_seconds: Option<i64>,
}

/// What will become of a message, decided when it arrives.
enum Fate {
    Delivered,
    /// Waits until its template is released.
    Held,
    Failed(u32, String),
    /// Nobody ever hears of it again.
    Dropped,
}

/// Whom a message goes to.
struct Recipient {
    customer: Option<u64>,
    /// Digits or user id, as stored with the message.
    to: String,
    by_user_id: bool,
    is_real: bool,
}

impl World {
    /// Takes a message, or says what is wrong with it.
    pub(crate) fn send(&mut self, now: Now, number: u64, request: SendRequest) -> Check<Accepted> {
        self.check_sender(now, number)?;
        let recipient = self.recipient(number, &request.to)?;
        self.check_recipient(number, &recipient, &request)?;
        let (content, template) = match request.payload {
            Payload::Free(content) => (content, None),
            Payload::Template(send) => {
                let (content, terms) = self.fill_template(number, &recipient, &send)?;
                (content, Some(terms))
            }
        };
        let category = template.map(|terms| terms.category);
        self.check_media(now, number, &content.media)?;
        self.check_products(number, &content.products)?;
        self.check_pair(now, number, &recipient)?;
        let fate = self.fate(now, number, &recipient, &content, category);
        let fate = match (fate, template) {
            (Fate::Delivered, Some(terms)) if !self.within_portion(terms.id) => Fate::Held,
            (fate, _) => fate,
        };
        let is_held = matches!(fate, Fate::Held);
        let pricing = self.pricing(now, number, &recipient, category);
        let seq = self.messages.next_seq();
        let digits = self.numbers.get(&number).map_or("", |number| number.digits.as_str());
        let wamid = wamid(seq, if recipient.by_user_id { digits } else { &recipient.to }, true, &mut self.chance);
        let accepted = Accepted {
            wamid: wamid.clone(),
            input: request.to.as_given().to_owned(),
            wa_id: (recipient.is_real && !recipient.by_user_id).then(|| recipient.to.clone()),
            user_id: recipient.by_user_id.then(|| recipient.to.clone()),
            is_template: template.is_some(),
            is_held,
        };
        let lives = template.map_or(LIVES, |terms| match (terms.ttl_seconds, terms.category) {
            (Some(seconds), _) if seconds > 0 => Span::secs(seconds),
            (None, Category::Authentication) => CODE_LIVES,
            _ => LIVES,
        });
        let body = Body {
            seq,
            wamid,
            outbound: true,
            number,
            customer: recipient.customer,
            to: recipient.to,
            by_user_id: recipient.by_user_id,
            kind: content.kind,
            shown: content.shown,
            taps: content.taps,
            quotes: request.quotes,
            callback_data: request.callback_data,
            at: now.world.as_millis(),
            expires: now.world.plus(lives).as_millis(),
            pricing: Some(pricing),
            conversation: Some(self.chance.hex(32)),
        };
        self.take_in(now, body, fate, recipient.is_real);
        if let Some(terms) = template.filter(|_| is_held) {
            self.hold(terms.id, seq);
        }
        Ok(accepted)
    }

    fn take_in(&mut self, now: Now, body: Body, fate: Fate, is_real: bool) {
        let soon = self.settings.sent_after_ms.saturating_add(self.chance.between(0, 5));
        let due = now.world.plus(Span::millis(soon)).as_millis();
        let (status, error, details, next) = match fate {
            Fate::Held => (Status::Accepted, None, None, None),
            Fate::Dropped => (Status::Dropped, None, None, None),
            Fate::Failed(code, details) => (Status::Accepted, Some(code), Some(details), Some((Step::Fail, due))),
            Fate::Delivered => (Status::Accepted, None, None, Some((Step::Send, due))),
        };
        let seq = body.seq;
        let (customer, number, by_phone) = (body.customer, body.number, !body.by_user_id && is_real);
        let progress = Progress { error, details, next, ..Progress::at(status) };
        let message = Message { body, progress };
        self.effects.changes.push(message.created());
        self.messages.insert(message);
        if let Some((step, due)) = next {
            self.timers.insert((due, Timer::Message(seq, step)));
        }
        if let Some(id) = customer {
            if self.customers.get_mut(&id).is_some_and(|person| person.typing_until.take().is_some()) {
                self.keep_customer(id);
            }
            self.touch_thread(now, id, number, by_phone);
        }
    }

    /// The business wrote: its number is known by phone again, and a free entry begins to count. Only what really changes the
    /// customer is written, and the time of contact only by the day: this runs for every message.
    fn touch_thread(&mut self, now: Now, customer: u64, number: u64, by_phone: bool) {
        let Some(person) = self.customers.get_mut(&customer) else { return };
        let thread = person.threads.entry(number).or_default();
        let entry = (thread.entered, thread.free_until);
        thread.answered(now.world);
        let mut is_changed = entry != (thread.entered, thread.free_until);
        if by_phone {
            let at = now.world.as_millis();
            is_changed |= thread.last_by_phone.is_none_or(|last| at - last > Span::days(1).as_millis());
            if is_changed {
                thread.last_by_phone = Some(at);
            }
        }
        if is_changed {
            self.keep_customer(customer);
        }
    }

    fn check_sender(&mut self, now: Now, id: u64) -> Check<()> {
        let Some(number) = self.numbers.get(&id) else {
            return Err(GraphError::no_such_object("POST", &id.to_string()));
        };
        if !number.registered {
            return Err(GraphError::new(133_010, "The account is not registered: register this phone number before sending."));
        }
        match number.status.as_str() {
            "BANNED" | "RESTRICTED" => {
                return Err(GraphError::new(131_031, format!("This phone number is {}; it cannot send.", number.status)));
            }
            "PENDING" | "UNVERIFIED" => {
                return Err(GraphError::new(131_045, format!("This phone number is {}; verify it first.", number.status)));
            }
            _ => {}
        }
        let limit = number.throughput;
        if self.throughput.admit(id, now.machine_second, limit) {
            Ok(())
        } else {
            Err(self.throttled(130_429, format!("Cloud API message throughput has been reached: {limit} messages a second.")))
        }
    }

    fn recipient(&self, number: u64, to: &Address) -> Check<Recipient> {
        let own = self.numbers.get(&number).map_or("", |number| number.digits.as_str());
        match to {
            Address::UserId(id) => {
                Ok(Recipient { customer: self.by_user_id.get(id).copied(), to: id.clone(), by_user_id: true, is_real: true })
            }
            Address::UserIdInTo(id) => Ok(Recipient { customer: None, to: id.clone(), by_user_id: false, is_real: false }),
            Address::Phone(text) => {
                let Some(wa_id) = phone::meant(text, own, |id| self.by_wa_id.contains_key(id)) else {
                    return Err(GraphError::new(131_009, "The parameter to is not a valid phone number."));
                };
                if wa_id == phone::wa_id(own) {
                    return Err(GraphError::new(131_021, "The recipient is the sending number itself."));
                }
                Ok(Recipient { customer: self.by_wa_id.get(&wa_id).copied(), to: wa_id, by_user_id: false, is_real: true })
            }
        }
    }

    fn check_recipient(&self, number: u64, recipient: &Recipient, request: &SendRequest) -> Check<()> {
        let Some(number) = self.numbers.get(&number).filter(|number| number.test_number) else { return Ok(()) };
        let phone = recipient.customer.and_then(|id| self.customers.get(&id)).and_then(|person| person.wa_id.as_deref());
        let digits = if recipient.by_user_id { phone } else { Some(recipient.to.as_str()) };
        let is_listed = digits.is_some_and(|digits| number.allowed.iter().any(|allowed| allowed == digits));
        if is_listed || matches!(request.to, Address::UserIdInTo(_)) {
            return Ok(());
        }
        Err(GraphError::new(
            131_030,
            "Recipient phone number not in allowed list: Add recipient phone number to recipient list and try again.",
        ))
    }

    /// Looks the template up and fills it in.
    fn fill_template(&self, number: u64, recipient: &Recipient, send: &TemplateSend) -> Check<(Content, Terms)> {
        let waba = self.numbers.get(&number).map_or(0, |number| number.waba);
        let key = (waba, send.name.clone(), send.language.clone());
        let template = self.template_ids.get(&key).and_then(|id| self.templates.get(id));
        let absent = || GraphError::new(132_001, format!("template name ({}) does not exist in {}", send.name, send.language));
        let template = template.ok_or_else(absent)?;
        match template.standing {
            Standing::Approved => {}
            Standing::Pending if template.sendable().is_some() => {}
            Standing::Paused => {
                return Err(GraphError::new(132_015, format!("Template ({}) is paused due to low quality.", send.name)));
            }
            Standing::Disabled => {
                return Err(GraphError::new(132_016, format!("Template ({}) is disabled due to low quality.", send.name)));
            }
            Standing::Pending | Standing::Rejected | Standing::InAppeal | Standing::PendingDeletion => return Err(absent()),
        }
        if recipient.by_user_id && template.category == Category::Authentication {
            return Err(GraphError::new(
                131_062,
                "Authentication templates cannot be sent to a business-scoped user id; use a phone number.",
            ));
        }
        let content = template_send::fill(template, &send.parts)?;
        let ttl_seconds = template.sendable().map_or(template.ttl_seconds, |(_, _, ttl)| ttl);
        Ok((content, Terms { id: template.id, category: template.category, ttl_seconds }))
    }

    fn check_products(&self, number: u64, products: &[ProductUse]) -> Check<()> {
        if products.is_empty() {
            return Ok(());
        }
        let waba = self.numbers.get(&number).map_or(0, |number| number.waba);
        for product in products {
            let mut catalogs = self.catalogs.values().filter(|catalog| {
                catalog.waba == waba && product.catalog.as_ref().is_none_or(|id| *id == catalog.id.to_string())
            });
            let found = match &product.retailer_id {
                Some(sku) => catalogs.any(|catalog| catalog.products.iter().any(|known| known.retailer_id == *sku)),
                None => catalogs.next().is_some(),
            };
            if !found {
                return Err(GraphError::new(
                    131_009,
                    match (&product.catalog, &product.retailer_id) {
                        (_, Some(sku)) => format!(
                            "Products not found in FB Catalog: product_retailer_id {sku} is not in a catalog of this account."
                        ),
                        (Some(catalog), None) => format!("Catalog {catalog} is not connected to this account."),
                        (None, None) => "No catalog is connected to this account.".to_owned(),
                    },
                ));
            }
        }
        Ok(())
    }

    fn check_pair(&mut self, now: Now, number: u64, recipient: &Recipient) -> Check<()> {
        let (burst, seconds) = (self.settings.pair_burst, self.settings.pair_seconds);
        let Some(person) = recipient.customer.and_then(|id| self.customers.get_mut(&id)) else { return Ok(()) };
        let thread = person.threads.entry(number).or_default();
        match borrow(thread.paid_back_at, now.world, burst, seconds) {
            Some(debt) => {
                thread.paid_back_at = debt;
                Ok(())
            }
            None => Err(self.throttled(
                131_056,
                format!(
                    "Too many messages from this phone number to the same customer: one per {seconds} seconds, {burst} ahead."
                ),
            )),
        }
    }

    /// What Meta would only say later. The window counts at the moment the send arrives.
    fn fate(&mut self, now: Now, number: u64, recipient: &Recipient, content: &Content, template: Option<Category>) -> Fate {
        if !recipient.is_real {
            return Fate::Dropped;
        }
        let failed = |code: u32, details: &str| Fate::Failed(code, details.to_owned());
        let Some(person) = recipient.customer.and_then(|id| self.customers.get(&id)) else {
            return failed(131_026, "Message undeliverable: the number is not on WhatsApp, or has not accepted its terms.");
        };
        if person.has(Flag::NotOnWhatsapp) {
            return failed(131_026, "Message undeliverable: the number is not on WhatsApp, or has not accepted its terms.");
        }
        let is_open = person.threads.get(&number).is_some_and(|thread| thread.is_open(now.world));
        if template.is_none() && !is_open {
            return failed(
                131_047,
                "Message failed to send because more than 24 hours have passed since the customer last replied to this number.",
            );
        }
        if template == Some(Category::Marketing) {
            if person.has(Flag::OptedOut) {
                return failed(131_050, title(131_050));
            }
            if person.has(Flag::Capped) || person.wa_id.as_deref().is_some_and(|digits| digits.starts_with('1')) {
                return failed(131_049, title(131_049));
            }
            if person.has(Flag::Experiment) && !is_open {
                return failed(130_472, "The message was not sent because this number is part of an experiment.");
            }
        }
        let customer = person.id;
        if template.is_some() && !is_open && !self.within_reach(now, number, customer) {
            return failed(
                131_048,
                "The portfolio has written to as many customers outside a window as its limit allows in 24 hours.",
            );
        }
        if content.kind == Kind::Reaction
            && let Some(why) = self.bad_reaction(now, number, content.reacts_to.as_deref())
        {
            return failed(131_009, why);
        }
        let broken = content.media.iter().find_map(|media| match &media.source {
            MediaSource::Link(link) if is_unfetchable(link) => Some(link),
            _ => None,
        });
        if broken.is_some() {
            return failed(131_053, "Downloading media from the link failed: it cannot be reached from the internet.");
        }
        Fate::Delivered
    }

    /// The messaging limit: how many customers outside a window in 24 hours.
    fn within_reach(&mut self, now: Now, number: u64, customer: u64) -> bool {
        let limit = match self.numbers.get(&number).map_or("", |number| number.tier.as_str()) {
            "TIER_50" => 50,
            "TIER_250" => 250,
            "TIER_1K" => 1_000,
            "TIER_2K" => 2_000,
            "TIER_10K" => 10_000,
            "TIER_100K" => 100_000,
            _ => return true,
        };
        let since = now.world.minus(Span::hours(24));
        if self.reached.len() >= limit {
            self.reached.retain(|_, at| Timestamp::from_millis(*at) > since);
        }
        if self.reached.len() >= limit && !self.reached.contains_key(&customer) {
            return false;
        }
        self.reached.insert(customer, now.world.as_millis());
        true
    }

    fn bad_reaction(&self, now: Now, number: u64, target: Option<&str>) -> Option<&'static str> {
        let target = target.and_then(|wamid| self.messages.by_wamid(wamid)).filter(|message| message.body.number == number);
        match target {
            None => Some("The message that the reaction is for does not exist."),
            Some(message) if message.body.kind == Kind::Reaction => Some("A reaction cannot be the target of a reaction."),
            Some(message) if now.world > Timestamp::from_millis(message.body.at).plus(REACTION_REACH) => {
                Some("The message that the reaction is for is older than 30 days.")
            }
            Some(_) => None,
        }
    }

    fn pricing(&self, now: Now, number: u64, recipient: &Recipient, template: Option<Category>) -> Pricing {
        let thread = recipient.customer.and_then(|id| self.customers.get(&id)).and_then(|person| person.threads.get(&number));
        let is_open = thread.is_some_and(|thread| thread.is_open(now.world));
        let category = match template {
            None => PricingCategory::Service,
            Some(Category::Marketing) => PricingCategory::Marketing,
            Some(Category::Utility) => PricingCategory::Utility,
            Some(Category::Authentication) => PricingCategory::Authentication,
        };
        if thread.is_some_and(|thread| thread.is_free(now.world)) {
            return Pricing { billable: false, kind: PricingType::FreeEntryPoint, category: PricingCategory::ReferralConversion };
        }
        let is_free = template.is_none() || (template == Some(Category::Utility) && is_open);
        let kind = if is_free { PricingType::FreeCustomerService } else { PricingType::Regular };
        Pricing { billable: !is_free, kind, category }
    }
}
