//! The task that rewrites the few live records of an old segment, so that it can be freed.
//!
//! Invariants: a copy has the origin of the record and changes nothing; the record stays where it was
//! until the copy is acknowledged; one segment at a time, in portions of a batch.

use std::rc::Rc;

use bytes::Bytes;
use shard_rt::sync::oneshot;
use shard_rt::yield_now;

use super::Shared;
use super::state::{Item, State, alone};
use crate::error::{Result, WalError};
use crate::format::{RecordHeader, RecordKind};
use crate::id::{Lane, PartitionId, Position};
use crate::index::{Home, LaneIndex};

/// A segment is left alone until so many others were begun after it: most of it may be purged soon.
const AGE_MIN: u64 = 4;

pub(super) async fn run(shared: Rc<Shared>) {
    loop {
        shared.clean.notified().await;
        while let Some(victim) = shared.victim() {
            match shared.rewrite(victim).await {
                Ok(true) => {}
                // No room or no credit now: the next change of segment or purge asks again.
                Ok(false) => break,
                // A damaged record pins its segment; a fenced log has nothing to clean.
                Err(WalError::Damaged { .. }) => {}
                Err(_) => break,
            }
        }
    }
}

impl Shared {
    /// The segment with the fewest live bytes, if they are few enough to be worth it.
    fn victim(&self) -> Option<u64> {
        let state = self.state.borrow();
        if state.check_open().is_err() {
            return None;
        }
        let all = state.sealed.len() + 1 + state.spares.len();
        let pressed = state.spares.len() < self.options.segments_ahead && all >= self.options.segments_max;
        let percent = if pressed { 50 } else { u64::from(self.options.rewrite_live_percent_max) };
        let live_max = self.options.segment_bytes / 100 * percent;
        let pinned = |segment: &u64| {
            state.unmovable.contains(segment)
                || state.partitions.values().any(|known| known.pins.contains(segment))
        };
        let old = |segment: &u64| pressed || segment + AGE_MIN <= state.tail.segment;
        let live = |segment: &u64| state.live.of(*segment);
        let candidates = state.sealed.iter().filter(|(segment, sealed)| {
            let few = (1..=live_max).contains(&live(segment));
            few && !sealed.freeing && old(segment) && !pinned(segment)
        });
        candidates.map(|(segment, _)| (live(segment), *segment)).min().map(|(_, segment)| segment)
    }

    /// Writes what counts in the segment once more. False if there is no room for it.
    async fn rewrite(&self, segment: u64) -> Result<bool> {
        let partitions: Vec<PartitionId> = self.state.borrow().partitions.keys().copied().collect();
        for partition in partitions {
            loop {
                let records = self.state.borrow().live_in(segment, partition, self.options.batch_records_max);
                if records.is_empty() {
                    break;
                }
                for (header, payload) in records {
                    let payload = match payload {
                        Some(payload) => payload,
                        None => match self.payload_of(&header).await? {
                            Some(payload) => payload,
                            None => continue,
                        },
                    };
                    if !self.copy(header, payload) {
                        return Ok(false);
                    }
                }
                self.written().await?;
            }
            yield_now().await;
        }
        Ok(true)
    }

    async fn payload_of(&self, header: &RecordHeader) -> Result<Option<Bytes>> {
        match self.read(header.partition, Lane(header.lane), header.index, header.index + 1, 0).await {
            Ok(entries) => Ok(entries.into_iter().next().map(|entry| entry.payload)),
            Err(WalError::Purged { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Queues a copy, if the record still counts. False if there is no room.
    fn copy(&self, mut header: RecordHeader, payload: Bytes) -> bool {
        {
            let mut state = self.state.borrow_mut();
            let bytes = alone(header.bytes_in_log());
            if state.room(&self.options, true) < 2 * bytes || state.rewrite_credit < bytes {
                return false;
            }
            let Some(partition) = state.partitions.get_mut(&header.partition) else {
                return true;
            };
            if partition.home(&header).is_none() {
                return true;
            }
            header.serial = partition.next_serial();
            state.rewrite_credit -= bytes;
            header.payload_crc = crc32c::crc32c(&payload);
            state.counters.records_rewritten += 1;
            state.push(header, payload);
        }
        self.work.one();
        true
    }

    /// Waits until all that is queued was acknowledged.
    async fn written(&self) -> Result<()> {
        let (sender, receiver) = oneshot::channel();
        let done = Box::new(move |result| {
            let _ = sender.send(result);
        });
        {
            let mut state = self.state.borrow_mut();
            state.check_open()?;
            state.queue.push_back(Item::Done(done));
        }
        self.work.one();
        receiver.await.unwrap_or(Err(WalError::Closed))
    }
}

impl State {
    /// Headers of records of a partition that count and are in the segment, at most `max`; with their
    /// payload if it is in memory.
    fn live_in(&self, segment: u64, id: PartitionId, max: usize) -> Vec<(RecordHeader, Option<Bytes>)> {
        let Some(partition) = self.partitions.get(&id) else {
            return Vec::new();
        };
        let here = |home: &Home| home.at.is_some_and(|at| at.segment() == segment);
        let mut records = Vec::new();
        for (slot, (value, home)) in partition.registers.iter().filter(|(_, (_, home))| here(home)) {
            let header = header(RecordKind::Register, id, *slot, home, (0, 0), value.len());
            records.push((header, Some(value.clone())));
        }
        let empty = || Some(Bytes::new());
        if let Some(home) = partition.removed.as_ref().filter(|home| here(home)) {
            records.push((header(RecordKind::Remove, id, 0, home, (0, 0), 0), empty()));
        }
        for (lane, index) in &partition.lanes {
            if let Some((from, home)) = index.truncated.as_ref().filter(|(_, home)| here(home)) {
                records.push((header(RecordKind::Truncate, id, lane.0, home, (0, *from), 0), empty()));
            }
            if let Some((term, last, home)) = index.purged.as_ref().filter(|(.., home)| here(home)) {
                records.push((header(RecordKind::Purge, id, lane.0, home, (*term, *last), 0), empty()));
            }
            let room = max.saturating_sub(records.len());
            records.extend(entries_in(index, segment, room).map(|entry| {
                let numbers = (entry.term, entry.index);
                let bytes = entry.payload_bytes as usize;
                (header(RecordKind::Entry, id, lane.0, &entry.home, numbers, bytes), entry.hot.clone())
            }));
        }
        records
    }
}

fn entries_in(index: &LaneIndex, segment: u64, max: usize) -> impl Iterator<Item = &crate::index::EntryHome> {
    let here =
        move |entry: &&crate::index::EntryHome| entry.home.at.is_some_and(|at| at.segment() == segment);
    index.entries.iter().filter(here).take(max)
}

fn header(
    kind: RecordKind,
    partition: PartitionId,
    lane: u16,
    home: &Home,
    (term, index): (u64, u64),
    payload_bytes: usize,
) -> RecordHeader {
    RecordHeader {
        kind,
        lane,
        partition,
        serial: 0,
        origin: home.origin,
        term,
        index,
        at: Position::new(0, 0),
        payload_bytes: payload_bytes as u32,
        payload_crc: 0,
        last: false,
    }
}
