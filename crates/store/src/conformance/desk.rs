//! A desk to work at: a store, a clock that is turned by hand, and short ways to say the usual things.

use std::sync::Arc;

use transom_domain::address::{Channel, Identity, Phone};
use transom_domain::error_code::ErrorCode;
use transom_domain::event::{Event, EventBody};
use transom_domain::fact::{Account, Fact, Heard, HeardBy, Inbound, InboundBody, Person, Reported, StatusReport};
use transom_domain::failure::UpstreamError;
use transom_domain::free_form::FreeForm;
use transom_domain::id::{BusinessId, CustomerId, JournalId, MessageId, SenderId};
use transom_domain::message::{CallbackTag, Class, Draft, Message, Origin, WhenUnknown};
use transom_domain::shares::Room;
use transom_domain::status::{Failure, Status};
use transom_domain::time::{Span, Timestamp};
use transom_domain::verdict::{Kind, Reason, Source, Verdict};

use super::{Broken, Factory};
use crate::{
    Accept, Accepted, AtOnce, Business, Claim, Claimed, Claims, HearBody, HearOutcome, HeardBody, JournalOutcome, Keep, Look,
    LookUp, Outcome, Sealed, Sender, SenderState, Settle, Store, SweepPoint,
};

/// The business that most checks are about.
pub(crate) const SHOP: BusinessId = BusinessId(1);
/// Another one.
pub(crate) const RIVAL: BusinessId = BusinessId(2);
/// The sender of the shop.
pub(crate) const DESK: SenderId = SenderId(11);
/// The app of both.
pub(crate) const APP: &str = "app";
/// This process.
pub(crate) const OWNER: u64 = u64::MAX - 7;

pub(crate) struct Desk {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) now: Timestamp,
    next: u128,
}

pub(crate) fn identity(text: &str) -> Result<Identity, Broken> {
    text.parse().map_err(|why| Broken(format!("{text}: {why}")))
}

pub(crate) fn person(phone: &str) -> Result<Person, Broken> {
    let phone = Phone::parse(phone).map_err(|why| Broken(format!("{phone}: {why}")))?;
    Ok(Person { phone: Some(phone), ..Person::default() })
}

pub(crate) fn failure(code: ErrorCode) -> Failure {
    Failure { code, message: "said so".to_owned(), upstream: None }
}

/// What stands in for the table of codes.
pub(crate) fn native(error: &UpstreamError) -> Failure {
    Failure { code: ErrorCode::UpstreamError, message: error.title.clone(), upstream: Some(error.clone()) }
}

pub(crate) fn sender(id: u128, business: BusinessId, number: &str) -> Result<Sender, Broken> {
    Ok(Sender {
        id: SenderId(id),
        business,
        channel: Channel::Whatsapp,
        address: identity(number)?,
        name: Some("Desk".to_owned()),
        account: format!("account-{id}"),
        waba: Some(format!("waba-{}", business.0)),
        app: APP.to_owned(),
        token: Sealed(vec![1, 2, 3]),
        throughput: 80,
        state: SenderState::Active,
        created_at: Timestamp::EPOCH,
    })
}

pub(crate) fn business(id: BusinessId) -> Business {
    Business {
        id,
        name: format!("business {}", id.0),
        webhook_secret: Sealed(vec![7; 32]),
        previous_webhook_secret: None,
        created_at: Timestamp::from_secs(1),
    }
}

/// What only some callers say.
pub(crate) fn origin() -> Origin {
    Origin { status_callback: Some("https://shop.example/told".to_owned()), media: true, ..Origin::default() }
}

impl Desk {
    /// A shop with one sender, at a fixed moment.
    pub(crate) async fn new(factory: &dyn Factory) -> Result<Self, Broken> {
        let desk = Self { store: factory.open(), now: Timestamp::from_secs(1_800_000_000), next: 1_000 };
        desk.store.put_business(business(SHOP)).await?;
        desk.store.put_sender(sender(DESK.0, SHOP, "+493012345678")?).await?;
        Ok(desk)
    }

    pub(crate) fn id(&mut self) -> u128 {
        self.next += 1;
        self.next
    }

    pub(crate) fn turn(&mut self, span: Span) {
        self.now = self.now.plus(span);
    }

