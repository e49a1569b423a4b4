//! A whole program: streams and the continuous queries between them.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use cep_types::StreamId;
use cep_types::options::StreamOptions;

use crate::ast::{Grain, Schedule, Span};

use super::{AggCall, Expr, NamedExpr, Node, Probe, Table, TableId};

/// Streams, queries and aggregations of one script.
#[derive(Debug, Clone, Default)]
pub struct Program {
    /// By [`StreamId`].
    pub streams: Vec<Stream>,
    /// By [`QueryId`], in statement order, which is topological: a query's inputs are fed by
    /// earlier queries or by none.
    pub queries: Vec<Query>,
    /// `INSERT … VALUES`, applied once before the first event.
    pub constants: Vec<ConstRows>,
    /// `CREATE AGGREGATION`.
    pub aggregations: Vec<Aggregation>,
    /// Reads of aggregations and tables, answered when asked for: `ceptra run` asks at the end of input.
    pub reads: Vec<Read>,
    /// By [`TableId`].
    pub tables: Vec<Table>,
    /// Streams whose rows time makes.
    pub triggers: Vec<Trigger>,
}

/// `CREATE TRIGGER`.
#[derive(Debug, Clone)]
pub struct Trigger {
    /// Its stream, with one TIMESTAMP column: the time at which it was due.
    pub stream: StreamId,
    /// When it fires.
    pub schedule: Schedule,
    /// Its statement.
    pub span: Option<Span>,
}

/// A stream.
#[derive(Debug, Clone)]
pub struct Stream {
    /// Its number.
    pub id: StreamId,
    /// Its name, declared case.
    pub name: String,
    /// Its columns.
    pub schema: SchemaRef,
    /// Declared with columns, or made by a query.
    pub origin: StreamOrigin,
    /// How its time advances.
    pub time: StreamTime,
    /// What its rows mean.
    pub changelog: Changelog,
    /// Its connector, format, error policy and limits, checked.
    pub options: StreamOptions,
}

/// Where a stream's rows come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamOrigin {
    /// From outside: a source or a client.
    External,
    /// From queries only.
    Derived,
}

/// How a stream's stamps and watermark advance.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamTime {
    /// `clock` (R-DET-2).
    pub clock: Clock,
    /// Column of the event time; `None`: the stamp (external) or the time the row inherits (derived).
    pub column: Option<usize>,
    /// L, ns (R-LATE-1).
    pub lateness_ns: i64,
    /// G, ns; with `clock = ingest` only.
    pub guard_ns: i64,
    /// Stamp time without rows after which the stream is idle, ns.
    pub idle_ns: i64,
    /// What happens to late rows.
    pub late_policy: LatePolicy,
    /// C, ns.
    pub correction_ns: i64,
    /// Rows that come too late are copied here.
    pub late_stream: Option<StreamId>,
    /// With `clock = ingest`: refuse rows more than this ahead of the stamp, ns (R-LATE-3).
    pub future_skew_ns: i64,
    /// With `clock = ingest`: rows more than this behind the stamp are counted and late, ns (R-LATE-3).
    pub past_skew_ns: i64,
}

/// Where stamps come from (R-DET-2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// The entry's stamp.
    Ingest,
    /// Running maximum of the rows' event time.
    Event,
}

/// Late policy of a query (R-LATE-2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LatePolicy {
    /// Counted, and copied to the side stream if there is one.
    Drop,
    /// The window's row is retracted and replaced while its state is kept.
    Retract,
}

/// What the rows of a stream or output mean (R-SQL-3a).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changelog {
    /// Every row is a new fact.
    Append,
    /// Rows may be taken back: `-U`/`-D` carry the old row.
    Retract,
    /// A row replaces the one with the same key.
    Upsert,
}

/// Number of a continuous query within its program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueryId(pub u32);

/// A continuous query.
#[derive(Debug, Clone)]
pub struct Query {
    /// Its number.
    pub id: QueryId,
    /// Name for `_stream`, plans and counters: the target stream, or `query_1`, ….
    pub name: String,
    /// Where the rows go.
    pub target: Target,
    /// The operators.
    pub plan: Node,
    /// What the rows mean.
    pub changelog: Changelog,
    /// The statement.
    pub span: Option<Span>,
}

/// Where a query's rows go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Printed.
    Print,
    /// Into a stream.
    Stream(StreamId),
    /// Into a table: [`Node::TableWrite`] is the topmost node.
    Table(TableId),
}

/// Rows of `INSERT … VALUES`.
#[derive(Debug, Clone)]
pub struct ConstRows {
    /// Target.
    pub stream: StreamId,
    /// The rows, of the stream's schema.
    pub rows: RecordBatch,
}

/// `CREATE AGGREGATION` (R-SQL-7).
#[derive(Debug, Clone)]
pub struct Aggregation {
    /// Its name.
    pub name: String,
    /// Rows to aggregate.
    pub input: Node,
    /// WHERE.
    pub filter: Option<Expr>,
    /// Time of a row, TIMESTAMP over the input; `None`: event time.
    pub time: Option<Expr>,
    /// Group keys.
    pub keys: Vec<NamedExpr>,
    /// Aggregates.
    pub calls: Vec<AggCall>,
    /// Columns of a read before projection: `AGG_TIMESTAMP` (start of the bucket, TIMESTAMP), keys, aggregates.
    pub schema: SchemaRef,
    /// Output columns over `schema`.
    pub project: Vec<NamedExpr>,
    /// Columns that a read sees.
    pub output: SchemaRef,
    /// Grains kept, finest first.
    pub grains: Vec<Grain>,
    /// Zone of days and longer.
    pub zone: Option<chrono_tz::Tz>,
    /// Its SELECT.
    pub span: Option<Span>,
}

/// A SELECT from an aggregation or a table, answered once, when it is asked for.
#[derive(Debug, Clone)]
pub struct Read {
    /// Name for `_stream`.
    pub name: String,
    /// What is read.
    pub of: ReadOf,
    /// Steps on the answer.
    pub ops: Vec<super::BoundedOp>,
    /// Columns that come out.
    pub schema: SchemaRef,
    /// Print, or a stream.
    pub target: Target,
}

/// What a [`Read`] reads.
#[derive(Debug, Clone)]
pub enum ReadOf {
    /// `aggregation WITHIN … PER …`.
    Aggregation(AggregationRange),
    /// A table.
    Table(TableLook),
}

/// Roll-ups of a time.
#[derive(Debug, Clone, Copy)]
pub struct AggregationRange {
    /// Index into [`Program::aggregations`].
    pub aggregation: usize,
    /// From, ns, inclusive.
    pub from_ns: i64,
    /// To, ns, exclusive.
    pub to_ns: i64,
    /// Grain of the answer.
    pub per: Grain,
}

/// Rows of a table.
#[derive(Debug, Clone)]
pub struct TableLook {
    /// The table.
    pub table: TableId,
    /// Which rows are looked at; its expressions read no column. All conditions are asked again in the
    /// steps on the answer.
    pub probe: Probe,
    /// The stamp that `now()` is; `None`: the partition's.
    pub now_ns: Option<i64>,
}
