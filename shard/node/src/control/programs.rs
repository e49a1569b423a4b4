//! Compiled definitions, kept: the same text is looked at for every change of the cluster.
//!
//! Invariant: bounded; a version's text never changes, so what is kept is never wrong.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use cep_lang::plan::Program;
use cep_types::log::Connectors;
use shard_control::DefinitionVersion;

use super::deploy::{DeployError, program_of};

/// Programs that are kept at most.
const PROGRAMS_MAX: usize = 256;

type Key = (String, DefinitionVersion);

/// The programs.
#[derive(Default)]
pub(crate) struct Programs {
    kept: RefCell<BTreeMap<Key, Kept>>,
}

struct Kept {
    text: String,
    connectors: Connectors,
    program: Result<Arc<Program>, DeployError>,
}

impl Programs {
    /// The program of a version.
    ///
    /// # Errors
    /// If its text does not compile.
    pub(crate) fn get(
        &self,
        name: &str,
        version: DefinitionVersion,
        text: &str,
        connectors: Connectors,
    ) -> Result<Arc<Program>, DeployError> {
        let key = (name.to_owned(), version);
        // A definition that was removed and made anew begins with version 1 again.
        if let Some(kept) =
            self.kept.borrow().get(&key).filter(|kept| kept.text == text && kept.connectors == connectors)
        {
            return kept.program.clone();
        }
        let program = program_of(name, text, connectors).map(Arc::new);
        let mut kept = self.kept.borrow_mut();
        if kept.len() >= PROGRAMS_MAX {
            kept.clear();
        }
        kept.insert(key, Kept { text: text.to_owned(), connectors, program: program.clone() });
        program
    }
}
