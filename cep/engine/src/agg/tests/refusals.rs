//! Calls that no state takes are refused with a reason.

use arrow_schema::DataType;
use cep_lang::plan::{AggCall, AggFunc};
use expect_test::expect;

use super::calls::Table;
use crate::agg::{AggOptions, AggPlan};

#[test]
fn every_refusal_says_what_to_do() {
    let t = Table {
        columns: vec![],
        types: vec![DataType::Float64, DataType::Utf8, DataType::Duration(arrow_schema::TimeUnit::Second)],
        ts: vec![],
        seq: vec![],
    };
    let f64 = DataType::Float64;
    let sum = t.call(AggFunc::Sum, &[0], f64.clone());
    let calls = [
        t.call(AggFunc::Sum, &[1], f64.clone()),
        t.call(AggFunc::Min, &[2], t.types[2].clone()),
        t.call(AggFunc::Sum, &[0, 0], f64.clone()),
        AggCall { order_by: vec![t.key(0, false, false)], ..sum.clone() },
        AggCall { filter: Some(t.expr(1)), ..sum },
        AggCall { distinct: true, ..t.call(AggFunc::Ewma { alpha: 0.5 }, &[0], f64.clone()) },
        t.call(AggFunc::Ewma { alpha: 0.0 }, &[0], f64.clone()),
        t.call(AggFunc::Quantile { q: 1.5, exact_max: 10 }, &[0], f64.clone()),
        t.call(AggFunc::Quantile { q: f64::NAN, exact_max: 10 }, &[0], f64.clone()),
        t.call(AggFunc::Nth { n: 0, ignore_nulls: false }, &[0], f64.clone()),
        t.call(AggFunc::TopK { k: 3 }, &[0], f64),
    ];
    let refused: Vec<String> = calls
        .iter()
        .map(|c| AggPlan::new(std::slice::from_ref(c), AggOptions::default()).unwrap_err().to_string())
        .collect();
    expect![[r#"
        sum of (STRING) is not supported; cast the argument to a type it takes
        min of (INTERVAL) is not supported; cast the argument to a type it takes
        sum of (DOUBLE, DOUBLE) is not supported; cast the argument to a type it takes
        sum: ORDER BY has no meaning here; leave it out
        sum: FILTER takes a condition
        ewma: DISTINCT has no meaning here; leave it out
        ewma: the weight of the newest value is above 0 and at most 1
        percentile: the share lies between 0 and 1
        percentile: the share lies between 0 and 1
        nth: rows count from 1, or from -1 at the end
        topk of (DOUBLE) is not supported; cast the argument to a type it takes"#]]
    .assert_eq(&refused.join("\n"));
}
