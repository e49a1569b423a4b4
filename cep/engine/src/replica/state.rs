//! The state as bytes and as a hash.
//!
//! | field | |
//! |---|---|
//! | magic, version | u32 each |
//! | index, stamp | u64, i64 |
//! | dedup | as `dedup` writes it |
//! | config | 0, or 1, epoch, retry window, capacity, and the horizon it was set at (since version 3) |
//! | definitions | count, then name, epoch, and 0 stopped, 1 active, 2 fenced |
//! | active, fenced | the Activate entry as a blob; the sources' count, then id and next number of each (since version 2); then the engine's checkpoint (before version 3 as a blob), or index and reason |

use std::collections::BTreeMap;

use cep_types::codec::{DecodeError, Reader, Result, Writer};
use cep_types::hash::SpaceSeed;
use cep_types::log::{self, Body, Config, LogEntry};
use cep_types::{Epoch, LogIndex, StampNs};

use super::sources::Sources;
use super::{Dedup, DedupLimits, Definition, Installed, Replica, Run, RunState};
use crate::cut::Pieces;

const MAGIC: u32 = 0x4345_5252;
const VERSION: u32 = 3;
/// Without config, the engine's checkpoints behind their length.
const VERSION_2: u32 = 2;
/// Without sources.
const VERSION_1: u32 = 1;

const STOPPED: u8 = 0;
const ACTIVE: u8 = 1;
const FENCED: u8 = 2;

/// What has more to write.
#[derive(Debug)]
enum Store {
    Ids,
    Definition(String),
}

/// A checkpoint that is being written.
#[derive(Debug, Default)]
pub(crate) struct ReplicaCut {
    pieces: Pieces<Store>,
    /// Definitions that do not run any more and are yet to be written.
    retired: BTreeMap<String, Box<Definition>>,
}

/// All of a definition but the state of one that runs, which comes behind it.
fn encode_installed(name: &str, installed: &Installed, out: &mut Writer) {
    out.str(name);
    out.u64(installed.epoch.0);
    let Some(Run { activate, state, sources }) = &installed.run else { return out.u8(STOPPED) };
    out.u8(if matches!(state, RunState::Active(_)) { ACTIVE } else { FENCED });
    out.blob(&log::activate(StampNs(0), activate));
    sources.encode(out);
    if let RunState::Fenced { index, reason } = state {
        out.u64(index.0);
        out.str(reason);
    }
}

impl Replica {
    /// The whole state as bytes (R-CKP-1). Call only after [`Progress::Done`](crate::Progress::Done).
    pub fn checkpoint(&self) -> Vec<u8> {
        debug_assert!(self.cursor.is_none(), "state is taken between entries");
        let mut out = Writer::default();
        self.encode_head(&mut out);
        self.dedup.encode(&mut out);
        self.encode_config(&mut out);
        out.u64(self.installed.len() as u64);
        for (name, installed) in &self.installed {
            encode_installed(name, installed, &mut out);
            if let Some(RunState::Active(definition)) = installed.run.as_ref().map(|run| &run.state) {
                definition.partition.encode(&mut out);
            }
        }
        out.bytes
    }

    fn encode_head(&self, out: &mut Writer) {
        out.u32(MAGIC);
        out.u32(VERSION);
        out.u64(self.index.0);
        out.i64(self.stamp.0);
    }

    /// Begins the same in slices: [`Replica::cut_next`] gives the bytes of now, whatever is applied meanwhile.
    /// Call only after [`Progress::Done`](crate::Progress::Done).
    pub fn cut_begin(&mut self) {
        debug_assert!(self.cursor.is_none(), "state is taken between entries");
        self.cut_end();
        let (mut out, mut cut) = (Writer::default(), ReplicaCut::default());
        self.encode_head(&mut out);
        self.dedup.freeze(&mut out);
        cut.pieces.bytes(std::mem::take(&mut out.bytes));
        cut.pieces.store(Store::Ids);
        self.dedup.encode_tail(&mut out);
        self.encode_config(&mut out);
        out.u64(self.installed.len() as u64);
        for (name, installed) in &mut self.installed {
            encode_installed(name, installed, &mut out);
            if let Some(RunState::Active(definition)) = installed.run.as_mut().map(|run| &mut run.state) {
                definition.partition.cut_begin();
                cut.pieces.bytes(std::mem::take(&mut out.bytes));
                cut.pieces.store(Store::Definition(name.clone()));
            }
        }
        cut.pieces.bytes(out.bytes);
        self.cut = Some(cut);
    }

