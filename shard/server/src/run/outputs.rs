//! From emitted rows to the sinks, in the engine's order.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::{Field, Schema, SchemaRef};
use cep_engine::chunk::Chunk;
use cep_engine::{Actions, Output};
use cep_lang::plan::{Changelog, Program, QueryId, Target};
use cep_types::StreamId;
use cep_types::op::Op;
use cep_types::options::{Format, Role, SinkConnector, StreamOptions};
use net_connect::{OutputFormat, Printing, Sink, open_sink, open_sink_at, writer_sink};

use super::drain::{Drain, Place, Unwritten, WritePolicy};
use super::inputs::next_try;
use super::signals::Signals;
use super::summary::OutputLine;
use crate::clock::{park_ns, wall_ns};
use crate::failure::{Failure, Result};
use crate::talk::Talk;

/// What leaves the engine, and which rows of it are shown.
#[derive(Debug, Clone)]
pub struct OutputPlan {
    /// Queries whose rows are printed.
    pub queries: Vec<QueryId>,
    /// Streams whose rows go to their sinks.
    pub sinks: Vec<StreamId>,
    /// Reads of aggregations that are printed, as indices into the program's.
    pub reads: Vec<usize>,
}

impl OutputPlan {
    /// Everything a program prints and writes.
    pub fn of(program: &Program) -> Self {
        let printed = program.queries.iter().filter(|q| q.target == Target::Print);
        let sinks = program.streams.iter().filter(|s| matches!(s.options.role, Role::Sink(_)));
        let reads = (0..program.reads.len()).filter(|&at| program.reads[at].target == Target::Print);
        OutputPlan {
            queries: printed.map(|q| q.id).collect(),
            sinks: sinks.map(|s| s.id).collect(),
            reads: reads.collect(),
        }
    }
}

/// How rows are shown.
#[derive(Debug, Clone, Copy)]
pub struct Show {
    /// Format on standard output when a stream does not say.
    pub format: OutputFormat,
    /// Printed rows after which the run ends.
    pub limit: Option<u64>,
    /// Whether rows say which stream they are of; `None`: when more than one prints.
    pub tag: Option<bool>,
}

/// All ways out of a run.
pub struct Outputs {
    lanes: Vec<Lane>,
    drains: Vec<Drain>,
    /// Printed rows that are still wanted.
    left: Option<u64>,
    /// Drain on standard output that was written last.
    screen: Option<usize>,
}

/// Where the rows of a lane come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LaneSource {
    /// The engine emits them.
    Emits(Output),
    /// The answer to a read of an aggregation, by index.
    Read(usize),
}

/// One output of the program.
struct Lane {
    source: LaneSource,
    name: String,
    place: String,
    schema: SchemaRef,
    changes: bool,
    drain: usize,
    rows: u64,
}

impl Outputs {
    /// Opens all sinks of a plan. Relative paths start at `base_dir`. With `lengths` files of sinks are gone on
    /// with at these lengths.
    ///
    /// # Errors
    /// If a sink cannot be opened.
    pub fn open(
        program: &Program,
        plan: &OutputPlan,
        base_dir: &Path,
        show: Show,
        lengths: Option<&BTreeMap<StreamId, u64>>,
        talk: &Talk,
        signals: &Signals,
    ) -> Result<Self> {
        let on_stdout = |id: &&StreamId| {
            matches!(program.streams[id.index()].options.role, Role::Sink(SinkConnector::Stdout))
        };
        let printing_streams =
            plan.queries.len() + plan.reads.len() + plan.sinks.iter().filter(on_stdout).count();
        if show.format == OutputFormat::Csv && show.tag.is_none() && printing_streams > 1 {
            return Err(Failure::usage(
                format!("{printing_streams} streams print, and CSV has one header for one kind of rows"),
                "use --output json, or give each stream a sink: WITH (type = 'sink', \"file.path\" = 'a.csv')",
            ));
        }
        let mut opener = Opener {
            base_dir,
            lengths,
            printing: Printing { format: show.format, tag_streams: show.tag.unwrap_or(printing_streams > 1) },
            talk,
            signals,
            outputs: Outputs { lanes: Vec::new(), drains: Vec::new(), left: show.limit, screen: None },
            plain_stdout: None,
        };
        for query in program.queries.iter().filter(|q| plan.queries.contains(&q.id)) {
            let drain = opener.stdout(None);
            let (schema, changes) = (query.plan.schema(), query.changelog != Changelog::Append);
            let source = LaneSource::Emits(Output::Query(query.id));
            opener.lane(source, &query.name, "standard output", schema, changes, drain);
        }
        for &at in &plan.reads {
            let (drain, read) = (opener.stdout(None), &program.reads[at]);
            opener.lane(LaneSource::Read(at), &read.name, "standard output", &read.schema, false, drain);
        }
        for stream in program.streams.iter().filter(|s| plan.sinks.contains(&s.id)) {
            let (drain, place) = opener.sink(stream.id, &stream.name, &stream.options)?;
            let changes = stream.changelog != Changelog::Append;
            let source = LaneSource::Emits(Output::Stream(stream.id));
            opener.lane(source, &stream.name, &place, &stream.schema, changes, drain);
        }
        Ok(opener.outputs)
    }

