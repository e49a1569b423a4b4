//! Rows of a definition's own sources: which of them are new (R-PART-4, R-IDEM-1).
//!
//! Invariants: a source belongs to one activation, and its numbers go when that goes; rows of a source whose
//! activation is gone are nobody's and count as known; rows are taken without gaps, in order, from 0 on.

use std::collections::BTreeMap;

use cep_lang::plan::Program;
use cep_types::codec::{DecodeError, Reader, Result, Writer};
use cep_types::log::{Binding, source_id};
use cep_types::options::{ErrorStrategy, Role};
use cep_types::{Epoch, ProducerId, StreamId};

use super::dedup::{Verdict, Verdicts};

/// Where rows of a source go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceRoute {
    /// The stream that has the source, in the program.
    pub from: StreamId,
    /// The stream that the rows go to, in the program: `from`, or its dead-letter stream.
    pub to: StreamId,
    /// `to` as the space numbers it.
    pub stream: StreamId,
    /// The id that the rows are numbered under.
    pub source: ProducerId,
}

/// The ways from the sources of a program into its streams; in order of declaration, of each stream the
/// rows first and dead letters behind.
pub fn source_routes(name: &str, epoch: Epoch, program: &Program, bindings: &[Binding]) -> Vec<SourceRoute> {
    let outer = |inner: &str| bindings.iter().find(|b| b.name == inner).map(|b| b.stream);
    let mut routes = Vec::new();
    for stream in program.streams.iter().filter(|s| matches!(s.options.role, Role::Source(_))) {
        let Some(at) = outer(&stream.name) else { continue };
        let mut add = |to: StreamId, outside: StreamId| {
            let source = source_id(name, epoch, at, outside);
            routes.push(SourceRoute { from: stream.id, to, stream: outside, source });
        };
        add(stream.id, at);
        if let ErrorStrategy::DeadLetter { stream: dead } = &stream.options.errors.strategy
            && let Some(dead) = program.streams.iter().find(|s| s.name.eq_ignore_ascii_case(dead))
            && let Some(outside) = outer(&dead.name)
        {
            add(dead.id, outside);
        }
    }
    routes
}

/// The numbers of the next rows of an activation's sources.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Sources(BTreeMap<ProducerId, u64>);

impl Sources {
    /// None of them has given anything.
    pub(super) fn new(ids: impl Iterator<Item = ProducerId>) -> Self {
        Sources(ids.map(|id| (id, 0)).collect())
    }

    /// Number of the next row; `None` for a source that is not of this activation.
    pub(super) fn next(&self, source: ProducerId) -> Option<u64> {
        self.0.get(&source).copied()
    }

    /// Judges rows, and remembers those that are new; `false` if the source is not of this activation.
    pub(super) fn judge(
        &mut self,
        source: ProducerId,
        first: u64,
        rows: u32,
        out: &mut Vec<Verdicts>,
    ) -> bool {
        let Some(next) = self.0.get_mut(&source) else { return false };
        out.clear();
        if first > *next {
            out.push(Verdicts { rows, verdict: Verdict::Gap });
            return true;
        }
        let end = first + u64::from(rows);
        let old = (*next).min(end) - first;
        let runs = [(old as u32, Verdict::Duplicate), (rows - old as u32, Verdict::New)];
        out.extend(
            runs.into_iter().filter(|run| run.0 > 0).map(|(rows, verdict)| Verdicts { rows, verdict }),
        );
        *next = end.max(*next);
        true
    }

    pub(super) fn encode(&self, out: &mut Writer) {
        out.u64(self.0.len() as u64);
        for (source, next) in &self.0 {
            out.u64(source.0);
            out.u64(*next);
        }
    }

    pub(super) fn decode(input: &mut Reader<'_>) -> Result<Self> {
        let mut sources = BTreeMap::new();
        for _ in 0..input.len(16)? {
            if sources.insert(ProducerId(input.u64()?), input.u64()?).is_some() {
                return Err(DecodeError("a source occurs twice".into()));
            }
        }
        Ok(Sources(sources))
    }
}
