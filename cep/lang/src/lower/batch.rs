//! Closing a batch window: what is kept while it is open, and what is done at the close.
//!
//! Filters and projections before the first aggregate are folded into it, so that groups with
//! aggregate states are kept instead of rows. Where that is impossible the rows are kept.

use arrow_schema::SchemaRef;

use crate::diag::codes;
use crate::plan::{
    AggCall, BatchWindow, BinaryOp, BoundedOp, Expr, ExprKind, NamedExpr, Node, WindowBody, WindowKey,
    WindowNode,
};

use super::columns::with_window_columns;
use super::error::Failure;
use super::expr::boolean;
use super::relation::{OpenWindow, columns_of};

/// Most nodes of the expressions of one group step; folding repeats what projections share.
const NODES_MAX: usize = 10_000;

/// The output columns of `open` whose order is the order of the window's results.
pub(crate) fn event_times(open: &OpenWindow) -> Vec<usize> {
    let (starts, ends) = match open.window {
        // Starts and ends are equally far apart.
        BatchWindow::Tumbling { .. } | BatchWindow::Hop { .. } => (true, true),
        BatchWindow::Cumulate { .. } | BatchWindow::Session { .. } => (false, true),
        BatchWindow::TimeBatch { .. }
        | BatchWindow::LengthBatch { .. }
        | BatchWindow::ExternalTimeBatch { .. }
        | BatchWindow::Batch
        | BatchWindow::Cron { .. }
        | BatchWindow::ExpressionBatch { .. } => (false, false),
    };
    open.edges.iter().filter(|e| if e.is_end { ends } else { starts }).map(|e| e.column).collect()
}

/// The window's node; `schema` is what comes out.
///
/// # Errors
/// `event_time()` of single rows at the close.
pub(crate) fn close(open: OpenWindow, schema: SchemaRef) -> Result<Node, Failure> {
    let OpenWindow { input, window, ops, edges: _, retract: _, span } = open;
    let content = with_window_columns(input.schema());
    let width = input.schema().fields().len();
    let (body, ops) = match fold(&ops, &content, width) {
        Some((body, taken)) => (body, ops.into_iter().skip(taken).collect()),
        None => keep_rows(ops, content, width)?,
    };
    Ok(Node::Window(Box::new(WindowNode { input, window, body, ops, schema, span: Some(span) })))
}

/// The steps up to the first aggregate as one; `None` when there is none or it needs the rows.
/// Also how many steps that were.
fn fold(ops: &[BoundedOp], content: &SchemaRef, width: usize) -> Option<(WindowBody, usize)> {
    let mut columns: Vec<Expr> = columns_of(content).into_iter().map(|c| c.expr).collect();
    let mut filters = Vec::new();
    for (at, op) in ops.iter().enumerate() {
        match op {
            BoundedOp::Filter(predicate) => filters.push(replaced(predicate, &columns)?),
            BoundedOp::Project { exprs, schema: _ } => {
                columns = exprs.iter().map(|e| replaced(&e.expr, &columns)).collect::<Option<_>>()?;
            }
            BoundedOp::Aggregate { keys, calls, schema } => {
                let rows_only = |e: &Expr| edges_in(e, width) == Edges::None;
                if !filters.iter().all(rows_only) {
                    return None;
                }
                let keys = keys.iter().map(|key| window_key(key, &columns, width)).collect::<Option<_>>()?;
                let calls = calls
                    .iter()
                    .map(|call| replaced_call(call, &columns).filter(|c| exprs_of(c).all(rows_only)))
                    .collect::<Option<_>>()?;
                let filter = conjunction(filters);
                return Some((WindowBody::Groups { filter, keys, calls, schema: schema.clone() }, at + 1));
            }
            BoundedOp::Over { .. } | BoundedOp::Sort(_) | BoundedOp::Limit { .. } | BoundedOp::Join(_) => {
                return None;
            }
        }
    }
    None
}

fn window_key(key: &NamedExpr, columns: &[Expr], width: usize) -> Option<WindowKey> {
    let mut expr = replaced(&key.expr, columns)?;
    let name = key.name.clone();
    match edges_in(&expr, width) {
        Edges::None => Some(WindowKey::Input(NamedExpr { name, expr })),
        Edges::Mixed => None,
        Edges::Only => {
            expr.map_columns(&mut |index| *index -= width);
            Some(WindowKey::Window(NamedExpr { name, expr }))
        }
    }
}

