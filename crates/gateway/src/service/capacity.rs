//! How much a sender may send and how much of that is left, and why a message waits.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use transom_domain::address::Channel;
use transom_domain::error_code::ErrorCode;
use transom_domain::id::SenderId;
use transom_domain::message::{Class, Message};
use transom_domain::status::{Phase, Status};
use transom_domain::template::default_time_to_live;
use transom_domain::time::{Span, Timestamp};
use transom_store::{HistoryState, NoHistory, Outlook, Sender, Silence, WaitReason};

use super::{Caller, Service};
use crate::problem::Problem;

/// What Meta lets a sender do, what of it is used, and what waits for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Capacity {
    /// Messages of this second, in and out together.
    pub throughput: ThroughputUse,
    /// Customers that may be written to without an open window.
    pub messaging_limit: LimitUse,
    /// Meta's rating of the number: `GREEN`, `YELLOW` or `RED`; null where it is not rated or not read yet.
    pub quality: Option<String>,
    /// As of when messaging limit and quality are known.
    pub told_at: Option<String>,
    /// How the number and its account stand with Meta: `account` (`reinstated`, `scheduled_for_disable`, `disabled`, `deleted`),
    /// `accountDate`, `restrictions`, `violation`, `review`, `nameStatus`, `requestedName`, `nameReason`, `username`,
    /// `usernameStatus`; each null until Meta has told it.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub standing: serde_json::Value,
    /// Templates of the account as they were last read. Meta allows an account 250, or 6,000 once its business is verified.
    pub templates: usize,
    /// Messages that wait.
    pub waiting: WaitingUse,
    /// What was not heard of the messages of the last seven days.
    #[serde(default)]
    pub losses: Losses,
    /// Whether Meta is asked about messages of which too little was heard.
    #[serde(default)]
    pub history: HistoryUse,
}

/// Asking Meta for the history of messages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HistoryUse {
    /// `asked`; `not_offered` where Meta has no history for this sender, or does not show it to its app; `off` where none is configured.
    pub state: String,
    /// Messages that wait to be asked about.
    pub waiting: usize,
    /// Since when it is not offered.
    pub since: Option<String>,
    /// When it is tried again.
    pub asked_again_at: Option<String>,
    /// Why not, in Meta's words.
    pub reason: Option<String>,
}

/// Statuses that never came, of messages that are a day old or more.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Losses {
    /// Messages that Meta took.
    pub messages: u64,
    /// Those of which nothing was heard at all: a status was lost, since Meta tells at least that it sent or failed.
    pub unheard: u64,
    /// Those that were sent, and of which neither delivery nor failure was heard: switched-off phones, or lost statuses.
    pub undelivered: u64,
    /// Those that Meta has given up by now, as far as their time to live says: a presumption, which any later word overrides.
    pub presumed_lost: u64,
    /// The share of messages of which no last word was heard, from 0 to 1.
    pub ratio: f64,
}

impl From<Silence> for Losses {
    fn from(silence: Silence) -> Self {
        let Silence { messages, unheard, undelivered, dropped } = silence;
        Self { messages, unheard, undelivered, presumed_lost: dropped, ratio: silence.share() }
    }
}

/// Throughput.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ThroughputUse {
    /// Messages per second that Meta allows, in and out together.
    pub per_second: u32,
    /// How many this process counted in the last second: those it sent, and those it heard.
    pub used: u32,
    /// Nothing is sent before this moment, since Meta has asked for slower.
    pub resting_until: Option<String>,
}

/// The messaging limit of the portfolio, in different customers within 24 hours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LimitUse {
    /// Meta's word, such as `TIER_2K` or `TIER_UNLIMITED`; null until Meta has told it.
    pub tier: Option<String>,
    /// How many customers that is; null where there is no limit.
    pub customers: Option<u32>,
    /// How many count now, all senders of the business together; counted while a limit is known.
    pub reached: u64,
    /// How many more may be reached; null where there is no limit. Marketing leaves a tenth of the limit to others, utility a
    /// twentieth to codes.
    pub left: Option<u64>,
    /// When the next of those who count leaves the count.
    pub next_place_at: Option<String>,
    /// Whether a message of this sender waits for that.
    pub held: bool,
}

