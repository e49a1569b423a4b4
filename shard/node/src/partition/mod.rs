//! A partition on its shard: its group, its queue, its outputs.
//!
//! Here its life · `queue` what waits · `former` how that becomes entries · `reserve` room in the log for
//! checkpoints · `checkpoint` when they are made · `cut` one on its way · `machine` its state machine · `answer` outcomes as bytes · `outputs` rows kept for
//! subscribers · `holds` what sinks wait for · `tick` that time passes · `abort` definitions that end the
//! process.
//!
//! Invariants: entries are formed and handed over one behind the other, so appends are logged in the order
//! in which they came; the stamp never goes back (R-DET-2); while entries are written and applied the next
//! one gathers, so an idle partition answers at once and a busy one in large entries (DESIGN §4); appends
//! leave the room in the log that checkpoints need, because only they lead to purges.

pub(crate) mod abort;
mod answer;
mod checkpoint;
mod cut;
mod former;
pub(crate) mod holds;
mod machine;
pub(crate) mod outputs;
pub(crate) mod queue;
pub(crate) mod reserve;
mod tick;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use cep_engine::Partition as Engine;
use cep_types::log::Quarantine;
use cep_types::{LogIndex, StreamId};
use raft::{Group, NoPeers, Options, PeerId, RaftError};
use shard_control::PartitionRef;
use shard_rt::sync::Notify;
use shard_rt::{AbortOnDrop, Rt};
use wal::Wal;

use crate::ids::group_of;
use crate::report::{Counts, DefinitionReport, PartitionReport};
use crate::settings::{Hooks, Lines, Settings};
use checkpoint::Checkpoints;
use machine::PartitionMachine;
use outputs::Outputs;
use queue::{AppendItem, ENTRY_BYTES_MAX, Queue, TellItem};
use reserve::Share;

/// The only voter of a group, as long as nodes have no peers.
pub(crate) const PEER: PeerId = PeerId(1);

/// A partition that this shard has.
pub(crate) struct Partition {
    pub(crate) id: PartitionRef,
    pub(crate) group: Group<PartitionMachine>,
    pub(crate) outputs: Rc<Outputs>,
    counts: Rc<RefCell<Counts>>,
    queue: RefCell<Queue>,
    work: Notify,
    stamp: Cell<i64>,
    /// Entries are being written or applied.
    busy: Cell<bool>,
    /// The log has no room for entries now.
    is_short: Cell<bool>,
    reserve: Share,
    wal: Wal,
    entry_bytes_max: usize,
    failed: RefCell<Option<String>>,
    /// Told when an entry was applied.
    applied: Rc<Notify>,
    checkpoints: Checkpoints,
    log: Lines,
    rt: Rt,
}

impl Partition {
    /// Starts a partition from the log of its shard; a new one begins empty.
    ///
    /// # Errors
    /// If its log cannot be used.
    pub(crate) async fn start(
        rt: &Rt,
        id: PartitionRef,
        wal: Wal,
        settings: &Settings,
        hooks: Hooks,
        reserve: Share,
    ) -> Result<Rc<Self>, RaftError> {
        let log = wal.clone();
        let outputs = Rc::new(Outputs::new(settings.retain_bytes));
        let counts = Rc::new(RefCell::new(Counts::default()));
        let applied = Rc::new(Notify::new());
        let shared = (Rc::clone(&outputs), Rc::clone(&counts), Rc::clone(&applied));
        let lines = Rc::clone(&hooks.log);
        let machine = PartitionMachine::new(id, shared, hooks);
        let mut options = Options::new(PEER);
        // What a peer would need is for peers.
        options.entries_kept = 0;
        options.fulls_kept = 2;
        options.pace = Some(reserve.pace());
        let record_bytes_max = usize::try_from(wal.options().record_bytes_max()).unwrap_or(usize::MAX);
        options.chunk_bytes_max = options.chunk_bytes_max.min(record_bytes_max / 2);
        // Half of a record, as one append more may be added to what fits.
        let entry_bytes_max = ENTRY_BYTES_MAX.min(record_bytes_max / 2);
        let group = Group::start(options, group_of(id), wal, machine, NoPeers).await?;
        group.initialize().await?;
        group.lead().await?;
        let stamp = group.machine(|machine| machine.replica().stamp());
        // What was replayed was done by an earlier process.
        *counts.borrow_mut() = Counts::default();
        reserve.set(group.machine(PartitionMachine::checkpoint_bytes));
        Ok(Rc::new(Partition {
            id,
            group,
            outputs,
            counts,
            queue: RefCell::default(),
            work: Notify::new(),
            stamp: Cell::new(stamp.0),
            busy: Cell::new(false),
            is_short: Cell::new(false),
            reserve,
            wal: log,
            entry_bytes_max,
            failed: RefCell::new(None),
            applied,
            checkpoints: Checkpoints::new(settings, rt.now()),
            log: lines,
            rt: rt.clone(),
        }))
    }

