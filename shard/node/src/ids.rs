//! Which group a partition is in the log, and which shard has it.
//!
//! Invariant: both are functions of the partition alone, for a number of shards that never changes in a
//! data directory.

use shard_control::PartitionRef;
use wal::PartitionId;

/// The control group, on shard 0.
pub const CONTROL_GROUP: PartitionId = PartitionId(0);

/// The group of a partition in the log of its shard.
pub fn group_of(partition: PartitionRef) -> PartitionId {
    PartitionId((u64::from(partition.space.0) + 1) << 32 | u64::from(partition.partition.0))
}

/// The shard that has a partition: partitions of a space go round.
///
/// # Panics
/// If there are no shards.
pub fn shard_of(partition: PartitionRef, shards: u32) -> u32 {
    partition.partition.0.wrapping_add(partition.space.0) % shards
}