    /// Appends more of the checkpoint, until `out` has about `until` bytes; true when that was all, and the
    /// checkpoint is done. At any time, amid an entry, too.
    pub fn cut_next(&mut self, out: &mut Vec<u8>, until: usize) -> bool {
        let Some(ReplicaCut { mut pieces, mut retired }) = self.cut.take() else { return true };
        let done = pieces.go_on(out, until, |store, out, until| match store {
            Store::Ids => self.dedup.cut_next(out, until),
            Store::Definition(name) => {
                let definition = match retired.get_mut(name) {
                    Some(definition) => Some(&mut **definition),
                    None => self.definition_mut(name),
                };
                let definition = definition.expect("a definition that runs no more is retired");
                let done = definition.partition.cut_next(out, until);
                if done {
                    retired.remove(name);
                }
                done
            }
        });
        if !done {
            self.cut = Some(ReplicaCut { pieces, retired });
        }
        done
    }

    /// Gives up a checkpoint that is being written.
    pub fn cut_end(&mut self) {
        if self.cut.take().is_some() {
            self.dedup.thaw();
            let runs = self.installed.values_mut().filter_map(|installed| installed.run.as_mut());
            for run in runs {
                if let RunState::Active(definition) = &mut run.state {
                    definition.partition.cut_end();
                }
            }
        }
    }

    /// A definition does not run any more: it is kept if it is yet to be written.
    pub(super) fn retire(&mut self, name: &str, state: RunState) {
        let (Some(cut), RunState::Active(definition)) = (&mut self.cut, state) else { return };
        if definition.partition.is_cut() {
            cut.retired.insert(name.to_owned(), definition);
        }
    }

    /// What [`Replica::checkpoint`] wrote, as a partition that goes on exactly there.
    ///
    /// # Errors
    /// If the bytes are damaged, or a definition cannot be built any more.
    pub fn restore(limits: DedupLimits, bytes: &[u8]) -> Result<Self> {
        let mut input = Reader::new(bytes);
        let replica = Self::decode(limits, &mut input)?;
        input.finish()?;
        Ok(replica)
    }

    /// The same of bytes with others behind them.
    ///
    /// # Errors
    /// As [`Replica::restore`].
    pub fn decode(limits: DedupLimits, input: &mut Reader<'_>) -> Result<Self> {
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
        replica.dedup = Dedup::decode(limits, input)?;
        if version == VERSION {
            replica.decode_config(input)?;
        }
        for _ in 0..input.len(17)? {
            let name = input.str()?;
            let epoch = Epoch(input.u64()?);
            let run = match input.u8()? {
                STOPPED => None,
                kind @ (ACTIVE | FENCED) => Some(read_run(version, kind, input)?),
                other => return Err(DecodeError(format!("definition '{name}' is of kind {other}"))),
            };
            if run.as_ref().is_some_and(|run| run.activate.name != name) {
                return Err(DecodeError(format!("definition '{name}' has another name inside")));
            }
            if replica.installed.insert(name, Installed { epoch, run }).is_some() {
                return Err(DecodeError("a definition occurs twice".into()));
            }
        }
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
    if version < VERSION {
        definition.partition.restore(input.blob()?)?;
    } else {
        definition.partition.decode(input)?;
    }
    Ok(Run { activate, state: RunState::Active(Box::new(definition)), sources })
}
