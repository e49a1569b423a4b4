//! What waits to become entries of a partition's log.
//!
//! Invariants: items leave in the order in which they came; rows and bytes that wait are bounded; one
//! entry holds appends, or one thing that the host tells.

use std::collections::VecDeque;

use arrow_buffer::Buffer;
use cep_engine::replica::OutcomeRun;
use cep_types::StampNs;
use cep_types::log::{self, EventsWriter, PartHead, part_bytes};
use raft::RaftError;

use crate::lanes::Tell;
use crate::settings::Credits;

/// Rows of an entry at most, unless one append has more.
const ENTRY_ROWS_MAX: u64 = 65_536;
/// Bytes of an entry at most, unless one append has more.
pub(crate) const ENTRY_BYTES_MAX: usize = 4 << 20;

/// What became of an append: log index and row of its first row, and the outcomes.
pub(crate) type Appended = Result<(u64, u32, Vec<OutcomeRun>), RaftError>;

/// Rows that wait.
pub(crate) struct AppendItem {
    pub(crate) head: PartHead,
    /// An event frame, verified.
    pub(crate) frame: Buffer,
    /// Until then it must be in an entry, monotone ns; else `None` is told.
    pub(crate) deadline_ns: Option<u64>,
    /// Is told what became of it; `None`: it was too late and is not in the log.
    pub(crate) done: Box<dyn FnOnce(Option<Appended>)>,
}

/// Something else that waits.
pub(crate) struct TellItem {
    pub(crate) tell: Tell,
    pub(crate) done: Box<dyn FnOnce(Result<u64, RaftError>)>,
}

enum Item {
    Append(AppendItem),
    Tell(TellItem),
}

/// An entry's worth of items.
pub(crate) enum Batch {
    Appends(Vec<AppendItem>),
    Tell(TellItem),
}

/// The queue.
#[derive(Default)]
pub(crate) struct Queue {
    items: VecDeque<Item>,
    rows: u64,
    bytes: u64,
    /// Items with a deadline.
    deadlines: usize,
}

impl AppendItem {
    /// Bytes it takes in an entry.
    fn bytes(&self) -> usize {
        part_bytes(&self.head, self.frame.len())
    }
}

impl Queue {
    /// Rows and bytes that wait.
    pub(crate) fn waiting(&self) -> (u64, u64) {
        (self.rows, self.bytes)
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Whether an append has room; one always has in an empty queue.
    pub(crate) fn has_room(&self, item: &AppendItem, limit: Credits) -> bool {
        let (rows, bytes) = (u64::from(item.head.rows), item.bytes() as u64);
        self.items.is_empty() || (self.rows + rows <= limit.events && self.bytes + bytes <= limit.bytes)
    }

    /// The same of several.
    pub(crate) fn has_room_for(&self, items: &[AppendItem], limit: Credits) -> bool {
        let rows: u64 = items.iter().map(|item| u64::from(item.head.rows)).sum();
        let bytes: u64 = items.iter().map(|item| item.bytes() as u64).sum();
        self.items.is_empty() || (self.rows + rows <= limit.events && self.bytes + bytes <= limit.bytes)
    }

    pub(crate) fn push_append(&mut self, item: AppendItem) {
        self.rows += u64::from(item.head.rows);
        self.bytes += item.bytes() as u64;
        self.deadlines += usize::from(item.deadline_ns.is_some());
        self.items.push_back(Item::Append(item));
    }

    fn forget(&mut self, item: &AppendItem) {
        self.rows -= u64::from(item.head.rows);
        self.bytes -= item.bytes() as u64;
        self.deadlines -= usize::from(item.deadline_ns.is_some());
    }

    /// Whether something that waits has a deadline.
    pub(crate) fn has_deadlines(&self) -> bool {
        self.deadlines > 0
    }

    /// Takes out what is past its deadline, to be told so.
    pub(crate) fn expired(&mut self, now_ns: u64) -> Vec<AppendItem> {
        let is_late = |item: &Item| matches!(item, Item::Append(item) if item.deadline_ns.is_some_and(|at| at <= now_ns));
        if !self.has_deadlines() || !self.items.iter().any(is_late) {
            return Vec::new();
        }
        let mut late = Vec::new();
        for item in std::mem::take(&mut self.items) {
            match item {
                Item::Append(item) if item.deadline_ns.is_some_and(|at| at <= now_ns) => {
                    self.forget(&item);
                    late.push(item);
                }
                item => self.items.push_back(item),
            }
        }
        late
    }

    pub(crate) fn push_tell(&mut self, item: TellItem) {
        self.items.push_back(Item::Tell(item));
    }

    /// The next entry's items, of so many bytes at most unless one has more. What is past its deadline is
    /// told so and left out.
    pub(crate) fn take(&mut self, now_ns: u64, bytes_max: usize) -> Option<Batch> {
        let mut batch = Vec::new();
        let (mut rows, mut bytes) = (0, 0);
        loop {
            match self.items.front() {
                Some(Item::Append(item)) => {
                    let (item_rows, item_bytes) = (u64::from(item.head.rows), item.bytes());
                    let fits = rows + item_rows <= ENTRY_ROWS_MAX && bytes + item_bytes <= bytes_max;
                    if !batch.is_empty() && !fits {
                        return Some(Batch::Appends(batch));
                    }
                    let Some(Item::Append(item)) = self.items.pop_front() else { unreachable!("looked at") };
                    self.forget(&item);
                    if item.deadline_ns.is_some_and(|deadline| deadline <= now_ns) {
                        (item.done)(None);
                        continue;
                    }
                    rows += item_rows;
                    bytes += item_bytes;
                    batch.push(item);
                }
                Some(Item::Tell(_)) if batch.is_empty() => {
                    let Some(Item::Tell(item)) = self.items.pop_front() else { unreachable!("looked at") };
                    return Some(Batch::Tell(item));
                }
                Some(Item::Tell(_)) => return Some(Batch::Appends(batch)),
                None => return (!batch.is_empty()).then_some(Batch::Appends(batch)),
            }
        }
    }

    /// Everything that waits, when nothing can be logged any more.
    pub(crate) fn drain(&mut self) -> Vec<Batch> {
        let mut out = Vec::new();
        while let Some(batch) = self.take(0, ENTRY_BYTES_MAX) {
            out.push(batch);
        }
        out
    }
}

/// The bytes of an entry, at this time.
pub(crate) fn entry_of(batch: &Batch, stamp: StampNs) -> Buffer {
    match batch {
        Batch::Appends(items) => {
            let mut writer = EventsWriter::default();
            items.iter().for_each(|item| writer.push(&item.head, &item.frame));
            writer.finish(stamp)
        }
        Batch::Tell(item) => match &item.tell {
            Tell::Activate(activate) => log::activate(stamp, activate),
            Tell::Config(config) => log::config(stamp, config),
            Tell::Marker(marker) => log::marker(stamp, marker),
            Tell::Quarantine(quarantine) => log::quarantine(stamp, quarantine),
            Tell::EndOfInput(stream) => log::end_of_input(stamp, *stream),
            Tell::Tick => log::tick(stamp),
        },
    }
}
