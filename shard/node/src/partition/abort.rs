//! Definitions that end the process (R-DET-6).

use cep_types::{Epoch, LogIndex};
use shard_control::PartitionRef;

/// That applying an entry ended the process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Abort {
    /// The partition.
    pub partition: PartitionRef,
    /// The definition that was being applied.
    pub definition: String,
    /// Its version.
    pub version: u32,
    /// The epoch of the decision by which it ran: a later one runs it again.
    pub epoch: Epoch,
    /// The entry.
    pub index: LogIndex,
    /// What is known of the reason.
    pub reason: String,
}

/// After so many aborts at one entry the definition is fenced there.
pub(crate) const ABORTS_MAX: usize = 2;

/// Those that happened often enough.
pub(crate) fn fenced(aborts: &[Abort], partition: PartitionRef) -> Vec<Abort> {
    let same = |a: &Abort, b: &Abort| {
        (a.partition, &a.definition, a.epoch, a.index) == (b.partition, &b.definition, b.epoch, b.index)
    };
    let mut out: Vec<Abort> = Vec::new();
    for abort in aborts.iter().filter(|abort| abort.partition == partition) {
        let count = aborts.iter().filter(|other| same(abort, other)).count();
        if count >= ABORTS_MAX && !out.iter().any(|other| same(abort, other)) {
            out.push(abort.clone());
        }
    }
    out
}
