//! Files, what of their bytes is loose, and which of them the upstream has.

use super::params;

use transom_domain::id::{BusinessId, MediaId, SenderId};
use transom_domain::time::Timestamp;

use super::{Sql, bound, get, get_id, get_json, get_time, get_time_if, json, millis};
use crate::rows::{MediaRows, Result};
use crate::{Digest, Media, UpstreamCopy};

/// Whether a file has these bytes.
pub(crate) const HAS_BYTES: &str = "SELECT 1 FROM media WHERE business = ?1 AND digest = ?2 LIMIT 1";
/// Files by age.
pub(crate) const OLD_MEDIA: &str = "SELECT id FROM media WHERE business = ?1 AND at < ?2 ORDER BY at LIMIT ?3";
/// The senders that have files to fetch, one by one.
pub(crate) const NEXT_FETCHING: &str = "SELECT sender FROM media WHERE due IS NOT NULL AND sender > ?1 ORDER BY sender LIMIT 1";
/// The files of a sender that are to be fetched.
pub(crate) const TO_FETCH: &str = "SELECT media FROM media WHERE sender = ?1 AND due IS NOT NULL ORDER BY due LIMIT ?2";
/// Loose bytes by age.
pub(crate) const LOOSE: &str = "SELECT business, digest FROM loose WHERE at < ?1 ORDER BY at LIMIT ?2";
/// Copies that are over.
pub(crate) const OLD_COPIES: &str =
    "SELECT business, digest, sender FROM upstream_copy WHERE until <= ?1 ORDER BY until LIMIT ?2";

impl<S: Sql> MediaRows for S {
    fn media(&self, business: BusinessId, id: MediaId) -> Result<Option<Media>> {
        self.one("SELECT media FROM media WHERE business = ?1 AND id = ?2", [business.to_bytes(), id.to_bytes()], |row| {
            get_json(row, 0)
        })
    }

    fn put_media(&mut self, media: &Media) -> Result<()> {
        self.put(
            "INSERT INTO media (business, id, sender, at, due, digest, media) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (business, id) DO UPDATE SET sender = excluded.sender, at = excluded.at, due = excluded.due, digest = excluded.digest, media = excluded.media",
            params![
                media.business.to_bytes(),
                media.id.to_bytes(),
                media.sender.map(SenderId::to_bytes),
                media.at.as_millis(),
                millis(media.state.due()),
                media.state.digest(),
                json(media)?
            ],
        )?;
        Ok(())
    }

    fn drop_media(&mut self, business: BusinessId, id: MediaId) -> Result<()> {
        self.put("DELETE FROM media WHERE business = ?1 AND id = ?2", [business.to_bytes(), id.to_bytes()])?;
        Ok(())
    }

    fn has_bytes(&self, business: BusinessId, digest: &Digest) -> Result<bool> {
        Ok(self.one(HAS_BYTES, params![business.to_bytes(), digest], |_| Ok(()))?.is_some())
    }

    fn old_media(&self, business: BusinessId, before: Timestamp, limit: usize) -> Result<Vec<MediaId>> {
        self.all(OLD_MEDIA, params![business.to_bytes(), before.as_millis(), bound(limit)], |row| {
            Ok(MediaId::from_bytes(get_id(row, 0)?))
        })
    }

    fn next_fetching(&self, after: Option<SenderId>) -> Result<Option<SenderId>> {
        // Every id is greater than no bytes.
        let after = after.map(SenderId::to_bytes);
        let after = after.as_ref().map_or(&[][..], |bytes| bytes.as_slice());
        self.one(NEXT_FETCHING, [after], |row| get_id(row, 0).map(SenderId::from_bytes))
    }

    fn to_fetch(&self, sender: SenderId, limit: usize) -> Result<Vec<Media>> {
        self.all(TO_FETCH, params![sender.to_bytes(), bound(limit)], |row| get_json(row, 0))
    }

