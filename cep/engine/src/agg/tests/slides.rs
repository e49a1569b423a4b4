//! The fused slide is one row after the other.

use arrow_schema::DataType;
use cep_lang::plan::{AggCall, AggFunc};
use proptest::prelude::*;

use super::calls::{Table, bools, bytes, doubles, longs, plan};
use super::cases;
use crate::agg::{AggInput, AggSet, EmitError, Rows, Slide};
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
        others in 0usize..4,
    ) {
        let rows = values.len();
        let long = |x: f64| if x.is_infinite() { i64::MAX - 1 } else { x as i64 };
        let t = Table {
            columns: vec![
                doubles(&values),
                longs(&values.iter().map(|v| v.map(long)).collect::<Vec<_>>()),
                bools(&values.iter().map(|v| v.map(|x| x > -50.0)).collect::<Vec<_>>()),
            ],
            types: vec![DataType::Float64, DataType::Int64, DataType::Boolean],
            ts: vec![0; rows],
            seq: (0..rows as u64).collect(),
        };
        let mut calls = vec![
            t.call(AggFunc::Avg, &[0], DataType::Float64),
            t.call(AggFunc::Sum, &[0], DataType::Float64),
            t.call(AggFunc::Count, &[0], DataType::Int64),
        ];
        calls.extend([
            t.call(AggFunc::Max, &[0], DataType::Float64),
            t.call(AggFunc::Count, &[], DataType::Int64),
            t.call(AggFunc::Stddev { population: true }, &[0], DataType::Float64),
        ].into_iter().take(others));
        calls.push(t.call(AggFunc::Sum, &[1], DataType::Int64));
        calls.push(t.call(AggFunc::Avg, &[1], DataType::Float64));
        calls.push(AggCall { filter: Some(t.expr(2)), ..t.call(AggFunc::Min, &[1], DataType::Int64) });
        calls.push(AggCall { filter: Some(t.expr(2)), ..t.call(AggFunc::Quantile { q: 0.5, exact_max: 3 }, &[0], DataType::Float64) });
        let plan = plan(&calls, true);
        let (mut fused, mut plain) = (AggSet::new(plan.clone()), AggSet::new(plan.clone()));
        fused.resize(3);
        plain.resize(3);
        // A window of `length` rows over all groups: row i pushes out row i - length.
        let columns = t.inputs(&plan);
        let input = |rows| AggInput { columns: &columns, rows, ts: &t.ts, seq: &t.seq };
        let new = || plan.result_types().map(Column::new).collect::<Vec<_>>();
        let (mut got, mut expected, mut errors, mut expected_errors) = (new(), new(), Vec::new(), Vec::new());
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
            let mut found = Vec::new();
            plain.emit_all(&groups[i..=i], &mut expected, &mut found);
            expected_errors.extend(found.into_iter().map(|e| EmitError { index: i, ..e }));
        }
        errors.sort_by_key(|e| (e.index, e.call));
        prop_assert_eq!(errors, expected_errors);
        for (a, b) in got.iter().zip(&expected) {
            prop_assert_eq!(bits(a), bits(b));
        }
        for group in 0..3 {
            prop_assert_eq!(bytes(&fused, group), bytes(&plain, group));
        }
        prop_assert_eq!(fused.bytes(), plain.bytes());
    }
}
