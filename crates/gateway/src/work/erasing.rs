//! Erasures: worked on slice by slice, beside all else, until nothing is left. A restart goes on where the last slice ended.

use transom_clock::WorldClock;
use transom_domain::id::{BusinessId, CustomerId};
use transom_store::{Erasure, ErasureNext, ErasureStage, Store, StoreError};

use super::relay::Relay;
use super::slices::Slices;
use crate::media::fetch::Fetcher;

/// Rows that one slice looks at.
const SLICE: usize = 128;
/// Erasures that are worked on in one round.
const AT_ONCE: usize = 512;
/// A job rests for so many times as long as its last slice took, so that it takes a fifth of the writer at most.
const REST: u32 = 4;

/// One round over all of whom there is something to remove. Whether all is removed of one, so that what it left can be overwritten.
///
/// # Errors
/// When the store does not answer: the next round goes on.
pub(super) async fn round(store: &dyn Store, relay: &Relay, clock: &WorldClock) -> Result<bool, StoreError> {
    let mut any = false;
    for Erasure { business, customer, at, .. } in store.open_erasures(AT_ONCE).await? {
        if at == ErasureStage::Logs {
            continue;
        }
        match one(store, clock, business, customer).await {
            Ok(removed) => any |= removed,
            // The others do not wait for it.
            Err(error) => tracing::warn!(customer.id = %customer, %error, "an erasure does not go on: it is tried again"),
        }
        // What endpoints answered may speak of whoever is forgotten: nothing is told of them any more.
        relay.forget_answers(business);
    }
    Ok(any)
}

/// Overwrites what was left of all who are removed, once for all of them: on a large store it takes its time, in which others are removed.
///
/// # Errors
/// When the store does not answer: the next round tries again.
pub(super) async fn scrub(store: &dyn Store, fetcher: &Fetcher, clock: &WorldClock) -> Result<(), StoreError> {
    let mut removed = store.open_erasures(AT_ONCE).await?;
    removed.retain(|erasure| erasure.at == ErasureStage::Logs);
    // If it fails, the vault does not answer, or somebody reads an old state; a moment later they may.
    if removed.is_empty() || !fetcher.reap().await || !store.scrub().await? {
        return Ok(());
    }
    for Erasure { business, customer, .. } in removed {
        store.scrubbed(business, customer, clock.now()).await?;
        tracing::info!(customer.id = %customer, "a customer is erased");
    }
    Ok(())
}

/// Raw bodies of messages that were redacted or deleted by hand.
///
/// # Errors
/// When the store does not answer: the next round goes on.
pub(super) async fn blank(store: &dyn Store) -> Result<(), StoreError> {
    let mut slices = Slices::resting(REST);
    loop {
        slices.next().await;
        if !store.blank_bodies().await? {
            return Ok(());
        }
    }
}

/// One job, as far as it goes now. Whether all is removed, so that what it left can be overwritten.
///
/// # Errors
/// When the store does not answer: the next round goes on.
async fn one(store: &dyn Store, clock: &WorldClock, business: BusinessId, customer: CustomerId) -> Result<bool, StoreError> {
    let mut slices = Slices::resting(REST);
    loop {
        slices.next().await;
        match store.erase_slice(business, customer, SLICE, clock.now()).await? {
            ErasureNext::Again => {}
            ErasureNext::Later | ErasureNext::Done => return Ok(false),
            ErasureNext::Journal { texts, after } => {
                let erased = store.journal_erase(business, texts, after).await?;
                store.journal_erased(business, customer, erased).await?;
            }
            ErasureNext::Logs => return Ok(true),
        }
    }
}
