//! Rows of a file that a table begins with: they go into the table, and no time passes.

use cep_types::{Events, StreamId};

use super::Partition;
use crate::actions::{Actions, RecordError, Subject};
use crate::column::Column;

impl Partition {
    /// The table that begins with the rows of `stream`.
    pub(super) fn seeds(&self, stream: StreamId) -> Option<usize> {
        self.program.tables.iter().position(|table| table.seed == Some(stream))
    }

    /// Writes the rows of an entry; returns how many.
    pub(super) fn seed(&mut self, events: &Events, actions: &mut Actions) -> usize {
        let Some(at) = self.seeds(events.stream) else { return 0 };
        let (table, conflict) = (&mut self.graph.tables[at], self.program.tables[at].conflict);
        let columns: Vec<Column> = events.rows.columns().iter().map(Column::from_arrow).collect();
        let rows = events.rows.num_rows();
        for row in 0..rows {
            if let Err(refused) = table.insert(&columns, row, self.stamp, conflict) {
                actions.errors.push(RecordError {
                    index: self.index,
                    row: row as u64,
                    subject: Subject::Record,
                    query: None,
                    code: refused.code,
                    message: refused.message,
                });
            }
        }
        self.cursor.done = rows;
        rows
    }
}
