//! Reading the log, in bounded steps.

use std::fmt::Debug;
use std::io;
use std::ops::{Bound, RangeBounds};

use futures_util::{Stream, stream};
use openraft::RaftLogReader;
use openraft::entry::RaftEntry;
use wal::{Lane, WalError};

use super::Store;
use crate::codec;
use crate::error::{RaftError, Result};
use crate::types::{LogEntry, Types, Vote, log_id};

/// Entries of one step of a stream, beside its bytes.
const STEP_ENTRIES_MAX: u64 = 256;

/// The half-open range of indices.
fn limits(range: &impl RangeBounds<u64>) -> (u64, u64) {
    let from = match range.start_bound() {
        Bound::Included(from) => *from,
        Bound::Excluded(before) => before.saturating_add(1),
        Bound::Unbounded => 0,
    };
    let to = match range.end_bound() {
        Bound::Included(last) => last.saturating_add(1),
        Bound::Excluded(to) => *to,
        Bound::Unbounded => u64::MAX,
    };
    (from, to)
}

impl Store {
    /// Entries of a range that were not purged, in order and without gaps.
    async fn entries(&self, from: u64, to: u64, bytes_max: u64) -> Result<Vec<LogEntry>> {
        let mut from = from;
        let read = loop {
            match self.wal.read(self.partition, Lane::RAFT, from, to, bytes_max).await {
                Ok(read) => break read,
                Err(WalError::Purged { purged, .. }) if purged < u64::MAX => from = purged + 1,
                Err(error) => return Err(error.into()),
            }
        };
        let mut entries: Vec<LogEntry> = Vec::with_capacity(read.len());
        for entry in read {
            if entries.last().is_some_and(|last| last.log_id.index + 1 != entry.index) {
                let reason = format!("no entry before {}", entry.index);
                return Err(RaftError::Format { what: "range of entries", reason });
            }
            let payload = codec::decode_payload(entry.payload)?;
            entries.push(LogEntry::new(log_id(entry.term, entry.index), payload));
        }
        Ok(entries)
    }
}

impl RaftLogReader<Types> for Store {
    async fn try_get_log_entries<R: RangeBounds<u64> + Clone + Debug>(
        &mut self,
        range: R,
    ) -> io::Result<Vec<LogEntry>> {
        let (from, to) = limits(&range);
        Ok(self.entries(from, to, u64::MAX).await?)
    }

    async fn read_vote(&mut self) -> io::Result<Option<Vote>> {
        Ok(self.vote()?)
    }

    async fn limited_get_log_entries(&mut self, from: u64, to: u64) -> io::Result<Vec<LogEntry>> {
        Ok(self.entries(from, to, self.read_bytes_max).await?)
    }

    /// For apply: a step at a time, so that a long range is never in memory as a whole.
    async fn entries_stream<R: RangeBounds<u64> + Clone + Debug>(
        &mut self,
        range: R,
    ) -> impl Stream<Item = io::Result<LogEntry>> {
        let (from, to) = limits(&range);
        let start = Steps { store: self.clone(), next: from, to, step: Vec::new().into_iter() };
        Box::pin(stream::unfold(start, Steps::advance))
    }
}

/// A range on its way out.
struct Steps {
    store: Store,
    next: u64,
    to: u64,
    step: std::vec::IntoIter<LogEntry>,
}

impl Steps {
    async fn advance(mut self) -> Option<(io::Result<LogEntry>, Self)> {
        if self.step.as_slice().is_empty() && self.next < self.to {
            let to = self.to.min(self.next.saturating_add(STEP_ENTRIES_MAX));
            match self.store.entries(self.next, to, self.store.read_bytes_max).await {
                Ok(entries) => self.step = entries.into_iter(),
                Err(error) => {
                    self.next = self.to;
                    return Some((Err(error.into()), self));
                }
            }
        }
        let entry = self.step.next()?;
        self.next = entry.log_id.index + 1;
        Some((Ok(entry), self))
    }
}
