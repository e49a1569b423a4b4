//! Reads of aggregations: they look at the state and change nothing.

use arrow_array::RecordBatch;
use cep_lang::plan::AggregationRead;

use super::Partition;
use crate::graph::NodeKind;
use crate::ops::{AggregationOp, Operator, Reading};

impl Partition {
    /// Answers a read of an aggregation from its roll-ups. Call only after
    /// [`Progress::Done`](super::Progress::Done).
    ///
    /// # Errors
    /// The reason why it cannot be answered, for the user.
    pub fn read(&self, read: &AggregationRead) -> Result<RecordBatch, String> {
        let mut reading = self.begin_read(read)?;
        self.go_on_reading(read, &mut reading, usize::MAX);
        self.end_read(read, reading)
    }

    /// The same in slices: begins one.
    ///
    /// # Errors
    /// The reason why it cannot be answered, for the user.
    pub fn begin_read(&self, read: &AggregationRead) -> Result<Reading, String> {
        self.aggregation(read).begin(read)
    }

    /// Looks at about `groups` more groups; `true` when that was the last slice. Nothing may be applied
    /// between slices.
    pub fn go_on_reading(&self, read: &AggregationRead, reading: &mut Reading, groups: usize) -> bool {
        self.aggregation(read).merge(read, reading, groups)
    }

    /// The answer, when all slices were read.
    ///
    /// # Errors
    /// The reason why it cannot be computed, for the user.
    pub fn end_read(&self, read: &AggregationRead, reading: Reading) -> Result<RecordBatch, String> {
        self.aggregation(read).answer(read, reading)?.to_rows(&read.schema)
    }

    fn aggregation(&self, read: &AggregationRead) -> &AggregationOp {
        let node = self.graph.aggregations[read.aggregation];
        let NodeKind::Operator { operator: Operator::Aggregation(op), .. } = &self.graph.nodes[node].kind
        else {
            unreachable!("the builder puts aggregations there")
        };
        op
    }
}
