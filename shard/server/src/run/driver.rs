//! The loop of a run.

use std::path::Path;
use std::sync::Arc;

use cep_engine::RecordError;
use cep_lang::plan::{Program, Target};
use cep_types::StreamId;

use super::conflicts;
use super::engine::Engine;
use super::errors::{DeadLetters, EntryRows, ErrorDesk, Settled};
use super::inputs::Rows;
use super::order::{Inputs, Step};
use super::outputs::{OutputPlan, Outputs, Show};
use super::pace::Playback;
use super::progress::ProgressMeter;
use super::signals::Signals;
use super::sources::{external_streams, open_inputs};
use super::summary::{Ending, InputLine, Summary};
use crate::clock::{Stopwatch, park_ns, wall_ns};
use crate::failure::{Failure, Result};
use crate::talk::Talk;

/// Output waits at most so long while rows come, ms.
const FLUSH_MS: u128 = 100;
/// Longest idle time between two ticks, and between two looks at the signals, ns.
const IDLE_NS: i64 = 100_000_000;

/// What a run is asked to do.
#[derive(Debug, Clone)]
pub struct RunSettings<'a> {
    /// Folder that relative paths start at.
    pub base_dir: &'a Path,
    /// How rows are shown.
    pub show: Show,
    /// How fast rows are taken.
    pub playback: Playback,
    /// What leaves the engine.
    pub plan: OutputPlan,
    /// Streams whose sources are opened, by [`StreamId`].
    pub streams: Vec<bool>,
    /// Whether columns that no query looks at are read, too.
    pub all_columns: bool,
    /// Say which sources are not opened because nothing reads them, and whose rows are lost.
    pub names_unread: bool,
}

/// A program with everything open.
pub struct Run {
    program: Arc<Program>,
    engine: Engine,
    inputs: Inputs,
    outputs: Outputs,
    desk: ErrorDesk,
    meter: ProgressMeter,
    ended: Vec<bool>,
    /// Every input's end is known to come, so that all ends are said together, behind the last row.
    bounded: bool,
    talk: Talk,
    signals: Signals,
    started: Stopwatch,
    flushed: Stopwatch,
}

impl Run {
    /// Builds the engine and opens sources and sinks.
    ///
    /// # Errors
    /// If any of them cannot be had.
    pub fn open(
        program: Arc<Program>,
        settings: &RunSettings<'_>,
        talk: &Talk,
        signals: &Signals,
    ) -> Result<Self> {
        conflicts::check(&program, settings)?;
        let engine = Engine::new(Arc::clone(&program), &settings.plan.sinks)?;
        let inputs = open_inputs(&program, settings, talk, signals)?;
        let outputs =
            Outputs::open(&program, &settings.plan, settings.base_dir, settings.show, None, talk, signals)?;
        if settings.show.limit.is_some() && !outputs.prints() {
            return Err(Failure::usage(
                "--limit counts printed rows, and nothing is printed",
                "leave --limit out, or add a SELECT",
            ));
        }
        Ok(Run {
            engine,
            desk: ErrorDesk::new(Arc::clone(&program), talk.clone()),
            meter: ProgressMeter::new(&inputs.all, talk),
            ended: vec![false; program.streams.len()],
            bounded: inputs.all.iter().all(|input| input.is_bounded()),
            program,
            inputs,
            outputs,
            talk: talk.clone(),
            signals: signals.clone(),
            started: Stopwatch::start(),
            flushed: Stopwatch::start(),
        })
    }

    /// Runs to the end, a signal, the limit or an error; everything emitted is handed over.
    pub fn finish(mut self) -> (Summary, Result<()>) {
        let ending = self.drive();
        let closed = self.outputs.close();
        self.outputs.give_up_unwritten();
        self.meter.finish(&self.talk);
        self.desk.finish();
        self.engine.not_kept().iter().for_each(|told| self.talk.warn(told));
        let (ending, result) = match (ending, closed) {
            (Err(Failure::OutputClosed), _) | (Ok(_), Err(Failure::OutputClosed)) => {
                (Ending::OutputClosed, Ok(()))
            }
            (Err(failure), _) | (Ok(_), Err(failure)) => (Ending::Failed, Err(failure)),
            (Ok(ending), Ok(())) => (ending, Ok(())),
        };
        (self.summary(ending), result)
    }

