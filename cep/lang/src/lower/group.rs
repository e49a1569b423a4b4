//! Taking aggregates and OVER calls out of the expressions of a SELECT.

use datafusion_common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion_common::{Column, Result as PlanResult};
use datafusion_expr::Expr as Typed;

use crate::ast::Span;

use super::columns::{UNNAMED, unnamed};

/// Whether an aggregate is in `typed`.
pub(crate) fn has_aggregate(typed: &Typed) -> bool {
    contains(typed, |part| matches!(part, Typed::AggregateFunction(_)))
}

/// Whether an OVER call is in `typed`.
pub(crate) fn has_over(typed: &Typed) -> bool {
    contains(typed, |part| matches!(part, Typed::WindowFunction(_)))
}

fn contains(typed: &Typed, is: impl Fn(&Typed) -> bool) -> bool {
    let mut found = false;
    let walked = typed.apply(|part| {
        found |= is(part);
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    });
    found && walked.is_ok()
}

/// The first column in `typed` that is a column of the input, not of a group's result.
pub(crate) fn ungrouped(typed: &Typed) -> Option<Column> {
    let mut found = None;
    let walked = typed.apply(|part| {
        if let Typed::Column(column) = part
            && !column.name.starts_with(UNNAMED)
        {
            found = Some(column.clone());
            return Ok(TreeNodeRecursion::Stop);
        }
        Ok(TreeNodeRecursion::Continue)
    });
    debug_assert!(walked.is_ok(), "looking does not fail");
    found
}

/// Calls taken out of expressions; equal calls are one.
#[derive(Debug, Default)]
pub(crate) struct Extraction {
    /// The calls, in order of appearance.
    pub calls: Vec<Typed>,
    /// Where the expression stands in which each call appeared first.
    pub owners: Vec<Option<Span>>,
}

impl Extraction {
    /// `typed` with each group key replaced by its column, and each aggregate by a column behind
    /// the keys: column `first + i` of the result is the i-th call.
    pub(crate) fn aggregates(
        &mut self,
        typed: Typed,
        keys: &[Typed],
        first: usize,
        owner: Option<Span>,
    ) -> PlanResult<Typed> {
        let replaced = self.replaced(
            typed,
            &|part| {
                if let Some(key) = keys.iter().position(|key| key == part) {
                    return Some(Replacement::Key(key));
                }
                matches!(part, Typed::AggregateFunction(_)).then_some(Replacement::Call)
            },
            first,
        );
        self.owners.resize(self.calls.len(), owner);
        replaced
    }

    /// Adds every OVER call of `typed` to the calls.
    pub(crate) fn collect_over(&mut self, typed: &Typed, owner: Option<Span>) -> PlanResult<()> {
        let replaced = self.replaced(
            typed.clone(),
            &|part| matches!(part, Typed::WindowFunction(_)).then_some(Replacement::Call),
            0,
        );
        self.owners.resize(self.calls.len(), owner);
        replaced.map(|_expr| ())
    }

    fn replaced(
        &mut self,
        typed: Typed,
        decide: &dyn Fn(&Typed) -> Option<Replacement>,
        first: usize,
    ) -> PlanResult<Typed> {
        typed
            .transform_down(|part| {
                let index = match decide(&part) {
                    None => return Ok(Transformed::no(part)),
                    Some(Replacement::Key(key)) => key,
                    Some(Replacement::Call) => {
                        let at = self.calls.iter().position(|call| *call == part).unwrap_or_else(|| {
                            self.calls.push(part.clone());
                            self.calls.len() - 1
                        });
                        first + at
                    }
                };
                let column = Typed::Column(Column::new_unqualified(unnamed(index)));
                Ok(Transformed::new(column, true, TreeNodeRecursion::Jump))
            })
            .data()
    }
}

enum Replacement {
    Key(usize),
    Call,
}

/// `typed` with each call of `calls` replaced by the column that `column` tells for it.
pub(crate) fn with_columns(
    typed: Typed,
    calls: &[Typed],
    column: &dyn Fn(usize) -> Typed,
) -> PlanResult<Typed> {
    typed
        .transform_down(|part| match calls.iter().position(|call| *call == part) {
            None => Ok(Transformed::no(part)),
            Some(at) => Ok(Transformed::new(column(at), true, TreeNodeRecursion::Jump)),
        })
        .data()
}
