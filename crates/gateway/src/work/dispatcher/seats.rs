//! Seats: the calls upstream that may be under way at once, of one sender and of all, shared among classes and businesses.
//!
//! The rules are [`transom_domain::shares`]; here is the counting, and who is woken when a seat comes free.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use transom_domain::id::{BusinessId, SenderId};
use transom_domain::message::Class;
use transom_domain::shares::{Room, Shares};

use crate::work::rest::Post;

/// How many of those who wait are looked at when a seat comes free: the next release looks at the next ones.
const LOOK_AT: usize = 16;

/// All seats; cheap to clone.
#[derive(Clone)]
pub(super) struct Seats(Arc<Inner>);

struct Inner {
    all: Shares,
    each: Shares,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    busy: usize,
    businesses: HashMap<BusinessId, usize>,
    senders: HashMap<SenderId, usize>,
    /// Senders that found no seat for something that is due, and for which class; each stands in the queue once.
    hungry: HashMap<SenderId, Hungry>,
    queue: VecDeque<SenderId>,
    /// Messages that wait for a seat while they are accepted.
    at_the_door: VecDeque<AtTheDoor>,
}

struct AtTheDoor {
    business: BusinessId,
    sender: SenderId,
    class: Class,
    /// Closed when it has given up.
    freed: oneshot::Sender<()>,
}

struct Hungry {
    business: BusinessId,
    class: Class,
    post: Arc<Post>,
}

/// One call upstream; given back when it is dropped.
pub(super) struct Seat {
    seats: Seats,
    business: BusinessId,
    sender: SenderId,
}

/// What was free.
pub(super) struct Taken {
    /// As many as the most urgent class may use.
    pub(super) seats: Vec<Seat>,
    /// How many of them each class may use.
    pub(super) room: Room,
}

impl Seats {
    /// So many calls at once in all, and so many of one sender.
    pub(super) fn new(all: usize, per_sender: usize) -> Self {
        Self(Arc::new(Inner { all: Shares::of(all), each: Shares::of(per_sender), state: Mutex::default() }))
    }

    /// Takes what is free, at most `most`, without waiting.
    pub(super) fn take(&self, business: BusinessId, sender: SenderId, most: usize) -> Taken {
        let mut state = self.state();
        let room = self.room(&state, business, sender).at_most(most);
        let count = room.most();
        if count > 0 {
            state.busy += count;
            *state.businesses.entry(business).or_default() += count;
            *state.senders.entry(sender).or_default() += count;
        }
        drop(state);
        let seats = (0..count).map(|_| Seat { seats: self.clone(), business, sender }).collect();
        Taken { seats, room }
    }

    /// Pokes the sender's worker when a seat comes free that it may have for this class: at once, if one has come free since.
    pub(super) fn wake_when_free(&self, business: BusinessId, sender: SenderId, class: Class, post: &Arc<Post>) {
        let mut state = self.state();
        if self.room(&state, business, sender).class(class) > 0 {
            drop(state);
            post.poke();
            return;
        }
        if state.hungry.insert(sender, Hungry { business, class, post: post.clone() }).is_none() {
            state.queue.push_back(sender);
        }
    }

    /// Takes a seat for one message of this class, without waiting.
    pub(super) fn take_one(&self, business: BusinessId, sender: SenderId, class: Class) -> Option<Seat> {
        let mut state = self.state();
        if self.room(&state, business, sender).class(class) == 0 {
            return None;
        }
        state.busy += 1;
        *state.businesses.entry(business).or_default() += 1;
        *state.senders.entry(sender).or_default() += 1;
        drop(state);
        Some(Seat { seats: self.clone(), business, sender })
    }

    /// Waits for a seat that would do for this message, and that no sender's queue wants.
    pub(super) async fn freed(&self, business: BusinessId, sender: SenderId, class: Class) {
        let told = {
            let mut state = self.state();
            if self.room(&state, business, sender).class(class) > 0 {
                return;
            }
            while state.at_the_door.front().is_some_and(|first| first.freed.is_closed()) {
                state.at_the_door.pop_front();
            }
            let (freed, told) = oneshot::channel();
            state.at_the_door.push_back(AtTheDoor { business, sender, class, freed });
            told
        };
        // Told or not, whoever waits looks for himself.
        let _ = told.await;
    }

    /// How many calls are under way.
    pub(super) fn busy(&self) -> usize {
        self.state().busy
    }

