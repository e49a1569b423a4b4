//! Operators: one kind a module, all state in one enum.
//!
//! Invariants:
//! - An operator reads its input chunk and the step's time, and writes its output chunk in
//!   ascending position. It keeps no reference to anything else.
//! - [`Operator`] is matched exhaustively by the checkpoint codec; there is no default arm.

mod aggregation;
mod build;
mod codec;
mod condition;
mod delay;
mod due;
mod group;
mod join;
mod merge;
mod metrics;
mod order;
mod over;
mod pattern;
mod prepare;
mod rate;
mod rows;
mod rules;
mod shown;
mod sliding;
mod table;
mod trigger;
mod window;
#[cfg(test)]
mod work;

pub use aggregation::{AggregationOp, Reading, steps_on};
pub use build::build;
pub use delay::DelayOp;
pub use group::GroupOp;
pub use join::{AsOfOp, JoinContext, JoinOp};
pub use merge::Merge;
pub use metrics::MetricsOp;
pub use over::StreamOver;
pub use pattern::PatternOp;
pub use rate::RateOp;
pub use rows::RowPipeline;
pub use rules::{RulesOp, derived_event_id};
pub use sliding::SlidingWindowOp;
pub use table::{TableJoinOp, TableReading, TableWriteOp};
pub use trigger::TriggerOp;
pub(crate) use window::content::{Content, Shape};
pub use window::{AlignedWindow, BatchWindowOp, SessionWindow};

use cep_types::LogIndex;

use crate::actions::Subject;
use crate::chunk::Chunk;
use crate::table::Table;
use crate::time::NodeTime;

/// Groups that one advance of the watermark or the stamp emits, about, where it is cut into several.
const CLOSE_ROWS: usize = 1024;
/// Bytes of text that the rows and keys of one operator may have: half of what a column can address,
/// so that its results fit as well. Tests have less.
pub(crate) const TEXT_BYTES_MAX: usize = if cfg!(test) { 1 << 20 } else { 1 << 30 };
/// Windows of one pane, or periods, that a row may end without its step being cut.
const FEW_CLOSES: i64 = 64;

/// A row that failed in an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpError {
    /// Position of the row.
    pub pos: u32,
    /// What failed there.
    pub subject: Subject,
    /// Stable code, `E10xx`.
    pub code: &'static str,
    /// What and why.
    pub message: String,
}

impl OpError {
    /// The row at `pos` cannot be processed.
    pub fn of_record(pos: u32, code: &'static str, message: impl Into<String>) -> Self {
        OpError { pos, subject: Subject::Record, code, message: message.into() }
    }

    /// A result that was due at `pos` cannot be computed.
    pub fn of_result(pos: u32, code: &'static str, message: impl Into<String>) -> Self {
        OpError { pos, subject: Subject::Result, code, message: message.into() }
    }
}

/// Which entry of which log a step is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Origin {
    /// Number of the partition.
    pub partition: u32,
    /// Index of the entry.
    pub index: LogIndex,
}

/// What an operator may use in a step besides its chunks.
#[derive(Debug)]
pub struct OpContext<'a> {
    /// Time.
    pub time: NodeTime<'a>,
    /// The entry that the step is part of.
    pub origin: Origin,
    /// Rows in error go here.
    pub errors: &'a mut Vec<OpError>,
    /// Rows that came too late for a window go here, if the stream wants them.
    pub late: Option<&'a mut Chunk>,
    /// Their positions go here, if somebody wants them.
    pub left_out: Option<&'a mut Vec<u32>>,
    /// The program's tables, by number.
    pub tables: &'a mut [Table],
}

impl OpContext<'_> {
    /// Row `original` of the chunk came too late: it is copied to who wants it.
    fn leave_out(&mut self, input: &Chunk, original: u32) {
        if let Some(late) = self.late.as_deref_mut() {
            late.append_gather(input, &[original]);
        }
        if let Some(left_out) = self.left_out.as_deref_mut() {
            left_out.push(input.pos[original as usize]);
        }
    }
}

/// An operator with its state.
#[derive(Debug)]
pub enum Operator {
    /// Filter and projection.
    Rows(RowPipeline),
    /// Tumbling, hopping and cumulating windows.
    Aligned(Box<AlignedWindow>),
    /// Session windows.
    Session(Box<SessionWindow>),
    /// Batches by stamp, count, column, cron or condition.
    Batch(Box<BatchWindowOp>),
    /// OVER on a stream.
    Over(Box<StreamOver>),
    /// GROUP BY and DISTINCT without a window.
    Group(Box<GroupOp>),
    /// Output rates.
    Rate(Box<RateOp>),
    /// Roll-ups of CREATE AGGREGATION.
    Aggregation(Box<AggregationOp>),
    /// Windows that emit for every row.
    Sliding(Box<SlidingWindowOp>),
    /// Rows pass later.
    Delay(Box<DelayOp>),
    /// Joins with a table.
    TableJoin(Box<TableJoinOp>),
    /// Writes to a table.
    TableWrite(Box<TableWriteOp>),
    /// Rows that time makes.
    Trigger(Box<TriggerOp>),
    /// Two streams joined.
    Join(Box<JoinOp>),
    /// Rows with the version in force at their time.
    AsOf(Box<AsOfOp>),
    /// Matches of a pattern.
    Pattern(Box<PatternOp>),
    /// Rules of a bundle.
    Rules(Box<RulesOp>),
    /// Metrics of a stream, and PromQL over them.
    Metrics(Box<MetricsOp>),
}

