//! Values against slow references over the plain rows.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_schema::{DataType, Field, Fields};
use cep_lang::plan::{AggCall, AggFunc};
use num_bigint::BigInt;
use proptest::prelude::*;

use super::calls::{Table, add, decimals, doubles, emitted, longs, plan, texts};
use super::cases;
use crate::agg::exact::tests::{POINT, Slow, round_slowly};
use crate::agg::{AggError, AggOptions, AggPlan, AggSet};
use crate::column::{Column, Values};

fn one_column(column: Column, data_type: DataType) -> Table {
    let rows = column.len();
    let ts = (0..rows as i64).map(|i| i * 1_000_000_000).collect();
    Table { columns: vec![column], types: vec![data_type], ts, seq: (0..rows as u64).collect() }
}

/// All rows in one group, emitted.
fn run(t: &Table, calls: &[AggCall], removal: bool) -> Vec<Column> {
    let mut set = AggSet::new(plan(calls, removal));
    set.resize(1);
    add(&mut set, t, 0, &(0..t.rows() as u32).collect::<Vec<_>>());
    let mut out: Vec<Column> = set.plan().clone().result_types().map(Column::new).collect();
    let mut errors = Vec::new();
    set.emit_all(&[0], &mut out, &mut errors);
    assert_eq!(errors, []);
    out
}

fn double(column: &Column) -> Option<f64> {
    match &column.values {
        Values::F64(v) => column.is_valid(0).then(|| v[0]),
        other => panic!("{}", other.kind_name()),
    }
}

fn some_double() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => -1e3..1e3f64,
        2 => (-1000i32..1000).prop_map(|i| f64::from(i) / 100.0),
        1 => 1e15..1.0001e15f64,
        1 => any::<f64>().prop_filter("finite", |x| x.is_finite()),
    ]
}

