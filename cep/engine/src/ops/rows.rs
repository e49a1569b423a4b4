//! Filter and projection, fused: rows in, fewer rows and other columns out.

use cep_lang::plan::{BinaryOp, Expr, ExprKind, NamedExpr};

use super::OpContext;
use super::prepare::Prepare;
use crate::chunk::Chunk;
use crate::expr::ExprError;

/// A chain of filters followed by a projection. Has no state.
#[derive(Debug)]
pub struct RowPipeline {
    prepare: Prepare,
    outputs: Vec<Source>,
}

/// Where an output column comes from.
#[derive(Debug, Clone, Copy)]
enum Source {
    /// A column of the input as it is.
    Input(usize),
    /// The nth expression.
    Expr(usize),
}

impl RowPipeline {
    /// Compiles filters, applied in order, and the projection; `None` keeps the input's columns,
    /// of which there are `width`.
    ///
    /// # Errors
    /// If an expression cannot be evaluated.
    pub fn new(filters: &[&Expr], project: Option<&[NamedExpr]>, width: usize) -> Result<Self, ExprError> {
        let mut exprs: Vec<&Expr> = Vec::new();
        let outputs = match project {
            None => (0..width).map(Source::Input).collect(),
            Some(named) => named
                .iter()
                .map(|e| match e.expr.kind {
                    ExprKind::Column(index) => Source::Input(index),
                    _ => {
                        exprs.push(&e.expr);
                        Source::Expr(exprs.len() - 1)
                    }
                })
                .collect(),
        };
        Ok(RowPipeline { prepare: Prepare::new(conjunction(filters).as_ref(), &exprs)?, outputs })
    }

    /// Processes a step.
    pub fn process(&mut self, input: &Chunk, out: &mut Chunk, cx: &mut OpContext<'_>) {
        if input.is_empty() {
            return;
        }
        self.prepare.run(input, cx);
        let picked = self.prepare.picked();
        for (output, column) in self.outputs.iter().zip(&mut out.columns) {
            match (*output, picked) {
                (Source::Input(index), Some(rows)) => column.append_gather(&input.columns[index], rows),
                (Source::Input(index), None) => column.append(&input.columns[index]),
                (Source::Expr(nth), _) => column.append(self.prepare.columns(input, nth..nth + 1)[0]),
            }
        }
        out.time.extend_from_slice(self.prepare.time(input));
        out.pos.extend_from_slice(self.prepare.pos(input));
        if !input.ops.is_empty() {
            match picked {
                Some(rows) => out.ops.extend(rows.iter().map(|&r| input.ops[r as usize])),
                None => out.ops.extend_from_slice(&input.ops),
            }
        }
    }
}

/// Filters in order as one predicate.
fn conjunction(filters: &[&Expr]) -> Option<Expr> {
    let mut filters = filters.iter();
    let first = (*filters.next()?).clone();
    Some(filters.fold(first, |left, right| Expr {
        data_type: arrow_schema::DataType::Boolean,
        nullable: left.nullable || right.nullable,
        span: None,
        kind: ExprKind::Binary(BinaryOp::And, Box::new(left), Box::new((*right).clone())),
    }))
}
