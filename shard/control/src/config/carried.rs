//! The config of one partition, as its log carries it.

use std::collections::BTreeMap;

use cep_types::Epoch;
use serde::{Deserialize, Serialize};

use super::key::ConfigKey;
use super::resolve::{Config, Target};
use super::scope::Scope;
use super::setting::Setting;
use crate::codec::{canonical, written};
use crate::id::ConfigVersion;

/// All values of carried keys that a partition is to have: the payload of a Config entry
/// (`docs/formats.md`, Control group). It says everything each time, so that a partition which missed some
/// of them needs only the last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CarriedConfig {
    format: String,
    version: u32,
    /// The config version it is made from.
    pub config: ConfigVersion,
    /// Its epoch; a partition ignores one that is not above what it has.
    #[serde(with = "written")]
    pub epoch: Epoch,
    /// What holds in the partition; every carried key is there.
    pub partition: BTreeMap<String, Setting>,
    /// What holds differently for some definitions.
    pub definitions: BTreeMap<String, BTreeMap<String, Setting>>,
}

/// What the document says it is.
const FORMAT: &str = "ceptra.control.config";

impl CarriedConfig {
    /// Its canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        canonical(self)
    }
}

impl Config {
    /// The config of one partition of a space in which `definitions` run.
    pub(crate) fn carried<'a>(
        &self,
        space: &str,
        partition: u32,
        definitions: impl Iterator<Item = &'a str>,
        epoch: Epoch,
    ) -> CarriedConfig {
        let target = Target { partition: Some((space.to_owned(), partition)), ..Target::default() };
        let view = self.view();
        let is_carried = |name: &str| ConfigKey::find(name).is_some_and(|key| key.carried);
        let of_definition = |name: &str| {
            let settings = view.get(&Scope::Definition(name.to_owned()))?;
            let carried: BTreeMap<_, _> = settings
                .iter()
                .filter(|(key, _)| is_carried(key))
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect();
            (!carried.is_empty()).then(|| (name.to_owned(), carried))
        };
        let resolved = self.effective(&target).into_iter().filter(|resolved| resolved.key.carried);
        CarriedConfig {
            format: FORMAT.to_owned(),
            version: 1,
            config: self.current().version,
            epoch,
            partition: resolved.map(|resolved| (resolved.key.name.to_owned(), resolved.setting)).collect(),
            definitions: definitions.filter_map(of_definition).collect(),
        }
    }
}
