//! What the handshake agreed on.

use std::time::Duration;

use cep_types::Epoch;
use net_wire::{Features, MESSAGE_BYTES_MIN, PROTOCOL, Role, SILENCE_HEARTBEATS, Welcome, Window};

use crate::clock;

/// Most the two clocks may differ before appends with a time of now are at risk: half of what a server
/// takes (R-LATE-3).
const CLOCK_SKEW_MS_NOTABLE: u64 = 2_500;

/// What a server said about itself when it took the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Where it was reached, `host:port`.
    pub address: String,
    /// Version of the protocol that is spoken.
    pub version: u16,
    /// What both sides know.
    pub features: Features,
    /// Name and version of the server.
    pub server: String,
    /// Name of the cluster.
    pub cluster: String,
    /// Number of the node.
    pub node: u32,
    /// Number of the shard on it.
    pub shard: u32,
    /// What the client may do.
    pub role: Role,
    /// Largest event, in bytes.
    pub event_bytes_max: u32,
    /// Longest message that the server takes, in bytes.
    pub message_bytes_max: u32,
    /// How often each side sends something.
    pub heartbeat: Duration,
    /// How long after it was first sent an append may be sent again.
    pub retry_window: Duration,
    /// How far this host's clock was ahead of the server's, in milliseconds; negative when behind.
    pub clock_ahead_ms: i64,
    pub(crate) credits: Window,
    pub(crate) routing_epoch: Epoch,
}

impl Session {
    /// What `welcome` says.
    ///
    /// # Errors
    /// When no server may say that, with what is wrong.
    pub(super) fn of(welcome: &Welcome<'_>, address: &str, asked: Features) -> Result<Self, String> {
        if !(PROTOCOL.min..=PROTOCOL.max).contains(&welcome.version) {
            return Err(format!("Welcome to version {}, which was not offered", welcome.version));
        }
        if !asked.contains(welcome.features) {
            return Err(format!("Welcome to features {:#x}, which were not offered", welcome.features.0));
        }
        if welcome.message_bytes_max < MESSAGE_BYTES_MIN || welcome.heartbeat_ms == 0 {
            let Welcome { message_bytes_max, heartbeat_ms, .. } = welcome;
            return Err(format!(
                "Welcome with messages of {message_bytes_max} bytes and heartbeats of {heartbeat_ms} ms"
            ));
        }
        Ok(Session {
            address: address.to_owned(),
            version: welcome.version,
            features: welcome.features,
            server: welcome.server.to_owned(),
            cluster: welcome.cluster.to_owned(),
            node: welcome.node,
            shard: welcome.shard,
            role: welcome.role,
            event_bytes_max: welcome.event_bytes_max,
            message_bytes_max: welcome.message_bytes_max,
            heartbeat: Duration::from_millis(welcome.heartbeat_ms.into()),
            retry_window: Duration::from_millis(welcome.retry_window_ms.into()),
            clock_ahead_ms: clock::now().0.saturating_sub(welcome.time_ns) / 1_000_000,
            credits: welcome.credits,
            routing_epoch: welcome.routing_epoch,
        })
    }

    /// How long the connection may be silent.
    pub(crate) fn silence(&self) -> Duration {
        self.heartbeat.saturating_mul(SILENCE_HEARTBEATS)
    }

    /// Whether the clocks differ by seconds: the program should say so, rows with a time of now may be
    /// refused.
    pub fn is_clock_off(&self) -> bool {
        self.clock_ahead_ms.unsigned_abs() > CLOCK_SKEW_MS_NOTABLE
    }
}
