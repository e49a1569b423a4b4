//! The control group's host, on shard 0: it proposes, and carries what is owed to partitions.
//!
//! Here its life and its deliveries · `machine` the state machine · `config` what the config says · `deploy` from texts
//! to entries · `programs` texts compiled · `routing` the table for clients · `spread`, `spread_tables` whether a program
//! is right on many partitions.
//!
//! Invariants: what is owed is asked of the group's state, never remembered here, so a crash loses nothing;
//! a delivery under way is not begun again until it is answered.

pub(crate) mod config;
pub(crate) mod deploy;
mod machine;
pub(crate) mod programs;
mod routing;
mod spread;
mod spread_tables;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use cep_types::log::{Action as LogAction, Activate, Quarantine};
use cep_types::{Epoch, LogIndex, StampNs};
use raft::{CheckpointKind, Group, NoPeers, Options, RaftError};
use shard_control::{
    Acknowledged, Action, Change, ClusterId, Command, CommandId, Control, Effect, NodeAddresses, NodeSpec,
    Outcome, PartitionRef, Role,
};
use shard_rt::sync::Notify;
use wal::Wal;

use crate::connect::supervise::Supervisor;
use crate::ids::{CONTROL_GROUP, shard_of};
use crate::lanes::{Tell, ToShard};
use crate::partition::PEER;
use crate::settings::{Level, Settings};
use crate::shard::Shard;
use deploy::{DeployError, ENGINE_LEVEL};
use machine::{ControlMachine, entry_of, outcome_of};
use programs::Programs;

/// How long after a failed delivery it is tried again, and how often time is looked at.
const LOOK: Duration = Duration::from_millis(250);
/// The first space.
const MAIN: &str = "main";
/// Who speaks for the node.
const ACTOR: &str = "node";

/// The control group on this node.
pub(crate) struct ControlHost {
    group: Group<ControlMachine>,
    stamp: Cell<i64>,
    /// There may be something to deliver.
    pub(crate) changed: Notify,
    /// Deliveries under way: what, where, which epoch.
    under_way: RefCell<BTreeSet<(PartitionRef, String, Epoch)>>,
    told: Cell<Epoch>,
    /// The sources and sinks of definitions.
    pub(crate) connectors: Supervisor,
    programs: Programs,
    /// Activations that cannot be made of the control group's state, by definition and epoch: said once.
    impossible: RefCell<BTreeSet<(String, Epoch)>>,
}

impl ControlHost {
    /// Starts the control group from the log of shard 0.
    ///
    /// # Errors
    /// If its log cannot be used.
    pub(crate) async fn start(wal: Wal) -> Result<Rc<Self>, RaftError> {
        let mut options = Options::new(PEER);
        options.snapshot_after = Some(1_000);
        let group = Group::start(options, CONTROL_GROUP, wal, ControlMachine::default(), NoPeers).await?;
        group.initialize().await?;
        group.lead().await?;
        let stamp = group.machine(|machine| machine.control.now());
        Ok(Rc::new(ControlHost {
            group,
            stamp: Cell::new(stamp.0),
            changed: Notify::new(),
            under_way: RefCell::default(),
            told: Cell::new(Epoch(0)),
            connectors: Supervisor::default(),
            programs: Programs::default(),
            impossible: RefCell::default(),
        }))
    }

    /// Looks at the state.
    pub(crate) fn look<R>(&self, look: impl FnOnce(&Control) -> R) -> R {
        self.group.machine(|machine| look(&machine.control))
    }

    /// Has the group do something.
    pub(crate) async fn propose(&self, shard: &Shard, command: &Command) -> Result<Outcome, String> {
        let stamp = (shard.rt.wall_ns() as i64).max(self.stamp.get());
        self.stamp.set(stamp);
        let answer = self.group.propose(entry_of(StampNs(stamp), command)).await;
        let outcome = answer.map_err(|error| error.to_string()).and_then(|answer| outcome_of(&answer.bytes));
        self.changed.all();
        outcome
    }

