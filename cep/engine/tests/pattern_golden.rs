//! The cases of `tests/golden/patterns/*.txt`.
#![allow(missing_docs)]

mod golden;

use std::collections::BTreeSet;

use golden::{check, golden_cases};

#[test]
fn every_case_gives_its_rows_and_no_others() {
    check("patterns");
}

#[test]
fn many_cases_are_published_ones_and_each_is_there_once() {
    let cases = golden_cases("patterns");
    let published: Vec<&str> = cases
        .iter()
        .map(|(_, case)| case.from.as_str())
        .filter(|from| ["Siddhi, ", "Flink, ", "Trino, "].iter().any(|source| from.starts_with(source)))
        .collect();
    let distinct: BTreeSet<&str> = published.iter().copied().collect();
    assert_eq!(distinct.len(), published.len(), "a case stands there twice");
    assert!(published.len() >= 150, "only {} published cases", published.len());
}
