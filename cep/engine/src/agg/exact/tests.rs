//! Exact arithmetic against big integers.

use num_bigint::{BigInt, Sign};
use proptest::prelude::*;

use super::*;
use crate::agg::codec::Reader;
use crate::agg::tests::cases;

/// A dyadic number as integer · 2^−2200.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Slow(pub(crate) BigInt);

pub(crate) const POINT: i32 = 2200;

impl Slow {
    pub(crate) fn of(x: f64) -> Slow {
        let (negative, mantissa, exponent) = parts(x);
        let value = BigInt::from(mantissa) << (exponent + POINT) as usize;
        Slow(if negative { -value } else { value })
    }

    fn rounded(&self) -> f64 {
        round_slowly(&self.0, &(BigInt::from(1) << POINT as usize))
    }
}

/// numerator ÷ denominator (positive) to the nearest double: a search over all doubles for the
/// one whose half-way points enclose the ratio.
pub(crate) fn round_slowly(numerator: &BigInt, denominator: &BigInt) -> f64 {
    if numerator.sign() == Sign::NoSign {
        return 0.0;
    }
    let magnitude = if numerator.sign() == Sign::Minus { -numerator } else { numerator.clone() };
    // Compares the ratio with bits / 2 between doubles: `twice` counts half steps.
    let at_least = |half_steps: u64| -> std::cmp::Ordering {
        let low = half_steps / 2;
        let edge = |bits: u64| -> BigInt {
            // The value 2^1024 stands for infinity.
            if bits >= 0x7ff << 52 {
                BigInt::from(1) << (1024 + POINT) as usize
            } else {
                Slow::of(f64::from_bits(bits)).0
            }
        };
        // Half-way point times two: edge(low) + edge(high).
        let twice = edge(low) + edge(low + half_steps % 2);
        (&magnitude << (POINT as usize + 1)).cmp(&(twice * denominator))
    };
    // Largest half step that is not above the ratio.
    let (mut low, mut high) = (0u64, (0x7ffu64 << 52) * 2);
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if at_least(middle).is_ge() { low = middle } else { high = middle - 1 }
    }
    let bits = match (low % 2, at_least(low).is_eq()) {
        (0, _) => low / 2,
        (_, false) => low / 2 + 1,
        // A tie: to even.
        (_, true) => low / 2 + ((low / 2) & 1),
    };
    let value = f64::from_bits(bits);
    if numerator.sign() == Sign::Minus { -value } else { value }
}

/// Doubles of every size, with the sums that hurt: near each other, cancelling, subnormal, huge.
fn finite() -> impl Strategy<Value = f64> {
    prop_oneof![
        3 => any::<u64>().prop_map(f64::from_bits).prop_filter("finite", |x| x.is_finite()),
        3 => -1e3..1e3f64,
        2 => (-1000i32..1000).prop_map(|i| f64::from(i) / 100.0),
        1 => prop_oneof![
            Just(f64::MAX), Just(f64::MIN), Just(5e-324), Just(-5e-324), Just(0.0), Just(-0.0),
            Just(1.0), Just(1e16), Just(-1e16), Just(f64::MIN_POSITIVE), Just(1.0 + f64::EPSILON)
        ],
    ]
}

fn sum_of(xs: &[f64]) -> ExactSum {
    let mut sum = ExactSum::default();
    xs.iter().for_each(|&x| sum.add(x));
    sum
}

