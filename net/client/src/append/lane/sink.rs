//! What a server says about one append.

use std::sync::Arc;

use cep_types::PartitionId;
use net_wire::{Ack, Message, Outcome, RequestId, Run, Window};
use tokio::sync::{mpsc, watch};

use super::queue::Answer;
use crate::append::receipt::{PartRun, RowOutcome};
use crate::connection::{Sink, Taken};
use crate::error::ClientError;
use crate::refusal::Refusal;

/// A try's number, and what came of it. Numbers are the lane's, so they never meet across connections.
pub(super) type Answered = (RequestId, Answer);

/// Waits for the ack of one append.
pub(super) struct AppendSink {
    pub(super) number: RequestId,
    pub(super) partition: PartitionId,
    pub(super) rows: u32,
    pub(super) window: watch::Sender<Window>,
    pub(super) lane: mpsc::UnboundedSender<Answered>,
}

impl AppendSink {
    fn answer(&self, answer: Answer) {
        // The lane ends only with the client.
        let _ = self.lane.send((self.number, answer));
    }

    fn take_ack(&self, ack: &Ack<'_>) -> Result<(), String> {
        self.window.send_replace(ack.credits);
        if let Some(failure) = &ack.failure {
            self.answer(Answer::Refused(Refusal::of(failure)));
            return Ok(());
        }
        let count: u64 = ack.runs.iter().map(|run| u64::from(run.count)).sum();
        if count != u64::from(self.rows) {
            return Err(format!("an ack of {count} rows for an append of {}", self.rows));
        }
        let texts: Vec<Arc<str>> = ack.details.iter().map(Arc::from).collect();
        let runs = ack.runs.iter().map(|run| self.run(run, &texts));
        self.answer(Answer::Rows(runs.collect::<Result<_, _>>()?));
        Ok(())
    }

    fn run(&self, run: Run, texts: &[Arc<str>]) -> Result<PartRun, String> {
        let outcome = match run.outcome {
            Outcome::Applied => {
                let (index, row) = run.place.ok_or("applied rows that are nowhere in the log")?;
                RowOutcome::Applied { partition: self.partition, index, row }
            }
            Outcome::Duplicate => RowOutcome::Duplicate,
            Outcome::LateDropped => RowOutcome::LateDropped,
            Outcome::Rejected(rejected) => {
                let text = rejected.detail.and_then(|detail| texts.get(usize::from(detail)));
                let text = text.cloned().unwrap_or_else(|| Arc::from(""));
                RowOutcome::Rejected { reason: rejected.reason, text }
            }
        };
        Ok(PartRun { count: run.count, outcome })
    }
}

impl Sink for AppendSink {
    fn take(&mut self, message: &Message<'_>) -> Result<Taken, String> {
        match message {
            Message::Ack(ack) => self.take_ack(ack)?,
            Message::Error(failure) => self.answer(Answer::Refused(Refusal::of(failure))),
            other => return Err(format!("{:?} for an append", other.kind())),
        }
        Ok(Taken::Done)
    }

    fn lost(self: Box<Self>, error: &ClientError) {
        self.answer(Answer::Lost(error.clone()));
    }
}
