//! openraft's log of one group, in the shard's log.
//!
//! Invariants: an entry can be read as soon as `append` returns, and is acknowledged when the log says
//! it is durable, never before; a vote is durable when `save_vote` returns. The committed position is
//! not worth a write of its own: it goes out with the next append, and at a restart may be behind.

mod read;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use openraft::LogState;
use openraft::entry::RaftEntry;
use openraft::storage::{IOFlushed, RaftLogStorage};
use shard_rt::sync::oneshot;
use wal::{Lane, PartitionId, Record, Slot, Wal, WalError};

use crate::codec;
use crate::error::{RaftError, Result};
use crate::types::{LogEntry, LogId, Types, Vote, log_id};

/// The log of one group. Clones are the same log.
#[derive(Clone)]
pub(crate) struct Store {
    wal: Wal,
    partition: PartitionId,
    /// Bytes of one read for replication, and of one batch for apply.
    read_bytes_max: u64,
    /// The newest committed position, if it is not yet in the log.
    committed: Rc<RefCell<Option<LogId>>>,
}

impl Store {
    pub(crate) fn new(wal: Wal, partition: PartitionId, read_bytes_max: u64) -> Self {
        Self { wal, partition, read_bytes_max, committed: Rc::default() }
    }

    pub(crate) fn wal(&self) -> &Wal {
        &self.wal
    }

    pub(crate) fn partition(&self) -> PartitionId {
        self.partition
    }

    /// The value of a slot.
    pub(crate) fn slot(&self, slot: Slot) -> Option<bytes::Bytes> {
        self.wal.register(self.partition, slot)
    }

    /// Gives records to the log, waiting for room. What the log does not take at once goes in parts, in
    /// order: it counts a whole block for each record, so that many small ones may never fit together.
    pub(crate) async fn submit(
        &self,
        mut records: Vec<Record>,
        done: impl FnOnce(wal::Result<()>) + 'static,
    ) -> Result<()> {
        // Taken by the log together with the last part.
        let done = Rc::new(RefCell::new(Some(done)));
        let mut part = records.len();
        loop {
            let last = part == records.len();
            let place = Rc::clone(&done);
            let accepted = self.wal.append(self.partition, records[..part].to_vec(), move |result| {
                let done = if last { place.borrow_mut().take() } else { None };
                if let Some(done) = done {
                    done(result);
                }
            });
            match accepted {
                Ok(()) if last => return Ok(()),
                Ok(()) => {
                    records.drain(..part);
                    part = records.len();
                }
                Err(WalError::Full { .. }) if part > 1 => part /= 2,
                Err(WalError::Full { wanted }) => self.wal.room(wanted).await?,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// [`Store::submit`], waited for.
    pub(crate) async fn write(&self, records: Vec<Record>) -> Result<()> {
        let (sender, receiver) = oneshot::channel();
        self.submit(records, move |result| {
            let _ = sender.send(result);
        })
        .await?;
        receiver.await.unwrap_or(Err(WalError::Closed)).map_err(RaftError::from)
    }

    /// The committed position as a record, if the log does not have it yet.
    fn take_committed(&self) -> Option<Record> {
        self.committed.borrow_mut().take().map(|id| Record::committed(codec::encode_committed(&id)))
    }

    /// Writes down what was held back.
    pub(crate) async fn flush_committed(&self) -> Result<()> {
        match self.take_committed() {
            Some(record) => self.write(vec![record]).await,
            None => Ok(()),
        }
    }

    fn vote(&self) -> Result<Option<Vote>> {
        self.slot(Slot::VOTE).map(|bytes| codec::decode_vote(&bytes)).transpose()
    }
}

impl RaftLogStorage<Types> for Store {
    type LogReader = Self;

    async fn get_log_state(&mut self) -> io::Result<LogState<Types>> {
        self.wal.check(self.partition).map_err(RaftError::from)?;
        let bounds = self.wal.bounds(self.partition, Lane::RAFT);
        let id = |(term, index)| log_id(term, index);
        Ok(LogState { last_purged_log_id: bounds.purged.map(id), last_log_id: bounds.last.map(id) })
    }

    async fn get_log_reader(&mut self) -> Self {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote) -> io::Result<()> {
        Ok(self.write(vec![Record::vote(codec::encode_vote(vote))]).await?)
    }

    async fn save_committed(&mut self, committed: Option<LogId>) -> io::Result<()> {
        if committed.is_some() {
            *self.committed.borrow_mut() = committed;
        }
        Ok(())
    }

    async fn read_committed(&mut self) -> io::Result<Option<LogId>> {
        let held = *self.committed.borrow();
        let stored = || self.slot(Slot::COMMITTED).map(|bytes| codec::decode_committed(&bytes)).transpose();
        Ok(if held.is_some() { held } else { stored()? })
    }

    async fn append<I>(&mut self, entries: I, callback: IOFlushed<Types>) -> io::Result<()>
    where
        I: IntoIterator<Item = LogEntry>,
    {
        let entries = entries.into_iter().map(|entry| {
            let id = entry.log_id();
            Record::entry(id.leader_id.term, id.index, codec::encode_payload(&entry.payload))
        });
        let records: Vec<Record> = self.take_committed().into_iter().chain(entries).collect();
        let done = move |result: wal::Result<()>| {
            callback.io_completed(result.map_err(|error| RaftError::from(error).into()));
        };
        Ok(self.submit(records, done).await?)
    }

    async fn truncate_after(&mut self, last: Option<LogId>) -> io::Result<()> {
        let from = last.map_or(0, |id| id.index + 1);
        Ok(self.write(vec![Record::truncate(from)]).await?)
    }

    async fn purge(&mut self, id: LogId) -> io::Result<()> {
        let committed = self.take_committed();
        let purge = Record::purge(id.leader_id.term, id.index);
        Ok(self.write(committed.into_iter().chain([purge]).collect()).await?)
    }
}
