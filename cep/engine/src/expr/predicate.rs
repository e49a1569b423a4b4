//! Filters: from a conjunction to the rows that pass.
//!
//! The terms run in order, each only for the rows that passed the ones before. Comparisons of a
//! column with a constant are done in place, and as long as all rows are in play over the whole
//! chunk into a mask.

use arrow_schema::DataType;

use super::error::RowErrors;
use super::input::{Input, Rows};
use super::kernel::choose::{keep_where, positions};
use super::kernel::compare::{compare_values, refine};
use super::ops::CmpOp;
use super::program::Block;
use super::run::{Frame, Machine};
use super::view::View;
use crate::column::Values;

/// A conjunction of terms.
#[derive(Debug, Clone)]
pub(super) struct Predicate {
    pub(super) terms: Vec<Term>,
    /// Scratch: which rows are still in.
    pub(super) mask: Vec<bool>,
    /// Scratch: the outcome of one term.
    pub(super) term_mask: Vec<bool>,
}

/// One term.
#[derive(Debug, Clone)]
pub(super) enum Term {
    /// Column compared with a constant that is not NULL, of a native kind: cannot fail.
    Compare { index: usize, op: CmpOp, constant: usize },
    /// Anything else.
    Block(Block),
}

impl Predicate {
    pub(super) fn new(terms: Vec<Term>) -> Self {
        Predicate { terms, mask: Vec::new(), term_mask: Vec::new() }
    }

    pub(super) fn run(
        &mut self,
        machine: &mut Machine,
        input: &Input<'_>,
        errors: &mut RowErrors,
        out: &mut Vec<u32>,
    ) {
        let mut terms = self.terms.iter().peekable();
        self.mask.clear();
        // While every row is in play, cheap comparisons cost least over the whole chunk.
        while let Some(Term::Compare { index, op, constant }) = terms.peek().copied() {
            let (index, op, constant) = (*index, *op, *constant);
            let first = self.mask.is_empty();
            if !first && matches!(input.columns[index].values, Values::Bytes { .. }) {
                break;
            }
            let column = View::many(&input.columns[index]);
            let constant = View { column: &machine.constants[constant].column, one: true };
            let mask = if first { &mut self.mask } else { &mut self.term_mask };
            mask.clear();
            compare_values(mask, input.rows, op, column, constant);
            if let Some(valid) = column.validity() {
                mask.iter_mut().zip(valid).for_each(|(m, &v)| *m &= v);
            }
            if !first {
                self.mask.iter_mut().zip(&self.term_mask).for_each(|(m, &t)| *m &= t);
            }
            terms.next();
        }
        if self.mask.len() == input.rows {
            positions(&self.mask, out);
        } else if let Some(Term::Block(block)) = terms.next() {
            let frame = Frame::new(input, Rows::All);
            machine.run(block, frame, errors);
            truth(&mut self.mask, machine.view(block.result, frame), input.rows);
            positions(&self.mask, out);
        }
        for term in terms {
            match term {
                Term::Compare { index, op, constant } => {
                    let constant = View { column: &machine.constants[*constant].column, one: true };
                    refine(out, *op, View::many(&input.columns[*index]), constant);
                }
                Term::Block(block) => {
                    let frame = Frame::new(input, Rows::Some(out));
                    machine.run(block, frame, errors);
                    truth(&mut self.mask, machine.view(block.result, frame), frame.count);
                    keep_where(out, &self.mask);
                }
            }
        }
    }
}

/// Where a boolean operand is TRUE.
fn truth(mask: &mut Vec<bool>, result: View<'_>, rows: usize) {
    mask.clear();
    let values = result.bools();
    mask.extend((0..rows).map(|row| values.at(row)));
    if result.is_null_constant() {
        mask.fill(false);
    } else if let Some(valid) = result.validity() {
        mask.iter_mut().zip(valid).for_each(|(m, &v)| *m &= v);
    }
}

/// Whether a comparison of a column of this type with a constant has a kernel of ours.
pub(super) fn is_native(data_type: &DataType) -> bool {
    !matches!(crate::column::Column::new(data_type).values, Values::Any(_))
}
