//! The seeded workload: appends of all kinds, reads compared with the model.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use shard_rt::{Rng, sleep, yield_now};
use wal::{Lane, PartitionId, Record, Slot, Wal, WalError};

use crate::model::{History, LaneState, PartitionState};

pub const STREAM: Lane = Lane(7);

#[derive(Clone)]
pub struct Work {
    pub wal: Wal,
    pub history: Rc<RefCell<History>>,
    pub rng: Rng,
    pub partitions: u64,
    pub payload_max: u64,
    /// Numbers payloads, so that no two are equal.
    pub serial: Rc<RefCell<u64>>,
    pub wrong: Rc<RefCell<Option<String>>>,
}

impl Work {
    /// Appends until it is dropped, or `steps` are done, or the log fails.
    pub async fn run(mut self, steps: u64) {
        for _ in 0..steps {
            let partition = PartitionId(1 + self.rng.below(self.partitions));
            if self.wal.check(partition).is_err() {
                // A damaged partition is refilled from nothing.
                self.append(partition, vec![Record::Remove]);
            }
            let records = self.records(partition);
            if !self.append(partition, records) {
                return;
            }
            match self.rng.below(10) {
                0..5 => {}
                5 => yield_now().await,
                6 => self.read(partition).await,
                7 => sleep(Duration::from_micros(self.rng.below(3_000))).await,
                8 => sleep(Duration::from_micros(self.rng.below(20_000))).await,
                _ => {
                    let _ = self.wal.append_wait(partition, Vec::new()).await;
                }
            }
            self.note_synced();
        }
    }

    fn note_synced(&self) {
        let mut history = self.history.borrow_mut();
        let stats = self.wal.stats();
        if stats.unsynced_bytes == 0 && stats.unsynced_ns == 0 {
            history.synced = history.acked;
        }
    }

    /// Waits until everything is written, flushed and marked.
    pub async fn settle(&self) {
        let _ = self.wal.append_wait(PartitionId(1), Vec::new()).await;
        sleep(Duration::from_millis(60)).await;
        self.note_synced();
    }

    fn append(&self, partition: PartitionId, records: Vec<Record>) -> bool {
        let history = Rc::clone(&self.history);
        let wrong = Rc::clone(&self.wrong);
        let count = history.borrow().records.len() + records.len();
        let done = move |result: Result<(), WalError>| {
            let mut history = history.borrow_mut();
            match result {
                Ok(()) if history.poisoned => {
                    *wrong.borrow_mut() = Some("an acknowledgement after the log was poisoned".into());
                }
                Ok(()) if count < history.acked => {
                    *wrong.borrow_mut() = Some(format!("{count} acknowledged after {}", history.acked));
                }
                Ok(()) => history.acked = count,
                Err(_) => history.poisoned = true,
            }
        };
        match self.wal.append(partition, records.clone(), done) {
            Ok(()) => {
                self.history.borrow_mut().append(partition, &records);
                true
            }
            Err(WalError::Full { .. }) => {
                if !records.iter().any(|record| matches!(record, Record::Purge { .. })) {
                    self.make_room();
                }
                true
            }
            Err(WalError::Damaged { .. }) => true,
            Err(WalError::Poisoned { .. } | WalError::Closed) => false,
            Err(error) => {
                *self.wrong.borrow_mut() = Some(format!("{error} for {records:?}"));
                false
            }
        }
    }

    /// Purges most of the fullest lane.
    fn make_room(&self) {
        let fullest = {
            let history = self.history.borrow();
            let lanes = history.current.iter().flat_map(|(id, state)| {
                state.lanes.iter().map(|(lane, of)| (of.entries.len(), *id, *lane, of.last()))
            });
            lanes.max()
        };
        if let Some((count, partition, lane, Some(index))) = fullest
            && count > 2
            && self.wal.check(partition).is_ok()
        {
            self.append(partition, vec![Record::Purge { lane, term: 9, index: index - 1 }]);
        }
    }

    fn payload(&mut self, max: u64) -> Bytes {
        let mut serial = self.serial.borrow_mut();
        *serial += 1;
        let bytes = match self.rng.below(10) {
            0 => 8,
            1 => self.rng.below(max) + 8,
            _ => 8 + self.rng.below(300),
        };
        let mut payload = Vec::with_capacity(bytes as usize);
        let mut fill = Rng::new(*serial);
        payload.extend_from_slice(&serial.to_le_bytes());
        while payload.len() < bytes as usize {
            payload.extend_from_slice(&fill.draw().to_le_bytes());
        }
        payload.truncate(bytes as usize);
        payload.into()
    }

