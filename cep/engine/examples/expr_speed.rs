//! How fast expressions run: ns a row over chunks of 1,024 rows, beside loops written by hand.
//!
//! `cargo run --release -p cep-engine --example expr_speed`

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use arrow_array::{ArrayRef, Float64Array, Int64Array, StringArray};
use arrow_schema::DataType;
use cep_engine::column::{Column, Values};
use cep_engine::expr::row::{ChunkRow, RowExpr};
use cep_engine::expr::{Compiled, Input, RowErrors, Rows};
use cep_lang::plan::{BinaryOp, Expr, ExprKind};
use datafusion_common::ScalarValue;

const ROWS: usize = 1_024;

fn literal(value: ScalarValue) -> Expr {
    let data_type = value.data_type();
    Expr { kind: ExprKind::Literal(value), data_type, nullable: false, span: None }
}

fn binary(op: BinaryOp, left: Expr, right: Expr, data_type: DataType) -> Expr {
    let kind = ExprKind::Binary(op, Box::new(left), Box::new(right));
    Expr { kind, data_type, nullable: true, span: None }
}

fn price() -> Expr {
    Expr::column(0, DataType::Float64, false)
}

fn above(limit: f64) -> Expr {
    binary(BinaryOp::Gt, price(), literal(limit.into()), DataType::Boolean)
}

fn symbol_is(symbol: &str) -> Expr {
    binary(BinaryOp::Eq, Expr::column(1, DataType::Utf8, false), literal(symbol.into()), DataType::Boolean)
}

/// ns a row of `work` over a chunk, the best of several rounds.
fn measure(name: &str, work: impl FnMut()) {
    measure_rows(name, ROWS, work);
}

/// ns a row of `work` over `rows` rows.
#[expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]
fn measure_rows(name: &str, rows: usize, mut work: impl FnMut()) {
    const CHUNKS: usize = 100;
    let mut best = f64::INFINITY;
    for _ in 0..200 {
        let start = Instant::now();
        (0..CHUNKS).for_each(|_| work());
        best = best.min(start.elapsed().as_nanos() as f64 / (CHUNKS * rows) as f64);
    }
    println!("{name:<44} {best:>7.3} ns/row");
}

fn columns() -> Vec<Column> {
    // A linear congruential generator (Knuth's MMIX constants): prices in 0..100, 1,000 symbols.
    let mut state = 7u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let prices: Vec<f64> = (0..ROWS).map(|_| (next() % 10_000) as f64 / 100.0).collect();
    let symbols: Vec<String> = (0..ROWS).map(|_| format!("S{}", next() % 1_000)).collect();
    let volumes: Vec<i64> = (0..ROWS).map(|_| (next() % 1_000) as i64).collect();
    let arrays: [ArrayRef; 3] = [
        Arc::new(Float64Array::from(prices)),
        Arc::new(StringArray::from(symbols)),
        Arc::new(Int64Array::from(volumes)),
    ];
    arrays.iter().map(Column::from_arrow).collect()
}

fn main() {
    let columns = columns();
    let input = Input { columns: &columns, rows: ROWS, stamp: &[0; ROWS], event_time: &[0; ROWS] };
    filters(&input);
    values(&input);
    rows(&input);
}

fn filters(input: &Input<'_>) {
    let (Values::F64(prices), Values::Bytes { offsets, bytes }) =
        (&input.columns[0].values, &input.columns[1].values)
    else {
        return;
    };
    let both = || binary(BinaryOp::And, above(50.0), symbol_is("S10"), DataType::Boolean);
    for (name, tree) in [
        ("price > 50", above(50.0)),
        ("price > 50 AND symbol = 'S10'", both()),
        ("symbol = 'S10'", symbol_is("S10")),
    ] {
        let mut compiled = Compiled::new(&tree).expect("the types fit");
        let (mut errors, mut out) = (RowErrors::new(), Vec::new());
        measure(&format!("filter {name}"), || {
            compiled.eval_predicate(black_box(input), &mut errors, &mut out);
            black_box(&out);
        });
    }
    let mut out: Vec<u32> = Vec::with_capacity(ROWS);
    measure("  by hand: price > 50", || {
        out.clear();
        for (row, &price) in black_box(&prices[..]).iter().enumerate() {
            if price > 50.0 {
                out.push(row as u32);
            }
        }
        black_box(&out);
    });
    measure("  by hand: price > 50 AND symbol = 'S10'", || {
        out.clear();
        for (row, &price) in black_box(&prices[..]).iter().enumerate() {
            if price > 50.0 && bytes[offsets[row] as usize..offsets[row + 1] as usize] == *b"S10" {
                out.push(row as u32);
            }
        }
        black_box(&out);
    });
}

