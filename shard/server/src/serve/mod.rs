//! `ceptra serve`: a durable node.
//!
//! `config` what it is told, in layers · `directory` the data directory · `files` how many may be open · `log` lines on standard error · `admin`
//! HTTP for operators. What a node *is* stands in `shard-node`; here it meets the host: threads, signals,
//! files.
//!
//! Invariants: one process a data directory; a first signal ends the node in order, a second one at once; a
//! shard that ends by itself ends the node.

mod admin;
pub mod config;
mod directory;
mod files;
mod log;
mod tls;

use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::mpsc;
use std::time::Duration;

use net_wire::{Security, may_listen};
use shard_node::lanes::{Lanes, ToShard};
use shard_node::settings::{Hooks, Level};
use shard_rt::uring::{self, ShardConfig, ShardThread};
use shard_rt::{NodeId, Rt, ShardId};

use crate::failure::{Failure, Result};
use crate::run::Signals;
use config::Config;
use directory::DataDir;
use log::Log;

/// How often signals and shards are looked at.
const LOOK: Duration = Duration::from_millis(20);

type Shard = ShardThread<std::result::Result<(), String>>;

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
    let (lanes, receivers) = Lanes::new(settings.shards);
    let (ready, readied) = mpsc::channel();
    let mut shards = Vec::new();
    for (number, lane) in receivers.into_iter().enumerate() {
        let (settings, lanes, ready, lines) = (settings.clone(), lanes.clone(), ready.clone(), log.clone());
        let aborts = data.aborts();
        let keeper = data.abort_keeper();
        let number = number as u32;
        let mut shard = ShardConfig::new(NodeId(0), ShardId(number as u16));
        shard.core = config.cores.get(number as usize).copied();
        shard.io_memory_bytes = config.io_memory_bytes;
        let stalls = log.clone();
        shard.stall_sink = Some(std::sync::Arc::new(move |stall| {
            stalls.line(Level::Debug, &format!("shard {number}: {stall:?}"));
        }));
        let thread = uring::start(shard, move || {
            let levels = lines.clone();
            let hooks = Hooks {
                on_abort: Rc::new(move |abort| keeper.keep(abort)),
                aborts: aborts.into(),
                log: Rc::new(move |level, text| lines.line(level, text)),
                log_level: Rc::new(move |name| {
                    if let Some(level) = log::LogLevel::named(name) {
                        levels.set_level(level);
                    }
                }),
            };
            async move {
                let told = ready.clone();
                let open = move |address| drop(ready.send(Ok((number, address))));
                let ended =
                    shard_node::shard::run(Rt::current(), number, settings, hooks, lanes, lane, open).await;
                if let Err(error) = &ended {
                    let _ = told.send(Err(format!("shard {number}: {error}")));
                }
                ended
            }
        });
        shards.push(thread.map_err(|error| Failure::run(error.to_string()))?);
    }
    drop(ready);
    let doors = wait_until_open(&readied, shards.len(), &mut shards, &signals)?;
    let http = admin::start(admin, lanes.clone(), settings.clone(), log.clone())?;
    log.line(
        Level::Info,
        &format!("node '{}' is up: clients {doors}, admin http://{admin_address}", settings.node),
    );
    let code = watch(&signals, &shards, &log);
    stop(&lanes, &shards);
    let mut failed = None;
    for shard in shards {
        if let Err(error) = shard.join().map_err(|error| error.to_string()).and_then(|ended| ended) {
            failed = Some(error);
        }
    }
    http.stop();
    match failed {
        Some(error) => Err(Failure::run(error)),
        None => {
            log.line(Level::Info, "the node has ended in order");
            Ok(code)
        }
    }
}

/// Tells all shards to end; a lane that is full takes that a moment later.
#[allow(clippy::disallowed_methods, reason = "the main thread of the process waits here")]
fn stop(lanes: &Lanes, shards: &[Shard]) {
    for (number, shard) in shards.iter().enumerate() {
        while !shard.is_finished() && lanes.send(number as u32, ToShard::Stop).is_err() {
            std::thread::sleep(LOOK);
        }
    }
}

/// Waits for all doors; their addresses, for people. However long a log is, it is read; a signal ends that.
fn wait_until_open(
    readied: &mpsc::Receiver<std::result::Result<(u32, SocketAddr), String>>,
    count: usize,
    shards: &mut Vec<Shard>,
    signals: &Signals,
) -> Result<String> {
    let mut doors = Vec::new();
    while doors.len() < count {
        match readied.recv_timeout(LOOK) {
            Ok(Ok(door)) => doors.push(door),
            Ok(Err(error)) => return Err(Failure::run(error)),
            Err(_) => {
                if signals.taken().is_some() {
                    return Err(Failure::run("the node was ended while it started".to_owned()));
                }
                let Some(ended) = shards.iter().position(ShardThread::is_finished) else { continue };
                let error = match shards.remove(ended).join() {
                    Err(error) => error.to_string(),
                    Ok(Err(error)) => error,
                    Ok(Ok(())) => "a shard has ended while the node started".to_owned(),
                };
                return Err(Failure::run(error));
            }
        }
    }
    doors.sort_unstable();
    Ok(doors.iter().map(|(_, address)| address.to_string()).collect::<Vec<_>>().join(", "))
}

/// Waits for a signal, or the end of a shard; the exit code.
#[allow(clippy::disallowed_methods, reason = "the main thread of the process waits here for signals")]
fn watch(signals: &Signals, shards: &[Shard], log: &Log) -> u8 {
    loop {
        if signals.taken().is_some() {
            log.line(Level::Info, "ending: what is under way is finished first");
            return 0;
        }
        if shards.iter().any(ShardThread::is_finished) {
            return 1;
        }
        std::thread::sleep(LOOK);
    }
}
