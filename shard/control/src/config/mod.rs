//! Cluster config (R-CP-3): what may be set, where, what holds, and what held.
//!
//! A value is looked for from the most particular scope to the most general: definition, partition, node,
//! cluster, then the default of the key. Within a scope an override that is on covers the config.
//!
//! There are two sorts of keys. *Carried* ones are part of what a partition computes (lateness, horizons,
//! bounds of state): they reach a partition as an entry of its log, and cannot be set for a node, or
//! replicas would compute different things (R-DET-1). *Local* ones (intervals of checkpoints, log level) are
//! read by each node from the control group's state, and cannot be set for a definition.

mod carried;
mod check;
mod history;
mod key;
mod layers;
mod overrides;
mod resolve;
mod scope;
mod setting;

pub use carried::CarriedConfig;
pub use history::{ConfigOrigin, ConfigRecord};
pub use key::{CONFIG_KEYS, ConfigKey, Kind, config_markdown};
pub use overrides::Override;
pub use resolve::{Resolved, Source, Target};
pub use scope::Scope;
pub use setting::Setting;

pub(crate) use check::World;
pub(crate) use layers::{Layers, View, merge_patch};
pub(crate) use resolve::{Config, differing};
