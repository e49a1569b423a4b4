//! The state machine of a partition, driven by its log.
//!
//! Invariants: what it answers and keeps is a function of the entries (R-DET-1); a checkpoint is its
//! replica and the rows kept for subscribers, so that after a start a subscriber goes on where it was; a
//! defect of a definition is told to the host before the process ends.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;

use arrow_buffer::Buffer;
use bytes::Bytes;
use cep_engine::replica::{DedupLimits, Effects, Fence, Replica, Running};
use cep_engine::{Budget, Progress};
use cep_types::codec::{DecodeError, Reader, Writer};
use cep_types::hash::SpaceSeed;
use cep_types::log::{Body, LogEntry};
use cep_types::{LogIndex, StampNs};
use raft::{Entry, LogPosition, StateMachine, Step};
use shard_control::PartitionRef;
use shard_rt::sync::Notify;

use super::abort::Abort;
use super::answer;
use super::cut::Cut;
use super::outputs::Outputs;
use crate::report::Counts;
use crate::settings::{Hooks, Level};

/// Mark and version of a checkpoint: the replica, and the rows kept for subscribers.
const MAGIC: u32 = 0x4345_5043;
const VERSION: u32 = 2;
/// The replica behind its length.
const VERSION_1: u32 = 1;
/// Input and output rows of one step: some hundred microseconds.
const STEP_ROWS: usize = 8192;
/// Errors of definitions told in full for each entry.
const ERRORS_TOLD_MAX: usize = 3;

/// The state machine of a partition.
pub(crate) struct PartitionMachine {
    partition: PartitionRef,
    limits: DedupLimits,
    replica: Replica,
    /// The entry under way.
    open: Option<LogEntry>,
    effects: Effects,
    outputs: Rc<Outputs>,
    counts: Rc<RefCell<Counts>>,
    /// Told when an entry was applied.
    applied: Rc<Notify>,
    hooks: Hooks,
    fences: Vec<Fence>,
    /// Questions that are being answered: until they are, no further entry is applied.
    held: Cell<u32>,
    installing: Vec<u8>,
    checkpoint_bytes: u64,
    /// A checkpoint that is being written.
    cut: Option<Cut>,
    cut_bytes: u64,
}

impl PartitionMachine {
    pub(crate) fn new(
        partition: PartitionRef,
        (outputs, counts, applied): (Rc<Outputs>, Rc<RefCell<Counts>>, Rc<Notify>),
        hooks: Hooks,
    ) -> Self {
        let limits = DedupLimits::default();
        let fences: Vec<Fence> = super::abort::fenced(&hooks.aborts, partition)
            .into_iter()
            .map(|Abort { definition, version, epoch, index, reason, .. }| Fence {
                name: definition,
                version,
                epoch,
                index,
                reason,
            })
            .collect();
        let mut machine = PartitionMachine {
            partition,
            limits,
            replica: Replica::new(limits),
            open: None,
            effects: Effects::default(),
            outputs,
            counts,
            applied,
            hooks,
            fences,
            held: Cell::new(0),
            installing: Vec::new(),
            checkpoint_bytes: 0,
            cut: None,
            cut_bytes: 0,
        };
        machine.raise_fences();
        machine
    }

    /// Bytes of the state that a checkpoint last had; 0 without one.
    pub(crate) fn checkpoint_bytes(&self) -> u64 {
        self.checkpoint_bytes
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        let mut input = Reader::new(bytes);
        let (magic, version) = (input.u32()?, input.u32()?);
        if magic != MAGIC || ![VERSION, VERSION_1].contains(&version) {
            return Err(DecodeError(format!(
                "it is of version {version}; this program reads version {VERSION}"
            )));
        }
        self.replica = match version {
            VERSION_1 => Replica::restore(self.limits, input.blob()?)?,
            _ => Replica::decode(self.limits, &mut input)?,
        };
        self.outputs.decode(&mut input)?;
        input.finish()
    }

