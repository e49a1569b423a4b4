//! Questions of clients: one SELECT in, its rows and an end out.
//!
//! Invariants: parts of an answer are in order, and none goes out after its end; what the client cancels is
//! ended, once; answers that wait for slow clients are bounded, in bytes and in time.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use arrow_array::RecordBatch;
use arrow_buffer::{Buffer, MutableBuffer};
use arrow_schema::Schema;
use cep_lang::lower::Question;
use cep_types::StreamId;
use cep_types::frame::{ColumnId, Frame, FrameHead, SchemaVersion, encode};
use net_wire::{Column, Failure, Query, QueryEnd, QueryRows, ReadAt, RequestId, Status};
use shard_control::PartitionRef;

use super::session::Session;
use crate::query::{Answer, Ask, TIMEOUT_DEFAULT, TIMEOUT_MAX, Unanswered, all};
use crate::shard::Shard;

/// The stream of frames that belong to no stream.
const NO_STREAM: StreamId = StreamId(u32::MAX);
/// Bytes of a part that is aimed at.
const PART_BYTES_AIM: usize = 1 << 20;
/// Questions of a connection at once at most.
pub(super) const QUERIES_MAX: usize = 16;

/// Answers of a shard that wait for their clients, in bytes, at most.
const UNSENT_BYTES_MAX: usize = 256 << 20;

/// An answer that waits for its client, in bytes.
struct Unsent<'a> {
    shard: &'a Shard,
    bytes: usize,
}

impl<'a> Unsent<'a> {
    fn new(shard: &'a Shard, bytes: usize) -> Option<Self> {
        let all = shard.unsent_bytes.get() + bytes;
        (all <= UNSENT_BYTES_MAX).then(|| {
            shard.unsent_bytes.set(all);
            Unsent { shard, bytes }
        })
    }
}

impl Drop for Unsent<'_> {
    fn drop(&mut self) {
        self.shard.unsent_bytes.set(self.shard.unsent_bytes.get() - self.bytes);
    }
}

/// A question under way: whether the client still wants the answer.
pub(crate) type Wanted = Rc<Cell<bool>>;

/// Begins to answer, or says why not.
pub(super) fn query(session: &Rc<Session>, request: RequestId, query: &Query<'_>) {
    let mut under_way = session.queries.borrow_mut();
    if under_way.contains_key(&request.0) {
        let error = Unanswered {
            status: Status::PermanentPayload,
            ..Unanswered::wrong("a query with this request id is under way")
        };
        return fail(session, request, &error);
    }
    if under_way.len() >= QUERIES_MAX {
        let text = format!("a connection has at most {QUERIES_MAX} queries under way; wait for one");
        return fail(session, request, &Unanswered::later(Status::TransientBackpressure, text));
    }
    let ask = match read(query) {
        Ok(ask) => ask,
        Err(error) => return fail(session, request, &error),
    };
    if let Some(partition) = ask.partition
        && let Some(error) = elsewhere(session, &ask.space, partition)
    {
        return fail(session, request, &error);
    }
    let wanted: Wanted = Rc::new(Cell::new(true));
    under_way.insert(request.0, Rc::clone(&wanted));
    drop(under_way);
    let held = Rc::clone(session);
    session.shard.rt.spawn("query", async move {
        let answer = all::answer(&held.shard, ask).await;
        let end = match answer {
            _ if !wanted.get() => cancelled(&held, request),
            Ok(answer) => send(&held, request, &answer, &wanted).await,
            Err(error) => {
                fail(&held, request, &error);
                Ok(())
            }
        };
        if let Err(error) = end {
            fail(&held, request, &error);
        }
        held.queries.borrow_mut().remove(&request.0);
    });
}

/// What is asked.
fn read(query: &Query<'_>) -> Result<Ask, Unanswered> {
    let parameters = parameters(query.parameters)?;
    let question = Question::parse(query.sql, parameters.as_ref());
    let question = question.map_err(|error| Unanswered::wrong(error.0))?;
    let timeout = match query.timeout_ms {
        0 => TIMEOUT_DEFAULT,
        ms => Duration::from_millis(u64::from(ms)),
    };
    Ok(Ask {
        space: query.space.to_owned(),
        partition: query.partition,
        rows_max: (query.rows_max > 0).then_some(query.rows_max),
        timeout,
        ..Ask::new(question)
    })
}