/// What waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WaitingUse {
    /// All of it.
    pub total: u64,
    /// Replies and one-time codes. Exact while at most one class has more than 10,000; else at least so many.
    pub reply: u64,
    /// Utility.
    pub utility: u64,
    /// Marketing.
    pub marketing: u64,
    /// When the oldest was accepted.
    pub oldest: Option<String>,
    /// When the next may go, as far as its conversation and the messaging limit are concerned.
    pub next_at: Option<String>,
}

/// Why a message waits, and when it goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Waits)]
pub struct Waits {
    /// `scheduled`, `retry`, `same_customer`, `pair_pace`, `messaging_limit`, `sender_stopped`, `throttled` or `turn`.
    pub reason: &'static str,
    /// The same as a sentence.
    pub explanation: String,
    /// When it goes, as far as that can be told: not earlier for `messaging_limit`, about then for `turn`.
    pub until: Option<String>,
}

impl Service {
    /// What a sender may do and how much is left.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn capacity(&self, sender: &Sender) -> Result<Capacity, Problem> {
        let now = self.now();
        let load = self.store.load(sender.id, now).await?;
        let templates = match &sender.waba {
            Some(waba) => self.library.shelf(sender.business, waba).await?.all().len(),
            None => 0,
        };
        let limit = load.limits.limit;
        let customers = limit.and_then(transom_domain::limits::MessagingLimit::customers);
        let of = |class| load.waiting_by_class.iter().find(|(c, _)| *c == class).map_or(0, |(_, count)| *count);
        let known = load.limits.told_at > Timestamp::EPOCH;
        Ok(Capacity {
            throughput: ThroughputUse {
                per_second: sender.throughput,
                used: self.dispatcher.used(sender.id),
                resting_until: self.dispatcher.resting(sender.id).filter(|until| *until > now).map(rfc3339),
            },
            messaging_limit: LimitUse {
                tier: limit.map(|limit| limit.to_string()),
                customers,
                reached: load.reached,
                left: customers.map(|customers| u64::from(customers).saturating_sub(load.reached)),
                next_place_at: load.next_place_at.map(rfc3339),
                held: load.held,
            },
            quality: load.limits.quality.map(|quality| quality.as_str().to_owned()),
            told_at: known.then(|| rfc3339(load.limits.told_at)),
            standing: crate::native::standing_json(&load.limits.standing, now),
            templates,
            waiting: WaitingUse {
                total: load.waiting,
                reply: of(Class::Reply),
                utility: of(Class::Utility),
                marketing: of(Class::Marketing),
                oldest: load.oldest.map(rfc3339),
                next_at: load.next_due.map(|due| rfc3339(due.max(now))),
            },
            losses: self.store.silence(sender.id, now).await?.into(),
            history: self.history_use(sender).await?,
        })
    }

    async fn history_use(&self, sender: &Sender) -> Result<HistoryUse, Problem> {
        let HistoryState { waiting, refused } = self.store.history_of(sender.id).await?;
        let state = match &refused {
            _ if self.limits.history.per_minute == 0 => "off",
            // Messenger has none.
            None if sender.channel == Channel::Whatsapp => "asked",
            _ => "not_offered",
        };
        let told = HistoryUse { state: state.to_owned(), waiting, ..HistoryUse::default() };
        Ok(match refused {
            None => told,
            Some(NoHistory { since, until, why }) => {
                HistoryUse { since: Some(rfc3339(since)), asked_again_at: Some(rfc3339(until)), reason: Some(why), ..told }
            }
        })
    }

    /// A sender of the caller's business by its id, with its capacity.
    ///
    /// # Errors
    /// 404 when this business has none with this id.
    pub async fn sender_with_capacity(&self, caller: &Caller, id: SenderId) -> Result<(Sender, Capacity), Problem> {
        let sender = self.sender(id).filter(|s| s.business == caller.business).ok_or_else(|| {
            Problem::new(ErrorCode::NotFound, "This business has no sender with this id.").remedy("List them with GET senders.")
        })?;
        let capacity = self.capacity(&sender).await?;
        Ok((sender, capacity))
    }

    /// Since when Meta has given a message up, as far as its time to live says: Meta tells nothing of it. None while it may still
    /// arrive, and of what was told to be delivered or failed.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn presumed_lost(&self, message: &Message) -> Result<Option<Timestamp>, Problem> {
        let silent = message.phase == Phase::Handed && matches!(message.status, Status::Sending | Status::Sent);
        let Some(last) = message.attempts.last().filter(|_| silent && message.channel == Channel::Whatsapp) else {
            return Ok(None);
        };
        let verdict = message.verdict.as_ref();
        let sender = self.sender(message.sender);
        let known = match (verdict.and_then(|verdict| verdict.template.as_ref()), sender.and_then(|sender| sender.waba)) {
            (Some(name), Some(waba)) => {
                let shelf = self.library.shelf(message.business, &waba).await?;
                shelf.ever(&name.name, &name.language).map(|template| template.life.time_to_live(template.category))
            }
            _ => None,
        };
        let lives = known.unwrap_or_else(|| default_time_to_live(verdict.and_then(|verdict| verdict.category)));
        let over = last.started_at.plus(lives);
        Ok((over <= self.now()).then_some(over))
    }

    /// Why a message waits; none when it does not.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn waits(&self, caller: &Caller, message: &Message) -> Result<Option<Waits>, Problem> {
        if !matches!(message.phase, Phase::Queued { .. }) {
            return Ok(None);
        }
        let now = self.now();
        let Some(outlook) = self.store.outlook(caller.business, message.id, now).await? else { return Ok(None) };
        let sender = self.sender(message.sender);
        if message.channel == Channel::Messenger {
            return Ok(Some(told(outlook, None, 1, now)));
        }
        let resting = self.dispatcher.resting(message.sender);
        Ok(Some(told(outlook, resting, sender.map_or(1, |s| s.throughput.max(1)), now)))
    }
}

