//! A part on its way through a lane.

use std::time::Duration;

use cep_types::{ProducerId, StampNs};
use net_wire::RequestId;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::Instant;

use crate::append::part::Part;
use crate::append::receipt::{PartEnd, PartRun};
use crate::client::Unanswered;
use crate::error::ClientError;

/// Where an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Not under way: never sent, or to be sent again.
    Waiting,
    /// Sent on the lane's connection, and not answered.
    UnderWay { request: RequestId, since: Instant },
}

/// A part that was taken, and who waits for its answer.
pub(crate) struct Entry {
    pub(super) part: Part,
    pub(super) place: Place,
    /// Producer and first number, once they were given.
    pub(super) numbered: Option<(ProducerId, u64)>,
    pub(super) first_sent: Option<StampNs>,
    pub(super) deadline: Instant,
    /// How long it was given in all.
    limit: Duration,
    /// What went wrong last.
    pub(super) last: Option<String>,
    /// Whether a try ended without an answer.
    pub(super) is_unknown: bool,
    /// `None` once it was answered, for one that is still under way.
    reply: Option<oneshot::Sender<PartEnd>>,
    /// Room in the producer's queue, given back when the entry is dropped.
    _room: Option<OwnedSemaphorePermit>,
    _unanswered: Unanswered,
}

impl Entry {
    pub(in crate::append) fn new(
        part: Part,
        deadline: Instant,
        limit: Duration,
        reply: oneshot::Sender<PartEnd>,
        room: Option<OwnedSemaphorePermit>,
        unanswered: Unanswered,
    ) -> Self {
        Entry {
            part,
            place: Place::Waiting,
            numbered: None,
            first_sent: None,
            deadline,
            limit,
            last: None,
            is_unknown: false,
            reply: Some(reply),
            _room: room,
            _unanswered: unanswered,
        }
    }

    pub(super) fn is_under_way(&self) -> bool {
        self.place != Place::Waiting
    }

    /// Whether nobody waits for it any more: its time is over.
    pub(super) fn is_given_up(&self) -> bool {
        self.reply.is_none()
    }

    /// Answers with what the server said of each row.
    pub(super) fn finish(&mut self, runs: Vec<PartRun>) {
        self.answer(PartEnd { result: Ok(runs), maybe_applied: false });
    }

    /// Answers that it failed.
    pub(super) fn fail(&mut self, error: ClientError) {
        let maybe_applied = self.is_unknown || self.is_under_way();
        self.answer(PartEnd { result: Err(error), maybe_applied });
    }

    /// Answers that its time is over.
    pub(super) fn expire(&mut self) {
        let last = self.last.clone();
        self.fail(ClientError::Timeout { what: "an append", limit: self.limit, last });
    }

    fn answer(&mut self, end: PartEnd) {
        if let Some(reply) = self.reply.take() {
            // Who appended may not want to know.
            let _ = reply.send(end);
        }
    }
}
