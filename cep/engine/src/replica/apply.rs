//! An entry, part by part and definition by definition.

use std::collections::{BTreeMap, VecDeque};

use arrow_array::UInt32Array;
use arrow_array::cast::AsArray;
use arrow_array::types::TimestampNanosecondType;
use arrow_buffer::ScalarBuffer;
use cep_lang::diag::codes;
use cep_types::frame::Frame;
use cep_types::log::{
    Action, Activate, Body, Config, EVENT_TIME, LogEntry, Part, PartHead, PartIds, Quarantine,
};
use cep_types::{Entry, EntryKind, Epoch, Events, LogIndex};

use super::dedup::{Verdict, Verdicts};
use super::effects::{DefinitionError, Effects, Outcome, OutcomeRun, RejectReason, add};
use super::feed::{Feed, refusal};
use super::sources::{Sources, source_routes};
use super::{Definition, Fence, Installed, Replica, Run, RunState, Running};
use crate::actions::{RecordError, Subject};
use crate::partition::{Budget, Progress};

/// How far an entry has come.
#[derive(Debug, Default)]
pub(crate) struct Cursor {
    /// Parts that have begun.
    begun: usize,
    /// The one under way.
    current: Option<Current>,
    /// What definitions have yet to apply of it.
    feeds: VecDeque<Feed>,
}

/// A part under way.
#[derive(Debug)]
struct Current {
    rows: u32,
    verdicts: Vec<Verdicts>,
    /// Rows that are new; `None`: all.
    fresh: Option<Vec<u32>>,
    /// Definitions that take its rows.
    readers: u32,
    /// Rows that definitions refused: how many did, and why the first one.
    refused: BTreeMap<u32, (u32, RejectReason)>,
    /// Definitions whose queries read the stream.
    askers: u32,
    /// Rows that were too late: for how many of them.
    late: BTreeMap<u32, u32>,
}

impl Replica {
    /// Applies an entry, or the part of it that the budget allows; effects are appended. A defect of a
    /// definition is a panic; [`Replica::running`] names it then, and the replica is of no more use.
    ///
    /// # Panics
    /// If a frame is not what was verified at the door.
    pub fn apply(
        &mut self,
        index: LogIndex,
        entry: &LogEntry,
        budget: &mut Budget,
        effects: &mut Effects,
    ) -> Progress {
        let mut cursor = match self.cursor.take() {
            Some(cursor) => cursor,
            None => self.begin(index, entry),
        };
        let progress = self.go_on(entry, &mut cursor, budget, effects);
        if progress == Progress::More {
            self.cursor = Some(cursor);
        }
        progress
    }

    fn go_on(
        &mut self,
        entry: &LogEntry,
        cursor: &mut Cursor,
        budget: &mut Budget,
        effects: &mut Effects,
    ) -> Progress {
        loop {
            while let Some(feed) = cursor.feeds.front() {
                let part = cursor.current.is_some().then(|| cursor.begun as u32 - 1);
                let errors = effects.errors.len();
                let mut late = Vec::new();
                let progress = self.apply_feed(feed, part, budget, &mut late, effects);
                if let Some(current) = &mut cursor.current {
                    current.note_late(&late);
                    current.note(&mut effects.errors[errors..]);
                }
                self.running = None;
                if progress == Progress::More {
                    return Progress::More;
                }
                cursor.feeds.pop_front();
            }
            if let Some(current) = cursor.current.take() {
                effects.outcomes.push(current.outcomes());
            }
            let Body::Events(parts) = &entry.body else { return Progress::Done };
            let Some(part) = parts.get(cursor.begun) else { return Progress::Done };
            if budget.rows == 0 {
                return Progress::More;
            }
            cursor.begun += 1;
            let current = self.begin_part(part, cursor.begun as u32 - 1, &mut cursor.feeds, effects);
            cursor.current = Some(current);
        }
    }

