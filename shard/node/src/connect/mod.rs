//! Sources and sinks of definitions (R-PART-4).
//!
//! ```text
//! host's thread: reader ─► former ─► [feed] ─► pump ─► partitions' queues
//! partitions' outputs ─► outlet task ─► [outlet] ─► host's thread: sinks
//! ```
//!
//! Here what a host brings: a [`Feed`] gives rows, an [`Outlet`] takes them · `plan` a definition for both ·
//! `form` rows into parts of entries · `pump` a feed into the partitions · `outlet` outputs into sinks ·
//! `shard` what a partition does of it · `supervise` which run.
//!
//! Invariants:
//! - Shard 0 runs the connectors of all definitions; a definition's run as long as all partitions run it.
//! - Where a source goes on is in the partitions' logs: each row has a number of its source, and a partition
//!   knows the next one (`replica::sources`). Nothing beside the log is remembered.
//! - Rows of one partition are logged in the order in which the feed gives them, ends of streams behind them,
//!   each once.
//! - Rows are marked as handed over when they are where they stay, never before; what is not marked is kept.
//! - Nothing here blocks: reading and writing is the host's, on threads of its own, a bounded step at a time.

mod form;
mod outlet;
mod plan;
mod pump;
pub(crate) mod shard;
pub(crate) mod supervise;

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

use arrow_array::RecordBatch;
use cep_types::log::OutputPosition;
use cep_types::{Epoch, Op, ProducerId, StreamId};

pub use form::{Formed, Former};
pub use plan::{InputPlan, Plan};

/// Something that will be there.
pub type Soon<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// What runs sources and sinks: the host's files and threads, or a test's.
pub trait Connectors {
    /// Opens the sources of a definition. The former knows which rows are in the log already.
    ///
    /// # Errors
    /// Why that cannot be done.
    fn feed(&self, plan: &Plan, former: Former) -> Result<Box<dyn Feed>, ConnectorError>;

    /// Opens the sinks of a definition. With `lengths` they go on at these lengths of their files, and what
    /// is behind is cut off; without, they begin.
    ///
    /// # Errors
    /// Why that cannot be done.
    fn outlet(
        &self,
        plan: &Plan,
        lengths: Option<BTreeMap<StreamId, u64>>,
    ) -> Result<Box<dyn Outlet>, ConnectorError>;

    /// The connectors of a definition came to an end: all its sources have ended and its sinks have all
    /// rows; or they failed. What can be tried again is.
    fn ended(&self, plan: &Plan, how: Result<(), &ConnectorError>);
}

/// Why connectors stop.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct ConnectorError {
    /// What happened, for people.
    pub text: String,
    /// It would happen again: nothing is tried before the definition is activated anew or the node starts.
    pub is_final: bool,
}

impl ConnectorError {
    /// One that may pass.
    pub fn passing(text: impl Into<String>) -> Self {
        ConnectorError { text: text.into(), is_final: false }
    }

    /// One that will not.
    pub fn last(text: impl Into<String>) -> Self {
        ConnectorError { text: text.into(), is_final: true }
    }
}

/// What a feed gives next.
#[derive(Debug)]
pub enum Fed {
    /// Rows, in the order in which each partition is to have them.
    Rows(Vec<Formed>),
    /// A source has ended; others may go on. The stream as the program numbers it.
    Ended(StreamId),
    /// All have ended.
    End,
}

/// Rows of the sources of a definition.
pub trait Feed {
    /// The next ones.
    fn next(&mut self) -> Soon<'_, Result<Fed, ConnectorError>>;
}

/// The sinks of a definition.
pub trait Outlet {
    /// Takes rows, in their order.
    fn put(&mut self, rows: Vec<OutRows>) -> Soon<'_, Result<(), ConnectorError>>;

    /// Brings what was put to where it stays; the lengths of the files then.
    fn settle(&mut self) -> Soon<'_, Result<Vec<(StreamId, u64)>, ConnectorError>>;
}

/// Rows of one stream that were made together.
#[derive(Debug, Clone)]
pub struct OutRows {
    /// The stream, as the space numbers it.
    pub stream: StreamId,
    /// Where the first one is; the others follow.
    pub first: OutputPosition,
    /// The rows.
    pub rows: RecordBatch,
    /// What each does; empty if all are `+I`.
    pub ops: Vec<Op>,
}

/// A question for rows of a partition.
#[derive(Debug, Clone)]
pub struct Collect {
    /// The definition.
    pub(crate) name: String,
    /// Its activation.
    pub(crate) epoch: Epoch,
    /// Its streams that have sinks.
    pub(crate) streams: Vec<StreamId>,
    /// Rows behind this.
    pub(crate) after: OutputPosition,
    /// About so many.
    pub(crate) rows_max: usize,
}

/// Rows of a partition.
#[derive(Debug)]
pub struct Collected {
    /// In the order in which they were made.
    pub(crate) rows: Vec<OutRows>,
    /// There will be no more of this activation.
    pub(crate) is_over: bool,
    /// Some behind the position are not kept any more.
    pub(crate) gone: bool,
}

/// A question about sources.
#[derive(Debug, Clone)]
pub struct SourceAsk {
    /// The definition.
    pub(crate) name: String,
    /// Its sources.
    pub(crate) sources: Vec<ProducerId>,
    /// Streams of the space that may have ended.
    pub(crate) streams: Vec<StreamId>,
}

/// How far sources have come in a partition.
#[derive(Debug, Clone)]
pub struct SourceState {
    /// Number of the next row of each.
    pub(crate) next: Vec<u64>,
    /// Whether each of the streams has ended.
    pub(crate) ended: Vec<bool>,
}

/// How far sinks have come.
#[derive(Debug, Clone)]
pub struct Handed {
    /// The activation.
    pub(crate) epoch: Epoch,
    /// In this partition.
    pub(crate) upto: OutputPosition,
    /// In all partitions, where it was said.
    pub(crate) all: Vec<OutputPosition>,
    /// The lengths of files then.
    pub(crate) lengths: Vec<(StreamId, u64)>,
}

/// What became of rows of sources.
#[derive(Debug, Clone, Copy, Default)]
pub struct Taken {
    /// Rows that no definition took.
    pub(crate) rejected: u64,
}
