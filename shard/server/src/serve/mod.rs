//! `ceptra serve`: a durable node.
//!
//! `config` what it is told, in layers · `directory` the data directory · `files` how many may be open ·
//! `threads` its shards · `connect` sources and sinks · `log` lines on standard error · `admin` HTTP for operators ·
//! `console` a node for one app. What a node *is* stands in `shard-node`; here it meets the host: threads, signals,
//! files.
//!
//! Invariants: one process a data directory; a first signal ends the node in order, a second one at once; a
//! shard that ends by itself ends the node.

mod admin;
pub mod config;
mod connect;
pub mod console;
mod directory;
mod files;
pub mod log;
mod threads;
mod tls;

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use net_connect::OutputFormat;
use net_wire::{Security, may_listen};
use shard_node::settings::Level;
use shard_rt::uring;

use crate::failure::{Failure, Result};
use crate::run::{Playback, Show, Signals};
use crate::talk::Talk;
use config::Config;
use connect::HostConnectors;
use directory::DataDir;
use log::Log;
use threads::{Levels, Lines, Threads};

/// How often signals and shards are looked at.
const LOOK: Duration = Duration::from_millis(20);

/// Runs a node until a signal ends it; returns the exit code.
///
/// # Errors
/// What keeps it from starting, or ended it.
pub fn serve(config: Config) -> Result<u8> {
    let log = Log::new(config.log_level, config.log_format);
    let tls = tls::load(&config)?;
    let plain = if config.insecure { Security::Insecure } else { Security::Plain };
    let door = if tls.is_some() { Security::MutualTls } else { plain };
    may_listen(config.listen, door).map_err(|error| {
        Failure::usage(
            error.to_string(),
            "listen on loopback, set tls_certificate, tls_key and tls_client_ca, or say --insecure",
        )
    })?;
    may_listen(config.admin, plain).map_err(|error| {
        Failure::usage(
            error.to_string(),
            "admin HTTP is for the host itself: listen on loopback, or say --insecure",
        )
    })?;
    let connections_max = (config.connections_max as u64).saturating_mul(config.shards.into());
    files::raise_limit(connections_max, &log);
    uring::check_host().map_err(|error| Failure::run(error.to_string()))?;
    let signals = Signals::install().map_err(|error| Failure::run(format!("no signal handler: {error}")))?;
    let data = DataDir::open(&config.data_dir, &config.node)?;
    let admin = TcpListener::bind(config.admin).map_err(|error| {
        Failure::run(format!("cannot listen on {} for admin HTTP: {error}", config.admin))
    })?;
    let admin_address =
        admin.local_addr().map_err(|error| Failure::run(format!("admin HTTP has no address: {error}")))?;
    let mut settings = config.settings(data.founding());
    settings.admin = admin_address.to_string();
    settings.tls = tls;
    let (lines, levels) = (log.clone(), log.clone());
    let lines: Lines = Arc::new(move |level, text| lines.line(level, text));
    let levels: Levels = Arc::new(move |name| {
        if let Some(level) = log::LogLevel::named(name) {
            levels.set_level(level);
        }
    });
    let connectors = HostConnectors {
        base_dir: config.connectors_dir.clone(),
        show: Show { format: OutputFormat::Json, limit: None, tag: Some(true) },
        playback: Playback::Max,
        talk: Talk::into_log(log.clone()),
        signals: signals.clone(),
        account: connect::Shared::default(),
    };
    let threads = Threads::start(&settings, &config, &data, &lines, &levels, &connectors, &signals)?;
    let http = admin::start(admin, threads.lanes.clone(), settings.clone(), log.clone())?;
    log.line(
        Level::Info,
        &format!("node '{}' is up: clients {}, admin http://{admin_address}", settings.node, threads.doors),
    );
    let code = watch(&signals, &threads, &log);
    let stopped = threads.stop();
    http.stop();
    stopped?;
    log.line(Level::Info, "the node has ended in order");
    Ok(code)
}

/// Waits for a signal, or the end of a shard; the exit code.
#[allow(clippy::disallowed_methods, reason = "the main thread of the process waits here for signals")]
fn watch(signals: &Signals, threads: &Threads, log: &Log) -> u8 {
    loop {
        if signals.taken().is_some() {
            log.line(Level::Info, "ending: what is under way is finished first");
            return 0;
        }
        if threads.has_ended() {
            return 1;
        }
        std::thread::sleep(LOOK);
    }
}