    /// Whether standard output gets any rows.
    pub fn prints(&self) -> bool {
        self.drains.iter().any(|drain| drain.place == Place::Stdout)
    }

    /// Whether all printed rows that are wanted have been printed.
    pub fn limit_reached(&self) -> bool {
        self.left == Some(0)
    }

    /// Writes the rows of `actions` in their order.
    ///
    /// # Errors
    /// If a write fails and the sink's strategy is to stop.
    pub fn deliver(&mut self, actions: &Actions) -> Result<()> {
        let emits = actions.emits();
        if emits.is_empty() {
            return Ok(());
        }
        let mut batches: Vec<Option<RecordBatch>> = vec![None; emits.len()];
        for run in actions.runs() {
            let emit = &emits[run.emit];
            let source = LaneSource::Emits(emit.output);
            let Some(at) = self.lanes.iter().position(|lane| lane.source == source) else { continue };
            let place = self.drains[self.lanes[at].drain].place;
            let to = run.from + self.take_of_limit(place, run.to - run.from);
            let lane = &mut self.lanes[at];
            lane.rows += (to - run.from) as u64;
            if to == run.from || place == Place::Nowhere {
                continue;
            }
            let batch = match &batches[run.emit] {
                Some(batch) => batch,
                None => batches[run.emit].insert(to_batch(&lane.schema, &emit.chunk)?),
            };
            let ops = lane.changes.then(|| operations(&emit.chunk, run.from, to));
            let rows = batch.slice(run.from, to - run.from);
            self.write(at, &rows, ops.as_deref())?;
        }
        Ok(())
    }

    /// Writes rows of an output of the program.
    ///
    /// # Errors
    /// As [`Outputs::deliver`].
    pub fn put(&mut self, output: Output, rows: &RecordBatch, ops: &[Op]) -> Result<()> {
        let source = LaneSource::Emits(output);
        let Some(at) = self.lanes.iter().position(|lane| lane.source == source) else { return Ok(()) };
        let lane = &mut self.lanes[at];
        lane.rows += rows.num_rows() as u64;
        if self.drains[lane.drain].place == Place::Nowhere {
            return Ok(());
        }
        let rows =
            RecordBatch::try_new(Arc::clone(&lane.schema), rows.columns().to_vec()).map_err(|error| {
                Failure::run(format!("'{}': its rows are not what it declares: {error}", lane.name))
            })?;
        let inserts = vec![Op::Insert; if lane.changes && ops.is_empty() { rows.num_rows() } else { 0 }];
        let ops = if inserts.is_empty() { ops } else { &inserts };
        let ops = lane.changes.then(|| ops.to_vec());
        self.write(at, &rows, ops.as_deref())
    }

    /// Hands everything over and brings it to the disk; the lengths of the files of sinks then.
    ///
    /// # Errors
    /// As [`Outputs::deliver`].
    pub fn settle(&mut self) -> Result<Vec<(StreamId, u64)>> {
        let mut lengths = Vec::new();
        for (at, drain) in self.drains.iter_mut().enumerate() {
            let length = drain.settle()?;
            let stream = self.lanes.iter().find(|lane| lane.drain == at).map(|lane| lane.source);
            if let (Some(length), Some(LaneSource::Emits(Output::Stream(stream)))) = (length, stream) {
                lengths.push((stream, length));
            }
        }
        Ok(lengths)
    }