    /// A reply to a phone number.
    pub(crate) fn text(&mut self, to: &str) -> Result<Accept, Broken> {
        let id = self.id();
        Ok(Accept {
            id: MessageId(id),
            business: SHOP,
            sender: DESK,
            channel: Channel::Whatsapp,
            address: identity(to)?,
            new_customer: CustomerId(id + 1_000_000),
            name: None,
            draft: Draft::FreeForm { say: FreeForm::Text { body: format!("message {id}"), preview_url: false }, human: None },
            verdict: Verdict {
                kind: Kind::Session,
                reason: Reason::SessionOpen,
                explanation: "A session is open.".to_owned(),
                source: Source::RuleTable,
                valid_until: None,
                sent_as: None,
                content_type: None,
                template: None,
                category: None,
                template_version: None,
                instead_of: None,
                alternatives: Vec::new(),
                passed_over: Vec::new(),
            },
            class: Class::Reply,
            not_before: self.now,
            expires_at: None,
            when_unknown: WhenUnknown::Auto,
            callback_data: Some("{\"order\":7}".to_owned()),
            campaign: None,
            origin: Some(origin()),
            reply_to: None,
            idempotency: None,
            backlog_max: 1_000,
            schedule_max: 1_000,
            at_once: None,
            now: self.now,
        })
    }

    /// Accepts, and gives the id.
    pub(crate) async fn accept(&self, accept: Accept) -> Result<MessageId, Broken> {
        let id = accept.id;
        match self.store.accept(accept).await? {
            Accepted::Stored { .. } => Ok(id),
            other => Err(Broken(format!("message {id} was not stored: {other:?}"))),
        }
    }

    /// Accepts a plain text.
    pub(crate) async fn send(&mut self, to: &str) -> Result<MessageId, Broken> {
        let accept = self.text(to)?;
        self.accept(accept).await
    }

    /// What is known of an address, without a key.
    pub(crate) fn ask(&self, business: BusinessId, sender: Option<SenderId>, address: Identity) -> LookUp {
        LookUp { business, sender, address, idempotency: None, now: self.now }
    }

    pub(crate) async fn look(&self, business: BusinessId, sender: SenderId, address: Identity) -> Result<Look, Broken> {
        Ok(self.store.look(self.ask(business, Some(sender), address)).await?)
    }

    /// What a claim would say, for a message that is only being accepted.
    pub(crate) fn at_once(&self) -> AtOnce {
        let Claim { owner, pair_gap, pair_burst, .. } = self.claiming(1);
        AtOnce { owner, pair_gap, pair_burst }
    }

    /// Sweeps a whole round, in slices of about so many rows; gives how many rows went.
    pub(crate) async fn sweep(&self, slice: usize) -> Result<usize, Broken> {
        let (mut from, mut gone) = (Some(SweepPoint::START), 0);
        while let Some(point) = from {
            let swept = self.store.sweep(Keep::default(), point, slice, self.now).await?;
            gone += swept.rows;
            from = swept.next;
        }
        Ok(gone)
    }

    pub(crate) fn claiming(&self, limit: usize) -> Claim {
        Claim { sender: DESK, room: Room::of(limit), owner: OWNER, now: self.now, pair_gap: Span::secs(6), pair_burst: 45 }
    }

    pub(crate) async fn claim(&self) -> Result<Claims, Broken> {
        Ok(self.store.claim(self.claiming(100)).await?)
    }

    /// Claims, and gives the ids in the order of their start.
    pub(crate) async fn started(&self) -> Result<Vec<MessageId>, Broken> {
        Ok(self.claim().await?.claimed.iter().map(|c| c.message.id).collect())
    }

    /// Claims exactly one.
    pub(crate) async fn take(&self) -> Result<Claimed, Broken> {
        let mut claimed = self.claim().await?.claimed;
        match (claimed.pop(), claimed.is_empty()) {
            (Some(one), true) => Ok(one),
            (one, _) => Err(Broken(format!(
                "not exactly one message was due: {:?} and {} more",
                one.map(|c| c.message.id),
                claimed.len()
            ))),
        }
    }

    pub(crate) async fn settle(&self, message: MessageId, attempt: u32, outcome: Outcome) -> Result<Status, Broken> {
        let settle = Settle { business: SHOP, message, attempt, verdict: None, outcome, answer: None };
        match self.store.settle(vec![settle], self.now).await?.first() {
            Some(settled) => Ok(settled.status),
            None => Err(Broken(format!("message {message}, attempt {attempt}: nothing was settled"))),
        }
    }

    pub(crate) async fn answer(&self, message: MessageId, attempt: u32, wamid: &str) -> Result<Status, Broken> {
        let outcome = Outcome::Answered { provider_id: wamid.to_owned(), recipient: Person::default(), note: None };
        self.settle(message, attempt, outcome).await
    }

