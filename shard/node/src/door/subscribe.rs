//! Rows out: a subscription and its task.
//!
//! Invariants: rows are sent in order of position, each once; never more rows than the client allows; rows
//! that are no longer kept end the subscription with where the kept ones begin.

use std::cell::Cell;
use std::rc::Rc;

use cep_types::frame::{FrameHead, encode};
use cep_types::{LogIndex, Op};
use futures_util::future::select;
use net_wire::{
    Delivery, Failure, Position, RequestId, Start, Status, Subscribe, Subscribed, SubscriptionEnd, Window,
    WireError,
};
use shard_control::PartitionRef;
use shard_rt::sync::Notify;

use super::session::Session;
use crate::ids::shard_of;
use crate::partition::Partition;
use crate::partition::outputs::{After, Kept};

/// Rows of a delivery at most.
const ROWS_MAX: usize = 16_384;
/// Bytes of a delivery that is aimed at.
const BYTES_AIM: u64 = 1 << 20;

/// A subscription, as its connection sees it.
pub(crate) struct Subscription {
    allowed: Cell<Window>,
    cancelled: Cell<bool>,
    changed: Notify,
}

impl Subscription {
    pub(crate) fn allow(&self, allowed: Window) {
        let before = self.allowed.get();
        let events = before.events.max(allowed.events);
        self.allowed.set(Window { events, bytes: before.bytes.max(allowed.bytes) });
        self.changed.all();
    }

    pub(crate) fn cancel(&self) {
        self.cancelled.set(true);
        self.changed.all();
    }
}

/// Says that there is no subscription.
pub(crate) fn refuse(session: &Session, request: RequestId, failure: Failure<'_>) {
    let epoch = session.shard.view.borrow().epoch();
    let failure = Failure { routing_epoch: Some(epoch), ..failure };
    let _ = session.out.send(request, SubscriptionEnd { failure, last: Position::default() });
}

/// Begins a subscription, or says why not.
pub(crate) fn subscribe(session: &Rc<Session>, request: RequestId, wanted: &Subscribe) {
    if session.subscriptions.borrow().contains_key(&request.0) {
        let text = "a subscription with this request id is under way";
        return refuse(session, request, Failure::new(Status::PermanentPayload, text));
    }
    let view = session.shard.view.borrow();
    if view.is_empty() {
        let failure =
            Failure { retry_after_ms: 50, ..Failure::new(Status::TransientWarmup, "the node is starting") };
        return refuse(session, request, failure);
    }
    let Some(stream) = view.stream(wanted.stream).filter(|stream| stream.stream.can_subscribe) else {
        let text = format!("there is no stream {} to subscribe to; fetch the routing table", wanted.stream.0);
        return refuse(session, request, Failure::new(Status::PermanentSchema, &text));
    };
    let id = PartitionRef { space: stream.stream.space, partition: wanted.partition };
    let Some(partition) = session.shard.partition(id) else {
        let Some(address) = view.address(id) else {
            let text = format!("there is no partition {id} now; fetch the routing table");
            return refuse(session, request, Failure::new(Status::PermanentEpoch, &text));
        };
        if shard_of(id, session.shard.lanes.shards()) == session.shard.number {
            let text = format!("partition {id} is starting");
            let failure = Failure::new(Status::TransientWarmup, &text);
            return refuse(session, request, Failure { retry_after_ms: 50, ..failure });
        }
        let text = format!("partition {id} is at {address}");
        let failure = Failure::new(Status::TransientRedirect, &text);
        return refuse(session, request, Failure { redirect: Some(address), ..failure });
    };
    let after = match wanted.start {
        Start::Earliest => partition.outputs.earliest(wanted.stream),
        Start::After(position) => position,
        Start::Latest => {
            let applied = partition.group.metrics().applied.map_or(0, |at| at.index.0);
            Position { index: LogIndex(applied), ordinal: u32::MAX }
        }
    };
    let subscribed = Subscribed {
        schema_version: stream.stream.schema_version,
        changelog: stream.stream.changelog,
        columns: stream.stream.columns.clone(),
        after,
    };
    if let Err(error) = session.out.send(request, subscribed) {
        let text = error.to_string();
        return refuse(session, request, Failure::new(Status::PermanentPayload, &text));
    }
    let subscription = Rc::new(Subscription {
        allowed: Cell::new(wanted.allowed),
        cancelled: Cell::new(false),
        changed: Notify::new(),
    });
    session.subscriptions.borrow_mut().insert(request.0, Rc::clone(&subscription));
    let sender = Sender {
        session: Rc::clone(session),
        request,
        subscription,
        partition,
        stream: wanted.stream,
        at: after,
        sent: Window::default(),
    };
    session.shard.rt.spawn("subscription", sender.run());
}

