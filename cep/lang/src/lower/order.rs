//! The program's queries in an order in which inputs come first, and numbers without gaps.

use std::collections::{BTreeMap, BTreeSet};

use cep_types::StreamId;

use crate::plan::{Node, TableId, Target};

/// What a query reads and writes.
#[derive(Debug)]
pub(crate) struct Ends {
    /// Streams read.
    pub reads: Vec<StreamId>,
    /// Where its rows go.
    pub target: Target,
}

/// Indices of `queries` so that whoever feeds a stream comes before whoever reads it; otherwise in
/// the given order. There are no cycles.
pub(crate) fn topological(queries: &[Ends]) -> Vec<usize> {
    let mut feeders: BTreeMap<StreamId, Vec<usize>> = BTreeMap::new();
    for (at, query) in queries.iter().enumerate() {
        if let Target::Stream(stream) = query.target {
            feeders.entry(stream).or_default().push(at);
        }
    }
    let mut waits = vec![0_usize; queries.len()];
    let mut readers: Vec<Vec<usize>> = vec![Vec::new(); queries.len()];
    for (at, query) in queries.iter().enumerate() {
        for feeder in query.reads.iter().filter_map(|stream| feeders.get(stream)).flatten() {
            waits[at] += 1;
            readers[*feeder].push(at);
        }
    }
    let mut ready: BTreeSet<usize> = (0..queries.len()).filter(|at| waits[*at] == 0).collect();
    let mut out = Vec::with_capacity(queries.len());
    while let Some(at) = ready.pop_first() {
        out.push(at);
        for reader in &readers[at] {
            waits[*reader] -= 1;
            if waits[*reader] == 0 {
                ready.insert(*reader);
            }
        }
    }
    debug_assert_eq!(out.len(), queries.len(), "queries form no cycle");
    out
}

/// Gives every scan and table in `node` its new number.
pub(crate) fn renumber(node: &mut Node, new: &[StreamId], tables: &[TableId]) {
    match node {
        Node::TableJoin(join) => join.table = tables[join.table.index()],
        Node::TableWrite(write) => write.table = tables[write.table.index()],
        _ => {}
    }
    if let Node::Scan { stream, .. } = node {
        *stream = new[stream.0 as usize];
    }
    node.inputs_mut().into_iter().for_each(|input| renumber(input, new, tables));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ends(reads: &[u32], target: u32) -> Ends {
        Ends {
            reads: reads.iter().map(|id| StreamId(*id)).collect(),
            target: Target::Stream(StreamId(target)),
        }
    }

    #[test]
    fn an_order_that_fits_is_kept() {
        assert_eq!(topological(&[ends(&[0], 1), ends(&[0], 2), ends(&[1, 2], 3)]), [0, 1, 2]);
    }

    #[test]
    fn a_reader_waits_for_its_feeders() {
        assert_eq!(topological(&[ends(&[2], 3), ends(&[0], 1), ends(&[1], 2)]), [1, 2, 0]);
    }

    proptest! {
        #[test]
        fn every_feeder_comes_before_every_reader(edges in proptest::collection::vec((0..20_u32, 1..20_u32), 0..40)) {
            // Streams are read by higher ones only, so there is no cycle.
            let queries: Vec<Ends> =
                edges.iter().map(|(from, step)| ends(&[*from], from + step)).collect();
            let order = topological(&queries);
            let place = |at: usize| order.iter().position(|o| *o == at).unwrap();
            for (feeder, feeds) in queries.iter().enumerate() {
                for (reader, reads) in queries.iter().enumerate() {
                    let Target::Stream(stream) = feeds.target else { unreachable!() };
                    prop_assert!(!reads.reads.contains(&stream) || place(feeder) < place(reader));
                }
            }
        }
    }
}
