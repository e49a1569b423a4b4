//! Metrics against a reference that keeps all samples (`reference.rs`): random plans over random rows.
#![allow(missing_docs)]

#[path = "../harness/mod.rs"]
mod harness;
mod plans;
mod random;
mod reference;
mod rules;

use std::sync::Arc;

use harness::{Feed, Outcome, Random, Rows, run_program};
use plans::{Case, PANE_NS};
use reference::Reference;

/// A double as [`cep_engine::column::Column::text_at`] writes it.
fn number(text: &str) -> Option<f64> {
    (text != "∅").then(|| text.parse().unwrap_or_else(|_| panic!("{text} is no number")))
}

fn near(a: Option<f64>, b: Option<f64>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => {
            a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-12 * a.abs().max(b.abs())
        }
        (None, None) => true,
        _ => false,
    }
}

/// The same rows in other entries, restored in between, and with checkpoints in slices.
fn all_ways(case: &Case, rows: &Rows, random: &mut Random) -> Outcome {
    let program = Arc::new(case.program());
    let cuts: Vec<usize> = (0..random.below(8) + 1).map(|_| random.below(7) + 1).collect();
    let whole = run_program(Arc::clone(&program), rows, &Feed::Whole);
    let pieces = run_program(Arc::clone(&program), rows, &Feed::Cut(cuts.clone()));
    assert_eq!(pieces.output, whole.output, "regrouped: {case:?}");
    assert_eq!(pieces.hash, whole.hash, "state hash: {case:?}");
    assert_eq!(pieces.late, whole.late, "late rows: {case:?}");
    let restored = run_program(Arc::clone(&program), rows, &Feed::Restore(cuts.clone()));
    assert_eq!(restored.output, whole.output, "restored: {case:?}");
    assert_eq!(restored.hashes, pieces.hashes, "state hashes after restore: {case:?}");
    let single = run_program(Arc::clone(&program), rows, &Feed::Restore(vec![1]));
    assert_eq!(single.output, whole.output, "restored at every row: {case:?}");
    assert_eq!(single.hash, whole.hash, "state hash, restored at every row: {case:?}");
    let slices = run_program(program, rows, &Feed::Slices(cuts));
    assert_eq!(slices.output, whole.output, "with checkpoints in slices: {case:?}");
    assert!(whole.errors.is_empty(), "{:?}", whole.errors);
    whole
}

#[test]
fn bound_values_are_those_of_the_reference() {
    harness::each(60, |random| {
        let case = Case::random(random, false);
        let rows = random::rows(random);
        let outcome = all_ways(&case, &rows, random);
        let mut reference = Reference::new(&case);
        let mut lines = outcome.rows().into_iter();
        for row in &rows {
            let Some(expected) = reference.row(row) else { continue };
            let line = lines.next().unwrap_or_else(|| panic!("a row is missing: {case:#?}"));
            let columns: Vec<&str> = line.split(" | ").collect();
            let found = columns[plans::WIDTH..].chunks(2).take(expected.len());
            for (nth, (found, answer)) in found.zip(&expected).enumerate() {
                let query = &case.node.queries[nth];
                assert!(
                    near(number(found[0]), answer.value),
                    "{} at {row:?}: {} and not {:?}\n{case:#?}",
                    query.name,
                    found[0],
                    answer.value
                );
                assert_eq!(
                    found[1],
                    answer.flags.to_string(),
                    "flags of {} at {row:?}: {case:#?}",
                    query.name
                );
            }
            assert_eq!(columns[columns.len() - 2], reference.pane_end().to_string(), "end of the pane");
        }
        assert_eq!(lines.next(), None, "rows too many: {case:#?}");
        assert_eq!(outcome.late, reference.late, "late rows: {case:#?}");
    });
}

/// A final row without its change: query, labels, value, flags, start, end.
fn final_row(line: &str) -> (&str, [&str; 6]) {
    let (op, rest) = match line.split_once(' ') {
        Some((op, rest)) if op.starts_with(['+', '-']) => (op, rest),
        _ => ("", line),
    };
    let columns: Vec<&str> = rest.split(" | ").collect();
    (op, columns.try_into().expect("six columns"))
}

#[test]
fn final_values_are_those_of_the_reference() {
    harness::each(60, |random| {
        let case = Case::random(random, true);
        let rows = random::rows(random);
        let outcome = all_ways(&case, &rows, random);
        let mut reference = Reference::new(&case);
        rows.iter().for_each(|row| {
            reference.row(row);
        });
        let mut expected = reference.finals();
        let mut told = std::collections::BTreeMap::new();
        let mut newest = i64::MIN;
        for line in outcome.rows() {
            let (op, [query, labels, value, _, _, end]) = final_row(line);
            let end: i64 = end.parse().expect("a time");
            let key = (end / PANE_NS - 1, query.to_string(), labels.to_string());
            let value = number(value).expect("final rows have values");
            match op {
                "" | "+I" | "+U" => {
                    assert!(told.insert(key, value).is_none(), "told twice: {line}\n{case:#?}");
                }
                "-U" | "-D" => {
                    let was = told.remove(&key);
                    assert!(near(was, Some(value)), "taken back without being told: {line}\n{case:#?}");
                }
                other => panic!("{other}"),
            }
            if matches!(op, "" | "+I") && !case.retracts() {
                assert!(end >= newest, "panes go back: {line}");
                newest = end;
            }
        }
        for (key, value) in told {
            let wanted = expected.remove(&key);
            assert!(near(wanted, Some(value)), "{key:?}: {value} and not {wanted:?}\n{case:#?}");
        }
        assert!(expected.is_empty(), "not told: {expected:?}\n{case:#?}");
        assert_eq!(outcome.late, reference.late, "late rows");
    });
}
