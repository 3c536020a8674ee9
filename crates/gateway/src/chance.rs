//! Chance: what ids and the spread of retries are made from. Given from outside, so that a trial can be repeated.

use std::sync::Arc;

use crate::seal;

/// A source of chance; cheap to clone. Nothing secret is made from it: secrets take theirs from the system.
#[derive(Clone)]
pub struct Chance(Arc<dyn Fn() -> u128 + Send + Sync>);

impl Chance {
    /// The system's randomness. Ids name, they do not guard; so without randomness the time alone must do.
    #[must_use]
    pub fn of_system() -> Self {
        Self::of(|| seal::random::<16>().map(u128::from_be_bytes).unwrap_or_default())
    }

    /// Whatever `draw` gives.
    #[must_use]
    pub fn of(draw: impl Fn() -> u128 + Send + Sync + 'static) -> Self {
        Self(Arc::new(draw))
    }

    /// 128 bits.
    #[must_use]
    pub fn draw(&self) -> u128 {
        (self.0)()
    }

    /// 64 bits.
    #[must_use]
    pub fn draw_u64(&self) -> u64 {
        u64::try_from(self.draw() & u128::from(u64::MAX)).unwrap_or_default()
    }
}

impl std::fmt::Debug for Chance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Chance(…)")
    }
}
