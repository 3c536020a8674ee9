//! What was heard beside messages and statuses, in memory.

use transom_domain::id::BusinessId;
use transom_domain::time::Timestamp;

use super::table::MemoryRows;
use crate::rows::{AMENDMENTS_MAX, AmendmentRow, HeardRows, Mark, REVOCATIONS_MAX, Result, Seq};

impl HeardRows for MemoryRows {
    fn amendments(&self, business: BusinessId, original: &str) -> Result<Vec<AmendmentRow>> {
        let first = (business, original.to_owned(), String::new());
        let of = self.amendments.range(first..).take_while(|((b, o, _), _)| *b == business && o == original);
        Ok(of.map(|(_, row)| row.clone()).take(AMENDMENTS_MAX + REVOCATIONS_MAX).collect())
    }

    fn amendments_of(&self, seq: Seq) -> Result<Vec<AmendmentRow>> {
        Ok(self.amendments.values().filter(|row| row.seq == Some(seq)).take(AMENDMENTS_MAX + REVOCATIONS_MAX).cloned().collect())
    }

    fn put_amendment(&mut self, business: BusinessId, row: &AmendmentRow) -> Result<()> {
        self.amendments.put((business, row.original.clone(), row.provider_id.clone()), row.clone());
        Ok(())
    }

    fn redact_amendments(&mut self, seq: Seq) -> Result<()> {
        let of: Vec<_> =
            self.amendments.iter().filter(|(_, row)| row.seq == Some(seq)).map(|(k, r)| (k.clone(), r.clone())).collect();
        for (key, row) in of {
            self.amendments.put(key, AmendmentRow { amended: None, ..row });
        }
        Ok(())
    }

    fn sweep_amendments(&mut self, before: Timestamp, limit: usize) -> Result<usize> {
        Ok(self.amendments.drop_where(limit, |_, row| row.seq.is_none() && row.heard_at < before))
    }

    fn news_at(&self, business: BusinessId, mark: &Mark) -> Result<Option<Timestamp>> {
        Ok(self.news.get(&(business, *mark)).copied())
    }

    fn put_news(&mut self, business: BusinessId, mark: &Mark, at: Timestamp) -> Result<()> {
        self.news.put((business, *mark), at);
        Ok(())
    }

    fn sweep_news(&mut self, before: Timestamp, limit: usize) -> Result<usize> {
        Ok(self.news.drop_where(limit, |_, at| *at < before))
    }
}
