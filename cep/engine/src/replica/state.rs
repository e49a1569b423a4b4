//! The state as bytes and as a hash.
//!
//! | field | |
//! |---|---|
//! | magic, version | u32 each |
//! | index, stamp | u64, i64 |
//! | dedup | as `dedup` writes it |
//! | config | 0, or 1, epoch, retry window, capacity, and the horizon it was set at (since version 3) |
//! | definitions | count, then name, epoch, and 0 stopped, 1 active, 2 fenced |
//! | active, fenced | the Activate entry as a blob; the sources' count, then id and next number of each (since version 2); then the engine's checkpoint, or index and reason |

use cep_types::codec::{DecodeError, Reader, Result, Writer};
use cep_types::hash::SpaceSeed;
use cep_types::log::{self, Body, Config, LogEntry};
use cep_types::{Epoch, LogIndex, StampNs};

use super::sources::Sources;
use super::{Dedup, DedupLimits, Definition, Installed, Replica, Run, RunState};

const MAGIC: u32 = 0x4345_5252;
const VERSION: u32 = 3;
/// Without config.
const VERSION_2: u32 = 2;
/// Without sources.
const VERSION_1: u32 = 1;

const STOPPED: u8 = 0;
const ACTIVE: u8 = 1;
const FENCED: u8 = 2;

impl Replica {
    /// The whole state as bytes (R-CKP-1). Call only after [`Progress::Done`](crate::Progress::Done).
    pub fn checkpoint(&self) -> Vec<u8> {
        debug_assert!(self.cursor.is_none(), "state is taken between entries");
        let mut out = Writer::default();
        out.u32(MAGIC);
        out.u32(VERSION);
        out.u64(self.index.0);
        out.i64(self.stamp.0);
        self.dedup.encode(&mut out);
        self.encode_config(&mut out);
        out.u64(self.installed.len() as u64);
        for (name, installed) in &self.installed {
            out.str(name);
            out.u64(installed.epoch.0);
            match &installed.run {
                None => out.u8(STOPPED),
                Some(Run { activate, state, sources }) => {
                    out.u8(if matches!(state, RunState::Active(_)) { ACTIVE } else { FENCED });
                    out.blob(&log::activate(StampNs(0), activate));
                    sources.encode(&mut out);
                    match state {
                        RunState::Active(definition) => out.blob(&definition.partition.checkpoint()),
                        RunState::Fenced { index, reason } => {
                            out.u64(index.0);
                            out.str(reason);
                        }
                    }
                }
            }
        }
        out.bytes
    }

    /// What [`Replica::checkpoint`] wrote, as a partition that goes on exactly there.
    ///
    /// # Errors
    /// If the bytes are damaged, or a definition cannot be built any more.
    pub fn restore(limits: DedupLimits, bytes: &[u8]) -> Result<Self> {
        let mut input = Reader::new(bytes);
        if input.u32()? != MAGIC {
            return Err(DecodeError("it does not begin with a checkpoint's mark".into()));
        }
        let version = input.u32()?;
        if ![VERSION, VERSION_2, VERSION_1].contains(&version) {
            return Err(DecodeError(format!("version {version} is not version {VERSION}")));
        }
        let mut replica = Replica::new(limits);
        replica.index = LogIndex(input.u64()?);
        replica.stamp = StampNs(input.i64()?);
        replica.dedup = Dedup::decode(limits, &mut input)?;
        if version == VERSION {
            replica.decode_config(&mut input)?;
        }
        for _ in 0..input.len(17)? {
            let name = input.str()?;
            let epoch = Epoch(input.u64()?);
            let run = match input.u8()? {
                STOPPED => None,
                kind @ (ACTIVE | FENCED) => Some(read_run(version, kind, &mut input)?),
                other => return Err(DecodeError(format!("definition '{name}' is of kind {other}"))),
            };
            if run.as_ref().is_some_and(|run| run.activate.name != name) {
                return Err(DecodeError(format!("definition '{name}' has another name inside")));
            }
            if replica.installed.insert(name, Installed { epoch, run }).is_some() {
                return Err(DecodeError("a definition occurs twice".into()));
            }
        }
        input.finish()?;
        Ok(replica)
    }

    /// Hash of the state, without log positions (R-DET-1): equal states, equal hashes.
    pub fn state_hash(&self) -> u64 {
        let mut out = Writer::default();
        out.i64(self.stamp.0);
        self.dedup.encode(&mut out);
        if self.config.is_some() {
            self.encode_config(&mut out);
        }
        for (name, installed) in &self.installed {
            out.str(name);
            match &installed.run {
                None => out.u8(STOPPED),
                Some(Run { activate, state: RunState::Active(definition), sources }) => {
                    out.u8(ACTIVE);
                    out.u32(activate.version);
                    sources.encode(&mut out);
                    out.u64(definition.partition.state_hash());
                }
                Some(Run { activate, state: RunState::Fenced { .. }, sources: _ }) => {
                    out.u8(FENCED);
                    out.u32(activate.version);
                }
            }
        }
        SpaceSeed(0).hash(&out.bytes)
    }
}

impl Replica {
    fn encode_config(&self, out: &mut Writer) {
        out.bool(self.config.is_some());
        if let Some(Config { epoch, retry_window_ns, ids_max }) = &self.config {
            out.u64(epoch.0);
            out.i64(*retry_window_ns);
            out.u64(*ids_max);
            out.i64(self.dedup.forgotten_ns());
        }
    }

    fn decode_config(&mut self, input: &mut Reader<'_>) -> Result<()> {
        if !input.bool()? {
            return Ok(());
        }
        let config =
            Config { epoch: Epoch(input.u64()?), retry_window_ns: input.i64()?, ids_max: input.u64()? };
        self.dedup.restore_limits(self.dedup.limits().with(&config), input.i64()?);
        self.config = Some(config);
        Ok(())
    }
}

fn read_run(version: u32, kind: u8, input: &mut Reader<'_>) -> Result<Run> {
    let bytes = arrow_buffer::Buffer::from(input.blob()?);
    let entry = LogEntry::open(&bytes).map_err(|error| DecodeError(error.to_string()))?;
    let Body::Activate(activate) = entry.body else {
        return Err(DecodeError("a definition without its activation".into()));
    };
    let sources = if version == VERSION_1 { Sources::default() } else { Sources::decode(input)? };
    if kind == FENCED {
        let state = RunState::Fenced { index: LogIndex(input.u64()?), reason: input.str()? };
        return Ok(Run { activate, state, sources });
    }
    let installed = match activate.action {
        log::Action::Run { .. } => Definition::install(&activate),
        log::Action::Stop => return Err(DecodeError("a definition that was stopped has a state".into())),
    };
    let mut definition = installed.map_err(|error| DecodeError(error.to_string()))?;
    definition.partition.restore(input.blob()?)?;
    Ok(Run { activate, state: RunState::Active(Box::new(definition)), sources })
}
