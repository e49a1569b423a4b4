//! Numbers of rows: dense for each producer and partition, from 0 on (R-IDEM-1).
//!
//! Invariants:
//! - A number is given when its row is first sent, so rows that are given up before leave no gap.
//! - After a number is in doubt (its row was refused, or given up after it was sent), a gap that the
//!   server sees is the client's own: the partition then gets a new producer, numbered from 0. Rows that
//!   the server rejected for the gap were not applied, so they may get other ids.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use cep_types::{PartitionId, ProducerId};

use crate::random;

/// How far a producer is in a partition: what a program keeps with its data to go on after a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProducerPosition {
    /// The partition.
    pub partition: PartitionId,
    /// The producer whose numbers the rows have.
    pub producer: ProducerId,
    /// Number of the next row.
    pub next_sequence: u64,
}

/// The numbers of one producer.
pub(super) struct Numbers {
    /// Of partitions without a position.
    producer: ProducerId,
    partitions: Mutex<BTreeMap<PartitionId, Numbering>>,
}

/// The numbers in one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Numbering {
    pub(super) producer: ProducerId,
    pub(super) next: u64,
    /// Whether another producer came before, whose rows may still be under way.
    pub(super) is_renewed: bool,
    /// The newest number in doubt.
    doubt: Option<u64>,
}

impl Numbers {
    pub(super) fn new(producer: Option<ProducerId>, positions: &[ProducerPosition]) -> Self {
        let numberings = positions.iter().map(|at| {
            let ProducerPosition { partition, producer, next_sequence: next } = *at;
            (partition, Numbering { producer, next, is_renewed: false, doubt: None })
        });
        Numbers {
            producer: producer.unwrap_or_else(|| ProducerId(random::id())),
            partitions: Mutex::new(numberings.collect()),
        }
    }

    fn locked(&self) -> MutexGuard<'_, BTreeMap<PartitionId, Numbering>> {
        self.partitions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, partition: PartitionId, change: impl FnOnce(&mut Numbering) -> T) -> T {
        let first = Numbering { producer: self.producer, next: 0, is_renewed: false, doubt: None };
        change(self.locked().entry(partition).or_insert(first))
    }

    /// The numbering of a partition now.
    pub(super) fn now(&self, partition: PartitionId) -> Numbering {
        self.change(partition, |numbering| *numbering)
    }

    /// `rows` numbers from `first` on are sent for the first time.
    pub(super) fn advance(&self, partition: PartitionId, rows: u32) {
        self.change(partition, |numbering| numbering.next += u64::from(rows));
    }

    /// Whether the rows with these numbers were applied is not known, or they were not.
    pub(super) fn doubt(&self, partition: PartitionId, (producer, first): (ProducerId, u64)) {
        self.change(partition, |numbering| {
            if numbering.producer == producer {
                numbering.doubt = numbering.doubt.max(Some(first));
            }
        });
    }

    /// The rows with these numbers were applied, so no number before is missing.
    pub(super) fn confirm(&self, partition: PartitionId, (producer, first): (ProducerId, u64)) {
        self.change(partition, |numbering| {
            if numbering.producer == producer && numbering.doubt.is_some_and(|doubt| doubt < first) {
                numbering.doubt = None;
            }
        });
    }

    /// The server misses numbers before these: goes on with a new producer, unless that was done
    /// already. Whether the gap is explained by what this side did.
    pub(super) fn renew(&self, partition: PartitionId, (producer, _): (ProducerId, u64)) -> bool {
        self.change(partition, |numbering| {
            if numbering.producer != producer {
                return true;
            }
            let is_explained = numbering.doubt.is_some();
            let producer = ProducerId(random::id());
            *numbering = Numbering { producer, next: 0, is_renewed: true, doubt: None };
            is_explained
        })
    }

    /// How far it is everywhere.
    pub(super) fn positions(&self) -> Vec<ProducerPosition> {
        let partitions = self.locked();
        let positions = partitions.iter().map(|(partition, numbering)| ProducerPosition {
            partition: *partition,
            producer: numbering.producer,
            next_sequence: numbering.next,
        });
        positions.collect()
    }
}
