//! One shard's life: its log, its partitions, its door, its lane.
//!
//! Invariants: a shard ends in order: no new connections, what was appended is answered, checkpoints are
//! made, the log is closed; a shard whose log failed stays up and says so.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use cep_types::log::Quarantine;
use futures_util::future::join_all;
use raft::CheckpointKind;
use shard_control::{Change, Command, CommandId, DefinitionVersion, PartitionRef, Role};
use shard_rt::mailbox::Receiver;
use shard_rt::sync::Notify;
use shard_rt::{AbortOnDrop, Listener, Rt};
use wal::{Options, Wal};

use crate::connect;
use crate::control::ControlHost;
use crate::door::view::View;
use crate::door::{self, Connections};
use crate::lanes::{Lanes, Tell, ToShard};
use crate::partition::Partition;
use crate::partition::queue::TellItem;
use crate::partition::reserve::Reserve;
use crate::query::{self, Unanswered};
use crate::report::{LogReport, ShardReport};
use crate::settings::{Hooks, Level, Live, Settings};

/// How long a stop waits for what is under way.
const DRAIN: Duration = Duration::from_secs(10);
/// Characters of a reason for the audit.
const WHY_CHARS_MAX: usize = 200;
/// How long a partition that is told something is waited for.
const HERE: Duration = Duration::from_secs(30);
/// How long clients may take to leave when the server stops.
const GOODBYE: Duration = Duration::from_millis(200);

/// A shard.
pub(crate) struct Shard {
    pub(crate) rt: Rt,
    pub(crate) number: u32,
    pub(crate) settings: Settings,
    pub(crate) hooks: Hooks,
    pub(crate) lanes: Lanes,
    wal: Wal,
    reserve: Reserve,
    partitions: RefCell<BTreeMap<PartitionRef, Hosted>>,
    starting: RefCell<Vec<PartitionRef>>,
    started: Notify,
    pub(crate) view: RefCell<View>,
    /// What the cluster's config says of the settings.
    pub(crate) live: Cell<Live>,
    pub(crate) connections: Connections,
    pub(crate) stopping: Cell<bool>,
    /// Questions that are being answered.
    pub(crate) questions: Cell<u32>,
    /// Bytes of answers that wait for their clients.
    pub(crate) unsent_bytes: Cell<usize>,
    control: RefCell<Option<Rc<ControlHost>>>,
}

struct Hosted {
    partition: Rc<Partition>,
    _tasks: Vec<AbortOnDrop<()>>,
}

/// Runs a shard until it is stopped. `ready` is called when its door is open, with its address.
///
/// # Errors
/// What keeps it from starting, for people.
pub async fn run(
    rt: Rt,
    number: u32,
    settings: Settings,
    hooks: Hooks,
    lanes: Lanes,
    lane: Receiver<ToShard>,
    ready: impl FnOnce(SocketAddr),
) -> Result<(), String> {
    let dir = settings.data_dir.join(format!("shard-{number}"));
    let options = Options {
        segment_bytes: settings.segment_bytes,
        segments_max: settings.segments_max,
        mode: settings.mode,
        ..Options::default()
    };
    let (wal, recovered) = Wal::open(&rt, &dir, options).await.map_err(|error| error.to_string())?;
    for (partition, ranges) in wal.damage() {
        let ranges: Vec<String> = ranges.iter().map(ToString::to_string).collect();
        let text = format!("the log of {partition} is damaged at {}", ranges.join(", "));
        (hooks.log)(Level::Error, &text);
    }
    let _ = recovered;
    let listener = listen(&rt, number, &settings)?;
    let bound = listener.local_addr();
    let mut settings = settings;
    if settings.listen.port() == 0 {
        // Clients are told the port that it came to be.
        settings.listen = bound;
    }
    let pace = raft::Pace::new(settings.checkpoint_bytes_per_s);
    let shard = Rc::new(Shard {
        rt: rt.clone(),
        number,
        live: Cell::new(settings.live()),
        settings,
        hooks,
        lanes,
        wal: wal.clone(),
        reserve: Reserve::new(pace),
        partitions: RefCell::default(),
        starting: RefCell::default(),
        started: Notify::new(),
        view: RefCell::default(),
        connections: Connections::default(),
        stopping: Cell::new(false),
        questions: Cell::new(0),
        unsent_bytes: Cell::new(0),
        control: RefCell::new(None),
    });
    let mut tasks = Vec::new();
    if number == 0 {
        let control = ControlHost::start(wal.clone()).await.map_err(|error| error.to_string())?;
        control.found(&shard).await?;
        *shard.control.borrow_mut() = Some(Rc::clone(&control));
        tasks.push(rt.spawn("control deliveries", control.deliver(Rc::clone(&shard))).abort_on_drop());
    }
    tasks.push(rt.spawn("door", door::listen(Rc::clone(&shard), listener)).abort_on_drop());
    ready(bound);
    shard.serve_lane(lane).await;
    drop(tasks);
    shard.stop().await;
    wal.close().await.map_err(|error| error.to_string())
}

