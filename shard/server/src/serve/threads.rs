//! The shards of a node as threads of this process.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::{Arc, mpsc};

use shard_node::connect::Connectors;
use shard_node::lanes::{Lanes, ToShard};
use shard_node::settings::{Hooks, Level, Settings};
use shard_rt::uring::{self, ShardConfig, ShardThread};
use shard_rt::{NodeId, Rt, ShardId};

use super::LOOK;
use super::config::Config;
use super::connect::HostConnectors;
use super::directory::DataDir;
use crate::failure::{Failure, Result};
use crate::run::Signals;

type Shard = ShardThread<std::result::Result<(), String>>;

/// Where lines of a node's log go.
pub type Lines = Arc<dyn Fn(Level, &str) + Send + Sync>;

/// What takes the level of the log that the cluster wants.
pub type Levels = Arc<dyn Fn(&str) + Send + Sync>;

/// The shards of a node.
pub struct Threads {
    /// The ways to them.
    pub lanes: Lanes,
    /// Where clients reach them, for people.
    pub doors: String,
    shards: Vec<Shard>,
}

impl Threads {
    /// Starts all shards, and waits until their doors are open.
    ///
    /// # Errors
    /// What keeps one of them from starting.
    pub fn start(
        settings: &Settings,
        config: &Config,
        data: &DataDir,
        lines: &Lines,
        levels: &Levels,
        connectors: &HostConnectors,
        signals: &Signals,
    ) -> Result<Self> {
        let (lanes, receivers) = Lanes::new(settings.shards);
        let (ready, readied) = mpsc::channel();
        let mut shards = Vec::new();
        for (number, lane) in receivers.into_iter().enumerate() {
            let (settings, lanes, ready) = (settings.clone(), lanes.clone(), ready.clone());
            let (lines, levels, connectors) = (Arc::clone(lines), Arc::clone(levels), connectors.clone());
            let aborts = data.aborts();
            let defect = defect();
            let keeper = data.abort_keeper();
            let number = number as u32;
            let mut shard = ShardConfig::new(NodeId(0), ShardId(number as u16));
            shard.core = config.cores.get(number as usize).copied();
            shard.io_memory_bytes = config.io_memory_bytes;
            // What an idle shard costs is its ticks.
            shard.tick = uring::TICK_MAX;
            let stalls = Arc::clone(&lines);
            shard.stall_sink = Some(Arc::new(move |stall| {
                stalls(Level::Debug, &format!("shard {number}: {stall:?}"));
            }));
            let thread = uring::start(shard, move || {
                let hooks = Hooks {
                    on_abort: Rc::new(move |abort| keeper.keep(abort)),
                    aborts: aborts.into(),
                    defect,
                    connectors: (number == 0).then(|| Rc::new(connectors) as Rc<dyn Connectors>),
                    log: Rc::new(move |level, text| lines(level, text)),
                    log_level: Rc::new(move |name| levels(name)),
                };
                async move {
                    let told = ready.clone();
                    let open = move |address| drop(ready.send(Ok((number, address))));
                    let ended =
                        shard_node::shard::run(Rt::current(), number, settings, hooks, lanes, lane, open)
                            .await;
                    if let Err(error) = &ended {
                        let _ = told.send(Err(format!("shard {number}: {error}")));
                    }
                    ended
                }
            });
            shards.push(thread.map_err(|error| Failure::run(error.to_string()))?);
        }
        drop(ready);
        let doors = wait_until_open(&readied, shards.len(), &mut shards, signals)?;
        Ok(Threads { lanes, doors, shards })
    }

    /// Whether one of them has ended by itself.
    pub fn has_ended(&self) -> bool {
        self.shards.iter().any(ShardThread::is_finished)
    }

    /// Ends all in order.
    ///
    /// # Errors
    /// What one of them ended with.
    #[allow(clippy::disallowed_methods, reason = "the main thread of the process waits here")]
    pub fn stop(self) -> Result<()> {
        for (number, shard) in self.shards.iter().enumerate() {
            // A lane that is full takes that a moment later.
            while !shard.is_finished() && self.lanes.send(number as u32, ToShard::Stop).is_err() {
                std::thread::sleep(LOOK);
            }
        }
        let mut failed = None;
        for shard in self.shards {
            if let Err(error) = shard.join().map_err(|error| error.to_string()).and_then(|ended| ended) {
                failed = Some(error);
            }
        }
        failed.map_or(Ok(()), |error| Err(Failure::run(error)))
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
                    return Err(Failure::run("the node was ended while it started"));
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

/// The definition that the environment wants to have a defect. Builds for users have no such switch.
fn defect() -> Option<String> {
    if cfg!(debug_assertions) { std::env::var("CEPTRA_DEFECT").ok() } else { None }
}
