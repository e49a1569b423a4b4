//! Joins keep the columns that are read above them, and no others.

use std::collections::BTreeSet;

use datafusion_common::Column;

use crate::lower::columns::{Columns, Referent, schema_of};
use crate::lower::relation::{Flow, Relation};
use crate::plan::{Expr, ExprKind, JoinBound, JoinNode, JoinSide, JoinWindow, Node, TableJoinKind};

use super::with_table::narrowed_table;

/// `join` with only the columns `wanted` of its output, and those that its own condition reads; the
/// columns that are left, ascending.
fn narrowed(join: JoinNode, wanted: impl IntoIterator<Item = usize>) -> (JoinNode, Vec<usize>) {
    let JoinNode { sides, mut keys, mut residual, mut bound, schema, rows_max, over_bound, span } = join;
    let read: BTreeSet<usize> = residual.iter().flat_map(columns_in).chain(wanted).collect();
    let keep: Vec<usize> = read.into_iter().collect();
    if let Some(residual) = &mut residual {
        residual.map_columns(&mut |index| *index = place(&keep, *index));
    }
    let fields: Vec<_> = keep.iter().map(|&at| schema.fields()[at].clone()).collect();
    let width = sides[0].kept.len();
    let [mut left, mut right] = sides;
    left.kept = keep.iter().filter(|&&at| at < width).map(|&at| left.kept[at]).collect();
    right.kept = keep.iter().filter(|&&at| at >= width).map(|&at| right.kept[at - width]).collect();
    for (at, side) in [&mut left, &mut right].into_iter().enumerate() {
        let own = keys.iter_mut().map(|(left, right)| if at == 0 { left } else { right });
        let mut exprs: Vec<&mut Expr> = own.collect();
        if let JoinBound::Windows(windows) = &mut bound
            && let JoinWindow::ExternalTime { time, size_ns: _ } = &mut windows[at]
        {
            exprs.push(time);
        }
        narrow_input(side, exprs);
    }
    let schema = schema_of(fields);
    (JoinNode { sides: [left, right], keys, residual, bound, schema, rows_max, over_bound, span }, keep)
}

/// Narrows a join below a side, whose columns `exprs` read as well.
fn narrow_input(side: &mut JoinSide, exprs: Vec<&mut Expr>) {
    let Node::Join(inner) = &mut side.input else { return };
    let read = exprs.iter().flat_map(|expr| columns_in(expr));
    let wanted: Vec<usize> = side.kept.iter().copied().chain(read).collect();
    let (narrow, keep) = narrowed((**inner).clone(), wanted);
    **inner = narrow;
    side.kept.iter_mut().for_each(|index| *index = place(&keep, *index));
    for expr in exprs {
        expr.map_columns(&mut |index| *index = place(&keep, *index));
    }
}

fn place(keep: &[usize], index: usize) -> usize {
    keep.binary_search(&index).expect("what is read is kept")
}

fn columns_in(expr: &Expr) -> Vec<usize> {
    let mut found = Vec::new();
    expr.walk(&mut |e| {
        if let ExprKind::Column(index) = e.kind {
            found.push(index);
        }
    });
    found
}

/// A joined relation with only those of its columns that are `used` above, and their names.
pub(crate) fn narrow(
    relation: &mut Relation,
    columns: Columns,
    used: impl Iterator<Item = Column>,
) -> Columns {
    let used = used.filter_map(|column| match columns.find(&column) {
        Some(Referent::Column(index)) => Some(index),
        Some(Referent::Stamp | Referent::EventTime) | None => None,
    });
    let used: Vec<usize> = used.collect();
    let (node, keep) = match &relation.flow {
        Flow::Stream(Node::Join(join)) => {
            let (join, keep) = narrowed((**join).clone(), used);
            (Node::Join(Box::new(join)), keep)
        }
        Flow::Stream(Node::TableJoin(join))
            if matches!(join.kind, TableJoinKind::Inner | TableJoinKind::Left) =>
        {
            let (join, keep) = narrowed_table((**join).clone(), used);
            (Node::TableJoin(Box::new(join)), keep)
        }
        _ => return columns,
    };
    let names = keep.iter().map(|&index| columns.planner().field(index).name().clone()).collect();
    let place = |time: &usize| keep.binary_search(time).ok();
    relation.times = relation.times.iter().filter_map(place).collect();
    relation.schema = node.schema().clone();
    relation.flow = Flow::Stream(node);
    Columns::with_names(&relation.schema, names)
}
