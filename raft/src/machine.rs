//! What the host of a group provides: the machine that committed entries drive.
//!
//! Invariants: entries come in the order of the log, each once in the life of a machine; a snapshot that
//! is installed replaces all state; the machine is memory alone, and after a restart it is a snapshot
//! and the entries behind it.

use bytes::Bytes;

use crate::types::{Entry, LogPosition};

/// How far an entry is applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Not done: the same entry comes again after other tasks of the shard have run.
    More,
    /// Done. The bytes are the answer to who proposed it.
    Done(Bytes),
}

/// The state of a group: deterministic, without time and I/O of its own.
pub trait StateMachine: 'static {
    /// Applies an entry, or a part of it that takes at most about 500 µs. A defect is a panic.
    fn apply(&mut self, entry: &Entry) -> Step;

    /// A view of the state as it is now, whatever is applied later. Never asked for amid an entry.
    fn checkpoint(&mut self) -> Box<dyn Checkpoint>;

    /// A snapshot follows: the state is void.
    fn install_begin(&mut self);

    /// The next chunk, as [`Checkpoint::chunk`] gave it.
    ///
    /// # Errors
    /// What is wrong with it.
    fn install_chunk(&mut self, chunk: Bytes) -> Result<(), String>;

    /// That was all. `last` is the last entry in the state.
    ///
    /// # Errors
    /// What is wrong with the whole.
    fn install_end(&mut self, last: Option<LogPosition>) -> Result<(), String>;
}

/// A view of a machine's state, on its way out.
pub trait Checkpoint {
    /// The next chunk of at most `bytes_max` bytes; `None` at the end.
    ///
    /// # Errors
    /// What keeps the state from being written.
    fn chunk(&mut self, bytes_max: usize) -> Result<Option<Bytes>, String>;
}
