//! Randomness for ids and jitter: nothing of it reaches what a log replays.

use std::sync::atomic::{AtomicU64, Ordering};

/// Random bits of the operating system.
///
/// # Panics
/// When it has none, which Linux promises not to happen after boot.
pub(crate) fn bits() -> u64 {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).expect("the operating system has randomness");
    u64::from_le_bytes(bytes)
}

/// An id that nobody else has: 64 random bits, not 0.
pub(crate) fn id() -> u64 {
    loop {
        match bits() {
            0 => {}
            id => return id,
        }
    }
}

/// A number below `bound`, evenly enough for jitter; 0 when `bound` is.
///
/// Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014 (SplitMix64).
pub(crate) fn below(bound: u64) -> u64 {
    static STATE: AtomicU64 = AtomicU64::new(0);
    if STATE.load(Ordering::Relaxed) == 0 {
        STATE.fetch_xor(id(), Ordering::Relaxed);
    }
    let mut mixed = STATE.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^= mixed >> 31;
    mixed.checked_rem(bound).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_below_their_bound_and_differ() {
        assert_eq!(below(0), 0);
        let drawn: Vec<u64> = (0..1_000).map(|_| below(10)).collect();
        assert!(drawn.iter().all(|number| *number < 10));
        assert!((0..10).all(|number| drawn.contains(&number)));
        assert_ne!(id(), id());
    }
}
