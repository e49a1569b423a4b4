//! Conditions of elements: what needs the row alone is evaluated for a whole chunk, the rest for
//! each thread that waits for the element.

use arrow_schema::DataType;
use cep_lang::plan::{BinaryOp, ElementId, Expr, ExprKind, PatternElement, UnaryOp};
use datafusion_common::ScalarValue;

use super::layout::{Layout, Read};
use crate::expr::Compiled;
use crate::expr::row::RowExpr;

/// The condition of an element.
#[derive(Debug)]
pub struct Test {
    /// What needs the row alone, its stream included; `None`: every row passes.
    pub early: Option<Compiled>,
    /// The rest.
    pub late: Option<Late>,
}

/// A condition that needs more than the row.
#[derive(Debug)]
pub struct Late {
    /// The condition, over `reads`.
    pub expr: RowExpr,
    /// What it reads.
    pub reads: Vec<Read>,
    /// Whether it depends on what the match has so far.
    pub of_match: bool,
    /// Whether it reads aggregates of the match.
    pub aggregates: bool,
    /// By track: whether it is read.
    pub tracks: Vec<bool>,
}

impl Test {
    /// Compiles the condition of element number `id`.
    ///
    /// # Errors
    /// The reason why it cannot be evaluated, for the user.
    pub fn new(
        id: usize,
        element: &PatternElement,
        tag: Option<usize>,
        layout: &mut Layout,
    ) -> Result<Self, String> {
        let id = ElementId(id);
        let mut early: Vec<Expr> = Vec::new();
        if let (Some(column), Some(value)) = (tag, element.tag) {
            early.push(is_tag(column, value));
        }
        let mut late = None;
        if let Some(condition) = &element.condition {
            let columns: Vec<Option<usize>> =
                condition.slots.iter().map(|slot| Layout::is_of_row(slot, id)).collect();
            let mut rest: Vec<&Expr> = Vec::new();
            let mut all_certain = true;
            for term in terms(&condition.expr) {
                let mut of_row = true;
                term.walk(&mut |e| {
                    if let ExprKind::Column(slot) = e.kind {
                        of_row &= columns[slot].is_some();
                    }
                });
                // The order of evaluation must not show: only what cannot fail is evaluated early.
                let moves = rest.is_empty() || (all_certain && is_certain(term));
                if of_row && moves {
                    let mut term = term.clone();
                    term.map_columns(&mut |slot| *slot = columns[*slot].unwrap_or(*slot));
                    early.push(term);
                } else {
                    rest.push(term);
                }
                all_certain &= is_certain(term);
            }
            if !rest.is_empty() {
                let expr = conjunction(rest.into_iter().cloned().collect());
                late = Some(Late::new(&expr, condition, id, layout)?);
            }
        }
        let early = (!early.is_empty()).then(|| Compiled::new(&conjunction(early))).transpose();
        Ok(Test { early: early.map_err(|e| e.to_string())?, late })
    }
}

impl Late {
    fn new(
        expr: &Expr,
        condition: &cep_lang::plan::MatchExpr,
        id: ElementId,
        layout: &mut Layout,
    ) -> Result<Self, String> {
        // What only the early part reads is not captured.
        let mut used = vec![false; condition.slots.len()];
        expr.walk(&mut |e| {
            if let ExprKind::Column(slot) = e.kind {
                used[slot] = true;
            }
        });
        let mut reads = Vec::new();
        for (slot, used) in condition.slots.iter().zip(used) {
            reads.push(if used { layout.read(slot, id)? } else { Read::False });
        }
        let of_match = reads
            .iter()
            .any(|read| !matches!(read, Read::Row { .. } | Read::OwnName | Read::False | Read::RowTime));
        let aggregates = reads.iter().any(|read| matches!(read, Read::Aggregate(_)));
        let expr = RowExpr::new(expr).map_err(|e| e.to_string())?;
        Ok(Late { expr, reads, of_match, aggregates, tracks: Vec::new() })
    }

    /// Notes which of the tracks are read; all conditions have been compiled.
    pub fn settle(&mut self, tracks: usize) {
        self.tracks = vec![false; tracks];
        for read in &self.reads {
            match *read {
                Read::First { track, .. }
                | Read::Last { track, .. }
                | Read::FirstName { track, .. }
                | Read::LastName { track, .. }
                | Read::FirstTime { track } => self.tracks[track] = true,
                Read::Row { .. }
                | Read::Aggregate(_)
                | Read::OwnName
                | Read::MatchNumber
                | Read::False
                | Read::RowTime => {}
            }
        }
    }
}

fn boolean(kind: ExprKind) -> Expr {
    Expr { kind, data_type: DataType::Boolean, nullable: true, span: None }
}

fn is_tag(column: usize, value: i32) -> Expr {
    let literal = Expr {
        kind: ExprKind::Literal(ScalarValue::Int32(Some(value))),
        data_type: DataType::Int32,
        nullable: false,
        span: None,
    };
    let column = Expr::column(column, DataType::Int32, false);
    boolean(ExprKind::Binary(BinaryOp::Eq, Box::new(column), Box::new(literal)))
}

/// The terms of a conjunction, in order.
fn terms(expr: &Expr) -> Vec<&Expr> {
    match &expr.kind {
        ExprKind::Binary(BinaryOp::And, left, right) => {
            let mut out = terms(left);
            out.extend(terms(right));
            out
        }
        _ => vec![expr],
    }
}

fn conjunction(terms: Vec<Expr>) -> Expr {
    let and = |left, right| boolean(ExprKind::Binary(BinaryOp::And, Box::new(left), Box::new(right)));
    terms.into_iter().reduce(and).expect("there is a term")
}

/// Whether an expression has a value for every row: it cannot fail.
fn is_certain(expr: &Expr) -> bool {
    let own = match &expr.kind {
        ExprKind::Column(_) | ExprKind::Literal(_) | ExprKind::Stamp | ExprKind::EventTime => true,
        ExprKind::Binary(op, ..) => matches!(
            op,
            BinaryOp::Eq
                | BinaryOp::NotEq
                | BinaryOp::Lt
                | BinaryOp::LtEq
                | BinaryOp::Gt
                | BinaryOp::GtEq
                | BinaryOp::And
                | BinaryOp::Or
                | BinaryOp::IsDistinct
                | BinaryOp::IsNotDistinct
        ),
        ExprKind::Unary(op, _) => !matches!(op, UnaryOp::Neg),
        ExprKind::InList { .. } => true,
        ExprKind::Case { .. } | ExprKind::Cast { .. } | ExprKind::Like { .. } | ExprKind::Call { .. } => {
            false
        }
    };
    own && expr.children().into_iter().all(is_certain)
}
