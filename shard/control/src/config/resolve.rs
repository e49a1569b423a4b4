//! What holds where, and why.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use cep_types::StampNs;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::check::World;
use super::history::{ConfigOrigin, ConfigRecord};
use super::key::{CONFIG_KEYS, ConfigKey};
use super::layers::{Layers, View, read_settings};
use super::overrides::{Due, Override};
use super::scope::Scope;
use super::setting::Setting;
use crate::codec::list;
use crate::id::{ConfigVersion, OverrideId};
use crate::limits::{CONFIG_HISTORY_SETTINGS_MAX, CONFIG_VERSIONS_MAX, OVERRIDES_MAX, SETTINGS_MAX};
use crate::outcome::Problem;

/// For what a value is asked. Parts that are left out have no values of their own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Target {
    /// On this node.
    pub node: Option<String>,
    /// In this partition of this space.
    pub partition: Option<(String, u32)>,
    /// In this definition.
    pub definition: Option<String>,
}

impl Target {
    /// Scopes that count for it, the most particular first.
    fn scopes(&self) -> Vec<Scope> {
        let definition = self.definition.clone().map(Scope::Definition);
        let partition = self.partition.clone().map(|(space, partition)| Scope::Partition(space, partition));
        let node = self.node.clone().map(Scope::Node);
        definition.into_iter().chain(partition).chain(node).chain([Scope::Cluster]).collect()
    }
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Nobody set it.
    Default,
    /// The config.
    Config(Scope),
    /// An override, until its end.
    Override(Scope, OverrideId, StampNs),
}

/// A value and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The key.
    pub key: &'static ConfigKey,
    /// The value.
    pub setting: Setting,
    /// Where it comes from.
    pub source: Source,
}

/// Versions and overrides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Oldest first; the last one holds. Never empty.
    pub(super) history: VecDeque<ConfigRecord>,
    #[serde(with = "list")]
    pub(super) overrides: BTreeMap<OverrideId, Override>,
    pub(crate) next_override: u32,
}

impl Default for Config {
    fn default() -> Self {
        let first = ConfigRecord {
            version: ConfigVersion(0),
            epoch: cep_types::Epoch(0),
            stamp: StampNs(0),
            actor: String::new(),
            why: String::new(),
            origin: ConfigOrigin::Founded,
            layers: Layers::default(),
        };
        Config { history: VecDeque::from([first]), overrides: BTreeMap::new(), next_override: 1 }
    }
}

impl Config {
    /// The version that holds.
    pub(crate) fn current(&self) -> &ConfigRecord {
        self.history.back().expect("the history begins with version 0, keeps its last, and restore checks it")
    }

    /// All versions that are kept, oldest first.
    pub(crate) fn history(&self) -> impl DoubleEndedIterator<Item = &ConfigRecord> {
        self.history.iter()
    }

    /// Overrides that are on or will be.
    pub(crate) fn overrides(&self) -> impl Iterator<Item = &Override> {
        self.overrides.values()
    }

    /// The values that hold now, by scope.
    pub(crate) fn view(&self) -> View {
        self.covered(|held| held.on)
    }

    /// The values that hold at `instant`, by scope, if nothing is changed until then.
    pub(super) fn view_at(&self, instant: StampNs) -> View {
        self.covered(|held| held.from <= instant && instant < held.until)
    }

    fn covered(&self, holds: impl Fn(&Override) -> bool) -> View {
        let mut view = self.current().layers.0.clone();
        for held in self.overrides.values().filter(|held| holds(held)) {
            let settings = held.settings.iter().map(|(key, setting)| (key.clone(), setting.clone()));
            view.entry(held.scope.clone()).or_default().extend(settings);
        }
        view
    }

    /// Every value that is set for `key` and counts for `target`, the one that holds first, the default last.
    pub(crate) fn explain(&self, key: &'static ConfigKey, target: &Target) -> Vec<Resolved> {
        let mut found = Vec::new();
        for scope in target.scopes() {
            for held in self.overrides.values().rev().filter(|held| held.on && held.scope == scope) {
                let source = || Source::Override(scope.clone(), held.id, held.until);
                found.extend(held.settings.get(key.name).map(|setting| (setting.clone(), source())));
            }
            let layer = self.current().layers.0.get(&scope).and_then(|settings| settings.get(key.name));
            found.extend(layer.map(|setting| (setting.clone(), Source::Config(scope))));
        }
        found.push((key.default_setting(), Source::Default));
        found.into_iter().map(|(setting, source)| Resolved { key, setting, source }).collect()
    }

    /// What holds for `target`, every key, in order of names.
    pub(crate) fn effective(&self, target: &Target) -> Vec<Resolved> {
        CONFIG_KEYS.iter().filter_map(|key| self.explain(key, target).into_iter().next()).collect()
    }

