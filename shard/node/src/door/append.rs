//! Rows in: what a door lets through, and the ack.
//!
//! Invariants: a frame is verified here, once, and copied once, to where it stays; an append is refused
//! whole or logged whole; what is under way never passes the credits (R-FLOW-1).

use std::rc::Rc;

use arrow_array::{Array, RecordBatch};
use arrow_buffer::{Buffer, MutableBuffer};
use arrow_schema::DataType;
use cep_engine::replica::{CLOCK_SKEW_NS_MAX, Outcome as Applied, RejectReason};
use cep_types::LogIndex;
use cep_types::frame::Frame;
use cep_types::log::{PartHead, PartIds};
use net_wire::{
    Ack, Append, EventIds, Failure, Outcome, Reason, Rejected, RequestId, Run, Status, Texts, Window,
};
use raft::RaftError;
use shard_control::PartitionRef;

use super::session::Session;
use crate::ids::shard_of;
use crate::partition::Partition;
use crate::partition::queue::{AppendItem, Appended};
use crate::shard::Shard;

/// Why an append goes no further.
struct Refused {
    status: Status,
    text: String,
    retry_after_ms: u32,
    redirect: Option<String>,
}

impl Refused {
    fn new(status: Status, text: impl Into<String>) -> Self {
        Refused { status, text: text.into(), retry_after_ms: 0, redirect: None }
    }

    fn later(status: Status, text: impl Into<String>, retry_after_ms: u32) -> Self {
        Refused { retry_after_ms, ..Refused::new(status, text) }
    }
}

/// Takes rows, or says why not.
pub(super) fn append(session: &Rc<Session>, request: RequestId, append: &Append<'_>) {
    if let Err(refused) = admit(session, request, append) {
        refuse(session, request, &refused, None);
    }
}

fn refuse(session: &Session, request: RequestId, refused: &Refused, partition: Option<&Partition>) {
    let view = session.shard.view.borrow();
    let failure = Failure {
        retry_after_ms: refused.retry_after_ms,
        redirect: refused.redirect.as_deref(),
        routing_epoch: Some(view.epoch()),
        ..Failure::new(refused.status, &refused.text)
    };
    let credits = credits(session, partition);
    let ack = Ack { runs: (&[]).into(), details: Texts::default(), credits, failure: Some(failure) };
    let _ = session.out.send(request, ack);
}

/// The window of a partition: all of it, or less of it the more waits there.
fn credits(session: &Session, partition: Option<&Partition>) -> Window {
    let settings = &session.shard.settings;
    let (rows, bytes) = partition.map_or((0, 0), Partition::waiting);
    let full = (rows * 100 / settings.queue.events.max(1)).max(bytes * 100 / settings.queue.bytes.max(1));
    let share = match full {
        0..50 => 4,
        50..75 => 2,
        _ => 1,
    };
    let limit = session.shard.live.get().credits;
    Window { events: limit.events * share / 4, bytes: limit.bytes * share / 4 }
}

