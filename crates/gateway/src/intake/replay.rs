//! Hearing a raw body again, from the journal: what the present code makes of it that the code of then did not.
//!
//! Nothing is doubled: messages are known by the upstream's ids, statuses are joined, the rest counts as of when it was heard first.
//! So a replay may be broken off and repeated at any place.

use std::collections::BTreeSet;

use transom_domain::error_code::ErrorCode;
use transom_domain::id::{BusinessId, JournalId, MessageId, ReplayId};
use transom_store::{HearOutcome, JournalFilter, JournalFrom, JournalHead, JournalRange, JournalReplay, JournalReplayed};

use super::{Intake, Sorted, Understood, sort, understood};
use crate::problem::Problem;
use crate::telemetry;

/// The most entries that one call, or one slice of a job, hears again: a few hundred milliseconds' work, since they are heard one
/// after the other.
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

impl Intake {
    /// The entries to hear again, in the order of their arrival, each once. At most [`REPLAY_MAX`].
    ///
    /// # Errors
    /// 404 when the business has no such entry; 503 when the store does not answer.
    pub async fn named(&self, business: BusinessId, ids: &[JournalId]) -> Result<Vec<JournalHead>, Problem> {
        let mut heads = Vec::new();
        for id in ids.iter().take(REPLAY_MAX).collect::<BTreeSet<_>>() {
            let entry = self.0.store.journal_entry(Some(business), *id).await?;
            heads.push(entry.ok_or_else(|| Problem::not_found("journal entry"))?.head);
        }
        heads.sort_by_key(|head| head.position);
        Ok(heads)
    }

    /// Begins to hear a range of a business's journal again, after a position and up to what is there now: a job that goes on by
    /// itself, also after a restart.
    ///
    /// # Errors
    /// 409 while another of the business is under way; 503 when the store does not answer.
    pub async fn start_replay(&self, business: BusinessId, range: JournalRange, after: u64) -> Result<JournalReplay, Problem> {
        let now = self.0.clock.now();
        let wanted = JournalReplay {
            id: ReplayId::compose(now, self.0.chance.draw()),
            business,
            range,
            cursor: after,
            to: 0,
            did: JournalReplayed::default(),
            created_at: now,
            over_at: None,
            stopped: false,
        };
        let id = wanted.id;
        let known = self.0.store.start_journal_replay(wanted).await?;
        if known.id != id {
            return Err(Problem::new(ErrorCode::StateConflict, format!("The replay {} of this journal is under way.", known.id))
                .remedy("Wait until it is over, or stop it.")
                .detail("replayId", known.id.to_string()));
        }
        self.0.replays.poke();
        Ok(known)
    }

    /// The replays of a business's journal, newest first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn replays(&self, business: BusinessId) -> Result<Vec<JournalReplay>, Problem> {
        Ok(self.0.store.journal_replays(business).await?)
    }

    /// Ends a replay where it stands; what was heard stays heard.
    ///
    /// # Errors
    /// 404 when the business has none of this name.
    pub async fn stop_replay(&self, business: BusinessId, id: ReplayId) -> Result<(), Problem> {
        if self.0.store.stop_journal_replay(business, id, self.0.clock.now()).await? {
            return Ok(());
        }
        Err(Problem::not_found("replay"))
    }

    /// The next slice of a replay: at most [`REPLAY_MAX`] entries, and where it came with them.
    ///
    /// # Errors
    /// When the store does not answer: what was heard of the slice is heard, and hearing it again does no harm.
    pub async fn replay_slice(&self, replay: &JournalReplay) -> Result<(u64, JournalReplayed), Problem> {
        let filter = JournalFilter { range: replay.range.clone(), ..JournalFilter::default() };
        let from = JournalFrom::After(replay.cursor);
        let found = self.0.store.journal_search(Some(replay.business), filter, from, REPLAY_MAX).await?;
        let mut did = JournalReplayed::default();
        for head in found.heads {
            // What came since it began was heard by the present code.
            if head.position > replay.to {
                break;
            }
            did.entries += 1;
            match self.rehear(replay.business, head).await?.did {
                Ok(Did { news, .. }) => did.news += news as u64,
                Err(_) => did.left_out += 1,
            }
        }
        Ok((if found.more { found.looked_to } else { replay.to }, did))
    }

    /// Hears an entry again.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub async fn rehear(&self, business: BusinessId, mut head: JournalHead) -> Result<Reheard, Problem> {
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
