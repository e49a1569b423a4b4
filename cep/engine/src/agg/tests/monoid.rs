//! Every aggregate is a monoid: splits, orders of merging and removals cannot be seen.

use std::sync::Arc;

use arrow_array::ListArray;
use arrow_array::types::Int64Type;
use arrow_schema::{DataType, Field, Fields};
use cep_lang::plan::{AggCall, AggFunc};
use proptest::prelude::*;

use super::calls::{
    Table, add, bools, bytes, decimals, doubles, emitted, longs, merge_within, plan, take, texts,
};
use super::cases;
use crate::agg::{AggOptions, AggPlan, AggSet};
use crate::column::{Column, Values};

/// x, y: DOUBLE; i: BIGINT; s: STRING; b: BOOL; d: DECIMAL(38, 2); l: ARRAY<BIGINT>.
const X: usize = 0;
const Y: usize = 1;
const I: usize = 2;
const S: usize = 3;
const B: usize = 4;
const D: usize = 5;
const L: usize = 6;

fn lists(rows: &[Option<Vec<Option<i64>>>]) -> Column {
    let array = ListArray::from_iter_primitive::<Int64Type, _, _>(rows.iter().cloned());
    Column::dense(Values::Any(Arc::new(array)))
}

fn number() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![
        6 => (-50i32..50).prop_map(|i| Some(f64::from(i) / 10.0)),
        2 => any::<f64>().prop_map(Some),
        1 => prop_oneof![
            Just(Some(f64::NAN)), Just(Some(f64::INFINITY)), Just(Some(f64::NEG_INFINITY)), Just(Some(-0.0)),
            Just(Some(1e308)), Just(Some(5e-324))
        ],
        1 => Just(None),
    ]
}

fn table(rows: std::ops::Range<usize>) -> impl Strategy<Value = Table> {
    let row = (
        number(),
        number(),
        prop_oneof![4 => (-5i64..5).prop_map(Some), 1 => any::<i64>().prop_map(Some), 1 => Just(None)],
        prop_oneof![4 => "[ab]{0,2}".prop_map(Some), 1 => Just(None)],
        prop_oneof![4 => any::<bool>().prop_map(Some), 1 => Just(None)],
        prop_oneof![4 => (-9999i128..9999).prop_map(Some), 1 => Just(Some(10i128.pow(38) - 1)), 1 => Just(None)],
        prop_oneof![4 => prop::collection::vec(prop::option::of(0i64..3), 0..3).prop_map(Some), 1 => Just(None)],
        0i64..5,
    );
    prop::collection::vec(row, rows).prop_map(|rows| Table {
        columns: vec![
            doubles(&rows.iter().map(|r| r.0).collect::<Vec<_>>()),
            doubles(&rows.iter().map(|r| r.1).collect::<Vec<_>>()),
            longs(&rows.iter().map(|r| r.2).collect::<Vec<_>>()),
            texts(&rows.iter().map(|r| r.3.clone()).collect::<Vec<_>>()),
            bools(&rows.iter().map(|r| r.4).collect::<Vec<_>>()),
            decimals(&rows.iter().map(|r| r.5).collect::<Vec<_>>()),
            lists(&rows.iter().map(|r| r.6.clone()).collect::<Vec<_>>()),
        ],
        types: vec![
            DataType::Float64,
            DataType::Float64,
            DataType::Int64,
            DataType::Utf8,
            DataType::Boolean,
            DataType::Decimal128(38, 2),
            list_of(DataType::Int64),
        ],
        ts: rows.iter().map(|r| r.7 * 1_000_000_000).collect(),
        seq: (0..rows.len() as u64).collect(),
    })
}

