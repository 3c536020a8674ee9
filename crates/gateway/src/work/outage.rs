//! What goes wrong over and over: said once, then once a minute, and once more when it is over.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Between two words about the same.
const BETWEEN: Duration = Duration::from_secs(60);

/// Something that many ask for and that fails for all of them alike, such as the store.
#[derive(Debug, Default)]
pub(super) struct Outage(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Since when it fails; none while it does not.
    since: Option<Instant>,
    /// When that was said last.
    said: Option<Instant>,
    /// Whether anybody was told of the one there is.
    told: bool,
    /// How often it failed since, and nothing was said.
    unsaid: u64,
}

/// What is to be said of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Word {
    /// How long it has lasted.
    pub(super) lasts: Duration,
    /// How often it failed since the word before this one.
    pub(super) times: u64,
}

impl Outage {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It failed. Gives what to say, where it is time for it.
    pub(super) fn failed(&self) -> Option<Word> {
        let (mut state, now) = (self.state(), Instant::now());
        let since = *state.since.get_or_insert(now);
        state.unsaid += 1;
        if state.said.is_some_and(|said| now.duration_since(said) < BETWEEN) {
            return None;
        }
        (state.said, state.told) = (Some(now), true);
        Some(Word { lasts: now.duration_since(since), times: std::mem::take(&mut state.unsaid) })
    }

    /// It did not fail. Says how long it had, where somebody was told of that.
    pub(super) fn worked(&self) -> Option<Duration> {
        let mut state = self.state();
        let since = state.since.take()?;
        std::mem::take(&mut state.told).then(|| since.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_fails_is_said_once_a_minute_and_when_it_is_over() {
        let outage = Outage::default();
        assert_eq!(outage.worked(), None);
        let mut words = Vec::new();
        for _ in 0..300 {
            words.extend(outage.failed());
            tokio::time::advance(Duration::from_millis(500)).await;
        }
        let word = |lasts, times| Word { lasts: Duration::from_secs(lasts), times };
        assert_eq!(words, [word(0, 1), word(60, 120), word(120, 120)]);
        assert_eq!(outage.worked(), Some(Duration::from_secs(150)));
        assert_eq!(outage.worked(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_and_goes_is_not_said_each_time() {
        let outage = Outage::default();
        let mut said = 0;
        for _ in 0..240 {
            said += usize::from(outage.failed().is_some()) + usize::from(outage.worked().is_some());
            tokio::time::advance(Duration::from_millis(500)).await;
        }
        // Two minutes: twice that it fails, twice that it works again.
        assert_eq!(said, 4);
    }
}
