//! The consumer's end of a subscription.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use cep_types::PartitionId;
use futures_util::{Stream, StreamExt};
use net_wire::Start;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::flow::Flow;
use super::partition::{Follower, Item};
use super::{Delivered, SubscribeOptions, SubscribeStart};
use crate::backoff::Backoff;
use crate::client::Guard;
use crate::error::ClientError;

/// Rows of a stream as they come: an async [`Stream`] of [`Delivered`]. Partitions are mixed, each in
/// its own order.
///
/// It goes on by itself when a connection is lost or a leader changes. An error item is the end of one
/// partition, the others go on; the stream ends with its last partition, or when the client is closed.
/// Rows count as handled when they are taken. Dropping the subscription ends it on the servers too.
pub struct Subscription {
    items: mpsc::UnboundedReceiver<Item>,
    _guard: Arc<Guard>,
}

impl Subscription {
    pub(crate) fn new(
        guard: Arc<Guard>,
        stream: &str,
        options: &SubscribeOptions,
    ) -> Result<Self, ClientError> {
        let shared = &guard.0;
        if options.allowance.events == 0 || options.allowance.bytes == 0 {
            let reason = "the allowance has a 0, so nothing could come; allow at least 1".to_owned();
            return Err(ClientError::Options { reason });
        }
        let routing = shared.routing.now();
        let unknown = || ClientError::UnknownStream { name: stream.to_owned() };
        let found = routing.stream(stream).ok_or_else(unknown)?;
        let space = routing.space(found.space).ok_or_else(unknown)?;
        if !found.can_subscribe {
            let what = format!("{stream} cannot be subscribed to; the server keeps no rows of it");
            return Err(ClientError::Unsupported { what });
        }
        let count = space.leaders.len();
        let all = || (0..).map(PartitionId).take(count).collect();
        let wanted: BTreeSet<PartitionId> =
            options.partitions.as_ref().map_or_else(all, |some| some.iter().copied().collect());
        if let Some(partition) = wanted.iter().copied().find(|partition| partition.0 as usize >= count) {
            return Err(ClientError::UnknownPartition { stream: stream.to_owned(), partition, count });
        }
        let (sender, items) = mpsc::unbounded_channel();
        for partition in wanted {
            let start = match &options.start {
                SubscribeStart::Earliest => Start::Earliest,
                SubscribeStart::Latest => Start::Latest,
                SubscribeStart::After(places) => {
                    places.get(&partition).map_or(Start::Earliest, |place| Start::After(*place))
                }
            };
            let last = match start {
                Start::After(place) => Some(place),
                Start::Earliest | Start::Latest => None,
            };
            let follower = Follower {
                shared: shared.clone(),
                space: space.id,
                stream: found.id,
                partition,
                start,
                last,
                flow: Arc::new(Flow::new(options.allowance)),
                items: sender.clone(),
                backoff: Backoff::new(shared.options.retry),
                progressed: Instant::now(),
                begun: None,
            };
            shared.tasks.spawn(follower.run())?;
        }
        Ok(Subscription { items, _guard: guard })
    }

    /// The next rows, or news of the watermark; `None` when it is over.
    ///
    /// # Errors
    /// When a partition is over: the item says which, and why.
    pub async fn next(&mut self) -> Option<Result<Delivered, ClientError>> {
        StreamExt::next(self).await
    }
}

impl Stream for Subscription {
    type Item = Result<Delivered, ClientError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.items.poll_recv(context).map(|item| {
            Some(match item? {
                Item::Rows { delivered, bytes, flow } => {
                    flow.take(delivered.positions.len() as u64, bytes);
                    Ok(delivered)
                }
                Item::Watermark(delivered, flow) => {
                    Ok(Delivered { watermark_ns: Some(flow.take_watermark()), ..delivered })
                }
                Item::Failed(error) => Err(error),
            })
        })
    }
}
