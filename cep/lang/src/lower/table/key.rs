//! By which columns the rows of a query replace each other.

use cep_types::StreamId;

use crate::plan::{BatchWindow, BoundedOp, Expr, ExprKind, NamedExpr, Node, WindowBody, WindowKey};

/// The parts of the key of the rows of `node`: each with the columns that hold it, any of which will do.
/// `None`: the rows have no key, or one that is not selected.
pub(crate) fn unique_key(node: &Node) -> Option<Key> {
    unique_key_over(node, &|_| None)
}

/// The parts of a key.
pub(crate) type Key = Vec<Vec<usize>>;

/// The same where `of_stream` knows the key of streams.
pub(crate) fn unique_key_over(node: &Node, of_stream: &dyn Fn(StreamId) -> Option<Key>) -> Option<Key> {
    match node {
        Node::Group(group) => Some((0..group.keys.len()).map(|at| vec![at]).collect()),
        Node::Rate(rate) => unique_key_over(&rate.input, of_stream),
        Node::Filter { input, predicate: _ } => unique_key_over(input, of_stream),
        Node::Project { input, exprs, schema: _ } => projected(unique_key_over(input, of_stream)?, exprs),
        Node::Scan { stream, schema: _ } => of_stream(*stream),
        Node::Window(window) => {
            let WindowBody::Groups { keys, .. } = &window.body else { return None };
            let mut parts = Vec::new();
            let mut edges = Vec::new();
            for (at, key) in keys.iter().enumerate() {
                match key {
                    WindowKey::Input(_) => parts.push(vec![at]),
                    WindowKey::Window(_) => edges.push(at),
                }
            }
            match &window.window {
                // One edge tells the other.
                BatchWindow::Tumbling { .. } | BatchWindow::Hop { .. } => parts.push(edges),
                _ => parts.extend(edges.into_iter().map(|at| vec![at])),
            }
            window.ops.iter().try_fold(parts, |parts, op| match op {
                BoundedOp::Filter(_)
                | BoundedOp::Sort(_)
                | BoundedOp::Limit { .. }
                | BoundedOp::Over { .. } => Some(parts),
                BoundedOp::Project { exprs, schema: _ } => projected(parts, exprs),
                BoundedOp::Aggregate { .. } | BoundedOp::Join(_) => None,
            })
        }
        Node::Union { .. }
        | Node::Sliding(_)
        | Node::Delay { .. }
        | Node::Over(_)
        | Node::TableJoin(_)
        | Node::Pattern(_)
        | Node::Metrics(_)
        | Node::Rules(_)
        | Node::Join(_)
        | Node::TableWrite(_) => None,
    }
}

/// Where the parts are behind a projection.
fn projected(parts: Vec<Vec<usize>>, exprs: &[NamedExpr]) -> Option<Vec<Vec<usize>>> {
    let moved = |part: Vec<usize>| -> Option<Vec<usize>> {
        let places =
            exprs.iter().enumerate().filter(|(_, named)| part.iter().any(|&at| is_column(&named.expr, at)));
        let places: Vec<usize> = places.map(|(at, _)| at).collect();
        (!places.is_empty()).then_some(places)
    };
    parts.into_iter().map(moved).collect()
}

/// Whether `expr` is column `at`, perhaps of a wider type: INSERT casts without loss only.
fn is_column(expr: &Expr, at: usize) -> bool {
    match &expr.kind {
        ExprKind::Column(index) => *index == at,
        ExprKind::Cast { input, safe: _ } => {
            crate::lower::types::widens(&input.data_type, &expr.data_type) && is_column(input, at)
        }
        ExprKind::Call { function, args, field: _ }
            if function.name() == crate::functions::not_null().name() =>
        {
            args.first().is_some_and(|value| is_column(value, at))
        }
        _ => false,
    }
}
