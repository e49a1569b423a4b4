//! Derived rows that are kept for subscribers, in memory and in checkpoints.
//!
//! Invariants: rows of a stream ascend by position, and none is kept twice; what is kept is bounded by
//! bytes, the oldest go first, but none that a sink waits for; who asks for rows that are gone is told so, never
//! given a gap.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_buffer::Buffer;
use cep_engine::replica::Delivery;
use cep_types::codec::{DecodeError, Reader, Result, Writer};
use cep_types::frame::{ColumnId, Frame, FrameHead, SchemaVersion, encode};
use cep_types::log::{Activate, Marker, OutputPosition};
use cep_types::{LogIndex, Op, StreamId};
use net_wire::{Position, PositionRun};
use shard_rt::sync::Notify;

use super::cut::Piece;
use super::holds::{Holds, before};
use crate::connect::{Collect, Collected, OutRows};

/// Rows of one stream that were made together.
#[derive(Debug)]
pub(crate) struct Kept {
    /// Their schema.
    pub(crate) schema_version: SchemaVersion,
    /// Id of each column.
    pub(crate) columns: Vec<ColumnId>,
    /// Where they are, ascending.
    pub(crate) runs: Vec<PositionRun>,
    /// What each does; empty if all are `+I`.
    pub(crate) ops: Vec<Op>,
    /// The rows.
    pub(crate) rows: RecordBatch,
    /// Id of each row (R-IDEM-2).
    pub(crate) ids: Vec<u64>,
    bytes: u64,
}

impl Kept {
    fn last(&self) -> Position {
        let run = self.runs.last().expect("rows have positions");
        Position { index: run.first.index, ordinal: run.first.ordinal + (run.count - 1) }
    }

    /// How many of its rows are at or before `position`.
    pub(crate) fn rows_until(&self, position: Position) -> usize {
        self.runs.iter().map(|run| one_run(run, position) as usize).sum()
    }

    /// Its rows behind `after` and not behind `end`, a run at a time, as long as there are some `left`.
    fn collect(
        &self,
        stream: StreamId,
        after: Position,
        end: Option<Position>,
        left: &mut usize,
    ) -> Vec<OutRows> {
        let mut out = Vec::new();
        let mut at = 0;
        for run in &self.runs {
            let (begin, count) = (at, run.count as usize);
            at += count;
            let until = |limit: Position| one_run(run, limit) as usize;
            let from = until(after);
            let to = end.map_or(count, until).min(from.saturating_add(*left));
            if from >= to {
                continue;
            }
            *left -= to - from;
            out.push(OutRows {
                stream,
                first: OutputPosition { index: run.first.index, ordinal: run.first.ordinal + from as u32 },
                rows: self.rows.slice(begin + from, to - from),
                ops: self.ops.get(begin + from..begin + to).map(<[Op]>::to_vec).unwrap_or_default(),
            });
        }
        out
    }

    /// The positions of some of its rows.
    pub(crate) fn positions(&self, from: usize, count: usize) -> Vec<PositionRun> {
        let mut out = Vec::new();
        let mut at = 0;
        for run in &self.runs {
            let (begin, end) = (at, at + run.count as usize);
            let (first, last) = (begin.max(from), end.min(from + count));
            if first < last {
                let ordinal = run.first.ordinal + (first - begin) as u32;
                let first_position = Position { index: run.first.index, ordinal };
                out.push(PositionRun { first: first_position, count: (last - first) as u32 });
            }
            at = end;
        }
        out
    }
}

#[derive(Debug, Default)]
struct Ring {
    kept: VecDeque<Rc<Kept>>,
    bytes: u64,
    /// The last row that is not kept any more.
    gone: Option<Position>,
}

/// What a partition keeps of its outputs.
pub(crate) struct Outputs {
    rings: RefCell<BTreeMap<StreamId, Ring>>,
    /// What sinks wait for.
    pub(crate) holds: RefCell<Holds>,
    /// Streams whose oldest rows do not wait for sinks.
    shed: RefCell<BTreeSet<StreamId>>,
    /// Rows that sinks never got.
    shed_rows: Cell<u64>,
    /// There are new rows.
    pub(crate) news: Notify,
    bytes_max: u64,
}