    /// An entry comes.
    fn begin(&mut self, index: LogIndex, entry: &LogEntry) -> Cursor {
        self.index = index;
        self.stamp = self.stamp.max(entry.stamp);
        self.raise_fences();
        let mut cursor = Cursor::default();
        match &entry.body {
            Body::Events(_) => {}
            Body::Tick => {
                cursor.feeds = self.feeds(|definition| definition.wants_ticks().then_some(EntryKind::Tick));
            }
            Body::EndOfInput(stream) => {
                let ends = |definition: &Definition| definition.input(*stream).map(EntryKind::EndOfInput);
                cursor.feeds = self.feeds(ends);
            }
            Body::Activate(activate) => self.activate(activate, &mut cursor),
            Body::Quarantine(quarantine) => self.quarantine(quarantine),
            Body::Config(config) => self.configure(config),
            // The host's: what it keeps of outputs is no state of a definition.
            Body::Marker(_) => {}
        }
        cursor
    }

    /// One feed for each definition that runs and is concerned.
    fn feeds(&self, kind: impl Fn(&Definition) -> Option<EntryKind>) -> VecDeque<Feed> {
        let (index, stamp) = (self.index, self.stamp);
        let concerned = self.definitions().filter_map(|(name, definition)| {
            let kind = kind(definition)?;
            let stamp = definition.stamp(stamp);
            Some(Feed { name: name.to_owned(), entry: Entry { index, stamp, kind } })
        });
        concerned.collect()
    }

    fn activate(&mut self, activate: &Activate, cursor: &mut Cursor) {
        if self.installed.get(&activate.name).is_some_and(|known| known.epoch >= activate.epoch) {
            return;
        }
        let Activate { name, epoch, action, .. } = activate;
        let run = match action {
            Action::Stop => None,
            Action::Run { .. } if self.is_fenced_at_once(name, *epoch) => {
                let reason = "building it ended the process".to_owned();
                let state = RunState::Fenced { index: self.index, reason };
                Some(Run { activate: activate.clone(), state, sources: Sources::default() })
            }
            Action::Run { streams, .. } => {
                let mut sources = Sources::default();
                self.running = Some(Running::of(activate));
                let state = match Definition::install(activate) {
                    Ok(definition) => {
                        if definition.is_connected() {
                            let routes = source_routes(name, *epoch, definition.program(), streams);
                            sources = Sources::new(routes.into_iter().map(|route| route.source));
                        }
                        self.feed_constants(name, &definition, cursor);
                        RunState::Active(Box::new(definition))
                    }
                    Err(error) => RunState::Fenced { index: self.index, reason: error.to_string() },
                };
                self.running = None;
                Some(Run { activate: activate.clone(), state, sources })
            }
        };
        let before = self.installed.insert(name.clone(), Installed { epoch: *epoch, run });
        if let Some(run) = before.and_then(|installed| installed.run) {
            self.retire(name, run.state);
        }
        self.raise_fences();
    }

    /// Rows of `INSERT … VALUES` come before all others.
    fn feed_constants(&self, name: &str, definition: &Definition, cursor: &mut Cursor) {
        let (index, stamp) = (self.index, definition.stamp(self.stamp));
        for constant in &definition.program().constants {
            let events = Events { stream: constant.stream, rows: constant.rows.clone(), times: None };
            let entry = Entry { index, stamp, kind: EntryKind::Events(events) };
            cursor.feeds.push_back(Feed { name: name.to_owned(), entry });
        }
    }

    /// Goes by other values from here on, unless they are of an older decision.
    fn configure(&mut self, config: &Config) {
        if self.config.as_ref().is_some_and(|known| known.epoch >= config.epoch) {
            return;
        }
        self.dedup.set_limits(self.dedup.limits().with(config), self.stamp.0);
        self.config = Some(config.clone());
    }

    /// Fences a definition that runs by a decision before this one.
    fn quarantine(&mut self, quarantine: &Quarantine) {
        let Quarantine { name, version, epoch, index: _, reason } = quarantine;
        let index = self.index;
        let run = self.installed.get_mut(name).and_then(|installed| installed.run.as_mut());
        let run = run.filter(|run| run.activate.version == *version && run.activate.epoch < *epoch);
        if let Some(run) = run.filter(|run| matches!(run.state, RunState::Active(_))) {
            let state = RunState::Fenced { index, reason: reason.clone() };
            let before = std::mem::replace(&mut run.state, state);
            self.retire(name, before);
        }
    }

