//! What changes about a message: its standing and its attempts. Read whole, changed in memory, written once at the end of a move as
//! one row; attempts before the last have rows of their own.

use super::params;

use transom_domain::id::{BusinessId, MessageId};
use transom_domain::status::Progress;

use super::{Sql, SqliteRows, json_if};
use crate::StoreError;
use crate::cache::{Cache, State};
use crate::rows::{AttemptRow, Result, Seq, Standing};
use crate::sql::message::phase;
use crate::sql::state::{attempt, state};

/// The query of what [`state`] reads, in its order, with a condition.
macro_rules! select_state {
    ($which:literal) => {
        concat!(
            "SELECT m.seq, m.id, m.business, m.sender, m.customer, m.channel, m.address, m.position, m.class,
     m.accepted_at, m.expires_at, m.when_unknown, m.callback_data, m.campaign, m.reply_to, m.content, m.origin,
     s.phase, s.phase_at, s.failure, s.status, s.told, m.lane_of,
     s.number, s.owner, s.started_at, s.progress, s.at, s.provider_id, s.error, s.note, s.pricing, s.priced,
     s.judged, s.verdict FROM message m JOIN standing s ON s.seq = m.seq",
            $which
        )
    };
}

/// One message, by its id.
pub(super) const STATE_BY_ID: &str = select_state!(" WHERE m.business = ?1 AND m.id = ?2");
/// One message, by its number.
pub(super) const STATE_BY_SEQ: &str = select_state!(" WHERE m.seq = ?1");
/// The attempts of a message before the last, as [`attempt`] reads them.
pub(super) const FORMER_ATTEMPTS: &str =
    "SELECT number, owner, started_at, progress, at, provider_id, error, note, pricing, priced
     FROM attempt WHERE seq = ?1 ORDER BY number";