    fn take_of_limit(&mut self, place: Place, rows: usize) -> usize {
        let Some(left) = self.left.as_mut().filter(|_| place == Place::Stdout) else { return rows };
        let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(rows);
        *left -= taken as u64;
        taken
    }

    fn write(&mut self, at: usize, rows: &RecordBatch, ops: Option<&[Op]>) -> Result<()> {
        let drain = self.lanes[at].drain;
        if self.drains[drain].place == Place::Stdout && self.screen != Some(drain) {
            // Two formats share the screen: what the other one has goes first.
            if let Some(other) = self.screen {
                self.drains[other].flush()?;
            }
            self.screen = Some(drain);
        }
        self.drains[drain].write(rows, ops, &self.lanes[at].name)
    }

    /// Writes the answer to a read of an aggregation, if it is printed.
    ///
    /// # Errors
    /// As [`Outputs::deliver`].
    pub fn deliver_read(&mut self, read: usize, rows: &RecordBatch) -> Result<()> {
        let source = LaneSource::Read(read);
        let Some(at) = self.lanes.iter().position(|lane| lane.source == source) else { return Ok(()) };
        let place = self.drains[self.lanes[at].drain].place;
        let count = self.take_of_limit(place, rows.num_rows());
        self.lanes[at].rows += count as u64;
        self.write(at, &rows.slice(0, count), None)
    }

    /// Hands everything over.
    ///
    /// # Errors
    /// As [`Outputs::deliver`].
    pub fn flush(&mut self) -> Result<()> {
        self.drains.iter_mut().try_for_each(Drain::flush)
    }

    /// Hands everything over and ends all outputs; goes on after a failure, and reports the first.
    ///
    /// # Errors
    /// As [`Outputs::deliver`].
    pub fn close(&mut self) -> Result<()> {
        let mut result = Ok(());
        for drain in &mut self.drains {
            result = result.and(drain.close());
        }
        result
    }

    /// Rows that could not be written and have a dead-letter stream.
    pub fn take_unwritten(&mut self) -> Vec<Unwritten> {
        self.drains.iter_mut().flat_map(|drain| std::mem::take(&mut drain.unwritten)).collect()
    }

    /// Rows that could not be written stay unwritten: they came from dead letters themselves.
    pub fn give_up_unwritten(&mut self) {
        for drain in &mut self.drains {
            drain.lost +=
                std::mem::take(&mut drain.unwritten).iter().map(|u| u.rows.num_rows() as u64).sum::<u64>();
        }
    }

    /// Rows given up.
    pub fn lost(&self) -> u64 {
        self.drains.iter().map(|drain| drain.lost).sum()
    }

    /// For the summary.
    pub fn lines(&self) -> Vec<OutputLine> {
        let line =
            |lane: &Lane| OutputLine { name: lane.name.clone(), place: lane.place.clone(), rows: lane.rows };
        self.lanes.iter().map(line).collect()
    }
}

struct Opener<'a> {
    base_dir: &'a Path,
    lengths: Option<&'a BTreeMap<StreamId, u64>>,
    printing: Printing,
    talk: &'a Talk,
    signals: &'a Signals,
    outputs: Outputs,
    /// The drain that all streams without a format of their own share.
    plain_stdout: Option<usize>,
}

