//! Shares: how many of a bounded number of places (connections upstream) one taker may hold for messages of a class.
//!
//! Two rules. A class may not take the places kept for more urgent ones, so that a reply never waits behind marketing that
//! fills every connection. And nobody may hold more than [`ALPHA`] times what is still free for the class (dynamic
//! thresholds, Choudhury and Hahne 1998): alone, one tenant gets nearly all; the more tenants press, the less each gets; and
//! one who holds nothing always finds something free.

use crate::message::Class;

/// One taker alone gets `ALPHA / (1 + ALPHA)` of all places: eight ninths.
pub const ALPHA: usize = 8;
/// Of all places, one in so many is kept for replies and codes, and as much again for utility and what is before it.
pub const KEPT: usize = 8;

/// So many for each class; a more urgent class may use what a less urgent one may, never the other way round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Room([usize; Class::ALL.len()]);

impl Room {
    /// None for any class.
    pub const NONE: Self = Self([0; Class::ALL.len()]);

    /// The same for every class.
    #[must_use]
    pub const fn of(count: usize) -> Self {
        Self([count; Class::ALL.len()])
    }

    /// What `each` says of every class, made monotonic: a class never has less than one after it.
    #[must_use]
    pub fn by_class(each: impl Fn(Class) -> usize) -> Self {
        let mut room = Self(Class::ALL.map(each));
        for rank in (1..room.0.len()).rev() {
            if let [.., urgent, less] = &mut room.0[..=rank] {
                *urgent = (*urgent).max(*less);
            }
        }
        room
    }

    /// How many may go in all if they are of this class or a more urgent one.
    #[must_use]
    pub fn class(&self, class: Class) -> usize {
        self.0.get(usize::from(class.rank())).copied().unwrap_or(0)
    }

    /// The most that may go: what the most urgent class has.
    #[must_use]
    pub fn most(&self) -> usize {
        self.class(Class::Reply)
    }

    /// No class has more than this.
    #[must_use]
    pub fn at_most(self, count: usize) -> Self {
        Self(self.0.map(|room| room.min(count)))
    }

    /// The less of both, class by class.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self::by_class(|class| self.class(class).min(other.class(class)))
    }
}

/// So many places, to be shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shares {
    capacity: usize,
}

impl Shares {
    /// Of so many places; at least one.
    #[must_use]
    pub const fn of(capacity: usize) -> Self {
        Self { capacity: if capacity == 0 { 1 } else { capacity } }
    }

    /// How many places messages of this class may ever fill. With fewer than [`KEPT`] places nothing can be kept back.
    #[must_use]
    pub const fn reach(self, class: Class) -> usize {
        let kept = self.capacity / KEPT;
        match class {
            Class::Reply => self.capacity,
            Class::Utility => self.capacity - kept,
            Class::Marketing => self.capacity - 2 * kept,
        }
    }

    /// How many more may be taken while `busy` are taken in all.
    #[must_use]
    pub fn left(self, busy: usize) -> Room {
        Room::by_class(|class| self.reach(class).saturating_sub(busy))
    }

    /// How many more one who holds `held` of the `busy` places may take. One who holds none may take one if one is free.
    #[must_use]
    pub fn left_for(self, busy: usize, held: usize) -> Room {
        let left = self.left(busy);
        Room::by_class(|class| {
            let free = left.class(class);
            // The most that keeps held + more <= ALPHA * (free - more).
            let more = (ALPHA * free).saturating_sub(held) / (1 + ALPHA);
            if held == 0 { more.max(usize::from(free > 0)) } else { more }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_alone_gets_nearly_all_and_leaves_what_is_kept() {
        let shares = Shares::of(256);
        let room = shares.left_for(0, 0);
        assert_eq!([Class::Reply, Class::Utility, Class::Marketing].map(|c| room.class(c)), [227, 199, 170]);
        // Marketing that has filled all it may leaves the rest to utility and replies.
        let full = shares.left(shares.reach(Class::Marketing));
        assert_eq!((full.class(Class::Marketing), full.class(Class::Utility), full.class(Class::Reply)), (0, 32, 64));
    }

    #[test]
    fn a_room_is_never_larger_for_a_less_urgent_class() {
        let room = Room::by_class(|class| usize::from(class.rank()) * 10);
        assert_eq!((room.class(Class::Reply), room.class(Class::Marketing)), (20, 20));
        assert_eq!(room.at_most(3), Room::of(3));
        assert_eq!(Room::of(5).and(Room::NONE), Room::NONE);
    }

    proptest! {
        /// However many greedy tenants there are, taking whatever they are let to in any order, nothing is overbooked, what is
        /// kept stays free, and a newcomer's reply finds a place.
        #[test]
        fn the_greedy_leave_room(capacity in 1usize..600, takers in prop::collection::vec((0usize..20, 1usize..70), 1..400)) {
            let shares = Shares::of(capacity);
            let mut held = [0usize; 20];
            for (who, wish) in takers {
                let busy: usize = held.iter().sum();
                held[who] += shares.left_for(busy, held[who]).class(Class::Marketing).min(wish);
            }
            let busy: usize = held.iter().sum();
            prop_assert!(busy <= shares.reach(Class::Marketing));
            if capacity >= KEPT {
                prop_assert!(shares.left_for(busy, 0).class(Class::Reply) >= 1);
                prop_assert!(shares.left_for(busy, 0).class(Class::Utility) >= 1);
            }
        }

        /// One that presses alone comes as close to its share as whole places allow, whatever steps it takes.
        #[test]
        fn one_alone_is_not_held_back(capacity in 1usize..600, steps in prop::collection::vec(1usize..70, 600)) {
            let shares = Shares::of(capacity);
            let mut held = 0;
            for wish in steps {
                held += shares.left_for(held, held).class(Class::Reply).min(wish);
            }
            prop_assert!(held <= capacity && held * (ALPHA + 1) + ALPHA >= capacity * ALPHA);
        }
    }
}