impl Operator {
    /// Rows that came too late for it so far.
    pub fn late_rows(&self) -> u64 {
        match self {
            Operator::Aligned(op) => op.late_rows(),
            Operator::Session(op) => op.late_rows(),
            Operator::Over(op) => op.late_rows(),
            Operator::Join(op) => op.late_rows(),
            Operator::AsOf(op) => op.late_rows(),
            Operator::Pattern(op) => op.late_rows(),
            Operator::Metrics(op) => op.late_rows(),
            Operator::Rows(_)
            | Operator::Batch(_)
            | Operator::Group(_)
            | Operator::Rate(_)
            | Operator::Aggregation(_)
            | Operator::Sliding(_)
            | Operator::Delay(_)
            | Operator::TableJoin(_)
            | Operator::TableWrite(_)
            | Operator::Trigger(_)
            | Operator::Rules(_) => 0,
        }
    }

    /// Rows, partial matches and samples that were refused or given up so far since it kept as much as it may.
    pub fn over_rows(&self) -> u64 {
        match self {
            Operator::Join(op) => op.over_rows(),
            Operator::AsOf(op) => op.over_rows(),
            Operator::Pattern(op) => op.given_up(),
            Operator::Metrics(op) => op.frozen_samples(),
            // Rows beyond `state.keys.max` are errors of their records; tables count for themselves.
            Operator::Rows(_)
            | Operator::Aligned(_)
            | Operator::Session(_)
            | Operator::Batch(_)
            | Operator::Over(_)
            | Operator::Group(_)
            | Operator::Rate(_)
            | Operator::Aggregation(_)
            | Operator::Sliding(_)
            | Operator::Delay(_)
            | Operator::TableJoin(_)
            | Operator::TableWrite(_)
            | Operator::Rules(_)
            | Operator::Trigger(_) => 0,
        }
    }

    /// A later watermark up to which about `CLOSE_ROWS` groups are emitted; `None`: no watermark
    /// makes it emit more than that.
    pub fn watermark_horizon(&self) -> Option<i64> {
        match self {
            Operator::Aligned(op) => op.watermark_horizon(),
            Operator::Session(op) => op.watermark_horizon(),
            Operator::Over(op) => op.watermark_horizon(),
            Operator::Join(op) => op.watermark_horizon(),
            Operator::AsOf(op) => op.watermark_horizon(),
            Operator::Pattern(op) => op.watermark_horizon(),
            Operator::Metrics(op) => op.watermark_horizon(),
            Operator::Rows(_)
            | Operator::Batch(_)
            | Operator::Group(_)
            | Operator::Rate(_)
            | Operator::Aggregation(_)
            | Operator::Sliding(_)
            | Operator::Delay(_)
            | Operator::TableJoin(_)
            | Operator::TableWrite(_)
            | Operator::Trigger(_)
            | Operator::Rules(_) => None,
        }
    }

    /// The same for stamps.
    pub fn stamp_horizon(&self) -> Option<i64> {
        match self {
            Operator::Rate(op) => op.stamp_horizon(),
            Operator::Trigger(op) => op.stamp_horizon(),
            Operator::Pattern(op) => op.stamp_horizon(),
            _ => None,
        }
    }

    /// The least advance of time, ns, that may make it emit far more than it holds.
    pub fn jump_ns(&self) -> Option<i64> {
        match self {
            Operator::Aligned(op) => op.jump_ns(),
            Operator::Rate(op) => op.jump_ns(),
            Operator::Trigger(op) => op.jump_ns(),
            Operator::Pattern(op) => op.jump_ns(),
            Operator::Metrics(op) => op.jump_ns(),
            _ => None,
        }
    }

    /// Processes a step.
    pub fn process(&mut self, input: &Chunk, out: &mut Chunk, cx: &mut OpContext<'_>) {
        match self {
            Operator::Rows(op) => op.process(input, out, cx),
            Operator::Aligned(op) => op.process(input, out, cx),
            Operator::Session(op) => op.process(input, out, cx),
            Operator::Batch(op) => op.process(input, out, cx),
            Operator::Over(op) => op.process(input, out, cx),
            Operator::Group(op) => op.process(input, out, cx),
            Operator::Rate(op) => op.process(input, out, cx),
            Operator::Aggregation(op) => op.process(input, cx),
            Operator::Sliding(op) => op.process(input, out, cx),
            Operator::Delay(op) => op.process(input, out, cx),
            Operator::TableJoin(op) => op.process(input, out, cx),
            Operator::TableWrite(op) => op.process(input, cx),
            Operator::Trigger(op) => op.process(out, cx),
            Operator::Join(_) | Operator::AsOf(_) => unreachable!("the graph gives a join both its inputs"),
            Operator::Pattern(op) => op.process(input, out, cx),
            Operator::Rules(op) => op.process(input, out, cx),
            Operator::Metrics(op) => op.process(input, out, cx),
        }
    }
}
