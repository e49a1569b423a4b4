//! Sliding windows: a row in, old rows out, a value, row by row.
//!
//! States do not see each other, so that each runs all steps by itself, with loops of their own
//! for the common ones; a variance, which reads two states, makes all go step by step together.

mod fused;
mod numbers;

use std::ops::Range;

use super::emit::{EmitError, Sink, emit};
use super::input::{AggInput, Rows};
use super::plan::{Output, Read};
use super::set::AggSet;
use super::states::AggStates;
use crate::column::Column;

/// Steps of sliding windows. Step i takes the rows `gone_ends[i − 1]..gone_ends[i]` of `gone` out
/// of their groups, adds the i-th row of `added` to `groups[i]` and emits that group.
#[derive(Debug, Clone, Copy)]
pub struct Slide<'a> {
    /// Group of each added row.
    pub groups: &'a [u32],
    /// Added rows.
    pub added: AggInput<'a>,
    /// Group of each row that leaves.
    pub gone_groups: &'a [u32],
    /// Rows that leave, in the order in which they do.
    pub gone: AggInput<'a>,
    /// How many of them have left when step i emits; not decreasing, one per step.
    pub gone_ends: &'a [u32],
}

/// A call, its place among all, and its column.
struct Reader<'a> {
    call: usize,
    output: &'a Output,
    column: &'a mut Column,
}

impl AggSet {
    /// Runs `slide`, appending one row per step to `out` (one column per call): the same as
    /// [`AggSet::remove`], [`AggSet::update`] and [`AggSet::emit_all`] for one row after the other,
    /// without their overhead for counts, sums, averages, min and max of numbers. Errors come call
    /// by call; their `index` is the step.
    ///
    /// # Panics
    /// As those three, or if the lengths do not match.
    pub fn slide(&mut self, slide: &Slide, out: &mut [Column], errors: &mut Vec<EmitError>) {
        assert_eq!(slide.groups.len(), slide.gone_ends.len(), "an end per step");
        let (plan, states) = self.parts_mut();
        let mut readers: Vec<Reader> = plan
            .outputs()
            .iter()
            .zip(out)
            .enumerate()
            .map(|(call, (output, column))| Reader { call, output, column })
            .collect();
        if readers.iter().any(|r| matches!(r.output.read, Read::Variance { .. })) {
            let all = 0..states.len();
            return by_steps(states, all, &mut readers, slide, errors);
        }
        readers.sort_by_key(|r| r.output.state);
        let mut readers = &mut readers[..];
        for place in 0..states.len() {
            let count = readers.partition_point(|r| r.output.state == place);
            let (mine, others) = readers.split_at_mut(count);
            readers = others;
            if !fused::run(&mut states[place], mine, slide, errors) {
                by_steps(states, place..place + 1, mine, slide, errors);
            }
        }
    }
}

/// Runs the steps of some states one after the other.
fn by_steps(
    states: &mut [AggStates],
    places: Range<usize>,
    readers: &mut [Reader],
    slide: &Slide,
    errors: &mut Vec<EmitError>,
) {
    let mut left = 0;
    let mut found = Vec::new();
    for (step, (group, &end)) in slide.groups.iter().zip(slide.gone_ends).enumerate() {
        let gone = left..end as usize;
        if !gone.is_empty() {
            left = gone.end;
            let input = AggInput { rows: slice(slide.gone.rows, gone.clone()), ..slide.gone };
            for state in states[places.clone()].iter_mut().filter(|s| !s.spec().forever) {
                state.remove(&slide.gone_groups[gone.clone()], &input);
            }
        }
        let groups = std::slice::from_ref(group);
        let input = AggInput { rows: slice(slide.added.rows, step..step + 1), ..slide.added };
        for state in &mut states[places.clone()] {
            state.update(groups, &input);
        }
        for Reader { call, output, column } in &mut *readers {
            emit(states, Sink { groups, out: column, errors: &mut found, call: *call, output });
        }
        errors.extend(found.drain(..).map(|e| EmitError { index: step, ..e }));
    }
}

fn slice(rows: Rows, range: Range<usize>) -> Rows {
    match rows {
        Rows::From(start) => Rows::From(start + range.start),
        Rows::Pick(rows) => Rows::Pick(&rows[range]),
    }
}
