//! Listeners: readers of a business's stream who wait for the next event. They are woken by the same poke as the relay, so that
//! nobody asks the store again and again whether there is something.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use transom_domain::id::BusinessId;

/// All listeners of a gateway; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Listeners(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// How many there are: a poke, one per message, looks at nothing else while there are none.
    all: AtomicUsize,
    rooms: Mutex<HashMap<BusinessId, Room>>,
}

#[derive(Debug)]
struct Room {
    wake: watch::Sender<()>,
    listeners: usize,
}

/// There are as many listeners as there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// Of this business.
    Business,
    /// Of all together.
    All,
}

/// One listener; it has left when this is dropped.
#[derive(Debug)]
pub struct Listener {
    listeners: Listeners,
    business: BusinessId,
    wake: watch::Receiver<()>,
}

impl Listeners {
    /// There may be events of this business.
    pub fn poke(&self, business: BusinessId) {
        if self.0.all.load(Ordering::SeqCst) == 0 {
            return;
        }
        let rooms = self.0.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(room) = rooms.get(&business) {
            room.wake.send_replace(());
        }
    }

    /// There may be something for everybody.
    pub fn poke_all(&self) {
        self.0.rooms.lock().unwrap_or_else(PoisonError::into_inner).values().for_each(|room| room.wake.send_replace(()));
    }

    /// Listens for events of a business; whatever is poked from now on is heard.
    ///
    /// # Errors
    /// When the business has `of_business` listeners already, or all together are `in_all`.
    pub fn listen(&self, business: BusinessId, of_business: usize, in_all: usize) -> Result<Listener, Full> {
        let mut rooms = self.0.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        if rooms.get(&business).is_some_and(|room| room.listeners >= of_business) {
            return Err(Full::Business);
        }
        if self.0.all.load(Ordering::SeqCst) >= in_all {
            return Err(Full::All);
        }
        let room = rooms.entry(business).or_insert_with(|| Room { wake: watch::channel(()).0, listeners: 0 });
        room.listeners += 1;
        self.0.all.fetch_add(1, Ordering::SeqCst);
        Ok(Listener { listeners: self.clone(), business, wake: room.wake.subscribe() })
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.all.load(Ordering::SeqCst)
    }
}

impl Listener {
    /// Resolves once somebody has poked since the last time, or since the beginning.
    pub async fn woken(&mut self) {
        if self.wake.changed().await.is_err() {
            // The room is there as long as somebody is in it.
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut rooms = self.listeners.0.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        self.listeners.0.all.fetch_sub(1, Ordering::SeqCst);
        if let Some(room) = rooms.get_mut(&self.business) {
            room.listeners -= 1;
            if room.listeners == 0 {
                rooms.remove(&self.business);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;

    const ONE: BusinessId = BusinessId(1);
    const OTHER: BusinessId = BusinessId(2);

    #[tokio::test]
    async fn a_poke_wakes_those_of_its_business_once() {
        let listeners = Listeners::default();
        listeners.poke(ONE);
        let mut first = listeners.listen(ONE, 2, 9).unwrap();
        let mut second = listeners.listen(ONE, 2, 9).unwrap();
        let mut foreign = listeners.listen(OTHER, 2, 9).unwrap();
        // What was poked before is not heard.
        assert!(first.woken().now_or_never().is_none());
        listeners.poke(ONE);
        listeners.poke(ONE);
        first.woken().await;
        assert!(first.woken().now_or_never().is_none());
        second.woken().await;
        assert!(foreign.woken().now_or_never().is_none());
    }

    #[test]
    fn there_are_so_many_at_most_and_who_leaves_makes_room() {
        let listeners = Listeners::default();
        let first = listeners.listen(ONE, 1, 2).unwrap();
        assert_eq!(listeners.listen(ONE, 1, 2).unwrap_err(), Full::Business);
        let other = listeners.listen(OTHER, 1, 2).unwrap();
        assert_eq!(listeners.listen(BusinessId(3), 1, 2).unwrap_err(), Full::All);
        drop(first);
        let again = listeners.listen(ONE, 1, 2).unwrap();
        drop((again, other));
        assert_eq!(listeners.count(), 0);
        assert!(listeners.0.rooms.lock().unwrap().is_empty());
    }
}
