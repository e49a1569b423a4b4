//! Opening the sources of a program.

use std::path::Path;

use cep_lang::plan::{Program, Stream, StreamOrigin};
use cep_types::StreamId;
use cep_types::options::{GeneratorOptions, Role, SourceConnector};
use net_connect::{Source, open_source_columns};

use super::driver::RunSettings;
use super::inputs::{Input, next_try};
use super::order::{Inputs, Order};
use super::pace::{Pace, Playback};
use super::projection::wanted_columns;
use super::signals::Signals;
use super::unread::unread_warnings;
use crate::clock::{park_ns, wall_ns};
use crate::failure::{Failure, Result};
use crate::talk::Talk;

/// Opens the sources that the settings name, in declaration order, and decides how they are
/// combined.
///
/// # Errors
/// If a source cannot be opened, or a speed was asked for that a source cannot keep.
pub fn open_inputs(
    program: &Program,
    settings: &RunSettings<'_>,
    talk: &Talk,
    signals: &Signals,
) -> Result<Inputs> {
    let RunSettings { base_dir, playback, streams, all_columns, names_unread, show: _, plan: _ } = settings;
    let playback = *playback;
    let mut wanted = wanted_columns(program);
    if *all_columns {
        wanted.iter_mut().for_each(|columns| columns.fill(true));
    }
    let mut inputs = Vec::new();
    let mut arrival = false;
    for stream in &program.streams {
        let Role::Source(connector) = &stream.options.role else { continue };
        if stream.origin != StreamOrigin::External {
            continue;
        }
        if !streams[stream.id.index()] {
            if *names_unread {
                talk.warn(&format!("stream '{}' is read by no query; its source stays closed", stream.name));
            }
            continue;
        }
        let source = open(stream, &wanted[stream.id.index()], base_dir, talk, signals)?;
        let (blocks, own_pace) = match connector {
            SourceConnector::Stdin { .. } => (true, true),
            // A pipe or a device has no known end and may make its reader wait.
            SourceConnector::File { .. } => (!source.is_bounded(), !source.is_bounded()),
            SourceConnector::Timer { .. } => (false, true),
            SourceConnector::Generator(_) => (false, false),
        };
        if matches!(connector, SourceConnector::Timer { .. }) && playback != Playback::Max {
            return Err(Failure::usage(
                format!("stream '{}': a timer has the pace of the clock", stream.name),
                "leave --playback out",
            ));
        }
        arrival |= own_pace;
        inputs.push(Input::new(stream, source, blocks, rates(stream))?);
    }
    if *names_unread {
        unread_warnings(program).iter().for_each(|warning| talk.warn(warning));
    }
    let order = if arrival && playback == Playback::Max { Order::Arrival } else { Order::Merged };
    let mut inputs = Inputs::new(inputs, order, Pace::new(playback));
    inputs.seeds_first(|stream| program.tables.iter().any(|table| table.seed == Some(stream)));
    Ok(inputs)
}

fn rates(stream: &Stream) -> Vec<cep_types::options::Rate> {
    let made = match &stream.options.role {
        Role::Source(SourceConnector::Generator(GeneratorOptions { rate, .. })) => *rate,
        _ => None,
    };
    stream.options.rate_limit.into_iter().chain(made).collect()
}

fn open(
    stream: &Stream,
    wanted: &[bool],
    base_dir: &Path,
    talk: &Talk,
    signals: &Signals,
) -> Result<Box<dyn Source>> {
    let mut attempt = 0;
    loop {
        let error = match open_source_columns(&stream.options, &stream.schema, wanted, base_dir) {
            Ok(source) => return Ok(source),
            Err(error) => error,
        };
        let Some((at_ns, message)) = next_try(&stream.options.errors, &mut attempt, &error, wall_ns()) else {
            return Err(Failure::Connector { stream: stream.name.clone(), error });
        };
        talk.say(stream.options.errors.log_level, &format!("stream '{}': {message}", stream.name));
        while signals.taken().is_none() && wall_ns() < at_ns {
            park_ns(at_ns - wall_ns());
        }
    }
}

/// Streams that entries may come for: all that are not made by queries.
pub fn external_streams(program: &Program) -> impl Iterator<Item = StreamId> + '_ {
    program.streams.iter().filter(|s| s.origin == StreamOrigin::External).map(|s| s.id)
}
