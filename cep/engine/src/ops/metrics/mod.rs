//! Metrics of a stream (R-BUN-2, R-BUN-3, R-LATE-2): rows in, and out comes each row with what the expressions say
//! of its lanes, or a row for each lane and final pane.
//!
//! [`inputs`] samples and labels of rows · [`operator`] rows one by one · [`bound`] the columns that rows
//! get · [`finals`] rows of final panes and their corrections.
//!
//! Invariants:
//! - A row is late when its pane is final: the watermark before it has passed the pane's end, and, where final
//!   panes may be corrected, the time for that too.
//! - Bound values are of the newest pane that a row came in. A row that came behind it reads them there.
//! - Final rows are made in order of pane, query and lane, up to the pane of the newest row: time alone, or the
//!   end of the input, makes none beyond.

mod bound;
mod finals;
mod inputs;
mod operator;

pub use operator::MetricsOp;