/// Opens the door of a shard: shard n listens n ports above shard 0.
fn listen(rt: &Rt, number: u32, settings: &Settings) -> Result<Listener, String> {
    let port = match settings.listen.port() {
        0 => Some(0),
        port => u16::try_from(u32::from(port) + number).ok(),
    };
    let port =
        port.ok_or("listen: its port leaves no room for the ports of all shards; choose a lower one")?;
    rt.net().listen(SocketAddr::new(settings.listen.ip(), port)).map_err(|error| error.to_string())
}

impl Shard {
    /// A partition that is here.
    pub(crate) fn partition(&self, id: PartitionRef) -> Option<Rc<Partition>> {
        self.partitions.borrow().get(&id).map(|hosted| Rc::clone(&hosted.partition))
    }

    /// Has a partition be here; answers with its last entry.
    pub(crate) async fn host(&self, id: PartitionRef) -> Result<u64, String> {
        loop {
            if let Some(partition) = self.partition(id) {
                return Ok(partition.group.metrics().applied.map_or(0, |at| at.index.0));
            }
            if !self.starting.borrow().contains(&id) {
                break;
            }
            self.started.notified().await;
        }
        self.starting.borrow_mut().push(id);
        let share = self.reserve.share();
        let started =
            Partition::start(&self.rt, id, self.wal.clone(), &self.settings, self.hooks.clone(), share).await;
        self.starting.borrow_mut().retain(|other| *other != id);
        let partition = match started {
            Ok(partition) => partition,
            Err(error) => {
                self.started.all();
                return Err(error.to_string());
            }
        };
        let tasks = partition.run();
        for fence in partition.owed_fences() {
            self.quarantine(id, fence);
        }
        let applied = partition.group.metrics().applied.map_or(0, |at| at.index.0);
        self.partitions.borrow_mut().insert(id, Hosted { partition, _tasks: tasks });
        self.started.all();
        Ok(applied)
    }

    /// Tells the control group of a definition that ended earlier processes.
    fn quarantine(&self, partition: PartitionRef, fence: Quarantine) {
        let Quarantine { name, version, index, reason, .. } = fence;
        let mut rng = self.rt.rng();
        let change = Change::Quarantine {
            definition: name.clone(),
            version: DefinitionVersion(version),
            partition: partition.partition,
            index,
        };
        let command = Command {
            id: CommandId(u128::from(rng.draw()) << 64 | u128::from(rng.draw())),
            actor: self.settings.node.clone(),
            role: Role::Node,
            why: reason.chars().take(WHY_CHARS_MAX).collect(),
            base: None,
            change,
        };
        let text = format!("partition {partition}: definition '{name}' is fenced at entry {}", index.0);
        (self.hooks.log)(Level::Error, &text);
        if let Err(error) = self.lanes.send(0, ToShard::Propose(Box::new(command), Box::new(|_| ()))) {
            (self.hooks.log)(Level::Error, &error.to_string());
        }
    }

    /// A partition that is to be here, when it is.
    pub(crate) async fn here(&self, id: PartitionRef) -> Result<Rc<Partition>, String> {
        let here = async {
            loop {
                match self.partition(id) {
                    Some(partition) => return partition,
                    None => self.started.notified().await,
                }
            }
        };
        let here = self.rt.timeout(HERE, here).await;
        here.map_err(|_| format!("partition {id} is not here"))
    }

    /// Puts something into the log of a partition; answers with its index when it is applied.
    pub(crate) async fn tell(&self, id: PartitionRef, tell: Tell) -> Result<u64, String> {
        let partition = self.here(id).await?;
        let (sender, receiver) = shard_rt::sync::oneshot::channel();
        let done = Box::new(move |answer: Result<u64, raft::RaftError>| {
            let _ = sender.send(answer.map_err(|error| error.to_string()));
        });
        partition.tell(TellItem { tell, done });
        receiver.await.unwrap_or_else(|_| Err("the partition has ended".into()))
    }