    /// Makes `record` the newest version. Old ones go when there are too many.
    pub(crate) fn push(&mut self, record: ConfigRecord) {
        self.history.push_back(record);
        let mut settings: usize = self.history.iter().map(|record| record.layers.count()).sum();
        while self.history.len() > CONFIG_VERSIONS_MAX || settings > CONFIG_HISTORY_SETTINGS_MAX {
            let Some(oldest) = self.history.pop_front() else {
                return;
            };
            settings -= oldest.layers.count();
        }
    }

    /// What is wrong with `layers` as the next version.
    pub(crate) fn faults_of(&self, layers: &Layers, now: StampNs) -> Vec<Problem> {
        let mut tried = self.clone_without_history();
        if let Some(current) = tried.history.back_mut() {
            current.layers = layers.clone();
        }
        tried.contradictions_ever(now)
    }

    /// The override that someone asks for.
    ///
    /// # Errors
    /// Everything that is wrong with its values.
    pub(crate) fn read_override(
        &self,
        mut wanted: Override,
        settings: &Map<String, Value>,
        world: &World<'_>,
        now: StampNs,
    ) -> Result<Override, Vec<Problem>> {
        let mut problems = Vec::new();
        wanted.settings = read_settings(&wanted.scope, "/settings", settings, world, &mut problems);
        if problems.is_empty() {
            let mut tried = self.clone_without_history();
            tried.overrides.insert(wanted.id, wanted.clone());
            problems = tried.contradictions_ever(now);
        }
        if problems.is_empty() { Ok(wanted) } else { Err(problems) }
    }

    fn clone_without_history(&self) -> Config {
        let current = self.current().clone();
        Config {
            history: VecDeque::from([current]),
            overrides: self.overrides.clone(),
            next_override: self.next_override,
        }
    }

    /// Adds an override.
    pub(crate) fn hold(&mut self, held: Override) {
        self.next_override = self.next_override.max(held.id.0.saturating_add(1));
        self.overrides.insert(held.id, held);
    }

    /// Takes an override away.
    pub(crate) fn release(&mut self, id: OverrideId) -> Option<Override> {
        self.overrides.remove(&id)
    }

    /// The override whose time came first, of those whose time has come.
    pub(crate) fn due(&self, now: StampNs) -> Option<Due> {
        self.overrides.values().map(Override::due).filter(|due| due.instant <= now).min()
    }

    /// Begins the override, or ends it when it is on. Says whether it began.
    pub(crate) fn turn(&mut self, id: OverrideId) -> bool {
        match self.overrides.get_mut(&id) {
            Some(held) if !held.on => {
                held.on = true;
                true
            }
            _ => {
                self.overrides.remove(&id);
                false
            }
        }
    }

    /// The values without those of `scope`; `None` when there are none of it.
    pub(crate) fn without(&self, scope: &Scope) -> Option<Layers> {
        let mut layers = self.current().layers.clone();
        layers.0.remove(scope).map(|_| layers)
    }

    /// Takes away the overrides of `scope`.
    pub(crate) fn release_scope(&mut self, scope: &Scope) {
        self.overrides.retain(|_, held| held.scope != *scope);
    }

    /// What is wrong with a config that was read.
    pub(crate) fn fault(&self, now: StampNs) -> Option<String> {
        let versions: Vec<u64> = self.history.iter().map(|record| record.version.0).collect();
        let dense = versions.windows(2).all(|pair| pair[0].checked_add(1) == Some(pair[1]));
        let last = versions.last().is_some_and(|last| *last < u64::MAX / 2);
        if !dense || !last || versions.len() > CONFIG_VERSIONS_MAX {
            return Some("the config versions are not a history".to_owned());
        }
        if self.history.iter().any(|record| record.layers.count() > SETTINGS_MAX) {
            return Some("a config version has too many values".to_owned());
        }
        let bad = |held: &Override| {
            held.id.0 >= self.next_override
                || held.on != (held.from <= now)
                || held.until <= now.max(held.from)
        };
        if self.overrides.len() > OVERRIDES_MAX || self.overrides.values().any(bad) {
            return Some("an override is not what its time says".to_owned());
        }
        None
    }
}

/// Scopes of which carried (or local) values differ.
pub(crate) fn differing(before: &View, after: &View, carried: bool) -> BTreeSet<Scope> {
    let empty = BTreeMap::new();
    let scopes: BTreeSet<&Scope> = before.keys().chain(after.keys()).collect();
    let differs = |scope: &&Scope| {
        let (old, new) = (before.get(*scope).unwrap_or(&empty), after.get(*scope).unwrap_or(&empty));
        let counts = |name: &&String| ConfigKey::find(name).is_some_and(|key| key.carried == carried);
        old.keys().chain(new.keys()).filter(counts).any(|name| old.get(name) != new.get(name))
    };
    scopes.into_iter().filter(differs).cloned().collect()
}
