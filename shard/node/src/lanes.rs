//! Messages between the shards of a node, and from its service threads.
//!
//! Invariant: lanes are bounded and nobody waits for another shard: what does not fit comes back to who
//! sent it. Answers go by functions that the asker gave.

use std::sync::Arc;

use cep_types::PartitionId;
use cep_types::log::{Activate, Config, Marker, Quarantine};
use net_wire::Routing;
use shard_control::{Command, PartitionRef};
use shard_rt::mailbox::{Receiver, Sender, channel};

use crate::connect::{Collect, Collected, Formed, Handed, SourceAsk, SourceState, Taken};
use crate::query::{Answer, Ask, PartAnswer, PartAsk, Unanswered};
use crate::report::{ControlReport, ShardReport};
use crate::settings::Live;

/// Messages of a lane at most.
pub const LANE_MESSAGES_MAX: usize = 4096;

/// How an answer comes back; called on the shard that has it.
pub type Reply<T> = Box<dyn FnOnce(T) + Send>;

/// A look at the control group's state; at `None` where it is not.
pub type Look = Box<dyn FnOnce(Option<&shard_control::Control>) + Send>;

/// A message to a shard.
pub enum ToShard {
    /// There is a new routing table.
    Routing(Arc<Routing>),
    /// Have this partition. Answered when it takes rows.
    Host(PartitionRef, Reply<Result<u64, String>>),
    /// Put this into the partition's log. Answered with its index when it is applied.
    Tell(PartitionRef, Tell, Reply<Result<u64, String>>),
    /// Answer a question from this partition.
    Query(PartitionRef, PartAsk, Reply<Result<PartAnswer, Unanswered>>),
    /// Answer a question from the partitions of a space, wherever they are.
    QueryAll(Box<Ask>, Reply<Result<Answer, Unanswered>>),
    /// Rows of sources for a partition, one behind the other. Answered when they are applied.
    Feed(PartitionRef, Vec<Formed>, Reply<Result<Taken, String>>),
    /// How far sources have come in a partition.
    Sources(PartitionRef, SourceAsk, Reply<Result<SourceState, String>>),
    /// How far the sinks of a definition have come in a partition.
    Handed(PartitionRef, String, Reply<Result<Option<Handed>, String>>),
    /// Rows of a partition for sinks.
    Collect(PartitionRef, Collect, Reply<Result<Collected, String>>),
    /// Say how you are.
    Report {
        /// With hashes of the partitions' states, which take a while.
        hashes: bool,
        /// Who asks.
        reply: Reply<ShardReport>,
    },
    /// The cluster's config says this of the node's settings.
    Live(Live),
    /// To the control group: do this. Only shard 0 has it.
    Propose(Box<Command>, Reply<Result<shard_control::Outcome, String>>),
    /// To the control group: say how the cluster is.
    Control(Look),
    /// To the control group: what it is asked most.
    ControlReport(Reply<ControlReport>),
    /// Finish what is under way, make checkpoints, and end.
    Stop,
}

/// What the host of a partition puts into its log.
#[derive(Debug, Clone)]
pub enum Tell {
    /// A definition runs, or stops.
    Activate(Activate),
    /// The partition goes by these values.
    Config(Config),
    /// Sinks have come further.
    Marker(Marker),
    /// A definition is fenced.
    Quarantine(Quarantine),
    /// A stream has ended.
    EndOfInput(cep_types::StreamId),
    /// Time has passed.
    Tick,
}

/// The ends of the lanes of a node.
#[derive(Clone)]
pub struct Lanes {
    shards: Arc<[Sender<ToShard>]>,
}

impl Lanes {
    /// Lanes to so many shards, and what each of them receives.
    pub fn new(shards: u32) -> (Self, Vec<Receiver<ToShard>>) {
        let (senders, receivers): (Vec<_>, Vec<_>) = (0..shards).map(|_| channel(LANE_MESSAGES_MAX)).unzip();
        (Lanes { shards: senders.into() }, receivers)
    }

    /// How many shards there are.
    pub fn shards(&self) -> u32 {
        self.shards.len() as u32
    }

    /// Sends to a shard, now or not at all.
    ///
    /// # Errors
    /// If its lane is full, or it has ended.
    ///
    /// # Panics
    /// If there is no such shard.
    pub fn send(&self, shard: u32, message: ToShard) -> Result<(), LaneFull> {
        self.shards[shard as usize].try_send(message).map_err(|_| LaneFull { shard })
    }

    /// Sends to the shard that has a partition.
    ///
    /// # Errors
    /// As [`Lanes::send`].
    pub fn send_to(&self, partition: PartitionRef, message: ToShard) -> Result<(), LaneFull> {
        self.send(crate::ids::shard_of(partition, self.shards()), message)
    }
}

/// A lane that takes nothing now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("shard {shard} does not keep up, or has ended; try again")]
pub struct LaneFull {
    /// The shard.
    pub shard: u32,
}

/// A partition, as people write it.
pub fn partition_of(space: u32, partition: u32) -> PartitionRef {
    PartitionRef { space: cep_types::SpaceId(space), partition: PartitionId(partition) }
}
