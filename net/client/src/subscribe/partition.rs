//! The task that follows one partition through connections and leaders.

use std::sync::Arc;
use std::time::Duration;

use cep_types::{PartitionId, SpaceId, StreamId};
use net_wire::{Features, Position, Start, Status};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use super::Delivered;
use super::attempt::End;
use super::flow::Flow;
use crate::backoff::Backoff;
use crate::client::Shared;
use crate::connection::Connection;
use crate::error::ClientError;

/// What goes to the consumer.
pub(super) enum Item {
    /// Rows.
    Rows { delivered: Delivered, bytes: u64, flow: Arc<Flow> },
    /// News of the watermark, which the flow has.
    Watermark(Delivered, Arc<Flow>),
    /// No more rows of this partition.
    Failed(ClientError),
}

/// Follows one partition of a stream.
pub(super) struct Follower {
    pub(super) shared: Arc<Shared>,
    pub(super) space: SpaceId,
    pub(super) stream: StreamId,
    pub(super) partition: PartitionId,
    pub(super) start: Start,
    /// The last row that was passed on, or where the subscription began.
    pub(super) last: Option<Position>,
    pub(super) flow: Arc<Flow>,
    pub(super) items: mpsc::UnboundedSender<Item>,
    pub(super) backoff: Backoff,
    /// When a row came last, or the subscription ran for long.
    pub(super) progressed: Instant,
    /// When the subscription of now began to run.
    pub(super) begun: Option<Instant>,
}

impl Follower {
    /// Follows the partition until it is over for good.
    pub(super) async fn run(mut self) {
        let (mut detour, mut is_stale) = (None, false);
        loop {
            self.begun = None;
            let end = match self.connect(detour.take(), is_stale).await {
                Some(Ok(connection)) => self.follow_once(connection).await,
                Some(Err(error)) => End::Failed(error),
                None => End::Dropped,
            };
            is_stale = true;
            if self.begun.is_some_and(|begun| begun.elapsed() > self.shared.options.retry.max) {
                self.progressed = Instant::now();
                self.backoff.reset();
            }
            let mut asked = Duration::ZERO;
            let error = match end {
                End::Dropped => return,
                End::Server(refusal) if refusal.status == Status::Ok => return,
                End::Server(refusal) => {
                    asked = refusal.retry_after;
                    detour.clone_from(&refusal.redirect);
                    ClientError::Server(refusal.into())
                }
                End::Failed(error) => error,
            };
            if !error.is_transient() {
                return self.give_up(error);
            }
            let limit = self.shared.options.timeouts.resume;
            if self.progressed.elapsed() > limit {
                let last = Some(error.to_string());
                return self.give_up(ClientError::Timeout { what: "to go on", limit, last });
            }
            let wait = if detour.is_some() && self.backoff.is_fresh() {
                // Somebody else has it now: that is no reason to wait, the first time.
                let _ = self.backoff.next(asked);
                asked
            } else {
                self.backoff.next(asked)
            };
            tokio::select! {
                () = sleep(wait) => {}
                () = self.items.closed() => return,
            }
        }
    }

    /// A connection to the leader; `None` when nobody takes the rows any more.
    async fn connect(
        &self,
        detour: Option<String>,
        is_stale: bool,
    ) -> Option<Result<Arc<Connection>, ClientError>> {
        let connection = tokio::select! {
            connection = self.shared.leader(self.space, self.partition, detour, is_stale) => connection,
            () = self.items.closed() => return None,
        };
        Some(connection.and_then(|connection| {
            if connection.session().features.contains(Features::SUBSCRIBE) {
                return Ok(connection);
            }
            let what = "the server does not offer subscriptions; upgrade it".to_owned();
            Err(ClientError::Unsupported { what })
        }))
    }

    pub(super) fn pass(&self, item: Item) {
        // The consumer may be gone; the loops look for that.
        let _ = self.items.send(item);
    }

    fn give_up(&self, error: ClientError) {
        let partition = self.partition;
        let item = match error {
            ClientError::Server(refusal) if refusal.status == Status::PermanentPositionExpired => {
                let earliest = refusal.earliest;
                ClientError::PositionExpired { partition, earliest, refusal }
            }
            reason => ClientError::SubscriptionEnded { partition, last: self.last, reason: Box::new(reason) },
        };
        self.pass(Item::Failed(item));
    }
}
