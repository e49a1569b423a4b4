//! Patterns: PATTERN, SEQUENCE and MATCH_RECOGNIZE become a [`crate::plan::PatternNode`] (R-SQL-4).
//!
//! `elements` the variables and what their names mean · `shape` what is to be found, with the checks of
//! it · `sheet` expressions over rows of a match · `slots` what they read · `source` PATTERN and
//! SEQUENCE · `input` the rows of several streams as one · `select` a SELECT over them · `recognize`
//! MATCH_RECOGNIZE · `clauses` WITHIN, AFTER MATCH, ORDER BY.
//!
//! Invariants:
//! - A condition and a measure read slots only, and each distinct reference is one slot.
//! - In the condition of an element of PATTERN its name with an index stands for the rows before the
//!   one that is tested; everywhere else the row that is tested is the last one of its element.

mod clauses;
mod elements;
mod input;
mod recognize;
mod select;
mod shape;
mod sheet;
mod slots;
mod source;

pub(crate) use recognize::recognize;
pub(crate) use select::lower_select;
