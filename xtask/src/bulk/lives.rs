//! Messages that were sent or came in through the store's own moves: a past that is longer ago than anything is kept, so that retention
//! has work from the first second, and the models of which a load makes copies.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use tokio::task::JoinSet;

use transom_domain::address::{Channel, Identity, Phone};
use transom_domain::error_code::ErrorCode;
use transom_domain::fact::Person;
use transom_domain::free_form::FreeForm;
use transom_domain::id::{BusinessId, CustomerId, JournalId, MessageId, SenderId, compose};
use transom_domain::message::{Class, Draft, WhenUnknown};
use transom_domain::session::Session;
use transom_domain::status::Failure;
use transom_domain::time::{Span, Timestamp};
use transom_domain::verdict::{CustomerFacts, Question, Subject, verdict};
use transom_store::{
    Accept, Accepted, AtOnce, HearBody, HeardBody, Idempotency, IdempotencyKey, JournalOutcome, Outcome, Settle, SqliteOptions,
    SqliteStore, Store,
};

use super::house::{APP, Furnished, TEMPLATE_TEXT, account};
use super::people::{phone, sender_of};
use super::told::{self, Sent, WORDS, status};

/// So long ago: longer than the longest that anything is kept by default.
const AGO: Span = Span::days(200);
/// Lives at once: the writer commits many together.
const AT_ONCE: u64 = 256;
/// What the model that goes out says, and the one that comes in: 100 bytes each.
const OUT: &str = "Hello Ana, your order 4711 is ready for you. Come by any day before six: we look forward to see you.";
const IN: &str = "Is my order 4711 ready by now? I would come by this afternoon with my sister, if that suits you all!";
const _: () = assert!(OUT.len() == 100 && IN.len() == 100, "bodies are 100 bytes long");

/// Lives so many, spread over all customers.
pub(crate) async fn live(dir: &Path, furnished: &Furnished, customers: u64, lives: u64) -> Result<()> {
    let store = Arc::new(SqliteStore::open(dir, SqliteOptions::default())?);
    let now = Timestamp::from_millis(i64::try_from(std::time::UNIX_EPOCH.elapsed()?.as_millis())?).minus(AGO);
    let at_once = AT_ONCE.min(lives).min(customers).max(1);
    let mut living = JoinSet::new();
    for worker in 0..at_once {
        let (store, furnished) = (store.clone(), furnished.clone());
        living.spawn(async move {
            // Each has customers of its own: two messages to one customer would wait for each other.
            let (own, each) = (customers / at_once, lives.div_ceil(at_once));
            for turn in 0..each {
                let i = turn * at_once + worker;
                if i >= lives {
                    break;
                }
                let at = if each <= own { turn * own / each } else { turn % own };
                let life = Life { i, customer: at * at_once + worker, customers, text: TEMPLATE_TEXT };
                one(store.as_ref(), &furnished, &life, now).await?;
            }
            Ok::<_, anyhow::Error>(())
        });
    }
    while let Some(ended) = living.join_next().await {
        ended??;
    }
    store.close().await?;
    Ok(())
}

/// One message out and one in, both of the first customer's: the models of all copies.
///
/// # Errors
/// When the store does not take them, or takes them for known.
pub(super) async fn models(store: &impl Store, furnished: &Furnished, customers: u64, now: Timestamp) -> Result<()> {
    one(store, furnished, &Life { i: 0, customer: 0, customers, text: OUT }, now.minus(AGO)).await?;
    let raw = told::text(&account(0).to_string(), &phone(0), "wamid.model", IN, now.as_secs());
    hear(store, furnished, 0, JournalId(1), 1, raw, now).await
}

/// One message that goes well.
struct Life<'t> {
    /// Which it is.
    i: u64,
    /// Whom it goes to, and of how many.
    customer: u64,
    customers: u64,
    text: &'t str,
}

/// Every failure of Meta's alike: none comes here.
fn native(_: &transom_domain::failure::UpstreamError) -> Failure {
    Failure { code: ErrorCode::UpstreamError, message: String::new(), upstream: None }
}

