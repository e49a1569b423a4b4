//! The handle to append to one stream with.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use arrow_array::RecordBatch;
use cep_types::{EventId, PartitionId, ProducerId};
use net_wire::{Features, MESSAGE_BYTES_DEFAULT, Routing, Space, Stream};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::{Instant, timeout_at};

use super::fit::fit;
use super::lane::Entry;
use super::numbers::{Numbers, ProducerPosition};
use super::part::{Part, PartMaker};
use super::pending::Pending;
use super::split::split;
use crate::client::Guard;
use crate::error::ClientError;

/// How a producer behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProducerOptions {
    /// Most bytes of frames that are taken and not answered. When they are reached, appends wait. A
    /// single append may be larger, then it is alone.
    pub queue_bytes_max: u32,
    /// An append in all, with waiting and every retry; the client's `timeouts.append` when `None`.
    pub timeout: Option<Duration>,
    /// Who numbers the rows; random when `None`. Of producers that append at the same time, to streams
    /// of one space, no two may be the same.
    pub producer: Option<ProducerId>,
    /// Where to go on after a restart: what [`Producer::positions`] said behind the last row that was
    /// answered. Empty to begin anew.
    pub resume: Vec<ProducerPosition>,
    /// Whether the rows are old ones, sent again on purpose: their ids are apart from those of live rows.
    pub replay: bool,
}

impl Default for ProducerOptions {
    fn default() -> Self {
        ProducerOptions {
            queue_bytes_max: 16 << 20,
            timeout: None,
            producer: None,
            resume: Vec::new(),
            replay: false,
        }
    }
}

/// Appends rows to one stream. Rows of one partition are applied in the order in which they were
/// appended; partitions go ahead independently.
pub struct Producer {
    guard: Arc<Guard>,
    stream: String,
    numbers: Arc<Numbers>,
    room: Arc<Semaphore>,
    options: ProducerOptions,
    /// Where the next batch of a stream without a key goes.
    turn: AtomicU32,
    message_bytes_max: usize,
    features: Features,
}

impl Producer {
    pub(crate) fn new(
        guard: Arc<Guard>,
        stream: &str,
        options: ProducerOptions,
    ) -> Result<Self, ClientError> {
        if options.queue_bytes_max == 0 {
            let reason = "queue_bytes_max is 0; allow at least one byte".to_owned();
            return Err(ClientError::Options { reason });
        }
        let zero = |id: ProducerId| id.0 == 0;
        if options.producer.is_some_and(zero) || options.resume.iter().any(|at| zero(at.producer)) {
            return Err(ClientError::Options { reason: "producer 0 is nobody; choose another".to_owned() });
        }
        let shared = &guard.0;
        let routing = shared.routing.now();
        find(&routing, stream)?;
        let sessions = shared.open_connections();
        let features = sessions.iter().map(|open| open.session().features).reduce(Features::common);
        let features = features.unwrap_or(Features::ALL);
        offered(features, Features::APPEND, "appends")?;
        if options.replay {
            offered(features, Features::REPLAY, "replay")?;
        }
        let message_bytes_max = sessions.iter().map(|open| open.session().message_bytes_max).min();
        Ok(Producer {
            numbers: Arc::new(Numbers::new(options.producer, &options.resume)),
            room: Arc::new(Semaphore::new(options.queue_bytes_max as usize)),
            stream: stream.to_owned(),
            turn: AtomicU32::new(0),
            message_bytes_max: message_bytes_max.unwrap_or(MESSAGE_BYTES_DEFAULT) as usize,
            features,
            options,
            guard,
        })
    }

    /// Appends rows under the numbers of this producer. Waits while the producer has taken as much as
    /// it may; what comes back is a future of the receipt, so many appends can be under way.
    ///
    /// Columns are matched by name and may be left out when they are nullable. Types must be those of
    /// the stream, or fit into them without loss.
    ///
    /// # Errors
    /// When the rows do not fit the stream, the client is closed, or the append's time is over before
    /// there was room. Nothing was sent then. Dropping this future before its end sends nothing either.
    pub async fn append(&self, rows: &RecordBatch) -> Result<Pending, ClientError> {
        self.take(rows, None).await
    }

