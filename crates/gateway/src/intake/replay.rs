//! Hearing a raw body again, from the journal: what the present code makes of it that the code of then did not.
//!
//! Nothing is doubled: messages are known by the upstream's ids, statuses are joined, the rest counts as of when it was heard first.
//! So a replay may be broken off and repeated at any place.

use std::collections::BTreeSet;

use transom_domain::id::{BusinessId, JournalId, MessageId};
use transom_store::{HearOutcome, JournalFilter, JournalHead};

use super::{Intake, Sorted, Understood, sort, understood};
use crate::problem::Problem;
use crate::telemetry;

/// The most entries that one call hears again: a few hundred milliseconds' work, since they are heard one after the other.
pub const REPLAY_MAX: usize = 50;

/// What hearing an entry again did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reheard {
    /// The entry, with the outcome that it has now.
    pub head: JournalHead,
    /// What it did, or why it was left out.
    pub did: Result<Did, LeftOut>,
}

/// What hearing an entry again did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Did {
    /// Inbound messages that were missing.
    pub messages: Vec<MessageId>,
    /// Facts that were missing, those messages among them.
    pub news: usize,
    /// Facts that were known.
    pub repeated: usize,
}

/// Why an entry was not heard again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftOut {
    /// Its bytes were erased.
    Erased,
    /// It is older than messages are kept, so that what it says would no longer be recognised as known.
    TooOld,
    /// The present code cannot read it either, or its number is no longer registered under its app.
    Unread,
}

impl LeftOut {
    /// The word in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Erased => "erased",
            Self::TooOld => "too_old",
            Self::Unread => "unread",
        }
    }
}

/// A part of a range that was heard again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayedPart {
    /// The entries, oldest first.
    pub entries: Vec<Reheard>,
    /// Position up to which all was looked at.
    pub looked_to: u64,
    /// There may be more after that.
    pub more: bool,
}

impl Intake {
    /// Hears entries again, in the order of their arrival, each once. At most [`REPLAY_MAX`].
    ///
    /// # Errors
    /// 404 when the business has no such entry; 503 when the store does not answer: those before it were heard.
    pub async fn replay(&self, business: BusinessId, ids: &[JournalId]) -> Result<Vec<Reheard>, Problem> {
        let mut heads = Vec::new();
        for id in ids.iter().take(REPLAY_MAX).collect::<BTreeSet<_>>() {
            let entry = self.0.store.journal_entry(Some(business), *id).await?;
            heads.push(entry.ok_or_else(|| Problem::not_found("journal entry"))?.head);
        }
        heads.sort_by_key(|head| head.position);
        let mut reheard = Vec::with_capacity(heads.len());
        for head in heads {
            reheard.push(self.rehear(business, head).await?);
        }
        Ok(reheard)
    }

    /// Hears the next entries of a range again that fit.
    ///
    /// # Errors
    /// 503 when the store does not answer: those before it were heard, and hearing them again does no harm.
    pub async fn replay_range(&self, business: BusinessId, filter: JournalFilter, after: u64) -> Result<ReplayedPart, Problem> {
        let found = self.0.store.journal_search(Some(business), filter, after, REPLAY_MAX).await?;
        let mut entries = Vec::with_capacity(found.heads.len());
        for head in found.heads {
            entries.push(self.rehear(business, head).await?);
        }
        Ok(ReplayedPart { entries, looked_to: found.looked_to, more: found.more })
    }

    async fn rehear(&self, business: BusinessId, mut head: JournalHead) -> Result<Reheard, Problem> {
        let did = self.heard_again(business, &mut head).await?;
        telemetry::reheard(did.as_ref().map_or_else(|why| why.as_str(), |did| if did.news > 0 { "news" } else { "known" }));
        Ok(Reheard { head, did })
    }

    async fn heard_again(&self, business: BusinessId, head: &mut JournalHead) -> Result<Result<Did, LeftOut>, Problem> {
        let this = &self.0;
        if head.erased {
            return Ok(Err(LeftOut::Erased));
        }
        if head.at < this.clock.now().minus(this.recognised) {
            return Ok(Err(LeftOut::TooOld));
        }
        let Some(entry) = this.store.journal_entry(Some(business), head.id).await? else { return Ok(Err(LeftOut::Erased)) };
        let Ok(deliveries) = transom_meta::webhook::parse(&entry.raw) else { return Ok(Err(LeftOut::Unread)) };
        let directory = this.directory.now();
        let Sorted { mut parts, speakers, .. } = sort(&directory, &head.app, deliveries.into_iter().flat_map(|d| d.heard));
        let Some(heard) = parts.remove(&business) else { return Ok(Err(LeftOut::Unread)) };
        let Understood { outcome, note, .. } = understood(heard.iter().map(|(_, heard)| heard));
        let HearOutcome { messages, news, repeated, .. } = self.commit(business, &head.app, heard, None, head.at).await?;
        if (head.outcome, head.note.as_str()) != (outcome, note.as_str()) {
            this.store.journal_reheard(business, head.id, outcome, note.clone()).await?;
            (head.outcome, head.note) = (outcome, note);
        }
        if !messages.is_empty() {
            for (speaker, inbound) in speakers.into_values().filter(|(speaker, _)| speaker.sender.business == business) {
                this.dispatcher.heard(&speaker, inbound);
            }
        }
        Ok(Ok(Did { messages, news, repeated }))
    }
}
