//! One definition of a partition: its program, its state, and what its streams are called outside.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{Field, Schema, SchemaRef};
use cep_lang::bundle;
use cep_lang::diag::Diagnostic;
use cep_lang::lower::{CompileOptions, Session};
use cep_lang::plan::{Clock, Program, QueryId, StreamOrigin, Target};
use cep_types::frame::{ColumnId, Frame, ReadSchema, SchemaVersion};
use cep_types::log::{Action, Activate, Binding, Connectors, Language};
use cep_types::options::{EmitPolicy, Role};
use cep_types::{StampNs, StreamId};

use super::effects::{Delivery, Effects};
use crate::actions::{Actions, Output};
use crate::partition::Partition;

/// Why a definition cannot run here. The same on every replica, as the engine level is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InstallError(pub String);

/// A definition that runs.
#[derive(Debug)]
pub struct Definition {
    pub(super) partition: Partition,
    /// Its names, for questions; only where there is something to be asked. No state.
    pub(super) names: Option<Box<Session>>,
    /// By the space's number: streams that take rows from outside.
    inputs: BTreeMap<StreamId, Input>,
    /// What the rows of outputs are called outside.
    outputs: BTreeMap<Output, OutputStream>,
    actions: Actions,
    connectors: Connectors,
    /// All streams from outside bring their own time: the wall clock must not run ahead of it.
    is_event_timed: bool,
}

#[derive(Debug)]
struct Input {
    stream: StreamId,
    schema: ReadSchema,
}

#[derive(Debug)]
struct OutputStream {
    stream: StreamId,
    schema_version: SchemaVersion,
    columns: Vec<ColumnId>,
    schema: SchemaRef,
}

/// What the rows that a bare SELECT prints are called outside: `name` is the definition's, `query` the
/// query's own, `query_1` for the first one.
pub fn print_name(name: &str, query: &str) -> String {
    format!("{name}_{query}")
}

impl Definition {
    /// What an entry says is to run.
    ///
    /// # Errors
    /// If it cannot be compiled or built, or its streams are not those that it is bound to.
    ///
    /// # Panics
    /// If the entry stops the definition.
    pub fn install(activate: &Activate) -> Result<Self, InstallError> {
        let Action::Run { language, text, streams, connectors } = &activate.action else {
            unreachable!("what stops a definition installs none")
        };
        let options = compile_options(*connectors);
        let refused = |diagnostics: Vec<Diagnostic>| {
            let first = diagnostics.first().map_or_else(String::new, |d| d.message.clone());
            InstallError(format!("it does not compile: {first}"))
        };
        let (program, names) = match language {
            Language::Sql => {
                let mut session = Session::new(options);
                session.run(text).map_err(refused)?;
                let program = Arc::new(session.program());
                let is_asked = !(program.aggregations.is_empty() && program.tables.is_empty());
                let names = is_asked.then(|| Box::new(session));
                (program, names)
            }
            // A bundle has nothing that is asked by name.
            Language::Bundle => {
                let compiled = bundle::compile(text, &options).map_err(refused)?;
                (Arc::new(compiled.program), None)
            }
        };
        let is_event_timed = is_event_timed(&program, *connectors);
        let (inputs, outputs) = bind(&program, streams, *connectors)?;
        let watched: Vec<StreamId> = outputs
            .keys()
            .filter_map(|output| match output {
                Output::Stream(stream) => Some(*stream),
                Output::Query(_) => None,
            })
            .collect();
        let partition = Partition::new(program, &watched).map_err(|error| InstallError(error.to_string()))?;
        let (actions, connectors) = (Actions::new(), *connectors);
        Ok(Definition { partition, names, inputs, outputs, actions, connectors, is_event_timed })
    }

    /// What it runs.
    pub fn program(&self) -> &Arc<Program> {
        self.partition.program()
    }

    /// Its engine.
    pub fn partition(&self) -> &Partition {
        &self.partition
    }

    /// Its engine, to be asked.
    pub fn partition_mut(&mut self) -> &mut Partition {
        &mut self.partition
    }