    async fn say(&self, shard: &Shard, role: Role, why: &str, change: Change) -> Result<Outcome, String> {
        let mut rng = shard.rt.rng();
        let id = CommandId(u128::from(rng.draw()) << 64 | u128::from(rng.draw()));
        let (actor, why) = (ACTOR.to_owned(), why.to_owned());
        self.propose(shard, &Command { id, actor, role, why, base: None, change }).await
    }

    /// Founds the cluster, joins this node and makes the first space, unless that is done.
    ///
    /// # Errors
    /// If the group refuses: another node's data, or another number of partitions or shards.
    pub(crate) async fn found(&self, shard: &Shard) -> Result<(), String> {
        let settings = &shard.settings;
        if self.look(|control| control.cluster().is_none()) {
            let change = Change::Found {
                id: ClusterId(settings.founding.cluster),
                name: settings.cluster.clone(),
                engine_level: ENGINE_LEVEL,
            };
            accepted(self.say(shard, Role::Admin, "first start", change).await?)?;
        }
        let found = self.look(|control| control.cluster().map(|cluster| cluster.name.clone()));
        if found.as_deref() != Some(settings.cluster.as_str()) {
            let found = found.unwrap_or_default();
            return Err(format!(
                "the data is of cluster '{found}', not '{}'; name that one, or use another data_dir",
                settings.cluster
            ));
        }
        let spec = spec_of(settings);
        let known = self.look(|control| {
            control
                .nodes()
                .find(|node| node.spec.name == settings.node)
                .map(|node| (node.id, node.spec.clone()))
        });
        match known {
            None => {
                accepted(self.say(shard, Role::Admin, "first start", Change::JoinNode(spec)).await?)?;
            }
            Some((_, had)) if had.shards != spec.shards => {
                return Err(format!(
                    "the data was written by {} shards and cannot be opened by {}; set shards = {}",
                    had.shards, spec.shards, had.shards
                ));
            }
            Some((node, had)) if had != spec => {
                accepted(self.say(shard, Role::Admin, "start", Change::UpdateNode { node, spec }).await?)?;
            }
            Some(_) => {}
        }
        let main = self.look(|control| {
            control.spaces().find(|space| space.name == MAIN).map(|space| space.placements.len())
        });
        match main {
            None => {
                let change = Change::CreateSpace {
                    name: MAIN.to_owned(),
                    partitions: settings.partitions,
                    seed: settings.founding.seed,
                    replicas: 1,
                };
                accepted(self.say(shard, Role::Admin, "first start", change).await?)
            }
            Some(count) if count != settings.partitions as usize => {
                Err(format!("space '{MAIN}' has {count} partitions for ever; set partitions = {count}"))
            }
            Some(_) => Ok(()),
        }
    }

    /// Carries what is owed, for ever.
    pub(crate) async fn deliver(self: Rc<Self>, shard: Rc<Shard>) {
        // Partitions that are there already are started first.
        let there: Vec<PartitionRef> = self.look(|control| {
            let of_space = |space: &shard_control::Space| {
                let id = space.id;
                space
                    .partitions()
                    .map(move |partition| PartitionRef { space: id, partition })
                    .collect::<Vec<_>>()
            };
            control.spaces().flat_map(of_space).collect()
        });
        for partition in there {
            self.begin(&shard, partition, Epoch(0), "partition", ToHost::Host);
        }
        loop {
            self.tell_routing(&shard);
            let due = self.look(|control| control.next_due());
            if due.is_some_and(|due| due.0 <= shard.rt.wall_ns() as i64) {
                let _ = self.say(&shard, Role::Node, "", Change::Tick {}).await;
            }
            for effect in self.look(Control::pending_effects) {
                self.carry(&shard, effect);
            }
            self.look(|control| self.connectors.look(&shard, control, &self.programs));
            let changed = self.changed.notified();
            let _ = shard.rt.timeout(LOOK, changed).await;
        }
    }

