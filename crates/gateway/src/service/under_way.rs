//! Idempotency keys whose first request is not answered yet. A repetition that comes meanwhile is told to come again: judged beside
//! the first it could be refused for what the first one was accepted on.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use transom_domain::error_code::ErrorCode;
use transom_domain::id::BusinessId;

use crate::problem::Problem;

/// The keys under way in this process; as many at most as sends are let in at once.
#[derive(Clone, Default)]
pub(super) struct UnderWay(Arc<Mutex<HashSet<(BusinessId, String)>>>);

/// A key under way; over when it is dropped.
pub(super) struct Held {
    keys: UnderWay,
    key: (BusinessId, String),
}

impl UnderWay {
    /// Takes a key for one request.
    ///
    /// # Errors
    /// 409 with `Retry-After` while another request holds it.
    pub(super) fn hold(&self, business: BusinessId, key: &str) -> Result<Held, Problem> {
        let key = (business, key.to_owned());
        if !self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone()) {
            let why = "The first request with this idempotency key is still under way.";
            return Err(Problem::new(ErrorCode::IdempotencyConflict, why).retry_after(1));
        }
        Ok(Held { keys: self.clone(), key })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.keys.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_under_way_is_told_to_come_again_and_is_free_afterwards() {
        let (keys, one, other) = (UnderWay::default(), BusinessId(1), BusinessId(2));
        let held = keys.hold(one, "order 7").unwrap();
        let refused = keys.hold(one, "order 7").err().unwrap();
        assert_eq!((refused.code, refused.retry_after), (ErrorCode::IdempotencyConflict, Some(1)));
        assert!(keys.hold(one, "order 8").is_ok() && keys.hold(other, "order 7").is_ok());
        drop(held);
        assert!(keys.hold(one, "order 7").is_ok());
    }
}
