//! The fused slide is one row after the other.

use arrow_schema::DataType;
use cep_lang::plan::AggFunc;
use proptest::prelude::*;

use super::calls::{Table, bytes, doubles, plan};
use super::cases;
use crate::agg::{AggInput, AggSet, Rows, Slide};
use crate::column::{Column, Values};

fn bits(column: &Column) -> Vec<Option<u64>> {
    (0..column.len())
        .map(|i| match &column.values {
            _ if !column.is_valid(i) => None,
            Values::F64(v) => Some(v[i].to_bits()),
            Values::I64(v) => Some(v[i] as u64),
            _ => unreachable!(),
        })
        .collect()
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn slide_is_remove_update_emit_row_by_row(
        values in prop::collection::vec(prop_oneof![8 => (-99i32..99).prop_map(|i| Some(f64::from(i) / 7.0)), 1 => any::<f64>().prop_map(Some), 1 => Just(Some(f64::INFINITY)), 1 => Just(None)], 1..60),
        groups in prop::collection::vec(0u32..3, 60),
        length in 0usize..10,
        other_call in any::<bool>(),
    ) {
        let rows = values.len();
        let t = Table { columns: vec![doubles(&values)], types: vec![DataType::Float64], ts: vec![0; rows], seq: (0..rows as u64).collect() };
        let mut calls = vec![
            t.call(AggFunc::Avg, &[0], DataType::Float64),
            t.call(AggFunc::Sum, &[0], DataType::Float64),
            t.call(AggFunc::Count, &[0], DataType::Int64),
        ];
        if other_call {
            calls.push(t.call(AggFunc::Max, &[0], DataType::Float64));
        }
        let plan = plan(&calls, true);
        let (mut fused, mut plain) = (AggSet::new(plan.clone()), AggSet::new(plan.clone()));
        fused.resize(3);
        plain.resize(3);
        // A window of `length` rows over all groups: row i pushes out row i - length.
        let columns = t.inputs(&plan);
        let input = |rows| AggInput { columns: &columns, rows, ts: &t.ts, seq: &t.seq };
        let new = || plan.result_types().map(Column::new).collect::<Vec<_>>();
        let (mut got, mut expected, mut errors) = (new(), new(), Vec::new());
        let length = length + 1;
        let ends: Vec<u32> = (0..rows).map(|i| (i + 1).saturating_sub(length) as u32).collect();
        let slide = Slide {
            groups: &groups[..rows],
            added: input(Rows::From(0)),
            gone_groups: &groups[..rows],
            gone: input(Rows::From(0)),
            gone_ends: &ends,
        };
        fused.slide(&slide, &mut got, &mut errors);
        for i in 0..rows {
            if let Some(old) = (i + 1).checked_sub(length + 1) {
                plain.remove(&groups[old..=old], &input(Rows::From(old)));
            }
            plain.update(&groups[i..=i], &input(Rows::From(i)));
            plain.emit_all(&groups[i..=i], &mut expected, &mut errors);
        }
        prop_assert!(errors.is_empty());
        for (a, b) in got.iter().zip(&expected) {
            prop_assert_eq!(bits(a), bits(b));
        }
        for group in 0..3 {
            prop_assert_eq!(bytes(&fused, group), bytes(&plain, group));
        }
        prop_assert_eq!(fused.bytes(), plain.bytes());
    }
}
