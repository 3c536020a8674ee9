//! Messages, in memory.

use transom_domain::fact::Inbound;
use transom_domain::id::{BusinessId, CustomerId, MessageId};
use transom_domain::status::{Phase, Progress};
use transom_domain::time::Timestamp;
use transom_domain::verdict::Verdict;

use super::table::MemoryRows;
use crate::rows::{AttemptRow, Brief, Kept, MessageRows, NewMessage, Orphan, Result, Seq, Standing, Verdicts, Whole};
use crate::{Step, StoreError, Word};

impl MemoryRows {
    fn whole_mut(&mut self, seq: Seq, change: impl FnOnce(&mut Whole)) {
        if let Some((brief, mut whole)) = self.messages.get(&seq).cloned() {
            change(&mut whole);
            self.messages.put(seq, (brief, whole));
        }
    }

    pub(super) fn open_unknowns(&self) -> impl Iterator<Item = (Timestamp, Seq)> {
        self.standings.iter().filter_map(|(seq, standing)| match standing.phase {
            Phase::Unknown { until } => Some((until, *seq)),
            _ => None,
        })
    }
}

impl MessageRows for MemoryRows {
    fn insert_message(&mut self, message: &NewMessage<'_>) -> Result<Seq> {
        let seq = self.last_seq.get(&()).copied().unwrap_or(0) + 1;
        self.last_seq.put((), seq);
        let brief = Brief { seq, ..message.brief.clone() };
        let whole = Whole {
            draft: message.draft.cloned(),
            inbound: message.inbound.cloned(),
            verdict: message.verdict.cloned(),
            redacted: false,
        };
        let key = (brief.business, brief.id);
        if self.ids.contains_key(&key) {
            return Err(StoreError::Corrupt(format!("message {}: the id is taken", brief.id)));
        }
        self.ids.put(key, seq);
        self.standings.put(seq, message.standing.clone());
        self.messages.put(seq, (brief, whole));
        if let Some(position) = message.told_at {
            self.told_at.put(seq, position);
        }
        Ok(seq)
    }

    fn has_message(&self, business: BusinessId, id: MessageId) -> Result<bool> {
        Ok(self.ids.contains_key(&(business, id)))
    }

    fn brief(&self, business: BusinessId, id: MessageId) -> Result<Option<(Brief, Standing)>> {
        match self.ids.get(&(business, id)) {
            Some(seq) => self.brief_of(*seq),
            None => Ok(None),
        }
    }

    fn brief_of(&self, seq: Seq) -> Result<Option<(Brief, Standing)>> {
        let message = self.messages.get(&seq).map(|(brief, _)| brief.clone());
        Ok(message.zip(self.standings.get(&seq).cloned()))
    }

    fn whole(&self, seq: Seq) -> Result<Option<Whole>> {
        let Some((_, whole)) = self.messages.get(&seq) else { return Ok(None) };
        let again = self.verdicts.get(&seq).map(|(_, verdict)| verdict.clone());
        Ok(Some(Whole { verdict: again.or_else(|| whole.verdict.clone()), ..whole.clone() }))
    }

    fn set_lane(&mut self, seq: Seq, lane: CustomerId) -> Result<()> {
        if let Some((brief, whole)) = self.messages.get(&seq).cloned() {
            self.messages.put(seq, (Brief { lane, ..brief }, whole));
        }
        Ok(())
    }

    fn set_standing(&mut self, seq: Seq, standing: &Standing) -> Result<()> {
        self.standings.put(seq, standing.clone());
        Ok(())
    }

    fn set_verdict(&mut self, seq: Seq, attempt: u32, verdict: &Verdict) -> Result<()> {
        self.verdicts.put(seq, (attempt, verdict.clone()));
        Ok(())
    }

    fn verdicts(&self, seq: Seq) -> Result<Verdicts> {
        let first = self.messages.get(&seq).and_then(|(_, whole)| whole.verdict.clone());
        Ok((first, self.verdicts.get(&seq).cloned()))
    }

    fn told_at(&self, seq: Seq) -> Result<Option<u64>> {
        Ok(self.told_at.get(&seq).copied())
    }

    fn put_inbound(&mut self, seq: Seq, inbound: &Inbound) -> Result<()> {
        self.whole_mut(seq, |whole| whole.inbound = Some(inbound.clone()));
        Ok(())
    }

    fn redact_message(&mut self, seq: Seq, stub: Option<&Inbound>) -> Result<()> {
        self.whole_mut(seq, |whole| (whole.draft, whole.inbound, whole.redacted) = (None, stub.cloned(), true));
        Ok(())
    }

    fn drop_message(&mut self, seq: Seq) -> Result<usize> {
        // As an engine counts that keeps the last attempt with the standing.
        let mut gone = self.attempts.drop_where(usize::MAX, |(s, _), _| *s == seq).saturating_sub(1);
        gone += self.words.drop_where(usize::MAX, |(s, ..), _| *s == seq);
        gone += usize::from(self.standings.contains_key(&seq));
        gone += usize::from(self.messages.contains_key(&seq));
        gone += self.amendments.drop_where(usize::MAX, |_, row| row.seq == Some(seq));
        gone += usize::from(self.unread.contains_key(&seq));
        self.unread.drop(&seq);
        self.verdicts.drop(&seq);
        self.told_at.drop(&seq);
        self.ids.drop_where(usize::MAX, |_, s| *s == seq);
        self.standings.drop(&seq);
        self.messages.drop(&seq);
        Ok(gone)
    }

