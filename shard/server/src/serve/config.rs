//! What a node is told, in layers: a file, over it the environment, over it the command line.
//!
//! Every key has one name: `data_dir` in the file, `CEPTRA_DATA_DIR` in the environment, `--data-dir` on the
//! command line. These are settings of this host; those of the cluster are in the control group
//! (docs/config.md).

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use shard_node::settings::{Credits, Founding, Settings};

use super::log::{LogFormat, LogLevel};
use crate::failure::{Failure, Result};

/// Least size of a segment: entries have at most 4 MiB and the largest append, and half a segment holds one.
const SEGMENT_BYTES_MIN: u64 = 32 << 20;

macro_rules! keys {
    ($( $(#[doc = $doc:literal])+ $key:ident: $type:ty = $default:expr $(, $arg:ident($($of:tt)+))?; )+) => {
        /// One layer: what it sets.
        #[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, clap::Args)]
        #[serde(deny_unknown_fields)]
        pub struct Layer {
            $(
                $(#[doc = $doc])+
                #[arg(long, value_name = "VALUE" $(, $($of)+)?)]
                #[serde(skip_serializing_if = "Option::is_none")]
                pub $key: Option<$type>,
            )+
        }

        /// All settings.
        #[derive(Debug, Clone, PartialEq, Serialize)]
        pub struct Config {
            $( $(#[doc = $doc])+ pub $key: $type, )+
        }

        impl Layer {
            /// `self`, and `under` where it sets nothing.
            fn over(self, under: Layer) -> Layer {
                Layer { $( $key: self.$key.or(under.$key), )+ }
            }

            fn complete(self) -> Config {
                Config { $( $key: self.$key.unwrap_or_else(|| $default), )+ }
            }
        }

        /// The name of every key.
        const KEYS: &[&str] = &[$( stringify!($key), )+];
    };
}

/// Numbers of cores.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Cores(pub Vec<usize>);

impl std::str::FromStr for Cores {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        text.split(',').map(|core| core.trim().parse()).collect::<std::result::Result<_, _>>().map(Cores)
    }
}

impl Cores {
    /// The core of a shard.
    pub fn get(&self, shard: usize) -> Option<&usize> {
        self.0.get(shard)
    }
}

/// When an append is acknowledged (R-DUR-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Durability {
    /// When it is on stable storage.
    Strict,
    /// When it is written; flushed a little later.
    GroupFsync,
}

keys! {
    /// Name of the node in its cluster.
    node: String = "n1".into();
    /// Name of the cluster; a first start founds it.
    cluster: String = "ceptra".into();
    /// Where the data is.
    data_dir: PathBuf = "ceptra-data".into();
    /// Shards: threads that own partitions; never changes in a data directory.
    shards: u32 = 1;
    /// Cores that the shards are pinned to, by comma, the first for shard 0; without it the system decides.
    cores: Cores = Cores::default();
    /// Partitions of the first space, `main`; never changes.
    partitions: u32 = 1;
    /// Where shard 0 listens for clients; shard n listens n ports higher.
    listen: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 26020));
    /// The host name that clients are told.
    advertise: String = String::new();
    /// Where admin HTTP listens.
    admin: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 26080));
    /// Listen on addresses that other hosts reach, although nothing protects them.
    insecure: bool = false, arg(num_args = 0..=1, default_missing_value = "true");
    /// Certificate chain of the node, PEM; with it, clients come through TLS 1.3.
    tls_certificate: PathBuf = PathBuf::new();
    /// Private key of the certificate, PEM.
    tls_key: PathBuf = PathBuf::new();
    /// Authorities whose certificates clients must show, PEM.
    tls_client_ca: PathBuf = PathBuf::new();
    /// When an append is acknowledged.
    durability: Durability = Durability::Strict, arg(value_enum);
    /// Distance of flushes with group-fsync, milliseconds, 5 to 10.
    fsync_interval_ms: u64 = 5;
    /// Bytes of a segment of the log.
    segment_bytes: u64 = 64 << 20;
    /// Segments of a shard's log at most.
    segments_max: usize = 1024;
    /// Distance of full checkpoints, milliseconds.
    checkpoint_interval_ms: u64 = 30_000;
    /// Distance of checkpoints of what changed, milliseconds.
    checkpoint_incremental_interval_ms: u64 = 10_000;
    /// Megabytes a second that checkpoints of all partitions of a shard are written at, at most.
    checkpoint_mb_per_second: u64 = 40;
    /// Folder that relative paths of sources and sinks start at; without it the working directory.
    connectors_dir: PathBuf = ".".into();
    /// Bytes of derived rows kept for subscribers, for each stream and partition.
    retain_bytes: u64 = 16 << 20;
    /// Rows that a client may have under way to a partition.
    inflight_events_max: u64 = 65_536;
    /// Bytes that a client may have under way to a partition.
    inflight_bytes_max: u64 = 16 << 20;
    /// Connections of a shard at most.
    connections_max: usize = 16_384;
    /// Memory of a shard that is locked for I/O, bytes; it is needed three times.
    io_memory_bytes: usize = 2 << 20;
    /// The least important lines of the log.
    log_level: LogLevel = LogLevel::Info, arg(value_enum);
    /// How lines of the log are written.
    log_format: LogFormat = LogFormat::Text, arg(value_enum);
}

