//! What the cluster's config means for a partition and for this node.

use std::time::Duration;

use cep_types::log::Config;
use shard_control::{CarriedConfig, Control, Setting, Source, Target};

use crate::settings::{Credits, Live, Settings};

/// Keys that have an effect on a node of this release. The others are for what is to come.
pub const CONFIG_KEYS_USED: &[&str] = &[
    "client.retry_window",
    "dedup.capacity",
    "event.bytes_max",
    "inflight.bytes_max",
    "inflight.events_max",
    "log.level",
];

/// The entry that says a partition's config.
///
/// # Errors
/// If the config lacks one of the keys, or it is of another kind, which no config of this program does.
pub(crate) fn entry(carried: &CarriedConfig) -> Result<Config, String> {
    let number = |name: &str| match carried.partition.get(name) {
        Some(setting) => number_of(setting).filter(|value| *value > 0),
        None => None,
    };
    let of = |name: &str| number(name).ok_or_else(|| format!("the config of the partition lacks {name}"));
    Ok(Config {
        epoch: carried.epoch,
        retry_window_ns: of("client.retry_window")?,
        ids_max: of("dedup.capacity")?.unsigned_abs(),
    })
}

fn number_of(setting: &Setting) -> Option<i64> {
    match setting {
        Setting::DurationNs(value) | Setting::Bytes(value) | Setting::Count(value) => Some(*value),
        Setting::Choice(_) => None,
    }
}

/// What was set for this node or all of them. What nobody set is for the node's own settings to say.
pub(crate) struct LocalConfig<'a> {
    control: &'a Control,
    target: Target,
}

impl<'a> LocalConfig<'a> {
    pub(crate) fn new(control: &'a Control, node: &str) -> Self {
        LocalConfig { control, target: Target { node: Some(node.to_owned()), ..Target::default() } }
    }

    fn set(&self, key: &str) -> Option<Setting> {
        let explained = self.control.explain(key, &self.target).unwrap_or_default();
        explained.into_iter().find(|resolved| resolved.source != Source::Default).map(|found| found.setting)
    }

    fn number(&self, key: &str) -> Option<u64> {
        number_of(&self.set(key)?).map(i64::unsigned_abs)
    }

    /// Which lines are logged, if that is set.
    pub(crate) fn log_level(&self) -> Option<String> {
        self.set("log.level").map(|level| level.to_string())
    }

    /// The settings with what is set.
    pub(crate) fn live(&self, settings: &Settings) -> Live {
        let Live { credits, event_bytes_max, retry_window } = settings.live();
        Live {
            credits: Credits {
                events: self.number("inflight.events_max").unwrap_or(credits.events),
                bytes: self.number("inflight.bytes_max").unwrap_or(credits.bytes),
            },
            event_bytes_max: self
                .number("event.bytes_max")
                .map_or(event_bytes_max, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX)),
            retry_window: self.number("client.retry_window").map_or(retry_window, Duration::from_nanos),
        }
    }
}
