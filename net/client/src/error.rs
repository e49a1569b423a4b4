//! What can go wrong for a user of the client.

use std::time::Duration;

use cep_types::PartitionId;
use net_wire::Position;

use crate::refusal::Refusal;

/// Every error of this crate. Each says what happened, to what, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// The options contradict themselves.
    #[error("options: {reason}")]
    Options {
        /// What is wrong with them, and what to do.
        reason: String,
    },
    /// No connection came about.
    #[error("{address} cannot be reached: {reason}; check the address and that a server listens there")]
    Unreachable {
        /// Where.
        address: String,
        /// Why.
        reason: String,
    },
    /// A server did not take the connection, or ended it.
    #[error("{address} refused the connection: {refusal}")]
    Refused {
        /// Where.
        address: String,
        /// Why.
        refusal: Box<Refusal>,
    },
    /// A connection broke.
    #[error("connection to {address} was lost: {reason}; what was not answered may have been done")]
    Lost {
        /// Where.
        address: String,
        /// Why.
        reason: String,
    },
    /// A server broke the protocol; the connection was closed.
    #[error("{address} sent something malformed: {reason}; check that client and server versions fit")]
    Malformed {
        /// Where.
        address: String,
        /// What is wrong.
        reason: String,
    },
    /// A server refused a request.
    #[error("{0}")]
    Server(Box<Refusal>),
    /// It took too long.
    #[error("{what} took longer than {limit:?}{}; check the cluster, or allow more time", because(last))]
    Timeout {
        /// What did.
        what: &'static str,
        /// How long it may take.
        limit: Duration,
        /// What went wrong last.
        last: Option<String>,
    },
    /// There is no such stream, or the client may not see it.
    #[error("no stream {name} in the routing table; check its name and what the client may see")]
    UnknownStream {
        /// Its name.
        name: String,
    },
    /// There is no such partition.
    #[error("no partition {} in the space of {stream}, which has {count}", partition.0)]
    UnknownPartition {
        /// The stream.
        stream: String,
        /// The partition.
        partition: PartitionId,
        /// How many there are.
        count: usize,
    },
    /// The server or the stream does not offer it.
    #[error("{what}")]
    Unsupported {
        /// What is not offered, and what to do.
        what: String,
    },
    /// The rows do not fit the stream.
    #[error("the rows do not fit: {reason}")]
    Rows {
        /// What does not fit, and what to do.
        reason: String,
    },
    /// The position to begin after is no longer kept. No row of this partition follows.
    #[error("partition {}: {refusal}; subscribe from the earliest row that is kept", partition.0)]
    PositionExpired {
        /// The partition.
        partition: PartitionId,
        /// The oldest row that is kept.
        earliest: Option<Position>,
        /// In the server's words.
        refusal: Box<Refusal>,
    },
    /// A partition's subscription is over. No row of this partition follows.
    #[error("the subscription to partition {} ended: {reason}", partition.0)]
    SubscriptionEnded {
        /// The partition.
        partition: PartitionId,
        /// The last row delivered, to subscribe after.
        last: Option<Position>,
        /// Why.
        reason: Box<ClientError>,
    },
    /// The result of a query is larger than the client takes.
    #[error("the result is larger than {bytes_max} bytes; ask for fewer rows, or raise result_bytes_max")]
    ResultTooLarge {
        /// What it takes.
        bytes_max: usize,
    },
    /// The client was closed or dropped.
    #[error("the client is closed; connect anew")]
    Closed,
}

fn because(last: &Option<String>) -> String {
    last.as_ref().map(|last| format!(" ({last})")).unwrap_or_default()
}

impl ClientError {
    /// The server's refusal, when it is one.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            ClientError::Refused { refusal, .. }
            | ClientError::PositionExpired { refusal, .. }
            | ClientError::Server(refusal) => Some(refusal),
            ClientError::SubscriptionEnded { reason, .. } => reason.refusal(),
            _ => None,
        }
    }

    /// Whether the same may succeed later or elsewhere.
    pub fn is_transient(&self) -> bool {
        match self {
            ClientError::Unreachable { .. } | ClientError::Lost { .. } | ClientError::Malformed { .. } => {
                true
            }
            ClientError::Timeout { .. } => true,
            ClientError::Refused { refusal, .. } | ClientError::Server(refusal) => refusal.is_retried(),
            _ => false,
        }
    }
}
