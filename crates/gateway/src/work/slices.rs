//! Work in slices: after each one a rest in proportion to how long it took, so that a long job leaves the writer to others.

use std::time::Duration;

use tokio::time::Instant;

/// The shortest rest.
const REST_LEAST: Duration = Duration::from_millis(1);

/// The rhythm of one job: [`Slices::next`] before each slice. Machine time: it is the writer that is spared.
pub(super) struct Slices {
    times: u32,
    least: Duration,
    begun: Option<Instant>,
}

impl Slices {
    /// A job that rests for so many times as long as its last slice took: of the writer it takes one part in `times + 1` at most.
    pub(super) const fn resting(times: u32) -> Self {
        Self { times, least: REST_LEAST, begun: None }
    }

    /// Waits until the next slice may begin; the first one may at once.
    pub(super) async fn next(&mut self) {
        if let Some(begun) = self.begun.take() {
            let rest = begun.elapsed().saturating_mul(self.times).max(std::mem::replace(&mut self.least, REST_LEAST));
            tokio::time::sleep(rest).await;
        }
        self.begun = Some(Instant::now());
    }

    /// The rest before the next slice is at least so long.
    pub(super) const fn rest_at_least(&mut self, least: Duration) {
        self.least = least;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_rest_goes_by_the_slice_before_it() {
        let mut slices = Slices::resting(4);
        let began = Instant::now();
        slices.next().await;
        assert_eq!(began.elapsed(), Duration::ZERO);
        tokio::time::advance(Duration::from_millis(10)).await;
        slices.next().await;
        assert_eq!(began.elapsed(), Duration::from_millis(50));
        slices.next().await;
        assert_eq!(began.elapsed(), Duration::from_millis(51));
        slices.rest_at_least(Duration::from_secs(1));
        slices.next().await;
        slices.next().await;
        assert_eq!(began.elapsed(), Duration::from_millis(1_052));
    }
}