/// What comes after a position.
#[derive(Debug)]
pub(crate) enum After {
    /// These rows, from this one of them on.
    Rows(Rc<Kept>, usize),
    /// Nothing yet.
    Nothing,
    /// Rows that are no longer kept; the oldest that are begin behind this one.
    Gone(Position),
}

impl Outputs {
    pub(crate) fn new(bytes_max: u64) -> Self {
        Outputs {
            rings: RefCell::default(),
            holds: RefCell::default(),
            shed: RefCell::default(),
            shed_rows: Cell::new(0),
            news: Notify::new(),
            bytes_max,
        }
    }

    /// Keeps rows of an entry.
    pub(crate) fn push(&self, index: LogIndex, delivery: Delivery, id: impl Fn(u32) -> u64) {
        let Delivery { stream, schema_version, columns, ordinals, rows, ops } = delivery;
        let runs: Vec<PositionRun> = ordinals
            .iter()
            .map(|&(ordinal, count)| PositionRun { first: Position { index, ordinal }, count })
            .collect();
        let ids = ordinals.iter().flat_map(|&(first, count)| first..first + count).map(id).collect();
        let bytes = bytes_of(&rows);
        let kept = Kept { schema_version, columns, runs, ops, rows, ids, bytes };
        self.keep(stream, kept);
        self.trim(stream);
    }

    fn keep(&self, stream: StreamId, kept: Kept) {
        let mut rings = self.rings.borrow_mut();
        let ring = rings.entry(stream).or_default();
        ring.bytes += kept.bytes;
        ring.kept.push_back(Rc::new(kept));
    }

    /// The streams whose oldest rows do not wait for sinks: a matter of what runs.
    pub(crate) fn set_shed(&self, streams: BTreeSet<StreamId>) {
        *self.shed.borrow_mut() = streams;
    }

    /// Rows that were left out since the start because their sinks fell behind.
    pub(crate) fn shed_rows(&self) -> u64 {
        self.shed_rows.get()
    }

    /// Forgets rows of a stream that are too many and that no sink waits for.
    fn trim(&self, stream: StreamId) {
        let needed = self.holds.borrow().needed(stream).map(position);
        let mut rings = self.rings.borrow_mut();
        let Some(ring) = rings.get_mut(&stream) else { return };
        while ring.bytes > self.bytes_max && ring.kept.len() > 1 {
            let last = ring.kept.front().expect("there are two").last();
            let waits = needed.is_some_and(|needed| last > needed);
            if waits && !self.shed.borrow().contains(&stream) {
                return;
            }
            let oldest = ring.kept.pop_front().expect("there are two");
            if let Some(needed) = needed.filter(|_| waits) {
                let lost = oldest.rows.num_rows() - oldest.rows_until(needed);
                self.shed_rows.set(self.shed_rows.get() + lost as u64);
            }
            ring.bytes -= oldest.bytes;
            ring.gone = Some(oldest.last());
        }
    }

    /// Whether so many rows wait for sinks that no more are to be made.
    pub(crate) fn is_full(&self) -> bool {
        self.rings
            .borrow()
            .values()
            .any(|ring| ring.kept.len() > 1 && ring.bytes > self.bytes_max.saturating_mul(2))
    }

    /// A definition runs, or stops, from this entry on; with the streams that its sinks take.
    pub(crate) fn activated(&self, index: LogIndex, activate: &Activate, handed_over: Option<Vec<StreamId>>) {
        let mut holds = self.holds.borrow_mut();
        match handed_over {
            Some(streams) => holds.begin(&activate.name, activate.epoch, streams, index),
            None => holds.stop(&activate.name, index),
        }
    }