    /// Whether building it by this decision has ended the process before, in this very entry.
    fn is_fenced_at_once(&self, name: &str, epoch: Epoch) -> bool {
        let here = |fence: &&Fence| fence.name == name && fence.epoch == epoch;
        self.fences.iter().filter(here).any(|fence| fence.index <= self.index)
    }

    /// Ends definitions that must not see the current entry.
    fn raise_fences(&mut self) {
        let at = self.index;
        let mut retired = Vec::new();
        for fence in self.fences.iter().filter(|fence| fence.index <= at) {
            let run = self.installed.get_mut(&fence.name).and_then(|installed| installed.run.as_mut());
            if let Some(run) = run.filter(|run| run.activate.epoch == fence.epoch)
                && matches!(run.state, RunState::Active(_))
            {
                let state = RunState::Fenced { index: at, reason: fence.reason.clone() };
                retired.push((fence.name.clone(), std::mem::replace(&mut run.state, state)));
            }
        }
        retired.into_iter().for_each(|(name, state)| self.retire(&name, state));
    }

    /// Which rows of an append are new.
    fn judge(&mut self, head: &PartHead, out: &mut Vec<Verdicts>) {
        if let PartIds::Source { source, first } = &head.ids {
            let mut runs = self.installed.values_mut().filter_map(|installed| installed.run.as_mut());
            if !runs.any(|run| run.sources.judge(*source, *first, head.rows, out)) {
                out.push(Verdicts { rows: head.rows, verdict: Verdict::Duplicate });
            }
            return;
        }
        self.dedup.judge(head, self.stamp.0, out);
    }

    /// The rows of an append: which are new, and who takes them.
    fn begin_part(
        &mut self,
        part: &Part,
        number: u32,
        feeds: &mut VecDeque<Feed>,
        effects: &mut Effects,
    ) -> Current {
        let mut verdicts = Vec::new();
        // Rows that nobody takes are not remembered either: they may be sent again.
        if !self.takes(part.head.stream) {
            verdicts.push(Verdicts { rows: part.head.rows, verdict: Verdict::NoReader });
            return Current {
                rows: part.head.rows,
                verdicts,
                readers: 0,
                refused: BTreeMap::new(),
                askers: 0,
                late: BTreeMap::new(),
                fresh: Some(Vec::new()),
            };
        }
        self.judge(&part.head, &mut verdicts);
        let fresh = fresh(&verdicts);
        let mut current = Current {
            rows: part.head.rows,
            verdicts,
            fresh,
            readers: 0,
            refused: BTreeMap::new(),
            askers: 0,
            late: BTreeMap::new(),
        };
        if current.fresh.as_ref().is_some_and(Vec::is_empty) {
            return current;
        }
        let frame = Frame::open(&part.frame).expect("frames are verified at the door");
        assert_eq!(frame.rows(), part.head.rows as usize, "the door compares them");
        let taken = current.fresh.clone().map(UInt32Array::from);
        let times = times(&part.head, &frame, current.fresh.as_deref());
        for (name, installed) in &self.installed {
            let Some(Run { activate, state: RunState::Active(definition), sources: _ }) = &installed.run
            else {
                continue;
            };
            let Some(stream) = definition.input(part.head.stream) else { continue };
            current.readers += 1;
            current.askers += u32::from(definition.partition.has_readers(stream));
            // A defect of reading is the definition's, too.
            self.running = Some(Running::of(activate));
            let rows = definition.read(part.head.stream, &frame).expect("it takes rows of the stream");
            let rows = match rows {
                Ok(rows) => rows,
                Err(message) => {
                    let error = unreadable(self.index, message);
                    current.refuse_all(RejectReason::Value);
                    effects.errors.push(DefinitionError {
                        definition: name.clone(),
                        part: Some(number),
                        error,
                    });
                    continue;
                }
            };
            let rows = match &taken {
                Some(taken) => arrow_select::take::take_record_batch(&rows, taken)
                    .expect("the rows are those of the part"),
                None => rows,
            };
            let kind = EntryKind::Events(Events { stream, rows, times: times.clone() });
            let entry = Entry { index: self.index, stamp: definition.stamp(self.stamp), kind };
            feeds.push_back(Feed { name: name.clone(), entry });
        }
        self.running = None;
        current
    }
}

