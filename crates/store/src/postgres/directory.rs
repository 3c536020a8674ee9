//! Whose a sender, an endpoint or a number is: known once, known for good, since none of them ever changes hands.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::rows::Result;

/// The most that is remembered of each; beyond that it begins anew.
const KNOWN_MAX: usize = 65_536;

type Id = [u8; 16];

/// What is known.
#[derive(Default)]
pub(crate) struct Directory {
    businesses: Mutex<HashMap<i64, Id>>,
    senders: Mutex<HashMap<Id, Id>>,
    endpoints: Mutex<HashMap<Id, Id>>,
}

fn known<K: std::hash::Hash + Eq>(
    map: &Mutex<HashMap<K, Id>>,
    key: K,
    look: impl FnOnce() -> Result<Option<Id>>,
) -> Result<Option<Id>> {
    let lock = || map.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(found) = lock().get(&key) {
        return Ok(Some(*found));
    }
    let found = look()?;
    if let Some(found) = found {
        let mut map = lock();
        if map.len() >= KNOWN_MAX {
            map.clear();
        }
        map.insert(key, found);
    }
    Ok(found)
}

impl Directory {
    /// The business with an ordinal.
    pub(super) fn business(&self, ordinal: i64, look: impl FnOnce() -> Result<Option<Id>>) -> Result<Option<Id>> {
        known(&self.businesses, ordinal, look)
    }

    /// The business of a sender.
    pub(super) fn sender(&self, id: Id, look: impl FnOnce() -> Result<Option<Id>>) -> Result<Option<Id>> {
        known(&self.senders, id, look)
    }

    /// The business of a sender, where it is known.
    pub(super) fn known_sender(&self, id: Id) -> Option<Id> {
        self.senders.lock().unwrap_or_else(PoisonError::into_inner).get(&id).copied()
    }

    /// The business of an endpoint, where it is known.
    pub(super) fn known_endpoint(&self, id: Id) -> Option<Id> {
        self.endpoints.lock().unwrap_or_else(PoisonError::into_inner).get(&id).copied()
    }

    /// The business of an endpoint.
    pub(super) fn endpoint(&self, id: Id, look: impl FnOnce() -> Result<Option<Id>>) -> Result<Option<Id>> {
        known(&self.endpoints, id, look)
    }
}