    /// Sinks have come further.
    pub(crate) fn mark(&self, marker: &Marker) {
        self.holds.borrow_mut().mark(marker);
        let streams = self.holds.borrow().get(&marker.name).map(|hold| hold.streams.clone());
        streams.into_iter().flatten().for_each(|stream| self.trim(stream));
    }

    /// Rows of some streams behind a position, in the order in which they were made.
    pub(crate) fn collect(&self, asked: &Collect) -> Collected {
        let end = match self.holds.borrow().get(&asked.name) {
            Some(hold) if hold.epoch == asked.epoch => hold.stopped.map(before),
            Some(hold) => Some(hold.since),
            None => Some(OutputPosition::default()),
        };
        let (after, rings) = (position(asked.after), self.rings.borrow());
        let mut rows = Vec::new();
        let mut gone = false;
        for stream in &asked.streams {
            let Some(ring) = rings.get(stream) else { continue };
            gone |= ring.gone.is_some_and(|gone| after < gone) && !self.shed.borrow().contains(stream);
            let mut left = asked.rows_max;
            let from = ring.kept.partition_point(|kept| kept.last() <= after);
            for kept in ring.kept.range(from..) {
                if left == 0 {
                    break;
                }
                let taken = kept.collect(*stream, after, end.map(position), &mut left);
                rows.extend(taken);
            }
        }
        rows.sort_unstable_by_key(|run: &OutRows| run.first);
        // What was cut off in one stream may come before rows of another.
        let mut left = asked.rows_max;
        let fits = rows.iter().take_while(|run| {
            let has_place = left > 0;
            left = left.saturating_sub(run.rows.num_rows());
            has_place
        });
        let fits = fits.count();
        rows.truncate(fits);
        let is_over = rows.is_empty() && end.is_some();
        Collected { rows, is_over, gone }
    }

    /// Forgets the rows of other streams than these.
    pub(crate) fn keep_only(&self, wanted: impl Fn(StreamId) -> bool) {
        let holds = self.holds.borrow();
        self.rings.borrow_mut().retain(|&stream, _| wanted(stream) || holds.drains(stream));
    }

    /// Tells subscribers.
    pub(crate) fn tell(&self) {
        self.news.all();
    }

    /// The first rows of a stream behind `position`.
    pub(crate) fn after(&self, stream: StreamId, position: Position) -> After {
        let rings = self.rings.borrow();
        let Some(ring) = rings.get(&stream) else { return After::Nothing };
        if let Some(gone) = ring.gone.filter(|gone| position < *gone) {
            return After::Gone(gone);
        }
        let at = ring.kept.partition_point(|kept| kept.last() <= position);
        match ring.kept.get(at) {
            Some(kept) => After::Rows(Rc::clone(kept), kept.rows_until(position)),
            None => After::Nothing,
        }
    }

    /// The position before the oldest row that is kept.
    pub(crate) fn earliest(&self, stream: StreamId) -> Position {
        self.rings.borrow().get(&stream).and_then(|ring| ring.gone).unwrap_or_default()
    }

    /// Forgets all.
    pub(crate) fn clear(&self) {
        self.rings.borrow_mut().clear();
        self.holds.borrow_mut().clear();
    }

    /// What is kept now, to be written later.
    pub(super) fn pieces(&self) -> VecDeque<Piece> {
        let (rings, mut out, mut pieces) = (self.rings.borrow(), Writer::default(), VecDeque::new());
        out.u64(rings.len() as u64);
        for (stream, ring) in rings.iter() {
            out.u32(stream.0);
            let gone = ring.gone.unwrap_or_default();
            out.bool(ring.gone.is_some());
            out.u64(gone.index.0);
            out.u32(gone.ordinal);
            out.u64(ring.kept.len() as u64);
            pieces.push_back(Piece::Bytes(std::mem::take(&mut out.bytes)));
            pieces.extend(ring.kept.iter().map(|kept| Piece::Kept(*stream, Rc::clone(kept))));
        }
        self.holds.borrow().encode(&mut out);
        pieces.push_back(Piece::Bytes(out.bytes));
        pieces
    }

