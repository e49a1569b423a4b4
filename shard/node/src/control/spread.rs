//! Whether a program is right on more than one partition (R-PART-3).
//!
//! Each partition sees the rows of its keys. A query is right there if everything that it puts together is
//! of one key of `partition.by`. What is not is refused: rows are not moved between partitions yet.
//!
//! Invariant: what is not known to be right is refused.

use std::collections::BTreeMap;

use cep_lang::plan::{
    BatchWindow, BoundedOp, Expr, ExprKind, JoinBound, JoinNode, JoinWindow, NamedExpr, Node, Program,
    Target, WindowBody, WindowKey,
};
use cep_types::StreamId;

use super::spread_tables::Tables;

/// Places of the key's columns among those of an edge; `None`: its rows may be of any partition.
pub(super) type Key = Option<Vec<usize>>;

/// Checks a program.
///
/// # Errors
/// Which query is not right, and what to write instead.
pub(crate) fn check(program: &Program) -> Result<(), String> {
    let mut keys: BTreeMap<StreamId, Key> = BTreeMap::new();
    for stream in &program.streams {
        let key = &stream.options.partition_by;
        keys.insert(stream.id, (!key.is_empty()).then(|| key.clone()));
    }
    if let Some(trigger) = program.triggers.first() {
        return Err(format!(
            "trigger '{}' would fire in every partition; use a space of one partition",
            program.streams[trigger.stream.index()].name
        ));
    }
    let mut tables = Tables::of(program);
    for query in &program.queries {
        let key = key_of(&query.plan, &keys, &mut tables).map_err(|what| {
            format!(
                "query '{}' {what}, which is not of one partition; group by the columns of partition.by, or use a \
                 space of one partition",
                query.name
            )
        })?;
        if let Target::Stream(stream) = query.target {
            let declared = keys.get(&stream).cloned().flatten();
            if declared.is_some() && declared != key {
                return Err(format!(
                    "query '{}' writes rows of other keys than its stream's partition.by; give the stream the key of \
                     the query, or none",
                    query.name
                ));
            }
            keys.insert(stream, key);
        }
    }
    for aggregation in &program.aggregations {
        let refused = |what: &str| {
            format!(
                "aggregation '{}' {what}, which is not of one partition; group by the columns of partition.by, or use \
                 a space of one partition",
                aggregation.name
            )
        };
        let key = key_of(&aggregation.input, &keys, &mut tables).map_err(|what| refused(&what))?;
        let place = |at: usize| {
            aggregation.keys.iter().position(|k| matches!(k.expr.kind, ExprKind::Column(c) if c == at))
        };
        if grouped(key, place).is_none() {
            return Err(refused("groups rows of several keys"));
        }
    }
    Ok(())
}

