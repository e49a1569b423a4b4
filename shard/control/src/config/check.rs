//! What a config may speak about, and rules between its values.

use std::collections::BTreeMap;

use cep_types::{SpaceId, StampNs};

use super::key::{ConfigKey, ORDERED};
use super::layers::View;
use super::resolve::Config;
use super::scope::{Scope, ScopeKind};
use super::setting::Setting;
use crate::cluster::Node;
use crate::definition::Definition;
use crate::id::NodeId;
use crate::outcome::Problem;
use crate::space::Space;

/// The objects that values may be set for.
pub(crate) struct World<'a> {
    pub(crate) nodes: &'a BTreeMap<NodeId, Node>,
    pub(crate) spaces: &'a BTreeMap<SpaceId, Space>,
    pub(crate) definitions: &'a BTreeMap<String, Definition>,
}

impl World<'_> {
    /// Whether there is the object of `scope`.
    pub(super) fn has(&self, scope: &Scope) -> bool {
        match scope {
            Scope::Cluster => true,
            Scope::Node(name) => self.nodes.values().any(|node| node.spec.name == *name),
            Scope::Partition(name, partition) => {
                let mut spaces = self.spaces.values();
                spaces.any(|space| space.name == *name && (*partition as usize) < space.placements.len())
            }
            Scope::Definition(name) => self.definitions.contains_key(name),
        }
    }

    /// Names that someone may have meant.
    pub(super) fn names(&self, kind: ScopeKind) -> Vec<String> {
        match kind {
            ScopeKind::Cluster => Vec::new(),
            ScopeKind::Node => self.nodes.values().map(|node| node.spec.name.clone()).collect(),
            ScopeKind::Partition => self.spaces.values().map(|space| format!("{}/0", space.name)).collect(),
            ScopeKind::Definition => self.definitions.keys().cloned().collect(),
        }
    }
}

/// Values that contradict each other in `view`.
fn contradictions(view: &View) -> Vec<Problem> {
    let value = |scope: &Scope, name: &str| -> Option<Setting> {
        let of = |scope| view.get(scope).and_then(|settings: &BTreeMap<_, _>| settings.get(name)).cloned();
        of(scope)
            .or_else(|| of(&Scope::Cluster))
            .or_else(|| ConfigKey::find(name).map(ConfigKey::default_setting))
    };
    let mut problems = Vec::new();
    for (scope, settings) in view {
        for (low_name, high_name) in ORDERED {
            if !settings.contains_key(*low_name) && !settings.contains_key(*high_name) {
                continue;
            }
            if let (Some(low), Some(high)) = (value(scope, low_name), value(scope, high_name))
                && low > high
            {
                let text = format!("{low} is above {high_name}, which is {high} here; change one of them");
                problems.push(Problem::new(format!("/{scope}/{low_name}"), text));
            }
        }
    }
    problems
}

impl Config {
    /// Values that contradict each other, now or when an override begins or ends.
    pub(super) fn contradictions_ever(&self, now: StampNs) -> Vec<Problem> {
        let ends = self.overrides.values().flat_map(|held| [held.from, held.until]);
        let mut instants: Vec<StampNs> = ends.filter(|instant| *instant > now).collect();
        instants.push(now);
        instants.sort_unstable();
        instants.dedup();
        let found = instants.into_iter().map(|instant| contradictions(&self.view_at(instant)));
        found.into_iter().find(|problems| !problems.is_empty()).unwrap_or_default()
    }
}
