//! Sources and sinks of a node's definitions, on threads of this process.
//!
//! `feed` reads the sources of a definition · `outlet` writes its sinks · `account` what they did, for who
//! asks. What runs and where it goes on is decided in `shard-node`.
//!
//! Invariants: a thread does one step when it is asked for one, so at most one batch waits; a thread ends when
//! nobody asks any more.

mod account;
mod feed;
mod outlet;

use std::collections::BTreeMap;
use std::path::PathBuf;

use cep_types::StreamId;
use shard_node::connect::{ConnectorError, Connectors, Feed, Former, Outlet, Plan};

use crate::failure::Failure;
use crate::run::{Playback, Show, Signals};
use crate::talk::Talk;

pub use account::{Account, Shared};

/// How the connectors of this process are run.
#[derive(Clone)]
pub struct HostConnectors {
    /// Folder that relative paths start at.
    pub base_dir: PathBuf,
    /// How rows are printed.
    pub show: Show,
    /// How fast rows are taken.
    pub playback: Playback,
    /// Where messages go.
    pub talk: Talk,
    /// What asks them to end.
    pub signals: Signals,
    /// What they did.
    pub account: Shared,
}

impl Connectors for HostConnectors {
    fn feed(&self, plan: &Plan, former: Former) -> Result<Box<dyn Feed>, ConnectorError> {
        feed::start(self.clone(), plan.clone(), former)
    }

    fn outlet(
        &self,
        plan: &Plan,
        lengths: Option<BTreeMap<StreamId, u64>>,
    ) -> Result<Box<dyn Outlet>, ConnectorError> {
        outlet::start(self.clone(), plan.clone(), lengths)
    }

    fn ended(&self, plan: &Plan, how: Result<(), &ConnectorError>) {
        if plan.console {
            let how = how.map_err(Clone::clone);
            self.account.with(|account| {
                account.ended.get_or_insert(how);
            });
        }
    }
}

/// A failure of this process as the node takes it. What the host may mend by itself is tried again.
fn error(failure: &Failure) -> ConnectorError {
    let text = match failure.help() {
        Some(help) => format!("{failure}; {help}"),
        None => failure.to_string(),
    };
    match failure {
        Failure::Connector { .. } => ConnectorError::passing(text),
        _ => ConnectorError::last(text),
    }
}