    fn put_loose(&mut self, business: BusinessId, digest: &Digest, at: Timestamp) -> Result<()> {
        self.put(
            "INSERT INTO loose (business, digest, at) VALUES (?1, ?2, ?3)
             ON CONFLICT (business, digest) DO UPDATE SET at = CASE WHEN excluded.at > loose.at THEN excluded.at ELSE loose.at END",
            params![business.to_bytes(), digest, at.as_millis()],
        )?;
        Ok(())
    }

    fn drop_loose(&mut self, business: BusinessId, digest: &Digest) -> Result<()> {
        self.put("DELETE FROM loose WHERE business = ?1 AND digest = ?2", params![business.to_bytes(), digest])?;
        Ok(())
    }

    fn loose_since(&self, business: BusinessId, digest: &Digest) -> Result<Option<(Timestamp, Option<Timestamp>)>> {
        self.one(
            "SELECT at, removing FROM loose WHERE business = ?1 AND digest = ?2",
            params![business.to_bytes(), digest],
            |row| Ok((get_time(row, 0)?, get_time_if(row, 1)?)),
        )
    }

    fn put_removing(&mut self, business: BusinessId, digest: &Digest, until: Timestamp) -> Result<()> {
        self.put(
            "UPDATE loose SET removing = ?3 WHERE business = ?1 AND digest = ?2",
            params![business.to_bytes(), digest, until.as_millis()],
        )?;
        Ok(())
    }

    fn loose(&self, before: Timestamp, limit: usize) -> Result<Vec<(BusinessId, Digest)>> {
        self.all(LOOSE, params![before.as_millis(), bound(limit)], |row| {
            Ok((BusinessId::from_bytes(get_id(row, 0)?), get(row, 1)?))
        })
    }

    fn upstream_copy(&self, business: BusinessId, sender: SenderId, digest: &Digest) -> Result<Option<UpstreamCopy>> {
        self.one(
            "SELECT mime_type, provider_id, until FROM upstream_copy WHERE business = ?1 AND digest = ?2 AND sender = ?3",
            params![business.to_bytes(), digest, sender.to_bytes()],
            |row| {
                Ok(UpstreamCopy {
                    business,
                    sender,
                    digest: *digest,
                    mime_type: get(row, 0)?,
                    provider_id: get(row, 1)?,
                    until: get_time(row, 2)?,
                })
            },
        )
    }

    fn put_upstream_copy(&mut self, copy: &UpstreamCopy) -> Result<()> {
        self.put(
            "INSERT INTO upstream_copy (business, digest, sender, mime_type, provider_id, until) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (business, digest, sender) DO UPDATE SET mime_type = excluded.mime_type, provider_id = excluded.provider_id, until = excluded.until",
            params![
                copy.business.to_bytes(),
                copy.digest,
                copy.sender.to_bytes(),
                copy.mime_type,
                copy.provider_id,
                copy.until.as_millis()
            ],
        )?;
        Ok(())
    }

    fn drop_upstream_copy(&mut self, business: BusinessId, sender: SenderId, digest: &Digest) -> Result<()> {
        self.put(
            "DELETE FROM upstream_copy WHERE business = ?1 AND digest = ?2 AND sender = ?3",
            params![business.to_bytes(), digest, sender.to_bytes()],
        )?;
        Ok(())
    }

    fn drop_upstream_copies(&mut self, business: BusinessId, digest: &Digest) -> Result<()> {
        self.put("DELETE FROM upstream_copy WHERE business = ?1 AND digest = ?2", params![business.to_bytes(), digest])?;
        Ok(())
    }

    fn sweep_upstream_copies(&mut self, now: Timestamp, limit: usize) -> Result<usize> {
        let old = self.all(OLD_COPIES, params![now.as_millis(), bound(limit)], |row| {
            Ok((get_id(row, 0)?, get::<Digest>(row, 1)?, get_id(row, 2)?))
        })?;
        for (business, digest, sender) in &old {
            self.put(
                "DELETE FROM upstream_copy WHERE business = ?1 AND digest = ?2 AND sender = ?3 AND until <= ?4",
                params![business, digest, sender, now.as_millis()],
            )?;
        }
        Ok(old.len())
    }
}