    /// The replica.
    pub(crate) fn replica(&self) -> &Replica {
        &self.replica
    }

    /// The stamp at which a tick may have an effect; `None` where none has, or amid an entry.
    pub(crate) fn next_due(&self) -> Option<StampNs> {
        if self.replica.is_between_entries() { self.replica.next_due() } else { None }
    }

    /// Keeps entries from being applied while a question is answered, or no longer.
    pub(crate) fn hold(&self, is_held: bool) {
        let held = self.held.get();
        self.held.set(if is_held { held + 1 } else { held - 1 });
    }

    /// Definitions that were fenced because they ended the process.
    pub(crate) fn fences(&self) -> &[Fence] {
        &self.fences
    }

    fn raise_fences(&mut self) {
        self.fences.iter().for_each(|fence| self.replica.fence(fence.clone()));
        self.replica.set_defect(self.hooks.defect.clone());
        self.replica.set_number(self.partition.partition.0);
    }

    /// Takes what a step made.
    fn emit(&mut self, index: LogIndex) {
        let mut counts = self.counts.borrow_mut();
        if !self.effects.deliveries.is_empty() {
            for delivery in self.effects.deliveries.drain(..) {
                counts.outputs += delivery.rows.num_rows() as u64;
                let (partition, stream) = (self.partition, delivery.stream);
                self.outputs.push(index, delivery, |ordinal| derived_id(partition, index, stream, ordinal));
            }
            self.outputs.tell();
        }
        counts.errors += self.effects.errors.len() as u64;
        for error in self.effects.errors.iter().take(ERRORS_TOLD_MAX) {
            let text = format!(
                "partition {}: definition '{}': entry {}, row {}: {} {}",
                self.partition,
                error.definition,
                index.0,
                error.error.row,
                error.error.code,
                error.error.message
            );
            (self.hooks.log)(Level::Warn, &text);
        }
        self.effects.errors.clear();
    }

    /// Which outputs do not wait for their sinks.
    fn set_shed(&self) {
        let streams = self.replica.definitions().flat_map(|(_, definition)| definition.shed());
        self.outputs.set_shed(streams.collect());
    }

    /// Takes note of what an entry means for sinks.
    fn note(&self, index: LogIndex, body: &Body) {
        match body {
            Body::Activate(activate) => {
                let mut statuses = self.replica.statuses();
                if !statuses.any(|status| status.name == activate.name && status.epoch == activate.epoch) {
                    return;
                }
                let definition = self.replica.definition(&activate.name);
                let connected = definition.filter(|definition| definition.is_connected());
                self.set_shed();
                self.outputs.activated(index, activate, connected.map(|definition| definition.handed_over()));
            }
            Body::Marker(marker) => self.outputs.mark(marker),
            Body::Events(_) | Body::Tick | Body::EndOfInput(_) | Body::Quarantine(_) | Body::Config(_) => {}
        }
    }

    fn done(&mut self) -> Bytes {
        let mut counts = self.counts.borrow_mut();
        counts.entries += 1;
        counts.shed = self.outputs.shed_rows();
        for run in self.effects.outcomes.iter().flatten() {
            use cep_engine::replica::Outcome;
            let count = match run.outcome {
                Outcome::Applied => &mut counts.applied,
                Outcome::Duplicate => &mut counts.duplicates,
                Outcome::LateDropped => &mut counts.late,
                Outcome::Rejected(_) => &mut counts.rejected,
            };
            *count += u64::from(run.rows);
        }
        let answer = answer::encode(&self.effects.outcomes);
        self.effects.clear();
        self.applied.all();
        answer
    }

    /// A definition has a defect: the host keeps that, and the process ends.
    fn abort(&self, index: LogIndex, panic: Box<dyn Any + Send>) -> ! {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let reason = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
        if let Some(Running { name, version, epoch }) = self.replica.running() {
            let (partition, definition) = (self.partition, name.clone());
            let (version, epoch) = (*version, *epoch);
            (self.hooks.on_abort)(&Abort { partition, definition, version, epoch, index, reason });
        }
        resume_unwind(panic)
    }
}