    /// Whether its connectors run.
    pub fn is_connected(&self) -> bool {
        self.connectors != Connectors::Off
    }

    /// The streams of the space whose rows its connectors hand over; ascending.
    pub fn handed_over(&self) -> Vec<StreamId> {
        let program = self.partition.program();
        let is_handed = |output: &Output| match output {
            Output::Stream(stream) => {
                self.is_connected() && matches!(program.streams[stream.index()].options.role, Role::Sink(_))
            }
            Output::Query(_) => self.connectors == Connectors::Console,
        };
        let mut streams: Vec<StreamId> =
            self.outputs.iter().filter(|(output, _)| is_handed(output)).map(|(_, o)| o.stream).collect();
        streams.sort_unstable();
        streams
    }

    /// Those of the streams that are handed over whose oldest rows are left out when its sink falls behind.
    pub fn shed(&self) -> Vec<StreamId> {
        let program = self.partition.program();
        let sheds = |output: &Output| match output {
            Output::Stream(stream) => program.streams[stream.index()].options.emit == EmitPolicy::DropOldest,
            Output::Query(_) => false,
        };
        self.outputs.iter().filter(|(output, _)| sheds(output)).map(|(_, o)| o.stream).collect()
    }

    /// Whether time passes for it without rows.
    pub fn wants_ticks(&self) -> bool {
        !self.is_event_timed
    }

    /// The stamp of an entry as it sees it: where all rows bring their own time, that is the time reached.
    pub(super) fn stamp(&self, entry: StampNs) -> StampNs {
        match self.partition.stamp_ns() {
            _ if !self.is_event_timed => entry,
            i64::MIN => StampNs(0),
            reached => StampNs(reached),
        }
    }

    /// The number that a stream of the space has in the program; `None` for one it does not take rows of.
    pub(super) fn input(&self, stream: StreamId) -> Option<StreamId> {
        self.inputs.get(&stream).map(|input| input.stream)
    }

    /// Rows of a stream of the space as the program wants them; `None` if it does not take any.
    ///
    /// # Errors
    /// If they cannot be read with its schema.
    pub(super) fn read(&self, stream: StreamId, frame: &Frame) -> Option<Result<RecordBatch, String>> {
        let input = self.inputs.get(&stream)?;
        Some(frame.read(&input.schema).map_err(|error| error.to_string()))
    }

    /// Its actions, and what to apply them with.
    pub(super) fn parts(&mut self) -> (&mut Partition, &mut Actions) {
        (&mut self.partition, &mut self.actions)
    }

    /// Turns what the last apply wants into deliveries; errors stay where they are.
    pub(super) fn deliver(&mut self, effects: &mut Effects) {
        let first = effects.deliveries.len();
        let emits = self.actions.emits();
        // Deliveries in order of emits, ordinals in order of runs.
        let mut ordinals = vec![Vec::new(); emits.len()];
        let mut taken: Vec<Vec<(usize, usize)>> = vec![Vec::new(); emits.len()];
        for run in self.actions.runs() {
            let count = u32::try_from(run.to - run.from).expect("a step has few rows");
            ordinals[run.emit].push((effects.ordinal, count));
            taken[run.emit].push((run.from, run.to));
            effects.ordinal += count;
        }
        for (emit, (ordinals, taken)) in emits.iter().zip(ordinals.into_iter().zip(taken)) {
            let Some(output) = self.outputs.get(&emit.output).filter(|_| !ordinals.is_empty()) else {
                continue;
            };
            debug_assert_eq!(taken.iter().map(|(from, to)| to - from).sum::<usize>(), emit.chunk.rows());
            let fields = output.schema.fields();
            let arrays =
                emit.chunk.columns.iter().zip(fields).map(|(c, f)| c.to_arrow(f.data_type())).collect();
            let rows = RecordBatch::try_new(Arc::clone(&output.schema), arrays)
                .expect("a chunk has the columns of its output");
            effects.deliveries.push(Delivery {
                stream: output.stream,
                schema_version: output.schema_version,
                columns: output.columns.clone(),
                ordinals: joined(ordinals),
                rows,
                ops: emit.chunk.ops.clone(),
            });
        }
        effects.deliveries[first..].sort_by_key(|delivery| delivery.ordinals[0].0);
    }
}

