//! What a node is told when it starts: of this host, not of the cluster.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use cep_types::hash::SpaceSeed;
use net_wire::RETRY_WINDOW_MS_DEFAULT;

use crate::connect::Connectors;
use crate::partition::abort::Abort;

/// Settings of a node, the same on each of its shards.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Its name in the cluster.
    pub node: String,
    /// The cluster that a first start founds, and clients ask for.
    pub cluster: String,
    /// Random numbers of the cluster's first start.
    pub founding: Founding,
    /// Where its data is; each shard has a folder in it.
    pub data_dir: PathBuf,
    /// How many shards it has.
    pub shards: u32,
    /// Partitions of the space `main`, which a first start makes.
    pub partitions: u32,
    /// Where shard 0 listens for clients; shard n listens n ports higher.
    pub listen: SocketAddr,
    /// How clients are let in by TLS; `None`: in plain text.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// The host under which clients reach it.
    pub advertise: String,
    /// Where admin HTTP listens, for the control group's records.
    pub admin: String,
    /// When an append is acknowledged (R-DUR-1).
    pub mode: wal::Mode,
    /// Bytes of a segment of the log.
    pub segment_bytes: u64,
    /// Segments of a shard's log at most.
    pub segments_max: usize,
    /// Distance of full checkpoints of a partition that has changed (R-CKP-1).
    pub checkpoint_interval: Duration,
    /// Distance of checkpoints of what changed.
    pub checkpoint_incremental_interval: Duration,
    /// Bytes a second that checkpoints of all partitions of a shard are written at.
    pub checkpoint_bytes_per_s: u64,
    /// Bytes of derived rows that are kept for subscribers, for each stream and partition.
    pub retain_bytes: u64,
    /// What a client may have under way to a partition (R-FLOW-1).
    pub credits: Credits,
    /// Rows and bytes that may wait in a partition, of all clients.
    pub queue: Credits,
    /// How often each side of a connection says something.
    pub heartbeat: Duration,
    /// A connection that is not through the handshake after this is closed.
    pub handshake: Duration,
    /// Connections of a shard at most.
    pub connections_max: usize,
    /// Largest event (R-FLOW-3).
    pub event_bytes_max: usize,
}

/// Random numbers of a first start.
#[derive(Debug, Clone, Copy)]
pub struct Founding {
    /// The cluster's id.
    pub cluster: u128,
    /// Seed of the hash of the first space.
    pub seed: SpaceSeed,
}

/// What of the settings the cluster's config may say otherwise while the node runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Live {
    /// What a client may have under way to a partition: `inflight.events_max`, `inflight.bytes_max`.
    pub credits: Credits,
    /// Largest event: `event.bytes_max`.
    pub event_bytes_max: usize,
    /// How long clients may send an append again, as they are told it: `client.retry_window`.
    pub retry_window: Duration,
}

/// How much may be under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credits {
    /// Rows.
    pub events: u64,
    /// Bytes of event frames.
    pub bytes: u64,
}

impl Settings {
    /// What holds until the cluster's config says otherwise.
    pub fn live(&self) -> Live {
        Live {
            credits: self.credits,
            event_bytes_max: self.event_bytes_max,
            retry_window: Duration::from_millis(u64::from(RETRY_WINDOW_MS_DEFAULT)),
        }
    }

    /// Defaults for a node of that name with its data in `data_dir`.
    pub fn new(node: impl Into<String>, data_dir: impl Into<PathBuf>, founding: Founding) -> Self {
        Settings {
            node: node.into(),
            cluster: "ceptra".into(),
            founding,
            data_dir: data_dir.into(),
            shards: 1,
            partitions: 1,
            listen: SocketAddr::from(([127, 0, 0, 1], 26020)),
            tls: None,
            advertise: "127.0.0.1".into(),
            admin: "127.0.0.1:26080".into(),
            mode: wal::Mode::Strict,
            segment_bytes: 64 << 20,
            segments_max: 1024,
            checkpoint_interval: Duration::from_secs(30),
            checkpoint_incremental_interval: Duration::from_secs(10),
            checkpoint_bytes_per_s: 40_000_000,
            retain_bytes: 16 << 20,
            credits: Credits { events: 65_536, bytes: 16 << 20 },
            queue: Credits { events: 1 << 20, bytes: 64 << 20 },
            heartbeat: Duration::from_secs(5),
            handshake: Duration::from_secs(10),
            connections_max: 16_384,
            event_bytes_max: 1 << 20,
        }
    }
}

/// Where lines of the log go.
pub type Lines = Rc<dyn Fn(Level, &str)>;

/// What a shard tells its process at once.
#[derive(Clone)]
pub struct Hooks {
    /// A definition has a defect: keep this durably; the process ends when the call returns (R-DET-6).
    pub on_abort: Rc<dyn Fn(&Abort)>,
    /// What was kept by earlier processes.
    pub aborts: Rc<[Abort]>,
    /// A definition that is to have a defect, for tests.
    pub defect: Option<String>,
    /// What runs sources and sinks; `None`: nothing does.
    pub connectors: Option<Rc<dyn Connectors>>,
    /// Something an operator should know.
    pub log: Lines,
    /// The cluster's config wants this level of the log here.
    pub log_level: Rc<dyn Fn(&str)>,
}

/// How important a line of the log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something is wrong.
    Error,
    /// Something may go wrong.
    Warn,
    /// Something happened.
    Info,
    /// Details.
    Debug,
}
