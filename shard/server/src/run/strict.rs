//! Where `error.strategy = 'fail'` holds.

use cep_engine::{RecordError, Subject};
use cep_lang::plan::Program;
use cep_types::StreamId;
use cep_types::options::ErrorStrategy;

use super::reach::reaching;

/// The streams whose errors stop the run.
#[derive(Debug)]
pub struct Strict {
    /// By [`StreamId`].
    streams: Vec<bool>,
    /// By query: a stream among those that its results are made of.
    queries: Vec<Option<StreamId>>,
}

impl Strict {
    /// What the streams of `program` ask for.
    pub fn of(program: &Program) -> Self {
        let fails = |strategy: &ErrorStrategy| matches!(strategy, ErrorStrategy::Fail);
        let streams: Vec<bool> = program.streams.iter().map(|s| fails(&s.options.errors.strategy)).collect();
        let stops_query = |plan| {
            let reached = reaching(program, plan);
            program.streams.iter().map(|s| s.id).find(|id| streams[id.index()] && reached[id.index()])
        };
        let queries = match streams.contains(&true) {
            true => program.queries.iter().map(|query| stops_query(&query.plan)).collect(),
            false => vec![None; program.queries.len()],
        };
        Strict { streams, queries }
    }

    /// The stream whose strategy makes an error in an entry of `stream` stop the run; `None`: none
    /// does. Records are their own stream's; results are of all the streams they are made of.
    pub fn stops(&self, stream: Option<StreamId>, error: &RecordError) -> Option<StreamId> {
        match (error.subject, error.query) {
            (Subject::Result, Some(query)) => self.queries.get(query.0 as usize).copied().flatten(),
            (Subject::Record, _) | (Subject::Result, None) => stream.filter(|id| self.streams[id.index()]),
        }
    }
}
