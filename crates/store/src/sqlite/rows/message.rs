//! Messages, attempts, and the narrow rows beside them.

use std::rc::Rc;

use super::params;

use transom_domain::fact::{HeardBy, Inbound};
use transom_domain::id::{BusinessId, ContentId, CustomerId, MessageId};
use transom_domain::time::Timestamp;
use transom_domain::verdict::Verdict;

use super::{Sql, SqliteRows, bound, get, get_count, get_json, get_json_if, get_small, get_time, int, json, json_if, millis};
use crate::cache::{State, Written};
use crate::rows::{AttemptRow, Brief, Kept, MessageRows, NewMessage, Orphan, Result, Seq, Standing, Verdicts, Whole};
use crate::sql::message::{brief, reported, word};
use crate::{Step, Word};

/// The query of what [`brief`] reads, in its order, with a condition.
macro_rules! select_brief {
    ($which:literal) => {
        concat!(
            "SELECT m.seq, m.id, m.business, m.sender, m.customer, m.channel, m.address, m.position, m.class,
     m.accepted_at, m.expires_at, m.when_unknown, m.callback_data, m.campaign, m.reply_to, m.content, m.origin,
     s.phase, s.phase_at, s.failure, s.status, s.told, m.lane_of FROM message m JOIN standing s ON s.seq = m.seq",
            $which
        )
    };
}

/// A customer's messages, newest first.
pub(super) const NEWEST_OF_CUSTOMER: &str =
    select_brief!(" WHERE m.business = ?1 AND m.customer = ?2 AND m.seq < ?3 ORDER BY m.seq DESC LIMIT ?4");
/// A business's messages, newest first.
pub(super) const NEWEST: &str = select_brief!(" WHERE m.business = ?1 AND m.seq < ?2 ORDER BY m.seq DESC LIMIT ?3");

/// One word of a message.
pub(super) const WORD: &str = "SELECT attempt, word, at, heard_at, until, error, note, pricing, heard_by, answer FROM word
     WHERE seq = ?1 AND attempt = ?2 AND word = ?3";

/// The words of a message.
pub(super) const WORDS: &str = "SELECT attempt, word, at, heard_at, until, error, note, pricing, heard_by, answer FROM word
     WHERE seq = ?1 ORDER BY attempt, word LIMIT ?2";

/// Messages whose unknown attempt is to be decided.
pub(super) const OVERDUE: &str =
    "SELECT seq FROM standing WHERE phase = 'unknown' AND phase_at <= ?1 ORDER BY phase_at, seq LIMIT ?2";

/// When the next is to be decided.
pub(super) const NEXT_OVERDUE: &str =
    "SELECT phase_at FROM standing WHERE phase = 'unknown' AND phase_at > ?1 ORDER BY phase_at LIMIT 1";

/// Attempts of other owners without an outcome. Another is only begun once the one before has one, so that they are the last ones.
pub(super) const LEFT_BEHIND: &str = "SELECT seq, number FROM standing INDEXED BY standing_open WHERE progress = 'started' AND owner <> ?1 ORDER BY seq, number LIMIT ?2";

