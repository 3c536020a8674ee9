//! One reading of an account at a time, and at most one more that waits for it: news that come in a rush cost two readings.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::AccountOf;

/// Whose turn it is, and whether another reading is wanted after it.
type Wanted = HashMap<AccountOf, bool>;

/// The readings that are under way.
#[derive(Clone, Default)]
pub(super) struct Turns(Arc<Mutex<Wanted>>);

/// The right to read an account, until it is dropped.
pub(super) struct Turn {
    turns: Turns,
    of: AccountOf,
    is_over: bool,
}

impl Turns {
    /// The turn of an account; none when a reading is under way, which is then followed by another.
    pub(super) fn take(&self, of: AccountOf) -> Option<Turn> {
        let mut wanted = self.wanted();
        match wanted.get_mut(&of) {
            Some(again) => {
                *again = true;
                None
            }
            None => {
                wanted.insert(of.clone(), false);
                Some(Turn { turns: self.clone(), of, is_over: false })
            }
        }
    }

    fn wanted(&self) -> MutexGuard<'_, Wanted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// A reading has ended. Whether another one was asked for since it began; if not, the turn is over.
    pub(super) fn goes_on(&mut self) -> bool {
        let mut wanted = self.turns.wanted();
        let again = wanted.insert(self.of.clone(), false).unwrap_or(false);
        if !again {
            wanted.remove(&self.of);
            self.is_over = true;
        }
        again
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.is_over {
            self.turns.wanted().remove(&self.of);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use transom_domain::id::BusinessId;

    #[test]
    fn a_rush_of_news_costs_two_readings() {
        let turns = Turns::default();
        let of = |waba: &str| (BusinessId(1), waba.to_owned());
        let mut turn = turns.take(of("1")).unwrap();
        for _ in 0..20 {
            assert!(turns.take(of("1")).is_none());
        }
        let mut readings = 1;
        while turn.goes_on() {
            readings += 1;
        }
        assert_eq!(readings, 2);
        // It is over, and an end that comes late takes nobody else's turn.
        let next = turns.take(of("1")).unwrap();
        drop(turn);
        assert!(turns.take(of("1")).is_none() && turns.take(of("2")).is_some());
        drop(next);
        assert!(turns.take(of("1")).is_some());
    }
}