/// Calls of every aggregate that is a function of the multiset, over every kind of argument.
fn calls(t: &Table) -> Vec<AggCall> {
    use AggFunc::*;
    let f64 = DataType::Float64;
    let mut calls = vec![
        t.call(Count, &[], DataType::Int64),
        t.call(Count, &[X], DataType::Int64),
        t.call(Count, &[S], DataType::Int64),
        t.call(Count, &[X, S, I], DataType::Int64),
        t.call(Sum, &[X], f64.clone()),
        t.call(Sum, &[I], DataType::Int64),
        t.call(Sum, &[D], t.types[D].clone()),
        t.call(Avg, &[X], f64.clone()),
        t.call(Avg, &[I], f64.clone()),
        t.call(Avg, &[D], DataType::Decimal128(38, 6)),
        t.call(Variance { population: true }, &[X], f64.clone()),
        t.call(Stddev { population: false }, &[Y], f64.clone()),
        t.call(Covariance { population: false }, &[X, Y], f64.clone()),
        t.call(Correlation, &[X, Y], f64.clone()),
        t.call(BoolAnd, &[B], DataType::Boolean),
        t.call(BoolOr, &[B], DataType::Boolean),
        t.call(BitAnd, &[I], DataType::Int64),
        t.call(BitOr, &[I], DataType::Int64),
        t.call(BitXor, &[I], DataType::Int64),
        t.call(Rate, &[X], f64.clone()),
        t.call(Increase, &[I], f64.clone()),
        t.call(Ewma { alpha: 0.25 }, &[X], f64.clone()),
        t.call(CountDistinct, &[X, S], DataType::Int64),
        t.call(Quantile { q: 0.5, exact_max: 4096 }, &[X], f64.clone()),
        t.call(Quantile { q: 0.9, exact_max: 5 }, &[I], f64.clone()),
        t.call(UnionSet, &[L], t.types[L].clone()),
        t.call(ArgMin, &[S, X], DataType::Utf8),
        t.call(ArgMax, &[X, S], f64.clone()),
        t.call(StringAgg { separator: ", ".to_owned() }, &[S], DataType::Utf8),
    ];
    for column in [X, I, S, B, D, L] {
        let kind = &t.types[column];
        let pair = Fields::from(vec![
            Field::new("value", kind.clone(), true),
            Field::new("count", DataType::Int64, true),
        ]);
        for func in [Min, Max, MinForever, Mode] {
            calls.push(t.call(func, &[column], kind.clone()));
        }
        for ignore_nulls in [true, false] {
            calls.push(t.call(First { ignore_nulls }, &[column], kind.clone()));
            calls.push(t.call(Last { ignore_nulls }, &[column], kind.clone()));
            calls.push(t.call(Nth { n: 2, ignore_nulls }, &[column], kind.clone()));
            calls.push(t.call(Nth { n: -3, ignore_nulls }, &[column], kind.clone()));
        }
        calls.push(t.call(Collect, &[column], list_of(kind.clone())));
        calls.push(t.call(UnionSet, &[column], list_of(kind.clone())));
        calls.push(t.call(TopK { k: 2 }, &[column], list_of(DataType::Struct(pair))));
        calls.push(t.call(CountDistinct, &[column], DataType::Int64));
        calls.push(t.call(ArgMax, &[I, column], DataType::Int64));
    }
    let distinct = [
        t.call(Count, &[X, I], DataType::Int64),
        t.call(Sum, &[X], f64.clone()),
        t.call(Avg, &[I], f64.clone()),
        t.call(Sum, &[D], t.types[D].clone()),
        t.call(Stddev { population: true }, &[X], f64.clone()),
        t.call(Correlation, &[X, Y], f64.clone()),
        t.call(BitXor, &[I], DataType::Int64),
        t.call(Quantile { q: 0.25, exact_max: 3 }, &[X], f64),
        t.call(Collect, &[I], list_of(DataType::Int64)),
        t.call(StringAgg { separator: "-".to_owned() }, &[S], DataType::Utf8),
    ];
    calls.extend(distinct.into_iter().map(|call| AggCall { distinct: true, ..call }));
    for (column, descending, nulls_first) in
        [(X, false, true), (S, true, false), (D, true, true), (B, false, false)]
    {
        let order_by = vec![t.key(column, descending, nulls_first), t.key(I, !descending, nulls_first)];
        let call = t.call(Collect, &[S], list_of(DataType::Utf8));
        calls.push(AggCall { order_by, ..call });
        let order_by = vec![t.key(column, descending, nulls_first)];
        calls.push(AggCall { order_by, ..t.call(Last { ignore_nulls: true }, &[X], DataType::Float64) });
    }
    let filtered = calls.clone().into_iter().map(|call| AggCall { filter: Some(t.expr(B)), ..call });
    calls.extend(filtered.collect::<Vec<_>>());
    calls
}

/// Aggregates without removal, but still functions of the multiset.
fn growing(t: &Table) -> Vec<AggCall> {
    [X, I, S, B, D, L].map(|column| t.call(AggFunc::ApproxCountDistinct, &[column], DataType::Int64)).into()
}

fn list_of(item: DataType) -> DataType {
    DataType::List(Arc::new(Field::new("item", item, true)))
}

/// Splits rows over groups and merges the groups into group 0 in some order.
fn merged(t: &Table, calls: &[AggCall], parts: &[u8], order: &[usize], removal: bool) -> AggSet {
    let mut set = AggSet::new(plan(calls, removal));
    set.resize(8);
    for (row, part) in (0..t.rows() as u32).zip(parts) {
        add(&mut set, t, u32::from(*part), &[row]);
    }
    let mut other = AggSet::new(Arc::clone(set.plan()));
    other.resize(1);
    for (i, &group) in order.iter().enumerate() {
        match i % 2 {
            // A tree with two arms.
            0 => merge_within(&mut set, 0, group as u32),
            _ => other.merge(0, &set, group as u32),
        }
    }
    set.merge(0, &other, 0);
    set
}

