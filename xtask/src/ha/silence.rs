//! How long nothing happened, of moments at which something did.

use std::time::Duration;

/// The longest pause after a loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Silence {
    /// How long it was.
    pub(super) lasted: Duration,
    /// From the loss to its end.
    pub(super) over: Duration,
}

impl Silence {
    /// After a loss, all in milliseconds since 1970; none where nothing happened any more. What was under way may still succeed after the
    /// loss: so it is not the first pause that counts, but the longest.
    pub(super) fn after(loss: i64, moments: impl IntoIterator<Item = i64>) -> Option<Self> {
        let mut moments: Vec<i64> = moments.into_iter().filter(|moment| *moment > loss).collect();
        moments.sort_unstable();
        let befores = std::iter::once(loss).chain(moments.iter().copied());
        let pauses = befores.zip(&moments).map(|(before, moment)| (moment - before, moment - loss));
        // Of two that are equal the earlier.
        let (lasted, over) = pauses.reduce(|longest, next| if next.0 > longest.0 { next } else { longest })?;
        Some(Self { lasted: millis(lasted), over: millis(over) })
    }
}

fn millis(millis: i64) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn silence(lasted: u64, over: u64) -> Option<Silence> {
        Some(Silence { lasted: Duration::from_millis(lasted), over: Duration::from_millis(over) })
    }

    #[test]
    fn what_was_under_way_at_the_loss_does_not_end_the_silence() {
        assert_eq!(Silence::after(1_000, [900, 990, 1_020, 9_000, 9_050, 9_100]), silence(7_980, 8_000));
    }

    #[test]
    fn it_begins_with_the_loss_where_nothing_came_after_it() {
        assert_eq!(Silence::after(1_000, [9_050, 990, 9_000]), silence(8_000, 8_000));
        assert_eq!(Silence::after(1_000, [900, 1_000]), None);
    }

    #[test]
    fn service_that_goes_on_for_a_while_after_the_loss_is_no_silence() {
        assert_eq!(Silence::after(0, [100, 200, 300, 4_300, 4_350]), silence(4_000, 4_300));
    }
}