/// Keeps rows; filters in front decide which.
fn keep_rows(
    ops: Vec<BoundedOp>,
    content: SchemaRef,
    width: usize,
) -> Result<(WindowBody, Vec<BoundedOp>), Failure> {
    let mut filters = Vec::new();
    let mut rest = Vec::new();
    for op in ops {
        match op {
            BoundedOp::Filter(predicate) if rest.is_empty() && edges_in(&predicate, width) == Edges::None => {
                filters.push(predicate);
            }
            other => rest.push(other),
        }
    }
    for op in &rest {
        refuse_event_time(op)?;
    }
    Ok((WindowBody::Rows { filter: conjunction(filters), schema: content }, rest))
}

/// The rows of a window have left their event time behind when it closes.
fn refuse_event_time(op: &BoundedOp) -> Result<(), Failure> {
    let mut found = None;
    let mut look = |expr: &Expr| {
        expr.walk(&mut |e| {
            if matches!(e.kind, ExprKind::EventTime) {
                found = Some(e.span);
            }
        });
    };
    match op {
        BoundedOp::Filter(predicate) => look(predicate),
        BoundedOp::Project { exprs, schema: _ } => exprs.iter().for_each(|e| look(&e.expr)),
        BoundedOp::Aggregate { keys, calls, schema: _ } => {
            keys.iter().for_each(|e| look(&e.expr));
            calls.iter().flat_map(exprs_of).for_each(look);
        }
        BoundedOp::Sort(keys) => keys.iter().for_each(|key| look(&key.expr)),
        BoundedOp::Join(join) => {
            join.keys.iter().for_each(|(left, right)| [left, right].into_iter().for_each(&mut look));
            join.residual.iter().for_each(look);
        }
        BoundedOp::Over { .. } | BoundedOp::Limit { .. } => {}
    }
    match found {
        None => Ok(()),
        Some(span) => Err(Failure::new(
            codes::WINDOW_PLACE,
            "event_time() of single rows is not known any more when the window closes",
            "select the column that holds the time",
        )
        .at(span)),
    }
}

#[derive(PartialEq, Eq)]
enum Edges {
    /// Columns of rows only, or none at all.
    None,
    /// `window_start` and `window_end` only.
    Only,
    /// Both.
    Mixed,
}

fn edges_in(expr: &Expr, width: usize) -> Edges {
    let (mut rows, mut edges) = (false, false);
    expr.walk(&mut |e| match e.kind {
        ExprKind::Column(index) if index >= width => edges = true,
        ExprKind::Column(_) | ExprKind::EventTime | ExprKind::Stamp => rows = true,
        _ => {}
    });
    match (rows, edges) {
        (_, false) => Edges::None,
        (false, true) => Edges::Only,
        (true, true) => Edges::Mixed,
    }
}

/// Every expression of a call.
pub(crate) fn exprs_of(call: &AggCall) -> impl Iterator<Item = &Expr> {
    call.args.iter().chain(&call.filter).chain(call.order_by.iter().map(|key| &key.expr))
}

fn replaced_call(call: &AggCall, columns: &[Expr]) -> Option<AggCall> {
    let mut call = call.clone();
    for arg in &mut call.args {
        *arg = replaced(arg, columns)?;
    }
    if let Some(filter) = &mut call.filter {
        *filter = replaced(filter, columns)?;
    }
    for key in &mut call.order_by {
        key.expr = replaced(&key.expr, columns)?;
    }
    Some(call)
}

/// `expr` with each column replaced by what computes it; `None` when it grows too large.
fn replaced(expr: &Expr, columns: &[Expr]) -> Option<Expr> {
    let mut nodes = 0;
    expr.walk(&mut |e| {
        nodes += match e.kind {
            ExprKind::Column(index) => size(&columns[index]),
            _ => 1,
        };
    });
    if nodes > NODES_MAX {
        return None;
    }
    let mut out = expr.clone();
    replace(&mut out, columns);
    Some(out)
}

fn replace(expr: &mut Expr, columns: &[Expr]) {
    if let ExprKind::Column(index) = expr.kind {
        let span = expr.span;
        *expr = columns[index].clone();
        expr.span = expr.span.or(span);
        return;
    }
    for child in expr.children_mut() {
        replace(child, columns);
    }
}

fn size(expr: &Expr) -> usize {
    let mut nodes = 0;
    expr.walk(&mut |_| nodes += 1);
    nodes
}

/// All of them, joined by AND.
pub(crate) fn conjunction(filters: Vec<Expr>) -> Option<Expr> {
    filters.into_iter().reduce(|left, right| boolean(BinaryOp::And, left, right))
}