/// Segments are made ahead of need: smaller ones let a short run begin sooner.
const CONSOLE_SEGMENT_BYTES: u64 = 32 << 20;

impl Config {
    /// All layers together.
    ///
    /// # Errors
    /// What is wrong in one of them, with the key.
    pub fn of(file: Option<&Path>, flags: Layer) -> Result<Self> {
        let file = file.map(read_file).transpose()?.unwrap_or_default();
        let environment = read_environment()?;
        let mut config = flags.over(environment.over(file)).complete();
        if config.advertise.is_empty() {
            config.advertise = config.listen.ip().to_string();
        }
        config.check()?;
        Ok(config)
    }

    /// A node of one shard and one partition, whose door is somewhere on loopback: `ceptra run --data-dir`.
    pub fn console(data_dir: &Path) -> Self {
        let layer = Layer {
            data_dir: Some(data_dir.to_owned()),
            listen: Some(SocketAddr::from(([127, 0, 0, 1], 0))),
            admin: Some(SocketAddr::from(([127, 0, 0, 1], 0))),
            advertise: Some("127.0.0.1".into()),
            segment_bytes: Some(CONSOLE_SEGMENT_BYTES),
            ..Layer::default()
        };
        layer.complete()
    }

    fn check(&self) -> Result<()> {
        let wrong =
            |key: &str, what: &str| Err(Failure::usage(format!("{key}: {what}"), "change the setting"));
        if self.shards == 0 || self.shards > 1024 {
            return wrong("shards", "a node has 1 to 1024");
        }
        if self.partitions == 0 || self.partitions > 4096 {
            return wrong("partitions", "a space has 1 to 4096");
        }
        if self.listen.port() == 0 && self.shards > 1 {
            return wrong("listen", "port 0 is for nodes of one shard: shard n listens n ports higher");
        }
        let last = u32::from(self.listen.port()).saturating_add(self.shards - 1);
        if last > u32::from(u16::MAX) {
            return wrong("listen", "its port and those of the other shards, one higher each, end at 65535");
        }
        if !(SEGMENT_BYTES_MIN..=1 << 30).contains(&self.segment_bytes)
            || !self.segment_bytes.is_multiple_of(4096)
        {
            return wrong(
                "segment_bytes",
                "a multiple of 4096 from 32 MiB to 1 GiB: an entry is in one segment",
            );
        }
        if !(6..=32_768).contains(&self.segments_max) {
            return wrong("segments_max", "6 to 32768");
        }
        if self.inflight_events_max == 0 || self.inflight_bytes_max == 0 || self.connections_max == 0 {
            return wrong("inflight_events_max, inflight_bytes_max, connections_max", "at least 1");
        }
        let tls = [&self.tls_certificate, &self.tls_key, &self.tls_client_ca];
        if tls.iter().any(|path| path.as_os_str().is_empty())
            && !tls.iter().all(|path| path.as_os_str().is_empty())
        {
            return wrong("tls_certificate, tls_key, tls_client_ca", "TLS needs all three");
        }
        if !(5..=10).contains(&self.fsync_interval_ms) {
            return wrong("fsync_interval_ms", "5 to 10");
        }
        if !(100..=300_000).contains(&self.checkpoint_interval_ms) {
            return wrong("checkpoint_interval_ms", "100 to 300000");
        }
        if !(100..=300_000).contains(&self.checkpoint_incremental_interval_ms) {
            return wrong("checkpoint_incremental_interval_ms", "100 to 300000");
        }
        if !(1..=100_000).contains(&self.checkpoint_mb_per_second) {
            return wrong("checkpoint_mb_per_second", "1 to 100000");
        }
        Ok(())
    }

