//! The cases of `tests/golden/joins/*.txt`, in the format of `tests/golden/patterns/README.md`.
#![allow(missing_docs)]

mod golden;

use golden::{check, golden_cases};

#[test]
fn every_case_gives_its_rows_and_no_others() {
    check("joins");
}

#[test]
fn each_case_says_where_it_is_published() {
    let cases = golden_cases("joins");
    assert!(cases.len() >= 20, "only {} cases", cases.len());
    assert!(
        cases.iter().all(|(_, case)| case.from.starts_with("Siddhi, ") || case.from.starts_with("Flink, "))
    );
}
