//! Files, in memory.

use std::ops::Bound;

use transom_domain::id::{BusinessId, MediaId, SenderId};
use transom_domain::time::Timestamp;

use super::table::MemoryRows;
use crate::rows::{MediaRows, Result};
use crate::{Digest, Media, UpstreamCopy};

impl MediaRows for MemoryRows {
    fn media(&self, business: BusinessId, id: MediaId) -> Result<Option<Media>> {
        Ok(self.media.get(&(business, id)).cloned())
    }

    fn put_media(&mut self, media: &Media) -> Result<()> {
        self.media.put((media.business, media.id), media.clone());
        Ok(())
    }

    fn drop_media(&mut self, business: BusinessId, id: MediaId) -> Result<()> {
        self.media.drop(&(business, id));
        Ok(())
    }

    fn has_bytes(&self, business: BusinessId, digest: &Digest) -> Result<bool> {
        let mut of = self.media.range((business, MediaId(0))..=(business, MediaId(u128::MAX)));
        Ok(of.any(|(_, media)| media.state.digest() == Some(*digest)))
    }

    fn old_media(&self, business: BusinessId, before: Timestamp, limit: usize) -> Result<Vec<MediaId>> {
        let mine = self.media.iter().filter(|((of, _), m)| *of == business && m.at < before);
        let mut old: Vec<_> = mine.map(|((_, id), m)| (m.at, *id)).collect();
        old.sort_unstable();
        Ok(old.into_iter().take(limit).map(|(_, id)| id).collect())
    }

    fn next_fetching(&self, after: Option<SenderId>) -> Result<Option<SenderId>> {
        let waiting = self.media.values().filter(|m| m.state.due().is_some()).filter_map(|m| m.sender);
        Ok(waiting.filter(|sender| after.is_none_or(|after| *sender > after)).min())
    }

    fn to_fetch(&self, sender: SenderId, limit: usize) -> Result<Vec<Media>> {
        let mut of: Vec<&Media> = self.media.values().filter(|m| m.sender == Some(sender)).collect();
        of.retain(|m| m.state.due().is_some());
        of.sort_by_key(|m| (m.state.due(), m.business, m.id));
        Ok(of.into_iter().take(limit).cloned().collect())
    }

    fn put_loose(&mut self, business: BusinessId, digest: &Digest, at: Timestamp) -> Result<()> {
        let (known, removing) = self.loose.get(&(business, *digest)).copied().unwrap_or((at, None));
        self.loose.put((business, *digest), (known.max(at), removing));
        Ok(())
    }

    fn drop_loose(&mut self, business: BusinessId, digest: &Digest) -> Result<()> {
        self.loose.drop(&(business, *digest));
        Ok(())
    }

    fn loose_since(&self, business: BusinessId, digest: &Digest) -> Result<Option<(Timestamp, Option<Timestamp>)>> {
        Ok(self.loose.get(&(business, *digest)).copied())
    }

    fn put_removing(&mut self, business: BusinessId, digest: &Digest, until: Timestamp) -> Result<()> {
        if let Some((at, _)) = self.loose.get(&(business, *digest)).copied() {
            self.loose.put((business, *digest), (at, Some(until)));
        }
        Ok(())
    }

    fn loose(&self, before: Timestamp, limit: usize) -> Result<Vec<(BusinessId, Digest)>> {
        let mut old: Vec<_> = self.loose.iter().filter(|(_, (at, _))| *at < before).map(|(key, (at, _))| (*at, *key)).collect();
        old.sort_unstable();
        Ok(old.into_iter().take(limit).map(|(_, key)| key).collect())
    }

    fn upstream_copy(&self, business: BusinessId, sender: SenderId, digest: &Digest) -> Result<Option<UpstreamCopy>> {
        Ok(self.copies.get(&(business, *digest, sender)).cloned())
    }

    fn put_upstream_copy(&mut self, copy: &UpstreamCopy) -> Result<()> {
        self.copies.put((copy.business, copy.digest, copy.sender), copy.clone());
        Ok(())
    }

    fn drop_upstream_copy(&mut self, business: BusinessId, sender: SenderId, digest: &Digest) -> Result<()> {
        self.copies.drop(&(business, *digest, sender));
        Ok(())
    }

    fn drop_upstream_copies(&mut self, business: BusinessId, digest: &Digest) -> Result<()> {
        let from = Bound::Included((business, *digest, SenderId(0)));
        let to = Bound::Included((business, *digest, SenderId(u128::MAX)));
        let keys: Vec<_> = self.copies.range((from, to)).map(|(key, _)| *key).collect();
        for key in keys {
            self.copies.drop(&key);
        }
        Ok(())
    }

    fn sweep_upstream_copies(&mut self, now: Timestamp, limit: usize) -> Result<usize> {
        Ok(self.copies.drop_where(limit, |_, copy| copy.until <= now))
    }
}
