//! Files, what of their bytes is loose, and which of them the upstream has.

use transom_domain::id::{BusinessId, MediaId, SenderId};
use transom_domain::time::Timestamp;

use super::Result;
use crate::{Digest, Media, UpstreamCopy};

/// Rows of files.
pub(crate) trait MediaRows {
    fn media(&self, business: BusinessId, id: MediaId) -> Result<Option<Media>>;
    /// Puts a file in, or in the place of the one with its id.
    fn put_media(&mut self, media: &Media) -> Result<()>;
    fn drop_media(&mut self, business: BusinessId, id: MediaId) -> Result<()>;
    /// Whether a file of the business has these bytes.
    fn has_bytes(&self, business: BusinessId, digest: &Digest) -> Result<bool>;
    /// Files of a business from before `before`, the oldest first.
    fn old_media(&self, business: BusinessId, before: Timestamp, limit: usize) -> Result<Vec<MediaId>>;

    /// The next sender that has files to fetch, after one.
    fn next_fetching(&self, after: Option<SenderId>) -> Result<Option<SenderId>>;
    /// Files of a sender that are to be fetched, the earliest first.
    fn to_fetch(&self, sender: SenderId, limit: usize) -> Result<Vec<Media>>;

    /// Bytes that may lie there without a file that has them, as of when.
    fn put_loose(&mut self, business: BusinessId, digest: &Digest, at: Timestamp) -> Result<()>;
    fn drop_loose(&mut self, business: BusinessId, digest: &Digest) -> Result<()>;
    /// As of when bytes are loose, and until when somebody is removing them.
    fn loose_since(&self, business: BusinessId, digest: &Digest) -> Result<Option<(Timestamp, Option<Timestamp>)>>;
    /// Somebody is removing loose bytes until then.
    fn put_removing(&mut self, business: BusinessId, digest: &Digest, until: Timestamp) -> Result<()>;
    /// Those from before `before`, the oldest first.
    fn loose(&self, before: Timestamp, limit: usize) -> Result<Vec<(BusinessId, Digest)>>;

    fn upstream_copy(&self, business: BusinessId, sender: SenderId, digest: &Digest) -> Result<Option<UpstreamCopy>>;
    fn put_upstream_copy(&mut self, copy: &UpstreamCopy) -> Result<()>;
    fn drop_upstream_copy(&mut self, business: BusinessId, sender: SenderId, digest: &Digest) -> Result<()>;
    /// All that the upstream has of some bytes, under whichever sender.
    fn drop_upstream_copies(&mut self, business: BusinessId, digest: &Digest) -> Result<()>;
    /// Removes those that are over.
    fn sweep_upstream_copies(&mut self, now: Timestamp, limit: usize) -> Result<usize>;
}