    /// Sets what the config says for this node, and tells all shards; whether they could be told.
    fn set_config(&self, shard: &Shard) -> bool {
        let (level, live) = self.look(|control| {
            let set = config::LocalConfig::new(control, &shard.settings.node);
            (set.log_level(), set.live(&shard.settings))
        });
        if let Some(level) = level {
            (shard.hooks.log_level)(&level);
        }
        let sent = (0..shard.lanes.shards()).map(|to| shard.lanes.send(to, ToShard::Live(live)));
        sent.filter(Result::is_err).count() == 0
    }

    /// Sends a new routing table to all shards.
    fn tell_routing(&self, shard: &Shard) {
        let epoch = self.look(Control::epoch);
        if self.told.get() == epoch {
            return;
        }
        let is_set = self.set_config(shard);
        let wrong = |error: DeployError| {
            (shard.hooks.log)(Level::Error, &format!("its streams are not offered: {error}"))
        };
        let table = self.look(|control| routing::table(control, &shard.settings, &self.programs, wrong));
        let table = Arc::new(table);
        let sent =
            (0..shard.lanes.shards()).map(|to| shard.lanes.send(to, ToShard::Routing(Arc::clone(&table))));
        if sent.filter(Result::is_err).count() == 0 && is_set {
            self.told.set(epoch);
        }
    }

    /// Begins what an effect asks for.
    fn carry(self: &Rc<Self>, shard: &Rc<Shard>, effect: Effect) {
        match effect {
            Effect::CreatePartition { partition, epoch, .. } => {
                self.begin(shard, partition, epoch, "partition", ToHost::Host);
            }
            Effect::Config { partition, config, epoch } => match config::entry(&config) {
                Ok(entry) => {
                    self.begin(shard, partition, epoch, "config", ToHost::Tell(Tell::Config(entry)));
                }
                Err(error) => (shard.hooks.log)(Level::Error, &error),
            },
            Effect::Activate { space, partitions, definition, action, epoch } => {
                let entry = match action {
                    Action::Run(version) => {
                        if self.impossible.borrow().contains(&(definition.clone(), epoch)) {
                            return;
                        }
                        let programs = &self.programs;
                        self.look(|control| {
                            deploy::activation(control, programs, &definition, version, epoch)
                        })
                    }
                    Action::Stop => {
                        Ok(Activate { name: definition.clone(), version: 0, epoch, action: LogAction::Stop })
                    }
                };
                let entry = match entry {
                    Ok(entry) => entry,
                    Err(error) => {
                        (shard.hooks.log)(Level::Error, &error.to_string());
                        self.impossible.borrow_mut().insert((definition, epoch));
                        return;
                    }
                };
                for partition in partitions {
                    let partition = PartitionRef { space, partition };
                    let what = format!("definition/{definition}");
                    self.begin(shard, partition, epoch, &what, ToHost::Tell(Tell::Activate(entry.clone())));
                }
            }
            Effect::Quarantine { partition, definition, version, index, epoch } => {
                let entry = Quarantine {
                    name: definition.clone(),
                    version: version.0,
                    epoch,
                    index,
                    reason: "applying it ended the process twice".into(),
                };
                let what = format!("quarantine/{definition}");
                self.begin(shard, partition, epoch, &what, ToHost::Tell(Tell::Quarantine(entry)));
            }
            Effect::MovePartition { partition, .. } => {
                let text = format!("partition {partition} cannot move: this node has no peers yet");
                (shard.hooks.log)(Level::Error, &text);
            }
            Effect::NodeConfig { .. } => {}
        }
    }