impl MessageRows for SqliteRows<'_> {
    fn finish(&mut self) -> Result<()> {
        self.finish_states()
    }

    fn insert_message(&mut self, message: &NewMessage<'_>) -> Result<Seq> {
        let b = message.brief;
        let verdict: Option<Rc<str>> = json_if(message.verdict)?.map(Into::into);
        self.run(
            "INSERT INTO message (id, business, sender, customer, channel, address, position, class, accepted_at, expires_at,
                 when_unknown, callback_data, campaign, reply_to, draft, inbound, verdict, told_at, content,
                 origin, lane_of)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)",
            params![
                b.id.to_bytes(),
                b.business.to_bytes(),
                b.sender.to_bytes(),
                b.customer.to_bytes(),
                b.channel.as_str(),
                b.address.to_string(),
                int(b.position),
                b.class.rank(),
                b.accepted_at.as_millis(),
                millis(b.expires_at),
                b.when_unknown.as_str(),
                b.callback_data,
                b.campaign,
                b.reply_to,
                json_if(message.draft)?,
                json_if(message.inbound)?,
                verdict.as_deref(),
                message.told_at.map(int),
                b.content.map(ContentId::to_bytes),
                json_if(b.origin.as_ref())?,
                (b.lane != b.customer).then(|| b.lane.to_bytes())
            ],
        )?;
        let seq = self.connection.last_insert_rowid();
        self.begin_state(State {
            brief: Rc::new(Brief { seq, ..b.clone() }),
            standing: message.standing.clone(),
            attempts: Vec::new(),
            judged: None,
            accepted_on: verdict,
            stored: None,
            changed: Vec::new(),
            words: None,
        })?;
        Ok(seq)
    }

    fn has_message(&self, business: BusinessId, id: MessageId) -> Result<bool> {
        let found =
            self.one("SELECT 1 FROM message WHERE business = ?1 AND id = ?2", [business.to_bytes(), id.to_bytes()], |_| Ok(()))?;
        Ok(found.is_some())
    }

    fn brief(&self, business: BusinessId, id: MessageId) -> Result<Option<(Brief, Standing)>> {
        self.state_of(business, id, |state| (Brief::clone(&state.brief), state.standing.clone()))
    }

    fn brief_of(&self, seq: Seq) -> Result<Option<(Brief, Standing)>> {
        self.state(seq, |state| (Brief::clone(&state.brief), state.standing.clone()))
    }

    fn whole(&self, seq: Seq) -> Result<Option<Whole>> {
        self.one(
            "SELECT m.draft, m.inbound, coalesce(s.verdict, m.verdict) AS verdict, m.redacted
             FROM message m LEFT JOIN standing s ON s.seq = m.seq WHERE m.seq = ?1",
            [seq],
            |row| {
                Ok(Whole {
                    draft: get_json_if(row, 0)?,
                    inbound: get_json_if(row, 1)?,
                    verdict: get_json_if(row, 2)?,
                    redacted: get(row, 3)?,
                })
            },
        )
    }

    fn set_lane(&mut self, seq: Seq, lane: CustomerId) -> Result<()> {
        self.run("UPDATE message SET lane_of = nullif(?2, customer) WHERE seq = ?1", params![seq, lane.to_bytes()])?;
        self.change(seq, |state| state.brief = Rc::new(Brief { lane, ..Brief::clone(&state.brief) }))
    }

    fn set_standing(&mut self, seq: Seq, standing: &Standing) -> Result<()> {
        self.change(seq, |state| state.standing = standing.clone())
    }

    fn set_verdict(&mut self, seq: Seq, attempt: u32, verdict: &Verdict) -> Result<()> {
        let again = json(verdict)?;
        self.change(seq, |state| {
            let same = state.accepted_on.as_deref() == Some(again.as_str());
            state.judged = Some((attempt, (!same).then(|| again.into())));
        })
    }

    fn verdicts(&self, seq: Seq) -> Result<Verdicts> {
        let both = self.one(
            "SELECT m.verdict, s.judged, s.verdict FROM message m JOIN standing s ON s.seq = m.seq WHERE m.seq = ?1",
            [seq],
            |row| {
                let first: Option<Verdict> = get_json_if(row, 0)?;
                let attempt: Option<u32> = get(row, 1)?;
                let again = get_json_if(row, 2)?.or_else(|| first.clone());
                Ok((first, attempt.zip(again)))
            },
        )?;
        Ok(both.unwrap_or_default())
    }

    fn told_at(&self, seq: Seq) -> Result<Option<u64>> {
        self.one("SELECT told_at FROM message WHERE seq = ?1 AND told_at IS NOT NULL", [seq], |row| get_count(row, 0))
    }

    fn put_inbound(&mut self, seq: Seq, inbound: &Inbound) -> Result<()> {
        self.run("UPDATE message SET inbound = ?2 WHERE seq = ?1", params![seq, json(inbound)?])?;
        Ok(())
    }

    fn redact_message(&mut self, seq: Seq, stub: Option<&Inbound>) -> Result<()> {
        self.run("UPDATE message SET draft = NULL, inbound = ?2, redacted = 1 WHERE seq = ?1", params![seq, json_if(stub)?])?;
        Ok(())
    }

    fn drop_message(&mut self, seq: Seq) -> Result<usize> {
        self.forget_state(self.cache()?, seq);
        let mut gone = 0;
        for table in [
            "DELETE FROM word WHERE seq = ?1",
            "DELETE FROM amendment WHERE seq = ?1",
            "DELETE FROM attempt WHERE seq = ?1",
            "DELETE FROM unread WHERE seq = ?1",
            "DELETE FROM standing WHERE seq = ?1",
            "DELETE FROM message WHERE seq = ?1",
        ] {
            gone += self.run(table, [seq])?;
        }
        Ok(gone)
    }

    fn newest(
        &self,
        business: BusinessId,
        customer: Option<CustomerId>,
        before: Option<Seq>,
        limit: usize,
    ) -> Result<Vec<(Brief, Standing)>> {
        let before = before.unwrap_or(i64::MAX);
        self.finish_states()?;
        match customer {
            Some(customer) => {
                self.all(NEWEST_OF_CUSTOMER, params![business.to_bytes(), customer.to_bytes(), before, bound(limit)], brief)
            }
            None => self.all(NEWEST, params![business.to_bytes(), before, bound(limit)], brief),
        }
    }

    fn overdue(&self, now: Timestamp, limit: usize) -> Result<Vec<Seq>> {
        self.finish_states()?;
        self.all(OVERDUE, params![now.as_millis(), bound(limit)], |row| get(row, "seq"))
    }

    fn next_overdue(&self, now: Timestamp) -> Result<Option<Timestamp>> {
        self.finish_states()?;
        self.one(NEXT_OVERDUE, [now.as_millis()], |row| get_time(row, "phase_at"))
    }

    fn attempts(&self, seq: Seq) -> Result<Vec<AttemptRow>> {
        Ok(self.state(seq, |state| state.attempts.clone())?.unwrap_or_default())
    }

    fn put_attempt(&mut self, seq: Seq, row: &AttemptRow) -> Result<()> {
        let number = row.attempt.number;
        self.change(seq, |state| match state.attempts.iter().position(|known| known.attempt.number >= number) {
            Some(at) if state.attempts[at].attempt.number == number => {
                state.attempts[at] = row.clone();
                state.changed.push(number);
            }
            at => state.attempts.insert(at.unwrap_or(state.attempts.len()), row.clone()),
        })
    }

    fn drop_attempt(&mut self, seq: Seq, number: u32) -> Result<()> {
        self.run("DELETE FROM word WHERE seq = ?1 AND attempt = ?2", params![seq, number])?;
        self.run("DELETE FROM attempt WHERE seq = ?1 AND number = ?2", params![seq, number])?;
        self.change(seq, |state| state.attempts.retain(|row| row.attempt.number != number))
    }

    fn left_behind(&self, owner: u64, limit: usize) -> Result<Vec<(Seq, u32)>> {
        self.finish_states()?;
        self.all(LEFT_BEHIND, params![owner.cast_signed(), bound(limit)], |row| Ok((get(row, "seq")?, get_small(row, "number")?)))
    }

    fn add_word(&mut self, seq: Seq, word: &Word) -> Result<bool> {
        let added = self.run(
            "INSERT OR IGNORE INTO word (seq, attempt, word, at, heard_at, until, error, note, pricing, heard_by, answer)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            params![
                seq,
                word.attempt,
                word.step.as_str(),
                word.at.as_millis(),
                word.heard_at.as_millis(),
                millis(word.until),
                json_if(word.error.as_ref())?,
                word.note,
                json_if(word.pricing.as_ref())?,
                (word.by != HeardBy::Webhook).then(|| word.by.as_str()),
                json_if(word.answer.as_ref())?
            ],
        )?;
        Ok(added > 0)
    }

    fn word(&self, seq: Seq, attempt: u32, step: Step) -> Result<Option<Word>> {
        self.one(WORD, params![seq, attempt, step.as_str()], word)
    }

    fn set_word(&mut self, seq: Seq, word: &Word) -> Result<()> {
        self.run(
            "DELETE FROM word WHERE seq = ?1 AND attempt = ?2 AND word = ?3",
            params![seq, word.attempt, word.step.as_str()],
        )?;
        self.add_word(seq, word).map(|_| ())
    }

    fn words(&self, seq: Seq, limit: usize) -> Result<Vec<Word>> {
        self.all(WORDS, params![seq, bound(limit)], word)
    }

    fn provided(&self, business: BusinessId, provider_id: &str) -> Result<Option<(Seq, u32)>> {
        let key = (business, provider_id.to_owned());
        if let Some(known) = self.cache.and_then(|cache| cache.provided.borrow().get(&key).copied()) {
            return Ok(Some(known));
        }
        let found = self.one(
            "SELECT seq, attempt FROM provider WHERE business = ?1 AND provider_id = ?2",
            params![business.to_bytes(), provider_id],
            |row| Ok((get(row, 0)?, get_small(row, 1)?)),
        )?;
        if let (Some(cache), Some(found)) = (self.cache, found) {
            cache.provided.borrow_mut().put(key, found);
        }
        Ok(found)
    }

    fn bind(&mut self, business: BusinessId, provider_id: &str, seq: Seq, attempt: u32) -> Result<()> {
        let bound = self.run(
            "INSERT OR IGNORE INTO provider (business, provider_id, seq, attempt) VALUES (?1, ?2, ?3, ?4)",
            params![business.to_bytes(), provider_id, seq, attempt],
        )?;
        if bound > 0 {
            self.cache()?.provided.borrow_mut().put((business, provider_id.to_owned()), (seq, attempt));
        }
        Ok(())
    }

    fn put_orphan(&mut self, business: BusinessId, orphan: &Orphan) -> Result<bool> {
        let kept = self.run(
            "INSERT OR IGNORE INTO orphan (business, provider_id, status, app, at, report, failure)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                business.to_bytes(),
                orphan.report.provider_id,
                reported(orphan.report.status),
                orphan.app,
                orphan.at.as_millis(),
                json(&orphan.report)?,
                json_if(orphan.failure.as_ref())?
            ],
        )?;
        self.cache()?.orphans.set(Some(true));
        Ok(kept > 0)
    }

    fn take_orphans(&mut self, business: BusinessId, provider_id: &str) -> Result<Vec<Orphan>> {
        let orphans = &self.cache()?.orphans;
        // Asked for every message, and there hardly ever are any.
        if orphans.get().is_none() {
            orphans.set(Some(self.one("SELECT 1 FROM orphan LIMIT 1", params![], |_| Ok(()))?.is_some()));
        }
        if orphans.get() == Some(false) {
            return Ok(Vec::new());
        }
        let orphans = self.all(
            "SELECT * FROM orphan WHERE business = ?1 AND provider_id = ?2 ORDER BY status",
            params![business.to_bytes(), provider_id],
            |row| {
                Ok(Orphan {
                    report: get_json(row, "report")?,
                    failure: get_json_if(row, "failure")?,
                    app: get(row, "app")?,
                    at: get_time(row, "at")?,
                })
            },
        )?;
        if !orphans.is_empty() {
            self.run("DELETE FROM orphan WHERE business = ?1 AND provider_id = ?2", params![business.to_bytes(), provider_id])?;
        }
        Ok(orphans)
    }

    fn kept(&self, business: BusinessId, key: &str) -> Result<Option<Kept>> {
        self.one(
            "SELECT fingerprint, answer, until FROM idempotency WHERE business = ?1 AND key = ?2",
            params![business.to_bytes(), key],
            |row| Ok(Kept { fingerprint: get(row, "fingerprint")?, answer: get(row, "answer")?, until: get_time(row, "until")? }),
        )
    }

    fn keep(&mut self, business: BusinessId, key: &str, kept: &Kept) -> Result<()> {
        self.run(
            "INSERT OR REPLACE INTO idempotency (business, key, fingerprint, answer, until) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![business.to_bytes(), key, kept.fingerprint, kept.answer, kept.until.as_millis()],
        )?;
        Ok(())
    }

    fn heard_of(&self, app: &str) -> Result<Option<Timestamp>> {
        if let Some(known) = self.cache.and_then(|cache| cache.heard_of.borrow().get(app).map(|kept| kept.value)) {
            return Ok(Some(known));
        }
        let found = self.one("SELECT started_at FROM app_heard WHERE app = ?1", [app], |row| get_time(row, 0))?;
        if let (Some(cache), Some(value)) = (self.cache, found) {
            cache.heard_of.borrow_mut().insert(app.to_owned(), Written { value, dirty: false });
        }
        Ok(found)
    }

    fn put_heard_of(&mut self, app: &str, started_at: Timestamp) -> Result<()> {
        let cache = self.cache()?;
        cache.heard_of.borrow_mut().insert(app.to_owned(), Written { value: started_at, dirty: true });
        cache.changed();
        Ok(())
    }
}
