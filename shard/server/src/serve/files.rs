//! How many files the process may have open: each connection is one.

use rustix::process::{Resource, getrlimit, setrlimit};
use shard_node::settings::Level;

use super::log::Log;

/// What a node needs besides connections: segments, rings, admin HTTP.
const OTHERS: u64 = 1024;

/// Raises the limit to what the system allows, and warns when that is less than the connections need.
pub fn raise_limit(connections_max: u64, log: &Log) {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // A refusal leaves the limit as it was, which is judged next.
    let _ = setrlimit(Resource::Nofile, limit);
    let needed = connections_max.saturating_add(OTHERS);
    if let Some(files) = getrlimit(Resource::Nofile).current.filter(|files| *files < needed) {
        let text = format!(
            "{files} open files are allowed, {connections_max} connections may need {needed}; raise the limit \
             (ulimit -Hn, LimitNOFILE=), or lower connections_max"
        );
        log.line(Level::Warn, &text);
    }
}
