//! Questions: a bounded SELECT, and its result in memory.
//!
//! Invariants:
//! - A query changes nothing, so it is asked again after any failure that passes.
//! - A result is held up to `result_bytes_max` of the options; a larger one is cancelled.

mod sink;

use std::sync::Arc;
use std::time::Duration;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use cep_types::frame::{ColumnId, FrameHead, SchemaVersion, encode};
use cep_types::{PartitionId, StreamId};
use net_wire::{Cancel, Features, ReadAt};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until, timeout_at};

use sink::QuerySink;

use crate::backoff::Backoff;
use crate::client::Shared;
use crate::connection::Connection;
use crate::error::ClientError;
use crate::pool::Purpose;

/// The stream of frames that belong to no stream.
pub(crate) const NO_STREAM: StreamId = StreamId(u32::MAX);
/// How much longer than the server's time the client waits for the answer.
const ANSWER_GRACE: Duration = Duration::from_millis(500);

/// A question. Begin with [`Query::new`] and change what should differ.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// The statement; parameters are `$1`, `$2`, ….
    pub sql: String,
    /// The parameters: one row, the first column being `$1`.
    pub parameters: Option<RecordBatch>,
    /// Name of the space; may be empty where there is only one.
    pub space: String,
    /// One partition of the space; all when `None`.
    pub partition: Option<PartitionId>,
    /// Most rows of the result; 0 for the server's limit.
    pub rows_max: u32,
    /// How long it may take in all; the client's `timeouts.query` when `None`.
    pub timeout: Option<Duration>,
}

impl Query {
    /// The statement, without parameters, on all partitions of the only space.
    pub fn new(sql: impl Into<String>) -> Self {
        Query {
            sql: sql.into(),
            parameters: None,
            space: String::new(),
            partition: None,
            rows_max: 0,
            timeout: None,
        }
    }
}

/// The result of a query.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryResult {
    /// Its columns.
    pub schema: SchemaRef,
    /// Its rows, in batches of at least one row.
    pub batches: Vec<RecordBatch>,
    /// Whether there were more rows than `rows_max`.
    pub is_truncated: bool,
    /// Up to where each partition that was asked had been applied.
    pub read_at: Vec<ReadAt>,
}

impl QueryResult {
    /// How many rows there are.
    pub fn row_count(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }
}

impl Query {
    pub(crate) async fn run(&self, shared: &Arc<Shared>) -> Result<QueryResult, ClientError> {
        let limit = self.timeout.unwrap_or(shared.options.timeouts.query);
        let deadline = Instant::now() + limit;
        let parameters = self.frame()?;
        let mut backoff = Backoff::new(shared.options.retry);
        let mut tries = 0;
        loop {
            let attempt = async {
                let connection = self.connection(shared, tries).await?;
                self.ask(&connection, parameters.clone(), deadline, shared.options.result_bytes_max).await
            };
            let answer = timeout_at(deadline + ANSWER_GRACE, attempt).await;
            let timed_out = |last| ClientError::Timeout { what: "a query", limit, last };
            let error = match answer {
                Ok(Err(error)) if error.is_transient() => error,
                Ok(answer) => return answer,
                Err(_) => return Err(timed_out(None)),
            };
            let asked = error.refusal().map(|refusal| refusal.retry_after).unwrap_or_default();
            let next = Instant::now() + backoff.next(asked);
            if next >= deadline {
                return Err(timed_out(Some(error.to_string())));
            }
            sleep_until(next).await;
            tries += 1;
        }
    }

    /// The parameters as a frame.
    fn frame(&self) -> Result<Option<Arc<Vec<u8>>>, ClientError> {
        let Some(row) = &self.parameters else {
            return Ok(None);
        };
        if row.num_rows() != 1 {
            let reason = format!("parameters are one row, not {}", row.num_rows());
            return Err(ClientError::Rows { reason });
        }
        let ids: Vec<ColumnId> = (1..).map(ColumnId).take(row.num_columns()).collect();
        let head = FrameHead { stream: NO_STREAM, schema_version: SchemaVersion(0) };
        let frame =
            encode(head, &ids, row).map_err(|error| ClientError::Rows { reason: error.to_string() })?;
        Ok(Some(Arc::new(frame)))
    }

    /// Who is asked: the leader of the partition, or another server with every try.
    async fn connection(&self, shared: &Arc<Shared>, tries: usize) -> Result<Arc<Connection>, ClientError> {
        if tries > 0 {
            // The old table may still do; whether it does shows below.
            let _ = shared.refresh_routing().await;
        }
        let routing = shared.routing.now();
        let space = routing.spaces.iter().find(|space| self.space.is_empty() || space.name == self.space);
        let leader = match (space, self.partition) {
            (Some(space), Some(partition)) => routing.leader(space.id, partition),
            _ => None,
        };
        let addresses = shared.addresses();
        let anybody = addresses.get(tries % addresses.len().max(1));
        let address = leader.map(|leader| &leader.address).or(anybody).ok_or(ClientError::Closed)?;
        shared.connection(address, Purpose::Queries).await
    }

    async fn ask(
        &self,
        connection: &Connection,
        parameters: Option<Arc<Vec<u8>>>,
        deadline: Instant,
        bytes_max: usize,
    ) -> Result<QueryResult, ClientError> {
        if !connection.session().features.contains(Features::QUERY) {
            let what = "the server does not offer queries; upgrade it".to_owned();
            return Err(ClientError::Unsupported { what });
        }
        let left_ms = deadline.saturating_duration_since(Instant::now()).as_millis();
        let (sender, receiver) = oneshot::channel();
        let request = connection.begin(Box::new(QuerySink::new(sender, bytes_max)))?;
        let mut asked = Asked { connection, request, is_over: false };
        let query = net_wire::Query {
            sql: &self.sql,
            space: &self.space,
            partition: self.partition,
            rows_max: self.rows_max,
            timeout_ms: u32::try_from(left_ms).unwrap_or(u32::MAX).max(1),
            parameters: parameters.as_ref().map_or(&[], |frame| frame.as_slice()),
        };
        connection.send(&mut connection.encoder(), request, &query.into(), parameters.clone())?;
        let answer = receiver.await.map_err(|_| ClientError::Closed)?;
        asked.is_over = !matches!(answer, Err(ClientError::ResultTooLarge { .. }));
        answer?.read().map_err(|reason| {
            connection.kill(&reason);
            ClientError::Malformed { address: connection.address().to_owned(), reason }
        })
    }
}

/// A query that was asked and is not answered: dropped, it is cancelled.
struct Asked<'a> {
    connection: &'a Connection,
    request: net_wire::RequestId,
    is_over: bool,
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        self.connection.forget(self.request);
        // A connection that ended has ended the query too.
        let _ = self.connection.send(&mut self.connection.encoder(), self.request, &Cancel.into(), None);
    }
}