    /// As TOML, every key.
    ///
    /// # Panics
    /// Never: all values have a spelling.
    pub fn dump(&self) -> String {
        toml::to_string(self).expect("all values have a spelling in TOML")
    }

    /// Whether clients come through TLS.
    pub fn has_tls(&self) -> bool {
        !self.tls_certificate.as_os_str().is_empty()
    }

    /// What the node is told.
    pub fn settings(&self, founding: Founding) -> Settings {
        // Directories are flushed by their whole path.
        let data_dir = std::path::absolute(&self.data_dir).unwrap_or_else(|_| self.data_dir.clone());
        Settings {
            cluster: self.cluster.clone(),
            shards: self.shards,
            partitions: self.partitions,
            listen: self.listen,
            advertise: self.advertise.clone(),
            mode: match self.durability {
                Durability::Strict => wal::Mode::Strict,
                Durability::GroupFsync => {
                    wal::Mode::GroupFsync(Duration::from_millis(self.fsync_interval_ms))
                }
            },
            segment_bytes: self.segment_bytes,
            segments_max: self.segments_max,
            checkpoint_interval: Duration::from_millis(self.checkpoint_interval_ms),
            checkpoint_incremental_interval: Duration::from_millis(self.checkpoint_incremental_interval_ms),
            checkpoint_bytes_per_s: self.checkpoint_mb_per_second * 1_000_000,
            retain_bytes: self.retain_bytes,
            credits: Credits { events: self.inflight_events_max, bytes: self.inflight_bytes_max },
            connections_max: self.connections_max,
            ..Settings::new(self.node.clone(), data_dir, founding)
        }
    }
}

fn read_file(path: &Path) -> Result<Layer> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::usage(format!("cannot read '{}': {error}", path.display()), "give the path of a TOML file")
    })?;
    toml::from_str(&text).map_err(|error| {
        Failure::usage(format!("'{}': {}", path.display(), error.to_string().trim_end()), "correct the file")
    })
}

/// `CEPTRA_<KEY>` of the environment.
fn read_environment() -> Result<Layer> {
    let mut table = toml::Table::new();
    for key in KEYS {
        let name = format!("CEPTRA_{}", key.to_ascii_uppercase());
        let Ok(text) = std::env::var(&name) else { continue };
        let value = text.parse::<i64>().map(toml::Value::Integer);
        let value = value.or_else(|_| text.parse::<bool>().map(toml::Value::Boolean));
        let value = match value {
            _ if *key == "cores" => {
                let cores: Cores = text.parse().map_err(|_| {
                    Failure::usage(format!("{name}: '{text}' is no list of cores"), "write numbers by comma")
                })?;
                toml::Value::Array(
                    cores.0.into_iter().map(|core| toml::Value::Integer(core as i64)).collect(),
                )
            }
            _ if matches!(*key, "node" | "cluster" | "advertise") => toml::Value::String(text),
            Ok(value) => value,
            Err(_) => toml::Value::String(text),
        };
        let one: toml::Table = [((*key).to_owned(), value.clone())].into_iter().collect();
        if let Err(error) = toml::Value::Table(one).try_into::<Layer>() {
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default().to_owned();
            return Err(Failure::usage(format!("{name}: {first}"), "correct the variable, or unset it"));
        }
        table.insert((*key).to_owned(), value);
    }
    toml::Value::Table(table)
        .try_into()
        .map_err(|error| Failure::usage(error.to_string(), "correct the environment"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_layer_wins_and_what_nobody_sets_has_its_default() {
        let file: Layer =
            toml::from_str("node = 'f'\nshards = 3\ncores = [1, 2]\nlog_level = 'debug'").unwrap();
        let flags = Layer { node: Some("g".into()), ..Layer::default() };
        let config = flags.over(file).complete();
        assert_eq!((config.node.as_str(), config.shards, config.partitions), ("g", 3, 1));
        assert_eq!((config.cores.get(1), config.log_level), (Some(&2), LogLevel::Debug));
        let dumped: Layer = toml::from_str(&config.dump()).unwrap();
        assert_eq!(dumped.complete(), config);
    }

    #[test]
    fn unknown_keys_are_refused() {
        let error = toml::from_str::<Layer>("nodes = 'x'").unwrap_err().to_string();
        assert!(error.contains("unknown field `nodes`") && error.contains("`node`"), "{error}");
    }
}
