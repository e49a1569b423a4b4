//! Expressions over one row: closures compiled from the same program as the kernels run.
//!
//! For patterns, whose predicates look at several rows at once, and wherever a chunk is one row.
//! Values and errors are those of [`Compiled`](super::Compiled) on a chunk of that row.

mod build;
mod scalar;

use cep_lang::plan::Expr;

pub use scalar::Scalar;

use super::error::{ExprError, RowFailure};
use super::input::Input;
use build::{Node, build, conjunction};

/// Where a row expression reads its columns and times.
pub trait RowSource {
    /// The value of column `column`, of the physical kind of the plan's type.
    fn value(&self, column: usize) -> Scalar<'_>;
    /// The row's stamp in ns UTC: `now()`.
    fn stamp(&self) -> i64;
    /// The row's event time in ns UTC: `event_time()`.
    fn event_time(&self) -> i64;
}

/// A row of a chunk.
#[derive(Debug, Clone, Copy)]
pub struct ChunkRow<'a> {
    /// The chunk.
    pub input: &'a Input<'a>,
    /// The row in it.
    pub row: usize,
}

impl RowSource for ChunkRow<'_> {
    fn value(&self, column: usize) -> Scalar<'_> {
        Scalar::of_column(&self.input.columns[column], self.row)
    }

    fn stamp(&self) -> i64 {
        self.input.stamp[self.row]
    }

    fn event_time(&self) -> i64 {
        self.input.event_time[self.row]
    }
}

/// An expression ready to run on single rows. Has no scratch: one can serve many places.
pub struct RowExpr {
    node: Node,
    /// Terms of the conjunction, where the expression is BOOL.
    terms: Option<Vec<Node>>,
}

impl std::fmt::Debug for RowExpr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RowExpr").finish_non_exhaustive()
    }
}

impl RowExpr {
    /// Compiles `expr`.
    ///
    /// # Errors
    /// As [`Compiled::new`](super::Compiled::new).
    pub fn new(expr: &Expr) -> Result<Self, ExprError> {
        let compiled = super::Compiled::new(expr)?;
        let node = build(&compiled.block, compiled.block.result, &compiled.machine);
        let terms = compiled.predicate.as_ref().map(|p| conjunction(p, &compiled.machine));
        Ok(RowExpr { node, terms })
    }

    /// The value for one row.
    ///
    /// # Errors
    /// The row's failure.
    ///
    /// # Panics
    /// If a value of `row` is not of the physical kind of the plan's type.
    pub fn eval<'r>(&self, row: &'r dyn RowSource) -> Result<Scalar<'r>, RowFailure> {
        (self.node)(row)
    }

    /// Whether the row passes: the expression is TRUE. A conjunction stops at the first term that
    /// is not, as [`Compiled::eval_predicate`](super::Compiled::eval_predicate) does.
    ///
    /// # Errors
    /// The row's failure.
    ///
    /// # Panics
    /// As [`RowExpr::eval`]; if the expression is not BOOL.
    pub fn is_true(&self, row: &dyn RowSource) -> Result<bool, RowFailure> {
        let Some(terms) = &self.terms else { panic!("a predicate must be BOOL") };
        for term in terms {
            if (term)(row)?.truth() != Some(true) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