/// Id of a derived row (R-IDEM-2): SipHash-2-4 with key 0 of space, partition, log index, stream and
/// ordinal, little-endian one behind the other.
fn derived_id(partition: PartitionRef, index: LogIndex, stream: cep_types::StreamId, ordinal: u32) -> u64 {
    let mut bytes = [0; 24];
    bytes[..4].copy_from_slice(&partition.space.0.to_le_bytes());
    bytes[4..8].copy_from_slice(&partition.partition.0.to_le_bytes());
    bytes[8..16].copy_from_slice(&index.0.to_le_bytes());
    bytes[16..20].copy_from_slice(&stream.0.to_le_bytes());
    bytes[20..].copy_from_slice(&ordinal.to_le_bytes());
    SpaceSeed(0).hash(&bytes)
}

impl StateMachine for PartitionMachine {
    fn apply(&mut self, entry: &Entry) -> Step {
        if self.held.get() > 0 && self.open.is_none() {
            return Step::More;
        }
        let index = LogIndex(entry.position.index.0);
        let opened = self.open.take().unwrap_or_else(|| {
            let opened = LogEntry::open(&Buffer::from(entry.payload.clone()));
            opened.unwrap_or_else(|error| panic!("partition {}: {}: {error}", self.partition, entry.position))
        });
        let mut budget = Budget { rows: STEP_ROWS };
        let (replica, effects) = (&mut self.replica, &mut self.effects);
        let applied = catch_unwind(AssertUnwindSafe(|| replica.apply(index, &opened, &mut budget, effects)));
        let progress = applied.unwrap_or_else(|panic| self.abort(index, panic));
        self.note(index, &opened.body);
        self.emit(index);
        if progress == Progress::More {
            self.open = Some(opened);
            return Step::More;
        }
        Step::Done(self.done())
    }

    fn checkpoint_begin(&mut self) {
        self.replica.cut_begin();
        self.outputs.keep_only(|stream| self.replica.makes(stream));
        let pieces = self.outputs.pieces();
        let mut head = Writer::default();
        head.u32(MAGIC);
        head.u32(VERSION);
        self.cut_bytes = 0;
        self.cut = Some(Cut::new(head.bytes, pieces));
    }

    fn checkpoint_next(&mut self, bytes: usize, out: &mut Vec<u8>) -> Result<bool, String> {
        let Some(cut) = &mut self.cut else { return Ok(false) };
        let before = out.len();
        let done = cut.go_on(&mut self.replica, bytes, out);
        self.cut_bytes += (out.len() - before) as u64;
        self.checkpoint_bytes = self.checkpoint_bytes.max(self.cut_bytes);
        if done {
            self.checkpoint_bytes = self.cut_bytes;
            self.cut = None;
        }
        Ok(out.len() > before)
    }

    fn checkpoint_end(&mut self) {
        self.cut = None;
        self.replica.cut_end();
    }

    fn install_begin(&mut self, bytes: usize) {
        self.installing = Vec::with_capacity(bytes);
        self.cut = None;
        self.open = None;
    }

    fn install_chunk(&mut self, chunk: Bytes) -> Result<(), String> {
        self.installing.extend_from_slice(&chunk);
        Ok(())
    }

    fn install_end(&mut self, last: Option<LogPosition>) -> Result<(), String> {
        let bytes = std::mem::take(&mut self.installing);
        if bytes.is_empty() && last.is_none() {
            self.replica = Replica::new(self.limits);
            self.outputs.clear();
        } else {
            self.restore(&bytes).map_err(|error| format!("the checkpoint cannot be used: {error}"))?;
            self.checkpoint_bytes = bytes.len() as u64;
        }
        self.raise_fences();
        self.set_shed();
        Ok(())
    }
}