/// n·Σxy − Σx·Σy over 2^(2·POINT).
fn scatter(xs: &[f64], ys: &[f64]) -> BigInt {
    let sum = |v: &[f64]| v.iter().fold(BigInt::from(0), |a, &x| a + Slow::of(x).0);
    let xy = xs.iter().zip(ys).fold(BigInt::from(0), |a, (&x, &y)| a + Slow::of(x).0 * Slow::of(y).0);
    xy * xs.len() - sum(xs) * sum(ys)
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn moments_are_exact_ratios_rounded_once(rows in prop::collection::vec((some_double(), some_double()), 2..20)) {
        let (xs, ys): (Vec<f64>, Vec<f64>) = rows.iter().copied().unzip();
        let n = xs.len();
        let column = |v: &[f64]| doubles(&v.iter().copied().map(Some).collect::<Vec<_>>());
        let t = Table {
            columns: vec![column(&xs), column(&ys)],
            types: vec![DataType::Float64; 2],
            ts: vec![0; n],
            seq: (0..n as u64).collect(),
        };
        let f64 = DataType::Float64;
        let out = run(&t, &[
            t.call(AggFunc::Variance { population: true }, &[0], f64.clone()),
            t.call(AggFunc::Stddev { population: false }, &[0], f64.clone()),
            t.call(AggFunc::Covariance { population: false }, &[0, 1], f64.clone()),
            t.call(AggFunc::Correlation, &[0, 1], f64),
        ], false);
        let over = |value: BigInt, by: usize| round_slowly(&value, &(BigInt::from(by) << (2 * POINT) as usize));
        prop_assert_eq!(double(&out[0]), Some(over(scatter(&xs, &xs), n * n)));
        prop_assert_eq!(double(&out[1]), Some(over(scatter(&xs, &xs), n * (n - 1)).sqrt()));
        prop_assert_eq!(double(&out[2]), Some(over(scatter(&xs, &ys), n * (n - 1))));
        let (sxx, syy, sxy) = (scatter(&xs, &xs), scatter(&ys, &ys), scatter(&xs, &ys));
        let zero = BigInt::from(0);
        if sxx == zero || syy == zero {
            prop_assert_eq!(double(&out[3]), None);
        } else {
            let root = round_slowly(&(&sxy * &sxy), &(sxx * syy)).sqrt();
            prop_assert_eq!(double(&out[3]), Some(if sxy < zero { -root } else { root }));
        }
    }

    #[test]
    fn quantile_is_exact_up_to_its_bound_and_near_above(
        mut xs in prop::collection::vec(prop_oneof![3 => -1e3..1e3f64, 1 => (-9i32..9).prop_map(f64::from), 1 => 1e-300..1e300f64], 1..200),
        q in 0.0..=1.0f64,
        exact_max in prop_oneof![Just(4096u32), 0u32..50],
        removal in any::<bool>(),
    ) {
        let t = one_column(doubles(&xs.iter().copied().map(Some).collect::<Vec<_>>()), DataType::Float64);
        let out = run(&t, &[t.call(AggFunc::Quantile { q, exact_max }, &[0], DataType::Float64)], removal);
        let got = double(&out[0]).unwrap();
        xs.sort_by(f64::total_cmp);
        let place = q * (xs.len() - 1) as f64;
        let (low, high) = (xs[place.floor() as usize], xs[(place.floor() as usize + 1).min(xs.len() - 1)]);
        let part = place - place.floor();
        let expected = if part == 0.0 || low == high { low } else { low + (high - low) * part };
        if xs.len() <= exact_max as usize {
            prop_assert_eq!(got, expected + 0.0);
        } else {
            let slack = 0.0079 * low.abs().max(high.abs());
            prop_assert!((got - expected).abs() <= slack, "{} {}", got, expected);
        }
    }

    #[test]
    fn decimal_mean_rounds_half_away_from_zero(xs in prop::collection::vec(-(10i128.pow(20))..10i128.pow(20), 1..9)) {
        let (n, more) = (xs.len() as i128, 10_000);
        let t = one_column(decimals(&xs.iter().copied().map(Some).collect::<Vec<_>>()), DataType::Decimal128(30, 2));
        let out = run(&t, &[t.call(AggFunc::Avg, &[0], DataType::Decimal128(34, 6))], false);
        let total: i128 = xs.iter().sum::<i128>() * more;
        let expected = (total.abs() * 2 + n) / (2 * n) * total.signum();
        let Values::I128(v) = &out[0].values else { unreachable!() };
        prop_assert_eq!(v[0], expected);
    }

    #[test]
    fn integer_mean_is_rounded_once(xs in prop::collection::vec(any::<i64>(), 1..9)) {
        let t = one_column(longs(&xs.iter().copied().map(Some).collect::<Vec<_>>()), DataType::Int64);
        let out = run(&t, &[t.call(AggFunc::Avg, &[0], DataType::Float64)], false);
        let total: i128 = xs.iter().map(|&x| i128::from(x)).sum();
        let expected = round_slowly(&(BigInt::from(total) << POINT as usize), &(BigInt::from(xs.len()) << POINT as usize));
        prop_assert_eq!(double(&out[0]), Some(expected));
    }

    #[test]
    fn rate_adds_what_was_counted_before_a_reset(xs in prop::collection::vec(0i64..100, 2..20)) {
        let t = one_column(longs(&xs.iter().copied().map(Some).collect::<Vec<_>>()), DataType::Int64);
        let f64 = DataType::Float64;
        let out = run(&t, &[t.call(AggFunc::Increase, &[0], f64.clone()), t.call(AggFunc::Rate, &[0], f64)], false);
        let growth: i64 = xs.windows(2).map(|w| if w[1] < w[0] { w[1] } else { w[1] - w[0] }).sum();
        prop_assert_eq!(double(&out[0]), Some(growth as f64));
        prop_assert_eq!(double(&out[1]), Some(growth as f64 / (xs.len() - 1) as f64));
    }

    #[test]
    fn ewma_is_one_pass_in_order_of_arrival(xs in prop::collection::vec(-100.0..100.0f64, 1..20), alpha in 0.01..1.0f64) {
        let t = one_column(doubles(&xs.iter().copied().map(Some).collect::<Vec<_>>()), DataType::Float64);
        let calls = [t.call(AggFunc::Ewma { alpha }, &[0], DataType::Float64)];
        let expected = xs[1..].iter().fold(xs[0], |v, &x| alpha * x + (1.0 - alpha) * v);
        for merged in [false, true] {
            let options = AggOptions { merged, ..AggOptions::default() };
            let mut set = AggSet::new(Arc::new(AggPlan::new(&calls, options).unwrap()));
            set.resize(1);
            add(&mut set, &t, 0, &(0..xs.len() as u32).collect::<Vec<_>>());
            let mut out = vec![Column::new(&DataType::Float64)];
            set.emit_all(&[0], &mut out, &mut Vec::new());
            prop_assert_eq!(double(&out[0]), Some(expected));
        }
    }

    #[test]
    fn counting_aggregates_agree_with_a_count(xs in prop::collection::vec(prop::option::of(0i64..6), 1..30), k in 1u32..5) {
        let t = one_column(longs(&xs), DataType::Int64);
        let pair = Fields::from(vec![Field::new("v", DataType::Int64, true), Field::new("n", DataType::Int64, true)]);
        let list = |item: DataType| DataType::List(Arc::new(Field::new("item", item, true)));
        let calls = [
            t.call(AggFunc::Mode, &[0], DataType::Int64),
            t.call(AggFunc::CountDistinct, &[0], DataType::Int64),
            t.call(AggFunc::TopK { k }, &[0], list(DataType::Struct(pair))),
            t.call(AggFunc::Collect, &[0], list(DataType::Int64)),
        ];
        let out = run(&t, &calls, false);
        let mut counts = std::collections::BTreeMap::new();
        xs.iter().flatten().for_each(|&x| *counts.entry(x).or_insert(0i64) += 1);
        let best = counts.iter().max_by_key(|&(v, n)| (*n, -v)).map(|(v, _)| *v);
        let Values::I64(mode) = &out[0].values else { unreachable!() };
        prop_assert_eq!(out[0].is_valid(0).then(|| mode[0]), best);
        let Values::I64(distinct) = &out[1].values else { unreachable!() };
        prop_assert_eq!(distinct[0], counts.len() as i64);
        let Values::Any(top) = &out[2].values else { unreachable!() };
        let top = top.as_list::<i32>();
        let mut ranked: Vec<i64> = counts.values().copied().collect();
        ranked.sort_by_key(|n| -n);
        ranked.truncate(k as usize);
        if ranked.is_empty() {
            prop_assert!(out[2].to_arrow(&calls[2].data_type).nulls().is_some());
        } else {
            let pairs = top.value(0);
            let values = pairs.as_struct().column(0).as_primitive::<arrow_array::types::Int64Type>().values().to_vec();
            let ns = pairs.as_struct().column(1).as_primitive::<arrow_array::types::Int64Type>().values().to_vec();
            prop_assert_eq!(&ns, &ranked);
            for (v, n) in values.iter().zip(&ns) {
                prop_assert_eq!(counts[v], *n);
            }
        }
        let Values::Any(all) = &out[3].values else { unreachable!() };
        let all: Vec<Option<i64>> =
            all.as_list::<i32>().value(0).as_primitive::<arrow_array::types::Int64Type>().iter().collect();
        prop_assert_eq!(all, xs);
    }
}

