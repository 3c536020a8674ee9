//! Content as sends need it: read once, then remembered for a moment.
//!
//! What is remembered is at most [`MAX_AGE`] old; what is changed or deleted through this process is forgotten at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use transom_domain::id::{BusinessId, ContentId};
use transom_store::{Store, StoreError, StoredContent};

/// How old what is remembered may be.
const MAX_AGE: Duration = Duration::from_secs(5);
/// Contents remembered at once; of usual size a few megabytes.
const KEPT_MAX: usize = 1_000;

type Key = (BusinessId, ContentId);

#[derive(Default)]
struct Inner {
    known: HashMap<Key, (Instant, Arc<StoredContent>)>,
    /// Grows when something is forgotten: what was read before that is not remembered.
    forgotten: u64,
}

/// Contents that were read a moment ago.
#[derive(Default)]
pub(super) struct KeptContents(Mutex<Inner>);

impl KeptContents {
    /// The content with this id, at most [`MAX_AGE`] old.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(super) async fn read(&self, store: &dyn Store, key: Key) -> Result<Option<Arc<StoredContent>>, StoreError> {
        let forgotten = {
            let inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((_, known)) = inner.known.get(&key).filter(|(at, _)| at.elapsed() < MAX_AGE) {
                return Ok(Some(known.clone()));
            }
            inner.forgotten
        };
        let at = Instant::now();
        let Some(found) = store.content(key.0, key.1).await?.map(Arc::new) else { return Ok(None) };
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.forgotten == forgotten {
            if inner.known.len() >= KEPT_MAX {
                inner.known.clear();
            }
            inner.known.insert(key, (at, found.clone()));
        }
        Ok(Some(found))
    }

    /// Forgets a content, since it is another now, or gone.
    pub(super) fn forget(&self, key: Key) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.forgotten = inner.forgotten.wrapping_add(1);
        inner.known.remove(&key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use transom_domain::content::Content;
    use transom_domain::time::Timestamp;
    use transom_store::{ChangeContent, MemoryStore};

    fn content(words: &str) -> Content {
        Content::read(&serde_json::json!({ "language": "en", "types": { "twilio/text": { "body": words } } }), "").unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_remembered_is_young_and_what_was_changed_here_is_forgotten() {
        let store = MemoryStore::new();
        let key = (BusinessId(1), ContentId(2));
        let stored = StoredContent {
            id: key.1,
            business: key.0,
            friendly_name: String::new(),
            content: content("old"),
            created_at: Timestamp::EPOCH,
            updated_at: Timestamp::EPOCH,
        };
        let kept = KeptContents::default();
        assert!(kept.read(&store, key).await.unwrap().is_none());
        assert_eq!(store.add_content(stored.clone(), 1).await.unwrap(), transom_store::AddContent::Kept);
        let read = async || kept.read(&store, key).await.unwrap().unwrap().content.clone();
        assert_eq!(read().await, content("old"));
        let change = async |words: &str| {
            let changed = store.change_content(key.0, key.1, String::new(), content(words), Timestamp::EPOCH).await.unwrap();
            assert!(matches!(changed, ChangeContent::Done(_)));
        };
        // Changed elsewhere: seen within the age, not before.
        change("new").await;
        assert_eq!(read().await, content("old"));
        tokio::time::advance(MAX_AGE).await;
        assert_eq!(read().await, content("new"));
        // Changed here: seen at once.
        change("newer").await;
        kept.forget(key);
        assert_eq!(read().await, content("newer"));
        // Nobody reaches it under another business.
        assert!(kept.read(&store, (BusinessId(7), key.1)).await.unwrap().is_none());
    }
}
