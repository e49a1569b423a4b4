//! Joins of two streams.

use arrow_schema::SchemaRef;

use crate::ast::Span;

use super::{Expr, Node, OverBound};

/// A join; output = columns kept of the left side, then of the right one.
///
/// An arriving row is paired with the rows that are kept of the other side and fulfil keys, bound and
/// residual. A pair comes out at the place of the row that arrived later; its event time is the
/// later one of both.
#[derive(Debug, Clone)]
pub struct JoinNode {
    /// Left, right.
    pub sides: [JoinSide; 2],
    /// Values that must be equal and not NULL, over the inputs' columns.
    pub keys: Vec<(Expr, Expr)>,
    /// What else must be TRUE, over the output's columns.
    pub residual: Option<Expr>,
    /// How long rows are kept.
    pub bound: JoinBound,
    /// The columns kept of both sides.
    pub schema: SchemaRef,
    /// Rows kept of both sides together, at most (`join.rows.max`).
    pub rows_max: u64,
    /// What is done beyond `rows_max` (`join.rows.over`); always counted.
    pub over_bound: OverBound,
    /// Where it was written.
    pub span: Option<Span>,
}

/// One side of a join.
#[derive(Debug, Clone)]
pub struct JoinSide {
    /// Rows.
    pub input: Node,
    /// Columns of the input that are kept and come out.
    pub kept: Vec<usize>,
    /// Rows that never find a partner come out once, with NULL for the other side.
    pub outer: bool,
    /// Its rows look for partners when they arrive; FALSE: they only wait for rows of the other
    /// side.
    pub triggers: bool,
}

/// How long rows are kept.
#[derive(Debug, Clone)]
pub enum JoinBound {
    /// By a window on each side.
    Windows([JoinWindow; 2]),
    /// Event time of the right row − event time of the left row is in `low_ns..=high_ns`; a row is
    /// kept until the watermark has passed the last time that its partners can have.
    Interval {
        /// Least difference, ns.
        low_ns: i64,
        /// Largest difference, ns.
        high_ns: i64,
    },
    /// Of the right side each key has versions, and a row of the left side is paired with the one in
    /// force at its event time, once the watermark has passed it.
    AsOf(AsOfBound),
}

impl JoinBound {
    /// Whether rows wait for the watermark, so that late ones are left out.
    pub fn is_by_event_time(&self) -> bool {
        match self {
            JoinBound::Windows(_) => false,
            JoinBound::Interval { .. } | JoinBound::AsOf(_) => true,
        }
    }
}

/// Which version is in force for a row: the last one in the order of event time, then arrival, of those
/// whose age, event time of the left row − event time of the version, is within the bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AsOfBound {
    /// Least age, ns, ≥ 0; 1: versions of the same time do not count.
    pub least_age_ns: i64,
    /// Largest age, ns; `None`: a version counts until the next one.
    pub greatest_age_ns: Option<i64>,
}

/// Which rows of a side are kept.
#[derive(Debug, Clone)]
pub enum JoinWindow {
    /// None: rows only look for partners as they arrive.
    Passing,
    /// The last rows.
    Length(u64),
    /// Rows of the last `size_ns` of stamp time.
    Time(i64),
    /// The last rows, and not older than that.
    TimeLength(i64, u64),
    /// Rows whose time is later than that of the latest row − `size_ns`.
    ExternalTime {
        /// The time, over the input's columns.
        time: Expr,
        /// The size, ns.
        size_ns: i64,
    },
}

/// A join of the rows in one window. The content is: columns of the left side, columns of the right
/// side, others, `window_start`, `window_end`; a row of one side is NULL in the columns of the other.
///
/// Output = columns of both sides and the window's: pairs in the order of the left rows, then of the
/// right ones; then left rows without a partner, then right ones.
#[derive(Debug, Clone)]
pub struct BoundedJoin {
    /// Column of the content that says the side of a row: INT, 0 left, 1 right.
    pub side: usize,
    /// Number of columns of the left and the right side.
    pub widths: [usize; 2],
    /// Values that must be equal and not NULL, over the content of the left and the right row.
    pub keys: Vec<(Expr, Expr)>,
    /// What else must be TRUE, over the output's columns.
    pub residual: Option<Expr>,
    /// Rows that find no partner come out, with NULL for the other side.
    pub outer: [bool; 2],
    /// The output's columns.
    pub schema: SchemaRef,
}
