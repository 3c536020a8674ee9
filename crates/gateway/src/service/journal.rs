//! The journal and how long things are kept, as a business sees them.

use std::sync::Arc;

use transom_domain::id::{JournalId, MessageId};
use transom_domain::time::Span;
use transom_store::{Action, JournalEntry, JournalFilter, JournalFound, JournalFrom, Keep, Retention};

use super::Service;
use super::command::Caller;
use crate::problem::Problem;

/// How long a business keeps what is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// What it chose.
    pub chosen: Retention,
    /// What the configuration allows at most, and what holds where nothing is chosen.
    pub most: Keep,
}

impl Service {
    /// Raw bodies that fit, from a position on; with `message` those of them that speak of it.
    ///
    /// # Errors
    /// 404 when this business has no such message; when the store does not answer.
    pub async fn search_journal(
        &self,
        caller: &Caller,
        mut filter: JournalFilter,
        message: Option<MessageId>,
        from: JournalFrom,
        limit: usize,
    ) -> Result<JournalFound, Problem> {
        if let Some(id) = message {
            let found = self.store.message(caller.business, id).await?;
            let message = found.ok_or_else(|| Problem::not_found("message"))?;
            let sent = message.attempts.iter().filter_map(|attempt| attempt.provider_id.clone());
            let ids: Vec<String> = sent.chain(message.inbound.map(|inbound| inbound.provider_id)).collect();
            if ids.is_empty() {
                // Nothing that Meta posts can speak of it.
                return Ok(JournalFound { looked_to: from.position(), ..JournalFound::default() });
            }
            let since = message.accepted_at.minus(Span::minutes(1));
            filter.range.since = Some(filter.range.since.map_or(since, |asked| asked.max(since)));
            filter.ids = ids;
        }
        Ok(self.store.journal_search(Some(caller.business), filter, from, limit).await?)
    }

    /// One raw body.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn journal_entry(&self, caller: &Caller, id: JournalId) -> Result<Option<JournalEntry>, Problem> {
        Ok(self.store.journal_entry(Some(caller.business), id).await?)
    }

    /// How long this business keeps what is over.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn retention(&self, caller: &Caller) -> Result<Kept, Problem> {
        let chosen = self.store.settings(caller.business).await?.retention;
        Ok(Kept { chosen, most: self.keep })
    }

    /// Chooses how long this business keeps what is over; what is left out follows the configuration. What is past it goes at
    /// the next sweep.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn set_retention(&self, caller: &Caller, chosen: Retention) -> Result<Kept, Problem> {
        self.store.change_settings(caller.business, Arc::new(move |settings| settings.retention = chosen)).await?;
        self.audited(caller, Action::RetentionSet, "").await;
        tracing::info!(business.id = %caller.business, ?chosen, "how long things are kept was changed");
        self.retention(caller).await
    }
}
