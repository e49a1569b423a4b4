//! The values of one config version, and the document that people read and patch.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::check::World;
use super::key::{CONFIG_KEYS, ConfigKey};
use super::scope::{Scope, ScopeKind};
use super::setting::Setting;
use crate::limits::{PROBLEMS_MAX, SETTINGS_MAX};
use crate::outcome::Problem;

/// Values by scope, with whatever covers them.
pub(crate) type View = BTreeMap<Scope, BTreeMap<String, Setting>>;

/// Values by scope. No scope is empty.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Layers(pub(crate) View);

/// Names of the parts of a document, and what kind of scope is in them.
const PARTS: [(&str, ScopeKind); 4] = [
    ("cluster", ScopeKind::Cluster),
    ("nodes", ScopeKind::Node),
    ("partitions", ScopeKind::Partition),
    ("definitions", ScopeKind::Definition),
];

/// A JSON merge patch (RFC 7396, § 2): objects are merged, `null` takes away, all else replaces.
pub(crate) fn merge_patch(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    if let Value::Object(fields) = target {
        for (key, change) in patch {
            if change.is_null() {
                fields.remove(key);
            } else {
                merge_patch(fields.entry(key.clone()).or_insert(Value::Null), change);
            }
        }
    }
}

impl Layers {
    /// How many values there are.
    pub(crate) fn count(&self) -> usize {
        self.0.values().map(BTreeMap::len).sum()
    }

    /// The document. Scopes that set nothing are not in it.
    pub(crate) fn document(&self) -> Value {
        let mut parts: BTreeMap<&str, Value> = BTreeMap::new();
        for (scope, settings) in &self.0 {
            let settings: Map<String, Value> =
                settings.iter().map(|(key, setting)| (key.clone(), setting.document())).collect();
            let mut add = |part, name: String| {
                let entry = parts.entry(part).or_insert_with(|| Value::Object(Map::new()));
                entry[name] = Value::Object(settings.clone());
            };
            match scope {
                Scope::Cluster => drop(parts.insert("cluster", Value::Object(settings))),
                Scope::Node(name) => add("nodes", name.clone()),
                Scope::Partition(space, partition) => add("partitions", format!("{space}/{partition}")),
                Scope::Definition(name) => add("definitions", name.clone()),
            }
        }
        Value::Object(parts.into_iter().map(|(part, value)| (part.to_owned(), value)).collect())
    }

    /// The values of a document.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(crate) fn of_document(document: &Value, world: &World<'_>) -> Result<Layers, Vec<Problem>> {
        let mut layers = Layers::default();
        let mut problems = Vec::new();
        let object = |path: &str, value: &'_ Value, problems: &mut Vec<Problem>| {
            if !value.is_object() {
                problems.push(Problem::new(path, "write an object, {…}"));
            }
        };
        object("/", document, &mut problems);
        for (part, value) in document.as_object().into_iter().flatten() {
            let path = format!("/{part}");
            let Some((_, kind)) = PARTS.iter().find(|(name, _)| name == part) else {
                problems.push(unknown(
                    path,
                    "is not a part of the config",
                    part,
                    PARTS.map(|(name, _)| name),
                ));
                continue;
            };
            object(&path, value, &mut problems);
            if *kind == ScopeKind::Cluster {
                layers.read_scope(Scope::Cluster, &path, value, world, &mut problems);
                continue;
            }
            for (name, settings) in value.as_object().into_iter().flatten() {
                let path = format!("{path}/{name}");
                object(&path, settings, &mut problems);
                let scope = match kind {
                    ScopeKind::Node => Some(Scope::Node(name.clone())),
                    ScopeKind::Definition => Some(Scope::Definition(name.clone())),
                    _ => Scope::parse_partition(name),
                };
                match scope {
                    Some(scope) => layers.read_scope(scope, &path, settings, world, &mut problems),
                    None => problems.push(Problem::new(path, "write SPACE/N, such as main/0")),
                }
            }
        }
        if layers.count() > SETTINGS_MAX {
            problems.push(Problem::new(
                "/",
                format!("{} values; a config has at most {SETTINGS_MAX}", layers.count()),
            ));
        }
        problems.truncate(PROBLEMS_MAX);
        if problems.is_empty() { Ok(layers) } else { Err(problems) }
    }

    fn read_scope(
        &mut self,
        scope: Scope,
        path: &str,
        value: &Value,
        world: &World<'_>,
        problems: &mut Vec<Problem>,
    ) {
        let Some(settings) = value.as_object().filter(|settings| !settings.is_empty()) else {
            return;
        };
        let settings = read_settings(&scope, path, settings, world, problems);
        self.0.insert(scope, settings);
    }
}

/// The values of one scope; what is wrong with them goes to `problems`.
pub(super) fn read_settings(
    scope: &Scope,
    path: &str,
    settings: &Map<String, Value>,
    world: &World<'_>,
    problems: &mut Vec<Problem>,
) -> BTreeMap<String, Setting> {
    let mut read = BTreeMap::new();
    if !world.has(scope) {
        let names = world.names(scope.kind());
        let wanted = scope.to_string();
        let name = wanted.split_once('/').map_or("", |(_, name)| name);
        let there = format!("there is no such {}", scope.kind().word());
        problems.push(unknown(path.to_owned(), &there, name, names.iter().map(String::as_str)));
    }
    for (name, value) in settings {
        let path = format!("{path}/{name}");
        let Some(key) = ConfigKey::find(name) else {
            problems.push(unknown(path, "is not a key", name, CONFIG_KEYS.iter().map(|key| key.name)));
            continue;
        };
        if !key.scopes.contains(&scope.kind()) {
            let may: Vec<&str> = key.scopes.iter().map(|scope| scope.word()).collect();
            let text =
                format!("cannot be set for a {}; it may be set for {}", scope.kind().word(), may.join(", "));
            problems.push(Problem::new(path, text));
            continue;
        }
        match Setting::read(key, value) {
            Ok(setting) => drop(read.insert(name.clone(), setting)),
            Err(text) => problems.push(Problem::new(path, text)),
        }
    }
    read
}

fn unknown<'a>(path: String, what: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> Problem {
    match cep_types::options::closest(name, known) {
        Some(near) => Problem::new(path, format!("{what}; did you mean '{near}'?")),
        None => Problem::new(path, what),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The examples of RFC 7396, appendix A.
    #[test]
    fn a_merge_patch_does_what_its_standard_says() {
        for (target, patch, wanted) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
            (json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}})),
            (json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]})),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (json!({"a": "b"}), json!(["c"]), json!(["c"])),
            (json!({"a": "foo"}), json!(null), json!(null)),
            (json!({"a": "foo"}), json!("bar"), json!("bar")),
            (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
            (json!([1, 2]), json!({"a": "b", "c": null}), json!({"a": "b"})),
            (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
        ] {
            let mut merged = target.clone();
            merge_patch(&mut merged, &patch);
            assert_eq!(merged, wanted, "{target} + {patch}");
        }
    }
}
