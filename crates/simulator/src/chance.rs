//! Chance with a seed: the same seed gives the same run.

/// Where a run's chance starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seed(u64);

impl Seed {
    /// A run that can be repeated.
    #[must_use]
    pub const fn fixed(seed: u64) -> Self {
        Self(seed)
    }

    /// A run like no other; when the system has no randomness to give, the time has to do.
    #[must_use]
    pub fn random() -> Self {
        let fallback = || {
            std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .map_or(0, |d| u64::try_from(d.as_nanos() & u128::from(u64::MAX)).unwrap_or(0))
        };
        Self(getrandom::u64().unwrap_or_else(|_| fallback()))
    }

    /// The seed of a part of this run, so that parts do not disturb each other's dice.
    #[must_use]
    pub(crate) const fn part(self, number: u64) -> Self {
        Self(mix(self.0 ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15)))
    }
}

const fn mix(z: u64) -> u64 {
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Dice: SplitMix64, which is small, fast and good enough for anything but keeping secrets from an attacker.
#[derive(Debug, Clone)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) const fn new(seed: Seed) -> Self {
        Self(seed.0)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }

    /// Evenly in `0..bound`; 0 when there is nothing to choose from.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        u64::try_from((u128::from(self.next()) * u128::from(bound)) >> 64).unwrap_or(0)
    }

    /// Evenly in `from..=to`.
    pub(crate) fn between(&mut self, from: i64, to: i64) -> i64 {
        let width = u64::try_from(to.saturating_sub(from)).unwrap_or(0).saturating_add(1);
        from.saturating_add(i64::try_from(self.below(width)).unwrap_or(0))
    }

    /// True with the given share of the time.
    pub(crate) fn happens(&mut self, share: f64) -> bool {
        #[expect(clippy::cast_precision_loss, reason = "53 bits are what a double holds")]
        let drawn = (self.next() >> 11) as f64 / (1u64 << 53) as f64;
        drawn < share
    }

    pub(crate) fn hex(&mut self, digits: usize) -> String {
        self.letters(b"0123456789abcdef", digits)
    }

    pub(crate) fn alphanumeric(&mut self, length: usize) -> String {
        self.letters(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", length)
    }

    pub(crate) fn digits(&mut self, length: usize) -> String {
        let first = self.letters(b"123456789", length.min(1));
        first + &self.letters(b"0123456789", length.saturating_sub(1))
    }

    fn letters(&mut self, alphabet: &[u8], length: usize) -> String {
        let size = u64::try_from(alphabet.len()).unwrap_or(1);
        (0..length)
            .filter_map(|_| usize::try_from(self.below(size)).ok().and_then(|at| alphabet.get(at)).copied())
            .map(char::from)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_run_and_parts_differ() {
        let run = |seed: Seed| Chance::new(seed).alphanumeric(40);
        assert_eq!(run(Seed::fixed(7)), run(Seed::fixed(7)));
        assert_ne!(run(Seed::fixed(7)), run(Seed::fixed(8)));
        assert_ne!(run(Seed::fixed(7).part(1)), run(Seed::fixed(7).part(2)));
    }

    #[test]
    fn draws_stay_in_bounds() {
        let mut chance = Chance::new(Seed::fixed(1));
        for _ in 0..1_000 {
            assert!((3..=9).contains(&chance.between(3, 9)));
            assert!(!chance.happens(0.0) && chance.happens(1.0));
        }
        assert_eq!(chance.below(0), 0);
        let digits = chance.digits(15);
        assert!(digits.len() == 15 && !digits.starts_with('0'));
    }
}
