//! Filter and projection, fused: rows in, fewer rows and other columns out.

use cep_lang::plan::{Expr, ExprKind, NamedExpr};

use super::{OpContext, OpError};
use crate::chunk::{Chunk, step_row};
use crate::column::Column;
use crate::expr::{Compiled, ExprError, Input, RowErrors, Rows};

/// A chain of filters followed by a projection.
#[derive(Debug)]
pub struct RowPipeline {
    filters: Vec<Compiled>,
    project: Vec<Output>,
    needs_stamp: bool,
    errors: RowErrors,
    picked: Vec<u32>,
    stage: Vec<u32>,
    stamps: Vec<i64>,
}

#[derive(Debug)]
enum Output {
    /// A column of the input as it is.
    Column(usize),
    /// Computed.
    Expr(Box<Compiled>),
}

impl RowPipeline {
    /// Compiles filters, applied in order, and the projection; `None` keeps the input's columns,
    /// of which there are `width`.
    pub fn new(filters: &[&Expr], project: Option<&[NamedExpr]>, width: usize) -> Result<Self, ExprError> {
        let uses_stamp = |e: &Expr| {
            let mut found = false;
            e.walk(&mut |e| found |= matches!(e.kind, ExprKind::Stamp));
            found
        };
        let outputs = match project {
            None => (0..width).map(Output::Column).collect(),
            Some(exprs) => exprs
                .iter()
                .map(|e| match e.expr.kind {
                    ExprKind::Column(index) => Ok(Output::Column(index)),
                    _ => Compiled::new(&e.expr).map(|c| Output::Expr(Box::new(c))),
                })
                .collect::<Result<_, _>>()?,
        };
        Ok(RowPipeline {
            filters: filters.iter().map(|e| Compiled::new(e)).collect::<Result<_, _>>()?,
            project: outputs,
            needs_stamp: filters.iter().any(|e| uses_stamp(e))
                || project.is_some_and(|p| p.iter().any(|e| uses_stamp(&e.expr))),
            errors: RowErrors::new(),
            picked: Vec::new(),
            stage: Vec::new(),
            stamps: Vec::new(),
        })
    }

    /// Processes a step.
    pub fn process(&mut self, input: &Chunk, out: &mut Chunk, cx: &mut OpContext<'_>) {
        if input.is_empty() {
            return;
        }
        if self.needs_stamp {
            self.stamps.clear();
            self.stamps.extend(input.pos.iter().map(|&p| cx.time.stamps[step_row(p)]));
        }
        let source = Input {
            columns: &input.columns,
            rows: input.rows(),
            stamp: &self.stamps,
            event_time: &input.time,
        };
        self.errors.clear();
        let all = self.filters.is_empty();
        if all {
            self.picked.clear();
            self.picked.extend(0..input.rows() as u32);
        }
        for (nth, filter) in self.filters.iter_mut().enumerate() {
            if nth == 0 {
                filter.eval_predicate(&source, Rows::All, &mut self.errors, &mut self.picked);
            } else {
                std::mem::swap(&mut self.picked, &mut self.stage);
                filter.eval_predicate(&source, Rows::Some(&self.stage), &mut self.errors, &mut self.picked);
            }
        }
        self.errors.remove_from(&mut self.picked);
        let sparse = self.picked.len() < input.rows();
        for output in &mut self.project {
            if let Output::Expr(compiled) = output {
                let rows = if sparse { Rows::Some(&self.picked) } else { Rows::All };
                compiled.eval(&source, rows, &mut self.errors);
            }
        }
        self.errors.remove_from(&mut self.picked);
        for failed in self.errors.settle() {
            cx.errors.push(OpError {
                pos: input.pos[failed.row as usize],
                code: failed.failure.kind.code(),
                message: failed.failure.message.clone(),
            });
        }
        for (output, column) in self.project.iter().zip(&mut out.columns) {
            let source: &Column = match output {
                Output::Column(index) => &input.columns[*index],
                Output::Expr(compiled) => compiled.result(),
            };
            column.append_gather(source, &self.picked);
        }
        let picked = &self.picked;
        out.time.extend(picked.iter().map(|&r| input.time[r as usize]));
        out.pos.extend(picked.iter().map(|&r| input.pos[r as usize]));
        if !input.ops.is_empty() {
            out.ops.extend(picked.iter().map(|&r| input.ops[r as usize]));
        }
    }
}
