//! What a server says about one subscription.

use std::sync::Arc;

use arrow_buffer::Buffer;
use cep_types::Op;
use net_wire::{Delivery, Message, PositionRun, Subscribed, SubscriptionEnd};
use tokio::sync::mpsc;

use super::flow::Flow;
use crate::connection::{Sink, Taken};
use crate::error::ClientError;
use crate::refusal::Refusal;

/// What happened to a subscription.
pub(super) enum Event {
    /// It runs.
    Begun(Subscribed),
    /// Rows came.
    Rows(RawRows),
    /// The watermark went on.
    Watermark,
    /// It is over.
    Ended(Refusal),
    /// The connection is gone.
    Lost(ClientError),
}

/// Rows as they came, not verified yet.
pub(super) struct RawRows {
    pub(super) runs: Vec<PositionRun>,
    pub(super) derived_ids: Vec<u64>,
    pub(super) ops: Vec<Op>,
    pub(super) watermark_ns: Option<i64>,
    pub(super) frame: Buffer,
}

impl RawRows {
    pub(super) fn count(&self) -> u64 {
        self.runs.iter().map(|run| u64::from(run.count)).sum()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.frame.len() as u64
    }
}

/// Takes what comes, within the allowance.
pub(super) struct SubscriptionSink {
    pub(super) flow: Arc<Flow>,
    pub(super) events: mpsc::UnboundedSender<Event>,
}

impl SubscriptionSink {
    fn tell(&self, event: Event) {
        // The partition's task may have gone on to another connection.
        let _ = self.events.send(event);
    }

    fn deliver(&self, delivery: &Delivery<'_>) -> Result<(), String> {
        if delivery.rows.is_empty() {
            if let Some(watermark_ns) = delivery.watermark_ns
                && self.flow.put_watermark(watermark_ns)
            {
                self.tell(Event::Watermark);
            }
            return Ok(());
        }
        let rows = RawRows {
            runs: delivery.positions.iter().collect(),
            derived_ids: delivery.derived_ids.iter().collect(),
            ops: delivery.ops.iter().collect(),
            watermark_ns: delivery.watermark_ns,
            frame: Buffer::from(delivery.rows),
        };
        self.flow.deliver(rows.count(), rows.bytes())?;
        self.tell(Event::Rows(rows));
        Ok(())
    }
}

impl Sink for SubscriptionSink {
    fn take(&mut self, message: &Message<'_>) -> Result<Taken, String> {
        match message {
            Message::Subscribed(subscribed) => self.tell(Event::Begun(subscribed.clone())),
            Message::Delivery(delivery) => self.deliver(delivery)?,
            Message::SubscriptionEnd(SubscriptionEnd { failure, .. }) | Message::Error(failure) => {
                self.tell(Event::Ended(Refusal::of(failure)));
                return Ok(Taken::Done);
            }
            other => return Err(format!("{:?} for a subscription", other.kind())),
        }
        Ok(Taken::More)
    }

    fn lost(self: Box<Self>, error: &ClientError) {
        self.tell(Event::Lost(error.clone()));
    }
}
