//! A node in the simulator, and its admin.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use cep_types::hash::SpaceSeed;
use shard_control::{Change, Command, CommandId, Control, Outcome, Role};
use shard_node::Abort;
use shard_node::connect::Connectors;
use shard_node::lanes::{Lanes, Tell, ToShard, partition_of};
use shard_node::settings::{Founding, Hooks, Settings};
use shard_rt::sim::Sim;
use shard_rt::{NodeId, ShardId};

use crate::sources::{Files, TestConnectors};

pub const PORT: u16 = 26020;

/// What outlives a crash besides the disk.
#[derive(Default)]
pub struct Kept {
    pub aborts: RefCell<Vec<Abort>>,
    pub log: RefCell<Vec<String>>,
    /// A definition with a defect.
    pub defect: RefCell<Option<String>>,
    /// What sources and sinks there are.
    pub files: Option<Rc<Files>>,
    /// Those of the life that goes on now.
    pub lanes: RefCell<Option<Lanes>>,
}

pub fn settings(sim: &Sim, node: NodeId, shards: u32, partitions: u32) -> Settings {
    let founding = Founding { cluster: 77, seed: SpaceSeed(5) };
    let address = sim.addr(node, PORT);
    Settings {
        shards,
        partitions,
        listen: address,
        advertise: address.ip().to_string(),
        segment_bytes: 1 << 20,
        checkpoint_interval: Duration::from_millis(40),
        checkpoint_incremental_interval: Duration::from_millis(12),
        heartbeat: Duration::from_millis(200),
        ..Settings::new("n1", "/data", founding)
    }
}

/// Starts all shards of a node that is up.
pub fn start(sim: &Sim, node: NodeId, settings: &Settings, kept: &Rc<Kept>) {
    let (lanes, receivers) = Lanes::new(settings.shards);
    *kept.lanes.borrow_mut() = Some(lanes.clone());
    for (number, lane) in receivers.into_iter().enumerate() {
        let shard = ShardId(number as u16);
        let rt = sim.rt(node, shard);
        let (aborts, logs) = (Rc::clone(kept), Rc::clone(kept));
        let hooks = Hooks {
            on_abort: Rc::new(move |abort| aborts.aborts.borrow_mut().push(abort.clone())),
            aborts: kept.aborts.borrow().clone().into(),
            defect: kept.defect.borrow().clone(),
            connectors: connectors(kept, number),
            log: Rc::new(move |level, text| logs.log.borrow_mut().push(format!("{level:?} {text}"))),
            log_level: Rc::new(|_| ()),
        };
        let (settings, lanes) = (settings.clone(), lanes.clone());
        let kept = Rc::clone(kept);
        sim.spawn(node, shard, "shard", async move {
            let number = number as u32;
            let ended = shard_node::shard::run(rt, number, settings, hooks, lanes, lane, |_| ()).await;
            if let Err(error) = ended {
                kept.log.borrow_mut().push(format!("Error shard {number} ended: {error}"));
            }
        });
    }
}

/// The connectors of shard 0.
fn connectors(kept: &Kept, number: usize) -> Option<Rc<dyn Connectors>> {
    let files = kept.files.clone().filter(|_| number == 0)?;
    Some(Rc::new(TestConnectors(files)))
}

/// Sends to a shard and waits for the answer; `None` when there is none soon.
pub async fn ask<T: Send + 'static>(
    kept: &Kept,
    shard: u32,
    message: impl FnOnce(Box<dyn FnOnce(T) + Send>) -> ToShard,
) -> Option<T> {
    let lanes = kept.lanes.borrow().clone()?;
    let (sender, mut receiver) = shard_rt::mailbox::channel(1);
    lanes.send(shard, message(Box::new(move |answer| drop(sender.try_send(answer))))).ok()?;
    shard_rt::timeout(Duration::from_millis(500), receiver.recv()).await.ok()?
}

/// Has the control group do something, until it answers.
pub async fn propose(kept: &Kept, id: u128, change: Change) -> Outcome {
    loop {
        let command = Command {
            id: CommandId(id),
            actor: "test".into(),
            role: Role::Admin,
            why: String::new(),
            base: None,
            change: change.clone(),
        };
        match ask(kept, 0, |reply| ToShard::Propose(Box::new(command), reply)).await {
            Some(Ok(outcome)) => return outcome,
            _ => shard_rt::sleep(Duration::from_millis(5)).await,
        }
    }
}

/// Waits until the control group's state is as wanted.
pub async fn until(kept: &Kept, wanted: fn(&Control) -> bool) {
    loop {
        let look = |reply: Box<dyn FnOnce(bool) + Send>| {
            ToShard::Control(Box::new(move |control: Option<&Control>| reply(control.is_some_and(wanted))))
        };
        if ask(kept, 0, look).await == Some(true) {
            return;
        }
        shard_rt::sleep(Duration::from_millis(5)).await;
    }
}

/// Ends a stream in a partition.
pub async fn end_of_input(kept: &Kept, shards: u32, partition: u32, stream: cep_types::StreamId) {
    let id = partition_of(0, partition);
    loop {
        let tell = |reply| ToShard::Tell(id, Tell::EndOfInput(stream), reply);
        if let Some(Ok(_)) = ask(kept, shard_node::shard_of(id, shards), tell).await {
            return;
        }
        shard_rt::sleep(Duration::from_millis(5)).await;
    }
}