fn told(outlook: Outlook, resting: Option<Timestamp>, per_second: u32, now: Timestamp) -> Waits {
    let Outlook { reason, until, ahead } = outlook;
    if let (WaitReason::Turn, Some(until)) = (reason, resting.filter(|until| *until > now)) {
        let explanation = "Meta has asked this sender to go slower; it goes on by itself.".to_owned();
        return Waits { reason: "throttled", explanation, until: Some(rfc3339(until)) };
    }
    let (explanation, until) = match reason {
        WaitReason::Scheduled => ("It was asked for later.".to_owned(), until),
        WaitReason::Retry => ("Meta refused it for now; it is tried again.".to_owned(), until),
        WaitReason::SameCustomer => ("Another message to the same customer goes first.".to_owned(), until),
        WaitReason::PairPace => ("One number may send one customer a message per six seconds after a burst.".to_owned(), until),
        WaitReason::MessagingLimit => (
            "The business has written to as many customers without an open window as Meta lets it in 24 hours; those that wait go \
             in order as places come free, or when the customer writes."
                .to_owned(),
            until,
        ),
        WaitReason::SenderStopped => ("The sender is stopped until its operator has mended what is wrong.".to_owned(), None),
        WaitReason::Turn => {
            let seconds = i64::try_from(ahead / u64::from(per_second)).unwrap_or(i64::MAX / 1_000);
            (format!("At most {ahead} messages go before it, at {per_second} a second."), Some(now.plus(Span::secs(seconds))))
        }
    };
    Waits { reason: reason.as_str(), explanation, until: until.map(rfc3339) }
}

pub(crate) fn rfc3339(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.as_millis()).map_or_else(|_| at.as_millis().to_string(), |t| t.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_000);

    #[test]
    fn a_turn_says_about_when_and_a_throttle_comes_before_it() {
        let turn = Outlook { reason: WaitReason::Turn, until: None, ahead: 800 };
        let waits = told(turn, None, 80, NOW);
        assert_eq!((waits.reason, waits.until.as_deref()), ("turn", Some("1970-01-01T00:16:50Z")));
        let waits = told(turn, Some(NOW.plus(Span::secs(30))), 80, NOW);
        assert_eq!((waits.reason, waits.until.as_deref()), ("throttled", Some("1970-01-01T00:17:10Z")));
        // A rest that is over is none, and a limit is not a throttle.
        assert_eq!(told(turn, Some(NOW), 80, NOW).reason, "turn");
        let limit = Outlook { reason: WaitReason::MessagingLimit, until: Some(NOW.plus(Span::hours(3))), ahead: 0 };
        assert_eq!(told(limit, Some(Timestamp::FAR), 80, NOW).reason, "messaging_limit");
    }
}
