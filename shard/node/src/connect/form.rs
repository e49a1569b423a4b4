//! Rows of sources become parts of entries: divided by key, numbered, without those that are known.
//!
//! Invariants: row n of a stream has the same partition and number in every life of the node, so what a
//! partition knows is left out exactly; the order of rows is kept in each partition.

use std::num::NonZeroU32;

use arrow_array::{ArrayRef, RecordBatch, TimestampNanosecondArray, UInt32Array};
use arrow_buffer::Buffer;
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use cep_types::frame::{ColumnId, Encoder, FrameHead, SchemaVersion};
use cep_types::hash::{KeyForm, SpaceSeed};
use cep_types::log::{EVENT_TIME, PartHead, PartIds};
use cep_types::options::{Role, SourceConnector};
use cep_types::{ProducerId, StampNs, StreamId};
use shard_control::PartitionRef;

use super::{Plan, SourceState};

/// Bytes of a frame, unless one row has more.
const FRAME_BYTES: usize = 2 << 20;
/// Bytes of a frame at most: the smallest segment holds it.
const FRAME_BYTES_MAX: usize = 16 << 20;

/// A part on its way to a partition.
#[derive(Debug)]
pub struct Formed {
    /// Whose it is.
    pub(crate) partition: PartitionRef,
    /// What is known of its rows.
    pub(crate) head: PartHead,
    /// The rows: an event frame.
    pub(crate) frame: Buffer,
}

impl Formed {
    /// How many rows it has.
    pub fn rows(&self) -> u32 {
        self.head.rows
    }
}

/// Makes parts of rows. It goes to whatever thread reads the sources.
pub struct Former {
    partitions: Vec<PartitionRef>,
    count: NonZeroU32,
    seed: SpaceSeed,
    routes: Vec<Route>,
    encoder: Encoder,
}

/// A way from a source into a stream.
struct Route {
    from: StreamId,
    to: StreamId,
    stream: StreamId,
    source: ProducerId,
    schema_version: SchemaVersion,
    columns: Vec<ColumnId>,
    key: Vec<usize>,
    /// The time of each row is told apart: no TIMESTAMP of the stream says it.
    tells_time: bool,
    /// Of each partition: the number of the next row, and of the first one that it does not have.
    next: Vec<u64>,
    known: Vec<u64>,
}

impl Former {
    /// A former for sources that begin at their beginning; `states` is what partitions have of them.
    pub(crate) fn new(plan: &Plan, states: &[SourceState]) -> Self {
        let routes = plan.routes.iter().enumerate().filter_map(|(at, route)| {
            let input = plan.inputs.iter().find(|input| input.inner == route.to)?;
            let (from, to) =
                (&plan.program.streams[route.from.index()], &plan.program.streams[route.to.index()]);
            let known: Vec<u64> = states.iter().map(|state| state.next[at]).collect();
            // What a timer made is never made again: it goes on with the next number.
            let goes_on = matches!(from.options.role, Role::Source(SourceConnector::Timer { .. }));
            let is_timestamp = |column: usize| {
                matches!(to.schema.field(column).data_type(), DataType::Timestamp(TimeUnit::Nanosecond, _))
            };
            Some(Route {
                from: route.from,
                to: route.to,
                stream: route.stream,
                source: route.source,
                schema_version: input.schema_version,
                columns: input.columns.clone(),
                key: to.options.partition_by.clone(),
                tells_time: route.from == route.to && !to.time.column.is_some_and(is_timestamp),
                next: if goes_on { known.clone() } else { vec![0; known.len()] },
                known,
            })
        });
        Former {
            partitions: plan.partitions().collect(),
            count: plan.partitions,
            seed: plan.seed,
            routes: routes.collect(),
            encoder: Encoder::default(),
        }
    }

    /// At least so many rows of a source are known already; the program's number of its stream.
    pub fn known(&self, from: StreamId) -> u64 {
        let route = self.routes.iter().find(|route| route.from == from && route.to == from);
        route.map_or(0, |route| {
            route.known.iter().zip(&route.next).map(|(known, next)| known - next.min(known)).sum()
        })
    }

