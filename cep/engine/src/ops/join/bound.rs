//! How long the rows of a side are kept.

use cep_lang::plan::{JoinBound, JoinWindow};

/// How long the rows of one side are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// Not at all.
    Passing,
    /// The last `rows`, and not older than `size_ns` of stamp time.
    Queue {
        /// Rows.
        rows: Option<u64>,
        /// Stamp time, ns.
        size_ns: Option<i64>,
    },
    /// By a column: rows later than that of the row that arrives − `size_ns`.
    External {
        /// Size, ns.
        size_ns: i64,
    },
    /// Until the watermark is above the event time + `reach_ns`.
    Watermark {
        /// Largest distance of a partner that is later, ns; negative: all are earlier.
        reach_ns: i64,
    },
}

impl Kept {
    /// How `bound` keeps the rows of side `side`.
    pub fn of(bound: &JoinBound, side: usize) -> Kept {
        match bound {
            JoinBound::Windows(windows) => match &windows[side] {
                JoinWindow::Passing => Kept::Passing,
                JoinWindow::Length(rows) => Kept::Queue { rows: Some(*rows), size_ns: None },
                JoinWindow::Time(size_ns) => Kept::Queue { rows: None, size_ns: Some(*size_ns) },
                JoinWindow::TimeLength(size_ns, rows) => {
                    Kept::Queue { rows: Some(*rows), size_ns: Some(*size_ns) }
                }
                JoinWindow::ExternalTime { time: _, size_ns } => Kept::External { size_ns: *size_ns },
            },
            JoinBound::Interval { low_ns, high_ns } => {
                let reach_ns = if side == 0 { *high_ns } else { low_ns.saturating_neg() };
                Kept::Watermark { reach_ns }
            }
            // Such a join is another operator (`as_of`).
            JoinBound::AsOf(_) => Kept::Passing,
        }
    }

    /// When a row with this mark leaves by time alone: a stamp, or the largest watermark that
    /// keeps it. `None`: time alone does not make it leave.
    pub fn due(self, mark: i64) -> Option<i64> {
        match self {
            Kept::Queue { rows: _, size_ns } => size_ns.and_then(|size| mark.checked_add(size)),
            Kept::Watermark { reach_ns } => Some(mark.saturating_add(reach_ns)),
            Kept::Passing | Kept::External { .. } => None,
        }
    }

    /// Whether rows leave in the order of their marks.
    pub fn is_by_mark(self) -> bool {
        matches!(self, Kept::External { .. } | Kept::Watermark { .. })
    }
}