/// When the rows happened that are new, where their source says so apart.
fn times(head: &PartHead, frame: &Frame, fresh: Option<&[u32]>) -> Option<ScalarBuffer<i64>> {
    if !matches!(head.ids, PartIds::Source { .. }) {
        return None;
    }
    let column = frame.columns().iter().find(|column| column.id == EVENT_TIME)?;
    let all = column.array.as_primitive_opt::<TimestampNanosecondType>()?.values();
    Some(match fresh {
        Some(rows) => rows.iter().map(|&row| all[row as usize]).collect(),
        None => all.clone(),
    })
}

fn unreadable(index: LogIndex, message: String) -> RecordError {
    RecordError { index, row: 0, subject: Subject::Record, query: None, code: codes::BAD_CAST, message }
}

/// Rows that are new; `None`: all.
fn fresh(verdicts: &[Verdicts]) -> Option<Vec<u32>> {
    if verdicts.iter().all(|run| run.verdict == Verdict::New) {
        return None;
    }
    let mut rows = Vec::new();
    let mut at = 0;
    for run in verdicts {
        if run.verdict == Verdict::New {
            rows.extend(at..at + run.rows);
        }
        at += run.rows;
    }
    Some(rows)
}

impl Current {
    /// Takes note of rows that a definition refused, and gives errors the row of the part.
    fn note(&mut self, errors: &mut [DefinitionError]) {
        for DefinitionError { error, .. } in errors {
            let row = error.row as usize;
            let row = self.fresh.as_ref().map_or(row as u32, |fresh| fresh[row]);
            error.row = u64::from(row);
            if let Some(reason) = refusal(error) {
                self.refused.entry(row).or_insert((0, reason)).0 += 1;
            }
        }
    }

    /// Takes note of rows that were too late for a definition.
    fn note_late(&mut self, rows: &[u64]) {
        for &row in rows {
            let row = self.fresh.as_ref().map_or(row as u32, |fresh| fresh[row as usize]);
            *self.late.entry(row).or_insert(0) += 1;
        }
    }

    fn refuse_all(&mut self, reason: RejectReason) {
        let all: Vec<u32> = self.fresh.clone().unwrap_or_else(|| (0..self.rows).collect());
        for row in all {
            self.refused.entry(row).or_insert((0, reason)).0 += 1;
        }
    }

    /// What became of the rows: one that nobody took was rejected.
    fn outcomes(&self) -> Vec<OutcomeRun> {
        let mut runs = Vec::new();
        let mut at = 0;
        for run in &self.verdicts {
            let outcome = match run.verdict {
                Verdict::New => {
                    self.add_new(at, run.rows, &mut runs);
                    at += run.rows;
                    continue;
                }
                Verdict::Duplicate => Outcome::Duplicate,
                Verdict::Gap => Outcome::Rejected(RejectReason::SequenceGap),
                Verdict::Full => Outcome::Rejected(RejectReason::Full),
                Verdict::NoReader => Outcome::Rejected(RejectReason::NoReader),
                Verdict::Expired => Outcome::Rejected(RejectReason::RetryExpired),
            };
            add(&mut runs, run.rows, outcome);
            at += run.rows;
        }
        runs
    }

    fn add_new(&self, from: u32, rows: u32, runs: &mut Vec<OutcomeRun>) {
        let refused = self.refused.range(from..from + rows).filter(|(_, (count, _))| *count == self.readers);
        let late = self.late.range(from..from + rows).filter(|(_, count)| **count == self.askers);
        // No row is both.
        let mut lost: Vec<(u32, Outcome)> =
            refused.map(|(&row, &(_, reason))| (row, Outcome::Rejected(reason))).collect();
        lost.extend(late.map(|(&row, _)| (row, Outcome::LateDropped)));
        lost.sort_unstable_by_key(|&(row, _)| row);
        let mut at = from;
        for (row, outcome) in lost {
            add(runs, row - at, Outcome::Applied);
            add(runs, 1, outcome);
            at = row + 1;
        }
        add(runs, from + rows - at, Outcome::Applied);
    }
}
