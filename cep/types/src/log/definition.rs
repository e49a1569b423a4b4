//! Entries about definitions: which rules run from here on.

use super::LogError;
use crate::codec::{DecodeError, Reader, Writer};
use crate::frame::{ColumnId, SchemaVersion};
use crate::{Epoch, LogIndex, StreamId};

/// What a definition is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Streaming SQL.
    Sql,
    /// A bundle in YAML.
    Bundle,
}

/// A stream of a definition and what its space knows it as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// Its name in the definition.
    pub name: String,
    /// Its number in the space.
    pub stream: StreamId,
    /// The schema that the definition declares.
    pub schema_version: SchemaVersion,
    /// The id of each column, in the definition's order.
    pub columns: Vec<ColumnId>,
}

/// Whether the connectors of a definition run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Connectors {
    /// They do not: clients append to its sources and subscribe to its sinks.
    #[default]
    Off,
    /// They do.
    On,
    /// They do, nobody else appends, and what bare SELECTs make is printed: `ceptra run --data-dir`.
    Console,
}

/// What becomes of a definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// It runs in this version; the state of the version before is gone.
    Run {
        /// What it is written in.
        language: Language,
        /// Its text, variables replaced.
        text: String,
        /// Its streams.
        streams: Vec<Binding>,
        /// Whether its connectors run.
        connectors: Connectors,
    },
    /// It runs no more.
    Stop,
}

/// From this entry on a definition runs in another version, or not any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activate {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: u32,
    /// The epoch of the decision: an entry whose epoch is not above the one a partition has for the
    /// definition says nothing new.
    pub epoch: Epoch,
    /// What becomes of it.
    pub action: Action,
}

/// A definition is fenced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantine {
    /// The definition's name.
    pub name: String,
    /// Which version: another one is not fenced.
    pub version: u32,
    /// The epoch of the decision.
    pub epoch: Epoch,
    /// The entry that it could not apply.
    pub index: LogIndex,
    /// What is known of the reason.
    pub reason: String,
}

/// How far a definition's sinks have come, logged by who runs them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker {
    /// The definition's name.
    pub name: String,
    /// The activation that made the rows: a marker of another one says nothing.
    pub epoch: Epoch,
    /// The rows of this partition up to here have been handed over.
    pub upto: OutputPosition,
    /// The same of all partitions of the space, in their order, for who goes on after a restart. Only
    /// markers in the space's first partition say it.
    pub all: Vec<OutputPosition>,
    /// How long the file of each sink was then, bytes. Only where `all` is said.
    pub lengths: Vec<(StreamId, u64)>,
}

/// Where a derived row is: the entry it comes of, and its place among all rows that the entry led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct OutputPosition {
    /// The entry.
    pub index: LogIndex,
    /// Its place there.
    pub ordinal: u32,
}

const RUN: u8 = 1;
const STOP: u8 = 2;
const RUN_CONNECTED: u8 = 3;
const RUN_CONSOLE: u8 = 4;
const SQL: u8 = 1;
const BUNDLE: u8 = 2;

pub(super) fn write_activate(activate: &Activate, out: &mut Writer) {
    let Activate { name, version, epoch, action } = activate;
    out.str(name);
    out.u32(*version);
    out.u64(epoch.0);
    match action {
        Action::Run { language, text, streams, connectors } => {
            out.u8(match connectors {
                Connectors::Off => RUN,
                Connectors::On => RUN_CONNECTED,
                Connectors::Console => RUN_CONSOLE,
            });
            out.u8(match language {
                Language::Sql => SQL,
                Language::Bundle => BUNDLE,
            });
            out.str(text);
            out.u64(streams.len() as u64);
            for Binding { name, stream, schema_version, columns } in streams {
                out.str(name);
                out.u32(stream.0);
                out.u32(schema_version.0);
                out.u64(columns.len() as u64);
                columns.iter().for_each(|id| out.u32(id.0));
            }
        }
        Action::Stop => out.u8(STOP),
    }
}

pub(super) fn read_activate(bytes: &[u8]) -> Result<Activate, LogError> {
    let mut input = Reader::new(bytes);
    let name = input.str()?;
    let version = input.u32()?;
    let epoch = Epoch(input.u64()?);
    let action = match input.u8()? {
        code @ (RUN | RUN_CONNECTED | RUN_CONSOLE) => {
            let connectors = match code {
                RUN => Connectors::Off,
                RUN_CONNECTED => Connectors::On,
                _ => Connectors::Console,
            };
            let language = match input.u8()? {
                SQL => Language::Sql,
                BUNDLE => Language::Bundle,
                other => return Err(DecodeError(format!("language {other}")).into()),
            };
            let text = input.str()?;
            let streams = (0..input.len(24)?).map(|_| read_binding(&mut input)).collect::<Result<_, _>>()?;
            Action::Run { language, text, streams, connectors }
        }
        STOP => Action::Stop,
        other => return Err(DecodeError(format!("action {other}")).into()),
    };
    input.finish()?;
    Ok(Activate { name, version, epoch, action })
}

fn read_binding(input: &mut Reader<'_>) -> Result<Binding, DecodeError> {
    Ok(Binding {
        name: input.str()?,
        stream: StreamId(input.u32()?),
        schema_version: SchemaVersion(input.u32()?),
        columns: (0..input.len(4)?).map(|_| input.u32().map(ColumnId)).collect::<Result<_, _>>()?,
    })
}

pub(super) fn write_quarantine(quarantine: &Quarantine, out: &mut Writer) {
    let Quarantine { name, version, epoch, index, reason } = quarantine;
    out.str(name);
    out.u32(*version);
    out.u64(epoch.0);
    out.u64(index.0);
    out.str(reason);
}

pub(super) fn read_quarantine(bytes: &[u8]) -> Result<Quarantine, LogError> {
    let mut input = Reader::new(bytes);
    let quarantine = Quarantine {
        name: input.str()?,
        version: input.u32()?,
        epoch: Epoch(input.u64()?),
        index: LogIndex(input.u64()?),
        reason: input.str()?,
    };
    input.finish()?;
    Ok(quarantine)
}

pub(super) fn write_marker(marker: &Marker, out: &mut Writer) {
    let Marker { name, epoch, upto, all, lengths } = marker;
    out.str(name);
    out.u64(epoch.0);
    write_position(*upto, out);
    out.u64(all.len() as u64);
    all.iter().for_each(|position| write_position(*position, out));
    out.u64(lengths.len() as u64);
    for (stream, length) in lengths {
        out.u32(stream.0);
        out.u64(*length);
    }
}

pub(super) fn read_marker(bytes: &[u8]) -> Result<Marker, LogError> {
    let mut input = Reader::new(bytes);
    let marker = Marker {
        name: input.str()?,
        epoch: Epoch(input.u64()?),
        upto: read_position(&mut input)?,
        all: (0..input.len(12)?).map(|_| read_position(&mut input)).collect::<Result<_, _>>()?,
        lengths: (0..input.len(12)?)
            .map(|_| Ok((StreamId(input.u32()?), input.u64()?)))
            .collect::<Result<_, DecodeError>>()?,
    };
    input.finish()?;
    Ok(marker)
}

fn write_position(position: OutputPosition, out: &mut Writer) {
    out.u64(position.index.0);
    out.u32(position.ordinal);
}

fn read_position(input: &mut Reader<'_>) -> Result<OutputPosition, DecodeError> {
    Ok(OutputPosition { index: LogIndex(input.u64()?), ordinal: input.u32()? })
}