impl Opener<'_> {
    fn lane(
        &mut self,
        source: LaneSource,
        name: &str,
        place: &str,
        schema: &SchemaRef,
        changes: bool,
        drain: usize,
    ) {
        self.outputs.lanes.push(Lane {
            source,
            name: name.to_owned(),
            place: place.to_owned(),
            schema: nullable(schema),
            changes,
            drain,
            rows: 0,
        });
    }

    fn push(&mut self, drain: Drain) -> usize {
        self.outputs.drains.push(drain);
        self.outputs.drains.len() - 1
    }

    fn stdout(&mut self, format: Option<&Format>) -> usize {
        if let (None, Some(drain)) = (format, self.plain_stdout) {
            return drain;
        }
        let screen = Screen { talk: io::stdout().is_terminal().then(|| self.talk.clone()) };
        let sink = writer_sink("standard output", Box::new(screen), format, self.printing);
        let is_table = is_table(format, self.printing);
        let drain =
            Drain::new("standard output", sink, Place::Stdout, self.talk, self.signals).table(is_table);
        let at = self.push(drain);
        if format.is_none() {
            self.plain_stdout = Some(at);
        }
        at
    }

    fn sink(&mut self, id: StreamId, name: &str, options: &StreamOptions) -> Result<(usize, String)> {
        let Role::Sink(connector) = &options.role else {
            return Err(Failure::run(format!("stream '{name}' is not a sink")));
        };
        let policy = WritePolicy::Stream(id, options.errors.clone());
        let rates: Vec<_> = options.rate_limit.into_iter().collect();
        let (place, text) = match connector {
            SinkConnector::Stdout if options.format.is_none() && rates.is_empty() => {
                return Ok((self.stdout(None), "standard output".to_owned()));
            }
            SinkConnector::Stdout => {
                let shown = options.format.clone();
                let screen = Screen { talk: io::stdout().is_terminal().then(|| self.talk.clone()) };
                let sink = writer_sink("standard output", Box::new(screen), shown.as_ref(), self.printing);
                let drain = Drain::new(name, sink, Place::Stdout, self.talk, self.signals)
                    .with(policy, rates)
                    .table(is_table(shown.as_ref(), self.printing));
                return Ok((self.push(drain), "standard output".to_owned()));
            }
            SinkConnector::Log { .. } => (Place::Stderr, "standard error".to_owned()),
            SinkConnector::File { path, .. } => (Place::File, format!("'{path}'")),
            SinkConnector::Blackhole => (Place::Nowhere, "nowhere".to_owned()),
        };
        let sink = self.open_with_retries(id, name, options)?;
        let is_table = place == Place::File && is_table(options.format.as_ref(), self.printing);
        let drain =
            Drain::new(name, sink, place, self.talk, self.signals).with(policy, rates).table(is_table);
        Ok((self.push(drain), text))
    }

    fn open_with_retries(&self, id: StreamId, name: &str, options: &StreamOptions) -> Result<Box<dyn Sink>> {
        let mut attempt = 0;
        loop {
            let length = self.lengths.and_then(|lengths| lengths.get(&id));
            let opened = match length {
                Some(length) => open_sink_at(options, name, self.base_dir, self.printing, *length),
                None => open_sink(options, name, self.base_dir, self.printing),
            };
            let error = match opened {
                Ok(sink) => return Ok(sink),
                Err(error) => error,
            };
            let Some((at_ns, message)) = next_try(&options.errors, &mut attempt, &error, wall_ns()) else {
                return Err(Failure::Connector { stream: name.to_owned(), error });
            };
            self.talk.say(options.errors.log_level, &format!("stream '{name}': {message}"));
            while self.signals.taken().is_none() && wall_ns() < at_ns {
                park_ns(at_ns - wall_ns());
            }
        }
    }
}

fn is_table(format: Option<&Format>, printing: Printing) -> bool {
    match format {
        Some(Format::Table) => true,
        Some(Format::Csv(_) | Format::Json(_) | Format::Regex(_)) => false,
        None => printing.format == OutputFormat::Table,
    }
}

/// Standard output; when it is a terminal the progress bar makes room.
struct Screen {
    talk: Option<Talk>,
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let write = || {
            let mut stdout = io::stdout().lock();
            stdout.write_all(bytes)?;
            stdout.flush()
        };
        match &self.talk {
            Some(talk) => talk.aside(write)?,
            None => write()?,
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The rows of a chunk as a batch. Columns are nullable whatever the plan promises: a batch is
/// written, not computed with.
fn to_batch(schema: &SchemaRef, chunk: &Chunk) -> Result<RecordBatch> {
    let columns: Vec<_> =
        chunk.columns.iter().zip(schema.fields()).map(|(c, field)| c.to_arrow(field.data_type())).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(chunk.rows()));
    RecordBatch::try_new_with_options(schema.clone(), columns, &options).map_err(|error| {
        Failure::run(format!("the engine emitted rows that do not fit their schema: {error}"))
    })
}

/// A schema whose columns may all be NULL.
fn nullable(schema: &SchemaRef) -> SchemaRef {
    let fields: Vec<Field> = schema.fields().iter().map(|f| f.as_ref().clone().with_nullable(true)).collect();
    Arc::new(Schema::new(fields))
}

fn operations(chunk: &Chunk, from: usize, to: usize) -> Vec<Op> {
    match chunk.ops.get(from..to) {
        Some(ops) => ops.to_vec(),
        None => vec![Op::Insert; to - from],
    }
}
