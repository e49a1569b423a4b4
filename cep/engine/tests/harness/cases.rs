//! How many cases a test runs, and the numbers that make them up.

use std::io::Write;

/// Number of cases: `usual`, fifty times as many with CEPTRA_DEEP=1. A deep run notes the number in
/// the file CEPTRA_FIGURES; it counts when the run is green.
pub fn cases(usual: u32) -> u32 {
    if std::env::var_os("CEPTRA_DEEP").is_none() {
        return usual;
    }
    let count = usual * 50;
    if let Some(path) = std::env::var_os("CEPTRA_FIGURES") {
        let test = std::thread::current().name().unwrap_or("a test").to_string();
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path).expect("figures");
        // At once: tests of several threads write to the file.
        let line = format!("{{\"name\":\"{test}\",\"count\":{count}}}\n");
        file.write_all(line.as_bytes()).expect("figures");
    }
    count
}

/// Runs `check` on one seed after the other. A failing case tells its seed: CEPTRA_SEED=17 runs
/// that one alone, CEPTRA_SEED=17.. goes on from it and tells every seed before it runs, for cases
/// that end the process.
pub fn each(usual: u32, mut check: impl FnMut(&mut Random)) {
    let wanted = std::env::var("CEPTRA_SEED").ok();
    let number = |text: &str| text.parse::<u64>().expect("CEPTRA_SEED is a number, or a number and ..");
    let count = u64::from(cases(usual));
    let (first, count, is_told) = match wanted.as_deref().map(|text| text.strip_suffix("..").ok_or(text)) {
        None => (1, count, false),
        Some(Err(one)) => (number(one), 1, false),
        Some(Ok(from)) => (number(from), count, true),
    };
    for seed in first..first + count {
        if is_told {
            eprintln!("CEPTRA_SEED={seed}");
        }
        let _tells = Tells(seed);
        check(&mut Random::new(seed));
    }
}

/// Tells the seed of a case that panics.
struct Tells(u64);

impl Drop for Tells {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("CEPTRA_SEED={} runs this case alone", self.0);
        }
    }
}

/// Numbers that only look random: xorshift64* (Vigna, "An experimental exploration of Marsaglia's
/// xorshift generators, scrambled", 2016).
pub struct Random(u64);

impl Random {
    /// The numbers of a seed.
    pub fn new(seed: u64) -> Self {
        // Neighbouring seeds are spread by the multiplication of splitmix64; zero would stay zero.
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// Any 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `limit`, which is not zero.
    pub fn below(&mut self, limit: usize) -> usize {
        ((u128::from(self.bits()) * limit as u128) >> 64) as usize
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// One of several.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}
