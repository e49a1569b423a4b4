//! Deploying and removing definitions.

use std::collections::BTreeMap;

use cep_types::SpaceId;

use super::{Done, Pass, Verdict, fresh};
use crate::codec::{hex, sha256};
use crate::command::Command;
use crate::config::Scope;
use crate::control::State;
use crate::definition::{
    Compiled, Definition, DefinitionKind, DefinitionText, DefinitionVersionRecord, Status,
};
use crate::id::DefinitionVersion;
use crate::limits::{
    COLUMNS_MAX, DEFINITION_BYTES_MAX, DEFINITION_STREAMS_MAX, DEFINITION_VERSIONS_MAX,
    DEFINITIONS_BYTES_MAX, DEFINITIONS_MAX,
};
use crate::name::{check_name, folded, identifier_fault};
use crate::outcome::{Made, Problem, Reason, Refusal};

impl State {
    pub(super) fn deploy(
        &mut self,
        command: &Command,
        name: &str,
        kind: DefinitionKind,
        space: SpaceId,
        text: &DefinitionText,
        compiled: &Compiled,
    ) -> Verdict {
        let object = format!("definition/{name}");
        check_name(&object, name)?;
        self.check_compiled(&object, text, compiled)?;
        if !self.spaces.contains_key(&space) {
            let text = format!("there is no space {}; list the spaces, or create it", space.0);
            return Err(Refusal::new(Reason::NotFound, object, text));
        }
        let old = self.definitions.get(name);
        if let Some(old) = old {
            fresh(command.base, old.epoch, &object)?;
            if (old.kind, old.space) != (kind, space) {
                let text = "its language and its space never change; deploy it under another name";
                return Err(Refusal::new(Reason::Exists, object, text));
            }
            let newest = old.versions.get(&old.newest);
            if newest.is_some_and(|newest| newest.text == *text && newest.compiled == *compiled) {
                return Ok(Done::Noted);
            }
        }
        self.check_room(&object, old, text)?;
        self.plan_streams(name, space, Some(compiled))?;
        let epoch = self.next_epoch();
        let version = DefinitionVersion(old.map_or(0, |old| old.newest.0).saturating_add(1));
        let record = DefinitionVersionRecord {
            version,
            text: text.clone(),
            sha256: hex(&sha256(text.0.as_bytes())),
            compiled: compiled.clone(),
            actor: command.actor.clone(),
            stamp: self.now,
            epoch,
        };
        let definition = self.definitions.entry(name.to_owned()).or_insert_with(|| Definition {
            name: name.to_owned(),
            kind,
            space,
            versions: BTreeMap::new(),
            newest: version,
            wanted: None,
            settled: None,
            quarantined: BTreeMap::new(),
            epoch,
        });
        definition.versions.insert(version, record);
        definition.newest = version;
        definition.epoch = epoch;
        forget_old_versions(definition);
        Ok(Done::Changed(Some(Made::DefinitionVersion(version))))
    }

    /// Refuses what is wrong in itself.
    fn check_compiled(
        &self,
        object: &str,
        text: &DefinitionText,
        compiled: &Compiled,
    ) -> Result<(), Refusal> {
        if text.0.len() > DEFINITION_BYTES_MAX {
            let text =
                format!("{} bytes; a definition has at most {DEFINITION_BYTES_MAX}: split it", text.0.len());
            return Err(Refusal::new(Reason::Limit, object, text));
        }
        let level = self.engine_level();
        if compiled.engine_level != level {
            let text = format!(
                "compiled for engine level {}, the cluster is at {}; compile it anew",
                compiled.engine_level.0, level.0
            );
            return Err(Refusal::new(Reason::Unsupported, object, text));
        }
        if compiled.declares.len() > DEFINITION_STREAMS_MAX || compiled.reads.len() > DEFINITION_STREAMS_MAX {
            let text = format!("it declares or reads more than {DEFINITION_STREAMS_MAX} streams; split it");
            return Err(Refusal::new(Reason::Limit, object, text));
        }
        let mut problems = Vec::new();
        let mut names = std::collections::BTreeSet::new();
        for decl in &compiled.declares {
            decl.faults(&mut problems);
            if !names.insert(folded(&decl.name)) {
                problems.push(Problem::new(format!("/streams/{}", decl.name), "declared twice"));
            }
        }
        let mut read = std::collections::BTreeSet::new();
        for reads in &compiled.reads {
            let path = format!("/reads/{}", reads.stream);
            if names.contains(&folded(&reads.stream)) || !read.insert(folded(&reads.stream)) {
                problems.push(Problem::new(path.clone(), "a stream is declared, or read, once"));
            }
            let names = reads.columns.iter().chain([&reads.stream]);
            problems.extend(
                names.filter_map(|name| identifier_fault(name)).map(|text| Problem::new(path.clone(), text)),
            );
            if reads.columns.len() > COLUMNS_MAX {
                problems.push(Problem::new(path, format!("more than {COLUMNS_MAX} columns")));
            }
        }
        if problems.is_empty() {
            return Ok(());
        }
        Err(Refusal::new(Reason::Invalid, object, "its streams are not in order; see the problems")
            .listing(problems))
    }

    fn check_room(
        &self,
        object: &str,
        old: Option<&Definition>,
        text: &DefinitionText,
    ) -> Result<(), Refusal> {
        if old.is_none() && self.definitions.len() >= DEFINITIONS_MAX {
            let text = format!("a cluster has at most {DEFINITIONS_MAX} definitions; remove one first");
            return Err(Refusal::new(Reason::Limit, object, text));
        }
        let bytes: usize = self.definitions.values().map(Definition::text_bytes).sum();
        if bytes.saturating_add(text.0.len()) > DEFINITIONS_BYTES_MAX {
            let text = format!(
                "all definitions have {bytes} bytes, at most {DEFINITIONS_BYTES_MAX}; remove one first"
            );
            return Err(Refusal::new(Reason::Limit, object, text));
        }
        Ok(())
    }

    pub(super) fn remove_definition(&mut self, name: &str, pass: &mut Pass<'_>) -> Verdict {
        let object = format!("definition/{name}");
        let definition = self.known_definition(name)?;
        fresh(pass.command.base, definition.epoch, &object)?;
        if !matches!(definition.status(), Status::Deployed | Status::Stopped) {
            return Err(Refusal::new(
                Reason::InUse,
                object,
                "partitions run it; stop it first, and wait until they did",
            ));
        }
        self.forget(&Scope::Definition(name.to_owned()), pass);
        self.definitions.remove(name);
        Ok(Done::Changed(None))
    }

    /// The definition of that name.
    pub(super) fn known_definition(&self, name: &str) -> Result<&Definition, Refusal> {
        self.definitions.get(name).ok_or_else(|| {
            let near = cep_types::options::closest(name, self.definitions.keys().map(String::as_str));
            let hint = near.map_or(String::new(), |near| format!("; did you mean '{near}'?"));
            Refusal::new(
                Reason::NotFound,
                format!("definition/{name}"),
                format!("there is no such definition{hint}"),
            )
        })
    }
}

/// Takes away the oldest versions that no partition may run, while there are too many. The newest stays.
fn forget_old_versions(definition: &mut Definition) {
    while definition.versions.len() > DEFINITION_VERSIONS_MAX {
        let mut old = definition.versions.keys().copied();
        let spare = old.find(|version| *version != definition.newest && !definition.in_use(*version));
        let Some(version) = spare else {
            return;
        };
        definition.versions.remove(&version);
    }
}
