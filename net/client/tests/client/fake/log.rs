//! The log of one partition, as `docs/protocol.md` says appends are deduplicated.

use std::collections::{BTreeMap, BTreeSet};

use cep_types::LogIndex;
use net_wire::{Outcome, Reason, Rejected, Run};

use super::tables::opened;
use super::{GotAppend, GotIds};

/// What was applied, and under which ids.
#[derive(Default)]
pub struct Log {
    /// Numbers of the rows, in order.
    pub applied: Vec<i64>,
    next: BTreeMap<u64, u64>,
    seen: BTreeSet<u128>,
    index: u64,
    /// Rows that were sent again under an id that was seen.
    pub duplicates: usize,
    /// Rows that were rejected for a gap.
    pub gaps: usize,
}

impl Log {
    /// Applies an append row by row, and says what became of each.
    pub fn apply(&mut self, append: &GotAppend) -> Vec<Run> {
        self.index += 1;
        let mut runs: Vec<Run> = Vec::new();
        let mut row_of_entry = 0;
        for (row, (number, _)) in opened(&append.frame).into_iter().enumerate() {
            let outcome = self.outcome(&append.ids, row);
            let place = match outcome {
                Outcome::Applied => {
                    self.applied.push(number);
                    row_of_entry += 1;
                    Some((LogIndex(self.index), row_of_entry - 1))
                }
                _ => None,
            };
            match runs.last_mut() {
                Some(run) if run.outcome == outcome => run.count += 1,
                _ => runs.push(Run { count: 1, outcome, place }),
            }
        }
        runs
    }

    fn outcome(&mut self, ids: &GotIds, row: usize) -> Outcome {
        let is_new = match ids {
            GotIds::Opaque(ids) => self.seen.insert(ids[row].0),
            GotIds::Sequence(producer, first) => {
                let next = self.next.entry(producer.0).or_default();
                let sequence = first + row as u64;
                if sequence > *next {
                    self.gaps += 1;
                    return Outcome::Rejected(Rejected { reason: Reason::SequenceGap, detail: None });
                }
                *next = (*next).max(sequence + 1);
                sequence + 1 == *next && self.seen.insert(u128::from(producer.0) << 64 | u128::from(sequence))
            }
        };
        if is_new {
            return Outcome::Applied;
        }
        self.duplicates += 1;
        Outcome::Duplicate
    }
}
