//! Rows that came too late for everyone: who appended them is told (R-ACK-1).

use cep_lang::plan::{Program, QueryId};
use cep_types::StreamId;

use super::Partition;
use crate::actions::Actions;
use crate::chunk::{Phase, position, step_row};

/// Queries, and behind them aggregations, that read each stream itself.
pub(super) fn readers(program: &Program) -> Vec<Vec<QueryId>> {
    let mut readers = vec![Vec::new(); program.streams.len()];
    let plans = program.queries.iter().map(|query| &query.plan);
    let plans = plans.chain(program.aggregations.iter().map(|aggregation| &aggregation.input));
    for (query, plan) in (0..).map(QueryId).zip(plans) {
        plan.scans().into_iter().for_each(|stream| readers[stream.index()].push(query));
    }
    readers
}

impl Partition {
    /// Whether some query or aggregation reads this stream itself.
    pub fn has_readers(&self, stream: StreamId) -> bool {
        !self.readers[stream.index()].is_empty()
    }

    /// Tells which rows of the step, whose first row is entry row `from`, no reader of the stream took.
    pub(super) fn tell_late(&mut self, stream: StreamId, from: usize, actions: &mut Actions) {
        let readers = &self.readers[stream.index()];
        let dropped = &mut self.scratch.dropped;
        let of_stream = |(query, pos): &(QueryId, u32)| {
            readers.contains(query) && *pos == position(step_row(*pos), Phase::Row)
        };
        let late = &mut self.graph.left_out;
        late.retain(of_stream);
        if readers.is_empty() || (late.is_empty() && dropped.is_empty()) {
            return dropped.clear();
        }
        late.sort_unstable_by_key(|&(query, pos)| (pos, query));
        late.dedup();
        let of_all = late.chunk_by(|a, b| a.1 == b.1).filter(|of_row| of_row.len() == readers.len());
        dropped.extend(of_all.map(|of_row| of_row[0].1));
        dropped.sort_unstable();
        let entry_rows = &self.scratch.entry_rows;
        actions.late.extend(dropped.drain(..).map(|pos| {
            let row = step_row(pos);
            (from + entry_rows.get(row).map_or(row, |&row| row as usize)) as u64
        }));
    }
}
