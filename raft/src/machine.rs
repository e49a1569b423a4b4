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

    /// Begins a checkpoint: [`StateMachine::checkpoint_next`] gives the state as it is now, whatever is applied
    /// meanwhile. Never asked for amid an entry; it and each of the other two take at most about 500 µs.
    fn checkpoint_begin(&mut self);

    /// Appends about `bytes` more bytes of the checkpoint to `out`, at any time, amid an entry, too. False when
    /// that was all, and nothing was appended.
    ///
    /// # Errors
    /// What keeps the state from being written.
    fn checkpoint_next(&mut self, bytes: usize, out: &mut Vec<u8>) -> Result<bool, String>;

    /// The checkpoint is done, or given up.
    fn checkpoint_end(&mut self);

    /// A snapshot of so many bytes follows: the state is void.
    fn install_begin(&mut self, bytes: usize);

    /// The next bytes of it, as [`StateMachine::checkpoint_next`] gave them, in other pieces.
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