    /// Does what comes by the lane, until it says stop.
    async fn serve_lane(self: &Rc<Self>, mut lane: Receiver<ToShard>) {
        while let Some(message) = lane.recv().await {
            let shard = Rc::clone(self);
            match message {
                ToShard::Stop => return,
                ToShard::Live(live) => self.live.set(live),
                ToShard::Routing(routing) => {
                    *self.view.borrow_mut() = View::new(routing);
                    self.connections.tell_routing();
                }
                ToShard::Host(partition, reply) => {
                    self.rt.spawn("host", async move { reply(shard.host(partition).await) });
                }
                ToShard::Tell(partition, tell, reply) => {
                    self.rt.spawn("tell", async move { reply(shard.tell(partition, tell).await) });
                }
                ToShard::Query(partition, ask, reply) => {
                    self.rt.spawn("query", async move {
                        reply(match shard.partition(partition) {
                            Some(here) => query::part::answer(&shard.rt, &here, ask).await,
                            None => {
                                let text = format!("partition {partition} is not here yet; try again");
                                Err(Unanswered::later(net_wire::Status::TransientRetry, text))
                            }
                        });
                    });
                }
                ToShard::QueryAll(ask, reply) => {
                    self.rt.spawn("query", async move { reply(query::all::answer(&shard, *ask).await) });
                }
                feed @ (ToShard::Feed(..)
                | ToShard::Sources(..)
                | ToShard::Handed(..)
                | ToShard::Collect(..)) => connect::shard::serve(self, feed),
                ToShard::Report { hashes, reply } => reply(self.report(hashes)),
                ToShard::Propose(command, reply) => {
                    let control = self.control.borrow().clone();
                    self.rt.spawn("proposal", async move {
                        reply(match control {
                            Some(control) => control.propose(&shard, &command).await,
                            None => Err("the control group is on shard 0".into()),
                        });
                    });
                }
                ToShard::Control(look) => match self.control.borrow().as_ref() {
                    Some(control) => control.look(|control| look(Some(control))),
                    None => look(None),
                },
                ToShard::ControlReport(reply) => {
                    let control = self.control.borrow();
                    reply(control.as_ref().map(|control| control.report()).unwrap_or_default());
                }
            }
        }
    }

    /// How it is; with hashes of states, which take as long as a checkpoint, only where asked for.
    fn report(&self, hashes: bool) -> ShardReport {
        let stats = self.wal.stats();
        let exec = self.rt.stats();
        let partitions = self.partitions.borrow();
        ShardReport {
            shard: self.number,
            partitions: partitions
                .values()
                .map(|hosted| {
                    let mut report = hosted.partition.report();
                    if hashes {
                        report.state_hash = hosted.partition.state_hash();
                    }
                    report
                })
                .collect(),
            connections: self.connections.open() as u64,
            connections_refused: self.connections.refused.get(),
            log: LogReport {
                records: stats.counters.records,
                bytes: stats.counters.bytes,
                writes: stats.counters.batches,
                flushes: stats.counters.flushes,
                segments: stats.segments as u64,
            },
            stalls: exec.stalls_poll + exec.stalls_loop,
            poisoned: self.wal.poisoned().map(|error| error.to_string()),
            now_ns: self.rt.now(),
        }
    }

    /// Ends in order.
    async fn stop(&self) {
        self.stopping.set(true);
        let control = self.control.borrow().clone();
        if let Some(control) = control {
            let _ = self.rt.timeout(DRAIN, control.connectors.stop()).await;
        }
        self.connections.goodbye(DRAIN);
        let partitions: Vec<Rc<Partition>> =
            self.partitions.borrow().values().map(|hosted| Rc::clone(&hosted.partition)).collect();
        let drained = join_all(partitions.iter().map(|partition| partition.drain()));
        if self.rt.timeout(DRAIN, drained).await.is_err() {
            (self.hooks.log)(Level::Warn, "what waits is not answered in time; clients send it again");
        }
        self.rt.sleep(GOODBYE).await;
        self.connections.end();
        let checkpoints = join_all(partitions.iter().map(async |partition| {
            partition.checkpoint(CheckpointKind::Incremental).await;
            partition.settle().await;
        }));
        if self.rt.timeout(DRAIN, checkpoints).await.is_err() {
            (self.hooks.log)(
                Level::Warn,
                "not all checkpoints are made in time; the next start takes longer",
            );
        }
        for partition in &partitions {
            let _ = partition.group.shutdown().await;
        }
        let control = self.control.borrow_mut().take();
        if let Some(control) = control {
            control.shutdown().await;
        }
        self.partitions.borrow_mut().clear();
    }
}