    fn room(&self, state: &State, business: BusinessId, sender: SenderId) -> Room {
        let held = state.businesses.get(&business).copied().unwrap_or(0);
        let own = state.senders.get(&sender).copied().unwrap_or(0);
        self.0.all.left_for(state.busy, held).and(self.0.each.left(own))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn give_back(&self, business: BusinessId, sender: SenderId) {
        let mut state = self.state();
        state.busy = state.busy.saturating_sub(1);
        lower(&mut state.businesses, business);
        lower(&mut state.senders, sender);
        // As many as there are free seats: one that is woken and has nothing to send after all must not keep the others asleep.
        let mut free = self.0.all.left(state.busy).most();
        let mut woken = Vec::new();
        for _ in 0..state.queue.len().min(LOOK_AT) {
            if free == 0 {
                break;
            }
            let Some(sender) = state.queue.pop_front() else { break };
            let fits = state.hungry.get(&sender).is_none_or(|h| self.room(&state, h.business, sender).class(h.class) > 0);
            if fits {
                free -= 1;
                woken.extend(state.hungry.remove(&sender));
            } else {
                state.queue.push_back(sender);
            }
        }
        let mut let_in = Vec::new();
        let mut looked_at = 0;
        while free > 0 && looked_at < LOOK_AT {
            let Some(next) = state.at_the_door.pop_front() else { break };
            if next.freed.is_closed() {
                continue;
            }
            looked_at += 1;
            if self.room(&state, next.business, next.sender).class(next.class) > 0 {
                free -= 1;
                let_in.push(next);
            } else {
                state.at_the_door.push_back(next);
            }
        }
        drop(state);
        for hungry in woken {
            hungry.post.poke();
        }
        for next in let_in {
            // One that has just given up leaves the seat to whoever comes next.
            let _ = next.freed.send(());
        }
    }
}

/// One fewer; what is at nothing is forgotten, so that the map is bounded by the calls under way.
fn lower<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, usize>, key: K) {
    if let Some(count) = counts.get_mut(&key) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(&key);
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.give_back(self.business, self.sender);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::work::rest::Rest;
    use transom_clock::WorldClock;
    use transom_domain::time::Span;

    const ONE: BusinessId = BusinessId(1);
    const OTHER: BusinessId = BusinessId(2);

    #[test]
    fn marketing_that_fills_its_seats_leaves_one_for_a_reply_and_for_another_business() {
        let seats = Seats::new(64, 64);
        let mut held = Vec::new();
        // Marketing of one business takes all it is let to.
        loop {
            let mut taken = seats.take(ONE, SenderId(1), 256);
            let may = taken.room.class(Class::Marketing);
            taken.seats.truncate(may);
            if taken.seats.is_empty() {
                break;
            }
            held.append(&mut taken.seats);
        }
        assert_eq!(seats.busy(), held.len());
        assert!(held.len() >= 40, "{}", held.len());
        let reply = seats.take(ONE, SenderId(1), 1);
        assert_eq!((reply.seats.len(), reply.room.class(Class::Marketing)), (1, 0));
        let others = seats.take(OTHER, SenderId(2), 1);
        assert_eq!(others.room.class(Class::Marketing), 1);
        drop((held, reply, others));
        assert_eq!(seats.busy(), 0);
    }

    #[tokio::test]
    async fn who_found_none_is_poked_when_one_comes_free() {
        let rest = Rest::new(WorldClock::turnable(Span::ZERO));
        let (seats, post) = (Seats::new(1, 1), rest.post());
        drop(post.wait(None).await);
        let only = seats.take(ONE, SenderId(1), 1);
        assert!(seats.take(OTHER, SenderId(2), 1).seats.is_empty());
        seats.wake_when_free(OTHER, SenderId(2), Class::Marketing, &post);
        drop(only);
        post.poked().await;
        // One that came free in between is not missed.
        seats.wake_when_free(OTHER, SenderId(2), Class::Marketing, &post);
        post.poked().await;
    }

    /// Whether it is not done yet.
    async fn waits(what: &mut (impl Future<Output = ()> + Unpin)) -> bool {
        tokio::select! {
            biased;
            () = what => false,
            () = std::future::ready(()) => true,
        }
    }

    #[tokio::test]
    async fn a_seat_goes_past_those_at_the_door_for_whom_it_would_not_do() {
        let seats = Seats::new(64, 8);
        let full: Vec<Seat> = std::iter::from_fn(|| seats.take_one(ONE, SenderId(1), Class::Reply)).collect();
        assert_eq!(full.len(), 8);
        let others: Vec<Seat> = (2..64).filter_map(|sender| seats.take_one(OTHER, SenderId(sender), Class::Marketing)).collect();
        assert!(seats.take_one(OTHER, SenderId(99), Class::Marketing).is_none());
        // The first waits for its sender's share, the second has given up, the third waits for any seat.
        let mut first = Box::pin(seats.freed(ONE, SenderId(1), Class::Reply));
        let mut second = Box::pin(seats.freed(OTHER, SenderId(98), Class::Marketing));
        let mut third = Box::pin(seats.freed(OTHER, SenderId(99), Class::Marketing));
        assert!(waits(&mut first).await && waits(&mut second).await && waits(&mut third).await);
        drop(second);
        drop(others);
        third.await;
        assert!(seats.take_one(OTHER, SenderId(99), Class::Marketing).is_some());
        assert!(waits(&mut first).await);
        drop(full);
        first.await;
    }
}
