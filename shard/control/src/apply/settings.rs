//! Config: patches, rollback, overrides, and what time does to them.

use std::collections::BTreeMap;

use cep_types::{Epoch, StampNs};
use serde_json::{Map, Value};

use super::{Done, Pass, Verdict};
use crate::config::{
    CONFIG_KEYS, Config, ConfigOrigin, ConfigRecord, Layers, Override, Scope, View, differing, merge_patch,
};
use crate::control::State;
use crate::effect::{ConfigOwed, Effect};
use crate::id::{ConfigVersion, OverrideId, PartitionRef};
use crate::limits::{OVERRIDE_SETTINGS_MAX, OVERRIDES_MAX};
use crate::outcome::{Made, Problem, Reason, Refusal};

fn invalid(object: impl Into<String>, problems: Vec<Problem>) -> Refusal {
    Refusal::new(Reason::Invalid, object, "values are not in order; see the problems").listing(problems)
}

impl State {
    pub(super) fn patch_config(
        &mut self,
        base: ConfigVersion,
        patch: &Value,
        pass: &mut Pass<'_>,
    ) -> Verdict {
        self.config_is_at(base)?;
        if !patch.is_object() {
            return Err(invalid("config", vec![Problem::new("/", "write an object, {…}")]));
        }
        let mut document = self.config.current().document();
        merge_patch(&mut document, patch);
        let layers =
            Layers::of_document(&document, &self.world()).map_err(|problems| invalid("config", problems))?;
        self.set_layers(layers, ConfigOrigin::Patched, pass)
    }

    pub(super) fn rollback_config(
        &mut self,
        base: ConfigVersion,
        to: ConfigVersion,
        pass: &mut Pass<'_>,
    ) -> Verdict {
        self.config_is_at(base)?;
        let Some(record) = self.config.history().find(|record| record.version == to) else {
            let text = format!("version {} is not kept; list the versions", to.0);
            return Err(Refusal::new(Reason::NotFound, "config", text));
        };
        // Checked anew: what it speaks about may be gone.
        let layers = Layers::of_document(&record.document(), &self.world())
            .map_err(|problems| invalid("config", problems))?;
        self.set_layers(layers, ConfigOrigin::RolledBack(to), pass)
    }

    fn config_is_at(&self, base: ConfigVersion) -> Result<(), Refusal> {
        let current = self.config.current().version;
        if base == current {
            return Ok(());
        }
        let text = format!("made against config version {}, it is at {}; look again", base.0, current.0);
        Err(Refusal::new(Reason::Stale, "config", text))
    }

    fn set_layers(&mut self, layers: Layers, origin: ConfigOrigin, pass: &mut Pass<'_>) -> Verdict {
        if layers == self.config.current().layers {
            return Ok(Done::Noted);
        }
        let problems = self.config.faults_of(&layers, self.now);
        if !problems.is_empty() {
            return Err(invalid("config", problems));
        }
        let version = self.push_version(layers, origin, pass);
        Ok(Done::Changed(Some(Made::ConfigVersion(version))))
    }

    fn push_version(&mut self, layers: Layers, origin: ConfigOrigin, pass: &mut Pass<'_>) -> ConfigVersion {
        let version = ConfigVersion(self.config.current().version.0.saturating_add(1));
        let epoch = self.next_epoch();
        let record = ConfigRecord {
            version,
            epoch,
            stamp: self.now,
            actor: pass.command.actor.clone(),
            why: pass.command.why.clone(),
            origin,
            layers,
        };
        self.reconfigure(epoch, pass, |config| config.push(record));
        version
    }

    /// Takes away the values of an object that goes. To be called while it is still there.
    pub(super) fn forget(&mut self, scope: &Scope, pass: &mut Pass<'_>) {
        let epoch = self.next_epoch();
        self.reconfigure(epoch, pass, |config| config.release_scope(scope));
        if let Some(layers) = self.config.without(scope) {
            self.push_version(layers, ConfigOrigin::Forgotten(scope.clone()), pass);
        }
    }