impl SqliteRows<'_> {
    /// Shows what changes about a message, from memory or from its rows.
    pub(super) fn state<T>(&self, seq: Seq, show: impl FnOnce(&State) -> T) -> Result<Option<T>> {
        if let Some(cache) = self.cache {
            if let Some(state) = cache.unwritten.borrow().get(&seq) {
                return Ok(Some(show(state)));
            }
            if let Some(state) = cache.messages.borrow().get(&seq) {
                return Ok(Some(show(state)));
            }
        }
        let found = self.one(STATE_BY_SEQ, [seq], state)?;
        self.remember(found, show)
    }

    /// As [`SqliteRows::state`], by the message's id.
    pub(super) fn state_of<T>(&self, business: BusinessId, id: MessageId, show: impl FnOnce(&State) -> T) -> Result<Option<T>> {
        let known = self.cache.and_then(|cache| cache.ids.borrow().get(&(business, id)).copied());
        if let Some(seq) = known {
            return self.state(seq, show);
        }
        let found = self.one(STATE_BY_ID, [business.to_bytes(), id.to_bytes()], state)?;
        if let (Some(cache), Some(state)) = (self.cache, &found) {
            let seq = state.brief.seq;
            cache.ids.borrow_mut().put((business, id), seq);
            // What is remembered under its number is newer than its row.
            if cache.unwritten.borrow().contains_key(&seq) || cache.messages.borrow().get(&seq).is_some() {
                return self.state(seq, show);
            }
        }
        self.remember(found, show)
    }

    /// Adds the former attempts to what was read, and keeps it.
    fn remember<T>(&self, found: Option<State>, show: impl FnOnce(&State) -> T) -> Result<Option<T>> {
        let Some(mut state) = found else { return Ok(None) };
        if state.stored.is_some_and(|number| number > 1) {
            let mut attempts = self.all(FORMER_ATTEMPTS, [state.brief.seq], |row| attempt(row, 0))?;
            attempts.append(&mut state.attempts);
            state.attempts = attempts;
        }
        let shown = show(&state);
        if let Some(cache) = self.cache {
            cache.messages.borrow_mut().put(state.brief.seq, state);
        }
        Ok(Some(shown))
    }

    /// Changes something about a message. It is written by [`SqliteRows::finish_states`].
    pub(super) fn change(&self, seq: Seq, change: impl FnOnce(&mut State)) -> Result<()> {
        let cache = self.cache()?;
        if !cache.unwritten.borrow().contains_key(&seq) {
            self.state(seq, |_| ())?.ok_or_else(|| StoreError::Corrupt(format!("message {seq}: is gone")))?;
            if let Some(state) = cache.messages.borrow_mut().take(&seq) {
                cache.unwritten.borrow_mut().insert(seq, state);
            }
        }
        if let Some(state) = cache.unwritten.borrow_mut().get_mut(&seq) {
            change(state);
        }
        cache.changed();
        Ok(())
    }

    /// A message that has no row for this yet.
    pub(super) fn begin_state(&self, state: State) -> Result<()> {
        let cache = self.cache()?;
        cache.ids.borrow_mut().put((state.brief.business, state.brief.id), state.brief.seq);
        cache.unwritten.borrow_mut().insert(state.brief.seq, state);
        cache.changed();
        Ok(())
    }

    /// A message that is gone.
    pub(super) fn forget_state(&self, cache: &Cache, seq: Seq) {
        let unwritten = cache.unwritten.borrow_mut().remove(&seq);
        let remembered = cache.messages.borrow_mut().take(&seq);
        if let Some(state) = unwritten.or(remembered) {
            cache.ids.borrow_mut().take(&(state.brief.business, state.brief.id));
        } else {
            // Nothing tells its id here: none is remembered for certain.
            cache.ids.take();
        }
    }

    /// Writes what changed. Queries that go by an index of what changes need it first.
    pub(super) fn finish_states(&self) -> Result<()> {
        let Some(cache) = self.cache else { return Ok(()) };
        loop {
            let next = cache.unwritten.borrow_mut().pop_first();
            let Some((seq, mut state)) = next else { return Ok(()) };
            self.write_state(seq, &state)?;
            state.stored = Some(state.attempts.last().map_or(0, |last| last.attempt.number));
            state.changed.clear();
            cache.messages.borrow_mut().put(seq, state);
        }
    }

    fn write_state(&self, seq: Seq, state: &State) -> Result<()> {
        let last = state.attempts.last();
        let number = last.map(|row| row.attempt.number);
        let former = state.attempts.split_last().map_or(&[][..], |(_, former)| former);
        for row in former {
            // The last one until now takes a row of its own.
            if state.stored == Some(row.attempt.number) || state.changed.contains(&row.attempt.number) {
                self.put_former(seq, row)?;
            }
        }
        if let (Some(number), true) = (number, state.stored > number) {
            // The one before it was taken back.
            self.run("DELETE FROM attempt WHERE seq = ?1 AND number = ?2", params![seq, number])?;
        }
        let Standing { status, told, phase: ref now } = state.standing;
        let (word, at, failure) = phase(now)?;
        let a = last.map(|row| &row.attempt);
        let (judged, verdict) = state.judged.as_ref().map(|(number, verdict)| (*number, verdict.as_deref())).unzip();
        let sql = if state.stored.is_some() { UPDATE_STANDING } else { INSERT_STANDING };
        self.run(
            sql,
            params![
                seq,
                word,
                at,
                failure,
                status.as_str(),
                told,
                number,
                last.map(|row| row.owner.cast_signed()),
                a.map(|a| a.started_at.as_millis()),
                a.map(|a| a.progress.as_str()),
                a.map(|a| a.at.as_millis()),
                a.and_then(|a| a.provider_id.as_deref()),
                json_if(a.and_then(|a| a.error.as_ref()))?,
                a.and_then(|a| a.note.as_deref()),
                json_if(a.and_then(|a| a.pricing.as_ref()))?,
                last.and_then(|row| row.priced).map(Progress::as_str),
                judged,
                verdict.flatten(),
            ],
        )?;
        Ok(())
    }

    fn put_former(&self, seq: Seq, row: &AttemptRow) -> Result<()> {
        let a = &row.attempt;
        self.run(
            "INSERT INTO attempt (seq, number, owner, started_at, progress, at, provider_id, error, note, pricing, priced)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
             ON CONFLICT (seq, number) DO UPDATE SET progress = ?5, at = ?6, provider_id = ?7, error = ?8, note = ?9,
                 pricing = ?10, priced = ?11",
            params![
                seq,
                a.number,
                row.owner.cast_signed(),
                a.started_at.as_millis(),
                a.progress.as_str(),
                a.at.as_millis(),
                a.provider_id,
                json_if(a.error.as_ref())?,
                a.note,
                json_if(a.pricing.as_ref())?,
                row.priced.map(Progress::as_str)
            ],
        )?;
        Ok(())
    }
}

const INSERT_STANDING: &str =
    "INSERT INTO standing (seq, phase, phase_at, failure, status, told, number, owner, started_at, progress, at,
     provider_id, error, note, pricing, priced, judged, verdict)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)";

const UPDATE_STANDING: &str = "UPDATE standing SET phase = ?2, phase_at = ?3, failure = ?4, status = ?5, told = ?6, number = ?7,
     owner = ?8, started_at = ?9, progress = ?10, at = ?11, provider_id = ?12, error = ?13, note = ?14, pricing = ?15, priced = ?16,
     judged = ?17, verdict = ?18 WHERE seq = ?1";