    /// The tasks of the partition; they end when these are dropped.
    pub(crate) fn run(self: &Rc<Self>) -> Vec<AbortOnDrop<()>> {
        let former = Rc::clone(self);
        let former = self.rt.spawn("batch former", async move { former.form().await });
        let keeper = Rc::clone(self);
        let keeper = self.rt.spawn("checkpoints", async move { keeper.keep_checkpoints().await });
        let ticker = Rc::clone(self);
        let ticker = self.rt.spawn("ticks", async move { ticker.tick().await });
        vec![former.abort_on_drop(), keeper.abort_on_drop(), ticker.abort_on_drop()]
    }

    /// Queues rows; `false` if there is no room for them now.
    pub(crate) fn append(&self, item: AppendItem, settings: &Settings) -> Result<(), AppendItem> {
        let room = self.queue.borrow().has_room(&item, settings.queue);
        if !room || self.outputs.is_full() {
            self.counts.borrow_mut().backpressured += 1;
            return Err(item);
        }
        self.queue.borrow_mut().push_append(item);
        self.work.one();
        Ok(())
    }

    /// Queues rows behind each other, all or none of them.
    pub(crate) fn append_all(
        &self,
        items: Vec<AppendItem>,
        settings: &Settings,
    ) -> Result<(), Vec<AppendItem>> {
        let room = self.queue.borrow().has_room_for(&items, settings.queue);
        if !room || self.outputs.is_full() {
            return Err(items);
        }
        items.into_iter().for_each(|item| self.queue.borrow_mut().push_append(item));
        self.work.one();
        Ok(())
    }

    /// Whether some definition takes rows of a stream now.
    pub(crate) fn takes(&self, stream: StreamId) -> bool {
        self.group.machine(|machine| machine.replica().takes(stream))
    }

    /// Queues something of the host's.
    pub(crate) fn tell(&self, item: TellItem) {
        self.queue.borrow_mut().push_tell(item);
        self.work.one();
    }

    /// Why nothing can be logged here any more.
    pub(crate) fn failed(&self) -> Option<String> {
        self.failed.borrow().clone()
    }

    /// What the log must be told of fences that earlier processes found.
    pub(crate) fn owed_fences(&self) -> Vec<Quarantine> {
        self.group.machine(|machine| {
            let fences = machine.fences().iter();
            let statuses: Vec<_> = machine.replica().statuses().collect();
            fences
                .filter_map(|fence| {
                    let status = statuses.iter().find(|status| status.name == fence.name)?;
                    (status.version.is_some() && status.epoch == fence.epoch).then(|| Quarantine {
                        name: fence.name.clone(),
                        version: fence.version,
                        epoch: status.epoch,
                        index: fence.index,
                        reason: fence.reason.clone(),
                    })
                })
                .collect()
        })
    }

    /// Rows and bytes that wait.
    pub(crate) fn waiting(&self) -> (u64, u64) {
        self.queue.borrow().waiting()
    }

    /// Waits until the checkpoint that was ordered is there, or nothing can be logged any more.
    pub(crate) async fn settle(&self) {
        while self.failed.borrow().is_none() {
            let metrics = self.group.metrics();
            if metrics.snapshot.map(|at| at.index) >= metrics.applied.map(|at| at.index) {
                return;
            }
            self.rt.sleep(std::time::Duration::from_millis(1)).await;
        }
    }

    /// Waits until nothing waits.
    pub(crate) async fn drain(&self) {
        while self.busy.get() || !self.queue.borrow().is_empty() {
            self.rt.sleep(std::time::Duration::from_millis(1)).await;
        }
    }

    /// How it is.
    pub(crate) fn report(&self) -> PartitionReport {
        let metrics = self.group.metrics();
        let failed = self.failed();
        let mut reasons: Vec<String> = failed.into_iter().collect();
        if self.is_short.get() {
            reasons.push(
                "the log has no room until checkpoints are made; see segments_max and the disk".to_owned(),
            );
        }
        reasons.extend(self.checkpoint_is_old(&metrics));
        if !metrics.leads {
            reasons.push("it has no leader here".to_owned());
        }
        let definitions = self.group.machine(|machine| {
            let statuses = machine.replica().statuses();
            let of = |name: &str, count: fn(&Engine) -> u64| {
                machine.replica().definition(name).map_or(0, |d| count(d.partition()))
            };
            let report = statuses.map(|status| DefinitionReport {
                late: of(&status.name, Engine::late_total),
                over_bound: of(&status.name, Engine::over_total),
                fenced: status.fenced.map(|(index, reason)| format!("entry {}: {reason}", index.0)),
                name: status.name,
                version: status.version,
            });
            report.collect()
        });
        PartitionReport {
            partition: self.id,
            ready: reasons.is_empty(),
            reasons,
            applied: LogIndex(metrics.applied.map_or(0, |at| at.index.0)),
            checkpoint: metrics.snapshot.map(|at| LogIndex(at.index.0)),
            checkpoints: self.checkpoint_report(),
            stamp: self.group.machine(|machine| machine.replica().stamp()),
            counts: *self.counts.borrow(),
            queued: self.queue.borrow().waiting(),
            definitions,
            state_hash: None,
        }
    }

    /// Hash of its state; between entries only.
    pub(crate) fn state_hash(&self) -> Option<u64> {
        (!self.busy.get()).then(|| self.group.machine(|machine| machine.replica().state_hash()))
    }
}
