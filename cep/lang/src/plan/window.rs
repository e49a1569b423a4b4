//! Windows with resolved parameters.

use crate::ast::Duration;

use super::{AggCall, Expr, SortKey};

/// How windows of a size are laid out on the time axis: aligned to 1970-01-01T00:00:00 in the zone
/// (UTC when none), shifted by the offset. Sizes are either whole months or days plus nanoseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    /// Shift of the alignment.
    pub offset: Duration,
    /// IANA zone; with one, days follow the local clock (23 to 25 hours at changes).
    pub zone: Option<chrono_tz::Tz>,
}

/// Windows whose result is emitted when they close.
#[derive(Debug, Clone)]
pub enum BatchWindow {
    /// Event time, one window a row.
    Tumbling {
        /// Length.
        size: Duration,
        /// Alignment.
        calendar: Calendar,
    },
    /// Event time, a window of `size` every `slide`; a row is in all that cover it.
    Hop {
        /// Length.
        size: Duration,
        /// Distance of starts.
        slide: Duration,
        /// Alignment.
        calendar: Calendar,
    },
    /// Event time: within each `size`, windows from its start that grow by `step`.
    Cumulate {
        /// Growth.
        step: Duration,
        /// Largest length, a multiple of `step`.
        size: Duration,
        /// Alignment.
        calendar: Calendar,
    },
    /// Event time: rows of one key less than `gap_ns` apart; end = last row + gap.
    Session {
        /// Gap, ns.
        gap_ns: i64,
        /// Keys; empty: one session over all rows.
        keys: Vec<Expr>,
    },
    /// By stamp: `[start + k·size, …)`; closes when a stamp reaches the end.
    TimeBatch {
        /// Length, ns.
        size_ns: i64,
        /// First start, ns; `None`: stamp of the first row.
        start_ns: Option<i64>,
    },
    /// Every `rows` rows in arrival order.
    LengthBatch {
        /// Rows of a batch.
        rows: u64,
    },
    /// By a monotone column (BIGINT ms or TIMESTAMP, resolved to ns): closes when a row passes the end.
    ExternalTimeBatch {
        /// The time, TIMESTAMP.
        time: Expr,
        /// Length, ns.
        size_ns: i64,
        /// First start, ns; `None`: the first row's time.
        start_ns: Option<i64>,
        /// Stamp time without rows after which the batch closes anyhow, ns.
        timeout_ns: Option<i64>,
    },
    /// Rows with one stamp form a batch: closes when the stamp moves on.
    Batch,
    /// By stamp: closes at each time of a cron expression (UTC).
    Cron {
        /// Five or six fields.
        expression: String,
    },
    /// Grows while the condition holds.
    ExpressionBatch {
        /// BOOL over the batch including the new row; see [`WindowCondition`].
        condition: WindowCondition,
        /// The row that turned it false belongs to the batch it closes.
        include_triggering: bool,
    },
}

/// Windows that emit for every row.
#[derive(Debug, Clone)]
pub enum SlidingWindow {
    /// The last `rows` rows.
    Length {
        /// How many.
        rows: u64,
    },
    /// Rows whose stamp is later than the current stamp − size.
    Time {
        /// Length, ns.
        size_ns: i64,
    },
    /// At most `rows` rows, none older than `size_ns` by stamp.
    TimeLength {
        /// Length, ns.
        size_ns: i64,
        /// How many.
        rows: u64,
    },
    /// Rows whose column is later than the current row's − size.
    ExternalTime {
        /// The time, TIMESTAMP.
        time: Expr,
        /// Length, ns.
        size_ns: i64,
    },
    /// The `rows` smallest rows in the given order; ties keep the older.
    Sort {
        /// How many.
        rows: u64,
        /// Order.
        order: Vec<SortKey>,
    },
    /// The last row of each key.
    Unique {
        /// Keys.
        keys: Vec<Expr>,
    },
    /// The first row of each key; later ones are not let in and emit nothing.
    FirstUnique {
        /// Keys.
        keys: Vec<Expr>,
    },
    /// Drops the oldest rows while the condition is not true.
    Expression {
        /// BOOL over the window.
        condition: WindowCondition,
    },
    /// Misra–Gries: rows of the (at most `counters`) frequent keys.
    Frequent {
        /// Counters.
        counters: u64,
        /// Keys; empty: the whole row.
        keys: Vec<Expr>,
    },
    /// Lossy counting.
    LossyFrequent {
        /// Support in (0, 1).
        support: f64,
        /// Error in (0, support).
        error: f64,
        /// Keys; empty: the whole row.
        keys: Vec<Expr>,
    },
}

/// A condition over a window's content: aggregates over its rows, then an expression whose input
/// columns are `[aggregates…, columns of the first row…, columns of the last row…]`.
#[derive(Debug, Clone)]
pub struct WindowCondition {
    /// Aggregates over the rows.
    pub calls: Vec<AggCall>,
    /// BOOL.
    pub test: Expr,
}
