//! Reads of aggregations and tables: they look at the state and change nothing.

use arrow_array::RecordBatch;
use cep_lang::plan::{Read, ReadOf};

use super::Partition;
use crate::graph::NodeKind;
use crate::ops::{self, AggregationOp, Operator, TableReading};

/// A read under way.
#[derive(Debug)]
pub enum Reading {
    /// Of roll-ups.
    Aggregation(ops::Reading),
    /// Of a table.
    Table(TableReading),
}

impl Reading {
    /// Groups, or rows of a table, looked at so far.
    pub fn groups(&self) -> usize {
        match self {
            Reading::Aggregation(reading) => reading.groups(),
            Reading::Table(reading) => reading.looked(),
        }
    }
}

impl Partition {
    /// Answers a read from what is kept. Call only after
    /// [`Progress::Done`](super::Progress::Done).
    ///
    /// # Errors
    /// The reason why it cannot be answered, for the user.
    pub fn read(&self, read: &Read) -> Result<RecordBatch, String> {
        let mut reading = self.begin_read(read)?;
        self.go_on_reading(read, &mut reading, usize::MAX);
        self.end_read(read, reading)
    }

    /// The same in slices: begins one.
    ///
    /// # Errors
    /// The reason why it cannot be answered, for the user.
    pub fn begin_read(&self, read: &Read) -> Result<Reading, String> {
        match &read.of {
            ReadOf::Aggregation(range) => {
                self.aggregation(range.aggregation).begin(range).map(Reading::Aggregation)
            }
            ReadOf::Table(look) => {
                let table = &self.tables()[look.table.index()];
                TableReading::begin(table, look, self.stamp_ns()).map(Reading::Table)
            }
        }
    }

    /// Looks at about `groups` more groups or rows; `true` when that was the last slice. Nothing may be applied
    /// between slices.
    pub fn go_on_reading(&self, read: &Read, reading: &mut Reading, groups: usize) -> bool {
        match (&read.of, reading) {
            (ReadOf::Aggregation(range), Reading::Aggregation(reading)) => {
                self.aggregation(range.aggregation).merge(range, reading, groups)
            }
            (ReadOf::Table(look), Reading::Table(reading)) => {
                reading.go_on(&self.tables()[look.table.index()], groups)
            }
            _ => unreachable!("a reading goes on with its own read"),
        }
    }

    /// The answer, when all slices were read.
    ///
    /// # Errors
    /// The reason why it cannot be computed, for the user.
    pub fn end_read(&self, read: &Read, reading: Reading) -> Result<RecordBatch, String> {
        match (&read.of, reading) {
            (ReadOf::Aggregation(range), Reading::Aggregation(reading)) => {
                let answer = self.aggregation(range.aggregation).answer(range, &read.ops, reading)?;
                answer.to_rows(&read.schema)
            }
            (ReadOf::Table(look), Reading::Table(reading)) => {
                reading.end(&self.tables()[look.table.index()], &read.ops, &read.schema)
            }
            _ => unreachable!("a reading ends with its own read"),
        }
    }

    fn aggregation(&self, at: usize) -> &AggregationOp {
        let node = self.graph.aggregations[at];
        let NodeKind::Operator { operator: Operator::Aggregation(op), .. } = &self.graph.nodes[node].kind
        else {
            unreachable!("the builder puts aggregations there")
        };
        op
    }
}
