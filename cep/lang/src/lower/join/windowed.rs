//! Both sides in the same window that emits when it closes: the rows of each window are joined at its
//! close.
//!
//! The rows of both sides go into one window, told apart by a column, so that it closes by the watermark of
//! both; the join is the first step on its content.

use std::sync::Arc;

use arrow_schema::{DataType, Field, FieldRef, SchemaRef};
use datafusion_common::ScalarValue;

use crate::ast::Span;
use crate::diag::{Diagnostic, Result, codes};
use crate::lower::columns::{WINDOW_COLUMNS, extended, no_columns, schema_of, with_window_columns};
use crate::lower::context::Context;
use crate::lower::error::Failure;
use crate::lower::expr::literal;
use crate::lower::relation::{Edge, Flow, OpenWindow, Relation};
use crate::plan::{BatchWindow, BoundedJoin, BoundedOp, Changelog, Expr, NamedExpr, Node};

use super::condition::Found;
use super::names::Source;
use super::side::Side;
use super::{Joined, columns, refused};

/// Joins the sides, of which one at least has such a window.
pub(super) fn lower(
    context: &Context<'_>,
    sides: [Side; 2],
    found: Found,
    outer: [bool; 2],
    span: Span,
) -> Result<Joined> {
    if let Some(span) = sides.iter().find_map(|side| side.unidirectional) {
        let help = "leave it out: the rows of a window are joined when it closes";
        return Err(refused(
            "UNIDIRECTIONAL has no meaning for windows that emit when they close",
            help,
            span,
        ));
    }
    let limits = sides[0].limits.strictest(sides[1].limits);
    let both = schema_of(columns(&sides, [true, true]));
    let out = extended(&schema_of(columns(&sides, outer)), edges(&no_columns()).fields().iter().cloned());
    let widths = [0, 1].map(|at| sides[at].node.schema().fields().len());
    let retract = sides.iter().flat_map(|side| &side.batch).any(|open| open.retract);
    let [left, right] = sides;
    let (Some(first), Some(second)) = (&left.batch, &right.batch) else {
        let (with, without) = if left.batch.is_some() { (&left, &right) } else { (&right, &left) };
        return Err(refused(
            format!("{} has a window that emits when it closes, and the other side has not", with.name()),
            "give both sides the same window; or join what the window gives: FROM (SELECT …, window_end FROM a WINDOW TUMBLING … GROUP BY …) AS x JOIN …",
            without.span,
        ));
    };
    check_late_streams(context, [&left, &right])?;
    let shared = shared_window(first, second, right.span)?;
    let keys = shared.keys.len();
    let inputs = [(&left, 0), (&right, 1)].map(|(side, at)| input(side, at, &both, &shared, widths));
    let [(a, schema), (b, _)] = inputs;
    let node = Node::Union { inputs: vec![a, b], schema };
    let residual = found.residual(false);
    let keys_of = found.keys.into_iter().map(|(left, mut right)| {
        right.map_columns(&mut |index| *index += widths[0]);
        (left, right)
    });
    let width = widths[0] + widths[1];
    let join = BoundedJoin {
        side: width + keys,
        widths,
        keys: keys_of.collect(),
        residual,
        outer,
        schema: out.clone(),
    };
    let open = OpenWindow {
        input: node,
        window: shared.window,
        ops: vec![BoundedOp::Join(Box::new(join))],
        edges: vec![Edge { column: width, is_end: false }, Edge { column: width + 1, is_end: true }],
        retract,
        span,
    };
    let mut sources = left.sources;
    sources.extend(right.sources);
    sources.push(Source::window(&edges(&no_columns())));
    let flow = Flow::Window(Box::new(open));
    let relation = Relation { flow, schema: out, times: Vec::new(), changelog: Changelog::Append, limits };
    Ok(Joined { relation, sources, times: Vec::new() })
}

fn edges(schema: &SchemaRef) -> SchemaRef {
    debug_assert!(schema.fields().is_empty(), "only the window's own columns");
    let edges = with_window_columns(schema);
    debug_assert_eq!(edges.fields().len(), WINDOW_COLUMNS.len());
    edges
}

/// The window over the rows of both sides.
struct Shared {
    window: BatchWindow,
    /// Key values of a session, of the left and the right side.
    keys: Vec<[Expr; 2]>,
}