fn bytes_of(sum: &ExactSum) -> Vec<u8> {
    let mut out = Vec::new();
    sum.encode(&mut out);
    out
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn sum_and_mean_are_the_exact_total_rounded_once(xs in prop::collection::vec(finite(), 1..40), more in 0u64..1 << 60) {
        let sum = sum_of(&xs);
        let total = xs.iter().fold(BigInt::from(0), |a, &x| a + Slow::of(x).0);
        prop_assert_eq!(sum.value().to_bits(), Slow(total.clone()).rounded().to_bits());
        for n in [xs.len() as u64, 3, 1 + (more & 0xffff), 1 + more] {
            let mean = round_slowly(&total, &(BigInt::from(n) << POINT as usize));
            prop_assert_eq!(sum.divided_by(n).to_bits(), mean.to_bits(), "n = {}", n);
        }
    }

    #[test]
    fn sum_does_not_depend_on_order_merges_or_what_was_removed(
        xs in prop::collection::vec(prop_oneof![8 => finite(), 1 => prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY)]], 0..30),
        gone in prop::collection::vec(prop_oneof![8 => finite(), 1 => prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY)]], 0..10),
        cut in 0usize..30,
    ) {
        let plain = sum_of(&xs);
        let cut = cut.min(xs.len());
        let mut mixed = sum_of(&gone);
        let mut back = sum_of(&xs[cut..]);
        for &x in xs[..cut].iter().rev() {
            mixed.add(x);
        }
        gone.iter().for_each(|&x| back.remove(x));
        mixed.merge(&back);
        prop_assert_eq!(plain.value().to_bits(), mixed.value().to_bits());
        prop_assert_eq!(bytes_of(&plain), bytes_of(&mixed));
        let decoded = ExactSum::decode(&mut Reader::new(&bytes_of(&plain))).unwrap();
        prop_assert_eq!(decoded.value().to_bits(), plain.value().to_bits());
        prop_assert_eq!(bytes_of(&decoded), bytes_of(&plain));
    }

    #[test]
    fn single_precision_sum_is_rounded_once(xs in prop::collection::vec(any::<u32>().prop_map(f32::from_bits).prop_filter("finite", |x| x.is_finite()), 1..20)) {
        let sum = sum_of(&xs.iter().map(|&x| f64::from(x)).collect::<Vec<_>>());
        let total = xs.iter().fold(BigInt::from(0), |a, &x| a + Slow::of(f64::from(x)).0);
        let value = sum.value_f32();
        if value.is_finite() {
            // No single is nearer.
            let distance = |x: f32| {
                let d = &total - Slow::of(f64::from(x)).0;
                if d.sign() == Sign::Minus { -d } else { d }
            };
            for other in [value.next_up(), value.next_down()] {
                if other.is_finite() {
                    prop_assert!(distance(value) <= distance(other));
                }
            }
        }
    }

    #[test]
    fn products_are_exact_whatever_the_order_and_removals(
        pairs in prop::collection::vec((finite(), finite()), 1..20),
        gone in prop::collection::vec((finite(), finite()), 0..6),
        cut in 0usize..20,
    ) {
        let mut plain = ExactProducts::default();
        pairs.iter().for_each(|&(x, y)| plain.add(x, y));
        let total = pairs.iter().fold(BigInt::from(0), |a, &(x, y)| {
            // Twice the point, so that nothing is cut off.
            a + Slow::of(x).0 * Slow::of(y).0
        });
        let expected = round_slowly(&total, &(BigInt::from(1) << (2 * POINT) as usize));
        prop_assert_eq!(plain.exact().to_f64().to_bits(), expected.to_bits());
        let cut = cut.min(pairs.len());
        let mut mixed = ExactProducts::default();
        gone.iter().for_each(|&(x, y)| mixed.add(x, y));
        pairs[cut..].iter().rev().for_each(|&(x, y)| mixed.add(x, y));
        let mut other = ExactProducts::default();
        pairs[..cut].iter().for_each(|&(x, y)| other.add(x, y));
        gone.iter().for_each(|&(x, y)| other.remove(x, y));
        mixed.merge(&other);
        let (mut a, mut b, mut c) = (Vec::new(), Vec::new(), Vec::new());
        plain.encode(&mut a);
        mixed.encode(&mut b);
        prop_assert_eq!(&a, &b);
        let mut decoded = ExactProducts::decode(&mut Reader::new(&a)).unwrap();
        decoded.encode(&mut c);
        prop_assert_eq!(&a, &c);
        // A decoded sum goes on like the one it came from.
        for &(x, y) in &gone {
            decoded.add(x, y);
            plain.add(x, y);
        }
        prop_assert_eq!(decoded.exact().to_f64().to_bits(), plain.exact().to_f64().to_bits());
    }

    #[test]
    fn ratio_is_rounded_once(
        a in prop::collection::vec(any::<u64>(), 1..6),
        b in prop::collection::vec(any::<u64>(), 1..6),
        exponent in -1200i32..900,
        negative in any::<bool>(),
    ) {
        let big = |limbs: &[u64]| limbs.iter().rev().fold(BigInt::from(0), |a, &l| (a << 64usize) + l);
        let (mut n, d) = (big(&a), big(&b));
        prop_assume!(d.sign() != Sign::NoSign);
        let got = round_ratio(negative, &Wide::from_limbs(&a), exponent, &Wide::from_limbs(&b));
        if negative { n = -n; }
        let expected = if exponent >= 0 {
            round_slowly(&(n << exponent as usize), &d)
        } else {
            round_slowly(&n, &(d << -exponent as usize))
        };
        prop_assert_eq!(got.to_bits(), expected.to_bits());
    }

    #[test]
    fn damaged_sums_are_refused_or_read_but_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        if let Ok(sum) = ExactSum::decode(&mut Reader::new(&bytes)) {
            let mut again = bytes_of(&sum);
            again.truncate(bytes.len());
            prop_assert!(bytes.starts_with(&again));
        }
        let _ = ExactProducts::decode(&mut Reader::new(&bytes));
    }
}

#[test]
fn cancellation_overflow_and_specials_are_as_documented() {
    assert_eq!(sum_of(&[1e16, 1.0, -1e16]).value(), 1.0);
    assert_eq!(sum_of(&[1e308, 1e308, -1e308, -1e308]).value(), 0.0);
    assert_eq!(sum_of(&[1e308, 1e308]).value(), f64::INFINITY);
    assert_eq!(sum_of(&[1e308, 1e308]).divided_by(2), 1e308);
    assert_eq!(sum_of(&[f64::MAX, f64::MAX, -f64::MAX]).value(), f64::MAX);
    assert_eq!(sum_of(&[-0.0, -0.0]).value().to_bits(), 0);
    assert_eq!(sum_of(&[5e-324, 5e-324]).value(), 1e-323);
    assert_eq!(sum_of(&[5e-324]).divided_by(2), 0.0);
    assert_eq!(sum_of(&[1.5e-323]).divided_by(2), 1e-323);
    assert!(sum_of(&[f64::INFINITY, f64::NEG_INFINITY]).value().is_nan());
    assert_eq!(sum_of(&[f64::INFINITY, 1.0]).divided_by(2), f64::INFINITY);
    let mut sum = sum_of(&[f64::NAN, f64::INFINITY, 2.0]);
    sum.remove(f64::NAN);
    assert_eq!(sum.value(), f64::INFINITY);
    sum.remove(f64::INFINITY);
    assert_eq!(sum.value(), 2.0);
    assert_eq!(sum.heap_bytes(), 0);
}

#[test]
fn a_tie_in_the_mean_goes_to_even() {
    // (2^53 + 1) / 1 lies half-way; as does (2^54 + 2) / 2.
    assert_eq!(sum_of(&[9007199254740992.0, 1.0]).divided_by(1), 9007199254740992.0);
    assert_eq!(sum_of(&[18014398509481984.0, 6.0]).divided_by(2), 9007199254740996.0);
}
