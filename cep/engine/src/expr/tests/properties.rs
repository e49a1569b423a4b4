//! Random trees over random chunks.

use datafusion_common::ScalarValue;
use proptest::prelude::*;

use super::generate::{Tape, chunk, expr, schema};
use super::reference::{Row, eval};
use super::{Chunk, Outcome, filter, filter_rows, run, run_rows, times};
use crate::expr::row::RowExpr;
use crate::expr::{Compiled, Rows};

/// Value with floats as bits (so that −0, 0 and NaN are told apart) or error text.
fn exact(outcome: &Outcome) -> String {
    match outcome {
        Ok(ScalarValue::Float64(Some(v))) => format!("f64 {:016x}", v.to_bits()),
        Ok(ScalarValue::Float32(Some(v))) => format!("f32 {:08x}", v.to_bits()),
        Ok(value) => format!("{value:?}"),
        Err(text) => format!("error {text}"),
    }
}

fn exact_all(outcomes: &[Outcome]) -> Vec<String> {
    outcomes.iter().map(exact).collect()
}

fn expected(tree: &cep_lang::plan::Expr, chunk: &Chunk) -> Vec<String> {
    let (stamp, event_time) = times(0, chunk.rows);
    (0..chunk.rows)
        .map(|row| {
            let row = Row { values: chunk.row(row), stamp: stamp[row], event_time: event_time[row] };
            match eval(tree, &row) {
                Ok(value) => exact(&Ok(value)),
                Err(kind) => format!("error {kind:?}"),
            }
        })
        .collect()
}

/// The class of an error by its text.
fn class(text: &str) -> String {
    match text.strip_prefix("error ") {
        None => text.to_owned(),
        Some("division by zero") => "error DivisionByZero".to_owned(),
        Some(t) if t.starts_with("cannot cast") => "error Cast".to_owned(),
        Some(t) if t.contains("overflow") => "error Overflow".to_owned(),
        Some(t) if t.starts_with("invalid regular expression") => "error Pattern".to_owned(),
        Some(t) if t.starts_with("half: ") && t.ends_with(" is negative") => "error Function".to_owned(),
        Some(t) => t.to_owned(),
    }
}

/// 3,000 cases each; `PROPTEST_CASES` asks for more.
fn config() -> ProptestConfig {
    let default = ProptestConfig::default();
    ProptestConfig { cases: default.cases.max(3_000), failure_persistence: None, ..default }
}

/// Which type of the schema.
fn types() -> std::ops::Range<usize> {
    0..schema().len()
}

fn tape() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..700)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_chunk_gives_what_the_obvious_interpreter_gives(bytes in tape(), which in types(), depth in 1usize..5) {
        let mut tape = Tape::new(&bytes);
        let tree = expr(&mut tape, &schema()[which], depth);
        let chunk = chunk(&mut tape);
        let mut compiled = Compiled::new(&tree).unwrap();
        let got: Vec<String> =
            exact_all(&run(&tree, &mut compiled, &chunk, 0, Rows::All)).iter().map(|t| class(t)).collect();
        prop_assert_eq!(got, expected(&tree, &chunk), "{:?}", tree);
    }

    #[test]
    fn rows_one_at_a_time_and_any_selection_give_what_the_chunk_gives(
        bytes in tape(), which in types(), depth in 1usize..5, picks in any::<u16>()
    ) {
        let mut tape = Tape::new(&bytes);
        let tree = expr(&mut tape, &schema()[which], depth);
        let chunk = chunk(&mut tape);
        let mut compiled = Compiled::new(&tree).unwrap();
        let whole = exact_all(&run(&tree, &mut compiled, &chunk, 0, Rows::All));
        for (row, expected) in whole.iter().enumerate() {
            let one = run(&tree, &mut compiled, &chunk.slice(row, 1), row, Rows::All);
            prop_assert_eq!(&exact(&one[0]), expected);
        }
        let selection: Vec<u32> = (0..chunk.rows as u32).filter(|row| picks & (1 << row) != 0).collect();
        let some = exact_all(&run(&tree, &mut compiled, &chunk, 0, Rows::Some(&selection)));
        let wanted: Vec<String> = selection.iter().map(|&row| whole[row as usize].clone()).collect();
        prop_assert_eq!(some, wanted);
        // Scratch left by other chunks does not show.
        prop_assert_eq!(exact_all(&run(&tree, &mut compiled, &chunk, 0, Rows::All)), whole);
    }

    #[test]
    fn closures_on_rows_give_what_the_chunk_gives(bytes in tape(), which in types(), depth in 1usize..5) {
        let mut tape = Tape::new(&bytes);
        let tree = expr(&mut tape, &schema()[which], depth);
        let chunk = chunk(&mut tape);
        let whole = exact_all(&run(&tree, &mut Compiled::new(&tree).unwrap(), &chunk, 0, Rows::All));
        let rows = exact_all(&run_rows(&tree, &RowExpr::new(&tree).unwrap(), &chunk));
        prop_assert_eq!(rows, whole, "{:?}", tree);
    }

    #[test]
    fn a_predicate_passes_the_rows_that_are_true(bytes in tape(), depth in 1usize..5) {
        let mut tape = Tape::new(&bytes);
        let tree = expr(&mut tape, &arrow_schema::DataType::Boolean, depth);
        let chunk = chunk(&mut tape);
        let mut compiled = Compiled::new(&tree).unwrap();
        let whole = run(&tree, &mut compiled, &chunk, 0, Rows::All);
        let (passed, errors) = filter(&mut compiled, &chunk);
        let mut wanted = Vec::new();
        for (row, outcome) in whole.iter().enumerate() {
            let error = errors.iter().find(|(at, _)| *at as usize == row).map(|(_, text)| text);
            match outcome {
                Ok(value) => {
                    prop_assert!(error.is_none());
                    if *value == ScalarValue::from(true) {
                        wanted.push(row as u32);
                    }
                }
                // A conjunction in a filter also stops at NULL, so it may see fewer errors.
                Err(text) => prop_assert!(error.is_none_or(|e| e == text)),
            }
        }
        prop_assert_eq!(&passed, &wanted);
        prop_assert_eq!(filter_rows(&RowExpr::new(&tree).unwrap(), &chunk), (passed, errors));
    }
}
