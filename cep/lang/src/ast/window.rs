//! Streaming windows (R-SQL-3): one tree for the three spellings.

use datafusion_sql::sqlparser::ast as sql;

use super::{Name, Span};

/// A window clause.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// Kind and parameters.
    pub kind: WindowKind,
    /// Column named by `DESCRIPTOR(col)` or a time parameter; must be the input's event time for
    /// the aligned kinds.
    pub time_column: Option<Name>,
    /// The clause.
    pub span: Span,
}

/// A length of time: calendar months plus days plus nanoseconds, as in `INTERVAL`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Duration {
    /// Calendar months (`1 YEAR` = 12).
    pub months: i32,
    /// Days. Fixed 24 h unless the window has a zone.
    pub days: i32,
    /// Nanoseconds.
    pub nanos: i64,
}

/// Kind and parameters of a window. Durations are positive, counts at least 1; the parser refuses
/// others.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the syntax above each kind names its parameters")]
pub enum WindowKind {
    /// `TUMBLING (SIZE d [, OFFSET d] [, ZONE 'tz'])`; alias `TUMBLE`.
    Tumbling { size: Duration, offset: Option<Duration>, zone: Option<String> },
    /// `HOP (SIZE d, SLIDE d [, OFFSET d] [, ZONE 'tz'])`; alias `SLIDING`, `HOPPING`.
    Hop { size: Duration, slide: Duration, offset: Option<Duration>, zone: Option<String> },
    /// `CUMULATE (STEP d, SIZE d [, OFFSET d] [, ZONE])`.
    Cumulate { step: Duration, size: Duration, offset: Option<Duration>, zone: Option<String> },
    /// `SESSION (GAP d [, KEY expr, …])`.
    Session { gap: Duration, keys: Vec<sql::Expr> },
    /// `TIME (SIZE d)`: sliding, by stamp.
    Time { size: Duration },
    /// `TIMEBATCH (SIZE d [, START ts])`: batches by stamp.
    TimeBatch { size: Duration, start: Option<sql::Expr> },
    /// `LENGTH (n)`: sliding, the last n rows.
    Length { rows: u64 },
    /// `LENGTHBATCH (n)`: each n rows.
    LengthBatch { rows: u64 },
    /// `TIMELENGTH (d, n)`: sliding, the last n rows not older than d.
    TimeLength { size: Duration, rows: u64 },
    /// `EXTERNALTIME (col, d)`: sliding, by a column.
    ExternalTime { column: sql::Expr, size: Duration },
    /// `EXTERNALTIMEBATCH (col, d [, START ts] [, TIMEOUT d])`.
    ExternalTimeBatch {
        column: sql::Expr,
        size: Duration,
        start: Option<sql::Expr>,
        timeout: Option<Duration>,
    },
    /// `BATCH ([n])`: the rows of one stamp, see the guide.
    Batch,
    /// `SORT (n, col [ASC|DESC], …)`: keeps the n smallest in the given order.
    Sort { rows: u64, order: Vec<sql::OrderByExpr> },
    /// `UNIQUE (expr, …)`: the last row of each key.
    Unique { keys: Vec<sql::Expr> },
    /// `FIRSTUNIQUE (expr, …)`: the first row of each key.
    FirstUnique { keys: Vec<sql::Expr> },
    /// `DELAY (d)`: rows pass d later.
    Delay { delay: Duration },
    /// `CRON ('expr')`: batches that close at cron times.
    Cron { expression: String },
    /// `EXPRESSION (cond)` / `EXPRESSION ('cond')`: sliding, drops the oldest rows while cond is false.
    Expression { condition: sql::Expr },
    /// `EXPRESSIONBATCH (cond)`: closes when cond turns false; `INCLUDE TRIGGERING TRUE` puts the row in.
    ExpressionBatch { condition: sql::Expr, include_triggering: bool },
    /// `FREQUENT (n [, expr, …])`: Misra–Gries.
    Frequent { counters: u64, keys: Vec<sql::Expr> },
    /// `LOSSYFREQUENT (support [, error] [, expr, …])`: lossy counting; both in (0, 1).
    LossyFrequent { support: f64, error: f64, keys: Vec<sql::Expr> },
}

/// A grain of CREATE AGGREGATION, ordered from fine to coarse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grain {
    /// One second.
    Second,
    /// One minute.
    Minute,
    /// One hour.
    Hour,
    /// One day.
    Day,
    /// ISO week, from Monday.
    Week,
    /// Calendar month.
    Month,
    /// Calendar year.
    Year,
}
