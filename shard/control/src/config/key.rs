//! The table of keys: every value that the cluster config may set.

use super::scope::ScopeKind::{self, Cluster, Definition, Node, Partition};

/// What values a key takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A length of time, written with a unit (`2s`), in nanoseconds.
    Duration {
        /// Least.
        min_ns: i64,
        /// Most.
        max_ns: i64,
    },
    /// Bytes, an integer or with a unit (`1MiB`).
    Bytes {
        /// Least.
        min: i64,
        /// Most.
        max: i64,
    },
    /// A whole number.
    Count {
        /// Least.
        min: i64,
        /// Most.
        max: i64,
    },
    /// One of these words.
    Choice(&'static [&'static str]),
}

/// A key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConfigKey {
    /// Its name.
    pub name: &'static str,
    /// What values it takes.
    pub kind: Kind,
    /// What holds when nothing is set, as one would write it.
    pub default: &'static str,
    /// Where it may be set.
    pub(crate) scopes: &'static [ScopeKind],
    /// Whether it goes through the logs of partitions.
    pub carried: bool,
    /// Whether a node must be restarted for it.
    pub restart: bool,
    /// What it does.
    pub doc: &'static str,
}

impl ConfigKey {
    /// The key of that name.
    pub fn find(name: &str) -> Option<&'static ConfigKey> {
        let at = CONFIG_KEYS.binary_search_by(|key| key.name.cmp(name)).ok()?;
        CONFIG_KEYS.get(at)
    }
}

const MS: i64 = 1_000_000;
const S: i64 = 1_000 * MS;
const MIN: i64 = 60 * S;
const H: i64 = 60 * MIN;
const D: i64 = 24 * H;
const KIB: i64 = 1 << 10;
const MIB: i64 = 1 << 20;
const GIB: i64 = 1 << 30;

const CARRIED: &[ScopeKind] = &[Cluster, Partition, Definition];
const CARRIED_DEFINITION: &[ScopeKind] = &[Cluster, Definition];
const CARRIED_PARTITION: &[ScopeKind] = &[Cluster, Partition];
const LOCAL: &[ScopeKind] = &[Cluster, Node];

const fn duration(min_ns: i64, max_ns: i64) -> Kind {
    Kind::Duration { min_ns, max_ns }
}

const fn carried(
    name: &'static str,
    kind: Kind,
    default: &'static str,
    scopes: &'static [ScopeKind],
    doc: &'static str,
) -> ConfigKey {
    ConfigKey { name, kind, default, scopes, carried: true, restart: false, doc }
}