    pub(crate) async fn lose(&self, message: MessageId, attempt: u32, wait: Span) -> Result<Status, Broken> {
        let (until, failure) = (self.now.plus(wait), failure(ErrorCode::OutcomeUnknown));
        self.settle(message, attempt, Outcome::Unknown { until, failure, first: false }).await
    }

    /// The same of the first of two calls.
    pub(crate) async fn lose_first(&self, message: MessageId, attempt: u32, wait: Span) -> Result<Status, Broken> {
        let (until, failure) = (self.now.plus(wait), failure(ErrorCode::OutcomeUnknown));
        self.settle(message, attempt, Outcome::Unknown { until, failure, first: true }).await
    }

    pub(crate) async fn again(&self, message: MessageId, attempt: u32, wait: Span) -> Result<Status, Broken> {
        let not_before = self.now.plus(wait);
        let outcome = Outcome::Again { not_before, failure: failure(ErrorCode::UpstreamError), uncounted: false };
        self.settle(message, attempt, outcome).await
    }

    /// A message that Meta has under this id.
    pub(crate) async fn handed(&mut self, to: &str, wamid: &str) -> Result<MessageId, Broken> {
        let id = self.send(to).await?;
        let claimed = self.take().await?;
        self.answer(id, claimed.attempt, wamid).await?;
        Ok(id)
    }

    /// What Meta says of a message.
    pub(crate) fn status(&self, wamid: &str, status: Reported, at: Timestamp) -> StatusReport {
        StatusReport {
            provider_id: wamid.to_owned(),
            status,
            at,
            recipient: Person::default(),
            callback: None,
            errors: match status {
                Reported::Failed => {
                    vec![UpstreamError { code: 131_026, title: "undeliverable".to_owned(), details: None, subcode: None }]
                }
                _ => Vec::new(),
            },
            pricing: None,
            conversation: None,
            by: HeardBy::Webhook,
        }
    }

    pub(crate) fn tag(message: MessageId, attempt: u32) -> Option<String> {
        Some(CallbackTag { message, attempt }.to_string())
    }

    /// What a customer writes.
    pub(crate) fn inbound(&self, from: Person, wamid: &str, at: Timestamp) -> Fact {
        Fact::Inbound(Inbound {
            provider_id: wamid.to_owned(),
            at,
            from,
            body: InboundBody::Text { body: "hello".to_owned() },
            reply_to: None,
            forwarded: false,
            often_forwarded: false,
            product: None,
            referral: None,
        })
    }

    pub(crate) fn body(&mut self, facts: Vec<Fact>) -> HearBody {
        let heard = facts.into_iter().map(|fact| {
            let account = match &fact {
                Fact::TemplateStatus(_) | Fact::TemplateNews(_) | Fact::Limits(_) | Fact::Account(_) => {
                    Account::Waba(format!("waba-{}", SHOP.0))
                }
                _ => Account::PhoneNumber(format!("account-{}", DESK.0)),
            };
            (Some(DESK), Heard { account, fact })
        });
        HearBody {
            business: SHOP,
            app: APP.to_owned(),
            heard: heard.collect(),
            entry: Some(HeardBody {
                id: JournalId(self.id()),
                outcome: JournalOutcome::Heard,
                fields: "messages".to_owned(),
                note: String::new(),
                raw: b"{}".to_vec(),
            }),
            native,
            seed: self.id() << 40,
            now: self.now,
            heard_at: self.now,
        }
    }

    pub(crate) async fn hear(&mut self, facts: Vec<Fact>) -> Result<HearOutcome, Broken> {
        let body = self.body(facts);
        Ok(self.store.hear(body).await?)
    }

    pub(crate) async fn message(&self, id: MessageId) -> Result<Message, Broken> {
        self.store.message(SHOP, id).await?.ok_or_else(|| Broken(format!("message {id} is gone")))
    }

    pub(crate) async fn shows(&self, id: MessageId) -> Result<Status, Broken> {
        Ok(self.message(id).await?.status)
    }

    pub(crate) async fn events(&self) -> Result<Vec<Event>, Broken> {
        Ok(self.store.events(SHOP, 0, 200).await?.events)
    }

    /// The statuses told of a message, in the order of the stream.
    pub(crate) async fn told(&self, id: MessageId) -> Result<Vec<Status>, Broken> {
        let told = |event: Event| match event.body {
            EventBody::MessageStatus { message, status, .. } if message == id => Some(status),
            _ => None,
        };
        Ok(self.events().await?.into_iter().filter_map(told).collect())
    }

    /// The names of all events.
    pub(crate) async fn names(&self) -> Result<Vec<&'static str>, Broken> {
        Ok(self.events().await?.iter().map(|e| e.body.name()).collect())
    }
}
