//! Content and submissions, in memory.

use transom_domain::content::Language;
use transom_domain::id::{BusinessId, ContentId};
use transom_domain::submission::Submission;

use super::table::MemoryRows;
use crate::rows::{ContentPlace, ContentRows, Result, Seq};
use crate::{ContentOrder, StoredContent};

impl MemoryRows {
    fn content_seq(&self, business: BusinessId, id: ContentId) -> Option<Seq> {
        self.contents.iter().find(|(_, stored)| stored.business == business && stored.id == id).map(|(seq, _)| *seq)
    }
}

impl ContentRows for MemoryRows {
    fn content(&self, business: BusinessId, id: ContentId) -> Result<Option<StoredContent>> {
        Ok(self.content_seq(business, id).and_then(|seq| self.contents.get(&seq).cloned()))
    }

    fn add_content(&mut self, new: &StoredContent) -> Result<()> {
        let seq = self.last_content.get(&()).copied().unwrap_or(0) + 1;
        self.last_content.put((), seq);
        self.contents.put(seq, new.clone());
        Ok(())
    }

    fn count_contents(&self, business: BusinessId) -> Result<usize> {
        Ok(self.contents.values().filter(|stored| stored.business == business).count())
    }

    fn set_content(&mut self, changed: &StoredContent) -> Result<()> {
        if let Some(seq) = self.content_seq(changed.business, changed.id) {
            self.contents.put(seq, changed.clone());
        }
        Ok(())
    }

    fn drop_content(&mut self, business: BusinessId, id: ContentId) -> Result<()> {
        if let Some(seq) = self.content_seq(business, id) {
            self.contents.drop(&seq);
        }
        Ok(())
    }

    fn contents(
        &self,
        business: BusinessId,
        order: ContentOrder,
        after: Option<&ContentPlace>,
        limit: usize,
    ) -> Result<Vec<(Seq, StoredContent)>> {
        let compare = |a: &ContentPlace, b: &ContentPlace| match order {
            ContentOrder::Newest => b.seq.cmp(&a.seq),
            ContentOrder::Oldest => a.seq.cmp(&b.seq),
            ContentOrder::ChangedLast => (b.changed, b.id).cmp(&(a.changed, a.id)),
            ContentOrder::ChangedFirst => (a.changed, a.id).cmp(&(b.changed, b.id)),
            ContentOrder::Name => (&a.name, a.id).cmp(&(&b.name, b.id)),
            ContentOrder::NameDown => (&b.name, b.id).cmp(&(&a.name, a.id)),
        };
        let own = self.contents.iter().filter(|(_, stored)| stored.business == business);
        let mut found: Vec<_> = own.map(|(seq, stored)| (ContentPlace::of(*seq, stored), stored)).collect();
        found.retain(|(place, _)| after.is_none_or(|after| compare(after, place).is_lt()));
        found.sort_by(|(a, _), (b, _)| compare(a, b));
        Ok(found.into_iter().take(limit).map(|(place, stored)| (place.seq, stored.clone())).collect())
    }

    fn submissions(&self, business: BusinessId, content: ContentId) -> Result<Vec<Submission>> {
        let of = self.submissions.iter().filter(|((b, c, ..), _)| *b == business && *c == content);
        let mut found: Vec<Submission> = of.map(|(_, submission)| submission.clone()).collect();
        found.sort_by(|a, b| (a.submitted_at, &a.waba, &a.name).cmp(&(b.submitted_at, &b.waba, &b.name)));
        Ok(found)
    }

    fn submitted_as(&self, business: BusinessId, waba: &str, name: &str, language: &Language) -> Result<Vec<ContentId>> {
        let under = self
            .submissions
            .iter()
            .filter(|((b, _, w, n, _), s)| *b == business && w == waba && n == name && s.language == *language);
        Ok(under.map(|((_, content, ..), _)| *content).collect())
    }

    fn put_submission(&mut self, business: BusinessId, new: &Submission) -> Result<()> {
        self.submissions.put((business, new.content, new.waba.clone(), new.name.clone(), new.submitted_at), new.clone());
        Ok(())
    }

    fn drop_submission(&mut self, business: BusinessId, gone: &Submission) -> Result<()> {
        self.submissions.drop(&(business, gone.content, gone.waba.clone(), gone.name.clone(), gone.submitted_at));
        Ok(())
    }
}