    pub(crate) fn decode(&self, input: &mut Reader<'_>) -> Result<()> {
        self.clear();
        for _ in 0..input.len(25)? {
            let stream = StreamId(input.u32()?);
            let has_gone = input.bool()?;
            let gone = Position { index: LogIndex(input.u64()?), ordinal: input.u32()? };
            for _ in 0..input.len(8)? {
                let kept = decode_kept(stream, input)?;
                self.keep(stream, kept);
            }
            if has_gone {
                let mut rings = self.rings.borrow_mut();
                let ring = rings.entry(stream).or_default();
                ring.gone = Some(ring.gone.unwrap_or_default().max(gone));
            }
        }
        // Checkpoints from before there were sinks end here.
        if input.left() > 0 {
            *self.holds.borrow_mut() = Holds::decode(input)?;
        }
        Ok(())
    }
}

/// How many rows of a run are at or before `position`.
fn one_run(run: &PositionRun, position: Position) -> u32 {
    if position < run.first {
        0
    } else if position.index > run.first.index {
        run.count
    } else {
        run.count.min((position.ordinal - run.first.ordinal).saturating_add(1))
    }
}

fn position(position: OutputPosition) -> Position {
    Position { index: position.index, ordinal: position.ordinal }
}

/// Bytes of rows and their ids and positions, the same whether they are fresh or restored.
fn bytes_of(rows: &RecordBatch) -> u64 {
    let column = |array: &ArrayRef| array.to_data().get_slice_memory_size().unwrap_or(0) as u64;
    rows.columns().iter().map(column).sum::<u64>() + 16 * rows.num_rows() as u64
}

pub(super) fn encode_kept(stream: StreamId, kept: &Kept, out: &mut Writer) {
    let head = FrameHead { stream, schema_version: kept.schema_version };
    let frame = encode(head, &kept.columns, &kept.rows).expect("derived rows have types of streams");
    out.blob(&frame);
    out.u64(kept.columns.len() as u64);
    for (id, field) in kept.columns.iter().zip(kept.rows.schema_ref().fields()) {
        out.u32(id.0);
        out.str(field.name());
    }
    out.u64(kept.runs.len() as u64);
    for run in &kept.runs {
        out.u64(run.first.index.0);
        out.u32(run.first.ordinal);
        out.u32(run.count);
    }
    out.u64(kept.ops.len() as u64);
    kept.ops.iter().for_each(|op| out.u8(*op as u8));
    out.u64(kept.ids.len() as u64);
    kept.ids.iter().for_each(|id| out.u64(*id));
}

fn decode_kept(stream: StreamId, input: &mut Reader<'_>) -> Result<Kept> {
    let wrong = |what: String| DecodeError(format!("kept rows: {what}"));
    let frame = Frame::open(&Buffer::from(input.blob()?)).map_err(|error| wrong(error.to_string()))?;
    if frame.head().stream != stream {
        return Err(wrong("they are of another stream".into()));
    }
    let mut columns = Vec::new();
    let mut arrays = Vec::new();
    for _ in 0..input.len(12)? {
        let (id, name) = (ColumnId(input.u32()?), input.str()?);
        let column = frame.columns().iter().find(|column| column.id == id);
        let column = column.ok_or_else(|| wrong(format!("column {} is not there", id.0)))?;
        columns.push(id);
        let field = column.field.clone().with_name(name).with_nullable(true);
        arrays.push((std::sync::Arc::new(field), std::sync::Arc::clone(&column.array)));
    }
    let (fields, values): (Vec<_>, Vec<_>) = arrays.into_iter().unzip();
    let schema = std::sync::Arc::new(arrow_schema::Schema::new(fields));
    let rows = RecordBatch::try_new(schema, values).map_err(|error| wrong(error.to_string()))?;
    let mut runs = Vec::new();
    let mut count = 0;
    for _ in 0..input.len(16)? {
        let first = Position { index: LogIndex(input.u64()?), ordinal: input.u32()? };
        let run = PositionRun { first, count: input.u32()? };
        count += run.count as usize;
        runs.push(run);
    }
    let mut ops = Vec::new();
    for _ in 0..input.len(1)? {
        ops.push(Op::from_code(input.u8()?).ok_or_else(|| wrong("an unknown operation".into()))?);
    }
    let mut ids = Vec::new();
    for _ in 0..input.len(8)? {
        ids.push(input.u64()?);
    }
    if runs.is_empty()
        || count != rows.num_rows()
        || ids.len() != count
        || !(ops.is_empty() || ops.len() == count)
    {
        return Err(wrong("their counts differ".into()));
    }
    let bytes = bytes_of(&rows);
    Ok(Kept { schema_version: frame.head().schema_version, columns, runs, ops, rows, ids, bytes })
}