    pub(super) fn set_override(
        &mut self,
        scope: &Scope,
        settings: &Map<String, Value>,
        from: Option<StampNs>,
        until: StampNs,
        pass: &mut Pass<'_>,
    ) -> Verdict {
        let object = format!("override/{scope}");
        let from = from.unwrap_or(self.now);
        if until <= from || until <= self.now {
            let text = format!(
                "it would end at {} ns, before it begins or in the past; now is {} ns",
                until.0, self.now.0
            );
            return Err(Refusal::new(Reason::Invalid, object, text));
        }
        if settings.is_empty() || settings.len() > OVERRIDE_SETTINGS_MAX {
            let text = format!("{} values; an override has 1 to {OVERRIDE_SETTINGS_MAX}", settings.len());
            return Err(Refusal::new(Reason::Invalid, object, text));
        }
        if self.config.overrides().count() >= OVERRIDES_MAX || self.config.next_override == u32::MAX {
            let text = format!("{OVERRIDES_MAX} overrides are set, the most there can be; cancel one first");
            return Err(Refusal::new(Reason::Limit, object, text));
        }
        let epoch = self.next_epoch();
        let id = OverrideId(self.config.next_override);
        let wanted = Override {
            id,
            scope: scope.clone(),
            settings: BTreeMap::new(),
            from,
            until,
            on: from <= self.now,
            actor: pass.command.actor.clone(),
            why: pass.command.why.clone(),
            epoch,
        };
        let held = self.config.read_override(wanted, settings, &self.world(), self.now);
        let held = held.map_err(|problems| invalid(object, problems))?;
        self.reconfigure(epoch, pass, |config| config.hold(held));
        Ok(Done::Changed(Some(Made::Override(id))))
    }

    pub(super) fn cancel_override(&mut self, id: OverrideId, pass: &mut Pass<'_>) -> Verdict {
        if !self.config.overrides().any(|held| held.id == id) {
            let text = "there is no such override, or it has ended; list the overrides";
            return Err(Refusal::new(Reason::NotFound, format!("override/{}", id.0), text));
        }
        let epoch = self.next_epoch();
        self.reconfigure(epoch, pass, |config| drop(config.release(id)));
        Ok(Done::Changed(None))
    }

    /// Begins and ends overrides whose time has come, one after the other, each a change of its own.
    pub(super) fn turn_overrides(&mut self, pass: &mut Pass<'_>) {
        while let Some(due) = self.config.due(self.now) {
            let object = format!("override/{}", due.id.0);
            let epoch = self.next_epoch();
            let mut began = false;
            self.reconfigure(epoch, pass, |config| began = config.turn(due.id));
            self.epoch = epoch;
            self.record_clock(pass, if began { "override.begin" } else { "override.end" }, object);
        }
    }

    /// Changes the config, and notes who has to hear of it.
    fn reconfigure(&mut self, epoch: Epoch, pass: &mut Pass<'_>, change: impl FnOnce(&mut Config)) {
        let before = self.config.view();
        change(&mut self.config);
        let after = self.config.view();
        for scope in differing(&before, &after, true) {
            for partition in self.partitions_of(&scope) {
                self.config_owed.insert(partition, ConfigOwed { partition, epoch });
            }
        }
        let local = differing(&before, &after, false);
        for node in self.nodes.values() {
            let scope = Scope::Node(node.spec.name.clone());
            if !local.contains(&Scope::Cluster) && !local.contains(&scope) {
                continue;
            }
            let mut settings = BTreeMap::new();
            for key in CONFIG_KEYS.iter().filter(|key| !key.carried) {
                let value = |view: &View| {
                    let of =
                        |scope: &Scope| view.get(scope).and_then(|settings| settings.get(key.name)).cloned();
                    of(&scope).or_else(|| of(&Scope::Cluster)).unwrap_or_else(|| key.default_setting())
                };
                let new = value(&after);
                if new != value(&before) {
                    settings.insert(key.name.to_owned(), new);
                }
            }
            if !settings.is_empty() {
                pass.effects.push(Effect::NodeConfig { node: node.id, settings, epoch });
            }
        }
    }

    /// The partitions whose config has values of `scope`.
    fn partitions_of(&self, scope: &Scope) -> Vec<PartitionRef> {
        let definition_space = match scope {
            Scope::Definition(name) => self.definitions.get(name).map(|definition| definition.space),
            _ => None,
        };
        let mut found = Vec::new();
        for space in self.spaces.values() {
            let counts = |number: u32| match scope {
                Scope::Cluster => true,
                Scope::Node(_) => false,
                Scope::Partition(name, partition) => *name == space.name && *partition == number,
                Scope::Definition(_) => definition_space == Some(space.id),
            };
            let here = space.partitions().filter(|partition| counts(partition.0));
            found.extend(here.map(|partition| PartitionRef { space: space.id, partition }));
        }
        found
    }
}