/// Both windows as one; keys of sessions are columns behind those of the sides.
fn shared_window(left: &OpenWindow, right: &OpenWindow, span: Span) -> Result<Shared> {
    let width = left.input.schema().fields().len() + right.input.schema().fields().len();
    let differ = || {
        refused(
            "the sides of a join have different windows that emit when they close",
            "give both the same window; or join what the windows give: FROM (SELECT …, window_end FROM a WINDOW TUMBLING … GROUP BY …) AS x JOIN (…) AS y ON …",
            span,
        )
    };
    let is_same = match (&left.window, &right.window) {
        (BatchWindow::Tumbling { size, calendar }, BatchWindow::Tumbling { size: s, calendar: c }) => {
            size == s && calendar == c
        }
        (BatchWindow::Hop { size, slide, calendar }, BatchWindow::Hop { size: s, slide: l, calendar: c }) => {
            size == s && slide == l && calendar == c
        }
        (
            BatchWindow::Cumulate { step, size, calendar },
            BatchWindow::Cumulate { step: p, size: s, calendar: c },
        ) => step == p && size == s && calendar == c,
        (BatchWindow::Session { gap_ns, keys }, BatchWindow::Session { gap_ns: gap, keys: others }) => {
            let types = |keys: &[Expr]| keys.iter().map(|k| k.data_type.clone()).collect::<Vec<DataType>>();
            if *gap_ns != *gap || types(keys) != types(others) {
                return Err(differ());
            }
            let pairs = keys.iter().zip(others).map(|(a, b)| [a.clone(), b.clone()]).collect();
            let column = |(at, key): (usize, &Expr)| Expr::column(width + at, key.data_type.clone(), true);
            let keys = keys.iter().enumerate().map(column).collect();
            return Ok(Shared { window: BatchWindow::Session { gap_ns: *gap_ns, keys }, keys: pairs });
        }
        _ => false,
    };
    match (is_same, &left.window) {
        (true, window) => Ok(Shared { window: window.clone(), keys: Vec::new() }),
        (false, _) => Err(differ()),
    }
}

/// The rows of a side with NULL for the columns of the other one, keys of sessions and the side.
fn input(side: &Side, at: usize, both: &SchemaRef, shared: &Shared, widths: [usize; 2]) -> (Node, SchemaRef) {
    let first = if at == 0 { 0 } else { widths[0] };
    let own = first..first + widths[at];
    let of_sides = both.fields().iter().enumerate().map(|(index, field)| {
        let data_type = field.data_type().clone();
        let expr = match own.contains(&index) {
            true => Expr::column(index - first, data_type, true),
            false => null(&data_type),
        };
        NamedExpr { name: field.name().clone(), expr }
    });
    let mut exprs: Vec<NamedExpr> = of_sides.collect();
    let mut fields: Vec<FieldRef> = both.fields().iter().cloned().collect();
    for (nth, key) in shared.keys.iter().enumerate() {
        let (name, expr) = (format!("key:{nth}"), key[at].clone());
        fields.push(Arc::new(Field::new(&name, expr.data_type.clone(), true)));
        exprs.push(NamedExpr { name, expr });
    }
    let tag = literal(ScalarValue::Int32(Some(if at == 0 { 0 } else { 1 })));
    fields.push(Arc::new(Field::new("side:", DataType::Int32, false)));
    exprs.push(NamedExpr { name: "side:".to_owned(), expr: tag });
    let schema = schema_of(fields);
    (Node::Project { input: Box::new(side.node.clone()), exprs, schema: schema.clone() }, schema)
}

fn null(data_type: &DataType) -> Expr {
    match ScalarValue::try_new_null(data_type) {
        Ok(value) => Expr { data_type: data_type.clone(), ..literal(value) },
        Err(_) => crate::lower::expr::cast_to(literal(ScalarValue::Null), data_type),
    }
}

fn check_late_streams(context: &Context<'_>, sides: [&Side; 2]) -> Result<()> {
    for side in sides {
        for id in side.node.scans() {
            let entry = context.catalog.stream(id);
            if entry.has_late_stream {
                let message = format!(
                    "late rows of `{}` go to another stream as they came, and its window is joined with another one",
                    entry.stream.name
                );
                let failure =
                    Failure::new(codes::LATE_POLICY, message, "leave out late.stream; late rows are counted");
                let error: Box<Diagnostic> = failure.boxed(Some(side.span));
                return Err(error);
            }
        }
    }
    Ok(())
}