fn admit(session: &Rc<Session>, request: RequestId, append: &Append<'_>) -> Result<(), Refused> {
    let shard = &session.shard;
    let view = shard.view.borrow();
    if view.is_empty() {
        return Err(Refused::later(Status::TransientWarmup, "the node is starting", 50));
    }
    let unknown = || {
        let text = format!("there is no stream {} to append to; fetch the routing table", append.stream.0);
        Refused::new(Status::PermanentSchema, text)
    };
    let stream = view.stream(append.stream).filter(|s| s.stream.can_append).ok_or_else(unknown)?;
    let id = PartitionRef { space: stream.stream.space, partition: append.partition };
    let Some(partition) = shard.partition(id) else {
        return Err(elsewhere(shard, &view, id));
    };
    if shard.stopping.get() {
        return Err(Refused::later(Status::TransientRetry, "the server ends; send it again later", 1_000));
    }
    if let Some(reason) = partition.failed() {
        return Err(Refused::new(Status::PermanentDurability, reason));
    }
    if !partition.takes(append.stream) {
        return Err(no_reader(&partition));
    }
    let ahead_ns = append.first_sent.0.saturating_sub(shard.rt.wall_ns() as i64);
    if ahead_ns > CLOCK_SKEW_NS_MAX {
        let text = format!(
            "first_sent is {} s ahead of the server's clock; at most {} s are taken: set the client's clock",
            ahead_ns / 1_000_000_000,
            CLOCK_SKEW_NS_MAX / 1_000_000_000
        );
        return Err(Refused::new(Status::PermanentPayload, text));
    }
    let bytes = append.rows.len() as u64;
    let mut frame = MutableBuffer::new(append.rows.len());
    frame.extend_from_slice(append.rows);
    let frame = Buffer::from(frame);
    let opened =
        Frame::open(&frame).map_err(|error| Refused::new(Status::of_frame(&error), error.to_string()))?;
    let head = opened.head();
    if (head.stream, head.schema_version) != (append.stream, append.schema_version) {
        let text = "stream and schema version of the message and of its frame differ";
        return Err(Refused::new(Status::PermanentPayload, text));
    }
    if append.schema_version > stream.stream.schema_version {
        let text = format!(
            "schema version {} of stream '{}' is not known; its newest is {}",
            append.schema_version.0, stream.stream.name, stream.stream.schema_version.0
        );
        return Err(Refused::new(Status::PermanentSchema, text));
    }
    let rows = u32::try_from(opened.rows()).unwrap_or(u32::MAX);
    let ids = match append.ids {
        EventIds::Sequence { first, .. } if first.checked_add(u64::from(rows)).is_none() => {
            return Err(Refused::new(Status::PermanentPayload, "sequences end at 2^64 - 1"));
        }
        EventIds::Sequence { producer, first } => PartIds::Sequence { producer, first },
        EventIds::Opaque(ids) if ids.len() != opened.rows() => {
            let text = format!("{} event ids for {rows} rows", ids.len());
            return Err(Refused::new(Status::PermanentPayload, text));
        }
        EventIds::Opaque(ids) => PartIds::Opaque(ids.iter().collect()),
    };
    if rows == 0 {
        return Err(Refused::new(Status::PermanentPayload, "the frame has no rows"));
    }
    let batch = opened.read(&stream.schema);
    let batch = batch.map_err(|error| Refused::new(Status::of_frame(&error), error.to_string()))?;
    if let Some((row, bytes)) = too_large(&batch, &frame, shard.live.get().event_bytes_max) {
        let max = shard.live.get().event_bytes_max;
        let text = format!("row {row} has {bytes} bytes; an event has at most {max}");
        return Err(Refused::new(Status::PermanentPayload, text));
    }
    if let Some((row, owner)) = view.misplaced(stream, &batch, append.partition) {
        let text = format!(
            "the key of row {row} belongs to partition {}, not {}; fetch the routing table and divide the rows by it",
            owner.0, append.partition.0
        );
        return Err(Refused::new(Status::PermanentEpoch, text));
    }
    drop(view);
    take_credits(session, id, rows, bytes)?;
    let head = PartHead {
        stream: append.stream,
        schema_version: append.schema_version,
        rows,
        ids,
        first_sent: append.first_sent,
        replay: append.replay,
    };
    let deadline_ns = (append.timeout_ms > 0)
        .then(|| shard.rt.now().saturating_add(u64::from(append.timeout_ms) * 1_000_000));
    let (held, host) = (Rc::clone(session), Rc::clone(&partition));
    let done = Box::new(move |appended: Option<Appended>| {
        give_back(&held, id, rows, bytes);
        answer(&held, request, &host, appended);
    });
    let item = AppendItem { head, frame, deadline_ns, done };
    partition.append(item, &shard.settings).map_err(|_| {
        give_back(session, id, rows, bytes);
        let text = "too much waits in the partition; send it again later";
        Refused::later(Status::TransientBackpressure, text, 50)
    })
}

/// Definitions start a moment after they are deployed, and may have been stopped or fenced since.
fn no_reader(partition: &Partition) -> Refused {
    let text = format!(
        "no definition that runs in partition {} takes rows of the stream now: it is starting, stopped or fenced",
        partition.id
    );
    Refused::later(Status::TransientWarmup, text, 100)
}

/// What a client is told about a partition that this shard does not have.
fn elsewhere(shard: &Shard, view: &super::view::View, id: PartitionRef) -> Refused {
    let count = view.space(id.space).map_or(0, |space| space.leaders.len());
    if id.partition.0 as usize >= count {
        let text = format!("there is no partition {id}; fetch the routing table");
        return Refused::new(Status::PermanentEpoch, text);
    }
    let is_mine = shard_of(id, shard.lanes.shards()) == shard.number;
    match view.address(id).filter(|_| !is_mine) {
        Some(address) => Refused {
            redirect: Some(address.to_owned()),
            ..Refused::new(Status::TransientRedirect, format!("partition {id} is at {address}"))
        },
        None => Refused::later(Status::TransientWarmup, format!("partition {id} is starting"), 50),
    }
}

fn take_credits(session: &Session, id: PartitionRef, rows: u32, bytes: u64) -> Result<(), Refused> {
    let mut under_way = session.under_way.borrow_mut();
    let used = under_way.get(&id).copied().unwrap_or_default();
    let limit = session.shard.live.get().credits;
    let fits = used.events + u64::from(rows) <= limit.events && used.bytes + bytes <= limit.bytes;
    if !fits && used != Window::default() {
        let text = format!(
            "{} rows and {} bytes are under way to partition {id}; wait for acks",
            used.events, used.bytes
        );
        return Err(Refused::later(Status::TransientBackpressure, text, 50));
    }
    under_way.insert(id, Window { events: used.events + u64::from(rows), bytes: used.bytes + bytes });
    Ok(())
}