#[test]
fn approximate_distinct_counts_stay_within_their_error() {
    for distinct in [1usize, 10, 500, 1_500, 20_000, 200_000] {
        let values: Vec<Option<i64>> = (0..distinct as i64).map(|i| Some(i * 7 - 3)).collect();
        let t = one_column(longs(&values), DataType::Int64);
        let out = run(&t, &[t.call(AggFunc::ApproxCountDistinct, &[0], DataType::Int64)], false);
        let Values::I64(v) = &out[0].values else { unreachable!() };
        let error = (v[0] as f64 - distinct as f64).abs() / distinct as f64;
        // Two standard errors.
        assert!(error <= 0.0164, "{distinct}: {}", v[0]);
    }
}

#[test]
fn kll_ranks_stay_within_their_bound() {
    // Sorted, reversed and interleaved arrival; the value is its own rank.
    let n = 200_000u64;
    let orders: [fn(u64, u64) -> u64; 3] = [|i, _| i, |i, n| n - 1 - i, |i, n| i * 7_919 % n];
    for order in orders {
        let values: Vec<Option<i64>> = (0..n).map(|i| Some(order(i, n) as i64)).collect();
        let t = one_column(longs(&values), DataType::Int64);
        for q in [0.0, 0.01, 0.5, 0.99, 1.0] {
            let out = run(&t, &[t.call(AggFunc::QuantileKll { q }, &[0], DataType::Float64)], false);
            let rank = double(&out[0]).unwrap();
            let levels = (n as f64 / 4096.0).log2().ceil();
            assert!((rank - q * n as f64).abs() <= levels * n as f64 / 4096.0 + 1.0, "q {q}: {rank}");
        }
    }
}

