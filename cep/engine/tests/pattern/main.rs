//! Patterns against slow references, which share nothing with the automaton: backtracking straight
//! from the definition for MATCH_RECOGNIZE, and runs as trees of what they have found for PATTERN and
//! SEQUENCE. Random patterns over random rows, regrouped and restored in the middle.
#![allow(missing_docs)]

#[path = "../harness/mod.rs"]
mod harness;

mod build;
mod case;
mod followed;
mod generate;
mod preferred;
mod trees;

use case::{Case, check};
use harness::{Random, each};

/// Checks cases until `count` of them were compared (`CEPTRA_DEEP=1`: fifty times as many).
fn agree(count: u32, make: fn(&mut Random) -> Case) {
    let (mut all, mut compared) = (0u32, 0u32);
    each(count, |random| {
        all += 1;
        compared += u32::from(check(&make(random)));
    });
    assert!(compared * 10 >= all * 6, "only {compared} of {all} cases were compared");
}

#[test]
fn match_recognize_is_what_backtracking_finds() {
    agree(1_000, generate::preferred);
}

#[test]
fn pattern_is_what_its_runs_find() {
    agree(1_000, generate::followed);
}

#[test]
fn sequence_is_what_its_runs_find() {
    agree(500, generate::contiguous);
}
