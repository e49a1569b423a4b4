//! Rows of `s (ts, k, v, n)`: counters and gauges, with resets, gaps, NaN, NULL, times that repeat, and rows out of
//! order within a few seconds.

use crate::harness::{Random, Rows, SECOND};

const START: i64 = 1_700_000_000 * SECOND;

pub fn rows(random: &mut Random) -> Rows {
    let most = if random.one_in(4) { 200 } else { 60 };
    let count = random.below(most) + 1;
    let mut time = START + random.below(3) as i64 * SECOND / 8;
    let mut counters = [0.0f64; 16];
    let (spread, has_odd, coarse) = (random.below(4), random.one_in(3), random.one_in(3));
    let mut rows = Rows::new();
    for _ in 0..count {
        let gap = if random.one_in(20) { 40_000 } else { [60, 400, 3_000][random.below(3)] };
        time += random.below(gap) as i64 * 1_000_000;
        let back = if random.one_in(3) {
            random.below([1, 500, 3_000, 9_000][spread]) as i64 * 1_000_000
        } else {
            0
        };
        let key = random.below(5);
        let n = random.below(9) as i64;
        let at = key * 3 + (n % 3) as usize;
        counters[at] += random.below(40) as f64 / 8.0;
        if random.one_in(12) {
            counters[at] = random.below(20) as f64 / 8.0;
        }
        let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, -5.25, 1e9];
        let value = match random.below(20) {
            0 if has_odd => *random.pick(&odd),
            1 => -(random.below(100) as f64),
            _ => counters[at],
        };
        let mut ts = time - back;
        if coarse {
            ts -= ts.rem_euclid(SECOND / 8);
        }
        let k = (key > 0).then(|| format!("k{key}"));
        rows.push((ts, k, (!random.one_in(9)).then_some(value), (!random.one_in(15)).then_some(n)));
    }
    rows
}