    fn newest(
        &self,
        business: BusinessId,
        customer: Option<CustomerId>,
        before: Option<Seq>,
        limit: usize,
    ) -> Result<Vec<(Brief, Standing)>> {
        let before = before.unwrap_or(Seq::MAX);
        let fits = |brief: &&Brief| brief.business == business && customer.is_none_or(|c| c == brief.customer);
        let newest = self.messages.range(..before).rev().map(|(_, (brief, _))| brief).filter(fits).take(limit);
        Ok(newest.filter_map(|brief| Some((brief.clone(), self.standings.get(&brief.seq)?.clone()))).collect())
    }

    fn overdue(&self, now: Timestamp, limit: usize) -> Result<Vec<Seq>> {
        let mut over: Vec<_> = self.open_unknowns().filter(|(until, _)| *until <= now).collect();
        over.sort_unstable();
        Ok(over.into_iter().take(limit).map(|(_, seq)| seq).collect())
    }

    fn next_overdue(&self, now: Timestamp) -> Result<Option<Timestamp>> {
        Ok(self.open_unknowns().map(|(until, _)| until).filter(|until| *until > now).min())
    }

    fn attempts(&self, seq: Seq) -> Result<Vec<AttemptRow>> {
        Ok(self.attempts.range((seq, 0)..=(seq, u32::MAX)).map(|(_, row)| row.clone()).collect())
    }

    fn put_attempt(&mut self, seq: Seq, row: &AttemptRow) -> Result<()> {
        self.attempts.put((seq, row.attempt.number), row.clone());
        Ok(())
    }

    fn drop_attempt(&mut self, seq: Seq, number: u32) -> Result<()> {
        let words: Vec<_> = self.words.range((seq, number, "")..(seq, number + 1, "")).map(|(key, _)| *key).collect();
        for word in &words {
            self.words.drop(word);
        }
        self.attempts.drop(&(seq, number));
        Ok(())
    }

    fn left_behind(&self, owner: u64, limit: usize) -> Result<Vec<(Seq, u32)>> {
        let left = |row: &AttemptRow| row.owner != owner && row.attempt.progress == Progress::Started;
        Ok(self.attempts.iter().filter(|(_, row)| left(row)).map(|(key, _)| *key).take(limit).collect())
    }

    fn add_word(&mut self, seq: Seq, word: &Word) -> Result<bool> {
        let key = (seq, word.attempt, word.step.as_str());
        if self.words.contains_key(&key) {
            return Ok(false);
        }
        self.words.put(key, word.clone());
        Ok(true)
    }

    fn word(&self, seq: Seq, attempt: u32, step: Step) -> Result<Option<Word>> {
        Ok(self.words.get(&(seq, attempt, step.as_str())).cloned())
    }

    fn set_word(&mut self, seq: Seq, word: &Word) -> Result<()> {
        self.words.put((seq, word.attempt, word.step.as_str()), word.clone());
        Ok(())
    }

    fn words(&self, seq: Seq, limit: usize) -> Result<Vec<Word>> {
        Ok(self.words.range((seq, 0, "")..(seq + 1, 0, "")).take(limit).map(|(_, word)| word.clone()).collect())
    }

    fn provided(&self, business: BusinessId, provider_id: &str) -> Result<Option<(Seq, u32)>> {
        Ok(self.provided.get(&(business, provider_id.to_owned())).copied())
    }

    fn bind(&mut self, business: BusinessId, provider_id: &str, seq: Seq, attempt: u32) -> Result<()> {
        let key = (business, provider_id.to_owned());
        if !self.provided.contains_key(&key) {
            self.provided.put(key, (seq, attempt));
        }
        Ok(())
    }

    fn put_orphan(&mut self, business: BusinessId, orphan: &Orphan) -> Result<bool> {
        let word = format!("{:?}", orphan.report.status).to_lowercase();
        let key = (business, orphan.report.provider_id.clone(), word);
        if self.orphans.contains_key(&key) {
            return Ok(false);
        }
        self.orphans.put(key, orphan.clone());
        Ok(true)
    }

    fn take_orphans(&mut self, business: BusinessId, provider_id: &str) -> Result<Vec<Orphan>> {
        let of = |(b, id, _): &(BusinessId, String, String)| *b == business && id == provider_id;
        let orphans = self.orphans.iter().filter(|(key, _)| of(key)).map(|(_, orphan)| orphan.clone()).collect();
        self.orphans.drop_where(usize::MAX, |key, _| of(key));
        Ok(orphans)
    }

    fn kept(&self, business: BusinessId, key: &str) -> Result<Option<Kept>> {
        Ok(self.kept.get(&(business, key.to_owned())).cloned())
    }

    fn keep(&mut self, business: BusinessId, key: &str, kept: &Kept) -> Result<()> {
        self.kept.put((business, key.to_owned()), kept.clone());
        Ok(())
    }

    fn heard_of(&self, app: &str) -> Result<Option<Timestamp>> {
        Ok(self.heard_of.get(app).copied())
    }

    fn put_heard_of(&mut self, app: &str, started_at: Timestamp) -> Result<()> {
        self.heard_of.put(app.to_owned(), started_at);
        Ok(())
    }
}
