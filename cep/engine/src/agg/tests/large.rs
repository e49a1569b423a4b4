//! States that change their form with size: the promises hold across the change.

use std::sync::Arc;

use arrow_schema::DataType;
use cep_lang::plan::{AggCall, AggFunc};
use proptest::prelude::*;

use super::calls::{Table, add, bytes, emitted, longs, merge_within, plan, take};
use super::cases;
use crate::agg::AggSet;
use crate::column::{Column, Values};

fn table(values: Vec<i64>) -> Table {
    let rows = values.len();
    Table {
        columns: vec![longs(&values.into_iter().map(Some).collect::<Vec<_>>())],
        types: vec![DataType::Int64],
        ts: vec![0; rows],
        seq: (0..rows as u64).collect(),
    }
}

/// Few values with many duplicates, some, or all different.
fn values() -> impl Strategy<Value = Vec<i64>> {
    (prop_oneof![Just(10i64), Just(45), Just(100_000)], 1usize..1_500)
        .prop_flat_map(|(range, rows)| prop::collection::vec(0..range, rows))
}

fn removable(t: &Table) -> Vec<AggCall> {
    let i64 = DataType::Int64;
    vec![
        t.call(AggFunc::Max, &[0], i64.clone()),
        t.call(AggFunc::Mode, &[0], i64.clone()),
        t.call(AggFunc::CountDistinct, &[0], i64),
        t.call(AggFunc::Quantile { q: 0.37, exact_max: 4096 }, &[0], DataType::Float64),
        t.call(AggFunc::Quantile { q: 0.37, exact_max: 300 }, &[0], DataType::Float64),
    ]
}

proptest! {
    #![proptest_config(cases(12))]

    #[test]
    fn removal_across_sizes_is_never_added(values in values(), kept in 0usize..1_500) {
        let t = table(values);
        let kept = kept.min(t.rows()) as u32;
        let rows: Vec<u32> = (0..t.rows() as u32).collect();
        let mut set = AggSet::new(plan(&removable(&t), true));
        set.resize(3);
        add(&mut set, &t, 0, &rows);
        take(&mut set, &t, 0, &rows[kept as usize..]);
        add(&mut set, &t, 1, &rows[..kept as usize]);
        prop_assert_eq!(emitted(&mut set, 0), emitted(&mut set, 1));
        prop_assert_eq!(bytes(&set, 0), bytes(&set, 1));
        set.decode(2, &mut &bytes(&set, 1)[..]).unwrap();
        prop_assert_eq!(emitted(&mut set, 2), emitted(&mut set, 1));
        // Emptied, the accounts are even.
        take(&mut set, &t, 0, &rows[..kept as usize]);
        let empty = AggSet::new(Arc::clone(set.plan()));
        prop_assert_eq!(bytes(&set, 0), { let mut e = empty; e.resize(1); bytes(&e, 0) });
    }

    #[test]
    fn merges_across_sizes_are_one_pass(values in values(), cut in 0usize..1_500) {
        let t = table(values);
        let cut = cut.min(t.rows());
        let mut calls = removable(&t);
        calls.push(t.call(AggFunc::ApproxCountDistinct, &[0], DataType::Int64));
        let rows: Vec<u32> = (0..t.rows() as u32).collect();
        let mut set = AggSet::new(plan(&calls, false));
        set.resize(4);
        add(&mut set, &t, 0, &rows);
        add(&mut set, &t, 1, &rows[cut..]);
        add(&mut set, &t, 2, &rows[..cut]);
        merge_within(&mut set, 1, 2);
        prop_assert_eq!(emitted(&mut set, 0), emitted(&mut set, 1));
        prop_assert_eq!(bytes(&set, 0), bytes(&set, 1));
        set.decode(3, &mut &bytes(&set, 1)[..]).unwrap();
        prop_assert_eq!(bytes(&set, 3), bytes(&set, 1));
    }

    #[test]
    fn merged_and_decoded_kll_stays_within_its_bound(parts in prop::collection::vec(1usize..30_000, 1..5), q in 0.0..=1.0f64) {
        let n: usize = parts.iter().sum();
        // Values are a permutation of their ranks.
        let t = table((0..n as i64).map(|i| i * 7_919 % n as i64).collect());
        prop_assume!(!n.is_multiple_of(7_919));
        let mut set = AggSet::new(plan(&[t.call(AggFunc::QuantileKll { q }, &[0], DataType::Int64)], false));
        set.resize(2);
        let rows: Vec<u32> = (0..n as u32).collect();
        let mut rest = &rows[..];
        for part in &parts {
            let (head, tail) = rest.split_at(*part);
            rest = tail;
            set.forget(1);
            add(&mut set, &t, 1, head);
            let encoded = bytes(&set, 1);
            set.decode(1, &mut &encoded[..]).unwrap();
            prop_assert_eq!(&bytes(&set, 1), &encoded);
            merge_within(&mut set, 0, 1);
        }
        let mut out = vec![Column::new(&DataType::Int64)];
        set.emit_all(&[0], &mut out, &mut Vec::new());
        let Values::I64(v) = &out[0].values else { unreachable!() };
        let levels = (n as f64 / 4096.0).log2().ceil().max(0.0);
        let error = (v[0] as f64 + 1.0 - (q * n as f64).ceil().max(1.0)).abs();
        prop_assert!(error <= levels * n as f64 / 4096.0, "off by {} of {}", error, n);
    }
}