/// How the text of a definition is compiled on a node. On a console streams that nobody feeds from outside
/// have the time of the others, as in `ceptra run`.
pub fn compile_options(connectors: Connectors) -> CompileOptions {
    let default_clock = match connectors {
        Connectors::Off | Connectors::On => Clock::Ingest,
        Connectors::Console => Clock::Event,
    };
    CompileOptions { default_clock, ..CompileOptions::default() }
}

/// Whether all rows from outside bring their own time. On a console only sources bring any.
fn is_event_timed(program: &Program, connectors: Connectors) -> bool {
    let mut outside = program
        .streams
        .iter()
        .filter(|s| s.origin == StreamOrigin::External)
        .filter(|s| connectors != Connectors::Console || matches!(s.options.role, Role::Source(_)))
        .peekable();
    outside.peek().is_some() && outside.all(|s| s.time.clock == Clock::Event)
}

/// Stretches that follow each other as one.
fn joined(ordinals: Vec<(u32, u32)>) -> Vec<(u32, u32)> {
    let mut out: Vec<(u32, u32)> = Vec::with_capacity(ordinals.len());
    for (first, count) in ordinals {
        match out.last_mut() {
            Some(last) if last.0 + last.1 == first => last.1 += count,
            _ => out.push((first, count)),
        }
    }
    out
}

type Bound = (BTreeMap<StreamId, Input>, BTreeMap<Output, OutputStream>);

/// Finds the streams and printed queries that the bindings name.
fn bind(program: &Program, bindings: &[Binding], connectors: Connectors) -> Result<Bound, InstallError> {
    let mut inputs = BTreeMap::new();
    let mut outputs = BTreeMap::new();
    for binding in bindings {
        let Binding { name, stream, schema_version, columns } = binding;
        let wrong = |what: &str| InstallError(format!("its stream '{name}' is bound wrongly: {what}"));
        let output = |schema: &SchemaRef| OutputStream {
            stream: *stream,
            schema_version: *schema_version,
            columns: columns.clone(),
            schema: Arc::clone(schema),
        };
        if let Some(found) = program.streams.iter().find(|s| s.name == *name) {
            if found.schema.fields().len() != columns.len() {
                return Err(wrong("it has another number of columns"));
            }
            match found.origin {
                StreamOrigin::External => {
                    // On a console columns that no query looks at are not read from a source, and are NULL.
                    let lenient = connectors == Connectors::Console;
                    let schema = if lenient { nullable(&found.schema) } else { Arc::clone(&found.schema) };
                    let schema = ReadSchema::of(&schema, columns).map_err(|e| wrong(&e.to_string()))?;
                    inputs.insert(*stream, Input { stream: found.id, schema });
                }
                StreamOrigin::Derived => {
                    outputs.insert(Output::Stream(found.id), output(&found.schema));
                }
            }
        } else if let Some((query, schema)) = printed(program, name) {
            if schema.fields().len() != columns.len() {
                return Err(wrong("it has another number of columns"));
            }
            outputs.insert(Output::Query(query), output(schema));
        } else {
            return Err(wrong("there is no such stream"));
        }
    }
    Ok((inputs, outputs))
}

fn nullable(schema: &SchemaRef) -> SchemaRef {
    let fields: Vec<Field> = schema.fields().iter().map(|f| f.as_ref().clone().with_nullable(true)).collect();
    Arc::new(Schema::new(fields))
}

/// The query that prints under this name.
fn printed<'a>(program: &'a Program, name: &str) -> Option<(QueryId, &'a SchemaRef)> {
    let query = program.queries.iter().find(|q| q.target == Target::Print && q.name == name)?;
    Some((query.id, query.plan.schema()))
}
