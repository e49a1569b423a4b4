//! Chunks of a source: read in place, or by a thread when reading can block.

use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread;

use net_connect::{ConnectError, Source, SourceChunk};

use super::inputs::ENTRY_ROWS_MAX;
use crate::clock::wall_ns;
use crate::failure::{Failure, Result};

/// Chunks that wait between a source's thread and the run loop.
const CHUNKS_WAITING_MAX: usize = 2;

/// Where chunks come from.
pub enum Feed {
    /// Called by the run loop: never waits.
    Inline(Box<dyn Source>),
    /// Read by its own thread.
    Thread {
        /// What it read.
        chunks: Receiver<Result<SourceChunk, ConnectError>>,
        /// Asks it to go on after an error.
        again: SyncSender<()>,
    },
}

impl Feed {
    /// A feed of `source`; with `blocks` a thread reads it, which wakes the calling thread.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn new(name: &str, source: Box<dyn Source>, blocks: bool) -> Result<Feed> {
        if !blocks {
            return Ok(Feed::Inline(source));
        }
        let (to_loop, chunks) = sync_channel(CHUNKS_WAITING_MAX);
        let (again, go_on) = sync_channel(1);
        let reader = thread::current();
        thread::Builder::new()
            .name(format!("source {name}"))
            .spawn(move || read(source, &to_loop, &go_on, &reader))
            .map_err(|error| Failure::run(format!("cannot start a thread to read '{name}': {error}")))?;
        Ok(Feed::Thread { chunks, again })
    }

    /// The next chunk; `None`: there is none yet.
    pub fn next(&mut self, rows_max: usize, now_ns: i64) -> Result<Option<SourceChunk>, ConnectError> {
        match self {
            Feed::Inline(source) => {
                if source.due_ns().is_some_and(|due| due > now_ns) {
                    return Ok(None);
                }
                source.next(rows_max, now_ns).map(Some)
            }
            Feed::Thread { chunks, .. } => match chunks.try_recv() {
                Ok(chunk) => chunk.map(Some),
                // A thread that is gone has sent its last chunk, which ended the input.
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => Ok(None),
            },
        }
    }

    /// Reads on after an error.
    pub fn again(&mut self) {
        if let Feed::Thread { again, .. } = self {
            // A full channel already says it; a closed one has nobody to tell.
            let _ = again.try_send(());
        }
    }

    /// Wall-clock time before which there is nothing, ns.
    pub fn due_ns(&self) -> Option<i64> {
        match self {
            Feed::Inline(source) => source.due_ns(),
            Feed::Thread { .. } => None,
        }
    }

    /// Whether its end is known to come.
    pub fn is_bounded(&self) -> bool {
        match self {
            Feed::Inline(source) => source.is_bounded(),
            Feed::Thread { .. } => false,
        }
    }

    /// How much is done, of how much.
    pub fn progress(&self) -> (u64, Option<u64>) {
        match self {
            Feed::Inline(source) => {
                let progress = source.progress();
                (progress.done, progress.total)
            }
            Feed::Thread { .. } => (0, None),
        }
    }
}

fn read(
    mut source: Box<dyn Source>,
    to_loop: &SyncSender<Result<SourceChunk, ConnectError>>,
    go_on: &Receiver<()>,
    reader: &thread::Thread,
) {
    loop {
        let chunk = source.next(ENTRY_ROWS_MAX, wall_ns());
        let (end, failed) = match &chunk {
            Ok(chunk) if chunk.batch.num_rows() == 0 && chunk.rejects.is_empty() && !chunk.end => continue,
            Ok(chunk) => (chunk.end, false),
            Err(_) => (false, true),
        };
        if to_loop.send(chunk).is_err() {
            return;
        }
        reader.unpark();
        if end || (failed && go_on.recv().is_err()) {
            return;
        }
    }
}
