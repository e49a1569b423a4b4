//! The sinks of a definition, written by a thread.

use std::collections::BTreeMap;
use std::sync::mpsc;

use cep_engine::Output;
use cep_types::StreamId;
use shard_node::connect::{ConnectorError, OutRows, Outlet, Plan, Soon};
use shard_rt::mailbox::{Receiver, Sender, channel};

use super::{HostConnectors, error};
use crate::failure::{Failure, Result};
use crate::run::{OutputPlan, Outputs};

type Lengths = Vec<(StreamId, u64)>;
type Answer = std::result::Result<Lengths, ConnectorError>;

/// What the thread is to do.
enum Job {
    Put(Vec<OutRows>),
    Settle,
}

/// Hands jobs to a thread, one at a time.
struct ThreadOutlet {
    jobs: mpsc::SyncSender<Job>,
    answers: Receiver<Answer>,
}

/// Starts the thread.
pub(super) fn start(
    host: HostConnectors,
    plan: Plan,
    lengths: Option<BTreeMap<StreamId, u64>>,
) -> std::result::Result<Box<dyn Outlet>, ConnectorError> {
    let (jobs, todo) = mpsc::sync_channel(1);
    let (done, answers) = channel(1);
    let thread = std::thread::Builder::new().name(format!("sinks {}", plan.name));
    thread
        .spawn(move || write(&host, &plan, lengths, &todo, &done))
        .map_err(|error| ConnectorError::passing(format!("no thread to write sinks: {error}")))?;
    Ok(Box::new(ThreadOutlet { jobs, answers }))
}

impl ThreadOutlet {
    async fn ask(&mut self, job: Job) -> Answer {
        // A thread that is gone is found to be gone below.
        let _ = self.jobs.try_send(job);
        let answer = self.answers.recv().await;
        answer.unwrap_or_else(|| Err(ConnectorError::passing("the thread that writes sinks has ended")))
    }
}

impl Outlet for ThreadOutlet {
    fn put(&mut self, rows: Vec<OutRows>) -> Soon<'_, std::result::Result<(), ConnectorError>> {
        Box::pin(async { self.ask(Job::Put(rows)).await.map(drop) })
    }

    fn settle(&mut self) -> Soon<'_, Answer> {
        Box::pin(self.ask(Job::Settle))
    }
}

fn write(
    host: &HostConnectors,
    plan: &Plan,
    lengths: Option<BTreeMap<StreamId, u64>>,
    todo: &mpsc::Receiver<Job>,
    done: &Sender<Answer>,
) {
    let mut outputs = open(host, plan, lengths);
    while let Ok(job) = todo.recv() {
        let did = match &mut outputs {
            Ok(outputs) => act(outputs, plan, job),
            Err(_) => Ok(Vec::new()),
        };
        let did = match &mut outputs {
            Ok(outputs) => {
                let (lines, lost) = (outputs.lines(), outputs.lost());
                host.account.with(|account| (account.outputs, account.lost) = (lines, lost));
                did
            }
            failed => std::mem::replace(failed, Err(Failure::run("its sinks could not be opened")))
                .map(|_| Vec::new()),
        };
        let answer = did.map_err(|failure| {
            let told = error(&failure);
            host.account.with(|account| account.failure = Some(failure));
            told
        });
        if done.try_send(answer).is_err() {
            return;
        }
    }
    if let Ok(outputs) = &mut outputs
        && let Err(failure) = outputs.close()
    {
        host.talk.error(&failure.to_string());
    }
}

fn open(host: &HostConnectors, plan: &Plan, lengths: Option<BTreeMap<StreamId, u64>>) -> Result<Outputs> {
    // The node counts in streams of the space, the sinks are those of the program.
    let lengths: Option<BTreeMap<StreamId, u64>> = lengths.map(|lengths| {
        let inner = |stream| match plan.output(stream) {
            Some(Output::Stream(inner)) => Some(inner),
            Some(Output::Query(_)) | None => None,
        };
        lengths.into_iter().filter_map(|(stream, length)| Some((inner(stream)?, length))).collect()
    });
    let outputs = match plan.console {
        true => OutputPlan::of(&plan.program),
        false => OutputPlan { queries: Vec::new(), ..OutputPlan::of(&plan.program) },
    };
    let (show, lengths) = (host.show, lengths.as_ref());
    Outputs::open(&plan.program, &outputs, &host.base_dir, show, lengths, &host.talk, &host.signals)
}

fn act(outputs: &mut Outputs, plan: &Plan, job: Job) -> Result<Lengths> {
    match job {
        Job::Put(rows) => {
            for OutRows { stream, first: _, rows, ops } in rows {
                if let Some(output) = plan.output(stream) {
                    outputs.put(output, &rows, &ops)?;
                }
            }
            Ok(Vec::new())
        }
        Job::Settle => {
            let lengths = outputs.settle()?;
            let outer = |inner| {
                let found = plan.outputs.iter().find(|(_, output)| *output == Output::Stream(inner));
                found.map(|(stream, _)| *stream)
            };
            let lengths = lengths.into_iter().filter_map(|(stream, length)| Some((outer(stream)?, length)));
            Ok(lengths.collect())
        }
    }
}