const fn local(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> ConfigKey {
    ConfigKey { name, kind, default, scopes: LOCAL, carried: false, restart: false, doc }
}

/// Pairs of keys of the same scopes: the first may not be above the second.
pub(super) const ORDERED: &[(&str, &str)] = &[
    ("checkpoint.incremental_interval", "checkpoint.full_interval"),
    ("event.bytes_max", "inflight.bytes_max"),
    ("lanes.warn", "lanes.max"),
];

/// All keys, by name. A key is never taken away and never changes its kind: config versions of older
/// releases hold it.
pub const CONFIG_KEYS: &[ConfigKey] = &[
    local(
        "checkpoint.bytes_per_second_max",
        Kind::Bytes { min: MIB, max: 16 * GIB },
        "40MiB",
        "What checkpoints of a shard may write in a second (R-CKP-1).",
    ),
    local(
        "checkpoint.full_interval",
        duration(15 * S, 5 * MIN),
        "30s",
        "Distance of full checkpoints (R-CKP-1).",
    ),
    local(
        "checkpoint.fulls_kept",
        Kind::Count { min: 1, max: 16 },
        "2",
        "Full checkpoints that are kept (R-CKP-1).",
    ),
    local(
        "checkpoint.incremental_interval",
        duration(5 * S, 5 * MIN),
        "10s",
        "Distance of incremental checkpoints (R-CKP-1).",
    ),
    carried(
        "client.retry_window",
        duration(MIN, D),
        "30m",
        CARRIED_PARTITION,
        "How long an append may be sent again (R-IDEM-1).",
    ),
    carried(
        "correction.horizon",
        duration(0, 400 * D),
        "1h",
        CARRIED,
        "How long behind the watermark a closed window may be corrected (R-LATE-2).",
    ),
    carried(
        "dedup.capacity",
        Kind::Count { min: 1_024, max: 1 << 30 },
        "1000000",
        CARRIED_PARTITION,
        "Opaque event ids that a partition keeps; beyond that it presses back (R-IDEM-1).",
    ),
    ConfigKey {
        restart: true,
        ..local(
            "durability.fsync_interval",
            duration(5 * MS, 10 * MS),
            "5ms",
            "Distance of flushes in mode group-fsync (R-DUR-1).",
        )
    },
    ConfigKey {
        restart: true,
        ..local(
            "durability.mode",
            Kind::Choice(&["strict", "group-fsync"]),
            "strict",
            "When an append is acknowledged (R-DUR-1).",
        )
    },
    local(
        "emit.block_timeout",
        duration(0, MIN),
        "200ms",
        "How long derived output waits for a full channel before its policy applies (R-FLOW-2).",
    ),
    ConfigKey {
        scopes: &[Cluster],
        ..local(
            "event.bytes_max",
            Kind::Bytes { min: 64 * KIB, max: 8 * MIB },
            "1MiB",
            "Largest event (R-FLOW-3).",
        )
    },
    ConfigKey {
        scopes: &[Cluster],
        ..local(
            "inflight.bytes_max",
            Kind::Bytes { min: MIB, max: GIB },
            "16MiB",
            "Bytes of a client and partition that are on the way (R-FLOW-1).",
        )
    },
    ConfigKey {
        scopes: &[Cluster],
        ..local(
            "inflight.events_max",
            Kind::Count { min: 1, max: 1 << 24 },
            "2048",
            "Events of a client and partition that are on the way (R-FLOW-1).",
        )
    },
    carried(
        "lanes.max",
        Kind::Count { min: 1, max: 64 },
        "64",
        CARRIED_DEFINITION,
        "Lanes of a metric in a partition (R-BUN-3).",
    ),
    carried(
        "lanes.warn",
        Kind::Count { min: 1, max: 64 },
        "48",
        CARRIED_DEFINITION,
        "Lanes of a metric in a partition that are warned of (R-BUN-3).",
    ),
    local(
        "log.level",
        Kind::Choice(&["error", "warn", "info", "debug", "trace"]),
        "info",
        "What a node logs.",
    ),
    carried(
        "quantile.exact_max",
        Kind::Count { min: 0, max: 1 << 20 },
        "4096",
        CARRIED_DEFINITION,
        "Samples up to which quantiles are exact (R-DET-5).",
    ),
    local(
        "ready.apply_lag_max",
        duration(10 * MS, MIN),
        "200ms",
        "Apply lag of a partition that is ready (R-READY-1).",
    ),
    local(
        "ready.replication_lag_max",
        duration(10 * MS, MIN),
        "250ms",
        "Replication lag of a partition that is ready (R-READY-1).",
    ),
    local(
        "reload.shadow_timeout",
        duration(S, D),
        "10m",
        "How long a new version may take to catch up before an operator is asked (R-HOT-1).",
    ),
    carried(
        "retain.compacted",
        duration(D, 3_660 * D),
        "365d",
        CARRIED_PARTITION,
        "How far back roll-ups go (R-HIS-1).",
    ),
    carried("retain.raw", duration(H, 31 * D), "24h", CARRIED_PARTITION, "How far back panes go (R-HIS-1)."),
    carried(
        "series.max",
        Kind::Count { min: 1, max: 1 << 24 },
        "10000",
        CARRIED_DEFINITION,
        "Series of rate, increase and delta (R-BUN-1a).",
    ),
    local(
        "sink.cursor_interval",
        duration(MS, 100 * MS),
        "100ms",
        "Most between two cursors of a sink (R-CON-1).",
    ),
    carried(
        "skew.future_max",
        duration(0, D),
        "5s",
        CARRIED_PARTITION,
        "How far in the future an event may lie (R-LATE-3).",
    ),
    carried(
        "skew.past_max",
        duration(0, 400 * D),
        "30m",
        CARRIED_PARTITION,
        "How old an event may be before it is counted (R-LATE-3).",
    ),
    carried(
        "state.keys.max",
        Kind::Count { min: 1, max: 1 << 32 },
        "1000000",
        CARRIED,
        "Keys of an unwindowed GROUP BY or DISTINCT (R-SQL-3a).",
    ),
    local(
        "trace.sampling_per_million",
        Kind::Count { min: 0, max: 1_000_000 },
        "10000",
        "Traces that are kept, of a million (R-OBS-1).",
    ),
    carried(
        "watermark.guard",
        duration(0, MIN),
        "200ms",
        CARRIED,
        "How far below the stamp a live watermark stays (R-LATE-1).",
    ),
    carried(
        "watermark.idle",
        duration(S, D),
        "30s",
        CARRIED,
        "Silence of all inputs after which time alone moves the watermark (R-LATE-1).",
    ),
    carried(
        "watermark.lateness",
        duration(0, 400 * D),
        "2s",
        CARRIED,
        "How far the watermark stays behind the newest event (R-LATE-1).",
    ),
];

/// The table of keys for `docs/`.
pub fn config_markdown() -> String {
    let mut out = "| key | default | least | most | set for | |\n|---|---|---|---|---|---|\n".to_owned();
    for key in CONFIG_KEYS {
        let bound = |duration: i64| cep_types::options::format_duration(duration);
        let (least, most) = match key.kind {
            Kind::Duration { min_ns, max_ns } => (bound(min_ns), bound(max_ns)),
            Kind::Bytes { min, max } | Kind::Count { min, max } => (min.to_string(), max.to_string()),
            Kind::Choice(words) => (format!("one of {}", words.join(", ")), String::new()),
        };
        let scopes: Vec<&str> = key.scopes.iter().map(|scope| scope.word()).collect();
        let restart = if key.restart { " Needs a restart." } else { "" };
        let line = format!(
            "| `{}` | {} | {least} | {most} | {} | {}{restart} |\n",
            key.name,
            key.default,
            scopes.join(", "),
            key.doc
        );
        out.push_str(&line);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::Setting;
    use super::*;

    #[test]
    fn the_table_is_in_order_and_its_defaults_are_values() {
        assert!(CONFIG_KEYS.windows(2).all(|pair| pair[0].name < pair[1].name));
        for key in CONFIG_KEYS {
            let default = key.default_setting();
            assert_eq!(Setting::read(key, &default.document()), Ok(default), "{}", key.name);
            assert_eq!(ConfigKey::find(key.name), Some(key));
            assert!(!key.doc.is_empty() && key.scopes[0] == Cluster, "{}", key.name);
            let wrong = if key.carried { Node } else { Definition };
            assert!(!key.scopes.contains(&wrong), "{} would differ between replicas", key.name);
        }
    }

    #[test]
    fn ordered_keys_share_scopes_with_one_below_the_cluster_and_their_defaults_are_in_order() {
        for (low, high) in ORDERED {
            let (low, high) = (ConfigKey::find(low).unwrap(), ConfigKey::find(high).unwrap());
            assert_eq!(low.scopes, high.scopes);
            assert!(low.scopes.len() <= 2);
            assert!(low.default_setting() <= high.default_setting());
        }
    }

    #[test]
    fn the_page_of_the_config_has_the_table() {
        const BEGIN: &str = "<!-- keys: written by a test of shard-control; UPDATE_DOCS=1 renews it -->\n";
        const END: &str = "<!-- end of keys -->";
        // Asked when run: with a target folder shared by several clones, the one of the build may be another.
        let here = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo runs the tests");
        let path = std::path::Path::new(&here).join("../../docs/config.md");
        let text = std::fs::read_to_string(&path).expect("the page is there");
        let from = text.find(BEGIN).expect("the mark of the keys") + BEGIN.len();
        let to = text.find(END).expect("the mark of their end");
        let made = config_markdown();
        if std::env::var_os("UPDATE_DOCS").is_some() {
            let renewed = format!("{}{made}{}", &text[..from], &text[to..]);
            std::fs::write(&path, renewed).expect("the page can be written");
            return;
        }
        assert_eq!(&text[from..to], made, "run the test with UPDATE_DOCS=1");
    }
}