    /// Begins a delivery, unless it is under way, and acknowledges it when it is done.
    fn begin(
        self: &Rc<Self>,
        shard: &Rc<Shard>,
        partition: PartitionRef,
        epoch: Epoch,
        what: &str,
        to: ToHost,
    ) {
        let key = (partition, what.to_owned(), epoch);
        if !self.under_way.borrow_mut().insert(key.clone()) {
            return;
        }
        let (host, shard) = (Rc::clone(self), Rc::clone(shard));
        let task = Rc::clone(&shard);
        shard.rt.spawn("delivery", async move {
            let done = host.ask(&task, partition, to).await;
            match done {
                Ok(index) => {
                    if let Some(what) = acknowledged(&key.1).filter(|_| epoch != Epoch(0)) {
                        let change = Change::Acknowledge { partition, what, epoch, index: LogIndex(index) };
                        let _ = host.say(&task, Role::Node, "", change).await;
                    }
                }
                Err(error) => {
                    (task.hooks.log)(Level::Error, &format!("partition {partition}: {}: {error}", key.1));
                    task.rt.sleep(LOOK).await;
                }
            }
            host.under_way.borrow_mut().remove(&key);
            host.changed.all();
        });
    }

    /// Asks the shard that has a partition, and waits for the answer.
    async fn ask(&self, shard: &Rc<Shard>, partition: PartitionRef, to: ToHost) -> Result<u64, String> {
        let at = shard_of(partition, shard.lanes.shards());
        if at == shard.number {
            return match to {
                ToHost::Host => shard.host(partition).await,
                ToHost::Tell(tell) => shard.tell(partition, tell).await,
            };
        }
        let (sender, receiver) = shard_rt::mailbox::channel(1);
        let reply = Box::new(move |answer| {
            let _ = sender.try_send(answer);
        });
        let message = match to {
            ToHost::Host => ToShard::Host(partition, reply),
            ToHost::Tell(tell) => ToShard::Tell(partition, tell, reply),
        };
        shard.lanes.send(at, message).map_err(|error| error.to_string())?;
        let mut receiver = receiver;
        receiver.recv().await.unwrap_or_else(|| Err("the shard has ended".into()))
    }

    /// What the admin asks most.
    pub(crate) fn report(&self) -> crate::report::ControlReport {
        self.look(|control| crate::report::ControlReport {
            ready: control.cluster().is_some(),
            epoch: control.epoch(),
            owed: control.pending_effects().len() as u64,
        })
    }

    /// Writes down where it is, and ends.
    pub(crate) async fn shutdown(&self) {
        let _ = self.group.snapshot(CheckpointKind::Full).await;
        let _ = self.group.shutdown().await;
    }
}

/// What a partition is asked for.
enum ToHost {
    /// To be there.
    Host,
    /// To log this.
    Tell(Tell),
}

fn acknowledged(what: &str) -> Option<Acknowledged> {
    match what.split_once('/') {
        Some(("definition", name)) => Some(Acknowledged::Definition(name.to_owned())),
        Some(("quarantine", name)) => Some(Acknowledged::Quarantine(name.to_owned())),
        None if what == "partition" => Some(Acknowledged::Placement),
        None if what == "config" => Some(Acknowledged::Config),
        _ => None,
    }
}

fn accepted(outcome: Outcome) -> Result<(), String> {
    match outcome.refusal() {
        Some(refusal) => Err(refusal.to_string()),
        None => Ok(()),
    }
}

fn spec_of(settings: &Settings) -> NodeSpec {
    let host = if settings.advertise.contains(':') {
        format!("[{}]", settings.advertise)
    } else {
        settings.advertise.clone()
    };
    let client = format!("{host}:{}", settings.listen.port());
    NodeSpec {
        name: settings.node.clone(),
        addresses: NodeAddresses { peer: client.clone(), client, admin: settings.admin.clone() },
        shards: settings.shards,
        engine_level_min: ENGINE_LEVEL,
        engine_level_max: ENGINE_LEVEL,
    }
}