fn give_back(session: &Session, id: PartitionRef, rows: u32, bytes: u64) {
    let mut under_way = session.under_way.borrow_mut();
    let Some(used) = under_way.get_mut(&id) else { return };
    used.events -= u64::from(rows);
    used.bytes -= bytes;
    if *used == Window::default() {
        under_way.remove(&id);
    }
}

fn answer(session: &Session, request: RequestId, partition: &Partition, appended: Option<Appended>) {
    let (index, first_row, outcomes) = match appended {
        Some(Ok(done)) => done,
        Some(Err(error)) => return refuse(session, request, &of_raft(&error), Some(partition)),
        None => {
            let refused = Refused::new(Status::TransientRetry, "it was not logged within its timeout");
            return refuse(session, request, &refused, Some(partition));
        }
    };
    // These are of a whole append, of which nothing was remembered.
    match outcomes.first().map(|run| run.outcome) {
        Some(Applied::Rejected(RejectReason::Full)) => {
            let text = "the partition remembers as many producers and ids as it may; send it again later";
            let refused = Refused::later(Status::TransientBackpressure, text, 1_000);
            return refuse(session, request, &refused, Some(partition));
        }
        Some(Applied::Rejected(RejectReason::RetryExpired)) => {
            let text = "first sent too long ago to tell whether it was applied then";
            let refused = Refused::new(Status::PermanentRetryExpired, text);
            return refuse(session, request, &refused, Some(partition));
        }
        Some(Applied::Rejected(RejectReason::NoReader)) => {
            return refuse(session, request, &no_reader(partition), Some(partition));
        }
        _ => {}
    }
    let mut row = first_row;
    let runs: Vec<Run> = outcomes
        .iter()
        .map(|run| {
            let is_logged = matches!(run.outcome, Applied::Applied | Applied::LateDropped);
            let place = is_logged.then_some((LogIndex(index), row));
            row += run.rows;
            Run { count: run.rows, outcome: outcome(run.outcome), place }
        })
        .collect();
    let credits = credits(session, Some(partition));
    let ack = Ack { runs: runs.as_slice().into(), details: Texts::default(), credits, failure: None };
    let _ = session.out.send(request, ack);
}

fn outcome(applied: Applied) -> Outcome {
    let rejected = |reason| Outcome::Rejected(Rejected { reason, detail: None });
    match applied {
        Applied::Applied => Outcome::Applied,
        Applied::Duplicate => Outcome::Duplicate,
        Applied::LateDropped => Outcome::LateDropped,
        Applied::Rejected(RejectReason::Value) => rejected(Reason::Value),
        Applied::Rejected(RejectReason::FutureTime) => rejected(Reason::FutureTime),
        Applied::Rejected(RejectReason::SequenceGap) => rejected(Reason::SequenceGap),
        Applied::Rejected(RejectReason::Full | RejectReason::NoReader | RejectReason::RetryExpired) => {
            unreachable!("such an append is refused whole")
        }
    }
}

fn of_raft(error: &RaftError) -> Refused {
    let text = error.to_string();
    match error {
        RaftError::NotLeader { .. } | RaftError::Unknown => Refused::later(Status::TransientRetry, text, 50),
        RaftError::Log(_) => Refused::later(Status::TransientBackpressure, text, 50),
        RaftError::Stopped => Refused::later(Status::TransientRetry, text, 1_000),
        _ => Refused::new(Status::PermanentDurability, text),
    }
}

/// The first row that is larger than allowed, and its bytes; a frame that is not has none.
fn too_large(rows: &RecordBatch, frame: &Buffer, max: usize) -> Option<(usize, usize)> {
    if frame.len() <= max {
        return None;
    }
    let fixed: usize = rows.columns().iter().filter_map(|c| c.data_type().primitive_width()).sum();
    (0..rows.num_rows()).find_map(|row| {
        let bytes = fixed + rows.columns().iter().map(|c| variable_bytes(c.as_ref(), row)).sum::<usize>();
        (bytes > max).then_some((row, bytes))
    })
}

/// Bytes of a value that has no fixed width.
fn variable_bytes(array: &dyn Array, row: usize) -> usize {
    use arrow_array::cast::AsArray;
    match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().value_length(row) as usize,
        DataType::Binary => array.as_binary::<i32>().value_length(row) as usize,
        data_type if data_type.primitive_width().is_some() => 0,
        DataType::Boolean => 1,
        _ => array.slice(row, 1).to_data().get_slice_memory_size().unwrap_or(0),
    }
}
