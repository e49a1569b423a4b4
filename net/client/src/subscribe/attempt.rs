//! One subscription to one partition, on one connection, from its beginning to its end.

use std::sync::Arc;

use net_wire::{Allow, Cancel, Encoder, RequestId, Start, Subscribe};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use super::decode::RowReader;
use super::partition::{Follower, Item};
use super::sink::{Event, RawRows, SubscriptionSink};
use crate::connection::Connection;
use crate::error::ClientError;
use crate::refusal::Refusal;

/// Why a subscription ended.
pub(super) enum End {
    /// Nobody takes the rows any more.
    Dropped,
    /// The server ended it.
    Server(Refusal),
    /// It broke.
    Failed(ClientError),
}

/// A subscription that was asked for.
struct Asked {
    connection: Arc<Connection>,
    encoder: Encoder,
    request: RequestId,
    events: mpsc::UnboundedReceiver<Event>,
}

impl Drop for Asked {
    /// Nothing more is delivered: the next subscription counts anew.
    fn drop(&mut self) {
        self.connection.forget(self.request);
    }
}

impl Asked {
    fn cancel(mut self) {
        // A connection that ended has ended the subscription too.
        let _ = self.connection.send(&mut self.encoder, self.request, &Cancel.into(), None);
    }

    fn malformed(&self, reason: String) -> End {
        self.connection.kill(&reason);
        End::Failed(ClientError::Malformed { address: self.connection.address().to_owned(), reason })
    }
}

impl Follower {
    /// Subscribes and passes rows on until it ends.
    pub(super) async fn follow_once(&mut self, connection: Arc<Connection>) -> End {
        let mut asked = match self.ask(connection) {
            Ok(asked) => asked,
            Err(error) => return End::Failed(error),
        };
        let limit = self.shared.options.timeouts.request;
        let begun = tokio::select! {
            () = self.items.closed() => {
                asked.cancel();
                return End::Dropped;
            }
            begun = timeout(limit, asked.events.recv()) => begun,
        };
        let subscribed = match begun {
            Ok(Some(Event::Begun(subscribed))) => subscribed,
            Ok(Some(Event::Ended(refusal))) => return End::Server(refusal),
            Ok(Some(Event::Lost(error))) => return End::Failed(error),
            Ok(Some(Event::Rows(_) | Event::Watermark)) => {
                return asked.malformed("rows before the subscription began".to_owned());
            }
            Ok(None) => return End::Failed(ClientError::Closed),
            Err(_) => {
                asked.cancel();
                return End::Failed(ClientError::Timeout { what: "a subscription", limit, last: None });
            }
        };
        // Wherever it began, from here on the place is known.
        let last = *self.last.get_or_insert(subscribed.after);
        if subscribed.after > last {
            return asked.malformed("a subscription that leaves out rows".to_owned());
        }
        self.begun = Some(Instant::now());
        match RowReader::new(self.stream, self.partition, subscribed.columns) {
            Ok(reader) => self.pass_on(asked, &reader).await,
            Err(reason) => asked.malformed(reason),
        }
    }

    fn ask(&self, connection: Arc<Connection>) -> Result<Asked, ClientError> {
        let (sender, events) = mpsc::unbounded_channel();
        let subscribe = Subscribe {
            stream: self.stream,
            partition: self.partition,
            routing_epoch: self.shared.routing.now().epoch,
            start: self.last.map_or(self.start, Start::After),
            allowed: self.flow.begin(),
        };
        let sink = SubscriptionSink { flow: self.flow.clone(), events: sender };
        let request = connection.begin(Box::new(sink))?;
        let mut encoder = connection.encoder();
        connection.send(&mut encoder, request, &subscribe.into(), None)?;
        Ok(Asked { connection, encoder, request, events })
    }

    async fn pass_on(&mut self, mut asked: Asked, reader: &RowReader) -> End {
        let flow = self.flow.clone();
        loop {
            let event = tokio::select! {
                () = self.items.closed() => {
                    asked.cancel();
                    return End::Dropped;
                }
                () = flow.taken.notified() => {
                    if let Err(error) = self.allow_more(&mut asked) {
                        return End::Failed(error);
                    }
                    continue;
                }
                event = asked.events.recv() => event,
            };
            match event {
                Some(Event::Rows(raw)) => {
                    if let Err(reason) = self.take_rows(raw, reader) {
                        return asked.malformed(reason);
                    }
                }
                Some(Event::Watermark) => {
                    flow.pass_watermark();
                    self.pass(Item::Watermark(reader.news(), flow.clone()));
                }
                Some(Event::Ended(refusal)) => return End::Server(refusal),
                Some(Event::Lost(error)) => return End::Failed(error),
                Some(Event::Begun(_)) => {
                    return asked.malformed("a subscription began twice".to_owned());
                }
                None => return End::Failed(ClientError::Closed),
            }
        }
    }

    fn allow_more(&self, asked: &mut Asked) -> Result<(), ClientError> {
        match self.flow.raise() {
            Some(allowed) => {
                let allow = Allow { allowed };
                asked.connection.send(&mut asked.encoder, asked.request, &allow.into(), None)
            }
            None => Ok(()),
        }
    }

    fn take_rows(&mut self, raw: RawRows, reader: &RowReader) -> Result<(), String> {
        let (count, bytes) = (raw.count(), raw.bytes());
        let delivered = reader.read(raw, self.last)?;
        self.last = delivered.positions.last().copied().or(self.last);
        self.progressed = Instant::now();
        self.backoff.reset();
        self.flow.pass(count, bytes);
        self.pass(Item::Rows { delivered, bytes, flow: self.flow.clone() });
        Ok(())
    }
}
