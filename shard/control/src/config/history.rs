//! Versions of the config.

use cep_types::{Epoch, StampNs};
use serde::{Deserialize, Serialize};

use super::layers::Layers;
use super::scope::Scope;
use crate::codec::written;
use crate::id::ConfigVersion;

/// How a version came about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ConfigOrigin {
    /// The first one, which sets nothing.
    Founded,
    /// A patch.
    Patched,
    /// The same as an older version.
    RolledBack(ConfigVersion),
    /// The object of that scope is gone, and its values with it.
    Forgotten(Scope),
}

/// A version of the config.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigRecord {
    /// Which.
    pub version: ConfigVersion,
    /// Its epoch.
    #[serde(with = "written")]
    pub epoch: Epoch,
    /// When.
    #[serde(with = "written")]
    pub stamp: StampNs,
    /// Who.
    pub actor: String,
    /// Why.
    pub why: String,
    /// How.
    pub origin: ConfigOrigin,
    /// Its values.
    pub(crate) layers: Layers,
}

impl ConfigRecord {
    /// Its values as a document: `{"cluster": {key: value}, "nodes": …}`.
    pub fn document(&self) -> serde_json::Value {
        self.layers.document()
    }
}