fn key_of(node: &Node, keys: &BTreeMap<StreamId, Key>, tables: &mut Tables) -> Result<Key, String> {
    match node {
        Node::Scan { stream, .. } => Ok(keys.get(stream).cloned().flatten()),
        Node::Filter { input, .. } | Node::Delay { input, .. } => key_of(input, keys, tables),
        Node::Project { input, exprs, .. } => Ok(projected(key_of(input, keys, tables)?, exprs)),
        Node::Union { inputs, .. } => {
            let all: Vec<Key> =
                inputs.iter().map(|input| key_of(input, keys, tables)).collect::<Result<_, _>>()?;
            let first = all[0].clone();
            Ok(first.filter(|_| all.windows(2).all(|pair| pair[0] == pair[1])))
        }
        Node::Window(window) => {
            let key = key_of(&window.input, keys, tables)?;
            match &window.window {
                BatchWindow::Tumbling { .. } | BatchWindow::Hop { .. } | BatchWindow::Cumulate { .. } => {}
                BatchWindow::Session { keys: by, .. } => {
                    let is_by =
                        |&at: &usize| by.iter().any(|e| matches!(e.kind, ExprKind::Column(c) if c == at));
                    if !key.as_ref().is_some_and(|key| key.iter().all(is_by)) {
                        return Err("has sessions over rows of all keys".into());
                    }
                }
                _ => return Err("has a window over rows of all keys".into()),
            }
            let WindowBody::Groups { keys: by, .. } = &window.body else {
                return Err("keeps the rows of a window of all keys".into());
            };
            let place = |at: usize| {
                by.iter().position(|k| match k {
                    WindowKey::Input(named) => matches!(named.expr.kind, ExprKind::Column(c) if c == at),
                    WindowKey::Window(_) => false,
                })
            };
            let Some(mut key) = grouped(key, place) else { return Err("groups rows of several keys".into()) };
            for op in &window.ops {
                match op {
                    BoundedOp::Filter(_) => {}
                    BoundedOp::Project { exprs, .. } => match projected(Some(key), exprs) {
                        Some(kept) => key = kept,
                        None => return Ok(None),
                    },
                    BoundedOp::Aggregate { .. } => return Err("groups the groups of a window".into()),
                    BoundedOp::Over { .. } => return Err("has OVER over the groups of a window".into()),
                    BoundedOp::Sort(_) => return Err("sorts the groups of a window".into()),
                    BoundedOp::Join(_) => return Err("joins the groups of a window".into()),
                    BoundedOp::Limit { .. } => return Err("limits the groups of a window".into()),
                }
            }
            Ok(Some(key))
        }
        Node::Group(group) => {
            let key = key_of(&group.input, keys, tables)?;
            let place = |at: usize| {
                group.keys.iter().position(|k| matches!(k.expr.kind, ExprKind::Column(c) if c == at))
            };
            grouped(key, place).map(Some).ok_or_else(|| "groups rows of several keys".into())
        }
        Node::Over(over) => {
            let key = key_of(&over.input, keys, tables)?;
            let by = |&at: &usize| {
                over.calls.iter().all(|call| {
                    call.partition_by.iter().any(|e| matches!(e.kind, ExprKind::Column(c) if c == at))
                })
            };
            if key.as_ref().is_some_and(|key| key.iter().all(by)) {
                Ok(key)
            } else {
                Err("has OVER over rows of several keys".into())
            }
        }
        Node::Join(join) => joined(join, keys, tables),
        // Metrics and rules are those of a partition, as the bundle's scope says.
        Node::Metrics(node) => key_of(&node.input, keys, tables).map(|_| None),
        Node::Rules(node) => key_of(&node.input, keys, tables).map(|_| None),
        Node::Pattern(pattern) => {
            let key = key_of(&pattern.input, keys, tables)?;
            let by =
                |at: &usize| pattern.keys.iter().any(|e| matches!(e.kind, ExprKind::Column(c) if c == *at));
            if !key.is_some_and(|key| key.iter().all(by)) {
                return Err("has a pattern over rows of several keys".into());
            }
            // The rows of a match have one key, but which columns have it is not followed.
            Ok(None)
        }
        Node::Sliding(_) => Err("has a window over rows of all keys".into()),
        Node::Rate(_) => Err("limits the output of all keys together".into()),
        Node::TableJoin(join) => {
            let key = key_of(&join.input, keys, tables)?;
            tables.read(join, key.as_deref())?;
            Ok(grouped(key, |at| join.kept.iter().position(|&kept| kept == at)))
        }
        Node::TableWrite(write) => {
            let key = key_of(&write.input, keys, tables)?;
            tables.write(write, key.as_deref())?;
            Ok(None)
        }
    }
}

/// The key behind a join: rows that belong together must be in one partition, and be kept by what is there
/// of their key alone.
fn joined(join: &JoinNode, keys: &BTreeMap<StreamId, Key>, tables: &mut Tables) -> Result<Key, String> {
    if let JoinBound::Windows(windows) = &join.bound {
        let is_by_time = |w: &JoinWindow| matches!(w, JoinWindow::Passing | JoinWindow::Time(_));
        if !windows.iter().all(is_by_time) {
            return Err("joins by a window over rows of all keys".into());
        }
    }
    let [left, right] =
        [key_of(&join.sides[0].input, keys, tables)?, key_of(&join.sides[1].input, keys, tables)?];
    let is = |expr: &Expr, at: usize| matches!(expr.kind, ExprKind::Column(c) if c == at);
    let (Some(left), Some(right)) = (left, right) else {
        return Err("joins on something else than the partition key".into());
    };
    let together = |(&l, &r): (&usize, &usize)| join.keys.iter().any(|(a, b)| is(a, l) && is(b, r));
    if left.len() != right.len() || !left.iter().zip(&right).all(together) {
        return Err("joins on something else than the partition key".into());
    }
    let kept = |side: usize, key: &[usize]| -> Key {
        let first = if side == 0 { 0 } else { join.sides[0].kept.len() };
        key.iter().map(|at| Some(first + join.sides[side].kept.iter().position(|kept| kept == at)?)).collect()
    };
    // Where a side's rows may be missing, its key is NULL.
    let of_left = if join.sides[1].outer { None } else { kept(0, &left) };
    let of_right = if join.sides[0].outer { None } else { kept(1, &right) };
    Ok(of_left.or(of_right))
}

/// The key behind a projection, if all its columns are in it as they are.
fn projected(key: Key, exprs: &[NamedExpr]) -> Key {
    grouped(key, |at| exprs.iter().position(|e| is_column(&e.expr, at)))
}

/// Whether `expr` is column `at` as it is, perhaps with a check that it is not NULL.
fn is_column(expr: &Expr, at: usize) -> bool {
    match &expr.kind {
        ExprKind::Column(column) => *column == at,
        ExprKind::Call { function, args, field: _ } if function.name() == "not_null" => {
            args.first().is_some_and(|value| is_column(value, at))
        }
        _ => false,
    }
}

fn grouped(key: Key, place: impl Fn(usize) -> Option<usize>) -> Key {
    key?.into_iter().map(place).collect()
}