/// Sends the rows of one subscription.
struct Sender {
    session: Rc<Session>,
    request: RequestId,
    subscription: Rc<Subscription>,
    partition: Rc<Partition>,
    stream: cep_types::StreamId,
    at: Position,
    sent: Window,
}

impl Sender {
    async fn run(mut self) {
        let end = self.send_all().await;
        self.session.subscriptions.borrow_mut().remove(&self.request.0);
        let text = end.1;
        let failure = Failure { earliest: end.2, ..Failure::new(end.0, &text) };
        let _ = self.session.out.send(self.request, SubscriptionEnd { failure, last: self.at });
    }

    /// Sends until the end: its status, text and, when rows are gone, where the kept ones begin.
    async fn send_all(&mut self) -> (Status, String, Option<Position>) {
        loop {
            self.session.out.room().await;
            if self.subscription.cancelled.get() || self.session.out.is_closed() {
                return (Status::Ok, String::new(), None);
            }
            let allowed = self.subscription.allowed.get();
            let rows_left = allowed.events.saturating_sub(self.sent.events);
            if rows_left == 0 || allowed.bytes <= self.sent.bytes {
                self.subscription.changed.notified().await;
                continue;
            }
            match self.partition.outputs.after(self.stream, self.at) {
                After::Nothing => {
                    let news = self.partition.outputs.news.notified();
                    let changed = self.subscription.changed.notified();
                    select(std::pin::pin!(news), std::pin::pin!(changed)).await;
                }
                After::Gone(earliest) => {
                    let text = "rows behind this position are no longer kept; begin at the earliest one";
                    return (Status::PermanentPositionExpired, text.into(), Some(earliest));
                }
                After::Rows(kept, from) => {
                    let count = (kept.rows.num_rows() - from).min(ROWS_MAX);
                    let count = count.min(usize::try_from(rows_left).unwrap_or(usize::MAX));
                    if let Err(error) = self.send(&kept, from, count) {
                        return (Status::PermanentPayload, error.to_string(), None);
                    }
                }
            }
        }
    }

    /// Sends some rows, fewer if they are too long for the peer.
    fn send(&mut self, kept: &Kept, from: usize, mut count: usize) -> Result<(), WireError> {
        let row_bytes =
            (kept.rows.get_array_memory_size() as u64 / kept.rows.num_rows().max(1) as u64).max(1);
        count = count.min(usize::try_from(BYTES_AIM / row_bytes).unwrap_or(usize::MAX).max(1));
        loop {
            let head = FrameHead { stream: self.stream, schema_version: kept.schema_version };
            let frame = encode(head, &kept.columns, &kept.rows.slice(from, count));
            let frame = frame.expect("derived rows have types of streams");
            let positions = kept.positions(from, count);
            let none: &[Op] = &[];
            let ops = if kept.ops.is_empty() { none } else { &kept.ops[from..from + count] };
            let delivery = Delivery {
                positions: positions.as_slice().into(),
                derived_ids: kept.ids[from..from + count].into(),
                ops: ops.into(),
                watermark_ns: None,
                rows: &frame,
            };
            match self.session.out.send(self.request, delivery) {
                Ok(()) => {
                    let last = positions.last().expect("there are rows");
                    self.at =
                        Position { ordinal: last.first.ordinal + (last.count - 1), index: last.first.index };
                    self.sent.events += count as u64;
                    self.sent.bytes += frame.len() as u64;
                    return Ok(());
                }
                Err(_) if count > 1 => count /= 2,
                Err(error) => return Err(error),
            }
        }
    }
}
