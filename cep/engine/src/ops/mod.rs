//! Operators: one kind a module, all state in one enum.
//!
//! Invariants:
//! - An operator reads its input chunk and the step's time, and writes its output chunk in
//!   ascending position. It keeps no reference to anything else.
//! - [`Operator`] is matched exhaustively by the checkpoint codec; there is no default arm.

mod build;
mod codec;
mod condition;
mod merge;
mod order;
mod over;
mod prepare;
mod rows;
mod window;

pub use build::build;
pub use merge::Merge;
pub use over::StreamOver;
pub use rows::RowPipeline;
pub use window::{AlignedWindow, BatchWindowOp, SessionWindow};

use crate::chunk::Chunk;
use crate::time::NodeTime;

/// A row that failed in an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpError {
    /// Position of the row.
    pub pos: u32,
    /// Stable code, `E10xx`.
    pub code: &'static str,
    /// What and why.
    pub message: String,
}

/// What an operator may use in a step besides its chunks.
#[derive(Debug)]
pub struct OpContext<'a> {
    /// Time.
    pub time: NodeTime<'a>,
    /// Rows in error go here.
    pub errors: &'a mut Vec<OpError>,
    /// Rows that came too late for a window go here, if the stream wants them.
    pub late: Option<&'a mut Chunk>,
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
}

impl Operator {
    /// Processes a step.
    pub fn process(&mut self, input: &Chunk, out: &mut Chunk, cx: &mut OpContext<'_>) {
        match self {
            Operator::Rows(op) => op.process(input, out, cx),
            Operator::Aligned(op) => op.process(input, out, cx),
            Operator::Session(op) => op.process(input, out, cx),
            Operator::Batch(op) => op.process(input, out, cx),
            Operator::Over(op) => op.process(input, out, cx),
        }
    }
}
