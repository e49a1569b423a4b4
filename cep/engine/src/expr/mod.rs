//! Expressions over a chunk of rows.
//!
//! [`Compiled`] runs a plan expression vectorised: straight-line steps of kernels over slices, with
//! scratch that is kept from chunk to chunk. What is unobservable: chunking (evaluating rows one at
//! a time gives the same values and the same errors) and folding of constants (only what cannot
//! fail and cannot vary is folded).
//!
//! Semantics that every kernel keeps:
//! - An error belongs to one row ([`RowErrors`]): that row's value is unspecified, the others are
//!   unharmed. Of several errors of a row the first in order of evaluation (operands left to right,
//!   then the operator) counts.
//! - AND, OR, CASE and COALESCE evaluate what comes later only for the rows that what came earlier
//!   leaves open; an error on rows that do not need the operand does not happen. AND goes on at
//!   NULL (`NULL AND FALSE` is FALSE). As a predicate ([`Compiled::eval_predicate`]) a conjunction
//!   stops at NULL too: the row cannot pass any more.
//! - Floats: IEEE arithmetic with one canonical NaN; in comparisons −0 equals 0, NaN equals NaN and
//!   is above everything (R-DET-4).
//! - Integers and decimals are checked: overflow, division and modulo by zero are errors of their
//!   row.
//!
//! Rooms: `compile` plan tree to program · `program` the compiled form · `run` the machine ·
//! `kernel` loops over slices · `ops`, `decimal`, `temporal` what operators do to single values ·
//! `foreign` Arrow's kernels and the function library · `predicate` filters · `view` operands and
//! registers · `row` single rows · `access` results and codes for the operators.

mod access;
mod compile;
mod decimal;
mod error;
mod foreign;
mod input;
mod kernel;
mod ops;
mod predicate;
mod program;
pub mod row;
mod run;
mod temporal;
mod view;

#[cfg(test)]
mod tests;

use cep_lang::plan::Expr;

pub use error::{ExprError, RowError, RowErrorKind, RowErrors, RowFailure};
pub use input::{Input, Rows};

use crate::column::Column;
use predicate::Predicate;
use program::{Block, Operand};
use run::{Frame, Machine};

/// Deepest nesting that is compiled; chains of AND, OR and `||` count as one level. Keeps every
/// recursion within a 2 MiB stack.
pub const DEPTH_MAX: usize = 500;

/// Longest text an expression makes, in bytes: the largest event (R-FLOW-3). With chunks of 1,024
/// rows a column stays below the 2 GiB its offsets reach.
pub const TEXT_BYTES_MAX: usize = 1 << 20;

/// An expression ready to run, with its scratch.
#[derive(Debug, Clone)]
pub struct Compiled {
    block: Block,
    predicate: Option<Predicate>,
    machine: Machine,
}

impl Compiled {
    /// Compiles `expr`.
    ///
    /// # Errors
    /// [`ExprError`]: nested too deep, operand types without a rule, an invalid constant pattern,
    /// a volatile function.
    pub fn new(expr: &Expr) -> Result<Self, ExprError> {
        compile::compile(expr)
    }

    /// Evaluates the expression for `rows` of `input`. The result has one row for each of them; it
    /// is the input's own column where the expression is one and `rows` is [`Rows::All`]. Rows in
    /// error hold an unspecified value and are recorded in `errors`, by their row in `input`.
    ///
    /// # Panics
    /// If a column of `input` is not of the physical kind of the plan's type.
    pub fn eval<'a>(
        &'a mut self,
        input: &'a Input<'a>,
        rows: Rows<'a>,
        errors: &mut RowErrors,
    ) -> &'a Column {
        let frame = Frame::new(input, rows);
        self.machine.run(&self.block, frame, errors);
        match self.block.result {
            Operand::Column { index, .. } if matches!(rows, Rows::All) => &input.columns[index],
            Operand::Column { gathered: reg, .. } | Operand::Reg(reg) => &self.machine.regs[reg].column,
            Operand::Const(_) => unreachable!("the compiler copies a constant result to a register"),
        }
    }

    /// The rows of `input` where the expression is TRUE, ascending, into `out` (emptied first).
    /// Rows in error are not among them and are recorded in `errors`; so are, left out, the rows
    /// that `errors` held before.
    ///
    /// # Panics
    /// As [`Compiled::eval`]; if the expression is not BOOL.
    pub fn eval_predicate(&mut self, input: &Input<'_>, errors: &mut RowErrors, out: &mut Vec<u32>) {
        out.clear();
        match &mut self.predicate {
            Some(predicate) => predicate.run(&mut self.machine, input, errors, out),
            None => panic!("a predicate must be BOOL"),
        }
        errors.remove_from(out);
    }
}
