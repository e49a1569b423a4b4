//! The sources of a definition, read by a thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use cep_types::StreamId;
use cep_types::options::{Role, SourceConnector};
use shard_node::connect::{ConnectorError, Fed, Feed, Formed, Former, Plan, Soon};
use shard_rt::mailbox::{Receiver, Sender, channel};

use super::{HostConnectors, error};
use crate::clock::{park_ns, wall_ns};
use crate::failure::{Failure, Result};
use crate::run::{
    ErrorDesk, InputLine, Inputs, OutputPlan, RunSettings, Step, check_conflicts, open_inputs, read_streams,
};

/// Rows and parts of one step, about.
const STEP_ROWS: usize = 8_192;
const STEP_PARTS: usize = 4_096;
/// Longest sleep between two looks at whether anybody still waits, ns.
const NAP_NS: i64 = 50_000_000;

type Given = std::result::Result<Fed, ConnectorError>;

/// Asks a thread for steps.
struct ThreadFeed {
    asks: mpsc::SyncSender<()>,
    given: Receiver<Given>,
    gone: Arc<AtomicBool>,
}

/// Starts the thread.
pub(super) fn start(
    host: HostConnectors,
    plan: Plan,
    former: Former,
) -> std::result::Result<Box<dyn Feed>, ConnectorError> {
    let (asks, asked) = mpsc::sync_channel(1);
    let (answers, given) = channel(1);
    let gone = Arc::new(AtomicBool::new(false));
    let is_gone = Arc::clone(&gone);
    let thread = std::thread::Builder::new().name(format!("sources {}", plan.name));
    thread
        .spawn(move || read(host, plan, former, &asked, &answers, &is_gone))
        .map_err(|error| ConnectorError::passing(format!("no thread to read sources: {error}")))?;
    Ok(Box::new(ThreadFeed { asks, given, gone }))
}

impl Feed for ThreadFeed {
    fn next(&mut self) -> Soon<'_, Given> {
        Box::pin(async {
            // A thread that is gone has said why, or is found to be gone below.
            let _ = self.asks.try_send(());
            let given = self.given.recv().await;
            given.unwrap_or_else(|| Err(ConnectorError::passing("the thread that reads sources has ended")))
        })
    }
}

impl Drop for ThreadFeed {
    fn drop(&mut self) {
        self.gone.store(true, Ordering::Relaxed);
    }
}

fn read(
    host: HostConnectors,
    plan: Plan,
    former: Former,
    asked: &mpsc::Receiver<()>,
    answers: &Sender<Given>,
    gone: &AtomicBool,
) {
    let account = host.account.clone();
    let mut reader = Reader::open(host, plan, former);
    while asked.recv().is_ok() {
        let step = match &mut reader {
            Ok(reader) => reader.step(gone),
            Err(_) => Ok(Some(Fed::End)),
        };
        let given = match (step, &mut reader) {
            (Ok(Some(fed)), Ok(reader)) => {
                reader.tell();
                Ok(fed)
            }
            (Ok(None), _) => return,
            (Err(failure), _) => Err(told(&account, failure)),
            (Ok(Some(_)), failed) => {
                let ended = std::mem::replace(failed, Err(Failure::run("its sources could not be opened")));
                Err(ended
                    .err()
                    .map_or_else(|| ConnectorError::passing(""), |failure| told(&account, failure)))
            }
        };
        if answers.try_send(given).is_err() {
            return;
        }
    }
}

fn told(account: &super::Shared, failure: Failure) -> ConnectorError {
    let told = error(&failure);
    account.with(|account| account.failure = Some(failure));
    told
}

/// What reading a little led to.
enum Read {
    /// Perhaps rows.
    Some,
    /// Nothing before this wall-clock time, ns.
    Nothing(i64),
    /// This, behind the rows.
    Last(Fed),
}

/// The open sources of a definition.
struct Reader {
    host: HostConnectors,
    inputs: Inputs,
    desk: ErrorDesk,
    former: Former,
    /// Every input's end is known to come, so that all ends are said together, behind the last row.
    bounded: bool,
    /// What is to be said before anything else is read.
    waiting: Option<Result<Fed>>,
}