fn values(input: &Input<'_>) {
    let (Values::F64(prices), Values::I64(volumes)) = (&input.columns[0].values, &input.columns[2].values)
    else {
        return;
    };
    let double = binary(BinaryOp::Mul, price(), literal(2.0.into()), DataType::Float64);
    let line = binary(BinaryOp::Add, double, literal(1.0.into()), DataType::Float64);
    let volume = || Expr::column(2, DataType::Int64, false);
    let sum = binary(BinaryOp::Add, volume(), literal(1i64.into()), DataType::Int64);
    let product = binary(BinaryOp::Mul, volume(), volume(), DataType::Int64);
    let case = |text: bool| {
        let branch = |f: f64, t: &str| literal(if text { t.into() } else { f.into() });
        let kind = ExprKind::Case {
            branches: vec![(above(75.0), branch(1.0, "high")), (above(25.0), branch(2.0, "middle"))],
            otherwise: Some(Box::new(branch(3.0, "low"))),
        };
        let data_type = if text { DataType::Utf8 } else { DataType::Float64 };
        Expr { kind, data_type, nullable: false, span: None }
    };
    let trees = [
        ("price * 2 + 1", line),
        ("volume + 1, checked", sum),
        ("volume * volume, checked", product),
        ("CASE of numbers, two branches", case(false)),
        ("CASE of texts, two branches", case(true)),
    ];
    for (name, tree) in trees {
        let mut compiled = Compiled::new(&tree).expect("the types fit");
        let mut errors = RowErrors::new();
        measure(name, || {
            black_box(compiled.eval(black_box(input), Rows::All, &mut errors));
        });
    }
    let mut out: Vec<f64> = Vec::with_capacity(ROWS);
    measure("  by hand: price * 2 + 1", || {
        out.clear();
        out.extend(black_box(&prices[..]).iter().map(|p| p * 2.0 + 1.0));
        black_box(&out);
    });
    measure("  by hand: CASE of numbers", || {
        out.clear();
        let level = |&p: &f64| {
            if p > 75.0 {
                1.0
            } else if p > 25.0 {
                2.0
            } else {
                3.0
            }
        };
        out.extend(black_box(&prices[..]).iter().map(level));
        black_box(&out);
    });
    let mut sums: Vec<i64> = Vec::with_capacity(ROWS);
    measure("  by hand: volume + 1, checked", || {
        sums.clear();
        sums.extend(black_box(&volumes[..]).iter().map(|v| v.checked_add(1).unwrap_or(0)));
        black_box(&sums);
    });
}

fn rows(input: &Input<'_>) {
    let one = Input { rows: 1, ..*input };
    let double = binary(BinaryOp::Mul, price(), literal(2.0.into()), DataType::Float64);
    let line = binary(BinaryOp::Add, double, literal(1.0.into()), DataType::Float64);
    let (mut compiled, mut errors) = (Compiled::new(&line).expect("the types fit"), RowErrors::new());
    measure_rows("chunk of one row: price * 2 + 1", 1, || {
        black_box(compiled.eval(black_box(&one), Rows::All, &mut errors));
    });
    let tree = binary(BinaryOp::And, above(50.0), symbol_is("S10"), DataType::Boolean);
    let closure = RowExpr::new(&tree).expect("the types fit");
    measure("closure on a row: price > 50 AND symbol = 'S10'", || {
        for row in 0..ROWS {
            black_box(closure.is_true(&ChunkRow { input, row }).is_ok());
        }
    });
}