#[cfg(test)]
mod tests {
    use arrow_array::Int64Array;
    use cep_types::Epoch;
    use cep_types::log::Action;

    use super::*;

    const STREAM: StreamId = StreamId(7);

    /// An entry that led to a hundred rows, some 2.4 KB.
    fn push(outputs: &Outputs, index: u64) {
        let numbers: ArrayRef = std::sync::Arc::new(Int64Array::from_iter_values(0..100));
        let rows = RecordBatch::try_from_iter([("n", numbers)]).unwrap();
        let delivery = Delivery {
            stream: STREAM,
            schema_version: SchemaVersion(1),
            columns: vec![ColumnId(1)],
            ordinals: vec![(0, 100)],
            rows,
            ops: Vec::new(),
        };
        outputs.push(LogIndex(index), delivery, u64::from);
    }

    fn sink() -> Outputs {
        let outputs = Outputs::new(10_000);
        let activate = Activate { name: "app".into(), version: 1, epoch: Epoch(3), action: Action::Stop };
        outputs.activated(LogIndex(1), &activate, Some(vec![STREAM]));
        outputs
    }

    fn collect(outputs: &Outputs, after: u64) -> Collected {
        let after = OutputPosition { index: LogIndex(after), ordinal: u32::MAX };
        outputs.collect(&Collect {
            name: "app".into(),
            epoch: Epoch(3),
            streams: vec![STREAM],
            after,
            rows_max: 1_000_000,
        })
    }

    #[test]
    fn rows_wait_for_a_sink_that_blocks() {
        let outputs = sink();
        (2..=20).for_each(|index| push(&outputs, index));
        assert!(outputs.is_full());
        let collected = collect(&outputs, 1);
        assert!(!collected.gone);
        assert_eq!(collected.rows.iter().map(|run| run.rows.num_rows()).sum::<usize>(), 1_900);
        assert_eq!(outputs.shed_rows(), 0);
    }

    #[test]
    fn rows_that_may_be_left_out_are_counted_and_the_sink_goes_on_behind_them() {
        let outputs = sink();
        outputs.set_shed(BTreeSet::from([STREAM]));
        (2..=20).for_each(|index| push(&outputs, index));
        assert!(!outputs.is_full());
        let collected = collect(&outputs, 1);
        assert!(!collected.gone, "who may lose rows is not stopped by it");
        let found: usize = collected.rows.iter().map(|run| run.rows.num_rows()).sum();
        assert!((100..=500).contains(&found), "{found}");
        assert_eq!(outputs.shed_rows() as usize + found, 1_900);
        assert_eq!(collected.rows.last().unwrap().first.index, LogIndex(20));
        // What the sink had is not counted.
        let upto = OutputPosition { index: LogIndex(20), ordinal: u32::MAX };
        let marker =
            Marker { name: "app".into(), epoch: Epoch(3), upto, all: Vec::new(), lengths: Vec::new() };
        outputs.mark(&marker);
        let before = outputs.shed_rows();
        (21..=23).for_each(|index| push(&outputs, index));
        assert_eq!(outputs.shed_rows(), before);
    }
}