impl Reader {
    fn open(host: HostConnectors, plan: Plan, former: Former) -> Result<Self> {
        let program = Arc::clone(&plan.program);
        let streams = match plan.console {
            true => read_streams(&program),
            // Other definitions may read what this one does not.
            false => vec![true; program.streams.len()],
        };
        let settings = RunSettings {
            base_dir: &host.base_dir,
            show: host.show,
            playback: host.playback,
            plan: OutputPlan::of(&program),
            streams,
            all_columns: !plan.console,
            names_unread: plan.console,
        };
        check_conflicts(&program, &settings)?;
        let mut inputs = open_inputs(&program, &settings, &host.talk, &host.signals)?;
        for input in &inputs.all {
            let role = &program.streams[input.stream.index()].options.role;
            if matches!(role, Role::Source(SourceConnector::File { .. })) && !input.is_bounded() {
                return Err(Failure::usage(
                    format!("stream '{}': its file is a pipe or a device", input.name),
                    "what it gives cannot be read again after a crash; read a file, or append with a client",
                ));
            }
        }
        inputs.catch_up(|stream| former.known(stream));
        let desk = ErrorDesk::new(Arc::clone(&program), host.talk.clone());
        let bounded = inputs.all.iter().all(|input| input.is_bounded());
        Ok(Reader { host, inputs, desk, former, bounded, waiting: None })
    }

    /// The next thing to say; `None`: nobody waits for it.
    fn step(&mut self, gone: &AtomicBool) -> Result<Option<Fed>> {
        if let Some(fed) = self.waiting.take() {
            return fed.map(Some);
        }
        let (mut out, mut rows) = (Vec::new(), 0);
        loop {
            if gone.load(Ordering::Relaxed) {
                return Ok(None);
            }
            let now_ns = wall_ns();
            match self.read(now_ns, &mut out, &mut rows) {
                Ok(Read::Some) => {}
                Ok(Read::Nothing(until_ns)) if out.is_empty() => {
                    park_ns((until_ns.saturating_sub(now_ns)).min(NAP_NS));
                }
                Ok(Read::Nothing(_)) => return Ok(Some(Fed::Rows(out))),
                Ok(Read::Last(fed)) if out.is_empty() => return Ok(Some(fed)),
                Err(failure) if out.is_empty() => return Err(failure),
                // What was read before it goes first.
                last => {
                    self.waiting = match last {
                        Ok(Read::Last(fed)) => Some(Ok(fed)),
                        Ok(_) => None,
                        Err(failure) => Some(Err(failure)),
                    };
                    return Ok(Some(Fed::Rows(out)));
                }
            }
            if !out.is_empty() && (rows >= STEP_ROWS || out.len() >= STEP_PARTS) {
                return Ok(Some(Fed::Rows(out)));
            }
        }
    }

    /// Reads a little.
    fn read(&mut self, now_ns: i64, out: &mut Vec<Formed>, rows: &mut usize) -> Result<Read> {
        match self.inputs.next(now_ns, &self.host.talk)? {
            Step::Rows(read) => {
                *rows += read.batch.num_rows();
                let times = read.times.as_ref().map(|times| &times[..]);
                self.form(read.stream, read.stream, &read.batch, times, out)?;
            }
            Step::Rejects { input, rejects } => {
                let stream = self.inputs.all[input].stream;
                if let Some(dead) = self.desk.rejects(stream, &rejects)? {
                    self.form(stream, dead.stream, &dead.rows, None, out)?;
                }
            }
            Step::Wait(until_ns) => return Ok(Read::Nothing(until_ns)),
            Step::Ended(at) => {
                self.check_end(at)?;
                if self.bounded {
                    return Ok(Read::Some);
                }
                return Ok(Read::Last(Fed::Ended(self.inputs.all[at].stream)));
            }
            Step::End => {
                self.desk.finish();
                return Ok(Read::Last(Fed::End));
            }
        }
        Ok(Read::Some)
    }

    /// Refuses a source that has fewer rows than were taken from it before.
    fn check_end(&self, at: usize) -> Result<()> {
        let input = &self.inputs.all[at];
        match self.former.known(input.stream) {
            0 => Ok(()),
            missing => Err(Failure::Run {
                message: format!(
                    "stream '{}': its source has ended {missing} rows before the place where it was left: it has been \
                     changed",
                    input.name
                ),
                help: Some("put back what was read; new rows belong behind it".to_owned()),
            }),
        }
    }

    fn form(
        &mut self,
        from: StreamId,
        to: StreamId,
        rows: &arrow_array::RecordBatch,
        times: Option<&[i64]>,
        out: &mut Vec<Formed>,
    ) -> Result<()> {
        self.former.form(from, to, rows, times, out).map_err(Failure::run)
    }

    /// Tells how far it is.
    fn tell(&self) {
        let line = |input: &crate::run::Input| InputLine {
            name: input.name.clone(),
            rows: input.counts.rows,
            bytes: if input.reads_bytes() { input.counts.bytes } else { 0 },
            skipped: input.counts.skipped,
        };
        let inputs = self.inputs.all.iter().map(line).collect();
        let (rejected, dead_letters) = (self.desk.rejected, self.desk.dead_letters);
        self.host.account.with(|account| {
            account.inputs = inputs;
            (account.rejected, account.dead_letters) = (rejected, dead_letters);
        });
    }
}
