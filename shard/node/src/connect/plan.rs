//! A definition as its connectors see it.

use std::num::NonZeroU32;
use std::sync::Arc;

use cep_engine::Output;
use cep_engine::replica::{SourceRoute, compile_options, source_routes};
use cep_lang::lower::compile;
use cep_lang::plan::{Program, StreamOrigin, Target};
use cep_types::frame::{ColumnId, SchemaVersion};
use cep_types::hash::SpaceSeed;
use cep_types::log::{Action, Activate, Connectors};
use cep_types::options::Role;
use cep_types::{Epoch, SpaceId, StreamId};
use shard_control::{PartitionRef, Space};

/// A definition whose connectors run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: u32,
    /// The activation: a later one begins anew.
    pub epoch: Epoch,
    /// Whether nobody else appends, and what bare SELECTs make is printed.
    pub console: bool,
    /// What it runs.
    pub program: Arc<Program>,
    /// Its streams that take rows from outside.
    pub inputs: Vec<InputPlan>,
    /// The ways of rows from sources.
    pub routes: Vec<SourceRoute>,
    /// Its outputs that are handed over: the stream of the space and what the program calls it; ascending.
    pub outputs: Vec<(StreamId, Output)>,
    pub(crate) space: SpaceId,
    pub(crate) seed: SpaceSeed,
    pub(crate) partitions: NonZeroU32,
}

/// A stream that takes rows from outside.
#[derive(Debug, Clone)]
pub struct InputPlan {
    /// In the program.
    pub inner: StreamId,
    /// In the space.
    pub stream: StreamId,
    /// The schema that the definition declares.
    pub schema_version: SchemaVersion,
    /// Id of each column.
    pub columns: Vec<ColumnId>,
}

impl Plan {
    /// The plan of an activation; `None` if it has no connectors that run.
    pub(crate) fn of(activate: &Activate, space: &Space) -> Option<Self> {
        let Action::Run { text, streams, connectors, .. } = &activate.action else { return None };
        if *connectors == Connectors::Off {
            return None;
        }
        let console = *connectors == Connectors::Console;
        let program = Arc::new(compile(text, &compile_options(*connectors)).ok()?);
        let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
        for binding in streams {
            if let Some(stream) = program.streams.iter().find(|s| s.name == binding.name) {
                match stream.origin {
                    StreamOrigin::External => inputs.push(InputPlan {
                        inner: stream.id,
                        stream: binding.stream,
                        schema_version: binding.schema_version,
                        columns: binding.columns.clone(),
                    }),
                    StreamOrigin::Derived if matches!(stream.options.role, Role::Sink(_)) => {
                        outputs.push((binding.stream, Output::Stream(stream.id)));
                    }
                    StreamOrigin::Derived => {}
                }
            } else if let Some(query) =
                program.queries.iter().find(|q| q.target == Target::Print && q.name == binding.name)
                && console
            {
                outputs.push((binding.stream, Output::Query(query.id)));
            }
        }
        outputs.sort_unstable_by_key(|(stream, _)| *stream);
        Some(Plan {
            name: activate.name.clone(),
            version: activate.version,
            epoch: activate.epoch,
            console,
            routes: source_routes(&activate.name, activate.epoch, &program, streams),
            program,
            inputs,
            outputs,
            space: space.id,
            seed: space.seed,
            partitions: NonZeroU32::new(u32::try_from(space.placements.len()).ok()?)?,
        })
    }

    /// The partitions of its space, in their order.
    pub(crate) fn partitions(&self) -> impl Iterator<Item = PartitionRef> + '_ {
        (0..self.partitions.get()).map(|partition| crate::lanes::partition_of(self.space.0, partition))
    }

    /// The streams that it ends, in order of declaration: those with a source, and all on a console.
    pub(crate) fn ends(&self) -> Vec<(StreamId, StreamId)> {
        let ends = |input: &&InputPlan| {
            self.console || matches!(self.program.streams[input.inner.index()].options.role, Role::Source(_))
        };
        let mut ends: Vec<_> = self.inputs.iter().filter(ends).map(|i| (i.inner, i.stream)).collect();
        ends.sort_unstable();
        ends
    }

    /// An output by the name that the space has for it.
    pub fn output(&self, stream: StreamId) -> Option<Output> {
        self.outputs.iter().find(|(outer, _)| *outer == stream).map(|(_, output)| *output)
    }
}
