//! Dice with a seed: SplitMix64. A draw that is named (a leg and a number) comes out the same whatever else was drawn before it,
//! so that a plan from which something was taken away stays alike.

/// Dice.
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

const fn mix(z: u64) -> u64 {
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl Dice {
    /// The dice of a seed.
    #[must_use]
    pub(crate) const fn new(seed: u64) -> Self {
        Self(mix(seed))
    }

    /// The dice of one named thing under a seed.
    #[must_use]
    pub(crate) const fn named(seed: u64, kind: u64, number: u64) -> Self {
        Self(mix(mix(seed ^ kind.wrapping_mul(0x9E37_79B9_7F4A_7C15)) ^ number.wrapping_mul(0xD134_2543_DE82_EF95)))
    }

    /// 64 bits.
    pub(crate) const fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }

    /// 128 bits.
    pub(crate) const fn draw_long(&mut self) -> u128 {
        ((self.draw() as u128) << 64) | self.draw() as u128
    }

    /// Evenly in `from..to`; `from` when there is nothing between.
    pub(crate) fn between(&mut self, from: i64, to: i64) -> i64 {
        let width = u64::try_from(to.saturating_sub(from)).unwrap_or(0).max(1);
        from.saturating_add(i64::try_from(self.draw() % width).unwrap_or(0))
    }

    /// Evenly below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.draw() % (bound.max(1) as u64)).unwrap_or(0)
    }

    /// True so many times in a hundred.
    pub(crate) const fn percent(&mut self, share: u64) -> bool {
        self.draw() % 100 < share
    }

    /// One of several; the first when there are none to choose from is the caller's default.
    pub(crate) fn pick<T: Copy>(&mut self, from: &[T], default: T) -> T {
        from.get(self.below(from.len())).copied().unwrap_or(default)
    }
}