async fn one(store: &impl Store, furnished: &Furnished, life: &Life<'_>, now: Timestamp) -> Result<()> {
    let counted = compose(now, u128::from(life.i));
    let sender = sender_of(life.customer, life.customers, furnished.senders.len() as u64);
    let (business, message) = (furnished.owner_of(sender).business, MessageId(counted));
    let sender_id = *furnished.senders.get(usize::try_from(sender)?).context("a sender of each customer")?;
    let accepted = store.accept(accept(business, message, sender_id, life, now)?).await?;
    let Accepted::Stored { claimed: Some(claimed), .. } = accepted else {
        bail!("a message of the past did not go: {accepted:?}")
    };
    let id = format!("wamid.past{:016x}", life.i);
    let outcome = Outcome::Answered { provider_id: id.clone(), recipient: Person::default(), note: None };
    let settle = Settle { business, message, attempt: claimed.attempt, verdict: None, outcome, answer: None };
    store.settle(vec![settle], now).await?;
    let to = phone(life.customer).trim_start_matches('+').to_owned();
    let sent = Sent { id, number: account(sender).to_string(), to, tag: format!("{message}.{}", claimed.attempt) };
    for (place, word) in WORDS.iter().enumerate() {
        let raw = status(word, &sent, now.as_secs())?.into_bytes();
        let id = JournalId(compose(now, u128::from(life.i) * 4 + place as u128));
        hear(store, furnished, sender, id, u128::from(life.i) << 8 | place as u128, raw, now).await?;
    }
    Ok(())
}

/// Hears what Meta tells of one sender.
async fn hear(
    store: &impl Store,
    furnished: &Furnished,
    sender: u64,
    id: JournalId,
    seed: u128,
    raw: Vec<u8>,
    now: Timestamp,
) -> Result<()> {
    let sender_id = furnished.senders.get(usize::try_from(sender)?).copied();
    let heard = transom_meta::webhook::parse(&raw)?.into_iter().flat_map(|delivery| delivery.heard);
    let outcome = store
        .hear(HearBody {
            business: furnished.owner_of(sender).business,
            app: APP.to_owned(),
            heard: heard.map(|heard| (sender_id, heard)).collect(),
            entry: Some(HeardBody {
                id,
                outcome: JournalOutcome::Heard,
                fields: "messages".to_owned(),
                note: String::new(),
                raw,
            }),
            native,
            seed,
            now,
            heard_at: now,
        })
        .await?;
    if outcome.news == 0 {
        bail!("what Meta told was no news: {outcome:?}");
    }
    Ok(())
}

fn accept(business: BusinessId, id: MessageId, sender: SenderId, life: &Life<'_>, now: Timestamp) -> Result<Accept> {
    let say = FreeForm::Text { body: life.text.to_owned(), preview_url: false };
    let session = Session::Open { until: now.plus(Span::days(1)) };
    let question = Question {
        channel: Channel::Whatsapp,
        subject: Subject::FreeForm(&say),
        session,
        customer: CustomerFacts::default(),
        stopped: None,
        human: transom_domain::messenger::Human::default(),
    };
    let verdict = verdict(&question);
    let key = IdempotencyKey { key: format!("past-{id}"), fingerprint: [0; 32] };
    Ok(Accept {
        id,
        business,
        sender,
        channel: Channel::Whatsapp,
        address: Identity::Phone(Phone::parse(&phone(life.customer))?),
        new_customer: CustomerId(id.0),
        name: None,
        draft: Draft::FreeForm { say, human: None },
        verdict,
        class: Class::Reply,
        not_before: now,
        expires_at: None,
        when_unknown: WhenUnknown::default(),
        callback_data: None,
        campaign: None,
        origin: None,
        reply_to: None,
        idempotency: Some(Idempotency { key, answer: br#"{"id":"past"}"#.to_vec(), keep: Span::days(2) }),
        backlog_max: u64::MAX,
        schedule_max: u64::MAX,
        at_once: Some(AtOnce { owner: 1, pair_gap: Span::secs(6), pair_burst: u32::MAX }),
        now,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bulk::{Plan, fill};
    use transom_store::{Keep, MessageFilter, Page, SweepPoint};

    #[test]
    fn what_was_lived_is_whole_and_old_enough_to_be_swept() {
        let folder = tempfile::tempdir().unwrap();
        let furnished = fill(folder.path(), Plan { customers: 50, ..Plan::SMALL }).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            live(folder.path(), &furnished, 50, 120).await.unwrap();
            let store = SqliteStore::open(folder.path(), SqliteOptions::default()).unwrap();
            let page = || Page { size: 200, token: None };
            let (lived, _) = store.messages(furnished.first().business, MessageFilter::default(), page()).await.unwrap();
            assert!(lived.len() == 120 && lived.iter().all(|m| m.status == transom_domain::status::Status::Read));
            let now = Timestamp::from_millis(i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap());
            let mut from = Some(SweepPoint::START);
            while let Some(point) = from {
                from = store.sweep(Keep::default(), point, 64, now).await.unwrap().next;
            }
            let (left, _) = store.messages(furnished.first().business, MessageFilter::default(), page()).await.unwrap();
            assert!(left.is_empty(), "{} messages are left", left.len());
        });
    }
}