    fn drive(&mut self) -> Result<Ending> {
        let program = Arc::clone(&self.program);
        for constants in &program.constants {
            let errors = self.engine.rows(
                constants.stream,
                constants.rows.clone(),
                None,
                wall_ns(),
                &mut self.outputs,
            )?;
            self.settle(Some(constants.stream), Some(EntryRows::made(&constants.rows)), &errors)?;
        }
        loop {
            if let Some(signal) = self.signals.taken() {
                return Ok(Ending::Interrupted(signal));
            }
            if self.outputs.limit_reached() {
                return Ok(Ending::Limit);
            }
            let now_ns = wall_ns();
            match self.inputs.next(now_ns, &self.talk)? {
                Step::Rows(rows) => self.rows(&rows, now_ns)?,
                Step::Rejects { input, rejects } => {
                    let stream = self.inputs.all[input].stream;
                    if let Some(dead) = self.desk.rejects(stream, &rejects)? {
                        self.bury(dead)?;
                    }
                }
                Step::Wait(until_ns) => self.idle(until_ns, now_ns)?,
                Step::Ended(input) if !self.bounded => self.end(self.inputs.all[input].stream)?,
                Step::Ended(_) => {}
                Step::End => break,
            }
            self.meter.look(&self.inputs.all, &self.talk);
            if self.flushed.millis() >= FLUSH_MS {
                self.flush()?;
            }
        }
        self.ends(&program)?;
        Ok(if self.outputs.limit_reached() { Ending::Limit } else { Ending::Complete })
    }

    /// The end of everything: inputs in declaration order, then reads of aggregations, then the
    /// streams that those reads feed.
    fn ends(&mut self, program: &Program) -> Result<()> {
        let fed = |stream: &StreamId| program.reads.iter().any(|read| read.target == Target::Stream(*stream));
        for stream in external_streams(program).filter(|stream| !fed(stream)) {
            self.end(stream)?;
        }
        for (at, read) in program.reads.iter().enumerate() {
            let rows = self.engine.read(read)?;
            match read.target {
                Target::Print => self.outputs.deliver_read(at, &rows)?,
                Target::Table(_) => unreachable!("the compiler lets no read write a table"),
                Target::Stream(stream) => {
                    let errors =
                        self.engine.rows(stream, rows.clone(), None, wall_ns(), &mut self.outputs)?;
                    self.settle(Some(stream), Some(EntryRows::made(&rows)), &errors)?;
                }
            }
        }
        for stream in external_streams(program) {
            self.end(stream)?;
        }
        Ok(())
    }

    fn rows(&mut self, rows: &Rows, now_ns: i64) -> Result<()> {
        let (batch, times) = (rows.batch.clone(), rows.times.clone());
        let errors = self.engine.rows(rows.stream, batch, times, now_ns, &mut self.outputs)?;
        self.settle(Some(rows.stream), Some(EntryRows::read(rows)), &errors)
    }

    /// Nothing to read: what is there goes out, and time passes for the engine.
    fn idle(&mut self, until_ns: i64, now_ns: i64) -> Result<()> {
        if until_ns <= now_ns {
            return Ok(());
        }
        self.flush()?;
        park_ns((until_ns - now_ns).min(IDLE_NS));
        if self.engine.wants_ticks() {
            let errors = self.engine.tick(wall_ns(), &mut self.outputs)?;
            self.settle(None, None, &errors)?;
        }
        Ok(())
    }

    fn end(&mut self, stream: StreamId) -> Result<()> {
        if std::mem::replace(&mut self.ended[stream.index()], true) {
            return Ok(());
        }
        let errors = self.engine.end(stream, wall_ns(), &mut self.outputs)?;
        self.settle(Some(stream), None, &errors)
    }

    /// Deals with what went wrong in an entry.
    fn settle(
        &mut self,
        stream: Option<StreamId>,
        entry: Option<EntryRows<'_>>,
        errors: &[RecordError],
    ) -> Result<()> {
        let Settled { dead, stopped } = self.desk.record_errors(stream, entry, errors)?;
        if let Some(dead) = dead {
            self.bury(dead)?;
        }
        stopped.map_or(Ok(()), Err)?;
        for unwritten in self.outputs.take_unwritten() {
            if let Some(dead) = self.desk.unwritten(unwritten.stream, &unwritten.rows, &unwritten.reason)? {
                self.bury(dead)?;
            }
        }
        Ok(())
    }

    /// Gives dead letters to their stream. What fails on that way is counted, not buried again.
    fn bury(&mut self, dead: DeadLetters) -> Result<()> {
        let errors = self.engine.rows(dead.stream, dead.rows.clone(), None, wall_ns(), &mut self.outputs)?;
        let entry = Some(EntryRows::made(&dead.rows));
        let settled = self.desk.record_errors(Some(dead.stream), entry, &errors)?;
        self.outputs.give_up_unwritten();
        settled.without_dead_letters()
    }

    fn flush(&mut self) -> Result<()> {
        self.flushed = Stopwatch::start();
        self.outputs.flush()
    }

    fn summary(&self, ending: Ending) -> Summary {
        let line = |input: &super::inputs::Input| InputLine {
            name: input.name.clone(),
            rows: input.counts.rows,
            bytes: if input.reads_bytes() { input.counts.bytes } else { 0 },
            skipped: input.counts.skipped,
        };
        Summary {
            inputs: self.inputs.all.iter().map(line).collect(),
            outputs: self.outputs.lines(),
            rejected: self.desk.rejected,
            errors: self.desk.errors,
            dead_letters: self.desk.dead_letters,
            late: self.engine.late_rows(),
            lost: self.outputs.lost(),
            seconds: self.started.seconds(),
            ending,
        }
    }
}