    fn records(&mut self, partition: PartitionId) -> Vec<Record> {
        let state = self.history.borrow().current.get(&partition).cloned().unwrap_or_default();
        let lane = if self.rng.below(4) == 0 { STREAM } else { Lane::RAFT };
        let of_lane = state.lanes.get(&lane).cloned().unwrap_or_default();
        // The more there is, the more is purged: the log must go round.
        let crowd: usize = self
            .history
            .borrow()
            .current
            .values()
            .flat_map(|p| p.lanes.values())
            .map(|l| l.entries.len())
            .sum();
        let purge = if crowd > 60 { 6 } else { 1 };
        match self.rng.below(20) {
            0 => vec![Record::vote(self.payload(16))],
            1 => vec![Record::committed(self.payload(16))],
            2 => vec![Record::Register { slot: Slot(2), value: self.payload(400) }],
            3 => self.truncate(&state),
            4 if self.rng.below(20) == 0 => vec![Record::Remove],
            5 => {
                let mut records = self.truncate(&state);
                let index = of_lane.entries.keys().next().copied();
                records.extend(index.map(|index| Record::Purge { lane, term: 1, index }));
                records
            }
            n if n < 6 + purge => self.purge(lane, &of_lane),
            _ => self.entries(lane, of_lane.last()),
        }
    }

    fn entries(&mut self, lane: Lane, mut last: Option<u64>) -> Vec<Record> {
        let count = 1 + self.rng.below(4);
        let mut records = Vec::new();
        for _ in 0..count {
            let gap = if lane == STREAM { self.rng.below(3) } else { 0 };
            let index = last.map_or(gap.min(1), |last| last + 1 + gap);
            let payload = self.payload(self.payload_max);
            records.push(Record::Entry { lane, term: self.rng.below(1_000), index, payload });
            last = Some(index);
        }
        records
    }

    fn truncate(&mut self, state: &PartitionState) -> Vec<Record> {
        let state = state.lanes.get(&Lane::RAFT).cloned().unwrap_or_default();
        let (Some(first), Some(last)) = (state.entries.keys().next(), state.last()) else {
            return Vec::new();
        };
        let from = self.rng.between((*first).max(last.saturating_sub(5)), last + 1);
        vec![Record::Truncate { from }]
    }

    fn purge(&mut self, lane: Lane, state: &LaneState) -> Vec<Record> {
        let Some(last) = state.last() else {
            return Vec::new();
        };
        let first = state.entries.keys().next().copied().unwrap_or(last);
        // Sometimes beyond the end, as after a snapshot from elsewhere.
        let beyond = if self.rng.below(20) == 0 { 5 } else { 0 };
        let index = self.rng.between(first, last + beyond);
        vec![Record::Purge { lane, term: self.rng.below(1_000), index }]
    }

    async fn read(&mut self, partition: PartitionId) {
        let state = self.history.borrow().current.get(&partition).cloned().unwrap_or_default();
        let Some(of_lane) = state.lanes.get(&Lane::RAFT) else {
            return;
        };
        let (Some(first), Some(last)) = (of_lane.entries.keys().next(), of_lane.last()) else {
            return;
        };
        let from = self.rng.between(*first, last);
        // Nothing else appends: the partition is as the model has it.
        match self.wal.read(partition, Lane::RAFT, from, last + 1, 2_000).await {
            Ok(read) => {
                for entry in &read {
                    let want = of_lane.entries.get(&entry.index);
                    if want != Some(&(entry.term, entry.payload.clone())) {
                        *self.wrong.borrow_mut() =
                            Some(format!("{partition} entry {} is another", entry.index));
                    }
                }
                if read.first().map(|entry| entry.index) != Some(from) {
                    *self.wrong.borrow_mut() = Some(format!("{partition} entry {from} is missing"));
                }
            }
            Err(WalError::Damaged { .. } | WalError::Disk(_) | WalError::Poisoned { .. }) => {}
            Err(error) => *self.wrong.borrow_mut() = Some(error.to_string()),
        }
    }
}