#[test]
fn overflow_is_an_error_of_that_group_and_call_alone() {
    let t = Table {
        columns: vec![
            longs(&[Some(i64::MAX), Some(1), Some(5)]),
            decimals(&[Some(10i128.pow(38) - 1), Some(1), Some(5)]),
        ],
        types: vec![DataType::Int64, DataType::Decimal128(38, 0)],
        ts: vec![0; 3],
        seq: vec![0, 1, 2],
    };
    let calls = [
        t.call(AggFunc::Sum, &[0], DataType::Int64),
        t.call(AggFunc::Count, &[0], DataType::Int64),
        t.call(AggFunc::Sum, &[1], DataType::Decimal128(38, 0)),
    ];
    let mut set = AggSet::new(plan(&calls, true));
    set.resize(2);
    add(&mut set, &t, 0, &[0, 1]);
    add(&mut set, &t, 1, &[2]);
    let mut out: Vec<Column> = calls.iter().map(|c| Column::new(&c.data_type)).collect();
    let mut errors = Vec::new();
    set.emit_all(&[1, 0], &mut out, &mut errors);
    let places: Vec<(usize, usize)> = errors.iter().map(|e| (e.index, e.call)).collect();
    assert_eq!(places, [(1, 0), (1, 2)]);
    assert!(matches!(errors[0].error, AggError::Overflow { func: "sum", .. }));
    assert!(out[0].is_valid(0) && !out[0].is_valid(1));
    assert!(out[1].is_valid(1));
}

#[test]
fn nan_is_largest_and_negative_zero_is_zero() {
    let t =
        one_column(doubles(&[Some(-0.0), Some(f64::NAN), Some(f64::INFINITY), Some(0.0)]), DataType::Float64);
    let f64 = DataType::Float64;
    for removal in [false, true] {
        let out = run(
            &t,
            &[
                t.call(AggFunc::Min, &[0], f64.clone()),
                t.call(AggFunc::Max, &[0], f64.clone()),
                t.call(AggFunc::CountDistinct, &[0], DataType::Int64),
            ],
            removal,
        );
        assert_eq!(double(&out[0]).map(f64::to_bits), Some(0));
        assert_eq!(double(&out[1]).map(f64::to_bits), Some(f64::NAN.to_bits()));
        let Values::I64(v) = &out[2].values else { unreachable!() };
        assert_eq!(v[0], 3);
    }
}

#[test]
fn order_by_and_ties_choose_the_rows_of_arg_min_and_first() {
    let t = Table {
        columns: vec![
            texts(&["a", "b", "c", "d"].map(|s| Some(s.to_owned()))),
            longs(&[Some(2), Some(1), Some(1), None]),
        ],
        types: vec![DataType::Utf8, DataType::Int64],
        ts: vec![5, 9, 7, 1],
        seq: vec![0, 1, 2, 3],
    };
    let last = AggFunc::Last { ignore_nulls: false };
    for removal in [false, true] {
        let calls = [
            t.call(AggFunc::ArgMin, &[0, 1], DataType::Utf8),
            t.call(AggFunc::ArgMax, &[0, 1], DataType::Utf8),
            t.call(AggFunc::First { ignore_nulls: false }, &[0], DataType::Utf8),
            AggCall { order_by: vec![t.key(1, true, true)], ..t.call(last.clone(), &[0], DataType::Utf8) },
            AggCall { order_by: vec![t.key(1, false, false)], ..t.call(last.clone(), &[0], DataType::Utf8) },
        ];
        let out = run(&t, &calls, removal);
        let found: Vec<&[u8]> = out.iter().map(|c| c.bytes_at(0)).collect();
        // Ties of 1 by ts: c, then b. Last by y descending is b, with NULLs last it is d.
        assert_eq!(found, [b"c", b"a", b"d", b"b", b"d"]);
        let mut set = AggSet::new(plan(&calls, removal));
        set.resize(1);
        assert_eq!(emitted(&mut set, 0).0.len(), calls.len());
    }
}