proptest! {
    #![proptest_config(cases(30))]

    #[test]
    fn splits_and_merge_orders_cannot_be_seen(
        t in table(0..24),
        parts in prop::collection::vec(0u8..8, 24),
        order in Just((1..8).collect::<Vec<usize>>()).prop_shuffle(),
        removal in any::<bool>(),
    ) {
        let mut calls = calls(&t);
        if !removal {
            calls.extend(growing(&t));
        }
        let mut whole = AggSet::new(plan(&calls, removal));
        whole.resize(1);
        add(&mut whole, &t, 0, &(0..t.rows() as u32).collect::<Vec<_>>());
        let mut split = merged(&t, &calls, &parts, &order, removal);
        prop_assert_eq!(emitted(&mut whole, 0), emitted(&mut split, 0));
        prop_assert_eq!(bytes(&whole, 0), bytes(&split, 0));
    }

    #[test]
    fn add_then_remove_is_never_added(
        t in table(0..24),
        gone in prop::collection::vec(any::<bool>(), 24),
        order in Just((0..24).collect::<Vec<u32>>()).prop_shuffle(),
    ) {
        let plan = plan(&calls(&t), true);
        prop_assert!(plan.is_removable());
        let rows = t.rows() as u32;
        let mut set = AggSet::new(plan);
        set.resize(2);
        add(&mut set, &t, 0, &(0..rows).collect::<Vec<_>>());
        let (out, kept): (Vec<u32>, Vec<u32>) =
            order.into_iter().filter(|&r| r < rows).partition(|&r| gone[r as usize]);
        take(&mut set, &t, 0, &out);
        add(&mut set, &t, 1, &kept);
        prop_assert_eq!(emitted(&mut set, 0), emitted(&mut set, 1));
        prop_assert_eq!(bytes(&set, 0), bytes(&set, 1));
        let empty = { let mut s = AggSet::new(Arc::clone(set.plan())); s.resize(1); s };
        take(&mut set, &t, 1, &kept);
        prop_assert_eq!(bytes(&set, 1), bytes(&empty, 0));
    }

    #[test]
    fn encoded_groups_come_back_and_go_on(
        t in table(0..24),
        cut in 0u32..24,
        removal in any::<bool>(),
        ends in prop::collection::vec(any::<prop::sample::Index>(), 3),
    ) {
        let calls = calls(&t);
        let rows = t.rows() as u32;
        let cut = cut.min(rows);
        let mut set = AggSet::new(plan(&calls, removal));
        set.resize(2);
        add(&mut set, &t, 0, &(0..cut).collect::<Vec<_>>());
        let encoded = bytes(&set, 0);
        let mut slice = &encoded[..];
        set.decode(1, &mut slice).unwrap();
        prop_assert!(slice.is_empty());
        prop_assert_eq!(&bytes(&set, 1), &encoded);
        for group in [0, 1] {
            add(&mut set, &t, group, &(cut..rows).collect::<Vec<_>>());
        }
        prop_assert_eq!(emitted(&mut set, 0), emitted(&mut set, 1));
        prop_assert_eq!(bytes(&set, 0), bytes(&set, 1));
        for end in ends {
            prop_assert!(set.decode(1, &mut &encoded[..end.index(encoded.len())]).is_err());
        }
    }

    #[test]
    fn damaged_bytes_never_panic(t in table(0..12), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let calls = calls(&t);
        let mut set = AggSet::new(plan(&calls, true));
        set.resize(1);
        add(&mut set, &t, 0, &(0..t.rows() as u32).collect::<Vec<_>>());
        let mut encoded = bytes(&set, 0);
        let at = at.index(encoded.len());
        encoded[at] = byte;
        if set.decode(0, &mut &encoded[..]).is_ok() {
            emitted(&mut set, 0);
        }
    }
}

#[test]
fn calls_over_one_argument_share_one_sum() {
    let t = Table { columns: vec![], types: vec![DataType::Float64], ts: vec![], seq: vec![] };
    let f64 = DataType::Float64;
    let calls = [
        t.call(AggFunc::Count, &[0], DataType::Int64),
        t.call(AggFunc::Sum, &[0], f64.clone()),
        t.call(AggFunc::Avg, &[0], f64.clone()),
        t.call(AggFunc::Stddev { population: false }, &[0], f64),
    ];
    let plan = AggPlan::new(&calls, AggOptions::default()).unwrap();
    assert_eq!(plan.states().len(), 2, "a sum and squares");
    assert_eq!(plan.inputs().len(), 1);
}
