//! Streams whose rows go nowhere.

use cep_lang::plan::{Program, Stream, Target};
use cep_types::options::{ErrorStrategy, Role};

/// Streams that a query or an aggregation reads, or that a table begins with, by [`StreamId`](cep_types::StreamId).
pub fn read_streams(program: &Program) -> Vec<bool> {
    let mut read = vec![false; program.streams.len()];
    let plans = program.queries.iter().map(|q| &q.plan).chain(program.aggregations.iter().map(|a| &a.input));
    for stream in plans.flat_map(|plan| plan.scans()) {
        read[stream.index()] = true;
    }
    program.tables.iter().filter_map(|table| table.seed).for_each(|seed| read[seed.index()] = true);
    read
}

/// What the user should know about streams that something fills and nothing reads.
pub fn unread_warnings(program: &Program) -> Vec<String> {
    let read = read_streams(program);
    let unread = |s: &&Stream| !read[s.id.index()] && matches!(s.options.role, Role::Internal);
    let warning = |stream: &Stream| {
        let rows = what_fills(program, stream)?;
        Some(format!(
            "no query reads stream '{name}', and it is no sink: {rows} are lost; add `SELECT * FROM {name};`",
            name = stream.name
        ))
    };
    program.streams.iter().filter(unread).filter_map(warning).collect()
}

/// What comes into the stream, for a message.
fn what_fills(program: &Program, stream: &Stream) -> Option<String> {
    let of = |kind: &str, from: &Stream| Some(format!("{kind} of stream '{}'", from.name));
    if let Some(from) = program.streams.iter().find(|s| s.time.late_stream == Some(stream.id)) {
        return of("late rows", from);
    }
    let buries = |s: &&Stream| {
        matches!(&s.options.errors.strategy,
            ErrorStrategy::DeadLetter { stream: dead } if dead.eq_ignore_ascii_case(&stream.name))
    };
    if let Some(from) = program.streams.iter().find(buries) {
        return of("dead letters", from);
    }
    let target = Target::Stream(stream.id);
    let is_fed = program.queries.iter().map(|q| q.target).chain(program.reads.iter().map(|r| r.target));
    is_fed.into_iter().any(|t| t == target).then(|| "its rows".to_owned())
}
