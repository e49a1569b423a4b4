//! Which streams are taken row by row, so that reads and writes of tables meet in the order of the log.
//!
//! A step runs one node after the other over all its rows. Where only one node touches a table in a
//! step, or none writes it, that is as good as row by row. Where one writes what another reads or
//! writes, the step must have one row: then the nodes' order, which is that of the statements, is the
//! order of the reads and writes of that row. Nodes behind windows and the like may have rows in any
//! step.

use cep_types::StreamId;

use super::{Graph, NodeKind};
use crate::ops::Operator;

/// A node that touches a table.
struct Access<'a> {
    table: usize,
    writes: bool,
    /// Streams whose rows reach it.
    sources: &'a [StreamId],
    /// It may have rows in a step of any stream.
    always: bool,
}

/// By stream: whether its steps must have one row.
pub(super) fn row_by_row(graph: &Graph) -> Vec<bool> {
    let accesses: Vec<Access<'_>> = (graph.nodes.iter())
        .filter_map(|node| {
            let NodeKind::Operator { operator, .. } = &node.kind else { return None };
            let (table, writes) = match operator {
                Operator::TableJoin(join) => (join.table(), false),
                Operator::TableWrite(write) => (write.table(), true),
                _ => return None,
            };
            Some(Access { table, writes, sources: &node.sources, always: node.detached })
        })
        .collect();
    (0..graph.streams.len()).map(|stream| meet(&accesses, StreamId(stream as u32))).collect()
}

/// Whether a write and another access of one table can both have rows in a step of `stream`.
fn meet(accesses: &[Access<'_>], stream: StreamId) -> bool {
    let active = |a: &&Access<'_>| a.always || a.sources.contains(&stream);
    let active: Vec<&Access<'_>> = accesses.iter().filter(active).collect();
    active.iter().enumerate().any(|(at, one)| {
        let others = active[at + 1..].iter().filter(|other| other.table == one.table);
        others.into_iter().any(|other| one.writes || other.writes)
    })
}
