//! Who shows what, as it was looked up a moment ago: believed for a while, and forgotten at once when it changes through this process.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How long what was looked up is believed: the most that a change elsewhere may lag.
const MAX_AGE: Duration = Duration::from_secs(5);
/// Believed at once.
const BELIEVED_MAX: usize = 10_000;

struct Inner<T> {
    known: HashMap<[u8; 32], (Instant, T)>,
    /// Grows when all is forgotten: what began to be read before that is not believed afterwards.
    forgotten: u64,
}

/// What was looked up by the hash of what was shown.
pub(super) struct Believed<T>(Mutex<Inner<T>>);

/// When a look began.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    at: Instant,
    forgotten: u64,
}

impl<T> Default for Believed<T> {
    fn default() -> Self {
        Self(Mutex::new(Inner { known: HashMap::new(), forgotten: 0 }))
    }
}

impl<T: Clone> Believed<T> {
    fn lock(&self) -> MutexGuard<'_, Inner<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is believed.
    ///
    /// # Errors
    /// A look that has to be taken, with which [`Believed::keep`] is told what it found.
    pub(super) fn find(&self, hash: &[u8; 32]) -> Result<T, Look> {
        let inner = self.lock();
        match inner.known.get(hash) {
            Some((at, known)) if at.elapsed() < MAX_AGE => Ok(known.clone()),
            _ => Err(Look { at: Instant::now(), forgotten: inner.forgotten }),
        }
    }

    /// Believes what a look found, unless all was forgotten since it began: it may have seen what was before.
    pub(super) fn keep(&self, look: Look, hash: [u8; 32], found: Option<&T>) {
        let mut inner = self.lock();
        if inner.forgotten != look.forgotten {
            return;
        }
        match found {
            Some(found) => {
                if inner.known.len() >= BELIEVED_MAX {
                    inner.known.clear();
                }
                inner.known.insert(hash, (look.at, found.clone()));
            }
            None => drop(inner.known.remove(&hash)),
        }
    }

    /// Changes what is believed, where it is.
    pub(super) fn change(&self, hash: &[u8; 32], change: impl FnOnce(&mut T)) {
        if let Some((_, known)) = self.lock().known.get_mut(hash) {
            change(known);
        }
    }

    /// Forgets all.
    pub(super) fn forget(&self) {
        let mut inner = self.lock();
        inner.known.clear();
        inner.forgotten = inner.forgotten.wrapping_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_was_read_before_it_changed_is_not_believed_afterwards() {
        let (believed, hash) = (Believed::default(), [1; 32]);
        let looks = || believed.find(&hash).unwrap_err();
        believed.keep(looks(), hash, Some(&"good"));
        assert_eq!(believed.find(&hash).unwrap(), "good");
        believed.forget();
        // A look began, the key was revoked, and only then the look's answer came: it tells of before.
        let early = looks();
        believed.forget();
        believed.keep(early, hash, Some(&"good"));
        assert!(believed.find(&hash).is_err());
        believed.keep(looks(), hash, Some(&"revoked"));
        assert_eq!(believed.find(&hash).unwrap(), "revoked");
        // As old as its look, not as the answer to that.
        believed.forget();
        let slow = looks();
        tokio::time::advance(MAX_AGE / 2).await;
        believed.keep(slow, hash, Some(&"good"));
        tokio::time::advance(MAX_AGE / 2).await;
        assert!(believed.find(&hash).is_err());
    }

    #[tokio::test]
    async fn what_is_believed_is_bounded_and_what_is_gone_is_not() {
        let believed = Believed::default();
        let hash = |n: usize| {
            let mut hash = [0; 32];
            hash[..8].copy_from_slice(&n.to_be_bytes());
            hash
        };
        for n in 0..BELIEVED_MAX + 10 {
            believed.keep(believed.find(&hash(n)).unwrap_err(), hash(n), Some(&n));
        }
        assert!(believed.lock().known.len() <= BELIEVED_MAX);
        let last = hash(BELIEVED_MAX + 9);
        believed.change(&last, |n| *n = 7);
        assert_eq!(believed.find(&last).unwrap(), 7);
        let look = Look { at: Instant::now(), forgotten: believed.lock().forgotten };
        believed.keep(look, last, None);
        assert!(believed.find(&last).is_err());
    }
}
