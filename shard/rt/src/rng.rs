//! Randomness: SplitMix64 (Steele, Lea, Flood 2014), a tree of generators from one seed.
//!
//! Invariant: drawing from one generator never shifts another. A component that needs numbers takes
//! its own by [`Rng::split`], so that adding one elsewhere does not change its draws.

use std::convert::Infallible;

use rand_core::TryRng;

/// A seeded generator. Not for secrets.
#[derive(Clone, Debug)]
pub struct Rng {
    state: u64,
}

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

impl Rng {
    /// The generator of a seed.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// A generator seeded by the operating system.
    pub fn from_os() -> Self {
        let seed = getrandom::u64().expect("invariant: Linux gives random bytes once it is up");
        Self::new(seed)
    }

    /// The next 64 bits.
    pub fn draw(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A generator of its own for the purpose `salt`; takes one number from this one.
    pub fn split(&mut self, salt: u64) -> Self {
        let mut child = Self::new(self.draw() ^ salt.wrapping_mul(GOLDEN));
        child.draw();
        child
    }

    /// Uniform in `0..bound`, by multiplication; the bias is below 2⁻⁶⁴ times the bound.
    ///
    /// # Panics
    /// If `bound` is zero.
    pub fn below(&mut self, bound: u64) -> u64 {
        assert!(bound > 0, "an empty range has no element");
        ((u128::from(self.draw()) * u128::from(bound)) >> 64) as u64
    }

    /// Uniform in `0..bound`, as an index.
    ///
    /// # Panics
    /// If `bound` is zero.
    pub fn index(&mut self, bound: usize) -> usize {
        self.below(bound as u64) as usize
    }

    /// Uniform in `low..=high`; `low` if the range is empty.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        if high <= low { low } else { low + self.below((high - low).saturating_add(1)) }
    }

    /// True with the given probability; 0 draws nothing.
    pub fn chance(&mut self, probability: f64) -> bool {
        probability > 0.0 && ((self.draw() >> 11) as f64) < probability * (1u64 << 53) as f64
    }
}

impl TryRng for Rng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok((self.draw() >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.draw())
    }

    fn try_fill_bytes(&mut self, dst: &mut [u8]) -> Result<(), Infallible> {
        for chunk in dst.chunks_mut(8) {
            chunk.copy_from_slice(&self.draw().to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_numbers_are_those_of_the_reference() {
        let mut rng = Rng::new(1_234_567);
        let first: Vec<u64> = (0..3).map(|_| rng.draw()).collect();
        assert_eq!(first, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn chances_are_about_right_and_ranges_hold() {
        let mut rng = Rng::new(7);
        let hits = (0..10_000).filter(|_| rng.chance(0.25)).count();
        assert!((2_300..2_700).contains(&hits), "{hits}");
        assert!(!rng.chance(0.0));
        assert!(rng.chance(1.0));
        assert!((0..1_000).all(|_| (3..=5).contains(&rng.between(3, 5))));
    }

    #[test]
    fn a_split_generator_is_its_own() {
        let (mut one, mut two) = (Rng::new(1), Rng::new(1));
        let (mut a, mut b) = (one.split(9), two.split(9));
        one.draw();
        assert_eq!(a.draw(), b.draw());
        assert_ne!(Rng::new(1).split(9).draw(), Rng::new(1).split(8).draw());
    }
}