    /// Takes the next rows of the source of stream `from` that go to stream `to`: to itself, or to its
    /// dead-letter stream. `times` is when each happened.
    ///
    /// # Errors
    /// If a row cannot be logged, for people.
    ///
    /// # Panics
    /// If there is no such way in the plan.
    pub fn form(
        &mut self,
        from: StreamId,
        to: StreamId,
        rows: &RecordBatch,
        times: Option<&[i64]>,
        out: &mut Vec<Formed>,
    ) -> Result<(), String> {
        let at = self.routes.iter().position(|route| (route.from, route.to) == (from, to));
        let at = at.expect("sources of the plan have ways");
        let rows = match times.filter(|_| self.routes[at].tells_time) {
            Some(times) => with_times(rows, times)?,
            None => rows.clone(),
        };
        for (partition, rows) in self.divide(at, rows)? {
            let route = &mut self.routes[at];
            let (first, known) = (route.next[partition], route.known[partition]);
            route.next[partition] = first + rows.num_rows() as u64;
            let skipped = known.saturating_sub(first).min(rows.num_rows() as u64) as usize;
            let fresh = rows.slice(skipped, rows.num_rows() - skipped);
            self.encode(at, partition, first + skipped as u64, &fresh, out)?;
        }
        Ok(())
    }

    /// The rows of each partition that has some.
    fn divide(&self, at: usize, rows: RecordBatch) -> Result<Vec<(usize, RecordBatch)>, String> {
        let key = &self.routes[at].key;
        if rows.num_rows() == 0 {
            return Ok(Vec::new());
        }
        // Rows without a key are all of one partition: no query puts them together with others.
        if self.count.get() == 1 || key.is_empty() {
            return Ok(vec![(0, rows)]);
        }
        let mut of: Vec<Vec<u32>> = vec![Vec::new(); self.partitions.len()];
        let mut form = KeyForm::default();
        for row in 0..rows.num_rows() {
            form.clear();
            for &column in key {
                form.push_cell(rows.column(column).as_ref(), row).map_err(|error| error.to_string())?;
            }
            of[self.seed.partition(form.bytes(), self.count) as usize].push(row as u32);
        }
        let some = of.into_iter().enumerate().filter(|(_, of)| !of.is_empty());
        some.map(|(partition, of)| {
            let taken = arrow_select::take::take_record_batch(&rows, &UInt32Array::from(of));
            taken.map(|rows| (partition, rows)).map_err(|error| error.to_string())
        })
        .collect()
    }

    fn encode(
        &mut self,
        at: usize,
        partition: usize,
        first: u64,
        rows: &RecordBatch,
        out: &mut Vec<Formed>,
    ) -> Result<(), String> {
        let count = rows.num_rows();
        if count == 0 {
            return Ok(());
        }
        let route = &self.routes[at];
        let head = FrameHead { stream: route.stream, schema_version: route.schema_version };
        let mut ids = route.columns.clone();
        if rows.num_columns() > ids.len() {
            ids.push(EVENT_TIME);
        }
        let mut frame = Vec::new();
        self.encoder.encode_into(head, &ids, rows, &mut frame).map_err(|error| error.to_string())?;
        if frame.len() > FRAME_BYTES && count > 1 {
            let half = count / 2;
            self.encode(at, partition, first, &rows.slice(0, half), out)?;
            return self.encode(at, partition, first + half as u64, &rows.slice(half, count - half), out);
        }
        if frame.len() > FRAME_BYTES_MAX {
            let text =
                format!("row {first} has {} bytes; an entry of the log holds {FRAME_BYTES_MAX}", frame.len());
            return Err(text);
        }
        let head = PartHead {
            stream: route.stream,
            schema_version: route.schema_version,
            rows: count as u32,
            ids: PartIds::Source { source: route.source, first },
            first_sent: StampNs(0),
            replay: false,
        };
        out.push(Formed { partition: self.partitions[partition], head, frame: Buffer::from(frame) });
        Ok(())
    }
}

/// The rows with a column for when they happened.
fn with_times(rows: &RecordBatch, times: &[i64]) -> Result<RecordBatch, String> {
    let mut fields: Vec<Field> = rows.schema().fields().iter().map(|f| f.as_ref().clone()).collect();
    fields.push(Field::new("", DataType::Timestamp(TimeUnit::Nanosecond, None), false));
    let mut columns = rows.columns().to_vec();
    columns.push(std::sync::Arc::new(TimestampNanosecondArray::from(times.to_vec())) as ArrayRef);
    RecordBatch::try_new(std::sync::Arc::new(Schema::new(fields)), columns).map_err(|error| error.to_string())
}
