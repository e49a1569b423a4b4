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

const RUN: u8 = 1;
const STOP: u8 = 2;
const SQL: u8 = 1;

pub(super) fn write_activate(activate: &Activate, out: &mut Writer) {
    let Activate { name, version, epoch, action } = activate;
    out.str(name);
    out.u32(*version);
    out.u64(epoch.0);
    match action {
        Action::Run { language: Language::Sql, text, streams } => {
            out.u8(RUN);
            out.u8(SQL);
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
        RUN => {
            let language = match input.u8()? {
                SQL => Language::Sql,
                other => return Err(DecodeError(format!("language {other}")).into()),
            };
            let text = input.str()?;
            let streams = (0..input.len(24)?).map(|_| read_binding(&mut input)).collect::<Result<_, _>>()?;
            Action::Run { language, text, streams }
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