/// The row of parameters; column n is `$n`.
fn parameters(bytes: &[u8]) -> Result<Option<RecordBatch>, Unanswered> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let mut frame = MutableBuffer::new(bytes.len());
    frame.extend_from_slice(bytes);
    let frame = Frame::open(&Buffer::from(frame)).map_err(|error| Unanswered {
        status: Status::of_frame(&error),
        ..Unanswered::wrong(format!("the parameters: {error}"))
    })?;
    let in_order = (1..).zip(frame.columns()).all(|(number, column)| column.id == ColumnId(number));
    if frame.rows() != 1 || !in_order {
        let text = "parameters are one row whose columns have the ids 1, 2, … for $1, $2, …";
        return Err(Unanswered { status: Status::PermanentPayload, ..Unanswered::wrong(text) });
    }
    let fields: Vec<_> = frame.columns().iter().map(|column| column.field.clone()).collect();
    let arrays = frame.columns().iter().map(|column| column.array.clone()).collect();
    let row = RecordBatch::try_new(Schema::new(fields).into(), arrays);
    row.map(Some).map_err(|error| Unanswered::wrong(error.to_string()))
}

/// A partition that is asked alone is asked where it is.
fn elsewhere(session: &Session, space: &str, partition: cep_types::PartitionId) -> Option<Unanswered> {
    let view = session.shard.view.borrow();
    let found = match view.routing.spaces.as_slice() {
        [only] if space.is_empty() => Some(only),
        all => all.iter().find(|known| known.name == space),
    };
    let id = PartitionRef { space: found?.id, partition };
    if session.shard.partition(id).is_some() {
        return None;
    }
    let address = view.address(id)?;
    let text = format!("partition {id} is at {address}");
    let error = Unanswered::later(Status::TransientRedirect, text);
    Some(Unanswered { retry_after_ms: 0, redirect: Some(address.to_owned()), ..error })
}

fn fail(session: &Session, request: RequestId, error: &Unanswered) {
    let epoch = session.shard.view.borrow().epoch();
    let failure = Failure {
        retry_after_ms: error.retry_after_ms,
        redirect: error.redirect.as_deref(),
        routing_epoch: Some(epoch),
        ..Failure::new(error.status, &error.text)
    };
    let end =
        QueryEnd { failure: Some(failure), rows: 0, parts: 0, is_truncated: false, read_at: (&[]).into() };
    let _ = session.out.send(request, end);
}

fn cancelled(session: &Session, request: RequestId) -> Result<(), Unanswered> {
    let error = Unanswered::later(Status::TransientRetry, "the client has cancelled the query");
    fail(session, request, &Unanswered { retry_after_ms: 0, ..error });
    Ok(())
}

/// Sends rows in parts, and the end.
async fn send(
    session: &Session,
    request: RequestId,
    answer: &Answer,
    wanted: &Wanted,
) -> Result<(), Unanswered> {
    let rows = &answer.rows;
    let shard = &session.shard;
    let Some(_unsent) = Unsent::new(shard, rows.get_array_memory_size()) else {
        let text = "too many answers wait for clients that do not read; ask again later";
        return Err(Unanswered::later(Status::TransientBackpressure, text));
    };
    let ids: Vec<ColumnId> = (0..rows.num_columns() as u32).map(ColumnId).collect();
    let columns: Vec<Column> = (ids.iter().zip(rows.schema_ref().fields()))
        .map(|(&id, field)| Column { id, field: field.as_ref().clone() })
        .collect();
    let row_bytes = (rows.get_array_memory_size() / rows.num_rows().max(1)).max(1);
    let mut count = (PART_BYTES_AIM / row_bytes).max(1);
    let (mut from, mut part) = (0, 0);
    while part == 0 || from < rows.num_rows() {
        if shard.rt.timeout(TIMEOUT_MAX, session.out.room()).await.is_err() {
            return Err(Unanswered::later(Status::TransientRetry, "the client does not read the answer"));
        }
        if !wanted.get() {
            return cancelled(session, request);
        }
        let taken = count.min(rows.num_rows() - from);
        let head = FrameHead { stream: NO_STREAM, schema_version: SchemaVersion(0) };
        let frame = encode(head, &ids, &rows.slice(from, taken));
        let frame = frame.map_err(|error| {
            Unanswered::wrong(format!("the answer has a column that cannot be sent: {error}; cast it"))
        })?;
        let columns = if part == 0 { columns.clone() } else { Vec::new() };
        match session.out.send(request, QueryRows { part, columns, rows: &frame }) {
            Ok(()) => (from, part) = (from + taken, part + 1),
            Err(_) if taken > 1 => count = taken / 2,
            Err(error) => {
                let text = format!("a row of the answer is longer than the client takes: {error}");
                return Err(Unanswered::wrong(text));
            }
        }
    }
    let read_at: Vec<ReadAt> =
        answer.read_at.iter().map(|&(partition, index)| ReadAt { partition, index }).collect();
    let end = QueryEnd {
        failure: None,
        rows: rows.num_rows() as u64,
        parts: part,
        is_truncated: answer.is_truncated,
        read_at: read_at.as_slice().into(),
    };
    let _ = session.out.send(request, end);
    Ok(())
}