    /// Appends rows under ids of the user's, one a row, such as UUIDs that the data already has. Numbers
    /// cost the server less: prefer [`append`](Self::append).
    ///
    /// # Errors
    /// As [`append`](Self::append), and when there are not as many ids as rows.
    pub async fn append_with_ids(&self, rows: &RecordBatch, ids: &[EventId]) -> Result<Pending, ClientError> {
        if ids.len() != rows.num_rows() {
            let reason = format!("{} ids for {} rows; give one a row", ids.len(), rows.num_rows());
            return Err(ClientError::Rows { reason });
        }
        offered(self.features, Features::OPAQUE_IDS, "opaque ids")?;
        self.take(rows, Some(ids)).await
    }

    /// How far the numbers are. To go on after a restart, keep this behind the last append that was
    /// answered, with nothing under way.
    pub fn positions(&self) -> Vec<ProducerPosition> {
        self.numbers.positions()
    }

    /// The name of the stream.
    pub fn stream(&self) -> &str {
        &self.stream
    }

    async fn take(&self, rows: &RecordBatch, event_ids: Option<&[EventId]>) -> Result<Pending, ClientError> {
        let shared = &self.guard.0;
        if shared.tasks.is_closed() || shared.is_closing() {
            return Err(ClientError::Closed);
        }
        let limit = self.options.timeout.unwrap_or(shared.options.timeouts.append);
        let deadline = Instant::now() + limit;
        let routing = shared.routing.now();
        let (stream, space) = find(&routing, &self.stream)?;
        let parts = self.parts(rows, event_ids, stream, space)?;
        let bytes: usize = parts.iter().map(|part| part.frame.len()).sum();
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX).min(self.options.queue_bytes_max);
        let room = timeout_at(deadline, self.room.clone().acquire_many_owned(bytes)).await;
        let Ok(room) = room else {
            let last = Some("the producer's queue is full".to_owned());
            return Err(ClientError::Timeout { what: "an append", limit, last });
        };
        let mut room = room.map_err(|_| ClientError::Closed)?;
        if shared.is_closing() {
            return Err(ClientError::Closed);
        }
        // From here on nothing waits: either all parts are taken or none.
        let lanes =
            parts.iter().map(|part| shared.lane(space.id, part.partition)).collect::<Result<Vec<_>, _>>()?;
        let mut answers = Vec::with_capacity(parts.len());
        for (part, lane) in parts.into_iter().zip(lanes) {
            let (reply, answer) = oneshot::channel();
            answers.push((part.of.clone(), answer));
            let share = part.frame.len().min(room.num_permits());
            let room = room.split(share);
            lane.push(Entry::new(part, deadline, limit, reply, room, shared.count_unanswered()))?;
        }
        Ok(Pending::new(rows.num_rows(), answers))
    }

    fn parts(
        &self,
        rows: &RecordBatch,
        event_ids: Option<&[EventId]>,
        stream: &Stream,
        space: &Space,
    ) -> Result<Vec<Part>, ClientError> {
        if rows.num_rows() == 0 {
            return Ok(Vec::new());
        }
        let fitted = fit(rows, stream)?;
        let maker = PartMaker {
            stream,
            numbers: &self.numbers,
            event_ids,
            replay: self.options.replay,
            message_bytes_max: self.message_bytes_max,
        };
        let shares = split(&fitted, stream, space, self.next_unkeyed(space))?;
        let parts = shares.into_iter().map(|share| maker.make(&fitted, share));
        Ok(parts.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }

    /// The next partition in turn that has a leader, else just the next.
    fn next_unkeyed(&self, space: &Space) -> PartitionId {
        let count = u32::try_from(space.leaders.len()).unwrap_or(u32::MAX).max(1);
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let candidates = (0..count).map(|step| turn.wrapping_add(step) % count);
        let led = |partition: &u32| space.leaders.get(*partition as usize).is_some_and(Option::is_some);
        PartitionId(candidates.clone().find(led).unwrap_or(turn % count))
    }
}

/// The stream of that name, which rows can be appended to, and its space.
fn find<'a>(routing: &'a Routing, name: &str) -> Result<(&'a Stream, &'a Space), ClientError> {
    let unknown = || ClientError::UnknownStream { name: name.to_owned() };
    let stream = routing.stream(name).ok_or_else(unknown)?;
    if !stream.can_append {
        let what = format!("rows cannot be appended to {name}; append to a stream that it is derived from");
        return Err(ClientError::Unsupported { what });
    }
    let space = routing.space(stream.space).ok_or_else(unknown)?;
    Ok((stream, space))
}

fn offered(features: Features, wanted: Features, what: &str) -> Result<(), ClientError> {
    if features.contains(wanted) {
        return Ok(());
    }
    Err(ClientError::Unsupported { what: format!("the server does not offer {what}; upgrade it") })
}
