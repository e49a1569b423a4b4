//! Prints ns per row of aggregates over 1,000 groups in chunks of 1,024 rows, each beside the
//! plain loop of the same work (`cargo run --release -p cep-engine --example agg_speed`).

use std::hint::black_box;
use std::sync::Arc;

use arrow_schema::DataType;
use cep_engine::agg::{AggInput, AggOptions, AggPlan, AggSet, Rows};
use cep_engine::column::{Column, Values};
use cep_lang::plan::{AggCall, AggFunc, Expr};

const GROUPS: usize = 1_000;
const ROWS: usize = 1_024;
const CHUNKS: usize = 100;

/// ns per row of `chunk`, the best of a hundred runs (short ones, for hosts with other work).
fn measure(mut chunk: impl FnMut()) -> f64 {
    let mut best = f64::MAX;
    for _ in 0..100 {
        #[allow(clippy::disallowed_methods, reason = "a measurement reads the clock")]
        let start = std::time::Instant::now();
        for _ in 0..CHUNKS {
            chunk();
        }
        best = best.min(start.elapsed().as_nanos() as f64 / (CHUNKS * ROWS) as f64);
    }
    best
}

fn call(func: AggFunc, result: DataType, arg: Option<DataType>) -> AggCall {
    AggCall {
        func,
        args: arg.map(|t| Expr::column(0, t, true)).into_iter().collect(),
        distinct: false,
        filter: None,
        order_by: Vec::new(),
        data_type: result,
        name: "x".to_owned(),
    }
}

struct Bench {
    groups: Vec<u32>,
    doubles: Column,
    longs: Column,
}

impl Bench {
    /// ns per row of updates of `calls`, all over one column.
    fn update(&self, calls: &[AggCall]) -> f64 {
        let plan = Arc::new(AggPlan::new(calls, AggOptions::default()).expect("calls of the benchmark"));
        let mut set = AggSet::new(Arc::clone(&plan));
        set.resize(GROUPS);
        let long = plan.inputs().first().is_some_and(|e| e.data_type == DataType::Int64);
        let columns = [if long { &self.longs } else { &self.doubles }];
        let input = AggInput { columns: &columns, rows: Rows::From(0), ts: &[], seq: &[] };
        measure(|| set.update(black_box(&self.groups), &input))
    }

    /// ns per group of emitting all groups after ten chunks.
    fn emit(&self, calls: &[AggCall]) -> f64 {
        let plan = Arc::new(AggPlan::new(calls, AggOptions::default()).expect("calls of the benchmark"));
        let mut set = AggSet::new(Arc::clone(&plan));
        set.resize(GROUPS);
        let columns = [&self.doubles];
        let input = AggInput { columns: &columns, rows: Rows::From(0), ts: &[], seq: &[] };
        (0..10).for_each(|_| set.update(&self.groups, &input));
        let all: Vec<u32> = self.groups.iter().map(|&g| g % GROUPS as u32).collect();
        let mut out: Vec<Column> = plan.result_types().map(Column::new).collect();
        let mut errors = Vec::new();
        measure(|| {
            out.iter_mut().for_each(Column::clear);
            set.emit_all(black_box(&all), &mut out, &mut errors);
        })
    }
}

fn main() {
    // A linear congruential sequence: groups and prices that no predictor knows.
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let groups: Vec<u32> = (0..ROWS).map(|_| (next() % GROUPS as u64) as u32).collect();
    let prices: Vec<f64> = (0..ROWS).map(|_| (next() % 1_000_000) as f64 / 100.0).collect();
    let longs: Vec<i64> = (0..ROWS).map(|_| next() as i64).collect();
    let bench = Bench {
        groups: groups.clone(),
        doubles: Column::dense(Values::F64(prices.clone().into())),
        longs: Column::dense(Values::I64(longs.into())),
    };

    let mut counts = vec![0u64; GROUPS];
    let plain_count = measure(|| {
        for &group in black_box(&groups) {
            counts[group as usize] += 1;
        }
    });
    let mut sums = vec![(0.0f64, 0u64); GROUPS];
    let plain_sum = measure(|| {
        for (&group, &x) in black_box(&groups).iter().zip(&prices) {
            let cell = &mut sums[group as usize];
            cell.0 += x;
            cell.1 += 1;
        }
    });
    black_box((&counts, &sums));
    println!("plain loop: count {plain_count:.2}, sum and count {plain_sum:.2} ns/row");

    let double = || Some(DataType::Float64);
    let f64 = || DataType::Float64;
    let count = || call(AggFunc::Count, DataType::Int64, None);
    let sum = || call(AggFunc::Sum, f64(), double());
    let avg = || call(AggFunc::Avg, f64(), double());
    let stddev = || call(AggFunc::Stddev { population: false }, f64(), double());
    let cases = [
        ("count(*)", vec![count()]),
        ("sum(double)", vec![sum()]),
        ("count(*), sum, avg", vec![count(), sum(), avg()]),
        ("sum(bigint)", vec![call(AggFunc::Sum, DataType::Int64, Some(DataType::Int64))]),
        ("min(double)", vec![call(AggFunc::Min, f64(), double())]),
        ("max(bigint)", vec![call(AggFunc::Max, DataType::Int64, Some(DataType::Int64))]),
        ("stddev", vec![stddev()]),
    ];
    for (name, calls) in cases {
        println!("update {name}: {:.2} ns/row", bench.update(&calls));
    }
    for (name, calls) in [("sum", vec![sum()]), ("avg", vec![avg()]), ("stddev", vec![stddev()])] {
        println!("emit {name}: {:.2} ns/group", bench.emit(&calls));
    }
}
