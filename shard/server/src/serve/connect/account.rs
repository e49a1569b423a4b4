//! What the connectors of a console did.

use std::sync::{Arc, Mutex, PoisonError};

use shard_node::connect::ConnectorError;

use crate::failure::Failure;
use crate::run::{InputLine, OutputLine};

/// Counts, for the summary.
#[derive(Debug, Default)]
pub struct Account {
    /// Each source.
    pub inputs: Vec<InputLine>,
    /// Each output.
    pub outputs: Vec<OutputLine>,
    /// Records that could not be read.
    pub rejected: u64,
    /// Records that went to dead-letter streams.
    pub dead_letters: u64,
    /// Rows that could not be written.
    pub lost: u64,
    /// All is done, or something failed.
    pub ended: Option<Result<(), ConnectorError>>,
    /// What failed, as this process knows it.
    pub failure: Option<Failure>,
}

/// An account that threads share.
#[derive(Debug, Clone, Default)]
pub struct Shared(Arc<Mutex<Account>>);

impl Shared {
    /// Looks at it, or changes it.
    pub fn with<T>(&self, look: impl FnOnce(&mut Account) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
